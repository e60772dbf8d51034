//! Errands about the database: reach, queries, health, growth; cancelling what blocks others, vacuum, reindex. The figures and
//! their limits are those of the Resources tab.

use std::sync::Arc;
use std::time::Duration;

use super::finding::Found;
use super::{Means, Within, wish};
use crate::base::text::{bytes, sig3};
use crate::boot::probing::one;
use crate::config::sections::Historian;
use crate::historian;
use crate::historian::care::{self, CareError};
use crate::model::board::Board;
use crate::model::database::{CareJob, CareRecord, DatabaseReport, Measure, Session, Statements};
use crate::model::intent::IntentKind;
use crate::model::upkeep::Answer;
use crate::upkeep::errand::Ask;

/// Sessions and tables that are told.
const TOLD: usize = 10;
/// A query that runs for longer is told.
const LONG_S: f64 = 10.0;

/// The database of the configuration; says where there is none.
fn configured<'m>(means: &'m Means, f: &mut Found) -> Option<&'m Historian> {
    if means.config.historian.is_none() {
        f.unknown("no database is configured; add [historian] with its url to vms.toml if there is to be one");
    }
    means.config.historian.as_ref()
}

/// Does something with the server, within the errand's time.
fn timed<T>(w: &Within<'_>, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let left = w.left();
    let done = one(async {
        tokio::time::timeout(left, work).await.unwrap_or_else(|_| {
            Err(format!("no answer in {:.0} s; see whether the server hangs or its disk is full", left.as_secs_f64()))
        })
    });
    done.unwrap_or_else(|| Err("could not be asked: this program has no room for a runtime".into()))
}

fn look(cfg: &Historian, w: &Within<'_>, f: &mut Found) -> Option<DatabaseReport> {
    match timed(w, async { care::look_once(cfg).await.map_err(|e| e.to_string()) }) {
        Ok(r) => Some(r),
        Err(e) => {
            f.bad(e);
            None
        }
    }
}

fn figure(f: &mut Found, m: &Measure) {
    let unit = |v: f64| match m.unit {
        "B" => bytes(v.max(0.0) as u64),
        "" => format!("{v:.0}"),
        u => format!("{} {u}", sig3(Some(v))),
    };
    let limit = m.limit.map_or("no limit".to_owned(), |l| format!("limit {}", unit(l)));
    let about = m.text.as_ref().map_or_else(String::new, |t| format!(": {t}"));
    match (m.value, m.fine()) {
        (Some(v), Some(fine)) => f.judge(fine, format!("{} {} ({limit}){about}", m.name, unit(v))),
        (_, None) => f.unknown(format!("{} not known ({limit}){about}", m.name)),
        (None, Some(_)) => f.line(format!("{} not known{about}", m.name)),
    }
}

fn figures(f: &mut Found, means: &Means, r: &DatabaseReport, ids: &[&str]) {
    let limit_ms = means.config.resources.database_response.as_secs_f64() * 1e3;
    for m in r.measures(limit_ms).iter().filter(|m| ids.contains(&m.id)) {
        figure(f, m);
    }
}

/// Connects and times a query.
pub(super) fn reach(means: &Means, w: &Within<'_>) -> Answer {
    let mut f = Found::default();
    let Some(cfg) = configured(means, &mut f) else { return f.answer() };
    let limit = means.config.resources.database_response;
    let began = w.now().mono;
    match timed(w, historian::probe(cfg.clone())) {
        Ok(text) => {
            let whole = w.now().mono.since(began);
            f.good(text);
            f.judge(
                whole <= limit + Duration::from_secs(1),
                format!(
                    "connecting and asking took {} ms (limit {} ms)",
                    whole.as_millis(),
                    (limit + Duration::from_secs(1)).as_millis()
                ),
            );
        }
        Err(e) => f.bad(e),
    }
    f.answer()
}

/// Long-running and blocking queries.
pub(super) fn queries(means: &Means, w: &Within<'_>) -> Answer {
    let mut f = Found::default();
    let Some(cfg) = configured(means, &mut f) else { return f.answer() };
    let Some(r) = look(cfg, w, &mut f) else { return f.answer() };
    figures(&mut f, means, &r, &["database.longest", "database.blocked", "database.connections"]);
    match &r.statements {
        // What ran since the last look is known to the engine only; one look has what was counted since counting began.
        Statements::Known(all) if r.slowest_recent_ms.is_none() => {
            let slowest = all.iter().map(|s| s.mean_ms).max_by(f64::total_cmp);
            f.line(slowest.map_or_else(
                || "no query has been counted yet".to_owned(),
                |ms| format!("slowest query since counting began: {} ms in the mean", sig3(Some(ms))),
            ));
        }
        _ => figures(&mut f, means, &r, &["database.slowest"]),
    }
    for s in
        r.sessions.iter().filter(|s| !s.blocked_by.is_empty() || s.running_s.is_some_and(|t| t > LONG_S)).take(TOLD)
    {
        f.line(session(s));
    }
    for s in r.statements.list().iter().take(5) {
        f.line(format!("slow: mean {} ms in {} runs: {}", sig3(Some(s.mean_ms)), s.calls, s.query));
    }
    f.answer()
}

fn session(s: &Session) -> String {
    let by: Vec<String> = s.blocked_by.iter().map(ToString::to_string).collect();
    let waits = if by.is_empty() { String::new() } else { format!(", waits for process {}", by.join(", ")) };
    let runs = s.running_s.map_or_else(String::new, |t| format!(" for {} s", sig3(Some(t))));
    format!("process {} ({}, {}) {}{runs}{waits}: {}", s.pid, s.role, s.application, s.state, s.query)
}

/// Dead rows, bloat, indexes.
pub(super) fn health(means: &Means, w: &Within<'_>) -> Answer {
    let mut f = Found::default();
    let Some(cfg) = configured(means, &mut f) else { return f.answer() };
    let Some(r) = look(cfg, w, &mut f) else { return f.answer() };
    figures(&mut f, means, &r, &["database.dead", "database.invalid-indexes", "database.wraparound"]);
    let bloat: u64 = r.tables.iter().filter_map(|t| t.bloat_bytes).sum();
    f.line(format!("room taken and not needed, estimated: {} of {}", bytes(bloat), bytes(r.size_bytes.unwrap_or(0))));
    for i in r.indexes.iter().take(TOLD) {
        f.line(format!("index {} of {}: {}, {}", i.name, i.table, i.fault.word(), bytes(i.size_bytes)));
    }
    let vacuumed = r.tables.iter().filter_map(|t| Some((t, t.last_vacuum?))).min_by_key(|(_, at)| *at);
    if let Some((t, at)) = vacuumed {
        f.line(format!(
            "longest without VACUUM: {}, last {}",
            t.name,
            at.to_zoned(means.config.site.time_zone.clone()).strftime("%Y-%m-%d %H:%M")
        ));
    }
    for a in r.advice.iter().filter(|a| a.serious).take(5) {
        f.bad(format!("{}; {}", a.found, a.right));
    }
    for u in r.unknown.iter().take(5) {
        f.unknown(u);
    }
    f.answer()
}

/// Size and growth, and what becomes of them.
pub(super) fn growth(means: &Means, board: &Board, w: &Within<'_>) -> Answer {
    let mut f = Found::default();
    let Some(cfg) = configured(means, &mut f) else { return f.answer() };
    let Some(r) = look(cfg, w, &mut f) else { return f.answer() };
    let size = r.size_bytes.unwrap_or(0);
    match (r.size_bytes, r.growth_bytes_per_day) {
        (None, _) => f.unknown("the size is not known"),
        (Some(_), None) => f.unknown(format!("size {}; its growth is known after an hour", bytes(size))),
        (Some(_), Some(g)) => {
            let later = |days: f64| bytes((size as f64 + g * days).max(0.0) as u64);
            f.good(format!(
                "size {}, growth {} a day; at this rate {} in 30 days, {} in a year",
                bytes(size),
                signed(g),
                later(30.0),
                later(365.0)
            ));
        }
    }
    for t in r.tables.iter().take(TOLD) {
        let grows =
            t.growth_bytes_per_day.map_or_else(|| "growth not known yet".into(), |g| format!("{} a day", signed(g)));
        f.line(format!(
            "{}: {} (indexes {}), {grows}, {} rows",
            t.name,
            bytes(t.size_bytes),
            bytes(t.index_bytes),
            t.rows
        ));
    }
    if let Some(queued) = board.forward.queued {
        f.line(format!("{queued} rows wait in the journal to be sent"));
    }
    f.answer()
}

fn signed(per_day: f64) -> String {
    let sign = if per_day < 0.0 { "-" } else { "+" };
    format!("{sign}{}", bytes(per_day.abs() as u64))
}

/// Whoever holds up others for the longest time and waits for nobody.
fn worst_blocker(sessions: &[Session]) -> Option<(&Session, usize)> {
    let holds_up = |s: &Session| sessions.iter().filter(|o| o.blocked_by.contains(&s.pid)).collect::<Vec<_>>();
    let waited = |s: &Session| holds_up(s).iter().filter_map(|o| o.running_s).fold(0.0, f64::max);
    let free = sessions.iter().filter(|s| s.blocked_by.is_empty() && !holds_up(s).is_empty());
    free.max_by(|a, b| waited(a).total_cmp(&waited(b))).map(|s| (s, holds_up(s).len()))
}

/// Cancels the query that blocks others for the longest time.
pub(super) fn cancel(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    let mut f = Found::default();
    let Some(cfg) = configured(means, &mut f) else { return f.answer() };
    let Some(r) = look(cfg, w, &mut f) else { return f.answer() };
    if !r.sees_others {
        f.unknown(format!("{0} does not see what others do; as a superuser: GRANT pg_monitor TO {0}", r.role));
        return f.answer();
    }
    let Some((s, held_up)) = worst_blocker(&r.sessions) else {
        f.good("nothing blocks another query; there is nothing to cancel");
        return f.answer();
    };
    let end = s.idle_in_transaction();
    let what =
        if end { "its connection would be ended, and its transaction undone" } else { "its query would be cancelled" };
    f.line(session(s));
    if !s.cancellable() {
        f.bad("this is vms itself, which stores what is measured; it is not cancelled");
        return f.answer();
    }
    if ask.preview {
        f.good(format!("it holds up {held_up} others; {what}"));
        return f.answer();
    }
    let who: Arc<str> = ask.who.into();
    let (pid, began) = (s.pid, s.began);
    match timed(w, async { care::cancel(cfg, pid, began, end, &who).await.map_err(|e| e.to_string()) }) {
        Ok(record) => {
            f.judge(record.passed, &record.text);
            recorded(means, ask, record);
            let after = w.wait(Duration::from_secs(10), || {
                let r = timed(w, async { care::look_once(cfg).await.map_err(|e| e.to_string()) }).ok()?;
                (!r.sessions.iter().any(|o| o.blocked_by.contains(&pid))).then_some(())
            });
            f.judge(
                after.is_some(),
                match after {
                    Some(()) => format!("after: nobody waits for process {pid} any more"),
                    None => format!("after: others still wait for process {pid}"),
                },
            );
        }
        Err(e) => f.bad(e),
    }
    f.answer()
}

/// Puts it into the record, where an engine keeps one.
fn recorded(means: &Means, ask: &Ask<'_>, record: CareRecord) {
    if let Err(e) = wish(means, ask.who, IntentKind::RecordCare(Arc::new(record))) {
        tracing::warn!("what was done for the database is not in the record: {e}");
    }
}

/// VACUUM (ANALYZE) of every table.
pub(super) fn vacuum(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    job(means, ask, w, CareJob::Vacuum)
}

/// Rebuilds the indexes.
pub(super) fn reindex(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    job(means, ask, w, CareJob::Reindex)
}

fn job(means: &Means, ask: &Ask<'_>, w: &Within<'_>, job: CareJob) -> Answer {
    let mut f = Found::default();
    let Some(cfg) = configured(means, &mut f) else { return f.answer() };
    if ask.preview {
        match timed(w, async { care::plan_once(cfg, job, None).await.map_err(|e| e.to_string()) }) {
            Ok(plan) => f.good(plan.question()),
            Err(e) => f.bad(e),
        }
        return f.answer();
    }
    // The job is stopped on the server too when the person leaves or the time is over.
    let stop = async {
        while !w.over() {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let who: Arc<str> = ask.who.into();
    let done = one(stopped_with(cfg, job, who, stop));
    match done {
        Some(Ok(record)) => {
            f.judge(record.passed, &record.text);
            if let (Some(b), Some(a)) = (record.before, record.after) {
                f.line(format!(
                    "before: {} (indexes {}), {} dead rows; after: {} (indexes {}), {} dead rows; {} s",
                    bytes(b.size_bytes),
                    bytes(b.index_bytes),
                    b.dead_rows,
                    bytes(a.size_bytes),
                    bytes(a.index_bytes),
                    a.dead_rows,
                    record.seconds
                ));
            }
            recorded(means, ask, record);
        }
        Some(Err(e)) => f.bad(e.to_string()),
        None => f.unknown("could not be begun: this program has no room for a runtime"),
    }
    f.answer()
}

/// Polled on this thread alone, so what stops it need not be sent to another.
async fn stopped_with(
    cfg: &Historian,
    job: CareJob,
    who: Arc<str>,
    stop: impl Future<Output = ()>,
) -> Result<CareRecord, CareError> {
    let ended = Arc::new(tokio::sync::Notify::new());
    let heard = Arc::clone(&ended);
    let mut silent = |_| {};
    let work = care::maintain(cfg, job, None, who, async move { heard.notified().await }, &mut silent);
    let mut work = std::pin::pin!(work);
    let mut stop = std::pin::pin!(stop);
    tokio::select! {
        done = &mut work => return done,
        () = &mut stop => ended.notify_one(),
    }
    work.await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pid: i32, running_s: f64, blocked_by: &[i32]) -> Session {
        Session {
            pid,
            began: None,
            role: "r".into(),
            application: "psql".into(),
            client: "local".into(),
            state: "active".into(),
            waits_for: None,
            running_s: Some(running_s),
            query: "select 1".into(),
            blocked_by: blocked_by.to_vec(),
            ours: false,
        }
    }

    #[test]
    fn the_blocker_is_at_the_end_of_the_chain_that_waits_longest() {
        // 1 holds up 2, 2 holds up 3; 4 holds up 5, who has waited longer; 6 holds up nobody.
        let all = [
            session(1, 90.0, &[]),
            session(2, 80.0, &[1]),
            session(3, 70.0, &[2]),
            session(4, 500.0, &[]),
            session(5, 400.0, &[4]),
            session(6, 900.0, &[]),
        ];
        assert_eq!(worst_blocker(&all).map(|(s, n)| (s.pid, n)), Some((4, 1)));
        assert_eq!(worst_blocker(&all[..3]).map(|(s, n)| (s.pid, n)), Some((1, 1)));
        assert_eq!(worst_blocker(&[session(6, 9.0, &[])]), None);
    }
}
