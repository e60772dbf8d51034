//! The list of indicators by group.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state::{ListLine, Resources, margin, stale, state, with_headings};
use super::units::quantity;
use crate::base::text::age;
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::fit;
use crate::console::widgets::mark::{aged, select};
use crate::console::widgets::spark::spark;
use crate::console::widgets::table::scroll_bar;
use crate::model::board::{Indicator, IndicatorState, Sense};

/// Widths of the columns that depend on the terminal's width; zero leaves a column out.
#[derive(Clone, Copy, Debug)]
struct Columns {
    what: usize,
    number: usize,
    spark: usize,
    forecast: usize,
}

/// state, and the gaps after it, the name and the three numbers.
const FIXED: usize = 13 + 5;

impl Columns {
    fn of(width: u16) -> Self {
        // The last cell belongs to the scroll bar.
        let free = usize::from(width).saturating_sub(FIXED + 1);
        if free < 80 {
            let free = free.saturating_sub(3 * 9);
            return Self { what: free.saturating_sub(12).clamp(8, 24), number: 9, spark: 0, forecast: 12 };
        }
        let free = free - 3 * 10;
        let what = (free * 2 / 5).min(36);
        let spark = (free / 3).min(48);
        Self { what, number: 10, spark, forecast: free - what - spark - 1 }
    }
}

impl Resources {
    pub(super) fn draw_all(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        let rows = self.rows(ctx);
        self.find_selected(&rows);
        let Some(selected) = rows.get(self.cursor.at()) else {
            self.draw_empty(frame, area, ctx);
            return;
        };
        if self.open && (area.width < 100 || area.height < 24) {
            super::detail::draw(frame, area, selected, &self.past, ctx);
        } else if self.open {
            let list = area.height / 2 - 1;
            self.draw_list(frame, Rect { height: list, ..area }, &rows, ctx);
            let below = Rect { y: area.y + list + 1, height: area.height - list - 1, ..area };
            super::detail::draw(frame, below, selected, &self.past, ctx);
        } else {
            self.draw_list(frame, area, &rows, ctx);
        }
    }

    fn draw_empty(&self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        let text = if !self.filter.is_empty() {
            format!("No indicator matches \"{}\". Esc removes the filter.", self.filter)
        } else if self.only_bad {
            "Everything is normal. Esc shows all indicators.".into()
        } else {
            "No indicator has been measured yet. CPU, memory, disks, network, cameras, PLCs, database, journal and logs \
             will be listed here within some seconds of the engine's start."
                .into()
        };
        for (i, line) in fit::wrap(&text, usize::from(area.width.saturating_sub(4)).min(76)).into_iter().enumerate() {
            let y = area.y + 1 + i as u16;
            if y < area.bottom() {
                frame.buffer_mut().set_string(area.x + 2, y, line, ctx.theme.style(Role::Text));
            }
        }
    }

    fn draw_list(&mut self, frame: &mut Frame<'_>, area: Rect, rows: &[&Indicator], ctx: &Ctx<'_>) {
        if area.height == 0 {
            return;
        }
        let columns = Columns::of(area.width);
        frame.render_widget(header(columns, ctx), Rect { height: 1, ..area });
        self.list = Rect { y: area.y + 1, height: area.height - 1, ..area };
        let lines = with_headings(rows);
        let at = lines.iter().position(|l| matches!(l, ListLine::Row(i, _) if *i == self.cursor.at())).unwrap_or(0);
        // The heading above the first row of a group stays in view with it.
        self.scroll.set(at.saturating_sub(1));
        self.scroll.fit(lines.len(), self.list.height.into());
        self.scroll.set(at);
        let top = self.scroll.fit(lines.len(), self.list.height.into());
        for (i, line) in lines.iter().enumerate().skip(top).take(self.list.height.into()) {
            let place = Rect { y: self.list.y + (i - top) as u16, height: 1, ..self.list };
            match line {
                ListLine::Heading(group) => {
                    frame.render_widget(Line::styled(group.title(), ctx.theme.style(Role::Quiet)), place);
                }
                ListLine::Row(_, indicator) => frame.render_widget(row(indicator, columns, ctx), place),
            }
            if i == at {
                select(frame.buffer_mut(), place, ctx.theme, ctx.focused);
            }
        }
        scroll_bar(frame.buffer_mut(), area, lines.len(), top, ctx.theme);
    }
}

fn header(c: Columns, ctx: &Ctx<'_>) -> Line<'static> {
    let u = ctx.theme.unicode;
    let history = if c.spark > 0 { format!("{} ", fit::left("24 h", c.spark, u)) } else { String::new() };
    let text = format!(
        "{} {} {} {} {} {history}limit in",
        fit::left("state", 13, u),
        fit::left("what", c.what, u),
        fit::right("now", c.number, u),
        fit::right("limit", c.number, u),
        fit::right("margin", c.number, u),
    );
    Line::styled(text, ctx.theme.style(Role::Quiet))
}

fn row(i: &Indicator, c: Columns, ctx: &Ctx<'_>) -> Line<'static> {
    let u = ctx.theme.unicode;
    let none = ctx.theme.glyphs().unknown;
    let old = stale(i, ctx);
    let mut state = state(i, ctx);
    let value_role = if i.state == IndicatorState::Exceeded { state.mark.role() } else { Role::Text };
    state.word = fit::left(&state.word, 9, u);
    let number = |v: Option<f64>, unknown: &str| fit::right(&quantity(v, i.unit, unknown), c.number, u);
    let mut spans = Vec::from(state.spans(ctx.theme));
    spans.push(Span::styled(format!(" {} ", fit::left(&i.name, c.what, u)), ctx.theme.style(Role::Text)));
    spans.push(Span::styled(format!("{} ", number(i.value, none)), aged(ctx.theme, old, value_role)));
    let limit = if i.limit.is_some() { number(i.limit, none) } else { " ".repeat(c.number) };
    spans.push(Span::styled(format!("{limit} "), ctx.theme.style(Role::Quiet)));
    let margin = if i.limit.is_some() { number(margin(i), none) } else { " ".repeat(c.number) };
    spans.push(Span::styled(format!("{margin} "), aged(ctx.theme, old, value_role)));
    if c.spark > 0 {
        let drawn = spark(&i.history, c.spark, i.limit.filter(|_| i.sense == Sense::High), ctx.theme);
        spans.push(Span::styled(format!("{drawn} "), aged(ctx.theme, old, Role::Quiet)));
    }
    spans.push(Span::styled(fit::cut(&outlook(i, old, ctx), c.forecast, u), ctx.theme.style(Role::Quiet)));
    Line::from(spans)
}

/// The last column: when the limit comes, how old the value is, or why it is not known.
fn outlook(i: &Indicator, old: bool, ctx: &Ctx<'_>) -> String {
    if old {
        let since = i.at.map(|at| age(ctx.now.mono.since(at.mono)));
        return since.map_or_else(|| "age unknown".into(), |s| format!("{s} old"));
    }
    match (i.state, i.forecast) {
        (IndicatorState::Unknown, _) => i.text.as_deref().unwrap_or("not measured").to_owned(),
        (IndicatorState::Exceeded, _) => "beyond it".into(),
        (IndicatorState::Normal, Some(d)) => age(Duration::from_secs(d.as_secs())),
        (IndicatorState::Normal, None) => String::new(),
    }
}
