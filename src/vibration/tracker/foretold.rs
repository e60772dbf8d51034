//! How far displacements lie from what those before them foretell: an upper bound of their noise, whatever made it.
//!
//! Linear prediction (Makhoul, "Linear Prediction: A Tutorial Review", Proc. IEEE 63(4), 1975). What is new of the motion counts as noise here, so the bound
//! is near where the motion goes on as it did. Errors that are alike from frame to frame are foretold as motion is, and not seen.

/// Displacements that the next one is predicted from.
pub(super) const ORDER: usize = 6;
/// How fast the bound and the place that it moves about follow, per frame.
const FOLLOW: f64 = 0.03;
const CENTRE: f64 = 0.01;

/// Predicts the next displacement by factors that were learned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Foretold {
    factors: [f64; ORDER],
    centre: [f64; 2],
    /// The newest displacements about the centre, newest first, and how many there are.
    newest: [[f64; 2]; ORDER],
    known: usize,
    /// Of one axis, in pixels squared.
    variance: f64,
}

impl Foretold {
    /// With these factors, about this place; `variance` is how far off the predictions were, in pixels squared along one axis.
    pub(super) fn new(factors: [f64; ORDER], centre: [f64; 2], variance: f64) -> Self {
        Self { factors, centre, newest: [[0.0; 2]; ORDER], known: 0, variance }
    }

    /// Takes a frame's displacement in pixels.
    pub(super) fn take(&mut self, d: (f64, f64)) {
        let now = [d.0 - self.centre[0], d.1 - self.centre[1]];
        if self.known == ORDER {
            let off = |axis: usize| {
                let guess: f64 = self.factors.iter().zip(&self.newest).map(|(f, d)| f * d[axis]).sum();
                (now[axis] - guess).powi(2)
            };
            // One frame that is far off (a jump) says little of the others.
            let off = f64::midpoint(off(0), off(1)).min(9.0 * self.variance);
            self.variance += FOLLOW * (off - self.variance);
        }
        self.newest.rotate_right(1);
        self.newest[0] = now;
        self.known = (self.known + 1).min(ORDER);
        self.centre.iter_mut().zip(now).for_each(|(c, n)| *c += CENTRE * n);
        for d in &mut self.newest {
            d.iter_mut().zip(now).for_each(|(d, n)| *d -= CENTRE * n);
        }
    }

    /// The same about a place that lies so far off, with nothing seen yet.
    pub(super) fn about(&self, off: (f64, f64)) -> Self {
        Self { centre: [self.centre[0] - off.0, self.centre[1] - off.1], known: 0, ..*self }
    }

    /// A frame without a displacement: what comes next does not follow.
    pub(super) fn miss(&mut self) {
        self.known = 0;
    }

    /// The displacements' own noise as that tells it, one sigma along one axis in pixels: what they are foretold from has as much.
    pub(super) fn noise_px(&self) -> f64 {
        (self.variance / (1.0 + self.factors.iter().map(|f| f * f).sum::<f64>())).sqrt()
    }

    /// How far off predictions are, one sigma along one axis in pixels.
    pub(super) fn sigma_px(&self) -> f64 {
        self.variance.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_told_without_what_the_prediction_adds() {
        let w: f64 = 0.85;
        let mut state = 1u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f64 / f64::from(1u32 << 24) - 0.5) * 0.05 * 12f64.sqrt()
        };
        let mut f = Foretold::new([2.0 * w.cos(), -1.0, 0.0, 0.0, 0.0, 0.0], [0.0; 2], 1e-4);
        for i in 0..2000u32 {
            f.take(((w * f64::from(i)).sin() + noise(), (w * f64::from(i)).cos() + noise()));
        }
        assert!((f.noise_px() / 0.05 - 1.0).abs() < 0.2 && f.sigma_px() > 0.08, "{} {}", f.noise_px(), f.sigma_px());
    }

    #[test]
    fn a_swing_is_foretold_and_a_new_motion_is_not() {
        // Of a sine the next value is 2 cos(ω) times this one less the one before.
        let w: f64 = 0.85;
        let mut f = Foretold::new([2.0 * w.cos(), -1.0, 0.0, 0.0, 0.0, 0.0], [3.0, 0.0], 1e-4);
        let swing = |i: u32, rate: f64| (3.0 + (rate * f64::from(i)).sin(), (rate * f64::from(i)).cos());
        (0..600).for_each(|i| f.take(swing(i, w)));
        assert!(f.sigma_px() < 0.02, "{}", f.sigma_px());
        f.miss();
        (0..600).for_each(|i| f.take(swing(i, 1.6)));
        assert!(f.sigma_px() > 0.3, "{}", f.sigma_px());
    }
}
