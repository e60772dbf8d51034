//! What looks at the residual have told: whether the pictures went through a lossy codec, and whether that carries over from frame to frame.
//!
//! A camera's noise is white, and new in every frame. A codec's errors are smooth over its blocks; and one that codes differences between frames (or
//! a camera that averages over time) carries what it does not spend on over to the next frame, noise and all. Where motion is small, next to everything
//! is carried over, and what is left may look white: then only the likeness of two frames in a row tells. Coding of each picture
//! for itself carries nothing over.

/// Residuals more alike their neighbours than this (pixels that share one independent residual) are a codec's.
const SMEARED: f64 = 1.25;
/// And so are those that are this much like the residual of the frame before, white or not: H.265 smooths what it spends nothing on so little
/// that no pixel tells of its neighbours. On recordings of known motion it is 0.5 to 1.0 with inter-frame coding where the target moves little (0.2 to
/// 0.7 at 0.6 pixels, where the residual is smooth), and without any coding 0.1 in the median, even where the lens folds detail that no model holds.
const ALIKE: f64 = 0.4;
/// Mean likeness of frames from which on the coder carries over.
const CARRIES: f64 = 0.25;
/// And from which on it carries over most, whatever its pictures look like besides: a target at rest in MPEG-4 is blocks of JPEG's kind, left as they are.
const CARRIES_MOST: f64 = 0.7;
/// Looks that are remembered, and that a judgment needs.
const REMEMBERED: u32 = 32;
const LEAST: u32 = 4;
/// Variance of the difference of two frames with noise of half a grey level each, rounded: less cannot be told from a picture that a
/// codec copied.
const COPIED: f64 = 2.0 * (0.25 + 1.0 / 12.0);

/// Looks at the residual of one region.
#[derive(Clone, Debug)]
pub(super) struct Looks {
    count: u32,
    /// In which share of the looks the residual was a codec's.
    smeared: f64,
    /// Largest variance of a residual that was white.
    white: f64,
    /// Mean correlation of the residuals of two frames in a row, and of how many pairs.
    carried: f64,
    pairs: u32,
    /// The residual of the frame before, and that frame's number.
    before: Vec<f32>,
    before_frame: Option<u32>,
}

impl Looks {
    /// For a region of so many pixels.
    pub(super) fn new(pixels: usize) -> Self {
        Self {
            count: 0,
            smeared: 0.0,
            white: 0.0,
            carried: 0.0,
            pairs: 0,
            before: vec![0.0; pixels],
            before_frame: None,
        }
    }

    /// As told by these, for a region of so many pixels.
    pub(super) fn of(&self, pixels: usize) -> Self {
        Self { before: vec![0.0; pixels], before_frame: None, ..self.clone() }
    }

    /// Nothing was seen yet.
    pub(super) fn forget(&mut self) {
        (self.count, self.smeared, self.white) = (0, 0.0, 0.0);
        (self.carried, self.pairs, self.before_frame) = (0.0, 0, None);
    }

    /// Whether frame `number` is to be looked at, and the one before it: often at first. (The second frame of a stream may be a codec's copy of the
    /// first, and tells nothing.)
    pub(super) fn due(number: u32) -> bool {
        let looked = |n: u32| n % 8 == 1 && n > 1 && (n < 64 || n % 64 == 1);
        looked(number) || looked(number.wrapping_add(1))
    }

    /// Takes the residual of frame `number`. It is a look where the frame before it was kept, or where it is no frame to be kept.
    pub(super) fn take(&mut self, number: u32, residual: &[f32], smear: f64, variance: f64) {
        if number % 8 != 1 {
            self.before.copy_from_slice(residual);
            self.before_frame = Some(number);
            return;
        }
        let alike = (self.before_frame == Some(number.wrapping_sub(1))).then(|| correlation(&self.before, residual));
        if let Some(alike) = alike {
            self.pairs = (self.pairs + 1).min(REMEMBERED);
            self.carried += (alike - self.carried) / f64::from(self.pairs);
        }
        let coded = smear > SMEARED || alike.is_some_and(|a| a > ALIKE);
        if smear <= SMEARED && variance > COPIED {
            self.white = self.white.max(variance);
        }
        self.mark(coded);
    }

    /// Takes a residual under uneven light, which has no frame before it.
    pub(super) fn take_alone(&mut self, smear: f64, variance: f64) {
        if smear <= SMEARED && variance > COPIED {
            self.white = self.white.max(variance);
        }
        self.mark(smear > SMEARED);
    }

    fn mark(&mut self, coded: bool) {
        // Steam that passes is smooth as well, but it passes: what counts is how often.
        self.count = (self.count + 1).min(REMEMBERED);
        self.smeared += (f64::from(u8::from(coded)) - self.smeared) / f64::from(self.count);
    }

    /// From here on a look counts as little as one of many.
    pub(super) fn settle(&mut self) {
        self.count = REMEMBERED;
    }

    /// Whether there were enough to judge.
    pub(super) fn enough(&self) -> bool {
        self.count >= LEAST
    }

    /// In which share the residual was a codec's.
    pub(super) fn smeared(&self) -> f64 {
        self.smeared
    }

    /// Largest variance of a residual that was a camera's white noise, in grey levels squared; 0 where none was.
    pub(super) fn white(&self) -> f64 {
        self.white
    }

    /// Whether what is coded is carried over from frame to frame; so it is taken to be until enough is seen.
    pub(super) fn carries_over(&self) -> bool {
        self.pairs < LEAST || self.carried > CARRIES
    }

    /// Whether so much is carried over that the pictures are not JPEG's (of which the coarsest are alike to 0.36).
    pub(super) fn carries_much(&self) -> bool {
        self.pairs >= LEAST && self.carried > ALIKE
    }

    /// Whether next to everything is carried over.
    pub(super) fn carries_most(&self) -> bool {
        self.pairs >= LEAST && self.carried > CARRIES_MOST
    }
}

fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [1e-9f64, 1e-9, 0.0];
    for (a, b) in a.chunks(64).zip(b.chunks(64)) {
        let mut part = [0.0f32; 3];
        for (a, b) in a.iter().zip(b) {
            part[0] += a * a;
            part[1] += b * b;
            part[2] += a * b;
        }
        sums.iter_mut().zip(part).for_each(|(s, p)| *s += f64::from(p));
    }
    sums[2] / (sums[0] * sums[1]).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64) -> impl FnMut() -> f32 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
        }
    }

    /// Residuals of 100 frames, each of which carries over so much of the one before.
    fn looked(carried: f32, smear: f64) -> Looks {
        let mut looks = Looks::new(1024);
        let (mut next, mut residual) = (noise(3), vec![0.0f32; 1024]);
        for number in 1..100 {
            for r in &mut residual {
                *r = carried * *r + next();
            }
            if Looks::due(number) {
                looks.take(number, &residual, smear, 2.0);
            }
        }
        looks
    }

    #[test]
    fn noise_that_is_carried_over_is_a_codecs_though_it_looks_white() {
        for smear in [1.0, 1.15] {
            let coded = looked(0.8, smear);
            assert!(coded.enough() && coded.smeared() > 0.9 && coded.carries_over());
        }
        let camera = looked(0.0, 1.15);
        assert!(camera.enough() && camera.smeared() < 0.1 && !camera.carries_over());
        // A model that is a little wrong repeats itself a little.
        assert!(looked(0.3, 1.0).smeared() < 0.1);
    }

    #[test]
    fn pictures_coded_for_themselves_carry_nothing_over() {
        let single = looked(0.1, 2.0);
        assert!(single.smeared() > 0.9 && !single.carries_over());
        assert!(looked(0.6, 2.0).carries_over());
        assert!(Looks::new(64).carries_over(), "nothing is known yet");
    }
}
