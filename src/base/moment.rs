//! Moments as people write them: RFC 3339, the site's date and time, or a duration back from now.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// What is said where a moment is not understood.
const FORMS: &str = "write 2026-11-23T22:41:07Z, 2026-11-23, \"2026-11-23 22:41\", 22:41, today, yesterday, or a \
                     duration back from now such as 2h, 7d, 30days";

/// The moment that a text means; dates and times of day are those of `zone`, durations count back from `now`.
pub fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let text = text.trim();
    let not = |why: &str| format!("\"{}\" is no moment{why}; {FORMS}", text.chars().take(40).collect::<String>());
    let local = |d: DateTime| d.to_zoned(zone.clone()).map(|z| z.timestamp()).map_err(|e| not(&format!(" ({e})")));
    let today = now.to_zoned(zone.clone()).date();
    match text.to_ascii_lowercase().as_str() {
        "now" => return Ok(now),
        "today" => return local(today.to_datetime(Time::midnight())),
        "yesterday" => {
            return local(today.yesterday().map_err(|e| not(&format!(" ({e})")))?.to_datetime(Time::midnight()));
        }
        _ => {}
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(date) = text.parse::<Date>()
        && !text.contains([':', 'T', 't'])
    {
        return local(date.to_datetime(Time::midnight()));
    }
    if text.contains('-')
        && let Ok(at) = text.parse::<DateTime>()
    {
        return local(at);
    }
    if text.contains(':')
        && let Ok(time) = text.parse::<Time>()
    {
        return local(today.to_datetime(time));
    }
    let back = humantime::parse_duration(text).map_err(|_| not(""))?;
    now.checked_sub(back).map_err(|_| not(" (it lies before the year -9999)"))
}

/// Beginning and end (exclusive): what was given, else all.
pub fn range(
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<(Option<Timestamp>, Option<Timestamp>), String> {
    let one = |what: &str, text: Option<&str>| {
        text.map(|t| moment(t, now, zone).map_err(|e| format!("{what}: {e}"))).transpose()
    };
    let (from, to) = (one("--from", from)?, one("--to", to)?);
    if let (Some(f), Some(t)) = (from, to)
        && f >= t
    {
        return Err(format!("--from ({f}) is not before --to ({t}); exchange them"));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kolkata() -> TimeZone {
        TimeZone::get("Asia/Kolkata").unwrap()
    }

    /// Monday 23 November 2026, 22:41:07 in India.
    fn now() -> Timestamp {
        Timestamp::from_second(1_795_453_867).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        moment(text, now(), &kolkata()).unwrap()
    }

    #[test]
    fn every_form_is_understood() {
        for (text, want) in [
            ("2026-11-23T17:11:07Z", "2026-11-23T17:11:07Z"),
            ("2026-11-23T22:41:07+05:30", "2026-11-23T17:11:07Z"),
            ("2026-11-23", "2026-11-22T18:30:00Z"),
            ("2026-11-23 22:41", "2026-11-23T17:11:00Z"),
            ("2026-11-23T22:41:07", "2026-11-23T17:11:07Z"),
            ("22:41", "2026-11-23T17:11:00Z"),
            ("today", "2026-11-22T18:30:00Z"),
            ("Yesterday", "2026-11-21T18:30:00Z"),
            ("2h", "2026-11-23T15:11:07Z"),
            ("7d", "2026-11-16T17:11:07Z"),
            ("30days", "2026-10-24T17:11:07Z"),
            ("1h 30m", "2026-11-23T15:41:07Z"),
            (" now ", "2026-11-23T17:11:07Z"),
        ] {
            assert_eq!(at(text).to_string(), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_told_with_what_would_be() {
        for text in ["", "soon", "2026-13-01", "25:00", "2 fortnights", "-", "2026-11", "🕰"] {
            let told = moment(text, now(), &kolkata()).unwrap_err();
            assert!(told.contains("no moment") && told.contains("2h"), "{text}: {told}");
        }
        let told = range(Some("1h"), Some("2h"), now(), &kolkata()).unwrap_err();
        assert!(told.contains("is not before"), "{told}");
        assert!(range(Some("x"), None, now(), &kolkata()).unwrap_err().starts_with("--from: "));
    }

    #[test]
    fn a_time_that_the_clock_change_leaves_out_is_still_a_moment() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let got = moment("2026-03-29 02:30", now(), &berlin).unwrap();
        assert_eq!(got.to_string(), "2026-03-29T01:30:00Z");
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = moment(&text, now(), &kolkata());
        }

        #[test]
        fn what_is_printed_is_understood_again(s in 0_i64..4_000_000_000) {
            let t = Timestamp::from_second(s).unwrap();
            prop_assert_eq!(at(&t.to_string()), t);
            let local = t.to_zoned(kolkata()).strftime("%F %T").to_string();
            prop_assert_eq!(at(&local), t);
        }

        #[test]
        fn durations_go_back(s in 0_u64..100_000_000) {
            let text = humantime::format_duration(std::time::Duration::from_secs(s)).to_string();
            prop_assert_eq!(at(&text), now() - std::time::Duration::from_secs(s));
        }
    }
}
