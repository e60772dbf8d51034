//! Hostile input to the whole measurement, from bytes and pictures to readings: nothing panics, nothing absurd is called good.
//!
//! Every case follows from its number. `make test` runs a fixed few; `make fuzz` goes on with new ones for `VMS_FUZZ_S` seconds and prints
//! the number of a case that fails, which `VMS_FUZZ_CASE` runs again alone.

use std::time::{Duration, Instant};

use vms::camera::y4m::Y4m;
use vms::model::compensation::Compensations;
use vms::model::vibration::{Fit, Grade, Role, Sample, region_fault};
use vms::vibration::analyze::{Analyzer, AnalyzerSpec};
use vms::vibration::{FrameMeter, Luma, RegionSpec};

/// Cases that every run of the tests goes through.
const CASES: u64 = 40;

/// Numbers that follow from a seed (the multiplier of Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// A number that nobody expects.
    fn odd(&mut self) -> f64 {
        match self.below(8) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => -1.0,
            3 => 0.0,
            4 => 1e300,
            5 => 1e-300,
            _ => self.next() as f64 / 1e3,
        }
    }
}

/// A picture of one of many kinds, displaced by some pixels.
fn picture(dice: &mut Dice, kind: u64, (w, h, stride): (usize, usize, usize), shift: usize) -> Vec<u8> {
    (0..stride * h)
        .map(|i| {
            let (x, y) = (i % stride + shift, i / stride);
            match kind {
                0 => 0,
                1 => 255,
                2 => (dice.next() & 255) as u8,
                3 => ((((x / 3) ^ (y / 5)) * 37) & 255) as u8,
                4 => {
                    if x / 4 % 2 == 0 {
                        30
                    } else {
                        220
                    }
                }
                5 => {
                    if y / 2 % 2 == 0 {
                        0
                    } else {
                        255
                    }
                }
                6 => (((x * x + y * y) / 50) & 255) as u8,
                7 => (128.0 + 60.0 * (x as f64 * 0.4).sin() + 50.0 * (y as f64 * 0.3 + x as f64 * 0.1).cos()) as u8,
                _ => (x.wrapping_mul(w) ^ y.wrapping_mul(h)).wrapping_mul(2_654_435_761) as u8,
            }
        })
        .collect()
}

fn size(dice: &mut Dice) -> (usize, usize, usize) {
    let (w, h) = (1 + dice.below(150) as usize, 1 + dice.below(120) as usize);
    (w, h, w + if dice.one_in(2) { dice.below(40) as usize } else { 0 })
}

/// A stream of pictures whose size, kind, light and times change in the middle, through the frame meter and the analyser.
fn stream(dice: &mut Dice) {
    let mut dims = size(dice);
    let regions: Vec<RegionSpec> = (0..=dice.below(4))
        .map(|_| {
            let mut at = |n: usize| dice.below(n as u64 + 8) as u32;
            let rect = [at(dims.0), at(dims.1), at(dims.0) + 1, at(dims.1) + 1];
            RegionSpec { rect, role: if dice.one_in(3) { Role::Background } else { Role::Asset } }
        })
        .collect();
    let mut meter = FrameMeter::new(&regions);
    meter.compensate(Compensations::from_bits(if dice.one_in(2) { 15 } else { dice.below(16) as u8 }));
    if dice.one_in(4) {
        meter.hold_frames(dice.below(40) as usize);
    }
    let fps = [1.0, 7.5, 25.0, 120.0][dice.below(4) as usize];
    let spec = AnalyzerSpec {
        expected_fps: if dice.one_in(5) { dice.odd() } else { fps },
        window_s: 8.0,
        scale_mm_per_px: dice.one_in(2).then(|| dice.odd()),
        coded: dice.one_in(2),
        exposure_s: dice.one_in(2).then(|| dice.odd()),
        readout_s: dice.one_in(2).then(|| dice.odd()),
    };
    let mut analysers: Vec<Analyzer> = regions.iter().map(|_| Analyzer::new(spec)).collect();
    for a in &mut analysers {
        a.nominal_hz = dice.one_in(3).then(|| dice.odd());
    }
    let (mut kind, mut t_s, mut held) = (dice.below(9), 0.0, true);
    for k in 0..20 + dice.below(60) {
        if dice.one_in(20) {
            kind = dice.below(9);
        }
        if dice.one_in(30) {
            dims = size(dice);
            meter.reset();
        }
        let shift = if dice.one_in(10) { dice.below(30) as usize } else { (k % 3) as usize };
        let p = picture(dice, kind, dims, shift);
        for (i, r) in regions.iter().enumerate() {
            meter.enable(i, region_fault(r.rect, (dims.0 as u32, dims.1 as u32)).is_none());
        }
        let Some(luma) = Luma::new(&p, dims.2, dims.0, dims.1) else { continue };
        held = held && meter.hold(&luma);
        t_s = match dice.below(30) {
            0 => t_s - 1.0,
            1 => t_s,
            2 => dice.odd(),
            _ => t_s + 1.0 / fps,
        };
        for (track, a) in meter.measure(&luma).to_vec().iter().zip(&mut analysers) {
            let sample = track.sample(Sample { frame: k, t_s, ..Sample::default() });
            assert!(sample.fit == Fit::Lost || (sample.dx_px.is_finite() && sample.dy_px.is_finite()), "{sample:?}");
            a.push(&sample);
            let Some(r) = a.read(&sample) else { continue };
            assert!(r.grade == Grade::Untrusted || r.displacement_pp_px.is_finite(), "{r:?}");
            assert!(kind > 1 || k < 8 || r.tone.is_none_or(|t| t.major_px.is_finite()), "{r:?}");
            let _ = (a.waveform(), a.spectrum(), a.bands());
        }
    }
    meter.learn_held();
    for i in 0..5 {
        meter.again(i);
    }
    meter.release_held();
}

/// Bytes that nearly are a file.
fn file(dice: &mut Dice) {
    let tags = ["C420", "Cmono", "C420p10", "C444p16", "Cmono12", "C", "F0:0", "F30", "Ip", "W", "H-3"];
    let mut bytes = format!("YUV4MPEG2 W{} H{}", dice.below(40), dice.below(40)).into_bytes();
    for _ in 0..dice.below(4) {
        bytes.push(b' ');
        bytes.extend(tags[dice.below(tags.len() as u64) as usize].as_bytes());
    }
    bytes.push(b'\n');
    for _ in 0..dice.below(4) {
        bytes.extend(b"FRAME\n");
        bytes.extend((0..dice.below(3000)).map(|_| dice.next() as u8));
    }
    for _ in 0..dice.below(6) {
        let at = dice.below(bytes.len() as u64) as usize;
        bytes[at] = dice.next() as u8;
    }
    if let Ok(mut y) = Y4m::open(&bytes[..])
        && y.width * y.height < 100_000
    {
        while let Ok(Some(luma)) = y.frame() {
            assert!(!luma.is_empty());
        }
    }
}

fn case(number: u64) {
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635);
    stream(&mut dice);
    (0..20).for_each(|_| file(&mut dice));
}

#[test]
fn hostile_input_has_an_answer() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    if let Some(one) = number("VMS_FUZZ_CASE") {
        return case(one);
    }
    let until = number("VMS_FUZZ_S").map(|s| Instant::now() + Duration::from_secs(s));
    let first = number("VMS_FUZZ_FROM").unwrap_or(0);
    let mut k = first;
    while until.map_or(k < first + CASES, |u| Instant::now() < u) {
        let run = std::panic::catch_unwind(|| case(k));
        assert!(run.is_ok(), "case {k} fails; VMS_FUZZ_CASE={k} runs it alone");
        k += 1;
    }
    println!("{} cases from {first} on, none failed", k - first);
}
