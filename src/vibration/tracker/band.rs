//! Which band of spatial frequencies a coded picture is compared in.
//!
//! What a codec does wrong lies at other frequencies in each picture: where its blocks are coarse fine detail is lost or stays where it was, where they are
//! not the low frequencies have the most noise. So some frames are compared in several bands, and the one with the least noise is kept. Noise is what
//! cannot be foretold (see [`super::foretold`]): each band's displacements are predicted from those before, alike for all. What is new of the motion
//! itself is the same in each, and does not decide.
//!
//! What a band sees less of the motion than the lowest counts as well: detail that is coded to the same values again holds the displacement back. It
//! is told by how both follow what was foretold, which has no part in the noise of the frame.

use super::foretold::Foretold;
use super::quietest::quietest;
use crate::vibration::bank::{Bank, Fitted};

/// Widths of the low-pass filters, in pixels.
const WIDTHS_PX: [f64; 5] = [0.8, 1.2, 1.7, 2.4, 3.4];
const BANDS: usize = WIDTHS_PX.len();
/// The width until one is chosen: the least bad for all kinds of coding and texture.
pub(super) const FIRST_PX: f64 = WIDTHS_PX[2];
/// Frames that are compared while streaming, and at most.
const ENOUGH: usize = 160;
const MOST: usize = 256;
/// Frames after which it is given up.
const TRIES: u32 = 2000;
/// Passes over a frame in one band, and how far the bands may lie apart, in pixels.
const PASSES: usize = 6;
const FARTHEST_PX: f64 = 1.0;
/// Motion (RMS along an axis, in pixels) in the lowest band below which, where the coder carries over, what is foretold is mostly its own errors, that go on
/// from frame to frame: a recording of 0.05 px at 2 Mbit/s was measured in the lowest band, with a third more error than in the finest.
const CARRIED_PX: f64 = 0.03;
/// One frame's displacements in all bands, in pixels.
type Seen = [[f64; 2]; BANDS];

/// Several bands side by side, for as long as it takes to choose.
#[derive(Clone, Debug)]
pub(super) struct Bands {
    banks: [Bank; BANDS],
    /// Number of the frame, and its displacements. Room for all is taken when it is made.
    frames: Vec<(u32, Seen)>,
    tries: u32,
}

impl Bands {
    /// For regions of `w` by `h` pixels.
    pub(super) fn new(w: usize, h: usize, flicker: bool) -> Self {
        let banks = WIDTHS_PX.map(|width_px| Bank::smoothed(width_px, w, h).with_flicker(flicker));
        Self { banks, frames: Vec::with_capacity(MOST), tries: 0 }
    }

    /// The reference has changed: where it lies is not quite the same any more.
    pub(super) fn clear(&mut self) {
        self.banks.iter_mut().for_each(Bank::clear);
        self.frames.clear();
    }

    /// Takes frame `number`, displaced by about `d`; `fit` fits by a bank near a displacement. While streaming no frame makes more than one basis.
    pub(super) fn take(
        &mut self,
        number: u32,
        d: (f64, f64),
        streaming: bool,
        mut fit: impl FnMut(&mut Bank, (f64, f64)) -> Option<Fitted>,
    ) {
        self.tries += 1;
        if self.frames.len() == MOST {
            return;
        }
        let mut seen = Seen::default();
        for (to, bank) in seen.iter_mut().zip(&mut self.banks) {
            let Some(d) = settle(bank, d, streaming, &mut fit) else { return };
            *to = d;
        }
        self.frames.push((number, seen));
    }

    /// Whether enough frames were compared, or it takes too long.
    pub(super) fn enough(&self) -> bool {
        self.frames.len() >= ENOUGH || self.tries > TRIES
    }

    /// Whether no frame was compared.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The band with the least noise, what it misses of the motion included; none where too little was seen. And how its
    /// displacements are foretold. Whether the coder carries over from frame to frame has to be known.
    pub(super) fn choose(self, carries_over: bool) -> Option<(Bank, Foretold)> {
        let (index, foretold) = choose(&self.frames, carries_over)?;
        Some((self.banks.into_iter().nth(index)?, foretold))
    }
}

/// The displacement by a bank, from phase to phase; none where it leads away or, while streaming, where a basis had to be made for it.
fn settle(
    bank: &mut Bank,
    from: (f64, f64),
    streaming: bool,
    fit: &mut impl FnMut(&mut Bank, (f64, f64)) -> Option<Fitted>,
) -> Option<[f64; 2]> {
    let mut at = from;
    for _ in 0..PASSES {
        let made = bank.is_made(at);
        let f = fit(bank, at)?;
        if (streaming && !made) || !((f.d.0 - from.0).hypot(f.d.1 - from.1) < FARTHEST_PX) {
            return None;
        }
        if f.settled {
            return Some([f.d.0, f.d.1]);
        }
        at = f.d;
    }
    None
}

fn choose(frames: &[(u32, Seen)], carries_over: bool) -> Option<(usize, Foretold)> {
    // The lowest band is not part of the common path: its noise may be much larger. But it sees all of the motion.
    let least_px = if carries_over { CARRIED_PX } else { 0.0 };
    quietest(frames, BANDS - 1, least_px, |_| BANDS - 1).map(|kept| (kept.way, kept.foretold))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of a swing, of which each band sees its share and adds its noise.
    fn frames(swing_px: f64, share: [f64; BANDS], noise_px: [f64; BANDS]) -> Vec<(u32, Seen)> {
        let mut state = 1u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1u32 << 24) * 2.0 - 1.0
        };
        (0..200u32)
            .map(|i| {
                let d = swing_px * (f64::from(i) * 0.85).sin();
                (i, std::array::from_fn(|b| [share[b] * d + noise_px[b] * noise() + 1.0, noise_px[b] * noise()]))
            })
            .collect()
    }

    fn chosen(frames: &[(u32, Seen)]) -> Option<usize> {
        choose(frames, false).map(|(band, _)| band)
    }

    #[test]
    fn the_band_with_the_least_noise_is_kept() {
        for (least, noise) in [
            (0, [0.01, 0.02, 0.03, 0.04, 0.06]),
            (3, [0.06, 0.04, 0.03, 0.02, 0.03]),
            (4, [0.06, 0.04, 0.03, 0.02, 0.01]),
        ] {
            for swing_px in [0.0, 0.05, 0.5, 5.0] {
                assert_eq!(chosen(&frames(swing_px, [1.0; BANDS], noise)), Some(least), "swing of {swing_px} px");
            }
        }
    }

    #[test]
    fn a_band_that_holds_the_motion_back_is_not_kept_for_its_quiet() {
        let noise = [0.005, 0.01, 0.02, 0.04, 0.06];
        assert_eq!(chosen(&frames(0.5, [0.3, 0.5, 0.7, 0.99, 1.0], noise)), Some(3));
        assert_eq!(chosen(&frames(0.5, [0.3, 0.5, 0.7, 0.8, 1.0], noise)), Some(4));
        // Less is missing than is worth more noise.
        assert_eq!(chosen(&frames(0.1, [0.97, 1.0, 1.0, 1.0, 1.0], noise)), Some(0));
    }

    #[test]
    fn of_a_motion_as_small_as_what_is_carried_over_nothing_is_missed() {
        let seen = frames(0.03, [0.7, 0.8, 0.9, 0.95, 1.0], [0.005, 0.006, 0.007, 0.009, 0.010]);
        assert_eq!(choose(&seen, true).map(|(band, _)| band), Some(0));
        assert_ne!(choose(&seen, false).map(|(band, _)| band), Some(0), "coded each for itself it is motion");
        let larger = frames(0.3, [0.7, 0.8, 0.9, 0.95, 1.0], [0.005, 0.006, 0.007, 0.009, 0.010]);
        assert_eq!(choose(&larger, true).map(|(band, _)| band), Some(4));
    }

    #[test]
    fn nothing_is_chosen_of_too_little() {
        let all = frames(0.5, [1.0; BANDS], [0.01; BANDS]);
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&all[..40]), None);
        // Every other frame was lost: none follows on enough others.
        let gaps: Vec<(u32, Seen)> = all.iter().copied().step_by(2).collect();
        assert_eq!(chosen(&gaps), None);
    }
}
