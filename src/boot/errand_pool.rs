//! The threads that make errands: a few, with a short queue before them, so that a long vacuum does not hold up a look at a
//! camera. What hangs is told by the decider's own deadline; the thread is free again when its errand ends.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::info;

use super::errands::{self, Means};
use super::threads::Threads;
use crate::base::shutdown::Shutdown;
use crate::engine::{Input, Intake};
use crate::model::board::Board;
use crate::model::upkeep::{Answer, Outcome};
use crate::upkeep::desk::Wanted;
use crate::upkeep::errand::{self, Ask};

/// Errands made at the same time.
const THREADS: usize = 3;
/// Errands that may wait; the decider asks for at most four at a time.
const QUEUE: usize = 8;

/// Starts the threads.
pub(super) fn start(
    threads: &Threads,
    means: Means,
    shutdown: &Shutdown,
    intake: &Intake,
) -> SyncSender<(Wanted, Arc<Board>)> {
    let (tx, rx) = sync_channel::<(Wanted, Arc<Board>)>(QUEUE);
    let (rx, means) = (Arc::new(Mutex::new(rx)), Arc::new(means));
    for i in 1..=THREADS {
        let (rx, means, shutdown, intake) = (Arc::clone(&rx), Arc::clone(&means), shutdown.clone(), intake.clone());
        threads.spawn(&format!("errand-{i}"), move || {
            while let Some((wanted, board)) = next(&rx, &shutdown) {
                let answer = make(&means, &wanted, &board, &shutdown);
                intake.push(Input::Errand(wanted, Box::new(answer)));
            }
        });
    }
    let (means, shutdown, intake) = (Arc::clone(&means), shutdown.clone(), intake.clone());
    threads.spawn("documents", move || watch_documents(&means, &shutdown, &intake));
    tx
}

/// How long after the start the documents are compared first: by then cameras and PLCs have answered.
const DOCUMENTS_FIRST: Duration = Duration::from_mins(5);
/// How often after that.
const DOCUMENTS_EVERY: Duration = Duration::from_hours(6);

/// Compares the documents with what is there, and calls for the task that brings them up to date when they differ.
fn watch_documents(means: &Means, shutdown: &Shutdown, intake: &Intake) {
    let Some(live) = means.live.clone() else { return };
    let mut pause = DOCUMENTS_FIRST;
    while !shutdown.wait_for(pause) {
        pause = DOCUMENTS_EVERY;
        let board = Arc::clone(&live.board.borrow());
        for name in ["inventory-changes", "handbook-current"] {
            let wanted = Wanted {
                run: 0,
                step: name.into(),
                name: name.into(),
                subject: None,
                preview: false,
                who: "vms".into(),
            };
            let answer = make(means, &wanted, &board, shutdown);
            if answer.outcome == Outcome::Failed {
                let why = answer.evidence.first().map_or("the documents are out of date", String::as_str).into();
                intake.push(Input::TaskCalled { task: "document-changes".into(), why });
            }
        }
    }
}

/// Waits for an errand; the lock is held while waiting only, by one thread at a time, and never while working.
fn next(rx: &Mutex<Receiver<(Wanted, Arc<Board>)>>, shutdown: &Shutdown) -> Option<(Wanted, Arc<Board>)> {
    loop {
        if shutdown.asked() {
            return None;
        }
        let rx = rx.lock().unwrap_or_else(PoisonError::into_inner);
        match rx.recv_timeout(Duration::from_millis(200)) {
            Ok(wanted) => return Some(wanted),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return None,
        }
    }
}

fn make(means: &Means, wanted: &Wanted, board: &Board, shutdown: &Shutdown) -> Answer {
    let Some(errand) = errand::find(&wanted.name) else {
        return Answer {
            outcome: Outcome::Unknown,
            evidence: vec![format!("there is no errand {} in this version", wanted.name)],
        };
    };
    let start = means.clock.now().mono;
    let cancelled = || shutdown.asked() || means.clock.now().mono.since(start) >= errand.within;
    let ask = Ask {
        subject: wanted.subject.as_deref(),
        board,
        preview: wanted.preview,
        who: &wanted.who,
        cancelled: &cancelled,
    };
    if !wanted.preview && errand.effect == errand::Effect::Changes {
        info!(errand = errand.name, who = &*wanted.who, "begun");
    }
    errands::run(means, errand.name, &ask)
}
