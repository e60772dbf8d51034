//! The whole file: what is asked of the reader, what came back, and what the keys do there.

use std::sync::Arc;

use super::moment;
use super::state::{Focus, Logs};
use crate::console::view::{Ctx, Want};
use crate::console::widgets::cursor::Cursor;
use crate::model::intent::IntentKind;
use crate::model::logs::{LogPage, LogQuery, LogRecord, Place, Severity};

/// Records asked for at once.
const PAGE: usize = 200;
pub(super) const FIND: &str = "logs-find";
pub(super) const TIME: &str = "logs-time";
pub(super) const NOTE: &str = "logs-note";

/// Where the selection goes when the page is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    First,
    Last,
    /// A search: the page about what is found is asked for next.
    Found,
}

/// A view into the whole file.
#[derive(Debug)]
pub struct BookView {
    /// What is waited for.
    awaited: Option<(LogQuery, Then)>,
    /// What is shown.
    pub(super) page: Option<Arc<LogPage>>,
    pub(super) cursor: Cursor,
    /// How far an unfinished search has come, in percent.
    pub(super) searched: Option<f64>,
    /// Said once a search has found nothing.
    said: Option<String>,
}

impl BookView {
    /// The selected record.
    pub(super) fn selected(&self) -> Option<&LogRecord> {
        self.page.as_ref().and_then(|p| p.records.get(self.cursor.at()))
    }

    /// Whether something is waited for.
    pub(super) fn busy(&self) -> bool {
        self.awaited.is_some()
    }
}

impl Logs {
    fn ask(&mut self, place: Place, then: Then, ctx: &Ctx<'_>) -> Want {
        let Some(file) = self.file(ctx) else {
            return Want::Say("Choose a log file on the left first; the live records are shown in full.".into());
        };
        let (path, found) = (Arc::clone(&file.path), then == Then::Found);
        let text = if found { &self.find } else { &self.filter };
        let filter = (!text.is_empty()).then(|| text.as_str().into());
        let level = if found { Severity::Unknown } else { self.level };
        let query = LogQuery { path, place, level, filter, records: if found { 1 } else { PAGE } };
        let view = self.book.get_or_insert_with(|| BookView {
            awaited: None,
            page: None,
            cursor: Cursor::default(),
            searched: None,
            said: None,
        });
        view.awaited = Some((query.clone(), then));
        self.focus = Focus::Lines;
        Want::Send(IntentKind::Log(query))
    }

    /// Asks anew at the place shown: filter or level have changed.
    pub(super) fn book_again(&mut self, ctx: &Ctx<'_>) -> Want {
        let Some(view) = &self.book else { return Want::Nothing };
        let place = match (&view.awaited, &view.page) {
            (_, Some(page)) if page.at_end => Place::End,
            (_, Some(page)) => view.selected().map_or(page.query.place, |r| Place::From(r.offset)),
            (Some((query, _)), None) => query.place,
            (None, None) => Place::End,
        };
        self.ask(place, if place == Place::End { Then::Last } else { Then::First }, ctx)
    }

    /// Takes answers, and goes on with what is not finished.
    pub(super) fn book_idle(&mut self, ctx: &Ctx<'_>) -> Want {
        let Some(view) = &mut self.book else { return Want::Nothing };
        if let Some(said) = view.said.take() {
            return Want::Say(said);
        }
        let Some((query, then)) = view.awaited.clone() else { return Want::Nothing };
        let Some(page) = ctx.board.log_pages.iter().rev().find(|p| p.query == query) else { return Want::Nothing };
        let page = Arc::clone(page);
        view.searched = None;
        let on = page.unfinished.filter(|_| page.records.is_empty());
        if let Some(place) = on {
            let size = page.size_bytes.max(1) as f64;
            view.searched = match place {
                Place::From(at) => Some(at as f64 / size * 100.0),
                Place::Before(at) => Some(100.0 - at as f64 / size * 100.0),
                _ => None,
            };
            let query = LogQuery { place, ..query };
            view.awaited = Some((query.clone(), then));
            return Want::Send(IntentKind::Log(query));
        }
        view.awaited = None;
        if then == Then::Found {
            return match (page.records.first(), &page.fault) {
                (Some(r), _) => self.ask(Place::From(r.offset), Then::First, ctx),
                (None, Some(fault)) => Want::Say(fault.to_string()),
                (None, None) => Want::Say(format!("\"{}\" is not found any more in this direction.", self.find)),
            };
        }
        view.cursor.set(if then == Then::Last { page.records.len().saturating_sub(1) } else { 0 });
        view.page = Some(page);
        Want::Nothing
    }

    /// What a key does while the whole file is shown, or that begins to show it; none where it is not about that.
    pub(super) fn book_action(&mut self, action: &str, ctx: &Ctx<'_>) -> Option<Want> {
        match action {
            "whole-file" if self.book.is_some() => {
                self.book = None;
                self.open = false;
                return Some(Want::Say("The newest lines are followed again.".into()));
            }
            "whole-file" => return Some(self.ask(Place::End, Then::Last, ctx)),
            "find" => {
                let title = "search the file (regular expression)".into();
                return Some(Want::Prompt { title, initial: self.find.clone(), tag: FIND });
            }
            "go-to-time" => {
                let title = "go to: 02:15, yesterday 02:15, 2026-11-23 02:15, 2h".into();
                return Some(Want::Prompt { title, initial: String::new(), tag: TIME });
            }
            "find-next" => return Some(self.search(true, ctx)),
            "find-previous" => return Some(self.search(false, ctx)),
            "bookmark" => return Some(self.bookmark(ctx)),
            _ => {}
        }
        let focused = self.focus == Focus::Lines;
        let view = self.book.as_mut().filter(|_| focused)?;
        let count = view.page.as_ref().map_or(0, |p| p.records.len());
        let (first, last) = view.page.as_ref().map_or((None, None), |p| {
            (
                p.records.first().map(|r| r.offset).filter(|_| !p.at_start),
                p.records.last().map(|r| r.end).filter(|_| !p.at_end),
            )
        });
        let at = view.cursor.at();
        match action {
            "first" => Some(self.ask(Place::Start, Then::First, ctx)),
            "last" => Some(self.ask(Place::End, Then::Last, ctx)),
            "up" | "page-up" if at == 0 => {
                Some(first.map_or(Want::Nothing, |o| self.ask(Place::Before(o), Then::Last, ctx)))
            }
            "down" | "page-down" if at + 1 >= count => {
                Some(last.map_or(Want::Nothing, |o| self.ask(Place::From(o), Then::First, ctx)))
            }
            "next-error" | "previous-error" => Some(self.record_error(action == "next-error")),
            "open" => {
                self.open = view.selected().is_some();
                Some(Want::Nothing)
            }
            "back" if self.open => {
                self.open = false;
                Some(Want::Nothing)
            }
            "back" => {
                self.book = None;
                Some(Want::Nothing)
            }
            "pause" => Some(Want::Say("Nothing moves here; w follows the newest lines again.".into())),
            _ => view.cursor.act(action, count).then_some(Want::Nothing),
        }
    }

    fn record_error(&mut self, forward: bool) -> Want {
        let Some(view) = &mut self.book else { return Want::Nothing };
        let Some(page) = &view.page else { return Want::Nothing };
        let is_error = |i: &usize| page.records.get(*i).is_some_and(|r| r.severity == Severity::Error);
        let at = view.cursor.at();
        let found = if forward { (at + 1..page.records.len()).find(is_error) } else { (0..at).rev().find(is_error) };
        match found {
            Some(i) => view.cursor.set(i),
            None => return Want::Say("No further error among the records shown; v shows errors only.".into()),
        }
        Want::Nothing
    }

    fn search(&mut self, forward: bool, ctx: &Ctx<'_>) -> Want {
        if self.find.is_empty() {
            return Want::Say("Nothing is searched for yet; s takes a regular expression.".into());
        }
        let selected = self.book.as_ref().and_then(BookView::selected);
        let place = match (selected, forward) {
            (Some(r), true) => Place::From(r.end),
            (Some(r), false) => Place::Before(r.offset),
            (None, true) => Place::Start,
            (None, false) => Place::End,
        };
        self.ask(place, Then::Found, ctx)
    }

    fn bookmark(&self, ctx: &Ctx<'_>) -> Want {
        if self.line_of(ctx).is_none() {
            return Want::Say("Select a line first; it is kept in the shift log with what you say of it.".into());
        }
        Want::Prompt { title: "keep this line in the shift log; what of it?".into(), initial: String::new(), tag: NOTE }
    }

    /// The selected line and its file.
    fn line_of(&self, ctx: &Ctx<'_>) -> Option<(Arc<str>, Arc<str>)> {
        let file = self.file(ctx)?;
        if let Some(view) = &self.book {
            let text: String = view.selected()?.text.chars().take(1000).collect();
            return Some((Arc::clone(&file.path), text.into()));
        }
        let shown = self.shown(file);
        shown.get(self.at(&shown)).map(|l| (Arc::clone(&file.path), Arc::clone(&l.text)))
    }

    /// Takes what was typed into a prompt.
    pub(super) fn book_text(&mut self, tag: &'static str, text: Option<&str>, ctx: &Ctx<'_>) -> Want {
        let Some(text) = text else { return Want::Nothing };
        match tag {
            FIND => {
                text.trim().clone_into(&mut self.find);
                // Backwards from the newest: what happened last is looked for first.
                if self.find.is_empty() { Want::Nothing } else { self.search(self.book.is_some(), ctx) }
            }
            TIME => match moment::read(text, ctx.now.wall, &ctx.board.time_zone) {
                Ok(t) => self.ask(Place::Time(t), Then::First, ctx),
                Err(why) => Want::Say(why),
            },
            NOTE => match self.line_of(ctx) {
                Some((source, line)) => Want::Send(IntentKind::Bookmark { source, line, note: text.trim().into() }),
                None => Want::Say("The line is gone; select it again.".into()),
            },
            _ => Want::Pass,
        }
    }

    /// A click on a row of the book or the patterns.
    pub(super) fn click_row(&mut self, row: usize) -> Want {
        if let Some(p) = &mut self.patterns {
            p.cursor.set(p.cursor.top() + row);
        } else if let Some(view) = &mut self.book {
            let count = view.page.as_ref().map_or(0, |p| p.records.len());
            view.cursor.set((view.cursor.top() + row).min(count.saturating_sub(1)));
        }
        Want::Nothing
    }
}
