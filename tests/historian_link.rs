//! The link to PostgreSQL against a real server: live, refused, hung and back again.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its helper fails")]

#[path = "historian/care.rs"]
mod care;
#[path = "common/cluster.rs"]
#[expect(dead_code, reason = "the tests of the record use the rest of it")]
mod cluster;
#[path = "historian/commands.rs"]
mod commands;
#[path = "historian/tls.rs"]
mod tls;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use cluster::{Cluster, PASSWORD};
use vms::base::clock::SystemClock;
use vms::base::shutdown::Shutdown;
use vms::config::sections::Historian;
use vms::historian;
use vms::model::board::{HistorianBoard, HistorianState};

fn cfg(url: &str, password: &str) -> Historian {
    Historian { url: url.into(), password: Some(password.to_owned().into()), ..Historian::default() }
}

/// The link running in a runtime of its own; ends with the test.
struct Running {
    runtime: tokio::runtime::Runtime,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<()>,
    boards: Receiver<HistorianBoard>,
}

impl Running {
    fn start(cfg: Historian) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (tx, boards) = sync_channel(1000);
        let shutdown = Shutdown::new();
        let sink = Box::new(move |board| tx.try_send(board).is_ok());
        let task = runtime.spawn(historian::run(cfg, Arc::new(SystemClock::new()), shutdown.clone(), sink));
        Self { runtime, shutdown, task, boards }
    }

    /// Waits for a board in that state; bounded.
    fn wait(&self, state: HistorianState, within: Duration) -> HistorianBoard {
        let end = Instant::now() + within;
        let mut seen = Vec::new();
        while let Ok(board) = self.boards.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if board.state == state {
                return board;
            }
            seen.push(board);
        }
        panic!("not {} within {within:?}; seen {seen:?}", state.word());
    }

    fn stop(self) {
        self.shutdown.ask();
        let ended = self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), self.task).await });
        assert!(ended.is_ok(), "the link ends when it is asked to");
    }
}

#[test]
fn live_hung_and_live_again() {
    let Some(cluster) = Cluster::start() else { return };
    let running = Running::start(cfg(&cluster.url(), PASSWORD));
    let board = running.wait(HistorianState::Live, Duration::from_secs(20));
    assert!(board.size_bytes.is_some_and(|b| b > 1 << 20), "{board:?}");
    assert!(board.response_ms.is_some_and(|ms| ms > 0.0 && ms < 3000.0), "{board:?}");
    assert!(board.server.as_ref().is_some_and(|s| s.starts_with("PostgreSQL ")), "{board:?}");
    assert!(board.text.is_none());

    cluster.freeze();
    // At most one interval, the query's deadline, and some room for a busy machine.
    let board = running.wait(HistorianState::Lost, Duration::from_secs(5 + 3 + 7));
    let text = board.text.as_deref().unwrap_or_default();
    assert!(text.contains("no answer") || text.contains("did not answer"), "{text}");
    assert_eq!((board.response_ms, board.size_bytes), (None, None), "old figures are not passed off as new");
    // Still hung at the next try: connecting has a deadline as well.
    let board = running.wait(HistorianState::Lost, Duration::from_secs(10));
    assert!(board.text.is_some_and(|t| t.contains("did not answer")));

    cluster.thaw();
    running.wait(HistorianState::Live, Duration::from_secs(25));
    running.stop();
}

#[test]
fn a_wrong_password_and_a_missing_database_are_told_without_secrets() {
    let Some(cluster) = Cluster::start() else { return };
    let running = Running::start(cfg(&cluster.url(), "wrong-0815"));
    let board = running.wait(HistorianState::Lost, Duration::from_secs(20));
    let text = board.text.as_deref().unwrap_or_default();
    assert!(text.contains("password authentication failed") && text.contains("historian.password"), "{text}");
    assert!(!text.contains("wrong-0815"), "{text}");
    running.stop();

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let other = cluster.url().replace("/postgres", "/nowhere");
    let text = runtime.block_on(historian::probe(cfg(&other, PASSWORD))).unwrap_err();
    assert!(text.contains("no such database"), "{text}");
    let said = runtime.block_on(historian::probe(cfg(&cluster.url(), PASSWORD))).unwrap();
    assert!(said.contains("PostgreSQL") && said.contains(" ms; size "), "{said}");
    let none = Historian { url: cluster.url().into(), ..Historian::default() };
    let text = runtime.block_on(historian::probe(none)).unwrap_err();
    assert!(text.contains("historian.password"), "{text}");
}

#[test]
fn nothing_there_and_a_server_on_the_network_are_told() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let running = Running::start(cfg(&format!("postgres://vms@127.0.0.1:{free}/x"), PASSWORD));
    let board = running.wait(HistorianState::Lost, Duration::from_secs(10));
    assert!(board.text.is_some_and(|t| t.contains("nothing answers at 127.0.0.1")));
    running.stop();
    let running = Running::start(cfg("postgres://vms@db.plant.example/x?sslmode=disable", PASSWORD));
    let board = running.wait(HistorianState::Lost, Duration::from_secs(10));
    assert!(board.text.is_some_and(|t| t.contains("TLS is required")));
    running.stop();
}
