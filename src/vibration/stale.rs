//! What of a coded picture is new, and what is only carried over from the frame before.
//!
//! A codec leaves a block as it was where its change is smaller than what it may spend (a skipped block). Such a block shows where the target was, not
//! where it is. It is told by being the same to the last bit, which no camera's noise leaves. What it is worth is a matter of how far the target moves
//! from frame to frame: all that is stale lies off by one common displacement, whose prior is that motion (a mixed model: Henderson, "Best Linear Unbiased
//! Estimation and Prediction under a Selection Model", Biometrics 31(2), 1975). Where everything is stale nothing is new, and the motion is what is
//! not known.

use super::bank::Fitted;
use super::dots::{self, PATCH};
use super::luma::Luma;
use super::patches::Patch;
use super::reference::invert;

/// Pixels around the region that are remembered: displacements up to this are looked at.
const AROUND: usize = 32;
/// Side of the blocks that are compared: the macroblock of H.264 (ITU-T H.264, 6.3), which is skipped as a whole. They lie on a grid that begins at
/// the picture's corner.
const BLOCK: usize = 16;
/// Pixels at a block's edge that are not compared: the deblocking filter may change them in a block that is skipped.
const EDGE: usize = 2;
/// How fast the motion from frame to frame is followed.
const FOLLOW: f64 = 0.05;
/// Least and largest motion from frame to frame that stale patches are weighted by, in pixels.
const MOTION_PX: std::ops::RangeInclusive<f64> = 0.02..=0.5;

/// A displacement that is held to what is new.
#[derive(Clone, Copy, Debug)]
pub struct Fresh {
    /// Displacement in pixels.
    pub d: (f64, f64),
    /// What it may lag behind by because of what is stale, one sigma in pixels.
    pub lag_px: f64,
}

/// The newest frame's part about a region, and how much of the next is the same.
#[derive(Clone, Debug)]
pub struct Stale {
    /// Corner and size of what is remembered.
    corner: (i64, i64),
    size: (usize, usize),
    before: Vec<u8>,
    known: bool,
    columns: usize,
    /// Which share of each patch is stale.
    shares: Vec<f64>,
    /// Mean square of the displacements' steps from frame to frame along an axis, what of it is their noise, both in pixels squared, and the frames that
    /// they are of.
    steps: f64,
    noise: f64,
    frames: f64,
    newest: Option<(f64, f64)>,
}

impl Stale {
    /// For a region of `w` by `h` pixels.
    #[must_use]
    pub fn new(w: usize, h: usize) -> Self {
        let size = (w + 2 * AROUND, h + 2 * AROUND);
        let (columns, rows) = dots::patches(w, h);
        Self {
            corner: (0, 0),
            size,
            before: vec![0; size.0 * size.1],
            known: false,
            columns,
            shares: vec![0.0; columns * rows],
            steps: 0.0,
            noise: 0.0,
            frames: 0.0,
            newest: None,
        }
    }

    /// Forgets the frame before: the next one does not follow it.
    pub fn forget(&mut self) {
        self.known = false;
        self.newest = None;
    }

    /// Remembers the frame about the region whose corner is at `corner` when nothing is displaced.
    pub fn keep(&mut self, luma: &Luma<'_>, corner: (i64, i64)) {
        self.corner = (corner.0 - AROUND as i64, corner.1 - AROUND as i64);
        for (i, out) in self.before.chunks_exact_mut(self.size.0).enumerate() {
            luma.copy_bytes(self.corner.0, self.corner.1 + i as i64, out);
        }
        self.known = true;
    }

    /// Looks which shares of the patches of the region at `at` (whole pixels) are the same as in the frame before; how much of it all is. The frame lies `off`
    /// from the corner of the picture that was coded.
    pub fn look(&mut self, luma: &Luma<'_>, at: (i64, i64), (w, h): (usize, usize), off: (i64, i64)) -> f64 {
        self.shares.fill(0.0);
        if !self.known {
            return 0.0;
        }
        let side = BLOCK as i64;
        let mut all = 0.0;
        for index in 0..self.shares.len() {
            let (column, row) = (index % self.columns * PATCH, index / self.columns * PATCH);
            let (x, y) = (at.0 + column as i64, at.1 + row as i64);
            let (right, below) = (x + PATCH.min(w - column) as i64, y + PATCH.min(h - row) as i64);
            let mut stale = 0;
            let first = |v: i64, off: i64| (v + off).div_euclid(side) * side - off;
            for by in (first(y, off.1)..below).step_by(BLOCK) {
                for bx in (first(x, off.0)..right).step_by(BLOCK) {
                    if self.same(luma, bx, by) {
                        stale += (right.min(bx + side) - x.max(bx)) * (below.min(by + side) - y.max(by));
                    }
                }
            }
            self.shares[index] = stale as f64 / ((right - x) * (below - y)).max(1) as f64;
            all += self.shares[index];
        }
        all / self.shares.len().max(1) as f64
    }

    /// Whether the inside of the block at this place of the picture is that of the frame before.
    fn same(&self, luma: &Luma<'_>, x: i64, y: i64) -> bool {
        let within = |v: i64, from: i64, n: usize| usize::try_from(v - from).ok().filter(|v| v + BLOCK <= n);
        let then = within(x, self.corner.0, self.size.0).zip(within(y, self.corner.1, self.size.1));
        let now = within(x, 0, luma.width()).zip(within(y, 0, luma.height()));
        let (Some(then), Some(now)) = (then, now) else { return false };
        (EDGE..BLOCK - EDGE).all(|i| {
            let (then, now) = ((then.1 + i) * self.size.0 + then.0, now.0);
            let row = luma.row(y + i as i64);
            row[now + EDGE..now + BLOCK - EDGE] == self.before[then + EDGE..then + BLOCK - EDGE]
        })
    }

    /// The displacement by what is new of the patches as they were last looked at; `variance` is that of a pixel, or more where patches err by more than
    /// noise makes them.
    pub fn weigh<'a>(
        &self,
        parts: impl Iterator<Item = (&'a Patch, &'a [f64; 2], bool)>,
        f: &Fitted,
        variance: f64,
    ) -> Option<Fresh> {
        let noise = (variance / (f.gain * f.gain)).max(1e-3);
        // The normal equations of the displacement, and of how far what is stale lies off it.
        let (mut normal, mut pulled) = ([[0.0; 4]; 4], [0.0; 4]);
        for ((patch, pull, out), share) in parts.zip(&self.shares) {
            if out {
                continue;
            }
            let [xx, xy, yy] = patch.fisher;
            let weights = [1.0, *share];
            for (k, a) in weights.iter().enumerate() {
                for (l, b) in weights.iter().enumerate() {
                    let (k, l, both) = (2 * k, 2 * l, a * b);
                    normal[k][l] += both * xx;
                    normal[k][l + 1] += both * xy;
                    normal[k + 1][l] += both * xy;
                    normal[k + 1][l + 1] += both * yy;
                }
                pulled[2 * k] += a * pull[0] / f.gain;
                pulled[2 * k + 1] += a * pull[1] / f.gain;
            }
        }
        let rest = noise / self.motion_px().powi(2);
        normal[2][2] += rest;
        normal[3][3] += rest;
        let inverse = invert(&normal)?;
        let step = |row: &[f64; 4]| row.iter().zip(&pulled).map(|(a, b)| a * b).sum::<f64>();
        let d = (f.d.0 + step(&inverse[0]), f.d.1 + step(&inverse[1]));
        // How far the displacement follows if what is stale lies farther off.
        let across = (rest * inverse[0][2].abs()).max(rest * inverse[1][3].abs());
        (d.0.is_finite() && d.1.is_finite())
            .then(|| Fresh { d, lag_px: across.clamp(0.0, 1.0) * bounded_px(self.steps) })
    }

    /// Takes the displacement of a frame of which this share was stale, and its noise's variance along an axis in pixels squared: how far the
    /// target moves is told by what is new.
    pub fn moved(&mut self, d: (f64, f64), stale: f64, noise: f64) {
        let fresh = 1.0 - stale.clamp(0.0, 1.0);
        if let Some(before) = self.newest {
            let square = f64::midpoint((d.0 - before.0).powi(2), (d.1 - before.1).powi(2));
            self.frames += fresh;
            let rate = fresh * FOLLOW.max(1.0 / self.frames.max(1.0));
            self.steps += rate * (square - self.steps);
            self.noise += rate * (2.0 * noise - self.noise);
        }
        self.newest = Some(d);
    }

    /// How far the target moves from frame to frame, RMS along an axis in pixels. What noise adds to the steps is no motion: where it is most of
    /// them, stale patches would be thought worth nothing, and the few others are worth no more.
    #[must_use]
    pub fn motion_px(&self) -> f64 {
        bounded_px(self.steps - self.noise)
    }
}

fn bounded_px(square: f64) -> f64 {
    square.max(0.0).sqrt().clamp(*MOTION_PX.start(), *MOTION_PX.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(seed: u32) -> Vec<u8> {
        let mut state = seed;
        (0..120 * 120)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect()
    }

    fn luma(data: &[u8]) -> Luma<'_> {
        Luma::new(data, 120, 120, 120).unwrap()
    }

    #[test]
    fn what_is_carried_over_is_told_block_by_block() {
        let (before, mut now) = (noisy(1), noisy(2));
        let mut s = Stale::new(32, 32);
        assert_eq!(s.look(&luma(&now), (32, 32), (32, 32), (0, 0)), 0.0, "nothing is known yet");
        s.keep(&luma(&before), (32, 32));
        assert_eq!(s.look(&luma(&now), (32, 32), (32, 32), (0, 0)), 0.0);
        // The block at (48, 32) is carried over, but for its edge, which the deblocking filter changed.
        for y in 34..46 {
            now[y * 120 + 50..y * 120 + 62].copy_from_slice(&before[y * 120 + 50..y * 120 + 62]);
        }
        assert_eq!(s.look(&luma(&now), (32, 32), (32, 32), (0, 0)), 0.25);
        assert_eq!(s.shares, [0.0, 1.0, 0.0, 0.0]);
        // The region displaced by whole pixels looks at the same blocks of the picture.
        s.look(&luma(&now), (36, 30), (32, 32), (0, 0));
        assert_eq!(s.shares, [0.25 * 14.0 / 16.0, 0.75 * 14.0 / 16.0, 0.25 * 2.0 / 16.0, 0.75 * 2.0 / 16.0]);
        // A piece of the picture that begins five pixels right of its corner and three above a block's has its blocks elsewhere.
        s.look(&luma(&now), (43, 32), (32, 32), (5, 0));
        assert_eq!(s.shares, [0.0; 4], "no block of that grid is the same");
        // Far outside of what is remembered, and of the picture, nothing is said.
        assert_eq!(s.look(&luma(&now), (-300, 5000), (32, 32), (0, 0)), 0.0);
        s.forget();
        assert_eq!(s.look(&luma(&before), (32, 32), (32, 32), (0, 0)), 0.0);
    }

    #[test]
    fn what_is_new_decides_and_where_nothing_is_the_motion_is_unsure() {
        let mut s = Stale::new(32, 16);
        for i in 0..100 {
            s.moved((if i % 2 == 0 { 0.2 } else { -0.2 }, 0.0), 0.0, 0.0);
        }
        assert!((s.motion_px() - 0.4 / 2f64.sqrt()).abs() < 0.02, "{}", s.motion_px());
        let patch = Patch { fisher: [1e4, 0.0, 1e4], ..Patch::default() };
        // Two patches alike: one pulls for 0.3 pixels to the right, the other, which is stale, for as much to the left.
        let pulls = [[3e3, 0.0], [-3e3, 0.0]];
        let f = Fitted { gain: 1.0, d: (1.0, 2.0), ..Fitted::default() };
        let weigh = |s: &Stale| s.weigh([(&patch, &pulls[0], false), (&patch, &pulls[1], false)].into_iter(), &f, 4.0);
        s.shares = vec![0.0, 1.0];
        let fresh = weigh(&s).unwrap();
        assert!((fresh.d.0 - 1.3).abs() < 0.01 && (fresh.d.1 - 2.0).abs() < 1e-9 && fresh.lag_px < 0.01, "{fresh:?}");
        s.shares = vec![1.0, 1.0];
        let none = weigh(&s).unwrap();
        assert!((none.d.0 - 1.0).abs() < 1e-9 && (none.lag_px - s.motion_px()).abs() < 1e-9, "{none:?}");
        s.shares = vec![0.0, 0.0];
        assert!(weigh(&s).unwrap().lag_px < 1e-12);
        // A repeated picture says of the target what the one before it said: patches that hardly see it do not lead it away.
        let weak = Patch { fisher: [2.0, 0.0, 1e4], ..Patch::default() };
        let wild = [2.0 * 20.0, 0.0];
        s.shares = vec![1.0, 1.0];
        let pulls = [[0.0, 0.0], wild];
        let parts = [(&patch, &pulls[0], false), (&weak, &pulls[1], false)];
        let all = s.weigh(parts.into_iter(), &f, 4.0).unwrap();
        assert!((all.d.0 - 1.0).abs() < 0.01 && all.lag_px > 0.2, "{all:?}");
    }

    #[test]
    fn noise_is_no_motion() {
        let mut s = Stale::new(32, 16);
        // Steps of 0.4 pixels, as a displacement with a noise of 0.2 pixels makes them at rest.
        for i in 0..400 {
            s.moved((if i % 2 == 0 { 0.2 } else { -0.2 }, 0.0), 0.0, 0.04);
        }
        assert!((s.motion_px() - MOTION_PX.start()).abs() < 1e-9, "{}", s.motion_px());
        // What is not known of a frame where all is stale is still told with care.
        let patch = Patch { fisher: [1e4, 0.0, 1e4], ..Patch::default() };
        let f = Fitted { gain: 1.0, ..Fitted::default() };
        s.shares = vec![1.0, 1.0];
        let none = s.weigh([(&patch, &[0.0; 2], false), (&patch, &[0.0; 2], false)].into_iter(), &f, 4.0).unwrap();
        assert!(none.lag_px > 0.2, "{none:?}");
    }
}
