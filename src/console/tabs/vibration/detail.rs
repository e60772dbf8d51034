//! The detail of a region: waveform or trend over spectrum, orbit, and the facts beside them.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Text};

use super::facts::facts;
use super::state::{Row, Vibration};
use super::trend::{self, Over, limit_levels};
use crate::base::text::sig3;
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::heat::Heat;
use crate::console::widgets::orbit::Orbit;
use crate::console::widgets::plot::{Chart, Level, Mark, Series, Shade, around_zero, from_zero};
use crate::model::quantity::Quantity;
use crate::model::vibration::{Harmonic, LimitKind, Spectrum};

/// Rows that an orbit needs.
const ORBIT: u16 = 5;
/// From this width on there is room for it beside the waveform.
const BROAD: u16 = 60;
/// Seconds of the waveform that are shown.
const SHOWN_S: f32 = 4.0;

impl Vibration {
    pub(super) fn draw_detail(&self, frame: &mut Frame<'_>, area: Rect, row: &Row<'_>, ctx: &Ctx<'_>) {
        let [title, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        let text = format!("{}  on camera {}", row.roi.id, row.camera.name);
        frame.render_widget(Line::styled(text, ctx.theme.style(Role::Text)), title);
        let words = if area.width >= 150 { 56 } else { (area.width * 2 / 5).clamp(30, 44) };
        let [charts, _, side] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(2), Constraint::Length(words)]).areas(body);
        let [over, under] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(charts);
        let lines = facts(row, side.width.into(), ctx);
        // The orbit stands below the facts where they leave room for it, else beside the waveform where that is broad enough.
        let below = side.height.saturating_sub(lines.len() as u16 + 1).min(side.width / 2).min(12);
        let beside = if below < ORBIT && over.width >= BROAD && over.height >= ORBIT { 2 * over.height } else { 0 };
        let [over, place] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(beside)]).areas(over);
        let below = Rect { y: side.bottom() - below, height: if below < ORBIT { 0 } else { below }, ..side };
        draw_orbit(frame, if beside > 0 { place } else { below }, row, ctx);
        match self.over {
            Over::Waveform => draw_waveform(frame, over, row, ctx),
            Over::Minutes => trend::draw_minutes(frame, over, row, ctx),
            Over::Longer(_) => self.draw_past(frame, over, row, ctx),
        }
        if self.spectrogram {
            draw_spectrogram(frame, under, row, ctx);
        } else {
            draw_spectrum(frame, under, row, ctx);
        }
        frame.render_widget(Text::from(lines), side);
    }
}

fn draw_orbit(frame: &mut Frame<'_>, place: Rect, row: &Row<'_>, ctx: &Ctx<'_>) {
    if place.height < ORBIT {
        return;
    }
    // The newest second: older turns would only blacken the picture.
    let w = &row.roi.waveform;
    let from = w.t_s.iter().position(|t| *t >= -1.0).unwrap_or(0);
    let (x, y) = (w.dx_px.get(from..).unwrap_or_default(), w.dy_px.get(from..).unwrap_or_default());
    let role = if row.stale(ctx) { Role::Stale } else { Role::Text };
    Orbit { x, y, unit: "px", role }.render(place, frame.buffer_mut(), ctx.theme);
}

fn draw_waveform(frame: &mut Frame<'_>, area: Rect, row: &Row<'_>, ctx: &Ctx<'_>) {
    let w = &row.roi.waveform;
    let from = w.t_s.iter().position(|t| *t >= -SHOWN_S).unwrap_or(0);
    let (x, y) = (w.dx_px.get(from..).unwrap_or_default(), w.dy_px.get(from..).unwrap_or_default());
    let begin = f64::from(w.t_s.get(from).copied().unwrap_or(-SHOWN_S));
    let sigma = w.sigma_px.get(from..).unwrap_or_default();
    let band = |sign: f32| y.iter().zip(sigma).map(|(y, s)| y + sign * 2.0 * s).collect::<Vec<f32>>();
    let (low, high) = (band(-1.0), band(1.0));
    let chart = Chart {
        title: format!("Waveform  px   {}, {}2 sigma shaded", legend(ctx), ctx.theme.glyphs().plus_minus),
        x: (begin, 0.0),
        x_labels: [format!("{begin:.1} s"), String::new(), if row.stale(ctx) { "newest" } else { "now" }.into()],
        y: around_zero(x.iter().chain(y)),
        series: series(x, y, row, ctx),
        bands: vec![Shade { low: &low, high: &high, role: if row.stale(ctx) { Role::Stale } else { Role::Quiet } }],
        levels: vec![],
        marks: vec![],
        empty: "no samples yet",
    };
    chart.render(area, frame.buffer_mut(), ctx.theme);
}

fn draw_spectrum(frame: &mut Frame<'_>, area: Rect, row: &Row<'_>, ctx: &Ctx<'_>) {
    let s = &row.roi.spectrum;
    let end = end_hz(s);
    let mut levels = vec![];
    if s.floor_px > 0.0 && !s.x_px.is_empty() {
        levels.push(Level {
            y: s.floor_px.into(),
            label: format!("floor {}", sig3(Some(s.floor_px.into()))),
            role: Role::Quiet,
        });
    }
    let amplitude =
        row.roi.limits.iter().filter(|m| m.quantity == Quantity::PeakAmplitudePx && m.kind == LimitKind::Value);
    for mark in amplitude {
        levels.extend(limit_levels(mark.warning, mark.alarm));
    }
    let limits: Vec<f64> = levels.iter().map(|l| l.y).collect();
    let chart = Chart {
        title: format!("Spectrum  px   {}", legend(ctx)),
        x: (0.0, end),
        x_labels: ["0".into(), sig3(Some(end / 2.0)), format!("{} Hz", sig3(Some(end)))],
        y: from_zero(s.x_px.iter().chain(&s.y_px), &limits),
        series: series(&s.x_px, &s.y_px, row, ctx),
        bands: vec![],
        levels,
        marks: peak_mark(row, ctx),
        empty: "no spectrum yet: it needs a full window of samples",
    };
    chart.render(area, frame.buffer_mut(), ctx.theme);
}

fn draw_spectrogram(frame: &mut Frame<'_>, area: Rect, row: &Row<'_>, ctx: &Ctx<'_>) {
    let s = &row.roi.spectrogram;
    let heat = Heat {
        title: "Spectrogram  Hz   dark to bright: floor to largest".into(),
        columns: &s.columns,
        floor: s.floor_px,
        top: (s.end_hz.into(), "Hz"),
        role: if row.stale(ctx) { Role::Stale } else { Role::Text },
    };
    heat.render(area, frame.buffer_mut(), ctx.theme);
}

/// The highest frequency of a spectrum.
pub(super) fn end_hz(s: &Spectrum) -> f64 {
    f64::from(s.step_hz) * (s.x_px.len().max(1) - 1) as f64
}

/// Where a tone lies in a spectrum that ends at half the frame rate: what lies above is folded back into it.
pub(super) fn folded_hz(hz: f64, end: f64) -> f64 {
    if end <= 0.0 || !hz.is_finite() {
        return hz;
    }
    let turn = hz.abs() % (2.0 * end);
    if turn > end { 2.0 * end - turn } else { turn }
}

fn peak_mark(row: &Row<'_>, ctx: &Ctx<'_>) -> Vec<Mark> {
    let pm = ctx.theme.glyphs().plus_minus;
    let Some((reading, tone)) = row.roi.reading.as_deref().and_then(|r| Some((r, r.tone?))) else { return vec![] };
    let folded = if reading.aliased == Some(true) { format!("{} ", ctx.theme.glyphs().folded) } else { String::new() };
    let label = format!(
        "{folded}{} Hz  {} {pm}{} px",
        sig3(Some(tone.hz)),
        sig3(Some(tone.major_px)),
        sig3(Some(tone.sigma_px))
    );
    let end = end_hz(&row.roi.spectrum);
    let role = if row.stale(ctx) { Role::Stale } else { Role::Text };
    // Harmonics stand a row lower, so that the peak's label is not written over.
    let harmonic = |h: &Harmonic| {
        let folded = if h.folded() { ctx.theme.glyphs().folded } else { "" };
        let label = format!("{folded}{}{}", h.order, ctx.theme.glyphs().times);
        Mark { x: folded_hz(h.seen_hz, end), label, role: Role::Quiet, row: 1 }
    };
    let mut marks: Vec<Mark> = reading.harmonics.iter().map(harmonic).collect();
    marks.push(Mark { x: reading.folded_hz.unwrap_or_else(|| folded_hz(tone.hz, end)), label, role, row: 0 });
    marks
}

fn legend(ctx: &Ctx<'_>) -> &'static str {
    if ctx.theme.colours { "x quiet, y bright" } else { "x and y" }
}

/// Horizontal below, vertical on top: machines on a deck move up and down.
fn series<'a>(x: &'a [f32], y: &'a [f32], row: &Row<'_>, ctx: &Ctx<'_>) -> Vec<Series<'a>> {
    let (under, over) = if row.stale(ctx) { (Role::Stale, Role::Stale) } else { (Role::Quiet, Role::Text) };
    vec![Series { values: x, role: under }, Series { values: y, role: over }]
}
