//! The file of people: TOML, readable by its owner alone, replaced as a whole.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::AccessError;
use crate::model::people::{Person, Role};

/// Name of the file in the data directory.
pub const FILE_NAME: &str = "people.toml";

/// Larger than this it is no list of people.
const MAX_BYTES: u64 = 1 << 20;

/// A person as stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: Role,
    /// Hash of the PIN in the PHC string format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pin: Option<String>,
}

impl Entry {
    pub(super) fn person(&self) -> Person {
        Person {
            id: self.id.as_str().into(),
            name: self.name.as_str().into(),
            role: self.role,
            pin: self.pin.is_some(),
        }
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(default)]
    person: Vec<Entry>,
}

pub(super) fn read(path: &Path) -> Result<Vec<Entry>, AccessError> {
    let failed = |source| AccessError::Read { path: path.to_owned(), source };
    let damaged = |text: String| AccessError::Damaged { path: path.to_owned(), text };
    match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
        Ok(m) if m.len() > MAX_BYTES => return Err(damaged("it is too large".into())),
        Ok(_) => {}
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    // The message of a parser may quote the line; the line may hold a hash.
    let stored: Stored = toml::from_str(&text).map_err(|e| damaged(e.message().to_owned()))?;
    Ok(stored.person)
}

/// Writes beside, syncs, and puts it in place: what was there stays whole until then.
pub(super) fn write(path: &Path, entries: &[Entry]) -> Result<(), AccessError> {
    let failed = |source| AccessError::Write { path: path.to_owned(), source };
    let stored = Stored { person: entries.to_vec() };
    let text = toml::to_string(&stored).map_err(|e| failed(std::io::Error::other(e.to_string())))?;
    let new = path.with_extension("toml.new");
    let put = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        if let Some(dir) = path.parent() {
            std::fs::File::open(dir)?.sync_all()?;
        }
        Ok(())
    };
    put().map_err(|e| {
        let _ = std::fs::remove_file(&new);
        failed(e)
    })
}
