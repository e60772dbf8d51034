//! What the resources tab remembers, and the rows that follow from the board.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::database::Page;
use crate::console::view::Ctx;
use crate::console::widgets::cursor::Cursor;
use crate::console::widgets::mark::{Mark, State};
use crate::model::board::{Group, Indicator, IndicatorState, Sense};

/// A value older than this is shown as old, in seconds.
const STALE_S: f64 = 15.0;

/// The palette's name of the database page.
pub(super) const DATABASE_PAGE: &str = "database-page";

/// The resources tab.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    pub(super) cursor: Cursor,
    /// First line drawn, headings included.
    pub(super) scroll: Cursor,
    /// The selected indicator by id, so that new indicators do not move the selection.
    pub(super) selected: Option<Arc<str>>,
    pub(super) open: bool,
    pub(super) filter: String,
    /// Only what is exceeded or unknown is listed.
    pub(super) only_bad: bool,
    /// Which stretch of the past the detail shows.
    pub(super) past: super::detail::Stretch,
    /// The database page, which takes the whole tab while it is open.
    pub(super) page: Page,
    /// Where the rows were drawn last, for the mouse.
    pub(super) list: Rect,
}

/// A line of the list.
#[derive(Clone, Copy, Debug)]
pub(super) enum ListLine<'a> {
    Heading(Group),
    Row(usize, &'a Indicator),
}

impl Resources {
    /// The indicators asked for, by group.
    pub(super) fn rows<'a>(&self, ctx: &Ctx<'a>) -> Vec<&'a Indicator> {
        let needle = self.filter.to_lowercase();
        let mut rows: Vec<&Indicator> = ctx
            .board
            .indicators
            .iter()
            .filter(|i| !self.only_bad || i.state != IndicatorState::Normal || stale(i, ctx))
            .filter(|i| {
                needle.is_empty()
                    || [&*i.id, &*i.name, i.group.title()].iter().any(|t| t.to_lowercase().contains(&needle))
            })
            .collect();
        rows.sort_by_key(|i| i.group);
        rows
    }

    pub(super) fn find_selected(&mut self, rows: &[&Indicator]) {
        let at = self.selected.as_ref().and_then(|id| rows.iter().position(|r| r.id == *id));
        match at {
            Some(at) => self.cursor.set(at),
            None => self.remember(rows),
        }
    }

    pub(super) fn remember(&mut self, rows: &[&Indicator]) {
        self.cursor.by(0, rows.len());
        self.selected = rows.get(self.cursor.at()).map(|r| r.id.clone());
    }
}

/// The rows with a heading before each group.
pub(super) fn with_headings<'a>(rows: &[&'a Indicator]) -> Vec<ListLine<'a>> {
    let mut lines = Vec::new();
    let mut group = None;
    for (i, row) in rows.iter().enumerate() {
        if group != Some(row.group) {
            group = Some(row.group);
            lines.push(ListLine::Heading(row.group));
        }
        lines.push(ListLine::Row(i, row));
    }
    lines
}

/// The value is not of now.
pub(super) fn stale(indicator: &Indicator, ctx: &Ctx<'_>) -> bool {
    indicator.value.is_some() && indicator.at.is_none_or(|at| ctx.now.mono.secs_since(at.mono) > STALE_S)
}

/// The state in the first column.
pub(super) fn state(indicator: &Indicator, ctx: &Ctx<'_>) -> State {
    let base = match indicator.state {
        IndicatorState::Exceeded => State::new(Mark::Warning, "exceeded"),
        _ if stale(indicator, ctx) => State::new(Mark::Unknown, "old"),
        IndicatorState::Unknown => State::new(Mark::Unknown, "unknown"),
        IndicatorState::Normal => State::new(Mark::Well, "normal"),
    };
    base.with_alarms(ctx.board.alarms.iter().filter(|a| *a.source == *indicator.id))
}

/// How far the value is on the good side of its limit, in the indicator's unit; negative beyond it.
pub(super) fn margin(indicator: &Indicator) -> Option<f64> {
    let (value, limit) = indicator.value.zip(indicator.limit)?;
    Some(match indicator.sense {
        Sense::High => limit - value,
        Sense::Low => value - limit,
    })
}
