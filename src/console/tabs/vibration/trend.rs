//! The trend of a region in place of its waveform: ten minutes, an hour, eight hours, seven days, with limits and what is usual.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::state::Row;
use crate::base::text::sig3;
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::plot::{Chart, Level, Series, from_zero};
use crate::model::baseline::Usual;
use crate::model::vibration::{LimitKind, RoiBoard};

/// So many spreads either way are drawn as what is usual.
const USUAL_SPREADS: f64 = 3.0;

/// What is drawn above the spectrum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Over {
    /// The newest seconds.
    #[default]
    Waveform,
    /// Ten minutes, a second a point.
    Minutes,
    /// One of the longer trends: an hour, eight hours, seven days.
    Longer(usize),
}

impl Over {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Waveform => Self::Minutes,
            Self::Minutes => Self::Longer(0),
            Self::Longer(k) if k < 2 => Self::Longer(k + 1),
            Self::Longer(_) => Self::Waveform,
        }
    }

    /// What it is, for the key line.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Waveform => "waveform",
            Self::Minutes => "10-minute trend",
            Self::Longer(0) => "1-hour trend",
            Self::Longer(1) => "8-hour trend",
            Self::Longer(_) => "7-day trend",
        }
    }

    /// How long the whole of it is, in seconds.
    fn seconds(self) -> f64 {
        match self {
            Self::Waveform | Self::Minutes => 600.0,
            Self::Longer(0) => 3600.0,
            Self::Longer(1) => 8.0 * 3600.0,
            Self::Longer(_) => 7.0 * 86_400.0,
        }
    }
}

/// Draws a trend; nothing for the waveform.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, over: Over, row: &Row<'_>, ctx: &Ctx<'_>) {
    let roi = row.roi;
    let role = if row.stale(ctx) { Role::Stale } else { Role::Text };
    let (mean, largest, step_s): (&[f32], &[f32], f64) = match over {
        Over::Longer(k) => match roi.longer.get(k) {
            Some(t) => (&t.mean, &t.largest, t.step_s.into()),
            None => return,
        },
        _ => (&roi.trend, &[], 1.0),
    };
    let levels = levels(roi, row.camera.scale_mm_per_px);
    let limits: Vec<f64> = levels.iter().map(|l| l.y).collect();
    let held = mean.len() as f64 * step_s;
    let mut series = vec![Series { values: mean, role }];
    if !largest.is_empty() {
        series.insert(0, Series { values: largest, role: Role::Quiet });
    }
    let chart = Chart {
        title: format!(
            "{}  {} {}{}",
            over.words(),
            roi.trend_quantity.word(),
            roi.trend_quantity.unit(),
            if largest.is_empty() { "" } else { "   quiet: largest second" }
        ),
        x: (-held, 0.0),
        x_labels: [format!("-{}", span(held.min(over.seconds()))), String::new(), "now".into()],
        y: from_zero(mean.iter().chain(largest), &limits),
        series,
        bands: vec![],
        levels,
        marks: vec![],
        empty: if step_s > 1.0 {
            "not long enough yet: the trend begins with the engine"
        } else {
            "no trend yet: one value a second"
        },
    };
    chart.render(area, frame.buffer_mut(), ctx.theme);
}

/// The limits of the trend's quantity, those on its deviation put where they lie now, and what is usual.
fn levels(roi: &RoiBoard, scale_mm_per_px: Option<f64>) -> Vec<Level> {
    let usual = roi.baseline.as_ref().and_then(|b| b.usual(roi.trend_quantity, scale_mm_per_px));
    let mut out = Vec::new();
    if let Some(u) = &usual {
        let level = |y: f64, word: &str| Level { y, label: format!("{word} {}", sig3(Some(y))), role: Role::Quiet };
        out.push(level(u.at(USUAL_SPREADS), "usual to"));
        out.extend(Some(u.at(-USUAL_SPREADS)).filter(|y| *y > 0.0).map(|y| level(y, "usual from")));
    }
    for mark in roi.limits.iter().filter(|m| m.quantity == roi.trend_quantity) {
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

/// `8 min`, `3 h`, `7 d`.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 3600.0 => format!("{:.0} min", s / 60.0),
        s if s < 48.0 * 3600.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}
