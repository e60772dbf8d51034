//! Displacement from the coefficients of a JPEG picture: what each lay between, instead of what it was decoded to.
//!
//! JPEG rounds each coefficient of a block to a whole step. A decoded picture is the middle of what was possible, and where steps are coarse most
//! coefficients are nothing: taken as pixels they hold the displacement back, and add noise that is not white. But what was coded is known exactly:
//! each coefficient lay in an interval. The likelihood of a displacement, with gain and offset of the light, is the product of the intervals'
//! probabilities about the model's coefficients; it is climbed by Fisher scoring. The reference is made the same way, by moving back what the
//! likelihood asks for instead of what the frame shows beyond the model (expectation and maximisation: Dempster, Laird & Rubin, J. Roy. Stat. Soc. B
//! 39(1), 1977; for JPEG also Robertson & Stevenson, "DCT Quantization Noise in Compressed Images", IEEE Trans. CSVT 15(1), 2005).
//!
//! A coefficient's noise is taken to be logistic: near normal, with tails that forgive, and a likelihood of intervals in closed form.

use pulp::Arch;

use super::blocks::{AREA, Block, Cosines, Grid, Placed, SIDE};
use super::lanes::widest;
use super::luma::Luma;
use super::reference::{LEARNED, Reference, invert};

/// Step of the differences that give the model's slopes, in pixels.
const H: f64 = 0.05;
/// Steps of Fisher scoring, at most, and below which none follows, in pixels.
const TRIES: usize = 4;
const GOOD_PX: f64 = 0.004;
/// Before those: by how much wider the noise is taken at first. What lies deep within its interval tells nothing of the way from afar.
const WIDER: [f32; 2] = [4.0, 2.0];
/// A step goes no farther than this, in pixels, and all together not so far.
const FARTHEST_PX: f64 = 0.3;
const AWAY_PX: f64 = 1.0;
/// How far a rest may reach: the model is told to one pixel, its slopes being differences.
const REST_PX: f64 = 0.9;
/// Gains that are usable light.
const GAINS: std::ops::Range<f64> = 0.2..5.0;
/// Scale of the noise at first, in grey levels (σ is 1.81 times that), by which factors others are tried, and how far they may lead. Small motion is told
/// in units of it, so it must be told well.
const SCALE: f32 = 2.0;
const FACTORS: [f32; 3] = [1.0 / 1.1, 1.0, 1.1];
const SCALES: std::ops::RangeInclusive<f32> = 0.3..=8.0;
/// One block in so many tells of them in each frame.
const TELLS: usize = 8;
/// Of an interval that explains nothing at all.
const LEAST_LIKELY: f32 = 1e-4;
/// Blocks that a fit needs.
const LEAST_BLOCKS: usize = 9;
/// How much farther than for intervals of no width a reference's coefficient may be moved by the same pull.
const REACH: f32 = 5.0;
/// By which share of the last change a reference goes on, where frames are gone through again and again (Polyak's heavy ball).
const GO_ON: f32 = 0.7;
/// Blocks around the region that its reference learns from.
const AROUND: usize = LEARNED / SIDE;

/// A frame of JPEG.
#[derive(Clone, Copy, Debug)]
pub struct Coded<'a> {
    /// Its pixels.
    pub luma: &'a Luma<'a>,
    /// The region's corner in it.
    pub corner: (i64, i64),
    /// Its quantisation steps in grey levels; infinite where they are not known.
    pub steps: &'a Block,
}

/// What a fit gives.
#[derive(Clone, Copy, Debug)]
pub struct Between {
    /// Displacement in pixels, whole part included.
    pub d: (f64, f64),
    /// Light: the frame is `gain · model + offset`.
    pub light: (f64, f64),
    /// Covariance of the displacement by the likelihood's curvature, in pixels squared: xx, xy, yy.
    pub covariance: [f64; 3],
}

/// How a coder's intervals lie, and the noise of a coefficient before it was coded.
#[derive(Clone, Copy, Debug)]
struct Coder {
    scale: f32,
    rounding: f32,
}

/// The fit of one region by intervals, and its own reference. All memory is taken when it is made.
#[derive(Clone, Debug)]
pub struct Intervals {
    arch: Arch,
    grid: Grid,
    reference: Reference,
    /// Its samples before it last went on.
    former: Vec<f32>,
    cosines: Cosines,
    coder: Coder,
    /// How well each scale of the noise explains what was coded.
    likely: [f64; FACTORS.len()],
    turn: usize,
    /// The model, its slopes, and scratch.
    pictures: [Vec<f32>; 4],
    /// By block of the frame: whole steps, and whether it is not cut off.
    frame: Vec<(Block, bool)>,
    /// Coefficients of the model and its slopes.
    model: [Vec<Block>; 3],
    /// By how much a pull moves the reference's coefficients, and the sums of curvature that tell it.
    reach: Block,
    curvatures: [Block; 2],
}

impl Intervals {
    /// For a region whose blocks lie in this grid, beginning with this reference, coded so that a coefficient was rounded up from this share
    /// of a step on.
    #[must_use]
    pub fn new(arch: Arch, grid: Grid, reference: Reference, rounding: f32) -> Self {
        let (w, h) = (grid.size.0 + 2 * LEARNED, grid.size.1 + 2 * LEARNED);
        let most = grid.most(AROUND);
        let coder = Coder { scale: SCALE, rounding };
        Self {
            arch,
            grid,
            former: reference.samples().to_vec(),
            reference,
            cosines: Cosines::default(),
            coder,
            likely: Default::default(),
            turn: 0,
            pictures: std::array::from_fn(|_| vec![0.0; w * h]),
            frame: vec![([0.0; AREA], false); most],
            model: std::array::from_fn(|_| vec![[0.0; AREA]; most]),
            reach: [2.0 * coder.scale * coder.scale; AREA],
            curvatures: [[0.0; AREA]; 2],
        }
    }

    /// Fits a frame near the displacement `start`, under light near (gain, offset), fitted along or
    /// not; `near` if that is the frame's own from before. None where it leads away, or too few blocks can be used.
    pub fn fit(
        &mut self,
        coded: &Coded<'_>,
        start: (f64, f64),
        light: (f64, f64),
        flicker: bool,
        near: bool,
    ) -> Option<Between> {
        let (mut d, (mut gain, mut offset)) = (start, light);
        let mut read = None;
        let mut covariance = [0.0; 3];
        let wider = if near { &[][..] } else { &WIDER };
        for number in 0..wider.len() + TRIES {
            let times = wider.get(number).copied().unwrap_or(1.0);
            let coder = Coder { scale: times * self.coder.scale, ..self.coder };
            let (whole, rest) = self.split(d);
            let placed = self.grid.at(whole, 0);
            let moved_on = read != Some(whole);
            if moved_on {
                self.read(coded, whole, placed);
                read = Some(whole);
            }
            let count = placed.count.0 * placed.count.1;
            if self.frame[..count].iter().filter(|(_, whole)| *whole).count() < LEAST_BLOCKS {
                return None;
            }
            // The slopes change little on the way; each step corrects what they are wrong by.
            self.look(rest, placed, 0, number == 0 || moved_on);
            let (pull, curvature) = self.sums(count, coded.steps, coder, (gain, offset));
            let inverse = if flicker { invert(&curvature)? } else { place_only(&curvature)? };
            let step = inverse.map(|row| row.iter().zip(&pull).map(|(a, b)| a * b).sum::<f64>());
            let moved = [step[0] / gain, step[1] / gain];
            d.0 += moved[0].clamp(-FARTHEST_PX, FARTHEST_PX);
            d.1 += moved[1].clamp(-FARTHEST_PX, FARTHEST_PX);
            gain += step[2];
            offset += step[3];
            if !GAINS.contains(&gain) || !((d.0 - start.0).hypot(d.1 - start.1) < AWAY_PX) {
                return None;
            }
            covariance = [inverse[0][0], inverse[0][1], inverse[1][1]].map(|c| c / (gain * gain));
            if moved[0].hypot(moved[1]) < GOOD_PX && number >= wider.len() {
                break;
            }
        }
        Some(Between { d, light: (gain, offset), covariance })
    }

    /// Takes a frame that was fitted into the next reference.
    pub fn absorb(&mut self, coded: &Coded<'_>, fit: &Between) {
        let (whole, rest) = self.split(fit.d);
        let placed = self.grid.at(whole, AROUND);
        self.read(coded, whole, placed);
        self.look(rest, placed, LEARNED, false);
        let at = (coded.corner.0 + whole.0, coded.corner.1 + whole.1);
        self.reference.leave(self.arch, coded.luma, at, rest, fit.light);
        let (width, columns) = (self.grid.size.0 + 2 * LEARNED, placed.count.0.max(1));
        let (scale, shift) = (fit.light.0 as f32, self.shift(fit.light.1));
        let (x, y) = ((placed.first.0 + LEARNED as i64) as usize, (placed.first.1 + LEARNED as i64) as usize);
        let (steps, coder, cosines, reach) = (coded.steps, self.coder, &self.cosines, &self.reach);
        let [sums, squares] = &mut self.curvatures;
        let left = self.reference.left();
        let count = placed.count.0 * placed.count.1;
        let blocks = self.frame.iter().zip(&self.model[0]).take(count).enumerate();
        for (i, ((frame, whole), model)) in blocks {
            if !whole {
                continue;
            }
            let mut pixels = [0.0; AREA];
            widest!(self.arch, {
                let (pulls, curvatures) = pulls(frame, model, steps, coder, scale, shift);
                let mut moved = [0.0; AREA];
                for k in 0..AREA {
                    moved[k] = pulls[k] * reach[k] / scale;
                    sums[k] += curvatures[k];
                    squares[k] += curvatures[k] * curvatures[k];
                }
                cosines.backward(&moved, &mut pixels);
            });
            let from = (y + i / columns * SIDE) * width + x + i % columns * SIDE;
            for (row, pixels) in pixels.chunks_exact(SIDE).enumerate() {
                left[from + row * width..from + row * width + SIDE].copy_from_slice(pixels);
            }
        }
        self.reference.absorb_left(self.arch, rest);
        self.turn = (self.turn + 1) % TELLS;
        self.ask(placed.count, steps, scale, shift);
    }

    /// Frames taken since the reference was last made anew.
    #[must_use]
    pub fn batch(&self) -> u32 {
        self.reference.batch()
    }

    /// How well each scale of the noise explains some of the blocks.
    fn ask(&mut self, (columns, rows): (usize, usize), steps: &Block, gain: f32, shift: f32) {
        let (turn, arch) = (self.turn, self.arch);
        let inner = |i: usize| (1..columns - 1).contains(&(i % columns)) && (1..rows - 1).contains(&(i / columns));
        let blocks = self.frame.iter().zip(&self.model[0]).take(columns * rows).enumerate();
        let some = blocks.filter(|(i, ((_, whole), _))| *whole && inner(*i)).skip(turn).step_by(TELLS);
        for (_, ((frame, _), model)) in some {
            for (factor, likely) in FACTORS.iter().zip(&mut self.likely) {
                let coder = Coder { scale: factor * self.coder.scale, ..self.coder };
                *likely += widest!(arch, likelihood(frame, model, steps, coder, gain, shift));
            }
        }
    }

    /// Makes the reference anew from what was taken; the present one counts as `weight` frames. The scale of the noise is taken for the one tried that
    /// explains these frames best.
    pub fn renew(&mut self, weight: f64) {
        if self.reference.batch() == 0 {
            return;
        }
        self.reference.renew(weight);
        if weight > 0.0 {
            self.former.copy_from_slice(self.reference.samples());
        } else {
            self.reference.go_on(&mut self.former, GO_ON);
        }
        let before = self.coder.scale;
        if let Some((factor, _)) = FACTORS.iter().zip(&self.likely).max_by(|a, b| a.1.total_cmp(b.1)) {
            self.coder.scale = (factor * before).clamp(*SCALES.start(), *SCALES.end());
        }
        let widest = 2.0 * self.coder.scale * self.coder.scale;
        let [sums, squares] = &self.curvatures;
        let other = (self.coder.scale / before).powi(2);
        for (reach, (sum, square)) in self.reach.iter_mut().zip(sums.iter().zip(squares)) {
            // The mean curvature, those counting most that are most curved: a step by it does not overshoot.
            *reach = (other * sum / square.max(f32::MIN_POSITIVE)).clamp(widest, REACH * widest);
        }
        self.curvatures = [[0.0; AREA]; 2];
        self.likely = Default::default();
    }

    /// Whole part of a displacement, and its rest: not the nearest whole part if another one has more blocks within the region.
    fn split(&self, d: (f64, f64)) -> ((i64, i64), (f64, f64)) {
        let axis = |d: f64, home: i64, n: usize| {
            let near = |whole: f64| (d - whole).abs() < REST_PX;
            let blocks = |whole: f64| {
                let first = (-(home + whole as i64)).rem_euclid(SIDE as i64);
                (n as i64 - first) / SIDE as i64
            };
            let (low, high) = (d.floor(), d.ceil());
            let (first, second) = if d - low < 0.5 { (low, high) } else { (high, low) };
            let whole = if near(second) && blocks(second) > blocks(first) { second } else { first };
            (whole as i64, d - whole)
        };
        let (x, y) = (axis(d.0, self.grid.home.0, self.grid.size.0), axis(d.1, self.grid.home.1, self.grid.size.1));
        ((x.0, y.0), (x.1, y.1))
    }

    /// What is added to a first coefficient beyond the gain times the model's.
    fn shift(&self, offset: f64) -> f32 {
        ((offset + f64::from(self.reference.level()) - 128.0) * SIDE as f64) as f32
    }

    /// Reads the frame's blocks as whole steps.
    fn read(&mut self, coded: &Coded<'_>, whole: (i64, i64), placed: Placed) {
        let at = (coded.corner.0 + whole.0 + placed.first.0, coded.corner.1 + whole.1 + placed.first.1);
        self.cosines.read(self.arch, coded.luma, at, placed.count, &mut self.pictures[3], &mut self.frame);
        for (block, _) in &mut self.frame[..placed.count.0 * placed.count.1] {
            block.iter_mut().zip(coded.steps).for_each(|(c, s)| *c = whole_steps(*c / s));
        }
    }

    /// Looks at the model displaced by `rest`, and at its slopes if asked for, in the blocks placed so in the region with so many pixels around it.
    fn look(&mut self, rest: (f64, f64), placed: Placed, margin: usize, slopes: bool) {
        let width = self.grid.size.0 + 2 * margin;
        let n = width * (self.grid.size.1 + 2 * margin);
        let at = ((placed.first.0 + margin as i64) as usize, (placed.first.1 + margin as i64) as usize);
        let [picture, gx, gy, beside] = &mut self.pictures;
        self.reference.evaluate(self.arch, rest, margin, &mut picture[..n]);
        if slopes {
            let scale = (0.5 / H) as f32;
            for (to, (ex, ey)) in [(&mut *gx, (H, 0.0)), (&mut *gy, (0.0, H))] {
                self.reference.evaluate(self.arch, (rest.0 + ex, rest.1 + ey), 0, &mut to[..n]);
                self.reference.evaluate(self.arch, (rest.0 - ex, rest.1 - ey), 0, &mut beside[..n]);
                for (t, b) in to[..n].iter_mut().zip(&beside[..n]) {
                    *t = scale * (*t - b);
                }
            }
        }
        let looked = if slopes { 3 } else { 1 };
        for (picture, model) in [picture, gx, gy].into_iter().zip(&mut self.model).take(looked) {
            self.cosines.all(self.arch, picture, width, at, placed.count, model);
        }
    }

    /// The likelihood's slope in displacement (times the gain), gain and offset, and its curvature.
    fn sums(&self, count: usize, steps: &Block, coder: Coder, (gain, offset): (f64, f64)) -> ([f64; 4], [[f64; 4]; 4]) {
        let (mut pull, mut curvature) = ([0.0; 4], [[0.0; 4]; 4]);
        let (scale, shift) = (gain as f32, self.shift(offset));
        let [model, gx, gy] = &self.model;
        let blocks = self.frame.iter().zip(model).zip(gx.iter().zip(gy)).take(count);
        for (((frame, _), model), (gx, gy)) in blocks.filter(|(((_, whole), _), _)| *whole) {
            let sums = widest!(self.arch, {
                let (pulls, weights) = pulls(frame, model, steps, coder, scale, shift);
                products(&pulls, &weights, [gx, gy, model])
            });
            for (to, v) in pull[..3].iter_mut().zip(&sums) {
                *to += f64::from(*v);
            }
            let (xx, xy, xm, yy, ym, mm) = (sums[3], sums[4], sums[5], sums[6], sums[7], sums[8]);
            for (row, values) in curvature.iter_mut().zip([[xx, xy, xm], [xy, yy, ym], [xm, ym, mm]]) {
                row.iter_mut().zip(values).for_each(|(to, v)| *to += f64::from(v));
            }
            // The offset moves the first coefficient alone.
            let one = SIDE as f32;
            let first = sums[9];
            let weight = sums[10];
            pull[3] += f64::from(one * first);
            for (to, v) in curvature.iter_mut().zip([gx[0], gy[0], model[0]]) {
                to[3] += f64::from(one * weight * v);
            }
            curvature[3][3] += f64::from(one * one * weight);
        }
        for i in 0..3 {
            curvature[3][i] = curvature[i][3];
        }
        (pull, curvature)
    }
}

/// The nearest whole number, of values that a picture can have; what is far beyond stays as large.
fn whole_steps(v: f32) -> f32 {
    // There single precision holds whole numbers only. (A call of the C library's would cost a tenth of the whole fit.)
    const SHIFT: f32 = 12_582_912.0;
    (v + SHIFT) - SHIFT
}

/// Inverse where the light is not fitted.
fn place_only(a: &[[f64; 4]; 4]) -> Option<[[f64; 4]; 4]> {
    let small = invert(&[[a[0][0], a[0][1]], [a[1][0], a[1][1]]])?;
    let mut out = [[0.0; 4]; 4];
    for (to, from) in out.iter_mut().zip(&small) {
        to[..2].copy_from_slice(from);
    }
    Some(out)
}

/// The logistic function.
#[inline(always)]
fn logistic(x: f32) -> f32 {
    // 2^t by its whole part, put into the exponent's bits, and a polynomial for the rest (relative error below 3e-6).
    const SHIFT: f32 = 12_582_912.0;
    let t = (-x * std::f32::consts::LOG2_E).clamp(-60.0, 60.0);
    let whole = t + SHIFT;
    let f = t - (whole - SHIFT);
    let p = 1.0
        + f * (std::f32::consts::LN_2 + f * (0.240_226_5 + f * (0.055_504_1 + f * (0.009_618_1 + f * 0.001_333_4))));
    let e = f32::from_bits(p.to_bits().wrapping_add(whole.to_bits() << 23));
    1.0 / (1.0 + e)
}

/// The ends of a coefficient's interval less what is expected, by the noise's scale.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn ends(steps: f32, step: f32, rounding: f32, expected: f32, per_scale: f32) -> [f32; 2] {
    let size = steps.abs();
    let outer = (size + rounding) * step;
    let inner = if size > 0.0 { size - 1.0 + rounding } else { -rounding } * step;
    let (low, high) = if steps < 0.0 { (-outer, -inner) } else { (inner, outer) };
    [(low - expected) * per_scale, (high - expected) * per_scale]
}

/// How the log-likelihood of a block's coefficients changes with what is expected of each (gain times the model, and `shift` for the first), and its
/// curvature.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn pulls(frame: &Block, model: &Block, steps: &Block, coder: Coder, gain: f32, shift: f32) -> (Block, Block) {
    let per_scale = 1.0 / coder.scale;
    let (mut pulls, mut curvatures) = ([0.0; AREA], [0.0; AREA]);
    for k in 0..AREA {
        // A first coefficient is rounded to the nearest by every coder; its shift is added to it alone.
        let (rounding, shift) = if k == 0 { (0.5, shift) } else { (coder.rounding, 0.0) };
        let [low, high] = ends(frame[k], steps[k], rounding, gain * model[k] + shift, per_scale);
        let (u, v) = (logistic(low), logistic(high));
        pulls[k] = (u + v - 1.0) * per_scale;
        curvatures[k] = (u * (1.0 - u) + v * (1.0 - v)) * per_scale * per_scale;
    }
    (pulls, curvatures)
}

/// Log-likelihood of a block's coefficients.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn likelihood(frame: &Block, model: &Block, steps: &Block, coder: Coder, gain: f32, shift: f32) -> f64 {
    let per_scale = 1.0 / coder.scale;
    let mut shares = [0.0f32; AREA];
    for k in 0..AREA {
        let (rounding, shift) = if k == 0 { (0.5, shift) } else { (coder.rounding, 0.0) };
        let [low, high] = ends(frame[k], steps[k], rounding, gain * model[k] + shift, per_scale);
        shares[k] = (logistic(high) - logistic(low)).max(LEAST_LIKELY);
    }
    let (parts, _) = shares.as_chunks::<4>();
    parts.iter().map(|p| f64::from(p.iter().product::<f32>()).ln()).sum()
}

/// Sums of a block over pulls and weights with the slopes along x and y and the model: three pulls, the six products, and the first
/// coefficient's pull and weight.
#[inline(always)]
fn products(pulls: &Block, weights: &Block, [gx, gy, model]: [&Block; 3]) -> [f32; 11] {
    const LANES: usize = 8;
    let mut lanes = [[0.0f32; LANES]; 9];
    for from in (0..AREA).step_by(LANES) {
        for l in 0..LANES {
            let k = from + l;
            let (p, w, x, y, m) = (pulls[k], weights[k], gx[k], gy[k], model[k]);
            lanes[0][l] += p * x;
            lanes[1][l] += p * y;
            lanes[2][l] += p * m;
            lanes[3][l] += w * x * x;
            lanes[4][l] += w * x * y;
            lanes[5][l] += w * x * m;
            lanes[6][l] += w * y * y;
            lanes[7][l] += w * y * m;
            lanes[8][l] += w * m * m;
        }
    }
    let mut out = [0.0; 11];
    for (to, lanes) in out.iter_mut().zip(&lanes) {
        *to = lanes.iter().sum();
    }
    (out[9], out[10]) = (pulls[0], weights[0]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE_PX: usize = 96;
    const HOME: (i64, i64) = (19, 22);

    /// A picture of some waves displaced by `d`, coded by steps of `step` (the first one 8), rounded up from `rounding` on, and decoded.
    fn picture(d: (f64, f64), step: f32, rounding: f32) -> Vec<u8> {
        let waves =
            [(0.31, 0.12, 0.3, 31.0), (0.07, 0.41, 1.1, 27.0), (0.23, -0.29, 2.0, 22.0), (-0.5, 0.6, 0.7, 18.0)];
        let mut pixels: Vec<f32> = (0..SIDE_PX * SIDE_PX)
            .map(|i| {
                let (x, y) = ((i % SIDE_PX) as f64 - d.0, (i / SIDE_PX) as f64 - d.1);
                waves.iter().map(|(a, b, p, s)| s * (a * x + b * y + p).sin()).sum::<f64>() as f32
            })
            .collect();
        let (cosines, mut block, mut back) = (Cosines::default(), [0.0; AREA], [0.0; AREA]);
        for from in (0..SIDE_PX).step_by(SIDE).flat_map(|y| (0..SIDE_PX).step_by(SIDE).map(move |x| y * SIDE_PX + x)) {
            cosines.all(Arch::new(), &pixels[from..], SIDE_PX, (0, 0), (1, 1), std::slice::from_mut(&mut block));
            for (k, c) in block.iter_mut().enumerate() {
                let (step, rounding) = if k == 0 { (8.0, 0.5) } else { (step, rounding) };
                *c = (c.abs() / step + 1.0 - rounding).floor() * step * c.signum();
            }
            cosines.backward(&block, &mut back);
            for (row, back) in back.chunks_exact(SIDE).enumerate() {
                pixels[from + row * SIDE_PX..from + row * SIDE_PX + SIDE].copy_from_slice(back);
            }
        }
        pixels.iter().map(|p| (p + 128.0).round().clamp(0.0, 255.0) as u8).collect()
    }

    fn steps(step: f32) -> Block {
        std::array::from_fn(|k| if k == 0 { 8.0 } else { step })
    }

    fn place(i: u32) -> (f64, f64) {
        let t = f64::from(i) * 0.85;
        (0.6 * t.sin(), 0.4 * (t + 1.0).sin())
    }

    /// RMS error along one axis of frames that the reference was learned from, in pixels, the mean taken out.
    fn error(step: f32, coded: f32, told: f32) -> f64 {
        let frames: Vec<Vec<u8>> = (0..60).map(|i| picture(place(i), step, coded)).collect();
        let luma = |i: usize| Luma::new(&frames[i], SIDE_PX, SIDE_PX, SIDE_PX).unwrap();
        let mut reference = Reference::new(48, 48);
        reference.begin(&luma(0), HOME.0, HOME.1);
        let mut intervals = Intervals::new(Arch::new(), Grid { home: HOME, size: (48, 48) }, reference, told);
        let mut at: Vec<((f64, f64), (f64, f64))> =
            (0..60).map(|i| ((place(i).0 - place(0).0, place(i).1 - place(0).1), (1.0, 0.0))).collect();
        for round in 0..14 {
            for (i, at) in at.iter_mut().enumerate() {
                let luma = luma(i);
                let coded = Coded { luma: &luma, corner: HOME, steps: &steps(step) };
                let fit = intervals.fit(&coded, at.0, at.1, true, round > 3).unwrap();
                *at = (fit.d, fit.light);
                intervals.absorb(&coded, &fit);
            }
            intervals.renew(if round < 10 { 0.0 } else { f64::MIN_POSITIVE });
        }
        let off = |i: usize| (at[i].0.0 - place(i as u32).0, at[i].0.1 - place(i as u32).1);
        let mean = (0..60).fold((0.0, 0.0), |m, i| (m.0 + off(i).0 / 60.0, m.1 + off(i).1 / 60.0));
        ((0..60).map(|i| (off(i).0 - mean.0).powi(2) + (off(i).1 - mean.1).powi(2)).sum::<f64>() / 120.0).sqrt()
    }

    #[test]
    fn what_was_rounded_away_is_found_again() {
        // No noise at all, so nothing dithers: the hardest case for what is told by probabilities.
        assert!(error(16.0, 0.5, 0.5) < 0.012, "{}", error(16.0, 0.5, 0.5));
        assert!(error(30.0, 0.5, 0.5) < 0.025, "{}", error(30.0, 0.5, 0.5));
        assert!(error(30.0, 0.625, 0.625) < 0.025, "{}", error(30.0, 0.625, 0.625));
    }

    #[test]
    fn frames_that_tell_nothing_are_refused() {
        let frame = picture((0.0, 0.0), 16.0, 0.5);
        let luma = Luma::new(&frame, SIDE_PX, SIDE_PX, SIDE_PX).unwrap();
        let mut reference = Reference::new(48, 48);
        reference.begin(&luma, HOME.0, HOME.1);
        let mut intervals = Intervals::new(Arch::new(), Grid { home: HOME, size: (48, 48) }, reference, 0.5);
        let mut fit = |pixels: &[u8], steps: &Block| {
            let luma = Luma::new(pixels, SIDE_PX, SIDE_PX, SIDE_PX).unwrap();
            intervals.fit(&Coded { luma: &luma, corner: HOME, steps }, (0.0, 0.0), (1.0, 0.0), true, false)
        };
        assert!(fit(&frame, &steps(16.0)).is_some());
        assert!(fit(&frame, &[f32::INFINITY; AREA]).is_none(), "no steps");
        assert!(fit(&vec![255; frame.len()], &steps(16.0)).is_none(), "cut off at the end of the scale");
        assert!(fit(&vec![128; frame.len()], &steps(16.0)).is_none_or(|f| f.covariance[0].is_finite()));
    }

    #[test]
    fn blocks_at_the_edge_are_kept_while_the_target_moves_by_less_than_a_pixel() {
        let luma_of = vec![128; SIDE_PX * SIDE_PX];
        let luma = Luma::new(&luma_of, SIDE_PX, SIDE_PX, SIDE_PX).unwrap();
        let mut reference = Reference::new(48, 48);
        reference.begin(&luma, 16, 16);
        let intervals = Intervals::new(Arch::new(), Grid { home: (16, 16), size: (48, 48) }, reference, 0.5);
        for d in [-0.8, -0.3, 0.0, 0.4, 0.7] {
            assert_eq!(intervals.split((d, d)), ((0, 0), (d, d)));
        }
        assert_eq!(intervals.split((1.3, -2.6)).0, (1, -3));
    }

    #[test]
    fn the_logistic_function_is_exact_enough() {
        for i in -4000..4000 {
            let x = f64::from(i) / 200.0;
            let exact = 1.0 / (1.0 + (-x).exp());
            assert!((f64::from(logistic(x as f32)) - exact).abs() < 2e-6, "{x}");
        }
        assert!(logistic(f32::NEG_INFINITY) < 1e-12 && logistic(f32::INFINITY) > 0.999_999);
    }
}
