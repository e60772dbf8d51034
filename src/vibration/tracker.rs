//! Displacement of one region: inverse-compositional Gauss–Newton with gain and offset.
//!
//! Baker & Matthews, "Lucas-Kanade 20 Years On" (IJCV 56(3), 2004), sections 3.2 and 5 (part 2: linear appearance
//! variation), for pure translation: the picture at the region, moved back by the present estimate d, is modelled as
//! `I(x + d) ≈ a·T(x + Δ) + b ≈ a·T + aΔ·∇T + b`. The basis [∂T/∂x, ∂T/∂y, T − mean, 1] does not depend on the frame,
//! so its normal matrix is inverted once per reference; each iteration is one sub-pixel shift and four dot products.

use super::luma::Luma;
use super::shift::Shifter;
use crate::model::vibration::Fit;

/// Frames averaged into the reference, moved onto each other: its noise then adds 1 % to the variance, not 100 %.
const REFERENCE_FRAMES: u32 = 64;
/// Iterations of one frame; two or three are usual.
const MAX_ITERATIONS: usize = 10;
/// A step below this ends the iteration, in pixels.
const CONVERGED_PX: f64 = 5e-4;
/// Correlation below which the target counts as lost.
const LOST_BELOW: f64 = 0.6;
/// Reach of the search for a lost target, in pixels either way.
const SEARCH_PX: i64 = 24;
/// A lost target is searched for once in so many frames.
const SEARCH_EVERY: u32 = 5;
/// Frames in a row with the target lost after which the reference is given up and built anew.
const FORGET_AFTER: u32 = 250;
/// Structure (mean squared gradient left after gain and offset are taken out) below which a region holds nothing to
/// measure against, in grey levels squared per pixel squared.
const MIN_STRUCTURE: f64 = 0.5;

/// One frame's fit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Track {
    /// Displacement against the reference in pixels, +x right.
    pub dx_px: f64,
    /// Displacement against the reference in pixels, +y down.
    pub dy_px: f64,
    /// One-sigma uncertainty of the worse of the two directions, in pixels; infinite without texture.
    pub sigma_px: f64,
    /// Correlation coefficient of the fit.
    pub correlation: f64,
    /// What the fit was.
    pub fit: Fit,
}

/// Tracks one rectangle. All memory is taken when it is made.
#[derive(Clone, Debug)]
pub struct Tracker {
    x: i64,
    y: i64,
    w: usize,
    h: usize,
    /// Sum of the pictures moved back onto the first, and how many.
    sum: Vec<f32>,
    frames: u32,
    /// The reference less its mean, and its gradients.
    t: Vec<f32>,
    tx: Vec<f32>,
    ty: Vec<f32>,
    /// Inverse of the normal matrix of [tx, ty, t, 1].
    inverse: [[f64; 4]; 4],
    /// Whether the reference holds enough structure in both directions.
    textured: bool,
    shifter: Shifter,
    warped: Vec<f32>,
    d: (f64, f64),
    lost: u32,
}

impl Tracker {
    /// For the rectangle x, y, width, height in pixels; each side at least 8.
    #[must_use]
    pub fn new([x, y, w, h]: [u32; 4]) -> Self {
        let (w, h) = (w.max(8) as usize, h.max(8) as usize);
        let n = w * h;
        Self {
            x: i64::from(x),
            y: i64::from(y),
            w,
            h,
            sum: vec![0.0; n],
            frames: 0,
            t: vec![0.0; n],
            tx: vec![0.0; n],
            ty: vec![0.0; n],
            inverse: [[0.0; 4]; 4],
            textured: false,
            shifter: Shifter::new(w, h),
            warped: vec![0.0; n],
            d: (0.0, 0.0),
            lost: 0,
        }
    }

    /// Forgets the reference: the next frame begins a new one.
    pub fn reset(&mut self) {
        self.frames = 0;
        self.d = (0.0, 0.0);
        self.lost = 0;
    }

    /// Whether the reference holds something to measure against.
    #[must_use]
    pub fn textured(&self) -> bool {
        self.textured
    }

    /// Measures the next frame.
    pub fn step(&mut self, luma: &Luma<'_>) -> Track {
        if self.frames == 0 {
            return self.begin(luma);
        }
        let mut track = self.refine(luma, self.d);
        if track.fit == Fit::Lost {
            if self.lost.is_multiple_of(SEARCH_EVERY) && self.textured {
                let start = self.search(luma);
                track = self.refine(luma, start);
            }
            if track.fit == Fit::Lost {
                self.lost += 1;
                if self.lost >= FORGET_AFTER {
                    self.reset();
                }
                return track;
            }
        }
        self.lost = 0;
        self.d = (track.dx_px, track.dy_px);
        if self.frames < REFERENCE_FRAMES {
            track.fit = Fit::Settling;
        }
        track
    }

    fn begin(&mut self, luma: &Luma<'_>) -> Track {
        self.d = (0.0, 0.0);
        self.shifter.sample(luma, self.x, self.y, self.d, &mut self.warped);
        self.sum.copy_from_slice(&self.warped);
        self.frames = 1;
        self.prepare();
        let (fit, sigma_px) = if self.textured { (Fit::Settling, 0.0) } else { (Fit::Lost, f64::INFINITY) };
        if fit == Fit::Lost {
            // Nothing to hold on to: try again with the next frame, the picture may be just coming up.
            self.frames = 0;
        }
        Track { sigma_px, correlation: 1.0, fit, ..Track::default() }
    }

    /// Gauss–Newton from `start`. Leaves the tracker's position as it is.
    fn refine(&mut self, luma: &Luma<'_>, start: (f64, f64)) -> Track {
        let mut d = start;
        let mut p = [0.0; 4];
        let mut rhs = [0.0; 4];
        let mut square = 0.0;
        let mut converged = false;
        for _ in 0..MAX_ITERATIONS {
            self.shifter.sample(luma, self.x, self.y, d, &mut self.warped);
            (rhs, square) = self.project();
            p = multiply(&self.inverse, &rhs);
            let a = p[2];
            if !(0.05..20.0).contains(&a) {
                return Track { dx_px: d.0, dy_px: d.1, sigma_px: f64::INFINITY, ..Track::default() };
            }
            // A step of more than two pixels leaves the range of the linear model: go there in parts.
            let (sx, sy) = ((p[0] / a).clamp(-2.0, 2.0), (p[1] / a).clamp(-2.0, 2.0));
            d = (d.0 - sx, d.1 - sy);
            if sx.abs() > SEARCH_PX as f64 || (d.0 - start.0).hypot(d.1 - start.1) > SEARCH_PX as f64 {
                break;
            }
            if sx.hypot(sy) < CONVERGED_PX {
                converged = true;
                break;
            }
        }
        self.judge(d, &p, &rhs, square, converged)
    }

    /// Correlation and uncertainty of the last fit; takes the frame into the reference while that is being built.
    fn judge(&mut self, d: (f64, f64), p: &[f64; 4], rhs: &[f64; 4], square: f64, converged: bool) -> Track {
        let n = (self.w * self.h) as f64;
        let total = (square - rhs[3] * rhs[3] / n).max(f64::MIN_POSITIVE);
        let residual = (square - p.iter().zip(rhs).map(|(p, r)| p * r).sum::<f64>()).max(0.0);
        let correlation = (1.0 - residual / total).max(0.0).sqrt();
        let good = converged && self.textured && correlation >= LOST_BELOW;
        if !good {
            return Track { dx_px: d.0, dy_px: d.1, sigma_px: f64::INFINITY, correlation, fit: Fit::Lost };
        }
        let variance = residual / (n - 4.0) * self.correlation_area(p);
        // Covariance of (dx, dy): the upper left block of the inverse, by the gain; its larger eigenvalue.
        let [c00, c01, c11] = [self.inverse[0][0], self.inverse[0][1], self.inverse[1][1]];
        let larger = f64::midpoint(c00, c11) + ((c00 - c11) / 2.0).hypot(c01);
        let sigma_px = (variance * larger).sqrt() / p[2] * (1.0 + 1.0 / f64::from(self.frames)).sqrt();
        if self.frames < REFERENCE_FRAMES {
            self.absorb(p);
        }
        Track { dx_px: d.0, dy_px: d.1, sigma_px, correlation, fit: Fit::Good }
    }

    /// How many pixels share one independent residual, from the residual's correlation with its neighbours.
    ///
    /// White noise gives one; what a codec leaves is smooth over its blocks, so far fewer residuals are independent than
    /// there are pixels. The product form is that of a separable first-order autoregressive field.
    fn correlation_area(&mut self, p: &[f64; 4]) -> f64 {
        let (w, p) = (self.w, p.map(|v| v as f32));
        for i in 0..self.warped.len() {
            // The warped picture is not needed any more but by `absorb`, which adds the model back.
            self.warped[i] -= p[0] * self.tx[i] + p[1] * self.ty[i] + p[2] * self.t[i] + p[3];
        }
        let (mut own, mut right, mut below) = (1e-12f64, 0.0f64, 0.0f64);
        for (r, rows) in self.warped.windows(2 * w).step_by(w).enumerate() {
            let (this, next) = rows.split_at(w);
            let mut sums = [0.0f32; 3];
            for j in 0..w - 1 {
                sums[0] += this[j] * this[j];
                sums[1] += this[j] * this[j + 1];
                sums[2] += this[j] * next[j];
            }
            debug_assert!(r < self.h);
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

    /// Adds the frame (held as residual in `warped`) to the reference.
    fn absorb(&mut self, p: &[f64; 4]) {
        let gain = p[2] as f32;
        let mean =
            self.sum.iter().map(|&v| f64::from(v)).sum::<f64>() / (self.sum.len() as f64 * f64::from(self.frames));
        for i in 0..self.sum.len() {
            // With the fitted gain and offset taken out, the frame is the reference plus its own noise.
            self.sum[i] += mean as f32 + self.t[i] + self.warped[i] / gain;
        }
        self.frames += 1;
        // At doublings only: between them the reference would change by little.
        if self.frames.is_power_of_two() {
            self.prepare();
        }
    }

    /// Reference, gradients and normal matrix from the sum.
    fn prepare(&mut self) {
        let (w, h, n) = (self.w, self.h, self.w * self.h);
        let scale = 1.0 / self.frames as f32;
        let mean = self.sum.iter().map(|&v| f64::from(v)).sum::<f64>() / n as f64 * f64::from(scale);
        for (t, s) in self.t.iter_mut().zip(&self.sum) {
            *t = s * scale - mean as f32;
        }
        for i in 0..h {
            for j in 0..w {
                let at = |di: i64, dj: i64| {
                    let y = (i as i64 + di).clamp(0, h as i64 - 1) as usize;
                    let x = (j as i64 + dj).clamp(0, w as i64 - 1) as usize;
                    self.t[y * w + x]
                };
                // Five-point derivative; the two outermost pixels count less, where it is one-sided.
                self.tx[i * w + j] = (at(0, -2) - at(0, 2)) / 12.0 + (at(0, 1) - at(0, -1)) * (2.0 / 3.0);
                self.ty[i * w + j] = (at(-2, 0) - at(2, 0)) / 12.0 + (at(1, 0) - at(-1, 0)) * (2.0 / 3.0);
            }
        }
        self.normal();
    }

    fn normal(&mut self) {
        let n = self.t.len() as f64;
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.chunks(self.w).zip(b.chunks(self.w)).map(|(a, b)| f64::from(dot32(a, b))).sum()
        };
        let total = |a: &[f32]| a.iter().map(|&v| f64::from(v)).sum::<f64>();
        let (tx, ty, t) = (&self.tx[..], &self.ty[..], &self.t[..]);
        let g = [
            [dot(tx, tx), dot(tx, ty), dot(tx, t), total(tx)],
            [dot(tx, ty), dot(ty, ty), dot(ty, t), total(ty)],
            [dot(tx, t), dot(ty, t), dot(t, t), total(t)],
            [total(tx), total(ty), total(t), n],
        ];
        match invert(g) {
            Some(inverse) => {
                let [c00, c01, c11] = [inverse[0][0], inverse[0][1], inverse[1][1]];
                let larger = f64::midpoint(c00, c11) + ((c00 - c11) / 2.0).hypot(c01);
                self.textured = larger.is_finite() && larger > 0.0 && 1.0 / larger > MIN_STRUCTURE * n;
                self.inverse = inverse;
            }
            None => self.textured = false,
        }
    }

    /// Dot products of the warped picture with the basis, and its sum of squares.
    fn project(&self) -> ([f64; 4], f64) {
        let w = self.w;
        let mut r = [0.0f64; 4];
        let mut square = 0.0f64;
        for i in 0..self.h {
            let s = i * w..(i + 1) * w;
            let v = &self.warped[s.clone()];
            r[0] += f64::from(dot32(&self.tx[s.clone()], v));
            r[1] += f64::from(dot32(&self.ty[s.clone()], v));
            r[2] += f64::from(dot32(&self.t[s], v));
            let (sum, sq) = sums32(v);
            r[3] += f64::from(sum);
            square += f64::from(sq);
        }
        (r, square)
    }

    /// Best whole-pixel position by normalised correlation on every second pixel of every second row.
    fn search(&self, luma: &Luma<'_>) -> (f64, f64) {
        let mut best = (f64::NEG_INFINITY, 0, 0);
        let mut oy = -SEARCH_PX;
        while oy <= SEARCH_PX {
            let mut ox = -SEARCH_PX;
            while ox <= SEARCH_PX {
                // Among equals the nearest wins: a periodic target must not jump by a period.
                let c = self.correlate(luma, ox, oy) - 1e-4 * (ox as f64).hypot(oy as f64);
                if c > best.0 {
                    best = (c, ox, oy);
                }
                ox += 2;
            }
            oy += 2;
        }
        (best.1 as f64, best.2 as f64)
    }

    fn correlate(&self, luma: &Luma<'_>, ox: i64, oy: i64) -> f64 {
        let (mut n, mut si, mut sii, mut sit, mut st, mut stt) = (0.0f32, 0.0f32, 0.0f32, 0.0f32, 0.0f32, 0.0f32);
        let last = luma.width() as i64 - 1;
        for i in (0..self.h).step_by(2) {
            let row = luma.row(self.y + i as i64 + oy);
            for j in (0..self.w).step_by(2) {
                let v = f32::from(row[(self.x + j as i64 + ox).clamp(0, last) as usize]);
                let t = self.t[i * self.w + j];
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

/// Dot product in eight lanes, so that it vectorises; rows are short enough for `f32`.
fn dot32(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (ca, cb) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f32 = ca.remainder().iter().zip(cb.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in ca.zip(cb) {
        for k in 0..8 {
            lanes[k] += a[k] * b[k];
        }
    }
    lanes.iter().sum::<f32>() + tail
}

/// Sum and sum of squares, in eight lanes.
fn sums32(a: &[f32]) -> (f32, f32) {
    let mut s = [0.0f32; 8];
    let mut q = [0.0f32; 8];
    let c = a.chunks_exact(8);
    let (mut ts, mut tq) = (0.0, 0.0);
    for &v in c.remainder() {
        ts += v;
        tq += v * v;
    }
    for a in c {
        for k in 0..8 {
            s[k] += a[k];
            q[k] += a[k] * a[k];
        }
    }
    (s.iter().sum::<f32>() + ts, q.iter().sum::<f32>() + tq)
}

fn multiply(m: &[[f64; 4]; 4], v: &[f64; 4]) -> [f64; 4] {
    m.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
}

/// Inverse by Gauss–Jordan with partial pivoting; none if singular.
fn invert(mut a: [[f64; 4]; 4]) -> Option<[[f64; 4]; 4]> {
    let mut b = [[0.0; 4]; 4];
    for (i, row) in b.iter_mut().enumerate() {
        row[i] = 1.0;
    }
    for c in 0..4 {
        let pivot = (c..4).max_by(|&i, &j| a[i][c].abs().total_cmp(&a[j][c].abs()))?;
        if a[pivot][c].abs() < 1e-9 {
            return None;
        }
        a.swap(c, pivot);
        b.swap(c, pivot);
        let s = 1.0 / a[c][c];
        for k in 0..4 {
            a[c][k] *= s;
            b[c][k] *= s;
        }
        for i in 0..4 {
            if i != c {
                let f = a[i][c];
                for k in 0..4 {
                    a[i][k] -= f * a[c][k];
                    b[i][k] -= f * b[c][k];
                }
            }
        }
    }
    b.iter().flatten().all(|v| v.is_finite()).then_some(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A band-limited texture that can be drawn at any displacement: exact by construction.
    fn picture(w: usize, h: usize, (dx, dy): (f64, f64), gain: f64, offset: f64) -> Vec<u8> {
        let waves = [
            (0.31, 0.12, 0.3, 31.0),
            (0.07, 0.41, 1.1, 27.0),
            (0.23, -0.29, 2.0, 22.0),
            (-0.9, 0.6, 0.7, 18.0),
            (0.5, 1.1, 2.4, 14.0),
        ];
        (0..w * h)
            .map(|i| {
                let (x, y) = ((i % w) as f64 - dx, (i / w) as f64 - dy);
                let v: f64 = waves.iter().map(|(a, b, p, s)| s * (a * x + b * y + p).sin()).sum();
                (gain * (120.0 + v * 0.8) + offset).round().clamp(0.0, 255.0) as u8
            })
            .collect()
    }

    fn follow(moves: &[(f64, f64)], light: impl Fn(usize) -> (f64, f64)) -> Vec<(f64, f64, Track)> {
        let mut t = Tracker::new([40, 40, 64, 64]);
        moves
            .iter()
            .enumerate()
            .map(|(i, &m)| {
                let (g, o) = light(i);
                let p = picture(144, 144, m, g, o);
                (m.0, m.1, t.step(&Luma::new(&p, 144, 144, 144).unwrap()))
            })
            .collect()
    }

    #[test]
    fn follows_small_motion_exactly() {
        let moves: Vec<(f64, f64)> =
            (0..80).map(|i| (0.6 * (f64::from(i) * 1.1).sin(), 0.3 * (f64::from(i) * 1.1).cos() - 0.3)).collect();
        for (i, (x, y, t)) in follow(&moves, |_| (1.0, 0.0)).into_iter().enumerate() {
            assert_ne!(t.fit, Fit::Lost, "frame {i}");
            assert!((t.dx_px - x).hypot(t.dy_px - y) < 0.006, "frame {i}: {x} {y} became {} {}", t.dx_px, t.dy_px);
        }
    }

    #[test]
    fn brightness_and_contrast_do_not_matter() {
        let moves: Vec<(f64, f64)> = (0..40).map(|i| (0.8 * (f64::from(i) * 0.9).sin(), 0.0)).collect();
        for (x, y, t) in follow(&moves, |i| (1.0 + 0.2 * (i as f64 * 0.7).sin(), 8.0 * (i as f64 * 0.3).cos())) {
            assert!((t.dx_px - x).hypot(t.dy_px - y) < 0.01);
        }
    }

    #[test]
    fn a_jump_is_found_again() {
        let mut moves = vec![(0.0, 0.0); 5];
        moves.extend([(15.4, -9.7); 8]);
        let got = follow(&moves, |_| (1.0, 0.0));
        let (x, y, t) = got[12];
        assert_ne!(t.fit, Fit::Lost);
        assert!((t.dx_px - x).hypot(t.dy_px - y) < 0.02, "{t:?}");
    }

    #[test]
    fn a_hidden_target_is_lost_and_comes_back() {
        let mut t = Tracker::new([40, 40, 64, 64]);
        let seen = picture(144, 144, (0.0, 0.0), 1.0, 0.0);
        let steam = vec![200u8; 144 * 144];
        let luma = |p| Luma::new(p, 144, 144, 144).unwrap();
        for _ in 0..10 {
            t.step(&luma(&seen));
        }
        for _ in 0..10 {
            let lost = t.step(&luma(&steam));
            assert_eq!(lost.fit, Fit::Lost);
            assert!(lost.sigma_px.is_infinite());
        }
        let mut back = Track::default();
        for _ in 0..6 {
            back = t.step(&luma(&seen));
        }
        assert_ne!(back.fit, Fit::Lost);
        assert!(back.dx_px.hypot(back.dy_px) < 0.01);
    }

    #[test]
    fn a_flat_picture_is_never_measured() {
        let mut t = Tracker::new([10, 10, 32, 32]);
        let flat = vec![90u8; 100 * 100];
        for _ in 0..3 {
            assert_eq!(t.step(&Luma::new(&flat, 100, 100, 100).unwrap()).fit, Fit::Lost);
            assert!(!t.textured());
        }
        // One direction only (a vertical edge pattern) does not determine the motion along it.
        let stripes: Vec<u8> = (0..100 * 100).map(|i| if i % 100 / 4 % 2 == 0 { 40 } else { 200 }).collect();
        assert_eq!(t.step(&Luma::new(&stripes, 100, 100, 100).unwrap()).fit, Fit::Lost);
    }

    #[test]
    fn stated_uncertainty_matches_the_error_under_noise() {
        let mut state = 12345u64;
        let mut noise = move || {
            // Sum of uniform numbers: close enough to a normal one.
            (0..6)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
                })
                .sum::<f64>()
                * 1.414
                * 3.0
        };
        let mut t = Tracker::new([40, 40, 64, 64]);
        let (mut error, mut stated, mut n) = (0.0, 0.0, 0.0);
        for i in 0..200 {
            let m = (0.4 * (f64::from(i) * 1.3).sin(), 0.2 * (f64::from(i) * 1.7).sin());
            let mut p = picture(144, 144, m, 1.0, 0.0);
            for v in &mut p {
                *v = (f64::from(*v) + noise()).round().clamp(0.0, 255.0) as u8;
            }
            let k = t.step(&Luma::new(&p, 144, 144, 144).unwrap());
            if i >= 70 {
                // The reference's own error is a constant: taken out by the mean, here small enough to stay in.
                error += f64::midpoint((k.dx_px - m.0).powi(2), (k.dy_px - m.1).powi(2));
                stated += k.sigma_px.powi(2);
                n += 1.0;
            }
        }
        let ratio = (error / n).sqrt() / (stated / n).sqrt();
        assert!((0.5..1.6).contains(&ratio), "error {} stated {}", (error / n).sqrt(), (stated / n).sqrt());
    }
}
