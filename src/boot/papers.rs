//! Documents with the facts that they are made of: gathers them from every room, writes them into `reports/` of the data
//! directory. Used by errands of maintenance steps and by `vms maintenance report`.

mod gather;
mod keep;
mod past;
mod signed;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::base::error::{Exit, Failure};
use crate::config::Config;
use crate::model::board::Board;
use crate::model::database::DatabaseReport;
use crate::upkeep::Catalogue;
use crate::upkeep::documents::Head;

pub use gather::{handbook, inventory};
pub use keep::{Reports, Standing, Written, rules};
pub use past::{Span, performance};
pub use signed::{kept, month, records};

/// What documents are made from.
pub struct Source<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// Its file, if it came from one.
    pub config_file: Option<&'a Path>,
    /// The data directory.
    pub data: &'a Path,
    /// When.
    pub now: Timestamp,
    /// What the engine knows, where one runs.
    pub board: Option<&'a Board>,
    /// The newest look at the database, or why there is none.
    pub database: Result<Arc<DatabaseReport>, String>,
}

impl Source<'_> {
    /// What stands at the head of the documents.
    #[must_use]
    pub fn head(&self) -> Head {
        let site = &self.config.site;
        Head { site: Arc::clone(&site.name), node: Arc::clone(&site.node), zone: site.time_zone.clone(), now: self.now }
    }
}

/// The newest look of an engine at its database.
///
/// # Errors
/// In words, why there is none.
pub fn database_of(board: &Board) -> Result<Arc<DatabaseReport>, String> {
    match (&board.database.report, &board.database.text) {
        (Some(report), _) => Ok(Arc::clone(report)),
        (None, Some(why)) => Err(why.to_string()),
        (None, None) => Err("no database is configured, or it was not looked at yet".to_owned()),
    }
}

/// The catalogue in force, with a step for each camera, PLC and directory.
///
/// # Errors
/// Exit 78 with every fault.
pub fn catalogue(config: &Config, config_dir: Option<&Path>, data: &Path) -> Result<Catalogue, Failure> {
    let all = Catalogue::load(config_dir, &config.maintenance.tasks);
    let all = all.map_err(|e| Failure::new(Exit::BadConfig, e.to_string()))?;
    Ok(all.for_site(&super::start::subjects(config, data)))
}

fn io(path: &Path, e: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::CannotWrite, format!("{} cannot be written: {e}", path.display()))
}
