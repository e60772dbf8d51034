//! The fit under uneven light: dust, steam, shadows and things passing in front of the target.
//!
//! Such a frame is locally still the model, with a gain and an offset of its own at every place. They are taken out around each
//! pixel by local regression (a window, so that a slope of the light cancels); what remains of the frame and of the model's derivatives is
//! fitted with each place weighted by its visibility and by how badly it fits. It costs some twenty passes, so it is used only for frames
//! that the plain fit does not explain.

use pulp::Arch;

use super::lanes::widest;
use super::luma::Luma;
use super::reference::Reference;
use super::window::{REACH, Window};

/// Newton steps.
const STEPS: usize = 4;
/// Largest step in pixels.
const LARGEST_STEP_PX: f64 = 0.7;
/// Step of the differences that give the derivatives, in pixels.
const H: f64 = 0.02;

/// Values that are summed side by side.
const LANES: usize = 16;

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
    window: Window,
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
            window: Window::new(w, h),
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
            self.project(arch, noise);
            let (delta, sigma_px, visible) = self.solve(arch, noise)?;
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

    /// Its variance a pixel, in grey levels squared.
    #[must_use]
    pub fn left_variance(&self) -> f64 {
        self.frame.chunks(self.w).map(|row| f64::from(row.iter().map(|v| v * v).sum::<f32>())).sum::<f64>()
            / self.frame.len() as f64
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
    fn project(&mut self, arch: Arch, noise: f64) {
        let window = &mut self.window;
        // The model less its local mean, its local variance.
        window.mean(arch, &self.model, &mut self.mean);
        for (along_x, tilt) in [(true, &mut self.tilt_x), (false, &mut self.tilt_y)] {
            window.tilt(arch, (&self.model, &self.mean), along_x, &mut self.prod, tilt);
        }
        for (m, mean) in self.model.iter_mut().zip(&self.mean) {
            *m -= mean;
        }
        products(&self.model, &self.model, &mut self.prod);
        window.mean(arch, &self.prod, &mut self.var);
        let ridge = noise as f32 * 0.5;
        for (v, which) in [(&mut self.frame, true), (&mut self.gx, false), (&mut self.gy, false)] {
            window.mean(arch, v, &mut self.other);
            for (v, mean) in v.iter_mut().zip(&self.other) {
                *v -= mean;
            }
            products(v, &self.model, &mut self.prod);
            window.mean(arch, &self.prod, &mut self.cov);
            for ((cov, var), (v, model)) in self.cov.iter_mut().zip(&self.var).zip(v.iter_mut().zip(&self.model)) {
                let slope = *cov / (var + ridge);
                *v -= slope * model;
                *cov = slope;
            }
            if which {
                for (gain, slope) in self.gain.iter_mut().zip(&self.cov) {
                    *gain = slope.clamp(0.0, 2.0);
                }
            }
        }
        self.level_slopes(arch);
    }

    /// Where the gain has a slope, the window's mean of the frame holds the slope times the model's tilt, which looks like a displacement.
    /// It is put back, with the slope read from the gains around.
    fn level_slopes(&mut self, arch: Arch) {
        let (w, h) = (self.w, self.h);
        self.window.mean(arch, &self.gain, &mut self.other);
        let (gain, tilt_x, tilt_y) = (&self.other[..], &self.tilt_x[..], &self.tilt_y[..]);
        let distance = |i: usize, n: usize| ((i + REACH).min(n - 1) - i.saturating_sub(REACH)).max(1) as f32;
        let inner = 1.0 / (2 * REACH) as f32;
        widest!(arch, {
            for (i, frame) in self.frame.chunks_exact_mut(w).enumerate() {
                let row = |v: usize| &gain[v * w..(v + 1) * w];
                let (up, here, down) = (row(i.saturating_sub(REACH)), row(i), row((i + REACH).min(h - 1)));
                let (tx, ty) = (&tilt_x[i * w..(i + 1) * w], &tilt_y[i * w..(i + 1) * w]);
                let per_row = 1.0 / distance(i, h);
                for (j, f) in frame.iter_mut().enumerate() {
                    *f += (down[j] - up[j]) * per_row * ty[j];
                }
                let within = REACH..w.saturating_sub(REACH).max(REACH).min(w);
                for (k, f) in frame.get_mut(within.clone()).unwrap_or_default().iter_mut().enumerate() {
                    *f += (here[k + 2 * REACH] - here[k]) * inner * tx[k + REACH];
                }
                for j in (0..within.start.min(w)).chain(within.end..w) {
                    let (left, right) = (j.saturating_sub(REACH), (j + REACH).min(w - 1));
                    frame[j] += (here[right] - here[left]) / distance(j, w) * tx[j];
                }
            }
        });
    }

    fn solve(&mut self, arch: Arch, noise: f64) -> Option<((f64, f64), f64, f64)> {
        let least = (0.5 * noise) as f32;
        let mut delta = (0.0f64, 0.0f64);
        let mut sigma = f64::INFINITY;
        // Twice: first with what does not fit as it stands, then without the part that the displacement explains.
        for _ in 0..2 {
            self.misfit(delta);
            self.window.mean(arch, &self.rest, &mut self.other);
            let [nn, rr, mm] = self.normal(arch, least);
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

    /// Square of what the displacement `delta` does not explain.
    fn misfit(&mut self, delta: (f64, f64)) {
        let (dx, dy) = (delta.0 as f32, delta.1 as f32);
        let slopes = self.gain.iter().zip(self.gx.iter().zip(&self.gy));
        for ((rest, v), (gain, (gx, gy))) in self.rest.iter_mut().zip(&self.frame).zip(slopes) {
            let off = v - gain * (gx * dx + gy * dy);
            *rest = off * off;
        }
    }

    /// The weighted normal equations: the matrix (xx, xy, yy), the right side (x, y, and nothing), and the noise of that as the rests tell it
    /// (xx, xy, yy). Each place is weighted by its visibility over the mean square of the rests around it.
    fn normal(&self, arch: Arch, least: f32) -> [[f64; 3]; 3] {
        let mut out = [[0.0f64; 3]; 3];
        let (w, n) = (self.w, self.frame.len());
        widest!(arch, {
            for from in (0..n).step_by(w) {
                let (gain, around) = (&self.gain[from..from + w], &self.other[from..from + w]);
                let (gx, gy) = (&self.gx[from..from + w], &self.gy[from..from + w]);
                let (frame, rest) = (&self.frame[from..from + w], &self.rest[from..from + w]);
                // A row's sums in lanes of single precision; from row to row in double.
                let mut sums = [[0.0f32; LANES]; 8];
                for j in (0..w).step_by(LANES) {
                    let to = (j + LANES).min(w);
                    let all = [gain, around, gx, gy, frame, rest].map(|v| &v[j..to]);
                    add(all, least, &mut sums);
                }
                let [xx, xy, yy, rx, ry, mxx, mxy, myy] = sums.map(|s| f64::from(s.iter().sum::<f32>()));
                for (out, row) in out.iter_mut().flatten().zip([xx, xy, yy, rx, ry, 0.0, mxx, mxy, myy]) {
                    *out += row;
                }
            }
        });
        out
    }
}

/// Adds the terms of the normal equations of some pixels; see [`Light::normal`].
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn add(pixels: [&[f32]; 6], least: f32, sums: &mut [[f32; LANES]; 8]) {
    // Of whole lanes the number is known beforehand, so they are computed side by side.
    if pixels[0].len() == LANES {
        add_some::<LANES>(pixels, LANES, least, sums);
    } else {
        add_some::<1>(pixels, pixels[0].len(), least, sums);
    }
}

#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn add_some<const AT_ONCE: usize>(
    [gain, around, gx, gy, frame, rest]: [&[f32]; 6],
    n: usize,
    least: f32,
    sums: &mut [[f32; LANES]; 8],
) {
    for from in (0..n).step_by(AT_ONCE) {
        for k in from..from + AT_ONCE {
            let (a, x, y) = (gain[k], gx[k], gy[k]);
            let weight = a / around[k].max(least);
            let (wx, wy) = (weight * x, weight * y);
            let off = rest[k].max(least);
            sums[0][k] += wx * a * x;
            sums[1][k] += wx * a * y;
            sums[2][k] += wy * a * y;
            sums[3][k] += wx * frame[k];
            sums[4][k] += wy * frame[k];
            sums[5][k] += wx * wx * off;
            sums[6][k] += wx * wy * off;
            sums[7][k] += wy * wy * off;
        }
    }
}

fn products(a: &[f32], b: &[f32], out: &mut [f32]) {
    for (o, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
        *o = a * b;
    }
}
