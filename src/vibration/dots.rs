//! The one pass over a frame's pixels: scalar products of the region with the basis of its fit.
//!
//! Everything that a frame tells about a region's displacement goes through five sums. They are formed from the luma bytes as they
//! lie in the decoder's buffer, with the widest vectors that the processor has (chosen at run time).

use pulp::Arch;

use super::luma::Luma;

/// Vector lanes that the sums are kept in: enough for the widest registers, and to hide the latency of addition.
const LANES: usize = 16;
/// Rows summed in single precision before they go into the double-precision totals.
const ROWS: usize = 8;

/// Scalar products of the region (less a constant level) with the basis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dots {
    /// With the two derivatives, the model itself, and one.
    pub with: [f64; 4],
    /// With itself.
    pub square: f64,
}

/// Sums over the rectangle of `w` by `basis.len() / (3 w)` pixels with its corner at (`x`, `y`). `basis` holds for
/// each row `w` values of each derivative and of the model: `[mx; w], [my; w], [m; w]`. `level` is taken off every pixel. Beyond the picture its edge repeats.
/// `edge` is scratch for one row.
pub fn region(arch: Arch, luma: &Luma<'_>, (x, y): (i64, i64), w: usize, basis: &[f32], level: f32, edge: &mut [u8]) -> Dots {
    let inside = x >= 0 && x as usize + w <= luma.width();
    let mut total = Dots::default();
    let mut row = y;
    arch.dispatch(
        #[inline(always)]
        || {
            for rows in basis.chunks(3 * w * ROWS) {
                let mut sums = [[0.0f32; LANES]; 5];
                for b in rows.chunks_exact(3 * w) {
                    let whole = luma.row(row);
                    row += 1;
                    if inside {
                        add_row(&whole[x as usize..x as usize + w], b, w, level, &mut sums);
                    } else {
                        let last = luma.width() as i64 - 1;
                        for (j, e) in edge[..w].iter_mut().enumerate() {
                            *e = whole[(x + j as i64).clamp(0, last) as usize];
                        }
                        add_row(&edge[..w], b, w, level, &mut sums);
                    }
                }
                for (t, s) in total.with.iter_mut().zip(&sums) {
                    *t += f64::from(s.iter().sum::<f32>());
                }
                total.square += f64::from(sums[4].iter().sum::<f32>());
            }
        },
    );
    total
}

#[inline(always)]
fn add_row(pixels: &[u8], basis: &[f32], w: usize, level: f32, sums: &mut [[f32; LANES]; 5]) {
    let (bx, rest) = basis.split_at(w);
    let (by, bm) = rest.split_at(w);
    let chunks = pixels.chunks_exact(LANES);
    let done = w - chunks.remainder().len();
    for (((p, x), y), m) in
        chunks.zip(bx.chunks_exact(LANES)).zip(by.chunks_exact(LANES)).zip(bm.chunks_exact(LANES))
    {
        let mut v = [0.0f32; LANES];
        for (v, p) in v.iter_mut().zip(p) {
            *v = f32::from(*p) - level;
        }
        for k in 0..LANES {
            sums[0][k] += v[k] * x[k];
            sums[1][k] += v[k] * y[k];
            sums[2][k] += v[k] * m[k];
            sums[3][k] += v[k];
            sums[4][k] += v[k] * v[k];
        }
    }
    for (k, j) in (done..w).enumerate() {
        let v = f32::from(pixels[j]) - level;
        sums[0][k] += v * bx[j];
        sums[1][k] += v * by[j];
        sums[2][k] += v * bm[j];
        sums[3][k] += v;
        sums[4][k] += v * v;
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
            let got = region(Arch::new(), &luma, (x, y), rw, &basis, 100.0, &mut vec![0; rw]);
            let mut want = Dots::default();
            for i in 0..rh {
                for j in 0..rw {
                    let row = luma.row(y + i as i64);
                    let v = f64::from(row[(x + j as i64).clamp(0, w as i64 - 1) as usize]) - 100.0;
                    for k in 0..3 {
                        want.with[k] += v * f64::from(basis[(3 * i + k) * rw + j]);
                    }
                    want.with[3] += v;
                    want.square += v * v;
                }
            }
            for (g, w) in got.with.iter().zip(&want.with) {
                assert!((g - w).abs() < 1e-4 * want.square, "{got:?} {want:?}");
            }
            assert!((got.square / want.square - 1.0).abs() < 1e-6);
        }
    }
}
