//! What a tone may really be: the frequencies that one frame rate cannot tell apart, weighed by what a rolling shutter shows of them.
//!
//! A tone seen at f may be any |k·fs ± f|, and so may all its harmonics together: evenly spaced frames of the true motion and of the
//! seen one are the same numbers. Within a frame, though, a rolling shutter exposes each row a little later than the one above. A row
//! lower by y shows the motion later by y times the line time L, so displacement d and its slope down the picture g go as
//! `g = ±i·2πF·L·d`: in quadrature, with + for the tone seen as it is and k·fs + f, with - for k·fs - f, which run backwards. A body that
//! turns or bends does so in phase; a rigid turn is taken out altogether, because it shows along the rows as well. No second frame
//! rate comes into it.

use std::f64::consts::PI;

use super::fold::{LEAST_LEFT, amplitudes, sinc};
use crate::model::vibration::{Alias, AliasEvidence, Candidate};

/// Multiples of half the frame rate up to which candidates are sought.
const HALF_BANDS: u32 = 6;
/// Evidence weaker than so many standard deviations is none.
const SIGNIFICANT: f64 = 6.0;
/// How far a configured readout time may be off, relative.
const READOUT_VARIES: f64 = 0.1;
/// Chance that the slope comes of something else, spread over all that candidates can show.
const ELSE: f64 = 1e-3;
/// What a candidate that the open shutter would have smeared away is worth against the others.
const SMEARED: f64 = 0.01;
/// A candidate with this weight is believed.
const BELIEVED: f64 = 0.9;
/// One with less is not told.
const LEAST_TOLD: f64 = 0.01;
/// Disagreement of the two axes, in standard deviations, from which on it is no shutter.
const APART: f64 = 4.0;
/// An axis along which it moves by less than this share of the other shows mostly what the other makes of it.
const ASIDE: f64 = 0.2;

/// What is known of the camera.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shutter {
    /// Frames a second.
    pub rate_hz: f64,
    /// How long the shutter is open, in seconds.
    pub exposure_s: Option<f64>,
    /// From the first to the last row of the picture, in seconds.
    pub readout_s: Option<f64>,
    /// Rows of the picture.
    pub rows: Option<f64>,
}

/// The window's samples: their times, the displacement in the picture, and its slopes down the picture without those of a rigid turn.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Seconds.
    pub t_s: &'a [f64],
    /// Displacement along x and y, in pixels.
    pub d: [&'a [f64]; 2],
    /// How dx and dy go with y, without dimension; NaN where it is not known.
    pub slope: [&'a [f64]; 2],
}

/// The slope that goes in quadrature with the displacement, per displacement, and its one-sigma uncertainty; in 1/px.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quadrature {
    /// The ratio.
    pub per_px: f64,
    /// Its uncertainty.
    pub sigma: f64,
}

/// The quadrature of a tone's slope; none where it does not stand out, or the two axes do not agree on it.
#[must_use]
pub fn quadrature(w: &Window<'_>, hz: f64) -> Option<Quadrature> {
    // An axis moves whether its slope is known or not.
    let moves = |d: &[f64]| amplitudes(w.t_s, [d], hz).map_or(0.0, |[d]| d.square());
    let least = ASIDE * ASIDE * w.d.map(moves).into_iter().fold(0.0, f64::max);
    let (mut sum, mut weight) = (0.0, 0.0);
    let mut axes = [None; 2];
    for ((d, slope), axis) in w.d.into_iter().zip(w.slope).zip(&mut axes) {
        let Some([d, g]) = amplitudes(w.t_s, [d, slope], hz) else { continue };
        // Im(g · conj d) / |d|².
        let square = d.square();
        if !(square > 0.0 && square >= least && g.sigma > 0.0) {
            continue;
        }
        let ratio = (g.cos * d.sin - g.sin * d.cos) / square;
        let sigma = (g.sigma.powi(2) + (ratio * d.sigma).powi(2)).sqrt() / square.sqrt();
        *axis = Some((ratio, sigma));
        sum += ratio / (sigma * sigma);
        weight += 1.0 / (sigma * sigma);
    }
    if let [Some((x, sx)), Some((y, sy))] = axes
        && (x - y).abs() > APART * sx.hypot(sy) + READOUT_VARIES * x.abs().max(y.abs())
    {
        return None;
    }
    let q = Quadrature { per_px: sum / weight, sigma: weight.powf(-0.5) };
    (weight > 0.0 && q.per_px.is_finite() && q.per_px.abs() > SIGNIFICANT * q.sigma).then_some(q)
}

impl Quadrature {
    /// The same over a region of so many rows, where what it shows is no short piece of the motion any more: of a turn of 2φ from its first row to its last
    /// the whole region's displacement has sin φ/φ left, and its straight slope 3(sin φ - φ cos φ)/φ³. Turns beyond 0.9 of a whole cannot be told so.
    #[must_use]
    pub fn over(self, rows: f64) -> Self {
        let half = rows / 2.0;
        let tangent = |phase: f64| 3.0 * (phase.sin() - phase * phase.cos()) / (phase * phase.sin());
        let (mut low, mut high) = (1e-3, 0.9 * PI);
        let asked = (self.per_px * half).abs();
        if !(asked > tangent(low)) {
            return self;
        }
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            (low, high) = if tangent(middle) < asked { (middle, high) } else { (low, middle) };
        }
        let times = high / asked;
        Self { per_px: self.per_px * times, sigma: self.sigma * times }
    }

    /// What of an amplitude is left in the mean over so many rows, and how uncertain that is, relative and one sigma: by the phase's own uncertainty and that of
    /// a configured readout.
    #[must_use]
    pub fn left(self, rows: f64) -> (f64, f64) {
        let phase = (self.per_px * rows / 2.0).abs();
        let relative = (self.sigma / self.per_px.abs()).hypot(READOUT_VARIES);
        // d ln(sin φ/φ) = (φ/tan φ - 1)·dφ/φ.
        let sigma = if phase > 1e-6 { (1.0 - phase / phase.tan()).abs() * relative } else { 0.0 };
        (sinc(phase / PI), sigma)
    }
}

/// The frequencies that are seen at `hz`, lowest first: the sign of each is that of its quadrature.
fn candidates(hz: f64, rate_hz: f64) -> impl Iterator<Item = (f64, f64)> {
    (0..=HALF_BANDS).map(move |half| {
        let carrier = f64::from(half.div_ceil(2)) * rate_hz;
        if half % 2 == 0 { (carrier + hz, 1.0) } else { (carrier - hz, -1.0) }
    })
}

/// What the tone seen at `hz` may be; none without evidence. Nothing is claimed for want of evidence.
#[must_use]
pub fn judge(q: Option<Quadrature>, hz: f64, shutter: &Shutter) -> Option<Alias> {
    let q = q?;
    let mut evidence = Vec::new();
    let line_s = shutter.readout_s.zip(shutter.rows).map(|(readout, rows)| readout / rows);
    let mut all = if let Some(line_s) = line_s {
        by_line_time(q, hz, shutter, line_s, &mut evidence)
    } else {
        by_direction(q, hz, shutter, &mut evidence)
    };
    let smeared = |f: f64| f > hz && shutter.exposure_s.is_some_and(|e| sinc(f * e).abs() < LEAST_LEFT);
    if let Some(e) = shutter.exposure_s
        && all.iter().any(|c| smeared(c.hz))
    {
        // There sin(πfE)/(πfE) has fallen to a fifth.
        evidence.push(AliasEvidence::Exposure { above_hz: 0.83 / e });
    }
    for c in all.iter_mut().filter(|c| smeared(c.hz)) {
        c.weight *= SMEARED;
    }
    let total: f64 = all.iter().map(|c| c.weight).sum();
    if !(total > 0.0) {
        return None;
    }
    for c in &mut all {
        c.weight /= total;
    }
    // Without the line time, the tone is what it looks like unless that cannot be.
    let own = all.first().map_or(0.0, |c| c.weight);
    let best = all.iter().map(|c| c.weight).fold(0.0, f64::max);
    let suspected = if line_s.is_some() { best > BELIEVED && own < 1.0 - BELIEVED } else { own == 0.0 };
    all.retain(|c| c.weight >= LEAST_TOLD);
    all.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    Some(Alias { suspected, candidates: all, evidence })
}

/// Likelihoods where the line time is known: each candidate predicts a slope.
fn by_line_time(
    q: Quadrature,
    hz: f64,
    shutter: &Shutter,
    line_s: f64,
    evidence: &mut Vec<AliasEvidence>,
) -> Vec<Candidate> {
    evidence.push(AliasEvidence::Slope { asked_hz: q.per_px.abs() / (2.0 * PI * line_s), backwards: q.per_px < 0.0 });
    let widest = candidates(hz, shutter.rate_hz).map(|c| c.0).fold(0.0, f64::max) * 2.0 * PI * line_s;
    let likely = |(f, sign): (f64, f64)| {
        let expected = sign * 2.0 * PI * f * line_s;
        let sigma = q.sigma.hypot(READOUT_VARIES * expected);
        let off = (q.per_px - expected) / sigma;
        (-0.5 * off * off).exp() / ((2.0 * PI).sqrt() * sigma) + ELSE / (2.0 * widest)
    };
    candidates(hz, shutter.rate_hz).map(|c| Candidate { hz: c.0, weight: likely(c) }).collect()
}

/// What is possible where it is not: the direction, and that no shutter reads out for longer than a frame.
fn by_direction(q: Quadrature, hz: f64, shutter: &Shutter, evidence: &mut Vec<AliasEvidence>) -> Vec<Candidate> {
    evidence.push(AliasEvidence::Direction { backwards: q.per_px < 0.0 });
    let steep = (q.per_px.abs() - SIGNIFICANT * q.sigma).max(0.0);
    let least_hz = shutter.rows.map_or(0.0, |rows| steep * shutter.rate_hz * rows / (2.0 * PI));
    if q.per_px > 0.0 && least_hz > hz {
        evidence.push(AliasEvidence::TooSlow { least_hz });
    }
    let fits = |(f, sign): (f64, f64)| sign * q.per_px > 0.0 && f >= least_hz;
    let weight = |c| if fits(c) { 1.0 } else { 0.0 };
    candidates(hz, shutter.rate_hz).map(|c| Candidate { hz: c.0, weight: weight(c) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: f64 = 1080.0;

    fn shutter(readout_s: Option<f64>, exposure_s: Option<f64>) -> Shutter {
        Shutter { rate_hz: 25.0, exposure_s, readout_s, rows: Some(ROWS) }
    }

    /// What a window shows of a motion of `hz` through a shutter that takes `readout_s` for the picture, with a bend that goes with the motion.
    fn seen(hz: f64, readout_s: f64, bend: f64) -> Option<Quadrature> {
        let t: Vec<f64> = (0..200).map(|i| f64::from(i) * 0.04).collect();
        let mut s = 7u32;
        let mut noise = || {
            s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(s >> 8) / f64::from(1 << 24) - 0.5) * 1e-4
        };
        let omega = 2.0 * PI * hz;
        let line = omega * readout_s / ROWS;
        let dx: Vec<f64> = t.iter().map(|t| 0.5 * (omega * t).cos()).collect();
        let dy: Vec<f64> = t.iter().map(|t| 0.3 * (omega * t + 1.0).cos()).collect();
        let gx: Vec<f64> =
            t.iter().zip(&dx).map(|(t, d)| -0.5 * line * (omega * t).sin() + bend * d + noise()).collect();
        let gy: Vec<f64> = t.iter().map(|t| -0.3 * line * (omega * t + 1.0).sin() + noise()).collect();
        quadrature(&Window { t_s: &t, d: [&dx, &dy], slope: [&gx, &gy] }, 8.8)
    }

    #[test]
    fn a_known_readout_tells_which() {
        for hz in [8.8, 16.2, 33.8, 41.2] {
            let a = judge(seen(hz, 0.02, 0.002), 8.8, &shutter(Some(0.02), None)).unwrap();
            assert!((a.candidates[0].hz - hz).abs() < 1e-9 && a.candidates[0].weight > 0.9, "{hz}: {a:?}");
            assert_eq!(a.suspected, hz > 12.5);
        }
    }

    #[test]
    fn without_it_the_direction_tells_the_family() {
        let a = judge(seen(16.2, 0.02, 0.0), 8.8, &shutter(None, None)).unwrap();
        assert!(a.suspected && a.candidates.iter().all(|c| (c.hz - 16.2).rem_euclid(25.0) < 1e-6), "{a:?}");
        let a = judge(seen(8.8, 0.02, 0.0), 8.8, &shutter(None, None)).unwrap();
        assert!(!a.suspected && a.candidates.iter().any(|c| c.hz == 8.8));
        // A slope that 8.8 Hz would need a readout longer than a frame for.
        let a = judge(seen(58.8, 0.03, 0.0), 8.8, &shutter(None, None)).unwrap();
        assert!(a.suspected && a.candidates.iter().all(|c| c.hz > 33.0), "{a:?}");
    }

    #[test]
    fn the_open_shutter_rules_out() {
        let a = judge(seen(16.2, 0.02, 0.0), 8.8, &shutter(None, Some(0.025))).unwrap();
        assert!(a.candidates[0].hz == 16.2 && a.candidates[0].weight > 0.95, "{a:?}");
    }

    #[test]
    fn no_shutter_no_claim() {
        assert_eq!(seen(8.8, 0.0, 0.002), None);
        assert_eq!(seen(16.2, 0.0, 0.002), None);
        assert_eq!(judge(None, 8.8, &shutter(Some(0.02), None)), None);
        // A slope that fits no candidate is something else.
        let other = Quadrature { per_px: 0.5, sigma: 1e-3 };
        let a = judge(Some(other), 8.8, &shutter(Some(0.02), None)).unwrap();
        assert!(!a.suspected, "{a:?}");
    }
}
