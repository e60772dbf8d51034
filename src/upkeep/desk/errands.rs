//! Errands of open steps: which are to be made now, and what came of them. Results are proposals until a person accepts
//! them; an action is carried out only after its consent has become durable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Desk;
use crate::base::clock::{Mono, Now};
use crate::model::event::EventKind;
use crate::model::upkeep::{Answer, Outcome, StepDef, StepKind};
use crate::upkeep::errand;

/// Most errands under way at the same time.
const AT_ONCE: usize = 4;

/// How long after its deadline an errand may still come back.
const SLACK: Duration = Duration::from_secs(10);

/// An answer older than this is looked for again before it can be accepted.
const FRESH: Duration = Duration::from_mins(10);

/// An errand that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The run.
    pub run: u64,
    /// The step.
    pub step: Arc<str>,
    /// The errand's name.
    pub name: Arc<str>,
    /// The camera, PLC or directory.
    pub subject: Option<Arc<str>>,
    /// Only say what would be done.
    pub preview: bool,
    /// Who asks.
    pub who: Arc<str>,
}

#[derive(Debug, Default)]
pub(super) struct Errands {
    /// Under way: run and step; since when, and whether it is the action itself.
    working: BTreeMap<(u64, Arc<str>), (Mono, bool)>,
    /// What was found, and when.
    found: BTreeMap<(u64, Arc<str>), (Answer, Mono)>,
}

impl Errands {
    pub(super) fn forget_run(&mut self, run: u64) {
        self.found.retain(|k, _| k.0 != run);
        self.working.retain(|k, _| k.0 != run);
    }

    pub(super) fn forget(&mut self, run: u64, step: &Arc<str>) {
        self.found.remove(&(run, Arc::clone(step)));
    }

    pub(super) fn found(&self, run: u64, step: &Arc<str>) -> Option<&Answer> {
        self.found.get(&(run, Arc::clone(step))).map(|f| &f.0)
    }

    pub(super) fn working(&self, run: u64, step: &Arc<str>) -> bool {
        self.working.contains_key(&(run, Arc::clone(step)))
    }
}

/// The errand of a step; none where the board answers or a person does.
pub(super) fn errand_of(step: &StepDef) -> Option<(&Arc<str>, bool)> {
    match &step.kind {
        StepKind::Check { check } if errand::find(check).is_some() => Some((check, false)),
        StepKind::Action { action } => Some((action, true)),
        _ => None,
    }
}

impl Desk {
    /// The errands that are to be made now: for each open run that is not laid aside, that of its current step, unless
    /// its answer is there and fresh. They count as under way from here on.
    pub fn errands_wanted(&mut self, now: Now) -> Vec<Wanted> {
        self.give_up(now);
        let mut wanted = Vec::new();
        for (number, run) in self.open.iter().filter(|(_, r)| !r.paused) {
            if self.errands.working.len() + wanted.len() >= AT_ONCE {
                break;
            }
            let Some(task) = self.catalogue.task(&run.task) else { continue };
            let Some(step) = run.current(&task.steps) else { continue };
            let Some((name, changes)) = errand_of(step) else { continue };
            let key = (*number, Arc::clone(&step.id));
            let fresh = self.errands.found.get(&key).is_some_and(|(_, at)| now.mono.since(*at) < FRESH);
            if fresh || self.errands.working.contains_key(&key) || run.begun.is_some() {
                continue;
            }
            wanted.push(Wanted {
                run: *number,
                step: Arc::clone(&step.id),
                name: Arc::clone(name),
                subject: step.subject.clone().or_else(|| run.subject.clone()),
                preview: changes,
                who: Arc::clone(&run.who),
            });
        }
        for w in &wanted {
            self.errands.working.insert((w.run, Arc::clone(&w.step)), (now.mono, false));
        }
        wanted
    }

    /// What has not come back in time counts as failed; an action's answer is then what is written.
    fn give_up(&mut self, now: Now) {
        let late = |(key, (since, action)): (&(u64, Arc<str>), &(Mono, bool))| {
            let open = self.open.get(&key.0)?;
            let step = self.catalogue.task(&open.task)?.steps.iter().find(|s| s.id == key.1)?;
            let within = errand_of(step).and_then(|(name, _)| errand::find(name)).map(|e| e.within)?;
            (!*action && now.mono.since(*since) > within + SLACK).then(|| (key.clone(), within))
        };
        let all: Vec<_> = self.errands.working.iter().filter_map(late).collect();
        for (key, within) in all {
            self.errands.working.remove(&key);
            let text = format!("no answer within {}; what was asked hangs", crate::base::text::age(within));
            let answer = Answer { outcome: Outcome::Failed, evidence: vec![text] };
            self.errands.found.insert(key, (answer, now.mono));
        }
    }

    /// The action that was agreed to, once that is durable.
    pub fn action_agreed(&mut self, kind: &EventKind, now: Now) -> Option<Wanted> {
        let EventKind::StepBegun { run, step, who } = kind else { return None };
        let open = self.open.get(run)?;
        let task = self.catalogue.task(&open.task)?;
        let def = task.steps.iter().find(|s| s.id == *step)?;
        let (name, _) = errand_of(def)?;
        self.errands.working.insert((*run, Arc::clone(step)), (now.mono, true));
        Some(Wanted {
            run: *run,
            step: Arc::clone(step),
            name: Arc::clone(name),
            subject: def.subject.clone().or_else(|| open.subject.clone()),
            preview: false,
            who: Arc::clone(who),
        })
    }

    /// An errand could not be handed over: it is asked for again.
    pub fn errand_refused(&mut self, w: &Wanted) {
        self.errands.working.remove(&(w.run, Arc::clone(&w.step)));
    }

    /// An errand has ended. What an action did is its answer at once: the events to write.
    pub fn errand_done(&mut self, w: &Wanted, answer: Answer, now: Now) -> Vec<EventKind> {
        let key = (w.run, Arc::clone(&w.step));
        let action = self.errands.working.remove(&key).is_some_and(|(_, action)| action);
        let open = self.open.get(&w.run).is_some_and(|r| !r.answers.contains_key(&w.step));
        if !open {
            return Vec::new();
        }
        if !action {
            self.errands.found.insert(key, (bounded(answer), now.mono));
            return Vec::new();
        }
        // Nothing is known of what an action did: that is a finding too.
        let mut answer = bounded(answer);
        if answer.outcome == Outcome::Unknown {
            answer.outcome = Outcome::Failed;
        }
        self.answered(w.run, &w.step, answer, &w.who, now).unwrap_or_default()
    }
}

/// Evidence within the bounds of an answer.
fn bounded(mut answer: Answer) -> Answer {
    let all = answer.evidence.len();
    if all > super::MAX_LINES {
        answer.evidence.truncate(super::MAX_LINES - 1);
        answer.evidence.push(format!("… and {} more lines", all - (super::MAX_LINES - 1)));
    }
    for line in &mut answer.evidence {
        let clean: String =
            line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(super::MAX_LINE_CHARS).collect();
        *line = clean;
    }
    answer
}
