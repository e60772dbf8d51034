//! How long a month's batch of 200 records takes as a PDF.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench ends where it fails, and prints its table")]

use std::time::Instant;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use vms::model::paper::Paper;
use vms::model::signed::{Record, RecordedStep, Signature};
use vms::model::upkeep::Outcome;
use vms::upkeep::documents::{Head, month};

const RECORDS: u64 = 200;
const STEPS: usize = 12;
const ROUNDS: usize = 9;

fn record(run: u64, now: Timestamp) -> Record {
    let at = now.checked_sub(SignedDuration::from_hours(run as i64 * 3)).unwrap();
    let step = |i: usize| RecordedStep {
        id: format!("step-{i}").into(),
        title: format!("Camera {i} is live with a clear picture").into(),
        kind: "check".into(),
        subject: Some(format!("camera-{i}").into()),
        outcome: Some(if i == 3 { Outcome::Failed } else { Outcome::Passed }),
        evidence: vec![format!("live, 25.0 of 25 frames a second, latency p99 {} ms", 40 + i), "picture clear".into()],
        who: Some("kumar".into()),
        at: Some(at),
    };
    let signature =
        Signature { who: "kumar".into(), name: "R Kumar".into(), role: "technician".into(), counter: false, at };
    Record {
        run,
        site: "BF2".into(),
        node: "bf2-vms-1".into(),
        task: "daily-round".into(),
        row: "D1-D4".into(),
        title: "Daily checks".into(),
        started: at,
        finished: at,
        who: "kumar".into(),
        passed: false,
        abandoned: false,
        remark: None,
        steps: (0..STEPS).map(step).collect(),
        hash: "0123456789abcdef".repeat(4).into(),
        signatures: vec![signature],
        addenda: Vec::new(),
    }
}

fn main() {
    let now = Timestamp::from_second(1_795_453_867).unwrap();
    let head = Head { site: "BF2".into(), node: "bf2-vms-1".into(), zone: TimeZone::UTC, now };
    let records: Vec<Record> = (1..=RECORDS).map(|r| record(r, now)).collect();
    let document = month::document(&head, "2026-11", &records, &[]);
    let mut pdf: Vec<(f64, usize)> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            let bytes = vms::paper::pdf(&document, Paper::A4).unwrap();
            (begun.elapsed().as_secs_f64(), bytes.len())
        })
        .collect();
    pdf.sort_by(|a, b| a.0.total_cmp(&b.0));
    let begun = Instant::now();
    let text = vms::paper::text(&document);
    let text_s = begun.elapsed().as_secs_f64();
    let (middle, worst) = (pdf[ROUNDS / 2], pdf[ROUNDS - 1]);
    println!(
        "{RECORDS} records of {STEPS} steps: PDF {:.3} s (middle of {ROUNDS}), {:.3} s (worst), {} kB",
        middle.0,
        worst.0,
        middle.1 / 1000
    );
    println!("the same as text: {text_s:.3} s, {} kB", text.len() / 1000);
    println!("limit 1 s: {:.0} % used", middle.0 * 100.0);
}
