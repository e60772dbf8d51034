//! What `vms maintenance` prints: tasks, runs, records, what is to follow up.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;

use super::word;
use crate::base::error::{Exit, Failure, Outcome};
use crate::boot::{Records, records as journal, unreadable};
use crate::cli::{Globals, out, usage};
use crate::journal::EventFilter;
use crate::model::event::{Event, EventKind};
use crate::model::signed::Record;

/// Finished runs read at most for a list.
const MOST: usize = 1000;

fn array<'a>(board: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    board[key].as_array().into_iter().flatten()
}

pub(super) fn due(globals: &Globals) -> Outcome {
    let board = crate::boot::maintenance(globals)?;
    let pressing = |t: &&Value| matches!(t["state"].as_str(), Some("overdue" | "due"));
    let tasks: Vec<&Value> = array(&board, "tasks").filter(pressing).collect();
    let overdue = tasks.iter().any(|t| t["state"] == "overdue");
    print(globals, &tasks)?;
    if tasks.is_empty() && !globals.json {
        out::note("nothing is due");
    }
    Ok(if overdue { Exit::NotFine } else { Exit::Fine })
}

pub(super) fn list(globals: &Globals) -> Outcome {
    let board = crate::boot::maintenance(globals)?;
    let tasks: Vec<&Value> = array(&board, "tasks").collect();
    print(globals, &tasks)?;
    Ok(Exit::Fine)
}

fn print(globals: &Globals, tasks: &[&Value]) -> Result<(), Failure> {
    if globals.json {
        for t in tasks {
            out::json(t)?;
        }
        return Ok(());
    }
    let row = |t: &&Value| {
        let state = if t["guide"] == true { "guide".into() } else { word(&t["state"]) };
        let until = if matches!(t["state"].as_str(), Some("as needed")) { "-".into() } else { moment(&t["until"]) };
        vec![
            state,
            word(&t["row"]),
            word(&t["id"]),
            word(&t["cadence"]),
            until,
            moment(&t["last_done"]),
            word(&t["title"]),
        ]
    };
    let rows: Vec<Vec<String>> = tasks.iter().map(row).collect();
    if !rows.is_empty() {
        out::line(&out::table(&["STATE", "ROW", "ID", "CADENCE", "UNTIL", "LAST DONE", "TITLE"], &rows))?;
    }
    Ok(())
}

/// A time without its fraction of a second.
fn moment(v: &Value) -> String {
    let at = v.as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
    at.map_or_else(|| "-".to_owned(), |t| t.strftime("%F %H:%MZ").to_string())
}

pub(super) fn run_of(board: &Value, run: u64) -> Option<&Value> {
    array(board, "runs").find(|r| r["run"] == run)
}

pub(super) fn show(globals: &Globals, what: &str) -> Outcome {
    let Ok(run) = what.parse::<u64>() else {
        let board = crate::boot::maintenance(globals)?;
        let known: Vec<&str> = array(&board, "tasks").filter_map(|t| t["id"].as_str()).collect();
        let task = array(&board, "tasks").find(|t| t["id"] == what);
        let task = task.ok_or_else(|| usage(format!("there is no task {what}; there are {}", known.join(", "))))?;
        return said(globals, task, &task_text(task));
    };
    // Without an engine there are no open runs; the records are in the journal all the same.
    if let Ok(board) = crate::boot::maintenance(globals)
        && let Some(open) = run_of(&board, run)
    {
        return said(globals, open, &run_text(open));
    }
    records(globals, Some(run), 1)
}

fn said(globals: &Globals, value: &Value, text: &str) -> Outcome {
    if globals.json {
        out::json(value)?;
    } else {
        out::line(text)?;
    }
    Ok(Exit::Fine)
}

fn task_text(t: &Value) -> String {
    let mut text =
        format!("{}  {}  ({}, {})\n", word(&t["row"]), word(&t["title"]), word(&t["cadence"]), word(&t["state"]));
    for s in array(t, "steps") {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{}  {}  [{}]", word(&s["id"]), word(&s["title"]), word(&s["kind"]["kind"]));
        let _ = writeln!(text, "  why: {}\n  how: {}", word(&s["why"]), word(&s["how"]));
    }
    text
}

/// An open run: what was answered, and what the program finds for the step that is open.
pub(super) fn run_text(r: &Value) -> String {
    let mut text = format!("run {}  {}  by {}\n", r["run"], word(&r["title"]), word(&r["who"]));
    // What an earlier answer decides comes when that is given.
    for s in array(r, "steps").filter(|s| s["asked"] == true || !s["answer"].is_null()) {
        let answer = &s["answer"];
        let mark = match answer["outcome"].as_str() {
            Some("passed") => "ok  ",
            Some("failed") => "BAD ",
            Some("skipped") => "skip",
            _ if s["working"] == true => "...  ",
            _ => "open",
        };
        let _ = writeln!(text, "{mark}  {}  {}", word(&s["id"]), word(&s["title"]));
        let shown = if answer.is_null() { &s["found"] } else { answer };
        for line in array(shown, "evidence").filter_map(Value::as_str) {
            let _ = writeln!(text, "        {line}");
        }
        let is_open = answer.is_null() && r["current"] == s["id"];
        for option in array(s, "options").filter_map(Value::as_str).filter(|_| is_open) {
            let _ = writeln!(text, "        choose: {option}");
        }
    }
    text
}

pub(super) fn follow_ups(globals: &Globals) -> Outcome {
    let board = crate::boot::maintenance(globals)?;
    let all: Vec<&Value> = array(&board, "follow_ups").collect();
    if globals.json {
        for f in &all {
            out::json(f)?;
        }
    } else if all.is_empty() {
        out::note("nothing is to be followed up");
    } else {
        let row = |f: &&Value| {
            vec![f["run"].to_string(), word(&f["step"]), moment(&f["since"]), word(&f["guide"]), word(&f["found"])]
        };
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
        out::line(&out::table(&["RUN", "STEP", "SINCE", "GUIDE", "FOUND"], &rows))?;
    }
    Ok(if all.is_empty() { Exit::Fine } else { Exit::NotFine })
}

pub(super) fn compliance(globals: &Globals) -> Outcome {
    let board = crate::boot::maintenance(globals)?;
    let all: Vec<&Value> = array(&board, "compliance").collect();
    if globals.json {
        for c in &all {
            out::json(c)?;
        }
        return Ok(Exit::Fine);
    }
    let row = |c: &&Value| {
        let percent = c["percent"].as_f64().map_or_else(|| "-".into(), |p| format!("{p:.0} %"));
        let n = |key: &str| c[key].to_string();
        vec![word(&c["cadence"]), n("periods"), n("done"), n("waived"), n("missed"), percent]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    out::line(&out::table(&["CADENCE", "PERIODS", "DONE", "WAIVED", "MISSED", "KEPT"], &rows))?;
    Ok(Exit::Fine)
}

pub(super) fn calendar(globals: &Globals) -> Outcome {
    let board = crate::boot::maintenance(globals)?;
    let titles: BTreeMap<String, String> =
        array(&board, "tasks").map(|t| (word(&t["id"]), word(&t["title"]))).collect();
    let mut rows = Vec::new();
    for day in array(&board, "calendar") {
        if globals.json {
            out::json(day)?;
            continue;
        }
        for t in array(day, "tasks") {
            // On a day of the plan "overdue" means that it was not done in its time.
            let state = if t["state"] == "overdue" { "missed".into() } else { word(&t["state"]) };
            let (id, at) = (word(&t["task"]), moment(&t["at"]));
            let title = titles.get(&id).cloned().unwrap_or_default();
            rows.push(vec![word(&day["day"]), state, at, id, title]);
        }
    }
    if !globals.json {
        out::line(&out::table(&["DAY", "STATE", "DEADLINE OR DONE", "TASK", "TITLE"], &rows))?;
    }
    Ok(Exit::Fine)
}

/// The records of finished runs, oldest first: one run, or the newest so many.
pub fn kept(journal: &Records, run: Option<u64>, last: usize) -> Result<Vec<(Event, Option<Record>)>, Failure> {
    let kinds = ["run_finished", "record_countersigned", "record_addendum"].map(str::to_owned).to_vec();
    let mut filter = EventFilter { kinds, about: run.map(|r| r.to_string()), ..EventFilter::default() };
    let mut all: Vec<(Event, Option<Record>)> = Vec::new();
    loop {
        let page = journal.history.events_where(&filter, MOST).map_err(|e| unreadable(&e))?;
        let oldest = page.items.iter().map(|e| e.seq).min();
        let more = page.more;
        all.extend(page.items.into_iter().map(|e| {
            let record = match &e.kind {
                EventKind::RunFinished { record, .. } => record.as_deref().cloned(),
                _ => None,
            };
            (e, record)
        }));
        let finished = all.iter().filter(|(e, _)| matches!(e.kind, EventKind::RunFinished { .. })).count();
        if finished >= last || !more || oldest.is_none() {
            break;
        }
        filter.before_seq = oldest;
    }
    // Newest first as read; additions come after what they are added to.
    all.sort_by_key(|(e, _)| e.seq);
    let mut out: Vec<(Event, Option<Record>)> = Vec::new();
    for (event, record) in all {
        match &event.kind {
            EventKind::RunFinished { .. } => out.push((event, record)),
            EventKind::RecordCountersigned { run, signature, .. } => {
                add(&mut out, *run, |r| r.signatures.push(signature.clone()));
            }
            EventKind::RecordAddendum { run, addendum } => add(&mut out, *run, |r| r.addenda.push(addendum.clone())),
            _ => {}
        }
    }
    let from = out.len().saturating_sub(last);
    out.drain(..from);
    Ok(out)
}

fn add(out: &mut [(Event, Option<Record>)], run: u64, change: impl FnOnce(&mut Record)) {
    let record = out.iter_mut().rev().filter_map(|(_, r)| r.as_mut()).find(|r| r.run == run);
    if let Some(record) = record {
        change(record);
    }
}

/// The hash of a finished run's record.
pub(super) fn hash_of(globals: &Globals, run: u64) -> Result<Arc<str>, Failure> {
    let all = kept(&journal(globals)?, Some(run), 1)?;
    let record = all.into_iter().find_map(|(_, r)| r);
    record.map(|r| r.hash).ok_or_else(|| Failure::new(Exit::NotFine, format!("there is no record {run}")))
}

pub(super) fn records(globals: &Globals, run: Option<u64>, last: u32) -> Outcome {
    let all = kept(&journal(globals)?, run, last as usize)?;
    if all.is_empty() {
        let text = run.map_or_else(|| "no record yet".to_owned(), |r| format!("there is no record {r}"));
        return Err(Failure::new(Exit::NotFine, text));
    }
    if globals.json {
        for (event, record) in &all {
            match record {
                Some(r) => out::json(r)?,
                None => out::json(event)?,
            };
        }
        return Ok(Exit::Fine);
    }
    if run.is_some() {
        for (event, record) in &all {
            out::line(&record.as_ref().map_or_else(|| old(event), whole))?;
        }
        return Ok(Exit::Fine);
    }
    let row = |(event, record): &(Event, Option<Record>)| {
        let EventKind::RunFinished { run, task, who, passed, abandoned, .. } = &event.kind else { return Vec::new() };
        let signed = record.as_ref().map_or(0, |r| r.signatures.len()).to_string();
        let end = crate::model::event::ending(*passed, *abandoned).to_owned();
        let at = event.at.strftime("%F %H:%MZ").to_string();
        vec![run.to_string(), at, task.to_string(), end, signed, who.to_string()]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    out::line(&out::table(&["RUN", "FINISHED", "TASK", "RESULT", "SIGNED", "BY"], &rows))?;
    Ok(Exit::Fine)
}

fn old(event: &Event) -> String {
    format!(
        "{} {} (kept before records were signed; vms history records shows its steps)",
        event.at,
        event.kind.words()
    )
}

/// A whole record as text.
fn whole(r: &Record) -> String {
    let result = crate::model::event::ending(r.passed, r.abandoned);
    let mut text = format!("record {}  {}  {}\n", r.run, r.row, r.title);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "site {}, node {}\nfrom {} to {}\nby {}, {result}",
        r.site, r.node, r.started, r.finished, r.who
    );
    if let Some(remark) = &r.remark {
        let _ = writeln!(text, "remark: {remark}");
    }
    for s in r.steps.iter().filter(|s| s.outcome.is_some()) {
        let said = s.outcome.map_or("", crate::model::event::outcome);
        let _ = writeln!(text, "\n{}: {}  {}", s.title, said, s.who.as_deref().unwrap_or(""));
        for line in &s.evidence {
            let _ = writeln!(text, "    {line}");
        }
    }
    text.push('\n');
    for s in &r.signatures {
        let verb = if s.counter { "counter-signed" } else { "signed" };
        let _ = writeln!(text, "{verb} by {} ({}) at {}", s.name, s.role, s.at);
    }
    if r.signatures.is_empty() {
        text.push_str("not signed: nobody had a PIN when it was finished\n");
    }
    for a in &r.addenda {
        let _ = writeln!(text, "added by {} at {}: {}", a.who, a.at, a.text);
    }
    let _ = writeln!(text, "SHA-256 {}", r.hash);
    text
}
