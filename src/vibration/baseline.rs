//! Learning what is usual of a region, and telling how far a reading is from it.
//!
//! Order statistics, so that a few odd windows (a wagon that passes) do not move what is usual: the median, and 1.4826 times the median
//! absolute deviation as the spread (Rousseeuw & Croux, "Alternatives to the Median Absolute Deviation", JASA 88, 1993).

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::baseline::{BANDS, BandDeviation, Bands, Baseline, Deviation, Usual};
use crate::model::quantity::Quantity;
use crate::model::vibration::{Grade, Reading, Reason};

/// The median absolute deviation of a normal distribution is its standard deviation by this.
const MAD_TO_SIGMA: f64 = 1.4826;
/// One spread is at least this share of the median: less than that is told apart by no limit worth an alarm.
const LEAST_SPREAD: f64 = 0.05;
/// The same for a frequency, which is known much better.
const LEAST_SPREAD_HZ: f64 = 0.005;
/// Band edges (they follow the frame rate) may differ by this share and the bands still be compared.
const SAME_EDGES: f64 = 0.02;
/// Fewer readings make no baseline.
const LEAST_READINGS: usize = 6;
/// Most readings kept while learning; a longer time is sampled more thinly.
pub const MOST_READINGS: usize = 1024;

/// One reading that is learned from.
#[derive(Clone, Copy, Debug)]
struct Row {
    quantities: [f32; Quantity::ALL.len()],
    bands: [f32; BANDS],
}

/// Collects readings until there are enough.
#[derive(Clone, Debug)]
pub struct Learner {
    rows: Vec<Row>,
    wanted: usize,
    every_s: f64,
    band_hz: Option<(f64, f64)>,
    last_s: f64,
}

impl Learner {
    /// To learn from `seconds` of readings, one a window of `window_s` seconds, so that each tells something new.
    #[must_use]
    pub fn new(seconds: f64, window_s: f64) -> Self {
        let every_s = window_s.max(seconds / MOST_READINGS as f64);
        let wanted = ((seconds / every_s).ceil() as usize).clamp(LEAST_READINGS, MOST_READINGS);
        Self { rows: Vec::new(), wanted, every_s, band_hz: None, last_s: f64::NEG_INFINITY }
    }

    /// Takes a reading of the time `at_s` (any clock that only goes forward); most are too near the one before, or not good enough, and change
    /// nothing. True when there are enough.
    pub fn take(&mut self, at_s: f64, reading: &Reading, bands: &Bands) -> bool {
        if at_s - self.last_s < self.every_s - 0.5 || !worth_learning(reading) {
            return false;
        }
        if !self.band_hz.is_some_and(|edges| same(edges, bands.band_hz)) {
            // Another frame rate: what was learned of the bands does not go together with this.
            self.rows.clear();
            self.band_hz = Some(bands.band_hz);
        }
        self.last_s = at_s;
        self.rows.push(Row {
            quantities: Quantity::ALL.map(|q| reading.value(q).map_or(f32::NAN, |v| v as f32)),
            bands: bands.rms_px.map(|v| v as f32),
        });
        self.rows.len() >= self.wanted
    }

    /// How much is learned, 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f32 {
        self.rows.len() as f32 / self.wanted as f32
    }

    /// What is usual, by what was taken.
    #[must_use]
    pub fn finish(&self, at: Timestamp, scale_mm_per_px: Option<f64>) -> Baseline {
        let mut scratch = Vec::with_capacity(self.rows.len());
        let mut of = |value: &dyn Fn(&Row) -> f32, least: f64| {
            scratch.clear();
            scratch.extend(self.rows.iter().map(|r| f64::from(value(r))).filter(|v| v.is_finite()));
            // What is mostly unknown has no usual value.
            (scratch.len() * 2 > self.rows.len()).then(|| usual(&mut scratch, least)).flatten()
        };
        let mut quantities = BTreeMap::new();
        for (i, q) in Quantity::ALL.into_iter().enumerate().filter(|(_, q)| *q != Quantity::SpectrumDeviation) {
            let least = if q == Quantity::PeakHz { LEAST_SPREAD_HZ } else { LEAST_SPREAD };
            if let Some(usual) = of(&|r| r.quantities[i], least) {
                quantities.insert(q, usual);
            }
        }
        let bands_px: Option<Vec<Usual>> = (0..BANDS).map(|b| of(&|r| r.bands[b], LEAST_SPREAD)).collect();
        Baseline {
            learned: at,
            readings: self.rows.len() as u32,
            seconds: (self.rows.len() as f64 * self.every_s) as u32,
            scale_mm_per_px,
            quantities,
            band_hz: self.band_hz.unwrap_or_default(),
            bands_px: bands_px.unwrap_or_default(),
        }
    }
}

/// How far a reading, and the spectrum that it goes with, are from what is usual.
#[must_use]
pub fn deviation(
    baseline: &Baseline,
    reading: &Reading,
    bands: Option<&Bands>,
    scale_mm_per_px: Option<f64>,
) -> Deviation {
    let of = |q: Quantity| baseline.usual(q, scale_mm_per_px)?.spreads(reading.value(q)?);
    let bands = bands.filter(|b| same(baseline.band_hz, b.band_hz) && baseline.bands_px.len() == BANDS);
    Deviation { quantities: Quantity::ALL.map(of), band: bands.and_then(|b| farthest(baseline, b)) }
}

fn farthest(baseline: &Baseline, now: &Bands) -> Option<BandDeviation> {
    let (from, to) = baseline.band_hz;
    let width = (to - from) / BANDS as f64;
    let each = baseline.bands_px.iter().zip(now.rms_px).enumerate().filter_map(|(i, (usual, value))| {
        let from_hz = from + i as f64 * width;
        Some(BandDeviation { from_hz, to_hz: from_hz + width, spreads: usual.spreads(value)? })
    });
    each.max_by(|a, b| a.spreads.abs().total_cmp(&b.spreads.abs()))
}

/// A reading that says what the machine does, not what the picture lacks.
fn worth_learning(reading: &Reading) -> bool {
    reading.grade <= Grade::Reduced && !reading.reasons.contains(&Reason::Settling)
}

fn same(a: (f64, f64), b: (f64, f64)) -> bool {
    a.1 > 0.0 && (a.0 - b.0).abs() <= SAME_EDGES * a.1 && (a.1 - b.1).abs() <= SAME_EDGES * a.1
}

/// Median and spread of some values; none without values.
fn usual(values: &mut [f64], least: f64) -> Option<Usual> {
    let middle = median(values)?;
    for v in values.iter_mut() {
        *v = (*v - middle).abs();
    }
    let spread = (MAD_TO_SIGMA * median(values)?).max(least * middle.abs());
    // All values zero: a spread of nothing would make anything infinitely unusual.
    Some(Usual { median: middle, spread: spread.max(f64::MIN_POSITIVE) })
}

/// The upper median.
fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let (_, at, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::vibration::Tone;

    fn reading(velocity: f64, hz: f64) -> Reading {
        let tone = Tone { hz, sigma_hz: 0.001, major_px: 1.0, minor_px: 0.1, angle_deg: 0.0, sigma_px: 0.01 };
        Reading {
            velocity_rms_mm_s: Some(velocity),
            displacement_pp_px: 2.0,
            displacement_rms_px: 0.7,
            tone: Some(tone),
            grade: Grade::Good,
            ..Reading::default()
        }
    }

    fn bands(px: f64) -> Bands {
        Bands { band_hz: (0.4, 12.5), rms_px: [px; BANDS] }
    }

    /// From 40 readings whose velocity is spread evenly over 4 to 6.
    fn learned() -> Baseline {
        let mut l = Learner::new(320.0, 8.0);
        for i in 0..40 {
            let v = 4.0 + 2.0 * f64::from(i * 17 % 40) / 39.0;
            let done = l.take(f64::from(i) * 8.0, &reading(v, 6.4), &bands(0.1 + 0.01 * v));
            assert_eq!(done, i == 39, "reading {i}");
        }
        l.finish(Timestamp::UNIX_EPOCH, Some(0.5))
    }

    #[test]
    fn learns_what_is_usual() {
        let b = learned();
        let v = b.quantities[&Quantity::VelocityRmsMmS];
        assert!((v.median - 5.0).abs() < 0.06, "{v:?}");
        assert!((v.spread - 0.5 * MAD_TO_SIGMA).abs() < 0.06, "half of an even spread of one either way: {v:?}");
        let hz = b.quantities[&Quantity::PeakHz];
        assert!((hz.spread - 0.005 * 6.4).abs() < 1e-6, "what never varies has the least spread: {hz:?}");
        assert!(!b.quantities.contains_key(&Quantity::DisplacementPpMm), "what was unknown stays unknown");
        assert_eq!((b.readings, b.seconds, b.bands_px.len()), (40, 320, BANDS));
    }

    #[test]
    fn a_deviation_is_told_in_spreads() {
        let b = learned();
        let v = b.quantities[&Quantity::VelocityRmsMmS];
        let d = deviation(&b, &reading(v.at(6.5), 6.4), Some(&bands(0.15)), Some(0.5));
        assert!((d.of(Quantity::VelocityRmsMmS).unwrap() - 6.5).abs() < 1e-9);
        assert_eq!(d.of(Quantity::DisplacementPpMm), None);
        assert!(d.band.unwrap().spreads.abs() < 1.0);
        let mut odd = bands(0.15);
        odd.rms_px[3] = 0.5;
        let off = deviation(&b, &reading(5.0, 6.4), Some(&odd), Some(0.5)).band.unwrap();
        assert!(off.spreads > 20.0 && (off.from_hz - (0.4 + 3.0 * 12.1 / 12.0)).abs() < 1e-9, "{off:?}");
    }

    #[test]
    fn a_new_scale_is_no_deviation() {
        let b = learned();
        // Half as many mm a pixel: the same motion is half as many mm.
        let d = deviation(&b, &reading(2.5, 6.4), None, Some(0.25));
        assert!(d.of(Quantity::VelocityRmsMmS).unwrap().abs() < 0.1, "{d:?}");
        assert_eq!(deviation(&b, &reading(2.5, 6.4), None, None).of(Quantity::VelocityRmsMmS), None);
    }

    #[test]
    fn other_bands_are_not_compared() {
        let other = Bands { band_hz: (0.4, 15.0), ..bands(0.15) };
        assert_eq!(deviation(&learned(), &reading(5.0, 6.4), Some(&other), Some(0.5)).band, None);
    }

    #[test]
    fn a_few_odd_readings_do_not_move_what_is_usual() {
        let mut l = Learner::new(800.0, 8.0);
        for i in 0..100 {
            let v = if i % 5 == 0 { 50.0 } else { 5.0 + 0.01 * f64::from(i % 7) };
            l.take(f64::from(i) * 8.0, &reading(v, 6.4), &bands(0.1));
        }
        let v = l.finish(Timestamp::UNIX_EPOCH, Some(0.5)).quantities[&Quantity::VelocityRmsMmS];
        assert!((v.median - 5.03).abs() < 0.02 && v.spread < 0.3, "{v:?}");
    }

    #[test]
    fn what_is_not_trusted_is_not_learned() {
        let mut l = Learner::new(80.0, 8.0);
        let poor = Reading { grade: Grade::Poor, ..reading(5.0, 6.4) };
        let settling = Reading { reasons: vec![Reason::Settling], ..reading(5.0, 6.4) };
        l.take(0.0, &poor, &bands(0.1));
        l.take(10.0, &settling, &bands(0.1));
        assert_eq!(l.progress(), 0.0);
        l.take(20.0, &reading(5.0, 6.4), &bands(0.1));
        l.take(24.0, &reading(5.0, 6.4), &bands(0.1));
        assert!((l.progress() - 0.1).abs() < 1e-6, "one, and the next is too near");
    }

    proptest! {
        #[test]
        fn never_panics(values in proptest::collection::vec((any::<f64>(), any::<f64>(), any::<f64>()), 0..40)) {
            let mut l = Learner::new(100.0, 8.0);
            for (t, v, b) in values {
                l.take(t, &reading(v, v), &bands(b));
                let baseline = l.finish(Timestamp::UNIX_EPOCH, Some(0.5));
                let d = deviation(&baseline, &reading(b, t), Some(&bands(v)), Some(0.5));
                prop_assert!(d.quantities.iter().flatten().all(|z| z.is_finite()));
                prop_assert!(d.band.is_none_or(|b| b.spreads.is_finite()));
            }
        }
    }
}
