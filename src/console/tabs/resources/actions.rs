//! What the keys and the mouse do on the resources tab.

use super::database;
use super::state::{DATABASE_PAGE, ListLine, Resources, with_headings};
use crate::console::keys::{ActionInfo, Context};
use crate::console::view::{Ctx, Mouse, Want};

const FILTER: &str = "filter";

/// Every action of this tab's own context.
pub(super) fn all() -> Vec<ActionInfo> {
    let info = |id, title| ActionInfo { id, title, context: Context::Resources };
    let mut out = vec![
        info("only-bad", "show only what is not normal"),
        info("range", "history of 24 h, 7 days, 30 days, a year"),
        info("earlier", "history: half of it back in time"),
        info("later", "history: half of it on in time"),
    ];
    out.extend(database::ACTIONS);
    out
}

impl Resources {
    pub(super) fn actions_now(&self) -> Vec<ActionInfo> {
        if self.page.open {
            return self.page.actions_now();
        }
        let list = |id, title| ActionInfo { id, title, context: Context::List };
        let mut out = vec![list("filter", "filter")];
        out.push(if self.open { list("back", "back to the list") } else { list("open", "history") });
        if self.open {
            let info = |id, title| ActionInfo { id, title, context: Context::Resources };
            out.extend([info("range", self.past.next_words()), info("earlier", "earlier"), info("later", "later")]);
        }
        let title = if self.only_bad { "show all" } else { "only what is not normal" };
        out.push(ActionInfo { id: "only-bad", title, context: Context::Resources });
        out.push(ActionInfo { id: "database", title: "database", context: Context::Resources });
        out
    }

    pub(super) fn do_action(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        if self.page.open && action != "filter" {
            return self.page.act(action, ctx);
        }
        let rows = self.rows(ctx);
        self.find_selected(&rows);
        if action != "filter" && self.cursor.act(action, rows.len()) {
            self.remember(&rows);
            return Want::Nothing;
        }
        match action {
            "open" if rows.is_empty() => return Want::Say("There is no indicator to open.".into()),
            "open" => self.open = true,
            "back" if self.open => self.open = false,
            "back" if !self.filter.is_empty() || self.only_bad => {
                self.filter.clear();
                self.only_bad = false;
                return Want::Say("All indicators are shown.".into());
            }
            "filter" => {
                let initial = if self.page.open { self.page.filter().clone() } else { self.filter.clone() };
                return Want::Prompt { title: "filter".into(), initial, tag: FILTER };
            }
            "database" => self.page.open = true,
            "vacuum" | "reindex" | "cancel-query" | "stop-job" => {
                // These act on what is selected there, so the page comes first.
                self.page.open = true;
                return Want::Say("Select a table or a query here first.".into());
            }
            "range" | "earlier" | "later" if self.open => return self.past.act(action),
            "only-bad" => self.only_bad = !self.only_bad,
            _ => return Want::Pass,
        }
        Want::Nothing
    }

    pub(super) fn take_text(&mut self, tag: &'static str, text: Option<&str>) -> Want {
        if tag != FILTER {
            return Want::Pass;
        }
        if let Some(text) = text {
            let filter = if self.page.open { self.page.filter() } else { &mut self.filter };
            text.trim().clone_into(filter);
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
        let lines = with_headings(&rows);
        if let Some(ListLine::Row(at, _)) = lines.get(self.scroll.top() + usize::from(at)) {
            self.cursor.set(*at);
            self.remember(&rows);
            self.open |= what == Mouse::DoubleClick;
        }
        Want::Nothing
    }

    /// Selects an indicator and opens its history.
    pub(super) fn go_to(&mut self, indicator: &str) -> Want {
        self.page.open = indicator == DATABASE_PAGE;
        if self.page.open {
            return Want::Nothing;
        }
        self.filter.clear();
        self.only_bad = false;
        self.selected = Some(indicator.into());
        self.open = true;
        Want::Nothing
    }
}
