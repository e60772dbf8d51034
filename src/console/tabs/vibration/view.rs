//! The list of regions: one row each, values in fixed columns.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state::{Row, Vibration, displacement, peak_to_peak};
use crate::base::text::{age, sig3};
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::bar::Bar;
use crate::console::widgets::fit;
use crate::console::widgets::mark::{aged, select};
use crate::console::widgets::spark::spark;
use crate::console::widgets::table::scroll_bar;
use crate::model::vibration::{Level, LimitKind, Reading};

/// Below this width the detail takes the whole width.
pub(super) const SIDE_BY_SIDE: u16 = 100;

/// Widths of the columns for one terminal width; zero leaves a column out.
#[derive(Clone, Copy, Debug)]
struct Columns {
    region: usize,
    rms: usize,
    hz: usize,
    bar: usize,
    spark: usize,
}

/// state, grade, pp, rms, Hz, ± and the gaps between them, at their narrowest.
const FIXED: usize = 14 + 9 + 9 + 6 + 5 + 9 + 7;

impl Columns {
    fn of(width: u16) -> Self {
        // The last cell belongs to the scroll bar.
        let free = usize::from(width).saturating_sub(FIXED + 1);
        if free < 36 {
            return Self { region: free.saturating_sub(7).clamp(6, 20), rms: 6, hz: 5, bar: 7, spark: 0 };
        }
        // Wide enough for the whole headings.
        let free = free - 4;
        let region = (free / 3).clamp(12, 26);
        let spark = ((free - region) / 2).min(40);
        Self { region, rms: 8, hz: 7, bar: (free - region - spark - 1).min(40), spark }
    }
}

impl Vibration {
    pub(super) fn draw_all(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        let rows = self.rows(ctx);
        self.find_selected(&rows);
        if rows.is_empty() {
            self.draw_empty(frame, area, ctx);
            return;
        }
        let selected = rows[self.cursor.at()];
        if self.open && area.width < SIDE_BY_SIDE {
            self.draw_detail(frame, area, &selected, ctx);
        } else if self.open || area.height >= 30 {
            let most = if self.open { area.height / 4 } else { area.height / 2 };
            let list = (rows.len() as u16 + 1).min(most.max(3));
            let [top, bottom] = [
                Rect { height: list, ..area },
                Rect { y: area.y + list + 1, height: area.height.saturating_sub(list + 1), ..area },
            ];
            self.draw_list(frame, top, &rows, ctx);
            self.draw_detail(frame, bottom, &selected, ctx);
        } else {
            self.draw_list(frame, area, &rows, ctx);
        }
    }

    fn draw_empty(&self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        let text = if self.filter.is_empty() {
            "No region is configured. What each region vibrates would be listed here. Add a [[camera.roi]] with id and \
             rect to a camera in vms.toml, then start the program again; 'vms check' tells whether it is right."
                .to_owned()
        } else {
            format!("No region matches \"{}\". Esc removes the filter.", self.filter)
        };
        for (i, line) in fit::wrap(&text, usize::from(area.width.saturating_sub(4)).min(76)).into_iter().enumerate() {
            let y = area.y + 1 + i as u16;
            if y < area.bottom() {
                frame.buffer_mut().set_string(area.x + 2, y, line, ctx.theme.style(Role::Text));
            }
        }
    }

    fn draw_list(&mut self, frame: &mut Frame<'_>, area: Rect, rows: &[Row<'_>], ctx: &Ctx<'_>) {
        if area.height == 0 {
            return;
        }
        let columns = Columns::of(area.width);
        frame.render_widget(header(columns, ctx), Rect { height: 1, ..area });
        self.list = Rect { y: area.y + 1, height: area.height - 1, ..area };
        let top = self.cursor.fit(rows.len(), self.list.height.into());
        for (i, row) in rows.iter().enumerate().skip(top).take(self.list.height.into()) {
            let at = Rect { y: self.list.y + (i - top) as u16, height: 1, ..self.list };
            frame.render_widget(line(row, columns, ctx), at);
            if i == self.cursor.at() {
                select(frame.buffer_mut(), at, ctx.theme, ctx.focused);
            }
        }
        scroll_bar(frame.buffer_mut(), area, rows.len(), top, ctx.theme);
    }
}

fn header(c: Columns, ctx: &Ctx<'_>) -> Line<'static> {
    let u = ctx.theme.unicode;
    let pm = ctx.theme.glyphs().plus_minus;
    let history = if c.spark > 0 { format!(" {}", fit::left("10 min", c.spark, u)) } else { String::new() };
    let text = format!(
        "{} {} {} {} {} {} {}{history} {}",
        fit::left("state", 14, u),
        fit::left("region", c.region, u),
        fit::left("grade", 9, u),
        fit::right("pp   ", 9, u),
        fit::right(if c.rms < 8 { "mm/s" } else { "rms mm/s" }, c.rms, u),
        fit::right(if c.hz < 7 { "Hz" } else { "peak Hz" }, c.hz, u),
        fit::left(if c.bar < 8 { "limit" } else { "to limit" }, c.bar, u),
        fit::right(&format!("{pm}   "), 9, u),
    );
    Line::styled(text, ctx.theme.style(Role::Quiet))
}

fn line(row: &Row<'_>, c: Columns, ctx: &Ctx<'_>) -> Line<'static> {
    let u = ctx.theme.unicode;
    let stale = row.stale(ctx);
    let quiet = if row.background() { Role::Quiet } else { Role::Text };
    let value = aged(ctx.theme, stale, quiet);
    let mut state = row.state(ctx);
    state.word = fit::left(&state.word, 10, u);
    let mut spans = Vec::from(state.spans(ctx.theme));
    spans.push(Span::styled(format!(" {} ", fit::left(row.roi.id.as_str(), c.region, u)), ctx.theme.style(quiet)));
    let reading = row.roi.reading.as_deref();
    spans.push(Span::styled(format!("{} ", fit::left(&grade_or_age(row, ctx), 9, u)), value));
    spans.push(Span::styled(numbers(reading, row.camera.scale_mm_per_px, c, u), value));
    spans.push(Span::raw(" "));
    spans.extend(limit(row, c.bar, ctx));
    if c.spark > 0 {
        let top = trend_limit(row);
        // The apparent motion of what stands still is of no interest in the list.
        let trend = if row.background() { &[][..] } else { &row.roi.trend[..] };
        spans.push(Span::styled(
            format!(" {}", spark(trend, c.spark, top, ctx.theme)),
            aged(ctx.theme, stale, Role::Quiet),
        ));
    }
    spans.push(Span::styled(format!(" {}", fit::right(&sigma(reading, row.camera.scale_mm_per_px, u), 9, u)), value));
    Line::from(spans)
}

/// The grade while it is of now, else how old the values are.
fn grade_or_age(row: &Row<'_>, ctx: &Ctx<'_>) -> String {
    let Some(reading) = row.roi.reading.as_deref() else { return unknown(ctx).into() };
    match row.age_s(ctx) {
        Some(old) if row.stale(ctx) => age(Duration::try_from_secs_f64(old).unwrap_or_default()),
        _ => reading.grade.word().into(),
    }
}

pub(super) fn unknown(ctx: &Ctx<'_>) -> &'static str {
    dash(ctx.theme.unicode)
}

fn dash(unicode: bool) -> &'static str {
    if unicode { "–" } else { "-" }
}

/// Peak to peak with unit, velocity, frequency, and the gaps between them.
fn numbers(reading: Option<&Reading>, scale: Option<f64>, c: Columns, unicode: bool) -> String {
    let none = dash(unicode);
    let number = |v: Option<f64>| v.map_or_else(|| none.to_owned(), |v| sig3(Some(v)));
    let pp = reading.map_or_else(
        || format!("{none}   "),
        |r| {
            let (v, unit) = peak_to_peak(r, scale, unicode);
            format!("{} {unit}", number(Some(v)))
        },
    );
    format!(
        "{} {} {}",
        fit::right(&pp, 9, unicode),
        fit::right(&number(reading.and_then(|r| r.velocity_rms_mm_s)), c.rms, unicode),
        fit::right(&number(reading.and_then(|r| r.tone).map(|t| t.hz)), c.hz, unicode),
    )
}

/// One standard uncertainty of a displacement, in the unit that suits it.
pub(super) fn sigma(reading: Option<&Reading>, scale: Option<f64>, unicode: bool) -> String {
    let Some(r) = reading.filter(|r| r.uncertainty_px.is_finite()) else { return format!("{}   ", dash(unicode)) };
    let (v, unit) = displacement(r.uncertainty_px, scale, unicode);
    format!("{} {unit}", sig3(Some(v)))
}

fn limit(row: &Row<'_>, cells: usize, ctx: &Ctx<'_>) -> Vec<Span<'static>> {
    let Some((mark, value)) = row.nearest_limit() else {
        let text = if row.background() { "" } else { "no limit" };
        return vec![Span::styled(fit::left(text, cells, ctx.theme.unicode), ctx.theme.style(Role::Quiet))];
    };
    // While the machine stands still limits do not apply: the bar is drawn dim, like an old value.
    let stale = row.stale(ctx) || row.roi.level == Level::Stopped;
    Bar { value, warning: mark.warning, alarm: mark.alarm, stale }.line(cells, ctx.theme).spans
}

fn trend_limit(row: &Row<'_>) -> Option<f64> {
    let mark = row.roi.limits.iter().find(|m| m.quantity == row.roi.trend_quantity && m.kind == LimitKind::Value)?;
    mark.alarm.or(mark.warning)
}
