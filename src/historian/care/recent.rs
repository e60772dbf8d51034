//! Which query was slow lately: the server counts since its statistics began, so two counts are compared.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::base::clock::Mono;
use crate::model::database::Statement;

/// Over this time a query is judged.
const OVER: Duration = Duration::from_hours(1);
/// Distance of two counts that are kept.
const EVERY: Duration = Duration::from_mins(5);

/// Calls and total time of each query.
type Counts = HashMap<i64, (u64, f64)>;

/// Counts of about the last hour.
#[derive(Default)]
pub(super) struct Recent {
    kept: VecDeque<(Mono, Counts)>,
}

impl Recent {
    /// Takes the counts of now; the mean time in ms of the query that was slowest since the oldest count that is kept.
    /// None at the first time; zero where no query was run since.
    pub(super) fn take(&mut self, now: Mono, all: &[Statement]) -> Option<f64> {
        let counts: Counts = all.iter().map(|s| (s.id, (s.calls, s.total_ms))).collect();
        let slowest = self.kept.front().map(|(_, before)| {
            let mean = |(id, (calls, total)): (&i64, &(u64, f64))| {
                let (c, t) = before.get(id).copied().unwrap_or_default();
                // Fewer than before: the statistics were reset, and what is there now is new.
                let (c, t) = if c > *calls { (0, 0.0) } else { (c, t) };
                let n = calls - c;
                (n > 0).then(|| (total - t).max(0.0) / n as f64)
            };
            counts.iter().filter_map(mean).fold(0.0, f64::max)
        });
        if self.kept.back().is_none_or(|(at, _)| now.since(*at) >= EVERY) {
            self.kept.push_back((now, counts));
        }
        while self.kept.len() > 1 && now.since(self.kept[0].0) > OVER {
            self.kept.pop_front();
        }
        slowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(calls: u64, total_ms: f64) -> Vec<Statement> {
        vec![Statement {
            id: 7,
            query: "select 1".into(),
            calls,
            total_ms,
            mean_ms: total_ms / calls as f64,
            max_ms: 0.0,
        }]
    }

    fn minutes(m: u64) -> Mono {
        Mono(m * 60_000_000_000)
    }

    #[test]
    fn old_slowness_is_forgotten_and_new_is_seen() {
        let mut r = Recent::default();
        assert_eq!(r.take(minutes(1), &one(10, 50_000.0)), None, "since when, nobody knows");
        assert_eq!(r.take(minutes(2), &one(10, 50_000.0)), Some(0.0));
        assert_eq!(r.take(minutes(7), &one(12, 50_100.0)), Some(50.0));
        assert_eq!(r.take(minutes(8), &one(1, 3000.0)), Some(3000.0), "the statistics were reset");
        for m in 9..200 {
            r.take(minutes(m), &one(2, 3001.0));
        }
        assert!(r.kept.len() <= 14, "{}", r.kept.len());
        assert_eq!(r.take(minutes(200), &one(2, 3001.0)), Some(0.0), "an hour without");
    }
}
