//! `vms db`: how the database is, what is slow, upkeep by hand, and cancelling a query. Works with or without an engine.

mod page;

use std::io::{IsTerminal as _, Write as _};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Globals, ask, out, usage};
use crate::base::error::{Exit, Failure, Outcome};
use crate::boot::Database;
use crate::model::database::{CareJob, CareRecord, DatabaseReport, JobBoard, Measure};

/// The arguments of `vms db`.
#[derive(Args, Debug)]
#[command(after_help = "Not in this version yet: migrate")]
pub struct DbArgs {
    #[command(subcommand)]
    command: Option<DbCommand>,
}

#[derive(Debug, Subcommand)]
enum DbCommand {
    /// Sizes, growth, connections, indexes, settings, each against its limit (without a subcommand: this)
    Status,
    /// The slowest queries, and what is running now and who waits for whom
    Slow,
    /// VACUUM ANALYZE and REINDEX CONCURRENTLY, with figures before and after; readers and writers go on
    Maintain(MaintainArgs),
    /// Cancel the query of a process, as `vms db slow` lists it
    Cancel {
        /// The process on the server
        pid: i32,
    },
}

/// What is done.
#[derive(Args, Clone, Debug)]
pub struct MaintainArgs {
    /// Only VACUUM ANALYZE
    #[arg(long)]
    vacuum: bool,
    /// Only REINDEX CONCURRENTLY
    #[arg(long)]
    reindex: bool,
    /// Only this table, as `vms db status` lists it
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// A bad configuration, a database that does not answer, or what could not be done.
pub fn run(globals: &Globals, args: &DbArgs) -> Outcome {
    let db = Database::of(globals)?;
    match &args.command {
        None | Some(DbCommand::Status) => status(globals, &db),
        Some(DbCommand::Slow) => slow(globals, &db),
        Some(DbCommand::Maintain(m)) => maintain(globals, &db, m),
        Some(DbCommand::Cancel { pid }) => cancel(globals, &db, *pid),
    }
}

/// The figures with the response time among them.
fn measures(db: &Database, report: &DatabaseReport) -> Vec<Measure> {
    let limit_ms = db.config.resources.database_response.as_secs_f64() * 1000.0;
    let response = Measure {
        id: "database.response",
        name: "Response",
        value: report.response_ms,
        unit: "ms",
        limit: Some(limit_ms),
        text: None,
    };
    let mut all = vec![response];
    all.extend(report.measures(limit_ms));
    // Over one look nothing can be said of the last hour: the slowest mean of all is said instead.
    let mean_ms = report.statements.list().iter().filter(|s| s.calls > 1).map(|s| s.mean_ms).reduce(f64::max);
    for m in all.iter_mut().filter(|m| m.id == "database.slowest" && m.value.is_none() && mean_ms.is_some()) {
        (m.value, m.text) = (mean_ms, Some("since the server's statistics began".into()));
    }
    all
}

/// Nothing is beyond its limit, nothing could not be read, no setting is a danger.
fn fine(report: &DatabaseReport, measures: &[Measure]) -> bool {
    measures.iter().all(|m| m.fine() != Some(false))
        && report.unknown.is_empty()
        && !report.advice.iter().any(|a| a.serious)
}

fn verdict(fine: bool) -> Exit {
    if fine { Exit::Fine } else { Exit::NotFine }
}

fn status(globals: &Globals, db: &Database) -> Outcome {
    let report = db.look()?;
    let measures = measures(db, &report);
    let fine = fine(&report, &measures);
    if globals.json {
        let mut value = serde_json::to_value(&report).map_err(|e| Failure::new(Exit::Io, e.to_string()))?;
        value["fine"] = json!(fine);
        value["measures"] = json!(measures);
        out::json(&value)?;
    } else {
        out::line(&page::status(&report, &measures, &db.config.site.time_zone))?;
    }
    Ok(verdict(fine))
}

fn slow(globals: &Globals, db: &Database) -> Outcome {
    let report = db.look()?;
    let measures = measures(db, &report);
    let about = ["database.slowest", "database.longest", "database.blocked"];
    let fine = measures.iter().filter(|m| about.contains(&m.id)).all(|m| m.fine() != Some(false));
    if globals.json {
        out::json(&json!({ "fine": fine, "statements": report.statements, "sessions": report.sessions }))?;
    } else {
        out::line(&page::slow(&report))?;
    }
    Ok(verdict(fine))
}

fn maintain(globals: &Globals, db: &Database, args: &MaintainArgs) -> Outcome {
    let both = !args.vacuum && !args.reindex;
    let jobs = [(CareJob::Vacuum, args.vacuum || both), (CareJob::Reindex, args.reindex || both)];
    let jobs: Vec<CareJob> = jobs.into_iter().filter(|(_, on)| *on).map(|(job, _)| job).collect();
    let mut questions = Vec::new();
    for job in &jobs {
        questions.push(db.plan(*job, args.table.as_deref())?.question());
    }
    permitted(globals, &format!("{}\n{}\nDo it?", db.url(), questions.join("\n")))?;
    let mut records: Vec<CareRecord> = Vec::new();
    for job in jobs {
        let mut said = String::new();
        let record = db.maintain(globals, job, args.table.as_deref(), &mut |b| progress(&b, &mut said))?;
        clear(&said);
        if !globals.json {
            out::line(&record.text)?;
        }
        let passed = record.passed;
        records.push(record);
        if !passed {
            break;
        }
    }
    let fine = records.iter().all(|r| r.passed);
    if globals.json {
        out::json(&json!({ "fine": fine, "jobs": records }))?;
    }
    Ok(verdict(fine))
}

/// Asks, unless the answer was given with the command.
fn permitted(globals: &Globals, question: &str) -> Result<(), Failure> {
    if !globals.yes && !std::io::stdin().is_terminal() {
        return Err(usage(format!("{question}\nthere is nobody to ask here: nothing was done; --yes answers")));
    }
    if ask::may(globals, question) { Ok(()) } else { Err(Failure::new(Exit::NotFine, "nothing was done")) }
}

fn cancel(globals: &Globals, db: &Database, pid: i32) -> Outcome {
    let Some(session) = db.find(pid)? else {
        let text = format!("process {pid} does nothing in this database; `vms db slow` lists what runs");
        return Err(Failure::new(Exit::NotFine, text));
    };
    let end = session.idle_in_transaction();
    let what = if end {
        "It stands idle in a transaction, so there is no query to cancel. End its connection? What it changed is undone."
    } else {
        "Cancel this query?"
    };
    let who = page::who(&session);
    permitted(globals, &format!("process {pid}, {who}: {}\n{what}", session.query))?;
    let record = db.cancel(globals, &session, end)?;
    if globals.json {
        out::json(&record)?;
    } else {
        out::line(&record.text)?;
    }
    Ok(verdict(record.passed))
}

/// One line on a terminal that is written over; one a step elsewhere.
fn progress(b: &JobBoard, said: &mut String) {
    let percent = b.percent.map_or_else(String::new, |p| format!(" {p:.0} %"));
    let line = format!("{} {} of {}: {}: {}{percent}", b.job.title(), b.step.0, b.step.1, b.at, b.phase);
    let mut err = std::io::stderr().lock();
    let _ = if err.is_terminal() {
        let _ = write!(err, "\r{line:<width$}", width = said.chars().count());
        *said = line;
        err.flush()
    } else if &*b.phase == "starting" {
        writeln!(err, "{} {} of {}: {}", b.job.title(), b.step.0, b.step.1, b.at)
    } else {
        Ok(())
    };
}

fn clear(said: &str) {
    if !said.is_empty() {
        let _ = write!(std::io::stderr().lock(), "\r{:<width$}\r", "", width = said.chars().count());
    }
}
