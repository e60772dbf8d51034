//! Guided runs: who does which task, how far they are, what was answered and signed. State changes only by events.
//!
//! [`wish`] says which events a wish would write; [`apply`] folds events that are durable; [`errands`] asks for what takes
//! its time; [`view`] shows it all. What is promised is held back for others until its event is seen, or until
//! [`Desk::release`] is told that it could not be written.

mod apply;
mod errands;
mod run;
mod view;
mod wish;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use errands::Wanted;
use run::Run;

use super::catalogue::Catalogue;
use super::compliance::Kept;
use crate::model::event::Event;
use crate::model::people::Person;
use crate::model::upkeep::{Answer, Compliance, FollowUp, PlannedDay, RunRecord};

/// Finished runs kept for the list of records: five years and more of a full plan.
const MAX_RECORDS: usize = 20_000;

/// Finished runs whose whole record is kept at hand.
const MAX_WHOLE: usize = 200;

/// Most runs that may be open at once.
const MAX_OPEN: usize = 32;

/// Most things found and not settled; older ones are in their records.
const MAX_FOLLOW_UPS: usize = 500;

/// Most lines of evidence or of a note.
const MAX_LINES: usize = 100;

/// Longest line of evidence or of a note, characters.
const MAX_LINE_CHARS: usize = 2000;

/// The site's and node's names, for records.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Site.
    pub site: Arc<str>,
    /// Node.
    pub node: Arc<str>,
}

/// A finished run of long ago, of which only this is needed.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its number.
    pub run: u64,
    /// The task's id.
    pub task: Arc<str>,
    /// Who.
    pub who: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// Every step passed.
    pub passed: bool,
    /// Ended early.
    pub abandoned: bool,
}

/// The maintenance desk: tasks, open runs, records.
#[derive(Debug)]
pub struct Desk {
    catalogue: Catalogue,
    place: Place,
    zone: TimeZone,
    installed: Timestamp,
    people: Arc<[Person]>,
    open: BTreeMap<u64, Run>,
    /// Ascending by time.
    records: Vec<RunRecord>,
    kept: Kept,
    last_by: BTreeMap<Arc<str>, (Arc<str>, bool)>,
    waivers: BTreeMap<Arc<str>, (Timestamp, Arc<str>)>,
    calls: BTreeMap<Arc<str>, (Timestamp, Arc<str>)>,
    follow_ups: Vec<FollowUp>,
    next_run: u64,
    promised_starts: BTreeSet<Arc<str>>,
    promised_steps: BTreeSet<u64>,
    errands: errands::Errands,
    /// The hash of each complete run that waits for its signature, as it was shown; made anew after any event.
    hashes: BTreeMap<u64, Arc<str>>,
    shown: Shown,
}

/// Parts of the board that change only by events; made anew then.
#[derive(Debug, Default)]
struct Shown {
    records: Arc<[RunRecord]>,
    follow_ups: Arc<[FollowUp]>,
    compliance: Arc<[Compliance]>,
    calendar: Arc<[PlannedDay]>,
    stale: bool,
    /// Until when compliance and calendar hold.
    compliance_until: Option<Timestamp>,
}

impl Desk {
    /// A desk with what the events tell (oldest first). `installed` is when the installation began: the first event of
    /// the journal, or now.
    pub fn new<'e>(
        catalogue: Catalogue,
        place: Place,
        zone: TimeZone,
        installed: Timestamp,
        long_ago: &[Finished],
        restored: impl IntoIterator<Item = &'e Event>,
    ) -> Self {
        let mut desk = Self {
            catalogue,
            place,
            zone,
            installed,
            people: [].into(),
            open: BTreeMap::new(),
            records: Vec::new(),
            kept: Kept::default(),
            last_by: BTreeMap::new(),
            waivers: BTreeMap::new(),
            calls: BTreeMap::new(),
            follow_ups: Vec::new(),
            next_run: 1,
            promised_starts: BTreeSet::new(),
            promised_steps: BTreeSet::new(),
            errands: errands::Errands::default(),
            hashes: BTreeMap::new(),
            shown: Shown { stale: true, ..Shown::default() },
        };
        for f in long_ago {
            desk.long_ago(f);
        }
        for event in restored {
            desk.apply(event);
        }
        desk
    }

    /// Who can sign, from now on.
    pub fn know(&mut self, people: Arc<[Person]>) {
        self.people = people;
    }

    /// Somebody with a PIN is known, so that records are signed.
    fn signs(&self) -> bool {
        self.people.iter().any(|p| p.pin)
    }

    /// The answer to keep for a step: what was said; but for a step that the program answers, what it finds now.
    /// Nobody can tick off by hand what the program can see; skipping it, with a reason, is left to people.
    #[must_use]
    pub fn settle(&self, run: u64, step: &str, said: Answer, check: &dyn Fn(&str) -> Option<Answer>) -> Answer {
        self.settled(run, step, said, check)
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod played;
