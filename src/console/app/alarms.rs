//! The alarm list: everything that is not normal, with what to do about it.

use crokey::crossterm::event::KeyEvent;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::history::EventList;
use super::overlay::{Overlay, Room, Step};
use crate::base::text::{age, sig3};
use crate::console::theme::Role;
use crate::console::view::Mouse;
use crate::console::widgets::facts::{self, Fact};
use crate::console::widgets::{Cell, Column, ListState, Row, Table};
use crate::model::AlarmId;
use crate::model::alarm::{Alarm, AlarmState};

const COLUMNS: [Column; 6] = [
    Column::text("pri", 3),
    Column::text("since", 12),
    Column::text("what", 24).growing(),
    Column::number("value", 7).rank(2),
    Column::text("limit", 12).rank(2),
    Column::text("state", 14).rank(1),
];

/// The overlay.
#[derive(Default)]
pub(super) struct AlarmList {
    list: ListState,
    area: Rect,
}

impl AlarmList {
    fn selected<'a>(&self, room: &'a Room<'_>) -> Option<&'a Alarm> {
        let id = self.list.selected()?;
        room.ctx.board.alarms.iter().find(|a| a.id.as_str() == id)
    }
}

fn row(a: &Alarm, room: &Room<'_>) -> Row {
    let theme = room.ctx.theme;
    let state = if a.acknowledging || room.acknowledging.contains(&a.id) {
        Cell::styled(format!("acknowledging{}", theme.glyphs().more), theme.style(Role::Focus))
    } else {
        Cell::text(state_word(a.state))
    };
    let limit = a.limit.map_or(String::new(), |l| format!("{} {}", sig3(Some(l)), a.unit));
    Row::new(
        a.id.as_str(),
        vec![
            Cell::styled(theme.priority_mark(a.priority), theme.alarm_style(a.priority, a.state)),
            Cell::text(clock(a.since, &room.ctx.board.time_zone, room.ctx.now.wall)),
            Cell::text(a.text.as_ref()),
            a.value.map_or_else(Cell::default, |v| Cell::number(Some(v))),
            Cell::text(limit),
            state,
        ],
    )
}

/// The state in at most fourteen cells; the detail has it in full.
fn state_word(s: AlarmState) -> &'static str {
    match s {
        AlarmState::Normal => "normal",
        AlarmState::ActiveUnacknowledged => "unacknowledged",
        AlarmState::ActiveAcknowledged => "acknowledged",
        AlarmState::ReturnedUnacknowledged => "returned, new",
    }
}

/// The time of day, with the date before where it was not today.
pub(super) fn clock(at: jiff::Timestamp, zone: &TimeZone, now: jiff::Timestamp) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let form = if at.date() == now.date() { "%H:%M:%S" } else { "%d %b %H:%M" };
    at.strftime(form).to_string()
}

fn facts_of(a: &Alarm, room: &Room<'_>) -> Vec<Fact> {
    let wall = room.ctx.now.wall;
    let ago = |t: jiff::Timestamp| {
        let passed = wall.duration_since(t);
        format!("{} ({} ago)", clock(t, &room.ctx.board.time_zone, wall), age(passed.unsigned_abs()))
    };
    let mut all = vec![Fact::new("what", a.text.as_ref()), Fact::new("what to do", a.advice.as_ref())];
    all.push(Fact::new("state", a.state.words()));
    all.push(Fact::new("since", ago(a.since)));
    if let Some(t) = a.returned {
        all.push(Fact::new("returned", ago(t)));
    }
    let by = a.acknowledged_by.as_ref().map_or_else(|| "nobody yet".to_owned(), ToString::to_string);
    all.push(Fact::new("acknowledged", by));
    all
}

impl Overlay for AlarmList {
    fn key(&mut self, action: Option<&'static str>, key: KeyEvent, room: &Room<'_>) -> Step {
        match action {
            Some("cancel" | "accept") => Step::Close,
            Some("acknowledge") => match self.selected(room) {
                Some(a) if a.state.unacknowledged() => Step::Acknowledge(AlarmId::clone(&a.id)),
                _ => Step::Stay,
            },
            Some("acknowledge-all") => Step::AcknowledgeAll,
            Some("history") => match self.selected(room) {
                Some(a) => Step::Open(Box::new(EventList::about(a.id.as_str()))),
                None => Step::Open(Box::new(EventList::default())),
            },
            Some(id) => {
                self.list.act(id);
                Step::Stay
            }
            None => {
                let global = room.keymap.on(crate::console::keys::Context::Global, crate::console::keys::of_event(key));
                if global == Some("alarms") { Step::Close } else { Step::Stay }
            }
        }
    }

    fn mouse(&mut self, _column: u16, row: u16, what: Mouse) -> Step {
        match what {
            Mouse::Wheel(by) => self.list.step(isize::from(by)),
            _ if row > self.area.y && row < self.area.bottom() => {
                self.list.click(usize::from(row - self.area.y - 1));
            }
            _ => {}
        }
        Step::Stay
    }

    fn draw(&mut self, buffer: &mut Buffer, area: Rect, room: &Room<'_>) {
        let theme = room.ctx.theme;
        let alarms = &room.ctx.board.alarms;
        let new = alarms.iter().filter(|a| a.state.unacknowledged()).count();
        let inner = facts::panel(buffer, area, &format!("Alarms: {}, unacknowledged {new}", alarms.len()), theme);
        let detail = 8.min(inner.height / 2);
        let top = Rect { height: inner.height - detail, ..inner };
        let rows = self.list.arrange(alarms.iter().map(|a| row(a, room)).collect());
        self.area = top;
        let table = Table::new(&COLUMNS, true).empty("No alarm: everything that is watched is normal.");
        table.draw(buffer, top, &rows, &mut self.list, theme);
        let Some(a) = self.selected(room) else { return };
        facts::rule(buffer, Rect { y: top.bottom(), height: 1, ..inner }, a.source.as_ref(), theme);
        let below = Rect { y: top.bottom() + 1, height: detail.saturating_sub(1), ..inner };
        let mut all = facts_of(a, room);
        if let Some(first) = all.first_mut() {
            first.style = Style::default().patch(theme.heading());
        }
        facts::draw(buffer, below, &all, 12, theme);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("acknowledge", "acknowledge"),
            ("acknowledge-all", "all"),
            ("history", "history"),
            ("up", "up"),
            ("down", "down"),
            ("cancel", "close"),
        ]
    }
}
