//! All records of a month in one document, and how well the plan was kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Head, record};
use crate::model::paper::{Block, Document, Part, Table};
use crate::model::signed::Record;
use crate::model::upkeep::Compliance;

/// The month's batch: a summary, the list of its records with their pages, then every record on pages of its own.
#[must_use]
pub fn document(head: &Head, month: &str, records: &[Record], kept: &[Compliance]) -> Document {
    let mut parts = vec![summary(head, month, records, kept)];
    parts.extend(records.iter().map(|r| record::part(head, r)));
    head.document(format!("Maintenance records, {month}"), parts)
}

fn summary(head: &Head, month: &str, records: &[Record], kept: &[Compliance]) -> Part {
    let good = records.iter().filter(|r| r.passed && !r.abandoned).count();
    let mut blocks = vec![if records.is_empty() {
        Block::Verdict(format!("No maintenance record was made in {month}"), Some(false))
    } else {
        Block::Verdict(format!("{good} of {} records in order", records.len()), Some(good == records.len()))
    }];
    if !records.is_empty() {
        blocks.push(Block::Heading(1, "By task".to_owned()));
        blocks.push(Block::Table(by_task(head, records)));
    }
    blocks.extend(compliance(kept));
    if !records.is_empty() {
        blocks.push(Block::Heading(1, "Records".to_owned()));
        blocks.push(Block::Contents);
    }
    Part { kind: "Maintenance".to_owned(), title: format!("Maintenance records, {month}"), seal: None, blocks }
}

fn by_task(head: &Head, records: &[Record]) -> Table {
    let mut tasks: BTreeMap<&Arc<str>, Vec<&Record>> = BTreeMap::new();
    for r in records {
        tasks.entry(&r.title).or_default().push(r);
    }
    let mut table = Table::new(&[
        ("Task", 42),
        ("#Records", 12),
        ("#In order", 12),
        ("#Issues", 12),
        ("#Ended early", 14),
        ("Last", 20),
    ]);
    for (title, all) in tasks {
        let last = all.iter().map(|r| r.finished).max();
        table.row([
            title.to_string(),
            all.len().to_string(),
            all.iter().filter(|r| r.passed && !r.abandoned).count().to_string(),
            all.iter().map(|r| r.issues().count()).sum::<usize>().to_string(),
            all.iter().filter(|r| r.abandoned).count().to_string(),
            last.map_or_else(String::new, |t| head.day(t)),
        ]);
    }
    table
}

/// How well the plan was kept, as blocks; nothing where nothing is known.
#[must_use]
pub fn compliance(kept: &[Compliance]) -> Vec<Block> {
    if kept.iter().all(|k| k.periods == 0) {
        return Vec::new();
    }
    let mut table = Table::new(&[
        ("Cadence", 24),
        ("#Periods", 15),
        ("#Done", 15),
        ("#Called off", 15),
        ("#Missed", 15),
        ("#Kept", 16),
    ]);
    for k in kept.iter().filter(|k| k.periods > 0) {
        let share = k.percent().map_or_else(|| "–".to_owned(), |p| format!("{p:.0} %"));
        let count = |n: u32| n.to_string();
        table.row([
            k.cadence.word().to_owned(),
            count(k.periods),
            count(k.done),
            count(k.waived),
            count(k.missed),
            share,
        ]);
    }
    let note = "Complete periods up to the end of this document's time: 30 days, 12 weeks, 12 months, 8 quarters at most, none from \
                before the installation. What was called off with a reason counts neither way.";
    vec![Block::Heading(1, "How well the plan was kept".to_owned()), Block::Table(table), Block::Small(note.to_owned())]
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::{head, sample};
    use super::*;
    use crate::model::upkeep::Cadence;

    #[test]
    fn every_record_is_in_it_with_its_own_hash() {
        let records: Vec<Record> = (1..=3).map(sample).collect();
        let kept = [Compliance { cadence: Cadence::Daily, periods: 30, done: 50, waived: 2, missed: 8 }];
        let d = document(&head(), "2026-11", &records, &kept);
        assert_eq!(d.parts.len(), 4);
        assert!(d.parts.iter().skip(1).all(|p| p.seal.is_some()));
        let content = d.content();
        for word in ["0 of 3 records in order", "86 %", "record 2", "How well the plan was kept"] {
            assert!(content.contains(word), "{word}");
        }
        assert!(document(&head(), "2026-12", &[], &[]).content().contains("No maintenance record was made in 2026-12"));
    }
}
