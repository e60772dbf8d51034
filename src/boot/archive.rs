//! The database as the further memory of this node's journal: asked for what lies before it, and for what it has of it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::sections::{Config, Historian};
use crate::historian::past::{self, Wanted};
use crate::model::event::{Event, SecondReading};
use crate::model::record::Rolled;

/// Points of a trend that are asked for at once.
const POINTS: i64 = 10_000;

/// The database of this node's site.
#[derive(Debug)]
pub struct Archive {
    cfg: Historian,
    site: Arc<str>,
    node: Arc<str>,
    runtime: tokio::runtime::Runtime,
}

impl Archive {
    /// The one that the configuration names, if it names one.
    #[must_use]
    pub fn of(config: &Config) -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let (site, node) = (Arc::clone(&config.site.name), Arc::clone(&config.site.node));
        Some(Self { cfg: config.historian.clone()?, site, node, runtime })
    }

    /// Whether so much of a trend is missing at its beginning that the database is asked. A little may be: the machine
    /// stood, or the engine did. All in seconds.
    #[must_use]
    pub fn worth_asking((from, to): (i64, i64), begin: i64, step_s: i64) -> bool {
        begin - from > (to - from) / 50 + step_s
    }

    fn names(&self) -> (&str, &str) {
        (&self.site, &self.node)
    }

    /// The points of a series from `from` until before `to` (Unix time), oldest first.
    ///
    /// # Errors
    /// In words; secrets never appear.
    pub fn trend(&self, series: &str, (from, to): (i64, i64), step_s: i64) -> Result<Vec<Rolled>, String> {
        let mut all = Vec::new();
        let mut begin = from;
        while begin < to {
            let end = begin.saturating_add(POINTS * step_s).min(to);
            let part = past::trend(&self.cfg, self.names(), series, (begin, end), step_s);
            all.extend(self.runtime.block_on(part)?);
            begin = end;
        }
        Ok(all)
    }

    /// The days on which there may be readings, each as its first second (Unix time), ascending.
    ///
    /// # Errors
    /// In words; secrets never appear.
    pub fn reading_days(&self) -> Result<Vec<i64>, String> {
        self.runtime.block_on(past::reading_days(&self.cfg))
    }

    /// The readings of one region or of all from `from` until before `to` (Unix time), oldest first.
    ///
    /// # Errors
    /// In words; secrets never appear.
    pub fn readings(&self, roi: Option<&str>, range: (i64, i64)) -> Result<Vec<SecondReading>, String> {
        self.runtime.block_on(past::readings(&self.cfg, self.names(), roi, range))
    }

    /// At most `limit` events, oldest first: the oldest ones that are wanted, or with `newest` the newest.
    ///
    /// # Errors
    /// In words; secrets never appear.
    pub fn events(&self, wanted: &Wanted, limit: usize, newest: bool) -> Result<Vec<Event>, String> {
        self.runtime.block_on(past::events(&self.cfg, self.names(), wanted, limit, newest))
    }

    /// The newest event of this journal that the database has: number and hash.
    ///
    /// # Errors
    /// In words; secrets never appear.
    pub fn newest_event(&self, journal: &str) -> Result<Option<(u64, Vec<u8>)>, String> {
        self.runtime.block_on(past::newest_event(&self.cfg, self.names(), journal))
    }
}

/// What lies before a moment: the question that the database is asked, or none where the range begins later.
#[must_use]
pub fn before(wanted: &Wanted, begin: Option<Timestamp>) -> Option<Wanted> {
    let Some(begin) = begin else { return Some(wanted.clone()) };
    let to = wanted.to.map_or(begin, |t| t.min(begin));
    wanted.from.is_none_or(|f| f < to).then(|| Wanted { to: Some(to), ..wanted.clone() })
}
