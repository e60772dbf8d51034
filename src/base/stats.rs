//! Percentiles of the newest few hundred values.

use super::ring::Ring;

/// A bounded sample of a quantity, for p50 and p99.
#[derive(Clone, Debug)]
pub struct Sampled {
    ring: Ring<f64>,
}

impl Sampled {
    /// Looks back over the newest `capacity` values.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { ring: Ring::new(capacity) }
    }

    /// Adds a value; what is not finite is left out.
    pub fn push(&mut self, v: f64) {
        if v.is_finite() {
            self.ring.push(v);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.ring.clear();
    }

    /// The p-th percentile (0–100) by nearest rank; none without values.
    #[must_use]
    pub fn percentile(&self, p: f64) -> Option<f64> {
        let mut v = self.ring.to_vec();
        if v.is_empty() {
            return None;
        }
        let rank = (p / 100.0 * v.len() as f64).ceil().max(1.0) as usize;
        let at = rank.min(v.len()) - 1;
        Some(*v.select_nth_unstable_by(at, f64::total_cmp).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank() {
        let mut s = Sampled::new(100);
        assert_eq!(s.percentile(50.0), None);
        for i in 1..=100 {
            s.push(f64::from(i));
        }
        s.push(f64::NAN);
        assert_eq!(s.percentile(50.0), Some(50.0));
        assert_eq!(s.percentile(99.0), Some(99.0));
        assert_eq!(s.percentile(100.0), Some(100.0));
        assert_eq!(s.percentile(0.0), Some(1.0));
    }
}
