//! Looks at PINs, on a thread of its own: a hash takes tens of milliseconds on purpose, and the decider never waits. Watches
//! the file of people as well: `vms user` may change it while the engine runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use tracing::{error, info, warn};

use super::threads::Threads;
use crate::access::{self, FILE_NAME, People, Throttle};
use crate::base::clock::Clock;
use crate::base::shutdown::Shutdown;
use crate::base::text::age;
use crate::engine::{Input, Intake, Verified};
use crate::model::intent::{Pin, Reply, ToSign};
use crate::model::people::Person;

/// PINs that may wait.
const QUEUE: usize = 8;
/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// A PIN to be looked at.
pub(super) struct Asked {
    pub(super) person: Arc<str>,
    pub(super) pin: Pin,
    pub(super) what: ToSign,
    pub(super) reply: Option<SyncSender<Reply>>,
}

/// Starts the thread.
pub(super) fn start(
    threads: &Threads,
    data: PathBuf,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    intake: Intake,
) -> SyncSender<Asked> {
    let (tx, rx) = sync_channel(QUEUE);
    threads.spawn("access", move || {
        let throttle = Throttle::load(&data, clock.now());
        let mut gate = Gate { data, clock, intake, throttle, seen: None };
        gate.seen = gate.changed();
        gate.run(&rx, &shutdown);
    });
    tx
}

struct Gate {
    data: PathBuf,
    clock: Arc<dyn Clock>,
    intake: Intake,
    throttle: Throttle,
    seen: Option<(SystemTime, u64)>,
}

impl Gate {
    fn run(&mut self, rx: &Receiver<Asked>, shutdown: &Shutdown) {
        while !shutdown.asked() {
            match rx.recv_timeout(LOOK) {
                Ok(asked) => {
                    let person = self.verify(&asked);
                    self.intake.push(Input::Verified(Box::new(Verified {
                        person,
                        what: asked.what,
                        reply: asked.reply,
                    })));
                }
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Tells the decider when the people have changed.
    fn look(&mut self) {
        let now = self.changed();
        if now == self.seen {
            return;
        }
        self.seen = now;
        match access::everybody(&self.data) {
            Ok(people) => {
                info!(people = people.len(), "the people who can sign have changed");
                self.intake.push(Input::People(people));
            }
            Err(e) => error!("{e}; those known so far can still be named, but nobody can sign"),
        }
    }

    fn changed(&self) -> Option<(SystemTime, u64)> {
        let meta = std::fs::metadata(self.data.join(FILE_NAME)).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    }

    /// A restart is to find the wrong PINs again.
    fn keep(&self) {
        if let Err(e) = self.throttle.store(&self.data, self.clock.now()) {
            warn!("wrong PINs are not remembered over a restart: {e}");
        }
    }

    fn verify(&mut self, asked: &Asked) -> Result<Person, String> {
        let id = &*asked.person;
        if let Some(wait) = self.throttle.wait(id, self.clock.now().mono) {
            return Err(format!("too many wrong PINs for {id}: wait {} and try again", age(wait)));
        }
        let people = People::load(&self.data).map_err(|e| e.to_string())?;
        let known = people.list();
        if known.is_empty() {
            return Err("nobody is enrolled; enrol people with `vms user add`".into());
        }
        if known.iter().any(|p| *p.id == *id && !p.pin) {
            return Err(format!("{id} has no PIN yet; set one with `vms user pin {id}`"));
        }
        let person = people.verify(id, &asked.pin.0);
        let now = self.clock.now().mono;
        if let Some(person) = person {
            if self.throttle.remembers(id) {
                self.throttle.right(id);
                self.keep();
            }
            Ok(person)
        } else {
            self.throttle.wrong(id, now);
            self.keep();
            warn!(person = id, "a wrong PIN");
            Err(match self.throttle.wait(id, now) {
                Some(wait) => format!("that is not the PIN of {id}; the next try counts in {}", age(wait)),
                None => format!("that is not the PIN of {id}; try again"),
            })
        }
    }
}
