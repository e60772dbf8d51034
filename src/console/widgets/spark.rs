//! A sparkline of one line: history at a glance, newest at the right, gaps where nothing is known.

use crate::console::theme::Theme;

/// The values as one line of exactly `cells` cells.
///
/// Each cell shows the largest value of its share of the history, so that a short peak stays visible; a cell without
/// a known value is blank. `top` is the value that fills a cell; without it twice the largest value does. The scale
/// starts at zero, so that noise does not look like a mountain.
#[must_use]
pub fn spark(values: &[f32], cells: usize, top: Option<f64>, theme: &Theme) -> String {
    let known = values.iter().copied().filter(|v| v.is_finite()).fold(0.0_f32, f32::max);
    let top = top.filter(|t| t.is_finite() && *t > 0.0).map_or(2.0 * f64::from(known), |t| t.max(f64::from(known)));
    let shown = cells.min(values.len());
    let mut out = " ".repeat(cells - shown);
    for cell in 0..shown {
        let from = cell * values.len() / shown;
        let to = ((cell + 1) * values.len() / shown).max(from + 1);
        out.push_str(level(&values[from..to.min(values.len())], top, theme));
    }
    out
}

fn level(values: &[f32], top: f64, theme: &Theme) -> &'static str {
    let Some(peak) = values.iter().copied().filter(|v| v.is_finite()).reduce(f32::max) else { return " " };
    let glyphs = &theme.glyphs().spark;
    if top <= 0.0 {
        return glyphs[0];
    }
    let i = (f64::from(peak) / top * 8.0).floor().clamp(0.0, 7.0) as usize;
    glyphs[i]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::testing::plain;
    use proptest::prelude::*;

    #[test]
    fn shows_peaks_and_leaves_gaps() {
        assert_eq!(spark(&[0.0, 1.0, f32::NAN, 8.0], 4, Some(8.0), &plain(true)), "▁▂ █");
        assert_eq!(spark(&[0.0, 1.0, f32::NAN, 8.0], 6, Some(8.0), &plain(false)), "  _. #");
        assert_eq!(spark(&[0.0, 7.9, 0.0, 0.0], 2, Some(8.0), &plain(true)), "█▁");
    }

    #[test]
    fn a_limit_keeps_small_values_small() {
        assert_eq!(spark(&[1.0, 1.1], 2, Some(80.0), &plain(true)), "▁▁");
        assert_eq!(spark(&[100.0], 1, Some(80.0), &plain(true)), "█");
        assert_eq!(spark(&[3.0, 3.1], 2, None, &plain(true)), "▄▅");
    }

    #[test]
    fn nothing_is_blank() {
        assert_eq!(spark(&[], 3, None, &plain(true)), "   ");
        assert_eq!(spark(&[f32::NAN; 9], 3, None, &plain(true)), "   ");
        assert_eq!(spark(&[0.0, 0.0], 2, None, &plain(true)), "▁▁");
        assert_eq!(spark(&[1.0], 0, None, &plain(true)), "");
    }

    proptest! {
        #[test]
        fn always_as_wide_as_asked(values in prop::collection::vec(any::<f32>(), 0..200), cells in 0_usize..120, top in any::<f64>(), unicode in any::<bool>()) {
            prop_assert_eq!(spark(&values, cells, Some(top), &plain(unicode)).chars().count(), cells);
        }
    }
}
