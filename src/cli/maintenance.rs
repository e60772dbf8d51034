//! `vms maintenance`: documents of the upkeep.

pub mod report;

use clap::{Args, Subcommand};

use super::Globals;
use crate::base::error::Outcome;

/// The arguments of `vms maintenance`.
#[derive(Args, Debug)]
pub struct MaintenanceArgs {
    #[command(subcommand)]
    command: MaintenanceCommand,
}

#[derive(Debug, Subcommand)]
enum MaintenanceCommand {
    /// Records, blank forms, inventory, handbook and performance reviews as text, PDF, on paper
    Report(report::ReportArgs),
}

/// Runs the command.
///
/// # Errors
/// As the subcommand has it.
pub fn run(globals: &Globals, args: &MaintenanceArgs) -> Outcome {
    match &args.command {
        MaintenanceCommand::Report(a) => report::run(globals, a),
    }
}
