//! Means over a square window around each pixel, cut off at the region's edge.

use super::lanes::widest;
use pulp::Arch;

/// Reach of the window either way, in pixels.
pub const REACH: usize = 4;
/// Its side.
const SIDE: usize = 2 * REACH + 1;

/// Means over the windows of regions of one size.
#[derive(Clone, Debug)]
pub struct Window {
    w: usize,
    h: usize,
    /// Sums of the window's rows per column, with [`REACH`] columns of nothing on either side.
    columns: Vec<f32>,
    /// One over the columns and the rows that a window at this place has.
    across: Vec<f32>,
    down: Vec<f32>,
}

impl Window {
    /// For regions of `w` by `h` pixels.
    #[must_use]
    pub fn new(w: usize, h: usize) -> Self {
        let share = |n: usize| {
            let pixels = move |i: usize| (i + REACH).min(n - 1) - i.saturating_sub(REACH) + 1;
            (0..n).map(|i| 1.0 / pixels(i) as f32).collect()
        };
        Self { w, h, columns: vec![0.0; w + 2 * REACH], across: share(w), down: share(h) }
    }

    /// The mean of `v` over the window around each pixel.
    pub fn mean(&mut self, arch: Arch, v: &[f32], out: &mut [f32]) {
        let (w, h) = (self.w, self.h);
        let (columns, across, down) = (&mut self.columns[..], &self.across[..w], &self.down[..h]);
        widest!(arch, {
            columns.fill(0.0);
            for row in v.chunks_exact(w).take(REACH.min(h)) {
                for (c, v) in columns[REACH..].iter_mut().zip(row) {
                    *c += v;
                }
            }
            for ((i, out), down) in out.chunks_exact_mut(w).enumerate().zip(down) {
                if let Some(comes) = v.chunks_exact(w).nth(i + REACH) {
                    for (c, v) in columns[REACH..].iter_mut().zip(comes) {
                        *c += v;
                    }
                }
                if let Some(goes) = i.checked_sub(REACH + 1).and_then(|i| v.chunks_exact(w).nth(i)) {
                    for (c, v) in columns[REACH..].iter_mut().zip(goes) {
                        *c -= v;
                    }
                }
                let s: [&[f32]; SIDE] = std::array::from_fn(|t| &columns[t..t + w]);
                for j in 0..w {
                    let a = (s[0][j] + s[1][j]) + (s[2][j] + s[3][j]);
                    let b = (s[4][j] + s[5][j]) + (s[6][j] + s[7][j]);
                    out[j] = ((a + b) + s[8][j]) * (down * across[j]);
                }
            }
        });
    }

    /// How a picture with these means goes with the place within each window: its covariance with x or, along the other axis, with y.
    pub fn tilt(
        &mut self,
        arch: Arch,
        (v, mean): (&[f32], &[f32]),
        along_x: bool,
        scratch: &mut [f32],
        out: &mut [f32],
    ) {
        let w = self.w;
        for (i, (s, v)) in scratch.chunks_exact_mut(w).zip(v.chunks_exact(w)).enumerate() {
            for (j, (s, v)) in s.iter_mut().zip(v).enumerate() {
                *s = if along_x { j } else { i } as f32 * v;
            }
        }
        self.mean(arch, scratch, out);
        // The mean place of a window that is cut off at the edge lies off its middle.
        let middle = |i: usize, n: usize| (i.saturating_sub(REACH) + (i + REACH).min(n - 1)) as f32 / 2.0;
        for (i, (o, m)) in out.chunks_exact_mut(w).zip(mean.chunks_exact(w)).enumerate() {
            for (j, (o, m)) in o.iter_mut().zip(m).enumerate() {
                *o -= m * if along_x { middle(j, w) } else { middle(i, self.h) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(w: usize, h: usize) -> Vec<f32> {
        (0..w * h).map(|i| (i * 37 % 101) as f32).collect()
    }

    /// Sums over the window by the book: of the values, of x, of x times the value, and how many there are.
    fn sums(v: &[f32], (w, h): (usize, usize), (i, j): (usize, usize)) -> [f32; 4] {
        let mut s = [0.0; 4];
        for y in i.saturating_sub(REACH)..=(i + REACH).min(h - 1) {
            for x in j.saturating_sub(REACH)..=(j + REACH).min(w - 1) {
                for (s, v) in s.iter_mut().zip([v[y * w + x], x as f32, x as f32 * v[y * w + x], 1.0]) {
                    *s += v;
                }
            }
        }
        s
    }

    #[test]
    fn the_window_is_a_mean_up_to_the_edge() {
        for (w, h) in [(23, 17), (8, 8), (3, 30)] {
            let v = picture(w, h);
            let mut out = vec![0.0; w * h];
            Window::new(w, h).mean(Arch::new(), &v, &mut out);
            for (i, j) in [(0, 0), (h / 3, w / 2), (h - 1, w - 1), (2, w - 2)] {
                let [sum, _, _, n] = sums(&v, (w, h), (i, j));
                assert!((out[i * w + j] - sum / n).abs() < 1e-2, "{w}×{h} at {i}, {j}");
            }
        }
    }

    #[test]
    fn the_tilt_is_the_covariance_with_the_place() {
        let (w, h) = (23, 17);
        let v = picture(w, h);
        let (mut mean, mut scratch, mut out) = (vec![0.0; w * h], vec![0.0; w * h], vec![0.0; w * h]);
        let mut window = Window::new(w, h);
        window.mean(Arch::new(), &v, &mut mean);
        window.tilt(Arch::new(), (&v, &mean), true, &mut scratch, &mut out);
        for (i, j) in [(0, 0), (5, 9), (16, 22), (2, 21)] {
            let [sum, x, product, n] = sums(&v, (w, h), (i, j));
            assert!((out[i * w + j] - (product / n - x / n * sum / n)).abs() < 0.05, "at {i}, {j}");
        }
    }
}
