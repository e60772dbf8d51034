//! What is older than the journal keeps is read back from the database, and said where it is from.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use jiff::Timestamp;
use vms::base::clock::{Clock as _, SystemClock};
use vms::config::sections::Journal as Keep;
use vms::journal::{Batch, FILE_NAME, Store};
use vms::model::event::{Event, EventKind};
use vms::model::record::Rolled;

use super::cluster::{Cluster, PASSWORD};
use super::node::{Admin, Forwarder, Journal, readings};

/// Minutes of the test's series: two days of them.
const MINUTES: i64 = 2 * 1440;
/// Minutes that the journal keeps in the end.
const KEPT: i64 = 600;

fn minute(at: i64, n: i64) -> Rolled {
    let mean = n as f64;
    Rolled {
        series: "indicator.cpu".into(),
        unit: "%".into(),
        at,
        known: 60,
        mean,
        least: mean - 1.0,
        most: mean + 1.0,
    }
}

fn note(seq: u64, at: i64) -> Event {
    let at = Timestamp::from_second(at).unwrap();
    Event { seq, at, kind: EventKind::Note { text: format!("shift note {seq}").into() } }
}

/// A journal of two days whose older part is in the database only: sent by the forwarder, removed by retention. Gives the
/// minute at which it begins.
fn stage(cluster: &Cluster) -> (tempfile::TempDir, i64) {
    let dir = tempfile::tempdir().unwrap();
    let now = SystemClock::new().now();
    let end = now.wall.as_second().div_euclid(60) * 60;
    let begin = end - MINUTES * 60;
    let mut store = Store::open(&dir.path().join(FILE_NAME), now).unwrap().store;
    let minutes = (0..MINUTES).map(|n| minute(begin + n * 60, n)).collect();
    let events = (0..48).map(|h| note(h + 1, begin + h as i64 * 3600)).collect();
    let seconds = (0..48).map(|h| readings(begin + h * 3600, 2)).collect();
    store.append(&Batch { minutes, events, seconds, ..Batch::default() }).unwrap();
    drop(store);
    let journal = Journal::open(dir);
    let forwarder = Forwarder::start(&journal, cluster, "one");
    let admin = Admin::connect(cluster);
    admin.has_events_once(48);
    admin.until(&format!("select count(*) >= {MINUTES} from vms.minute"));
    admin.until("select count(*) = 96 from vms.reading");
    forwarder.until(|r| (r.queued == Some(0)).then_some(()));
    forwarder.end();
    let dir = journal.end();
    let mut store = Store::open(&dir.path().join(FILE_NAME), now).unwrap().store;
    let keep = std::time::Duration::from_secs(KEPT.unsigned_abs() * 60);
    let keep = Keep { keep_minutes: keep, keep_events: keep, keep_seconds: keep, ..Keep::default() };
    while store.keep(&keep, true, end).unwrap().more {}
    drop(store);
    let text = format!(
        "[site]\nname = \"BF2\"\nnode = \"one\"\ntime_zone = \"UTC\"\n\
         [historian]\nurl = \"{}\"\npassword = {{ env = \"DB\" }}\n",
        cluster.url()
    );
    fs::write(dir.path().join("vms.toml"), text).unwrap();
    (dir, begin)
}

fn history(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let mut c = Command::new(env!("CARGO_BIN_EXE_vms"));
    c.args(["--config", "vms.toml", "--data-dir", ".", "history"]).args(args);
    let Output { status, stdout, stderr } =
        c.current_dir(dir).env_clear().env("HOME", dir).env("DB", PASSWORD).output().unwrap();
    let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn lines(csv: &str) -> Vec<&str> {
    csv.lines().skip(1).collect()
}

#[test]
fn what_is_older_than_the_journal_comes_from_the_database() {
    let Some(cluster) = Cluster::start() else { return };
    let (dir, begin) = stage(&cluster);
    let dir = dir.path();
    let here = vms::journal::History::open(&dir.join(FILE_NAME)).unwrap();
    let first = here.events_after(0, 1).unwrap().items[0].seq;
    assert!(first > 30 && first < 48, "retention removed the older ones: {first}");
    // A trend over both, every point once and in order.
    let (from, to) = (at(begin), at(begin + MINUTES * 60));
    let trend = ["trend", "indicator.cpu", "--from", &from, "--to", &to, "--step", "minute", "--csv"];
    let (code, out, err) = history(dir, &trend);
    assert_eq!(code, 0, "{err}");
    let means: Vec<i64> = lines(&out).iter().map(|l| l.split(',').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(means, (0..MINUTES).collect::<Vec<_>>());
    assert!(err.contains("from the database, the rest from the journal"), "{err}");
    // Hours, which the database made by itself.
    let hours = ["trend", "indicator.cpu", "--from", &from, "--to", &to, "--step", "hour", "--csv"];
    let (_, out, _) = history(dir, &hours);
    assert!(lines(&out).len() >= 48, "{out}");
    // Events likewise: of a range, the newest ones, filtered ones.
    let numbers = |args: &[&str]| -> (Vec<u64>, String) {
        let (code, out, err) = history(dir, &[&["events", "--csv"], args].concat());
        assert_eq!(code, 0, "{err}");
        (lines(&out).iter().map(|l| l.split(',').next().unwrap().parse().unwrap()).collect(), err)
    };
    let (got, err) = numbers(&["--from", &from]);
    assert_eq!(got, (1..=48).collect::<Vec<_>>());
    assert!(err.contains(&format!("{} events from before", first - 1)), "{err}");
    assert_eq!(numbers(&["--last", "40"]).0, (9..=48).collect::<Vec<_>>());
    let (got, err) = numbers(&["--last", "3"]);
    assert_eq!((got, err.as_str()), (vec![46, 47, 48], ""), "the journal has these: nobody is asked");
    assert_eq!(numbers(&["--contains", "NOTE 7"]).0, [7]);
    assert_eq!(numbers(&["--kind", "not", "--to", &at(begin + 3 * 3600)]).0, [1, 2, 3]);
    assert_eq!(numbers(&["--kind", "alarm"]).0, [0u64; 0]);
    // Readings too, of every region or of one.
    assert!(here.seconds_between(0, i64::MAX).unwrap().unwrap().0 > begin, "retention removed the older seconds");
    let seconds = |more: &[&str]| {
        let (code, out, err) = history(dir, &[&["readings", "--csv", "--from", &from], more].concat());
        assert_eq!(code, 0, "{err}");
        (lines(&out).iter().map(ToString::to_string).collect::<Vec<_>>(), err)
    };
    let (all, err) = seconds(&[]);
    assert!(err.contains("readings from before"), "{err}");
    assert_eq!(all.len(), 96);
    // Years before the first reading are not gone through.
    let (code, out, err) = history(dir, &["readings", "--csv", "--from", "1990-01-01T00:00:00Z"]);
    assert_eq!((code, lines(&out).len()), (0, 96), "{err}");
    let (one, _) = seconds(&["--roi", "roi-1"]);
    let want: Vec<String> =
        (0..48).map(|h| format!("{},roi-1,1.5,0.25,1.5,,0.125,,good", at(begin + h * 3600))).collect();
    assert_eq!(one, want, "each once, in order, as it was measured");
    // The server goes: the journal's own part is shown, and it is said what is missing and why.
    cluster.stop_at_once();
    let (code, out, err) = history(dir, &["events", "--csv", "--from", &from]);
    assert_eq!((code, lines(&out).len() as u64), (0, 49 - first));
    assert!(err.contains("could not be read") && !err.contains(PASSWORD), "{err}");
    let (code, out, err) = history(dir, &trend);
    assert_eq!(code, 0);
    assert!(lines(&out).len() as i64 >= KEPT && err.contains("could not be read"), "{err}");
}

fn at(second: i64) -> String {
    Timestamp::from_second(second).unwrap().to_string()
}

#[test]
fn the_proof_is_held_against_the_copy_in_the_database() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    journal.events(1..=9);
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    let admin = Admin::connect(&cluster);
    admin.has_events_once(9);
    forwarder.end();
    let dir = journal.end();
    let text = |url: &str| {
        format!("[site]\nname = \"BF2\"\nnode = \"one\"\n[historian]\nurl = \"{url}\"\npassword = {{ env = \"DB\" }}\n")
    };
    fs::write(dir.path().join("vms.toml"), text(&cluster.url())).unwrap();
    let (code, out, err) = history(dir.path(), &["verify"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("database has the same events up to 9, by their hash; all of them"), "{out}");
    let (_, out, _) = history(dir.path(), &["verify", "--json"]);
    assert!(out.contains("\"state\":\"same\"") && out.contains("\"up_to\":9"), "{out}");
    // Somebody changes the copy.
    admin.run("update vms.event set hash = decode(repeat('ab', 32), 'hex') where seq = 9");
    let (code, out, _) = history(dir.path(), &["verify"]);
    assert!(code == 1 && out.contains("DIFFERS: its event 9"), "{out}");
    // The newest event is gone there: what is left is the same.
    admin.run("delete from vms.event where seq = 9");
    let (code, out, _) = history(dir.path(), &["verify"]);
    assert!(code == 0 && out.contains("up to 8, by their hash; 1 are not there yet"), "{out}");
    // Another journal of the same node.
    admin.run("update vms.event set journal = 'another'");
    let (code, out, _) = history(dir.path(), &["verify"]);
    assert!(code == 0 && out.contains("has no event of this journal yet"), "{out}");
    cluster.stop_at_once();
    let (code, out, _) = history(dir.path(), &["verify"]);
    assert!(code == 0 && out.contains("not compared: ") && out.contains("proven"), "{out}");
}
