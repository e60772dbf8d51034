//! When a value reaches its limit, from its hours: the slope of Theil and Sen, believed only where most pairs agree.
//!
//! The slope is the median of the slopes of all pairs of points (H. Theil, 1950; P. K. Sen, "Estimates of the regression
//! coefficient based on Kendall's tau", JASA 63, 1968, 1379–1389): up to 29 % of the points may be anything, so a clean-up
//! of a disk or a night's backup does not turn it. How far pairs agree is Kendall's tau (M. G. Kendall, 1938).

use std::time::Duration;

use crate::model::board::Sense;
use crate::model::record::Rolled;

/// Fewer hours say nothing about days.
pub const LEAST: usize = 24;
/// Points that the slope is taken of; more hours are put together first, because every pair is looked at.
const POINTS: usize = 240;
/// Below this, rising and falling pairs are too much alike to speak of a trend.
const LEAST_TAU: f64 = 0.4;
/// A line is carried on for so many times the span that it was found over, and no further.
const CARRIED: f64 = 12.0;

/// A straight line through the hours of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Change per second.
    pub per_s: f64,
    /// The span that it was found over, in seconds.
    pub over_s: f64,
    /// Kendall's tau: 1 where every later point is greater, -1 where every one is smaller, 0 where there is no trend.
    pub tau: f64,
}

impl Line {
    /// The line through hours, oldest first; none where there are fewer than [`LEAST`].
    #[must_use]
    pub fn through(hours: &[Rolled]) -> Option<Self> {
        let known: Vec<(f64, f64)> =
            hours.iter().filter(|h| h.mean.is_finite()).map(|h| (h.at as f64 + 1800.0, h.mean)).collect();
        if known.len() < LEAST {
            return None;
        }
        let mean = |c: &[(f64, f64)]| {
            let n = c.len() as f64;
            (c.iter().map(|p| p.0).sum::<f64>() / n, c.iter().map(|p| p.1).sum::<f64>() / n)
        };
        let points: Vec<(f64, f64)> = known.chunks(known.len().div_ceil(POINTS)).map(mean).collect();
        let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
        let mut agree = 0_i64;
        for (i, a) in points.iter().enumerate() {
            for b in points.get(i + 1..).unwrap_or_default() {
                let (dt, dv) = (b.0 - a.0, b.1 - a.1);
                if dt > 0.0 {
                    slopes.push(dv / dt);
                    agree += i64::from(dv > 0.0) - i64::from(dv < 0.0);
                }
            }
        }
        if slopes.is_empty() {
            return None;
        }
        let tau = agree as f64 / slopes.len() as f64;
        let middle = slopes.len() / 2;
        let (_, per_s, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
        let over_s = known.last()?.0 - known.first()?.0;
        Some(Self { per_s: *per_s, over_s, tau })
    }

    /// Time until `value` reaches `limit` on this line; none while it does not move towards it, or further on than can be
    /// told.
    #[must_use]
    pub fn until(&self, value: f64, limit: f64, sense: Sense) -> Option<Duration> {
        let towards = match sense {
            Sense::High => self.per_s > 0.0 && value < limit,
            Sense::Low => self.per_s < 0.0 && value > limit,
        };
        let s = (limit - value) / self.per_s;
        let told = towards && self.tau.abs() >= LEAST_TAU && s.is_finite() && s <= self.over_s * CARRIED;
        told.then(|| Duration::from_secs_f64(s.max(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hours(n: u32, value: impl Fn(f64) -> f64) -> Vec<Rolled> {
        let hour = |i: u32| {
            let mean = value(f64::from(i));
            Rolled {
                series: "s".into(),
                unit: "%".into(),
                at: i64::from(i) * 3600,
                known: 360,
                mean,
                least: mean,
                most: mean,
            }
        };
        (0..n).map(hour).collect()
    }

    #[test]
    fn a_disk_that_fills_over_days_is_foretold() {
        // 50 % free, 0.1 % less an hour, and half a percent up and down over the day.
        let h = hours(120, |i| 50.0 - 0.1 * i + 0.5 * (i / 24.0 * std::f64::consts::TAU).sin());
        let line = Line::through(&h).unwrap();
        let days = line.until(38.0, 20.0, Sense::Low).unwrap().as_secs_f64() / 86_400.0;
        assert!((days - 7.5).abs() < 0.3, "{days}");
        assert_eq!(line.until(38.0, 80.0, Sense::High), None, "it moves away");
        assert_eq!(line.until(15.0, 20.0, Sense::Low), None, "it is beyond already");
    }

    #[test]
    fn a_clean_up_does_not_turn_it() {
        let h = hours(200, |i| if (80.0..110.0).contains(&i) { 90.0 } else { 50.0 - 0.1 * i });
        let line = Line::through(&h).unwrap();
        assert!((line.per_s * 3600.0 + 0.1).abs() < 0.01, "{line:?}");
    }

    #[test]
    fn a_day_and_night_is_no_trend() {
        let h = hours(168, |i| 40.0 + 10.0 * (i / 24.0 * std::f64::consts::TAU).sin());
        assert_eq!(Line::through(&h).unwrap().until(40.0, 70.0, Sense::High), None);
    }

    #[test]
    fn too_few_hours_and_too_far_a_future_say_nothing() {
        assert_eq!(Line::through(&hours(23, |i| i)), None);
        let line = Line::through(&hours(30, |i| 10.0 + 0.001 * i)).unwrap();
        assert_eq!(line.until(10.0, 70.0, Sense::High), None, "seven years from a day's line");
    }

    #[test]
    fn a_month_is_put_together_first() {
        let line = Line::through(&hours(720, |i| 100.0 - 0.05 * i)).unwrap();
        assert!((line.per_s * 3600.0 + 0.05).abs() < 1e-9 && line.tau == -1.0);
        assert_eq!(line.over_s, 719.0 * 3600.0);
    }

    proptest! {
        #[test]
        fn never_panics(values in prop::collection::vec(any::<f64>(), 0..60), value in any::<f64>(), limit in any::<f64>()) {
            let h = hours(values.len() as u32, |i| values[i as usize]);
            if let Some(line) = Line::through(&h) {
                let _ = line.until(value, limit, Sense::High);
                let _ = line.until(value, limit, Sense::Low);
            }
        }
    }
}
