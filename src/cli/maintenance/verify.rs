//! `vms maintenance verify` and `lint`: whether records are what was signed, and whether a catalogue is right.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::look::kept;
use crate::base::error::{Exit, Failure, Outcome};
use crate::boot::{papers::rules, records as journal, unreadable};
use crate::cli::{Globals, out};
use crate::upkeep::{Catalogue, record};

/// Proves the journal's chain, and that each record has the content that was signed.
pub(super) fn run(globals: &Globals) -> Outcome {
    let journal = journal(globals)?;
    let chain = journal.history.verify().map_err(|e| unreadable(&e))?;
    let all = kept(&journal, None, usize::MAX)?;
    let whole = all.iter().filter_map(|(_, r)| r.as_ref());
    let broken: Vec<String> = whole.clone().filter_map(|r| record::verify(r).err()).collect();
    let count = whole.clone().count();
    let signed = whole.filter(|r| !r.signatures.is_empty()).count();
    let fine = broken.is_empty() && chain.broken.is_none();
    if globals.json {
        out::json(&json!({
            "proven": fine, "records": count, "signed": signed, "changed": broken,
            "chain_broken_at": chain.broken.as_ref().map(|b| b.seq), "head": chain.head,
        }))?;
    } else {
        let mut text = format!("records  {count}, of which {signed} are signed\n");
        for b in &broken {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "BROKEN   {b}");
        }
        match &chain.broken {
            Some(b) => {
                let _ = writeln!(
                    text,
                    "BROKEN   the journal at event {}: {}\n         Keep this file as it is, and compare it with PostgreSQL and the \
                 printed records.",
                    b.seq, b.why
                );
            }
            None if fine => text.push_str("proven: no record was changed, added or removed since it was written.\n"),
            None => {}
        }
        out::line(&text)?;
    }
    Ok(if fine { Exit::Fine } else { Exit::NotFine })
}

/// Says everything that is wrong with a catalogue.
pub(super) fn lint(globals: &Globals, path: Option<&Path>) -> Outcome {
    let loaded = match path {
        Some(p) if p.is_dir() => Catalogue::load(Some(p), Path::new("maintenance.toml")),
        Some(p) if p.exists() => {
            Catalogue::load(p.parent().or(Some(Path::new("."))), Path::new(p.file_name().unwrap_or_default()))
        }
        Some(p) => return Err(Failure::new(Exit::NoInput, format!("{}: there is no such file", p.display()))),
        None => {
            let tasks = globals.faults_or_config().map(|l| l.config.maintenance.tasks);
            let tasks = tasks.unwrap_or_else(|_| "maintenance.toml".into());
            Catalogue::load(globals.config.parent(), &tasks)
        }
    };
    // The rules of the advice lie in the same directory, and are as much the plant's own.
    let beside = path.map_or_else(|| globals.config.clone(), |p| if p.is_dir() { p.join("x") } else { p.to_owned() });
    let loaded = loaded.map_err(|e| e.to_string());
    let loaded = loaded.and_then(|all| rules(Some(&beside)).map(|_| all).map_err(|e| e.to_string()));
    match loaded {
        Ok(all) => {
            let guides = all.tasks.iter().filter(|t| t.guide).count();
            let steps: usize = all.tasks.iter().map(|t| t.steps.len()).sum();
            if globals.json {
                let tasks = all.tasks.len() - guides;
                out::json(&json!({ "fine": true, "tasks": tasks, "guides": guides, "steps": steps }))?;
            } else {
                out::line(&format!("fine: {} tasks and {guides} guides with {steps} steps", all.tasks.len() - guides))?;
            }
            Ok(Exit::Fine)
        }
        Err(e) => {
            if globals.json {
                let faults: Vec<String> = e.lines().map(str::to_owned).collect();
                out::json(&json!({ "fine": false, "faults": faults }))?;
            } else {
                out::line(&e)?;
            }
            Ok(Exit::BadConfig)
        }
    }
}
