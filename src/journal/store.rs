//! The journal's file: opening and checking it, setting a damaged one aside, appending in one transaction.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::append::{self, Batch, Known};
use super::error::JournalError;
use super::keep::{self, Removed};
use super::{chain, history, upgrade};
use crate::base::clock::Now;
use crate::config::sections::Journal;

mod embedded {
    refinery::embed_migrations!("migrations/journal");
}

/// How long a lock of another connection is waited for.
const BUSY: Duration = Duration::from_secs(2);

/// An open journal, and what had to be done to open it.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub store: Store,
    /// Where a damaged file was put, if there was one.
    pub set_aside: Option<PathBuf>,
}

/// The journal, open for appending. One writer at a time.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// None between a failed commit and the next successful opening.
    conn: Option<Connection>,
    /// Which file was opened; none where the system does not say.
    identity: Option<(u64, u64)>,
    /// What the next append need not look up.
    known: Known,
    /// Where a damaged file lies, as long as it lies there.
    aside: Option<PathBuf>,
    #[cfg(test)]
    pub(crate) page_limit: std::sync::Arc<std::sync::atomic::AtomicU32>,
}

impl Store {
    /// Opens or creates the journal file `path`, checks it and brings its schema up to date.
    ///
    /// A damaged file is renamed to `….corrupt-TIME` with its `-wal` and `-shm`, and a new one is begun.
    pub fn open(path: &Path, now: Now) -> Result<Opened, JournalError> {
        directory_exists(path)?;
        match open_checked(path) {
            Err(e) if e.corrupt() => {
                let base_seq = newest_seq_of_damaged(path);
                let aside = set_aside(path, now)?;
                let conn = open_checked(path)?;
                conn.execute("update tally set base_seq = ?1", [base_seq])
                    .map_err(|e| JournalError::sqlite(path, "beginning a new file", e))?;
                let mut store = Self::with(path, conn)?;
                store.aside = Some(aside.clone());
                Ok(Opened { store, set_aside: Some(aside) })
            }
            Err(e) => Err(e),
            Ok(conn) => Ok(Opened { store: Self::with(path, conn)?, set_aside: None }),
        }
    }

    fn with(path: &Path, conn: Connection) -> Result<Self, JournalError> {
        let known = Known::read(&conn).map_err(|e| JournalError::sqlite(path, "reading its end", e))?;
        Ok(Self {
            path: path.to_path_buf(),
            conn: Some(conn),
            identity: identity(path),
            known,
            aside: newest_aside(path),
            #[cfg(test)]
            page_limit: std::sync::Arc::default(),
        })
    }

    /// The journal's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of it in one synced transaction, or nothing.
    ///
    /// After an error call [`Self::reopen`] and then append the same batch again, from memory: should the failed one have
    /// reached the disk after all, that is noticed, and it is not written twice.
    pub fn append(&mut self, batch: &Batch) -> Result<(), JournalError> {
        let bodies = append::encode(&batch.events)?;
        // A removed file takes writes without complaint, and they are gone with it.
        if identity(&self.path) != self.identity {
            return Err(JournalError::Removed(self.path.clone()));
        }
        let path = self.path.clone();
        let mut known = std::mem::take(&mut self.known);
        let written = append::append(self.conn_mut()?, &mut known, batch, &bodies);
        // What a failed one looked up may not be in the file.
        self.known = if written.is_ok() { known } else { Known::of_batch(known.batch) };
        written.map_err(|e| JournalError::sqlite(&path, "writing", e))
    }

    /// The seconds that are in no minute yet: those after the newest minute of any region. A region's name stands in
    /// each.
    pub fn not_rolled_up(&self) -> Result<Vec<crate::model::event::SecondReading>, JournalError> {
        history::not_rolled_up(self.conn()?).map_err(|e| JournalError::sqlite(&self.path, "reading its end", e))
    }

    /// Removes a little of what is old enough.
    pub fn keep(&mut self, keep: &Journal, sends: bool, now_s: i64) -> Result<Removed, JournalError> {
        let path = self.path.clone();
        // It may remove the newest event, or names that are cached stay as they are: only the head is read again.
        keep::step(self.conn_mut()?, keep, sends, now_s)
            .map_err(|e| JournalError::sqlite(&path, "removing old rows", e))
    }

    /// Where a damaged journal was put, as long as it lies there.
    #[must_use]
    pub fn set_aside(&self) -> Option<&Path> {
        self.aside.as_deref().filter(|p| p.exists())
    }

    /// Closes the file and opens it again, after a failed append. One that is damaged is set aside, and a new one begun.
    ///
    /// A failed sync may leave pages in memory that look written and are not. So everything the write-ahead log
    /// holds is copied into the main file and synced there, and the end of the chain is checked, before anything is
    /// believed again; what was not known to be durable is then appended again from memory.
    pub fn reopen(&mut self, now: Now) -> Result<(), JournalError> {
        match self.reopen_as_it_is() {
            Err(e) if e.corrupt() => {
                self.conn = None;
                let base_seq = newest_seq_of_damaged(&self.path);
                self.aside = Some(set_aside(&self.path, now)?);
                let conn = open_checked(&self.path)?;
                let fail = |e| JournalError::sqlite(&self.path, "beginning a new file", e);
                conn.execute("update tally set base_seq = ?1", [base_seq]).map_err(fail)?;
                self.known = Known::read(&conn).map_err(fail)?;
                self.conn = Some(conn);
                self.identity = identity(&self.path);
                Ok(())
            }
            other => other,
        }
    }

    fn reopen_as_it_is(&mut self) -> Result<(), JournalError> {
        self.conn = None;
        directory_exists(&self.path)?;
        let fail = |e| JournalError::sqlite(&self.path, "opening it again", e);
        let mut conn = connect(&self.path)?;
        #[cfg(test)]
        limit_pages(&conn, self.page_limit.load(std::sync::atomic::Ordering::SeqCst)).map_err(fail)?;
        let busy: i64 = conn.query_row("pragma wal_checkpoint(truncate)", [], |r| r.get(0)).map_err(fail)?;
        if busy != 0 {
            return Err(JournalError::Busy(self.path.clone()));
        }
        migrate(&mut conn, &self.path)?;
        let (number, before) = chain::newest_link(&conn).map_err(fail)?;
        if let Some(why) = before {
            return Err(JournalError::Corrupt { path: self.path.clone(), why: format!("event {number}: {why}") });
        }
        self.known = Known::read_again(&conn, self.known.batch).map_err(fail)?;
        self.conn = Some(conn);
        self.identity = identity(&self.path);
        Ok(())
    }

    /// Bytes on the disk: the file and its write-ahead log; none if it cannot be seen.
    #[must_use]
    pub fn size_bytes(&self) -> Option<u64> {
        let main = fs::metadata(&self.path).ok()?.len();
        let wal = fs::metadata(beside(&self.path, "-wal")).map_or(0, |m| m.len());
        Some(main + wal)
    }

    /// Lets the file grow to so many pages and no further, as on a full disk; 0 for no limit. Holds over reopening.
    #[cfg(test)]
    pub(crate) fn limit(&mut self, pages: u32) -> std::sync::Arc<std::sync::atomic::AtomicU32> {
        self.page_limit.store(pages, std::sync::atomic::Ordering::SeqCst);
        limit_pages(self.conn().expect("open"), pages).expect("limit set");
        self.page_limit.clone()
    }

    pub(super) fn conn(&self) -> Result<&Connection, JournalError> {
        self.conn.as_ref().ok_or_else(|| closed(&self.path))
    }

    fn conn_mut(&mut self) -> Result<&mut Connection, JournalError> {
        self.conn.as_mut().ok_or_else(|| closed(&self.path))
    }
}

/// Device and number of the file at that path.
#[cfg(unix)]
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

#[cfg(not(unix))]
pub(super) fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

fn closed(path: &Path) -> JournalError {
    let source = std::io::Error::new(std::io::ErrorKind::NotConnected, "it is closed after a failure");
    JournalError::File { path: path.to_path_buf(), doing: "using the journal", source }
}

fn directory_exists(path: &Path) -> Result<(), JournalError> {
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if dir.is_dir() { Ok(()) } else { Err(JournalError::NoDirectory(dir.to_path_buf())) }
}

fn open_checked(path: &Path) -> Result<Connection, JournalError> {
    let mut conn = connect(path)?;
    let verdict: String = conn
        .query_row("pragma quick_check(1)", [], |r| r.get(0))
        .map_err(|e| JournalError::sqlite(path, "checking it", e))?;
    if verdict != "ok" {
        return Err(JournalError::Corrupt { path: path.to_path_buf(), why: verdict });
    }
    migrate(&mut conn, path)?;
    Ok(conn)
}

fn connect(path: &Path) -> Result<Connection, JournalError> {
    let fail = |e| JournalError::sqlite(path, "opening it", e);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(fail)?;
    conn.busy_timeout(BUSY).map_err(fail)?;
    // SQLite falls back to reading when it may not write, and says so only at the first write.
    if conn.is_readonly("main").map_err(fail)? {
        let why = "it can only be read".into();
        return Err(JournalError::ReadOnly { path: path.to_path_buf(), why });
    }
    // Only a file without tables takes this on; an older one keeps its free pages for itself.
    conn.execute_batch("pragma auto_vacuum = incremental").map_err(fail)?;
    let mode: String = conn.query_row("pragma journal_mode = wal", [], |r| r.get(0)).map_err(fail)?;
    if mode != "wal" {
        let why = format!("it cannot keep a write-ahead log (mode {mode})");
        return Err(JournalError::ReadOnly { path: path.to_path_buf(), why });
    }
    // FULL: the log is synced at every commit. A small log keeps starts and readers fast.
    conn.execute_batch("pragma synchronous = full; pragma wal_autocheckpoint = 500; pragma foreign_keys = on;")
        .map_err(fail)?;
    Ok(conn)
}

fn migrate(conn: &mut Connection, path: &Path) -> Result<(), JournalError> {
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(refinery::Migration::version).max().unwrap_or(0);
    let found = schema(conn).map_err(|e| JournalError::sqlite(path, "reading its schema", e))?;
    if found > i64::from(known) {
        return Err(JournalError::Newer { path: path.to_path_buf(), found, known: known.into() });
    }
    if found != i64::from(known) {
        runner.run(conn).map_err(|e| migration_failed(path, &e))?;
    }
    // Also when the schema is new already: it may have been interrupted here.
    upgrade::finish(conn).map_err(|e| JournalError::sqlite(path, "bringing its rows up to date", e))
}

/// Whether this program can read a file of this schema without changing it.
pub(super) fn can_be_read(conn: &Connection, path: &Path) -> Result<(), JournalError> {
    let known = embedded::migrations::runner().get_migrations().iter().map(refinery::Migration::version).max();
    let known = i64::from(known.unwrap_or(0));
    let found = schema(conn).map_err(|e| JournalError::sqlite(path, "reading its schema", e))?;
    let path = || path.to_path_buf();
    match found {
        f if f > known => Err(JournalError::Newer { path: path(), found, known }),
        f if f < known => Err(JournalError::Older { path: path(), found, known }),
        _ => Ok(()),
    }
}

/// A failure of SQLite within a migration keeps its meaning: full, read-only, damaged.
fn migration_failed(path: &Path, e: &refinery::Error) -> JournalError {
    use std::error::Error as _;
    let code = e.source().and_then(|s| s.downcast_ref::<rusqlite::Error>()).and_then(rusqlite::Error::sqlite_error);
    match code {
        Some(code) => JournalError::sqlite(
            path,
            "bringing its schema up to date",
            rusqlite::Error::SqliteFailure(*code, Some(e.to_string())),
        ),
        None => JournalError::Migrate { path: path.to_path_buf(), why: e.to_string() },
    }
}

/// The newest migration that the file has seen; 0 for a new file.
fn schema(conn: &Connection) -> rusqlite::Result<i64> {
    let table = "select count(*) from sqlite_schema where name = 'refinery_schema_history'";
    if conn.query_row(table, [], |r| r.get::<_, i64>(0))? == 0 {
        return Ok(0);
    }
    conn.query_row("select coalesce(max(version), 0) from refinery_schema_history", [], |r| r.get(0))
}

/// The highest event number that can still be read from a damaged file, so that no number is given twice.
fn newest_seq_of_damaged(path: &Path) -> i64 {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
        .and_then(|c| c.query_row("select coalesce(max(seq), 0) from event", [], |r| r.get(0)))
        .unwrap_or(0)
}

fn set_aside(path: &Path, now: Now) -> Result<PathBuf, JournalError> {
    let stamp = now.wall.strftime("%Y%m%dT%H%M%SZ");
    let name = |n: u32| match n {
        1 => beside(path, &format!(".corrupt-{stamp}")),
        n => beside(path, &format!(".corrupt-{stamp}-{n}")),
    };
    let target = (1..1000).map(name).find(|p| !p.exists()).unwrap_or_else(|| name(1000));
    for suffix in ["", "-wal", "-shm"] {
        match fs::rename(beside(path, suffix), beside(&target, suffix)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                let doing = "setting the damaged journal aside";
                return Err(JournalError::File { path: beside(path, suffix), doing, source });
            }
            Ok(()) => {}
        }
    }
    Ok(target)
}

/// The newest damaged journal that still lies beside this one.
fn newest_aside(path: &Path) -> Option<PathBuf> {
    let start = format!("{}.corrupt-", path.file_name()?.to_str()?);
    let found = fs::read_dir(path.parent()?).ok()?.flatten().map(|e| e.path());
    let named = |p: &PathBuf| {
        p.file_name()
            .and_then(|n| n.to_str())
            .is_some_and(|n| n.starts_with(&start) && !n.ends_with("-wal") && !n.ends_with("-shm"))
    };
    found.filter(named).max()
}

/// The path with something put behind its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
fn limit_pages(conn: &Connection, pages: u32) -> rusqlite::Result<()> {
    if pages > 0 {
        conn.query_row(&format!("pragma max_page_count = {pages}"), [], |r| r.get::<_, i64>(0))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
