//! Patches that disagree: haze, something in front of a corner, a body that turns.
#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use std::f64::consts::TAU;

use vms::model::vibration::Fit;
use vms::vibration::luma::Luma;
use vms::vibration::tracker::{Track, Tracker};

const SIDE: usize = 176;
/// Corner and side of the region.
const CORNER: usize = 24;
const REGION: usize = 128;

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

type Waves = Vec<(f64, f64, f64)>;

fn waves(seed: u64) -> Waves {
    let mut n = Noise(seed);
    (0..12)
        .map(|_| {
            let (f, a) = (0.04 + 0.16 * (n.next() * 0.3 + 0.5).clamp(0.0, 1.0), n.next() * TAU);
            (TAU * f * a.cos(), TAU * f * a.sin(), n.next() * TAU)
        })
        .collect()
}

/// Grey level of a target at a place: the contrast is uneven, as on a machine with its plates and bolts.
fn target(waves: &Waves, x: f64, y: f64) -> f64 {
    let contrast = 3.0 + 15.0 * (0.5 + 0.5 * (x * TAU / 90.0).sin() * (y * TAU / 70.0).cos()).powi(3);
    128.0 + contrast * waves.iter().map(|(a, b, p)| (a * x + b * y + p).sin()).sum::<f64>() * 0.5
}

/// A picture whose every pixel is displaced as told.
fn picture(waves: &Waves, noise: &mut Noise, moved: impl Fn(f64, f64) -> (f64, f64)) -> Vec<u8> {
    (0..SIDE * SIDE)
        .map(|i| {
            let (x, y) = ((i % SIDE) as f64, (i / SIDE) as f64);
            let d = moved(x, y);
            (target(waves, x - d.0, y - d.1) + 1.5 * noise.next()).round().clamp(0.0, 255.0) as u8
        })
        .collect()
}

/// A random field of displacement, smooth over about a patch.
fn haze(noise: &mut Noise, px: f64) -> impl Fn(f64, f64) -> (f64, f64) + use<> {
    const GRID: usize = SIDE / 16 + 2;
    let nodes: Vec<(f64, f64)> = (0..GRID * GRID).map(|_| (px * noise.next(), px * noise.next())).collect();
    move |x, y| {
        let (u, v) = (x / 16.0, y / 16.0);
        let (i, j) = (u as usize, v as usize);
        let ease = |t: f64| t * t * (3.0 - 2.0 * t);
        let (a, b) = (ease(u - i as f64), ease(v - j as f64));
        let at = |i: usize, j: usize| nodes[j * GRID + i];
        let mix = |p: (f64, f64), q: (f64, f64), t: f64| (p.0 + (q.0 - p.0) * t, p.1 + (q.1 - p.1) * t);
        mix(mix(at(i, j), at(i + 1, j), a), mix(at(i, j + 1), at(i + 1, j + 1), a), b)
    }
}

fn tracker(robust: bool) -> Tracker {
    let mut t = Tracker::new([CORNER as u32, CORNER as u32, REGION as u32, REGION as u32]);
    t.set_robust(robust);
    t
}

fn step(t: &mut Tracker, p: &[u8]) -> Track {
    t.step(&Luma::new(p, SIDE, SIDE, SIDE).unwrap())
}

/// RMS error of both axes, the mean taken out, and the share within two stated uncertainties.
fn error(of: &[(Track, (f64, f64))]) -> (f64, f64) {
    let n = of.len() as f64;
    let off = |(t, d): &(Track, (f64, f64))| (t.dx_px - d.0, t.dy_px - d.1);
    let mean = of.iter().map(off).fold((0.0, 0.0), |m, e| (m.0 + e.0 / n, m.1 + e.1 / n));
    let (mut square, mut within) = (0.0, 0.0);
    for o in of {
        let e = off(o);
        for e in [e.0 - mean.0, e.1 - mean.1] {
            square += e * e / (2.0 * n);
            within += f64::from(u8::from(e.abs() < 2.0 * o.0.sigma_px)) / (2.0 * n);
        }
    }
    (square.sqrt(), within)
}

fn at(i: u32) -> (f64, f64) {
    (0.6 * (f64::from(i) * 0.9).sin(), 0.4 * (f64::from(i) * 0.9).cos() - 0.4)
}

#[test]
fn haze_is_averaged_over_the_patches() {
    let (waves, mut noise) = (waves(21), Noise(4));
    let (mut plain, mut robust) = (tracker(false), tracker(true));
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for i in 0..260 {
        let d = at(i);
        let field = haze(&mut noise, 0.15);
        let p = picture(&waves, &mut noise, |x, y| {
            let h = field(x, y);
            (d.0 + h.0, d.1 + h.1)
        });
        let (s, t) = (step(&mut plain, &p), step(&mut robust, &p));
        if i >= 80 {
            assert!(s.fit != Fit::Lost && t.fit != Fit::Lost, "frame {i}");
            a.push((s, d));
            b.push((t, d));
        }
    }
    let ((plain, _), (robust, within)) = (error(&a), error(&b));
    println!(
        "haze of 0.15 px: plain {:.2} mpx, robust {:.2} mpx, ratio {:.2}, within 2σ {within:.3}",
        plain * 1e3,
        robust * 1e3,
        robust / plain
    );
    assert!(robust < 0.85 * plain, "plain {plain}, robust {robust}");
    assert!(within > 0.88, "within two sigma: {within}");
    assert!(b.iter().all(|(t, _)| t.left_out < 0.1), "haze leaves no patch out for good");
}

#[test]
fn a_clean_picture_is_fitted_plainly() {
    let (waves, mut noise) = (waves(22), Noise(5));
    let (mut plain, mut robust) = (tracker(false), tracker(true));
    for i in 0..200 {
        let p = picture(&waves, &mut noise, |_, _| at(i));
        let (s, t) = (step(&mut plain, &p), step(&mut robust, &p));
        assert!(s.dx_px.to_bits() == t.dx_px.to_bits() && t.left_out == 0.0, "frame {i}: {s:?} {t:?}");
    }
}

#[test]
fn something_in_front_of_a_corner_is_left_out() {
    let (mine, other, mut noise) = (waves(23), waves(99), Noise(6));
    let (mut plain, mut robust) = (tracker(false), tracker(true));
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let edge = (CORNER + REGION * 5 / 8) as f64;
    for i in 0..400 {
        let d = at(i);
        let mut p = picture(&mine, &mut noise, |_, _| d);
        // The lower right corner shows a thing that stands still.
        for (k, v) in p.iter_mut().enumerate() {
            let (x, y) = ((k % SIDE) as f64, (k / SIDE) as f64);
            if x > edge && y > edge {
                *v = (target(&other, x, y) + 1.5 * noise.next()).round().clamp(0.0, 255.0) as u8;
            }
        }
        let (s, t) = (step(&mut plain, &p), step(&mut robust, &p));
        if i >= 200 {
            a.push((s, d));
            b.push((t, d));
        }
    }
    let ((plain, _), (robust, within)) = (error(&a), error(&b));
    let out = b.last().unwrap().0.left_out;
    println!(
        "a still corner: plain {:.2} mpx, robust {:.2} mpx, left out {out:.3}, within 2σ {within:.3}",
        plain * 1e3,
        robust * 1e3
    );
    assert!(robust < 0.1 * plain, "plain {plain}, robust {robust}");
    assert!((0.1..0.2).contains(&out), "left out {out}");
}

#[test]
fn a_turn_is_told_within_its_uncertainty() {
    let (waves, mut noise) = (waves(25), Noise(7));
    let mut t = tracker(true);
    let centre = (CORNER + REGION / 2) as f64 - 0.5;
    let (mut errors, mut downs) = (Vec::new(), Vec::new());
    for i in 0..260 {
        let (d, turn) = (at(i), 2e-3 * (f64::from(i) * 0.5).sin());
        let p = picture(&waves, &mut noise, |x, y| (d.0 - turn * (y - centre), d.1 + turn * (x - centre)));
        let got = step(&mut t, &p);
        if i >= 80 {
            let b = got.bend;
            errors.push((f64::from(b.turn_rad) - turn, f64::from(b.turn_sigma_rad)));
            downs.push((f64::from(b.down[0]) + turn, f64::from(b.down_sigma)));
            assert!(got.left_out == 0.0, "frame {i}");
            // What is told is the motion of where the texture is, not of the very centre.
            assert!((got.dx_px - d.0).hypot(got.dy_px - d.1) < 0.04, "frame {i}: {got:?} {d:?}");
        }
    }
    for (what, of) in [("turn", errors), ("down", downs)] {
        let n = of.len() as f64;
        let mean = of.iter().map(|e| e.0).sum::<f64>() / n;
        let rms = (of.iter().map(|e| (e.0 - mean).powi(2)).sum::<f64>() / n).sqrt();
        let stated = (of.iter().map(|e| e.1 * e.1).sum::<f64>() / n).sqrt();
        println!("{what}: error {:.2e}, stated {:.2e}, ratio {:.2}", rms, stated, rms / stated);
        assert!((0.6..1.3).contains(&(rms / stated)), "{what}: error {rms}, stated {stated}");
    }
}
