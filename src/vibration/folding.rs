//! What folds: detail beyond half a cycle a pixel, learned from many frames on a grid of two samples a pixel.
//!
//! A lens sharper than the pixels lets such detail through, and what it folds to changes with the sub-pixel phase of the displacement. Each
//! frequency f of a frame is the sum of the target's at f and at f - 1 (one whole cycle towards the other side), turned by the
//! displacement; a pixel passes nothing of one cycle. With many phases seen, both follow by least squares, for each frequency on
//! its own (Tsai & Huang, "Multiframe Image Restoration and Registration", 1984), held by how much a target has at such frequencies: what
//! its own spectrum says, falling as it goes on, times what a pixel passes.

use std::f64::consts::TAU;
use std::sync::Arc;

use pulp::Arch;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use super::lanes::widest;
use super::shift::{self, TAPS};

/// Samples of a pixel along each axis.
pub const FINE: usize = 2;
/// Width of a band of the spectrum, in cycles a pixel.
const BAND: f64 = 0.1;
/// Bands from nothing to the corner of the fine grid's spectrum.
const BANDS: usize = 15;
/// Below this the plain reference tells the spectrum; above, so much is expected of a band against the one before to begin with.
const TOLD: usize = 5;
const FALLS: f64 = 0.7;
/// A pixel passes at least this share of the power: its edges are not perfect.
const LEAST_PASSED: f64 = 1e-4;

type Picture = Vec<Complex<f64>>;

/// Learns what the reference lacks, as samples of a fine grid over the region with its margin.
pub struct Folding {
    /// Sides of the fine grid.
    w: usize,
    h: usize,
    samples: Vec<f32>,
    /// Residuals moved back onto the fine grid.
    sums: Vec<f32>,
    line: Vec<f32>,
    /// What turns each order of folding against each other, summed over the frames: orders -2 to 2 of x and y.
    turns: [[Complex<f64>; 5]; 5],
    /// Spectrum of the plain reference.
    plain: Picture,
    /// Power of the target in each band, as a scene sharper than the pixels would have it.
    power: [f64; BANDS],
    /// The same about each frequency, as it was found: a pattern that repeats has lines far above its surroundings.
    own: Vec<f64>,
    told: bool,
    frames: usize,
    spectrum: Picture,
    turned: Picture,
    rows: [Arc<dyn Fft<f64>>; 2],
    columns: [Arc<dyn Fft<f64>>; 2],
}

impl Folding {
    /// For a reference of `w` by `h` pixels, margin included, whose samples are `plain`.
    #[must_use]
    pub fn new(w: usize, h: usize, plain: &[f32]) -> Self {
        let (w, h) = (FINE * w, FINE * h);
        let mut planner = FftPlanner::new();
        let rows = [planner.plan_fft_forward(w), planner.plan_fft_inverse(w)];
        let columns = [planner.plan_fft_forward(h), planner.plan_fft_inverse(h)];
        let zero = Complex::new(0.0, 0.0);
        let mut new = Self {
            w,
            h,
            samples: vec![0.0; w * h],
            sums: vec![0.0; w * h],
            line: vec![0.0; w / FINE],
            turns: [[zero; 5]; 5],
            plain: Vec::new(),
            power: [0.0; BANDS],
            own: vec![0.0; w * h],
            told: false,
            frames: 0,
            spectrum: vec![zero; w * h],
            turned: vec![zero; w * h],
            rows,
            columns,
        };
        // With three of four samples left at nothing, the spectrum is a quarter of the picture's, and repeats.
        for (to, row) in new.spectrum.chunks_exact_mut(FINE * w).zip(plain.chunks_exact(w / FINE)) {
            for (to, v) in to[..w].iter_mut().step_by(FINE).zip(row) {
                *to = Complex::new(4.0 * f64::from(*v), 0.0);
            }
        }
        new.transform(0);
        for i in 0..h {
            for j in 0..w {
                if frequency(i, h).abs() >= 0.5 || frequency(j, w).abs() >= 0.5 {
                    new.spectrum[i * w + j] = zero;
                }
            }
        }
        new.plain = new.spectrum.clone();
        new
    }

    /// What was learned, on the fine grid.
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Takes what the model leaves of a frame displaced by `d` (each within half a pixel): `w` pixels wide, its corner
    /// `inset` pixels inside the reference's.
    pub fn take(&mut self, arch: Arch, left: &[f32], w: usize, inset: usize, (dx, dy): (f64, f64)) {
        let rows = left.len() / w;
        let (fine_w, sums) = (self.w, &mut self.sums[..]);
        let line = &mut self.line[..];
        let phase = |d: f64, part: usize| {
            let at = d + part as f64 / FINE as f64;
            (at.floor() as i64 - TAPS as i64 / 2 + 1, shift::kernel_half(at - at.floor()))
        };
        let (px, py) = ([phase(dx, 0), phase(dx, 1)], [phase(dy, 0), phase(dy, 1)]);
        widest!(arch, {
            for (i, sums) in sums.chunks_exact_mut(fine_w).enumerate() {
                let (from, k) = &py[i % FINE];
                let first = (i / FINE) as i64 - inset as i64 + from;
                if first + TAPS as i64 <= 0 || first >= rows as i64 {
                    continue;
                }
                line.fill(0.0);
                for (t, k) in k.iter().enumerate() {
                    let y = first + t as i64;
                    if (0..rows as i64).contains(&y) {
                        let y = y as usize;
                        for (l, v) in line[inset..inset + w].iter_mut().zip(&left[y * w..(y + 1) * w]) {
                            *l += k * v;
                        }
                    }
                }
                for (part, (from, k)) in px.iter().enumerate() {
                    // The ends lie outside what was learned from.
                    for j in 0..line.len() {
                        let start = j as i64 + from;
                        if start < 0 || start as usize + TAPS > line.len() {
                            continue;
                        }
                        let s = &line[start as usize..start as usize + TAPS];
                        sums[FINE * j + part] += k.iter().zip(s).map(|(k, s)| k * s).sum::<f32>();
                    }
                }
            }
        });
        for (i, row) in self.turns.iter_mut().enumerate() {
            for (j, t) in row.iter_mut().enumerate() {
                *t += Complex::cis(TAU * ((j as f64 - 2.0) * dx + (i as f64 - 2.0) * dy));
            }
        }
        self.frames += 1;
    }

    /// Takes what was collected into the samples; `noise` is the variance of a pixel.
    pub fn solve(&mut self, noise: f64) {
        if self.frames == 0 {
            return;
        }
        if !self.told {
            self.tell_power();
        }
        let (w, h) = (self.w, self.h);
        for (to, v) in self.turned.iter_mut().zip(&self.samples) {
            *to = Complex::new(f64::from(*v), 0.0);
        }
        std::mem::swap(&mut self.spectrum, &mut self.turned);
        self.transform(0);
        std::mem::swap(&mut self.spectrum, &mut self.turned);
        for (to, v) in self.spectrum.iter_mut().zip(&self.sums) {
            *to = Complex::new(f64::from(*v), 0.0);
        }
        self.transform(0);
        for i in 0..h / 2 {
            for j in 0..w / 2 {
                self.solve_one(i, j, noise);
            }
        }
        // How much there is in each band now.
        for (s, t) in self.turned.iter_mut().zip(&self.spectrum) {
            *s += t;
        }
        self.learn_power();
        self.transform(1);
        let scale = 1.0 / (w * h) as f64;
        for (v, s) in self.samples.iter_mut().zip(&self.spectrum) {
            *v += (s.re * scale) as f32;
        }
        self.sums.fill(0.0);
        self.turns = Default::default();
        self.frames = 0;
    }

    /// The four frequencies that fold onto one another.
    fn solve_one(&mut self, i: usize, j: usize, noise: f64) {
        let (w, h) = (self.w, self.h);
        let at: [(usize, usize); 4] = std::array::from_fn(|k| ((i + k / 2 * (h / 2)) % h, (j + k % 2 * (w / 2)) % w));
        let f = at.map(|(i, j)| (frequency(i, h), frequency(j, w)));
        let mut a = [[Complex::new(0.0, 0.0); 5]; 4];
        for m in 0..4 {
            for n in 0..4 {
                let (y, x) = ((f[m].0 - f[n].0).round() as i64, (f[m].1 - f[n].1).round() as i64);
                a[m][n] = 0.25 * self.turns[(y + 2) as usize][(x + 2) as usize];
            }
            let place = at[m].0 * w + at[m].1;
            let expected = (self.power[band(f[m])] * passed(f[m])).max(self.own[place]);
            let ridge = noise / expected.max(1e-12);
            a[m][m] += ridge;
            a[m][4] = self.spectrum[place] - ridge * self.turned[place];
        }
        eliminate(&mut a);
        for (row, (i, j)) in a.iter().zip(at) {
            self.spectrum[i * w + j] = row[4];
        }
    }

    /// The power that the plain reference tells, and what is expected beyond.
    fn tell_power(&mut self) {
        let (mut sums, mut counts) = ([0.0; BANDS], [0usize; BANDS]);
        let scale = 1.0 / (self.w * self.h) as f64;
        for i in 0..self.h {
            for j in 0..self.w {
                let f = (frequency(i, self.h), frequency(j, self.w));
                let b = band(f);
                sums[b] += self.plain[i * self.w + j].norm_sqr() * scale / passed(f);
                counts[b] += 1;
            }
        }
        for b in 0..BANDS {
            self.power[b] = if b < TOLD { sums[b] / counts[b].max(1) as f64 } else { FALLS * self.power[b - 1] };
        }
        self.told = true;
    }

    /// The power that the target shows: no band has more than the one before.
    fn learn_power(&mut self) {
        let (mut sums, mut passes) = ([0.0; BANDS], [0.0; BANDS]);
        let scale = 1.0 / (self.w * self.h) as f64;
        for i in 0..self.h {
            for j in 0..self.w {
                let f = (frequency(i, self.h), frequency(j, self.w));
                let b = band(f);
                let place = i * self.w + j;
                sums[b] += (self.turned[place] + self.plain[place]).norm_sqr() * scale;
                passes[b] += passed(f);
            }
        }
        let at = |i: usize, j: usize| {
            let place = i % self.h * self.w + j % self.w;
            (self.turned[place] + self.plain[place]).norm_sqr() * scale
        };
        let (w, h) = (self.w, self.h);
        for (place, own) in self.own.iter_mut().enumerate() {
            let (i, j) = (place / w + h - 1, place % w + w - 1);
            *own = (0..9).map(|k| at(i + k / 3, j + k % 3)).sum::<f64>() / 9.0;
        }
        for b in 0..BANDS {
            let now = sums[b] / f64::max(passes[b], 1e-12);
            self.power[b] = if b == 0 { now } else { now.min(self.power[b - 1]) }.max(1e-6);
        }
    }

    /// Fourier transform of `spectrum` in place; forward or back.
    fn transform(&mut self, way: usize) {
        let (w, h) = (self.w, self.h);
        self.rows[way].process(&mut self.spectrum);
        let mut column = vec![Complex::new(0.0, 0.0); h];
        for j in 0..w {
            for (c, row) in column.iter_mut().zip(self.spectrum.chunks_exact(w)) {
                *c = row[j];
            }
            self.columns[way].process(&mut column);
            for (c, row) in column.iter().zip(self.spectrum.chunks_exact_mut(w)) {
                row[j] = *c;
            }
        }
    }
}

/// Frequency of a line of the spectrum, in cycles a pixel, from -1 to just below 1.
fn frequency(index: usize, n: usize) -> f64 {
    let k = if 2 * index < n { index as f64 } else { index as f64 - n as f64 };
    FINE as f64 * k / n as f64
}

fn band((y, x): (f64, f64)) -> usize {
    ((x.hypot(y) / BAND) as usize).min(BANDS - 1)
}

/// Power that a square pixel passes.
fn passed((y, x): (f64, f64)) -> f64 {
    let sinc = |f: f64| if f.abs() < 1e-9 { 1.0 } else { (0.5 * TAU * f).sin() / (0.5 * TAU * f) };
    (sinc(x) * sinc(y)).powi(2) + LEAST_PASSED
}

/// Solves four equations by elimination; the matrix is Hermitian and positive definite.
fn eliminate(a: &mut [[Complex<f64>; 5]; 4]) {
    for c in 0..4 {
        let scale = 1.0 / a[c][c].re.max(1e-12);
        for v in &mut a[c] {
            *v *= scale;
        }
        let row = a[c];
        for (_, other) in a.iter_mut().enumerate().filter(|(i, _)| *i != c) {
            let f = other[c];
            for (o, r) in other.iter_mut().zip(&row) {
                *o -= f * r;
            }
        }
    }
}
