//! Whether something within the region stands still while the target moves: a fixed pattern of the sensor, dirt on the glass, a mesh or a burnt-in text in front.
//!
//! It holds the displacement back, and becomes part of the reference as well; so the fit explains the pictures nearly, but what it leaves goes
//! with the motion. For an additive pattern whose slopes are a share λ of the squares of all slopes, the displacement is 1 − λ of the true one, and what the fit leaves,
//! regressed on the displacement, has λ of the squares of the slopes (to first order in the displacement). What places are merely displaced by is taken out
//! before, so haze and turns leave nothing.

use std::f64::consts::PI;

/// Looks from which on something is said, how many are remembered, and how often it is worked out.
const LEAST: f64 = 14.0;
const LOOKS: f64 = 256.0;
const EVERY: u32 = 4;
/// By how many standard deviations of chance it must stand out.
const CHANCE: f64 = 8.0;

/// What residuals of one region have told.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// Looks, displacements and their products about the first one, all with what is forgotten.
    looks: f64,
    first: Option<[f64; 2]>,
    sums: [f64; 2],
    products: [f64; 3],
    /// Residuals, and their products with the displacement along x and along y, pixel by pixel.
    residuals: [Vec<f32>; 3],
    /// Squares of the residuals and of the slopes along x and y, summed over the pixels; and of the slopes that noise in the reference has.
    square: f64,
    noisy: f64,
    slopes: [f64; 2],
    taken: u32,
    found: Found,
}

/// What was found to stand still.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Which share of the region's slopes belongs to it, weighed by how far the region moves along each axis; 0 where chance could make it.
    pub share: f64,
    /// Which share of the residual goes with the motion.
    pub of_residual: f64,
}

impl Standing {
    /// For a region of so many pixels; for none it says nothing.
    pub(super) fn new(pixels: usize) -> Self {
        Self {
            looks: 0.0,
            first: None,
            sums: [0.0; 2],
            products: [0.0; 3],
            residuals: std::array::from_fn(|_| vec![0.0; pixels]),
            square: 0.0,
            noisy: 0.0,
            slopes: [0.0; 2],
            taken: 0,
            found: Found::default(),
        }
    }

    /// Nothing was seen yet.
    pub(super) fn forget(&mut self) {
        let residuals = std::mem::take(&mut self.residuals);
        *self = Self::new(0);
        self.residuals = residuals;
        self.residuals.iter_mut().for_each(|r| r.fill(0.0));
    }

    /// Takes what the fit of a frame displaced by `d` pixels against a reference of so many `frames` leaves, and the model's slopes, which are differences
    /// over `step_px`.
    pub(super) fn take(&mut self, d: (f64, f64), frames: u32, residual: &[f32], slopes: [&[f32]; 2], step_px: f64) {
        if self.residuals[0].len() != residual.len() {
            return;
        }
        let first = *self.first.get_or_insert([d.0, d.1]);
        let [x, y] = [d.0 - first[0], d.1 - first[1]];
        let keep = 1.0 - 1.0 / LOOKS;
        let squares = |v: &[f32]| v.chunks(64).map(|v| f64::from(v.iter().map(|v| v * v).sum::<f32>())).sum::<f64>();
        let add = |to: &mut f64, v: f64| *to = keep * *to + v;
        add(&mut self.looks, 1.0);
        add(&mut self.sums[0], x);
        add(&mut self.sums[1], y);
        for (to, v) in self.products.iter_mut().zip([x * x, x * y, y * y]) {
            add(to, v);
        }
        let square = squares(residual);
        add(&mut self.square, square);
        // White noise has slopes of π²/3 of its variance.
        add(&mut self.noisy, PI * PI / 3.0 * square / f64::from(frames.max(1)));
        for (to, v) in self.slopes.iter_mut().zip(slopes) {
            add(to, squares(v) / (step_px * step_px));
        }
        let keep = keep as f32;
        for (to, by) in self.residuals.iter_mut().zip([1.0, x as f32, y as f32]) {
            to.iter_mut().zip(residual).for_each(|(to, r)| *to = keep * *to + by * r);
        }
        self.taken += 1;
        if self.taken.is_multiple_of(EVERY) {
            self.found = self.find();
        }
    }

    /// How far a displacement lies from the mean of those that were looked at, in pixels.
    pub(super) fn away_px(&self, d: (f64, f64)) -> f64 {
        let Some(first) = self.first else { return 0.0 };
        let n = self.looks.max(1.0);
        (d.0 - first[0] - self.sums[0] / n).hypot(d.1 - first[1] - self.sums[1] / n)
    }

    /// What stands still.
    pub(super) fn found(&self) -> Found {
        self.found
    }

    fn find(&self) -> Found {
        let (n, pixels) = (self.looks, self.residuals[0].len() as f64);
        if n < LEAST {
            return Found::default();
        }
        let mean = self.sums.map(|s| s / n);
        let xx = self.products[0] / n - mean[0] * mean[0];
        let xy = self.products[1] / n - mean[0] * mean[1];
        let yy = self.products[2] / n - mean[1] * mean[1];
        let det = xx * yy - xy * xy;
        // Along a line both axes are one.
        let line = !(det > 1e-3 * (xx + yy) * (xx + yy));
        let total = xx + yy;
        if !(total > 0.0) {
            return Found::default();
        }
        let solve = |x: f64, y: f64| {
            if line {
                let (ux, uy) = (xx.sqrt(), yy.sqrt().copysign(xy));
                let along = (x * ux + y * uy) / (total * total);
                (along * ux, along * uy)
            } else {
                ((yy * x - xy * y) / det, (xx * y - xy * x) / det)
            }
        };
        // Squares of the regression's coefficients, weighed by the motion; and of chance in them.
        let mut seen = 0.0;
        let [whole, with_x, with_y] = &self.residuals;
        for ((r, x), y) in whole.iter().zip(with_x).zip(with_y) {
            let [r, x, y] = [*r, *x, *y].map(|v| f64::from(v) / n);
            let (a, b) = solve(x - r * mean[0], y - r * mean[1]);
            seen += xx * a * a + 2.0 * xy * a * b + yy * b * b;
        }
        let noise = self.square / (n * pixels);
        let dimensions = if line { 1.0 } else { 2.0 };
        let chance = dimensions * noise * pixels / n;
        let slopes = (xx * self.slopes[0] + yy * self.slopes[1]) / n;
        let above = seen - chance - total * self.noisy / n;
        if above > CHANCE * chance * (2.0 / (dimensions * pixels)).sqrt() {
            Found { share: above / slopes.max(f64::MIN_POSITIVE), of_residual: above / (noise * pixels) }
        } else {
            Found::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 48;

    /// Residuals of a texture that moves by `d` before a still one of a share of its slopes, as a fit leaves them.
    fn told(still: f64, path: impl Fn(u32) -> (f64, f64)) -> f64 {
        let mut state = 3u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f64 / f64::from(1u32 << 24) - 0.5) * 12f64.sqrt()
        };
        let field = |seed: f64, along: (f64, f64)| -> Vec<f64> {
            (0..SIDE * SIDE)
                .map(|i| 10.0 * (along.0 * (i % SIDE) as f64 + along.1 * (i / SIDE) as f64 + seed).sin())
                .collect()
        };
        // Slopes of the moving texture and of the still one, along both axes.
        let moving = [field(0.0, (0.5, 0.2)), field(1.0, (0.3, -0.6))];
        let fixed = [field(2.0, (1.9, 0.7)), field(3.0, (-0.8, 2.1))];
        let slopes: Vec<Vec<f32>> = (0..2)
            .map(|a| moving[a].iter().zip(&fixed[a]).map(|(m, f)| (0.1 * (m + still.sqrt() * f)) as f32).collect())
            .collect();
        let mut standing = Standing::new(SIDE * SIDE);
        for n in 0..80 {
            let d = path(n);
            let residual: Vec<f32> = (0..SIDE * SIDE)
                .map(|i| (still.sqrt() * (fixed[0][i] * d.0 + fixed[1][i] * d.1) + noise()) as f32)
                .collect();
            standing.take((d.0 + 3.0, d.1), 4096, &residual, [&slopes[0], &slopes[1]], 0.1);
        }
        standing.found().share
    }

    #[test]
    fn what_stands_still_is_told_by_what_goes_with_the_motion() {
        let ellipse = |n: u32| (0.5 * (0.85 * f64::from(n)).sin(), 0.3 * (0.85 * f64::from(n) + 1.2).sin());
        let line = |n: u32| (0.5 * (0.85 * f64::from(n)).sin(), 0.25 * (0.85 * f64::from(n)).sin());
        assert_eq!(told(0.0, ellipse), 0.0);
        assert_eq!(told(0.0, line), 0.0);
        for path in [&ellipse as &dyn Fn(u32) -> (f64, f64), &line] {
            let share = told(0.1, path);
            assert!((share - 0.1 / 1.1).abs() < 0.03, "{share}");
        }
        assert_eq!(told(0.1, |_| (0.2, 0.1)), 0.0, "at rest nothing tells");
    }
}
