//! After a start: tells how the run before ended, waits for everything expected, keeps what is expected up to date, and steps the
//! planned restart. One thread, once a second; it writes two small files in the data directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tracing::{info, warn};

use super::restarting::{Wish, carry_out, program};
use super::start::Stop;
use super::threads::Threads;
use crate::base::clock::{Clock, Mono};
use crate::base::draft::Draft;
use crate::config::sections::Maintenance;
use crate::engine::{Input, Intake};
use crate::model::board::Board;
use crate::model::startup::{StartBoard, StartState};
use crate::upkeep::ended::{Alive, ended};
use crate::upkeep::expected::Expected;
use crate::upkeep::restart::{Restart, Rules, Step, urgent};

/// The sign of life in the data directory.
const ALIVE: &str = "alive.json";
/// What is expected after a start, in the data directory.
pub(super) const EXPECTED: &str = "expected.json";
/// How often the sign of life is renewed: by so much the end of a run without order may be told too early.
const ALIVE_EVERY: Duration = Duration::from_secs(10);
/// What is expected is brought up to date so often, and not before it has been verified.
const KEEP_EVERY: Duration = Duration::from_mins(1);
/// After so long of one run what is gone is expected no more.
const SETTLED: Duration = Duration::from_hours(24);

/// What the thread is given.
pub(super) struct Given {
    pub(super) data: PathBuf,
    pub(super) cfg: Maintenance,
    pub(super) zone: jiff::tz::TimeZone,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) intake: Intake,
    pub(super) board: watch::Receiver<Arc<Board>>,
    pub(super) stop: Stop,
    pub(super) wish: Wish,
    /// When something last happened, by the record: for a start after a run that left no sign of life.
    pub(super) last_event: Option<Timestamp>,
}

/// Starts the thread.
pub(super) fn begin(threads: &Threads, given: Given) {
    threads.spawn("start-up", move || Watch::new(given).run());
}

/// What is kept in a file; none where there is none. A damaged one is told and counts as none.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) => {
            if e.kind() != std::io::ErrorKind::NotFound {
                warn!("{} cannot be read: {e}", path.display());
            }
            return None;
        }
    };
    serde_json::from_slice(&bytes).map_err(|e| warn!("{} is damaged and begun anew: {e}", path.display())).ok()
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), String> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|e| e.to_string())?;
    Draft::beside(path).and_then(|d| d.keep(&bytes)).map_err(|e| e.to_string())
}

/// The number of this start of the computer.
fn boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .map(|t| t.trim().to_owned())
        .filter(|t| !t.is_empty())
}

struct Watch {
    given: Given,
    boot: Option<String>,
    expected: Expected,
    shown: StartBoard,
    restart: Restart,
    began: Mono,
    alive: Option<Mono>,
    kept: Mono,
    /// Whether the disk refused the last time: told once.
    refused: bool,
}

impl Watch {
    fn new(given: Given) -> Self {
        let began = given.clock.now().mono;
        let expected: Expected = read(&given.data.join(EXPECTED)).unwrap_or_default();
        let count = expected.count();
        let state = if count == 0 { StartState::Unexpected } else { StartState::Waiting };
        let shown = StartBoard { state, expected: count, ..StartBoard::default() };
        let (boot, restart) = (boot_id(), Restart::default());
        Self { given, boot, expected, shown, restart, began, alive: None, kept: began, refused: false }
    }

    fn run(mut self) {
        self.tell_last_end();
        loop {
            self.step();
            if self.given.stop.shutdown.wait_for(Duration::from_secs(1)) {
                break;
            }
        }
        let reason = self.given.stop.asked().unwrap_or_else(|| "asked to stop".into());
        self.live(Some(reason.to_string()));
    }

    fn note(&self, text: String, bad: bool) {
        self.given.intake.push(Input::Note { text: text.into(), bad });
    }

    fn publish(&self) {
        self.given.intake.push(Input::Start(Box::new(self.shown.clone())));
    }

    fn tell_last_end(&mut self) {
        let now = self.given.clock.now();
        let before: Option<Alive> = read(&self.given.data.join(ALIVE));
        let before = before.or_else(|| {
            // The file may be lost with the power; the record is not.
            let at = self.given.last_event?;
            Some(Alive { at, boot: None, ended: None, restart: None })
        });
        if let Some(before) = before {
            let e = ended(&before, self.boot.as_deref(), now.wall);
            if e.notable {
                self.note(e.text.clone(), e.bad);
            }
            self.shown.last_end = Some(e.text.into());
        }
        self.publish();
    }

    fn step(&mut self) {
        let now = self.given.clock.now();
        if self.alive.is_none_or(|at| now.mono.since(at) >= ALIVE_EVERY) {
            self.live(None);
        }
        let board = Arc::clone(&self.given.board.borrow());
        let before = self.shown.clone();
        self.verify(&board, now.mono, now.wall);
        let restarting = self.plan(&board, now.wall);
        self.shown.restart = self.restart.planned().cloned();
        if self.shown != before {
            self.publish();
        }
        if now.mono.since(self.kept) >= KEEP_EVERY && self.shown.state != StartState::Waiting {
            self.keep(&board, now.mono);
        }
        if let Some(who) = restarting {
            self.live_for_restart(&who);
        }
    }

    /// Whether everything expected is there; the verdict may still change from missing to complete.
    fn verify(&mut self, board: &Board, now: Mono, wall: Timestamp) {
        if !matches!(self.shown.state, StartState::Waiting | StartState::Incomplete) || board.host.is_none() {
            return;
        }
        let missing: Vec<Arc<str>> =
            self.expected.compare(board).into_iter().filter(|c| !c.0).map(|c| c.1.into()).collect();
        let took = now.since(self.began);
        let (seconds, count) = (took.as_secs(), self.expected.count());
        if missing.is_empty() {
            let late = if self.shown.state == StartState::Incomplete { ", later than expected" } else { "" };
            self.note(format!("all {count} expected things run {seconds} s after the start{late}"), false);
            (self.shown.state, self.shown.decided) = (StartState::Complete, Some(wall));
            self.shown.missing.clear();
        } else if self.shown.state == StartState::Waiting && took >= self.given.cfg.start_within {
            let list = missing.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("; ");
            self.note(
                format!("{} of {count} expected things are missing {seconds} s after the start: {list}", missing.len()),
                true,
            );
            (self.shown.state, self.shown.decided) = (StartState::Incomplete, Some(wall));
            self.shown.missing = missing;
        } else if self.shown.state == StartState::Incomplete {
            self.shown.missing = missing;
        }
    }

    /// Keeps what is expected. Nothing that is away is forgotten within a day of one run.
    fn keep(&mut self, board: &Board, now: Mono) {
        self.kept = now;
        let settled = now.since(self.began) >= SETTLED;
        let next = self.expected.updated(board, settled);
        if next.same(&self.expected) {
            return;
        }
        match write(&self.given.data.join(EXPECTED), &next) {
            Ok(()) => {
                self.expected = next;
                self.shown.expected = self.expected.count();
                self.refused = false;
            }
            Err(e) => self.refuse(&e),
        }
    }

    fn refuse(&mut self, e: &str) {
        if !std::mem::replace(&mut self.refused, true) {
            warn!("what is expected after a start cannot be kept: {e}; check the disk of the data directory");
        }
    }

    fn live(&mut self, ended: Option<String>) {
        let now = self.given.clock.now();
        self.alive = Some(now.mono);
        let restart = self.given.stop.restart_for();
        let alive = Alive { at: now.wall, boot: self.boot.clone(), ended, restart };
        if let Err(e) = write(&self.given.data.join(ALIVE), &alive) {
            self.refuse(&e);
        }
    }

    /// Steps the plan; who asked, when it is to be done now.
    fn plan(&mut self, board: &Board, now: Timestamp) -> Option<String> {
        let cfg = &self.given.cfg;
        let notice = SignedDuration::try_from(cfg.reboot_notice).unwrap_or(SignedDuration::from_mins(15));
        let rules = Rules { timetable: cfg.reboot, zone: self.given.zone.clone(), notice };
        let who = self.restart.planned().map(|p| p.who.to_string());
        match self.restart.step(&rules, now, self.given.wish.take(), urgent(board)) {
            Step::Nothing => None,
            Step::Announce(text) => {
                self.note(text, false);
                None
            }
            Step::Hold(text) | Step::GiveUp(text) => {
                self.note(text, true);
                None
            }
            Step::Go(text) => match program(&cfg.reboot_command) {
                Ok(_) => {
                    self.note(text, false);
                    who
                }
                Err(e) => {
                    self.note(format!("the computer is not restarted: {e}; correct maintenance.reboot_command"), true);
                    None
                }
            },
        }
    }

    /// The engine ends in order first; what follows is carried out when its last thread has ended.
    fn live_for_restart(&mut self, who: &str) {
        info!(who, "the engine ends for a restart of the computer");
        let command = self.given.cfg.reboot_command.to_string();
        self.given.stop.ask_restart(who, Box::new(move || carry_out(&command)));
    }
}
