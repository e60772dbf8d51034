//! The measured quantities that a limit can be set on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A quantity of a region, named as in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Velocity, root mean square over the band that the frame rate allows, in mm/s.
    VelocityRmsMmS,
    /// Displacement, peak to peak over the window, in mm.
    DisplacementPpMm,
    /// Displacement, root mean square over the window, in mm.
    DisplacementRmsMm,
    /// Displacement, peak to peak over the window, in pixels.
    DisplacementPpPx,
    /// Displacement, root mean square over the window, in pixels.
    DisplacementRmsPx,
    /// Amplitude (semi-major axis of the orbit) of the strongest tone, in pixels.
    PeakAmplitudePx,
    /// Frequency of the strongest tone, in Hz.
    PeakHz,
    /// How far the spectrum is from the region's baseline: of the band that is farthest off, in spreads.
    SpectrumDeviation,
}

impl Quantity {
    /// Every quantity, in the order of the reference.
    pub const ALL: [Self; 8] = [
        Self::VelocityRmsMmS,
        Self::DisplacementPpMm,
        Self::DisplacementRmsMm,
        Self::DisplacementPpPx,
        Self::DisplacementRmsPx,
        Self::PeakAmplitudePx,
        Self::PeakHz,
        Self::SpectrumDeviation,
    ];

    /// The name in the configuration and in JSON.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::VelocityRmsMmS => "velocity_rms_mm_s",
            Self::DisplacementPpMm => "displacement_pp_mm",
            Self::DisplacementRmsMm => "displacement_rms_mm",
            Self::DisplacementPpPx => "displacement_pp_px",
            Self::DisplacementRmsPx => "displacement_rms_px",
            Self::PeakAmplitudePx => "peak_amplitude_px",
            Self::PeakHz => "peak_hz",
            Self::SpectrumDeviation => "spectrum_deviation",
        }
    }

    /// The quantity of that name.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|q| q.key() == key)
    }

    /// One or two words for a sentence: `velocity`, `displacement`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::VelocityRmsMmS => "velocity",
            Self::DisplacementPpMm | Self::DisplacementPpPx => "displacement p-p",
            Self::DisplacementRmsMm | Self::DisplacementRmsPx => "displacement RMS",
            Self::PeakAmplitudePx => "amplitude",
            Self::PeakHz => "frequency",
            Self::SpectrumDeviation => "spectrum",
        }
    }

    /// The unit, as shown after a number.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::VelocityRmsMmS => "mm/s",
            Self::DisplacementPpMm | Self::DisplacementRmsMm => "mm",
            Self::DisplacementPpPx | Self::DisplacementRmsPx | Self::PeakAmplitudePx => "px",
            Self::PeakHz => "Hz",
            Self::SpectrumDeviation => "spreads",
        }
    }

    /// Whether the camera's scale (mm per pixel) must be known.
    #[must_use]
    pub fn needs_scale(self) -> bool {
        matches!(self, Self::VelocityRmsMmS | Self::DisplacementPpMm | Self::DisplacementRmsMm)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}
