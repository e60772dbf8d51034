//! One displacement from patches that disagree: what haze moves at random is averaged, what moves otherwise is left out.
//!
//! In clean pictures the plain fit is the best there is, and stays the rule. Where the patches lie apart by more than noise, each is a
//! measurement with a variance of its own, noise plus a random effect τ² (`DerSimonian` & Laird, "Meta-analysis in clinical trials",
//! Controlled Clinical Trials 7, 1986), and single ones that are far off count for less (Huber 1964). A patch that stays off
//! (something in front of a corner, a second body) is left out of the fit until it agrees again.

use super::bank::Fitted;
use super::patches::Patch;
use super::reference::invert;

/// The patches lie apart by so many times the variance that noise gives them: from here on the plain fit is no longer the best.
const APART: f64 = 2.0;
/// Below that it is the best again.
const AGREE: f64 = 1.5;
/// Deviations beyond so many of their standard deviations count for less.
const HUBER: f64 = 3.0;
/// Patches from which on it can be told which one is off.
const LEAST: usize = 8;
/// One frame in so many is looked at for patches that are off: a prime, so that no vibration keeps step with it.
const LOOK_EVERY: u32 = 13;
/// Looks after which something is decided.
const LOOKS: u32 = 6;
/// Share that a look has in the memory of how far a patch is off.
const MEMORY: f64 = 0.2;
/// A patch is off when its mean square deviation is so many times the usual one, and back when it is less than the second.
const OFF: f64 = 25.0;
const BACK: f64 = 6.0;
/// A single look counts at most so much: what passes does not leave a patch out.
const MOST: f64 = 100.0;
/// Of those that are off together the least is at least this share of the worst: what the worst one bends is not blamed on others.
const WITH_WORST: f64 = 0.1;
/// Steps of the robust fit of a look, and of the weights of a frame.
const STEPS: usize = 5;

/// A combination of patches that disagree.
#[derive(Clone, Copy, Debug)]
pub struct Combined {
    /// Displacement in pixels.
    pub d: (f64, f64),
    /// One-sigma uncertainty of the worse direction in pixels.
    pub sigma_px: f64,
}

/// What is remembered of the patches of one region.
#[derive(Clone, Debug)]
pub struct Together {
    /// How far apart the patches lie beyond a linear field, as a multiple of what noise makes of them.
    apart: f64,
    uneven: bool,
    /// Variance of the random effect in pixels squared.
    tau_square: f64,
    /// How much larger the weighted deviations are than their weights say.
    wider: f64,
    /// How much neighbours deviate alike: what the whole is less certain for it.
    alike: f64,
    columns: usize,
    frames: u32,
    looks: u32,
    off: Vec<f64>,
    out: Vec<bool>,
    now: Vec<f64>,
    sorted: Vec<f64>,
}

impl Together {
    /// For so many patches in a row, and rows.
    #[must_use]
    pub fn new((columns, rows): (usize, usize)) -> Self {
        let patches = columns * rows;
        Self {
            columns,
            alike: 1.0,
            apart: 1.0,
            uneven: false,
            tau_square: 0.0,
            wider: 1.0,
            frames: 0,
            looks: 0,
            off: vec![0.0; patches],
            out: vec![false; patches],
            now: vec![0.0; patches],
            sorted: vec![0.0; 2 * patches],
        }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.apart = 1.0;
        self.uneven = false;
        self.tau_square = 0.0;
        self.wider = 1.0;
        self.alike = 1.0;
        self.looks = 0;
        self.off.fill(0.0);
        self.out.fill(false);
    }

    /// Which patches are left out.
    #[must_use]
    pub fn out(&self) -> &[bool] {
        &self.out
    }

    /// Share of the patches that is left out.
    #[must_use]
    pub fn share_out(&self) -> f64 {
        self.out.iter().filter(|o| **o).count() as f64 / self.out.len().max(1) as f64
    }

    /// Takes a frame's fit: `variance` is that of its residual per pixel. Gives the better displacement where the patches lie apart.
    pub fn take<'a>(
        &mut self,
        parts: impl Iterator<Item = (&'a Patch, &'a [f64; 2], bool)> + Clone,
        f: &Fitted,
        variance: f64,
    ) -> Option<Combined> {
        if self.out.len() < LEAST {
            return None;
        }
        self.frames = self.frames.wrapping_add(1);
        let parts = parts.map(|(patch, pull, out)| (patch, pull.map(|p| p / f.gain), out));
        let noise = (variance / (f.gain * f.gain)).max(1e-6);
        if self.frames.is_multiple_of(LOOK_EVERY) {
            self.look(&parts, noise);
        }
        self.apart += 0.1 * ((f.apart / variance.max(1e-6)).clamp(0.0, 1e3) - self.apart);
        self.uneven = self.apart > if self.uneven { AGREE } else { APART };
        if !self.uneven {
            self.tau_square = 0.0;
            self.wider = 1.0;
            self.alike = 1.0;
            return None;
        }
        self.combine(&parts, f, noise)
    }

    /// The combination with random effects.
    fn combine<'a>(
        &mut self,
        parts: &(impl Iterator<Item = (&'a Patch, [f64; 2], bool)> + Clone),
        f: &Fitted,
        noise: f64,
    ) -> Option<Combined> {
        let (mut trace, mut square, mut pulled) = (0.0, 0.0, 0.0);
        for (patch, pull, _) in parts.clone().filter(|(_, _, out)| !out) {
            let [xx, xy, yy] = patch.fisher;
            trace += xx + yy;
            square += xx * xx + 2.0 * xy * xy + yy * yy;
            pulled += pull[0] * pull[0] + pull[1] * pull[1];
        }
        if self.tau_square <= 0.0 {
            self.tau_square = ((pulled - noise * trace) / square.max(1e-9)).max(0.0);
        }
        // What the patches' own displacements add to the residual is no noise.
        let noise = (noise - self.tau_square * trace / f.pixels).max(0.1 * noise);
        let tau = self.tau_square;
        let mut at = [0.0; 2];
        let mut inverse = [[0.0; 2]; 2];
        let (mut effect, mut against, mut spread, mut expected) = (0.0, 0.0, 0.0, 0.0);
        for step in 0..STEPS {
            let (mut h, mut r) = ([[0.0; 2]; 2], [0.0; 2]);
            (effect, against, spread, expected) = (0.0, 0.0, 0.0, 0.0);
            for ((patch, pull, out), to) in parts.clone().zip(self.sorted.chunks_exact_mut(2)) {
                to.fill(0.0);
                let Some(w) = Weight::of(patch, noise, tau).filter(|_| !out) else { continue };
                let moved = patch.times(at);
                let rest = w.apply([pull[0] - moved[0], pull[1] - moved[1]]);
                let size = rest[0] * rest[0] + rest[1] * rest[1];
                let usual = w.trace().max(1e-12);
                let keep = (HUBER / (2.0 * size / usual).sqrt().max(1e-9)).min(1.0);
                let u = w.apply(pull);
                to.copy_from_slice(&rest.map(|r| keep * r));
                for k in 0..2 {
                    for (h, w) in h[k].iter_mut().zip(&w.weight[k]) {
                        *h += keep * w;
                    }
                    r[k] += keep * u[k];
                }
                // Scoring for τ²: what the deviations hold beyond what noise makes of them.
                let most = size.min(HUBER * HUBER * usual);
                effect += most / 2.0 - noise * w.noise_trace(patch) / 2.0;
                against += w.square() / 2.0;
                spread += keep * keep * size;
                expected += keep * usual;
            }
            let det = h[0][0] * h[1][1] - h[0][1] * h[1][0];
            if !(det > 1e-9 * (h[0][0] + h[1][1]).powi(2)) {
                return None;
            }
            inverse = [[h[1][1] / det, -h[0][1] / det], [-h[1][0] / det, h[0][0] / det]];
            let next = inverse.map(|row| row[0] * r[0] + row[1] * r[1]);
            let moved = (next[0] - at[0]).hypot(next[1] - at[1]);
            at = next;
            if step > 0 && moved * moved < 1e-4 * inverse[0][0].max(inverse[1][1]) {
                break;
            }
        }
        if against > 0.0 {
            self.tau_square = (self.tau_square + 0.05 * (effect / against - self.tau_square)).max(0.0);
        }
        self.wider += 0.05 * (spread / expected.max(1e-12) - self.wider);
        let alike = neighbours(&self.sorted, self.columns);
        self.alike += 0.05 * (alike - self.alike);
        let (half, root) =
            (f64::midpoint(inverse[0][0], inverse[1][1]), ((inverse[0][0] - inverse[1][1]) / 2.0).hypot(inverse[0][1]));
        let sigma_px = ((half + root) * self.wider.max(1.0) * self.alike.max(1.0)).sqrt();
        Some(Combined { d: (f.d.0 + at[0], f.d.1 + at[1]), sigma_px })
    }

    /// How far each patch is off a common displacement with a linear field; decides which are left out.
    fn look<'a>(&mut self, parts: &(impl Iterator<Item = (&'a Patch, [f64; 2], bool)> + Clone), noise: f64) {
        let count = self.out.len();
        let mean = parts.clone().map(|(p, _, _)| p.fisher[0] + p.fisher[2]).sum::<f64>() / count as f64;
        let ridge = 1e-3 * mean.max(1e-9);
        let mut p = [0.0; 6];
        for axis in 0..2 {
            for (to, (patch, pull, _)) in self.sorted.iter_mut().zip(parts.clone()) {
                *to = solve_with(patch, pull, ridge)[axis];
            }
            p[3 * axis] = median(&mut self.sorted[..count]);
        }
        for _ in 0..STEPS {
            for ((to, now), (patch, pull, _)) in self.sorted.iter_mut().zip(&mut self.now).zip(parts.clone()) {
                let moved = patch.times(planar(&p, patch.place));
                let rest = [pull[0] - moved[0], pull[1] - moved[1]];
                let d = solve_with(patch, rest, ridge);
                *now = (rest[0] * d[0] + rest[1] * d[1]).max(0.0) / (2.0 * noise);
                *to = *now;
            }
            // The mean square of two axes has the median 0.69.
            let scale = (median(&mut self.sorted[..count]) / 0.69).max(1.0);
            self.now.iter_mut().for_each(|n| *n /= scale);
            let Some(next) = planar_fit(parts.clone().zip(&self.now), scale) else { break };
            p = next;
        }
        for (off, now) in self.off.iter_mut().zip(&self.now) {
            *off += MEMORY * (now.min(MOST) - *off);
        }
        self.looks += 1;
        if self.looks >= LOOKS {
            self.decide();
        }
    }

    fn decide(&mut self) {
        let worst = self.off.iter().copied().fold(0.0, f64::max);
        let limit = |out: bool| if out { BACK } else { OFF.max(WITH_WORST * worst) };
        let would = self.off.iter().zip(&self.out).filter(|(off, out)| **off > limit(**out)).count();
        // Where half of the region is off, nobody can tell which half.
        let told = 2 * would <= self.out.len();
        for (off, out) in self.off.iter().zip(&mut self.out) {
            *out = told && *off > limit(*out);
        }
    }
}

/// Weight of a patch: (noise·1 + τ²·F)⁻¹, and that times F.
struct Weight {
    apply: [[f64; 2]; 2],
    weight: [[f64; 2]; 2],
}

impl Weight {
    fn of(patch: &Patch, noise: f64, tau_square: f64) -> Option<Self> {
        let [xx, xy, yy] = patch.fisher;
        let (a, b, c) = (noise + tau_square * xx, tau_square * xy, noise + tau_square * yy);
        let det = a * c - b * b;
        if !(det > 0.0) {
            return None;
        }
        let apply = [[c / det, -b / det], [-b / det, a / det]];
        let weight = apply.map(|row| [row[0] * xx + row[1] * xy, row[0] * xy + row[1] * yy]);
        Some(Self { apply, weight })
    }

    fn apply(&self, v: [f64; 2]) -> [f64; 2] {
        self.apply.map(|row| row[0] * v[0] + row[1] * v[1])
    }

    fn trace(&self) -> f64 {
        self.weight[0][0] + self.weight[1][1]
    }

    fn square(&self) -> f64 {
        self.weight.iter().flatten().map(|w| w * w).sum()
    }

    /// Trace of what noise of one grey level makes of the weighted pulls.
    fn noise_trace(&self, patch: &Patch) -> f64 {
        let [xx, xy, yy] = patch.fisher;
        self.apply.iter().map(|a| a[0] * a[0] * xx + 2.0 * a[0] * a[1] * xy + a[1] * a[1] * yy).sum()
    }
}

/// A patch's own displacement; `ridge` holds what has no structure.
fn solve_with(patch: &Patch, pull: [f64; 2], ridge: f64) -> [f64; 2] {
    let [xx, xy, yy] = patch.fisher;
    let (xx, yy) = (xx + ridge, yy + ridge);
    let det = (xx * yy - xy * xy).max(ridge * ridge);
    [(yy * pull[0] - xy * pull[1]) / det, (xx * pull[1] - xy * pull[0]) / det]
}

fn planar(p: &[f64; 6], [x, y]: [f64; 2]) -> [f64; 2] {
    [p[0] + p[1] * x + p[2] * y, p[3] + p[4] * x + p[5] * y]
}

/// Displacement and linear field with the weights of Cauchy: what is far off hardly counts.
fn planar_fit<'a, 'b>(
    parts: impl Iterator<Item = ((&'a Patch, [f64; 2], bool), &'b f64)>,
    scale: f64,
) -> Option<[f64; 6]> {
    let (mut g, mut r) = ([[0.0; 6]; 6], [0.0; 6]);
    let mut extent = [0.0f64; 2];
    for ((patch, pull, _), off) in parts {
        let keep = 1.0 / (1.0 + off / 2.0) / scale;
        let [xx, xy, yy] = patch.fisher;
        let at = [1.0, patch.place[0], patch.place[1]];
        for (extent, place) in extent.iter_mut().zip(&patch.place) {
            *extent = extent.max(place.abs());
        }
        for (i, a) in at.iter().enumerate() {
            for (j, b) in at.iter().enumerate() {
                let w = keep * a * b;
                g[i][j] += w * xx;
                g[i][3 + j] += w * xy;
                g[3 + i][j] += w * xy;
                g[3 + i][3 + j] += w * yy;
            }
            r[i] += keep * a * pull[0];
            r[3 + i] += keep * a * pull[1];
        }
    }
    for (axis, extent) in extent.into_iter().enumerate() {
        if extent == 0.0 {
            g[1 + axis][1 + axis] = 1.0;
            g[4 + axis][4 + axis] = 1.0;
        }
    }
    invert(&g).map(|i| i.map(|row| row.iter().zip(&r).map(|(a, b)| a * b).sum()))
}

/// How much larger the variance of the sum is than that of independent deviations, from each with its eight neighbours (Conley 1999).
fn neighbours(deviations: &[f64], columns: usize) -> f64 {
    let at = |i: usize| [deviations[2 * i], deviations[2 * i + 1]];
    let count = deviations.len() / 2;
    let (mut own, mut shared) = (1e-30, 0.0);
    for i in 0..count {
        let (a, column) = (at(i), i % columns);
        own += a[0] * a[0] + a[1] * a[1];
        let right = (column + 1 < columns).then_some(i + 1);
        let below = [column.checked_sub(1), Some(column), (column + 1 < columns).then_some(column + 1)];
        for j in right.into_iter().chain(below.into_iter().flatten().map(|c| i - column + columns + c)) {
            if j < count {
                let b = at(j);
                shared += 2.0 * (a[0] * b[0] + a[1] * b[1]);
            }
        }
    }
    1.0 + shared / own
}

fn median(v: &mut [f64]) -> f64 {
    let m = v.len() / 2;
    let (_, median, _) = v.select_nth_unstable_by(m, f64::total_cmp);
    *median
}
