//! The selected row of the database page in full, and what can be done about it.

use std::fmt::Write as _;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{ALL, Section, rows};
use crate::base::text::{age, bytes, sig3};
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::facts;
use crate::model::database::{DatabaseReport, IndexFault, IndexReport, Session, TableReport};

/// Draws it; nothing where nothing is selected.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    section: Section,
    key: Option<&str>,
    r: &DatabaseReport,
    ctx: &Ctx<'_>,
) {
    let Some(key) = key else { return };
    let words = match section {
        Section::Tables if key == ALL => whole(r),
        Section::Tables => r.tables.iter().find(|t| *t.name == *key).map(|t| table(t, ctx)).unwrap_or_default(),
        Section::Queries => {
            r.statements.list().iter().find(|s| s.id.to_string() == key).map_or_else(String::new, |s| {
                format!(
                    "{} calls of {} ms on the average, {} ms at most: {}",
                    s.calls,
                    sig3(Some(s.mean_ms)),
                    sig3(Some(s.max_ms)),
                    s.query
                )
            })
        }
        Section::Activity => {
            r.sessions.iter().find(|s| s.pid.to_string() == key).map(|s| session(s, r)).unwrap_or_default()
        }
        Section::Indexes => r.indexes.iter().find(|i| *i.name == *key).map(index).unwrap_or_default(),
        Section::Advice => {
            let at = |prefix| key.strip_prefix(prefix).and_then(|n: &str| n.parse::<usize>().ok());
            let told =
                at('a').and_then(|i| r.advice.get(i)).map(|a| format!("{}. What would be right: {}", a.found, a.right));
            told.or_else(|| at('u').and_then(|i| r.unknown.get(i)).map(ToString::to_string)).unwrap_or_default()
        }
    };
    facts::paragraph(buffer, area, &words, ctx.theme.style(Role::Text), ctx.theme);
}

fn whole(r: &DatabaseReport) -> String {
    let mut words = match (r.size_in_days(30.0), r.size_in_days(365.0)) {
        (Some(month), Some(year)) => format!(
            "At the present growth the database has {} in 30 days and {} in a year. ",
            bytes(month),
            bytes(year)
        ),
        _ => "The growth is not known yet: it needs an hour of sizes. ".into(),
    };
    if let Some(hit) = r.cache_hit_percent {
        let _ = write!(words, "{} % of its pages are found in memory. ", sig3(Some(hit)));
    }
    if let Some(used) = r.wraparound_percent {
        let _ = write!(words, "{} % of the transaction ids are used. ", sig3(Some(used)));
    }
    for p in r.replicas.iter() {
        let lag = p.lag_s.map_or_else(|| "unknown".into(), |s| age(Duration::from_secs_f64(s.clamp(0.0, 1e9))));
        let _ = write!(words, "Replica {}: {}, {lag} behind. ", p.name, p.state);
    }
    words
}

fn table(t: &TableReport, ctx: &Ctx<'_>) -> String {
    let parts = if t.parts > 1 { format!(", {} parts", t.parts) } else { String::new() };
    let bloat =
        t.bloat_bytes.map_or_else(String::new, |b| format!(" About {} of it are taken and not needed.", bytes(b)));
    format!(
        "{}{parts}: {} with {} of indexes; {} rows, {} dead.{bloat} Vacuumed {} ago, analysed {} ago.",
        t.name,
        bytes(t.size_bytes),
        bytes(t.index_bytes),
        t.rows,
        t.dead_rows,
        rows::ago(t.last_vacuum, ctx).text,
        rows::ago(t.last_analyze, ctx).text,
    )
}

fn session(s: &Session, r: &DatabaseReport) -> String {
    let blocks: Vec<String> =
        r.sessions.iter().filter(|o| o.blocked_by.contains(&s.pid)).map(|o| o.pid.to_string()).collect();
    let by: Vec<String> = s.blocked_by.iter().map(ToString::to_string).collect();
    let mut words = format!("Process {} of {} from {}, {}. ", s.pid, s.role, s.client, s.state);
    if !by.is_empty() {
        let _ = write!(words, "It waits for process {}. ", by.join(", "));
    }
    if !blocks.is_empty() {
        let _ = write!(words, "It holds up process {}. ", blocks.join(", "));
    }
    if !s.cancellable() {
        words.push_str("It is vms itself and is not cancelled. ");
    } else if s.idle_in_transaction() {
        words.push_str("It has no query to cancel; its connection can be ended. ");
    }
    words.push_str(&s.query);
    words
}

fn index(i: &IndexReport) -> String {
    match i.fault {
        IndexFault::Invalid => format!(
            "{} is not complete: no query uses it and every write pays for it. Building the indexes of {} anew mends it.",
            i.name, i.table
        ),
        IndexFault::Leftover => format!(
            "{} was left by an interrupted REINDEX and is of no use. Building the indexes of {} anew removes it.",
            i.name, i.table
        ),
        IndexFault::Unused => format!(
            "No query has used {} since the statistics began, and every write to {} pays for it. If nobody needs it: DROP INDEX \
             CONCURRENTLY {}",
            i.name, i.table, i.name
        ),
    }
}
