//! The demonstration's scenes: painted once, then moved by exactly known sub-pixel amounts, frame by frame.

mod conveyor;
mod deck;
mod shaft;

use super::canvas::{Canvas, hash};
use super::fir::{PAD, Padded};
use super::motion::{FPS, Motion, shake};

pub use conveyor::STOPPED_S;

/// Names of the scenes, in the order of the cameras.
pub const NAMES: [&str; 3] = ["deck", "conveyor", "shaft"];

/// Blur of the lens (Gaussian, px): it takes the picture's content near the sampling limit below 2 percent, so that shifting is exact.
const LENS_SIGMA_PX: f32 = 0.95;
/// Noise of the sensor, grey levels.
const NOISE_SIGMA: f32 = 0.8;
/// Fixed point: grey levels are kept as 1/64.
const UNIT: f32 = 64.0;
/// Adding this to a small float leaves its rounded value in the low bits, which vectorises better than a checked cast.
const ROUND: f32 = 12_582_912.0;

/// What a scene shows, without its picture.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Width and height in pixels.
    pub size: (usize, usize),
    /// Regions: the assets, then the still background.
    pub rois: &'static [RoiInfo],
    /// Whether the camera itself shakes.
    pub shakes: bool,
}

/// The layout of the scene of that name; none if there is no such scene.
#[must_use]
pub fn layout(name: &str) -> Option<Layout> {
    match name {
        "deck" => Some(deck::LAYOUT),
        "conveyor" => Some(conveyor::LAYOUT),
        "shaft" => Some(shaft::LAYOUT),
        _ => None,
    }
}

/// A painted scene: the still part, and one canvas for each asset of the layout.
struct Stage {
    background: Canvas,
    parts: Vec<Canvas>,
}

fn background((width, height): (usize, usize)) -> Canvas {
    Canvas::new(-(PAD as f32), -(PAD as f32), width + 2 * PAD, height + 2 * PAD)
}

/// A canvas for a part that covers x, y, width, height, with room for blur and filter around it.
fn part_canvas([x, y, w, h]: [usize; 4]) -> Canvas {
    let room = PAD + SPILL;
    Canvas::new((x - room) as f32, (y - room) as f32, w + 2 * room, h + 2 * room)
}

/// How far a part may reach beyond its place by motion and blur, in pixels.
const SPILL: usize = 8;

/// A region of a scene.
#[derive(Clone, Copy, Debug)]
pub struct RoiInfo {
    /// Its id.
    pub id: &'static str,
    /// x, y, width, height in pixels.
    pub rect: [u32; 4],
    /// How it moves; none for the still background.
    pub motion: Option<Motion>,
}

struct Layer {
    x: usize,
    y: usize,
    grey: Padded,
    alpha: Padded,
    motion: Motion,
}

/// What an injected fault does to the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Veil {
    /// The picture is nearly black.
    pub dark: bool,
    /// A bright cloud drifts over the first asset.
    pub steam: bool,
}

/// A moving scene.
pub struct Scene {
    layout: Layout,
    background: Padded,
    layers: Vec<Layer>,
    noise: Vec<i16>,
    cloud: Vec<u8>,
    still: Vec<f32>,
    work: Vec<i16>,
    scratch: Vec<f32>,
    moved: [Vec<f32>; 2],
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scene").field("layout", &self.layout).finish_non_exhaustive()
    }
}

fn stage(name: &str) -> Option<Stage> {
    match name {
        "deck" => Some(deck::stage()),
        "conveyor" => Some(conveyor::stage()),
        "shaft" => Some(shaft::stage()),
        _ => None,
    }
}

fn fixed(values: &[f32], out: &mut [i16]) {
    for (o, v) in out.iter_mut().zip(values) {
        *o = (v * UNIT + ROUND).to_bits() as i16;
    }
}

fn padded(width: usize, height: usize, data: Vec<f32>) -> Padded {
    Padded { width: width - 2 * PAD, height: height - 2 * PAD, data }
}

impl Scene {
    /// Paints the scene of that name; none if there is no such scene.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let mut stage = stage(name)?;
        let layout = layout(name)?;
        let (w, h) = layout.size;
        stage.background.lens(LENS_SIGMA_PX);
        let background = padded(stage.background.width, stage.background.height, stage.background.grey);
        let mut still = Vec::with_capacity(w * h);
        for row in background.data.chunks_exact(w + 2 * PAD).skip(PAD).take(h) {
            still.extend_from_slice(&row[PAD..PAD + w]);
        }
        let mut work = vec![0; w * h];
        fixed(&still, &mut work);
        let mut layers = Vec::new();
        for (mut c, roi) in stage.parts.into_iter().zip(layout.rois) {
            c.lens(LENS_SIGMA_PX);
            layers.push(Layer {
                x: c.origin.0 as usize + PAD,
                y: c.origin.1 as usize + PAD,
                grey: padded(c.width, c.height, std::mem::take(&mut c.grey)),
                alpha: padded(c.width, c.height, std::mem::take(&mut c.alpha)),
                motion: roi.motion?,
            });
        }
        let cloud = layout.rois.first().map_or_else(Vec::new, |r| cloud(w, h, r.rect));
        Some(Self {
            layout,
            background,
            layers,
            noise: noise_table(),
            cloud,
            still,
            work,
            scratch: Vec::new(),
            moved: [Vec::new(), Vec::new()],
        })
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.layout.size
    }

    /// Its regions: the assets, then the still background.
    #[must_use]
    pub fn rois(&self) -> &'static [RoiInfo] {
        self.layout.rois
    }

    /// True displacement of a region in frame `n`, in pixels relative to the background; none for an unknown region.
    #[must_use]
    pub fn truth_at_frame(&self, roi: &str, n: u64) -> Option<(f64, f64)> {
        let roi = self.layout.rois.iter().find(|r| r.id == roi)?;
        Some(roi.motion.map_or((0.0, 0.0), |m| m.at(n as f64 / FPS)))
    }

    /// Renders frame `n` as grey levels, row by row, into `out` (width × height bytes).
    pub fn render(&mut self, n: u64, out: &mut [u8]) {
        self.render_with(n, Veil::default(), true, out);
    }

    /// The same without sensor noise, for exact comparisons.
    pub fn render_clean(&mut self, n: u64, out: &mut [u8]) {
        self.render_with(n, Veil::default(), false, out);
    }

    /// Renders frame `n` under an injected fault, with or without sensor noise.
    pub fn render_with(&mut self, n: u64, veil: Veil, noisy: bool, out: &mut [u8]) {
        self.move_parts(n as f64 / FPS);
        let (w, h) = self.layout.size;
        let rows = self.work.chunks_exact(w).zip(out.chunks_exact_mut(w)).take(h);
        for (y, (row, out)) in rows.enumerate() {
            let start = (hash(y as i32, n as i32, 991) * (NOISE_LEN - w) as f32) as usize;
            let noise = if noisy { &self.noise[start..start + w] } else { &self.noise[NOISE_LEN..NOISE_LEN + w] };
            expose(row, noise, veil.dark, out);
        }
        if veil.steam {
            steam(&self.cloud, w, n, out);
        }
    }

    fn move_parts(&mut self, t_s: f64) {
        let (w, _) = self.layout.size;
        let sway = if self.layout.shakes { shake(t_s) } else { (0.0, 0.0) };
        if self.layout.shakes {
            self.background.shift_into(sway.0, sway.1, &mut self.scratch, &mut self.still);
            fixed(&self.still, &mut self.work);
        }
        for layer in &self.layers {
            let (lw, lh) = (layer.grey.width, layer.grey.height);
            let (dx, dy) = layer.motion.at(t_s);
            let [grey, alpha] = &mut self.moved;
            for (from, to) in [(&layer.grey, &mut *grey), (&layer.alpha, &mut *alpha)] {
                to.resize(lw * lh, 0.0);
                from.shift_into(dx + sway.0, dy + sway.1, &mut self.scratch, to);
            }
            for y in 0..lh {
                let line = (layer.y + y) * w + layer.x;
                let behind = &self.still[line..line + lw];
                let (g, a) = (&mut grey[y * lw..][..lw], &alpha[y * lw..][..lw]);
                for ((g, a), b) in g.iter_mut().zip(a).zip(behind) {
                    *g += b * (1.0 - a);
                }
                fixed(g, &mut self.work[line..line + lw]);
            }
        }
    }
}

fn expose(row: &[i16], noise: &[i16], dark: bool, out: &mut [u8]) {
    if dark {
        for ((o, v), n) in out.iter_mut().zip(row).zip(noise) {
            *o = ((v / 40 + n + 160) >> 6).clamp(0, 255) as u8;
        }
    } else {
        for ((o, v), n) in out.iter_mut().zip(row).zip(noise) {
            *o = ((v + n + 32) >> 6).clamp(0, 255) as u8;
        }
    }
}

const NOISE_LEN: usize = 1 << 17;
/// Widest picture that the noise table's still tail serves.
const WIDEST: usize = 2048;

/// Gaussian values (sum of four uniform ones, close enough for a sensor) and a tail of zeros for pictures without noise.
fn noise_table() -> Vec<i16> {
    let gauss = |i: usize| {
        let sum: f32 = (0..4).map(|k| hash(i as i32, k, 4242)).sum();
        ((sum - 2.0) * 3.0_f32.sqrt() * NOISE_SIGMA * UNIT).round() as i16
    };
    (0..NOISE_LEN).map(gauss).chain(std::iter::repeat_n(0, WIDEST)).collect()
}

/// Opacity of steam over a region: a soft heap of puffs, 0 to 255.
fn cloud(w: usize, h: usize, [x, y, rw, rh]: [u32; 4]) -> Vec<u8> {
    let (cx, cy) = (x as f32 + rw as f32 / 2.0, y as f32 + rh as f32 / 2.0);
    let reach = rw.max(rh) as f32 * 1.5;
    let mut cloud = vec![0; w * h];
    for (i, o) in cloud.iter_mut().enumerate() {
        let (px, py) = ((i % w) as f32, (i / w) as f32);
        let r = (px - cx).hypot(py - cy) / reach;
        if r < 1.0 {
            let puff = 0.75 + 0.5 * super::canvas::cloudy(px, py, 60.0, 8);
            *o = (255.0 * ((1.0 - r * r) * 1.6 * puff).clamp(0.0, 0.97)) as u8;
        }
    }
    cloud
}

fn steam(cloud: &[u8], w: usize, n: u64, out: &mut [u8]) {
    // The cloud drifts to and fro, so that the picture never looks frozen.
    let drift = (30.0 * (n as f32 * 0.02).sin()) as i64 + (w as i64) * ((14.0 * (n as f32 * 0.031).cos()) as i64);
    let len = cloud.len() as i64;
    let from = drift.rem_euclid(len.max(1)) as usize;
    for (o, m) in out.iter_mut().zip(cloud[from..].iter().chain(&cloud[..from])) {
        let (v, m) = (i32::from(*o), i32::from(*m));
        *o = (v + (226 - v) * m / 256) as u8;
    }
}

#[cfg(test)]
pub(crate) mod tests;
