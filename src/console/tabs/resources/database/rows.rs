//! The rows of each section of the database page.

use std::time::Duration;

use jiff::Timestamp;

use crate::base::text::{age, bytes};
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::{Cell, Column, Row};
use crate::model::database::{DatabaseReport, IndexFault, Session, Statements, TableReport};

use super::{ALL, Section};

const TABLES: [Column; 8] = [
    Column::text("table", 16).growing(),
    Column::number("size", 9),
    Column::number("indexes", 9).rank(4),
    Column::number("rows", 11).rank(2),
    Column::number("dead %", 6),
    Column::number("growth/day", 10).rank(1),
    Column::number("bloat est.", 10).rank(5),
    Column::number("vacuum", 10),
];

const QUERIES: [Column; 5] = [
    Column::number("mean ms", 8),
    Column::number("calls", 8),
    Column::number("total s", 8).rank(1),
    Column::number("max ms", 8).rank(2),
    Column::text("query", 20).growing(),
];

const ACTIVITY: [Column; 6] = [
    Column::number("process", 7),
    Column::text("who", 16).rank(1),
    Column::text("state", 12),
    Column::number("for", 8),
    Column::text("waits for", 14),
    Column::text("query", 16).growing(),
];

const INDEXES: [Column; 4] = [
    Column::text("is", 8),
    Column::text("index", 20).growing(),
    Column::text("table", 18).growing().rank(1),
    Column::number("size", 9),
];

const ADVICE: [Column; 2] = [Column::text("weight", 7), Column::text("found", 30).growing()];

/// A query or transaction that runs longer than this stands out, s.
const LONG_S: f64 = 60.0;

pub(super) fn columns(section: Section) -> &'static [Column] {
    match section {
        Section::Tables => &TABLES,
        Section::Queries => &QUERIES,
        Section::Activity => &ACTIVITY,
        Section::Indexes => &INDEXES,
        Section::Advice => &ADVICE,
    }
}

/// How many rows a section has; for queries that are not counted, nothing.
pub(super) fn count(section: Section, r: &DatabaseReport) -> String {
    let n = match section {
        Section::Tables => r.tables.len(),
        Section::Queries if matches!(r.statements, Statements::Missing(_)) => return "-".into(),
        Section::Queries => r.statements.list().len(),
        Section::Activity => r.sessions.len(),
        Section::Indexes => r.indexes.len(),
        Section::Advice => r.advice.len() + r.unknown.len(),
    };
    n.to_string()
}

/// Whether a section holds something that is not well.
pub(super) fn bad(section: Section, r: &DatabaseReport) -> bool {
    match section {
        Section::Activity => r.blocked().next().is_some(),
        Section::Indexes => r.invalid().next().is_some(),
        Section::Advice => r.advice.iter().any(|a| a.serious) || !r.unknown.is_empty(),
        Section::Tables | Section::Queries => false,
    }
}

/// What is said where a section has no rows.
pub(super) fn empty(section: Section, r: &DatabaseReport) -> String {
    match (section, &r.statements) {
        (Section::Tables, _) => "There is no table yet.".into(),
        (Section::Queries, Statements::Missing(how)) => format!("Slow queries are not counted. To count them, {how}."),
        (Section::Queries, Statements::Known(_)) => "No query has been counted yet.".into(),
        (Section::Activity, _) => "Nothing is running in the database at this moment.".into(),
        (Section::Indexes, _) => "No index is invalid, and none of the large ones is unused.".into(),
        (Section::Advice, _) => "Version and settings are in order.".into(),
    }
}

pub(super) fn of(section: Section, r: &DatabaseReport, ctx: &Ctx<'_>) -> Vec<Row> {
    match section {
        Section::Tables => tables(r, ctx),
        Section::Queries => queries(r),
        Section::Activity => r.sessions.iter().map(|s| session(s, ctx)).collect(),
        Section::Indexes => indexes(r, ctx),
        Section::Advice => advice(r, ctx),
    }
}

/// Bytes a day with their sign.
pub(super) fn growth(bytes_per_day: Option<f64>, unknown: &str) -> String {
    let sign = |b: f64| if b < 0.0 { "-" } else { "+" };
    bytes_per_day.map_or_else(|| unknown.to_owned(), |b| format!("{}{}", sign(b), bytes(b.abs() as u64)))
}

fn sized(n: u64) -> Cell {
    Cell::text(bytes(n)).ordered(n as f64)
}

/// How long ago, short; unknown for never.
pub(super) fn ago(at: Option<Timestamp>, ctx: &Ctx<'_>) -> Cell {
    let Some(at) = at else { return Cell::text(ctx.theme.glyphs().unknown).ordered(f64::INFINITY) };
    let s = ctx.now.wall.duration_since(at).as_secs_f64().max(0.0);
    Cell::text(age(Duration::from_secs_f64(s))).ordered(s)
}

fn tables(r: &DatabaseReport, ctx: &Ctx<'_>) -> Vec<Row> {
    if r.tables.is_empty() {
        return Vec::new();
    }
    let sum = |f: fn(&TableReport) -> u64| r.tables.iter().map(f).sum::<u64>();
    let all = TableReport {
        name: format!("all {} tables", r.tables.len()).into(),
        size_bytes: sum(|t| t.size_bytes),
        index_bytes: sum(|t| t.index_bytes),
        rows: sum(|t| t.rows),
        dead_rows: sum(|t| t.dead_rows),
        growth_bytes_per_day: r.growth_bytes_per_day,
        bloat_bytes: r.tables.iter().map(|t| t.bloat_bytes).sum(),
        last_vacuum: r.tables.iter().map(|t| t.last_vacuum).min().flatten(),
        ..TableReport::default()
    };
    let one = |key: &str, t: &TableReport| {
        let dead = t.dead_percent();
        let role = if dead.is_some_and(|d| d >= 30.0) { Role::Warning } else { Role::Text };
        let unknown = ctx.theme.glyphs().unknown;
        Row::new(
            key,
            vec![
                Cell::text(t.name.as_ref()),
                sized(t.size_bytes),
                sized(t.index_bytes),
                Cell::count(t.rows),
                Cell::fixed(dead, 1).with(ctx.theme.style(role)),
                Cell::text(growth(t.growth_bytes_per_day, unknown)).ordered(t.growth_bytes_per_day.unwrap_or(f64::MIN)),
                t.bloat_bytes.map_or_else(|| Cell::text(unknown), sized),
                ago(t.last_vacuum, ctx),
            ],
        )
    };
    std::iter::once(one(ALL, &all)).chain(r.tables.iter().map(|t| one(&t.name, t))).collect()
}

fn queries(r: &DatabaseReport) -> Vec<Row> {
    let one = |s: &crate::model::database::Statement| {
        Row::new(
            s.id.to_string(),
            vec![
                Cell::number(Some(s.mean_ms)),
                Cell::count(s.calls),
                Cell::number(Some(s.total_ms / 1000.0)),
                Cell::number(Some(s.max_ms)),
                Cell::text(s.query.as_ref()),
            ],
        )
    };
    r.statements.list().iter().map(one).collect()
}

fn session(s: &Session, ctx: &Ctx<'_>) -> Row {
    let by: Vec<String> = s.blocked_by.iter().map(ToString::to_string).collect();
    let warn = ctx.theme.style(Role::Warning);
    let waits = if by.is_empty() {
        Cell::text(s.waits_for.as_deref().unwrap_or_default())
    } else {
        Cell::styled(format!("process {}", by.join(", ")), warn)
    };
    let running = s.running_s.map(|t| age(Duration::from_secs_f64(t.clamp(0.0, 1e9)))).unwrap_or_default();
    let long = s.running_s.is_some_and(|t| t > LONG_S) && !s.ours;
    let running = Cell::text(running).ordered(s.running_s.unwrap_or(0.0));
    Row::new(
        s.pid.to_string(),
        vec![
            Cell::count(s.pid.unsigned_abs().into()),
            Cell::text(format!("{} {}", s.role, s.application)),
            Cell::text(s.state.replace("idle in transaction", "idle in tx")),
            if long { running.with(warn) } else { running },
            waits,
            Cell::text(s.query.as_ref()),
        ],
    )
}

fn indexes(r: &DatabaseReport, ctx: &Ctx<'_>) -> Vec<Row> {
    let one = |i: &crate::model::database::IndexReport| {
        let role = if i.fault == IndexFault::Unused { Role::Text } else { Role::Warning };
        Row::new(
            i.name.as_ref(),
            vec![
                Cell::styled(i.fault.word(), ctx.theme.style(role)),
                Cell::text(i.name.as_ref()),
                Cell::text(i.table.as_ref()),
                sized(i.size_bytes),
            ],
        )
    };
    r.indexes.iter().map(one).collect()
}

fn advice(r: &DatabaseReport, ctx: &Ctx<'_>) -> Vec<Row> {
    let warn = ctx.theme.style(Role::Warning);
    let unknown = r.unknown.iter().enumerate().map(|(i, u)| {
        let word = Cell::styled("unread", ctx.theme.style(Role::Unknown));
        Row::new(format!("u{i}"), vec![word, Cell::text(format!("could not be read: {u}"))])
    });
    let told = r.advice.iter().enumerate().map(|(i, a)| {
        let word = if a.serious { Cell::styled("danger", warn) } else { Cell::text("advice") };
        Row::new(format!("a{i}"), vec![word, Cell::text(a.found.as_ref())])
    });
    unknown.chain(told).collect()
}
