//! The fit's basis at a grid of sub-pixel phases, and the exact fit from five sums.
//!
//! A frame is compared with the reference at the nearest phase of the grid: the basis there (the model and its two
//! derivatives) is made once and kept. How the scalar products of the basis with the model change with the rest of the
//! displacement is kept as a polynomial, so the fit of displacement, gain and offset is solved for exactly, from
//! five sums of one pass over the pixels, without interpolating the noisy frame. (A linearised fit would be off by the third power of the rest.)

use pulp::Arch;

use super::dots::{self, Dots};
use super::luma::Luma;
use super::reference::{Reference, invert, low_pass};

/// Nodes of the polynomials on each axis.
const NODES: usize = 5;
/// Step of the differences that give the derivatives, in pixels.
const H: f64 = 0.02;
/// Memory for the bases of one region, in bytes; what is not kept is made again.
const MEMORY: usize = 24 << 20;

/// A polynomial of two variables, degree 4 in each.
type Poly = [[f64; NODES]; NODES];

/// What belongs to one phase.
#[derive(Clone, Debug)]
struct Table {
    inverse: [[f64; 4]; 4],
    /// Scalar products of the basis with one.
    ones: [f64; 4],
    /// Scalar products of the basis with the model displaced by the rest.
    model: [Poly; 4],
    /// Square of the displaced model that the basis does not span.
    beyond: Poly,
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
    /// Covariance of the displacement for a residual of one grey level a pixel: xx, xy, yy.
    pub covariance: [f64; 3],
    /// Whether the rest lay within the phase's reach; else `d` is the way to go on.
    pub settled: bool,
}

/// Bases of one region.
#[derive(Clone, Debug)]
pub struct Bank {
    w: usize,
    n: usize,
    per_px: usize,
    /// Which slot holds a phase.
    slot_of: Vec<Option<usize>>,
    /// Which phase a slot holds.
    phase_of: Vec<Option<usize>>,
    next: usize,
    arena: Vec<f32>,
    tables: Vec<Option<Box<Table>>>,
    picture: Vec<f32>,
    edge: Vec<u8>,
    /// Scratch for low-passed derivatives; empty for a full band.
    low: Vec<f32>,
    line: Vec<f32>,
}

impl Bank {
    /// For regions of `w` by `h` pixels. Bases are made when first needed.
    #[must_use]
    pub fn new(w: usize, h: usize) -> Self {
        let n = w * h;
        let per_px = if n <= 128 * 128 { 4 } else { 2 };
        let phases = per_px * per_px;
        let slots = (MEMORY / (12 * n)).clamp(1, phases);
        Self {
            w,
            n,
            per_px,
            slot_of: vec![None; phases],
            phase_of: vec![None; slots],
            next: 0,
            arena: vec![0.0; slots * 3 * n],
            tables: vec![None; slots],
            picture: vec![0.0; n],
            edge: vec![0; w],
            low: Vec::new(),
            line: vec![0.0; w.max(h)],
        }
    }

    /// The same, fitting with the low frequencies only. There a lens sharper than the pixels folds nothing, so such a fit is not
    /// biased by it; it is noisier.
    #[must_use]
    pub fn low_band(w: usize, h: usize) -> Self {
        Self { low: vec![0.0; 2 * w * h], ..Self::new(w, h) }
    }

    /// The reference has changed: everything is made anew when needed.
    pub fn clear(&mut self) {
        self.slot_of.fill(None);
        self.phase_of.fill(None);
    }

    /// Whole part and phase number of a displacement.
    fn locate(&self, d: (f64, f64)) -> ((i64, i64), (i64, i64)) {
        let p = self.per_px as i64;
        let split = |v: f64| {
            let steps = (v * p as f64).round() as i64;
            let whole = (steps + p / 2).div_euclid(p);
            (whole, steps - whole * p)
        };
        let ((wx, px), (wy, py)) = (split(d.0), split(d.1));
        ((wx, wy), (px, py))
    }

    /// Fits a frame near the displacement `d` of the region whose corner is at `corner`. None where the model holds no
    /// structure, or the frame shows nothing of it.
    pub fn fit(
        &mut self,
        arch: Arch,
        reference: &mut Reference,
        luma: &Luma<'_>,
        corner: (i64, i64),
        d: (f64, f64),
    ) -> Option<Fitted> {
        let (whole, phase) = self.locate(d);
        let slot = self.slot(arch, reference, phase)?;
        let basis = &self.arena[slot * 3 * self.n..(slot + 1) * 3 * self.n];
        let at = (corner.0 + whole.0, corner.1 + whole.1);
        let dots = dots::region(arch, luma, at, self.w, basis, reference.level(), &mut self.edge);
        let table = self.tables[slot].as_ref()?;
        let p = self.per_px as f64;
        let base = (whole.0 as f64 + phase.0 as f64 / p, whole.1 as f64 + phase.1 as f64 / p);
        table.solve(&dots, base, 0.3 / p, self.n as f64)
    }

    /// The phases' numbers as an index; the slot that holds it, made now if need be.
    fn slot(&mut self, arch: Arch, reference: &mut Reference, (px, py): (i64, i64)) -> Option<usize> {
        let p = self.per_px as i64;
        let index = ((py + p / 2) * p + px + p / 2) as usize;
        if let Some(slot) = *self.slot_of.get(index)? {
            return self.tables[slot].is_some().then_some(slot);
        }
        let slot = self.next;
        self.next = (self.next + 1) % self.phase_of.len();
        if let Some(old) = self.phase_of[slot].replace(index) {
            self.slot_of[old] = None;
        }
        self.slot_of[index] = Some(slot);
        let phase = (px as f64 / p as f64, py as f64 / p as f64);
        self.make(arch, reference, slot, phase);
        self.tables[slot].is_some().then_some(slot)
    }

    fn make(&mut self, arch: Arch, reference: &mut Reference, slot: usize, (fx, fy): (f64, f64)) {
        let (w, n, picture) = (self.w, self.n, &mut self.picture);
        let basis = &mut self.arena[slot * 3 * n..(slot + 1) * 3 * n];
        let scale = (0.5 / H) as f32;
        for (part, (ex, ey)) in [(H, 0.0), (0.0, H)].into_iter().enumerate() {
            for sign in [1.0, -1.0] {
                reference.evaluate(arch, (fx + sign * ex, fy + sign * ey), 0, picture);
                let s = scale * sign as f32;
                for (b, v) in basis.chunks_exact_mut(3 * w).zip(picture.chunks_exact(w)) {
                    for (b, v) in b[part * w..(part + 1) * w].iter_mut().zip(v) {
                        *b = if sign > 0.0 { s * v } else { *b + s * v };
                    }
                }
            }
        }
        reference.evaluate(arch, (fx, fy), 0, picture);
        for (b, v) in basis.chunks_exact_mut(3 * w).zip(picture.chunks_exact(w)) {
            b[2 * w..].copy_from_slice(v);
        }
        if !self.low.is_empty() {
            // Only the low frequencies of the derivatives are compared with; the model keeps all.
            for (part, low) in self.low.chunks_exact_mut(n).enumerate() {
                for (l, b) in low.chunks_exact_mut(w).zip(basis.chunks_exact(3 * w)) {
                    l.copy_from_slice(&b[part * w..(part + 1) * w]);
                }
                for _ in 0..1 {
                    low_pass(low, w, &mut self.line);
                }
            }
        }
        // How the scalar products with the basis answer to displacement, gain and offset.
        let mut g = [[0.0; 4]; 4];
        for (r, b) in basis.chunks_exact(3 * w).enumerate() {
            for i in 0..3 {
                let with = match self.low.get(i * n + r * w..i * n + (r + 1) * w) {
                    Some(low) => low,
                    None => &b[i * w..(i + 1) * w],
                };
                for j in 0..3 {
                    g[i][j] += dot(with, &b[j * w..(j + 1) * w]);
                }
                g[i][3] += with.iter().map(|&v| f64::from(v)).sum::<f64>();
            }
            for j in 0..3 {
                g[3][j] += b[j * w..(j + 1) * w].iter().map(|&v| f64::from(v)).sum::<f64>();
            }
        }
        g[3][3] = n as f64;
        for (part, low) in self.low.chunks_exact(n).enumerate() {
            for (l, b) in low.chunks_exact(w).zip(basis.chunks_exact_mut(3 * w)) {
                b[part * w..(part + 1) * w].copy_from_slice(l);
            }
        }
        let Some(inverse) = invert(&g) else {
            self.tables[slot] = None;
            return;
        };
        let ones = [g[0][3], g[1][3], g[2][3], g[3][3]];
        let step = 0.3 / self.per_px as f64;
        let mut nodes = [[[0.0; NODES]; NODES]; NODES];
        for i in 0..NODES {
            for j in 0..NODES {
                let (dx, dy) = ((j as f64 - 2.0) * step, (i as f64 - 2.0) * step);
                reference.evaluate(arch, (fx + dx, fy + dy), 0, picture);
                let mut c = [0.0; 4];
                let mut square = 0.0;
                for (b, v) in basis.chunks_exact(3 * w).zip(picture.chunks_exact(w)) {
                    for (k, c) in c.iter_mut().enumerate().take(3) {
                        *c += dot(&b[k * w..(k + 1) * w], v);
                    }
                    c[3] += v.iter().map(|&v| f64::from(v)).sum::<f64>();
                    square += dot(v, v);
                }
                let spanned: f64 = multiply(&inverse, &c).iter().zip(&c).map(|(a, b)| a * b).sum();
                for k in 0..4 {
                    nodes[k][i][j] = c[k];
                }
                nodes[4][i][j] = square - spanned;
            }
        }
        let [mx, my, m, one, beyond] = nodes.map(|n| polynomial(&n));
        let table = Table { inverse, ones, model: [mx, my, m, one], beyond };
        match &mut self.tables[slot] {
            Some(t) => **t = table,
            none => *none = Some(Box::new(table)),
        }
    }
}

impl Table {
    /// Displacement, gain and offset from the sums: Newton steps with the phase's own normal matrix. `base` is the phase's
    /// displacement, `unit` the distance of the polynomials' nodes in pixels.
    fn solve(&self, dots: &Dots, base: (f64, f64), unit: f64, n: f64) -> Option<Fitted> {
        let [px, py, mut gain, mut offset] = multiply(&self.inverse, &dots.with);
        let total = dots.square - dots.with[3] * dots.with[3] / n;
        if !(0.02..50.0).contains(&gain) {
            return None;
        }
        let (mut dx, mut dy) = (px / gain, py / gain);
        let reach = 2.0 * unit;
        let settled = dx.abs() <= 1.5 * reach && dy.abs() <= 1.5 * reach;
        if settled {
            for _ in 0..6 {
                let (tx, ty) = ((dx / unit).clamp(-2.5, 2.5), (dy / unit).clamp(-2.5, 2.5));
                let mut r = dots.with;
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
        let settled = settled && dx.abs() <= reach && dy.abs() <= reach;
        let spanned: f64 = multiply(&self.inverse, &dots.with).iter().zip(&dots.with).map(|(a, b)| a * b).sum();
        let beyond = if settled { gain * gain * value(&self.beyond, dx / unit, dy / unit) } else { 0.0 };
        let scale = 1.0 / (gain * gain);
        Some(Fitted {
            d: (base.0 + dx, base.1 + dy),
            gain,
            offset,
            residual: (dots.square - spanned - beyond).max(0.0),
            total,
            covariance: [self.inverse[0][0] * scale, self.inverse[0][1] * scale, self.inverse[1][1] * scale],
            settled,
        })
    }
}

fn multiply(m: &[[f64; 4]; 4], v: &[f64; 4]) -> [f64; 4] {
    m.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
}

/// Scalar product; rows are short enough for lanes of single precision.
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

/// Coefficients of the polynomial through values at -2, -1, 0, 1, 2 of both variables; rows are of the second.
fn polynomial(values: &Poly) -> Poly {
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
