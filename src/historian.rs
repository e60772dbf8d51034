//! PostgreSQL: the journal's rows sent on, each once; whether it answers and how fast; its schema; and the care for it.

pub mod ahead;
pub mod care;
mod encode;
pub mod forward;
mod link;
mod partitions;
pub mod past;
mod pump;
mod rows;
pub mod schema;
mod seat;
mod target;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use crate::base::backoff::Backoff;
use crate::base::clock::{Clock, Now, SystemClock};
use crate::base::shutdown::Shutdown;
use crate::base::text::{bytes, sig3};
use crate::config::sections::Historian;
use crate::model::board::{HistorianBoard, HistorianState};
use link::{Link, Measured};
use target::Target;

/// Time from measurement to measurement.
const EVERY: Duration = Duration::from_secs(5);

/// First and longest pause before a lost server is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// Where reports go; false when one was not taken. The next one comes within seconds, so nothing is kept for later.
pub type Sink = Box<dyn Fn(HistorianBoard) -> bool + Send>;

/// Watches the server until the end is asked for: connects, measures a small real query every five seconds, and
/// connects again, with growing pauses, when it is refused, cut off or not answered in time.
pub async fn run(cfg: Historian, clock: Arc<dyn Clock>, shutdown: Shutdown, sink: Sink) {
    let mut watch = Watch { clock, sink, shutdown, said: None };
    watch.tell(HistorianState::Connecting, None, None);
    let target = match Target::new(&cfg) {
        Ok(target) => target,
        Err(text) => {
            // Nothing but a new configuration can help, so there is nothing to try again.
            watch.tell(HistorianState::Lost, None, Some(text));
            watch.shutdown.recv().await;
            return;
        }
    };
    let mut backoff = Backoff::new(PAUSES.0, PAUSES.1);
    while !watch.shutdown.asked() {
        let text = watch.session(&target, &mut backoff).await;
        if watch.shutdown.asked() {
            return;
        }
        watch.log_lost(&target, &text);
        watch.tell(HistorianState::Lost, None, Some(text));
        if watch.pause(backoff.pause()).await {
            return;
        }
    }
}

/// Brings the schema up to date now, for `vms db migrate`: from which version to which.
///
/// # Errors
/// In words; secrets never appear.
pub async fn migrate(cfg: Historian) -> Result<schema::Migrated, String> {
    let target = Target::new(&cfg)?;
    let (mut client, connection) = link::open(&target).await?;
    tokio::select! {
        done = schema::ready(&mut client) => done.map_err(|e| target.hide(e)),
        end = connection => Err(target.hide(link::end_text(end))),
    }
}

/// One look at the server, for `vms check`: what it answered.
///
/// # Errors
/// Why it is not usable and what to do, in words; secrets never appear.
pub async fn probe(cfg: Historian) -> Result<String, String> {
    let target = Target::new(&cfg)?;
    let mut link = Link::open(&target).await?;
    let measured = link.measure(&SystemClock::new()).await.map_err(|e| target.hide(e))?;
    let size = measured.size_bytes.map_or_else(|| "–".into(), bytes);
    let ms = sig3(Some(measured.response_ms));
    Ok(format!("{} at {} answers in {ms} ms; size {size}", measured.server, target.place()))
}

struct Watch {
    clock: Arc<dyn Clock>,
    sink: Sink,
    shutdown: Shutdown,
    /// Why the server was lost, as logged last; none while it is live.
    said: Option<String>,
}

impl Watch {
    /// A server may be away for days: the log tells of each reason once, not of each try.
    fn log_lost(&mut self, target: &Target, text: &str) {
        if self.said.as_deref() != Some(text) {
            tracing::warn!(database = %target.place(), "the database is lost: {text}");
            self.said = Some(text.to_owned());
        }
    }

    fn log_live(&mut self, target: &Target) {
        if self.said.take().is_some() {
            tracing::info!(database = %target.place(), "the database answers again");
        }
    }

    fn tell(&mut self, state: HistorianState, measured: Option<Measured>, text: Option<String>) {
        let now: Now = self.clock.now();
        let taken = (self.sink)(HistorianBoard {
            state,
            response_ms: measured.as_ref().map(|m| m.response_ms),
            size_bytes: measured.as_ref().and_then(|m| m.size_bytes),
            server: measured.map(|m| m.server.into()),
            text: text.map(Into::into),
            at: Some(now),
        });
        if !taken {
            tracing::debug!("a report on the database was not taken");
        }
    }

    /// From connecting to losing the server; says why it was lost.
    async fn session(&mut self, target: &Target, backoff: &mut Backoff) -> String {
        let mut link = tokio::select! {
            opened = Link::open(target) => match opened {
                Ok(link) => link,
                Err(text) => return text,
            },
            () = self.shutdown.recv() => return String::new(),
        };
        loop {
            let clock = Arc::clone(&self.clock);
            let measured = tokio::select! {
                measured = link.measure(&*clock) => measured,
                () = self.shutdown.recv() => return String::new(),
            };
            match measured {
                Ok(measured) => {
                    self.log_live(target);
                    self.tell(HistorianState::Live, Some(measured), None);
                }
                Err(text) => return target.hide(text),
            }
            backoff.reset();
            tokio::select! {
                text = link.closed() => return target.hide(text),
                stop = self.pause(EVERY) => if stop { return String::new() },
            }
        }
    }

    /// Waits; true if the end was asked for.
    async fn pause(&mut self, time: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(time) => false,
            () = self.shutdown.recv() => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_can_be_handed_to_another_thread() {
        fn sendable<T: Send>(_: &T) {}
        let cfg = Historian { url: "postgres://vms@127.0.0.1/x".into(), ..Historian::default() };
        sendable(&run(cfg.clone(), Arc::new(SystemClock::new()), Shutdown::new(), Box::new(|_| true)));
        sendable(&probe(cfg));
    }
}
