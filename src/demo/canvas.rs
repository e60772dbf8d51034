//! A small painter for grey machine pictures: shapes by their distance, light from above left, rust, dust and grain.

/// Distance to the edge of a shape in pixels, negative inside.
pub trait Shape {
    /// Distance at a place.
    fn distance(&self, x: f32, y: f32) -> f32;
    /// Left, top, right, bottom of what it covers.
    fn bounds(&self) -> [f32; 4];
}

/// A disc.
#[derive(Clone, Copy, Debug)]
pub struct Disc(pub f32, pub f32, pub f32);

impl Shape for Disc {
    fn distance(&self, x: f32, y: f32) -> f32 {
        (x - self.0).hypot(y - self.1) - self.2
    }
    fn bounds(&self) -> [f32; 4] {
        [self.0 - self.2, self.1 - self.2, self.0 + self.2, self.1 + self.2]
    }
}

/// A ring: centre, mean radius, half of its thickness.
#[derive(Clone, Copy, Debug)]
pub struct Ring(pub f32, pub f32, pub f32, pub f32);

impl Shape for Ring {
    fn distance(&self, x: f32, y: f32) -> f32 {
        ((x - self.0).hypot(y - self.1) - self.2).abs() - self.3
    }
    fn bounds(&self) -> [f32; 4] {
        let r = self.2 + self.3;
        [self.0 - r, self.1 - r, self.0 + r, self.1 + r]
    }
}

/// A box with round corners: x, y, width, height, radius.
#[derive(Clone, Copy, Debug)]
pub struct Block(pub f32, pub f32, pub f32, pub f32, pub f32);

impl Shape for Block {
    fn distance(&self, x: f32, y: f32) -> f32 {
        let (hw, hh) = (self.2 / 2.0 - self.4, self.3 / 2.0 - self.4);
        let qx = (x - self.0 - self.2 / 2.0).abs() - hw;
        let qy = (y - self.1 - self.3 / 2.0).abs() - hh;
        qx.max(0.0).hypot(qy.max(0.0)) + qx.max(qy).min(0.0) - self.4
    }
    fn bounds(&self) -> [f32; 4] {
        [self.0, self.1, self.0 + self.2, self.1 + self.3]
    }
}

/// A hexagon (bolt head): centre, distance of its flats, turn in radians.
#[derive(Clone, Copy, Debug)]
pub struct Hex(pub f32, pub f32, pub f32, pub f32);

impl Shape for Hex {
    fn distance(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.0, y - self.1);
        (0..3)
            .map(|k| {
                let (s, c) = (self.3 + k as f32 * std::f32::consts::FRAC_PI_3).sin_cos();
                (dx * c + dy * s).abs() - self.2
            })
            .fold(f32::MIN, f32::max)
    }
    fn bounds(&self) -> [f32; 4] {
        let r = self.2 * 1.2;
        [self.0 - r, self.1 - r, self.0 + r, self.1 + r]
    }
}

/// A stroke with round ends: from, to, half of its width.
#[derive(Clone, Copy, Debug)]
pub struct Stroke(pub f32, pub f32, pub f32, pub f32, pub f32);

impl Shape for Stroke {
    fn distance(&self, x: f32, y: f32) -> f32 {
        let (bx, by) = (self.2 - self.0, self.3 - self.1);
        let (px, py) = (x - self.0, y - self.1);
        let along = ((px * bx + py * by) / (bx * bx + by * by).max(1e-6)).clamp(0.0, 1.0);
        (px - bx * along).hypot(py - by * along) - self.4
    }
    fn bounds(&self) -> [f32; 4] {
        let r = self.4;
        [self.0.min(self.2) - r, self.1.min(self.3) - r, self.0.max(self.2) + r, self.1.max(self.3) + r]
    }
}

/// A convex shape with four corners, clockwise as seen on the picture.
#[derive(Clone, Copy, Debug)]
pub struct Quad(pub [(f32, f32); 4]);

impl Shape for Quad {
    fn distance(&self, x: f32, y: f32) -> f32 {
        (0..4)
            .map(|i| {
                let ((ax, ay), (bx, by)) = (self.0[i], self.0[(i + 1) % 4]);
                let (ex, ey) = (bx - ax, by - ay);
                ((x - ax) * ey - (y - ay) * ex) / ex.hypot(ey).max(1e-6)
            })
            .fold(f32::MIN, f32::max)
    }
    fn bounds(&self) -> [f32; 4] {
        let xs = self.0.map(|p| p.0);
        let ys = self.0.map(|p| p.1);
        let low = |v: [f32; 4]| v.into_iter().fold(f32::MAX, f32::min);
        let high = |v: [f32; 4]| v.into_iter().fold(f32::MIN, f32::max);
        [low(xs), low(ys), high(xs), high(ys)]
    }
}

/// A number from 0 to 1 that belongs to a place, the same in every run.
#[must_use]
pub fn hash(x: i32, y: i32, seed: u32) -> f32 {
    let mut h =
        (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77) ^ seed.wrapping_mul(0xC2B2_AE3D);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    h ^= h >> 15;
    (h >> 8) as f32 / 16_777_216.0
}

/// Smooth noise from 0 to 1 with features of about one unit.
#[must_use]
pub fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let (fx, fy) = (x.floor(), y.floor());
    let (ix, iy) = (fx as i32, fy as i32);
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v) = (ease(x - fx), ease(y - fy));
    let top = hash(ix, iy, seed) * (1.0 - u) + hash(ix + 1, iy, seed) * u;
    let low = hash(ix, iy + 1, seed) * (1.0 - u) + hash(ix + 1, iy + 1, seed) * u;
    top * (1.0 - v) + low * v
}

/// Three octaves of noise around zero, about -1 to 1.
#[must_use]
pub fn cloudy(x: f32, y: f32, size: f32, seed: u32) -> f32 {
    let n = |k: f32, s: u32| noise(x * k / size, y * k / size, seed + s) - 0.5;
    1.1 * n(1.0, 0) + 0.6 * n(2.1, 1) + 0.35 * n(4.3, 2)
}

/// What a surface is made of.
#[derive(Clone, Copy, Debug)]
pub struct Surface {
    /// Grey level, 0 to 255.
    pub grey: f32,
    /// How strongly stains and wear change the grey.
    pub stain: f32,
    /// Grain of the finest size: what a fit holds on to.
    pub grain: f32,
    /// Width of the lit and shaded edge in pixels; 0 for a flat sheet.
    pub bevel: f32,
    /// Which stains: surfaces with other numbers look different.
    pub seed: u32,
}

impl Surface {
    /// A painted or cast surface of this grey with everyday dirt.
    #[must_use]
    pub const fn new(grey: f32, seed: u32) -> Self {
        Self { grey, stain: 14.0, grain: 13.0, bevel: 4.0, seed }
    }

    /// With another edge.
    #[must_use]
    pub const fn bevel(mut self, bevel: f32) -> Self {
        self.bevel = bevel;
        self
    }

    /// With other wear and grain.
    #[must_use]
    pub const fn wear(mut self, stain: f32, grain: f32) -> Self {
        self.stain = stain;
        self.grain = grain;
        self
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        let mut v = self.grey + self.stain * cloudy(x, y, 46.0, self.seed);
        v += self.stain * 0.7 * cloudy(x, y, 9.0, self.seed + 11);
        // Rust and chips: dark spots where two noises agree.
        let spot = noise(x / 13.0, y / 13.0, self.seed + 21) * noise(x / 4.5, y / 4.5, self.seed + 22);
        v -= ((spot - 0.52) * 5.0).clamp(0.0, 1.0) * self.stain * 2.2;
        v + self.grain * 2.0 * (noise(x / 1.6, y / 1.6, self.seed + 31) - 0.5)
            + self.grain * 1.2 * (hash(x as i32, y as i32, self.seed + 41) - 0.5)
    }
}

/// A grey picture with its opacity.
#[derive(Clone, Debug)]
pub struct Canvas {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Place of the top left pixel in the scene.
    pub origin: (f32, f32),
    /// Grey times opacity.
    pub grey: Vec<f32>,
    /// Opacity, 0 to 1.
    pub alpha: Vec<f32>,
}

impl Canvas {
    /// Nothing painted yet, fully transparent.
    #[must_use]
    pub fn new(x: f32, y: f32, width: usize, height: usize) -> Self {
        let n = width * height;
        Self { width, height, origin: (x, y), grey: vec![0.0; n], alpha: vec![0.0; n] }
    }

    /// Calls `paint(x, y, distance)` for pixels in reach of the shape; it tells the grey and the opacity to lay over.
    fn each(&mut self, shape: &impl Shape, reach: f32, paint: impl Fn(f32, f32, f32) -> (f32, f32)) {
        let [l, t, r, b] = shape.bounds();
        let (ox, oy) = self.origin;
        let clamp = |v: f32, n: usize| v.clamp(0.0, n as f32) as usize;
        let (x0, x1) = (clamp((l - reach - ox).floor(), self.width), clamp((r + reach - ox).ceil(), self.width));
        let (y0, y1) = (clamp((t - reach - oy).floor(), self.height), clamp((b + reach - oy).ceil(), self.height));
        for py in y0..y1 {
            for px in x0..x1 {
                let (x, y) = (px as f32 + ox, py as f32 + oy);
                let (grey, cover) = paint(x, y, shape.distance(x, y));
                if cover > 0.0 {
                    let i = py * self.width + px;
                    self.grey[i] = self.grey[i] * (1.0 - cover) + grey * cover;
                    self.alpha[i] = self.alpha[i] * (1.0 - cover) + cover;
                }
            }
        }
    }

    /// Lays a solid with lit edges over the picture.
    pub fn solid(&mut self, shape: &impl Shape, surface: Surface) {
        self.each(shape, 1.0, |x, y, d| {
            let cover = (0.5 - d).clamp(0.0, 1.0);
            if cover <= 0.0 {
                return (0.0, 0.0);
            }
            let mut v = surface.at(x, y);
            if surface.bevel > 0.0 && d > -surface.bevel {
                // Light from above left: the slope of the distance is the normal of the edge.
                let nx = shape.distance(x + 0.5, y) - shape.distance(x - 0.5, y);
                let ny = shape.distance(x, y + 0.5) - shape.distance(x, y - 0.5);
                let rise = ((d + surface.bevel) / surface.bevel).clamp(0.0, 1.0);
                v += -(nx * 0.5 + ny * 0.85) * 58.0 * rise;
            }
            (v, cover)
        });
    }

    /// Darkens (positive) or brightens what is there around a shape, softly over `blur` pixels, moved by (dx, dy).
    pub fn shadow(&mut self, shape: &impl Shape, offset: (f32, f32), blur: f32, strength: f32) {
        let moved = Moved(shape, offset);
        let [l, t, r, b] = moved.bounds();
        let (ox, oy) = self.origin;
        for py in 0..self.height {
            let y = py as f32 + oy;
            if y < t - blur || y > b + blur {
                continue;
            }
            for px in 0..self.width {
                let x = px as f32 + ox;
                if x < l - blur || x > r + blur {
                    continue;
                }
                let s = (0.5 - moved.distance(x, y) / (2.0 * blur)).clamp(0.0, 1.0);
                self.grey[py * self.width + px] *= 1.0 - strength * s * s * (3.0 - 2.0 * s);
            }
        }
    }

    /// Rounds a shape like a cylinder: brighter at `light` (0 to 1 across), darker at its sides. Vertical or horizontal axis.
    pub fn cylinder(&mut self, shape: &impl Shape, horizontal: bool, light: f32, depth: f32) {
        let [l, t, r, b] = shape.bounds();
        let (ox, oy) = self.origin;
        for py in 0..self.height {
            for px in 0..self.width {
                let (x, y) = (px as f32 + ox, py as f32 + oy);
                if x < l || x > r || y < t || y > b || shape.distance(x, y) > 0.0 {
                    continue;
                }
                let across = if horizontal { (y - t) / (b - t) } else { (x - l) / (r - l) };
                let away = (across - light) / if across < light { light } else { 1.0 - light };
                self.grey[py * self.width + px] *= 1.0 + depth * (0.45 - away * away);
            }
        }
    }

    /// A bolt: washer, shadow, head with lit flats.
    pub fn bolt(&mut self, x: f32, y: f32, size: f32, seed: u32) {
        let turn = hash(seed as i32, 3, 77) * 1.05;
        self.shadow(&Disc(x, y, size * 1.6), (size * 0.3, size * 0.45), size * 0.6, 0.55);
        self.solid(&Disc(x, y, size * 1.55), Surface::new(122.0, seed + 5).bevel(1.6).wear(10.0, 9.0));
        self.shadow(&Hex(x, y, size, turn), (size * 0.22, size * 0.3), size * 0.4, 0.5);
        self.solid(&Hex(x, y, size, turn), Surface::new(158.0, seed + 6).bevel(2.4).wear(16.0, 10.0));
        self.solid(
            &Disc(x - size * 0.1, y - size * 0.12, size * 0.42),
            Surface::new(186.0, seed + 7).bevel(1.0).wear(8.0, 8.0),
        );
    }

    /// A raised weld seam from a to b.
    pub fn weld(&mut self, a: (f32, f32), b: (f32, f32), half: f32, seed: u32) {
        let length = (b.0 - a.0).hypot(b.1 - a.1);
        let steps = (length / (half * 1.3)).max(1.0) as i32;
        for k in 0..=steps {
            let s = k as f32 / steps as f32;
            let wobble = (hash(k, 5, seed) - 0.5) * half * 0.5;
            let (x, y) = (a.0 + (b.0 - a.0) * s + wobble, a.1 + (b.1 - a.1) * s - wobble);
            self.solid(&Disc(x, y, half), Surface::new(118.0 + 26.0 * hash(k, 9, seed), seed + 1).bevel(half * 0.8));
        }
    }

    /// A type plate with lines that look like print.
    pub fn plate(&mut self, x: f32, y: f32, width: f32, height: f32, seed: u32) {
        let plate = Block(x, y, width, height, 2.0);
        self.shadow(&plate, (1.5, 2.0), 2.5, 0.45);
        self.solid(&plate, Surface::new(188.0, seed).bevel(1.5).wear(9.0, 8.0));
        let rows = ((height - 8.0) / 6.0) as i32;
        for row in 0..rows {
            let cy = y + 6.0 + row as f32 * 6.0;
            let mut cx = x + 5.0;
            let mut k = 0;
            while cx < x + width - 7.0 {
                let len = 2.0 + 7.0 * hash(k, row, seed + 3);
                let end = (cx + len).min(x + width - 5.0);
                if hash(k, row, seed + 4) > 0.18 {
                    self.solid(&Stroke(cx, cy, end, cy, 1.1), Surface::new(62.0, seed + 2).bevel(0.0).wear(4.0, 6.0));
                }
                cx = end + 3.0;
                k += 1;
            }
        }
        for (bx, by) in [
            (x + 2.5, y + 2.5),
            (x + width - 2.5, y + 2.5),
            (x + 2.5, y + height - 2.5),
            (x + width - 2.5, y + height - 2.5),
        ] {
            self.solid(&Disc(bx, by, 1.4), Surface::new(90.0, seed + 8).bevel(0.8));
        }
    }

    /// Blurs grey and opacity like a lens (Gaussian, `sigma` in pixels) and pulls the grey towards what a sensor can show.
    pub fn lens(&mut self, sigma: f32) {
        blur(&mut self.grey, self.width, self.height, sigma);
        blur(&mut self.alpha, self.width, self.height, sigma);
        for (g, a) in self.grey.iter_mut().zip(&self.alpha) {
            *g = g.clamp(6.0 * a, 246.0 * a);
        }
    }
}

/// A shape somewhere else.
struct Moved<'a, S: Shape>(&'a S, (f32, f32));

impl<S: Shape> Shape for Moved<'_, S> {
    fn distance(&self, x: f32, y: f32) -> f32 {
        self.0.distance(x - self.1.0, y - self.1.1)
    }
    fn bounds(&self) -> [f32; 4] {
        let [l, t, r, b] = self.0.bounds();
        [l + self.1.0, t + self.1.1, r + self.1.0, b + self.1.1]
    }
}

/// Separable Gaussian blur; the border repeats its outermost pixel.
fn blur(data: &mut [f32], width: usize, height: usize, sigma: f32) {
    let reach = (sigma * 4.0).ceil() as usize;
    let mut taps: Vec<f32> =
        (0..=2 * reach).map(|i| (-0.5 * ((i as f32 - reach as f32) / sigma).powi(2)).exp()).collect();
    let sum: f32 = taps.iter().sum();
    for t in &mut taps {
        *t /= sum;
    }
    let mut line = vec![0.0_f32; width + 2 * reach];
    for row in data.chunks_exact_mut(width) {
        for (i, v) in line.iter_mut().enumerate() {
            *v = row[i.saturating_sub(reach).min(width - 1)];
        }
        for (x, out) in row.iter_mut().enumerate() {
            *out = taps.iter().zip(&line[x..]).map(|(t, v)| t * v).sum();
        }
    }
    let copy = data.to_vec();
    for (y, row) in data.chunks_exact_mut(width).enumerate() {
        row.fill(0.0);
        for (k, tap) in taps.iter().enumerate() {
            let from = (y + k).saturating_sub(reach).min(height - 1);
            for (out, v) in row.iter_mut().zip(&copy[from * width..][..width]) {
                *out += tap * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_signed() {
        assert!(Disc(0.0, 0.0, 5.0).distance(3.0, 0.0) < 0.0);
        assert!((Block(0.0, 0.0, 10.0, 4.0, 0.0).distance(12.0, 2.0) - 2.0).abs() < 1e-5);
        assert!(Hex(0.0, 0.0, 4.0, 0.0).distance(3.9, 0.0) < 0.0);
        let q = Quad([(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]);
        assert!((q.distance(5.0, 1.0) + 1.0).abs() < 1e-5);
        assert!(q.distance(-1.0, 5.0) > 0.9);
    }

    #[test]
    fn painting_covers_and_the_lens_keeps_the_mean() {
        let mut c = Canvas::new(0.0, 0.0, 40, 40);
        c.solid(&Block(10.0, 10.0, 20.0, 20.0, 3.0), Surface::new(120.0, 1));
        assert_eq!((c.alpha[20 * 40 + 20], c.alpha[0]), (1.0, 0.0));
        let before: f32 = c.alpha.iter().sum();
        c.lens(0.85);
        let after: f32 = c.alpha.iter().sum();
        assert!((before - after).abs() < 0.1, "{before} {after}");
    }
}
