//! The small products of a bank: of pieces of rows, and of matrices of four.

use crate::vibration::dots::PATCH;
use crate::vibration::reference::invert;

/// Scalar products of what is compared with (and one) with the basis (and one) over a piece of a row, and the same times the place along x.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
pub(super) fn products(with: [&[f32]; 3], basis: [&[f32]; 3], from: usize, w: usize) -> ([[f64; 4]; 4], [[f64; 2]; 4]) {
    let (mut plain, mut along_x) = ([[0.0; 4]; 4], [[0.0; 2]; 4]);
    let mut placed = [[0.0f32; PATCH]; 2];
    let len = basis[0].len();
    for (placed, b) in placed.iter_mut().zip(&basis) {
        for (i, (p, b)) in placed.iter_mut().zip(*b).enumerate() {
            *p = b * ((from + i) as f32 + 0.5 - w as f32 / 2.0);
        }
    }
    let sum = |v: &[f32]| f64::from(v.iter().sum::<f32>());
    for i in 0..3 {
        for j in 0..3 {
            plain[i][j] = dot(with[i], basis[j]);
        }
        plain[i][3] = sum(with[i]);
        plain[3][i] = sum(basis[i]);
        for (to, placed) in along_x[i].iter_mut().zip(&placed) {
            *to = dot(with[i], &placed[..len]);
        }
    }
    plain[3][3] = len as f64;
    for (to, placed) in along_x[3].iter_mut().zip(&placed) {
        *to = sum(&placed[..len]);
    }
    (plain, along_x)
}

/// The direction that alone has structure, if the other one's gradients are no more than noise makes of an averaged picture (`noise` per
/// region) while this one's are.
pub(super) fn one_direction(own: &[[f64; 4]; 4], noise: f64) -> Option<(f64, f64)> {
    // A derivative passes π²/3 of white noise; three times that is still noise.
    let floor = noise * std::f64::consts::PI.powi(2);
    let (xx, xy, yy) = (own[0][0], own[0][1], own[1][1]);
    let (half, root) = (f64::midpoint(xx, yy), ((xx - yy) / 2.0).hypot(xy));
    let (strong, weak) = (half + root, (half - root).max(0.0));
    if strong < 3.0 * floor || strong < 10.0 * weak || weak > floor.max(1e-6 * strong) {
        return None;
    }
    let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
    Some((angle.cos(), angle.sin()))
}

/// Inverse of the displacement's own part, along these directions (two, or one and zero).
pub(super) fn invert_place(g: &[[f64; 4]; 4], along: &[[f64; 2]; 2]) -> [[f64; 4]; 4] {
    let mut out = [[0.0; 4]; 4];
    let [a, b] = along;
    let of = |u: &[f64; 2], v: &[f64; 2]| -> f64 {
        (0..2).map(|i| (0..2).map(|j| u[i] * g[i][j] * v[j]).sum::<f64>()).sum()
    };
    if *b == [0.0, 0.0] {
        let along = of(a, a);
        for i in 0..2 {
            for j in 0..2 {
                out[i][j] = if along > 0.0 { a[i] * a[j] / along } else { 0.0 };
            }
        }
        return out;
    }
    let det = g[0][0] * g[1][1] - g[0][1] * g[1][0];
    if det > 0.0 {
        (out[0][0], out[0][1], out[1][0], out[1][1]) = (g[1][1] / det, -g[0][1] / det, -g[1][0] / det, g[0][0] / det);
    }
    out
}

/// Pseudo-inverse that moves the displacement along one direction only.
pub(super) fn invert_along(g: &[[f64; 4]; 4], (ex, ey): (f64, f64)) -> Option<[[f64; 4]; 4]> {
    let e = [[ex, ey, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
    let mut small = [[0.0; 3]; 3];
    for (row, a) in small.iter_mut().zip(&e) {
        for (v, b) in row.iter_mut().zip(&e) {
            *v = (0..4).map(|i| (0..4).map(|j| a[i] * g[i][j] * b[j]).sum::<f64>()).sum();
        }
    }
    let small = invert(&small)?;
    let mut out = [[0.0; 4]; 4];
    for (i, row) in out.iter_mut().enumerate() {
        for (j, v) in row.iter_mut().enumerate() {
            *v = (0..3).map(|k| (0..3).map(|l| e[k][i] * small[k][l] * e[l][j]).sum::<f64>()).sum();
        }
    }
    Some(out)
}

/// The part of `a · m · aᵀ` that belongs to the displacement: xx, xy, yy.
pub(super) fn sandwich(a: &[[f64; 4]; 4], m: &[[f64; 4]; 4]) -> [f64; 3] {
    let entry = |i: usize, j: usize| {
        let mut sum = 0.0;
        for k in 0..4 {
            for l in 0..4 {
                sum += a[i][k] * m[k][l] * a[j][l];
            }
        }
        sum
    };
    [entry(0, 0), entry(0, 1), entry(1, 1)]
}

pub(super) fn multiply(m: &[[f64; 4]; 4], v: &[f64; 4]) -> [f64; 4] {
    m.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
}

/// Scalar product; rows are short enough for lanes of single precision.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut lanes = [0.0f32; 8];
    let (ca, cb) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f32 = ca.remainder().iter().zip(cb.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in ca.zip(cb) {
        for k in 0..8 {
            lanes[k] += a[k] * b[k];
        }
    }
    f64::from(lanes.iter().sum::<f32>() + tail)
}
