//! Whole frames of the tab and what its keys ask for.

use proptest::prelude::*;

use super::Logs;
use crate::console::sample;
use crate::console::tabs::trial::{SIZES, act, boards, draws_any_area, draws_ascii, frame, theme};
use crate::console::view::{Ctx, Tab, Want};
use crate::model::board::Board;

#[test]
fn frames_of_every_board() {
    for (name, board) in boards() {
        for size in SIZES {
            let mut tab = Logs::default();
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
            act(&mut tab, &board, "open");
            insta::assert_snapshot!(format!("{name}_open_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
        }
    }
}

#[test]
fn ascii_terminals_get_ascii() {
    draws_ascii::<Logs>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_area_can_be_drawn(w in 0_u16..210, h in 0_u16..62, which in 0_usize..4, actions in prop::collection::vec(0_usize..20, 0..8)) {
        draws_any_area::<Logs>((w, h), which, &actions);
    }
}

fn on_file(board: &Board, nth: usize) -> Logs {
    let mut tab = Logs::default();
    for _ in 0..nth {
        act(&mut tab, board, "down");
    }
    tab
}

#[test]
fn frames_of_files() {
    let board = sample::live();
    for nth in 1..=3 {
        for size in SIZES {
            let mut tab = on_file(&board, nth);
            insta::assert_snapshot!(format!("file{nth}_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
        }
    }
    let mut tab = on_file(&board, 2);
    for action in ["previous-error", "open"] {
        act(&mut tab, &board, action);
    }
    insta::assert_snapshot!("error_in_full", frame(&mut tab, &board, (80, 19)));
}

#[test]
fn the_place_is_kept_by_line_number() {
    use crate::model::logs::{LogLine, Severity};
    use std::sync::Arc;
    let with_lines = |numbers: std::ops::Range<u64>| {
        let mut board = sample::live();
        let mut logs = board.logs.as_deref().expect("logs").clone();
        logs.sources[0].lines = numbers
            .map(|number| LogLine { number, severity: Severity::Info, text: format!("line {number}").into() })
            .collect();
        board.logs = Some(Arc::new(logs));
        board
    };
    let early = with_lines(0..100);
    let mut tab = on_file(&early, 1);
    frame(&mut tab, &early, (80, 19));
    for action in ["open", "up", "up"] {
        act(&mut tab, &early, action);
    }
    assert_eq!(tab.place, Some(97));
    let later = with_lines(50..200);
    assert!(frame(&mut tab, &later, (80, 19)).contains("paused at 97"));
    act(&mut tab, &later, "up");
    assert_eq!(tab.place, Some(96));
    let gone = with_lines(150..300);
    act(&mut tab, &gone, "up");
    assert_eq!(tab.place, Some(150), "what is forgotten leaves the oldest line that is left");
    act(&mut tab, &gone, "last");
    assert_eq!(tab.place, None, "at the end the newest line is followed");
}

#[test]
fn errors_are_found_both_ways() {
    let board = sample::live();
    let mut tab = on_file(&board, 2);
    assert_eq!(act(&mut tab, &board, "previous-error"), Want::Nothing);
    let newest = tab.place.expect("an error");
    assert!(matches!(act(&mut tab, &board, "next-error"), Want::Say(_)));
    assert_eq!(tab.place, Some(newest));
    let mut tab = Logs::default();
    assert!(matches!(act(&mut tab, &board, "next-error"), Want::Say(_)));
}

#[test]
fn level_and_filter_narrow() {
    let board = sample::live();
    let mut tab = on_file(&board, 1);
    for _ in 0..3 {
        act(&mut tab, &board, "level");
    }
    let text = frame(&mut tab, &board, (120, 35));
    assert!(text.contains("errors only"), "{text}");
    let theme = theme();
    let ctx = Ctx { board: &board, now: sample::now(), theme: &theme, focused: true };
    tab.text("filter", Some("no such words"), &ctx);
    assert!(frame(&mut tab, &board, (120, 35)).contains("No line has"));
}

#[test]
fn every_target_can_be_revealed() {
    let board = sample::live();
    let theme = theme();
    let ctx = Ctx { board: &board, now: sample::now(), theme: &theme, focused: true };
    let mut tab = Logs::default();
    for (_, path) in tab.targets(&board) {
        assert_eq!(tab.reveal(&path, &ctx), Want::Nothing);
        assert_eq!(tab.file(&ctx).map(|f| &*f.path), Some(path.as_str()));
    }
    assert!(matches!(tab.reveal("/no/such/file", &ctx), Want::Say(_)));
}
