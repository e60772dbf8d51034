//! Tones faster than half the frame rate, through a rolling shutter: what they really are, told from one frame rate.
#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use std::f64::consts::TAU;

use vms::model::vibration::{Grade, Reading, Reason, Role, Sample};
use vms::vibration::analyze::{AnalyzerSpec, WINDOW_S};
use vms::vibration::{Analyzer, FrameMeter, Luma, RegionSpec};

const FPS: f64 = 25.0;
/// Rows of the camera's whole picture; the region's part of it is drawn.
const ROWS: f64 = 1080.0;
/// The same of a small picture, of which the region is a great part.
const FEW_ROWS: f64 = 320.0;
const WIDTH: usize = 96;
const HEIGHT: usize = 288;
const REGION: [u32; 4] = [16, 16, 64, 256];

/// Repeatable noise of about unit variance.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let uniform = |s: &mut u64| {
            *s = s.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*s >> 40) as f64 / (1u64 << 24) as f64 - 0.5
        };
        (0..4).map(|_| uniform(&mut self.0)).sum::<f64>() * 3f64.sqrt()
    }
}

/// A machine and the camera that looks at it.
#[derive(Clone, Copy)]
struct Scene {
    /// The motion's frequency.
    hz: f64,
    /// From the first to the last of the picture's rows.
    readout_s: f64,
    /// Rows of the picture.
    rows: f64,
    /// Turn about the region's centre with the motion, rad per unit of it: in phase, and a quarter turn later.
    turn: (f64, f64),
}

/// The reading after ten seconds; `known` is the readout that the analyzer is told.
fn read(scene: Scene, known: Option<f64>) -> Reading {
    let mut noise = Noise(41);
    let waves: Vec<(f64, f64, f64)> = (0..10)
        .map(|_| {
            let (f, a) = (0.05 + 0.15 * (noise.next() * 0.3 + 0.5).clamp(0.0, 1.0), noise.next() * TAU);
            (TAU * f * a.cos(), TAU * f * a.sin(), noise.next() * TAU)
        })
        .collect();
    let mut meter = FrameMeter::new(&[RegionSpec { rect: REGION, role: Role::Asset }]);
    let mut analyzer = Analyzer::new(AnalyzerSpec {
        expected_fps: FPS,
        window_s: WINDOW_S,
        scale_mm_per_px: Some(0.5),
        coded: false,
        exposure_s: None,
        readout_s: known,
    });
    analyzer.picture_rows = Some(scene.rows as u32);
    analyzer.region_rows = Some(REGION[3]);
    let mut reading = None;
    let mut picture = vec![0u8; WIDTH * HEIGHT];
    for i in 0..260u32 {
        for (row, line) in picture.chunks_exact_mut(WIDTH).enumerate() {
            let t = f64::from(i) / FPS + row as f64 * scene.readout_s / scene.rows;
            let (sin, cos) = (TAU * scene.hz * t).sin_cos();
            let turn = scene.turn.0 * sin + scene.turn.1 * cos;
            for (x, v) in line.iter_mut().enumerate() {
                let (rx, ry) = (x as f64 - WIDTH as f64 / 2.0, row as f64 - HEIGHT as f64 / 2.0);
                let (px, py) = (x as f64 - 0.4 * sin + turn * ry, row as f64 - 0.25 * sin - turn * rx);
                let grey: f64 = waves.iter().map(|(a, b, p)| (a * px + b * py + p).sin()).sum();
                *v = (128.0 + 11.0 * grey + 1.5 * noise.next()).round().clamp(0.0, 255.0) as u8;
            }
        }
        let track = meter.measure(&Luma::new(&picture, WIDTH, WIDTH, HEIGHT).unwrap())[0];
        let sample = track.sample(Sample { frame: i.into(), t_s: f64::from(i) / FPS, ..Sample::default() });
        analyzer.push(&sample);
        reading = analyzer.read(&sample);
    }
    reading.unwrap()
}

const STILL: (f64, f64) = (0.0, 0.0);

#[test]
fn with_the_readout_known_the_true_frequency_weighs_most() {
    for hz in [8.8, 16.2, 33.8] {
        let r = read(Scene { hz, readout_s: 0.02, rows: ROWS, turn: STILL }, Some(0.02));
        assert!((r.tone.unwrap().hz - 8.8).abs() < 0.01, "all are seen at 8.8 Hz");
        let alias = r.alias.unwrap();
        println!("{hz} Hz: {:?} because {}", alias.candidates, alias.words());
        assert!((alias.candidates[0].hz - hz).abs() < 0.05 && alias.candidates[0].weight > 0.9, "{hz}: {alias:?}");
        let folded = hz > FPS / 2.0;
        assert_eq!(alias.suspected, folded);
        assert_eq!(r.aliased, folded.then_some(true));
        assert_eq!(r.reasons.contains(&Reason::SuspectedAlias), folded);
        assert_eq!(r.grade == Grade::Poor, folded, "{:?}", r.reasons);
    }
}

#[test]
fn without_it_the_family_is_told() {
    let alias = |hz| read(Scene { hz, readout_s: 0.02, rows: ROWS, turn: STILL }, None).alias.unwrap();
    let of = alias(16.2);
    println!("16.2 Hz: {of:?}");
    assert!(of.suspected && of.candidates.iter().all(|c| (c.hz + 8.8).rem_euclid(FPS).min(1.0) < 0.1), "{of:?}");
    for hz in [8.8, 33.8] {
        let of = alias(hz);
        println!("{hz} Hz: {of:?}");
        assert!(of.candidates.iter().any(|c| (c.hz - hz).abs() < 0.05), "{of:?}");
        assert!(of.candidates.iter().all(|c| (c.hz - 8.8 + 1.0).rem_euclid(FPS) < 1.1), "{of:?}");
        // At 8.8 Hz such a slope would take a readout of 77 ms, longer than a frame: that much is known.
        assert_eq!(of.suspected, hz > FPS / 2.0, "what is possible is not claimed to be an alias");
    }
}

#[test]
fn a_slow_machine_that_turns_is_no_alias() {
    for (readout_s, known, turn) in [
        (0.0, None, (2e-3, 0.0)),
        (0.0, None, (0.0, 2e-3)),
        (0.0, Some(0.02), (1e-3, 1e-3)),
        (0.02, Some(0.02), (1e-3, -1e-3)),
        (0.02, None, (1e-3, -1e-3)),
    ] {
        let r = read(Scene { hz: 8.8, readout_s, rows: ROWS, turn }, known);
        println!("turn {turn:?}, readout {readout_s}: {:?}, turn {:?}", r.alias, r.turn_rms_rad);
        assert!(r.alias.as_ref().is_none_or(|a| !a.suspected) && r.aliased.is_none(), "{:?}", r.alias);
        let turned = turn.0.hypot(turn.1) / 2f64.sqrt();
        // What the shutter leans the picture by looks like half a turn of it.
        assert!(readout_s > 0.0 || (r.turn_rms_rad.unwrap() / turned - 1.0).abs() < 0.1);
    }
}

#[test]
fn in_a_tall_region_the_rows_show_different_times() {
    // From the first row of the region to the last passes 0.39 of a turn of 16.2 Hz, 0.21 of one of 8.8 Hz.
    let (readout_s, amplitude) = (0.03, 0.4f64.hypot(0.25));
    let tall = |hz| Scene { hz, readout_s, rows: FEW_ROWS, turn: STILL };
    let left = |hz: f64| {
        let phase = std::f64::consts::PI * hz * readout_s * f64::from(REGION[3]) / FEW_ROWS;
        phase.sin() / phase
    };
    for hz in [8.8, 16.2] {
        let (known, unknown) = (read(tall(hz), Some(readout_s)), read(tall(hz), None));
        println!("{hz} Hz: {:?} {:?}; {:?} {:?}", known.tone, known.reasons, unknown.tone, unknown.reasons);
        let alias = known.alias.as_ref().unwrap();
        assert!((alias.candidates[0].hz - hz).abs() < 0.05 && alias.candidates[0].weight > 0.9, "{hz}: {alias:?}");
        assert_eq!(alias.suspected, hz > FPS / 2.0);
        // Where it is not known how long the readout takes, the loss is not put back, but told and counted.
        let tone = unknown.tone.unwrap();
        assert!((tone.major_px / (left(hz) * amplitude) - 1.0).abs() < 0.03, "{hz}: {tone:?}");
        assert!((tone.major_px - amplitude).abs() < 2.0 * tone.sigma_px, "{hz}: {tone:?}");
        assert!(unknown.reasons.contains(&Reason::RollingShutter) && unknown.grade >= Grade::Reduced);
    }
    // Of 0.81 of a turn a fifth is left.
    let least = read(tall(33.8), None);
    println!("33.8 Hz: {:?} {:?}", least.tone, least.reasons);
    let tone = least.tone.unwrap();
    assert!((tone.major_px - amplitude).abs() < 2.0 * tone.sigma_px && least.grade == Grade::Poor, "{tone:?}");
    let known = read(tall(8.8), Some(readout_s));
    let velocity = std::f64::consts::TAU * 8.8 * amplitude / 2f64.sqrt();
    assert!((known.velocity_rms_mm_s.unwrap() / (0.5 * velocity) - 1.0).abs() < 0.02, "{known:?}");
    assert!((known.tone.unwrap().major_px / amplitude - 1.0).abs() < 0.01, "{:?}", known.tone);
    assert!(!known.reasons.contains(&Reason::RollingShutter), "{:?}", known.reasons);
}
