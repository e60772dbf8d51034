//! `vms config`: write, check and show the configuration.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Globals, out};
use crate::base::error::{Exit, Failure, Outcome};
use crate::config::{Loaded, schema, show, template};

/// The arguments of `vms config`.
#[derive(Args, Debug)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: Option<ConfigCommand>,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Write a commented file with every key; an existing file is replaced only with --yes
    Init {
        /// Where to; `-` for stdout [default: the configuration file]
        path: Option<PathBuf>,
        /// Print it instead
        #[arg(long)]
        stdout: bool,
    },
    /// Tell every fault with its line and column
    Check,
    /// The configuration in force, with where each value came from (without a subcommand: this)
    Show,
    /// The JSON Schema of the file
    Schema,
}

/// Runs the command.
///
/// # Errors
/// A bad configuration, or a file that cannot be written.
pub fn run(globals: &Globals, args: &ConfigArgs) -> Outcome {
    match &args.command {
        Some(ConfigCommand::Init { path, stdout }) => {
            let path = path.as_deref().unwrap_or(&globals.config);
            init(globals, path, *stdout || path == Path::new("-"))
        }
        Some(ConfigCommand::Check) => check(globals),
        Some(ConfigCommand::Schema) => {
            let text = serde_json::to_string_pretty(&schema::schema()).unwrap_or_default();
            out::line(&text)?;
            Ok(Exit::Fine)
        }
        Some(ConfigCommand::Show) | None => print(globals),
    }
}

/// The configuration; or its faults as JSON on stdout where JSON was asked for, and then the exit code.
///
/// # Errors
/// The faults as a failure where JSON was not asked for.
pub(super) fn judged(globals: &Globals) -> Result<Result<Loaded, Exit>, Failure> {
    match globals.faults_or_config() {
        Ok(loaded) => Ok(Ok(loaded)),
        Err(f) if globals.json => {
            let mut object = f.json();
            object["fine"] = false.into();
            out::json(&object)?;
            Ok(Err(f.exit))
        }
        Err(f) => Err(Failure::new(f.exit, f.to_string())),
    }
}

fn check(globals: &Globals) -> Outcome {
    let c = match judged(globals)? {
        Ok(loaded) => loaded.config,
        Err(exit) => return Ok(exit),
    };
    let (rois, tags) = (c.cameras.iter().map(|c| c.rois.len()).sum(), c.plcs.iter().map(|p| p.tags.len()).sum());
    let file = globals.config.display().to_string();
    if globals.json {
        out::json(&serde_json::json!({ "file": file, "faults": [], "fine": true,
            "cameras": c.cameras.len(), "regions": rois, "plcs": c.plcs.len(), "tags": tags }))?;
    } else {
        let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let parts =
            [count(c.cameras.len(), "camera"), count(rois, "region"), count(c.plcs.len(), "PLC"), count(tags, "tag")];
        out::line(&format!("{file}: in order ({})", parts.join(", ")))?;
    }
    Ok(Exit::Fine)
}

fn print(globals: &Globals) -> Outcome {
    match judged(globals)? {
        Err(exit) => return Ok(exit),
        Ok(loaded) if globals.json => out::json(&show::json(&loaded))?,
        Ok(loaded) => out::line(&show::lines(&loaded))?,
    };
    Ok(Exit::Fine)
}

fn init(globals: &Globals, path: &Path, to_stdout: bool) -> Outcome {
    let text = template::text();
    if to_stdout {
        out::line(&text)?;
        return Ok(Exit::Fine);
    }
    write(path, &text, globals.yes)?;
    let shown = path.display().to_string();
    if globals.json {
        out::json(&serde_json::json!({ "written": shown }))?
    } else {
        out::line(&shown)?
    };
    Ok(Exit::Fine)
}

fn write(path: &Path, text: &str, replace: bool) -> Result<(), Failure> {
    let shown = path.display();
    let fail = |e: &std::io::Error| Failure::new(Exit::CannotWrite, format!("{shown} cannot be written: {e}"));
    if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        fs::create_dir_all(dir).map_err(|e| fail(&e))?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true);
    // Without consent the file is made anew or not at all, also when somebody else makes it at this moment.
    if replace {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let mut file = options.open(path).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => Failure::new(
            Exit::CannotWrite,
            format!(
                "{shown} exists already and is left as it is; --yes replaces it, `vms config init -` prints instead"
            ),
        ),
        _ => fail(&e),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| fail(&e))
}
