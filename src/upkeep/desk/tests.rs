//! Tests of the desk: the order of steps, what is promised, and that a restored desk equals the live one.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::upkeep::Due;

const CATALOGUE: &str = r#"
[[task]]
id = "round"
row = "D"
title = "Round"
cadence = "daily"
covers = ["single"]
[[task.step]]
id = "a"
title = "A"
why = "w"
how = "h"
kind = "check"
check = "plc"
[[task.step]]
id = "b"
title = "B"
why = "w"
how = "h"
kind = "observe"
[[task.step]]
id = "c"
title = "C"
why = "w"
how = "h"
kind = "note"
[[task]]
id = "single"
row = "D1"
title = "Single"
cadence = "daily"
[[task.step]]
id = "a"
title = "A"
why = "w"
how = "h"
kind = "observe"
"#;

fn at(s: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + s).unwrap()
}

fn now(s: u64) -> Now {
    Now { wall: at(s as i64), mono: crate::base::clock::Mono(0).after(Duration::from_secs(s)) }
}

fn desk(events: &[Event]) -> Desk {
    Desk::new(Catalogue::parse("t", CATALOGUE).unwrap(), TimeZone::UTC, at(0), events)
}

fn said(outcome: Outcome, text: &str) -> Answer {
    Answer { outcome, evidence: if text.is_empty() { vec![] } else { vec![text.into()] } }
}

/// A desk with its journal.
struct Live {
    desk: Desk,
    events: Vec<Event>,
}

impl Live {
    fn new() -> Self {
        Self { desk: desk(&[]), events: Vec::new() }
    }

    fn write(&mut self, kinds: impl IntoIterator<Item = EventKind>) {
        for kind in kinds {
            let seq = self.events.len() as u64 + 1;
            let event = Event { seq, at: at(seq as i64), kind };
            self.desk.apply(&event);
            self.events.push(event);
        }
    }

    fn start(&mut self, task: &str) -> u64 {
        let (run, kind) = self.desk.start(task, "ana").unwrap();
        self.write([kind]);
        run
    }

    fn answer(&mut self, run: u64, step: &str, answer: Answer) {
        let kinds = self.desk.answer(run, step, answer, "ana").unwrap();
        self.write(kinds);
    }
}

#[test]
fn a_whole_round_in_order_marks_it_and_what_it_covers_as_done() {
    let mut live = Live::new();
    assert_eq!(live.desk.board(now(1), &|_| None).count(Due::Due), 2);
    let run = live.start("round");
    assert_eq!(live.desk.check_of(run, "a").as_deref(), Some("plc"));
    assert!(live.desk.answer(run, "b", said(Outcome::Passed, ""), "ana").unwrap_err().contains("a comes first"));
    live.answer(run, "a", said(Outcome::Passed, "live"));
    assert!(live.desk.check_of(run, "b").is_none());
    live.answer(run, "b", said(Outcome::Failed, "steam"));
    assert!(live.desk.answer(run, "c", said(Outcome::Passed, " "), "ana").unwrap_err().contains("none"));
    live.answer(run, "c", said(Outcome::Passed, "steam leak told to shift lead"));
    let board = live.desk.board(now(9), &|_| None);
    assert_eq!((board.count(Due::Done), board.runs.len(), board.records.len()), (2, 0, 1));
    assert!(!board.records[0].passed && !board.records[0].abandoned);
    assert_eq!(board.tasks[0].last_by.as_ref().map(|b| (&*b.0, b.1)), Some(("ana", false)));
    assert!(live.desk.answer(run, "c", said(Outcome::Passed, "x"), "ana").unwrap_err().contains("not open"));
}

#[test]
fn what_is_promised_is_not_promised_twice_and_nothing_changes_before_the_event() {
    let mut d = desk(&[]);
    let (run, started) = d.start("single", "ana").unwrap();
    assert!(d.start("single", "ben").unwrap_err().contains("being started"));
    assert!(d.board(now(1), &|_| None).runs.is_empty());
    d.release(&started);
    let (second, started) = d.start("single", "ben").unwrap();
    assert!(second > run, "a number is never given twice");
    d.apply(&Event { seq: 1, at: at(1), kind: started });
    assert!(d.start("single", "ana").unwrap_err().contains("begun by ben"));
    let kinds = d.answer(second, "a", said(Outcome::Passed, ""), "ben").unwrap();
    assert_eq!(kinds.len(), 2, "the last answer ends the run");
    assert!(d.answer(second, "a", said(Outcome::Failed, ""), "ana").unwrap_err().contains("being written"));
    assert!(d.abandon(second, "ana").unwrap_err().contains("being written"));
    assert_eq!(d.current(second).map(|s| &*s.id), Some("a"));
}

#[test]
fn skipping_needs_a_reason_and_answers_are_bounded() {
    let mut live = Live::new();
    let run = live.start("round");
    let mut refuse = |answer: Answer| live.desk.answer(run, "a", answer, "ana").unwrap_err();
    assert!(refuse(said(Outcome::Skipped, " ")).contains("why"));
    assert!(refuse(Answer { outcome: Outcome::Passed, evidence: vec!["x".into(); 101] }).contains("100 lines"));
    assert!(refuse(said(Outcome::Passed, &"x".repeat(2001))).contains("2000"));
    assert!(refuse(said(Outcome::Passed, "a\x1bb")).contains("control"));
    live.answer(run, "a", said(Outcome::Skipped, "line is being rewired"));
    assert!(live.desk.start("nothing", "ana").unwrap_err().contains("round, single"));
}

#[test]
fn what_the_program_checks_cannot_be_ticked_off_by_hand() {
    let mut live = Live::new();
    let run = live.start("round");
    let settle = |live: &Live, step: &str, a: Answer, found: Option<Answer>| {
        live.desk.settle(run, step, a, &|_| found.clone()).outcome
    };
    let passed = || said(Outcome::Passed, "believe me");
    assert_eq!(settle(&live, "a", passed(), Some(said(Outcome::Failed, "lost"))), Outcome::Failed);
    assert_eq!(settle(&live, "a", passed(), None), Outcome::Unknown);
    assert_eq!(settle(&live, "a", said(Outcome::Skipped, "why"), Some(passed())), Outcome::Skipped);
    live.answer(run, "a", passed());
    assert_eq!(settle(&live, "b", passed(), Some(said(Outcome::Failed, "lost"))), Outcome::Passed, "a person's step");
}

#[test]
fn an_abandoned_run_leaves_the_task_due() {
    let mut live = Live::new();
    let run = live.start("round");
    let kind = live.desk.abandon(run, "ana").unwrap();
    live.write([kind]);
    let board = live.desk.board(now(5), &|_| None);
    assert_eq!((board.count(Due::Due), board.records[0].abandoned), (2, true));
}

#[test]
fn open_checks_show_what_the_program_would_answer_and_each_is_made_once() {
    let mut live = Live::new();
    live.start("round");
    let made = std::cell::Cell::new(0);
    let board = live.desk.board(now(2), &|name| {
        made.set(made.get() + 1);
        Some(said(Outcome::Passed, name))
    });
    let steps = &board.runs[0].steps;
    assert_eq!(steps[0].proposal.as_ref().map(|p| p.evidence[0].as_str()), Some("plc"));
    assert!(steps[1].proposal.is_none());
    assert_eq!(made.get(), 1);
}

#[test]
fn an_end_that_was_lost_with_the_power_is_made_up_for() {
    let mut live = Live::new();
    let run = live.start("single");
    let kinds = live.desk.answer(run, "a", said(Outcome::Passed, ""), "ana").unwrap();
    live.write(kinds.into_iter().take(1));
    let mut restored = desk(&live.events);
    let ends = restored.missing_ends();
    assert!(matches!(ends[..], [EventKind::RunFinished { passed: true, abandoned: false, .. }]), "{ends:?}");
    restored.apply(&Event { seq: 9, at: at(9), kind: ends[0].clone() });
    assert!(restored.missing_ends().is_empty());
    assert_eq!(restored.board(now(9), &|_| None).count(Due::Done), 1);
}

#[test]
fn a_run_of_a_task_that_is_gone_can_only_be_abandoned() {
    let started = EventKind::RunStarted { run: 4, task: "old".into(), who: "ana".into() };
    let mut d = desk(&[Event { seq: 1, at: at(1), kind: started }]);
    let board = d.board(now(2), &|_| None);
    assert!(board.runs[0].title.contains("abandon") && board.runs[0].steps.is_empty());
    assert!(d.answer(4, "a", said(Outcome::Passed, ""), "ana").is_err());
    assert!(d.abandon(4, "ana").is_ok());
}

/// What a person (or a program gone wrong) may ask for.
#[derive(Clone, Debug)]
enum Call {
    Start(usize),
    Answer(u64, usize, usize),
    Abandon(u64),
    /// The events of the call before are lost instead of written.
    Lose,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        (0usize..3).prop_map(Call::Start),
        (1u64..6, 0usize..4, 0usize..4).prop_map(|(r, s, o)| Call::Answer(r, s, o)),
        (1u64..6).prop_map(Call::Abandon),
        Just(Call::Lose),
    ]
}

fn perform(desk: &mut Desk, call: &Call) -> Vec<EventKind> {
    const OUTCOMES: [Outcome; 4] = [Outcome::Passed, Outcome::Failed, Outcome::Skipped, Outcome::Unknown];
    match call {
        Call::Start(task) => desk.start(["round", "single", "none"][*task], "p").map(|s| vec![s.1]).unwrap_or_default(),
        Call::Answer(run, step, outcome) => {
            desk.answer(*run, ["a", "b", "c", "x"][*step], said(OUTCOMES[*outcome], "t"), "p").unwrap_or_default()
        }
        Call::Abandon(run) => desk.abandon(*run, "p").map(|k| vec![k]).unwrap_or_default(),
        Call::Lose => Vec::new(),
    }
}

proptest! {
    #[test]
    fn any_order_of_calls_keeps_the_desk_consistent_and_restorable(calls in prop::collection::vec(call(), 0..60)) {
        let mut live = Live::new();
        for pair in calls.windows(2) {
            let kinds = perform(&mut live.desk, &pair[0]);
            if matches!(pair[1], Call::Lose) {
                for k in &kinds {
 live.desk.release(k);
 }
            } else {
                live.write(kinds);
            }
            let board = live.desk.board(now(100), &|_| None);
            for run in &board.runs {
                let current = run.current();
                prop_assert!(current.is_some(), "an open run waits for a step");
                prop_assert!(run.steps.iter().skip(current.unwrap()).all(|s| s.answer.is_none()), "in order");
            }
            let tasks: BTreeSet<&str> = board.runs.iter().map(|r| &*r.task).collect();
            prop_assert_eq!(tasks.len(), board.runs.len(), "one open run a task");
        }
        let restored = desk(&live.events);
        prop_assert_eq!(&restored.open, &live.desk.open);
        prop_assert_eq!(&restored.last_done, &live.desk.last_done);
        let records = |d: &Desk| d.records.iter().map(|r| (r.run, r.passed, r.abandoned)).collect::<Vec<_>>();
        prop_assert_eq!(records(&restored), records(&live.desk));
        prop_assert!(live.desk.promised_starts.is_empty() && live.desk.promised_steps.is_empty());
        prop_assert!(restored.next_run <= live.desk.next_run);
    }
}
