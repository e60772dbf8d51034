//! The newest ten minutes of one region, a second a point; what is older is read from the journal.

use std::sync::Arc;

use crate::base::ring::Ring;

/// Points kept.
pub const POINTS: usize = 600;

/// The newest ten minutes of a region.
#[derive(Debug)]
pub struct Trend {
    seconds: Ring<f32>,
    shown: Arc<[f32]>,
}

impl Default for Trend {
    fn default() -> Self {
        Self { seconds: Ring::new(POINTS), shown: Arc::new([]) }
    }
}

impl Trend {
    /// Takes the value of a second; not a number where it is unknown.
    pub fn push(&mut self, value: f32) {
        self.seconds.push(value);
        self.shown = self.seconds.to_vec().into();
    }

    /// One value a second, oldest first.
    #[must_use]
    pub fn seconds(&self) -> Arc<[f32]> {
        Arc::clone(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let mut t = Trend::default();
        (0..10_000).for_each(|i| t.push(i as f32));
        assert_eq!(t.seconds().len(), POINTS);
        assert_eq!(t.seconds()[POINTS - 1], 9999.0);
    }
}
