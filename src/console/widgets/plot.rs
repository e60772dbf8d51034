//! A line chart with axes, units, limit lines and gaps; braille, or ASCII where the terminal has no more.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::dots::Dots;
use super::fit;
use crate::base::text::sig3;
use crate::console::theme::{Role, Theme};

/// A curve; its values lie evenly between the ends of the x axis.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Values; NaN makes a gap.
    pub values: &'a [f32],
    /// How it is drawn.
    pub role: Role,
}

/// A shaded band below the curves, as wide as the uncertainty of one.
#[derive(Clone, Copy, Debug)]
pub struct Shade<'a> {
    /// Its lower edge; values lie evenly as those of the curves do, NaN makes a gap.
    pub low: &'a [f32],
    /// Its upper edge.
    pub high: &'a [f32],
    /// How it is drawn.
    pub role: Role,
}

/// A horizontal line: a limit, a floor.
#[derive(Clone, Debug)]
pub struct Level {
    /// Where.
    pub y: f64,
    /// What it is: `alarm 7.10`.
    pub label: String,
    /// How it is drawn.
    pub role: Role,
}

/// A place on the x axis with words above it.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Where.
    pub x: f64,
    /// What is there.
    pub label: String,
    /// How it is drawn.
    pub role: Role,
    /// How many rows below the top.
    pub row: u16,
}

/// A line chart.
#[derive(Clone, Debug)]
pub struct Chart<'a> {
    /// What is shown, with the unit of the y axis: `Waveform  px`.
    pub title: String,
    /// Ends of the x axis.
    pub x: (f64, f64),
    /// Labels at the left, middle and right end of the x axis, unit included where wanted.
    pub x_labels: [String; 3],
    /// Ends of the y axis; see [`around_zero`] and [`from_zero`].
    pub y: (f64, f64),
    /// Curves; later ones lie on top.
    pub series: Vec<Series<'a>>,
    /// Bands under them.
    pub bands: Vec<Shade<'a>>,
    /// Limits and the like.
    pub levels: Vec<Level>,
    /// Peaks and the like.
    pub marks: Vec<Mark>,
    /// Said in the middle where there is no curve.
    pub empty: &'a str,
}

/// Ends of a y axis that holds the values with zero in the middle.
#[must_use]
pub fn around_zero<'a>(values: impl IntoIterator<Item = &'a f32>) -> (f64, f64) {
    let top = nice(largest(values));
    (-top, top)
}

/// Ends of a y axis that holds the values and these limits, from zero up.
#[must_use]
pub fn from_zero<'a>(values: impl IntoIterator<Item = &'a f32>, limits: &[f64]) -> (f64, f64) {
    let limit = limits.iter().copied().filter(|l| l.is_finite()).fold(0.0, f64::max);
    (0.0, nice(largest(values).max(limit)))
}

fn largest<'a>(values: impl IntoIterator<Item = &'a f32>) -> f64 {
    values.into_iter().filter(|v| v.is_finite()).fold(0.0_f64, |top, v| top.max(f64::from(v.abs())))
}

/// The next of 1, 1.5, 2, 3, 5, 7.5 times a power of ten: the axis stays put while the values wander.
fn nice(top: f64) -> f64 {
    if !(top.is_finite() && top > 1e-12) {
        return 1.0;
    }
    let power = 10_f64.powf(top.log10().floor());
    [1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0].into_iter().map(|m| m * power).find(|n| *n >= top).unwrap_or(10.0 * power)
}

/// Cells for the labels of the y axis.
pub const Y_LABELS: u16 = 7;

impl Chart<'_> {
    /// Draws the chart: a title, the plot, the labels of the x axis. Too small an area shows what fits.
    pub fn render(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let title = fit::cut(&self.title, area.width.into(), theme.unicode);
        buf.set_string(area.x, area.y, title, theme.style(Role::Quiet));
        if area.height < 4 || area.width <= Y_LABELS + 4 {
            return;
        }
        let plot = Rect::new(area.x + Y_LABELS + 1, area.y + 1, area.width - Y_LABELS - 1, area.height - 2);
        self.axes(plot, buf, theme);
        self.levels(plot, buf, theme);
        let drawn = self.curves(plot, buf, theme);
        self.level_labels(plot, buf, theme);
        if drawn {
            self.marks(plot, buf, theme);
        } else {
            let text = fit::cut(self.empty, plot.width.into(), theme.unicode);
            let x = plot.x + (plot.width - fit::width(&text) as u16) / 2;
            buf.set_string(x, plot.y + plot.height / 2, text, theme.style(Role::Unknown));
        }
    }

    fn axes(&self, plot: Rect, buf: &mut Buffer, theme: &Theme) {
        let style = theme.style(Role::Quiet);
        let rule = theme.glyphs().bar;
        let tick = if theme.unicode { "┤" } else { "+" };
        let (low, high) = self.y;
        let middle = plot.y + (plot.height - 1) / 2;
        let labels = [(plot.y, high), (middle, f64::midpoint(low, high)), (plot.bottom() - 1, low)];
        for y in plot.top()..plot.bottom() {
            // With few rows the middle label would crowd the others.
            let label = labels.iter().find(|(row, _)| *row == y && (y != middle || plot.height >= 5));
            if let Some((_, value)) = label {
                buf.set_string(
                    plot.x - 1 - Y_LABELS,
                    y,
                    fit::right(&sig3(Some(*value)), Y_LABELS.into(), theme.unicode),
                    style,
                );
            }
            buf.set_string(plot.x - 1, y, if label.is_some() { tick } else { rule }, style);
        }
        let [first, mid, last] = &self.x_labels;
        let below = plot.bottom();
        let centred = plot.x + (plot.width.saturating_sub(fit::width(mid) as u16)) / 2;
        let end = plot.right().saturating_sub(fit::width(last) as u16);
        for (x, label) in [(plot.x, first), (centred, mid), (end, last)] {
            if x >= plot.x {
                buf.set_stringn(x, below, label, (plot.right() - x).into(), style);
            }
        }
    }

    fn levels(&self, plot: Rect, buf: &mut Buffer, theme: &Theme) {
        let dash = if theme.unicode { "╌" } else { "-" };
        for level in &self.levels {
            if let Some(y) = self.row(level.y, plot) {
                buf.set_string(plot.x, y, dash.repeat(plot.width.into()), theme.style(level.role));
            }
        }
    }

    fn level_labels(&self, plot: Rect, buf: &mut Buffer, theme: &Theme) {
        let marks_right = self.marks.iter().any(|m| m.x > f64::midpoint(self.x.0, self.x.1));
        for level in &self.levels {
            if let Some(y) = self.row(level.y, plot) {
                let label = format!(" {} ", fit::cut(&level.label, usize::from(plot.width) / 2, theme.unicode));
                // On the other side than the marks, so that a peak is not written over.
                let right = plot.right().saturating_sub(fit::width(&label) as u16 + 1).max(plot.x);
                let x = if marks_right { plot.x + 1 } else { right };
                buf.set_stringn(x, y, label, plot.right().saturating_sub(x).into(), theme.style(level.role));
            }
        }
    }

    /// Draws the curves; false if there was not one value.
    fn curves(&self, plot: Rect, buf: &mut Buffer, theme: &Theme) -> bool {
        let mut dots = Dots::new(plot.width, plot.height, theme.unicode);
        let (w, h) = (dots.width() as f64 - 1.0, dots.height() as f64 - 1.0);
        let (low, high) = self.y;
        let mut any = false;
        for band in &self.bands {
            shade(&mut dots, band, self.y);
        }
        for series in &self.series {
            let n = series.values.len().max(2) as f64 - 1.0;
            let mut before: Option<(i64, i64)> = None;
            for (i, value) in series.values.iter().enumerate() {
                let share = (f64::from(*value) - low) / (high - low);
                if !share.is_finite() {
                    before = None;
                    continue;
                }
                any = true;
                let at = ((i as f64 / n * w).round() as i64, ((1.0 - share.clamp(-1.0, 2.0)) * h).round() as i64);
                dots.line(before.unwrap_or(at), at, series.role);
                before = Some(at);
            }
        }
        dots.render(plot, buf, theme);
        any
    }

    /// Words at the top of the plot above their place, with a pointer.
    fn marks(&self, plot: Rect, buf: &mut Buffer, theme: &Theme) {
        let (left, right) = self.x;
        for mark in &self.marks {
            let share = (mark.x - left) / (right - left);
            if !(0.0..=1.0).contains(&share) {
                continue;
            }
            let x = plot.x + (share * f64::from(plot.width - 1)).round() as u16;
            let pointer = if theme.unicode { "▼" } else { "v" };
            let style = theme.style(mark.role);
            let y = plot.y + mark.row.min(plot.height.saturating_sub(1));
            buf.set_string(x, y, pointer, style);
            // On the side that has more room, cut there if it must be.
            let (before, after) = ((x - plot.x).saturating_sub(1), (plot.right() - x).saturating_sub(2));
            let label = fit::cut(&mark.label, before.max(after).into(), theme.unicode);
            let wide = fit::width(&label) as u16;
            let start = if wide <= after { x + 2 } else { x - 1 - wide };
            buf.set_stringn(start, y, label, wide.into(), style);
        }
    }

    fn row(&self, y: f64, plot: Rect) -> Option<u16> {
        let (low, high) = self.y;
        let share = (y - low) / (high - low);
        (0.0..=1.0).contains(&share).then(|| plot.y + ((1.0 - share) * f64::from(plot.height - 1)).round() as u16)
    }
}

/// Fills a band with every second dot.
fn shade(dots: &mut Dots, band: &Shade<'_>, (low, high): (f64, f64)) {
    let (w, h) = (dots.width() as f64 - 1.0, dots.height() as f64 - 1.0);
    let n = band.low.len().max(2) as f64 - 1.0;
    for (i, (from, to)) in band.low.iter().zip(band.high).enumerate() {
        let at = |v: f32| (1.0 - ((f64::from(v) - low) / (high - low)).clamp(0.0, 1.0)) * h;
        if !(from.is_finite() && to.is_finite()) {
            continue;
        }
        let x = (i as f64 / n * w).round() as i64;
        for y in at(*to).round() as i64..=at(*from).round() as i64 {
            if (x + y) % 2 == 0 {
                dots.set(x, y, band.role);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::testing::{plain, rows};
    use proptest::prelude::*;

    fn chart(values: &[f32], y: (f64, f64)) -> Chart<'_> {
        Chart {
            title: "Velocity  mm/s".into(),
            x: (0.0, 10.0),
            x_labels: ["10 min ago".into(), String::new(), "now".into()],
            y,
            series: vec![Series { values, role: Role::Text }],
            bands: vec![],
            levels: vec![Level { y: 8.0, label: "alarm 8.00".into(), role: Role::High }],
            marks: vec![Mark { x: 5.0, label: "16.2 Hz".into(), role: Role::Text, row: 0 }],
            empty: "no values yet",
        }
    }

    fn drawn(chart: &Chart<'_>, w: u16, h: u16, unicode: bool) -> Vec<String> {
        let area = Rect::new(0, 0, w, h);
        let mut buf = Buffer::empty(area);
        chart.render(area, &mut buf, &plain(unicode));
        rows(&buf)
    }

    #[test]
    fn draws_curve_axis_limit_and_gap() {
        let values: Vec<f32> =
            (0..60).map(|i| if (20..30).contains(&i) { f32::NAN } else { i as f32 / 10.0 }).collect();
        insta::assert_snapshot!(drawn(&chart(&values, from_zero(&values, &[8.0])), 50, 9, true).join("\n"));
        insta::assert_snapshot!(drawn(&chart(&values, from_zero(&values, &[8.0])), 50, 9, false).join("\n"));
    }

    #[test]
    fn says_that_it_is_empty() {
        let text = drawn(&chart(&[f32::NAN; 5], (0.0, 1.0)), 50, 7, true).join("\n");
        assert!(text.contains("no values yet"), "{text}");
        assert!(!text.contains("16.2 Hz"), "{text}");
    }

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!(from_zero(&[0.4, 6.2], &[7.1]), (0.0, 7.5));
        assert_eq!(around_zero(&[-0.4, 0.2, f32::NAN]), (-0.5, 0.5));
        assert_eq!(from_zero(&[], &[]), (0.0, 1.0));
        assert_eq!(from_zero(&[f32::INFINITY], &[f64::NAN]), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn never_panics(values in prop::collection::vec(any::<f32>(), 0..80), w in 0_u16..90, h in 0_u16..30, low in any::<f64>(), high in any::<f64>(), x in any::<f64>(), unicode in any::<bool>()) {
            let mut c = chart(&values, (low, high));
            c.marks.push(Mark { x, label: "a long label that may not fit".into(), role: Role::Text, row: 0 });
            c.levels.push(Level { y: x, label: "limit".into(), role: Role::Text });
            drawn(&c, w, h, unicode);
            c.y = from_zero(&values, &[high]);
            drawn(&c, w, h, unicode);
        }
    }
}
