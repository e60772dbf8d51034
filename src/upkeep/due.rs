//! When a task is due: calendar periods in the site's zone, and what the last time it was done means in them.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, ToSpan};

use crate::model::upkeep::{Cadence, Counting, Due, Rule};

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
    let first = match cadence {
        Cadence::Daily | Cadence::Event => day,
        Cadence::Weekly => monday_of(day),
        Cadence::Monthly => day.first_of_month(),
        Cadence::Quarterly => quarter_of(day),
    };
    Period { start: midnight(first, zone, at), end: midnight(later(first, length(cadence)), zone, at) }
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

/// What is known of a task's past.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past {
    /// When it was last done.
    pub last_done: Option<Timestamp>,
    /// Until when it is waived.
    pub waived_until: Option<Timestamp>,
    /// When it was last called for.
    pub called: Option<Timestamp>,
}

/// Whether a task is to be done, and by when; for an overdue one, since when. A task that was never done is due in the period in which the
/// installation began, and overdue after it.
#[must_use]
pub fn due(
    cadence: Cadence,
    rule: &Rule,
    past: &Past,
    installed: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
) -> (Due, Timestamp) {
    let (state, until) = match (cadence, rule.counting) {
        (Cadence::Event, _) => by_event(rule, past, now),
        (_, Counting::Plan) => by_plan(cadence, rule, past.last_done, installed, now, zone),
        (_, Counting::Completion) => by_completion(cadence, rule, past.last_done, installed, now, zone),
    };
    match past.waived_until {
        Some(end) if end > now && matches!(state, Due::Due | Due::Overdue) => (Due::Waived, end),
        _ => (state, until),
    }
}

fn by_plan(
    cadence: Cadence,
    rule: &Rule,
    last_done: Option<Timestamp>,
    installed: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
) -> (Due, Timestamp) {
    let current = period(cadence, now, zone);
    let until = deadline(cadence, rule, current, zone);
    let missed = before(cadence, rule, current, zone);
    match last_done {
        // Also when it lies in the future, which only a clock that was set back can bring about.
        Some(done) if done >= current.start => (Due::Done, until),
        _ if now >= with_grace(until, rule) => (Due::Overdue, until),
        // The time of grace of the period before reaches into this one.
        _ if now < with_grace(missed, rule) => (Due::Due, until),
        Some(done) if period(cadence, done, zone).end >= current.start => (Due::Due, until),
        None if installed >= current.start => (Due::Due, until),
        // Overdue since the deadline that passed.
        _ => (Due::Overdue, missed),
    }
}

/// The deadline of the period before.
fn before(cadence: Cadence, rule: &Rule, current: Period, zone: &TimeZone) -> Timestamp {
    let inside = current.start.checked_sub(SignedDuration::from_secs(1)).unwrap_or(current.start);
    deadline(cadence, rule, period(cadence, inside, zone), zone)
}

/// The moment in a period at which a task is due.
pub(super) fn deadline(cadence: Cadence, rule: &Rule, p: Period, zone: &TimeZone) -> Timestamp {
    let first = p.start.to_zoned(zone.clone()).date();
    let within = matches!(cadence, Cadence::Weekly | Cadence::Monthly | Cadence::Quarterly);
    let day = if let Some(day) = rule.day.filter(|_| within) {
        later(first, i64::from(day.saturating_sub(1)).days())
    } else {
        let last = p.end.to_zoned(zone.clone()).date();
        last.checked_sub(1.day()).unwrap_or(last)
    };
    let end = match rule.minute {
        Some(minute) => {
            let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).unwrap_or(Time::MAX);
            day.at(time.hour(), time.minute(), 0, 0).to_zoned(zone.clone()).map_or(p.end, |z| z.timestamp())
        }
        None => midnight(later(day, 1.day()), zone, p.end),
    };
    end.min(p.end)
}

/// Counted from the last time: due on the local day on which the cadence has passed, overdue after it.
fn by_completion(
    cadence: Cadence,
    rule: &Rule,
    last_done: Option<Timestamp>,
    installed: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
) -> (Due, Timestamp) {
    let from = last_done.unwrap_or(installed).to_zoned(zone.clone()).date();
    let day = later(from, length(cadence));
    let until = match rule.minute {
        Some(m) => day.at((m / 60) as i8, (m % 60) as i8, 0, 0).to_zoned(zone.clone()).map_or(now, |z| z.timestamp()),
        None => midnight(later(day, 1.day()), zone, now),
    };
    let opens = midnight(day, zone, now);
    let state = match last_done {
        _ if now >= with_grace(until, rule) => Due::Overdue,
        Some(_) if now < opens => Due::Done,
        _ => Due::Due,
    };
    (state, until)
}

/// Called for and not done since.
fn by_event(rule: &Rule, past: &Past, now: Timestamp) -> (Due, Timestamp) {
    match past.called {
        Some(called) if past.last_done.is_none_or(|done| done < called) => {
            let until = called.checked_add(SignedDuration::from_hours(24 * 7)).unwrap_or(called);
            (if now >= with_grace(until, rule) { Due::Overdue } else { Due::Due }, until)
        }
        _ => (Due::AsNeeded, now),
    }
}

/// The moment from which it counts as overdue.
pub(super) fn with_grace(until: Timestamp, rule: &Rule) -> Timestamp {
    until.checked_add(SignedDuration::from_mins(i64::from(rule.grace_min))).unwrap_or(until)
}

fn length(cadence: Cadence) -> Span {
    match cadence {
        Cadence::Daily | Cadence::Event => 1.day(),
        Cadence::Weekly => 1.week(),
        Cadence::Monthly => 1.month(),
        Cadence::Quarterly => 3.months(),
    }
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
        let plain = Rule::default();
        let past = |done: Option<&str>| Past { last_done: done.map(at), ..Past::default() };
        let daily = |done: Option<&str>, now: &str| due(Cadence::Daily, &plain, &past(done), installed, at(now), &z).0;
        assert_eq!(daily(None, "2026-11-23T23:59:00"), Due::Due);
        assert_eq!(daily(None, "2026-11-24T00:00:00"), Due::Overdue);
        let late = due(Cadence::Daily, &plain, &past(None), installed, at("2026-11-26T08:00:00"), &z);
        assert_eq!(late, (Due::Overdue, at("2026-11-26T00:00:00")), "since the last deadline that passed");
        assert_eq!(daily(Some("2026-11-23T23:00:00"), "2026-11-23T23:59:59"), Due::Done);
        assert_eq!(daily(Some("2026-11-23T23:00:00"), "2026-11-24T00:00:00"), Due::Due);
        assert_eq!(daily(Some("2026-11-23T23:00:00"), "2026-11-25T00:00:00"), Due::Overdue);
        assert_eq!(daily(Some("2026-11-26T00:00:00"), "2026-11-25T00:00:00"), Due::Done, "the clock was set back");
        let weekly =
            |done: Option<&str>, now: &str| due(Cadence::Weekly, &plain, &past(done), installed, at(now), &z).0;
        assert_eq!(weekly(None, "2026-11-29T23:59:59"), Due::Due);
        assert_eq!(weekly(None, "2026-11-30T00:00:00"), Due::Overdue);
        assert_eq!(due(Cadence::Weekly, &plain, &past(None), installed, installed, &z).1, at("2026-11-30T00:00:00"));
    }

    #[test]
    fn days_times_grace_completion_waivers_and_calls() {
        let z = zone("Asia/Kolkata");
        let at = |t: &str| local(t, &z);
        let installed = at("2026-11-02T10:00:00");
        let done = |t: &str| Past { last_done: Some(at(t)), ..Past::default() };
        // Weekly, on Wednesday by 14:00, two hours of grace.
        let rule = Rule { day: Some(3), minute: Some(14 * 60), grace_min: 120, ..Rule::default() };
        let weekly = |past: &Past, now: &str| due(Cadence::Weekly, &rule, past, installed, at(now), &z);
        let last_week = done("2026-11-18T09:00:00");
        assert_eq!(weekly(&last_week, "2026-11-25T13:00:00"), (Due::Due, at("2026-11-25T14:00:00")));
        assert_eq!(weekly(&last_week, "2026-11-25T15:59:00").0, Due::Due);
        assert_eq!(weekly(&last_week, "2026-11-25T16:00:00").0, Due::Overdue);
        assert_eq!(weekly(&done("2026-11-24T09:00:00"), "2026-11-25T16:00:00").0, Due::Done);
        // Daily with grace into the next day.
        let late = Rule { grace_min: 240, ..Rule::default() };
        let daily = |past: &Past, now: &str| due(Cadence::Daily, &late, past, installed, at(now), &z).0;
        assert_eq!(daily(&done("2026-11-22T09:00:00"), "2026-11-24T03:59:00"), Due::Due);
        assert_eq!(daily(&done("2026-11-22T09:00:00"), "2026-11-24T04:00:00"), Due::Overdue);
        // From completion: a week after it was done, whatever the calendar week says.
        let rolling = Rule { counting: Counting::Completion, ..Rule::default() };
        let from = |past: &Past, now: &str| due(Cadence::Weekly, &rolling, past, installed, at(now), &z).0;
        let thursday = done("2026-11-19T09:00:00");
        assert_eq!(from(&thursday, "2026-11-25T23:59:00"), Due::Done);
        assert_eq!(from(&thursday, "2026-11-26T00:00:00"), Due::Due);
        assert_eq!(from(&thursday, "2026-11-27T00:00:00"), Due::Overdue);
        // A waiver ends by itself.
        let waived = Past { waived_until: Some(at("2026-11-26T00:00:00")), ..last_week };
        assert_eq!(weekly(&waived, "2026-11-25T20:00:00"), (Due::Waived, at("2026-11-26T00:00:00")));
        assert_eq!(weekly(&waived, "2026-11-26T00:00:00").0, Due::Overdue);
        // By event: only when called for.
        let event = |past: &Past, now: &str| due(Cadence::Event, &Rule::default(), past, installed, at(now), &z).0;
        assert_eq!(event(&Past::default(), "2026-11-25T20:00:00"), Due::AsNeeded);
        let called = Past { called: Some(at("2026-11-20T00:00:00")), ..done("2026-11-19T00:00:00") };
        assert_eq!(event(&called, "2026-11-25T20:00:00"), Due::Due);
        assert_eq!(event(&called, "2026-11-28T20:00:00"), Due::Overdue);
        assert_eq!(
            event(&Past { last_done: Some(at("2026-11-21T00:00:00")), ..called }, "2026-11-28T20:00:00"),
            Due::AsNeeded
        );
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
            let past = Past { last_done: Some(t(done)), ..Past::default() };
            let at = |s| due(cadence, &Rule::default(), &past, t(done), t(done + s), &z).0;
            prop_assert!(at(a.max(b)) <= at(a.min(b)));
            prop_assert_eq!(at(0), Due::Done);
        }
    }
}
