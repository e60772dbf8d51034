//! What is known of the database's health, what is done for it, and by which limits it is judged.

mod measure;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::clock::Now;
use measure::SMALL_ROWS;

pub use measure::Measure;

/// Everything that one look at the database told. What could not be found out is `null` or missing, with a line in `unknown`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DatabaseReport {
    /// When the look ended.
    #[serde(skip)]
    pub at: Now,
    /// `PostgreSQL 15.18`.
    pub server: Arc<str>,
    /// Name of the database.
    pub database: Arc<str>,
    /// The role that we are there.
    pub role: Arc<str>,
    /// Since when the server runs.
    pub running_since: Option<Timestamp>,
    /// Time of the first small query of the look, ms.
    pub response_ms: Option<f64>,
    /// Whether the role sees what others do; without that, nothing can be said of them.
    pub sees_others: bool,
    /// Size of the whole database.
    pub size_bytes: Option<u64>,
    /// Growth of all tables together, bytes a day; none while it is not known.
    pub growth_bytes_per_day: Option<f64>,
    /// Connections in use.
    pub connections_used: Option<u32>,
    /// Connections that there can be.
    pub connections_max: Option<u32>,
    /// Share of pages found in memory, percent.
    pub cache_hit_percent: Option<f64>,
    /// Checkpoints that came by the clock, and those that came because too much was written.
    pub checkpoints: Option<(u64, u64)>,
    /// How far the transaction numbers are used up before the server must freeze, percent.
    pub wraparound_percent: Option<f64>,
    /// Tables, the largest first; partitions are counted in with their parent.
    pub tables: Arc<[TableReport]>,
    /// Indexes that are invalid or never used.
    pub indexes: Arc<[IndexReport]>,
    /// Queries by their mean time.
    pub statements: Statements,
    /// Mean time of the query that was slowest over the last hour, ms; none before two looks.
    pub slowest_recent_ms: Option<f64>,
    /// What is being done in the database now, the longest first.
    pub sessions: Arc<[Session]>,
    /// Replicas of this server.
    pub replicas: Arc<[Replica]>,
    /// What would be better otherwise.
    pub advice: Arc<[Advice]>,
    /// What could not be found out, and why.
    pub unknown: Arc<[Arc<str>]>,
}

/// A table with its indexes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TableReport {
    /// `schema.name`.
    pub name: Arc<str>,
    /// Of how many tables it consists; more than one for a partitioned table.
    pub parts: u32,
    /// Its size with indexes and whatever belongs to it.
    pub size_bytes: u64,
    /// Of these, indexes.
    pub index_bytes: u64,
    /// Rows, as the statistics estimate them.
    pub rows: u64,
    /// Rows that are dead and still take room.
    pub dead_rows: u64,
    /// Growth, bytes a day; none while it is not known.
    pub growth_bytes_per_day: Option<f64>,
    /// Room that is taken and not needed, estimated; none without statistics.
    pub bloat_bytes: Option<u64>,
    /// Newest vacuum, by hand or by itself.
    pub last_vacuum: Option<Timestamp>,
    /// Newest analyse, by hand or by itself.
    pub last_analyze: Option<Timestamp>,
}

impl TableReport {
    /// Share of dead rows, percent; none for a table with so few rows that it says nothing.
    #[must_use]
    pub fn dead_percent(&self) -> Option<f64> {
        let all = self.rows + self.dead_rows;
        (all >= SMALL_ROWS).then(|| 100.0 * self.dead_rows as f64 / all as f64)
    }
}

/// Why an index is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexFault {
    /// It is not complete, so no query uses it, and every write still pays for it.
    Invalid,
    /// It is a leaving of an interrupted REINDEX CONCURRENTLY: nothing needs it.
    Leftover,
    /// No query has used it since the statistics began.
    Unused,
}

impl IndexFault {
    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Leftover => "leftover",
            Self::Unused => "unused",
        }
    }
}

/// An index that is not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IndexReport {
    /// `schema.name`.
    pub name: Arc<str>,
    /// Its table.
    pub table: Arc<str>,
    /// Its size.
    pub size_bytes: u64,
    /// What is wrong.
    pub fault: IndexFault,
}

/// What `pg_stat_statements` tells.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Statements {
    /// Queries, the slowest mean first.
    Known(Arc<[Statement]>),
    /// Nothing, and how it would.
    Missing(Arc<str>),
}

impl Default for Statements {
    fn default() -> Self {
        Self::Missing("not asked yet".into())
    }
}

impl Statements {
    /// The queries, where they are known.
    #[must_use]
    pub fn list(&self) -> &[Statement] {
        match self {
            Self::Known(list) => list,
            Self::Missing(_) => &[],
        }
    }
}

/// A query, its values replaced by `$1`, `$2`….
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statement {
    /// The server's number for it.
    pub id: i64,
    /// Its text, shortened.
    pub query: Arc<str>,
    /// How often it was run since the statistics began.
    pub calls: u64,
    /// All its runs together, ms.
    pub total_ms: f64,
    /// A run on the average, ms.
    pub mean_ms: f64,
    /// The longest run, ms.
    pub max_ms: f64,
}

/// A connection that does something, or holds something up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Session {
    /// Process on the server.
    pub pid: i32,
    /// When the connection began: with the pid it names this connection and no later one.
    pub began: Option<Timestamp>,
    /// Role.
    pub role: Arc<str>,
    /// Program.
    pub application: Arc<str>,
    /// Where from; `local` for a socket.
    pub client: Arc<str>,
    /// `active`, `idle in transaction`….
    pub state: Arc<str>,
    /// What it waits for.
    pub waits_for: Option<Arc<str>>,
    /// How long its query runs, or its transaction stands idle, s.
    pub running_s: Option<f64>,
    /// The query, shortened; secrets in it are hidden.
    pub query: Arc<str>,
    /// Processes that it waits for.
    pub blocked_by: Vec<i32>,
    /// Whether it belongs to this program (then it cannot be cancelled here, except a care job).
    pub ours: bool,
}

impl Session {
    /// Whether it may be cancelled from here: not what stores our own data.
    #[must_use]
    pub fn cancellable(&self) -> bool {
        !self.ours || &*self.application == JOB_APPLICATION
    }

    /// Whether it stands idle within a transaction, so that only ending its connection frees what it holds.
    #[must_use]
    pub fn idle_in_transaction(&self) -> bool {
        self.state.starts_with("idle in transaction")
    }
}

/// Under this name a job of ours works on the server.
pub const JOB_APPLICATION: &str = "vms care";

/// A replica.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replica {
    /// Its name or address.
    pub name: Arc<str>,
    /// `streaming`, `catchup`….
    pub state: Arc<str>,
    /// How far it is behind, s.
    pub lag_s: Option<f64>,
    /// How far it is behind, bytes.
    pub lag_bytes: Option<u64>,
}

/// Something that would be better otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// Whether this is a danger, and not only worth a thought.
    pub serious: bool,
    /// What was found.
    pub found: Arc<str>,
    /// What would be right, and how.
    pub right: Arc<str>,
}

/// What is done for the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CareJob {
    /// VACUUM (ANALYZE).
    Vacuum,
    /// REINDEX CONCURRENTLY.
    Reindex,
    /// A query is cancelled.
    Cancel,
}

impl CareJob {
    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Vacuum => "vacuum",
            Self::Reindex => "reindex",
            Self::Cancel => "cancel",
        }
    }

    /// As PostgreSQL calls it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Vacuum => "VACUUM ANALYZE",
            Self::Reindex => "REINDEX",
            Self::Cancel => "cancel",
        }
    }
}

/// What somebody wants done for the database.
#[derive(Clone, Debug, PartialEq)]
pub enum DatabaseWish {
    /// Vacuum and analyse one table, or all.
    Vacuum(Option<Arc<str>>),
    /// Build the indexes of one table anew, or all.
    Reindex(Option<Arc<str>>),
    /// Cancel what this connection is doing.
    Cancel {
        /// Its process.
        pid: i32,
        /// When it began.
        began: Option<Timestamp>,
        /// End the connection: a transaction that stands idle has no query that could be cancelled.
        end: bool,
    },
    /// Stop the job that is running.
    StopJob,
}

impl DatabaseWish {
    /// In a few words.
    #[must_use]
    pub fn words(&self) -> String {
        let of = |t: &Option<Arc<str>>| t.as_ref().map_or_else(|| "all tables".to_owned(), ToString::to_string);
        match self {
            Self::Vacuum(t) => format!("VACUUM ANALYZE of {}", of(t)),
            Self::Reindex(t) => format!("REINDEX of {}", of(t)),
            Self::Cancel { pid, end: true, .. } => format!("end the connection of process {pid}"),
            Self::Cancel { pid, .. } => format!("cancel the query of process {pid}"),
            Self::StopJob => "stop the database job".into(),
        }
    }
}

/// Sizes before or after a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CareFigures {
    /// The tables with their indexes.
    pub size_bytes: u64,
    /// Of these, indexes.
    pub index_bytes: u64,
    /// Dead rows.
    pub dead_rows: u64,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CareRecord {
    /// What was done.
    pub job: CareJob,
    /// To which table; none for all.
    pub table: Option<Arc<str>>,
    /// Who asked for it; `vms` by the timetable.
    pub who: Arc<str>,
    /// Whether all of it went well.
    pub passed: bool,
    /// What came of it, in words.
    pub text: Arc<str>,
    /// How long it took, s.
    pub seconds: f64,
    /// Before.
    pub before: Option<CareFigures>,
    /// After.
    pub after: Option<CareFigures>,
}

/// A job that is running.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobBoard {
    /// What is being done.
    pub job: CareJob,
    /// To which table; none for all.
    pub table: Option<Arc<str>>,
    /// Who asked for it.
    pub who: Arc<str>,
    /// Since when.
    #[serde(skip)]
    pub since: Now,
    /// The table or index that it is at.
    pub at: Arc<str>,
    /// What the server says it is doing with it.
    pub phase: Arc<str>,
    /// How much of this one is done, percent.
    pub percent: Option<f64>,
    /// Which of how many.
    pub step: (u32, u32),
}

/// A job and when it comes by itself the next time; none where it does not.
pub type Planned = (CareJob, Option<Timestamp>);

/// The database as the board shows it.
#[derive(Clone, Debug, Default)]
pub struct DatabaseBoard {
    /// The newest look; none before the first.
    pub report: Option<Arc<DatabaseReport>>,
    /// Why there is no newer one.
    pub text: Option<Arc<str>>,
    /// The job that is running.
    pub job: Option<Arc<JobBoard>>,
    /// How the newest job of this run of the engine ended.
    pub last: Option<Arc<CareRecord>>,
    /// When jobs come by themselves.
    pub planned: Vec<Planned>,
}
