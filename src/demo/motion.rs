//! How the parts of the demonstration plant move: exactly known ellipses whose size follows a schedule.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// Frames a second of every demonstration camera.
pub const FPS: f64 = 25.0;

/// A value over scene time: straight lines between knots, repeated for ever.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Length of one round in seconds.
    pub period_s: f64,
    /// Time within the round in seconds and the value there; the first at 0, the last at the period.
    pub knots: &'static [(f64, f64)],
}

impl Schedule {
    /// The value at scene time `t_s`.
    #[must_use]
    pub fn at(&self, t_s: f64) -> f64 {
        let t = t_s.rem_euclid(self.period_s);
        let Some(first) = self.knots.first() else { return 0.0 };
        let mut before = *first;
        for knot in self.knots {
            if knot.0 > t {
                let share = (t - before.0) / (knot.0 - before.0).max(1e-9);
                return before.1 + (knot.1 - before.1) * share;
            }
            before = *knot;
        }
        before.1
    }

    /// The value, if it is the same over the whole of `from_s..=to_s`.
    #[must_use]
    pub fn steady(&self, from_s: f64, to_s: f64) -> Option<f64> {
        let value = self.at(from_s);
        let same = |v: f64| (v - value).abs() < 1e-9;
        if to_s < from_s || !same(self.at(to_s)) {
            return None;
        }
        let first_round = (from_s / self.period_s).floor() as i64;
        let last_round = (to_s / self.period_s).floor() as i64;
        if last_round - first_round > 8 {
            return None;
        }
        let inside = |t: f64| t > from_s && t < to_s;
        (first_round..=last_round)
            .flat_map(|round| self.knots.iter().map(move |k| (round as f64 * self.period_s + k.0, k.1)))
            .filter(|(t, _)| inside(*t))
            .all(|(_, v)| same(v))
            .then_some(value)
    }
}

/// Motion on an ellipse at one frequency.
#[derive(Clone, Copy, Debug)]
pub struct Motion {
    /// Frequency in Hz.
    pub hz: f64,
    /// Amplitude along x and y, in pixels, where the schedule says 1.
    pub amplitude_px: [f64; 2],
    /// Phase along x and y, in radians.
    pub phase: [f64; 2],
    /// The factor on the amplitude over time.
    pub schedule: Schedule,
}

/// The ellipse of a motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ellipse {
    /// Semi-major axis in pixels.
    pub major_px: f64,
    /// Semi-minor axis in pixels.
    pub minor_px: f64,
    /// Direction of the major axis in degrees, 0 along +x, 90 along +y (down), in [0, 180).
    pub angle_deg: f64,
}

impl Motion {
    /// Displacement in pixels at scene time `t_s`: +x right, +y down.
    #[must_use]
    pub fn at(&self, t_s: f64) -> (f64, f64) {
        let level = self.schedule.at(t_s);
        let part = |i: usize| level * self.amplitude_px[i] * (TAU * self.hz * t_s + self.phase[i]).cos();
        (part(0), part(1))
    }

    /// The ellipse where the schedule says `level`.
    ///
    /// The axes are the eigenvalues of the mean of the outer product of the displacement over one turn.
    #[must_use]
    pub fn ellipse(&self, level: f64) -> Ellipse {
        let [ax, ay] = self.amplitude_px.map(|a| a * level);
        let (xx, yy) = (ax * ax / 2.0, ay * ay / 2.0);
        let xy = ax * ay * (self.phase[0] - self.phase[1]).cos() / 2.0;
        let mean = f64::midpoint(xx, yy);
        let spread = ((xx - yy) / 2.0).hypot(xy);
        let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
        Ellipse {
            major_px: (2.0 * (mean + spread)).sqrt(),
            minor_px: (2.0 * (mean - spread).max(0.0)).sqrt(),
            angle_deg: angle.to_degrees().rem_euclid(180.0),
        }
    }

    /// Velocity RMS along the major axis in pixels a second, where the schedule says `level`.
    #[must_use]
    pub fn velocity_rms_px_s(&self, level: f64) -> f64 {
        TAU * self.hz * self.ellipse(level).major_px * FRAC_1_SQRT_2
    }
}

/// Shake of a whole camera: a slow sway and a part that looks random but is the same in every run.
#[must_use]
pub fn shake(t_s: f64) -> (f64, f64) {
    // Frequencies without a common measure: the sum does not repeat within hours.
    const X: [(f64, f64, f64); 4] = [(0.31, 0.42, 0.3), (0.83, 0.22, 1.9), (1.37, 0.11, 4.0), (2.239, 0.05, 5.1)];
    const Y: [(f64, f64, f64); 4] = [(0.27, 0.30, 2.2), (0.71, 0.24, 0.4), (1.61, 0.09, 3.3), (2.617, 0.05, 1.2)];
    let sum = |parts: &[(f64, f64, f64)]| parts.iter().map(|(hz, a, p)| a * (TAU * hz * t_s + p).sin()).sum();
    (sum(&X), sum(&Y))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Schedule = Schedule {
        period_s: 100.0,
        knots: &[(0.0, 2.0), (10.0, 2.0), (12.0, 1.0), (90.0, 1.0), (95.0, 2.0), (100.0, 2.0)],
    };

    #[test]
    fn schedule_interpolates_and_knows_its_steady_stretches() {
        assert_eq!((S.at(5.0), S.at(11.0), S.at(50.0), S.at(111.0)), (2.0, 1.5, 1.0, 1.5));
        assert_eq!(S.steady(0.5, 9.5), Some(2.0));
        assert_eq!(S.steady(96.0, 105.0), Some(2.0), "steady over the turn of the round");
        assert_eq!(S.steady(9.0, 11.0), None);
        assert_eq!(S.steady(5.0, 98.0), None, "equal ends with a valley between");
        assert_eq!(S.steady(5.0, 105.0), None);
    }

    #[test]
    fn ellipse_is_that_of_the_motion() {
        let m = Motion { hz: 5.2, amplitude_px: [0.3, 0.8], phase: [0.0, 1.0], schedule: S };
        let e = m.ellipse(1.0);
        let (s, c) = e.angle_deg.to_radians().sin_cos();
        let (mut major, mut minor) = (0.0_f64, 0.0_f64);
        for i in 0..20_000 {
            let (x, y) = m.at(20.0 + f64::from(i) * 0.001);
            major = major.max((x * c + y * s).abs());
            minor = minor.max((y * c - x * s).abs());
        }
        assert!((major - e.major_px).abs() < 1e-3, "{major} {e:?}");
        assert!((minor - e.minor_px).abs() < 1e-3, "{minor} {e:?}");
    }
}
