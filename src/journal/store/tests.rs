//! The store against crashes, full disks, damage and its own record.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek as _, Write as _};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::journal::testing::{acknowledged, at, batch, event, note, now, raised, returned, second};
use crate::journal::{EventFilter, Fold, History};
use crate::model::RoiId;
use crate::model::alarm::Priority;
use crate::model::baseline::{Baseline, Usual};
use crate::model::database::{CareFigures, CareJob, CareRecord};
use crate::model::event::{Event, EventKind, SecondReading};
use crate::model::quantity::Quantity;
use crate::model::record::{EventWaveform, Stream};
use crate::model::upkeep::{Answer, Outcome};
use crate::model::vibration::Grade;

fn fresh() -> (tempfile::TempDir, PathBuf, Store) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.db");
    let opened = Store::open(&path, now()).expect("a new journal");
    assert_eq!(opened.set_aside, None);
    (dir, path, opened.store)
}

fn seqs(path: &Path) -> Vec<u64> {
    let history = History::open(path).expect("opens for reading");
    history.events_after(0, 10_000).expect("reads").items.iter().map(|e| e.seq).collect()
}

#[test]
fn a_new_journal_is_empty_strict_and_synced() {
    let (_dir, _, store) = fresh();
    let restored = store.restore().expect("reads");
    assert_eq!(restored, crate::journal::Restored::default());
    let conn = store.conn().expect("open");
    let pragma = |p: &str| conn.query_row(&format!("pragma {p}"), [], |r| r.get::<_, i64>(0)).expect("a number");
    assert_eq!(pragma("synchronous"), 2, "FULL");
    let strict = "select count(*) from pragma_table_list where name in ('event', 'second', 'minute', 'waveform', 'tally') and strict = 1";
    assert_eq!(conn.query_row(strict, [], |r| r.get::<_, i64>(0)), Ok(5));
    assert!(store.size_bytes().expect("seen") > 0);
}

#[test]
fn what_is_written_comes_back() {
    let (_dir, path, mut store) = fresh();
    let events = vec![raised(1, "a", Priority::High), note(2), acknowledged(3, "a")];
    let mut bad = second("r", 11);
    bad.displacement_pp_px = f64::NAN;
    bad.grade = Grade::Untrusted;
    store.append(&batch(&events, &[second("r", 10), bad, second("other", 10)])).expect("written");
    drop(store);
    let restored = Store::open(&path, now()).expect("opens").store.restore().expect("reads");
    assert_eq!((restored.last_seq, restored.events), (3, 3));
    assert_eq!((restored.first, restored.last_event), (Some(at(1)), Some(at(3))));
    assert_eq!(restored.recent, events);
    assert_eq!(restored.alarms[0].acknowledged_by.as_deref(), Some("person 3"));
    let history = History::open(&path).expect("opens");
    let got = history.readings(Some(&RoiId::from("r")), 10, 12, 10).expect("reads");
    assert_eq!(got.items[0], second("r", 10));
    assert!(got.items[1].displacement_pp_px.is_nan(), "a measure that is not a number is kept as such");
    assert_eq!((got.items.len(), got.items[1].grade), (2, Grade::Untrusted));
}

#[test]
fn a_repeat_does_no_harm() {
    let (_dir, path, mut store) = fresh();
    let (events, readings) = (vec![note(1), note(2)], vec![second("r", 1)]);
    store.append(&batch(&events, &readings)).expect("written");
    store.append(&batch(&events, &readings)).expect("written again");
    store.append(&batch(&[note(2), note(3)], &readings)).expect("written again");
    assert_eq!(seqs(&path), [1, 2, 3]);
    assert_eq!(store.restore().expect("reads").events, 3);
}

#[test]
fn pages_follow_time_and_number() {
    let (_dir, path, mut store) = fresh();
    let events: Vec<Event> = (1..=10).map(note).collect();
    store.append(&batch(&events, &[])).expect("written");
    let history = History::open(&path).expect("opens");
    let page = history.events(at(3), at(8), 3).expect("reads");
    assert_eq!(page.items, events[2..5]);
    assert!(page.more);
    let page = history.events(at(6), at(8), 3).expect("reads");
    assert_eq!((page.items.as_slice(), page.more), (&events[5..7], false));
    let page = history.events_after(8, 5).expect("reads");
    assert_eq!((page.items.as_slice(), page.more), (&events[8..], false));
}

#[test]
fn nothing_written_can_be_changed() {
    let (_dir, _, mut store) = fresh();
    store.append(&batch(&[note(1)], &[])).expect("written");
    let conn = store.conn().expect("open");
    assert!(conn.execute("delete from event", []).is_err());
    assert!(conn.execute("update event set kind = 'x'", []).is_err());
}

#[test]
fn a_batch_is_written_once_also_when_its_commit_was_not_believed() {
    let (_dir, path, mut store) = fresh();
    store.append(&batch(&[note(1)], &[second("r", 1)])).expect("written");
    let newest = batch(&[note(2)], &[second("r", 2)]);
    store.append(&newest).expect("written");
    // As if the second commit had been reported as failed: it is appended again from memory.
    store.known.batch -= 1;
    store.reopen(now()).expect("opens again");
    store.append(&newest).expect("taken");
    store.append(&batch(&[note(3)], &[second("r", 3)])).expect("written");
    let history = History::open(&path).expect("opens");
    let seconds: Vec<i64> = history.readings(None, 0, 10, 10).expect("reads").items.iter().map(|r| r.second).collect();
    assert_eq!((seqs(&path), seconds), (vec![1, 2, 3], vec![1, 2, 3]));
    assert_eq!(history.verify().expect("reads").broken, None);
}

#[test]
fn the_chain_names_the_first_place_that_was_changed() {
    let (_dir, path, mut store) = fresh();
    for seq in [1, 2, 3, 4, 7, 8] {
        store.append(&batch(&[note(seq)], &[])).expect("written");
    }
    let check = || History::open(&path).expect("opens").verify().expect("reads");
    let sound = check();
    assert_eq!((sound.broken, sound.events, sound.first, sound.last), (None, 6, Some(1), Some(8)));
    assert_eq!((sound.gaps, sound.head.len()), (2, 64), "numbers that were never written are counted");
    let conn = store.conn().expect("open");
    let tamper = |sql: &str| {
        conn.execute_batch(&format!(
            "drop trigger event_as_written; drop trigger event_stays; begin; {sql}; \
             create trigger event_as_written before update on event begin select 1; end; \
             create trigger event_stays before delete on event begin select 1; end; commit"
        ))
        .expect("tampered");
        let broken = check().broken.expect("noticed");
        (broken.seq, broken.why)
    };
    let (seq, why) = tamper("delete from event where seq = 8");
    assert_eq!(seq, 7);
    assert!(why.contains("1 events that were written after it are missing"), "{why}");
    assert_eq!(tamper("update event set body = replace(body, 'note', 'nope') where seq = 7").0, 7);
    assert_eq!(tamper("delete from event where seq = 3").0, 4);
    assert_eq!(tamper("update event set at_ns = at_ns + 1 where seq = 1").0, 1);
}

#[test]
fn a_file_of_schema_1_is_upgraded_and_is_like_a_fresh_one() {
    let (dir, fresh_path, mut store) = fresh();
    let old_path = dir.path().join("old.db");
    let many: Vec<Event> = (1..=7000).map(note).collect();
    let mut unknown = second("west", 11);
    unknown.displacement_pp_px = f64::NAN;
    let readings = [second("east", 10), second("east", 11), unknown, second("west", 90_000)];
    store.append(&batch(&many, &readings)).expect("written");
    {
        let mut conn = Connection::open(&old_path).expect("made");
        embedded::migrations::runner().set_target(refinery::Target::Version(1)).run(&mut conn).expect("schema 1");
        let tx = conn.transaction().expect("begun");
        for e in &many {
            let body = serde_json::to_string(&e.kind).expect("text");
            tx.execute(
                "insert into event (seq, at_ns, kind, subject, body) values (?1, ?2, ?3, ?4, ?5)",
                (e.seq as i64, super::super::rows::to_ns(e.at), e.kind.name(), e.kind.subject(), body),
            )
            .expect("written");
        }
        for r in &readings {
            tx.execute(
                "insert into reading (second, roi, displacement_pp_px, displacement_rms_px, velocity_rms_mm_s, peak_hz, \
                 peak_amplitude_px, uncertainty_px, grade) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                rusqlite::params![
                    r.second,
                    r.roi.as_str(),
                    r.displacement_pp_px,
                    r.displacement_rms_px,
                    r.velocity_rms_mm_s,
                    r.peak_hz,
                    r.peak_amplitude_px,
                    r.uncertainty_px,
                    r.grade.word()
                ],
            )
            .expect("written");
        }
        tx.execute("update tally set events = ?1, commits = 5", [many.len() as i64]).expect("written");
        tx.commit().expect("committed");
    }
    let old = Store::open(&old_path, now()).expect("upgraded").store;
    let schema = |s: &Store| {
        let conn = s.conn().expect("open");
        let mut all = conn.prepare("select type, name, sql from sqlite_schema order by name").expect("valid");
        let row = |r: &rusqlite::Row<'_>| {
            Ok(format!("{:?}", (r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, Option<String>>(2)?)))
        };
        all.query_map([], row).expect("reads").map(|r| r.expect("a row")).collect::<Vec<_>>()
    };
    assert_eq!(schema(&old), schema(&store));
    let of = |path: &Path| {
        let history = History::open(path).expect("opens");
        let readings = format!("{:?}", history.readings(None, 0, 100_000, 1000).expect("reads"));
        (history.events_after(0, 10_000).expect("reads"), readings, history.verify().expect("reads"))
    };
    let (mut was, mut is) = (of(&fresh_path), of(&old_path));
    assert_ne!(was.2.journal, is.2.journal, "each journal has a name of its own");
    was.2.journal.clear();
    is.2.journal.clear();
    assert_eq!(was, is);
}

fn keeping() -> Journal {
    let hour = Duration::from_hours(1);
    Journal {
        keep_seconds: hour,
        keep_minutes: hour,
        keep_hours: hour * 48,
        keep_waveforms: hour,
        keep_events: hour * 24,
        keep_unsent: hour * 72,
        keep_at_most_bytes: 1 << 30,
    }
}

#[test]
fn what_is_old_goes_and_what_was_not_sent_stays_longer() {
    let (_dir, path, mut store) = fresh();
    let begin = at(0).as_second();
    let readings: Vec<SecondReading> = (0..1200).map(|s| second("r", begin + s)).collect();
    store.append(&batch(&[raised(1, "a", Priority::High), note(2)], &readings)).expect("written");
    let all = |store: &mut Store, sends, after_h: i64| {
        let now_s = begin + after_h * 3600;
        let mut rows = 0;
        loop {
            let removed = store.keep(&keeping(), sends, now_s).expect("removes");
            rows += removed.rows;
            if !removed.more {
                return rows;
            }
        }
    };
    assert_eq!(all(&mut store, true, 50), 0, "nothing has been sent");
    store
        .append(&Batch { sent: vec![(Stream::Second, 700), (Stream::Event, 2)], ..Batch::default() })
        .expect("written");
    assert_eq!(
        all(&mut store, true, 50),
        700,
        "what was sent goes; the event of an open alarm stays, and all after it"
    );
    assert_eq!(all(&mut store, true, 80), 500, "too old even for what was not sent");
    store.append(&batch(&[acknowledged(3, "a"), returned(4, "a"), note(5)], &[])).expect("written");
    assert_eq!(all(&mut store, true, 50), 2);
    assert_eq!(all(&mut store, false, 50), 3, "without a database nothing waits for one");
    store.append(&batch(&[note(6)], &[])).expect("written");
    let verdict = History::open(&path).expect("opens").verify().expect("reads");
    assert_eq!((verdict.broken, verdict.first, verdict.removed_up_to), (None, Some(6), 5));
    drop(store);
    let restored = Store::open(&path, now()).expect("opens").store.restore().expect("reads");
    assert_eq!((restored.last_seq, restored.events), (6, 6));
}

#[test]
fn beyond_its_size_the_oldest_seconds_go() {
    let (_dir, path, mut store) = fresh();
    let readings: Vec<SecondReading> = (0..1500).map(|s| second("r", s)).collect();
    store.append(&batch(&[note(1)], &readings)).expect("written");
    let keep = Journal { keep_at_most_bytes: 1, ..Journal::default() };
    let removed = store.keep(&keep, true, 2000).expect("removes");
    assert_eq!((removed.unsent, removed.more), (500, true));
    let left = History::open(&path).expect("opens").readings(None, 0, 2000, 10_000).expect("reads").items;
    assert_eq!((left.len(), left[0].second), (1000, 500));
    assert_eq!(seqs(&path), [1], "events stay");
}

#[test]
fn a_file_that_is_damaged_while_open_is_set_aside() {
    let (_dir, path, mut store) = fresh();
    let many: Vec<Event> = (1..=3000).map(note).collect();
    store.append(&batch(&many, &[])).expect("written");
    store.conn().expect("open").query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).expect("done");
    let mut bytes = fs::read(&path).expect("read");
    bytes[..4096].fill(0xA5);
    // In place: the file stays the same one.
    let mut file = fs::OpenOptions::new().write(true).open(&path).expect("opens");
    file.seek(std::io::SeekFrom::Start(0)).and_then(|_| file.write_all(&bytes)).expect("damaged");
    store.reopen(now()).expect("begun anew");
    store.append(&batch(&[note(3001)], &[])).expect("written");
    assert_eq!(seqs(&path), [3001]);
    let aside = store.set_aside().expect("said").to_owned();
    fs::remove_file(aside).expect("moved away");
    assert_eq!(store.set_aside(), None, "until it is moved away");
}

#[test]
fn events_are_found_by_what_they_are() {
    let (_dir, path, mut store) = fresh();
    let all = [raised(1, "East", Priority::High), note(2), acknowledged(3, "East"), raised(4, "west", Priority::Low)];
    store.append(&batch(&all, &[])).expect("written");
    let history = History::open(&path).expect("opens");
    let found = |f: EventFilter, limit| {
        let page = history.events_where(&f, limit).expect("reads");
        (page.items.iter().map(|e| e.seq).collect::<Vec<_>>(), page.more)
    };
    let every = EventFilter::default;
    assert_eq!(found(every(), 10), (vec![4, 3, 2, 1], false));
    assert_eq!(found(every(), 3), (vec![4, 3, 2], true));
    assert_eq!(found(EventFilter { before_seq: Some(2), ..every() }, 3), (vec![1], false));
    let kinds = vec!["alarm_raised".into(), "note".into()];
    assert_eq!(found(EventFilter { kinds, ..every() }, 10), (vec![4, 2, 1], false));
    assert_eq!(found(EventFilter { subject: Some("east".into()), ..every() }, 10), (vec![3, 1], false));
    assert_eq!(found(EventFilter { text: Some("PERSON".into()), ..every() }, 10), (vec![3], false));
    assert_eq!(found(EventFilter { from: Some(at(2)), to: Some(at(4)), ..every() }, 10), (vec![3, 2], false));
}

#[test]
fn waveforms_stand_beside_their_event() {
    let (_dir, path, mut store) = fresh();
    let wave = crate::model::vibration::Waveform {
        t_s: vec![-0.5, 0.0],
        dx_px: vec![1.0, f32::INFINITY],
        dy_px: vec![0.0, 2.0],
        sigma_px: vec![0.5, 0.25],
    };
    let one = EventWaveform { event: 7, at: at(3), roi: "east".into(), wave: Arc::new(wave) };
    store.append(&Batch { waveforms: vec![one.clone()], ..Batch::default() }).expect("written");
    let history = History::open(&path).expect("opens");
    assert_eq!(history.waveforms(7).expect("reads"), [one]);
    assert_eq!(history.waveforms(8).expect("reads"), []);
}

#[test]
fn a_copy_taken_while_running_has_all_that_was_committed() {
    let (dir, path, mut store) = fresh();
    for seq in 1..=50 {
        store.append(&batch(&[note(seq)], &[])).expect("written");
    }
    let copy = dir.path().join("copy.db");
    for suffix in ["", "-wal"] {
        fs::copy(beside(&path, suffix), beside(&copy, suffix)).expect("copied");
    }
    let opened = Store::open(&copy, now()).expect("opens");
    assert_eq!(opened.set_aside, None);
    assert_eq!(opened.store.restore().expect("reads").last_seq, 50);
}

#[test]
fn a_torn_log_loses_only_its_end() {
    let (dir, path, mut store) = fresh();
    for seq in 1..=20 {
        store.append(&batch(&[note(seq)], &[])).expect("written");
    }
    let copy = dir.path().join("copy.db");
    fs::copy(&path, &copy).expect("copied");
    let wal = fs::read(beside(&path, "-wal")).expect("read");
    fs::write(beside(&copy, "-wal"), &wal[..wal.len() - 100]).expect("written");
    let opened = Store::open(&copy, now()).expect("opens");
    assert_eq!(opened.set_aside, None);
    assert_eq!(opened.store.restore().expect("reads").last_seq, 19);
}

#[test]
fn a_full_disk_is_said_and_left_when_there_is_room() {
    let (_dir, path, mut store) = fresh();
    store.append(&batch(&[note(1)], &[])).expect("written");
    let limit = store.limit(10);
    let many: Vec<Event> = (2..2000).map(note).collect();
    let e = store.append(&batch(&many, &[])).expect_err("there is no room");
    assert!(matches!(e, JournalError::Full(_)), "{e}");
    assert!(e.to_string().contains("free some space"), "{e}");
    assert_eq!(seqs(&path), [1], "nothing of it is there");
    limit.store(0, std::sync::atomic::Ordering::SeqCst);
    store.reopen(now()).expect("opens again");
    store.append(&batch(&many, &[])).expect("written");
    assert_eq!(seqs(&path).len(), 1999);
}

#[test]
fn a_damaged_file_is_set_aside_and_its_numbers_are_not_given_again() {
    let (dir, path, mut store) = fresh();
    let many: Vec<Event> = (1..=3000).map(note).collect();
    store.append(&batch(&many, &[])).expect("written");
    drop(store);
    let mut bytes = fs::read(&path).expect("read");
    // A page in the middle becomes noise; the end of the table can still be found.
    let middle = bytes.len() / 4096 / 3 * 4096;
    bytes[middle..middle + 4096].fill(0xA5);
    fs::write(&path, bytes).expect("written");
    let opened = Store::open(&path, now()).expect("opens");
    let aside = opened.set_aside.expect("set aside");
    assert_eq!(aside, dir.path().join("journal.db.corrupt-20231114T221320Z"));
    assert!(aside.exists());
    let restored = opened.store.restore().expect("reads");
    assert_eq!((restored.last_seq, restored.events), (3000, 0));
}

#[test]
fn a_file_of_something_else_is_set_aside_with_its_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.db");
    fs::write(&path, "this is no database, and long enough to look at".repeat(100)).expect("written");
    let first = Store::open(&path, now()).expect("opens").set_aside.expect("set aside");
    fs::write(&path, "again".repeat(1000)).expect("written");
    fs::remove_file(beside(&path, "-wal")).ok();
    let second = Store::open(&path, now()).expect("opens").set_aside.expect("set aside");
    assert_ne!(first, second, "the earlier one is kept");
    assert!(first.exists() && second.exists());
}

#[test]
fn a_newer_schema_is_refused() {
    let (_dir, path, store) = fresh();
    let conn = store.conn().expect("open");
    conn.execute(
        "insert into refinery_schema_history (version, name, applied_on, checksum) \
         values (99, 'later', '2030-01-01T00:00:00Z', '1')",
        [],
    )
    .expect("written");
    drop(store);
    let e = Store::open(&path, now()).expect_err("refused");
    assert!(matches!(e, JournalError::Newer { found: 99, known: 2, .. }), "{e}");
}

#[test]
fn a_missing_directory_is_said() {
    let e = Store::open(Path::new("/nowhere/at/all/journal.db"), now()).expect_err("refused");
    assert_eq!(
        e.to_string(),
        "the data directory /nowhere/at/all does not exist; create it, or set another data directory"
    );
}

#[test]
fn a_directory_without_the_right_to_write_is_said() {
    // Even the superuser cannot create files there.
    let e = Store::open(Path::new("/proc/self/journal.db"), now()).expect_err("refused");
    assert!(matches!(e, JournalError::ReadOnly { .. }), "{e}");
    assert!(e.to_string().contains("/proc/self/journal.db cannot be written"), "{e}");
}

#[test]
fn a_file_that_can_only_be_read_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, path, store) = fresh();
    drop(store);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("set");
    match Store::open(&path, now()) {
        // The superuser writes in spite of the mode.
        Ok(_) => assert!(fs::OpenOptions::new().append(true).open(&path).is_ok(), "opened, though not writable"),
        Err(e) => assert!(matches!(e, JournalError::ReadOnly { .. }), "{e}"),
    }
}

#[test]
fn a_file_removed_while_open_is_noticed_and_begun_again() {
    let (_dir, path, mut store) = fresh();
    store.append(&batch(&[note(1)], &[])).expect("written");
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(beside(&path, suffix)).expect("removed");
    }
    let e = store.append(&batch(&[note(2)], &[])).expect_err("noticed");
    assert!(matches!(e, JournalError::Removed(_)), "{e}");
    store.reopen(now()).expect("begun again");
    store.append(&batch(&[note(2)], &[])).expect("written");
    assert_eq!(seqs(&path), [2]);
}

#[test]
fn the_newest_baseline_of_each_region_and_state_comes_back() {
    let learned = |seq: u64, roi: &str, running: bool, readings: u32| {
        let baseline = Baseline {
            learned: event(seq, EventKind::Note { text: "".into() }).at,
            readings,
            seconds: 3600,
            scale_mm_per_px: Some(0.5),
            quantities: [(Quantity::VelocityRmsMmS, Usual { median: 4.5, spread: 0.25 })].into(),
            band_hz: (0.4, 12.5),
            bands_px: vec![Usual { median: 0.5, spread: 0.125 }; 12],
        };
        event(seq, EventKind::BaselineLearned { roi: roi.into(), running, baseline: baseline.into() })
    };
    let begun = |seq: u64, roi: &str| event(seq, EventKind::BaselineBegun { roi: roi.into(), who: "Ada".into() });
    let all = [
        learned(1, "east", true, 10),
        learned(2, "east", false, 20),
        begun(3, "east"),
        learned(4, "east", true, 30),
        learned(5, "west", true, 40),
    ];
    let (_dir, _, mut store) = fresh();
    store.append(&batch(&all, &[])).expect("written");
    assert_eq!(store.restore().expect("reads").baselines, all[1..], "in order, the overtaken one left out");
}

#[test]
fn the_newest_run_of_each_database_job_over_all_tables_comes_back() {
    let care = |seq: u64, job, table: Option<&str>| {
        let record = CareRecord {
            job,
            table: table.map(Into::into),
            who: "vms".into(),
            passed: seq != 3,
            text: "".into(),
            seconds: 1.0,
            before: Some(CareFigures { size_bytes: 3, index_bytes: 2, dead_rows: 1 }),
            after: None,
        };
        event(seq, EventKind::DatabaseCare { record: record.into() })
    };
    let all = [
        care(1, CareJob::Vacuum, None),
        care(2, CareJob::Reindex, None),
        care(3, CareJob::Vacuum, None),
        care(4, CareJob::Vacuum, Some("vms.event")),
        care(5, CareJob::Cancel, None),
    ];
    let (_dir, _, mut store) = fresh();
    store.append(&batch(&all, &[])).expect("written");
    assert_eq!(store.restore().expect("reads").care, all[1..3], "one table, and a cancelled query, count for nothing");
}

fn run_events(runs: &[(u8, u8, bool)]) -> Vec<Event> {
    let (mut out, mut seq) = (Vec::new(), 0);
    let mut push = |kind| {
        seq += 1;
        out.push(event(seq, kind));
    };
    let who: Arc<str> = "Ada".into();
    for (i, (task, steps, finished)) in runs.iter().enumerate() {
        let (run, task): (u64, Arc<str>) = (i as u64 + 1, format!("task-{task}").into());
        push(EventKind::RunStarted { run, task: task.clone(), who: who.clone(), subject: None, because: None });
        for step in 0..*steps {
            let answer = Answer { outcome: Outcome::Passed, evidence: vec!["fine".into()] };
            push(EventKind::StepAnswered { run, step: format!("s{step}").into(), answer, who: who.clone() });
        }
        if *finished {
            push(EventKind::RunFinished { run, task, who: who.clone(), passed: true, abandoned: false, record: None });
        }
    }
    out
}

#[test]
fn runs_that_matter_come_back_whole() {
    let mut runs = vec![(7, 2, true), (8, 1, false)];
    runs.extend([(1, 1, true); 230]);
    let events = run_events(&runs);
    let (_dir, _, mut store) = fresh();
    store.append(&batch(&events, &[])).expect("written");
    let upkeep = store.restore().expect("reads").upkeep;
    let got: BTreeSet<String> = upkeep.iter().filter_map(|e| e.kind.subject()).collect();
    // The newest of the rare task, the open one, and the newest 200.
    let want: BTreeSet<String> = [1, 2].into_iter().chain(33..=232).map(|n: u64| n.to_string()).collect();
    assert_eq!(got, want);
    assert!(upkeep.is_sorted_by_key(|e| e.seq));
    let whole: Vec<Event> =
        events.into_iter().filter(|e| e.kind.subject().is_some_and(|s| want.contains(&s))).collect();
    assert_eq!(upkeep, whole);
}

#[test]
fn the_start_reads_by_index() {
    let (_dir, _, store) = fresh();
    let conn = store.conn().expect("open");
    for sql in
        [crate::journal::restore::RAISED_SUBJECTS, crate::journal::restore::DECIDING, crate::journal::restore::RUNS]
    {
        let mut plan = conn.prepare(&format!("explain query plan {sql}")).expect("valid");
        let lines = plan.raw_query().mapped(|r| r.get::<_, String>(3)).collect::<Result<Vec<_>, _>>();
        // `raw_query` leaves the parameters null, which does not change the plan.
        for line in lines.expect("a plan") {
            assert!(!line.starts_with("SCAN event") || line.contains("INDEX"), "{line} in {sql}");
        }
    }
}

fn any_event(seq: u64, pick: u8, alarm: u8) -> Event {
    let alarm = ["a", "b", "c"][usize::from(alarm) % 3];
    match pick % 4 {
        0 => raised(seq, alarm, [Priority::Low, Priority::High][usize::from(pick / 4) % 2]),
        1 => returned(seq, alarm),
        2 => acknowledged(seq, alarm),
        _ => note(seq),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_start_finds_what_reading_everything_finds(
        picks in proptest::collection::vec((any::<u8>(), any::<u8>()), 0..600),
    ) {
        let events: Vec<Event> = picks.iter().enumerate().map(|(i, (p, a))| any_event(i as u64 + 1, *p, *a)).collect();
        let (_dir, _, mut store) = fresh();
        store.append(&batch(&events, &[])).expect("written");
        let restored = store.restore().expect("reads");
        let mut fold = Fold::default();
        for e in &events {
            fold.apply(e);
        }
        prop_assert_eq!(&restored.alarms, &fold.alarms());
        prop_assert_eq!(&restored.recent[..], &events[events.len().saturating_sub(500)..]);
        prop_assert_eq!(restored.events, events.len() as u64);
    }
}

#[test]
fn names_are_told_apart() {
    let mut by_name: BTreeMap<String, u32> = BTreeMap::new();
    let (_dir, _, mut store) = fresh();
    let names = ["b", "", "a.velocity", "a", "ä"];
    let events: Vec<Event> = names.iter().enumerate().map(|(i, n)| raised(i as u64 + 1, n, Priority::Low)).collect();
    store.append(&batch(&events, &[])).expect("written");
    for a in store.restore().expect("reads").alarms {
        *by_name.entry(a.id.to_string()).or_default() += 1;
    }
    assert_eq!(by_name, names.iter().map(|n| ((*n).to_string(), 1)).collect());
}
