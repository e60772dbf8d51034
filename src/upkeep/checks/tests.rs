//! Tests of the checks: passed only on evidence, failed with what is wrong, unknown where nothing is known.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::*;
use crate::base::clock::Mono;
use crate::model::board::{HistorianBoard, Sense};
use crate::model::bus::PlcReport;
use crate::model::camera::CameraReport;
use crate::model::host::HostReport;
use crate::model::logs::LogLine;

fn at(s: u64) -> Now {
    Now { mono: Mono(0).after(Duration::from_secs(s)), ..Now::default() }
}

fn board() -> Board {
    Board::empty("BF2", "n1", TimeZone::UTC, at(100))
}

fn camera(id: &str, state: CameraState, picture: Picture) -> Arc<CameraBoard> {
    let report = CameraReport {
        index: 0,
        state,
        since: at(0),
        text: (state != CameraState::Live).then(|| "no route to host".into()),
        codec: None,
        size: None,
        fps: Some(24.9),
        latency_ms_p50: None,
        latency_ms_p99: None,
        jitter_ms: None,
        lost_frames: 0,
        bitrate_kbps: None,
        reconnects: 0,
        last_frame: None,
        picture,
        sharpness: None,
        roi_faults: vec![],
        attempts: vec![],
        dropped_samples: 0,
    };
    Arc::new(CameraBoard {
        compensations: crate::model::compensation::Compensations::default(),
        id: id.into(),
        name: id.into(),
        url: "rtsp://x".into(),
        expected_fps: Some(25.0),
        scale_mm_per_px: None,
        scale_unkept: None,
        record: false,
        report: Some(Arc::new(report)),
        rois: vec![],
        sharpness_trend: Arc::new([]),
    })
}

fn limited(id: &str, group: Group, unit: &'static str, value: f64, limit: f64, state: IndicatorState) -> Indicator {
    Indicator {
        id: id.into(),
        group,
        name: id.into(),
        value: Some(value),
        unit,
        limit: Some(limit),
        sense: Sense::High,
        state,
        at: None,
        history: Arc::new([]),
        history_step: Duration::from_mins(1),
        forecast: None,
        text: None,
    }
}

fn outcome(name: &str, board: &Board) -> Outcome {
    run(name, board).unwrap().outcome
}

#[test]
fn nothing_known_is_never_passed() {
    let empty = board();
    for name in NAMES {
        let answer = run(name, &empty).unwrap();
        assert_eq!(answer.outcome, Outcome::Unknown, "{name}");
        assert!(!answer.evidence.is_empty(), "{name} says why");
    }
    assert!(run("moon", &empty).is_none());
}

#[test]
fn cameras_pass_only_live_and_clear() {
    use CameraState::{Connecting, Degraded, Disabled, Live, Lost, Refused, Stalled};
    for (state, picture, want) in [
        (Live, Picture::Clear, Outcome::Passed),
        (Live, Picture::Frozen, Outcome::Failed),
        (Live, Picture::Unknown, Outcome::Unknown),
        (Connecting, Picture::Unknown, Outcome::Unknown),
        (Degraded, Picture::Clear, Outcome::Failed),
        (Stalled, Picture::Clear, Outcome::Failed),
        (Lost, Picture::Unknown, Outcome::Failed),
        (Refused, Picture::Unknown, Outcome::Failed),
        (Disabled, Picture::Unknown, Outcome::Unknown),
    ] {
        let mut b = board();
        b.cameras = vec![camera("deck", state, picture)];
        assert_eq!(outcome("cameras", &b), want, "{state:?} {picture:?}");
    }
    let mut b = board();
    b.cameras = vec![camera("deck", Live, Picture::Clear), camera("gate", Lost, Picture::Unknown)];
    let answer = run("cameras", &b).unwrap();
    assert_eq!((answer.outcome, answer.evidence.len()), (Outcome::Failed, 2));
    assert!(answer.evidence[1].contains("gate: lost") && answer.evidence[1].contains("no route"));
}

fn with_disk(free_bytes: u64, age_s: u64) -> Board {
    let mut b = board();
    let disk = Disk { mount: "/".into(), free_bytes, total_bytes: 1000 };
    b.host = Some(Arc::new(HostReport {
        at: at(100 - age_s),
        cpu_percent: None,
        memory_percent: None,
        memory_total_bytes: 0,
        process_cpu_percent: None,
        process_rss_bytes: None,
        disks: vec![disk],
        interfaces: vec![],
    }));
    b.indicators = Arc::new([limited("disk./", Group::Disks, "%", 0.0, 20.0, IndicatorState::Normal)]);
    b
}

#[test]
fn disks_are_held_against_the_configured_limit() {
    assert_eq!(outcome("disk", &with_disk(201, 1)), Outcome::Passed);
    assert_eq!(outcome("disk", &with_disk(200, 1)), Outcome::Failed, "at the limit is not above it");
    assert_eq!(outcome("disk", &with_disk(900, 11)), Outcome::Unknown, "an old report says nothing about now");
    let mut b = with_disk(900, 1);
    b.indicators = Arc::new([]);
    assert_eq!(outcome("disk", &b), Outcome::Unknown, "no limit is known");
}

fn with_plc(state: PlcState, polls: u64, errors: u64) -> Board {
    let mut b = board();
    let report = PlcReport {
        index: 0,
        state,
        since: at(0),
        text: None,
        polls,
        errors,
        timeouts: errors,
        crc_errors: 0,
        exceptions: 0,
        reopens: 0,
        response_ms_p50: Some(17.0),
        response_ms_p99: Some(21.0),
        last_answer: None,
        tags: vec![],
        dropped_frames: 0,
    };
    b.plcs = vec![Arc::new(PlcBoard {
        id: "bf2".into(),
        port: "/dev/ttyUSB0".into(),
        unit: 1,
        line: "19200 8E1".into(),
        report: Some(Arc::new(report)),
        response_trend: Arc::new([]),
    })];
    b
}

#[test]
fn a_plc_must_answer_and_lose_little() {
    assert_eq!(outcome("plc", &with_plc(PlcState::Live, 1000, 50)), Outcome::Passed);
    assert_eq!(outcome("plc", &with_plc(PlcState::Live, 1000, 51)), Outcome::Failed);
    assert_eq!(outcome("plc", &with_plc(PlcState::Live, 0, 0)), Outcome::Unknown);
    assert_eq!(outcome("plc", &with_plc(PlcState::Degraded, 1000, 0)), Outcome::Failed);
    assert_eq!(outcome("plc", &with_plc(PlcState::Lost, 1000, 0)), Outcome::Failed);
    let answer = run("plc", &with_plc(PlcState::Live, 1000, 50)).unwrap();
    assert!(answer.evidence[0].contains("17.0 ms median") && answer.evidence[0].contains("5.00 %"), "{answer:?}");
}

fn with_logs(errors_per_min: f64, fault: Option<&str>) -> Board {
    let mut b = board();
    let line = |n: u64| LogLine { number: n, severity: Severity::Error, text: format!("ERROR {n}").into() };
    let source = LogSource {
        path: "/l/a.log".into(),
        own: false,
        size_bytes: Some(1),
        errors_per_min,
        warnings_per_min: 0.0,
        lines: (1..=50).map(line).collect(),
        fault: fault.map(Into::into),
    };
    b.logs = Some(Arc::new(LogReport {
        at: at(99),
        sources: vec![source],
        dropped: 0,
        patterns: Arc::default(),
        spike: crate::model::logs::Spike::default(),
        critical: Arc::new([]),
    }));
    b.indicators = Arc::new([limited("logs.errors", Group::Logs, "/min", 0.0, 10.0, IndicatorState::Normal)]);
    b
}

#[test]
fn logs_pass_below_the_limit_and_show_the_newest_errors() {
    let answer = run("logs", &with_logs(9.0, None)).unwrap();
    assert_eq!(answer.outcome, Outcome::Passed);
    let shown: Vec<&String> = answer.evidence.iter().filter(|l| l.starts_with("  ")).collect();
    assert_eq!((shown.len(), shown[0].as_str()), (MAX_ERROR_LINES, "  ERROR 50"));
    assert_eq!(outcome("logs", &with_logs(10.0, None)), Outcome::Failed);
    assert_eq!(outcome("logs", &with_logs(0.0, Some("permission denied"))), Outcome::Unknown);
}

#[test]
fn resources_fail_on_any_indicator_beyond_its_limit() {
    let mut b = board();
    let fine = limited("cpu", Group::Host, "%", 20.0, 70.0, IndicatorState::Normal);
    b.indicators = Arc::new([fine.clone()]);
    assert_eq!(outcome("resources", &b), Outcome::Passed);
    b.indicators = Arc::new([fine.clone(), limited("m", Group::Host, "%", 0.0, 80.0, IndicatorState::Unknown)]);
    assert_eq!(outcome("resources", &b), Outcome::Unknown);
    b.indicators = Arc::new([fine, limited("memory", Group::Host, "%", 91.0, 80.0, IndicatorState::Exceeded)]);
    let answer = run("resources", &b).unwrap();
    assert_eq!(answer.outcome, Outcome::Failed);
    assert!(answer.evidence[0].contains("memory: 91.0 %, limit 80.0"), "{answer:?}");
}

#[test]
fn the_database_must_answer_within_its_limit() {
    let mut b = board();
    b.indicators = Arc::new([limited("database.response", Group::Database, "ms", 0.0, 1000.0, IndicatorState::Normal)]);
    let link = |state, response_ms| HistorianBoard { state, response_ms, ..HistorianBoard::default() };
    for (state, ms, want) in [
        (HistorianState::Live, Some(12.0), Outcome::Passed),
        (HistorianState::Live, Some(1000.0), Outcome::Failed),
        (HistorianState::Live, None, Outcome::Unknown),
        (HistorianState::Lost, None, Outcome::Failed),
        (HistorianState::Connecting, None, Outcome::Unknown),
    ] {
        b.historian = link(state, ms);
        assert_eq!(outcome("database", &b), want, "{state:?}");
    }
}

#[test]
fn evidence_is_bounded() {
    let mut b = board();
    b.cameras = (0..90).map(|i| camera(&"x".repeat(i * 10 + 1), CameraState::Live, Picture::Clear)).collect();
    let answer = run("cameras", &b).unwrap();
    assert_eq!(answer.evidence.len(), MAX_EVIDENCE + 1);
    assert!(answer.evidence.iter().all(|l| l.chars().count() <= MAX_CHARS + 1));
}
