//! What is expected to run after a start: remembered while it runs, compared after the next start.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::board::{Board, HistorianState};
use crate::model::bus::PlcState;
use crate::model::camera::CameraState;

/// Everything that has been seen to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Expected {
    /// When this was last brought up to date.
    pub at: Option<Timestamp>,
    /// Cameras that gave frames.
    pub cameras: BTreeSet<String>,
    /// PLCs that answered.
    pub plcs: BTreeSet<String>,
    /// PostgreSQL answered.
    pub database: bool,
    /// Disks, by where they are mounted.
    pub disks: BTreeSet<String>,
    /// Jobs that come by a timetable.
    pub schedules: BTreeSet<String>,
}

/// One thing that is expected: whether it is there, and how it is, in words.
pub type Compared = (bool, String);

impl Expected {
    /// How many things are expected.
    #[must_use]
    pub fn count(&self) -> usize {
        self.cameras.len() + self.plcs.len() + usize::from(self.database) + self.disks.len() + self.schedules.len()
    }

    /// With what runs now added, and without what the configuration has no more. A disk or timetable that is gone is forgotten
    /// only when `settled` says that the installation has run like this for long.
    #[must_use]
    pub fn updated(&self, board: &Board, settled: bool) -> Self {
        let old = |before: &BTreeSet<String>, id: &str| before.contains(id);
        let cameras = board.cameras.iter().filter(|c| c.state() != CameraState::Disabled);
        let cameras = cameras.filter(|c| c.state().has_frames() || old(&self.cameras, c.id.as_str()));
        let plcs = board.plcs.iter().filter(|p| p.state() == PlcState::Live || old(&self.plcs, p.id.as_str()));
        let mut disks: BTreeSet<String> = mounts(board).map(str::to_owned).collect();
        let mut schedules: BTreeSet<String> = jobs(board).collect();
        if !settled {
            disks.extend(self.disks.iter().cloned());
            schedules.extend(self.schedules.iter().cloned());
        }
        let database = match board.historian.state {
            HistorianState::Off => false,
            HistorianState::Live => true,
            HistorianState::Connecting | HistorianState::Lost => self.database,
        };
        Self {
            at: Some(board.at.wall),
            cameras: cameras.map(|c| c.id.to_string()).collect(),
            plcs: plcs.map(|p| p.id.to_string()).collect(),
            database,
            disks,
            schedules,
        }
    }

    /// Whether both expect the same, whenever they were written.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Self { at: None, ..self.clone() } == Self { at: None, ..other.clone() }
    }

    /// Everything expected against what is there. What the configuration has no more is expected no more.
    #[must_use]
    pub fn compare(&self, board: &Board) -> Vec<Compared> {
        let mut out = Vec::new();
        for c in board.cameras.iter().filter(|c| self.cameras.contains(c.id.as_str())) {
            if c.state() == CameraState::Disabled {
                continue;
            }
            let why = c.report.as_ref().and_then(|r| r.text.as_deref());
            out.push((c.state().has_frames(), words(&format!("camera {}", c.id), c.state().word(), why)));
        }
        for p in board.plcs.iter().filter(|p| self.plcs.contains(p.id.as_str())) {
            let why = p.report.as_ref().and_then(|r| r.text.as_deref());
            out.push((p.state() == PlcState::Live, words(&format!("PLC {}", p.id), p.state().word(), why)));
        }
        let h = &board.historian;
        if self.database && h.state != HistorianState::Off {
            out.push((h.state == HistorianState::Live, words("database", h.state.word(), h.text.as_deref())));
        }
        if !self.disks.is_empty() {
            let there: BTreeSet<&str> = mounts(board).collect();
            for disk in &self.disks {
                let is = there.contains(disk.as_str());
                out.push((is, format!("disk {disk}: {}", if is { "mounted" } else { "not mounted" })));
            }
        }
        if !self.schedules.is_empty() {
            let there: BTreeSet<String> = jobs(board).collect();
            for job in &self.schedules {
                let is = there.contains(job);
                out.push((
                    is,
                    format!("timetable of {job}: {}", if is { "comes by itself" } else { "does not come any more" }),
                ));
            }
        }
        out
    }
}

fn words(what: &str, state: &str, why: Option<&str>) -> String {
    match why.filter(|w| !w.is_empty()) {
        Some(why) => format!("{what}: {state}: {why}"),
        None => format!("{what}: {state}"),
    }
}

fn mounts(board: &Board) -> impl Iterator<Item = &str> {
    board.host.iter().flat_map(|h| h.disks.iter().map(|d| &*d.mount))
}

fn jobs(board: &Board) -> impl Iterator<Item = String> {
    board.database.planned.iter().filter(|(_, next)| next.is_some()).map(|(job, _)| job.title().to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::base::clock::Now;
    use crate::model::board::HistorianBoard;
    use crate::model::host::{Disk, HostReport};

    fn board(state: HistorianState, mounts: &[&str]) -> Board {
        let now = Now::default();
        let disks = mounts.iter().map(|m| Disk { mount: (*m).into(), free_bytes: 1, total_bytes: 2 }).collect();
        let host = HostReport {
            at: now,
            cpu_percent: None,
            memory_percent: None,
            memory_total_bytes: 0,
            process_cpu_percent: None,
            process_rss_bytes: None,
            disks,
            interfaces: Vec::new(),
        };
        Board {
            historian: HistorianBoard { state, ..HistorianBoard::default() },
            host: Some(Arc::new(host)),
            ..Board::empty("s", "n", TimeZone::UTC, now)
        }
    }

    #[test]
    fn what_ran_is_expected_until_the_configuration_has_it_no_more() {
        let well = Expected::default().updated(&board(HistorianState::Live, &["/", "/data"]), false);
        assert_eq!((well.database, well.count()), (true, 3));
        let ill = board(HistorianState::Lost, &["/"]);
        let later = well.updated(&ill, false);
        assert!(later.same(&well), "what is away stays expected");
        let missing: Vec<String> = later.compare(&ill).into_iter().filter(|c| !c.0).map(|c| c.1).collect();
        assert_eq!(missing, ["database: lost", "disk /data: not mounted"]);
        let without = board(HistorianState::Off, &["/"]);
        assert!(!later.updated(&without, false).database);
        assert!(later.compare(&without).iter().all(|c| !c.1.starts_with("database")));
        assert_eq!(later.updated(&ill, true).disks.len(), 1, "after a long time a disk that is gone is forgotten");
    }

    #[test]
    fn a_file_of_another_version_is_read_as_far_as_it_goes() {
        let e: Expected = serde_json::from_str(r#"{"cameras":["deck"],"future":1}"#).unwrap();
        assert_eq!((e.count(), e.at), (1, None));
    }
}
