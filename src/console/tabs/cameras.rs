//! Tab 1: a row per camera; its picture with the regions, the stream's facts and what was tried while it is lost.

mod detail;
mod picture;
mod ruler;
mod table;

use ratatui::Frame;
use ratatui::layout::Rect;

use ruler::Ruler;

use crate::console::keys::{self, Action, ActionInfo, Context};
use crate::console::view::{Ctx, Mouse, Tab, Want};
use crate::console::widgets::{ListState, Table, facts};
use crate::model::CameraId;
use crate::model::camera::CameraBoard;
use crate::model::intent::IntentKind;

/// From this width on the detail stands beside the list.
const WIDE: u16 = 100;

/// The tab's state.
#[derive(Debug, Default)]
pub struct Cameras {
    list: ListState,
    /// The detail was opened (or has the keyboard, where it stands beside the list).
    open: bool,
    /// Whether the detail stood beside the list when it was drawn last.
    wide: bool,
    front: bool,
    /// The camera whose picture was asked for.
    watching: Option<CameraId>,
    list_area: Rect,
    /// A length is being measured on the picture: it takes the whole tab.
    ruler: Option<Ruler>,
}

type Run = fn(&mut Cameras, &Ctx<'_>) -> Want;

const fn row(id: &'static str, title: &'static str, run: Run) -> Action<Cameras> {
    Action::new(Context::Cameras, id, title, run)
}

static ACTIONS: [Action<Cameras>; 5] = [
    row("reconnect", "reconnect", |tab, ctx| tab.reconnect(ctx)),
    row("next-camera", "next camera", |tab, _| tab.step(1)),
    row("previous-camera", "previous camera", |tab, _| tab.step(-1)),
    row("scale", "scale from a known length", Cameras::measure),
    row("zoom", "pixel by pixel, or the whole picture", |tab, _| tab.zoom()),
];

/// Every action of the tab.
#[must_use]
pub fn actions() -> Vec<ActionInfo> {
    keys::infos(&ACTIONS)
}

impl Cameras {
    fn selected<'b>(&self, ctx: &Ctx<'b>) -> Option<&'b CameraBoard> {
        let id = self.list.selected()?;
        ctx.board.cameras.iter().find(|c| c.id.as_str() == id).map(AsRef::as_ref)
    }

    fn reconnect(&self, ctx: &Ctx<'_>) -> Want {
        let Some(c) = self.selected(ctx) else { return Want::Say("There is no camera to reconnect.".into()) };
        Want::Confirm {
            question: format!(
                "Close the stream of {} ({}) and open it again? Its regions are not measured until frames come, mostly within two \
                 seconds.",
                c.id, c.name
            ),
            then: IntentKind::ReconnectCamera(c.id.clone()),
        }
    }

    fn measure(&mut self, ctx: &Ctx<'_>) -> Want {
        let Some(c) = self.selected(ctx) else { return Want::Say("There is no camera to measure with.".into()) };
        self.ruler = Ruler::begin(c, ctx.board.snapshot.as_deref());
        match self.ruler {
            Some(_) => Want::Nothing,
            None => {
                Want::Say("There is no picture to measure on yet: open the camera's detail and wait for it.".into())
            }
        }
    }

    fn zoom(&mut self) -> Want {
        match &mut self.ruler {
            Some(r) => r.act("zoom").unwrap_or(Want::Nothing),
            None => Want::Say("Pixel by pixel is for measuring a scale: press the key for it first.".into()),
        }
    }

    fn step(&mut self, by: isize) -> Want {
        self.list.step(by);
        Want::Nothing
    }

    /// Ends the measuring of a length; the picture becomes the whole one again.
    fn put_ruler_away(&mut self) -> Want {
        let camera = self.ruler.take().map(|r| r.camera);
        camera.map_or(Want::Nothing, |camera| Want::Send(IntentKind::LookAt { camera, centre: None }))
    }

    fn detail_visible(&self) -> bool {
        self.front && (self.wide || self.open || self.ruler.is_some())
    }
}

impl Tab for Cameras {
    fn title(&self) -> &'static str {
        "Cameras"
    }

    fn context(&self) -> Context {
        Context::Cameras
    }

    fn actions(&self) -> Vec<ActionInfo> {
        if self.ruler.is_some() {
            let list = |id, title| ActionInfo { id, title, context: Context::List };
            let own = [list("open", "set the point"), list("back", "one step back")].into_iter();
            return own.chain(actions().into_iter().filter(|a| a.id == "zoom")).collect();
        }
        let shared = if self.open { ["back"].as_slice() } else { ["open", "filter", "sort"].as_slice() };
        let list = keys::LIST.into_iter().filter(|a| shared.contains(&a.id));
        list.chain(actions().into_iter().filter(|a| a.id != "zoom")).collect()
    }

    fn badge(&self, ctx: &Ctx<'_>) -> Option<String> {
        use crate::model::camera::CameraState::{Connecting, Disabled, Live};
        let bad = ctx.board.cameras.iter().filter(|c| !matches!(c.state(), Live | Connecting | Disabled)).count();
        (bad > 0).then(|| format!("{bad}!"))
    }

    fn act(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        if let Some(ruler) = &mut self.ruler {
            if let Some(want) = ruler.act(action) {
                return want;
            }
            return if action == "back" { self.put_ruler_away() } else { Want::Nothing };
        }
        if let Some(want) = keys::dispatch(&ACTIONS, self, action, ctx) {
            return want;
        }
        match action {
            "open" if self.list.selected().is_some() => self.open = true,
            "back" if self.open => self.open = false,
            "back" if !self.list.filter.is_empty() => self.list.filter.clear(),
            "focus-next" | "focus-previous" if self.wide => self.open = !self.open,
            "filter" => {
                return Want::Prompt { title: "filter".into(), initial: self.list.filter.clone(), tag: "filter" };
            }
            "sort" => self.list.next_sort(&table::COLUMNS),
            _ if self.list.act(action) => {}
            _ => return Want::Pass,
        }
        Want::Nothing
    }

    fn text(&mut self, tag: &'static str, text: Option<&str>, ctx: &Ctx<'_>) -> Want {
        if tag == ruler::LENGTH {
            let was = self.selected(ctx).and_then(|c| c.scale_mm_per_px);
            return match (&self.ruler, text) {
                (Some(r), Some(text)) => r.length(text, was),
                _ => Want::Nothing,
            };
        }
        if let ("filter", Some(text)) = (tag, text) {
            text.clone_into(&mut self.list.filter);
        }
        Want::Nothing
    }

    fn targets(&self, board: &crate::model::board::Board) -> Vec<(String, String)> {
        board.cameras.iter().map(|c| (format!("Go to camera {}", c.id), c.id.to_string())).collect()
    }

    fn reveal(&mut self, target: &str, _ctx: &Ctx<'_>) -> Want {
        self.list.filter.clear();
        self.list.select(target);
        self.open = true;
        Want::Nothing
    }

    fn mouse(&mut self, column: u16, row: u16, what: Mouse, _ctx: &Ctx<'_>) -> Want {
        if let Some(r) = &mut self.ruler {
            if what == Mouse::Click {
                r.click(column, row);
            }
            return Want::Nothing;
        }
        match what {
            Mouse::Wheel(by) => self.list.step(isize::from(by.signum())),
            _ if self.list_area.contains((column, row).into()) && row > self.list_area.y => {
                let hit = self.list.click(usize::from(row - self.list_area.y - 1));
                self.open = hit && what == Mouse::DoubleClick;
            }
            _ => {}
        }
        Want::Nothing
    }

    fn shown(&mut self, front: bool, _ctx: &Ctx<'_>) -> Want {
        self.front = front;
        if !front && self.ruler.is_some() {
            // The picture is the whole one again when the tab comes back.
            return self.put_ruler_away();
        }
        match (front, self.watching.take()) {
            (false, Some(_)) => Want::Send(IntentKind::Watch(None)),
            _ => Want::Nothing,
        }
    }

    fn idle(&mut self, ctx: &Ctx<'_>) -> Want {
        let wanted = self.detail_visible().then(|| self.selected(ctx).map(|c| c.id.clone())).flatten();
        if wanted == self.watching {
            return self.ruler.as_mut().and_then(Ruler::follow).map_or(Want::Nothing, Want::Send);
        }
        self.watching.clone_from(&wanted);
        Want::Send(IntentKind::Watch(wanted))
    }

    fn data_age_s(&self, ctx: &Ctx<'_>) -> Option<f64> {
        let frames = ctx.board.cameras.iter().filter_map(|c| c.report.as_ref()?.last_frame);
        frames.map(|f| ctx.now.mono.secs_since(f.mono)).min_by(f64::total_cmp)
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        self.wide = area.width >= WIDE;
        if let (Some(ruler), Some(camera)) = (
            &mut self.ruler,
            self.list.selected().and_then(|id| ctx.board.cameras.iter().find(|c| c.id.as_str() == id)),
        ) {
            let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
            ruler.draw(frame.buffer_mut(), inner, camera, ctx);
            return;
        }
        let rows = self.list.arrange(ctx.board.cameras.iter().map(|c| table::row(c, ctx)).collect());
        let (list, detail) = match (self.wide, self.open) {
            (true, _) => {
                let left = (area.width * 11 / 20).clamp(58, 92);
                (
                    Some(Rect { width: left, ..area }),
                    Some(Rect { x: area.x + left + 2, width: area.width - left - 3, ..area }),
                )
            }
            (false, true) => (None, Some(Rect { x: area.x + 1, width: area.width - 2, ..area })),
            (false, false) => (Some(area), None),
        };
        let buffer = frame.buffer_mut();
        self.list_area = list.unwrap_or_default();
        if let Some(list) = list {
            let empty = "No camera is configured. Add a [[camera]] with its id, name and url to vms.toml; \"vms config init\" writes a \
                         commented example.";
            let table = Table::new(&table::COLUMNS, ctx.focused && !self.open).empty(empty);
            table.draw(buffer, list, &rows, &mut self.list, ctx.theme);
            if self.wide {
                facts::divider(buffer, list.right(), area.y, area.bottom(), ctx.theme);
            }
        }
        if let (Some(detail), Some(camera)) = (detail, self.selected(ctx)) {
            detail::draw(buffer, detail, camera, ctx);
        }
    }
}

#[cfg(test)]
mod tests;
