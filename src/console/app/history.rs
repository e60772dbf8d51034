//! The history of events, read from the journal a page at a time: by kind, text and time, back without end.

mod detail;

use std::sync::Arc;

use crokey::crossterm::event::KeyEvent;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::Input;

use super::overlay::{Overlay, Room, Step};
use super::prompt::{edit, insert};
use crate::base::moment::moment;
use crate::base::text::age;
use crate::console::keys::Context;
use crate::console::theme::Role;
use crate::console::view::{Ctx, Mouse, Want};
use crate::console::widgets::past::Look;
use crate::console::widgets::{Cell, Column, ListState, Row, Table, facts, text};
use crate::model::event::{Event, EventKind};
use crate::model::history::{Answer, Asker, EventQuery, Found, Query, answer_to};
use detail::Detail;

/// Events on a page.
const PAGE: usize = 200;
/// The first page is read again when an event has come since, but not more often than this, in seconds.
const AGAIN_S: f64 = 2.0;

const COLUMNS: [Column; 5] = [
    Column::text("when", 15),
    Column::text("kind", 18).rank(2),
    Column::text("about", 24).rank(1),
    Column::text("what", 24).growing(),
    Column::number("number", 8).rank(3),
];

/// Kinds that belong together: their name, and how the names of the kinds begin.
const KINDS: [(&str, &[&str]); 6] = [
    ("everything", &[]),
    ("alarms", &["alarm_"]),
    ("cameras and PLCs", &["camera", "plc"]),
    ("maintenance records", &["run_finished", "database_care"]),
    ("settings", &["scale_", "compensation", "baseline_"]),
    ("program", &["engine_", "terminal_", "dropped", "note"]),
];

/// What is being typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Typing {
    Text,
    Time,
}

/// The overlay.
#[derive(Default)]
pub(super) struct EventList {
    kinds: usize,
    subject: Option<Arc<str>>,
    text: String,
    /// Only before this moment.
    to: Option<Timestamp>,
    /// Where the pages before this one began: below which number; the first has none.
    pages: Vec<u64>,
    list: ListState,
    look: Look,
    typing: Option<(Typing, Input, String)>,
    detail: Option<Detail>,
    /// Go to the last row once the page before is there.
    to_end: bool,
    area: Rect,
}

impl EventList {
    /// The history of one alarm, or of whatever has this name.
    pub fn about(subject: &str) -> Self {
        Self { subject: Some(subject.into()), ..Self::default() }
    }

    fn query(&self) -> Query {
        let kinds = KINDS.get(self.kinds).map_or(&[][..], |k| k.1);
        Query::Events(EventQuery {
            from: None,
            to: self.to,
            kinds: kinds.iter().map(|k| (*k).into()).collect(),
            subject: self.subject.clone(),
            text: Some(self.text.trim()).filter(|t| !t.is_empty()).map(Into::into),
            before: self.pages.last().copied(),
            limit: PAGE,
        })
    }

    /// Another question: from its first page on.
    fn anew(&mut self) {
        self.pages.clear();
        self.list = ListState::default();
    }

    fn answer<'a>(&self, ctx: &Ctx<'a>) -> Option<&'a Answer> {
        answer_to(&ctx.board.history, &self.query())
    }

    fn events<'a>(&self, ctx: &Ctx<'a>) -> (&'a [Event], bool) {
        match self.answer(ctx).map(|a| &a.found) {
            Some(Ok(Found::Events { events, more })) => (events, *more),
            _ => (&[], false),
        }
    }

    fn selected<'a>(&self, ctx: &Ctx<'a>) -> Option<&'a Event> {
        let seq = self.list.selected()?.parse::<u64>().ok()?;
        self.events(ctx).0.iter().find(|e| e.seq == seq)
    }

    /// Moves; beyond the last row to the older page, beyond the first one to the newer.
    fn step(&mut self, action: &str, ctx: &Ctx<'_>) {
        let before = self.list.index();
        self.list.act(action);
        let (events, more) = self.events(ctx);
        if self.list.index() != before {
            return;
        }
        match action {
            "down" | "page-down" | "last" if more && !events.is_empty() => {
                self.pages.extend(events.last().map(|e| e.seq));
                self.list = ListState::default();
            }
            "up" | "page-up" => self.to_end |= self.pages.pop().is_some(),
            "first" if !self.pages.is_empty() => self.anew(),
            _ => {}
        }
    }

    fn type_on(&mut self, action: Option<&'static str>, key: KeyEvent, room: &Room<'_>) {
        let Some((what, mut input, was)) = self.typing.take() else { return };
        match (what, action) {
            (Typing::Text, Some("accept")) | (Typing::Time, Some("cancel")) => {}
            (Typing::Text, Some("cancel")) => {
                self.text = was;
                self.anew();
            }
            (Typing::Text, _) => {
                edit(&mut input, key);
                input.value().clone_into(&mut self.text);
                self.anew();
                self.typing = Some((what, input, was));
            }
            (Typing::Time, Some("accept")) if input.value().trim().is_empty() => {
                self.to = None;
                self.anew();
            }
            (Typing::Time, Some("accept")) => {
                match moment(input.value(), room.ctx.now.wall, &room.ctx.board.time_zone) {
                    Ok(at) => {
                        self.to = Some(at);
                        self.anew();
                    }
                    // Shown on the line, the text stays to be corrected.
                    Err(why) => self.typing = Some((what, input, why)),
                }
            }
            (Typing::Time, _) => {
                edit(&mut input, key);
                self.typing = Some((what, input, String::new()));
            }
        }
    }

    fn title(&self, ctx: &Ctx<'_>) -> String {
        let what = match &self.subject {
            Some(s) => format!("History of {s}"),
            None => format!("History: {}", KINDS.get(self.kinds).map_or("", |k| k.0)),
        };
        let text = Some(self.text.trim()).filter(|t| !t.is_empty()).map(|t| format!(", with \"{t}\""));
        let to = self.to.map(|t| format!(", before {}", local(t, ctx, "%d %b %Y %H:%M:%S")));
        let source = match self.answer(ctx) {
            Some(a) => format!("{}, {} ago", a.source, age(ctx.now.mono.since(a.at.mono))),
            None => format!("reading{}", ctx.theme.glyphs().more),
        };
        format!("{what}{}{}   {source}", text.unwrap_or_default(), to.unwrap_or_default())
    }

    /// What stands in an empty list.
    fn empty(&self, ctx: &Ctx<'_>) -> String {
        match self.answer(ctx).map(|a| &a.found) {
            None => "Reading the journal; what is found will be listed here.".into(),
            Some(Err(why)) => format!("The journal could not be read: {why}"),
            Some(Ok(_)) => "Nothing of this kind is in the journal. Another kind, text or time may find it.".into(),
        }
    }
}

/// A moment in the site's zone.
fn local(at: Timestamp, ctx: &Ctx<'_>, form: &str) -> String {
    at.to_zoned(ctx.board.time_zone.clone()).strftime(form).to_string()
}

/// The day and the time of day; the year where it is another one.
fn when(at: Timestamp, ctx: &Ctx<'_>) -> String {
    let this_year = local(at, ctx, "%Y") == local(ctx.now.wall, ctx, "%Y");
    local(at, ctx, if this_year { "%d %b %H:%M:%S" } else { "%d %b %Y %H:%M" })
}

fn row(e: &Event, ctx: &Ctx<'_>) -> Row {
    let theme = ctx.theme;
    let style = match &e.kind {
        EventKind::AlarmRaised { priority, .. } => theme.style(theme.priority_role(*priority)),
        _ => theme.style(Role::Text),
    };
    Row::new(
        e.seq.to_string(),
        vec![
            Cell::text(when(e.at, ctx)),
            Cell::styled(e.kind.name().replace('_', " "), theme.style(Role::Quiet)),
            Cell::text(e.kind.subject().unwrap_or_default()),
            Cell::styled(e.kind.words(), style),
            Cell::count(e.seq),
        ],
    )
}

impl Overlay for EventList {
    fn key(&mut self, action: Option<&'static str>, key: KeyEvent, room: &Room<'_>) -> Step {
        if self.typing.is_some() {
            self.type_on(action, key, room);
            return Step::Stay;
        }
        if let Some(detail) = &mut self.detail {
            match action {
                Some("cancel" | "accept") => self.detail = None,
                Some(id) => detail.act(id),
                None => {}
            }
            return Step::Stay;
        }
        match action {
            Some("cancel") => return Step::Close,
            Some("accept") => self.detail = self.selected(&room.ctx).map(|e| Detail::new(e.clone())),
            Some("other") => {
                self.subject = None;
                self.kinds = (self.kinds + 1) % KINDS.len();
                self.anew();
            }
            Some("filter") => {
                self.typing = Some((Typing::Text, Input::new(self.text.clone()), self.text.clone()));
            }
            Some("time") => self.typing = Some((Typing::Time, Input::default(), String::new())),
            Some(id) => self.step(id, &room.ctx),
            // The key that opened it closes it.
            None if room.keymap.on(Context::Global, crate::console::keys::of_event(key)) == Some("history") => {
                return Step::Close;
            }
            None => {}
        }
        Step::Stay
    }

    fn paste(&mut self, pasted: &str) -> Step {
        if let Some((what, input, _)) = &mut self.typing {
            insert(input, pasted);
            if *what == Typing::Text {
                input.value().clone_into(&mut self.text);
                self.anew();
            }
        }
        Step::Stay
    }

    fn mouse(&mut self, _column: u16, row: u16, what: Mouse) -> Step {
        match what {
            _ if self.detail.is_some() => {}
            Mouse::Wheel(by) => self.list.step(isize::from(by)),
            _ if row > self.area.y && row < self.area.bottom() => {
                self.list.click(usize::from(row - self.area.y - 1));
            }
            _ => {}
        }
        Step::Stay
    }

    fn idle(&mut self, room: &Room<'_>) -> Want {
        let ctx = &room.ctx;
        if let Some(want) = self.detail.as_mut().map(|d| d.ask(ctx)).filter(|w| *w != Want::Nothing) {
            return want;
        }
        let query = self.query();
        // What has happened since belongs on the first page.
        let news = self.pages.is_empty()
            && self.to.is_none()
            && self.answer(ctx).is_some_and(|a| {
                ctx.now.mono.secs_since(a.at.mono) >= AGAIN_S
                    && ctx.board.journal.last_event.is_some_and(|e| e.as_second() >= a.at.wall.as_second())
            });
        self.look.ask_if(Asker::List, query, news, ctx)
    }

    fn draw(&mut self, buffer: &mut Buffer, area: Rect, room: &Room<'_>) {
        let ctx = &room.ctx;
        if let Some(detail) = &mut self.detail {
            detail.draw(buffer, area, ctx);
            return;
        }
        let inner = facts::panel(buffer, area, &self.title(ctx), ctx.theme);
        let (events, more) = self.events(ctx);
        let below = 5.min(inner.height / 3);
        let top = Rect { height: inner.height - below, ..inner };
        self.area = top;
        let rows = self.list.arrange(events.iter().map(|e| row(e, ctx)).collect());
        if std::mem::take(&mut self.to_end) && !rows.is_empty() {
            self.list.act("last");
        }
        let empty = self.empty(ctx);
        if rows.is_empty() {
            facts::paragraph(buffer, top, &empty, ctx.theme.style(Role::Unknown), ctx.theme);
            return;
        }
        Table::new(&COLUMNS, true).draw(buffer, top, &rows, &mut self.list, ctx.theme);
        let place =
            format!("page {}{}", self.pages.len() + 1, if more { ", older ones follow" } else { ", the oldest" });
        facts::rule(buffer, Rect { y: top.bottom(), height: 1, ..inner }, &place, ctx.theme);
        if let Some(e) = self.selected(ctx) {
            let rest = Rect { y: top.bottom() + 1, height: below.saturating_sub(1), ..inner };
            let words = format!("{}  {}", e.kind.subject().unwrap_or_default(), e.kind.words());
            facts::paragraph(buffer, rest, words.trim(), ctx.theme.style(Role::Text), ctx.theme);
        }
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        if self.detail.is_some() {
            return vec![("up", "up"), ("down", "down"), ("cancel", "back to the list")];
        }
        vec![
            ("accept", "detail"),
            ("other", "kind"),
            ("filter", "filter"),
            ("time", "time"),
            ("cancel", "close"),
            ("page-down", "older"),
            ("page-up", "newer"),
        ]
    }

    fn line(&self, room: &Room<'_>) -> Option<(String, u16)> {
        let (what, input, said) = self.typing.as_ref()?;
        let key = |id| room.keymap.hint(Context::Dialog, id).unwrap_or_default();
        let (head, tail) = match what {
            Typing::Text => (" filter: ", format!("{} keep  {} as before", key("accept"), key("cancel"))),
            Typing::Time if said.is_empty() => (" before: ", "2026-11-23 22:41, yesterday, 7d; empty: now".to_owned()),
            Typing::Time => (" before: ", said.clone()),
        };
        let at = text::width(head) + input.visual_cursor();
        Some((format!("{head}{}   {tail}", input.value()), at as u16))
    }
}
