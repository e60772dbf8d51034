//! How a camera's view lies against an earlier one: shifted, turned, and larger or smaller.
//!
//! The view is cut into tiles, and each is looked for by itself: where the picture has become larger, no single shift fits all of it. Which tiles tell the
//! same similarity is found pair by pair (Fischler & Bolles 1981, with all pairs instead of random ones), so that what has changed in a part of the picture
//! does not count.

use rustfft::num_complex::Complex;

use super::super::luma::Luma;
use super::super::tracker::Tracker;
use crate::model::calibration::View;
use crate::model::vibration::Fit;

/// Tiles along each axis.
const TILES: (usize, usize) = (4, 3);
/// Tiles that correlate less than this show something else.
const SAME_VIEW: f64 = 0.5;
/// Tiles that tell the same lie so near to it, in pixels of the view.
const NEAR: f64 = 1.0;
/// So many of them are needed to tell anything beside a shift.
const ENOUGH: usize = 4;
/// A tile's place is uncertain by so much at least, one sigma, in pixels of the view.
const LEAST_SIGMA: f64 = 0.02;

/// How a view lies against an earlier one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ViewChange {
    /// The point that the rest is counted from, in pixels of the camera's picture.
    centre_px: (f64, f64),
    /// Shift there, in pixels of the camera's picture, +x right and +y down.
    shift_px: (f64, f64),
    /// How much larger everything looks, and how it is turned: a complex factor; one where that cannot be told.
    factor: Complex<f64>,
    /// One-sigma uncertainty of how much larger, relative; none where it cannot be told.
    pub sigma: Option<f64>,
    /// Correlation coefficient of what lies on each other, -1 to 1.
    pub correlation: f64,
}

impl ViewChange {
    /// The shift at a place of the camera's picture, in its pixels, +x right and +y down.
    #[must_use]
    pub fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let by = (self.factor - 1.0) * Complex::new(x - self.centre_px.0, y - self.centre_px.1);
        (self.shift_px.0 + by.re, self.shift_px.1 + by.im)
    }

    /// How many times larger things look than before; none where it cannot be told.
    #[must_use]
    pub fn magnification(&self) -> Option<f64> {
        self.sigma.map(|_| self.factor.norm())
    }

    /// Whether they show the same.
    #[must_use]
    pub fn same(&self) -> bool {
        self.correlation >= SAME_VIEW
    }
}

/// A piece of a view, in its pixels.
#[derive(Clone, Copy, Debug)]
struct Tile {
    x: i64,
    y: i64,
    w: i64,
    h: i64,
}

impl Tile {
    fn middle(&self) -> Complex<f64> {
        Complex::new((self.x as f64) + self.w as f64 / 2.0, self.y as f64 + self.h as f64 / 2.0)
    }
}

/// How `now` lies against `then`. None where the views are of different sizes, too small, or without any structure.
#[must_use]
pub fn view_change(then: &View, now: &View) -> Option<ViewChange> {
    let (w, h) = (then.width, then.height);
    let same = (now.width, now.height, now.step_px) == (w, h, then.step_px);
    if !same || w.min(h) < 16 || then.luma.len() != w * h || now.luma.len() != w * h {
        return None;
    }
    let whole = Tile { x: 0, y: 0, w: w as i64, h: h as i64 };
    let step = then.step_px as f64;
    let found = similar(then, now, whole);
    let (centre, shift, factor, sigma, correlation) = if let Some(s) = found {
        (s.centre, s.shift, s.factor, Some(s.sigma), s.correlation)
    } else {
        let (offset, correlation) = place(then, now, whole)?;
        let rest = fraction(then, now, whole, offset).unwrap_or((0.0, 0.0));
        let shift = Complex::new(offset.0 as f64 + rest.0, offset.1 as f64 + rest.1);
        (whole.middle(), shift, Complex::new(1.0, 0.0), None, correlation)
    };
    let px = |v: Complex<f64>| (v.re * step, v.im * step);
    Some(ViewChange { centre_px: px(centre), shift_px: px(shift), factor, sigma, correlation })
}

/// What the tiles tell together.
struct Similar {
    centre: Complex<f64>,
    shift: Complex<f64>,
    factor: Complex<f64>,
    sigma: f64,
    correlation: f64,
}

fn similar(then: &View, now: &View, whole: Tile) -> Option<Similar> {
    let (w, h) = (whole.w / TILES.0 as i64, whole.h / TILES.1 as i64);
    if w.min(h) < 16 {
        return None;
    }
    let tiles = (0..TILES.1 as i64).flat_map(|j| (0..TILES.0 as i64).map(move |i| Tile { x: i * w, y: j * h, w, h }));
    // What showed nothing before can show nothing else now.
    let tiles: Vec<Tile> = tiles.filter(|t| correlate(then, then, *t, (0, 0), 1) > 0.0).collect();
    let of = |tile: &Tile| {
        let (offset, _) = place(then, now, *tile).filter(|(_, c)| *c >= SAME_VIEW)?;
        let rest = fraction(then, now, *tile, offset)?;
        Some((tile.middle(), Complex::new(offset.0 as f64 + rest.0, offset.1 as f64 + rest.1)))
    };
    let seen: Vec<(Complex<f64>, Complex<f64>)> = tiles.iter().filter_map(of).collect();
    let near = |by: Complex<f64>, at: (Complex<f64>, Complex<f64>)| {
        seen.iter().filter(|(q, d)| (d - at.1 - by * (q - at.0)).norm() < NEAR).copied().collect::<Vec<_>>()
    };
    let pairs = seen.iter().enumerate().flat_map(|(i, a)| seen[i + 1..].iter().map(move |b| (a, b)));
    let apart = |a: &Complex<f64>, b: &Complex<f64>| (a - b).norm() > whole.w as f64 / 3.0;
    let best = pairs
        .filter(|(a, b)| apart(&a.0, &b.0))
        .map(|(a, b)| near((a.1 - b.1) / (a.0 - b.0), (a.0, a.1)))
        .max_by_key(Vec::len)
        .filter(|together| together.len() >= ENOUGH)?;
    let n = best.len() as f64;
    let sum = best.iter().fold((Complex::default(), Complex::default()), |s, b| (s.0 + b.0, s.1 + b.1));
    let (centre, shift) = (sum.0 / n, sum.1 / n);
    let (mut across, mut square) = (Complex::default(), 0.0);
    for (q, d) in &best {
        across += (q - centre).conj() * (d - shift);
        square += (q - centre).norm_sqr();
    }
    let by = across / square;
    let left: f64 = best.iter().map(|(q, d)| (d - shift - by * (q - centre)).norm_sqr()).sum();
    // Of every tile, where it has to lie: what shows something else counts against them.
    let alike = |tile: &Tile| {
        let at = shift + by * (tile.middle() - centre);
        correlate(then, now, *tile, (at.re.round() as i64, at.im.round() as i64), 1).max(0.0)
    };
    let correlation = tiles.iter().map(alike).sum::<f64>() / tiles.len() as f64;
    // Each tile tells two numbers, the similarity takes four of them.
    let sigma = (left / (2.0 * n - 4.0)).sqrt().max(LEAST_SIGMA) / square.sqrt();
    sigma.is_finite().then_some(Similar { centre, shift, factor: by + 1.0, sigma, correlation })
}

/// Where a tile of `then` lies in `now`: the best shift by whole pixels over a quarter of the view either way, and how well it fits.
fn place(then: &View, now: &View, tile: Tile) -> Option<((i64, i64), f64)> {
    let (rx, ry) = ((then.width / 4) as i64, (then.height / 4) as i64);
    let offsets = (-ry..=ry).flat_map(|y| (-rx..=rx).map(move |x| (x, y)));
    // Every second pixel both ways is enough to find the place.
    let found = offsets.map(|o| (correlate(then, now, tile, o, 2), o)).max_by(|a, b| a.0.total_cmp(&b.0))?.1;
    let near = (-1..=1).flat_map(|y| (-1..=1).map(move |x| (found.0 + x, found.1 + y)));
    let best = near.map(|o| (correlate(then, now, tile, o, 1), o)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > -1.0).then_some((best.1, best.0))
}

/// Correlation coefficient over what of a tile both views show when `now` is moved back by `offset`; -1 where there is no structure, or more than half of
/// the tile has gone.
fn correlate(then: &View, now: &View, tile: Tile, (ox, oy): (i64, i64), every: usize) -> f64 {
    let (w, h) = (then.width as i64, then.height as i64);
    let (columns, rows) =
        (tile.x.max(-ox)..(tile.x + tile.w).min(w - ox), tile.y.max(-oy)..(tile.y + tile.h).min(h - oy));
    if 2 * (columns.end - columns.start).max(0) * (rows.end - rows.start).max(0) < tile.w * tile.h {
        return -1.0;
    }
    let (mut n, mut a, mut aa, mut b, mut bb, mut ab) = (0.0f64, 0u64, 0u64, 0u64, 0u64, 0u64);
    for y in rows.step_by(every) {
        for x in columns.clone().step_by(every) {
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

/// The rest of a tile's shift below a pixel, by the same measurement that is made of regions.
fn fraction(then: &View, now: &View, tile: Tile, (ox, oy): (i64, i64)) -> Option<(f64, f64)> {
    let (w, h) = (then.width, then.height);
    let moved = Luma::new(&now.luma, w, w, h)?;
    let back: Vec<u8> = (0..h as i64)
        .flat_map(|y| {
            let row = moved.row(y + oy);
            (0..w as i64).map(move |x| row[(x + ox).clamp(0, w as i64 - 1) as usize])
        })
        .collect();
    // What both show, a few pixels of it left for the interpolation.
    let inner = |from: i64, n: i64, o: i64, all: usize| {
        let (first, end) = (from.max(-o).max(0) + 4, (from + n).min(all as i64 - o).min(all as i64) - 4);
        (end - first >= 8).then(|| (first as u32, (end - first) as u32))
    };
    let ((x, across), (y, down)) = (inner(tile.x, tile.w, ox, w)?, inner(tile.y, tile.h, oy, h)?);
    let mut tracker = Tracker::new([x, y, across, down]);
    tracker.step(&Luma::new(&then.luma, w, w, h)?);
    let track = tracker.step(&Luma::new(&back, w, w, h)?);
    let near = track.fit != Fit::Lost && track.dx_px.abs() < 1.5 && track.dy_px.abs() < 1.5;
    near.then_some((track.dx_px, track.dy_px))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A view through a similarity: `factor` about the middle, then shifted.
    fn view(shift: (f64, f64), factor: Complex<f64>) -> View {
        let (w, h) = (200, 120);
        let waves = [(0.31, 0.12, 0.3), (0.07, 0.41, 1.1), (0.23, -0.29, 2.0), (-0.9, 0.6, 0.7), (0.05, 0.03, 2.4)];
        let middle = Complex::new(100.0, 60.0);
        let at = |i: usize| {
            let p = Complex::new((i % w) as f64 + 0.5 - shift.0, (i / w) as f64 + 0.5 - shift.1);
            let from = (p - middle) / factor + middle;
            let wave = |(a, b, p): (f64, f64, f64)| (a * from.re + b * from.im + p).sin();
            (128.0 + 22.0 * waves.into_iter().map(wave).sum::<f64>()).round() as u8
        };
        View { width: w, height: h, step_px: 4, luma: (0..w * h).map(at).collect() }
    }

    const ONE: Complex<f64> = Complex::new(1.0, 0.0);

    #[test]
    fn a_shifted_view_is_measured() {
        for shift in [(0.0, 0.0), (0.3, -0.2), (7.4, -5.6), (-20.0, 12.25)] {
            let got = view_change(&view((0.0, 0.0), ONE), &view(shift, ONE)).unwrap();
            let (dx, dy) = got.at((400.0, 240.0));
            let off = (dx - 4.0 * shift.0).hypot(dy - 4.0 * shift.1);
            assert!(off < 0.15 && got.same() && got.correlation > 0.9, "{shift:?}: {got:?}");
            assert!(got.magnification().is_some_and(|m| (m - 1.0).abs() < 2e-3), "{got:?}");
        }
    }

    #[test]
    fn a_view_that_has_become_larger_or_turned_is_measured_where_it_lies() {
        for (size, turn) in [(1.015, 0.0), (0.97, 0.01), (1.0, -0.03), (1.05, 0.0)] {
            let factor = Complex::from_polar(size, turn);
            let got = view_change(&view((0.0, 0.0), ONE), &view((3.0, -2.0), factor)).unwrap();
            assert!((got.magnification().unwrap() - size).abs() < 2e-3, "{size} {turn}: {got:?}");
            assert!(got.sigma.unwrap() < 2e-3 && got.same(), "{got:?}");
            for (x, y) in [(400.0, 240.0), (100.0, 100.0), (700.0, 400.0)] {
                let by = (factor - 1.0) * Complex::new(x - 400.0, y - 240.0);
                let (dx, dy) = got.at((x, y));
                assert!((dx - 12.0 - by.re).hypot(dy + 8.0 - by.im) < 1.0, "{size} {turn} at {x},{y}: {dx} {dy}");
            }
        }
    }

    #[test]
    fn what_has_changed_in_a_part_of_the_picture_does_not_count() {
        let mut now = view((3.0, -2.0), Complex::from_polar(1.02, 0.0));
        for y in 0..120 {
            for x in 0..60 {
                now.luma[y * 200 + x] = ((x * 7 + y * 13) % 200) as u8;
            }
        }
        let got = view_change(&view((0.0, 0.0), ONE), &now).unwrap();
        assert!((got.magnification().unwrap() - 1.02).abs() < 3e-3 && got.same(), "{got:?}");
        for y in 0..120 {
            now.luma[y * 200 + 60..y * 200 + 140].fill(30 + (y % 5) as u8 * 9);
        }
        let got = view_change(&view((0.0, 0.0), ONE), &now).unwrap();
        assert!(!got.same(), "two thirds are covered: {got:?}");
    }

    #[test]
    fn views_that_cannot_be_compared() {
        let good = view((0.0, 0.0), ONE);
        let grey = View { luma: vec![90; good.luma.len()], ..good.clone() };
        assert_eq!(view_change(&good, &grey), None);
        assert_eq!(view_change(&good, &View { step_px: 5, ..good.clone() }), None);
        assert_eq!(view_change(&good, &View { luma: vec![0; 5], ..good.clone() }), None);
        assert_eq!(view_change(&View::default(), &View::default()), None);
        let mut state = 5u32;
        let noise = |_: &u8| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let other = View { luma: good.luma.iter().map(noise).collect(), ..good.clone() };
        assert!(!view_change(&good, &other).unwrap().same(), "another scene");
    }
}
