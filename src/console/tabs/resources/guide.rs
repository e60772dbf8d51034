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
