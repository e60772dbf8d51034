//! Guided runs: who does which task, how far they are, and what was answered. State changes only by events.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::catalogue::{Catalogue, TaskDef};
use super::due::due;
use crate::base::clock::Now;
use crate::base::ring::Ring;
use crate::model::event::{Event, EventKind};
use crate::model::upkeep::{
    Answer, Outcome, RunBoard, RunRecord, StepBoard, StepDef, StepKind, TaskBoard, UpkeepBoard,
};

/// Newest finished runs kept for the list of records.
const MAX_RECORDS: usize = 200;

/// Most runs that may be open at once.
const MAX_OPEN: usize = 32;

/// Most lines of evidence or of a note.
const MAX_LINES: usize = 100;

/// Longest line of evidence or of a note, characters.
const MAX_LINE_CHARS: usize = 2000;

/// The maintenance desk: tasks, open runs, records.
///
/// [`Desk::start`], [`Desk::answer`] and [`Desk::abandon`] only say which events would happen; what they said is held
/// back for others until [`Desk::apply`] sees the event, or [`Desk::release`] is told that it could not be written.
#[derive(Debug)]
pub struct Desk {
    catalogue: Catalogue,
    zone: TimeZone,
    installed: Timestamp,
    open: BTreeMap<u64, Run>,
    records: Ring<RunRecord>,
    last_done: BTreeMap<Arc<str>, (Timestamp, Arc<str>, bool)>,
    next_run: u64,
    promised_starts: BTreeSet<Arc<str>>,
    promised_steps: BTreeSet<u64>,
}

#[derive(Clone, Debug, PartialEq)]
struct Run {
    task: Arc<str>,
    who: Arc<str>,
    started: Timestamp,
    answers: BTreeMap<Arc<str>, Answer>,
}

impl Desk {
    /// A desk with what the events tell (oldest first). `installed` is when the installation began: the first event of
    /// the journal, or now.
    pub fn new<'e>(
        catalogue: Catalogue,
        zone: TimeZone,
        installed: Timestamp,
        restored: impl IntoIterator<Item = &'e Event>,
    ) -> Self {
        let mut desk = Self {
            catalogue,
            zone,
            installed,
            open: BTreeMap::new(),
            records: Ring::new(MAX_RECORDS),
            last_done: BTreeMap::new(),
            next_run: 1,
            promised_starts: BTreeSet::new(),
            promised_steps: BTreeSet::new(),
        };
        for event in restored {
            desk.apply(event);
        }
        desk
    }

    /// Begins a run of a task: its number and the event to write.
    ///
    /// # Errors
    /// There is no such task, or a run of it is open already; in words.
    pub fn start(&mut self, task: &str, who: &str) -> Result<(u64, EventKind), String> {
        let Some(def) = self.catalogue.task(task) else {
            let known: Vec<&str> = self.catalogue.tasks.iter().map(|t| &*t.id).collect();
            return Err(format!("there is no task {task}; there are {}", known.join(", ")));
        };
        let id = Arc::clone(&def.id);
        if let Some((run, open)) = self.open.iter().find(|(_, r)| r.task == id) {
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
        Ok((run, EventKind::RunStarted { run, task: id, who: who.into() }))
    }

    /// The step that a run waits for; none when the run is not open.
    #[must_use]
    pub fn current(&self, run: u64) -> Option<&StepDef> {
        self.open.get(&run).and_then(|r| self.open_step(r))
    }

    /// The check that the program must make for this step; none for a step that a person answers.
    #[must_use]
    pub fn check_of(&self, run: u64, step: &str) -> Option<Arc<str>> {
        match &self.current(run).filter(|s| &*s.id == step)?.kind {
            StepKind::Check { check } => Some(Arc::clone(check)),
            _ => None,
        }
    }

    /// The answer to keep for a step: what was said; but for a step that the program checks, what the check finds now.
    /// Nobody can tick off by hand what the program can see; skipping it, with a reason, is left to people.
    #[must_use]
    pub fn settle(&self, run: u64, step: &str, said: Answer, check: &dyn Fn(&str) -> Option<Answer>) -> Answer {
        match self.check_of(run, step) {
            Some(name) if said.outcome != Outcome::Skipped => check(&name).unwrap_or_else(|| Answer {
                outcome: Outcome::Unknown,
                evidence: vec![format!("the check {name} could not be made")],
            }),
            _ => said,
        }
    }

    /// Answers the current step of a run: the events to write, in order; after the last step, the end of the run too.
    ///
    /// # Errors
    /// The run is not open, another step comes first, or the answer lacks its reason or text; in words.
    pub fn answer(&mut self, run: u64, step: &str, answer: Answer, who: &str) -> Result<Vec<EventKind>, String> {
        let open = self.open.get(&run).ok_or_else(|| not_open(run))?;
        let task = self.catalogue.task(&open.task).ok_or_else(|| gone(&open.task))?;
        let current = self.open_step(open).ok_or_else(|| not_open(run))?;
        if &*current.id != step {
            return Err(match task.steps.iter().any(|s| &*s.id == step) {
                true if open.answers.contains_key(step) => format!("the step {step} is answered already"),
                true => format!("the steps are done in order: {} comes first", current.id),
                false => format!("{} has no step {step}; now comes {}", task.id, current.id),
            });
        }
        if self.promised_steps.contains(&run) {
            return Err(format!("an answer to the step {step} is being written"));
        }
        check_answer(current, &answer)?;
        let end = (task.steps.last().map(|s| &s.id) == Some(&current.id)).then(|| EventKind::RunFinished {
            run,
            task: Arc::clone(&task.id),
            who: who.into(),
            passed: answer.outcome == Outcome::Passed && all_passed(open),
            abandoned: false,
        });
        let answered = EventKind::StepAnswered { run, step: Arc::clone(&current.id), answer, who: who.into() };
        self.promised_steps.insert(run);
        Ok([Some(answered), end].into_iter().flatten().collect())
    }

    /// Ends a run before its last step: the event to write. The task stays due.
    ///
    /// # Errors
    /// The run is not open, or an answer to it is being written; in words.
    pub fn abandon(&mut self, run: u64, who: &str) -> Result<EventKind, String> {
        let open = self.open.get(&run).ok_or_else(|| not_open(run))?;
        if !self.promised_steps.insert(run) {
            return Err(format!("an answer in run {run} is being written; try again"));
        }
        Ok(EventKind::RunFinished {
            run,
            task: Arc::clone(&open.task),
            who: who.into(),
            passed: false,
            abandoned: true,
        })
    }

    /// Ends that are missing: runs whose last answer is there and whose end never reached the journal (the power went
    /// in between). To be written once, after the desk is restored.
    #[must_use]
    pub fn missing_ends(&self) -> Vec<EventKind> {
        let complete = |r: &&Run| self.catalogue.task(&r.task).is_some() && self.open_step(r).is_none();
        let ends = self.open.iter().filter(|(_, r)| complete(r)).map(|(run, r)| EventKind::RunFinished {
            run: *run,
            task: Arc::clone(&r.task),
            who: Arc::clone(&r.who),
            passed: all_passed(r),
            abandoned: false,
        });
        ends.collect()
    }

    /// Takes back what was promised with this event: it could not be written.
    pub fn release(&mut self, kind: &EventKind) {
        match kind {
            EventKind::RunStarted { task, .. } => {
                self.promised_starts.remove(task);
            }
            EventKind::StepAnswered { run, .. } | EventKind::RunFinished { run, .. } => {
                self.promised_steps.remove(run);
            }
            _ => {}
        }
    }

    /// Folds an event that is durable. Events of other kinds, and those that do not fit, change nothing.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { run, task, who } => {
                self.next_run = self.next_run.max(run.saturating_add(1));
                let begun =
                    Run { task: Arc::clone(task), who: Arc::clone(who), started: event.at, answers: BTreeMap::new() };
                self.open.entry(*run).or_insert(begun);
                // A desk that is restored from a damaged journal must stay bounded as well.
                while self.open.len() > MAX_OPEN {
                    self.open.pop_first();
                }
            }
            EventKind::StepAnswered { run, step, answer, .. } => {
                let expected = self.current(*run).is_some_and(|s| s.id == *step);
                if let Some(open) = self.open.get_mut(run).filter(|_| expected) {
                    open.answers.insert(Arc::clone(step), answer.clone());
                }
            }
            EventKind::RunFinished { run, task, who, passed, abandoned } => {
                if self.open.remove(run).is_some() {
                    self.finish(*run, task, who, event.at, *passed, *abandoned);
                }
            }
            _ => return,
        }
        self.release(&event.kind);
    }

    fn finish(&mut self, run: u64, task: &Arc<str>, who: &Arc<str>, at: Timestamp, passed: bool, abandoned: bool) {
        self.records.push(RunRecord { run, task: Arc::clone(task), who: Arc::clone(who), at, passed, abandoned });
        if abandoned {
            return;
        }
        let covered = self.catalogue.task(task).map_or_else(Vec::new, |t| t.covers.clone());
        for id in covered.into_iter().chain([Arc::clone(task)]) {
            self.last_done.insert(id, (at, Arc::clone(who), passed));
        }
    }

    /// Maintenance as it stands. `proposals` makes a check by name, for the open steps that are checks.
    pub fn board(&self, now: Now, proposals: &dyn Fn(&str) -> Option<Answer>) -> UpkeepBoard {
        let mut tasks: Vec<TaskBoard> = self.catalogue.tasks.iter().map(|t| self.task_board(t, now)).collect();
        // Stable: tasks of the same state and cadence keep the catalogue's order.
        tasks.sort_by_key(|t| (t.due, t.cadence));
        let made = Proposals { make: proposals, known: RefCell::default() };
        let runs = self.open.iter().map(|(n, r)| self.run_board(*n, r, &made)).collect();
        UpkeepBoard { tasks, runs, records: self.records.iter().rev().cloned().collect() }
    }

    fn task_board(&self, task: &TaskDef, now: Now) -> TaskBoard {
        let last = self.last_done.get(&task.id);
        let (state, until) = due(task.cadence, last.map(|l| l.0), self.installed, now.wall, &self.zone);
        TaskBoard {
            id: Arc::clone(&task.id),
            row: Arc::clone(&task.row),
            title: Arc::clone(&task.title),
            cadence: task.cadence,
            due: state,
            until,
            last_done: last.map(|l| l.0),
            last_by: last.map(|l| (Arc::clone(&l.1), l.2)),
            steps: Arc::clone(&task.steps),
        }
    }

    /// A run of a task that the catalogue no longer has is shown without steps: it can only be abandoned.
    fn run_board(&self, number: u64, run: &Run, made: &Proposals<'_>) -> RunBoard {
        let task = self.catalogue.task(&run.task);
        let title = task.map_or_else(|| gone(&run.task).into(), |t| Arc::clone(&t.title));
        let defs: &[StepDef] = task.map_or(&[], |t| &t.steps);
        let steps = defs.iter().map(|def| {
            let answer = run.answers.get(&def.id).cloned();
            let proposal = match &def.kind {
                StepKind::Check { check } if answer.is_none() => made.get(check),
                _ => None,
            };
            StepBoard { def: def.clone(), answer, proposal }
        });
        RunBoard {
            run: number,
            task: Arc::clone(&run.task),
            title,
            who: Arc::clone(&run.who),
            started: run.started,
            steps: steps.collect(),
        }
    }

    fn open_step(&self, run: &Run) -> Option<&StepDef> {
        self.catalogue.task(&run.task)?.steps.iter().find(|s| !run.answers.contains_key(&s.id))
    }
}

/// Makes each check once per board, however many steps ask for it.
struct Proposals<'a> {
    make: &'a dyn Fn(&str) -> Option<Answer>,
    known: RefCell<BTreeMap<Arc<str>, Option<Answer>>>,
}

impl Proposals<'_> {
    fn get(&self, check: &Arc<str>) -> Option<Answer> {
        let mut known = self.known.borrow_mut();
        known.entry(Arc::clone(check)).or_insert_with(|| (self.make)(check)).clone()
    }
}

fn not_open(run: u64) -> String {
    format!("run {run} is not open; it is finished, abandoned, or was never started")
}

fn gone(task: &str) -> String {
    format!("the catalogue has no task {task} any more; abandon this run")
}

/// Whether every answer so far is a pass.
fn all_passed(run: &Run) -> bool {
    run.answers.values().all(|a| a.outcome == Outcome::Passed)
}

/// Whether an answer can be kept as it is: bounded, and with the words that its kind needs.
fn check_answer(step: &StepDef, answer: &Answer) -> Result<(), String> {
    let said = answer.evidence.iter().any(|l| !l.trim().is_empty());
    if answer.outcome == Outcome::Skipped && !said {
        return Err(format!("say why {} is skipped", step.id));
    }
    if step.kind == StepKind::Note && answer.outcome == Outcome::Passed && !said {
        return Err(format!("{}: write something down, or \"none\"", step.id));
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

#[cfg(test)]
mod tests;
