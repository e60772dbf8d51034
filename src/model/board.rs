//! What is true now: an immutable snapshot, published whole.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::alarm::Alarm;
use super::bus::{BusFrame, PlcBoard};
use super::camera::{CameraBoard, Snapshot};
use super::database::DatabaseBoard;
use super::event::Event;
use super::fleet::NodeState;
use super::history::Answer;
use super::host::HostReport;
use super::logs::{LogPage, LogReport};
use super::mail::MailBoard;
use super::startup::StartBoard;
use super::upkeep::UpkeepBoard;
use crate::base::clock::Now;

/// State of the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineState {
    /// Starting.
    #[default]
    Starting,
    /// Running.
    Running,
    /// Ending in order.
    Stopping,
}

impl EngineState {
    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
        }
    }
}

/// The engine itself.
#[derive(Clone, Debug)]
pub struct EngineBoard {
    /// Version of the program.
    pub version: Arc<str>,
    /// Process id.
    pub pid: u32,
    /// When it started.
    pub started: Now,
    /// Its state.
    pub state: EngineState,
    /// What was lost because a bounded queue was full: what, how many since the start.
    pub dropped: Vec<(Arc<str>, u64)>,
}

/// Where an indicator belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// CPU, memory.
    Host,
    /// Disks.
    Disks,
    /// Network interfaces.
    Network,
    /// Cameras.
    Cameras,
    /// PLCs.
    Plc,
    /// Database.
    Database,
    /// The local journal.
    Journal,
    /// Logs.
    Logs,
}

impl Group {
    /// The heading shown.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::Disks => "Disks",
            Self::Network => "Network",
            Self::Cameras => "Cameras",
            Self::Plc => "PLC",
            Self::Database => "Database",
            Self::Journal => "Journal",
            Self::Logs => "Logs",
        }
    }
}

/// On which side of its limit a value is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// Bad at or above the limit.
    High,
    /// Bad at or below the limit.
    Low,
}

/// State of an indicator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndicatorState {
    /// Within its limit, or without one.
    Normal,
    /// Beyond its limit.
    Exceeded,
    /// Not known.
    #[default]
    Unknown,
}

/// A health indicator.
#[derive(Clone, Debug)]
pub struct Indicator {
    /// Stable name: `cpu`, `disk./`, `camera.deck-east.latency`, `database.response`.
    pub id: Arc<str>,
    /// Where it belongs.
    pub group: Group,
    /// What it is.
    pub name: Arc<str>,
    /// Its value now.
    pub value: Option<f64>,
    /// Unit: `%`, `ms`, `B`, `B/s`, `/min`.
    pub unit: &'static str,
    /// Its limit.
    pub limit: Option<f64>,
    /// On which side of the limit it is bad.
    pub sense: Sense,
    /// Against the limit.
    pub state: IndicatorState,
    /// When the value was measured.
    pub at: Option<Now>,
    /// History, oldest first, one value every `history_step`; NaN where unknown.
    pub history: Arc<[f32]>,
    /// Distance of two values of the history.
    pub history_step: Duration,
    /// Time until the limit is reached at the present trend; none where it is not approached.
    pub forecast: Option<Duration>,
    /// Why the value is not known, or what to do.
    pub text: Option<Arc<str>>,
}

/// State of the link to PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HistorianState {
    /// Not configured.
    #[default]
    Off,
    /// Being connected for the first time.
    Connecting,
    /// It answers.
    Live,
    /// It does not answer.
    Lost,
}

impl HistorianState {
    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Lost => "lost",
        }
    }
}

/// The link to PostgreSQL.
#[derive(Clone, Debug, Default)]
pub struct HistorianBoard {
    /// Its state.
    pub state: HistorianState,
    /// Time of a small real query, ms.
    pub response_ms: Option<f64>,
    /// Size of the database, bytes.
    pub size_bytes: Option<u64>,
    /// Version of the server.
    pub server: Option<Arc<str>>,
    /// Why it is not live.
    pub text: Option<Arc<str>>,
    /// When this was measured.
    pub at: Option<Now>,
}

/// What becomes of the journal's rows on their way to PostgreSQL.
#[derive(Clone, Debug, Default)]
pub struct ForwardBoard {
    /// Rows that wait in the journal; none while they cannot be counted.
    pub queued: Option<u64>,
    /// Rows sent since the start.
    pub sent: u64,
    /// Rows a second over the newest seconds.
    pub rows_per_s: Option<f64>,
    /// The schema's version, once seen.
    pub schema: Option<i64>,
    /// Why nothing is sent.
    pub fault: Option<Arc<str>>,
    /// When this was counted.
    pub at: Option<Now>,
}

/// The local journal.
#[derive(Clone, Debug, Default)]
pub struct JournalBoard {
    /// Events written since it began.
    pub events: u64,
    /// When the newest event happened.
    pub last_event: Option<Timestamp>,
    /// Number of the newest event that is synced to the disk.
    pub durable_seq: u64,
    /// Events that wait for the disk.
    pub waiting: u64,
    /// Events that had to be dropped since the start.
    pub dropped: u64,
    /// Size of the file, bytes.
    pub size_bytes: Option<u64>,
    /// Duration of the newest commit, ms.
    pub commit_ms: Option<f64>,
    /// What is wrong with it.
    pub fault: Option<Arc<str>>,
}

/// A fault that the demonstration can inject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoFault {
    /// Its id: `camera-lost:deck`.
    pub id: Arc<str>,
    /// In words.
    pub title: Arc<str>,
    /// Whether it is on.
    pub on: bool,
}

/// What is true now.
#[derive(Clone, Debug)]
pub struct Board {
    /// When this was put together.
    pub at: Now,
    /// Name of the site.
    pub site: Arc<str>,
    /// Name of this node.
    pub node: Arc<str>,
    /// The site's time zone; every time shown is in it.
    pub time_zone: TimeZone,
    /// The engine.
    pub engine: EngineBoard,
    /// Cameras, in the configuration's order.
    pub cameras: Vec<Arc<CameraBoard>>,
    /// PLCs, in the configuration's order.
    pub plcs: Vec<Arc<PlcBoard>>,
    /// Newest frames of all lines, oldest first.
    pub traffic: Arc<[BusFrame]>,
    /// The computer; none before the first report.
    pub host: Option<Arc<HostReport>>,
    /// Every health indicator, by group.
    pub indicators: Arc<[Indicator]>,
    /// Log files; none before the first report.
    pub logs: Option<Arc<LogReport>>,
    /// The newest answers to questions about log files; the newest last.
    pub log_pages: Arc<[Arc<LogPage>]>,
    /// The sending of mail.
    pub mail: Arc<MailBoard>,
    /// The link to PostgreSQL.
    pub historian: HistorianBoard,
    /// The rows on their way there.
    pub forward: ForwardBoard,
    /// The database's health, and what is done for it.
    pub database: DatabaseBoard,
    /// The local journal.
    pub journal: JournalBoard,
    /// Every node that writes to the same database; empty where there is none, or before it was read.
    pub fleet: Arc<[NodeState]>,
    /// Alarms that are not normal: unacknowledged first, then by priority, then newest.
    pub alarms: Arc<[Alarm]>,
    /// Newest events, oldest first.
    pub events: Arc<[Event]>,
    /// The newest answers to questions about the past; the newest last.
    pub history: Arc<[Arc<Answer>]>,
    /// Maintenance.
    pub upkeep: Arc<UpkeepBoard>,
    /// The program's start, and a restart that is planned.
    pub start: Arc<StartBoard>,
    /// The picture asked for by [`super::intent::IntentKind::Watch`].
    pub snapshot: Option<Arc<Snapshot>>,
    /// Faults that the demonstration can inject; empty in production.
    pub demo: Arc<[DemoFault]>,
}

impl Board {
    /// An empty board: nothing is known yet.
    #[must_use]
    pub fn empty(site: &str, node: &str, time_zone: TimeZone, now: Now) -> Self {
        Self {
            at: now,
            site: site.into(),
            node: node.into(),
            time_zone,
            engine: EngineBoard {
                version: env!("CARGO_PKG_VERSION").into(),
                pid: 0,
                started: now,
                state: EngineState::Starting,
                dropped: Vec::new(),
            },
            cameras: Vec::new(),
            plcs: Vec::new(),
            traffic: Arc::new([]),
            host: None,
            indicators: Arc::new([]),
            logs: None,
            log_pages: Arc::new([]),
            mail: Arc::default(),
            historian: HistorianBoard::default(),
            forward: ForwardBoard::default(),
            database: DatabaseBoard::default(),
            journal: JournalBoard::default(),
            fleet: Arc::new([]),
            alarms: Arc::new([]),
            events: Arc::new([]),
            history: Arc::new([]),
            upkeep: Arc::default(),
            start: Arc::default(),
            snapshot: None,
            demo: Arc::new([]),
        }
    }

    /// The worst unacknowledged alarm.
    #[must_use]
    pub fn worst_unacknowledged(&self) -> Option<&Alarm> {
        self.alarms
            .iter()
            .filter(|a| a.state.unacknowledged())
            .max_by(|a, b| (a.state.active(), a.priority, a.since).cmp(&(b.state.active(), b.priority, b.since)))
    }
}
