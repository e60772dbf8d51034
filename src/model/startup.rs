//! The program's start: how the run before it ended, whether everything expected came up, and a restart that is planned.

use std::sync::Arc;

use jiff::Timestamp;

/// Whether everything expected came up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartState {
    /// Nothing is expected yet: the first start here.
    #[default]
    Unexpected,
    /// Still being waited for.
    Waiting,
    /// Everything is there.
    Complete,
    /// The time is over and something is missing.
    Incomplete,
}

impl StartState {
    /// The word in the status.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unexpected => "unexpected",
            Self::Waiting => "waiting",
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
        }
    }
}

/// A restart of the computer that is planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRestart {
    /// When.
    pub at: Timestamp,
    /// The same in the site's time zone, for people.
    pub time: Arc<str>,
    /// Who asked for it; `vms` by the timetable.
    pub who: Arc<str>,
    /// Why it waits, once its time has come.
    pub held: Option<Arc<str>>,
}

/// The start on the board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartBoard {
    /// How the run before ended and how long the program was down, in words.
    pub last_end: Option<Arc<str>>,
    /// Whether everything expected came up.
    pub state: StartState,
    /// How many things are expected.
    pub expected: usize,
    /// What is missing, each in words.
    pub missing: Vec<Arc<str>>,
    /// When that was decided.
    pub decided: Option<Timestamp>,
    /// A restart that is planned.
    pub restart: Option<PlannedRestart>,
}
