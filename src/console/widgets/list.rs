//! Where a list stands: selection by key, scrolling, filter and sort column.

use super::table::{Column, Row};

/// State of a list or table. The selection keeps to the row's key, so that sorting or new rows do not move it.
#[derive(Clone, Debug, Default)]
pub struct ListState {
    selected: Option<String>,
    index: usize,
    offset: usize,
    height: usize,
    count: usize,
    total: usize,
    keys: Vec<String>,
    /// What rows must contain to be shown (any case); empty shows all.
    pub filter: String,
    /// Column sorted by, and whether downwards; none keeps the order given.
    pub sort: Option<(usize, bool)>,
}

impl ListState {
    /// Filters and sorts rows and finds the selection among them; call it with all rows before drawing.
    #[must_use]
    pub fn arrange(&mut self, mut rows: Vec<Row>) -> Vec<Row> {
        self.total = rows.len();
        let want = self.filter.to_lowercase();
        if !want.is_empty() {
            rows.retain(|r| r.heading || r.contains(&want));
        }
        if let Some((column, down)) = self.sort {
            rows.retain(|r| !r.heading);
            rows.sort_by(|a, b| if down { b.compare(a, column) } else { a.compare(b, column) });
        }
        self.keys = rows.iter().map(|r| if r.heading { String::new() } else { r.key.clone() }).collect();
        self.count = rows.iter().filter(|r| !r.heading).count();
        self.settle();
        rows
    }

    fn settle(&mut self) {
        let found = self.selected.as_ref().and_then(|s| self.keys.iter().position(|k| k == s));
        self.index = found.unwrap_or_else(|| self.index.min(self.keys.len().saturating_sub(1)));
        if self.keys.get(self.index).is_some_and(String::is_empty) {
            // A heading cannot be selected: the next row below, or the last one above.
            let below = self.keys.iter().skip(self.index).position(|k| !k.is_empty()).map(|i| i + self.index);
            let above = || self.keys.iter().take(self.index).rposition(|k| !k.is_empty());
            self.index = below.or_else(above).unwrap_or(0);
        }
        self.selected = self.keys.get(self.index).filter(|k| !k.is_empty()).cloned();
    }

    /// Key of the selected row; none in an empty list.
    #[must_use]
    pub fn selected(&self) -> Option<&str> {
        self.selected.as_deref()
    }

    /// Place of the selected row among the rows of [`ListState::arrange`].
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// First row drawn.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// How many rows pass the filter, and how many there are in all (headings included in the latter).
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.count, self.total)
    }

    /// Selects the row of this key at the next [`ListState::arrange`].
    pub fn select(&mut self, key: &str) {
        self.selected = Some(key.to_owned());
    }

    /// Selects by place, as with the mouse: `line` counts from the first row drawn. False where there is no row.
    pub fn click(&mut self, line: usize) -> bool {
        let at = self.offset + line;
        match self.keys.get(at).filter(|k| !k.is_empty()) {
            Some(key) => {
                self.selected = Some(key.clone());
                self.index = at;
                true
            }
            None => false,
        }
    }

    /// Moves the selection by rows, over headings, stopping at the ends.
    pub fn step(&mut self, by: isize) {
        let places: Vec<usize> = (0..self.keys.len()).filter(|i| !self.keys[*i].is_empty()).collect();
        let at = places.iter().position(|i| *i >= self.index).unwrap_or(0);
        let to = at.saturating_add_signed(by).min(places.len().saturating_sub(1));
        if let Some(i) = places.get(to) {
            self.index = *i;
            self.selected = self.keys.get(*i).cloned();
        }
    }

    /// Does a shared movement action (`up`, `down`, `page-up`, `page-down`, `first`, `last`); false if it is none.
    pub fn act(&mut self, action: &str) -> bool {
        let page = self.height.saturating_sub(1).max(1) as isize;
        match action {
            "up" => self.step(-1),
            "down" => self.step(1),
            "page-up" => self.step(-page),
            "page-down" => self.step(page),
            "first" => self.step(isize::MIN / 2),
            "last" => self.step(isize::MAX / 2),
            _ => return false,
        }
        true
    }

    /// Sorts by the next column: downwards, upwards, then the next one, at last in the order given.
    pub fn next_sort(&mut self, columns: &[Column]) {
        self.sort = match self.sort {
            None => Some((0, false)),
            Some((c, false)) => Some((c, true)),
            Some((c, true)) if c + 1 < columns.len() => Some((c + 1, false)),
            Some(_) => None,
        };
    }

    /// Brings the selection into a window of `height` rows; called by the table.
    pub(super) fn scroll(&mut self, height: usize, rows: usize) {
        self.height = height;
        if self.index < self.offset {
            self.offset = self.index;
        }
        if height > 0 && self.index >= self.offset + height {
            self.offset = self.index + 1 - height;
        }
        self.offset = self.offset.min(rows.saturating_sub(height));
        // A heading directly above the first row belongs to it.
        if self.offset == 1 && self.keys.first().is_some_and(String::is_empty) {
            self.offset = usize::from(self.index >= height);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Cell;
    use super::*;

    fn rows(keys: &[&str]) -> Vec<Row> {
        keys.iter().map(|k| Row::new(*k, vec![Cell::text(*k)])).collect()
    }

    #[test]
    fn the_selection_keeps_to_its_key() {
        let mut s = ListState::default();
        let _ = s.arrange(rows(&["b", "c"]));
        assert!(s.act("down"));
        assert_eq!(s.selected(), Some("c"));
        let _ = s.arrange(rows(&["a", "b", "c"]));
        assert_eq!((s.selected(), s.index()), (Some("c"), 2));
        let _ = s.arrange(rows(&["a", "b"]));
        assert_eq!(s.selected(), Some("b"));
        let _ = s.arrange(Vec::new());
        assert_eq!(s.selected(), None);
        assert!(!s.act("open"));
    }

    #[test]
    fn filters_and_sorts() {
        let mut s = ListState { filter: "A".into(), sort: Some((0, true)), ..ListState::default() };
        let got = s.arrange(rows(&["ab", "b", "ca"]));
        assert_eq!(got.iter().map(|r| r.key.as_str()).collect::<Vec<_>>(), ["ca", "ab"]);
        assert_eq!(s.counts(), (2, 3));
    }

    #[test]
    fn headings_are_stepped_over() {
        let mut s = ListState::default();
        let mut all = vec![Row::heading("Host")];
        all.extend(rows(&["cpu"]));
        all.push(Row::heading("Disks"));
        all.extend(rows(&["root"]));
        let _ = s.arrange(all);
        assert_eq!(s.selected(), Some("cpu"));
        s.step(1);
        assert_eq!(s.selected(), Some("root"));
        s.step(5);
        assert_eq!(s.selected(), Some("root"));
        s.step(-9);
        assert_eq!(s.selected(), Some("cpu"));
    }
}
