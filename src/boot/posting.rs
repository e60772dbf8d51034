//! `vms mail` and `vms logs`: what they need of the running system's places, without an engine.

use std::path::PathBuf;

use crate::base::clock::{Clock as _, SystemClock};
use crate::base::error::{Exit, Failure};
use crate::cli::Globals;
use crate::config::Config;
use crate::logs::own;
use crate::model::mail::Mail;
use crate::notify::Server;
use crate::notify::queue::Waiting;

/// Where the program's own log is.
#[must_use]
pub fn own_log(globals: &Globals, config: &Config) -> PathBuf {
    globals.data_dir.join(&config.logs.directory).join(own::FILE_NAME)
}

/// Sends a letter now: what the server made of it, good or bad.
///
/// # Errors
/// A bad configuration, or one without mail.
pub fn send_test_mail(globals: &Globals) -> Result<Result<String, String>, Failure> {
    let config = globals.load()?.config;
    let Some(settings) = config.mail else {
        let text = format!("{} names no mail server; add [mail] with server, from and to", globals.config.display());
        return Err(Failure::new(Exit::BadConfig, text));
    };
    let now = SystemClock::new().now().wall;
    let site = &config.site;
    let mail = Mail {
        to: Vec::new(),
        subject: format!("[{}] test letter", site.name).into(),
        body: format!(
            "{} {}\n\nThis is the letter of `vms mail test`. Alarms come the same way.\n",
            site.name, site.node
        )
        .into(),
    };
    let letter = Waiting { mail, number: u64::try_from(now.as_millisecond()).unwrap_or_default(), at: now, refused: 0 };
    let sent = Server::new(&settings).and_then(|s| s.send(&letter).map_err(|e| e.to_string()));
    let to = settings.to.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    Ok(sent.map(|()| format!("{} has taken a letter to {to}", settings.server)))
}
