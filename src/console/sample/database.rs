//! Sample looks at the database: in order, and in trouble.

use std::sync::Arc;

use super::{ago, now};
use crate::model::database::{
    Advice, CareFigures, CareJob, CareRecord, DatabaseBoard, DatabaseReport, IndexFault, IndexReport, JobBoard,
    Session, Statement, Statements, TableReport,
};

const HOUR: u64 = 3_600_000;
const MIB: u64 = 1 << 20;

pub(super) fn live() -> DatabaseBoard {
    DatabaseBoard {
        report: Some(Arc::new(report())),
        text: None,
        job: None,
        last: Some(Arc::new(CareRecord {
            job: CareJob::Vacuum,
            table: None,
            who: "vms".into(),
            passed: true,
            text: "VACUUM ANALYZE of all tables in 41 s; dead rows 118220 -> 0, size 3.2 GiB -> 3.2 GiB".into(),
            seconds: 41.3,
            before: Some(CareFigures { size_bytes: 3240 * MIB, index_bytes: 900 * MIB, dead_rows: 118_220 }),
            after: Some(CareFigures { size_bytes: 3240 * MIB, index_bytes: 900 * MIB, dead_rows: 0 }),
        })),
        planned: vec![(CareJob::Vacuum, Some(now().wall)), (CareJob::Reindex, None)],
    }
}

fn report() -> DatabaseReport {
    DatabaseReport {
        at: ago(4000),
        server: "PostgreSQL 15.18".into(),
        database: "deevia_vms".into(),
        role: "vms".into(),
        running_since: Some(ago(40 * 24 * HOUR).wall),
        response_ms: Some(4.2),
        sees_others: true,
        size_bytes: Some(3_400_000_000),
        growth_bytes_per_day: Some(1.26e7),
        connections_used: Some(14),
        connections_max: Some(100),
        cache_hit_percent: Some(99.4),
        checkpoints: Some((3120, 14)),
        wraparound_percent: Some(2.1),
        tables: Arc::new([
            table("vms.reading", 14, (2600, 700), (31_200_000, 14_000), Some(1.18e7), 12),
            table("vms.event", 14, (540, 190), (184_000, 5900), Some(8.1e5), 12),
            table("vms.size_history", 1, (11, 4), (8200, 0), Some(2.1e4), 150),
        ]),
        indexes: Arc::new([index("vms.event_old_idx", "vms.event", 12, IndexFault::Unused)]),
        statements: Statements::Known(
            vec![
                query(
                    11,
                    84.2,
                    210,
                    "select roi, date_trunc($1, at), max(velocity) from vms.reading where at > $2 group by $3",
                ),
                query(
                    12,
                    3.1,
                    88_212,
                    "insert into vms.reading (station, seq, at, body) select * from unnest($1, $2, $3, $4)",
                ),
                query(13, 0.4, 1_204_551, "select count(*) from vms.event where at > $1"),
            ]
            .into(),
        ),
        slowest_recent_ms: Some(84.2),
        sessions: Arc::new([session(
            2201,
            "grafana",
            "active",
            0.4,
            "select roi, max(velocity) from vms.reading",
            &[],
        )]),
        replicas: Arc::new([]),
        advice: Arc::new([Advice {
            serious: false,
            found: "slow queries are not written to the server's log".into(),
            right: "log_min_duration_statement = '1s' in postgresql.conf, then: SELECT pg_reload_conf()".into(),
        }]),
        unknown: Arc::new([]),
    }
}

fn table(name: &str, parts: u32, mib: (u64, u64), rows: (u64, u64), growth: Option<f64>, vacuum_h: u64) -> TableReport {
    TableReport {
        name: name.into(),
        parts,
        size_bytes: mib.0 * MIB,
        index_bytes: mib.1 * MIB,
        rows: rows.0,
        dead_rows: rows.1,
        growth_bytes_per_day: growth,
        bloat_bytes: Some(mib.0 * MIB / 20),
        last_vacuum: Some(ago(vacuum_h * HOUR).wall),
        last_analyze: Some(ago(vacuum_h * HOUR).wall),
    }
}

fn index(name: &str, table: &str, mib: u64, fault: IndexFault) -> IndexReport {
    IndexReport { name: name.into(), table: table.into(), size_bytes: mib * MIB, fault }
}

fn query(id: i64, mean_ms: f64, calls: u64, query: &str) -> Statement {
    Statement { id, query: query.into(), calls, total_ms: mean_ms * calls as f64, mean_ms, max_ms: mean_ms * 9.0 }
}

fn session(pid: i32, application: &str, state: &str, running_s: f64, query: &str, blocked_by: &[i32]) -> Session {
    Session {
        pid,
        began: Some(ago(2 * HOUR).wall),
        role: "report".into(),
        application: application.into(),
        client: "10.20.0.44".into(),
        state: state.into(),
        waits_for: (!blocked_by.is_empty()).then(|| "Lock: transactionid".into()),
        running_s: Some(running_s),
        query: query.into(),
        blocked_by: blocked_by.to_vec(),
        ours: application.starts_with("vms"),
    }
}

/// Somebody holds others up, an index is broken, queries are not counted, and a job is running.
pub(super) fn trouble(d: &mut DatabaseBoard) {
    let mut r = report();
    r.statements = Statements::Missing(
        "in postgresql.conf: shared_preload_libraries = 'pg_stat_statements'; restart the server; in this database, as a \
         superuser: CREATE EXTENSION pg_stat_statements"
            .into(),
    );
    r.growth_bytes_per_day = None;
    r.sessions = Arc::new([
        session(2201, "psql", "idle in transaction", 1834.0, "update vms.event set body = $1", &[]),
        session(2217, "grafana", "active", 412.0, "update vms.event set seen = true", &[2201]),
        session(1180, "vms historian", "active", 0.1, "copy vms.reading from stdin", &[]),
    ]);
    r.indexes = Arc::new([
        index("vms.reading_at_idx_ccnew", "vms.reading", 210, IndexFault::Leftover),
        index("vms.event_at_idx", "vms.event", 44, IndexFault::Invalid),
    ]);
    let danger = Advice {
        serious: true,
        found: "autovacuum = off: dead rows pile up until the server stops taking writes".into(),
        right: "autovacuum = on in postgresql.conf, then: SELECT pg_reload_conf()".into(),
    };
    r.advice = std::iter::once(danger).chain(r.advice.iter().cloned()).collect();
    r.unknown = Arc::new(["replicas: not allowed".into()]);
    d.report = Some(Arc::new(r));
    d.job = Some(Arc::new(JobBoard {
        job: CareJob::Reindex,
        table: None,
        who: "r.kumar".into(),
        since: ago(72_000),
        at: "vms.reading_pkey".into(),
        phase: "building index: scanning table".into(),
        percent: Some(45.0),
        step: (3, 8),
    }));
}

/// The same look, `ms` older.
pub(super) fn shift(d: &mut DatabaseBoard, ms: u64) {
    d.text = Some("no answer in 8 s; see whether the server hangs or its disk is full".into());
    d.report = d.report.take().map(|r| Arc::new(DatabaseReport { at: ago(ms), ..(*r).clone() }));
}
