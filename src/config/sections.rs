//! The checked sections: what each room gets. Every value here has passed its check.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;

use crate::model::alarm::Priority;
use crate::model::bus::{Access, Table};
use crate::model::compensation::Compensations;
use crate::model::quantity::Quantity;
use crate::model::timetable::Timetable;
use crate::model::vibration::{LimitKind, Role};
use crate::model::{CameraId, PlcId, RoiId, TagId};

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[site]`
    pub site: Site,
    /// `[[camera]]`
    pub cameras: Vec<Camera>,
    /// `[[plc]]`
    pub plcs: Vec<Plc>,
    /// `[journal]`
    pub journal: Journal,
    /// `[historian]`; none where there is no PostgreSQL.
    pub historian: Option<Historian>,
    /// `[recording]`
    pub recording: Recording,
    /// `[resources]`
    pub resources: Resources,
    /// `[logs]`
    pub logs: Logs,
    /// `[mail]`; none where nobody is to be mailed.
    pub mail: Option<Mail>,
    /// `[backup]`
    pub backup: Backup,
    /// `[maintenance]`
    pub maintenance: Maintenance,
    /// `[[contact]]`
    pub contacts: Vec<Contact>,
    /// `[console]`
    pub console: Console,
}

/// Who and where this node is.
#[derive(Clone, Debug)]
pub struct Site {
    /// Name of the site.
    pub name: Arc<str>,
    /// Name of this node.
    pub node: Arc<str>,
    /// Name of the time zone (IANA).
    pub time_zone_name: Arc<str>,
    /// The time zone.
    pub time_zone: TimeZone,
}

/// How the stream is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Interleaved in the RTSP connection.
    Tcp,
    /// RTP over UDP.
    Udp,
}

/// A camera.
#[derive(Clone, Debug)]
pub struct Camera {
    /// Its id.
    pub id: CameraId,
    /// Its name for people.
    pub name: Arc<str>,
    /// RTSP address without credentials.
    pub url: Arc<str>,
    /// User name.
    pub username: Option<Arc<str>>,
    /// Password.
    pub password: Option<SecretString>,
    /// Exposure time in ms.
    pub exposure_ms: Option<f64>,
    /// Time from the exposure of the first row to that of the last, in ms.
    pub readout_ms: Option<f64>,
    /// How the stream is carried.
    pub transport: Transport,
    /// Expected frames a second.
    pub expected_fps: Option<f64>,
    /// Scale in mm per pixel.
    pub scale_mm_per_px: Option<f64>,
    /// Whether to record around events.
    pub record: bool,
    /// Whether the camera is used at all.
    pub enabled: bool,
    /// What is taken off the measured motion.
    pub compensate: Compensations,
    /// `[[camera.roi]]`
    pub rois: Vec<Roi>,
}

/// Where a machine's frequency comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum NominalHz {
    /// Fixed.
    Fixed(f64),
    /// A register times a factor.
    Tag {
        /// The tag.
        tag: TagId,
        /// Hz per unit of the register.
        hz_per_unit: f64,
    },
}

/// A region.
#[derive(Clone, Debug)]
pub struct Roi {
    /// Its id, unique over all cameras.
    pub id: RoiId,
    /// x, y, width, height in pixels.
    pub rect: [u32; 4],
    /// What it is there for.
    pub role: Role,
    /// The tag that is true while the machine runs.
    pub running: Option<TagId>,
    /// The machine's own frequency.
    pub nominal_hz: Option<NominalHz>,
    /// How long its baseline is learned from.
    pub baseline: Duration,
    /// Its limits.
    pub limits: Vec<Limit>,
}

/// A limit of a region.
#[derive(Clone, Debug)]
pub struct Limit {
    /// On what.
    pub quantity: Quantity,
    /// Against what.
    pub kind: LimitKind,
    /// Where the warning starts.
    pub warning: Option<f64>,
    /// Where the alarm starts.
    pub alarm: Option<f64>,
    /// Priority of the alarm; the warning's is one lower.
    pub priority: Priority,
    /// How long the value must be at or above the limit before it counts.
    pub on_delay: Duration,
    /// How long it must be below limit less deadband before it is over.
    pub off_delay: Duration,
    /// Deadband in percent of the limit.
    pub deadband_percent: f64,
}

/// Parity of the serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// None (two stop bits, by the Modbus over serial line specification V1.02, 2.5.1).
    None,
    /// Even.
    Even,
    /// Odd.
    Odd,
}

/// A PLC on a serial line.
#[derive(Clone, Debug)]
pub struct Plc {
    /// Its id.
    pub id: PlcId,
    /// The serial port.
    pub port: Arc<str>,
    /// Bits a second.
    pub baud_rate: u32,
    /// Parity.
    pub parity: Parity,
    /// Unit identifier, 1–247.
    pub unit: u8,
    /// Time from poll to poll.
    pub poll_interval: Duration,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// `[[plc.tag]]`
    pub tags: Vec<Tag>,
}

/// What a written tag shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// 1 while any alarm limit of the region is exceeded (acknowledged or not), else 0.
    Alarm(RoiId),
    /// The value of a quantity times 100, rounded, 0–65534; 65535 while it is not known.
    Level(RoiId, Quantity),
    /// Counts up once a poll.
    Heartbeat,
    /// 1 while the engine, every camera and this line are well, else 0.
    Health,
}

/// A tag.
#[derive(Clone, Debug)]
pub struct Tag {
    /// Its id, unique over all PLCs.
    pub id: TagId,
    /// Its table.
    pub table: Table,
    /// Its address, from 0.
    pub address: u16,
    /// Read or written.
    pub access: Access,
    /// For a written tag: what it shows.
    pub source: Option<Source>,
}

/// The local journal: how long what is kept.
#[derive(Clone, Debug)]
pub struct Journal {
    /// Readings per second.
    pub keep_seconds: Duration,
    /// Minutes of every series.
    pub keep_minutes: Duration,
    /// Hours of every series.
    pub keep_hours: Duration,
    /// Waveforms about events.
    pub keep_waveforms: Duration,
    /// Events.
    pub keep_events: Duration,
    /// What has not reached PostgreSQL.
    pub keep_unsent: Duration,
    /// Largest size of the file, bytes.
    pub keep_at_most_bytes: u64,
}

/// PostgreSQL.
#[derive(Clone, Debug)]
pub struct Historian {
    /// Address without password.
    pub url: Arc<str>,
    /// Password.
    pub password: Option<SecretString>,
    /// How long readings per second are kept there.
    pub keep_seconds: Duration,
    /// Minutes of every series.
    pub keep_minutes: Duration,
    /// Waveforms about events.
    pub keep_waveforms: Duration,
    /// Events.
    pub keep_events: Duration,
    /// Rows a second at most while it catches up.
    pub catch_up_rows_per_s: u32,
    /// The certificate of the authority that is believed; none: those that the system believes.
    pub ca_file: Option<PathBuf>,
    /// When the tables are vacuumed and analysed.
    pub vacuum: Timetable,
    /// When the indexes are built anew.
    pub reindex: Timetable,
}

impl Default for Historian {
    /// As the table of keys has them, without an address.
    fn default() -> Self {
        let days = |n: u64| Duration::from_hours(24 * n);
        Self {
            url: "".into(),
            password: None,
            keep_seconds: days(90),
            keep_minutes: days(730),
            keep_waveforms: days(730),
            keep_events: days(7305),
            catch_up_rows_per_s: 50_000,
            ca_file: None,
            vacuum: Timetable::default(),
            reindex: Timetable::default(),
        }
    }
}

impl Default for Journal {
    /// As the table of keys has them.
    fn default() -> Self {
        let days = |n: u64| Duration::from_hours(24 * n);
        Self {
            keep_seconds: days(14),
            keep_minutes: days(60),
            keep_hours: days(3652),
            keep_waveforms: days(400),
            keep_events: days(3652),
            keep_unsent: days(90),
            keep_at_most_bytes: 50 << 30,
        }
    }
}

/// Recording around events.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Directory, relative to the data directory.
    pub directory: PathBuf,
    /// How much before the event.
    pub pre_roll: Duration,
    /// How much after it.
    pub post_roll: Duration,
    /// Free share of the disk to keep.
    pub keep_free_percent: f64,
    /// Largest size of all recordings, bytes.
    pub keep_at_most_bytes: u64,
}

/// Thresholds of the health indicators.
#[derive(Clone, Debug)]
pub struct Resources {
    /// Processors, percent.
    pub cpu_percent: f64,
    /// Memory, percent.
    pub memory_percent: f64,
    /// Free share of every disk, percent.
    pub disk_free_percent: f64,
    /// Latency of a camera.
    pub camera_latency: Duration,
    /// Response time of the database.
    pub database_response: Duration,
    /// Errors a minute over all logs.
    pub log_errors_per_min: f64,
}

/// Log files.
#[derive(Clone, Debug)]
pub struct Logs {
    /// Directory of our own, relative to the data directory.
    pub directory: PathBuf,
    /// Size at which our own is rotated, bytes.
    pub rotate_at_bytes: u64,
    /// How many rotated files are kept.
    pub keep: u32,
    /// Other log files to watch; may hold `*`.
    pub watch: Vec<Arc<str>>,
}

/// Mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Address of the server.
    pub server: Arc<str>,
    /// Whether to ask for TLS.
    pub starttls: bool,
    /// User name.
    pub username: Option<Arc<str>>,
    /// Password.
    pub password: Option<SecretString>,
    /// Sender.
    pub from: Arc<str>,
    /// Receivers.
    pub to: Vec<Arc<str>>,
    /// Lowest priority mailed.
    pub at_least: Priority,
    /// Certificate of the plant's own authority.
    pub ca_file: Option<PathBuf>,
    /// After a mail so much time passes before the next.
    pub at_most_every: Duration,
    /// Regular expression of log lines that are mailed.
    pub log_patterns: Option<Arc<str>>,
}

/// Backups.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Directory, relative to the data directory.
    pub repository: PathBuf,
    /// Password of the repository.
    pub password: Option<SecretString>,
    /// How many daily ones are kept.
    pub daily: u32,
    /// How many weekly ones.
    pub weekly: u32,
    /// How many monthly ones.
    pub monthly: u32,
    /// How many quarterly ones.
    pub quarterly: u32,
}

/// Maintenance.
#[derive(Clone, Debug)]
pub struct Maintenance {
    /// The catalogue's file, relative to the configuration directory; the built-in one where there is none.
    pub tasks: PathBuf,
    /// How long everything expected may take to run after a start.
    pub start_within: Duration,
    /// When the computer is restarted by itself.
    pub reboot: Timetable,
    /// How long ahead that is announced.
    pub reboot_notice: Duration,
    /// What restarts the computer: a program and its words.
    pub reboot_command: Arc<str>,
    /// Whether a person may ask for it here.
    pub reboot_on_request: bool,
}

/// A person or office to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Name.
    pub name: Arc<str>,
    /// What they are called for.
    pub role: Arc<str>,
    /// Telephone number.
    pub phone: Option<Arc<str>>,
    /// Mail address.
    pub mail: Option<Arc<str>>,
    /// When they can be reached.
    pub hours: Option<Arc<str>>,
}

/// The console.
#[derive(Clone, Debug)]
pub struct Console {
    /// Name of the keymap: a file in `keymaps/`.
    pub keymap: Arc<str>,
    /// Name of the theme.
    pub theme: Arc<str>,
    /// Whether a new alarm rings the terminal's bell.
    pub bell: bool,
}
