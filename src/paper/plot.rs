//! A line over time: the mean, the span between lowest and highest, the limit, and scales with round numbers.

use jiff::Timestamp;

use super::sheets::{Element, Ink, LEFT, Op, Sheets, Style};
use crate::model::paper::{Plot, PlotPoint};

/// Height of the drawing.
const HEIGHT: f32 = 104.0;
/// Room for the numbers at the left.
const SCALE: f32 = 44.0;
const LABEL: Style = Style { size: 7.0, leading: 9.0, bold: false, ink: Ink::Soft };
const TITLE: Style = Style { size: 9.0, leading: 12.0, bold: true, ink: Ink::Text };

/// The frame of a drawing and its scales.
struct Frame {
    x: f32,
    y: f32,
    w: f32,
    from: i64,
    to: i64,
    low: f64,
    high: f64,
}

impl Frame {
    fn at(&self, t: i64) -> f32 {
        // As numbers with a point: any times may come in, and none may overflow.
        let (from, to) = (self.from as f64, self.to as f64);
        let share = (t as f64 - from) / (to - from).max(1.0);
        self.x + self.w * share.clamp(0.0, 1.0) as f32
    }

    fn level(&self, v: f64) -> f32 {
        let share = (v - self.low) / (self.high - self.low);
        self.y + HEIGHT * (1.0 - share.clamp(0.0, 1.0) as f32)
    }
}

impl Sheets<'_> {
    /// Draws a plot.
    pub(super) fn plot(&mut self, plot: &Plot) {
        self.clear_code();
        self.room(HEIGHT + 38.0);
        self.begin(Element::Figure(describe(plot)));
        let unit = if plot.unit.is_empty() { String::new() } else { format!(" ({})", plot.unit) };
        let title = format!("{}{unit}", plot.title);
        let first = self.lines(&title, self.width() - 10.0, TITLE).into_iter().next().unwrap_or_default();
        self.line(LEFT, self.y + 9.0, &first, TITLE);
        self.y += 16.0;
        let points: Vec<PlotPoint> = plot.points.iter().copied().filter(believable).collect();
        let (low, high, step) = span(&points, plot.limit);
        let (to, w) = (plot.to.max(plot.from.saturating_add(1)), self.width() - SCALE);
        let frame = Frame { x: LEFT + SCALE, y: self.y, w, from: plot.from, to, low, high };
        self.levels(&frame, step);
        self.days(&frame);
        if points.is_empty() {
            self.line(frame.x + 12.0, frame.y + HEIGHT / 2.0, "no values in this time", LABEL);
        }
        for run in runs(&points, plot.step_s) {
            self.run(&frame, run, plot.step_s);
        }
        if let Some(limit) = plot.limit.filter(|l| l.is_finite() && l.abs() < 1e15) {
            let y = frame.level(limit);
            let points = vec![(frame.x, y), (frame.x + w, y)];
            self.put(Op::Line { points, width: 0.9, ink: Ink::Bad, dashed: true });
            let text = format!("limit {}", number(limit, step));
            let x = frame.x + w - self.wide(&text, LABEL) - 2.0;
            let y = if y - frame.y < 10.0 { y + 8.0 } else { y - 2.5 };
            self.line(x, y, &text, Style { ink: Ink::Bad, ..LABEL });
        }
        self.end();
        self.y += HEIGHT + 22.0;
    }

    fn levels(&mut self, f: &Frame, step: f64) {
        let mut v = f.low;
        for _ in 0..12 {
            if v > f.high + step * 0.01 {
                break;
            }
            let y = f.level(v);
            self.put(Op::Line { points: vec![(f.x, y), (f.x + f.w, y)], width: 0.35, ink: Ink::Rule, dashed: false });
            let text = number(v, step);
            let x = f.x - 5.0 - self.wide(&text, LABEL);
            self.line(x, y + 2.4, &text, LABEL);
            v += step;
        }
    }

    fn days(&mut self, f: &Frame) {
        let span = f.to.saturating_sub(f.from);
        let form = if span <= 2 * 86_400 { "%d %b %H:%M" } else { "%d %b" };
        let parts = 7;
        for i in 0..=parts {
            let t = f.from.saturating_add(span / parts * i);
            let x = f.at(t);
            let y = f.y + HEIGHT;
            self.put(Op::Line { points: vec![(x, y), (x, y + 3.0)], width: 0.5, ink: Ink::Soft, dashed: false });
            let Ok(at) = Timestamp::from_second(t) else { continue };
            let text = at.to_zoned(self.zone.clone()).strftime(form).to_string();
            let w = self.wide(&text, LABEL);
            let x = (x - w / 2.0).min(f.x + f.w - w + 6.0);
            self.line(x, y + 11.0, &text, LABEL);
        }
    }

    fn run(&mut self, f: &Frame, run: &[PlotPoint], step_s: i64) {
        let middle = |p: &PlotPoint| f.at(p.at.saturating_add(step_s / 2));
        let mut band: Vec<(f32, f32)> = run.iter().map(|p| (middle(p), f.level(p.most))).collect();
        band.extend(run.iter().rev().map(|p| (middle(p), f.level(p.least))));
        if run.len() > 1 {
            self.put(Op::Area { points: band, ink: Ink::Area });
        }
        let mut line: Vec<(f32, f32)> = run.iter().map(|p| (middle(p), f.level(p.mean))).collect();
        if let [(x, y)] = line[..] {
            line = vec![(x - 1.0, y), (x + 1.0, y)];
        }
        self.put(Op::Line { points: line, width: 1.0, ink: Ink::Accent, dashed: false });
    }
}

fn believable(p: &PlotPoint) -> bool {
    [p.least, p.mean, p.most].iter().all(|v| v.is_finite() && v.abs() < 1e15)
}

/// Points without a gap between them.
fn runs(points: &[PlotPoint], step_s: i64) -> impl Iterator<Item = &[PlotPoint]> {
    points.chunk_by(move |a, b| b.at.saturating_sub(a.at) <= step_s.max(1).saturating_mul(3) / 2)
}

/// Lowest and highest of the scale, and the step of its numbers.
fn span(points: &[PlotPoint], limit: Option<f64>) -> (f64, f64, f64) {
    let limit = limit.filter(|l| l.is_finite() && l.abs() < 1e15);
    let values = || points.iter().flat_map(|p| [p.least, p.most]).chain(limit);
    let (mut low, mut high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if !(low.is_finite() && high.is_finite()) {
        (low, high) = (0.0, 1.0);
    }
    // Nothing that is met here is well read without its zero, unless all of it lies far from there.
    if low > 0.0 && low < high * 0.7 {
        low = 0.0;
    }
    if high - low < high.abs().max(low.abs()) * 1e-6 || high <= low {
        let half = (high.abs() * 0.1).max(0.5);
        (low, high) = (low - half, high + half);
    }
    let rough = (high - low) / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(rough);
    ((low / step).floor() * step, (high / step).ceil() * step, step)
}

/// A number with as many decimals as the step needs.
fn number(v: f64, step: f64) -> String {
    let v = if v.abs() < step * 1e-6 { 0.0 } else { v };
    let (v, step, suffix) = match v.abs().max(step) {
        m if m >= 1e9 => (v / 1e9, step / 1e9, " G"),
        m if m >= 1e6 => (v / 1e6, step / 1e6, " M"),
        m if m >= 1e4 => (v / 1e3, step / 1e3, " k"),
        _ => (v, step, ""),
    };
    let decimals = (0..6).find(|d| (step * 10_f64.powi(*d)).fract().abs() < 1e-6).unwrap_or(2);
    let decimals = if (v * 10_f64.powi(decimals)).fract().abs() > 1e-6 { decimals + 1 } else { decimals };
    format!("{v:.*}{suffix}", decimals.clamp(0, 4) as usize)
}

fn describe(plot: &Plot) -> String {
    let most = plot.points.iter().map(|p| p.most).fold(f64::NEG_INFINITY, f64::max);
    let least = plot.points.iter().map(|p| p.least).fold(f64::INFINITY, f64::min);
    if plot.points.is_empty() {
        return format!("{}: no values", plot.title);
    }
    format!("{} over time, from {least:.3} to {most:.3} {}", plot.title, plot.unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_have_round_numbers() {
        let p = |v: f64| PlotPoint { at: 0, least: v, mean: v, most: v };
        assert_eq!(span(&[p(12.0), p(63.0)], Some(70.0)), (0.0, 80.0, 20.0));
        assert_eq!(span(&[], None), (0.0, 1.0, 0.2));
        let (low, high, step) = span(&[p(99.2), p(99.4)], None);
        assert!(low >= 99.0 && high <= 99.5 && step < 0.1, "{low} {high} {step}");
        let (low, high, _) = span(&[p(5.0)], None);
        assert!(low < 5.0 && high > 5.0);
        assert_eq!(number(2_500_000.0, 500_000.0), "2.5 M");
        assert_eq!(number(0.4, 0.2), "0.4");
        assert_eq!(number(80.0, 20.0), "80");
    }

    #[test]
    fn a_gap_is_not_bridged() {
        let p = |at: i64| PlotPoint { at, least: 0.0, mean: 0.0, most: 0.0 };
        let points = [p(0), p(60), p(600), p(660)];
        assert_eq!(runs(&points, 60).map(<[_]>::len).collect::<Vec<_>>(), [2, 2]);
    }
}
