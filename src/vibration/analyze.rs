//! From samples to a reading: the newest window of one region, its main tone, velocity, uncertainty and grade.

use super::spectrum::Transform;
use super::tone::{self, Fitted};
use crate::base::ring::Ring;
use crate::model::vibration::{Fit, Grade, Reading, Reason, Sample, Spectrum, Waveform};

/// Length of the sliding window, in seconds: frequency within a hundredth of a hertz for the tones met here, and an
/// alarm limit is known to be kept or broken within the usual delays.
pub const WINDOW_S: f64 = 8.0;
/// Below this nothing is read: slow drift is not vibration.
pub const LOWEST_HZ: f64 = 0.4;
/// The window counts as settled from here on, in seconds.
const SETTLED_S: f64 = 4.0;
/// Largest number of samples in a window.
const MAX_SAMPLES: usize = 1 << 20;

/// What does not change from sample to sample.
#[derive(Clone, Copy, Debug)]
pub struct AnalyzerSpec {
    /// Frames a second to be expected; sizes the window's memory.
    pub expected_fps: f64,
    /// Length of the window in seconds; [`WINDOW_S`] for live streams, the whole length for files.
    pub window_s: f64,
    /// Scale where it is known.
    pub scale_mm_per_px: Option<f64>,
    /// Whether the pictures went through a lossy codec.
    pub coded: bool,
}

/// One sample of the window.
#[derive(Clone, Copy, Debug)]
struct Point {
    t_s: f64,
    x: f64,
    y: f64,
    sigma: f64,
    ok: bool,
    settling: bool,
}

/// The window of one region.
#[derive(Debug)]
pub struct Analyzer {
    spec: AnalyzerSpec,
    ring: Ring<Point>,
    transform: Transform,
    /// The machine's own frequency where it is known.
    pub nominal_hz: Option<f64>,
    t: Vec<f64>,
    x: Vec<f64>,
    y: Vec<f64>,
    gaps: Vec<f64>,
    floor_power: f64,
    spectrum_valid: bool,
}

impl Analyzer {
    /// An empty window.
    #[must_use]
    pub fn new(spec: AnalyzerSpec) -> Self {
        // Half as many again as expected: a camera may be faster than configured.
        let capacity = ((spec.window_s * spec.expected_fps * 1.5) as usize).clamp(64, MAX_SAMPLES);
        let full = ((spec.window_s * spec.expected_fps) as usize).clamp(64, MAX_SAMPLES);
        Self {
            spec,
            ring: Ring::new(capacity),
            transform: Transform::new(full),
            nominal_hz: None,
            t: Vec::with_capacity(capacity),
            x: Vec::with_capacity(capacity),
            y: Vec::with_capacity(capacity),
            gaps: Vec::with_capacity(capacity),
            floor_power: 0.0,
            spectrum_valid: false,
        }
    }

    /// Forgets the window: the stream began anew.
    pub fn clear(&mut self) {
        self.ring.clear();
        self.spectrum_valid = false;
    }

    /// Takes a sample. Samples whose time does not increase are left out.
    pub fn push(&mut self, s: &Sample) {
        if !s.t_s.is_finite() || self.ring.last().is_some_and(|l| s.t_s <= l.t_s) {
            return;
        }
        while self.ring.first().is_some_and(|f| f.t_s < s.t_s - self.spec.window_s) {
            self.ring.pop_front();
        }
        let ok = s.fit != Fit::Lost && s.dx_px.is_finite() && s.dy_px.is_finite();
        self.ring.push(Point {
            t_s: s.t_s,
            x: s.dx_px,
            y: s.dy_px,
            sigma: s.sigma_px,
            ok,
            settling: s.fit == Fit::Settling,
        });
    }

    /// The reading of the present window, as of the newest sample; none before the first.
    pub fn read(&mut self, newest: &Sample) -> Option<Reading> {
        let last = *self.ring.last()?;
        self.spectrum_valid = false;
        self.t.clear();
        self.x.clear();
        self.y.clear();
        let (mut square, mut settling) = (0.0, 0usize);
        for p in self.ring.iter().filter(|p| p.ok) {
            self.t.push(p.t_s);
            self.x.push(p.x);
            self.y.push(p.y);
            square += p.sigma * p.sigma;
            settling += usize::from(p.settling);
        }
        let n = self.t.len();
        let fitted_px = if n > 0 { (square / n as f64).sqrt() } else { f64::INFINITY };
        detrend(&self.t, &mut self.x);
        detrend(&self.t, &mut self.y);
        let span_s = if n > 1 { self.t[n - 1] - self.t[0] } else { 0.0 };
        let dt_s = self.interval_s();
        let fitted = self.main_tone(dt_s, span_s);
        let tone = fitted.map(|f| f.tone);
        let uncertainty_px = fitted_px.max(self.floor_px(fitted.map(|f| f.residual_px)));
        let (reasons, grade) = self.grade(n, settling, span_s, dt_s, last.ok, uncertainty_px);
        let angle_deg = tone.map_or_else(|| self.main_direction(), |t| t.angle_deg);
        let (pp, rms) = self.extent(angle_deg);
        let above_nyquist = reasons.contains(&Reason::AboveNyquist);
        let scale = self.spec.scale_mm_per_px;
        let velocity = (self.spectrum_valid && !above_nyquist)
            .then(|| self.transform.velocity_rms(angle_deg, LOWEST_HZ, self.floor_power))
            .filter(|v| v.is_finite());
        Some(Reading {
            at: newest.arrival,
            dx_px: last.x,
            dy_px: last.y,
            displacement_pp_px: pp,
            displacement_rms_px: rms,
            displacement_pp_mm: scale.map(|s| s * pp),
            displacement_rms_mm: scale.map(|s| s * rms),
            velocity_rms_mm_s: scale.and_then(|s| velocity.map(|v| s * v)),
            tone,
            uncertainty_px,
            grade,
            reasons,
            aliased: self.nominal_hz.map(|hz| hz > 0.5 / dt_s.max(1e-6)),
            samples: n,
        })
    }

    /// What the whole window says of the noise of one displacement, in pixels.
    ///
    /// What the fits say of themselves is a lower bound: haze, steam and above all the codec add to it. What they add
    /// stands in the spectrum as its floor. A codec's error also repeats with the motion and so hides in a few lines, where the
    /// median does not see it: on recordings of known motion the whole is 1.4 to 2.1 times the floor
    /// (`tests/accuracy.rs`). It is never more than what the main tone leaves unexplained.
    fn floor_px(&self, residual_px: Option<f64>) -> f64 {
        if !self.spectrum_valid {
            return 0.0;
        }
        let floor = self.transform.noise_px(self.floor_power);
        if self.spec.coded { floor.max((2.0 * floor).min(residual_px.unwrap_or(floor))) } else { floor }
    }

    /// Frame interval: the median distance of samples, which dropped frames do not move.
    fn interval_s(&mut self) -> f64 {
        self.gaps.clear();
        let mut before = None;
        for p in self.ring.iter() {
            if let Some(b) = before {
                self.gaps.push(p.t_s - b);
            }
            before = Some(p.t_s);
        }
        if self.gaps.is_empty() {
            return 1.0 / self.spec.expected_fps.max(1e-3);
        }
        let m = self.gaps.len() / 2;
        let (_, median, _) = self.gaps.select_nth_unstable_by(m, f64::total_cmp);
        *median
    }

    fn main_tone(&mut self, dt_s: f64, span_s: f64) -> Option<Fitted> {
        if span_s < 1.5 {
            return None;
        }
        self.spectrum_valid = self.transform.run(&self.t, &self.x, &self.y, dt_s);
        if !self.spectrum_valid {
            return None;
        }
        self.floor_power = self.transform.floor_power(LOWEST_HZ);
        let (low, high) = (LOWEST_HZ.max(2.0 / span_s), 0.5 / dt_s);
        let start = self.transform.strongest(low, high)?;
        tone::fit(&self.t, &self.x, &self.y, start, (low, high), self.spec.coded)
    }

    fn grade(
        &self,
        n: usize,
        settling: usize,
        span_s: f64,
        dt_s: f64,
        now_ok: bool,
        sigma: f64,
    ) -> (Vec<Reason>, Grade) {
        let mut reasons = Vec::new();
        let mut grade = Grade::Good;
        let mut because = |r: Reason, g: Grade| {
            reasons.push(r);
            grade = grade.max(g);
        };
        let held = self.ring.len().max(1);
        let lost = 1.0 - n as f64 / held as f64;
        if !now_ok || lost > 0.5 {
            because(Reason::TargetLost, if lost > 0.2 || n < 12 { Grade::Untrusted } else { Grade::Reduced });
        } else if lost > 0.02 {
            because(Reason::TargetLost, if lost > 0.2 { Grade::Poor } else { Grade::Reduced });
        }
        let settled_s = SETTLED_S.min(self.spec.window_s / 2.0);
        if span_s < settled_s {
            because(Reason::Settling, if span_s < 1.5 { Grade::Untrusted } else { Grade::Reduced });
        } else if settling * 2 > n {
            because(Reason::Settling, Grade::Reduced);
        }
        let all_s = match (self.ring.first(), self.ring.last()) {
            (Some(a), Some(b)) => b.t_s - a.t_s,
            _ => 0.0,
        };
        let missing = 1.0 - held as f64 / (all_s / dt_s.max(1e-6) + 1.0).max(1.0);
        if missing > 0.05 {
            because(Reason::DroppedFrames, if missing > 0.4 { Grade::Poor } else { Grade::Reduced });
        }
        if sigma > 0.5 {
            because(Reason::Noise, Grade::Untrusted);
        } else if sigma > 0.1 {
            because(Reason::Noise, Grade::Poor);
        } else if sigma > 0.05 {
            because(Reason::Noise, Grade::Reduced);
        }
        if self.nominal_hz.is_some_and(|hz| hz > 0.5 / dt_s.max(1e-6)) {
            because(Reason::AboveNyquist, Grade::Poor);
        }
        (reasons, grade)
    }

    /// Direction of largest variance in degrees.
    fn main_direction(&self) -> f64 {
        let (mut xx, mut yy, mut xy) = (0.0f64, 0.0f64, 0.0f64);
        for (x, y) in self.x.iter().zip(&self.y) {
            xx += x * x;
            yy += y * y;
            xy += x * y;
        }
        (0.5 * (2.0 * xy).atan2(xx - yy)).to_degrees().rem_euclid(180.0)
    }

    /// Peak to peak and RMS along a direction.
    fn extent(&self, angle_deg: f64) -> (f64, f64) {
        let (s, c) = angle_deg.to_radians().sin_cos();
        let (mut low, mut high, mut square) = (0.0f64, 0.0f64, 0.0);
        for (x, y) in self.x.iter().zip(&self.y) {
            let p = x * c + y * s;
            low = low.min(p);
            high = high.max(p);
            square += p * p;
        }
        (high - low, (square / self.x.len().max(1) as f64).sqrt())
    }

    /// The window as last read, drift removed, for drawing.
    #[must_use]
    pub fn waveform(&self) -> Waveform {
        let Some(last) = self.ring.last() else { return Waveform::default() };
        let mut w = Waveform::default();
        let mut k = 0;
        for p in self.ring.iter() {
            w.t_s.push((p.t_s - last.t_s) as f32);
            let known = p.ok && k < self.x.len();
            w.dx_px.push(if known { self.x[k] as f32 } else { f32::NAN });
            w.dy_px.push(if known { self.y[k] as f32 } else { f32::NAN });
            k += usize::from(p.ok);
        }
        w
    }

    /// The spectrum as last read; empty where there is none.
    #[must_use]
    pub fn spectrum(&self) -> Spectrum {
        if !self.spectrum_valid {
            return Spectrum::default();
        }
        Spectrum {
            step_hz: self.transform.step_hz as f32,
            x_px: self.transform.amplitudes(0).collect(),
            y_px: self.transform.amplitudes(1).collect(),
            floor_px: self.transform.amplitude_of(self.floor_power) as f32,
        }
    }
}

/// Takes the straight line of least squares out.
fn detrend(t: &[f64], v: &mut [f64]) {
    let n = v.len();
    if n == 0 {
        return;
    }
    let (tm, vm) = (t.iter().sum::<f64>() / n as f64, v.iter().sum::<f64>() / n as f64);
    let (mut tt, mut tv) = (0.0, 0.0);
    for (t, v) in t.iter().zip(v.iter()) {
        tt += (t - tm) * (t - tm);
        tv += (t - tm) * (v - vm);
    }
    let slope = if tt > 0.0 { tv / tt } else { 0.0 };
    for (t, v) in t.iter().zip(v.iter_mut()) {
        *v -= vm + slope * (t - tm);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::clock::Mono;

    fn spec() -> AnalyzerSpec {
        AnalyzerSpec { expected_fps: 25.0, window_s: WINDOW_S, scale_mm_per_px: Some(0.5), coded: false }
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

    #[test]
    fn a_machine_too_fast_for_the_camera_gets_no_velocity() {
        let mut a = Analyzer::new(spec());
        a.nominal_hz = Some(16.2);
        let mut r = None;
        for i in 0..300u64 {
            let s = sample(i, (i as f64 * 2.1).sin(), 0.0);
            a.push(&s);
            r = a.read(&s);
        }
        let r = r.unwrap();
        assert_eq!((r.aliased, r.velocity_rms_mm_s), (Some(true), None));
        assert!(r.reasons.contains(&Reason::AboveNyquist));
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
}
