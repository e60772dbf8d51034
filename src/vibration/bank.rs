//! The fit's basis at a grid of sub-pixel phases, and the exact fit from five sums.
//!
//! A frame is compared with the reference at the nearest phase of the grid: the basis there (the model and its two
//! derivatives) is made once and kept. How the scalar products of the basis with the model change with the rest of the
//! displacement is kept as a polynomial, so the fit of displacement, gain and offset is solved for exactly, from
//! five sums of one pass over the pixels, without interpolating the noisy frame. (A linearised fit would be off by the third power of the rest.)

use pulp::Arch;

use super::dots::{self, PATCH, Sums};
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
    /// The same where gain and offset are not fitted.
    fixed: [[f64; 4]; 4],
    /// Scalar products of the basis with one.
    ones: [f64; 4],
    /// Scalar products of the basis with the model displaced by the rest.
    model: [Poly; 4],
    /// Square of the displaced model that the basis does not span.
    beyond: Poly,
    /// Covariance of the displacement for independent noise of one grey level a pixel and a gain of one: xx, xy, yy.
    covariance: [f64; 3],
    /// Per patch: scalar products of the derivatives with the displaced model (quadratic in it), and with one.
    patches: Vec<([Quadratic; 2], [f32; 2])>,
    one_direction: bool,
}

/// Coefficients of 1, x, y, x², xy, y².
type Quadratic = [f32; 6];

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
    /// Whether only motion across the region's edges can be seen: it has no structure along them.
    pub one_direction: bool,
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
    sums: Vec<Sums>,
    /// Scratch for low-passed derivatives; empty for a full band.
    low: Vec<f32>,
    line: Vec<f32>,
    /// Whether the light is fitted along; else it is taken to be that of the reference.
    pub flicker: bool,
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
            sums: vec![[0.0; 5]; dots::patches(w, h).0 * dots::patches(w, h).1],
            low: Vec::new(),
            line: vec![0.0; w.max(h)],
            flicker: true,
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
    /// structure, or the frame shows nothing of it. `noise` is the variance of a pixel.
    pub fn fit(
        &mut self,
        arch: Arch,
        reference: &mut Reference,
        luma: &Luma<'_>,
        corner: (i64, i64),
        d: (f64, f64),
        noise: f64,
    ) -> Option<Fitted> {
        let (whole, phase) = self.locate(d);
        let slot = self.slot(arch, reference, phase, noise)?;
        let basis = &self.arena[slot * 3 * self.n..(slot + 1) * 3 * self.n];
        let at = (corner.0 + whole.0, corner.1 + whole.1);
        dots::region(arch, luma, at, self.w, basis, reference.level(), &mut self.edge, &mut self.sums);
        let table = self.tables[slot].as_ref()?;
        let p = self.per_px as f64;
        let base = (whole.0 as f64 + phase.0 as f64 / p, whole.1 as f64 + phase.1 as f64 / p);
        table.solve(&self.sums, base, 0.3 / p, self.n as f64, self.flicker)
    }

    /// The phases' numbers as an index; the slot that holds it, made now if need be.
    fn slot(&mut self, arch: Arch, reference: &mut Reference, (px, py): (i64, i64), noise: f64) -> Option<usize> {
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
        self.make(arch, reference, slot, phase, noise);
        self.tables[slot].is_some().then_some(slot)
    }

    fn make(&mut self, arch: Arch, reference: &mut Reference, slot: usize, (fx, fy): (f64, f64), noise: f64) {
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
        let mut own = [[0.0; 4]; 4];
        for b in basis.chunks_exact(3 * w) {
            for i in 0..3 {
                for j in 0..3 {
                    own[i][j] += dot(&b[i * w..(i + 1) * w], &b[j * w..(j + 1) * w]);
                }
                let sum = b[i * w..(i + 1) * w].iter().map(|&v| f64::from(v)).sum::<f64>();
                own[i][3] += sum;
                own[3][i] += sum;
            }
        }
        own[3][3] = n as f64;
        let averaged = noise / f64::from(reference.frames().max(1));
        let across = one_direction(&own, averaged * n as f64);
        let Some(inverse) = (match across {
            None => invert(&g),
            Some(e) => invert_along(&g, e),
        }) else {
            self.tables[slot] = None;
            return;
        };
        let along = across.map_or([[1.0, 0.0], [0.0, 1.0]], |e| [[e.0, e.1], [0.0, 0.0]]);
        let fixed = invert_place(&g, &along);
        let ones = [g[0][3], g[1][3], g[2][3], g[3][3]];
        let covariance = sandwich(&inverse, &own);
        let step = 0.3 / self.per_px as f64;
        let columns = w.div_ceil(PATCH);
        let mut patches = vec![([[0.0f32; 6]; 2], [0.0f32; 2]); self.sums.len()];
        for (i, b) in basis.chunks_exact(3 * w).enumerate() {
            for part in 0..2 {
                for (column, b) in b[part * w..(part + 1) * w].chunks(PATCH).enumerate() {
                    patches[i / PATCH * columns + column].1[part] += b.iter().sum::<f32>();
                }
            }
        }
        let mut nodes = [[[0.0; NODES]; NODES]; NODES];
        for i in 0..NODES {
            for j in 0..NODES {
                let (dx, dy) = ((j as f64 - 2.0) * step, (i as f64 - 2.0) * step);
                reference.evaluate(arch, (fx + dx, fy + dy), 0, picture);
                let mut c = [0.0; 4];
                let mut square = 0.0;
                let weights = quadratic_weights(j as f32 - 2.0, i as f32 - 2.0);
                for (r, (b, v)) in basis.chunks_exact(3 * w).zip(picture.chunks_exact(w)).enumerate() {
                    for part in 0..2 {
                        let parts = b[part * w..(part + 1) * w].chunks(PATCH).zip(v.chunks(PATCH)).enumerate();
                        for (column, (b, v)) in parts {
                            let product: f32 = b.iter().zip(v).map(|(b, v)| b * v).sum();
                            c[part] += f64::from(product);
                            let to = &mut patches[r / PATCH * columns + column].0[part];
                            for (to, weight) in to.iter_mut().zip(&weights) {
                                *to += weight * product;
                            }
                        }
                    }
                    c[2] += dot(&b[2 * w..], v);
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
        let table = Table {
            inverse,
            fixed,
            ones,
            model: [mx, my, m, one],
            beyond,
            covariance,
            patches,
            one_direction: across.is_some(),
        };
        match &mut self.tables[slot] {
            Some(t) => **t = table,
            none => *none = Some(Box::new(table)),
        }
    }
}

impl Table {
    /// Displacement, gain and offset from the sums: Newton steps with the phase's own normal matrix. `base` is the phase's
    /// displacement, `unit` the distance of the polynomials' nodes in pixels.
    fn solve(&self, sums: &[Sums], base: (f64, f64), unit: f64, n: f64, flicker: bool) -> Option<Fitted> {
        let (mut with, mut square) = ([0.0f64; 4], 0.0f64);
        for s in sums {
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
        let spread = if settled { self.pull_apart(sums, (dx / unit, dy / unit), gain, offset) } else { [0.0; 3] };
        Some(Fitted {
            d: (base.0 + dx, base.1 + dy),
            gain,
            offset,
            residual: (square - spanned - beyond).max(0.0),
            total,
            covariance: self.covariance.map(|c| c * scale),
            spread: spread.map(|c| c * scale),
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
    /// whatever noise does within a patch, blocks of a codec, haze, dirt, it is counted as it is.
    fn pull_apart(&self, sums: &[Sums], (x, y): (f64, f64), gain: f64, offset: f64) -> [f64; 3] {
        let (x, y, gain, offset) = (x as f32, y as f32, gain as f32, offset as f32);
        let at = [1.0, x, y, x * x, x * y, y * y];
        let mut pulls = [[0.0; 4]; 4];
        for (s, (model, ones)) in sums.iter().zip(&self.patches) {
            let pull: [f64; 2] = std::array::from_fn(|k| {
                let expected: f32 = model[k].iter().zip(&at).map(|(c, v)| c * v).sum();
                f64::from(s[k] - gain * expected - offset * ones[k])
            });
            pulls[0][0] += pull[0] * pull[0];
            pulls[0][1] += pull[0] * pull[1];
            pulls[1][1] += pull[1] * pull[1];
        }
        pulls[1][0] = pulls[0][1];
        let m = sums.len() as f64;
        sandwich(&self.inverse, &pulls).map(|c| c * m / (m - 1.0).max(1.0))
    }
}

/// The direction that alone has structure, if the other one's gradients are no more than noise makes of an averaged picture (`noise` per
/// region) while this one's are.
fn one_direction(own: &[[f64; 4]; 4], noise: f64) -> Option<(f64, f64)> {
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
fn invert_place(g: &[[f64; 4]; 4], along: &[[f64; 2]; 2]) -> [[f64; 4]; 4] {
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
fn invert_along(g: &[[f64; 4]; 4], (ex, ey): (f64, f64)) -> Option<[[f64; 4]; 4]> {
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
fn sandwich(a: &[[f64; 4]; 4], m: &[[f64; 4]; 4]) -> [f64; 3] {
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

/// Weights of a value at the node (x, y) in the quadratic of least squares over all nodes.
fn quadratic_weights(x: f32, y: f32) -> Quadratic {
    // Orthogonal polynomials on -2..2: 1, x and x² - 2, of squares 5, 10 and 14.
    let (qx, qy) = ((x * x - 2.0) / 70.0, (y * y - 2.0) / 70.0);
    [1.0 / 25.0 - 2.0 * (qx + qy), x / 50.0, y / 50.0, qx, x * y / 100.0, qy]
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
