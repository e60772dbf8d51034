//! What is known of log files.

use std::sync::Arc;

use crate::base::clock::Now;

/// Severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Could not be recognised.
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
}

impl LogReport {
    /// Errors in the last minute over all sources.
    #[must_use]
    pub fn errors_per_min(&self) -> f64 {
        self.sources.iter().map(|s| s.errors_per_min).sum()
    }
}
