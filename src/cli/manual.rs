//! `vms completions` and `vms man`: made from the arguments themselves.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;

use super::out;
use crate::base::error::{Exit, Failure, Outcome};

/// The arguments of `vms completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// The arguments of `vms man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Write one file for each command into this directory instead
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints the completions of a shell.
///
/// # Errors
/// When standard output cannot be written.
pub fn completions(args: &CompletionsArgs) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::args::Args::command(), "vms", &mut text);
    out::raw(&text)?;
    Ok(Exit::Fine)
}

/// Prints the manual pages of every command, one after the other.
///
/// # Errors
/// When they cannot be written.
pub fn man(args: &ManArgs) -> Outcome {
    let mut cmd = super::args::Args::command().disable_help_subcommand(true);
    cmd.build();
    if let Some(dir) = &args.dir {
        let fail =
            |e: std::io::Error| Failure::new(Exit::CannotWrite, format!("{} cannot be written: {e}", dir.display()));
        std::fs::create_dir_all(dir).map_err(fail)?;
        clap_mangen::generate_to(cmd, dir).map_err(fail)?;
    } else {
        let mut text = Vec::new();
        pages(&cmd, &mut text).map_err(|e| Failure::new(Exit::Io, format!("manual pages cannot be made: {e}")))?;
        out::raw(&text)?;
    }
    Ok(Exit::Fine)
}

fn pages(cmd: &Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    clap_mangen::Man::new(cmd.clone()).render(out)?;
    for sub in cmd.get_subcommands().filter(|c| !c.is_hide_set()) {
        pages(sub, out)?;
    }
    Ok(())
}
