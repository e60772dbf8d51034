//! Maintenance as it stands, for the board.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::run::{End, Run};
use super::wish::gone;
use super::{Desk, Shown};
use crate::base::clock::Now;
use crate::model::people::Role;
use crate::model::upkeep::{Answer, Outcome, RunBoard, StepBoard, StepDef, StepKind, TaskBoard, UpkeepBoard};
use crate::upkeep::calendar::calendar;
use crate::upkeep::catalogue::TaskDef;
use crate::upkeep::compliance::compliance;
use crate::upkeep::due::{Past, due};

/// Compliance and calendar are made anew this often; they change when a period ends.
const COUNT_EVERY: SignedDuration = SignedDuration::from_mins(10);

impl Desk {
    /// Maintenance as it stands. `proposals` makes a check of the board by name, for the open steps that are such checks.
    pub fn board(&mut self, now: Now, proposals: &dyn Fn(&str) -> Option<Answer>) -> UpkeepBoard {
        self.refresh(now.wall);
        self.hash_complete();
        let mut tasks: Vec<TaskBoard> = self.catalogue.tasks.iter().map(|t| self.task_board(t, now)).collect();
        // Stable: tasks of the same state and cadence keep the catalogue's order.
        tasks.sort_by_key(|t| (t.guide, t.due, t.cadence));
        let made = Proposals { make: proposals, known: RefCell::default() };
        let runs = self.open.iter().map(|(n, r)| self.run_board(*n, r, &made)).collect();
        UpkeepBoard {
            tasks,
            runs,
            records: Arc::clone(&self.shown.records),
            follow_ups: Arc::clone(&self.shown.follow_ups),
            compliance: Arc::clone(&self.shown.compliance),
            calendar: Arc::clone(&self.shown.calendar),
            people: Arc::clone(&self.people),
        }
    }

    fn refresh(&mut self, now: Timestamp) {
        let counted = self.shown.compliance_until.is_some_and(|until| now < until && now >= until - COUNT_EVERY);
        if !self.shown.stale && counted {
            return;
        }
        if self.shown.stale {
            let records: Vec<_> = self.records.iter().rev().cloned().collect();
            let follow_ups = self.follow_ups.clone().into();
            self.shown = Shown { records: records.into(), follow_ups, ..std::mem::take(&mut self.shown) };
        }
        self.shown.compliance = compliance(&self.catalogue, &self.kept, self.installed, now, &self.zone).into();
        self.shown.calendar = calendar(&self.catalogue, &self.kept, self.installed, now, &self.zone).into();
        self.shown.compliance_until = now.checked_add(COUNT_EVERY).ok();
        self.shown.stale = false;
    }

    /// The hash that is signed, of each run whose every step is answered.
    fn hash_complete(&mut self) {
        for (number, run) in &self.open {
            let task = self.catalogue.task(&run.task).filter(|t| run.current(&t.steps).is_none());
            if let Some(task) = task.filter(|_| !self.hashes.contains_key(number)) {
                let end = End { at: run.last_at(), who: &run.who, abandoned: false, remark: None };
                self.hashes.insert(*number, run.record(*number, task, &self.place, &end, None).hash);
            }
        }
    }

    fn task_board(&self, task: &TaskDef, now: Now) -> TaskBoard {
        let last_done = self.kept.done.get(&task.id).and_then(|t| t.last()).copied();
        let waiver = self.waivers.get(&task.id);
        let call = self.calls.get(&task.id);
        let past = Past { last_done, waived_until: waiver.map(|w| w.0), called: call.map(|c| c.0) };
        let (state, until) = due(task.cadence, &task.rule, &past, self.installed, now.wall, &self.zone);
        let why = match state {
            crate::model::upkeep::Due::Waived => waiver.map(|w| Arc::clone(&w.1)),
            crate::model::upkeep::Due::Due | crate::model::upkeep::Due::Overdue => call.map(|c| Arc::clone(&c.1)),
            _ => None,
        };
        TaskBoard {
            id: Arc::clone(&task.id),
            row: Arc::clone(&task.row),
            title: Arc::clone(&task.title),
            cadence: task.cadence,
            due: state,
            until,
            last_done,
            last_by: self.last_by.get(&task.id).cloned(),
            steps: Arc::clone(&task.steps),
            role: task.role,
            counter_sign: task.counter_sign,
            guide: task.guide,
            why,
        }
    }

    /// A run of a task that the catalogue no longer has is shown without steps: it can only be abandoned.
    fn run_board(&self, number: u64, run: &Run, made: &Proposals<'_>) -> RunBoard {
        let task = self.catalogue.task(&run.task);
        let title = task.map_or_else(|| gone(&run.task).into(), |t| Arc::clone(&t.title));
        let defs: &[StepDef] = task.map_or(&[], |t| &t.steps);
        let steps: Vec<StepBoard> = defs.iter().map(|def| self.step_board(number, run, defs, def, made)).collect();
        RunBoard {
            run: number,
            task: Arc::clone(&run.task),
            title,
            who: Arc::clone(&run.who),
            started: run.started,
            steps,
            subject: run.subject.clone(),
            paused: run.paused,
            role: task.map_or(Role::Admin, |t| t.role),
            to_sign: self.hashes.get(&number).cloned(),
        }
    }

    fn step_board(&self, number: u64, run: &Run, defs: &[StepDef], def: &StepDef, made: &Proposals<'_>) -> StepBoard {
        let given = run.answers.get(&def.id);
        let begun = run.begun.as_ref().filter(|b| b.0 == def.id);
        let working = self.errands.working(number, &def.id);
        let proposal = match (&def.kind, given) {
            (StepKind::Check { check }, None) => {
                self.errands.found(number, &def.id).cloned().or_else(|| made.get(check))
            }
            (StepKind::Action { .. }, None) if begun.is_some() && !working => Some(Answer {
                outcome: Outcome::Unknown,
                evidence: vec![
                    "This was begun, and the program ended before it was done. Look how far it came, then skip the step \
                     with what you found, or do it again."
                        .into(),
                ],
            }),
            (StepKind::Action { .. }, None) => self.errands.found(number, &def.id).cloned(),
            _ => None,
        };
        StepBoard {
            def: StepDef { subject: def.subject.clone().or_else(|| run.subject.clone()), ..def.clone() },
            answer: given.map(|g| g.answer.clone()),
            proposal,
            working,
            applies: run.applies(defs, def),
            who: given.map(|g| Arc::clone(&g.who)),
            at: given.map(|g| g.at).or_else(|| begun.map(|b| b.2)),
        }
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
