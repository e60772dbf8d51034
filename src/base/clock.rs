//! Time as the program sees it: a wall clock for people and a monotonic clock for intervals.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Monotonic time in nanoseconds since the clock was made; never goes back, never jumps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub u64);

impl Mono {
    /// Time passed since `earlier`; zero if `earlier` lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Seconds passed since `earlier`; zero if `earlier` lies in the future.
    #[must_use]
    pub fn secs_since(self, earlier: Self) -> f64 {
        self.since(earlier).as_secs_f64()
    }

    /// This moment moved on by `d`.
    #[must_use]
    pub fn after(self, d: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// One moment on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Wall time, for people and records. May jump when the host's clock is set.
    pub wall: Timestamp,
    /// Monotonic time, for every interval the program computes.
    pub mono: Mono,
}

impl Default for Now {
    fn default() -> Self {
        Self { wall: Timestamp::UNIX_EPOCH, mono: Mono(0) }
    }
}

/// Source of time; injected everywhere, so that tests need not wait.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Now;
}

/// The host's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts at zero now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let ns = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Now { wall: Timestamp::now(), mono: Mono(ns) }
    }
}

/// The moment by which tasks pace their I/O (deadlines, silent gaps); only for waiting, never for what is recorded.
#[must_use]
pub fn pace() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// A clock that moves only when told to, for tests and simulations.
#[derive(Debug)]
pub struct SimClock {
    now: Mutex<Now>,
}

impl SimClock {
    /// Starts at the given wall time with monotonic time zero.
    #[must_use]
    pub fn new(wall: Timestamp) -> Self {
        Self { now: Mutex::new(Now { wall, mono: Mono(0) }) }
    }

    /// Moves both clocks on by `d`.
    pub fn advance(&self, d: Duration) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        now.mono = now.mono.after(d);
        now.wall = now.wall.checked_add(d).unwrap_or(now.wall);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Now {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulated_time_moves_only_when_told() {
        let c = SimClock::new(Timestamp::UNIX_EPOCH);
        let a = c.now();
        assert_eq!(a, c.now());
        c.advance(Duration::from_millis(1500));
        let b = c.now();
        assert_eq!(b.mono.since(a.mono), Duration::from_millis(1500));
        assert_eq!(b.wall.as_millisecond(), 1500);
        assert_eq!(a.mono.since(b.mono), Duration::ZERO);
    }
}
