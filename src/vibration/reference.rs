//! The reference of a region: a continuous picture of the target, averaged over many frames moved onto each other.
//!
//! What a frame shows that the model does not (its residual, moved back by the frame's displacement) is averaged and added to the
//! model. The model itself is evaluated exactly, so the imperfect move of the residual only slows the averaging down; it
//! leaves no blur behind.
//!
//! A lens sharper than the pixels lets detail through beyond half a cycle a pixel. What it folds to changes with the sub-pixel phase, which no
//! picture of one sample a pixel can tell: a second one on a finer grid is then added ([`super::folding`]).

use pulp::Arch;

use super::folding::{FINE, Folding};
use super::lanes::widest;
use super::luma::Luma;
use super::shift;
use super::spline::{self, TAPS};

/// Pixels kept around the region: what the residual's margin, a displacement below one pixel and the spline's reach need.
const MARGIN: usize = 14;
/// Pixels around the region that are averaged along.
pub(super) const LEARNED: usize = 8;
/// Larger regions do without what folds: they have signal enough.
pub const LARGEST_FOLDED: usize = 160 * 160;

/// The reference.
#[derive(Clone, Debug)]
pub struct Reference {
    w: usize,
    h: usize,
    /// Width and height with the margin.
    full: (usize, usize),
    /// Samples of the picture, less `level`, and their spline coefficients.
    samples: Vec<f32>,
    coefs: Vec<f32>,
    /// Spline coefficients of what folds, on the fine grid, the even ones of each row before the odd ones; empty without.
    fine: Vec<f32>,
    fine_line: Vec<f32>,
    /// Residuals moved back.
    sums: Vec<f32>,
    batch: u32,
    /// Frames in the model.
    frames: u32,
    level: f32,
    residual: Vec<f32>,
    moved: Vec<f32>,
    line: Vec<f32>,
}

impl Reference {
    /// For a region of `w` by `h` pixels. All memory is taken here.
    #[must_use]
    pub fn new(w: usize, h: usize) -> Self {
        let full = (w + 2 * MARGIN, h + 2 * MARGIN);
        let area = full.0 * full.1;
        let learned = (w + 2 * LEARNED) * (h + 2 * LEARNED);
        Self {
            w,
            h,
            full,
            samples: vec![0.0; area],
            coefs: vec![0.0; area],
            fine: Vec::new(),
            fine_line: Vec::new(),
            sums: vec![0.0; learned],
            batch: 0,
            frames: 0,
            level: 0.0,
            residual: vec![0.0; learned],
            moved: vec![0.0; learned],
            line: vec![0.0; full.0.max(full.1) + 2 * shift::TAPS],
        }
    }

    /// Frames that it is made of.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Frames taken since the model was last made anew.
    #[must_use]
    pub fn batch(&self) -> u32 {
        self.batch
    }

    /// The level, in grey levels, that the model is counted from.
    #[must_use]
    pub fn level(&self) -> f32 {
        self.level
    }

    /// Something that learns what folds beside this reference; none where the region is too large.
    #[must_use]
    pub fn folding(&self) -> Option<Folding> {
        (self.w * self.h <= LARGEST_FOLDED).then(|| Folding::new(self.full.0, self.full.1, &self.samples))
    }

    /// Makes what was learned of what folds part of the model.
    pub fn fold(&mut self, folding: &Folding) {
        let width = FINE * self.full.0;
        let mut coefs = folding.samples().to_vec();
        spline::prefilter(&mut coefs, width);
        self.fine.resize(coefs.len(), 0.0);
        self.fine_line.resize(width, 0.0);
        for (to, from) in self.fine.chunks_exact_mut(width).zip(coefs.chunks_exact(width)) {
            for (part, to) in to.chunks_exact_mut(width / FINE).enumerate() {
                for (to, from) in to.iter_mut().zip(from.iter().skip(part).step_by(FINE)) {
                    *to = *from;
                }
            }
        }
    }

    /// Forgets what folds: the model is the mean picture again.
    pub fn unfold(&mut self) {
        self.fine.clear();
    }

    /// Begins anew with the region of this frame at (`x`, `y`).
    pub fn begin(&mut self, luma: &Luma<'_>, x: i64, y: i64) {
        let (fw, _) = self.full;
        self.samples.fill(0.0);
        let area = self.full.0 * self.full.1;
        for (i, row) in self.samples.chunks_exact_mut(fw).enumerate() {
            luma.copy_row(x - MARGIN as i64, y + i as i64 - MARGIN as i64, row);
        }
        let mean = self.samples.iter().map(|&v| f64::from(v)).sum::<f64>() / area as f64;
        self.level = mean.round() as f32;
        for v in &mut self.samples {
            *v -= self.level;
        }
        self.unfold();
        self.frames = 1;
        self.forget_batch();
        self.make_coefs();
    }

    /// Forgets what was taken since the model was last made anew.
    pub fn forget_batch(&mut self) {
        self.sums.fill(0.0);
        self.batch = 0;
    }

    fn make_coefs(&mut self) {
        self.coefs.copy_from_slice(&self.samples);
        spline::prefilter(&mut self.coefs, self.full.0);
    }

    /// The model as a frame would show it with the target displaced by (`dx`, `dy`), each within ±0.99 pixels: region and
    /// `margin` pixels around it, row by row, less the level.
    pub fn evaluate(&mut self, arch: Arch, (dx, dy): (f64, f64), margin: usize, out: &mut [f32]) {
        let coefs = &self.coefs[..];
        let (ix, iy) = ((-dx).floor(), (-dy).floor());
        let (kx, ky) = (spline::weights(-dx - ix), spline::weights(-dy - iy));
        let start = |whole: f64| (MARGIN as i64 - margin as i64 + whole as i64 - spline::BEFORE).max(0) as usize;
        let (x0, y0) = (start(ix), start(iy));
        let (fw, line, width) = (self.full.0, &mut self.line[..], self.w + 2 * margin);
        widest!(arch, {
            for (i, out) in out.chunks_exact_mut(width).enumerate() {
                let at = (y0 + i) * fw;
                fir_rows(&coefs[at..at + TAPS * fw], fw, &ky, line);
                fir_line(&line[x0..], &kx, out);
            }
        });
        if !self.fine.is_empty() {
            self.add_fine(arch, (dx, dy), margin, out);
        }
    }

    /// Adds what folds.
    fn add_fine(&mut self, arch: Arch, (dx, dy): (f64, f64), margin: usize, out: &mut [f32]) {
        let (half, width) = (self.full.0, self.w + 2 * margin);
        let place = |d: f64| {
            let at = FINE as f64 * ((MARGIN - margin) as f64 - d);
            ((at.floor() as i64 - spline::BEFORE).max(0) as usize, spline::weights(at - at.floor()))
        };
        let ((x0, kx), (y0, ky)) = (place(dx), place(dy));
        let (fine, line) = (&self.fine[..], &mut self.fine_line[..]);
        widest!(arch, {
            for (i, out) in out.chunks_exact_mut(width).enumerate() {
                let at = (y0 + FINE * i) * FINE * half;
                fir_rows(&fine[at..at + TAPS * FINE * half], FINE * half, &ky, line);
                let from: [usize; 2] = std::array::from_fn(|p| (x0 + p) % FINE * half + (x0 + p) / FINE);
                add_fine_line(&line[from[0]..], &line[from[1]..], &kx, out);
            }
        });
    }

    /// What the model leaves of a frame, on the region and the pixels around it that are averaged along: the region lies at (`x`, `y`) (the
    /// whole part of the displacement included), the rest of the displacement is `d`, its light is the gain times the model plus
    /// the offset.
    pub(super) fn leave(
        &mut self,
        arch: Arch,
        luma: &Luma<'_>,
        (x, y): (i64, i64),
        d: (f64, f64),
        (gain, offset): (f64, f64),
    ) {
        let w = self.w + 2 * LEARNED;
        let mut model = std::mem::take(&mut self.residual);
        self.evaluate(arch, d, LEARNED, &mut model);
        self.residual = model;
        let (scale, shift) = ((1.0 / gain) as f32, (f64::from(self.level) + offset) as f32);
        for (i, r) in self.residual.chunks_exact_mut(w).enumerate() {
            let line = &mut self.moved[..w];
            luma.copy_row(x - LEARNED as i64, y + i as i64 - LEARNED as i64, line);
            for (r, v) in r.iter_mut().zip(line.iter()) {
                *r = (v - shift) * scale - *r;
            }
        }
    }

    /// Takes a frame into the next model; the region lies at `at`, the rest of the displacement is `d`, and `light` gain and offset.
    pub fn absorb(&mut self, arch: Arch, luma: &Luma<'_>, at: (i64, i64), d: (f64, f64), light: (f64, f64)) {
        self.leave(arch, luma, at, d, light);
        self.absorb_left(arch, d);
    }

    /// What [`Reference::leave`] left, in grey levels at a gain of one, to be changed before it is absorbed.
    pub(super) fn left(&mut self) -> &mut [f32] {
        &mut self.residual
    }

    /// Takes what is left of a frame into the next model; the rest of the displacement is `d`.
    pub(super) fn absorb_left(&mut self, arch: Arch, d: (f64, f64)) {
        let (w, h) = (self.w + 2 * LEARNED, self.h + 2 * LEARNED);
        shift_back(arch, &self.residual, (w, h), d, &mut self.line, &mut self.moved);
        let (sums, moved) = (&mut self.sums[..], &self.moved[..w * h]);
        widest!(arch, {
            for (s, v) in sums.iter_mut().zip(moved) {
                *s += v;
            }
        });
        self.batch += 1;
    }

    /// Lets what folds be learned from a frame; the same arguments.
    pub fn absorb_fine(
        &mut self,
        arch: Arch,
        luma: &Luma<'_>,
        at: (i64, i64),
        d: (f64, f64),
        light: (f64, f64),
        folding: &mut Folding,
    ) {
        self.leave(arch, luma, at, d, light);
        folding.take(arch, &self.residual, self.w + 2 * LEARNED, MARGIN - LEARNED, d);
    }

    /// Makes the model anew from what was taken; the present one counts as `weight` frames.
    pub fn renew(&mut self, weight: f64) {
        if self.batch == 0 {
            return;
        }
        let n = f64::from(self.batch);
        let (w, inset) = (self.w + 2 * LEARNED, MARGIN - LEARNED);
        let share = (1.0 / (weight + n)) as f32;
        let rows = self.samples.chunks_exact_mut(self.full.0).skip(inset);
        for (to, sums) in rows.zip(self.sums.chunks_exact(w)) {
            for (s, v) in to[inset..].iter_mut().zip(sums) {
                *s += share * v;
            }
        }
        self.frames = (weight + n).min(f64::from(u32::MAX)) as u32;
        self.forget_batch();
        self.make_coefs();
    }

    /// Goes on by `share` of what has changed since `former`, which becomes what it was before it went on.
    pub(super) fn go_on(&mut self, former: &mut [f32], share: f32) {
        for (s, f) in self.samples.iter_mut().zip(former) {
            let now = *s;
            *s += share * (now - *f);
            *f = now;
        }
        self.make_coefs();
    }

    /// The model's samples, with the margin.
    pub(super) fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// A sample of the mean picture, for coarse comparisons; zero outside.
    #[must_use]
    pub fn sample(&self, x: usize, y: usize) -> f32 {
        self.samples.get((y + MARGIN) * self.full.0 + x + MARGIN).copied().unwrap_or(0.0)
    }
}

/// `out[i, j] = picture[i + dy, j + dx]` by windowed-sinc interpolation; beyond its edges the picture is repeated.
fn shift_back(
    arch: Arch,
    picture: &[f32],
    (w, h): (usize, usize),
    (dx, dy): (f64, f64),
    line: &mut [f32],
    out: &mut [f32],
) {
    let (ix, iy) = (dx.floor(), dy.floor());
    let (kx, ky) = (shift::kernel(dx - ix), shift::kernel(dy - iy));
    let before = shift::TAPS as i64 / 2 - 1;
    let (ix, iy) = (ix as i64 - before, iy as i64 - before);
    // Each line has its ends repeated on either side, so that every sample has all its neighbours.
    let lead = (-ix).clamp(0, shift::TAPS as i64) as usize;
    let line = &mut line[..w + 2 * shift::TAPS];
    widest!(arch, {
        for (i, out) in out[..w * h].chunks_exact_mut(w).enumerate() {
            let row = |t: usize| {
                let y = (i as i64 + iy + t as i64).clamp(0, h as i64 - 1) as usize;
                &picture[y * w..(y + 1) * w]
            };
            let rows: [&[f32]; shift::TAPS] = std::array::from_fn(row);
            eight(rows, &ky, &mut line[lead..lead + w]);
            let (first, last) = (line[lead], line[lead + w - 1]);
            line[..lead].fill(first);
            line[lead + w..].fill(last);
            eight(std::array::from_fn(|t| &line[t..t + w]), &kx, out);
        }
    });
}

/// Eight rows into one.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn eight(s: [&[f32]; shift::TAPS], k: &[f32; shift::TAPS], out: &mut [f32]) {
    let n = out.len();
    let s = s.map(|s| &s[..n]);
    for j in 0..n {
        let a = k[0] * s[0][j] + k[1] * s[1][j];
        let b = k[2] * s[2][j] + k[3] * s[3][j];
        let c = k[4] * s[4][j] + k[5] * s[5][j];
        let d = k[6] * s[6][j] + k[7] * s[7][j];
        out[j] = (a + b) + (c + d);
    }
}

/// Vertical pass: ten rows of width `w` into one.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn fir_rows(rows: &[f32], w: usize, k: &[f32; TAPS], out: &mut [f32]) {
    let s: [&[f32]; TAPS] = std::array::from_fn(|t| &rows[t * w..(t + 1) * w]);
    let out = &mut out[..w];
    for j in 0..w {
        let a = k[0] * s[0][j] + k[1] * s[1][j];
        let b = k[2] * s[2][j] + k[3] * s[3][j];
        let c = k[4] * s[4][j] + k[5] * s[5][j];
        let d = k[6] * s[6][j] + k[7] * s[7][j];
        let e = k[8] * s[8][j] + k[9] * s[9][j];
        out[j] = (a + b) + (c + d) + e;
    }
}

/// Horizontal pass.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn fir_line(line: &[f32], k: &[f32; TAPS], out: &mut [f32]) {
    let n = out.len();
    let s: [&[f32]; TAPS] = std::array::from_fn(|t| &line[t..t + n]);
    for j in 0..n {
        let a = k[0] * s[0][j] + k[1] * s[1][j];
        let b = k[2] * s[2][j] + k[3] * s[3][j];
        let c = k[4] * s[4][j] + k[5] * s[5][j];
        let d = k[6] * s[6][j] + k[7] * s[7][j];
        let e = k[8] * s[8][j] + k[9] * s[9][j];
        out[j] = (a + b) + (c + d) + e;
    }
}

/// Horizontal pass over a line whose even and odd samples lie apart.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn add_fine_line(even: &[f32], odd: &[f32], k: &[f32; TAPS], out: &mut [f32]) {
    let n = out.len();
    let e: [&[f32]; TAPS / 2] = std::array::from_fn(|t| &even[t..t + n]);
    let o: [&[f32]; TAPS / 2] = std::array::from_fn(|t| &odd[t..t + n]);
    for j in 0..n {
        let a = k[0] * e[0][j] + k[1] * o[0][j];
        let b = k[2] * e[1][j] + k[3] * o[1][j];
        let c = k[4] * e[2][j] + k[5] * o[2][j];
        let d = k[6] * e[3][j] + k[7] * o[3][j];
        let f = k[8] * e[4][j] + k[9] * o[4][j];
        out[j] += (a + b) + (c + d) + f;
    }
}

/// Inverse of a symmetric positive definite matrix by Gauss–Jordan; none if it is singular.
pub(super) fn invert<const N: usize>(a: &[[f64; N]; N]) -> Option<[[f64; N]; N]> {
    let mut a = *a;
    let mut b = [[0.0; N]; N];
    for (i, row) in b.iter_mut().enumerate() {
        row[i] = 1.0;
    }
    for c in 0..N {
        let pivot = (c..N).max_by(|&i, &j| a[i][c].abs().total_cmp(&a[j][c].abs()))?;
        if !(a[pivot][c].abs() > 1e-9) {
            return None;
        }
        a.swap(c, pivot);
        b.swap(c, pivot);
        let s = 1.0 / a[c][c];
        for k in 0..N {
            a[c][k] *= s;
            b[c][k] *= s;
        }
        for i in 0..N {
            if i != c {
                let f = a[i][c];
                for k in 0..N {
                    a[i][k] -= f * a[c][k];
                    b[i][k] -= f * b[c][k];
                }
            }
        }
    }
    b.iter().flatten().all(|v| v.is_finite()).then_some(b)
}
