//! Mail: what is to be sent, and how the sending stands.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::clock::Now;

/// A letter on its way. It holds no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// To whom; empty: the receivers of the configuration.
    pub to: Vec<Arc<str>>,
    /// Subject, one line.
    pub subject: Arc<str>,
    /// Text.
    pub body: Arc<str>,
}

/// How the sending stands.
#[derive(Clone, Debug, Default)]
pub struct MailBoard {
    /// Whether mail is configured.
    pub on: bool,
    /// Letters that wait.
    pub waiting: usize,
    /// How long the oldest has waited, in minutes.
    pub oldest_min: f64,
    /// Sent since the start.
    pub sent: u64,
    /// Given up since the start: refused for good, too old, or no room.
    pub dropped: u64,
    /// Why the last try failed; none after one that went well.
    pub fault: Option<Arc<str>>,
    /// When a letter was taken by the server last.
    pub last_sent: Option<Now>,
    /// When this was told.
    pub at: Option<Now>,
}
