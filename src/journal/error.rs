//! What can go wrong with the journal, in words that say what to do.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// A fault of the journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The directory is not there.
    #[error("the data directory {} does not exist; create it, or set another data directory", .0.display())]
    NoDirectory(PathBuf),
    /// The file or its directory cannot be written.
    #[error(
        "the journal {} cannot be written: {why}; give this user the right to write there, or mount it writable",
        path.display()
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A newer program wrote the file.
    #[error(
        "the journal {} has schema {found}, this program knows up to {known}; install the newer program again, \
         or restore a backup from before the update",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// An older program wrote the file, and nothing has brought it up to date yet.
    #[error(
        "the journal {} has schema {found}, this program reads {known}; start the engine once (`vms engine`), \
         it brings the file up to date",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The schema read here.
        known: i64,
    },
    /// No room.
    #[error("the disk of the journal {} is full; free some space there", .0.display())]
    Full(PathBuf),
    /// Another process holds the file.
    #[error("the journal {} is held by another process; end that one (see `fuser`), or wait", .0.display())]
    Busy(PathBuf),
    /// The file is damaged.
    #[error("the journal {} is damaged: {why}; restart the engine, it sets the file aside and begins a new one", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// The file was removed or replaced while it was open.
    #[error(
        "the journal {} was removed or replaced while in use; what it held is gone, a new one is begun; \
         leave this file to the engine",
        .0.display()
    )]
    Removed(PathBuf),
    /// The disk failed.
    #[error("the disk of the journal {} failed while {doing}: {why}; look at the kernel's log and check the disk", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        why: String,
    },
    /// A file operation failed.
    #[error("{} failed for {}: {source}; check that the file and its directory can be written", doing, path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Anything else SQLite said.
    #[error("the journal {} failed while {doing}: {source}; if it stays so, report it with this text", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The schema could not be brought up to date.
    #[error("the schema of the journal {} cannot be brought up to date: {why}; restore a backup or move the file away", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// An event has no written form.
    #[error("event {seq} cannot be written as text: {source}; report it with this text")]
    Encode {
        /// Its number.
        seq: u64,
        /// Why not.
        source: serde_json::Error,
    },
}

impl JournalError {
    /// Sorts what SQLite said by what a person can do about it.
    pub(crate) fn sqlite(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        let why = source.to_string();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(path),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(path),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path, why }
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { path, why },
            Some(ErrorCode::SystemIoFailure) => Self::Disk { path, doing, why },
            _ => Self::Sqlite { path, doing, source },
        }
    }

    /// Whether the file itself is damaged, so that setting it aside helps.
    pub(crate) fn corrupt(&self) -> bool {
        matches!(self, Self::Corrupt { .. })
    }
}
