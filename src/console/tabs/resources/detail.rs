//! The history of an indicator with its limit, and what to do about it.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span, Text};

use super::guide::guide;
use super::state::{margin, stale, state};
use super::units::quantity;
use crate::base::text::age;
use crate::console::theme::Role;
use crate::console::view::{Ctx, Want};
use crate::console::widgets::fit;
use crate::console::widgets::mark::aged;
use crate::console::widgets::past::{Ahead, Look, Past, Period};
use crate::console::widgets::plot::{Chart, Level, Series, from_zero};
use crate::model::board::{Indicator, IndicatorState, Sense};
use crate::model::history::{Asker, Found, Query, TrendQuery, trend_for};
use crate::model::record::indicator_series;

/// The stretches of the past that can be shown.
const SPANS: [Period; 4] = [
    Period::new("24 h", 86_400, 60),
    Period::new("7 days", 7 * 86_400, 3600),
    Period::new("30 days", 30 * 86_400, 3600),
    Period::new("1 year", 365 * 86_400, 3600),
];

/// Which stretch of the past is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Stretch {
    span: usize,
    look: Look,
}

impl Stretch {
    fn span(&self) -> &'static Period {
        SPANS.get(self.span).unwrap_or(&SPANS[0])
    }

    /// What the key for the next stretch shows.
    pub(super) fn next_words(&self) -> &'static str {
        SPANS[(self.span + 1) % SPANS.len()].words
    }

    /// Another stretch, or another time.
    pub(super) fn act(&mut self, action: &str) -> Want {
        match action {
            "earlier" => self.look.earlier(),
            "later" if !self.look.later() => return Want::Say("This is the present.".into()),
            "range" => {
                self.span = (self.span + 1) % SPANS.len();
                self.look.back = 0;
            }
            _ => {}
        }
        Want::Nothing
    }

    fn query(&self, id: &str, ctx: &Ctx<'_>) -> TrendQuery {
        self.look.query(indicator_series(id), self.span(), ctx)
    }

    /// Asks for what is shown, unless it is there.
    pub(super) fn ask(&mut self, id: &str, ctx: &Ctx<'_>) -> Want {
        let (query, live) = (self.query(id, ctx), self.look.back == 0);
        self.look.ask(Asker::Indicator, Query::Trend(query), live, ctx)
    }
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, i: &Indicator, past: &Stretch, ctx: &Ctx<'_>) {
    let width = if area.width >= 100 { 44 } else { 32 };
    let [chart, _, side] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(2), Constraint::Length(width)]).areas(area);
    recorded(frame, chart, i, past, ctx);
    frame.render_widget(Text::from(words(i, summary_of(i, past, ctx), side.width.into(), ctx)), side);
}

/// The history from the journal; that of the board where the newest day is not there yet.
fn recorded(frame: &mut Frame<'_>, area: Rect, i: &Indicator, past: &Stretch, ctx: &Ctx<'_>) {
    let query = past.query(&i.id, ctx);
    let live = past.look.back == 0;
    let there = |a: &crate::model::history::Answer| matches!(&a.found, Ok(Found::Trend(points)) if !points.is_empty());
    let answered = trend_for(&ctx.board.history, &query).is_some_and(|(a, ..)| there(a));
    if past.span == 0 && live && !answered {
        return history(frame, area, i, ctx);
    }
    let old = stale(i, ctx);
    let (divisor, unit) = scale(i);
    let ahead = i.forecast.zip(i.value).zip(i.limit).filter(|_| live && !old);
    let drawn = Past {
        title: format!("{}  {unit}   {}", i.name, past.span().words),
        query: &query,
        live,
        divisor,
        levels: limit_level(i, divisor).into_iter().collect(),
        ahead: ahead.map(|((within, value), limit)| Ahead { value, limit, within }),
        role: if old { Role::Stale } else { Role::Text },
    };
    drawn.draw(area, frame.buffer_mut(), ctx);
}

fn limit_level(i: &Indicator, divisor: f64) -> Option<Level> {
    let word = if i.sense == Sense::High { "limit" } else { "at least" };
    let y = i.limit? / divisor;
    Some(Level { y, label: format!("{word} {}", quantity(i.limit, i.unit, "")), role: Role::Warning })
}

/// Bytes are drawn in the unit that suits the largest value; everything else as it is.
fn scale(i: &Indicator) -> (f64, String) {
    let bytes = i.unit == "B" || i.unit == "B/s";
    let largest = i.history.iter().filter(|v| v.is_finite()).fold(0.0_f64, |top, v| top.max(f64::from(*v)));
    let largest = largest.max(i.limit.unwrap_or(0.0));
    if !bytes {
        return (1.0, i.unit.to_owned());
    }
    let (divisor, name) = match largest {
        l if l >= 1_073_741_824.0 => (1_073_741_824.0, "GiB"),
        l if l >= 1_048_576.0 => (1_048_576.0, "MiB"),
        l if l >= 1024.0 => (1024.0, "KiB"),
        _ => (1.0, "B"),
    };
    (divisor, format!("{name}{}", i.unit.trim_start_matches('B')))
}

fn history(frame: &mut Frame<'_>, area: Rect, i: &Indicator, ctx: &Ctx<'_>) {
    let old = stale(i, ctx);
    let (divisor, unit) = scale(i);
    let values: Vec<f32> = i.history.iter().map(|v| (f64::from(*v) / divisor) as f32).collect();
    let span = i.history_step * i.history.len() as u32;
    let limit = i.limit.map(|l| l / divisor);
    let chart = Chart {
        title: format!("{}  {unit}", i.name),
        x: (-span.as_secs_f64(), 0.0),
        x_labels: [
            format!("{} ago", age(span).trim_end_matches(" 00")),
            String::new(),
            if old { "newest" } else { "now" }.into(),
        ],
        y: from_zero(&values, limit.as_slice()),
        series: vec![Series { values: &values, role: if old { Role::Stale } else { Role::Text } }],
        bands: vec![],
        levels: limit_level(i, divisor).into_iter().collect(),
        marks: vec![],
        empty: "no history yet",
    };
    chart.render(area, frame.buffer_mut(), ctx.theme);
}

fn words(i: &Indicator, (min, mean, max): Summary, width: usize, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
    let u = ctx.theme.unicode;
    let none = ctx.theme.glyphs().unknown;
    let old = stale(i, ctx);
    let mut out = vec![Line::from(Vec::from(state(i, ctx).spans(ctx.theme)))];
    let mut fact = |label: &str, value: Option<f64>, old: bool| {
        out.push(Line::from(vec![
            Span::styled(fit::left(label, 10, u), ctx.theme.style(Role::Quiet)),
            Span::styled(fit::right(&quantity(value, i.unit, none), 12, u), aged(ctx.theme, old, Role::Text)),
        ]));
    };
    fact("now", i.value, old);
    if i.limit.is_some() {
        fact(if i.sense == Sense::High { "limit" } else { "at least" }, i.limit, false);
        fact("margin", margin(i), old);
    }
    fact("smallest", min, false);
    fact("mean", mean, false);
    fact("largest", max, false);
    out.push(Line::default());
    let mut say = |text: &str, role: Role| {
        out.extend(fit::wrap(text, width).into_iter().map(|l| Line::styled(l, ctx.theme.style(role))));
    };
    if old {
        let since =
            i.at.map_or_else(|| "of unknown age".into(), |at| format!("{} old", age(ctx.now.mono.since(at.mono))));
        say(&format!("This value is {since}."), Role::Unknown);
    }
    if !old {
        say(&forecast(i), Role::Text);
    }
    if let Some(text) = &i.text {
        say(text, Role::Text);
    }
    out.push(Line::default());
    out.push(Line::styled("What to do", ctx.theme.style(Role::Quiet)));
    out.extend(fit::wrap(guide(i), width).into_iter().map(Line::from));
    out
}

fn forecast(i: &Indicator) -> String {
    match (i.state, i.limit, i.forecast) {
        (IndicatorState::Unknown, ..) => "The value is not known, so nothing can be said of the limit.".into(),
        (_, None, _) => "No limit is set for this.".into(),
        (IndicatorState::Exceeded, ..) => "The limit is exceeded now.".into(),
        (_, _, Some(d)) => format!("At the present trend the limit is reached in {}.", age(d)),
        (_, _, None) => "At the present trend the limit is not approached.".into(),
    }
}

/// Smallest, mean and largest.
type Summary = (Option<f64>, Option<f64>, Option<f64>);

/// Of the stretch that is drawn; of the board's history where the journal has not told yet.
fn summary_of(i: &Indicator, past: &Stretch, ctx: &Ctx<'_>) -> Summary {
    let query = past.query(&i.id, ctx);
    match trend_for(&ctx.board.history, &query).map(|(a, ..)| &a.found) {
        Some(Ok(Found::Trend(points))) if !points.is_empty() => {
            let known: f64 = points.iter().map(|p| f64::from(p.known)).sum();
            let mean = points.iter().map(|p| p.mean * f64::from(p.known)).sum::<f64>() / known;
            let least = points.iter().map(|p| p.least).reduce(f64::min);
            (least, Some(mean).filter(|m| m.is_finite()), points.iter().map(|p| p.most).reduce(f64::max))
        }
        _ if past.span == 0 && past.look.back == 0 => summary(&i.history),
        _ => (None, None, None),
    }
}

/// Smallest, mean and largest of what is known.
fn summary(history: &[f32]) -> Summary {
    let known: Vec<f64> = history.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v)).collect();
    if known.is_empty() {
        return (None, None, None);
    }
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    (known.iter().copied().reduce(f64::min), Some(mean), known.iter().copied().reduce(f64::max))
}
