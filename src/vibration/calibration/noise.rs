//! Noise of a region's displacement while the machine stands, and whether it does stand.

use super::super::analyze::{Analyzer, AnalyzerSpec, WINDOW_S};
use super::super::tone::SIGNIFICANT;
use crate::model::calibration::Noise;
use crate::model::vibration::{Fit, Grade, Sample};

/// The band begins here, in Hz: slower changes are drift.
pub const BAND_FROM_HZ: f64 = 0.5;
/// A measurement must last so long, in seconds, that the band's lowest frequency is seen a few times.
pub const SHORTEST_S: f64 = 5.0;
/// A tone up to the noise of one frame raises the noise's RMS by a fifth at most, and may be the codec's own beat: above it, something
/// moves.
const TONE_SHARE: f64 = 1.0;
/// Means over a second that lie farther apart than so many times the noise of one frame are motion; and at least so many pixels.
const DRIFT_SHARE: f64 = 4.0;
const DRIFT_PX: f64 = 0.05;
/// Share of frames that may be without the target.
const LOST_SHARE: f64 = 0.02;

/// What was found of one region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Frames with the target, and all frames that were to be measured (those at the beginning in which the reference was still being made left out).
    pub frames: (u64, u64),
    /// Its noise; none where there is too little to tell.
    pub noise: Option<Noise>,
    /// Why this is no noise floor, in words, but for motion; empty if nothing else is wrong.
    pub faults: Vec<String>,
    /// What moved, in words; none if nothing did.
    pub moved: Option<String>,
    /// Whether only motion across the region's edges can be seen.
    pub one_direction: bool,
}

/// The noise of a region's samples, oldest first; `coded` says that they come from a lossy codec.
#[must_use]
pub fn noise(samples: &[Sample], coded: bool) -> Found {
    let mut settled: Vec<Sample> =
        samples.iter().filter(|s| s.fit != Fit::Settling && s.t_s.is_finite()).copied().collect();
    // A reference may go on settling for long: what was measured meanwhile counts then, as it does in a reading.
    let long = |s: &[Sample]| s.first().zip(s.last()).map_or(0.0, |(a, b)| b.t_s - a.t_s);
    if long(&settled) < SHORTEST_S && long(samples) > long(&settled) {
        settled = samples.iter().filter(|s| s.t_s.is_finite()).copied().collect();
    }
    let good: Vec<&Sample> = settled.iter().filter(|s| known(s)).collect();
    let mut found = Found { frames: (good.len() as u64, settled.len() as u64), ..Found::default() };
    found.one_direction = 2 * good.iter().filter(|s| s.marks.one_direction).count() > good.len();
    let again = settled.iter().filter(|s| s.marks.repeated).count();
    let lost = settled.len() - good.len() - again;
    if lost as f64 > LOST_SHARE * settled.len() as f64 {
        found.faults.push(format!("the target was lost in {lost} of {} frames", settled.len()));
    }
    let (Some(first), Some(last)) = (good.first(), good.last()) else {
        found.faults.push("nothing could be measured: too little structure, or the target was hidden".into());
        return found;
    };
    let span_s = last.t_s - first.t_s;
    if span_s < SHORTEST_S - 0.5 {
        found.faults.push(format!("only {span_s:.1} s could be measured, at least {SHORTEST_S:.0} s are needed"));
        return found;
    }
    let expected_fps = (settled.len() as f64 / span_s).clamp(0.1, 100_000.0) + 1.0;
    let mut a = Analyzer::new(AnalyzerSpec {
        expected_fps,
        window_s: span_s + 1.0,
        scale_mm_per_px: None,
        coded,
        exposure_s: None,
        readout_s: None,
    });
    for s in &settled {
        a.push(s);
    }
    let Some(reading) = a.read(last).filter(|r| r.uncertainty_px.is_finite()) else {
        found.faults.push("nothing could be measured".into());
        return found;
    };
    let spectrum = a.spectrum();
    let step_hz = f64::from(spectrum.step_hz);
    let band_to_hz = step_hz * spectrum.x_px.len().saturating_sub(1) as f64;
    if !(band_to_hz > BAND_FROM_HZ) {
        found.faults.push("there are too few frames a second for a noise floor".into());
        return found;
    }
    // An amplitude A of a line under a Hann window of length T stands for a density of A²·T/3.
    let seconds = span_s + 0.5 / band_to_hz;
    let from = (BAND_FROM_HZ / step_hz).ceil() as usize;
    let rms = |amplitudes: &[f32]| {
        let power: f64 = amplitudes.iter().skip(from).map(|&v| f64::from(v).powi(2)).sum();
        (power * seconds / 3.0 * step_hz).sqrt()
    };
    let (noise_x_px, noise_y_px) = (rms(&spectrum.x_px), rms(&spectrum.y_px));
    let noise_px = noise_x_px.max(noise_y_px);
    let density_px_per_root_hz = noise_px / (band_to_hz - BAND_FROM_HZ).sqrt();
    // White noise of density d gives a tone's amplitude over T seconds a sigma of d/√T, whatever the frame rate.
    let detectable_px = SIGNIFICANT * density_px_per_root_hz / WINDOW_S.sqrt();
    found.noise = Some(Noise {
        noise_px,
        noise_x_px,
        noise_y_px,
        density_px_per_root_hz,
        band_to_hz,
        uncertainty_px: reading.uncertainty_px,
        detectable_px,
    });
    if reading.grade == Grade::Untrusted && found.faults.is_empty() {
        let why: Vec<&str> = reading.reasons.iter().map(|r| r.words()).collect();
        found.faults.push(format!("the measurement cannot be trusted ({})", why.join(", ")));
    }
    // No tone is higher than what was seen from end to end: beside half the frame rate a fit may find one that cancels itself.
    let seen = TONE_SHARE * reading.uncertainty_px..reading.displacement_pp_px;
    if let Some(t) = reading.tone.filter(|t| seen.contains(&t.major_px)) {
        found.moved = Some(format!("{:.3} px at {:.2} Hz", t.major_px, t.hz));
    } else if let Some(drift_px) = drift_px(&good).filter(|d| *d > DRIFT_PX.max(DRIFT_SHARE * reading.uncertainty_px)) {
        found.moved = Some(format!("slowly or at once by {drift_px:.2} px"));
    }
    found
}

fn known(s: &Sample) -> bool {
    s.fit != Fit::Lost && s.dx_px.is_finite() && s.dy_px.is_finite() && s.t_s.is_finite()
}

/// How far means over a second lie apart at most, in pixels; none with fewer than two.
fn drift_px(good: &[&Sample]) -> Option<f64> {
    let start = good.first()?.t_s;
    let mut means: Vec<(f64, f64, f64)> = Vec::new();
    let mut second = f64::NEG_INFINITY;
    for s in good {
        let now = (s.t_s - start).floor();
        if now > second {
            second = now;
            means.push((0.0, 0.0, 0.0));
        }
        if let Some(m) = means.last_mut() {
            *m = (m.0 + 1.0, m.1 + s.dx_px, m.2 + s.dy_px);
        }
    }
    // The last second is rarely whole.
    means.retain(|m| m.0 >= 5.0);
    if means.len() < 2 {
        return None;
    }
    let spread = |v: &dyn Fn(&(f64, f64, f64)) -> f64| {
        let (low, high) = means.iter().map(v).fold((f64::INFINITY, f64::NEG_INFINITY), |b, v| (b.0.min(v), b.1.max(v)));
        high - low
    };
    Some(spread(&|m| m.1 / m.0).hypot(spread(&|m| m.2 / m.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// White noise of this sigma in x and half of it in y, 25 frames a second, and what moves.
    fn samples(n: u64, sigma_px: f64, moves: impl Fn(f64) -> f64) -> Vec<Sample> {
        let mut state = 99u64;
        let mut normal = move || {
            let mut sum = -6.0;
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                sum += (state >> 40) as f64 / (1u64 << 24) as f64;
            }
            sum
        };
        (0..n)
            .map(|i| Sample {
                frame: i,
                t_s: i as f64 * 0.04,
                dx_px: sigma_px * normal() + moves(i as f64 * 0.04),
                dy_px: 0.5 * sigma_px * normal(),
                sigma_px,
                fit: Fit::Good,
                ..Sample::default()
            })
            .collect()
    }

    #[test]
    fn white_noise_is_told_as_it_is() {
        for sigma in [0.002, 0.02] {
            let f = noise(&samples(500, sigma, |_| 0.0), false);
            assert!(f.faults.is_empty() && f.moved.is_none() && f.frames == (500, 500), "{f:?}");
            let n = f.noise.unwrap();
            // White noise of 25 frames a second is spread over 12.5 Hz, of which 12 are counted.
            let want = sigma * (12.0f64 / 12.5).sqrt();
            assert!((n.noise_x_px / want - 1.0).abs() < 0.1, "{} for {want}", n.noise_x_px);
            assert!((n.noise_y_px / want - 0.5).abs() < 0.06);
            assert!((n.density_px_per_root_hz / (sigma / 12.5f64.sqrt()) - 1.0).abs() < 0.1);
            assert!((n.band_to_hz - 12.5).abs() < 0.01);
            // Six sigmas of the amplitude of a tone fitted to 200 frames.
            assert!((n.detectable_px / (SIGNIFICANT * sigma * (2.0f64 / 200.0).sqrt()) - 1.0).abs() < 0.1);
            assert!((n.uncertainty_px / sigma - 1.0).abs() < 0.15);
        }
    }

    #[test]
    fn what_moves_is_no_floor() {
        let moved = |f: &dyn Fn(f64) -> f64| noise(&samples(500, 0.01, f), false).moved.unwrap_or_default();
        assert!(moved(&|t| 0.05 * (t * 20.0).sin()).starts_with("0.050 px at 3.18 Hz"));
        assert!(moved(&|t| 0.02 * t).starts_with("slowly or at once by 0.3"), "{}", moved(&|t| 0.02 * t));
        assert!(!moved(&|t| if t > 10.0 { 0.3 } else { 0.0 }).is_empty());
        assert_eq!(moved(&|t| 0.0005 * (t * 20.0).sin()), "");
    }

    #[test]
    fn too_little_is_said() {
        let fault = |s: &[Sample]| noise(s, false).faults.join("; ");
        assert!(fault(&[]).starts_with("nothing could be measured"));
        assert!(fault(&samples(50, 0.01, |_| 0.0)).starts_with("only 2.0 s could be measured"));
        let mut hidden = samples(500, 0.01, |_| 0.0);
        for s in &mut hidden[100..150] {
            s.fit = Fit::Lost;
        }
        assert_eq!(fault(&hidden), "the target was lost in 50 of 500 frames");
        // Settling throughout is measured all the same; at the beginning it is left out.
        for (settling, want) in [(500, (500, 500)), (100, (400, 400))] {
            let mut s = samples(500, 0.01, |_| 0.0);
            for s in &mut s[..settling] {
                s.fit = Fit::Settling;
            }
            let f = noise(&s, false);
            assert!(f.noise.is_some() && f.faults.is_empty() && f.frames == want, "{f:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(values in proptest::collection::vec((any::<f64>(), any::<f64>(), any::<f64>(), any::<f64>(), 0..3u8), 0..150)) {
            let sample = |(t, x, y, sigma, fit): (f64, f64, f64, f64, u8)| Sample {
                t_s: t,
                dx_px: x,
                dy_px: y,
                sigma_px: sigma,
                fit: [Fit::Good, Fit::Settling, Fit::Lost][usize::from(fit)],
                ..Sample::default()
            };
            let samples: Vec<Sample> = values.into_iter().map(sample).collect();
            let _ = noise(&samples, true);
        }
    }
}
