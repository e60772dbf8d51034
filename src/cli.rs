//! The command line: one file a command; what a command does lies in the rooms and in `boot`.

pub mod alarms;
pub mod args;
pub mod ask;
pub mod calibrate;
pub mod check;
pub mod config;
pub mod db;
pub mod demo;
pub mod engine;
pub mod fleet;
pub mod globals;
pub mod history;
pub mod keys;
pub mod later;
pub mod logs;
pub mod mail;
pub mod maintenance;
pub mod manual;
pub mod measure;
pub mod out;
mod secret;
mod status;
pub mod user;

use std::ffi::OsString;

use clap::Parser as _;

use crate::base::error::{Exit, Failure, Outcome};

pub use globals::Globals;

/// Runs the program with these arguments, the first of which is its own name.
///
/// # Errors
/// The failure to print, with its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Outcome {
    match args::Args::try_parse_from(args) {
        Ok(args) => args.run(),
        Err(e) => {
            // Help and version come this way too. A reader that has gone away needs no word.
            let _ = e.print();
            Ok(if e.use_stderr() { Exit::Usage } else { Exit::Fine })
        }
    }
}

/// A failure of usage.
fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}
