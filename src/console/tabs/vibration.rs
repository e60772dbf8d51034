//! Tab 2: what every region vibrates, against its limits.

mod actions;
mod detail;
mod facts;
mod state;
#[cfg(test)]
mod tests;
mod trend;
mod view;

pub use state::Vibration;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::console::keys::{ActionInfo, Context};
use crate::console::view::{Ctx, Mouse, Tab, Want};
use crate::console::widgets::fit;
use crate::model::board::Board;
use crate::model::vibration::Level;

/// Every action of this tab's own context.
#[must_use]
pub fn actions() -> Vec<ActionInfo> {
    actions::all()
}

impl Tab for Vibration {
    fn title(&self) -> &'static str {
        "Vibration"
    }

    fn context(&self) -> Context {
        Context::Vibration
    }

    fn actions(&self) -> Vec<ActionInfo> {
        self.actions_now()
    }

    fn badge(&self, ctx: &Ctx<'_>) -> Option<String> {
        let alarms = ctx.board.cameras.iter().flat_map(|c| &c.rois).filter(|r| r.level == Level::Alarm).count();
        (alarms > 0).then(|| format!("{alarms}!"))
    }

    fn act(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        self.do_action(action, ctx)
    }

    fn text(&mut self, tag: &'static str, text: Option<&str>, ctx: &Ctx<'_>) -> Want {
        self.take_text(tag, text, ctx)
    }

    fn targets(&self, board: &Board) -> Vec<(String, String)> {
        let rois = board.cameras.iter().flat_map(|c| c.rois.iter().map(move |r| (c, r)));
        rois.map(|(c, r)| (format!("region {} on {}", r.id, c.id), r.id.to_string())).collect()
    }

    fn reveal(&mut self, target: &str, _ctx: &Ctx<'_>) -> Want {
        self.go_to(target)
    }

    fn mouse(&mut self, _column: u16, row: u16, what: Mouse, ctx: &Ctx<'_>) -> Want {
        self.take_mouse(row, what, ctx)
    }

    fn idle(&mut self, ctx: &Ctx<'_>) -> Want {
        self.ask_for_the_past(ctx)
    }

    fn data_age_s(&self, ctx: &Ctx<'_>) -> Option<f64> {
        let readings = ctx.board.cameras.iter().flat_map(|c| &c.rois).filter_map(|r| r.reading.as_ref());
        readings.map(|r| r.at).max().map(|at| ctx.now.mono.secs_since(at))
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        // The console itself says what a terminal this small needs.
        if !fit::too_small(area) {
            self.draw_all(frame, fit::inset(area), ctx);
        }
    }
}
