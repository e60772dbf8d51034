//! An open run: its steps, what was answered, and which step comes next.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::signed::{Record, RecordedStep, Signature};
use crate::model::upkeep::{Answer, Outcome, StepDef, StepKind};
use crate::upkeep::catalogue::TaskDef;
use crate::upkeep::record;

use super::Place;

/// An answer, by whom and when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given {
    pub(super) answer: Answer,
    pub(super) who: Arc<str>,
    pub(super) at: Timestamp,
}

/// A run that is not finished.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) task: Arc<str>,
    pub(super) who: Arc<str>,
    pub(super) started: Timestamp,
    pub(super) subject: Option<Arc<str>>,
    pub(super) paused: bool,
    pub(super) answers: BTreeMap<Arc<str>, Given>,
    /// Steps answered, in order: the last one can be taken back.
    pub(super) order: Vec<Arc<str>>,
    /// The action that was agreed to and whose end is not known: step, by whom, when.
    pub(super) begun: Option<(Arc<str>, Arc<str>, Timestamp)>,
}

impl Run {
    /// Whether a step is asked; none: an earlier step decides that.
    pub(super) fn applies(&self, steps: &[StepDef], step: &StepDef) -> Option<bool> {
        let mut known = true;
        for when in step.when.iter() {
            let earlier = steps.iter().find(|s| s.id == when.step)?;
            match self.answers.get(&when.step) {
                Some(given) => {
                    if !matches(&given.answer, earlier, &when.is) {
                        return Some(false);
                    }
                }
                // What is not asked itself leads nowhere.
                None => match self.applies(steps, earlier) {
                    Some(false) => return Some(false),
                    _ => known = false,
                },
            }
        }
        known.then_some(true)
    }

    /// The step that is to be answered.
    pub(super) fn current<'s>(&self, steps: &'s [StepDef]) -> Option<&'s StepDef> {
        steps.iter().find(|s| !self.answers.contains_key(&s.id) && self.applies(steps, s) != Some(false))
    }

    /// Whether every answer so far is a pass.
    pub(super) fn all_passed(&self) -> bool {
        self.answers.values().all(|g| g.answer.outcome == Outcome::Passed)
    }

    /// The record of this run, hashed, with the signature of whoever finishes it.
    pub(super) fn record(
        &self,
        number: u64,
        task: &TaskDef,
        place: &Place,
        end: &End<'_>,
        signature: Option<Signature>,
    ) -> Record {
        let steps = task.steps.iter().map(|s| self.recorded(s)).collect();
        let mut record = Record {
            run: number,
            site: Arc::clone(&place.site),
            node: Arc::clone(&place.node),
            task: Arc::clone(&task.id),
            row: Arc::clone(&task.row),
            title: self
                .subject
                .as_ref()
                .map_or_else(|| Arc::clone(&task.title), |s| format!("{}: {s}", task.title).into()),
            started: self.started,
            finished: end.at,
            who: end.who.into(),
            passed: !end.abandoned && self.all_passed(),
            abandoned: end.abandoned,
            remark: end.remark.map(Arc::from),
            steps,
            hash: "".into(),
            signatures: Vec::new(),
            addenda: Vec::new(),
        };
        record.hash = record::hash(&record);
        record.signatures.extend(signature);
        record
    }

    fn recorded(&self, step: &StepDef) -> RecordedStep {
        let given = self.answers.get(&step.id);
        RecordedStep {
            id: Arc::clone(&step.id),
            title: Arc::clone(&step.title),
            kind: kind(&step.kind).into(),
            subject: step.subject.clone().or_else(|| self.subject.clone()),
            outcome: given.map(|g| g.answer.outcome),
            evidence: given.map_or_else(Vec::new, |g| g.answer.evidence.clone()),
            who: given.map(|g| Arc::clone(&g.who)),
            at: given.map(|g| g.at),
        }
    }

    /// When the last answer was given: the end of the work, and part of what is signed, so that the hash that a person saw
    /// stays the same until they sign.
    pub(super) fn last_at(&self) -> Timestamp {
        self.answers.values().map(|g| g.at).max().unwrap_or(self.started)
    }
}

/// How a run ends.
pub(super) struct End<'a> {
    pub(super) at: Timestamp,
    pub(super) who: &'a str,
    pub(super) abandoned: bool,
    pub(super) remark: Option<&'a str>,
}

/// The word of a kind of step, as in the catalogue.
pub(super) fn kind(kind: &StepKind) -> &'static str {
    match kind {
        StepKind::Check { .. } => "check",
        StepKind::Action { .. } => "action",
        StepKind::Observe => "observe",
        StepKind::Measure { .. } => "measure",
        StepKind::Choose { .. } => "choose",
        StepKind::Note => "note",
    }
}

/// Whether an answer is one of these words: its outcome, or the words of the choice (the first line of evidence).
fn matches(answer: &Answer, step: &StepDef, is: &[Arc<str>]) -> bool {
    let outcome = match answer.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Unknown => "unknown",
    };
    let chosen = match step.kind {
        StepKind::Choose { .. } if answer.outcome != Outcome::Skipped => answer.evidence.first(),
        _ => None,
    };
    is.iter().any(|w| &**w == outcome || chosen.is_some_and(|c| **w == **c))
}
