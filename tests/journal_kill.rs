//! Whatever the journal says is durable is there after a `kill -9` and after a power cut at any moment, and arrives in
//! PostgreSQL once. `VMS_KILLS` and `VMS_POWER_CUTS` say how many (`make endurance`: 200 and 30).
#![cfg(target_os = "linux")]
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "common/cluster.rs"]
#[expect(dead_code, reason = "the other tests of the database use the rest of it")]
mod cluster;
#[path = "record/node.rs"]
#[expect(dead_code, reason = "the other tests of the record use the rest of it")]
mod node;

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vms::base::clock::{Clock, SystemClock};
use vms::config::sections::Historian;
use vms::historian::forward::{self, Ends, Who};
use vms::journal::{FILE_NAME, History, Reader, Retention, Store, Write, WriterOut, writer};
use vms::model::board::Board;
use vms::model::event::{Event, EventKind};

use cluster::{Cluster, PASSWORD};

const DIRECTORY: &str = "VMS_TEST_JOURNAL_DIR";
const DATABASE: &str = "VMS_TEST_JOURNAL_DATABASE";

/// The child's part; does nothing in an ordinary run of the tests.
#[test]
fn child_mode() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let path = PathBuf::from(dir).join(FILE_NAME);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Store::open(&path, clock.now()).expect("opens").store;
    let mut seq = store.restore().expect("reads").last_seq;
    let (tx, rx) = sync_channel(1000);
    let (report, out) = sync_channel(1000);
    let its_clock = clock.clone();
    let retention = Retention { sends: true, ..Retention::default() };
    std::thread::spawn(move || {
        writer::run(store, retention, rx, its_clock, Box::new(move |o| report.try_send(o).is_ok()));
    });
    if let Ok(url) = std::env::var(DATABASE) {
        send_on(&path, &url, &clock);
    }
    loop {
        seq += 1;
        let text = format!("event {seq} {}", "x".repeat((seq % 700) as usize));
        let event = Event { seq, at: clock.now().wall, kind: EventKind::Note { text: text.into() } };
        // Ordinary ones in between, so that groups of several rows are cut as well.
        let urgent = seq.is_multiple_of(3);
        tx.send(if urgent { Write::Urgent(event) } else { Write::Event(event) }).expect("it runs");
        tx.send(Write::Readings(node::readings(node::BEGIN + seq as i64, 2))).expect("it runs");
        if urgent {
            say_when_durable(&out, seq);
        }
    }
}

fn send_on(journal: &Path, url: &str, clock: &Arc<dyn Clock>) {
    let cfg = Historian { url: url.into(), password: Some(PASSWORD.to_owned().into()), ..Historian::default() };
    let empty = Board::empty("BF2", "one", jiff::tz::TimeZone::UTC, clock.now());
    let ends = Ends {
        outbox: Box::new(Reader::new(journal)),
        sent: Box::new(|_, _| {}),
        rename: Box::new(|_| {}),
        report: Box::new(|_| true),
        fleet: Box::new(|_| true),
        board: tokio::sync::watch::channel(Arc::new(empty)).1,
    };
    let (who, clock) = (Who { site: "BF2".into(), node: "one".into() }, Arc::clone(clock));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(forward::run(cfg, who, ends, clock, vms::base::shutdown::Shutdown::new()));
    });
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

fn child(dir: &Path, database: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "child_mode", "--nocapture", "--test-threads=1"]).env(DIRECTORY, dir);
    if let Some(url) = database {
        command.env(DATABASE, url);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts")
}

fn durable(line: &str) -> Option<u64> {
    // The test harness may have begun the line.
    line.rsplit_once("durable ").and_then(|(_, n)| n.trim().parse().ok())
}

fn times(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

/// Numbers that look random and are the same in every run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

#[test]
fn what_was_said_to_be_durable_survives_kills_and_arrives_once() {
    let cluster = Cluster::start();
    let url = cluster.as_ref().map(Cluster::url);
    let dir = tempfile::tempdir().expect("a directory");
    let mut dice = Dice(4711);
    let mut newest = 0;
    for round in 0..times("VMS_KILLS", 12) {
        let mut child = child(dir.path(), url.as_deref());
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let before = newest;
        // Reports to wait for before the kill; the moment within the next commits is the machine's.
        let reports = 1 + dice.up_to(if round % 4 == 0 { 150 } else { 25 });
        for seq in lines.by_ref().filter_map(|l| durable(&l)).take(reports as usize) {
            newest = newest.max(seq);
        }
        // The server crashes too, now and then.
        if let Some(cluster) = cluster.as_ref().filter(|_| round % 5 == 4) {
            cluster.stop_at_once();
        }
        // On Unix this is SIGKILL.
        child.kill().expect("killed");
        // Also what was said between the decision and the end.
        for seq in lines.filter_map(|l| durable(&l)) {
            newest = newest.max(seq);
        }
        child.wait().expect("reaped");
        if let Some(cluster) = cluster.as_ref().filter(|_| round % 5 == 4) {
            cluster.start_again();
        }
        assert!(newest > before, "the child got somewhere");
        check(dir.path(), newest);
    }
    let Some(cluster) = cluster else { return };
    let journal = node::Journal::open(dir);
    let forwarder = node::Forwarder::start(&journal, &cluster, "one");
    let last = History::open(&journal.path()).expect("opens").verify().expect("reads").last.expect("some");
    forwarder.until(|r| (r.queued == Some(0)).then_some(()));
    let admin = node::Admin::connect(&cluster);
    let sql = "select count(*) from vms.event";
    assert_eq!(admin.value::<i64>(sql), last as i64, "every event");
    let sql = "select count(distinct seq) = max(seq) and min(seq) = 1 from vms.event";
    assert!(admin.value::<bool>(sql), "each once");
    let rows: i64 = admin.value("select count(*) from vms.reading");
    let seconds: i64 = admin.value("select 2 * count(distinct at) from vms.reading");
    // A number that was given again after a kill has its second again: both were lived through.
    assert!(rows >= seconds && rows >= last as i64, "{rows} rows, {seconds} different");
    let mut out = Reader::new(&journal.path());
    let here = vms::model::outbox::Outbox::waiting(&mut out, vms::model::record::Stream::Second, 0).expect("reads");
    assert_eq!(rows, here as i64, "every second once");
    forwarder.end();
    journal.end();
}

/// Every number up to `newest` is there, the chain is unbroken, and the file is sound.
fn check(dir: &Path, newest: u64) {
    let path = dir.join(FILE_NAME);
    let opened = Store::open(&path, SystemClock::new().now()).expect("opens");
    assert_eq!(opened.set_aside, None, "the file is sound");
    let restored = opened.store.restore().expect("reads");
    assert!(restored.last_seq >= newest, "{} < {newest}", restored.last_seq);
    let verdict = History::open(&path).expect("opens").verify().expect("reads");
    assert_eq!((verdict.broken, verdict.gaps), (None, 0));
    assert_eq!((verdict.first, verdict.last, verdict.events), (Some(1), Some(restored.last_seq), restored.last_seq));
    assert_eq!(restored.events, restored.last_seq);
}

/// A file system in an image, mounted; none where this user may not mount one.
struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    fn make(dir: &Path) -> Option<Self> {
        Self::make_in(dir, dir)
    }

    /// The image in one directory, mounted in the other.
    fn make_in(images: &Path, dir: &Path) -> Option<Self> {
        let image = images.join("disk.img");
        std::fs::File::create(&image).and_then(|f| f.set_len(48 << 20)).expect("made");
        let made = Command::new("/usr/sbin/mkfs.ext4").args(["-q", "-F"]).arg(&image).output();
        made.is_ok_and(|o| o.status.success()).then_some(())?;
        Self::mount(image, dir.join("disk"))
    }

    fn mount(image: PathBuf, at: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).expect("made");
        let done = Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&at).output();
        done.is_ok_and(|o| o.status.success()).then_some(Self { image, at })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.at).output();
    }
}

/// What the disk has while the program runs is what a power cut leaves: everything that was written and not synced lies in
/// the memory above the image, and is not in a copy of it.
#[test]
fn what_was_said_to_be_durable_survives_power_cuts() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(disk) = Disk::make(dir.path()) else {
        println!("skipped: this user may not mount an image, or mkfs.ext4 is missing");
        return;
    };
    let mut child = child(&disk.at, None);
    let pid = Pid::from_raw(child.id() as i32);
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let (tx, said) = sync_channel(100_000);
    let reader = std::thread::spawn(move || {
        for seq in lines.filter_map(|l| durable(&l)) {
            if tx.send(seq).is_err() {
                return;
            }
        }
    });
    let (mut dice, mut newest, mut lost) = (Dice(815), 0, 0);
    for cut in 0..times("VMS_POWER_CUTS", 6) {
        let until = Instant::now() + Duration::from_millis(20 + dice.up_to(150));
        loop {
            match said.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(seq) => newest = newest.max(seq),
                Err(RecvTimeoutError::Timeout) if newest == 0 => newest = said.recv().expect("it runs"),
                Err(_) => break,
            }
        }
        // Proof that the copy is what it is meant to be: what nobody synced is not in it.
        std::fs::write(disk.at.join(format!("canary-{cut}")), "not synced").expect("written");
        // It stands still, so that nothing new comes while the copy is made; what was said before counts.
        kill(pid, Signal::SIGSTOP).expect("stopped");
        while let Ok(seq) = said.try_recv() {
            newest = newest.max(seq);
        }
        let copy = dir.path().join("cut.img");
        std::fs::copy(&disk.image, &copy).expect("copied");
        kill(pid, Signal::SIGCONT).expect("goes on");
        let after = Disk::mount(copy, dir.path().join("cut")).expect("mounted");
        let canary = std::fs::read_to_string(after.at.join(format!("canary-{cut}"))).unwrap_or_default();
        lost += u64::from(canary != "not synced");
        check(&after.at, newest);
    }
    assert!(lost > 0, "the copies hold what was never synced: they are not what a power cut leaves");
    child.kill().expect("killed");
    child.wait().expect("reaped");
    drop(said);
    reader.join().expect("ends");
}

/// A disk below the file system that stops taking anything: writes that were taken into memory fail later, in the sync. Then
/// it is mended and mounted again, as after a cable that came loose.
#[test]
fn a_sync_that_fails_is_not_believed_and_nothing_is_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    let below = dir.path().join("below");
    std::fs::create_dir(&below).expect("made");
    let size = |s: &str, more: &str| {
        let options = format!("{more}size={s}");
        Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&below)
            .output()
            .is_ok_and(|o| o.status.success())
    };
    if !size("14m", "") {
        println!("skipped: this user may not mount anything");
        return;
    }
    let Some(disk) = Disk::make_in(&below, dir.path()) else {
        let _ = Command::new("umount").arg("-l").arg(&below).output();
        println!("skipped: this user may not mount an image, or mkfs.ext4 is missing");
        return;
    };
    let path = disk.at.join(FILE_NAME);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Store::open(&path, clock.now()).expect("opens").store;
    let (tx, rx) = sync_channel(20_000);
    let (report, out) = sync_channel(100_000);
    let writer = std::thread::spawn(move || {
        writer::run(store, Retention::default(), rx, clock, Box::new(move |o| report.try_send(o).is_ok()));
    });
    let big = |seq: u64| {
        let kind = EventKind::Note { text: format!("event {seq} {}", "x".repeat(3000)).into() };
        Event { seq, at: jiff::Timestamp::from_second(1_700_000_000).expect("in range"), kind }
    };
    let (mut seq, mut newest, mut fault) = (0, 0, None);
    while fault.is_none() {
        seq += 1;
        assert!(seq < 9000, "the disk never failed");
        tx.send(Write::Urgent(big(seq))).expect("it runs");
        // One after the other, until the disk refuses.
        loop {
            match out.recv_timeout(node::PATIENCE).expect("a report in time") {
                WriterOut::Durable { up_to_seq, .. } => newest = up_to_seq.max(newest),
                WriterOut::Status { fault: f, .. } if f.is_some() => fault = f,
                WriterOut::Status { .. } => continue,
                WriterOut::Lost { .. } => panic!("nothing is lost"),
            }
            if fault.is_some() || newest >= seq {
                break;
            }
        }
    }
    println!("after {newest}: {}", fault.unwrap_or_default());
    assert!(newest > 100, "something was durable before");
    (seq + 1..=seq + 50).for_each(|s| tx.send(Write::Urgent(big(s))).expect("it runs"));
    // More room below, and the file system anew: the failed one refuses everything since.
    assert!(size("200m", "remount,"));
    // Not while the writer just looks whether it works again.
    while !Command::new("umount").arg(&disk.at).output().is_ok_and(|o| o.status.success()) {
        assert!(out.recv_timeout(node::PATIENCE).is_ok(), "it cannot be taken away");
    }
    let again = Disk::mount(disk.image.clone(), disk.at.clone()).expect("mounted again");
    let end = Instant::now() + node::PATIENCE;
    while newest < seq + 50 {
        match out.recv_timeout(end.saturating_duration_since(Instant::now())).expect("it goes on by itself") {
            WriterOut::Durable { up_to_seq, .. } => newest = up_to_seq.max(newest),
            WriterOut::Lost { .. } => panic!("nothing is lost"),
            WriterOut::Status { fault, .. } => drop(fault.map(|f| println!("{f}"))),
        }
    }
    tx.send(Write::Stop).expect("it runs");
    writer.join().expect("ends");
    check(&again.at, seq + 50);
    drop(again);
    std::mem::forget(disk);
    let _ = Command::new("umount").arg("-l").arg(&below).output();
}
