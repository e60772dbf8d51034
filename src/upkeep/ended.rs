//! How the run before this one ended: told from the sign of life that it left, and from whether the computer was restarted since.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::text::age;

/// The sign of life that a running engine keeps in its data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alive {
    /// When it was written.
    pub at: Timestamp,
    /// The computer's start that it belongs to; none where the system does not tell.
    pub boot: Option<String>,
    /// Why the engine ended, when it ended in order.
    #[serde(default)]
    pub ended: Option<String>,
    /// Who asked for the restart that it ended for.
    #[serde(default)]
    pub restart: Option<String>,
}

/// How the run before ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// In words.
    pub text: String,
    /// Whether it is worth an entry in the record: it ended without order, or the computer was restarted.
    pub notable: bool,
    /// Whether it ended without order, or a planned restart failed.
    pub bad: bool,
}

/// Tells it.
#[must_use]
pub fn ended(before: &Alive, boot: Option<&str>, now: Timestamp) -> Ended {
    let down = now.duration_since(before.at);
    let down = Duration::try_from(down).map_or_else(|_| "an unknown time (the clock was put back)".into(), age);
    let restarted = before.boot.as_deref().zip(boot).map(|(a, b)| a != b);
    let made = |text: String, notable, bad| Ended { text, notable, bad };
    match (&before.ended, &before.restart, restarted) {
        (Some(_), Some(who), Some(true)) => made(
            format!("planned restart of the computer, asked for by {who}: the program was back after {down}"),
            true,
            false,
        ),
        (Some(_), Some(who), Some(false)) => made(
            format!(
                "the planned restart, asked for by {who}, did not happen: the computer was not restarted; the program was down for \
                 {down}; check maintenance.reboot_command and the rights of the program's user"
            ),
            true,
            true,
        ),
        (Some(reason), _, Some(true)) => made(
            format!("the computer was restarted after the program ended in order ({reason}); down for {down}"),
            true,
            false,
        ),
        (Some(reason), _, _) => {
            made(format!("the run before ended in order ({reason}); down for {down}"), false, false)
        }
        (None, _, Some(true)) => made(
            format!(
                "the computer stopped without order (power loss or reset), last sign of life {}; the program was down for {down}",
                seconds(before.at)
            ),
            true,
            true,
        ),
        (None, _, _) => made(
            format!(
                "the program ended without order (killed, or a fault of its own), last sign of life {}; down for {down}",
                seconds(before.at)
            ),
            true,
            true,
        ),
    }
}

/// To the second: it is written every few seconds only.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alive(ended: Option<&str>, restart: Option<&str>) -> Alive {
        Alive {
            at: "2026-11-29T03:00:00.5Z".parse().unwrap(),
            boot: Some("a".into()),
            ended: ended.map(Into::into),
            restart: restart.map(Into::into),
        }
    }

    fn told(before: &Alive, boot: Option<&str>) -> (String, bool) {
        let e = ended(before, boot, "2026-11-29T03:02:00.5Z".parse().unwrap());
        assert!(e.notable || !e.bad);
        (e.text, e.bad)
    }

    #[test]
    fn power_loss_crash_and_order_are_told_apart() {
        let (text, bad) = told(&alive(None, None), Some("b"));
        assert!(
            bad && text.contains("power loss") && text.contains("2026-11-29T03:00:00Z") && text.contains("2 min"),
            "{text}"
        );
        let (text, bad) = told(&alive(None, None), Some("a"));
        assert!(bad && text.contains("killed"), "{text}");
        assert!(
            told(&alive(None, None), None).0.contains("killed"),
            "without the system's word it is not called power loss"
        );
        let (text, bad) = told(&alive(Some("signal SIGTERM"), None), Some("b"));
        assert!(!bad && text.contains("the computer was restarted") && text.contains("SIGTERM"), "{text}");
        assert!(!told(&alive(Some("by ann"), None), Some("a")).1);
    }

    #[test]
    fn a_planned_restart_that_did_not_happen_is_told() {
        assert!(!told(&alive(Some("planned"), Some("vms")), Some("b")).1);
        let (text, bad) = told(&alive(Some("planned"), Some("vms")), Some("a"));
        assert!(bad && text.contains("did not happen") && text.contains("reboot_command"), "{text}");
    }
}
