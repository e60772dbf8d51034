//! The path of a point in the plane: x against y on one scale, as a small picture.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::dots::Dots;
use super::fit;
use crate::base::text::sig3;
use crate::console::theme::{Role, Theme};

/// An orbit.
#[derive(Clone, Copy, Debug)]
pub struct Orbit<'a> {
    /// Displacement to the right; NaN where unknown.
    pub x: &'a [f32],
    /// Displacement down; NaN where unknown.
    pub y: &'a [f32],
    /// Unit of both.
    pub unit: &'static str,
    /// How the path is drawn.
    pub role: Role,
}

impl Orbit<'_> {
    /// Draws a title with the scale and the path below it.
    pub fn render(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let both = || self.x.iter().zip(self.y).filter(|(x, y)| x.is_finite() && y.is_finite());
        let reach = both().fold(0.0_f32, |top, (x, y)| top.max(x.abs()).max(y.abs()));
        let known = both().next().is_some();
        let pm = theme.glyphs().plus_minus;
        let title = if known {
            format!("Orbit  {pm}{} {}", sig3(Some(reach.into())), self.unit)
        } else {
            "Orbit  no samples".into()
        };
        let title = fit::cut(&title, area.width.into(), theme.unicode);
        buf.set_string(area.x, area.y, title, theme.style(Role::Quiet));
        let plot = Rect::new(area.x, area.y + 1, area.width, area.height - 1);
        if !known || plot.height < 2 || plot.width < 4 {
            return;
        }
        self.path(plot, buf, theme, reach);
    }

    fn path(&self, plot: Rect, buf: &mut Buffer, theme: &Theme, reach: f32) {
        let mut dots = Dots::new(plot.width, plot.height, theme.unicode);
        let (cx, cy) = ((dots.width() as i64 - 1) / 2, (dots.height() as i64 - 1) / 2);
        // A braille dot is about as wide as high; an ASCII dot is about three quarters as high as wide.
        let aspect = if theme.unicode { 1.0 } else { 1.5 };
        let radius = (cy as f64).min(cx as f64 * aspect).max(1.0);
        let scale = if reach > 0.0 { radius / f64::from(reach) } else { 0.0 };
        cross(plot, buf, theme);
        let mut before: Option<(i64, i64)> = None;
        for (x, y) in self.x.iter().zip(self.y) {
            if !(x.is_finite() && y.is_finite()) {
                before = None;
                continue;
            }
            let at =
                (cx + (f64::from(*x) * scale / aspect).round() as i64, cy + (f64::from(*y) * scale).round() as i64);
            dots.line(before.unwrap_or(at), at, self.role);
            before = Some(at);
        }
        dots.render(plot, buf, theme);
    }
}

/// The place of rest.
fn cross(plot: Rect, buf: &mut Buffer, theme: &Theme) {
    let glyph = if theme.unicode { "┼" } else { "+" };
    let (x, y) = (plot.x + (plot.width - 1) / 2, plot.y + (plot.height - 1) / 2);
    buf.set_string(x, y, glyph, theme.style(Role::Quiet));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::testing::{plain, rows};
    use proptest::prelude::*;

    fn drawn(x: &[f32], y: &[f32], w: u16, h: u16, unicode: bool) -> String {
        let area = Rect::new(0, 0, w, h);
        let mut buf = Buffer::empty(area);
        Orbit { x, y, unit: "px", role: Role::Text }.render(area, &mut buf, &plain(unicode));
        rows(&buf).join("\n")
    }

    #[test]
    fn draws_an_ellipse() {
        let turn = |i: i32| f64::from(i) / 60.0 * std::f64::consts::TAU;
        let x: Vec<f32> = (0..=60).map(|i| (turn(i).cos() * 2.0) as f32).collect();
        let y: Vec<f32> = (0..=60).map(|i| turn(i).sin() as f32).collect();
        insta::assert_snapshot!(drawn(&x, &y, 20, 9, true));
    }

    #[test]
    fn says_that_there_is_nothing() {
        assert!(drawn(&[f32::NAN], &[1.0], 20, 5, true).contains("no samples"));
        assert!(drawn(&[], &[], 20, 5, true).contains("no samples"));
    }

    proptest! {
        #[test]
        fn never_panics(x in prop::collection::vec(any::<f32>(), 0..40), y in prop::collection::vec(any::<f32>(), 0..40), w in 0_u16..40, h in 0_u16..20, unicode in any::<bool>()) {
            drawn(&x, &y, w, h, unicode);
        }
    }
}
