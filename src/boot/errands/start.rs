//! Errands about the start: whether everything expected runs, and an orderly restart of the computer.

use crate::boot::restarting::program;
use crate::boot::starting::{EXPECTED, read};
use crate::model::board::Board;
use crate::model::startup::StartState;
use crate::model::upkeep::Answer;
use crate::upkeep::errand::Ask;
use crate::upkeep::expected::Expected;
use crate::upkeep::restart::urgent;

use super::Means;
use super::finding::Found;

/// Compares what runs with what is expected.
pub(super) fn start_up(means: &Means, ask: &Ask<'_>) -> Answer {
    let mut f = Found::default();
    let live = means.live.as_ref().map(|l| l.board.borrow().clone());
    let board: &Board = live.as_deref().unwrap_or(ask.board);
    if board.host.is_none() {
        f.unknown("no engine is running here, or it has just begun; nothing can be compared");
        return f.answer();
    }
    let Some(expected) = read::<Expected>(&means.data.join(EXPECTED)).filter(|e| e.count() > 0) else {
        f.unknown("nothing is expected yet: that is kept a minute after the first start");
        return f.answer();
    };
    for (good, text) in expected.compare(board) {
        f.judge(good, text);
    }
    if let Some(text) = &board.start.last_end {
        f.line(text.as_ref());
    }
    let within = means.config.maintenance.start_within.as_secs();
    match board.start.state {
        StartState::Waiting => f.line(format!("the time for that is not over yet ({within} s after the start)")),
        StartState::Incomplete => f.line(format!("it was not complete {within} s after the start")),
        StartState::Complete | StartState::Unexpected => {}
    }
    f.answer()
}

/// Announces an orderly restart, or says what it would be.
pub(super) fn reboot(means: &Means, ask: &Ask<'_>) -> Answer {
    let mut f = Found::default();
    let cfg = &means.config.maintenance;
    if !cfg.reboot_on_request {
        f.unknown(
            "restarting the computer from here is switched off; set maintenance.reboot_on_request = true to allow it",
        );
        return f.answer();
    }
    let Some(live) = &means.live else {
        f.unknown("no engine is running here; restart the computer by its own means");
        return f.answer();
    };
    if let Err(e) = program(&cfg.reboot_command) {
        f.bad(format!("{e}; correct maintenance.reboot_command"));
        return f.answer();
    }
    let board = live.board.borrow().clone();
    if let Some(why) = urgent(&board) {
        f.bad(format!("not now: {why}"));
        return f.answer();
    }
    if let Some(p) = &board.start.restart {
        f.good(format!("a restart is planned already, asked for by {}", p.who));
        return f.answer();
    }
    if ask.preview {
        f.good(format!(
            "the engine ends in order in one minute, then \"{}\" is run; nothing is measured until the computer is back",
            cfg.reboot_command
        ));
        f.line("it waits while an alarm of priority high or critical is active or the database is being looked after");
    } else {
        live.restart.ask(ask.who);
        f.good("announced: the engine ends in one minute; after the start this step's task is continued");
        f.line("everything expected is verified after the start and put into the record");
    }
    f.answer()
}
