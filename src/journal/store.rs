//! The journal's file: opening and checking it, setting a damaged one aside, appending in one transaction.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};

use super::error::JournalError;
use super::rows;
use crate::base::clock::Now;
use crate::model::event::{Event, SecondReading};

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
                Ok(Opened { store: Self::with(path, conn), set_aside: Some(aside) })
            }
            Err(e) => Err(e),
            Ok(conn) => Ok(Opened { store: Self::with(path, conn), set_aside: None }),
        }
    }

    fn with(path: &Path, conn: Connection) -> Self {
        Self {
            path: path.to_path_buf(),
            conn: Some(conn),
            identity: identity(path),
            #[cfg(test)]
            page_limit: std::sync::Arc::default(),
        }
    }

    /// The journal's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of it in one synced transaction, or nothing.
    ///
    /// What is already there is left as it is, so a repeat after an unclear failure does no harm. After an error
    /// call [`Self::reopen`] before the next append.
    pub fn append(&mut self, events: &[Event], readings: &[SecondReading]) -> Result<(), JournalError> {
        let bodies = encode(events)?;
        // A removed file takes writes without complaint, and they are gone with it.
        if identity(&self.path) != self.identity {
            return Err(JournalError::Removed(self.path.clone()));
        }
        let path = self.path.clone();
        let conn = self.conn_mut()?;
        append_rows(conn, events, &bodies, readings).map_err(|e| JournalError::sqlite(&path, "writing", e))
    }

    /// Closes the file and opens it again, after a failed append.
    ///
    /// A failed sync may leave pages in memory that look written and are not. So everything the write-ahead log
    /// holds is copied into the main file and synced there before anything is believed again.
    pub fn reopen(&mut self) -> Result<(), JournalError> {
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
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

fn closed(path: &Path) -> JournalError {
    let source = std::io::Error::new(std::io::ErrorKind::NotConnected, "it is closed after a failure");
    JournalError::File { path: path.to_path_buf(), doing: "using the journal", source }
}

fn encode(events: &[Event]) -> Result<Vec<String>, JournalError> {
    let body = |e: &Event| serde_json::to_string(&e.kind).map_err(|source| JournalError::Encode { seq: e.seq, source });
    events.iter().map(body).collect()
}

fn append_rows(
    conn: &mut Connection,
    events: &[Event],
    bodies: &[String],
    readings: &[SecondReading],
) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut added = 0;
    {
        let mut insert = tx.prepare_cached(
            "insert into event (seq, at_ns, kind, subject, body) values (?1, ?2, ?3, ?4, ?5) \
             on conflict (seq) do nothing",
        )?;
        for (e, body) in events.iter().zip(bodies) {
            let (seq, at) = (e.seq as i64, rows::to_ns(e.at));
            added += insert.execute(params![seq, at, e.kind.name(), e.kind.subject(), body])?;
        }
        let mut insert = tx.prepare_cached(
            "insert into reading (second, roi, displacement_pp_px, displacement_rms_px, velocity_rms_mm_s, peak_hz, \
             peak_amplitude_px, uncertainty_px, grade) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             on conflict (roi, second) do nothing",
        )?;
        for r in readings {
            insert.execute(params![
                r.second,
                r.roi.as_str(),
                r.displacement_pp_px,
                r.displacement_rms_px,
                r.velocity_rms_mm_s,
                r.peak_hz,
                r.peak_amplitude_px,
                r.uncertainty_px,
                r.grade.word(),
            ])?;
        }
        // Also when every row was there already: a commit that writes nothing would not sync.
        tx.prepare_cached("update tally set events = events + ?1, commits = commits + 1")?.execute([added as i64])?;
    }
    tx.commit()
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
    if found == i64::from(known) {
        return Ok(());
    }
    runner.run(conn).map(|_| ()).map_err(|e| migration_failed(path, &e))
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
