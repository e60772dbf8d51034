//! Frequencies above half the frame rate: where they are seen, and what the open shutter leaves of them.

use std::f64::consts::PI;

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
