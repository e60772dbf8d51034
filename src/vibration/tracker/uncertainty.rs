//! How far a displacement may be off: what patches, codec, reference and things that stand still make of it.

use std::f64::consts::PI;

use super::{Fitted, Tracker, larger};

/// A displacement under uneven light that is less certain than this, and so many times less than usual, is unusable.
const UNUSABLE_PX: f64 = 0.04;
const UNUSABLE_TIMES: f64 = 6.0;
/// How much less certain a displacement is than the patches say, in pictures of a codec: what it does wrong it does partly everywhere
/// alike. On recordings of known motion at 2 to 8 Mbit/s the error is 1.4 to 3.5 times the patches' spread.
const CODED_SHARE: f64 = 2.0;
/// The same of pictures that are coded each for itself: on such recordings the error is 0.4 to 0.7 times what [`CODED_SHARE`] would make of it.
const SINGLE_SHARE: f64 = 1.1;
/// And how much of what cannot be foretold is noise: the prediction adds some of its own.
const FORETOLD_SHARE: f64 = 0.9;
/// How much less certain the displacement by the coefficients of JPEG is than their likelihood says: the reference has its share of it. And how much of
/// what cannot be foretold is noise at least, in case that what they take for granted does not hold.
const TOLD_SHARE: f64 = 1.1;
const LEAST_SHARE: f64 = 0.3;
/// What inter-frame coding leaves at best, in pixels. Motion is coded in quarters of a pixel, an error of 0.25/√12 = 0.07 px; what is
/// spent on the rest brings it to 0.015 to 0.04 px on recordings of known motion, however small the motion.
const CODED_FLOOR_PX: f64 = 0.022;
/// Largest error of a motion vector's quarter of a pixel with nothing spent on the rest, 0.25/√12: what cannot be foretold is taken for a coder's up to
/// here, or up to so many times what the patches make of it, and for the target's own beyond.
const QUARTER_PX: f64 = 0.072;
const CODED_TIMES: f64 = 2.0;
/// Which share of a residual goes with the motion where something stands still: with meshes 0.4 to 0.8, with coding of each picture for itself 0.03 to 0.33.
const STANDING_OF_RESIDUAL: f64 = 0.45;
/// By how many times the share of a region that stands still the displacement may be held back: on pictures made with such things 0.1 to 2.7 times.
pub const HELD_BACK_TIMES: f64 = 2.0;
/// Up to which share the error that follows the sub-pixel phase is what it does, and taken off where that is learned.
const MENDED: f64 = 0.05;
/// In pictures that are coded each for itself, how uncertain the size of a motion is, relative and one sigma, by the share of the structure that a residual
/// goes with it like. Coarse steps take it along with what they leave of the picture: in a band of the pixels motion is told 0 to 1.1 times the share too
/// small, and by the coefficients of JPEG 0 to 0.25 times its square too large, but no more than 4 % (`ffmpeg`'s qualities 6 to 31 and `x264` with key frames only, crf 28 and 36).
const SIZE_IN_BAND: f64 = 0.5;
const SIZE_OF_BOTH: f64 = 0.25;
const SIZE_TOLD: f64 = 0.18;
const SIZE_MOST: f64 = 0.04;
/// What a reference whose slopes are as much noise as texture keeps from a displacement, in pixels.
const HELD_BACK_PX: f64 = 0.4;

impl Tracker {
    /// The uncertainty that a picture's own noise makes, in pixels: the patches tell `patches_px`, the coefficients of JPEG theirs, and what is
    /// carried over may lag behind by `lag_px`.
    pub(super) fn picture_sigma_px(&self, patches_px: f64, by_coefficients: Option<f64>, lag_px: f64) -> f64 {
        if let Some(px) = by_coefficients {
            // What the band has a part in is as noisy as what cannot be foretold.
            let least = if self.share_of_coefficients() < 1.0 { FORETOLD_SHARE } else { LEAST_SHARE };
            return self.foretold.map_or(px, |f| (TOLD_SHARE * px).max(least * f.sigma_px()));
        }
        if self.coded { self.coded_sigma_px(patches_px).hypot(lag_px) } else { patches_px }
    }

    /// What the reference's own noise may do, in pixels; `variance` is that of a pixel. It has slopes too (π²/3 of its variance, against the region's
    /// own), and they hold the fit where it began.
    pub(super) fn reference_sigma_px(&self, f: &Fitted, variance: f64) -> f64 {
        let own = 1.0 / f64::from(self.reference.frames().max(1));
        let held_back = PI * PI / 3.0 * variance * own * larger(f.covariance) * f.gain * f.gain * f.pixels;
        HELD_BACK_PX * held_back.min(1.0)
    }

    /// What the share of the region that stands still may do to a displacement, in pixels, where it is not taken off.
    pub(super) fn still_sigma_px(&self, still: f64, f: &Fitted) -> f64 {
        if self.coded {
            return self.size_sigma() * self.standing.away_px(f.d);
        }
        if self.phase.is_some() && still <= MENDED { 0.0 } else { still * self.standing.away_px(f.d) }
    }

    /// The relative one-sigma uncertainty of how large a motion is told.
    pub(super) fn size_sigma(&self) -> f64 {
        if !self.coded || self.carries_over() {
            return 0.0;
        }
        let share = self.standing.found().share.min(1.0);
        match self.share_of_coefficients() {
            theirs if theirs <= 0.0 => SIZE_IN_BAND * share,
            theirs if theirs < 1.0 => SIZE_OF_BOTH * share,
            _ => (SIZE_TOLD * share * share).min(SIZE_MOST),
        }
    }

    /// Share of the region's structure that stands still. What coding of each picture for itself leaves goes with the motion too, but not most of it, and
    /// holds nothing back.
    pub(super) fn held_back(&self) -> f64 {
        let found = self.standing.found();
        let coder = self.coded && !self.carries_over() && (self.is_jpeg() || found.of_residual < STANDING_OF_RESIDUAL);
        if coder { 0.0 } else { found.share.max(self.held_back) }
    }

    /// Whether a picture is coded by what it changes of the one before.
    pub(super) fn carries_over(&self) -> bool {
        self.looks.carries_over() && !self.is_jpeg()
    }

    /// The uncertainty of a coded picture's displacement, of which the patches tell `patches_px`.
    pub(super) fn coded_sigma_px(&self, patches_px: f64) -> f64 {
        let careful = (CODED_SHARE * patches_px).hypot(CODED_FLOOR_PX);
        // What is carried over is alike from frame to frame and from patch to patch, and neither tells of it. But what is new in each frame is told by both
        // together: H.265 gives a whole region one motion vector, so its patches agree on what is wrong.
        if self.carries_over() {
            let most = QUARTER_PX.max(CODED_TIMES * careful);
            return self.foretold.map_or(careful, |f| careful.max(f.noise_px().min(most)));
        }
        self.foretold.map_or(careful, |f| careful.min((SINGLE_SHARE * patches_px).max(FORETOLD_SHARE * f.sigma_px())))
    }

    /// From which uncertainty on a covered target's displacement is unusable, in pixels.
    pub(super) fn unusable_px(&self) -> f64 {
        (UNUSABLE_TIMES * self.plain_sigma_px).clamp(UNUSABLE_PX, 2.0 * UNUSABLE_PX)
    }
}
