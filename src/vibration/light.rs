//! The fit under uneven light: dust, steam, shadows and things passing in front of the target.
//!
//! Such a frame is locally still the model, with a gain and an offset of its own at every place. They are taken out around each
//! pixel by local regression (a window, so that a slope of the light cancels); what remains of the frame and of the model's derivatives is
//! fitted with each place weighted by its visibility and by how badly it fits. It costs some twenty passes, so it is used only for frames
//! that the plain fit does not explain.

use pulp::Arch;

use super::luma::Luma;
use super::reference::Reference;

/// Reach of the window either way, in pixels.
const REACH: usize = 4;
/// Newton steps.
const STEPS: usize = 4;
/// Largest step in pixels.
const LARGEST_STEP_PX: f64 = 0.7;
/// Step of the differences that give the derivatives, in pixels.
const H: f64 = 0.02;

/// What such a fit gives.
#[derive(Clone, Copy, Debug)]
pub struct LightFit {
    /// Displacement in pixels.
    pub d: (f64, f64),
    /// One-sigma uncertainty of the worse direction in pixels.
    pub sigma_px: f64,
    /// Mean visibility: 1 for a target seen as in the reference, 0 for none.
    pub visible: f64,
}

/// Scratch for regions of one size.
#[derive(Clone, Debug)]
pub struct Light {
    w: usize,
    h: usize,
    frame: Vec<f32>,
    model: Vec<f32>,
    /// The derivatives, later what is left of them.
    gx: Vec<f32>,
    gy: Vec<f32>,
    gain: Vec<f32>,
    rest: Vec<f32>,
    mean: Vec<f32>,
    other: Vec<f32>,
    cov: Vec<f32>,
    var: Vec<f32>,
    prod: Vec<f32>,
    /// How the model goes with the place within each window: covariance with x and with y.
    tilt_x: Vec<f32>,
    tilt_y: Vec<f32>,
    columns: Vec<f32>,
}

impl Light {
    /// For regions of `w` by `h` pixels.
    #[must_use]
    pub fn new(w: usize, h: usize) -> Self {
        let n = || vec![0.0; w * h];
        Self {
            w,
            h,
            frame: n(),
            model: n(),
            gx: n(),
            gy: n(),
            gain: n(),
            rest: n(),
            mean: n(),
            other: n(),
            cov: n(),
            var: n(),
            prod: n(),
            tilt_x: n(),
            tilt_y: n(),
            columns: vec![0.0; w],
        }
    }

    /// Fits a frame from the displacement `start` on; `noise` is the variance of one pixel where nothing is in front.
    pub fn fit(
        &mut self,
        arch: Arch,
        reference: &mut Reference,
        luma: &Luma<'_>,
        corner: (i64, i64),
        start: (f64, f64),
        noise: f64,
    ) -> Option<LightFit> {
        let mut d = start;
        let mut last = None;
        for step in 0..STEPS {
            let whole = (d.0.round(), d.1.round());
            let rest = (d.0 - whole.0, d.1 - whole.1);
            self.load(arch, reference, luma, (corner.0 + whole.0 as i64, corner.1 + whole.1 as i64), rest);
            self.project(noise);
            let (delta, sigma_px, visible) = self.solve(noise)?;
            let limit = |v: f64| v.clamp(-LARGEST_STEP_PX, LARGEST_STEP_PX);
            d = (d.0 + limit(delta.0), d.1 + limit(delta.1));
            if (d.0 - start.0).hypot(d.1 - start.1) > 3.0 {
                return None;
            }
            last = Some(LightFit { d, sigma_px, visible });
            let small = delta.0.hypot(delta.1);
            if small < 0.02 * sigma_px {
                break;
            }
            if step + 1 == STEPS && small > sigma_px.max(0.02) {
                return None;
            }
        }
        last
    }

    /// What the last fit left of the frame.
    #[must_use]
    pub fn left(&self) -> &[f32] {
        &self.frame
    }

    fn load(&mut self, arch: Arch, reference: &mut Reference, luma: &Luma<'_>, at: (i64, i64), (fx, fy): (f64, f64)) {
        let scale = (0.5 / H) as f32;
        for (part, (ex, ey)) in [(H, 0.0), (0.0, H)].into_iter().enumerate() {
            let to = if part == 0 { &mut self.gx } else { &mut self.gy };
            reference.evaluate(arch, (fx + ex, fy + ey), 0, to);
            reference.evaluate(arch, (fx - ex, fy - ey), 0, &mut self.prod);
            for (g, b) in to.iter_mut().zip(&self.prod) {
                *g = scale * (*g - b);
            }
        }
        reference.evaluate(arch, (fx, fy), 0, &mut self.model);
        for (i, row) in self.frame.chunks_exact_mut(self.w).enumerate() {
            luma.copy_row(at.0, at.1 + i as i64, row);
            for v in row {
                *v -= reference.level();
            }
        }
    }

    /// Takes the local mean and what goes with the model out of frame and derivatives.
    fn project(&mut self, noise: f64) {
        let (w, h) = (self.w, self.h);
        let cols = &mut self.columns[..];
        // The model less its local mean, its local variance.
        smooth(&self.model, w, h, cols, &mut self.mean);
        tilt(
            &self.model,
            &self.mean,
            |i| (i % w) as f32,
            (w, h),
            cols,
            (&mut self.prod, &mut self.other),
            &mut self.tilt_x,
        );
        tilt(
            &self.model,
            &self.mean,
            |i| (i / w) as f32,
            (w, h),
            cols,
            (&mut self.prod, &mut self.other),
            &mut self.tilt_y,
        );
        for (m, mean) in self.model.iter_mut().zip(&self.mean) {
            *m -= mean;
        }
        products(&self.model, &self.model, &mut self.prod);
        smooth(&self.prod, w, h, cols, &mut self.var);
        let ridge = noise as f32 * 0.5;
        for (v, which) in [(&mut self.frame, true), (&mut self.gx, false), (&mut self.gy, false)] {
            smooth(v, w, h, cols, &mut self.other);
            for (v, mean) in v.iter_mut().zip(&self.other) {
                *v -= mean;
            }
            products(v, &self.model, &mut self.prod);
            smooth(&self.prod, w, h, cols, &mut self.cov);
            for i in 0..v.len() {
                let slope = self.cov[i] / (self.var[i] + ridge);
                v[i] -= slope * self.model[i];
                if which {
                    self.gain[i] = slope.clamp(0.0, 2.0);
                }
            }
        }
        self.level_slopes();
    }

    /// Where the gain has a slope, the window's mean of the frame holds the slope times the model's tilt, which looks like a displacement.
    /// It is put back, with the slope read from the gains around.
    fn level_slopes(&mut self) {
        let (w, h) = (self.w, self.h);
        smooth(&self.gain, w, h, &mut self.columns, &mut self.other);
        for i in 0..h {
            let (up, down) = (i.saturating_sub(REACH), (i + REACH).min(h - 1));
            for j in 0..w {
                let (left, right) = (j.saturating_sub(REACH), (j + REACH).min(w - 1));
                let g = &self.other;
                let sx = (g[i * w + right] - g[i * w + left]) / (right - left).max(1) as f32;
                let sy = (g[down * w + j] - g[up * w + j]) / (down - up).max(1) as f32;
                self.frame[i * w + j] += sx * self.tilt_x[i * w + j] + sy * self.tilt_y[i * w + j];
            }
        }
    }

    fn solve(&mut self, noise: f64) -> Option<((f64, f64), f64, f64)> {
        let (w, h, n) = (self.w, self.h, self.frame.len());
        let least = (0.5 * noise) as f32;
        let mut delta = (0.0f64, 0.0f64);
        let mut sigma = f64::INFINITY;
        // Twice: first with what does not fit as it stands, then without the part that the displacement explains.
        for _ in 0..2 {
            for i in 0..n {
                let explained = self.gain[i] * (self.gx[i] * delta.0 as f32 + self.gy[i] * delta.1 as f32);
                self.rest[i] = (self.frame[i] - explained).powi(2);
            }
            smooth(&self.rest, w, h, &mut self.columns, &mut self.other);
            let (mut nn, mut rr, mut mm) = ([0.0f64; 3], [0.0f64; 2], [0.0f64; 3]);
            for i in 0..n {
                let v = self.other[i].max(least);
                let a = self.gain[i];
                let wt = a / v;
                let (x, y) = (self.gx[i], self.gy[i]);
                let (wx, wy) = (f64::from(wt * x), f64::from(wt * y));
                nn[0] += wx * f64::from(a * x);
                nn[1] += wx * f64::from(a * y);
                nn[2] += wy * f64::from(a * y);
                rr[0] += wx * f64::from(self.frame[i]);
                rr[1] += wy * f64::from(self.frame[i]);
                let r2 = f64::from(self.rest[i].max(least));
                mm[0] += wx * wx * r2;
                mm[1] += wx * wy * r2;
                mm[2] += wy * wy * r2;
            }
            let det = nn[0] * nn[2] - nn[1] * nn[1];
            if !(det > 1e-9 * nn[0] * nn[2]) {
                return None;
            }
            let inv = [nn[2] / det, -nn[1] / det, nn[0] / det];
            delta = (inv[0] * rr[0] + inv[1] * rr[1], inv[1] * rr[0] + inv[2] * rr[1]);
            // Sandwich covariance; its larger eigenvalue.
            let t = [
                [inv[0] * mm[0] + inv[1] * mm[1], inv[0] * mm[1] + inv[1] * mm[2]],
                [inv[1] * mm[0] + inv[2] * mm[1], inv[1] * mm[1] + inv[2] * mm[2]],
            ];
            let c = [
                t[0][0] * inv[0] + t[0][1] * inv[1],
                t[0][0] * inv[1] + t[0][1] * inv[2],
                t[1][0] * inv[1] + t[1][1] * inv[2],
            ];
            sigma = (f64::midpoint(c[0], c[2]) + ((c[0] - c[2]) / 2.0).hypot(c[1])).max(0.0).sqrt();
        }
        // Visibility where there is something to see.
        let (mut seen, mut all) = (0.0f64, 0.0f64);
        for (g, v) in self.gain.iter().zip(&self.var) {
            seen += f64::from(g.min(1.0) * v);
            all += f64::from(*v);
        }
        sigma.is_finite().then_some((delta, sigma, seen / all.max(1e-9)))
    }
}

/// Covariance of a picture with a coordinate of the place, within each window.
fn tilt(
    v: &[f32],
    mean: &[f32],
    place: impl Fn(usize) -> f32,
    (w, h): (usize, usize),
    columns: &mut [f32],
    (scratch, other): (&mut [f32], &mut [f32]),
    out: &mut [f32],
) {
    for (i, (s, v)) in scratch.iter_mut().zip(v).enumerate() {
        *s = place(i) * v;
    }
    smooth(scratch, w, h, columns, out);
    for (i, s) in scratch.iter_mut().enumerate() {
        *s = place(i);
    }
    smooth(scratch, w, h, columns, other);
    for (o, (m, p)) in out.iter_mut().zip(mean.iter().zip(other.iter())) {
        *o -= m * p;
    }
}

fn products(a: &[f32], b: &[f32], out: &mut [f32]) {
    for (o, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
        *o = a * b;
    }
}

/// Mean over the window around each pixel, cut off at the region's edge.
fn smooth(v: &[f32], w: usize, h: usize, columns: &mut [f32], out: &mut [f32]) {
    columns.fill(0.0);
    for row in v.chunks_exact(w).take(REACH.min(h)) {
        for (c, v) in columns.iter_mut().zip(row) {
            *c += v;
        }
    }
    for i in 0..h {
        if i + REACH < h {
            for (c, v) in columns.iter_mut().zip(&v[(i + REACH) * w..]) {
                *c += v;
            }
        }
        if i > REACH {
            for (c, v) in columns.iter_mut().zip(&v[(i - REACH - 1) * w..]) {
                *c -= v;
            }
        }
        let rows = (i + REACH).min(h - 1) - i.saturating_sub(REACH) + 1;
        let mut sum: f32 = columns[..REACH.min(w)].iter().sum();
        for j in 0..w {
            if j + REACH < w {
                sum += columns[j + REACH];
            }
            if j > REACH {
                sum -= columns[j - REACH - 1];
            }
            let cols = (j + REACH).min(w - 1) - j.saturating_sub(REACH) + 1;
            out[i * w + j] = sum / (rows * cols) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_a_mean_up_to_the_edge() {
        let (w, h) = (23, 17);
        let v: Vec<f32> = (0..w * h).map(|i| (i * 37 % 101) as f32).collect();
        let mut out = vec![0.0; w * h];
        smooth(&v, w, h, &mut vec![0.0; w], &mut out);
        for (i, j) in [(0usize, 0usize), (5, 9), (16, 22), (2, 21)] {
            let (mut sum, mut n) = (0.0, 0.0);
            for y in i.saturating_sub(REACH)..=(i + REACH).min(h - 1) {
                for x in j.saturating_sub(REACH)..=(j + REACH).min(w - 1) {
                    sum += v[y * w + x];
                    n += 1.0;
                }
            }
            assert!((out[i * w + j] - sum / n).abs() < 1e-2);
        }
    }
}
