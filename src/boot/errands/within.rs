//! How long an errand may go on: its deadline, and whether the person who asked has left.

use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::{Clock, Mono, Now};
use crate::base::shutdown::Shutdown;

/// Pause between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(200);
/// What is left for the answer itself when the time is nearly over.
const RESERVE: Duration = Duration::from_millis(500);

/// The time that an errand has.
pub struct Within<'a> {
    clock: Arc<dyn Clock>,
    until: Mono,
    cancelled: &'a dyn Fn() -> bool,
}

impl<'a> Within<'a> {
    /// From now on so long.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, length: Duration, cancelled: &'a dyn Fn() -> bool) -> Self {
        let until = clock.now().mono.after(length.saturating_sub(RESERVE));
        Self { clock, until, cancelled }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// What is left.
    #[must_use]
    pub fn left(&self) -> Duration {
        if (self.cancelled)() { Duration::ZERO } else { self.until.since(self.clock.now().mono) }
    }

    /// Whether it is to end now.
    #[must_use]
    pub fn over(&self) -> bool {
        self.left().is_zero()
    }

    /// Why it ended early, in words.
    #[must_use]
    pub fn why(&self) -> &'static str {
        if (self.cancelled)() { "stopped before it was through" } else { "its time was over before it was through" }
    }

    /// Looks again and again until there is something; none when the time, at most `length`, is over.
    pub fn wait<T>(&self, length: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let until = self.clock.now().mono.after(length.min(self.left()));
        let idle = Shutdown::new();
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            if self.over() || self.clock.now().mono >= until {
                return None;
            }
            let _ = idle.wait_for(LOOK);
        }
    }
}
