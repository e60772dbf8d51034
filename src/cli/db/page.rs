//! The database as pages for people.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::text::{age, bytes, sig3};
use crate::cli::out;
use crate::model::database::{Advice, DatabaseReport, IndexReport, Measure, Session, Statements, TableReport};

const NONE: &str = "–";

fn time(at: Option<Timestamp>, zone: &TimeZone) -> String {
    at.map_or_else(|| NONE.into(), |t| t.to_zoned(zone.clone()).strftime("%F %H:%M").to_string())
}

/// Bytes a day with their sign.
fn growth(bytes_per_day: Option<f64>) -> String {
    let Some(b) = bytes_per_day else { return NONE.into() };
    format!("{}{}", if b < 0.0 { "-" } else { "+" }, bytes(b.abs() as u64))
}

fn value(v: Option<f64>, unit: &str) -> String {
    match (v, unit) {
        (None, _) => NONE.into(),
        (_, "B") => growth(v),
        (Some(v), "") => format!("{v:.0}"),
        (v, unit) => format!("{} {unit}", sig3(v)),
    }
}

fn measure(m: &Measure) -> Vec<String> {
    let verdict = match (m.value, m.fine()) {
        (None, _) | (_, None) => "unknown",
        (_, Some(true)) => "fine",
        (_, Some(false)) => "bad",
    };
    let limit = m.limit.map_or_else(String::new, |l| value(Some(l), m.unit));
    let text = m.text.as_deref().unwrap_or_default().chars().take(100).collect();
    vec![verdict.into(), m.name.into(), value(m.value, m.unit), limit, text]
}

fn table(t: &TableReport, zone: &TimeZone) -> Vec<String> {
    let name = if t.parts > 1 { format!("{} ({} parts)", t.name, t.parts) } else { t.name.to_string() };
    vec![
        name,
        bytes(t.size_bytes),
        bytes(t.index_bytes),
        t.rows.to_string(),
        t.dead_rows.to_string(),
        growth(t.growth_bytes_per_day),
        t.bloat_bytes.map_or_else(|| NONE.into(), bytes),
        time(t.last_vacuum, zone),
        time(t.last_analyze, zone),
    ]
}

/// Everything, for `vms db status`.
pub(super) fn status(r: &DatabaseReport, measures: &[Measure], zone: &TimeZone) -> String {
    let size = r.size_bytes.map_or_else(|| NONE.into(), bytes);
    let mut s = format!(
        "{}, database {}, role {}, running since {}\nsize {size}, growth a day {}",
        r.server,
        r.database,
        r.role,
        time(r.running_since, zone),
        growth(r.growth_bytes_per_day)
    );
    if let Some(later) = r.size_in_days(30.0) {
        let _ = write!(s, ", in 30 days {}", bytes(later));
    }
    if let Some(hit) = r.cache_hit_percent {
        let _ = write!(s, "; {} % of pages found in memory", sig3(Some(hit)));
    }
    s.push_str("\n\n");
    let rows: Vec<Vec<String>> = measures.iter().map(measure).collect();
    s.push_str(&out::table(&["VERDICT", "WHAT", "VALUE", "LIMIT", "ABOUT"], &rows));
    s.push('\n');
    if r.tables.is_empty() {
        s.push_str("no tables\n");
    } else {
        let rows: Vec<Vec<String>> = r.tables.iter().map(|t| table(t, zone)).collect();
        let heading =
            ["TABLE", "SIZE", "INDEXES", "ROWS", "DEAD", "GROWTH/DAY", "BLOAT (EST.)", "LAST VACUUM", "LAST ANALYZE"];
        s.push_str(&out::table(&heading, &rows));
    }
    if !r.indexes.is_empty() {
        let row = |i: &IndexReport| {
            vec![i.fault.word().to_owned(), i.name.to_string(), i.table.to_string(), bytes(i.size_bytes)]
        };
        let rows: Vec<Vec<String>> = r.indexes.iter().map(row).collect();
        s.push('\n');
        s.push_str(&out::table(&["INDEX IS", "INDEX", "TABLE", "SIZE"], &rows));
        if r.invalid().next().is_some() {
            s.push_str("`vms db maintain --reindex` mends invalid indexes and removes leftovers.\n");
        }
    }
    if !r.replicas.is_empty() {
        let row = |p: &crate::model::database::Replica| {
            let lag = p.lag_bytes.map_or_else(|| NONE.into(), bytes);
            vec![p.name.to_string(), p.state.to_string(), value(p.lag_s, "s"), lag]
        };
        let rows: Vec<Vec<String>> = r.replicas.iter().map(row).collect();
        s.push('\n');
        s.push_str(&out::table(&["REPLICA", "STATE", "BEHIND", "BEHIND"], &rows));
    }
    if !r.advice.is_empty() {
        s.push('\n');
        let row = |a: &Advice| {
            vec![
                (if a.serious { "danger" } else { "advice" }).to_owned(),
                format!("{}\n          {}", a.found, a.right),
            ]
        };
        for r in r.advice.iter().map(row) {
            let _ = writeln!(s, "{:<8}  {}", r[0], r[1]);
        }
    }
    for u in r.unknown.iter() {
        let _ = writeln!(s, "could not be read: {u}");
    }
    s
}

/// Queries and what runs now, for `vms db slow`.
pub(super) fn slow(r: &DatabaseReport) -> String {
    let mut s = match &r.statements {
        Statements::Missing(how) => format!("slow queries are not counted: {}\n", how.replace("; ", "\n  ")),
        Statements::Known(list) if list.is_empty() => "no query has been counted yet\n".to_owned(),
        Statements::Known(list) => {
            let rows: Vec<Vec<String>> = list
                .iter()
                .take(30)
                .map(|q| {
                    vec![
                        sig3(Some(q.mean_ms)),
                        q.calls.to_string(),
                        sig3(Some(q.total_ms / 1000.0)),
                        sig3(Some(q.max_ms)),
                        q.query.to_string(),
                    ]
                })
                .collect();
            out::table(&["MEAN MS", "CALLS", "TOTAL S", "MAX MS", "QUERY"], &rows)
        }
    };
    s.push('\n');
    if r.sessions.is_empty() {
        s.push_str("nothing else is running now\n");
        return s;
    }
    let rows: Vec<Vec<String>> = r.sessions.iter().map(session).collect();
    s.push_str(&out::table(&["PROCESS", "WHO", "STATE", "FOR", "WAITS FOR", "QUERY"], &rows));
    s
}

/// Who a connection belongs to.
pub(super) fn who(s: &Session) -> String {
    let application = if s.application.is_empty() { "no name" } else { &s.application };
    format!("{}@{} ({application})", s.role, s.client)
}

fn session(s: &Session) -> Vec<String> {
    let by: Vec<String> = s.blocked_by.iter().map(|p| format!("process {p}")).collect();
    let waits = if by.is_empty() { s.waits_for.as_deref().unwrap_or_default().to_owned() } else { by.join(", ") };
    let running = s.running_s.map_or_else(|| NONE.into(), |t| age(Duration::from_secs_f64(t.clamp(0.0, 1e9))));
    vec![s.pid.to_string(), who(s), s.state.to_string(), running, waits, s.query.to_string()]
}
