//! What the journal hands to the historian: rows of each stream in order, from a position on.

use std::sync::Arc;

use jiff::Timestamp;

use super::event::SecondReading;
use super::record::{EventWaveform, Rolled, Stream};

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
    Seconds(Vec<SecondReading>),
}

impl Rows {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Events(r) => r.len(),
            Self::Minutes(r) => r.len(),
            Self::Waveforms(r) => r.len(),
            Self::Seconds(r) => r.len(),
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
