//! The main tone: an ellipse fitted by least squares to samples at the times they really have.
//!
//! For one frequency the model c0 + c1·t + A·cos + B·sin per axis is linear; the frequency is the one that explains most
//! (Lomb–Scargle with offset and trend, after Scargle 1982 and Zechmeister & Kürster 2009). Dropped frames and uneven
//! timestamps do no harm: no grid is assumed. Uncertainties are the Cramér–Rao bounds for a single tone in white noise
//! of the size of the residual (Rife & Boorstyn 1974).

use std::f64::consts::PI;

use pulp::Arch;

use super::circle::cos_sin;
use super::lanes::widest;
use crate::model::vibration::Tone;

/// Amplitudes below so many sigmas do not count as a tone. The strongest line of eight seconds of noise on two axes lies above 5 in one window of a hundred,
/// above 6 in one of ten thousand (20 000 windows of 200 samples).
pub const SIGNIFICANT: f64 = 6.0;

/// Below this the rounding of the arithmetic is what is seen.
const SMALLEST_PX: f64 = 1e-4;

/// Share of the residual that a lossy codec's error has in the amplitude, one sigma.
///
/// What a codec leaves is not new in every frame: it moves with the picture, so a part of it repeats with the motion and does
/// not average out over the window. On H.264 recordings of known motion (`tests/accuracy.rs`) the amplitude is off by
/// 0.1 to 0.5 of the residual's RMS, whichever way.
pub const CODEC_SHARE: f64 = 0.4;

/// A tone, and what it leaves unexplained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fitted {
    /// The tone.
    pub tone: Tone,
    /// RMS of the rest per axis, in pixels.
    pub residual_px: f64,
    /// Offset in the middle of the samples' time, in pixels, and slope in pixels per second that were fitted along, for x and y.
    pub trend: [[f64; 2]; 2],
}

/// Refines a frequency near `start_hz` and fits the ellipse; see [`Fitter::fit`].
#[must_use]
pub fn fit(t_s: &[f64], x: &[f64], y: &[f64], start_hz: f64, range_hz: (f64, f64), coded: bool) -> Option<Fitted> {
    Fitter::default().fit(t_s, x, y, start_hz, range_hz, coded)
}

/// Samples that are summed side by side.
const LANES: usize = 4;

/// Fits tones; keeps its memory from fit to fit.
#[derive(Clone, Debug)]
pub struct Fitter {
    arch: Arch,
    /// Samples.
    n: f64,
    /// Per sample, filled up with zeros to whole rows of lanes: one; time from the middle; displacements; cosine and sine of the frequency that is tried.
    one: Vec<f64>,
    t: Vec<f64>,
    x: Vec<f64>,
    y: Vec<f64>,
    cos: Vec<f64>,
    sin: Vec<f64>,
    /// Sums of t, t², x, tx, y, ty.
    fixed: [f64; 6],
}

impl Default for Fitter {
    fn default() -> Self {
        let none = Vec::new;
        let (one, t, x, y, cos, sin) = (none(), none(), none(), none(), none(), none());
        Self { arch: Arch::new(), n: 0.0, one, t, x, y, cos, sin, fixed: [0.0; 6] }
    }
}

impl Fitter {
    /// Refines a frequency near `start_hz` and fits the ellipse. `t_s` are the samples' times in seconds, `x` and `y` their
    /// displacements in pixels; `coded` says that they come from a lossy codec. None with fewer than 12 samples, or where no tone stands out of
    /// the noise.
    #[must_use]
    pub fn fit(
        &mut self,
        t_s: &[f64],
        x: &[f64],
        y: &[f64],
        start_hz: f64,
        range_hz: (f64, f64),
        coded: bool,
    ) -> Option<Fitted> {
        let n = t_s.len();
        if n < 12 || x.len() != n || y.len() != n || !(start_hz > 0.0) {
            return None;
        }
        let span_s = t_s[n - 1] - t_s[0];
        if !(span_s > 0.0) {
            return None;
        }
        let middle = f64::midpoint(t_s[0], t_s[n - 1]);
        self.begin(t_s.iter().map(|t| t - middle), x, y);
        let (hz, s) = self.refine(start_hz, span_s, range_hz)?;
        let total: f64 = x.iter().chain(y).map(|v| v * v).sum();
        let free = (2 * n) as f64 - 9.0;
        let sigma = ((total - s.explained).max(0.0) / free).sqrt();
        let (major_px, minor_px, angle_deg) = ellipse((s.x[2], s.x[3]), (s.y[2], s.y[3]));
        let noise_px = sigma * (2.0 / n as f64).sqrt();
        if !(major_px > SIGNIFICANT * noise_px) || !(major_px > SMALLEST_PX) {
            return None;
        }
        let sigma_px = if coded { noise_px.hypot(CODEC_SHARE * sigma) } else { noise_px };
        let sigma_hz = (6.0 / n as f64).sqrt() * sigma / (PI * span_s * major_px);
        Some(Fitted {
            tone: Tone { hz, sigma_hz, major_px, minor_px, angle_deg, sigma_px },
            residual_px: sigma,
            trend: [&s.x, &s.y].map(|c| [c[0], c[1]]),
        })
    }

    /// Gauss–Newton on the frequency (the four-parameter fit of IEEE Std 1057, for two axes at once): the step that the
    /// residual asks for along the derivative of the model, less what offset, trend and amplitudes can explain.
    fn refine(&mut self, start: f64, span_s: f64, (low, high): (f64, f64)) -> Option<(f64, Solution)> {
        let mut hz = start.clamp(low, high);
        let mut s = self.solve(hz)?;
        for _ in 0..6 {
            let (mut slope, mut bend) = (0.0, 0.0);
            for [pull, square, w @ ..] in [self.pulls(&self.x, &s.x), self.pulls(&self.y, &s.y)] {
                slope += pull;
                bend += square - back(&s.factor, &w).iter().zip(&w).map(|(a, b)| a * b).sum::<f64>();
            }
            if !(bend > 0.0) {
                break;
            }
            let step = (slope / bend / (2.0 * PI)).clamp(-0.3 / span_s, 0.3 / span_s);
            let next = (hz + step).clamp(low, high).clamp(start - 1.5 / span_s, start + 1.5 / span_s);
            // A step so small changes nothing that is told: of the tone's amplitude its square, and less than noise does of its frequency.
            if (next - hz).abs() < 1e-5 / span_s {
                hz = next;
                break;
            }
            hz = next;
            let Some(better) = self.solve(hz) else { break };
            s = better;
        }
        Some((hz, s))
    }

    /// Takes the samples.
    fn begin(&mut self, t: impl Iterator<Item = f64>, x: &[f64], y: &[f64]) {
        let whole = x.len().next_multiple_of(LANES);
        let fill = |to: &mut Vec<f64>, from: &mut dyn Iterator<Item = f64>| {
            to.clear();
            to.extend(from);
            to.resize(whole, 0.0);
        };
        fill(&mut self.one, &mut x.iter().map(|_| 1.0));
        fill(&mut self.t, &mut { t });
        fill(&mut self.x, &mut x.iter().copied());
        fill(&mut self.y, &mut y.iter().copied());
        self.cos.resize(whole, 0.0);
        self.sin.resize(whole, 0.0);
        self.n = x.len() as f64;
        self.fixed = [0.0; 6];
        for ((t, x), y) in self.t.iter().zip(&self.x).zip(&self.y) {
            for (to, v) in self.fixed.iter_mut().zip([*t, t * t, *x, t * x, *y, t * y]) {
                *to += v;
            }
        }
    }

    /// Along one axis: what the residual pulls along the model's derivative by the frequency, the derivative's square, and its products with the model's
    /// own four parts.
    fn pulls(&self, v: &[f64], p: &[f64; 4]) -> [f64; 6] {
        let ((one, t), (cos, sin)) = ((rows(&self.one), rows(&self.t)), (rows(&self.cos), rows(&self.sin)));
        let sums = widest!(self.arch, {
            let mut sums = [[0.0; LANES]; 6];
            for ((((one, t), cos), sin), v) in one.iter().zip(t).zip(cos).zip(sin).zip(rows(v)) {
                let (mut residual, mut g) = ([0.0; LANES], [0.0; LANES]);
                for k in 0..LANES {
                    residual[k] = v[k] - (one[k] * p[0] + p[1] * t[k] + p[2] * cos[k] + p[3] * sin[k]);
                    g[k] = t[k] * (p[3] * cos[k] - p[2] * sin[k]);
                }
                add(&mut sums[0], &g, &residual);
                add(&mut sums[1], &g, &g);
                add(&mut sums[2], &g, one);
                add(&mut sums[3], &g, t);
                add(&mut sums[4], &g, cos);
                add(&mut sums[5], &g, sin);
            }
            sums
        });
        sums.map(|s| s.iter().sum())
    }

    fn solve(&mut self, hz: f64) -> Option<Solution> {
        let (one, t, x, y) = (rows(&self.one), rows(&self.t), rows(&self.x), rows(&self.y));
        let (all_cos, all_sin) = (&mut self.cos[..], &mut self.sin[..]);
        let sums = widest!(self.arch, {
            for (((c, s), t), one) in all_cos.iter_mut().zip(&mut *all_sin).zip(&self.t).zip(&self.one) {
                let (cos, sin) = cos_sin(hz * t);
                (*c, *s) = (one * cos, one * sin);
            }
            let mut sums = [[0.0; LANES]; 10];
            let parts = rows(all_cos).iter().zip(rows(all_sin)).zip(one).zip(t).zip(x).zip(y);
            for (((((cos, sin), one), t), x), y) in parts {
                add(&mut sums[0], cos, one);
                add(&mut sums[1], sin, one);
                add(&mut sums[2], cos, t);
                add(&mut sums[3], sin, t);
                add(&mut sums[4], cos, cos);
                add(&mut sums[5], cos, sin);
                add(&mut sums[6], cos, x);
                add(&mut sums[7], sin, x);
                add(&mut sums[8], cos, y);
                add(&mut sums[9], sin, y);
            }
            sums
        });
        let [c, s, tc, ts, cc, cs, xc, xs, yc, ys] = sums.map(|s| s.iter().sum::<f64>());
        let [t, tt, x, tx, y, ty] = self.fixed;
        let factor = cholesky(&[[self.n, t, c, s], [t, tt, tc, ts], [c, tc, cc, cs], [s, ts, cs, self.n - cc]])?;
        let (rx, ry) = ([x, tx, xc, xs], [y, ty, yc, ys]);
        let (px, py) = (back(&factor, &rx), back(&factor, &ry));
        let explained = px.iter().zip(&rx).chain(py.iter().zip(&ry)).map(|(a, b)| a * b).sum();
        Some(Solution { x: px, y: py, explained, factor })
    }
}

/// Rows of lanes.
fn rows(v: &[f64]) -> &[[f64; LANES]] {
    v.as_chunks().0
}

#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn add(sum: &mut [f64; LANES], a: &[f64; LANES], b: &[f64; LANES]) {
    for k in 0..LANES {
        sum[k] += a[k] * b[k];
    }
}

/// Offset, trend, cosine and sine of each axis, the sum of squares that the model explains, and the factored normal matrix.
struct Solution {
    x: [f64; 4],
    y: [f64; 4],
    explained: f64,
    factor: [[f64; 4]; 4],
}

/// Lower factor of a symmetric positive definite matrix given by its upper triangle.
fn cholesky(g: &[[f64; 4]; 4]) -> Option<[[f64; 4]; 4]> {
    let mut l = [[0.0; 4]; 4];
    for i in 0..4 {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| l[i][k] * l[j][k]).sum();
            if i == j {
                let v = g[i][i] - dot;
                if !(v > 1e-12 * g[i][i]) {
                    return None;
                }
                l[i][i] = v.sqrt();
            } else {
                l[i][j] = (g[j][i] - dot) / l[j][j];
            }
        }
    }
    Some(l)
}

/// Solves L·Lᵀ·p = r.
fn back(l: &[[f64; 4]; 4], r: &[f64; 4]) -> [f64; 4] {
    let mut p = *r;
    for i in 0..4 {
        for k in 0..i {
            p[i] -= l[i][k] * p[k];
        }
        p[i] /= l[i][i];
    }
    for i in (0..4).rev() {
        for k in i + 1..4 {
            p[i] -= l[k][i] * p[k];
        }
        p[i] /= l[i][i];
    }
    p
}

/// Semi-axes and direction of x = ax·cos + bx·sin, y = ay·cos + by·sin: the singular values of [[ax, bx], [ay, by]].
#[must_use]
pub fn ellipse((ax, bx): (f64, f64), (ay, by): (f64, f64)) -> (f64, f64, f64) {
    let (xx, yy, xy) = (ax * ax + bx * bx, ay * ay + by * by, ax * ay + bx * by);
    let half = f64::midpoint(xx, yy);
    let root = ((xx - yy) / 2.0).hypot(xy);
    let angle = (0.5 * (2.0 * xy).atan2(xx - yy)).to_degrees().rem_euclid(180.0);
    ((half + root).max(0.0).sqrt(), (half - root).max(0.0).sqrt(), angle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(n: usize, fps: f64) -> Vec<f64> {
        (0..n).map(|i| i as f64 / fps).collect()
    }

    #[test]
    fn finds_frequency_and_ellipse() {
        let t = times(200, 25.0);
        let x: Vec<f64> = t.iter().map(|t| 0.8 * (2.0 * PI * 5.237 * t + 0.4).cos() + 3.0 + 0.01 * t).collect();
        let y: Vec<f64> = t.iter().map(|t| 0.3 * (2.0 * PI * 5.237 * t + 0.4).sin()).collect();
        let tone = fit(&t, &x, &y, 5.3, (0.3, 12.5), false).unwrap().tone;
        assert!((tone.hz - 5.237).abs() < 1e-4, "{tone:?}");
        assert!((tone.major_px - 0.8).abs() < 1e-4 && (tone.minor_px - 0.3).abs() < 1e-4);
        assert!(tone.angle_deg < 0.1 || tone.angle_deg > 179.9);
    }

    #[test]
    fn dropped_frames_do_not_smear() {
        let t: Vec<f64> = times(200, 25.0)
            .into_iter()
            .enumerate()
            .filter(|(i, _)| i % 7 != 3 && !(60..75).contains(i))
            .map(|(_, t)| t)
            .collect();
        let x: Vec<f64> = t.iter().map(|t| 0.5 * (2.0 * PI * 8.11 * t).sin()).collect();
        let y = x.clone();
        let tone = fit(&t, &x, &y, 8.0, (0.3, 12.5), false).unwrap().tone;
        assert!((tone.hz - 8.11).abs() < 1e-3);
        assert!((tone.major_px - 0.5 * 2f64.sqrt()).abs() < 1e-3 && (tone.angle_deg - 45.0).abs() < 0.1);
    }

    #[test]
    fn noise_is_no_tone_and_short_data_no_fit() {
        let t = times(200, 25.0);
        let mut s = 1u32;
        let mut r = || {
            s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(s >> 8) / f64::from(1 << 24) - 0.5
        };
        let x: Vec<f64> = t.iter().map(|_| r()).collect();
        let y: Vec<f64> = t.iter().map(|_| r()).collect();
        assert_eq!(fit(&t, &x, &y, 6.0, (0.3, 12.5), false), None);
        assert_eq!(fit(&t[..5], &x[..5], &y[..5], 6.0, (0.3, 12.5), false), None);
        assert_eq!(fit(&[0.0; 20], &[0.0; 20], &[0.0; 20], 6.0, (0.3, 12.5), false), None);
    }
}
