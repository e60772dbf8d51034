//! What holds for every command: which configuration, which data directory, how facts are printed.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::usage;
use crate::base::error::Failure;
use crate::config::{Config, Faults, Loaded};

/// The options of every command, resolved.
#[derive(Clone, Debug)]
pub struct Globals {
    /// The configuration file.
    pub config: PathBuf,
    /// The data directory; it may not exist yet.
    pub data_dir: PathBuf,
    /// Whether the data directory was named, by option or environment.
    pub data_dir_given: bool,
    /// Facts as JSON.
    pub json: bool,
    /// Yes to what would be asked.
    pub yes: bool,
}

impl Globals {
    /// Takes what was given, and the platform's directories for the rest.
    ///
    /// # Errors
    /// When the platform names no directories (no home) and none was given.
    pub fn resolve(config: Option<&Path>, data_dir: Option<&Path>, json: bool, yes: bool) -> Result<Self, Failure> {
        let dirs = ProjectDirs::from("", "", "vms");
        let none = |what: &str| usage(format!("this user has no home directory: name the {what}"));
        let config = match (config, &dirs) {
            (Some(p), _) => p.to_owned(),
            (None, Some(d)) => d.config_dir().join("vms.toml"),
            (None, None) => return Err(none("configuration with --config FILE")),
        };
        let data_dir_given = data_dir.is_some();
        let data_dir = match (data_dir, &dirs) {
            (Some(p), _) => p.to_owned(),
            (None, Some(d)) => d.data_dir().to_owned(),
            (None, None) => return Err(none("data directory with --data-dir DIR")),
        };
        Ok(Self { config, data_dir, data_dir_given, json, yes })
    }

    /// Loads the configuration with the process's environment.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn faults_or_config(&self) -> Result<Loaded, Faults> {
        Config::load(&self.config, &|name| std::env::var(name).ok())
    }

    /// Loads the configuration; its faults become the failure that ends the command.
    ///
    /// # Errors
    /// Exit 78 with every fault, or 66 where the file cannot be read.
    pub fn load(&self) -> Result<Loaded, Failure> {
        self.faults_or_config().map_err(|f| Failure::new(f.exit, f.to_string()))
    }
}
