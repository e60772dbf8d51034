//! All regions of one camera's frame, the camera's own shake taken out of the assets.

use super::luma::Luma;
use super::tracker::{Track, Tracker};
use crate::model::vibration::{Fit, Role};

/// A region to measure.
#[derive(Clone, Copy, Debug)]
pub struct RegionSpec {
    /// x, y, width, height in pixels.
    pub rect: [u32; 4],
    /// What it is there for.
    pub role: Role,
}

/// Measures every region of a camera's frames.
#[derive(Debug)]
pub struct FrameMeter {
    regions: Vec<(Role, Tracker, bool)>,
    tracks: Vec<Track>,
}

impl FrameMeter {
    /// For these regions.
    #[must_use]
    pub fn new(regions: &[RegionSpec]) -> Self {
        Self {
            regions: regions.iter().map(|r| (r.role, Tracker::new(r.rect), true)).collect(),
            tracks: vec![Track::default(); regions.len()],
        }
    }

    /// Switches a region off (it lies outside the picture) or on.
    pub fn enable(&mut self, index: usize, on: bool) {
        if let Some(r) = self.regions.get_mut(index) {
            r.2 = on;
        }
    }

    /// Forgets all references: the view has changed.
    pub fn reset(&mut self) {
        for (_, tracker, _) in &mut self.regions {
            tracker.reset();
        }
    }

    /// Measures one frame: a track per region, in the order given. Allocates nothing.
    ///
    /// Assets are given relative to the backgrounds. Where backgrounds are set but none can be measured in this frame, the
    /// assets are lost too: what remained would be machine and camera together.
    pub fn measure(&mut self, luma: &Luma<'_>) -> &[Track] {
        for ((_, tracker, on), track) in self.regions.iter_mut().zip(&mut self.tracks) {
            *track = if *on { tracker.step(luma) } else { Track { sigma_px: f64::INFINITY, ..Track::default() } };
        }
        self.compensate();
        &self.tracks
    }

    fn compensate(&mut self) {
        let (mut wx, mut sx, mut sy, mut set, mut settling) = (0.0, 0.0, 0.0, false, false);
        for ((role, ..), t) in self.regions.iter().zip(&self.tracks) {
            if *role == Role::Background {
                set = true;
                if t.fit != Fit::Lost {
                    let weight = 1.0 / t.sigma_px.max(1e-4).powi(2);
                    wx += weight;
                    sx += weight * t.dx_px;
                    sy += weight * t.dy_px;
                    settling |= t.fit == Fit::Settling;
                }
            }
        }
        if !set {
            return;
        }
        for ((role, ..), t) in self.regions.iter().zip(&mut self.tracks) {
            if *role != Role::Asset || t.fit == Fit::Lost {
                continue;
            }
            if wx == 0.0 {
                *t = Track { sigma_px: f64::INFINITY, ..Track::default() };
                continue;
            }
            t.dx_px -= sx / wx;
            t.dy_px -= sy / wx;
            t.sigma_px = t.sigma_px.hypot((1.0 / wx).sqrt());
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
    fn without_any_background_left_assets_are_lost() {
        let specs = [
            RegionSpec { rect: [10, 10, 32, 32], role: Role::Asset },
            RegionSpec { rect: [60, 10, 32, 32], role: Role::Background },
        ];
        let mut m = FrameMeter::new(&specs);
        m.enable(1, false);
        let p = noisy(110, 60, 0);
        assert_eq!(m.measure(&Luma::new(&p, 110, 110, 60).unwrap())[0].fit, Fit::Lost);
    }
}
