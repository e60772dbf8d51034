//! Slow drift of a window: what is no vibration.

use crate::vibration::reference::invert;

/// Takes slow drift out of both axes: the straight line of least squares, or the cubic where that explains a good part of the rest; where drift is to
/// stay in, the mean alone. How far the drift of the worse axis reaches, peak to peak, comes back.
pub(super) fn detrend(t: &[f64], x: &mut [f64], y: &mut [f64], drift: bool) -> f64 {
    let n = x.len();
    let (Some(first), Some(last)) = (t.first(), t.last()) else { return 0.0 };
    let (middle, half) = (f64::midpoint(*first, *last), ((last - first) / 2.0).max(1e-9));
    let powers = |t: f64| {
        let u = (t - middle) / half;
        [1.0, u, u * u, u * u * u]
    };
    // Sums of the powers up to the sixth, and of those up to the third with each axis; and of each axis' square.
    let (mut sums, mut with, mut squares) = ([0.0; 7], [[0.0; 4]; 2], [0.0; 2]);
    for ((t, x), y) in t.iter().zip(&*x).zip(&*y) {
        let p = powers(*t);
        let cubes = p.map(|v| v * p[3]);
        for (sum, v) in sums.iter_mut().zip(p.iter().chain(&cubes[1..])) {
            *sum += v;
        }
        for ((with, square), v) in with.iter_mut().zip(&mut squares).zip([*x, *y]) {
            for (with, p) in with.iter_mut().zip(&p) {
                *with += p * v;
            }
            *square += v * v;
        }
    }
    let inverse = |degree: usize| {
        let part = |i: usize, j: usize| {
            if i > degree || j > degree { f64::from(u8::from(i == j)) } else { sums[i + j] }
        };
        invert(&std::array::from_fn::<_, 4, _>(|i| std::array::from_fn(|j| part(i, j))))
    };
    let (straight, curved) = (inverse(1), if n >= 50 { inverse(3) } else { None });
    let mut most = 0.0f64;
    for ((v, with), square) in [x, y].into_iter().zip(&with).zip(squares) {
        let fit = |inverse: &Option<[[f64; 4]; 4]>, degree: usize| {
            let mut r = *with;
            r.iter_mut().skip(degree + 1).for_each(|r| *r = 0.0);
            let c = inverse.map(|i| i.map(|row| row.iter().zip(&r).map(|(a, b)| a * b).sum::<f64>()))?;
            let explained: f64 = c.iter().zip(&r).map(|(c, r)| c * r).sum();
            Some((c, (square - explained).max(0.0)))
        };
        let mean = with[0] / n as f64;
        let line = fit(&straight, 1).unwrap_or(([mean, 0.0, 0.0, 0.0], square));
        let best = fit(&curved, 3).filter(|(_, left)| *left < 0.8 * line.1).unwrap_or(line);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (t, v) in t.iter().zip(v.iter_mut()) {
            let slow = powers(*t).iter().zip(&best.0).map(|(p, c)| p * c).sum::<f64>();
            (low, high) = (low.min(slow), high.max(slow));
            *v -= if drift { slow } else { mean };
        }
        most = most.max(high - low);
    }
    most
}
