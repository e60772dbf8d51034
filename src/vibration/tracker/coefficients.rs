//! In JPEG pictures: whether the displacement is told by the coefficients' intervals ([`crate::vibration::intervals`]) rather than in a band of the
//! pixels.
//!
//! The quantisation steps are looked for in some frames, then references are learned for both ways of rounding that are common, then all is compared,
//! and what has the least noise is kept. Nothing of it is done for pictures that carry next to everything over from frame to frame: those are not JPEG's.

use super::quietest::quietest;
use super::{Fitted, Luma, Tracker};
use crate::vibration::blocks::Grid;
use crate::vibration::held::Held;
use crate::vibration::intervals::{Between, Coded, Intervals};
use crate::vibration::steps::Tables;

/// From which share of a step on coders round up: the nearest step (libjpeg), or less, which saves bits (the `mjpeg` of `ffmpeg`).
const ROUNDINGS: [f32; 2] = [0.5, 0.625];
const WAYS: usize = ROUNDINGS.len();
/// How often frames may tell no steps before the pictures are taken for something else than JPEG.
const FAILURES: u32 = 6;
/// While streaming: frames of a batch that a reference is made anew from, and how many batches lead away from the decoded pictures' mean before the next
/// ones are averaged, and both are compared.
const BATCH: u32 = 32;
const LEADING: u32 = 10;
const AVERAGED: u32 = 4;
/// Frames that are compared.
const COMPARED: usize = 128;
/// Frames without a fit after which it is given up.
const MISSES: u32 = 200;
/// Held frames are gone through so many times, one in four of them each time, and so many times in whole.
const SOME_ROUNDS: usize = 16;
const SOME: usize = 4;
const WHOLE_ROUNDS: usize = 4;
/// Once it is used, one frame of so many is learned from while streaming.
const KEEP_EVERY: u32 = 4;
/// Frames that the standing reference counts for against a batch.
const KEEP_WEIGHT: f64 = 128.0;
/// How fast it is followed how far its reference lies from the band's, per frame that is learned from.
const FOLLOW: f64 = 0.004;

/// Share of the motion by which both may differ. Motion of a tenth of a pixel takes few coefficients from one step to the next: a reference learned from
/// it does not know where between them they lie, nor how steep it is, and such motion is then told up to a tenth too large.
const AGREED: f64 = 0.05;
/// Frames after which it is tried again.
const ASK_AGAIN: u32 = 7500;

/// One frame's displacements in pixels: by the intervals for each rounding, and in the band.
type Seen = [[f64; 2]; WAYS + 1];

/// A frame's displacement, and its gain and offset.
type Place = ((f64, f64), (f64, f64));

/// How far it is.
#[derive(Clone, Debug, Default)]
pub(super) enum Coefficients {
    /// Nothing is known.
    #[default]
    Unknown,
    /// Steps are looked for.
    Counting(Box<Tables>),
    /// References are learned, then compared.
    Learning(Box<Learning>),
    /// The intervals are what is measured by, or have a part in it.
    Used(Box<Used>),
    /// They are not: the pictures are not JPEG's.
    Other,
    /// They are not, for so many frames.
    Refused(u32),
}

/// What is measured by.
#[derive(Clone, Debug)]
pub(super) struct Used {
    tables: Tables,
    intervals: Intervals,
    /// How far its reference lies from the band's, in pixels: where a reference lies is free, and this one may wander.
    apart: [f64; 2],
    /// What of the displacement is theirs; the rest is the band's.
    share: f64,
}

impl Used {
    /// The fit of a frame that fits as `f` in the band, in whose place it puts its own displacement; none where the frame's steps are not known.
    fn fit(
        &mut self,
        luma: &Luma<'_>,
        corner: (i64, i64),
        f: &mut Fitted,
        flicker: bool,
        learn: bool,
    ) -> Option<Between> {
        let steps = self.tables.of(luma, corner, f.d)?;
        let coded = Coded { luma, corner, steps: &steps };
        let start = (f.d.0 + self.apart[0], f.d.1 + self.apart[1]);
        let between = self.intervals.fit(&coded, start, (f.gain, f.offset), flicker, false)?;
        if learn {
            self.intervals.absorb(&coded, &between);
            if self.intervals.batch() >= BATCH {
                self.intervals.renew(KEEP_WEIGHT);
            }
        }
        let apart = [between.d.0 - f.d.0, between.d.1 - f.d.1];
        let mean = |of_band: f64, theirs: f64| of_band + self.share * (theirs - of_band);
        f.d = (mean(f.d.0, between.d.0 - self.apart[0]), mean(f.d.1, between.d.1 - self.apart[1]));
        if learn {
            self.apart.iter_mut().zip(apart).for_each(|(to, now)| *to += FOLLOW * (now - *to));
        }
        Some(between)
    }
}

/// Learns the references, then compares.
#[derive(Clone, Debug)]
pub(super) struct Learning {
    tables: Tables,
    ways: [Intervals; WAYS],
    absorbed: u32,
    missed: u32,
    compared: Vec<(u32, Seen)>,
}

impl Learning {
    /// Takes a frame that fits as `f` in the band; whether all is told.
    fn take(&mut self, number: u32, luma: &Luma<'_>, corner: (i64, i64), f: &Fitted, flicker: bool) -> bool {
        let Some(steps) = self.tables.of(luma, corner, f.d) else { return self.miss() };
        let coded = Coded { luma, corner, steps: &steps };
        let mut seen = [[f.d.0, f.d.1]; WAYS + 1];
        let learning = self.absorbed < BATCH * (LEADING + AVERAGED);
        for (way, seen) in self.ways.iter_mut().zip(&mut seen) {
            let Some(between) = way.fit(&coded, f.d, (f.gain, f.offset), flicker, false) else { return self.miss() };
            *seen = [between.d.0, between.d.1];
            if learning {
                way.absorb(&coded, &between);
            }
        }
        if !learning {
            self.compared.push((number, seen));
            return self.compared.len() == COMPARED;
        }
        self.absorbed += 1;
        if self.absorbed.is_multiple_of(BATCH) {
            let averaged = (self.absorbed / BATCH).saturating_sub(LEADING);
            self.ways.iter_mut().for_each(|way| way.renew(f64::from(averaged * BATCH)));
        }
        false
    }

    /// A frame that told nothing; whether there were too many.
    fn miss(&mut self) -> bool {
        self.missed += 1;
        self.missed > MISSES
    }
}

impl Tracker {
    fn grid(&self) -> Grid {
        Grid { home: self.home, size: (self.w, self.h) }
    }

    fn ways(&self) -> [Intervals; WAYS] {
        ROUNDINGS.map(|rounding| Intervals::new(self.arch, self.grid(), self.reference.clone(), rounding))
    }

    /// Puts the displacement by the intervals into a frame's fit, once that is what is measured by; gives its one-sigma uncertainty in pixels then.
    /// Until it is decided the frame is taken for that.
    pub(super) fn by_coefficients(&mut self, luma: &Luma<'_>, f: &mut Fitted) -> Option<f64> {
        if !self.coded || self.learning || f.one_direction || self.looks.carries_most() {
            return None;
        }
        let (corner, flicker) = (self.corner, self.flicker);
        match std::mem::take(&mut self.coefficients) {
            // What is known of the noise in the band is what it will be compared with.
            Coefficients::Unknown if self.foretold.is_some() => {
                self.coefficients = Coefficients::Counting(Box::new(Tables::new(self.arch, self.grid())));
                None
            }
            Coefficients::Counting(mut tables) => {
                tables.of(luma, corner, f.d);
                self.coefficients = if tables.any() {
                    let (ways, compared) = (self.ways(), Vec::with_capacity(COMPARED));
                    Coefficients::Learning(Box::new(Learning {
                        tables: *tables,
                        ways,
                        absorbed: 0,
                        missed: 0,
                        compared,
                    }))
                } else if tables.failed() < FAILURES {
                    Coefficients::Counting(tables)
                } else {
                    Coefficients::Other
                };
                None
            }
            Coefficients::Learning(mut learning) => {
                if learning.take(self.seen, luma, corner, f, flicker) {
                    self.decide(learning.tables, learning.ways, &learning.compared);
                } else {
                    self.coefficients = Coefficients::Learning(learning);
                }
                None
            }
            Coefficients::Used(mut used) => {
                let learn = self.held.is_none() && self.seen.is_multiple_of(KEEP_EVERY);
                let between = used.fit(luma, corner, f, flicker, learn);
                self.coefficients = Coefficients::Used(used);
                between.map(|b| super::larger(b.covariance).sqrt())
            }
            Coefficients::Refused(frames) => {
                // Small motion does not tell, and the machine may have stood still.
                let again = frames > ASK_AGAIN && self.held.is_none();
                self.coefficients = if again { Coefficients::Unknown } else { Coefficients::Refused(frames + 1) };
                None
            }
            other => {
                self.coefficients = other;
                None
            }
        }
    }

    /// Keeps what measured the frames with the least noise: the intervals where they agree with the band on how much moves, else the mean of both, each weighed by
    /// its noise, where that has less than the band. Of coarse pictures the band tells too little motion, and the intervals too much.
    fn decide(&mut self, tables: Tables, ways: [Intervals; WAYS], compared: &[(u32, Seen)]) {
        self.coefficients = Coefficients::Refused(0);
        let Some(kept) = quietest(compared, WAYS + 1, 0.0, |way| if way == WAYS { 0 } else { WAYS }) else { return };
        let agree = |way: usize| (kept.motion[way] - kept.motion[WAYS]).abs() < AGREED * kept.motion[WAYS].abs();
        let chosen = if kept.way < WAYS && kept.noise[kept.way] < kept.noise[WAYS] && agree(kept.way) {
            Some((kept.way, 1.0, kept.foretold))
        } else {
            let best = (0..WAYS).min_by(|&a, &b| kept.noise[a].total_cmp(&kept.noise[b])).unwrap_or(0);
            let share = kept.noise[WAYS] / (kept.noise[best] + kept.noise[WAYS]).max(f64::MIN_POSITIVE);
            let both = |(number, seen): &(u32, Seen)| {
                let mean = std::array::from_fn(|axis| seen[WAYS][axis] + share * (seen[best][axis] - seen[WAYS][axis]));
                (*number, [mean, seen[WAYS]])
            };
            let both: Vec<(u32, [[f64; 2]; 2])> = compared.iter().map(both).collect();
            let mean = quietest(&both, 2, 0.0, |way| 1 - way).filter(|q| q.way == 0 && q.noise[0] < q.noise[1]);
            mean.map(|q| (best, share, q.foretold))
        };
        let Some((way, share, foretold)) = chosen else { return };
        let n = compared.len() as f64;
        let off = |axis: usize| compared.iter().map(|(_, d)| d[way][axis] - d[WAYS][axis]).sum::<f64>() / n;
        let apart = [off(0), off(1)];
        if let Some(intervals) = ways.into_iter().nth(way) {
            self.foretold = Some(foretold);
            self.coefficients = Coefficients::Used(Box::new(Used { tables, intervals, apart, share }));
        }
    }

    /// Learns from held frames whether and how the intervals tell the displacement; `fits` are those in the band.
    pub(super) fn learn_coefficients(&mut self, held: &Held, fits: &[Option<Fitted>]) {
        if !self.coded || self.foretold.is_none() || self.looks.carries_most() {
            return;
        }
        let corner = self.corner;
        let frames = || fits.iter().enumerate().filter_map(|(i, f)| Some((i, held.frame(i)?, (*f)?)));
        let mut tables = Tables::new(self.arch, self.grid());
        for (_, luma, f) in frames() {
            tables.of(&luma, corner, f.d);
            if !tables.any() && tables.failed() >= FAILURES {
                break;
            }
        }
        if !tables.any() {
            self.coefficients = Coefficients::Other;
            return;
        }
        let mut steps = vec![None; fits.len()];
        for (i, luma, f) in frames() {
            steps[i] = tables.of(&luma, corner, f.d);
        }
        let frames = || frames().filter_map(|(i, luma, f)| Some((i, luma, f, steps[i]?)));
        let mut ways = self.ways();
        let start = |f: &Option<Fitted>| f.map_or_else(Default::default, |f| (f.d, (f.gain, f.offset)));
        let mut places: [Vec<Place>; WAYS] = std::array::from_fn(|_| fits.iter().map(start).collect());
        for (way, places) in ways.iter_mut().zip(&mut places) {
            for round in 0..=SOME_ROUNDS + WHOLE_ROUNDS {
                let every = if round < SOME_ROUNDS { SOME } else { 1 };
                for (i, luma, _, steps) in frames().filter(|(i, ..)| (i + round).is_multiple_of(every)) {
                    let coded = Coded { luma: &luma, corner, steps: &steps };
                    let Some(b) = way.fit(&coded, places[i].0, places[i].1, self.flicker, round >= SOME) else {
                        continue;
                    };
                    places[i] = (b.d, b.light);
                    if round < SOME_ROUNDS + WHOLE_ROUNDS {
                        way.absorb(&coded, &b);
                    }
                }
                // A weight of next to nothing: no more going on.
                way.renew(if round < SOME_ROUNDS { 0.0 } else { f64::MIN_POSITIVE });
            }
        }
        let seen = |i: usize, f: &Fitted| -> Seen {
            std::array::from_fn(|w| places.get(w).map_or([f.d.0, f.d.1], |p| [p[i].0.0, p[i].0.1]))
        };
        let compared: Vec<(u32, Seen)> = frames().map(|(i, _, f, _)| (i as u32, seen(i, &f))).collect();
        self.decide(tables, ways, &compared);
    }

    /// What of the displacement is told by the intervals, 0 to 1.
    pub(super) fn share_of_coefficients(&self) -> f64 {
        if let Coefficients::Used(used) = &self.coefficients { used.share } else { 0.0 }
    }

    /// Whether the pictures are JPEG's, and so coded each for itself however alike what their steps leave of them is.
    pub(super) fn is_jpeg(&self) -> bool {
        let told =
            matches!(self.coefficients, Coefficients::Learning(_) | Coefficients::Used(_) | Coefficients::Refused(_));
        told && !self.looks.carries_most()
    }
}
