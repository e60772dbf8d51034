//! What changes from line to line is masked: numbers, times, addresses, identities and paths become placeholders.

/// Longest masked line, bytes; what follows is cut.
pub const MAX_BYTES: usize = 512;

/// Writes the line with its changing parts masked into `out`; words are set apart by one space. Times at its front are left out.
pub fn mask(line: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut at = 0;
    while at < line.len() && out.len() < MAX_BYTES {
        while at < line.len() && line[at].is_ascii_whitespace() {
            at += 1;
        }
        let start = at;
        let mut odd = false;
        while at < line.len() && !line[at].is_ascii_whitespace() {
            odd |= ODD[usize::from(line[at])];
            at += 1;
        }
        let word = &line[start..at];
        if word.is_empty() {
            break;
        }
        let before = out.len();
        if before > 0 {
            out.push(b' ');
        }
        if odd {
            mask_word(word, out);
        } else {
            out.extend_from_slice(word);
        }
        if before == 0 && matches!(&out[..], b"<time>" | b"[<time>" | b"[<time>]" | b"<time>:") {
            out.clear();
        }
    }
    out.truncate(MAX_BYTES);
}

/// Bytes that make a word worth a second look.
const ODD: [bool; 256] = {
    let mut odd = [false; 256];
    let mut b = b'0';
    while b <= b'9' {
        odd[b as usize] = true;
        b += 1;
    }
    odd[b'/' as usize] = true;
    odd[b'\\' as usize] = true;
    odd
};

fn mask_word(word: &[u8], out: &mut Vec<u8>) {
    let opens = |b: &u8| matches!(b, b'"' | b'\'' | b'(' | b'[' | b'{' | b'<' | b'`');
    let closes =
        |b: &u8| matches!(b, b'"' | b'\'' | b')' | b']' | b'}' | b'>' | b',' | b';' | b':' | b'.' | b'!' | b'`');
    let front = word.iter().take_while(|b| opens(b)).count();
    let back = word[front..].iter().rev().take_while(|b| closes(b)).count();
    let (core, tail) = word[front..].split_at(word.len() - front - back);
    out.extend_from_slice(&word[..front]);
    if let Some(name) = name_of(core) {
        out.push(b'<');
        out.extend_from_slice(name);
        out.push(b'>');
    } else if let Some(at) = core.iter().position(|b| *b == b'=').filter(|at| *at > 0 && at + 1 < core.len()) {
        out.extend_from_slice(&core[..=at]);
        mask_word(&core[at + 1..], out);
    } else {
        numbers(core, out);
    }
    out.extend_from_slice(tail);
}

/// What the word as a whole is.
fn name_of(w: &[u8]) -> Option<&'static [u8]> {
    let first = *w.first()?;
    let (mut digits, mut hex, mut dots, mut colons, mut dashes, mut slashes, mut timely) = (0, 0, 0, 0, 0, 0, 0);
    for b in w {
        match b {
            b'0'..=b'9' => (digits, hex, timely) = (digits + 1, hex + 1, timely + 1),
            b'a'..=b'f' | b'A'..=b'F' => hex += 1,
            b'.' => (dots, timely) = (dots + 1, timely + 1),
            b':' => (colons, timely) = (colons + 1, timely + 1),
            b'-' => (dashes, timely) = (dashes + 1, timely + 1),
            b'/' => (slashes, timely) = (slashes + 1, timely + 1),
            b'T' | b'Z' | b'+' | b',' => timely += 1,
            _ => {}
        }
    }
    if w.len() == 36 && dashes == 4 && hex == 32 && [8, 13, 18, 23].iter().all(|i| w[*i] == b'-') {
        return Some(b"uuid");
    }
    if dots == 3 && first.is_ascii_digit() && digits + dots + colons == w.len() && colons <= 1 && digits <= 17 {
        return Some(b"ip");
    }
    if first.is_ascii_digit() && timely == w.len() && (colons >= 2 || dashes >= 2 || slashes == 2) && digits >= 4 {
        return Some(b"time");
    }
    if digits > 0 && (w.len() >= 8 && hex == w.len() && hex > digits || w.len() > 2 && w.starts_with(b"0x")) {
        return Some(b"hex");
    }
    if colons > 0 && w.windows(3).any(|p| p == b"://") {
        return Some(b"url");
    }
    let drive = w.len() > 2 && w[1] == b':' && w[2] == b'\\';
    (drive || first == b'/' && w.len() > 1 && digits + slashes < w.len()).then_some(b"path")
}

/// Runs of digits (with their points and commas) become `<n>`; what stands about them stays.
fn numbers(w: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < w.len() {
        if !w[at].is_ascii_digit() {
            // A sign belongs to its number.
            let sign = matches!(w[at], b'-' | b'+') && at == 0 && w.get(1).is_some_and(u8::is_ascii_digit);
            if !sign {
                out.push(w[at]);
            }
            at += 1;
            continue;
        }
        out.extend_from_slice(b"<n>");
        while at < w.len()
            && (w[at].is_ascii_digit() || matches!(w[at], b'.' | b',') && w.get(at + 1).is_some_and(u8::is_ascii_digit))
        {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(line: &str) -> String {
        let mut out = Vec::new();
        mask(line.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_changes_is_masked_and_the_rest_stays() {
        for (line, want) in [
            (
                "2026-11-23T22:41:07.250Z  INFO vms::camera: stream opened in 3.5 ms",
                "INFO vms::camera: stream opened in <n> ms",
            ),
            (
                "2026-11-23 22:41:07.123 IST [812] ERROR:  relation \"t7\" does not exist",
                "IST [<n>] ERROR: relation \"t<n>\" does not exist",
            ),
            ("connect to 10.20.0.11:554 failed", "connect to <ip> failed"),
            ("peer 10.20.0.11, gone", "peer <ip>, gone"),
            ("id 550e8400-e29b-41d4-a716-446655440000.", "id <uuid>."),
            ("at 0x7ffe12 and deadbeef01", "at <hex> and <hex>"),
            ("deadline facade", "deadline facade"),
            ("open /var/log/x.log: denied", "open <path>: denied"),
            (r"open C:\logs\a.txt", "open <path>"),
            ("rtsp://10.0.0.1/s lost", "<url> lost"),
            ("count=12 took=-3ms p=99%", "count=<n> took=<n>ms p=<n>%"),
            ("a/b 1/2", "a/b <n>/<n>"),
            ("plc-1 v1.2.3", "plc-<n> v<n>"),
            ("", ""),
        ] {
            assert_eq!(masked(line), want, "{line}");
        }
    }

    proptest! {
        #[test]
        fn lines_that_differ_in_numbers_only_are_masked_alike(a in 0u32.., b in 0u32.., words in "[a-z]{1,9}( [a-z]{1,9}){0,5}") {
            prop_assert_eq!(masked(&format!("{words} {a} ms")), masked(&format!("{words} {b} ms")));
        }

        #[test]
        fn any_bytes_are_masked_within_the_bound(line in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let mut out = Vec::new();
            mask(&line, &mut out);
            prop_assert!(out.len() <= MAX_BYTES);
        }
    }
}
