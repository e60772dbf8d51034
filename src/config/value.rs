//! Single values: from TOML to a checked value, with a sentence where it is wrong. Nothing here sees a secret.

use std::sync::Arc;
use std::time::Duration;

use toml::de::{DeArray, DeValue};
use url::Url;

use super::fault::nearest;
use super::keys::{Kind, Range, number, span};
use super::tree::Val;
use crate::base::text;

/// Longest text that is taken.
const LONGEST_TEXT: usize = 200;
/// Longest path (`PATH_MAX` of Linux).
const LONGEST_PATH: usize = 4096;
/// Longest id.
const LONGEST_ID: usize = 64;
/// Smallest width and height of a region in pixels: below it there is too little texture to match.
const SMALLEST_ROI: i64 = 8;
/// Largest coordinate of a region in pixels.
const LARGEST_COORDINATE: i64 = 65_535;

/// Reads one value of a kind.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(kind: &Kind, v: &DeValue<'_>) -> Result<Val, String> {
    match *kind {
        Kind::Id => id(v),
        Kind::Text => words(v).map(Val::Text),
        Kind::Path => path(v).map(Val::Text),
        Kind::Address => address(v).map(Val::Text),
        Kind::Integer(range) => integer(v, range),
        Kind::Float(range) | Kind::NumberOr(range, _) => float(v, range),
        Kind::Bool => v.as_bool().map(Val::Bool).ok_or_else(|| what(v)),
        Kind::Duration(range) => duration(v, range),
        Kind::Size(range) => size(v, range),
        Kind::Choice(known) => choice(v, known),
        Kind::Rect => rect(v),
        Kind::PathList => list(v, path),
        Kind::AddressList => list(v, address),
        Kind::Url(schemes) => url(v, schemes),
        Kind::TimeZone => time_zone(v),
        Kind::Secret | Kind::Table(_) | Kind::Tables(_) => Err(what(v)),
    }
}

/// What a value is, for a sentence: `it is a whole number (8)`. Texts are cut; a secret never comes here.
#[must_use]
pub fn what(v: &DeValue<'_>) -> String {
    match v {
        DeValue::String(s) => format!("it is a text (\"{}\")", shorten(s)),
        DeValue::Integer(i) => format!("it is a whole number ({})", shorten(&i.to_string())),
        DeValue::Float(f) => format!("it is a number ({})", shorten(f.as_str())),
        DeValue::Boolean(b) => format!("it is {b}"),
        DeValue::Datetime(_) => "it is a date or time".into(),
        DeValue::Array(_) => "it is a list".into(),
        DeValue::Table(_) => "it is a table".into(),
    }
}

/// At most 40 characters, without control characters.
#[must_use]
pub fn shorten(s: &str) -> String {
    let mut out: String = s.chars().take(40).map(|c| if c.is_control() { '·' } else { c }).collect();
    if s.chars().nth(40).is_some() {
        out.push('…');
    }
    out
}

fn string<'v>(v: &'v DeValue<'_>) -> Result<&'v str, String> {
    v.as_str().ok_or_else(|| what(v))
}

fn words(v: &DeValue<'_>) -> Result<Arc<str>, String> {
    at_most(LONGEST_TEXT, v)
}

fn path(v: &DeValue<'_>) -> Result<Arc<str>, String> {
    at_most(LONGEST_PATH, v)
}

fn at_most(longest: usize, v: &DeValue<'_>) -> Result<Arc<str>, String> {
    let s = string(v)?;
    if s.trim().is_empty() {
        return Err("the text is empty".into());
    }
    if s.chars().any(char::is_control) {
        return Err("the text holds a control character".into());
    }
    let n = s.chars().count();
    if n > longest {
        return Err(format!("the text has {n} characters"));
    }
    Ok(s.into())
}

fn id(v: &DeValue<'_>) -> Result<Val, String> {
    let s = string(v)?;
    if s.is_empty() {
        return Err("the id is empty".into());
    }
    if let Some(c) = s.chars().find(|c| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))) {
        return Err(format!("the id \"{}\" holds {}", shorten(s), character(c)));
    }
    let n = s.chars().count();
    if n > LONGEST_ID {
        return Err(format!("the id has {n} characters"));
    }
    Ok(Val::Text(s.into()))
}

fn character(c: char) -> String {
    match c {
        ' ' => "a space".into(),
        c if c.is_control() => "a control character".into(),
        c => format!("\"{c}\""),
    }
}

fn address(v: &DeValue<'_>) -> Result<Arc<str>, String> {
    let s = words(v)?;
    let good = s.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !host.contains('@') && !s.chars().any(char::is_whitespace)
    });
    if good { Ok(s) } else { Err(format!("\"{}\" is no mail address", shorten(&s))) }
}

/// The text of a TOML integer as a number; `i128` so that one beyond 64 bits is still judged by its range.
fn whole(v: &DeValue<'_>) -> Option<i128> {
    let i = v.as_integer()?;
    i128::from_str_radix(i.as_str(), i.radix()).ok()
}

fn integer(v: &DeValue<'_>, range: Range<i64>) -> Result<Val, String> {
    let DeValue::Integer(i) = v else { return Err(what(v)) };
    let n = whole(v).and_then(|n| i64::try_from(n).ok()).filter(|n| (range.min..=range.max).contains(n));
    n.map(Val::Integer).ok_or_else(|| format!("{} is out of range", shorten(&i.to_string())))
}

fn float(v: &DeValue<'_>, range: Range<f64>) -> Result<Val, String> {
    let n = match v {
        DeValue::Integer(_) => whole(v).map_or(f64::NAN, |n| n as f64),
        DeValue::Float(f) => f.as_str().parse().unwrap_or(f64::NAN),
        other => return Err(what(other)),
    };
    if n.is_nan() {
        return Err("it is not a number".into());
    }
    if n < range.min || n > range.max {
        return Err(format!("{} is out of range", number(n)));
    }
    Ok(Val::Float(n))
}

fn duration(v: &DeValue<'_>, range: Range<u64>) -> Result<Val, String> {
    let s = string(v).map_err(|_| format!("{}, and a time needs its unit", what(v)))?;
    let d = humantime::parse_duration(s).map_err(|_| format!("\"{}\" is no time", shorten(s)))?;
    if d < Duration::from_millis(range.min) || d > Duration::from_millis(range.max) {
        return Err(format!("{} is out of range", span(u64::try_from(d.as_millis()).unwrap_or(u64::MAX))));
    }
    Ok(Val::Duration(d))
}

fn size(v: &DeValue<'_>, range: Range<u64>) -> Result<Val, String> {
    let s = string(v).map_err(|_| format!("{}, and a size needs its unit", what(v)))?;
    let n = bytes(s).ok_or_else(|| format!("\"{}\" is no size", shorten(s)))?;
    if n < range.min || n > range.max {
        return Err(format!("{} is out of range", text::bytes(n)));
    }
    Ok(Val::Size(n))
}

/// Bytes of `200 GiB`, `20MB`, `1.5 TiB`: a number and a unit, decimal (kB, MB …) or binary (KiB, MiB …, IEC 80000-13).
#[must_use]
pub fn bytes(s: &str) -> Option<u64> {
    let s = s.trim();
    let split = s.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
    let (n, unit) = s.split_at_checked(split)?;
    let factor: f64 = match unit.trim() {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let v = n.parse::<f64>().ok()? * factor;
    (v.is_finite() && v < 9e18).then_some(v.round() as u64)
}

fn choice(v: &DeValue<'_>, known: &[&str]) -> Result<Val, String> {
    let s = string(v)?;
    if known.contains(&s) {
        return Ok(Val::Text(s.into()));
    }
    let hint = nearest(s, known.iter().copied()).map(|n| format!(" (did you mean \"{n}\"?)")).unwrap_or_default();
    Err(format!("\"{}\" is not known here{hint}", shorten(s)))
}

fn rect(v: &DeValue<'_>) -> Result<Val, String> {
    let DeValue::Array(items) = v else { return Err(what(v)) };
    if items.len() != 4 {
        return Err(format!("the region has {} numbers", items.len()));
    }
    let mut out = [0_u32; 4];
    for ((slot, item), name) in out.iter_mut().zip(items.iter()).zip(["x", "y", "width", "height"]) {
        let v = item.get_ref();
        let DeValue::Integer(i) = v else { return Err(format!("of the region's {name}, {}", what(v))) };
        let n = whole(v).unwrap_or(i128::MAX);
        let written = shorten(&i.to_string());
        if n < 0 {
            return Err(format!("the region's {name} is negative ({written})"));
        }
        if n > i128::from(LARGEST_COORDINATE) {
            return Err(format!("the region's {name} is too large ({written})"));
        }
        *slot = n as u32;
    }
    for (n, name) in [(out[2], "width"), (out[3], "height")] {
        if n == 0 {
            return Err(format!("the region has no area ({name} 0)"));
        }
        if i64::from(n) < SMALLEST_ROI {
            return Err(format!("the region is too small ({name} {n})"));
        }
    }
    Ok(Val::Rect(out))
}

fn list(v: &DeValue<'_>, one: fn(&DeValue<'_>) -> Result<Arc<str>, String>) -> Result<Val, String> {
    let items: &DeArray<'_> = v.as_array().ok_or_else(|| what(v))?;
    let mut out = Vec::new();
    for (i, item) in items.iter().enumerate() {
        out.push(one(item.get_ref()).map_err(|e| format!("item {}: {e}", i + 1))?);
    }
    Ok(Val::List(out))
}

fn time_zone(v: &DeValue<'_>) -> Result<Val, String> {
    let s = string(v)?;
    match jiff::tz::TimeZone::get(s) {
        Ok(_) => Ok(Val::Text(s.into())),
        Err(_) => Err(format!("the time zone \"{}\" is not known", shorten(s))),
    }
}

/// An address. The text itself is never quoted: it may hold a password.
fn url(v: &DeValue<'_>, schemes: &[&str]) -> Result<Val, String> {
    let DeValue::String(s) = v else { return Err(what(v)) };
    let u = Url::parse(s).map_err(|e| format!("it is no address ({e})"))?;
    if !schemes.contains(&u.scheme()) {
        return Err(format!("the scheme \"{}\" is not known here", shorten(u.scheme())));
    }
    // A database may be reached through a socket, named in the query (PostgreSQL documentation, libpq, "Connection URIs").
    let by_query = u.scheme().starts_with("postgres") && u.query_pairs().any(|(k, _)| k == "host");
    if u.host_str().is_none_or(str::is_empty) && !by_query {
        return Err("the address names no host".into());
    }
    if s.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("the address holds a space or control character".into());
    }
    Ok(Val::Text(s.as_ref().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: Kind, text: &str) -> Result<Val, String> {
        read(&kind, DeValue::parse(text).unwrap().get_ref())
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("200 GiB"), Some(200 << 30));
        assert_eq!(bytes("20MiB"), Some(20 << 20));
        assert_eq!(bytes("1.5 kB"), Some(1500));
        for bad in ["", "20", "GiB", "-1 GiB", "1 gib", "1.2.3 MB", "1e400 GB"] {
            assert_eq!(bytes(bad), None, "{bad}");
        }
    }

    #[test]
    fn regions() {
        assert!(matches!(of(Kind::Rect, "[1, 2, 8, 9]"), Ok(Val::Rect([1, 2, 8, 9]))));
        for (text, wrong) in [
            ("[0, 0, 0, 10]", "the region has no area (width 0)"),
            ("[0, 0, 10, 7]", "the region is too small (height 7)"),
            ("[0, -1, 10, 10]", "the region's y is negative (-1)"),
            ("[0, 0, 10]", "the region has 3 numbers"),
            ("[0, 0, 10, 99999]", "the region's height is too large (99999)"),
            ("[0.5, 0, 10, 10]", "of the region's x, it is a number (0.5)"),
            ("\"0 0 10 10\"", "it is a text (\"0 0 10 10\")"),
        ] {
            assert_eq!(of(Kind::Rect, text).unwrap_err(), wrong);
        }
    }

    #[test]
    fn numbers_times_and_words() {
        let wrong = |k, t| of(k, t).unwrap_err();
        assert_eq!(wrong(Kind::Integer(Range { min: 1, max: 247 }), "248"), "248 is out of range");
        assert_eq!(
            wrong(Kind::Integer(Range { min: 1, max: 247 }), "99999999999999999999"),
            "99999999999999999999 is out of range"
        );
        assert_eq!(wrong(Kind::Integer(Range { min: 1, max: 247 }), "1.0"), "it is a number (1.0)");
        assert_eq!(wrong(Kind::Float(Range { min: 0.0, max: 1.0 }), "nan"), "it is not a number");
        assert_eq!(wrong(Kind::Float(Range { min: 0.0, max: 1.0 }), "inf"), "inf is out of range");
        let d = Kind::Duration(Range { min: 5, max: 60_000 });
        assert_eq!(wrong(d, "5"), "it is a whole number (5), and a time needs its unit");
        assert_eq!(wrong(d, "\"5 parsecs\""), "\"5 parsecs\" is no time");
        assert_eq!(wrong(d, "\"2m\""), "2m is out of range");
        assert_eq!(
            wrong(Kind::Choice(&["tcp", "udp"]), "\"tpc\""),
            "\"tpc\" is not known here (did you mean \"tcp\"?)"
        );
        assert_eq!(wrong(Kind::Id, "\"deck east\""), "the id \"deck east\" holds a space");
        assert_eq!(wrong(Kind::Id, "\"a:b\""), "the id \"a:b\" holds \":\"");
        assert_eq!(wrong(Kind::TimeZone, "\"Asia/Kolkatta\""), "the time zone \"Asia/Kolkatta\" is not known");
        assert_eq!(wrong(Kind::AddressList, "[\"a@b\", \"x\"]"), "item 2: \"x\" is no mail address");
        assert_eq!(wrong(Kind::Url(&["rtsp"]), "\"rtsp:///s\""), "the address names no host");
        assert!(of(Kind::Url(&["postgres"]), "\"postgres:///db?host=/run/postgresql\"").is_ok());
        assert_eq!(wrong(Kind::Url(&["rtsp"]), "\"http://h/\""), "the scheme \"http\" is not known here");
        assert_eq!(wrong(Kind::Url(&["rtsp"]), "\"10.0.0.1\""), "it is no address (relative URL without a base)");
    }

    #[test]
    fn an_address_with_a_password_is_never_quoted() {
        let wrong = of(Kind::Url(&["rtsp"]), "\"http://vms:hunter2@cam/\"").unwrap_err();
        assert!(!wrong.contains("hunter2"), "{wrong}");
    }
}
