//! What the record keeps besides events: values that are rolled up, waveforms around events, and the trends read back.

use std::sync::Arc;

use jiff::Timestamp;

use super::RoiId;
use super::vibration::Waveform;

/// A value of one second, to be rolled up into minutes and hours.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Name of the series: `roi.east-bearing.displacement_pp_mm`, `indicator.cpu`.
    pub series: Arc<str>,
    /// Its unit.
    pub unit: &'static str,
    /// The value; one that is not a number is left out.
    pub value: f64,
}

/// What a minute (or an hour) of a series was.
#[derive(Clone, Debug, PartialEq)]
pub struct Rolled {
    /// Name of the series.
    pub series: Arc<str>,
    /// Its unit.
    pub unit: Arc<str>,
    /// Its beginning, Unix time in seconds.
    pub at: i64,
    /// How many values it had.
    pub known: u32,
    /// Their mean.
    pub mean: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Rolled {
    /// Takes another part of the same time into this one.
    pub fn merge(&mut self, other: &Self) {
        let (a, b) = (f64::from(self.known), f64::from(other.known));
        if b > 0.0 {
            self.mean = (self.mean * a + other.mean * b) / (a + b);
            self.known = self.known.saturating_add(other.known);
            self.least = self.least.min(other.least);
            self.most = self.most.max(other.most);
        }
    }
}

/// The waveform of a region about an event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventWaveform {
    /// Number of the event.
    pub event: u64,
    /// When the newest sample was taken.
    pub at: Timestamp,
    /// The region.
    pub roi: RoiId,
    /// The window, in pixels.
    pub wave: Arc<Waveform>,
}

/// The name of a region's series.
#[must_use]
pub fn roi_series(roi: &RoiId, quantity: super::quantity::Quantity) -> Arc<str> {
    format!("roi.{roi}.{}", quantity.key()).into()
}

/// The name of a health indicator's series.
#[must_use]
pub fn indicator_series(id: &str) -> Arc<str> {
    format!("indicator.{id}").into()
}

/// A kind of rows that is sent on to PostgreSQL, each in its own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Events, by number.
    Event,
    /// Minutes of every series.
    Minute,
    /// Waveforms about events.
    Waveform,
    /// Readings per second and region.
    Second,
}

impl Stream {
    /// Every stream: what people wait for first.
    pub const ALL: [Self; 4] = [Self::Event, Self::Minute, Self::Waveform, Self::Second];

    /// The word written in both databases.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Minute => "minute",
            Self::Waveform => "waveform",
            Self::Second => "second",
        }
    }
}
