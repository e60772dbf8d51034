//! Rows of the journal's tables and the model values they stand for.

use jiff::Timestamp;
use rusqlite::Row;

use super::packed;
use crate::model::RoiId;
use crate::model::event::{Event, SecondReading};
use crate::model::record::EventWaveform;
use crate::model::vibration::Grade;

/// Columns that [`event`] reads, in order.
pub const EVENT: &str = "seq, at_ns, body";
/// Columns of schema 1 that [`reading`] reads, in order.
pub const READING: &str = "second, roi, displacement_pp_px, displacement_rms_px, velocity_rms_mm_s, peak_hz, \
                           peak_amplitude_px, uncertainty_px, grade";

/// Nanoseconds since 1970 as stored; the range ends in 2262.
pub fn to_ns(at: Timestamp) -> i64 {
    let ns = at.as_nanosecond();
    i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
}

/// The moment of a stored number of nanoseconds.
pub fn from_ns(ns: i64) -> Timestamp {
    // Every i64 of nanoseconds lies within what a timestamp holds.
    Timestamp::from_nanosecond(i128::from(ns)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// An event; none if its body is not one that this program knows (a newer program wrote it).
pub fn event(row: &Row<'_>) -> rusqlite::Result<Option<Event>> {
    let seq: i64 = row.get(0)?;
    let at = from_ns(row.get(1)?);
    let body = row.get_ref(2)?.as_str()?;
    Ok(serde_json::from_str(body).ok().map(|kind| Event { seq: seq.unsigned_abs(), at, kind }))
}

/// A region's second. A null measure was not a number; an unknown grade is not trusted.
pub fn reading(row: &Row<'_>) -> rusqlite::Result<SecondReading> {
    let roi: String = row.get(1)?;
    let measure = |i: usize| -> rusqlite::Result<f64> { Ok(row.get::<_, Option<f64>>(i)?.unwrap_or(f64::NAN)) };
    Ok(SecondReading {
        second: row.get(0)?,
        roi: RoiId::from(roi),
        displacement_pp_px: measure(2)?,
        displacement_rms_px: measure(3)?,
        velocity_rms_mm_s: row.get(4)?,
        peak_hz: row.get(5)?,
        peak_amplitude_px: row.get(6)?,
        uncertainty_px: measure(7)?,
        grade: grade(row.get_ref(8)?.as_str()?),
    })
}

/// A waveform: event, time, region, data; none if its data are not of this form.
pub fn waveform(row: &Row<'_>) -> rusqlite::Result<Option<EventWaveform>> {
    let (event, at_ns, roi): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let wave = packed::unpack_waveform(row.get_ref(3)?.as_blob()?);
    let at = from_ns(at_ns);
    Ok(wave.map(|w| EventWaveform { event: event.unsigned_abs(), at, roi: RoiId::from(roi), wave: w.into() }))
}

fn grade(word: &str) -> Grade {
    [Grade::Good, Grade::Reduced, Grade::Poor].into_iter().find(|g| g.word() == word).unwrap_or_default()
}
