//! Folding: durable events into the desk's state. Events of other kinds, and those that do not fit, change nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::run::{Given, Run};
use super::{Desk, Finished, MAX_FOLLOW_UPS, MAX_OPEN, MAX_RECORDS, MAX_WHOLE};
use crate::model::event::{Event, EventKind};
use crate::model::signed::Record;
use crate::model::upkeep::{FollowUp, Outcome, RunRecord};

impl Desk {
    /// Takes back what was promised with this event: it could not be written.
    pub fn release(&mut self, kind: &EventKind) {
        match kind {
            EventKind::RunStarted { task, .. } => {
                self.promised_starts.remove(task);
            }
            EventKind::StepAnswered { run, .. }
            | EventKind::RunFinished { run, .. }
            | EventKind::StepBegun { run, .. }
            | EventKind::StepReopened { run, .. } => {
                self.promised_steps.remove(run);
            }
            _ => {}
        }
    }

    /// Folds an event that is durable.
    pub fn apply(&mut self, event: &Event) {
        let at = event.at;
        self.hashes.clear();
        match &event.kind {
            EventKind::RunStarted { run, task, who, subject, .. } => {
                self.started(*run, task, who, subject.as_ref(), at);
            }
            EventKind::StepAnswered { run, step, answer, who } => {
                let given = Given { answer: answer.clone(), who: Arc::clone(who), at };
                self.folded_answer(*run, step, given);
            }
            EventKind::StepBegun { run, step, who } => {
                if let Some(open) = self.open.get_mut(run) {
                    open.begun = Some((Arc::clone(step), Arc::clone(who), at));
                }
            }
            EventKind::StepReopened { run, step, .. } => {
                if let Some(open) = self.open.get_mut(run) {
                    open.answers.remove(step);
                    open.order.retain(|s| s != step);
                }
                self.errands.forget(*run, step);
            }
            EventKind::RunPaused { run, paused, .. } => {
                if let Some(open) = self.open.get_mut(run) {
                    open.paused = *paused;
                }
            }
            EventKind::RunHandedOver { run, to, .. } => {
                if let Some(open) = self.open.get_mut(run) {
                    open.who = Arc::clone(to);
                }
            }
            EventKind::RunFinished { run, task, who, passed, abandoned, record } => {
                self.next_run = self.next_run.max(run.saturating_add(1));
                if self.open.remove(run).is_some() {
                    let ended = Finished {
                        run: *run,
                        task: Arc::clone(task),
                        who: Arc::clone(who),
                        at,
                        passed: *passed,
                        abandoned: *abandoned,
                    };
                    self.errands.forget_run(*run);
                    self.finish(&ended, record.clone());
                }
            }
            EventKind::RecordCountersigned { run, signature, .. } => {
                self.on_record(*run, |record| record.signatures.push(signature.clone()));
            }
            EventKind::RecordAddendum { run, addendum } => {
                self.on_record(*run, |record| record.addenda.push(addendum.clone()));
            }
            EventKind::TaskWaived { task, until, why, .. } => {
                self.waivers.insert(Arc::clone(task), (*until, Arc::clone(why)));
                let all = self.kept.waived.entry(Arc::clone(task)).or_default();
                all.push((at, *until));
                // A waiver a week for five years is more than anybody gives.
                if all.len() > 300 {
                    all.remove(0);
                }
            }
            EventKind::TaskCalled { task, why } => {
                self.calls.insert(Arc::clone(task), (at, Arc::clone(why)));
            }
            EventKind::FollowUpClosed { run, step, .. } => {
                self.follow_ups.retain(|f| f.run != *run || f.step != *step);
            }
            _ => return,
        }
        self.shown.stale = true;
        self.release(&event.kind);
    }

    fn started(&mut self, run: u64, task: &Arc<str>, who: &Arc<str>, subject: Option<&Arc<str>>, at: Timestamp) {
        self.next_run = self.next_run.max(run.saturating_add(1));
        let begun = Run {
            task: Arc::clone(task),
            who: Arc::clone(who),
            started: at,
            subject: subject.cloned(),
            paused: false,
            answers: BTreeMap::new(),
            order: Vec::new(),
            begun: None,
        };
        self.open.entry(run).or_insert(begun);
        // A desk that is restored from a damaged journal must stay bounded as well.
        while self.open.len() > MAX_OPEN {
            self.open.pop_first();
        }
    }

    fn folded_answer(&mut self, number: u64, step: &Arc<str>, given: Given) {
        let Some(open) = self.open.get_mut(&number) else { return };
        // A task that the catalogue no longer has keeps its answers: they belong to the record.
        let expected = self
            .catalogue
            .task(&open.task)
            .is_none_or(|t| t.steps.iter().any(|s| s.id == *step) && !open.answers.contains_key(step));
        if expected {
            open.answers.insert(Arc::clone(step), given);
            open.order.push(Arc::clone(step));
            open.begun = open.begun.take().filter(|b| b.0 != *step);
            self.errands.forget(number, step);
        }
    }

    /// A finished run of long ago.
    pub(super) fn long_ago(&mut self, f: &Finished) {
        self.next_run = self.next_run.max(f.run.saturating_add(1));
        self.finish(f, None);
    }

    fn finish(&mut self, f: &Finished, record: Option<Arc<Record>>) {
        let task = self.catalogue.task(&f.task);
        let signed =
            record.as_ref().is_some_and(|r| !r.signatures.is_empty() && !r.signatures.iter().any(|s| s.counter));
        let wants = signed && !f.abandoned && task.is_some_and(|t| t.counter_sign);
        let covered = task.map_or_else(Vec::new, |t| t.covers.clone());
        if let (Some(record), false) = (&record, f.abandoned) {
            self.follow(f, record);
        }
        let row = RunRecord {
            run: f.run,
            task: Arc::clone(&f.task),
            who: Arc::clone(&f.who),
            at: f.at,
            passed: f.passed,
            abandoned: f.abandoned,
            record,
            wants_counter_signature: wants,
        };
        let place = self.records.partition_point(|r| r.at <= row.at);
        self.records.insert(place, row);
        if self.records.len() > MAX_RECORDS {
            self.records.remove(0);
        }
        if let Some(old) = self.records.len().checked_sub(MAX_WHOLE + 1).and_then(|i| self.records.get_mut(i)) {
            old.record = None;
        }
        if f.abandoned {
            return;
        }
        for id in covered.into_iter().chain([Arc::clone(&f.task)]) {
            let times = self.kept.done.entry(Arc::clone(&id)).or_default();
            let place = times.partition_point(|t| *t <= f.at);
            times.insert(place, f.at);
            if times.len() > MAX_RECORDS {
                times.remove(0);
            }
            self.last_by.insert(id, (Arc::clone(&f.who), f.passed));
        }
    }

    /// What was not in order is to be followed up; what is in order now needs that no more.
    fn follow(&mut self, f: &Finished, record: &Record) {
        let guides = self.catalogue.task(&f.task).map(|t| Arc::clone(&t.steps));
        for step in &record.steps {
            if step.outcome == Some(Outcome::Passed) {
                self.follow_ups.retain(|u| u.task != f.task || u.step != step.id);
            }
            if step.outcome == Some(Outcome::Failed) {
                self.follow_ups.retain(|u| u.task != f.task || u.step != step.id);
                let def = guides.as_ref().and_then(|s| s.iter().find(|d| d.id == step.id));
                self.follow_ups.push(FollowUp {
                    run: f.run,
                    task: Arc::clone(&f.task),
                    step: Arc::clone(&step.id),
                    title: Arc::clone(&step.title),
                    found: step.evidence.first().map_or_else(|| "not in order".into(), |l| l.as_str().into()),
                    guide: def.and_then(|d| d.guide.clone()),
                    subject: step.subject.clone(),
                    since: f.at,
                });
            }
        }
        if self.follow_ups.len() > MAX_FOLLOW_UPS {
            self.follow_ups.remove(0);
        }
    }

    fn on_record(&mut self, run: u64, change: impl FnOnce(&mut Record)) {
        let Some(row) = self.records.iter_mut().rev().find(|r| r.run == run) else { return };
        if let Some(record) = &mut row.record {
            let mut changed = Record::clone(record);
            change(&mut changed);
            row.wants_counter_signature &= !changed.signatures.iter().any(|s| s.counter);
            *record = Arc::new(changed);
        }
    }
}
