//! Text made to fit: cut, padded, aligned and wrapped by the width that the terminal gives it.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use crate::console::theme::{Depth, Theme};

/// An area in which no list or detail can be drawn sensibly.
#[must_use]
pub fn too_small(area: Rect) -> bool {
    area.width < 40 || area.height < 6
}

/// The area without its first column: all tabs begin where the frame's lines do.
#[must_use]
pub fn inset(area: Rect) -> Rect {
    let by = area.width.min(1);
    Rect { x: area.x + by, width: area.width - by, ..area }
}

/// Width of a text in cells.
#[must_use]
pub fn width(text: &str) -> usize {
    super::text::width(text)
}

/// The text cut to at most `cells`, with a mark where something was cut off.
#[must_use]
pub fn cut(text: &str, cells: usize, unicode: bool) -> String {
    super::text::cut(text, cells, Theme::new(unicode, Depth::Mono).glyphs().more)
}

/// The text cut and padded to exactly `cells`, aligned left.
#[must_use]
pub fn left(text: &str, cells: usize, unicode: bool) -> String {
    let mut out = cut(text, cells, unicode);
    out.extend(std::iter::repeat_n(' ', cells.saturating_sub(width(&out))));
    out
}

/// The text cut and padded to exactly `cells`, aligned right.
#[must_use]
pub fn right(text: &str, cells: usize, unicode: bool) -> String {
    let out = cut(text, cells, unicode);
    format!("{}{out}", " ".repeat(cells.saturating_sub(width(&out))))
}

/// The text from cell `from` on, at most `cells` wide: for views that scroll sideways.
#[must_use]
pub fn slice(text: &str, from: usize, cells: usize) -> String {
    let mut skipped = 0;
    let mut rest = String::new();
    for g in Span::raw(text).styled_graphemes(Style::default()) {
        if skipped < from {
            skipped += width(g.symbol);
        } else {
            rest.push_str(g.symbol);
        }
    }
    take(&rest, cells)
}

/// The text broken at spaces into lines of at most `cells`; words longer than a line are broken.
#[must_use]
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    if cells == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        let mut word = word.to_owned();
        if !line.is_empty() && width(&line) + 1 + width(&word) > cells {
            lines.push(std::mem::take(&mut line));
        }
        while width(&word) > cells {
            let head = take(&word, cells);
            if head.is_empty() {
                // A letter wider than the line cannot be shown at all.
                word.clear();
                break;
            }
            word = word.get(head.len()..).unwrap_or_default().to_owned();
            lines.push(head);
        }
        if !line.is_empty() && !word.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

fn take(text: &str, cells: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for g in Span::raw(text).styled_graphemes(Style::default()) {
        let w = width(g.symbol);
        if used + w > cells {
            break;
        }
        used += w;
        out.push_str(g.symbol);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cuts_and_aligns() {
        assert_eq!(cut("east-bearing", 6, true), "east-…");
        assert_eq!(cut("east-bearing", 6, false), "east-~");
        assert_eq!(left("ab", 4, true), "ab  ");
        assert_eq!(right("µm", 4, true), "  µm");
        assert_eq!(cut("abc", 0, true), "");
        assert_eq!(slice("abcdef", 2, 3), "cde");
    }

    #[test]
    fn wraps_at_spaces_and_breaks_long_words() {
        assert_eq!(wrap("look at every lens", 8), ["look at", "every", "lens"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert!(wrap("", 5).is_empty());
        assert!(wrap("abc", 0).is_empty());
    }

    proptest! {
        #[test]
        fn never_wider_than_asked(text in ".{0,60}", cells in 0_usize..50) {
            prop_assert!(width(&cut(&text, cells, true)) <= cells);
            prop_assert!(width(&slice(&text, cells / 2, cells)) <= cells);
            for line in wrap(&text, cells) {
                prop_assert!(width(&line) <= cells.max(2));
            }
        }
    }
}
