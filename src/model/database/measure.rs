//! The figures of a look at the database, each against its limit: the same for the console, the alarms and `vms db status`.

use std::sync::Arc;

use serde::Serialize;

use super::{DatabaseReport, IndexFault, IndexReport, Session, Statements};

/// A table with fewer rows than this is not judged by its dead ones.
pub(super) const SMALL_ROWS: u64 = 10_000;
/// Connections in use, percent.
const CONNECTIONS_PERCENT: f64 = 80.0;
/// A query or an open transaction that is older than this holds up vacuum and locks, s.
const LONGEST_S: f64 = 300.0;
/// Waiting for a lock for less than this is everyday business, s.
const BLOCKED_S: f64 = 5.0;
/// Dead rows of a table: by itself the server cleans up at 20 % (`autovacuum_vacuum_scale_factor`).
const DEAD_PERCENT: f64 = 30.0;
/// Transaction numbers used up, percent; by itself the server freezes at 10 %.
const WRAPAROUND_PERCENT: f64 = 40.0;
/// A replica behind, s.
const LAG_S: f64 = 30.0;

/// A figure of the database against its limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// `database.connections`.
    pub id: &'static str,
    /// What it is.
    pub name: &'static str,
    /// Its value; none where it is not known.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: &'static str,
    /// At and above this it is not well; none where there is no limit.
    pub limit: Option<f64>,
    /// Which table, query or process it is about.
    pub text: Option<Arc<str>>,
}

impl Measure {
    /// Whether it is within its limit; none where it is not known.
    #[must_use]
    pub fn fine(&self) -> Option<bool> {
        match (self.value, self.limit) {
            (_, None) => Some(true),
            (None, _) => None,
            (Some(v), Some(l)) => Some(v < l),
        }
    }
}

impl DatabaseReport {
    /// The figures that are held against limits: the same for the console, the alarms and `vms db status`.
    #[must_use]
    pub fn measures(&self, response_limit_ms: f64) -> Vec<Measure> {
        let of = |id, name, value, unit, limit| Measure { id, name, value, unit, limit, text: None };
        let percent = self.connections_used.zip(self.connections_max).filter(|(_, max)| *max > 0);
        let used = percent.map(|(used, max)| 100.0 * f64::from(used) / f64::from(max));
        let mut out = vec![
            of("database.growth", "Growth a day", self.growth_bytes_per_day, "B", None),
            of("database.connections", "Connections used", used, "%", Some(CONNECTIONS_PERCENT)),
        ];
        if out[0].value.is_none() {
            out[0].text = Some("growth is not known yet: it needs an hour of sizes".into());
        }
        let told = self.told("activity") && self.sees_others;
        let longest = self.longest();
        let mut longest_m = of(
            "database.longest",
            "Longest query",
            told.then_some(longest.map_or(0.0, |s| s.running_s.unwrap_or(0.0))),
            "s",
            Some(LONGEST_S),
        );
        let blind: Option<Arc<str>> = (!self.sees_others)
            .then(|| format!("{0} does not see what others do: GRANT pg_monitor TO {0}", self.role).into());
        longest_m.text = blind
            .clone()
            .or_else(|| longest.map(|s| format!("process {} ({}): {}", s.pid, s.application, s.query).into()));
        out.push(longest_m);
        let blocked: Vec<&Session> = self.blocked().collect();
        let mut blocked_m =
            of("database.blocked", "Blocked queries", told.then_some(blocked.len() as f64), "", Some(1.0));
        blocked_m.text = blind.or_else(|| {
            blocked.first().map(|s| {
                let by: Vec<String> = s.blocked_by.iter().map(ToString::to_string).collect();
                format!("process {} waits for process {}", s.pid, by.join(", ")).into()
            })
        });
        out.push(blocked_m);
        let worst = self.tables.iter().filter_map(|t| Some((t, t.dead_percent()?))).max_by(|a, b| a.1.total_cmp(&b.1));
        let dead = self.told("tables").then_some(worst.map_or(0.0, |w| w.1));
        let mut dead_m = of("database.dead", "Dead rows, worst table", dead, "%", Some(DEAD_PERCENT));
        dead_m.text = worst.map(|(t, _)| Arc::clone(&t.name));
        out.push(dead_m);
        let mut slow =
            of("database.slowest", "Slowest query, mean", self.slowest_recent_ms, "ms", Some(response_limit_ms));
        slow.text = match &self.statements {
            Statements::Missing(why) => {
                // What is not counted on purpose is held against nothing.
                slow.limit = None;
                Some(Arc::clone(why))
            }
            Statements::Known(_) if self.slowest_recent_ms.is_none() => Some("no query has been counted yet".into()),
            Statements::Known(_) => None,
        };
        out.push(slow);
        let invalid = self.invalid().count() as f64;
        let mut index =
            of("database.invalid-indexes", "Invalid indexes", self.told("indexes").then_some(invalid), "", Some(1.0));
        index.text = self.invalid().next().map(|i| Arc::clone(&i.name));
        out.push(index);
        out.push(of(
            "database.wraparound",
            "Transaction ids used",
            self.wraparound_percent,
            "%",
            Some(WRAPAROUND_PERCENT),
        ));
        if let Some(r) = self.replicas.iter().max_by(|a, b| a.lag_s.unwrap_or(0.0).total_cmp(&b.lag_s.unwrap_or(0.0))) {
            let mut lag = of("database.lag", "Replica behind", r.lag_s, "s", Some(LAG_S));
            lag.text = Some(Arc::clone(&r.name));
            out.push(lag);
        }
        out
    }

    /// Whether a part of the look told something.
    fn told(&self, part: &str) -> bool {
        !self.unknown.iter().any(|u| u.starts_with(part))
    }

    /// What has been running longest, jobs of ours and the server's own vacuums left out.
    #[must_use]
    pub fn longest(&self) -> Option<&Session> {
        let people = self.sessions.iter().filter(|s| !s.ours && &*s.state != "autovacuum");
        people.max_by(|a, b| a.running_s.unwrap_or(0.0).total_cmp(&b.running_s.unwrap_or(0.0)))
    }

    /// What has waited for another's lock for long.
    pub fn blocked(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(|s| !s.blocked_by.is_empty() && s.running_s.is_some_and(|t| t >= BLOCKED_S))
    }

    /// Indexes that are invalid, leavings included.
    pub fn invalid(&self) -> impl Iterator<Item = &IndexReport> {
        self.indexes.iter().filter(|i| i.fault != IndexFault::Unused)
    }

    /// Size in so many days at the present growth; none while that is not known.
    #[must_use]
    pub fn size_in_days(&self, days: f64) -> Option<u64> {
        let grown = self.size_bytes? as f64 + self.growth_bytes_per_day? * days;
        Some(grown.max(0.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::database::TableReport;

    fn value(r: &DatabaseReport, id: &str) -> (Option<f64>, Option<bool>) {
        let all = r.measures(1000.0);
        let m = all.iter().find(|m| m.id == id).unwrap();
        (m.value, m.fine())
    }

    #[test]
    fn figures_are_held_against_their_limits() {
        let table =
            |rows, dead_rows| TableReport { name: "vms.event".into(), rows, dead_rows, ..TableReport::default() };
        let r = DatabaseReport {
            connections_used: Some(81),
            connections_max: Some(100),
            sees_others: true,
            tables: Arc::new([table(90, 9000), table(60_000, 40_000)]),
            ..DatabaseReport::default()
        };
        assert_eq!(value(&r, "database.connections"), (Some(81.0), Some(false)));
        assert_eq!(value(&r, "database.dead"), (Some(40.0), Some(false)), "the small table says nothing");
        assert_eq!(value(&r, "database.longest"), (Some(0.0), Some(true)));
        assert_eq!(value(&r, "database.slowest"), (None, Some(true)), "not counted, so held against nothing");
        let counted = DatabaseReport { statements: Statements::Known(Arc::new([])), ..r.clone() };
        assert_eq!(value(&counted, "database.slowest"), (None, None));
        assert_eq!(value(&r, "database.growth"), (None, Some(true)));
        let blind = DatabaseReport { sees_others: false, role: "vms".into(), ..r.clone() };
        assert_eq!(value(&blind, "database.longest"), (None, None), "nothing seen is not nothing there");
        let why = blind.measures(1.0).into_iter().find(|m| m.id == "database.blocked").and_then(|m| m.text);
        assert!(why.is_some_and(|t| t.contains("GRANT pg_monitor TO vms")));
        assert!(!r.measures(1.0).iter().any(|m| m.id == "database.lag"), "no replica, no lag");
        let unread = DatabaseReport { unknown: Arc::new(["activity: not allowed".into()]), ..r };
        assert_eq!(value(&unread, "database.blocked"), (None, None), "what is not known is not zero");
    }
}
