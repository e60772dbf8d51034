//! What is known of a camera.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::CameraId;
use super::compensation::Compensations;
use super::vibration::RoiBoard;
use crate::base::clock::Now;

/// State of a camera's stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CameraState {
    /// Being opened for the first time.
    #[default]
    Connecting,
    /// Frames come as expected.
    Live,
    /// Frames come, but late, too few, or damaged.
    Degraded,
    /// No frame for some frame times; the link still stands.
    Stalled,
    /// No stream; being tried again.
    Lost,
    /// The camera rejects the credentials.
    Refused,
    /// Switched off by configuration.
    Disabled,
}

impl CameraState {
    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Degraded => "degraded",
            Self::Stalled => "stalled",
            Self::Lost => "lost",
            Self::Refused => "refused",
            Self::Disabled => "disabled",
        }
    }

    /// Whether frames arrive.
    #[must_use]
    pub fn has_frames(self) -> bool {
        matches!(self, Self::Live | Self::Degraded)
    }
}

/// What the picture looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Picture {
    /// Fit to measure.
    Clear,
    /// Too dark.
    Dark,
    /// Over-exposed.
    Bright,
    /// Out of focus or dirty lens.
    Blurred,
    /// Something hides the view.
    Obscured,
    /// The picture does not change any more.
    Frozen,
    /// Not known.
    #[default]
    Unknown,
}

impl Picture {
    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Dark => "dark",
            Self::Bright => "bright",
            Self::Blurred => "blurred",
            Self::Obscured => "obscured",
            Self::Frozen => "frozen",
            Self::Unknown => "unknown",
        }
    }
}

/// One try to reach a camera.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When.
    pub at: Now,
    /// How it ended, in words; credentials never appear.
    pub outcome: Arc<str>,
}

/// What the camera room tells about a camera, twice a second and at every change of state.
#[derive(Clone, Debug)]
pub struct CameraReport {
    /// Index in the configuration.
    pub index: u16,
    /// State.
    pub state: CameraState,
    /// Since when it is in this state.
    pub since: Now,
    /// Why it is not live, and what is being done.
    pub text: Option<Arc<str>>,
    /// `H264`, `H265`, `JPEG`.
    pub codec: Option<Arc<str>>,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
    /// Frames a second over the last seconds.
    pub fps: Option<f64>,
    /// Network latency by the camera's clock: median, ms. None until the camera has told its clock.
    pub latency_ms_p50: Option<f64>,
    /// The same, 99th percentile.
    pub latency_ms_p99: Option<f64>,
    /// Standard deviation of arrival against stream time, ms.
    pub jitter_ms: Option<f64>,
    /// Frames missing in the stream's timestamps since the stream began.
    pub lost_frames: u64,
    /// Encoded bit rate over the last seconds.
    pub bitrate_kbps: Option<f64>,
    /// How often the stream was opened again.
    pub reconnects: u64,
    /// When the newest frame came.
    pub last_frame: Option<Now>,
    /// What the picture looks like.
    pub picture: Picture,
    /// Sharpness: mean squared gradient over variance, dimensionless; larger is sharper.
    pub sharpness: Option<f64>,
    /// Regions that do not lie inside the picture: index and what is wrong.
    pub roi_faults: Vec<(u16, Arc<str>)>,
    /// The newest tries, oldest first.
    pub attempts: Vec<Attempt>,
    /// Samples dropped because the engine did not keep up.
    pub dropped_samples: u64,
}

/// A camera on the board.
#[derive(Clone, Debug)]
pub struct CameraBoard {
    /// Its name in the configuration.
    pub id: CameraId,
    /// Its name for people.
    pub name: Arc<str>,
    /// Where it is, without credentials.
    pub url: Arc<str>,
    /// What was configured.
    pub expected_fps: Option<f64>,
    /// Scale where it is known.
    pub scale_mm_per_px: Option<f64>,
    /// Why a scale that was measured is not in the configuration, and what to do; none where it is.
    pub scale_unkept: Option<Arc<str>>,
    /// Whether recording is asked for (the recorder itself comes later: nothing is recorded yet).
    pub record: bool,
    /// Which compensations are on.
    pub compensations: Compensations,
    /// The newest report; none before the first.
    pub report: Option<Arc<CameraReport>>,
    /// Its regions.
    pub rois: Vec<Arc<RoiBoard>>,
    /// Sharpness per ten seconds, oldest first.
    pub sharpness_trend: Arc<[f32]>,
}

impl CameraBoard {
    /// The state: connecting before the first report.
    #[must_use]
    pub fn state(&self) -> CameraState {
        self.report.as_ref().map_or(CameraState::Connecting, |r| r.state)
    }
}

/// A small grey picture for the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Index of the camera.
    pub camera: u16,
    /// Width of `luma` in pixels.
    pub width: u32,
    /// Height of `luma` in pixels.
    pub height: u32,
    /// Size of the camera's picture.
    pub full: (u32, u32),
    /// Which part of it is shown: x, y, width, height in its pixels.
    pub part: [u32; 4],
    /// Grey levels, row by row, 0 black to 255 white.
    pub luma: Arc<[u8]>,
    /// When the frame came.
    pub at: Now,
}
