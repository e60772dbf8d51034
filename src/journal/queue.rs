//! Rows that wait for the disk: bounded, in order, every drop counted.

use std::collections::VecDeque;

use crate::model::event::{Event, SecondReading};

/// Events kept in memory while the disk refuses.
pub const EVENTS_KEPT: usize = 10_000;
/// Readings kept in memory while the disk refuses.
pub const READINGS_KEPT: usize = 10_000;

#[derive(Debug)]
struct Waiting {
    event: Event,
    urgent: bool,
}

/// What is not durable yet.
#[derive(Debug, Default)]
pub struct Queue {
    events: VecDeque<Waiting>,
    readings: VecDeque<SecondReading>,
    dropped: u64,
    urgent: bool,
}

impl Queue {
    /// Adds an event. If one had to go that somebody waits for, its number is returned.
    ///
    /// Ordinary events go first, the oldest before the others; urgent ones only when there is nothing else left.
    pub fn push_event(&mut self, event: Event, urgent: bool) -> Option<u64> {
        let gone = if self.events.len() >= EVENTS_KEPT { self.drop_one() } else { None };
        self.urgent |= urgent;
        self.events.push_back(Waiting { event, urgent });
        gone
    }

    /// Adds a region's second; the oldest goes when there is no room.
    pub fn push_reading(&mut self, reading: SecondReading) {
        if self.readings.len() >= READINGS_KEPT {
            self.readings.pop_front();
            self.dropped += 1;
        }
        self.readings.push_back(reading);
    }

    fn drop_one(&mut self) -> Option<u64> {
        self.dropped += 1;
        if let Some(i) = self.events.iter().position(|w| !w.urgent) {
            self.events.remove(i);
            return None;
        }
        self.events.pop_front().map(|w| w.event.seq)
    }

    /// Takes out an event that can never be written. Its number is returned if somebody waits for it.
    pub fn drop_event(&mut self, seq: u64) -> Option<u64> {
        let i = self.events.iter().position(|w| w.event.seq == seq)?;
        self.dropped += 1;
        self.events.remove(i).filter(|w| w.urgent).map(|w| w.event.seq)
    }

    /// The oldest rows, at most `max` of each kind, for one commit. They stay until [`Self::done`].
    #[must_use]
    pub fn batch(&self, max: usize) -> (Vec<Event>, Vec<SecondReading>) {
        let events = self.events.iter().take(max).map(|w| w.event.clone()).collect();
        (events, self.readings.iter().take(max).cloned().collect())
    }

    /// Forgets the oldest rows, which are durable now.
    pub fn done(&mut self, events: usize, readings: usize) {
        self.events.drain(..events.min(self.events.len()));
        self.readings.drain(..readings.min(self.readings.len()));
        self.urgent = self.events.iter().any(|w| w.urgent);
    }

    /// Rows that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len() + self.readings.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether somebody waits for one of the events.
    #[must_use]
    pub fn urgent(&self) -> bool {
        self.urgent
    }

    /// Rows dropped since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{note, second};

    #[test]
    fn keeps_the_newest_and_what_is_waited_for() {
        let mut q = Queue::default();
        assert_eq!(q.push_event(note(1), true), None);
        for seq in 2..=EVENTS_KEPT as u64 + 2 {
            assert_eq!(q.push_event(note(seq), false), None);
        }
        assert_eq!(q.dropped(), 2);
        let seqs: Vec<u64> = q.batch(2).0.iter().map(|e| e.seq).collect();
        assert_eq!(seqs, [1, 4], "the urgent one stays, the oldest ordinary ones go");
        assert!(q.urgent());
        q.done(1, 0);
        assert!(!q.urgent());
    }

    #[test]
    fn says_which_urgent_event_went() {
        let mut q = Queue::default();
        for seq in 1..=EVENTS_KEPT as u64 {
            q.push_event(note(seq), true);
        }
        assert_eq!(q.push_event(note(99_999), true), Some(1));
        assert_eq!(q.dropped(), 1);
    }

    #[test]
    fn readings_are_bounded_too() {
        let mut q = Queue::default();
        for s in 0..READINGS_KEPT as i64 + 5 {
            q.push_reading(second("a", s));
        }
        assert_eq!((q.len(), q.dropped()), (READINGS_KEPT, 5));
        assert_eq!(q.batch(1).1[0].second, 5);
    }
}
