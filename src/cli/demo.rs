//! `vms demo`: a complete site of the program's own making, and its faults.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::engine::span;
use super::{Globals, out};
use crate::base::error::{Exit, Outcome};

/// The arguments of `vms demo`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DemoArgs {
    #[command(flatten)]
    options: DemoOptions,
    #[command(subcommand)]
    command: Option<DemoCommand>,
}

/// How the demonstration runs.
#[derive(Args, Clone, Debug, Default)]
pub struct DemoOptions {
    /// Stop in order after this time, such as 30s or 5m
    #[arg(long = "for", value_name = "DUR", value_parser = span)]
    pub for_: Option<Duration>,

    /// No console: print measured against true vibration at the end
    #[arg(long)]
    pub headless: bool,
}

#[derive(Debug, Subcommand)]
enum DemoCommand {
    /// List the faults of the running demonstration, or switch one on or off
    Fault {
        /// The fault; without it all are listed
        name: Option<String>,
        /// Switch it on or off; without it the fault is shown
        switch: Option<Switch>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Runs the command.
///
/// # Errors
/// What the demonstration could not do.
pub fn run(globals: &Globals, args: &DemoArgs) -> Outcome {
    match &args.command {
        None => crate::boot::run_demo(globals, &args.options),
        Some(DemoCommand::Fault { name: Some(name), switch: Some(switch) }) => {
            let answer = crate::boot::set_demo_fault(globals, name, *switch == Switch::On)?;
            sentence(globals, &answer)
        }
        Some(DemoCommand::Fault { name, .. }) => {
            let all = crate::boot::demo_faults(globals)?;
            list(globals, &all, name.as_deref())
        }
    }
}

/// Prints an answer of the engine.
pub(super) fn sentence(globals: &Globals, answer: &str) -> Outcome {
    if globals.json {
        out::json(&serde_json::json!({ "done": answer }))?
    } else {
        out::line(answer)?
    };
    Ok(Exit::Fine)
}

/// Prints faults: objects with `id`, `title` and `on`.
fn list(globals: &Globals, all: &[Value], only: Option<&str>) -> Outcome {
    let wanted: Vec<&Value> = all.iter().filter(|f| only.is_none_or(|n| f["id"] == n)).collect();
    if let Some(name) = only.filter(|_| wanted.is_empty()) {
        return Err(super::usage(format!("there is no fault \"{name}\"; `vms demo fault` lists them")));
    }
    if globals.json {
        out::json(&serde_json::json!({ "faults": wanted }))?;
    } else {
        let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let state = |v: &Value| if v.as_bool() == Some(true) { "on".to_owned() } else { "off".to_owned() };
        let rows: Vec<Vec<String>> =
            wanted.iter().map(|f| vec![word(&f["id"]), state(&f["on"]), word(&f["title"])]).collect();
        out::line(&out::table(&["FAULT", "STATE", "WHAT HAPPENS"], &rows))?;
    }
    Ok(Exit::Fine)
}
