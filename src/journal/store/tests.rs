//! The store against crashes, full disks, damage and its own record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::journal::testing::{acknowledged, at, event, note, now, raised, returned, second};
use crate::journal::{Fold, History};
use crate::model::RoiId;
use crate::model::alarm::Priority;
use crate::model::baseline::{Baseline, Usual};
use crate::model::database::{CareFigures, CareJob, CareRecord};
use crate::model::event::EventKind;
use crate::model::quantity::Quantity;
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
    let strict = "select count(*) from pragma_table_list where name in ('event', 'reading', 'tally') and strict = 1";
    assert_eq!(conn.query_row(strict, [], |r| r.get::<_, i64>(0)), Ok(3));
    assert!(store.size_bytes().expect("seen") > 0);
}

#[test]
fn what_is_written_comes_back() {
    let (_dir, path, mut store) = fresh();
    let events = vec![raised(1, "a", Priority::High), note(2), acknowledged(3, "a")];
    let mut bad = second("r", 11);
    bad.displacement_pp_px = f64::NAN;
    bad.grade = Grade::Untrusted;
    store.append(&events, &[second("r", 10), bad, second("other", 10)]).expect("written");
    drop(store);
    let restored = Store::open(&path, now()).expect("opens").store.restore().expect("reads");
    assert_eq!((restored.last_seq, restored.events), (3, 3));
    assert_eq!((restored.first, restored.last_event), (Some(at(1)), Some(at(3))));
    assert_eq!(restored.recent, events);
    assert_eq!(restored.alarms[0].acknowledged_by.as_deref(), Some("person 3"));
    let history = History::open(&path).expect("opens");
    let got = history.readings(&RoiId::from("r"), 10, 12, 10).expect("reads");
    assert_eq!(got.items[0], second("r", 10));
    assert!(got.items[1].displacement_pp_px.is_nan(), "a measure that is not a number is kept as such");
    assert_eq!((got.items.len(), got.items[1].grade), (2, Grade::Untrusted));
}

#[test]
fn a_repeat_does_no_harm() {
    let (_dir, path, mut store) = fresh();
    let (events, readings) = (vec![note(1), note(2)], vec![second("r", 1)]);
    store.append(&events, &readings).expect("written");
    store.append(&events, &readings).expect("written again");
    store.append(&[note(2), note(3)], &readings).expect("written again");
    assert_eq!(seqs(&path), [1, 2, 3]);
    assert_eq!(store.restore().expect("reads").events, 3);
}

#[test]
fn pages_follow_time_and_number() {
    let (_dir, path, mut store) = fresh();
    let events: Vec<Event> = (1..=10).map(note).collect();
    store.append(&events, &[]).expect("written");
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
    store.append(&[note(1)], &[]).expect("written");
    let conn = store.conn().expect("open");
    assert!(conn.execute("delete from event", []).is_err());
    assert!(conn.execute("update event set kind = 'x'", []).is_err());
}

#[test]
fn a_copy_taken_while_running_has_all_that_was_committed() {
    let (dir, path, mut store) = fresh();
    for seq in 1..=50 {
        store.append(&[note(seq)], &[]).expect("written");
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
        store.append(&[note(seq)], &[]).expect("written");
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
    store.append(&[note(1)], &[]).expect("written");
    let limit = store.limit(10);
    let many: Vec<Event> = (2..2000).map(note).collect();
    let e = store.append(&many, &[]).expect_err("there is no room");
    assert!(matches!(e, JournalError::Full(_)), "{e}");
    assert!(e.to_string().contains("free some space"), "{e}");
    assert_eq!(seqs(&path), [1], "nothing of it is there");
    limit.store(0, std::sync::atomic::Ordering::SeqCst);
    store.reopen().expect("opens again");
    store.append(&many, &[]).expect("written");
    assert_eq!(seqs(&path).len(), 1999);
}

#[test]
fn a_damaged_file_is_set_aside_and_its_numbers_are_not_given_again() {
    let (dir, path, mut store) = fresh();
    let many: Vec<Event> = (1..=3000).map(note).collect();
    store.append(&many, &[]).expect("written");
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
    assert!(matches!(e, JournalError::Newer { found: 99, known: 1, .. }), "{e}");
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
    store.append(&[note(1)], &[]).expect("written");
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(beside(&path, suffix)).expect("removed");
    }
    let e = store.append(&[note(2)], &[]).expect_err("noticed");
    assert!(matches!(e, JournalError::Removed(_)), "{e}");
    store.reopen().expect("begun again");
    store.append(&[note(2)], &[]).expect("written");
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
    store.append(&all, &[]).expect("written");
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
    store.append(&all, &[]).expect("written");
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
        push(EventKind::RunStarted { run, task: task.clone(), who: who.clone() });
        for step in 0..*steps {
            let answer = Answer { outcome: Outcome::Passed, evidence: vec!["fine".into()] };
            push(EventKind::StepAnswered { run, step: format!("s{step}").into(), answer, who: who.clone() });
        }
        if *finished {
            push(EventKind::RunFinished { run, task, who: who.clone(), passed: true, abandoned: false });
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
    store.append(&events, &[]).expect("written");
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
        store.append(&events, &[]).expect("written");
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
    store.append(&events, &[]).expect("written");
    for a in store.restore().expect("reads").alarms {
        *by_name.entry(a.id.to_string()).or_default() += 1;
    }
    assert_eq!(by_name, names.iter().map(|n| ((*n).to_string(), 1)).collect());
}
