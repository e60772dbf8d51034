//! The keys as they are now: this tab's first.

use crokey::crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::overlay::{Overlay, Room, Step};
use crate::console::keys::{Context, Keymap, table};
use crate::console::theme::Role;
use crate::console::view::Mouse;
use crate::console::widgets::{facts, table::scroll_bar, text};

/// A line of the help.
enum Line {
    Heading(String),
    Keys(String, &'static str),
    Gap,
}

/// The overlay.
pub(super) struct Help {
    lines: Vec<Line>,
    offset: usize,
    page: usize,
}

impl Help {
    pub fn new(keymap: &Keymap, tab: Option<Context>) -> Self {
        let rows = table(keymap);
        let mut lines = Vec::new();
        let order = tab.into_iter().chain([Context::Global, Context::List, Context::Dialog]);
        for context in order {
            let mut mine = rows.iter().filter(|r| r.context == context).peekable();
            if mine.peek().is_none() {
                continue;
            }
            if !lines.is_empty() {
                lines.push(Line::Gap);
            }
            let here = if Some(context) == tab { "This tab: " } else { "" };
            lines.push(Line::Heading(format!("{here}{}", context.title())));
            lines.extend(mine.map(|r| Line::Keys(r.keys.join("  "), r.title)));
        }
        Self { lines, offset: 0, page: 10 }
    }

    fn scroll(&mut self, by: isize) {
        let last = self.lines.len().saturating_sub(self.page);
        self.offset = self.offset.saturating_add_signed(by).min(last);
    }
}

impl Overlay for Help {
    fn key(&mut self, action: Option<&'static str>, key: KeyEvent, room: &Room<'_>) -> Step {
        let page = self.page.saturating_sub(1).max(1) as isize;
        match action {
            Some("cancel" | "accept") => return Step::Close,
            Some("up") => self.scroll(-1),
            Some("down") => self.scroll(1),
            Some("page-up") => self.scroll(-page),
            Some("page-down") => self.scroll(page),
            Some("first") => self.scroll(isize::MIN / 2),
            Some("last") => self.scroll(isize::MAX / 2),
            // The key that opened it closes it.
            _ if room.keymap.on(Context::Global, crate::console::keys::of_event(key)) == Some("help") => {
                return Step::Close;
            }
            _ => {}
        }
        Step::Stay
    }

    fn mouse(&mut self, _column: u16, _row: u16, what: Mouse) -> Step {
        if let Mouse::Wheel(by) = what {
            self.scroll(isize::from(by));
        }
        Step::Stay
    }

    fn draw(&mut self, buffer: &mut Buffer, area: Rect, room: &Room<'_>) {
        let theme = room.ctx.theme;
        let title = format!("Keys (keymap {})", room.keymap.name);
        let inner = facts::panel(buffer, area, &title, theme);
        self.page = usize::from(inner.height);
        self.scroll(0);
        for (i, line) in self.lines.iter().skip(self.offset).take(self.page).enumerate() {
            let y = inner.y + i as u16;
            match line {
                Line::Heading(h) => {
                    buffer.set_stringn(inner.x, y, h, usize::from(inner.width), theme.heading());
                }
                Line::Keys(keys, does) => {
                    let keys = text::fit(keys, 22, false, theme.glyphs().more);
                    buffer.set_stringn(inner.x + 2, y, keys, 22, theme.style(Role::Focus));
                    let room = usize::from(inner.width.saturating_sub(26));
                    buffer.set_stringn(inner.x + 26, y, does, room, ratatui::style::Style::default());
                }
                Line::Gap => {}
            }
        }
        let bar = Rect { y: inner.y.saturating_sub(1), height: inner.height + 1, ..inner };
        scroll_bar(buffer, bar, self.lines.len(), self.offset, theme);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![("up", "up"), ("down", "down"), ("page-down", "next page"), ("cancel", "close")]
    }
}
