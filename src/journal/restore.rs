//! What the engine takes from the journal when it starts, found by index and not by reading everything.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::JournalError;
use super::fold::Fold;
use super::rows;
use super::store::Store;
use crate::model::alarm::Alarm;
use crate::model::event::Event;

/// Newest events given back.
const RECENT: i64 = 500;
/// Newest finished runs given back with all their answers.
const FINISHED_RUNS: i64 = 200;

/// The state that the record implies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restored {
    /// Number of the newest event; the next one is one higher. Also after a damaged file was set aside, if its
    /// numbers could be read.
    pub last_seq: u64,
    /// Alarms that are not normal.
    pub alarms: Vec<Alarm>,
    /// The newest 500 events, oldest first.
    pub recent: Vec<Event>,
    /// Every event of unfinished runs, of the newest 200 finished runs and of the newest finished run of each task;
    /// ascending.
    pub upkeep: Vec<Event>,
    /// Finished runs before those, the newest 20 000: when each task was done.
    pub long_ago: Vec<FinishedRun>,
    /// The newest event of each kind, region and state about the regions' baselines; ascending.
    pub baselines: Vec<Event>,
    /// The newest run of each job for the database.
    pub care: Vec<Event>,
    /// How many events there are.
    pub events: u64,
    /// When the newest event happened.
    pub last_event: Option<Timestamp>,
    /// When the oldest event happened.
    pub first: Option<Timestamp>,
    /// Events among those looked at that this program does not know (a newer one wrote them); they are left out.
    pub unreadable: u64,
}

impl Store {
    /// Reads what the engine needs to go on.
    pub fn restore(&self) -> Result<Restored, JournalError> {
        let conn = self.conn()?;
        restore(conn).map_err(|e| JournalError::sqlite(self.path(), "reading the record", e))
    }
}

fn restore(conn: &Connection) -> rusqlite::Result<Restored> {
    // One snapshot for all the queries.
    let tx = conn.unchecked_transaction()?;
    let end = |order: &str| {
        tx.query_row(&format!("select seq, at_ns from event order by seq {order} limit 1"), [], |r| {
            Ok((r.get::<_, i64>(0)?, rows::from_ns(r.get(1)?)))
        })
        .optional()
    };
    let (oldest, newest) = (end("asc")?, end("desc")?);
    let (events, base): (i64, i64) =
        tx.query_row("select events, max(base_seq, (select removed_seq from chain)) from tally", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?;
    let mut unreadable = 0;
    let alarms = alarms(&tx, &mut unreadable)?;
    let recent = recent(&tx, &mut unreadable)?;
    let upkeep = upkeep(&tx, &mut unreadable)?;
    let long_ago = long_ago(&tx, &upkeep)?;
    let baselines = all_of(&tx, BASELINES, &mut unreadable)?;
    let care = all_of(&tx, CARE, &mut unreadable)?;
    Ok(Restored {
        last_seq: newest.map_or(0, |n| n.0).max(base).unsigned_abs(),
        alarms,
        recent,
        upkeep,
        long_ago,
        baselines,
        care,
        events: events.unsigned_abs(),
        last_event: newest.map(|n| n.1),
        first: oldest.map(|o| o.1),
        unreadable,
    })
}

/// Walks from name to name over the index instead of reading every raise.
pub(super) const RAISED_SUBJECTS: &str = "
    with recursive name (x) as (
        select min(subject) from event where kind = 'alarm_raised'
        union all
        select (select min(subject) from event where kind = 'alarm_raised' and subject > name.x)
        from name where name.x is not null
    )
    select x from name where x is not null";

/// The few events that decide the state of one alarm: its newest raise, the first raise of that occurrence, the
/// first return after it and the first acknowledgment within it. All others are overtaken by these.
pub(super) const DECIDING: &str = "
    with newest (s) as (
        select max(seq) from event where kind = 'alarm_raised' and subject = ?1
    ), before (s) as (
        select coalesce(max(seq), -1) from event
        where kind = 'alarm_returned' and subject = ?1 and seq < (select s from newest)
    ), began (s) as (
        select min(seq) from event where kind = 'alarm_raised' and subject = ?1 and seq > (select s from before)
    ), went (s) as (
        select min(seq) from event where kind = 'alarm_returned' and subject = ?1 and seq > (select s from newest)
    ), seen (s) as (
        select min(seq) from event where kind = 'alarm_acknowledged' and subject = ?1 and seq > (select s from began)
    )
    select seq, at_ns, body from event
    where seq in (select s from newest union select s from began union select s from went union select s from seen)
    order by seq";

fn alarms(conn: &Connection, unreadable: &mut u64) -> rusqlite::Result<Vec<Alarm>> {
    let mut names = conn.prepare(RAISED_SUBJECTS)?;
    let names = names.query_map([], |r| r.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut deciding = conn.prepare(DECIDING)?;
    let mut fold = Fold::default();
    for name in names {
        for event in deciding.query_map([name], rows::event)? {
            keep(event?, unreadable, |e| fold.apply(&e));
        }
    }
    Ok(fold.alarms())
}

fn recent(conn: &Connection, unreadable: &mut u64) -> rusqlite::Result<Vec<Event>> {
    let mut newest = conn.prepare(&format!("select {} from event order by seq desc limit ?1", rows::EVENT))?;
    let mut out = Vec::new();
    for event in newest.query_map([RECENT], rows::event)? {
        keep(event?, unreadable, |e| out.push(e));
    }
    out.reverse();
    Ok(out)
}

pub(super) const RUNS: &str = "
    select subject from event s where kind = 'run_started' and subject is not null
        and not exists (select 1 from event f where f.kind = 'run_finished' and f.subject = s.subject)
    union
    select subject from (select subject from event where kind = 'run_finished' order by seq desc limit ?1)
    union
    select subject from event where seq in (
        select max(seq) from event where kind = 'run_finished' group by json_extract(body, '$.task'))
    union
    select subject from (
        select subject from event where kind = 'run_finished' and not json_extract(body, '$.passed')
        order by seq desc limit ?1)";

/// Calls and waivers of tasks; bounded by how often people decide such things.
pub(super) const DECISIONS: &str = "
    select seq, at_ns, body from (
        select seq, at_ns, body from event where kind in ('task_waived', 'task_called') order by seq desc limit 2000)
    order by seq";

/// Finished runs, as little as is needed of each.
pub(super) const FINISHED: &str = "
    select subject, at_ns, json_extract(body, '$.task'), json_extract(body, '$.who'), json_extract(body, '$.passed'),
        json_extract(body, '$.abandoned')
    from (select subject, at_ns, body from event where kind = 'run_finished' order by seq desc limit 20000)";

/// A finished run of which only this is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedRun {
    /// Its number.
    pub run: u64,
    /// The task's id.
    pub task: String,
    /// Who.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// Every step passed.
    pub passed: bool,
    /// Ended early.
    pub abandoned: bool,
}

/// All finished runs but those that are restored whole; what does not fit the form is left out.
fn long_ago(conn: &Connection, whole: &[Event]) -> rusqlite::Result<Vec<FinishedRun>> {
    let whole: BTreeSet<String> = whole.iter().filter_map(|e| e.kind.subject()).collect();
    let mut query = conn.prepare(FINISHED)?;
    let rows = query.query_map([], |r| {
        let subject: Option<String> = r.get(0)?;
        let at = rows::from_ns(r.get(1)?);
        let (task, who): (Option<String>, Option<String>) = (r.get(2)?, r.get(3)?);
        let (passed, abandoned): (Option<bool>, Option<bool>) = (r.get(4)?, r.get(5)?);
        let run = subject.as_deref().filter(|s| !whole.contains(*s)).and_then(|s| s.parse().ok());
        Ok(run.zip(task).map(|(run, task)| FinishedRun {
            run,
            task,
            who: who.unwrap_or_default(),
            at,
            passed: passed.unwrap_or(false),
            abandoned: abandoned.unwrap_or(true),
        }))
    })?;
    let mut all = rows.filter_map(Result::transpose).collect::<rusqlite::Result<Vec<_>>>()?;
    all.reverse();
    Ok(all)
}

fn upkeep(conn: &Connection, unreadable: &mut u64) -> rusqlite::Result<Vec<Event>> {
    let mut runs = conn.prepare(RUNS)?;
    let runs =
        runs.query_map([FINISHED_RUNS], |r| r.get::<_, String>(0))?.collect::<rusqlite::Result<BTreeSet<_>>>()?;
    let mut of_run = conn.prepare(&format!(
        "select {} from event where kind in ('run_started', 'step_answered', 'run_finished', 'step_begun', 'step_reopened',
             'run_paused', 'run_handed_over', 'record_countersigned', 'record_addendum', 'follow_up_closed')
         and subject = ?1",
        rows::EVENT
    ))?;
    let mut out = Vec::new();
    for run in runs {
        for event in of_run.query_map(params![run], rows::event)? {
            keep(event?, unreadable, |e| out.push(e));
        }
    }
    out.extend(all_of(conn, DECISIONS, unreadable)?);
    out.sort_by_key(|e| e.seq);
    Ok(out)
}

pub(super) const BASELINES: &str = "
    select seq, at_ns, body from event where seq in (
        select max(seq) from event where kind in ('baseline_begun', 'baseline_learned') group by kind, subject)
    order by seq";

/// Runs over all tables: their subject is the job alone.
pub(super) const CARE: &str = "
    select seq, at_ns, body from event where seq in (
        select max(seq) from event where kind = 'database_care' and subject in ('vacuum', 'reindex') group by subject)
    order by seq";

fn all_of(conn: &Connection, query: &str, unreadable: &mut u64) -> rusqlite::Result<Vec<Event>> {
    let mut newest = conn.prepare(query)?;
    let mut out = Vec::new();
    for event in newest.query_map([], rows::event)? {
        keep(event?, unreadable, |e| out.push(e));
    }
    Ok(out)
}

/// Number of the oldest event that a start would take anything from; none if it takes nothing. The newest events that are
/// only shown do not count.
pub(super) fn oldest_needed(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    let mut names = conn.prepare(RAISED_SUBJECTS)?;
    let names = names.query_map([], |r| r.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut deciding = conn.prepare(DECIDING)?;
    let mut oldest: Option<i64> = None;
    let mut take = |seq: i64| oldest = Some(oldest.map_or(seq, |o| o.min(seq)));
    for name in names {
        let mut unreadable = 0;
        let mut fold = Fold::default();
        let mut first = None;
        for event in deciding.query_map([name], rows::event)? {
            keep(event?, &mut unreadable, |e| {
                first = first.or(Some(e.seq as i64));
                fold.apply(&e);
            });
        }
        // What has gone back to normal needs nothing of the past.
        if let (false, Some(first)) = (fold.alarms().is_empty(), first) {
            take(first);
        }
    }
    let mut unreadable = 0;
    upkeep(conn, &mut unreadable)?
        .iter()
        .chain(&all_of(conn, BASELINES, &mut unreadable)?)
        .for_each(|e| take(e.seq as i64));
    Ok(oldest)
}

fn keep(event: Option<Event>, unreadable: &mut u64, mut take: impl FnMut(Event)) {
    match event {
        Some(e) => take(e),
        None => *unreadable += 1,
    }
}
