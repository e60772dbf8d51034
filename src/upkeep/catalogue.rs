//! The catalogue of maintenance tasks: a TOML file, checked as a whole, every fault told at once with its place.

mod raw;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::model::upkeep::{Cadence, StepDef};

/// The catalogue that comes with the program: the rows of the maintenance chapter that this version can do.
pub const BUILT_IN: &str = include_str!("../../config/maintenance.toml");

/// A task as the catalogue describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskDef {
    /// Its id, unique in the catalogue.
    pub id: Arc<str>,
    /// The row of the maintenance chapter: `D1`.
    pub row: Arc<str>,
    /// What it is, one line.
    pub title: Arc<str>,
    /// How often it is due.
    pub cadence: Cadence,
    /// Tasks that are done as well when this one is.
    pub covers: Vec<Arc<str>>,
    /// Its steps, in order.
    pub steps: Arc<[StepDef]>,
}

/// All tasks, in the file's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// The tasks.
    pub tasks: Vec<TaskDef>,
}

impl Catalogue {
    /// The task of that id.
    #[must_use]
    pub fn task(&self, id: &str) -> Option<&TaskDef> {
        self.tasks.iter().find(|t| &*t.id == id)
    }

    /// Reads a catalogue; `file` is its name in messages.
    ///
    /// # Errors
    /// Every fault of the text, in the order of the file.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        raw::read(text).map_err(|faults| Faults { file: file.to_owned(), faults })
    }

    /// The catalogue that comes with the program.
    ///
    /// # Errors
    /// None that a test would not have found.
    pub fn built_in() -> Result<Self, Faults> {
        Self::parse("the built-in maintenance.toml", BUILT_IN)
    }

    /// The catalogue in this file, or the built-in one where there is no `maintenance.toml`. A file of another name was
    /// asked for, so it must be there.
    ///
    /// # Errors
    /// The file cannot be read, or it has faults.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self::parse(&path.to_string_lossy(), &text)?),
            Err(e) if e.kind() == io::ErrorKind::NotFound && path.ends_with("maintenance.toml") => {
                Ok(Self::built_in()?)
            }
            Err(source) => Err(LoadError::Read { path: path.to_string_lossy().into_owned(), source }),
        }
    }
}

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is there and cannot be read.
    #[error(
        "cannot read the maintenance catalogue {path}: {source}; check maintenance.tasks and the file's permissions"
    )]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It has faults.
    #[error(transparent)]
    Faults(#[from] Faults),
}

/// One fault of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The task it belongs to, if one is known.
    pub task: Option<String>,
    /// What is wrong, and what would be right.
    pub text: String,
}

/// All faults of a catalogue, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// The file, as messages name it.
    pub file: String,
    /// The faults.
    pub faults: Vec<Fault>,
}

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{}:{}: ", self.file, fault.line, fault.column)?;
            if let Some(task) = &fault.task {
                write!(f, "task {task}: ")?;
            }
            f.write_str(&fault.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
