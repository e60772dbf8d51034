//! `vms status`: one look at the running engine.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{Globals, out};
use crate::base::error::{Exit, Outcome};
use crate::base::text::{bytes, sig3};

/// Runs the command.
///
/// # Errors
/// When no engine runs for this data directory.
pub fn run(globals: &Globals) -> Outcome {
    print(&crate::boot::ask_status(globals)?, globals.json)
}

/// Prints a status: the JSON on one line, or tables for people.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(status: &Value, json: bool) -> Outcome {
    if json {
        out::json(status)?
    } else {
        out::line(&page(status))?
    };
    Ok(Exit::Fine)
}

/// A text, `–` where there is none.
pub(super) fn text(v: &Value) -> String {
    v.as_str().unwrap_or("–").to_owned()
}

/// A number: whole ones as they are, others with three digits, `–` where it is not known.
pub(super) fn number(v: &Value) -> String {
    v.as_u64().map_or_else(|| sig3(v.as_f64()), |n| n.to_string())
}

/// A number with three digits and its unit.
pub(super) fn unit(v: &Value, unit: &Value) -> String {
    match v.as_f64() {
        Some(n) => format!("{} {}", sig3(Some(n)), unit.as_str().unwrap_or_default()).trim_end().to_owned(),
        None => "–".into(),
    }
}

/// A time in the site's zone, in UTC with a `Z` where the zone is not known.
pub(super) fn time(v: &Value, zone: &Value) -> String {
    let Some(at) = v.as_str().and_then(|s| s.parse::<Timestamp>().ok()) else { return "–".into() };
    match zone.as_str().and_then(|z| TimeZone::get(z).ok()) {
        Some(tz) => at.to_zoned(tz).strftime("%F %T").to_string(),
        None => at.strftime("%F %TZ").to_string(),
    }
}

fn items(v: &Value) -> &[Value] {
    v.as_array().map_or(&[], Vec::as_slice)
}

/// The page for people.
#[must_use]
pub fn page(s: &Value) -> String {
    let zone = &s["time_zone"];
    let mut out = format!(
        "{} / {}   {}   engine {} ({}, pid {})\n",
        text(&s["site"]),
        text(&s["node"]),
        time(&s["time"], zone),
        text(&s["engine"]["state"]),
        text(&s["engine"]["version"]),
        number(&s["engine"]["pid"])
    );
    let mut part = |body: String| {
        out.push('\n');
        out.push_str(&body);
    };
    let alarms = items(&s["alarms"]);
    part(if alarms.is_empty() { "no alarms\n".into() } else { super::alarms::table(alarms, zone) });
    part(cameras(s));
    part(regions(s));
    part(plcs(s));
    part(rest(s));
    out
}

fn cameras(s: &Value) -> String {
    let row = |c: &Value| {
        let size = match (c["width"].as_u64(), c["height"].as_u64()) {
            (Some(w), Some(h)) => format!("{w}×{h}"),
            _ => "–".into(),
        };
        vec![
            text(&c["id"]),
            text(&c["state"]),
            text(&c["codec"]),
            size,
            format!("{}/{}", sig3(c["fps"].as_f64()), sig3(c["expected_fps"].as_f64())),
            format!("{}/{} ms", sig3(c["latency_ms_p50"].as_f64()), sig3(c["latency_ms_p99"].as_f64())),
            number(&c["reconnects"]),
            text(&c["picture"]),
            c["text"].as_str().unwrap_or_default().to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = items(&s["cameras"]).iter().map(row).collect();
    let heading =
        ["CAMERA", "STATE", "CODEC", "SIZE", "FPS/EXPECTED", "LATENCY P50/P99", "RECONNECTS", "PICTURE", "WHY"];
    if rows.is_empty() { "no cameras\n".into() } else { out::table(&heading, &rows) }
}

fn regions(s: &Value) -> String {
    let row = |r: &Value| {
        let or_unit = |v: &Value, u: &str| unit(v, &u.into());
        vec![
            text(&r["id"]),
            text(&r["state"]),
            or_unit(&r["displacement_pp_px"], "px"),
            or_unit(&r["displacement_pp_mm"], "mm"),
            or_unit(&r["velocity_rms_mm_s"], "mm/s"),
            or_unit(&r["peak_hz"], "Hz"),
            or_unit(&r["uncertainty_px"], "px"),
            quality(r),
        ]
    };
    let rows: Vec<Vec<String>> = items(&s["cameras"]).iter().flat_map(|c| items(&c["rois"])).map(row).collect();
    let heading = ["REGION", "STATE", "P-P", "P-P", "VELOCITY RMS", "PEAK", "UNCERTAINTY", "QUALITY"];
    if rows.is_empty() { "no regions\n".into() } else { out::table(&heading, &rows) }
}

fn quality(r: &Value) -> String {
    let reasons: Vec<&str> = items(&r["reasons"]).iter().filter_map(Value::as_str).collect();
    let alias = if r["aliased"].as_bool() == Some(true) { ", frequency may be an alias" } else { "" };
    if reasons.is_empty() {
        format!("{}{alias}", text(&r["quality"]))
    } else {
        format!("{} ({}){alias}", text(&r["quality"]), reasons.join(", "))
    }
}

fn plcs(s: &Value) -> String {
    let row = |p: &Value| {
        vec![
            text(&p["id"]),
            text(&p["state"]),
            number(&p["polls"]),
            number(&p["errors"]),
            number(&p["timeouts"]),
            number(&p["crc_errors"]),
            format!("{}/{} ms", sig3(p["response_ms_p50"].as_f64()), sig3(p["response_ms_p99"].as_f64())),
            p["text"].as_str().unwrap_or_default().to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = items(&s["plcs"]).iter().map(row).collect();
    let heading = ["PLC", "STATE", "POLLS", "ERRORS", "TIMEOUTS", "CRC ERRORS", "RESPONSE P50/P99", "WHY"];
    if rows.is_empty() { "no PLCs\n".into() } else { out::table(&heading, &rows) }
}

fn rest(s: &Value) -> String {
    let (r, h, j, m) = (&s["resources"], &s["historian"], &s["journal"], &s["maintenance"]);
    let percent = |v: &Value| unit(v, &"%".into());
    let size = |v: &Value| v.as_u64().map_or("–".to_owned(), bytes);
    let mut rows =
        vec![vec!["cpu".into(), percent(&r["cpu_percent"])], vec!["memory".into(), percent(&r["memory_percent"])]];
    for d in items(&r["disks"]) {
        let free = format!("{} free ({})", percent(&d["free_percent"]), size(&d["free_bytes"]));
        rows.push(vec![format!("disk {}", text(&d["mount"])), free]);
    }
    rows.push(vec!["log errors".into(), unit(&r["log_errors_per_min"], &"/min".into())]);
    let response = unit(&h["response_ms"], &"ms".into());
    rows.push(vec![
        "historian".into(),
        format!("{}, response {response}, {}", text(&h["state"]), size(&h["size_bytes"])),
    ]);
    let journal =
        j["fault"].as_str().map_or_else(|| format!("{} events", number(&j["events"])), |f| format!("FAULT: {f}"));
    rows.push(vec!["journal".into(), journal]);
    rows.push(vec!["maintenance".into(), format!("{} due, {} overdue", number(&m["due"]), number(&m["overdue"]))]);
    let (start, mail) = (&s["start"], &s["mail"]);
    let missing: Vec<&str> = items(&start["missing"]).iter().filter_map(Value::as_str).collect();
    let said = match start["state"].as_str() {
        Some("complete") => format!("all {} expected parts came up", number(&start["expected"])),
        Some("incomplete") => format!("MISSING: {}", missing.join("; ")),
        Some("waiting") => format!("waiting for {}", missing.join("; ")),
        _ => "nothing is expected yet".to_owned(),
    };
    rows.push(vec!["start".into(), said]);
    if mail["on"] == true {
        let fault = mail["fault"].as_str().map_or_else(String::new, |f| format!(", FAULT: {f}"));
        let said = format!("{} sent, {} waiting{fault}", number(&mail["sent"]), number(&mail["waiting"]));
        rows.push(vec!["mail".into(), said]);
    }
    out::table(&["RESOURCE", "NOW"], &rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::clock::Now;
    use crate::model::board::Board;
    use crate::model::status::status;

    #[test]
    fn an_empty_engine_has_a_page_without_invented_figures() {
        let board = Board::empty("BF2", "n1", TimeZone::UTC, Now::default());
        let got = page(&serde_json::to_value(status(&board)).unwrap());
        assert!(got.starts_with("BF2 / n1   1970-01-01 00:00:00"), "{got}");
        for line in
            ["no alarms", "no cameras", "no regions", "no PLCs", "cpu          –", "historian    off, response –, –"]
        {
            assert!(got.contains(line), "{line} in {got}");
        }
    }

    #[test]
    fn a_status_of_another_version_does_not_stop_the_page() {
        for odd in [json!(null), json!({}), json!({ "cameras": 3, "alarms": [1], "plcs": [{}] })] {
            assert!(page(&odd).contains("RESOURCE"));
        }
    }
}
