//! The history of an indicator with its limit, and what to do about it.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span, Text};

use super::guide::guide;
use super::state::{margin, stale, state};
use super::units::quantity;
use crate::base::text::age;
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::fit;
use crate::console::widgets::mark::aged;
use crate::console::widgets::plot::{Chart, Level, Series, from_zero};
use crate::model::board::{Indicator, IndicatorState, Sense};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, i: &Indicator, ctx: &Ctx<'_>) {
    let width = if area.width >= 100 { 44 } else { 32 };
    let [chart, _, side] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(2), Constraint::Length(width)]).areas(area);
    history(frame, chart, i, ctx);
    frame.render_widget(Text::from(words(i, side.width.into(), ctx)), side);
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
    let word = if i.sense == Sense::High { "limit" } else { "at least" };
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
        levels: limit
            .map(|y| Level { y, label: format!("{word} {}", quantity(i.limit, i.unit, "")), role: Role::Warning })
            .into_iter()
            .collect(),
        marks: vec![],
        empty: "no history yet",
    };
    chart.render(area, frame.buffer_mut(), ctx.theme);
}

fn words(i: &Indicator, width: usize, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
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
    let (min, mean, max) = summary(&i.history);
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

/// Smallest, mean and largest of what is known.
fn summary(history: &[f32]) -> (Option<f64>, Option<f64>, Option<f64>) {
    let known: Vec<f64> = history.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v)).collect();
    if known.is_empty() {
        return (None, None, None);
    }
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    (known.iter().copied().reduce(f64::min), Some(mean), known.iter().copied().reduce(f64::max))
}
