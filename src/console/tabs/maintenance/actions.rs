//! What the keys and the mouse do on the maintenance tab.

use super::lists::{ADDENDUM, SETTLED, WAIVED_DAYS, WAIVED_WHY};
use super::run::{FINDING, HAND_OVER, NOTE, NUMBER, PIN, REASON, SIGNER, SUBJECT};
use super::state::{ListLine, Maintenance, Mode, with_headings};
use crate::console::keys::{ActionInfo, Context};
use crate::console::view::{Ctx, Mouse, Want};
use crate::model::upkeep::StepKind;

const FILTER: &str = "filter";

/// Every action of this tab's own context.
pub(super) fn all() -> Vec<ActionInfo> {
    let info = |id, title| ActionInfo { id, title, context: Context::Maintenance };
    vec![
        info("run", "begin the task, or go on with it"),
        info("in-order", "answer: in order"),
        info("not-in-order", "answer: not in order, with what was found"),
        info("skip", "leave the step out, with a reason"),
        info("abandon", "end the run before its last step"),
        info("look-again", "let the program look again"),
        info("take-back", "take the last answer back"),
        info("pause", "lay the run aside, or take it up again"),
        info("hand-over", "give the run to another person"),
        info("guide", "follow the troubleshooting guide that belongs here"),
        info("list", "the next list: tasks, calendar, to follow up, records"),
        info("settle", "settle what was found, with what was done"),
        info("counter-sign", "counter-sign the record, as a second person"),
        info("addendum", "add something to the record"),
        info("waive", "call the task off until a date, with a reason"),
    ]
}

impl Maintenance {
    pub(super) fn actions_now(&self) -> Vec<ActionInfo> {
        let info = |id, title| ActionInfo { id, title, context: Context::Maintenance };
        let list = |id, title| ActionInfo { id, title, context: Context::List };
        if self.run.is_none() {
            return match self.mode {
                Mode::Tasks => vec![
                    list("open", "begin or go on"),
                    list("filter", "filter"),
                    info("list", "calendar"),
                    info("waive", "waive"),
                ],
                Mode::Calendar => vec![
                    list("left", "day before"),
                    list("right", "next day"),
                    list("page-down", "next month"),
                    list("first", "today"),
                    list("open", "its tasks"),
                    info("list", "to follow up"),
                ],
                Mode::FollowUps => {
                    vec![info("guide", "follow the guide"), info("settle", "settled"), info("list", "records")]
                }
                Mode::Records => {
                    vec![info("counter-sign", "counter-sign"), info("addendum", "add to it"), info("list", "tasks")]
                }
            };
        }
        let Some((_, step)) = self.step() else {
            let sign = self.to_sign().map(|_| [list("open", "sign"), info("take-back", "take the last answer back")]);
            return sign.into_iter().flatten().chain([list("back", "back to the list")]).collect();
        };
        let mut out = match step.def.kind {
            StepKind::Check { .. } => vec![list("open", "accept the answer"), info("look-again", "look again")],
            StepKind::Action { .. } => vec![list("open", "agree"), info("look-again", "look again")],
            StepKind::Observe => vec![info("in-order", "in order"), info("not-in-order", "not in order")],
            StepKind::Choose { .. } => vec![list("down", "next"), list("open", "take it")],
            StepKind::Measure { .. } | StepKind::Note => vec![list("open", "write")],
        };
        if step.def.guide.is_some() {
            out.push(info("guide", "guide"));
        }
        out.extend([
            info("skip", "skip"),
            info("take-back", "back one"),
            info("abandon", "end the run"),
            list("back", "leave it open"),
        ]);
        out
    }

    pub(super) fn do_action(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        self.follow(ctx);
        if self.run.is_some() { self.act_in_run(action, ctx) } else { self.act_in_list(action, ctx) }
    }

    fn act_in_run(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        match action {
            "open" | "run" => self.accept(ctx),
            "in-order" => self.in_order(ctx),
            "not-in-order" => self.not_in_order(),
            "skip" => self.skip(),
            "abandon" => self.abandon(ctx),
            "look-again" => self.look_again(),
            "take-back" => self.take_back(ctx),
            "pause" => self.pause(ctx),
            "hand-over" => self.hand_over(ctx),
            "guide" => self.guide(ctx),
            "down" | "up" if self.choosing().is_some() => {
                let all = self.choosing().unwrap_or(1).max(1);
                let by = if action == "down" { 1 } else { all - 1 };
                self.choice = (self.choice + by) % all;
                Want::Nothing
            }
            "back" => {
                let open = !self.ended(ctx);
                self.run = None;
                self.down = 0;
                if open { Want::Say("The run stays open; Enter goes on with it.".into()) } else { Want::Nothing }
            }
            "down" | "page-down" => self.scrolled(if action == "down" { 1 } else { 10 }),
            "up" | "page-up" => self.scrolled(if action == "up" { -1 } else { -10 }),
            _ => Want::Pass,
        }
    }

    /// How many options the open step has, if it is answered by choosing.
    fn choosing(&self) -> Option<usize> {
        match &self.step()?.1.def.kind {
            StepKind::Choose { options } => Some(options.len()),
            _ => None,
        }
    }

    fn scrolled(&mut self, by: i16) -> Want {
        self.down = self.down.saturating_add_signed(by).min(500);
        Want::Nothing
    }

    fn act_in_list(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        if action == "list" {
            self.mode = match self.mode {
                Mode::Tasks => Mode::Calendar,
                Mode::Calendar => Mode::FollowUps,
                Mode::FollowUps => Mode::Records,
                Mode::Records => Mode::Tasks,
            };
            self.place.set(0);
            return Want::Nothing;
        }
        match self.mode {
            Mode::Tasks => {}
            Mode::Calendar => return self.act_in_calendar(action, ctx),
            Mode::FollowUps | Mode::Records => return self.act_in_other(action, ctx),
        }
        let rows = self.rows(ctx);
        self.find_selected(&rows);
        if self.cursor.act(action, rows.len()) {
            self.remember(&rows);
            return Want::Nothing;
        }
        match action {
            "open" | "run" => self.start(ctx),
            "filter" => Want::Prompt { title: "filter".into(), initial: self.filter.clone(), tag: FILTER },
            "back" if !self.filter.is_empty() => {
                self.filter.clear();
                Want::Say("Filter removed.".into())
            }
            "waive" => self.waive(ctx),
            "settle" | "counter-sign" | "addendum" => {
                Want::Say("v shows the calendar, what is to follow up, and the records.".into())
            }
            "in-order" | "not-in-order" | "skip" | "abandon" | "look-again" | "take-back" | "pause" | "hand-over"
            | "guide" => Want::Say("No run is open here: Enter begins the task.".into()),
            _ => Want::Pass,
        }
    }

    pub(super) fn take_text(&mut self, tag: &'static str, text: Option<&str>, ctx: &Ctx<'_>) -> Want {
        self.follow(ctx);
        match tag {
            FILTER => {
                if let Some(text) = text {
                    text.trim().clone_into(&mut self.filter);
                }
                Want::Nothing
            }
            FINDING | NOTE | REASON | NUMBER => self.take_answer(tag, text, ctx),
            SIGNER | PIN | HAND_OVER | SUBJECT => self.take_other(tag, text, ctx),
            SETTLED | ADDENDUM | WAIVED_DAYS | WAIVED_WHY => self.take_decision(tag, text, ctx),
            _ => Want::Pass,
        }
    }

    pub(super) fn take_mouse(&mut self, column: u16, row: u16, what: Mouse, ctx: &Ctx<'_>) -> Want {
        if self.run.is_some() {
            return match what {
                Mouse::Wheel(by) => self.scrolled(by),
                _ => Want::Nothing,
            };
        }
        if self.mode != Mode::Tasks {
            if let Mouse::Wheel(by) = what {
                let all = self.length(ctx);
                self.place.by(by.into(), all);
            }
            return Want::Nothing;
        }
        let rows = self.rows(ctx);
        self.find_selected(&rows);
        let inside = self.list.contains(ratatui::layout::Position { x: column, y: row });
        match what {
            Mouse::Wheel(by) => self.cursor.by(by.into(), rows.len()),
            _ if inside => {
                let at = self.scroll.top() + usize::from(row - self.list.y);
                let Some(ListLine::Row(at, _)) = with_headings(&rows).get(at).copied() else { return Want::Nothing };
                self.cursor.set(at);
            }
            _ => return Want::Nothing,
        }
        self.remember(&rows);
        if what == Mouse::DoubleClick { self.start(ctx) } else { Want::Nothing }
    }

    /// Selects a task in the list.
    pub(super) fn go_to(&mut self, task: &str) -> Want {
        self.filter.clear();
        self.run = None;
        self.mode = Mode::Tasks;
        self.selected = Some(task.into());
        Want::Nothing
    }
}
