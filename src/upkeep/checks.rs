//! The checks that the program makes itself, as functions of the board: the same ones answer the checklist,
//! `vms check` and the status.

use std::time::Duration;

use crate::base::clock::Now;
use crate::base::text::{age, bytes, sig3};
use crate::model::board::{Board, Group, HistorianState, Indicator, IndicatorState};
use crate::model::bus::{PlcBoard, PlcState};
use crate::model::camera::{CameraBoard, CameraState, Picture};
use crate::model::host::Disk;
use crate::model::logs::{LogReport, LogSource, Severity};
use crate::model::upkeep::{Answer, Outcome};

/// The names of all checks, for the catalogue.
pub const NAMES: [&str; 6] = ["cameras", "disk", "plc", "logs", "resources", "database"];

/// A report older than this says nothing about now.
const STALE: Duration = Duration::from_secs(10);

/// A PLC link that loses more of its requests than this is not stable, percent.
const PLC_ERROR_PERCENT: f64 = 5.0;

/// Most lines of evidence.
const MAX_EVIDENCE: usize = 40;

/// Newest error lines shown.
const MAX_ERROR_LINES: usize = 10;

/// Longest line of evidence, characters.
const MAX_CHARS: usize = 300;

/// Makes the check of that name; none where there is no such check. What cannot be known is unknown, never passed.
#[must_use]
pub fn run(name: &str, board: &Board) -> Option<Answer> {
    let findings = match name {
        "cameras" => cameras(board),
        "disk" => disk(board),
        "plc" => plc(board),
        "logs" => logs(board),
        "resources" => resources(board),
        "database" => database(board),
        _ => return None,
    };
    Some(answer(findings))
}

/// One thing looked at: how it is, and the line that shows it.
type Finding = (Outcome, String);

/// The worst finding is the answer; findings come first in the order of the board, cut at a bound.
fn answer(findings: Vec<Finding>) -> Answer {
    let outcome = if findings.iter().any(|f| f.0 == Outcome::Failed) {
        Outcome::Failed
    } else if findings.is_empty() || findings.iter().any(|f| f.0 == Outcome::Unknown) {
        Outcome::Unknown
    } else {
        Outcome::Passed
    };
    let more = findings.len().saturating_sub(MAX_EVIDENCE);
    let mut evidence: Vec<String> = findings.into_iter().take(MAX_EVIDENCE).map(|f| cut(f.1)).collect();
    if more > 0 {
        evidence.push(format!("… and {more} more"));
    }
    Answer { outcome, evidence }
}

fn cut(line: String) -> String {
    if line.chars().count() <= MAX_CHARS { line } else { line.chars().take(MAX_CHARS).chain(['…']).collect() }
}

fn stale(at: Now, board: &Board) -> Option<String> {
    let old = board.at.mono.since(at.mono);
    (old > STALE).then(|| format!("the newest report is {} old", age(old)))
}

fn indicator<'a>(board: &'a Board, id: &str) -> Option<&'a Indicator> {
    board.indicators.iter().find(|i| &*i.id == id)
}

/// Every enabled camera is live with a clear picture.
fn cameras(board: &Board) -> Vec<Finding> {
    let enabled = board.cameras.iter().filter(|c| c.state() != CameraState::Disabled).count();
    let mut found: Vec<Finding> = board.cameras.iter().map(|c| camera(c)).collect();
    if enabled == 0 {
        found.push((Outcome::Unknown, "no camera is in use: there is nothing to verify".into()));
    }
    found
}

fn camera(camera: &CameraBoard) -> Finding {
    let Some(report) = &camera.report else {
        return (Outcome::Unknown, format!("{}: nothing is known yet", camera.id));
    };
    let outcome = match (report.state, report.picture) {
        (CameraState::Disabled, _) => {
            return (Outcome::Passed, format!("{}: disabled by configuration", camera.id));
        }
        (CameraState::Connecting, _) | (CameraState::Live, Picture::Unknown) => Outcome::Unknown,
        (CameraState::Live, Picture::Clear) => Outcome::Passed,
        _ => Outcome::Failed,
    };
    let mut line = format!(
        "{}: {}, {} of {} fps, latency {} ms, picture {}",
        camera.id,
        report.state.word(),
        sig3(report.fps),
        sig3(camera.expected_fps),
        sig3(report.latency_ms_p50),
        report.picture.word()
    );
    if let Some(text) = report.text.as_ref().filter(|_| outcome != Outcome::Passed) {
        line.push_str("; ");
        line.push_str(text);
    }
    (outcome, line)
}

/// Every disk has more than the configured share free.
fn disk(board: &Board) -> Vec<Finding> {
    let Some(host) = &board.host else {
        return vec![(Outcome::Unknown, "the disks have not been read yet".into())];
    };
    if let Some(text) = stale(host.at, board) {
        return vec![(Outcome::Unknown, text)];
    }
    if host.disks.is_empty() {
        return vec![(Outcome::Unknown, "the system lists no disk".into())];
    }
    host.disks.iter().map(|d| one_disk(d, disk_limit(board, d))).collect()
}

/// The limit of this disk's indicator, or of any disk's: it is the same for all.
fn disk_limit(board: &Board, disk: &Disk) -> Option<f64> {
    let own = indicator(board, &format!("disk.{}", disk.mount)).and_then(|i| i.limit);
    own.or_else(|| board.indicators.iter().find(|i| i.group == Group::Disks && i.unit == "%").and_then(|i| i.limit))
}

fn one_disk(disk: &Disk, limit: Option<f64>) -> Finding {
    let free = disk.free_percent();
    let outcome = match (free, limit) {
        (Some(free), Some(limit)) if free > limit => Outcome::Passed,
        (Some(_), Some(_)) => Outcome::Failed,
        _ => Outcome::Unknown,
    };
    let line = format!(
        "{}: {} % free ({} of {}), limit {} %",
        disk.mount,
        sig3(free),
        bytes(disk.free_bytes),
        bytes(disk.total_bytes),
        sig3(limit)
    );
    (outcome, line)
}

/// Every PLC answers, and loses few requests.
fn plc(board: &Board) -> Vec<Finding> {
    if board.plcs.is_empty() {
        return vec![(Outcome::Unknown, "no PLC is configured: there is nothing to verify".into())];
    }
    board.plcs.iter().map(|p| one_plc(p)).collect()
}

fn one_plc(plc: &PlcBoard) -> Finding {
    let Some(report) = &plc.report else {
        return (Outcome::Unknown, format!("{}: nothing is known yet", plc.id));
    };
    let share = (report.polls > 0).then(|| report.errors as f64 * 100.0 / report.polls as f64);
    let outcome = match (report.state, share) {
        (PlcState::Live, Some(share)) if share <= PLC_ERROR_PERCENT => Outcome::Passed,
        (PlcState::Connecting, _) | (PlcState::Live, None) => Outcome::Unknown,
        _ => Outcome::Failed,
    };
    let mut line = format!(
        "{} on {}: {}, {} requests, {} failed ({} %, at most {} %), response {} ms median, {} ms p99",
        plc.id,
        plc.port,
        report.state.word(),
        report.polls,
        report.errors,
        sig3(share),
        PLC_ERROR_PERCENT,
        sig3(report.response_ms_p50),
        sig3(report.response_ms_p99)
    );
    if let Some(text) = report.text.as_ref().filter(|_| outcome != Outcome::Passed) {
        line.push_str("; ");
        line.push_str(text);
    }
    (outcome, line)
}

/// Fewer errors a minute than the limit, over all log files; the newest error lines are shown.
fn logs(board: &Board) -> Vec<Finding> {
    let Some(report) = &board.logs else {
        return vec![(Outcome::Unknown, "the logs have not been read yet".into())];
    };
    if let Some(text) = stale(report.at, board) {
        return vec![(Outcome::Unknown, text)];
    }
    let limit = board.indicators.iter().find(|i| i.group == Group::Logs && i.limit.is_some()).and_then(|i| i.limit);
    let rate = report.errors_per_min();
    let outcome = match limit {
        Some(limit) if rate < limit => Outcome::Passed,
        Some(_) => Outcome::Failed,
        None => Outcome::Unknown,
    };
    let mut found = vec![(outcome, format!("{} errors in the last minute, limit {}", sig3(Some(rate)), sig3(limit)))];
    if report.dropped > 0 {
        found.push((Outcome::Passed, format!("{} records of our own log were lost", report.dropped)));
    }
    found.extend(report.sources.iter().map(log_source));
    found.truncate(MAX_EVIDENCE - MAX_ERROR_LINES);
    found.extend(newest_errors(report));
    found
}

fn log_source(source: &LogSource) -> Finding {
    if let Some(fault) = &source.fault {
        return (Outcome::Unknown, format!("{}: {fault}", source.path));
    }
    let held = source.lines.iter().filter(|l| l.severity == Severity::Error).count();
    let line = format!(
        "{}: {} errors and {} warnings in the last minute, {held} errors among the newest {} lines",
        source.path,
        sig3(Some(source.errors_per_min)),
        sig3(Some(source.warnings_per_min)),
        source.lines.len()
    );
    (Outcome::Passed, line)
}

/// The newest error lines of each file, newest first, one file after the other, bounded over all.
fn newest_errors(report: &LogReport) -> Vec<Finding> {
    let share = MAX_ERROR_LINES.div_ceil(report.sources.len().max(1));
    let of = |s: &LogSource| -> Vec<Finding> {
        let errors = s.lines.iter().rev().filter(|l| l.severity == Severity::Error).take(share);
        errors.map(|l| (Outcome::Passed, format!("  {}", l.text))).collect()
    };
    report.sources.iter().flat_map(of).take(MAX_ERROR_LINES).collect()
}

/// Every indicator with a limit is within it.
fn resources(board: &Board) -> Vec<Finding> {
    let limited: Vec<&Indicator> = board.indicators.iter().filter(|i| i.limit.is_some()).collect();
    let mut found: Vec<Finding> = Vec::new();
    for state in [IndicatorState::Exceeded, IndicatorState::Unknown] {
        found.extend(limited.iter().filter(|i| i.state == state).map(|i| one_indicator(i)));
    }
    let normal = limited.iter().filter(|i| i.state == IndicatorState::Normal).count();
    if normal > 0 {
        found.push((Outcome::Passed, format!("{normal} of {} indicators are within their limits", limited.len())));
        found.extend(limited.iter().filter(|i| i.state == IndicatorState::Normal).map(|i| one_indicator(i)));
    }
    if limited.is_empty() {
        found.push((Outcome::Unknown, "no indicator has been measured yet".into()));
    }
    found
}

fn one_indicator(i: &Indicator) -> Finding {
    let (outcome, word) = match i.state {
        IndicatorState::Normal => (Outcome::Passed, "within its limit"),
        IndicatorState::Exceeded => (Outcome::Failed, "beyond its limit"),
        IndicatorState::Unknown => (Outcome::Unknown, "not known"),
    };
    let mut line =
        format!("{}, {}: {} {}, limit {} ({word})", i.group.title(), i.name, sig3(i.value), i.unit, sig3(i.limit));
    if let Some(text) = i.text.as_ref().filter(|_| outcome != Outcome::Passed) {
        line.push_str("; ");
        line.push_str(text);
    }
    (outcome, line)
}

/// PostgreSQL answers within its limit, and every other figure of it is within its own.
fn database(board: &Board) -> Vec<Finding> {
    let link = &board.historian;
    let why = link.text.as_deref().unwrap_or("no reason is known");
    match link.state {
        HistorianState::Off => vec![(Outcome::Unknown, "no database is configured ([historian])".into())],
        HistorianState::Connecting => vec![(Outcome::Unknown, "the database has not answered yet".into())],
        HistorianState::Lost => vec![(Outcome::Failed, format!("the database does not answer: {why}"))],
        HistorianState::Live => {
            let mut found = vec![live_database(board)];
            let more = board.indicators.iter().filter(|i| i.group == Group::Database && i.limit.is_some());
            found.extend(more.filter(|i| &*i.id != "database.response").map(one_indicator));
            found
        }
    }
}

fn live_database(board: &Board) -> Finding {
    let link = &board.historian;
    let limit = indicator(board, "database.response").and_then(|i| i.limit);
    let outcome = match (link.response_ms, limit) {
        (Some(ms), Some(limit)) if ms >= limit => Outcome::Failed,
        (Some(_), _) => Outcome::Passed,
        (None, _) => Outcome::Unknown,
    };
    let size = link.size_bytes.map_or_else(|| "–".into(), bytes);
    let server = link.server.as_deref().unwrap_or("PostgreSQL");
    let line = format!("{server}: answers in {} ms, limit {} ms, size {size}", sig3(link.response_ms), sig3(limit));
    (outcome, line)
}

#[cfg(test)]
mod tests;
