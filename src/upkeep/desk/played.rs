//! A quarter played under simulated time with the built-in catalogue: what falls due, what is done, what stays overdue.

use super::*;
use crate::base::clock::{Mono, Now};
use crate::model::event::EventKind;
use crate::model::upkeep::{Cadence, Due, Outcome, StepKind, UpkeepBoard};
use crate::upkeep::catalogue::Subjects;

const ZONE: &str = "Asia/Kolkata";

/// An installation of two cameras, one PLC and one disk, with its journal.
struct Played {
    desk: Desk,
    now: Now,
    events: Vec<Event>,
}

impl Played {
    fn new(begun: &str) -> Self {
        let zone = TimeZone::get(ZONE).unwrap();
        let wall = local(begun);
        let pair = |id: &str| (Arc::from(id), Arc::from(id));
        let subjects =
            Subjects { cameras: vec![pair("east"), pair("west")], plcs: vec![pair("plc")], disks: vec![pair("/data")] };
        let catalogue = Catalogue::built_in().unwrap().for_site(&subjects);
        let desk = Desk::new(catalogue, Place::default(), zone, wall, &[], []);
        Self { desk, now: Now { wall, mono: Mono(0) }, events: Vec::new() }
    }

    /// Goes to a local time; the clock never goes back.
    fn at(&mut self, text: &str) -> UpkeepBoard {
        let wall = local(text);
        let ahead = wall.duration_since(self.now.wall);
        assert!(!ahead.is_negative(), "{text}");
        self.now = Now { wall, mono: self.now.mono.after(ahead.unsigned_abs()) };
        self.desk.board(self.now, &|_| Some(found(Outcome::Passed)))
    }

    fn write(&mut self, kinds: Vec<EventKind>) {
        for kind in kinds {
            let event = Event { seq: self.events.len() as u64 + 1, at: self.now.wall, kind };
            self.desk.apply(&event);
            self.events.push(event);
        }
    }

    /// Does a task from its first step to its last, each with this outcome.
    fn complete(&mut self, task: &str, outcome: Outcome) {
        let (run, kind) = self.desk.start(task, None, None, "ana").unwrap();
        self.write(vec![kind]);
        for _ in 0..100 {
            let Some(step) = self.desk.current(run).cloned() else { return };
            for w in self.desk.errands_wanted(self.now) {
                self.desk.errand_done(&w, found(outcome), self.now);
            }
            if matches!(step.kind, StepKind::Action { .. }) {
                let kind = self.desk.perform(run, &step.id, "ana").unwrap();
                self.write(vec![kind.clone()]);
                let wanted = self.desk.action_agreed(&kind, self.now).unwrap();
                let kinds = self.desk.errand_done(&wanted, found(outcome), self.now);
                self.write(kinds);
                continue;
            }
            let evidence = match &step.kind {
                StepKind::Measure { min, .. } => vec![min.to_string()],
                StepKind::Choose { options } => {
                    let wanted = options.iter().find(|o| o.good == (outcome == Outcome::Passed));
                    vec![wanted.or(options.first()).unwrap().text.to_string()]
                }
                _ => vec!["seen".into()],
            };
            let said = Answer { outcome, evidence };
            let answer = self.desk.settle(run, &step.id, said, &|_| Some(found(outcome)));
            let kinds = self.desk.answer(run, &step.id, answer, "ana", self.now).unwrap();
            self.write(kinds);
        }
        panic!("{task} never ends");
    }
}

fn found(outcome: Outcome) -> Answer {
    Answer { outcome, evidence: vec!["42 of 42".into()] }
}

fn local(text: &str) -> Timestamp {
    text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(TimeZone::get(ZONE).unwrap()).unwrap().timestamp()
}

fn state(board: &UpkeepBoard, task: &str) -> Due {
    board.tasks.iter().find(|t| &*t.id == task).unwrap().due
}

fn those(board: &UpkeepBoard, cadence: Cadence, due: Due) -> Vec<&str> {
    let of = |t: &&crate::model::upkeep::TaskBoard| t.cadence == cadence && t.due == due && !t.guide;
    board.tasks.iter().filter(of).map(|t| &*t.id).collect()
}

#[test]
fn a_day() {
    let mut p = Played::new("2026-10-01T00:00:00");
    let board = p.at("2026-10-01T06:00:00");
    assert_eq!(those(&board, Cadence::Daily, Due::Due).len(), 5);
    p.complete("daily-round", Outcome::Passed);
    let board = p.at("2026-10-01T23:59:59");
    assert_eq!(those(&board, Cadence::Daily, Due::Done).len(), 5, "the round covers its four parts");
    let board = p.at("2026-10-02T00:00:00");
    assert_eq!(those(&board, Cadence::Daily, Due::Due).len(), 5, "a new day");
    let board = p.at("2026-10-03T00:00:00");
    assert_eq!(those(&board, Cadence::Daily, Due::Overdue).len(), 5, "a day was missed");
    p.complete("check-disks", Outcome::Failed);
    let board = p.at("2026-10-03T08:00:00");
    assert_eq!(state(&board, "check-disks"), Due::Done, "done is done, whatever was found");
    assert_eq!(board.follow_ups.len(), 2, "and what was found is to be followed up");
    assert_eq!(state(&board, "daily-round"), Due::Overdue);
}

#[test]
fn a_week_and_a_month() {
    // A Monday.
    let mut p = Played::new("2026-10-05T00:00:00");
    let weekly = those(&p.at("2026-10-05T06:00:00"), Cadence::Weekly, Due::Due).len();
    assert_eq!(weekly, 7);
    for task in ["database-growth", "temporary-files", "inspect-lenses", "review-performance"] {
        p.at("2026-10-07T10:00:00");
        p.complete(task, Outcome::Passed);
    }
    let board = p.at("2026-10-11T23:59:59");
    assert_eq!(those(&board, Cadence::Weekly, Due::Due), ["database-optimise", "weekly-restart", "log-rotation"]);
    let board = p.at("2026-10-12T00:00:00");
    // The vacuum counts from the last time, never done: a week after the installation.
    assert_eq!(those(&board, Cadence::Weekly, Due::Overdue), ["weekly-restart", "log-rotation"]);
    assert_eq!(those(&board, Cadence::Weekly, Due::Due).len(), 5);
    let monthly = those(&board, Cadence::Monthly, Due::Due).len();
    assert_eq!(monthly, 4);
    p.complete("inspect-hardware", Outcome::Passed);
    let board = p.at("2026-11-01T00:00:00");
    assert_eq!(those(&board, Cadence::Monthly, Due::Overdue).len(), 3);
    assert_eq!(state(&board, "inspect-hardware"), Due::Due);
}

#[test]
fn a_quarter_with_its_compliance_and_the_same_after_a_restart() {
    let mut p = Played::new("2026-07-01T00:00:00");
    let day = |n: i64| {
        let first: jiff::civil::Date = "2026-07-01".parse().unwrap();
        first.checked_add(jiff::Span::new().days(n)).unwrap()
    };
    for n in 0..92 {
        p.at(&format!("{}T09:00:00", day(n)));
        // One day in ten is missed.
        if n % 10 != 9 {
            p.complete("daily-round", Outcome::Passed);
        }
        if day(n).weekday() == jiff::civil::Weekday::Tuesday {
            for task in ["temporary-files", "log-rotation"] {
                p.complete(task, Outcome::Passed);
            }
        }
        if n == 80 {
            p.complete("full-backup", Outcome::Passed);
        }
    }
    let board = p.at("2026-10-01T00:00:00");
    let quarterly = those(&board, Cadence::Quarterly, Due::Overdue);
    assert_eq!(quarterly.len(), 5, "{quarterly:?}");
    assert_eq!(state(&board, "full-backup"), Due::Due, "the new quarter");
    let daily = board.compliance.iter().find(|c| c.cadence == Cadence::Daily).unwrap();
    assert_eq!((daily.periods, daily.done, daily.missed), (30, 27 * 5, 3 * 5));
    let weekly = board.compliance.iter().find(|c| c.cadence == Cadence::Weekly).unwrap();
    assert_eq!((weekly.periods, weekly.done), (12, 24));
    let quarter = board.compliance.iter().find(|c| c.cadence == Cadence::Quarterly).unwrap();
    assert_eq!((quarter.periods, quarter.done, quarter.missed), (1, 1, 5));
    // What is restored from the journal is what was there.
    let zone = TimeZone::get(ZONE).unwrap();
    let catalogue = p.desk.catalogue.clone();
    let mut again = Desk::new(catalogue, Place::default(), zone, local("2026-07-01T00:00:00"), &[], &p.events);
    let restored = again.board(p.now, &|_| Some(found(Outcome::Passed)));
    assert_eq!(restored.compliance, board.compliance);
    assert_eq!(restored.records.len(), board.records.len());
    let states = |b: &UpkeepBoard| b.tasks.iter().map(|t| (t.id.clone(), t.due)).collect::<Vec<_>>();
    assert_eq!(states(&restored), states(&board));
}
