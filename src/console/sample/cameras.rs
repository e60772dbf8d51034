//! Sample cameras, regions and a picture.

use std::f64::consts::TAU;
use std::sync::Arc;

use super::{ago, now};
use crate::base::clock::{Mono, Now};
use crate::model::baseline::{BandDeviation, Baseline, Deviation, Usual};
use crate::model::camera::{Attempt, CameraBoard, CameraReport, CameraState, Picture, Snapshot};
use crate::model::compensation::Taken;
use crate::model::quantity::Quantity;
use crate::model::vibration::{
    Grade, Level, LimitKind, LimitMark, Reading, Reason, RoiBoard, Role, Spectrogram, Spectrum, Tone, Waveform,
};

/// id, name, fps, p50, p99, jitter, lost, kbit/s, reconnects, sharpness
type Line = (&'static str, &'static str, f64, f64, f64, f64, u64, f64, u64, f64);

const LINES: [Line; 4] = [
    ("deck-east", "Screen deck, east", 25.0, 33.0, 44.0, 1.2, 0, 4012.0, 0, 0.312),
    ("deck-west", "Screen deck, west", 24.9, 35.0, 61.0, 2.4, 3, 3870.0, 1, 0.287),
    ("conveyor-head", "Charging conveyor, head drum", 25.0, 41.0, 118.0, 6.8, 17, 2214.0, 4, 0.198),
    ("hot-blast-main", "Hot blast main, expansion joint", 12.5, 58.0, 92.0, 3.1, 0, 1208.0, 0, 0.254),
];

pub(super) fn live() -> Vec<Arc<CameraBoard>> {
    LINES.iter().enumerate().map(|(i, l)| Arc::new(camera(i, l))).collect()
}

fn camera(i: usize, l: &Line) -> CameraBoard {
    let report = CameraReport {
        index: i as u16,
        state: CameraState::Live,
        since: ago(3_600_000 * (5 + i as u64)),
        text: None,
        codec: Some("H264".into()),
        size: Some(if i == 3 { (1280, 720) } else { (1920, 1080) }),
        fps: Some(l.2),
        latency_ms_p50: Some(l.3),
        latency_ms_p99: Some(l.4),
        jitter_ms: Some(l.5),
        lost_frames: l.6,
        bitrate_kbps: Some(l.7),
        reconnects: l.8,
        last_frame: Some(ago(40)),
        picture: Picture::Clear,
        sharpness: Some(l.9),
        roi_faults: Vec::new(),
        attempts: Vec::new(),
        dropped_samples: 0,
    };
    CameraBoard {
        compensations: crate::model::compensation::Compensations::default(),
        id: l.0.into(),
        name: l.1.into(),
        url: format!("rtsp://10.20.0.{}:554/stream1", 11 + i).into(),
        expected_fps: Some(if i == 3 { 12.5 } else { 25.0 }),
        scale_mm_per_px: (i != 3).then_some(0.42),
        scale_unkept: None,
        record: i < 2,
        report: Some(Arc::new(report)),
        rois: regions(i),
        sharpness_trend: (0..120).map(|k| (l.9 * (1.0 + 0.04 * (f64::from(k) * 0.31).sin())) as f32).collect(),
    }
}

fn regions(camera: usize) -> Vec<Arc<RoiBoard>> {
    let one = |id: &str, role, rect, hz: f64, px: f64| Arc::new(region(id, role, rect, hz, px));
    match camera {
        0 => vec![
            one("east-bearing", Role::Asset, [820, 410, 128, 128], 16.2, 1.84),
            one("east-spring", Role::Asset, [1180, 560, 128, 160], 16.2, 2.31),
            one("east-wall", Role::Background, [120, 90, 160, 160], 0.0, 0.03),
        ],
        1 => vec![
            one("west-bearing", Role::Asset, [760, 430, 128, 128], 16.1, 1.52),
            one("west-wall", Role::Background, [1600, 80, 160, 160], 0.0, 0.04),
        ],
        2 => vec![one("head-drum", Role::Asset, [640, 380, 192, 192], 2.44, 0.62)],
        _ => vec![one("expansion-joint", Role::Asset, [420, 240, 96, 96], 0.31, 0.27)],
    }
}

fn baseline(hz: f64, px: f64) -> Baseline {
    let usual = |median: f64, share: f64| Usual { median, spread: median * share };
    let velocity = px * 0.42 / 2.83 * TAU * hz.min(3.0);
    Baseline {
        learned: ago(26 * 3_600_000).wall,
        readings: 450,
        seconds: 3600,
        scale_mm_per_px: Some(0.42),
        quantities: [
            (Quantity::VelocityRmsMmS, usual(velocity * 0.93, 0.05)),
            (Quantity::DisplacementPpMm, usual(px * 0.42 * 0.95, 0.06)),
            (Quantity::PeakHz, usual(hz, 0.005)),
        ]
        .into(),
        band_hz: (0.4, 12.5),
        bands_px: vec![usual(0.02, 0.1); 12],
    }
}

fn region(id: &str, role: Role, rect: [u32; 4], hz: f64, px: f64) -> RoiBoard {
    let tone = (hz > 0.0).then_some(Tone {
        hz,
        sigma_hz: 0.004,
        major_px: px / 2.0,
        minor_px: px / 7.0,
        angle_deg: 78.0,
        sigma_px: 0.006,
    });
    let reading = Reading {
        at: Mono(now().mono.0 - 40_000_000),
        dx_px: px * 0.11,
        dy_px: px * -0.32,
        displacement_pp_px: px,
        displacement_rms_px: px / 2.83,
        displacement_pp_mm: Some(px * 0.42),
        displacement_rms_mm: Some(px * 0.42 / 2.83),
        velocity_rms_mm_s: tone.map(|t| px * 0.42 / 2.83 * TAU * t.hz.min(3.0)),
        tone,
        uncertainty_px: 0.012,
        grade: Grade::Good,
        reasons: Vec::new(),
        aliased: Some(hz > 12.5),
        folded_hz: (hz > 12.5).then_some(25.0 - hz),
        harmonics: std::sync::Arc::default(),
        alias: None,
        turn_rms_rad: None,
        left_out: 0.0,
        smallest_px: 0.012,
        samples: 256,
        deviation: (role == Role::Asset).then(|| {
            let mut quantities = [None; Quantity::ALL.len()];
            (quantities[0], quantities[1], quantities[6]) = (Some(1.51), Some(0.88), Some(0.0));
            let band = BandDeviation { from_hz: 8.47, to_hz: 9.48, spreads: 2.1 };
            Deviation { quantities, band: Some(band) }
        }),
        taken: Taken { shake_rms_px: Some(0.083), drift_px: 0.31, gain: (0.97, 1.04) },
    };
    let wave = |k: usize, phase: f64| (px / 2.0 * (TAU * hz * k as f64 / 25.0 + phase).sin()) as f32;
    let line = |k: usize, at: f64, a: f64| {
        let f = k as f64 * 12.5 / 128.0;
        (a * (-(f - at).abs() * 4.0).exp() + 0.004 + 0.002 * (k as f64 * 1.7).sin().abs()) as f32
    };
    let folded = if hz > 12.5 { 25.0 - hz } else { hz };
    RoiBoard {
        id: id.into(),
        role,
        rect,
        reading: Some(Arc::new(reading)),
        level: Level::Normal,
        running: (role == Role::Asset).then_some(true),
        fault: None,
        limits: if role == Role::Asset {
            Arc::new([
                LimitMark {
                    quantity: Quantity::VelocityRmsMmS,
                    kind: LimitKind::Value,
                    warning: Some(6.5),
                    alarm: Some(7.1),
                },
                LimitMark {
                    quantity: Quantity::DisplacementPpMm,
                    kind: LimitKind::Value,
                    warning: None,
                    alarm: Some(6.0),
                },
            ])
        } else {
            Arc::new([])
        },
        nominal_hz: (hz > 0.0).then_some(hz),
        waveform: Arc::new(Waveform {
            t_s: (0..100).map(|k| (k as f32 - 99.0) / 25.0).collect(),
            dx_px: (0..100).map(|k| wave(k, 0.6) * 0.3).collect(),
            dy_px: (0..100).map(|k| wave(k, 0.0)).collect(),
            sigma_px: vec![0.02; 100],
        }),
        spectrum: Arc::new(Spectrum {
            step_hz: 12.5 / 128.0,
            x_px: (0..128).map(|k| line(k, folded, px / 6.0)).collect(),
            y_px: (0..128).map(|k| line(k, folded, px / 2.0)).collect(),
            floor_px: 0.006,
        }),
        spectrogram: Arc::new(spectrogram(hz, px)),
        trend: (0..600).map(|k| (px * (1.6 + 0.1 * (f64::from(k) / 40.0).sin())) as f32).collect(),
        trend_quantity: Quantity::VelocityRmsMmS,
        baseline: (role == Role::Asset).then(|| Arc::new(baseline(hz, px))),
        learning: None,
    }
}

/// The first camera's region above its limit, the second blurred, the third lost, the fourth refused.
pub(super) fn alarm(cameras: &mut [Arc<CameraBoard>]) {
    for (i, c) in cameras.iter_mut().enumerate() {
        let c = Arc::make_mut(c);
        match i {
            0 => above_limit(c),
            1 => change(c, |r| {
                r.state = CameraState::Degraded;
                r.picture = Picture::Blurred;
                r.fps = Some(19.3);
                r.lost_frames = 214;
                r.sharpness = Some(0.081);
                r.text = Some("19.3 of 25 frames a second arrive; check the network to the camera".into());
            }),
            2 => gone(c, CameraState::Lost, "no frame for 2 s; trying again in 3 s", "no answer within 2 s"),
            _ => gone(
                c,
                CameraState::Refused,
                "the camera rejects user vms; set its password in vms.toml",
                "401 Unauthorized",
            ),
        }
    }
}

fn above_limit(c: &mut CameraBoard) {
    let Some(roi) = c.rois.first_mut() else { return };
    let roi = Arc::make_mut(roi);
    roi.level = Level::Alarm;
    if let Some(r) = &roi.reading {
        roi.reading = Some(Arc::new(Reading {
            velocity_rms_mm_s: Some(8.34),
            displacement_pp_mm: Some(2.92),
            displacement_pp_px: 6.95,
            ..(**r).clone()
        }));
    }
    let rise = |(k, v): (usize, &f32)| if k > 560 { v + (k as f32 - 560.0) * 0.135 } else { *v };
    roi.trend = roi.trend.iter().enumerate().map(rise).collect();
}

fn gone(c: &mut CameraBoard, state: CameraState, text: &str, outcome: &str) {
    change(c, |r| {
        r.state = state;
        r.since = ago(252_000);
        r.text = Some(text.into());
        r.fps = None;
        r.latency_ms_p50 = None;
        r.latency_ms_p99 = None;
        r.jitter_ms = None;
        r.bitrate_kbps = None;
        r.picture = Picture::Unknown;
        r.sharpness = None;
        r.last_frame = Some(ago(254_000));
        r.attempts = (1..6).rev().map(|k| Attempt { at: ago(k * 31_000), outcome: outcome.into() }).collect();
    });
    for roi in &mut c.rois {
        let roi = Arc::make_mut(roi);
        roi.level = Level::Unknown;
        if let Some(r) = &roi.reading {
            let at = Mono(ago(254_000).mono.0);
            let reading = Reading { at, grade: Grade::Untrusted, reasons: vec![Reason::Stale], ..(**r).clone() };
            roi.reading = Some(Arc::new(reading));
        }
    }
}

fn change(c: &mut CameraBoard, f: impl FnOnce(&mut CameraReport)) {
    if let Some(r) = &c.report {
        let mut r = (**r).clone();
        f(&mut r);
        c.report = Some(Arc::new(r));
    }
}

/// The same cameras with their newest frames and readings `ms` earlier.
pub(super) fn shift(cameras: &mut [Arc<CameraBoard>], ms: u64) {
    for c in cameras {
        let c = Arc::make_mut(c);
        change(c, |r| r.last_frame = Some(ago(ms)));
        for roi in &mut c.rois {
            let roi = Arc::make_mut(roi);
            if let Some(r) = &roi.reading {
                roi.reading = Some(Arc::new(Reading { at: ago(ms).mono, ..(**r).clone() }));
            }
        }
    }
}

/// A deck in grey: a slope, a bright frame and a dark machine.
pub(super) fn picture(at: Now) -> Snapshot {
    let (width, height) = (160_u32, 90_u32);
    let pixel = |i: u32| {
        let (x, y) = (i % width, i / width);
        let base = 60 + y + x / 4;
        let machine = (60..110).contains(&x) && (30..62).contains(&y);
        let drum = (i64::from(x) - 84).pow(2) + (i64::from(y) - 46).pow(2) < 120;
        let beam = y.abs_diff(70) < 3 || x.abs_diff(30) < 2;
        (if drum {
            230
        } else if machine {
            30 + (x % 7) * 6
        } else if beam {
            200
        } else {
            base
        }) as u8
    };
    Snapshot {
        camera: 0,
        width,
        height,
        full: (1920, 1080),
        part: [0, 0, 1920, 1080],
        luma: (0..width * height).map(pixel).collect(),
        at,
    }
}

/// Two minutes of a tone that wanders a little and was away for some seconds.
fn spectrogram(hz: f64, px: f64) -> Spectrogram {
    let seen = if hz > 12.5 { 25.0 - hz } else { hz };
    let column = |second: usize| -> Arc<[f32]> {
        if (70..76).contains(&second) {
            return Arc::new([]);
        }
        let at = (seen + 0.4 * (second as f64 / 15.0).sin()) / 12.5 * 64.0;
        (0..64).map(|band| (0.006 + px / 2.0 * (-(f64::from(band) - at).powi(2) / 2.0).exp()) as f32).collect()
    };
    Spectrogram { end_hz: 12.5, floor_px: 0.006, columns: (0..120).map(column).collect() }
}
