//! Frequencies above half the frame rate: where they are seen, and what the open shutter leaves of them.

use std::f64::consts::PI;

use super::reference::invert;

/// Less than this share of an amplitude left by the shutter cannot be corrected for.
pub const LEAST_LEFT: f64 = 0.2;

/// A frequency above half the frame rate, and where it is seen.
#[expect(clippy::struct_field_names, reason = "units stand last in names")]
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

/// The part of one frequency by least squares, offset and trend beside it; what is not finite is left out. None where there is too little.
#[must_use]
pub fn amplitude(t_s: &[f64], v: &[f64], hz: f64) -> Option<Amplitude> {
    let first = *t_s.first()?;
    let span = (t_s.last()? - first).max(1e-9);
    let (mut g, mut r, mut square, mut n) = ([[0.0; 4]; 4], [0.0; 4], 0.0, 0.0);
    for (t, v) in t_s.iter().zip(v).filter(|(_, v)| v.is_finite()) {
        let (s, c) = (2.0 * PI * hz * (t - first)).sin_cos();
        let b = [1.0, (t - first) / span, c, s];
        for (row, (a, r)) in g.iter_mut().zip(b.iter().zip(&mut r)) {
            for (g, b) in row.iter_mut().zip(&b) {
                *g += a * b;
            }
            *r += a * v;
        }
        square += v * v;
        n += 1.0;
    }
    if n < 12.0 {
        return None;
    }
    let inverse = invert(&g)?;
    let p = inverse.map(|row| row.iter().zip(&r).map(|(a, b)| a * b).sum::<f64>());
    let explained: f64 = p.iter().zip(&r).map(|(a, b)| a * b).sum();
    let variance = (square - explained).max(0.0) / (n - 4.0);
    Some(Amplitude { cos: p[2], sin: p[3], sigma: (variance * inverse[2][2].max(inverse[3][3])).sqrt() })
}
