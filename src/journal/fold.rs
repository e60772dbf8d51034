//! Alarms as the events say they are (ISA-18.2, figure 3): the same list live and from the record.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::AlarmId;
use crate::model::alarm::{Alarm, AlarmState};
use crate::model::event::{Event, EventKind};

/// An alarm that is not normal, and the numbers of the events that made it so.
#[derive(Clone, Debug)]
struct Entry {
    alarm: Alarm,
    /// The raise with which the present occurrence began.
    raised_seq: u64,
    /// The acknowledgment that counts.
    acknowledged_seq: Option<u64>,
}

/// The list of alarms, kept by applying events.
///
/// Raises and returns are applied as they happen; an acknowledgment only once it is durable, so later than events
/// with higher numbers. The result is nevertheless that of the record read in order.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    entries: BTreeMap<AlarmId, Entry>,
}

impl Fold {
    /// Goes on from the alarms of the record; no event older than them may follow.
    #[must_use]
    pub fn restored(alarms: Vec<Alarm>) -> Self {
        let entries = alarms.into_iter().filter(|a| a.state != AlarmState::Normal).map(|alarm| {
            let acknowledged_seq = alarm.acknowledged_by.is_some().then_some(0);
            (alarm.id.clone(), Entry { alarm, raised_seq: 0, acknowledged_seq })
        });
        Self { entries: entries.collect() }
    }

    /// Takes an event; those that are not about alarms change nothing.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::AlarmRaised { alarm, .. } => self.raise(alarm, event),
            EventKind::AlarmReturned { alarm, value } => self.give_back(alarm, *value, event.at),
            EventKind::AlarmAcknowledged { alarm, who, .. } => self.acknowledge(alarm, who, event.seq),
            _ => {}
        }
    }

    /// Alarms that are not normal: unacknowledged first, then by priority from high to low, then newest.
    #[must_use]
    pub fn alarms(&self) -> Vec<Alarm> {
        let mut alarms: Vec<Alarm> = self.entries.values().map(|e| e.alarm.clone()).collect();
        // Stable, and the map is in order of names: equal ones never change places.
        alarms.sort_by_key(|a| (!a.state.unacknowledged(), Reverse(a.priority), Reverse(a.since)));
        alarms
    }

    fn raise(&mut self, id: &AlarmId, event: &Event) {
        let Some(raised) = alarm_of(event) else { return };
        match self.entries.get_mut(id) {
            // Still the same occurrence: the words are new, its beginning and its acknowledgment stay.
            Some(e) if e.alarm.state.active() => {
                e.alarm = Alarm {
                    state: e.alarm.state.raised(),
                    since: e.alarm.since,
                    acknowledged_by: e.alarm.acknowledged_by.take(),
                    acknowledging: e.alarm.acknowledging,
                    ..raised
                };
            }
            _ => {
                let entry = Entry { alarm: raised, raised_seq: event.seq, acknowledged_seq: None };
                self.entries.insert(id.clone(), entry);
            }
        }
    }

    fn give_back(&mut self, id: &AlarmId, value: Option<f64>, at: Timestamp) {
        let Some(e) = self.entries.get_mut(id) else { return };
        if e.alarm.state.active() {
            e.alarm.returned = Some(at);
            e.alarm.value = value.or(e.alarm.value);
        }
        e.alarm.state = e.alarm.state.returned();
        self.forget_if_normal(id);
    }

    fn acknowledge(&mut self, id: &AlarmId, who: &Arc<str>, seq: u64) {
        let Some(e) = self.entries.get_mut(id) else { return };
        // It was given before this occurrence began: it belongs to an earlier one.
        if seq < e.raised_seq {
            return;
        }
        if e.acknowledged_seq.is_none_or(|s| seq < s) {
            e.acknowledged_seq = Some(seq);
            e.alarm.acknowledged_by = Some(who.clone());
        }
        e.alarm.acknowledging = false;
        e.alarm.state = e.alarm.state.acknowledged();
        self.forget_if_normal(id);
    }

    fn forget_if_normal(&mut self, id: &AlarmId) {
        if self.entries.get(id).is_some_and(|e| e.alarm.state == AlarmState::Normal) {
            self.entries.remove(id);
        }
    }
}

/// The alarm that a raise begins.
fn alarm_of(event: &Event) -> Option<Alarm> {
    let EventKind::AlarmRaised { alarm, source, topic, priority, value, limit, unit, text, advice } = &event.kind
    else {
        return None;
    };
    Some(Alarm {
        id: alarm.clone(),
        source: source.clone(),
        topic: *topic,
        priority: *priority,
        state: AlarmState::Normal.raised(),
        since: event.at,
        returned: None,
        value: *value,
        limit: *limit,
        unit: unit.clone(),
        text: text.clone(),
        advice: advice.clone(),
        acknowledged_by: None,
        acknowledging: false,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::testing::{acknowledged, at, raised, returned};
    use crate::model::alarm::Priority;

    fn after(events: &[Event]) -> Vec<Alarm> {
        let mut fold = Fold::default();
        for e in events {
            fold.apply(e);
        }
        fold.alarms()
    }

    #[test]
    fn a_life() {
        use AlarmState::{ActiveAcknowledged, ActiveUnacknowledged, ReturnedUnacknowledged};
        let all = [
            raised(1, "a", Priority::High),
            acknowledged(2, "a"),
            returned(3, "a"),
            raised(4, "a", Priority::High),
            returned(5, "a"),
            acknowledged(6, "a"),
        ];
        let states: Vec<Option<AlarmState>> = (1..=6).map(|n| after(&all[..n]).first().map(|a| a.state)).collect();
        let want = [
            Some(ActiveUnacknowledged),
            Some(ActiveAcknowledged),
            None,
            Some(ActiveUnacknowledged),
            Some(ReturnedUnacknowledged),
            None,
        ];
        assert_eq!(states, want);
        let acked = after(&all[..2]);
        assert_eq!(acked[0].acknowledged_by.as_deref(), Some("person 2"));
        let gone = after(&all[..5]);
        assert_eq!((gone[0].since, gone[0].returned, gone[0].value), (at(4), Some(at(5)), Some(5.0)));
    }

    #[test]
    fn a_repeat_before_the_acknowledgment_is_a_new_occurrence() {
        let a = after(&[raised(1, "a", Priority::Low), returned(2, "a"), raised(3, "a", Priority::High)]);
        assert_eq!((a[0].since, a[0].returned, a[0].value), (at(3), None, Some(3.5)));
        assert_eq!((a[0].priority, &*a[0].text), (Priority::High, "raise 3"));
    }

    #[test]
    fn a_raise_while_active_keeps_its_beginning_and_acknowledgment() {
        let a = after(&[raised(1, "a", Priority::Low), acknowledged(2, "a"), raised(3, "a", Priority::Low)]);
        assert_eq!((a[0].since, a[0].value, a[0].state), (at(1), Some(3.5), AlarmState::ActiveAcknowledged));
        assert_eq!(a[0].acknowledged_by.as_deref(), Some("person 2"));
    }

    #[test]
    fn a_late_acknowledgment_does_not_touch_the_next_occurrence() {
        let late =
            [raised(1, "a", Priority::Low), returned(3, "a"), raised(4, "a", Priority::Low), acknowledged(2, "a")];
        assert_eq!(after(&late)[0].state, AlarmState::ActiveUnacknowledged);
        assert_eq!(after(&late)[0].acknowledged_by, None);
    }

    #[test]
    fn what_was_never_raised_stays_normal() {
        assert_eq!(after(&[returned(1, "a"), acknowledged(2, "a")]), []);
    }

    #[test]
    fn the_most_pressing_comes_first() {
        let all = [
            raised(1, "seen", Priority::Critical),
            acknowledged(2, "seen"),
            raised(3, "low", Priority::Low),
            raised(4, "older", Priority::High),
            raised(5, "newer", Priority::High),
            raised(6, "gone", Priority::Critical),
            returned(7, "gone"),
        ];
        let ids: Vec<String> = after(&all).iter().map(|a| a.id.to_string()).collect();
        assert_eq!(ids, ["gone", "newer", "older", "low", "seen"]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Raise,
        Return,
        /// With the number of later events that are applied before it.
        Acknowledge(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
        let step = prop_oneof![Just(Step::Raise), Just(Step::Return), (0_usize..6).prop_map(Step::Acknowledge)];
        proptest::collection::vec((0_usize..2, step), 0..60)
    }

    fn events_of(steps: &[(usize, Step)]) -> Vec<(Event, usize)> {
        let name = ["a", "b"];
        let one = |(i, (alarm, step)): (usize, &(usize, Step))| {
            let (seq, alarm) = (i as u64 + 1, name[*alarm]);
            match step {
                Step::Raise => (raised(seq, alarm, Priority::Medium), 0),
                Step::Return => (returned(seq, alarm), 0),
                Step::Acknowledge(delay) => (acknowledged(seq, alarm), *delay),
            }
        };
        steps.iter().enumerate().map(one).collect()
    }

    proptest! {
        #[test]
        fn live_and_replay_agree(steps in steps()) {
            let events = events_of(&steps);
            let in_order: Vec<Event> = events.iter().map(|(e, _)| e.clone()).collect();
            // An acknowledgment is applied when so many later events were; everything else at once.
            let mut live: Vec<(usize, Event)> =
                events.iter().enumerate().map(|(i, (e, delay))| (i + delay, e.clone())).collect();
            live.sort_by_key(|(when, e)| (*when, matches!(e.kind, EventKind::AlarmAcknowledged { .. }), e.seq));
            let live: Vec<Event> = live.into_iter().map(|(_, e)| e).collect();
            prop_assert_eq!(after(&live), after(&in_order));
        }

        #[test]
        fn going_on_from_the_record_agrees(steps in steps(), cut in 0_usize..60) {
            let events: Vec<Event> = events_of(&steps).into_iter().map(|(e, _)| e).collect();
            let (before, rest) = events.split_at(cut.min(events.len()));
            let mut fold = Fold::restored(after(before));
            for e in rest {
                fold.apply(e);
            }
            prop_assert_eq!(fold.alarms(), after(&events));
        }
    }
}
