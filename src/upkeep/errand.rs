//! Errands: what the program looks at or does for a step when that takes its time. Here are their names and what they
//! are given; the assembly of the program carries them out, for they reach into every room.
//!
//! An errand that looks changes nothing and may be made at any time. One that changes something is first asked with
//! [`Ask::preview`], and says what it would do; a person agrees; then it is asked again and does it.

use std::time::Duration;

use crate::model::board::Board;

/// Whether an errand changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only looks: for steps of kind `check`.
    Looks,
    /// It changes something: for steps of kind `action`, after consent.
    Changes,
}

/// What an errand is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The whole installation.
    Site,
    /// One camera, or each of them.
    Camera,
    /// One PLC, or each of them.
    Plc,
    /// One directory that the program writes to, or each of them.
    Disk,
}

/// An errand.
#[derive(Clone, Copy, Debug)]
pub struct Errand {
    /// Its name in the catalogue and in guides.
    pub name: &'static str,
    /// What it does, one line.
    pub title: &'static str,
    /// Whether it changes anything.
    pub effect: Effect,
    /// What it is about.
    pub of: Of,
    /// After so long it counts as failed.
    pub within: Duration,
}

/// What an errand is given.
pub struct Ask<'a> {
    /// The camera's or PLC's id, or the directory; none: all of them.
    pub subject: Option<&'a str>,
    /// What was true when it was asked.
    pub board: &'a Board,
    /// Only say what would be done.
    pub preview: bool,
    /// Who asks.
    pub who: &'a str,
    /// Whether the person has left or the program ends; asked between the parts of the work.
    pub cancelled: &'a dyn Fn() -> bool,
}

/// The errand of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Errand> {
    ERRANDS.iter().find(|e| e.name == name)
}

const fn looks(name: &'static str, of: Of, within_s: u64, title: &'static str) -> Errand {
    Errand { name, title, effect: Effect::Looks, of, within: Duration::from_secs(within_s) }
}

const fn changes(name: &'static str, of: Of, within_s: u64, title: &'static str) -> Errand {
    Errand { name, title, effect: Effect::Changes, of, within: Duration::from_secs(within_s) }
}

/// All errands.
pub const ERRANDS: &[Errand] = &[
    // cameras
    looks("camera-name", Of::Camera, 10, "resolve the name in the camera's address"),
    looks("camera-reach", Of::Camera, 10, "open a TCP connection to the camera"),
    looks("camera-rtsp", Of::Camera, 10, "ask the camera's RTSP server (OPTIONS, DESCRIBE) and read its answer"),
    looks("camera-frame", Of::Camera, 30, "wait for the first frame and look at it"),
    looks("camera-sharpness", Of::Camera, 30, "measure the sharpness of the picture and compare it with the last time"),
    looks("camera-accuracy", Of::Camera, 120, "measure the camera at rest and hold it against its reference"),
    changes("camera-reference", Of::Camera, 120, "measure the camera at rest and keep that as its reference"),
    changes("camera-reconnect", Of::Camera, 30, "open the camera's stream again"),
    // PLCs
    looks("plc-port", Of::Plc, 10, "look for the serial port, its permissions and who holds it"),
    looks("plc-link", Of::Plc, 10, "read the counters and response times of the link"),
    looks("plc-loopback", Of::Plc, 20, "send the loopback diagnostic (function 08) and compare the echo"),
    changes("plc-reset", Of::Plc, 20, "close and open the serial port again"),
    // storage
    looks("disk-space", Of::Disk, 10, "read how much is free, and how long that lasts"),
    looks("disk-largest", Of::Disk, 60, "find the largest directories and files"),
    looks("old-recordings", Of::Site, 60, "list the oldest recordings"),
    looks("log-rotation", Of::Site, 30, "prove that the logs are rotated and stay within their bound"),
    looks("temporary-files", Of::Site, 60, "find temporary files that nobody uses any more"),
    changes("remove-recordings", Of::Site, 300, "remove the oldest recordings until the free share is reached"),
    changes("remove-temporary", Of::Site, 300, "remove temporary files that nobody uses any more"),
    changes("rotate-logs", Of::Site, 30, "rotate the program's own log"),
    // database
    looks("database-reach", Of::Site, 15, "connect to the database and time a query"),
    looks("database-queries", Of::Site, 30, "list long-running and blocking queries"),
    looks("database-health", Of::Site, 60, "look at dead rows, bloat and indexes"),
    looks("database-growth", Of::Site, 60, "read size and growth per table, and forecast them"),
    changes("database-cancel", Of::Site, 30, "cancel the query that blocks others for the longest time"),
    changes("database-vacuum", Of::Site, 3600, "VACUUM (ANALYZE) every table, with figures before and after"),
    changes("database-reindex", Of::Site, 3600, "rebuild the indexes without locking out the writer"),
    // network and host
    looks("network", Of::Site, 60, "reachability, loss and latency of cameras, PLCs, database; errors of interfaces"),
    looks("start-up", Of::Site, 60, "compare what runs with what is expected after a start"),
    changes("reboot", Of::Site, 120, "announce and begin an orderly restart of the computer"),
    // documents
    looks("performance-week", Of::Site, 60, "read the week's history against the limits"),
    looks(
        "performance-quarter",
        Of::Site,
        120,
        "read the quarter's history: worst indicators, queries, alarms; advice",
    ),
    looks(
        "inventory-changes",
        Of::Site,
        60,
        "compare cameras, PLCs, hardware, network and versions with the last document",
    ),
    looks("handbook-current", Of::Site, 30, "compare the recovery handbook with the configuration in force"),
    changes("write-inventory", Of::Site, 60, "write the inventory document"),
    changes("write-handbook", Of::Site, 60, "write the recovery handbook"),
    changes("write-performance", Of::Site, 120, "write the performance report"),
    // backup and update
    looks("backups", Of::Site, 30, "look at the age and proof of each kind of backup"),
    changes("backup-config", Of::Site, 300, "back up the configuration and verify the copy"),
    changes("backup-full", Of::Site, 3600, "back up program, configuration and database, and verify by restoring"),
    changes("drill", Of::Site, 3600, "restore the newest backup into a scratch database and compare"),
    looks("updates", Of::Site, 120, "look for a newer release and for outdated packages"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_no_board_check_has_one_of_them() {
        let mut seen: BTreeSet<&str> = crate::upkeep::checks::NAMES.into_iter().collect();
        for e in ERRANDS {
            assert!(seen.insert(e.name), "{}", e.name);
            assert!(e.within > Duration::ZERO && !e.title.is_empty(), "{}", e.name);
        }
    }
}
