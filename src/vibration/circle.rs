//! Sine and cosine of many angles at once, as exact as a measurement needs, in a form that the compiler turns into lanes.

use std::f64::consts::PI;

/// Adding and taking this off rounds to the nearest whole number (1.5·2⁵²).
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Cosine and sine of so many turns, with an error below 1e-12 up to 2⁵⁰ turns: the nearest whole turn is left out, the rest halved, and the
/// power series of the half angle (within a quarter turn) doubled.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
#[must_use]
pub fn cos_sin(turns: f64) -> (f64, f64) {
    let h = PI * (turns - ((turns + ROUND) - ROUND));
    let q = h * h;
    let s = h
        * (1.0
            + q * (-1.0 / 6.0
                + q * (1.0 / 120.0
                    + q * (-1.0 / 5_040.0
                        + q * (1.0 / 362_880.0
                            + q * (-1.0 / 39_916_800.0
                                + q * (1.0 / 6_227_020_800.0
                                    + q * (-1.0 / 1_307_674_368_000.0 + q / 355_687_428_096_000.0))))))));
    let c = 1.0
        + q * (-1.0 / 2.0
            + q * (1.0 / 24.0
                + q * (-1.0 / 720.0
                    + q * (1.0 / 40_320.0
                        + q * (-1.0 / 3_628_800.0
                            + q * (1.0 / 479_001_600.0 + q * (-1.0 / 87_178_291_200.0 + q / 20_922_789_888_000.0)))))));
    (1.0 - 2.0 * s * s, 2.0 * s * c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_as_exact_as_it_says() {
        for i in -4000..4000 {
            let turns = f64::from(i) * 0.012_345_678_9;
            let (c, s) = cos_sin(turns);
            let (ws, wc) = (2.0 * PI * turns).sin_cos();
            assert!((c - wc).abs() < 2e-12 && (s - ws).abs() < 2e-12, "{turns}: {c} {wc} {s} {ws}");
        }
        for turns in [0.0, 0.5, -0.5, 0.25, 1e9 + 0.25] {
            let (c, s) = cos_sin(turns);
            assert!((c * c + s * s - 1.0).abs() < 1e-12, "{turns}");
        }
    }
}
