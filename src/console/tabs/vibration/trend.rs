//! The trend of a region in place of its waveform: ten minutes from the board, an hour to a year from the journal, with limits
//! and what is usual.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::state::{Row, Vibration};
use crate::base::text::sig3;
use crate::console::theme::Role;
use crate::console::view::{Ctx, Want};
use crate::console::widgets::past::{Past, Period};
use crate::console::widgets::plot::{Chart, Level, Series, from_zero};
use crate::model::baseline::Usual;
use crate::model::history::{Asker, Query};
use crate::model::quantity::Quantity;
use crate::model::record::roi_series;
use crate::model::vibration::{LimitKind, RoiBoard};

/// So many spreads either way are drawn as what is usual.
const USUAL_SPREADS: f64 = 3.0;

/// The trends that are read from the journal.
const SPANS: [Period; 5] = [
    Period::new("1-hour trend", 3600, 60),
    Period::new("8-hour trend", 8 * 3600, 60),
    Period::new("7-day trend", 7 * 86_400, 3600),
    Period::new("30-day trend", 30 * 86_400, 3600),
    Period::new("1-year trend", 365 * 86_400, 3600),
];

/// What is drawn above the spectrum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Over {
    /// The newest seconds.
    #[default]
    Waveform,
    /// Ten minutes, a second a point.
    Minutes,
    /// One of the longer trends.
    Longer(usize),
}

impl Over {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Waveform => Self::Minutes,
            Self::Minutes => Self::Longer(0),
            Self::Longer(k) if k + 1 < SPANS.len() => Self::Longer(k + 1),
            Self::Longer(_) => Self::Waveform,
        }
    }

    pub(super) fn previous(self) -> Self {
        match self {
            Self::Waveform => Self::Longer(SPANS.len() - 1),
            Self::Minutes => Self::Waveform,
            Self::Longer(0) => Self::Minutes,
            Self::Longer(k) => Self::Longer(k - 1),
        }
    }

    /// What it is, for the key line.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Waveform => "waveform",
            Self::Minutes => "10-minute trend",
            Self::Longer(_) => self.span().map_or("", |s| s.words),
        }
    }

    /// The span that is read from the journal; none for what the board holds.
    pub(super) fn span(self) -> Option<&'static Period> {
        match self {
            Self::Longer(k) => SPANS.get(k),
            _ => None,
        }
    }
}

/// The quantity of a longer trend: the one chosen, else that of the region's first limit.
pub(super) fn quantity(row: &Row<'_>, chosen: Option<Quantity>) -> Quantity {
    let known = |q: &Quantity| !q.needs_scale() || row.camera.scale_mm_per_px.is_some();
    chosen.filter(known).unwrap_or(row.roi.trend_quantity)
}

/// The next quantity that can be known of this region.
pub(super) fn next_quantity(row: &Row<'_>, now: Quantity) -> Quantity {
    let all: Vec<Quantity> =
        Quantity::ALL.into_iter().filter(|q| !q.needs_scale() || row.camera.scale_mm_per_px.is_some()).collect();
    let at = all.iter().position(|q| *q == now).map_or(0, |i| i + 1);
    all.get(at % all.len().max(1)).copied().unwrap_or(now)
}

impl Vibration {
    /// Asks for the trend that is shown, unless it is there.
    pub(super) fn ask_for_the_past(&mut self, ctx: &Ctx<'_>) -> Want {
        let Some(span) = self.over.span() else { return Want::Nothing };
        let rows = self.rows(ctx);
        let Some(row) = self.selected.as_ref().and_then(|id| rows.iter().find(|r| r.roi.id == *id)) else {
            return Want::Nothing;
        };
        let series = roi_series(&row.roi.id, quantity(row, self.quantity));
        let query = self.look.query(series, span, ctx);
        let live = self.look.back == 0;
        self.look.ask(Asker::Region, Query::Trend(query), live, ctx)
    }

    /// Draws a trend from the journal; nothing for what the board holds.
    pub(super) fn draw_past(&self, frame: &mut Frame<'_>, area: Rect, row: &Row<'_>, ctx: &Ctx<'_>) {
        let Some(span) = self.over.span() else { return };
        let of = quantity(row, self.quantity);
        let query = self.look.query(roi_series(&row.roi.id, of), span, ctx);
        let past = Past {
            title: format!("{}  {} {}", span.words, of.word(), of.unit()),
            query: &query,
            live: self.look.back == 0,
            divisor: 1.0,
            levels: levels(row.roi, of, row.camera.scale_mm_per_px),
            ahead: None,
            role: Role::Text,
        };
        past.draw(area, frame.buffer_mut(), ctx);
    }
}

/// Draws the newest ten minutes.
pub(super) fn draw_minutes(frame: &mut Frame<'_>, area: Rect, row: &Row<'_>, ctx: &Ctx<'_>) {
    let roi = row.roi;
    let values: &[f32] = &roi.trend;
    let levels = levels(roi, roi.trend_quantity, row.camera.scale_mm_per_px);
    let limits: Vec<f64> = levels.iter().map(|l| l.y).collect();
    let held = values.len() as f64;
    let chart = Chart {
        title: format!("{}  {} {}", Over::Minutes.words(), roi.trend_quantity.word(), roi.trend_quantity.unit()),
        x: (-held, 0.0),
        x_labels: [format!("-{:.0} min", held.min(600.0) / 60.0), String::new(), "now".into()],
        y: from_zero(values, &limits),
        series: vec![Series { values, role: if row.stale(ctx) { Role::Stale } else { Role::Text } }],
        bands: vec![],
        levels,
        marks: vec![],
        empty: "no trend yet: one value a second",
    };
    chart.render(area, frame.buffer_mut(), ctx.theme);
}

/// The limits of a quantity, those on its deviation put where they lie now, and what is usual.
fn levels(roi: &RoiBoard, of: Quantity, scale_mm_per_px: Option<f64>) -> Vec<Level> {
    let usual = roi.baseline.as_ref().and_then(|b| b.usual(of, scale_mm_per_px));
    let mut out = Vec::new();
    if let Some(u) = &usual {
        let level = |y: f64, word: &str| Level { y, label: format!("{word} {}", sig3(Some(y))), role: Role::Quiet };
        out.push(level(u.at(USUAL_SPREADS), "usual to"));
        out.extend(Some(u.at(-USUAL_SPREADS)).filter(|y| *y > 0.0).map(|y| level(y, "usual from")));
    }
    for mark in roi.limits.iter().filter(|m| m.quantity == of) {
        let at = |limit: Option<f64>| place(limit, mark.kind, usual.as_ref());
        out.extend(limit_levels(at(mark.warning), at(mark.alarm)));
    }
    out
}

fn place(limit: Option<f64>, kind: LimitKind, usual: Option<&Usual>) -> Option<f64> {
    match kind {
        LimitKind::Value => limit,
        LimitKind::Deviation => Some(usual?.at(limit?)),
    }
}

/// Lines at a warning and an alarm limit.
pub(super) fn limit_levels(warning: Option<f64>, alarm: Option<f64>) -> Vec<Level> {
    let level = |y: f64, word: &str, role| Level { y, label: format!("{word} {}", sig3(Some(y))), role };
    let warning = warning.map(|y| level(y, "warning", Role::Warning));
    let alarm = alarm.map(|y| level(y, "alarm", Role::High));
    warning.into_iter().chain(alarm).collect()
}
