//! Rows of the server's own views as values of the report.

use std::sync::Arc;

use jiff::Timestamp;
use tokio_postgres::{Error, Row};

use crate::model::database::{Replica, Session, TableReport};

/// Longest query text that is kept, characters.
const LONGEST: usize = 400;

fn count(r: &Row, i: usize) -> Result<u64, Error> {
    Ok(r.try_get::<_, Option<i64>>(i)?.unwrap_or(0).max(0) as u64)
}

/// A row of [`super::sql::TABLES`].
pub(super) fn table(r: &Row) -> Result<TableReport, Error> {
    Ok(TableReport {
        name: r.try_get::<_, String>(0)?.into(),
        parts: count(r, 1)? as u32,
        size_bytes: count(r, 2)?,
        index_bytes: count(r, 3)?,
        rows: count(r, 4)?,
        dead_rows: count(r, 5)?,
        growth_bytes_per_day: None,
        bloat_bytes: r.try_get::<_, Option<i64>>(8)?.map(|b| b.max(0) as u64),
        last_vacuum: r.try_get::<_, Option<Timestamp>>(6)?,
        last_analyze: r.try_get::<_, Option<Timestamp>>(7)?,
    })
}

/// A row of [`super::sql::SESSIONS`].
pub(super) fn session(r: &Row) -> Result<Session, Error> {
    let text = |i| r.try_get::<_, Option<String>>(i).map(|t| Arc::<str>::from(t.unwrap_or_default()));
    let application = text(3)?;
    Ok(Session {
        pid: r.try_get(0)?,
        began: r.try_get(1)?,
        role: text(2)?,
        ours: &*application == "vms" || application.starts_with("vms "),
        application,
        client: text(4)?,
        state: text(5)?,
        waits_for: r.try_get::<_, Option<String>>(6)?.filter(|w| !w.starts_with("Client")).map(Into::into),
        running_s: r.try_get::<_, Option<f64>>(7)?.map(|s| s.max(0.0)),
        query: shown(&text(8)?),
        blocked_by: r.try_get(9)?,
    })
}

/// A row of [`super::sql::REPLICAS`].
pub(super) fn replica(r: &Row) -> Result<Replica, Error> {
    Ok(Replica {
        name: r.try_get::<_, String>(0)?.into(),
        state: r.try_get::<_, String>(1)?.into(),
        lag_s: r.try_get(2)?,
        lag_bytes: r.try_get::<_, Option<i64>>(3)?.map(|b| b.max(0) as u64),
    })
}

/// A query on one line, shortened; where it sets a password its texts are hidden.
pub(super) fn shown(query: &str) -> Arc<str> {
    let mut line = String::new();
    for word in query.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.to_lowercase().contains("password") {
        line = hidden(&line);
    }
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST).chain(['…']).collect();
    }
    line.into()
}

/// Everything between quotes is blanked out.
fn hidden(line: &str) -> String {
    let mut out = String::new();
    for (i, part) in line.split('\'').enumerate() {
        if i > 0 {
            out.push('\'');
        }
        out.push_str(if i % 2 == 1 { "•••" } else { part });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_one_short_line_without_secrets() {
        assert_eq!(&*shown("select *\n\t from  x\n"), "select * from x");
        assert_eq!(
            &*shown("ALTER ROLE a PASSWORD 's3cret' VALID UNTIL 'x'"),
            "ALTER ROLE a PASSWORD '•••' VALID UNTIL '•••'"
        );
        assert_eq!(&*shown("alter role a password 's3cret"), "alter role a password '•••", "cut off in the middle");
        assert_eq!(shown(&"x".repeat(5000)).chars().count(), LONGEST + 1);
    }
}
