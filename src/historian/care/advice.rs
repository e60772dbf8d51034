//! Advice about the server's version and settings: each rule looks at what was found and says what would be right.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::{Date, date};

use crate::base::text::bytes;
use crate::model::database::Advice;

/// What the rules look at.
pub(super) struct Facts<'a> {
    /// 150018 for 15.18.
    pub(super) version_num: i32,
    /// The role that asks.
    pub(super) role: &'a str,
    /// Settings by name; those that the role may not see are missing.
    pub(super) settings: &'a HashMap<String, String>,
    /// Whether the server only follows another one.
    pub(super) standby: bool,
    /// Whether the role sees the queries of others.
    pub(super) sees_all: bool,
    /// Connections in use and possible.
    pub(super) connections: (i32, i32),
    /// Size of the database.
    pub(super) size_bytes: u64,
    /// Checkpoints by the clock and on request.
    pub(super) checkpoints: Option<(u64, u64)>,
    /// How the statistics of queries would be got, where there are none.
    pub(super) no_statements: Option<&'a str>,
    /// Today.
    pub(super) today: Date,
}

type Rule = fn(&Facts<'_>) -> Option<Advice>;

const RULES: [Rule; 15] = [
    version,
    |f| off(f, "fsync", "a power cut can destroy the whole database"),
    |f| off(f, "full_page_writes", "a power cut can destroy pages"),
    |f| off(f, "autovacuum", "dead rows pile up until the server stops taking writes"),
    |f| off(f, "track_counts", "autovacuum cannot work and dead rows are not counted"),
    standby,
    connections,
    rights,
    statements,
    memory,
    commits,
    passwords,
    checkpoints,
    slow_log,
    superuser,
];

/// The advice of all rules, the serious ones first.
pub(super) fn advice(facts: &Facts<'_>) -> Arc<[Advice]> {
    let mut all: Vec<Advice> = RULES.iter().filter_map(|r| r(facts)).collect();
    all.sort_by_key(|a| !a.serious);
    all.into()
}

fn advise(serious: bool, found: impl Into<Arc<str>>, right: impl Into<Arc<str>>) -> Advice {
    Advice { serious, found: found.into(), right: right.into() }
}

/// Until when each version gets corrections (postgresql.org/support/versioning).
const SUPPORTED: [(i32, Date); 6] = [
    (13, date(2025, 11, 13)),
    (14, date(2026, 11, 12)),
    (15, date(2027, 11, 11)),
    (16, date(2028, 11, 9)),
    (17, date(2029, 11, 8)),
    (18, date(2030, 11, 14)),
];

fn version(f: &Facts<'_>) -> Option<Advice> {
    let major = f.version_num / 10_000;
    let until = SUPPORTED.iter().find(|(v, _)| *v == major).map(|(_, d)| *d);
    let right = "take a backup and go to a supported version (pg_upgrade)";
    match until {
        None if major < SUPPORTED[0].0 => {
            Some(advise(true, format!("PostgreSQL {major} gets no corrections any more"), right))
        }
        Some(d) if d <= f.today => {
            Some(advise(true, format!("PostgreSQL {major} gets no corrections since {d}"), right))
        }
        Some(d) if (d - f.today).get_days() < 180 => {
            Some(advise(false, format!("PostgreSQL {major} gets no corrections after {d}"), right))
        }
        _ => None,
    }
}

fn setting<'f>(f: &'f Facts<'_>, name: &str) -> Option<&'f str> {
    f.settings.get(name).map(String::as_str)
}

fn off(f: &Facts<'_>, name: &str, why: &str) -> Option<Advice> {
    (setting(f, name)? == "off").then(|| Advice {
        serious: true,
        found: format!("{name} = off: {why}").into(),
        right: format!("{name} = on in postgresql.conf, then: SELECT pg_reload_conf()").into(),
    })
}

fn standby(f: &Facts<'_>) -> Option<Advice> {
    if !f.standby {
        return None;
    }
    Some(advise(
        true,
        "this server only follows another one: nothing can be stored on it",
        "write the primary server into historian.url",
    ))
}

fn connections(f: &Facts<'_>) -> Option<Advice> {
    let (used, max) = f.connections;
    if max <= 0 || used * 10 < max * 8 {
        return None;
    }
    Some(advise(
        true,
        format!("{used} of {max} connections are in use"),
        "end what is idle, or raise max_connections in postgresql.conf and restart the server",
    ))
}

fn rights(f: &Facts<'_>) -> Option<Advice> {
    if f.sees_all {
        return None;
    }
    Some(advise(
        false,
        format!("the role {} sees neither the queries of others nor all settings", f.role),
        format!("as a superuser: GRANT pg_monitor TO {}", f.role),
    ))
}

fn statements(f: &Facts<'_>) -> Option<Advice> {
    Some(advise(false, "slow queries are not counted", f.no_statements?))
}

fn memory(f: &Facts<'_>) -> Option<Advice> {
    let buffers = setting(f, "shared_buffers")?.parse::<u64>().ok()? * 8192;
    if buffers >= 128 << 20 || f.size_bytes <= buffers {
        return None;
    }
    Some(advise(
        false,
        format!(
            "shared_buffers is {}, less than the default, and the database has {}",
            bytes(buffers),
            bytes(f.size_bytes)
        ),
        "shared_buffers = a quarter of the server's memory in postgresql.conf, then restart it",
    ))
}

fn commits(f: &Facts<'_>) -> Option<Advice> {
    if setting(f, "synchronous_commit")? != "off" {
        return None;
    }
    Some(advise(
        false,
        "synchronous_commit = off: what was stored in the last half second is lost with the power",
        "synchronous_commit = on in postgresql.conf, then: SELECT pg_reload_conf()",
    ))
}

fn passwords(f: &Facts<'_>) -> Option<Advice> {
    if setting(f, "password_encryption")? != "md5" {
        return None;
    }
    Some(advise(
        false,
        "password_encryption = md5: passwords are kept in a form that can be broken",
        "password_encryption = 'scram-sha-256' in postgresql.conf, then set each password again",
    ))
}

fn checkpoints(f: &Facts<'_>) -> Option<Advice> {
    let (timed, requested) = f.checkpoints?;
    if timed + requested < 20 || requested <= timed {
        return None;
    }
    let wal = setting(f, "max_wal_size").unwrap_or("?");
    Some(advise(
        false,
        format!("{requested} of {} checkpoints came because too much was written", timed + requested),
        format!("raise max_wal_size (now {wal} MB) in postgresql.conf, then: SELECT pg_reload_conf()"),
    ))
}

fn slow_log(f: &Facts<'_>) -> Option<Advice> {
    if setting(f, "log_min_duration_statement")? != "-1" {
        return None;
    }
    Some(advise(
        false,
        "slow queries are not written to the server's log",
        "log_min_duration_statement = '1s' in postgresql.conf, then: SELECT pg_reload_conf()",
    ))
}

fn superuser(f: &Facts<'_>) -> Option<Advice> {
    if f.role != "postgres" {
        return None;
    }
    Some(advise(
        false,
        "vms works as the superuser postgres",
        "give vms a role of its own that owns only its database: CREATE ROLE vms LOGIN; GRANT pg_monitor TO vms",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(settings: &HashMap<String, String>) -> Facts<'_> {
        Facts {
            version_num: 150_018,
            role: "vms",
            settings,
            standby: false,
            sees_all: true,
            connections: (5, 100),
            size_bytes: 1 << 30,
            checkpoints: Some((100, 2)),
            no_statements: None,
            today: date(2026, 11, 25),
        }
    }

    fn told(f: &Facts<'_>) -> String {
        let lines: Vec<String> =
            advice(f).iter().map(|a| format!("{} {} -> {}", a.serious, a.found, a.right)).collect();
        lines.join("\n")
    }

    #[test]
    fn a_server_in_order_needs_none() {
        let good = ["fsync on", "autovacuum on", "track_counts on", "shared_buffers 16384", "synchronous_commit on"];
        let settings = good.iter().filter_map(|l| l.split_once(' ')).map(|(k, v)| (k.into(), v.into())).collect();
        assert_eq!(told(&facts(&settings)), "");
    }

    #[test]
    fn each_rule_says_what_was_found_and_what_would_be_right() {
        let bad = [
            "fsync off",
            "full_page_writes off",
            "autovacuum off",
            "track_counts off",
            "shared_buffers 2048",
            "synchronous_commit off",
            "password_encryption md5",
            "log_min_duration_statement -1",
            "max_wal_size 1024",
        ];
        let settings = bad.iter().filter_map(|l| l.split_once(' ')).map(|(k, v)| (k.into(), v.into())).collect();
        let f = Facts {
            version_num: 140_020,
            role: "postgres",
            standby: true,
            sees_all: false,
            connections: (95, 100),
            checkpoints: Some((10, 30)),
            no_statements: Some("preload it"),
            ..facts(&settings)
        };
        let text = told(&f);
        assert_eq!(text.lines().count(), RULES.len(), "{text}");
        for part in [
            "true PostgreSQL 14 gets no corrections since 2026-11-12",
            "true fsync = off",
            "true 95 of 100 connections",
            "false shared_buffers is 16.0 MiB",
            "false 30 of 40 checkpoints",
            "GRANT pg_monitor TO postgres",
            "-> preload it",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let old = Facts { version_num: 90_600, ..facts(&settings) };
        assert!(told(&old).contains("PostgreSQL 9 gets no corrections any more"));
    }
}
