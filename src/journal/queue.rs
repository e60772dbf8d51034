//! Rows that wait for the disk: bounded, in order, every drop counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::append::Batch;
use crate::model::event::{Event, SecondReading};
use crate::model::record::{EventWaveform, Stream};

/// Events kept in memory while the disk refuses.
pub const EVENTS_KEPT: usize = 10_000;
/// Readings kept in memory while the disk refuses: of 64 regions those of most of an hour.
pub const READINGS_KEPT: usize = 200_000;
/// Waveforms kept in memory while the disk refuses.
pub const WAVEFORMS_KEPT: usize = 200;

#[derive(Debug)]
struct Waiting {
    event: Event,
    urgent: bool,
}

/// What is not durable yet.
#[derive(Debug, Default)]
pub struct Queue {
    events: VecDeque<Waiting>,
    seconds: VecDeque<Vec<SecondReading>>,
    /// Readings in all of `seconds`.
    readings: usize,
    waveforms: VecDeque<EventWaveform>,
    sent: BTreeMap<Stream, u64>,
    name: Option<Arc<str>>,
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

    /// Adds a second of all regions; the oldest go when there is no room.
    pub fn push_second(&mut self, readings: Vec<SecondReading>) {
        if readings.is_empty() {
            return;
        }
        self.readings += readings.len();
        self.seconds.push_back(readings);
        while self.readings > READINGS_KEPT
            && let Some(gone) = self.seconds.pop_front()
        {
            self.readings -= gone.len();
            self.dropped += gone.len() as u64;
        }
    }

    /// Adds a waveform; the oldest goes when there is no room.
    pub fn push_waveform(&mut self, waveform: EventWaveform) {
        if self.waveforms.len() >= WAVEFORMS_KEPT {
            self.waveforms.pop_front();
            self.dropped += 1;
        }
        self.waveforms.push_back(waveform);
    }

    /// A stream has reached PostgreSQL up to here.
    pub fn push_sent(&mut self, stream: Stream, position: u64) {
        let known = self.sent.entry(stream).or_default();
        *known = position.max(*known);
    }

    /// The journal takes another name.
    pub fn rename(&mut self, name: Arc<str>) {
        self.name = Some(name);
    }

    fn drop_one(&mut self) -> Option<u64> {
        self.dropped += 1;
        if let Some(i) = self.events.iter().position(|w| !w.urgent) {
            self.events.remove(i);
            return None;
        }
        self.events.pop_front().map(|w| w.event.seq)
    }

    /// Takes out the oldest rows, at most `max` of each kind, for one commit.
    pub fn take(&mut self, max: usize) -> Batch {
        let events = self.events.drain(..max.min(self.events.len())).map(|w| w.event).collect();
        let seconds: Vec<Vec<SecondReading>> = self.seconds.drain(..max.min(self.seconds.len())).collect();
        self.readings -= seconds.iter().map(Vec::len).sum::<usize>();
        let waveforms = self.waveforms.drain(..max.min(self.waveforms.len())).collect();
        self.urgent = self.events.iter().any(|w| w.urgent);
        let sent = std::mem::take(&mut self.sent).into_iter().collect();
        Batch { events, seconds, minutes: Vec::new(), waveforms, sent, name: self.name.take() }
    }

    /// Rows that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len() + self.readings + self.waveforms.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.sent.is_empty() && self.name.is_none()
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
        assert!(q.urgent());
        let seqs: Vec<u64> = q.take(2).events.iter().map(|e| e.seq).collect();
        assert_eq!(seqs, [1, 4], "the urgent one stays, the oldest ordinary ones go");
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
        let most = READINGS_KEPT as i64 / 2;
        for s in 0..most + 5 {
            q.push_second(vec![second("a", s), second("b", s)]);
        }
        assert_eq!((q.len(), q.dropped()), (READINGS_KEPT, 10));
        assert_eq!(q.take(1).seconds[0][0].second, 5);
        assert_eq!(q.len(), READINGS_KEPT - 2);
    }

    #[test]
    fn where_a_stream_is_never_goes_back() {
        let mut q = Queue::default();
        q.push_sent(Stream::Event, 7);
        q.push_sent(Stream::Event, 5);
        assert!(!q.is_empty());
        assert_eq!(q.take(1).sent, [(Stream::Event, 7)]);
        assert!(q.is_empty());
    }
}
