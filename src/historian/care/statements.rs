//! The queries that `pg_stat_statements` counts, or how to get it.

use std::sync::Arc;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Row};

use super::parts::shown;
use super::server::words;
use super::sql;
use crate::model::database::{Statement, Statements};

const PRELOAD: &str = "in postgresql.conf: shared_preload_libraries = 'pg_stat_statements'; restart the server";
const CREATE: &str = "in this database, as a superuser: CREATE EXTENSION pg_stat_statements";

/// Reads the counted queries; what is missing for that is told with what to do.
pub(super) async fn read(client: &Client) -> Result<Statements, Error> {
    match counted(client).await {
        Ok(Some(list)) => Ok(Statements::Known(list.into())),
        Ok(None) => Ok(Statements::Missing(format!("{PRELOAD}; {CREATE}").into())),
        Err(e) if e.is_closed() => Err(e),
        // It is installed in the database, and the server was started without it.
        Err(e) if e.code() == Some(&SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE) => {
            Ok(Statements::Missing(PRELOAD.into()))
        }
        Err(e) => Ok(Statements::Missing(format!("the counted queries cannot be read: {}", words(&e)).into())),
    }
}

async fn counted(client: &Client) -> Result<Option<Vec<Statement>>, Error> {
    let Some(schema) = client.query_opt(sql::STATEMENTS_SCHEMA, &[]).await? else { return Ok(None) };
    let query = sql::STATEMENTS.replace("{}", schema.try_get(0)?);
    let rows = client.query(&query, &[]).await?;
    rows.iter().map(statement).collect::<Result<_, _>>().map(Some)
}

fn statement(r: &Row) -> Result<Statement, Error> {
    Ok(Statement {
        id: r.try_get(0)?,
        query: r.try_get::<_, Option<&str>>(1)?.map_or_else(|| Arc::from(""), shown),
        calls: r.try_get::<_, i64>(2)?.max(0) as u64,
        total_ms: r.try_get(3)?,
        mean_ms: r.try_get(4)?,
        max_ms: r.try_get(5)?,
    })
}
