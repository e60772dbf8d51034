//! One flag that tells every thread and task to end.

use std::sync::Arc;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Cloned into every thread and task; once asked for, it stays asked for.
///
/// Threads poll [`Shutdown::asked`] or sleep in [`Shutdown::wait_for`]; tasks await [`Shutdown::recv`].
#[derive(Clone, Debug)]
pub struct Shutdown {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    asked: Mutex<bool>,
    wake: Condvar,
    tx: watch::Sender<bool>,
}

impl Shutdown {
    /// Not asked for yet.
    #[must_use]
    pub fn new() -> Self {
        let (tx, _) = watch::channel(false);
        Self { inner: Arc::new(Inner { asked: Mutex::new(false), wake: Condvar::new(), tx }) }
    }

    /// Asks everyone to end.
    pub fn ask(&self) {
        *self.inner.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.inner.wake.notify_all();
        self.inner.tx.send_replace(true);
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn asked(&self) -> bool {
        *self.inner.tx.borrow()
    }

    /// Sleeps for `d` or until the end is asked for; true if it was. For threads, not tasks.
    #[must_use]
    pub fn wait_for(&self, d: Duration) -> bool {
        let guard = self.inner.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, _) =
            self.inner.wake.wait_timeout_while(guard, d, |asked| !*asked).unwrap_or_else(PoisonError::into_inner);
        *guard
    }

    /// Completes when the end is asked for. Cancel-safe.
    pub async fn recv(&self) {
        let mut rx = self.inner.tx.subscribe();
        // The sender lives in self, so waiting can only end by the value.
        let _ = rx.wait_for(|asked| *asked).await;
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakes_a_waiting_thread() {
        let s = Shutdown::new();
        assert!(!s.wait_for(Duration::ZERO));
        let t = {
            let s = s.clone();
            std::thread::spawn(move || s.wait_for(Duration::from_mins(1)))
        };
        s.ask();
        assert!(t.join().expect("thread ends"));
        assert!(s.asked());
    }
}
