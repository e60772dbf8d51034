//! Whole frames of the tab and what its keys ask for.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::Maintenance;
use super::state::Mode;
use crate::base::clock::Now;
use crate::console::sample;
use crate::console::tabs::trial::{SIZES, act, boards, draws_any_area, draws_ascii, frame, plain_frame, theme};
use crate::console::view::{Ctx, Tab, Want};
use crate::model::board::Board;
use crate::model::intent::IntentKind;
use crate::model::upkeep::{Answer, Choice, Outcome, RunRecord, StepKind, UpkeepBoard};

#[test]
fn frames_of_every_board() {
    for (name, board) in boards() {
        for size in SIZES {
            let mut tab = Maintenance::default();
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
            act(&mut tab, &board, "open");
            insta::assert_snapshot!(format!("{name}_open_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
        }
    }
}

#[test]
fn ascii_terminals_get_ascii() {
    draws_ascii::<Maintenance>();
    insta::assert_snapshot!("ascii", plain_frame(&mut Maintenance::default(), &sample::alarm()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_area_can_be_drawn(w in 0_u16..210, h in 0_u16..62, which in 0_usize..4, actions in prop::collection::vec(0_usize..20, 0..8)) {
        draws_any_area::<Maintenance>((w, h), which, &actions);
    }
}

/// A board whose open run stands at a step of this kind, with this proposal.
fn at_step(kind: &StepKind, proposal: Option<Answer>) -> Board {
    let mut board = sample::live();
    let mut upkeep: UpkeepBoard = (*board.upkeep).clone();
    let step = upkeep.runs[0].steps.iter_mut().find(|s| s.answer.is_none()).expect("an open step");
    step.def.kind = kind.clone();
    step.proposal = proposal;
    board.upkeep = Arc::new(upkeep);
    board
}

/// The tab with that board's run opened.
fn in_run(board: &Board) -> Maintenance {
    let mut tab = Maintenance { selected: Some(board.upkeep.runs[0].task.clone()), ..Maintenance::default() };
    assert_eq!(act(&mut tab, board, "open"), Want::Nothing);
    assert!(tab.run.is_some());
    tab
}

fn answer(outcome: Outcome, evidence: &[&str]) -> Answer {
    Answer { outcome, evidence: evidence.iter().map(|s| (*s).to_owned()).collect() }
}

fn check() -> StepKind {
    StepKind::Check { check: "cameras".into() }
}

fn text(tab: &mut Maintenance, board: &Board, tag: &'static str, text: &str) -> Want {
    let theme = theme();
    tab.text(tag, Some(text), &Ctx { board, now: sample::now(), theme: &theme, focused: true })
}

fn measure() -> StepKind {
    StepKind::Measure { unit: "mm".into(), min: 0.0, max: 100.0, low: Some(1.0), high: Some(5.0) }
}

fn choose() -> StepKind {
    let option = |text: &str, good| Choice { text: text.into(), good };
    StepKind::Choose { options: [option("the lamp is on", true), option("the lamp is off", false)].into() }
}

fn action() -> StepKind {
    StepKind::Action { action: "remove-temporary".into() }
}

/// An action that is being carried out.
fn working() -> Board {
    let mut board = at_step(&action(), None);
    let mut upkeep: UpkeepBoard = (*board.upkeep).clone();
    let step = upkeep.runs[0].steps.iter_mut().find(|s| s.answer.is_none()).expect("an open step");
    step.working = true;
    board.upkeep = Arc::new(upkeep);
    board
}

/// A board whose open run is answered and waits for its signature.
fn to_sign() -> Board {
    let mut board = sample::live();
    let mut upkeep: UpkeepBoard = (*board.upkeep).clone();
    let run = &mut upkeep.runs[0];
    for step in &mut run.steps {
        step.answer.get_or_insert_with(|| answer(Outcome::Passed, &["as it should be"]));
    }
    run.to_sign = Some("5b0c6a4be1f94d1f9f4c7be0a1f3a9d9a4b0c2f16c0c5a7714e5f3f1f7b0d2c9".into());
    board.upkeep = Arc::new(upkeep);
    board
}

#[test]
fn frames_of_the_other_lists() {
    let board = sample::live();
    for (turns, name) in ["calendar", "follow_ups", "records"].into_iter().enumerate() {
        for size in SIZES {
            let mut tab = Maintenance::default();
            for _ in 0..=turns {
                assert_eq!(act(&mut tab, &board, "list"), Want::Nothing);
            }
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
        }
    }
    let mut tab = Maintenance::default();
    act(&mut tab, &board, "list");
    insta::assert_snapshot!("calendar_ascii", plain_frame(&mut tab, &board));
}

#[test]
fn the_calendar_is_walked_by_day_week_and_month_within_its_bounds() {
    let board = sample::live();
    let mut tab = Maintenance::default();
    act(&mut tab, &board, "list");
    let mut shown = |actions: &[&str]| {
        let last = actions.iter().map(|a| act(&mut tab, &board, a)).last();
        (frame(&mut tab, &board, (80, 19)), last)
    };
    assert!(shown(&[]).0.contains("Today, Monday 23 November 2026"));
    assert!(shown(&["right", "down"]).0.contains("Tuesday 1 December 2026"));
    assert!(shown(&["page-up", "left"]).0.contains("Saturday 31 October 2026"));
    let (frame, said) = shown(&["page-up", "page-up", "page-up"]);
    assert!(frame.contains("August 2026"), "{frame}");
    assert!(matches!(said, Some(Want::Say(words)) if words.contains("three months")));
    assert!(shown(&["first"]).0.contains("Today, Monday 23 November 2026"));
    shown(&["open"]);
    assert_eq!((tab.mode, tab.selected.as_deref()), (Mode::Tasks, Some("cameras")));
}

#[test]
fn frames_of_a_run() {
    let found = answer(Outcome::Failed, &["deck-west: lost for 4 min, no route to host", "3 of 4 cameras live"]);
    let preview =
        answer(Outcome::Passed, &["14 files, 212 MB, the oldest of 3 Nov", "/var/tmp/vms/frame-0412.part  16 MB"]);
    let unknown = answer(Outcome::Unknown, &["This was begun, and the program ended before it was done."]);
    let boards = [
        ("check", at_step(&check(), Some(found))),
        ("check_looking", at_step(&check(), None)),
        ("observe", at_step(&StepKind::Observe, None)),
        ("note", at_step(&StepKind::Note, None)),
        ("measure", at_step(&measure(), None)),
        ("choose", at_step(&choose(), None)),
        ("action", at_step(&action(), Some(preview))),
        ("action_working", working()),
        ("action_end_unknown", at_step(&action(), Some(unknown))),
        ("sign", to_sign()),
    ];
    for (name, board) in boards {
        for size in SIZES {
            let mut tab = in_run(&board);
            insta::assert_snapshot!(format!("run_{name}_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
        }
    }
}

#[test]
fn starting_asks_the_engine_and_opens_the_run_once_it_is_on_the_board() {
    let board = sample::live();
    let mut tab = Maintenance::default();
    let Want::Send(IntentKind::StartRun { task, .. }) = act(&mut tab, &board, "run") else { panic!("a run is wanted") };
    assert!(matches!(act(&mut tab, &board, "run"), Want::Say(_)), "it is not asked for twice");
    let mut later = sample::live();
    let mut upkeep = (*later.upkeep).clone();
    let mut run = upkeep.runs[0].clone();
    (run.run, run.task) = (43, task);
    upkeep.runs.push(run);
    later.upkeep = Arc::new(upkeep);
    frame(&mut tab, &later, (80, 19));
    assert_eq!(tab.run.as_ref().map(|r| r.run), Some(43));
}

#[test]
fn a_check_is_accepted_with_its_evidence() {
    let found = answer(Outcome::Passed, &["4 of 4 cameras live"]);
    let board = at_step(&check(), Some(found.clone()));
    let mut tab = in_run(&board);
    let Want::Send(IntentKind::AnswerStep { run: 42, answer, .. }) = act(&mut tab, &board, "open") else {
        panic!("an answer is wanted")
    };
    assert_eq!(answer, found);
    assert!(matches!(act(&mut tab, &board, "open"), Want::Say(_)), "it is not sent twice");
    let shown = frame(&mut tab, &board, (80, 19));
    assert!(shown.contains("being written") && !shown.contains("accept"), "{shown}");
}

#[test]
fn nothing_can_be_accepted_while_the_program_cannot_tell() {
    for proposal in [None, Some(answer(Outcome::Unknown, &["no camera has reported"]))] {
        let board = at_step(&check(), proposal);
        let mut tab = in_run(&board);
        let Want::Say(words) = act(&mut tab, &board, "open") else { panic!("it must be refused") };
        assert!(words.contains("skips it with a reason"), "{words}");
    }
}

#[test]
fn a_person_answers_what_only_a_person_can_see() {
    let board = at_step(&StepKind::Observe, None);
    let mut tab = in_run(&board);
    assert!(matches!(act(&mut tab, &board, "open"), Want::Say(_)), "Enter alone ticks nothing");
    let Want::Prompt { tag, .. } = act(&mut tab, &board, "not-in-order") else { panic!("a finding is asked for") };
    assert!(matches!(text(&mut tab, &board, tag, "  "), Want::Say(_)));
    let Want::Send(IntentKind::AnswerStep { answer: got, .. }) = text(&mut tab, &board, tag, "lens cracked") else {
        panic!("an answer is wanted")
    };
    assert_eq!(got, answer(Outcome::Failed, &["lens cracked"]));
    let mut tab = in_run(&board);
    assert!(matches!(
        act(&mut tab, &board, "in-order"),
        Want::Send(IntentKind::AnswerStep { answer: Answer { outcome: Outcome::Passed, .. }, .. })
    ));
}

#[test]
fn skipping_needs_a_reason_and_giving_up_is_asked() {
    let board = at_step(&StepKind::Observe, None);
    let mut tab = in_run(&board);
    let Want::Prompt { tag, .. } = act(&mut tab, &board, "skip") else { panic!("a reason is asked for") };
    assert!(matches!(text(&mut tab, &board, tag, ""), Want::Say(_)));
    assert!(matches!(
        text(&mut tab, &board, tag, "no ladder"),
        Want::Send(IntentKind::AnswerStep { answer: Answer { outcome: Outcome::Skipped, .. }, .. })
    ));
    assert!(matches!(act(&mut tab, &board, "abandon"), Want::Confirm { then: IntentKind::AbandonRun { run: 42 }, .. }));
}

#[test]
fn an_answer_that_never_arrives_is_said() {
    let board = at_step(&StepKind::Observe, None);
    let mut tab = in_run(&board);
    act(&mut tab, &board, "in-order");
    let theme = theme();
    let now = sample::now();
    let later = Now { mono: now.mono.after(Duration::from_secs(9)), ..now };
    let ctx = Ctx { board: &board, now: later, theme: &theme, focused: true };
    assert!(matches!(tab.act("in-order", &ctx), Want::Send(_)), "it may be sent again");
}

#[test]
fn the_summary_shows_every_answer_and_escape_leaves() {
    use crate::model::event::{Event, EventKind};
    let board = sample::live();
    let mut tab = in_run(&board);
    let mut done = sample::live();
    let mut upkeep = (*done.upkeep).clone();
    let run = upkeep.runs.remove(0);
    let record = RunRecord {
        run: 42,
        task: run.task.clone(),
        who: run.who.clone(),
        at: sample::ago(1000).wall,
        passed: false,
        abandoned: false,
        record: None,
        wants_counter_signature: false,
    };
    upkeep.records = std::iter::once(record).chain(upkeep.records.iter().cloned()).collect();
    done.upkeep = Arc::new(upkeep);
    let answers = [
        answer(Outcome::Skipped, &["no ladder on this shift"]),
        answer(Outcome::Passed, &["west lens cleaned, picture sharper"]),
    ];
    done.events = run.steps[1..]
        .iter()
        .zip(answers)
        .enumerate()
        .map(|(i, (step, answer))| Event {
            seq: 900 + i as u64,
            at: sample::ago(2000).wall,
            kind: EventKind::StepAnswered { run: 42, step: step.def.id.clone(), answer, who: run.who.clone() },
        })
        .collect();
    for size in SIZES {
        insta::assert_snapshot!(format!("summary_{}x{}", size.0, size.1), frame(&mut tab, &done, size));
    }
    assert!(frame(&mut tab, &done, (80, 19)).contains("no ladder on this shift"));
    act(&mut tab, &done, "back");
    assert!(tab.run.is_none());
}

#[test]
fn an_old_answer_of_the_program_is_not_accepted() {
    let mut board = at_step(&check(), Some(answer(Outcome::Passed, &["4 of 4 cameras live"])));
    board.at = sample::ago(47_000);
    let mut tab = in_run(&board);
    assert!(frame(&mut tab, &board, (80, 19)).contains("47 s old"));
    assert!(matches!(act(&mut tab, &board, "open"), Want::Say(_)));
}

/// The whole console with this board, at the maintenance tab with its run open.
fn console(board: Board) -> crate::console::app::App {
    use crate::console::app::{App, Capabilities};
    let about = Capabilities { who: "operator".into(), engine_here: true, bell: false, mouse: false };
    let keymap = crate::console::keys::Keymap::built_in().expect("the built-in keymap is good");
    let tabs = crate::console::tabs::all();
    let mut app = App::new(keymap, theme(), tabs, about, Arc::new(board), sample::now());
    for key in ["6", "down", "down", "enter"] {
        press(&mut app, key);
    }
    app.take_effects();
    app
}

fn press(app: &mut crate::console::app::App, name: &str) {
    use crokey::crossterm::event::KeyEvent;
    let combination = crate::console::keys::parse_key(name).expect("a key");
    let crokey::OneToThree::One(code) = combination.codes else { panic!("one key") };
    app.handle(crate::console::app::Input::Key(KeyEvent::new(code, combination.modifiers)));
}

#[test]
fn the_keys_of_the_console_answer_a_step() {
    use crate::console::app::Effect;
    let mut app = console(at_step(&StepKind::Observe, None));
    for key in ["x", "w", "e", "t", "enter"] {
        press(&mut app, key);
    }
    let effects = app.take_effects();
    let skipped = answer(Outcome::Skipped, &["wet"]);
    assert!(
        matches!(&effects[..], [Effect::Send(IntentKind::AnswerStep { run: 42, answer, .. })] if *answer == skipped),
        "{effects:?}"
    );

    let mut app = console(at_step(&StepKind::Observe, None));
    press(&mut app, "X");
    press(&mut app, "enter");
    assert!(app.take_effects().is_empty(), "the question defaults to No");
    press(&mut app, "X");
    press(&mut app, "y");
    assert_eq!(app.take_effects(), [Effect::Send(IntentKind::AbandonRun { run: 42 })]);
}
