//! What is usual of a region: the baseline learned from it, and how far it is from that now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::quantity::Quantity;

/// Even bands of the spectrum, from the lowest frequency read to half the frame rate.
pub const BANDS: usize = 12;

/// What is usual of one number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// The median.
    pub median: f64,
    /// One spread: 1.4826 times the median absolute deviation (the standard deviation, were it normal), but not less than a small share of
    /// the median: what hardly ever varies would else deviate by its last digit.
    pub spread: f64,
}

impl Usual {
    /// How many spreads a value lies above (or, negative, below) the median; none where either is no number.
    #[must_use]
    pub fn spreads(&self, value: f64) -> Option<f64> {
        Some((value - self.median) / self.spread).filter(|z| z.is_finite())
    }

    /// The value that lies so many spreads above the median.
    #[must_use]
    pub fn at(&self, spreads: f64) -> f64 {
        self.median + spreads * self.spread
    }
}

/// What is usual of a region while its machine runs, or while it stands still.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// When it was complete.
    pub learned: Timestamp,
    /// From so many readings.
    pub readings: u32,
    /// Taken over so many seconds of the machine's time in this state.
    pub seconds: u32,
    /// The camera's scale at that time: what is in mm follows when the scale is measured anew.
    pub scale_mm_per_px: Option<f64>,
    /// Per quantity; those that were mostly unknown are missing.
    pub quantities: BTreeMap<Quantity, Usual>,
    /// Where the bands begin and end, in Hz.
    pub band_hz: (f64, f64),
    /// RMS displacement in each of [`BANDS`] even bands, in pixels.
    pub bands_px: Vec<Usual>,
}

impl Baseline {
    /// What is usual of a quantity at the present scale.
    #[must_use]
    pub fn usual(&self, quantity: Quantity, scale_mm_per_px: Option<f64>) -> Option<Usual> {
        let usual = *self.quantities.get(&quantity)?;
        if !quantity.needs_scale() {
            return Some(usual);
        }
        let times = scale_mm_per_px? / self.scale_mm_per_px?;
        Some(Usual { median: times * usual.median, spread: times * usual.spread })
    }
}

/// RMS displacement in even bands of the newest spectrum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bands {
    /// Where they begin and end, in Hz.
    pub band_hz: (f64, f64),
    /// Per band, in pixels.
    pub rms_px: [f64; BANDS],
}

/// A band that deviates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BandDeviation {
    /// Where it begins, in Hz.
    pub from_hz: f64,
    /// Where it ends, in Hz.
    pub to_hz: f64,
    /// How many spreads above (negative: below) its median.
    pub spreads: f64,
}

/// How far a reading is from the baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deviation {
    /// Spreads above (negative: below) the median, in the order of [`Quantity::ALL`]; none where unknown.
    pub quantities: [Option<f64>; Quantity::ALL.len()],
    /// The band that is farthest off.
    pub band: Option<BandDeviation>,
}

impl Deviation {
    /// Of a quantity: spreads above (negative: below) the median.
    #[must_use]
    pub fn of(&self, quantity: Quantity) -> Option<f64> {
        let at = Quantity::ALL.iter().position(|q| *q == quantity)?;
        self.quantities[at]
    }
}
