//! A question with Yes and No; No is marked.

use crokey::crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::overlay::{Overlay, Room, Step, middle};
use crate::console::view::{Mouse, Want};
use crate::console::widgets::{facts, text};
use crate::model::intent::IntentKind;

/// What Yes does.
pub(super) enum Then {
    Send(IntentKind),
    Quit,
}

/// The dialog.
pub(super) struct Ask {
    title: &'static str,
    question: String,
    then: Then,
    yes: bool,
    buttons: [Rect; 2],
}

impl Ask {
    pub fn new(title: &'static str, question: String, then: Then) -> Self {
        Self { title, question, then, yes: false, buttons: [Rect::ZERO; 2] }
    }

    fn answer(&self, yes: bool) -> Step {
        match (&self.then, yes) {
            (_, false) => Step::Close,
            (Then::Send(kind), true) => Step::Done(Want::Send(kind.clone())),
            (Then::Quit, true) => Step::Quit,
        }
    }
}

impl Overlay for Ask {
    fn key(&mut self, action: Option<&'static str>, _key: KeyEvent, _room: &Room<'_>) -> Step {
        match action {
            Some("accept") => self.answer(self.yes),
            Some("yes") => self.answer(true),
            Some("no" | "cancel") => Step::Close,
            Some("other") => {
                self.yes = !self.yes;
                Step::Stay
            }
            _ => Step::Stay,
        }
    }

    fn asks_to_quit(&self) -> bool {
        matches!(self.then, Then::Quit)
    }

    fn mouse(&mut self, column: u16, row: u16, what: Mouse) -> Step {
        let at = Position::new(column, row);
        match self.buttons.iter().position(|b| b.contains(at)) {
            Some(i) if !matches!(what, Mouse::Wheel(_)) => self.answer(i == 1),
            _ => Step::Stay,
        }
    }

    fn draw(&mut self, buffer: &mut Buffer, area: Rect, room: &Room<'_>) {
        let theme = room.ctx.theme;
        let width = area.width.saturating_sub(4).min(64);
        let lines = text::wrap(&self.question, usize::from(width.saturating_sub(4))).len() as u16;
        let panel = middle(area, width, lines + 6);
        let inner = facts::panel(buffer, panel, self.title, theme);
        let words = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        facts::paragraph(buffer, words, &self.question, ratatui::style::Style::default(), theme);
        let y = panel.bottom().saturating_sub(2);
        for (i, word) in ["  No  ", "  Yes  "].into_iter().enumerate() {
            let x = inner.x + i as u16 * 10;
            let marked = (i == 1) == self.yes;
            let shown = if marked { format!("[{word}]") } else { format!(" {word} ") };
            let style = if marked { theme.selection(true) } else { ratatui::style::Style::default() };
            buffer.set_string(x, y, &shown, style);
            self.buttons[i] = Rect::new(x, y, shown.len() as u16, 1);
        }
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("yes", "yes"),
            ("no", "no"),
            ("other", "the other answer"),
            ("accept", "take the marked one"),
            ("cancel", "close"),
        ]
    }
}
