//! What the status says of boards.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::base::clock::{Mono, Now};
use crate::model::camera::CameraReport;
use crate::model::vibration::Tone;

fn reading(grade: Grade) -> Reading {
    Reading {
        at: Mono(0),
        dx_px: 0.123_456_789_012,
        dy_px: -1.0 / 3.0,
        displacement_pp_px: 2.0,
        displacement_rms_px: 0.7,
        displacement_pp_mm: None,
        displacement_rms_mm: None,
        velocity_rms_mm_s: None,
        tone: Some(Tone { hz: 6.25, sigma_hz: 0.01, major_px: 1.0, minor_px: 0.1, angle_deg: 90.0, sigma_px: 0.01 }),
        uncertainty_px: 0.02,
        grade,
        reasons: vec![Reason::NoBackground],
        aliased: None,
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

fn report(state: CameraState) -> CameraReport {
    CameraReport {
        index: 0,
        state,
        since: Now::default(),
        text: None,
        codec: Some("H264".into()),
        size: Some((1920, 1080)),
        fps: Some(25.000_000_001),
        latency_ms_p50: None,
        latency_ms_p99: None,
        jitter_ms: Some(f64::NAN),
        lost_frames: 0,
        bitrate_kbps: Some(4000.0),
        reconnects: 1,
        last_frame: Some(Now::default()),
        picture: Picture::Clear,
        sharpness: None,
        roi_faults: vec![],
        attempts: vec![],
        dropped_samples: 0,
    }
}

fn board(state: CameraState, grade: Grade) -> Board {
    let mut b = Board::empty("BF2", "n1", TimeZone::UTC, Now::default());
    let roi = RoiBoard {
        id: "east".into(),
        role: Role::Asset,
        rect: [0, 0, 64, 64],
        reading: Some(Arc::new(reading(grade))),
        level: Level::Normal,
        running: None,
        fault: None,
        limits: Arc::new([]),
        nominal_hz: None,
        waveform: Arc::default(),
        spectrum: Arc::default(),
        spectrogram: Arc::default(),
        trend: Arc::new([]),
        trend_quantity: Quantity::DisplacementPpPx,
        baseline: None,
        learning: None,
    };
    b.cameras = vec![Arc::new(CameraBoard {
        compensations: crate::model::compensation::Compensations::default(),
        id: "cam".into(),
        name: "Cam".into(),
        url: "rtsp://h/s".into(),
        expected_fps: Some(25.0),
        scale_mm_per_px: None,
        scale_unkept: None,
        record: true,
        report: Some(Arc::new(report(state))),
        rois: vec![Arc::new(roi)],
        sharpness_trend: Arc::new([]),
    })];
    b
}

fn of(b: &Board) -> Value {
    serde_json::to_value(status(b)).unwrap()
}

#[test]
fn an_empty_board_knows_nothing_and_says_so() {
    let s = of(&Board::empty("BF2", "n1", TimeZone::UTC, Now::default()));
    let keys: Vec<&str> = s.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "time",
            "site",
            "node",
            "time_zone",
            "engine",
            "cameras",
            "plcs",
            "resources",
            "historian",
            "journal",
            "alarms",
            "maintenance",
            "start",
            "mail",
            "recordings"
        ]
    );
    assert_eq!(s["time"], "1970-01-01T00:00:00Z");
    assert_eq!(s["engine"]["state"], "starting");
    assert_eq!(s["resources"]["cpu_percent"], Value::Null);
    assert_eq!(s["resources"]["log_errors_per_min"], Value::Null);
    assert_eq!(s["historian"]["state"], "off");
    assert_eq!((&s["start"]["state"], &s["start"]["restart"]), (&json!("unexpected"), &Value::Null));
    assert_eq!((&s["mail"]["on"], &s["mail"]["last_sent"]), (&json!(false), &Value::Null));
    assert_eq!(s["recordings"], json!({ "files": null, "bytes": null }));
}

#[test]
fn a_live_region() {
    let s = of(&board(CameraState::Live, Grade::Reduced));
    let cam = &s["cameras"][0];
    assert_eq!(
        (&cam["state"], &cam["fps"], &cam["width"], &cam["picture"]),
        (&json!("live"), &json!(25.0), &json!(1920), &json!("clear"))
    );
    assert_eq!(cam["jitter_ms"], Value::Null);
    let roi = &cam["rois"][0];
    assert_eq!(roi["dx_px"], 0.123_457);
    assert_eq!(roi["dy_px"], -0.333_333);
    assert_eq!((&roi["quality"], &roi["reasons"]), (&json!("reduced"), &json!(["no-background"])));
    assert_eq!(
        (&roi["peak_hz"], &roi["peak_amplitude_px"], &roi["aliased"]),
        (&json!(6.25), &json!(1.0), &Value::Null)
    );
    assert_eq!((&roi["state"], &roi["role"]), (&json!("normal"), &json!("asset")));
}

#[test]
fn what_cannot_be_trusted_or_is_old_is_null() {
    let untrusted = of(&board(CameraState::Live, Grade::Untrusted));
    let lost = of(&board(CameraState::Lost, Grade::Good));
    for s in [untrusted, lost] {
        let roi = &s["cameras"][0]["rois"][0];
        for key in ["dx_px", "displacement_pp_px", "velocity_rms_mm_s", "peak_hz", "peak_amplitude_px"] {
            assert_eq!(roi[key], Value::Null, "{key}");
        }
        assert_eq!(roi["quality"], "untrusted");
    }
    let lost = of(&board(CameraState::Lost, Grade::Good));
    assert_eq!((&lost["cameras"][0]["fps"], &lost["cameras"][0]["picture"]), (&Value::Null, &json!("unknown")));
    assert_eq!(lost["cameras"][0]["last_frame"], "1970-01-01T00:00:00Z");
}

#[test]
fn plcs_hosts_and_alarms() {
    let mut b = board(CameraState::Live, Grade::Good);
    let tag = |id: &str, value| crate::model::bus::TagValue {
        id: id.into(),
        table: crate::model::bus::Table::Coil,
        address: 0,
        access: crate::model::bus::Access::Read,
        value,
        at: None,
        wanted: None,
    };
    let report = crate::model::bus::PlcReport {
        index: 0,
        state: PlcState::Degraded,
        since: Now::default(),
        text: Some("late".into()),
        polls: 10,
        errors: 2,
        timeouts: 1,
        crc_errors: 1,
        exceptions: 0,
        reopens: 0,
        response_ms_p50: Some(1.0 / 3.0),
        response_ms_p99: None,
        last_answer: None,
        tags: vec![tag("run", Some(1)), tag("speed", None)],
        dropped_frames: 0,
    };
    b.plcs = vec![Arc::new(PlcBoard {
        id: "p".into(),
        port: "COM3".into(),
        unit: 1,
        line: "19200 8E1".into(),
        report: Some(Arc::new(report)),
        response_trend: Arc::new([]),
    })];
    b.host = Some(Arc::new(crate::model::host::HostReport {
        at: Now::default(),
        cpu_percent: Some(12.345_678_9),
        memory_percent: None,
        memory_total_bytes: 1,
        process_cpu_percent: None,
        process_rss_bytes: None,
        disks: vec![crate::model::host::Disk { mount: "/".into(), free_bytes: 1, total_bytes: 3 }],
        interfaces: vec![],
    }));
    b.alarms = Arc::new([crate::model::alarm::Alarm {
        id: "east.velocity_rms_mm_s".into(),
        source: "east".into(),
        topic: Topic::Vibration,
        priority: Priority::High,
        state: AlarmState::ActiveUnacknowledged,
        since: Timestamp::UNIX_EPOCH,
        returned: None,
        value: Some(8.0),
        limit: Some(7.1),
        unit: "mm/s".into(),
        text: "text".into(),
        advice: "advice".into(),
        acknowledged_by: None,
        acknowledging: false,
    }]);
    let s = of(&b);
    let plc = &s["plcs"][0];
    assert_eq!(
        (&plc["state"], &plc["crc_errors"], &plc["response_ms_p50"]),
        (&json!("degraded"), &json!(1), &json!(0.333_333))
    );
    assert_eq!(plc["tags"], json!({ "run": 1, "speed": null }));
    assert_eq!(s["resources"]["cpu_percent"], 12.3457);
    assert_eq!(s["resources"]["disks"], json!([{ "mount": "/", "free_percent": 33.3333, "free_bytes": 1 }]));
    let alarm = &s["alarms"][0];
    assert_eq!(
        (&alarm["state"], &alarm["priority"], &alarm["limit"]),
        (&json!("active-unacknowledged"), &json!("high"), &json!(7.1))
    );
}

#[test]
fn times_to_the_millisecond() {
    assert_eq!(ms("2026-01-02T03:04:05.123456789Z".parse().unwrap()).to_string(), "2026-01-02T03:04:05.123Z");
}

#[test]
fn six_digits() {
    for (v, want) in
        [(1_234.567_89, 1234.57), (0.000_123_456_789, 0.000_123_457), (-2.0, -2.0), (0.0, 0.0), (1e20, 1e20)]
    {
        assert_eq!(six(v), Some(want));
    }
    assert_eq!(six(f64::INFINITY), None);
    assert_eq!(six(1e-300), Some(0.0));
}
