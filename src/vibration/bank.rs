//! The fit's basis at a grid of sub-pixel phases, and the exact fit from five sums.
//!
//! A frame is compared with the reference at the nearest phase of the grid: the basis there (the model and its two
//! derivatives) is made once and kept. How the scalar products of the basis with the model change with the rest of the
//! displacement is kept as a polynomial, so the fit of displacement, gain and offset is solved for exactly, from
//! five sums of one pass over the pixels, without interpolating the noisy frame. (A linearised fit would be off by the third power of the rest.)

use pulp::Arch;

use super::dots::{self, PATCH, Sums};
use super::luma::Luma;
use super::patches::{self, Field, FieldSums, Patch, Slopes, quadratic_weights};
use super::reference::{Reference, invert};
use super::smooth::LowPass;

/// Nodes of the polynomials on each axis.
const NODES: usize = 5;
/// Step of the differences that give the derivatives, in pixels.
const H: f64 = 0.02;
/// Phases per pixel along each axis. What is large, or is compared without its finest detail, loses next to nothing with fewer: bases are most of what
/// learning costs.
const PER_PX: usize = 4;
const LOW_PER_PX: usize = 2;
const LARGEST_FINE: usize = 128 * 128;
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
    patches: Vec<Patch>,
    /// How the linear field follows from the patches' pulls; none where it cannot be told.
    slopes: Option<Slopes>,
    one_direction: bool,
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
struct Parts<'a> {
    sums: &'a [Sums],
    out: &'a [bool],
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
    /// How the patches pull, of the newest fit that settled, and in which slot it was made.
    pulls: Vec<[f64; 2]>,
    fitted_in: usize,
    /// Patches that are left out of the fit.
    out: Vec<bool>,
    /// Pixels that are not.
    pixels: usize,
    /// What the derivatives are low-passed with, and scratch for that; empty for a full band.
    low_pass: Option<LowPass>,
    low: Vec<f32>,
    line: Vec<f32>,
    /// Whether the light is fitted along; else it is taken to be that of the reference.
    pub flicker: bool,
}

impl Bank {
    /// For regions of `w` by `h` pixels. Bases are made when first needed.
    #[must_use]
    pub fn new(w: usize, h: usize) -> Self {
        Self::with_phases(if w * h <= LARGEST_FINE { PER_PX } else { LOW_PER_PX }, w, h)
    }

    /// The same with fewer phases: made sooner, and a little noisier.
    #[must_use]
    pub fn coarse(w: usize, h: usize) -> Self {
        Self::with_phases(LOW_PER_PX, w, h)
    }

    fn with_phases(per_px: usize, w: usize, h: usize) -> Self {
        let n = w * h;
        let count = dots::patches(w, h).0 * dots::patches(w, h).1;
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
            sums: vec![[0.0; 5]; count],
            pulls: vec![[0.0; 2]; count],
            fitted_in: 0,
            out: vec![false; count],
            pixels: n,
            low_pass: None,
            low: Vec::new(),
            line: vec![0.0; w.max(h)],
            flicker: true,
        }
    }

    /// The same, fitting with the low frequencies only. There a lens sharper than the pixels folds nothing, so such a fit is not
    /// biased by it; it is noisier.
    #[must_use]
    pub fn low_band(w: usize, h: usize) -> Self {
        Self::passing(LowPass::HalfBands(&[1, 2]), w, h)
    }

    /// The same, fitting with what a Gaussian of this width leaves (one sigma, in pixels).
    #[must_use]
    pub fn smoothed(width_px: f64, w: usize, h: usize) -> Self {
        Self::passing(LowPass::gaussian(width_px), w, h)
    }

    fn passing(low_pass: LowPass, w: usize, h: usize) -> Self {
        Self { low: vec![0.0; 2 * w * h], low_pass: Some(low_pass), ..Self::with_phases(LOW_PER_PX, w, h) }
    }

    /// One of the same kind for regions of another size.
    #[must_use]
    pub fn of_size(&self, w: usize, h: usize) -> Self {
        let other = match &self.low_pass {
            Some(low_pass) => Self::passing(low_pass.clone(), w, h),
            None => Self::new(w, h),
        };
        other.with_flicker(self.flicker)
    }

    /// The same, fitting the light along or not.
    #[must_use]
    pub fn with_flicker(self, flicker: bool) -> Self {
        Self { flicker, ..self }
    }

    /// Whether the basis for a displacement near `d` is made.
    #[must_use]
    pub fn is_made(&self, d: (f64, f64)) -> bool {
        let index = self.index(self.locate(d).1);
        self.slot_of.get(index).is_some_and(Option::is_some)
    }

    fn index(&self, (px, py): (i64, i64)) -> usize {
        let p = self.per_px as i64;
        ((py + p / 2) * p + px + p / 2) as usize
    }

    /// The reference has changed: everything is made anew when needed.
    pub fn clear(&mut self) {
        self.slot_of.fill(None);
        self.phase_of.fill(None);
    }

    /// Leaves these patches out from here on (true: left out). They are still looked at.
    pub fn leave_out(&mut self, out: &[bool]) {
        if self.out == out || self.out.len() != out.len() {
            return;
        }
        self.out.copy_from_slice(out);
        let (columns, h) = (self.w.div_ceil(PATCH), self.n / self.w);
        let side = |i: usize, n: usize| PATCH.min(n - i * PATCH);
        let left = out.iter().enumerate().filter(|(_, out)| !**out);
        self.pixels = left.map(|(i, _)| side(i % columns, self.w) * side(i / columns, h)).sum();
        self.clear();
    }

    /// The patches as of the newest fit that settled: what each is, how it pulls, and whether it is left out.
    pub fn parts(&self) -> impl Iterator<Item = (&Patch, &[f64; 2], bool)> + Clone {
        let table = self.tables.get(self.fitted_in).and_then(Option::as_ref);
        let patches = table.map_or(&[][..], |t| &t.patches[..]);
        patches.iter().zip(&self.pulls).zip(&self.out).map(|((patch, pull), out)| (patch, pull, *out))
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
        let parts = Parts { sums: &self.sums, out: &self.out };
        let fitted = table.solve(parts, base, 0.3 / p, self.pixels as f64, &mut self.pulls, self.flicker)?;
        if fitted.settled {
            self.fitted_in = slot;
        }
        Some(fitted)
    }

    /// The phases' numbers as an index; the slot that holds it, made now if need be.
    fn slot(&mut self, arch: Arch, reference: &mut Reference, (px, py): (i64, i64), noise: f64) -> Option<usize> {
        let p = self.per_px;
        let index = self.index((px, py));
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
        if let Some(low_pass) = &self.low_pass {
            // Only the low frequencies of the derivatives are compared with; the model keeps all.
            for (part, low) in self.low.chunks_exact_mut(n).enumerate() {
                for (l, b) in low.chunks_exact_mut(w).zip(basis.chunks_exact(3 * w)) {
                    l.copy_from_slice(&b[part * w..(part + 1) * w]);
                }
                low_pass.apply(low, w, &mut self.line);
            }
        }
        // How the scalar products with the basis answer to displacement, gain and offset.
        let (columns, h) = (w.div_ceil(PATCH), n / w);
        let mut patches: Vec<Patch> = patches::places(w, h).map(|place| Patch { place, ..Patch::default() }).collect();
        let mut sums = FieldSums::default();
        let mut g = [[0.0; 4]; 4];
        for (r, b) in basis.chunks_exact(3 * w).enumerate() {
            let y = r as f64 + 0.5 - h as f64 / 2.0;
            for column in 0..columns {
                let (from, to) = (column * PATCH, (column * PATCH + PATCH).min(w));
                let part = |i: usize| &b[i * w + from..i * w + to];
                let with = |i: usize| self.low.get(i * n + r * w + from..i * n + r * w + to).unwrap_or_else(|| part(i));
                let index = r / PATCH * columns + column;
                let (plain, along_x) = products([with(0), with(1), part(2)], [part(0), part(1), part(2)], from, w);
                let patch = &mut patches[index];
                patch.fisher[0] += plain[0][0];
                patch.fisher[1] += f64::midpoint(plain[0][1], plain[1][0]);
                patch.fisher[2] += plain[1][1];
                if self.out[index] {
                    continue;
                }
                sums.add(patch, &plain, &along_x, y);
                for (g, plain) in g.iter_mut().flatten().zip(plain.iter().flatten()) {
                    *g += plain;
                }
            }
        }
        for (part, low) in self.low.chunks_exact(n).enumerate() {
            for (l, b) in low.chunks_exact(w).zip(basis.chunks_exact_mut(3 * w)) {
                b[part * w..(part + 1) * w].copy_from_slice(l);
            }
        }
        // The same of what is compared with among itself: the noise of the products.
        let mut own = [[0.0; 4]; 4];
        for (r, b) in basis.chunks_exact(3 * w).enumerate() {
            for column in 0..columns {
                let (from, to) = (column * PATCH, (column * PATCH + PATCH).min(w));
                let part = |i: usize| &b[i * w + from..i * w + to];
                let index = r / PATCH * columns + column;
                if self.out[index] {
                    continue;
                }
                let all = [part(0), part(1), part(2)];
                let (plain, _) = products(all, all, from, w);
                sums.add_noise(patches[index].place, [plain[0][0], plain[0][1], plain[1][1]]);
                for (own, plain) in own.iter_mut().flatten().zip(plain.iter().flatten()) {
                    *own += plain;
                }
            }
        }
        let pixels = self.pixels as f64;
        let averaged = noise / f64::from(reference.frames().max(1));
        let across = one_direction(&own, averaged * pixels);
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
        for (i, b) in basis.chunks_exact(3 * w).enumerate() {
            for part in 0..2 {
                for (column, b) in b[part * w..(part + 1) * w].chunks(PATCH).enumerate() {
                    patches[i / PATCH * columns + column].ones[part] += b.iter().sum::<f32>();
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
                    for (column, v) in v.chunks(PATCH).enumerate() {
                        let index = r / PATCH * columns + column;
                        let from = column * PATCH;
                        let part = |k: usize| &b[k * w + from..k * w + from + v.len()];
                        let kept = if self.out[index] { 0.0 } else { 1.0 };
                        for k in 0..2 {
                            let product: f32 = part(k).iter().zip(v).map(|(b, v)| b * v).sum();
                            c[k] += kept * f64::from(product);
                            for (to, weight) in patches[index].model[k].iter_mut().zip(&weights) {
                                *to += weight * product;
                            }
                        }
                        c[2] += kept * dot(part(2), v);
                        c[3] += kept * f64::from(v.iter().sum::<f32>());
                        square += kept * dot(v, v);
                    }
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
            slopes: if across.is_none() { sums.solve(&inverse, [columns > 1, h > PATCH]) } else { None },
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
    fn solve(
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

/// Scalar products of what is compared with (and one) with the basis (and one) over a piece of a row, and the same times the place along x.
fn products(with: [&[f32]; 3], basis: [&[f32]; 3], from: usize, w: usize) -> ([[f64; 4]; 4], [[f64; 2]; 4]) {
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
