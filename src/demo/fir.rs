//! Shifts a picture by a fraction of a pixel, exactly enough to be the truth that a measurement is compared with.

/// Width of the frame around a picture that the filter may read, in pixels.
pub const PAD: usize = 8;
/// Largest shift in pixels that [`PAD`] allows.
pub const MAX_SHIFT_PX: f64 = 4.0;
const TAPS: usize = 8;
/// Shape of the Kaiser window: pass band to about 0.35 cycles a pixel within 1e-3, which the lens blur does not exceed.
const BETA: f64 = 5.0;

/// Zeroth-order modified Bessel function of the first kind, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let q = x * x / 4.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..30 {
        term *= q / f64::from(k * k);
        sum += term;
    }
    sum
}

/// Filter taps for reading `fraction` of a pixel (0 to 1) beyond the fourth sample; their sum is 1.
fn taps(fraction: f64) -> [f32; TAPS] {
    let mut h = [0.0_f64; TAPS];
    for (k, tap) in h.iter_mut().enumerate() {
        let u = k as f64 - 3.0 - fraction;
        let inside = (1.0 - (u / 4.0).powi(2)).max(0.0);
        let sinc = if u.abs() < 1e-12 { 1.0 } else { (std::f64::consts::PI * u).sin() / (std::f64::consts::PI * u) };
        *tap = sinc * bessel_i0(BETA * inside.sqrt()) / bessel_i0(BETA);
    }
    let sum: f64 = h.iter().sum();
    h.map(|v| (v / sum) as f32)
}

/// A picture with a frame of [`PAD`] pixels around it.
#[derive(Clone, Debug)]
pub struct Padded {
    /// Width without the frame.
    pub width: usize,
    /// Height without the frame.
    pub height: usize,
    /// Rows of `width + 2 * PAD` values, `height + 2 * PAD` of them.
    pub data: Vec<f32>,
}

/// First sample and taps for one axis.
fn axis(shift_px: f64) -> (usize, [f32; TAPS]) {
    let shift = shift_px.clamp(-MAX_SHIFT_PX, MAX_SHIFT_PX);
    let whole = (-shift).floor();
    let first = (PAD as i64 + whole as i64 - 3).max(0);
    (first as usize, taps(-shift - whole))
}

fn filter(inputs: [&[f32]; TAPS], h: [f32; TAPS], out: &mut [f32]) {
    let n = out.len();
    let [a, b, c, d, e, f, g, i] = inputs.map(|s| &s[..n]);
    for x in 0..n {
        out[x] = (h[0] * a[x] + h[1] * b[x] + h[2] * c[x] + h[3] * d[x])
            + (h[4] * e[x] + h[5] * f[x] + h[6] * g[x] + h[7] * i[x]);
    }
}

impl Padded {
    /// Moves the picture by (`dx_px`, `dy_px`), +x right and +y down, and writes `width` × `height` values.
    /// `scratch` is working memory, kept by the caller. Shifts beyond [`MAX_SHIFT_PX`] are cut.
    pub fn shift_into(&self, dx_px: f64, dy_px: f64, scratch: &mut Vec<f32>, out: &mut [f32]) {
        let (x0, hx) = axis(dx_px);
        let (y0, hy) = axis(dy_px);
        let stride = self.width + 2 * PAD;
        let w = self.width;
        let rows = self.height + TAPS - 1;
        scratch.resize(w * rows, 0.0);
        for (y, row) in scratch.chunks_exact_mut(w).enumerate() {
            let line = &self.data[(y + y0) * stride + x0..][..w + TAPS - 1];
            filter(std::array::from_fn(|k| &line[k..k + w]), hx, row);
        }
        for (y, row) in out.chunks_exact_mut(w).take(self.height).enumerate() {
            filter(std::array::from_fn(|k| &scratch[(y + k) * w..][..w]), hy, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sum of waves below 0.35 cycles a pixel, shifted analytically.
    fn wave(x: f64, y: f64) -> f64 {
        const PARTS: [(f64, f64); 4] = [(0.05, 0.02), (0.21, -0.13), (-0.1, 0.3), (0.31, 0.11)];
        PARTS.iter().map(|(u, v)| (std::f64::consts::TAU * (u * x + v * y) + u * 9.0).cos()).sum()
    }

    #[test]
    fn shifts_like_the_continuous_picture() {
        let (w, h) = (40, 30);
        let stride = w + 2 * PAD;
        let data = (0..stride * (h + 2 * PAD))
            .map(|i| wave((i % stride) as f64 - PAD as f64, (i / stride) as f64 - PAD as f64) as f32)
            .collect();
        let picture = Padded { width: w, height: h, data };
        let (mut scratch, mut out) = (Vec::new(), vec![0.0; w * h]);
        for (dx, dy) in [(0.0, 0.0), (0.37, -0.81), (-2.5, 1.25), (3.99, -3.99)] {
            picture.shift_into(dx, dy, &mut scratch, &mut out);
            for (i, v) in out.iter().enumerate() {
                let want = wave((i % w) as f64 - dx, (i / w) as f64 - dy);
                assert!((f64::from(*v) - want).abs() < 0.02, "{dx} {dy} {i}: {v} {want}");
            }
        }
    }
}
