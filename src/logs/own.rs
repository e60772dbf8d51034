//! The program's own log: a bounded file, and the console's Logs tab; nothing on the terminal while a console runs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::rotate::{RotatingFile, Turn};
use crate::base::clock::Clock;

/// Name of the file in the log directory.
pub const FILE_NAME: &str = "vms.log";

/// Environment variable with the filter, in tracing's syntax: `info`, `vms::camera=debug,warn`.
pub const FILTER_ENV: &str = "VMS_LOG";

/// Records that may wait for the disk; more are dropped and counted.
const WAITING_LINES: usize = 8192;

/// Records that the console's own view keeps.
const CONSOLE_LINES: usize = 5000;

/// How the log is to be kept.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// The directory.
    pub directory: &'a Path,
    /// Size at which the file is rotated, bytes.
    pub rotate_at_bytes: u64,
    /// How many rotated files are kept.
    pub keep: u32,
    /// Also write to stderr: only for an engine without a console.
    pub stderr: bool,
    /// The filter (see [`FILTER_ENV`]); none means `info`.
    pub filter: Option<String>,
}

/// Why the log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be written.
    #[error("cannot write the log {path}: {source}; make the directory writable or set logs.directory to another one")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else took the process's log already.
    #[error("the log of this process is already in use")]
    Taken,
}

/// Keeps the log going; the last records reach the disk when it is dropped.
#[derive(Debug)]
pub struct Guard {
    path: PathBuf,
    dropped: Vec<ErrorCounter>,
    lost: Arc<AtomicU64>,
    turn: Turn,
    _workers: Vec<WorkerGuard>,
}

impl Guard {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Asks for a rotation of the file.
    #[must_use]
    pub fn turn(&self) -> Turn {
        self.turn.clone()
    }

    /// Records that were lost since the start: because they came faster than the disk took them, or because it took none.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let full: u64 = self.dropped.iter().map(|c| c.dropped_lines() as u64).sum();
        full.saturating_add(self.lost.load(Ordering::Relaxed))
    }

    /// The same counter as a value for another thread.
    pub fn dropped_counter(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let (dropped, lost) = (self.dropped.clone(), Arc::clone(&self.lost));
        move || {
            let full: u64 = dropped.iter().map(|c| c.dropped_lines() as u64).sum();
            full.saturating_add(lost.load(Ordering::Relaxed))
        }
    }
}

/// Starts the process's log. Only once a process.
///
/// # Errors
/// The file cannot be written, or the process has a log already.
pub fn start(settings: &Settings<'_>, clock: Arc<dyn Clock>) -> Result<Guard, LogError> {
    let path = settings.directory.join(FILE_NAME);
    let file = RotatingFile::open(&path, settings.rotate_at_bytes, settings.keep)
        .map_err(|source| LogError::Write { path: path.clone(), source })?;
    let (lost, turn) = (file.lost(), file.turn());
    let (to_file, file_worker) = non_blocking(file, "vms-log");
    let mut dropped = vec![to_file.error_counter()];
    let mut workers = vec![file_worker];
    let to_stderr = settings.stderr.then(|| {
        let (writer, worker) = non_blocking(io::stderr(), "vms-stderr");
        dropped.push(writer.error_counter());
        workers.push(worker);
        text_layer(writer, Arc::clone(&clock))
    });
    let (filter, complaint) = filter(settings.filter.as_deref());
    // The console's view, where there is a console. The crate's own thread, which looks for new records a hundred times a second, is not
    // started: the tab fetches them when it is drawn.
    let view = !settings.stderr;
    if view {
        tui_logger::set_default_level(tui_logger::LevelFilter::Trace);
        tui_logger::set_buffer_depth(CONSOLE_LINES);
    }
    tracing_subscriber::registry()
        .with(filter)
        .with(text_layer(to_file, clock))
        .with(to_stderr)
        .with(view.then_some(tui_logger::TuiTracingSubscriberLayer))
        .try_init()
        .map_err(|_| LogError::Taken)?;
    if let Some(complaint) = complaint {
        tracing::warn!("{complaint}");
    }
    Ok(Guard { path, dropped, lost, turn, _workers: workers })
}

/// What is logged unless asked otherwise. The steps of each migration are of interest only when one fails.
const USUAL: &str = "info,refinery_core=warn";

/// The filter asked for, or `info` with a sentence on what is wrong with it.
fn filter(asked: Option<&str>) -> (EnvFilter, Option<String>) {
    match asked.map(|text| (text, EnvFilter::try_new(text))) {
        None => (EnvFilter::new(USUAL), None),
        Some((_, Ok(filter))) => (filter, None),
        Some((text, Err(e))) => {
            (EnvFilter::new(USUAL), Some(format!("{FILTER_ENV}={text:?} is no filter ({e}); logging at info")))
        }
    }
}

fn non_blocking<W: Write + Send + 'static>(writer: W, thread: &str) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_LINES).thread_name(thread).finish(writer)
}

fn text_layer<S>(writer: NonBlocking, clock: Arc<dyn Clock>) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer().with_ansi(false).with_timer(WallTime(clock)).with_writer(OneLine(writer))
}

/// RFC 3339 with milliseconds, from the program's clock.
struct WallTime(Arc<dyn Clock>);

impl FormatTime for WallTime {
    fn format_time(&self, w: &mut Writer<'_>) -> std::fmt::Result {
        write!(w, "{:.3}", self.0.now().wall)
    }
}

/// Keeps every record on one line, so that nothing a device sends can look like a record of ours.
#[derive(Clone)]
struct OneLine(NonBlocking);

impl<'a> MakeWriter<'a> for OneLine {
    type Writer = OneLine;

    fn make_writer(&'a self) -> Self::Writer {
        self.clone()
    }
}

impl Write for OneLine {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.write_all(&one_line(record))?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The record with its inner control characters replaced by spaces and one line feed at its end.
fn one_line(record: &[u8]) -> Vec<u8> {
    let end = record.iter().rposition(|b| *b != b'\n').map_or(0, |i| i + 1);
    let mut line: Vec<u8> = record[..end].iter().map(|b| if b.is_ascii_control() { b' ' } else { *b }).collect();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::base::clock::SimClock;

    #[test]
    fn a_record_is_one_line() {
        assert_eq!(one_line(b"a\nb\x1b[31m\r\n"), b"a b [31m \n");
        assert_eq!(one_line("grün – ok\n".as_bytes()), "grün – ok\n".as_bytes());
        assert_eq!(one_line(b""), b"\n");
    }

    #[test]
    fn a_bad_filter_is_said_and_replaced() {
        let (_, complaint) = filter(Some("vms=louder"));
        assert!(complaint.is_some_and(|c| c.contains("vms=louder") && c.contains("info")));
        assert!(filter(Some("vms::camera=debug,warn")).1.is_none());
    }

    #[test]
    fn records_reach_the_file_as_time_level_target_message() {
        let dir = tempfile::tempdir().unwrap();
        let wall: Timestamp = "2026-11-23T22:41:07.25Z".parse().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SimClock::new(wall));
        let settings = Settings {
            directory: dir.path(),
            rotate_at_bytes: 1 << 20,
            keep: 2,
            stderr: false,
            // Only these targets: other tests of this process log as well.
            filter: Some("log_test=info".into()),
        };
        let guard = start(&settings, Arc::clone(&clock)).unwrap();
        tracing::info!(target: "log_test::camera", camera = "deck", "stream\nopened");
        log::warn!(target: "log_test::bus", "late answer");
        tracing::debug!(target: "log_test", "not asked for");
        assert!(matches!(start(&settings, clock), Err(LogError::Taken)));
        assert_eq!(guard.dropped(), 0);
        let path = guard.path().to_path_buf();
        drop(guard);
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].starts_with("2026-11-23T22:41:07.250Z  INFO log_test::camera: "), "{text}");
        assert!(lines[0].contains("stream") && lines[0].contains("opened") && lines[0].contains("deck"), "{text}");
        assert!(lines[1].contains("WARN log_test::bus: late answer"), "{text}");
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let settings = Settings { directory: &blocked, rotate_at_bytes: 1 << 20, keep: 2, stderr: false, filter: None };
        let err = start(&settings, Arc::new(SimClock::new(Timestamp::UNIX_EPOCH))).unwrap_err().to_string();
        assert!(err.contains("vms.log") && err.contains("logs.directory"), "{err}");
    }
}
