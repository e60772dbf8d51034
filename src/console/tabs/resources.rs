//! Tab 4: every health indicator against its limit, with its history and forecast; and the database page.

mod actions;
mod database;
mod detail;
mod guide;
mod state;
#[cfg(test)]
mod tests;
mod units;
mod view;

pub use state::Resources;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::console::keys::{ActionInfo, Context};
use crate::console::view::{Ctx, Mouse, Tab, Want};
use crate::console::widgets::fit;
use crate::model::board::{Board, Indicator, IndicatorState};

/// Every action of this tab's own context.
#[must_use]
pub fn actions() -> Vec<ActionInfo> {
    actions::all()
}

impl Tab for Resources {
    fn title(&self) -> &'static str {
        "Resources"
    }

    fn context(&self) -> Context {
        Context::Resources
    }

    fn actions(&self) -> Vec<ActionInfo> {
        self.actions_now()
    }

    fn badge(&self, ctx: &Ctx<'_>) -> Option<String> {
        let n = ctx.board.indicators.iter().filter(|i| i.state == IndicatorState::Exceeded).count();
        (n > 0).then(|| format!("{n}!"))
    }

    fn act(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        self.do_action(action, ctx)
    }

    fn text(&mut self, tag: &'static str, text: Option<&str>, _ctx: &Ctx<'_>) -> Want {
        self.take_text(tag, text)
    }

    fn targets(&self, board: &Board) -> Vec<(String, String)> {
        let name = |i: &Indicator| format!("{}: {}", i.group.title(), i.name);
        let page = ("Database page".to_owned(), state::DATABASE_PAGE.to_owned());
        board.indicators.iter().map(|i| (name(i), i.id.to_string())).chain([page]).collect()
    }

    fn reveal(&mut self, target: &str, _ctx: &Ctx<'_>) -> Want {
        self.go_to(target)
    }

    fn mouse(&mut self, column: u16, row: u16, what: Mouse, ctx: &Ctx<'_>) -> Want {
        if self.page.open {
            return self.page.take_mouse(column, row, what);
        }
        self.take_mouse(row, what, ctx)
    }

    fn idle(&mut self, ctx: &Ctx<'_>) -> Want {
        match self.selected.clone().filter(|_| self.open) {
            Some(id) => self.past.ask(&id, ctx),
            None => Want::Nothing,
        }
    }

    fn data_age_s(&self, ctx: &Ctx<'_>) -> Option<f64> {
        if self.page.open {
            return ctx.board.database.report.as_ref().map(|r| ctx.now.mono.secs_since(r.at.mono));
        }
        let newest = ctx.board.indicators.iter().filter_map(|i| i.at).map(|at| at.mono).max();
        newest.map(|at| ctx.now.mono.secs_since(at))
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        // The console itself says what a terminal this small needs.
        if fit::too_small(area) {
            return;
        }
        if self.page.open {
            self.page.draw(frame.buffer_mut(), fit::inset(area), ctx);
        } else {
            self.draw_all(frame, fit::inset(area), ctx);
        }
    }
}
