//! The measurement core as a whole: its bias over a pixel, its memory, its honesty, and what it does with bad pictures.
#![expect(clippy::unwrap_used, reason = "a test fails loudly")]
#![expect(unsafe_code, reason = "an allocator that counts can only be written so")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::f64::consts::TAU;

use proptest::prelude::*;
use vms::model::vibration::{Fit, Role};
use vms::vibration::luma::Luma;
use vms::vibration::tracker::{Track, Tracker};
use vms::vibration::{FrameMeter, RegionSpec};

thread_local! {
    /// Allocations of this thread.
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

/// Counts what each thread takes.
struct Counting;

// SAFETY: every call is handed to the system's allocator as it came; counting touches only a thread-local cell without a destructor, so
// it neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.with(|t| t.set(t.get() + 1));
        // SAFETY: the caller's promises are those of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `alloc` above, which is the system's.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Repeatable noise of about unit variance.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let uniform = |s: &mut u64| {
            *s = s.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*s >> 40) as f64 / (1u64 << 24) as f64 - 0.5
        };
        (0..6).map(|_| uniform(&mut self.0)).sum::<f64>() * 2f64.sqrt()
    }
}

/// Waves of many directions, at most 0.3 cycles a pixel: a texture that can be drawn at any displacement exactly.
fn waves() -> Vec<(f64, f64, f64, f64)> {
    let mut n = Noise(7);
    (0..40)
        .map(|_| {
            let (f, a) = (0.02 + 0.28 * (n.next() * 0.3 + 0.5).clamp(0.0, 1.0), n.next() * TAU);
            (TAU * f * a.cos(), TAU * f * a.sin(), n.next() * TAU, 9.0)
        })
        .collect()
}

/// A picture of the texture displaced by `d`, with noise of `sigma` grey levels.
fn picture(waves: &[(f64, f64, f64, f64)], side: usize, d: (f64, f64), sigma: f64, noise: &mut Noise) -> Vec<u8> {
    (0..side * side)
        .map(|i| {
            let (x, y) = ((i % side) as f64 - d.0, (i / side) as f64 - d.1);
            let v: f64 = waves.iter().map(|(a, b, p, s)| s * (a * x + b * y + p).sin()).sum();
            (128.0 + v + sigma * noise.next()).round().clamp(0.0, 255.0) as u8
        })
        .collect()
}

const SIDE: usize = 112;

fn luma(p: &[u8]) -> Luma<'_> {
    Luma::new(p, SIDE, SIDE, SIDE).unwrap()
}

#[test]
fn there_is_no_bias_over_a_pixel_and_no_step_at_whole_ones() {
    let (waves, mut noise) = (waves(), Noise(3));
    let mut t = Tracker::new([24, 24, 64, 64]);
    // Rest and motion first, so that the reference is made of many phases.
    for i in 0..70 {
        let d = (1.3 * (f64::from(i) * 0.7).sin(), 1.3 * (f64::from(i) * 1.1).cos() - 1.3);
        t.step(&luma(&picture(&waves, SIDE, d, 0.5, &mut noise)));
    }
    let mut errors = Vec::new();
    for k in -30..=70 {
        let d = f64::from(k) / 50.0;
        let mut sum = 0.0;
        for _ in 0..3 {
            let got = t.step(&luma(&picture(&waves, SIDE, (d, -0.6 * d), 0.5, &mut noise)));
            assert_ne!(got.fit, Fit::Lost);
            sum += got.dx_px - d;
        }
        errors.push(sum / 3.0);
    }
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let worst = errors.iter().map(|e| (e - mean).abs()).fold(0.0, f64::max);
    let step = errors.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
    println!("bias over the sweep: worst {:.2} mpx, largest step {:.2} mpx", worst * 1e3, step * 1e3);
    // The noise of a mean of three is about 0.2 mpx.
    assert!(worst < 1.2e-3 && step < 1.2e-3, "worst {worst}, step {step}");
}

#[test]
fn frames_take_no_memory_once_the_references_stand() {
    let (waves, mut noise) = (waves(), Noise(5));
    let specs = [
        RegionSpec { rect: [8, 8, 40, 40], role: Role::Asset },
        RegionSpec { rect: [56, 56, 48, 40], role: Role::Background },
    ];
    let mut meter = FrameMeter::new(&specs);
    let at = |i: usize| (0.6 * (i as f64 * 0.9).sin(), 0.4 * (i as f64 * 0.9).cos());
    let pictures: Vec<Vec<u8>> = (0..100).map(|i| picture(&waves, SIDE, at(i), 1.0, &mut noise)).collect();
    for i in 0..400 {
        meter.measure(&luma(&pictures[i % 100]));
    }
    let before = TAKEN.with(Cell::get);
    for i in 0..200 {
        let tracks = meter.measure(&luma(&pictures[i % 100]));
        assert!(tracks.iter().all(|t| t.fit == Fit::Good));
    }
    assert_eq!(TAKEN.with(Cell::get), before, "memory was taken");
}

#[test]
fn haze_takes_no_memory_either() {
    let (waves, mut noise) = (waves(), Noise(9));
    let mut t = Tracker::new([24, 24, 64, 64]);
    // A field of displacement that is smooth over some thirty pixels, anew in every frame.
    let pictures: Vec<Vec<u8>> = (0..60)
        .map(|_| {
            let phases: [f64; 8] = std::array::from_fn(|_| noise.next() * TAU);
            let at = |x: f64, y: f64, k: usize| {
                0.1 * ((x * 0.12 + phases[k]).sin() * (y * 0.1 + phases[k + 1]).sin()
                    + (x * 0.07 + phases[k + 2]).sin() * (y * 0.11 + phases[k + 3]).sin())
            };
            (0..SIDE * SIDE)
                .map(|i| {
                    let (x, y) = ((i % SIDE) as f64, (i / SIDE) as f64);
                    let (u, v) = (x - at(x, y, 0), y - at(x, y, 4));
                    let grey: f64 = waves.iter().map(|(a, b, p, s)| s * (a * u + b * v + p).sin()).sum();
                    (128.0 + 0.3 * grey + noise.next()).round().clamp(0.0, 255.0) as u8
                })
                .collect()
        })
        .collect();
    for i in 0..420 {
        t.step(&luma(&pictures[i % 60]));
    }
    let before = TAKEN.with(Cell::get);
    for i in 0..60 {
        let got = t.step(&luma(&pictures[i]));
        assert!(got.fit == Fit::Good && got.marks.hazy, "{got:?}");
    }
    assert_eq!(TAKEN.with(Cell::get), before, "memory was taken");
}

#[test]
fn steam_across_a_target_moves_it_little_and_is_told() {
    let (waves, mut noise) = (waves(), Noise(11));
    let mut t = Tracker::new([24, 24, 64, 64]);
    let (mut worst, mut told, mut beyond) = (0.0f64, 0, 0);
    for i in 0..140 {
        let d = (0.5 * (f64::from(i) * 0.8).sin(), 0.0);
        let mut p = picture(&waves, SIDE, d, 1.0, &mut noise);
        let centre = f64::from(i - 80) * 4.0 - 40.0;
        for (k, v) in p.iter_mut().enumerate() {
            let (x, y) = ((k % SIDE) as f64 - centre, (k / SIDE) as f64 - 50.0);
            let steam = 0.6 * (-(x * x + y * y) / 900.0).exp();
            *v = (f64::from(*v) * (1.0 - steam) + 205.0 * steam).round() as u8;
        }
        let got = t.step(&luma(&p));
        if i >= 70 {
            assert_ne!(got.fit, Fit::Lost, "frame {i}");
            let error = (got.dx_px - d.0).abs();
            worst = worst.max(error);
            beyond += u32::from(error > 3.0 * got.sigma_px);
            told += u32::from(got.marks.covered);
        }
    }
    println!("steam: worst {:.1} mpx, {told} frames marked, {beyond} beyond three sigma", worst * 1e3);
    assert!(worst < 0.02 && told > 15 && beyond <= 7, "{worst} {told} {beyond}");
}

#[test]
fn held_frames_are_measured_better_than_growing_references_can() {
    let (waves, mut noise) = (waves(), Noise(13));
    let at = |i: usize| (0.7 * (i as f64 * 0.77).sin(), 0.3 * (i as f64 * 0.77).cos());
    let pictures: Vec<Vec<u8>> = (0..120).map(|i| picture(&waves, SIDE, at(i), 4.0, &mut noise)).collect();
    let rms = |tracks: &[Track]| {
        let e: Vec<f64> = tracks.iter().enumerate().map(|(i, t)| t.dx_px - at(i).0).collect();
        let mean = e.iter().sum::<f64>() / e.len() as f64;
        (e.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / e.len() as f64).sqrt()
    };
    let mut live = Tracker::new([24, 24, 64, 64]);
    let grown: Vec<Track> = pictures.iter().map(|p| live.step(&luma(p))).collect();
    let mut held = Tracker::new([24, 24, 64, 64]);
    held.hold_frames(200);
    assert!(pictures.iter().all(|p| held.hold(&luma(p))));
    held.learn_held();
    let again: Vec<Track> = (0..pictures.len()).map(|i| held.again(i)).collect();
    // Later the growing reference has caught up.
    let (first, grown) = (rms(&again[..24]), rms(&grown[..24]));
    assert!(first < 0.97 * grown, "{first} against {grown}");
    assert!(rms(&again) < 2.1e-3);
    assert_eq!(held.again(10_000).fit, Fit::Lost);
}

#[test]
fn a_recording_that_froze_is_not_lost_whole() {
    let (waves, mut noise) = (waves(), Noise(77));
    let frames: Vec<Vec<u8>> = (0..100)
        .map(|i| {
            picture(
                &waves,
                SIDE,
                (0.5 * (f64::from(i) * 0.78).sin(), 0.15 * (f64::from(i) * 0.78).sin()),
                1.5,
                &mut noise,
            )
        })
        .collect();
    let specs = [RegionSpec { rect: [24, 24, 64, 64], role: Role::Asset }];
    let mut held = FrameMeter::new(&specs);
    held.hold_frames(260);
    // After the hundredth the camera repeats its picture.
    let at = |i: usize| &frames[i.min(frames.len() - 1)];
    (0..255).for_each(|i| assert!(held.hold(&luma(at(i)))));
    held.learn_held();
    for i in 0..255 {
        let track = held.again(i)[0];
        assert_eq!(track.fit == Fit::Lost, i >= frames.len(), "frame {i}");
        assert_eq!(track.marks.repeated, i >= frames.len(), "frame {i}");
    }
}

#[test]
fn a_picture_that_comes_twice_is_one_that_did_not_come() {
    let (waves, mut noise) = (waves(), Noise(21));
    let at = |i: usize| (0.5 * (i as f64 * 0.85).sin(), 0.3 * (i as f64 * 0.85).cos() - 0.3);
    let mut frames: Vec<Vec<u8>> = (0..200).map(|i| picture(&waves, SIDE, at(i), 1.0, &mut noise)).collect();
    let again = |i: usize| i >= 60 && i % 10 == 9;
    for i in (0..frames.len()).filter(|i| again(*i)) {
        frames[i] = frames[i - 1].clone();
    }
    let judge = |tracks: &[Track]| {
        for (i, t) in tracks.iter().enumerate().skip(60) {
            assert_eq!((t.marks.repeated, t.fit == Fit::Lost), (again(i), again(i)), "frame {i}: {t:?}");
            assert!(again(i) || (t.dx_px - tracks[60].dx_px - at(i).0 + at(60).0).abs() < 0.02, "frame {i}: {t:?}");
        }
    };
    let mut live = Tracker::new([24, 24, 64, 64]);
    judge(&frames.iter().map(|p| live.step(&luma(p))).collect::<Vec<_>>());
    let mut held = Tracker::new([24, 24, 64, 64]);
    held.hold_frames(200);
    assert!(frames.iter().all(|p| held.hold(&luma(p))));
    held.learn_held();
    judge(&(0..frames.len()).map(|i| held.again(i)).collect::<Vec<_>>());
    // Without noise two pictures may well be the same.
    let still = picture(&waves, SIDE, (0.0, 0.0), 0.0, &mut noise);
    let mut clean = Tracker::new([24, 24, 64, 64]);
    assert!((0..100).all(|_| clean.step(&luma(&still)).fit != Fit::Lost));
}

#[test]
fn frames_that_waited_for_the_references_are_measured_as_if_they_had_not() {
    let (waves, mut noise) = (waves(), Noise(31));
    let specs = [
        RegionSpec { rect: [8, 8, 40, 40], role: Role::Asset },
        RegionSpec { rect: [56, 56, 48, 40], role: Role::Background },
    ];
    let at = |i: usize| (0.6 * (i as f64 * 0.9).sin(), 0.4 * (i as f64 * 0.9).cos());
    let frames: Vec<Vec<u8>> = (0..160).map(|i| picture(&waves, SIDE, at(i), 1.0, &mut noise)).collect();
    let (first, next) = frames.split_at(80);
    let measured = |wait: bool| -> Vec<Track> {
        let mut meter = FrameMeter::new(&specs);
        meter.hold_frames(first.len());
        assert!(first.iter().all(|p| meter.hold(&luma(p))));
        let mut backlog = meter.backlog(next.len());
        meter.learn_held();
        if wait {
            assert!(next.iter().all(|p| backlog.push(&luma(p))));
            assert!(!backlog.push(&luma(&next[0])), "there is no more room");
        }
        for i in 0..first.len() {
            assert_eq!(meter.again(i).len(), specs.len());
        }
        let each = next.iter().enumerate();
        each.flat_map(|(i, p)| if wait { meter.measure_kept(&backlog, i) } else { meter.measure(&luma(p)) }.to_vec())
            .collect()
    };
    let (waited, at_once) = (measured(true), measured(false));
    assert_eq!(waited.len(), at_once.len());
    for (i, (a, b)) in waited.iter().zip(&at_once).enumerate() {
        assert!(a.fit == Fit::Good && a.fit == b.fit, "{i}: {a:?} {b:?}");
        assert!((a.dx_px - b.dx_px).abs() < 1e-9 && (a.dy_px - b.dy_px).abs() < 1e-9, "{i}: {a:?} {b:?}");
    }
}

#[test]
fn a_fixed_pattern_of_the_sensor_holds_a_recordings_displacement_back_no_more_than_a_streams() {
    let (waves, mut noise) = (waves(), Noise(41));
    let fixed: Vec<f64> = (0..SIDE * SIDE).map(|_| 2.5 * noise.next()).collect();
    let at = |i: usize| (0.5 * (i as f64 * 0.85).sin(), 0.3 * (i as f64 * 0.85 + 1.2).sin());
    let mut held = Tracker::new([24, 24, 64, 64]);
    held.hold_frames(256);
    for i in 0..250 {
        let mut p = picture(&waves, SIDE, at(i), 1.5, &mut noise);
        p.iter_mut().zip(&fixed).for_each(|(p, f)| *p = (f64::from(*p) + f).round().clamp(0.0, 255.0) as u8);
        assert!(held.hold(&luma(&p)));
    }
    held.learn_held();
    let tracks: Vec<Track> = (0..250).map(|i| held.again(i)).collect();
    let mean = |f: &dyn Fn(usize) -> f64| (0..250).map(f).sum::<f64>() / 250.0;
    let (seen, true_) = (mean(&|i| tracks[i].dx_px), mean(&|i| at(i).0));
    let along = mean(&|i| (tracks[i].dx_px - seen) * (at(i).0 - true_)) / mean(&|i| (at(i).0 - true_).powi(2));
    assert!((along - 1.0).abs() < 0.006, "{along} of the motion is seen");
}

/// Squares of eight pixels with hard edges as a good lens and square pixels show them: exact by their Fourier series, and much of it
/// folds.
fn squares(d: (f64, f64), sigma: f64, noise: &mut Noise) -> Vec<u8> {
    let line = |d: f64| -> Vec<f64> {
        (0..SIDE)
            .map(|i| {
                (0..16)
                    .map(|k| {
                        let n = f64::from(2 * k + 1);
                        let f = n / 16.0;
                        let passed =
                            (TAU / 2.0 * f).sin() / (TAU / 2.0 * f) * (-2.0 * (TAU / 2.0 * 0.55 * f).powi(2)).exp();
                        4.0 / (TAU / 2.0 * n) * passed * (TAU * f * (i as f64 - 1.3 - d)).sin()
                    })
                    .sum()
            })
            .collect()
    };
    let (x, y) = (line(d.0), line(d.1));
    (0..SIDE * SIDE)
        .map(|i| (125.0 + 60.0 * x[i % SIDE] * y[i / SIDE] + sigma * noise.next()).round().clamp(0.0, 255.0) as u8)
        .collect()
}

/// RMS error of both axes, the mean taken out, and the share of it within twice the stated uncertainty.
fn judged(tracks: &[Track], at: impl Fn(usize) -> (f64, f64), from: usize) -> (f64, f64) {
    let e: Vec<(f64, f64, f64)> =
        tracks.iter().enumerate().skip(from).map(|(i, t)| (t.dx_px - at(i).0, t.dy_px - at(i).1, t.sigma_px)).collect();
    let n = e.len() as f64;
    let (mx, my) = e.iter().fold((0.0, 0.0), |m, e| (m.0 + e.0 / n, m.1 + e.1 / n));
    let rms = (e.iter().map(|e| (e.0 - mx).powi(2) + (e.1 - my).powi(2)).sum::<f64>() / (2.0 * n)).sqrt();
    let within = |e: f64, sigma: f64| f64::from(u8::from(e.abs() < 2.0 * sigma));
    (rms, e.iter().map(|e| within(e.0 - mx, e.2) + within(e.1 - my, e.2)).sum::<f64>() / (2.0 * n))
}

/// What noise alone leaves of the displacement of such squares, in pixels: the bound of Cramér and Rao, by differences.
fn bound_of_squares(sigma: f64) -> f64 {
    let mut none = Noise(1);
    let mut information = 0.0;
    let turns = 8;
    for k in 0..turns {
        let d = f64::from(k) / f64::from(turns);
        let (a, b) = (squares((d - 0.05, d), 0.0, &mut none), squares((d + 0.05, d), 0.0, &mut none));
        for i in 0..64 * 64 {
            let place = (24 + i / 64) * SIDE + 24 + i % 64;
            information += ((f64::from(b[place]) - f64::from(a[place])) / 0.1).powi(2) / f64::from(turns);
        }
    }
    ((sigma * sigma + 1.0 / 12.0) / information).sqrt()
}

#[test]
fn what_folds_is_learned_and_what_remains_is_told() {
    let at = |i: usize| (0.5 * (i as f64 * 0.77).sin(), 0.3 * (i as f64 * 0.77 + 1.2).sin());
    let mut noise = Noise(23);
    let pictures: Vec<Vec<u8>> = (0..220).map(|i| squares(at(i), 2.0, &mut noise)).collect();
    let bound = bound_of_squares(2.0);
    let mut held = Tracker::new([24, 24, 64, 64]);
    held.hold_frames(220);
    assert!(pictures.iter().all(|p| held.hold(&luma(p))));
    held.learn_held();
    let again: Vec<Track> = (0..pictures.len()).map(|i| held.again(i)).collect();
    let (rms, within) = judged(&again, at, 0);
    println!("squares, held: {:.2} of the bound, {:.1} % within", rms / bound, within * 100.0);
    assert!(rms < 1.2 * bound && (0.9..0.985).contains(&within), "{rms} {bound} {within}");
    let mut live = Tracker::new([24, 24, 64, 64]);
    let tracks: Vec<Track> = pictures.iter().map(|p| live.step(&luma(p))).collect();
    let (rms, within) = judged(&tracks, at, 70);
    println!("squares, live: {:.2} of the bound, {:.1} % within", rms / bound, within * 100.0);
    assert!(rms < 1.3 * bound && (0.9..0.99).contains(&within), "{rms} {bound} {within}");
}

#[test]
fn a_picture_that_is_all_noise_is_never_measured() {
    let mut noise = Noise(17);
    let mut t = Tracker::new([24, 24, 64, 64]);
    let mut lost = 0;
    for _ in 0..60 {
        let p: Vec<u8> = (0..SIDE * SIDE).map(|_| (120.0 + 3.0 * noise.next()).round() as u8).collect();
        lost += u32::from(t.step(&luma(&p)).fit == Fit::Lost);
    }
    assert!(lost >= 59, "{lost} of 60 frames were refused");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Any picture, any region, also one that lies partly or wholly outside: an answer that is finite, or none.
    #[test]
    fn any_picture_has_an_answer(
        (w, h) in (1usize..90, 1usize..90),
        pad in 0usize..5,
        rect in (0u32..100, 0u32..100, 1u32..60, 1u32..60),
        seed in any::<u64>(),
        kind in 0u8..4,
    ) {
        let mut noise = Noise(seed);
        let stride = w + pad;
        let mut t = Tracker::new([rect.0, rect.1, rect.2, rect.3]);
        t.hold_frames(4);
        for frame in 0..12u32 {
            let p: Vec<u8> = (0..stride * h)
                .map(|i| match kind {
                    0 => 77,
                    1 => (128.0 + 60.0 * noise.next()).clamp(0.0, 255.0) as u8,
                    2 => if (i / 3 + frame as usize * 5) % 7 < 3 { 0 } else { 255 },
                    _ => if frame % 3 == 0 { 0 } else { (i * 31 % 251) as u8 },
                })
                .collect();
            let view = Luma::new(&p, stride, w, h).unwrap();
            t.hold(&view);
            let k = t.step(&view);
            prop_assert!(k.fit == Fit::Lost || (k.dx_px.is_finite() && k.dy_px.is_finite() && k.sigma_px.is_finite()));
        }
        t.learn_held();
        let k = t.again(2);
        prop_assert!(k.fit == Fit::Lost || k.dx_px.is_finite());
    }
}
