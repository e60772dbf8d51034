//! What somebody asks for: carried out by events that count only once they are durable.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use crate::base::clock::Mono;
use crate::model::AlarmId;
use crate::model::event::{Event, EventKind};
use crate::model::intent::Reply;

/// How long an answer is held back for the disk; after that the person is told that it is not saved yet.
const PATIENCE: Duration = Duration::from_secs(8);
/// More than this waits for the disk only when the disk is dead; then no more is taken.
const MOST: usize = 512;

/// An event on its way to the disk, and who waits for it.
struct Waiting {
    event: Event,
    since: Mono,
    reply: Option<(SyncSender<Reply>, String)>,
}

/// Events that are applied only once they are durable.
#[derive(Default)]
pub struct Pending {
    queue: VecDeque<Waiting>,
}

impl Pending {
    /// Whether more can be taken.
    #[must_use]
    pub fn full(&self) -> bool {
        self.queue.len() >= MOST
    }

    /// An event is on its way; `reply` is answered with its sentence when the event is durable.
    pub fn add(&mut self, event: Event, reply: Option<(SyncSender<Reply>, String)>, now: Mono) {
        self.queue.push_back(Waiting { event, since: now, reply });
    }

    /// Everything up to `seq` is durable: these events count now, and these people are to be told, once the board shows it.
    pub fn durable(&mut self, seq: u64) -> (Vec<Event>, Vec<(SyncSender<Reply>, String)>) {
        let (mut done, mut told) = (Vec::new(), Vec::new());
        while self.queue.front().is_some_and(|w| w.event.seq <= seq) {
            if let Some(w) = self.queue.pop_front() {
                told.extend(w.reply);
                done.push(w.event);
            }
        }
        (done, told)
    }

    /// These will never be durable: whoever waits is told, and they do not count.
    pub fn lost(&mut self, from_seq: u64, to_seq: u64) -> Vec<Event> {
        let mut lost = Vec::new();
        self.queue.retain_mut(|w| {
            if !(from_seq..=to_seq).contains(&w.event.seq) {
                return true;
            }
            if let Some((reply, _)) = w.reply.take() {
                let _ = reply.try_send(Err(
                    "not saved: the journal's disk refused for too long; do it again once it is mended".into(),
                ));
            }
            lost.push(w.event.clone());
            false
        });
        lost
    }

    /// Tells those who have waited too long that their wish is not saved yet (it still may be).
    pub fn impatient(&mut self, now: Mono, fault: Option<&str>) {
        for w in &mut self.queue {
            if now.since(w.since) >= PATIENCE
                && let Some((reply, _)) = w.reply.take()
            {
                let why = fault.unwrap_or("the disk is slow");
                let _ = reply.try_send(Err(format!("not saved yet: {why}; it will count once it is saved")));
            }
        }
    }

    /// Whether an acknowledgment of this alarm is on its way.
    #[must_use]
    pub fn acknowledging(&self, alarm: &AlarmId) -> bool {
        self.queue.iter().any(|w| matches!(&w.event.kind, EventKind::AlarmAcknowledged { alarm: a, .. } if a == alarm))
    }
}

/// Answers a wish at once.
pub fn answer(reply: Option<SyncSender<Reply>>, text: Reply) {
    if let Some(r) = reply {
        let _ = r.try_send(text);
    }
}

/// The name under which the program itself acts.
#[must_use]
pub fn program() -> Arc<str> {
    "vms".into()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use jiff::Timestamp;

    use super::*;

    fn ack(seq: u64, alarm: &str) -> Event {
        Event {
            seq,
            at: Timestamp::UNIX_EPOCH,
            kind: EventKind::AlarmAcknowledged { alarm: alarm.into(), who: "a".into(), why: None },
        }
    }

    #[test]
    fn counts_only_when_durable() {
        let mut p = Pending::default();
        let (tx, rx) = sync_channel(1);
        p.add(ack(7, "x"), Some((tx, "done".into())), Mono(0));
        assert!(p.durable(6).0.is_empty());
        assert!(rx.try_recv().is_err() && p.acknowledging(&"x".into()));
        let (events, told) = p.durable(7);
        assert_eq!((events.len(), told.len(), told[0].1.as_str()), (1, 1, "done"));
        assert!(!p.acknowledging(&"x".into()));
    }

    #[test]
    fn a_dead_disk_is_told() {
        let mut p = Pending::default();
        let (tx, rx) = sync_channel(1);
        p.add(ack(1, "x"), Some((tx, "done".into())), Mono(0));
        p.impatient(Mono(PATIENCE.as_nanos() as u64), Some("disk full"));
        assert!(rx.try_recv().unwrap().unwrap_err().contains("disk full"));
        assert_eq!(p.durable(1).0.len(), 1, "it counts once it is durable after all");
    }

    #[test]
    fn what_is_lost_never_counts() {
        let mut p = Pending::default();
        let (tx, rx) = sync_channel(1);
        p.add(ack(3, "x"), Some((tx, "done".into())), Mono(0));
        p.add(ack(5, "y"), None, Mono(0));
        assert_eq!(p.lost(1, 4).len(), 1);
        assert!(rx.try_recv().unwrap().is_err());
        assert_eq!(p.durable(9).0.len(), 1, "the other one counts");
    }
}
