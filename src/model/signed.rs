//! A maintenance record: a finished run as it is signed, kept, printed and verified.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::upkeep::Outcome;

/// A finished run with everything that a record must say: date and time, type, issues discovered, actions taken,
/// results, person. What is signed is [`Record::hash`] over everything before the signatures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The run's number.
    pub run: u64,
    /// Site.
    pub site: Arc<str>,
    /// Node.
    pub node: Arc<str>,
    /// The task's id.
    pub task: Arc<str>,
    /// The row of the maintenance chapter.
    pub row: Arc<str>,
    /// The type of maintenance: the task's title.
    pub title: Arc<str>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Who finished it.
    pub who: Arc<str>,
    /// Whether every step was in order.
    pub passed: bool,
    /// Whether it was ended before its last step.
    pub abandoned: bool,
    /// Why it was ended early, or the person's last word.
    pub remark: Option<Arc<str>>,
    /// The steps with their answers, in order.
    pub steps: Vec<RecordedStep>,
    /// SHA-256 over the content above in hexadecimal: what the signatures are for.
    pub hash: Arc<str>,
    /// Signatures, oldest first.
    pub signatures: Vec<Signature>,
    /// What was added later; the record itself is never changed.
    pub addenda: Vec<Addendum>,
}

/// A step of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedStep {
    /// Its id.
    pub id: Arc<str>,
    /// What was to be done.
    pub title: Arc<str>,
    /// `check`, `action`, `observe`, `measure`, `choose`, `note`.
    pub kind: Arc<str>,
    /// The camera, PLC or directory that it is about.
    pub subject: Option<Arc<str>>,
    /// How it ended; none: it was not asked.
    pub outcome: Option<Outcome>,
    /// Evidence, or what the person wrote.
    pub evidence: Vec<String>,
    /// Who answered.
    pub who: Option<Arc<str>>,
    /// When.
    pub at: Option<Timestamp>,
}

impl Record {
    /// Issues discovered: each step that was not in order, with its evidence.
    pub fn issues(&self) -> impl Iterator<Item = &RecordedStep> {
        self.steps.iter().filter(|s| s.outcome == Some(Outcome::Failed))
    }

    /// Actions taken: the steps in which the program or a person did something, and what they wrote.
    pub fn actions(&self) -> impl Iterator<Item = &RecordedStep> {
        self.steps.iter().filter(|s| s.outcome.is_some() && matches!(&*s.kind, "action" | "note"))
    }
}

/// A signature: a person gave their PIN for this hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// Who.
    pub who: Arc<str>,
    /// Full name, as it was then.
    pub name: Arc<str>,
    /// Role, as it was then.
    pub role: Arc<str>,
    /// Whether it is a second person's.
    pub counter: bool,
    /// When.
    pub at: Timestamp,
}

/// What was added to a record later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Addendum {
    /// Who.
    pub who: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: Arc<str>,
}
