//! Files that are there whole or not at all: written under a temporary name beside the place, synced, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::error::{Exit, Failure};

/// A file on its way. Dropped before it is [kept](Draft::keep), it leaves nothing behind.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    temporary: PathBuf,
    file: Option<File>,
}

impl Draft {
    /// Takes a place beside `path`, so that what cannot be written is known before there is something to write. The directory has
    /// to be there.
    ///
    /// # Errors
    /// Exit 73 where `path` is a directory, or its directory is not there or cannot be written.
    pub fn beside(path: &Path) -> Result<Self, Failure> {
        let refuse =
            |text: &str| Failure::new(Exit::CannotWrite, format!("{} cannot be written: {text}", path.display()));
        let Some(name) = path.file_name() else { return Err(refuse("it names no file; add the name of a file")) };
        if path.is_dir() {
            return Err(refuse("it is a directory; add the name of a file"));
        }
        let mut own = std::ffi::OsString::from(".");
        own.push(name);
        own.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(own);
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary).map_err(|e| {
            let dir = directory(path).display().to_string();
            match e.kind() {
                ErrorKind::NotFound => refuse(&format!("there is no directory {dir}; make it, or name another place")),
                ErrorKind::PermissionDenied => {
                    refuse(&format!("the directory {dir} may not be written; name another place"))
                }
                _ => refuse(&e.to_string()),
            }
        })?;
        Ok(Self { path: path.to_owned(), temporary, file: Some(file) })
    }

    /// Writes the whole file and puts it in its place. What was there is replaced; owner and permissions stay.
    ///
    /// # Errors
    /// Exit 73; what was there is then as it was.
    pub fn keep(mut self, bytes: &[u8]) -> Result<(), Failure> {
        let fail =
            |e: &io::Error| Failure::new(Exit::CannotWrite, format!("{} cannot be written: {e}", self.path.display()));
        let Some(mut file) = self.file.take() else { return Ok(()) };
        file.write_all(bytes).map_err(|e| fail(&e))?;
        if let Ok(there) = fs::metadata(&self.path) {
            // Written as root, it must not become unreadable to the user who runs the engine. Who may not give it away keeps it.
            #[cfg(unix)]
            {
                use std::os::unix::fs::{MetadataExt as _, chown};
                let _ = chown(&self.temporary, Some(there.uid()), Some(there.gid()));
            }
            fs::set_permissions(&self.temporary, there.permissions()).map_err(|e| fail(&e))?;
        }
        file.sync_all().map_err(|e| fail(&e))?;
        drop(file);
        fs::rename(&self.temporary, &self.path).map_err(|e| fail(&e))?;
        // The new name is safe once the directory is. Not every file system can do that, and the file is whole either way.
        #[cfg(unix)]
        if let Ok(dir) = File::open(directory(&self.path)) {
            let _ = dir.sync_all();
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After the rename there is nothing of this name any more.
        let _ = fs::remove_file(&self.temporary);
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        let names = || fs::read_dir(dir.path()).unwrap().count();
        drop(Draft::beside(&path).unwrap());
        assert_eq!(names(), 0);
        Draft::beside(&path).unwrap().keep(b"one").unwrap();
        let second = Draft::beside(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        second.keep(b"two").unwrap();
        assert_eq!((fs::read(&path).unwrap(), names()), (b"two".to_vec(), 1));
    }

    #[test]
    fn places_that_cannot_be_written_are_named() {
        let dir = tempfile::tempdir().unwrap();
        for (path, word) in [
            (dir.path().to_owned(), "it is a directory"),
            (dir.path().join("none/a.svg"), "there is no directory"),
            (PathBuf::from("/"), "it names no file"),
        ] {
            let e = Draft::beside(&path).unwrap_err();
            assert!(e.exit == Exit::CannotWrite && e.to_string().contains(word), "{e}");
        }
    }
}
