//! The threads of the program by name, and their orderly end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tracing::error;

use crate::base::clock::Clock;
use crate::base::shutdown::Shutdown;

/// A thread and its name.
type Named = (String, JoinHandle<()>);

/// Every thread that was started.
#[derive(Clone, Default)]
pub struct Threads {
    list: Arc<Mutex<Vec<Named>>>,
}

impl Threads {
    /// Starts a thread. Should it end by a fault of ours, the log tells; the rest of the program goes on.
    pub fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) {
        self.spawn_or(name, work, || {});
    }

    /// Starts a thread whose fault must not be survived by the program: then the end is asked for.
    pub fn spawn_vital(&self, name: &str, shutdown: &Shutdown, work: impl FnOnce() + Send + 'static) {
        let shutdown = shutdown.clone();
        self.spawn_or(name, work, move || shutdown.ask());
    }

    fn spawn_or(&self, name: &str, work: impl FnOnce() + Send + 'static, fault: impl FnOnce() + Send + 'static) {
        let own = name.to_owned();
        let made = Builder::new().name(name.to_owned()).spawn(move || {
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                error!(thread = own, "a thread ended by a fault of the program; see the lines before this one");
                fault();
            }
        });
        match made {
            Ok(handle) => {
                self.list.lock().unwrap_or_else(PoisonError::into_inner).push((name.to_owned(), handle));
            }
            Err(e) => error!(thread = name, "cannot start a thread: {e}"),
        }
    }

    /// Waits for the threads whose names `which` accepts until the time is over; the names of those that still run.
    pub fn join(&self, which: impl Fn(&str) -> bool, within: Duration, clock: &dyn Clock) -> Vec<String> {
        let until = clock.now().mono.after(within);
        let idle = Shutdown::new();
        loop {
            let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
            list.retain(|(_, h)| !h.is_finished());
            let left: Vec<String> = list.iter().filter(|(n, _)| which(n)).map(|(n, _)| n.clone()).collect();
            drop(list);
            if left.is_empty() || clock.now().mono >= until {
                return left;
            }
            let _ = idle.wait_for(Duration::from_millis(10));
        }
    }
}
