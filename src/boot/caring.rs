//! `vms db`: what is asked of the database directly, with or without a running engine.

use std::sync::Arc;

use super::running::user;
use super::serving::record_care;
use crate::base::error::{Exit, Failure};
use crate::cli::Globals;
use crate::config::sections::{Config, Historian};
use crate::historian::care::{self, CareError, Plan};
use crate::model::database::{CareJob, CareRecord, DatabaseReport, JobBoard, Session};

/// The database of the configuration, and a runtime to ask it on.
pub struct Database {
    cfg: Historian,
    /// The configuration.
    pub config: Config,
    runtime: tokio::runtime::Runtime,
}

impl Database {
    /// Reads the configuration.
    ///
    /// # Errors
    /// A bad configuration, or one without a database.
    pub fn of(globals: &Globals) -> Result<Self, Failure> {
        let config = globals.load()?.config;
        let Some(cfg) = config.historian.clone() else {
            let text = format!("{} names no database; add [historian] with its url", globals.config.display());
            return Err(Failure::new(Exit::BadConfig, text));
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Failure::new(Exit::Io, format!("cannot start: {e}")))?;
        Ok(Self { cfg, config, runtime })
    }

    /// Its address, without password.
    pub fn url(&self) -> &str {
        &self.cfg.url
    }

    /// Looks once.
    ///
    /// # Errors
    /// Exit 1 if it does not answer.
    pub fn look(&self) -> Result<DatabaseReport, Failure> {
        self.runtime.block_on(care::look_once(&self.cfg)).map_err(failure)
    }

    /// What a job would do.
    ///
    /// # Errors
    /// Exit 1 if it does not answer or there is no such table, 77 if the role may not do it.
    pub fn plan(&self, job: CareJob, table: Option<&str>) -> Result<Plan, Failure> {
        self.runtime.block_on(care::plan_once(&self.cfg, job, table)).map_err(failure)
    }

    /// Carries a job out; Ctrl-C stops it on the server too. A running engine puts it into its record.
    ///
    /// # Errors
    /// As [`Self::plan`]; 1 if another job is at it.
    pub fn maintain(
        &self,
        globals: &Globals,
        job: CareJob,
        table: Option<&str>,
        tell: &mut (dyn FnMut(JobBoard) + Send),
    ) -> Result<CareRecord, Failure> {
        let stop = async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let work = care::maintain(&self.cfg, job, table.map(Into::into), user(), stop, tell);
        let record = self.runtime.block_on(work).map_err(failure)?;
        record_care(globals, &record);
        Ok(record)
    }

    /// What a process is doing.
    ///
    /// # Errors
    /// Exit 1 if the server does not answer.
    pub fn find(&self, pid: i32) -> Result<Option<Session>, Failure> {
        self.runtime.block_on(care::find(&self.cfg, pid)).map_err(failure)
    }

    /// Cancels what this connection is doing, or ends it.
    ///
    /// # Errors
    /// Exit 1 if it could not be done, 77 if it is not allowed.
    pub fn cancel(&self, globals: &Globals, session: &Session, end: bool) -> Result<CareRecord, Failure> {
        let who: Arc<str> = user();
        let work = care::cancel(&self.cfg, session.pid, session.began, end, &who);
        let record = self.runtime.block_on(work).map_err(failure)?;
        record_care(globals, &record);
        Ok(record)
    }
}

fn failure(e: CareError) -> Failure {
    let exit = if matches!(&e, CareError::NotAllowed(_)) { Exit::NotAllowed } else { Exit::NotFine };
    match e {
        CareError::Away(t) | CareError::NotAllowed(t) | CareError::Busy(t) | CareError::Failed(t) => {
            Failure::new(exit, t)
        }
    }
}
