//! Values that the tests of this room share.

use jiff::Timestamp;

use super::append::Batch;
use crate::base::clock::{Mono, Now};
use crate::model::alarm::{Priority, Topic};
use crate::model::event::{Event, EventKind, SecondReading};
use crate::model::vibration::Grade;
use crate::model::{AlarmId, RoiId};

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("in range")
}

pub fn now() -> Now {
    Now { wall: at(0), mono: Mono(0) }
}

pub fn event(seq: u64, kind: EventKind) -> Event {
    Event { seq, at: at(seq as i64), kind }
}

pub fn note(seq: u64) -> Event {
    event(seq, EventKind::Note { text: format!("note {seq}").into() })
}

pub fn raised(seq: u64, alarm: &str, priority: Priority) -> Event {
    event(
        seq,
        EventKind::AlarmRaised {
            alarm: AlarmId::from(alarm),
            source: alarm.into(),
            topic: Topic::Vibration,
            priority,
            value: Some(seq as f64 + 0.5),
            limit: Some(4.5),
            unit: "mm/s".into(),
            text: format!("raise {seq}").into(),
            advice: "Look at it.".into(),
        },
    )
}

pub fn returned(seq: u64, alarm: &str) -> Event {
    event(seq, EventKind::AlarmReturned { alarm: AlarmId::from(alarm), value: Some(seq as f64) })
}

pub fn acknowledged(seq: u64, alarm: &str) -> Event {
    let who = format!("person {seq}").into();
    event(seq, EventKind::AlarmAcknowledged { alarm: AlarmId::from(alarm), who, why: None })
}

pub fn second(roi: &str, second: i64) -> SecondReading {
    SecondReading {
        second,
        roi: RoiId::from(roi),
        displacement_pp_px: 0.5,
        displacement_rms_px: 0.25,
        velocity_rms_mm_s: Some(1.5),
        peak_hz: None,
        peak_amplitude_px: Some(0.125),
        uncertainty_px: 0.0625,
        grade: Grade::Good,
    }
}

/// Events, and readings grouped by second.
pub fn batch(events: &[Event], readings: &[SecondReading]) -> Batch {
    let seconds = readings.chunk_by(|a, b| a.second == b.second).map(<[SecondReading]>::to_vec).collect();
    Batch { events: events.to_vec(), seconds, ..Batch::default() }
}
