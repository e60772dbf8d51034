//! Numbered pictures on the disk: which numbers there are.

use std::path::Path;

/// Most pictures of a sequence.
const MOST: usize = 10_000_000;

/// What a pattern such as `frame-%04d.png` means: what stands before and after the number, and its least width.
fn pattern(name: &str) -> Option<(&str, usize, &str)> {
    let (before, rest) = name.split_once('%')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let (width, after) = (&rest[..digits], rest[digits..].strip_prefix('d')?);
    let width = match width {
        "" => 1,
        w => w.strip_prefix('0')?.parse().ok().filter(|w| (1..=9).contains(w))?,
    };
    // The reader behind takes the name for a pattern of its own: nothing else may be one.
    (!after.contains('%')).then_some((before, width, after))
}

/// The first and the last number of the pictures that the pattern in `path`'s file name means.
///
/// # Errors
/// In words: a pattern that is none, no such pictures, or a number that is missing in between.
pub(super) fn numbers(path: &Path) -> Result<(i32, i32), String> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let known = pattern(name).filter(|_| !folder.to_string_lossy().contains('%'));
    let Some((before, width, after)) = known else {
        return Err(
            "there is no such file, and it is no pattern of numbered pictures: one %d or %04d in the file's name is"
                .into(),
        );
    };
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{} cannot be listed: {e}", folder.display()))?;
    let number = |name: &str| {
        let digits = name.strip_prefix(before)?.strip_suffix(after)?;
        let n: i32 = digits.parse().ok().filter(|n| *n >= 0)?;
        (format!("{n:0width$}") == digits).then_some(n)
    };
    let mut found: Vec<i32> = entries.filter_map(|e| number(e.ok()?.file_name().to_str()?)).take(MOST).collect();
    found.sort_unstable();
    let (Some(first), Some(last)) = (found.first().copied(), found.last().copied()) else {
        return Err(format!("no picture in {} is called so", folder.display()));
    };
    if let Some(gap) = found.windows(2).find(|p| p[1] != p[0] + 1) {
        return Err(format!(
            "number {:0width$} is missing between {first:0width$} and {last:0width$}; number the pictures without gaps",
            gap[0] + 1
        ));
    }
    Ok((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_plain_number_is_a_pattern() {
        assert_eq!(pattern("f%04d.png"), Some(("f", 4, ".png")));
        assert_eq!(pattern("%d"), Some(("", 1, "")));
        for bad in [
            "%s%s%n.png",
            "%n.png",
            "f%d%d.png",
            "%4d.png",
            "%00d.png",
            "%-04d.png",
            "50%.y4m",
            "a%20b.mp4",
            "%04",
            "%0999999999d",
        ] {
            assert_eq!(pattern(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_begin_where_they_begin_and_gaps_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert!(numbers(&at("s%04d.png")).unwrap_err().contains("no picture"));
        for n in 1..=12 {
            std::fs::write(at(&format!("s{n:04}.png")), b"").unwrap();
        }
        std::fs::write(at("s13.png"), b"").unwrap();
        std::fs::write(at("sx.png"), b"").unwrap();
        assert_eq!(numbers(&at("s%04d.png")), Ok((1, 12)));
        std::fs::remove_file(at("s0007.png")).unwrap();
        let text = numbers(&at("s%04d.png")).unwrap_err();
        assert!(text.contains("number 0007 is missing between 0001 and 0012"), "{text}");
        assert!(numbers(&at("%s%n.png")).unwrap_err().contains("%04d"));
        assert!(numbers(Path::new("no-such%d/%04d.png")).is_err());
    }
}
