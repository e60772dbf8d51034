//! A time as a person types it: `02:15`, `yesterday 02:15`, `2026-11-23 02:15`, `2 h` (ago).

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// The moment meant; a time of day alone is the newest one that has been.
pub(super) fn read(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let text = text.trim().to_lowercase();
    let here = now.to_zoned(zone.clone());
    if let Ok(ago) = humantime::parse_duration(text.trim_end_matches(" ago").trim_start_matches('-')) {
        return now.checked_sub(ago).map_err(|e| e.to_string());
    }
    let (day, time) = match text.rsplit_once([' ', 't']) {
        None => (None, text.as_str()),
        Some(("today", time)) => (Some(here.date()), time),
        Some(("yesterday", time)) => (Some(before(here.date())?), time),
        Some((day, time)) => (Some(Date::strptime("%Y-%m-%d", day).map_err(|_| wrong(&text))?), time),
    };
    let time = Time::strptime("%H:%M:%S", time).or_else(|_| Time::strptime("%H:%M", time)).map_err(|_| wrong(&text))?;
    let at = |date: Date| {
        let local = DateTime::from_parts(date, time);
        local.to_zoned(zone.clone()).map(|z| z.timestamp()).map_err(|e| e.to_string())
    };
    if let Some(date) = day {
        return at(date);
    }
    let today = at(here.date())?;
    if today <= now { Ok(today) } else { at(before(here.date())?) }
}

fn before(date: Date) -> Result<Date, String> {
    date.checked_sub(1.day()).map_err(|e| e.to_string())
}

fn wrong(text: &str) -> String {
    format!("\"{text}\" is no time; write 02:15, yesterday 02:15, 2026-11-23 02:15 or 2h (ago)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_type_them() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let now: Timestamp = "2026-11-23T17:11:07Z".parse().unwrap();
        for (text, want) in [
            ("02:15", "2026-11-22T20:45:00Z"),
            ("22:41:06", "2026-11-23T17:11:06Z"),
            ("23:00", "2026-11-22T17:30:00Z"),
            ("yesterday 02:15", "2026-11-21T20:45:00Z"),
            ("2026-11-01 00:00", "2026-10-31T18:30:00Z"),
            ("2h", "2026-11-23T15:11:07Z"),
            ("10min ago", "2026-11-23T17:01:07Z"),
        ] {
            assert_eq!(read(text, now, &zone).map(|t| t.to_string()).as_deref(), Ok(want), "{text}");
        }
        for bad in ["", "25:00", "noon", "2026-13-01 00:00"] {
            assert!(read(bad, now, &zone).is_err(), "{bad}");
        }
    }
}
