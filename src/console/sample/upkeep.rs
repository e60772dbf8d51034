//! Sample maintenance: tasks, an open run, what was found, records, and the plan.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::{ago, now, zone};
use crate::model::people::{Person, Role};
use crate::model::signed::{Addendum, Record, RecordedStep, Signature};
use crate::model::upkeep::{
    Answer, Cadence, Compliance, Due, FollowUp, Outcome, PlannedDay, PlannedTask, RunBoard, RunRecord, StepBoard,
    StepDef, StepKind, TaskBoard, UpkeepBoard,
};

const HOUR: u64 = 3_600_000;

fn step(id: &str, title: &str, kind: StepKind) -> StepDef {
    StepDef {
        id: id.into(),
        title: title.into(),
        why: "What is not seen early is repaired late, and in the night.".into(),
        how: "Look at the evidence below. Compare it with yesterday's record.".into(),
        kind,
        subject: None,
        when: [].into(),
        guide: None,
    }
}

fn steps(check: &str) -> Arc<[StepDef]> {
    Arc::new([
        step("verify", "The program verifies what it can", StepKind::Check { check: check.into() }),
        step("look", "Look at it yourself", StepKind::Observe),
        step("note", "Write down what was found", StepKind::Note),
    ])
}

fn in_hours(h: i64) -> Timestamp {
    ago(0).wall.checked_add(jiff::SignedDuration::from_hours(h)).unwrap_or_else(|_| ago(0).wall)
}

fn asked(def: &StepDef, answer: Option<Answer>) -> StepBoard {
    StepBoard { def: def.clone(), answer, proposal: None, working: false, applies: Some(true), who: None, at: None }
}

/// A task: id, row, title, cadence, state, and in how many hours its deadline is.
type Line = (&'static str, &'static str, &'static str, Cadence, Due, i64);

pub(super) fn upkeep() -> UpkeepBoard {
    let all: [Line; 8] = [
        ("temporary-files", "W2", "Remove temporary files", Cadence::Weekly, Due::Overdue, -25),
        ("network", "Q2", "Check the network", Cadence::Quarterly, Due::Overdue, -300),
        ("logs", "D1", "Review the logs", Cadence::Daily, Due::Done, 2),
        ("cameras", "D2", "Verify every camera feed", Cadence::Daily, Due::Due, 2),
        ("disk", "D3", "Check the disk space for recordings", Cadence::Daily, Due::Due, 2),
        ("plc", "D4", "Check the PLC communication", Cadence::Daily, Due::Due, 2),
        ("lenses", "W3", "Inspect and clean the lenses", Cadence::Weekly, Due::Due, 120),
        ("config-backup", "M1", "Back up the configuration", Cadence::Monthly, Due::Done, 170),
    ];
    let task = |l: &Line| TaskBoard {
        id: l.0.into(),
        row: l.1.into(),
        title: l.2.into(),
        cadence: l.3,
        due: l.4,
        until: in_hours(l.5),
        last_done: Some(ago(26 * HOUR).wall),
        last_by: Some(("r.kumar".into(), l.4 != Due::Overdue)),
        steps: steps(l.0),
        role: Role::Operator,
        counter_sign: false,
        guide: false,
        why: None,
    };
    let answer =
        |outcome, lines: &[&str]| Some(Answer { outcome, evidence: lines.iter().map(|s| (*s).to_owned()).collect() });
    let defs = steps("cameras");
    let run = RunBoard {
        run: 42,
        task: "cameras".into(),
        title: "Verify every camera feed".into(),
        who: "r.kumar".into(),
        started: ago(94_000).wall,
        steps: vec![
            asked(&defs[0], answer(Outcome::Passed, &["4 of 4 cameras live", "4 of 4 pictures clear"])),
            asked(&defs[1], None),
            asked(&defs[2], None),
        ],
        subject: None,
        paused: false,
        role: Role::Operator,
        to_sign: None,
    };
    let row = |run: u64, passed: bool| RunRecord {
        run,
        task: "logs".into(),
        who: "r.kumar".into(),
        at: ago((42 - run) * 24 * HOUR).wall,
        passed,
        abandoned: false,
        record: None,
        wants_counter_signature: false,
    };
    let whole = |run: u64, passed: bool| RunRecord {
        record: Some(Arc::new(record(run, passed))),
        wants_counter_signature: !passed,
        ..row(run, passed)
    };
    UpkeepBoard {
        tasks: all.iter().map(task).collect(),
        runs: vec![run],
        records: [whole(41, true), whole(40, false), row(39, true)].into(),
        follow_ups: follow_ups().into(),
        compliance: compliance().into(),
        calendar: calendar(&all).into(),
        people: people().into(),
    }
}

fn people() -> [Person; 3] {
    let person = |id: &str, name: &str, role| Person { id: id.into(), name: name.into(), role, pin: true };
    [
        person("r.kumar", "Ravi Kumar", Role::Operator),
        person("s.iyer", "Sunita Iyer", Role::Technician),
        person("m.singh", "Manpreet Singh", Role::Admin),
    ]
}

fn follow_ups() -> [FollowUp; 2] {
    let found = |run: u64, task: &str, title: &str, found: &str, guide: Option<&str>, subject: Option<&str>| FollowUp {
        run,
        task: task.into(),
        step: "look".into(),
        title: title.into(),
        found: found.into(),
        guide: guide.map(Into::into),
        subject: subject.map(Into::into),
        since: ago((42 - run) * 24 * HOUR).wall,
    };
    [
        found(36, "plc", "Look at the PLC's cable", "the screw of the connector is loose", None, Some("stove-plc")),
        found(
            40,
            "cameras",
            "Look at each picture yourself",
            "conveyor-head: the upper half is hidden by steam since the valve was changed",
            Some("guide-camera"),
            Some("conveyor-head"),
        ),
    ]
}

fn record(run: u64, passed: bool) -> Record {
    let at = ago((42 - run) * 24 * HOUR).wall;
    let before = |minutes: i64| at.checked_sub(minutes.minutes()).unwrap_or(at);
    let step = |id: &str, title: &str, kind: &str, outcome, evidence: &str, minutes| RecordedStep {
        id: id.into(),
        title: title.into(),
        kind: kind.into(),
        subject: None,
        outcome: Some(outcome),
        evidence: vec![evidence.into()],
        who: Some("r.kumar".into()),
        at: Some(before(minutes)),
    };
    let looked = if passed { Outcome::Passed } else { Outcome::Failed };
    let signature = Signature {
        who: "r.kumar".into(),
        name: "Ravi Kumar".into(),
        role: Role::Operator.word().into(),
        counter: false,
        at,
    };
    let addendum = Addendum { who: "s.iyer".into(), at, text: "The lamp was exchanged on the next shift.".into() };
    Record {
        run,
        site: "Jamshedpur".into(),
        node: "bf2".into(),
        task: "logs".into(),
        row: "D1".into(),
        title: "Review the logs".into(),
        started: before(14),
        finished: at,
        who: "r.kumar".into(),
        passed,
        abandoned: false,
        remark: None,
        steps: vec![
            step("verify", "Errors since the last time", "check", Outcome::Passed, "3 errors, usual is 2 to 6", 12),
            step("look", "Look at what is new", "observe", looked, "one pattern that was never seen before", 6),
            step("note", "Write down what was found", "note", Outcome::Passed, "told the next shift", 1),
        ],
        hash: "5b0c6a4be1f94d1f9f4c7be0a1f3a9d9a4b0c2f16c0c5a7714e5f3f1f7b0d2c9".into(),
        signatures: vec![signature],
        addenda: if passed { Vec::new() } else { vec![addendum] },
    }
}

fn compliance() -> [Compliance; 4] {
    let of = |cadence, periods, done, waived, missed| Compliance { cadence, periods, done, waived, missed };
    [
        of(Cadence::Daily, 30, 116, 0, 4),
        of(Cadence::Weekly, 12, 23, 1, 0),
        of(Cadence::Monthly, 1, 1, 0, 0),
        of(Cadence::Quarterly, 0, 0, 0, 0),
    ]
}

/// Every task of the plan on the days of its deadlines, around now.
fn calendar(tasks: &[Line]) -> Vec<PlannedDay> {
    let today = now().wall.to_zoned(zone()).date();
    let day = |by: i64| today.checked_add(by.days()).unwrap_or(today);
    (-40..60)
        .map(day)
        .map(|day| PlannedDay { day, tasks: tasks.iter().filter_map(|t| planned(t, day, today)).collect() })
        .filter(|d| !d.tasks.is_empty())
        .collect()
}

fn planned(task: &Line, day: Date, today: Date) -> Option<PlannedTask> {
    let ends = match task.3 {
        Cadence::Daily => true,
        Cadence::Weekly => day.weekday() == jiff::civil::Weekday::Sunday,
        Cadence::Monthly => day == day.last_of_month(),
        Cadence::Quarterly => day.month() % 3 == 0 && day == day.last_of_month(),
        Cadence::Event => false,
    };
    let at = day.tomorrow().ok()?.to_zoned(zone()).ok()?.timestamp();
    let state = match () {
        () if day == today => task.4,
        () if day > today => Due::Due,
        () if day.day() == 17 && task.3 == Cadence::Daily => Due::Overdue,
        () => Due::Done,
    };
    ends.then(|| PlannedTask { task: task.0.into(), at, state })
}
