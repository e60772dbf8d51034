//! What a region's mean picture offers, and how far a view has shifted.

use super::super::luma::Luma;
use super::super::tracker::Tracker;
use crate::model::calibration::{Look, View};
use crate::model::vibration::Fit;

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

/// How a view lies against an earlier one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ViewShift {
    /// Shift in pixels of the camera's picture, +x right.
    pub dx_px: f64,
    /// Shift in pixels of the camera's picture, +y down.
    pub dy_px: f64,
    /// Correlation coefficient of the two where they lie on each other, -1 to 1.
    pub correlation: f64,
}

/// How far `now` is shifted against `then`: the best whole pixels over a quarter of the view either way, then what the tracker adds.
/// None where the views are of different sizes, too small, or without any structure.
#[must_use]
pub fn view_shift(then: &View, now: &View) -> Option<ViewShift> {
    let (w, h) = (then.width, then.height);
    let same = (now.width, now.height, now.step_px) == (w, h, then.step_px);
    if !same || w.min(h) < 16 || then.luma.len() != w * h || now.luma.len() != w * h {
        return None;
    }
    let (rx, ry) = ((w / 4) as i64, (h / 4) as i64);
    let offsets = (-ry..=ry).flat_map(|y| (-rx..=rx).map(move |x| (x, y)));
    // Every second pixel both ways is enough to find the place.
    let found = offsets.map(|o| (correlate(then, now, o, 2), o)).max_by(|a, b| a.0.total_cmp(&b.0))?.1;
    let near = (-1..=1).flat_map(|y| (-1..=1).map(move |x| (found.0 + x, found.1 + y)));
    let (correlation, (ox, oy)) = near.map(|o| (correlate(then, now, o, 1), o)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    if !(correlation > -1.0) {
        return None;
    }
    let rest = fraction(then, now, (ox, oy)).unwrap_or((0.0, 0.0));
    let step = then.step_px as f64;
    Some(ViewShift { dx_px: (ox as f64 + rest.0) * step, dy_px: (oy as f64 + rest.1) * step, correlation })
}

/// Correlation coefficient over what both views show when `now` is moved back by `offset`; -1 where there is no structure.
fn correlate(then: &View, now: &View, (ox, oy): (i64, i64), every: usize) -> f64 {
    let (w, h) = (then.width as i64, then.height as i64);
    let (mut n, mut a, mut aa, mut b, mut bb, mut ab) = (0.0f64, 0u64, 0u64, 0u64, 0u64, 0u64);
    for y in (0.max(-oy)..h.min(h - oy)).step_by(every) {
        for x in (0.max(-ox)..w.min(w - ox)).step_by(every) {
            let p = u64::from(then.luma[(y * w + x) as usize]);
            let q = u64::from(now.luma[((y + oy) * w + x + ox) as usize]);
            n += 1.0;
            a += p;
            aa += p * p;
            b += q;
            bb += q * q;
            ab += p * q;
        }
    }
    let [a, aa, b, bb, ab] = [a, aa, b, bb, ab].map(|v| v as f64);
    let (va, vb) = (aa - a * a / n, bb - b * b / n);
    // A view without a grey level of structure says nothing.
    if va > n && vb > n { (ab - a * b / n) / (va * vb).sqrt() } else { -1.0 }
}

/// The rest of the shift below a pixel, by the same measurement that is made of regions.
fn fraction(then: &View, now: &View, (ox, oy): (i64, i64)) -> Option<(f64, f64)> {
    let (w, h) = (then.width, then.height);
    let moved = Luma::new(&now.luma, w, w, h)?;
    let back: Vec<u8> = (0..h as i64)
        .flat_map(|y| {
            let row = moved.row(y + oy);
            (0..w as i64).map(move |x| row[(x + ox).clamp(0, w as i64 - 1) as usize])
        })
        .collect();
    let edge = |o: i64| o.unsigned_abs() as usize + 4;
    let (mx, my) = (edge(ox), edge(oy));
    let (inner_w, inner_h) = (w.checked_sub(2 * mx)?, h.checked_sub(2 * my)?);
    if inner_w < 8 || inner_h < 8 {
        return None;
    }
    let mut tracker = Tracker::new([mx as u32, my as u32, inner_w as u32, inner_h as u32]);
    tracker.step(&Luma::new(&then.luma, w, w, h)?);
    let track = tracker.step(&Luma::new(&back, w, w, h)?);
    let near = track.fit != Fit::Lost && track.dx_px.abs() < 1.5 && track.dy_px.abs() < 1.5;
    near.then_some((track.dx_px, track.dy_px))
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

    fn view(shift: (f64, f64)) -> View {
        View { width: 120, height: 80, step_px: 4, luma: picture(120, 80, shift, 0.0) }
    }

    #[test]
    fn a_shifted_view_is_measured() {
        for shift in [(0.0, 0.0), (0.3, -0.2), (7.4, -5.6), (-20.0, 12.25)] {
            let got = view_shift(&view((0.0, 0.0)), &view(shift)).unwrap();
            let off = (got.dx_px - 4.0 * shift.0).hypot(got.dy_px - 4.0 * shift.1);
            assert!(off < 0.15 && got.correlation > 0.9, "{shift:?}: {got:?}");
        }
    }

    #[test]
    fn views_that_cannot_be_compared() {
        let good = view((0.0, 0.0));
        let grey = View { luma: vec![90; 120 * 80], ..good.clone() };
        assert_eq!(view_shift(&good, &grey), None);
        assert_eq!(view_shift(&good, &View { step_px: 5, ..good.clone() }), None);
        assert_eq!(view_shift(&good, &View { luma: vec![0; 5], ..good.clone() }), None);
        assert_eq!(view_shift(&View::default(), &View::default()), None);
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
