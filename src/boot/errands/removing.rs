//! Errands that remove files: only regular files in known directories, only what was shown before consent and is still the same
//! file, never what is young or in use, never through a symbolic link.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::finding::Found;
use super::storage::{Item, Room, YOUNG, all_recordings, dirs, in_use, stale_temporary};
use super::{Means, Within};
use crate::base::text::bytes;
use crate::model::upkeep::Answer;
use crate::upkeep::errand::Ask;

/// Lines of evidence for names; what does not fit is left for the next time, so that everything that goes is named.
const NAME_LINES: usize = 32;
/// Characters of such a line.
const NAME_CHARS: usize = 280;

/// What was shown before consent, by errand.
#[derive(Debug, Default)]
pub struct Previewed(Mutex<BTreeMap<&'static str, Vec<Item>>>);

impl Previewed {
    fn keep(&self, errand: &'static str, items: &[Item]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(errand, items.to_vec());
    }

    /// Taken once: a second consent needs a second look.
    fn take(&self, errand: &'static str) -> Option<Vec<Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(errand)
    }
}

/// Names in few lines, grouped by directory; how many of the items they hold.
fn names(items: &[Item]) -> (Vec<String>, usize) {
    let (mut lines, mut dir, mut held) = (Vec::<String>::new(), None, 0);
    for item in items {
        let parent = item.path.parent();
        let name = format!("{} ({})", item.path.file_name().unwrap_or_default().to_string_lossy(), bytes(item.bytes));
        match lines.last_mut() {
            Some(line) if dir == parent && line.chars().count() + name.chars().count() + 2 <= NAME_CHARS => {
                line.push_str(", ");
                line.push_str(&name);
            }
            _ => {
                if lines.len() == NAME_LINES {
                    break;
                }
                let parent = parent.unwrap_or(Path::new("")).display();
                lines.push(format!("{parent}: {name}"));
            }
        }
        dir = parent;
        held += 1;
    }
    (lines, held)
}

/// Says what would go.
fn show(means: &Means, errand: &'static str, what: &str, items: &[Item]) -> Answer {
    let mut f = Found::default();
    let (lines, held) = names(items);
    let (now, later) = items.split_at(held);
    means.previewed.keep(errand, now);
    let total: u64 = now.iter().map(|i| i.bytes).sum();
    if now.is_empty() {
        f.good(format!("there is nothing to remove of {what}"));
        return f.answer();
    }
    f.good(format!("{} of {what} would be removed for good; that frees {}:", now.len(), bytes(total)));
    for line in lines {
        f.line(line);
    }
    if !later.is_empty() {
        f.line(format!("{} more are left for the next time", later.len()));
    }
    f.answer()
}

/// Removes what was shown and may still go (`allowed` by now); tells what was freed really.
fn remove(means: &Means, errand: &'static str, allowed: &[Item], w: &Within<'_>) -> Answer {
    let mut f = Found::default();
    let Some(shown) = means.previewed.take(errand) else {
        f.unknown("nothing was removed: look first at what would go, then agree");
        return f.answer();
    };
    let allowed: HashSet<(&Path, (u64, u64))> = allowed.iter().map(|i| (i.path.as_path(), i.identity)).collect();
    let roots: Vec<PathBuf> = dirs(means).into_iter().filter_map(|d| d.path.canonicalize().ok()).collect();
    let before = free(&roots);
    let (mut gone, mut freed, mut kept, mut faults) = (0, 0, 0, Vec::new());
    for item in &shown {
        if w.over() {
            f.unknown(format!("{}; {} of {} were removed", w.why(), gone, shown.len()));
            break;
        }
        if !allowed.contains(&(item.path.as_path(), item.identity)) {
            kept += 1;
            continue;
        }
        match remove_one(item, &roots) {
            Ok(()) => {
                gone += 1;
                freed += item.bytes;
            }
            Err(e) => faults.push(format!("{}: {e}", item.path.display())),
        }
    }
    f.judge(faults.is_empty(), format!("{gone} of {} files removed, {} freed", shown.len(), bytes(freed)));
    if kept > 0 {
        f.line(format!(
            "{kept} stay: they were changed, used or removed since they were shown, or need not go any more"
        ));
    }
    if let (Some(before), Some(after)) = (before, free(&roots)) {
        f.line(format!("free on the disks: {} before, {} after", bytes(before), bytes(after)));
    }
    for fault in faults.iter().take(10) {
        f.bad(fault);
    }
    f.answer()
}

/// Free bytes over the disks of these directories, each disk once.
fn free(roots: &[PathBuf]) -> Option<u64> {
    let found: BTreeMap<PathBuf, u64> =
        roots.iter().filter_map(|r| crate::host::disks::holder_of(r)).map(|h| (h.mount, h.free_bytes)).collect();
    (!found.is_empty()).then(|| found.values().sum())
}

/// Removes one file, if it is still the regular file that was shown and lies, with every link followed, in one of the roots.
fn remove_one(item: &Item, roots: &[PathBuf]) -> Result<(), String> {
    let meta = std::fs::symlink_metadata(&item.path).map_err(|e| e.to_string())?;
    if !meta.is_file() {
        return Err("is not a regular file; left".into());
    }
    let now = Item::of(&item.path, &meta).ok_or("its time cannot be read; left")?;
    if now.identity != item.identity || now.modified != item.modified {
        return Err("was changed since it was shown; left".into());
    }
    let parent = item.path.parent().ok_or("lies nowhere; left")?;
    let real = parent.canonicalize().map_err(|e| e.to_string())?;
    if real != parent || !roots.iter().any(|r| real.starts_with(r)) {
        return Err("lies outside the program's directories; left".into());
    }
    std::fs::remove_file(&item.path).map_err(|e| format!("cannot be removed: {e}; check who owns it"))
}

/// Removes temporary files, or says which.
pub(super) fn temporary(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    let (stale, ..) = stale_temporary(means, w);
    if ask.preview {
        return show(means, "remove-temporary", "the temporary files", &stale);
    }
    remove(means, "remove-temporary", &stale, w)
}

/// Removes the oldest recordings until the disk has its free share again, or says which.
pub(super) fn recordings(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    let cfg = &means.config.recording;
    let (all, whole) = all_recordings(means, w);
    if !whole {
        let mut f = Found::default();
        f.unknown(format!("{}; nothing was removed", w.why()));
        return f.answer();
    }
    let total: u64 = all.iter().map(|i| i.bytes).sum();
    let lacking = Room::of(&means.data.join(&cfg.directory)).map_or(0, |r| r.lacking(cfg.keep_free_percent));
    let lacking = lacking.max(total.saturating_sub(cfg.keep_at_most_bytes));
    let may = |i: &Item| w.now().wall.duration_since(i.modified) >= YOUNG && !marked(&i.path);
    let go = oldest(&all, lacking, &in_use(), may);
    if ask.preview {
        return show(means, "remove-recordings", "the oldest recordings", &go);
    }
    remove(means, "remove-recordings", &go, w)
}

/// A file `NAME.keep` beside a recording says that somebody still needs it.
fn marked(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push(".keep");
    Path::new(&name).exists()
}

/// The oldest ones until so much is freed. The newest of each directory stays whatever is lacking, so that no camera is left
/// without its last recording.
fn oldest(all: &[Item], lacking: u64, used: &HashSet<PathBuf>, may: impl Fn(&Item) -> bool) -> Vec<Item> {
    let newest: BTreeMap<Option<&Path>, &Path> = all.iter().map(|i| (i.path.parent(), i.path.as_path())).collect();
    let (mut go, mut freed) = (Vec::new(), 0);
    for item in all {
        if freed >= lacking {
            break;
        }
        let last = newest.get(&item.path.parent()).is_some_and(|n| *n == item.path);
        if last || used.contains(&item.path) || !may(item) {
            continue;
        }
        freed += item.bytes;
        go.push(item.clone());
    }
    go
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn item(path: &str, bytes: u64, second: i64) -> Item {
        let modified = Timestamp::from_second(second).unwrap();
        Item { path: path.into(), bytes, modified, identity: (1, second as u64) }
    }

    fn paths(items: &[Item]) -> Vec<&str> {
        items.iter().map(|i| i.path.to_str().unwrap()).collect()
    }

    #[test]
    fn the_oldest_go_until_enough_is_freed_and_each_directory_keeps_its_newest() {
        let all = [
            item("/v/a/1.mkv", 10, 1),
            item("/v/b/2.mkv", 10, 2),
            item("/v/a/3.mkv", 10, 3),
            item("/v/a/4.mkv", 10, 4),
        ];
        let none = HashSet::new();
        assert_eq!(oldest(&all, 0, &none, |_| true), []);
        assert_eq!(paths(&oldest(&all, 15, &none, |_| true)), ["/v/a/1.mkv", "/v/a/3.mkv"], "b's only one stays");
        assert_eq!(paths(&oldest(&all, 1000, &none, |_| true)), ["/v/a/1.mkv", "/v/a/3.mkv"], "the newest stays too");
        let used = HashSet::from([PathBuf::from("/v/a/1.mkv")]);
        assert_eq!(paths(&oldest(&all, 15, &used, |_| true)), ["/v/a/3.mkv"], "what is in use stays");
        assert_eq!(oldest(&all, 15, &none, |_| false), [], "what is young or marked stays");
    }

    #[test]
    fn everything_that_goes_is_named() {
        let many: Vec<Item> = (0..5000).map(|n| item(&format!("/v/a/recording-{n:05}.mkv"), 1 << 20, n)).collect();
        let (lines, held) = names(&many);
        assert!(lines.len() <= NAME_LINES && held > 100 && held < 5000, "{} lines for {held}", lines.len());
        let text = lines.join("\n");
        assert!(many[..held].iter().all(|i| text.contains(i.path.file_name().unwrap().to_str().unwrap())));
        assert!(lines.iter().all(|l| l.chars().count() <= NAME_CHARS));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_file_that_was_shown_goes_and_never_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (inside, outside) = (root.join("in"), root.join("out"));
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::create_dir_all(&outside).unwrap();
        let look = |p: &Path| Item::of(p, &std::fs::symlink_metadata(p).unwrap()).unwrap();
        let roots = [inside.clone()];

        std::fs::write(inside.join("a.tmp"), "x").unwrap();
        let a = look(&inside.join("a.tmp"));
        remove_one(&a, &roots).unwrap();
        assert!(!a.path.exists());

        std::fs::write(outside.join("b.tmp"), "x").unwrap();
        assert!(remove_one(&look(&outside.join("b.tmp")), &roots).unwrap_err().contains("outside"));
        std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
        let through = inside.join("link/b.tmp");
        assert!(remove_one(&look(&through), &roots).unwrap_err().contains("outside"));
        std::os::unix::fs::symlink(outside.join("b.tmp"), inside.join("c.tmp")).unwrap();
        assert!(remove_one(&look(&inside.join("c.tmp")), &roots).unwrap_err().contains("regular"));
        assert!(outside.join("b.tmp").exists() && inside.join("c.tmp").is_symlink());

        std::fs::write(inside.join("d.tmp"), "x").unwrap();
        let d = look(&inside.join("d.tmp"));
        std::fs::remove_file(&d.path).unwrap();
        std::fs::write(inside.join("other"), "y").unwrap();
        std::fs::rename(inside.join("other"), &d.path).unwrap();
        assert!(remove_one(&d, &roots).unwrap_err().contains("changed"), "another file has its name now");
    }
}
