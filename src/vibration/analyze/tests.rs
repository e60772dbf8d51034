//! Readings of made-up samples.

use proptest::prelude::*;

use super::*;
use crate::base::clock::Mono;
use crate::model::vibration::{Grade, Reason};

fn spec() -> AnalyzerSpec {
    AnalyzerSpec {
        expected_fps: 25.0,
        window_s: WINDOW_S,
        scale_mm_per_px: Some(0.5),
        coded: false,
        exposure_s: None,
        readout_s: None,
    }
}

fn sample(i: u64, x: f64, y: f64) -> Sample {
    Sample {
        frame: i,
        t_s: i as f64 * 0.04,
        arrival: Mono(i),
        dx_px: x,
        dy_px: y,
        sigma_px: 0.01,
        correlation: 0.99,
        fit: Fit::Good,
        ..Sample::default()
    }
}

fn run(n: u64, f: impl Fn(f64) -> (f64, f64)) -> (Analyzer, Reading) {
    let mut a = Analyzer::new(spec());
    let mut r = None;
    for i in 0..n {
        let (x, y) = f(i as f64 * 0.04);
        let s = sample(i, x, y);
        a.push(&s);
        r = a.read(&s);
    }
    (a, r.unwrap())
}

#[test]
fn reads_a_vibration() {
    let w = 2.0 * std::f64::consts::PI * 6.4;
    let (a, r) = run(400, |t| (1.2 * (w * t).sin() + 0.05 * t, 0.4 * (w * t).cos()));
    let tone = r.tone.unwrap();
    assert!((tone.hz - 6.4).abs() < 1e-3 && (tone.major_px - 1.2).abs() < 1e-3);
    assert!((r.displacement_pp_mm.unwrap() - 1.2).abs() < 0.02, "2 · 1.2 px · 0.5 mm/px");
    let v = r.velocity_rms_mm_s.unwrap();
    assert!((v / (w * 1.2 / 2f64.sqrt() * 0.5) - 1.0).abs() < 0.02, "{v}");
    assert_eq!((r.grade, r.reasons.len(), r.aliased), (Grade::Good, 0, None));
    assert!((200..=201).contains(&r.samples));
    assert_eq!(a.waveform().t_s.len(), r.samples);
    assert!(a.spectrum().step_hz > 0.0);
}

#[test]
fn what_is_lost_is_never_called_good() {
    let mut a = Analyzer::new(spec());
    let mut r = None;
    for i in 0..300u64 {
        let mut s = sample(i, 0.0, (i as f64).sin());
        if i > 200 {
            s.fit = Fit::Lost;
        }
        a.push(&s);
        r = a.read(&s);
    }
    let r = r.unwrap();
    assert_eq!(r.grade, Grade::Untrusted);
    assert!(r.reasons.contains(&Reason::TargetLost));
}

/// A tone of this frequency and amplitude as a camera at 25 frames a second with this exposure samples it.
fn seen(hz: f64, amplitude_px: f64, nominal_hz: f64, exposure_s: Option<f64>) -> Reading {
    let mut a = Analyzer::new(AnalyzerSpec { exposure_s, ..spec() });
    a.nominal_hz = Some(nominal_hz);
    let left = exposure_s.map_or(1.0, |e| sinc(hz * e));
    let mut r = None;
    for i in 0..300u64 {
        let s = sample(i, amplitude_px * left * (2.0 * PI * hz * i as f64 * 0.04 + 0.3).sin(), 0.0);
        a.push(&s);
        r = a.read(&s);
    }
    r.unwrap()
}

#[test]
fn a_machine_too_fast_for_the_camera_is_measured_where_it_folds_to() {
    for (hz, at) in [(16.2, 8.8), (23.1, 1.9), (26.4, 1.4), (41.0, 9.0)] {
        let r = seen(hz * 1.004, 0.8, hz, Some(0.008));
        let tone = r.tone.unwrap();
        assert!((tone.hz - hz * 1.004).abs() < 1e-3, "{hz}: {tone:?}");
        assert!((r.folded_hz.unwrap() - at).abs() < 0.5);
        assert!((tone.major_px / 0.8 - 1.0).abs() < 0.01, "{hz}: {tone:?}");
        let v = 2.0 * PI * tone.hz * 0.8 / 2f64.sqrt() * 0.5;
        assert!((r.velocity_rms_mm_s.unwrap() / v - 1.0).abs() < 0.01);
        assert_eq!((r.aliased, r.grade), (Some(true), Grade::Reduced));
        assert!(r.reasons.contains(&Reason::Folded));
    }
    assert_eq!(seen(16.2, 0.8, 16.2, None).grade, Grade::Poor, "without the exposure its smear is not known");
}

#[test]
fn what_does_not_stand_where_it_would_fold_is_not_taken_for_it() {
    let r = seen(4.0, 0.8, 16.2, Some(0.008));
    assert_eq!((r.tone, r.velocity_rms_mm_s, r.aliased, r.grade), (None, None, Some(true), Grade::Poor));
    assert!(r.reasons.contains(&Reason::AboveNyquist));
}

#[test]
fn the_shutters_smear_is_put_back() {
    let r = seen(10.0, 0.5, 10.0, Some(0.03));
    assert!((r.tone.unwrap().major_px / 0.5 - 1.0).abs() < 1e-3);
    let v = 2.0 * PI * 10.0 * 0.5 / 2f64.sqrt() * 0.5;
    assert!((r.velocity_rms_mm_s.unwrap() / v - 1.0).abs() < 0.02, "{r:?}");
}

#[test]
fn drift_is_no_part_of_a_tone() {
    // Over a whole window a sine is not at right angles to a straight line, the less so the fewer turns it has.
    for hz in [0.7, 1.0, 2.3, 3.1] {
        let mut a = Analyzer::new(spec());
        let mut r = None;
        for i in 0..200u64 {
            let t = i as f64 * 0.04;
            let s = sample(i, 0.5 * (2.0 * PI * hz * t).sin() + 0.2 * t, 0.0);
            a.push(&s);
            r = a.read(&s);
        }
        let r = r.unwrap();
        let (pp, rms) = (r.displacement_pp_px, r.displacement_rms_px);
        assert!((pp - 1.0).abs() < 0.012 && (rms - 0.5 / 2f64.sqrt()).abs() < 0.01, "{hz} Hz: {pp} {rms}");
    }
}

#[test]
fn marks_become_reasons() {
    let with = |marks: Marks, of: u64| {
        let mut a = Analyzer::new(spec());
        let mut r = None;
        for i in 0..300u64 {
            let mut s = sample(i, 0.08 * (i as f64 * 1.3).sin(), 0.0);
            if i % of == 0 {
                s.marks = marks;
            }
            a.push(&s);
            r = a.read(&s);
        }
        let r = r.unwrap();
        (r.reasons, r.grade, r.smallest_px)
    };
    let covered = Marks { covered: true, ..Marks::default() };
    assert_eq!(with(covered, 4).0, [Reason::Covered]);
    assert_eq!(with(covered, 1).1, Grade::Poor);
    let coded = with(Marks { coded: true, ..Marks::default() }, 1);
    assert_eq!((coded.0.as_slice(), coded.1), ([Reason::Codec].as_slice(), Grade::Reduced));
    assert!(coded.2 >= 0.05);
    let mut a = Analyzer::new(spec());
    for i in 0..300u64 {
        let mut s = sample(i, 0.03 * (i as f64 * 1.3).sin(), 0.0);
        s.marks.coded = true;
        a.push(&s);
        let r = a.read(&s).unwrap();
        assert_eq!(r.tone, None, "an amplitude that a codec may have taken away is not told");
        assert!(i < 110 || r.reasons == [Reason::Codec], "{:?}", r.reasons);
    }
    // What coding makes of a target at rest is no motion, however far its peaks reach.
    let mut state = 9u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    };
    let mut a = Analyzer::new(spec());
    for i in 0..300u64 {
        let mut s = sample(i, 0.25 * noise(), 0.25 * noise());
        s.marks.coded = true;
        a.push(&s);
        let r = a.read(&s).unwrap();
        assert!(i < 110 || r.tone.is_some() || r.reasons.contains(&Reason::Codec), "frame {i}: {r:?}");
    }
    // A picture that comes again is one that did not come; a reading goes on by the others, and there is none where nothing else comes.
    let again = |from: u64, every: u64, still: f32| {
        let mut a = Analyzer::new(spec());
        let mut r = None;
        for i in 0..300u64 {
            let mut s = sample(i, (i as f64 * 0.8).sin(), 0.0);
            if i >= from && i % every == every - 1 {
                s = Sample { fit: Fit::Lost, dx_px: 0.0, marks: Marks { repeated: true, ..Marks::default() }, ..s };
            } else {
                s.held_back = still;
            }
            a.push(&s);
            r = a.read(&s);
        }
        r.unwrap()
    };
    let some = again(0, 10, 0.0);
    assert_eq!((some.grade, some.reasons.as_slice()), (Grade::Reduced, [Reason::DroppedFrames].as_slice()));
    assert!((some.dx_px - (298f64 * 0.8).sin()).abs() < 1e-9, "where it was last seen");
    assert_eq!(again(0, 10, 0.6).grade, Grade::Untrusted, "what is known of the region is not forgotten");
    assert_eq!(again(0, 100, 0.0).grade, Grade::Good);
    let hangs = again(150, 1, 0.0);
    assert_eq!((hangs.grade, hangs.reasons.as_slice()), (Grade::Untrusted, [Reason::DroppedFrames].as_slice()));
    // Why nothing is seen is told, where it is known.
    let lost = |marks: Marks| {
        let mut a = Analyzer::new(spec());
        let mut reasons = Vec::new();
        for i in 0..20 {
            let s = Sample { fit: Fit::Lost, marks, ..sample(i, 0.0, 0.0) };
            a.push(&s);
            reasons = a.read(&s).unwrap().reasons;
        }
        reasons[0]
    };
    assert_eq!(lost(Marks::default()), Reason::TargetLost);
    assert_eq!(lost(Marks { no_background: true, ..Marks::default() }), Reason::NoBackground);
    assert_eq!(lost(Marks { outside: true, ..Marks::default() }), Reason::OutsidePicture);
    assert_eq!(with(Marks { hazy: true, ..Marks::default() }, 2).0, [Reason::Haze]);
    assert_eq!(with(Marks { one_direction: true, ..Marks::default() }, 1).0, [Reason::OneDirection]);
    assert_eq!(with(Marks::default(), 1).1, Grade::Good);
}

#[test]
fn noise_is_not_told_as_a_tone() {
    let mut state = 5u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    // Of 400 windows four would show one above five sigmas.
    let mut tones = 0;
    for _ in 0..400 {
        let mut a = Analyzer::new(spec());
        let mut last = sample(0, 0.0, 0.0);
        for i in 0..200u64 {
            let (r, angle) = (0.01 * (-2.0 * uniform().ln()).sqrt(), 2.0 * PI * uniform());
            last = sample(i, r * angle.cos(), r * angle.sin());
            a.push(&last);
        }
        tones += usize::from(a.read(&last).unwrap().tone.is_some());
    }
    assert_eq!(tones, 0);
}

#[test]
fn nothing_absurd_is_seen_at_half_the_frame_rate() {
    let mut state = 5u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    };
    let mut a = Analyzer::new(spec());
    for i in 0..400u64 {
        let s = sample(i, 0.01 * noise() + if i % 2 == 0 { 0.02 } else { -0.02 }, 0.01 * noise());
        a.push(&s);
        let r = a.read(&s).unwrap();
        assert!(r.tone.is_none_or(|t| t.major_px < 0.1), "frame {i}: {:?}", r.tone);
    }
}

#[test]
fn drift_is_not_taken_for_the_strongest_tone() {
    let (_, r) = run(400, |t| (0.05 * (40.0 * t).sin() + 3.0 * ((t - 8.0) / 6.0).powi(3), 0.0));
    let tone = r.tone.unwrap();
    assert!((tone.hz - 40.0 / (2.0 * PI)).abs() < 1e-3 && (tone.major_px - 0.05).abs() < 2e-3, "{tone:?}");
}

#[test]
fn what_was_taken_off_is_told_and_can_be_left_in() {
    let read = |drift: bool| {
        let mut a = Analyzer::new(spec());
        a.compensations.drift = drift;
        let mut r = None;
        for i in 0..200u64 {
            let t = i as f64 * 0.04;
            let s = Sample {
                shake_px: Some([(0.3 * (t * 9.0).sin()) as f32 + 1.0, 0.0]),
                gain: 1.0 + 0.1 * (t * 5.0).sin() as f32,
                ..sample(i, 0.25 * t, 0.0)
            };
            a.push(&s);
            r = a.read(&s);
        }
        r.unwrap()
    };
    let (off, left) = (read(true), read(false));
    assert!((off.taken.drift_px - 1.99).abs() < 0.01 && (off.taken.shake_rms_px.unwrap() - 0.212).abs() < 0.01);
    assert!((off.taken.gain.0 - 0.9).abs() < 0.01 && (off.taken.gain.1 - 1.1).abs() < 0.01);
    assert!(off.displacement_pp_px < 1e-6 && off.grade == Grade::Good);
    assert!((left.displacement_pp_px - 1.99).abs() < 0.01, "drift left in counts");
    assert_eq!((left.grade, left.reasons.as_slice()), (Grade::Reduced, [Reason::Uncompensated].as_slice()));
}

#[test]
fn what_holds_the_motion_back_makes_it_less_certain() {
    let read = |held_back: f32| {
        let mut a = Analyzer::new(spec());
        let mut r = None;
        for i in 0..300u64 {
            let s = Sample { held_back, ..sample(i, (i as f64 * 0.8).sin(), 0.0) };
            a.push(&s);
            r = a.read(&s);
        }
        r.unwrap()
    };
    let tone = |r: &Reading| r.tone.unwrap().sigma_px;
    let free = read(0.0);
    assert!(free.grade == Grade::Good && tone(&free) < 0.01);
    for (share, grade) in [(0.05, Grade::Reduced), (0.2, Grade::Poor), (0.7, Grade::Untrusted)] {
        let held = read(share);
        assert_eq!((held.grade, held.reasons.as_slice()), (grade, [Reason::StillParts].as_slice()));
        assert!((tone(&held) / (2.0 * f64::from(share)) - 1.0).abs() < 0.05, "{}", tone(&held));
    }
}

#[test]
fn uneven_timestamps_are_told() {
    let mut a = Analyzer::new(spec());
    let mut r = None;
    for i in 0..300u64 {
        let mut s = sample(i, (i as f64 * 1.8).sin(), 0.0);
        s.t_s += 0.008 * (i as f64 * 12.9898).sin();
        a.push(&s);
        r = a.read(&s);
    }
    assert!(r.unwrap().reasons.contains(&Reason::Jitter));
}

proptest! {
    #[test]
    fn never_panics(samples in proptest::collection::vec((any::<f64>(), any::<f64>(), any::<f64>(), any::<f64>(), 0..3u8), 0..120)) {
        let mut a = Analyzer::new(spec());
        for (t, x, y, sigma, fit) in samples {
            let fit = [Fit::Good, Fit::Settling, Fit::Lost][usize::from(fit)];
            let s = Sample { t_s: t, dx_px: x, dy_px: y, sigma_px: sigma, fit, ..Sample::default() };
            a.push(&s);
            let _ = a.read(&s);
            let _ = (a.waveform(), a.spectrum());
        }
    }
}

#[test]
fn a_reading_is_due_five_times_a_second_and_at_once_when_there_is_news() {
    let mut a = Analyzer::new(spec());
    let (mut read, mut i) = (0u32, 0u64);
    let mut step = |a: &mut Analyzer, x: f64, fit: Fit| {
        let s = Sample { fit, ..sample(i, x, 0.0) };
        i += 1;
        a.push(&s);
        let due = a.due();
        if due {
            read += u32::from(a.read(&s).is_some());
        }
        due
    };
    let swing = |i: u64| (i as f64 * 0.04 * 2.0 * std::f64::consts::PI * 3.0).sin();
    assert!(step(&mut a, swing(0), Fit::Good), "the first one");
    for k in 1..400 {
        step(&mut a, swing(k), Fit::Good);
    }
    // What comes between readings waits for the fifth frame.
    while step(&mut a, 0.0, Fit::Good) {}
    assert!(step(&mut a, 1.3, Fit::Good), "farther out than any");
    assert!(!step(&mut a, 1.2, Fit::Good), "not farther than that");
    assert!(step(&mut a, 0.0, Fit::Lost) && step(&mut a, 0.0, Fit::Good), "lost and found");
    // Between readings the waveform stays in step with its times.
    a.push(&sample(1000, 0.5, 0.0));
    let w = a.waveform();
    assert_eq!(w.t_s.len(), w.dx_px.len());
    assert!((75..=105).contains(&read), "{read} readings of 406 samples");
}

#[test]
fn a_waveform_keeps_its_times_while_samples_come_unread() {
    let (mut a, _) = run(300, |t| ((t * 7.0).sin(), 0.0));
    for i in 300..330 {
        a.push(&sample(i, (i as f64 * 0.04 * 7.0).sin(), 0.0));
    }
    let w = a.waveform();
    let newest_s = 329.0 * 0.04;
    for (t, x) in w.t_s.iter().zip(&w.dx_px) {
        let want = ((newest_s + f64::from(*t)) * 7.0).sin();
        assert!((f64::from(*x) - want).abs() < 0.15, "at {t}: {x} for {want}");
    }
    assert_eq!(w.t_s.len(), 171, "201 were read, the oldest 30 are gone");
}
