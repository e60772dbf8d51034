//! File patterns with `*` and `?`, as the configuration gives them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

/// Most files of one pattern; the newest are taken.
pub const MAX_FILES: usize = 64;

/// Most directory entries that are looked at for one pattern.
const MAX_ENTRIES: usize = 20_000;

/// The files that the pattern names now, in order. A pattern without wildcards names its file whether it exists or
/// not, so that its absence can be told.
#[must_use]
pub fn expand(pattern: &str) -> Vec<PathBuf> {
    if !has_wildcard(OsStr::new(pattern)) {
        return vec![PathBuf::from(pattern)];
    }
    let mut left = MAX_ENTRIES;
    let mut places = vec![PathBuf::new()];
    for part in Path::new(pattern).components() {
        places = step(&places, part, &mut left);
    }
    newest_files(places)
}

fn has_wildcard(part: &OsStr) -> bool {
    part.as_encoded_bytes().iter().any(|b| matches!(b, b'*' | b'?'))
}

fn step(places: &[PathBuf], part: Component<'_>, left: &mut usize) -> Vec<PathBuf> {
    let Component::Normal(name) = part else {
        return places.iter().map(|p| p.join(part)).collect();
    };
    if !has_wildcard(name) {
        return places.iter().map(|p| p.join(name)).collect();
    }
    let wanted = name.to_string_lossy();
    let mut next = Vec::new();
    for place in places {
        let dir = if place.as_os_str().is_empty() { Path::new(".") } else { place.as_path() };
        let Ok(entries) = fs::read_dir(dir) else { continue };
        for entry in entries.flatten().take(*left) {
            *left = left.saturating_sub(1);
            let found = entry.file_name();
            if matches(&wanted, &found.to_string_lossy()) {
                next.push(place.join(found));
            }
        }
    }
    next
}

fn newest_files(places: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut files: Vec<(SystemTime, PathBuf)> = places
        .into_iter()
        .filter_map(|p| {
            if packed(&p) {
                return None;
            }
            let meta = fs::metadata(&p).ok().filter(fs::Metadata::is_file)?;
            Some((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), p))
        })
        .collect();
    files.sort_by(|a, b| b.cmp(a));
    files.truncate(MAX_FILES);
    let mut paths: Vec<PathBuf> = files.into_iter().map(|(_, p)| p).collect();
    paths.sort();
    paths
}

/// Rotated files that were packed hold no lines to follow.
fn packed(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    ["gz", "xz", "bz2", "zst", "zip", "lz4"].iter().any(|e| ending.eq_ignore_ascii_case(e))
}

/// Whether a name fits a pattern: `*` any run, `?` any one character. A leading dot must be written out, as in a shell.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and how much of the name it took: only that star needs to be tried again.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_fit_patterns() {
        for (pattern, name, fits) in [
            ("*.log", "a.log", true),
            ("*.log", "a.log.1", false),
            ("*.log", ".hidden.log", false),
            ("postgresql-*-main.log", "postgresql-15-main.log", true),
            ("a?c*", "abc", true),
            ("a?c*", "ac", false),
            ("**", "x", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn expands_directories_and_names_bounded() {
        let dir = tempfile::tempdir().unwrap();
        for sub in ["x", "y"] {
            fs::create_dir(dir.path().join(sub)).unwrap();
            for i in 0..50 {
                fs::write(dir.path().join(sub).join(format!("{i:02}.log")), "").unwrap();
            }
        }
        let at = |p: &str| expand(dir.path().join(p).to_str().unwrap());
        assert_eq!(at("x/*.log").len(), 50);
        assert_eq!(at("*/0?.log").len(), 20);
        assert_eq!(at("*/*.log").len(), MAX_FILES);
        assert_eq!(at("*").len(), 0, "directories are no logs");
        fs::write(dir.path().join("x/a.log.1.gz"), "").unwrap();
        fs::write(dir.path().join("x/a.log.1"), "").unwrap();
        assert_eq!(at("x/a.log*").len(), 1, "packed files are left out");
        assert_eq!(at("nothing/*.log").len(), 0);
        assert_eq!(at("nothing.log").len(), 1, "a plain name stays, so that its absence is told");
    }

    proptest! {
        #[test]
        fn a_star_takes_any_name(prefix in "[a-z]{0,5}", middle in "[a-z.*]{0,9}", suffix in "[a-z]{0,5}") {
            let pattern = format!("{prefix}*{suffix}");
            let name = format!("{prefix}{middle}{suffix}");
            prop_assume!(!name.starts_with('.'));
            prop_assert!(matches(&pattern, &name));
        }
    }
}
