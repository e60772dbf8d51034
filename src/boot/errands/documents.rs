//! Errands about documents: the performance of a week or a quarter, inventory, recovery handbook.

use super::{Means, unknown};
use crate::base::error::Failure;
use crate::boot::papers::{self, Reports, Source, Span, Standing, Written};
use crate::model::upkeep::{Answer, Outcome};
use crate::upkeep::documents::{inventory, performance};
use crate::upkeep::errand::Ask;

/// Lines of evidence that are told at most; the document has all.
const LINES: usize = 12;

fn source<'a>(means: &'a Means, ask: &Ask<'a>) -> Source<'a> {
    Source {
        config: &means.config,
        config_file: means.config_file.as_deref(),
        data: &means.data,
        now: means.clock.now().wall,
        board: Some(ask.board),
        database: papers::database_of(ask.board),
    }
}

fn told(outcome: Outcome, mut evidence: Vec<String>) -> Answer {
    if evidence.len() > LINES {
        let more = evidence.len() - LINES;
        evidence.truncate(LINES);
        evidence.push(format!("and {more} more"));
    }
    Answer { outcome, evidence }
}

fn or_unknown(answer: Result<Answer, Failure>) -> Answer {
    answer.unwrap_or_else(|e| unknown(e.to_string()))
}

/// Reads the history of a week or a quarter against the limits.
pub(super) fn review(means: &Means, ask: &Ask<'_>, span: Span) -> Answer {
    or_unknown(reviewed(means, ask, span))
}

fn reviewed(means: &Means, ask: &Ask<'_>, span: Span) -> Result<Answer, Failure> {
    let s = source(means, ask);
    let (review, _) = papers::performance(&s, span, ask.cancelled)?;
    let all = performance::worst(&review);
    if all.is_empty() {
        return Ok(unknown(format!("the journal has no hours of any indicator for {} yet", review.period)));
    }
    let mut lines = vec![format!("{}: {} indicators with a limit", review.period, all.len())];
    for (i, f) in &all {
        if f.over_percent > 0.0 || lines.len() < 4 {
            let limit = i.limit.map_or_else(String::new, |l| format!(", limit {}", performance::value(l, &i.unit)));
            lines.push(format!(
                "{}: mean {}, worst {}{limit}, beyond it in {:.1} % of the hours",
                i.title,
                performance::value(f.mean, &i.unit),
                performance::value(f.worst, &i.unit),
                f.over_percent
            ));
        }
    }
    let raised: u32 = review.alarms.iter().map(|a| a.count).sum();
    let noisiest = review.alarms.first().map_or_else(String::new, |a| format!(", most often {} ({})", a.id, a.count));
    lines.push(format!("{raised} alarms were raised{noisiest}"));
    lines.extend(
        performance::advice(&review, &papers::rules(means.config_file.as_deref())?)
            .into_iter()
            .map(|a| format!("Advice: {a}")),
    );
    let over = all.iter().any(|(_, f)| f.over_percent > 0.0);
    Ok(told(if over { Outcome::Failed } else { Outcome::Passed }, lines))
}

/// Compares the installation with the last inventory.
pub(super) fn inventory_changes(means: &Means, ask: &Ask<'_>) -> Answer {
    let s = source(means, ask);
    or_unknown(Reports::of(&means.data).inventory(&s).map(|(now, before)| match before {
        None => told(Outcome::Failed, vec!["no inventory was written yet; write the first one".to_owned()]),
        Some(before) => {
            let since = s.head().minute(before.taken);
            let changes = inventory::changes(&before, &now);
            if changes.is_empty() {
                return told(Outcome::Passed, vec![format!("nothing has changed since the inventory of {since}")]);
            }
            let mut lines = vec![format!("{} changes since the inventory of {since}; write a new one", changes.len())];
            lines.extend(changes);
            told(Outcome::Failed, lines)
        }
    }))
}

/// Compares the handbook with the configuration in force.
pub(super) fn handbook_current(means: &Means, ask: &Ask<'_>) -> Answer {
    let s = source(means, ask);
    or_unknown(Reports::of(&means.data).handbook_standing(&s).map(|standing| {
        let of = |e: &crate::upkeep::documents::handbook::Edition| {
            format!("edition {} of {}", e.number, s.head().minute(e.written))
        };
        let mut lines = Vec::new();
        let outcome = match &standing {
            Standing::None => {
                lines.push("no recovery handbook was written yet; write the first edition and print it".to_owned());
                Outcome::Failed
            }
            Standing::Current(e) => {
                lines.push(format!("{} says what is in force", of(e)));
                Outcome::Passed
            }
            Standing::Outdated(e) => {
                lines.push(format!(
                    "{} is out of date: the installation has changed since; write a new one and print it",
                    of(e)
                ));
                Outcome::Failed
            }
        };
        if means.config.contacts.is_empty() {
            lines.push("it names nobody to call: add [[contact]] to the configuration".to_owned());
        }
        let nobody = means.config.contacts.is_empty();
        told(if nobody { Outcome::Failed } else { outcome }, lines)
    }))
}

/// Writes a document, or says what would be written.
fn write(ask: &Ask<'_>, what: &str, work: &dyn Fn() -> Result<Written, Failure>) -> Answer {
    if ask.preview {
        return told(
            Outcome::Passed,
            vec![format!("would write {what} into reports/ of the data directory, as PDF and as text")],
        );
    }
    match work() {
        Ok(written) => {
            let mut lines = vec![format!("wrote {}", written.what)];
            lines.extend(written.files.iter().map(|f| f.display().to_string()));
            told(Outcome::Passed, lines)
        }
        Err(e) => told(Outcome::Failed, vec![e.to_string()]),
    }
}

/// Writes the inventory.
pub(super) fn write_inventory(means: &Means, ask: &Ask<'_>) -> Answer {
    write(ask, "the inventory", &|| Reports::of(&means.data).write_inventory(&source(means, ask)))
}

/// Writes the handbook.
pub(super) fn write_handbook(means: &Means, ask: &Ask<'_>) -> Answer {
    write(ask, "the recovery handbook", &|| Reports::of(&means.data).write_handbook(&source(means, ask)))
}

/// Writes the review of the quarter.
pub(super) fn write_performance(means: &Means, ask: &Ask<'_>) -> Answer {
    write(ask, "the performance review of the quarter", &|| {
        Reports::of(&means.data).write_performance(&source(means, ask), Span::Quarter, ask.cancelled)
    })
}
