//! What is read back from PostgreSQL: the nodes of the fleet, and trends that reach further back than this node's journal.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::Client;

use super::link;
use super::rows::{moment, system_time};
use super::schema::SCHEMA;
use super::target::{Target, causes};
use crate::base::clock::{Clock, Now, SystemClock};
use crate::config::sections::Historian;
use crate::model::alarm::Priority;
use crate::model::fleet::NodeState;
use crate::model::record::Rolled;

/// A question may take so long.
const WITHIN: Duration = Duration::from_secs(5);
/// Points of a trend at most.
const POINTS: i64 = 10_000;

/// Every node that shares the database.
///
/// # Errors
/// What the server said.
pub(super) async fn fleet(client: &Client, now: Now) -> Result<Vec<NodeState>, tokio_postgres::Error> {
    let sql = format!(
        "select site, node, coalesce(version, ''), coalesce(engine_state, ''), last_seen, \
         extract(epoch from now() - last_seen)::float8, worst_priority, worst_alarm, coalesce(alarms, 0), \
         coalesce(unacknowledged, 0), coalesce(cameras_live, 0), coalesce(cameras, 0), coalesce(plcs_live, 0), \
         coalesce(plcs, 0), queued from {SCHEMA}.node order by site, node"
    );
    let text = |r: &tokio_postgres::Row, i: usize| -> Arc<str> { r.get::<_, &str>(i).into() };
    let count = |r: &tokio_postgres::Row, i: usize| r.get::<_, i32>(i).unsigned_abs();
    let state = |r: &tokio_postgres::Row| NodeState {
        site: text(r, 0),
        node: text(r, 1),
        version: text(r, 2),
        engine: text(r, 3),
        last_seen: Timestamp::try_from(r.get::<_, SystemTime>(4)).unwrap_or(Timestamp::UNIX_EPOCH),
        age_s: r.get(5),
        read: now,
        worst: r
            .get::<_, Option<&str>>(6)
            .and_then(|word| {
                [Priority::Low, Priority::Medium, Priority::High, Priority::Critical]
                    .into_iter()
                    .find(|p| p.word() == word)
            })
            .zip(r.get::<_, Option<&str>>(7).map(Into::into)),
        alarms: count(r, 8),
        unacknowledged: count(r, 9),
        cameras_live: count(r, 10),
        cameras: count(r, 11),
        plcs_live: count(r, 12),
        plcs: count(r, 13),
        queued: r.get::<_, Option<i64>>(14).map(i64::unsigned_abs),
    };
    Ok(client.query(&sql, &[]).await?.iter().map(state).collect())
}

/// One look at the fleet, for `vms fleet` where no engine runs.
///
/// # Errors
/// In words; secrets never appear.
pub async fn fleet_once(cfg: &Historian) -> Result<Vec<NodeState>, String> {
    let now = SystemClock::new().now();
    ask(cfg, async |client| fleet(client, now).await).await
}

/// The trend of a node's series from `from` until before `to` (Unix time in seconds), oldest first, each time once.
/// `step_s`: 60 or 3600.
///
/// # Errors
/// In words; secrets never appear.
pub async fn trend(
    cfg: &Historian,
    (site, node): (&str, &str),
    series: &str,
    (from, to): (i64, i64),
    step_s: i64,
) -> Result<Vec<Rolled>, String> {
    let table = if step_s >= 3600 { "hour" } else { "minute" };
    let sql = format!(
        "select t.at, sum(t.known)::bigint, sum(t.mean * t.known) / sum(t.known), min(t.least), max(t.most), min(s.unit) \
         from {SCHEMA}.node n join {SCHEMA}.series s on s.node_id = n.id join {SCHEMA}.{table} t on t.series_id = s.id \
         where n.site = $1 and n.node = $2 and s.name = $3 and t.at >= $4 and t.at < $5 and t.known > 0 \
         group by t.at order by t.at desc limit {POINTS}"
    );
    let name: Arc<str> = series.into();
    ask(cfg, async |client| {
        let (from, to) = (system_time(moment(from)), system_time(moment(to)));
        let rows = client.query(&sql, &[&site, &node, &series, &from, &to]).await?;
        let point = |r: &tokio_postgres::Row| {
            let at = Timestamp::try_from(r.get::<_, SystemTime>(0)).unwrap_or(Timestamp::UNIX_EPOCH);
            Rolled {
                series: Arc::clone(&name),
                unit: r.get::<_, &str>(5).into(),
                at: at.as_second(),
                known: u32::try_from(r.get::<_, i64>(1)).unwrap_or(u32::MAX),
                mean: r.get(2),
                least: r.get(3),
                most: r.get(4),
            }
        };
        Ok(rows.iter().rev().map(point).collect())
    })
    .await
}

/// Connects, asks one thing, and goes, all within deadlines.
async fn ask<T>(
    cfg: &Historian,
    question: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
) -> Result<T, String> {
    let target = Target::new(cfg)?;
    let (client, connection) = link::open(&target).await?;
    tokio::select! {
        answer = timeout(WITHIN, question(&client)) => match answer {
            Ok(Ok(t)) => Ok(t),
            Ok(Err(e)) => Err(target.hide(causes(&e))),
            Err(_) => Err(format!("no answer in {} s; see whether the server hangs", WITHIN.as_secs())),
        },
        end = connection => Err(target.hide(link::end_text(end))),
    }
}
