//! What the widgets' tests share: a theme without colours and a buffer as lines of text.

use ratatui::buffer::Buffer;

use crate::console::theme::{Depth, Theme};

/// A theme without colours.
pub fn plain(unicode: bool) -> Theme {
    Theme::new(unicode, Depth::Mono)
}

/// The rows of a buffer as text.
pub fn rows(buf: &Buffer) -> Vec<String> {
    (buf.area.top()..buf.area.bottom())
        .map(|y| (buf.area.left()..buf.area.right()).map(|x| buf[(x, y)].symbol()).collect())
        .collect()
}
