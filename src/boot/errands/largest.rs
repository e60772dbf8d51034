//! The errand that finds what takes the most room in a directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::finding::Found;
use super::storage::{allocated, dirs, walk};
use super::{Means, Within};
use crate::base::text::bytes;
use crate::model::upkeep::Answer;
use crate::upkeep::errand::Ask;

/// How many of each are told.
const TOLD: usize = 8;

/// The largest directories and files below one directory, or below each that the program writes to.
pub(super) fn largest(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    let mut f = Found::default();
    let roots: Vec<PathBuf> = match ask.subject {
        Some(s) => {
            let known = dirs(means).into_iter().find(|d| d.what == s).map(|d| d.path);
            vec![known.unwrap_or_else(|| s.into())]
        }
        None => outermost(dirs(means).into_iter().map(|d| d.path).collect()),
    };
    for root in roots {
        if !root.is_dir() {
            f.line(format!("{}: there is no such directory yet", root.display()));
            f.good("so it takes no room");
            continue;
        }
        let mut found = Sizes::default();
        let whole = walk(&root, w, &mut |path, meta| found.add(path, allocated(meta)));
        f.good(format!("{}: {} in {} files", root.display(), bytes(found.total), found.files));
        for (dir, size) in found.dirs() {
            f.line(format!("directory {}: {}", dir.display(), bytes(size)));
        }
        for (file, size) in &found.largest {
            f.line(format!("file {}: {}", file.display(), bytes(*size)));
        }
        if !whole {
            f.unknown(format!("{}: {}; what is told is only a part", root.display(), w.why()));
            break;
        }
    }
    f.answer()
}

/// Without those that lie in another one of them.
pub(super) fn outermost(mut all: Vec<PathBuf>) -> Vec<PathBuf> {
    all.sort();
    let mut out: Vec<PathBuf> = Vec::new();
    for path in all {
        if !out.iter().any(|o| path.starts_with(o)) {
            out.push(path);
        }
    }
    out
}

/// Sums, in bounded room: directories by their parent, and only the largest files.
#[derive(Default)]
struct Sizes {
    total: u64,
    files: u64,
    by_dir: BTreeMap<PathBuf, u64>,
    largest: Vec<(PathBuf, u64)>,
}

impl Sizes {
    fn add(&mut self, path: &Path, size: u64) {
        self.total += size;
        self.files += 1;
        if let Some(dir) = path.parent() {
            *self.by_dir.entry(dir.to_owned()).or_default() += size;
        }
        if self.largest.len() < TOLD || self.largest.last().is_some_and(|(_, s)| *s < size) {
            let at = self.largest.partition_point(|(_, s)| *s >= size);
            self.largest.insert(at, (path.to_owned(), size));
            self.largest.truncate(TOLD);
        }
    }

    fn dirs(&self) -> Vec<(&PathBuf, u64)> {
        let mut all: Vec<(&PathBuf, u64)> = self.by_dir.iter().map(|(d, s)| (d, *s)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        all.truncate(TOLD);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_few_are_kept() {
        let mut s = Sizes::default();
        for n in 0..100u64 {
            s.add(Path::new(&format!("/d{}/f{n}", n % 3)), n);
        }
        assert_eq!((s.total, s.files, s.largest.len()), (4950, 100, TOLD));
        assert_eq!(s.largest[0], (PathBuf::from("/d0/f99"), 99));
        assert!(s.largest.is_sorted_by(|a, b| a.1 >= b.1));
        assert_eq!(s.dirs().first().map(|d| d.0.clone()), Some(PathBuf::from("/d0")));
    }

    #[test]
    fn directories_within_others_are_counted_once() {
        let all = ["/data/videos", "/data", "/srv/backups", "/database"].map(PathBuf::from).to_vec();
        assert_eq!(outermost(all), ["/data", "/database", "/srv/backups"].map(PathBuf::from));
    }
}
