//! The record against its limits: commits against bare SQLite, sending against bare COPY, the growth of a day, the outage of a
//! day. One table, from one run; each pair takes turns.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench ends where it fails, and prints its table"
)]

#[path = "../tests/common/cluster.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod cluster;
#[path = "common/day.rs"]
mod day;
#[path = "../tests/record/node.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod node;

use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::resource::{UsageWho, getrusage};
use tokio_postgres::NoTls;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use vms::base::clock::{Clock, SystemClock};
use vms::config::sections::Historian;
use vms::journal::{Batch, FILE_NAME, History, Store};
use vms::model::event::SecondReading;
use vms::model::record::Rolled;

use cluster::{Cluster, PASSWORD};
use node::{Admin, Forwarder, Journal};

/// Regions of a large site.
const REGIONS: usize = 64;
/// Seconds of a day.
const DAY: i64 = day::DAY;
/// Rounds of a pair; the median of the ratios is told.
const ROUNDS: usize = 7;

fn cpu_s() -> f64 {
    let u = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let s = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 * 1e-6;
    s(u.user_time()) + s(u.system_time())
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn row(what: &str, value: &str, limit: &str) {
    println!("| {what} | {value} | {limit} |");
}

/// All of it, or what is named: `cargo bench --bench record -- sending`.
fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|n| n == part);
    println!("| what | measured | limit |\n|---|---|---|");
    if wanted("commits") {
        commits();
    }
    let day = (wanted("growth") || wanted("outage")).then(day);
    if wanted("sending") {
        sending();
    }
    if let Some(day) = day.filter(|_| wanted("outage")) {
        outage(day);
    }
}

/// One event a commit, synced: ours (chain, tally) and a bare table.
fn commits() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join(FILE_NAME), SystemClock::new().now()).unwrap().store;
    let bare = rusqlite::Connection::open(dir.path().join("bare.db")).unwrap();
    bare.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full; \
         create table event (seq integer primary key, at_ns integer not null, kind text not null, subject text, body text not null) strict",
    )
    .unwrap();
    let (mut seq, mut ratios, mut rates) = (0u64, Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let many = 300;
        let start = Instant::now();
        for i in 0..many {
            let batch = Batch { events: vec![node::event(seq + i + 1)], ..Batch::default() };
            store.append(&batch).unwrap();
        }
        let ours = start.elapsed().as_secs_f64();
        let start = Instant::now();
        for i in 0..many {
            let e = node::event(seq + i + 1);
            let body = serde_json::to_string(&e.kind).unwrap();
            bare.execute(
                "insert into event (seq, at_ns, kind, subject, body) values (?1, ?2, ?3, ?4, ?5)",
                (e.seq as i64, e.at.as_nanosecond() as i64, e.kind.name(), e.kind.subject(), body),
            )
            .unwrap();
        }
        let bare_s = start.elapsed().as_secs_f64();
        seq += many;
        ratios.push(bare_s / ours);
        rates.push(many as f64 / ours);
    }
    row(
        "journal: events a second, one a commit, `synchronous=full`, against bare SQLite's",
        &format!("{:.2} ({:.0}/s)", median(ratios), median(rates)),
        "≥ 0.8",
    );
}

/// A day of a large site in a journal, as it comes.
fn day() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let bytes = day::day(dir.path(), REGIONS);
    row("journal: growth of a day, 64 regions with five series each", &format!("{} MB", bytes / 1_000_000), "< 250 MB");
    dir
}

/// The whole way from the journal's file into the tables, and a bare COPY of the same rows into a table like them.
fn sending() {
    let cluster = Cluster::start().expect("PostgreSQL's programs");
    let admin = Admin::connect(&cluster);
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS as i64 {
        let seconds = 9000i64;
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join(FILE_NAME), SystemClock::new().now()).unwrap().store;
        // Within one day, so that both have one partition.
        let begin = node::BEGIN / DAY * DAY + round * DAY;
        // As in a running node: the minutes are written with their seconds, and go to the database too.
        for minute in 0..seconds / 60 {
            let at = begin + minute * 60;
            let all = (0..60).map(|s| node::readings(at + s, REGIONS)).collect();
            store.append(&Batch { seconds: all, minutes: day::minutes(at, REGIONS), ..Batch::default() }).unwrap();
        }
        let rows = seconds * REGIONS as i64 + seconds / 60 * day::minutes(begin, REGIONS).len() as i64;
        drop(store);
        let journal = Journal::open(dir);
        // As fast as it can: nothing is held back for the others' sake.
        let cfg = Historian { catch_up_rows_per_s: u32::MAX, ..node::cfg(&cluster) };
        // Connecting, the schema, the partition and the names come before the clock runs: the first portion is there.
        let forwarder = Forwarder::with(&journal, cfg, "one");
        let name: String = History::open(&journal.path()).unwrap().verify().unwrap().journal;
        let stands = format!("select coalesce(sum(rows), 0)::bigint from vms.forwarded where journal = '{name}'");
        admin.until("select to_regclass('vms.forwarded') is not null");
        let sent = || admin.value::<i64>(&stands);
        let (mut first, mut start) = (0, Instant::now());
        while first == 0 {
            std::thread::park_timeout(Duration::from_millis(5));
            (first, start) = (sent(), Instant::now());
        }
        // Looked at now and then: asking without a pause would take a core from what is measured.
        while sent() < rows {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        let ours = start.elapsed().as_secs_f64();
        let there: i64 = admin.value("select count(*) from vms.reading");
        assert_eq!(there, (round + 1) * seconds * REGIONS as i64);
        forwarder.end();
        journal.end();
        let bare = rows as f64 / bare_copy(&cluster, begin, seconds);
        let ours = (rows - first) as f64 / ours;
        ratios.push(ours / bare);
        rates.push(ours);
    }
    row(
        "historian: rows a second from the journal into the tables, against a bare COPY BINARY of the same rows",
        &format!("{:.2} ({:.0}/s)", median(ratios), median(rates)),
        "≥ 0.8",
    );
}

/// Bare: seconds and minutes made in memory, COPY BINARY in portions of as many rows, a commit each, into tables with the same indexes.
fn bare_copy(cluster: &Cluster, begin: i64, seconds: i64) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut config: tokio_postgres::Config = cluster.url().parse().unwrap();
        config.password(PASSWORD);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        let work = async {
            client
                .batch_execute(
                    "drop table if exists bare, bare_minute; create table bare (like vms.reading including all); \
                     create table bare_minute (like vms.minute including all)",
                )
                .await
                .unwrap();
            let f4 = Type::FLOAT4;
            let types = [
                Type::TIMESTAMPTZ,
                Type::INT4,
                Type::INT2,
                Type::INT2,
                f4.clone(),
                f4.clone(),
                f4.clone(),
                f4.clone(),
                f4.clone(),
                f4,
            ];
            let all: Vec<SecondReading> = (0..seconds).flat_map(|s| node::readings(begin + s, REGIONS)).collect();
            let all_minutes: Vec<Rolled> =
                (0..seconds / 60).flat_map(|m| day::minutes(begin + m * 60, REGIONS)).collect();
            let f8 = Type::FLOAT8;
            let minute_types = [Type::TIMESTAMPTZ, Type::INT4, Type::INT2, Type::INT4, f8.clone(), f8.clone(), f8];
            let start = Instant::now();
            for part in all_minutes.chunks(20_000) {
                let sink = client.copy_in("copy bare_minute from stdin binary").await.unwrap();
                let mut out = pin!(BinaryCopyInWriter::new(sink, &minute_types));
                for (i, m) in part.iter().enumerate() {
                    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(m.at.unsigned_abs());
                    let series = (i % 320) as i32;
                    out.as_mut().write(&[&at, &series, &1i16, &60i32, &m.mean, &m.least, &m.most]).await.unwrap();
                }
                out.finish().await.unwrap();
            }
            for part in all.chunks(20_000) {
                let sink = client.copy_in("copy bare from stdin binary").await.unwrap();
                let mut out = pin!(BinaryCopyInWriter::new(sink, &types));
                for r in part {
                    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(r.second.unsigned_abs());
                    let f = |v: f64| (!v.is_nan()).then_some(v as f32);
                    out.as_mut()
                        .write(&[
                            &at,
                            &1i32,
                            &1i16,
                            &3i16,
                            &f(r.displacement_pp_px),
                            &f(r.displacement_rms_px),
                            &r.velocity_rms_mm_s.and_then(f),
                            &r.peak_hz.and_then(f),
                            &r.peak_amplitude_px.and_then(f),
                            &f(r.uncertainty_px),
                        ])
                        .await
                        .unwrap();
                }
                out.finish().await.unwrap();
            }
            start.elapsed().as_secs_f64()
        };
        tokio::select! {
            s = work => s,
            e = connection => panic!("{e:?}"),
        }
    })
}

/// A day that waited in the journal, sent at the pace that is the default.
fn outage(dir: tempfile::TempDir) {
    let cluster = Cluster::start().expect("PostgreSQL's programs");
    let journal = Journal::open(dir);
    let (start, cpu) = (Instant::now(), cpu_s());
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    let end = start + Duration::from_mins(15);
    let sent = loop {
        let report = forwarder.reports.recv_timeout(end.saturating_duration_since(Instant::now())).expect("a report");
        if report.queued == Some(0) && report.sent > 5_000_000 {
            break report.sent;
        }
    };
    let (took, cpu) = (start.elapsed().as_secs_f64(), cpu_s() - cpu);
    row(
        &format!("historian: the outage of a day with 64 regions ({sent} rows) at the default pace"),
        &format!("{took:.0} s, {:.0} % of a core", 100.0 * cpu / took),
        "< 300 s",
    );
    let admin = Admin::connect(&cluster);
    let there: i64 = admin.value("select count(*) from vms.reading");
    assert_eq!(there, DAY * REGIONS as i64);
    let size: i64 = admin.value("select sum(pg_total_relation_size(inhrelid))::bigint from pg_inherits where inhparent = 'vms.reading'::regclass");
    row("historian: that day's readings in PostgreSQL with their index", &format!("{} MB", size / 1_000_000), "");
    for (what, sql) in [
        (
            "an hour of one region, second by second",
            "select count(*) from vms.readings where region = 'roi-7' and at >= to_timestamp(1795597200 + 36000) and at < to_timestamp(1795597200 + 39600)",
        ),
        (
            "a day of one region from hours",
            "select count(*) from vms.hours where series = 'roi.roi-7.velocity_rms_mm_s'",
        ),
        (
            "a day of one region from minutes",
            "select count(*) from vms.minutes where series = 'roi.roi-7.velocity_rms_mm_s'",
        ),
    ] {
        let all: Vec<f64> = (0..5)
            .map(|_| {
                let start = Instant::now();
                assert!(admin.value::<i64>(sql) > 0, "{what}");
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        row(&format!("historian: {what}"), &format!("{:.0} ms", median(all)), "");
    }
    forwarder.end();
    journal.end();
}
