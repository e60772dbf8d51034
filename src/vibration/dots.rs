//! The one pass over a frame's pixels: scalar products of the region with the basis of its fit.
//!
//! Everything that a frame tells about a region's displacement goes through five sums. They are formed from the luma bytes as they
//! lie in the decoder's buffer, with the widest vectors that the processor has (chosen at run time).

use pulp::Arch;

use super::lanes::widest;
use super::luma::Luma;

/// Side of a patch in pixels: the block of the usual codecs, and the vector's lanes.
pub const PATCH: usize = 16;

/// Scalar products of a patch (less a constant level) with the two derivatives, the model and one; and with itself.
pub type Sums = [f32; 5];

/// Patches that a region of `w` by `h` pixels has: columns and rows; those at the right and lower edge may be smaller.
#[must_use]
pub fn patches(w: usize, h: usize) -> (usize, usize) {
    (w.div_ceil(PATCH), h.div_ceil(PATCH))
}

/// Scalar products of each patch of the rectangle of `w` by `basis.len() / (3 w)` pixels with its corner at (`x`, `y`), row by row into `out`.
/// `basis` holds for each row `w` values of each derivative and of the model: `[mx; w], [my; w], [m; w]`. `level` is taken off every
/// pixel. Beyond the picture its edge repeats. `edge` is scratch for one row.
#[expect(clippy::too_many_arguments, reason = "one call, on the hot path, of plain buffers")]
pub fn region(
    arch: Arch,
    luma: &Luma<'_>,
    (x, y): (i64, i64),
    w: usize,
    basis: &[f32],
    level: f32,
    edge: &mut [u8],
    out: &mut [Sums],
) {
    let inside = x >= 0 && x as usize + w <= luma.width();
    let columns = w.div_ceil(PATCH);
    let mut row = y;
    widest!(arch, {
        for (rows, out) in basis.chunks(3 * w * PATCH).zip(out.chunks_exact_mut(columns)) {
            let height = rows.len() / (3 * w);
            for (column, out) in out.iter_mut().enumerate() {
                let from = column * PATCH;
                let width = PATCH.min(w - from);
                let mut sums = [[0.0f32; PATCH]; 5];
                for i in 0..height {
                    let b = &rows[3 * w * i..3 * w * (i + 1)];
                    let whole = luma.row(row + i as i64);
                    let pixels = if inside {
                        &whole[x as usize + from..x as usize + from + width]
                    } else {
                        let last = luma.width() as i64 - 1;
                        for (j, e) in edge[..width].iter_mut().enumerate() {
                            *e = whole[(x + (from + j) as i64).clamp(0, last) as usize];
                        }
                        &edge[..width]
                    };
                    add(pixels, &b[from..], &b[w + from..], &b[2 * w + from..], level, &mut sums);
                }
                for (o, s) in out.iter_mut().zip(&sums) {
                    *o = s.iter().sum();
                }
            }
            row += height as i64;
        }
    });
}

#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn add(pixels: &[u8], bx: &[f32], by: &[f32], bm: &[f32], level: f32, sums: &mut [[f32; PATCH]; 5]) {
    if let (Ok(p), Some(x), Some(y), Some(m)) = (
        <&[u8; PATCH]>::try_from(pixels),
        bx.first_chunk::<PATCH>(),
        by.first_chunk::<PATCH>(),
        bm.first_chunk::<PATCH>(),
    ) {
        for k in 0..PATCH {
            let v = f32::from(p[k]) - level;
            sums[0][k] += v * x[k];
            sums[1][k] += v * y[k];
            sums[2][k] += v * m[k];
            sums[3][k] += v;
            sums[4][k] += v * v;
        }
    } else {
        for (k, p) in pixels.iter().enumerate() {
            let v = f32::from(*p) - level;
            sums[0][k] += v * bx[k];
            sums[1][k] += v * by[k];
            sums[2][k] += v * bm[k];
            sums[3][k] += v;
            sums[4][k] += v * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_plain_sums_inside_and_over_the_edge() {
        let (w, h) = (61usize, 40usize);
        let data: Vec<u8> = (0..w * h).map(|i| (i * 7919 % 251) as u8).collect();
        let luma = Luma::new(&data, w, w, h).unwrap();
        for ((x, y), rw, rh) in [((3i64, 2i64), 35usize, 19usize), ((-4, -3), 24, 16), ((50, 30), 20, 21)] {
            let basis: Vec<f32> = (0..3 * rw * rh).map(|i| ((i * 31 % 17) as f32 - 8.0) * 0.25).collect();
            let (columns, rows) = patches(rw, rh);
            let mut got = vec![[0.0; 5]; columns * rows];
            region(Arch::new(), &luma, (x, y), rw, &basis, 100.0, &mut vec![0; rw], &mut got);
            let mut want = vec![[0.0f64; 5]; columns * rows];
            for i in 0..rh {
                for j in 0..rw {
                    let row = luma.row(y + i as i64);
                    let v = f64::from(row[(x + j as i64).clamp(0, w as i64 - 1) as usize]) - 100.0;
                    let to = &mut want[i / PATCH * columns + j / PATCH];
                    for k in 0..3 {
                        to[k] += v * f64::from(basis[(3 * i + k) * rw + j]);
                    }
                    to[3] += v;
                    to[4] += v * v;
                }
            }
            for (g, w) in got.iter().zip(&want) {
                for k in 0..5 {
                    assert!((f64::from(g[k]) - w[k]).abs() < 1e-4 * (1.0 + w[4]), "{g:?} {w:?}");
                }
            }
        }
    }
}
