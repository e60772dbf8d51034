//! What is known of log files.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::clock::Now;

/// Severity of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Could not be recognised.
    #[default]
    Unknown,
    /// Trace or debug.
    Debug,
    /// Information.
    Info,
    /// Warning.
    Warn,
    /// Error or worse.
    Error,
}

impl Severity {
    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A line of a log file.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// Running number within the source since the program began to read it.
    pub number: u64,
    /// Severity as recognised from its words.
    pub severity: Severity,
    /// The line, control characters removed, cut at a bound.
    pub text: Arc<str>,
}

/// A log file, or our own log.
#[derive(Clone, Debug)]
pub struct LogSource {
    /// The file.
    pub path: Arc<str>,
    /// Whether it is the program's own.
    pub own: bool,
    /// Its size in bytes; none while it cannot be read.
    pub size_bytes: Option<u64>,
    /// Errors in the last minute.
    pub errors_per_min: f64,
    /// Warnings in the last minute.
    pub warnings_per_min: f64,
    /// Newest lines, oldest first.
    pub lines: Arc<[LogLine]>,
    /// Why it cannot be read.
    pub fault: Option<Arc<str>>,
}

/// What the logs room tells, once a second.
#[derive(Clone, Debug)]
pub struct LogReport {
    /// When.
    pub at: Now,
    /// All sources, our own first.
    pub sources: Vec<LogSource>,
    /// Log records lost because a queue was full.
    pub dropped: u64,
    /// What the lines have in common.
    pub patterns: Arc<PatternReport>,
    /// Errors against what is usual.
    pub spike: Spike,
    /// Newest lines that are to be mailed, oldest first.
    pub critical: Arc<[CriticalLine]>,
}

/// A pattern: lines that differ only in numbers, names and the like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogPattern {
    /// Name of the file, with its numbers masked.
    pub source: Arc<str>,
    /// What its lines have in common.
    pub template: Arc<str>,
    /// Worst severity seen of it.
    pub severity: Severity,
    /// How many lines since it was first seen.
    pub count: u64,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When it was seen last.
    pub last_seen: Timestamp,
    /// Lines in the last hour.
    pub per_hour: f64,
    /// Lines in the same hour a week ago; none where that hour was not watched.
    pub week_ago: Option<f64>,
    /// Never seen before the last day, although the logs were watched for longer.
    pub new: bool,
}

/// The patterns of all logs.
#[derive(Clone, Debug, Default)]
pub struct PatternReport {
    /// The ones to look at first, at most some hundred.
    pub patterns: Arc<[LogPattern]>,
    /// How many are known.
    pub known: usize,
    /// How many had to be forgotten for want of room.
    pub forgotten: u64,
    /// Since when the logs are watched.
    pub since: Option<Timestamp>,
    /// Why they cannot be kept over a restart.
    pub fault: Option<Arc<str>>,
}

/// Errors against what is usual.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spike {
    /// Errors in the last ten minutes; none before they were watched for so long.
    pub errors: Option<f64>,
    /// What is usual in ten minutes.
    pub usual: Option<f64>,
    /// At or above this it is a sudden rise.
    pub limit: Option<f64>,
    /// What "usual" is taken from, or why it is not known.
    pub text: Option<Arc<str>>,
}

/// A line that is to be mailed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CriticalLine {
    /// Running number since the start.
    pub number: u64,
    /// When it was read.
    pub at: Timestamp,
    /// From which file.
    pub source: Arc<str>,
    /// The line.
    pub text: Arc<str>,
    /// Which rule it fits.
    pub rule: Arc<str>,
}

impl LogReport {
    /// Errors in the last minute over all sources.
    #[must_use]
    pub fn errors_per_min(&self) -> f64 {
        self.sources.iter().map(|s| s.errors_per_min).sum()
    }
}

/// Which log file is looked into, where, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// The file.
    pub path: Arc<str>,
    /// Where.
    pub place: Place,
    /// Only records of this severity and worse.
    pub level: Severity,
    /// Only records that this regular expression fits; all small letters: whatever the case.
    pub filter: Option<Arc<str>>,
    /// At most so many records.
    pub records: usize,
}

/// A place in a log file. Offsets are in bytes, at the beginning of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The newest records.
    End,
    /// The oldest.
    Start,
    /// The ones before this offset, backwards.
    Before(u64),
    /// From this offset on.
    From(u64),
    /// From this moment on.
    Time(Timestamp),
}

/// A record: one line, or several that belong together (a stack trace, PostgreSQL's DETAIL and STATEMENT).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Where it begins.
    pub offset: u64,
    /// Where it ends.
    pub end: u64,
    /// Its severity.
    pub severity: Severity,
    /// When it was written, if that can be read.
    pub at: Option<Timestamp>,
    /// Its lines, cleaned and bounded.
    pub text: Arc<str>,
    /// How many lines it has.
    pub lines: u32,
}

/// What was found in a log file.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPage {
    /// What was asked.
    pub query: LogQuery,
    /// Size of the file when it was read.
    pub size_bytes: u64,
    /// The records, in the file's order.
    pub records: Arc<[LogRecord]>,
    /// The first record of the file that fits is among them, or there is none before them.
    pub at_start: bool,
    /// There is none after them.
    pub at_end: bool,
    /// The time for one look was over: look on from here.
    pub unfinished: Option<Place>,
    /// Bytes read for it.
    pub read_bytes: u64,
    /// How long it took, ms.
    pub took_ms: f64,
    /// Why nothing could be read, or what is odd about it.
    pub fault: Option<Arc<str>>,
}
