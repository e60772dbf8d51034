//! The mail's own thread: looks at the board, gathers, and sends; never faster than the limit, and ever slower while it fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{info, warn};

use super::gather::Gather;
use super::post::{PostError, Server};
use super::queue::Queue;
use crate::base::backoff::Backoff;
use crate::base::clock::{Clock, Mono, Now};
use crate::base::shutdown::Shutdown;
use crate::config::sections::Mail as Settings;
use crate::model::board::Board;
use crate::model::mail::{Mail, MailBoard};

/// How often the board is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Pauses after a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// What the thread works with.
pub struct Worker {
    /// The configuration.
    pub settings: Settings,
    /// Where letters wait over a restart.
    pub file: Option<PathBuf>,
    /// The board.
    pub board: watch::Receiver<Arc<Board>>,
    /// Letters of other parts.
    pub letters: Receiver<Mail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// First and longest pause after a failure.
    pub pauses: (Duration, Duration),
    /// Takes how the sending stands.
    pub report: Box<dyn Fn(MailBoard) + Send>,
}

impl Worker {
    /// The usual pauses.
    pub const PAUSES: (Duration, Duration) = (FIRST_PAUSE, LONGEST_PAUSE);
}

/// Runs until the end is asked for. Blocks; call it on its own thread.
pub fn run(worker: Worker, shutdown: &Shutdown) {
    let Worker { settings, file, board, letters, clock, pauses, report } = worker;
    let server = Server::new(&settings);
    let now = clock.now();
    let mut gather = Gather::new(settings.at_least, settings.at_most_every, &board.borrow());
    let mut sending = Sending {
        server,
        queue: Queue::open(file, now.wall),
        backoff: Backoff::new(pauses.0, pauses.1),
        not_before: None,
        told: MailBoard { on: true, ..MailBoard::default() },
    };
    loop {
        let ended = shutdown.wait_for(LOOK);
        let now = clock.now();
        let present = Arc::clone(&board.borrow());
        gather.look(&present, now);
        let due = if ended { gather.rest() } else { gather.due(now) };
        for mail in due.into_iter().chain(letters.try_iter()) {
            sending.queue.push(mail, now.wall);
        }
        if ended {
            // What waits is on the disk and is sent after the next start: the end waits for no server.
            return;
        }
        sending.step(now);
        report(sending.board(clock.now()));
    }
}

struct Sending {
    server: Result<Server, String>,
    queue: Queue,
    backoff: Backoff,
    not_before: Option<Mono>,
    told: MailBoard,
}

impl Sending {
    /// Sends one letter where one waits and may be tried.
    fn step(&mut self, now: Now) {
        let gone = self.queue.forget_old(now.wall);
        if gone > 0 {
            warn!(letters = gone, "mail was given up: it could not be sent for three days");
        }
        if self.not_before.is_some_and(|t| now.mono < t) {
            return;
        }
        let Some(letter) = self.queue.first() else { return };
        let done = match &self.server {
            Ok(server) => server.send(letter),
            Err(why) => Err(PostError::Later(why.clone())),
        };
        match done {
            Ok(()) => {
                info!(subject = &*letter.mail.subject, "mail sent");
                self.queue.sent();
                self.backoff.reset();
                self.not_before = None;
                self.told.sent += 1;
                self.told.last_sent = Some(now);
                self.told.fault = None;
            }
            Err(e) => self.failed(&e, now),
        }
    }

    fn failed(&mut self, e: &PostError, now: Now) {
        let text: Arc<str> = e.to_string().into();
        if self.told.fault.as_ref() != Some(&text) {
            warn!("mail is not sent: {text}");
        }
        if let PostError::Refused(_) = e
            && self.queue.refused()
        {
            warn!("a letter was given up: the server refused it several times");
        }
        self.told.fault = Some(text);
        self.not_before = Some(now.mono.after(self.backoff.pause()));
    }

    fn board(&self, now: Now) -> MailBoard {
        MailBoard {
            waiting: self.queue.len(),
            oldest_min: self.queue.oldest_min(now.wall),
            dropped: self.queue.dropped,
            fault: self.told.fault.clone().or_else(|| self.queue.fault.clone()),
            at: Some(now),
            ..self.told.clone()
        }
    }
}
