//! The stream's own time: increasing over reconnects, with gaps and jitter counted. Pure.

use crate::base::clock::Mono;
use crate::base::stats::Sampled;

/// Gaps between timestamps that are remembered, and how many it takes to tell the camera's rate.
const GAPS: usize = 16;
const ENOUGH: usize = 8;
/// If fewer of them than this are about one interval long, the camera's rate is another one.
const FITTING: usize = GAPS / 4;
/// The interval of a camera of which nothing is known yet: nobody should take it for silent too soon.
const UNKNOWN_S: f64 = 1.0;

/// Turns presentation timestamps into seconds that never go back, and keeps count of what is missing.
#[derive(Debug)]
pub struct StreamTime {
    /// Timestamp and time of the first frame since the stream was opened.
    origin: Option<(u64, f64)>,
    last: Option<(u64, f64)>,
    interval_s: f64,
    gaps_s: [f64; GAPS],
    gaps: usize,
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
    /// Before the first frame; `expected_fps` is a first guess, which the stream itself corrects.
    #[must_use]
    pub fn new(expected_fps: Option<f64>) -> Self {
        Self {
            origin: None,
            last: None,
            interval_s: expected_fps.map_or(UNKNOWN_S, |fps| 1.0 / fps.clamp(0.1, 1000.0)),
            gaps_s: [0.0; GAPS],
            gaps: 0,
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
        self.gaps_s[self.gaps % GAPS] = gap_s;
        self.gaps += 1;
        if self.gaps < ENOUGH {
            return;
        }
        let frames = gap_s / self.interval_s;
        let about_one = |gap_s: &&f64| (0.5..1.5).contains(&(**gap_s / self.interval_s));
        if self.gaps == ENOUGH
            || (self.gaps >= GAPS && self.gaps_s.iter().filter(about_one).count() < FITTING && !about_one(&&gap_s))
        {
            self.interval_s = self.usual_gap_s();
            return;
        }
        if frames > 1.5 {
            self.lost += (frames.round() as u64).saturating_sub(1);
        }
        if (0.5..2.5).contains(&frames) {
            // Follows the camera's true rate slowly; a gap of two frames counts as two.
            self.interval_s += 0.05 * (gap_s / frames.round().max(1.0) - self.interval_s);
        }
    }

    /// The mean of the middle half of the gaps: neither lost frames nor bursts move it much.
    fn usual_gap_s(&self) -> f64 {
        let n = self.gaps.min(GAPS);
        let mut sorted = self.gaps_s;
        let sorted = &mut sorted[..n];
        sorted.sort_by(f64::total_cmp);
        let middle = &sorted[n / 4..n - n / 4];
        middle.iter().sum::<f64>() / middle.len().max(1) as f64
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
        let mut s = StreamTime::new(Some(25.0));
        let mut last = 0.0;
        for i in (0u64..12).chain([15, 16]) {
            last = s.frame(Some(i * 40 * MS), Mono((1000 + i * 40) * MS)).unwrap();
        }
        assert_eq!(s.lost, 3);
        assert!((last - 1.64).abs() < 1e-9);
        s.reopened();
        let t = s.frame(Some(0), Mono(9000 * MS)).unwrap();
        assert!((t - 9.0).abs() < 1e-9);
        assert_eq!(s.lost, 3, "the pause is not a gap of the stream");
    }

    #[test]
    fn time_never_goes_back() {
        let mut s = StreamTime::new(None);
        s.frame(Some(5000 * MS), Mono(1000 * MS)).unwrap();
        assert_eq!(s.frame(Some(4990 * MS), Mono(1040 * MS)), None);
        assert_eq!(s.frame(None, Mono(1080 * MS)), None);
        assert_eq!(s.unusable, 2);
        // The camera's clock was set back by an hour.
        assert_eq!(s.frame(Some(100 * MS), Mono(1120 * MS)), None);
        let t = s.frame(Some(140 * MS), Mono(1160 * MS)).unwrap();
        assert!(t > 1.0);
    }

    /// Frames at a rate, of which some are lost: every so many (0: none).
    fn stream(s: &mut StreamTime, start_ns: u64, fps: f64, frames: u64, lose_every: u64) {
        for i in 0..frames {
            if lose_every == 0 || i % lose_every != lose_every - 1 {
                // The clock of RTP counts in 1/90000 s, and cameras set it to a few ms.
                let pts = start_ns + (i as f64 * 1e9 / fps) as u64 + (i * 7919 % 5) * MS;
                s.frame(Some(pts), Mono(1000 * MS + pts));
            }
        }
    }

    #[test]
    fn any_rate_is_found_and_a_slow_camera_loses_nothing() {
        for expected in [None, Some(25.0), Some(60.0)] {
            for fps in [1.0, 2.0, 4.0, 5.0, 8.0, 12.0, 15.0, 20.0, 25.0, 30.0, 50.0, 60.0] {
                let mut s = StreamTime::new(expected);
                stream(&mut s, 0, fps, 200, 0);
                assert!((s.interval_s() * fps - 1.0).abs() < 0.05, "{fps} fps: {} s", s.interval_s());
                // A wrong expectation may cost the few frames that it takes to see that.
                assert!(s.lost == 0 || (expected.is_some() && s.lost < 40), "{fps} fps, {expected:?}: {} lost", s.lost);
                let before = s.lost;
                stream(&mut s, (1e12) as u64, fps, 200, 10);
                assert_eq!(s.lost - before, 19, "{fps} fps: what is lost is counted");
            }
        }
        // A camera that changes its rate at night.
        let mut s = StreamTime::new(None);
        stream(&mut s, 0, 25.0, 200, 0);
        stream(&mut s, 8_000 * MS, 12.5, 200, 0);
        assert!(
            (s.interval_s() - 0.08).abs() < 0.004 && s.lost <= GAPS as u64,
            "{} s, {} lost",
            s.interval_s(),
            s.lost
        );
    }

    #[test]
    fn uneven_timestamps_are_not_lost_frames() {
        let mut s = StreamTime::new(None);
        let mut pts = 0;
        for i in 0..400u64 {
            s.frame(Some(pts), Mono(pts));
            pts += if i % 2 == 0 { 22 * MS } else { 58 * MS };
        }
        assert!((s.interval_s() - 0.04).abs() < 0.006 && s.lost == 0, "{} s, {} lost", s.interval_s(), s.lost);
    }

    #[test]
    fn lag_is_seen() {
        let mut s = StreamTime::new(None);
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
        let mut s = StreamTime::new(None);
        // Three hours of a camera whose crystal is 60 millionths slow against ours.
        for i in 0..270_000u64 {
            let arrival = (i as f64 * 40.0 * (1.0 + 60e-6) * 1e6) as u64;
            s.frame(Some(i * 40 * MS), Mono(arrival));
        }
        assert!(s.behind_ms().unwrap() < 15.0, "{:?}", s.behind_ms());
    }
}
