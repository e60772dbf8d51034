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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::base::clock::{Now, SimClock};
    use crate::model::board::{HistorianBoard, HistorianState};
    use crate::model::host::{Disk, HostReport};
    use crate::model::timetable::Timetable;

    /// A site under simulated time.
    struct Site {
        dir: tempfile::TempDir,
        clock: Arc<SimClock>,
        inbox: Receiver<Input>,
        board: watch::Sender<Arc<Board>>,
        stop: Stop,
        wish: Wish,
    }

    fn board(now: Now, database: HistorianState) -> Arc<Board> {
        let disks = vec![Disk { mount: "/".into(), free_bytes: 1, total_bytes: 2 }];
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
        let historian = HistorianBoard { state: database, ..HistorianBoard::default() };
        Arc::new(Board { historian, host: Some(Arc::new(host)), ..Board::empty("s", "n", TimeZone::UTC, now) })
    }

    /// What a run keeps from the one before: its directory and its clock.
    fn start(dir: tempfile::TempDir, at: &str, reboot: &str, command: &str, database: HistorianState) -> (Site, Watch) {
        let clock = Arc::new(SimClock::new(at.parse().unwrap()));
        let (intake, inbox) = Intake::channel();
        let (tx, rx) = watch::channel(board(clock.now(), database));
        let (stop, wish) = (Stop::default(), Wish::default());
        let cfg = Maintenance {
            tasks: "maintenance.toml".into(),
            start_within: Duration::from_mins(3),
            reboot: Timetable::parse(reboot).unwrap(),
            reboot_notice: Duration::from_mins(15),
            reboot_command: command.into(),
            reboot_on_request: true,
        };
        let given = Given {
            data: dir.path().to_owned(),
            cfg,
            zone: TimeZone::UTC,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            intake,
            board: rx,
            stop: stop.clone(),
            wish: wish.clone(),
            last_event: None,
        };
        let mut watch = Watch::new(given);
        watch.tell_last_end();
        (Site { dir, clock, inbox, board: tx, stop, wish }, watch)
    }

    impl Site {
        fn pass(&self, watch: &mut Watch, time: Duration) {
            let end = self.clock.now().mono.after(time);
            while self.clock.now().mono < end {
                self.clock.advance(Duration::from_secs(10));
                watch.step();
            }
        }

        fn becomes(&self, database: HistorianState) {
            self.board.send_replace(board(self.clock.now(), database));
        }

        /// Notes since the last look, and the newest start.
        fn told(&self) -> (Vec<String>, StartBoard) {
            let (mut notes, mut start) = (Vec::new(), StartBoard::default());
            for input in self.inbox.try_iter() {
                match input {
                    Input::Note { text, .. } => notes.push(text.to_string()),
                    Input::Start(s) => start = *s,
                    _ => {}
                }
            }
            (notes, start)
        }
    }

    fn dir() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn what_ran_is_expected_after_the_next_start_and_alarmed_when_it_is_missing() {
        let (site, mut w) = start(dir(), "2026-11-29T10:00:00Z", "off", "true", HistorianState::Live);
        site.pass(&mut w, Duration::from_mins(3));
        let (notes, _) = site.told();
        assert_eq!(notes, Vec::<String>::new(), "a first start has nothing to tell");
        // It is killed: no end is written. The next start is five minutes later, and the database is away.
        drop(w);
        let (site, mut w) = start(site.dir, "2026-11-29T10:08:00Z", "off", "true", HistorianState::Lost);
        let (notes, s) = site.told();
        assert!(notes.len() == 1 && notes[0].contains("without order"), "{notes:?}");
        assert!(s.last_end.is_some_and(|t| t.contains("down for 5 min")), "from its last sign of life on");
        assert_eq!((s.state, s.expected), (StartState::Waiting, 2));
        site.pass(&mut w, Duration::from_mins(2));
        assert_eq!(w.shown.state, StartState::Waiting, "it has three minutes");
        site.pass(&mut w, Duration::from_mins(1));
        let (notes, s) = site.told();
        assert!(notes.len() == 1 && notes[0].contains("1 of 2 expected things are missing"), "{notes:?}");
        assert_eq!((s.state, s.missing.len()), (StartState::Incomplete, 1));
        site.pass(&mut w, Duration::from_mins(2));
        assert_eq!(w.expected.count(), 2, "what is missing stays expected");
        site.becomes(HistorianState::Live);
        site.pass(&mut w, Duration::from_secs(10));
        let (notes, s) = site.told();
        assert!(notes[0].contains("later than expected"), "{notes:?}");
        assert_eq!((s.state, s.missing.len()), (StartState::Complete, 0));
    }

    #[test]
    fn an_end_in_order_is_no_note() {
        let (site, mut w) = start(dir(), "2026-11-29T10:00:00Z", "off", "true", HistorianState::Off);
        w.step();
        site.stop.ask("asked for by ann");
        w.run();
        site.told();
        let (site, _w) = start(site.dir, "2026-11-29T10:05:00Z", "off", "true", HistorianState::Off);
        let (notes, s) = site.told();
        assert!(notes.is_empty(), "{notes:?}");
        assert!(s.last_end.is_some_and(|t| t.contains("in order (asked for by ann)")));
    }

    #[test]
    fn a_planned_restart_is_announced_ends_the_engine_and_is_told_when_it_did_not_happen() {
        let (site, mut w) = start(dir(), "2026-11-29T02:40:00Z", "sunday 03:00", "true", HistorianState::Off);
        site.pass(&mut w, Duration::from_mins(6));
        let (notes, s) = site.told();
        assert!(notes.iter().any(|n| n.contains("will be restarted at 2026-11-29 03:00")), "{notes:?}");
        assert!(s.restart.is_some_and(|p| &*p.time == "2026-11-29 03:00"));
        assert!(site.stop.asked().is_none());
        site.pass(&mut w, Duration::from_mins(14));
        let reason = site.stop.asked().unwrap();
        assert!(reason.contains("restart of the computer, asked for by vms"), "{reason}");
        w.run();
        let (site, _w) = start(site.dir, "2026-11-29T03:02:00Z", "sunday 03:00", "true", HistorianState::Off);
        let (notes, _) = site.told();
        // In this test the computer was not restarted.
        let seen = boot_id().is_some();
        assert!(notes.iter().any(|n| n.contains("did not happen")) == seen, "{notes:?}");
    }

    #[test]
    fn a_command_that_is_not_there_restarts_nothing_and_the_engine_goes_on() {
        let (site, mut w) = start(dir(), "2026-11-29T02:50:00Z", "off", "no-such-program", HistorianState::Off);
        site.wish.ask("ann");
        site.pass(&mut w, Duration::from_mins(2));
        let (notes, s) = site.told();
        assert!(notes.iter().any(|n| n.contains("asked for by ann")), "{notes:?}");
        assert!(notes.iter().any(|n| n.contains("is not restarted: there is no program no-such-program")), "{notes:?}");
        assert!(site.stop.asked().is_none() && s.restart.is_none());
    }

    #[test]
    fn damaged_files_are_begun_anew() {
        let d = dir();
        std::fs::write(d.path().join(ALIVE), "{\"at\":").unwrap();
        std::fs::write(d.path().join(EXPECTED), [0xff, 0xfe]).unwrap();
        let (site, mut w) = start(d, "2026-11-29T10:00:00Z", "off", "true", HistorianState::Live);
        site.pass(&mut w, Duration::from_mins(2));
        assert!(read::<Expected>(&site.dir.path().join(EXPECTED)).is_some_and(|e| e.database));
        assert!(read::<Alive>(&site.dir.path().join(ALIVE)).is_some());
    }
}
