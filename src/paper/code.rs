//! The square code that a scanner reads.

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around the code, as its standard (ISO/IEC 18004) asks for.
const QUIET: i32 = 4;

/// A square code: its side in modules with the quiet zone, and the dark runs as (column, row, length).
pub struct Square {
    /// Modules of a side.
    pub side: u16,
    /// Dark runs.
    pub runs: Vec<(u16, u16, u16)>,
}

/// The code that holds this text; none where it is too long for one.
pub fn square(text: &str) -> Option<Square> {
    let qr = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let n = qr.size();
    let mut runs = Vec::new();
    for y in 0..n {
        let mut x = 0;
        while x < n {
            let from = x;
            while x < n && qr.get_module(x, y) {
                x += 1;
            }
            if x > from {
                runs.push(((from + QUIET) as u16, (y + QUIET) as u16, (x - from) as u16));
            }
            x += 1;
        }
    }
    Some(Square { side: (n + 2 * QUIET) as u16, runs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_and_a_book_does_not() {
        let got = square(&format!("vms record 17 sha256 {}", "a".repeat(64))).unwrap();
        assert!(got.side > 30 && got.side < 70, "{}", got.side);
        assert!(got.runs.iter().all(|(x, y, n)| *n > 0 && x + n <= got.side - 4 && *y >= 4));
        assert!(square(&"x".repeat(5000)).is_none());
    }
}
