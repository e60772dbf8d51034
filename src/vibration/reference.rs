//! The reference of a region: a continuous picture of the target, averaged over many frames moved onto each other.
//!
//! What a frame shows that the model does not (its residual, moved back by the frame's displacement) is averaged and added to the
//! model. The model itself is evaluated exactly, so the imperfect move of the residual only slows the averaging down; it
//! leaves no blur behind.
//!
//! A lens sharper than the pixels lets detail through beyond half a cycle a pixel. It folds, and what it folds to changes with the
//! sub-pixel phase of the displacement: a frame moved back by its displacement d is `Σ exp(-2πi m·d) U_m`, one picture
//! for each order m of the folding (the sampling theorem with aliases: Park, Park & Kang, "Super-Resolution Image Reconstruction",
//! IEEE Signal Processing Magazine 20(3), 2003, section on frequency-domain methods). With enough phases seen, the
//! pictures of the orders -1, 0, 1 of both axes follow by least squares, each shrunk by what noise alone would make of it.

use std::f64::consts::TAU;

use pulp::Arch;

use super::luma::Luma;
use super::shift;
use super::spline::{self, TAPS};

/// Pixels kept around the region: what the residual's margin, a displacement below one pixel and the spline's reach need.
const MARGIN: usize = 14;
/// Pixels around the region that are averaged along.
const LEARNED: usize = 8;
/// Pictures of the folding orders: 1, cos, sin of the phase of x, times the same of y.
const ORDERS: usize = 9;
/// Larger regions do without the pictures of the folding: they have signal enough.
const LARGEST_FOLDED: usize = 160 * 160;
/// A picture of the folding counts when its energy is above what noise makes of it by so many standard deviations.
const SIGNIFICANT: f64 = 6.0;

/// The reference.
#[derive(Clone, Debug)]
pub struct Reference {
    w: usize,
    h: usize,
    /// Width and height with the margin.
    full: (usize, usize),
    orders: usize,
    /// Samples of each order's picture, less `level`, and their spline coefficients.
    samples: Vec<f32>,
    coefs: Vec<f32>,
    mixed: Vec<f32>,
    folded: bool,
    /// Residuals moved back, weighted by each order's phase function; and how those weights go together.
    sums: Vec<f32>,
    normal: [[f64; ORDERS]; ORDERS],
    square: f64,
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
        let orders = if w * h <= LARGEST_FOLDED { ORDERS } else { 1 };
        let learned = (w + 2 * LEARNED) * (h + 2 * LEARNED);
        Self {
            w,
            h,
            full,
            orders,
            samples: vec![0.0; orders * area],
            coefs: vec![0.0; orders * area],
            mixed: vec![0.0; if orders > 1 { area } else { 0 }],
            folded: false,
            sums: vec![0.0; orders * learned],
            normal: [[0.0; ORDERS]; ORDERS],
            square: 0.0,
            batch: 0,
            frames: 0,
            level: 0.0,
            residual: vec![0.0; learned],
            moved: vec![0.0; learned],
            line: vec![0.0; full.0.max(full.1)],
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

    /// Whether detail beyond half a cycle a pixel is part of the model.
    #[must_use]
    pub fn folded(&self) -> bool {
        self.folded
    }

    /// Forgets what folds: the model is the mean picture again.
    pub fn unfold(&mut self) {
        let area = self.full.0 * self.full.1;
        self.samples[area..].fill(0.0);
        self.folded = false;
        self.forget_batch();
        self.make_coefs(1);
    }

    /// Begins anew with the region of this frame at (`x`, `y`).
    pub fn begin(&mut self, luma: &Luma<'_>, x: i64, y: i64) {
        let (fw, _) = self.full;
        self.samples.fill(0.0);
        let area = self.full.0 * self.full.1;
        for (i, row) in self.samples[..area].chunks_exact_mut(fw).enumerate() {
            luma.copy_row(x - MARGIN as i64, y + i as i64 - MARGIN as i64, row);
        }
        let mean = self.samples[..area].iter().map(|&v| f64::from(v)).sum::<f64>() / area as f64;
        self.level = mean.round() as f32;
        for v in &mut self.samples[..area] {
            *v -= self.level;
        }
        self.folded = false;
        self.frames = 1;
        self.forget_batch();
        self.make_coefs(1);
    }

    fn forget_batch(&mut self) {
        self.sums.fill(0.0);
        self.normal = [[0.0; ORDERS]; ORDERS];
        self.square = 0.0;
        self.batch = 0;
    }

    fn make_coefs(&mut self, orders: usize) {
        let area = self.full.0 * self.full.1;
        self.coefs[..orders * area].copy_from_slice(&self.samples[..orders * area]);
        for c in self.coefs[..orders * area].chunks_exact_mut(area) {
            spline::prefilter(c, self.full.0);
        }
    }

    /// The model as a frame would show it with the target displaced by (`dx`, `dy`), each within ±0.99 pixels: region and
    /// `margin` pixels around it, row by row, less the level.
    pub fn evaluate(&mut self, arch: Arch, (dx, dy): (f64, f64), margin: usize, out: &mut [f32]) {
        let area = self.full.0 * self.full.1;
        if self.folded {
            let g = phases((dx, dy));
            let (mixed, coefs) = (&mut self.mixed[..], &self.coefs[..]);
            arch.dispatch(
                #[inline(always)]
                || {
                    mixed.copy_from_slice(&coefs[..area]);
                    for (c, g) in coefs.chunks_exact(area).zip(&g).skip(1) {
                        let g = *g as f32;
                        for (m, c) in mixed.iter_mut().zip(c) {
                            *m += g * c;
                        }
                    }
                },
            );
        }
        let coefs = if self.folded { &self.mixed[..] } else { &self.coefs[..area] };
        let (ix, iy) = ((-dx).floor(), (-dy).floor());
        let (kx, ky) = (spline::weights(-dx - ix), spline::weights(-dy - iy));
        let start = |whole: f64| (MARGIN as i64 - margin as i64 + whole as i64 - spline::BEFORE).max(0) as usize;
        let (x0, y0) = (start(ix), start(iy));
        let (fw, line, width) = (self.full.0, &mut self.line[..], self.w + 2 * margin);
        arch.dispatch(
            #[inline(always)]
            || {
                for (i, out) in out.chunks_exact_mut(width).enumerate() {
                    let at = (y0 + i) * fw;
                    fir_rows(&coefs[at..at + TAPS * fw], fw, &ky, line);
                    fir_line(&line[x0..], &kx, out);
                }
            },
        );
    }

    /// Takes a frame into the next model: its region lies at (`x`, `y`) (the whole part of the displacement included), the rest of
    /// the displacement is `d`, its light is the gain times the model plus the offset. `folds`: for a model with what folds.
    pub fn absorb(
        &mut self,
        arch: Arch,
        luma: &Luma<'_>,
        (x, y): (i64, i64),
        d: (f64, f64),
        (gain, offset): (f64, f64),
        folds: bool,
    ) {
        let (w, h) = (self.w + 2 * LEARNED, self.h + 2 * LEARNED);
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
        shift_back(arch, &self.residual, (w, h), d, &mut self.line, &mut self.moved);
        let mut g = phases(d);
        if !folds {
            g[1..].fill(0.0);
        }
        let (sums, moved, n) = (&mut self.sums[..], &self.moved[..w * h], w * h);
        arch.dispatch(
            #[inline(always)]
            || {
                for (s, g) in sums.chunks_exact_mut(n).zip(&g).filter(|(_, g)| **g != 0.0) {
                    let g = *g as f32;
                    for (s, v) in s.iter_mut().zip(moved) {
                        *s += g * v;
                    }
                }
            },
        );
        self.square += self.moved.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>() / n as f64;
        for (row, a) in self.normal.iter_mut().zip(&g) {
            for (m, b) in row.iter_mut().zip(&g) {
                *m += a * b;
            }
        }
        self.batch += 1;
    }

    /// Makes the model anew from what was taken; the present one counts as `weight` frames. With `folds`, detail beyond
    /// half a cycle a pixel becomes part of it where it shows.
    pub fn renew(&mut self, weight: f64, folds: bool) {
        if self.batch == 0 {
            return;
        }
        let n = f64::from(self.batch);
        let mut active = [false; ORDERS];
        active[0] = true;
        let mut ridge = [weight; ORDERS];
        let mut share = [0.0; ORDERS];
        if folds && self.orders > 1 && self.batch >= 32 {
            share = self.centre_orders();
            self.high_pass();
            self.judge_orders(&mut active, &mut ridge);
        }
        let mut a = [[0.0; ORDERS]; ORDERS];
        for i in 0..ORDERS {
            for j in 0..ORDERS {
                a[i][j] = if active[i] && active[j] { self.normal[i][j] } else { 0.0 };
            }
            a[i][i] = if active[i] { a[i][i] + ridge[i] } else { 1.0 };
        }
        let Some(inverse) = invert(&a) else { return self.forget_batch() };
        let (w, h) = (self.w + 2 * LEARNED, self.h + 2 * LEARNED);
        let (n_learned, area, inset) = (w * h, self.full.0 * self.full.1, MARGIN - LEARNED);
        for (k, row) in inverse.iter().enumerate().take(self.orders).filter(|(k, _)| active[*k]) {
            for i in 0..h {
                let place = (i + inset) * self.full.0 + inset;
                for (l, c) in
                    row.iter().enumerate().take(self.orders).filter(|(l, _)| active[*l] && (k == 0) == (*l == 0))
                {
                    let from = l * n_learned + i * w;
                    let sums = &self.sums[from..from + w];
                    // What an order has at the mean of its phase function belongs to the mean picture.
                    for (to, c) in [(k * area + place, *c as f32), (place, (-c * share[k]) as f32)] {
                        for (s, v) in self.samples[to..to + w].iter_mut().zip(sums) {
                            *s += c * v;
                        }
                    }
                }
            }
        }
        self.folded |= active[1..].contains(&true);
        self.frames = (weight + n).min(f64::from(u32::MAX)) as u32;
        self.forget_batch();
        self.make_coefs(if self.folded { self.orders } else { 1 });
    }

    /// Takes the mean picture out of each order's sums; gives the mean of each order's phase function.
    fn centre_orders(&mut self) -> [f64; ORDERS] {
        let n = f64::from(self.batch);
        let pixels = self.sums.len() / self.orders;
        let mut share = self.normal[0].map(|v| v / n);
        share[0] = 0.0;
        let (mean, orders) = self.sums.split_at_mut(pixels);
        for (sums, share) in orders.chunks_exact_mut(pixels).zip(&share[1..]) {
            let share = *share as f32;
            for (s, m) in sums.iter_mut().zip(mean.iter()) {
                *s -= share * m;
            }
        }
        for k in 1..ORDERS {
            for l in 1..ORDERS {
                self.normal[k][l] -= n * share[k] * share[l];
            }
            self.normal[0][k] = 0.0;
            self.normal[k][0] = 0.0;
        }
        share
    }

    /// Keeps of each order's sums what can be folded detail: the upper half of the band along the axes that the order folds. (What folds to
    /// a frequency f comes from 1 - f, and a pixel passes nothing of one cycle.)
    fn high_pass(&mut self) {
        let (w, n) = (self.w + 2 * LEARNED, self.sums.len() / self.orders);
        let (line, low) = (&mut self.line, &mut self.residual);
        for (k, sums) in self.sums.chunks_exact_mut(n).enumerate().skip(1) {
            if k % 3 != 0 {
                low.copy_from_slice(sums);
                low_pass_rows(low, w, line);
                sums.iter_mut().zip(low.iter()).for_each(|(s, l)| *s -= l);
            }
            if k >= 3 {
                low.copy_from_slice(sums);
                low_pass_columns(low, w, line);
                sums.iter_mut().zip(low.iter()).for_each(|(s, l)| *s -= l);
            }
        }
    }

    /// Which orders hold more than noise, and how strongly noise asks for each to be shrunk.
    fn judge_orders(&self, active: &mut [bool; ORDERS], ridge: &mut [f64; ORDERS]) {
        let n = f64::from(self.batch);
        let pixels = self.sums.len() / self.orders;
        let noise = self.square / n;
        let limit = 1.0 + SIGNIFICANT * (4.0 / pixels as f64).sqrt();
        for k in 1..ORDERS {
            let own = self.normal[k][k];
            if own < 2.0 {
                continue;
            }
            let sums = &self.sums[k * pixels..(k + 1) * pixels];
            // A high-pass over one axis leaves three quarters of white noise, over both nine sixteenths.
            let noise = noise * if k % 3 != 0 && k >= 3 { 9.0 / 16.0 } else { 0.75 };
            let energy = sums.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / (pixels as f64 * own);
            if energy > limit * noise {
                active[k] = true;
                ridge[k] = noise * own / (energy - noise);
            }
        }
    }

    /// A sample of the mean picture, for coarse comparisons; zero outside.
    #[must_use]
    pub fn sample(&self, x: usize, y: usize) -> f32 {
        self.samples.get((y + MARGIN) * self.full.0 + x + MARGIN).copied().unwrap_or(0.0)
    }
}

/// Low-pass along both axes, in place, half the height at an eighth of a cycle; `line` is scratch for the longer side.
pub(super) fn low_pass(v: &mut [f32], w: usize, line: &mut [f32]) {
    low_pass_rows(v, w, line);
    low_pass_columns(v, w, line);
}

fn low_pass_rows(v: &mut [f32], w: usize, line: &mut [f32]) {
    for row in v.chunks_exact_mut(w) {
        for step in [1, 2] {
            let line = &mut line[..w];
            line.copy_from_slice(row);
            for (j, v) in row.iter_mut().enumerate() {
                *v = half_band(|o| line[(j as i64 + step * o).clamp(0, w as i64 - 1) as usize]);
            }
        }
    }
}

fn low_pass_columns(v: &mut [f32], w: usize, line: &mut [f32]) {
    let h = v.len() / w;
    for j in 0..w {
        for step in [1, 2] {
            let line = &mut line[..h];
            for (l, row) in line.iter_mut().zip(v.chunks_exact(w)) {
                *l = row[j];
            }
            for (i, row) in v.chunks_exact_mut(w).enumerate() {
                row[j] = half_band(|o| line[(i as i64 + step * o).clamp(0, h as i64 - 1) as usize]);
            }
        }
    }
}

/// Half-band low-pass of seven taps around an offset of 0 (maximally flat; half the height at a quarter of a cycle).
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn half_band(at: impl Fn(i64) -> f32) -> f32 {
    0.5 * at(0) + (9.0 / 32.0) * (at(-1) + at(1)) - (1.0 / 32.0) * (at(-3) + at(3))
}

/// The orders' phase functions at a displacement.
fn phases((dx, dy): (f64, f64)) -> [f64; ORDERS] {
    let ((sx, cx), (sy, cy)) = ((TAU * dx).sin_cos(), (TAU * dy).sin_cos());
    [1.0, cx, sx, cy, cx * cy, sx * cy, sy, cx * sy, sx * sy]
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
    arch.dispatch(
        #[inline(always)]
        || {
            for (i, out) in out[..w * h].chunks_exact_mut(w).enumerate() {
                let line = &mut line[..w];
                line.fill(0.0);
                for (t, k) in ky.iter().enumerate() {
                    let y = (i as i64 + iy + t as i64).clamp(0, h as i64 - 1) as usize;
                    for (l, p) in line.iter_mut().zip(&picture[y * w..(y + 1) * w]) {
                        *l += k * p;
                    }
                }
                let inner = (-ix).max(0) as usize..w.saturating_sub((ix + shift::TAPS as i64).max(0) as usize);
                for (j, o) in out.iter_mut().enumerate() {
                    if inner.contains(&j) {
                        let s = &line[(j as i64 + ix) as usize..];
                        *o = kx.iter().zip(s).map(|(k, s)| k * s).sum();
                    } else {
                        let at = |t: usize| line[(j as i64 + ix + t as i64).clamp(0, w as i64 - 1) as usize];
                        *o = kx.iter().enumerate().map(|(t, k)| k * at(t)).sum();
                    }
                }
            }
        },
    );
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
