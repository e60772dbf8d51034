//! The frame around every tab: status, tab line, alarm line, key line.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::alarms::clock;
use super::overlay::Room;
use super::{App, STALE_S};
use crate::base::text::age;
use crate::console::keys::Context;
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::{facts, text};
use crate::model::alarm::Alarm;
use crate::model::board::EngineState;

/// The least size that everything fits into.
const LEAST: (u16, u16) = (80, 24);

impl App {
    pub(super) fn draw_all(&mut self, frame: &mut Frame<'_>) {
        let area = frame.area();
        if area.width < LEAST.0 || area.height < LEAST.1 {
            self.too_small(frame.buffer_mut(), area);
            return;
        }
        let line = |y| Rect { y, height: 1, ..area };
        self.status_line(frame.buffer_mut(), line(0));
        self.tab_line(frame.buffer_mut(), line(1));
        self.alarm_line(frame.buffer_mut(), line(2));
        if self.shown_alarm.is_some() {
            facts::rule(frame.buffer_mut(), line(3), "", &self.theme);
        }
        let body = Rect { y: 4, height: area.height - 6, ..area };
        facts::rule(frame.buffer_mut(), line(body.bottom()), "", &self.theme);
        self.places.body = body;
        self.draw_tab(frame, body);
        // Never over the alarm line.
        let over = Rect { y: 3, height: area.height - 5, ..area };
        self.draw_overlays(frame, over);
        self.key_line(frame, line(area.height - 1));
    }

    fn too_small(&mut self, buffer: &mut Buffer, area: Rect) {
        self.shown_alarm = None;
        let mut y = area.y;
        if let Some(a) = self.board.worst_unacknowledged() {
            let line = format!("{} {}", self.theme.priority_mark(a.priority), self.theme.plain(&a.text));
            let style = self.theme.alarm_style(a.priority, a.state);
            if area.height > 1 {
                buffer.set_stringn(area.x, y, line, usize::from(area.width), style);
                y += 1;
            }
        }
        let say = format!(
            "The console needs {} columns and {} rows; this terminal has {} and {}. Make it larger, or its letters smaller.",
            LEAST.0, LEAST.1, area.width, area.height
        );
        let rest = Rect { y, height: area.bottom().saturating_sub(y), ..area };
        facts::paragraph(buffer, rest, &say, Style::default(), &self.theme);
    }

    fn status_line(&self, buffer: &mut Buffer, line: Rect) {
        let t = &self.theme;
        let b = &self.board;
        let up = self.now.mono.since(b.engine.started.mono);
        let silent = self.now.mono.secs_since(b.at.mono);
        let mut left = Strip::new(buffer, line.x + 1, line);
        left.put(&t.plain(&format!("{} {}", b.site, b.node)), t.heading());
        left.gap(2);
        if silent > STALE_S {
            let say = format!(" NO NEW DATA FOR {} ", age(self.now.mono.since(b.at.mono)));
            left.put(&say, t.style(Role::Critical));
        } else {
            let style = if b.engine.state == EngineState::Running { Style::default() } else { t.style(Role::Warning) };
            left.put(&format!("engine {} {}", b.engine.state.word(), age(up)), style);
        }
        if let Some((_, at)) = &self.frozen {
            left.gap(2);
            let say = format!(" FROZEN {} ", age(self.now.mono.since(at.mono)));
            left.put(&say, t.style(Role::Warning).add_modifier(Modifier::REVERSED));
        }
        let end = left.x;
        let time = self.now.wall.to_zoned(b.time_zone.clone()).strftime("%a %d %b %H:%M:%S %Z").to_string();
        let with_who = format!("{}   {time}", t.plain(&self.about.who));
        let room = usize::from(line.right().saturating_sub(end + 3));
        let shown = if text::width(&with_who) <= room { with_who } else { time };
        right(buffer, line, &shown, Style::default());
    }

    fn tab_line(&mut self, buffer: &mut Buffer, line: Rect) {
        let (board, now) = self.seen();
        let ctx = Ctx { board: &board, now, theme: &self.theme, focused: self.overlays.is_empty() };
        let badges: Vec<Option<String>> = self.tabs.iter().map(|t| t.badge(&ctx)).collect();
        let (gap, whole) = self.tab_spacing(&badges, line.width);
        let mut strip = Strip::new(buffer, line.x + 1, line);
        self.places.tabs.clear();
        for (i, (tab, badge)) in self.tabs.iter().zip(&badges).enumerate() {
            let from = strip.x;
            let style = if i == self.current {
                self.theme.style(Role::Focus).add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
            } else {
                Style::default()
            };
            strip.put(&format!("{} {}", i + 1, tab.title()), style);
            if let Some(badge) = badge {
                let shown = if whole { format!(" {badge}") } else { "!".to_owned() };
                strip.put(&self.theme.plain(&shown), self.theme.style(Role::Warning));
            }
            self.places.tabs.push(Rect::new(from, line.y, strip.x.saturating_sub(from), 1));
            strip.gap(gap);
        }
        let end = strip.x;
        let new = self.board.alarms.iter().filter(|a| a.state.unacknowledged()).count();
        let all = self.board.alarms.len();
        let (shown, style, mark) = match self.worst() {
            Some(a) => {
                let mark = (self.theme.priority_short(a.priority), self.theme.alarm_style(a.priority, a.state));
                (format!("alarms {all}  new {new} "), Style::default(), Some(mark))
            }
            None => {
                (format!("alarms {all}"), if all == 0 { self.theme.style(Role::Quiet) } else { Style::default() }, None)
            }
        };
        let mark_cells = mark.map_or(0, |(m, _)| text::width(m));
        let room = usize::from(line.right().saturating_sub(end)).saturating_sub(mark_cells + 1);
        // The narrower the room, the shorter; the count of what is new stays.
        let shorter = [shown, format!("new {new} "), format!("{new} ")];
        let shown = shorter.into_iter().find(|s| text::width(s) < room || mark.is_none()).unwrap_or_default();
        let x = line.right().saturating_sub((text::width(&shown) + mark_cells) as u16 + 1);
        if x >= end {
            buffer.set_string(x, line.y, &shown, style);
        }
        if let Some((m, style)) = mark {
            buffer.set_string(line.right() - 1 - mark_cells as u16, line.y, m, style);
        }
    }

    /// Cells between two tabs, and whether their badges are shown whole: what the width allows beside the count of new alarms.
    fn tab_spacing(&self, badges: &[Option<String>], width: u16) -> (u16, bool) {
        // `12 !!C` and a cell on each side.
        const RIGHT: usize = 8;
        let names: usize = self.tabs.iter().map(|t| text::width(t.title()) + 2).sum();
        let marks: usize = badges.iter().flatten().map(|b| text::width(b) + 1).sum();
        let between = self.tabs.len().saturating_sub(1);
        let fits = |gap: usize| names + marks + gap * between + 1 + RIGHT <= usize::from(width);
        match (fits(2), fits(1)) {
            (true, _) => (2, true),
            (false, true) => (1, true),
            (false, false) => (1, false),
        }
    }

    fn alarm_line(&mut self, buffer: &mut Buffer, line: Rect) {
        self.places.alarm = line;
        let worst = self.worst().cloned();
        self.shown_alarm = worst.as_ref().map(|a| a.id.clone());
        let t = &self.theme;
        let Some(a) = worst else {
            let active = self.board.alarms.len();
            let key = self.keymap.hint(Context::Global, "alarms").unwrap_or_default();
            let say = match active {
                0 => String::new(),
                1 => format!("1 acknowledged alarm is still active  {key} shows it"),
                n => format!("{n} acknowledged alarms are still active  {key} shows them"),
            };
            facts::rule(buffer, line, &say, t);
            return;
        };
        let mut strip = Strip::new(buffer, line.x + 1, line);
        strip.put(t.priority_short(a.priority), t.alarm_style(a.priority, a.state));
        strip.gap(1);
        strip.put(&clock(a.since, &self.board.time_zone, self.now.wall), Style::default());
        strip.gap(2);
        let hint = self.alarm_hint(&a);
        let room = usize::from(line.right().saturating_sub(strip.x)).saturating_sub(text::width(&hint) + 3);
        let what = format!("{}  {}", a.text, self.how_long(&a));
        let with_advice = format!("{what}  {}", a.advice);
        let shown = text::cut(
            &t.plain(if room > text::width(&what) + 12 { &with_advice } else { &what }),
            room,
            t.glyphs().more,
        );
        let style = t.style(t.priority_role(a.priority));
        strip.put(&shown, style);
        right(buffer, line, &hint, Style::default());
    }

    fn how_long(&self, a: &Alarm) -> String {
        let since = |t: jiff::Timestamp| age(self.now.wall.duration_since(t).unsigned_abs());
        match a.returned {
            Some(t) => format!("returned {} ago", since(t)),
            None => since(a.since),
        }
    }

    fn alarm_hint(&self, a: &Alarm) -> String {
        if a.acknowledging || self.acknowledging.contains(&a.id) {
            return format!("acknowledging{}", self.theme.glyphs().more);
        }
        let key = |id| self.keymap.hint(Context::Global, id).unwrap_or_default();
        format!("{} ack  {} list", key("acknowledge"), key("alarms"))
    }

    fn draw_tab(&mut self, frame: &mut Frame<'_>, body: Rect) {
        let (board, now) = self.seen();
        let theme = self.theme.clone();
        let ctx = Ctx { board: &board, now, theme: &theme, focused: self.overlays.is_empty() };
        if let Some(tab) = self.tabs.get_mut(self.current) {
            tab.draw(frame, body, &ctx);
        }
    }

    fn draw_overlays(&mut self, frame: &mut Frame<'_>, over: Rect) {
        let ctx = Ctx { board: &self.board, now: self.now, theme: &self.theme, focused: true };
        let room = Room { ctx, keymap: &self.keymap, acknowledging: &self.acknowledging };
        for o in &mut self.overlays {
            o.draw(frame.buffer_mut(), over, &room);
        }
        if let Some(at) = self.overlays.last().and_then(|o| o.cursor()) {
            frame.set_cursor_position(at);
        }
    }

    fn key_line(&self, frame: &mut Frame<'_>, line: Rect) {
        let t = &self.theme;
        let (state, bad) = self.data_state();
        let end = text::width(&state) as u16;
        let style = if bad { t.style(Role::Warning) } else { t.style(Role::Quiet) };
        right(frame.buffer_mut(), line, &state, style);
        let room = usize::from(line.width.saturating_sub(end + 4));
        let ctx = Ctx { board: &self.board, now: self.now, theme: t, focused: true };
        let view = Room { ctx, keymap: &self.keymap, acknowledging: &self.acknowledging };
        if let Some((typed, at)) = self.overlays.last().and_then(|o| o.line(&view)) {
            let shown = text::cut(&t.plain(&typed), room, t.glyphs().more);
            frame.buffer_mut().set_stringn(line.x, line.y, shown, room, t.style(Role::Focus));
            frame.set_cursor_position(Position::new(at.min(line.width.saturating_sub(end + 4)), line.y));
            return;
        }
        if let Some(m) = &self.message {
            let style = if m.bad { t.style(Role::High) } else { t.style(Role::Focus) };
            let shown = text::cut(&t.plain(&m.text), room, t.glyphs().more);
            frame.buffer_mut().set_stringn(line.x + 1, line.y, shown, room, style);
            return;
        }
        let mut strip = Strip::new(frame.buffer_mut(), line.x + 1, Rect { width: room as u16 + 1, ..line });
        for (key, does) in self.hints() {
            if usize::from(strip.x) + text::width(&key) + 1 + does.len() > room {
                break;
            }
            strip.put(&key, Style::default().add_modifier(Modifier::BOLD));
            strip.gap(1);
            strip.put(&does, t.style(Role::Quiet));
            strip.gap(2);
        }
    }

    /// Keys that work here and now with what they do. Help and commands come first, so that they are there in the narrowest terminal.
    fn hints(&self) -> Vec<(String, String)> {
        let hint = |context, id, does: &str| self.keymap.hint(context, id).map(|k| (k, does.to_owned()));
        if let Some(o) = self.overlays.last() {
            return o.hints().into_iter().filter_map(|(id, does)| hint(Context::Dialog, id, does)).collect();
        }
        let mut all: Vec<(String, String)> = [("help", "help"), ("palette", "commands")]
            .into_iter()
            .filter_map(|(id, d)| hint(Context::Global, id, d))
            .collect();
        if let Some(tab) = self.tabs.get(self.current) {
            all.extend(tab.actions().iter().filter_map(|a| hint(a.context, a.id, a.title)));
        }
        if !self.board.demo.is_empty() {
            all.extend(hint(Context::Global, "demo", "demo faults"));
        }
        all.extend(hint(Context::Global, "quit", "quit"));
        all
    }

    /// How old the data of this tab is and what has been dropped; and whether that deserves attention.
    fn data_state(&self) -> (String, bool) {
        let ctx = Ctx { board: &self.board, now: self.now, theme: &self.theme, focused: true };
        let data = self.tabs.get(self.current).and_then(|tab| tab.data_age_s(&ctx));
        let shown = data.map_or_else(
            || self.theme.glyphs().unknown.to_owned(),
            |s| age(std::time::Duration::from_secs_f64(s.max(0.0))),
        );
        let dropped: u64 = self.board.engine.dropped.iter().map(|d| d.1).sum();
        let drops = if dropped > 0 { format!("dropped {dropped}  ") } else { String::new() };
        (format!("{drops}data {shown}"), dropped > 0 || data.is_some_and(|s| s > STALE_S))
    }
}

/// Puts texts one after the other on a line.
struct Strip<'b> {
    buffer: &'b mut Buffer,
    x: u16,
    line: Rect,
}

impl<'b> Strip<'b> {
    fn new(buffer: &'b mut Buffer, x: u16, line: Rect) -> Self {
        Self { buffer, x, line }
    }

    fn put(&mut self, text: &str, style: Style) {
        let room = usize::from(self.line.right().saturating_sub(self.x));
        if room > 0 {
            let (x, _) = self.buffer.set_stringn(self.x, self.line.y, text, room, style);
            self.x = x;
        }
    }

    fn gap(&mut self, cells: u16) {
        self.x = (self.x + cells).min(self.line.right());
    }
}

/// Puts a text at the right edge, one cell from it.
fn right(buffer: &mut Buffer, line: Rect, shown: &str, style: Style) {
    let w = text::width(shown) as u16;
    if w + 1 < line.width {
        buffer.set_string(line.right() - 1 - w, line.y, shown, style);
    }
}
