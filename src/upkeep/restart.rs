//! When the computer is restarted: announced ahead, held while something urgent goes on, given up when that lasts. Pure.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::alarm::Priority;
use crate::model::board::Board;
use crate::model::startup::PlannedRestart;
use crate::model::timetable::Timetable;

/// How long an urgent matter is waited for; then the restart is left to the next time.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);
/// Notice of a restart that a person asked for.
const BY_HAND: SignedDuration = SignedDuration::from_mins(1);

/// By which rules.
#[derive(Clone, Debug)]
pub struct Rules {
    /// When it comes by itself.
    pub timetable: Timetable,
    /// The site's time zone.
    pub zone: TimeZone,
    /// How long ahead it is announced.
    pub notice: SignedDuration,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Nothing,
    /// Tell everybody.
    Announce(String),
    /// Its time has come, and something is in the way.
    Hold(String),
    /// Not this time.
    GiveUp(String),
    /// Now.
    Go(String),
}

/// The plan, stepped once a second.
#[derive(Clone, Debug, Default)]
pub struct Restart {
    planned: Option<PlannedRestart>,
}

impl Restart {
    /// What is planned.
    #[must_use]
    pub fn planned(&self) -> Option<&PlannedRestart> {
        self.planned.as_ref()
    }

    /// Decides. `asked`: who asked for one just now; `urgent`: what is in the way.
    pub fn step(&mut self, rules: &Rules, now: Timestamp, asked: Option<Arc<str>>, urgent: Option<String>) -> Step {
        let Some(plan) = &mut self.planned else { return self.plan(rules, now, asked) };
        let late = now.duration_since(plan.at);
        if late.is_negative() {
            return Step::Nothing;
        }
        if late >= PATIENCE {
            let why = plan.held.take().unwrap_or_else(|| "the clock was set".into());
            self.planned = None;
            return Step::GiveUp(format!("the planned restart is left out this time: {why}"));
        }
        match urgent {
            Some(why) if plan.held.is_none() => {
                plan.held = Some(why.as_str().into());
                Step::Hold(format!("the planned restart waits, at most {} min: {why}", PATIENCE.as_mins()))
            }
            Some(_) => Step::Nothing,
            None => {
                let who = Arc::clone(&plan.who);
                self.planned = None;
                Step::Go(format!("the computer is restarted as planned, asked for by {who}"))
            }
        }
    }

    fn plan(&mut self, rules: &Rules, now: Timestamp, asked: Option<Arc<str>>) -> Step {
        let (at, who) = if let Some(who) = asked {
            (now.checked_add(BY_HAND).ok(), who)
        } else {
            let next = rules.timetable.next(&rules.zone, now);
            (next.filter(|t| t.duration_since(now) <= rules.notice), "vms".into())
        };
        let Some(at) = at else { return Step::Nothing };
        let time = at.to_zoned(rules.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let text = format!(
            "the computer will be restarted at {time}, asked for by {who}; nothing is measured for some minutes"
        );
        self.planned = Some(PlannedRestart { at, time: time.into(), who, held: None });
        Step::Announce(text)
    }
}

/// What must not be broken off by a restart.
#[must_use]
pub fn urgent(board: &Board) -> Option<String> {
    let worst =
        board.alarms.iter().filter(|a| a.state.active() && a.priority >= Priority::High).max_by_key(|a| a.priority);
    if let Some(a) = worst {
        return Some(format!("the alarm {} ({}) is active: {}", a.id, a.priority.word(), a.text));
    }
    let job = board.database.job.as_ref()?;
    Some(format!("{} of the database is running", job.job.title()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn rules(table: &str) -> Rules {
        let timetable = Timetable::parse(table).unwrap();
        Rules { timetable, zone: TimeZone::UTC, notice: SignedDuration::from_mins(15) }
    }

    #[test]
    fn announced_ahead_and_done_once_a_week() {
        let (mut r, rules) = (Restart::default(), rules("sunday 03:00"));
        assert_eq!(r.step(&rules, at("2026-11-29T02:44:00Z"), None, None), Step::Nothing);
        let step = r.step(&rules, at("2026-11-29T02:46:00Z"), None, None);
        assert!(matches!(&step, Step::Announce(t) if t.contains("2026-11-29 03:00")), "{step:?}");
        assert_eq!(r.step(&rules, at("2026-11-29T02:47:00Z"), None, None), Step::Nothing, "announced once");
        assert!(matches!(r.step(&rules, at("2026-11-29T03:00:00Z"), None, None), Step::Go(_)));
        assert_eq!(r.planned(), None);
        assert_eq!(
            Restart::default().step(&rules, at("2026-11-29T03:01:00Z"), None, None),
            Step::Nothing,
            "and not again"
        );
    }

    #[test]
    fn never_while_something_urgent_goes_on() {
        let (mut r, rules) = (Restart::default(), rules("daily 03:00"));
        let busy = || Some("the alarm x is active".to_owned());
        r.step(&rules, at("2026-11-29T02:50:00Z"), None, busy());
        assert!(matches!(r.step(&rules, at("2026-11-29T03:00:00Z"), None, busy()), Step::Hold(_)));
        assert!(r.planned().is_some_and(|p| p.held.is_some()));
        assert_eq!(r.step(&rules, at("2026-11-29T03:30:00Z"), None, busy()), Step::Nothing);
        let mut again = r.clone();
        assert!(matches!(again.step(&rules, at("2026-11-29T03:31:00Z"), None, None), Step::Go(_)), "it is over: now");
        let step = r.step(&rules, at("2026-11-29T04:00:00Z"), None, busy());
        assert!(matches!(&step, Step::GiveUp(t) if t.contains("the alarm x is active")), "{step:?}");
        assert_eq!(r.step(&rules, at("2026-11-29T04:00:01Z"), None, None), Step::Nothing, "not until tomorrow");
    }

    #[test]
    fn a_clock_that_leaps_over_the_time_restarts_nothing() {
        let (mut r, rules) = (Restart::default(), rules("daily 03:00"));
        r.step(&rules, at("2026-11-29T02:50:00Z"), None, None);
        assert!(matches!(r.step(&rules, at("2026-12-05T12:00:00Z"), None, None), Step::GiveUp(_)));
    }

    #[test]
    fn by_hand_with_a_minute_s_notice_and_off_means_never() {
        let (mut r, rules) = (Restart::default(), rules("off"));
        assert_eq!(r.step(&rules, at("2026-11-29T03:00:00Z"), None, None), Step::Nothing);
        let step = r.step(&rules, at("2026-11-29T03:00:00Z"), Some("ann".into()), None);
        assert!(matches!(&step, Step::Announce(t) if t.contains("asked for by ann")), "{step:?}");
        assert_eq!(r.step(&rules, at("2026-11-29T03:00:59Z"), None, None), Step::Nothing);
        assert!(matches!(r.step(&rules, at("2026-11-29T03:01:00Z"), None, None), Step::Go(_)));
    }
}
