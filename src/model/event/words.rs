//! What an event says, in one line.

use super::EventKind;
use crate::base::text::{plus_minus, sig3};
use crate::model::upkeep::Outcome;

impl EventKind {
    /// The event in one line, for lists; what it is about stands in [`EventKind::subject`].
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::EngineStarted { version, pid } => format!("version {version}, process {pid}"),
            Self::EngineStopped { reason } | Self::TerminalLost { reason } => reason.to_string(),
            Self::Camera { state, text, .. } => joined(state.word(), text),
            Self::Plc { state, text, .. } => joined(state.word(), text),
            Self::AlarmRaised { priority, text, .. } => format!("{}: {text}", priority.word()),
            Self::AlarmReturned { value, .. } => match value {
                Some(_) => format!("returned at {}", sig3(*value)),
                None => "returned".into(),
            },
            Self::AlarmAcknowledged { who, why, .. } => match why {
                Some(why) => format!("by {who}: {why}"),
                None => format!("by {who}"),
            },
            Self::RunStarted { task, who, .. } => format!("{task} begun by {who}"),
            Self::StepAnswered { step, answer, who, .. } => {
                let evidence = answer.evidence.first().map_or_else(String::new, |e| format!(": {e}"));
                format!("{step} {} by {who}{evidence}", outcome(answer.outcome))
            }
            Self::StepBegun { step, who, .. } => format!("{step} begun, agreed to by {who}"),
            Self::StepReopened { step, who, .. } => format!("{step}: answer taken back by {who}"),
            Self::RunPaused { paused, who, .. } => {
                format!("{} by {who}", if *paused { "laid aside" } else { "taken up again" })
            }
            Self::RunHandedOver { to, who, .. } => format!("handed over to {to} by {who}"),
            Self::RecordCountersigned { signature, .. } => {
                format!("record counter-signed by {} ({})", signature.name, signature.role)
            }
            Self::RecordAddendum { addendum, .. } => format!("addendum by {}: {}", addendum.who, addendum.text),
            Self::TaskWaived { task, until, who, why } => format!("{task} waived by {who} until {until}: {why}"),
            Self::TaskCalled { task, why } => format!("{task} is called for: {why}"),
            Self::FollowUpClosed { step, who, text, .. } => format!("{step}: settled by {who}: {text}"),
            Self::RunFinished { task, who, passed, abandoned, .. } => {
                format!("{task} {} by {who}", ending(*passed, *abandoned))
            }
            Self::BaselineBegun { who, .. } => format!("to be learned anew, asked for by {who}"),
            Self::BaselineLearned { running, .. } => {
                format!("learned, machine {}", if *running { "running" } else { "standing" })
            }
            Self::ScaleMeasured { mm_per_px, sigma_mm_per_px, length_mm, who, .. } => format!(
                "{} mm/px from {} mm, by {who}",
                plus_minus(*mm_per_px, *sigma_mm_per_px),
                sig3(Some(*length_mm))
            ),
            Self::Compensation { which, on, who, .. } => {
                format!("{} compensation {} by {who}", which.word(), if *on { "on" } else { "off" })
            }
            Self::DatabaseCare { record } => {
                format!("{} by {}: {}", if record.passed { "done" } else { "not done" }, record.who, record.text)
            }
            Self::Dropped { what, count } => format!("{count} {what} lost because a queue was full"),
            Self::Note { text } => text.to_string(),
        }
    }
}

fn joined(state: &str, text: &str) -> String {
    if text.is_empty() { state.to_owned() } else { format!("{state}: {text}") }
}

/// The outcome of a step in a sentence.
#[must_use]
pub fn outcome(o: Outcome) -> &'static str {
    match o {
        Outcome::Passed => "in order",
        Outcome::Failed => "not in order",
        Outcome::Skipped => "left out",
        Outcome::Unknown => "unknown",
    }
}

/// How a maintenance run ended.
#[must_use]
pub fn ending(passed: bool, abandoned: bool) -> &'static str {
    match (passed, abandoned) {
        (_, true) => "abandoned",
        (true, false) => "passed",
        (false, false) => "not passed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_happened() {
        let ack = EventKind::AlarmAcknowledged { alarm: "a".into(), who: "kumar".into(), why: Some("known".into()) };
        assert_eq!(ack.words(), "by kumar: known");
        let back = EventKind::AlarmReturned { alarm: "a".into(), value: Some(4.25) };
        assert_eq!(back.words(), "returned at 4.25");
        assert_eq!(
            EventKind::Dropped { what: "facts".into(), count: 3 }.words(),
            "3 facts lost because a queue was full"
        );
    }
}
