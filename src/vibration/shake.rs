//! The camera's own motion, from what the background regions show: translation, and with two or more of them rotation and zoom.

use super::reference::invert;

/// How far a fixed camera may turn or zoom: one sigma of the prior, radians and relative. Where the backgrounds do not tell
/// better, they are taken to have moved together.
const PRIOR: f64 = 2e-3;
/// An uncertainty below this is not believed, in pixels.
const LEAST_SIGMA_PX: f64 = 1e-4;

/// What a background region shows in one frame.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Its centre in the picture, in pixels.
    pub place: (f64, f64),
    /// Its displacement in pixels.
    pub d_px: (f64, f64),
    /// One-sigma uncertainty of each of the two, in pixels.
    pub sigma_px: f64,
}

/// The similarity `d(place) = t + zoom·r + turn·r⟂` with r the place less the backgrounds' centre.
#[derive(Clone, Debug)]
pub struct Shake {
    seen: Vec<Seen>,
    centre: (f64, f64),
    /// Translation x and y, zoom, turn.
    p: [f64; 4],
    covariance: [[f64; 4]; 4],
}

impl Shake {
    /// Room for so many backgrounds.
    #[must_use]
    pub fn new(backgrounds: usize) -> Self {
        Self { seen: Vec::with_capacity(backgrounds), centre: (0.0, 0.0), p: [0.0; 4], covariance: [[0.0; 4]; 4] }
    }

    /// Begins a frame.
    pub fn clear(&mut self) {
        self.seen.clear();
    }

    /// Takes what a background shows.
    pub fn add(&mut self, seen: Seen) {
        if self.seen.len() < self.seen.capacity() && seen.sigma_px.is_finite() {
            self.seen.push(seen);
        }
    }

    /// Solves for this frame; false if no background shows anything.
    pub fn solve(&mut self) -> bool {
        if self.seen.is_empty() {
            return false;
        }
        let weight = |s: &Seen| 1.0 / s.sigma_px.max(LEAST_SIGMA_PX).powi(2);
        let total: f64 = self.seen.iter().map(weight).sum();
        self.centre = self.seen.iter().fold((0.0, 0.0), |c, s| {
            let w = weight(s) / total;
            (c.0 + w * s.place.0, c.1 + w * s.place.1)
        });
        let mut g = [[0.0; 4]; 4];
        let mut r = [0.0; 4];
        for s in &self.seen {
            let w = weight(s);
            for (row, d) in self.rows(s.place).iter().zip([s.d_px.0, s.d_px.1]) {
                for i in 0..4 {
                    for j in 0..4 {
                        g[i][j] += w * row[i] * row[j];
                    }
                    r[i] += w * row[i] * d;
                }
            }
        }
        g[2][2] += PRIOR.powi(-2);
        g[3][3] += PRIOR.powi(-2);
        let Some(inverse) = invert(&g) else { return false };
        self.p = inverse.map(|row| row.iter().zip(&r).map(|(a, b)| a * b).sum());
        // One background, or two that stand together, cannot tell a turn: then none is taken off.
        if self.seen.len() < 2 {
            self.p[2] = 0.0;
            self.p[3] = 0.0;
            self.covariance = [[0.0; 4]; 4];
            self.covariance[0][0] = 1.0 / total;
            self.covariance[1][1] = 1.0 / total;
        } else {
            self.covariance = inverse;
        }
        true
    }

    /// What the camera's motion shows at a place, and its one-sigma uncertainty per axis, in pixels.
    #[must_use]
    pub fn at(&self, place: (f64, f64)) -> ((f64, f64), f64) {
        let rows = self.rows(place);
        let along = |row: &[f64; 4]| row.iter().zip(&self.p).map(|(a, b)| a * b).sum::<f64>();
        let variance = |row: &[f64; 4]| {
            (0..4).map(|i| (0..4).map(|j| row[i] * self.covariance[i][j] * row[j]).sum::<f64>()).sum::<f64>()
        };
        let larger = variance(&rows[0]).max(variance(&rows[1])).max(0.0);
        ((along(&rows[0]), along(&rows[1])), larger.sqrt())
    }

    fn rows(&self, (x, y): (f64, f64)) -> [[f64; 4]; 2] {
        let (x, y) = (x - self.centre.0, y - self.centre.1);
        [[1.0, 0.0, x, -y], [0.0, 1.0, y, x]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(place: (f64, f64), f: impl Fn(f64, f64) -> (f64, f64)) -> Seen {
        Seen { place, d_px: f(place.0, place.1), sigma_px: 0.002 }
    }

    #[test]
    fn one_background_is_taken_off_as_it_is() {
        let mut s = Shake::new(1);
        s.add(seen((100.0, 50.0), |_, _| (0.4, -0.2)));
        assert!(s.solve());
        let (d, sigma) = s.at((900.0, 700.0));
        assert!((d.0 - 0.4).abs() < 1e-9 && (d.1 + 0.2).abs() < 1e-9 && (sigma - 0.002).abs() < 1e-9);
        s.clear();
        assert!(!s.solve());
    }

    #[test]
    fn rotation_and_zoom_are_taken_off_between_two_backgrounds() {
        // A turn of half a milliradian and a zoom of 0.2 per mille about (640, 360).
        let camera = |x: f64, y: f64| {
            let (x, y) = (x - 640.0, y - 360.0);
            (0.3 + 2e-4 * x - 5e-4 * y, -0.1 + 2e-4 * y + 5e-4 * x)
        };
        let mut s = Shake::new(2);
        s.add(seen((100.0, 100.0), camera));
        s.add(seen((1180.0, 620.0), camera));
        assert!(s.solve());
        let (d, sigma) = s.at((640.0, 200.0));
        let want = camera(640.0, 200.0);
        assert!((d.0 - want.0).abs() < 1e-3 && (d.1 - want.1).abs() < 1e-3, "{d:?} {want:?}");
        assert!(sigma < 0.004);
        let far = s.at((640.0, 5000.0)).1;
        assert!(far > sigma, "farther away it is less certain");
    }
}
