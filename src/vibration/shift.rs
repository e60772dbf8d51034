//! Sub-pixel shift of a rectangle by separable windowed-sinc interpolation.

use super::luma::Luma;

/// Number of taps; the kernel spans four pixels on either side.
pub const TAPS: usize = 8;
/// Pixels that the kernel reaches before the sample it interpolates.
const BEFORE: i64 = TAPS as i64 / 2 - 1;

/// Kaiser parameter: for eight taps a compromise between ripple in the pass band and reach towards Nyquist.
const KAISER_BETA: f64 = 5.0;

/// Interpolation weights for a fraction in [0, 1), normalised so that a constant picture stays constant.
#[must_use]
pub fn kernel(fraction: f64) -> [f32; TAPS] {
    let mut w = [0.0f64; TAPS];
    let half = TAPS as f64 / 2.0;
    let mut sum = 0.0;
    for (i, w) in w.iter_mut().enumerate() {
        let x = i as f64 - BEFORE as f64 - fraction;
        let sinc = if x.abs() < 1e-12 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
        let r = x / half;
        let window = if r.abs() >= 1.0 { 0.0 } else { bessel_i0(KAISER_BETA * (1.0 - r * r).sqrt()) };
        *w = sinc * window;
        sum += *w;
    }
    w.map(|w| (w / sum) as f32)
}

/// Modified Bessel function of the first kind, order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let q = x * x / 4.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..30 {
        term *= q / f64::from(k * k);
        sum += term;
        if term < sum * 1e-12 {
            break;
        }
    }
    sum
}

/// Scratch for one rectangle size; made once, so that shifting allocates nothing.
#[derive(Clone, Debug)]
pub struct Shifter {
    w: usize,
    h: usize,
    /// One source row, `w + TAPS - 1` wide.
    line: Vec<f32>,
    /// Rows after the horizontal pass, `(h + TAPS - 1) * w`.
    rows: Vec<f32>,
}

impl Shifter {
    /// For rectangles of `w` by `h` pixels.
    #[must_use]
    pub fn new(w: usize, h: usize) -> Self {
        Self { w, h, line: vec![0.0; w + TAPS - 1], rows: vec![0.0; (h + TAPS - 1) * w] }
    }

    /// Writes the picture at the rectangle with its corner at (`x`, `y`), moved by (`dx`, `dy`) pixels, to `out`
    /// (row by row, `w * h`): `out[i, j] = picture(x + j + dx, y + i + dy)`. Beyond the picture its edge repeats.
    pub fn sample(&mut self, luma: &Luma<'_>, x: i64, y: i64, (dx, dy): (f64, f64), out: &mut [f32]) {
        let (ix, iy) = (dx.floor(), dy.floor());
        let (kx, ky) = (kernel(dx - ix), kernel(dy - iy));
        let x0 = x + ix as i64 - BEFORE;
        let y0 = y + iy as i64 - BEFORE;
        let w = self.w;
        for (i, row) in self.rows.chunks_exact_mut(w).enumerate() {
            luma.copy_row(x0, y0 + i as i64, &mut self.line);
            fir_row(&self.line, &kx, row);
        }
        for (i, row) in out.chunks_exact_mut(w).enumerate().take(self.h) {
            fir_columns(&self.rows[i * w..(i + TAPS) * w], w, &ky, row);
        }
    }
}

/// Horizontal pass: `out[j] = Σ k[t] · line[j + t]`. Written so that the compiler vectorises over `j`.
fn fir_row(line: &[f32], k: &[f32; TAPS], out: &mut [f32]) {
    let n = out.len();
    let s: [&[f32]; TAPS] = std::array::from_fn(|t| &line[t..t + n]);
    for j in 0..n {
        let a = k[0] * s[0][j] + k[1] * s[1][j];
        let b = k[2] * s[2][j] + k[3] * s[3][j];
        let c = k[4] * s[4][j] + k[5] * s[5][j];
        let d = k[6] * s[6][j] + k[7] * s[7][j];
        out[j] = (a + b) + (c + d);
    }
}

/// Vertical pass over `TAPS` rows of width `w`.
fn fir_columns(rows: &[f32], w: usize, k: &[f32; TAPS], out: &mut [f32]) {
    let s: [&[f32]; TAPS] = std::array::from_fn(|t| &rows[t * w..(t + 1) * w]);
    let out = &mut out[..w];
    for j in 0..w {
        let a = k[0] * s[0][j] + k[1] * s[1][j];
        let b = k[2] * s[2][j] + k[3] * s[3][j];
        let c = k[4] * s[4][j] + k[5] * s[5][j];
        let d = k[6] * s[6][j] + k[7] * s[7][j];
        out[j] = (a + b) + (c + d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_shifts_copy_and_constants_stay() {
        let k = kernel(0.0);
        for (i, v) in k.iter().enumerate() {
            assert!((v - if i == 3 { 1.0 } else { 0.0 }).abs() < 1e-6, "tap {i}: {v}");
        }
        for f in [0.1, 0.5, 0.9] {
            let sum: f32 = kernel(f).iter().sum();
            assert!((sum - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn interpolates_a_band_limited_wave() {
        // A wave of a quarter cycle a pixel: well inside what a lens passes.
        let wave = |x: f64, y: f64| 128.0 + 60.0 * (1.3 * x + 0.4 * y).sin();
        let (w, h) = (64usize, 64usize);
        let data: Vec<u8> = (0..w * h).map(|i| wave((i % w) as f64, (i / w) as f64).round() as u8).collect();
        let luma = Luma::new(&data, w, w, h).unwrap();
        let mut s = Shifter::new(20, 20);
        let mut out = vec![0.0; 400];
        s.sample(&luma, 20, 20, (0.37, -2.61), &mut out);
        let worst = (0..400)
            .map(|i| (f64::from(out[i]) - wave(20.37 + (i % 20) as f64, 17.39 + (i / 20) as f64)).abs())
            .fold(0.0, f64::max);
        assert!(worst < 1.2, "off by {worst} grey levels (rounding alone gives about 0.7)");
    }
}
