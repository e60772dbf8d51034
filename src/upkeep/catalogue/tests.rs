//! Tests of the catalogue: the built-in one, and every fault with its place.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::upkeep::StepKind;

const GOOD: &str = r#"[[task]]
id = "round"
row = "D1"
title = "A round"
cadence = "daily"
[[task.step]]
id = "look"
title = "Look"
why = "To see"
how = "With eyes"
kind = "observe"
"#;

fn faults(text: &str) -> Vec<String> {
    Catalogue::parse("m.toml", text).unwrap_err().to_string().lines().map(str::to_owned).collect()
}

fn fault_of(from: &str, to: &str) -> String {
    let text = GOOD.replace(from, to);
    assert_ne!(text, GOOD, "the replacement hits");
    let all = faults(&text);
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

#[test]
fn the_built_in_catalogue_is_sound_and_has_the_daily_rows() {
    let catalogue = Catalogue::built_in().unwrap();
    let rows: BTreeSet<&str> = catalogue.tasks.iter().map(|t| &*t.row).collect();
    let all = "D1-D4 D1 D2 D3 D4 W1 W2 W3 W4 M1 M2 M3 M4 Q1 Q2 Q3 Q4 P1 P2 P3 E1 E2 R2 S1 S2 S3 S4";
    for row in all.split(' ') {
        assert!(rows.contains(row), "{row} is missing");
    }
    let round = catalogue.task("daily-round").unwrap();
    let checks: Vec<&str> = round
        .steps
        .iter()
        .filter_map(|s| match &s.kind {
            StepKind::Check { check } => Some(&**check),
            _ => None,
        })
        .collect();
    assert_eq!(checks, ["cameras", "disk", "plc", "logs"]);
    assert!(matches!(round.steps.last().unwrap().kind, StepKind::Note));
}

#[test]
fn each_fault_says_where_what_and_what_would_be_right() {
    for (from, to, want) in [
        (
            "kind = \"observe\"",
            "kind = \"watch\"",
            "m.toml:11:8: task round: unknown kind \"watch\"; it is one of check",
        ),
        ("kind = \"observe\"", "kind = \"check\"", "m.toml:6:1: task round: \"check\" is missing"),
        (
            "kind = \"observe\"",
            "kind = \"check\"\ncheck = \"moon\"",
            "m.toml:12:9: task round: unknown check \"moon\"; it is one of cameras, disk",
        ),
        (
            "kind = \"observe\"",
            "kind = \"note\"\ncheck = \"plc\"",
            "m.toml:12:9: task round: only a step of kind \"check\"",
        ),
        ("\"daily\"", "\"hourly\"", "m.toml:5:11: task round: unknown cadence \"hourly\"; it is one of daily"),
        ("why = \"To see\"", "why = \"  \"", "m.toml:9:7: task round: \"why\" is empty"),
        ("why = \"To see\"\n", "", "m.toml:6:1: task round: \"why\" is missing"),
        ("title = \"Look\"", "title = 3", "m.toml:8:9: task round: \"title\" is of type integer"),
        ("row = \"D1\"", "row = \"D1\"\nrwo = 1", "m.toml:4:1: task round: unknown key \"rwo\"; known keys: id"),
        (
            "row = \"D1\"",
            "row = \"D1\"\ncovers = [\"x\"]",
            "m.toml:4:10: task round: covers \"x\", and there is no such task",
        ),
        ("id = \"round\"", "id = \"A Round\"", "m.toml:2:6: task A Round: \"A Round\" is no id"),
    ] {
        let got = fault_of(from, to);
        assert!(got.starts_with(want), "want {want}\n got {got}");
    }
}

#[test]
fn all_faults_come_at_once_in_the_order_of_the_file() {
    let text = format!("{GOOD}{GOOD}").replacen("observe", "watch", 1).replacen("D1", "", 1);
    let all = faults(&text);
    assert_eq!(all.len(), 2, "{all:?}");
    let text = format!("{GOOD}{}", GOOD.replace("observe", "watch"));
    let all = faults(&text);
    assert_eq!(all.len(), 1, "{all:?}");
    let twice = faults(&format!("{GOOD}{GOOD}"));
    assert_eq!(twice.len(), 1);
    assert!(twice[0].starts_with("m.toml:13:6: task round: the id is used in line 2 already"), "{twice:?}");
}

#[test]
fn empty_and_broken_files_are_told() {
    assert!(faults("")[0].contains("at least one [[task]]"));
    let broken = faults("[[task]]\nid = = 3\n[[task]]\nrow = \n");
    assert!(broken[0].starts_with("m.toml:2:") && broken.last().unwrap().starts_with("m.toml:4:"), "{broken:?}");
    assert!(faults("task = 3")[0].contains("[[…task]]"));
    let no_steps = &GOOD[..GOOD.find("[[task.step]]").unwrap()];
    assert!(faults(no_steps)[0].contains("at least one [[task.step]]"));
}

#[test]
fn a_missing_file_means_the_built_in_one_and_a_bad_one_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("maintenance.toml");
    assert_eq!(
        Catalogue::load(Some(dir.path()), Path::new("maintenance.toml")).unwrap(),
        Catalogue::built_in().unwrap()
    );
    assert!(
        Catalogue::load(Some(dir.path()), Path::new("mine.toml"))
            .unwrap_err()
            .to_string()
            .contains("maintenance.tasks")
    );
    std::fs::write(&path, "task = 3").unwrap();
    assert!(
        Catalogue::load(Some(dir.path()), Path::new("maintenance.toml"))
            .unwrap_err()
            .to_string()
            .contains("maintenance.toml:1:8")
    );
    assert!(
        Catalogue::load(dir.path().parent(), Path::new(dir.path().file_name().unwrap()))
            .unwrap_err()
            .to_string()
            .contains("cannot read")
    );
}

proptest! {
    #[test]
    fn any_text_is_answered_without_panic(text in "\\PC{0,300}") {
        let _ = Catalogue::parse("m.toml", &text);
    }

    #[test]
    fn any_single_damage_is_answered_without_panic(at in 0usize..200, with in "[\\[\\]=\"a-z\n]{0,5}") {
        let mut text = GOOD.to_owned();
        let at = at.min(text.len());
        text.insert_str(at, &with);
        let _ = Catalogue::parse("m.toml", &text);
    }
}
