//! What is usual of the residual of a region with nothing in front of it.

/// Frames whose residuals decide at first. The very first ones tell little: a codec copies the picture before, and leaves next to nothing.
const FIRST: usize = 16;

/// The lower third of the residuals' variances per pixel, which frames with something in front do not move, and how far they spread.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usual {
    low: f64,
    spread: f64,
    first: [f64; FIRST],
    known: usize,
}

impl Usual {
    /// Of many at once; of none nothing is usual.
    pub(super) fn of(variances: &mut [f64]) -> Self {
        if variances.is_empty() {
            return Self::default();
        }
        variances.sort_unstable_by(f64::total_cmp);
        let at = |q: f64| variances[((variances.len() - 1) as f64 * q) as usize];
        let (low, spread) = (at(0.3), (at(0.3) - at(0.05)).max(0.01 * at(0.3)));
        Self { low, spread, known: FIRST, ..Self::default() }
    }

    /// Nothing is usual any more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The variance, in grey levels squared; none before the first.
    pub(super) fn variance(&self) -> Option<f64> {
        (self.known > 0).then_some(self.low)
    }

    /// From which variance on a residual is not what is usual: so many times it, so far above it, and beyond its spread.
    pub(super) fn limit(&self, times: f64, above: f64) -> Option<f64> {
        Some((times * self.variance()?).max(self.low + 6.0 * self.spread).max(self.low + above))
    }

    /// Takes the variance of a frame with nothing in front.
    pub(super) fn take(&mut self, variance: f64) {
        if self.known < FIRST {
            self.first[self.known] = variance;
            self.known += 1;
            let mut sorted = self.first;
            let sorted = &mut sorted[..self.known];
            sorted.sort_unstable_by(f64::total_cmp);
            self.low = sorted[(self.known - 1) / 3].max(1e-3);
            let apart = sorted.iter().map(|v| (v - self.low).abs().min(self.low)).sum::<f64>() / self.known as f64;
            self.spread = apart.max(0.1 * self.low);
            return;
        }
        let gap = (variance - self.low).abs().min(2.0 * self.low + self.spread);
        self.spread += 0.03 * (gap.min(3.0 * self.spread) - self.spread);
        let step = if variance < self.low { -0.7 } else { 0.3 };
        self.low = (self.low + 0.2 * step * self.spread).max(1e-3);
        self.spread = self.spread.max(0.01 * self.low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codec_s_copies_at_the_beginning_do_not_make_the_rest_unusual() {
        // Residuals of a real stream after its key frame: the second frame is nearly a copy of the first.
        let seen = [
            1.8, 10.0, 30.3, 49.3, 49.9, 54.7, 54.2, 22.2, 30.4, 31.4, 44.3, 43.9, 44.6, 47.1, 46.7, 17.9, 18.8, 20.3,
            20.4, 21.6, 22.8, 23.3, 25.2, 28.8, 31.8, 33.5, 35.0, 37.0, 38.5,
        ];
        let mut usual = Usual::default();
        for (i, v) in seen.into_iter().enumerate() {
            assert!(i < FIRST || usual.limit(1.25, 0.3).is_some_and(|limit| v < limit), "frame {i}: {v} by {usual:?}");
            usual.take(v);
        }
    }

    #[test]
    fn it_settles_on_the_lower_third_and_stays_there_under_passing_steam() {
        let mut usual = Usual::default();
        let mut state = 1u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            4.0 + f64::from(state >> 8) / f64::from(1 << 24)
        };
        for _ in 0..300 {
            usual.take(next());
        }
        let low = usual.variance().unwrap();
        assert!((4.1..4.6).contains(&low), "{usual:?}");
        for i in 0..200 {
            usual.take(if i % 4 == 0 { 40.0 } else { next() });
        }
        assert!(usual.limit(1.25, 0.3).unwrap() < 10.0, "{usual:?}");
        usual.forget();
        assert_eq!(usual.variance(), None);
    }
}
