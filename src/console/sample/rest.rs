//! Sample host, indicators, logs, database, events and alarms.

use std::sync::Arc;
use std::time::Duration;

use super::ago;
use crate::model::alarm::{Alarm, AlarmState, Priority, Topic};
use crate::model::board::{
    Board, Group, HistorianBoard, HistorianState, Indicator, IndicatorState, JournalBoard, Sense,
};
use crate::model::camera::CameraState;
use crate::model::event::{Event, EventKind};
use crate::model::host::{Disk, HostReport, Interface};
use crate::model::logs::{LogLine, LogPattern, LogReport, LogSource, PatternReport, Severity, Spike};

const GIB: u64 = 1 << 30;
const HOUR: u64 = 3_600_000;

pub(super) fn host() -> HostReport {
    HostReport {
        at: ago(400),
        cpu_percent: Some(23.4),
        memory_percent: Some(41.2),
        memory_total_bytes: 16 * GIB,
        process_cpu_percent: Some(31.0),
        process_rss_bytes: Some(184 << 20),
        disks: vec![
            Disk { mount: "/".into(), free_bytes: 61 * GIB, total_bytes: 118 * GIB },
            Disk { mount: "/srv/videos".into(), free_bytes: 812 * GIB, total_bytes: 1863 * GIB },
        ],
        interfaces: vec![Interface { name: "eno1".into(), rx_bytes_s: 1.42e6, tx_bytes_s: 2.1e4, errors: 0 }],
    }
}

pub(super) fn indicators() -> Vec<Indicator> {
    type Line = (&'static str, Group, &'static str, f64, &'static str, Option<f64>, Sense);
    let lines: [Line; 17] = [
        ("cpu", Group::Host, "CPU", 23.4, "%", Some(70.0), Sense::High),
        ("memory", Group::Host, "Memory", 41.2, "%", Some(80.0), Sense::High),
        ("disk./", Group::Disks, "Free on /", 51.7, "%", Some(20.0), Sense::Low),
        ("disk./srv/videos", Group::Disks, "Free on /srv/videos", 43.6, "%", Some(20.0), Sense::Low),
        ("net.eno1.rx", Group::Network, "eno1 received", 1.42e6, "B/s", None, Sense::High),
        ("camera.deck-east.latency", Group::Cameras, "deck-east latency p99", 44.0, "ms", Some(500.0), Sense::High),
        ("camera.deck-west.latency", Group::Cameras, "deck-west latency p99", 61.0, "ms", Some(500.0), Sense::High),
        ("plc.bf2-plc.response", Group::Plc, "bf2-plc response p99", 23.9, "ms", Some(500.0), Sense::High),
        ("database.response", Group::Database, "Response", 4.2, "ms", Some(1000.0), Sense::High),
        ("database.size", Group::Database, "Size", 3.4e9, "B", None, Sense::High),
        ("database.growth", Group::Database, "Growth a day", 1.26e7, "B", None, Sense::High),
        ("database.connections", Group::Database, "Connections used", 14.0, "%", Some(80.0), Sense::High),
        ("database.longest", Group::Database, "Longest query", 0.4, "s", Some(300.0), Sense::High),
        ("database.blocked", Group::Database, "Blocked queries", 0.0, "", Some(1.0), Sense::High),
        ("database.dead", Group::Database, "Dead rows, worst table", 3.1, "%", Some(30.0), Sense::High),
        ("journal.commit", Group::Journal, "Commit", 2.1, "ms", None, Sense::High),
        ("logs.errors", Group::Logs, "Errors", 0.0, "/min", Some(5.0), Sense::High),
    ];
    let one = |(i, l): (usize, &Line)| Indicator {
        id: l.0.into(),
        group: l.1,
        name: l.2.into(),
        value: Some(l.3),
        unit: l.4,
        limit: l.5,
        sense: l.6,
        state: IndicatorState::Normal,
        at: Some(ago(400)),
        history: (0..288).map(|k| (l.3 * (1.0 + 0.15 * (k as f64 * 0.09 + i as f64).sin())) as f32).collect(),
        history_step: Duration::from_mins(5),
        forecast: (l.0 == "disk./srv/videos").then_some(Duration::from_hours(19 * 24)),
        text: None,
    };
    lines.iter().enumerate().map(one).collect()
}

pub(super) fn exceed(b: &mut Board) {
    let mut all = b.indicators.to_vec();
    if let Some(cpu) = all.first_mut() {
        cpu.value = Some(91.3);
        cpu.state = IndicatorState::Exceeded;
        cpu.text = Some("postgres uses 64 % of it; see Logs and the slow queries".into());
    }
    if let Some(latency) = all.get_mut(6) {
        latency.value = None;
        latency.state = IndicatorState::Unknown;
        latency.text = Some("the camera has not told its clock".into());
    }
    if let Some(disk) = all.get_mut(3) {
        disk.value = Some(18.2);
        disk.state = IndicatorState::Exceeded;
    }
    b.indicators = all.into();
    b.historian = HistorianBoard {
        state: HistorianState::Lost,
        text: Some("connection refused (127.0.0.1:5432)".into()),
        at: Some(ago(8000)),
        ..HistorianBoard::default()
    };
}

fn lines(all: &[(Severity, &str)]) -> Arc<[LogLine]> {
    all.iter()
        .cycle()
        .take(60)
        .enumerate()
        .map(|(i, (severity, text))| LogLine { number: i as u64 + 1, severity: *severity, text: (*text).into() })
        .collect()
}

pub(super) fn logs() -> LogReport {
    LogReport {
        at: ago(700),
        sources: vec![
            LogSource {
                path: "logs/vms.log".into(),
                own: true,
                size_bytes: Some(3_480_211),
                errors_per_min: 0.0,
                warnings_per_min: 1.0,
                lines: lines(&[
                    (Severity::Info, "2026-11-23T22:41:02.114+05:30 INFO camera deck-east: 25.0 fps, clear"),
                    (Severity::Debug, "2026-11-23T22:41:03.020+05:30 DEBUG plc bf2-plc: poll 5256213 in 17 ms"),
                    (Severity::Warn, "2026-11-23T22:41:04.310+05:30 WARN camera conveyor-head: 3 frames lost"),
                    (Severity::Info, "2026-11-23T22:41:05.000+05:30 INFO journal: committed 128 events in 2.1 ms"),
                ]),
                fault: None,
            },
            LogSource {
                path: "/var/log/postgresql/postgresql-15-main.log".into(),
                own: false,
                size_bytes: Some(18_221_004),
                errors_per_min: 2.0,
                warnings_per_min: 0.0,
                lines: lines(&[
                    (Severity::Info, "2026-11-23 22:40:11 IST [911] LOG:  checkpoint complete: wrote 214 buffers"),
                    (Severity::Error, "2026-11-23 22:40:51 IST [1207] ERROR:  canceling statement due to timeout"),
                ]),
                fault: None,
            },
            LogSource {
                path: "/var/log/syslog".into(),
                own: false,
                size_bytes: None,
                errors_per_min: 0.0,
                warnings_per_min: 0.0,
                lines: Arc::new([]),
                fault: Some("permission denied: add user vms to group adm".into()),
            },
        ],
        dropped: 0,
        patterns: patterns(),
        spike: Spike { errors: Some(2.0), usual: Some(1.0), limit: Some(6.0), text: None },
        critical: Arc::new([]),
    }
}

fn patterns() -> Arc<PatternReport> {
    let one = |source: &str, template: &str, severity, count, days: u64, per_hour, week_ago, new| LogPattern {
        source: source.into(),
        template: template.into(),
        severity,
        count,
        first_seen: ago(days * 86_400_000).wall,
        last_seen: ago(4000).wall,
        per_hour,
        week_ago,
        new,
    };
    let postgres = "postgresql-<n>-main.log";
    let patterns = vec![
        one(
            postgres,
            "IST [<n>] ERROR: could not extend file <path>: No space left on device",
            Severity::Error,
            3,
            0,
            3.0,
            Some(0.0),
            true,
        ),
        one(
            postgres,
            "IST [<n>] ERROR: canceling statement due to timeout",
            Severity::Error,
            214,
            61,
            12.0,
            Some(2.0),
            false,
        ),
        one("vms.log", "WARN camera <*> <n> frames lost", Severity::Warn, 9120, 200, 31.0, Some(29.0), false),
        one(
            "vms.log",
            "INFO journal: committed <n> events in <n> ms",
            Severity::Info,
            1_840_221,
            200,
            3600.0,
            None,
            false,
        ),
    ];
    let since = Some(ago(200 * 86_400_000).wall);
    Arc::new(PatternReport { patterns: patterns.into(), known: 4, forgotten: 0, since, fault: None })
}

pub(super) fn historian() -> HistorianBoard {
    HistorianBoard {
        state: HistorianState::Live,
        response_ms: Some(4.2),
        size_bytes: Some(3_400_000_000),
        server: Some("PostgreSQL 15.18".into()),
        text: None,
        at: Some(ago(900)),
    }
}

pub(super) fn journal() -> JournalBoard {
    JournalBoard {
        events: 184_223,
        last_event: Some(ago(16_000).wall),
        durable_seq: 184_223,
        waiting: 0,
        dropped: 0,
        size_bytes: Some(96 << 20),
        commit_ms: Some(2.1),
        fault: None,
    }
}

pub(super) fn events() -> Vec<Event> {
    let state = |state, text: &str| EventKind::Camera { camera: "conveyor-head".into(), state, text: text.into() };
    let kinds = vec![
        (3 * HOUR, state(CameraState::Lost, "no frame for 2 s")),
        (3 * HOUR - 9000, state(CameraState::Live, "frames again after 9 s")),
        (
            HOUR,
            EventKind::RunFinished {
                run: 41,
                task: "logs".into(),
                who: "r.kumar".into(),
                passed: true,
                abandoned: false,
                record: None,
            },
        ),
        (16_000, EventKind::Note { text: "shift change".into() }),
    ];
    let event =
        |(i, (back, kind)): (usize, (u64, EventKind))| Event { seq: 184_220 + i as u64, at: ago(back).wall, kind };
    kinds.into_iter().enumerate().map(event).collect()
}

pub(super) fn alarms() -> Vec<Alarm> {
    type Line = (
        &'static str,
        &'static str,
        Topic,
        Priority,
        AlarmState,
        u64,
        Option<(f64, f64)>,
        &'static str,
        &'static str,
        &'static str,
    );
    let all: [Line; 5] = [
        (
            "east-bearing.velocity_rms_mm_s",
            "east-bearing",
            Topic::Vibration,
            Priority::High,
            AlarmState::ActiveUnacknowledged,
            14_000,
            Some((8.34, 7.1)),
            "mm/s",
            "east-bearing: velocity 8.34 above 7.10 mm/s",
            "Look at the bearing of screen 1; slow the screen down if it rises further.",
        ),
        (
            "camera.conveyor-head",
            "conveyor-head",
            Topic::Camera,
            Priority::Medium,
            AlarmState::ActiveUnacknowledged,
            252_000,
            None,
            "",
            "conveyor-head: no stream, no answer within 2 s",
            "Check the camera's power and its network cable.",
        ),
        (
            "resource.cpu",
            "cpu",
            Topic::Resource,
            Priority::Low,
            AlarmState::ReturnedUnacknowledged,
            1_920_000,
            Some((64.0, 70.0)),
            "%",
            "CPU was above 70 %",
            "See Resources for what used it.",
        ),
        (
            "plc.stove-plc",
            "stove-plc",
            Topic::Plc,
            Priority::High,
            AlarmState::ActiveAcknowledged,
            96_000,
            None,
            "",
            "stove-plc: /dev/ttyUSB1 is gone",
            "Check the USB converter and its cable.",
        ),
        (
            "resource.disk./srv/videos",
            "disk./srv/videos",
            Topic::Resource,
            Priority::Medium,
            AlarmState::ActiveAcknowledged,
            5_400_000,
            Some((18.2, 20.0)),
            "%",
            "Free on /srv/videos 18.2 below 20 %",
            "Remove old recordings or lower keep_at_most.",
        ),
    ];
    let one = |l: &Line| Alarm {
        id: l.0.into(),
        source: l.1.into(),
        topic: l.2,
        priority: l.3,
        state: l.4,
        since: ago(l.5).wall,
        returned: (l.4 == AlarmState::ReturnedUnacknowledged).then(|| ago(1_200_000).wall),
        value: l.6.map(|v| v.0),
        limit: l.6.map(|v| v.1),
        unit: l.7.into(),
        text: l.8.into(),
        advice: l.9.into(),
        acknowledged_by: (l.4 == AlarmState::ActiveAcknowledged).then(|| "r.kumar".into()),
        acknowledging: false,
    };
    all.iter().map(one).collect()
}
