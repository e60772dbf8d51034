//! `vms alarms`: list, acknowledge, history.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::status::{number, text, time, unit};
use super::{Globals, out};
use crate::base::error::{Exit, Outcome};

/// The arguments of `vms alarms`.
#[derive(Args, Debug)]
#[command(after_help = "Not in this version yet: shelve, prove")]
pub struct AlarmsArgs {
    #[command(subcommand)]
    command: Option<AlarmsCommand>,
}

#[derive(Debug, Subcommand)]
enum AlarmsCommand {
    /// Alarms that are not normal (without a subcommand: this)
    List,
    /// Acknowledge; returns when the acknowledgment is on the disk
    Ack(AckArgs),
    /// What happened to alarms, newest last
    History {
        /// How many events at most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        last: u32,
    },
}

/// What is acknowledged.
#[derive(Args, Clone, Debug)]
pub struct AckArgs {
    /// The alarm, as `vms alarms` lists it
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub id: Option<String>,
    /// Every alarm that is unacknowledged now
    #[arg(long)]
    pub all: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// No engine, or an acknowledgment that was not taken.
pub fn run(globals: &Globals, args: &AlarmsArgs) -> Outcome {
    match &args.command {
        None | Some(AlarmsCommand::List) => list(&crate::boot::ask_status(globals)?, globals.json),
        Some(AlarmsCommand::Ack(ack)) => super::demo::sentence(globals, &crate::boot::acknowledge(globals, ack)?),
        Some(AlarmsCommand::History { last }) => history(&crate::boot::alarm_history(globals, *last)?, globals.json),
    }
}

/// Prints the alarms of a status.
///
/// # Errors
/// When standard output cannot be written.
pub fn list(status: &Value, as_json: bool) -> Outcome {
    let alarms = status["alarms"].as_array().map_or(&[][..], Vec::as_slice);
    if as_json {
        out::json(&json!({ "time": status["time"], "alarms": alarms }))?;
    } else if alarms.is_empty() {
        out::line("no alarms")?;
    } else {
        out::line(&table(alarms, &status["time_zone"]))?;
    }
    Ok(Exit::Fine)
}

/// Alarms as a table.
pub(super) fn table(alarms: &[Value], zone: &Value) -> String {
    let row = |a: &Value| {
        vec![
            text(&a["priority"]),
            text(&a["state"]),
            text(&a["id"]),
            unit(&a["value"], &a["unit"]),
            unit(&a["limit"], &a["unit"]),
            time(&a["since"], zone),
            text(&a["text"]),
        ]
    };
    let rows: Vec<Vec<String>> = alarms.iter().map(row).collect();
    out::table(&["PRIORITY", "STATE", "ALARM", "VALUE", "LIMIT", "SINCE", "WHAT HAPPENED"], &rows)
}

/// Prints events about alarms, as the journal has them.
///
/// # Errors
/// When standard output cannot be written.
pub fn history(events: &[Value], as_json: bool) -> Outcome {
    if as_json {
        out::json(&json!({ "events": events }))?;
        return Ok(Exit::Fine);
    }
    let row = |e: &Value| {
        let kind = text(&e["kind"]).trim_start_matches("alarm_").to_owned();
        let more =
            [&e["text"], &e["who"], &e["why"]].into_iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        vec![number(&e["seq"]), time(&e["at"], &Value::Null), kind, text(&e["alarm"]), more]
    };
    let rows: Vec<Vec<String>> = events.iter().map(row).collect();
    out::line(&out::table(&["NUMBER", "WHEN", "WHAT", "ALARM", "MORE"], &rows))?;
    Ok(Exit::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_how_much_and_since_when() {
        let alarms = json!([{ "id": "east.velocity_rms_mm_s", "priority": "high", "state": "active-unacknowledged",
            "value": 8.25, "limit": 7.1, "unit": "mm/s", "since": "2026-01-02T03:04:05Z", "text": "velocity 8.25 mm/s" }]);
        let got = table(alarms.as_array().unwrap(), &json!("Asia/Kolkata"));
        let row = got.lines().nth(1).unwrap();
        assert_eq!(
            row,
            "high      active-unacknowledged  east.velocity_rms_mm_s  8.25 mm/s  7.10 mm/s  2026-01-02 08:34:05  velocity 8.25 mm/s"
        );
    }
}
