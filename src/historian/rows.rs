//! Rows on their way into the tables: COPY BINARY for what is many, arrays for what is few.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::SinkExt as _;
use jiff::Timestamp;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Statement, Transaction};

use super::encode;
use super::schema::SCHEMA;
use crate::model::outbox::{PackedReading, Seconds, StoredEvent};
use crate::model::record::{EventWaveform, Rolled};

/// Whose rows they are.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The node's number in the database.
    pub node_id: i16,
    /// The journal's name.
    pub journal: Arc<str>,
}

/// The numbers of names in the database, as far as they are known.
#[derive(Debug, Default)]
pub struct Names {
    regions: HashMap<Arc<str>, i32>,
    series: HashMap<Arc<str>, i32>,
}

/// The last second that is sent as it is: the year 2200.
const LAST_SECOND: i64 = 7_258_118_400;

/// A moment of the record as PostgreSQL takes it; beyond the years 1970 to 2200 (a clock that was wrong) the nearest.
pub fn system_time(at: Timestamp) -> SystemTime {
    let ns = u64::try_from(within_reach(at).as_nanosecond()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_nanos(ns)
}

/// The moment under which a row is kept: its partition must be of the same.
pub fn within_reach(at: Timestamp) -> Timestamp {
    at.clamp(Timestamp::UNIX_EPOCH, moment(LAST_SECOND))
}

/// The moment of a second, likewise.
pub fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second.clamp(0, LAST_SECOND)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The days that these seconds are of, each with one of its moments.
pub fn days(rows: &[PackedReading]) -> Vec<Timestamp> {
    let mut days: Vec<i64> = Vec::new();
    for r in rows {
        let day = r.second.clamp(0, LAST_SECOND).div_euclid(86_400);
        // They come in the order of time, nearly always.
        if days.last() != Some(&day) {
            days.push(day);
        }
    }
    days.into_iter().map(|d| moment(d * 86_400)).collect()
}

impl Names {
    /// Learns the numbers of these names, giving new ones to new names. By itself: that a name has a number changes nothing.
    async fn learn(
        known: &mut HashMap<Arc<str>, i32>,
        client: &Client,
        table: &str,
        node_id: i16,
        names: Vec<(Arc<str>, Option<Arc<str>>)>,
    ) -> Result<(), Error> {
        let new: BTreeMap<&str, Option<&str>> =
            names.iter().filter(|(n, _)| !known.contains_key(n)).map(|(n, u)| (&**n, u.as_deref())).collect();
        if new.is_empty() {
            return Ok(());
        }
        let keys: Vec<&str> = new.keys().copied().collect();
        let units: Vec<&str> = new.values().map(|u| u.unwrap_or_default()).collect();
        if table == "series" {
            let sql = format!(
                "insert into {SCHEMA}.series (node_id, name, unit) select $1, n, u from unnest($2::text[], $3::text[]) as t (n, u) \
                 on conflict do nothing"
            );
            client.execute(&sql, &[&node_id, &keys, &units]).await?;
        } else {
            let sql = format!(
                "insert into {SCHEMA}.region (node_id, name) select $1, n from unnest($2::text[]) as t (n) on conflict do nothing"
            );
            client.execute(&sql, &[&node_id, &keys]).await?;
        }
        let sql = format!("select name, id from {SCHEMA}.{table} where node_id = $1 and name = any($2)");
        for row in client.query(&sql, &[&node_id, &keys]).await? {
            known.insert(row.get::<_, &str>(0).into(), row.get(1));
        }
        Ok(())
    }

    /// Learns the regions of these readings.
    pub async fn learn_regions(&mut self, client: &Client, node_id: i16, seconds: &Seconds) -> Result<(), Error> {
        let names = seconds.names.values().map(|n| (Arc::clone(&n.0), None)).collect();
        Self::learn(&mut self.regions, client, "region", node_id, names).await
    }

    /// The database's number of each region, at the place of the journal's.
    fn regions_of(&self, seconds: &Seconds) -> Vec<Option<i32>> {
        let count = seconds.names.keys().last().map_or(0, |n| usize::from(*n) + 1);
        let mut all = vec![None; count];
        for (number, name) in &seconds.names {
            all[usize::from(*number)] = self.regions.get(&name.0).copied();
        }
        all
    }

    /// Learns the series of these minutes.
    pub async fn learn_series(&mut self, client: &Client, node_id: i16, rows: &[Rolled]) -> Result<(), Error> {
        let names = rows.iter().map(|r| (Arc::clone(&r.series), Some(Arc::clone(&r.unit)))).collect();
        Self::learn(&mut self.series, client, "series", node_id, names).await
    }
}

/// What copies readings, prepared once a session.
pub async fn copy_of_readings(tx: &Transaction<'_>) -> Result<Statement, Error> {
    tx.prepare(&format!("copy {SCHEMA}.reading ({}) from stdin binary", encode::COLUMNS)).await
}

/// Copies readings.
pub async fn readings(
    tx: &Transaction<'_>,
    copy: &Statement,
    names: &Names,
    node_id: i16,
    seconds: &Seconds,
) -> Result<(), Error> {
    let regions = names.regions_of(seconds);
    let mut out = pin!(tx.copy_in(copy).await?);
    for piece in encode::Readings::new(&seconds.rows, &regions, node_id) {
        out.send(piece).await?;
    }
    out.finish().await.map(|_| ())
}

/// Copies minutes and takes them into their hours.
pub async fn minutes(tx: &Transaction<'_>, names: &Names, node_id: i16, rows: &[Rolled]) -> Result<(), Error> {
    let sql = format!("copy {SCHEMA}.minute (at, series_id, node_id, known, mean, least, most) from stdin binary");
    let types = [Type::TIMESTAMPTZ, Type::INT4, Type::INT2, Type::INT4, Type::FLOAT8, Type::FLOAT8, Type::FLOAT8];
    let mut out = pin!(BinaryCopyInWriter::new(tx.copy_in(&sql).await?, &types));
    let mut hours: BTreeMap<(i32, i64), Rolled> = BTreeMap::new();
    for r in rows {
        let Some(series) = names.series.get(&r.series) else { continue };
        let count = i32::try_from(r.known).unwrap_or(i32::MAX);
        out.as_mut().write(&[&system_time(moment(r.at)), series, &node_id, &count, &r.mean, &r.least, &r.most]).await?;
        let hour = r.at.div_euclid(3600) * 3600;
        hours.entry((*series, hour)).and_modify(|h| h.merge(r)).or_insert_with(|| r.clone());
    }
    out.finish().await?;
    let series: Vec<i32> = hours.keys().map(|k| k.0).collect();
    let at: Vec<SystemTime> = hours.keys().map(|k| system_time(moment(k.1))).collect();
    let of = |f: fn(&Rolled) -> f64| hours.values().map(f).collect::<Vec<f64>>();
    let count: Vec<i32> = hours.values().map(|h| i32::try_from(h.known).unwrap_or(i32::MAX)).collect();
    let sql = format!(
        "insert into {SCHEMA}.hour as h (node_id, series_id, at, known, mean, least, most) \
         select $1, s, a, k, m, l, t from unnest($2::int[], $3::timestamptz[], $4::int[], $5::float8[], $6::float8[], $7::float8[]) \
         as x (s, a, k, m, l, t) on conflict (series_id, at) do update set \
         mean = (h.mean * h.known + excluded.mean * excluded.known) / (h.known + excluded.known), \
         known = h.known + excluded.known, least = least(h.least, excluded.least), most = greatest(h.most, excluded.most)"
    );
    tx.execute(&sql, &[&node_id, &series, &at, &count, &of(|h| h.mean), &of(|h| h.least), &of(|h| h.most)]).await?;
    Ok(())
}

/// Inserts events.
pub async fn events(tx: &Transaction<'_>, owner: &Owner, rows: &[StoredEvent]) -> Result<(), Error> {
    let seq: Vec<i64> = rows.iter().map(|e| e.seq as i64).collect();
    let at: Vec<SystemTime> = rows.iter().map(|e| system_time(e.at)).collect();
    let kind: Vec<&str> = rows.iter().map(|e| e.kind.as_str()).collect();
    let subject: Vec<Option<&str>> = rows.iter().map(|e| e.subject.as_deref()).collect();
    let body: Vec<&str> = rows.iter().map(|e| e.body.as_str()).collect();
    let hash: Vec<&[u8]> = rows.iter().map(|e| e.hash.as_slice()).collect();
    let sql = format!(
        "insert into {SCHEMA}.event (node_id, journal, seq, at, kind, subject, body, hash) \
         select $1, $2, q, a, k, s, b::jsonb, h from unnest($3::bigint[], $4::timestamptz[], $5::text[], $6::text[], \
         $7::text[], $8::bytea[]) as x (q, a, k, s, b, h)"
    );
    tx.execute(&sql, &[&owner.node_id, &&*owner.journal, &seq, &at, &kind, &subject, &body, &hash]).await?;
    Ok(())
}

/// Inserts waveforms: few, and each large.
pub async fn waveforms(tx: &Transaction<'_>, owner: &Owner, rows: &[EventWaveform]) -> Result<(), Error> {
    let sql = format!(
        "insert into {SCHEMA}.waveform (node_id, journal, event, at, region, t_s, dx_px, dy_px, sigma_px) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    let insert = tx.prepare(&sql).await?;
    for w in rows {
        let (event, at) = (w.event as i64, system_time(w.at));
        let (t, x, y, s) = (&w.wave.t_s, &w.wave.dx_px, &w.wave.dy_px, &w.wave.sigma_px);
        tx.execute(&insert, &[&owner.node_id, &&*owner.journal, &event, &at, &w.roi.as_str(), t, x, y, s]).await?;
    }
    Ok(())
}

/// Keeps a row that the database does not take as it is.
pub async fn rejected(
    tx: &Transaction<'_>,
    owner: &Owner,
    stream: &str,
    position: u64,
    why: &str,
    raw: &str,
) -> Result<(), Error> {
    let sql = format!(
        "insert into {SCHEMA}.rejected (node_id, journal, stream, position, why, raw) values ($1, $2, $3, $4, $5, $6) \
         on conflict do nothing"
    );
    let (why, raw) = (why.replace('\0', "\u{fffd}"), raw.replace('\0', "\u{fffd}"));
    tx.execute(&sql, &[&owner.node_id, &&*owner.journal, &stream, &(position as i64), &why, &raw]).await?;
    Ok(())
}
