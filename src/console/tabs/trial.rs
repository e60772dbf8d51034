//! What the tests of every tab share: sizes, boards, a frame as text, an action.

use crate::console::sample;
use crate::console::theme::{Depth, Theme};
use crate::console::view::{Ctx, Tab, Want};
use crate::model::board::Board;

/// What the frame leaves to a tab on a terminal of 80×24, of 120×40 and of 200×60.
pub const SIZES: [(u16, u16); 3] = [(80, 19), (120, 35), (200, 55)];

/// Actions to play at random.
pub const ACTIONS: [&str; 23] = [
    "open",
    "back",
    "down",
    "up",
    "last",
    "page-down",
    "sort",
    "trend",
    "only-bad",
    "focus-next",
    "pause",
    "next-error",
    "previous-error",
    "level",
    "right",
    "run",
    "earlier",
    "later",
    "range",
    "quantity",
    "database",
    "vacuum",
    "cancel-query",
];

/// A usual terminal.
pub fn theme() -> Theme {
    Theme::new(true, Depth::Sixteen)
}

/// The tab's frame as text.
pub fn frame(tab: &mut impl Tab, board: &Board, (w, h): (u16, u16)) -> String {
    sample::text_of(&sample::draw_tab(tab, board, &theme(), w, h))
}

/// The tab's frame on a terminal with neither Unicode nor colour.
pub fn plain_frame(tab: &mut impl Tab, board: &Board) -> String {
    sample::text_of(&sample::draw_tab(tab, board, &Theme::new(false, Depth::Mono), 120, 35))
}

/// Does an action.
pub fn act(tab: &mut impl Tab, board: &Board, action: &str) -> Want {
    let theme = theme();
    tab.act(action, &Ctx { board, now: sample::now(), theme: &theme, focused: true })
}

/// The boards every tab is drawn from.
pub fn boards() -> [(&'static str, Board); 4] {
    [("empty", sample::empty()), ("live", sample::live()), ("stale", sample::stale()), ("alarm", sample::alarm())]
}

/// On every board, opened: nothing beyond ASCII on a plain terminal.
pub fn draws_ascii<T: Tab + Default>() {
    for (_, board) in boards() {
        let mut tab = T::default();
        act(&mut tab, &board, "open");
        let text = plain_frame(&mut tab, &board);
        assert!(text.is_ascii(), "{text}");
    }
}

/// Any area, after any actions: nothing panics.
pub fn draws_any_area<T: Tab + Default>((w, h): (u16, u16), which: usize, actions: &[usize]) {
    let board = &boards()[which].1;
    let mut tab = T::default();
    for action in actions {
        act(&mut tab, board, ACTIONS[*action]);
        frame(&mut tab, board, (w, h));
    }
}
