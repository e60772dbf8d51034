//! `vms keys`: the console's keys.

use clap::Args;
use serde::Serialize;

use super::{Globals, out};
use crate::base::error::{Exit, Outcome};

/// Which keymap.
#[derive(Args, Clone, Debug, Default)]
pub struct KeysOptions {
    /// Name of a keymap [default: the configuration's, else the built-in one]
    #[arg(long, value_name = "NAME")]
    pub keymap: Option<String>,
}

/// One action with its keys.
#[derive(Clone, Debug, Serialize)]
pub struct KeyRow {
    /// Where it means something: `everywhere`, `cameras`.
    pub context: String,
    /// Its keys as written in the keymap.
    pub keys: Vec<String>,
    /// The action's id.
    pub action: String,
    /// What it does.
    pub title: String,
}

/// Runs the command.
///
/// # Errors
/// A keymap that does not exist or is wrong.
pub fn run(globals: &Globals, options: &KeysOptions) -> Outcome {
    let rows = crate::boot::keys(globals, options)?;
    if globals.json {
        out::json(&serde_json::json!({ "keys": rows }))?;
    } else {
        let row = |r: &KeyRow| vec![r.context.clone(), r.keys.join(" "), r.title.clone(), r.action.clone()];
        let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
        out::line(&out::table(&["WHERE", "KEYS", "WHAT IT DOES", "ACTION"], &rows))?;
    }
    Ok(Exit::Fine)
}
