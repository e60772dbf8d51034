//! `vms check`: the configuration, then everything it names.

use serde::Serialize;

use super::{Globals, out};
use crate::base::error::{Exit, Outcome};

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// In order.
    Fine,
    /// Not in order.
    Bad,
    /// It could not be found out.
    Unknown,
    /// Switched off by configuration.
    Off,
}

impl Verdict {
    /// The word shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
            Self::Off => "off",
        }
    }
}

/// One probed thing.
#[derive(Clone, Debug, Serialize)]
pub struct Probe {
    /// `camera`, `plc`, `database`, `disk`, `mail`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen, with figures, and what to do.
    pub text: String,
}

/// Runs the command.
///
/// # Errors
/// A bad configuration.
pub fn run(globals: &Globals) -> Outcome {
    let loaded = match super::config::judged(globals)? {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let probes = crate::boot::probe(globals, loaded)?;
    print(globals, &probes)
}

/// Prints probes; fine when none is bad or unknown.
fn print(globals: &Globals, probes: &[Probe]) -> Outcome {
    let fine = probes.iter().all(|p| matches!(p.verdict, Verdict::Fine | Verdict::Off));
    if globals.json {
        out::json(
            &serde_json::json!({ "fine": fine, "config": globals.config.display().to_string(), "probes": probes }),
        )?;
    } else {
        let row = |p: &Probe| vec![p.verdict.word().to_owned(), p.kind.to_owned(), p.id.clone(), p.text.clone()];
        let rows: Vec<Vec<String>> = probes.iter().map(row).collect();
        out::line(&format!("configuration {}: in order", globals.config.display()))?;
        out::line(&out::table(&["VERDICT", "KIND", "ID", "WHAT WAS SEEN"], &rows))?;
    }
    Ok(if fine { Exit::Fine } else { Exit::NotFine })
}
