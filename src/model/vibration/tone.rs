//! Tones: the main one, its harmonics, and what it may be an alias of.

use serde::{Deserialize, Serialize};

/// The main tone of a region: an ellipse run through at one frequency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tone {
    /// Frequency in Hz.
    pub hz: f64,
    /// One-sigma uncertainty of the frequency, in Hz.
    pub sigma_hz: f64,
    /// Semi-major axis of the orbit, in pixels: the amplitude along the direction of largest motion.
    pub major_px: f64,
    /// Semi-minor axis, in pixels.
    pub minor_px: f64,
    /// Direction of the major axis in degrees, 0 along +x, 90 along +y, in [0, 180).
    pub angle_deg: f64,
    /// One-sigma uncertainty of the amplitude, in pixels.
    pub sigma_px: f64,
}

/// A multiple of the main tone's frequency that stands out of the noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Harmonic {
    /// Which multiple.
    pub order: u8,
    /// Its frequency in Hz.
    pub hz: f64,
    /// Where in the spectrum it stands, in Hz; elsewhere than `hz` where it is folded.
    pub seen_hz: f64,
    /// Its amplitude along its largest motion, in pixels.
    pub amplitude_px: f64,
    /// One-sigma uncertainty of the amplitude, in pixels.
    pub sigma_px: f64,
}

impl Harmonic {
    /// Whether it is folded from above half the frame rate.
    #[must_use]
    pub fn folded(&self) -> bool {
        (self.seen_hz - self.hz).abs() > 1e-6 * self.hz
    }
}

/// A frequency that the main tone may really have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// In Hz.
    pub hz: f64,
    /// How much speaks for it; all together make 1.
    pub weight: f64,
}

/// What is known of the main tone's true frequency from a single frame rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// Whether the evidence is that the tone is not what it looks like.
    pub suspected: bool,
    /// What it may be, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// Why.
    pub evidence: Vec<AliasEvidence>,
}

/// One piece of evidence on what a tone really is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AliasEvidence {
    /// The rolling shutter's slope down the picture asks for a frequency, running as the tone does or backwards.
    Slope {
        /// The frequency by the camera's line time, in Hz.
        asked_hz: f64,
        /// Whether it runs against the tone.
        backwards: bool,
    },
    /// The slope runs as the tone does or backwards; the line time is not known.
    Direction {
        /// Whether it runs against the tone.
        backwards: bool,
    },
    /// At a lower frequency the readout would take longer than a frame.
    TooSlow {
        /// The lowest that is possible, in Hz.
        least_hz: f64,
    },
    /// The open shutter would smear higher candidates away.
    Exposure {
        /// From where on, in Hz.
        above_hz: f64,
    },
}

impl std::fmt::Display for AliasEvidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let runs = |backwards: bool| if backwards { "backwards, as a folded tone does" } else { "as the tone does" };
        match self {
            Self::Slope { asked_hz, backwards } => {
                write!(f, "lower rows run {}; the readout time makes that {asked_hz:.1} Hz", runs(*backwards))
            }
            Self::Direction { backwards } => write!(f, "lower rows run {}", runs(*backwards)),
            Self::TooSlow { least_hz } => {
                write!(f, "below {least_hz:.1} Hz the readout would take longer than a frame")
            }
            Self::Exposure { above_hz } => write!(f, "the open shutter smears what is above {above_hz:.0} Hz"),
        }
    }
}

impl Alias {
    /// Whether it says anything: that the tone is not what it looks like, or which one it is.
    #[must_use]
    pub fn tells(&self) -> bool {
        self.suspected || self.candidates.first().is_some_and(|c| c.weight > 0.9)
    }

    /// All evidence in words.
    #[must_use]
    pub fn words(&self) -> String {
        self.evidence.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}
