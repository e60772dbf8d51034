//! From samples to a reading: the newest window of one region, its main tone, velocity, uncertainty and grade.

mod closer;
mod drift;
mod grade;

use std::f64::consts::PI;

use super::fold::{Fold, LEAST_LEFT, sinc};
use super::spectrum::Transform;
use super::tone::{self, Fitted, Fitter};
use super::tracker::HELD_BACK_TIMES;
use crate::base::ring::Ring;
use crate::model::baseline::Bands;
use crate::model::compensation::{Compensations, Taken};
use crate::model::vibration::{Bend, Fit, Marks, Reading, Sample, Spectrum, Tone, Waveform};
use closer::Closer;
use drift::detrend;

/// Length of the sliding window, in seconds: frequency within a hundredth of a hertz for the tones met here, and an
/// alarm limit is known to be kept or broken within the usual delays.
pub const WINDOW_S: f64 = 8.0;
/// Below this nothing is read: slow drift is not vibration.
pub const LOWEST_HZ: f64 = 0.4;
/// The window counts as settled from here on, in seconds.
const SETTLED_S: f64 = 4.0;
/// How far a machine's speed may be off its nominal one, relative.
const SPEED_VARIES: f64 = 0.03;
/// Inter-frame codecs move blocks in steps of a quarter of a pixel: motion within half of that may be coded away.
const CODEC_STEP_PX: f64 = 0.125;
/// What they then take from an amplitude, one sigma, in pixels: on recordings at 2 to 8 Mbit/s, amplitudes of 0.05 px read 44 to 86 % low.
const CODEC_LOSES_PX: f64 = 0.03;
/// Amplitudes up to this are not claimed to be seen in coded pictures.
const CODEC_TAKES_PX: f64 = 0.05;
/// A reading is made at least this often, in seconds: as often as anybody is shown one. What eight seconds say as a whole changes little in that time;
/// a sample that is news is read at once (see [`Analyzer::due`]).
pub const READ_EVERY_S: f64 = 0.2;
/// What the frames say of their uncertainty is no noise where it is so many times what the window shows of that; and it is much against a tone from this
/// share of its amplitude on.
const STEADY: f64 = 5.0;
const APART: f64 = 0.25;
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
    /// From the exposure of the first row of the picture to that of the last, in seconds, where it is known.
    pub readout_s: Option<f64>,
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
    bend: Bend,
    left_out: f32,
    shake_px: Option<[f32; 2]>,
    gain: f32,
    held_back: f32,
    size_sigma: f32,
}

/// How the samples of a window are marked.
#[derive(Clone, Copy, Debug, Default)]
struct Shares {
    settling: usize,
    covered: usize,
    coded: usize,
    hazy: usize,
    repeated: usize,
    /// Whether the region's parts lie apart in every frame by much of the motion, the same way each time.
    apart: bool,
}

/// What the samples say was taken off them before they came here.
#[derive(Clone, Copy, Debug)]
struct Off {
    shaken: f64,
    shake_px: [f64; 2],
    square: f64,
    gain: (f64, f64),
}

impl Default for Off {
    fn default() -> Self {
        Self { shaken: 0.0, shake_px: [0.0; 2], square: 0.0, gain: (f64::INFINITY, f64::NEG_INFINITY) }
    }
}

impl Off {
    fn take(&mut self, p: &Point) {
        let gain = f64::from(p.gain);
        self.gain = (self.gain.0.min(gain), self.gain.1.max(gain));
        let Some([x, y]) = p.shake_px.map(|s| s.map(f64::from)) else { return };
        self.shaken += 1.0;
        self.shake_px = [self.shake_px[0] + x, self.shake_px[1] + y];
        self.square += x * x + y * y;
    }

    fn taken(&self) -> Taken {
        let ([x, y], n) = (self.shake_px, self.shaken);
        let rms = || ((self.square - (x * x + y * y) / n) / n).max(0.0).sqrt();
        Taken {
            shake_rms_px: (n > 0.0).then(rms),
            gain: if self.gain.0 <= self.gain.1 { self.gain } else { (1.0, 1.0) },
            ..Taken::default()
        }
    }
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
    /// Rows of the camera's picture, where they are known.
    pub picture_rows: Option<u32>,
    /// Rows of the region.
    pub region_rows: Option<u32>,
    closer: Closer,
    /// Which compensations are on: drift is taken off here, the others were before.
    pub compensations: Compensations,
    t: Vec<f64>,
    x: Vec<f64>,
    y: Vec<f64>,
    gaps: Vec<f64>,
    fitter: Fitter,
    floor_power: f64,
    spectrum_valid: bool,
    read: Read,
}

/// Up to where the window was read, and what was in it.
#[derive(Clone, Copy, Debug)]
struct Read {
    /// Time of the newest sample; before the first reading minus infinity.
    to_s: f64,
    /// Least and largest displacement, in pixels.
    x: (f64, f64),
    y: (f64, f64),
}

impl Default for Read {
    fn default() -> Self {
        let nothing = (f64::INFINITY, f64::NEG_INFINITY);
        Self { to_s: f64::NEG_INFINITY, x: nothing, y: nothing }
    }
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
            picture_rows: None,
            region_rows: None,
            closer: Closer::new(capacity),
            compensations: Compensations::default(),
            t: Vec::with_capacity(capacity),
            x: Vec::with_capacity(capacity),
            y: Vec::with_capacity(capacity),
            gaps: Vec::with_capacity(capacity),
            fitter: Fitter::default(),
            floor_power: 0.0,
            spectrum_valid: false,
            read: Read::default(),
        }
    }

    /// The scale is this from now on, in mm per pixel.
    pub fn set_scale(&mut self, mm_per_px: f64) {
        self.spec.scale_mm_per_px = Some(mm_per_px);
    }

    /// Forgets the window: the stream began anew.
    pub fn clear(&mut self) {
        self.ring.clear();
        self.closer.forget();
        self.spectrum_valid = false;
        self.read = Read::default();
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
            bend: s.bend,
            left_out: s.left_out,
            shake_px: s.shake_px,
            gain: s.gain,
            held_back: s.held_back,
            size_sigma: s.size_sigma,
        });
    }

    /// Whether the newest sample calls for a reading: the last one is [`READ_EVERY_S`] old, or the sample is news, that is farther out than any that
    /// was read, lost or found again, or marked otherwise than the one before it.
    #[must_use]
    pub fn due(&self) -> bool {
        let mut newest = self.ring.iter().rev();
        let Some(now) = newest.next() else { return false };
        let inside = |v: f64, (low, high): (f64, f64)| (low..=high).contains(&v);
        // A sample's own times are rounded: five of forty milliseconds may be a little less than a fifth of a second.
        now.t_s - self.read.to_s > READ_EVERY_S - 1e-3
            || newest.next().is_none_or(|before| before.ok != now.ok || before.marks != now.marks)
            || (now.ok && !(inside(now.x, self.read.x) && inside(now.y, self.read.y)))
    }

    /// The reading of the present window, as of the newest sample; none before the first.
    pub fn read(&mut self, newest: &Sample) -> Option<Reading> {
        let last = *self.ring.last()?;
        self.spectrum_valid = false;
        self.read = Read { to_s: last.t_s, ..Read::default() };
        self.t.clear();
        self.x.clear();
        self.y.clear();
        self.gaps.clear();
        let (mut square, mut shares, mut off, mut before) = (0.0, Shares::default(), Off::default(), None);
        for p in self.ring.iter() {
            if let Some(before_s) = before.replace(p.t_s) {
                self.gaps.push(p.t_s - before_s);
            }
            shares.repeated += usize::from(p.marks.repeated);
            if !p.ok {
                continue;
            }
            self.t.push(p.t_s);
            self.x.push(p.x);
            self.y.push(p.y);
            for (seen, v) in [(&mut self.read.x, p.x), (&mut self.read.y, p.y)] {
                *seen = (seen.0.min(v), seen.1.max(v));
            }
            square += p.sigma * p.sigma;
            shares.settling += usize::from(p.settling);
            shares.covered += usize::from(p.marks.covered);
            shares.coded += usize::from(p.marks.coded);
            shares.hazy += usize::from(p.marks.hazy);
            off.take(p);
        }
        let n = self.t.len();
        // Where the newest frame shows nothing, the target is where it was last seen. And one that came again says nothing else either.
        let seen = self.ring.iter().rev().find(|p| p.ok).copied().unwrap_or(last);
        let last = if last.marks.repeated { seen } else { last };
        let coded = shares.coded * 2 > n;
        let fitted_px = if n > 0 { (square / n as f64).sqrt() } else { f64::INFINITY };
        let drift_px = detrend(&self.t, &mut self.x, &mut self.y, self.compensations.drift);
        let span_s = if n > 1 { self.t[n - 1] - self.t[0] } else { 0.0 };
        let dt_s = self.interval_s();
        let mut main = self.main_tone(dt_s, span_s, coded);
        let uncertainty_px = fitted_px.max(self.floor_px(main.map(|m| m.residual_px)));
        self.look_closer(main.as_ref(), span_s, dt_s);
        if let Some(Main { tone, .. }) = &mut main {
            tone.sigma_px = tone.sigma_px.hypot(self.rows_take(tone.hz) * tone.major_px);
            // In a recording without a codec the frames' own uncertainty is noise, and averages out, unless the parts move differently each time.
            let steady = fitted_px > STEADY * self.transform.noise_px(self.floor_power);
            shares.apart = !self.spec.coded && !coded && steady && fitted_px > APART * tone.major_px;
            if shares.apart {
                tone.sigma_px = tone.sigma_px.hypot(fitted_px);
            }
        }
        let tone = main.map(|m| m.tone);
        let suspected = self.closer.alias.as_ref().is_some_and(|a| a.suspected);
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
                let left = |hz: f64| self.spec.exposure_s.map_or(1.0, |e| sinc(hz * e)) * self.rows_left(hz);
                self.transform.velocity_rms(angle_deg, LOWEST_HZ, self.floor_power, left)
            }),
        };
        let velocity = velocity.filter(|v| v.is_finite());
        Some(Reading {
            at: newest.arrival,
            dx_px: seen.x,
            dy_px: seen.y,
            displacement_pp_px: pp,
            displacement_rms_px: rms,
            displacement_pp_mm: scale.map(|s| s * pp),
            displacement_rms_mm: scale.map(|s| s * rms),
            velocity_rms_mm_s: scale.and_then(|s| velocity.map(|v| s * v)),
            tone,
            uncertainty_px,
            grade,
            reasons,
            aliased: self.nominal_hz.map(|_| above).or(suspected.then_some(true)),
            folded_hz: main.and_then(|m| m.folded_hz),
            smallest_px: self.smallest_px(n, uncertainty_px, coded),
            harmonics: self.closer.harmonics.clone(),
            alias: self.closer.alias.clone(),
            turn_rms_rad: self.closer.turn_rms_rad,
            left_out: f64::from(last.left_out),
            samples: n,
            deviation: None,
            taken: Taken { drift_px, ..off.taken() },
        })
    }

    /// The smallest amplitude that would count as a tone now: six times what noise makes of one over the window; in coded pictures
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
        if self.gaps.is_empty() {
            return 1.0 / self.spec.expected_fps.max(1e-3);
        }
        let m = self.gaps.len() / 2;
        let (_, median, _) = self.gaps.select_nth_unstable_by(m, f64::total_cmp);
        *median
    }

    /// Takes off what drift is left: offset in the middle and slope, for x and y.
    fn straighten(&mut self, trend: [[f64; 2]; 2]) {
        let middle = self.t.first().zip(self.t.last()).map_or(0.0, |(a, b)| f64::midpoint(*a, *b));
        for (v, [offset, slope]) in [&mut self.x, &mut self.y].into_iter().zip(trend) {
            for (v, t) in v.iter_mut().zip(&self.t) {
                *v -= offset + slope * (t - middle);
            }
        }
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
        let Fitted { mut tone, residual_px, trend } =
            self.fitter.fit(&self.t, &self.x, &self.y, start, (from, to), self.spec.coded || coded)?;
        if self.compensations.drift {
            // A tone is not at right angles to a straight line: the line that was taken off without it had a part of it.
            self.straighten(trend);
        }
        // A tone cannot be larger than the motion that it is part of.
        let largest = self.x.iter().zip(&self.y).map(|(x, y)| x * x + y * y).fold(0.0, f64::max).sqrt();
        if !(tone.major_px <= 2.0 * largest) {
            return None;
        }
        let folded_hz = fold.as_ref().map(|_| tone.hz);
        if let Some(f) = &fold {
            tone.hz = f.back(tone.hz);
        }
        // The shutter averages over its time: sin(πfE)/(πfE) of the amplitude is left. And a region over the time from its first row to its last.
        let left = self.spec.exposure_s.map_or(1.0, |e| sinc(tone.hz * e)) * self.rows_left(tone.hz);
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
        let off = |p: &Point| (HELD_BACK_TIMES * f64::from(p.held_back)).hypot(f64::from(p.size_sigma));
        let off = self.ring.iter().rev().find(|p| p.ok).map_or(0.0, off);
        tone.sigma_px = tone.sigma_px.hypot(off * tone.major_px);
        Some(Main { tone, residual_px, folded_hz })
    }

    /// What a rolling shutter leaves of an amplitude of `hz` in the mean over the region, where its readout time is known.
    fn rows_left(&self, hz: f64) -> f64 {
        let (Some(readout_s), Some(rows), Some(all)) = (self.spec.readout_s, self.region_rows, self.picture_rows)
        else {
            return 1.0;
        };
        sinc(hz * readout_s * f64::from(rows) / f64::from(all.max(1)))
    }

    /// By how much of what is told the main tone's amplitude is larger by the phase that is seen down the rows, beyond what a known readout time accounts for
    /// and what the phase itself may be off by (two sigmas). Where no phase is seen, nothing is known to be taken.
    fn rows_take(&self, hz: f64) -> f64 {
        let Some((left, sigma)) = self.closer.rows_left else { return 0.0 };
        let known = self.rows_left(hz);
        let sigma = if self.spec.readout_s.is_some() { sigma } else { 0.0 };
        ((known / left - 1.0).abs() - 2.0 * sigma).max(0.0)
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
        let room = || Vec::with_capacity(self.ring.len());
        let mut w = Waveform { t_s: room(), dx_px: room(), dy_px: room(), sigma_px: room() };
        // Samples that came since are not in it yet, and some that it was made of are gone.
        let first_s = self.ring.first().map_or(last.t_s, |p| p.t_s);
        let mut k = self.t.iter().take_while(|t| **t < first_s).count();
        for p in self.ring.iter().filter(|p| p.t_s <= self.read.to_s) {
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

#[cfg(test)]
mod tests;
