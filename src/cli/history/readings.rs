//! `vms history readings`: what every region vibrated, second by second.

use jiff::Timestamp;

use super::older;
use super::print::{Column, Field, Form, Printer, text};
use super::{ReadingsArgs, quantity, range_of, region};
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::error::{Failure, Outcome};
use crate::boot::{Records, unreadable};
use crate::cli::usage;
use crate::journal::history::PAGE_MAX;
use crate::model::RoiId;
use crate::model::event::SecondReading;
use crate::model::quantity::Quantity;

const HEAD: [Column; 2] = [Column("WHEN", "time", 19), Column("REGION", "roi", 18)];
const TAIL: [Column; 2] = [Column("±PX", "uncertainty_px", 8), Column("GRADE", "grade", 0)];
/// What a second holds of a region.
const HELD: [(Quantity, Column); 5] = [
    (Quantity::DisplacementPpPx, Column("PP PX", "displacement_pp_px", 8)),
    (Quantity::DisplacementRmsPx, Column("RMS PX", "displacement_rms_px", 8)),
    (Quantity::VelocityRmsMmS, Column("MM/S", "velocity_rms_mm_s", 8)),
    (Quantity::PeakHz, Column("HZ", "peak_hz", 7)),
    (Quantity::PeakAmplitudePx, Column("PEAK PX", "peak_amplitude_px", 8)),
];
/// Seconds read at once.
const WINDOW: i64 = 600;
/// Rows shown where no range is given.
const NEWEST: usize = 60;

/// A quantity of a second's reading; none where seconds do not hold it.
pub(super) fn value(r: &SecondReading, q: Quantity) -> Option<f64> {
    let v = match q {
        Quantity::DisplacementPpPx => Some(r.displacement_pp_px),
        Quantity::DisplacementRmsPx => Some(r.displacement_rms_px),
        Quantity::VelocityRmsMmS => r.velocity_rms_mm_s,
        Quantity::PeakHz => r.peak_hz,
        Quantity::PeakAmplitudePx => r.peak_amplitude_px,
        _ => None,
    };
    v.filter(|v| v.is_finite())
}

/// Whether seconds hold this quantity.
pub(super) fn held(q: Quantity) -> bool {
    HELD.iter().any(|(h, _)| *h == q)
}

/// Prints readings, oldest first.
///
/// # Errors
/// A journal that cannot be read, or wrong usage.
pub(super) fn readings(records: &Records, args: &ReadingsArgs, form: Form) -> Outcome {
    let (from, to) = range_of(&args.range, records)?;
    let roi = args.roi.as_deref().map(|r| region(records, r)).transpose()?;
    let only = args.quantity.as_deref().map(quantity).transpose()?;
    if let Some(q) = only.filter(|q| !held(*q)) {
        let known: Vec<&str> = HELD.iter().map(|(q, _)| q.key()).collect();
        return Err(usage(format!(
            "seconds do not hold {q}, they hold {}; `vms history trend --roi ID --quantity {q}` shows its minutes",
            known.join(", ")
        )));
    }
    let shown: Vec<(Quantity, Column)> = HELD.into_iter().filter(|(q, _)| only.is_none_or(|o| o == *q)).collect();
    let columns: Vec<Column> = HEAD.into_iter().chain(shown.iter().map(|s| s.1)).chain(TAIL).collect();
    let mut printer = Printer::new(form, &columns, &records.zone);
    let mut print = |r: &SecondReading| {
        let at = Timestamp::from_second(r.second).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut fields = vec![Field::Time(at), text(r.roi.as_str())];
        fields.extend(shown.iter().map(|(q, _)| Field::Number(value(r, *q))));
        fields.extend([Field::Number(Some(r.uncertainty_px)), text(r.grade.word())]);
        printer.row(&fields)
    };
    let (start, end) = (from.map_or(i64::MIN, seconds), to.map_or(i64::MAX, seconds));
    let open = from.is_none() && to.is_none();
    if let Some(n) = args.last.map(|n| n as usize).or(open.then_some(NEWEST)) {
        for r in &newest(records, roi.as_ref(), start, end, n)? {
            if !print(r)? {
                break;
            }
        }
    } else {
        // Without a beginning only the journal knows where to begin.
        let now = SystemClock::new().now().wall.as_second();
        if from.is_none() || older::readings(records, roi.as_ref(), (start, end.min(now + 1)), &mut print)? {
            each(records, roi.as_ref(), start, end, print)?;
        }
    }
    printer.finish("readings")
}

/// A moment in whole seconds, the next one where it lies between two.
pub(super) fn seconds(t: Timestamp) -> i64 {
    t.as_second() + i64::from(t.subsec_nanosecond() > 0)
}

/// Goes through the readings, oldest first, ten minutes at a time, as long as `f` says.
pub(super) fn each(
    records: &Records,
    roi: Option<&RoiId>,
    from: i64,
    to: i64,
    mut f: impl FnMut(&SecondReading) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut begin = from;
    // Where nothing was written for a day, the day is not gone through.
    while let Some((first, last)) = records.history.seconds_between(begin, to).map_err(|e| unreadable(&e))? {
        let end = first.saturating_add(WINDOW).min(last + 1);
        let page = records.history.readings(roi, first, end, PAGE_MAX).map_err(|e| unreadable(&e))?;
        for r in &page.items {
            if !f(r)? {
                return Ok(());
            }
        }
        begin = end;
    }
    Ok(())
}

/// The newest `n` readings before `to`, oldest first.
fn newest(records: &Records, roi: Option<&RoiId>, from: i64, to: i64, n: usize) -> Result<Vec<SecondReading>, Failure> {
    let mut parts: Vec<Vec<SecondReading>> = Vec::new();
    let (mut have, mut end) = (0, to);
    while have < n
        && let Some((_, last)) = records.history.seconds_between(from, end).map_err(|e| unreadable(&e))?
    {
        let begin = last.saturating_sub(WINDOW - 1).max(from);
        let page = records.history.readings(roi, begin, last + 1, PAGE_MAX).map_err(|e| unreadable(&e))?;
        have += page.items.len();
        parts.push(page.items);
        end = begin;
    }
    let all: Vec<SecondReading> = parts.into_iter().rev().flatten().collect();
    let skip = all.len().saturating_sub(n);
    Ok(all.into_iter().skip(skip).collect())
}
