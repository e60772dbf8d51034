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

/// The derivatives and the model of a region in small numbers: with them a frame's pass fetches 7 bytes a pixel instead of 13.
///
/// What is compared with need not be exact, only known exactly: everything else is worked out for the values that these numbers stand for.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// For each row `w` values of each derivative and of the model: `[mx; w], [my; w], [m; w]`.
    pub values: &'a [i16],
    /// What one stands for, of each of the three.
    pub units: [f32; 3],
}

/// Largest of the small numbers.
const LARGEST: f32 = 32_000.0;

/// Puts rows of derivatives and model (see [`Basis`]) into small numbers, and in their place what those stand for; what one stands for comes back.
pub fn pack(arch: Arch, w: usize, basis: &mut [f32], values: &mut [i16]) -> [f32; 3] {
    widest!(arch, {
        let mut units = [0.0f32; 3];
        for row in basis.chunks_exact(3 * w) {
            for (unit, part) in units.iter_mut().zip(row.chunks_exact(w)) {
                *unit = part.iter().fold(*unit, |most, v| most.max(v.abs()));
            }
        }
        let units = units.map(|most| if most > 0.0 { most / LARGEST } else { 1.0 });
        for (row, values) in basis.chunks_exact_mut(3 * w).zip(values.chunks_exact_mut(3 * w)) {
            for ((part, values), unit) in row.chunks_exact_mut(w).zip(values.chunks_exact_mut(w)).zip(units) {
                let times = 1.0 / unit;
                for (v, to) in part.iter_mut().zip(values) {
                    *to = (*v * times).round_ties_even() as i16;
                    *v = f32::from(*to) * unit;
                }
            }
        }
        units
    })
}

/// Scalar products of each patch of the rectangle of `w` pixels a row with its corner at (`x`, `y`), row by row into `out`. `level` is taken off every
/// pixel. Beyond the picture its edge repeats. `edge` is scratch for one row.
#[expect(clippy::too_many_arguments, reason = "one call, on the hot path, of plain buffers")]
pub fn region(
    arch: Arch,
    luma: &Luma<'_>,
    (x, y): (i64, i64),
    w: usize,
    basis: Basis<'_>,
    level: f32,
    edge: &mut [u8],
    out: &mut [Sums],
) {
    let inside = x >= 0 && x as usize + w <= luma.width();
    let columns = w.div_ceil(PATCH);
    let mut row = y;
    widest!(arch, {
        for (rows, out) in basis.values.chunks(3 * w * PATCH).zip(out.chunks_exact_mut(columns)) {
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
                    let value = lanes(pixels, |p: u8| f32::from(p) - level);
                    let part = |k: usize| lanes(&b[k * w + from..k * w + from + width], f32::from);
                    add(&value, &part(0), &part(1), &part(2), &mut sums);
                }
                for (k, (o, s)) in out.iter_mut().zip(&sums).enumerate() {
                    *o = s.iter().sum::<f32>() * basis.units.get(k).copied().unwrap_or(1.0);
                }
            }
            row += height as i64;
        }
    });
}

/// The same of a picture of the region itself, with the values that the basis stands for.
pub fn picture(arch: Arch, picture: &[f32], w: usize, basis: &[f32], out: &mut [Sums]) {
    let columns = w.div_ceil(PATCH);
    widest!(arch, {
        let rows = picture.chunks(w * PATCH).zip(basis.chunks(3 * w * PATCH));
        for ((rows, basis), out) in rows.zip(out.chunks_exact_mut(columns)) {
            for (column, out) in out.iter_mut().enumerate() {
                let from = column * PATCH;
                let width = PATCH.min(w - from);
                let mut sums = [[0.0f32; PATCH]; 5];
                for (row, b) in rows.chunks_exact(w).zip(basis.chunks_exact(3 * w)) {
                    let value = lanes(&row[from..from + width], |v: f32| v);
                    let part = |k: usize| lanes(&b[k * w + from..k * w + from + width], |v: f32| v);
                    add(&value, &part(0), &part(1), &part(2), &mut sums);
                }
                for (o, s) in out.iter_mut().zip(&sums) {
                    *o = s.iter().sum();
                }
            }
        }
    });
}

/// A piece of a row side by side, with nothing where it ends.
#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn lanes<T: Copy>(piece: &[T], value: impl Fn(T) -> f32) -> [f32; PATCH] {
    if let Ok(whole) = <&[T; PATCH]>::try_from(piece) {
        return std::array::from_fn(|k| value(whole[k]));
    }
    let mut out = [0.0; PATCH];
    for (o, v) in out.iter_mut().zip(piece) {
        *o = value(*v);
    }
    out
}

#[expect(clippy::inline_always, reason = "it must be compiled for the vectors of the closure that it is called in")]
#[inline(always)]
fn add(v: &[f32; PATCH], x: &[f32; PATCH], y: &[f32; PATCH], m: &[f32; PATCH], sums: &mut [[f32; PATCH]; 5]) {
    for k in 0..PATCH {
        sums[0][k] += v[k] * x[k];
        sums[1][k] += v[k] * y[k];
        sums[2][k] += v[k] * m[k];
        sums[3][k] += v[k];
        sums[4][k] += v[k] * v[k];
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
            let mut basis: Vec<f32> = (0..3 * rw * rh).map(|i| ((i * 31 % 17) as f32 - 8.3) * 0.25).collect();
            let (exact, mut values) = (basis.clone(), vec![0; basis.len()]);
            let units = pack(Arch::new(), rw, &mut basis, &mut values);
            assert!(exact.iter().zip(&basis).all(|(e, b)| (e - b).abs() < 4e-5), "{units:?}");
            let (columns, rows) = patches(rw, rh);
            let mut got = vec![[0.0; 5]; columns * rows];
            let packed = Basis { values: &values, units };
            region(Arch::new(), &luma, (x, y), rw, packed, 100.0, &mut vec![0; rw], &mut got);
            let pixel = |i: usize| {
                f32::from(luma.row(y + (i / rw) as i64)[(x + (i % rw) as i64).clamp(0, w as i64 - 1) as usize])
            };
            let own: Vec<f32> = (0..rw * rh).map(|i| pixel(i) - 100.0).collect();
            let mut also = vec![[0.0; 5]; columns * rows];
            picture(Arch::new(), &own, rw, &basis, &mut also);
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
            for (g, w) in got.iter().zip(&want).chain(also.iter().zip(&want)) {
                for k in 0..5 {
                    assert!((f64::from(g[k]) - w[k]).abs() < 1e-4 * (1.0 + w[4]), "{g:?} {w:?}");
                }
            }
        }
    }
}
