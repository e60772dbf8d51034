//! Tab 5: the program's own records and the log files beside them.

mod actions;
mod book;
mod book_view;
mod live;
mod moment;
mod patterns;
mod state;
#[cfg(test)]
mod tests;
mod view;

pub use state::Logs;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::console::keys::{ActionInfo, Context};
use crate::console::view::{Ctx, Mouse, Tab, Want};
use crate::console::widgets::fit;
use crate::model::board::{Board, Group, IndicatorState};

/// Every action of this tab's own context.
#[must_use]
pub fn actions() -> Vec<ActionInfo> {
    actions::all()
}

impl Tab for Logs {
    fn title(&self) -> &'static str {
        "Logs"
    }

    fn context(&self) -> Context {
        Context::Logs
    }

    fn actions(&self) -> Vec<ActionInfo> {
        self.actions_now()
    }

    fn badge(&self, ctx: &Ctx<'_>) -> Option<String> {
        // An error now and then is everyday; the tab calls only when there are more than the limit allows.
        let mut mine = ctx.board.indicators.iter().filter(|i| i.group == Group::Logs);
        mine.any(|i| i.state == IndicatorState::Exceeded)
            .then(|| format!("{:.0}!", ctx.board.logs.as_ref().map_or(0.0, |l| l.errors_per_min())))
    }

    fn act(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        self.do_action(action, ctx)
    }

    fn text(&mut self, tag: &'static str, text: Option<&str>, ctx: &Ctx<'_>) -> Want {
        self.take_text(tag, text, ctx)
    }

    fn idle(&mut self, ctx: &Ctx<'_>) -> Want {
        self.book_idle(ctx)
    }

    fn targets(&self, board: &Board) -> Vec<(String, String)> {
        let files = board.logs.iter().flat_map(|l| &l.sources);
        files.map(|f| (format!("log {}", f.path), f.path.to_string())).collect()
    }

    fn reveal(&mut self, target: &str, ctx: &Ctx<'_>) -> Want {
        self.go_to(target, ctx)
    }

    fn mouse(&mut self, column: u16, row: u16, what: Mouse, ctx: &Ctx<'_>) -> Want {
        self.take_mouse(column, row, what, ctx)
    }

    fn data_age_s(&self, ctx: &Ctx<'_>) -> Option<f64> {
        ctx.board.logs.as_ref().map(|l| ctx.now.mono.secs_since(l.at.mono))
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        // The console itself says what a terminal this small needs.
        if !fit::too_small(area) {
            self.draw_all(frame, fit::inset(area), ctx);
        }
    }
}
