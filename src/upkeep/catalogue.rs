//! The catalogue of maintenance tasks: a TOML file, checked as a whole, every fault told at once with its place.

mod raw;
mod site;
mod step;
mod task;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use site::Subjects;

use crate::model::people::Role;
use crate::model::upkeep::{Cadence, Rule, StepDef};

/// The catalogue that comes with the program: every row of the maintenance chapter.
pub const BUILT_IN: &str = include_str!("../../config/maintenance.toml");

/// The troubleshooting guides that come with the program: their file names and texts.
pub const GUIDES: [(&str, &str); 4] = [
    ("storage.toml", include_str!("../../config/guides/storage.toml")),
    ("database.toml", include_str!("../../config/guides/database.toml")),
    ("camera.toml", include_str!("../../config/guides/camera.toml")),
    ("plc.toml", include_str!("../../config/guides/plc.toml")),
];

/// What a step is asked for, once each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Each {
    /// Every camera in use.
    Camera,
    /// Every PLC.
    Plc,
    /// Every directory that the program writes to.
    Disk,
}

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
    /// When within its period, and how it counts.
    pub rule: Rule,
    /// Who may sign it: this role or a higher one.
    pub role: Role,
    /// Whether a second person, an admin, signs too.
    pub counter_sign: bool,
    /// Tasks that are done as well when this one is.
    pub covers: Vec<Arc<str>>,
    /// Its steps, in order.
    pub steps: Arc<[StepDef]>,
    /// For each step, what it is asked for once each; the steps of a site have none left.
    pub each: Vec<Option<Each>>,
    /// Whether it is a troubleshooting guide.
    pub guide: bool,
}

/// All tasks, in the file's order, then the guides.
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

    /// The catalogue that comes with the program, with its guides.
    ///
    /// # Errors
    /// None that a test would not have found.
    pub fn built_in() -> Result<Self, Faults> {
        let mut all = Self::parse("the built-in maintenance.toml", BUILT_IN)?;
        for (name, text) in GUIDES {
            all.add_guides(&format!("the built-in guides/{name}"), text)?;
        }
        all.check_guides("the built-in maintenance.toml")?;
        Ok(all)
    }

    /// The catalogue of a configuration directory: `tasks` is its file's name in `directory`, `guides/*.toml` lie beside
    /// it. What is not there is built in. A file of another name than `maintenance.toml` was asked for, so it must be
    /// there.
    ///
    /// # Errors
    /// A file cannot be read, or it has faults.
    pub fn load(directory: Option<&Path>, tasks: &Path) -> Result<Self, LoadError> {
        let Some(directory) = directory else { return Ok(Self::built_in()?) };
        let path = directory.join(tasks);
        let (file, text) = match std::fs::read_to_string(&path) {
            Ok(text) => (path.to_string_lossy().into_owned(), text),
            Err(e) if e.kind() == io::ErrorKind::NotFound && path.ends_with("maintenance.toml") => {
                ("the built-in maintenance.toml".to_owned(), BUILT_IN.to_owned())
            }
            Err(source) => return Err(LoadError::Read { path: path.to_string_lossy().into_owned(), source }),
        };
        let mut all = Self::parse(&file, &text)?;
        for (file, text) in own_guides(&directory.join("guides"))? {
            all.add_guides(&file, &text)?;
        }
        all.check_guides(&file)?;
        Ok(all)
    }

    /// Adds the guides of a file.
    fn add_guides(&mut self, file: &str, text: &str) -> Result<(), Faults> {
        let more = Self::parse(file, text)?;
        for mut task in more.tasks {
            if self.task(&task.id).is_some() {
                let text = format!("the id \"{}\" is used by another task or guide; ids must differ", task.id);
                let fault = Fault { line: 1, column: 1, task: Some(task.id.to_string()), text };
                return Err(Faults { file: file.to_owned(), faults: vec![fault] });
            }
            task.guide = true;
            self.tasks.push(task);
        }
        Ok(())
    }

    /// Every guide that a step leads into must be there.
    fn check_guides(&self, file: &str) -> Result<(), Faults> {
        let mut faults = Vec::new();
        let known: Vec<&str> = self.tasks.iter().filter(|t| t.guide).map(|t| &*t.id).collect();
        for task in &self.tasks {
            for guide in task.steps.iter().filter_map(|s| s.guide.as_deref()).filter(|g| !known.contains(g)) {
                let text = format!("there is no guide \"{guide}\"; there are {}", known.join(", "));
                faults.push(Fault { line: 1, column: 1, task: Some(task.id.to_string()), text });
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Faults { file: file.to_owned(), faults }) }
    }
}

/// The guides in force: those of the directory, and each built-in one whose name is not there. File, text.
fn own_guides(directory: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let read = |path: &Path, source| LoadError::Read { path: path.to_string_lossy().into_owned(), source };
    let mut names: Vec<String> = match std::fs::read_dir(directory) {
        Ok(list) => list
            .filter_map(|e| e.ok()?.file_name().into_string().ok())
            .filter(|n| Path::new(n).extension().is_some_and(|e| e == "toml") && !n.starts_with('.'))
            .take(100)
            .collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(read(directory, e)),
    };
    names.sort();
    let mut all = Vec::new();
    for (name, text) in GUIDES.iter().filter(|(n, _)| !names.iter().any(|own| own == n)) {
        all.push((format!("the built-in guides/{name}"), (*text).to_owned()));
    }
    for name in names {
        let path = directory.join(&name);
        let text = std::fs::read_to_string(&path).map_err(|e| read(&path, e))?;
        all.push((path.to_string_lossy().into_owned(), text));
    }
    Ok(all)
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
