//! A recording of a textured picture whose motion is known, as a `.y4m`.

use std::fs;
use std::path::Path;

/// How the recording is made. 25 frames a second, 192×128 pixels.
pub struct Clip {
    /// How many frames.
    pub frames: u32,
    /// Place of the picture in one frame, in pixels.
    pub place: fn(u32) -> (f64, f64),
    /// How many times larger everything looks, about the middle.
    pub larger: f64,
    /// Width of a blur in pixels, one sigma; 0 for none.
    pub blur_px: f64,
    /// Noise in grey levels, one sigma.
    pub noise: f64,
    /// Frames in which the whole picture is grey.
    pub covered: std::ops::Range<u32>,
}

impl Default for Clip {
    fn default() -> Self {
        Self { frames: 200, place: |_| (0.0, 0.0), larger: 1.0, blur_px: 0.0, noise: 2.0, covered: 0..0 }
    }
}

/// Width and height of the pictures.
pub const SIZE: (u32, u32) = (192, 128);

/// Writes the recording.
pub fn write(path: &Path, clip: &Clip) {
    // Waves that can be drawn at any place, and blurred, exactly: frequency in x and y in radians a pixel, phase, height.
    let mut state = 7u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    let waves: Vec<[f64; 4]> = (0..24)
        .map(|_| {
            let (angle, k) = (uniform() * std::f64::consts::TAU, 0.05 + 1.1 * uniform());
            let height = 14.0 * (-0.5 * (k * clip.blur_px).powi(2)).exp();
            [k * angle.cos(), k * angle.sin(), uniform() * std::f64::consts::TAU, height]
        })
        .collect();
    let (w, h) = SIZE;
    let mut file = format!("YUV4MPEG2 W{w} H{h} F25:1 Ip Cmono\n").into_bytes();
    let level = |i: u32, (dx, dy): (f64, f64)| -> f64 {
        let (cx, cy) = (f64::from(w) / 2.0, f64::from(h) / 2.0);
        let (x, y) = (f64::from(i % w) - dx - cx, f64::from(i / w) - dy - cy);
        let (x, y) = (cx + x / clip.larger, cy + y / clip.larger);
        waves.iter().map(|[a, b, p, s]| s * (a * x + b * y + p).sin()).sum()
    };
    let (mut at, mut levels) = ((f64::NAN, f64::NAN), Vec::new());
    for frame in 0..clip.frames {
        file.extend(b"FRAME\n");
        let place = (clip.place)(frame);
        if place != at {
            at = place;
            levels = (0..w * h).map(|i| level(i, place)).collect();
        }
        let shown = if clip.covered.contains(&frame) { 0.0 } else { 1.0 };
        file.extend(levels.iter().map(|v| {
            let noise = (0..4).map(|_| uniform() - 0.5).sum::<f64>() * 1.732 * clip.noise;
            (128.0 + shown * v + noise).round().clamp(0.0, 255.0) as u8
        }));
    }
    fs::write(path, file).expect("written");
}
