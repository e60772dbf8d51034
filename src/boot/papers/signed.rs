//! Finished runs as records, from the journal's events: with what was signed and added later.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::base::error::Failure;
use crate::boot::unreadable;
use crate::journal::{EventFilter, History, PAGE_MAX};
use crate::model::event::{Event, EventKind};
use crate::model::signed::Record;
use crate::model::upkeep::Compliance;
use crate::upkeep::Catalogue;
use crate::upkeep::compliance::{Kept, compliance};

/// The records that ended in this time, oldest first; of one run, where it is given. Runs that ended without a record (an
/// older version's, or those that were abandoned unsigned) are counted.
///
/// # Errors
/// A journal that cannot be read.
pub fn records(
    history: &History,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    run: Option<u64>,
) -> Result<(Vec<Record>, u32), Failure> {
    let mut found: BTreeMap<u64, Record> = BTreeMap::new();
    let mut without = 0;
    let about = run.map(|r| r.to_string());
    each(
        history,
        &EventFilter { from, to, about: about.clone(), ..of("run_finished") },
        &mut |event| match event.kind {
            EventKind::RunFinished { run, record: Some(record), .. } => {
                found.insert(run, Arc::unwrap_or_clone(record));
            }
            EventKind::RunFinished { .. } => without += 1,
            _ => {}
        },
    )?;
    if found.is_empty() {
        return Ok((Vec::new(), without));
    }
    // What is signed and added comes after the end, at any time.
    each(history, &EventFilter { from, about, ..of("record_") }, &mut |event| match event.kind {
        EventKind::RecordCountersigned { run, hash, signature } => {
            if let Some(r) = found.get_mut(&run).filter(|r| r.hash == hash) {
                r.signatures.push(signature);
            }
        }
        EventKind::RecordAddendum { run, addendum } => {
            if let Some(r) = found.get_mut(&run) {
                r.addenda.push(addendum);
            }
        }
        _ => {}
    })?;
    let mut list: Vec<Record> = found.into_values().collect();
    list.sort_by_key(|r| (r.finished, r.run));
    Ok((list, without))
}

fn of(kind: &str) -> EventFilter {
    EventFilter { kinds: vec![kind.to_owned()], ..EventFilter::default() }
}

fn each(history: &History, filter: &EventFilter, take: &mut dyn FnMut(Event)) -> Result<(), Failure> {
    let mut filter = filter.clone();
    loop {
        let page = history.events_onward(&filter, PAGE_MAX).map_err(|e| unreadable(&e))?;
        filter.after_seq = page.items.last().map(|e| e.seq);
        page.items.into_iter().for_each(&mut *take);
        if !page.more {
            return Ok(());
        }
    }
}

/// How well the plan was kept up to then.
///
/// # Errors
/// A journal that cannot be read.
pub fn kept(
    history: &History,
    catalogue: &Catalogue,
    until: Timestamp,
    zone: &TimeZone,
) -> Result<Vec<Compliance>, Failure> {
    let first = history.events_onward(&EventFilter::default(), 1).map_err(|e| unreadable(&e))?;
    let Some(installed) = first.items.first().map(|e| e.at) else { return Ok(Vec::new()) };
    let mut kept = Kept::default();
    each(history, &EventFilter { to: Some(until), ..of("run_finished") }, &mut |event| {
        if let EventKind::RunFinished { task, abandoned: false, .. } = event.kind {
            let covers = catalogue.task(&task).map_or(&[][..], |t| &t.covers);
            for id in covers.iter().chain([&task]) {
                kept.done.entry(Arc::clone(id)).or_default().push(event.at);
            }
        }
    })?;
    each(history, &EventFilter { to: Some(until), ..of("task_waived") }, &mut |event| {
        if let EventKind::TaskWaived { task, until, .. } = event.kind {
            kept.waived.entry(task).or_default().push((event.at, until));
        }
    })?;
    kept.done.values_mut().for_each(|times| times.sort_unstable());
    Ok(compliance(catalogue, &kept, installed, until, zone))
}

/// Beginning and end of a month written `2026-11`.
///
/// # Errors
/// What is wrong with it.
pub fn month(text: &str, zone: &TimeZone) -> Result<(Timestamp, Timestamp), String> {
    let wrong = || format!("\"{}\" is no month; write it as 2026-11", crate::config::value::shorten(text));
    let (year, month) = text.split_once('-').ok_or_else(wrong)?;
    if year.len() != 4 || month.len() != 2 {
        return Err(wrong());
    }
    let number = |t: &str| t.parse::<i16>().map_err(|_| wrong());
    let first = Date::new(number(year)?, i8::try_from(number(month)?).map_err(|_| wrong())?, 1).map_err(|_| wrong())?;
    let next = first.last_of_month().tomorrow().map_err(|_| wrong())?;
    let start = |d: Date| d.to_zoned(zone.clone()).map(|z| z.timestamp()).map_err(|_| wrong());
    Ok((start(first)?, start(next)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_end_where_the_next_begins_in_the_sites_zone() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let (a, b) = month("2026-02", &zone).unwrap();
        assert_eq!((a.to_string().as_str(), b.to_string().as_str()), ("2026-01-31T18:30:00Z", "2026-02-28T18:30:00Z"));
        for bad in ["", "2026", "2026-13", "2026-00", "26-01", "2026-1", "x-y", "2026-11-01", "-026-11"] {
            assert!(month(bad, &zone).is_err(), "{bad}");
        }
    }
}
