//! Where the selection of a list stands and which row is drawn first.

/// Selection and scroll position of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    at: usize,
    top: usize,
    page: usize,
}

impl Cursor {
    /// The selected row.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// The first row that was drawn last.
    #[must_use]
    pub fn top(&self) -> usize {
        self.top
    }

    /// Selects a row.
    pub fn set(&mut self, at: usize) {
        self.at = at;
    }

    /// Moves the selection by rows, within `len` rows.
    pub fn by(&mut self, rows: isize, len: usize) {
        self.at = self.at.saturating_add_signed(rows).min(len.saturating_sub(1));
    }

    /// Does a movement action of the shared list context; false if it is not one.
    pub fn act(&mut self, action: &str, len: usize) -> bool {
        let page = self.page.max(2) as isize - 1;
        match action {
            "up" => self.by(-1, len),
            "down" => self.by(1, len),
            "page-up" => self.by(-page, len),
            "page-down" => self.by(page, len),
            "first" => self.at = 0,
            "last" => self.at = len.saturating_sub(1),
            _ => return false,
        }
        true
    }

    /// Fits the selection into `len` rows and returns the first row to draw so that it stays in view.
    pub fn fit(&mut self, len: usize, height: usize) -> usize {
        self.page = height;
        self.at = self.at.min(len.saturating_sub(1));
        if self.at < self.top {
            self.top = self.at;
        } else if height > 0 && self.at >= self.top + height {
            self.top = self.at + 1 - height;
        }
        self.top = self.top.min(len.saturating_sub(height.max(1)));
        self.top
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stays_within_and_in_view() {
        let mut c = Cursor::default();
        assert_eq!(c.fit(10, 4), 0);
        assert!(c.act("last", 10));
        assert_eq!((c.at(), c.fit(10, 4)), (9, 6));
        assert!(c.act("page-up", 10));
        assert_eq!((c.at(), c.fit(10, 4)), (6, 6));
        assert!(!c.act("dance", 10));
        assert_eq!((c.fit(0, 4), c.at()), (0, 0));
    }

    proptest! {
        #[test]
        fn the_selection_is_always_drawn(moves in prop::collection::vec((-30_isize..30, 0_usize..40, 1_usize..20), 1..20)) {
            let mut c = Cursor::default();
            for (by, len, height) in moves {
                c.by(by, len);
                let top = c.fit(len, height);
                prop_assert!(len == 0 || (c.at() < len && c.at() >= top && c.at() < top + height));
            }
        }
    }
}
