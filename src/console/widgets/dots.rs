//! A small canvas of dots: braille (2×4 dots a cell), or in ASCII three heights a cell.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::theme::{Role, Theme};

/// A canvas for an area of cells.
#[derive(Clone, Debug)]
pub struct Dots {
    cells_x: usize,
    cells_y: usize,
    unicode: bool,
    bits: Vec<u8>,
    roles: Vec<Role>,
}

impl Dots {
    /// An empty canvas of that many cells.
    #[must_use]
    pub fn new(cells_x: u16, cells_y: u16, unicode: bool) -> Self {
        let n = usize::from(cells_x) * usize::from(cells_y);
        Self { cells_x: cells_x.into(), cells_y: cells_y.into(), unicode, bits: vec![0; n], roles: vec![Role::Text; n] }
    }

    /// Dots across.
    #[must_use]
    pub fn width(&self) -> usize {
        self.cells_x * if self.unicode { 2 } else { 1 }
    }

    /// Dots down.
    #[must_use]
    pub fn height(&self) -> usize {
        self.cells_y * if self.unicode { 4 } else { 3 }
    }

    /// Sets a dot; outside of the canvas nothing happens.
    pub fn set(&mut self, x: i64, y: i64, role: Role) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.width() || y >= self.height() {
            return;
        }
        let (sub_x, sub_y) = if self.unicode { (2, 4) } else { (1, 3) };
        let cell = y / sub_y * self.cells_x + x / sub_x;
        self.bits[cell] |= if self.unicode { braille_bit(x % 2, y % 4) } else { 1 << (y % 3) };
        self.roles[cell] = role;
    }

    /// Draws a straight line of dots.
    pub fn line(&mut self, from: (i64, i64), to: (i64, i64), role: Role) {
        // The ends lie at most a canvas away, so a line is short however large the values were.
        let (w, h) = (self.width() as i64, self.height() as i64);
        let near = |(x, y): (i64, i64)| (x.clamp(-w, 2 * w), y.clamp(-h, 2 * h));
        let ((x0, y0), (x1, y1)) = (near(from), near(to));
        let steps = (x1 - x0).abs().max((y1 - y0).abs());
        for i in 0..=steps {
            let at = |a: i64, b: i64| if steps == 0 { a } else { a + div_round((b - a) * i, steps) };
            self.set(at(x0, x1), at(y0, y1), role);
        }
    }

    /// Puts the dots onto the buffer; cells without dots keep what is there.
    pub fn render(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        for y in 0..usize::from(area.height).min(self.cells_y) {
            for x in 0..usize::from(area.width).min(self.cells_x) {
                let bits = self.bits[y * self.cells_x + x];
                if bits == 0 {
                    continue;
                }
                if let Some(cell) = buf.cell_mut((area.x + x as u16, area.y + y as u16)) {
                    cell.set_char(self.glyph(bits)).set_style(theme.style(self.roles[y * self.cells_x + x]));
                }
            }
        }
    }

    fn glyph(&self, bits: u8) -> char {
        if self.unicode {
            return char::from_u32(0x2800 + u32::from(bits)).unwrap_or('.');
        }
        match bits {
            0b001 => '\'',
            0b010 => '-',
            0b100 => '.',
            0b101 => ':',
            _ => '|',
        }
    }
}

/// The bit of a dot in the Unicode braille block: 1 2 3 7 down the left, 4 5 6 8 down the right.
fn braille_bit(x: usize, y: usize) -> u8 {
    const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    BITS[x][y]
}

fn div_round(a: i64, b: i64) -> i64 {
    (a as f64 / b as f64).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::testing::{plain, rows};
    use proptest::prelude::*;

    fn drawn(dots: &Dots, unicode: bool, w: u16, h: u16) -> Vec<String> {
        let area = Rect::new(0, 0, w, h);
        let mut buf = Buffer::empty(area);
        dots.render(area, &mut buf, &plain(unicode));
        rows(&buf)
    }

    #[test]
    fn draws_lines_in_braille_and_ascii() {
        let mut d = Dots::new(3, 1, true);
        d.line((0, 3), (5, 3), Role::Text);
        assert_eq!(drawn(&d, true, 3, 1), ["⣀⣀⣀"]);
        let mut d = Dots::new(3, 1, false);
        d.line((0, 0), (2, 2), Role::Text);
        assert_eq!(drawn(&d, false, 3, 1), ["'-."]);
    }

    proptest! {
        #[test]
        fn never_panics(w in 0_u16..40, h in 0_u16..40, ends in prop::collection::vec(any::<(i64, i64)>(), 0..6), unicode in any::<bool>()) {
            let mut d = Dots::new(w, h, unicode);
            for pair in ends.windows(2) {
                d.line(pair[0], pair[1], Role::Text);
            }
            drawn(&d, unicode, 20, 20);
        }
    }
}
