//! Pictures of known motion, measured.

use super::*;

/// A band-limited texture that can be drawn at any displacement: exact by construction.
fn picture(w: usize, h: usize, (dx, dy): (f64, f64), gain: f64, offset: f64) -> Vec<u8> {
    let waves = [
        (0.31, 0.12, 0.3, 31.0),
        (0.07, 0.41, 1.1, 27.0),
        (0.23, -0.29, 2.0, 22.0),
        (-0.9, 0.6, 0.7, 18.0),
        (0.5, 1.1, 2.4, 14.0),
    ];
    (0..w * h)
        .map(|i| {
            let (x, y) = ((i % w) as f64 - dx, (i / w) as f64 - dy);
            let v: f64 = waves.iter().map(|(a, b, p, s)| s * (a * x + b * y + p).sin()).sum();
            (gain * (120.0 + v * 0.8) + offset).round().clamp(0.0, 255.0) as u8
        })
        .collect()
}

fn follow(moves: &[(f64, f64)], light: impl Fn(usize) -> (f64, f64)) -> Vec<(f64, f64, Track)> {
    let mut t = Tracker::new([40, 40, 64, 64]);
    moves
        .iter()
        .enumerate()
        .map(|(i, &m)| {
            let (g, o) = light(i);
            let p = picture(144, 144, m, g, o);
            (m.0, m.1, t.step(&Luma::new(&p, 144, 144, 144).unwrap()))
        })
        .collect()
}

#[test]
fn follows_small_motion_exactly() {
    let moves: Vec<(f64, f64)> =
        (0..80).map(|i| (0.6 * (f64::from(i) * 1.1).sin(), 0.3 * (f64::from(i) * 1.1).cos() - 0.3)).collect();
    for (i, (x, y, t)) in follow(&moves, |_| (1.0, 0.0)).into_iter().enumerate() {
        assert_ne!(t.fit, Fit::Lost, "frame {i}");
        assert!((t.dx_px - x).hypot(t.dy_px - y) < 0.006, "frame {i}: {x} {y} became {} {}", t.dx_px, t.dy_px);
    }
}

#[test]
fn brightness_and_contrast_do_not_matter() {
    let moves: Vec<(f64, f64)> = (0..40).map(|i| (0.8 * (f64::from(i) * 0.9).sin(), 0.0)).collect();
    for (x, y, t) in follow(&moves, |i| (1.0 + 0.2 * (i as f64 * 0.7).sin(), 8.0 * (i as f64 * 0.3).cos())) {
        assert!((t.dx_px - x).hypot(t.dy_px - y) < 0.01);
    }
}

#[test]
fn a_jump_is_found_again() {
    let mut moves = vec![(0.0, 0.0); 5];
    moves.extend([(15.4, -9.7); 8]);
    let got = follow(&moves, |_| (1.0, 0.0));
    let (x, y, t) = got[12];
    assert_ne!(t.fit, Fit::Lost);
    assert!((t.dx_px - x).hypot(t.dy_px - y) < 0.02, "{t:?}");
}

#[test]
fn a_hidden_target_is_lost_and_comes_back() {
    let mut t = Tracker::new([40, 40, 64, 64]);
    let seen = picture(144, 144, (0.0, 0.0), 1.0, 0.0);
    let steam = vec![200u8; 144 * 144];
    let luma = |p| Luma::new(p, 144, 144, 144).unwrap();
    for _ in 0..10 {
        t.step(&luma(&seen));
    }
    for _ in 0..10 {
        let lost = t.step(&luma(&steam));
        assert_eq!(lost.fit, Fit::Lost);
        assert!(lost.sigma_px.is_infinite());
    }
    let mut back = Track::default();
    for _ in 0..6 {
        back = t.step(&luma(&seen));
    }
    assert_ne!(back.fit, Fit::Lost);
    assert!(back.dx_px.hypot(back.dy_px) < 0.01);
}

#[test]
fn a_flat_picture_is_never_measured() {
    let mut t = Tracker::new([10, 10, 32, 32]);
    let flat = vec![90u8; 100 * 100];
    for _ in 0..3 {
        assert_eq!(t.step(&Luma::new(&flat, 100, 100, 100).unwrap()).fit, Fit::Lost);
        assert!(!t.textured());
    }
    // Of a recording neither, and the reason is told there too.
    let mut held = Tracker::new([10, 10, 32, 32]);
    held.hold_frames(40);
    (0..40).for_each(|_| assert!(held.hold(&Luma::new(&flat, 100, 100, 100).unwrap())));
    held.learn_held();
    let seen = held.again(20);
    assert!(seen.fit == Fit::Lost && seen.marks.textureless, "{seen:?}");
    // One direction only (a vertical edge pattern) does not determine the motion along it: that is said, and never guessed.
    let stripes: Vec<u8> = (0..100 * 100).map(|i| if i % 100 / 4 % 2 == 0 { 40 } else { 200 }).collect();
    for _ in 0..3 {
        let seen = t.step(&Luma::new(&stripes, 100, 100, 100).unwrap());
        assert!(seen.fit != Fit::Lost && seen.marks.one_direction && seen.dy_px.abs() < 1e-9, "{seen:?}");
    }
}

#[test]
fn stated_uncertainty_matches_the_error_under_noise() {
    let mut state = 12345u64;
    let mut noise = move || {
        // Sum of uniform numbers: close enough to a normal one.
        (0..6)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
            })
            .sum::<f64>()
            * 1.414
            * 3.0
    };
    let mut t = Tracker::new([40, 40, 64, 64]);
    let (mut errors, mut stated) = (Vec::new(), 0.0);
    for i in 0..200 {
        let m = (0.4 * (f64::from(i) * 1.3).sin(), 0.2 * (f64::from(i) * 1.7).sin());
        let mut p = picture(144, 144, m, 1.0, 0.0);
        for v in &mut p {
            *v = (f64::from(*v) + noise()).round().clamp(0.0, 255.0) as u8;
        }
        let k = t.step(&Luma::new(&p, 144, 144, 144).unwrap());
        if i >= 70 {
            errors.push((k.dx_px - m.0, k.dy_px - m.1));
            stated += k.sigma_px.powi(2);
        }
    }
    // Where the reference lies is a constant, and free.
    let n = errors.len() as f64;
    let mean = errors.iter().fold((0.0, 0.0), |s, e| (s.0 + e.0 / n, s.1 + e.1 / n));
    let error: f64 = errors.iter().map(|e| f64::midpoint((e.0 - mean.0).powi(2), (e.1 - mean.1).powi(2))).sum();
    let ratio = (error / n).sqrt() / (stated / n).sqrt();
    assert!((0.8..1.25).contains(&ratio), "error {} stated {}", (error / n).sqrt(), (stated / n).sqrt());
}

/// Frames of a swing as a coder of differences leaves them: errors smooth over some pixels, most of which are carried over to the next frame;
/// `coarse` tells how many times larger they are in a frame.
fn coded(frames: usize, coarse: impl Fn(usize) -> f64, mut take: impl FnMut(usize, (f64, f64), &Luma<'_>)) {
    let (w, h) = (144usize, 144usize);
    let mut state = 5u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1u32 << 24) - 0.5
    };
    let mut errors = vec![0.0f64; w * h];
    for i in 0..frames {
        let fresh: Vec<f64> = (0..w * h).map(|_| noise()).collect();
        for y in 0..h {
            for x in 0..w {
                let near =
                    [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(a, b)| fresh[(y + b).min(h - 1) * w + (x + a).min(w - 1)]);
                errors[y * w + x] = 0.8 * errors[y * w + x] + 2.0 * near.iter().sum::<f64>();
            }
        }
        let d = (0.5 * (i as f64 * 0.85).sin(), 0.3 * (i as f64 * 0.85).cos());
        let k = coarse(i);
        let picture: Vec<u8> = picture(w, h, d, 1.0, 0.0)
            .iter()
            .zip(&errors)
            .map(|(p, e)| (f64::from(*p) + k * e).round().clamp(0.0, 255.0) as u8)
            .collect();
        take(i, d, &Luma::new(&picture, w, w, h).unwrap());
    }
}

#[test]
fn a_coarse_key_frame_is_not_something_in_front() {
    let mut t = Tracker::new([40, 40, 64, 64]);
    let mut fine_px = 0.0;
    coded(
        140,
        |i| if (100..104).contains(&i) { 4.0 } else { 1.0 },
        |i, d, luma| {
            let track = t.step(luma);
            let off_px = (track.dx_px - d.0).hypot(track.dy_px - d.1 + 0.3);
            assert!(!track.marks.covered, "frame {i}");
            assert!(i < 40 || track.marks.coded, "frame {i}");
            assert!(i < 40 || off_px < 3.0 * track.sigma_px, "frame {i}: {off_px} for {}", track.sigma_px);
            if i == 99 {
                fine_px = track.sigma_px;
            }
            assert!(!(100..104).contains(&i) || track.sigma_px > 1.3 * fine_px, "frame {i} is less certain");
        },
    );
}

#[test]
fn of_coded_pictures_a_band_is_chosen_and_its_uncertainty_is_honest() {
    let mut t = Tracker::new([40, 40, 64, 64]);
    t.hold_frames(256);
    let mut truth = Vec::new();
    coded(
        250,
        |_| 1.0,
        |_, d, luma| {
            assert!(t.hold(luma));
            truth.push(d);
        },
    );
    t.learn_held();
    assert!(t.foretold.is_some() && t.bands.is_none());
    let tracks: Vec<Track> = (0..truth.len()).map(|i| t.again(i)).collect();
    let mean = |f: &dyn Fn(usize) -> f64| (0..truth.len()).map(f).sum::<f64>() / truth.len() as f64;
    let (mx, my) = (mean(&|i| tracks[i].dx_px - truth[i].0), mean(&|i| tracks[i].dy_px - truth[i].1));
    let within = (0..truth.len())
        .flat_map(|i| [(i, tracks[i].dx_px - truth[i].0 - mx), (i, tracks[i].dy_px - truth[i].1 - my)])
        .filter(|(i, e)| e.abs() < 2.0 * tracks[*i].sigma_px)
        .count();
    assert!(within as f64 > 0.9 * 2.0 * truth.len() as f64, "{within} of {}", 2 * truth.len());
    assert!(tracks.iter().all(|t| t.marks.coded));
}

#[test]
fn a_mesh_in_front_is_told_and_without_it_nothing_is() {
    let mut state = 5u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f64 / f64::from(1u32 << 24) - 0.5) * 6.0
    };
    let mut seen = |mesh: bool, held: bool| {
        let mut t = Tracker::new([40, 40, 64, 64]);
        let pictures: Vec<Vec<u8>> = (0..120)
            .map(|i| {
                let at = 0.85 * f64::from(i);
                let mut p = picture(144, 144, (0.5 * at.sin(), 0.3 * (at + 1.2).sin()), 1.0, 0.0);
                for (i, p) in p.iter_mut().enumerate() {
                    let wire = mesh && (i % 144 % 12 < 2 || i / 144 % 12 < 2);
                    *p = (if wire { 60.0 } else { f64::from(*p) } + noise()).round().clamp(0.0, 255.0) as u8;
                }
                p
            })
            .collect();
        let luma = |p| Luma::new(p, 144, 144, 144).unwrap();
        if !held {
            // Looked at less often from the sixty-fourth frame on.
            let all = (0..14).flat_map(|_| &pictures);
            let told: Vec<f32> = all.map(|p| t.step(&luma(p)).held_back).collect();
            return told[told.len() - 60..].iter().copied().fold(0.0, f32::max);
        }
        t.hold_frames(pictures.len());
        assert!(pictures.iter().all(|p| t.hold(&luma(p))));
        t.learn_held();
        t.again(60).held_back
    };
    let told = seen(true, true);
    assert!(told > 0.05, "{told}");
    for held in [false, true] {
        let none = seen(false, held);
        assert!(none < 0.01, "held {held}: {none}");
    }
}
