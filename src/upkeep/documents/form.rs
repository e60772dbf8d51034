//! A task as a blank form, for a walk without a terminal: what is written down there is typed in afterwards.

use super::Head;
use crate::base::text::decimals;
use crate::model::paper::{Block, Document, Part, SignatureLine};
use crate::model::upkeep::{StepDef, StepKind, When};

/// What a form is made of.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Its id.
    pub id: &'a str,
    /// The row of the maintenance chapter.
    pub row: &'a str,
    /// Its title.
    pub title: &'a str,
    /// How often.
    pub cadence: &'a str,
    /// Its steps, one for each camera, PLC and directory where they are asked for each.
    pub steps: &'a [StepDef],
}

/// The form.
#[must_use]
pub fn document(head: &Head, task: &Task<'_>) -> Document {
    let mut blocks = vec![
        Block::Facts(vec![
            ("Task".to_owned(), if task.row.is_empty() { task.id.to_owned() } else { format!("{} (row {})", task.id, task.row) }),
            ("How often".to_owned(), task.cadence.to_owned()),
        ]),
        Block::Text(
            "Fill this in on the way, then enter it at the console (tab Maintenance) so that it becomes a signed record. \
             What the program checks by itself is answered there."
                .to_owned(),
        ),
        Block::WriteIn("Name, date, time of beginning and end".to_owned(), 1),
    ];
    for (i, step) in task.steps.iter().enumerate() {
        one(&mut blocks, i + 1, step, task.steps);
    }
    blocks.push(Block::Heading(1, "Issues, actions, result".to_owned()));
    blocks.push(Block::WriteIn("Issues discovered".to_owned(), 3));
    blocks.push(Block::WriteIn("Actions taken".to_owned(), 3));
    blocks
        .push(Block::Boxes(String::new(), ["All in order", "Not in order", "Ended early"].map(String::from).to_vec()));
    let by_hand = |label: &str| SignatureLine { label: label.to_owned(), given: String::new() };
    blocks.push(Block::Signatures(vec![
        by_hand("Done by: name, date, signature"),
        by_hand("Countersigned by: name, date, signature"),
    ]));
    let part = Part { kind: "Blank form".to_owned(), title: task.title.to_owned(), seal: None, blocks };
    head.document(format!("Form: {}", task.title), vec![part])
}

fn one(blocks: &mut Vec<Block>, number: usize, step: &StepDef, all: &[StepDef]) {
    let about =
        step.subject.as_ref().filter(|s| !step.title.contains(&***s)).map_or_else(String::new, |s| format!(" ({s})"));
    blocks.push(Block::Heading(2, format!("{number}. {}{about}", step.title)));
    if !step.when.is_empty() {
        let conditions: Vec<String> = step.when.iter().map(|w| condition(w, all)).collect();
        blocks.push(Block::Small(format!("Only if {}.", conditions.join(" and "))));
    }
    if !step.how.is_empty() {
        blocks.push(Block::Small(step.how.to_string()));
    }
    let boxes = |words: &[&str]| Block::Boxes(String::new(), words.iter().map(|w| (*w).to_owned()).collect());
    match &step.kind {
        StepKind::Check { .. } => blocks.push(boxes(&["the program checks this", "looked at", "not in order"])),
        StepKind::Action { .. } => blocks.push(boxes(&["to be done at the console", "done", "left out"])),
        StepKind::Observe => {
            blocks.push(boxes(&["in order", "not in order", "left out"]));
            blocks.push(Block::WriteIn("Finding, or why it was left out".to_owned(), 1));
        }
        StepKind::Measure { unit, min, max, low, high } => {
            blocks.push(Block::WriteIn(reading(unit, (*min, *max), (*low, *high)), 1));
        }
        StepKind::Choose { options } => {
            blocks.push(Block::Boxes(String::new(), options.iter().map(|o| o.text.to_string()).collect()));
        }
        StepKind::Note => blocks.push(Block::WriteIn(String::new(), 3)),
    }
}

fn number(v: f64) -> String {
    if v.fract() == 0.0 { format!("{v:.0}") } else { format!("{v:.*}", decimals(v.abs())) }
}

fn reading(unit: &str, plausible: (f64, f64), order: (Option<f64>, Option<f64>)) -> String {
    let order = match order {
        (Some(l), Some(h)) => format!("; in order from {} to {}", number(l), number(h)),
        (Some(l), None) => format!("; in order from {}", number(l)),
        (None, Some(h)) => format!("; in order up to {}", number(h)),
        (None, None) => String::new(),
    };
    format!("Reading in {unit} (plausible: {} to {}{order})", number(plausible.0), number(plausible.1))
}

fn condition(when: &When, all: &[StepDef]) -> String {
    let number =
        all.iter().position(|s| s.id == when.step).map_or_else(|| when.step.to_string(), |i| (i + 1).to_string());
    let words: Vec<String> = when
        .is
        .iter()
        .map(|w| match &**w {
            "passed" => "in order".to_owned(),
            "failed" => "not in order".to_owned(),
            "skipped" => "left out".to_owned(),
            "unknown" => "not known".to_owned(),
            w => format!("\"{w}\""),
        })
        .collect();
    format!("step {number} is {}", words.join(" or "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::record::tests::head;
    use super::*;
    use crate::model::upkeep::Choice;

    fn step(id: &str, kind: StepKind) -> StepDef {
        StepDef {
            id: id.into(),
            title: format!("Title of {id}").into(),
            why: "why".into(),
            how: format!("how of {id}").into(),
            kind,
            subject: Some("deck-east".into()),
            when: Arc::new([]),
            guide: None,
        }
    }

    #[test]
    fn every_kind_of_step_can_be_filled_in() {
        let choice = |t: &str| Choice { text: t.into(), good: true };
        let mut last = step("note", StepKind::Note);
        last.when = Arc::new([When { step: "look".into(), is: Arc::new(["failed".into(), "skipped".into()]) }]);
        let steps = [
            step("check", StepKind::Check { check: "cameras".into() }),
            step("do", StepKind::Action { action: "remove-temporary".into() }),
            step("look", StepKind::Observe),
            step("read", StepKind::Measure { unit: "bar".into(), min: 0.0, max: 16.0, low: Some(5.5), high: None }),
            step("choose", StepKind::Choose { options: Arc::new([choice("clean"), choice("oily")]) }),
            last,
        ];
        let task = Task { id: "round", row: "D1", title: "Round", cadence: "daily", steps: &steps };
        let text = document(&head(), &task).content();
        for word in [
            "1. Title of check (deck-east)",
            "the program checks this",
            "Finding, or why it was left out",
            "Reading in bar (plausible: 0 to 16; in order from 5.5)",
            "oily",
            "how of read",
            "Only if step 3 is not in order or left out.",
            "Countersigned by",
        ] {
            assert!(text.contains(word), "{word} is not in\n{text}");
        }
    }
}
