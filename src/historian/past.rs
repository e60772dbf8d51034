//! What is read back from PostgreSQL: the nodes of the fleet, readings, trends and events from before this node's journal, and the
//! newest event of it that is there.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::timeout;
use tokio_postgres::Client;

use super::link;
use super::partitions;
use super::rows::{moment, system_time};
use super::schema::SCHEMA;
use super::target::{Target, causes};
use crate::base::clock::{Clock, Now, SystemClock};
use crate::config::sections::Historian;
use crate::model::alarm::Priority;
use crate::model::event::{Event, SecondReading};
use crate::model::fleet::NodeState;
use crate::model::record::Rolled;
use crate::model::vibration::Grade;

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

/// The days (UTC) on which there may be readings, each as its first second (Unix time), ascending.
///
/// # Errors
/// In words; secrets never appear.
pub async fn reading_days(cfg: &Historian) -> Result<Vec<i64>, String> {
    let days = ask(cfg, async |client| partitions::reading_days(client).await).await?;
    Ok(days.into_iter().filter_map(|d| Some(d.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())).collect())
}

/// The readings of a node, of one region or of all, from `from` until before `to` (Unix time in seconds), oldest first.
///
/// # Errors
/// In words; secrets never appear.
pub async fn readings(
    cfg: &Historian,
    (site, node): (&str, &str),
    roi: Option<&str>,
    (from, to): (i64, i64),
) -> Result<Vec<SecondReading>, String> {
    let sql = format!(
        "select r.at, g.name, r.displacement_pp_px, r.displacement_rms_px, r.velocity_rms_mm_s, r.peak_hz, r.peak_amplitude_px, \
         r.uncertainty_px, r.grade from {SCHEMA}.reading r join {SCHEMA}.region g on g.id = r.region_id \
         where r.node_id = (select id from {SCHEMA}.node where site = $1 and node = $2) and ($3::text is null or g.name = $3) \
         and r.at >= $4 and r.at < $5 order by r.at, g.id"
    );
    ask(cfg, async |client| {
        let (from, to) = (system_time(moment(from)), system_time(moment(to)));
        let rows = client.query(&sql, &[&site, &node, &roi, &from, &to]).await?;
        let reading = |r: &tokio_postgres::Row| {
            let at = Timestamp::try_from(r.get::<_, SystemTime>(0)).unwrap_or(Timestamp::UNIX_EPOCH);
            let known = |i: usize| r.get::<_, Option<f32>>(i).map(f64::from);
            let or_nan = |i: usize| known(i).unwrap_or(f64::NAN);
            SecondReading {
                second: at.as_second(),
                roi: r.get::<_, &str>(1).into(),
                displacement_pp_px: or_nan(2),
                displacement_rms_px: or_nan(3),
                velocity_rms_mm_s: known(4),
                peak_hz: known(5),
                peak_amplitude_px: known(6),
                uncertainty_px: or_nan(7),
                grade: match r.get::<_, i16>(8) {
                    3 => Grade::Good,
                    2 => Grade::Reduced,
                    1 => Grade::Poor,
                    _ => Grade::Untrusted,
                },
            }
        };
        Ok(rows.iter().map(reading).collect())
    })
    .await
}

/// Which events of a node are asked for: those of every journal that it ever had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Only kinds that begin with one of these; empty: all.
    pub kinds: Vec<String>,
    /// Only about subjects that contain this.
    pub subject: Option<String>,
    /// Only about exactly this.
    pub about: Option<String>,
    /// Only those whose written form contains this; letters count the same large and small.
    pub text: Option<String>,
    /// Only below this number.
    pub before_seq: Option<u64>,
    /// Only after this one, by time and number: how a reader goes on page by page.
    pub after: Option<(Timestamp, u64)>,
}

/// At most `limit` events, oldest first: the oldest ones that are wanted, or with `newest` the newest. Those that this
/// program does not know are left out.
///
/// # Errors
/// In words; secrets never appear.
pub async fn events(
    cfg: &Historian,
    (site, node): (&str, &str),
    wanted: &Wanted,
    limit: usize,
    newest: bool,
) -> Result<Vec<Event>, String> {
    let order = if newest { "desc" } else { "asc" };
    // The same as the journal's own filter, with the same meaning.
    let sql = format!(
        "select e.seq, e.at, e.body::text from {SCHEMA}.event e \
         where e.node_id = (select id from {SCHEMA}.node where site = $1 and node = $2) and e.at >= $3 and e.at < $4 and e.seq < $5 and (e.at, e.seq) > ($6, $7) \
         and (cardinality($8::text[]) = 0 or exists (select from unnest($8::text[]) k where starts_with(e.kind, k))) \
         and ($9::text is null or strpos(lower(e.subject), lower($9)) > 0) and ($10::text is null or e.subject = $10) \
         and ($11::text is null or strpos(lower(e.body::text), lower($11)) > 0) \
         order by e.at {order}, e.seq {order} limit $12"
    );
    let from = system_time(wanted.from.unwrap_or(Timestamp::MIN));
    let to = system_time(wanted.to.unwrap_or(Timestamp::MAX));
    let below = wanted.before_seq.map_or(i64::MAX, |s| s as i64);
    let (after_at, after_seq) =
        wanted.after.map_or((SystemTime::UNIX_EPOCH, -1), |(at, s)| (system_time(at), s as i64));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    ask(cfg, async |client| {
        let w = wanted;
        let rows = client
            .query(
                &sql,
                &[
                    &site, &node, &from, &to, &below, &after_at, &after_seq, &w.kinds, &w.subject, &w.about, &w.text,
                    &limit,
                ],
            )
            .await?;
        let mut events: Vec<Event> = rows.iter().filter_map(event).collect();
        if newest {
            events.reverse();
        }
        Ok(events)
    })
    .await
}

fn event(r: &tokio_postgres::Row) -> Option<Event> {
    let at = Timestamp::try_from(r.get::<_, SystemTime>(1)).ok()?;
    let kind = serde_json::from_str(r.get(2)).ok()?;
    Some(Event { seq: r.get::<_, i64>(0).unsigned_abs(), at, kind })
}

/// The newest event of a node's journal that the database has: its number and hash; none if it has none of this journal.
///
/// # Errors
/// In words; secrets never appear.
pub async fn newest_event(
    cfg: &Historian,
    (site, node): (&str, &str),
    journal: &str,
) -> Result<Option<(u64, Vec<u8>)>, String> {
    let sql = format!(
        "select e.seq, e.hash from {SCHEMA}.event e \
         where e.node_id = (select id from {SCHEMA}.node where site = $1 and node = $2) and e.journal = $3 order by e.seq desc limit 1"
    );
    ask(cfg, async |client| {
        let row = client.query_opt(&sql, &[&site, &node, &journal]).await?;
        Ok(row.map(|r| (r.get::<_, i64>(0).unsigned_abs(), r.get(1))))
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
