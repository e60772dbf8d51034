//! What a region's mean picture offers.

use super::super::luma::Luma;
use crate::model::calibration::Look;

/// Sum of a region's pictures, so that their noise is averaged away.
#[derive(Clone, Debug)]
pub struct MeanPicture {
    rect: [u32; 4],
    sum: Vec<u32>,
    frames: u32,
}

impl MeanPicture {
    /// For the rectangle x, y, width, height in pixels, which lies inside the picture.
    #[must_use]
    pub fn new(rect: [u32; 4]) -> Self {
        Self { rect, sum: vec![0; rect[2] as usize * rect[3] as usize], frames: 0 }
    }

    /// Adds a frame; one in which the rectangle does not lie is left out.
    pub fn add(&mut self, luma: &Luma<'_>) {
        let [x, y, w, h] = self.rect.map(|v| v as usize);
        // As many as a sum of bytes can hold.
        if x + w > luma.width() || y + h > luma.height() || w == 0 || self.frames >= 1 << 24 {
            return;
        }
        for (i, row) in self.sum.chunks_exact_mut(w).enumerate() {
            for (s, &v) in row.iter_mut().zip(&luma.row((y + i) as i64)[x..x + w]) {
                *s += u32::from(v);
            }
        }
        self.frames += 1;
    }

    /// What the mean picture offers; `one_direction` says that displacement is told along its steeper direction only. None without
    /// a frame.
    #[must_use]
    pub fn look(&self, one_direction: bool) -> Option<Look> {
        let (w, h) = (self.rect[2] as usize, self.rect[3] as usize);
        if self.frames == 0 || w < 3 || h < 3 {
            return None;
        }
        let at = |x: usize, y: usize| f64::from(self.sum[y * w + x]) / f64::from(self.frames);
        let (mut n, mut sum, mut square, mut edge) = (0.0, 0.0, 0.0, 0.0);
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0f64);
        for y in 1..h - 1 {
            for x in 1..w - 1 {
                let v = at(x, y);
                n += 1.0;
                sum += v;
                square += v * v;
                edge += (at(x + 1, y) - v).powi(2) + (at(x, y + 1) - v).powi(2);
                let (gx, gy) = ((at(x + 1, y) - at(x - 1, y)) / 2.0, (at(x, y + 1) - at(x, y - 1)) / 2.0);
                xx += gx * gx;
                xy += gx * gy;
                yy += gy * gy;
            }
        }
        let variance = (square / n - (sum / n).powi(2)).max(0.0);
        let (middle, off) = (f64::midpoint(xx, yy), ((xx - yy) / 2.0).hypot(xy));
        let texture = if one_direction { middle + off } else { (middle - off).max(0.0) } / n;
        // As the picture of a camera is judged: the 1 keeps an even grey from looking sharp.
        Some(Look { sharpness: edge / n / (variance + 1.0), texture })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(w: usize, h: usize, (dx, dy): (f64, f64), blur: f64) -> Vec<u8> {
        let waves = [(0.31, 0.12, 0.3), (0.07, 0.41, 1.1), (0.23, -0.29, 2.0), (-0.9, 0.6, 0.7), (0.05, 0.03, 2.4)];
        (0..w * h)
            .map(|i| {
                let (x, y) = ((i % w) as f64 - dx, (i / w) as f64 - dy);
                let wave = |(a, b, p): (f64, f64, f64)| {
                    (-0.5 * (a * a + b * b) * blur * blur).exp() * (a * x + b * y + p).sin()
                };
                (128.0 + 22.0 * waves.into_iter().map(wave).sum::<f64>()).round() as u8
            })
            .collect()
    }

    #[test]
    fn blur_costs_sharpness_and_texture() {
        let look = |blur: f64, shift: (f64, f64)| {
            let mut m = MeanPicture::new([20, 20, 64, 40]);
            let p = picture(120, 80, shift, blur);
            for _ in 0..3 {
                m.add(&Luma::new(&p, 120, 120, 80).unwrap());
            }
            m.look(false).unwrap()
        };
        let (sharp, soft, moved) = (look(0.0, (0.0, 0.0)), look(1.5, (0.0, 0.0)), look(0.0, (0.3, 0.1)));
        assert!(soft.sharpness < 0.7 * sharp.sharpness && soft.texture < 0.7 * sharp.texture, "{sharp:?} {soft:?}");
        assert!(
            (moved.sharpness / sharp.sharpness - 1.0).abs() < 0.1 && (moved.texture / sharp.texture - 1.0).abs() < 0.1
        );
        let stripes: Vec<u8> = (0..120 * 80).map(|i| if i % 120 / 4 % 2 == 0 { 40 } else { 200 }).collect();
        let mut m = MeanPicture::new([20, 20, 64, 40]);
        assert_eq!(m.look(false), None);
        m.add(&Luma::new(&stripes, 120, 120, 80).unwrap());
        assert!(m.look(false).unwrap().texture < 1e-9 && m.look(true).unwrap().texture > 100.0);
    }
}
