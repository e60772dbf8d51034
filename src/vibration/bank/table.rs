//! One phase of a bank: what is kept of its basis, and how a frame's sums become displacement, light and what the patches say of them.

use super::algebra::{multiply, sandwich};
use crate::vibration::dots::Sums;
use crate::vibration::patches::{Field, Patch, Slopes};

/// Nodes of the polynomials on each axis.
pub const NODES: usize = 5;

/// A polynomial of two variables, degree 4 in each.
pub type Poly = [[f64; NODES]; NODES];

/// What belongs to one phase.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// What one of the small numbers of the basis stands for.
    pub units: [f32; 3],
    pub inverse: [[f64; 4]; 4],
    /// The same where gain and offset are not fitted.
    pub fixed: [[f64; 4]; 4],
    /// Scalar products of the basis with one.
    pub ones: [f64; 4],
    /// Scalar products of the basis with the model displaced by the rest.
    pub model: [Poly; 4],
    /// Square of the displaced model that the basis does not span.
    pub beyond: Poly,
    /// Covariance of the displacement for independent noise of one grey level a pixel and a gain of one: xx, xy, yy.
    pub covariance: [f64; 3],
    pub patches: Vec<Patch>,
    /// How the linear field follows from the patches' pulls; none where it cannot be told.
    pub slopes: Option<Slopes>,
    pub one_direction: bool,
}

/// A fit of one frame near one phase.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fitted {
    /// Displacement, in pixels, whole part included.
    pub d: (f64, f64),
    /// Light: the frame is `gain · model + offset`.
    pub gain: f64,
    /// Offset in grey levels.
    pub offset: f64,
    /// Sum of the squared residuals.
    pub residual: f64,
    /// Sum of the squares about the mean.
    pub total: f64,
    /// Covariance of the displacement for independent noise of one grey level a pixel: xx, xy, yy.
    pub covariance: [f64; 3],
    /// The same as the patches tell it by how differently they pull, in pixels squared.
    pub spread: [f64; 3],
    /// How the displacement goes with the place.
    pub field: Field,
    /// Variance of a pixel, in grey levels squared, as the patches tell it by how they lie apart beyond such a field; 0 where there are too few.
    pub apart: f64,
    /// Pixels that were compared.
    pub pixels: f64,
    /// Whether only motion across the region's edges can be seen: it has no structure along them.
    pub one_direction: bool,
    /// Whether the rest lay within the phase's reach; else `d` is the way to go on.
    pub settled: bool,
}

/// The sums of a frame, and which patches are left out.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub sums: &'a [Sums],
    pub out: &'a [bool],
}

impl Table {
    /// Displacement, gain and offset from the sums: Newton steps with the phase's own normal matrix. `base` is the phase's
    /// displacement, `unit` the distance of the polynomials' nodes in pixels.
    pub fn solve(
        &self,
        parts: Parts<'_>,
        base: (f64, f64),
        unit: f64,
        n: f64,
        pulls: &mut [[f64; 2]],
        flicker: bool,
    ) -> Option<Fitted> {
        let (mut with, mut square) = ([0.0f64; 4], 0.0f64);
        for (s, _) in parts.sums.iter().zip(parts.out).filter(|(_, out)| !**out) {
            for (w, s) in with.iter_mut().zip(s) {
                *w += f64::from(*s);
            }
            square += f64::from(s[4]);
        }
        let [px, py, mut gain, mut offset] = multiply(&self.inverse, &with);
        let total = square - with[3] * with[3] / n;
        if !(0.02..50.0).contains(&gain) {
            return None;
        }
        let (mut dx, mut dy) = (px / gain, py / gain);
        let reach = 2.0 * unit;
        let settled = dx.abs() <= 1.5 * reach && dy.abs() <= 1.5 * reach;
        if settled {
            for _ in 0..6 {
                let (tx, ty) = ((dx / unit).clamp(-2.5, 2.5), (dy / unit).clamp(-2.5, 2.5));
                let mut r = with;
                for (r, (c, one)) in r.iter_mut().zip(self.model.iter().zip(&self.ones)) {
                    *r -= gain * value(c, tx, ty) + offset * one;
                }
                let s = multiply(&self.inverse, &r);
                dx += s[0] / gain;
                dy += s[1] / gain;
                gain += s[2];
                offset += s[3];
                if !(0.02..50.0).contains(&gain) {
                    return None;
                }
                if s[0].abs() + s[1].abs() < 1e-7 * gain {
                    break;
                }
            }
        }
        if !flicker {
            ((dx, dy), gain, offset) = (self.place_only(&with, (dx, dy), unit), 1.0, 0.0);
        }
        let settled = settled && dx.abs() <= reach && dy.abs() <= reach;
        let spanned: f64 = multiply(&self.inverse, &with).iter().zip(&with).map(|(a, b)| a * b).sum();
        let beyond = if settled { gain * gain * value(&self.beyond, dx / unit, dy / unit) } else { 0.0 };
        let scale = 1.0 / (gain * gain);
        let (spread, field, apart) = if settled {
            self.pull_apart(parts, (dx / unit, dy / unit), (gain, offset), pulls)
        } else {
            ([0.0; 3], Field::default(), 0.0)
        };
        Some(Fitted {
            d: (base.0 + dx, base.1 + dy),
            gain,
            offset,
            residual: (square - spanned - beyond).max(0.0),
            total,
            covariance: self.covariance.map(|c| c * scale),
            spread: spread.map(|c| c * scale),
            field,
            apart,
            pixels: n,
            one_direction: self.one_direction,
            settled,
        })
    }

    /// The displacement under the reference's own light, near the one given.
    fn place_only(&self, with: &[f64; 4], (mut dx, mut dy): (f64, f64), unit: f64) -> (f64, f64) {
        for _ in 0..6 {
            let (tx, ty) = ((dx / unit).clamp(-2.5, 2.5), (dy / unit).clamp(-2.5, 2.5));
            let mut r = *with;
            for (r, c) in r.iter_mut().zip(&self.model) {
                *r -= value(c, tx, ty);
            }
            let s = multiply(&self.fixed, &r);
            dx += s[0];
            dy += s[1];
            if s[0].abs() + s[1].abs() < 1e-7 {
                break;
            }
        }
        (dx, dy)
    }

    /// Covariance of the displacement from how differently the patches pull at it (cluster-robust: White 1984, with patches as clusters):
    /// whatever noise does within a patch, blocks of a codec, haze, dirt, it is counted as it is. And the linear field that they pull for.
    fn pull_apart(
        &self,
        parts: Parts<'_>,
        (x, y): (f64, f64),
        (gain, offset): (f64, f64),
        out: &mut [[f64; 2]],
    ) -> ([f64; 3], Field, f64) {
        let (x, y, light) = (x as f32, y as f32, (gain as f32, offset as f32));
        let at = [1.0, x, y, x * x, x * y, y * y];
        let mut pulls = [[0.0; 4]; 4];
        let mut moments = [0.0; 4];
        let mut m = 0.0f64;
        for (((s, left_out), patch), to) in parts.sums.iter().zip(parts.out).zip(&self.patches).zip(&mut *out) {
            let pull = patch.pull(s, &at, light.0, light.1);
            *to = pull;
            if *left_out {
                continue;
            }
            m += 1.0;
            pulls[0][0] += pull[0] * pull[0];
            pulls[0][1] += pull[0] * pull[1];
            pulls[1][1] += pull[1] * pull[1];
            let [px, py] = patch.place;
            for (to, v) in moments.iter_mut().zip([pull[0] * px, pull[0] * py, pull[1] * px, pull[1] * py]) {
                *to += v;
            }
        }
        pulls[1][0] = pulls[0][1];
        let spread = sandwich(&self.inverse, &pulls).map(|c| c * m / (m - 1.0).max(1.0));
        let field = self.slopes.as_ref().map_or_else(Field::default, |s| s.field(&moments, gain));
        (spread, field, self.beyond_field(parts, out, &field.known().map(|s| gain * s)))
    }

    /// Mean square of the pulls beyond a linear field (`slopes` times the gain), as the variance of a pixel that would make them.
    fn beyond_field(&self, parts: Parts<'_>, pulls: &[[f64; 2]], slopes: &[f64; 4]) -> f64 {
        let (mut square, mut expected, mut m) = (0.0, 0.0, 0.0);
        for ((patch, pull), _) in self.patches.iter().zip(pulls).zip(parts.out).filter(|(_, out)| !**out) {
            let of_field = patch.times(patch.moved(slopes));
            square += (pull[0] - of_field[0]).powi(2) + (pull[1] - of_field[1]).powi(2);
            expected += patch.fisher[0] + patch.fisher[2];
            m += 1.0;
        }
        // Displacement and field take six of the two degrees of freedom a patch.
        if m > 3.0 && expected > 0.0 { square / expected * m / (m - 3.0) } else { 0.0 }
    }
}

/// Coefficients of the polynomial through values at -2, -1, 0, 1, 2 of both variables; rows are of the second.
pub(super) fn polynomial(values: &Poly) -> Poly {
    // Inverse of the Vandermonde matrix of these nodes.
    const V: Poly = [
        [0.0, 0.0, 1.0, 0.0, 0.0],
        [1.0 / 12.0, -8.0 / 12.0, 0.0, 8.0 / 12.0, -1.0 / 12.0],
        [-1.0 / 24.0, 16.0 / 24.0, -30.0 / 24.0, 16.0 / 24.0, -1.0 / 24.0],
        [-1.0 / 12.0, 2.0 / 12.0, 0.0, -2.0 / 12.0, 1.0 / 12.0],
        [1.0 / 24.0, -4.0 / 24.0, 6.0 / 24.0, -4.0 / 24.0, 1.0 / 24.0],
    ];
    let mut half = [[0.0; NODES]; NODES];
    for (row, values) in half.iter_mut().zip(values) {
        for (c, v) in row.iter_mut().zip(&V) {
            *c = v.iter().zip(values).map(|(a, b)| a * b).sum();
        }
    }
    let mut out = [[0.0; NODES]; NODES];
    for (row, v) in out.iter_mut().zip(&V) {
        for (j, c) in row.iter_mut().enumerate() {
            *c = v.iter().zip(&half).map(|(a, h)| a * h[j]).sum();
        }
    }
    out
}

fn value(c: &Poly, x: f64, y: f64) -> f64 {
    c.iter().rev().fold(0.0, |sum, row| sum * y + row.iter().rev().fold(0.0, |s, c| s * x + c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_go_through_their_nodes() {
        let mut v = [[0.0; NODES]; NODES];
        for (i, row) in v.iter_mut().enumerate() {
            for (j, v) in row.iter_mut().enumerate() {
                let (x, y) = (j as f64 - 2.0, i as f64 - 2.0);
                *v = 1.0 + x * 2.0 - y * x * x + 0.3 * x.powi(4) * y.powi(3);
            }
        }
        let p = polynomial(&v);
        for (x, y) in [(0.3, -1.4), (1.9, 0.7), (-0.2, 2.0)] {
            let want: f64 = 1.0 + x * 2.0 - y * x * x + 0.3 * f64::powi(x, 4) * f64::powi(y, 3);
            assert!((value(&p, x, y) - want).abs() < 1e-9);
        }
    }
}
