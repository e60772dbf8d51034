//! Store and forward: the journal's rows to PostgreSQL, each once and in order, however often the server is away.
//!
//! One connection of its own. A transaction locks the row that says how far the stream has come, compares, takes the
//! portion, moves the row on, and commits: all of it or nothing. A server that does not answer within a deadline is given
//! up, and what it may still do later is found out by the next connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::error::{Error, SqlState};
use tokio_postgres::{Client, Statement};

use super::partitions::{self, Partitions};
use super::past;
use super::pump::{self, Applied, Fault, Positions, Remote};
use super::rows::{self, Names};
use super::schema::{self, SCHEMA};
use super::seat::{self, Seat};
use super::target::{Target, causes};
use crate::base::backoff::Backoff;
use crate::base::clock::{Clock, Mono};
use crate::base::shutdown::Shutdown;
use crate::config::sections::Historian;
use crate::model::board::{Board, ForwardBoard};
use crate::model::fleet::NodeState;
use crate::model::outbox::{Outbox, Portion, Rows};
use crate::model::record::Stream;

/// A small statement may take so long.
const SMALL: Duration = Duration::from_secs(5);
/// A portion may take so long.
const LARGE: Duration = Duration::from_secs(30);
/// Making or changing the schema may take so long: it waits for other nodes that do the same.
const SCHEMA_WITHIN: Duration = Duration::from_mins(10);
/// Rows of a portion: of seconds, which are small and many, more than of the others; and never more than go in a second, so
/// that the pause after it is short.
fn portion(stream: Stream, rows_per_s: u32) -> usize {
    let most = if stream == Stream::Second { 60_000 } else { 20_000 };
    most.min(rows_per_s.max(100) as usize)
}
/// When there is nothing to send, it is looked again after this time.
const IDLE: Duration = Duration::from_millis(500);
/// What waits is counted and told so often.
const TELL: Duration = Duration::from_secs(1);
/// The node's row is brought up to date so often.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Old partitions and sizes are looked at so often.
const HOURLY: Duration = Duration::from_hours(1);
/// First and longest pause before a lost server is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// Who this node is.
#[derive(Clone, Debug)]
pub struct Who {
    /// The site's name.
    pub site: Arc<str>,
    /// The node's name.
    pub node: Arc<str>,
}

/// What the forwarder is connected to.
pub struct Ends {
    /// The journal.
    pub outbox: Box<dyn Outbox>,
    /// Told how far a stream has come.
    pub sent: Box<dyn Fn(Stream, u64) + Send>,
    /// The journal is to take this name.
    pub rename: Box<dyn Fn(Arc<str>) + Send>,
    /// Where reports go; false when one was not taken.
    pub report: Box<dyn Fn(ForwardBoard) -> bool + Send>,
    /// Told of every node that shares the database.
    pub fleet: Box<dyn Fn(Vec<NodeState>) -> bool + Send>,
    /// What is true now, for the node's row.
    pub board: tokio::sync::watch::Receiver<Arc<Board>>,
}

/// Sends until the end is asked for. For a thread and a runtime of its own: it reads the journal's file in between.
pub async fn run(cfg: Historian, who: Who, mut ends: Ends, clock: Arc<dyn Clock>, shutdown: Shutdown) {
    let target = match Target::new(&cfg) {
        Ok(target) => target,
        Err(text) => {
            let fault = Some(text.into());
            (ends.report)(ForwardBoard { fault, at: Some(clock.now()), ..ForwardBoard::default() });
            shutdown.recv().await;
            return;
        }
    };
    let mut state = State {
        report: ForwardBoard::default(),
        at: Positions::new(),
        backoff: Backoff::new(PAUSES.0, PAUSES.1),
        said: None,
        housekept: None,
    };
    while !shutdown.asked() {
        let text = tokio::select! {
            text = session(&cfg, &target, &who, &mut ends, &clock, &mut state) => target.hide(text),
            () = shutdown.recv() => return,
        };
        if state.said.as_deref() != Some(&text) {
            tracing::warn!(database = %target.place(), "nothing is sent to the database: {text}");
            state.said = Some(text.clone());
        }
        state.report.fault = Some(text.into());
        state.report.rows_per_s = None;
        tell_waiting(&mut ends, &clock, &mut state);
        let pause = state.backoff.pause();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.recv() => return,
        }
    }
}

struct State {
    report: ForwardBoard,
    /// Where each stream stands, as last seen: a guess while the server is away.
    at: Positions,
    backoff: Backoff,
    /// The fault that was logged last.
    said: Option<String>,
    housekept: Option<Mono>,
}

/// Counts what waits, and reports.
fn tell_waiting(ends: &mut Ends, clock: &Arc<dyn Clock>, state: &mut State) {
    let mut queued = Some(0u64);
    for stream in Stream::ALL {
        let at = state.at.get(&stream).copied().unwrap_or(0);
        queued = queued.and_then(|q| ends.outbox.waiting(stream, at).ok().map(|n| q + n));
    }
    state.report.queued = queued;
    state.report.at = Some(clock.now());
    if !(ends.report)(state.report.clone()) {
        tracing::debug!("a report on sending was not taken");
    }
}

/// From connecting to losing the server; says why nothing can be sent any more.
async fn session(
    cfg: &Historian,
    target: &Target,
    who: &Who,
    ends: &mut Ends,
    clock: &Arc<dyn Clock>,
    state: &mut State,
) -> String {
    let (mut client, connection) = match super::link::open(target).await {
        Ok(both) => both,
        Err(text) => return text,
    };
    // The traffic moves only while this is awaited beside the work: no task of its own is needed.
    tokio::select! {
        text = work(cfg, who, &mut client, ends, clock, state) => text,
        end = connection => super::link::end_text(end),
    }
}

async fn work(
    cfg: &Historian,
    who: &Who,
    client: &mut Client,
    ends: &mut Ends,
    clock: &Arc<dyn Clock>,
    state: &mut State,
) -> String {
    let seat = match begin(cfg, who, client, ends, state).await {
        Ok(seat) => seat,
        Err(text) => return text,
    };
    let statements = match within(SMALL, Statements::prepare(client)).await {
        Ok(statements) => statements,
        Err(text) => return text,
    };
    let mut there = There { client, seat, names: Names::default(), partitions: Partitions::default(), statements };
    let (mut beat, mut told): (Option<Mono>, Option<Mono>) = (None, None);
    let mut counted: (Mono, u64) = (clock.now().mono, 0);
    let most = |stream| portion(stream, cfg.catch_up_rows_per_s);
    loop {
        let began = clock.now().mono;
        match there.journal_is_the_same(ends) {
            Ok(true) => {}
            Ok(false) => return "the journal was begun anew; its rows follow under its new name".into(),
            Err(text) => return text,
        }
        let sent = match pump::round(&mut *ends.outbox, &mut there, &mut state.at, most).await {
            Ok(sent) => sent,
            Err(Fault::Link(text) | Fault::Journal(text)) => return text,
        };
        if state.said.take().is_some() {
            tracing::info!("rows go to the database again");
        }
        state.backoff.reset();
        state.report.fault = None;
        state.report.sent += sent;
        counted.1 += sent;
        if sent > 0 {
            for (stream, position) in &state.at {
                (ends.sent)(*stream, *position);
            }
        }
        let now = clock.now().mono;
        if told.is_none_or(|t| now.since(t) >= TELL) {
            told = Some(now);
            let over = now.secs_since(counted.0);
            if over > 1.0 {
                state.report.rows_per_s = Some(counted.1 as f64 / over);
                counted = (now, 0);
            }
            tell_waiting(ends, clock, state);
        }
        if beat.is_none_or(|b| now.since(b) >= HEARTBEAT) {
            let board = Arc::clone(&ends.board.borrow());
            if let Err(text) =
                within(SMALL, seat::heartbeat(there.client, there.seat.node_id, &board, state.report.queued)).await
            {
                return text;
            }
            match within(SMALL, past::fleet(there.client, clock.now())).await {
                // One that finds no room is followed by the next.
                Ok(nodes) => drop((ends.fleet)(nodes)),
                Err(text) => return text,
            }
            beat = Some(now);
        }
        if state.housekept.is_none_or(|h| now.since(h) >= HOURLY) {
            state.housekept = Some(now);
            housekeep(there.client, clock).await;
        }
        let pause = if sent == 0 { IDLE } else { pace(sent, clock.now().mono.since(began), cfg.catch_up_rows_per_s) };
        // The shortest sleep is a millisecond, which counts in a catch-up.
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}

/// How long to wait after so many rows in this time, so that no more than `rows_per_s` go.
fn pace(rows: u64, took: Duration, rows_per_s: u32) -> Duration {
    Duration::from_secs_f64(rows as f64 / f64::from(rows_per_s.max(1))).saturating_sub(took)
}

/// Makes the schema, takes this node's seat, and asks how far each stream has come.
async fn begin(
    cfg: &Historian,
    who: &Who,
    client: &mut Client,
    ends: &mut Ends,
    state: &mut State,
) -> Result<Seat, String> {
    let settings =
        "set statement_timeout = 30000; set lock_timeout = 10000; set idle_in_transaction_session_timeout = 60000";
    let settings = timeout(SMALL, client.batch_execute(settings)).await;
    settings.map_err(|_| hangs(SMALL))?.map_err(|e| causes(&e))?;
    let migrated = timeout(SCHEMA_WITHIN, schema::ready(client)).await.map_err(|_| hangs(SCHEMA_WITHIN))??;
    if migrated.from != migrated.to {
        tracing::info!(from = migrated.from, to = migrated.to, "the database's schema was brought up to date");
    }
    state.report.schema = Some(migrated.to);
    let journal = ends.outbox.journal()?;
    let seat = timeout(SMALL, seat::sit_down(client, who, cfg, journal)).await.map_err(|_| hangs(SMALL))??;
    if let Some(text) = another_past(client, &seat, ends).await? {
        return Err(text);
    }
    for (stream, position) in &seat.positions {
        state.at.insert(*stream, *position);
    }
    Ok(seat)
}

/// A journal that was put back from an older copy gives numbers again that the database has already. It is told by the chain
/// of hashes, and goes on as another journal, from the newest event that both have.
async fn another_past(client: &Client, seat: &Seat, ends: &mut Ends) -> Result<Option<String>, String> {
    let there = |stream| seat.positions.iter().find(|p| p.0 == stream).map_or(0, |p| p.1);
    // Numbers that the database has and this journal never gave.
    let mut behind = false;
    for stream in Stream::ALL {
        behind |= ends.outbox.newest(stream)? < there(stream);
    }
    let newest = ends.outbox.hash_of(there(Stream::Event))?;
    let changed = seat.hash.as_deref().zip(newest).is_some_and(|(there, here)| here != there);
    if !behind && !changed {
        return Ok(None);
    }
    let asking = seat::ancestor(client, seat, &mut *ends.outbox);
    let common = timeout(LARGE, asking).await.map_err(|_| hangs(LARGE))??;
    // The first event that only this journal has was written when it went on: what is older was there before.
    let own = ends.outbox.after(Stream::Event, common.map_or(0, |c| c.0), 1)?;
    let went_on = match own.map(|p| p.rows) {
        Some(Rows::Events(e)) => e.first().and_then(|e| e.at.checked_sub(jiff::SignedDuration::from_secs(1)).ok()),
        _ => None,
    };
    let mut positions = Vec::new();
    for stream in Stream::ALL {
        let position = match (stream, common) {
            (_, None) => 0,
            (Stream::Event, Some((seq, _))) => seq,
            (_, Some(_)) => match went_on {
                Some(at) => ends.outbox.position_at(stream, at)?.min(there(stream)),
                None => ends.outbox.newest(stream)?.min(there(stream)),
            },
        };
        positions.push((stream, position));
    }
    let name = timeout(SMALL, seat::new_name(client, seat, &positions)).await.map_err(|_| hangs(SMALL))?;
    let name = name.map_err(|e| causes(&e))?;
    (ends.rename)(Arc::clone(&name));
    // The journal's thread takes it on with its next commit.
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if ends.outbox.journal()? == name {
            break;
        }
    }
    Ok(Some(format!(
        "the journal was put back from an older copy: both have the events up to {}; it goes on as journal {name}",
        common.map_or(0, |c| c.0)
    )))
}

/// A statement within its deadline.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match timeout(limit, work).await {
        Ok(Ok(t)) => Ok(t),
        Ok(Err(e)) => Err(explain(&e)),
        Err(_) => Err(hangs(limit)),
    }
}

fn hangs(limit: Duration) -> String {
    format!("no answer in {} s; see whether the server hangs or its disk is full", limit.as_secs())
}

/// What the server said, with what to do about it.
fn explain(e: &Error) -> String {
    let said = causes(e);
    let todo = match e.code() {
        Some(&SqlState::DISK_FULL) => "free some space on the database's disk",
        Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => {
            "this server only reads (a standby, or default_transaction_read_only): let historian.url name the one that writes"
        }
        Some(&(SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN)) => {
            "a table of the schema vms was removed or changed by hand: restore it from a backup"
        }
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => "let an admin grant this user the schema vms",
        Some(&SqlState::TOO_MANY_CONNECTIONS) => "raise max_connections or end idle connections",
        _ => return said,
    };
    format!("{said}; {todo}")
}

/// Once an hour: partitions that nobody wants any more, sizes for the growth.
async fn housekeep(client: &Client, clock: &Arc<dyn Clock>) {
    match timeout(LARGE, partitions::drop_old(client, clock.now().wall)).await {
        Ok(Ok(gone)) if gone.is_empty() => {}
        Ok(Ok(gone)) => tracing::info!(partitions = gone.join(", "), "old partitions were dropped"),
        Ok(Err(text)) => tracing::warn!("old partitions could not be dropped, tried again in an hour: {text}"),
        Err(_) => tracing::warn!("old partitions could not be dropped in time, tried again in an hour"),
    }
    if let Err(text) = within(LARGE, seat::keep_sizes(client)).await {
        tracing::warn!("the sizes of the tables could not be kept: {text}");
    }
}

/// The database, as one session sees it.
struct There<'c> {
    client: &'c mut Client,
    seat: Seat,
    names: Names,
    partitions: Partitions,
    statements: Statements,
}

/// What every portion asks, prepared once a session.
struct Statements {
    stands: Statement,
    move_on: Statement,
    /// Prepared when there are readings: should their table be gone, the other streams go on.
    copy_readings: Option<Statement>,
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Self, Error> {
        let stands = format!(
            "select position from {SCHEMA}.forwarded where node_id = $1 and journal = $2 and stream = $3 for update"
        );
        let move_on = format!(
            "update {SCHEMA}.forwarded set position = $4, hash = coalesce($5, hash), rows = rows + $6, at = now() \
             where node_id = $1 and journal = $2 and stream = $3"
        );
        Ok(Self {
            stands: client.prepare(&stands).await?,
            move_on: client.prepare(&move_on).await?,
            copy_readings: None,
        })
    }
}

impl There<'_> {
    fn journal_is_the_same(&self, ends: &mut Ends) -> Result<bool, String> {
        Ok(ends.outbox.journal()? == self.seat.journal)
    }

    async fn prepare(&mut self, rows: &Rows) -> Result<(), Error> {
        let node = self.seat.node_id;
        match rows {
            Rows::Events(r) => {
                let times: Vec<_> = r.iter().map(|e| rows::within_reach(e.at)).collect();
                self.partitions.ensure(self.client, "event", times).await
            }
            Rows::Minutes(r) => {
                self.names.learn_series(self.client, node, r).await?;
                self.partitions.ensure(self.client, "minute", r.iter().map(|m| rows::moment(m.at))).await
            }
            Rows::Waveforms(r) => {
                let times: Vec<_> = r.iter().map(|w| rows::within_reach(w.at)).collect();
                self.partitions.ensure(self.client, "waveform", times).await
            }
            Rows::Seconds(r) => {
                self.names.learn_regions(self.client, node, r).await?;
                self.partitions.ensure(self.client, "reading", rows::days(&r.rows)).await
            }
        }
    }

    async fn take(
        &mut self,
        stream: Stream,
        expected: u64,
        portion: &Portion,
        alone: Option<&str>,
    ) -> Result<Applied, Error> {
        let (owner, ask) = (self.seat.owner(), &mut self.statements);
        let tx = self.client.transaction().await?;
        let row = tx.query_one(&ask.stands, &[&owner.node_id, &&*owner.journal, &stream.word()]).await?;
        let position = row.get::<_, i64>(0).unsigned_abs();
        if position != expected {
            return Ok(Applied::Elsewhere(position));
        }
        match (&portion.rows, alone) {
            (Rows::Events(r), None) => rows::events(&tx, &owner, r).await?,
            (Rows::Events(r), Some(why)) => {
                for e in r {
                    let raw = format!("{} {} {} {}", e.at, e.kind, e.subject.as_deref().unwrap_or_default(), e.body);
                    rows::rejected(&tx, &owner, stream.word(), e.seq, why, &raw).await?;
                }
            }
            (Rows::Minutes(r), _) => rows::minutes(&tx, &self.names, owner.node_id, r).await?,
            (Rows::Waveforms(r), _) => rows::waveforms(&tx, &owner, r).await?,
            (Rows::Seconds(r), _) => {
                let copy = match &ask.copy_readings {
                    Some(copy) => copy,
                    None => ask.copy_readings.insert(rows::copy_of_readings(&tx).await?),
                };
                rows::readings(&tx, copy, &self.names, owner.node_id, r).await?;
            }
        }
        let hash: Option<&[u8]> = match &portion.rows {
            Rows::Events(r) => r.last().map(|e| e.hash.as_slice()),
            _ => None,
        };
        let (up_to, count) = (portion.up_to as i64, portion.rows.len() as i64);
        tx.execute(&ask.move_on, &[&owner.node_id, &&*owner.journal, &stream.word(), &up_to, &hash, &count]).await?;
        tx.commit().await?;
        Ok(Applied::Done)
    }

    /// Takes the events one by one: what the database cannot take as it is (a character that jsonb does not have) is kept
    /// beside, so that it does not hold up what follows.
    async fn one_by_one(&mut self, stream: Stream, expected: u64, portion: &Portion) -> Result<Applied, Error> {
        let Rows::Events(events) = &portion.rows else { return self.take(stream, expected, portion, None).await };
        let mut at = expected;
        for e in events {
            let one = Portion { up_to: e.seq, rows: Rows::Events(vec![e.clone()]) };
            let applied = match self.take(stream, at, &one, None).await {
                Err(error) if unsuitable(&error) => {
                    let why = causes(&error);
                    tracing::warn!(
                        seq = e.seq,
                        "the database does not take an event as it is, kept in vms.rejected: {why}"
                    );
                    self.take(stream, at, &one, Some(&why)).await?
                }
                other => other?,
            };
            if let Applied::Elsewhere(_) = applied {
                return Ok(applied);
            }
            at = e.seq;
        }
        Ok(Applied::Done)
    }
}

/// The row itself is at fault (class 22, data exception), not the server.
fn unsuitable(e: &Error) -> bool {
    e.code().is_some_and(|c| c.code().starts_with("22"))
}

impl Remote for There<'_> {
    async fn apply(&mut self, stream: Stream, expected: u64, portion: &Portion) -> Result<Applied, Fault> {
        let work = async {
            self.prepare(&portion.rows).await?;
            match self.take(stream, expected, portion, None).await {
                Err(e) if unsuitable(&e) && stream == Stream::Event => self.one_by_one(stream, expected, portion).await,
                other => other,
            }
        };
        within(LARGE, work).await.map_err(Fault::Link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catch_up_is_paced() {
        assert_eq!(pace(20_000, Duration::from_millis(100), 50_000), Duration::from_millis(300));
        assert_eq!(pace(20_000, Duration::from_secs(1), 50_000), Duration::ZERO);
        assert_eq!(pace(1, Duration::ZERO, 0), Duration::from_secs(1));
        assert_eq!(portion(Stream::Second, 500), 500, "no pause is longer than a second");
        assert_eq!([portion(Stream::Second, 1_000_000), portion(Stream::Event, 1_000_000)], [60_000, 20_000]);
    }
}
