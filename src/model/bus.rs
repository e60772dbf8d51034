//! What is known of a PLC and its line.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{PlcId, TagId};
use crate::base::clock::Now;

/// State of a PLC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlcState {
    /// Being opened for the first time.
    #[default]
    Connecting,
    /// It answers.
    Live,
    /// It answers some requests, or with errors.
    Degraded,
    /// The port is gone or nothing answers.
    Lost,
}

impl PlcState {
    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Degraded => "degraded",
            Self::Lost => "lost",
        }
    }
}

/// The four tables of the Modbus data model (MODBUS Application Protocol V1.1b3, section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// Single bits, read and write.
    Coil,
    /// Single bits, read only.
    Discrete,
    /// 16-bit registers, read and write.
    Holding,
    /// 16-bit registers, read only.
    Input,
}

impl Table {
    /// The word in the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Coil => "coil",
            Self::Discrete => "discrete",
            Self::Holding => "holding",
            Self::Input => "input",
        }
    }
}

/// Whether the program reads or writes a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Read once a poll.
    Read,
    /// Written when the wanted value changes, and once a poll.
    Write,
}

/// A tag and its value.
#[derive(Clone, Debug)]
pub struct TagValue {
    /// Its name.
    pub id: TagId,
    /// Where it lies.
    pub table: Table,
    /// Its address, from 0.
    pub address: u16,
    /// Read or written.
    pub access: Access,
    /// What the PLC last told (read) or confirmed (write); none before, and none once the PLC is lost.
    pub value: Option<u16>,
    /// When it told so.
    pub at: Option<Now>,
    /// For a written tag: what the program wants there.
    pub wanted: Option<u16>,
}

/// What the PLC room tells about a PLC, at least twice a second and at every change of state.
#[derive(Clone, Debug)]
pub struct PlcReport {
    /// Index in the configuration.
    pub index: u16,
    /// State.
    pub state: PlcState,
    /// Since when.
    pub since: Now,
    /// Why it is not live, and what is being done.
    pub text: Option<Arc<str>>,
    /// Requests sent.
    pub polls: u64,
    /// Requests that failed, for whatever reason.
    pub errors: u64,
    /// Of these: no answer in time.
    pub timeouts: u64,
    /// Of these: answers with a wrong checksum.
    pub crc_errors: u64,
    /// Of these: exception answers.
    pub exceptions: u64,
    /// How often the port was opened again.
    pub reopens: u64,
    /// Response time: median, ms.
    pub response_ms_p50: Option<f64>,
    /// Response time: 99th percentile, ms.
    pub response_ms_p99: Option<f64>,
    /// When it last answered well.
    pub last_answer: Option<Now>,
    /// Its tags.
    pub tags: Vec<TagValue>,
    /// Frames that did not fit into the traffic queue.
    pub dropped_frames: u64,
}

/// A PLC on the board.
#[derive(Clone, Debug)]
pub struct PlcBoard {
    /// Its name.
    pub id: PlcId,
    /// Its serial port.
    pub port: Arc<str>,
    /// Its unit identifier.
    pub unit: u8,
    /// `19200 8E1`.
    pub line: Arc<str>,
    /// The newest report; none before the first.
    pub report: Option<Arc<PlcReport>>,
    /// Response times of the newest polls in ms, oldest first; NaN for a poll without answer.
    pub response_trend: Arc<[f32]>,
}

impl PlcBoard {
    /// The state: connecting before the first report.
    #[must_use]
    pub fn state(&self) -> PlcState {
        self.report.as_ref().map_or(PlcState::Connecting, |r| r.state)
    }
}

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the program.
    Request,
    /// From the PLC.
    Answer,
}

/// What a frame turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Sent, or answered well.
    Ok,
    /// Something is wrong; the text names the byte.
    Bad(Arc<str>),
}

/// One field of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the specification.
    pub name: &'static str,
    /// First byte in the frame.
    pub offset: usize,
    /// Number of bytes.
    pub len: usize,
    /// Its meaning in words.
    pub text: String,
}

/// A frame as it went over the line (or the silence where an answer should have been: no bytes, verdict bad).
#[derive(Clone, Debug)]
pub struct BusFrame {
    /// Running number over all PLCs, so that a view can keep its place.
    pub number: u64,
    /// When its last byte went.
    pub at: Now,
    /// Whose line (index in the configuration).
    pub plc: u16,
    /// Which way.
    pub direction: Direction,
    /// The bytes, with address and checksum.
    pub bytes: Arc<[u8]>,
    /// `read holding 100..109`, `ok 10 registers`.
    pub summary: Arc<str>,
    /// Every field decoded.
    pub fields: Arc<[Field]>,
    /// What it turned out to be.
    pub verdict: Verdict,
    /// For an answer: time since the request's last byte, ms.
    pub response_ms: Option<f64>,
}

/// What the program wants on one written tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// This value (a coil is 0 or 1).
    Value(u16),
    /// Counts up once a poll, wrapping.
    Heartbeat,
}
