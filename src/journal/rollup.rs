//! Minutes of every series, put together second by second; complete ones wait here for the journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::event::SecondReading;
use crate::model::quantity::Quantity;
use crate::model::record::{Rolled, Value, roi_series};

/// Series at most: every region with its quantities, and every indicator, of the largest plant and more.
const SERIES_MOST: usize = 20_000;
/// Complete minutes kept while the disk refuses; the oldest go.
const MINUTES_KEPT: usize = 200_000;

/// The minute in hand of every series.
#[derive(Debug, Default)]
pub struct Rollup {
    open: BTreeMap<Arc<str>, Open>,
    names: BTreeMap<(Arc<str>, Quantity), Arc<str>>,
    done: std::collections::VecDeque<Rolled>,
    dropped: u64,
}

#[derive(Debug)]
struct Open {
    unit: &'static str,
    minute: i64,
    known: u32,
    sum: f64,
    least: f64,
    most: f64,
}

/// The quantities of a region's second that are rolled up; the others come as values.
const OF_SECOND: [Quantity; 4] =
    [Quantity::DisplacementPpPx, Quantity::VelocityRmsMmS, Quantity::PeakHz, Quantity::PeakAmplitudePx];

/// Whether a quantity comes with a region's second, so that it need not be sent as a value too.
#[must_use]
pub fn comes_with_second(quantity: Quantity) -> bool {
    OF_SECOND.contains(&quantity)
}

impl Rollup {
    /// Takes a region's second.
    pub fn reading(&mut self, r: &SecondReading) {
        for q in OF_SECOND {
            let value = match q {
                Quantity::DisplacementPpPx => Some(r.displacement_pp_px),
                Quantity::VelocityRmsMmS => r.velocity_rms_mm_s,
                Quantity::PeakHz => r.peak_hz,
                _ => r.peak_amplitude_px,
            };
            let Some(value) = value else { continue };
            let key = (Arc::clone(&r.roi.0), q);
            let series = if let Some(name) = self.names.get(&key) {
                Arc::clone(name)
            } else {
                let name = roi_series(&r.roi, q);
                if self.names.len() < SERIES_MOST {
                    self.names.insert(key, Arc::clone(&name));
                }
                name
            };
            self.value(r.second, &Value { series, unit: q.unit(), value });
        }
    }

    /// Takes the value of a series at a second.
    pub fn value(&mut self, second: i64, v: &Value) {
        if !v.value.is_finite() {
            return;
        }
        let minute = second.div_euclid(60) * 60;
        if let Some(open) = self.open.get_mut(&v.series) {
            if open.minute == minute {
                open.known = open.known.saturating_add(1);
                open.sum += v.value;
                open.least = open.least.min(v.value);
                open.most = open.most.max(v.value);
                return;
            }
        } else if self.open.len() >= SERIES_MOST {
            self.dropped += 1;
            return;
        }
        let new = Open { unit: v.unit, minute, known: 1, sum: v.value, least: v.value, most: v.value };
        if let Some(before) = self.open.insert(Arc::clone(&v.series), new) {
            self.finish(Arc::clone(&v.series), &before);
        }
    }

    /// Closes every minute that is not the one of this second: a series that has stopped is complete as well.
    pub fn close_others(&mut self, second: i64) {
        let minute = second.div_euclid(60) * 60;
        self.close(|open| open.minute != minute);
    }

    /// Closes everything: the program ends.
    pub fn close_all(&mut self) {
        self.close(|_| true);
    }

    fn close(&mut self, which: impl Fn(&Open) -> bool) {
        let names: Vec<Arc<str>> = self.open.iter().filter(|(_, o)| which(o)).map(|(n, _)| Arc::clone(n)).collect();
        for name in names {
            if let Some(open) = self.open.remove(&name) {
                self.finish(name, &open);
            }
        }
    }

    fn finish(&mut self, series: Arc<str>, o: &Open) {
        if self.done.len() >= MINUTES_KEPT {
            self.done.pop_front();
            self.dropped += 1;
        }
        self.done.push_back(Rolled {
            series,
            unit: o.unit.into(),
            at: o.minute,
            known: o.known,
            mean: o.sum / f64::from(o.known),
            least: o.least,
            most: o.most,
        });
    }

    /// Takes out complete minutes, the oldest first, at most `most`.
    pub fn take(&mut self, most: usize) -> Vec<Rolled> {
        self.done.drain(..most.min(self.done.len())).collect()
    }

    /// Complete minutes that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.done.len()
    }

    /// How many were dropped because there was no room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::second;

    fn v(value: f64) -> Value {
        Value { series: "indicator.cpu".into(), unit: "%", value }
    }

    #[test]
    fn a_minute_has_its_mean_and_its_ends() {
        let mut r = Rollup::default();
        for s in 0..60 {
            r.value(120 + s, &v(if s == 30 { 9.0 } else { 1.0 }));
        }
        assert_eq!(r.waiting(), 0, "not complete yet");
        r.value(180, &v(4.0));
        let done = r.take(10);
        assert_eq!((done[0].at, done[0].known, done[0].least, done[0].most), (120, 60, 1.0, 9.0));
        assert!((done[0].mean - 68.0 / 60.0).abs() < 1e-12);
    }

    #[test]
    fn what_stops_is_closed_and_what_is_not_a_number_left_out() {
        let mut r = Rollup::default();
        r.value(0, &v(f64::NAN));
        r.value(10, &v(2.0));
        r.close_others(59);
        assert_eq!(r.waiting(), 0);
        r.close_others(60);
        assert_eq!(r.take(10).len(), 1);
        r.value(60, &v(2.0));
        r.close_all();
        assert_eq!(r.take(10)[0].at, 60);
    }

    #[test]
    fn a_clock_that_goes_back_makes_another_row() {
        let mut r = Rollup::default();
        r.value(600, &v(1.0));
        r.value(30, &v(2.0));
        r.value(601, &v(3.0));
        r.close_all();
        let at: Vec<i64> = r.take(10).iter().map(|m| m.at).collect();
        assert_eq!(at, [600, 0, 600]);
    }

    #[test]
    fn a_region_has_its_series() {
        let mut r = Rollup::default();
        r.reading(&second("east", 0));
        r.close_all();
        let names: Vec<String> = r.take(10).iter().map(|m| m.series.to_string()).collect();
        // The tone's frequency is not known in that reading.
        let want = ["roi.east.displacement_pp_px", "roi.east.peak_amplitude_px", "roi.east.velocity_rms_mm_s"];
        assert_eq!(names, want);
    }
}
