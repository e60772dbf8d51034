//! `vms` and `vms engine`: the engine with and without a console.

use std::io::{IsTerminal as _, stdin, stdout};
use std::time::Duration;

use clap::Args;

use super::{Globals, usage};
use crate::base::error::Outcome;

/// How the engine runs without a console.
#[derive(Args, Clone, Debug, Default)]
pub struct EngineOptions {
    /// Stop in order after this time, such as 30s or 5m
    #[arg(long = "for", value_name = "DUR", value_parser = span)]
    pub for_: Option<Duration>,

    /// Print the status as one JSON object a line, this often
    #[arg(long, value_name = "DUR", value_parser = span)]
    pub status_every: Option<Duration>,
}

/// A time span of the command line; at least 10 ms, so that nothing spins.
///
/// # Errors
/// What would be right.
pub fn span(text: &str) -> Result<Duration, String> {
    let d = humantime::parse_duration(text)
        .map_err(|_| "write a time with its unit, such as 500ms, 30s or 5m".to_owned())?;
    if d < Duration::from_millis(10) {
        return Err("write at least 10ms".into());
    }
    Ok(d)
}

/// `vms`: the engine with its console.
///
/// # Errors
/// A bad configuration, no terminal, or what the engine could not do.
pub fn console(globals: &Globals) -> Outcome {
    let loaded = globals.load()?;
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return Err(usage("there is no terminal here for the console; run `vms engine` for the engine alone"));
    }
    crate::boot::run_console(globals, loaded)
}

/// `vms engine`.
///
/// # Errors
/// A bad configuration, or what the engine could not do.
pub fn run(globals: &Globals, options: &EngineOptions) -> Outcome {
    crate::boot::run_engine(globals, globals.load()?, options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        assert_eq!(span("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(span("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "5", "-1s", "0s", "1ms", "soon"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
