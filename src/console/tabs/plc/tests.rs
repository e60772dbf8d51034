//! Pausing, filtering, resetting.

use super::*;
use crate::console::sample;
use crate::console::theme::{Depth, Theme};
use crate::model::board::Board;

fn draw(tab: &mut Plc, board: &Board) -> String {
    sample::text_of(&sample::draw_tab(tab, board, &Theme::new(true, Depth::Sixteen), 120, 30))
}

fn with<R>(board: &Board, f: impl FnOnce(&Ctx<'_>) -> R) -> R {
    let theme = Theme::new(true, Depth::Sixteen);
    f(&Ctx { board, now: sample::now(), theme: &theme, focused: true })
}

#[test]
fn a_paused_view_keeps_its_place_while_frames_come_and_go() {
    let mut tab = Plc::default();
    let old = sample::live();
    let seen = draw(&mut tab, &old);
    with(&old, |ctx| tab.act("pause", ctx));
    let mut new = sample::live();
    let mut frames = new.traffic.to_vec();
    for f in &mut frames {
        f.number += 500;
    }
    new.traffic = frames.into();
    let paused = draw(&mut tab, &new);
    assert!(paused.contains("PAUSED, 500 newer"), "{paused}");
    assert_eq!(
        seen.lines().last().map(|l| l.chars().skip(50).collect::<String>()),
        paused.lines().last().map(|l| l.chars().skip(50).collect())
    );
    with(&new, |ctx| tab.act("up", ctx));
    assert!(draw(&mut tab, &new).contains("PAUSED"));
    with(&new, |ctx| tab.act("last", ctx));
    assert!(!draw(&mut tab, &new).contains("PAUSED"));
}

#[test]
fn errors_only_keeps_the_request_with_its_bad_answer() {
    let mut tab = Plc::default();
    let board = sample::alarm();
    with(&board, |ctx| tab.act("errors-only", ctx));
    let got = draw(&mut tab, &board);
    assert!(got.contains("4 of 80") && got.contains("no answer within 500 ms"), "{got}");
    with(&board, |ctx| tab.act("back", ctx));
    assert!(draw(&mut tab, &board).contains("80 frames"));
}

#[test]
fn a_filter_looks_into_bytes_and_words() {
    let mut tab = Plc::default();
    let board = sample::live();
    with(&board, |ctx| tab.text("filter", Some("C8 E0"), ctx));
    assert!(draw(&mut tab, &board).contains("26 of 80"));
    with(&board, |ctx| tab.text("filter", Some("no such"), ctx));
    assert!(draw(&mut tab, &board).contains("No frame matches."));
}

#[test]
fn the_selected_frame_is_decoded_field_by_field() {
    let mut tab = Plc::default();
    let board = sample::alarm();
    draw(&mut tab, &board);
    with(&board, |ctx| {
        tab.act("up", ctx);
        tab.act("up", ctx);
        tab.act("open", ctx);
    });
    let got = draw(&mut tab, &board);
    assert!(got.contains("wrong checksum: bytes 23-24") && got.contains("byte count"), "{got}");
}

#[test]
fn a_reset_asks_and_names_what_stops() {
    let board = sample::live();
    with(&board, |ctx| match Plc::default().act("reset", ctx) {
        Want::Confirm { question, then } => {
            assert!(question.contains("/dev/ttyUSB0"));
            assert_eq!(then, IntentKind::ResetPlc("bf2-plc".into()));
        }
        other => panic!("{other:?}"),
    });
}
