//! The data directory, held by one engine at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use crate::base::error::{Exit, Failure};

/// A data directory that is ours until this is dropped; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Held {
    /// The directory.
    pub dir: PathBuf,
    _lock: File,
}

impl Held {
    /// Makes the directory where it is missing (for its owner only) and takes it.
    ///
    /// # Errors
    /// Exit 75 if another engine holds it, 73 if it cannot be made or written.
    pub fn take(dir: &Path) -> Result<Self, Failure> {
        let cannot = |e: &std::io::Error| {
            let text = format!("cannot write the data directory {}: {e}; name another with --data-dir", dir.display());
            Failure::new(Exit::CannotWrite, text)
        };
        make(dir).map_err(|e| cannot(&e))?;
        let path = dir.join("engine.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| cannot(&e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Only for the sentence; an unreadable file changes nothing.
                let _ = file.read_to_string(&mut pid);
                let who = if pid.trim().is_empty() { String::new() } else { format!(" (process {})", pid.trim()) };
                let text = format!(
                    "another engine{who} holds the data directory {}; `vms status` asks it, or name another directory with --data-dir",
                    dir.display()
                );
                return Err(Failure::new(Exit::Held, text));
            }
            Err(TryLockError::Error(e)) => return Err(cannot(&e)),
        }
        let note = || -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(&file, "{}", std::process::id())
        };
        let mut note = note;
        note().map_err(|e| cannot(&e))?;
        Ok(Self { dir: dir.to_owned(), _lock: file })
    }
}

/// Makes a directory that only its owner may enter.
fn make(dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_engine_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/data");
        let first = Held::take(&path).unwrap();
        let second = Held::take(&path).unwrap_err();
        assert_eq!(second.exit, Exit::Held);
        assert!(second.to_string().contains(&std::process::id().to_string()), "{second}");
        drop(first);
        Held::take(&path).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "x").unwrap();
        assert_eq!(Held::take(&path).unwrap_err().exit, Exit::CannotWrite);
    }
}
