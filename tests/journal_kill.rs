//! Whatever the journal says is durable is there after a `kill -9` at any moment.
#![expect(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use vms::base::clock::{Clock, SystemClock};
use vms::journal::{FILE_NAME, History, Retention, Store, Write, WriterOut, writer};
use vms::model::event::{Event, EventKind};

const DIRECTORY: &str = "VMS_TEST_JOURNAL_DIR";

/// The child's part; does nothing in an ordinary run of the tests.
#[test]
fn child_mode() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Store::open(&PathBuf::from(dir).join(FILE_NAME), clock.now()).expect("opens").store;
    let mut seq = store.restore().expect("reads").last_seq;
    let (tx, rx) = sync_channel(1000);
    let (report, out) = sync_channel(1000);
    let its_clock = clock.clone();
    std::thread::spawn(move || {
        writer::run(store, Retention::default(), rx, its_clock, Box::new(move |o| report.try_send(o).is_ok()))
    });
    loop {
        seq += 1;
        let text = format!("event {seq} {}", "x".repeat((seq % 700) as usize));
        let event = Event { seq, at: clock.now().wall, kind: EventKind::Note { text: text.into() } };
        // Ordinary ones in between, so that groups of several rows are cut as well.
        let urgent = seq.is_multiple_of(3);
        tx.send(if urgent { Write::Urgent(event) } else { Write::Event(event) }).expect("it runs");
        if urgent {
            say_when_durable(&out, seq);
        }
    }
}

fn say_when_durable(out: &Receiver<WriterOut>, seq: u64) {
    loop {
        if let WriterOut::Durable { up_to_seq, .. } = out.recv().expect("it runs") {
            let mut to_parent = std::io::stdout().lock();
            writeln!(to_parent, "durable {up_to_seq}").and_then(|()| to_parent.flush()).expect("said");
            if up_to_seq >= seq {
                return;
            }
        }
    }
}

fn child(dir: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "child_mode", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts")
}

fn durable(line: &str) -> Option<u64> {
    // The test harness may have begun the line.
    line.rsplit_once("durable ").and_then(|(_, n)| n.trim().parse().ok())
}

#[test]
fn what_was_said_to_be_durable_survives_kills() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut newest = 0;
    // Reports to wait for before each kill; the moment within the next commits is the machine's.
    for reports in [1, 7, 40, 3, 111] {
        let mut child = child(dir.path());
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let before = newest;
        for seq in lines.by_ref().filter_map(|l| durable(&l)).take(reports) {
            newest = newest.max(seq);
        }
        // On Unix this is SIGKILL.
        child.kill().expect("killed");
        // Also what was said between the decision and the end.
        for seq in lines.filter_map(|l| durable(&l)) {
            newest = newest.max(seq);
        }
        child.wait().expect("reaped");
        assert!(newest > before, "the child got somewhere");
        check(dir.path(), newest);
    }
}

/// Every number up to `newest` is there, and the file is sound.
fn check(dir: &Path, newest: u64) {
    let path = dir.join(FILE_NAME);
    let opened = Store::open(&path, SystemClock::new().now()).expect("opens");
    assert_eq!(opened.set_aside, None, "the file is sound");
    let restored = opened.store.restore().expect("reads");
    assert!(restored.last_seq >= newest, "{} < {newest}", restored.last_seq);
    let events = History::open(&path).expect("opens").events_after(0, 10_000).expect("reads").items;
    let want: Vec<u64> = (1..=restored.last_seq).collect();
    assert_eq!(events.iter().map(|e| e.seq).collect::<Vec<_>>(), want, "no gap");
    assert_eq!(restored.events, restored.last_seq);
}
