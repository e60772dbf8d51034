//! The journal's own thread: groups rows into commits, keeps them through failures of the disk, reports what is durable.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::error::JournalError;
use super::queue::Queue;
use super::store::Store;
use crate::base::backoff::Backoff;
use crate::base::clock::{Clock, Mono};
use crate::model::event::{Event, SecondReading};

/// The longest time that an ordinary row waits for its commit.
const GROUP: Duration = Duration::from_millis(50);
/// Rows of a kind in one commit.
const GROUP_ROWS: usize = 200;
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
    /// Write them soon.
    Readings(Vec<SecondReading>),
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

/// Runs until [`Write::Stop`] or until every sender is gone. For a thread of its own.
///
/// Never ends because of a failing disk before that: it keeps a bounded queue and tries again.
#[expect(clippy::needless_pass_by_value, reason = "senders must see the channel closed when this ends")]
pub fn run(store: Store, rx: Receiver<Write>, clock: Arc<dyn Clock>, sink: Sink) {
    let mut writer = Writer::new(store, clock, sink);
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
    clock: Arc<dyn Clock>,
    sink: Sink,
    queue: Queue,
    /// When the oldest row that waits must be committed.
    due: Option<Mono>,
    /// The disk refused; not before then again.
    retry: Option<Mono>,
    backoff: Backoff,
    fault: Option<String>,
    newest_durable: u64,
    lost: Option<(u64, u64)>,
    durable: Option<(u64, f64)>,
    /// A report found no room; not before then again.
    resend: Option<Mono>,
    status_due: Mono,
    stopping: bool,
}

impl Writer {
    fn new(store: Store, clock: Arc<dyn Clock>, sink: Sink) -> Self {
        let status_due = clock.now().mono;
        Self {
            store,
            clock,
            sink,
            queue: Queue::default(),
            due: None,
            retry: None,
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(2)),
            fault: None,
            newest_durable: 0,
            lost: None,
            durable: None,
            resend: None,
            status_due,
            stopping: false,
        }
    }

    fn mono(&self) -> Mono {
        self.clock.now().mono
    }

    /// How long there is nothing to do.
    fn pause(&self) -> Duration {
        let commit = if self.queue.is_empty() { None } else { self.retry.or(self.due) };
        let next = [commit, self.resend].into_iter().flatten().fold(self.status_due, Mono::min);
        // Rounded up, so that it is really time when the wait ends.
        next.since(self.mono()) + Duration::from_micros(100)
    }

    fn take(&mut self, write: Write) {
        match write {
            Write::Event(event) => self.add(event, false),
            Write::Urgent(event) => self.add(event, true),
            Write::Readings(readings) => readings.into_iter().for_each(|r| self.queue.push_reading(r)),
            Write::Stop => self.stopping = true,
        }
        if self.due.is_none() && !self.queue.is_empty() {
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
            self.status();
        }
    }

    fn commit_due(&self) -> bool {
        let now = self.mono();
        if let Some(retry) = self.retry {
            return retry <= now;
        }
        !self.queue.is_empty()
            && (self.queue.urgent() || self.queue.len() >= GROUP_ROWS || self.due.is_none_or(|due| due <= now))
    }

    /// Commits group after group until nothing waits or the disk refuses.
    fn commit_all(&mut self) {
        while let Some(result) = self.commit_group() {
            match result {
                Ok(()) => self.works(),
                Err(JournalError::Encode { seq, .. }) => {
                    if let Some(seq) = self.queue.drop_event(seq) {
                        self.lose(seq);
                    }
                }
                Err(e) => return self.refused(&e),
            }
        }
        self.due = None;
    }

    fn commit_group(&mut self) -> Option<Result<(), JournalError>> {
        let broken = self.retry.is_some();
        if self.queue.is_empty() && !broken {
            return None;
        }
        let (events, readings) = self.queue.batch(GROUP_ROWS);
        let began = self.mono();
        let result = if broken { self.store.reopen() } else { Ok(()) };
        let result = result.and_then(|()| self.store.append(&events, &readings));
        if result.is_ok() {
            self.queue.done(events.len(), readings.len());
            // Numbers rise, but nothing here depends on it.
            let newest = events.iter().map(|e| e.seq).max().unwrap_or(0).max(self.newest_durable);
            self.newest_durable = newest;
            self.durable = Some((newest, self.mono().secs_since(began) * 1e3));
        }
        Some(result)
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
        let sent = (self.sink)(WriterOut::Status {
            size_bytes: self.store.size_bytes(),
            waiting: self.queue.len() as u64,
            dropped: self.queue.dropped(),
            fault: self.fault.clone(),
        });
        self.status_due = self.mono().after(if sent { STATUS } else { RESEND });
    }

    /// The last commits, with a few tries: an end must come even when the disk does not come back.
    fn finish(&mut self) {
        for last in 1..=LAST_TRIES {
            self.commit_all();
            if self.queue.is_empty() || last == LAST_TRIES {
                break;
            }
            let pause = self.retry.map_or(Duration::ZERO, |t| t.since(self.mono()));
            std::thread::sleep(pause);
        }
        let lost = self.queue.len();
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
