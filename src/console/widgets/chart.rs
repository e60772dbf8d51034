//! Small drawings of series: sparklines and bars, with gaps where nothing is known.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::theme::{Role, Theme};

/// A sparkline of the newest values in `cells` cells, scaled between `range` or the values' own least and greatest; a gap where a value is unknown.
/// Values are averaged where there are more than cells.
#[must_use]
pub fn sparkline(values: &[f32], cells: usize, range: Option<(f32, f32)>, theme: &Theme) -> String {
    let g = theme.glyphs();
    let buckets = shrink(values, cells);
    let known = buckets.iter().copied().filter(|v| v.is_finite());
    let (low, high) = range.unwrap_or_else(|| known.fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(v), b.max(v))));
    let span = high - low;
    let mut out = " ".repeat(cells.saturating_sub(buckets.len()));
    for v in buckets {
        if !v.is_finite() {
            out.push(' ');
        } else if span <= f32::EPSILON * high.abs().max(1.0) {
            out.push_str(g.spark[0]);
        } else {
            let at = ((v - low) / span * 7.0).round().clamp(0.0, 7.0) as usize;
            out.push_str(g.spark[at]);
        }
    }
    out
}

/// The series in at most `cells` values: means of equal parts, NaN where a whole part is unknown.
#[must_use]
pub fn shrink(values: &[f32], cells: usize) -> Vec<f32> {
    if cells == 0 {
        return Vec::new();
    }
    if values.len() <= cells {
        return values.to_vec();
    }
    let part = |i: usize| {
        let (from, to) = (i * values.len() / cells, (i + 1) * values.len() / cells);
        let (mut sum, mut n) = (0.0_f64, 0_u32);
        for v in values[from..to].iter().filter(|v| v.is_finite()) {
            sum += f64::from(*v);
            n += 1;
        }
        if n == 0 { f32::NAN } else { (sum / f64::from(n)) as f32 }
    };
    (0..cells).map(part).collect()
}

/// A bar of `cells` cells on a scale from 0 to `full`, with marks (limits) on the same scale in their roles.
#[must_use]
pub fn bar(
    value: Option<f64>,
    full: f64,
    marks: &[(f64, Role)],
    cells: usize,
    style: Style,
    theme: &Theme,
) -> Line<'static> {
    let g = theme.glyphs();
    let scale = |v: f64| if full > 0.0 { (v / full).clamp(0.0, 1.0) * cells as f64 } else { 0.0 };
    let filled = value.filter(|v| v.is_finite()).map(scale);
    let mut spans: Vec<Span<'static>> = Vec::with_capacity(cells);
    for i in 0..cells {
        let part = filled.map_or(0.0, |f| (f - i as f64).clamp(0.0, 1.0));
        let eighth = (part * 8.0).round() as usize;
        spans.push(match eighth {
            0 => Span::styled(g.bar_empty, theme.style(Role::Quiet)),
            n => Span::styled(g.eighths[n - 1], style),
        });
    }
    for (at, role) in marks {
        let i = (scale(*at) as usize).min(cells.saturating_sub(1));
        if let Some(s) = spans.get_mut(i) {
            *s = Span::styled(g.bar_mark, theme.style(*role));
        }
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::theme::Depth;

    #[test]
    fn gaps_stay_gaps() {
        let t = Theme::new(true, Depth::Sixteen);
        assert_eq!(sparkline(&[0.0, f32::NAN, 7.0], 5, None, &t), "  ▁ █");
        assert_eq!(sparkline(&[3.0, 3.0], 2, None, &t), "▁▁");
        assert_eq!(sparkline(&[], 3, None, &t), "   ");
        assert_eq!(shrink(&[1.0, 3.0, f32::NAN, f32::NAN], 2)[0], 2.0);
        assert!(shrink(&[1.0, 3.0, f32::NAN, f32::NAN], 2)[1].is_nan());
    }

    #[test]
    fn a_bar_shows_value_and_limit_on_one_scale() {
        let t = Theme::new(false, Depth::Mono);
        let line = bar(Some(5.0), 10.0, &[(8.0, Role::High)], 10, Style::default(), &t);
        assert_eq!(line.to_string(), "#####...|.");
        assert_eq!(bar(None, 10.0, &[], 4, Style::default(), &t).to_string(), "....");
    }
}
