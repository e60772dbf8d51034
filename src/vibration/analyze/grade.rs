//! How far a reading can be trusted, and why not further.

use std::f64::consts::PI;

use super::{Analyzer, CODEC_STEP_PX, Main, Point, SETTLED_S, Shares};
use crate::model::compensation::Compensations;
use crate::model::vibration::{Grade, Marks, Reason};

/// A region of which more than this share is left out is told.
const LEFT_OUT: f32 = 0.05;
/// Shares of a region's structure that stand still from which on a reading is reduced, poor, and none.
const STILL: [f32; 3] = [0.02, 0.1, 0.5];
/// In coded pictures, where blocks that are carried over stand still for a while, from which on it is reduced; it is poor at worst.
const STILL_CODED: f32 = 0.05;

/// Shares of an amplitude that the rows of a region take from each other from which on a reading is reduced, and poor.
const ROWS_TAKE: [f64; 2] = [0.02, 0.2];

impl Analyzer {
    pub(super) fn grade(
        &self,
        shares: Shares,
        span_s: f64,
        dt_s: f64,
        last: &Point,
        sigma: f64,
        main: Option<&Main>,
    ) -> (Vec<Reason>, Grade) {
        let mut reasons = Vec::new();
        let mut grade = Grade::Good;
        let mut because = |r: Reason, g: Grade| {
            reasons.push(r);
            grade = grade.max(g);
        };
        // A picture that comes again is one that did not come.
        let (n, held) = (self.t.len(), (self.ring.len() - shares.repeated).max(1));
        let frozen = shares.repeated > self.ring.len() / 2;
        let lost = 1.0 - n as f64 / held as f64;
        if frozen {
            // What has not come tells nothing of the target.
        } else if !last.ok || lost > 0.5 {
            let why = match last.marks {
                Marks { outside: true, .. } => Reason::OutsidePicture,
                Marks { no_background: true, .. } => Reason::NoBackground,
                Marks { textureless: true, .. } => Reason::LowTexture,
                _ => Reason::TargetLost,
            };
            because(why, if lost > 0.2 || n < 12 { Grade::Untrusted } else { Grade::Reduced });
        } else if lost > 0.02 {
            because(Reason::TargetLost, if lost > 0.2 { Grade::Poor } else { Grade::Reduced });
        }
        let settled_s = SETTLED_S.min(self.spec.window_s / 2.0);
        if n == 0 || frozen {
            // Of nothing there is no more to say.
        } else if span_s < settled_s {
            because(Reason::Settling, if span_s < 1.5 { Grade::Untrusted } else { Grade::Reduced });
        } else if shares.settling * 2 > n {
            because(Reason::Settling, Grade::Reduced);
        }
        let all_s = match (self.ring.first(), self.ring.last()) {
            (Some(a), Some(b)) => b.t_s - a.t_s,
            _ => 0.0,
        };
        let missing = 1.0 - held as f64 / (all_s / dt_s.max(1e-6) + 1.0).max(1.0);
        if missing > 0.05 || frozen {
            let some = if missing > 0.4 { Grade::Poor } else { Grade::Reduced };
            because(Reason::DroppedFrames, if frozen { Grade::Untrusted } else { some });
        }
        if sigma > 0.5 && n > 0 {
            because(Reason::Noise, Grade::Untrusted);
        } else if sigma > 0.1 && n > 0 {
            because(Reason::Noise, Grade::Poor);
        } else if sigma > 0.05 && n > 0 {
            because(Reason::Noise, Grade::Reduced);
        }
        let share = |k: usize| k as f64 / n.max(1) as f64;
        if share(shares.covered) > 0.05 {
            because(Reason::Covered, if share(shares.covered) > 0.5 { Grade::Poor } else { Grade::Reduced });
        }
        if share(shares.hazy) > 0.3 || shares.apart {
            because(Reason::Haze, Grade::Reduced);
        }
        if last.left_out > LEFT_OUT && last.ok {
            because(Reason::LeftOut, Grade::Reduced);
        }
        if self.closer.alias.as_ref().is_some_and(|a| a.suspected) {
            because(Reason::SuspectedAlias, Grade::Poor);
        }
        let now = [
            (last.marks.one_direction, Reason::OneDirection),
            (last.marks.relit, Reason::Light),
            (last.marks.saturated, Reason::Saturation),
        ];
        for (_, reason) in now.into_iter().filter(|(on, _)| *on && last.ok) {
            because(reason, Grade::Reduced);
        }
        if share(shares.coded) > 0.5 && main.map_or_else(|| self.broad_px(), |m| m.tone.major_px) < CODEC_STEP_PX {
            // So small a motion stands still in most of a coded picture: that says no more.
            because(Reason::Codec, Grade::Reduced);
        } else if last.ok {
            let coded = share(shares.coded) > 0.5;
            let [reduced, poor, none] = STILL;
            let still = last.held_back;
            if still > none && !coded {
                because(Reason::StillParts, Grade::Untrusted);
            } else if still > poor {
                because(Reason::StillParts, Grade::Poor);
            } else if still > if coded { STILL_CODED } else { reduced } {
                because(Reason::StillParts, Grade::Reduced);
            }
        }
        if let Some(m) = main {
            let take = self.rows_take(m.tone.hz);
            if take > ROWS_TAKE[0] {
                because(Reason::RollingShutter, if take > ROWS_TAKE[1] { Grade::Poor } else { Grade::Reduced });
            }
            let turn = 2.0 * PI * m.folded_hz.unwrap_or(m.tone.hz) * self.jitter_s(dt_s);
            if turn > 0.15 {
                because(Reason::Jitter, if turn > 0.5 { Grade::Poor } else { Grade::Reduced });
            }
        }
        if self.compensations != Compensations::default() {
            because(Reason::Uncompensated, Grade::Reduced);
        }
        if self.nominal_hz.is_some_and(|hz| hz > 0.5 / dt_s.max(1e-6)) {
            // How much the shutter has smeared such a fast motion is known only with the exposure.
            match (main.is_some(), self.spec.exposure_s.is_some()) {
                (true, true) => because(Reason::Folded, Grade::Reduced),
                (true, false) => because(Reason::Folded, Grade::Poor),
                (false, _) => because(Reason::AboveNyquist, Grade::Poor),
            }
        }
        (reasons, grade)
    }

    /// The amplitude of a tone that would be half of the motion without any tone, in pixels: the other half may be what coding does wrong. Peaks would be a
    /// bad measure: the more of that there is, the farther they reach.
    fn broad_px(&self) -> f64 {
        let square: f64 = self.x.iter().zip(&self.y).map(|(x, y)| x * x + y * y).sum();
        (square / self.x.len().max(1) as f64).sqrt()
    }

    /// How far the timestamps lie off an even grid, RMS, in seconds.
    fn jitter_s(&self, dt_s: f64) -> f64 {
        let (Some(first), true) = (self.t.first(), dt_s > 0.0) else { return 0.0 };
        let mut sums = [0.0f64; 5];
        for t in &self.t {
            let (k, t) = (((t - first) / dt_s).round(), t - first);
            for (s, v) in sums.iter_mut().zip([1.0, k, k * k, t, k * t]) {
                *s += v;
            }
        }
        let [n, k, kk, t, kt] = sums;
        let det = n * kk - k * k;
        if !(det > 0.0) {
            return 0.0;
        }
        let (slope, start) = ((n * kt - k * t) / det, (kk * t - k * kt) / det);
        let off = |v: &f64| (v - first) - start - slope * ((v - first) / dt_s).round();
        (self.t.iter().map(|t| off(t).powi(2)).sum::<f64>() / n).sqrt()
    }
}
