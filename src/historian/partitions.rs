//! Partitions by time (UTC): made when the first row for them comes, dropped when every node has let them go.

use std::collections::HashSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};
use tokio_postgres::Client;

use super::schema::SCHEMA;
use super::target::causes;

/// How a table is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// A day a partition.
    Day,
    /// A month a partition.
    Month,
}

/// A partitioned table: its name, its cut, and the column of `node` that says how long a node keeps it.
pub const TABLES: [(&str, Cut, &str); 4] = [
    ("reading", Cut::Day, "keep_seconds_s"),
    ("minute", Cut::Month, "keep_minutes_s"),
    ("waveform", Cut::Month, "keep_waveforms_s"),
    ("event", Cut::Month, "keep_events_s"),
];

/// The days (UTC) that have a partition of readings, ascending: on other days there is none, of any node.
pub(super) async fn reading_days(client: &Client) -> Result<Vec<Date>, tokio_postgres::Error> {
    let sql = format!(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = '{SCHEMA}.reading'::regclass"
    );
    let rows = client.query(&sql, &[]).await?;
    let mut days: Vec<Date> = rows.iter().filter_map(|r| Cut::Day.start_of("reading", r.get(0))).collect();
    days.sort_unstable();
    Ok(days)
}

impl Cut {
    /// The first day of the partition in which a moment lies.
    #[must_use]
    pub fn start(self, at: Timestamp) -> Date {
        let day = TimeZone::UTC.to_datetime(at).date();
        match self {
            Self::Day => day,
            Self::Month => day.first_of_month(),
        }
    }

    fn span(self) -> Span {
        match self {
            Self::Day => 1.day(),
            Self::Month => 1.month(),
        }
    }

    fn name(self, table: &str, start: Date) -> String {
        match self {
            Self::Day => format!("{table}_{}", start.strftime("%Y%m%d")),
            Self::Month => format!("{table}_{}", start.strftime("%Y%m")),
        }
    }

    /// The first day of a partition by its name.
    fn start_of(self, table: &str, name: &str) -> Option<Date> {
        let digits = name.strip_prefix(table)?.strip_prefix('_')?;
        match self {
            Self::Day => Date::strptime("%Y%m%d", digits).ok(),
            Self::Month => Date::strptime("%Y%m%d", format!("{digits}01")).ok(),
        }
    }
}

/// The partitions that are known to be there.
#[derive(Debug, Default)]
pub struct Partitions {
    there: HashSet<(&'static str, Date)>,
}

impl Partitions {
    /// Sees to it that there is a partition for each of these moments.
    ///
    /// # Errors
    /// What the server said.
    pub async fn ensure(
        &mut self,
        client: &mut Client,
        table: &'static str,
        times: impl IntoIterator<Item = Timestamp>,
    ) -> Result<(), tokio_postgres::Error> {
        let Some((_, cut, _)) = TABLES.iter().find(|(t, ..)| *t == table) else { return Ok(()) };
        let starts: HashSet<Date> = times.into_iter().map(|t| cut.start(t)).collect();
        for start in starts {
            if !self.there.contains(&(table, start)) {
                make(client, table, *cut, start).await?;
                self.there.insert((table, start));
            }
        }
        Ok(())
    }
}

/// Makes the table on its own and attaches it then: that locks out neither readers nor the writers of other partitions.
async fn make(client: &mut Client, table: &str, cut: Cut, start: Date) -> Result<(), tokio_postgres::Error> {
    let name = cut.name(table, start);
    let end = start.checked_add(cut.span()).unwrap_or(Date::MAX);
    let tx = client.transaction().await?;
    // Two nodes that need it at the same time: the second one finds it made.
    tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", &[&format!("vms partition {name}")]).await?;
    let there = tx.query_one("select to_regclass($1) is not null", &[&format!("{SCHEMA}.{name}")]).await?;
    if !there.get::<_, bool>(0) {
        // An admin may have given the table a disk of its own; `like` does not pass that on.
        let sql = "select quote_ident(t.spcname) from pg_class c join pg_tablespace t on t.oid = c.reltablespace \
                   where c.oid = to_regclass($1)";
        let space = tx.query_opt(sql, &[&format!("{SCHEMA}.{table}")]).await?;
        let space = space.map(|r| format!(" tablespace {}", r.get::<_, &str>(0))).unwrap_or_default();
        tx.batch_execute(&format!(
            "create table {SCHEMA}.{name} (like {SCHEMA}.{table} including all){space}; \
             alter table {SCHEMA}.{table} attach partition {SCHEMA}.{name} \
             for values from ('{start} 00:00:00+00') to ('{end} 00:00:00+00')"
        ))
        .await?;
    }
    tx.commit().await
}

/// Drops the partitions that are older than every node wants to keep them; their names.
///
/// # Errors
/// In words.
pub async fn drop_old(client: &Client, now: Timestamp) -> Result<Vec<String>, String> {
    let mut gone = Vec::new();
    for (table, cut, column) in TABLES {
        let sql = format!("select max({column}) from {SCHEMA}.node having count(*) = count({column})");
        let row = client.query_opt(&sql, &[]).await.map_err(|e| causes(&e))?;
        // A node that has not said how long it keeps keeps everything.
        let Some(keep_s) = row.and_then(|r| r.get::<_, Option<i64>>(0)) else { continue };
        for name in children(client, table).await? {
            let Some(start) = cut.start_of(table, &name) else { continue };
            let Ok(end) = start.checked_add(cut.span()).and_then(|d| d.to_zoned(TimeZone::UTC)) else { continue };
            if now.as_second().saturating_sub(end.timestamp().as_second()) <= keep_s {
                continue;
            }
            // Neither waits behind a long query nor lets writers wait behind itself.
            let detach = format!("alter table {SCHEMA}.{table} detach partition {SCHEMA}.{name} concurrently");
            let finish = format!("alter table {SCHEMA}.{table} detach partition {SCHEMA}.{name} finalize");
            if let Err(e) = client.batch_execute(&detach).await {
                // One that was interrupted half-way is finished.
                client.batch_execute(&finish).await.map_err(|_| causes(&e))?;
            }
            client.batch_execute(&format!("drop table {SCHEMA}.{name}")).await.map_err(|e| causes(&e))?;
            gone.push(name);
        }
    }
    Ok(gone)
}

async fn children(client: &Client, table: &str) -> Result<Vec<String>, String> {
    let sql = "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid \
               where i.inhparent = to_regclass($1) order by 1";
    let rows = client.query(sql, &[&format!("{SCHEMA}.{table}")]).await.map_err(|e| causes(&e))?;
    Ok(rows.iter().map(|r| r.get(0)).collect())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn partitions_have_names_that_tell_their_time() {
        let at: Timestamp = "2026-11-30T23:59:59Z".parse().expect("a time");
        assert_eq!(Cut::Day.start(at), date(2026, 11, 30));
        assert_eq!(Cut::Month.start(at), date(2026, 11, 1));
        for (cut, want) in [(Cut::Day, "reading_20261130"), (Cut::Month, "reading_202611")] {
            let name = cut.name("reading", cut.start(at));
            assert_eq!(name, want);
            assert_eq!(cut.start_of("reading", &name), Some(cut.start(at)));
        }
        assert_eq!(Cut::Day.start_of("reading", "reading_old"), None, "what others made is left alone");
        assert_eq!(Cut::Month.start_of("event", "reading_202611"), None);
    }
}
