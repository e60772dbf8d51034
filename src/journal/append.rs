//! One commit of the journal: events with their chain, packed seconds, minutes with their hours, waveforms, what was sent on.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::chain::{self, Hash, Written};
use super::error::JournalError;
use super::{packed, rows};
use crate::model::event::{Event, SecondReading};
use crate::model::record::{EventWaveform, Rolled, Stream};

/// Rows of one commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Events, ascending.
    pub events: Vec<Event>,
    /// Seconds: the readings of all regions at a time.
    pub seconds: Vec<Vec<SecondReading>>,
    /// Complete minutes.
    pub minutes: Vec<Rolled>,
    /// Waveforms about events.
    pub waveforms: Vec<EventWaveform>,
    /// How far streams have reached PostgreSQL.
    pub sent: Vec<(Stream, u64)>,
    /// The journal's name from now on: it was put back from an older copy, and is another one since.
    pub name: Option<Arc<str>>,
}

impl Batch {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.seconds.is_empty()
            && self.minutes.is_empty()
            && self.waveforms.is_empty()
            && self.sent.is_empty()
            && self.name.is_none()
    }

    /// Rows in it.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.events.len() + self.seconds.iter().map(Vec::len).sum::<usize>() + self.minutes.len() + self.waveforms.len()
    }
}

/// What a commit need not look up, because the one before left it so.
#[derive(Debug, Default)]
pub struct Known {
    /// Number of the newest commit that is known to be in the file.
    pub batch: i64,
    /// Number and hash of the newest event.
    head: Option<(i64, Hash)>,
    regions: HashMap<Arc<str>, i64>,
    series: HashMap<Arc<str>, i64>,
}

impl Known {
    /// Nothing but the number of the newest commit.
    pub(super) fn of_batch(batch: i64) -> Self {
        Self { batch, ..Self::default() }
    }

    /// As the file says.
    pub(super) fn read(conn: &Connection) -> rusqlite::Result<Self> {
        let batch = conn.query_row("select commits from tally", [], |r| r.get(0))?;
        Ok(Self::of_batch(batch))
    }

    /// After a failure: the file may hold one commit more than was reported, and that is found out by the next append.
    /// One that holds fewer is another file.
    pub(super) fn read_again(conn: &Connection, batch: i64) -> rusqlite::Result<Self> {
        let found = Self::read(conn)?;
        Ok(if found.batch < batch { found } else { Self::of_batch(batch) })
    }
}

/// Events as they are written.
pub(super) fn encode(events: &[Event]) -> Result<Vec<String>, JournalError> {
    let body = |e: &Event| serde_json::to_string(&e.kind).map_err(|source| JournalError::Encode { seq: e.seq, source });
    events.iter().map(body).collect()
}

/// The number of a name, given now if it has none; `unit` for tables that keep one.
pub(super) fn id_of(
    conn: &Connection,
    cache: &mut HashMap<Arc<str>, i64>,
    table: &str,
    name: &Arc<str>,
    unit: Option<&str>,
) -> rusqlite::Result<i64> {
    if let Some(id) = cache.get(name) {
        return Ok(*id);
    }
    let mut find = conn.prepare_cached(&format!("select id from {table} where name = ?1"))?;
    let id = if let Some(id) = find.query_row([&**name], |r| r.get(0)).optional()? {
        id
    } else {
        match unit {
            Some(unit) => {
                conn.execute(&format!("insert into {table} (name, unit) values (?1, ?2)"), [&**name, unit])?
            }
            None => conn.execute(&format!("insert into {table} (name) values (?1)"), [&**name])?,
        };
        conn.last_insert_rowid()
    };
    cache.insert(Arc::clone(name), id);
    Ok(id)
}

/// Writes a batch in one transaction, unless it is there already.
pub(super) fn append(
    conn: &mut Connection,
    known: &mut Known,
    batch: &Batch,
    bodies: &[String],
) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let commits: i64 = tx.prepare_cached("select commits from tally")?.query_row([], |r| r.get(0))?;
    // Its commit failed, so it said, and was kept nevertheless. This one writes too, so that it syncs.
    let there = commits > known.batch;
    let mut added = 0;
    if !there {
        added = events(&tx, known, &batch.events, bodies)?;
        seconds(&tx, known, &batch.seconds)?;
        minutes(&tx, known, &batch.minutes)?;
        waveforms(&tx, &batch.waveforms)?;
        sent(&tx, &batch.sent)?;
        if let Some(name) = &batch.name {
            tx.execute("update chain set journal = ?1", [&**name])?;
        }
    }
    // Also when there is nothing else: a commit that writes nothing would not sync.
    tx.prepare_cached("update tally set events = events + ?1, commits = ?2")?
        .execute([added, if there { commits } else { known.batch + 1 }])?;
    tx.commit()?;
    known.batch = commits.max(known.batch + 1);
    Ok(())
}

fn events(tx: &Transaction<'_>, known: &mut Known, events: &[Event], bodies: &[String]) -> rusqlite::Result<i64> {
    if events.is_empty() {
        return Ok(0);
    }
    let (mut newest, mut before) = match known.head.take() {
        Some(head) => head,
        None => chain::head(tx)?,
    };
    let mut insert =
        tx.prepare_cached("insert into event (seq, at_ns, kind, subject, body, hash) values (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut added = 0;
    for (e, body) in events.iter().zip(bodies) {
        let (seq, at_ns, subject) = (e.seq as i64, rows::to_ns(e.at), e.kind.subject());
        // There already: it is left as it is.
        if seq <= newest {
            continue;
        }
        let written = Written { seq, at_ns, kind: e.kind.name(), subject: subject.as_deref(), body };
        before = chain::link(&before, &written);
        insert.execute(params![seq, at_ns, written.kind, written.subject, body, before.as_slice()])?;
        newest = seq;
        added += 1;
    }
    known.head = Some((newest, before));
    Ok(added)
}

fn seconds(tx: &Transaction<'_>, known: &mut Known, seconds: &[Vec<SecondReading>]) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached("insert into second (at, regions) values (?1, ?2)")?;
    for readings in seconds {
        let Some(first) = readings.first() else { continue };
        let mut numbered: Vec<(u16, &SecondReading)> = Vec::with_capacity(readings.len());
        for r in readings {
            let id = id_of(tx, &mut known.regions, "region", &r.roi.0, None)?;
            // More than 65 535 names of regions in the life of a plant do not happen.
            numbered.extend(u16::try_from(id).ok().map(|n| (n, r)));
        }
        insert.execute((first.second, packed::second(&numbered)))?;
    }
    Ok(())
}

fn minutes(tx: &Transaction<'_>, known: &mut Known, minutes: &[Rolled]) -> rusqlite::Result<()> {
    let mut minute =
        tx.prepare_cached("insert into minute (series, at, known, mean, least, most) values (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut hour = tx.prepare_cached(
        "insert into hour (series, at, known, mean, least, most) values (?1, ?2, ?3, ?4, ?5, ?6) \
         on conflict (series, at) do update set \
         mean = (mean * known + excluded.mean * excluded.known) / (known + excluded.known), \
         known = known + excluded.known, least = min(least, excluded.least), most = max(most, excluded.most)",
    )?;
    for m in minutes {
        let series = id_of(tx, &mut known.series, "series", &m.series, Some(&m.unit))?;
        minute.execute(params![series, m.at, m.known, m.mean, m.least, m.most])?;
        let hour_at = m.at.div_euclid(3600) * 3600;
        hour.execute(params![series, hour_at, m.known, m.mean, m.least, m.most])?;
    }
    Ok(())
}

fn waveforms(tx: &Transaction<'_>, waveforms: &[EventWaveform]) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached("insert into waveform (event, at_ns, roi, data) values (?1, ?2, ?3, ?4)")?;
    for w in waveforms {
        insert.execute(params![w.event as i64, rows::to_ns(w.at), w.roi.as_str(), packed::waveform(&w.wave)])?;
    }
    Ok(())
}

fn sent(tx: &Transaction<'_>, sent: &[(Stream, u64)]) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "insert into sent (stream, position) values (?1, ?2) \
         on conflict (stream) do update set position = max(position, excluded.position)",
    )?;
    for (stream, position) in sent {
        put.execute(params![stream.word(), *position as i64])?;
    }
    Ok(())
}
