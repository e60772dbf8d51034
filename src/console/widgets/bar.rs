//! A limit bar: value, warning and alarm on one scale.

use ratatui::text::{Line, Span};

use crate::console::theme::{Role, Theme};

/// What a limit bar shows. All in one unit; the scale starts at zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bar {
    /// The value; none where it is not known.
    pub value: Option<f64>,
    /// Where the warning starts.
    pub warning: Option<f64>,
    /// Where the alarm starts.
    pub alarm: Option<f64>,
    /// The value is old: drawn dim, whatever it says.
    pub stale: bool,
}

/// Alarm (or the only limit) lies at four fifths of the bar, so that the eye finds it at the same place in every row.
const LIMIT_AT: f64 = 0.8;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Empty,
    Fill,
    Warning,
    Alarm,
    Over,
}

impl Bar {
    /// The bar in exactly `cells` cells.
    #[must_use]
    pub fn line(&self, cells: usize, theme: &Theme) -> Line<'static> {
        let fill = self.fill_role();
        let spans: Vec<Span<'static>> = self
            .cells(cells)
            .into_iter()
            .map(|cell| Span::styled(glyph(cell, theme), theme.style(role(cell, fill))))
            .collect();
        Line::from(spans)
    }

    fn fill_role(&self) -> Role {
        let beyond = |limit: Option<f64>| self.value.zip(limit).is_some_and(|(v, l)| v >= l);
        match () {
            () if self.stale => Role::Stale,
            () if beyond(self.alarm) => Role::High,
            () if beyond(self.warning) => Role::Warning,
            () => Role::Text,
        }
    }

    /// The value at the right end of the bar; none without limit or value.
    fn full(&self) -> Option<f64> {
        let finite = |v: &f64| v.is_finite() && *v > 0.0;
        match self.alarm.filter(finite).or(self.warning.filter(finite)) {
            Some(limit) => Some(limit / LIMIT_AT),
            None => self.value.filter(finite).map(|v| v / LIMIT_AT),
        }
    }

    fn cells(&self, cells: usize) -> Vec<Cell> {
        let mut out = vec![Cell::Empty; cells];
        let Some(full) = self.full() else { return out };
        let place = |v: f64| (v / full * cells as f64).clamp(0.0, cells as f64);
        if let Some(v) = self.value.filter(|v| v.is_finite()) {
            // Half a cell is enough to show: what is there is never drawn as nothing.
            let n = if v > 0.0 { place(v).round().max(1.0) as usize } else { 0 };
            out.iter_mut().take(n).for_each(|c| *c = Cell::Fill);
        }
        for (limit, mark) in [(self.warning, Cell::Warning), (self.alarm, Cell::Alarm)] {
            if let Some(limit) = limit.filter(|l| l.is_finite() && *l > 0.0)
                && let Some(cell) = out.get_mut(place(limit) as usize)
            {
                *cell = mark;
            }
        }
        if self.value.is_some_and(|v| v > full)
            && let Some(last) = out.last_mut()
        {
            *last = Cell::Over;
        }
        out
    }
}

fn glyph(cell: Cell, theme: &Theme) -> &'static str {
    match (cell, theme.unicode) {
        (Cell::Empty, _) => theme.glyphs().bar_empty,
        (Cell::Fill, true) => "━",
        (Cell::Fill, false) => "=",
        (Cell::Warning, true) => "┆",
        (Cell::Warning, false) => ":",
        (Cell::Alarm, _) => theme.glyphs().bar_mark,
        (Cell::Over, true) => "▶",
        (Cell::Over, false) => ">",
    }
}

fn role(cell: Cell, fill: Role) -> Role {
    match cell {
        Cell::Fill | Cell::Over => fill,
        Cell::Empty => Role::Quiet,
        Cell::Warning | Cell::Alarm => Role::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::testing::plain;
    use proptest::prelude::*;

    fn text(bar: Bar, cells: usize) -> String {
        bar.line(cells, &plain(true)).to_string()
    }

    #[test]
    fn value_and_limits_share_a_scale() {
        let bar = Bar { value: Some(4.0), warning: Some(6.0), alarm: Some(8.0), stale: false };
        assert_eq!(text(bar, 10), "━━━━··┆·┃·");
        assert_eq!(text(Bar { value: Some(7.0), ..bar }, 10), "━━━━━━┆·┃·");
        assert_eq!(text(Bar { value: Some(9.0), ..bar }, 10), "━━━━━━┆━┃·");
        assert_eq!(bar.line(10, &plain(false)).to_string(), "====..:.|.");
    }

    #[test]
    fn beyond_the_scale_is_said_and_unknown_is_empty() {
        let bar = Bar { value: Some(1e300), warning: None, alarm: Some(8.0), stale: false };
        assert_eq!(text(bar, 5), "━━━━▶");
        assert_eq!(text(Bar { value: None, ..bar }, 5), "····┃");
        assert_eq!(text(Bar { value: Some(f64::NAN), ..bar }, 5), "····┃");
        assert_eq!(text(Bar::default(), 3), "···");
    }

    #[test]
    fn a_small_value_is_never_nothing() {
        let bar = Bar { value: Some(0.01), warning: None, alarm: Some(8.0), stale: false };
        assert_eq!(text(bar, 5), "━···┃");
        assert_eq!(text(Bar { value: Some(0.0), ..bar }, 5), "····┃");
    }

    proptest! {
        #[test]
        fn always_as_wide_as_asked(value in any::<Option<f64>>(), warning in any::<Option<f64>>(), alarm in any::<Option<f64>>(), cells in 0_usize..100, unicode in any::<bool>()) {
            let bar = Bar { value, warning, alarm, stale: false };
            prop_assert_eq!(bar.line(cells, &plain(unicode)).width(), cells);
        }
    }
}
