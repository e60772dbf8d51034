//! The discrete cosine transform of blocks of 8×8 pixels, as JPEG codes a picture: orthonormal, the lowest frequency first.
//!
//! A coefficient of it is a coefficient of JPEG (ITU-T T.81, A.3.3), so a decoded one is a whole multiple of its quantisation step.

use std::f64::consts::PI;

use pulp::Arch;

use super::lanes::widest;
use super::luma::Luma;

/// Pixels of a block's side.
pub const SIDE: usize = 8;
/// Pixels, and coefficients, of a block: row by row, the vertical frequency being the row.
pub const AREA: usize = SIDE * SIDE;

/// One block of pixels or coefficients.
pub type Block = [f32; AREA];

/// Where a picture's blocks lie in a region that moves over it: they begin at the picture's own corner.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// The region's corner in the picture, and its size, in pixels.
    pub home: (i64, i64),
    /// Width and height.
    pub size: (usize, usize),
}

/// Blocks that lie wholly in a region, and perhaps so many more around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The first block's corner, from the region's.
    pub first: (i64, i64),
    /// Blocks along x and y.
    pub count: (usize, usize),
}

impl Grid {
    /// The blocks of the region displaced by `whole`, and of so many around it.
    #[must_use]
    pub fn at(&self, whole: (i64, i64), around: usize) -> Placed {
        let side = SIDE as i64;
        let axis = |from: i64, n: usize| {
            let first = (-from).rem_euclid(side);
            (first - side * around as i64, ((n as i64 - first) / side).max(0) as usize + 2 * around)
        };
        let (x, columns) = axis(self.home.0 + whole.0, self.size.0);
        let (y, rows) = axis(self.home.1 + whole.1, self.size.1);
        Placed { first: (x, y), count: (columns, rows) }
    }

    /// How many blocks there can be.
    #[must_use]
    pub fn most(&self, around: usize) -> usize {
        (self.size.0 / SIDE + 2 * around) * (self.size.1 / SIDE + 2 * around)
    }
}

/// Pixels beyond these are cut off at the end of the scale, and not as they were coded.
const WITHIN: std::ops::RangeInclusive<f32> = 1.0..=254.0;

/// The transform's cosines.
#[derive(Clone, Debug)]
pub struct Cosines {
    /// By frequency and place, and by place and frequency.
    by_frequency: [[f32; SIDE]; SIDE],
    by_place: [[f32; SIDE]; SIDE],
}

impl Default for Cosines {
    fn default() -> Self {
        let at = |k: usize, x: usize| {
            let scale = if k == 0 { (1.0 / SIDE as f64).sqrt() } else { (2.0 / SIDE as f64).sqrt() };
            (scale * (PI * k as f64 * (x as f64 + 0.5) / SIDE as f64).cos()) as f32
        };
        Self {
            by_frequency: std::array::from_fn(|k| std::array::from_fn(|x| at(k, x))),
            by_place: std::array::from_fn(|x| std::array::from_fn(|k| at(k, x))),
        }
    }
}

impl Cosines {
    /// Coefficients of a frame's blocks, of pixels about the middle of their scale, the first block's corner at (`x`, `y`); false for those that are cut
    /// off at the end of the scale. `line` is scratch for eight rows of blocks.
    pub fn read(
        &self,
        arch: Arch,
        luma: &Luma<'_>,
        (x, y): (i64, i64),
        (columns, rows): (usize, usize),
        line: &mut [f32],
        out: &mut [(Block, bool)],
    ) {
        let width = columns * SIDE;
        if width == 0 {
            return;
        }
        let lines = &mut line[..width * SIDE];
        for (row, out) in out.chunks_exact_mut(columns).take(rows).enumerate() {
            for (i, line) in lines.chunks_exact_mut(width).enumerate() {
                luma.copy_row(x, y + (row * SIDE + i) as i64, line);
            }
            for (column, (block, whole)) in out.iter_mut().enumerate() {
                let from = column * SIDE;
                *whole = lines.chunks_exact(width).all(|l| l[from..from + SIDE].iter().all(|p| WITHIN.contains(p)));
                self.one(arch, &lines[from..], width, block);
                block[0] -= 128.0 * SIDE as f32;
            }
        }
    }

    /// Coefficients of a picture's blocks: rows of `width`, the first block's corner at (`x`, `y`).
    pub fn all(
        &self,
        arch: Arch,
        picture: &[f32],
        width: usize,
        (x, y): (usize, usize),
        (columns, rows): (usize, usize),
        out: &mut [Block],
    ) {
        if columns == 0 {
            return;
        }
        for (row, out) in out.chunks_exact_mut(columns).take(rows).enumerate() {
            for (column, out) in out.iter_mut().enumerate() {
                self.one(arch, &picture[(y + row * SIDE) * width + x + column * SIDE..], width, out);
            }
        }
    }

    fn one(&self, arch: Arch, pixels: &[f32], stride: usize, out: &mut Block) {
        widest!(arch, self.forward(pixels, stride, out));
    }

    /// Coefficients of the block whose first pixel is the first of `pixels`, rows `stride` apart.
    #[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
    #[inline(always)]
    fn forward(&self, pixels: &[f32], stride: usize, out: &mut Block) {
        let rows: [&[f32]; SIDE] = std::array::from_fn(|y| &pixels[y * stride..y * stride + SIDE]);
        let (out, _) = out.as_chunks_mut::<SIDE>();
        for (cosines, out) in self.by_frequency.iter().zip(out) {
            let mut column = [0.0f32; SIDE];
            for (c, row) in cosines.iter().zip(&rows) {
                for (to, v) in column.iter_mut().zip(*row) {
                    *to += c * v;
                }
            }
            *out = across(&column, &self.by_place);
        }
    }

    /// Pixels of a block's coefficients.
    #[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
    #[inline(always)]
    pub(super) fn backward(&self, coefficients: &Block, out: &mut Block) {
        let (rows, _) = coefficients.as_chunks::<SIDE>();
        let (out, _) = out.as_chunks_mut::<SIDE>();
        for (cosines, out) in self.by_place.iter().zip(out) {
            let mut column = [0.0f32; SIDE];
            for (c, row) in cosines.iter().zip(rows) {
                for (to, v) in column.iter_mut().zip(row) {
                    *to += c * v;
                }
            }
            *out = across(&column, &self.by_frequency);
        }
    }
}

/// A row times a matrix.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn across(row: &[f32; SIDE], matrix: &[[f32; SIDE]; SIDE]) -> [f32; SIDE] {
    let mut out = [0.0f32; SIDE];
    for (v, m) in row.iter().zip(matrix) {
        for (to, m) in out.iter_mut().zip(m) {
            *to += v * m;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_same_block() {
        let cosines = Cosines::default();
        let stride = 11;
        let pixels: Vec<f32> = (0..8 * stride).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
        let (mut there, mut back) = ([0.0; AREA], [0.0; AREA]);
        cosines.forward(&pixels, stride, &mut there);
        cosines.backward(&there, &mut back);
        for (i, v) in back.iter().enumerate() {
            assert!((v - pixels[i / 8 * stride + i % 8]).abs() < 1e-3);
        }
        let energy = |b: &[f32]| b.iter().map(|v| v * v).sum::<f32>();
        assert!((energy(&there) / energy(&back) - 1.0).abs() < 1e-5, "orthonormal");
    }

    #[test]
    fn the_first_coefficient_is_eight_times_the_mean_and_each_wave_has_its_own() {
        let cosines = Cosines::default();
        let mut there = [0.0; AREA];
        cosines.forward(&[5.0; AREA], 8, &mut there);
        assert!((there[0] - 40.0).abs() < 1e-4);
        let wave: Vec<f32> = (0..AREA).map(|i| (PI as f32 * 3.0 * ((i % 8) as f32 + 0.5) / 8.0).cos()).collect();
        cosines.forward(&wave, 8, &mut there);
        assert!(there.iter().enumerate().all(|(i, v)| (v.abs() > 1.0) == (i == 3)), "{there:?}");
    }
}
