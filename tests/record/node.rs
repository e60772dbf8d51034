//! A node for these tests: a journal with its writer's thread, and the forwarder on its own, as the engine has them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio_postgres::{Client, NoTls};
use vms::base::clock::{Clock, SystemClock};
use vms::base::shutdown::Shutdown;
use vms::config::sections::Historian;
use vms::historian::ahead;
use vms::historian::forward::{self, Ends, Who};
use vms::journal::{FILE_NAME, Reader, Retention, Store, Write, writer};
use vms::model::board::{Board, ForwardBoard};
use vms::model::event::{Event, EventKind, SecondReading};
use vms::model::vibration::Grade;

use super::cluster::{Cluster, PASSWORD};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A moment in November 2026, a whole hour.
pub const BEGIN: i64 = 1_795_597_200;

/// An event with that number, at a time that follows from it.
pub fn event(seq: u64) -> Event {
    let at = Timestamp::from_second(BEGIN + seq as i64).unwrap();
    Event { seq, at, kind: EventKind::Note { text: format!("event {seq}").into() } }
}

/// The readings of a second of so many regions.
pub fn readings(second: i64, regions: usize) -> Vec<SecondReading> {
    let one = |n: usize| SecondReading {
        second,
        roi: format!("roi-{n}").as_str().into(),
        displacement_pp_px: 0.5 + n as f64,
        displacement_rms_px: 0.25,
        velocity_rms_mm_s: Some(1.5),
        peak_hz: None,
        peak_amplitude_px: Some(0.125),
        uncertainty_px: f64::NAN,
        grade: Grade::Good,
    };
    (0..regions).map(one).collect()
}

/// A node's journal.
pub struct Journal {
    pub dir: tempfile::TempDir,
    pub tx: SyncSender<Write>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// A new one.
    pub fn begin() -> Self {
        Self::open(tempfile::tempdir().unwrap())
    }

    /// The one in that directory.
    pub fn open(dir: tempfile::TempDir) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let store = Store::open(&dir.path().join(FILE_NAME), clock.now()).unwrap().store;
        let (tx, rx) = sync_channel(10_000);
        let retention = Retention { sends: true, ..Retention::default() };
        let thread = std::thread::spawn(move || writer::run(store, retention, rx, clock, Box::new(|_| true)));
        Self { dir, tx, thread: Some(thread) }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join(FILE_NAME)
    }

    pub fn write(&self, write: Write) {
        self.tx.send(write).unwrap();
    }

    /// Writes these events.
    pub fn events(&self, seqs: std::ops::RangeInclusive<u64>) {
        seqs.for_each(|s| self.write(Write::Event(event(s))));
    }

    /// Ends the writer in order; the directory stays.
    pub fn end(mut self) -> tempfile::TempDir {
        self.write(Write::Stop);
        self.thread.take().unwrap().join().unwrap();
        self.dir
    }
}

/// A forwarder at work.
pub struct Forwarder {
    shutdown: Shutdown,
    thread: Option<JoinHandle<()>>,
    pub reports: Receiver<ForwardBoard>,
}

impl Forwarder {
    /// Sends the journal's rows to the cluster under this node's name.
    pub fn start(journal: &Journal, cluster: &Cluster, node: &str) -> Self {
        Self::with(journal, cfg(cluster), node)
    }

    pub fn with(journal: &Journal, cfg: Historian, node: &str) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let shutdown = Shutdown::new();
        let (tx, reports) = sync_channel(10_000);
        let (sent, rename) = (journal.tx.clone(), journal.tx.clone());
        let empty = Board::empty("BF2", node, TimeZone::UTC, clock.now());
        let (_, board) = watch::channel(Arc::new(empty));
        let reader = || Box::new(Reader::new(&journal.path()));
        let (outbox, reading_ahead) = ahead::pair(reader(), reader());
        std::thread::spawn(move || reading_ahead.run());
        let ends = Ends {
            outbox: Box::new(outbox),
            sent: Box::new(move |s, p| drop(sent.try_send(Write::Sent(s, p)))),
            rename: Box::new(move |name| drop(rename.try_send(Write::Rename(name)))),
            report: Box::new(move |r| tx.try_send(r).is_ok()),
            fleet: Box::new(|_| true),
            board,
        };
        let who = Who { site: "BF2".into(), node: node.into() };
        let ending = shutdown.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(forward::run(cfg, who, ends, clock, ending));
        });
        Self { shutdown, thread: Some(thread), reports }
    }

    /// Waits for a report that answers the question.
    pub fn until<T>(&self, mut wanted: impl FnMut(&ForwardBoard) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut last = None;
        while let Ok(r) = self.reports.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if let Some(t) = wanted(&r) {
                return t;
            }
            last = Some(r);
        }
        panic!("not reported in time; the last was {last:?}");
    }

    /// Waits for a fault that contains these words.
    pub fn fault(&self, words: &str) -> String {
        self.until(|r| r.fault.as_ref().filter(|f| f.contains(words)).map(ToString::to_string))
    }

    pub fn end(mut self) {
        self.shutdown.ask();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.shutdown.ask();
    }
}

pub fn cfg(cluster: &Cluster) -> Historian {
    Historian { url: cluster.url().into(), password: Some(PASSWORD.to_owned().into()), ..Historian::default() }
}

/// Somebody with psql.
pub struct Admin {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

impl Admin {
    pub fn connect(cluster: &Cluster) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let mut config: tokio_postgres::Config = cluster.url().parse().unwrap();
            config.password(PASSWORD);
            let (client, connection) = config.connect(NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
        Self { runtime, client }
    }

    pub fn run(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap();
    }

    /// The only value that a query gives.
    pub fn value<T: for<'a> tokio_postgres::types::FromSql<'a>>(&self, sql: &str) -> T {
        self.runtime.block_on(self.client.query_one(sql, &[])).unwrap().get(0)
    }

    /// How many rows a query gives.
    pub fn rows(&self, sql: &str) -> Result<usize, String> {
        self.runtime.block_on(self.client.query(sql, &[])).map(|r| r.len()).map_err(|e| format!("{e:?}"))
    }

    /// Waits until a query that gives a truth gives `true`; `false` also when it fails.
    pub fn until(&self, sql: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.runtime.block_on(self.client.query_one(sql, &[]));
            if answer.as_ref().is_ok_and(|r| r.get::<_, bool>(0)) {
                return;
            }
            assert!(Instant::now() < end, "not in time: {sql}: {answer:?}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// Every event up to `last` is there once, in order.
    pub fn has_events_once(&self, last: u64) {
        self.until(&format!("select count(*) >= {last} from vms.event"));
        let sql = "select coalesce(string_agg(seq::text, ',' order by seq), '') from vms.event";
        let want: Vec<String> = (1..=last).map(|s| s.to_string()).collect();
        assert_eq!(self.value::<String>(sql), want.join(","));
    }
}
