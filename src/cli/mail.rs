//! `vms mail test`: sends a letter now, and says what the server makes of it.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Globals, out};
use crate::base::error::{Exit, Outcome};
use crate::boot::send_test_mail;

/// The arguments of `vms mail`.
#[derive(Args, Debug)]
pub struct MailArgs {
    #[command(subcommand)]
    command: MailCommand,
}

#[derive(Debug, Subcommand)]
enum MailCommand {
    /// Send a letter to the receivers of the configuration now; exit 1 where the server does not take it
    Test,
}

/// Runs the command.
///
/// # Errors
/// A bad configuration, or one without mail.
pub fn run(globals: &Globals, args: &MailArgs) -> Outcome {
    let MailCommand::Test = args.command;
    let sent = send_test_mail(globals)?;
    let exit = if sent.is_ok() { Exit::Fine } else { Exit::NotFine };
    if globals.json {
        let (text, fine) = match &sent {
            Ok(t) => (t, true),
            Err(t) => (t, false),
        };
        out::json(&json!({ "fine": fine, "text": text }))?;
    } else {
        match &sent {
            Ok(text) => {
                out::line(text)?;
            }
            Err(text) => out::note(text),
        }
    }
    Ok(exit)
}
