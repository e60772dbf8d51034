//! The arguments of the program and where each command goes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::{
    alarms, calibrate, check, config, db, demo, engine, fleet, globals::Globals, history, keys, later, logs, mail,
    maintenance, manual, measure, status, user,
};
use crate::base::error::Outcome;

/// Watches how machines vibrate: cameras, measurement, alarms, PLC, history and upkeep in one program.
///
/// Without a command: starts the engine in this process with the console on this terminal.
#[derive(Debug, Parser)]
#[command(name = "vms", version, after_help = later::HELP, max_term_width = 100)]
pub struct Args {
    /// The configuration file [default: vms.toml in the platform's configuration directory]
    #[arg(long, value_name = "FILE", env = "VMS_CONFIG", global = true, hide_env_values = true)]
    config: Option<PathBuf>,

    /// Where journal, logs, videos and backups are [default: the platform's data directory]
    #[arg(long, value_name = "DIR", env = "VMS_DATA_DIR", global = true, hide_env_values = true)]
    data_dir: Option<PathBuf>,

    /// Print facts as JSON: one object, or one a line where they stream
    #[arg(long, global = true)]
    json: bool,

    /// Answer yes to what would be asked
    #[arg(long, global = true)]
    yes: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the engine without a console, for a service manager
    Engine(engine::EngineOptions),
    /// Run on a complete site that the program makes itself: cameras, PLC, database
    Demo(demo::DemoArgs),
    /// One look at the running engine
    Status,
    /// Validate the configuration, then probe every camera, PLC, database and disk
    Check,
    /// Measure a video file, an image sequence or a stream, as fast as it can be read
    Measure(measure::MeasureArgs),
    /// A camera's scale from known lengths, its noise floor, and whether its accuracy has decreased
    Calibrate(calibrate::CalibrateArgs),
    /// List and acknowledge alarms
    Alarms(alarms::AlarmsArgs),
    /// Every node of the site: heard of, alarms, cameras, PLCs; exit 1 where one needs a person
    Fleet,
    /// Events, readings, trends and maintenance records from the journal, by time; and the proof that none was changed
    History(history::HistoryArgs),
    /// How the database is, what is slow in it, and its upkeep
    Db(db::DbArgs),
    /// The newest log records, followed and filtered; patterns of the logs
    Logs(logs::LogsArgs),
    /// A letter to the receivers, now
    Mail(mail::MailArgs),
    /// What is due, the guided tasks, their signed records, and the proof of them
    Maintenance(maintenance::MaintenanceArgs),
    /// The people who may sign, their roles and PINs
    User(user::UserArgs),
    /// Write, check and show the configuration
    Config(config::ConfigArgs),
    /// The console's keys
    Keys(keys::KeysOptions),
    /// Completions for a shell, on stdout
    Completions(manual::CompletionsArgs),
    /// The manual pages, as troff on stdout
    Man(manual::ManArgs),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

impl Args {
    /// Runs the command.
    ///
    /// # Errors
    /// The failure to print, with its exit code.
    pub fn run(self) -> Outcome {
        let globals = || Globals::resolve(self.config.as_deref(), self.data_dir.as_deref(), self.json, self.yes);
        match self.command {
            None => engine::console(&globals()?),
            Some(Command::Engine(o)) => engine::run(&globals()?, &o),
            Some(Command::Demo(a)) => demo::run(&globals()?, &a),
            Some(Command::Status) => status::run(&globals()?),
            Some(Command::Check) => check::run(&globals()?),
            Some(Command::Measure(a)) => measure::run(&globals()?, a),
            Some(Command::Calibrate(a)) => calibrate::run(&globals()?, a),
            Some(Command::Alarms(a)) => alarms::run(&globals()?, &a),
            Some(Command::Fleet) => fleet::run(&globals()?),
            Some(Command::History(a)) => history::run(&globals()?, &a),
            Some(Command::Db(a)) => db::run(&globals()?, &a),
            Some(Command::Logs(a)) => logs::run(&globals()?, &a),
            Some(Command::Mail(a)) => mail::run(&globals()?, &a),
            Some(Command::Maintenance(a)) => maintenance::run(&globals()?, &a),
            Some(Command::User(a)) => user::run(&globals()?, &a),
            Some(Command::Config(a)) => config::run(&globals()?, &a),
            Some(Command::Keys(o)) => keys::run(&globals()?, &o),
            Some(Command::Completions(a)) => manual::completions(&a),
            Some(Command::Man(a)) => manual::man(&a),
            Some(Command::Other(words)) => later::run(&words),
        }
    }
}
