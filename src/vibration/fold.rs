//! Frequencies above half the frame rate: where they are seen, and what the open shutter leaves of them.

use std::f64::consts::PI;

use super::circle::cos_sin;
use super::reference::invert;

/// Less than this share of an amplitude left by the shutter cannot be corrected for.
pub const LEAST_LEFT: f64 = 0.2;

/// A frequency above half the frame rate, and where it is seen.
#[derive(Clone, Copy, Debug)]
pub struct Fold {
    /// What it is.
    pub nominal_hz: f64,
    /// Where it is seen.
    pub seen_hz: f64,
    /// The multiple of the frame rate next to it.
    carrier_hz: f64,
}

impl Fold {
    /// For a frequency at a frame rate.
    #[must_use]
    pub fn of(nominal_hz: f64, rate_hz: f64) -> Self {
        let carrier_hz = (nominal_hz / rate_hz).round() * rate_hz;
        Self { nominal_hz, seen_hz: (nominal_hz - carrier_hz).abs(), carrier_hz }
    }

    /// The frequency that is seen at `seen_hz`.
    #[must_use]
    pub fn back(&self, seen_hz: f64) -> f64 {
        if self.nominal_hz >= self.carrier_hz { self.carrier_hz + seen_hz } else { self.carrier_hz - seen_hz }
    }
}

/// sin(πx)/(πx).
#[must_use]
pub fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Where a frequency is seen at a frame rate.
#[must_use]
pub fn seen_hz(hz: f64, rate_hz: f64) -> f64 {
    (hz - (hz / rate_hz).round() * rate_hz).abs()
}

/// One frequency's part in a series: `cos·cos(ωt) + sin·sin(ωt)`, and the one-sigma uncertainty of each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Amplitude {
    /// Cosine part, by the time of the first sample.
    pub cos: f64,
    /// Sine part.
    pub sin: f64,
    /// Uncertainty by what the rest of the series holds.
    pub sigma: f64,
}

impl Amplitude {
    /// Its square.
    #[must_use]
    pub fn square(&self) -> f64 {
        self.cos * self.cos + self.sin * self.sin
    }
}

/// The part of one frequency in each series by least squares, offset and trend beside it; a sample of which anything is not finite is left
/// out. None where there are too few.
#[must_use]
pub fn amplitudes<const K: usize>(t_s: &[f64], series: [&[f64]; K], hz: f64) -> Option<[Amplitude; K]> {
    let first = *t_s.first()?;
    let span = (t_s.last()? - first).max(1e-9);
    let (mut g, mut r, mut square, mut n) = ([[0.0; 4]; 4], [[0.0; 4]; K], [0.0; K], 0.0);
    for (i, t) in t_s.iter().enumerate() {
        let v: [f64; K] = std::array::from_fn(|k| series[k].get(i).copied().unwrap_or(f64::NAN));
        if !v.iter().all(|v| v.is_finite()) {
            continue;
        }
        let (c, s) = cos_sin(hz * (t - first));
        let b = [1.0, (t - first) / span, c, s];
        for k in 0..4 {
            for l in k..4 {
                g[k][l] += b[k] * b[l];
            }
        }
        for ((r, square), v) in r.iter_mut().zip(&mut square).zip(&v) {
            for (r, b) in r.iter_mut().zip(&b) {
                *r += b * v;
            }
            *square += v * v;
        }
        n += 1.0;
    }
    if n < 12.0 {
        return None;
    }
    for k in 1..4 {
        for l in 0..k {
            g[k][l] = g[l][k];
        }
    }
    let inverse = invert(&g)?;
    Some(std::array::from_fn(|k| {
        let p = inverse.map(|row| row.iter().zip(&r[k]).map(|(a, b)| a * b).sum::<f64>());
        let explained: f64 = p.iter().zip(&r[k]).map(|(a, b)| a * b).sum();
        let variance = (square[k] - explained).max(0.0) / (n - 4.0);
        Amplitude { cos: p[2], sin: p[3], sigma: (variance * inverse[2][2].max(inverse[3][3])).sqrt() }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amplitude_is_found_beside_drift_and_gaps() {
        let t: Vec<f64> = (0..200).filter(|i| i % 9 != 4).map(|i| f64::from(i) * 0.04).collect();
        let at = |t: f64| 3.0 + 0.2 * t + 0.5 * (2.0 * PI * 7.3 * t).cos() - 0.3 * (2.0 * PI * 7.3 * t).sin();
        let mut v: Vec<f64> = t.iter().map(|t| at(*t)).collect();
        v[17] = f64::NAN;
        let [a] = amplitudes(&t, [&v], 7.3).unwrap();
        assert!((a.cos - 0.5).abs() < 1e-9 && (a.sin + 0.3).abs() < 1e-9 && a.sigma < 1e-6, "{a:?}");
        assert_eq!(amplitudes(&t[..5], [&v[..5]], 7.3), None);
        assert!((seen_hz(33.8, 25.0) - 8.8).abs() < 1e-9 && (seen_hz(16.2, 25.0) - 8.8).abs() < 1e-9);
    }
}
