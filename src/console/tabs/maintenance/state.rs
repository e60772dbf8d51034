//! What the maintenance tab remembers: the selected task, the run that is followed, and what was sent and is not durable yet.

use std::sync::Arc;

use jiff::civil::Date;
use ratatui::layout::Rect;

use crate::base::clock::Mono;
use crate::console::view::Ctx;
use crate::console::widgets::cursor::Cursor;
use crate::model::event::EventKind;
use crate::model::intent::ToSign;
use crate::model::upkeep::{Cadence, Due, RunBoard, RunRecord, StepBoard, TaskBoard};

/// An answer that has not come onto the board for this long may be sent again, in seconds.
const PATIENCE_S: f64 = 5.0;

/// What was asked of the engine and has not come back as a fact yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sent {
    /// A run of this task is to begin.
    Start(Arc<str>, Mono),
    /// This step of this run was answered.
    Answer(u64, Arc<str>, Mono),
}

/// Which list is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// What is to be done.
    #[default]
    Tasks,
    /// The plan, a month at a time.
    Calendar,
    /// What was found and is not settled.
    FollowUps,
    /// What was done.
    Records,
}

/// A signature on its way: for what, by whom once that is said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Signing {
    pub(super) what: ToSign,
    pub(super) person: Option<Arc<str>>,
}

/// The maintenance tab.
#[derive(Clone, Debug, Default)]
pub struct Maintenance {
    pub(super) cursor: Cursor,
    /// First line drawn, headings included.
    pub(super) scroll: Cursor,
    /// The selected task by id.
    pub(super) selected: Option<Arc<str>>,
    pub(super) filter: String,
    /// The run that fills the tab, as last seen: it stays for the summary when the board no longer has it.
    pub(super) run: Option<RunBoard>,
    pub(super) sent: Option<Sent>,
    /// Lines scrolled down in the summary or the task.
    pub(super) down: u16,
    /// Which list is shown.
    pub(super) mode: Mode,
    /// The day selected in the calendar; none: today.
    pub(super) day: Option<Date>,
    /// Place in the list of follow-ups or of records.
    pub(super) place: Cursor,
    /// The option that is marked, in a step that is answered by choosing.
    pub(super) choice: usize,
    /// What a PIN is being asked for.
    pub(super) signing: Option<Signing>,
    /// Where the rows were drawn last, for the mouse.
    pub(super) list: Rect,
}

/// Headings of the list, in its order.
pub(super) fn section(task: &TaskBoard) -> &'static str {
    if task.guide {
        return "Guides";
    }
    match (task.due, task.cadence) {
        (Due::Overdue, _) => "Overdue",
        (Due::Due, Cadence::Daily) => "Today",
        (Due::Due, Cadence::Weekly) => "This week",
        (Due::Due, Cadence::Monthly) => "This month",
        (Due::Due, Cadence::Quarterly | Cadence::Event) => "This quarter",
        (Due::Waived, _) => "Waived",
        (Due::Done, _) => "Done",
        (Due::AsNeeded, _) => "As needed",
    }
}

/// A line of the list.
#[derive(Clone, Copy, Debug)]
pub(super) enum ListLine<'a> {
    Heading(&'static str),
    Row(usize, &'a TaskBoard),
}

/// The tasks with a heading before each section.
pub(super) fn with_headings<'a>(rows: &[&'a TaskBoard]) -> Vec<ListLine<'a>> {
    let mut lines = Vec::new();
    let mut last = None;
    for (i, task) in rows.iter().enumerate() {
        if last != Some(section(task)) {
            last = Some(section(task));
            lines.push(ListLine::Heading(section(task)));
        }
        lines.push(ListLine::Row(i, task));
    }
    lines
}

impl Maintenance {
    /// The tasks asked for, most pressing first.
    pub(super) fn rows<'a>(&self, ctx: &Ctx<'a>) -> Vec<&'a TaskBoard> {
        let needle = self.filter.to_lowercase();
        let mut rows: Vec<&TaskBoard> = ctx
            .board
            .upkeep
            .tasks
            .iter()
            .filter(|t| {
                needle.is_empty() || [&*t.row, &*t.title, &*t.id].iter().any(|s| s.to_lowercase().contains(&needle))
            })
            .collect();
        rows.sort_by_key(|t| (t.guide, t.due, if t.due == Due::Due { t.cadence } else { Cadence::Daily }));
        rows
    }

    pub(super) fn find_selected(&mut self, rows: &[&TaskBoard]) {
        let at = self.selected.as_ref().and_then(|id| rows.iter().position(|r| r.id == *id));
        match at {
            Some(at) => self.cursor.set(at),
            None => self.remember(rows),
        }
    }

    pub(super) fn remember(&mut self, rows: &[&TaskBoard]) {
        self.cursor.by(0, rows.len());
        self.selected = rows.get(self.cursor.at()).map(|r| r.id.clone());
    }

    /// Takes over what the board says of the run that is followed, and forgets what has become a fact.
    pub(super) fn follow(&mut self, ctx: &Ctx<'_>) {
        if let Some(Sent::Start(task, _)) = &self.sent
            && let Some(run) = open_run(task, ctx)
        {
            self.run = Some(run.clone());
            self.sent = None;
            self.down = 0;
        }
        let Some(mine) = &mut self.run else { return };
        match ctx.board.upkeep.runs.iter().find(|r| r.run == mine.run) {
            Some(now) => mine.clone_from(now),
            None => fill_in(mine, ctx),
        }
        if let Some(Sent::Answer(run, step, _)) = &self.sent {
            let done = mine.steps.iter().any(|s| s.def.id == *step && s.answer.is_some());
            if *run != mine.run || done || record(mine, ctx).is_some() {
                self.sent = None;
            }
        }
    }

    /// The step that is to be answered; none without a run, or when all are answered.
    pub(super) fn step(&self) -> Option<(&RunBoard, &StepBoard)> {
        let run = self.run.as_ref()?;
        Some((run, run.steps.get(run.current()?)?))
    }

    /// The record that waits for a signature: its run and hash.
    pub(super) fn to_sign(&self) -> Option<(u64, Arc<str>)> {
        let run = self.run.as_ref()?;
        Some((run.run, run.to_sign.clone()?))
    }

    /// The followed run has ended: nothing can be answered any more.
    pub(super) fn ended(&self, ctx: &Ctx<'_>) -> bool {
        self.run.as_ref().is_some_and(|r| !ctx.board.upkeep.runs.iter().any(|o| o.run == r.run))
    }

    /// What was sent is still on its way, and it is too early to send it again.
    pub(super) fn busy(&self, ctx: &Ctx<'_>) -> bool {
        match &self.sent {
            Some(Sent::Start(_, at) | Sent::Answer(_, _, at)) => ctx.now.mono.secs_since(*at) < PATIENCE_S,
            None => false,
        }
    }
}

/// The open run of a task.
pub(super) fn open_run<'a>(task: &str, ctx: &Ctx<'a>) -> Option<&'a RunBoard> {
    ctx.board.upkeep.runs.iter().find(|r| *r.task == *task)
}

/// The record of a run that has ended.
pub(super) fn record<'a>(run: &RunBoard, ctx: &Ctx<'a>) -> Option<&'a RunRecord> {
    ctx.board.upkeep.records.iter().find(|r| r.run == run.run)
}

/// The last answer takes the run off the board at once; the journal's events still have it.
fn fill_in(run: &mut RunBoard, ctx: &Ctx<'_>) {
    for event in ctx.board.events.iter() {
        if let EventKind::StepAnswered { run: of, step, answer, .. } = &event.kind
            && *of == run.run
            && let Some(mine) = run.steps.iter_mut().find(|s| s.def.id == *step)
        {
            mine.answer = Some(answer.clone());
        }
    }
}
