//! `vms history` from outside: a journal made by the library, read by the program.
#![expect(clippy::expect_used, reason = "a test that cannot set its stage has to stop")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use vms::base::clock::{Mono, Now};
use vms::journal::{Batch, Store};
use vms::model::alarm::{Priority, Topic};
use vms::model::event::{Event, EventKind, SecondReading};
use vms::model::record::{EventWaveform, Rolled};
use vms::model::upkeep::{Answer, Outcome};
use vms::model::vibration::{Grade, Waveform};

/// 23 November 2026, 12:00 in UTC; 17:30 in India.
const NOON: i64 = 1_795_435_200;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOON + second).expect("in range")
}

fn kinds() -> Vec<EventKind> {
    let answer = |outcome, line: &str| Answer { outcome, evidence: vec![line.to_owned()] };
    vec![
        EventKind::EngineStarted { version: "1".into(), pid: 7 },
        EventKind::AlarmRaised {
            alarm: "east.velocity_rms_mm_s".into(),
            source: "east".into(),
            topic: Topic::Vibration,
            priority: Priority::High,
            value: Some(8.3),
            limit: Some(7.1),
            unit: "mm/s".into(),
            text: "velocity 8.30 mm/s above 7.10".into(),
            advice: "Look at it.".into(),
        },
        EventKind::AlarmAcknowledged { alarm: "east.velocity_rms_mm_s".into(), who: "kumar".into(), why: None },
        EventKind::RunStarted { run: 1, task: "cameras".into(), who: "kumar".into(), subject: None, because: None },
        EventKind::StepAnswered {
            run: 1,
            step: "verify".into(),
            answer: answer(Outcome::Passed, "4 of 4 live"),
            who: "vms".into(),
        },
        EventKind::StepAnswered {
            run: 1,
            step: "note".into(),
            answer: answer(Outcome::Failed, "=HYPERLINK(\"x\"), dirty"),
            who: "kumar".into(),
        },
        EventKind::RunFinished {
            run: 1,
            task: "cameras".into(),
            who: "kumar".into(),
            passed: false,
            abandoned: false,
            record: None,
        },
        EventKind::Note { text: "shift change".into() },
    ]
}

fn reading(second: i64, roi: &str) -> SecondReading {
    SecondReading {
        second: NOON + second,
        roi: roi.into(),
        displacement_pp_px: 0.5,
        displacement_rms_px: 0.25,
        velocity_rms_mm_s: (roi == "east").then_some(1.5),
        peak_hz: None,
        peak_amplitude_px: Some(0.125),
        uncertainty_px: 0.0625,
        grade: Grade::Good,
    }
}

fn journal(dir: &Path) {
    let now = Now { wall: at(0), mono: Mono(0) };
    let mut store = Store::open(&dir.join("journal.db"), now).expect("a journal").store;
    let event = |(i, kind)| Event { seq: i as u64 + 1, at: at(i as i64 * 60), kind };
    let events = kinds().into_iter().enumerate().map(event).collect();
    // An hour, nothing, and ten more minutes a day later: the gap is not gone through second by second.
    let seconds = (0..3600).chain(90_000..90_600);
    let minutes = (0..3 * 1440).map(|m| Rolled {
        series: "roi.east.velocity_rms_mm_s".into(),
        unit: "mm/s".into(),
        at: NOON + m * 60,
        known: 60,
        mean: 2.0,
        least: 1.0,
        most: 3.0 + (m % 7) as f64,
    });
    let wave = Waveform {
        t_s: vec![-0.04, 0.0],
        dx_px: vec![0.1, f32::NAN],
        dy_px: vec![-0.2, 0.2],
        sigma_px: vec![0.01, 0.01],
    };
    let batch = Batch {
        events,
        seconds: seconds.map(|s| vec![reading(s, "east"), reading(s, "west")]).collect(),
        minutes: minutes.collect(),
        waveforms: vec![EventWaveform { event: 2, at: at(60), roi: "east".into(), wave: wave.into() }],
        ..Batch::default()
    };
    store.append(&batch).expect("written");
    fs::write(dir.join("vms.toml"), "[site]\ntime_zone = \"Asia/Kolkata\"\n").expect("written");
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_vms"));
    c.args(["--config", "vms.toml", "--data-dir", ".", "history"]).args(args);
    c.current_dir(dir).env_clear().env("HOME", dir).stdin(Stdio::null());
    c
}

fn run(dir: &Path, args: &[&str]) -> Ran {
    let o = command(dir, args).output().expect("the program starts");
    let text = |b: Vec<u8>| String::from_utf8(b).expect("UTF-8");
    Ran { code: o.status.code().unwrap_or(-1), out: text(o.stdout), err: text(o.stderr) }
}

fn fine(dir: &Path, args: &[&str]) -> String {
    let r = run(dir, args);
    assert_eq!(r.code, 0, "{args:?}: {}{}", r.out, r.err);
    r.out
}

#[test]
fn everything_that_the_journal_holds_is_printed() {
    let dir = tempfile::tempdir().expect("a directory");
    let d = dir.path();
    journal(d);
    insta::assert_snapshot!("events", fine(d, &[]));
    assert_eq!(fine(d, &["--json", "events"]), fine(d, &["events", "--json"]), "--json stands anywhere");
    insta::assert_snapshot!("events_json", fine(d, &["events", "--kind", "alarm_", "--json"]));
    insta::assert_snapshot!("events_csv", fine(d, &["events", "--contains", "KUMAR", "--csv"]));
    insta::assert_snapshot!("records", fine(d, &["records"]));
    insta::assert_snapshot!("records_csv", fine(d, &["records", "--csv"]));
    insta::assert_snapshot!("records_json", fine(d, &["records", "--json"]));
    insta::assert_snapshot!("readings", fine(d, &["readings", "--last", "3"]));
    let csv = ["readings", "--roi", "west", "--from", "2026-11-23 18:29:58", "--to", "2026-11-23 18:30", "--csv"];
    insta::assert_snapshot!("readings_csv", fine(d, &csv));
    let hours = ["trend", "--roi", "east", "--from", "2026-11-23 17:30", "--to", "2026-11-26 20:00"];
    insta::assert_snapshot!("trend_by_hour", fine(d, &[&hours[..], &["--last", "5"]].concat()));
    let minutes =
        ["trend", "roi.east.velocity_rms_mm_s", "--from", "2026-11-23T12:00:00Z", "--to", "2026-11-23T12:20:00Z"];
    insta::assert_snapshot!("trend_by_minute", fine(d, &[&minutes[..], &["--json"]].concat()));
    let seconds = ["trend", "--roi", "east", "--quantity", "peak_amplitude_px", "--csv"];
    let span = ["--from", "2026-11-23 17:30", "--to", "2026-11-23 17:30:03"];
    insta::assert_snapshot!("trend_by_second", fine(d, &[&seconds[..], &span].concat()));
    insta::assert_snapshot!("series", fine(d, &["series"]));
    insta::assert_snapshot!("waveform", fine(d, &["waveform", "2", "--csv"]));
}

#[test]
fn a_range_is_complete_and_gaps_are_jumped_over() {
    let dir = tempfile::tempdir().expect("a directory");
    journal(dir.path());
    let all = fine(dir.path(), &["readings", "--from", "2026-01-01", "--to", "2027-01-01", "--csv"]);
    assert_eq!(all.lines().count(), 1 + 2 * 4200);
    let newest = fine(dir.path(), &["readings", "--last", "2000", "--roi", "east", "--csv"]);
    assert_eq!(newest.lines().count(), 2001);
    assert!(newest.lines().nth(1).expect("a row").starts_with("2026-11-23T12:36:40Z,east,"), "{}", &newest[..200]);
    let minutes = ["trend", "--roi", "east", "--step", "minute", "--from", "2026-11-23", "--to", "2026-12-01", "--csv"];
    assert_eq!(fine(dir.path(), &minutes).lines().count(), 1 + 3 * 1440);
}

#[test]
fn the_chain_is_proven_or_the_first_break_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let d = dir.path();
    journal(d);
    let told = fine(d, &["verify"]);
    assert!(told.contains("events   8") && told.contains("proven") && told.contains("IST"), "{told}");
    let json: serde_json::Value = serde_json::from_str(&fine(d, &["verify", "--json"])).expect("JSON");
    assert_eq!((json["events"].as_u64(), json["proven"].as_bool()), (Some(8), Some(true)));
    let conn = rusqlite::Connection::open(d.join("journal.db")).expect("opened");
    let forge = "drop trigger event_as_written; update event set body = replace(body, 'kumar', 'nobody') where seq = 3";
    conn.execute_batch(forge).expect("forged");
    let r = run(d, &["verify"]);
    assert_eq!(r.code, 1, "{}", r.out);
    assert!(r.out.contains("BROKEN   at event 3"), "{}", r.out);
    let r = run(d, &["verify", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&r.out).expect("JSON");
    assert_eq!((r.code, json["broken"]["seq"].as_u64()), (1, Some(3)));
}

#[test]
fn what_cannot_be_read_is_told_with_66_and_what_is_not_known_with_2() {
    let dir = tempfile::tempdir().expect("a directory");
    let d = dir.path();
    let r = run(d, &["readings"]);
    assert_eq!(r.code, 66);
    assert!(r.err.contains("there is no journal in the data directory"), "{}", r.err);
    journal(d);
    for (args, said) in [
        (&["readings", "--roi", "eats"][..], "did you mean \"east\"?"),
        (&["readings", "--roi", "furnace"], "it has east, west"),
        (&["readings", "--quantity", "velocity"], "there are velocity_rms_mm_s,"),
        (&["readings", "--quantity", "displacement_pp_mm"], "seconds do not hold displacement_pp_mm"),
        (&["trend", "roi.east.velocity_rms_mm_x"], "did you mean \"roi.east.velocity_rms_mm_s\"?"),
        (&["trend", "indicator.cpu"], "in the journal"),
        (&["events", "--from", "soon"], "--from: \"soon\" is no moment"),
        (&["events", "--from", "1h", "--to", "2h"], "is not before"),
        (&["events", "--csv", "--json"], "exclude each other"),
        (&["waveform", "99"], "there is no event 99"),
        (&["--last", "5", "records"], "put the options behind"),
    ] {
        let r = run(d, args);
        assert_eq!(r.code, 2, "{args:?}: {}", r.err);
        assert!(r.err.contains(said), "{args:?}: {}", r.err);
    }
    let conn = rusqlite::Connection::open(d.join("journal.db")).expect("opened");
    conn.execute_batch("insert into refinery_schema_history (version, name) values (99, 'x')").expect("made newer");
    let r = run(d, &["events"]);
    assert_eq!(r.code, 66);
    assert!(r.err.contains("has schema 99") && r.err.contains("newer program"), "{}", r.err);
    conn.execute_batch("delete from refinery_schema_history where version > 1").expect("made older");
    let r = run(d, &["events"]);
    assert_eq!(r.code, 66);
    assert!(r.err.contains("start the engine once"), "{}", r.err);
    drop(conn);
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        // Not every one of them is there.
        let _ = fs::remove_file(d.join(name));
    }
    fs::write(d.join("journal.db"), [b'x'; 8192]).expect("written");
    let r = run(d, &["verify"]);
    assert_eq!(r.code, 66, "{}", r.err);
    assert!(r.err.contains("damaged"), "{}", r.err);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let dir = tempfile::tempdir().expect("a directory");
    journal(dir.path());
    let args = ["readings", "--from", "2026-01-01", "--to", "2027-01-01"];
    let mut child =
        command(dir.path(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    {
        let out = child.stdout.take().expect("piped");
        BufReader::with_capacity(128, out).read_line(&mut line).expect("read");
    }
    let mut err = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut err).expect("read");
    assert_eq!((child.wait().expect("ended").code(), err.as_str()), (Some(0), ""));
    assert!(line.starts_with("WHEN (Asia/Kolkata)"), "{line}");
}
