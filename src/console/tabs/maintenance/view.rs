//! The list of tasks on the left, the selected task with its steps and records on the right.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span, Text};

use super::state::{ListLine, Maintenance, Mode, Sent, open_run, with_headings};
use crate::console::theme::{Mark, Role};
use crate::console::view::Ctx;
use crate::console::widgets::facts::{divider, paragraph};
use crate::console::widgets::fit;
use crate::console::widgets::mark::select;
use crate::model::upkeep::{Answer, Due, Outcome, StepBoard, StepDef, StepKind, TaskBoard};

impl Maintenance {
    pub(super) fn draw_all(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        self.follow(ctx);
        if self.run.is_some() {
            self.draw_run(frame, area, ctx);
            return;
        }
        match self.mode {
            Mode::Tasks => {}
            Mode::Calendar => return self.draw_calendar(frame, area, ctx),
            Mode::FollowUps | Mode::Records => return self.draw_other(frame, area, ctx),
        }
        let rows = self.rows(ctx);
        self.find_selected(&rows);
        if rows.is_empty() {
            self.draw_empty(frame, area, ctx);
            return;
        }
        let left = if area.width >= 150 { 60 } else { area.width / 2 };
        let [list, gap, right] =
            Layout::horizontal([Constraint::Length(left), Constraint::Length(3), Constraint::Fill(1)]).areas(area);
        self.draw_list(frame, list, &rows, ctx);
        if gap.width == 3 {
            divider(frame.buffer_mut(), gap.x + 1, area.top(), area.bottom(), ctx.theme);
        }
        let lines = self.task(rows[self.cursor.at()], right.width.into(), ctx);
        frame.render_widget(Text::from(lines), right);
    }

    fn draw_empty(&self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        let words = if self.filter.is_empty() {
            "No maintenance task is known yet. What is overdue, due and done is listed here from the task catalogue a moment \
             after the engine's start. 'vms maintenance lint' tells whether the catalogue is right."
                .to_owned()
        } else {
            format!("No task matches \"{}\". Esc removes the filter.", self.filter)
        };
        if area.width > 6 && area.height > 1 {
            let place = Rect { x: area.x + 2, y: area.y + 1, width: (area.width - 4).min(76), height: area.height - 1 };
            paragraph(frame.buffer_mut(), place, &words, ctx.theme.style(Role::Text), ctx.theme);
        }
    }

    fn draw_list(&mut self, frame: &mut Frame<'_>, area: Rect, rows: &[&TaskBoard], ctx: &Ctx<'_>) {
        self.list = area;
        let lines = with_headings(rows);
        let at = lines.iter().position(|l| matches!(l, ListLine::Row(i, _) if *i == self.cursor.at())).unwrap_or(0);
        self.scroll.set(at.saturating_sub(1));
        self.scroll.fit(lines.len(), area.height.into());
        self.scroll.set(at);
        let top = self.scroll.fit(lines.len(), area.height.into());
        for (i, line) in lines.iter().enumerate().skip(top).take(area.height.into()) {
            let place = Rect { y: area.y + (i - top) as u16, height: 1, ..area };
            match line {
                ListLine::Heading(words) => {
                    frame.render_widget(Line::styled(*words, ctx.theme.style(Role::Quiet)), place);
                }
                ListLine::Row(_, task) => frame.render_widget(row(task, area.width.into(), ctx), place),
            }
            if i == at {
                select(frame.buffer_mut(), place, ctx.theme, ctx.focused);
            }
        }
    }

    /// The selected task in words.
    fn task(&self, task: &TaskBoard, width: usize, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        let quiet = ctx.theme.style(Role::Quiet);
        push(&mut out, &format!("{}  {}", task.row, task.title), width, ctx.theme.heading());
        let due = ctx.theme.due(task.due);
        let since = if task.due == Due::Overdue { "since" } else { "until" };
        let until = if task.due == Due::AsNeeded {
            format!("{}: it is done when something asks for it", due.label())
        } else {
            format!("{}, {}, {since} {}", due.label(), task.cadence.word(), moment(task.until, ctx))
        };
        push(&mut out, &until, width, ctx.theme.style(due.role));
        if let Some(why) = &task.why {
            push(&mut out, why, width, ctx.theme.style(Role::Text));
        }
        push(&mut out, &last(task, ctx), width, quiet);
        let who = if task.counter_sign { ", and an admin counter-signs" } else { "" };
        push(&mut out, &format!("Signed by: {} or higher{who}.", task.role.word()), width, quiet);
        let hint = match (&self.sent, open_run(&task.id, ctx)) {
            (Some(Sent::Start(id, _)), _) if *id == task.id => "The run is being begun.".into(),
            (_, Some(run)) => {
                let done = run.steps.iter().filter(|s| s.answer.is_some()).count();
                format!(
                    "A run is open: {done} of {} steps answered, begun by {}. Enter goes on.",
                    run.steps.len(),
                    run.who
                )
            }
            _ => "Enter begins it: step by step, with what the program finds.".to_owned(),
        };
        push(&mut out, &hint, width, ctx.theme.style(Role::Focus));
        out.push(Line::default());
        if let Some(run) = open_run(&task.id, ctx) {
            run.steps.iter().for_each(|s| step_lines(&mut out, s, width, ctx));
        } else {
            let mut why: Option<&str> = None;
            for s in task.steps.iter() {
                // What is asked for each camera says once why.
                plan_lines(&mut out, s, why != Some(&*s.why), width, ctx);
                why = Some(&s.why);
            }
        }
        out.push(Line::default());
        records(&mut out, task, width, ctx);
        out
    }
}

/// Records of a task shown beside it; the list of records has them all.
const NEWEST: usize = 100;

fn records(out: &mut Vec<Line<'static>>, task: &TaskBoard, width: usize, ctx: &Ctx<'_>) {
    out.push(Line::styled("Records, newest first", ctx.theme.style(Role::Quiet)));
    let before = out.len();
    for record in ctx.board.upkeep.records.iter().filter(|r| r.task == task.id).take(NEWEST) {
        let mark = match (record.abandoned, record.passed) {
            (true, _) => Mark { word: "ended early", ..ctx.theme.outcome(Outcome::Skipped) },
            (false, true) => Mark { word: "all passed", ..ctx.theme.outcome(Outcome::Passed) },
            (false, false) => Mark { word: "not all passed", ..ctx.theme.outcome(Outcome::Failed) },
        };
        let text = format!("{}  {}  {}  run {}", moment(record.at, ctx), mark.label(), record.who, record.run);
        push(out, &text, width, ctx.theme.style(if mark.role == Role::Quiet { Role::Text } else { mark.role }));
    }
    if out.len() == before {
        push(out, "None yet. A finished run leaves one here.", width, ctx.theme.style(Role::Quiet));
    }
}

/// Adds text wrapped to the width.
pub(super) fn push(out: &mut Vec<Line<'static>>, text: &str, width: usize, style: ratatui::style::Style) {
    out.extend(fit::wrap(text, width).into_iter().map(|l| Line::styled(l, style)));
}

/// Adds text wrapped to the width and moved to the right.
pub(super) fn push_under(
    out: &mut Vec<Line<'static>>,
    text: &str,
    indent: usize,
    width: usize,
    style: ratatui::style::Style,
) {
    for line in fit::wrap(text, width.saturating_sub(indent)) {
        out.push(Line::styled(format!("{}{line}", " ".repeat(indent)), style));
    }
}

fn row(task: &TaskBoard, width: usize, ctx: &Ctx<'_>) -> Line<'static> {
    let u = ctx.theme.unicode;
    let mark = ctx.theme.due(task.due);
    let open = open_run(&task.id, ctx).is_some();
    let wide = width >= 50;
    let said = |word: &'static str| if wide { word } else { "" };
    let until = match task.due {
        _ if open => "run open".to_owned(),
        Due::AsNeeded => task.last_done.map_or_else(String::new, |at| day(at, ctx)),
        Due::Done => task.last_done.map_or_else(String::new, |at| format!("{}{}", said("done "), day(at, ctx))),
        Due::Overdue => format!("{}{}", said("since "), day(task.until, ctx)),
        Due::Due | Due::Waived => format!("{}{}", said("until "), day(task.until, ctx)),
    };
    let date = if wide { 16 } else { 10 };
    let room = width.saturating_sub(2 + 4 + date + 1);
    let style = ctx.theme.style(if task.due == Due::Done { Role::Quiet } else { Role::Text });
    Line::from(vec![
        Span::styled(format!("{} ", mark.symbol), ctx.theme.style(mark.role)),
        Span::styled(format!("{} {} ", fit::left(short_row(&task.row), 3, u), fit::left(&task.title, room, u)), style),
        Span::styled(fit::right(&until, date, u), ctx.theme.style(if open { Role::Focus } else { mark.role })),
    ])
}

/// `D1-D4` in the three cells of a list: `D1`.
fn short_row(row: &str) -> &str {
    row.split('-').next().unwrap_or(row)
}

fn last(task: &TaskBoard, ctx: &Ctx<'_>) -> String {
    let Some(at) = task.last_done else { return "Never done so far.".into() };
    let by = match &task.last_by {
        Some((who, true)) => format!(" by {who}, all passed"),
        Some((who, false)) => format!(" by {who}, not all passed"),
        None => String::new(),
    };
    format!("Last done {}{by}.", moment(at, ctx))
}

/// `Tue 24 Nov` in the site's zone.
pub(super) fn day(at: Timestamp, ctx: &Ctx<'_>) -> String {
    at.to_zoned(ctx.board.time_zone.clone()).strftime("%a %d %b").to_string()
}

/// `Tue 24 Nov 22:41` in the site's zone.
pub(super) fn moment(at: Timestamp, ctx: &Ctx<'_>) -> String {
    at.to_zoned(ctx.board.time_zone.clone()).strftime("%a %d %b %H:%M").to_string()
}

/// Who answers a step.
pub(super) fn kind_word(kind: &StepKind) -> &'static str {
    match kind {
        StepKind::Check { .. } => "machine",
        StepKind::Observe => "you look",
        StepKind::Action { .. } => "action",
        StepKind::Measure { .. } => "you measure",
        StepKind::Choose { .. } => "you choose",
        StepKind::Note => "you write",
    }
}

fn plan_lines(out: &mut Vec<Line<'static>>, step: &StepDef, with_why: bool, width: usize, ctx: &Ctx<'_>) {
    let text = format!("{} {}: {}", ctx.theme.glyphs().dot, kind_word(&step.kind), step.title);
    push(out, &text, width, ctx.theme.style(Role::Text));
    if with_why {
        push_under(out, &step.why, 2, width, ctx.theme.style(Role::Quiet));
    }
}

/// Symbol and words of an answered step: `✓ machine`, `● you`, `✗`, `– skipped`.
pub(super) fn answer_mark(kind: &StepKind, answer: &Answer, ctx: &Ctx<'_>) -> Mark {
    let mark = ctx.theme.outcome(answer.outcome);
    match (answer.outcome, kind) {
        (Outcome::Passed, StepKind::Check { .. }) => Mark { word: "machine", ..mark },
        (Outcome::Passed, _) => Mark { symbol: ctx.theme.glyphs().steps[3], word: "you", ..mark },
        _ => mark,
    }
}

/// A step of a run with its evidence.
pub(super) fn step_lines(out: &mut Vec<Line<'static>>, step: &StepBoard, width: usize, ctx: &Ctx<'_>) {
    if step.applies == Some(false) {
        return;
    }
    let Some(answer) = &step.answer else {
        let word = kind_word(&step.def.kind);
        push(out, &format!("  {word}, open: {}", step.def.title), width, ctx.theme.style(Role::Text));
        return;
    };
    let mark = answer_mark(&step.def.kind, answer, ctx);
    let style = ctx.theme.style(mark.role);
    push(out, &format!("{}: {}", mark.label(), step.def.title), width, style);
    for line in &answer.evidence {
        push_under(out, line, 4, width, ctx.theme.style(Role::Quiet));
    }
}
