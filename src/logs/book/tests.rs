//! Tests of the book: every record is found from both ends, whatever the file holds.

use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;

use super::*;

fn query(place: Place, level: Severity, filter: Option<&str>, records: usize) -> LogQuery {
    LogQuery { path: "x".into(), place, level, filter: filter.map(Into::into), records }
}

fn book(text: &str) -> (tempfile::TempDir, Book) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    fs::write(&path, text).unwrap();
    let book = Book::open(&path, &TimeZone::UTC, "2026-12-01T00:00:00Z".parse().unwrap()).unwrap();
    (dir, book)
}

fn texts(page: &LogPage) -> Vec<&str> {
    page.records.iter().map(|r| &*r.text).collect()
}

/// A log of so many records, one a second, each fifth an error with a trace.
fn log(count: i64) -> String {
    let mut out = String::new();
    for i in 0..count {
        let t = Timestamp::from_second(1_780_000_000 + i).unwrap();
        if i % 5 == 0 {
            writeln!(out, "{t} ERROR job {i} failed\n  at line {i}\n  at main").unwrap();
        } else {
            writeln!(out, "{t} INFO job {i} done").unwrap();
        }
    }
    out
}

const GO: &dyn Fn() -> bool = &|| true;

#[test]
fn pages_from_both_ends_meet() {
    let (_dir, mut b) = book(&log(1000));
    let all = b.look(&query(Place::Start, Severity::Unknown, None, 400), GO).unwrap();
    assert_eq!((all.records.len(), all.at_start, all.at_end), (400, true, false));
    assert_eq!(&*all.records[0].text, "2026-05-28T20:26:40Z ERROR job 0 failed\n  at line 0\n  at main");
    assert_eq!((all.records[0].lines, all.records[0].severity), (3, Severity::Error));
    let next = b.look(&query(Place::From(all.records[399].end), Severity::Unknown, None, 3), GO).unwrap();
    assert!(next.records[0].text.contains("job 400"));
    let back = b.look(&query(Place::Before(next.records[0].offset), Severity::Unknown, None, 400), GO).unwrap();
    assert_eq!(back.records, all.records);
    assert!(back.at_start);
    let end = b.look(&query(Place::End, Severity::Unknown, None, 2), GO).unwrap();
    assert!(end.at_end && texts(&end)[1].contains("job 999"), "{end:?}");
}

#[test]
fn level_and_filter_work_on_whole_records_both_ways() {
    let (_dir, mut b) = book(&log(1000));
    let errors = b.look(&query(Place::Start, Severity::Error, None, 500), GO).unwrap();
    assert_eq!((errors.records.len(), errors.at_end), (200, true));
    let back = b.look(&query(Place::End, Severity::Error, None, 500), GO).unwrap();
    assert_eq!(back.records, errors.records);
    let one = b.look(&query(Place::Start, Severity::Unknown, Some("at line 5\\d$"), 500), GO).unwrap();
    assert_eq!(texts(&one).len(), 2, "found in a line that goes on: {one:?}");
    assert!(one.records[0].text.contains("job 50 failed"));
    let none = b.look(&query(Place::Start, Severity::Unknown, Some("nowhere"), 5), GO).unwrap();
    assert!(none.records.is_empty() && none.at_start && none.at_end);
    let bad = b.look(&query(Place::Start, Severity::Unknown, Some("("), 5), GO).unwrap_err().to_string();
    assert!(bad.contains("no regular expression") && bad.contains('\\'), "{bad}");
}

#[test]
fn a_time_is_found_by_halving() {
    let (_dir, mut b) = book(&log(60_000));
    for i in [0, 1, 777, 31_234, 59_999] {
        let t = Timestamp::from_second(1_780_000_000 + i).unwrap();
        let page = b.look(&query(Place::Time(t), Severity::Unknown, None, 1), GO).unwrap();
        assert_eq!(page.records[0].at, Some(t), "{i}");
        assert!(page.read_bytes < 2 << 20, "{} read", page.read_bytes);
    }
    let late = b.look(&query(Place::Time("2030-01-01T00:00:00Z".parse().unwrap()), Severity::Unknown, None, 1), GO);
    assert!(late.unwrap().records.is_empty());
}

#[test]
fn a_search_can_be_stopped_and_gone_on_with() {
    let mut text = log(60_000);
    text.push_str("2027-01-01T00:00:00Z WARN the needle\n");
    let (_dir, mut b) = book(&text);
    let stop = || false;
    let mut at = Place::Start;
    let mut looks = 0;
    let found = loop {
        let page = b.look(&query(at, Severity::Unknown, Some("needle"), 1), &stop).unwrap();
        looks += 1;
        match page.unfinished {
            Some(p) => at = p,
            None => break page,
        }
    };
    assert!(looks > 2 && found.records[0].text.contains("needle"), "{looks}");
}

#[test]
fn a_file_that_is_cut_grows_or_is_not_there() {
    let (dir, mut b) = book(&log(100));
    let path = dir.path().join("x.log");
    let end = b.look(&query(Place::End, Severity::Unknown, None, 1), GO).unwrap();
    fs::write(&path, "2026-05-28T20:26:40Z INFO anew\n").unwrap();
    let cut = b.look(&query(Place::From(end.records[0].offset), Severity::Unknown, None, 9), GO).unwrap();
    assert!(cut.fault.is_some_and(|f| f.contains("cut")) && cut.records.is_empty());
    let again = b.look(&query(Place::End, Severity::Unknown, None, 9), GO).unwrap();
    assert_eq!(texts(&again), ["2026-05-28T20:26:40Z INFO anew"]);
    assert!(Book::open(&dir.path().join("no"), &TimeZone::UTC, Timestamp::UNIX_EPOCH).is_err());
    assert!(Book::open(dir.path(), &TimeZone::UTC, Timestamp::UNIX_EPOCH).is_err(), "a directory");
    let (_dir, mut empty) = book("");
    let page = empty.look(&query(Place::End, Severity::Unknown, None, 9), GO).unwrap();
    assert!(page.records.is_empty() && page.at_start && page.at_end);
}

#[test]
fn postgresql_and_plain_records_hold_together() {
    let (_dir, mut b) = book(
        "2026-11-23 22:40:51.001 UTC [12] vms@db ERROR:  relation \"x\" does not exist at character 15\n\
         2026-11-23 22:40:51.001 UTC [12] vms@db STATEMENT:  select *\n\tfrom x\n\twhere a: 1\n\
         2026-11-23 22:40:52.001 UTC [12] vms@db LOG:  checkpoint starting\n",
    );
    let page = b.look(&query(Place::Start, Severity::Unknown, None, 9), GO).unwrap();
    assert_eq!(page.records.iter().map(|r| r.lines).collect::<Vec<_>>(), [4, 1]);
    assert_eq!(page.records[0].severity, Severity::Error);
    let (_dir, mut b) = book("start\nTypeError: x\n  File a\n  File b\nnext\n");
    let page = b.look(&query(Place::End, Severity::Unknown, None, 9), GO).unwrap();
    assert_eq!(page.records.iter().map(|r| r.lines).collect::<Vec<_>>(), [1, 3, 1]);
}

#[test]
fn one_line_of_many_megabytes_is_cut_and_ends() {
    let (_dir, mut b) = book(&format!("first\n{}\nlast\n", "x".repeat(5 << 20)));
    let page = b.look(&query(Place::End, Severity::Unknown, None, 3), GO).unwrap();
    assert_eq!(texts(&page).last(), Some(&"last"));
    let page = b.look(&query(Place::Start, Severity::Unknown, Some("last"), 3), GO).unwrap();
    assert_eq!(texts(&page), ["last"]);
}

proptest! {
    #[test]
    fn forwards_and_backwards_find_the_same(
        lines in proptest::collection::vec("(2026-11-23T22:41:0[0-9]Z (INFO|ERROR) [a-c]{0,9}| at [a-c]{0,5}|[a-c]{0,30}|)", 0..60),
        filter in proptest::option::of("[a-c]{1,2}"),
    ) {
        let (_dir, mut b) = book(&(lines.join("\n") + "\n"));
        let filter = filter.as_deref();
        let forth = b.look(&query(Place::Start, Severity::Unknown, filter, 500), GO).unwrap();
        let back = b.look(&query(Place::End, Severity::Unknown, filter, 500), GO).unwrap();
        prop_assert_eq!(&forth.records, &back.records);
        if filter.is_none() {
            let bytes: u64 = forth.records.iter().map(|r| r.end - r.offset).sum();
            prop_assert_eq!(bytes, b.size(), "every byte belongs to one record");
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3000), at in 0u64..4000) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        fs::write(&path, &bytes).unwrap();
        let mut b = Book::open(&path, &TimeZone::UTC, Timestamp::UNIX_EPOCH).unwrap();
        for place in [Place::Start, Place::End, Place::From(at), Place::Before(at)] {
            for filter in [None, Some("a")] {
                b.look(&query(place, Severity::Unknown, filter, 50), GO).unwrap();
            }
        }
    }
}
