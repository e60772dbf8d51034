//! The regions as the decider holds them: analyser, newest reading, trend, and their place on the board.

use std::sync::Arc;

use super::trend::Trend;
use super::usual::Usual;
use crate::base::clock::{Mono, Now};
use crate::base::ring::Ring;
use crate::config::sections::{Camera, Config, NominalHz, Roi};
use crate::model::compensation::Compensations;
use crate::model::event::{EventKind, SecondReading};
use crate::model::quantity::Quantity;
use crate::model::vibration::{
    Grade, Level, LimitMark, Reading, RoiBoard, Role, Sample, Spectrogram, Spectrum, Waveform,
};
use crate::model::{RoiId, TagId};
use crate::vibration::Analyzer;
use crate::vibration::analyze::{AnalyzerSpec, WINDOW_S};

/// Spectra kept: five minutes, one a second.
const SPECTRA: usize = 300;
/// Bands of a kept spectrum.
const BANDS: usize = 64;

/// One region.
pub struct Region {
    /// Its name.
    pub id: RoiId,
    /// Index of its camera.
    pub camera: usize,
    /// What it is there for.
    pub role: Role,
    /// Whether its machine runs.
    pub running: Option<bool>,
    /// The newest reading.
    pub reading: Option<Arc<Reading>>,
    /// What is wrong with the region itself.
    pub fault: Option<Arc<str>>,
    /// What is usual of it.
    pub usual: Usual,
    rect: [u32; 4],
    limits: Arc<[LimitMark]>,
    running_tag: Option<TagId>,
    nominal: Option<NominalHz>,
    analyzer: Analyzer,
    trend: Trend,
    spectra: Ring<Arc<[f32]>>,
    spectrogram: Arc<Spectrogram>,
    trend_quantity: Quantity,
}

impl Region {
    fn new(camera: usize, cfg: &Camera, roi: &Roi) -> Self {
        let mark = |l: &crate::config::sections::Limit| LimitMark {
            quantity: l.quantity,
            kind: l.kind,
            warning: l.warning,
            alarm: l.alarm,
        };
        let limits: Arc<[LimitMark]> = roi.limits.iter().map(mark).collect();
        let shown = if cfg.scale_mm_per_px.is_some() { Quantity::VelocityRmsMmS } else { Quantity::DisplacementPpPx };
        let mut analyzer = Analyzer::new(AnalyzerSpec {
            expected_fps: cfg.expected_fps.unwrap_or(30.0),
            window_s: WINDOW_S,
            scale_mm_per_px: cfg.scale_mm_per_px,
            // What comes over RTSP is coded, and never without loss.
            coded: true,
            exposure_s: cfg.exposure_ms.map(|ms| ms / 1000.0),
            readout_s: cfg.readout_ms.map(|ms| ms / 1000.0),
        });
        analyzer.compensations = cfg.compensate;
        analyzer.region_rows = Some(roi.rect[3]);
        if let Some(NominalHz::Fixed(hz)) = roi.nominal_hz {
            analyzer.nominal_hz = Some(hz);
        }
        let mut usual = Usual::new(roi.baseline.as_secs_f64(), cfg.scale_mm_per_px);
        usual.running(None, roi.running.is_some(), Mono(0));
        Self {
            id: roi.id.clone(),
            camera,
            role: roi.role,
            running: None,
            reading: None,
            fault: None,
            usual,
            rect: roi.rect,
            trend_quantity: limits.first().map_or(shown, |l| l.quantity),
            limits,
            running_tag: roi.running.clone(),
            nominal: roi.nominal_hz.clone(),
            analyzer,
            trend: Trend::default(),
            spectra: Ring::new(SPECTRA),
            spectrogram: Arc::default(),
        }
    }

    /// Takes a sample, and makes a new reading where it calls for one.
    pub fn sample(&mut self, s: &Sample) {
        self.analyzer.push(s);
        if self.reading.is_some() && !self.analyzer.due() {
            return;
        }
        let reading = self.analyzer.read(s);
        self.reading = reading.map(|r| Arc::new(Reading { deviation: self.usual.deviation(&r, s.arrival), ..r }));
    }

    /// Takes the size of the camera's picture: a rolling shutter goes through its rows.
    pub fn picture(&mut self, size: Option<(u32, u32)>) {
        self.analyzer.picture_rows = size.map(|s| s.1).filter(|rows| *rows > 0);
    }

    /// Takes the value of a tag: the machine's frequency, or whether it runs.
    pub fn tag(&mut self, id: &TagId, value: Option<u16>, now: Mono) {
        if let Some(NominalHz::Tag { tag, hz_per_unit }) = &self.nominal
            && tag == id
        {
            self.analyzer.nominal_hz = value.map(|v| f64::from(v) * hz_per_unit);
        }
        if self.running_tag.as_ref() == Some(id) {
            self.running = value.map(|v| v != 0);
            self.usual.running(self.running, true, now);
        }
    }

    /// Takes its camera's new scale.
    pub fn scale(&mut self, mm_per_px: f64) {
        self.analyzer.set_scale(mm_per_px);
        self.usual.scale(mm_per_px);
    }

    /// Takes its camera's compensations: drift is taken off here.
    pub fn compensate(&mut self, on: Compensations) {
        self.analyzer.compensations = on;
    }

    /// The newest reading if it is younger than a second: older ones are shown as old, and decide nothing.
    #[must_use]
    pub fn fresh(&self, now: Mono) -> Option<&Arc<Reading>> {
        self.reading.as_ref().filter(|r| now.secs_since(r.at) < 1.0)
    }

    /// The newest reading if it is fresh and can be trusted.
    #[must_use]
    pub fn trusted(&self, now: Mono) -> Option<&Arc<Reading>> {
        self.fresh(now).filter(|r| r.grade != Grade::Untrusted)
    }

    /// The quantities whose trends are kept: what tells most, and whatever has a limit.
    pub fn recorded(&self) -> impl Iterator<Item = Quantity> + '_ {
        let always = |q: &Quantity| !matches!(q, Quantity::DisplacementRmsMm | Quantity::DisplacementRmsPx);
        let limited = |q: &Quantity| self.limits.iter().any(|l| l.quantity == *q);
        Quantity::ALL.into_iter().filter(move |q| always(q) || limited(q))
    }

    /// The newest window of displacement.
    #[must_use]
    pub fn waveform(&self) -> Waveform {
        if self.reading.is_some() { self.analyzer.waveform() } else { Waveform::default() }
    }

    /// Its level: the latches' word, unless nothing can be said.
    #[must_use]
    pub fn level(&self, latched: Option<Level>, now: Mono) -> Level {
        if self.fault.is_some() || self.fresh(now).is_none_or(|r| r.grade == Grade::Untrusted) {
            return Level::Unknown;
        }
        if self.running == Some(false) {
            return Level::Stopped;
        }
        latched.unwrap_or(Level::Normal)
    }

    /// Once a second: learns what is usual, while none of the region's limits is broken.
    pub fn learn(&mut self, latched: Option<Level>, now: Now) -> Option<EventKind> {
        if self.role != Role::Asset {
            return None;
        }
        let reading = self.fresh(now.mono).cloned();
        let bands = reading.as_ref().and_then(|_| self.analyzer.bands());
        self.usual.second(&self.id, reading.as_deref(), bands, latched < Some(Level::Warning), now)
    }

    /// Once a second: the trend goes on, and the second's reading for the journal, if there is one to trust.
    pub fn second(&mut self, now: Now) -> Option<SecondReading> {
        let fresh = self.trusted(now.mono).cloned();
        let value = fresh.as_ref().and_then(|r| r.value(self.trend_quantity));
        self.trend.push(value.map_or(f32::NAN, |v| v as f32));
        self.keep_spectrum(fresh.is_some());
        let r = fresh.filter(|_| self.role == Role::Asset)?;
        Some(SecondReading {
            second: now.wall.as_second(),
            roi: self.id.clone(),
            displacement_pp_px: r.displacement_pp_px,
            displacement_rms_px: r.displacement_rms_px,
            velocity_rms_mm_s: r.velocity_rms_mm_s,
            peak_hz: r.tone.map(|t| t.hz),
            peak_amplitude_px: r.tone.map(|t| t.major_px),
            uncertainty_px: r.uncertainty_px,
            grade: r.grade,
        })
    }

    fn keep_spectrum(&mut self, known: bool) {
        let s = if known { self.analyzer.spectrum() } else { Spectrum::default() };
        let bands = BANDS.min(s.x_px.len());
        let column: Arc<[f32]> = (0..bands)
            .map(|band| {
                let of = |v: &[f32]| {
                    let (from, to) = (band * v.len() / bands, (band + 1) * v.len() / bands);
                    v.get(from..to).unwrap_or_default().iter().fold(0.0f32, |top, a| top.max(*a))
                };
                of(&s.x_px).max(of(&s.y_px))
            })
            .collect();
        let before = &self.spectrogram;
        let (end_hz, floor_px) = match bands {
            0 => (before.end_hz, before.floor_px),
            _ => (s.step_hz * (s.x_px.len() - 1) as f32, s.floor_px),
        };
        self.spectra.push(column);
        self.spectrogram = Arc::new(Spectrogram { end_hz, floor_px, columns: self.spectra.to_vec() });
    }

    /// Its place on the board.
    #[must_use]
    pub fn board(&self, latched: Option<Level>, now: Mono) -> RoiBoard {
        let fresh = self.fresh(now).is_some();
        RoiBoard {
            id: self.id.clone(),
            role: self.role,
            rect: self.rect,
            reading: self.reading.clone(),
            level: self.level(latched, now),
            running: self.running,
            fault: self.fault.clone(),
            limits: Arc::clone(&self.limits),
            nominal_hz: self.analyzer.nominal_hz,
            waveform: Arc::new(self.waveform()),
            spectrum: Arc::new(if fresh { self.analyzer.spectrum() } else { Spectrum::default() }),
            spectrogram: Arc::clone(&self.spectrogram),
            trend: self.trend.seconds(),
            trend_quantity: self.trend_quantity,
            baseline: self.usual.baseline().filter(|_| self.role == Role::Asset).cloned(),
            learning: self.usual.learning().filter(|_| self.role == Role::Asset),
        }
    }
}

/// All regions of a configuration, and where each camera's begin.
#[must_use]
pub fn all(config: &Config) -> (Vec<Region>, Vec<usize>) {
    let mut regions = Vec::new();
    let mut starts = Vec::new();
    for (c, camera) in config.cameras.iter().enumerate() {
        starts.push(regions.len());
        regions.extend(camera.rois.iter().map(|r| Region::new(c, camera, r)));
    }
    (regions, starts)
}
