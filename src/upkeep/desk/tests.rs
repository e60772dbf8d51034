//! Tests of the desk: the order of steps, what is promised, and that a restored desk equals the live one.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::base::clock::Now;
use crate::model::event::EventKind;
use crate::model::intent::ToSign;
use crate::model::people::Role;
use crate::model::upkeep::{Due, Outcome, UpkeepBoard};
use crate::upkeep::record;

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
    desk_of(CATALOGUE, events)
}

fn desk_of(catalogue: &str, events: &[Event]) -> Desk {
    let place = Place { site: "BF2".into(), node: "n1".into() };
    Desk::new(Catalogue::parse("t", catalogue).unwrap(), place, TimeZone::UTC, at(0), &[], events)
}

fn people() -> Arc<[Person]> {
    let person = |id: &str, role, pin| Person { id: id.into(), name: id.to_uppercase().into(), role, pin };
    [person("ana", Role::Operator, true), person("eve", Role::Admin, true), person("ben", Role::Operator, false)].into()
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
        let (run, kind) = self.desk.start(task, None, None, "ana").unwrap();
        self.write([kind]);
        run
    }

    fn board(&mut self, s: u64) -> UpkeepBoard {
        self.desk.board(now(s), &|_| None)
    }

    fn answer(&mut self, run: u64, step: &str, answer: Answer) {
        let kinds = self.desk.answer(run, step, answer, "ana", now(50)).unwrap();
        self.write(kinds);
    }
}

#[test]
fn a_whole_round_in_order_marks_it_and_what_it_covers_as_done() {
    let mut live = Live::new();
    assert_eq!(live.desk.board(now(1), &|_| None).count(Due::Due), 2);
    let run = live.start("round");
    assert!(
        live.desk.answer(run, "b", said(Outcome::Passed, ""), "ana", now(50)).unwrap_err().contains("a comes first")
    );
    live.answer(run, "a", said(Outcome::Passed, "live"));
    live.answer(run, "b", said(Outcome::Failed, "steam"));
    assert!(live.desk.answer(run, "c", said(Outcome::Passed, " "), "ana", now(50)).unwrap_err().contains("none"));
    live.answer(run, "c", said(Outcome::Passed, "steam leak told to shift lead"));
    let board = live.desk.board(now(9), &|_| None);
    assert_eq!((board.count(Due::Done), board.runs.len(), board.records.len()), (2, 0, 1));
    assert!(!board.records[0].passed && !board.records[0].abandoned);
    assert_eq!(board.tasks[0].last_by.as_ref().map(|b| (&*b.0, b.1)), Some(("ana", false)));
    assert!(live.desk.answer(run, "c", said(Outcome::Passed, "x"), "ana", now(50)).unwrap_err().contains("not open"));
}

#[test]
fn what_is_promised_is_not_promised_twice_and_nothing_changes_before_the_event() {
    let mut d = desk(&[]);
    let (run, started) = d.start("single", None, None, "ana").unwrap();
    assert!(d.start("single", None, None, "ben").unwrap_err().contains("being started"));
    assert!(d.board(now(1), &|_| None).runs.is_empty());
    d.release(&started);
    let (second, started) = d.start("single", None, None, "ben").unwrap();
    assert!(second > run, "a number is never given twice");
    d.apply(&Event { seq: 1, at: at(1), kind: started });
    assert!(d.start("single", None, None, "ana").unwrap_err().contains("begun by ben"));
    let kinds = d.answer(second, "a", said(Outcome::Passed, ""), "ben", now(50)).unwrap();
    assert_eq!(kinds.len(), 2, "the last answer ends the run");
    assert!(d.answer(second, "a", said(Outcome::Failed, ""), "ana", now(50)).unwrap_err().contains("being written"));
    assert!(d.abandon(second, None, "ana", now(60)).unwrap_err().contains("being written"));
    assert_eq!(d.current(second).map(|s| &*s.id), Some("a"));
}

#[test]
fn skipping_needs_a_reason_and_answers_are_bounded() {
    let mut live = Live::new();
    let run = live.start("round");
    let mut refuse = |answer: Answer| live.desk.answer(run, "a", answer, "ana", now(50)).unwrap_err();
    assert!(refuse(said(Outcome::Skipped, " ")).contains("why"));
    assert!(refuse(Answer { outcome: Outcome::Passed, evidence: vec!["x".into(); 101] }).contains("100 lines"));
    assert!(refuse(said(Outcome::Passed, &"x".repeat(2001))).contains("2000"));
    assert!(refuse(said(Outcome::Passed, "a\x1bb")).contains("control"));
    live.answer(run, "a", said(Outcome::Skipped, "line is being rewired"));
    assert!(live.desk.start("nothing", None, None, "ana").unwrap_err().contains("round, single"));
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
    let kind = live.desk.abandon(run, None, "ana", now(60)).unwrap();
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
    let kinds = live.desk.answer(run, "a", said(Outcome::Passed, ""), "ana", now(50)).unwrap();
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
    let started = EventKind::RunStarted { run: 4, task: "old".into(), who: "ana".into(), subject: None, because: None };
    let mut d = desk(&[Event { seq: 1, at: at(1), kind: started }]);
    let board = d.board(now(2), &|_| None);
    assert!(board.runs[0].title.contains("abandon") && board.runs[0].steps.is_empty());
    assert!(d.answer(4, "a", said(Outcome::Passed, ""), "ana", now(50)).is_err());
    assert!(d.abandon(4, None, "ana", now(60)).is_ok());
}

#[test]
fn a_record_is_signed_as_it_was_shown_and_by_who_may() {
    let mut live = Live::new();
    live.desk.know(people());
    let run = live.start("single");
    live.answer(run, "a", said(Outcome::Failed, "cracked"));
    let shown = live.board(9);
    let hash = shown.runs[0].to_sign.clone().expect("it waits for a signature");
    assert_eq!((shown.count(Due::Done), shown.records.len()), (0, 0), "nothing is done before it is signed");
    assert!(live.desk.missing_ends().is_empty(), "and nobody signs by the power going");
    let people = people();
    let wrong = ToSign::Run { run, hash: "00".into() };
    assert!(live.desk.may_be_signed(&wrong).unwrap_err().contains("changed since"));
    let what = ToSign::Run { run, hash: hash.clone() };
    let kind = live.desk.signed(&what, &people[0], now(20)).unwrap();
    live.write([kind]);
    let board = live.board(30);
    let record = board.records[0].record.clone().expect("the whole record");
    assert_eq!(record.hash, hash, "what was shown is what is kept");
    record::verify(&record).unwrap();
    assert_eq!((&*record.signatures[0].name, record.passed, board.count(Due::Done)), ("ANA", false, 1));
    assert_eq!((&*record.site, record.issues().count()), ("BF2", 1));
    // What was not in order is to be followed up, until it is settled.
    assert_eq!((board.follow_ups.len(), &*board.follow_ups[0].found), (1, "cracked"));
    assert!(live.desk.close_follow_up(run, "a", " ", "ana").is_err());
    let kind = live.desk.close_follow_up(run, "a", "glass replaced", "ana").unwrap();
    live.write([kind]);
    assert!(live.board(31).follow_ups.is_empty());
    // An addendum adds; the record stays what was signed.
    let what = ToSign::Addendum { run, text: "glass ordered".into() };
    let kind = live.desk.signed(&what, &people[0], now(40)).unwrap();
    live.write([kind]);
    let record = live.board(41).records[0].record.clone().unwrap();
    record::verify(&record).unwrap();
    assert_eq!(record.addenda.len(), 1);
}

const COUNTED: &str = r#"
[[task]]
id = "drill"
row = "E2"
title = "Drill"
cadence = "quarterly"
role = "admin"
counter_sign = true
[[task.step]]
id = "a"
title = "A"
why = "w"
how = "h"
kind = "choose"
options = [{ text = "fine", good = true }, { text = "broken" }]
[[task.step]]
id = "b"
title = "B"
why = "w"
how = "h"
kind = "measure"
unit = "V"
range = [0, 30]
good = [22, 26]
when = [{ step = "a", is = ["broken"] }]
[[task.step]]
id = "c"
title = "C"
why = "w"
how = "h"
kind = "action"
action = "rotate-logs"
when = [{ step = "b", is = ["failed"] }]
"#;

#[test]
fn a_second_person_counter_signs_and_roles_are_kept() {
    let mut live = Live { desk: desk_of(COUNTED, &[]), events: Vec::new() };
    live.desk.know(people());
    let (ana, eve) = (people()[0].clone(), people()[1].clone());
    let run = live.start("drill");
    live.answer(run, "a", said(Outcome::Passed, "fine"));
    let hash = live.board(9).runs[0].to_sign.clone().expect("b and c are not asked");
    let what = ToSign::Run { run, hash: hash.clone() };
    assert!(live.desk.signed(&what, &ana, now(20)).unwrap_err().contains("role admin is needed"));
    let kind = live.desk.signed(&what, &eve, now(20)).unwrap();
    live.write([kind]);
    assert!(live.board(21).records[0].wants_counter_signature);
    let what = ToSign::Counter { run, hash };
    assert!(live.desk.signed(&what, &eve, now(22)).unwrap_err().contains("another person"));
    let other = Person { id: "joe".into(), ..eve };
    let kind = live.desk.signed(&what, &other, now(23)).unwrap();
    live.write([kind]);
    let row = live.board(24).records[0].clone();
    assert!(!row.wants_counter_signature);
    assert_eq!(row.record.unwrap().signatures.len(), 2);
    let waive = |until: i64| ToSign::Waive { task: "drill".into(), until: at(until), why: "shutdown".into() };
    assert!(live.desk.signed(&waive(-1), &other, now(25)).unwrap_err().contains("past"));
    assert!(live.desk.signed(&waive(86_400 * 200), &other, now(25)).unwrap_err().contains("122 days"));
    assert!(live.desk.signed(&waive(86_400), &ana, now(25)).unwrap_err().contains("role admin"));
    assert!(live.desk.signed(&waive(86_400), &other, now(25)).is_ok());
}

#[test]
fn later_steps_follow_from_earlier_answers_and_actions_need_what_they_would_do() {
    let mut live = Live { desk: desk_of(COUNTED, &[]), events: Vec::new() };
    let run = live.start("drill");
    let no = |live: &mut Live, step: &str, a: Answer| live.desk.answer(run, step, a, "ana", now(5)).unwrap_err();
    assert!(no(&mut live, "a", said(Outcome::Passed, "perhaps")).contains("choose one of: fine; broken"));
    // The words of the choice decide, not what was claimed.
    let settled = live.desk.settle(run, "a", said(Outcome::Passed, "broken"), &|_| None);
    assert_eq!(settled.outcome, Outcome::Failed);
    live.answer(run, "a", settled);
    assert!(no(&mut live, "b", said(Outcome::Passed, "300")).contains("from 0 to 30 V"));
    let settled = live.desk.settle(run, "b", said(Outcome::Passed, "20,5"), &|_| None);
    assert_eq!(settled.outcome, Outcome::Failed, "not within 22 to 26");
    live.answer(run, "b", settled);
    // The action: first what it would do, then consent, then the result.
    assert!(live.desk.perform(run, "c", "ana").unwrap_err().contains("not known yet"));
    assert!(no(&mut live, "c", said(Outcome::Passed, "did it")).contains("consent"));
    let wanted = live.desk.errands_wanted(now(10));
    assert!(matches!(&wanted[..], [w] if w.preview && &*w.name == "rotate-logs"), "{wanted:?}");
    assert!(live.desk.errands_wanted(now(11)).is_empty(), "it is under way");
    assert!(live.desk.errand_done(&wanted[0], said(Outcome::Passed, "would rotate vms.log"), now(12)).is_empty());
    let begun = live.desk.perform(run, "c", "ana").unwrap();
    live.write([begun.clone()]);
    let agreed = live.desk.action_agreed(&begun, now(13)).expect("it is to be done now");
    assert!(!agreed.preview);
    assert!(live.board(14).runs[0].steps[2].working);
    // Before it ends, the program does: what is restored knows that it was begun and does nothing by itself.
    let mut restored = desk_of(COUNTED, &live.events);
    assert!(restored.errands_wanted(now(20)).is_empty());
    let words = restored.board(now(20), &|_| None).runs[0].steps[2].proposal.clone().unwrap();
    assert!(words.outcome == Outcome::Unknown && words.evidence[0].contains("begun"));
    restored.look_again(run, "c").unwrap();
    assert_eq!(restored.errands_wanted(now(21)).len(), 1, "a person asks for it again");
    // In the one that goes on, the result is the answer, and ends the run where nobody signs.
    let kinds = live.desk.errand_done(&agreed, said(Outcome::Passed, "rotated"), now(15));
    live.write(kinds);
    let board = live.board(16);
    assert!(board.runs.is_empty());
    assert_eq!(board.records[0].record.as_ref().unwrap().actions().count(), 1);
}

#[test]
fn the_last_answer_can_be_taken_back_and_a_run_goes_over() {
    let mut live = Live::new();
    let run = live.start("round");
    assert!(live.desk.reopen(run, "ana").unwrap_err().contains("no answer"));
    live.answer(run, "a", said(Outcome::Passed, "live"));
    let kind = live.desk.reopen(run, "ana").unwrap();
    live.write([kind]);
    assert_eq!(live.desk.current(run).map(|s| &*s.id), Some("a"));
    let kind = live.desk.pause(run, true, "ana").unwrap();
    live.write([kind]);
    assert!(live.desk.pause(run, true, "ana").is_err());
    let kind = live.desk.hand_over(run, "ben", "ana").unwrap();
    live.write([kind]);
    let board = live.board(9);
    assert_eq!((board.runs[0].paused, &*board.runs[0].who), (true, "ben"));
    assert!(live.desk.hand_over(run, " ", "ana").is_err());
}

#[test]
fn an_errand_that_hangs_counts_as_failed_after_its_deadline() {
    let text = CATALOGUE.replace("check = \"plc\"", "check = \"network\"");
    let mut live = Live { desk: desk_of(&text, &[]), events: Vec::new() };
    let run = live.start("round");
    assert_eq!(live.desk.errands_wanted(now(10)).len(), 1);
    assert!(live.desk.errands_wanted(now(79)).is_empty());
    live.desk.errands_wanted(now(81));
    let answer = live.desk.settle(run, "a", said(Outcome::Passed, "fine"), &|_| None);
    assert!(answer.outcome == Outcome::Failed && answer.evidence[0].contains("hangs"), "{answer:?}");
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
        Call::Start(task) => {
            desk.start(["round", "single", "none"][*task], None, None, "p").map(|s| vec![s.1]).unwrap_or_default()
        }
        Call::Answer(run, step, outcome) => desk
            .answer(*run, ["a", "b", "c", "x"][*step], said(OUTCOMES[*outcome], "t"), "p", now(50))
            .unwrap_or_default(),
        Call::Abandon(run) => desk.abandon(*run, None, "p", now(60)).map(|k| vec![k]).unwrap_or_default(),
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
        prop_assert_eq!(&restored.kept.done, &live.desk.kept.done);
        let records = |d: &Desk| d.records.iter().map(|r| (r.run, r.passed, r.abandoned)).collect::<Vec<_>>();
        prop_assert_eq!(records(&restored), records(&live.desk));
        prop_assert!(live.desk.promised_starts.is_empty() && live.desk.promised_steps.is_empty());
        prop_assert!(restored.next_run <= live.desk.next_run);
    }
}
