//! Whole frames of the console, and what it does with keys.

use std::sync::Arc;

use crokey::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::app::{App, Capabilities, Effect, Input};
use super::keys::{Context, Keymap, parse_key};
use super::sample;
use super::tabs;
use super::theme::{Depth, Theme};
use crate::base::clock::{Mono, Now};
use crate::model::alarm::AlarmState;
use crate::model::board::Board;
use crate::model::intent::IntentKind;

fn app(board: Board, theme: Theme) -> App {
    let about = Capabilities { who: "operator".into(), engine_here: true, bell: true, mouse: true };
    let keymap = Keymap::built_in().expect("the built-in keymap is good");
    let mut app = App::new(keymap, theme, tabs::all(), about, Arc::new(board), sample::now());
    // An even half second: nothing blinks inverse.
    app.handle(Input::Tick(Now { mono: Mono(sample::now().mono.0 / 1_000_000_000 * 1_000_000_000), ..sample::now() }));
    app
}

fn unicode() -> Theme {
    Theme::new(true, Depth::Palette)
}

fn key(app: &mut App, name: &str) {
    let k = parse_key(name).unwrap_or_else(|| panic!("{name} is a key"));
    let crokey::OneToThree::One(code) = k.codes else { panic!("one key") };
    app.handle(Input::Key(KeyEvent::new(code, k.modifiers)));
}

fn typed(app: &mut App, text: &str) {
    for c in text.chars() {
        app.handle(Input::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
    }
}

fn cells(app: &mut App, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal");
    terminal.draw(|f| app.draw(f)).expect("drawn");
    terminal.backend().buffer().clone()
}

fn text(app: &mut App, width: u16, height: u16) -> String {
    sample::text_of(&cells(app, width, height))
}

fn boards() -> [(&'static str, Board); 4] {
    [("empty", sample::empty()), ("live", sample::live()), ("stale", sample::stale()), ("alarm", sample::alarm())]
}

/// The frames of one tab in both sizes with every board.
fn frames_of(tab: Context) {
    let number = Context::TABS.iter().position(|c| *c == tab).expect("a tab") + 1;
    for (name, board) in boards() {
        for (width, height) in [(80, 24), (120, 40)] {
            let mut app = app(board.clone(), unicode());
            key(&mut app, &number.to_string());
            // The first drawing tells the tab its size, the second shows what followed.
            text(&mut app, width, height);
            insta::assert_snapshot!(
                format!("{}_{name}_{width}x{height}", tab.section()),
                text(&mut app, width, height)
            );
        }
    }
}

#[test]
fn cameras() {
    frames_of(Context::Cameras);
}

#[test]
fn plc() {
    frames_of(Context::Plc);
}

#[test]
fn details_in_a_narrow_terminal() {
    let mut a = app(sample::live(), unicode());
    text(&mut a, 80, 24);
    key(&mut a, "enter");
    insta::assert_snapshot!("camera_detail_80x24", text(&mut a, 80, 24));
    let mut a = app(sample::alarm(), unicode());
    text(&mut a, 120, 40);
    key(&mut a, "end");
    insta::assert_snapshot!("camera_refused_120x40", text(&mut a, 120, 40));
    key(&mut a, "3");
    text(&mut a, 80, 24);
    for k in ["up", "up", "enter"] {
        key(&mut a, k);
    }
    insta::assert_snapshot!("plc_frame_80x24", text(&mut a, 80, 24));
    for k in ["esc", "tab"] {
        key(&mut a, k);
    }
    insta::assert_snapshot!("plc_units_80x24", text(&mut a, 80, 24));
    key(&mut a, "v");
    insta::assert_snapshot!("plc_registers_120x40", text(&mut a, 120, 40));
}

#[test]
fn every_overlay_leaves_the_alarm_line_free() {
    for (name, keys) in [
        ("alarms", ["A"].as_slice()),
        ("acknowledge_all", &["A", "A"]),
        ("palette", &[":"]),
        ("demo", &["F"]),
        ("help", &["?"]),
        ("quit", &["q"]),
        ("history", &["E"]),
        ("history_alarm", &["E", "enter"]),
        ("alarm_history", &["A", "e"]),
        ("fleet", &["W"]),
        ("confirm", &["r"]),
    ] {
        let mut a = app(sample::alarm(), unicode());
        let before = text(&mut a, 80, 24);
        for k in keys {
            key(&mut a, k);
            text(&mut a, 80, 24);
        }
        let shown = text(&mut a, 80, 24);
        assert_eq!(shown.lines().nth(2), before.lines().nth(2), "{name} covers the alarm line");
        insta::assert_snapshot!(format!("overlay_{name}_80x24"), shown);
        assert_ne!(shown, before);
        for _ in keys {
            key(&mut a, "esc");
        }
        assert_eq!(text(&mut a, 80, 24), before, "{name}: Esc goes back");
        assert!(!a.take_effects().iter().any(|e| matches!(e, Effect::Quit | Effect::Send(IntentKind::AcknowledgeAll))));
    }
}

#[test]
fn without_unicode_nothing_is_beyond_ascii() {
    for number in 1..=6 {
        for board in [sample::empty(), sample::live(), sample::alarm()] {
            let mut a = app(board, Theme::new(false, Depth::Mono));
            key(&mut a, &number.to_string());
            cells(&mut a, 120, 40);
            for open in [None, Some("A"), Some(":"), Some("?"), Some("E"), Some("W")] {
                if let Some(k) = open {
                    key(&mut a, k);
                }
                let b = cells(&mut a, 120, 40);
                assert!(b.content.iter().all(|c| c.symbol().is_ascii()), "tab {number} {open:?}");
                assert!(
                    b.content.iter().all(|c| c.fg == Color::Reset && c.bg == Color::Reset),
                    "tab {number} {open:?}"
                );
                key(&mut a, "esc");
            }
        }
    }
    let mut a = app(sample::alarm(), Theme::new(false, Depth::Mono));
    text(&mut a, 120, 40);
    insta::assert_snapshot!("cameras_ascii_120x40", text(&mut a, 120, 40));
}

#[test]
fn sixteen_colours_are_sixteen() {
    for number in 1..=6 {
        let mut a = app(sample::alarm(), Theme::new(true, Depth::Sixteen));
        key(&mut a, &number.to_string());
        cells(&mut a, 120, 40);
        let b = cells(&mut a, 120, 40);
        let beyond = |c: Color| matches!(c, Color::Rgb(..) | Color::Indexed(_));
        assert!(!b.content.iter().any(|c| beyond(c.fg) || beyond(c.bg)), "tab {number}");
    }
}

#[test]
fn all_well_is_calm() {
    let mut board = sample::live();
    let mut upkeep = (*board.upkeep).clone();
    // What is overdue is marked on the tab line, rightly.
    upkeep.tasks.retain(|t| t.due != crate::model::upkeep::Due::Overdue);
    board.upkeep = std::sync::Arc::new(upkeep);
    let mut a = app(board, unicode());
    key(&mut a, "3");
    let b = cells(&mut a, 120, 40);
    let calm = [Color::Reset, Color::DarkGray, Color::Cyan];
    let loud: Vec<&str> =
        b.content.iter().filter(|c| !calm.contains(&c.fg)).map(ratatui::buffer::Cell::symbol).collect();
    assert!(loud.is_empty(), "{loud:?}");
}

#[test]
fn only_the_cell_of_the_unacknowledged_blinks() {
    let at = |half: u64| Now {
        mono: Mono(sample::now().mono.0 / 1_000_000_000 * 1_000_000_000 + half * 500_000_000),
        ..sample::now()
    };
    let mut a = app(sample::alarm(), unicode());
    key(&mut a, "3");
    a.handle(Input::Tick(at(0)));
    let off = cells(&mut a, 120, 40);
    a.handle(Input::Tick(at(1)));
    assert!(a.dirty(), "the blink is drawn");
    let on = cells(&mut a, 120, 40);
    let changed: Vec<(usize, &str)> = off
        .content
        .iter()
        .zip(&on.content)
        .enumerate()
        .filter(|(_, (x, y))| x.modifier != y.modifier)
        .map(|(i, (_, y))| (i / 120, y.symbol()))
        .collect();
    assert_eq!(changed, [(1, "▲"), (1, "H"), (2, "▲"), (2, "H")]);
    let mut calm = app(sample::live(), unicode());
    calm.handle(Input::Tick(at(0)));
    cells(&mut calm, 120, 40);
    calm.handle(Input::Tick(at(1)));
    assert!(!calm.dirty(), "nothing blinks, nothing is drawn");
}

#[test]
fn a_small_terminal_says_what_is_needed_and_still_shows_the_alarm() {
    let mut a = app(sample::alarm(), unicode());
    let got = text(&mut a, 60, 20);
    assert!(got.contains("80 columns") && got.contains("east-bearing"), "{got}");
    for (w, h) in [(1, 1), (2, 40), (79, 24), (80, 23), (300, 3)] {
        text(&mut a, w, h);
    }
    for (w, h) in [(80, 24), (100, 24), (99, 60), (300, 100)] {
        for number in 1..=6 {
            key(&mut a, &number.to_string());
            text(&mut a, w, h);
        }
    }
}

#[test]
fn one_key_acknowledges_what_is_shown_on_every_tab() {
    for number in ["1", "3", "6"] {
        let mut a = app(sample::alarm(), unicode());
        key(&mut a, number);
        text(&mut a, 80, 24);
        a.take_effects();
        key(&mut a, "a");
        let id = "east-bearing.velocity_rms_mm_s".into();
        assert_eq!(a.take_effects(), [Effect::Send(IntentKind::Acknowledge(id))]);
        assert!(text(&mut a, 80, 24).contains("acknowledging…"));
        key(&mut a, "a");
        assert_eq!(a.take_effects(), [], "not the next one by accident");
    }
}

#[test]
fn an_acknowledgment_counts_only_when_the_board_shows_it() {
    let mut a = app(sample::alarm(), unicode());
    text(&mut a, 120, 40);
    key(&mut a, "a");
    let id = sample::alarm().alarms[0].id.clone();
    a.handle(Input::Reply(IntentKind::Acknowledge(id.clone()), Ok("acknowledged".into())));
    assert!(text(&mut a, 120, 40).lines().nth(2).expect("a line").contains("acknowledging…"));
    let mut done = sample::alarm();
    let mut alarms = done.alarms.to_vec();
    alarms[0].state = AlarmState::ActiveAcknowledged;
    done.alarms = alarms.into();
    a.handle(Input::Board(Arc::new(done)));
    assert!(text(&mut a, 120, 40).lines().nth(2).expect("a line").contains("conveyor-head"));
    // And when the journal cannot write it, the person is told and can try again.
    let mut a = app(sample::alarm(), unicode());
    text(&mut a, 120, 40);
    key(&mut a, "a");
    a.take_effects();
    a.handle(Input::Reply(IntentKind::Acknowledge(id), Err("The disk is full: not acknowledged.".into())));
    let got = text(&mut a, 120, 40);
    assert!(got.contains("The disk is full") && !got.contains("acknowledging"), "{got}");
    key(&mut a, "a");
    assert_eq!(a.take_effects().len(), 1);
}

#[test]
fn an_alarm_that_takes_the_line_between_look_and_key_is_not_acknowledged() {
    let mut a = app(sample::alarm(), unicode());
    text(&mut a, 80, 24);
    a.take_effects();
    let mut worse = sample::alarm();
    let mut alarms = worse.alarms.to_vec();
    let mut new = alarms[0].clone();
    new.id = "west-bearing.velocity_rms_mm_s".into();
    new.priority = crate::model::alarm::Priority::Critical;
    alarms.push(new);
    worse.alarms = alarms.into();
    a.handle(Input::Board(Arc::new(worse)));
    a.take_effects();
    key(&mut a, "a");
    assert_eq!(a.take_effects(), [Effect::Send(IntentKind::Acknowledge("east-bearing.velocity_rms_mm_s".into()))]);
}

#[test]
fn a_new_alarm_rings_once() {
    let mut a = app(sample::live(), unicode());
    assert_eq!(a.take_effects(), []);
    a.handle(Input::Board(Arc::new(sample::alarm())));
    assert_eq!(a.take_effects(), [Effect::Bell]);
    a.handle(Input::Board(Arc::new(sample::alarm())));
    assert_eq!(a.take_effects(), []);
    let mut again = sample::alarm();
    let mut alarms = again.alarms.to_vec();
    alarms[0].since = sample::now().wall;
    again.alarms = alarms.into();
    a.handle(Input::Board(Arc::new(again)));
    assert_eq!(a.take_effects(), [Effect::Bell], "raised once more");
}

#[test]
fn leaving_asks_and_defaults_to_no() {
    let mut a = app(sample::live(), unicode());
    a.take_effects();
    for (keys, left) in [
        (["q", "enter"].as_slice(), false),
        (&["q", "esc"], false),
        (&["ctrl-c", "ctrl-c", "enter"], false),
        (&["?", "ctrl-c", "enter", "esc"], false),
        (&["q", "tab", "enter"], true),
        (&["q", "y"], true),
    ] {
        for k in keys {
            key(&mut a, k);
        }
        assert_eq!(a.take_effects().contains(&Effect::Quit), left, "{keys:?}");
        while text(&mut a, 80, 24).contains("Stop the engine?") {
            key(&mut a, "esc");
        }
    }
}

#[test]
fn the_palette_runs_what_is_typed_on_any_tab() {
    let mut a = app(sample::alarm(), unicode());
    text(&mut a, 120, 40);
    key(&mut a, ":");
    typed(&mut a, "plc errors");
    key(&mut a, "enter");
    assert!(text(&mut a, 120, 40).contains("errors only, 4 of 80"));
    key(&mut a, ":");
    typed(&mut a, "camera deck-west");
    key(&mut a, "enter");
    assert!(text(&mut a, 120, 40).contains("Screen deck, west"));
    a.take_effects();
    key(&mut a, "F");
    typed(&mut a, "cable");
    key(&mut a, "enter");
    let fault = IntentKind::DemoFault { fault: "camera-lost:deck-east".into(), on: true };
    assert!(a.take_effects().contains(&Effect::Send(fault)));
}

#[test]
fn a_frozen_view_keeps_the_old_board_and_says_so() {
    let mut a = app(sample::live(), unicode());
    let before = text(&mut a, 120, 40);
    key(&mut a, "f");
    a.handle(Input::Board(Arc::new(sample::alarm())));
    let frozen = text(&mut a, 120, 40);
    assert!(frozen.contains("FROZEN"));
    let body = |s: &str| s.lines().skip(4).take(30).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(body(&before), body(&frozen));
    assert!(frozen.lines().nth(2).expect("a line").contains("east-bearing"), "the alarm line is never frozen");
    key(&mut a, "f");
    assert_ne!(body(&text(&mut a, 120, 40)), body(&before));
}

#[test]
fn a_filter_works_while_typed_and_esc_brings_the_old_one_back() {
    let mut a = app(sample::live(), unicode());
    text(&mut a, 80, 24);
    key(&mut a, "/");
    typed(&mut a, "hot");
    let got = text(&mut a, 80, 24);
    assert!(got.contains("hot-blast") && !got.contains("conveyor"), "{got}");
    assert!(got.lines().last().expect("a line").contains("filter: hot"));
    key(&mut a, "esc");
    assert!(text(&mut a, 80, 24).contains("conveyor"));
    key(&mut a, "/");
    a.handle(Input::Paste("west\nrm -rf\n".into()));
    key(&mut a, "enter");
    assert!(!text(&mut a, 80, 24).contains("deck-east"));
}

#[test]
fn released_keys_and_unknown_ones_do_nothing() {
    let mut a = app(sample::live(), unicode());
    let before = text(&mut a, 80, 24);
    let mut e = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
    e.kind = KeyEventKind::Release;
    a.handle(Input::Key(e));
    key(&mut a, "f12");
    assert_eq!(text(&mut a, 80, 24), before);
}

#[test]
fn old_values_are_dimmed() {
    let dim = |board: Board| {
        let mut a = app(board, unicode());
        let b = cells(&mut a, 80, 24);
        // The frames per second of the first camera.
        let y = 5;
        let x = (0..80).find(|x| (0..4).map(|i| b[(x + i, y)].symbol()).collect::<String>() == "25.0").expect("shown");
        b[(x, y)].modifier.contains(Modifier::DIM)
    };
    assert!(!dim(sample::live()));
    assert!(dim(sample::stale()));
}

#[test]
fn vibration_frames() {
    frames_of(Context::Vibration);
}

#[test]
fn resources_frames() {
    frames_of(Context::Resources);
}

#[test]
fn logs_frames() {
    frames_of(Context::Logs);
}

#[test]
fn maintenance_frames() {
    frames_of(Context::Maintenance);
}

#[test]
fn the_tab_line_keeps_every_name_and_the_count_of_new_alarms() {
    for width in [80, 90, 100, 120] {
        let mut a = app(sample::alarm(), unicode());
        let shown = text(&mut a, width, 24);
        let line = shown.lines().nth(1).expect("a line");
        assert!(line.contains("6 Maintenance") && line.contains("3 ▲H"), "{width}: {line}");
    }
}

#[test]
fn the_history_in_every_size_and_on_a_plain_terminal() {
    let sizes = [("80x24", 80, 24), ("120x40", 120, 40), ("200x60", 200, 60)];
    for (name, w, h) in sizes {
        let mut a = app(sample::alarm(), unicode());
        key(&mut a, "E");
        insta::assert_snapshot!(format!("history_{name}"), text(&mut a, w, h));
        key(&mut a, "enter");
        insta::assert_snapshot!(format!("history_waveform_{name}"), text(&mut a, w, h));
        for k in ["esc", "down", "down", "down", "down", "down", "enter"] {
            key(&mut a, k);
            text(&mut a, w, h);
        }
        insta::assert_snapshot!(format!("history_run_{name}"), text(&mut a, w, h));
    }
    let mut a = app(sample::alarm(), Theme::new(false, Depth::Mono));
    for k in ["E", "enter"] {
        key(&mut a, k);
        assert!(text(&mut a, 80, 24).is_ascii());
    }
}

/// The question that the console has asked last.
fn asked(a: &mut App) -> Option<crate::model::history::Query> {
    a.take_effects().into_iter().rev().find_map(|e| match e {
        Effect::Send(IntentKind::History(ask)) => Some(ask.query),
        _ => None,
    })
}

#[test]
fn the_history_goes_back_page_by_page_and_narrows_by_kind_text_and_time() {
    use crate::model::history::Query;
    let mut a = app(sample::alarm(), unicode());
    key(&mut a, "E");
    text(&mut a, 80, 24);
    assert_eq!(asked(&mut a), None, "the first page is there");
    key(&mut a, "end");
    text(&mut a, 80, 24);
    key(&mut a, "down");
    let Some(Query::Events(q)) = asked(&mut a) else { panic!("the older page is asked for") };
    let oldest = sample::alarm().history.iter().find_map(|h| match &h.found {
        Ok(crate::model::history::Found::Events { events, .. }) => events.last().map(|e| e.seq),
        _ => None,
    });
    assert_eq!(q.before, oldest);
    assert!(text(&mut a, 80, 24).contains("Reading the journal"));
    key(&mut a, "up");
    assert!(!text(&mut a, 80, 24).contains("Reading the journal"), "and back without asking");
    assert_eq!(asked(&mut a), None);
    key(&mut a, "tab");
    assert!(matches!(asked(&mut a), Some(Query::Events(q)) if q.kinds.iter().map(|k| &**k).eq(["alarm_"])));
    key(&mut a, "/");
    typed(&mut a, "kum");
    let line = text(&mut a, 80, 24);
    assert!(line.lines().last().expect("a line").contains("filter: kum"), "{line}");
    assert!(matches!(asked(&mut a), Some(Query::Events(q)) if q.text.as_deref() == Some("kum")));
    key(&mut a, "esc");
    key(&mut a, "t");
    typed(&mut a, "soon");
    key(&mut a, "enter");
    let got = text(&mut a, 120, 24);
    assert!(got.contains("is no moment") && !got.contains("before soon,"), "{got}");
    for _ in 0..4 {
        key(&mut a, "backspace");
    }
    typed(&mut a, "2026-11-20 06:00");
    key(&mut a, "enter");
    let Some(Query::Events(q)) = asked(&mut a) else { panic!("a time is asked for") };
    assert_eq!(q.to.map(|t| t.to_string()).as_deref(), Some("2026-11-20T00:30:00Z"));
    assert!(text(&mut a, 120, 24).contains("before 20 Nov 2026 06:00:00"));
}

#[test]
fn a_history_that_cannot_be_read_says_why_and_is_asked_for_again() {
    use crate::model::history::{Answer, Asker, EventQuery, Query, with_answer};
    let mut board = sample::alarm();
    let query = Query::Events(EventQuery { limit: 200, ..EventQuery::default() });
    let found = Err("the disk of the journal failed".into());
    let failed = Answer { asker: Asker::List, query, at: sample::ago(1000), took_ms: 1.0, source: "journal", found };
    board.history = with_answer(&board.history, failed);
    let mut a = app(board, unicode());
    key(&mut a, "E");
    assert!(text(&mut a, 80, 24).contains("The journal could not be read: the disk of the journal failed"));
    assert_eq!(asked(&mut a), None, "not at once");
    let later = Now { mono: Mono(sample::now().mono.0 + 6_000_000_000), ..sample::now() };
    a.handle(Input::Tick(later));
    assert!(asked(&mut a).is_some());
    a.handle(Input::Tick(later));
    assert_eq!(asked(&mut a), None, "once");
}

#[test]
fn a_frozen_view_still_gets_what_it_asked_for() {
    let mut bare = sample::live();
    bare.history = Arc::new([]);
    let mut a = app(bare, unicode());
    key(&mut a, "2");
    text(&mut a, 120, 40);
    for k in ["f", "t", "t"] {
        key(&mut a, k);
    }
    assert!(asked(&mut a).is_some());
    assert!(text(&mut a, 120, 40).contains("reading the journal"));
    a.handle(Input::Board(Arc::new(sample::live())));
    let got = text(&mut a, 120, 40);
    assert!(got.contains("FROZEN") && !got.contains("reading the journal"), "{got}");
}

#[test]
fn the_fleet_in_every_size() {
    for (name, w, h) in [("80x24", 80, 24), ("120x40", 120, 40), ("200x60", 200, 60)] {
        let mut a = app(sample::live(), unicode());
        key(&mut a, "W");
        insta::assert_snapshot!(format!("fleet_{name}"), text(&mut a, w, h));
        key(&mut a, "W");
        assert!(!text(&mut a, w, h).contains("Nodes:"), "the key that opened it closes it");
    }
    let mut a = app(sample::empty(), unicode());
    key(&mut a, "W");
    assert!(text(&mut a, 80, 24).contains("No node is known"));
}
