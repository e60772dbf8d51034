//! The lists beside the tasks: what was found and is not settled, and the records; and the decisions made on them.

use std::sync::Arc;

use jiff::SignedDuration;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span, Text};

use super::run::ask;
use super::state::{Maintenance, Mode, Signing};
use super::view::{day, moment, push, push_under};
use crate::console::theme::{Mark, Role};
use crate::console::view::{Ctx, Want};
use crate::console::widgets::facts::{divider, paragraph};
use crate::console::widgets::fit;
use crate::console::widgets::mark::select;
use crate::model::intent::{IntentKind, ToSign};
use crate::model::signed::{Record, RecordedStep};
use crate::model::upkeep::{FollowUp, Outcome, RunRecord};

/// What was done about a finding is asked for.
pub(super) const SETTLED: &str = "maintenance-settled";
/// What is added to a record is asked for.
pub(super) const ADDENDUM: &str = "maintenance-addendum";
/// For how many days a task is called off is asked for.
pub(super) const WAIVED_DAYS: &str = "maintenance-waived-days";
/// Why a task is called off is asked for.
pub(super) const WAIVED_WHY: &str = "maintenance-waived-why";

impl Maintenance {
    /// How many rows the list has.
    pub(super) fn length(&self, ctx: &Ctx<'_>) -> usize {
        match self.mode {
            Mode::Tasks | Mode::Calendar => 0,
            Mode::FollowUps => ctx.board.upkeep.follow_ups.len(),
            Mode::Records => ctx.board.upkeep.records.len(),
        }
    }

    pub(super) fn act_in_other(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        let all = self.length(ctx);
        if self.place.act(action, all) {
            return Want::Nothing;
        }
        let at = self.place.at();
        match (self.mode, action) {
            (_, "back") => {
                self.mode = Mode::Tasks;
                Want::Nothing
            }
            (Mode::FollowUps, "guide" | "open" | "run") => match ctx.board.upkeep.follow_ups.get(at) {
                Some(FollowUp { guide: Some(guide), subject, run, step, .. }) => {
                    let (guide, subject, because) = (guide.clone(), subject.clone(), (*run, step.clone()));
                    self.follow_guide(guide, subject, Some(because), ctx)
                }
                Some(_) => Want::Say("No guide belongs to this. t settles it, with what was done.".into()),
                None => Want::Nothing,
            },
            (Mode::FollowUps, "settle") if all > 0 => ask("What was done", SETTLED),
            (Mode::Records, "counter-sign") => self.counter_sign(ctx),
            (Mode::Records, "addendum") if all > 0 => ask("What is to be added", ADDENDUM),
            _ => Want::Pass,
        }
    }

    fn counter_sign(&mut self, ctx: &Ctx<'_>) -> Want {
        let Some(row) = ctx.board.upkeep.records.get(self.place.at()) else { return Want::Nothing };
        match &row.record {
            Some(record) if row.wants_counter_signature => {
                let what = ToSign::Counter { run: row.run, hash: record.hash.clone() };
                self.sign(what, ctx)
            }
            _ => Want::Say("This record needs no counter-signature.".into()),
        }
    }

    /// Calls the selected task off, by somebody who may.
    pub(super) fn waive(&mut self, ctx: &Ctx<'_>) -> Want {
        let rows = self.rows(ctx);
        match rows.get(self.cursor.at()) {
            Some(task) if !task.guide => ask("For how many days it need not be done", WAIVED_DAYS),
            _ => Want::Say("A guide is never due; there is nothing to waive.".into()),
        }
    }

    pub(super) fn take_decision(&mut self, tag: &'static str, text: Option<&str>, ctx: &Ctx<'_>) -> Want {
        let Some(text) = text.map(str::trim) else {
            self.signing = None;
            return Want::Nothing;
        };
        if text.is_empty() {
            return Want::Say("Nothing was written, so nothing was done.".into());
        }
        let at = self.place.at();
        match tag {
            SETTLED => match ctx.board.upkeep.follow_ups.get(at) {
                Some(f) => {
                    Want::Send(IntentKind::CloseFollowUp { run: f.run, step: f.step.clone(), text: text.into() })
                }
                None => Want::Nothing,
            },
            ADDENDUM => match ctx.board.upkeep.records.get(at) {
                Some(r) => {
                    let what = ToSign::Addendum { run: r.run, text: text.into() };
                    self.sign(what, ctx)
                }
                None => Want::Nothing,
            },
            WAIVED_DAYS => {
                let days = text.parse::<i64>().ok().filter(|d| (1..=122).contains(d));
                let until = days.and_then(|d| ctx.now.wall.checked_add(SignedDuration::from_hours(24 * d)).ok());
                let rows = self.rows(ctx);
                let (Some(until), Some(task)) = (until, rows.get(self.cursor.at())) else {
                    return Want::Say("Not waived: give a number of days from 1 to 122.".into());
                };
                let what = ToSign::Waive { task: task.id.clone(), until, why: "".into() };
                self.signing = Some(Signing { what, person: None });
                ask("Why it need not be done", WAIVED_WHY)
            }
            _ => match self.signing.take() {
                Some(Signing { what: ToSign::Waive { task, until, .. }, .. }) => {
                    self.sign(ToSign::Waive { task, until, why: text.into() }, ctx)
                }
                _ => Want::Nothing,
            },
        }
    }

    pub(super) fn draw_other(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        let all = self.length(ctx);
        self.place.by(0, all);
        if all == 0 {
            let words = match self.mode {
                Mode::FollowUps => {
                    "Nothing is to be followed up. What a step finds not in order is listed here until it is settled, or \
                     found in order the next time. Esc goes back to the tasks."
                }
                _ => "No record yet. Each finished run leaves one here. Esc goes back to the tasks.",
            };
            let place = Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4).min(76), ..area };
            let place = Rect { height: area.height.saturating_sub(1), ..place };
            paragraph(frame.buffer_mut(), place, words, ctx.theme.style(Role::Text), ctx.theme);
            return;
        }
        let left = if area.width >= 150 { 60 } else { area.width / 2 };
        let [list, gap, right] =
            Layout::horizontal([Constraint::Length(left), Constraint::Length(3), Constraint::Fill(1)]).areas(area);
        let heading = match self.mode {
            Mode::FollowUps => format!("To follow up: {all}"),
            _ => format!("Records: {all}, newest first"),
        };
        frame.render_widget(Line::styled(heading, ctx.theme.style(Role::Quiet)), Rect { height: 1, ..list });
        let rows = Rect { y: list.y + 1, height: list.height.saturating_sub(1), ..list };
        let mut scroll = self.place;
        let top = scroll.fit(all, rows.height.into());
        for i in top..all.min(top + usize::from(rows.height)) {
            let place = Rect { y: rows.y + (i - top) as u16, height: 1, ..rows };
            let line = match self.mode {
                Mode::FollowUps => ctx.board.upkeep.follow_ups.get(i).map(|f| follow_row(f, place.width.into(), ctx)),
                _ => ctx.board.upkeep.records.get(i).map(|r| record_row(r, place.width.into(), ctx)),
            };
            if let Some(line) = line {
                frame.render_widget(line, place);
            }
            if i == self.place.at() {
                select(frame.buffer_mut(), place, ctx.theme, ctx.focused);
            }
        }
        if gap.width == 3 {
            divider(frame.buffer_mut(), gap.x + 1, area.top(), area.bottom(), ctx.theme);
        }
        let width = right.width.into();
        let at = self.place.at();
        let lines = match self.mode {
            Mode::FollowUps => ctx.board.upkeep.follow_ups.get(at).map(|f| follow_lines(f, width, ctx)),
            _ => ctx.board.upkeep.records.get(at).map(|r| record_lines(r, width, ctx)),
        };
        frame.render_widget(Text::from(lines.unwrap_or_default()), right);
    }
}

fn follow_row(f: &FollowUp, width: usize, ctx: &Ctx<'_>) -> Line<'static> {
    let u = ctx.theme.unicode;
    let date = day(f.since, ctx);
    let room = width.saturating_sub(2 + fit::width(&date) + 1);
    let mark = ctx.theme.outcome(Outcome::Failed);
    Line::from(vec![
        Span::styled(format!("{} ", mark.symbol), ctx.theme.style(mark.role)),
        Span::styled(fit::left(&f.title, room, u), ctx.theme.style(Role::Text)),
        Span::styled(format!(" {date}"), ctx.theme.style(Role::Quiet)),
    ])
}

fn follow_lines(f: &FollowUp, width: usize, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    push(&mut out, &f.title, width, ctx.theme.heading());
    let found = format!("Found {} in run {} of {}.", moment(f.since, ctx), f.run, f.task);
    push(&mut out, &found, width, ctx.theme.style(Role::Quiet));
    out.push(Line::default());
    push(&mut out, &f.found, width, ctx.theme.style(Role::Text));
    out.push(Line::default());
    let hint = match &f.guide {
        Some(guide) => format!("Enter follows {guide}.  t: settled, with what was done."),
        None => "t: settled, with what was done.".to_owned(),
    };
    push(&mut out, &hint, width, ctx.theme.style(Role::Focus));
    out
}

fn mark(r: &RunRecord, ctx: &Ctx<'_>) -> Mark {
    match (r.abandoned, r.passed) {
        (true, _) => Mark { word: "ended early", ..ctx.theme.outcome(Outcome::Skipped) },
        (false, true) => Mark { word: "all in order", ..ctx.theme.outcome(Outcome::Passed) },
        (false, false) => Mark { word: "not all in order", ..ctx.theme.outcome(Outcome::Failed) },
    }
}

fn record_row(r: &RunRecord, width: usize, ctx: &Ctx<'_>) -> Line<'static> {
    let u = ctx.theme.unicode;
    let mark = mark(r, ctx);
    let tail = if r.wants_counter_signature { " counter-sign" } else { "" };
    let text = format!("{}  {}  {}", moment(r.at, ctx), r.task, r.who);
    let room = width.saturating_sub(2 + tail.len());
    Line::from(vec![
        Span::styled(format!("{} ", mark.symbol), ctx.theme.style(mark.role)),
        Span::styled(fit::left(&text, room, u), ctx.theme.style(Role::Text)),
        Span::styled(tail, ctx.theme.style(Role::Advisory)),
    ])
}

fn record_lines(r: &RunRecord, width: usize, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let Some(record) = &r.record else {
        push(&mut out, &format!("Run {} of {}", r.run, r.task), width, ctx.theme.heading());
        let words = format!("{}, {} by {}.", mark(r, ctx).label(), moment(r.at, ctx), r.who);
        push(&mut out, &words, width, ctx.theme.style(Role::Text));
        let words = format!("The whole record is in the journal: vms maintenance show {}", r.run);
        push(&mut out, &words, width, ctx.theme.style(Role::Quiet));
        return out;
    };
    push(&mut out, &format!("{}  {}", record.row, record.title), width, ctx.theme.heading());
    let words = format!(
        "{}. Run {}, {} to {}, by {}.",
        mark(r, ctx).label(),
        r.run,
        moment(record.started, ctx),
        moment(record.finished, ctx),
        record.who
    );
    push(&mut out, &words, width, ctx.theme.style(Role::Text));
    signatures(&mut out, record, width, ctx);
    out.push(Line::default());
    record.steps.iter().for_each(|s| step_lines(&mut out, s, width, ctx));
    for a in &record.addenda {
        push(
            &mut out,
            &format!("Added {} by {}: {}", moment(a.at, ctx), a.who, a.text),
            width,
            ctx.theme.style(Role::Text),
        );
    }
    out
}

fn signatures(out: &mut Vec<Line<'static>>, record: &Arc<Record>, width: usize, ctx: &Ctx<'_>) {
    if record.signatures.is_empty() {
        let words = "Not signed: nobody had a PIN when it was finished.";
        push(out, words, width, ctx.theme.style(Role::Quiet));
    }
    for s in &record.signatures {
        let verb = if s.counter { "Counter-signed" } else { "Signed" };
        let words = format!("{verb} by {} ({}), {}.", s.name, s.role, moment(s.at, ctx));
        push(out, &words, width, ctx.theme.style(Role::Text));
    }
    let hash = record.hash.get(..16).unwrap_or(&record.hash);
    push(out, &format!("SHA-256 {hash}…"), width, ctx.theme.style(Role::Quiet));
}

fn step_lines(out: &mut Vec<Line<'static>>, step: &RecordedStep, width: usize, ctx: &Ctx<'_>) {
    let Some(outcome) = step.outcome else { return };
    let mark = ctx.theme.outcome(outcome);
    let role = if mark.role == Role::Quiet { Role::Text } else { mark.role };
    push(out, &format!("{} {}", mark.symbol, step.title), width, ctx.theme.style(role));
    for line in step.evidence.iter().take(6) {
        push_under(out, line, 4, width, ctx.theme.style(Role::Quiet));
    }
}
