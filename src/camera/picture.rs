//! What the picture looks like, and a small copy of it for the terminal. Pure; nothing is allocated per frame.

use crate::model::camera::Picture;

/// Every so many pixels, both ways, the picture is looked at.
const GRID: usize = 8;
/// Looks without any change after which a picture counts as frozen.
const FROZEN_LOOKS: u32 = 10;

/// Grey levels of a picture with its geometry.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// Rows of `width` bytes, `stride` apart.
    pub data: &'a [u8],
    /// Distance of rows in bytes.
    pub stride: usize,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
}

impl Plane<'_> {
    fn fits(&self) -> bool {
        self.width > 0
            && self.height > 0
            && self.stride >= self.width
            && self.data.len() >= self.stride * (self.height - 1) + self.width
    }
}

/// Judges pictures, twice a second or so.
#[derive(Debug, Default)]
pub struct Judge {
    /// Slow means of sharpness and contrast while the picture was clear.
    usual: Option<(f64, f64)>,
    last_hash: u64,
    same: u32,
    /// Sharpness of the last picture: mean squared difference of neighbours over variance.
    pub sharpness: Option<f64>,
}

impl Judge {
    /// Looks at a picture.
    pub fn look(&mut self, p: &Plane<'_>) -> Picture {
        if !p.fits() {
            return Picture::Unknown;
        }
        let (mut n, mut sum, mut square, mut edge, mut bright, mut hash) =
            (0.0f64, 0.0f64, 0.0f64, 0.0f64, 0.0f64, 0xcbf2_9ce4_8422_2325u64);
        for y in (0..p.height.saturating_sub(1)).step_by(GRID) {
            let (row, next) = (&p.data[y * p.stride..], &p.data[(y + 1) * p.stride..]);
            for x in (0..p.width.saturating_sub(1)).step_by(GRID) {
                let v = f64::from(row[x]);
                let (right, below) = (f64::from(row[x + 1]) - v, f64::from(next[x]) - v);
                n += 1.0;
                sum += v;
                square += v * v;
                edge += right * right + below * below;
                bright += f64::from(u8::from(row[x] > 250));
                hash = (hash ^ u64::from(row[x])).wrapping_mul(0x0100_0000_01b3);
            }
        }
        if n == 0.0 {
            return Picture::Unknown;
        }
        let mean = sum / n;
        let spread = (square / n - mean * mean).max(0.0).sqrt();
        let sharpness = edge / n / (spread * spread + 1.0);
        self.sharpness = Some(sharpness);
        self.same = if hash == self.last_hash { self.same + 1 } else { 0 };
        self.last_hash = hash;
        self.verdict(mean, spread, bright / n, sharpness)
    }

    fn verdict(&mut self, mean: f64, spread: f64, bright: f64, sharpness: f64) -> Picture {
        if self.same >= FROZEN_LOOKS {
            return Picture::Frozen;
        }
        if mean < 24.0 && spread < 20.0 {
            return Picture::Dark;
        }
        if bright > 0.5 || mean > 235.0 {
            return Picture::Bright;
        }
        let (usual_sharpness, usual_spread) = *self.usual.get_or_insert((sharpness, spread));
        if spread < 6.0 || spread < 0.35 * usual_spread {
            return Picture::Obscured;
        }
        if sharpness < 0.002 || sharpness < 0.3 * usual_sharpness {
            return Picture::Blurred;
        }
        // A clear picture: what is usual follows it over minutes.
        self.usual = Some((
            usual_sharpness + 0.01 * (sharpness - usual_sharpness),
            usual_spread + 0.01 * (spread - usual_spread),
        ));
        Picture::Clear
    }
}

/// Size of the small copy for a picture of this size: at most 240 wide and 136 high, same proportions.
#[must_use]
pub fn small_size(width: usize, height: usize) -> (usize, usize) {
    let step = (width.div_ceil(240)).max(height.div_ceil(136)).max(1);
    ((width / step).max(1), (height / step).max(1))
}

/// Writes the small copy, each pixel the mean of the block it stands for. `out` is resized only when the size changes.
pub fn shrink(p: &Plane<'_>, out: &mut Vec<u8>) -> (usize, usize) {
    if !p.fits() {
        out.clear();
        return (0, 0);
    }
    let (w, h) = small_size(p.width, p.height);
    let step = (p.width / w).min(p.height / h).max(1);
    out.resize(w * h, 0);
    for (i, o) in out.iter_mut().enumerate() {
        let (x, y) = (i % w * step, i / w * step);
        let mut sum = 0u32;
        let mut n = 0u32;
        // Two rows and every second column are enough for a picture of this size.
        for r in (y..(y + step).min(p.height)).step_by((step / 2).max(1)) {
            for &v in p.data[r * p.stride + x..r * p.stride + (x + step).min(p.width)].iter().step_by(2) {
                sum += u32::from(v);
                n += 1;
            }
        }
        *o = (sum / n.max(1)) as u8;
    }
    (w, h)
}

/// The same size pixel by pixel about a point: each pixel as it is. The part of the picture that it is comes back (x, y, width, height).
pub fn close_up(p: &Plane<'_>, (x, y): (usize, usize), out: &mut Vec<u8>) -> [usize; 4] {
    if !p.fits() {
        out.clear();
        return [0; 4];
    }
    let (w, h) = (p.width.min(240), p.height.min(136));
    let left = x.saturating_sub(w / 2).min(p.width - w);
    let top = y.saturating_sub(h / 2).min(p.height - h);
    out.resize(w * h, 0);
    for (r, o) in out.chunks_exact_mut(w).enumerate() {
        let from = (top + r) * p.stride + left;
        o.copy_from_slice(&p.data[from..from + w]);
    }
    [left, top, w, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(gain: f64, offset: f64, blur: usize) -> Vec<u8> {
        let (w, h) = (320usize, 240usize);
        (0..w * h)
            .map(|i| {
                let (x, y) = (i % w / blur * blur, i / w / blur * blur);
                let v = (x * 7919 + y * 104_729) % 211;
                let smooth = 100.0 + 60.0 * ((x as f64) * 0.05).sin();
                (gain * if blur > 1 { smooth } else { v as f64 } + offset).clamp(0.0, 255.0) as u8
            })
            .collect()
    }

    fn look(j: &mut Judge, data: &[u8]) -> Picture {
        j.look(&Plane { data, stride: 320, width: 320, height: 240 })
    }

    #[test]
    fn tells_pictures_apart() {
        let mut j = Judge::default();
        assert_eq!(look(&mut j, &scene(1.0, 0.0, 1)), Picture::Clear);
        assert_eq!(look(&mut j, &scene(0.05, 2.0, 1)), Picture::Dark);
        assert_eq!(look(&mut j, &scene(0.1, 240.0, 1)), Picture::Bright);
        assert_eq!(look(&mut j, &scene(0.1, 150.0, 1)), Picture::Obscured);
        assert_eq!(look(&mut j, &scene(1.0, 0.0, 40)), Picture::Blurred);
        assert_eq!(look(&mut j, &scene(1.0, 1.0, 1)), Picture::Clear);
    }

    #[test]
    fn frozen_only_after_some_looks() {
        let mut j = Judge::default();
        let s = scene(1.0, 0.0, 1);
        let seen: Vec<Picture> = (0..=FROZEN_LOOKS).map(|_| look(&mut j, &s)).collect();
        assert_eq!(seen[FROZEN_LOOKS as usize - 1], Picture::Clear);
        assert_eq!(seen[FROZEN_LOOKS as usize], Picture::Frozen);
    }

    #[test]
    fn a_close_up_is_the_picture_itself() {
        let data = scene(1.0, 0.0, 1);
        let p = Plane { data: &data, stride: 320, width: 320, height: 240 };
        let mut out = Vec::new();
        for (at, want) in [((160, 120), (40, 52)), ((0, 0), (0, 0)), ((999, 999), (80, 104))] {
            let [x, y, w, h] = close_up(&p, at, &mut out);
            assert_eq!(((x, y), (w, h), out.len()), (want, (240, 136), 240 * 136));
            assert_eq!(out[3 * 240 + 7], data[(y + 3) * 320 + x + 7]);
        }
        let tiny = Plane { data: &data, stride: 320, width: 20, height: 10 };
        assert_eq!(close_up(&tiny, (5, 5), &mut out), [0, 0, 20, 10]);
    }

    #[test]
    fn small_copies_keep_proportions() {
        assert_eq!(small_size(1280, 720), (213, 120));
        assert_eq!(small_size(100, 50), (100, 50));
        let data = vec![77u8; 1280 * 720];
        let mut out = Vec::new();
        let size = shrink(&Plane { data: &data, stride: 1280, width: 1280, height: 720 }, &mut out);
        assert_eq!((size, out.len()), ((213, 120), 213 * 120));
        assert!(out.iter().all(|&v| v == 77));
        assert_eq!(shrink(&Plane { data: &data[..10], stride: 1280, width: 1280, height: 720 }, &mut out), (0, 0));
    }
}
