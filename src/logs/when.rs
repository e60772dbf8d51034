//! When a line was written, by the time at its front: RFC 3339 and its relatives, PostgreSQL, nginx, syslog, JSON.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

/// A time is looked for in this many first bytes.
const FRONT: usize = 48;
/// In a JSON record it may stand further back.
const JSON_FRONT: usize = 400;

/// Whether a time stands at the front of the line.
#[must_use]
pub fn stamped(line: &[u8]) -> bool {
    place(line).is_some() || syslog(line).is_some()
}

/// When the line was written; a time without a zone is taken in `zone`, a syslog date in the year that puts it nearest before `now`.
#[must_use]
pub fn when(line: &[u8], zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    if let Some(at) = place(line) {
        return full(line, at, zone);
    }
    let (month, day, h, m, s) = syslog(line)?;
    let this = now.to_zoned(zone.clone()).year();
    let at = |year: i16| {
        let date = Date::new(year, month, day).ok()?;
        date.at(h, m, s, 0).to_zoned(zone.clone()).ok().map(|z| z.timestamp())
    };
    // A day of grace for clocks that run ahead.
    at(this).filter(|t| t.as_second() <= now.as_second() + 86_400).or_else(|| at(this - 1))
}

fn number(bytes: &[u8]) -> Option<i16> {
    bytes
        .iter()
        .try_fold(0i16, |n, b| b.is_ascii_digit().then(|| n.checked_mul(10)?.checked_add(i16::from(b - b'0')))?)
}

fn two(line: &[u8], at: usize) -> Option<i8> {
    number(line.get(at..at + 2)?).and_then(|n| i8::try_from(n).ok())
}

/// Where `dddd-dd-ddTdd:dd:dd` begins.
fn place(line: &[u8]) -> Option<usize> {
    let front = if line.first() == Some(&b'{') { JSON_FRONT } else { FRONT };
    let line = &line[..line.len().min(front + 19)];
    // Found by its colons: few lines have them without being a time.
    let mut from = 13;
    while let Some(colon) = line.get(from..).and_then(|rest| memchr::memchr(b':', rest)) {
        let at = from + colon - 13;
        if is_time(&line[at..]) {
            return Some(at);
        }
        from += colon + 1;
    }
    None
}

fn is_time(t: &[u8]) -> bool {
    const FORM: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    t.len() >= FORM.len()
        && t.iter().zip(FORM).all(|(b, f)| match f {
            b'd' => b.is_ascii_digit(),
            b'-' => matches!(b, b'-' | b'/' | b'.'),
            b'T' => matches!(b, b'T' | b't' | b' ' | b'_'),
            f => b == f,
        })
}

fn full(line: &[u8], at: usize, zone: &TimeZone) -> Option<Timestamp> {
    let t = &line[at..];
    let date = Date::new(number(&t[..4])?, two(t, 5)?, two(t, 8)?).ok()?;
    let (h, m, s) = (two(t, 11)?, two(t, 14)?, two(t, 17)?.min(59));
    let (nanos, used) = fraction(&t[19..]);
    let local = date.at(h, m, s, 0).with().subsec_nanosecond(nanos).build().ok()?;
    zoned(local, &t[19 + used..], zone)
}

fn fraction(t: &[u8]) -> (i32, usize) {
    if !matches!(t.first(), Some(b'.' | b',')) {
        return (0, 0);
    }
    let digits = t[1..].iter().take(9).take_while(|b| b.is_ascii_digit()).count();
    let value = t[1..=digits].iter().fold(0i32, |n, b| n * 10 + i32::from(b - b'0'));
    (value * 10i32.pow(9 - digits as u32), if digits == 0 { 0 } else { digits + 1 })
}

fn zoned(local: DateTime, rest: &[u8], zone: &TimeZone) -> Option<Timestamp> {
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let fixed = match rest.first() {
        Some(b'Z' | b'z') => Some(Offset::UTC),
        Some(b'U') if rest.starts_with(b"UTC") => Some(Offset::UTC),
        Some(b'G') if rest.starts_with(b"GMT") => Some(Offset::UTC),
        Some(sign @ (b'+' | b'-')) => {
            offset(rest).and_then(|s| Offset::from_seconds(if *sign == b'-' { -s } else { s }).ok())
        }
        _ => None,
    };
    match fixed {
        Some(offset) => offset.to_timestamp(local).ok(),
        None => local.to_zoned(zone.clone()).ok().map(|z| z.timestamp()),
    }
}

/// `+05:30`, `+0530`, `+05`: seconds without the sign.
fn offset(t: &[u8]) -> Option<i32> {
    let hours = i32::from(two(t, 1)?);
    let minutes = two(t, if t.get(3) == Some(&b':') { 4 } else { 3 }).map_or(0, i32::from);
    (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)
}

/// `Nov 23 22:41:07` (RFC 3164).
fn syslog(line: &[u8]) -> Option<(i8, i8, i8, i8, i8)> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let t = line.get(..15)?;
    let month = MONTHS.iter().position(|m| t.starts_with(*m))? as i8 + 1;
    if t[3] != b' ' || t[6] != b' ' || t[9] != b':' || t[12] != b':' {
        return None;
    }
    let day = if t[4] == b' ' { i8::try_from(number(&t[5..6])?).ok()? } else { two(t, 4)? };
    Some((month, day, two(t, 7)?, two(t, 10)?, two(t, 13)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(line: &str) -> Option<String> {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let now: Timestamp = "2026-11-24T00:00:00Z".parse().unwrap();
        when(line.as_bytes(), &zone, now).map(|t| t.to_string())
    }

    #[test]
    fn known_formats() {
        for (line, want) in [
            ("2026-11-23T22:41:07.250Z  INFO x", Some("2026-11-23T22:41:07.25Z")),
            ("2026-11-23 22:41:07.123 IST [812] LOG:  x", Some("2026-11-23T17:11:07.123Z")),
            ("2026-11-23 22:41:07 UTC [812] LOG:  x", Some("2026-11-23T22:41:07Z")),
            ("[2026-11-23 22:41:07,5+05:30] x", Some("2026-11-23T17:11:07.5Z")),
            ("2026/11/23 10:00:00 [error] 12#0: x", Some("2026-11-23T04:30:00Z")),
            ("{\"level\":\"info\",\"time\":\"2026-11-23T22:41:07Z\"}", Some("2026-11-23T22:41:07Z")),
            ("Nov 23 22:41:07 host app: x", Some("2026-11-23T17:11:07Z")),
            ("Dec  3 22:41:07 host app: x", Some("2025-12-03T17:11:07Z")),
            ("2026-13-23T22:41:07Z no such month", None),
            ("no time", None),
            ("", None),
        ] {
            assert_eq!(read(line).as_deref(), want, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = when(&line, &TimeZone::UTC, Timestamp::UNIX_EPOCH);
        }

        #[test]
        fn what_is_written_is_read(s in 0i64..4_000_000_000, front in "[a-z \\[]{0,20}") {
            let t = Timestamp::from_second(s).unwrap();
            prop_assert_eq!(when(format!("{front}{t} rest").as_bytes(), &TimeZone::UTC, t), Some(t));
        }
    }
}
