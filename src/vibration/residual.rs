//! What a fit leaves of a picture, looked at closely: whether places of it are only displaced.

use super::dots::PATCH;

/// Side of the places in pixels: smaller than what haze moves as one.
const PLACE: usize = 8;

/// Takes out what small places of the picture are displaced by against the model, whose `slopes` along x and y are given; row by row
/// of width `w`. Haze, a turn or a second body leave little then; what noise or a codec have done stays.
pub fn straighten(residual: &mut [f32], slopes: [&[f32]; 2], w: usize) {
    let h = residual.len() / w;
    for y in (0..h).step_by(PLACE) {
        for x in (0..w).step_by(PLACE) {
            let pixels = || (y..h.min(y + PLACE)).flat_map(|y| y * w + x..y * w + w.min(x + PLACE));
            let mut s = [1e-3f32, 0.0, 1e-3, 0.0, 0.0];
            for i in pixels() {
                let (gx, gy, r) = (slopes[0][i], slopes[1][i], residual[i]);
                for (s, v) in s.iter_mut().zip([gx * gx, gx * gy, gy * gy, gx * r, gy * r]) {
                    *s += v;
                }
            }
            let [xx, xy, yy, rx, ry] = s;
            let det = xx * yy - xy * xy;
            // Structure in one direction only is displaced along that.
            let (a, b) = if det > 1e-4 * (xx + yy).powi(2) {
                ((yy * rx - xy * ry) / det, (xx * ry - xy * rx) / det)
            } else if xx > yy {
                (rx / xx, 0.0)
            } else {
                (0.0, ry / yy)
            };
            for i in pixels() {
                residual[i] -= a * slopes[0][i] + b * slopes[1][i];
            }
        }
    }
}

/// Blanks the patches that are left out.
pub fn blank(residual: &mut [f32], w: usize, out: &[bool]) {
    let columns = w.div_ceil(PATCH);
    for (i, row) in residual.chunks_exact_mut(w).enumerate() {
        let of_row = out.iter().skip(i / PATCH * columns);
        for (piece, _) in row.chunks_mut(PATCH).zip(of_row).filter(|(_, out)| **out) {
            piece.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_displaced_goes_and_what_is_not_stays() {
        let (w, h) = (66, 66);
        let at = |x: f64, y: f64| 20.0 * (0.5 * x + 0.2 * y).sin() + 15.0 * (0.6 * y - 0.3 * x).sin();
        let place = |i: usize| ((i % w) as f64, (i / w) as f64);
        let model: Vec<f32> = (0..w * h).map(|i| at(place(i).0, place(i).1) as f32).collect();
        let field = |x: f64, y: f64| 0.1 * (x / 12.0).sin() * (y / 14.0).cos();
        let moved = |i: usize| at(place(i).0 - field(place(i).0, place(i).1), place(i).1) as f32;
        let power = |v: &[f32]| v.iter().map(|v| v * v).sum::<f32>();
        let slope = |dx: f64, dy: f64| -> Vec<f32> {
            let (x, y) = (|i| place(i).0, |i| place(i).1);
            (0..w * h).map(|i| ((at(x(i) + dx, y(i) + dy) - at(x(i) - dx, y(i) - dy)) * 50.0) as f32).collect()
        };
        let (gx, gy) = (slope(0.01, 0.0), slope(0.0, 0.01));
        let mut haze: Vec<f32> = (0..w * h).map(|i| moved(i) - model[i]).collect();
        let before = power(&haze);
        straighten(&mut haze, [&gx, &gy], w);
        assert!(power(&haze) < 0.1 * before, "{} of {before}", power(&haze));
        let mut blocks: Vec<f32> = (0..w * h).map(|i| ((i % w / 3 + i / w / 3) % 2) as f32 - 0.5).collect();
        let before = power(&blocks);
        straighten(&mut blocks, [&gx, &gy], w);
        assert!(power(&blocks) > 0.8 * before);
        blank(&mut blocks, w, &[true; 25]);
        assert!(blocks.iter().all(|v| *v == 0.0));
    }
}
