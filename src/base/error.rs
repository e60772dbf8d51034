//! Kinds of failure as the shell sees them: the exit codes of the public interface (sysexits.h where it has one).

use std::fmt;

/// How a command ended. The number is its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done and fine.
    Fine = 0,
    /// Done, and something checked is not fine; the output says what.
    NotFine = 1,
    /// Wrong usage.
    Usage = 2,
    /// An input cannot be read (`EX_NOINPUT`).
    NoInput = 66,
    /// No engine is running (`EX_UNAVAILABLE`).
    NoEngine = 69,
    /// Something cannot be written (`EX_CANTCREAT`).
    CannotWrite = 73,
    /// An I/O error (`EX_IOERR`).
    Io = 74,
    /// Another engine holds this data directory (`EX_TEMPFAIL`).
    Held = 75,
    /// Not allowed (`EX_NOPERM`).
    NotAllowed = 77,
    /// Bad configuration (`EX_CONFIG`).
    BadConfig = 78,
}

/// A failure on its way to the user: what happened, where, what to do, and the exit code it means.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    message: String,
}

impl Failure {
    /// A failure with the sentence that the user reads.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// What a command returns.
pub type Outcome = Result<Exit, Failure>;
