//! Learning from frames held back: for recordings, where the reference can be made of all of them before any is measured.

use super::usual::Usual;
use super::{LARGEST_FOLDED, Track, Tracker};
use crate::model::vibration::Fit;
use crate::vibration::bank::{Bank, Fitted};
use crate::vibration::folding::Folding;
use crate::vibration::held::Held;
use crate::vibration::luma::Luma;
use crate::vibration::reference::invert;

/// Rounds of learning what folds, at most.
const ROUNDS: usize = 12;
/// Frames that such learning needs.
const LEAST_FRAMES: usize = 32;
/// One frame of so many is kept out of the learning, to prove it.
const PROOF_EVERY: usize = 6;
/// By how many standard deviations frames kept out must be explained better.
const PROVED: f64 = 3.0;
/// Displacements that move by less than this share of their uncertainty stand.
const STANDS: f64 = 0.02;
/// Former rounds that the next displacements are extrapolated from.
const FORMER: usize = 5;
/// Farthest extrapolation of a displacement, in pixels.
const FARTHEST_PX: f64 = 0.03;

/// Held frames that are looked at for what stands still.
const STANDING_FRAMES: usize = 128;
/// By which share of the motion, and by how many standard deviations, the low frequencies must differ from the whole before that tells of something still.
const APART: f64 = 0.005;
const APART_SIGMAS: f64 = 6.0;

/// What a pass over held frames gives: the fits and the residuals' variances.
#[derive(Default)]
struct Pass {
    fits: Vec<Option<Fitted>>,
    /// Displacements by the low frequencies.
    low: Vec<Option<(f64, f64)>>,
    variances: Vec<f64>,
}

impl Tracker {
    /// From here on frames may be held and measured again once the reference is made of all of them: for recordings, where nobody
    /// waits for a reading. Room for `frames` frames, less where the region is large.
    pub fn hold_frames(&mut self, frames: usize) {
        self.held = Some(self.room(frames));
        // What folds will be part of the reference.
        self.phase = None;
    }

    /// Room for so many pieces of pictures around the region.
    pub(super) fn room(&self, frames: usize) -> Held {
        Held::new(self.home, self.w, self.h, frames)
    }

    /// Whether another frame can be held.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.held.as_ref().is_some_and(Held::has_room)
    }

    /// Holds this frame; false where there is no room.
    pub fn hold(&mut self, luma: &Luma<'_>) -> bool {
        self.held.as_mut().is_some_and(|h| h.push(luma))
    }

    /// Makes the reference of all frames held.
    pub fn learn_held(&mut self) {
        let Some(held) = self.held.take() else { return };
        let at = std::mem::replace(&mut self.corner, held.place(self.home));
        let told = self.told.is_some();
        // The first pass finds where each frame lies, by a reference that grows.
        self.learning = true;
        self.low.get_or_insert_with(|| Box::new(Bank::low_band(self.w, self.h))).flicker = self.flicker;
        if !told {
            self.bank = Bank::coarse(self.w, self.h).with_flicker(self.flicker);
        }
        for luma in held.frames() {
            self.step(&luma);
        }
        self.set_coded();
        if !self.coded {
            self.bank = Bank::new(self.w, self.h).with_flicker(self.flicker);
            self.bank.leave_out(self.together.out());
        }
        // The next ones take them all at their places.
        let mut pass = Pass::default();
        self.go_through(&held, &mut pass, false);
        if self.bands.as_ref().is_some_and(|bands| !bands.is_empty()) {
            self.choose_band();
        }
        self.renew(0.0);
        if self.coded {
            if !told {
                // What the first band held back is in the reference still. And where that first reference was made of a second's copies of one picture
                // only, bands are compared from here on.
                let late = self.bands.is_some();
                self.go_through(&held, &mut pass, false);
                self.choose_band();
                self.renew(0.0);
                if late {
                    self.go_through(&held, &mut pass, false);
                    self.renew(0.0);
                }
            }
            self.learn_coefficients(&held, &pass.fits);
        } else {
            self.go_through(&held, &mut pass, true);
            self.renew(0.0);
            self.go_through(&held, &mut pass, true);
            self.renew(0.0);
            let unbiased = std::mem::take(&mut pass.low);
            // What folds is judged against what the mean picture reaches without it.
            self.go_through(&held, &mut pass, false);
            self.renew(0.0);
            self.go_through(&held, &mut pass, false);
            self.reference.forget_batch();
            let (seen, mut plain) = (pass.fits.iter().flatten().count(), pass.variances.clone());
            self.learn_folding(&held, &mut pass, &unbiased);
            self.go_through(&held, &mut pass, false);
            if pass.fits.iter().flatten().count() * 10 < seen * 9 {
                // Frames that are all alike (a target at rest, or that only turns) can be explained by what folds alone, in a reference by which
                // nothing else is found again.
                self.reference.forget_batch();
                self.reference.unfold();
                self.clear();
                self.usual = Usual::of(&mut plain);
                pass.variances.clear();
                self.lost = 0;
                self.go_through(&held, &mut pass, false);
            }
            self.renew(0.0);
            self.held_back = held_back(&unbiased, &pass.fits);
            if self.held_back > 0.0 && self.w * self.h <= LARGEST_FOLDED {
                // What folds has taken in what stands still. Without it, what is left of that goes with the sub-pixel phase, and is taken off as while
                // streaming.
                self.reference.unfold();
                self.clear();
                self.usual = Usual::of(&mut plain);
                pass.variances.clear();
                self.go_through(&held, &mut pass, true);
                self.renew(0.0);
                let unbiased = std::mem::take(&mut pass.low);
                self.phase = Some(Box::default());
                self.go_through(&held, &mut pass, false);
                self.reference.forget_batch();
                let error = |f: &Fitted| self.phase.as_ref().map_or([0.0; 2], |phase| phase.at(f.d).0);
                let mended = |f: &Fitted| {
                    let [x, y] = error(f);
                    Fitted { d: (f.d.0 - x, f.d.1 - y), ..*f }
                };
                let mended: Vec<Option<Fitted>> = pass.fits.iter().map(|f| f.as_ref().map(mended)).collect();
                self.held_back = held_back(&unbiased, &mended);
            }
        }
        self.standing.forget();
        let every = held.count().div_ceil(STANDING_FRAMES).max(1);
        // Whoever was told of the coding is not asked what stands still.
        for (i, fit) in pass.fits.iter().enumerate().step_by(every).filter(|_| !told) {
            if let (Some(f), Some(luma)) = (fit, held.frame(i)) {
                self.look_for_standing(&luma, f);
            }
        }
        let mut variances = pass.variances;
        if self.phase.is_none() {
            self.low = None;
        }
        self.learning = false;
        self.looks.settle();
        self.usual = Usual::of(&mut variances);
        self.path.reset();
        self.stale.forget();
        self.newest.forget();
        self.lost = 0;
        self.corner = at;
        self.held = Some(held);
    }

    /// Measures all held frames in order and takes them into the next reference, at the low frequencies' displacement if asked for.
    fn go_through(&mut self, held: &Held, pass: &mut Pass, low: bool) {
        self.path.reset();
        self.stale.forget();
        self.newest.forget();
        if !pass.variances.is_empty() {
            self.usual = Usual::of(&mut pass.variances);
        }
        pass.variances.clear();
        pass.fits.clear();
        pass.low.clear();
        for luma in held.frames() {
            let (track, fitted) = self.measure(&luma);
            if track.fit != Fit::Lost {
                pass.variances.push(self.variance);
            }
            pass.fits.push(fitted);
            let Some(f) = fitted else {
                pass.low.push(None);
                continue;
            };
            if low {
                let at = self.low_fit(&luma, &f).unwrap_or(f);
                pass.low.push(Some(at.d));
                self.absorb(&luma, &at);
            } else {
                self.absorb(&luma, &f);
            }
        }
    }

    /// Learns what folds together with the displacements: what folds looks just like an error of displacement that follows the sub-pixel
    /// phase, so neither is known before the other. It begins with what the low frequencies say, in which nothing folds, and is
    /// kept if it explains frames that it was not learned from.
    fn learn_folding(&mut self, held: &Held, pass: &mut Pass, unbiased: &[Option<(f64, f64)>]) {
        let plain: Vec<Option<Fitted>> = pass.fits.clone();
        let Some(mut folding) = self.reference.folding() else { return };
        if plain.iter().flatten().count() < LEAST_FRAMES {
            return;
        }
        let n = (self.w * self.h) as f64;
        let mut at: Vec<(f64, f64)> =
            unbiased.iter().zip(&plain).map(|(l, f)| l.or(f.map(|f| f.d)).unwrap_or_default()).collect();
        let mut fits = plain.clone();
        let mut ahead = Ahead::default();
        for round in 0..ROUNDS {
            let mut variances: Vec<f64> = fits.iter().flatten().map(|f| f.residual / (n - 4.0)).collect();
            self.usual = Usual::of(&mut variances);
            // At first the mean picture's own errors are in the way.
            for _ in 0..if round == 0 { 4 } else { 2 } {
                self.collect(held, &fits, &at, &mut folding);
                folding.solve(self.usual.variance().unwrap_or(1.0));
                self.reference.fold(&folding);
            }
            self.clear();
            let mut moved = (0.0, 0.0);
            let mut to = at.clone();
            for (i, fit) in fits.iter_mut().enumerate() {
                let (Some(f), Some(luma)) = (&mut *fit, held.frame(i)) else { continue };
                let Some(new) = self.solve(&luma, at[i]) else { continue };
                let step = (new.d.0 - at[i].0).powi(2) + (new.d.1 - at[i].1).powi(2);
                moved.0 += step;
                moved.1 += (new.covariance[0] + new.covariance[2]) * new.residual / n;
                to[i] = new.d;
                *f = new;
            }
            if moved.0 < STANDS * STANDS * moved.1 {
                break;
            }
            at = ahead.next(&at, &to);
        }
        if !proved(&plain, &fits) {
            self.reference.unfold();
            self.clear();
            return;
        }
        pass.variances = fits.iter().flatten().map(|f| f.residual / (n - 4.0)).collect();
    }

    /// Lets what folds be learned from the held frames at the displacements `at`.
    fn collect(&mut self, held: &Held, fits: &[Option<Fitted>], at: &[(f64, f64)], folding: &mut Folding) {
        for (i, (fit, d)) in fits.iter().zip(at).enumerate().filter(|(i, _)| i % PROOF_EVERY != 0) {
            let (Some(f), Some(luma)) = (fit, held.frame(i)) else { continue };
            let (corner, rest) = self.place(*d);
            self.reference.absorb_fine(self.arch, &luma, corner, rest, (f.gain, f.offset), folding);
        }
    }

    /// Measures a frame that was held.
    pub fn again(&mut self, index: usize) -> Track {
        let Some(held) = self.held.take() else { return Track::lost() };
        let at = std::mem::replace(&mut self.corner, held.place(self.home));
        let track = held
            .frame(index)
            .map_or_else(Track::lost, |luma| if self.begun { self.measure(&luma).0 } else { Track::textureless() });
        self.corner = at;
        self.held = Some(held);
        track
    }

    /// Gives the memory of the held frames back.
    pub fn release(&mut self) {
        self.held = None;
    }
}

/// By which share of the motion the low frequencies tell another one than the whole: a fixed pattern holds the finest detail back most. 0 where that may be
/// chance.
fn held_back(low: &[Option<(f64, f64)>], fits: &[Option<Fitted>]) -> f64 {
    let pairs: Vec<[[f64; 2]; 2]> =
        low.iter().zip(fits).filter_map(|(l, f)| Some([(*l)?.into(), (*f)?.d.into()])).collect();
    let n = pairs.len() as f64;
    let (mut motion, mut along, mut apart) = (0.0, 0.0, 0.0);
    for axis in 0..2 {
        let mean = [0, 1].map(|k| pairs.iter().map(|p| p[k][axis]).sum::<f64>() / n);
        for p in &pairs {
            let [low, whole] = [0, 1].map(|k| p[k][axis] - mean[k]);
            motion += whole * whole;
            along += low * whole;
            apart += (low - whole).powi(2);
        }
    }
    if pairs.len() < LEAST_FRAMES || !(motion > 0.0) {
        return 0.0;
    }
    let share = (along / motion - 1.0).abs();
    let sigma = (apart / (2.0 * n) / motion).sqrt();
    if share > APART.max(APART_SIGMAS * sigma) { share } else { 0.0 }
}

/// Whether frames that were kept out of the learning are explained better than before.
fn proved(before: &[Option<Fitted>], after: &[Option<Fitted>]) -> bool {
    let gains: Vec<f64> = before
        .iter()
        .zip(after)
        .step_by(PROOF_EVERY)
        .filter_map(|(b, a)| Some(1.0 - (*a)?.residual / (*b)?.residual.max(f64::MIN_POSITIVE)))
        .collect();
    let n = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / n;
    let spread = gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    mean > PROVED * (spread / n).sqrt()
}

/// Extrapolates a slowly converging iteration over all displacements (Anderson mixing: Walker & Ni, "Anderson Acceleration for Fixed-Point
/// Iterations", SIAM J. Numer. Anal. 49(4), 2011).
#[derive(Default)]
struct Ahead {
    /// Former places, and how far the iteration moved from each.
    former: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Ahead {
    /// Where to go on from `at`, where the iteration leads to `to`.
    fn next(&mut self, at: &[(f64, f64)], to: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let x: Vec<f64> = at.iter().flat_map(|d| [d.0, d.1]).collect();
        let r: Vec<f64> = to.iter().flat_map(|d| [d.0, d.1]).zip(&x).map(|(t, x)| t - x).collect();
        if self.former.len() == FORMER {
            self.former.remove(0);
        }
        let mut next: Vec<f64> = x.iter().zip(&r).map(|(x, r)| x + r).collect();
        let minus = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let times = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let steps: Vec<(Vec<f64>, Vec<f64>)> =
            self.former.iter().map(|(fx, fr)| (minus(&x, fx), minus(&r, fr))).collect();
        let mut a = [[0.0; FORMER]; FORMER];
        for (i, row) in a.iter_mut().enumerate() {
            for (j, v) in row.iter_mut().enumerate() {
                *v = match (steps.get(i), steps.get(j)) {
                    (Some(p), Some(q)) => {
                        let scale = (times(&p.1, &p.1) * times(&q.1, &q.1)).sqrt();
                        times(&p.1, &q.1) / scale.max(f64::MIN_POSITIVE) + if i == j { 1e-6 } else { 0.0 }
                    }
                    _ => f64::from(u8::from(i == j)),
                };
            }
        }
        if let Some(inverse) = invert(&a) {
            for (i, row) in inverse.iter().enumerate().take(steps.len()) {
                let share = |s: &Vec<f64>| times(s, &r) / times(s, s).max(f64::MIN_POSITIVE).sqrt();
                let c: f64 = row.iter().zip(&steps).map(|(v, s)| v * share(&s.1)).sum();
                let c = c / times(&steps[i].1, &steps[i].1).max(f64::MIN_POSITIVE).sqrt();
                for (n, (dx, dr)) in next.iter_mut().zip(steps[i].0.iter().zip(&steps[i].1)) {
                    *n -= c * (dx + dr);
                }
            }
        }
        self.former.push((x, r));
        let (pairs, _) = next.as_chunks::<2>();
        pairs
            .iter()
            .zip(to)
            .map(|(n, t)| {
                let near = (n[0] - t.0).hypot(n[1] - t.1) < FARTHEST_PX;
                if near { (n[0], n[1]) } else { *t }
            })
            .collect()
    }
}
