//! A region's tracker, and beside it one of a wider region where that tells more.
//!
//! What a coder does wrong is different from block to block, so more blocks tell the displacement better. What lies beside a region belongs to the target as
//! often as not, but nobody has said so: it is measured along, and counts only where it is seen to move as the region does, with less noise, and for as long
//! as it moves so. Where differences are coded, motion vectors that are wrong for many blocks leave less to be won, and it is done in recordings only, where
//! its time is not what counts. What JPEG's coefficients lay between is exact enough, and would cost much more.

use super::coefficients::Coefficients;
use super::foretold::Foretold;
use super::looks::Looks;
use super::quietest::quietest;
use super::{Bank, LARGEST_FOLDED, Track, Tracker};
use crate::model::vibration::Fit;
use crate::vibration::held::Held;
use crate::vibration::luma::Luma;

/// By how much the wider region is wider on each side, in pixels.
const AROUND_PX: u32 = 12;
/// Frames that are compared, and misses after which it is given up.
const COMPARED: usize = 160;
const MISSES: u32 = 2000;
/// Share of the noise that must be saved, and of the motion by which both may differ.
const SAVED: f64 = 0.02;
const AGREED: f64 = 0.05;
/// And by how many standard deviations of chance.
const CHANCE: f64 = 3.0;
/// The motion must be so many times the difference between both: at rest everything moves alike.
const MOVING: f64 = 2.0;
/// Share of the motion by which the differences may go with it while it is used.
const OTHERWISE: f64 = 0.1;
/// Frames after which it is tried again.
const ASK_AGAIN: u32 = 7500;
/// And where it only was not the time.
const SOON: u32 = 250;
/// How fast the differences between both are followed, per frame, and by how much they may grow (in squares) before the wider one is no longer believed.
const FOLLOW: f64 = 0.01;
const GROWN: f64 = 4.0;

/// One frame's displacements in pixels: of the region, and of the wider one.
type Seen = [[f64; 2]; 2];

/// A region's tracker with all that helps it.
#[derive(Clone, Debug)]
pub struct Widened {
    rect: [u32; 4],
    core: Tracker,
    wider: Wider,
    /// Whether it is a recording that is measured.
    recording: bool,
}

/// How the pictures are coded, as told by another tracker.
#[derive(Clone, Debug)]
pub(super) struct Told {
    bank: Bank,
    looks: Looks,
    foretold: Foretold,
}

/// How far it is with the wider region.
#[derive(Clone, Debug)]
enum Wider {
    /// There is none, for so many frames more.
    None(u32),
    /// Both are compared.
    Compared { tracker: Box<Tracker>, frames: Vec<(u32, Seen)>, misses: u32 },
    /// It is measured by.
    Used(Box<Used>),
}

/// A wider region that is measured by.
#[derive(Clone, Debug)]
struct Used {
    tracker: Tracker,
    /// How far its reference lies from the region's, in pixels.
    apart: [f64; 2],
    /// Mean square of what is left of the differences along one axis, and up to where they are believed, both in pixels squared.
    off: f64,
    most: f64,
    /// The wider one's displacement in the mean, its square about that, and its product with what is left of the differences.
    centre: Option<[f64; 2]>,
    motion: f64,
    along: f64,
}

impl Used {
    /// With a wider region's tracker, how far its reference lies apart, and the mean square of what is left of the differences.
    fn new(tracker: Tracker, apart: [f64; 2], off: f64) -> Self {
        Self { tracker, apart, off, most: GROWN * off, centre: None, motion: 0.0, along: 0.0 }
    }

    /// Puts its displacement in the place of the region's `track`; whether both still agree.
    fn replace(&mut self, track: &mut Track, wide: &Track) -> bool {
        let left = [wide.dx_px - track.dx_px - self.apart[0], wide.dy_px - track.dy_px - self.apart[1]];
        // One frame that is far off says little of the others.
        let square = f64::midpoint(left[0] * left[0], left[1] * left[1]).min(9.0 * self.most);
        // The wider one's noise is the less: by the region's own, of which the differences have their part, small motion would seem to be another.
        let seen = [wide.dx_px, wide.dy_px];
        let centre = self.centre.get_or_insert(seen);
        let own = [seen[0] - centre[0], seen[1] - centre[1]];
        centre.iter_mut().zip(own).for_each(|(c, o)| *c += FOLLOW * o);
        for (to, now) in [
            (&mut self.off, square),
            (&mut self.motion, f64::midpoint(own[0] * own[0], own[1] * own[1])),
            (&mut self.along, f64::midpoint(own[0] * left[0], own[1] * left[1])),
        ] {
            *to += FOLLOW * (now - *to);
        }
        let moves_otherwise = self.motion > MOVING * MOVING * self.off && self.along.abs() > OTHERWISE * self.motion;
        if self.off > self.most || moves_otherwise {
            return false;
        }
        if square < self.most {
            self.apart.iter_mut().zip(left).for_each(|(a, l)| *a += FOLLOW * l);
            let seen_px = [wide.dx_px - self.apart[0], wide.dy_px - self.apart[1]];
            (track.dx_px, track.dy_px, track.sigma_px) = (seen_px[0], seen_px[1], wide.sigma_px);
            track.size_sigma = track.size_sigma.max(wide.size_sigma);
            track.bend.seen_px = seen_px.map(|v| v as f32);
        }
        true
    }
}

impl Widened {
    /// For the rectangle x, y, width, height in pixels; each side at least 8.
    #[must_use]
    pub fn new(rect: [u32; 4]) -> Self {
        Self { rect, core: Tracker::new(rect), wider: Wider::None(0), recording: false }
    }

    /// See [`Tracker::reset`].
    pub fn reset(&mut self) {
        self.core.reset();
        self.wider = Wider::None(0);
    }

    /// See [`Tracker::set_robust`].
    pub fn set_robust(&mut self, on: bool) {
        self.each(|tracker| tracker.set_robust(on));
    }

    /// See [`Tracker::compensate_flicker`].
    pub fn compensate_flicker(&mut self, on: bool) {
        self.each(|tracker| tracker.compensate_flicker(on));
    }

    fn each(&mut self, mut on: impl FnMut(&mut Tracker)) {
        on(&mut self.core);
        match &mut self.wider {
            Wider::None(_) => {}
            Wider::Compared { tracker, .. } => on(tracker),
            Wider::Used(used) => on(&mut used.tracker),
        }
    }

    /// Measures the next frame, and learns from it.
    pub fn step(&mut self, luma: &Luma<'_>) -> Track {
        self.step_of(luma, (luma.width(), luma.height()))
    }

    /// Room for frames that come while the reference is made.
    #[must_use]
    pub fn backlog(&self, frames: usize) -> Held {
        self.core.room(frames)
    }

    /// The same of a frame that was kept.
    pub fn step_kept(&mut self, kept: &Held, index: usize) -> Track {
        let Some(luma) = kept.frame(index) else { return Track::lost() };
        self.each(|tracker| tracker.corner = kept.place(tracker.home));
        let track = self.step_of(&luma, kept.picture());
        self.each(|tracker| tracker.corner = tracker.home);
        track
    }

    /// The same of a piece of a picture of this size, or of all of it.
    fn step_of(&mut self, luma: &Luma<'_>, picture: (usize, usize)) -> Track {
        let mut track = self.core.step(luma);
        let helped = helps(&self.core, self.recording);
        match &mut self.wider {
            Wider::None(wait) => {
                *wait = wait.saturating_sub(1);
                if *wait == 0
                    && helped
                    && track.fit == Fit::Good
                    && !track.marks.covered
                    && let Some(rect) = wider(self.rect, picture)
                {
                    let tracker = Box::new(self.core.another(rect, (track.dx_px, track.dy_px)));
                    self.wider = Wider::Compared { tracker, frames: Vec::with_capacity(COMPARED), misses: 0 };
                }
            }
            Wider::Compared { tracker, frames, misses } => {
                let wide = tracker.step(luma);
                if wide.fit == Fit::Settling {
                    // It may have begun anew: where it lies is another place then.
                    frames.clear();
                }
                if helps(tracker, self.recording) && both_good(&track, &wide) {
                    frames.push((self.core.seen, [[track.dx_px, track.dy_px], [wide.dx_px, wide.dy_px]]));
                } else {
                    *misses += 1;
                }
                if !helped {
                    self.wider = Wider::None(SOON);
                } else if !tracker.begun || frames.len() == COMPARED || *misses > MISSES {
                    let apart = believed(frames);
                    self.decide(apart);
                }
            }
            Wider::Used(used) => {
                let wide = used.tracker.step(luma);
                let begun_anew = !used.tracker.begun || wide.fit == Fit::Settling;
                if !helped {
                    self.wider = Wider::None(SOON);
                } else if begun_anew || (both_good(&track, &wide) && !used.replace(&mut track, &wide)) {
                    self.wider = Wider::None(ASK_AGAIN);
                }
            }
        }
        track
    }

    /// From here on the wider region is used, where it lies so far apart and its differences are so large; or not, for some time.
    fn decide(&mut self, believed: Option<([f64; 2], f64)>) {
        let before = std::mem::replace(&mut self.wider, Wider::None(ASK_AGAIN));
        if let (Some((apart, off)), Wider::Compared { tracker, .. }) = (believed, before) {
            self.wider = Wider::Used(Box::new(Used::new(*tracker, apart, off)));
        }
    }

    /// See [`Tracker::hold_frames`].
    pub fn hold_frames(&mut self, frames: usize) {
        self.core.hold_frames(frames);
        self.recording = true;
    }

    /// See [`Tracker::has_room`].
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.core.has_room()
    }

    /// See [`Tracker::hold`].
    pub fn hold(&mut self, luma: &Luma<'_>) -> bool {
        self.core.hold(luma)
    }

    /// Makes the references of all frames held.
    pub fn learn_held(&mut self) {
        self.core.learn_held();
        self.learn_wider();
        // From here on they are measured from the first one on.
        self.each(Tracker::rewind);
    }

    fn learn_wider(&mut self) {
        let Some((picture, count)) = self.core.held_frames().filter(|_| helps(&self.core, self.recording)) else {
            return;
        };
        let Some(rect) = wider(self.rect, picture) else { return };
        let first = self.core.again(0);
        let mut tracker = self.core.another(rect, (first.dx_px, first.dy_px));
        tracker.lend(&mut self.core);
        tracker.learn_held();
        self.core.lend(&mut tracker);
        if !helps(&tracker, self.recording) {
            return;
        }
        let mut frames = Vec::with_capacity(count);
        for index in 0..count {
            let track = self.core.again(index);
            tracker.lend(&mut self.core);
            let wide = tracker.again(index);
            self.core.lend(&mut tracker);
            if both_good(&track, &wide) {
                frames.push((index as u32, [[track.dx_px, track.dy_px], [wide.dx_px, wide.dy_px]]));
            }
        }
        self.wider = Wider::Compared { tracker: Box::new(tracker), frames: Vec::new(), misses: 0 };
        self.decide(believed(&frames));
    }

    /// Measures a frame that was held.
    pub fn again(&mut self, index: usize) -> Track {
        let mut track = self.core.again(index);
        if let Wider::Used(used) = &mut self.wider {
            used.tracker.lend(&mut self.core);
            let wide = used.tracker.again(index);
            self.core.lend(&mut used.tracker);
            if both_good(&track, &wide) {
                // They were compared as a whole: where one of them lies far off, the region's own stands.
                let _ = used.replace(&mut track, &wide);
            }
        }
        track
    }

    /// Gives the memory of the held frames back.
    pub fn release(&mut self) {
        self.core.release();
    }
}

/// Whether a wider region may tell more than this one.
fn helps(tracker: &Tracker, recording: bool) -> bool {
    tracker.in_band() && (recording || !tracker.carries_over())
}

fn both_good(core: &Track, wide: &Track) -> bool {
    core.fit == Fit::Good && wide.fit == Fit::Good && !core.marks.covered && !wide.marks.covered
}

impl Tracker {
    /// Whether coded pictures are measured in a band of their pixels, at least in part, and it is decided which.
    fn in_band(&self) -> bool {
        let decided =
            matches!(self.coefficients, Coefficients::Other | Coefficients::Refused(_) | Coefficients::Used(_));
        let of_band = decided && self.share_of_coefficients() < 1.0;
        self.coded && self.foretold.is_some() && (of_band || self.carries_over())
    }

    /// One for another rectangle, set as this one, that begins where this one's displacement is `d`. How the pictures are coded it need not find out again.
    fn another(&self, rect: [u32; 4], d: (f64, f64)) -> Self {
        let mut other = Self::new(rect);
        other.set_robust(self.robust);
        other.compensate_flicker(self.flicker);
        if self.held.is_some() {
            other.phase = None;
        }
        let (bank, looks) = (self.bank.of_size(other.w, other.h), self.looks.of(other.w * other.h));
        other.told = self.foretold.map(|f| Box::new(Told { bank, looks, foretold: f.about(d) }));
        other
    }

    /// Takes what another tracker has told for known.
    pub(super) fn believe(&mut self) {
        let Some(told) = &self.told else { return };
        let Told { bank, looks, foretold } = (**told).clone();
        self.bank = bank.with_flicker(self.flicker);
        self.coded = true;
        (self.low, self.bands) = (None, None);
        (self.looks, self.foretold) = (looks, Some(foretold));
        self.coefficients = Coefficients::Other;
    }

    /// Size of the picture that the held frames are of, and how many there are.
    fn held_frames(&self) -> Option<((usize, usize), usize)> {
        self.held.as_ref().map(|held| (held.picture(), held.count()))
    }

    /// The next frame is the first one again.
    fn rewind(&mut self) {
        self.path.reset();
        self.stale.forget();
        self.newest.forget();
        self.lost = 0;
        if let Some(foretold) = &mut self.foretold {
            foretold.miss();
        }
    }

    /// Lets this one have the held frames of another.
    fn lend(&mut self, of: &mut Self) {
        self.held = of.held.take();
    }
}

/// The wider rectangle of a region in a picture of this size; none where there is no room on most sides, or it would be too large.
fn wider([x, y, w, h]: [u32; 4], (width, height): (usize, usize)) -> Option<[u32; 4]> {
    let (left, above) = (x.saturating_sub(AROUND_PX), y.saturating_sub(AROUND_PX));
    let right = x.saturating_add(w).saturating_add(AROUND_PX).min(u32::try_from(width).ok()?);
    let below = y.saturating_add(h).saturating_add(AROUND_PX).min(u32::try_from(height).ok()?);
    let (wide, high) = (right.checked_sub(left)?, below.checked_sub(above)?);
    let pixels = wide as usize * high as usize;
    (pixels <= LARGEST_FOLDED && 4 * pixels > 5 * (w as usize * h as usize)).then_some([left, above, wide, high])
}

/// How far the wider region's displacements lie from the region's, and the mean square of what is left of that along one axis, if it is to be used:
/// it has less noise, and sees the same motion, of which there is enough to tell.
fn believed(frames: &[(u32, Seen)]) -> Option<([f64; 2], f64)> {
    let kept = quietest(frames, 2, 0.0, |way| 1 - way)?;
    let n = frames.len() as f64;
    let off = |axis: usize| frames.iter().map(|(_, d)| d[1][axis] - d[0][axis]).sum::<f64>() / n;
    let apart = [off(0), off(1)];
    let squares = |of: &dyn Fn(&Seen, usize) -> f64| {
        frames.iter().map(|(_, d)| f64::midpoint(of(d, 0).powi(2), of(d, 1).powi(2))).sum::<f64>() / n
    };
    let left = squares(&|d, axis| d[1][axis] - d[0][axis] - apart[axis]);
    let middle = [0, 1].map(|axis| frames.iter().map(|(_, d)| d[0][axis]).sum::<f64>() / n);
    let motion = squares(&|d, axis| d[0][axis] - middle[axis]);
    let quieter = kept.way == 1 && kept.noise[1] < (1.0 - SAVED).powi(2) * kept.noise[0];
    // What both see of the motion is known no better than what lies between them lets it be.
    let chance = CHANCE * (left / (n * motion.max(f64::MIN_POSITIVE))).sqrt();
    let alike = (kept.motion[1] - kept.motion[0]).abs() < AGREED.hypot(chance) * kept.motion[0].abs();
    (quieter && alike && motion > MOVING * MOVING * left).then_some((apart, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A swing seen by the region and by the wider one, with so much noise each, of which the wider one sees such a share.
    fn frames(share: f64, noise_px: [f64; 2], swing_px: f64) -> Vec<(u32, Seen)> {
        let mut state = 7u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f64 / f64::from(1u32 << 24) - 0.5) * 12f64.sqrt()
        };
        (0..160u32)
            .map(|i| {
                let d = [(0.85 * f64::from(i)).sin(), 0.6 * (0.85 * f64::from(i) + 1.2).sin()].map(|v| swing_px * v);
                let own = d.map(|v| v + noise_px[0] * noise());
                (i, [own, d.map(|v| share * v + 0.3 + noise_px[1] * noise())])
            })
            .collect()
    }

    #[test]
    fn what_moves_along_with_less_noise_is_believed_and_nothing_else() {
        let (apart, left) = believed(&frames(1.0, [0.03, 0.02], 0.5)).unwrap();
        assert!(apart.iter().all(|a| (a - 0.3).abs() < 0.01) && (left.sqrt() - 0.036).abs() < 0.01, "{apart:?} {left}");
        assert!(believed(&frames(0.8, [0.03, 0.02], 0.5)).is_none(), "a wall beside it holds the motion back");
        assert!(believed(&frames(1.0, [0.03, 0.031], 0.5)).is_none(), "nothing is saved");
        assert!(believed(&frames(1.0, [0.03, 0.02], 0.02)).is_none(), "at rest all things move alike");
        assert!(believed(&frames(1.0, [0.03, 0.02], 0.5)[..30]).is_none(), "too few frames");
    }

    #[test]
    fn the_wider_region_stays_in_the_picture() {
        assert_eq!(wider([100, 50, 64, 64], (640, 480)), Some([88, 38, 88, 88]));
        assert_eq!(wider([4, 410, 64, 64], (640, 480)), Some([0, 398, 80, 82]));
        assert_eq!(wider([0, 0, 640, 480], (640, 480)), None);
        assert_eq!(wider([10, 10, 150, 150], (640, 480)), None, "too large");
        assert_eq!(wider([700, 10, 64, 64], (640, 480)), None, "outside");
    }

    #[test]
    fn what_no_longer_moves_along_is_dropped() {
        let mut used = Used::new(Tracker::new([0, 0, 16, 16]), [0.3, 0.0], 0.001);
        let at = |x: f64| Track { dx_px: x, sigma_px: 0.1, ..Track::default() };
        for i in 0..500 {
            let d = 0.5 * (0.85 * f64::from(i)).sin();
            let (mut track, wide) = (at(d + 0.02), at(d + 0.3));
            assert!(used.replace(&mut track, &wide));
            assert!((track.dx_px - d).abs() < 0.03, "{}", track.dx_px);
        }
        // The wall that it is before stands still, the machine now swings.
        let held = (0..500).take_while(|i| {
            let d = 0.5 * (0.85 * f64::from(*i)).sin();
            used.replace(&mut at(d), &at(0.8 * d + 0.3))
        });
        assert!(held.count() < 250);
    }
}
