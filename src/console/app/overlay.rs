//! What an overlay is to the app: it takes keys, draws itself below the alarm line and says what follows.

use std::collections::HashSet;

use crokey::crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::console::keys::{Context, Keymap};
use crate::console::view::{Ctx, Mouse, Want};
use crate::model::AlarmId;

/// What an overlay may look at.
pub(super) struct Room<'a> {
    pub ctx: Ctx<'a>,
    pub keymap: &'a Keymap,
    pub acknowledging: &'a HashSet<AlarmId>,
}

/// What follows from a key.
pub(super) enum Step {
    /// The overlay stays open.
    Stay,
    /// It closes and nothing changes.
    Close,
    /// It closes and wants something.
    Done(Want),
    /// Another one opens over it.
    Open(Box<dyn Overlay>),
    /// Acknowledge this alarm.
    Acknowledge(AlarmId),
    /// Acknowledge all (asks first).
    AcknowledgeAll,
    /// Leave.
    Quit,
    /// It closes and this action is done on its tab.
    Run(Context, &'static str),
    /// It closes, this tab comes to the front and opens this thing.
    Go(usize, String),
    /// Text for the tab.
    Text { tag: &'static str, text: Option<String>, close: bool },
}

/// Something that has the keyboard over the tab.
pub(super) trait Overlay {
    /// Takes a key; `action` is what it means in a dialog.
    fn key(&mut self, action: Option<&'static str>, key: KeyEvent, room: &Room<'_>) -> Step;

    /// Takes pasted text.
    fn paste(&mut self, _text: &str) -> Step {
        Step::Stay
    }

    /// Takes a click or the wheel.
    fn mouse(&mut self, _column: u16, _row: u16, _what: Mouse) -> Step {
        Step::Stay
    }

    /// What it wants by itself while it is in front; asked after every input and tick, so mostly nothing.
    fn idle(&mut self, _room: &Room<'_>) -> Want {
        Want::Nothing
    }

    /// Draws itself into the area between the alarm line and the key line.
    fn draw(&mut self, buffer: &mut Buffer, area: Rect, room: &Room<'_>);

    /// Its keys for the key line: action ids of the dialog context and what they do here.
    fn hints(&self) -> Vec<(&'static str, &'static str)>;

    /// The line drawn in place of the key line, with the column of the cursor; for typing in place.
    fn line(&self, _room: &Room<'_>) -> Option<(String, u16)> {
        None
    }

    /// Whether it is the question about leaving.
    fn asks_to_quit(&self) -> bool {
        false
    }

    /// Where the cursor is, while something is typed in a panel.
    fn cursor(&self) -> Option<Position> {
        None
    }
}

/// A rectangle of this size in the middle of an area, cut to it.
pub(super) fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 3, width, height }
}
