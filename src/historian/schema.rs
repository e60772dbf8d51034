//! The schema in PostgreSQL: brought up to date by one node at a time, refused when a newer program made it.

use std::time::Duration;

use tokio_postgres::Client;

use super::target::causes;

mod embedded {
    refinery::embed_migrations!("migrations/historian");
}

/// Everything of ours lies in this schema of the database.
pub const SCHEMA: &str = "vms";
/// Every node waits for this lock before it changes the schema.
const LOCK: &str = "vms schema";
/// How long one waits for another node's migration.
const WAIT: Duration = Duration::from_mins(5);

/// What was found and what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The schema's version before; 0 where there was none.
    pub from: i64,
    /// And now.
    pub to: i64,
}

/// The version of this program.
#[must_use]
pub fn known() -> i64 {
    embedded::migrations::runner().get_migrations().iter().map(|m| i64::from(m.version())).max().unwrap_or(0)
}

/// Sets the search path of a session and makes the schema of this program's version, if there is an older one or none.
///
/// # Errors
/// In words: a newer schema, no right to make it, a migration that failed (it is undone as a whole).
pub async fn ready(client: &mut Client) -> Result<Migrated, String> {
    let set = format!("set search_path to {SCHEMA}");
    client.batch_execute(&set).await.map_err(|e| failed("the schema cannot be looked at", &e))?;
    let found = version(client).await?;
    judge(found)?;
    if found == known() {
        return Ok(Migrated { from: found, to: found });
    }
    let wait = format!(
        "set lock_timeout = {}; select pg_advisory_lock(hashtextextended('{LOCK}', 0)); set lock_timeout = 10000",
        WAIT.as_millis()
    );
    client
        .batch_execute(&wait)
        .await
        .map_err(|e| failed("another node is changing the schema and does not end", &e))?;
    let done = locked(client).await;
    // Also after a failure: the next one must not wait for this session.
    let unlock = format!("select pg_advisory_unlock(hashtextextended('{LOCK}', 0))");
    client.batch_execute(&unlock).await.map_err(|e| failed("the lock of the schema was not given back", &e))?;
    done
}

/// With the lock: another node may have done it in the meantime.
async fn locked(client: &mut Client) -> Result<Migrated, String> {
    let from = version(client).await?;
    judge(from)?;
    if from == known() {
        return Ok(Migrated { from, to: from });
    }
    // Asked first: `if not exists` needs the right to make one also where there is one.
    let there = client.query_one("select to_regnamespace($1) is not null", &[&SCHEMA]).await;
    if !there.map_err(|e| failed("the schema cannot be looked at", &e))?.get::<_, bool>(0) {
        client.batch_execute(&format!("create schema {SCHEMA}")).await.map_err(|e| {
            failed(
                "the schema vms cannot be made; let an admin run `create schema vms authorization` for this user",
                &e,
            )
        })?;
    }
    embedded::migrations::runner()
        .set_migration_table_name(TABLE)
        .run_async(client)
        .await
        .map_err(|e| format!("the schema could not be brought from version {from} to {}: {}", known(), chain(&e)))?;
    Ok(Migrated { from, to: known() })
}

/// Where refinery keeps what it did.
const TABLE: &str = "schema_history";

async fn version(client: &Client) -> Result<i64, String> {
    let table = format!("{SCHEMA}.{TABLE}");
    let there = client
        .query_one("select to_regclass($1) is not null", &[&table])
        .await
        .map_err(|e| failed("the schema cannot be looked at", &e))?;
    if !there.get::<_, bool>(0) {
        return Ok(0);
    }
    let newest = format!("select coalesce(max(version), 0)::bigint from {table}");
    let row = client.query_one(&newest, &[]).await.map_err(|e| failed("the schema's version cannot be read", &e))?;
    Ok(row.get(0))
}

fn judge(found: i64) -> Result<(), String> {
    let known = known();
    if found > known {
        return Err(format!(
            "the database has schema {found}, this program knows up to {known}: update this node's program; until then \
             everything is kept in the journal"
        ));
    }
    Ok(())
}

fn failed(doing: &str, e: &tokio_postgres::Error) -> String {
    format!("{doing}: {}", causes(e))
}

/// An error with what lies behind it.
fn chain(e: &dyn std::error::Error) -> String {
    let mut text = e.to_string();
    let mut next = e.source();
    while let Some(e) = next {
        let more = e.downcast_ref::<tokio_postgres::Error>().map_or_else(|| e.to_string(), causes);
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = e.source();
    }
    text
}
