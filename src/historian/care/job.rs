//! Carries a job out: one at a time over all nodes, never waiting long for a lock, watched, and stopped on request.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use super::plan::{Plan, Step, drop, figures, plan};
use super::server::{CareError, Server, words};
use super::sql;
use crate::base::clock::Clock;
use crate::base::text::{age, bytes};
use crate::historian::link::{Moving, end_text};
use crate::historian::target::Target;
use crate::model::database::{CareFigures, CareJob, CareRecord, JobBoard};

/// Whoever holds this lock is the one that looks after the database (`vms_care`).
const LOCK: i64 = 0x766d_735f_6361_7265;

/// Jobs may take hours, but wait for nobody for long: whoever queues for a lock has others queue behind. A job whose program
/// has gone is ended by the server itself (from version 14 on).
const WORKING: &str = "set statement_timeout = 0; set lock_timeout = '5s'; set client_min_messages = error";
const REINDEXING: &str = "set lock_timeout = '30s'";
const CLEARING: &str = "set lock_timeout = '2s'";
const LEAVE_WITH_US: &str = "set client_connection_check_interval = '2s'";

/// How often the progress is read.
const PROGRESS_EVERY: Duration = Duration::from_millis(300);
/// After so many questions without an answer the server is given up.
const SILENT: u32 = 2;

/// Tells how far a job is.
pub(super) type Tell<'t> = &'t mut (dyn FnMut(JobBoard) + Send);

/// A job and for whom.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) job: CareJob,
    pub(super) table: Option<Arc<str>>,
    pub(super) who: Arc<str>,
}

/// How a step ended.
enum Ended {
    Well,
    /// This step could not be done; the next ones may be.
    Skipped(String),
    /// It makes no sense to go on.
    Over(String),
}

/// Carries the job out. `stop` ends it between or within its steps.
pub(super) async fn carry_out(
    target: &Target,
    watch: &Target,
    order: &Order,
    clock: &dyn Clock,
    stop: impl Future<Output = ()> + Send,
    tell: Tell<'_>,
) -> Result<CareRecord, CareError> {
    let mut server = Server::open(target, WORKING).await?;
    // Versions before 14 do not know this setting.
    let _ = server.ask(async |c| c.batch_execute(LEAVE_WITH_US).await).await?;
    alone(&mut server).await?;
    if order.job == CareJob::Reindex {
        server.ask(async |c| c.batch_execute(REINDEXING).await).await?.map_err(|e| CareError::of(&e))?;
    }
    let plan = server.ask(async |c| plan(c, order.job, order.table.as_deref()).await).await??;
    let mut work = Work {
        pid: server.ask(async |c| pid(c).await).await?.map_err(|e| CareError::of(&e))?,
        server,
        watcher: Server::open(watch, super::server::LOOKING).await.ok(),
        watch,
        silent: 0,
        stopped: false,
    };
    let since = clock.now();
    let mut stop = std::pin::pin!(stop);
    let (mut skipped, mut over) = (Vec::new(), None);
    let total = plan.steps.len() as u32;
    for (i, step) in plan.steps.iter().enumerate() {
        let mut board = JobBoard {
            job: order.job,
            table: order.table.clone(),
            who: Arc::clone(&order.who),
            since,
            at: Arc::clone(&step.what),
            phase: "starting".into(),
            percent: None,
            step: (i as u32 + 1, total),
        };
        tell(board.clone());
        match work
            .step(step, stop.as_mut(), &mut |phase, percent| {
                (board.phase, board.percent) = (phase, percent);
                tell(board.clone());
            })
            .await
        {
            Ended::Well => {}
            Ended::Skipped(why) => skipped.push(format!("{}: {why}", step.what)),
            Ended::Over(why) => {
                over = Some(format!("{}: {why}", step.what));
                break;
            }
        }
    }
    let after = match work.server.ask(async |c| figures(c, &plan.tables).await).await {
        Ok(Ok(f)) => Some(f),
        _ => None,
    };
    let seconds = clock.now().mono.secs_since(since.mono);
    let passed = skipped.is_empty() && over.is_none();
    let text = result(&plan, after, seconds, &skipped, over.as_deref());
    Ok(CareRecord {
        job: order.job,
        table: order.table.clone(),
        who: Arc::clone(&order.who),
        passed,
        text: text.into(),
        seconds: (seconds * 10.0).round() / 10.0,
        before: Some(plan.figures),
        after,
    })
}

/// Takes the lock that only one job over all nodes can hold.
async fn alone(server: &mut Server) -> Result<(), CareError> {
    let got =
        server.ask(async |c| c.query_one("select /* vms care */ pg_try_advisory_lock($1)", &[&LOCK]).await).await?;
    if got.and_then(|r| r.try_get::<_, bool>(0)).map_err(|e| CareError::of(&e))? {
        return Ok(());
    }
    Err(CareError::Busy(
        "another job looks after this database just now, from here or from another node; wait until it is over, or see \
         `vms db slow`"
            .into(),
    ))
}

async fn pid(client: &Client) -> Result<i32, Error> {
    client.query_one("select /* vms care */ pg_backend_pid()", &[]).await?.try_get(0)
}

/// The connections of a job.
struct Work<'t> {
    server: Server,
    /// Sees the progress and stops the job; none while it is lost.
    watcher: Option<Server>,
    watch: &'t Target,
    /// Process of the job on the server.
    pid: i32,
    /// Questions of the watcher without an answer, in a row.
    silent: u32,
    stopped: bool,
}

/// What to do next about a running step.
enum Next {
    Done(Result<(), Error>),
    Broken(String),
    Look,
    Stop,
}

impl Work<'_> {
    async fn step<S: Future<Output = ()>>(
        &mut self,
        step: &Step,
        mut stop: std::pin::Pin<&mut S>,
        tell: &mut (dyn FnMut(Arc<str>, Option<f64>) + Send),
    ) -> Ended {
        if self.stopped {
            return Ended::Over("stopped before it began".into());
        }
        let done = match self.run(step, stop.as_mut(), tell).await {
            Ok(done) => done,
            Err(why) => return Ended::Over(why),
        };
        match done {
            Ok(()) => Ended::Well,
            Err(e) => self.failed(&e, step).await,
        }
    }

    /// Sends the step and watches it; an error is one of the connection.
    async fn run<S: Future<Output = ()>>(
        &mut self,
        step: &Step,
        mut stop: std::pin::Pin<&mut S>,
        tell: &mut (dyn FnMut(Arc<str>, Option<f64>) + Send),
    ) -> Result<Result<(), Error>, String> {
        let Self { server, watcher, watch, pid, silent, stopped } = self;
        let (client, moving): (&Client, &mut Moving) = server.parts();
        let mut work = std::pin::pin!(client.batch_execute(&step.sql));
        loop {
            let next = tokio::select! {
                biased;
                done = &mut work => Next::Done(done),
                end = &mut *moving => Next::Broken(end_text(end)),
                () = &mut stop, if !*stopped => Next::Stop,
                () = tokio::time::sleep(PROGRESS_EVERY) => Next::Look,
            };
            match next {
                Next::Done(done) => return Ok(done),
                Next::Broken(why) => {
                    return Err(format!("the connection was lost ({why}); what became of it is not known"));
                }
                Next::Stop => {
                    *stopped = true;
                    cancel(watcher, watch, *pid).await;
                }
                Next::Look => match progress(watcher, watch, *pid).await {
                    Ok(Some((phase, percent))) => {
                        *silent = 0;
                        tell(phase, percent);
                    }
                    Ok(None) => *silent = 0,
                    Err(_) => {
                        *silent += 1;
                        *watcher = None;
                        if *silent >= SILENT {
                            return Err("the server does not answer any more; what became of it is not known".into());
                        }
                    }
                },
            }
        }
    }

    async fn failed(&mut self, e: &Error, step: &Step) -> Ended {
        let why = match e.code() {
            Some(&SqlState::QUERY_CANCELED) if self.stopped => "stopped".to_owned(),
            Some(&SqlState::QUERY_CANCELED) => "cancelled by somebody on the server".to_owned(),
            Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                "somebody uses it, and waiting longer would hold up others; left as it is".to_owned()
            }
            _ => words(e),
        };
        let left = self.clear_leftover(step).await;
        match e.code() {
            None | Some(&SqlState::QUERY_CANCELED | &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN) => {
                Ended::Over(format!("{why}{left}"))
            }
            Some(_) => Ended::Skipped(format!("{why}{left}")),
        }
    }

    /// A rebuild that was broken off leaves an invalid index, for which every write pays: it goes at once if it can.
    async fn clear_leftover(&mut self, step: &Step) -> String {
        let Some(index) = step.sql.strip_prefix("reindex index concurrently ") else { return String::new() };
        let found = "select /* vms care */ quote_ident(n.nspname) || '.' || quote_ident(l.relname) \
             from pg_index x join pg_index o on o.indrelid = x.indrelid and o.indexrelid = $1::text::regclass \
             join pg_class l on l.oid = x.indexrelid join pg_class b on b.oid = o.indexrelid \
             join pg_namespace n on n.oid = l.relnamespace \
             where not x.indisvalid and l.relname ~ '_cc(new|old)[0-9]*$' and starts_with(l.relname, left(b.relname, 50))";
        let rows = self.server.ask(async |c| c.query(found, &[&index]).await).await;
        let Ok(Ok(rows)) = rows else { return String::new() };
        let mut text = String::new();
        // Whoever was in the way before may still be, and is not waited for twice.
        let _ = self.server.ask(async |c| c.batch_execute(CLEARING).await).await;
        for name in rows.iter().filter_map(|r| r.try_get::<_, String>(0).ok()) {
            let gone = self.server.ask(async |c| c.batch_execute(&drop(&name)).await).await;
            if !matches!(gone, Ok(Ok(()))) {
                let _ = write!(text, "; it left the invalid index {name}, which the next REINDEX removes");
            }
        }
        let _ = self.server.ask(async |c| c.batch_execute(REINDEXING).await).await;
        text
    }
}

/// The watcher, opened anew where it was lost.
async fn ready<'w>(watcher: &'w mut Option<Server>, watch: &Target) -> Result<&'w mut Server, CareError> {
    let server = match watcher.take() {
        Some(server) => server,
        None => Server::open(watch, super::server::LOOKING).await?,
    };
    Ok(watcher.insert(server))
}

async fn progress(
    watcher: &mut Option<Server>,
    watch: &Target,
    of: i32,
) -> Result<Option<(Arc<str>, Option<f64>)>, CareError> {
    let server = ready(watcher, watch).await?;
    let row = server.ask(async |c| c.query_opt(sql::PROGRESS, &[&of]).await).await?.map_err(|e| CareError::of(&e))?;
    let Some(r) = row else { return Ok(None) };
    let get = |e: Error| CareError::of(&e);
    let mut phase: String = r.try_get(0).map_err(get)?;
    if let Some(holder) = r.try_get::<_, Option<i32>>(2).map_err(get)? {
        let _ = write!(phase, " (process {holder})");
    }
    Ok(Some((phase.into(), r.try_get(1).map_err(get)?)))
}

async fn cancel(watcher: &mut Option<Server>, watch: &Target, pid: i32) {
    let Ok(server) = ready(watcher, watch).await else { return };
    let sent = server.ask(async |c| c.query("select /* vms care */ pg_cancel_backend($1)", &[&pid]).await).await;
    if !matches!(sent, Ok(Ok(_))) {
        tracing::warn!("the database job could not be told to stop");
    }
}

/// What came of it, in words: first whether it went well, then the figures.
fn result(plan: &Plan, after: Option<CareFigures>, seconds: f64, skipped: &[String], over: Option<&str>) -> String {
    let of = plan.table.as_ref().map_or_else(|| "all tables".to_owned(), ToString::to_string);
    let took = age(Duration::from_secs_f64(seconds.max(0.0)));
    let mut parts = Vec::new();
    parts.push(match over {
        Some(over) => format!("{} of {of} ended early after {took} at {over}", plan.job.title()),
        None => format!("{} of {of} in {took}", plan.job.title()),
    });
    if !skipped.is_empty() {
        parts.push(format!("not done: {}", skipped.join("; ")));
    }
    if let Some(a) = after {
        let b = plan.figures;
        parts.push(match plan.job {
            CareJob::Reindex => format!("indexes {} -> {}", bytes(b.index_bytes), bytes(a.index_bytes)),
            _ => format!(
                "dead rows {} -> {}, size {} -> {}",
                b.dead_rows,
                a.dead_rows,
                bytes(b.size_bytes),
                bytes(a.size_bytes)
            ),
        });
    }
    if !plan.leftovers.is_empty() && over.is_none() {
        parts.push(format!("{} leavings of interrupted runs removed", plan.leftovers.len()));
    }
    if !plan.foreign.is_empty() {
        parts.push(format!("{} tables of other roles left alone", plan.foreign.len()));
    }
    parts.join("; ")
}
