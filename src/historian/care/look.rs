//! One look at the server: everything the report tells. A part that cannot be read is told as such; the others go on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{Client, Error, Row};

use super::advice::{Facts, advice};
use super::growth::{Growth, Sizes, WHOLE, per_day};
use super::parts::{replica, session, table};
use super::recent::Recent;
use super::server::words;
use super::{sql, statements};
use crate::base::clock::{Clock, Mono};
use crate::model::database::{DatabaseReport, IndexFault, IndexReport, Statements};

/// The sizes kept on the server change once an hour, so they are read this often.
const GROWTH_EVERY: Duration = Duration::from_mins(10);

/// How many transactions there can be before numbers are used up (2^31 less the server's own reserve).
const XIDS: f64 = 2_146_000_000.0;

/// What is kept from look to look.
#[derive(Default)]
pub(super) struct Memory {
    sizes: Sizes,
    recent: Recent,
    history: Option<(Mono, Option<Growth>)>,
}

/// What could not be read, each with its reason.
type Unknown = Vec<Arc<str>>;

/// The part's answer, or a line among the unknown. A broken connection ends the whole look.
fn or_unknown<T: Default>(part: &str, got: Result<T, Error>, unknown: &mut Unknown) -> Result<T, Error> {
    match got {
        Ok(v) => Ok(v),
        Err(e) if e.is_closed() => Err(e),
        Err(e) => {
            unknown.push(format!("{part}: {}", words(&e)).into());
            Ok(T::default())
        }
    }
}

/// Looks once.
pub(super) async fn look(client: &Client, memory: &mut Memory, clock: &dyn Clock) -> Result<DatabaseReport, Error> {
    let mut unknown = Unknown::new();
    let began = clock.now().mono;
    let o = client.query_one(sql::OVERVIEW, &[]).await?;
    let response_ms = Some(clock.now().mono.secs_since(began) * 1000.0);
    let version_num: i32 = o.try_get(1)?;
    let (standby, sees_all): (bool, bool) = (o.try_get(5)?, o.try_get(7)?);
    let size_bytes: i64 = o.try_get(6)?;
    let (used, max): (i32, i32) = (o.try_get(8)?, o.try_get(9)?);
    let settings = or_unknown("settings", settings(client).await, &mut unknown)?;
    let checkpoints = or_unknown("checkpoints", checkpoints(client, version_num).await, &mut unknown)?;
    let mut tables: Vec<_> = or_unknown("tables", rows(client, sql::TABLES, table).await, &mut unknown)?;
    let indexes = or_unknown("indexes", rows(client, sql::INDEXES, index).await, &mut unknown)?;
    let sessions = or_unknown("activity", rows(client, sql::SESSIONS, session).await, &mut unknown)?;
    let replicas = if standby {
        Vec::new()
    } else {
        or_unknown("replicas", rows(client, sql::REPLICAS, replica).await, &mut unknown)?
    };
    let statements = statements::read(client).await?;

    let now = clock.now();
    let mut sizes: HashMap<Arc<str>, i64> = tables.iter().map(|t| (Arc::clone(&t.name), t.size_bytes as i64)).collect();
    sizes.insert(WHOLE.into(), size_bytes);
    let seen = memory.sizes.take(sizes, now.mono);
    let growth = kept_growth(client, memory, now.mono, &mut unknown).await?.unwrap_or(seen);
    for t in &mut tables {
        t.growth_bytes_per_day = growth.get(&t.name).copied();
    }
    // Where the whole is not kept, its tables stand for it.
    let of_tables = || (!growth.is_empty()).then(|| tables.iter().filter_map(|t| t.growth_bytes_per_day).sum());
    let slowest_recent_ms = match &statements {
        Statements::Known(list) => memory.recent.take(now.mono, list),
        Statements::Missing(_) => None,
    };
    let role: String = o.try_get(3)?;
    let advice = advice(&Facts {
        version_num,
        role: &role,
        settings: &settings,
        standby,
        sees_all,
        connections: (used, max),
        size_bytes: size_bytes as u64,
        checkpoints,
        no_statements: match &statements {
            Statements::Missing(how) => Some(how),
            Statements::Known(_) => None,
        },
        today: now.wall.to_zoned(jiff::tz::TimeZone::UTC).date(),
    });
    let version: String = o.try_get(0)?;
    Ok(DatabaseReport {
        at: now,
        server: format!("PostgreSQL {}", version.split(' ').next().unwrap_or("?")).into(),
        database: o.try_get::<_, String>(2)?.into(),
        role: role.into(),
        running_since: o.try_get(4)?,
        response_ms,
        sees_others: sees_all,
        size_bytes: Some(size_bytes as u64),
        growth_bytes_per_day: growth.get(WHOLE).copied().or_else(of_tables),
        connections_used: Some(used as u32),
        connections_max: Some(max as u32),
        cache_hit_percent: o.try_get(11)?,
        checkpoints,
        wraparound_percent: o.try_get::<_, Option<f64>>(10)?.map(|age| 100.0 * age / XIDS),
        tables: tables.into(),
        indexes: indexes.into(),
        statements,
        slowest_recent_ms,
        sessions: sessions.into(),
        replicas: replicas.into(),
        advice,
        unknown: unknown.into(),
    })
}

async fn rows<T>(client: &Client, query: &str, read: fn(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    client.query(query, &[]).await?.iter().map(read).collect()
}

async fn settings(client: &Client) -> Result<HashMap<String, String>, Error> {
    let rows = client.query(sql::SETTINGS, &[]).await?;
    rows.iter().map(|r| Ok((r.try_get(0)?, r.try_get(1)?))).collect()
}

async fn checkpoints(client: &Client, version_num: i32) -> Result<Option<(u64, u64)>, Error> {
    let query = sql::CHECKPOINTS[usize::from(version_num >= 170_000)];
    let Some(row) = client.query_opt(query, &[]).await? else { return Ok(None) };
    Ok(Some((row.try_get::<_, i64>(0)? as u64, row.try_get::<_, i64>(1)? as u64)))
}

fn index(r: &Row) -> Result<IndexReport, Error> {
    let text = |i| r.try_get::<_, String>(i).map(Arc::from);
    Ok(IndexReport {
        name: text(0)?,
        table: text(1)?,
        size_bytes: r.try_get::<_, Option<i64>>(2)?.unwrap_or(0) as u64,
        fault: match r.try_get::<_, &str>(3)? {
            "leftover" => IndexFault::Leftover,
            "unused" => IndexFault::Unused,
            _ => IndexFault::Invalid,
        },
    })
}

/// Growth from the sizes that are kept on the server; none where there are none, or not for long enough.
async fn kept_growth(
    client: &Client,
    memory: &mut Memory,
    now: Mono,
    unknown: &mut Unknown,
) -> Result<Option<Growth>, Error> {
    if let Some((read, growth)) = &memory.history
        && now.since(*read) < GROWTH_EVERY
    {
        return Ok(growth.clone());
    }
    let growth = or_unknown("growth", history(client).await, unknown)?.filter(|g| !g.is_empty());
    memory.history = Some((now, growth.clone()));
    Ok(growth)
}

async fn history(client: &Client) -> Result<Option<Growth>, Error> {
    if !client.query_one(sql::HAS_HISTORY, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let mut growth = Growth::new();
    for r in client.query(sql::HISTORY, &[]).await? {
        let (over_s, first, newest): (f64, i64, i64) = (r.try_get(1)?, r.try_get(2)?, r.try_get(3)?);
        if let Some(per_day) = per_day(first, newest, over_s) {
            growth.insert(r.try_get::<_, String>(0)?.into(), per_day);
        }
    }
    Ok(Some(growth))
}
