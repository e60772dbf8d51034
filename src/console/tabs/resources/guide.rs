//! What to do about an indicator, in one or two sentences.

use crate::model::board::{Group, Indicator};

/// What a person can do when this indicator nears its limit.
pub(super) fn guide(indicator: &Indicator) -> &'static str {
    match (indicator.group, &*indicator.id) {
        (Group::Host, "memory") => {
            "Look which program takes the memory (top, sorted by memory). If it is vms and it grows day by day, stop and \
             start it at a quiet moment and report it."
        }
        (Group::Host, _) => {
            "Look which program takes the processor (top). Move other programs off this computer; fewer or smaller \
             regions or cameras also help."
        }
        (Group::Disks, _) => {
            "Find what fills the disk (recordings, logs, other programs). Remove what is not needed or lower \
             keep_at_most in [recording] of vms.toml."
        }
        (Group::Network, _) => {
            "Check cable, switch port and other traffic on this interface. Errors that count up mean a bad cable or port."
        }
        (Group::Cameras, _) => {
            "Look at the camera on tab 1: link, frame rate, lost frames. Lower its bit rate or check the network between."
        }
        (Group::Plc, _) => {
            "Look at the line on tab 3: time-outs and checksum errors mean cable, termination or baud rate."
        }
        (Group::Database, "database.growth") => {
            "Press D: the tables say which one grows. Old readings can be kept for a shorter time; the disk must hold a year."
        }
        (Group::Database, "database.connections") => {
            "Press D, Activity: who holds them? End what is idle for long, or raise max_connections and restart the server."
        }
        (Group::Database, "database.longest") => {
            "Press D, Activity: it keeps dead rows from being removed and may hold locks. Ask its owner, or cancel it there (x)."
        }
        (Group::Database, "database.blocked") => {
            "Press D, Activity: it says which process holds the lock. Ask its owner, or cancel that one there (x)."
        }
        (Group::Database, "database.dead") => {
            "Press D and vacuum the table (v). If it comes back, look for old transactions, and whether autovacuum is on."
        }
        (Group::Database, "database.slowest") => {
            "Press D, Queries: the text of the query and how often it runs. An index, or a smaller time range, usually helps."
        }
        (Group::Database, "database.invalid-indexes") => {
            "Press D, Indexes: build the indexes of that table anew (i). Until then no query uses it and every write pays."
        }
        (Group::Database, "database.wraparound") => {
            "Press D and vacuum all tables (v). At 100 % the server takes no more writes. Look for old transactions first."
        }
        (Group::Database, "database.lag") => {
            "Look at the network to the replica, and at its disk and load. What it has not got is lost with the primary."
        }
        (Group::Database, "database.response") => {
            "Press D: is a job running, is somebody blocked, is the disk busy? Measuring goes on; what waits is kept in the journal."
        }
        (Group::Database, _) => {
            "Check that PostgreSQL runs and its disk is not full. Measuring goes on; what waits is kept in the journal."
        }
        (Group::Journal, _) => {
            "Check free space and health of the disk that holds the data directory: alarms and acknowledgments are kept there."
        }
        (Group::Logs, _) => {
            "Open tab 5 and jump to the newest error; the first error of a row usually names the cause."
        }
    }
}
