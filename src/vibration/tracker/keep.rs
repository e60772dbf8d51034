//! The care of the reference: which good frames go into it, and what is made anew when it has changed.

use super::Tracker;
use crate::vibration::bank::Fitted;
use crate::vibration::luma::Luma;

/// Frames of the first, plain reference; the next ones make it whole (see [`Reference::renew`]).
pub(super) const PLAIN_FRAMES: u32 = 64;
/// Frames of the whole reference.
pub(super) const WHOLE_FRAMES: u32 = 256;
/// Of these, one good frame in so many.
const GROW_EVERY: u32 = 4;
/// Afterwards one good frame in so many goes into the reference, a batch at a time, so that it follows slow changes of
/// paint and light over some minutes.
const KEEP_EVERY: u32 = 32;
/// Frames of such a batch.
const KEEP_BATCH: u32 = 64;
/// The low frequencies' tables are made anew once in so many batches.
const LOW_EVERY: u32 = 8;
/// Frames that the standing reference counts for against a batch.
const KEEP_WEIGHT: f64 = 192.0;
/// Frames of a reference from which on the error that follows the sub-pixel phase is looked for: in so many frames each, then one of so many.
const PHASED_FROM: u32 = 8;
const PHASED_FRAMES: u32 = 256;
const PHASED_EVERY: u32 = 16;

impl Tracker {
    /// Takes a good frame into the reference.
    pub(super) fn learn(&mut self, luma: &Luma<'_>, f: &Fitted) {
        let frames = self.reference.frames();
        let batch = self.reference.batch();
        if frames < PLAIN_FRAMES {
            self.absorb(luma, f);
            // At doublings only: between them the reference would change by little.
            if batch + 1 >= frames {
                self.renew(f64::from(frames));
            }
        } else if frames < WHOLE_FRAMES {
            // Nothing presses any more. Held frames are all taken once it is known where they lie.
            if self.seen.is_multiple_of(GROW_EVERY) {
                self.absorb(luma, f);
                if frames + batch + 1 >= WHOLE_FRAMES {
                    self.renew(f64::from(frames));
                }
            }
        } else if self.seen.is_multiple_of(KEEP_EVERY) {
            self.absorb(luma, f);
            if batch + 1 >= KEEP_BATCH {
                self.renew(KEEP_WEIGHT);
            }
        }
    }

    pub(super) fn renew(&mut self, weight: f64) {
        if let Some(phase) = &mut self.phase {
            phase.forget(weight / (weight + f64::from(self.reference.batch().max(1))));
        }
        self.reference.renew(weight);
        let kept = weight == KEEP_WEIGHT && !self.learning;
        self.batches = if kept { self.batches + 1 } else { 0 };
        if kept && !self.batches.is_multiple_of(LOW_EVERY) {
            // What the low frequencies are compared with may be a little older: where a reference lies is free, and tables cost much.
            self.bank.clear();
            return;
        }
        self.clear();
    }

    /// The error of a live fit that follows the sub-pixel phase, in x and y, and how uncertain it is, in pixels.
    pub(super) fn phase_error(&mut self, luma: &Luma<'_>, f: &Fitted) -> ([f64; 2], f64) {
        let Some(mut phase) = self.phase.take() else { return Default::default() };
        if !self.coded && self.reference.frames() >= PHASED_FROM {
            let due = phase.looks() < f64::from(PHASED_FRAMES) || self.seen.is_multiple_of(PHASED_EVERY);
            if due && let Some(low) = self.low_fit(luma, f) {
                phase.take(f.d, (f.d.0 - low.d.0, f.d.1 - low.d.1));
            }
        }
        let (error, sigma) = if self.coded { Default::default() } else { phase.at(f.d) };
        self.phase = Some(phase);
        (error, sigma[0].max(sigma[1]))
    }

    /// The fit that the low frequencies tell, where they tell it well.
    pub(super) fn low_fit(&mut self, luma: &Luma<'_>, f: &Fitted) -> Option<Fitted> {
        let noise = self.usual.variance().unwrap_or(0.0);
        let low = self.low.as_mut()?;
        low.leave_out(self.together.out());
        let low = low.fit(self.arch, &mut self.reference, luma, self.corner, f.d, noise)?;
        (low.settled && (low.d.0 - f.d.0).hypot(low.d.1 - f.d.1) < 0.1).then_some(low)
    }

    /// The reference has changed.
    pub(super) fn clear(&mut self) {
        self.bank.clear();
        if let Some(low) = &mut self.low {
            low.clear();
        }
        if let Some(bands) = &mut self.bands {
            bands.clear();
        }
    }

    pub(super) fn absorb(&mut self, luma: &Luma<'_>, f: &Fitted) {
        let (at, rest) = self.place(f.d);
        self.reference.absorb(self.arch, luma, at, rest, (f.gain, f.offset));
    }
}
