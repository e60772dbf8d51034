//! What is usual for the rate of errors: robust figures of the same hour of the week, else of the last day, else "not enough data yet".

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::{Mono, Now};
use crate::model::logs::Spike;

/// Length of a step.
pub const STEP_S: i64 = 600;
/// Four weeks of steps and the week that is being lived through.
const KEEP: i64 = 5 * WEEK;
const WEEK: i64 = 7 * 24 * 6;
/// A step counts when it was watched for most of its time.
const WATCHED_S: u32 = 540;
/// So many steps of the same hour of the week (two weeks of it) make it known.
const HOUR_NEEDS: usize = 12;
/// So many steps of the last day (six hours) stand in for it.
const DAY_NEEDS: usize = 36;
/// Fewer errors than this in ten minutes are no rise, whatever is usual.
const LEAST: f64 = 5.0;
/// The limit lies so many spreads above the median.
const SPREADS: f64 = 5.0;

/// Errors in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step(i64, u32, u32);

/// The errors of the last weeks, step by step.
#[derive(Clone, Debug, Default)]
pub struct Usual {
    steps: VecDeque<Step>,
    recent: VecDeque<(Mono, u32)>,
    began: Option<Mono>,
    last: Option<Mono>,
}

impl Usual {
    /// As it was kept.
    #[must_use]
    pub fn restored(steps: Vec<Step>) -> Self {
        let mut steps: VecDeque<Step> = steps.into();
        steps.make_contiguous().sort_by_key(|s| s.0);
        Self { steps, ..Self::default() }
    }

    /// What is to be kept.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.steps.iter().copied().collect()
    }

    /// So many errors came since this was told last.
    pub fn take(&mut self, errors: u32, now: Now) {
        self.began.get_or_insert(now.mono);
        // A computer that slept did not watch.
        let watched = self.last.map_or(0, |l| now.mono.since(l).as_secs().min(5) as u32);
        if watched > 0 || self.last.is_none() {
            self.last = Some(now.mono);
        }
        let index = now.wall.as_second().div_euclid(STEP_S);
        match self.steps.back_mut().filter(|s| s.0 >= index) {
            Some(s) => *s = Step(s.0, s.1.saturating_add(errors), s.2.saturating_add(watched)),
            None => self.steps.push_back(Step(index, errors, watched)),
        }
        while self.steps.front().is_some_and(|s| s.0 < index - KEEP) || self.steps.len() > KEEP as usize {
            self.steps.pop_front();
        }
        match self.recent.back_mut().filter(|r| now.mono.since(r.0) < Duration::from_secs(1)) {
            Some(r) => r.1 = r.1.saturating_add(errors),
            None if errors > 0 => self.recent.push_back((now.mono, errors)),
            None => {}
        }
        while self.recent.front().is_some_and(|r| now.mono.since(r.0) >= Duration::from_secs(STEP_S as u64)) {
            self.recent.pop_front();
        }
    }

    /// The last ten minutes against what is usual.
    #[must_use]
    pub fn spike(&self, now: Now) -> Spike {
        let errors = f64::from(self.recent.iter().fold(0u32, |n, r| n.saturating_add(r.1)));
        let index = now.wall.as_second().div_euclid(STEP_S);
        let of = |right: &dyn Fn(i64) -> bool| -> Vec<f64> {
            self.steps.iter().filter(|s| s.2 >= WATCHED_S && right(s.0)).map(|s| f64::from(s.1)).collect()
        };
        let hour = index.div_euclid(6);
        let same_hour = of(&|i| i.div_euclid(6) != hour && (i.div_euclid(6) - hour) % (7 * 24) == 0);
        // The newest step is being judged itself.
        let day = of(&|i| i < index && index - i <= 144);
        let (values, from) = if same_hour.len() >= HOUR_NEEDS {
            (same_hour, "of this hour in the weeks before")
        } else if day.len() >= DAY_NEEDS {
            (day, "of the last 24 hours; not enough weeks yet")
        } else {
            let text = format!("not enough data yet: {} of 6 hours watched", day.len() / 6);
            return Spike { errors: Some(errors), usual: None, limit: None, text: Some(text.into()) };
        };
        let median = median(values.clone());
        let mad = self::median(values.iter().map(|v| (v - median).abs()).collect());
        let spread = (1.4826 * mad).max(median.sqrt()).max(1.0);
        let limit = (median + SPREADS * spread).ceil().max(LEAST);
        let text = format!("usual are {median:.0} in ten minutes, by {} steps {from}", values.len());
        Spike { errors: Some(errors), usual: Some(median), limit: Some(limit), text: Some(text.into()) }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn at(s: i64) -> Now {
        Now { wall: Timestamp::from_second(1_700_002_800 + s).unwrap(), mono: Mono(s as u64 * 1_000_000_000) }
    }

    /// Lives through that time with so many errors in each step.
    fn live(u: &mut Usual, from: i64, to: i64, errors: impl Fn(i64) -> u32) {
        for s in (from..to).step_by(5) {
            let first = s.rem_euclid(STEP_S) < 5;
            u.take(if first { errors(s) } else { 0 }, at(s));
        }
    }

    #[test]
    fn nothing_is_claimed_before_there_is_enough() {
        let mut u = Usual::default();
        live(&mut u, 0, 3 * 3600, |_| 2);
        let s = u.spike(at(3 * 3600));
        assert_eq!((s.limit, s.usual), (None, None));
        assert!(s.text.unwrap().contains("not enough data yet"));
    }

    #[test]
    fn a_rise_is_told_from_the_usual_even_after_a_bad_hour() {
        let mut u = Usual::default();
        let hour_of_trouble = |s: i64| if (4 * 3600..5 * 3600).contains(&s) { 500 } else { 2 };
        live(&mut u, 0, 10 * 3600, hour_of_trouble);
        let calm = u.spike(at(10 * 3600));
        assert_eq!(calm.usual, Some(2.0), "a median does not follow one bad hour");
        assert!(calm.errors < calm.limit, "{calm:?}");
        u.take(40, at(10 * 3600 + 5));
        let loud = u.spike(at(10 * 3600 + 5));
        assert!(loud.errors >= loud.limit && loud.limit.is_some(), "{loud:?}");
    }

    #[test]
    fn an_hour_that_is_always_loud_is_usual_once_two_weeks_are_known() {
        let mut u = Usual::default();
        let week = 7 * 86_400;
        // One loud hour a week, quiet otherwise; made of steps directly, so that the test is quick.
        let steps = (0..2 * WEEK).map(|i| {
            let index = 1_700_002_800i64.div_euclid(STEP_S) + i;
            let loud = (index.div_euclid(6) - 1_700_002_800i64.div_euclid(3600)) % 168 == 0;
            Step(index, if loud { 100 } else { 1 }, 600)
        });
        u.steps = steps.collect();
        let s = u.spike(at(2 * week));
        assert_eq!(s.usual, Some(100.0), "{s:?}");
        let next = u.spike(at(2 * week + 3600));
        assert_eq!(next.usual, Some(1.0), "{next:?}");
    }

    #[test]
    fn it_is_bounded_and_comes_back_as_it_was_kept() {
        let mut u = Usual::default();
        live(&mut u, 0, 3600, |_| 1);
        let back = Usual::restored(u.steps());
        assert_eq!(back.steps, u.steps);
        u.take(0, at(400 * 86_400));
        assert_eq!(u.steps.len(), 1, "what is older than five weeks is forgotten");
    }
}
