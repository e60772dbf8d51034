//! Cancels what a connection is doing, or ends it; never one that stores our own data.

use std::sync::Arc;

use jiff::Timestamp;
use tokio_postgres::error::SqlState;

use super::parts::session;
use super::server::{CareError, LOOKING, Server};
use super::sql;
use crate::historian::target::{Target, causes};
use crate::model::database::{CareJob, CareRecord, Session};

/// The connection of this process; none where it does nothing or is not there.
pub(super) async fn find(server: &mut Server, pid: i32) -> Result<Option<Session>, CareError> {
    let rows = server.ask(async |c| c.query(sql::SESSIONS, &[]).await).await?.map_err(|e| CareError::of(&e))?;
    for r in &rows {
        let s = session(r).map_err(|e| CareError::of(&e))?;
        if s.pid == pid {
            return Ok(Some(s));
        }
    }
    Ok(None)
}

/// Cancels; says what came of it.
pub(super) async fn cancel(
    target: &Target,
    pid: i32,
    began: Option<Timestamp>,
    end: bool,
    who: &Arc<str>,
) -> Result<CareRecord, CareError> {
    let mut server = Server::open(target, LOOKING).await?;
    let found = find(&mut server, pid).await?;
    if found.as_ref().is_some_and(|s| s.began.is_none()) {
        return Err(CareError::NotAllowed(format!(
            "not allowed: this role does not see what process {pid} does; as a superuser: GRANT pg_monitor, \
             pg_signal_backend TO the role of historian.url"
        )));
    }
    let Some(s) = found.filter(|s| began.is_none() || s.began == began) else {
        return Err(CareError::Failed(format!("process {pid} does nothing any more; nothing was cancelled")));
    };
    if !s.cancellable() {
        return Err(CareError::NotAllowed(format!(
            "process {pid} is vms itself ({}), which stores what is measured; it is not cancelled",
            s.application
        )));
    }
    if !end && s.idle_in_transaction() {
        return Err(CareError::Failed(format!(
            "process {pid} stands idle in a transaction: there is no query to cancel, only its connection can be ended"
        )));
    }
    let function = if end { "pg_terminate_backend" } else { "pg_cancel_backend" };
    // Between looking and acting the process may have become another one: the server compares once more.
    let query =
        format!("select /* vms care */ {function}(pid) from pg_stat_activity where pid = $1 and backend_start = $2");
    let sent = server.ask(async |c| c.query_opt(&query, &[&pid, &s.began]).await).await?;
    let sent = sent.map_err(|e| match e.code() {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => CareError::NotAllowed(format!(
            "not allowed ({}); as a superuser: GRANT pg_signal_backend TO the role of historian.url",
            causes(&e)
        )),
        _ => CareError::of(&e),
    })?;
    let passed = sent.and_then(|r| r.try_get::<_, bool>(0).ok()).unwrap_or(false);
    let what = if end { "the connection was ended" } else { "the query was told to stop" };
    let outcome = if passed { what } else { "the server could not signal it" };
    let text = format!("process {pid} ({}, {}): {outcome}: {}", s.role, s.application, s.query);
    Ok(CareRecord {
        job: CareJob::Cancel,
        table: None,
        who: Arc::clone(who),
        passed,
        text: text.into(),
        seconds: 0.0,
        before: None,
        after: None,
    })
}
