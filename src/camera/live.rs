//! What the streaming thread leaves for the supervisor: counters behind one lock that is held for microseconds.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::picture::Judge;
use super::stream_time::StreamTime;
use crate::base::clock::Now;
use crate::base::ring::Ring;
use crate::base::stats::Sampled;
use crate::model::camera::Picture;

/// Shared between one camera's streaming thread and its supervisor.
#[derive(Debug)]
pub struct Shared {
    /// Encoded bytes since the beginning.
    pub bytes: AtomicU64,
    /// Samples that the engine's queue had no room for.
    pub dropped: AtomicU64,
    /// Somebody looks at the picture.
    pub watched: Arc<AtomicBool>,
    /// About which point the picture is wanted pixel by pixel.
    pub close: Arc<AtomicU64>,
    live: Mutex<Live>,
    /// The small picture; the streaming thread leaves it out when the supervisor holds it.
    pub small: Mutex<Small>,
}

impl Shared {
    /// Before the first frame.
    pub fn new(expected_fps: Option<f64>, watched: Arc<AtomicBool>, close: Arc<AtomicU64>) -> Self {
        Self {
            bytes: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            watched,
            close,
            live: Mutex::new(Live::new(expected_fps)),
            small: Mutex::new(Small::default()),
        }
    }

    /// The counters. Lock order: never together with `small`.
    pub fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counters of the stream.
#[derive(Debug)]
pub struct Live {
    /// The stream's time.
    pub time: StreamTime,
    /// Frames since the beginning.
    pub frames: u64,
    /// Frames since the stream was opened.
    pub frames_open: u64,
    /// The newest frame.
    pub last_frame: Option<Now>,
    /// Arrivals of the newest frames in seconds.
    pub arrivals: Ring<f64>,
    /// Network latency by the camera's clock, ms.
    pub latency: Sampled,
    /// Size of the picture.
    pub size: Option<(u32, u32)>,
    /// The first size that was seen: regions and scales were set for it.
    pub first_size: Option<(u32, u32)>,
    /// Judge of pictures and its newest verdict.
    pub judge: Judge,
    /// The newest verdict.
    pub picture: Picture,
}

impl Live {
    fn new(expected_fps: Option<f64>) -> Self {
        Self {
            time: StreamTime::new(expected_fps),
            frames: 0,
            frames_open: 0,
            last_frame: None,
            arrivals: Ring::new(128),
            latency: Sampled::new(256),
            size: None,
            first_size: None,
            judge: Judge::default(),
            picture: Picture::Unknown,
        }
    }

    /// The stream is opened anew.
    pub fn reopened(&mut self) {
        self.time.reopened();
        self.frames_open = 0;
        self.arrivals.clear();
        self.latency.clear();
        self.picture = Picture::Unknown;
    }

    /// Frames a second over the newest arrivals: those of the last two seconds, or of eight frames' time if that is longer.
    pub fn fps(&self, now_s: f64) -> Option<f64> {
        // Slow cameras need longer to be counted.
        let since_s = now_s - (8.0 * self.time.interval_s()).clamp(2.0, 20.0);
        let first = self.arrivals.iter().copied().find(|a| *a > since_s)?;
        let last = *self.arrivals.last()?;
        let n = self.arrivals.iter().filter(|a| **a > since_s).count();
        (n > 5 && last > first).then(|| (n - 1) as f64 / (last - first))
    }
}

/// The small picture on its way to the terminal.
#[derive(Debug, Default)]
pub struct Small {
    /// Grey levels.
    pub luma: Vec<u8>,
    /// Its width and height.
    pub size: (usize, usize),
    /// The camera's picture.
    pub full: (u32, u32),
    /// Which part of it: x, y, width, height.
    pub part: [u32; 4],
    /// When the frame came.
    pub at: Now,
    /// Not fetched yet.
    pub fresh: bool,
}
