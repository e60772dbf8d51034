//! The other nodes of the site, as PostgreSQL tells of them.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::alarm::Priority;
use crate::base::clock::{Mono, Now};

/// A node that has not been heard of for longer is stale: nobody knows whether it still watches.
pub const STALE_S: f64 = 60.0;

/// What is known of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeState {
    /// The site.
    pub site: Arc<str>,
    /// Its name.
    pub node: Arc<str>,
    /// Version of its program.
    pub version: Arc<str>,
    /// State of its engine, in its own words: `running`.
    pub engine: Arc<str>,
    /// When it last wrote to the database, by the database's clock.
    pub last_seen: Timestamp,
    /// How old that was when this was read, by the database's clock, in seconds.
    pub age_s: f64,
    /// When this was read.
    pub read: Now,
    /// Its worst alarm: priority and text.
    pub worst: Option<(Priority, Arc<str>)>,
    /// Its alarms that are not normal.
    pub alarms: u32,
    /// Those that nobody has acknowledged.
    pub unacknowledged: u32,
    /// Cameras that deliver.
    pub cameras_live: u32,
    /// All its cameras.
    pub cameras: u32,
    /// PLCs that answer.
    pub plcs_live: u32,
    /// All its PLCs.
    pub plcs: u32,
    /// Rows of its journal that wait for the database; none where it does not tell.
    pub queued: Option<u64>,
}

impl NodeState {
    /// How old the newest word of it is now, in seconds.
    #[must_use]
    pub fn age_s(&self, now: Mono) -> f64 {
        self.age_s.max(0.0) + now.secs_since(self.read.mono)
    }

    /// Whether nobody knows how it is.
    #[must_use]
    pub fn stale(&self, now: Mono) -> bool {
        self.age_s(now) > STALE_S
    }

    /// Whether somebody has to look.
    #[must_use]
    pub fn not_fine(&self, now: Mono) -> bool {
        self.stale(now) || self.unacknowledged > 0
    }
}

/// The nodes, the one that needs a person most first: not heard of, unacknowledged alarms, worst alarm, parts that are missing.
#[must_use]
pub fn worst_first(nodes: &[NodeState], now: Mono) -> Vec<&NodeState> {
    let missing = |n: &NodeState| n.cameras.saturating_sub(n.cameras_live) + n.plcs.saturating_sub(n.plcs_live);
    let mut all: Vec<&NodeState> = nodes.iter().collect();
    all.sort_by(|a, b| {
        let key = |n: &NodeState| {
            (n.stale(now), n.unacknowledged > 0, n.worst.as_ref().map(|w| w.0), n.unacknowledged, missing(n), n.alarms)
        };
        key(b).cmp(&key(a)).then_with(|| (&a.site, &a.node).cmp(&(&b.site, &b.node)))
    });
    all
}

/// The fleet as JSON.
#[derive(Debug, Serialize)]
pub struct FleetStatus {
    time: Timestamp,
    time_zone: Option<String>,
    nodes: Vec<NodeStatus>,
}

#[derive(Debug, Serialize)]
struct NodeStatus {
    site: Arc<str>,
    node: Arc<str>,
    version: Arc<str>,
    engine: Arc<str>,
    last_seen: Timestamp,
    age_s: f64,
    stale: bool,
    worst: Option<Worst>,
    alarms: u32,
    unacknowledged: u32,
    cameras_live: u32,
    cameras: u32,
    plcs_live: u32,
    plcs: u32,
    queued: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Worst {
    priority: Priority,
    text: Arc<str>,
}

/// The fleet as `vms fleet --json` prints it, worst first.
#[must_use]
pub fn status(nodes: &[NodeState], zone: &TimeZone, now: Now) -> FleetStatus {
    let node = |n: &NodeState| NodeStatus {
        site: Arc::clone(&n.site),
        node: Arc::clone(&n.node),
        version: Arc::clone(&n.version),
        engine: Arc::clone(&n.engine),
        last_seen: n.last_seen,
        age_s: (n.age_s(now.mono) * 10.0).round() / 10.0,
        stale: n.stale(now.mono),
        worst: n.worst.as_ref().map(|(priority, text)| Worst { priority: *priority, text: Arc::clone(text) }),
        alarms: n.alarms,
        unacknowledged: n.unacknowledged,
        cameras_live: n.cameras_live,
        cameras: n.cameras,
        plcs_live: n.plcs_live,
        plcs: n.plcs,
        queued: n.queued,
    };
    FleetStatus {
        time: now.wall,
        time_zone: zone.iana_name().map(str::to_owned),
        nodes: worst_first(nodes, now.mono).into_iter().map(node).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, age_s: f64, unacknowledged: u32, worst: Option<Priority>) -> NodeState {
        NodeState {
            site: "BF2".into(),
            node: name.into(),
            version: "0.1.0".into(),
            engine: "running".into(),
            last_seen: Timestamp::UNIX_EPOCH,
            age_s,
            read: Now::default(),
            worst: worst.map(|p| (p, "text".into())),
            alarms: unacknowledged,
            unacknowledged,
            cameras_live: 4,
            cameras: 4,
            plcs_live: 1,
            plcs: 1,
            queued: None,
        }
    }

    #[test]
    fn who_needs_a_person_comes_first() {
        let mut dark = node("dark", 2.0, 0, None);
        dark.cameras_live = 1;
        let all = [
            node("b", 2.0, 0, None),
            node("a", 2.0, 0, None),
            dark,
            node("low", 2.0, 3, Some(Priority::Low)),
            node("high", 2.0, 1, Some(Priority::High)),
            node("gone", 61.0, 0, None),
        ];
        let order: Vec<&str> = worst_first(&all, Mono(0)).iter().map(|n| &*n.node).collect();
        assert_eq!(order, ["gone", "high", "low", "dark", "a", "b"]);
    }

    #[test]
    fn its_age_goes_on_while_nothing_new_is_read() {
        let n = node("a", 2.0, 0, None);
        assert!(!n.stale(Mono(0)) && !n.not_fine(Mono(0)));
        assert!(n.stale(Mono(58_500_000_000)) && n.not_fine(Mono(58_500_000_000)));
    }
}
