//! Where documents are kept: `reports/` of the data directory, each as PDF and as text, whole or not at all.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::{Source, Span, gather, io, past};
use crate::base::draft::Draft;
use crate::base::error::{Exit, Failure};
use crate::figure;
use crate::model::paper::{Document, Paper};
use crate::paper;
use crate::upkeep::documents::handbook::{self, Edition};
use crate::upkeep::documents::inventory::{self, Inventory};
use crate::upkeep::documents::{advice, performance};

/// The directory.
pub struct Reports {
    dir: PathBuf,
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// In words: what it is.
    pub what: String,
    /// The files, the PDF first.
    pub files: Vec<PathBuf>,
}

/// Whether the handbook that was written last still says what is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// None was written yet.
    None,
    /// It does.
    Current(Edition),
    /// It does not.
    Outdated(Edition),
}

impl Reports {
    /// The reports of this data directory.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self { dir: data.join("reports") }
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let path = self.dir.join(name);
        let bad = |e: &dyn std::fmt::Display| {
            let text =
                format!("{} cannot be read: {e}; move it away, and the next document is a first one", path.display());
            Failure::new(Exit::NoInput, text)
        };
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| bad(&e)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(bad(&e)),
        }
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        fs::create_dir_all(&self.dir).map_err(|e| io(&self.dir, &e))?;
        let path = self.dir.join(name);
        Draft::beside(&path)?.keep(bytes)?;
        Ok(path)
    }

    fn keep_json<T: Serialize>(&self, name: &str, value: &T) -> Result<PathBuf, Failure> {
        let bytes = serde_json::to_vec_pretty(value).map_err(|e| io(&self.dir.join(name), &e))?;
        self.keep(name, &bytes)
    }

    fn keep_document(&self, name: &str, document: &Document) -> Result<Vec<PathBuf>, Failure> {
        let pdf = paper::pdf(document, Paper::A4).map_err(|e| Failure::new(Exit::NotFine, e.to_string()))?;
        let text = paper::text(document);
        Ok(vec![self.keep(&format!("{name}.pdf"), &pdf)?, self.keep(&format!("{name}.txt"), text.as_bytes())?])
    }

    /// The inventory that was written last.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn last_inventory(&self) -> Result<Option<Inventory>, Failure> {
        self.read("inventory.json")
    }

    /// The inventory now with what could not be seen taken from the last one, and that one.
    ///
    /// # Errors
    /// The last one cannot be read.
    pub fn inventory(&self, s: &Source<'_>) -> Result<(Inventory, Option<Inventory>), Failure> {
        let before = self.last_inventory()?;
        let mut now = gather::inventory(s);
        if let Some(before) = &before {
            now.remember(before);
        }
        Ok((now, before))
    }

    /// Writes the inventory document; it is what the next one is compared with.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn write_inventory(&self, s: &Source<'_>) -> Result<Written, Failure> {
        let (now, before) = self.inventory(s)?;
        let head = s.head();
        let name = format!("inventory-{}", head.day(s.now));
        let mut files = self.keep_document(&name, &inventory::document(&head, &now, before.as_ref()))?;
        files.push(self.keep_json(&format!("{name}.json"), &now)?);
        // The last: what was not written whole does not count as the last one.
        files.push(self.keep_json("inventory.json", &now)?);
        let what = match before.map(|b| inventory::changes(&b, &now).len()) {
            None => "the first inventory".to_owned(),
            Some(0) => "the inventory; nothing has changed since the last one".to_owned(),
            Some(1) => "the inventory; one change since the last one".to_owned(),
            Some(n) => format!("the inventory; {n} changes since the last one"),
        };
        Ok(Written { what, files })
    }

    /// Whether the handbook is current.
    ///
    /// # Errors
    /// What was kept of the last one cannot be read.
    pub fn handbook_standing(&self, s: &Source<'_>) -> Result<Standing, Failure> {
        let Some(last) = self.read::<Edition>("handbook.json")? else { return Ok(Standing::None) };
        let now = fingerprint(&handbook::content(&s.head(), &gather::handbook(s)));
        Ok(if now == last.fingerprint { Standing::Current(last) } else { Standing::Outdated(last) })
    }

    /// The edition that the handbook would have if it were written now.
    ///
    /// # Errors
    /// What was kept of the last one cannot be read.
    pub fn handbook(&self, s: &Source<'_>) -> Result<(Document, Edition), Failure> {
        let (head, book) = (s.head(), gather::handbook(s));
        let fingerprint = fingerprint(&handbook::content(&head, &book));
        let edition = match self.read::<Edition>("handbook.json")? {
            Some(last) if last.fingerprint == fingerprint => last,
            last => {
                let number = last.map_or(1, |l| l.number.saturating_add(1));
                Edition { number, fingerprint, written: s.now }
            }
        };
        Ok((handbook::document(&head, &book, &edition), edition))
    }

    /// Writes the handbook; its number counts up when its contents have changed.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn write_handbook(&self, s: &Source<'_>) -> Result<Written, Failure> {
        let (document, edition) = self.handbook(s)?;
        let mut files = self.keep_document(&format!("handbook-edition-{}", edition.number), &document)?;
        files.push(self.keep_json("handbook.json", &edition)?);
        Ok(Written { what: format!("the recovery handbook, edition {}", edition.number), files })
    }

    /// The performance review as a document, with the name of its file.
    ///
    /// # Errors
    /// No journal, or one that cannot be read.
    pub fn performance(
        s: &Source<'_>,
        span: Span,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(Document, String), Failure> {
        let (review, name) = past::performance(s, span, cancelled)?;
        Ok((performance::document(&s.head(), &review, &rules(s.config_file)?), name))
    }

    /// Writes the performance review, with its plots as SVG beside it.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn write_performance(
        &self,
        s: &Source<'_>,
        span: Span,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Written, Failure> {
        let (review, name) = past::performance(s, span, cancelled)?;
        let head = s.head();
        let mut files = self.keep_document(&name, &performance::document(&head, &review, &rules(s.config_file)?))?;
        let plots: Vec<_> =
            performance::worst(&review).iter().take(review.plots).map(|(i, _)| performance::plot(&review, i)).collect();
        if !plots.is_empty() {
            let title = format!("{} · {} · {}", head.site, head.node, review.period);
            let svg = figure::trends(&title, &plots, &head.zone);
            let svg = svg.map_err(|e| Failure::new(Exit::NotFine, e.to_string()))?;
            files.push(self.keep(&format!("{name}.svg"), svg.as_bytes())?);
        }
        Ok(Written { what: format!("the performance review of {}", review.period), files })
    }
}

/// The rules of the advice: those of `advice.toml` beside the configuration file, else the built-in ones.
///
/// # Errors
/// Exit 66 for a file that cannot be read, 78 for one with a fault.
pub fn rules(config_file: Option<&Path>) -> Result<Vec<advice::Rule>, Failure> {
    let wrong = |e| Failure::new(Exit::BadConfig, e);
    let Some(path) = config_file.and_then(Path::parent).map(|d| d.join("advice.toml")) else {
        return advice::parse(advice::BUILT_IN).map_err(wrong);
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => advice::parse(&text).map_err(|e| wrong(format!("{}: {e}", path.display()))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => advice::parse(advice::BUILT_IN).map_err(wrong),
        Err(e) => Err(Failure::new(Exit::NoInput, format!("{} cannot be read: {e}", path.display()))),
    }
}

fn fingerprint(text: &str) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}
