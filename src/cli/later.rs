//! Commands that are promised and not there yet, and words that are no command.

use std::ffi::OsString;

use super::usage;
use crate::base::error::Outcome;
use crate::config::fault::nearest;

/// The promised commands.
pub const NAMES: [&str; 3] = ["attach", "backup", "update"];

/// The commands there are.
const KNOWN: [&str; 19] = [
    "engine",
    "demo",
    "status",
    "check",
    "measure",
    "calibrate",
    "alarms",
    "fleet",
    "history",
    "db",
    "logs",
    "mail",
    "maintenance",
    "user",
    "config",
    "keys",
    "completions",
    "man",
    "help",
];

/// The last words of `vms --help`.
pub const HELP: &str = "\
Not in this version yet:
  attach, backup, update

Exit codes:
  0 done and fine, 1 something checked is not fine, 2 wrong usage, 66 an input cannot be read,
  69 no engine is running, 73 cannot write, 74 I/O error, 75 another engine holds the data
  directory, 77 not allowed, 78 bad configuration";

/// Says that a command is not there.
///
/// # Errors
/// Always: exit 2.
pub fn run(words: &[OsString]) -> Outcome {
    let name = words.first().map(|w| w.to_string_lossy().into_owned()).unwrap_or_default();
    if NAMES.contains(&name.as_str()) {
        return Err(usage(format!("`vms {name}` is not in this version yet; `vms --help` lists what there is")));
    }
    let hint = nearest(&name, KNOWN.into_iter().chain(NAMES)).map(|n| format!("; did you mean `vms {n}`?"));
    let hint = hint.unwrap_or_else(|| "; `vms --help` lists what there is".into());
    Err(usage(format!("there is no command `{}`{hint}", crate::config::value::shorten(&name))))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_lists_agree_with_the_commands() {
        let cmd = crate::cli::args::Args::command();
        let there: Vec<&str> = cmd.get_subcommands().map(clap::Command::get_name).collect();
        for name in &there {
            assert!(KNOWN.contains(name), "{name}");
        }
        for name in NAMES {
            assert!(!there.contains(&name) && HELP.contains(name), "{name}");
        }
        assert_eq!(there.len() + 1, KNOWN.len());
    }
}
