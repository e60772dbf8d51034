//! A closer look at the main tone once a second: its harmonics, whether it may be an alias, and how the region turns.

use std::sync::Arc;

use super::{Analyzer, LOWEST_HZ, Main};
use crate::model::vibration::{Alias, Harmonic};
use crate::vibration::alias::{self, Quadrature, Shutter, Window};
use crate::vibration::fold::{Amplitude, amplitudes, seen_hz, sinc};
use crate::vibration::tone::{self, CODEC_SHARE, SIGNIFICANT};

/// How often, in seconds.
const EVERY_S: f64 = 1.0;
/// The harmonics that are sought.
const ORDERS: std::ops::RangeInclusive<u8> = 2..=6;
/// A harmonic that is folded is not looked for below this, in Hz: what is left of slow drift would be taken for it.
const FOLDED_FROM_HZ: f64 = 1.5;
/// Tones nearer than so many lines of the window cannot be told apart.
const LINES_APART: f64 = 2.0;

/// What was found last.
#[derive(Debug)]
pub(super) struct Closer {
    /// At which sample's time, and for which tone.
    at_s: f64,
    hz: f64,
    pub harmonics: Arc<[Harmonic]>,
    pub alias: Option<Arc<Alias>>,
    pub turn_rms_rad: Option<f64>,
    /// What the rolling shutter leaves of the main tone's amplitude in the mean over the region, by the phase that it is seen to add down the rows, and the
    /// relative uncertainty of that; none where no phase is seen.
    pub rows_left: Option<(f64, f64)>,
    /// Displacement in the picture and its slopes; or what the main tone leaves.
    series: [Vec<f64>; 4],
}

impl Closer {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            at_s: f64::NEG_INFINITY,
            hz: 0.0,
            harmonics: Arc::default(),
            alias: None,
            turn_rms_rad: None,
            rows_left: None,
            series: std::array::from_fn(|_| Vec::with_capacity(capacity)),
        }
    }

    pub(super) fn forget(&mut self) {
        self.at_s = f64::NEG_INFINITY;
        self.harmonics = Arc::default();
        self.alias = None;
        self.turn_rms_rad = None;
        self.rows_left = None;
    }
}

impl Analyzer {
    pub(super) fn look_closer(&mut self, main: Option<&Main>, span_s: f64, dt_s: f64) {
        let Some(now) = self.ring.last().map(|p| p.t_s) else { return };
        let seen = main.map_or(0.0, |m| m.folded_hz.unwrap_or(m.tone.hz));
        let same = (seen - self.closer.hz).abs() < LINES_APART / span_s.max(1e-6);
        if same && (self.closer.at_s..self.closer.at_s + EVERY_S).contains(&now) {
            return;
        }
        self.closer.at_s = now;
        self.closer.hz = seen;
        self.closer.turn_rms_rad = self.turn_rms_rad();
        self.closer.alias = None;
        self.closer.harmonics = Arc::default();
        self.closer.rows_left = None;
        if let Some(main) = main {
            let rows = self.region_rows.map(f64::from);
            let phase = self.phase_down_the_rows(seen).map(|q| rows.map_or(q, |rows| q.over(rows)));
            self.closer.rows_left = phase.zip(rows).map(|(q, rows)| q.left(rows));
            if self.nominal_hz.is_none() {
                self.closer.alias = alias::judge(phase, main.tone.hz, &self.shutter(dt_s)).map(Arc::new);
            }
            self.closer.harmonics = self.harmonics(main, seen, span_s, dt_s);
        }
    }

    /// How the tone seen at `hz` runs down the rows.
    fn phase_down_the_rows(&mut self, hz: f64) -> Option<Quadrature> {
        self.closer.series.iter_mut().for_each(Vec::clear);
        for p in self.ring.iter().filter(|p| p.ok) {
            let b = &p.bend;
            // A rigid turn moves dx down the rows by as much as it moves dy along them, backwards: their sum is free of it.
            let across = 2.0 * (f64::from(b.turn_rad) + f64::from(b.down[0]));
            let values = [b.seen_px[0].into(), b.seen_px[1].into(), across, b.down[1].into()];
            for (to, v) in self.closer.series.iter_mut().zip(values) {
                to.push(v);
            }
        }
        let [dx, dy, gx, gy] = &self.closer.series;
        alias::quadrature(&Window { t_s: &self.t, d: [dx, dy], slope: [gx, gy] }, hz)
    }

    fn shutter(&self, dt_s: f64) -> Shutter {
        Shutter {
            rate_hz: 1.0 / dt_s.max(1e-6),
            exposure_s: self.spec.exposure_s,
            readout_s: self.spec.readout_s,
            rows: self.picture_rows.map(f64::from),
        }
    }

    /// The harmonics that stand out of the noise, each where it is seen.
    fn harmonics(&mut self, main: &Main, seen: f64, span_s: f64, dt_s: f64) -> Arc<[Harmonic]> {
        let (rate_hz, apart) = (1.0 / dt_s.max(1e-6), LINES_APART / span_s.max(1e-6));
        let first = self.t.first().copied().unwrap_or_default();
        let of_main = amplitudes(&self.t, [&self.x, &self.y], seen).unwrap_or([Amplitude::default(); 2]);
        for ((to, v), a) in self.closer.series.iter_mut().zip([&self.x, &self.y]).zip(of_main) {
            to.clear();
            to.extend(self.t.iter().zip(v).map(|(t, v)| {
                let (s, c) = (std::f64::consts::TAU * seen * (t - first)).sin_cos();
                v - a.cos * c - a.sin * s
            }));
        }
        let mut found = [Harmonic::default(); 5];
        let mut count = 0;
        for order in ORDERS {
            let hz = f64::from(order) * main.tone.hz;
            let at = seen_hz(hz, rate_hz);
            let taken = found[..count].iter().any(|h: &Harmonic| (h.seen_hz - at).abs() < apart);
            let range = LOWEST_HZ.max(apart)..0.5 * rate_hz - apart / 2.0;
            let drift = hz > 0.5 * rate_hz && at < FOLDED_FROM_HZ;
            if taken || drift || (at - seen).abs() < apart || !range.contains(&at) {
                continue;
            }
            let [rx, ry, ..] = &self.closer.series;
            let Some([x, y]) = amplitudes(&self.t, [rx, ry], at) else { continue };
            let (major, ..) = tone::ellipse((x.cos, x.sin), (y.cos, y.sin));
            let left = (self.spec.exposure_s.map_or(1.0, |e| sinc(hz * e)) * self.rows_left(hz)).abs();
            let left = left.max(super::LEAST_LEFT);
            // What a codec gets wrong repeats with the motion, so it has harmonics of its own.
            let codec_px = if self.spec.coded { CODEC_SHARE * main.residual_px } else { 0.0 };
            let sigma_px = (x.sigma.hypot(y.sigma) / 2f64.sqrt()).hypot(codec_px) / left;
            let amplitude_px = major / left;
            if amplitude_px > SIGNIFICANT * sigma_px && amplitude_px > 1e-4 {
                found[count] = Harmonic { order, hz, seen_hz: at, amplitude_px, sigma_px };
                count += 1;
            }
        }
        found[..count].into()
    }

    /// RMS of the region's turn over the window, its mean and what noise makes of it taken off.
    fn turn_rms_rad(&self) -> Option<f64> {
        let turns = || self.ring.iter().filter(|p| p.ok && p.bend.turn_rad.is_finite());
        let n = turns().count() as f64;
        let mean = turns().map(|p| f64::from(p.bend.turn_rad)).sum::<f64>() / n;
        let off =
            |p: &super::Point| (f64::from(p.bend.turn_rad) - mean).powi(2) - f64::from(p.bend.turn_sigma_rad).powi(2);
        (n > 12.0).then(|| (turns().map(off).sum::<f64>() / n).max(0.0).sqrt()).filter(|v| v.is_finite())
    }
}
