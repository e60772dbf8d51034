//! Amplitude spectrum of the window: Hann, resampled onto a grid by the stream's own times.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::fold::LEAST_LEFT;

/// Lines of the amplitude spectrum of two axes, and what follows from them. All memory is taken when it is made.
pub struct Transform {
    fft: Arc<dyn RealToComplex<f64>>,
    /// A Hann window of so many samples; made anew when their number changes.
    window: Vec<f64>,
    windowed: usize,
    /// For each step of the grid the sample before it, and the share of the one after that.
    between: Vec<(usize, f64)>,
    input: Vec<f64>,
    scratch: Vec<Complex<f64>>,
    lines: [Vec<Complex<f64>>; 2],
    power: Vec<f64>,
    sorted: Vec<f64>,
    /// Distance of two lines, Hz.
    pub step_hz: f64,
    /// Sum of the squared window over the samples used.
    window_square: f64,
    window_sum: f64,
}

impl std::fmt::Debug for Transform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transform")
            .field("size", &self.input.len())
            .field("step_hz", &self.step_hz)
            .finish_non_exhaustive()
    }
}

impl Transform {
    /// For up to `samples` samples; zero-padded to twice the next power of two, so that a tone between two lines loses
    /// little of its height.
    #[must_use]
    pub fn new(samples: usize) -> Self {
        let size = samples.max(16).next_power_of_two() * 2;
        let fft = RealFftPlanner::new().plan_fft_forward(size);
        let lines = size / 2 + 1;
        Self {
            window: vec![0.0; size],
            windowed: 0,
            between: vec![(0, 0.0); size],
            input: vec![0.0; size],
            scratch: fft.make_scratch_vec(),
            lines: [fft.make_output_vec(), fft.make_output_vec()],
            power: vec![0.0; lines],
            sorted: Vec::with_capacity(lines),
            fft,
            step_hz: 0.0,
            window_square: 0.0,
            window_sum: 0.0,
        }
    }

    /// Transforms both axes. `t_s` increases; `dt_s` is the grid's step; the grid ends at the newest sample. False if
    /// there are too few samples.
    pub fn run(&mut self, t_s: &[f64], x: &[f64], y: &[f64], dt_s: f64) -> bool {
        let n = t_s.len();
        if n < 12 || !(dt_s > 0.0) {
            return false;
        }
        let span = t_s[n - 1] - t_s[0];
        let count = ((span / dt_s).round() as usize + 1).clamp(2, self.input.len());
        self.shape(count);
        place(t_s, dt_s, &mut self.between[..count]);
        for (axis, v) in [x, y].into_iter().enumerate() {
            let grid = self.between[..count].iter().zip(&self.window[..count]);
            for (to, ((i, f), w)) in self.input[..count].iter_mut().zip(grid) {
                *to = w * (v[*i] + (v[i + 1] - v[*i]) * f);
            }
            self.input[count..].fill(0.0);
            // The sizes are those of the plan, so this cannot fail; were it to, there is no spectrum.
            if self.fft.process_with_scratch(&mut self.input, &mut self.lines[axis], &mut self.scratch).is_err() {
                return false;
            }
        }
        for (p, (a, b)) in self.power.iter_mut().zip(self.lines[0].iter().zip(&self.lines[1])) {
            *p = a.norm_sqr() + b.norm_sqr();
        }
        self.step_hz = 1.0 / (dt_s * self.input.len() as f64);
        true
    }

    /// Makes the window for so many samples.
    fn shape(&mut self, count: usize) {
        if self.windowed == count {
            return;
        }
        self.windowed = count;
        self.window_square = 0.0;
        self.window_sum = 0.0;
        for (i, w) in self.window[..count].iter_mut().enumerate() {
            *w = 0.5 - 0.5 * (2.0 * PI * (i as f64 + 0.5) / count as f64).cos();
            self.window_square += *w * *w;
            self.window_sum += *w;
        }
    }

    /// Frequency of the strongest line between two frequencies, by the joint power of both axes; between lines by the parabola through its power and its
    /// neighbours' in decibels.
    #[must_use]
    pub fn strongest(&self, low_hz: f64, high_hz: f64) -> Option<f64> {
        let a = (low_hz / self.step_hz).ceil().max(1.0) as usize;
        let b = ((high_hz / self.step_hz).floor() as usize).min(self.power.len().saturating_sub(1));
        let top = (a..=b).max_by(|&i, &j| self.power[i].total_cmp(&self.power[j]))?;
        let level = |i: usize| self.power.get(i).map_or(f64::NAN, |p| p.ln());
        let (below, at, above) = (level(top - 1), level(top), level(top + 1));
        let beside = 0.5 * (below - above) / (below - 2.0 * at + above);
        let beside = if beside.abs() <= 0.5 { beside } else { 0.0 };
        Some((top as f64 + beside) * self.step_hz)
    }

    /// Noise floor as power of one line of both axes together: the median over the band, as white noise would have it
    /// (the median of an exponential of two degrees of freedom a line and axis is 1.678 of its unit mean of 2).
    pub fn floor_power(&mut self, low_hz: f64) -> f64 {
        let a = ((low_hz / self.step_hz).ceil() as usize).min(self.power.len());
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.power[a..]);
        if self.sorted.is_empty() {
            return 0.0;
        }
        let m = self.sorted.len() / 2;
        let (_, median, _) = self.sorted.select_nth_unstable_by(m, f64::total_cmp);
        *median / 1.678 * 2.0
    }

    /// A noise floor as one-sigma displacement noise of each axis, in pixels: white noise of variance s² has s²·Σw² in
    /// every line of an axis.
    #[must_use]
    pub fn noise_px(&self, floor_power: f64) -> f64 {
        (floor_power / (2.0 * self.window_square.max(1e-9))).max(0.0).sqrt()
    }

    /// RMS of the velocity along a direction over a band, in pixels a second, the noise floor taken off; `left` tells what of an amplitude of some hertz the
    /// camera's shutter leaves, which is put back (at most five times).
    ///
    /// By Parseval: the mean square of the differentiated signal is Σ (2πf)²·2|X|²/(N·Σw²) over the band's lines.
    #[must_use]
    pub fn velocity_rms(&self, angle_deg: f64, low_hz: f64, floor_power: f64, left: impl Fn(f64) -> f64) -> f64 {
        let (s, c) = angle_deg.to_radians().sin_cos();
        let a = (low_hz / self.step_hz).ceil().max(1.0) as usize;
        let size = self.input.len() as f64;
        let mut sum = 0.0;
        for k in a..self.power.len() {
            let p = (self.lines[0][k] * c + self.lines[1][k] * s).norm_sqr() - floor_power / 2.0;
            let hz = k as f64 * self.step_hz;
            let left = left(hz).max(LEAST_LEFT);
            let p = p / (left * left);
            let sides = if k + 1 == self.power.len() { 1.0 } else { 2.0 };
            sum += sides * (2.0 * PI * hz).powi(2) * p;
        }
        (sum.max(0.0) / (size * self.window_square)).sqrt()
    }

    /// RMS displacement of both axes together in even bands from `low_hz` to the highest frequency, by Parseval, in pixels; the
    /// highest frequency comes back.
    pub fn bands(&self, low_hz: f64, rms_px: &mut [f64]) -> f64 {
        let last = self.power.len() - 1;
        let high_hz = last as f64 * self.step_hz;
        let width = (high_hz - low_hz) / rms_px.len().max(1) as f64;
        rms_px.fill(0.0);
        for (k, p) in self.power.iter().enumerate() {
            let above = (k as f64 * self.step_hz - low_hz) / width;
            if above >= 0.0
                && let Some(band) = rms_px.get_mut((above as usize).min(rms_px.len().saturating_sub(1)))
            {
                *band += if k == last { *p } else { 2.0 * p };
            }
        }
        let whole = self.input.len() as f64 * self.window_square.max(1e-9);
        for band in rms_px {
            *band = (*band / whole).sqrt();
        }
        high_hz
    }

    /// Single-sided amplitudes per line of an axis (0: x, 1: y), in pixels.
    pub fn amplitudes(&self, axis: usize) -> impl Iterator<Item = f32> + '_ {
        let scale = 2.0 / self.window_sum.max(1e-9);
        self.lines[axis.min(1)].iter().map(move |l| (l.norm_sqr().sqrt() * scale) as f32)
    }

    /// A joint power as single-axis amplitude, in pixels.
    #[must_use]
    pub fn amplitude_of(&self, power: f64) -> f64 {
        (power / 2.0).max(0.0).sqrt() * 2.0 / self.window_sum.max(1e-9)
    }
}

/// Where the steps of a grid that ends at the newest sample lie between samples, for linear interpolation. There are at least two samples.
fn place(t_s: &[f64], dt_s: f64, out: &mut [(usize, f64)]) {
    let count = out.len();
    let end = t_s[t_s.len() - 1];
    let mut i = 0;
    for (k, to) in out.iter_mut().enumerate() {
        let t = end - (count - 1 - k) as f64 * dt_s;
        while i + 2 < t_s.len() && t_s[i + 1] < t {
            i += 1;
        }
        let gap = t_s[i + 1] - t_s[i];
        *to = (i, if gap > 0.0 { ((t - t_s[i]) / gap).clamp(0.0, 1.0) } else { 0.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, hz: f64, amp: f64) -> (Vec<f64>, Vec<f64>) {
        let t: Vec<f64> = (0..n).map(|i| i as f64 * 0.04).collect();
        let x = t.iter().map(|t| amp * (2.0 * PI * hz * t).sin()).collect();
        (t, x)
    }

    #[test]
    fn a_tone_stands_where_and_as_high_as_it_is() {
        let (t, x) = wave(200, 6.4, 0.7);
        let y = vec![0.0; 200];
        let mut s = Transform::new(200);
        assert!(s.run(&t, &x, &y, 0.04));
        let hz = s.strongest(0.4, 12.5).unwrap();
        assert!((hz - 6.4).abs() <= 0.05 * s.step_hz, "{hz}");
        let top = s.amplitudes(0).fold(0.0, f32::max);
        assert!((top - 0.7).abs() < 0.02, "{top}");
    }

    #[test]
    fn velocity_of_a_tone() {
        let (t, x) = wave(200, 5.2, 0.5);
        let mut s = Transform::new(200);
        assert!(s.run(&t, &x, &vec![0.0; 200], 0.04));
        let floor = s.floor_power(0.4);
        let want = 2.0 * PI * 5.2 * 0.5 / 2f64.sqrt();
        let got = s.velocity_rms(0.0, 0.4, floor, |_| 1.0);
        assert!((got / want - 1.0).abs() < 0.01, "{got} for {want}");
        assert!(s.velocity_rms(90.0, 0.4, floor, |_| 1.0) < 0.01 * want);
    }

    #[test]
    fn a_tone_stands_in_its_band() {
        let (t, x) = wave(200, 5.2, 0.5);
        let mut s = Transform::new(200);
        assert!(s.run(&t, &x, &vec![0.0; 200], 0.04));
        let mut bands = [0.0; 12];
        assert!((s.bands(0.4, &mut bands) - 12.5).abs() < 1e-9);
        let want = 0.5 / 2f64.sqrt();
        assert!((bands[4] / want - 1.0).abs() < 0.01, "4.43 to 5.44 Hz: {bands:?}");
        assert!(bands.iter().enumerate().all(|(i, b)| i == 4 || *b < 0.05 * want), "{bands:?}");
    }

    #[test]
    fn too_little_is_refused() {
        let mut s = Transform::new(200);
        assert!(!s.run(&[0.0; 5], &[0.0; 5], &[0.0; 5], 0.04));
        assert!(!s.run(&[0.0; 20], &[0.0; 20], &[0.0; 20], 0.0));
    }
}
