//! Errands that look at storage: free space, the oldest recordings, temporary files; and which files may ever be removed.

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::finding::Found;
use super::largest::outermost;
use super::{Means, Within};
use crate::base::text::{age, bytes};
use crate::host::disks::holder_of;
use crate::model::upkeep::Answer;
use crate::upkeep::errand::Ask;

/// What is younger is never removed: somebody may still be at it.
pub(super) const YOUNG: SignedDuration = SignedDuration::from_hours(24);
/// Most entries that are looked at.
pub(super) const MOST_ENTRIES: usize = 500_000;
/// How deep directories are followed.
pub(super) const MOST_DEEP: usize = 12;
/// Oldest recordings listed.
const LISTED: usize = 10;

/// A directory that the program writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dir {
    /// What for.
    pub(super) what: &'static str,
    /// Where.
    pub(super) path: PathBuf,
}

/// The directories that the program writes to.
pub(super) fn dirs(means: &Means) -> Vec<Dir> {
    let c = &means.config;
    let of = |what, path: &Path| Dir { what, path: trimmed(&means.data.join(path)) };
    vec![
        of("data", Path::new("")),
        of("recordings", &c.recording.directory),
        of("logs", &c.logs.directory),
        of("backups", &c.backup.repository),
    ]
}

/// A file that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) path: PathBuf,
    /// What it takes on the disk.
    pub(super) bytes: u64,
    pub(super) modified: Timestamp,
    /// Device and number: the same name may be another file later.
    pub(super) identity: (u64, u64),
}

impl Item {
    pub(super) fn of(path: &Path, meta: &Metadata) -> Option<Self> {
        let modified = Timestamp::try_from(meta.modified().ok()?).ok()?;
        Some(Self { path: path.to_owned(), bytes: allocated(meta), modified, identity: identity(meta) })
    }
}

#[cfg(unix)]
pub(super) fn allocated(meta: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(meta).saturating_mul(512)
}

#[cfg(unix)]
fn identity(meta: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (meta.dev(), meta.ino())
}

#[cfg(not(unix))]
pub(super) fn allocated(meta: &Metadata) -> u64 {
    meta.len()
}

#[cfg(not(unix))]
fn identity(meta: &Metadata) -> (u64, u64) {
    (0, meta.len())
}

/// Every regular file below `root`. Symbolic links are never followed, other file systems never entered. False when it had to
/// stop early.
pub(super) fn walk(root: &Path, w: &Within<'_>, visit: &mut dyn FnMut(&Path, &Metadata)) -> bool {
    let Ok(top) = std::fs::symlink_metadata(root) else { return true };
    // The directory itself may lie elsewhere by a link that an administrator made; below it none is followed.
    let Ok(root) = root.canonicalize() else { return true };
    let device = if top.is_symlink() { std::fs::metadata(&root).map(|m| identity(&m).0) } else { Ok(identity(&top).0) };
    let Ok(device) = device else { return true };
    let (mut open, mut seen) = (vec![(root, 0)], 0);
    while let Some((dir, deep)) = open.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MOST_ENTRIES || (seen % 256 == 0 && w.over()) {
                return false;
            }
            let path = entry.path();
            let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
            if meta.is_dir() && identity(&meta).0 == device && deep < MOST_DEEP {
                open.push((path, deep + 1));
            } else if meta.is_file() {
                visit(&path, &meta);
            }
        }
    }
    true
}

/// Files that some process has open, as far as that can be seen.
pub(super) fn in_use() -> HashSet<PathBuf> {
    let mut found = HashSet::new();
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(fds) = std::fs::read_dir(process.path().join("fd")) else { continue };
        found.extend(fds.flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok()).filter(|p| p.is_absolute()));
    }
    found
}

/// Whether a name is that of a file on its way, which only a program that was killed leaves behind.
pub(super) fn temporary_name(name: &str) -> bool {
    // Not `.partial`: PostgreSQL keeps segments of its own under that name.
    let ends = [".tmp", ".temp", ".part"];
    let stem = ends.iter().find_map(|e| name.strip_suffix(e));
    stem.is_some_and(|s| !s.is_empty() && s != ".")
}

/// Whether a file belongs to a PostgreSQL server's data: nobody but that server touches it.
fn in_cluster(path: &Path) -> bool {
    path.ancestors().skip(1).take(MOST_DEEP).any(|d| d.join("PG_VERSION").exists())
}

/// Whether a name is that of a recording.
pub(super) fn recording_name(name: &str) -> bool {
    let ends = [".mkv", ".mp4", ".ts"];
    !name.starts_with('.') && ends.iter().any(|e| name.len() > e.len() && name.to_lowercase().ends_with(e))
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|n| n.to_str()).unwrap_or("")
}

/// Temporary files that nobody uses any more, oldest first, and how many are too young or in use. The last is false when not
/// all could be looked at.
pub(super) fn stale_temporary(means: &Means, w: &Within<'_>) -> (Vec<Item>, usize, bool) {
    let (mut stale, mut left, mut whole) = (Vec::<Item>::new(), 0, true);
    let (now, used) = (w.now().wall, in_use());
    for dir in outermost(dirs(means).into_iter().filter_map(|d| d.path.canonicalize().ok()).collect()) {
        whole &= walk(&dir, w, &mut |path, meta| {
            if !temporary_name(name_of(path)) || in_cluster(path) {
                return;
            }
            let Some(item) = Item::of(path, meta) else { return };
            if now.duration_since(item.modified) >= YOUNG && !used.contains(path) {
                stale.push(item);
            } else {
                left += 1;
            }
        });
    }
    stale.sort_by_key(|i| i.modified);
    (stale, left, whole)
}

/// Finds temporary files.
pub(super) fn temporary(means: &Means, w: &Within<'_>) -> Answer {
    let mut f = Found::default();
    let (stale, left, whole) = stale_temporary(means, w);
    let total: u64 = stale.iter().map(|i| i.bytes).sum();
    let text = format!("{} temporary files older than 1 day that nobody uses (limit 0), {}", stale.len(), bytes(total));
    f.judge(stale.is_empty(), text);
    if left > 0 {
        f.line(format!("{left} more are younger or in use and stay"));
    }
    for item in stale.iter().take(20) {
        f.line(line(item, w));
    }
    if !whole {
        f.unknown(w.why());
    }
    let looked: Vec<String> = dirs(means).iter().map(|d| d.path.display().to_string()).collect();
    f.line(format!("looked in {}", looked.join(", ")));
    f.answer()
}

pub(super) fn line(item: &Item, w: &Within<'_>) -> String {
    let old = Duration::try_from(w.now().wall.duration_since(item.modified)).unwrap_or_default();
    format!("{}: {}, {} old", item.path.display(), bytes(item.bytes), age(old))
}

/// Every recording, oldest first; false when not all could be looked at.
pub(super) fn all_recordings(means: &Means, w: &Within<'_>) -> (Vec<Item>, bool) {
    let mut found = Vec::new();
    let whole = walk(&means.data.join(&means.config.recording.directory), w, &mut |path, meta| {
        if recording_name(name_of(path)) {
            found.extend(Item::of(path, meta));
        }
    });
    found.sort_by_key(|i| i.modified);
    (found, whole)
}

/// How full the disk of the recordings may be, and is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Room {
    pub(super) free_bytes: u64,
    pub(super) total_bytes: u64,
}

impl Room {
    pub(super) fn of(dir: &Path) -> Option<Self> {
        holder_of(dir).map(|h| Self { free_bytes: h.free_bytes, total_bytes: h.total_bytes })
    }

    pub(super) fn free_percent(self) -> f64 {
        100.0 * self.free_bytes as f64 / self.total_bytes.max(1) as f64
    }

    /// How much must go so that this share is free.
    pub(super) fn lacking(self, keep_free_percent: f64) -> u64 {
        let wanted = (self.total_bytes as f64 * keep_free_percent / 100.0).ceil() as u64;
        wanted.saturating_sub(self.free_bytes)
    }
}

/// Lists the oldest recordings.
pub(super) fn old_recordings(means: &Means, w: &Within<'_>) -> Answer {
    let mut f = Found::default();
    let cfg = &means.config.recording;
    let dir = means.data.join(&cfg.directory);
    let (all, whole) = all_recordings(means, w);
    let total: u64 = all.iter().map(|i| i.bytes).sum();
    f.judge(
        total <= cfg.keep_at_most_bytes,
        format!(
            "{} recordings in {}, {} (limit {})",
            all.len(),
            dir.display(),
            bytes(total),
            bytes(cfg.keep_at_most_bytes)
        ),
    );
    match Room::of(&dir) {
        Some(room) => f.judge(
            room.lacking(cfg.keep_free_percent) == 0,
            format!(
                "its disk: {:.1} % free, {} (limit {} %)",
                room.free_percent(),
                bytes(room.free_bytes),
                cfg.keep_free_percent
            ),
        ),
        None => f.unknown("its disk does not tell how full it is"),
    }
    if all.is_empty() {
        f.line("nothing is recorded there");
    } else {
        f.line("the oldest:");
    }
    for item in all.iter().take(LISTED) {
        f.line(line(item, w));
    }
    if !whole {
        f.unknown(w.why());
    }
    f.answer()
}

/// How much is free where the program writes, and how long that lasts.
pub(super) fn space(means: &Means, ask: &Ask<'_>) -> Answer {
    let mut f = Found::default();
    let limit = means.config.resources.disk_free_percent;
    let all = dirs(means);
    let meant: Vec<Dir> = match ask.subject {
        Some(s) => all
            .into_iter()
            .filter(|d| d.path == Path::new(s) || d.what == s || trimmed(&d.path) == trimmed(Path::new(s)))
            .collect(),
        None => all,
    };
    let meant = match (meant.is_empty(), ask.subject) {
        (true, Some(s)) => vec![Dir { what: "disk", path: PathBuf::from(s) }],
        _ => meant,
    };
    let mut told = HashSet::new();
    for dir in meant {
        let Some(held) = holder_of(&dir.path) else {
            f.unknown(format!("{} {}: its disk does not tell how full it is", dir.what, dir.path.display()));
            continue;
        };
        if !told.insert(held.mount.clone()) {
            f.line(format!("{} {}: on the same disk", dir.what, dir.path.display()));
            continue;
        }
        let room = Room { free_bytes: held.free_bytes, total_bytes: held.total_bytes };
        let indicator = format!("disk.{}", held.mount.display());
        let forecast = ask.board.indicators.iter().find(|i| *i.id == indicator).and_then(|i| i.forecast);
        let lasts = forecast.map_or("the limit is not approached".into(), |t| {
            format!("the limit is reached in {} at this rate", age(t))
        });
        let text = format!(
            "{} {} (disk {}): {:.1} % free, {} of {} (limit {limit} %); {lasts}",
            dir.what,
            dir.path.display(),
            held.mount.display(),
            room.free_percent(),
            bytes(room.free_bytes),
            bytes(room.total_bytes)
        );
        f.judge(room.free_percent() > limit, text);
    }
    f.answer()
}

/// Without a slash at the end.
fn trimmed(path: &Path) -> PathBuf {
    path.components().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_files_on_their_way_are_temporary() {
        for name in [".vms.toml.812.tmp", "clip.mkv.part", "a.temp"] {
            assert!(temporary_name(name), "{name}");
        }
        for name in [
            "0000000100000001.partial",
            "journal.db",
            "journal.db-wal",
            "journal.db.corrupt-2026",
            ".tmp",
            "tmp",
            "a.tmp.mkv",
            "vms.log.1",
            "..tmp",
        ] {
            assert!(!temporary_name(name), "{name}");
        }
    }

    #[test]
    fn only_videos_are_recordings() {
        assert!(recording_name("deck-2026.mkv") && recording_name("A.MP4"));
        for name in [".mkv", ".hidden.mkv", "notes.txt", "clip.mkv.keep", "clip.json"] {
            assert!(!recording_name(name), "{name}");
        }
    }

    #[test]
    fn what_lacks_is_what_must_go() {
        let room = Room { free_bytes: 100, total_bytes: 1000 };
        assert_eq!((room.lacking(20.0), room.lacking(10.0), room.lacking(5.0)), (100, 0, 0));
    }
}
