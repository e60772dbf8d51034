//! From samples to a reading: the newest window of one region, its main tone, velocity, uncertainty and grade.

use std::f64::consts::PI;

use super::reference::invert;
use super::spectrum::Transform;
use super::tone::{self, Fitted};
use crate::base::ring::Ring;
use crate::model::baseline::Bands;
use crate::model::compensation::{Compensations, Taken};
use crate::model::vibration::{Fit, Grade, Marks, Reading, Reason, Sample, Spectrum, Tone, Waveform};

/// Length of the sliding window, in seconds: frequency within a hundredth of a hertz for the tones met here, and an
/// alarm limit is known to be kept or broken within the usual delays.
pub const WINDOW_S: f64 = 8.0;
/// Below this nothing is read: slow drift is not vibration.
pub const LOWEST_HZ: f64 = 0.4;
/// The window counts as settled from here on, in seconds.
const SETTLED_S: f64 = 4.0;
/// How far a machine's speed may be off its nominal one, relative.
const SPEED_VARIES: f64 = 0.03;
/// Less than this share of an amplitude left by the shutter cannot be corrected for.
const LEAST_LEFT: f64 = 0.2;
/// Inter-frame codecs move blocks in steps of a quarter of a pixel: motion within half of that may be coded away.
const CODEC_STEP_PX: f64 = 0.125;
/// What they then take from an amplitude, one sigma, in pixels: on recordings at 2 to 8 Mbit/s, amplitudes of 0.05 px read 44 to 86 % low.
const CODEC_LOSES_PX: f64 = 0.03;
/// Amplitudes up to this are not claimed to be seen in coded pictures.
const CODEC_TAKES_PX: f64 = 0.05;
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
    /// How long the shutter is open, in seconds, where it is known: a motion is smeared over it, and looks smaller.
    pub exposure_s: Option<f64>,
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
    marks: Marks,
    shake_px: Option<[f32; 2]>,
    gain: f32,
}

/// How the samples of a window are marked.
#[derive(Clone, Copy, Debug, Default)]
struct Shares {
    settling: usize,
    covered: usize,
    coded: usize,
    hazy: usize,
}

/// What the tone is, and what follows from where it stands.
#[derive(Clone, Copy, Debug)]
struct Main {
    tone: Tone,
    residual_px: f64,
    /// Where the tone stands in the spectrum, if it was folded there.
    folded_hz: Option<f64>,
}

/// The window of one region.
#[derive(Debug)]
pub struct Analyzer {
    spec: AnalyzerSpec,
    ring: Ring<Point>,
    transform: Transform,
    /// The machine's own frequency where it is known.
    pub nominal_hz: Option<f64>,
    /// Which compensations are on: drift is taken off here, the others were before.
    pub compensations: Compensations,
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
            compensations: Compensations::default(),
            t: Vec::with_capacity(capacity),
            x: Vec::with_capacity(capacity),
            y: Vec::with_capacity(capacity),
            gaps: Vec::with_capacity(capacity),
            floor_power: 0.0,
            spectrum_valid: false,
        }
    }

    /// The scale is this from now on, in mm per pixel.
    pub fn set_scale(&mut self, mm_per_px: f64) {
        self.spec.scale_mm_per_px = Some(mm_per_px);
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
            marks: s.marks,
            shake_px: s.shake_px,
            gain: s.gain,
        });
    }

    /// The reading of the present window, as of the newest sample; none before the first.
    pub fn read(&mut self, newest: &Sample) -> Option<Reading> {
        let last = *self.ring.last()?;
        self.spectrum_valid = false;
        self.t.clear();
        self.x.clear();
        self.y.clear();
        let (mut square, mut shares) = (0.0, Shares::default());
        for p in self.ring.iter().filter(|p| p.ok) {
            self.t.push(p.t_s);
            self.x.push(p.x);
            self.y.push(p.y);
            square += p.sigma * p.sigma;
            shares.settling += usize::from(p.settling);
            shares.covered += usize::from(p.marks.covered);
            shares.coded += usize::from(p.marks.coded);
            shares.hazy += usize::from(p.marks.hazy);
        }
        let n = self.t.len();
        let coded = shares.coded * 2 > n;
        let fitted_px = if n > 0 { (square / n as f64).sqrt() } else { f64::INFINITY };
        let drift = self.compensations.drift;
        let drift_px = detrend(&self.t, &mut self.x, drift).max(detrend(&self.t, &mut self.y, drift));
        let span_s = if n > 1 { self.t[n - 1] - self.t[0] } else { 0.0 };
        let dt_s = self.interval_s();
        let main = self.main_tone(dt_s, span_s, coded);
        let tone = main.map(|m| m.tone);
        let uncertainty_px = fitted_px.max(self.floor_px(main.map(|m| m.residual_px)));
        let (reasons, grade) = self.grade(shares, span_s, dt_s, &last, uncertainty_px, main.as_ref());
        let angle_deg = tone.map_or_else(|| self.main_direction(), |t| t.angle_deg);
        let (pp, rms) = self.extent(angle_deg);
        let above = self.nominal_hz.is_some_and(|hz| hz > 0.5 / dt_s.max(1e-6));
        let scale = self.spec.scale_mm_per_px;
        let velocity = match main {
            // What is seen lies elsewhere in the spectrum: only the machine's own tone has a velocity.
            Some(Main { tone, folded_hz: Some(_), .. }) => Some(2.0 * PI * tone.hz * tone.major_px / 2f64.sqrt()),
            _ if above => None,
            _ => self.spectrum_valid.then(|| {
                self.transform.velocity_rms(angle_deg, LOWEST_HZ, self.floor_power, self.spec.exposure_s.unwrap_or(0.0))
            }),
        };
        let velocity = velocity.filter(|v| v.is_finite());
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
            aliased: self.nominal_hz.map(|_| above),
            folded_hz: main.and_then(|m| m.folded_hz),
            smallest_px: self.smallest_px(n, uncertainty_px, coded),
            samples: n,
            deviation: None,
            taken: Taken { drift_px, ..self.taken() },
        })
    }

    /// What the samples say was taken off them before they came here.
    fn taken(&self) -> Taken {
        let (mut n, mut sums, mut square) = (0.0f64, [0.0f64; 2], 0.0f64);
        let mut gain = (f64::INFINITY, f64::NEG_INFINITY);
        for p in self.ring.iter().filter(|p| p.ok) {
            gain = (gain.0.min(p.gain.into()), gain.1.max(p.gain.into()));
            let Some([x, y]) = p.shake_px.map(|s| s.map(f64::from)) else { continue };
            n += 1.0;
            sums = [sums[0] + x, sums[1] + y];
            square += x * x + y * y;
        }
        let about_mean = |n: f64| ((square - (sums[0] * sums[0] + sums[1] * sums[1]) / n) / n).max(0.0).sqrt();
        Taken {
            shake_rms_px: (n > 0.0).then(|| about_mean(n)),
            gain: if gain.0 <= gain.1 { gain } else { (1.0, 1.0) },
            ..Taken::default()
        }
    }

    /// The smallest amplitude that would count as a tone now: five times what noise makes of one over the window; in coded pictures
    /// never less than what the codec has been seen to take away.
    fn smallest_px(&self, n: usize, uncertainty_px: f64, coded: bool) -> f64 {
        let noise = if self.spectrum_valid { self.transform.noise_px(self.floor_power) } else { uncertainty_px };
        let smallest = tone::SIGNIFICANT * noise * (2.0 / n.max(1) as f64).sqrt();
        if coded { smallest.max(CODEC_TAKES_PX) } else { smallest }
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
        // Gaps smear a tone over the lines; what the tone leaves unexplained is never less than the noise.
        let floor = self.transform.noise_px(self.floor_power).min(residual_px.unwrap_or(f64::INFINITY));
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

    /// The main tone: the strongest, or where the machine's frequency is known and lies above half the frame rate, what stands where it folds to.
    fn main_tone(&mut self, dt_s: f64, span_s: f64, coded: bool) -> Option<Main> {
        if span_s < 1.5 {
            return None;
        }
        self.spectrum_valid = self.transform.run(&self.t, &self.x, &self.y, dt_s);
        if !self.spectrum_valid {
            return None;
        }
        self.floor_power = self.transform.floor_power(LOWEST_HZ);
        // At half the frame rate itself a sine is not determined: its samples may all be zero.
        let (low, high) = (LOWEST_HZ.max(2.0 / span_s), 0.5 / dt_s - 0.5 / span_s);
        let fold = self.nominal_hz.filter(|hz| *hz > 0.5 / dt_s).map(|hz| Fold::of(hz, 1.0 / dt_s));
        let (from, to) = match &fold {
            // The machine's speed varies a little under load.
            Some(f) => {
                let reach = (SPEED_VARIES * f.nominal_hz).max(2.0 / span_s);
                ((f.seen_hz - reach).max(low), (f.seen_hz + reach).min(high))
            }
            None => (low, high),
        };
        if !(from < to) {
            return None;
        }
        let start = self.transform.strongest(from, to)?;
        let Fitted { mut tone, residual_px } =
            tone::fit(&self.t, &self.x, &self.y, start, (from, to), self.spec.coded || coded)?;
        // A tone cannot be larger than the motion that it is part of.
        let largest = self.x.iter().zip(&self.y).map(|(x, y)| x.hypot(*y)).fold(0.0, f64::max);
        if !(tone.major_px <= 2.0 * largest) {
            return None;
        }
        let folded_hz = fold.as_ref().map(|_| tone.hz);
        if let Some(f) = &fold {
            tone.hz = f.back(tone.hz);
        }
        // The shutter averages over its time: sin(πfE)/(πfE) of the amplitude is left.
        let left = self.spec.exposure_s.map_or(1.0, |e| sinc(tone.hz * e));
        if !(left > LEAST_LEFT) {
            return None;
        }
        tone.major_px /= left;
        tone.minor_px /= left;
        tone.sigma_px /= left;
        if coded {
            // Motion within a quarter of a pixel may be coded away; one that sweeps over several steps averages that out.
            tone.sigma_px = tone.sigma_px.hypot(CODEC_LOSES_PX * (CODEC_STEP_PX / tone.major_px).powi(2).min(1.0));
            if tone.major_px < CODEC_TAKES_PX {
                // It may be much larger, or the codec's own: that is no tone to tell anybody.
                return None;
            }
        }
        Some(Main { tone, residual_px, folded_hz })
    }

    fn grade(
        &self,
        shares: Shares,
        span_s: f64,
        dt_s: f64,
        last: &Point,
        sigma: f64,
        main: Option<&Main>,
    ) -> (Vec<Reason>, Grade) {
        let mut reasons = Vec::new();
        let mut grade = Grade::Good;
        let mut because = |r: Reason, g: Grade| {
            reasons.push(r);
            grade = grade.max(g);
        };
        let (n, held) = (self.t.len(), self.ring.len().max(1));
        let lost = 1.0 - n as f64 / held as f64;
        if !last.ok || lost > 0.5 {
            let why = if last.marks.textureless { Reason::LowTexture } else { Reason::TargetLost };
            because(why, if lost > 0.2 || n < 12 { Grade::Untrusted } else { Grade::Reduced });
        } else if lost > 0.02 {
            because(Reason::TargetLost, if lost > 0.2 { Grade::Poor } else { Grade::Reduced });
        }
        let settled_s = SETTLED_S.min(self.spec.window_s / 2.0);
        if span_s < settled_s {
            because(Reason::Settling, if span_s < 1.5 { Grade::Untrusted } else { Grade::Reduced });
        } else if shares.settling * 2 > n {
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
        let share = |k: usize| k as f64 / n.max(1) as f64;
        if share(shares.covered) > 0.05 {
            because(Reason::Covered, if share(shares.covered) > 0.5 { Grade::Poor } else { Grade::Reduced });
        }
        if share(shares.hazy) > 0.3 {
            because(Reason::Haze, Grade::Reduced);
        }
        let now = [
            (last.marks.one_direction, Reason::OneDirection),
            (last.marks.relit, Reason::Light),
            (last.marks.saturated, Reason::Saturation),
        ];
        for (_, reason) in now.into_iter().filter(|(on, _)| *on && last.ok) {
            because(reason, Grade::Reduced);
        }
        let reach = self.x.iter().zip(&self.y).map(|(x, y)| x.hypot(*y)).fold(0.0, f64::max);
        if share(shares.coded) > 0.5 && main.map_or(reach, |m| m.tone.major_px) < CODEC_STEP_PX {
            because(Reason::Codec, Grade::Reduced);
        }
        if let Some(m) = main {
            let turn = 2.0 * PI * m.folded_hz.unwrap_or(m.tone.hz) * self.jitter_s(dt_s);
            if turn > 0.15 {
                because(Reason::Jitter, if turn > 0.5 { Grade::Poor } else { Grade::Reduced });
            }
        }
        if self.compensations != Compensations::default() {
            because(Reason::Uncompensated, Grade::Reduced);
        }
        if self.nominal_hz.is_some_and(|hz| hz > 0.5 / dt_s.max(1e-6)) {
            // How much the shutter has smeared such a fast motion is known only with the exposure.
            match (main.is_some(), self.spec.exposure_s.is_some()) {
                (true, true) => because(Reason::Folded, Grade::Reduced),
                (true, false) => because(Reason::Folded, Grade::Poor),
                (false, _) => because(Reason::AboveNyquist, Grade::Poor),
            }
        }
        (reasons, grade)
    }

    /// How far the timestamps lie off an even grid, RMS, in seconds.
    fn jitter_s(&self, dt_s: f64) -> f64 {
        let (Some(first), true) = (self.t.first(), dt_s > 0.0) else { return 0.0 };
        let mut sums = [0.0f64; 5];
        for t in &self.t {
            let (k, t) = (((t - first) / dt_s).round(), t - first);
            for (s, v) in sums.iter_mut().zip([1.0, k, k * k, t, k * t]) {
                *s += v;
            }
        }
        let [n, k, kk, t, kt] = sums;
        let det = n * kk - k * k;
        if !(det > 0.0) {
            return 0.0;
        }
        let (slope, start) = ((n * kt - k * t) / det, (kk * t - k * kt) / det);
        let off = |v: &f64| (v - first) - start - slope * ((v - first) / dt_s).round();
        (self.t.iter().map(|t| off(t).powi(2)).sum::<f64>() / n).sqrt()
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
            w.sigma_px.push(if known { p.sigma as f32 } else { f32::NAN });
            k += usize::from(p.ok);
        }
        w
    }

    /// RMS displacement in even bands of the spectrum as last read; none where there is none.
    #[must_use]
    pub fn bands(&self) -> Option<Bands> {
        if !self.spectrum_valid {
            return None;
        }
        let mut bands = Bands::default();
        bands.band_hz = (LOWEST_HZ, self.transform.bands(LOWEST_HZ, &mut bands.rms_px));
        Some(bands)
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

/// A frequency above half the frame rate, and where it is seen.
#[expect(clippy::struct_field_names, reason = "units stand last in names")]
#[derive(Clone, Copy, Debug)]
struct Fold {
    nominal_hz: f64,
    seen_hz: f64,
    /// The multiple of the frame rate next to it.
    carrier_hz: f64,
}

impl Fold {
    fn of(nominal_hz: f64, rate_hz: f64) -> Self {
        let carrier_hz = (nominal_hz / rate_hz).round() * rate_hz;
        Self { nominal_hz, seen_hz: (nominal_hz - carrier_hz).abs(), carrier_hz }
    }

    /// The frequency that is seen at `seen_hz`.
    fn back(&self, seen_hz: f64) -> f64 {
        if self.nominal_hz >= self.carrier_hz { self.carrier_hz + seen_hz } else { self.carrier_hz - seen_hz }
    }
}

/// sin(πx)/(πx).
fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Takes slow drift out: the straight line of least squares, or the cubic where that explains a good part of the rest; where drift is to stay
/// in, the mean alone. How far the drift reaches, peak to peak, comes back.
fn detrend(t: &[f64], v: &mut [f64], drift: bool) -> f64 {
    let n = v.len();
    let (Some(first), Some(last)) = (t.first(), t.last()) else { return 0.0 };
    let (middle, half) = (f64::midpoint(*first, *last), ((last - first) / 2.0).max(1e-9));
    let powers = |t: f64| {
        let u = (t - middle) / half;
        [1.0, u, u * u, u * u * u]
    };
    let mut g = [[0.0; 4]; 4];
    let mut r = [0.0; 4];
    let mut square = 0.0;
    for (t, v) in t.iter().zip(v.iter()) {
        let p = powers(*t);
        for i in 0..4 {
            for j in 0..4 {
                g[i][j] += p[i] * p[j];
            }
            r[i] += p[i] * v;
        }
        square += v * v;
    }
    let fit = |degree: usize| {
        let mut g = g;
        for i in 0..4 {
            for j in 0..4 {
                if i > degree || j > degree {
                    g[i][j] = f64::from(u8::from(i == j));
                }
            }
        }
        let mut r = r;
        r.iter_mut().skip(degree + 1).for_each(|r| *r = 0.0);
        let c = invert(&g).map(|i| i.map(|row| row.iter().zip(&r).map(|(a, b)| a * b).sum::<f64>()))?;
        let explained: f64 = c.iter().zip(&r).map(|(c, r)| c * r).sum();
        Some((c, (square - explained).max(0.0)))
    };
    let line = fit(1).unwrap_or(([r[0] / n as f64, 0.0, 0.0, 0.0], square));
    let best = fit(3).filter(|(_, left)| n >= 50 && *left < 0.8 * line.1).unwrap_or(line);
    let mean = v.iter().sum::<f64>() / n as f64;
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (t, v) in t.iter().zip(v.iter_mut()) {
        let slow = powers(*t).iter().zip(&best.0).map(|(p, c)| p * c).sum::<f64>();
        (low, high) = (low.min(slow), high.max(slow));
        *v -= if drift { slow } else { mean };
    }
    (high - low).max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::clock::Mono;

    fn spec() -> AnalyzerSpec {
        AnalyzerSpec {
            expected_fps: 25.0,
            window_s: WINDOW_S,
            scale_mm_per_px: Some(0.5),
            coded: false,
            exposure_s: None,
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
        assert_eq!(with(Marks { hazy: true, ..Marks::default() }, 2).0, [Reason::Haze]);
        assert_eq!(with(Marks { one_direction: true, ..Marks::default() }, 1).0, [Reason::OneDirection]);
        assert_eq!(with(Marks::default(), 1).1, Grade::Good);
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
}
