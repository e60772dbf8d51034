//! Where the target will be in the next frame: the best of standing still, going on, swinging on, and swinging on in two tones.

use super::reference::invert;

/// How fast what was learned of the swing is forgotten, per frame.
const FORGET: f64 = 0.95;
/// How fast the record of each guess is forgotten, per frame.
const RECORD: f64 = 0.8;
/// How fast the place that it swings about follows, per frame.
const CENTRE: f64 = 0.01;

/// Displacements that the guess of two tones is made of.
const ORDER: usize = 4;
/// Share of their power that is taken for noise, so that what is not there to be learned is not learned.
const RIDGE: f64 = 1e-4;

/// Guesses the next displacement from the ones before.
///
/// A vibration is nearly a sine, and of a sine about its centre the next value is `2 cos(ω) · now - before`; of two sines it follows from the four
/// values before (Prony 1795). The factors are learned by least squares. Which guess is used is a matter of which was nearest lately.
#[derive(Clone, Copy, Debug, Default)]
pub struct Predictor {
    now: (f64, f64),
    before: (f64, f64),
    centre: (f64, f64),
    /// Sums for the factor of the swing.
    product: f64,
    square: f64,
    /// What each guess said of the present frame, and how far each was off lately.
    guesses: [(f64, f64); 4],
    off: [f64; 4],
    known: u32,
    /// The newest displacements about the centre, newest first, and the sums for the factors of two tones.
    newest: [(f64, f64); ORDER],
    products: [[f64; ORDER]; ORDER],
    sums: [f64; ORDER],
}

impl Predictor {
    /// Begins anew.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Takes the displacement of the present frame.
    pub fn take(&mut self, d: (f64, f64)) {
        if self.known >= 2 {
            for (off, g) in self.off.iter_mut().zip(&self.guesses) {
                *off = RECORD * *off + (1.0 - RECORD) * (d.0 - g.0).hypot(d.1 - g.1);
            }
            let less = |v: (f64, f64)| (v.0 - self.centre.0, v.1 - self.centre.1);
            let (a, b, c) = (less(d), less(self.now), less(self.before));
            self.product = FORGET * self.product + (a.0 + c.0) * b.0 + (a.1 + c.1) * b.1;
            self.square = FORGET * self.square + b.0 * b.0 + b.1 * b.1;
        }
        let rate = CENTRE.max(1.0 / f64::from(self.known + 1));
        self.centre = (self.centre.0 + rate * (d.0 - self.centre.0), self.centre.1 + rate * (d.1 - self.centre.1));
        self.before = if self.known == 0 { d } else { self.now };
        self.now = d;
        self.known = self.known.saturating_add(1);
        let factor = if self.square > 1e-9 { (self.product / self.square).clamp(-2.0, 2.0) } else { 2.0 };
        let (n, b, c) = (self.now, self.before, self.centre);
        let swing = |n: f64, b: f64, c: f64| c + factor * (n - c) - (b - c);
        let two = self.two_tones(d);
        self.guesses = [n, (2.0 * n.0 - b.0, 2.0 * n.1 - b.1), (swing(n.0, b.0, c.0), swing(n.1, b.1, c.1)), two];
    }

    /// Learns from the newest displacement how the next follows from four, and guesses it.
    fn two_tones(&mut self, d: (f64, f64)) -> (f64, f64) {
        let now = (d.0 - self.centre.0, d.1 - self.centre.1);
        let with = |a: (f64, f64), b: (f64, f64)| a.0 * b.0 + a.1 * b.1;
        if self.known as usize > ORDER {
            for ((row, sum), a) in self.products.iter_mut().zip(&mut self.sums).zip(&self.newest) {
                for (v, b) in row.iter_mut().zip(&self.newest) {
                    *v = FORGET * *v + with(*a, *b);
                }
                *sum = FORGET * *sum + with(*a, now);
            }
        }
        self.newest.rotate_right(1);
        self.newest[0] = now;
        let mut held = self.products;
        for (i, row) in held.iter_mut().enumerate() {
            row[i] += RIDGE * row[i] + 1e-9;
        }
        let Some(inverse) = invert(&held) else { return d };
        let mut guess = self.centre;
        for (row, v) in inverse.iter().zip(&self.newest) {
            let factor: f64 = row.iter().zip(&self.sums).map(|(a, b)| a * b).sum();
            guess = (guess.0 + factor * v.0, guess.1 + factor * v.1);
        }
        guess
    }

    /// A frame without a displacement went by.
    pub fn miss(&mut self) {
        self.before = self.now;
        self.guesses = [self.now; 4];
    }

    /// The best guess of the next displacement.
    #[must_use]
    pub fn next(&self) -> (f64, f64) {
        let best = (0..self.off.len()).min_by(|&i, &j| self.off[i].total_cmp(&self.off[j])).unwrap_or(0);
        self.guesses.get(best).copied().filter(|g| g.0.is_finite() && g.1.is_finite()).unwrap_or(self.now)
    }

    /// The newest displacement.
    #[must_use]
    pub fn now(&self) -> (f64, f64) {
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far the guesses were off, RMS, after some frames to learn.
    fn off(f: impl Fn(f64) -> (f64, f64)) -> f64 {
        let mut p = Predictor::default();
        let mut square = 0.0;
        for i in 0..200 {
            let d = f(f64::from(i) * 0.04);
            if i >= 100 {
                let g = p.next();
                square += (g.0 - d.0).powi(2) + (g.1 - d.1).powi(2);
            }
            p.take(d);
        }
        (square / 100.0f64).sqrt()
    }

    #[test]
    fn a_swing_is_foreseen_and_rest_is_not_made_worse() {
        let w = 2.0 * std::f64::consts::PI * 5.2;
        assert!(off(|t| (4.0 * (w * t).sin() + 1.0, 2.0 * (w * t).cos())) < 0.2, "it moves by some 4 pixels a frame");
        let noise = |t: f64| 0.01 * (t * 91.7).sin() * (t * 37.1).cos();
        assert!(off(|t| (noise(t), noise(t + 9.0))) < 0.02);
        assert!(off(|t| (3.0 * t, -t)) < 1e-6, "a steady drift");
    }
}
