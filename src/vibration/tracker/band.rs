//! Which band of spatial frequencies a coded picture is compared in.
//!
//! A codec takes most from the fine detail: what it no longer moves (it is coded to the same value again) still looks like itself, and holds the
//! displacement back. A comparison at lower frequencies is noisier, but sees the whole motion. It is taken where the fine one is seen to fall
//! short by more than the coarse one's noise.

/// Frames that are compared both ways before it is decided.
const FRAMES: f64 = 48.0;
/// How many times as much must be seen in the lower band.
const MORE: f64 = 1.03;
/// How many times the noise of the lower band what the upper one falls short by must be, in squares.
const WORTH: f64 = 2.0;

/// Displacements of the same frames by both bands: `a` by the upper one, `b` by the lower.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bands {
    n: f64,
    a: [f64; 2],
    b: [f64; 2],
    aa: f64,
    ab: f64,
    bb: f64,
}

impl Bands {
    /// Takes a frame.
    pub(super) fn take(&mut self, a: (f64, f64), b: (f64, f64)) {
        self.n += 1.0;
        for (axis, (a, b)) in [(a.0, b.0), (a.1, b.1)].into_iter().enumerate() {
            self.a[axis] += a;
            self.b[axis] += b;
            self.aa += a * a;
            self.ab += a * b;
            self.bb += b * b;
        }
    }

    /// Whether enough frames were compared.
    pub(super) fn enough(&self) -> bool {
        self.n >= FRAMES
    }

    /// Whether the lower band sees so much more motion that it is worth its noise.
    pub(super) fn lower(&self) -> bool {
        let about = |square: f64, a: &[f64; 2], b: &[f64; 2]| square - (a[0] * b[0] + a[1] * b[1]) / self.n.max(1.0);
        let (aa, ab) = (about(self.aa, &self.a, &self.a), about(self.ab, &self.a, &self.b));
        let bb = about(self.bb, &self.b, &self.b);
        // Noise of the upper band's own makes the ratio smaller, never larger.
        let more = ab / aa.max(f64::MIN_POSITIVE);
        let noise = bb - more * ab;
        more > MORE && (more - 1.0).powi(2) * aa > WORTH * noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(upper: f64, noise_px: f64) -> Bands {
        let mut bands = Bands::default();
        for i in 0..60u32 {
            let d = 0.4 * (f64::from(i) * 0.9).sin();
            let noise = noise_px * (f64::from(i * i) * 1.7).sin();
            bands.take((upper * d + 1.0, 0.2 * upper * d), (d + noise - 3.0, 0.2 * d - noise));
        }
        assert!(bands.enough());
        bands
    }

    #[test]
    fn the_lower_band_is_taken_where_the_upper_falls_short_by_more_than_noise() {
        assert!(seen(0.6, 0.05).lower(), "two fifths are missing");
        assert!(!seen(1.0, 0.05).lower(), "nothing is missing");
        assert!(!seen(0.97, 0.1).lower(), "less is missing than the noise");
        assert!(!Bands::default().lower() && !Bands::default().enough());
        // Nothing moves: the lower band shows its noise alone.
        let mut still = Bands::default();
        (0..100u32).for_each(|i| still.take((0.0, 0.0), (0.05 * f64::from(i).sin(), 0.0)));
        assert!(!still.lower());
    }
}
