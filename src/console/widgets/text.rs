//! Cutting, padding and wrapping of text by cells of the terminal, not by characters.

use ratatui::text::Span;

/// Cells that a text takes.
#[must_use]
pub fn width(s: &str) -> usize {
    if s.is_ascii() { s.len() } else { Span::raw(s).width() }
}

/// The text cut to `cells`, with `more` (one cell) in the place of what is left out.
#[must_use]
pub fn cut(s: &str, cells: usize, more: &str) -> String {
    if width(s) <= cells {
        return s.to_owned();
    }
    if cells == 0 {
        return String::new();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in s.chars() {
        let mut one = [0; 4];
        let w = width(c.encode_utf8(&mut one));
        if used + w > cells - 1 {
            break;
        }
        used += w;
        out.push(c);
    }
    out.push_str(more);
    out
}

/// The text cut and padded to exactly `cells`, to the left or the right edge.
#[must_use]
pub fn fit(s: &str, cells: usize, right: bool, more: &str) -> String {
    let s = cut(s, cells, more);
    let pad = " ".repeat(cells.saturating_sub(width(&s)));
    if right { pad + &s } else { s + &pad }
}

/// The text in lines of at most `cells`, broken at spaces; words longer than a line are broken within.
#[must_use]
pub fn wrap(s: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = Vec::new();
    for paragraph in s.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let mut word = word.to_owned();
            if !line.is_empty() && width(&line) + 1 + width(&word) > cells {
                lines.push(std::mem::take(&mut line));
            }
            while width(&word) > cells {
                let head: String = word.chars().take(cells).collect();
                word = word.chars().skip(cells).collect();
                lines.push(head);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_and_pads_by_cells() {
        assert_eq!(cut("deck-east", 6, "…"), "deck-…");
        assert_eq!(cut("deck", 4, "…"), "deck");
        assert_eq!(cut("deck", 0, "…"), "");
        assert_eq!(fit("8.3", 6, true, "…"), "   8.3");
        assert_eq!(width("炉"), 2);
        assert_eq!(width(&fit("高炉高炉", 5, false, "…")), 5);
    }

    #[test]
    fn wraps_at_spaces() {
        assert_eq!(wrap("check the cable first", 10), ["check the", "cable", "first"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\nb", 9), ["a", "b"]);
    }
}
