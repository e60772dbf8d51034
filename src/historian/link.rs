//! One connection to the server: opened, asked and given up within deadlines.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::target::{Target, causes};
use crate::base::clock::Clock;

/// How long connecting may take.
pub(super) const CONNECT_DEADLINE: Duration = Duration::from_secs(2);

/// How long the query may take; a server that needs longer is as good as lost.
pub(super) const QUERY_DEADLINE: Duration = Duration::from_secs(3);

/// A small query that reads real files: the size of the database.
const QUERY: &str = "select pg_database_size(current_database()), current_setting('server_version')";

/// What one query told.
pub(super) struct Measured {
    /// From asking to the whole answer, ms.
    pub(super) response_ms: f64,
    /// Size of the database, bytes.
    pub(super) size_bytes: Option<u64>,
    /// `PostgreSQL 15.18`.
    pub(super) server: String,
}

/// What moves a connection's traffic: to be polled beside whatever uses the client; it ends when the connection does.
pub(super) type Moving = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

/// Connects within the deadline, encrypted where the target says so; says why not and what to do.
pub(super) async fn open(target: &Target) -> Result<(Client, Moving), String> {
    let connecting = async {
        if let Some(tls) = target.tls() {
            let (client, connection) = target.config().connect(tls.clone()).await?;
            return Ok((client, Box::pin(connection) as Moving));
        }
        let (client, connection) = target.config().connect(NoTls).await?;
        Ok((client, Box::pin(connection) as Moving))
    };
    match timeout(CONNECT_DEADLINE, connecting).await {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(e)) => Err(target.explain(&e)),
        Err(_) => Err(format!(
            "{} took the connection and did not answer in {} s; see whether the server hangs",
            target.place(),
            CONNECT_DEADLINE.as_secs()
        )),
    }
}

/// An open connection. Its traffic is moved only while one of its methods is awaited, so no task of its own is needed.
pub(super) struct Link {
    client: Client,
    connection: Moving,
}

impl Link {
    /// Connects within the deadline.
    pub(super) async fn open(target: &Target) -> Result<Self, String> {
        open(target).await.map(|(client, connection)| Self { client, connection })
    }

    /// Asks once, within the deadline.
    pub(super) async fn measure(&mut self, clock: &dyn Clock) -> Result<Measured, String> {
        let start = clock.now().mono;
        let answer = tokio::select! {
            answer = timeout(QUERY_DEADLINE, self.client.simple_query(QUERY)) => answer,
            end = &mut self.connection => return Err(end_text(end)),
        };
        let response_ms = clock.now().mono.secs_since(start) * 1000.0;
        let messages = match answer {
            Ok(Ok(messages)) => messages,
            Ok(Err(e)) => return Err(format!("the query failed: {}", causes(&e))),
            Err(_) => {
                return Err(format!(
                    "no answer to a small query in {} s; see whether the server hangs or its disk is full",
                    QUERY_DEADLINE.as_secs()
                ));
            }
        };
        let row = messages.iter().find_map(|m| match m {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let size_bytes = row.and_then(|r| r.try_get(0).ok().flatten()).and_then(|s| s.parse().ok());
        let version = row.and_then(|r| r.try_get(1).ok().flatten()).and_then(|v| v.split(' ').next());
        Ok(Measured { response_ms, size_bytes, server: format!("PostgreSQL {}", version.unwrap_or("?")) })
    }

    /// Completes when the server ends the connection; says how.
    pub(super) async fn closed(&mut self) -> String {
        end_text((&mut self.connection).await)
    }
}

pub(super) fn end_text(end: Result<(), tokio_postgres::Error>) -> String {
    match end {
        Ok(()) => "the server closed the connection".into(),
        Err(e) => format!("the connection broke: {}", causes(&e)),
    }
}
