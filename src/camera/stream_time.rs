//! The stream's own time: increasing over reconnects, with gaps and jitter counted. Pure.

use crate::base::clock::Mono;
use crate::base::stats::Sampled;

/// Turns presentation timestamps into seconds that never go back, and keeps count of what is missing.
#[derive(Debug)]
pub struct StreamTime {
    /// Timestamp and time of the first frame since the stream was opened.
    origin: Option<(u64, f64)>,
    last: Option<(u64, f64)>,
    interval_s: f64,
    /// Frames missing in the timestamps since the beginning.
    pub lost: u64,
    /// Frames without a usable timestamp since the beginning.
    pub unusable: u64,
    lag: Sampled,
    /// Least lag of the minute before this one and of this one, and when this one began. Two crystals drift apart by
    /// some fifty millionths: over hours that would look like lateness, over two minutes it is a few milliseconds.
    least_lag_s: [f64; 2],
    minute: f64,
}

impl StreamTime {
    /// Before the first frame; `expected_fps` is a first guess.
    #[must_use]
    pub fn new(expected_fps: f64) -> Self {
        Self {
            origin: None,
            last: None,
            interval_s: 1.0 / expected_fps.clamp(0.1, 1000.0),
            lost: 0,
            unusable: 0,
            lag: Sampled::new(256),
            least_lag_s: [f64::INFINITY; 2],
            minute: f64::NEG_INFINITY,
        }
    }

    /// The stream is opened anew: its timestamps start over, ours go on.
    pub fn reopened(&mut self) {
        self.origin = None;
        self.lag.clear();
        self.least_lag_s = [f64::INFINITY; 2];
    }

    /// Time of a frame in seconds on the program's monotonic scale; none if its timestamp is missing or does not increase.
    pub fn frame(&mut self, pts_ns: Option<u64>, arrival: Mono) -> Option<f64> {
        let Some(pts) = pts_ns else {
            self.unusable += 1;
            return None;
        };
        let arrival_s = arrival.0 as f64 * 1e-9;
        let (first, start) = *self.origin.get_or_insert_with(|| {
            let floor = self.last.map_or(f64::NEG_INFINITY, |(_, t)| t + self.interval_s);
            (pts, arrival_s.max(floor))
        });
        let t = start + (pts as f64 - first as f64) * 1e-9;
        if let Some((last_pts, last_t)) = self.last {
            if t <= last_t {
                self.unusable += 1;
                // A clock set back: begin again after what was already told, once it stays back.
                if last_t - t > 1.0 {
                    self.origin = None;
                }
                return None;
            }
            if last_pts < pts && t - last_t < 5.0 {
                self.gap(t - last_t);
            }
        }
        self.last = Some((pts, t));
        let lag = arrival_s - t;
        if t - self.minute >= 60.0 {
            self.minute = t;
            self.least_lag_s = [self.least_lag_s[1], f64::INFINITY];
        }
        self.least_lag_s[1] = self.least_lag_s[1].min(lag);
        self.lag.push(lag);
        Some(t)
    }

    fn gap(&mut self, gap_s: f64) {
        let frames = gap_s / self.interval_s;
        if frames > 1.5 {
            self.lost += (frames.round() as u64).saturating_sub(1);
        }
        if frames < 2.5 && frames > 0.4 {
            // Follows the camera's true rate slowly; a gap of two frames counts as two.
            self.interval_s += 0.05 * (gap_s / frames.round().max(1.0) - self.interval_s);
        } else if frames <= 0.4 {
            // Much faster than believed.
            self.interval_s = gap_s;
        }
    }

    /// Frame interval as the stream shows it, in seconds.
    #[must_use]
    pub fn interval_s(&self) -> f64 {
        self.interval_s
    }

    /// Spread of arrival against stream time in ms: from the 16th to the 84th percentile, halved (one sigma of a normal spread).
    #[must_use]
    pub fn jitter_ms(&self) -> Option<f64> {
        Some((self.lag.percentile(84.0)? - self.lag.percentile(16.0)?) * 500.0)
    }

    /// How much later than the quickest frame of the last minute or two the frames arrive now (median), in ms.
    #[must_use]
    pub fn behind_ms(&self) -> Option<f64> {
        let least_s = self.least_lag_s[0].min(self.least_lag_s[1]);
        Some((self.lag.percentile(50.0)? - least_s) * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn counts_what_is_missing_and_goes_on_after_a_reconnect() {
        let mut s = StreamTime::new(25.0);
        let mut last = 0.0;
        for i in [0u64, 1, 2, 5, 6] {
            last = s.frame(Some(i * 40 * MS), Mono((1000 + i * 40) * MS)).unwrap();
        }
        assert_eq!(s.lost, 2);
        assert!((last - 1.24).abs() < 1e-9);
        s.reopened();
        let t = s.frame(Some(0), Mono(9000 * MS)).unwrap();
        assert!((t - 9.0).abs() < 1e-9);
        assert_eq!(s.lost, 2, "the pause is not a gap of the stream");
    }

    #[test]
    fn time_never_goes_back() {
        let mut s = StreamTime::new(25.0);
        s.frame(Some(5000 * MS), Mono(1000 * MS)).unwrap();
        assert_eq!(s.frame(Some(4990 * MS), Mono(1040 * MS)), None);
        assert_eq!(s.frame(None, Mono(1080 * MS)), None);
        assert_eq!(s.unusable, 2);
        // The camera's clock was set back by an hour.
        assert_eq!(s.frame(Some(100 * MS), Mono(1120 * MS)), None);
        let t = s.frame(Some(140 * MS), Mono(1160 * MS)).unwrap();
        assert!(t > 1.0);
    }

    #[test]
    fn lag_is_seen() {
        let mut s = StreamTime::new(25.0);
        for i in 0..100u64 {
            s.frame(Some(i * 40 * MS), Mono((1000 + i * 40) * MS));
        }
        assert!(s.behind_ms().unwrap() < 1.0);
        for i in 100..400u64 {
            s.frame(Some(i * 40 * MS), Mono((1700 + i * 40) * MS));
        }
        assert!(s.behind_ms().unwrap() > 650.0);
    }

    #[test]
    fn drifting_clocks_are_not_lateness() {
        let mut s = StreamTime::new(25.0);
        // Three hours of a camera whose crystal is 60 millionths slow against ours.
        for i in 0..270_000u64 {
            let arrival = (i as f64 * 40.0 * (1.0 + 60e-6) * 1e6) as u64;
            s.frame(Some(i * 40 * MS), Mono(arrival));
        }
        assert!(s.behind_ms().unwrap() < 15.0, "{:?}", s.behind_ms());
    }
}
