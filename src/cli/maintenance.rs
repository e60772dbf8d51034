//! `vms maintenance`: what is due, the guided tasks, their records, and the proof of them.

mod look;
mod report;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::{Globals, out, secret, usage};
use crate::base::error::{Exit, Failure, Outcome as Ended};
use crate::model::intent::{Pin, ToSign, UpkeepWish};
use crate::model::upkeep::{Answer, Outcome};

/// The arguments of `vms maintenance`.
#[derive(Args, Debug)]
pub struct MaintenanceArgs {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What is overdue or due, most pressing first; exit 1 when something is overdue (without a subcommand: this)
    Due,
    /// Every task and guide with its state
    List,
    /// A task with its steps, an open run (its number) with what the program finds, or a finished run's record
    Show {
        /// A task's id, or a run's number
        what: String,
    },
    /// Finished runs, newest last
    Record {
        /// The run; left out: the newest
        run: Option<u64>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 20)]
        last: u32,
    },
    /// Records, blank forms, a month's batch, inventory, handbook, performance: as text, as PDF, on paper
    Report(report::ReportArgs),
    /// Prove that no record was changed since it was signed
    Verify,
    /// Say everything that is wrong with a catalogue of tasks, or with a directory that holds maintenance.toml and guides/
    Lint {
        /// The file or directory; left out: what the configuration names
        path: Option<PathBuf>,
    },
    /// What was found not in order and is not settled; exit 1 when there is something
    FollowUps,
    /// How well the plan was kept
    Compliance,
    /// The plan day by day, from three months back to three ahead: done, missed, waived, to be done
    Calendar,
    /// Begin a guided run of a task or guide
    Start {
        /// The task's or guide's id
        task: String,
        /// For a guide: the camera, PLC or directory
        #[arg(long, value_name = "ID")]
        about: Option<String>,
    },
    /// Answer the step that a run waits for
    Answer {
        /// The run
        run: u64,
        /// The step's id
        step: String,
        /// In order or not; what the program checks, it answers itself
        #[arg(value_enum)]
        outcome: Said,
        /// What was found, the number read, the option chosen, the reason for skipping
        text: Option<String>,
    },
    /// Let the program look again for the step that a run waits for
    Look {
        /// The run
        run: u64,
        /// The step's id
        step: String,
    },
    /// Let the program do what it said it would do in the step that a run waits for
    Agree {
        /// The run
        run: u64,
        /// The step's id
        step: String,
    },
    /// Take the last answer of a run back
    TakeBack {
        /// The run
        run: u64,
    },
    /// Lay a run aside
    Pause {
        /// The run
        run: u64,
    },
    /// Take a run up again
    Resume {
        /// The run
        run: u64,
    },
    /// Give a run to another person
    HandOver {
        /// The run
        run: u64,
        /// To whom
        to: String,
    },
    /// End a run before its last step; the task stays to be done
    End {
        /// The run
        run: u64,
        /// Why, for the record
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
    },
    /// Sign the record of a run whose steps are all answered; the PIN comes from the terminal or standard input
    Sign {
        /// The run
        run: u64,
        /// Who signs
        #[arg(long = "as", value_name = "ID")]
        person: String,
    },
    /// Counter-sign a finished record, as a second person
    CounterSign {
        /// The run
        run: u64,
        /// Who signs
        #[arg(long = "as", value_name = "ID")]
        person: String,
    },
    /// Add something to a finished record; the record itself is never changed
    Add {
        /// The run
        run: u64,
        /// What
        text: String,
        /// Who signs
        #[arg(long = "as", value_name = "ID")]
        person: String,
    },
    /// Settle something that a step found, with what was done
    Settle {
        /// The run that found it
        run: u64,
        /// The step
        step: String,
        /// What was done
        text: String,
    },
    /// Call a task off for some days
    Waive {
        /// The task's id
        task: String,
        /// For how long, such as 7d
        #[arg(long = "for", value_name = "DUR", value_parser = humantime::parse_duration)]
        span: std::time::Duration,
        /// Why
        #[arg(long, value_name = "TEXT")]
        why: String,
        /// Who signs; an admin
        #[arg(long = "as", value_name = "ID")]
        person: String,
    },
}

/// How a step was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Said {
    /// In order; for a number, a choice or a note: here is the text
    Ok,
    /// Not in order
    Bad,
    /// Left out, with the reason
    Skip,
}

/// Runs the command.
///
/// # Errors
/// No engine, or what was not taken; a journal that cannot be read.
pub fn run(globals: &Globals, args: &MaintenanceArgs) -> Ended {
    let wish = match &args.command {
        None | Some(Command::Due) => return look::due(globals),
        Some(Command::List) => return look::list(globals),
        Some(Command::Show { what }) => return look::show(globals, what),
        Some(Command::Record { run, last }) => return look::records(globals, *run, *last),
        Some(Command::FollowUps) => return look::follow_ups(globals),
        Some(Command::Compliance) => return look::compliance(globals),
        Some(Command::Calendar) => return look::calendar(globals),
        Some(Command::Report(a)) => return report::run(globals, a),
        Some(Command::Verify) => return verify::run(globals),
        Some(Command::Lint { path }) => return verify::lint(globals, path.as_deref()),
        Some(Command::Start { task, about }) => {
            UpkeepWish::Start { task: task.as_str().into(), subject: about.as_deref().map(Into::into) }
        }
        Some(Command::Answer { run, step, outcome, text }) => {
            UpkeepWish::Answer { run: *run, step: step.as_str().into(), answer: said(*outcome, text.as_deref()) }
        }
        Some(Command::Look { run, step }) => UpkeepWish::Look { run: *run, step: step.as_str().into() },
        Some(Command::Agree { run, step }) => UpkeepWish::Agree { run: *run, step: step.as_str().into() },
        Some(Command::TakeBack { run }) => UpkeepWish::TakeBack { run: *run },
        Some(Command::Pause { run }) => UpkeepWish::Pause { run: *run, paused: true },
        Some(Command::Resume { run }) => UpkeepWish::Pause { run: *run, paused: false },
        Some(Command::HandOver { run, to }) => UpkeepWish::HandOver { run: *run, to: to.as_str().into() },
        Some(Command::End { run, why }) => {
            let text = crate::boot::upkeep(globals, &UpkeepWish::End { run: *run }, why.as_deref())?;
            return super::demo::sentence(globals, &text);
        }
        Some(Command::Settle { run, step, text }) => {
            UpkeepWish::Settle { run: *run, step: step.as_str().into(), text: text.as_str().into() }
        }
        Some(Command::Sign { run, person }) => return sign_run(globals, *run, person),
        Some(Command::CounterSign { run, person }) => {
            let hash = look::hash_of(globals, *run)?;
            return sign(globals, person, ToSign::Counter { run: *run, hash });
        }
        Some(Command::Add { run, text, person }) => {
            return sign(globals, person, ToSign::Addendum { run: *run, text: text.as_str().into() });
        }
        Some(Command::Waive { task, span, why, person }) => {
            let until = crate::boot::moment(*span);
            let what = ToSign::Waive { task: task.as_str().into(), until, why: why.as_str().into() };
            return sign(globals, person, what);
        }
    };
    super::demo::sentence(globals, &crate::boot::upkeep(globals, &wish, None)?)
}

fn said(outcome: Said, text: Option<&str>) -> Answer {
    let outcome = match outcome {
        Said::Ok => Outcome::Passed,
        Said::Bad => Outcome::Failed,
        Said::Skip => Outcome::Skipped,
    };
    Answer { outcome, evidence: text.map(str::to_owned).into_iter().collect() }
}

/// What is signed is shown first; then the PIN is asked for.
fn sign_run(globals: &Globals, run: u64, person: &str) -> Ended {
    let board = crate::boot::maintenance(globals)?;
    let open = look::run_of(&board, run).ok_or_else(|| usage(format!("run {run} is not open")))?;
    let Some(hash) = open["to_sign"].as_str() else {
        let step = open["current"].as_str().unwrap_or("a step");
        return Err(Failure::new(Exit::NotFine, format!("run {run} is not complete: {step} is to be answered first")));
    };
    out::note(look::run_text(open).trim_end());
    out::note(&format!("What is signed: SHA-256 {hash}"));
    let hash: Arc<str> = hash.into();
    sign(globals, person, ToSign::Run { run, hash })
}

fn sign(globals: &Globals, person: &str, what: ToSign) -> Ended {
    let pin = Pin(secret::pin(&format!("PIN of {person}"))?);
    let wish = UpkeepWish::Sign { person: person.into(), pin, what };
    super::demo::sentence(globals, &crate::boot::upkeep(globals, &wish, None)?)
}

/// The text of a value, or a dash.
fn word(v: &Value) -> String {
    v.as_str().map_or_else(|| "-".to_owned(), str::to_owned)
}
