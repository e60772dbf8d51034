//! What lies before the journal's beginning: read from the database where one is configured, and said where it is from.

use jiff::Timestamp;

use crate::base::error::Failure;
use crate::boot::{Archive, Records, before, unreadable};
use crate::cli::out;
use crate::historian::past::Wanted;
use crate::journal::{EventFilter, Step};
use crate::model::RoiId;
use crate::model::event::{Event, SecondReading};
use crate::model::record::Rolled;

/// Events read at once.
const PAGE: usize = 1000;

/// Goes through the events that are wanted and lie before the journal's first, oldest first, as long as `f` says: all of
/// them, or only the `newest` so many. False when `f` wants no more.
///
/// # Errors
/// The journal cannot be read, or `f` failed. A database that does not answer is told, and no error.
pub(super) fn events(
    records: &Records,
    filter: &EventFilter,
    newest: Option<usize>,
    f: &mut impl FnMut(&Event) -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let Some(archive) = &records.archive else { return Ok(true) };
    let first = records.history.events_after(0, 1).map_err(|e| unreadable(&e))?;
    let begins = first.items.first().map(|e| e.at);
    let Some(mut wanted) = before(&wanted(filter), begins) else { return Ok(true) };
    let (mut count, mut left) = (0u64, newest.unwrap_or(usize::MAX));
    while left > 0 {
        let page = match archive.events(&wanted, if newest.is_some() { left } else { PAGE }, newest.is_some()) {
            Ok(page) => page,
            Err(why) => {
                out::note(&away(records, begins, &why));
                break;
            }
        };
        for e in &page {
            count += 1;
            if !f(e)? {
                return Ok(false);
            }
        }
        left = if newest.is_some() { 0 } else { left };
        match page.last() {
            Some(e) if page.len() == PAGE => wanted.after = Some((e.at, e.seq)),
            _ => break,
        }
    }
    if count > 0 {
        let which = if count == 1 { "1 event".into() } else { format!("{count} events") };
        out::note(&format!(
            "{which} from before {} from the database, the rest from the journal",
            said(records, begins)
        ));
    }
    Ok(true)
}

fn wanted(filter: &EventFilter) -> Wanted {
    Wanted {
        from: filter.from,
        to: filter.to,
        kinds: filter.kinds.clone(),
        subject: filter.subject.clone(),
        about: filter.about.clone(),
        text: filter.text.clone(),
        ..Wanted::default()
    }
}

/// The points of a series that lie before the journal's first of this range.
///
/// # Errors
/// The journal cannot be read. A database that does not answer is told, and no error.
pub(super) fn trend(
    records: &Records,
    series: &str,
    (from, to): (i64, i64),
    step: Step,
) -> Result<Vec<Rolled>, Failure> {
    let Some(archive) = &records.archive else { return Ok(Vec::new()) };
    let first = records.history.trend_begins(series, from, to, step).map_err(|e| unreadable(&e))?;
    let begin = first.unwrap_or(to);
    if !Archive::worth_asking((from, to), begin, step.seconds()) {
        return Ok(Vec::new());
    }
    let begins = Timestamp::from_second(begin).ok().filter(|_| first.is_some());
    match archive.trend(series, (from, begin), step.seconds()) {
        Ok(points) => {
            if !points.is_empty() {
                let begins = said(records, begins);
                out::note(&format!(
                    "{} points from before {begins} from the database, the rest from the journal",
                    points.len()
                ));
            }
            Ok(points)
        }
        Err(why) => {
            out::note(&away(records, begins, &why));
            Ok(Vec::new())
        }
    }
}

/// Readings read at once: an hour, in seconds.
const HOUR: i64 = 3600;

/// Goes through the readings from `from` until before `to` (Unix time) that lie before the journal's first, oldest first, as long
/// as `f` says. False when `f` wants no more.
///
/// # Errors
/// The journal cannot be read, or `f` failed. A database that does not answer is told, and no error.
pub(super) fn readings(
    records: &Records,
    roi: Option<&RoiId>,
    (from, to): (i64, i64),
    f: &mut impl FnMut(&SecondReading) -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let Some(archive) = &records.archive else { return Ok(true) };
    let first = records.history.seconds_between(i64::MIN, to).map_err(|e| unreadable(&e))?.map(|s| s.0);
    let begins = first.and_then(|s| Timestamp::from_second(s).ok());
    let end = first.unwrap_or(to).min(to);
    if from >= end {
        return Ok(true);
    }
    let mut count = 0u64;
    match hours(archive, from, end) {
        Ok(hours) => {
            for hour in hours {
                let all = match archive.readings(roi.map(RoiId::as_str), hour) {
                    Ok(all) => all,
                    Err(why) => {
                        out::note(&away(records, begins, &why));
                        break;
                    }
                };
                for r in &all {
                    count += 1;
                    if !f(r)? {
                        return Ok(false);
                    }
                }
            }
        }
        Err(why) => out::note(&away(records, begins, &why)),
    }
    if count > 0 {
        let begins = said(records, begins);
        out::note(&format!("{count} readings from before {begins} from the database, the rest from the journal"));
    }
    Ok(true)
}

/// The hours of this range that the database may have something of: years without anything are not gone through.
fn hours(archive: &Archive, from: i64, to: i64) -> Result<impl Iterator<Item = (i64, i64)>, String> {
    const DAY: i64 = 86_400;
    let days = archive.reading_days()?.into_iter().filter(move |d| d + DAY > from && *d < to);
    let of = move |day: i64| (0..24).map(move |h| ((day + h * HOUR).max(from), (day + (h + 1) * HOUR).min(to)));
    Ok(days.flat_map(of).filter(|(a, b)| a < b))
}

fn away(records: &Records, begins: Option<Timestamp>, why: &str) -> String {
    format!("what lies before {} in the database could not be read: {why}", said(records, begins))
}

/// The moment at which the journal begins, as people say it.
fn said(records: &Records, begins: Option<Timestamp>) -> String {
    begins.map_or_else(|| "now".into(), |t| t.to_zoned(records.zone.clone()).strftime("%F %T").to_string())
}
