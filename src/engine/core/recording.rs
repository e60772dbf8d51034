//! What goes to the journal besides events: seconds, values that are rolled up, waveforms about alarms.

use std::sync::Arc;

use super::Core;
use crate::base::clock::{Mono, Now};
use crate::journal::{Write, rollup};
use crate::model::event::{Event, EventKind};
use crate::model::record::{EventWaveform, Value, indicator_series, roi_series};
use crate::model::vibration::Role;
use crate::vibration::analyze::WINDOW_S;

/// An indicator's value is kept so often.
const INDICATORS_EVERY: u64 = 10;
/// The second waveform of an alarm is taken when so much of its window lies behind the alarm.
const BEHIND: f64 = 0.75;
/// Waveforms that are still to be taken, at most: a flood of alarms does not need more.
const WANTED_MOST: usize = 256;

/// A waveform that is to be taken later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    at: Mono,
    event: u64,
    region: usize,
}

impl Core {
    /// Hands the journal something that nobody waits for; what finds no room is counted.
    pub(super) fn write(&mut self, write: Write) {
        if self.out.writer.try_send(write).is_err() {
            self.unwritten += 1;
        }
    }

    /// Once a second: readings, values, and waveforms that are due.
    pub(super) fn record_second(&mut self, now: Now) {
        let readings: Vec<_> = self.regions.iter_mut().filter_map(|r| r.second(now)).collect();
        if !readings.is_empty() {
            self.write(Write::Readings(readings));
        }
        let second = now.wall.as_second();
        let mut values = Vec::new();
        for r in self.regions.iter().filter(|r| r.role == Role::Asset) {
            let Some(reading) = r.trusted(now.mono) else { continue };
            for q in r.recorded().filter(|q| !rollup::comes_with_second(*q)) {
                let Some(value) = reading.value(q) else { continue };
                values.push(Value { series: roi_series(&r.id, q), unit: q.unit(), value });
            }
        }
        if self.seconds.is_multiple_of(INDICATORS_EVERY) {
            for i in self.facts.indicators.iter() {
                let Some(value) = i.value else { continue };
                values.push(Value { series: indicator_series(&i.id), unit: i.unit, value });
            }
        }
        self.seconds += 1;
        if !values.is_empty() {
            self.write(Write::Values { second, values });
        }
        let (due, later) = std::mem::take(&mut self.wanted).into_iter().partition(|w| w.at <= now.mono);
        self.wanted = later;
        for Wanted { event, region, .. } in due {
            self.keep_waveform(event, region, now);
        }
    }

    /// A region's alarm was raised: its waveform until now is kept, and the one that follows.
    pub(super) fn waveform_of(&mut self, event: &Event, now: Now) {
        let EventKind::AlarmRaised { source, .. } = &event.kind else { return };
        let Some(region) = self.regions.iter().position(|r| r.id.as_str() == &**source) else { return };
        self.keep_waveform(event.seq, region, now);
        if self.wanted.len() < WANTED_MOST {
            let at = now.mono.after(std::time::Duration::from_secs_f64(WINDOW_S * BEHIND));
            self.wanted.push(Wanted { at, event: event.seq, region });
        }
    }

    fn keep_waveform(&mut self, event: u64, region: usize, now: Now) {
        let Some(r) = self.regions.get(region) else { return };
        let wave = r.waveform();
        if !wave.t_s.is_empty() {
            let roi = r.id.clone();
            self.write(Write::Waveform(EventWaveform { event, at: now.wall, roi, wave: Arc::new(wave) }));
        }
    }
}
