//! What the keys and the mouse do on the vibration tab.

use super::state::{Row, Vibration};
use super::trend;
use crate::console::keys::{ActionInfo, Context};
use crate::console::view::{Ctx, Mouse, Want};
use crate::model::compensation::Compensation;
use crate::model::intent::IntentKind;

const FILTER: &str = "filter";

/// Every action of this tab's own context.
pub(super) fn all() -> Vec<ActionInfo> {
    let info = |id, title| ActionInfo { id, title, context: Context::Vibration };
    vec![
        info("trend", "waveform, or the trend of 10 minutes, 1 h, 8 h, 7 days, 30 days, a year"),
        info("trend-back", "waveform, or the shorter trend"),
        info("earlier", "trend: half of it back in time"),
        info("later", "trend: half of it on in time"),
        info("quantity", "trend: the next quantity"),
        info("spectrogram", "spectrogram in place of the spectrum"),
        info("baseline", "learn anew what is usual of the region"),
        info("switch-shake", "camera shake: take it off or leave it in"),
        info("switch-haze", "haze: take it off or leave it in"),
        info("switch-drift", "drift: take it off or leave it in"),
        info("switch-flicker", "flicker: take it off or leave it in"),
    ]
}

/// Asks before what is usual of a region is forgotten.
fn learn_anew(row: &Row<'_>) -> Want {
    let id = &row.roi.id;
    if row.background() {
        return Want::Say(format!("{id} is a background region: it stands still, there is nothing to learn."));
    }
    let question = format!(
        "Learn anew what is usual of {id}? The baselines of its running and its standing machine are forgotten, and limits on \
         deviations cannot raise an alarm until they are complete again."
    );
    Want::Confirm { question, then: IntentKind::LearnBaseline(id.clone()) }
}

/// Switches a compensation of the region's camera; off only after a question, because every region of the camera then measures otherwise.
fn switch(which: Compensation, row: Option<&Row<'_>>) -> Want {
    let Some(row) = row else { return Want::Nothing };
    let (camera, on) = (&row.camera.id, !row.camera.compensations.is_on(which));
    let then = IntentKind::Compensate { camera: camera.clone(), which, on };
    if on {
        return Want::Send(then);
    }
    let word = which.word();
    let question = format!(
        "Leave {word} in what camera {camera} measures? All its readings become \"reduced\", and what {word} adds counts against the limits and \
         at the PLC, until it is switched on again or the engine starts anew."
    );
    Want::Confirm { question, then }
}

impl Vibration {
    pub(super) fn actions_now(&self) -> Vec<ActionInfo> {
        let info = |id, title| ActionInfo { id, title, context: Context::Vibration };
        let list = |id, title| ActionInfo { id, title, context: Context::List };
        let mut out = vec![list("filter", "filter"), list("sort", "sort")];
        if self.open {
            out.push(list("back", "back to the list"));
            out.push(info("trend", self.over.next().words()));
            self.trend_actions(&mut out);
            out.push(info("spectrogram", if self.spectrogram { "spectrum" } else { "spectrogram" }));
            out.push(info("baseline", "learn usual anew"));
            out.push(info("switch-shake", "shake on/off"));
            out.push(info("switch-haze", "haze on/off"));
            out.push(info("switch-drift", "drift on/off"));
            out.push(info("switch-flicker", "flicker on/off"));
        } else {
            out.push(list("open", "detail"));
            out.push(info("trend", self.over.next().words()));
            self.trend_actions(&mut out);
        }
        out
    }

    pub(super) fn do_action(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        let rows = self.rows(ctx);
        self.find_selected(&rows);
        if self.cursor.act(action, rows.len()) {
            self.remember(&rows);
            return Want::Nothing;
        }
        match action {
            "open" if rows.is_empty() => Want::Say("There is no region to open.".into()),
            "open" => self.opened(true),
            "back" if self.open => self.opened(false),
            "back" if !self.filter.is_empty() => {
                self.filter.clear();
                Want::Say("Filter removed.".into())
            }
            "filter" => Want::Prompt { title: "filter".into(), initial: self.filter.clone(), tag: FILTER },
            "sort" => {
                self.sort = self.sort.next();
                Want::Say(format!("Order: {}.", self.sort.words()))
            }
            "spectrogram" => {
                self.spectrogram = !self.spectrogram;
                Want::Nothing
            }
            "trend" | "trend-back" => {
                self.over = if action == "trend" { self.over.next() } else { self.over.previous() };
                self.look.back = 0;
                Want::Nothing
            }
            "earlier" | "later" | "quantity" if self.over.span().is_none() => {
                Want::Say("The trends from an hour up can be moved and switched; choose one first.".into())
            }
            "earlier" => {
                self.look.earlier();
                Want::Nothing
            }
            "later" if self.look.later() => Want::Nothing,
            "later" => Want::Say("This is the present.".into()),
            "quantity" => rows.get(self.cursor.at()).map_or(Want::Nothing, |row| {
                let next = trend::next_quantity(row, trend::quantity(row, self.quantity));
                self.quantity = Some(next);
                Want::Say(format!("Trend of the {} in {}.", next.word(), next.unit()))
            }),
            "switch-shake" => switch(Compensation::Shake, rows.get(self.cursor.at())),
            "switch-haze" => switch(Compensation::Haze, rows.get(self.cursor.at())),
            "switch-drift" => switch(Compensation::Drift, rows.get(self.cursor.at())),
            "switch-flicker" => switch(Compensation::Flicker, rows.get(self.cursor.at())),
            "baseline" => rows.get(self.cursor.at()).map_or(Want::Nothing, learn_anew),
            _ => Want::Pass,
        }
    }

    fn trend_actions(&self, out: &mut Vec<ActionInfo>) {
        if self.over.span().is_some() {
            let info = |id, title| ActionInfo { id, title, context: Context::Vibration };
            out.extend([info("earlier", "earlier"), info("later", "later"), info("quantity", "quantity")]);
        }
    }

    fn opened(&mut self, open: bool) -> Want {
        self.open = open;
        Want::Nothing
    }

    pub(super) fn take_text(&mut self, tag: &'static str, text: Option<&str>, _ctx: &Ctx<'_>) -> Want {
        if tag != FILTER {
            return Want::Pass;
        }
        if let Some(text) = text {
            text.trim().clone_into(&mut self.filter);
        }
        Want::Nothing
    }

    pub(super) fn take_mouse(&mut self, row: u16, what: Mouse, ctx: &Ctx<'_>) -> Want {
        let rows = self.rows(ctx);
        if let Mouse::Wheel(by) = what {
            self.find_selected(&rows);
            self.cursor.by(by.into(), rows.len());
            self.remember(&rows);
            return Want::Nothing;
        }
        let Some(at) = row.checked_sub(self.list.y).filter(|r| *r < self.list.height) else { return Want::Nothing };
        let at = self.cursor.top() + usize::from(at);
        if at >= rows.len() {
            return Want::Nothing;
        }
        self.cursor.set(at);
        self.remember(&rows);
        self.open |= what == Mouse::DoubleClick;
        Want::Nothing
    }

    /// Selects and opens a region.
    pub(super) fn go_to(&mut self, region: &str) -> Want {
        self.filter.clear();
        self.selected = Some(region.into());
        self.open = true;
        Want::Nothing
    }
}
