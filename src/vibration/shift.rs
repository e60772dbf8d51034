//! Weights of windowed-sinc interpolation: moves residuals back by a sub-pixel displacement.

/// Number of taps; the kernel spans four pixels on either side.
pub const TAPS: usize = 8;
/// Pixels that the kernel reaches before the sample it interpolates.
const BEFORE: i64 = TAPS as i64 / 2 - 1;

/// Kaiser parameter: for eight taps a compromise between ripple in the pass band and reach towards Nyquist.
const KAISER_BETA: f64 = 5.0;

/// The same for the kernel of twice the band, which has sixteen taps of its own grid.
const KAISER_BETA_HALF: f64 = 6.0;

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

/// Weights that spread a pixel onto a grid of two samples a pixel: the same kernel for a band of twice the width, not normalised.
#[must_use]
pub fn kernel_half(fraction: f64) -> [f32; TAPS] {
    std::array::from_fn(|i| {
        let x = i as f64 - BEFORE as f64 - fraction;
        let angle = 2.0 * std::f64::consts::PI * x;
        let sinc = if angle.abs() < 1e-12 { 1.0 } else { angle.sin() / angle };
        let r = x / (TAPS as f64 / 2.0);
        let window = if r.abs() >= 1.0 { 0.0 } else { bessel_i0(KAISER_BETA_HALF * (1.0 - r * r).sqrt()) };
        (sinc * window / bessel_i0(KAISER_BETA_HALF)) as f32
    })
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
        // A wave of a fifth of a cycle a pixel: well inside what a lens passes.
        let wave = |x: f64| (1.3 * x + 0.4).sin();
        for f in [0.1, 0.37, 0.5, 0.82] {
            let got: f64 = kernel(f).iter().zip(0..).map(|(k, i)| f64::from(*k) * wave(f64::from(i - 3))).sum();
            assert!((got - wave(f)).abs() < 4e-3, "{f}: {got}");
        }
    }
}
