//! On-delay and off-delay of one condition (ISA-18.2, 6.5.3 "alarm deadband and delays").

use std::time::Duration;

use crate::base::clock::Mono;

/// What a rule says about its condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It holds.
    Holds,
    /// It does not hold, but the value lies within the deadband: what is active stays active.
    Within,
    /// It does not hold.
    Clear,
    /// Nobody knows: nothing changes, and no delay runs.
    Unknown,
}

/// What the latch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The condition has held for the whole on-delay.
    Raised,
    /// The condition was clear for the whole off-delay.
    Returned,
}

/// Whether a condition counts, after its delays.
#[derive(Clone, Copy, Debug)]
pub struct Latch {
    on_delay: Duration,
    off_delay: Duration,
    active: bool,
    /// Since when the answer has been against the present state.
    against: Option<Mono>,
}

impl Latch {
    /// Not active.
    #[must_use]
    pub fn new(on_delay: Duration, off_delay: Duration) -> Self {
        Self { on_delay, off_delay, active: false, against: None }
    }

    /// Whether the condition counts now.
    #[must_use]
    pub fn active(&self) -> bool {
        self.active
    }

    /// Takes the state from the record, after a restart.
    pub fn restore(&mut self, active: bool) {
        self.active = active;
        self.against = None;
    }

    /// Takes an answer.
    pub fn step(&mut self, answer: Answer, now: Mono) -> Option<Edge> {
        let against = match answer {
            Answer::Holds => !self.active,
            Answer::Clear => self.active,
            Answer::Within => false,
            Answer::Unknown => {
                // A delay counts known time only, and without a gap.
                self.against = None;
                return None;
            }
        };
        if !against {
            self.against = None;
            return None;
        }
        let since = *self.against.get_or_insert(now);
        let delay = if self.active { self.off_delay } else { self.on_delay };
        if now.since(since) < delay {
            return None;
        }
        self.against = None;
        self.active = !self.active;
        Some(if self.active { Edge::Raised } else { Edge::Returned })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: u64 = 1_000_000_000;

    fn latch() -> Latch {
        Latch::new(Duration::from_secs(3), Duration::from_secs(10))
    }

    #[test]
    fn raises_after_the_on_delay_and_returns_after_the_off_delay() {
        let mut l = latch();
        assert_eq!(l.step(Answer::Holds, Mono(0)), None);
        assert_eq!(l.step(Answer::Holds, Mono(3 * S - 1)), None);
        assert_eq!(l.step(Answer::Holds, Mono(3 * S)), Some(Edge::Raised));
        assert_eq!(l.step(Answer::Clear, Mono(4 * S)), None);
        assert_eq!(l.step(Answer::Within, Mono(5 * S)), None, "the deadband starts the off-delay over");
        assert_eq!(l.step(Answer::Clear, Mono(14 * S)), None);
        assert_eq!(l.step(Answer::Clear, Mono(24 * S)), Some(Edge::Returned));
    }

    #[test]
    fn a_short_peak_is_no_alarm_and_unknown_changes_nothing() {
        let mut l = latch();
        l.step(Answer::Holds, Mono(0));
        l.step(Answer::Clear, Mono(2 * S));
        assert_eq!(l.step(Answer::Holds, Mono(3 * S)), None);
        assert_eq!(l.step(Answer::Unknown, Mono(5 * S)), None);
        assert_eq!(l.step(Answer::Holds, Mono(7 * S)), None, "the delay starts over after unknown");
        l.restore(true);
        for i in 0..100 {
            assert_eq!(l.step(Answer::Unknown, Mono(i * S)), None);
        }
        assert!(l.active());
    }

    proptest! {
        /// Edges alternate, and each comes only after its delay of uninterrupted known time.
        #[test]
        fn edges_alternate(answers in proptest::collection::vec((0..4u8, 0..4000u64), 0..200)) {
            let mut l = latch();
            let (mut t, mut active) = (0, false);
            for (a, dt) in answers {
                t += dt * 1_000_000;
                let a = [Answer::Holds, Answer::Within, Answer::Clear, Answer::Unknown][usize::from(a)];
                match l.step(a, Mono(t)) {
                    Some(Edge::Raised) => { prop_assert!(!active && a == Answer::Holds); active = true; }
                    Some(Edge::Returned) => { prop_assert!(active && a == Answer::Clear); active = false; }
                    None => {}
                }
                prop_assert_eq!(l.active(), active);
            }
        }
    }
}
