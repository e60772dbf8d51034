//! Tab 3: the PLCs with their tags, and the traffic on their lines as it happens.

mod decode;
mod traffic;
mod units;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::console::keys::{self, Action, ActionInfo, Context};
use crate::console::theme::Role;
use crate::console::view::{Ctx, Mouse, Tab, Want};
use crate::console::widgets::{ListState, Table, facts};
use crate::model::bus::{PlcBoard, PlcState};
use crate::model::intent::IntentKind;
use traffic::Traffic;

/// From this width on units and traffic stand side by side.
const WIDE: u16 = 100;

/// What has the keyboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pane {
    Units,
    #[default]
    Traffic,
}

/// The tab's state.
#[derive(Debug, Default)]
pub struct Plc {
    units: ListState,
    traffic: Traffic,
    pane: Pane,
    /// The register map stands where the traffic is.
    map: bool,
    registers: ListState,
    /// The selected frame is decoded below the traffic.
    open: bool,
    areas: (Rect, Rect),
}

type Run = fn(&mut Plc, &Ctx<'_>) -> Want;

const fn row(id: &'static str, title: &'static str, run: Run) -> Action<Plc> {
    Action::new(Context::Plc, id, title, run)
}

static ACTIONS: [Action<Plc>; 4] = [
    row("pause", "pause", |tab, ctx| {
        tab.traffic.toggle(ctx);
        Want::Nothing
    }),
    row("errors-only", "errors only", |tab, _| {
        tab.traffic.errors_only = !tab.traffic.errors_only;
        Want::Nothing
    }),
    row("view", "traffic or registers", |tab, _| {
        tab.map = !tab.map;
        tab.pane = Pane::Traffic;
        Want::Nothing
    }),
    row("reset", "reset the link", |tab, ctx| tab.reset(ctx)),
];

/// Every action of the tab.
#[must_use]
pub fn actions() -> Vec<ActionInfo> {
    keys::infos(&ACTIONS)
}

impl Plc {
    fn selected<'b>(&self, ctx: &Ctx<'b>) -> Option<&'b PlcBoard> {
        let id = self.units.selected();
        let found = ctx.board.plcs.iter().find(|p| Some(p.id.as_str()) == id);
        found.or_else(|| ctx.board.plcs.first()).map(AsRef::as_ref)
    }

    fn reset(&self, ctx: &Ctx<'_>) -> Want {
        let Some(p) = self.selected(ctx) else { return Want::Say("There is no PLC to reset.".into()) };
        Want::Confirm {
            question: format!(
                "Close the port of {} ({}) and open it again? Until it answers, no tag is read and no alarm bit is written to it.",
                p.id, p.port
            ),
            then: IntentKind::ResetPlc(p.id.clone()),
        }
    }

    /// Moves whatever has the keyboard.
    fn movement(&mut self, action: &str, ctx: &Ctx<'_>) -> bool {
        match (self.pane, self.map) {
            (Pane::Units, _) => self.units.act(action),
            (Pane::Traffic, true) => self.registers.act(action),
            (Pane::Traffic, false) => self.traffic.act(action, ctx),
        }
    }
}

impl Tab for Plc {
    fn title(&self) -> &'static str {
        "PLC"
    }

    fn context(&self) -> Context {
        Context::Plc
    }

    fn actions(&self) -> Vec<ActionInfo> {
        let shared = if self.open { ["back", "focus-next"] } else { ["open", "filter"] };
        let list = keys::LIST.into_iter().filter(|a| shared.contains(&a.id));
        list.chain(actions()).collect()
    }

    fn badge(&self, ctx: &Ctx<'_>) -> Option<String> {
        let bad = ctx.board.plcs.iter().filter(|p| matches!(p.state(), PlcState::Degraded | PlcState::Lost)).count();
        (bad > 0).then(|| format!("{bad}!"))
    }

    fn act(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        if let Some(want) = keys::dispatch(&ACTIONS, self, action, ctx) {
            return want;
        }
        match action {
            "focus-next" | "focus-previous" => {
                self.pane = if self.pane == Pane::Units { Pane::Traffic } else { Pane::Units };
            }
            "open" if self.pane == Pane::Units => self.pane = Pane::Traffic,
            "open" if !self.map => {
                self.traffic.hold(ctx);
                self.open = true;
            }
            "back" if self.open => self.open = false,
            "back" if !self.traffic.filter.is_empty() || self.traffic.errors_only => {
                self.traffic.filter.clear();
                self.traffic.errors_only = false;
            }
            "back" if self.traffic.paused() => self.traffic.toggle(ctx),
            "filter" => {
                return Want::Prompt { title: "filter".into(), initial: self.traffic.filter.clone(), tag: "filter" };
            }
            "sort" if self.pane == Pane::Units => self.units.next_sort(&units::COLUMNS),
            "sort" if self.map => self.registers.next_sort(&units::REGISTERS),
            _ if self.movement(action, ctx) => {}
            _ => return Want::Pass,
        }
        Want::Nothing
    }

    fn text(&mut self, tag: &'static str, text: Option<&str>, _ctx: &Ctx<'_>) -> Want {
        if let ("filter", Some(text)) = (tag, text) {
            text.clone_into(&mut self.traffic.filter);
            text.clone_into(&mut self.registers.filter);
        }
        Want::Nothing
    }

    fn targets(&self, board: &crate::model::board::Board) -> Vec<(String, String)> {
        board.plcs.iter().map(|p| (format!("Go to PLC {}", p.id), p.id.to_string())).collect()
    }

    fn reveal(&mut self, target: &str, _ctx: &Ctx<'_>) -> Want {
        self.units.select(target);
        self.pane = Pane::Units;
        Want::Nothing
    }

    fn mouse(&mut self, column: u16, row: u16, what: Mouse, ctx: &Ctx<'_>) -> Want {
        let (left, right) = self.areas;
        let at = (column, row).into();
        match what {
            Mouse::Wheel(by) => {
                self.pane = if left.contains(at) { Pane::Units } else { Pane::Traffic };
                for _ in 0..by.unsigned_abs() {
                    self.movement(if by < 0 { "up" } else { "down" }, ctx);
                }
            }
            _ if left.contains(at) && row > left.y => {
                self.pane = Pane::Units;
                self.units.click(usize::from(row - left.y - 1));
            }
            _ if right.contains(at) => {
                self.pane = Pane::Traffic;
                if self.map {
                    self.registers.click(usize::from(row.saturating_sub(right.y + 1)));
                } else if self.traffic.click(row, ctx) && what == Mouse::DoubleClick {
                    self.open = true;
                }
            }
            _ => {}
        }
        Want::Nothing
    }

    fn data_age_s(&self, ctx: &Ctx<'_>) -> Option<f64> {
        let answers = ctx.board.plcs.iter().filter_map(|p| p.report.as_ref()?.last_answer);
        answers.map(|a| ctx.now.mono.secs_since(a.mono)).min_by(f64::total_cmp)
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        let buffer = frame.buffer_mut();
        if ctx.board.plcs.is_empty() {
            let say = "No PLC is configured. Add a [[plc]] with its port and its tags to vms.toml to tell a PLC of alarms; \
                       \"vms config init\" writes a commented example.";
            let inner = Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 1 };
            facts::paragraph(buffer, inner, say, ctx.theme.style(Role::Quiet), ctx.theme);
            return;
        }
        let rows = self.units.arrange(ctx.board.plcs.iter().map(|p| units::row(p, ctx)).collect());
        let listed = (rows.len() as u16 + 1).min(area.height / 3);
        let wide = area.width >= WIDE;
        let (left, right) = if wide {
            let width = (area.width * 2 / 5).clamp(42, 60);
            facts::divider(buffer, area.x + width, area.y, area.bottom(), ctx.theme);
            (Rect { width, ..area }, Rect { x: area.x + width + 1, width: area.width - width - 1, ..area })
        } else {
            let below = Rect { y: area.y + listed, height: area.height - listed, ..area };
            (area, below)
        };
        self.areas = (Rect { height: listed, ..left }, right);
        let on_units = ctx.focused && self.pane == Pane::Units;
        let list = Rect { height: listed, ..left };
        Table::new(&units::COLUMNS, on_units).draw(buffer, list, &rows, &mut self.units, ctx.theme);
        let selected = self.selected(ctx);
        let below = Rect { x: left.x + 1, y: left.y + listed, width: left.width - 2, height: left.height - listed };
        if let Some(plc) = selected.filter(|_| wide || self.pane == Pane::Units) {
            units::draw(buffer, below, plc, ctx);
        }
        if !wide && self.pane == Pane::Units {
            return;
        }
        match selected {
            Some(plc) if self.map => units::map(buffer, right, plc, &mut self.registers, ctx),
            _ => self.draw_traffic(buffer, right, ctx),
        }
    }
}

impl Plc {
    fn draw_traffic(&mut self, buffer: &mut ratatui::buffer::Buffer, area: Rect, ctx: &Ctx<'_>) {
        let detail = if self.open { (area.height / 2).min(14) } else { 0 };
        let top = Rect { height: area.height - detail, ..area };
        let focused = ctx.focused && self.pane == Pane::Traffic;
        let selected = self.traffic.draw(buffer, top, focused, ctx);
        if let (Some(f), true) = (selected, detail > 2) {
            decode::draw(buffer, Rect { y: top.bottom(), height: detail, ..area }, &f, ctx);
        }
    }
}

#[cfg(test)]
mod tests;
