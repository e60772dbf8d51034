//! Low-pass filters of a region's picture.

/// What a picture is low-passed with, along both axes.
#[derive(Clone, Debug)]
pub enum LowPass {
    /// Half-band filters whose taps lie so far apart, one after the other: with 1 and 2 half the height at an eighth of a cycle a pixel.
    /// A sharp edge, for what must not see folded detail. Beyond its edge the picture is repeated.
    HalfBands(&'static [i64]),
    /// A Gaussian: its taps from the middle on. Beyond its edge the picture is nothing, so that what lies there weighs little.
    Gaussian(Vec<f32>),
}

impl LowPass {
    /// A Gaussian of this width (one sigma, in pixels).
    #[must_use]
    pub fn gaussian(width_px: f64) -> Self {
        let reach = (4.0 * width_px).ceil().max(1.0) as i32;
        let at = |i: i32| (-0.5 * (f64::from(i) / width_px).powi(2)).exp();
        let sum: f64 = (-reach..=reach).map(at).sum();
        Self::Gaussian((0..=reach).map(|i| (at(i) / sum) as f32).collect())
    }

    /// Low-passes a picture of rows of `w` in place; `line` is scratch for the longer side.
    pub fn apply(&self, v: &mut [f32], w: usize, line: &mut [f32]) {
        let passes = match self {
            Self::HalfBands(steps) => steps.len(),
            Self::Gaussian(_) => 1,
        };
        let h = v.len() / w;
        for pass in 0..passes {
            for row in v.chunks_exact_mut(w) {
                line[..w].copy_from_slice(row);
                row.iter_mut().enumerate().for_each(|(j, v)| *v = self.at(pass, &line[..w], j));
            }
        }
        for j in 0..w {
            for pass in 0..passes {
                for (l, row) in line.iter_mut().zip(v.chunks_exact(w)) {
                    *l = row[j];
                }
                v.chunks_exact_mut(w).enumerate().for_each(|(i, row)| row[j] = self.at(pass, &line[..h], i));
            }
        }
    }

    /// One value of a line after a pass.
    fn at(&self, pass: usize, line: &[f32], i: usize) -> f32 {
        match self {
            Self::HalfBands(steps) => {
                let at = |o: i64| line[(i as i64 + steps[pass] * o).clamp(0, line.len() as i64 - 1) as usize];
                // Seven taps, maximally flat; half the height at a quarter of a cycle.
                0.5 * at(0) + (9.0 / 32.0) * (at(-1) + at(1)) - (1.0 / 32.0) * (at(-3) + at(3))
            }
            Self::Gaussian(taps) => {
                let before = line[..=i].iter().rev().zip(taps).map(|(v, t)| v * t).sum::<f32>();
                before + line[i + 1..].iter().zip(&taps[1..]).map(|(v, t)| v * t).sum::<f32>()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a wave of so many cycles a pixel, in the middle of the region.
    fn height(of: &LowPass, cycles: f64) -> f32 {
        let (w, h) = (96, 64);
        let mut v: Vec<f32> =
            (0..w * h).map(|i| (std::f64::consts::TAU * cycles * (i % w) as f64).cos() as f32).collect();
        of.apply(&mut v, w, &mut [0.0; 96]);
        v[32 * w..33 * w][32..64].iter().fold(0.0, |a: f32, b| a.max(b.abs()))
    }

    #[test]
    fn what_is_left_is_what_the_filters_are_said_to_leave() {
        let half = LowPass::HalfBands(&[1, 2]);
        assert!((height(&half, 0.0) - 1.0).abs() < 1e-5 && (height(&half, 0.02) - 1.0).abs() < 1e-3);
        assert!((height(&half, 0.125) - 0.5).abs() < 0.05 && height(&half, 0.25) < 0.01);
        for width_px in [0.8, 1.7, 3.4] {
            let of = LowPass::gaussian(width_px);
            for cycles in [0.0, 0.05, 0.1] {
                let want = (-2.0 * (std::f64::consts::PI * cycles * width_px).powi(2)).exp() as f32;
                assert!((height(&of, cycles) - want).abs() < 0.01, "{width_px} px at {cycles}");
            }
        }
    }

    #[test]
    fn a_gaussian_fades_at_the_edge_and_is_its_own_mirror() {
        let (w, h) = (9, 5);
        let mut v = vec![1.0; w * h];
        LowPass::gaussian(2.0).apply(&mut v, w, &mut [0.0; 9]);
        assert!(v[0] < 0.5 && v[2 * w + 4] > v[0]);
        for (i, v_i) in v.iter().enumerate() {
            assert!((v_i - v[w * h - 1 - i]).abs() < 1e-6);
        }
    }
}
