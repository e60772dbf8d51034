//! All regions of one camera's frame, the camera's own shake taken out of the assets.

use super::held::Held;
use super::luma::Luma;
use super::shake::{Seen, Shake};
use super::tracker::{Track, Widened};
use crate::model::compensation::Compensations;
use crate::model::vibration::{Fit, Marks, Role};

/// A region to measure.
#[derive(Clone, Copy, Debug)]
pub struct RegionSpec {
    /// x, y, width, height in pixels.
    pub rect: [u32; 4],
    /// What it is there for.
    pub role: Role,
}

/// One region with its tracker.
#[derive(Debug)]
struct Region {
    role: Role,
    centre: (f64, f64),
    tracker: Widened,
    on: bool,
}

/// Measures every region of a camera's frames.
#[derive(Debug)]
pub struct FrameMeter {
    regions: Vec<Region>,
    tracks: Vec<Track>,
    shake: Shake,
    on: Compensations,
}

/// Frames that wait for the references, around each region only.
#[derive(Debug)]
pub struct Backlog {
    pieces: Vec<Held>,
}

impl Backlog {
    /// Takes a frame; false where there is no room.
    pub fn push(&mut self, luma: &Luma<'_>) -> bool {
        // One region's room may be smaller than another's: all or none.
        self.pieces.iter().all(Held::has_room) && self.pieces.iter_mut().all(|p| p.push(luma))
    }
}

impl FrameMeter {
    /// For these regions.
    #[must_use]
    pub fn new(regions: &[RegionSpec]) -> Self {
        let region = |r: &RegionSpec| {
            let [x, y, w, h] = r.rect.map(f64::from);
            Region { role: r.role, centre: (x + w / 2.0, y + h / 2.0), tracker: Widened::new(r.rect), on: true }
        };
        Self {
            regions: regions.iter().map(region).collect(),
            tracks: vec![Track::default(); regions.len()],
            on: Compensations::default(),
            shake: Shake::new(regions.iter().filter(|r| r.role == Role::Background).count()),
        }
    }

    /// Switches a region off (it lies outside the picture) or on.
    pub fn enable(&mut self, index: usize, on: bool) {
        if let Some(r) = self.regions.get_mut(index) {
            r.on = on;
        }
    }

    /// Switches compensations; what is learned stays. Drift is not seen here: the analyser takes it off.
    pub fn compensate(&mut self, on: Compensations) {
        if on != self.on {
            self.on = on;
            for r in &mut self.regions {
                r.tracker.compensate_flicker(on.flicker);
                r.tracker.set_robust(on.haze);
            }
        }
    }

    /// Forgets all references: the view has changed.
    pub fn reset(&mut self) {
        for r in &mut self.regions {
            r.tracker.reset();
        }
    }

    /// Measures one frame: a track per region, in the order given. Allocates nothing once the references stand, but
    /// for what is made once where pictures turn out to be coded.
    ///
    /// Assets are given relative to the backgrounds. Where backgrounds are set but none can be measured in this frame, the
    /// assets are lost too: what remained would be machine and camera together.
    pub fn measure(&mut self, luma: &Luma<'_>) -> &[Track] {
        self.each(|_, tracker| tracker.step(luma))
    }

    /// From here on, frames can be held (see [`FrameMeter::hold`]): for recordings, where nobody waits for a reading.
    pub fn hold_frames(&mut self, frames: usize) {
        for r in &mut self.regions {
            r.tracker.hold_frames(frames);
        }
    }

    /// Holds a frame, to be measured once the references are made of all frames held; false where there is no room.
    pub fn hold(&mut self, luma: &Luma<'_>) -> bool {
        // One region's room may be smaller than another's: all or none.
        self.regions.iter().all(|r| r.tracker.has_room()) && self.regions.iter_mut().all(|r| r.tracker.hold(luma))
    }

    /// Makes the references of all frames held.
    pub fn learn_held(&mut self) {
        self.learners().for_each(|learn| learn());
    }

    /// The same in parts, one a region, which may run beside each other.
    pub fn learners(&mut self) -> impl Iterator<Item = impl FnOnce() + Send + '_> + '_ {
        self.regions.iter_mut().filter(|r| r.on).map(|r| || r.tracker.learn_held())
    }

    /// Measures a frame that was held.
    pub fn again(&mut self, index: usize) -> &[Track] {
        self.each(|_, tracker| tracker.again(index))
    }

    /// Room for frames that come while the references are made of those held before them; less of it where a region is large.
    #[must_use]
    pub fn backlog(&self, frames: usize) -> Backlog {
        Backlog { pieces: self.regions.iter().map(|r| r.tracker.backlog(frames)).collect() }
    }

    /// Measures a frame of the backlog as [`FrameMeter::measure`] does. All of them come in their order, after the held ones.
    pub fn measure_kept(&mut self, backlog: &Backlog, index: usize) -> &[Track] {
        self.each(|i, tracker| {
            backlog.pieces.get(i).map_or_else(Track::lost, |pieces| tracker.step_kept(pieces, index))
        })
    }

    /// Gives the memory of the held frames back.
    pub fn release_held(&mut self) {
        for r in &mut self.regions {
            r.tracker.release();
        }
    }

    fn each(&mut self, mut measure: impl FnMut(usize, &mut Widened) -> Track) -> &[Track] {
        for (i, (r, track)) in self.regions.iter_mut().zip(&mut self.tracks).enumerate() {
            let off = || Track::unseen(Marks { outside: true, ..Marks::default() });
            *track = if r.on { measure(i, &mut r.tracker) } else { off() };
        }
        self.take_shake_off();
        &self.tracks
    }

    fn take_shake_off(&mut self) {
        self.shake.clear();
        let (mut set, mut settling, mut repeated) = (false, false, false);
        for (r, t) in self.regions.iter().zip(&self.tracks).filter(|(r, _)| r.role == Role::Background) {
            set = true;
            repeated |= t.marks.repeated;
            if t.fit != Fit::Lost {
                settling |= t.fit == Fit::Settling;
                self.shake.add(Seen { place: r.centre, d_px: (t.dx_px, t.dy_px), sigma_px: t.sigma_px });
            }
        }
        if !set {
            return;
        }
        let solved = self.shake.solve();
        for (r, t) in self.regions.iter().zip(&mut self.tracks) {
            if r.role != Role::Asset || t.fit == Fit::Lost {
                continue;
            }
            if !solved {
                if self.on.shake {
                    *t = Track::unseen(Marks { no_background: !repeated, repeated, ..Marks::default() });
                }
                continue;
            }
            let (d, sigma_px) = self.shake.at(r.centre);
            t.shake_px = Some([d.0 as f32, d.1 as f32]);
            if !self.on.shake {
                continue;
            }
            t.dx_px -= d.0;
            t.dy_px -= d.1;
            t.sigma_px = t.sigma_px.hypot(sigma_px);
            if settling {
                t.fit = Fit::Settling;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(w: usize, h: usize, shift: i64) -> Vec<u8> {
        (0..w * h)
            .map(|i| {
                let (x, y) = ((i % w) as f64 - shift as f64, (i / w) as f64);
                (128.0 + 50.0 * (x * 0.4 + y * 0.13).sin() + 40.0 * (y * 0.37 - x * 0.11).sin()) as u8
            })
            .collect()
    }

    #[test]
    fn shake_is_taken_out() {
        let specs = [
            RegionSpec { rect: [10, 10, 32, 32], role: Role::Asset },
            RegionSpec { rect: [60, 10, 32, 32], role: Role::Background },
        ];
        let mut m = FrameMeter::new(&specs);
        for shift in [0, 0, 1, 2, 1] {
            let p = noisy(110, 60, shift);
            let t = m.measure(&Luma::new(&p, 110, 110, 60).unwrap());
            assert!(t[0].dx_px.abs() < 0.02, "asset stands still against the background: {:?}", t[0]);
            assert!((t[1].dx_px - shift as f64).abs() < 0.02);
        }
    }

    #[test]
    fn what_is_switched_off_stays_in_and_is_still_told() {
        let specs = [
            RegionSpec { rect: [10, 10, 32, 32], role: Role::Asset },
            RegionSpec { rect: [60, 10, 32, 32], role: Role::Background },
        ];
        let mut m = FrameMeter::new(&specs);
        m.compensate(Compensations { shake: false, ..Compensations::default() });
        for shift in [0, 0, 1, 2] {
            let p = noisy(110, 60, shift);
            let t = m.measure(&Luma::new(&p, 110, 110, 60).unwrap());
            assert!((t[0].dx_px - shift as f64).abs() < 0.02, "the camera's shake stays in: {:?}", t[0]);
            assert!(t[0].shake_px.is_some_and(|s| (f64::from(s[0]) - shift as f64).abs() < 0.02), "{:?}", t[0]);
        }
        // Flicker left in: half as much light again is taken for motion; taken off, it moves nothing.
        let lit: Vec<u8> = noisy(110, 60, 0).iter().map(|v| (f64::from(*v) * 0.8) as u8).collect();
        for flicker in [true, false] {
            let mut m = FrameMeter::new(&specs[..1]);
            m.compensate(Compensations { flicker, ..Compensations::default() });
            let still = noisy(110, 60, 0);
            for _ in 0..20 {
                m.measure(&Luma::new(&still, 110, 110, 60).unwrap());
            }
            let at_rest = m.measure(&Luma::new(&lit, 110, 110, 60).unwrap())[0];
            let error = at_rest.dx_px.hypot(at_rest.dy_px);
            assert!(if flicker { error < 0.02 } else { error > 0.05 }, "flicker {flicker}: {at_rest:?}");
        }
    }

    #[test]
    fn without_any_background_left_assets_are_lost() {
        let specs = [
            RegionSpec { rect: [10, 10, 32, 32], role: Role::Asset },
            RegionSpec { rect: [60, 10, 32, 32], role: Role::Background },
        ];
        let mut m = FrameMeter::new(&specs);
        m.enable(1, false);
        let p = noisy(110, 60, 0);
        let t = m.measure(&Luma::new(&p, 110, 110, 60).unwrap());
        assert!(
            t[0].fit == Fit::Lost && t[0].marks.no_background && !t[0].marks.outside,
            "and it is told why: {:?}",
            t[0]
        );
        assert!(t[1].fit == Fit::Lost && t[1].marks.outside, "{:?}", t[1]);
    }
}
