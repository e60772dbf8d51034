//! How fast the database grows: from the sizes kept on the server where there are any, else from those seen since the start.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Mono;

/// The name of the whole database among the relations.
pub(super) const WHOLE: &str = "database";

/// Distance of two remembered sizes.
const EVERY: Duration = Duration::from_hours(1);
/// A week of them.
const MOST: usize = 7 * 24;
/// A shorter time says nothing about a day.
const LEAST_S: f64 = 3600.0;
const DAY_S: f64 = 86_400.0;

/// Bytes a day by relation.
pub(super) type Growth = HashMap<Arc<str>, f64>;

/// Growth from a first and a newest size; none over too short a time.
pub(super) fn per_day(first_bytes: i64, newest_bytes: i64, over_s: f64) -> Option<f64> {
    (over_s >= LEAST_S).then(|| (newest_bytes - first_bytes) as f64 / over_s * DAY_S)
}

/// Sizes seen since the start, one an hour.
#[derive(Default)]
pub(super) struct Sizes {
    kept: VecDeque<(Mono, HashMap<Arc<str>, i64>)>,
}

impl Sizes {
    /// Takes the sizes of now, and tells the growth of each relation that was there at first.
    pub(super) fn take(&mut self, sizes: HashMap<Arc<str>, i64>, now: Mono) -> Growth {
        let growth = self.kept.front().map_or_else(Growth::new, |(then, first)| {
            let over_s = now.secs_since(*then);
            let one = |(name, bytes): (&Arc<str>, &i64)| {
                Some((Arc::clone(name), per_day(*first.get(name)?, *bytes, over_s)?))
            };
            sizes.iter().filter_map(one).collect()
        });
        if self.kept.back().is_none_or(|(at, _)| now.since(*at) >= EVERY) {
            if self.kept.len() == MOST {
                self.kept.pop_front();
            }
            self.kept.push_back((now, sizes));
        }
        growth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(h: u64) -> Mono {
        Mono(h * 3_600_000_000_000)
    }

    fn sizes(event: i64, database: i64) -> HashMap<Arc<str>, i64> {
        HashMap::from([("vms.event".into(), event), (WHOLE.into(), database)])
    }

    #[test]
    fn growth_is_known_after_an_hour() {
        let mut s = Sizes::default();
        assert!(s.take(sizes(1000, 5000), hours(1)).is_empty());
        assert!(s.take(sizes(2000, 5000), Mono(hours(1).0 + 60_000_000_000)).is_empty(), "a minute says nothing");
        let g = s.take(sizes(3000, 5000), hours(3));
        assert_eq!((g["vms.event"], g[WHOLE]), (24_000.0, 0.0));
        let mut g = Growth::new();
        for h in 4..400 {
            g = s.take(sizes(1000 * h as i64, 0), hours(h));
        }
        assert_eq!((s.kept.len(), g["vms.event"].round()), (MOST, 24_000.0), "bounded, and the oldest goes");
    }
}
