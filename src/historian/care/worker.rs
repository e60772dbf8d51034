//! Takes wishes and the timetable, and does one job at a time.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio::sync::mpsc::Receiver;

use super::job::{Order, carry_out};
use super::server::CareError;
use super::{Asked, CareOut, Settings, Sink, cancel};
use crate::base::clock::Clock;
use crate::base::shutdown::Shutdown;
use crate::historian::target::Target;
use crate::model::database::{CareJob, CareRecord, DatabaseWish};
use crate::model::timetable::{Done, Timetable};

/// How often the timetable is looked at.
const TICK: Duration = Duration::from_secs(30);
/// What failed by the timetable is tried again after this.
const RETRY: SignedDuration = SignedDuration::from_hours(6);
/// What was missed while nothing ran is caught up this long after the start.
const FIRST: Duration = Duration::from_secs(3);
/// While another node is at it, or the server is away, the timetable waits this long.
const LATER: Duration = Duration::from_mins(5);
/// Jobs of the timetable are done under this name.
const PROGRAM: &str = "vms";

/// Does what is wished or due, until the end is asked for.
pub(super) async fn run(
    settings: Settings,
    targets: (&Target, &Target),
    clock: &Arc<dyn Clock>,
    shutdown: &Shutdown,
    mut asked: Receiver<Asked>,
    sink: &Sink,
) {
    let mut worker = Worker { settings, targets, clock, shutdown, sink, not_before: None };
    worker.tell_plan();
    let mut tick = FIRST;
    loop {
        let order = tokio::select! {
            wish = asked.recv() => {
                // Nobody can ask any more: the engine is ending.
                let Some(a) = wish else { return shutdown.recv().await };
                worker.order(a).await
            }
            () = tokio::time::sleep(tick) => {
                tick = TICK;
                worker.due()
            }
            () = shutdown.recv() => return,
        };
        if let Some(order) = order {
            worker.job(order, &mut asked).await;
            worker.tell_plan();
        }
        if shutdown.asked() {
            return;
        }
    }
}

struct Worker<'a> {
    settings: Settings,
    /// For jobs, and for looking.
    targets: (&'a Target, &'a Target),
    clock: &'a Arc<dyn Clock>,
    shutdown: &'a Shutdown,
    sink: &'a Sink,
    /// The timetable waits until then.
    not_before: Option<crate::base::clock::Mono>,
}

impl Worker<'_> {
    fn timetables(&self) -> [(CareJob, Timetable); 2] {
        [(CareJob::Vacuum, self.settings.cfg.vacuum), (CareJob::Reindex, self.settings.cfg.reindex)]
    }

    fn tell_plan(&self) {
        let now = self.clock.now().wall;
        let next = |(job, t): (CareJob, Timetable)| (job, t.next(&self.settings.zone, now));
        (self.sink)(CareOut::Planned(self.timetables().map(next).to_vec()));
    }

    fn last(&self, job: CareJob) -> Option<Done> {
        self.settings.last.iter().find(|(j, _)| *j == job).map(|(_, d)| *d)
    }

    /// The job that the timetable wants now.
    fn due(&self) -> Option<Order> {
        let now = self.clock.now();
        if self.not_before.is_some_and(|t| now.mono < t) {
            return None;
        }
        let due = |(job, t): &(CareJob, Timetable)| {
            t.due(&self.settings.zone, self.last(*job), self.settings.since, RETRY, now.wall)
        };
        let (job, _) = self.timetables().into_iter().find(due)?;
        Some(Order { job, table: None, who: PROGRAM.into() })
    }

    /// A wish: done at once, or an order for a job.
    async fn order(&self, a: Asked) -> Option<Order> {
        match a.wish {
            DatabaseWish::Vacuum(table) => Some(Order { job: CareJob::Vacuum, table, who: a.who }),
            DatabaseWish::Reindex(table) => Some(Order { job: CareJob::Reindex, table, who: a.who }),
            DatabaseWish::Cancel { pid, began, end } => {
                let done = cancel::cancel(self.targets.1, pid, began, end, &a.who).await;
                self.done(done.unwrap_or_else(|e| refused(CareJob::Cancel, None, &a.who, &e)));
                None
            }
            DatabaseWish::StopJob => None,
        }
    }

    fn done(&self, mut record: CareRecord) {
        record.text = self.targets.0.hide(record.text.to_string()).into();
        (self.sink)(CareOut::Done(record));
    }

    async fn job(&mut self, order: Order, asked: &mut Receiver<Asked>) {
        let by_timetable = &*order.who == PROGRAM;
        let stop = Notify::new();
        let sink = Arc::clone(self.sink);
        let mut tell = move |board| {
            sink(CareOut::Job(Some(board)));
        };
        let ended = {
            let stopped = async {
                tokio::select! {
                    () = stop.notified() => {}
                    () = self.shutdown.recv() => {}
                }
            };
            let mut job =
                std::pin::pin!(carry_out(self.targets.0, self.targets.1, &order, &**self.clock, stopped, &mut tell));
            loop {
                tokio::select! {
                    ended = &mut job => break ended,
                    Some(a) = asked.recv() => self.meanwhile(a, &stop).await,
                }
            }
        };
        (self.sink)(CareOut::Job(None));
        let now = self.clock.now();
        match ended {
            Ok(record) => {
                self.remember(&order, record.passed);
                self.done(record);
            }
            // The timetable's turn is not over: somebody else is at it, or the server will come back.
            Err(CareError::Busy(_) | CareError::Away(_)) if by_timetable => {
                self.not_before = Some(now.mono.after(LATER));
            }
            Err(e) => {
                if by_timetable {
                    self.remember(&order, false);
                }
                self.done(refused(order.job, order.table, &order.who, &e));
            }
        }
    }

    /// Only a run over all tables counts for the timetable.
    fn remember(&mut self, order: &Order, passed: bool) {
        if order.table.is_none() {
            self.settings.last.retain(|(j, _)| *j != order.job);
            self.settings.last.push((order.job, Done { at: self.clock.now().wall, passed }));
        }
    }

    /// What is wished while a job runs.
    async fn meanwhile(&self, a: Asked, stop: &Notify) {
        match a.wish {
            DatabaseWish::StopJob => stop.notify_one(),
            DatabaseWish::Cancel { .. } => {
                self.order(a).await;
            }
            DatabaseWish::Vacuum(table) => self.done(refused(CareJob::Vacuum, table, &a.who, &running())),
            DatabaseWish::Reindex(table) => self.done(refused(CareJob::Reindex, table, &a.who, &running())),
        }
    }
}

fn running() -> CareError {
    CareError::Busy("another job is running; stop it or wait until it is over".into())
}

/// The record of what was not done.
fn refused(job: CareJob, table: Option<Arc<str>>, who: &Arc<str>, why: &CareError) -> CareRecord {
    let text = format!("{} not done: {why}", job.title());
    CareRecord {
        job,
        table,
        who: Arc::clone(who),
        passed: false,
        text: text.into(),
        seconds: 0.0,
        before: None,
        after: None,
    }
}
