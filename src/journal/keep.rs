//! Retention: what is old enough is removed in small steps, what has not reached PostgreSQL stays longer, and the file
//! stays within its size.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::restore;
use crate::config::sections::Journal;
use crate::model::record::Stream;

/// Rows removed in one step: a step is short, and the writer is asked in between.
const AT_ONCE: i64 = 500;
/// Free pages are given back to the file system when there are so many, and so large a share of the file.
const FREE_PAGES: i64 = 2048;

/// What one step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Rows that went.
    pub rows: u64,
    /// Of those, seconds that had not reached PostgreSQL.
    pub unsent: u64,
    /// There is more to do at once.
    pub more: bool,
}

/// A kind of rows with its time.
struct Kind {
    stream: Option<Stream>,
    table: &'static str,
    /// The column of its time, and how many of its units make a second.
    at: (&'static str, i64),
    keep_s: i64,
}

/// Removes a little of what is old enough.
pub(super) fn step(conn: &mut Connection, keep: &Journal, sends: bool, now_s: i64) -> rusqlite::Result<Removed> {
    let seconds = |d: std::time::Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX / 4);
    let ns = 1_000_000_000;
    let kinds = [
        Kind { stream: Some(Stream::Second), table: "second", at: ("at", 1), keep_s: seconds(keep.keep_seconds) },
        Kind { stream: Some(Stream::Minute), table: "minute", at: ("at", 1), keep_s: seconds(keep.keep_minutes) },
        Kind { stream: None, table: "hour", at: ("at", 1), keep_s: seconds(keep.keep_hours) },
        Kind {
            stream: Some(Stream::Waveform),
            table: "waveform",
            at: ("at_ns", ns),
            keep_s: seconds(keep.keep_waveforms),
        },
    ];
    let mut out = Removed::default();
    for kind in &kinds {
        let before = now_s.saturating_sub(kind.keep_s);
        let long_ago = now_s.saturating_sub(kind.keep_s.max(seconds(keep.keep_unsent)));
        let n = match kind.stream {
            None => hours(conn, before)?,
            Some(stream) => rows(conn, kind, stream, sends, before, long_ago)?,
        };
        out.rows += n as u64;
        out.more |= n as i64 >= AT_ONCE;
    }
    let events = events(conn, sends, now_s.saturating_sub(seconds(keep.keep_events)), ns)?;
    out.rows += events as u64;
    out.more |= events as i64 >= AT_ONCE;
    let (gone, unsent) = over_size(conn, keep.keep_at_most_bytes, sends)?;
    out.rows += gone;
    out.unsent = unsent;
    out.more |= gone > 0;
    give_back(conn)?;
    Ok(out)
}

fn sent(conn: &Connection, stream: Stream) -> rusqlite::Result<i64> {
    let position = conn
        .prepare_cached("select position from sent where stream = ?1")?
        .query_row([stream.word()], |r| r.get(0))
        .optional()?;
    Ok(position.unwrap_or(0))
}

/// The oldest rows by number, as long as they are old enough: times that a wrong clock wrote do not stop it for ever,
/// because what is younger than it seems is only kept longer.
fn rows(
    conn: &Connection,
    k: &Kind,
    stream: Stream,
    sends: bool,
    before: i64,
    long_ago: i64,
) -> rusqlite::Result<usize> {
    let sent = if sends { sent(conn, stream)? } else { i64::MAX };
    let (at, unit) = k.at;
    let sql = format!(
        "delete from {} where id in (select id from {0} order by id limit ?1) \
         and ({at} < ?2 and id <= ?3 or {at} < ?4)",
        k.table
    );
    conn.prepare_cached(&sql)?.execute((AT_ONCE, before.saturating_mul(unit), sent, long_ago.saturating_mul(unit)))
}

fn hours(conn: &Connection, before: i64) -> rusqlite::Result<usize> {
    // The table is by series; a day's worth goes at a time, and only when the oldest is due.
    conn.prepare_cached("delete from hour where (series, at) in (select series, at from hour where at < ?1 limit ?2)")?
        .execute((before, AT_ONCE))
}

/// Events from the beginning of the chain, none that a start needs, none that has not been sent.
fn events(conn: &mut Connection, sends: bool, before_s: i64, ns: i64) -> rusqlite::Result<usize> {
    let oldest: Option<(i64, i64)> = conn
        .prepare_cached("select seq, at_ns from event order by seq limit 1")?
        .query_row([], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let Some((first, at_ns)) = oldest else { return Ok(0) };
    let before_ns = before_s.saturating_mul(ns);
    if at_ns >= before_ns {
        return Ok(0);
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let needed = restore::oldest_needed(&tx)?.unwrap_or(i64::MAX);
    let sent = if sends { sent(&tx, Stream::Event)? } else { i64::MAX };
    let last: Option<(i64, Vec<u8>)> = tx
        .query_row(
            "select seq, hash from event where seq in (select seq from event where seq >= ?1 order by seq limit ?2) \
             and at_ns < ?3 and seq <= ?4 and seq < ?5 order by seq desc limit 1",
            (first, AT_ONCE, before_ns, sent, needed),
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .optional()?;
    let Some((last, hash)) = last else { return Ok(0) };
    tx.execute("update chain set removed_seq = ?1, removed_hash = ?2", (last, hash))?;
    let gone = tx.execute("delete from event where seq <= ?1", [last])?;
    tx.execute("update tally set removed = removed + ?1", [gone as i64])?;
    tx.commit()?;
    Ok(gone)
}

/// Beyond its size, the journal gives up its oldest seconds, sent or not.
fn over_size(conn: &Connection, at_most_bytes: u64, sends: bool) -> rusqlite::Result<(u64, u64)> {
    let pragma = |p: &str| conn.query_row(&format!("pragma {p}"), [], |r| r.get::<_, i64>(0));
    let used = (pragma("page_count")? - pragma("freelist_count")?).saturating_mul(pragma("page_size")?);
    if used.unsigned_abs() <= at_most_bytes {
        return Ok((0, 0));
    }
    let sent = if sends { sent(conn, Stream::Second)? } else { i64::MAX };
    let unsent: i64 = conn.query_row(
        "select count(*) from (select id from second order by id limit ?1) where id > ?2",
        (AT_ONCE, sent),
        |r| r.get(0),
    )?;
    let gone =
        conn.execute("delete from second where id in (select id from second order by id limit ?1)", [AT_ONCE])?;
    Ok((gone as u64, unsent.unsigned_abs()))
}

/// Pages that nothing needs go back to the file system, some at a time, when they are many.
fn give_back(conn: &Connection) -> rusqlite::Result<()> {
    let pragma = |p: &str| conn.query_row(&format!("pragma {p}"), [], |r| r.get::<_, i64>(0));
    let (free, all) = (pragma("freelist_count")?, pragma("page_count")?);
    if free > FREE_PAGES && free > all / 4 {
        // It answers once for every page.
        let mut some = conn.prepare("pragma incremental_vacuum(512)")?;
        let mut pages = some.query([])?;
        while pages.next()?.is_some() {}
    }
    Ok(())
}
