//! A day of a large site in a journal.

use std::path::Path;

use vms::base::clock::{Clock as _, SystemClock};
use vms::journal::{Batch, FILE_NAME, Store};
use vms::model::event::SecondReading;
use vms::model::record::Rolled;

use super::node::{BEGIN, readings};

/// The minutes of the minute that begins then, five series of each region.
pub fn minutes(at: i64, regions: usize) -> Vec<Rolled> {
    let quantities = ["displacement_pp_px", "velocity_rms_mm_s", "peak_hz", "peak_amplitude_px", "displacement_pp_mm"];
    let one = |n: usize, q: &str| Rolled {
        series: format!("roi.roi-{n}.{q}").into(),
        unit: "px".into(),
        at,
        known: 60,
        mean: 0.1 * n as f64 + 0.123_456,
        least: 0.05,
        most: 1.5,
    };
    (0..regions).flat_map(|n| quantities.iter().map(move |q| one(n, q))).collect()
}

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// Writes a day of so many regions into a new journal in this directory, a second a second and the minutes each minute; its size.
pub fn day(dir: &Path, regions: usize) -> u64 {
    let mut store = Store::open(&dir.join(FILE_NAME), SystemClock::new().now()).unwrap().store;
    for minute in 0..DAY / 60 {
        let at = BEGIN + minute * 60;
        let seconds: Vec<Vec<SecondReading>> = (0..60).map(|s| readings(at + s, regions)).collect();
        store.append(&Batch { seconds, minutes: minutes(at, regions), ..Batch::default() }).unwrap();
    }
    store.size_bytes().unwrap()
}
