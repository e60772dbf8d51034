//! What is measured of a region: samples per frame, readings over a window, waveform and spectrum.

mod sample;
mod tone;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, Deviation};
use super::compensation::Taken;
use super::quantity::Quantity;
use crate::base::clock::Mono;
pub use sample::{Bend, Fit, Marks, Sample};
pub use tone::{Alias, AliasEvidence, Candidate, Harmonic, Tone};

/// What a region is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A machine part whose vibration is wanted.
    #[default]
    Asset,
    /// Something that stands still: its apparent motion is the camera's own and is subtracted from the assets'.
    Background,
}

/// How far a reading can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As stated.
    Good,
    /// Usable, less certain than usual.
    Reduced,
    /// An indication only.
    Poor,
    /// Not a measurement: raises a measurement fault, never a vibration alarm.
    #[default]
    Untrusted,
}

impl Grade {
    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Reduced => "reduced",
            Self::Poor => "poor",
            Self::Untrusted => "untrusted",
        }
    }
}

/// Why a grade is not better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The window is not full yet.
    Settling,
    /// Too little contrast to measure against.
    LowTexture,
    /// The stated uncertainty is large against the reading.
    Noise,
    /// The target was not recognised in some or all frames.
    TargetLost,
    /// Frames are missing in the window.
    DroppedFrames,
    /// No background region is usable, so the camera's own shake would be in the reading.
    NoBackground,
    /// No fresh frame.
    Stale,
    /// The region does not lie inside the picture.
    OutsidePicture,
    /// The machine's frequency lies above half the frame rate, and is not seen where it would fold to.
    AboveNyquist,
    /// The tone shown is the machine's, folded from above half the frame rate and carried back.
    Folded,
    /// Something was in front of the target, or its light was uneven: steam, dust, shadow.
    Covered,
    /// The motion is as small as what the stream's codec takes away.
    Codec,
    /// Parts of the region moved differently: haze, or more than one body.
    Haze,
    /// Only motion across the region's edges is seen.
    OneDirection,
    /// The light has changed much since the reference was taken.
    Light,
    /// Too many pixels are black or white.
    Saturation,
    /// The stream's timestamps are uneven against the tone's period.
    Jitter,
    /// A part of the region is left out: covered, or moving otherwise.
    LeftOut,
    /// The tone may be folded from above half the frame rate.
    SuspectedAlias,
    /// A compensation is switched off, by configuration or by hand.
    Uncompensated,
    /// Something within the region stands still while the rest moves, and holds the displacement back.
    StillParts,
    /// The rows of a rolling shutter show the motion one after the other, and in the mean over the region less is left of it.
    RollingShutter,
}

impl Reason {
    /// The reason in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Settling => "still settling",
            Self::LowTexture => "low texture",
            Self::Noise => "noise",
            Self::TargetLost => "target lost",
            Self::DroppedFrames => "dropped frames",
            Self::NoBackground => "no background region to be seen",
            Self::Stale => "no fresh frame",
            Self::OutsidePicture => "outside the picture",
            Self::AboveNyquist => "machine faster than half the frame rate",
            Self::Folded => "folded from above half the frame rate",
            Self::Covered => "something in front, or uneven light",
            Self::Codec => "codec: so small a motion is coded away",
            Self::Haze => "haze, or parts that move differently",
            Self::OneDirection => "only motion across its edges is seen",
            Self::Light => "light changed",
            Self::Saturation => "too dark or too bright",
            Self::Jitter => "uneven timestamps",
            Self::LeftOut => "a part is left out: covered, or moving otherwise",
            Self::SuspectedAlias => "may be an alias",
            Self::Uncompensated => "a compensation is switched off",
            Self::StillParts => "something in the region stands still",
            Self::RollingShutter => "rolling shutter: its rows lie apart in time",
        }
    }
}

/// What a region does, over the newest window of samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// When the newest sample came.
    pub at: Mono,
    /// Newest displacement, in pixels.
    pub dx_px: f64,
    /// Newest displacement, in pixels.
    pub dy_px: f64,
    /// Peak to peak along the main direction over the window, drift removed, in pixels.
    pub displacement_pp_px: f64,
    /// Root mean square along the main direction over the window, drift removed, in pixels.
    pub displacement_rms_px: f64,
    /// The same in mm, where the scale is known.
    pub displacement_pp_mm: Option<f64>,
    /// The same in mm, where the scale is known.
    pub displacement_rms_mm: Option<f64>,
    /// Velocity RMS in mm/s over the band of the camera, where the scale is known.
    pub velocity_rms_mm_s: Option<f64>,
    /// The strongest tone; none where nothing stands out of the noise.
    pub tone: Option<Tone>,
    /// One-sigma uncertainty of one displacement, in pixels.
    pub uncertainty_px: f64,
    /// How far all of this can be trusted.
    pub grade: Grade,
    /// Why not further.
    pub reasons: Vec<Reason>,
    /// Whether the frequency shown may be an alias: `None` while the machine's own frequency is not known, unless there is strong evidence
    /// that it is one.
    pub aliased: Option<bool>,
    /// Where in the spectrum the tone stands, in Hz, when it was folded there from the machine's own frequency and carried back.
    pub folded_hz: Option<f64>,
    /// The smallest amplitude of a tone that would be told from noise now, in pixels; infinite where nothing would be.
    pub smallest_px: f64,
    /// Multiples of the tone's frequency that stand out, at most five.
    pub harmonics: Arc<[Harmonic]>,
    /// What is known of the tone's true frequency where no machine speed is; none without evidence.
    pub alias: Option<Arc<Alias>>,
    /// RMS of the region's own turn over the window, in radians; none where the region is too small.
    pub turn_rms_rad: Option<f64>,
    /// Share of the region that is left out of the fit now: covered, or moving otherwise.
    pub left_out: f64,
    /// Samples in the window.
    pub samples: usize,
    /// How far it is from the region's baseline; none while there is none.
    pub deviation: Option<Deviation>,
    /// What was taken off that is not the machine's motion.
    pub taken: Taken,
}

impl Reading {
    /// The value of a quantity; none where it is not known.
    #[must_use]
    pub fn value(&self, q: Quantity) -> Option<f64> {
        match q {
            Quantity::VelocityRmsMmS => self.velocity_rms_mm_s,
            Quantity::DisplacementPpMm => self.displacement_pp_mm,
            Quantity::DisplacementRmsMm => self.displacement_rms_mm,
            Quantity::DisplacementPpPx => Some(self.displacement_pp_px),
            Quantity::DisplacementRmsPx => Some(self.displacement_rms_px),
            Quantity::PeakAmplitudePx => self.tone.map(|t| t.major_px),
            Quantity::PeakHz => self.tone.map(|t| t.hz),
            Quantity::SpectrumDeviation => self.deviation.and_then(|d| d.band).map(|b| b.spreads.abs()),
        }
    }
}

impl Reading {
    /// The smallest velocity that would be told from noise now, RMS in mm/s, of a tone at the machine's own frequency or else at that of the main
    /// tone; none where neither is known.
    #[must_use]
    pub fn smallest_velocity_mm_s(&self, nominal_hz: Option<f64>, scale_mm_per_px: Option<f64>) -> Option<f64> {
        let hz = nominal_hz.or(self.tone.map(|t| t.hz))?;
        let velocity = std::f64::consts::TAU * hz * self.smallest_px / std::f64::consts::SQRT_2 * scale_mm_per_px?;
        velocity.is_finite().then_some(velocity)
    }

    /// What is held against a limit of this kind; none where it is not known.
    #[must_use]
    pub fn against(&self, quantity: Quantity, kind: LimitKind) -> Option<f64> {
        match kind {
            LimitKind::Value => self.value(quantity),
            LimitKind::Deviation => self.deviation.and_then(|d| d.of(quantity)).map(f64::abs),
        }
    }
}

/// The newest window of displacement, drift removed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waveform {
    /// Seconds before the newest sample (0 for the newest, negative before).
    pub t_s: Vec<f32>,
    /// Displacement in pixels; NaN where the target was lost.
    pub dx_px: Vec<f32>,
    /// Displacement in pixels; NaN where the target was lost.
    pub dy_px: Vec<f32>,
    /// One-sigma uncertainty of each of the two, in pixels; NaN where the target was lost.
    pub sigma_px: Vec<f32>,
}

/// Single-sided amplitude spectrum of the newest window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spectrum {
    /// Distance of two lines in Hz; the first line is at 0 Hz.
    pub step_hz: f32,
    /// Amplitude per line along x, in pixels.
    pub x_px: Vec<f32>,
    /// Amplitude per line along y, in pixels.
    pub y_px: Vec<f32>,
    /// Noise floor as amplitude per line, in pixels.
    pub floor_px: f32,
}

/// The spectra of the newest minutes, one a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spectrogram {
    /// The frequency at which a column ends, in Hz; it begins at 0.
    pub end_hz: f32,
    /// The noise floor as amplitude, in pixels, of the newest second.
    pub floor_px: f32,
    /// Oldest first. Each column holds the largest amplitude in so many even bands from 0 Hz up, in pixels; it is empty where
    /// nothing was measured in that second.
    pub columns: Vec<Arc<[f32]>>,
}

/// What a limit is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitKind {
    /// The quantity itself, in its unit.
    #[default]
    Value,
    /// How far the quantity is from the region's baseline, above or below, in spreads.
    Deviation,
}

/// A limit as configured, for drawing beside the value.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitMark {
    /// On what.
    pub quantity: Quantity,
    /// Against what.
    pub kind: LimitKind,
    /// Where the warning starts.
    pub warning: Option<f64>,
    /// Where the alarm starts.
    pub alarm: Option<f64>,
}

impl LimitMark {
    /// What is held against this limit.
    #[must_use]
    pub fn value(&self, reading: &Reading) -> Option<f64> {
        reading.against(self.quantity, self.kind)
    }

    /// The unit of the limit and of what is held against it.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        match self.kind {
            LimitKind::Value => self.quantity.unit(),
            LimitKind::Deviation => Quantity::SpectrumDeviation.unit(),
        }
    }
}

/// Worst level of a region over all its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// No reading that can be trusted.
    #[default]
    Unknown,
    /// The machine is not running; limits do not apply.
    Stopped,
    /// Below every limit, or there is none.
    Normal,
    /// Above a warning.
    Warning,
    /// Above an alarm limit.
    Alarm,
}

impl Level {
    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Stopped => "stopped",
            Self::Normal => "normal",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}

/// A region on the board.
#[derive(Clone, Debug)]
pub struct RoiBoard {
    /// Its name.
    pub id: super::RoiId,
    /// What it is there for.
    pub role: Role,
    /// x, y, width, height in pixels.
    pub rect: [u32; 4],
    /// The newest reading; none before the first.
    pub reading: Option<Arc<Reading>>,
    /// Against its limits.
    pub level: Level,
    /// Whether the machine runs, where a tag tells.
    pub running: Option<bool>,
    /// What is wrong with the region itself, in words ("lies outside the 1280×720 picture").
    pub fault: Option<Arc<str>>,
    /// Its limits.
    pub limits: Arc<[LimitMark]>,
    /// The machine's own frequency where it is known, in Hz.
    pub nominal_hz: Option<f64>,
    /// The newest window.
    pub waveform: Arc<Waveform>,
    /// Its spectrum.
    pub spectrum: Arc<Spectrum>,
    /// Its spectra over the newest minutes.
    pub spectrogram: Arc<Spectrogram>,
    /// The first limit's quantity (velocity where the scale is known, else displacement), one value a second over ten minutes, oldest first; NaN where unknown.
    pub trend: Arc<[f32]>,
    /// The quantity of `trend`.
    pub trend_quantity: Quantity,
    /// What is usual of it in the state that its machine is in now; none while that is not learned.
    pub baseline: Option<Arc<Baseline>>,
    /// How much of the baseline is learned, 0 to 1; none where none is being learned.
    pub learning: Option<f32>,
}

/// What is wrong with a picture of this size where another one came first, in words; none if it is the same.
#[must_use]
pub fn resized((width, height): (u32, u32), first: (u32, u32)) -> Option<String> {
    if (width, height) == first {
        return None;
    }
    let (w, h) = first;
    Some(format!(
        "the picture is {width}×{height} and was {w}×{h}: regions and scales hold for that; set the camera back, or set them anew and start again"
    ))
}

/// What is wrong with a region (x, y, width, height) in a picture of this size, in words; none if it lies inside.
#[must_use]
pub fn region_fault(rect: [u32; 4], (width, height): (u32, u32)) -> Option<String> {
    let [x, y, w, h] = rect.map(u64::from);
    if x + w <= u64::from(width) && y + h <= u64::from(height) {
        return None;
    }
    Some(format!(
        "the region {x},{y} {w}×{h} lies outside the picture of {width}×{height}; set rect so that x + width is at most {width} and y + height at most {height}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_outside_are_named() {
        assert!(region_fault([1200, 10, 80, 32], (1280, 720)).is_none());
        let text = region_fault([1200, 10, 100, 32], (1280, 720)).unwrap();
        assert!(text.contains("1280×720"), "{text}");
        assert!(region_fault([u32::MAX, 0, u32::MAX, 8], (1280, 720)).is_some());
    }
}
