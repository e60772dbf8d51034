//! A frame's displacement with its uncertainty, and what the picture shows that limits it.

use crate::model::vibration::{Bend, Fit, Marks, Sample};

/// One frame's fit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Track {
    /// Displacement against the reference in pixels, +x right.
    pub dx_px: f64,
    /// Displacement against the reference in pixels, +y down.
    pub dy_px: f64,
    /// One-sigma uncertainty of the worse of the two directions, in pixels; infinite without texture.
    pub sigma_px: f64,
    /// Correlation coefficient of the fit.
    pub correlation: f64,
    /// What the fit was.
    pub fit: Fit,
    /// What the picture shows that limits the measurement.
    pub marks: Marks,
    /// Turn and bend of the region; none where it cannot be told.
    pub bend: Bend,
    /// Share of the region that is left out: covered, or moving otherwise.
    pub left_out: f32,
    /// The camera's shake at the region in pixels, taken off or not; none where no background tells.
    pub shake_px: Option<[f32; 2]>,
    /// Contrast against the reference.
    pub gain: f32,
    /// Share of the region's structure that stands still while the rest moves, and holds the displacement back by about as much.
    pub held_back: f32,
    /// Relative one-sigma uncertainty of how large a motion is told, alike in all frames.
    pub size_sigma: f32,
}

impl Track {
    /// No measurement.
    #[must_use]
    pub fn lost() -> Self {
        Self { sigma_px: f64::INFINITY, ..Self::default() }
    }

    /// No measurement, because of this.
    #[must_use]
    pub fn unseen(marks: Marks) -> Self {
        Self { marks, ..Self::lost() }
    }

    pub(super) fn textureless() -> Self {
        Self::unseen(Marks { textureless: true, ..Marks::default() })
    }

    /// As a sample; `of` tells of which region, frame and time.
    #[must_use]
    pub fn sample(&self, of: Sample) -> Sample {
        Sample {
            dx_px: self.dx_px,
            dy_px: self.dy_px,
            sigma_px: if self.fit == Fit::Lost { f64::INFINITY } else { self.sigma_px },
            correlation: self.correlation as f32,
            fit: self.fit,
            marks: self.marks,
            bend: self.bend,
            left_out: self.left_out,
            shake_px: self.shake_px,
            gain: self.gain,
            held_back: self.held_back,
            size_sigma: self.size_sigma,
            ..of
        }
    }
}
