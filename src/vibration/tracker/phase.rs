//! The error of displacement that follows the sub-pixel phase: what detail beyond half a cycle a pixel, folded, does to a fit against a
//! reference that does not know it.
//!
//! To first order that error is a sum of the phase functions of the folding orders -1, 0 and 1 of both axes. In the low frequencies nothing
//! folds: by how much they lie apart from the whole band is regressed on these functions, each shrunk by what the regression says
//! of all (empirical Bayes: `MacKay`, "Bayesian Interpolation", Neural Computation 4(3), 1992). What is found is taken off, and how uncertain
//! it is goes into the stated uncertainty. Where nothing folds, nothing is found, and nothing changes.

use std::f64::consts::TAU;

use crate::vibration::reference::invert;

/// The phase functions: 1, cos, sin of the phase of x, times the same of y.
const FUNCTIONS: usize = 9;
/// Looks from which on something is said.
const LEAST_LOOKS: f64 = 24.0;
/// Looks that are remembered.
const LOOKS: f64 = 2048.0;
/// The regression.
#[derive(Clone, Debug, Default)]
pub struct PhaseError {
    normal: [[f64; FUNCTIONS]; FUNCTIONS],
    with: [[f64; FUNCTIONS]; 2],
    squares: [f64; 2],
    axes: [Axis; 2],
}

/// What is known of one axis.
#[derive(Clone, Copy, Debug, Default)]
struct Axis {
    coefs: [f64; FUNCTIONS],
    covariance: [[f64; FUNCTIONS]; FUNCTIONS],
    /// Variance of the coefficients among themselves; none where nothing folds.
    power: Option<f64>,
}

impl PhaseError {
    /// Looks taken.
    pub fn looks(&self) -> f64 {
        self.normal[0][0]
    }

    /// The reference was made anew and keeps so much of the old one.
    pub fn forget(&mut self, keep: f64) {
        self.normal
            .iter_mut()
            .flatten()
            .chain(self.with.iter_mut().flatten())
            .chain(&mut self.squares)
            .for_each(|v| *v *= keep);
    }

    /// Takes by how much the whole band's displacement, which is `d`, lies from the low frequencies'.
    pub fn take(&mut self, d: (f64, f64), apart: (f64, f64)) {
        let g = functions(d);
        self.forget(1.0 - 1.0 / LOOKS);
        for (row, a) in self.normal.iter_mut().zip(&g) {
            for (n, b) in row.iter_mut().zip(&g) {
                *n += a * b;
            }
        }
        for ((with, square), v) in self.with.iter_mut().zip(&mut self.squares).zip([apart.0, apart.1]) {
            for (w, g) in with.iter_mut().zip(&g) {
                *w += v * g;
            }
            *square += v * v;
        }
        if self.looks() >= LEAST_LOOKS {
            for axis in 0..2 {
                self.regress(axis);
            }
        }
    }

    fn regress(&mut self, axis: usize) {
        let n = self.looks();
        // The mean is where the reference lies, and free.
        let share = self.normal[0].map(|v| v / n);
        let mean = self.with[axis][0] / n;
        let mut own = [[0.0; FUNCTIONS]; FUNCTIONS];
        let mut with = [0.0; FUNCTIONS];
        own[0][0] = 1.0;
        for i in 1..FUNCTIONS {
            for j in 1..FUNCTIONS {
                own[i][j] = self.normal[i][j] - n * share[i] * share[j];
            }
            with[i] = self.with[axis][i] - n * share[i] * mean;
        }
        let total = (self.squares[axis] - n * mean * mean).max(0.0);
        let was = self.axes[axis];
        let explained: f64 =
            (1..FUNCTIONS).map(|i| was.coefs[i] * (2.0 * with[i] - product(&own[i], &was.coefs))).sum();
        let noise = ((total - explained) / n).max(1e-12);
        let power = was.power.unwrap_or(total / n);
        let mut a = own;
        for (i, row) in a.iter_mut().enumerate().skip(1) {
            *row = row.map(|v| v / noise);
            row[i] += 1.0 / power;
        }
        let Some(covariance) = invert(&a) else { return };
        let coefs: [f64; FUNCTIONS] =
            std::array::from_fn(|i| if i == 0 { 0.0 } else { product(&covariance[i], &with) / noise });
        let told: f64 = (1..FUNCTIONS).map(|i| 1.0 - covariance[i][i] / power).sum();
        let found: f64 = coefs.iter().map(|c| c * c).sum();
        let power = (found / told.max(0.1)).clamp(1e-12, 0.01);
        self.axes[axis] = Axis { coefs, covariance, power: Some(power) };
    }

    /// The error at a displacement, and its standard deviation, of x and of y.
    pub fn at(&self, d: (f64, f64)) -> ([f64; 2], [f64; 2]) {
        let n = self.looks();
        if n < LEAST_LOOKS {
            return Default::default();
        }
        let mut g = functions(d);
        for (g, s) in g.iter_mut().zip(&self.normal[0]) {
            *g -= s / n;
        }
        let (mut error, mut sigma) = ([0.0; 2], [0.0; 2]);
        for (k, axis) in self.axes.iter().enumerate() {
            error[k] = product(&axis.coefs, &g);
            sigma[k] = axis
                .covariance
                .iter()
                .zip(&g)
                .skip(1)
                .map(|(row, v)| v * product(row, &g))
                .sum::<f64>()
                .max(0.0)
                .sqrt();
        }
        (error, sigma)
    }
}

fn product(a: &[f64; FUNCTIONS], b: &[f64; FUNCTIONS]) -> f64 {
    a.iter().zip(b).skip(1).map(|(a, b)| a * b).sum()
}

/// The orders' phase functions at a displacement.
fn functions((dx, dy): (f64, f64)) -> [f64; FUNCTIONS] {
    let ((sx, cx), (sy, cy)) = ((TAU * dx).sin_cos(), (TAU * dy).sin_cos());
    [1.0, cx, sx, cy, cx * cy, sx * cy, sy, cx * sy, sx * sy]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a displacement that goes about one pixel, with this error and noise.
    fn learned(error: impl Fn(f64, f64) -> f64) -> PhaseError {
        let mut p = PhaseError::default();
        for i in 0..400 {
            let d = (0.5 * (f64::from(i) * 0.83).sin(), 0.4 * (f64::from(i) * 0.83).cos());
            let noise = 0.004 * (f64::from(i) * 7.31).sin();
            p.take(d, (error(d.0, d.1) + noise, noise));
        }
        p
    }

    #[test]
    fn an_error_that_follows_the_phase_is_found() {
        let error = |x: f64, y: f64| 0.003 * (TAU * x + 0.4).sin() + 0.001 * (TAU * y).cos();
        let p = learned(error);
        // Only on the path that was seen can it be told.
        let at = |a: f64| {
            let d = (0.5 * a.sin(), 0.4 * a.cos());
            (p.at(d).0[0], error(d.0, d.1))
        };
        let (a, b) = (at(-0.7), at(0.7));
        assert!(((a.0 - b.0) - (a.1 - b.1)).abs() < 0.0006, "{a:?} {b:?}");
        let unsure = p.at((0.32, 0.31)).1[0];
        assert!((1e-5..0.0015).contains(&unsure), "{unsure}");
    }

    #[test]
    fn where_nothing_folds_next_to_nothing_is_found() {
        let p = learned(|_, _| 0.0);
        for x in [-0.4, -0.1, 0.2, 0.45] {
            let (error, unsure) = p.at((x, 0.1));
            assert!(error[0].abs() < 0.0004 && unsure[0] < 0.0004, "{error:?} {unsure:?}");
        }
        assert_eq!(PhaseError::default().at((0.2, 0.2)), ([0.0; 2], [0.0; 2]), "before anything was seen");
    }
}
