//! What people ask for, as the events that would happen; each says in words why not.

use std::sync::Arc;

use jiff::Timestamp;

use super::errands::errand_of;
use super::run::{End, Run};
use super::{Desk, MAX_LINE_CHARS, MAX_LINES, MAX_OPEN};
use crate::base::clock::Now;
use crate::model::event::EventKind;
use crate::model::intent::ToSign;
use crate::model::people::{Person, Role};
use crate::model::signed::{Addendum, Signature};
use crate::model::upkeep::{Answer, Outcome, StepDef, StepKind};
use crate::upkeep::catalogue::TaskDef;

/// Longest waiver: a quarter and a month.
const MAX_WAIVER_DAYS: i64 = 122;

impl Desk {
    /// Begins a run of a task: its number and the event to write.
    ///
    /// # Errors
    /// There is no such task, or a run of it is open already; in words.
    pub fn start(
        &mut self,
        task: &str,
        subject: Option<Arc<str>>,
        because: Option<(u64, Arc<str>)>,
        who: &str,
    ) -> Result<(u64, EventKind), String> {
        let Some(def) = self.catalogue.task(task) else {
            let known: Vec<&str> = self.catalogue.tasks.iter().map(|t| &*t.id).collect();
            return Err(format!("there is no task {task}; there are {}", known.join(", ")));
        };
        let id = Arc::clone(&def.id);
        let same = |r: &&Run| r.task == id && r.subject == subject;
        if let Some((run, open)) = self.open.iter().find(|(_, r)| same(r)) {
            return Err(format!("run {run} of {id} is open, begun by {}; continue or abandon it", open.who));
        }
        if self.promised_starts.contains(&id) {
            return Err(format!("a run of {id} is being started"));
        }
        if self.open.len() + self.promised_starts.len() >= MAX_OPEN {
            return Err(format!("{MAX_OPEN} runs are open; finish or abandon one first"));
        }
        let run = self.next_run;
        self.next_run += 1;
        self.promised_starts.insert(Arc::clone(&id));
        Ok((run, EventKind::RunStarted { run, task: id, who: who.into(), subject, because }))
    }

    /// The step that a run waits for; none when the run is not open or every step is answered.
    #[must_use]
    pub fn current(&self, run: u64) -> Option<&StepDef> {
        let open = self.open.get(&run)?;
        open.current(&self.catalogue.task(&open.task)?.steps)
    }

    pub(super) fn settled(&self, run: u64, step: &str, said: Answer, check: &dyn Fn(&str) -> Option<Answer>) -> Answer {
        let Some(def) = self.current(run).filter(|s| &*s.id == step) else { return said };
        if said.outcome == Outcome::Skipped {
            return said;
        }
        match &def.kind {
            StepKind::Check { check: name } => {
                let found =
                    if errand_of(def).is_some() { self.errands.found(run, &def.id).cloned() } else { check(name) };
                found.unwrap_or_else(|| Answer {
                    outcome: Outcome::Unknown,
                    evidence: vec![format!("the check {name} could not be made")],
                })
            }
            StepKind::Measure { low, high, .. } => judged(said, *low, *high),
            StepKind::Choose { options } => {
                let good = said.evidence.first().and_then(|t| options.iter().find(|o| *o.text == **t)).map(|o| o.good);
                match good {
                    Some(good) => Answer { outcome: if good { Outcome::Passed } else { Outcome::Failed }, ..said },
                    None => said,
                }
            }
            _ => said,
        }
    }

    /// Answers the current step of a run: the events to write, in order; after the last step, where nobody signs, the end
    /// of the run too.
    ///
    /// # Errors
    /// The run is not open, another step comes first, or the answer lacks its reason or text; in words.
    pub fn answer(
        &mut self,
        run: u64,
        step: &str,
        answer: Answer,
        who: &str,
        now: Now,
    ) -> Result<Vec<EventKind>, String> {
        let (open, task) = self.open_run(run)?;
        let Some(current) = open.current(&task.steps) else {
            return Err(format!("every step of run {run} is answered; it is to be signed"));
        };
        if &*current.id != step {
            return Err(match task.steps.iter().find(|s| &*s.id == step) {
                Some(_) if open.answers.contains_key(step) => format!("the step {step} is answered already"),
                Some(s) if open.applies(&task.steps, s) == Some(false) => {
                    format!("the step {step} is not asked after the answers so far; now comes {}", current.id)
                }
                Some(_) => format!("the steps are done in order: {} comes first", current.id),
                None => format!("{} has no step {step}; now comes {}", task.id, current.id),
            });
        }
        if self.promised_steps.contains(&run) {
            return Err(format!("an answer to the step {step} is being written"));
        }
        if matches!(current.kind, StepKind::Action { .. }) && answer.outcome != Outcome::Skipped {
            return Err(format!("{step}: the program does this step after your consent; or skip it with a reason"));
        }
        check_answer(current, &answer)?;
        self.answered(run, step, answer, who, now)
    }

    /// The events of an answer that is fit to be kept.
    pub(super) fn answered(
        &mut self,
        run: u64,
        step: &str,
        answer: Answer,
        who: &str,
        now: Now,
    ) -> Result<Vec<EventKind>, String> {
        let signs = self.signs();
        let (open, task) = self.open_run(run)?;
        let mut after = open.clone();
        let given = super::run::Given { answer: answer.clone(), who: who.into(), at: now.wall };
        after.answers.insert(step.into(), given);
        let last = after.current(&task.steps).is_none();
        let end = (last && !signs).then(|| {
            let end = End { at: now.wall, who, abandoned: false, remark: None };
            finished(run, &after, task, &self.place, &end, None)
        });
        let answered = EventKind::StepAnswered { run, step: step.into(), answer, who: who.into() };
        self.promised_steps.insert(run);
        Ok([Some(answered), end].into_iter().flatten().collect())
    }

    /// Agrees to the action that a run waits for: the event to write.
    ///
    /// # Errors
    /// The run waits for something else, or what would be done has not been shown yet; in words.
    pub fn perform(&mut self, run: u64, step: &str, who: &str) -> Result<EventKind, String> {
        let (_, _) = self.open_run(run)?;
        let current = self.current(run).filter(|s| &*s.id == step);
        let Some(def) = current.filter(|s| matches!(s.kind, StepKind::Action { .. })) else {
            return Err(format!("run {run} does not wait for the action {step}"));
        };
        let id = Arc::clone(&def.id);
        if self.errands.working(run, &id) {
            return Err(format!("{step}: the program is at it already"));
        }
        match self.errands.found(run, &id) {
            None => return Err(format!("{step}: what would be done is not known yet; wait for it and read it")),
            Some(a) if a.outcome == Outcome::Passed => {}
            Some(a) => {
                let why = a.evidence.first().map_or("it is not available", String::as_str);
                return Err(format!("{step}: {why}; look again, or skip it with a reason"));
            }
        }
        if !self.promised_steps.insert(run) {
            return Err(format!("an answer in run {run} is being written; try again"));
        }
        Ok(EventKind::StepBegun { run, step: id, who: who.into() })
    }

    /// Looks again for an open step.
    ///
    /// # Errors
    /// The run does not wait for such a step; in words.
    pub fn look_again(&mut self, run: u64, step: &str) -> Result<(), String> {
        let Some(def) = self.current(run).filter(|s| &*s.id == step) else {
            return Err(format!("run {run} does not wait for the step {step}"));
        };
        let id = Arc::clone(&def.id);
        self.errands.forget(run, &id);
        // An action that broke off with the program may be looked at, and done, once more.
        if let Some(open) = self.open.get_mut(&run) {
            open.begun = open.begun.take().filter(|b| b.0 != id);
        }
        Ok(())
    }

    /// Takes the last answer of a run back: the event to write. Answers of actions stay: what was done was done.
    ///
    /// # Errors
    /// There is none, or it cannot be taken back; in words.
    pub fn reopen(&mut self, run: u64, who: &str) -> Result<EventKind, String> {
        let (open, task) = self.open_run(run)?;
        let Some(step) = open.order.last().cloned() else {
            return Err(format!("run {run} has no answer yet"));
        };
        let action = task.steps.iter().any(|s| s.id == step && matches!(s.kind, StepKind::Action { .. }));
        if action && open.answers.get(&step).is_some_and(|g| g.answer.outcome != Outcome::Skipped) {
            return Err(format!("{step} was carried out; that cannot be taken back"));
        }
        if !self.promised_steps.insert(run) {
            return Err(format!("an answer in run {run} is being written; try again"));
        }
        Ok(EventKind::StepReopened { run, step, who: who.into() })
    }

    /// Lays a run aside, or takes it up again: the event to write.
    ///
    /// # Errors
    /// The run is not open, or is so already; in words.
    pub fn pause(&self, run: u64, paused: bool, who: &str) -> Result<EventKind, String> {
        let open = self.open.get(&run).ok_or_else(|| not_open(run))?;
        if open.paused == paused {
            return Err(format!("run {run} is {} already", if paused { "laid aside" } else { "under way" }));
        }
        Ok(EventKind::RunPaused { run, paused, who: who.into() })
    }

    /// Gives a run to another person: the event to write.
    ///
    /// # Errors
    /// The run is not open, or the name is none; in words.
    pub fn hand_over(&self, run: u64, to: &str, who: &str) -> Result<EventKind, String> {
        self.open.get(&run).ok_or_else(|| not_open(run))?;
        let to = to.trim();
        if to.is_empty() || to.chars().count() > 64 || to.chars().any(char::is_control) {
            return Err("say to whom the run goes over: a name of up to 64 characters".into());
        }
        Ok(EventKind::RunHandedOver { run, to: to.into(), who: who.into() })
    }

    /// Ends a run before its last step: the event to write. The task stays due.
    ///
    /// # Errors
    /// The run is not open, or an answer to it is being written; in words.
    pub fn abandon(&mut self, run: u64, why: Option<&str>, who: &str, now: Now) -> Result<EventKind, String> {
        let open = self.open.get(&run).ok_or_else(|| not_open(run))?;
        if !self.promised_steps.insert(run) {
            return Err(format!("an answer in run {run} is being written; try again"));
        }
        let end = End { at: now.wall, who, abandoned: true, remark: why };
        Ok(match self.catalogue.task(&open.task) {
            Some(task) => finished(run, open, task, &self.place, &end, None),
            None => EventKind::RunFinished {
                run,
                task: Arc::clone(&open.task),
                who: who.into(),
                passed: false,
                abandoned: true,
                record: None,
            },
        })
    }

    /// Settles something that a step found: the event to write.
    ///
    /// # Errors
    /// There is nothing open of that run and step, or no word of what was done.
    pub fn close_follow_up(&self, run: u64, step: &str, text: &str, who: &str) -> Result<EventKind, String> {
        let text = said(text, "say what was done")?;
        let found = self.follow_ups.iter().find(|f| f.run == run && &*f.step == step);
        let found = found.ok_or_else(|| format!("nothing is open of step {step} of run {run}"))?;
        Ok(EventKind::FollowUpClosed { run, step: Arc::clone(&found.step), who: who.into(), text })
    }

    /// Calls for a task of cadence `event`: the event to write; none when it is called for already, or there is no such.
    #[must_use]
    pub fn call(&self, task: &str, why: &str) -> Option<EventKind> {
        let def = self.catalogue.task(task)?;
        let done = self.kept.done.get(&def.id).and_then(|t| t.last());
        let open = self.calls.get(&def.id).is_some_and(|(at, _)| done.is_none_or(|d| d < at));
        (!open).then(|| EventKind::TaskCalled { task: Arc::clone(&def.id), why: why.into() })
    }

    /// Whether this may be signed at all, before anybody's PIN is looked at.
    ///
    /// # Errors
    /// In words: what stands against it.
    pub fn may_be_signed(&self, what: &ToSign) -> Result<(), String> {
        match what {
            ToSign::Run { run, hash } => {
                let (open, task) = self.open_run(*run)?;
                if let Some(step) = open.current(&task.steps) {
                    return Err(format!("run {run} is not complete: {} is open", step.id));
                }
                let end = End { at: open.last_at(), who: &open.who, abandoned: false, remark: None };
                let now = open.record(*run, task, &self.place, &end, None).hash;
                if now != *hash {
                    return Err("the record has changed since it was shown; look at it again".into());
                }
                Ok(())
            }
            ToSign::Counter { run, hash } => {
                let row = self.records.iter().rev().find(|r| r.run == *run);
                match row.and_then(|r| r.record.as_ref()) {
                    Some(record) if record.hash != *hash => Err("this is not the record that was shown".into()),
                    Some(_) if !row.is_some_and(|r| r.wants_counter_signature) => {
                        Err(format!("record {run} needs no counter-signature"))
                    }
                    Some(_) => Ok(()),
                    None => Err(format!("there is no record {run} to counter-sign")),
                }
            }
            ToSign::Addendum { run, text } => {
                said(text, "say what is to be added")?;
                let known = self.records.iter().any(|r| r.run == *run);
                if known { Ok(()) } else { Err(format!("there is no record {run}")) }
            }
            ToSign::Waive { task, why, .. } => {
                said(why, "say why it need not be done")?;
                let known = self.catalogue.task(task).is_some_and(|t| !t.guide);
                if known { Ok(()) } else { Err(format!("there is no task {task}")) }
            }
        }
    }

    /// What a person has signed, whose PIN was right: the event to write.
    ///
    /// # Errors
    /// Their role does not allow it, or what is signed has changed meanwhile; in words.
    pub fn signed(&mut self, what: &ToSign, person: &Person, now: Now) -> Result<EventKind, String> {
        self.may_be_signed(what)?;
        let sign = |counter| Signature {
            who: Arc::clone(&person.id),
            name: Arc::clone(&person.name),
            role: person.role.word().into(),
            counter,
            at: now.wall,
        };
        match what {
            ToSign::Run { run, .. } => {
                let (open, task) = self.open_run(*run)?;
                needs(person, task.role, "sign this task")?;
                let end = End { at: open.last_at(), who: &open.who, abandoned: false, remark: None };
                let kind = finished(*run, open, task, &self.place, &end, Some(sign(false)));
                if !self.promised_steps.insert(*run) {
                    return Err(format!("an answer in run {run} is being written; try again"));
                }
                Ok(kind)
            }
            ToSign::Counter { run, hash } => {
                needs(person, Role::Admin, "counter-sign")?;
                let record = self.records.iter().rev().find(|r| r.run == *run).and_then(|r| r.record.as_ref());
                if record.is_some_and(|r| r.signatures.iter().any(|s| s.who == person.id)) {
                    return Err(format!("{} has signed this record; another person counter-signs", person.name));
                }
                Ok(EventKind::RecordCountersigned { run: *run, hash: Arc::clone(hash), signature: sign(true) })
            }
            ToSign::Addendum { run, text } => {
                let addendum = Addendum { who: Arc::clone(&person.name), at: now.wall, text: Arc::clone(text) };
                Ok(EventKind::RecordAddendum { run: *run, addendum })
            }
            ToSign::Waive { task, until, why } => {
                needs(person, Role::Admin, "waive a task")?;
                waivable(*until, now.wall)?;
                let (task, why) = (Arc::clone(task), Arc::clone(why));
                Ok(EventKind::TaskWaived { task, until: *until, who: Arc::clone(&person.name), why })
            }
        }
    }

    /// Ends that are missing: runs whose last answer is there and whose end never reached the journal (the power went in
    /// between), where nobody signs. To be written once, after the desk is restored.
    #[must_use]
    pub fn missing_ends(&self) -> Vec<EventKind> {
        if self.signs() {
            return Vec::new();
        }
        let complete = |(run, r): (&u64, &Run)| {
            let task = self.catalogue.task(&r.task)?;
            let end = End { at: r.last_at(), who: &r.who, abandoned: false, remark: None };
            r.current(&task.steps).is_none().then(|| finished(*run, r, task, &self.place, &end, None))
        };
        self.open.iter().filter_map(complete).collect()
    }

    fn open_run(&self, run: u64) -> Result<(&Run, &TaskDef), String> {
        let open = self.open.get(&run).ok_or_else(|| not_open(run))?;
        Ok((open, self.catalogue.task(&open.task).ok_or_else(|| gone(&open.task))?))
    }
}

fn finished(
    run: u64,
    open: &Run,
    task: &TaskDef,
    place: &super::Place,
    end: &End<'_>,
    signature: Option<Signature>,
) -> EventKind {
    let record = open.record(run, task, place, end, signature);
    EventKind::RunFinished {
        run,
        task: Arc::clone(&task.id),
        who: end.who.into(),
        passed: record.passed,
        abandoned: end.abandoned,
        record: Some(Arc::new(record)),
    }
}

fn needs(person: &Person, role: Role, what: &str) -> Result<(), String> {
    if person.role >= role {
        return Ok(());
    }
    let (name, own) = (&person.name, person.role.word());
    Err(format!("{name} is {own}; to {what}, the role {} is needed", role.word()))
}

fn waivable(until: Timestamp, now: Timestamp) -> Result<(), String> {
    let days = until.duration_since(now).as_hours() / 24;
    if until <= now {
        return Err("the waiver would end in the past; give a later date".into());
    }
    if days > MAX_WAIVER_DAYS {
        return Err(format!("a waiver lasts {MAX_WAIVER_DAYS} days at most; change the catalogue instead"));
    }
    Ok(())
}

fn not_open(run: u64) -> String {
    format!("run {run} is not open; it is finished, abandoned, or was never started")
}

pub(super) fn gone(task: &str) -> String {
    format!("the catalogue has no task {task} any more; abandon this run")
}

/// A text that says something, in bounds.
fn said(text: &str, otherwise: &str) -> Result<Arc<str>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(otherwise.into());
    }
    if text.chars().count() > MAX_LINE_CHARS {
        return Err(format!("at most {MAX_LINE_CHARS} characters can be kept"));
    }
    if text.chars().any(char::is_control) {
        return Err("remove the control characters from the text".into());
    }
    Ok(text.into())
}

/// A number that was read, against what is in order.
fn judged(said: Answer, low: Option<f64>, high: Option<f64>) -> Answer {
    let value = said.evidence.first().and_then(|t| number(t));
    let good = value.is_some_and(|v| low.is_none_or(|l| v >= l) && high.is_none_or(|h| v <= h));
    Answer { outcome: if good { Outcome::Passed } else { Outcome::Failed }, ..said }
}

/// The number at the start of a text; a comma counts as a point.
fn number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.replace(',', ".").parse::<f64>().ok().filter(|v| v.is_finite())
}

/// Whether an answer can be kept as it is: bounded, and with the words that its kind needs.
fn check_answer(step: &StepDef, answer: &Answer) -> Result<(), String> {
    let words = answer.evidence.iter().any(|l| !l.trim().is_empty());
    let skipped = answer.outcome == Outcome::Skipped;
    if skipped && !words {
        return Err(format!("say why {} is skipped", step.id));
    }
    match &step.kind {
        StepKind::Note if answer.outcome == Outcome::Passed && !words => {
            return Err(format!("{}: write something down, or \"none\"", step.id));
        }
        StepKind::Check { .. } if answer.outcome == Outcome::Unknown => {
            return Err(format!("{}: the program cannot tell yet; wait, or skip it with a reason", step.id));
        }
        StepKind::Measure { unit, min, max, .. } if !skipped => {
            let value = answer.evidence.first().and_then(|t| number(t));
            if !value.is_some_and(|v| (*min..=*max).contains(&v)) {
                return Err(format!("{}: give a number from {min} to {max} {unit}", step.id));
            }
        }
        StepKind::Choose { options } if !skipped => {
            let first = answer.evidence.first().map_or("", String::as_str);
            if !options.iter().any(|o| &*o.text == first) {
                let known: Vec<&str> = options.iter().map(|o| &*o.text).collect();
                return Err(format!("{}: choose one of: {}", step.id, known.join("; ")));
            }
        }
        _ => {}
    }
    if answer.evidence.len() > MAX_LINES {
        return Err(format!("{}: at most {MAX_LINES} lines can be kept", step.id));
    }
    if answer.evidence.iter().any(|l| l.chars().count() > MAX_LINE_CHARS) {
        return Err(format!("{}: a line can have at most {MAX_LINE_CHARS} characters; split it", step.id));
    }
    if answer.evidence.iter().any(|l| l.chars().any(char::is_control)) {
        return Err(format!("{}: remove the control characters from the text", step.id));
    }
    Ok(())
}
