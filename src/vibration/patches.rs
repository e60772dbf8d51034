//! What each patch of a region says for itself: how it pulls at the common displacement, and the linear field of displacement.
//!
//! All of it comes from the sums of the one pass. A patch whose displacement differs by δ from the common one pulls by F·δ times the
//! gain, where F is its Fisher matrix (scalar products of the derivatives within it). The linear field, displacement going
//! with the place, is the weighted least-squares fit of all pulls; how far it can be told from displacement, gain and offset is
//! taken into account exactly.

use super::dots::{PATCH, Sums};
use super::reference::invert;

/// Coefficients of 1, x, y, x², xy, y².
pub(super) type Quadratic = [f32; 6];

/// One patch at one phase.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patch {
    /// Scalar products of the derivatives with the displaced model, quadratic in the displacement, and with one.
    pub(super) model: [Quadratic; 2],
    pub(super) ones: [f32; 2],
    /// Its Fisher matrix for independent noise of one grey level: xx, xy, yy.
    pub fisher: [f64; 3],
    /// Its centre less the region's, in pixels; zero along a side that has one patch only.
    pub place: [f64; 2],
}

impl Patch {
    /// How it pulls at the displacement: what its sums hold beyond the common model. `at` are the powers of the displacement.
    pub(super) fn pull(&self, s: &Sums, at: &Quadratic, gain: f32, offset: f32) -> [f64; 2] {
        std::array::from_fn(|k| {
            let expected: f32 = self.model[k].iter().zip(at).map(|(c, v)| c * v).sum();
            f64::from(s[k] - gain * expected - offset * self.ones[k])
        })
    }

    /// The Fisher matrix times a vector.
    #[must_use]
    pub fn times(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [xx, xy, yy] = self.fisher;
        [xx * x + xy * y, xy * x + yy * y]
    }

    /// What the linear field displaces it by.
    #[must_use]
    pub fn moved(&self, field: &[f64; 4]) -> [f64; 2] {
        let [x, y] = self.place;
        [field[0] * x + field[1] * y, field[2] * x + field[3] * y]
    }
}

/// How the displacement goes with the place: dx with x, dx with y, dy with x, dy with y; and how uncertain that is.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The four slopes, without dimension; NaN where the region has one patch only along that side.
    pub slopes: [f64; 4],
    /// Variances for independent noise of one grey level a pixel: of the turn (half the difference of the two middle slopes), of dx with y and of dy with y.
    pub variances: [f64; 3],
}

impl Default for Field {
    fn default() -> Self {
        Self { slopes: [f64::NAN; 4], variances: [f64::INFINITY; 3] }
    }
}

impl Field {
    /// Turn about the region's centre, in radians, from +x to +y.
    #[must_use]
    pub fn turn_rad(&self) -> f64 {
        (self.slopes[2] - self.slopes[1]) / 2.0
    }

    /// How dx and dy go with y.
    #[must_use]
    pub fn down(&self) -> [f64; 2] {
        [self.slopes[1], self.slopes[3]]
    }

    /// The slopes with those that are not known as zero.
    #[must_use]
    pub fn known(&self) -> [f64; 4] {
        self.slopes.map(|s| if s.is_finite() { s } else { 0.0 })
    }
}

/// Sums over pixels that give the linear field's normal equations.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldSums {
    /// Field with field, field with displacement, gain and offset, and these with the field.
    own: [[f64; 4]; 4],
    across: [[f64; 4]; 4],
    back: [[f64; 4]; 4],
    /// The matrix of the pulls' covariance for white noise.
    noise: [[f64; 4]; 4],
}

impl FieldSums {
    /// Takes the part of one patch in one row: `plain` are the scalar products of the basis with the basis, `along_x` the same times
    /// the place along x, at the place `y`; rows are of what is compared with, columns of the model.
    pub(super) fn add(&mut self, patch: &Patch, plain: &[[f64; 4]; 4], along_x: &[[f64; 2]; 4], y: f64) {
        let place = patch.place;
        for k in 0..2 {
            for (axis, r) in place.into_iter().enumerate() {
                for l in 0..2 {
                    self.own[2 * k + axis][2 * l] += r * along_x[k][l];
                    self.own[2 * k + axis][2 * l + 1] += r * y * plain[k][l];
                }
                for j in 0..4 {
                    self.across[2 * k + axis][j] += r * plain[k][j];
                }
            }
        }
        for i in 0..4 {
            for l in 0..2 {
                self.back[i][2 * l] += along_x[i][l];
                self.back[i][2 * l + 1] += y * plain[i][l];
            }
        }
    }

    /// Takes a whole patch's part in the noise of the pulls; `fisher` is that of what is compared with.
    pub(super) fn add_noise(&mut self, place: [f64; 2], fisher: [f64; 3]) {
        let f = [[fisher[0], fisher[1]], [fisher[1], fisher[2]]];
        for k in 0..2 {
            for l in 0..2 {
                for (a, r) in place.into_iter().enumerate() {
                    for (b, s) in place.into_iter().enumerate() {
                        self.noise[2 * k + a][2 * l + b] += f[k][l] * r * s;
                    }
                }
            }
        }
    }

    /// What turns the patches' pulls into the field, and its covariance for white noise; `inverse` is that of the other four unknowns.
    pub(super) fn solve(&self, inverse: &[[f64; 4]; 4], sides: [bool; 2]) -> Option<Slopes> {
        let through = product(&product(&self.across, inverse), &self.back);
        let mut own = self.own;
        for (i, row) in own.iter_mut().enumerate() {
            for (j, v) in row.iter_mut().enumerate() {
                // A side with one patch only tells nothing of a slope along it.
                let told = sides[i % 2] && sides[j % 2];
                *v = if told { *v - through[i][j] } else { f64::from(u8::from(i == j)) };
            }
        }
        let inverse = invert(&own)?;
        let mut turned = inverse;
        for i in 0..4 {
            for j in 0..4 {
                turned[i][j] = inverse[j][i];
            }
        }
        Some(Slopes { inverse, covariance: product(&product(&inverse, &self.noise), &turned), sides })
    }
}

/// How the field follows from the pulls.
#[derive(Clone, Debug)]
pub(super) struct Slopes {
    inverse: [[f64; 4]; 4],
    covariance: [[f64; 4]; 4],
    sides: [bool; 2],
}

impl Slopes {
    /// The field from the sums of the pulls times their places (x with x, x with y, y with x, y with y).
    pub(super) fn field(&self, moments: &[f64; 4], gain: f64) -> Field {
        let mut slopes: [f64; 4] =
            self.inverse.map(|row| row.iter().zip(moments).map(|(a, b)| a * b).sum::<f64>() / gain);
        for (i, s) in slopes.iter_mut().enumerate() {
            if !self.sides[i % 2] {
                *s = f64::NAN;
            }
        }
        let c = &self.covariance;
        let turn = (c[1][1] + c[2][2] - c[1][2] - c[2][1]) / 4.0;
        Field { slopes, variances: [turn, c[1][1], c[3][3]].map(|v| v / (gain * gain)) }
    }
}

/// Places of the patches of a region of `w` by `h` pixels, row by row.
pub(super) fn places(w: usize, h: usize) -> impl Iterator<Item = [f64; 2]> {
    let columns = w.div_ceil(PATCH);
    (0..columns * h.div_ceil(PATCH)).map(move |i| [centre(i % columns, w), centre(i / columns, h)])
}

/// Centre of patch `i` along a side of `n` pixels, less the side's own.
fn centre(i: usize, n: usize) -> f64 {
    let from = i * PATCH;
    f64::midpoint(from as f64, (from + PATCH).min(n) as f64) - n as f64 / 2.0
}

fn product(a: &[[f64; 4]; 4], b: &[[f64; 4]; 4]) -> [[f64; 4]; 4] {
    let mut out = [[0.0; 4]; 4];
    for (row, a) in out.iter_mut().zip(a) {
        for (j, v) in row.iter_mut().enumerate() {
            *v = a.iter().zip(b).map(|(a, b)| a * b[j]).sum();
        }
    }
    out
}

/// Weights of a value at the node (x, y) in the quadratic of least squares over all nodes.
pub(super) fn quadratic_weights(x: f32, y: f32) -> Quadratic {
    // Orthogonal polynomials on -2..2: 1, x and x² - 2, of squares 5, 10 and 14.
    let (qx, qy) = ((x * x - 2.0) / 70.0, (y * y - 2.0) / 70.0);
    [1.0 / 25.0 - 2.0 * (qx + qy), x / 50.0, y / 50.0, qx, x * y / 100.0, qy]
}
