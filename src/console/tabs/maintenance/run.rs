//! What the answers to a run's steps are and when they may be given.

use std::sync::Arc;
use std::time::Duration;

use super::state::{Maintenance, Sent, Signing};
use crate::console::view::{Ctx, Want};
use crate::model::intent::{IntentKind, Pin, ToSign};
use crate::model::upkeep::{Answer, Outcome, StepKind};

/// A check's answer must not be older than this to be accepted.
const FRESH: Duration = Duration::from_secs(10);

/// A finding is asked for.
pub(super) const FINDING: &str = "maintenance-finding";
/// A note is asked for.
pub(super) const NOTE: &str = "maintenance-note";
/// The reason of a skip is asked for.
pub(super) const REASON: &str = "maintenance-reason";
/// A number that was read is asked for.
pub(super) const NUMBER: &str = "maintenance-number";
/// Who signs is asked for.
pub(super) const SIGNER: &str = "maintenance-signer";
/// A PIN is asked for: prompts of this name show nothing of what is typed.
pub(super) const PIN: &str = "pin";
/// To whom a run goes over is asked for.
pub(super) const HAND_OVER: &str = "maintenance-hand-over";
/// What a guide is about is asked for.
pub(super) const SUBJECT: &str = "maintenance-subject";

impl Maintenance {
    /// Begins a run of the selected task, or goes on with the open one. A guide asks first what it is about.
    pub(super) fn start(&mut self, ctx: &Ctx<'_>) -> Want {
        let rows = self.rows(ctx);
        let Some(task) = rows.get(self.cursor.at()) else {
            return Want::Say("There is no task to begin.".into());
        };
        if let Some(run) = super::state::open_run(&task.id, ctx) {
            self.run = Some(run.clone());
            self.down = 0;
            return Want::Nothing;
        }
        if self.busy(ctx) {
            return Want::Say("The run is being begun.".into());
        }
        let about = if task.guide { about(&task.id) } else { None };
        if let Some(what) = about {
            return ask(&format!("Which {what} (its id; empty: all)"), SUBJECT);
        }
        let id = task.id.clone();
        self.begin(id, None, None, ctx)
    }

    pub(super) fn begin(
        &mut self,
        task: Arc<str>,
        subject: Option<Arc<str>>,
        because: Option<(u64, Arc<str>)>,
        ctx: &Ctx<'_>,
    ) -> Want {
        self.sent = Some(Sent::Start(Arc::clone(&task), ctx.now.mono));
        Want::Send(IntentKind::StartRun { task, subject, because })
    }

    /// Enter within a run: the check's answer is accepted, an action agreed to, a note or number written, an option taken,
    /// the record signed; a person's own eyes need y or n.
    pub(super) fn accept(&mut self, ctx: &Ctx<'_>) -> Want {
        if let Some((run, hash)) = self.to_sign() {
            return self.sign(ToSign::Run { run, hash }, ctx);
        }
        let Some((run, step)) = self.step() else { return Want::Nothing };
        let (number, id) = (run.run, step.def.id.clone());
        match (&step.def.kind, &step.proposal) {
            (StepKind::Check { .. } | StepKind::Action { .. }, _) if step.working => {
                Want::Say("The program is at it. Its answer comes here.".into())
            }
            (StepKind::Check { .. }, Some(_)) if old(ctx).is_some() => {
                Want::Say("What the program found is old: no new data comes. It cannot be accepted now.".into())
            }
            (StepKind::Check { .. }, Some(p)) if p.outcome != Outcome::Unknown => {
                let answer = p.clone();
                self.answer(answer, ctx)
            }
            (StepKind::Check { .. }, Some(_)) => Want::Say(
                "The program cannot tell now, so there is nothing to accept. x skips it with a reason.".into(),
            ),
            (StepKind::Check { .. }, None) => {
                Want::Say("The program has not looked yet. Wait a moment, or x skips it with a reason.".into())
            }
            (StepKind::Action { .. }, Some(p)) if p.outcome == Outcome::Passed => {
                let what = p.evidence.iter().take(6).map(String::as_str).collect::<Vec<_>>().join("; ");
                let question = format!("{}? {what}", step.def.title);
                Want::Confirm { question, then: IntentKind::Perform { run: number, step: id } }
            }
            (StepKind::Action { .. }, Some(_)) => {
                Want::Say("The program cannot do this now; what it says is above. x skips it with a reason.".into())
            }
            (StepKind::Action { .. }, None) => {
                Want::Say("What would be done is not known yet. Wait a moment and read it.".into())
            }
            (StepKind::Observe, _) => Want::Say("Look, then press y if it is in order or n if it is not.".into()),
            (StepKind::Measure { unit, .. }, _) => ask(&format!("The number read, in {unit}"), NUMBER),
            (StepKind::Choose { options }, _) => match options.get(self.choice) {
                Some(option) => {
                    let outcome = if option.good { Outcome::Passed } else { Outcome::Failed };
                    let answer = Answer { outcome, evidence: vec![option.text.to_string()] };
                    self.answer(answer, ctx)
                }
                None => Want::Nothing,
            },
            (StepKind::Note, _) => ask("What is to be written down", NOTE),
        }
    }

    /// `y`: a person has looked and it is in order.
    pub(super) fn in_order(&mut self, ctx: &Ctx<'_>) -> Want {
        match self.step().map(|(_, s)| s.def.kind.clone()) {
            Some(StepKind::Observe) => self.answer(Answer { outcome: Outcome::Passed, evidence: vec![] }, ctx),
            Some(StepKind::Check { .. }) => {
                Want::Say("The program answers this step itself: Enter accepts its answer.".into())
            }
            Some(StepKind::Note) => ask("What is to be written down", NOTE),
            Some(_) => Want::Say("This step is not answered with yes or no.".into()),
            None => Want::Pass,
        }
    }

    /// `n`: a person has looked and it is not in order; what was found is asked for.
    pub(super) fn not_in_order(&mut self) -> Want {
        match self.step().map(|(_, s)| s.def.kind.clone()) {
            Some(StepKind::Observe) => ask("What is not in order", FINDING),
            Some(_) => Want::Say("This step is not answered with yes or no.".into()),
            None => Want::Pass,
        }
    }

    /// `x`: the step is left out; a reason is asked for.
    pub(super) fn skip(&mut self) -> Want {
        if self.step().is_some() { ask("Why this step is left out", REASON) } else { Want::Pass }
    }

    /// Looks again for an open step.
    pub(super) fn look_again(&mut self) -> Want {
        let Some((run, step)) = self.step() else { return Want::Pass };
        match step.def.kind {
            StepKind::Check { .. } | StepKind::Action { .. } => {
                Want::Send(IntentKind::LookAgain { run: run.run, step: step.def.id.clone() })
            }
            _ => Want::Say("The program does not look in this step; you do.".into()),
        }
    }

    /// Takes the last answer back.
    pub(super) fn take_back(&mut self, ctx: &Ctx<'_>) -> Want {
        let Some(run) = self.run.as_ref().filter(|_| !self.ended(ctx)) else { return Want::Pass };
        let number = run.run;
        self.sent = None;
        Want::Send(IntentKind::ReopenStep { run: number })
    }

    /// Lays the run aside, or takes it up again.
    pub(super) fn pause(&mut self, ctx: &Ctx<'_>) -> Want {
        let Some(run) = self.run.as_ref().filter(|_| !self.ended(ctx)) else { return Want::Pass };
        Want::Send(IntentKind::PauseRun { run: run.run, paused: !run.paused })
    }

    /// Gives the run to somebody else.
    pub(super) fn hand_over(&mut self, ctx: &Ctx<'_>) -> Want {
        if self.run.is_some() && !self.ended(ctx) { ask("To whom the run goes over", HAND_OVER) } else { Want::Pass }
    }

    /// The guide that belongs to the open step.
    pub(super) fn guide(&mut self, ctx: &Ctx<'_>) -> Want {
        let Some((run, step)) = self.step() else { return Want::Pass };
        let Some(guide) = step.def.guide.clone() else {
            return Want::Say("No guide belongs to this step.".into());
        };
        let (subject, because) = (step.def.subject.clone(), Some((run.run, step.def.id.clone())));
        self.follow_guide(guide, subject, because, ctx)
    }

    pub(super) fn follow_guide(
        &mut self,
        guide: Arc<str>,
        subject: Option<Arc<str>>,
        because: Option<(u64, Arc<str>)>,
        ctx: &Ctx<'_>,
    ) -> Want {
        if let Some(run) = super::state::open_run(&guide, ctx) {
            self.run = Some(run.clone());
            self.down = 0;
            return Want::Nothing;
        }
        self.begin(guide, subject, because, ctx)
    }

    /// Asks who signs, then for the PIN.
    pub(super) fn sign(&mut self, what: ToSign, ctx: &Ctx<'_>) -> Want {
        let people: Vec<_> = ctx.board.upkeep.people.iter().filter(|p| p.pin).collect();
        if people.is_empty() {
            return Want::Say("Nobody has a PIN yet: `vms user add` and `vms user pin` enrol people.".into());
        }
        self.signing = Some(Signing { what, person: None });
        let names: Vec<&str> = people.iter().map(|p| &*p.id).take(8).collect();
        ask(&format!("Who signs ({})", names.join(", ")), SIGNER)
    }

    /// Ends the run before its last step, after a question.
    pub(super) fn abandon(&mut self, ctx: &Ctx<'_>) -> Want {
        let Some(run) = self.run.as_ref().filter(|_| !self.ended(ctx)) else { return Want::Pass };
        let open = run.steps.iter().filter(|s| s.answer.is_none()).count();
        let question = format!(
            "End the run \"{}\" now? {open} of {} steps stay unanswered and the task stays to be done. The answers given so \
             far are kept in the record.",
            run.title,
            run.steps.len()
        );
        Want::Confirm { question, then: IntentKind::AbandonRun { run: run.run } }
    }

    /// What was typed after one of the questions about signing, handing over and guides.
    pub(super) fn take_other(&mut self, tag: &'static str, text: Option<&str>, ctx: &Ctx<'_>) -> Want {
        let Some(text) = text.map(str::trim) else {
            self.signing = None;
            return Want::Nothing;
        };
        match tag {
            SIGNER => {
                let known = ctx.board.upkeep.people.iter().find(|p| *p.id == *text);
                let (Some(signing), Some(person)) = (&mut self.signing, known) else {
                    self.signing = None;
                    return Want::Say(format!("Not signed: nobody is called \"{text}\" here."));
                };
                signing.person = Some(person.id.clone());
                ask(&format!("PIN of {}", person.name), PIN)
            }
            PIN => match self.signing.take() {
                Some(Signing { what, person: Some(person) }) if !text.is_empty() => {
                    Want::Send(IntentKind::Sign { person, pin: Pin(text.to_owned().into()), what })
                }
                _ => Want::Say("Not signed: no PIN was given.".into()),
            },
            HAND_OVER => match self.run.as_ref() {
                Some(run) if !text.is_empty() => Want::Send(IntentKind::HandOver { run: run.run, to: text.into() }),
                _ => Want::Say("Not handed over: a name is needed.".into()),
            },
            SUBJECT => {
                let rows = self.rows(ctx);
                let Some(task) = rows.get(self.cursor.at()).map(|t| t.id.clone()) else { return Want::Nothing };
                let subject = (!text.is_empty()).then(|| Arc::from(text));
                self.begin(task, subject, None, ctx)
            }
            _ => Want::Pass,
        }
    }

    pub(super) fn take_answer(&mut self, tag: &'static str, text: Option<&str>, ctx: &Ctx<'_>) -> Want {
        let Some(text) = text.map(str::trim) else { return Want::Nothing };
        let outcome = match tag {
            FINDING => Outcome::Failed,
            NOTE | NUMBER => Outcome::Passed,
            _ => Outcome::Skipped,
        };
        if text.is_empty() {
            return Want::Say(
                match tag {
                    FINDING => "Not recorded: say what was found.",
                    NUMBER => "Not recorded: a number is needed. x skips the step with a reason.",
                    NOTE => "Not recorded: there is nothing to write down. x skips the step with a reason.",
                    _ => "Not skipped: a reason is needed.",
                }
                .into(),
            );
        }
        self.answer(Answer { outcome, evidence: vec![text.to_owned()] }, ctx)
    }

    fn answer(&mut self, answer: Answer, ctx: &Ctx<'_>) -> Want {
        if self.busy(ctx) {
            return Want::Say("The last answer is still being written to the disk.".into());
        }
        if self.ended(ctx) {
            return Want::Say("This run has ended.".into());
        }
        let Some((run, step)) = self.step() else { return Want::Nothing };
        let (run, step) = (run.run, step.def.id.clone());
        self.sent = Some(Sent::Answer(run, step.clone(), ctx.now.mono));
        self.choice = 0;
        Want::Send(IntentKind::AnswerStep { run, step, answer })
    }
}

/// How old the board is, when it is too old to vouch for a check.
pub(super) fn old(ctx: &Ctx<'_>) -> Option<Duration> {
    let age = ctx.now.mono.since(ctx.board.at.mono);
    (age > FRESH).then_some(age)
}

/// What a guide is about, where it is about one of several.
fn about(guide: &str) -> Option<&'static str> {
    match guide {
        "guide-camera" => Some("camera"),
        "guide-plc" => Some("PLC"),
        _ => None,
    }
}

pub(super) fn ask(title: &str, tag: &'static str) -> Want {
    Want::Prompt { title: title.into(), initial: String::new(), tag }
}
