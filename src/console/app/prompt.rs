//! A line of text from the person: the filter in place of the key line, anything else in a dialog.

use crokey::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_input::{Input, InputRequest};

use super::overlay::{Overlay, Room, Step, middle};
use crate::console::theme::Role;
use crate::console::widgets::{facts, text};

/// Longest text taken, in characters.
const MOST: usize = 500;

/// The prompt.
pub(super) struct Prompt {
    title: String,
    input: Input,
    initial: String,
    tag: &'static str,
    cursor: Option<Position>,
}

impl Prompt {
    pub fn new(title: String, initial: String, tag: &'static str) -> Self {
        Self { title, input: Input::new(initial.clone()), initial, tag, cursor: None }
    }

    /// A filter works while it is typed.
    fn live(&self) -> bool {
        self.tag == "filter"
    }

    /// What is typed is not shown.
    fn secret(&self) -> bool {
        self.tag == "pin"
    }

    fn changed(&self) -> Step {
        if self.live() {
            Step::Text { tag: self.tag, text: Some(self.input.value().to_owned()), close: false }
        } else {
            Step::Stay
        }
    }
}

impl Overlay for Prompt {
    fn key(&mut self, action: Option<&'static str>, key: KeyEvent, _room: &Room<'_>) -> Step {
        match action {
            Some("accept") => Step::Text { tag: self.tag, text: Some(self.input.value().to_owned()), close: true },
            // A filter given up is as it was before.
            Some("cancel") if self.live() => {
                Step::Text { tag: self.tag, text: Some(self.initial.clone()), close: true }
            }
            Some("cancel") => Step::Text { tag: self.tag, text: None, close: true },
            _ if self.input.value().chars().count() >= MOST && typed(key) => Step::Stay,
            _ => {
                edit(&mut self.input, key);
                self.changed()
            }
        }
    }

    fn paste(&mut self, text: &str) -> Step {
        insert(&mut self.input, text);
        self.changed()
    }

    fn draw(&mut self, buffer: &mut Buffer, area: Rect, room: &Room<'_>) {
        if self.live() {
            return;
        }
        let theme = room.ctx.theme;
        let width = area.width.saturating_sub(4).min(72);
        let inner = facts::panel(buffer, middle(area, width, 5), &self.title, theme);
        let y = inner.y + 1;
        let cells = usize::from(inner.width);
        let scroll = self.input.visual_scroll(cells.saturating_sub(1));
        let value = self.input.value();
        // Nothing of a secret is shown but that something was typed.
        let shown: String =
            if self.secret() { value.chars().map(|_| '*').collect() } else { value.chars().skip(scroll).collect() };
        buffer.set_stringn(inner.x, y, theme.plain(&shown), cells, theme.style(Role::Focus));
        let x = inner.x + self.input.visual_cursor().saturating_sub(scroll) as u16;
        self.cursor = Some(Position::new(x.min(inner.right().saturating_sub(1)), y));
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![("accept", "take it"), ("cancel", "give it up")]
    }

    fn line(&self, room: &Room<'_>) -> Option<(String, u16)> {
        self.live().then(|| {
            let key = |id| room.keymap.hint(crate::console::keys::Context::Dialog, id).unwrap_or_default();
            let head = format!(" {}: ", self.title);
            let at = text::width(&head) + self.input.visual_cursor();
            let line = format!("{head}{}   {} keep  {} as before", self.input.value(), key("accept"), key("cancel"));
            (line, at as u16)
        })
    }

    fn cursor(&self) -> Option<Position> {
        self.cursor
    }
}

fn typed(key: KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char(_))
}

/// Inserts pasted text: its first line, without control characters, as much as fits.
pub(super) fn insert(input: &mut Input, text: &str) {
    let room = MOST.saturating_sub(input.value().chars().count());
    for c in text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(room) {
        input.handle(InputRequest::InsertChar(c));
    }
}

/// Edits the text by a key, as shells do; true when the text changed.
pub(super) fn edit(input: &mut Input, key: KeyEvent) -> bool {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let word = ctrl || key.modifiers.contains(KeyModifiers::ALT);
    let request = match key.code {
        KeyCode::Char('u') if ctrl => InputRequest::DeleteFromStart,
        KeyCode::Char('k') if ctrl => InputRequest::DeleteTillEnd,
        KeyCode::Char('w') if ctrl => InputRequest::DeletePrevWord,
        KeyCode::Char('a') if ctrl => InputRequest::GoToStart,
        KeyCode::Char('e') if ctrl => InputRequest::GoToEnd,
        KeyCode::Char(c) if !word => InputRequest::InsertChar(c),
        KeyCode::Backspace if word => InputRequest::DeletePrevWord,
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left if word => InputRequest::GoToPrevWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right if word => InputRequest::GoToNextWord,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return false,
    };
    input.handle(request).is_some_and(|changed| changed.value)
}
