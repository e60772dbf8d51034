//! A file read in blocks at any place, without a map of it in memory: it may grow or shrink meanwhile.

use std::fs::File;
use std::io;
use std::path::Path;

/// Bytes of a block that is searched.
pub const BLOCK: usize = 1 << 20;

/// A file open for reading at any place.
#[derive(Debug)]
pub struct Blocks {
    file: File,
    /// Bytes read since it was opened.
    pub read_bytes: u64,
}

impl Blocks {
    /// Opens the file.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        Ok(Self { file, read_bytes: 0 })
    }

    /// Its size now.
    ///
    /// # Errors
    /// What the system says.
    pub fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Reads from `at` until before `to` into `buffer` (which is replaced); less where the file ends before.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&mut self, at: u64, to: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
        let want = usize::try_from(to.saturating_sub(at)).unwrap_or(usize::MAX).min(64 << 20);
        // Not cleared before: what is there is written over, and zeroing a megabyte costs.
        buffer.resize(want, 0);
        let mut have = 0;
        while have < want {
            match read_at(&self.file, &mut buffer[have..], at + have as u64) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        buffer.truncate(have);
        self.read_bytes += have as u64;
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    use std::os::unix::fs::FileExt as _;
    file.read_at(buffer, at)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    use std::io::{Read as _, Seek as _};
    file.seek(io::SeekFrom::Start(at))?;
    file.read(buffer)
}
