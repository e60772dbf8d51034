//! A log file of bounded size with a bounded number of older ones beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// After so many writes the file is looked for by name: somebody may have moved or removed it.
const LOOK_EVERY_WRITES: u32 = 64;

/// Asks for a rotation before the next record, whatever the file's size.
#[derive(Clone, Debug, Default)]
pub struct Turn(Arc<AtomicBool>);

impl Turn {
    /// Asks for it.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn asked(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

/// Writes to `NAME`; when it would grow beyond its bound, `NAME` becomes `NAME.1`, `NAME.1` becomes `NAME.2`, and
/// what is beyond the count goes.
#[derive(Debug)]
pub struct RotatingFile {
    path: PathBuf,
    rotate_at_bytes: u64,
    keep: u32,
    file: Option<File>,
    size_bytes: u64,
    writes: u32,
    lost: Arc<AtomicU64>,
    turn: Turn,
}

impl RotatingFile {
    /// Opens `path` for appending, in a directory that is made where it is missing. A file that is too large already is
    /// rotated at once, and older files beyond `keep` are removed.
    ///
    /// # Errors
    /// The directory cannot be made or the file cannot be opened for writing.
    pub fn open(path: &Path, rotate_at_bytes: u64, keep: u32) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let mut log = Self {
            path: path.to_path_buf(),
            rotate_at_bytes: rotate_at_bytes.max(4096),
            keep,
            file: None,
            size_bytes: 0,
            writes: 0,
            lost: Arc::default(),
            turn: Turn::default(),
        };
        log.reopen()?;
        log.prune();
        if log.size_bytes > log.rotate_at_bytes {
            log.rotate()?;
        }
        Ok(log)
    }

    /// Counts the writes that failed (disk full, file gone); shared, so that it can be read while a thread writes.
    #[must_use]
    pub fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    /// Asks for a rotation from another thread.
    #[must_use]
    pub fn turn(&self) -> Turn {
        self.turn.clone()
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.file = None;
        let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.size_bytes = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    fn numbered(&self, n: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{n}"));
        name.into()
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        if self.keep == 0 {
            remove(&self.path)?;
        } else {
            remove(&self.numbered(self.keep))?;
            for n in (1..self.keep).rev() {
                rename(&self.numbered(n), &self.numbered(n + 1))?;
            }
            rename(&self.path, &self.numbered(1))?;
        }
        self.reopen()
    }

    /// Removes older files that a smaller `keep` left behind.
    fn prune(&self) {
        let Some((dir, name)) = self.path.parent().zip(self.path.file_name()) else { return };
        let prefix = format!("{}.", name.to_string_lossy());
        let Ok(entries) = fs::read_dir(dir) else { return };
        for entry in entries.flatten() {
            let file = entry.file_name();
            let number = file.to_str().and_then(|f| f.strip_prefix(&prefix)).and_then(|n| n.parse::<u32>().ok());
            if number.is_some_and(|n| n > self.keep) {
                // What cannot be removed now is tried again at the next start.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn look(&mut self) -> io::Result<()> {
        self.writes = 0;
        let same = match (&self.file, fs::metadata(&self.path)) {
            (Some(file), Ok(by_name)) => same_file(&file.metadata()?, &by_name),
            _ => false,
        };
        if same { Ok(()) } else { self.reopen() }
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.writes += 1;
        if self.file.is_none() || self.writes >= LOOK_EVERY_WRITES {
            self.look()?;
        }
        let full = self.size_bytes.saturating_add(record.len() as u64) > self.rotate_at_bytes;
        if self.size_bytes > 0 && (self.turn.asked() || full) {
            self.rotate()?;
        }
        let file = self.file.as_mut().ok_or_else(|| io::Error::other("the log file is not open"))?;
        file.write_all(record)?;
        self.size_bytes += record.len() as u64;
        Ok(())
    }
}

impl Write for RotatingFile {
    /// Takes a whole record, so that none is torn over two files.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        if let Err(e) = self.append(record) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            // Opened again at the next record.
            self.file = None;
            return Err(e);
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut v: Vec<String> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        v.sort();
        v
    }

    #[test]
    fn bounded_in_size_and_number_without_torn_records() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs/vms.log");
        let mut log = RotatingFile::open(&path, 4096, 2).unwrap();
        for i in 0..1000 {
            log.write_all(format!("record {i:04} {}\n", "x".repeat(80)).as_bytes()).unwrap();
        }
        let dir = path.parent().unwrap();
        assert_eq!(names(dir), ["vms.log", "vms.log.1", "vms.log.2"]);
        for name in names(dir) {
            let text = fs::read_to_string(dir.join(name)).unwrap();
            assert!(text.len() <= 4096);
            assert!(text.lines().all(|l| l.len() == 92), "every record is whole");
        }
        let newest = fs::read_to_string(&path).unwrap();
        assert!(newest.ends_with(&format!("record 0999 {}\n", "x".repeat(80))));
    }

    #[test]
    fn a_start_rotates_what_is_too_large_and_prunes_what_is_too_many() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vms.log");
        fs::write(&path, "x".repeat(5000)).unwrap();
        for n in 1..=4 {
            fs::write(dir.path().join(format!("vms.log.{n}")), format!("{n}")).unwrap();
        }
        fs::write(dir.path().join("vms.log.old"), "not ours").unwrap();
        let _log = RotatingFile::open(&path, 4096, 2).unwrap();
        assert_eq!(names(dir.path()), ["vms.log", "vms.log.1", "vms.log.2", "vms.log.old"]);
        assert_eq!(fs::read_to_string(dir.path().join("vms.log.2")).unwrap(), "1");
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    }

    #[test]
    fn goes_on_where_it_stopped_and_comes_back_after_removal() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vms.log");
        RotatingFile::open(&path, 4096, 2).unwrap().write_all(b"one\n").unwrap();
        let mut log = RotatingFile::open(&path, 4096, 2).unwrap();
        log.write_all(b"two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        fs::remove_file(&path).unwrap();
        for _ in 0..=LOOK_EVERY_WRITES {
            log.write_all(b"three\n").unwrap();
        }
        assert!(fs::read_to_string(&path).unwrap().starts_with("three\n"));
    }

    #[test]
    fn rotates_on_request_once_and_never_an_empty_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vms.log");
        let mut log = RotatingFile::open(&path, 4096, 2).unwrap();
        let turn = log.turn();
        turn.ask();
        log.write_all(b"one\n").unwrap();
        assert_eq!(names(dir.path()), ["vms.log"], "there was nothing to rotate yet");
        log.write_all(b"two\n").unwrap();
        assert_eq!(names(dir.path()), ["vms.log", "vms.log.1"], "the wish waits for something to rotate");
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
        log.write_all(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\nthree\n");
    }

    #[test]
    fn a_failed_write_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vms.log");
        let mut log = RotatingFile::open(&path, 4096, 1).unwrap();
        // A directory where an older file should be can be neither removed nor replaced.
        fs::create_dir_all(dir.path().join("vms.log.1/x")).unwrap();
        log.write_all(&[b'x'; 4000]).unwrap();
        assert!(log.write_all(&[b'x'; 400]).is_err());
        assert_eq!(log.lost().load(Ordering::Relaxed), 1);
    }
}
