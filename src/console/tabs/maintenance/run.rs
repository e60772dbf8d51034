//! What the answers to a run's steps are and when they may be given.

use std::time::Duration;

use super::state::{Maintenance, Sent};
use crate::console::view::{Ctx, Want};
use crate::model::intent::IntentKind;
use crate::model::upkeep::{Answer, Outcome, StepKind};

/// A check's answer must not be older than this to be accepted.
const FRESH: Duration = Duration::from_secs(10);

/// A finding is asked for.
pub(super) const FINDING: &str = "maintenance-finding";
/// A note is asked for.
pub(super) const NOTE: &str = "maintenance-note";
/// The reason of a skip is asked for.
pub(super) const REASON: &str = "maintenance-reason";

impl Maintenance {
    /// Begins a run of the selected task, or goes on with the open one.
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
        self.sent = Some(Sent::Start(task.id.clone(), ctx.now.mono));
        Want::Send(IntentKind::StartRun { task: task.id.clone() })
    }

    /// Enter within a run: the check's answer is accepted, a note is written; a person's own eyes need y or n.
    pub(super) fn accept(&mut self, ctx: &Ctx<'_>) -> Want {
        let Some((_, step)) = self.step() else { return Want::Nothing };
        match (&step.def.kind, &step.proposal) {
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
            (StepKind::Observe, _) => Want::Say("Look, then press y if it is in order or n if it is not.".into()),
            (_, _) => ask("What is to be written down", NOTE),
        }
    }

    /// `y`: a person has looked and it is in order.
    pub(super) fn in_order(&mut self, ctx: &Ctx<'_>) -> Want {
        match self.step().map(|(_, s)| s.def.kind.clone()) {
            Some(StepKind::Observe) => self.answer(Answer { outcome: Outcome::Passed, evidence: vec![] }, ctx),
            Some(StepKind::Check { .. }) => {
                Want::Say("The program answers this step itself: Enter accepts its answer.".into())
            }
            Some(_) => ask("What is to be written down", NOTE),
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

    pub(super) fn take_answer(&mut self, tag: &'static str, text: Option<&str>, ctx: &Ctx<'_>) -> Want {
        let Some(text) = text.map(str::trim) else { return Want::Nothing };
        let outcome = match tag {
            FINDING => Outcome::Failed,
            NOTE => Outcome::Passed,
            _ => Outcome::Skipped,
        };
        if text.is_empty() {
            return Want::Say(
                match tag {
                    FINDING => "Not recorded: say what was found.",
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
        Want::Send(IntentKind::AnswerStep { run, step, answer })
    }
}

/// How old the board is, when it is too old to vouch for a check.
pub(super) fn old(ctx: &Ctx<'_>) -> Option<Duration> {
    let age = ctx.now.mono.since(ctx.board.at.mono);
    (age > FRESH).then_some(age)
}

fn ask(title: &str, tag: &'static str) -> Want {
    Want::Prompt { title: title.into(), initial: String::new(), tag }
}
