//! Maintenance tasks, guided runs and their answers.

pub mod status;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::people::{Person, Role};
use super::signed::Record;

/// What a step asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// The program answers by itself: a check of the board, or an errand that only looks.
    Check {
        /// The check's name: `cameras`, `disk`, `plc`, `camera-reach`.
        check: Arc<str>,
    },
    /// The program does something, after a person has seen what it would be and agreed.
    Action {
        /// The errand's name: `remove-temporary`.
        action: Arc<str>,
    },
    /// A person looks and answers.
    Observe,
    /// A person reads a number.
    Measure {
        /// Its unit.
        unit: Arc<str>,
        /// Below this nobody would believe it.
        min: f64,
        /// Above this neither.
        max: f64,
        /// In order from here on; none: no lower limit.
        low: Option<f64>,
        /// In order up to here; none: no upper limit.
        high: Option<f64>,
    },
    /// A person chooses one of several answers.
    Choose {
        /// The answers.
        options: Arc<[Choice]>,
    },
    /// A person writes something down.
    Note,
}

/// One of the answers that a person can choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// In words.
    pub text: Arc<str>,
    /// Whether it says that all is in order.
    pub good: bool,
}

/// A condition of a step: it is asked only when an earlier one was answered like this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// The earlier step's id.
    pub step: Arc<str>,
    /// What it must have been: `passed`, `failed`, `skipped`, `unknown`, or the words of a choice; any of them.
    pub is: Arc<[Arc<str>]>,
}

/// A step as the catalogue describes it, for one camera, PLC or disk where it is asked for each.
#[derive(Clone, Debug, PartialEq)]
pub struct StepDef {
    /// Its id, unique within the task; `lens.deck-east` where it is asked for each.
    pub id: Arc<str>,
    /// What to do, one line.
    pub title: Arc<str>,
    /// Why it matters.
    pub why: Arc<str>,
    /// How it is done.
    pub how: Arc<str>,
    /// What it asks for.
    pub kind: StepKind,
    /// The camera's or PLC's id, or the directory, that it is about; none: it is about no single one.
    pub subject: Option<Arc<str>>,
    /// When it is asked: all of these hold. Empty: always.
    pub when: Arc<[When]>,
    /// The troubleshooting guide to follow when it is not in order.
    pub guide: Option<Arc<str>>,
}

/// How often a task is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cadence {
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
    /// Every three months.
    Quarterly,
    /// When something happens that asks for it; never by the calendar.
    Event,
}

impl Cadence {
    /// The word in the catalogue.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::Event => "event",
        }
    }
}

/// From when the next time is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    /// From the calendar: once in each period.
    #[default]
    Plan,
    /// From the last time it was done.
    Completion,
}

/// When a task falls due within its period, in the site's zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The day it is due: the weekday of a week (1 is Monday), the day of a month, the day of a quarter's first month;
    /// none: the period's last.
    pub day: Option<u8>,
    /// The time of that day, a shift's end perhaps, in minutes after midnight; none: the day's end.
    pub minute: Option<u16>,
    /// How long after that it counts as overdue, minutes.
    pub grace_min: u32,
    /// From when the next time is counted.
    pub counting: Counting,
}

/// Whether a task is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Due {
    /// Its period ended without it.
    Overdue,
    /// To be done in this period.
    Due,
    /// Called off until a date, by somebody who may.
    Waived,
    /// Done in this period.
    Done,
    /// Done when something asks for it, and nothing does now.
    #[serde(rename = "as needed")]
    AsNeeded,
}

impl Due {
    /// The word shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Due => "due",
            Self::Waived => "waived",
            Self::Done => "done",
            Self::AsNeeded => "as needed",
        }
    }
}

/// A task on the board.
#[derive(Clone, Debug)]
pub struct TaskBoard {
    /// Its id.
    pub id: Arc<str>,
    /// The row of the maintenance chapter: `D1`.
    pub row: Arc<str>,
    /// What it is, one line.
    pub title: Arc<str>,
    /// How often.
    pub cadence: Cadence,
    /// Whether it is to be done.
    pub due: Due,
    /// By when; for an overdue task, the last deadline that passed.
    pub until: Timestamp,
    /// When it was last done.
    pub last_done: Option<Timestamp>,
    /// Who did it then, and whether everything passed.
    pub last_by: Option<(Arc<str>, bool)>,
    /// Its steps.
    pub steps: Arc<[StepDef]>,
    /// Who may sign it: this role or a higher one.
    pub role: Role,
    /// Whether an admin signs too.
    pub counter_sign: bool,
    /// Whether it is a troubleshooting guide.
    pub guide: bool,
    /// Why it is waived, or called for.
    pub why: Option<Arc<str>>,
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// In order.
    Passed,
    /// Not in order.
    Failed,
    /// Left out, with a reason.
    Skipped,
    /// Cannot be known now.
    Unknown,
}

/// The answer to a step, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The outcome.
    pub outcome: Outcome,
    /// Evidence lines (from the program), or what the person wrote.
    pub evidence: Vec<String>,
}

/// A step of a run.
#[derive(Clone, Debug)]
pub struct StepBoard {
    /// What it is.
    pub def: StepDef,
    /// Its answer; none while it is open.
    pub answer: Option<Answer>,
    /// For an open check: what the program would answer now. For an open action: what it would do.
    pub proposal: Option<Answer>,
    /// Whether the program is at it now.
    pub working: bool,
    /// Whether it is asked, by its conditions; none: an earlier step decides that.
    pub applies: Option<bool>,
    /// Who answered.
    pub who: Option<Arc<str>>,
    /// When it was answered, or an action begun.
    pub at: Option<Timestamp>,
}

/// A guided run.
#[derive(Clone, Debug)]
pub struct RunBoard {
    /// Its number.
    pub run: u64,
    /// The task's id.
    pub task: Arc<str>,
    /// The task's title.
    pub title: Arc<str>,
    /// Who began it.
    pub who: Arc<str>,
    /// When.
    pub started: Timestamp,
    /// Its steps, in order.
    pub steps: Vec<StepBoard>,
    /// The camera, PLC or directory that a guide is followed for.
    pub subject: Option<Arc<str>>,
    /// Whether it is laid aside.
    pub paused: bool,
    /// Who may sign it.
    pub role: Role,
    /// When every step is answered and a signature is missing: the hash that is signed.
    pub to_sign: Option<Arc<str>>,
}

impl RunBoard {
    /// Index of the first open step that is asked; none when all are answered.
    #[must_use]
    pub fn current(&self) -> Option<usize> {
        self.steps.iter().position(|s| s.answer.is_none() && s.applies != Some(false))
    }
}

/// A finished run, for the list of records.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// Its number.
    pub run: u64,
    /// The task's id.
    pub task: Arc<str>,
    /// Who.
    pub who: Arc<str>,
    /// When it ended.
    pub at: Timestamp,
    /// Every step passed.
    pub passed: bool,
    /// Ended early.
    pub abandoned: bool,
    /// The record as it is kept; none for old ones, which are read from the journal when somebody opens them.
    pub record: Option<Arc<Record>>,
    /// Whether an admin is still to sign it.
    pub wants_counter_signature: bool,
}

/// Something that a step found not in order, and that nobody has settled yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// The run that found it.
    pub run: u64,
    /// Its task.
    pub task: Arc<str>,
    /// The step.
    pub step: Arc<str>,
    /// What the step asked.
    pub title: Arc<str>,
    /// What was found.
    pub found: Arc<str>,
    /// The guide to follow.
    pub guide: Option<Arc<str>>,
    /// The camera, PLC or directory.
    pub subject: Option<Arc<str>>,
    /// Since when.
    pub since: Timestamp,
}

/// How well the plan was kept: complete periods of one cadence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Compliance {
    /// Which periods.
    pub cadence: Cadence,
    /// How many periods back.
    pub periods: u32,
    /// Done within their period.
    pub done: u32,
    /// Called off by somebody who may.
    pub waived: u32,
    /// Neither.
    pub missed: u32,
}

impl Compliance {
    /// Share of what was to be done and was; none when nothing was.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        let all = self.done + self.missed;
        (all > 0).then(|| f64::from(self.done) * 100.0 / f64::from(all))
    }
}

/// A day of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDay {
    /// The local day.
    pub day: Date,
    /// What was or is to be done on it, in the catalogue's order.
    pub tasks: Arc<[PlannedTask]>,
}

impl PlannedDay {
    /// How many of its tasks have this state.
    #[must_use]
    pub fn count(&self, state: Due) -> usize {
        self.tasks.iter().filter(|t| t.state == state).count()
    }
}

/// A deadline, or the time at which something was done that has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTask {
    /// The task's id.
    pub task: Arc<str>,
    /// The deadline or the time.
    pub at: Timestamp,
    /// What became of it; [`Due::Overdue`] when it was not done in its time, [`Due::Due`] while that has not passed.
    pub state: Due,
}

/// Maintenance on the board.
#[derive(Clone, Debug, Default)]
pub struct UpkeepBoard {
    /// Every task, overdue first, then by cadence.
    pub tasks: Vec<TaskBoard>,
    /// Runs that are not finished.
    pub runs: Vec<RunBoard>,
    /// Finished runs, newest first.
    pub records: Arc<[RunRecord]>,
    /// What was found not in order and is not settled, oldest first.
    pub follow_ups: Arc<[FollowUp]>,
    /// How well the plan was kept.
    pub compliance: Arc<[Compliance]>,
    /// The plan day by day, from three months back to three ahead; days without anything are left out.
    pub calendar: Arc<[PlannedDay]>,
    /// Who can sign; without a PIN, nobody.
    pub people: Arc<[Person]>,
}

impl UpkeepBoard {
    /// How many tasks have this state.
    #[must_use]
    pub fn count(&self, due: Due) -> usize {
        self.tasks.iter().filter(|t| t.due == due).count()
    }
}
