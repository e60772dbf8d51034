//! The command palette: everything that can be done, found by typing some of its letters.

use std::sync::Arc;

use crokey::crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_input::Input;

use super::overlay::{Overlay, Room, Step, middle};
use super::prompt::{edit, insert};
use crate::console::keys::{Context, Keymap};
use crate::console::theme::Role;
use crate::console::view::{Mouse, Want};
use crate::console::widgets::{facts, text};
use crate::model::board::DemoFault;
use crate::model::intent::IntentKind;

enum Does {
    Run(Context, &'static str),
    Go(usize, String),
    Fault(Arc<str>, bool),
}

struct Item {
    shown: String,
    keys: String,
    does: Does,
}

/// The overlay.
pub(super) struct Palette {
    items: Vec<Item>,
    found: Vec<usize>,
    input: Input,
    selected: usize,
    offset: usize,
    rows: Rect,
    cursor: Option<Position>,
}

/// Movement is for the hands, not for a list of commands.
const LEFT_OUT: [&str; 11] =
    ["up", "down", "left", "right", "page-up", "page-down", "first", "last", "back", "palette", "demo"];

impl Palette {
    pub fn new(
        keymap: &Keymap,
        current: Option<Context>,
        targets: Vec<(String, usize, String)>,
        demo: &[DemoFault],
        typed: &str,
    ) -> Self {
        let mut items = Vec::new();
        for own in [true, false] {
            for a in keymap.actions() {
                let here = Some(a.context) == current || a.context == Context::List;
                if a.context == Context::Dialog || LEFT_OUT.contains(&a.id) || own != here {
                    continue;
                }
                let shown = match a.context {
                    Context::Global => a.title.to_owned(),
                    Context::List => format!("{}: {}", current.map_or("", Context::title), a.title),
                    tab => format!("{}: {}", tab.title(), a.title),
                };
                // On a list, the action is the current tab's.
                let context = if a.context == Context::List { Context::List } else { a.context };
                let keys = keymap.hint(a.context, a.id).unwrap_or_default();
                items.push(Item { shown, keys, does: Does::Run(context, a.id) });
            }
        }
        let go = |(shown, tab, target)| Item { shown, keys: String::new(), does: Does::Go(tab, target) };
        items.extend(targets.into_iter().map(go));
        items.extend(demo.iter().map(|f| Item {
            shown: format!("demo: {}{}", f.title, if f.on { " (is on: switch off)" } else { "" }),
            keys: String::new(),
            does: Does::Fault(Arc::clone(&f.id), !f.on),
        }));
        let mut palette = Self {
            items,
            found: Vec::new(),
            input: Input::new(typed.to_owned()),
            selected: 0,
            offset: 0,
            rows: Rect::ZERO,
            cursor: None,
        };
        palette.find();
        palette
    }

    fn find(&mut self) {
        let mut scored: Vec<(i32, usize)> = self
            .items
            .iter()
            .enumerate()
            .filter_map(|(i, item)| score(self.input.value(), &item.shown).map(|s| (s, i)))
            .collect();
        // The best first; among equals the order given, so that the list does not jump.
        scored.sort_by_key(|(s, i)| (-s, *i));
        self.found = scored.into_iter().map(|(_, i)| i).collect();
        self.selected = 0;
        self.offset = 0;
    }

    fn step(&mut self, by: isize) -> Step {
        self.selected = self.selected.saturating_add_signed(by).min(self.found.len().saturating_sub(1));
        Step::Stay
    }

    fn take(&self) -> Step {
        let Some(item) = self.found.get(self.selected).and_then(|i| self.items.get(*i)) else { return Step::Stay };
        match &item.does {
            Does::Run(context, id) => Step::Run(*context, id),
            Does::Go(tab, target) => Step::Go(*tab, target.clone()),
            Does::Fault(fault, on) => {
                Step::Done(Want::Send(IntentKind::DemoFault { fault: Arc::clone(fault), on: *on }))
            }
        }
    }
}

impl Overlay for Palette {
    fn key(&mut self, action: Option<&'static str>, key: KeyEvent, _room: &Room<'_>) -> Step {
        let page = isize::from(self.rows.height.max(2) as i16 - 1);
        let named = !matches!(key.code, crokey::crossterm::event::KeyCode::Char(_));
        match action {
            Some("accept") => self.take(),
            Some("cancel") => Step::Close,
            Some("up") if named => self.step(-1),
            Some("down") if named => self.step(1),
            Some("page-up") if named => self.step(-page),
            Some("page-down") if named => self.step(page),
            _ => {
                if edit(&mut self.input, key) {
                    self.find();
                }
                Step::Stay
            }
        }
    }

    fn paste(&mut self, text: &str) -> Step {
        insert(&mut self.input, text);
        self.find();
        Step::Stay
    }

    fn mouse(&mut self, column: u16, row: u16, what: Mouse) -> Step {
        match what {
            Mouse::Wheel(by) => self.step(isize::from(by)),
            _ if self.rows.contains(Position::new(column, row)) => {
                let at = self.offset + usize::from(row - self.rows.y);
                if at < self.found.len() {
                    self.selected = at;
                    return self.take();
                }
                Step::Stay
            }
            _ => Step::Stay,
        }
    }

    fn draw(&mut self, buffer: &mut Buffer, area: Rect, room: &Room<'_>) {
        let theme = room.ctx.theme;
        let panel = middle(area, area.width.saturating_sub(8).min(80), area.height);
        let inner = facts::panel(buffer, panel, "Commands", theme);
        let cells = usize::from(inner.width);
        buffer.set_stringn(inner.x, inner.y, format!(": {}", self.input.value()), cells, theme.style(Role::Focus));
        self.cursor = Some(Position::new(inner.x + 2 + self.input.visual_cursor() as u16, inner.y));
        self.rows = Rect { y: inner.y + 2, height: inner.height.saturating_sub(2), ..inner };
        let height = usize::from(self.rows.height);
        if self.selected < self.offset {
            self.offset = self.selected;
        } else if height > 0 && self.selected >= self.offset + height {
            self.offset = self.selected + 1 - height;
        }
        if self.found.is_empty() {
            let say = "Nothing has these letters in this order.";
            buffer.set_stringn(inner.x, self.rows.y, say, cells, theme.style(Role::Quiet));
        }
        for (line, at) in (self.offset..self.found.len()).take(height).enumerate() {
            let Some(item) = self.found.get(at).and_then(|i| self.items.get(*i)) else { continue };
            let y = self.rows.y + line as u16;
            let keys = text::fit(&item.keys, 10, true, "");
            let shown = text::fit(&theme.plain(&item.shown), cells.saturating_sub(13), false, theme.glyphs().more);
            buffer.set_stringn(inner.x, y, format!("{shown}  {keys} "), cells, ratatui::style::Style::default());
            if at == self.selected {
                let row = Rect { y, height: 1, ..inner };
                buffer.set_style(row, theme.selection(true));
            }
        }
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![("up", "up"), ("down", "down"), ("accept", "do it"), ("cancel", "close")]
    }

    fn cursor(&self) -> Option<Position> {
        self.cursor
    }
}

/// How well `typed` fits: all its letters must occur in order; letters that follow each other or begin words count more.
fn score(typed: &str, text: &str) -> Option<i32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let (mut total, mut at, mut last) = (0, 0, None);
    for c in typed.trim_start().to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let found = (at..text.len()).find(|i| text[*i] == c)?;
        let begins = found == 0 || !text[found - 1].is_alphanumeric();
        let follows = last.is_some_and(|l: usize| l + 1 == found);
        total += 1 + i32::from(begins) * 4 + i32::from(follows) * 3;
        last = Some(found);
        at = found + 1;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_order_and_words_first() {
        assert_eq!(score("xyz", "acknowledge"), None);
        assert_eq!(score("", "anything"), Some(0));
        assert!(score("ack", "acknowledge") > score("ack", "a clock"));
        assert!(score("gc", "go to Cameras") > score("gc", "magic"));
    }
}
