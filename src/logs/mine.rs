//! What is made of new lines: patterns, the rate of errors against what is usual, and the lines that are to be mailed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use regex::RegexSet;

use super::memory::{Memory, recall};
use super::patterns::{Patterns, Source};
use super::usual::Usual;
use crate::base::clock::{Mono, Now};
use crate::base::ring::Ring;
use crate::model::logs::{CriticalLine, PatternReport, Severity, Spike};

/// How often what was learned is written to the disk.
const SAVE_EVERY: Duration = Duration::from_mins(2);
/// How often the list of patterns is made anew.
const SHOW_EVERY: Duration = Duration::from_secs(5);
/// Lines to be mailed that are held.
const CRITICAL: usize = 50;

/// Makes of new lines what there is to know.
pub struct Miner {
    patterns: Patterns,
    usual: Usual,
    rules: RegexSet,
    critical: Ring<CriticalLine>,
    critical_shown: Arc<[CriticalLine]>,
    numbered: u64,
    errors: u32,
    file: Option<PathBuf>,
    saved: Option<Mono>,
    shown: Option<Mono>,
    report: Arc<PatternReport>,
    fault: Option<Arc<str>>,
}

impl Miner {
    /// A miner that remembers in this file (none: only while the program runs), and mails lines that fit one of these rules.
    /// A rule that is no regular expression was refused with the configuration.
    #[must_use]
    pub fn new(file: Option<PathBuf>, rules: &[Arc<str>]) -> Self {
        let (memory, told) = file.as_deref().map_or_else(Default::default, recall);
        if let Some(told) = &told {
            tracing::warn!("{told}");
        }
        Self {
            patterns: Patterns::restored(memory.patterns),
            usual: Usual::restored(memory.steps),
            rules: RegexSet::new(rules.iter().map(AsRef::as_ref)).unwrap_or_default(),
            critical: Ring::new(CRITICAL),
            critical_shown: Arc::new([]),
            numbered: 0,
            errors: 0,
            file,
            saved: None,
            shown: None,
            report: Arc::default(),
            fault: None,
        }
    }

    /// Takes a line that was written just now.
    pub fn take(&mut self, source: &Source, path: &Arc<str>, severity: Severity, line: &str, now: Now) {
        if severity == Severity::Error {
            self.errors = self.errors.saturating_add(1);
        }
        // What continues a record (a stack trace) is no pattern of its own.
        if !line.starts_with([' ', '\t']) {
            self.patterns.take(source, severity, line.as_bytes(), now.wall);
        }
        if let Some(rule) = self.rules.matches(line).iter().next() {
            self.numbered += 1;
            let rule = self.rules.patterns().get(rule).map_or("", String::as_str).into();
            let (source, text) = (Arc::clone(path), line.into());
            self.critical.push(CriticalLine { number: self.numbered, at: now.wall, source, text, rule });
            self.critical_shown = self.critical.to_vec().into();
        }
    }

    /// After every look at all files: what there is to tell.
    pub fn told(&mut self, now: Now) -> (Arc<PatternReport>, Spike, Arc<[CriticalLine]>) {
        self.patterns.watched(now);
        self.usual.take(std::mem::take(&mut self.errors), now);
        if self.shown.is_none_or(|t| now.mono.since(t) >= SHOW_EVERY) {
            self.shown = Some(now.mono);
            let (known, forgotten, since) = self.patterns.figures();
            let patterns = self.patterns.shown(now.wall).into();
            self.report = Arc::new(PatternReport { patterns, known, forgotten, since, fault: self.fault.clone() });
        }
        match self.saved {
            None => self.saved = Some(now.mono),
            Some(t) if now.mono.since(t) >= SAVE_EVERY => {
                self.saved = Some(now.mono);
                self.save();
            }
            Some(_) => {}
        }
        (Arc::clone(&self.report), self.usual.spike(now), Arc::clone(&self.critical_shown))
    }

    /// Writes what was learned to the disk; what went wrong is told with the patterns.
    pub fn save(&mut self) {
        let Some(file) = &self.file else { return };
        let result = Memory::new(self.usual.steps(), self.patterns.kept()).save(file);
        let fault = result.err().map(|why| Arc::from(format!("what was learned of the logs is not kept: {why}")));
        if let (Some(why), None) = (&fault, &self.fault) {
            tracing::warn!("{why}");
        }
        self.fault = fault;
    }
}

impl Drop for Miner {
    fn drop(&mut self) {
        self.save();
    }
}
