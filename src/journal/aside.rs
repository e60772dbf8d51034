//! A damaged journal that was set aside: what of it had not reached PostgreSQL, as far as it can still be read.
//!
//! Nothing of it is sent: a page of noise may look like measurements, and nobody could tell them apart afterwards. The file
//! stays as it is, and people are told exactly what only it holds.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use crate::model::record::Stream;

/// What people are told about the damaged journal at `path`; `sends`: its rows were to go to PostgreSQL.
pub(super) fn advice(path: &Path, sends: bool) -> String {
    let only_here = if sends { format!(" {}.", only_here(path)) } else { String::new() };
    format!(
        "the journal was damaged and lies at {}; a new one was begun.{only_here} Check the disk (smartctl, the kernel's log), \
         then move that file away",
        path.display()
    )
}

fn only_here(path: &Path) -> String {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(conn) = Connection::open_with_flags(path, flags) else { return unknown("") };
    let mut parts = Vec::new();
    let mut unread = Vec::new();
    for stream in Stream::ALL {
        match unsent(&conn, stream) {
            Ok(None) => {}
            Ok(Some((first, last))) => parts.push(format!("{}s {first} to {last}", stream.word())),
            Err(_) => unread.push(format!("{}s", stream.word())),
        }
    }
    if unread.len() == Stream::ALL.len() {
        return unknown("");
    }
    let mut text = if parts.is_empty() {
        "What can be read of it had all reached PostgreSQL".to_owned()
    } else {
        format!(
            "These rows of it had not reached PostgreSQL as far as was heard, and are not sent: {}",
            parts.join(", ")
        )
    };
    if !unread.is_empty() {
        text.push_str(&unknown(&format!(" of its {}", unread.join(", "))).replacen("What", "; what", 1));
    }
    text
}

fn unknown(which: &str) -> String {
    format!("What{which} had not reached PostgreSQL cannot be told any more")
}

/// The first and last position of a stream that had not been sent.
fn unsent(conn: &Connection, stream: Stream) -> rusqlite::Result<Option<(i64, i64)>> {
    let sql = "select position from sent where stream = ?1";
    let sent: i64 = conn.query_row(sql, [stream.word()], |r| r.get(0)).optional()?.unwrap_or(0);
    let (table, id) = match stream {
        Stream::Event => ("event", "seq"),
        other => (other.word(), "id"),
    };
    let sql = format!("select min({id}), max({id}) from {table} where {id} > ?1");
    conn.query_row(&sql, [sent], |r| Ok(r.get::<_, Option<i64>>(0)?.zip(r.get(1)?)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::journal::testing::{batch, note, now, second};
    use crate::journal::{FILE_NAME, Store};

    #[test]
    fn it_says_what_only_the_damaged_file_holds() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(FILE_NAME);
        let mut store = Store::open(&path, now()).expect("opens").store;
        let events: Vec<_> = (1..=20).map(note).collect();
        let readings: Vec<_> = (0..5).map(|s| second("a", s)).collect();
        store.append(&batch(&events, &readings)).expect("written");
        store.conn().expect("open").execute("insert or replace into sent values ('event', 12)", []).expect("written");
        drop(store);
        let text = advice(&path, true);
        assert!(text.contains("not sent: events 13 to 20, seconds 1 to 5."), "{text}");
        assert!(!advice(&path, false).contains("PostgreSQL"), "nothing was to be sent");
        // Noise where nothing can be read any more.
        fs::write(&path, vec![0xA5; 8192]).expect("written");
        let text = advice(&path, true);
        assert!(text.contains("What had not reached PostgreSQL cannot be told any more"), "{text}");
    }
}
