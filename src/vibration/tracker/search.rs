//! The search for a target that is not where it was.

use super::Tracker;
use crate::vibration::luma::Luma;

/// Reach of the search, in pixels either way.
const SEARCH_PX: i64 = 24;

impl Tracker {
    /// Best whole-pixel position by normalised correlation on some of the pixels.
    pub(super) fn search(&self, luma: &Luma<'_>) -> (f64, f64) {
        let stride = (((self.w * self.h) as f64 / 700.0).sqrt().floor() as usize).max(1);
        let here = self.path.now();
        let near = (here.0.round() as i64, here.1.round() as i64);
        let mut best = (f64::NEG_INFINITY, 0, 0);
        for oy in -SEARCH_PX..=SEARCH_PX {
            for ox in -SEARCH_PX..=SEARCH_PX {
                // Among equals the nearest wins: a periodic target must not jump by a period.
                let c = self.correlate(luma, near.0 + ox, near.1 + oy, stride) - 2e-4 * (ox as f64).hypot(oy as f64);
                if c > best.0 {
                    best = (c, ox, oy);
                }
            }
        }
        ((near.0 + best.1) as f64, (near.1 + best.2) as f64)
    }

    fn correlate(&self, luma: &Luma<'_>, ox: i64, oy: i64, stride: usize) -> f64 {
        let (mut n, mut si, mut sii, mut sit, mut st, mut stt) = (0.0f32, 0.0f32, 0.0f32, 0.0f32, 0.0f32, 0.0f32);
        let last = luma.width() as i64 - 1;
        for i in (0..self.h).step_by(stride) {
            let row = luma.row(self.corner.1 + i as i64 + oy);
            for j in (0..self.w).step_by(stride) {
                let v = f32::from(row[(self.corner.0 + j as i64 + ox).clamp(0, last) as usize]);
                let t = self.reference.sample(j, i);
                n += 1.0;
                si += v;
                sii += v * v;
                sit += v * t;
                st += t;
                stt += t * t;
            }
        }
        let (vi, vt) = (sii - si * si / n, stt - st * st / n);
        if vi <= 0.0 || vt <= 0.0 { -1.0 } else { f64::from((sit - si * st / n) / (vi * vt).sqrt()) }
    }
}
