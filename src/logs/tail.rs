//! The tails of all log files: our own and those that the configuration names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::mine::Miner;
use super::patterns;
use super::source::{FileId, Source, id_at};
use super::wildcard::expand;
use crate::base::clock::{Mono, Now};
use crate::model::logs::LogReport;

/// How often patterns are matched anew.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Follows log files; owned by one thread that polls once a second.
pub struct Tails {
    sources: Vec<Source>,
    patterns: Vec<Arc<str>>,
    looked: Option<Mono>,
    own_dropped: Box<dyn Fn() -> u64 + Send>,
    miner: Miner,
}

impl Tails {
    /// Follows our own log and the files of these patterns (`*` and `?`; see [`super::wildcard`]).
    #[must_use]
    pub fn new(own: &Path, watch: &[Arc<str>]) -> Self {
        Self {
            sources: vec![Source::new(own, true, false)],
            patterns: watch.to_vec(),
            looked: None,
            own_dropped: Box::new(|| 0),
            miner: Miner::new(None, &[]),
        }
    }

    /// Hands every new line to this miner.
    #[must_use]
    pub fn with_miner(mut self, miner: Miner) -> Self {
        self.miner = miner;
        self
    }

    /// Reports this counter as the records that our own log lost ([`super::own::Guard::dropped_counter`]).
    #[must_use]
    pub fn with_dropped(mut self, dropped: impl Fn() -> u64 + Send + 'static) -> Self {
        self.own_dropped = Box::new(dropped);
        self
    }

    /// Reads what is new in every file.
    pub fn poll(&mut self, now: Now) -> LogReport {
        if self.looked.is_none_or(|t| now.mono.since(t) >= LOOK_AGAIN) {
            self.look();
            self.looked = Some(now.mono);
        }
        let mut reports = Vec::with_capacity(self.sources.len());
        for s in &mut self.sources {
            let path: Arc<str> = s.path().to_string_lossy().into();
            let (source, miner) = (patterns::Source::of(&path), &mut self.miner);
            reports.push(s.poll_with(now, &mut |severity, line| miner.take(&source, &path, severity, line, now)));
        }
        let (patterns, spike, critical) = self.miner.told(now);
        LogReport { at: now, sources: reports, dropped: (self.own_dropped)(), patterns, spike, critical }
    }

    /// Takes up files that appeared and lets go of those that no pattern names any more.
    fn look(&mut self) {
        let first = self.looked.is_none();
        let wanted: BTreeSet<PathBuf> = self.patterns.iter().flat_map(|p| expand(p)).collect();
        let known: BTreeSet<FileId> = self.sources.iter().filter_map(Source::id).collect();
        let (own, others): (Vec<Source>, Vec<Source>) =
            std::mem::take(&mut self.sources).into_iter().partition(Source::own);
        let own_id = own.first().and_then(|s| id_at(s.path()));
        self.sources = own;
        self.sources.extend(others.into_iter().filter(|s| wanted.contains(s.path())));
        for path in wanted {
            let id = id_at(&path);
            let have = self.sources.iter().any(|s| s.path() == path) || id.is_some() && id == own_id;
            if !have {
                // A file that appears later is new, unless it is one we read under its former name.
                let fresh = !first && id.is_none_or(|id| !known.contains(&id));
                self.sources.push(Source::new(&path, false, fresh));
            }
        }
        self.sources[1..].sort_by(|a, b| a.path().cmp(b.path()));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn at(s: u64) -> Now {
        Now { mono: Mono(0).after(Duration::from_secs(s)), ..Now::default() }
    }

    fn paths(report: &LogReport, dir: &Path) -> Vec<String> {
        let strip = |p: &str| Path::new(p).strip_prefix(dir).unwrap().to_string_lossy().into_owned();
        report.sources.iter().map(|s| strip(&s.path)).collect()
    }

    #[test]
    fn own_first_and_only_once_then_what_the_patterns_name() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["vms.log", "a.log", "b.log", "c.txt"] {
            fs::write(dir.path().join(name), "ERROR before\n").unwrap();
        }
        let pattern: Arc<str> = dir.path().join("*.log").to_string_lossy().into();
        let gone: Arc<str> = dir.path().join("gone.txt").to_string_lossy().into();
        let mut tails = Tails::new(&dir.path().join("vms.log"), &[pattern, gone]).with_dropped(|| 7);
        let report = tails.poll(at(0));
        assert_eq!(paths(&report, dir.path()), ["vms.log", "a.log", "b.log", "gone.txt"]);
        assert_eq!((report.dropped, report.errors_per_min()), (7, 0.0));
        assert!(report.sources[0].own && report.sources[3].fault.is_some());
    }

    #[test]
    fn a_new_file_counts_from_its_first_line_and_a_renamed_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a.log"), "ERROR old\nERROR old\n").unwrap();
        let pattern: Arc<str> = path("*.log*").to_string_lossy().into();
        let mut tails = Tails::new(&path("vms.txt"), &[pattern]);
        assert_eq!(tails.poll(at(0)).errors_per_min(), 0.0);
        fs::rename(path("a.log"), path("a.log.1")).unwrap();
        fs::write(path("a.log"), "").unwrap();
        fs::write(path("b.log"), "ERROR new\n").unwrap();
        let report = tails.poll(at(10));
        assert_eq!(paths(&report, dir.path()), ["vms.txt", "a.log", "a.log.1", "b.log"]);
        assert_eq!(report.errors_per_min(), 1.0);
        fs::remove_file(path("b.log")).unwrap();
        assert_eq!(tails.poll(at(20)).sources.len(), 3);
    }
}
