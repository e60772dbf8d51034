//! The fit's basis at a grid of sub-pixel phases, and the exact fit from five sums.
//!
//! A frame is compared with the reference at the nearest phase of the grid: the basis there (the model and its two
//! derivatives) is made once and kept. How the scalar products of the basis with the model change with the rest of the
//! displacement is kept as a polynomial, so the fit of displacement, gain and offset is solved for exactly, from
//! five sums of one pass over the pixels, without interpolating the noisy frame. (A linearised fit would be off by the third power of the rest.)

mod algebra;
mod table;

use pulp::Arch;

use super::dots::{self, Basis, PATCH, Sums};
use super::lanes::widest;
use super::luma::Luma;
use super::patches::{self, FieldSums, Patch, quadratic_weights};
use super::reference::{Reference, invert};
use super::smooth::LowPass;
use algebra::{invert_along, invert_place, multiply, one_direction, products, sandwich};
pub use table::Fitted;
use table::{NODES, Parts, Table, polynomial};

/// Step of the differences that give the derivatives, in pixels.
const H: f64 = 0.02;
/// Phases per pixel along each axis. What is large, or is compared without its finest detail, loses next to nothing with fewer: bases are most of what
/// learning costs.
const PER_PX: usize = 4;
const LOW_PER_PX: usize = 2;
const LARGEST_FINE: usize = 128 * 128;
/// Memory for the bases of one region, in bytes; what is not kept is made again.
const MEMORY: usize = 24 << 20;

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
    arena: Vec<i16>,
    /// The basis that is being made.
    basis: Vec<f32>,
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
        let slots = (MEMORY / (6 * n)).clamp(1, phases);
        Self {
            w,
            n,
            per_px,
            slot_of: vec![None; phases],
            phase_of: vec![None; slots],
            next: 0,
            arena: vec![0; slots * 3 * n],
            basis: vec![0.0; 3 * n],
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
        let table = self.tables[slot].as_ref()?;
        let basis = Basis { values: &self.arena[slot * 3 * self.n..(slot + 1) * 3 * self.n], units: table.units };
        let at = (corner.0 + whole.0, corner.1 + whole.1);
        dots::region(arch, luma, at, self.w, basis, reference.level(), &mut self.edge, &mut self.sums);
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
        let (w, n, picture, basis) = (self.w, self.n, &mut self.picture, &mut self.basis);
        let packed = &mut self.arena[slot * 3 * n..(slot + 1) * 3 * n];
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
        let mut units = dots::pack(arch, w, basis, packed);
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
        widest!(arch, {
            for (r, b) in basis.chunks_exact(3 * w).enumerate() {
                let y = r as f64 + 0.5 - h as f64 / 2.0;
                for column in 0..columns {
                    let (from, to) = (column * PATCH, (column * PATCH + PATCH).min(w));
                    let part = |i: usize| &b[i * w + from..i * w + to];
                    let with =
                        |i: usize| self.low.get(i * n + r * w + from..i * n + r * w + to).unwrap_or_else(|| part(i));
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
        });
        for (part, low) in self.low.chunks_exact(n).enumerate() {
            for (l, b) in low.chunks_exact(w).zip(basis.chunks_exact_mut(3 * w)) {
                b[part * w..(part + 1) * w].copy_from_slice(l);
            }
        }
        if self.low_pass.is_some() {
            units = dots::pack(arch, w, basis, packed);
        }
        // The same of what is compared with among itself: the noise of the products.
        let mut own = [[0.0; 4]; 4];
        widest!(arch, {
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
        });
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
        let ones = [own[0][3], own[1][3], own[2][3], own[3][3]];
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
                dots::picture(arch, picture, w, basis, &mut self.sums);
                let mut c = [0.0; 4];
                let mut square = 0.0;
                let weights = quadratic_weights(j as f32 - 2.0, i as f32 - 2.0);
                for ((sums, patch), out) in self.sums.iter().zip(&mut patches).zip(&self.out) {
                    for (model, product) in patch.model.iter_mut().zip(sums) {
                        for (to, weight) in model.iter_mut().zip(&weights) {
                            *to += weight * product;
                        }
                    }
                    if *out {
                        continue;
                    }
                    for (c, s) in c.iter_mut().zip(sums) {
                        *c += f64::from(*s);
                    }
                    square += f64::from(sums[4]);
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
            units,
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
