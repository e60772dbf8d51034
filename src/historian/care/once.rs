//! The same for commands: one look, one job, one cancelled query, with or without a running engine.

use std::sync::Arc;

use jiff::Timestamp;

use super::job::{Order, carry_out};
use super::look::{Memory, look};
use super::plan::{Plan, plan};
use super::server::{CareError, LOOKING, Server};
use crate::base::clock::SystemClock;
use crate::config::sections::Historian;
use crate::historian::target::Target;
use crate::model::database::{CareJob, CareRecord, DatabaseReport, JOB_APPLICATION, JobBoard, Session};

fn target(cfg: &Historian, name: &str) -> Result<Target, CareError> {
    Target::new(cfg).map(|t| t.named(name)).map_err(CareError::Away)
}

/// Looks once.
///
/// # Errors
/// The server cannot be reached, or does not answer in time.
pub async fn look_once(cfg: &Historian) -> Result<DatabaseReport, CareError> {
    let target = target(cfg, "vms watch")?;
    let mut server = Server::open(&target, LOOKING).await?;
    let clock = SystemClock::new();
    let mut memory = Memory::default();
    server.ask(async |c| look(c, &mut memory, &clock).await).await?.map_err(|e| CareError::of(&e))
}

/// What a job would do.
///
/// # Errors
/// The server cannot be reached, there is no such table, or the role may not do it.
pub async fn plan_once(cfg: &Historian, job: CareJob, table: Option<&str>) -> Result<Plan, CareError> {
    let mut server = Server::open(&target(cfg, "vms watch")?, LOOKING).await?;
    server.ask(async |c| plan(c, job, table).await).await?
}

/// Carries a job out; `stop` ends it, `tell` hears how far it is.
///
/// # Errors
/// It could not begin. How it ended is in the record.
pub async fn maintain(
    cfg: &Historian,
    job: CareJob,
    table: Option<Arc<str>>,
    who: Arc<str>,
    stop: impl Future<Output = ()> + Send,
    tell: &mut (dyn FnMut(JobBoard) + Send),
) -> Result<CareRecord, CareError> {
    let (work, watch) = (target(cfg, JOB_APPLICATION)?, target(cfg, "vms watch")?);
    carry_out(&work, &watch, &Order { job, table, who }, &SystemClock::new(), stop, tell).await
}

/// What this process is doing; none where it is idle or not there.
///
/// # Errors
/// The server cannot be reached.
pub async fn find(cfg: &Historian, pid: i32) -> Result<Option<Session>, CareError> {
    super::cancel::find(&mut Server::open(&target(cfg, "vms watch")?, LOOKING).await?, pid).await
}

/// Cancels what this connection is doing, or ends the connection.
///
/// # Errors
/// Why it was not done.
pub async fn cancel(
    cfg: &Historian,
    pid: i32,
    began: Option<Timestamp>,
    end: bool,
    who: &Arc<str>,
) -> Result<CareRecord, CareError> {
    super::cancel::cancel(&target(cfg, "vms watch")?, pid, began, end, who).await
}
