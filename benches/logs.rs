//! How fast lines are mined and how fast a log of one gibibyte opens and is searched, beside `grep -F` (and `rg` where it is) in the same run.
//!
//! One table from one run. The file is made in the directory for temporary files and removed; it is read once before anything is timed, so
//! that all compared programs find it in memory.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use vms::logs::book::Book;
use vms::logs::drain::Drain;
use vms::logs::severity::severity;
use vms::model::logs::{LogQuery, Place, Severity};

const SIZE: usize = 1 << 30;
const LINES: usize = 1_000_000;

/// Seconds that this thread has been on a processor: on a machine that others use too, the only fair figure; wall time where it is not told.
fn cpu(begun: Instant) -> f64 {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ns = told.and_then(|t| t.split(' ').next()?.parse::<f64>().ok());
    ns.map_or_else(|| begun.elapsed().as_secs_f64(), |n| n / 1e9)
}

fn line(i: usize, out: &mut Vec<u8>) {
    let t = Timestamp::from_second(1_780_000_000 + (i / 100) as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    let _ = match i % 7 {
        0 => writeln!(out, "{t}  INFO vms::camera: camera deck-{} live, {}.{} frames/s", i % 16, i % 25, i % 10),
        1 => writeln!(out, "{t} DEBUG vms::plc: poll {i} of 10.20.0.{} answered in {} ms", i % 250, i % 40),
        2 => writeln!(out, "{t}  WARN vms::journal: commit took {} ms, {} rows wait", i % 900, i % 5000),
        3 => writeln!(out, "{t}  INFO vms::historian: sent {} rows to /var/lib/postgresql/{}", i % 9999, i % 3),
        4 => writeln!(
            out,
            "{t}  INFO request id=550e8400-e29b-41d4-a716-44665544{:04x} took={}us status=200",
            i % 65536,
            i % 999
        ),
        5 => writeln!(out, "{t}  INFO session of user operator on tty{} began at console {}", i % 9, i % 4),
        _ => writeln!(out, "{t} ERROR vms::camera: no frames from 10.20.1.{}:554 for {} s", i % 250, i % 60),
    };
}

fn make(path: &Path) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
    let (mut written, mut i, mut text) = (0, 0, Vec::new());
    while written < SIZE {
        text.clear();
        for _ in 0..1000 {
            line(i, &mut text);
            i += 1;
        }
        out.write_all(&text)?;
        written += text.len();
    }
    writeln!(out, "2027-01-01T00:00:00Z ERROR the needle in the haystack")?;
    out.flush()
}

fn mining() {
    let mut text = Vec::new();
    (0..LINES).for_each(|i| line(i, &mut text));
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
    let mut best = f64::MAX;
    for _ in 0..3 {
        let mut drain = Drain::default();
        let clock = Instant::now();
        let begun = cpu(clock);
        for l in &lines {
            drain.add(1, l);
        }
        best = best.min(cpu(clock) - begun);
        assert!(drain.len() < 100, "{} templates", drain.len());
    }
    println!(
        "mining              {:>8.2} million lines per CPU second  {:>8.0} MB/s",
        lines.len() as f64 / best / 1e6,
        text.len() as f64 / best / 1e6
    );
    let clock = Instant::now();
    let begun = cpu(clock);
    let errors = lines.iter().filter(|l| severity(&String::from_utf8_lossy(l)) == Severity::Error).count();
    let took = cpu(clock) - begun;
    println!(
        "severity            {:>8.2} million lines per CPU second  ({errors} errors)",
        lines.len() as f64 / took / 1e6
    );
}

fn ask(path: &Path, place: Place, level: Severity, filter: Option<&str>, records: usize) -> (f64, f64, usize, u64) {
    let clock = Instant::now();
    let begun = cpu(clock);
    let none = (0.0, 0.0, 0, 0);
    let Ok(mut book) = Book::open(path, &TimeZone::UTC, Timestamp::UNIX_EPOCH) else { return none };
    let query = LogQuery { path: "x".into(), place, level, filter: filter.map(Into::into), records };
    let Ok(page) = book.look(&query, &|| true) else { return none };
    (clock.elapsed().as_secs_f64(), cpu(clock) - begun, page.records.len(), page.read_bytes)
}

fn told(what: &str, (took, on, found, read): (f64, f64, usize, u64)) {
    let rate = read as f64 / on / 1e9;
    println!(
        "{what:<36} {:>8.1} ms  {:>8.1} ms CPU  {rate:>6.2} GB/s CPU  {found} records",
        took * 1000.0,
        on * 1000.0
    );
}

/// CPU seconds of the programs that have ended (proc(5): cutime and cstime, in hundredths of a second).
fn children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let of = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
    (of(13) + of(14)) / 100.0
}

fn other(program: &str, args: &[&str], path: &Path, bytes: f64) {
    let before = children();
    let begun = Instant::now();
    let ran = Command::new(program).args(args).arg(path).env("LC_ALL", "C").stdout(Stdio::null()).status();
    let took = begun.elapsed().as_secs_f64();
    let on = (children() - before).max(0.01);
    let name = format!("{program} {}", args.join(" "));
    match ran {
        Ok(_) => println!(
            "{name:<36} {:>8.1} ms  {:>8.1} ms CPU  {:>6.2} GB/s CPU",
            took * 1000.0,
            on * 1000.0,
            bytes / on / 1e9
        ),
        Err(_) => println!("{program}: not installed"),
    }
}

fn main() {
    mining();
    let Ok(dir) = tempfile::tempdir() else { return };
    let path = dir.path().join("big.log");
    if let Err(e) = make(&path) {
        println!("the file cannot be made: {e}");
        return;
    }
    let bytes = fs::metadata(&path).map_or(0.0, |m| m.len() as f64);
    let none = Severity::Unknown;
    let warm = ask(&path, Place::Start, none, Some("no such words"), 1);
    println!("\n1 GiB, warm ({:.1} s before)", warm.0);
    told("open, newest 200", ask(&path, Place::End, none, None, 200));
    told(
        "go to a time",
        ask(&path, Place::Time(Timestamp::from_second(1_780_050_000).unwrap_or_default()), none, None, 200),
    );
    for _ in 0..2 {
        told("search, any case", ask(&path, Place::Start, none, Some("the needle"), 1));
        told("search, exact case", ask(&path, Place::Start, none, Some("(?-i)the needle"), 1));
        told("search backwards", ask(&path, Place::End, none, Some("no such words"), 1));
        other("grep", &["-F", "the needle"], &path, bytes);
        other("grep", &["-F", "-i", "the needle"], &path, bytes);
        other("rg", &["-F", "--no-mmap", "-j1", "the needle"], &path, bytes);
        other("rg", &["-F", "-i", "--no-mmap", "-j1", "the needle"], &path, bytes);
    }
    told("200 errors from the start", ask(&path, Place::Start, Severity::Error, None, 200));
}
