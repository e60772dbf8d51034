//! What the journal hands to the historian: rows of each stream in order, from a position on.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::RoiId;
use super::record::{EventWaveform, Rolled, Stream};
use super::vibration::Grade;

/// An event exactly as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: Option<String>,
    /// Everything else, as JSON.
    pub body: String,
    /// Its hash in the chain.
    pub hash: [u8; 32],
}

/// What a region's second measured, as the journal packs it: numbers only, so that millions are handed on without a word
/// being copied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PackedReading {
    /// The second, Unix time.
    pub second: i64,
    /// The number under which the journal knows the region.
    pub region: u16,
    /// Displacement peak to peak and RMS (px), velocity RMS (mm/s), frequency (Hz) and amplitude (px) of the main tone,
    /// uncertainty (px); NaN where unknown.
    pub measures: [f32; 6],
    /// How far it can be trusted.
    pub grade: Grade,
}

/// Seconds of regions, with the names of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seconds {
    /// The regions by their numbers.
    pub names: BTreeMap<u16, RoiId>,
    /// The rows; each region has a name.
    pub rows: Vec<PackedReading>,
}

/// Rows of one stream, ascending.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// Events.
    Events(Vec<StoredEvent>),
    /// Minutes.
    Minutes(Vec<Rolled>),
    /// Waveforms.
    Waveforms(Vec<EventWaveform>),
    /// Seconds of regions.
    Seconds(Seconds),
}

impl Rows {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Events(r) => r.len(),
            Self::Minutes(r) => r.len(),
            Self::Waveforms(r) => r.len(),
            Self::Seconds(r) => r.rows.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Rows after a position.
#[derive(Clone, Debug, PartialEq)]
pub struct Portion {
    /// The position of the last of them; the next portion begins after it. It may pass over positions without rows.
    pub up_to: u64,
    /// The rows.
    pub rows: Rows,
}

/// The journal as the historian sees it. Errors are words for people.
pub trait Outbox: Send {
    /// The journal's own name: another file is another journal.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn journal(&mut self) -> Result<Arc<str>, String>;

    /// About `most` rows of a stream after a position; none when there are no further ones.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn after(&mut self, stream: Stream, position: u64, most: usize) -> Result<Option<Portion>, String>;

    /// How many rows there are about after a position.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn waiting(&mut self, stream: Stream, position: u64) -> Result<u64, String>;

    /// The newest position that this journal has ever given in a stream, also where its row is gone.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn newest(&mut self, stream: Stream) -> Result<u64, String>;

    /// The position of the last row of a stream that is not younger than `at`; 0 where there is none.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn position_at(&mut self, stream: Stream, at: Timestamp) -> Result<u64, String>;

    /// The hash of an event; none if there is no such event any more.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn hash_of(&mut self, seq: u64) -> Result<Option<[u8; 32]>, String>;
}
