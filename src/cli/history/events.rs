//! `vms history events` and `records`: what happened, and the maintenance that was done.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::print::{Column, Field, Form, Printer, text};
use super::{EventsArgs, RecordsArgs, older, range_of};
use crate::base::error::{Exit, Failure, Outcome};
use crate::boot::{Records, unreadable};
use crate::journal::{EventFilter, history::PAGE_MAX};
use crate::model::event::{Event, EventKind, ending, outcome};

const EVENTS: [Column; 5] = [
    Column("NUMBER", "seq", 8),
    Column("WHEN", "at", 19),
    Column("KIND", "kind", 18),
    Column("ABOUT", "subject", 28),
    Column("WHAT", "text", 0),
];

/// Shown where no range is given.
const NEWEST: usize = 100;

/// Prints events, oldest first.
///
/// # Errors
/// A journal that cannot be read, or wrong usage.
pub(super) fn events(records: &Records, args: &EventsArgs, form: Form) -> Outcome {
    let (from, to) = range_of(&args.range, records)?;
    let filter = EventFilter {
        from,
        to,
        kinds: args.kind.clone(),
        subject: args.subject.clone().or_else(|| args.roi.clone()),
        text: args.contains.clone(),
        ..EventFilter::default()
    };
    let open = from.is_none() && to.is_none();
    let last = args.last.map(|n| n as usize).or(open.then_some(NEWEST));
    let mut printer = Printer::new(form, &EVENTS, &records.zone);
    let mut tell = |e: &Event| print(&mut printer, form, e);
    let (filter, older) = match last {
        Some(n) => before_the_newest(records, &filter, n)?,
        None => (filter, None),
    };
    if older == Some(0) || older::events(records, &filter, older, &mut tell)? {
        each(records, filter, tell)?;
    }
    printer.finish("events")
}

/// The filter that lets only the newest `n` through, and how many more than the journal has are wanted.
fn before_the_newest(
    records: &Records,
    wanted: &EventFilter,
    n: usize,
) -> Result<(EventFilter, Option<usize>), Failure> {
    let mut filter = wanted.clone();
    let mut left = n;
    loop {
        let page = records.history.events_where(&filter, left.min(PAGE_MAX)).map_err(|e| unreadable(&e))?;
        left = left.saturating_sub(page.items.len() + page.unreadable as usize);
        match page.items.last() {
            Some(oldest) if left == 0 => {
                let after_seq = Some(oldest.seq.saturating_sub(1));
                return Ok((EventFilter { after_seq, ..wanted.clone() }, Some(0)));
            }
            Some(oldest) if page.more => filter.before_seq = Some(oldest.seq),
            _ => return Ok((wanted.clone(), Some(left))),
        }
    }
}

/// Goes through the events that the filter lets through, oldest first, a page at a time, as long as `f` says.
fn each(
    records: &Records,
    mut filter: EventFilter,
    mut f: impl FnMut(&Event) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    loop {
        let page = records.history.events_onward(&filter, PAGE_MAX / 10).map_err(|e| unreadable(&e))?;
        for e in &page.items {
            if !f(e)? {
                return Ok(());
            }
        }
        match page.items.last() {
            Some(newest) if page.more => filter.after_seq = Some(newest.seq),
            _ => return Ok(()),
        }
    }
}

fn print(printer: &mut Printer, form: Form, e: &Event) -> Result<bool, Failure> {
    if form == Form::Json {
        let value = serde_json::to_value(e)
            .map_err(|why| Failure::new(Exit::Io, format!("event {} cannot be printed: {why}", e.seq)))?;
        return printer.value(&value);
    }
    printer.row(&[
        Field::Whole(e.seq),
        Field::Time(e.at),
        text(e.kind.name()),
        text(e.kind.subject().unwrap_or_default()),
        text(e.kind.words()),
    ])
}

const RECORDS: [Column; 8] = [
    Column("RUN", "run", 6),
    Column("WHEN", "finished", 19),
    Column("TASK", "task", 18),
    Column("RESULT", "result", 10),
    Column("WHO", "who", 12),
    Column("STEP", "step", 16),
    Column("ANSWER", "outcome", 12),
    Column("EVIDENCE", "evidence", 0),
];

/// A run on its way through the events.
#[derive(Default)]
struct Run {
    started: Option<Event>,
    answers: Vec<Event>,
}

/// Prints finished maintenance runs with their answers, oldest first.
///
/// # Errors
/// A journal that cannot be read, or wrong usage.
pub(super) fn records(records: &Records, args: &RecordsArgs, form: Form) -> Outcome {
    let (from, to) = range_of(&args.range, records)?;
    // A run counts by its end; it may have begun before the range.
    let kinds = ["run_started", "step_answered", "step_reopened", "run_finished"].map(str::to_owned).to_vec();
    let filter = EventFilter { to, kinds, ..EventFilter::default() };
    let mut printer = Printer::new(form, &RECORDS, &records.zone);
    let mut open: BTreeMap<u64, Run> = BTreeMap::new();
    let mut newest: VecDeque<(Event, Run)> = VecDeque::new();
    let needle = args.contains.as_ref().map(|c| c.to_lowercase());
    let mut tell = |e: &Event| {
        match &e.kind {
            EventKind::RunStarted { run, .. } => open.entry(*run).or_default().started = Some(e.clone()),
            EventKind::StepAnswered { run, .. } => open.entry(*run).or_default().answers.push(e.clone()),
            EventKind::StepReopened { run, step, .. } => {
                let taken_back = |e: &Event| matches!(&e.kind, EventKind::StepAnswered { step: s, .. } if s == step);
                open.entry(*run).or_default().answers.retain(|e| !taken_back(e));
            }
            EventKind::RunFinished { run, .. } => {
                let done = open.remove(run).unwrap_or_default();
                let wanted = from.is_none_or(|f| e.at >= f) && needle.as_ref().is_none_or(|n| mentions(e, &done, n));
                match args.last {
                    _ if !wanted => {}
                    None => return record(&mut printer, form, e, &done),
                    Some(n) => {
                        newest.push_back((e.clone(), done));
                        if newest.len() > n as usize {
                            newest.pop_front();
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(true)
    };
    if older::events(records, &filter, None, &mut tell)? {
        each(records, filter, tell)?;
    }
    for (e, done) in &newest {
        if !record(&mut printer, form, e, done)? {
            break;
        }
    }
    printer.finish("finished maintenance runs")
}

fn mentions(end: &Event, run: &Run, needle: &str) -> bool {
    let mut all = std::iter::once(end).chain(&run.started).chain(&run.answers);
    all.any(|e| serde_json::to_string(&e.kind).is_ok_and(|t| t.to_lowercase().contains(needle)))
}

fn record(printer: &mut Printer, form: Form, end: &Event, run: &Run) -> Result<bool, Failure> {
    let EventKind::RunFinished { run: number, task, who, passed, abandoned, .. } = &end.kind else { return Ok(true) };
    if form == Form::Json {
        let answers: Vec<Value> = run.answers.iter().filter_map(answer_json).collect();
        return printer.value(&json!({
            "run": number, "task": task, "who": who, "started": run.started.as_ref().map(|e| e.at), "finished": end.at,
            "passed": passed, "abandoned": abandoned, "seq": end.seq, "steps": answers,
        }));
    }
    let head = |step: &str, what: &str, evidence: String| {
        vec![
            Field::Whole(*number),
            Field::Time(end.at),
            text(task.as_ref()),
            text(ending(*passed, *abandoned)),
            text(who.as_ref()),
            text(step),
            text(what),
            text(evidence),
        ]
    };
    if run.answers.is_empty() {
        return printer.row(&head("", "", String::new()));
    }
    printer.all(run.answers.iter().filter_map(|e| match &e.kind {
        EventKind::StepAnswered { step, answer, .. } => {
            Some(head(step, outcome(answer.outcome), answer.evidence.join("; ")))
        }
        _ => None,
    }))
}

fn answer_json(e: &Event) -> Option<Value> {
    let EventKind::StepAnswered { step, answer, who, .. } = &e.kind else { return None };
    Some(json!({ "step": step, "at": e.at, "who": who, "outcome": answer.outcome, "evidence": answer.evidence }))
}
