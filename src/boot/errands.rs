//! Carries out the errands of maintenance steps and guides: the one place where a step reaches cameras, PLCs, disks, the
//! database and documents. Runs on a thread of its own, one errand at a time; each has its deadline.

mod documents;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::papers::Span;
use crate::base::clock::Clock;
use crate::config::Config;
use crate::model::intent::Intent;
use crate::model::upkeep::{Answer, Outcome};
use crate::upkeep::errand::Ask;

/// What errands reach.
pub struct Means {
    /// The configuration in force.
    pub config: Arc<Config>,
    /// Its file, if it came from one.
    pub config_file: Option<PathBuf>,
    /// The data directory.
    pub data: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Wishes to the engine: reconnect a camera, open a port again; none without an engine.
    pub intents: Option<mpsc::Sender<Intent>>,
}

/// Carries out the errand of that name (of [`crate::upkeep::errand::ERRANDS`]).
#[must_use]
pub fn run(means: &Means, name: &str, ask: &Ask<'_>) -> Answer {
    match name {
        // Each errand is one line here, and lives in a file of `errands/` by what it is about.
        "performance-week" => documents::review(means, ask, Span::Week),
        "performance-quarter" => documents::review(means, ask, Span::Quarter),
        "inventory-changes" => documents::inventory_changes(means, ask),
        "handbook-current" => documents::handbook_current(means, ask),
        "write-inventory" => documents::write_inventory(means, ask),
        "write-handbook" => documents::write_handbook(means, ask),
        "write-performance" => documents::write_performance(means, ask),
        _ => unknown(format!("{name} is not available yet in this version")),
    }
}

/// An answer that nothing is known.
pub(super) fn unknown(text: impl Into<String>) -> Answer {
    Answer { outcome: Outcome::Unknown, evidence: vec![text.into()] }
}
