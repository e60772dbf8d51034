//! The quantisation steps that a decoded JPEG picture shows by itself.
//!
//! Each coefficient of a block is a whole multiple of its step, but for the rounding of the decoded pixels (σ 0.29). The step is found as in the
//! forensics of pictures (Fan & de Queiroz, "Identification of Bitmap Compression History: JPEG Detection and Quantizer Estimation", IEEE Trans.
//! Image Processing 12(2), 2003): by how well a comb of that width fits the values. A coder that keeps to a bit rate changes its table of steps from
//! picture to picture, so each picture is asked which of the tables it is of.

use pulp::Arch;

use super::blocks::{AREA, Block, Cosines, Grid};
use super::lanes::widest;
use super::luma::Luma;

/// Values are counted by quarters of a grey level, up to this many.
const BINS: usize = 1 << 12;
const BINS_PER_LEVEL: f32 = 4.0;
/// A coefficient below this is none: pixels are rounded when they are decoded.
const NOTHING: f32 = 1.9;
/// The steps looked for. JPEG has finer ones, which show no comb and do no harm.
const FINEST: usize = 3;
const COARSEST: usize = 255;
/// Values that a step is told from, at least.
const LEAST: u32 = 24;
/// Mean of the cosine that a comb must reach: 1 where it fits, 0 by chance.
const COMB: f64 = 0.8;
/// Share of all coefficients that are something whose steps must be found: less is a mixture of tables, or no JPEG.
const LEAST_SHARE: f64 = 0.8;
/// Of the combs that fit, wider ones may fit this much worse than the best and are taken all the same: each divisor of a step fits as well.
const AS_GOOD: f64 = 0.85;
/// Coefficients that must show their step for the pictures to be taken for JPEG.
const LEAST_KNOWN: usize = 3;
/// Coefficients that tell first: those of the lowest frequencies.
const FIRST: [usize; 3] = [1, 8, 9];
/// Frames that a table is told from at first, and in the end.
const COUNTED: u32 = 16;
const RIPE: u32 = 96;
/// Tables that are known at once.
const TABLES: usize = 6;
/// Mean of the cosine from which on a frame is of a table, of the coefficients whose steps are wide enough to tell, and how wide that is.
const OF_TABLE: f32 = 0.93;
const TELLING: f32 = 6.0;
/// Coefficients that are something, for a frame to tell its table.
const LEAST_TOLD: f32 = 8.0;

/// Counts coefficients until their steps can be told. Half a megabyte.
#[derive(Clone, Debug)]
struct Counts {
    bins: Vec<u16>,
}

impl Default for Counts {
    fn default() -> Self {
        Self { bins: vec![0; AREA * BINS] }
    }
}

impl Counts {
    fn take(&mut self, block: &Block) {
        for (bins, c) in self.bins.chunks_exact_mut(BINS).zip(block) {
            // What is larger is counted with the largest, and told from nothing.
            let at = ((c.abs() * BINS_PER_LEVEL + 0.5) as usize).min(BINS - 1);
            bins[at] = bins[at].saturating_add(1);
        }
    }

    /// The steps in grey levels; infinite where nothing tells. None where the pictures are not those of JPEG.
    fn steps(&self, arch: Arch) -> Option<Block> {
        let mut steps = [f32::INFINITY; AREA];
        // Where not one of the first tells, none will: most pictures that are not JPEG's cost no more than that.
        if FIRST.iter().all(|k| self.bins.chunks_exact(BINS).nth(*k).and_then(|bins| step_of(arch, bins)).is_none()) {
            return None;
        }
        let (mut all, mut told) = (0, 0);
        for (step, bins) in steps.iter_mut().zip(self.bins.chunks_exact(BINS)) {
            let count = something(bins);
            all += count;
            if let Some(s) = step_of(arch, bins) {
                *step = s as f32;
                told += count;
            }
        }
        let known = steps.iter().filter(|s| s.is_finite()).count();
        if steps[0].is_infinite() || known < LEAST_KNOWN || f64::from(told) < LEAST_SHARE * f64::from(all) {
            return None;
        }
        let widest = steps.iter().copied().filter(|s| s.is_finite()).fold(0.0, f32::max);
        for (step, bins) in steps.iter_mut().zip(self.bins.chunks_exact(BINS)).filter(|(s, _)| s.is_infinite()) {
            if something(bins) < LEAST {
                // Next to none reaches a step: it is about as wide as the widest that shows.
                *step = widest;
            }
        }
        Some(steps)
    }
}

/// The cosine of so many turns, within 0.003.
#[inline(always)]
fn cos_of_turns(turns: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    let f = turns - ((turns + SHIFT) - SHIFT);
    let s = f * f;
    1.0 + s * (-19.739_21 + s * (64.939_39 + s * (-85.456_82 + s * (60.244_64 - s * 26.426_26))))
}

/// How many of the values counted are something.
fn something(bins: &[u16]) -> u32 {
    bins.iter().skip((NOTHING * BINS_PER_LEVEL) as usize).map(|n| u32::from(*n)).sum()
}

fn step_of(arch: Arch, bins: &[u16]) -> Option<usize> {
    let from = (NOTHING * BINS_PER_LEVEL) as usize;
    let seen = || bins.iter().enumerate().take(BINS - 1).skip(from).filter(|(_, n)| **n > 0);
    let count: u32 = seen().map(|(_, n)| u32::from(*n)).sum();
    if count < LEAST {
        return None;
    }
    // Filled up with values that were never seen.
    let mut rows = vec![([0.0; LANES], [0.0; LANES]); seen().count().div_ceil(LANES)];
    for (k, (i, n)) in seen().enumerate() {
        let (at, times) = &mut rows[k / LANES];
        (at[k % LANES], times[k % LANES]) = (i as f32, f32::from(*n));
    }
    let combs: Vec<f64> = (FINEST..=COARSEST)
        .map(|step| f64::from(comb(arch, &rows, step as f32 * BINS_PER_LEVEL)) / f64::from(count))
        .collect();
    let best = combs.iter().copied().fold(0.0, f64::max);
    if best < COMB {
        return None;
    }
    let mut at = combs.iter().rposition(|c| *c > COMB.max(AS_GOOD * best))?;
    while at > 0 && combs[at - 1] > combs[at] {
        at -= 1;
    }
    Some(at + FINEST)
}

/// Values that are held against a comb side by side.
const LANES: usize = 16;

/// How well a comb of this width fits values that were seen so many times: the sum of the cosines.
fn comb(arch: Arch, rows: &[([f32; LANES], [f32; LANES])], width: f32) -> f32 {
    let (per_width, least) = (1.0 / width, width / 2.0);
    widest!(arch, {
        let mut sums = [0.0; LANES];
        for (at, times) in rows {
            for k in 0..LANES {
                // What lies nearer to nothing than to one step would have been nothing.
                let fits = if at[k] < least { -1.0 } else { cos_of_turns(at[k] * per_width) };
                sums[k] += times[k] * fits;
            }
        }
        sums.iter().sum()
    })
}

/// A table, and what it is told better from until it is ripe.
#[derive(Clone, Debug)]
struct Table {
    steps: Block,
    counts: Option<Counts>,
    frames: u32,
}

impl Table {
    fn take<'a>(&mut self, arch: Arch, blocks: impl Iterator<Item = &'a Block>) {
        let Some(counts) = &mut self.counts else { return };
        blocks.for_each(|b| counts.take(b));
        self.frames += 1;
        if self.frames.is_power_of_two() || self.frames >= RIPE {
            self.steps = counts.steps(arch).unwrap_or(self.steps);
        }
        if self.frames >= RIPE {
            self.counts = None;
        }
    }
}

/// The tables of steps that one region's pictures have shown.
#[derive(Clone, Debug)]
pub struct Tables {
    arch: Arch,
    grid: Grid,
    cosines: Cosines,
    line: Vec<f32>,
    blocks: Vec<(Block, bool)>,
    known: Vec<Table>,
    counts: Counts,
    counted: u32,
    /// How often the frames counted told no table.
    failed: u32,
}

impl Tables {
    /// For a region whose blocks lie in this grid. Later memory is taken once for each new table only.
    #[must_use]
    pub fn new(arch: Arch, grid: Grid) -> Self {
        let most = grid.most(0);
        Self {
            arch,
            grid,
            cosines: Cosines::default(),
            line: vec![0.0; most * AREA],
            blocks: vec![([0.0; AREA], false); most],
            known: Vec::with_capacity(TABLES),
            counts: Counts::default(),
            counted: 0,
            failed: 0,
        }
    }

    /// Whether a table was found.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.known.is_empty()
    }

    /// How often so many frames as tell a table told none.
    #[must_use]
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// The steps of a frame whose region, with its corner at `corner` of `luma`, is displaced by `d`. Where it is of no table that is known, it is counted,
    /// so that a new one will be.
    pub fn of(&mut self, luma: &Luma<'_>, corner: (i64, i64), d: (f64, f64)) -> Option<Block> {
        let whole = ((d.0 + 0.5).floor() as i64, (d.1 + 0.5).floor() as i64);
        let placed = self.grid.at(whole, 0);
        let at = (corner.0 + whole.0 + placed.first.0, corner.1 + whole.1 + placed.first.1);
        self.cosines.read(self.arch, luma, at, placed.count, &mut self.line, &mut self.blocks);
        let blocks = &self.blocks[..placed.count.0 * placed.count.1];
        let blocks = || blocks.iter().filter(|(_, whole)| *whole).map(|(block, _)| block);
        let told = self.known.iter_mut().map(|t| (of_table(blocks(), &t.steps), t)).max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((fits, table)) = told
            && fits > OF_TABLE
        {
            table.take(self.arch, blocks());
            return Some(table.steps);
        }
        if self.known.len() == TABLES {
            return None;
        }
        blocks().for_each(|b| self.counts.take(b));
        self.counted += 1;
        if self.counted == COUNTED {
            let known = |steps: &Block| self.known.iter().any(|t| t.steps == *steps);
            if let Some(steps) = self.counts.steps(self.arch).filter(|s| !known(s)) {
                let counts = std::mem::take(&mut self.counts);
                self.known.push(Table { steps, counts: Some(counts), frames: COUNTED });
            } else {
                self.counts.bins.fill(0);
                self.failed += 1;
            }
            self.counted = 0;
        }
        None
    }
}

/// How well coefficients fit a table: 1 where they do, 0 by chance.
fn of_table<'a>(blocks: impl Iterator<Item = &'a Block>, table: &Block) -> f32 {
    let (mut sum, mut count) = (0.0f32, 0.0f32);
    for block in blocks {
        for (c, step) in block.iter().zip(table).skip(1) {
            if c.abs() > NOTHING && *step >= TELLING && step.is_finite() {
                sum += if c.abs() < 0.5 * step { -1.0 } else { cos_of_turns(c / step) };
                count += 1.0;
            }
        }
    }
    if count < LEAST_TOLD { 0.0 } else { sum / count }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64) -> impl FnMut() -> f32 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
        }
    }

    /// Blocks of values spread over `range`, in whole steps, with the noise of decoding.
    fn blocks(steps: impl Fn(usize) -> f32, range: f32) -> Vec<Block> {
        let mut next = noise(7);
        let mut value = |i: usize| {
            let (v, step) = (2.0 * range * next(), steps(i));
            (v / step).round() * step + 0.8 * next()
        };
        (0..400).map(|_| std::array::from_fn(&mut value)).collect()
    }

    fn steps_of(blocks: &[Block]) -> Option<Block> {
        let mut counts = Counts::default();
        for block in blocks {
            counts.take(block);
        }
        counts.steps(Arch::new())
    }

    #[test]
    fn the_cosine_is_exact_enough() {
        for i in -400..400 {
            let turns = i as f32 / 37.0;
            assert!((cos_of_turns(turns) - (std::f32::consts::TAU * turns).cos()).abs() < 0.003, "{turns}");
        }
    }

    #[test]
    fn steps_are_found_where_values_reach_them() {
        let steps = |i: usize| (8 + 2 * i) as f32;
        let found = steps_of(&blocks(steps, 100.0)).unwrap();
        assert!(found.iter().enumerate().take(45).all(|(i, f)| *f == steps(i)), "{found:?}");
        // Hardly any reach a step of 150 and more.
        let found = steps_of(&blocks(steps, 70.0)).unwrap();
        let widest = found.iter().copied().fold(0.0, f32::max);
        assert!(found.iter().enumerate().all(|(i, f)| *f == steps(i) || *f == widest), "{found:?}");
    }

    #[test]
    fn pictures_that_are_not_of_jpeg_show_no_steps() {
        assert!(steps_of(&blocks(|_| 0.01, 60.0)).is_none());
        assert!(steps_of(&[]).is_none());
    }

    #[test]
    fn a_frame_tells_which_table_it_is_of() {
        let tables = [24.0, 26.0, 40.0].map(|s| std::array::from_fn::<f32, AREA, _>(|i| s + i as f32 / 4.0));
        for (i, of) in tables.iter().enumerate() {
            let coded = blocks(|k| of[k].round(), 90.0);
            for (j, table) in tables.iter().enumerate() {
                let fits = of_table(coded.iter(), &table.map(f32::round));
                assert_eq!(fits > OF_TABLE, i == j, "{i} of {j}: {fits}");
            }
        }
        assert!(of_table([[0.5; AREA]].iter(), &tables[0]) < OF_TABLE, "a frame of nothing tells nothing");
    }
}
