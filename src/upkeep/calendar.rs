//! The plan day by day: what was done on time in the months behind, what was not, and what is to be done in those ahead.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::catalogue::{Catalogue, TaskDef};
use super::compliance::{Kept, kept_in};
use super::due::{Period, deadline, period, with_grace};
use crate::model::upkeep::{Cadence, Counting, Due, PlannedDay, PlannedTask};

/// Whole months shown before the running one, and after it.
const MONTHS: i32 = 3;

/// The days on which something was or is to be done, ascending, from three months back to three ahead.
///
/// A task of the plan stands on the day of its deadline, done if it was done in that period; one that is counted from its last
/// time on the days on which it was done and on the next day it is due. What is only done when something asks for it stands
/// on the days on which it was done.
#[must_use]
pub fn calendar(
    catalogue: &Catalogue,
    kept: &Kept,
    installed: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
) -> Vec<PlannedDay> {
    let today = now.to_zoned(zone.clone()).date();
    let this_month = today.first_of_month();
    let month = |by: i32| this_month.checked_add(by.months()).unwrap_or(this_month);
    let span = Span { first: month(-MONTHS), end: month(MONTHS + 1), installed, now, zone };
    let mut days: BTreeMap<Date, Vec<PlannedTask>> = BTreeMap::new();
    for task in catalogue.tasks.iter().filter(|t| !t.guide) {
        let planned = task.cadence != Cadence::Event && task.rule.counting == Counting::Plan;
        let all = if planned { by_plan(task, kept, &span) } else { by_times(task, kept, &span) };
        for (at, state) in all {
            // A deadline at midnight belongs to the day that it ends.
            let deadline = planned || state != Due::Done;
            let inside = if deadline { at.checked_sub(1.second()).unwrap_or(at) } else { at };
            let day = inside.to_zoned(zone.clone()).date();
            if (span.first..span.end).contains(&day) {
                days.entry(day).or_default().push(PlannedTask { task: task.id.clone(), at, state });
            }
        }
    }
    days.into_iter().map(|(day, tasks)| PlannedDay { day, tasks: tasks.into() }).collect()
}

/// What is looked at.
struct Span<'z> {
    first: Date,
    end: Date,
    installed: Timestamp,
    now: Timestamp,
    zone: &'z TimeZone,
}

impl Span<'_> {
    fn start(&self) -> Timestamp {
        self.first.to_zoned(self.zone.clone()).map_or(self.now, |z| z.timestamp())
    }
}

/// Each period's deadline, and whether it was kept.
fn by_plan(task: &TaskDef, kept: &Kept, span: &Span<'_>) -> Vec<(Timestamp, Due)> {
    let mut all = Vec::new();
    let mut p = period(task.cadence, span.start().max(span.installed), span.zone);
    loop {
        let first = p.start.to_zoned(span.zone.clone()).date();
        if first >= span.end {
            return all;
        }
        let at = deadline(task.cadence, &task.rule, p, span.zone);
        all.push((at, state(task, kept, &p, at, span.now)));
        let next = period(task.cadence, p.end, span.zone);
        // The calendar's end; nothing comes after it.
        if next.start <= p.start {
            return all;
        }
        p = next;
    }
}

fn state(task: &TaskDef, kept: &Kept, p: &Period, deadline: Timestamp, now: Timestamp) -> Due {
    match kept_in(&task.id, p, kept) {
        Due::Overdue if now < with_grace(deadline, &task.rule) => Due::Due,
        kept => kept,
    }
}

/// The times that it was done, and the next one.
fn by_times(task: &TaskDef, kept: &Kept, span: &Span<'_>) -> Vec<(Timestamp, Due)> {
    let start = span.start();
    let done = kept.done.get(&task.id).map_or(&[][..], Vec::as_slice);
    let recent = done.get(done.partition_point(|t| *t < start)..).unwrap_or_default();
    let mut all: Vec<_> = recent.iter().map(|t| (*t, Due::Done)).collect();
    if task.cadence != Cadence::Event {
        let past = super::due::Past { last_done: done.last().copied(), ..Default::default() };
        let (state, until) = super::due::due(task.cadence, &task.rule, &past, span.installed, span.now, span.zone);
        all.push((until, if state == Due::Overdue { Due::Overdue } else { Due::Due }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A catalogue of four tasks of one step; the daily one may have more keys.
    fn catalogue(daily: &str) -> Catalogue {
        let task = |id: &str, row: &str, cadence: &str, more: &str| {
            let step = "id = \"s\"\ntitle = \"S\"\nwhy = \"w\"\nhow = \"h\"\nkind = \"observe\"\n";
            format!(
                "[[task]]\nid = \"{id}\"\nrow = \"{row}\"\ntitle = \"T\"\ncadence = \"{cadence}\"\n{more}\n[[task.step]]\n{step}"
            )
        };
        let all = [
            task("daily", "D1", "daily", &format!("by = \"14:00\"\n{daily}")),
            task("weekly", "W1", "weekly", ""),
            task("rolling", "M1", "monthly", "from = \"completion\""),
            task("event", "R2", "event", ""),
        ];
        Catalogue::parse("t", &all.concat()).unwrap()
    }

    fn of<'d>(days: &'d [PlannedDay], day: &str) -> Vec<(&'d str, Due)> {
        let day: Date = day.parse().unwrap();
        days.iter().find(|d| d.day == day).map_or(Vec::new(), |d| d.tasks.iter().map(|t| (&*t.task, t.state)).collect())
    }

    #[test]
    fn each_deadline_stands_on_its_day_with_what_became_of_it() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let t = |s: &str| s.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp();
        let catalogue = catalogue("");
        let mut kept = Kept::default();
        kept.done.insert("daily".into(), vec![t("2026-11-23T08:00:00"), t("2026-11-25T08:00:00")]);
        kept.done.insert("rolling".into(), vec![t("2026-11-10T08:00:00")]);
        kept.done.insert("event".into(), vec![t("2026-11-24T08:00:00")]);
        kept.waived.insert("weekly".into(), vec![(t("2026-11-20T08:00:00"), t("2026-11-23T00:00:00"))]);
        let days = calendar(&catalogue, &kept, t("2026-11-18T09:00:00"), t("2026-11-25T10:00:00"), &zone);
        assert_eq!(of(&days, "2026-11-17"), [], "before the installation nothing was to be done");
        assert_eq!(of(&days, "2026-11-18"), [("daily", Due::Overdue)]);
        assert_eq!(of(&days, "2026-11-22"), [("daily", Due::Overdue), ("weekly", Due::Waived)]);
        assert_eq!(of(&days, "2026-11-23"), [("daily", Due::Done)]);
        assert_eq!(of(&days, "2026-11-24"), [("daily", Due::Overdue), ("event", Due::Done)]);
        assert_eq!(of(&days, "2026-11-25"), [("daily", Due::Done)]);
        assert_eq!(of(&days, "2026-11-26"), [("daily", Due::Due)]);
        assert_eq!(of(&days, "2026-11-29"), [("daily", Due::Due), ("weekly", Due::Due)]);
        assert_eq!(of(&days, "2026-11-10"), [("rolling", Due::Done)]);
        assert_eq!(of(&days, "2026-12-10"), [("daily", Due::Due), ("rolling", Due::Due)]);
        assert_eq!(days.last().map(|d| d.day.to_string()), Some("2027-02-28".into()));
        assert!(days.windows(2).all(|w| w[0].day < w[1].day));
    }

    #[test]
    fn within_the_time_of_grace_nothing_is_missed_yet() {
        let zone = TimeZone::UTC;
        let catalogue = catalogue("grace = \"2h\"");
        let t = |s: &str| s.parse::<Timestamp>().unwrap();
        let at = |now: &str| {
            let days = calendar(&catalogue, &Kept::default(), t("2026-11-25T09:00:00Z"), t(now), &zone);
            of(&days, "2026-11-25")[0].1
        };
        assert_eq!([at("2026-11-25T15:59:00Z"), at("2026-11-25T16:00:00Z")], [Due::Due, Due::Overdue]);
    }
}
