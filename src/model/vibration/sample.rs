//! What one frame says of one region.

use crate::base::clock::Mono;

/// How one frame's fit of one region ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    /// Converged on the target.
    Good,
    /// The reference is still being built from the first frames; the value is usable but less certain.
    Settling,
    /// The target is not recognised (occlusion, steam, too little texture): there is no value.
    #[default]
    Lost,
}

/// Displacement of one region in one frame. `Copy`, so that it crosses threads without allocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Index of the camera in the configuration.
    pub camera: u16,
    /// Index of the region within its camera.
    pub roi: u16,
    /// Number of the frame since the stream began.
    pub frame: u64,
    /// Stream time in seconds: from the stream's own timestamps, increasing over reconnects.
    pub t_s: f64,
    /// When the frame reached the program.
    pub arrival: Mono,
    /// Horizontal displacement in pixels, +x right, the camera's own shake already subtracted.
    pub dx_px: f64,
    /// Vertical displacement in pixels, +y down, the camera's own shake already subtracted.
    pub dy_px: f64,
    /// One-sigma uncertainty of each of the two, in pixels.
    pub sigma_px: f64,
    /// Correlation coefficient of the fit, -1 to 1.
    pub correlation: f32,
    /// What the fit was.
    pub fit: Fit,
    /// What the picture shows that limits the measurement.
    pub marks: Marks,
    /// Turn and bend of the region itself.
    pub bend: Bend,
    /// Share of the region that is left out of the fit: covered, or moving otherwise.
    pub left_out: f32,
    /// The camera's shake at the region, taken off or not, in pixels; none where no background tells.
    pub shake_px: Option<[f32; 2]>,
    /// Contrast against the reference.
    pub gain: f32,
    /// Share of the region's structure that stands still while the rest moves, and holds the displacement back by about as much.
    pub held_back: f32,
    /// Relative one-sigma uncertainty of how large a motion is told, alike in all frames.
    pub size_sigma: f32,
}

/// How the displacement goes with the place within a region. NaN where the region has fewer than two patches (of 16 pixels) along that
/// side, or was not measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bend {
    /// Turn about the region's centre in radians, from +x to +y.
    pub turn_rad: f32,
    /// One-sigma uncertainty of the turn, in radians.
    pub turn_sigma_rad: f32,
    /// How dx and dy go with y down the region, without dimension: a rolling shutter shows there.
    pub down: [f32; 2],
    /// One-sigma uncertainty of each of the two.
    pub down_sigma: f32,
    /// Displacement in the picture, before the camera's own shake is taken off, in pixels: what a rolling shutter acts on.
    pub seen_px: [f32; 2],
}

impl Default for Bend {
    fn default() -> Self {
        Self {
            turn_rad: f32::NAN,
            turn_sigma_rad: f32::NAN,
            down: [f32::NAN; 2],
            down_sigma: f32::NAN,
            seen_px: [f32::NAN; 2],
        }
    }
}

/// What a frame shows of a region that limits how far its displacement can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Something is in front of the target, or its light is uneven.
    pub covered: bool,
    /// The residual is that of a lossy inter-frame codec.
    pub coded: bool,
    /// Only motion across the region's edges can be seen: it has no structure along them.
    pub one_direction: bool,
    /// The region holds nothing to measure against.
    pub textureless: bool,
    /// The patches of the region disagree by more than noise: haze, or parts that move differently.
    pub hazy: bool,
    /// Brightness or contrast are far from the reference's.
    pub relit: bool,
    /// Many pixels are at the end of the scale.
    pub saturated: bool,
    /// The region is not looked at: it lies outside the picture, or the picture is another one than it was set for.
    pub outside: bool,
    /// Background regions are set, and none of them can be measured: the camera's own shake is not known.
    pub no_background: bool,
    /// The picture before came once more, noise and all: nothing new is seen.
    pub repeated: bool,
}
