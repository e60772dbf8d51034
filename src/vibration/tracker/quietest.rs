//! Which of several ways of measuring the same frames has the least noise.
//!
//! Noise is what cannot be foretold (see [`super::foretold`]): each way's displacements are predicted from those before, alike for all. What is new of
//! the motion itself is the same in each, and does not decide.
//!
//! What one sees less of the motion than another counts as well: detail that is coded to the same values again holds a displacement back. It is told by
//! how both follow what was foretold, which has no part in the noise of the frame.

use super::foretold::{Foretold, ORDER};
use crate::vibration::reference::invert;

/// Share of their power that is taken for noise, so that what is not there to be learned is not learned.
const RIDGE: f64 = 1e-4;
/// Predictions that a choice needs.
const LEAST: usize = 48;
/// By how much more what is missing of the motion counts than noise, in squares: noise is averaged away where amplitudes are told, and this is not.
const MISSING: f64 = 4.0;

/// Predictions that are farther off than so many standard deviations count as that far off. And the median of a normal distribution's squares.
const FARTHEST: f64 = 3.0;
const MEDIAN: f64 = 0.4549;

/// What was chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quietest<const N: usize> {
    /// The number of the way.
    pub way: usize,
    /// How its displacements are foretold.
    pub foretold: Foretold,
    /// Each way's noise alone, in pixels squared along one axis, the noise of the prediction included.
    pub noise: [f64; N],
    /// How much of what was foretold each way sees.
    pub motion: [f64; N],
}

/// The way with the least noise, what it misses of the motion included; none where too little was seen.
/// `frames` are numbers and displacements in pixels by each way; the first `common` ways make the path that is learned from, and `whole` names the way
/// that sees more of the motion than this one, if any does. Where that one sees less than `least_px` (RMS along an axis) of what is foretold, it is taken for
/// noise which goes on as it did, and nothing of it is missed.
pub(super) fn quietest<const N: usize>(
    frames: &[(u32, [[f64; 2]; N])],
    common: usize,
    least_px: f64,
    whole: impl Fn(usize) -> usize,
) -> Option<Quietest<N>> {
    let n = frames.len() as f64;
    let mut middle = [[0.0; 2]; N];
    for (_, seen) in frames {
        for (m, d) in middle.iter_mut().zip(seen) {
            m.iter_mut().zip(d).for_each(|(m, d)| *m += d / n);
        }
    }
    let about = |i: usize, way: usize, axis: usize| frames[i].1[way][axis] - middle[way][axis];
    let path = |i: usize, axis: usize| (0..common).map(|b| about(i, b, axis)).sum::<f64>() / common as f64;
    let follows = |i: &usize| frames[*i].0.wrapping_sub(frames[*i - ORDER].0) == ORDER as u32;
    let known: Vec<usize> = (ORDER..frames.len()).filter(follows).collect();
    if known.len() < LEAST {
        return None;
    }
    let mut products = [[0.0; ORDER]; ORDER];
    let mut sums = [0.0; ORDER];
    for &i in &known {
        for axis in 0..2 {
            let before: [f64; ORDER] = std::array::from_fn(|k| path(i - 1 - k, axis));
            for ((row, sum), a) in products.iter_mut().zip(&mut sums).zip(&before) {
                row.iter_mut().zip(&before).for_each(|(v, b)| *v += a * b);
                *sum += a * path(i, axis);
            }
        }
    }
    let power: f64 = (0..ORDER).map(|k| products[k][k]).sum::<f64>() / ORDER as f64;
    (0..ORDER).for_each(|k| products[k][k] += RIDGE * power + f64::MIN_POSITIVE);
    let inverse = invert(&products)?;
    let factors = inverse.map(|row| row.iter().zip(&sums).map(|(a, b)| a * b).sum::<f64>());
    let guess = |of: &dyn Fn(usize) -> f64, i: usize| -> f64 {
        factors.iter().enumerate().map(|(k, f)| f * of(i - 1 - k)).sum()
    };
    let noise = |way: usize| -> f64 {
        let off = |i: usize, axis: usize| (about(i, way, axis) - guess(&|i| about(i, way, axis), i)).powi(2);
        let axis = |axis: usize| {
            let squares: Vec<f64> = known.iter().map(|&i| off(i, axis)).collect();
            let most = farthest(squares.clone());
            squares.iter().map(|s| s.min(most)).sum::<f64>()
        };
        axis(0) + axis(1)
    };
    let places = || known.iter().flat_map(|&i| [(i, 0), (i, 1)]);
    let foretold: Vec<f64> = places().map(|(i, axis)| guess(&|i| path(i, axis), i)).collect();
    let motion: f64 = foretold.iter().map(|p| p * p).sum();
    let along = |way: usize| places().zip(&foretold).map(|((i, axis), p)| about(i, way, axis) * p).sum::<f64>();
    let moves = |way: usize| along(whole(way)) >= least_px * (motion * foretold.len() as f64).sqrt();
    let missing = |way: usize| -> f64 {
        let less = || places().map(|(i, axis)| about(i, whole(way), axis) - about(i, way, axis));
        let along: f64 = less().zip(&foretold).map(|(l, p)| l * p).sum();
        let chance = less().map(|l| l * l).sum::<f64>() / foretold.len() as f64;
        if along > 0.0 && moves(way) { (along * along / motion.max(f64::MIN_POSITIVE) - chance).max(0.0) } else { 0.0 }
    };
    let noise: [f64; N] = std::array::from_fn(noise);
    let (way, _) = noise
        .iter()
        .enumerate()
        .map(|(way, n)| (way, n + MISSING * missing(way)))
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    let noise = noise.map(|n| n / foretold.len() as f64);
    let motion = std::array::from_fn(|way| along(way) / motion.max(f64::MIN_POSITIVE));
    Some(Quietest { way, foretold: Foretold::new(factors, middle[way], noise[way]), noise, motion })
}

/// Up to where squares count: one jump says little of the other frames. Where most of them are next to nothing (repeated pictures) that tells nothing.
fn farthest(mut squares: Vec<f64>) -> f64 {
    let mean = squares.iter().sum::<f64>() / squares.len().max(1) as f64;
    let middle = squares.len() / 2;
    if middle == 0 {
        return f64::INFINITY;
    }
    let (_, median, _) = squares.select_nth_unstable_by(middle, f64::total_cmp);
    if *median > 0.01 * mean { FARTHEST * FARTHEST * *median / MEDIAN } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_says_little_of_the_other_frames() {
        let mut state = 1u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f64 / f64::from(1u32 << 24) - 0.5) * 12f64.sqrt()
        };
        // The swing begins anew once: a recording that is played again.
        let frames: Vec<(u32, [[f64; 2]; 2])> = (0..160u32)
            .map(|i| {
                let t = 0.85 * f64::from(if i < 100 { i } else { i + 2 });
                let d = [0.5 * t.sin(), 0.3 * (t + 1.2).sin()];
                (i, [d.map(|v| v + 0.012 * noise()), d.map(|v| v + 0.01 * noise())])
            })
            .collect();
        let kept = quietest(&frames, 2, 0.0, |way| 1 - way).unwrap();
        assert_eq!(kept.way, 1);
        assert!(kept.noise[1].sqrt() < 0.02, "{}", kept.noise[1].sqrt());
    }
}
