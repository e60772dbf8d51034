//! A supervised connection for looking and for jobs: bounded in time, and its errors in words.

use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use crate::historian::link::{Moving, end_text, open};
use crate::historian::target::{Target, causes};

/// Longest time for one question of a look; the server itself gives up before that.
pub(super) const ANSWER_DEADLINE: Duration = Duration::from_secs(8);

/// What every session of ours begins with; a look reads only, and waits for nobody.
pub(super) const LOOKING: &str =
    "set statement_timeout = '4s'; set lock_timeout = '1s'; set default_transaction_read_only = on";

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CareError {
    /// The server cannot be reached or does not answer.
    #[error("{0}")]
    Away(String),
    /// The role may not do it.
    #[error("{0}")]
    NotAllowed(String),
    /// Somebody else does such a job already.
    #[error("{0}")]
    Busy(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl CareError {
    /// What the server answered, in words.
    pub(super) fn of(e: &Error) -> Self {
        match e.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Self::NotAllowed(words(e)),
            None => Self::Away(words(e)),
            Some(_) => Self::Failed(words(e)),
        }
    }
}

/// An open connection with what moves it.
pub(super) struct Server {
    /// What questions are asked through.
    pub(super) client: Client,
    moving: Moving,
}

impl Server {
    /// Connects and sets the session up.
    pub(super) async fn open(target: &Target, settings: &str) -> Result<Self, CareError> {
        let (client, moving) = open(target).await.map_err(CareError::Away)?;
        let mut server = Self { client, moving };
        server.ask(async |c| c.batch_execute(settings).await).await?.map_err(|e| CareError::of(&e))?;
        Ok(server)
    }

    /// Does something with the client while its traffic is moved; gives up after a while.
    pub(super) async fn ask<T>(&mut self, work: impl AsyncFnOnce(&Client) -> T) -> Result<T, CareError> {
        tokio::select! {
            biased;
            done = work(&self.client) => Ok(done),
            end = &mut self.moving => Err(CareError::Away(end_text(end))),
            () = tokio::time::sleep(ANSWER_DEADLINE) => Err(CareError::Away(format!(
                "no answer in {} s; see whether the server hangs or its disk is full",
                ANSWER_DEADLINE.as_secs()
            ))),
        }
    }

    /// Its parts, for whoever polls them itself.
    pub(super) fn parts(&mut self) -> (&Client, &mut Moving) {
        (&self.client, &mut self.moving)
    }
}

/// Why a question was not answered and what to do, short.
pub(super) fn words(e: &Error) -> String {
    match e.code() {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            format!("not allowed ({}); as a superuser: GRANT pg_monitor TO the role of historian.url", causes(e))
        }
        Some(&SqlState::LOCK_NOT_AVAILABLE) => "somebody holds a lock on it; look at the blocking sessions".into(),
        Some(&SqlState::QUERY_CANCELED) => format!("it took too long or was cancelled ({})", causes(e)),
        _ => match e.as_db_error().and_then(tokio_postgres::error::DbError::detail) {
            Some(detail) => format!("{} ({})", causes(e), detail.trim_end_matches('.')),
            None => causes(e),
        },
    }
}
