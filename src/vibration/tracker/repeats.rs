//! Whether a picture is the one before once more: a camera that hangs, or a converter that fills gaps, sends the same again.

use crate::vibration::luma::Luma;

/// The region of the newest picture, as it came.
#[derive(Clone, Debug)]
pub(super) struct Newest {
    w: usize,
    pixels: Vec<u8>,
    known: bool,
}

impl Newest {
    /// For a region of `w` by `h` pixels.
    pub(super) fn new(w: usize, h: usize) -> Self {
        Self { w, pixels: vec![0; w * h], known: false }
    }

    /// Nothing was seen yet.
    pub(super) fn forget(&mut self) {
        self.known = false;
    }

    /// Whether the region with its corner at `corner` of `luma` is the same as in the picture before, which it now is for the next one. What lies beyond
    /// the picture tells nothing.
    pub(super) fn repeats(&mut self, luma: &Luma<'_>, (x, y): (i64, i64)) -> bool {
        let mut same = self.known;
        let left = usize::try_from(x).unwrap_or(0);
        for (i, kept) in self.pixels.chunks_exact_mut(self.w).enumerate() {
            let row = luma.row(y + i as i64);
            let seen = row.get(left..).unwrap_or_default();
            let n = seen.len().min(kept.len());
            same = same && kept[..n] == seen[..n];
            kept[..n].copy_from_slice(&seen[..n]);
        }
        self.known = true;
        // At the end of the scale no noise is seen.
        same && 2 * self.pixels.iter().filter(|p| (2..=253).contains(*p)).count() > self.pixels.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_comes_again_is_seen() {
        let mut newest = Newest::new(4, 3);
        let first: Vec<u8> = (2..50).collect();
        let mut other = first.clone();
        let repeats = |newest: &mut Newest, of: &[u8], corner| newest.repeats(&Luma::new(of, 8, 8, 6).unwrap(), corner);
        assert!(!repeats(&mut newest, &first, (2, 1)), "nothing came before");
        assert!(repeats(&mut newest, &first, (2, 1)));
        other[0] = 99;
        assert!(repeats(&mut newest, &other, (2, 1)), "outside of the region");
        other[3 * 8 + 5] = 99;
        assert!(!repeats(&mut newest, &other, (2, 1)), "its last pixel");
        assert!(repeats(&mut newest, &other, (2, 1)));
        newest.forget();
        assert!(!repeats(&mut newest, &other, (2, 1)));
        let dark = [0; 48];
        repeats(&mut newest, &dark, (2, 1));
        assert!(!repeats(&mut newest, &dark, (2, 1)), "in the dark all pictures are alike");
        // Partly outside, as a held piece never is but a picture that has changed may be.
        assert!(!repeats(&mut newest, &first, (-2, -1)));
        assert!(repeats(&mut newest, &first, (-2, -1)));
        assert!(repeats(&mut newest, &first, (20, 9)), "nothing is compared");
    }
}
