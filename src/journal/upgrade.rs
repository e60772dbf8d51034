//! What SQL alone cannot do when an older file is opened: hashes for its events, its seconds packed. Each step a
//! transaction, so that it goes on where it was interrupted.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::append::id_of;
use super::{chain, packed, rows};
use crate::model::event::SecondReading;

/// Seconds packed in one transaction.
const SECONDS: i64 = 5000;

/// Does what is left to do; nothing on a file of this schema.
pub(super) fn finish(conn: &mut Connection) -> rusqlite::Result<()> {
    while chain::fill(conn)? {}
    let old = "select count(*) from sqlite_schema where name = 'reading_1'";
    if conn.query_row(old, [], |r| r.get::<_, i64>(0))? == 0 {
        return Ok(());
    }
    while pack(conn)? {}
    conn.execute_batch("drop table reading_1")
}

/// Packs the oldest seconds; false when there are none.
fn pack(conn: &mut Connection) -> rusqlite::Result<bool> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let first: Option<i64> = tx.query_row("select min(second) from reading_1", [], |r| r.get(0)).optional()?.flatten();
    let Some(first) = first else { return Ok(false) };
    let mut regions = HashMap::new();
    {
        let sql =
            format!("select {} from reading_1 where second >= ?1 and second < ?2 order by second, id", rows::READING);
        let mut old = tx.prepare(&sql)?;
        let found = old.query_map([first, first + SECONDS], rows::reading)?.collect::<rusqlite::Result<Vec<_>>>()?;
        for same in found.chunk_by(|a, b| a.second == b.second) {
            let mut numbered: Vec<(u16, &SecondReading)> = Vec::with_capacity(same.len());
            for r in same {
                let id = id_of(&tx, &mut regions, "region", &r.roi.0, None)?;
                numbered.extend(u16::try_from(id).ok().map(|n| (n, r)));
            }
            let mut put = tx.prepare_cached("insert into second (at, regions) values (?1, ?2)")?;
            put.execute((same[0].second, packed::second(&numbered)))?;
        }
        tx.execute("delete from reading_1 where second >= ?1 and second < ?2", [first, first + SECONDS])?;
    }
    tx.commit()?;
    Ok(true)
}
