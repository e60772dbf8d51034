//! When something is to be done again and again: a weekday, every day or a day of the month, at a time of the site's clock.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// The days on which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// Every day.
    Daily,
    /// One day of the week.
    Weekday(Weekday),
    /// One day of the month; the month's last day where it is shorter.
    OfMonth(i8),
}

/// When something is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timetable {
    /// Never by itself.
    #[default]
    Off,
    /// On these days at this time of the site's clock.
    On(Days, Time),
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

impl Timetable {
    /// Reads `sunday 03:00`, `daily 03:00`, `1 03:30` or `off`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_lowercase();
        if lower == "off" {
            return Ok(Self::Off);
        }
        let Some((day, time)) = lower.split_once(char::is_whitespace) else {
            return Err(format!("\"{text}\" is not a day and a time"));
        };
        let weekday = WEEKDAYS.iter().find(|(name, _)| *name == day).map(|(_, w)| Days::Weekday(*w));
        let of_month = day.parse().ok().filter(|d| (1..=31).contains(d)).map(Days::OfMonth);
        let daily = (day == "daily").then_some(Days::Daily);
        let days = weekday.or(of_month).or(daily).ok_or_else(|| format!("\"{day}\" is no day"))?;
        let clock =
            time.trim().split_once(':').and_then(|(h, m)| Time::new(h.parse().ok()?, m.parse().ok()?, 0, 0).ok());
        clock.map(|t| Self::On(days, t)).ok_or_else(|| format!("\"{}\" is no time of day", time.trim()))
    }

    /// As the configuration writes it.
    #[must_use]
    pub fn text(&self) -> String {
        let Self::On(days, t) = self else { return "off".into() };
        let day = match days {
            Days::Daily => "daily".to_owned(),
            Days::Weekday(w) => WEEKDAYS.iter().find(|(_, d)| d == w).map_or("", |(n, _)| n).to_owned(),
            Days::OfMonth(d) => d.to_string(),
        };
        format!("{day} {:02}:{:02}", t.hour(), t.minute())
    }

    /// The newest time at or before `now` at which it was to be done.
    #[must_use]
    pub fn last(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned(zone.clone()).date();
        // Two months back holds every rule at least once; the newest wins.
        (0..62).find_map(|back| self.on(today.checked_sub(back.days()).ok()?, zone).filter(|t| *t <= now))
    }

    /// The first time after `now` at which it is to be done.
    #[must_use]
    pub fn next(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned(zone.clone()).date();
        (0..62).find_map(|on| self.on(today.checked_add(on.days()).ok()?, zone).filter(|t| *t > now))
    }

    /// The moment on this day, if it is one of the days. A time that the clock leaps over is taken an hour later; one that
    /// comes twice is taken the first time.
    fn on(&self, date: Date, zone: &TimeZone) -> Option<Timestamp> {
        let Self::On(days, time) = self else { return None };
        let meant = match days {
            Days::Daily => true,
            Days::Weekday(w) => date.weekday() == *w,
            Days::OfMonth(d) => date.day() == (*d).min(date.days_in_month()),
        };
        if !meant {
            return None;
        }
        date.to_datetime(*time).to_zoned(zone.clone()).ok().map(|z| z.timestamp())
    }

    /// Whether it is due: a time has come since it was done last, or, if never, since `since`. What failed is tried again
    /// after `retry` and not before.
    #[must_use]
    pub fn due(
        &self,
        zone: &TimeZone,
        done: Option<Done>,
        since: Timestamp,
        retry: jiff::SignedDuration,
        now: Timestamp,
    ) -> bool {
        let Some(planned) = self.last(zone, now) else { return false };
        match done {
            None => planned >= since,
            Some(d) if d.at < planned => true,
            Some(d) => !d.passed && now.duration_since(d.at) >= retry,
        }
    }
}

/// When something was done last, and whether it went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// When.
    pub at: Timestamp,
    /// Whether it went well.
    pub passed: bool,
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const RETRY: SignedDuration = SignedDuration::from_hours(6);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn table(text: &str) -> Timetable {
        Timetable::parse(text).unwrap()
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    #[test]
    fn what_can_be_written_is_read_and_written_back() {
        for text in ["sunday 03:00", "daily 23:59", "1 03:30", "31 00:00", "off"] {
            assert_eq!(table(text).text(), text);
        }
        assert_eq!(table(" Sunday  3:05 ").text(), "sunday 03:05");
        for text in
            ["", "sunday", "03:00", "0 03:00", "32 03:00", "sunday 24:00", "sunday 3", "sunday 03:60", "-1 03:00"]
        {
            assert!(Timetable::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_site_s_clock_counts() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let t = table("sunday 03:00");
        // Wednesday 25 November 2026; Sunday 03:00 in India is Saturday 21:30 UTC.
        let now = at("2026-11-25T04:00:00Z");
        assert_eq!(t.last(&zone, now), Some(at("2026-11-21T21:30:00Z")));
        assert_eq!(t.next(&zone, now), Some(at("2026-11-28T21:30:00Z")));
        assert_eq!(table("31 03:30").last(&zone, now), Some(at("2026-10-30T22:00:00Z")));
        assert_eq!(table("31 03:30").next(&zone, now), Some(at("2026-11-29T22:00:00Z")), "November has 30 days");
        assert_eq!((Timetable::Off.last(&zone, now), Timetable::Off.next(&zone, now)), (None, None));
    }

    #[test]
    fn a_leap_of_the_clock_neither_skips_nor_doubles_a_run() {
        let zone = berlin();
        let t = table("sunday 02:30");
        // On 29 March 2026 the clock goes from 02:00 to 03:00: 02:30 is taken as 03:30 summer time.
        assert_eq!(t.last(&zone, at("2026-03-29T12:00:00Z")), Some(at("2026-03-29T01:30:00Z")));
        // On 25 October 2026 02:30 comes twice: the first counts.
        let first = at("2026-10-25T00:30:00Z");
        assert_eq!(t.last(&zone, at("2026-10-25T12:00:00Z")), Some(first));
        let done = Done { at: first, passed: true };
        assert!(!t.due(&zone, Some(done), first, RETRY, at("2026-10-25T01:31:00Z")), "not again an hour later");
    }

    #[test]
    fn what_was_missed_is_caught_up_once() {
        let (zone, t) = (berlin(), table("sunday 03:00"));
        let (installed, now) = (at("2026-11-01T12:00:00Z"), at("2026-11-25T04:00:00Z"));
        assert!(t.due(&zone, None, installed, RETRY, now), "never done");
        assert!(!t.due(&zone, None, at("2026-11-23T00:00:00Z"), RETRY, now), "no Sunday since it was installed");
        let done = |text: &str, passed| Some(Done { at: at(text), passed });
        assert!(
            t.due(&zone, done("2026-11-15T03:00:00Z", true), installed, RETRY, now),
            "the newest Sunday was missed"
        );
        assert!(!t.due(&zone, done("2026-11-22T02:00:00Z", true), installed, RETRY, now));
        assert!(t.due(&zone, done("2026-11-22T02:00:00Z", false), installed, RETRY, now), "it failed: again");
        assert!(!t.due(&zone, done("2026-11-25T01:00:00Z", false), installed, RETRY, now), "but not at once");
        assert!(!Timetable::Off.due(&zone, None, installed, RETRY, now));
    }
}
