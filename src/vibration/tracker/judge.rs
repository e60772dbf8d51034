//! The judgment of a fit's residual: whether it is that of a lossy codec, and whether the picture is at the end of its scale.

use super::band::{Bands, FIRST_PX};
use super::{Bank, COVERED_CODED, Coefficients, Fitted, LARGEST_FOLDED, Luma, PLAIN_FRAMES, Tracker, WHOLE_FRAMES};
use crate::vibration::residual;

/// Share of the pixels at the end of the scale from which on the region counts as saturated.
const SATURATED: f64 = 0.1;
/// Step of the differences that give the model's slopes, in pixels; their size does not matter.
const SLOPE_STEP_PX: f64 = 0.05;
/// Bands are compared against a reference of at least so many frames: it does not change again soon.
const BANDS_FROM: u32 = super::PLAIN_FRAMES;

impl Tracker {
    /// Whether a residual of this variance may be a codec's. Where a camera's noise was seen, white and about as large as is usual, what lies
    /// far above is something in front. (A codec's copies of a picture leave next to nothing, white or not.)
    pub(super) fn may_be_coding(&self, variance: f64) -> bool {
        self.usual.variance().is_none_or(|low| self.looks.white() < 0.5 * low || variance < COVERED_CODED * low)
    }

    /// Whether the residual is that of a codec: white noise shares nothing with its neighbours, what a codec leaves is smooth over its blocks.
    pub(super) fn look_at_residual(&mut self, luma: &Luma<'_>, f: &Fitted) {
        self.look_for_standing(luma, f);
        let smear = smear(&self.residual, self.w);
        self.looks.take(self.seen, &self.residual, smear, self.variance);
        self.judge();
    }

    /// What a fit leaves of a frame, but for what places of it are merely displaced by; and whether something in it stands still.
    pub(super) fn look_for_standing(&mut self, luma: &Luma<'_>, f: &Fitted) {
        let whole = ((f.d.0 + 0.5).floor(), (f.d.1 + 0.5).floor());
        let rest = (f.d.0 - whole.0, f.d.1 - whole.1);
        self.reference.evaluate(self.arch, rest, 0, &mut self.model[0]);
        let (w, level) = (self.w, f64::from(self.reference.level()));
        let (x, y) = (self.corner.0 + whole.0 as i64, self.corner.1 + whole.1 as i64);
        let last = luma.width() as i64 - 1;
        let mut ends = 0usize;
        for (i, (r, model)) in self.residual.chunks_exact_mut(w).zip(self.model[0].chunks_exact(w)).enumerate() {
            let row = luma.row(y + i as i64);
            for (j, (r, m)) in r.iter_mut().zip(model).enumerate() {
                let p = row[(x + j as i64).clamp(0, last) as usize];
                ends += usize::from(!(2..=253).contains(&p));
                *r = (f64::from(p) - level - f.gain * f64::from(*m) - f.offset) as f32;
            }
        }
        self.saturated = ends as f64 > SATURATED * self.residual.len() as f64;
        // Haze and a second body leave smooth residuals too, but theirs are displacements.
        self.slopes(rest);
        let [_, gx, gy] = &self.model;
        residual::straighten(&mut self.residual, [gx, gy], w);
        residual::blank(&mut self.residual, w, self.together.out());
        // What the first second of a coded stream is copied from is no reference yet.
        let frames = self.reference.frames();
        let whole = if self.coded { WHOLE_FRAMES } else { PLAIN_FRAMES };
        if frames >= whole || self.learning {
            self.standing.take(f.d, frames, &self.residual, [gx, gy], 2.0 * SLOPE_STEP_PX);
        }
    }

    /// The slopes of the model displaced by `rest`.
    pub(super) fn slopes(&mut self, rest: (f64, f64)) {
        let [beside, gx, gy] = &mut self.model;
        for (to, (ex, ey)) in [(gx, (SLOPE_STEP_PX, 0.0)), (gy, (0.0, SLOPE_STEP_PX))] {
            self.reference.evaluate(self.arch, (rest.0 + ex, rest.1 + ey), 0, to);
            self.reference.evaluate(self.arch, (rest.0 - ex, rest.1 - ey), 0, beside);
            for (t, b) in to.iter_mut().zip(beside.iter()) {
                *t -= b;
            }
        }
    }

    /// Takes the pictures for what the looks have told, once there were enough.
    pub(super) fn judge(&mut self) {
        if self.looks.enough() && !self.learning {
            self.set_coded();
        }
    }

    /// Takes the pictures for coded ones, or not, as the looks have it.
    pub(super) fn set_coded(&mut self) {
        let coded = self.looks.smeared() > if self.coded { 0.3 } else { 0.8 };
        if coded != self.coded {
            self.coded = coded;
            self.take_bank();
            self.usual.forget();
        }
    }

    /// Takes the bank for the pictures that they are. A codec's errors are seldom least at the finest detail: coded ones are compared without it, and
    /// for some frames in several bands.
    pub(super) fn take_bank(&mut self) {
        let (w, h) = (self.w, self.h);
        let bank = if self.coded { Bank::smoothed(FIRST_PX, w, h) } else { Bank::new(w, h) };
        self.bank = bank.with_flicker(self.flicker);
        self.bank.leave_out(self.together.out());
        let fine = w * h <= LARGEST_FOLDED;
        self.low = (fine && !self.coded).then(|| Box::new(Bank::low_band(w, h).with_flicker(self.flicker)));
        self.bands = (fine && self.coded).then(|| Box::new(Bands::new(w, h, self.flicker)));
        self.foretold = None;
        self.coefficients = Coefficients::default();
    }

    /// In coded pictures: compares the bands in a frame that fits as `f`. While held frames are gone through nothing is chosen yet.
    pub(super) fn compare_bands(&mut self, luma: &Luma<'_>, f: &Fitted) {
        if !self.coded || f.one_direction || self.reference.frames() < BANDS_FROM {
            return;
        }
        let Some(mut bands) = self.bands.take() else { return };
        let noise = self.usual.variance().unwrap_or(0.0);
        let (arch, corner, out, reference) = (self.arch, self.corner, self.together.out(), &mut self.reference);
        bands.take(self.seen, f.d, !self.learning, |bank, d| {
            bank.leave_out(out);
            bank.fit(arch, reference, luma, corner, d, noise)
        });
        let enough = bands.enough();
        self.bands = Some(bands);
        if enough && !self.learning {
            self.choose_band();
        }
    }

    /// Keeps the best of the bands that were compared.
    pub(super) fn choose_band(&mut self) {
        let carries_over = self.looks.carries_much();
        if let Some((bank, foretold)) = self.bands.take().and_then(|bands| bands.choose(carries_over)) {
            // The light may have been switched since they began.
            self.bank = bank.with_flicker(self.flicker);
            self.foretold = Some(foretold);
            self.bank.leave_out(self.together.out());
            // Other pixels, another residual.
            self.usual.forget();
        }
    }
}

/// How many pixels share one independent value, from the values' correlation with their neighbours: the product form is that of a
/// separable first-order autoregressive field.
pub(super) fn smear(v: &[f32], w: usize) -> f64 {
    let (mut own, mut right, mut below) = (1e-12f64, 0.0f64, 0.0f64);
    for rows in v.windows(2 * w).step_by(w) {
        let (this, next) = rows.split_at(w);
        let mut sums = [0.0f32; 3];
        for j in 0..w - 1 {
            sums[0] += this[j] * this[j];
            sums[1] += this[j] * this[j + 1];
            sums[2] += this[j] * next[j];
        }
        own += f64::from(sums[0]);
        right += f64::from(sums[1]);
        below += f64::from(sums[2]);
    }
    let spread = |c: f64| {
        let rho = (c / own).clamp(0.0, 0.9);
        (1.0 + rho) / (1.0 - rho)
    };
    spread(right) * spread(below)
}
