//! The judge against an engine that is right and against engines that are wrong.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::base::clock::Now;
use crate::demo::plc::VirtualPlc;
use crate::model::alarm::Priority;
use crate::model::camera::{CameraBoard, CameraReport, Picture};
use crate::model::event::Event;
use crate::model::quantity::Quantity;
use crate::model::vibration::{RoiBoard, Role, Tone};

const TRUTH: Truth =
    Truth { major_px: 0.5, minor_px: 0.1, angle_deg: 80.0, hz: 5.2, velocity_rms_mm_s: 5.0, steady: true };

/// A plant that stands still but for its heartbeat.
struct Fake {
    _dir: tempfile::TempDir,
    plc: VirtualPlc,
    steady: bool,
    beat: std::cell::Cell<u16>,
    coil: bool,
}

impl Fake {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let plc = VirtualPlc::open(dir.path().join("plc.tty")).expect("a line");
        Self { _dir: dir, plc, steady: true, beat: std::cell::Cell::new(0), coil: false }
    }
}

impl Known for Fake {
    fn truth(&self, _: &str, _: Mono, _: Mono) -> Option<Truth> {
        Some(Truth { steady: self.steady, ..TRUTH })
    }
    fn plc(&self) -> PlcSnapshot {
        self.beat.set(self.beat.get() + 1);
        let coils: Vec<u16> = if self.coil { ASSETS.iter().map(|a| a.alarm_coil).collect() } else { Vec::new() };
        self.plc.snapshot().with(&coils, &[(HEARTBEAT_REGISTER, self.beat.get())])
    }
    fn postgres_text(&self) -> String {
        "PostgreSQL runs".into()
    }
}

fn reading(at: Mono, error_px: f64) -> Reading {
    Reading {
        at,
        dx_px: 0.0,
        dy_px: 0.0,
        displacement_pp_px: 1.0,
        displacement_rms_px: 0.35,
        displacement_pp_mm: None,
        displacement_rms_mm: None,
        velocity_rms_mm_s: Some(5.1),
        tone: Some(Tone {
            hz: 5.201,
            sigma_hz: 0.002,
            major_px: 0.5 + error_px,
            minor_px: 0.1,
            angle_deg: 80.0,
            sigma_px: 0.01,
        }),
        uncertainty_px: 0.02,
        grade: Grade::Good,
        reasons: Vec::new(),
        aliased: Some(false),
        folded_hz: None,
        harmonics: std::sync::Arc::default(),
        alias: None,
        turn_rms_rad: None,
        left_out: 0.0,
        smallest_px: 0.01,
        samples: 200,
        ..Reading::default()
    }
}

fn roi(id: &str, at: Mono, error_px: f64) -> Arc<RoiBoard> {
    Arc::new(RoiBoard {
        id: id.into(),
        role: Role::Asset,
        rect: [0, 0, 64, 64],
        reading: Some(Arc::new(reading(at, error_px))),
        level: Level::Normal,
        running: Some(true),
        fault: None,
        limits: Arc::new([]),
        nominal_hz: None,
        waveform: Arc::default(),
        spectrum: Arc::default(),
        spectrogram: Arc::default(),
        trend: Arc::new([]),
        trend_quantity: Quantity::VelocityRmsMmS,
        baseline: None,
        learning: None,
    })
}

fn camera(now: Now, error_px: f64) -> Arc<CameraBoard> {
    let report = CameraReport {
        index: 0,
        state: CameraState::Live,
        since: now,
        text: None,
        codec: None,
        size: None,
        fps: Some(25.0),
        latency_ms_p50: None,
        latency_ms_p99: None,
        jitter_ms: None,
        lost_frames: 0,
        bitrate_kbps: None,
        reconnects: 0,
        last_frame: None,
        picture: Picture::Clear,
        sharpness: None,
        roi_faults: Vec::new(),
        attempts: Vec::new(),
        dropped_samples: 0,
    };
    Arc::new(CameraBoard {
        compensations: crate::model::compensation::Compensations::default(),
        id: "deck".into(),
        name: "deck".into(),
        url: "rtsp://x".into(),
        expected_fps: None,
        scale_mm_per_px: None,
        scale_unkept: None,
        record: false,
        report: Some(Arc::new(report)),
        rois: ASSETS.iter().map(|a| roi(a.id, now.mono, error_px)).collect(),
        sharpness_trend: Arc::new([]),
    })
}

fn run(plant: &Fake, seconds: u64, error_px: f64, with_alarm: bool) -> (String, bool) {
    let mut judge = Judge::new();
    for tenth in 0..seconds * 5 {
        let mono = Mono(0).after(Duration::from_millis(10_000 + tenth * 200));
        let now = Now { wall: Timestamp::UNIX_EPOCH, mono };
        let mut board = Board::empty("BF2", "demo", TimeZone::UTC, now);
        board.cameras = vec![camera(now, error_px)];
        board.journal.events = 2;
        if with_alarm {
            board.events = Arc::new(events());
        }
        judge.look(&board, plant);
    }
    judge.report()
}

fn events() -> [Event; 2] {
    let raised = EventKind::AlarmRaised {
        alarm: "deck-bearing.velocity_rms_mm_s".into(),
        source: "deck-bearing".into(),
        topic: Topic::Vibration,
        priority: Priority::High,
        value: None,
        limit: None,
        unit: "mm/s".into(),
        text: "".into(),
        advice: "".into(),
    };
    let returned = EventKind::AlarmReturned { alarm: "deck-bearing.velocity_rms_mm_s".into(), value: None };
    [raised, returned]
        .map(|kind| Event { seq: 1, at: Timestamp::UNIX_EPOCH, kind })
        .map(|e| Event { seq: if matches!(e.kind, EventKind::AlarmReturned { .. }) { 2 } else { 1 }, ..e })
}

#[test]
fn an_engine_that_is_right_passes() {
    let (text, good) = run(&Fake::new(), 30, 0.012, true);
    assert!(good, "{text}");
    assert!(text.contains("1 raised, 1 returned"), "events are counted once: {text}");
}

#[test]
fn wrong_amplitudes_are_named() {
    let (text, good) = run(&Fake::new(), 30, 0.05, true);
    assert!(!good);
    assert!(text.contains("deck-bearing: amplitude is 5.0 stated uncertainties off"), "{text}");
}

#[test]
fn a_missing_alarm_counts_only_in_a_long_run() {
    let (text, good) = run(&Fake::new(), 30, 0.0, false);
    assert!(!good && text.contains("no vibration alarm"), "{text}");
    assert!(run(&Fake::new(), 20, 0.0, false).1);
}

#[test]
fn a_wrong_coil_and_a_region_never_steady_are_named() {
    let mut plant = Fake::new();
    plant.coil = true;
    plant.steady = false;
    let (text, good) = run(&plant, 20, 0.0, false);
    assert!(!good);
    assert!(text.contains("alarm coil differed") && text.contains("never steady"), "{text}");
}
