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

mod whole_files {
    use std::sync::Arc;

    use super::*;
    use crate::model::intent::IntentKind;
    use crate::model::logs::{LogPage, LogQuery, LogRecord, Place, Severity};

    fn record(i: u64) -> LogRecord {
        let severity = if i % 4 == 1 { Severity::Error } else { Severity::Info };
        let text = if i % 4 == 1 {
            format!("2026-11-23 22:40:{i:02} IST [9] ERROR:  no table {i}\n  STATEMENT: select {i}")
        } else {
            format!("2026-11-23 22:40:{i:02} IST [9] LOG:  job {i} done")
        };
        LogRecord {
            offset: i * 100,
            end: i * 100 + 100,
            severity,
            at: Some(sample::now().wall),
            lines: text.lines().count() as u32,
            text: text.into(),
        }
    }

    fn answer(
        board: &Board,
        want: &Want,
        records: std::ops::Range<u64>,
        unfinished: Option<Place>,
    ) -> (Board, LogQuery) {
        let Want::Send(IntentKind::Log(query)) = want else { panic!("{want:?}") };
        let page = LogPage {
            query: query.clone(),
            size_bytes: 1 << 30,
            at_start: records.start == 0,
            at_end: false,
            records: records.map(record).collect(),
            unfinished,
            read_bytes: 1 << 20,
            took_ms: 2.0,
            fault: None,
        };
        let mut b = board.clone();
        b.log_pages = vec![Arc::new(page)].into();
        (b, query.clone())
    }

    fn idle(tab: &mut Logs, board: &Board) -> Want {
        let theme = theme();
        tab.idle(&Ctx { board, now: sample::now(), theme: &theme, focused: true })
    }

    fn text(tab: &mut Logs, board: &Board, tag: &'static str, text: &str) -> Want {
        let theme = theme();
        tab.text(tag, Some(text), &Ctx { board, now: sample::now(), theme: &theme, focused: true })
    }

    #[test]
    fn pages_are_asked_for_and_walked() {
        let board = sample::live();
        let mut tab = on_file(&board, 2);
        let want = act(&mut tab, &board, "whole-file");
        let (answered, query) = answer(&board, &want, 20..40, None);
        assert_eq!((query.place, query.filter), (Place::End, None));
        assert_eq!(idle(&mut tab, &board), Want::Nothing, "not there yet");
        assert_eq!(idle(&mut tab, &answered), Want::Nothing);
        act(&mut tab, &answered, "previous-error");
        act(&mut tab, &answered, "open");
        for size in SIZES {
            insta::assert_snapshot!(format!("whole_{}x{}", size.0, size.1), frame(&mut tab, &answered, size));
        }
        act(&mut tab, &answered, "back");
        for _ in 0..17 {
            act(&mut tab, &answered, "up");
        }
        let want = act(&mut tab, &answered, "up");
        let (_, query) = answer(&board, &want, 0..20, None);
        assert_eq!(query.place, Place::Before(2000));
        act(&mut tab, &answered, "back");
        assert!(frame(&mut tab, &answered, (120, 35)).contains("following"));
    }

    #[test]
    fn a_search_goes_on_until_it_finds_and_then_shows_the_place() {
        let board = sample::live();
        let mut tab = on_file(&board, 2);
        act(&mut tab, &board, "whole-file");
        let want = text(&mut tab, &board, super::super::book::FIND, "no table");
        let (part, query) = answer(&board, &want, 0..0, Some(Place::From(1 << 29)));
        assert_eq!((query.filter.as_deref(), query.records), (Some("no table"), 1));
        let on = idle(&mut tab, &part);
        assert!(frame(&mut tab, &part, (120, 35)).contains("searched 50 %"));
        let (found, query) = answer(&board, &on, 21..22, None);
        assert_eq!(query.place, Place::From(1 << 29));
        let show = idle(&mut tab, &found);
        let (_, query) = answer(&board, &show, 21..30, None);
        assert_eq!((query.place, query.filter), (Place::From(2100), None));
    }

    #[test]
    fn times_filters_and_bookmarks() {
        let board = sample::live();
        let mut tab = on_file(&board, 2);
        assert!(matches!(text(&mut tab, &board, super::super::book::TIME, "noon"), Want::Say(_)));
        let want = text(&mut tab, &board, super::super::book::TIME, "2h");
        let (answered, query) = answer(&board, &want, 0..9, None);
        assert!(matches!(query.place, Place::Time(_)));
        idle(&mut tab, &answered);
        let want = text(&mut tab, &answered, "filter", "table");
        let (_, query) = answer(&board, &want, 0..9, None);
        assert_eq!(query.filter.as_deref(), Some("table"));
        assert!(matches!(act(&mut tab, &answered, "bookmark"), Want::Prompt { .. }));
        let want = text(&mut tab, &answered, super::super::book::NOTE, " seen at the drum ");
        let Want::Send(IntentKind::Bookmark { source, line, note }) = want else { panic!("{want:?}") };
        assert!(source.contains("postgresql") && line.contains("job 0") && &*note == "seen at the drum");
        let mut live = Logs::default();
        assert!(matches!(act(&mut live, &board, "bookmark"), Want::Say(_)));
        assert!(matches!(act(&mut live, &board, "whole-file"), Want::Say(_)));
    }

    #[test]
    fn patterns_are_listed_new_ones_by_a_word() {
        let board = sample::live();
        let mut tab = Logs::default();
        act(&mut tab, &board, "patterns");
        for size in SIZES {
            insta::assert_snapshot!(format!("patterns_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
        }
        act(&mut tab, &board, "open");
        let text = frame(&mut tab, &board, (120, 35));
        assert!(
            text.contains("NEW") && text.contains("1 never seen before") && text.contains("3 lines, first"),
            "{text}"
        );
        act(&mut tab, &board, "back");
        act(&mut tab, &board, "back");
        assert!(tab.patterns.is_none());
    }
}
