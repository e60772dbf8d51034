//! The journal's record for commands: read from the file itself, whether an engine runs or not.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::archive::Archive;
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::error::{Exit, Failure};
use crate::cli::Globals;
use crate::journal::{FILE_NAME, History, JournalError};

/// The record, and what is needed to say times of it.
pub struct Records {
    /// The record.
    pub history: History,
    /// The present moment.
    pub now: Timestamp,
    /// The site's time zone; UTC where no configuration tells it.
    pub zone: TimeZone,
    /// The database, where the configuration names one.
    pub archive: Option<Archive>,
}

/// Opens the journal of this data directory for reading.
///
/// # Errors
/// Exit 66 where there is none, where it is damaged, or where it is of another schema.
pub fn records(globals: &Globals) -> Result<Records, Failure> {
    let path = globals.data_dir.join(FILE_NAME);
    if !path.exists() {
        let text = format!(
            "there is no journal in the data directory {}; name another one with --data-dir, or start an engine there",
            globals.data_dir.display()
        );
        return Err(Failure::new(Exit::NoInput, text));
    }
    let history = History::open(&path).map_err(|e| unreadable(&e))?;
    let config = globals.faults_or_config().ok().map(|l| l.config);
    let archive = config.as_ref().and_then(Archive::of);
    let zone = config.map_or(TimeZone::UTC, |c| c.site.time_zone);
    Ok(Records { history, now: SystemClock::new().now().wall, zone, archive })
}

/// A fault of the journal as the end of a command that reads it.
pub fn unreadable(e: &JournalError) -> Failure {
    Failure::new(Exit::NoInput, e.to_string())
}

/// The moment that lies so far ahead; the far future where that cannot be said.
pub fn moment(ahead: std::time::Duration) -> Timestamp {
    let span = jiff::SignedDuration::try_from(ahead).unwrap_or(jiff::SignedDuration::MAX);
    SystemClock::new().now().wall.checked_add(span).unwrap_or(Timestamp::MAX)
}
