//! What the keys and the mouse do on the logs tab.

use tui_logger::TuiWidgetEvent;

use super::state::{Focus, Logs, level_words, live_state};
use crate::console::keys::{ActionInfo, Context};
use crate::console::view::{Ctx, Mouse, Want};
use crate::model::logs::Severity;

const FILTER: &str = "filter";

/// Every action of this tab's own context.
pub(super) fn all() -> Vec<ActionInfo> {
    let info = |id, title| ActionInfo { id, title, context: Context::Logs };
    vec![
        info("level", "show from which level on"),
        info("pause", "hold the lines still, or follow"),
        info("next-error", "go to the next error"),
        info("previous-error", "go to the previous error"),
        info("whole-file", "look into the whole file, or follow its newest lines"),
        info("find", "search the file for a regular expression"),
        info("find-next", "search on, forwards"),
        info("find-previous", "search on, backwards"),
        info("go-to-time", "go to a time in the file"),
        info("patterns", "patterns of all logs: counts, rates, what is new"),
        info("bookmark", "keep the line in the shift log"),
    ]
}

impl Logs {
    pub(super) fn actions_now(&self) -> Vec<ActionInfo> {
        let info = |id, title| ActionInfo { id, title, context: Context::Logs };
        let list = |id, title| ActionInfo { id, title, context: Context::List };
        let paused = self.place.is_some() || self.live_paused;
        let mut out = vec![
            list("filter", "filter"),
            info("level", "level"),
            info("pause", if paused { "follow" } else { "pause" }),
            info("next-error", "next error"),
            info("previous-error", "previous error"),
        ];
        if self.patterns.is_some() {
            return vec![
                list("filter", "filter"),
                info("level", "level"),
                info("patterns", "lines"),
                list("open", "whole pattern"),
                list("back", "lines"),
            ];
        }
        if self.book.is_some() {
            // In the whole file it is searching and going that is done.
            return vec![
                info("find", "search"),
                info("find-next", "next"),
                info("find-previous", "previous"),
                info("go-to-time", "go to time"),
                info("bookmark", "keep line"),
                info("next-error", "next error"),
                info("whole-file", "newest lines"),
                list("filter", "filter"),
                info("level", "level"),
                info("patterns", "patterns"),
                if self.open { list("back", "close the line") } else { list("open", "whole line") },
            ];
        }
        out.push(info("patterns", "patterns"));
        if self.sources.at() > 0 {
            out.push(info("whole-file", "whole file"));
            out.extend([info("find", "search"), info("go-to-time", "go to time"), info("bookmark", "keep line")]);
        }
        match (self.open, self.focus) {
            (true, _) => out.push(list("back", "close the line")),
            (false, Focus::Sources) => out.push(list("open", "lines")),
            (false, Focus::Lines) => out.extend([list("open", "whole line"), list("back", "sources")]),
        }
        out.push(list("right", "scroll sideways"));
        out
    }

    pub(super) fn do_action(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        if let Some(want) = self.patterns_action(action, ctx) {
            return want;
        }
        if let Some(want) = self.book_action(action, ctx) {
            return want;
        }
        match action {
            "open" => self.go_in(ctx),
            "back" => self.go_out(),
            "focus-next" | "focus-previous" => {
                self.focus = if self.focus == Focus::Sources { Focus::Lines } else { Focus::Sources };
                Want::Nothing
            }
            "filter" => Want::Prompt { title: "filter".into(), initial: self.filter.clone(), tag: FILTER },
            "level" => self.next_level(ctx),
            "pause" => self.pause(ctx),
            "next-error" => self.jump(true, ctx),
            "previous-error" => self.jump(false, ctx),
            "left" => self.scroll_sideways(-16),
            "right" => self.scroll_sideways(16),
            _ if self.focus == Focus::Sources => self.move_source(action, ctx),
            _ => self.move_line(action, ctx),
        }
    }

    fn go_in(&mut self, ctx: &Ctx<'_>) -> Want {
        match self.focus {
            Focus::Sources => self.focus = Focus::Lines,
            Focus::Lines if self.file(ctx).is_some() => self.open = true,
            Focus::Lines => return Want::Say("Live records are shown in full already.".into()),
        }
        Want::Nothing
    }

    fn go_out(&mut self) -> Want {
        if self.open {
            self.open = false;
        } else if self.focus == Focus::Lines {
            self.focus = Focus::Sources;
        } else if !self.filter.is_empty() {
            self.filter.clear();
            return Want::Say("Filter removed.".into());
        } else {
            return Want::Pass;
        }
        Want::Nothing
    }

    fn next_level(&mut self, ctx: &Ctx<'_>) -> Want {
        self.level = match self.level {
            Severity::Unknown | Severity::Debug => Severity::Info,
            Severity::Info => Severity::Warn,
            Severity::Warn => Severity::Error,
            Severity::Error => Severity::Unknown,
        };
        self.live = live_state(self.level);
        self.live_paused = false;
        let words = format!("Shown: {}.", level_words(self.level));
        if self.book.is_none() || self.patterns.is_some() {
            return Want::Say(words);
        }
        self.book_again(ctx)
    }

    fn pause(&mut self, ctx: &Ctx<'_>) -> Want {
        let Some(file) = self.file(ctx) else {
            self.live_paused = !self.live_paused;
            let event = if self.live_paused { TuiWidgetEvent::PrevPageKey } else { TuiWidgetEvent::EscapeKey };
            self.live.transition(event);
            return Want::Nothing;
        };
        let shown = self.shown(file);
        self.place = match self.place {
            Some(_) => None,
            None => shown.last().map(|l| l.number),
        };
        Want::Nothing
    }

    fn jump(&mut self, forward: bool, ctx: &Ctx<'_>) -> Want {
        let Some(file) = self.file(ctx) else {
            return Want::Say("Choose the log file on the left to jump between errors.".into());
        };
        let shown = self.shown(file);
        let at = self.at(&shown);
        let is_error = |i: &usize| shown.get(*i).is_some_and(|l| l.severity == Severity::Error);
        // While following nothing is selected yet, so the newest line itself counts for the way back.
        let before = if self.place.is_none() { at + 1 } else { at };
        let found = if forward {
            (at + 1..shown.len()).find(is_error)
        } else {
            (0..before.min(shown.len())).rev().find(is_error)
        };
        let Some(found) = found else {
            let way = if forward { "later" } else { "earlier" };
            return Want::Say(format!("No {way} error among the lines shown."));
        };
        self.place = shown.get(found).map(|l| l.number);
        self.focus = Focus::Lines;
        Want::Nothing
    }

    fn scroll_sideways(&mut self, by: isize) -> Want {
        self.sideways = self.sideways.saturating_add_signed(by).min(4096);
        Want::Nothing
    }

    fn move_source(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        let before = self.sources.at();
        if !self.sources.act(action, Self::count(ctx)) {
            return Want::Pass;
        }
        if self.sources.at() != before {
            self.source_changed();
        }
        Want::Nothing
    }

    fn move_line(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        let Some(file) = self.file(ctx) else { return self.move_live(action) };
        let shown = self.shown(file);
        self.lines.set(self.at(&shown));
        if !self.lines.act(action, shown.len()) {
            return Want::Pass;
        }
        // At the end the newest line is followed again; anywhere else the place is kept.
        let end = self.lines.at() + 1 >= shown.len() && matches!(action, "last" | "page-down");
        self.place = if end { None } else { shown.get(self.lines.at()).map(|l| l.number) };
        Want::Nothing
    }

    fn move_live(&mut self, action: &str) -> Want {
        let event = match action {
            "up" | "page-up" => TuiWidgetEvent::PrevPageKey,
            "down" | "page-down" => TuiWidgetEvent::NextPageKey,
            "last" => TuiWidgetEvent::EscapeKey,
            _ => return Want::Pass,
        };
        self.live_paused = event != TuiWidgetEvent::EscapeKey;
        self.live.transition(event);
        Want::Nothing
    }

    pub(super) fn take_text(&mut self, tag: &'static str, text: Option<&str>, ctx: &Ctx<'_>) -> Want {
        if tag != FILTER {
            return self.book_text(tag, text, ctx);
        }
        if let Some(text) = text {
            let changed = self.filter != text.trim();
            text.trim().clone_into(&mut self.filter);
            if changed {
                return self.book_again(ctx);
            }
        }
        Want::Nothing
    }

    pub(super) fn take_mouse(&mut self, column: u16, row: u16, what: Mouse, ctx: &Ctx<'_>) -> Want {
        let (sources, lines) = self.areas;
        let at = ratatui::layout::Position { x: column, y: row };
        if sources.contains(at) {
            self.focus = Focus::Sources;
            match what {
                Mouse::Wheel(by) => self.sources.by(by.into(), Self::count(ctx)),
                // Two lines a source, as drawn.
                _ => {
                    self.sources.set((self.sources.top() + usize::from(row - sources.y) / 2).min(Self::count(ctx) - 1));
                }
            }
            self.source_changed();
        } else if lines.contains(at) {
            self.focus = Focus::Lines;
            if self.patterns.is_some() || self.book.is_some() {
                let action = match what {
                    Mouse::Wheel(by) if by < 0 => "up",
                    Mouse::Wheel(_) => "down",
                    Mouse::DoubleClick => "open",
                    Mouse::Click => return self.click_row(usize::from(row - lines.y)),
                };
                return self.do_action(action, ctx);
            }
            self.mouse_line(row - lines.y, what, ctx);
        }
        Want::Nothing
    }

    fn mouse_line(&mut self, row: u16, what: Mouse, ctx: &Ctx<'_>) {
        let Some(file) = self.file(ctx) else {
            if let Mouse::Wheel(by) = what {
                self.move_live(if by < 0 { "up" } else { "down" });
            }
            return;
        };
        let shown = self.shown(file);
        self.lines.set(self.at(&shown));
        match what {
            Mouse::Wheel(by) => self.lines.by(by.into(), shown.len()),
            _ => self.lines.set((self.lines.top() + usize::from(row)).min(shown.len().saturating_sub(1))),
        }
        self.place = shown.get(self.lines.at()).map(|l| l.number);
        self.open |= what == Mouse::DoubleClick;
    }

    /// Selects a log file by its path and goes to its lines.
    pub(super) fn go_to(&mut self, path: &str, ctx: &Ctx<'_>) -> Want {
        let Some(at) = Self::files(ctx).iter().position(|f| *f.path == *path) else {
            return Want::Say(format!("The log file {path} is not read any more."));
        };
        self.sources.set(at + 1);
        self.source_changed();
        self.focus = Focus::Lines;
        Want::Nothing
    }
}
