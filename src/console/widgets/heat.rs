//! Columns of values over time, as shades: a spectrogram.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fit;
use crate::base::text::sig3;
use crate::console::theme::{Role, Theme};

/// Cells on the left that hold the scale.
const SCALE: u16 = 8;

/// A spectrogram: time to the right, frequency up, amplitude as shade on a logarithmic scale from the floor to the largest.
#[derive(Clone, Debug)]
pub struct Heat<'a> {
    /// What is shown.
    pub title: String,
    /// One column a second, oldest first, each from low to high; an empty one is not known.
    pub columns: &'a [Arc<[f32]>],
    /// Where the shades begin.
    pub floor: f32,
    /// What the top of a column stands for, and its unit.
    pub top: (f64, &'static str),
    /// How it is drawn.
    pub role: Role,
}

impl Heat<'_> {
    /// Draws title, scale, shades and time axis.
    pub fn render(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.height < 4 || area.width < SCALE + 4 {
            return;
        }
        let quiet = theme.style(Role::Quiet);
        let largest = self.columns.iter().flat_map(|c| c.iter()).fold(0.0f32, |top, v| top.max(*v));
        let known = largest.is_finite() && largest > 0.0;
        let title = if known { self.title.clone() } else { format!("{}  nothing measured yet", self.title) };
        buf.set_string(area.x, area.y, fit::cut(&title, area.width.into(), theme.unicode), quiet);
        let plot = Rect::new(area.x + SCALE, area.y + 1, area.width - SCALE, area.height - 2);
        let rule = if theme.unicode { "┤" } else { "+" };
        for (row, share) in [(0, 1.0), (plot.height / 2, 0.5), (plot.height - 1, 0.0)] {
            let label = format!("{:>1$}{rule}", sig3(Some(self.top.0 * share)), usize::from(SCALE) - 1);
            buf.set_string(area.x, plot.y + row, fit::cut(&label, SCALE.into(), theme.unicode), quiet);
        }
        if !known {
            return;
        }
        let shown = self.columns.len().min(usize::from(plot.width));
        let shades: Vec<char> = if theme.unicode { " ░▒▓█" } else { " .:*#" }.chars().collect();
        // A floor far below the largest would leave everything in the darkest shade.
        let floor = self.floor.max(largest / 1000.0).max(f32::MIN_POSITIVE);
        let span = (largest / floor).ln().max(1e-3);
        for (i, column) in self.columns[self.columns.len() - shown..].iter().enumerate() {
            let x = plot.x + plot.width - shown as u16 + i as u16;
            for row in 0..plot.height {
                let from = usize::from(plot.height - 1 - row) * column.len() / usize::from(plot.height);
                let to = (usize::from(plot.height - row) * column.len()).div_ceil(usize::from(plot.height));
                let Some(value) = column.get(from..to).and_then(|v| v.iter().copied().reduce(f32::max)) else {
                    // Not measured: never drawn as calm.
                    buf.set_string(x, plot.y + row, theme.glyphs().unknown, theme.style(Role::Unknown));
                    continue;
                };
                let level = ((value / floor).ln() / span).clamp(0.0, 1.0) * (shades.len() - 1) as f32;
                let shade = shades.get(level.round() as usize).copied().unwrap_or(' ');
                buf.set_string(x, plot.y + row, shade.to_string(), theme.style(self.role));
            }
        }
        let y = plot.y + plot.height;
        buf.set_string(plot.x, y, format!("-{shown} s"), quiet);
        let end = format!("now  to {} {}", sig3(Some(self.top.0)), self.top.1);
        if usize::from(plot.width) > end.len() + 10 {
            buf.set_string(plot.x + plot.width - end.len() as u16, y, end, quiet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::testing::{plain, rows};
    use proptest::prelude::*;

    fn drawn(columns: &[Arc<[f32]>], w: u16, h: u16, unicode: bool) -> String {
        let area = Rect::new(0, 0, w, h);
        let mut buf = Buffer::empty(area);
        let heat = Heat { title: "Spectrogram".into(), columns, floor: 0.01, top: (12.5, "Hz"), role: Role::Text };
        heat.render(area, &mut buf, &plain(unicode));
        rows(&buf).join("\n")
    }

    #[test]
    fn a_tone_is_a_line_and_a_gap_is_told() {
        let column = |second: usize| -> Arc<[f32]> {
            if second == 20 {
                return Arc::new([]);
            }
            (0..16).map(|b| if b == 5 { 1.0 } else { 0.01 }).collect()
        };
        let columns: Vec<_> = (0..30).map(column).collect();
        insta::assert_snapshot!(drawn(&columns, 44, 11, true));
        assert!(drawn(&columns, 44, 11, false).is_ascii());
        assert!(drawn(&[], 60, 11, true).contains("nothing measured"));
    }

    proptest! {
        #[test]
        fn never_panics(
            columns in prop::collection::vec(prop::collection::vec(any::<f32>(), 0..20), 0..40),
            w in 0_u16..60, h in 0_u16..20, unicode in any::<bool>(),
        ) {
            let columns: Vec<Arc<[f32]>> = columns.into_iter().map(Into::into).collect();
            drawn(&columns, w, h, unicode);
        }
    }
}
