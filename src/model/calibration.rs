//! How well a camera measures while the machine stands: its noise floor, what is kept of it as a reference, and how two compare.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::vibration::Role;
use super::{CameraId, RoiId};

/// A known length, and where its ends are in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Length {
    /// The length in mm.
    pub length_mm: f64,
    /// Its one-sigma uncertainty in mm.
    pub sigma_mm: f64,
    /// One end: x and y in pixels.
    pub from_px: (f64, f64),
    /// The other end: x and y in pixels.
    pub to_px: (f64, f64),
}

/// Noise of a region's displacement over the band from 0.5 Hz to half the frame rate. Values are those of the worse axis where they are
/// not named after one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// RMS over the band, in pixels.
    pub noise_px: f64,
    /// The same of the horizontal axis, in pixels.
    pub noise_x_px: f64,
    /// The same of the vertical axis, in pixels.
    pub noise_y_px: f64,
    /// Its density, in pixels per root hertz.
    pub density_px_per_root_hz: f64,
    /// Upper end of the band: half the frame rate, in Hz.
    pub band_to_hz: f64,
    /// Stated one-sigma uncertainty of one frame's displacement, in pixels.
    pub uncertainty_px: f64,
    /// Smallest amplitude of a tone that stands out in a window of eight seconds, in pixels.
    pub detectable_px: f64,
}

/// What a region's mean picture offers to measure against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Mean squared difference of neighbouring pixels over the variance of all: falls with blur, whatever the contrast.
    pub sharpness: f64,
    /// Mean squared gradient along the direction that has less of it, in grey levels squared per pixel squared: what the
    /// displacement is determined by.
    pub texture: f64,
}

/// One region as it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct RestRegion {
    /// Its id.
    pub id: RoiId,
    /// x, y, width, height in pixels.
    pub rect: [u32; 4],
    /// What it is there for.
    pub role: Role,
    /// Frames with the target, and all frames that were to be measured.
    pub frames: (u64, u64),
    /// Its noise; none where it could not be measured.
    pub noise: Option<Noise>,
    /// Its picture; none where it lies outside the camera's.
    pub look: Option<Look>,
    /// Why this is no noise floor, in words: it moved, the target was lost. Empty if it is one.
    pub faults: Vec<String>,
    /// The camera's own motion in words, where a background shows it: it is taken off the assets, and so no fault.
    pub shake: Option<String>,
}

/// A small copy of the whole picture, by which a shifted view is seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Width in its own pixels.
    pub width: usize,
    /// Height in its own pixels.
    pub height: usize,
    /// Pixels of the camera's picture, either way, that one of its pixels stands for.
    pub step_px: usize,
    /// Grey levels, row by row.
    pub luma: Vec<u8>,
}

/// A camera measured while the machine stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Rest {
    /// The camera.
    pub camera: CameraId,
    /// When.
    pub at: Timestamp,
    /// Address or file.
    pub input: String,
    /// Width and height of the picture in pixels.
    pub size: (u32, u32),
    /// Frames a second.
    pub fps: f64,
    /// How long, in seconds.
    pub span_s: f64,
    /// How many frames.
    pub frames: u64,
    /// Scale as configured at the time.
    pub scale_mm_per_px: Option<f64>,
    /// Its regions.
    pub regions: Vec<RestRegion>,
    /// The whole picture.
    pub view: View,
}

impl Rest {
    /// Whether every region could be measured and nothing moved.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.regions.iter().all(|r| r.faults.is_empty() && r.noise.is_some() && r.look.is_some())
    }
}

/// A region of a reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceRegion {
    /// Its id.
    pub id: RoiId,
    /// x, y, width, height in pixels.
    pub rect: [u32; 4],
    /// What it is there for.
    pub role: Role,
    /// Its noise.
    pub noise: Noise,
    /// Its picture.
    pub look: Look,
}

/// What a camera's later measurements are held against.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The camera.
    pub camera: CameraId,
    /// When it was measured.
    pub at: Timestamp,
    /// Version of the program that measured.
    pub program: String,
    /// Width and height of the picture in pixels.
    pub size: (u32, u32),
    /// Frames a second.
    pub fps: f64,
    /// How long it was measured, in seconds.
    pub span_s: f64,
    /// Scale as configured at the time.
    pub scale_mm_per_px: Option<f64>,
    /// Its regions.
    pub regions: Vec<ReferenceRegion>,
    /// The whole picture.
    pub view: View,
}

impl Reference {
    /// Of a measurement at rest; none where something moved or could not be measured.
    #[must_use]
    pub fn of(rest: &Rest, program: &str) -> Option<Self> {
        let region = |r: &RestRegion| {
            let (noise, look) = r.noise.zip(r.look).filter(|_| r.faults.is_empty())?;
            Some(ReferenceRegion { id: r.id.clone(), rect: r.rect, role: r.role, noise, look })
        };
        Some(Self {
            camera: rest.camera.clone(),
            at: rest.at,
            program: program.to_owned(),
            size: rest.size,
            fps: rest.fps,
            span_s: rest.span_s,
            scale_mm_per_px: rest.scale_mm_per_px,
            regions: rest.regions.iter().map(region).collect::<Option<_>>()?,
            view: rest.view.clone(),
        })
    }
}

/// How one thing compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compared {
    /// Within its limit.
    Fine,
    /// Beyond its limit.
    Worse,
    /// It cannot be told.
    Unknown,
}

impl Compared {
    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Worse => "worse",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing held against the reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// The region; none for the whole camera.
    pub region: Option<RoiId>,
    /// What is compared: `noise_px`, `sharpness`, `texture`, `view_shift_px`, `scale_error_percent`, `region`,
    /// `picture`.
    pub what: &'static str,
    /// As it was; none where there is no such number.
    pub then: Option<f64>,
    /// As it is; none where it is not known.
    pub now: Option<f64>,
    /// Where it becomes worse: above for noise, shift and scale, below for sharpness and texture.
    pub limit: Option<f64>,
    /// How it compares.
    pub verdict: Compared,
    /// In words where there is something to say.
    pub text: String,
}
