//! What is known of the database's health, what is done for it, and by which limits it is judged.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::clock::Now;

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

/// A table with fewer rows than this is not judged by its dead ones.
const SMALL_ROWS: u64 = 10_000;
/// Connections in use, percent.
const CONNECTIONS_PERCENT: f64 = 80.0;
/// A query or an open transaction that is older than this holds up vacuum and locks, s.
const LONGEST_S: f64 = 300.0;
/// Waiting for a lock for less than this is everyday business, s.
const BLOCKED_S: f64 = 5.0;
/// Dead rows of a table: by itself the server cleans up at 20 % (`autovacuum_vacuum_scale_factor`).
const DEAD_PERCENT: f64 = 30.0;
/// Transaction numbers used up, percent; by itself the server freezes at 10 %.
const WRAPAROUND_PERCENT: f64 = 40.0;
/// A replica behind, s.
const LAG_S: f64 = 30.0;

/// A figure of the database against its limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// `database.connections`.
    pub id: &'static str,
    /// What it is.
    pub name: &'static str,
    /// Its value; none where it is not known.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: &'static str,
    /// At and above this it is not well; none where there is no limit.
    pub limit: Option<f64>,
    /// Which table, query or process it is about.
    pub text: Option<Arc<str>>,
}

impl Measure {
    /// Whether it is within its limit; none where it is not known.
    #[must_use]
    pub fn fine(&self) -> Option<bool> {
        match (self.value, self.limit) {
            (_, None) => Some(true),
            (None, _) => None,
            (Some(v), Some(l)) => Some(v < l),
        }
    }
}

impl DatabaseReport {
    /// The figures that are held against limits: the same for the console, the alarms and `vms db status`.
    #[must_use]
    pub fn measures(&self, response_limit_ms: f64) -> Vec<Measure> {
        let of = |id, name, value, unit, limit| Measure { id, name, value, unit, limit, text: None };
        let percent = self.connections_used.zip(self.connections_max).filter(|(_, max)| *max > 0);
        let used = percent.map(|(used, max)| 100.0 * f64::from(used) / f64::from(max));
        let mut out = vec![
            of("database.growth", "Growth a day", self.growth_bytes_per_day, "B", None),
            of("database.connections", "Connections used", used, "%", Some(CONNECTIONS_PERCENT)),
        ];
        if out[0].value.is_none() {
            out[0].text = Some("growth is not known yet: it needs an hour of sizes".into());
        }
        let told = self.told("activity") && self.sees_others;
        let longest = self.longest();
        let mut longest_m = of(
            "database.longest",
            "Longest query",
            told.then_some(longest.map_or(0.0, |s| s.running_s.unwrap_or(0.0))),
            "s",
            Some(LONGEST_S),
        );
        let blind: Option<Arc<str>> = (!self.sees_others)
            .then(|| format!("{0} does not see what others do: GRANT pg_monitor TO {0}", self.role).into());
        longest_m.text = blind
            .clone()
            .or_else(|| longest.map(|s| format!("process {} ({}): {}", s.pid, s.application, s.query).into()));
        out.push(longest_m);
        let blocked: Vec<&Session> = self.blocked().collect();
        let mut blocked_m =
            of("database.blocked", "Blocked queries", told.then_some(blocked.len() as f64), "", Some(1.0));
        blocked_m.text = blind.or_else(|| {
            blocked.first().map(|s| {
                let by: Vec<String> = s.blocked_by.iter().map(ToString::to_string).collect();
                format!("process {} waits for process {}", s.pid, by.join(", ")).into()
            })
        });
        out.push(blocked_m);
        let worst = self.tables.iter().filter_map(|t| Some((t, t.dead_percent()?))).max_by(|a, b| a.1.total_cmp(&b.1));
        let dead = self.told("tables").then_some(worst.map_or(0.0, |w| w.1));
        let mut dead_m = of("database.dead", "Dead rows, worst table", dead, "%", Some(DEAD_PERCENT));
        dead_m.text = worst.map(|(t, _)| Arc::clone(&t.name));
        out.push(dead_m);
        let mut slow =
            of("database.slowest", "Slowest query, mean", self.slowest_recent_ms, "ms", Some(response_limit_ms));
        slow.text = match &self.statements {
            Statements::Missing(why) => {
                // What is not counted on purpose is held against nothing.
                slow.limit = None;
                Some(Arc::clone(why))
            }
            Statements::Known(_) if self.slowest_recent_ms.is_none() => Some("no query has been counted yet".into()),
            Statements::Known(_) => None,
        };
        out.push(slow);
        let invalid = self.invalid().count() as f64;
        let mut index =
            of("database.invalid-indexes", "Invalid indexes", self.told("indexes").then_some(invalid), "", Some(1.0));
        index.text = self.invalid().next().map(|i| Arc::clone(&i.name));
        out.push(index);
        out.push(of(
            "database.wraparound",
            "Transaction ids used",
            self.wraparound_percent,
            "%",
            Some(WRAPAROUND_PERCENT),
        ));
        if let Some(r) = self.replicas.iter().max_by(|a, b| a.lag_s.unwrap_or(0.0).total_cmp(&b.lag_s.unwrap_or(0.0))) {
            let mut lag = of("database.lag", "Replica behind", r.lag_s, "s", Some(LAG_S));
            lag.text = Some(Arc::clone(&r.name));
            out.push(lag);
        }
        out
    }

    /// Whether a part of the look told something.
    fn told(&self, part: &str) -> bool {
        !self.unknown.iter().any(|u| u.starts_with(part))
    }

    /// What has been running longest, jobs of ours and the server's own vacuums left out.
    #[must_use]
    pub fn longest(&self) -> Option<&Session> {
        let people = self.sessions.iter().filter(|s| !s.ours && &*s.state != "autovacuum");
        people.max_by(|a, b| a.running_s.unwrap_or(0.0).total_cmp(&b.running_s.unwrap_or(0.0)))
    }

    /// What has waited for another's lock for long.
    pub fn blocked(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(|s| !s.blocked_by.is_empty() && s.running_s.is_some_and(|t| t >= BLOCKED_S))
    }

    /// Indexes that are invalid, leavings included.
    pub fn invalid(&self) -> impl Iterator<Item = &IndexReport> {
        self.indexes.iter().filter(|i| i.fault != IndexFault::Unused)
    }

    /// Size in so many days at the present growth; none while that is not known.
    #[must_use]
    pub fn size_in_days(&self, days: f64) -> Option<u64> {
        let grown = self.size_bytes? as f64 + self.growth_bytes_per_day? * days;
        Some(grown.max(0.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(r: &DatabaseReport, id: &str) -> (Option<f64>, Option<bool>) {
        let all = r.measures(1000.0);
        let m = all.iter().find(|m| m.id == id).unwrap();
        (m.value, m.fine())
    }

    #[test]
    fn figures_are_held_against_their_limits() {
        let table =
            |rows, dead_rows| TableReport { name: "vms.event".into(), rows, dead_rows, ..TableReport::default() };
        let r = DatabaseReport {
            connections_used: Some(81),
            connections_max: Some(100),
            sees_others: true,
            tables: Arc::new([table(90, 9000), table(60_000, 40_000)]),
            ..DatabaseReport::default()
        };
        assert_eq!(value(&r, "database.connections"), (Some(81.0), Some(false)));
        assert_eq!(value(&r, "database.dead"), (Some(40.0), Some(false)), "the small table says nothing");
        assert_eq!(value(&r, "database.longest"), (Some(0.0), Some(true)));
        assert_eq!(value(&r, "database.slowest"), (None, Some(true)), "not counted, so held against nothing");
        let counted = DatabaseReport { statements: Statements::Known(Arc::new([])), ..r.clone() };
        assert_eq!(value(&counted, "database.slowest"), (None, None));
        assert_eq!(value(&r, "database.growth"), (None, Some(true)));
        let blind = DatabaseReport { sees_others: false, role: "vms".into(), ..r.clone() };
        assert_eq!(value(&blind, "database.longest"), (None, None), "nothing seen is not nothing there");
        let why = blind.measures(1.0).into_iter().find(|m| m.id == "database.blocked").and_then(|m| m.text);
        assert!(why.is_some_and(|t| t.contains("GRANT pg_monitor TO vms")));
        assert!(!r.measures(1.0).iter().any(|m| m.id == "database.lag"), "no replica, no lag");
        let unread = DatabaseReport { unknown: Arc::new(["activity: not allowed".into()]), ..r };
        assert_eq!(value(&unread, "database.blocked"), (None, None), "what is not known is not zero");
    }
}
