//! What the decider takes over from the record when it starts.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::alarm::Alarm;
use crate::model::event::Event;
use crate::model::people::Person;
use crate::upkeep::desk::Finished;

/// The record as it was when the program ended, however it ended.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Number of the newest event.
    pub last_seq: u64,
    /// Alarms that were not normal.
    pub alarms: Vec<Alarm>,
    /// Newest events, oldest first.
    pub recent: Vec<Event>,
    /// Events of maintenance: of open runs, of finished ones, and of each task's newest.
    pub upkeep: Vec<Event>,
    /// Finished runs before those: when each task was done.
    pub long_ago: Vec<Finished>,
    /// Who can sign.
    pub people: Arc<[Person]>,
    /// What became of the regions' baselines: the newest event of each kind, region and state; ascending.
    pub baselines: Vec<Event>,
    /// The newest run of each job for the database.
    pub care: Vec<Event>,
    /// How many events there are.
    pub events: u64,
    /// When the journal began.
    pub first: Option<Timestamp>,
    /// What was found wrong with the journal and mended (a corrupted file set aside).
    pub note: Option<Arc<str>>,
}
