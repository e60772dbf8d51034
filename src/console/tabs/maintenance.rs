//! Tab 6: what is to be done, the guided run that does it, and the records of what was done.

mod actions;
mod calendar;
mod guided;
mod lists;
mod run;
mod state;
#[cfg(test)]
mod tests;
mod view;

pub use state::Maintenance;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::console::keys::{ActionInfo, Context};
use crate::console::view::{Ctx, Mouse, Tab, Want};
use crate::console::widgets::fit;
use crate::model::board::Board;
use crate::model::upkeep::Due;

/// Every action of this tab's own context.
#[must_use]
pub fn actions() -> Vec<ActionInfo> {
    actions::all()
}

impl Tab for Maintenance {
    fn title(&self) -> &'static str {
        "Maintenance"
    }

    fn context(&self) -> Context {
        Context::Maintenance
    }

    fn actions(&self) -> Vec<ActionInfo> {
        self.actions_now()
    }

    fn badge(&self, ctx: &Ctx<'_>) -> Option<String> {
        let overdue = ctx.board.upkeep.count(Due::Overdue);
        (overdue > 0).then(|| format!("{overdue}!"))
    }

    fn act(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        self.do_action(action, ctx)
    }

    fn text(&mut self, tag: &'static str, text: Option<&str>, ctx: &Ctx<'_>) -> Want {
        self.take_text(tag, text, ctx)
    }

    fn targets(&self, board: &Board) -> Vec<(String, String)> {
        let tasks = board.upkeep.tasks.iter();
        tasks.map(|t| (format!("task {} {}", t.row, t.title), t.id.to_string())).collect()
    }

    fn reveal(&mut self, target: &str, _ctx: &Ctx<'_>) -> Want {
        self.go_to(target)
    }

    fn mouse(&mut self, column: u16, row: u16, what: Mouse, ctx: &Ctx<'_>) -> Want {
        self.take_mouse(column, row, what, ctx)
    }

    fn data_age_s(&self, ctx: &Ctx<'_>) -> Option<f64> {
        let known = !ctx.board.upkeep.tasks.is_empty();
        known.then(|| ctx.now.mono.secs_since(ctx.board.at.mono))
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        // The console itself says what a terminal this small needs.
        if !fit::too_small(area) {
            self.draw_all(frame, fit::inset(area), ctx);
        }
    }
}
