//! Reading the journal beside its writer: pages of events and of readings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Params, Row};

use super::chain::{self, Verdict};
use super::error::JournalError;
use super::{packed, rows, store};
use crate::model::RoiId;
use crate::model::event::{Event, SecondReading};
use crate::model::record::{EventWaveform, Rolled};

/// The longest page.
pub const PAGE_MAX: usize = 10_000;

/// The distance of two points of a trend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Step {
    /// Its length in seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }
}

/// A series that the journal has.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesInfo {
    /// Its name: `roi.east-bearing.velocity_rms_mm_s`, `indicator.cpu`.
    pub name: Arc<str>,
    /// Its unit.
    pub unit: Arc<str>,
}

/// Which events are wanted.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Only kinds that begin with one of these; empty: all.
    pub kinds: Vec<String>,
    /// Only about subjects (alarm, camera, region, run) that contain this.
    pub subject: Option<String>,
    /// Only about exactly this.
    pub about: Option<String>,
    /// Only those whose written form contains this; letters count the same large and small.
    pub text: Option<String>,
    /// Only below this number: how a reader goes back page by page.
    pub before_seq: Option<u64>,
    /// Only above this number: how a reader goes on page by page.
    pub after_seq: Option<u64>,
}

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
        store::can_be_read(&conn, path)?;
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

    /// The newest events that the filter lets through, newest first; at most [`PAGE_MAX`]. `more`: there are older ones.
    pub fn events_where(&self, filter: &EventFilter, limit: usize) -> Result<Page<Event>, JournalError> {
        self.filtered(filter, "desc", limit)
    }

    /// The oldest events that the filter lets through, oldest first; at most [`PAGE_MAX`]. `more`: there are newer ones.
    pub fn events_onward(&self, filter: &EventFilter, limit: usize) -> Result<Page<Event>, JournalError> {
        self.filtered(filter, "asc", limit)
    }

    fn filtered(&self, filter: &EventFilter, order: &str, limit: usize) -> Result<Page<Event>, JournalError> {
        let limit = limit.min(PAGE_MAX);
        let mut conditions = vec!["at_ns >= ?1 and at_ns < ?2 and seq < ?3 and seq > ?4".to_owned()];
        let mut given: Vec<rusqlite::types::Value> = vec![
            filter.from.map_or(i64::MIN, rows::to_ns).into(),
            filter.to.map_or(i64::MAX, rows::to_ns).into(),
            filter.before_seq.map_or(i64::MAX, |s| s as i64).into(),
            filter.after_seq.map_or(-1, |s| s as i64).into(),
        ];
        let mut put = |value: String| {
            given.push(value.into());
            given.len()
        };
        if !filter.kinds.is_empty() {
            let each: Vec<String> = filter
                .kinds
                .iter()
                .map(|k| {
                    let n = put(k.clone());
                    format!("(kind >= ?{n} and kind < ?{n} || x'7f')")
                })
                .collect();
            conditions.push(format!("({})", each.join(" or ")));
        }
        if let Some(subject) = &filter.subject {
            conditions.push(format!("instr(lower(subject), lower(?{})) > 0", put(subject.clone())));
        }
        if let Some(about) = &filter.about {
            conditions.push(format!("subject = ?{}", put(about.clone())));
        }
        if let Some(text) = &filter.text {
            conditions.push(format!("instr(lower(body), lower(?{})) > 0", put(text.clone())));
        }
        let sql = format!(
            "select seq, at_ns, body from event where {} order by seq {order} limit {}",
            conditions.join(" and "),
            limit + 1
        );
        self.page(&sql, rusqlite::params_from_iter(given), limit, rows::event)
    }

    /// Readings per second from second `from` until before `to` (Unix time), of one region or of all, in the order in which
    /// they were written. At most [`PAGE_MAX`] seconds; `more` then says that there are further ones after the last.
    pub fn readings(
        &self,
        roi: Option<&RoiId>,
        from: i64,
        to: i64,
        seconds: usize,
    ) -> Result<Page<SecondReading>, JournalError> {
        let names = self.regions()?;
        let limit = seconds.min(PAGE_MAX);
        let sql = "select at, regions from second where at >= ?1 and at < ?2 order by at, id limit ?3";
        let unpack = |r: &Row<'_>| {
            let wanted = |n: u16| names.get(&n).filter(|name| roi.is_none_or(|roi| roi == *name)).cloned();
            Ok(packed::readings(r.get(0)?, r.get_ref(1)?.as_blob()?, wanted))
        };
        let page = self.page(sql, (from, to, limit as i64 + 1), limit, unpack)?;
        let items = page.items.into_iter().flatten().collect();
        Ok(Page { items, more: page.more, unreadable: page.unreadable })
    }

    /// The first and the last second of readings from `from` until before `to`; none where there is none.
    pub fn seconds_between(&self, from: i64, to: i64) -> Result<Option<(i64, i64)>, JournalError> {
        // Two look-ups in the index; `min` and `max` in one query would go through all of it.
        let sql = "select (select min(at) from second where at >= ?1 and at < ?2), \
                   (select max(at) from second where at >= ?1 and at < ?2)";
        let row = |r: &Row<'_>| Ok(r.get::<_, Option<i64>>(0)?.zip(r.get(1)?));
        Ok(self.page(sql, (from, to), 1, row)?.items.pop())
    }

    /// Any other question, for the rooms next door.
    pub(super) fn read<T>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        read(&self.conn).map_err(|e| JournalError::sqlite(&self.path, doing, e))
    }

    fn regions(&self) -> Result<BTreeMap<u16, RoiId>, JournalError> {
        regions(&self.conn).map_err(|e| JournalError::sqlite(&self.path, "reading history", e))
    }

    /// The regions that have readings, by name.
    pub fn region_names(&self) -> Result<Vec<RoiId>, JournalError> {
        let mut names: Vec<RoiId> = self.regions()?.into_values().collect();
        names.sort();
        Ok(names)
    }

    /// Every series that is rolled up, by name.
    pub fn series(&self) -> Result<Vec<SeriesInfo>, JournalError> {
        let row = |r: &Row<'_>| {
            let text = |i| Ok::<Arc<str>, rusqlite::Error>(r.get::<_, String>(i)?.into());
            Ok(Some(SeriesInfo { name: text(0)?, unit: text(1)? }))
        };
        Ok(self.page("select name, unit from series order by name", (), usize::MAX - 1, row)?.items)
    }

    /// The hash of an event; none if there is no such event.
    pub fn hash_of(&self, seq: u64) -> Result<Option<chain::Hash>, JournalError> {
        self.read("reading history", |c| hash_of(c, seq))
    }

    /// The time of the first point of a series in a range; none where it has none.
    pub fn trend_begins(&self, series: &str, from: i64, to: i64, step: Step) -> Result<Option<i64>, JournalError> {
        let table = if step == Step::Hour { "hour" } else { "minute" };
        let sql = format!(
            "select min(at) from {table} where series = (select id from series where name = ?1) and at >= ?2 and at < ?3"
        );
        self.read("reading history", |c| c.prepare_cached(&sql)?.query_row((series, from, to), |r| r.get(0)))
    }

    /// The trend of a series from `from` until before `to` (Unix time in seconds), oldest first, each time once; at most
    /// [`PAGE_MAX`] points, the newest.
    pub fn trend(&self, series: &str, from: i64, to: i64, step: Step) -> Result<Vec<Rolled>, JournalError> {
        let table = match step {
            Step::Minute => "minute",
            Step::Hour => "hour",
        };
        let sql = format!(
            "select s.name, s.unit, t.at, t.known, t.mean, t.least, t.most from series s join {table} t on t.series = s.id \
             where s.name = ?1 and t.at >= ?2 and t.at < ?3 order by t.at desc limit ?4"
        );
        let row = |r: &Row<'_>| rolled(r).map(Some);
        let mut found = self.page(&sql, (series, from, to, PAGE_MAX as i64), PAGE_MAX, row)?.items;
        found.reverse();
        let mut out: Vec<Rolled> = Vec::with_capacity(found.len());
        for r in found {
            match out.last_mut() {
                Some(last) if last.at == r.at => last.merge(&r),
                _ => out.push(r),
            }
        }
        Ok(out)
    }

    /// The waveforms about an event.
    pub fn waveforms(&self, event: u64) -> Result<Vec<EventWaveform>, JournalError> {
        let sql = "select event, at_ns, roi, data from waveform where event = ?1 order by id";
        let page = self.page(sql, [event as i64], PAGE_MAX, rows::waveform)?;
        Ok(page.items)
    }

    /// Goes through every event and proves the chain of hashes.
    pub fn verify(&self) -> Result<Verdict, JournalError> {
        chain::verify(&self.conn).map_err(|e| JournalError::sqlite(&self.path, "proving the chain", e))
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

pub(super) fn hash_of(conn: &Connection, seq: u64) -> rusqlite::Result<Option<chain::Hash>> {
    let hash = conn
        .prepare_cached("select hash from event where seq = ?1")?
        .query_row([seq as i64], |r| r.get::<_, Option<Vec<u8>>>(0))
        .optional()?;
    Ok(hash.flatten().and_then(|h| chain::as_hash(&h)))
}

/// The regions by the number under which their seconds are packed.
pub(super) fn regions(conn: &Connection) -> rusqlite::Result<BTreeMap<u16, RoiId>> {
    let mut all = conn.prepare_cached("select id, name from region")?;
    let rows = all.query_map([], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?)))?;
    let mut names = BTreeMap::new();
    for row in rows {
        let (id, name) = row?;
        if let Ok(id) = u16::try_from(id) {
            names.insert(id, RoiId::from(name));
        }
    }
    Ok(names)
}

/// A minute or an hour: name, unit, time, known, mean, least, most.
pub(super) fn rolled(r: &Row<'_>) -> rusqlite::Result<Rolled> {
    let text = |i| Ok::<Arc<str>, rusqlite::Error>(r.get::<_, String>(i)?.into());
    Ok(Rolled {
        series: text(0)?,
        unit: text(1)?,
        at: r.get(2)?,
        known: r.get(3)?,
        mean: r.get(4)?,
        least: r.get(5)?,
        most: r.get(6)?,
    })
}

/// Seconds looked at for the minute that an end interrupted: two hours of them.
const UNROLLED: i64 = 7200;

/// The seconds after the newest minute of any region.
pub(super) fn not_rolled_up(conn: &Connection) -> rusqlite::Result<Vec<SecondReading>> {
    let newest: Option<i64> = conn
        .query_row(
            "select at from minute where series in (select id from series where name >= 'roi.' and name < 'roi/') \
             order by id desc limit 1",
            [],
            |r| r.get(0),
        )
        .optional()?;
    let after = newest.map_or(i64::MIN, |m| m + 60);
    let names = regions(conn)?;
    let mut seconds = conn.prepare(
        "select at, regions from (select id, at, regions from second order by id desc limit ?1) where at >= ?2 order by id",
    )?;
    let mut rows = seconds.query((UNROLLED, after))?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.extend(
            packed::readings(r.get(0)?, r.get_ref(1)?.as_blob()?, |n| names.get(&n).cloned()).unwrap_or_default(),
        );
    }
    Ok(out)
}
