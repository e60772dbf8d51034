//! Maintenance at the decider: wishes become events that count once they are durable, errands are sent on, PINs are looked
//! at elsewhere.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::{Core, Request};
use crate::base::clock::Now;
use crate::engine::acting::answer;
use crate::engine::input::Verified;
use crate::model::board::Board;
use crate::model::event::EventKind;
use crate::model::intent::{IntentKind, Reply, ToSign};
use crate::model::mail::Mail;
use crate::model::upkeep::{Answer, Due, TaskBoard, UpkeepBoard};
use crate::upkeep::desk::Wanted;

/// How often people are reminded of overdue maintenance by mail.
const REMIND_EVERY: Duration = Duration::from_hours(24);

impl Core {
    /// What somebody asks for about maintenance.
    pub(super) fn upkeep_wish(
        &mut self,
        kind: IntentKind,
        who: &Arc<str>,
        why: Option<&str>,
        reply: Option<SyncSender<Reply>>,
        now: Now,
    ) {
        let asked = match kind {
            IntentKind::StartRun { task, subject, because } => self
                .desk
                .start(&task, subject, because, who)
                .map(|(run, kind)| (vec![kind], format!("run {run} begun"))),
            IntentKind::AnswerStep { run, step, answer } => {
                self.settled(run, &step, answer, who, now).map(|kinds| (kinds, "saved".to_owned()))
            }
            IntentKind::Perform { run, step } => {
                self.desk.perform(run, &step, who).map(|kind| (vec![kind], format!("{step}: begun")))
            }
            IntentKind::ReopenStep { run } => {
                self.desk.reopen(run, who).map(|kind| (vec![kind], "the last answer is taken back".to_owned()))
            }
            IntentKind::PauseRun { run, paused } => self.desk.pause(run, paused, who).map(|kind| {
                (vec![kind], format!("run {run} is {}", if paused { "laid aside" } else { "taken up again" }))
            }),
            IntentKind::HandOver { run, to } => {
                self.desk.hand_over(run, &to, who).map(|kind| (vec![kind], format!("run {run} is {to}'s now")))
            }
            IntentKind::AbandonRun { run } => {
                self.desk.abandon(run, why, who, now).map(|kind| (vec![kind], "run ended".to_owned()))
            }
            IntentKind::CloseFollowUp { run, step, text } => {
                self.desk.close_follow_up(run, &step, &text, who).map(|kind| (vec![kind], "settled".to_owned()))
            }
            IntentKind::LookAgain { run, step } => {
                let looked = self.desk.look_again(run, &step);
                self.eventful = true;
                self.make_errands(now);
                return answer(reply, looked.map(|()| "looking again".into()));
            }
            IntentKind::Sign { person, pin, what } => {
                return match self.desk.may_be_signed(&what) {
                    Ok(()) => (self.out.requests)(Request::Verify { person, pin, what, reply }),
                    Err(e) => answer(reply, Err(e)),
                };
            }
            _ => return,
        };
        match asked {
            Ok((kinds, text)) => self.emit_all(kinds, reply, &text, now),
            Err(e) => answer(reply, Err(e)),
        }
    }

    /// A step's answer: what the program checks itself is answered by the program, whatever was sent.
    fn settled(&mut self, run: u64, step: &str, answer: Answer, who: &str, now: Now) -> Result<Vec<EventKind>, String> {
        let board = Arc::clone(&self.out.board.borrow());
        let checks = self.checks;
        let answer = self.desk.settle(run, step, answer, &|check| checks(check, &board));
        self.desk.answer(run, step, answer, who, now)
    }

    /// Sends errands on that open steps wait for. Called once a second, and when somebody wants to look again.
    pub(super) fn make_errands(&mut self, now: Now) {
        for wanted in self.desk.errands_wanted(now) {
            self.send_errand(wanted);
        }
    }

    fn send_errand(&mut self, wanted: Wanted) {
        let board = Arc::clone(&self.out.board.borrow());
        (self.out.requests)(Request::Errand(wanted, board));
    }

    /// Consent to an action is durable: it may be carried out.
    pub(super) fn agreed(&mut self, kind: &EventKind) {
        let now = self.clock.now();
        if let Some(wanted) = self.desk.action_agreed(kind, now) {
            self.send_errand(wanted);
        }
    }

    /// An errand has ended.
    pub(super) fn errand_done(&mut self, wanted: &Wanted, found: Answer) {
        let now = self.clock.now();
        self.eventful = true;
        let kinds = self.desk.errand_done(wanted, found, now);
        self.emit_all(kinds, None, "", now);
    }

    /// A PIN was looked at: what was signed becomes an event, or the person is told why not.
    pub(super) fn verified(&mut self, v: Verified) {
        let now = self.clock.now();
        let signed = v.person.and_then(|person| self.desk.signed(&v.what, &person, now).map(|kind| (kind, person)));
        match signed {
            Ok((kind, person)) => {
                let text = match &v.what {
                    ToSign::Run { run, .. } => format!("record {run} signed by {}", person.name),
                    ToSign::Counter { run, .. } => format!("record {run} counter-signed by {}", person.name),
                    ToSign::Addendum { run, .. } => format!("added to record {run} by {}", person.name),
                    ToSign::Waive { task, .. } => format!("{task} waived by {}", person.name),
                };
                self.emit_durably(kind, v.reply.map(|r| (r, text)), now);
            }
            Err(e) => answer(v.reply, Err(e)),
        }
    }

    /// Writes a letter about overdue maintenance, once a day while there is some.
    pub(super) fn remind(&mut self, now: Now) {
        let early = self.reminded.is_some_and(|at| now.mono.since(at) < REMIND_EVERY);
        if self.config.mail.is_none() || early {
            return;
        }
        let Some(mail) = reminder(&self.out.board.borrow()) else { return };
        self.reminded = Some(now.mono);
        (self.out.requests)(Request::Mail(mail));
    }

    /// Something asks for a task that the calendar does not.
    pub(super) fn task_called(&mut self, task: &str, why: &str) {
        let now = self.clock.now();
        if let Some(kind) = self.desk.call(task, why) {
            self.emit_durably(kind, None, now);
        }
    }
}

/// The letter about overdue maintenance; none when nothing is.
fn reminder(board: &Board) -> Option<Mail> {
    let late: Vec<&TaskBoard> = board.upkeep.tasks.iter().filter(|t| t.due == Due::Overdue).collect();
    if late.is_empty() {
        return None;
    }
    let zone = &board.time_zone;
    let mut body = String::from("These maintenance tasks are overdue:\n\n");
    for t in &late {
        let since = t.until.to_zoned(zone.clone()).strftime("%a %d %b %H:%M");
        // Writing to a string cannot fail.
        let _ = writeln!(body, "  {}  {} (since {since})", t.row, t.title);
    }
    body.push_str("\nDo them on the Maintenance tab, or have an admin call them off with a reason.\n");
    let subject = format!("{} {}: {} maintenance tasks are overdue", board.site, board.node, late.len());
    Some(Mail { to: Vec::new(), subject: subject.into(), body: body.into() })
}

/// The overdue tasks in words; none when nothing is.
pub(super) fn overdue(board: &UpkeepBoard) -> Option<Arc<str>> {
    const NAMED: usize = 3;
    let late: Vec<&str> = board.tasks.iter().filter(|t| t.due == Due::Overdue).map(|t| &*t.title).collect();
    let named = late.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match late.len() {
        0 => None,
        n if n > NAMED => Some(format!("{named} and {} more", n - NAMED).into()),
        _ => Some(named.into()),
    }
}
