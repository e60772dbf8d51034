//! When a task is due: calendar periods in the site's zone, and what the last time it was done means in them.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

use crate::model::upkeep::{Cadence, Due};

/// A calendar period: from its first moment up to, not including, the first of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

impl Period {
    /// Whether the moment lies in it.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// The period that this moment lies in: the local day, the week from Monday to Sunday, the month or the quarter.
#[must_use]
pub fn period(cadence: Cadence, at: Timestamp, zone: &TimeZone) -> Period {
    let day = at.to_zoned(zone.clone()).date();
    let (first, length) = match cadence {
        Cadence::Daily | Cadence::Event => (day, 1.day()),
        Cadence::Weekly => (monday_of(day), 1.week()),
        Cadence::Monthly => (day.first_of_month(), 1.month()),
        Cadence::Quarterly => (quarter_of(day), 3.months()),
    };
    Period { start: midnight(first, zone, at), end: midnight(later(first, length), zone, at) }
}

fn monday_of(day: Date) -> Date {
    let back = day.weekday().since(Weekday::Monday);
    day.checked_sub(i64::from(back).days()).unwrap_or(day)
}

fn quarter_of(day: Date) -> Date {
    let month = (day.month() - 1) / 3 * 3 + 1;
    Date::new(day.year(), month, 1).unwrap_or(day)
}

/// Saturates at the end of the calendar (the year 9999).
fn later(day: Date, length: Span) -> Date {
    day.checked_add(length).unwrap_or(Date::MAX)
}

/// The first moment of a local day; where clocks skip midnight, the day begins when they land.
fn midnight(day: Date, zone: &TimeZone, otherwise: Timestamp) -> Timestamp {
    day.to_zoned(zone.clone()).map_or(otherwise, |z| z.timestamp())
}

/// Whether a task is to be done, and by when. A task that was never done is due in the period in which the
/// installation began, and overdue after it.
#[must_use]
pub fn due(
    cadence: Cadence,
    last_done: Option<Timestamp>,
    installed: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
) -> (Due, Timestamp) {
    let current = period(cadence, now, zone);
    let state = match last_done {
        // Also when it lies in the future, which only a clock that was set back can bring about.
        Some(done) if done >= current.start => Due::Done,
        Some(done) if period(cadence, done, zone).end >= current.start => Due::Due,
        None if installed >= current.start => Due::Due,
        _ => Due::Overdue,
    };
    (state, current.end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn local(text: &str, zone: &TimeZone) -> Timestamp {
        text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp()
    }

    fn bounds(cadence: Cadence, at: &str, zone: &TimeZone) -> (String, String) {
        let p = period(cadence, local(at, zone), zone);
        let word = |t: Timestamp| t.to_zoned(zone.clone()).datetime().to_string();
        (word(p.start), word(p.end))
    }

    #[test]
    fn periods_of_the_calendar() {
        let z = zone("Asia/Kolkata");
        for (cadence, at, start, end) in [
            (Cadence::Daily, "2026-11-23T23:59:59", "2026-11-23T00:00:00", "2026-11-24T00:00:00"),
            (Cadence::Daily, "2026-11-24T00:00:00", "2026-11-24T00:00:00", "2026-11-25T00:00:00"),
            (Cadence::Weekly, "2026-11-29T23:59:59", "2026-11-23T00:00:00", "2026-11-30T00:00:00"),
            (Cadence::Weekly, "2026-11-30T00:00:00", "2026-11-30T00:00:00", "2026-12-07T00:00:00"),
            (Cadence::Monthly, "2024-02-29T12:00:00", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
            (Cadence::Monthly, "2026-12-31T12:00:00", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
            (Cadence::Quarterly, "2026-11-23T12:00:00", "2026-10-01T00:00:00", "2027-01-01T00:00:00"),
            (Cadence::Quarterly, "2024-03-31T23:00:00", "2024-01-01T00:00:00", "2024-04-01T00:00:00"),
            (Cadence::Daily, "2024-02-28T12:00:00", "2024-02-28T00:00:00", "2024-02-29T00:00:00"),
        ] {
            assert_eq!(bounds(cadence, at, &z), (start.to_owned(), end.to_owned()), "{cadence:?} {at}");
        }
    }

    #[test]
    fn days_are_as_long_as_the_clocks_make_them() {
        let z = zone("Europe/Berlin");
        let hours = |at: &str| {
            let p = period(Cadence::Daily, local(at, &z), &z);
            p.end.duration_since(p.start).as_hours()
        };
        assert_eq!(hours("2026-03-29T12:00:00"), 23);
        assert_eq!(hours("2026-10-25T12:00:00"), 25);
        assert_eq!(hours("2026-11-23T12:00:00"), 24);
        // Clocks in Beirut skip midnight itself: the day begins at 01:00.
        let z = zone("Asia/Beirut");
        assert_eq!(bounds(Cadence::Daily, "2022-03-27T12:00:00", &z).0, "2022-03-27T01:00:00");
    }

    #[test]
    fn due_overdue_done() {
        let z = zone("Asia/Kolkata");
        let at = |t: &str| local(t, &z);
        let installed = at("2026-11-23T10:00:00");
        let daily = |done: Option<&str>, now: &str| due(Cadence::Daily, done.map(at), installed, at(now), &z).0;
        assert_eq!(daily(None, "2026-11-23T23:59:00"), Due::Due);
        assert_eq!(daily(None, "2026-11-24T00:00:00"), Due::Overdue);
        assert_eq!(daily(Some("2026-11-23T23:00:00"), "2026-11-23T23:59:59"), Due::Done);
        assert_eq!(daily(Some("2026-11-23T23:00:00"), "2026-11-24T00:00:00"), Due::Due);
        assert_eq!(daily(Some("2026-11-23T23:00:00"), "2026-11-25T00:00:00"), Due::Overdue);
        assert_eq!(daily(Some("2026-11-26T00:00:00"), "2026-11-25T00:00:00"), Due::Done, "the clock was set back");
        let weekly = |done: Option<&str>, now: &str| due(Cadence::Weekly, done.map(at), installed, at(now), &z).0;
        assert_eq!(weekly(None, "2026-11-29T23:59:59"), Due::Due);
        assert_eq!(weekly(None, "2026-11-30T00:00:00"), Due::Overdue);
        assert_eq!(due(Cadence::Weekly, None, installed, installed, &z).1, at("2026-11-30T00:00:00"));
    }

    fn cadence() -> impl Strategy<Value = Cadence> {
        prop::sample::select(vec![Cadence::Daily, Cadence::Weekly, Cadence::Monthly, Cadence::Quarterly])
    }

    proptest! {
        #[test]
        fn periods_follow_each_other_without_gap(
            second in 0i64..4_000_000_000, cadence in cadence(),
            name in prop::sample::select(vec!["Asia/Kolkata", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "UTC"])
        ) {
            let z = zone(name);
            let at = Timestamp::from_second(second).unwrap();
            let p = period(cadence, at, &z);
            prop_assert!(p.holds(at));
            let next = period(cadence, p.end, &z);
            prop_assert_eq!(next.start, p.end);
            prop_assert!(next.end > next.start);
        }

        #[test]
        fn a_task_only_gets_more_due_as_time_passes(
            done in 1_500_000_000i64..1_600_000_000, a in 0i64..20_000_000, b in 0i64..20_000_000, cadence in cadence()
        ) {
            let z = zone("Europe/Berlin");
            let t = |s| Timestamp::from_second(s).unwrap();
            let at = |s| due(cadence, Some(t(done)), t(done), t(done + s), &z).0;
            prop_assert!(at(a.max(b)) <= at(a.min(b)));
            prop_assert_eq!(at(0), Due::Done);
        }
    }
}
