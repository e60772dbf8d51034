//! Symbol, letter and role of every state, so that a colour never carries meaning alone.

use super::{Role, Theme};
use crate::model::alarm::Priority;
use crate::model::board::IndicatorState;
use crate::model::bus::PlcState;
use crate::model::camera::{CameraState, Picture};
use crate::model::upkeep::{Due, Outcome};
use crate::model::vibration::{Grade, Level};

/// How a state is shown: a symbol of one cell, its word, and the role of its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// One cell.
    pub symbol: &'static str,
    /// In words.
    pub word: &'static str,
    /// Role of the colour.
    pub role: Role,
}

impl Mark {
    /// Symbol and word, as a list shows them: `● live`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}", self.symbol, self.word)
    }
}

impl Theme {
    fn mark(&self, unicode: &'static str, ascii: &'static str, word: &'static str, role: Role) -> Mark {
        Mark { symbol: if self.unicode { unicode } else { ascii }, word, role }
    }

    /// Symbol and letter of a priority, three cells in Unicode: `▲ C`, `▲ H`, `◆ M`, `● L`; ASCII: `!!`, `!`, `*`, `.`, with the letter.
    #[must_use]
    pub fn priority_mark(&self, p: Priority) -> &'static str {
        match (p, self.unicode) {
            (Priority::Critical, true) => "▲ C",
            (Priority::High, true) => "▲ H",
            (Priority::Medium, true) => "◆ M",
            (Priority::Low, true) => "● L",
            (Priority::Critical, false) => "!!C",
            (Priority::High, false) => "! H",
            (Priority::Medium, false) => "* M",
            (Priority::Low, false) => ". L",
        }
    }

    /// Symbol and letter of a priority without a space, two cells (three for ASCII critical), for tight places: `▲H`.
    #[must_use]
    pub fn priority_short(&self, p: Priority) -> &'static str {
        match (p, self.unicode) {
            (Priority::Critical, true) => "▲C",
            (Priority::High, true) => "▲H",
            (Priority::Medium, true) => "◆M",
            (Priority::Low, true) => "●L",
            (Priority::Critical, false) => "!!C",
            (Priority::High, false) => "!H",
            (Priority::Medium, false) => "*M",
            (Priority::Low, false) => ".L",
        }
    }

    /// The symbol of a measurement fault, two cells: `? `.
    #[must_use]
    pub fn fault_mark(&self) -> &'static str {
        "? "
    }

    /// A camera's state.
    #[must_use]
    pub fn camera(&self, s: CameraState) -> Mark {
        match s {
            CameraState::Live => self.mark("●", "o", s.word(), Role::Quiet),
            CameraState::Connecting => self.mark("○", ".", s.word(), Role::Unknown),
            CameraState::Degraded => self.mark("◆", "*", s.word(), Role::Warning),
            CameraState::Stalled => self.mark("▲", "!", s.word(), Role::High),
            CameraState::Lost | CameraState::Refused => self.mark("✗", "x", s.word(), Role::High),
            CameraState::Disabled => self.mark("–", "-", s.word(), Role::Quiet),
        }
    }

    /// A PLC's state.
    #[must_use]
    pub fn plc(&self, s: PlcState) -> Mark {
        match s {
            PlcState::Live => self.mark("●", "o", s.word(), Role::Quiet),
            PlcState::Connecting => self.mark("○", ".", s.word(), Role::Unknown),
            PlcState::Degraded => self.mark("◆", "*", s.word(), Role::Warning),
            PlcState::Lost => self.mark("✗", "x", s.word(), Role::High),
        }
    }

    /// A picture's verdict.
    #[must_use]
    pub fn picture(&self, p: Picture) -> Mark {
        match p {
            Picture::Clear => self.mark(" ", " ", p.word(), Role::Quiet),
            Picture::Unknown => self.mark("?", "?", p.word(), Role::Unknown),
            _ => self.mark("◆", "*", p.word(), Role::Warning),
        }
    }

    /// A region's level.
    #[must_use]
    pub fn level(&self, l: Level) -> Mark {
        match l {
            Level::Unknown => self.mark("?", "?", l.word(), Role::Unknown),
            Level::Stopped => self.mark("○", "-", l.word(), Role::Quiet),
            Level::Normal => self.mark("●", "o", l.word(), Role::Quiet),
            Level::Warning => self.mark("◆", "*", l.word(), Role::Warning),
            Level::Alarm => self.mark("▲", "!", l.word(), Role::High),
        }
    }

    /// The grade of a reading.
    #[must_use]
    pub fn grade(&self, g: Grade) -> Mark {
        match g {
            Grade::Good => self.mark(" ", " ", g.word(), Role::Quiet),
            Grade::Reduced => self.mark("·", ".", g.word(), Role::Text),
            Grade::Poor => self.mark("◆", "*", g.word(), Role::Warning),
            Grade::Untrusted => self.mark("?", "?", g.word(), Role::Unknown),
        }
    }

    /// An indicator's state.
    #[must_use]
    pub fn indicator(&self, s: IndicatorState) -> Mark {
        match s {
            IndicatorState::Normal => self.mark("●", "o", "normal", Role::Quiet),
            IndicatorState::Exceeded => self.mark("◆", "*", "exceeded", Role::Warning),
            IndicatorState::Unknown => self.mark("?", "?", "unknown", Role::Unknown),
        }
    }

    /// Whether a task is to be done.
    #[must_use]
    pub fn due(&self, d: Due) -> Mark {
        match d {
            Due::Overdue => self.mark("◆", "*", d.word(), Role::Warning),
            Due::Due => self.mark("○", "o", d.word(), Role::Text),
            Due::Waived => self.mark("–", "-", d.word(), Role::Quiet),
            Due::Done => self.mark("✓", "v", d.word(), Role::Quiet),
            Due::AsNeeded => self.mark("·", ".", d.word(), Role::Quiet),
        }
    }

    /// The outcome of a step.
    #[must_use]
    pub fn outcome(&self, o: Outcome) -> Mark {
        match o {
            Outcome::Passed => self.mark("✓", "v", "passed", Role::Quiet),
            Outcome::Failed => self.mark("✗", "x", "failed", Role::High),
            Outcome::Skipped => self.mark("–", "-", "skipped", Role::Quiet),
            Outcome::Unknown => self.mark("?", "?", "unknown", Role::Unknown),
        }
    }
}
