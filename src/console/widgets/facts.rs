//! Labels with their values, one a line, for detail views; and the frame of a dialog.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text;
use crate::console::theme::{Role, Theme};

/// A label and its value.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What it is.
    pub label: &'static str,
    /// Its value.
    pub value: String,
    /// How the value is shown.
    pub style: Style,
}

impl Fact {
    /// A fact in ordinary text.
    #[must_use]
    pub fn new(label: &'static str, value: impl Into<String>) -> Self {
        Self { label, value: value.into(), style: Style::default() }
    }

    /// The same fact in another style.
    #[must_use]
    pub fn with(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

/// Draws facts one below the other, long values wrapped under themselves; returns how many lines that took.
pub fn draw(buffer: &mut Buffer, area: Rect, facts: &[Fact], label_cells: usize, theme: &Theme) -> u16 {
    let mut y = area.y;
    let value_x = area.x + label_cells as u16 + 1;
    let cells = usize::from(area.right().saturating_sub(value_x));
    for f in facts {
        if y >= area.bottom() || cells == 0 {
            break;
        }
        let label = text::cut(&theme.plain(f.label), label_cells, theme.glyphs().more);
        buffer.set_stringn(area.x, y, label, label_cells, theme.style(Role::Quiet));
        for line in text::wrap(&theme.plain(&f.value), cells) {
            if y >= area.bottom() {
                break;
            }
            buffer.set_stringn(value_x, y, line, cells, f.style);
            y += 1;
        }
    }
    y - area.y
}

/// Draws wrapped text; returns how many lines that took.
pub fn paragraph(buffer: &mut Buffer, area: Rect, words: &str, style: Style, theme: &Theme) -> u16 {
    let lines = text::wrap(&theme.plain(words), usize::from(area.width));
    let shown = lines.len().min(usize::from(area.height));
    for (i, line) in lines.iter().take(shown).enumerate() {
        buffer.set_stringn(area.x, area.y + i as u16, line, usize::from(area.width), style);
    }
    shown as u16
}

/// A rule over the whole width with a title in it.
pub fn rule(buffer: &mut Buffer, area: Rect, title: &str, theme: &Theme) {
    let g = theme.glyphs();
    let style = theme.style(Role::Quiet);
    buffer.set_stringn(area.x, area.y, g.rule.repeat(usize::from(area.width)), usize::from(area.width), style);
    if !title.is_empty() && area.width > 6 {
        let title = text::cut(&theme.plain(title), usize::from(area.width) - 4, g.more);
        buffer.set_stringn(area.x + 2, area.y, format!(" {title} "), usize::from(area.width) - 2, style);
    }
}

/// A vertical rule between two panes.
pub fn divider(buffer: &mut Buffer, x: u16, top: u16, bottom: u16, theme: &Theme) {
    for y in top..bottom {
        buffer.set_string(x, y, theme.glyphs().bar, theme.style(Role::Quiet));
    }
}

/// Clears an area, draws a frame with a title around it and returns what is inside.
pub fn panel(buffer: &mut Buffer, area: Rect, title: &str, theme: &Theme) -> Rect {
    let g = theme.glyphs();
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buffer[(x, y)].reset();
        }
    }
    let style = theme.style(Role::Focus);
    let (left, right) = (area.x, area.right().saturating_sub(1));
    let (top, bottom) = (area.y, area.bottom().saturating_sub(1));
    let inner = usize::from(area.width.saturating_sub(2));
    for y in [top, bottom] {
        buffer.set_stringn(left + 1, y, g.rule.repeat(inner), inner, style);
    }
    for y in top..=bottom {
        buffer.set_string(left, y, g.bar, style);
        buffer.set_string(right, y, g.bar, style);
    }
    for (x, y, c) in [(left, top, 0), (right, top, 1), (left, bottom, 2), (right, bottom, 3)] {
        buffer.set_string(x, y, g.corners[c], style);
    }
    let title = text::cut(&theme.plain(title), inner.saturating_sub(3), g.more);
    buffer.set_stringn(left + 2, top, format!(" {title} "), inner, theme.heading());
    Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) }
}
