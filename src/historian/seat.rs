//! This node's place in the database: its row, its lock, how far its journal has come; and the rows about the server itself.

use std::sync::Arc;

use jiff::Timestamp;
use tokio_postgres::{Client, Error};

use super::forward::Who;
use super::rows::Owner;
use super::schema::SCHEMA;
use super::target::causes;
use crate::config::sections::Historian;
use crate::model::board::Board;
use crate::model::bus::PlcState;
use crate::model::camera::CameraState;
use crate::model::outbox::Outbox;
use crate::model::record::Stream;

/// What a session knows of its node.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The node's number.
    pub node_id: i16,
    /// The journal's name.
    pub journal: Arc<str>,
    /// How far each stream has come.
    pub positions: Vec<(Stream, u64)>,
    /// The hash of the newest event that is there.
    pub hash: Option<Vec<u8>>,
}

impl Seat {
    /// Whose rows they are.
    pub fn owner(&self) -> Owner {
        Owner { node_id: self.node_id, journal: Arc::clone(&self.journal) }
    }
}

/// Takes the node's place: nobody else may send under its name at the same time.
///
/// # Errors
/// In words.
pub async fn sit_down(client: &Client, who: &Who, cfg: &Historian, journal: Arc<str>) -> Result<Seat, String> {
    let name = format!("vms node {}/{}", who.site, who.node);
    let row = client
        .query_one("select pg_try_advisory_lock(hashtextextended($1, 0))", &[&name])
        .await
        .map_err(|e| causes(&e))?;
    if !row.get::<_, bool>(0) {
        return Err(format!(
            "another program sends to this database as node {} of site {}; give this node another site.node, or end the other",
            who.node, who.site
        ));
    }
    seat(client, who, cfg, journal).await.map_err(|e| causes(&e))
}

async fn seat(client: &Client, who: &Who, cfg: &Historian, journal: Arc<str>) -> Result<Seat, Error> {
    let keep = |d: std::time::Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
    let sql = format!(
        "insert into {SCHEMA}.node (site, node, keep_seconds_s, keep_minutes_s, keep_waveforms_s, keep_events_s) \
         values ($1, $2, $3, $4, $5, $6) on conflict (site, node) do update set last_seen = now(), \
         keep_seconds_s = excluded.keep_seconds_s, keep_minutes_s = excluded.keep_minutes_s, \
         keep_waveforms_s = excluded.keep_waveforms_s, keep_events_s = excluded.keep_events_s returning id"
    );
    let row = client
        .query_one(
            &sql,
            &[
                &&*who.site,
                &&*who.node,
                &keep(cfg.keep_seconds),
                &keep(cfg.keep_minutes),
                &keep(cfg.keep_waveforms),
                &keep(cfg.keep_events),
            ],
        )
        .await?;
    let node_id: i16 = row.get(0);
    let streams: Vec<&str> = Stream::ALL.iter().map(|s| s.word()).collect();
    let sql = format!(
        "insert into {SCHEMA}.forwarded (node_id, journal, stream) select $1, $2, s from unnest($3::text[]) as x (s) \
         on conflict do nothing"
    );
    client.execute(&sql, &[&node_id, &&*journal, &streams]).await?;
    let sql = format!("select stream, position, hash from {SCHEMA}.forwarded where node_id = $1 and journal = $2");
    let (mut positions, mut hash) = (Vec::new(), None);
    for row in client.query(&sql, &[&node_id, &&*journal]).await? {
        let word: &str = row.get(0);
        let Some(stream) = Stream::ALL.into_iter().find(|s| s.word() == word) else { continue };
        positions.push((stream, row.get::<_, i64>(1).unsigned_abs()));
        if stream == Stream::Event {
            hash = row.get(2);
        }
    }
    Ok(Seat { node_id, journal, positions, hash })
}

/// Brings the node's row up to date.
///
/// # Errors
/// What the server said.
pub async fn heartbeat(client: &Client, node_id: i16, board: &Board, queued: Option<u64>) -> Result<(), Error> {
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let worst = board.alarms.iter().filter(|a| a.state.active()).max_by_key(|a| a.priority);
    let unacknowledged = count(board.alarms.iter().filter(|a| a.state.unacknowledged()).count());
    let used = board.cameras.iter().filter(|c| c.state() != CameraState::Disabled);
    let live = count(used.clone().filter(|c| c.state() == CameraState::Live).count());
    let plcs_live = board.plcs.iter().filter(|p| p.report.as_ref().is_some_and(|r| r.state == PlcState::Live));
    let sql = format!(
        "update {SCHEMA}.node set last_seen = now(), version = $2, engine_state = $3, worst_alarm = $4, worst_priority = $5, \
         alarms = $6, unacknowledged = $7, cameras_live = $8, cameras = $9, plcs_live = $10, plcs = $11, queued = $12 \
         where id = $1"
    );
    client
        .execute(
            &sql,
            &[
                &node_id,
                &&*board.engine.version,
                &board.engine.state.word(),
                &worst.map(|a| &*a.text),
                &worst.map(|a| a.priority.word()),
                &count(board.alarms.len()),
                &unacknowledged,
                &live,
                &count(used.count()),
                &count(plcs_live.count()),
                &count(board.plcs.len()),
                &queued.map(|q| q as i64),
            ],
        )
        .await?;
    Ok(())
}

/// Writes down how large each table is, unless another node has done so within the hour. A partitioned table counts with its
/// partitions.
///
/// # Errors
/// What the server said.
pub async fn keep_sizes(client: &Client) -> Result<(), Error> {
    let sql = format!(
        "insert into {SCHEMA}.size_history (at, relation, bytes) \
         select now(), '{SCHEMA}.' || p.relname, sum(pg_total_relation_size(coalesce(i.inhrelid, p.oid)))::bigint \
         from pg_class p left join pg_inherits i on i.inhparent = p.oid \
         where p.relnamespace = to_regnamespace('{SCHEMA}') and p.relkind in ('r', 'p') and not p.relispartition \
         and not exists (select from {SCHEMA}.size_history where at > now() - interval '55 minutes') \
         group by p.relname \
         union all select now(), 'database', pg_database_size(current_database()) \
         where not exists (select from {SCHEMA}.size_history where at > now() - interval '55 minutes') \
         on conflict do nothing"
    );
    client.execute(&sql, &[]).await?;
    let old = format!("delete from {SCHEMA}.size_history where at < now() - interval '3 years'");
    client.execute(&old, &[]).await?;
    Ok(())
}

/// The newest event that the database and the journal both have, with its time. The chain of hashes makes it a search: where
/// one event is the same, all before it are.
///
/// # Errors
/// In words.
pub async fn ancestor(
    client: &Client,
    seat: &Seat,
    outbox: &mut dyn Outbox,
) -> Result<Option<(u64, Timestamp)>, String> {
    let sql = format!(
        "select seq, hash, at from {SCHEMA}.event where node_id = $1 and journal = $2 and seq <= $3 order by seq desc limit 1"
    );
    let ask = client.prepare(&sql).await.map_err(|e| causes(&e))?;
    let newest = outbox.waiting(Stream::Event, 0)?;
    let (mut low, mut high, mut found) = (0u64, newest, None);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let row = client
            .query_opt(&ask, &[&seat.node_id, &&*seat.journal, &(middle as i64)])
            .await
            .map_err(|e| causes(&e))?;
        let Some(row) = row else {
            low = middle;
            continue;
        };
        let seq = row.get::<_, i64>(0).unsigned_abs();
        let here = outbox.hash_of(seq)?;
        if here.is_some_and(|h| h == row.get::<_, &[u8]>(1)) {
            let at = row.get::<_, std::time::SystemTime>(2);
            found = Some((seq, Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH)));
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(found)
}

/// Gives a journal another name, which begins at these positions.
///
/// # Errors
/// What the server said.
pub async fn new_name(client: &Client, seat: &Seat, positions: &[(Stream, u64)]) -> Result<Arc<str>, Error> {
    let streams: Vec<&str> = positions.iter().map(|p| p.0.word()).collect();
    let at: Vec<i64> = positions.iter().map(|p| p.1 as i64).collect();
    let sql = format!(
        "with name (n) as materialized (select substr(md5(random()::text || clock_timestamp()::text), 1, 16)) \
         insert into {SCHEMA}.forwarded (node_id, journal, stream, position) \
         select $1, n, s, p from name, unnest($2::text[], $3::bigint[]) as x (s, p) returning journal"
    );
    let rows = client.query(&sql, &[&seat.node_id, &streams, &at]).await?;
    Ok(rows.first().map_or_else(|| Arc::clone(&seat.journal), |r| r.get::<_, &str>(0).into()))
}
