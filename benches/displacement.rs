//! How fast and how exact a region's displacement is: against bare memory, and against the bound that noise sets. One table from one run.
//!
//! Speed is that of one thread without decoding, everything included that a frame costs in the long run (prediction, fit, judgment, the
//! care of the reference). Beside it stands what reading the same bytes takes: their sum, by the widest vectors that the processor has.
//! Exactness is the RMS error against known motion, as a multiple of the Cramér–Rao bound for a texture known without noise.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench ends where it fails, and prints its table")]

use std::f64::consts::TAU;
use std::hint::black_box;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use vms::vibration::luma::Luma;
use vms::vibration::tracker::Tracker;

/// Side of the pictures.
const SIDE: usize = 560;
/// Pictures that are gone through again and again.
const PICTURES: usize = 24;
/// Rounds; the least is taken, because everything else that runs only adds.
const ROUNDS: usize = 5;

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

/// Waves of many directions, at most 0.3 cycles a pixel: x and y per pixel, phase, height.
type Waves = Vec<(f64, f64, f64, f64)>;

fn waves() -> Waves {
    let mut n = Noise(7);
    (0..24)
        .map(|_| {
            let (f, a) = (0.02 + 0.28 * (n.next() * 0.3 + 0.5).clamp(0.0, 1.0), n.next() * TAU);
            (TAU * f * a.cos(), TAU * f * a.sin(), n.next() * TAU, 11.0)
        })
        .collect()
}

fn at(i: usize) -> (f64, f64) {
    let turn = TAU * i as f64 * 5.0 / PICTURES as f64;
    (0.7 * turn.sin(), 0.4 * turn.cos())
}

fn clean(waves: &Waves, (dx, dy): (f64, f64)) -> Vec<f64> {
    let at = |i: usize| {
        let (x, y) = ((i % SIDE) as f64 - dx, (i / SIDE) as f64 - dy);
        128.0 + waves.iter().map(|(a, b, p, s)| s * (a * x + b * y + p).sin()).sum::<f64>()
    };
    (0..SIDE * SIDE).map(at).collect()
}

/// A picture with noise of its own: noise that comes again would be taken for texture.
fn noisy(clean: &[f64], sigma: f64, noise: &mut Noise) -> Vec<u8> {
    clean.iter().map(|v| (v + sigma * noise.next()).round().clamp(0.0, 255.0) as u8).collect()
}

/// The bound on one axis, RMS of both, in pixels.
fn bound(waves: &Waves, side: usize, sigma: f64) -> f64 {
    let corner = (SIDE - side) / 2;
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for i in 0..side * side {
        let (x, y) = ((corner + i % side) as f64, (corner + i / side) as f64);
        let (gx, gy) = waves.iter().fold((0.0, 0.0), |g, (a, b, p, s)| {
            let slope = s * (a * x + b * y + p).cos();
            (g.0 + a * slope, g.1 + b * slope)
        });
        xx += gx * gx;
        xy += gx * gy;
        yy += gy * gy;
    }
    let noise = sigma * sigma + 1.0 / 12.0;
    (noise * (xx + yy) / (xx * yy - xy * xy) / 2.0).sqrt()
}

fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let of = |t: nix::sys::time::TimeVal| {
        Duration::from_secs(t.tv_sec().unsigned_abs()) + Duration::from_micros(t.tv_usec().unsigned_abs())
    };
    of(usage.user_time()) + of(usage.system_time())
}

fn least(mut work: impl FnMut()) -> f64 {
    let round = |_| {
        let before = cpu();
        work();
        cpu().saturating_sub(before).as_secs_f64()
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

fn main() {
    let (waves, mut noise, sigma) = (waves(), Noise(3), 2.0);
    let clean: Vec<Vec<f64>> = (0..PICTURES).map(|i| clean(&waves, at(i))).collect();
    let pictures: Vec<Vec<u8>> = clean.iter().map(|c| noisy(c, sigma, &mut noise)).collect();
    let lumas: Vec<Luma<'_>> = pictures.iter().map(|p| Luma::new(p, SIDE, SIDE, SIDE).unwrap()).collect();
    println!("| region | a frame | speed | bare sum of the same bytes | share of it | error | bound | error / bound |");
    println!("|---|---|---|---|---|---|---|---|");
    for side in [32usize, 64, 128, 256, 512] {
        let corner = (SIDE - side) as u32 / 2;
        let mut tracker = Tracker::new([corner, corner, side as u32, side as u32]);
        for i in 0..300 {
            let p = noisy(&clean[i % PICTURES], sigma, &mut noise);
            tracker.step(&Luma::new(&p, SIDE, SIDE, SIDE).unwrap());
        }
        let mut errors = Vec::new();
        for i in 0..120 {
            let p = noisy(&clean[i % PICTURES], sigma, &mut noise);
            let t = tracker.step(&Luma::new(&p, SIDE, SIDE, SIDE).unwrap());
            errors.push((t.dx_px - at(i).0, t.dy_px - at(i).1));
        }
        let frames = (40_000_000 / (side * side)).clamp(160, 20_000);
        let s = least(|| {
            for i in 0..frames {
                black_box(tracker.step(&lumas[i % PICTURES]));
            }
        });
        let bare = least(|| {
            for i in 0..frames {
                let rows = pictures[i % PICTURES].chunks_exact(SIDE).skip(corner as usize).take(side);
                let sum: u32 = rows.flat_map(|r| &r[corner as usize..][..side]).map(|v| u32::from(*v)).sum();
                black_box(sum);
            }
        });
        let n = errors.len() as f64;
        let mean = errors.iter().fold((0.0, 0.0), |m, e| (m.0 + e.0 / n, m.1 + e.1 / n));
        let square: f64 = errors.iter().map(|e| (e.0 - mean.0).powi(2) + (e.1 - mean.1).powi(2)).sum();
        let (rms, bound) = ((square / n / 2.0).sqrt(), bound(&waves, side, sigma));
        let speed = |s: f64| (frames * side * side) as f64 / s / 1e9;
        println!(
            "| {side}×{side} | {:.1} µs | {:.2} Gpx/s | {:.1} Gpx/s | {:.0} % | {:.3} mpx | {:.3} mpx | {:.2} |",
            s / frames as f64 * 1e6,
            speed(s),
            speed(bare),
            100.0 * speed(s) / speed(bare),
            rms * 1e3,
            bound * 1e3,
            rms / bound
        );
    }
}
