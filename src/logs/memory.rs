//! What is remembered of the logs over a restart: one small file in the data directory, written whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::patterns::KeptPatterns;
use super::usual::Step;
use crate::base::draft::Draft;

/// Its name in the data directory.
pub const FILE_NAME: &str = "log-patterns.json";
/// A larger file is not ours.
const MAX_BYTES: u64 = 64 << 20;
const VERSION: u32 = 1;

/// Everything remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    version: u32,
    /// Errors of the last weeks.
    pub steps: Vec<Step>,
    /// The patterns.
    pub patterns: KeptPatterns,
}

impl Memory {
    /// What is to be kept.
    #[must_use]
    pub fn new(steps: Vec<Step>, patterns: KeptPatterns) -> Self {
        Self { version: VERSION, steps, patterns }
    }

    /// Reads the file; none where there is none yet.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn load(path: &Path) -> Result<Option<Self>, String> {
        let size = match fs::metadata(path) {
            Ok(m) => m.len(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(format!("{} cannot be read: {e}", path.display())),
        };
        if size > MAX_BYTES {
            return Err(format!("{} is too large to be what was kept", path.display()));
        }
        let text = fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
        let kept: Self = serde_json::from_slice(&text).map_err(|e| format!("{} is damaged: {e}", path.display()))?;
        if kept.version == VERSION {
            Ok(Some(kept))
        } else {
            Err(format!("{} is from another version", path.display()))
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// In words, why not; what was there is then as it was.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let bytes = serde_json::to_vec(self).map_err(|e| e.to_string())?;
        Draft::beside(path).and_then(|d| d.keep(&bytes)).map_err(|e| e.to_string())
    }
}

/// Reads what was kept; what cannot be read is put aside under another name, and told.
#[must_use]
pub fn recall(path: &Path) -> (Memory, Option<String>) {
    match Memory::load(path) {
        Ok(kept) => (kept.unwrap_or_default(), None),
        Err(why) => {
            let aside: PathBuf = path.with_extension("json.bad");
            let moved = fs::rename(path, &aside).is_ok();
            let told = if moved { format!("it lies at {} now", aside.display()) } else { "it is left alone".into() };
            (Memory::default(), Some(format!("{why}; {told}, and patterns are learned anew")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_damaged_and_absent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        assert_eq!(recall(&path), (Memory::default(), None));
        let m = Memory::new(Vec::new(), KeptPatterns::default());
        m.save(&path).unwrap();
        assert_eq!(recall(&path), (m, None));
        fs::write(&path, "{\"version\":1,").unwrap();
        let (memory, told) = recall(&path);
        assert_eq!(memory, Memory::default());
        assert!(told.is_some_and(|t| t.contains("damaged") && t.contains("learned anew")));
        assert!(!path.exists() && dir.path().join("log-patterns.json.bad").exists(), "nothing is thrown away");
        assert!(Memory::default().save(&dir.path().join("no/such/dir")).is_err());
    }
}
