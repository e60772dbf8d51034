//! The writer's loop with a real file: grouping, failures of the disk, a sink without room, the end.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::*;
use crate::base::clock::SystemClock;
use crate::journal::testing::{event, note, now, second};
use crate::journal::{History, Step};
use crate::model::RoiId;
use crate::model::event::EventKind;

const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    _dir: tempfile::TempDir,
    path: PathBuf,
    tx: SyncSender<Write>,
    out: Receiver<WriterOut>,
    limit: Arc<AtomicU32>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// A writer on a new file that may grow to `pages` (0: without limit), with room for `room` reports.
    fn start(pages: u32, room: usize) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal.db");
        let mut store = Store::open(&path, now()).expect("opens").store;
        let limit = store.limit(pages);
        let (tx, rx) = sync_channel(20_000);
        let (report, out) = sync_channel(room);
        let sink: Sink = Box::new(move |o| report.try_send(o).is_ok());
        let thread =
            std::thread::spawn(move || run(store, Retention::default(), rx, Arc::new(SystemClock::new()), sink));
        Self { _dir: dir, path, tx, out, limit, thread: Some(thread) }
    }

    fn send(&self, write: Write) {
        self.tx.send(write).expect("it runs");
    }

    fn until<T>(&self, mut wanted: impl FnMut(WriterOut) -> Option<T>) -> T {
        loop {
            if let Some(t) = wanted(self.out.recv_timeout(PATIENCE).expect("a report in time")) {
                return t;
            }
        }
    }

    fn durable(&self, seq: u64) {
        self.until(|o| matches!(o, WriterOut::Durable { up_to_seq, .. } if up_to_seq >= seq).then_some(()));
    }

    fn fault(&self) -> String {
        self.until(|o| if let WriterOut::Status { fault, .. } = o { fault } else { None })
    }

    fn stop(&mut self) {
        self.send(Write::Stop);
        self.thread.take().expect("not stopped yet").join().expect("ends");
    }

    fn seqs(&self) -> Vec<u64> {
        let page = History::open(&self.path).expect("opens").events_after(0, 10_000).expect("reads");
        page.items.iter().map(|e| e.seq).collect()
    }
}

fn big(seq: u64) -> Event {
    event(seq, EventKind::Note { text: "x".repeat(2000).into() })
}

#[test]
fn everything_sent_is_written_in_order_and_reported() {
    let mut w = Running::start(0, 1000);
    for seq in 1..=450 {
        w.send(Write::Event(note(seq)));
    }
    w.send(Write::Readings(vec![second("r", 1), second("r", 2)]));
    w.durable(450);
    w.send(Write::Event(note(451)));
    w.stop();
    assert_eq!(w.seqs(), (1..=451).collect::<Vec<_>>());
    let readings = History::open(&w.path).expect("opens").readings(Some(&RoiId::from("r")), 0, 10, 10).expect("reads");
    assert_eq!(readings.items.len(), 2);
}

#[test]
fn an_urgent_event_takes_along_what_waits() {
    let w = Running::start(0, 1000);
    w.send(Write::Event(note(1)));
    w.send(Write::Urgent(note(2)));
    w.durable(2);
    assert_eq!(w.seqs(), [1, 2], "on the disk when it is said to be");
}

#[test]
fn a_full_disk_loses_nothing_and_is_said() {
    let mut w = Running::start(10, 1000);
    for seq in 1..=60 {
        w.send(Write::Urgent(big(seq)));
    }
    let mut reported = 0;
    let fault = w.until(|o| match o {
        WriterOut::Durable { up_to_seq, .. } => {
            reported = up_to_seq;
            None
        }
        WriterOut::Status { fault, .. } => fault,
        WriterOut::Lost { .. } => panic!("nothing is lost"),
    });
    assert!(fault.contains("is full; free some space"), "{fault}");
    assert!(reported < 60, "what did not fit is not reported as durable");
    assert_eq!(w.seqs().last().copied().unwrap_or(0), reported);
    w.limit.store(0, Ordering::SeqCst);
    w.durable(60);
    w.until(|o| matches!(o, WriterOut::Status { fault: None, waiting: 0, dropped: 0, .. }).then_some(()));
    w.stop();
    assert_eq!(w.seqs(), (1..=60).collect::<Vec<_>>());
}

#[test]
fn a_disk_that_stays_full_costs_the_oldest_and_says_so() {
    let mut w = Running::start(10, 100_000);
    // Pages that exist already take a few; the first big one does not fit.
    let huge = event(1, EventKind::Note { text: "x".repeat(100_000).into() });
    w.send(Write::Event(huge));
    w.fault();
    for seq in 2..=10_003 {
        w.send(Write::Event(note(seq)));
    }
    w.until(|o| matches!(o, WriterOut::Status { dropped: 2, waiting: 10_001, .. }).then_some(()));
    w.limit.store(0, Ordering::SeqCst);
    w.durable(10_003);
    w.stop();
    // What was tried first is never given up; the oldest of those behind it went.
    assert_eq!(w.seqs(), [1].into_iter().chain(4..=10_003).take(10_000).collect::<Vec<_>>());
}

#[test]
fn an_urgent_event_that_had_to_go_is_named_before_anything_passes_over_it() {
    let mut w = Running::start(10, 100_000);
    w.send(Write::Urgent(event(1, EventKind::Note { text: "x".repeat(100_000).into() })));
    w.fault();
    for seq in 2..=10_002 {
        w.send(Write::Urgent(note(seq)));
    }
    let first = w.until(|o| match o {
        WriterOut::Lost { from_seq, .. } => Some(from_seq),
        WriterOut::Durable { .. } => panic!("not before the loss is named"),
        WriterOut::Status { .. } => None,
    });
    assert_eq!(first, 2, "the one in hand stays");
    w.limit.store(0, Ordering::SeqCst);
    w.durable(10_002);
    w.stop();
}

#[test]
fn a_report_without_room_is_sent_later() {
    let mut w = Running::start(0, 1);
    // The first status takes the only place; the reports of both events find none.
    w.send(Write::Urgent(note(1)));
    w.send(Write::Urgent(note(2)));
    w.durable(2);
    w.stop();
    assert_eq!(w.seqs(), [1, 2]);
}

#[test]
fn the_status_comes_without_anything_to_write() {
    let w = Running::start(0, 1000);
    for _ in 0..2 {
        let size = w.until(|o| if let WriterOut::Status { size_bytes, .. } = o { Some(size_bytes) } else { None });
        assert!(size.is_some_and(|s| s > 0));
    }
}

#[test]
fn it_ends_when_nobody_can_send_any_more() {
    let mut w = Running::start(0, 1000);
    w.send(Write::Event(note(1)));
    let (other, _) = sync_channel(1);
    drop(std::mem::replace(&mut w.tx, other));
    w.thread.take().expect("runs").join().expect("ends");
    assert_eq!(w.seqs(), [1]);
}

#[test]
fn it_ends_on_a_disk_that_stays_full_and_says_what_was_lost() {
    let mut w = Running::start(10, 1000);
    w.send(Write::Event(event(1, EventKind::Note { text: "x".repeat(100_000).into() })));
    w.stop();
    let last = w.out.try_iter().last().expect("a last report");
    let WriterOut::Status { waiting: 1, fault: Some(fault), .. } = last else { panic!("{last:?}") };
    assert!(fault.starts_with("1 rows of the journal were lost at the end: "), "{fault}");
}

#[test]
fn minutes_are_rolled_up_also_over_a_sudden_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.db");
    let begin = || {
        let store = Store::open(&path, now()).expect("opens").store;
        Writer::new(store, Retention::default(), Arc::new(SystemClock::new()), Box::new(|_| true))
    };
    let minute = 1_700_000_040; // a whole minute
    let mut first = begin();
    for s in 0..30 {
        first.take(Write::Readings(vec![second("east", minute + s)]));
    }
    first.take(Write::Values { second: minute, values: vec![value(2.0)] });
    first.commit_all();
    // Killed: nothing is told to it any more.
    drop(first);
    let mut next = begin();
    for s in 30..60 {
        next.take(Write::Readings(vec![second("east", minute + s)]));
    }
    next.take(Write::Values { second: minute + 61, values: vec![value(4.0)] });
    next.finish();
    let history = History::open(&path).expect("opens");
    let trend = history.trend("roi.east.displacement_pp_px", minute, minute + 60, Step::Minute).expect("reads");
    assert_eq!((trend.len(), trend[0].known, trend[0].mean), (1, 60, 0.5), "the seconds of before are in it");
    let hour = history.trend("roi.east.displacement_pp_px", minute - 3600, minute + 60, Step::Hour).expect("reads");
    assert_eq!((hour[0].known, hour[0].most), (60, 0.5));
    let cpu = history.trend("indicator.cpu", 0, i64::MAX, Step::Minute).expect("reads");
    assert_eq!(cpu.iter().map(|m| m.at).collect::<Vec<_>>(), [minute + 60], "what is only rolled up begins anew");
    assert_eq!(&*history.series().expect("reads")[0].unit, "%");
}

fn value(value: f64) -> Value {
    Value { series: "indicator.cpu".into(), unit: "%", value }
}
