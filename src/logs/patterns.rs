//! The patterns of all logs: how often, since when, against the same hour last week, and which were never seen before.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::drain::{Drain, hash};
use super::mask::mask;
use crate::base::clock::{Mono, Now};
use crate::model::logs::{LogPattern, Severity};

/// Hours kept: the newest and those of a week before.
const HOURS: i64 = 7 * 24 + 2;
/// An hour counts as watched from so many seconds on.
const WATCHED_S: u32 = 3300;
/// A pattern is new for so long.
const NEW_S: i64 = 86_400;
/// Patterns shown at most.
pub const MAX_SHOWN: usize = 400;
/// Longest template shown, characters.
const MAX_CHARS: usize = 400;

/// Counts of one pattern.
#[derive(Clone, Debug)]
struct Counts {
    severity: Severity,
    count: u64,
    first: i64,
    last: i64,
    hours: VecDeque<(i64, u32)>,
}

/// A pattern as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    source: String,
    template: String,
    severity: Severity,
    count: u64,
    first: i64,
    last: i64,
    hours: Vec<(i64, u32)>,
}

/// Everything that is kept on disk of the patterns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeptPatterns {
    since: Option<i64>,
    watched: Vec<(i64, u32)>,
    patterns: Vec<Kept>,
}

/// Mines the lines of all logs.
#[derive(Debug, Default)]
pub struct Patterns {
    drain: Drain,
    counts: HashMap<u64, Counts>,
    names: HashMap<u64, Arc<str>>,
    watched: VecDeque<(i64, u32)>,
    since: Option<i64>,
    last: Option<Mono>,
    forgotten: u64,
}

/// A source as patterns know it: files that differ in a date or number are one.
#[derive(Clone, Debug)]
pub struct Source {
    key: u64,
    name: Arc<str>,
}

impl Source {
    /// The source of a file of this path.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let mut masked = Vec::new();
        mask(file.as_bytes(), &mut masked);
        let name = String::from_utf8_lossy(&masked);
        Self { key: hash(0, name.as_bytes()), name: name.as_ref().into() }
    }
}

impl Patterns {
    /// As they were kept.
    #[must_use]
    pub fn restored(kept: KeptPatterns) -> Self {
        let mut own = Self { since: kept.since, watched: kept.watched.into(), ..Self::default() };
        // The ones seen longest ago first, so that they are the first to go.
        let mut patterns = kept.patterns;
        patterns.sort_by_key(|p| p.last);
        for p in patterns {
            let source = Source::of(&p.source);
            let id = own.drain.restore(source.key, &p.template);
            own.names.entry(source.key).or_insert(source.name);
            let hours = p.hours.into_iter().collect();
            own.counts.insert(id, Counts { severity: p.severity, count: p.count, first: p.first, last: p.last, hours });
        }
        own.forget();
        own
    }

    /// Takes a line.
    pub fn take(&mut self, source: &Source, severity: Severity, line: &[u8], at: Timestamp) {
        let (id, _) = self.drain.add(source.key, line);
        let (second, hour) = (at.as_second(), at.as_second().div_euclid(3600));
        let c = self.counts.entry(id).or_insert_with(|| Counts {
            severity,
            count: 0,
            first: second,
            last: second,
            hours: VecDeque::new(),
        });
        c.severity = c.severity.max(severity);
        c.count += 1;
        c.last = c.last.max(second);
        match c.hours.back_mut().filter(|h| h.0 >= hour) {
            Some(h) => h.1 = h.1.saturating_add(1),
            None => c.hours.push_back((hour, 1)),
        }
        if c.count == 1 {
            self.names.entry(source.key).or_insert_with(|| Arc::clone(&source.name));
            self.forget();
        }
    }

    fn forget(&mut self) {
        for id in self.drain.take_forgotten() {
            self.counts.remove(&id);
            self.forgotten += 1;
        }
    }

    /// The logs were watched until now.
    pub fn watched(&mut self, now: Now) {
        let second = now.wall.as_second();
        self.since.get_or_insert(second);
        let passed = self.last.map_or(0, |l| now.mono.since(l).as_secs().min(5) as u32);
        if passed > 0 || self.last.is_none() {
            self.last = Some(now.mono);
        }
        let hour = second.div_euclid(3600);
        if let Some(h) = self.watched.back_mut().filter(|h| h.0 >= hour) {
            h.1 = h.1.saturating_add(passed);
            return;
        }
        self.watched.push_back((hour, passed));
        let oldest = hour - HOURS;
        self.watched.retain(|h| h.0 >= oldest);
        for c in self.counts.values_mut() {
            while c.hours.front().is_some_and(|h| h.0 < oldest) {
                c.hours.pop_front();
            }
        }
    }

    /// How many are known, how many had to go, and since when the logs are watched.
    #[must_use]
    pub fn figures(&self) -> (usize, u64, Option<Timestamp>) {
        (self.counts.len(), self.forgotten, self.since.and_then(|s| Timestamp::from_second(s).ok()))
    }

    /// The patterns to look at first: new ones, then errors, then by rate.
    #[must_use]
    pub fn shown(&self, now: Timestamp) -> Vec<LogPattern> {
        let mut all: Vec<LogPattern> = self.counts.iter().filter_map(|(id, c)| self.one(*id, c, now)).collect();
        let rank = |p: &LogPattern| (p.new, p.severity, p.per_hour.round() as u64, p.last_seen, p.count);
        all.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.template.cmp(&b.template)));
        all.truncate(MAX_SHOWN);
        all
    }

    fn one(&self, id: u64, c: &Counts, now: Timestamp) -> Option<LogPattern> {
        let t = self.drain.get(id)?;
        let second = now.as_second();
        let learned = self.since.is_some_and(|s| c.first - s >= NEW_S);
        Some(LogPattern {
            source: self.names.get(&t.source).cloned().unwrap_or_else(|| "?".into()),
            template: t.text().chars().take(MAX_CHARS).collect::<String>().into(),
            severity: c.severity,
            count: c.count,
            first_seen: Timestamp::from_second(c.first).ok()?,
            last_seen: Timestamp::from_second(c.last).ok()?,
            per_hour: rate(&c.hours, second),
            week_ago: self.week_ago(&c.hours, second - 7 * 86_400),
            new: learned && second - c.first < NEW_S,
        })
    }

    fn week_ago(&self, hours: &VecDeque<(i64, u32)>, second: i64) -> Option<f64> {
        let hour = second.div_euclid(3600);
        let seen = |h: i64| self.watched.iter().any(|w| w.0 == h && w.1 >= WATCHED_S);
        (seen(hour) && seen(hour - 1)).then(|| rate(hours, second))
    }

    /// What is to be kept on disk.
    #[must_use]
    pub fn kept(&self) -> KeptPatterns {
        let patterns = self.counts.iter().filter_map(|(id, c)| {
            let t = self.drain.get(*id)?;
            Some(Kept {
                source: self.names.get(&t.source)?.to_string(),
                template: t.text(),
                severity: c.severity,
                count: c.count,
                first: c.first,
                last: c.last,
                hours: c.hours.iter().copied().collect(),
            })
        });
        let mut patterns: Vec<Kept> = patterns.collect();
        patterns.sort_by(|a, b| (a.last, &a.template).cmp(&(b.last, &b.template)));
        KeptPatterns { since: self.since, watched: self.watched.iter().copied().collect(), patterns }
    }
}

/// Lines in the hour before that second: the clock's hours with their shares of it.
fn rate(hours: &VecDeque<(i64, u32)>, second: i64) -> f64 {
    let hour = second.div_euclid(3600);
    let of = |h: i64| hours.iter().rev().find(|x| x.0 == h).map_or(0.0, |x| f64::from(x.1));
    let passed = (second - hour * 3600) as f64 / 3600.0;
    // The hour that is being lived through counts whole, the one before by what is left of it.
    of(hour) * if passed > 0.0 { 1.0 } else { 0.0 } + of(hour - 1) * (1.0 - passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_700_002_800;
    const WEEK: i64 = 7 * 86_400;

    fn at(s: i64) -> Now {
        Now { wall: Timestamp::from_second(START + s).unwrap(), mono: Mono(s as u64 * 1_000_000_000) }
    }

    fn watch(p: &mut Patterns, from: i64, to: i64) {
        for s in (from..to).step_by(5) {
            p.watched(at(s));
        }
    }

    fn find(p: &Patterns, s: i64, part: &str) -> LogPattern {
        p.shown(at(s).wall).into_iter().find(|x| x.template.contains(part)).unwrap()
    }

    #[test]
    fn counts_rates_and_what_is_new() {
        let mut p = Patterns::default();
        let log = Source::of("/var/log/app-2026-11-23.log");
        watch(&mut p, 0, 2 * 3600);
        for i in 0..30 {
            p.take(&log, Severity::Warn, format!("WARN queue has {i} items").as_bytes(), at(3600 + i * 10).wall);
        }
        let first = find(&p, 2 * 3600, "queue");
        assert_eq!((first.count, first.new, first.week_ago), (30, false, None), "all is new at first, so nothing is");
        assert_eq!(&*first.source, "app-<n>-<n>-<n>.log");
        watch(&mut p, 2 * 3600, WEEK + 2 * 3600);
        let later = WEEK + 3600 + 1800;
        p.take(&Source::of("app-2027-01-01.log"), Severity::Error, b"ERROR disk is gone", at(later).wall);
        let queue = find(&p, later, "queue");
        assert!(queue.week_ago.is_some_and(|r| r >= 29.0), "{queue:?}");
        assert_eq!(queue.per_hour, 0.0);
        let gone = find(&p, later, "gone");
        assert!(gone.new && gone.severity == Severity::Error && gone.per_hour >= 1.0, "{gone:?}");
        assert_eq!(p.shown(at(later).wall)[0], gone, "what was never seen before comes first");
        assert!(!find(&p, later + NEW_S, "gone").new);
    }

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        let mut p = Patterns::default();
        let log = Source::of("a.log");
        watch(&mut p, 0, 100);
        for i in 0..9 {
            p.take(&log, Severity::Info, format!("INFO item {i} of {i} done").as_bytes(), at(i).wall);
        }
        let text = serde_json::to_string(&p.kept()).unwrap();
        let mut back = Patterns::restored(serde_json::from_str(&text).unwrap());
        assert_eq!(back.kept(), p.kept());
        back.take(&log, Severity::Info, b"INFO item 77 of 78 done", at(99).wall);
        let one = find(&back, 100, "item");
        assert_eq!((one.count, back.figures().0), (10, 1), "counted on, not anew");
    }

    #[test]
    fn hours_are_bounded() {
        let mut p = Patterns::default();
        let log = Source::of("a.log");
        for hour in 0..1000 {
            let now = at(hour * 3600);
            p.watched(now);
            p.take(&log, Severity::Info, b"INFO tick", now.wall);
        }
        assert!(p.counts.values().all(|c| c.hours.len() as i64 <= HOURS + 1) && p.watched.len() as i64 <= HOURS + 1);
    }
}
