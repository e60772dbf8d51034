//! The facts of a performance review: hours of every indicator from the journal, alarms from its events, queries from the
//! newest look at the database.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::Source;
use crate::base::error::{Exit, Failure};
use crate::boot::unreadable;
use crate::config::sections::Resources;
use crate::engine::forecast::Line;
use crate::journal::{EventFilter, FILE_NAME, History, PAGE_MAX, Step};
use crate::model::board::Sense;
use crate::model::database::Statements;
use crate::model::event::EventKind;
use crate::model::record::Rolled;
use crate::upkeep::documents::performance::{AlarmCount, Performance, Query, Series};

/// Events that are gone through at most; more are a flood of years.
const EVENTS: usize = 500_000;

/// Which time a review covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The seven days up to now.
    Week,
    /// The thirteen weeks up to now.
    Quarter,
}

impl Span {
    fn days(self) -> i64 {
        match self {
            Self::Week => 7,
            Self::Quarter => 91,
        }
    }

    /// How it is called, and how its file is.
    fn names(self, now: Timestamp, zone: &TimeZone) -> (String, String) {
        let today: Date = now.to_zoned(zone.clone()).date();
        let first = today.checked_sub(self.days().days()).unwrap_or(today);
        let week = today.iso_week_date();
        match self {
            Self::Week => (
                format!("the week from {first} to {today}"),
                format!("performance-{}-W{:02}", week.year(), week.week()),
            ),
            Self::Quarter => (
                format!("the quarter from {first} to {today}"),
                format!("performance-{}-Q{}", today.year(), (today.month() - 1) / 3 + 1),
            ),
        }
    }
}

/// Reads the review's facts; with them the name of its file.
///
/// # Errors
/// No journal, or one that cannot be read.
pub fn performance(s: &Source<'_>, span: Span, cancelled: &dyn Fn() -> bool) -> Result<(Performance, String), Failure> {
    let path = s.data.join(FILE_NAME);
    let history = History::open(&path).map_err(|e| unreadable(&e))?;
    // Hours that are complete: the running one would count as a whole.
    let to = s.now.as_second().div_euclid(3600) * 3600;
    let from = to - span.days() * 86_400;
    let mut indicators = Vec::new();
    for info in history.series().map_err(|e| unreadable(&e))? {
        if cancelled() {
            return Err(Failure::new(Exit::NotFine, "the review was broken off"));
        }
        let Some(id) = info.name.strip_prefix("indicator.") else { continue };
        let hours = |a, b| history.trend(&info.name, a, b, Step::Hour).map_err(|e| unreadable(&e));
        let (now, before) = (hours(from, to)?, hours(from - (to - from), from)?);
        if !now.is_empty() {
            indicators.push(series(s, id, &info.unit, now, &before));
        }
    }
    let (alarms, flood) = alarms(&history, from, to, cancelled)?;
    let (period, file) = span.names(s.now, &s.config.site.time_zone);
    let plots = if span == Span::Week { 6 } else { 9 };
    Ok((Performance { period, from, to, indicators, alarms, flood, queries: queries(s), plots }, file))
}

fn series(s: &Source<'_>, id: &str, unit: &str, hours: Vec<Rolled>, before: &[Rolled]) -> Series {
    let shown = s.board.and_then(|b| b.indicators.iter().find(|i| &*i.id == id));
    let (limit, sense) = match shown {
        Some(i) => (i.limit, i.sense),
        None => limit(&s.config.resources, id),
    };
    let last = hours.last().map(|h| h.mean);
    let line = Line::through(&hours);
    let until = line.zip(last).zip(limit).and_then(|((line, v), l)| line.until(v, l, sense));
    Series {
        id: id.to_owned(),
        title: shown.map_or_else(|| title(id), |i| format!("{} · {}", i.group.title(), i.name)),
        unit: unit.to_owned(),
        limit,
        sense,
        mean_before: (!before.is_empty()).then(|| before.iter().map(|h| h.mean).sum::<f64>() / before.len() as f64),
        days_to_limit: until.map(|d| d.as_secs_f64() / 86_400.0),
        hours,
    }
}

/// The limit of an indicator by the configuration alone, where no engine tells it.
fn limit(r: &Resources, id: &str) -> (Option<f64>, Sense) {
    let ms = |d: std::time::Duration| Some(d.as_secs_f64() * 1000.0);
    match id {
        "cpu" => (Some(r.cpu_percent), Sense::High),
        "memory" => (Some(r.memory_percent), Sense::High),
        "database.response" => (ms(r.database_response), Sense::High),
        "logs.errors" => (Some(r.log_errors_per_min), Sense::High),
        _ if id.starts_with("disk.") => (Some(r.disk_free_percent), Sense::Low),
        _ if id.starts_with("camera.") && id.ends_with(".latency") => (ms(r.camera_latency), Sense::High),
        _ => (None, Sense::High),
    }
}

fn title(id: &str) -> String {
    match id {
        "cpu" => "CPU".to_owned(),
        "memory" => "Memory".to_owned(),
        _ => id.strip_prefix("disk.").map_or_else(|| id.replace('.', " "), |mount| format!("{mount} free")),
    }
}

fn alarms(
    history: &History,
    from: i64,
    to: i64,
    cancelled: &dyn Fn() -> bool,
) -> Result<(Vec<AlarmCount>, u32), Failure> {
    let at = |s: i64| Timestamp::from_second(s).ok();
    let mut filter =
        EventFilter { from: at(from), to: at(to), kinds: vec!["alarm_raised".to_owned()], ..EventFilter::default() };
    let mut counts: BTreeMap<String, AlarmCount> = BTreeMap::new();
    let (mut times, mut seen) = (Vec::new(), 0);
    loop {
        let page = history.events_onward(&filter, PAGE_MAX).map_err(|e| unreadable(&e))?;
        filter.after_seq = page.items.last().map(|e| e.seq);
        seen += page.items.len();
        for event in page.items {
            let EventKind::AlarmRaised { alarm, priority, text, .. } = event.kind else { continue };
            times.push(event.at);
            let count = counts.entry(alarm.to_string()).or_insert_with(|| AlarmCount {
                id: alarm.to_string(),
                priority: priority.word().to_owned(),
                count: 0,
                text: String::new(),
            });
            count.count += 1;
            count.text = text.to_string();
        }
        if !page.more || seen >= EVENTS || cancelled() {
            break;
        }
    }
    let mut list: Vec<AlarmCount> = counts.into_values().collect();
    list.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
    Ok((list, densest(&times)))
}

/// Most moments within ten minutes; they ascend.
fn densest(times: &[Timestamp]) -> u32 {
    let mut most = 0;
    let mut first = 0;
    for (i, t) in times.iter().enumerate() {
        while times.get(first).is_some_and(|f| t.duration_since(*f) >= SignedDuration::from_mins(10)) {
            first += 1;
        }
        most = most.max(i - first.min(i) + 1);
    }
    most as u32
}

fn queries(s: &Source<'_>) -> Result<Vec<Query>, String> {
    let report = s.database.as_ref().map_err(Clone::clone)?;
    match &report.statements {
        Statements::Missing(why) => Err(why.to_string()),
        Statements::Known(list) => {
            let query = |q: &crate::model::database::Statement| Query {
                text: q.query.to_string(),
                calls: q.calls,
                mean_ms: q.mean_ms,
                max_ms: q.max_ms,
            };
            Ok(list.iter().map(query).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_densest_ten_minutes_are_found() {
        let t = |m: i64| Timestamp::from_second(m * 60).unwrap();
        assert_eq!(densest(&[]), 0);
        assert_eq!(densest(&[t(0), t(9), t(10), t(18), t(19), t(40)]), 3);
    }

    #[test]
    fn periods_have_names_in_the_sites_zone() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let (text, file) = Span::Week.names("2026-11-26T20:00:00Z".parse().unwrap(), &zone);
        assert_eq!((text.as_str(), file.as_str()), ("the week from 2026-11-20 to 2026-11-27", "performance-2026-W48"));
        assert_eq!(Span::Quarter.names("2026-11-26T20:00:00Z".parse().unwrap(), &zone).1, "performance-2026-Q4");
    }
}
