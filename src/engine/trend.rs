//! The trends of one region: ten minutes a second at a time, and an hour, eight hours and seven days in longer steps.
//!
//! All of it is bounded, and lives as long as the engine does; the journal keeps the seconds themselves.

use std::sync::Arc;

use crate::base::ring::Ring;
use crate::model::vibration::Trend;

/// Points of every trend.
pub const POINTS: usize = 600;
/// Seconds a point, of the trends above the first: an hour, eight hours, seven days.
const STEPS_S: [u32; 3] = [6, 48, 1008];

/// One of the longer trends.
#[derive(Debug)]
struct Rung {
    step_s: u32,
    seconds: u32,
    sum: f64,
    known: u32,
    top: f32,
    mean: Ring<f32>,
    largest: Ring<f32>,
    shown: Arc<Trend>,
}

impl Rung {
    fn new(step_s: u32) -> Self {
        Self {
            step_s,
            seconds: 0,
            sum: 0.0,
            known: 0,
            top: f32::NAN,
            mean: Ring::new(POINTS),
            largest: Ring::new(POINTS),
            shown: Arc::new(Trend { step_s, ..Trend::default() }),
        }
    }

    fn push(&mut self, value: f32) {
        self.seconds += 1;
        if value.is_finite() {
            self.sum += f64::from(value);
            self.known += 1;
            self.top = self.top.max(value);
        }
        if self.seconds < self.step_s {
            return;
        }
        self.mean.push(if self.known > 0 { (self.sum / f64::from(self.known)) as f32 } else { f32::NAN });
        self.largest.push(self.top);
        (self.seconds, self.sum, self.known, self.top) = (0, 0.0, 0, f32::NAN);
        self.shown = Arc::new(Trend { step_s: self.step_s, mean: self.mean.to_vec(), largest: self.largest.to_vec() });
    }
}

/// All trends of a region.
#[derive(Debug)]
pub struct Trends {
    seconds: Ring<f32>,
    shown: Arc<[f32]>,
    rungs: [Rung; 3],
}

impl Default for Trends {
    fn default() -> Self {
        Self { seconds: Ring::new(POINTS), shown: Arc::new([]), rungs: STEPS_S.map(Rung::new) }
    }
}

impl Trends {
    /// Takes the value of a second; not a number where it is unknown.
    pub fn push(&mut self, value: f32) {
        self.seconds.push(value);
        self.shown = self.seconds.to_vec().into();
        for rung in &mut self.rungs {
            rung.push(value);
        }
    }

    /// The newest ten minutes, one value a second.
    #[must_use]
    pub fn seconds(&self) -> Arc<[f32]> {
        Arc::clone(&self.shown)
    }

    /// The longer ones.
    #[must_use]
    pub fn longer(&self) -> [Arc<Trend>; 3] {
        self.rungs.each_ref().map(|r| Arc::clone(&r.shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_trends_keep_the_mean_and_the_largest() {
        let mut t = Trends::default();
        for s in 0..48 {
            t.push(if s == 20 { 9.0 } else { 1.0 });
        }
        let [hour, shift, week] = t.longer();
        assert_eq!((hour.mean.len(), shift.mean.len(), week.mean.len()), (8, 1, 0));
        assert_eq!((hour.largest[3], hour.mean[0]), (9.0, 1.0));
        assert!((f64::from(shift.mean[0]) - 56.0 / 48.0).abs() < 1e-6 && shift.largest[0] == 9.0);
    }

    #[test]
    fn what_was_unknown_stays_unknown() {
        let mut t = Trends::default();
        for s in 0..12 {
            t.push(if s < 7 { f32::NAN } else { 2.0 });
        }
        let hour = &t.longer()[0];
        assert!(hour.mean[0].is_nan() && hour.largest[0].is_nan());
        assert_eq!((hour.mean[1], hour.largest[1]), (2.0, 2.0), "the mean is that of the known seconds");
    }

    #[test]
    fn memory_is_bounded() {
        let mut t = Trends::default();
        (0..10_000).for_each(|i| t.push(i as f32));
        assert_eq!((t.seconds().len(), t.longer()[0].mean.len()), (POINTS, POINTS));
        assert_eq!(t.seconds()[POINTS - 1], 9999.0);
    }
}
