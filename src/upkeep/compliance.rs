//! How well the plan was kept: for each cadence, in how many of the last complete periods each task was done.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::catalogue::{Catalogue, TaskDef};
use super::due::{Period, period};
use crate::model::upkeep::{Cadence, Compliance, Due};

/// How many periods back are looked at.
const BACK: [(Cadence, u32); 4] =
    [(Cadence::Daily, 30), (Cadence::Weekly, 12), (Cadence::Monthly, 12), (Cadence::Quarterly, 8)];

/// When tasks were done, and when they were called off: from, until. Times ascend.
#[derive(Debug, Default)]
pub struct Kept {
    /// Per task.
    pub done: BTreeMap<Arc<str>, Vec<Timestamp>>,
    /// Per task.
    pub waived: BTreeMap<Arc<str>, Vec<(Timestamp, Timestamp)>>,
}

/// How well the plan was kept up to now, since the installation began. The running period does not count yet.
#[must_use]
pub fn compliance(
    catalogue: &Catalogue,
    kept: &Kept,
    installed: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
) -> Vec<Compliance> {
    let of = |(cadence, back): (Cadence, u32)| {
        let mut sum = Compliance { cadence, periods: 0, done: 0, waived: 0, missed: 0 };
        let periods = past(cadence, back, installed, now, zone);
        sum.periods = periods.len() as u32;
        for task in catalogue.tasks.iter().filter(|t| t.cadence == cadence && !t.guide) {
            for p in &periods {
                add(&mut sum, task, p, kept);
            }
        }
        sum
    };
    BACK.into_iter().map(of).collect()
}

fn add(sum: &mut Compliance, task: &TaskDef, p: &Period, kept: &Kept) {
    match kept_in(&task.id, p, kept) {
        Due::Done => sum.done += 1,
        Due::Waived => sum.waived += 1,
        _ => sum.missed += 1,
    }
}

/// What became of a task in a period: done, waived, or neither.
pub(super) fn kept_in(task: &str, p: &Period, kept: &Kept) -> Due {
    let done = kept.done.get(task).is_some_and(|times| {
        let first = times.partition_point(|t| *t < p.start);
        times.get(first).is_some_and(|t| *t < p.end)
    });
    let waived =
        || kept.waived.get(task).is_some_and(|all| all.iter().any(|(from, until)| *from < p.end && *until >= p.end));
    match done {
        true => Due::Done,
        false if waived() => Due::Waived,
        false => Due::Overdue,
    }
}

/// The complete periods before the running one, newest first, that lie wholly after the installation.
fn past(cadence: Cadence, back: u32, installed: Timestamp, now: Timestamp, zone: &TimeZone) -> Vec<Period> {
    let mut all = Vec::new();
    let mut end = period(cadence, now, zone).start;
    for _ in 0..back {
        let Ok(inside) = end.checked_sub(jiff::SignedDuration::from_secs(1)) else { break };
        let p = period(cadence, inside, zone);
        if p.start < installed {
            break;
        }
        end = p.start;
        all.push(p);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASKS: &str = r#"
[[task]]
id = "a"
row = "D1"
title = "A"
cadence = "daily"
[[task.step]]
id = "s"
title = "S"
why = "w"
how = "h"
kind = "observe"
"#;

    #[test]
    fn complete_periods_count_and_the_running_one_does_not() {
        let catalogue = Catalogue::parse("t", TASKS).unwrap();
        let t = |s: &str| s.parse::<Timestamp>().unwrap();
        let mut kept = Kept::default();
        kept.done
            .insert("a".into(), vec![t("2026-11-20T08:00:00Z"), t("2026-11-22T08:00:00Z"), t("2026-11-24T08:00:00Z")]);
        kept.waived.insert("a".into(), vec![(t("2026-11-23T07:00:00Z"), t("2026-11-24T00:00:00Z"))]);
        let all = compliance(&catalogue, &kept, t("2026-11-20T00:00:00Z"), t("2026-11-24T10:00:00Z"), &TimeZone::UTC);
        // The 20th and 22nd done, the 21st missed, the 23rd waived, the 24th still running.
        assert_eq!(all[0], Compliance { cadence: Cadence::Daily, periods: 4, done: 2, waived: 1, missed: 1 });
        assert!((all[0].percent().unwrap() - 66.7).abs() < 0.1);
        assert_eq!(all[1].periods, 0, "no week is complete");
        assert_eq!(all[1].percent(), None);
    }
}
