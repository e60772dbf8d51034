//! What the keys and the mouse do on the maintenance tab.

use super::run::{FINDING, NOTE, REASON};
use super::state::{ListLine, Maintenance, with_headings};
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
    ]
}

impl Maintenance {
    pub(super) fn actions_now(&self) -> Vec<ActionInfo> {
        let info = |id, title| ActionInfo { id, title, context: Context::Maintenance };
        let list = |id, title| ActionInfo { id, title, context: Context::List };
        if self.run.is_none() {
            return vec![list("open", "begin or go on"), list("filter", "filter")];
        }
        let Some((_, step)) = self.step() else { return vec![list("back", "back to the list")] };
        let mut out = match step.def.kind {
            StepKind::Check { .. } => vec![list("open", "accept the answer")],
            StepKind::Observe => vec![info("in-order", "in order"), info("not-in-order", "not in order")],
            _ => vec![list("open", "write")],
        };
        out.extend([info("skip", "skip"), info("abandon", "end the run"), list("back", "leave it open")]);
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

    fn scrolled(&mut self, by: i16) -> Want {
        self.down = self.down.saturating_add_signed(by).min(500);
        Want::Nothing
    }

    fn act_in_list(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
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
            "in-order" | "not-in-order" | "skip" | "abandon" => {
                Want::Say("No run is open here: Enter begins the task.".into())
            }
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
            FINDING | NOTE | REASON => self.take_answer(tag, text, ctx),
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
        self.selected = Some(task.into());
        Want::Nothing
    }
}
