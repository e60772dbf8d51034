//! Reading the journal beside its writer: pages of events and of readings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Params, Row};

use super::error::JournalError;
use super::rows;
use crate::model::RoiId;
use crate::model::event::{Event, SecondReading};

/// The longest page.
pub const PAGE_MAX: usize = 10_000;

/// A page of a longer answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows, oldest first.
    pub items: Vec<T>,
    /// Whether there are more behind them.
    pub more: bool,
    /// Rows that this program does not know (a newer one wrote them); they are left out.
    pub unreadable: u64,
}

/// The journal, open for reading only. Never waits for the writer.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    conn: Connection,
}

impl History {
    /// Opens the journal file `path`, which must exist.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let fail = |e| JournalError::sqlite(path, "opening it for reading", e);
        if !path.is_file() {
            let source = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(JournalError::File {
                path: path.to_path_buf(),
                doing: "opening the journal for reading",
                source,
            });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags).map_err(fail)?;
        conn.busy_timeout(Duration::from_secs(2)).map_err(fail)?;
        conn.execute_batch("pragma query_only = on").map_err(fail)?;
        Ok(Self { path: path.to_path_buf(), conn })
    }

    /// Events from `from` until before `to`, by time and then by number. At most [`PAGE_MAX`].
    pub fn events(&self, from: Timestamp, to: Timestamp, limit: usize) -> Result<Page<Event>, JournalError> {
        let sql = "select seq, at_ns, body from event where at_ns >= ?1 and at_ns < ?2 order by at_ns, seq limit ?3";
        let limit = limit.min(PAGE_MAX);
        self.page(sql, (rows::to_ns(from), rows::to_ns(to), limit as i64 + 1), limit, rows::event)
    }

    /// Events with numbers above `seq`, by number: the way to go through all of them. At most [`PAGE_MAX`].
    pub fn events_after(&self, seq: u64, limit: usize) -> Result<Page<Event>, JournalError> {
        let sql = "select seq, at_ns, body from event where seq > ?1 order by seq limit ?2";
        let limit = limit.min(PAGE_MAX);
        self.page(sql, (seq as i64, limit as i64 + 1), limit, rows::event)
    }

    /// The newest `last` events whose kind begins with `prefix`, oldest first. At most [`PAGE_MAX`].
    pub fn newest_of(&self, prefix: &str, last: usize) -> Result<Vec<Event>, JournalError> {
        let sql =
            "select seq, at_ns, body from event where kind >= ?1 and kind < ?1 || x'7f' order by seq desc limit ?2";
        let limit = last.min(PAGE_MAX);
        let mut page = self.page(sql, (prefix, limit as i64), limit, rows::event)?;
        page.items.reverse();
        Ok(page.items)
    }

    /// Readings of a region from second `from` until before `to` (Unix time). At most [`PAGE_MAX`].
    pub fn readings(&self, roi: &RoiId, from: i64, to: i64, limit: usize) -> Result<Page<SecondReading>, JournalError> {
        let sql = format!(
            "select {} from reading where roi = ?1 and second >= ?2 and second < ?3 order by second limit ?4",
            rows::READING
        );
        let limit = limit.min(PAGE_MAX);
        let row = |r: &Row<'_>| rows::reading(r).map(Some);
        self.page(&sql, (roi.as_str(), from, to, limit as i64 + 1), limit, row)
    }

    fn page<T>(
        &self,
        sql: &str,
        params: impl Params,
        limit: usize,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<Option<T>>,
    ) -> Result<Page<T>, JournalError> {
        let read = || {
            let mut statement = self.conn.prepare_cached(sql)?;
            statement.query_map(params, row)?.collect::<rusqlite::Result<Vec<Option<T>>>>()
        };
        let mut found = read().map_err(|e| JournalError::sqlite(&self.path, "reading history", e))?;
        let more = found.len() > limit;
        found.truncate(limit);
        let all = found.len();
        let items: Vec<T> = found.into_iter().flatten().collect();
        let unreadable = (all - items.len()) as u64;
        Ok(Page { items, more, unreadable })
    }
}
