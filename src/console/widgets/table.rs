//! A table with fixed columns: header with units, right-aligned numbers, selection, scrolling.

use std::cmp::Ordering;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::list::ListState;
use super::text;
use crate::base::text::sig3;
use crate::console::theme::{Mark, Role, Theme};

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading, with the unit.
    pub title: &'static str,
    /// Its width in cells; the least one where it grows.
    pub width: u16,
    /// Whether its values stand at the right edge.
    pub right: bool,
    /// Whether it takes what is left over (shared among all such).
    pub grow: bool,
    /// Columns are left out from the highest rank down when there is not enough room; rank 0 always stays.
    pub rank: u8,
}

impl Column {
    /// A column of text.
    #[must_use]
    pub const fn text(title: &'static str, width: u16) -> Self {
        Self { title, width, right: false, grow: false, rank: 0 }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn number(title: &'static str, width: u16) -> Self {
        Self { title, width, right: true, grow: false, rank: 0 }
    }

    /// It takes what is left over.
    #[must_use]
    pub const fn growing(mut self) -> Self {
        self.grow = true;
        self
    }

    /// It goes when there is not enough room, the highest rank first.
    #[must_use]
    pub const fn rank(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }
}

/// A value in a row.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// What is shown.
    pub text: String,
    /// How.
    pub style: Style,
    /// What it sorts by, where that is not the text.
    pub order: Option<f64>,
}

impl Cell {
    /// Plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Text in a style.
    #[must_use]
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style, order: None }
    }

    /// A number with three significant digits; `–` where it is unknown.
    #[must_use]
    pub fn number(v: Option<f64>) -> Self {
        Self { text: sig3(v), style: Style::default(), order: Some(v.unwrap_or(f64::NEG_INFINITY)) }
    }

    /// A number with a fixed count of decimals, so that a column does not jump; `–` where it is unknown.
    #[must_use]
    pub fn fixed(v: Option<f64>, decimals: usize) -> Self {
        let text = v.filter(|v| v.is_finite()).map_or_else(|| sig3(None), |v| format!("{v:.decimals$}"));
        Self { text, style: Style::default(), order: Some(v.unwrap_or(f64::NEG_INFINITY)) }
    }

    /// A count.
    #[must_use]
    pub fn count(n: u64) -> Self {
        Self { text: n.to_string(), style: Style::default(), order: Some(n as f64) }
    }

    /// A state: symbol and word in its colour.
    #[must_use]
    pub fn mark(mark: Mark, theme: &Theme) -> Self {
        Self { text: mark.label(), style: theme.style(mark.role), order: None }
    }

    /// The same value sorted by `order`.
    #[must_use]
    pub fn ordered(mut self, order: f64) -> Self {
        self.order = Some(order);
        self
    }

    /// The same value in another style.
    #[must_use]
    pub fn with(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

/// A row.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Its stable name, for the selection.
    pub key: String,
    /// Its values, one a column.
    pub cells: Vec<Cell>,
    /// Old: drawn dimmed.
    pub stale: bool,
    /// A heading over the rows that follow; it cannot be selected.
    pub heading: bool,
}

impl Row {
    /// A row.
    #[must_use]
    pub fn new(key: impl Into<String>, cells: Vec<Cell>) -> Self {
        Self { key: key.into(), cells, stale: false, heading: false }
    }

    /// A heading over the rows that follow.
    #[must_use]
    pub fn heading(title: impl Into<String>) -> Self {
        Self { key: String::new(), cells: vec![Cell::text(title)], stale: false, heading: true }
    }

    /// Dimmed when old.
    #[must_use]
    pub fn stale(mut self, stale: bool) -> Self {
        self.stale = stale;
        self
    }

    /// Whether the row has this text (given in lower case) anywhere.
    #[must_use]
    pub fn contains(&self, lower: &str) -> bool {
        self.key.to_lowercase().contains(lower) || self.cells.iter().any(|c| c.text.to_lowercase().contains(lower))
    }

    /// Order of two rows by a column.
    #[must_use]
    pub fn compare(&self, other: &Self, column: usize) -> Ordering {
        match (self.cells.get(column), other.cells.get(column)) {
            (Some(a), Some(b)) => match (a.order, b.order) {
                (Some(x), Some(y)) => x.total_cmp(&y),
                _ => a.text.to_lowercase().cmp(&b.text.to_lowercase()),
            },
            _ => Ordering::Equal,
        }
    }
}

/// Draws rows under a header. The area's first line is the header; the first cell of each line marks the selection.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// Its columns.
    pub columns: &'a [Column],
    /// Whether it has the keyboard.
    pub focused: bool,
    /// What is said where there is no row.
    pub empty: &'a str,
    /// Whether the selected row is marked.
    pub marks: bool,
}

impl<'a> Table<'a> {
    /// A table of these columns.
    #[must_use]
    pub fn new(columns: &'a [Column], focused: bool) -> Self {
        Self { columns, focused, empty: "", marks: true }
    }

    /// What is said where there is no row: what would be here and how to get it.
    #[must_use]
    pub fn empty(mut self, text: &'a str) -> Self {
        self.empty = text;
        self
    }

    /// It is only looked at: no row is marked as selected.
    #[must_use]
    pub fn passive(mut self) -> Self {
        self.marks = false;
        self
    }

    /// Draws the rows that [`ListState::arrange`] returned.
    pub fn draw(&self, buffer: &mut Buffer, area: Rect, rows: &[Row], state: &mut ListState, theme: &Theme) {
        if area.height == 0 || area.width < 4 {
            return;
        }
        let widths = self.widths(area.width.saturating_sub(2));
        self.header(buffer, area, &widths, state, theme);
        let height = usize::from(area.height - 1);
        state.scroll(height, rows.len());
        if rows.is_empty() {
            self.say_empty(buffer, area, state, theme);
        }
        for (line, (i, row)) in rows.iter().enumerate().skip(state.offset()).take(height).enumerate() {
            let y = area.y + 1 + line as u16;
            self.row(buffer, Rect { y, height: 1, ..area }, row, i == state.index(), &widths, theme);
        }
        scroll_bar(buffer, area, rows.len(), state.offset(), theme);
    }

    fn say_empty(&self, buffer: &mut Buffer, area: Rect, state: &ListState, theme: &Theme) {
        let (_, total) = state.counts();
        let why = format!("Nothing matches the filter \"{}\" ({total} rows). Press / and clear it.", state.filter);
        let say = if total > 0 && !state.filter.is_empty() { why.as_str() } else { self.empty };
        for (i, line) in text::wrap(say, usize::from(area.width.saturating_sub(4))).iter().enumerate() {
            let y = area.y + 2 + i as u16;
            if y < area.bottom() {
                buffer.set_stringn(area.x + 2, y, line, usize::from(area.width - 2), theme.style(Role::Quiet));
            }
        }
    }

    /// Width of each column in `room` cells; zero for one that is left out. One cell lies between two columns.
    fn widths(&self, room: u16) -> Vec<u16> {
        let mut keep: Vec<bool> = vec![true; self.columns.len()];
        let need = |keep: &[bool]| -> u16 {
            self.columns.iter().zip(keep).filter(|(_, k)| **k).map(|(c, _)| c.width + 1).sum::<u16>().saturating_sub(1)
        };
        while need(&keep) > room {
            let worst = (0..keep.len()).filter(|i| keep[*i] && self.columns[*i].rank > 0);
            match worst.max_by_key(|i| (self.columns[*i].rank, *i)) {
                Some(i) => keep[i] = false,
                None => break,
            }
        }
        let growing = self.columns.iter().zip(&keep).filter(|(c, k)| c.grow && **k).count() as u16;
        let left = room.saturating_sub(need(&keep));
        let mut first = true;
        self.columns
            .iter()
            .zip(&keep)
            .map(|(c, k)| match (k, c.grow) {
                (false, _) => 0,
                (true, false) => c.width,
                (true, true) => {
                    let odd = if std::mem::take(&mut first) { left % growing } else { 0 };
                    c.width + left / growing + odd
                }
            })
            .collect()
    }

    fn header(&self, buffer: &mut Buffer, area: Rect, widths: &[u16], state: &ListState, theme: &Theme) {
        let g = theme.glyphs();
        let style = theme.style(Role::Quiet);
        let mut x = area.x + 1;
        for (i, (c, w)) in self.columns.iter().zip(widths).enumerate().filter(|(_, (_, w))| **w > 0) {
            let arrow = match state.sort {
                Some((s, down)) if s == i => g.sort[usize::from(down)],
                _ => "",
            };
            let title = text::fit(&format!("{}{arrow}", theme.plain(c.title)), usize::from(*w), c.right, g.more);
            let style = if arrow.is_empty() { style } else { theme.style(Role::Focus) };
            buffer.set_stringn(x, area.y, title, room(area, x), style);
            x = x.saturating_add(w + 1);
        }
    }

    fn row(&self, buffer: &mut Buffer, area: Rect, row: &Row, selected: bool, widths: &[u16], theme: &Theme) {
        let g = theme.glyphs();
        if row.heading {
            let title = row.cells.first().map_or("", |c| c.text.as_str());
            let title = text::cut(&theme.plain(title), usize::from(area.width.saturating_sub(2)), g.more);
            buffer.set_stringn(area.x + 1, area.y, title, room(area, area.x + 1), theme.heading());
            return;
        }
        let mut x = area.x + 1;
        for ((cell, c), w) in row.cells.iter().zip(self.columns).zip(widths).filter(|(_, w)| **w > 0) {
            let shown = text::fit(&theme.plain(&cell.text), usize::from(*w), c.right, g.more);
            let style = theme.aged(cell.style, row.stale);
            buffer.set_stringn(x, area.y, shown, room(area, x), style);
            x = x.saturating_add(w + 1);
        }
        if selected && self.marks {
            buffer.set_string(area.x, area.y, g.select, theme.style(Role::Focus));
            let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
            theme.select(buffer, inner, self.focused);
        }
    }
}

fn room(area: Rect, x: u16) -> usize {
    usize::from(area.right().saturating_sub(x + 1))
}

/// A scroll bar on the right edge of an area with a header line, where not all rows fit.
pub fn scroll_bar(buffer: &mut Buffer, area: Rect, rows: usize, offset: usize, theme: &Theme) {
    let height = usize::from(area.height.saturating_sub(1));
    if rows <= height || height == 0 {
        return;
    }
    let g = theme.glyphs();
    let thumb = (height * height / rows).max(1);
    let top = offset * (height - thumb) / (rows - height).max(1);
    for i in 0..height {
        let on = i >= top && i < top + thumb;
        let style = theme.style(Role::Quiet);
        buffer.set_string(area.right() - 1, area.y + 1 + i as u16, g.scroll[usize::from(on)], style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::theme::Depth;

    const COLUMNS: [Column; 3] =
        [Column::text("id", 4).growing(), Column::number("fps", 5), Column::number("lost", 5).rank(1)];

    fn line(b: &Buffer, y: u16) -> String {
        (0..b.area.width).map(|x| b[(x, y)].symbol()).collect()
    }

    fn draw(width: u16, state: &mut ListState, rows: Vec<Row>) -> Buffer {
        let theme = Theme::new(true, Depth::Sixteen);
        let area = Rect::new(0, 0, width, 4);
        let mut b = Buffer::empty(area);
        let rows = state.arrange(rows);
        Table::new(&COLUMNS, true).empty("No cameras.").draw(&mut b, area, &rows, state, &theme);
        b
    }

    fn cameras(n: usize) -> Vec<Row> {
        let row = |i: usize| {
            Row::new(
                format!("c{i}"),
                vec![Cell::text(format!("c{i}")), Cell::fixed(Some(25.0), 1), Cell::count(i as u64)],
            )
        };
        (0..n).map(row).collect()
    }

    #[test]
    fn numbers_stand_under_their_heading() {
        let b = draw(24, &mut ListState::default(), cameras(2));
        assert_eq!(line(&b, 0), " id           fps  lost ");
        assert_eq!(line(&b, 1), "›c0          25.0     0 ");
    }

    #[test]
    fn a_column_goes_where_there_is_no_room() {
        let b = draw(14, &mut ListState::default(), cameras(1));
        assert_eq!(line(&b, 0), " id       fps ");
    }

    #[test]
    fn scrolls_to_the_selection_and_says_when_empty() {
        let mut s = ListState::default();
        draw(24, &mut s, cameras(9));
        s.step(8);
        let b = draw(24, &mut s, cameras(9));
        assert!(line(&b, 3).starts_with("›c8"), "{}", line(&b, 3));
        assert!(line(&b, 3).ends_with('┃'));
        let b = draw(24, &mut ListState::default(), Vec::new());
        assert_eq!(line(&b, 2).trim(), "No cameras.");
        s.filter = "zz".into();
        assert!(line(&draw(60, &mut s, cameras(3)), 2).contains("matches the filter"));
    }

    #[test]
    fn unknown_is_not_zero() {
        assert_eq!(Cell::fixed(None, 1).text, "–");
        assert_eq!(Cell::number(Some(f64::NAN)).text, "–");
    }
}
