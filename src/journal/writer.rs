//! The journal's own thread: groups rows into commits, keeps them through failures of the disk, reports what is durable.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::append::Batch;
use super::aside;
use super::error::JournalError;
use super::queue::Queue;
use super::rollup::Rollup;
use super::store::Store;
use crate::base::backoff::Backoff;
use crate::base::clock::{Clock, Mono};
use crate::base::text::bytes;
use crate::config::sections::Journal;
use crate::model::event::{Event, SecondReading};
use crate::model::record::{EventWaveform, Stream, Value};

/// The longest time that an ordinary row waits for its commit.
const GROUP: Duration = Duration::from_millis(50);
/// Rows of a kind in one commit.
const GROUP_ROWS: usize = 200;
/// Minutes in one commit.
const GROUP_MINUTES: usize = 2000;
/// Old rows are looked for so often, and so soon again while there are more.
const KEEP_EVERY: (Duration, Duration) = (Duration::from_secs(30), Duration::from_millis(250));
/// A status is sent at least so often.
const STATUS: Duration = Duration::from_secs(1);
/// A report that found no room is sent again after this time.
const RESEND: Duration = Duration::from_millis(20);
/// Tries after being told to stop, with pauses of 100, 200, 400 and 800 ms between them.
const LAST_TRIES: u32 = 5;
/// Tries to hand over the last reports.
const LAST_REPORTS: u32 = 50;

/// What the writer is told.
#[derive(Debug)]
pub enum Write {
    /// Write it soon.
    Event(Event),
    /// Somebody waits for it: write it now, with all that came before it.
    Urgent(Event),
    /// The readings of all regions of one second: write them soon.
    Readings(Vec<SecondReading>),
    /// Values of a second that are only kept rolled up, in minutes and hours.
    Values {
        /// The second, Unix time.
        second: i64,
        /// The values.
        values: Vec<Value>,
    },
    /// A waveform about an event: write it soon.
    Waveform(EventWaveform),
    /// A stream has reached PostgreSQL up to this position.
    Sent(Stream, u64),
    /// The journal was put back from an older copy: from now on it is another one, of this name.
    Rename(Arc<str>),
    /// Write everything that came before, then end.
    Stop,
}

/// What the writer tells.
#[derive(Clone, Debug, PartialEq)]
pub enum WriterOut {
    /// Events are synced to the disk.
    Durable {
        /// Every event up to this number, except those reported as [`WriterOut::Lost`] or counted as dropped.
        up_to_seq: u64,
        /// Duration of the newest commit.
        commit_ms: f64,
    },
    /// Urgent events were dropped because the disk refused for too long; always sent before a `Durable` that
    /// passes over them. What waits for an event in this range must not be shown as done.
    Lost {
        /// The first.
        from_seq: u64,
        /// The last, inclusive.
        to_seq: u64,
    },
    /// How the journal is.
    Status {
        /// Size of the file with its log.
        size_bytes: Option<u64>,
        /// Rows that wait for the disk.
        waiting: u64,
        /// Rows dropped since the start.
        dropped: u64,
        /// What is wrong and what to do.
        fault: Option<String>,
    },
}

/// Where reports go; false if there is no room now.
pub type Sink = Box<dyn Fn(WriterOut) -> bool + Send>;

/// How long what is kept, and whether rows go on to PostgreSQL: those are kept until they have.
#[derive(Clone, Debug, Default)]
pub struct Retention {
    /// How long.
    pub keep: Journal,
    /// Whether there is a PostgreSQL.
    pub sends: bool,
}

/// Runs until [`Write::Stop`] or until every sender is gone. For a thread of its own.
///
/// Never ends because of a failing disk before that: it keeps a bounded queue and tries again.
#[expect(clippy::needless_pass_by_value, reason = "senders must see the channel closed when this ends")]
pub fn run(store: Store, retention: Retention, rx: Receiver<Write>, clock: Arc<dyn Clock>, sink: Sink) {
    let mut writer = Writer::new(store, retention, clock, sink);
    while !writer.stopping {
        match rx.recv_timeout(writer.pause()) {
            Ok(first) => {
                writer.take(first);
                // What waits already shares the commit; the bound keeps a flood from delaying it.
                for next in rx.try_iter().take(GROUP_ROWS - 1) {
                    writer.take(next);
                    if writer.stopping {
                        break;
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => writer.stopping = true,
        }
        writer.step();
    }
    writer.finish();
}

struct Writer {
    store: Store,
    retention: Retention,
    clock: Arc<dyn Clock>,
    sink: Sink,
    queue: Queue,
    rollup: Rollup,
    /// Taken out of the queue, and not known to be on the disk: after a failure it is appended again, from here.
    in_flight: Option<Batch>,
    /// When the oldest row that waits must be committed.
    due: Option<Mono>,
    /// The disk refused; not before then again.
    retry: Option<Mono>,
    backoff: Backoff,
    fault: Option<String>,
    /// Old rows are looked for then.
    keep_due: Mono,
    /// Readings that had to go before they reached PostgreSQL, because the journal has its largest size.
    unsent: u64,
    /// A damaged journal, and what is told about it.
    aside: Option<(PathBuf, String)>,
    newest_durable: u64,
    lost: Option<(u64, u64)>,
    durable: Option<(u64, f64)>,
    /// A report found no room; not before then again.
    resend: Option<Mono>,
    status_due: Mono,
    stopping: bool,
}

impl Writer {
    fn new(store: Store, retention: Retention, clock: Arc<dyn Clock>, sink: Sink) -> Self {
        let now = clock.now().mono;
        let mut rollup = Rollup::default();
        // The minute that the last end interrupted goes on.
        match store.not_rolled_up() {
            Ok(seconds) => seconds.iter().for_each(|r| rollup.reading(r)),
            Err(e) => tracing::warn!("the newest minute of the trends begins anew: {e}"),
        }
        Self {
            store,
            retention,
            clock,
            sink,
            queue: Queue::default(),
            rollup,
            in_flight: None,
            due: None,
            retry: None,
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(2)),
            fault: None,
            keep_due: now.after(KEEP_EVERY.0),
            unsent: 0,
            aside: None,
            newest_durable: 0,
            lost: None,
            durable: None,
            resend: None,
            status_due: now,
            stopping: false,
        }
    }

    fn mono(&self) -> Mono {
        self.clock.now().mono
    }

    fn nothing_waits(&self) -> bool {
        self.queue.is_empty() && self.in_flight.is_none() && self.rollup.waiting() == 0
    }

    fn waiting(&self) -> u64 {
        (self.queue.len() + self.in_flight.as_ref().map_or(0, Batch::rows)) as u64
    }

    /// How long there is nothing to do.
    fn pause(&self) -> Duration {
        let commit = if self.nothing_waits() { None } else { self.retry.or(self.due) };
        let next = [commit, self.resend, Some(self.keep_due)].into_iter().flatten().fold(self.status_due, Mono::min);
        // Rounded up, so that it is really time when the wait ends.
        next.since(self.mono()) + Duration::from_micros(100)
    }

    fn take(&mut self, write: Write) {
        match write {
            Write::Event(event) => self.add(event, false),
            Write::Urgent(event) => self.add(event, true),
            Write::Readings(readings) => {
                for r in &readings {
                    self.rollup.reading(r);
                }
                self.queue.push_second(readings);
            }
            Write::Values { second, values } => values.iter().for_each(|v| self.rollup.value(second, v)),
            Write::Waveform(waveform) => self.queue.push_waveform(waveform),
            Write::Sent(stream, position) => self.queue.push_sent(stream, position),
            Write::Rename(name) => self.queue.rename(name),
            Write::Stop => self.stopping = true,
        }
        self.soon();
    }

    fn soon(&mut self) {
        if self.due.is_none() && !self.nothing_waits() {
            self.due = Some(self.mono().after(GROUP));
        }
    }

    fn add(&mut self, event: Event, urgent: bool) {
        if let Some(seq) = self.queue.push_event(event, urgent) {
            self.lose(seq);
        }
    }

    fn lose(&mut self, seq: u64) {
        let (from, to) = self.lost.unwrap_or((seq, seq));
        self.lost = Some((from.min(seq), to.max(seq)));
    }

    fn step(&mut self) {
        if self.commit_due() {
            self.commit_all();
        }
        self.report();
        if self.status_due <= self.mono() {
            // A series that has stopped is complete as well.
            self.rollup.close_others(self.clock.now().wall.as_second());
            self.soon();
            self.status();
        }
        if self.keep_due <= self.mono() {
            self.keep();
        }
    }

    fn commit_due(&self) -> bool {
        let now = self.mono();
        if let Some(retry) = self.retry {
            return retry <= now;
        }
        !self.nothing_waits()
            && (self.queue.urgent() || self.queue.len() >= GROUP_ROWS || self.due.is_none_or(|due| due <= now))
    }

    /// Commits group after group until nothing waits or the disk refuses.
    fn commit_all(&mut self) {
        while let Some(result) = self.commit_group() {
            match result {
                Ok(()) => self.works(),
                Err(JournalError::Encode { seq, .. }) => self.never(seq),
                Err(e) => return self.refused(&e),
            }
        }
        self.due = None;
    }

    fn commit_group(&mut self) -> Option<Result<(), JournalError>> {
        let broken = self.retry.is_some();
        if self.nothing_waits() && !broken {
            return None;
        }
        let batch = self.in_flight.take().unwrap_or_else(|| {
            let mut batch = self.queue.take(GROUP_ROWS);
            batch.minutes = self.rollup.take(GROUP_MINUTES);
            batch
        });
        let began = self.mono();
        let result = if broken { self.store.reopen(self.clock.now()) } else { Ok(()) };
        let result = result.and_then(|()| self.store.append(&batch));
        if result.is_ok() {
            // Numbers rise, but nothing here depends on it.
            let newest = batch.events.iter().map(|e| e.seq).max().unwrap_or(0).max(self.newest_durable);
            self.newest_durable = newest;
            self.durable = Some((newest, self.mono().secs_since(began) * 1e3));
        } else {
            self.in_flight = Some(batch);
        }
        Some(result)
    }

    /// An event that can never be written is given up.
    fn never(&mut self, seq: u64) {
        tracing::error!(seq, "an event has no written form and is lost");
        if let Some(batch) = &mut self.in_flight {
            batch.events.retain(|e| e.seq != seq);
        }
        self.lose(seq);
    }

    /// Removes a little of what is old, when there is nothing better to do.
    fn keep(&mut self) {
        let now = self.clock.now();
        self.keep_due = now.mono.after(KEEP_EVERY.0);
        if self.retry.is_some() || self.in_flight.is_some() {
            return;
        }
        match self.store.keep(&self.retention.keep, self.retention.sends, now.wall.as_second()) {
            Ok(removed) => {
                self.unsent += removed.unsent;
                if removed.more {
                    self.keep_due = now.mono.after(KEEP_EVERY.1);
                }
            }
            Err(e) => tracing::warn!("old rows of the journal could not be removed: {e}"),
        }
    }

    fn works(&mut self) {
        self.retry = None;
        self.backoff.reset();
        if self.fault.take().is_some() {
            self.status_due = self.mono();
        }
    }

    fn refused(&mut self, e: &JournalError) {
        self.retry = Some(self.mono().after(self.backoff.pause()));
        let fault = Some(e.to_string());
        if self.fault != fault {
            self.fault = fault;
            self.status_due = self.mono();
        }
    }

    /// Sends what is not sent yet; what finds no room stays.
    fn report(&mut self) {
        let now = self.mono();
        if self.resend.is_some_and(|t| now < t) {
            return;
        }
        self.resend = None;
        if let Some((from_seq, to_seq)) = self.lost {
            if !(self.sink)(WriterOut::Lost { from_seq, to_seq }) {
                self.resend = Some(now.after(RESEND));
                return;
            }
            self.lost = None;
        }
        if let Some((up_to_seq, commit_ms)) = self.durable {
            if !(self.sink)(WriterOut::Durable { up_to_seq, commit_ms }) {
                self.resend = Some(now.after(RESEND));
                return;
            }
            self.durable = None;
        }
    }

    fn status(&mut self) {
        let fault = self.fault.clone().or_else(|| self.aside()).or_else(|| {
            (self.unsent > 0).then(|| {
                format!(
                    "the journal has its largest size ({}): {} of its oldest seconds went before they reached PostgreSQL; \
                     bring the database back, or raise journal.keep_at_most",
                    bytes(self.retention.keep.keep_at_most_bytes),
                    self.unsent
                )
            })
        });
        let sent = (self.sink)(WriterOut::Status {
            size_bytes: self.store.size_bytes(),
            waiting: self.waiting(),
            dropped: self.queue.dropped() + self.rollup.dropped() + self.unsent,
            fault,
        });
        self.status_due = self.mono().after(if sent { STATUS } else { RESEND });
    }

    /// What is told about a damaged journal, as long as it lies there; its file is read once.
    fn aside(&mut self) -> Option<String> {
        let path = self.store.set_aside()?;
        if self.aside.as_ref().is_none_or(|(of, _)| of != path) {
            self.aside = Some((path.to_path_buf(), aside::advice(path, self.retention.sends)));
        }
        self.aside.as_ref().map(|(_, text)| text.clone())
    }

    /// The last commits, with a few tries: an end must come even when the disk does not come back.
    fn finish(&mut self) {
        self.rollup.close_all();
        for last in 1..=LAST_TRIES {
            self.commit_all();
            if self.nothing_waits() || last == LAST_TRIES {
                break;
            }
            let pause = self.retry.map_or(Duration::ZERO, |t| t.since(self.mono()));
            std::thread::sleep(pause);
        }
        let lost = self.waiting();
        if lost > 0 {
            let why = self.fault.take().unwrap_or_default();
            self.fault = Some(format!("{lost} rows of the journal were lost at the end: {why}"));
        }
        // The reader may be busy; it gets a moment to take the last reports.
        for _ in 0..LAST_REPORTS {
            self.resend = None;
            self.report();
            if self.resend.is_none() {
                break;
            }
            std::thread::sleep(RESEND);
        }
        self.status();
    }
}

#[cfg(test)]
mod tests;
