//! Displacement of one region, frame by frame: prediction, fit, judgment, search, and the care of the reference.
//!
//! The fit is that of Lucas and Kanade with gain and offset (Baker & Matthews, "Lucas-Kanade 20 Years On", IJCV 56(3), 2004), as a
//! maximum-likelihood fit against a reference whose noise is averaged away; see [`super::bank`] for how it is solved.

mod band;
mod coefficients;
mod foretold;
mod judge;
mod keep;
mod learn;
mod looks;
mod phase;
mod quietest;
mod repeats;
mod search;
mod standing;
mod track;
mod uncertainty;
mod usual;
mod widened;

use pulp::Arch;

use super::bank::{Bank, Fitted};
use super::dots;
use super::held::Held;
use super::light::Light;
use super::luma::Luma;
use super::patches::Field;
use super::predict::Predictor;
use super::reference::{LARGEST_FOLDED, Reference};
use super::stale::Stale;
use super::together::Together;
use crate::model::vibration::{Bend, Fit, Marks};
use band::Bands;
use coefficients::Coefficients;
use foretold::Foretold;
use judge::smear;
use keep::{PLAIN_FRAMES, WHOLE_FRAMES};
use looks::Looks;
use phase::PhaseError;
use repeats::Newest;
use standing::Standing;
pub use track::Track;
pub(super) use uncertainty::HELD_BACK_TIMES;
use usual::Usual;
use widened::Told;
pub use widened::Widened;

/// Passes over one frame; one to three are usual.
const PASSES: usize = 12;
/// Correlation below which the target counts as lost.
const LOST_BELOW: f64 = 0.6;
/// An uncertainty above this is no measurement, in pixels.
const LOST_ABOVE_PX: f64 = 0.5;
/// A lost target is searched for once in so many frames.
const SEARCH_EVERY: u32 = 5;
/// Frames in a row with the target lost after which the reference is given up and built anew; or with it covered, after which that is
/// taken for its new look.
const FORGET_AFTER: u32 = 250;
/// Structure (inverse variance of the displacement at a noise of one grey level, by the number of pixels) below which a region holds
/// nothing to measure against, in grey levels squared per pixel squared.
const MIN_STRUCTURE: f64 = 0.05;
/// How far the residual may lie above what is usual before the frame counts as partly covered.
const COVERED: f64 = 1.25;
/// The same for pictures of a codec, whose residual changes from frame to frame with what the coder spends on it.
const COVERED_CODED: f64 = 6.0;
/// Of such a frame's residual uneven light leaves so much or more where nothing is in front: the coder spent little on it, as on a key frame. (Of
/// steam it leaves a twentieth, up to a half where there is hardly any.) Beyond so many times what is usual something is in front all the same.
const COARSE_LEFT: f64 = 0.7;
const COARSE_TIMES: f64 = 30.0;
/// The frames after it are as coarse at most, but for chance.
const COARSE_STAYS: f64 = 1.2;
/// The patches pull so many times more apart than noise makes them: haze, or more than one body in the region.
const HAZY: f64 = 4.0;
/// Gains against the reference that are usual light.
const RELIT: std::ops::Range<f64> = 0.6..1.7;
/// How much less certain a displacement under uneven light is than its places say: the light has structure finer than the window.
const UNEVEN_SHARE: f64 = 1.3;
/// Variance of a pixel from which on no two pictures of a camera are the same, in grey levels squared: rounding alone makes 1/12.
const NOISY: f64 = 0.2;
/// Share of the looks that may have seen a coder's residual where there is none.
const FEW_SMEARED: f64 = 0.3;
/// Regions up to this size are fitted under uneven light as well.
const LARGEST_LIT: usize = 256 * 256;

/// Tracks one rectangle. All memory is taken when it is made, but for what a basis keeps when it is first needed.
#[derive(Clone, Debug)]
pub struct Tracker {
    arch: Arch,
    /// Where the region lies in the picture, and where it lies in the frames that are given.
    home: (i64, i64),
    corner: (i64, i64),
    w: usize,
    h: usize,
    reference: Reference,
    bank: Bank,
    /// Fits that folded detail does not bias: live, and while held frames are learned from.
    low: Option<Box<Bank>>,
    /// In coded pictures, until it is decided which band is compared in.
    bands: Option<Box<Bands>>,
    /// What another tracker of the same picture has told of how it is coded.
    told: Option<Box<Told>>,
    /// And from then on how its displacements are foretold.
    foretold: Option<Foretold>,
    /// And whether what a JPEG picture's coefficients lay between tells more.
    coefficients: Coefficients,
    /// Live: the error that follows the sub-pixel phase.
    phase: Option<Box<PhaseError>>,
    light: Option<Light>,
    held: Option<Held>,
    begun: bool,
    textured: bool,
    path: Predictor,
    /// Whether patches that disagree are combined so that none misleads.
    robust: bool,
    together: Together,
    /// In pictures of a codec: what is new of each frame.
    stale: Stale,
    /// What is usual of a residual's variance per pixel.
    usual: Usual,
    /// How many times more uncertain the patches are than independent noise would make them.
    shared: f64,
    /// Variance of a pixel as the patches tell it beyond a linear field: the mean of some frames.
    apart: f64,
    looks: Looks,
    /// What the frame before was.
    newest: Newest,
    /// Whether something stands still while the rest moves; and what held frames told of that.
    standing: Standing,
    held_back: f64,
    /// While held frames are gone through, nothing is decided before the end.
    learning: bool,
    saturated: bool,
    coded: bool,
    /// Whether changes of the light are fitted along.
    flicker: bool,
    /// What is usual of a displacement's uncertainty with nothing in front, in pixels.
    plain_sigma_px: f64,
    /// Variance of the newest plain fit's residual, and of the newest fit's under uneven light.
    variance: f64,
    left: f64,
    /// After a coarsely coded frame: up to which variance the next ones are taken for the same; else 0.
    coarse: f64,
    seen: u32,
    lost: u32,
    covered_run: u32,
    batches: u32,
    residual: Vec<f32>,
    /// The model and its slopes, where the residual is looked at.
    model: [Vec<f32>; 3],
}

impl Tracker {
    /// For the rectangle x, y, width, height in pixels; each side at least 8.
    #[must_use]
    pub fn new([x, y, w, h]: [u32; 4]) -> Self {
        let (w, h) = (w.max(8) as usize, h.max(8) as usize);
        let live = w * h <= LARGEST_FOLDED;
        Self {
            arch: Arch::new(),
            home: (i64::from(x), i64::from(y)),
            corner: (i64::from(x), i64::from(y)),
            w,
            h,
            reference: Reference::new(w, h),
            bank: Bank::new(w, h),
            low: live.then(|| Box::new(Bank::low_band(w, h))),
            bands: None,
            told: None,
            foretold: None,
            coefficients: Coefficients::default(),
            phase: live.then(Box::default),
            light: (w * h <= LARGEST_LIT).then(|| Light::new(w, h)),
            held: None,
            begun: false,
            textured: false,
            path: Predictor::default(),
            robust: true,
            together: Together::new(dots::patches(w, h)),
            stale: Stale::new(w, h),
            usual: Usual::default(),
            shared: 1.0,
            apart: 0.0,
            looks: Looks::new(w * h),
            newest: Newest::new(w, h),
            standing: Standing::new(if live { w * h } else { 0 }),
            held_back: 0.0,
            learning: false,
            saturated: false,
            coded: false,
            flicker: true,
            residual: vec![0.0; w * h],
            model: std::array::from_fn(|_| vec![0.0; w * h]),
            plain_sigma_px: 0.0,
            variance: 0.0,
            left: 0.0,
            coarse: 0.0,
            seen: 0,
            lost: 0,
            covered_run: 0,
            batches: 0,
        }
    }

    /// Forgets the reference: the next frame begins a new one.
    pub fn reset(&mut self) {
        self.begun = false;
        self.textured = false;
        self.path.reset();
        self.stale.forget();
        if let Some(phase) = &mut self.phase {
            **phase = PhaseError::default();
        }
        self.usual.forget();
        self.newest.forget();
        self.together.reset();
        self.bank.leave_out(self.together.out());
        self.shared = 1.0;
        self.looks.forget();
        self.standing.forget();
        self.held_back = 0.0;
        if self.coded {
            self.coded = false;
            self.take_bank();
        }
        self.seen = 0;
        self.lost = 0;
        self.covered_run = 0;
    }

    /// Whether patches that disagree (haze, something in front of a corner) are combined so that none misleads; as it is from the beginning.
    pub fn set_robust(&mut self, on: bool) {
        if self.robust != on {
            self.robust = on;
            self.forget_patches();
        }
    }

    fn forget_patches(&mut self) {
        self.together.reset();
        self.bank.leave_out(self.together.out());
        self.usual.forget();
    }

    /// Combines the patches where they disagree; gives the uncertainty of that in pixels.
    fn combine(&mut self, f: &mut Fitted, variance: f64) -> Option<f64> {
        // A codec errs differently from block to block, and not as haze does: what its residual says of a patch is no measure of its worth.
        if !self.robust || f.one_direction || self.reference.frames() < 16 || self.coded || self.looks.smeared() > 0.3 {
            return None;
        }
        let before = self.together.share_out();
        let combined = self.together.take(self.bank.parts(), f, variance);
        self.bank.leave_out(self.together.out());
        if (self.together.share_out() - before).abs() > 1e-9 {
            // Other pixels, another residual.
            self.usual.forget();
        }
        let combined = combined?;
        f.d = combined.d;
        Some(combined.sigma_px)
    }

    /// Whether changes of the light are fitted along; where they are not, they move the displacement.
    pub fn compensate_flicker(&mut self, on: bool) {
        self.flicker = on;
        self.bank.flicker = on;
        if let Some(low) = &mut self.low {
            low.flicker = on;
        }
    }

    /// Whether the reference holds something to measure against.
    #[must_use]
    pub fn textured(&self) -> bool {
        self.textured
    }

    /// Measures the next frame, and learns from it.
    pub fn step(&mut self, luma: &Luma<'_>) -> Track {
        if !self.begun {
            return self.begin(luma);
        }
        let (mut track, light) = self.measure(luma);
        if track.fit == Fit::Lost {
            return track;
        }
        if let Some(f) = light {
            self.learn(luma, &f);
        }
        if self.reference.frames() < PLAIN_FRAMES {
            track.fit = Fit::Settling;
        }
        track
    }

    fn begin(&mut self, luma: &Luma<'_>) -> Track {
        self.reset();
        self.believe();
        self.reference.begin(luma, self.corner.0, self.corner.1);
        self.bank.clear();
        let corner = self.corner;
        let Some(f) = self.bank.fit(self.arch, &mut self.reference, luma, corner, (0.0, 0.0), 0.0) else {
            // Nothing to hold on to: try again with the next frame, the picture may be just coming up.
            return Track::textureless();
        };
        self.textured = 1.0 / (larger(f.covariance) * (self.w * self.h) as f64) > MIN_STRUCTURE;
        if !self.textured {
            return Track::textureless();
        }
        self.begun = true;
        let marks = Marks { one_direction: f.one_direction, ..Marks::default() };
        Track { correlation: 1.0, fit: Fit::Settling, marks, gain: 1.0, ..Track::default() }
    }

    /// Displacement of one frame; the plain fit comes along where it may be learned from.
    fn measure(&mut self, luma: &Luma<'_>) -> (Track, Option<Fitted>) {
        if self.newest.repeats(luma, self.corner) && self.noisy() {
            // The target has moved on meanwhile.
            self.seen = self.seen.wrapping_add(1);
            self.path.miss();
            return (Track::unseen(Marks { repeated: true, ..Marks::default() }), None);
        }
        let measured = self.measure_frame(luma);
        if self.coded {
            self.stale.keep(luma, self.corner);
        }
        measured
    }

    /// Whether every new picture differs by a camera's noise; a coder's may not.
    fn noisy(&self) -> bool {
        let camera = !self.coded && self.looks.enough() && self.looks.smeared() < FEW_SMEARED;
        camera && self.usual.variance().is_some_and(|v| v > NOISY)
    }

    /// The displacement by what is new of a coded frame, and what it may lag behind by, in pixels.
    fn hold_to_new(&mut self, luma: &Luma<'_>, f: &mut Fitted, variance: f64) -> f64 {
        if !self.coded || f.one_direction {
            return 0.0;
        }
        let (at, _) = self.place(f.d);
        // Held frames are pieces of pictures.
        let off = (self.home.0 - self.corner.0, self.home.1 - self.corner.1);
        let share = self.stale.look(luma, at, (self.w, self.h), off);
        let mut lag_px = 0.0;
        if share > 0.0
            && let Some(fresh) = self.stale.weigh(self.bank.parts(), f, variance * self.shared.max(1.0))
        {
            f.d = fresh.d;
            lag_px = fresh.lag_px;
        }
        let noise = variance.max(1e-3) * self.shared.max(1.0) * f64::midpoint(f.covariance[0], f.covariance[2]);
        self.stale.moved(f.d, share, noise);
        lag_px
    }

    fn measure_frame(&mut self, luma: &Luma<'_>) -> (Track, Option<Fitted>) {
        self.seen = self.seen.wrapping_add(1);
        let (ahead, here) = (self.path.next(), self.path.now());
        let mut best = self.solve(luma, ahead);
        if best.is_none_or(|f| correlation(&f) < 0.9) && (ahead.0 - here.0).hypot(ahead.1 - here.1) > 0.4 {
            best = better(best, self.solve(luma, here));
        }
        let mut unusable = false;
        if best.is_none_or(|f| correlation(&f) < LOST_BELOW) && self.textured {
            // Covered, or somewhere else. What is covered is looked for where it was.
            // Both cost much: what stays lost is looked for now and then.
            let now = self.lost < SEARCH_EVERY || self.lost.is_multiple_of(SEARCH_EVERY);
            if now
                && !self.learning
                && let Some(t) = self.uneven(luma, here, self.may_be_coding(f64::INFINITY))
            {
                if t.fit != Fit::Lost {
                    return (self.took(t), None);
                }
                unusable = true;
            }
            if now {
                let start = self.search(luma);
                best = better(best, self.solve(luma, start));
            }
        }
        let Some(mut f) = best.filter(|f| correlation(f) >= LOST_BELOW) else {
            let marks = Marks { covered: unusable, ..Marks::default() };
            return (Track { marks, ..self.missed() }, None);
        };
        let n = f.pixels;
        let variance = f.residual / (n - 4.0);
        self.variance = variance;
        let (times, above) = if self.coded { (COVERED_CODED, 6.0) } else { (COVERED, 0.3) };
        let unusual =
            self.reference.frames() >= 16 && self.usual.limit(times, above).is_some_and(|limit| variance > limit);
        if !unusual || variance > self.coarse {
            self.coarse = 0.0;
        }
        let mut covered = unusual && self.coarse == 0.0;
        self.covered_run = if covered { self.covered_run + 1 } else { 0 };
        if self.covered_run > FORGET_AFTER {
            // This is how the target looks now.
            self.usual.forget();
            self.covered_run = 0;
        }
        // While held frames are gone through, covered ones are left out, but for a look at what they are covered with.
        if covered
            && (!self.learning || self.seen % 8 == 1)
            && let Some(t) = self.uneven(luma, f.d, self.may_be_coding(variance))
        {
            let ordinary = self.usual.variance().is_some_and(|usual| variance < COARSE_TIMES * usual);
            if !(self.coded && ordinary && self.left > COARSE_LEFT * variance) {
                return (
                    if t.fit == Fit::Lost { Track { marks: t.marks, ..self.missed() } } else { self.took(t) },
                    None,
                );
            }
            // It costs as much as a hundred plain fits, so the frames that follow are not asked.
            self.coarse = COARSE_STAYS * variance;
            covered = false;
        }
        if !covered && Looks::due(self.seen) {
            self.look_at_residual(luma, &f);
        }
        let own = 1.0 / f64::from(self.reference.frames().max(1));
        if !covered && f.spread[0].is_finite() && self.reference.frames() >= 4 {
            // Sixteen patches tell little in one frame: the mean of some counts.
            let white = variance.max(1e-3) * (f.covariance[0] + f.covariance[2]);
            let now = ((f.spread[0] + f.spread[2]) / white).clamp(0.5, 1e3);
            self.shared += 0.1 * (now - self.shared);
        }
        self.apart += (f.apart - self.apart) * if self.apart > 0.0 { 0.1 } else { 1.0 };
        let plain = f;
        let combined = if covered { None } else { self.combine(&mut f, variance) };
        let lag_px = if covered { 0.0 } else { self.hold_to_new(luma, &mut f, variance) };
        if !covered {
            // The last to use the bank: from here on it may be another one.
            self.compare_bands(luma, &plain);
        }
        let plain_px = (variance.max(1e-3) * self.shared.max(1.0) * larger(f.covariance)).sqrt();
        let by_coefficients = if covered { None } else { self.by_coefficients(luma, &mut f) };
        let patches_px = combined.unwrap_or(plain_px) * (1.0 + own).sqrt();
        let mut sigma_px = self.picture_sigma_px(patches_px, by_coefficients, lag_px);
        if !(sigma_px < if covered && !self.coded { self.unusable_px() } else { LOST_ABOVE_PX }) {
            let marks = Marks { covered, ..Marks::default() };
            return (Track { marks, ..self.missed() }, None);
        }
        if !covered {
            self.plain_sigma_px += 0.05 * (sigma_px - self.plain_sigma_px);
        }
        let (error, unsure_px) = if covered { Default::default() } else { self.phase_error(luma, &f) };
        let still = self.held_back();
        sigma_px = sigma_px
            .hypot(self.reference_sigma_px(&f, variance))
            .hypot(unsure_px)
            .hypot(self.still_sigma_px(still, &f));
        let track = Track {
            dx_px: f.d.0 - error[0],
            dy_px: f.d.1 - error[1],
            sigma_px,
            correlation: correlation(&f),
            fit: Fit::Good,
            gain: f.gain as f32,
            shake_px: None,
            marks: Marks {
                covered,
                coded: self.coded && self.carries_over(),
                one_direction: f.one_direction,
                textureless: false,
                hazy: !self.coded && self.shared > HAZY,
                relit: !RELIT.contains(&f.gain),
                saturated: self.saturated,
                ..Marks::default()
            },
            bend: Bend { seen_px: [f.d.0 as f32, f.d.1 as f32], ..bend(&f.field, self.apart.max(1e-3)) },
            left_out: self.together.share_out() as f32,
            held_back: still as f32,
            size_sigma: self.size_sigma() as f32,
        };
        if !(covered && self.learning) {
            self.usual.take(variance);
        }
        (self.took(track), (!covered && self.coarse == 0.0).then_some(f))
    }

    fn took(&mut self, track: Track) -> Track {
        self.lost = 0;
        if let Some(foretold) = &mut self.foretold {
            foretold.take((track.dx_px, track.dy_px));
        }
        self.path.take((track.dx_px, track.dy_px));
        track
    }

    fn missed(&mut self) -> Track {
        self.lost += 1;
        if let Some(foretold) = &mut self.foretold {
            foretold.miss();
        }
        self.path.miss();
        // While held frames are gone through, what is lost in one pass may be found in the next.
        if self.lost >= FORGET_AFTER && !self.learning {
            self.reset();
        }
        Track::lost()
    }

    /// The plain fit from `start`: from phase to phase until the rest is within a phase's reach.
    fn solve(&mut self, luma: &Luma<'_>, start: (f64, f64)) -> Option<Fitted> {
        let noise = self.usual.variance().unwrap_or(0.0);
        let mut d = start;
        for _ in 0..PASSES {
            let f = self.bank.fit(self.arch, &mut self.reference, luma, self.corner, d, noise)?;
            if f.settled {
                return f.d.0.is_finite().then_some(f);
            }
            // Farther than a pixel the linear model does not reach: go there in parts.
            let limit = |to: f64, from: f64| from + (to - from).clamp(-1.0, 1.0);
            d = (limit(f.d.0, d.0), limit(f.d.1, d.1));
            if !((d.0 - start.0).hypot(d.1 - start.1) < 8.0) {
                return None;
            }
        }
        None
    }

    /// The fit under uneven light from `start`; `judged` if its residual may tell of coding.
    fn uneven(&mut self, luma: &Luma<'_>, start: (f64, f64), judged: bool) -> Option<Track> {
        let noise = self.usual.variance()?.max(0.05);
        let light = self.light.as_mut().filter(|_| self.flicker)?;
        let f = light.fit(self.arch, &mut self.reference, luma, self.corner, start, noise)?;
        self.left = light.left_variance();
        if judged && self.seen % 8 == 1 {
            let left = smear(light.left(), self.w);
            self.looks.take_alone(left, self.variance);
            self.judge();
        }
        let sigma_px = UNEVEN_SHARE * f.sigma_px;
        let coded = self.coded && self.carries_over();
        let marks = Marks { covered: true, coded, saturated: self.saturated, ..Marks::default() };
        if !(sigma_px < self.unusable_px()) || f.visible < 0.1 {
            // So little is seen that no displacement would be worth its name.
            return Some(Track { marks, ..Track::lost() });
        }
        let correlation = f.visible.clamp(0.0, 1.0);
        Some(Track {
            dx_px: f.d.0,
            dy_px: f.d.1,
            sigma_px,
            correlation,
            fit: Fit::Good,
            marks,
            gain: 1.0,
            held_back: self.held_back() as f32,
            ..Track::default()
        })
    }

    /// Where a frame's region lies by its displacement, and the rest of that.
    fn place(&self, d: (f64, f64)) -> ((i64, i64), (f64, f64)) {
        let whole = ((d.0 + 0.5).floor(), (d.1 + 0.5).floor());
        ((self.corner.0 + whole.0 as i64, self.corner.1 + whole.1 as i64), (d.0 - whole.0, d.1 - whole.1))
    }
}

/// Turn and bend by the linear field; `variance` is that of a pixel.
fn bend(field: &Field, variance: f64) -> Bend {
    let [turn, x, y] = field.variances.map(|v| (variance * v).sqrt() as f32);
    let down = field.down().map(|s| s as f32);
    Bend { turn_rad: field.turn_rad() as f32, turn_sigma_rad: turn, down, down_sigma: x.max(y), ..Bend::default() }
}

/// Correlation coefficient of a fit.
fn correlation(f: &Fitted) -> f64 {
    (1.0 - f.residual / f.total.max(f64::MIN_POSITIVE)).max(0.0).sqrt()
}

fn better(a: Option<Fitted>, b: Option<Fitted>) -> Option<Fitted> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.residual < a.residual { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// Larger eigenvalue of a symmetric 2×2 matrix given as xx, xy, yy.
fn larger([xx, xy, yy]: [f64; 3]) -> f64 {
    f64::midpoint(xx, yy) + ((xx - yy) / 2.0).hypot(xy)
}

#[cfg(test)]
mod tests;
