//! A maintenance record on paper: date and time, type, issues, actions, results, person, every step with its evidence,
//! signatures, addenda, hash.

use std::time::Duration;

use super::Head;
use crate::base::text::age;
use crate::model::event::outcome;
use crate::model::paper::{Block, Document, Part, Seal, SignatureLine, Table};
use crate::model::signed::{Record, RecordedStep, Signature};

/// The record as a document of its own.
#[must_use]
pub fn document(head: &Head, record: &Record) -> Document {
    head.document(format!("Maintenance record {}: {}", record.run, record.title), vec![part(head, record)])
}

/// The record as a part of a document.
#[must_use]
pub fn part(head: &Head, record: &Record) -> Part {
    let mut blocks = vec![result(record), Block::Facts(facts(head, record))];
    list(&mut blocks, "Issues discovered", record.issues(), "None.");
    list(&mut blocks, "Actions taken", record.actions(), "None besides looking and measuring.");
    blocks.push(Block::Heading(1, "Steps and results".to_owned()));
    blocks.push(Block::Table(steps(head, record)));
    if !record.addenda.is_empty() {
        blocks.push(Block::Heading(1, "Added later".to_owned()));
        let mut table = Table::new(&[("When", 24), ("Who", 16), ("What", 60)]);
        for a in &record.addenda {
            table.row([head.second(a.at), a.who.to_string(), a.text.to_string()]);
        }
        blocks.push(Block::Table(table));
    }
    blocks.push(Block::Heading(1, "Signatures".to_owned()));
    blocks.push(Block::Signatures(signatures(head, record)));
    blocks.push(Block::Small(proof(record)));
    Part {
        kind: "Maintenance record".to_owned(),
        title: format!("{} · record {}", record.title, record.run),
        seal: seal(record),
        blocks,
    }
}

fn seal(record: &Record) -> Option<Seal> {
    (!record.hash.is_empty()).then(|| Seal {
        label: "SHA-256".to_owned(),
        text: record.hash.to_string(),
        code: format!("vms record {} sha256 {}", record.run, record.hash),
    })
}

/// The result in a few words, for the verdict and for lists.
#[must_use]
pub fn in_words(record: &Record) -> String {
    let failed = record.issues().count();
    let issues = if failed == 1 { "1 issue".to_owned() } else { format!("{failed} issues") };
    match (record.abandoned, record.passed) {
        (true, _) => format!("Ended before its last step; {issues}"),
        (false, true) => "Every step was done and in order".to_owned(),
        (false, false) if failed == 0 => "Done, but not every step could be answered".to_owned(),
        (false, false) => format!("Done, with {issues}"),
    }
}

fn result(record: &Record) -> Block {
    let remark = record.remark.as_deref().map_or_else(String::new, |r| format!(". Remark: {r}"));
    Block::Verdict(format!("{}{remark}", in_words(record)), Some(record.passed && !record.abandoned))
}

fn facts(head: &Head, r: &Record) -> Vec<(String, String)> {
    let took = Duration::try_from(r.finished.duration_since(r.started)).unwrap_or_default();
    let task = if r.row.is_empty() { r.task.to_string() } else { format!("{} (row {})", r.task, r.row) };
    let mut facts = vec![
        ("Type of maintenance".to_owned(), r.title.to_string()),
        ("Task".to_owned(), task),
        ("Site and node".to_owned(), format!("{}, {}", r.site, r.node)),
        ("Begun".to_owned(), head.second(r.started)),
        ("Finished".to_owned(), format!("{}, after {}", head.second(r.finished), age(took))),
        ("Done by".to_owned(), r.who.to_string()),
    ];
    let word = match (r.abandoned, r.passed) {
        (true, _) => "abandoned",
        (false, true) => "passed",
        (false, false) => "not in order",
    };
    facts.push(("Result".to_owned(), word.to_owned()));
    if let Some(remark) = &r.remark {
        facts.push(("Remark".to_owned(), remark.to_string()));
    }
    facts
}

fn list<'a>(blocks: &mut Vec<Block>, title: &str, steps: impl Iterator<Item = &'a RecordedStep>, none: &str) {
    blocks.push(Block::Heading(1, title.to_owned()));
    let points: Vec<String> = steps.map(point).collect();
    blocks.push(if points.is_empty() { Block::Text(none.to_owned()) } else { Block::List(points) });
}

fn point(step: &RecordedStep) -> String {
    let what = named(step);
    if step.evidence.is_empty() { what } else { format!("{what}: {}", step.evidence.join("; ")) }
}

/// A step's title with what it is about, where the title does not name that already.
fn named(step: &RecordedStep) -> String {
    match &step.subject {
        Some(s) if !step.title.contains(&**s) => format!("{} ({s})", step.title),
        _ => step.title.to_string(),
    }
}

fn steps(head: &Head, record: &Record) -> Table {
    let mut table = Table::new(&[
        ("#No", 5),
        ("Step", 27),
        ("Kind", 10),
        ("Result", 12),
        ("Evidence, findings", 40),
        ("By, at", 18),
    ]);
    for (i, s) in record.steps.iter().enumerate() {
        let at = s.at.map(|t| t.to_zoned(head.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string());
        let by = [s.who.as_deref().map(str::to_owned), at].into_iter().flatten().collect::<Vec<_>>().join("\n");
        table.row([
            (i + 1).to_string(),
            named(s),
            s.kind.to_string(),
            s.outcome.map_or("not asked", outcome).to_owned(),
            s.evidence.join("\n"),
            by,
        ]);
    }
    table
}

fn signatures(head: &Head, record: &Record) -> Vec<SignatureLine> {
    let given = |s: &Signature| SignatureLine {
        label: if s.counter { "Countersigned by" } else { "Done by" }.to_owned(),
        given: format!("{} ({}, {})\nsigned with PIN {}", s.name, s.who, s.role, head.second(s.at)),
    };
    let mut lines: Vec<SignatureLine> = record.signatures.iter().map(given).collect();
    let by_hand = |label: &str| SignatureLine { label: label.to_owned(), given: String::new() };
    if !record.signatures.iter().any(|s| !s.counter) {
        lines.insert(0, by_hand(&format!("Done by {}: name, date, signature", record.who)));
    }
    if !record.signatures.iter().any(|s| s.counter) {
        lines.push(by_hand("Countersigned by: name, date, signature"));
    }
    lines
}

fn proof(record: &Record) -> String {
    if record.hash.is_empty() {
        return "This record was kept without a signature: it has no hash, and this paper alone proves nothing."
            .to_owned();
    }
    format!(
        "SHA-256 over the record: {}. The signatures are for this hash. To prove the record, compare it with what \
         \"vms maintenance report record {} --json\" prints, and run \"vms maintenance verify\".",
        record.hash, record.run
    )
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::model::signed::Addendum;
    use crate::model::upkeep::Outcome;

    pub fn head() -> Head {
        Head {
            site: "BF2".into(),
            node: "bf2-vms-1".into(),
            zone: TimeZone::get("Asia/Kolkata").unwrap(),
            now: "2026-11-27T05:00:00Z".parse().unwrap(),
        }
    }

    pub fn sample(run: u64) -> Record {
        let at = |m: i64| head().now.checked_sub(jiff::SignedDuration::from_mins(100 - m)).unwrap();
        let step = |id: &str, kind: &str, outcome, evidence: &[&str], m| RecordedStep {
            id: id.into(),
            title: format!("Look at {id}").into(),
            kind: kind.into(),
            subject: (id == "lens").then(|| "deck-east".into()),
            outcome,
            evidence: evidence.iter().map(|e| (*e).to_owned()).collect(),
            who: Some("kumar".into()),
            at: Some(at(m)),
        };
        let signature = |who: &str, counter, m| Signature {
            who: who.into(),
            name: format!("{who} Rao").into(),
            role: "technician".into(),
            counter,
            at: at(m),
        };
        Record {
            run,
            site: "BF2".into(),
            node: "bf2-vms-1".into(),
            task: "lens-inspection".into(),
            row: "W3".into(),
            title: "Inspect and clean the lenses".into(),
            started: at(0),
            finished: at(42),
            who: "kumar".into(),
            passed: false,
            abandoned: false,
            remark: Some("Ladder was taken".into()),
            steps: vec![
                step("cameras", "check", Some(Outcome::Passed), &["2 of 2 cameras live", "latency p99 41 ms"], 1),
                step("lens", "observe", Some(Outcome::Failed), &["oil film on the lower half"], 5),
                step("cleaning", "note", Some(Outcome::Passed), &["wiped with isopropanol"], 30),
                step("spare", "measure", None, &[], 31),
            ],
            hash: "ab12".repeat(16).into(),
            signatures: vec![signature("kumar", false, 43), signature("singh", true, 60)],
            addenda: vec![Addendum { who: "singh".into(), at: at(90), text: "Lens replaced on the next day".into() }],
        }
    }

    #[test]
    fn every_field_is_on_the_paper() {
        let record = sample(17);
        let text = crate::model::paper::Document::content(&document(&head(), &record));
        for word in [
            "record 17",
            "Inspect and clean the lenses",
            "lens-inspection",
            "W3",
            "BF2",
            "bf2-vms-1",
            "kumar",
            "Ladder was taken",
            "2 of 2 cameras live",
            "latency p99 41 ms",
            "oil film on the lower half",
            "wiped with isopropanol",
            "Look at lens (deck-east)",
            "not asked",
            "singh Rao",
            "technician",
            "Countersigned by",
            "Lens replaced on the next day",
            "2026-11-27 08:50:00 IST",
            "2026-11-27 09:32:00 IST",
            "after 42 min",
            "1 issue",
            &"ab12".repeat(16),
        ] {
            assert!(text.contains(word), "{word} is not in\n{text}");
        }
    }

    #[test]
    fn an_unsigned_record_says_so_and_has_lines_to_sign() {
        let record = Record { hash: "".into(), signatures: Vec::new(), addenda: Vec::new(), ..sample(3) };
        let part = part(&head(), &record);
        assert_eq!(part.seal, None);
        let lines = part.blocks.iter().find_map(|b| if let Block::Signatures(l) = b { Some(l) } else { None }).unwrap();
        assert!(lines.len() == 2 && lines.iter().all(|l| l.given.is_empty()), "{lines:?}");
        assert!(part.blocks.iter().any(|b| matches!(b, Block::Small(t) if t.contains("proves nothing"))));
    }
}
