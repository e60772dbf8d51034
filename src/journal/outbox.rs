//! The journal as the historian reads it: portions of each stream after a position, beside the writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;

use super::history::{self, History};
use super::{chain, packed, rows};
use crate::model::outbox::{Outbox, Portion, Rows, Seconds, StoredEvent};
use crate::model::record::{EventWaveform, Rolled, Stream};

/// Reads the journal at a path, and opens it anew when another file lies there.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    open: Option<(History, Option<(u64, u64)>)>,
}

impl Reader {
    /// A reader of the journal file `path`; it is opened when it is first needed.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf(), open: None }
    }

    fn read<T>(&mut self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, String> {
        let now = super::store::identity(&self.path);
        if self.open.as_ref().is_none_or(|(_, then)| *then != now) {
            let history = History::open(&self.path).map_err(|e| e.to_string())?;
            self.open = Some((history, now));
        }
        let Some((history, _)) = &self.open else { return Err("the journal is not open".into()) };
        let answer = history.read("reading for the database", read);
        if answer.is_err() {
            self.open = None;
        }
        answer.map_err(|e| e.to_string())
    }
}

impl Outbox for Reader {
    fn journal(&mut self) -> Result<Arc<str>, String> {
        self.read(|c| c.query_row("select journal from chain", [], |r| r.get::<_, String>(0))).map(Into::into)
    }

    fn after(&mut self, stream: Stream, position: u64, most: usize) -> Result<Option<Portion>, String> {
        let position = position as i64;
        self.read(|c| match stream {
            Stream::Event => events(c, position, most),
            Stream::Minute => minutes(c, position, most),
            Stream::Waveform => waveforms(c, position, most.min(100)),
            Stream::Second => seconds(c, position, most),
        })
    }

    fn waiting(&mut self, stream: Stream, position: u64) -> Result<u64, String> {
        let (table, id) = match stream {
            Stream::Event => ("event", "seq"),
            Stream::Minute => ("minute", "id"),
            Stream::Waveform => ("waveform", "id"),
            Stream::Second => ("second", "id"),
        };
        self.read(|c| {
            let newest: i64 = c
                .prepare_cached(&format!("select coalesce(max({id}), 0) from {table}"))?
                .query_row([], |r| r.get(0))?;
            let rows = newest.saturating_sub(position as i64).max(0).unsigned_abs();
            if stream != Stream::Second || rows == 0 {
                return Ok(rows);
            }
            // A second has a row for every region.
            let bytes: i64 = c
                .prepare_cached("select length(regions) from second order by id desc limit 1")?
                .query_row([], |r| r.get(0))?;
            Ok(rows * packed::regions_in(bytes.unsigned_abs() as usize) as u64)
        })
    }

    fn newest(&mut self, stream: Stream) -> Result<u64, String> {
        let sql = match stream {
            Stream::Event => {
                "select max((select coalesce(max(seq), 0) from event), (select removed_seq from chain))".to_owned()
            }
            // SQLite's own memory of the numbers that it gave.
            other => format!("select coalesce(max(seq), 0) from sqlite_sequence where name = '{}'", other.word()),
        };
        self.read(|c| c.query_row(&sql, [], |r| r.get::<_, i64>(0)).map(i64::unsigned_abs))
    }

    fn position_at(&mut self, stream: Stream, at: Timestamp) -> Result<u64, String> {
        let (table, id, column, value) = match stream {
            Stream::Event => ("event", "seq", "at_ns", rows::to_ns(at)),
            Stream::Minute => ("minute", "id", "at", at.as_second()),
            Stream::Waveform => ("waveform", "id", "at_ns", rows::to_ns(at)),
            Stream::Second => ("second", "id", "at", at.as_second()),
        };
        self.read(|c| {
            let sql = format!("select coalesce(max({id}), 0) from {table} where {column} <= ?1");
            c.query_row(&sql, [value], |r| r.get::<_, i64>(0)).map(i64::unsigned_abs)
        })
    }

    fn hash_of(&mut self, seq: u64) -> Result<Option<[u8; 32]>, String> {
        self.read(|c| history::hash_of(c, seq))
    }
}

fn events(c: &Connection, after: i64, most: usize) -> rusqlite::Result<Option<Portion>> {
    let mut read = c.prepare_cached(
        "select seq, at_ns, kind, subject, body, hash from event where seq > ?1 order by seq limit ?2",
    )?;
    let row = |r: &rusqlite::Row<'_>| {
        Ok(StoredEvent {
            seq: r.get::<_, i64>(0)?.unsigned_abs(),
            at: rows::from_ns(r.get(1)?),
            kind: r.get(2)?,
            subject: r.get(3)?,
            body: r.get(4)?,
            hash: chain::as_hash(&r.get::<_, Vec<u8>>(5)?).unwrap_or_default(),
        })
    };
    let found = read.query_map((after, most as i64), row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found.last().map(|e| e.seq).map(|up_to| Portion { up_to, rows: Rows::Events(found) }))
}

fn minutes(c: &Connection, after: i64, most: usize) -> rusqlite::Result<Option<Portion>> {
    let mut read = c.prepare_cached(
        "select s.name, s.unit, m.at, m.known, m.mean, m.least, m.most, m.id from minute m join series s on s.id = m.series \
         where m.id > ?1 order by m.id limit ?2",
    )?;
    let found: Vec<(Rolled, i64)> = read
        .query_map((after, most as i64), |r| Ok((history::rolled(r)?, r.get(7)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found
        .last()
        .map(|m| m.1.unsigned_abs())
        .map(|up_to| Portion { up_to, rows: Rows::Minutes(found.into_iter().map(|m| m.0).collect()) }))
}

fn waveforms(c: &Connection, after: i64, most: usize) -> rusqlite::Result<Option<Portion>> {
    let mut read =
        c.prepare_cached("select event, at_ns, roi, data, id from waveform where id > ?1 order by id limit ?2")?;
    let found: Vec<(Option<EventWaveform>, i64)> = read
        .query_map((after, most as i64), |r| Ok((rows::waveform(r)?, r.get(4)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found
        .last()
        .map(|w| w.1.unsigned_abs())
        .map(|up_to| Portion { up_to, rows: Rows::Waveforms(found.into_iter().filter_map(|w| w.0).collect()) }))
}

fn seconds(c: &Connection, after: i64, most: usize) -> rusqlite::Result<Option<Portion>> {
    let names = history::regions(c)?;
    let mut read = c.prepare_cached("select id, at, regions from second where id > ?1 order by id")?;
    let mut rows = read.query([after])?;
    let (mut out, mut up_to) = (Vec::new(), None);
    while let Some(r) = rows.next()? {
        up_to = Some(r.get::<_, i64>(0)?.unsigned_abs());
        // Bytes of a form that is not known here were written by a newer program, which sends them.
        if let Some(second) = packed::regions(r.get(1)?, r.get_ref(2)?.as_blob()?) {
            out.extend(second.filter(|p| names.contains_key(&p.region)));
        }
        if out.len() >= most {
            break;
        }
    }
    Ok(up_to.map(|up_to| Portion { up_to, rows: Rows::Seconds(Seconds { names, rows: out }) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{batch, note, now, raised, second};
    use crate::journal::{Batch, Store};
    use crate::model::alarm::Priority;

    #[test]
    fn portions_follow_each_other_to_the_end() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal.db");
        let mut store = Store::open(&path, now()).expect("opens").store;
        let readings: Vec<_> = (0..10).flat_map(|s| [second("a", s), second("b", s)]).collect();
        let events = [raised(1, "a", Priority::High), note(2), note(5)];
        let minute = Rolled {
            series: "indicator.cpu".into(),
            unit: "%".into(),
            at: 60,
            known: 6,
            mean: 1.5,
            least: 1.0,
            most: 2.0,
        };
        let all = Batch { minutes: vec![minute.clone()], ..batch(&events, &readings) };
        store.append(&all).expect("written");
        let mut out = Reader::new(&path);
        assert_eq!(out.journal().expect("named").len(), 16);
        assert_eq!(out.waiting(Stream::Second, 0), Ok(20));
        assert_eq!([Stream::Event, Stream::Second, Stream::Waveform].map(|s| out.newest(s)), [Ok(5), Ok(10), Ok(0)]);
        let (mut at, mut got) = (0, Vec::new());
        while let Some(p) = out.after(Stream::Second, at, 5).expect("reads") {
            let Rows::Seconds(s) = p.rows else { panic!("seconds") };
            assert!(p.up_to > at && s.rows.len() <= 6, "whole seconds, about as many as asked for");
            at = p.up_to;
            got.extend(s.rows.iter().map(|r| (r.second, s.names[&r.region].clone(), f64::from(r.measures[0]))));
        }
        let want: Vec<_> = readings.iter().map(|r| (r.second, r.roi.clone(), r.displacement_pp_px)).collect();
        assert_eq!(got, want);
        let p = out.after(Stream::Event, 1, 10).expect("reads").expect("some");
        let Rows::Events(rows) = p.rows else { panic!("events") };
        assert_eq!((p.up_to, rows.len(), rows[0].kind.as_str()), (5, 2, "note"));
        assert_eq!(out.hash_of(5).expect("reads"), Some(rows[1].hash));
        assert_eq!(out.hash_of(4).expect("reads"), None);
        let p = out.after(Stream::Minute, 0, 10).expect("reads").expect("some");
        assert_eq!(p.rows, Rows::Minutes(vec![minute]));
        assert_eq!(out.after(Stream::Waveform, 0, 10), Ok(None));
    }

    #[test]
    fn another_file_at_the_same_place_is_another_journal() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal.db");
        let mut out = Reader::new(&path);
        assert!(out.journal().expect_err("not there").contains("journal.db"));
        drop(Store::open(&path, now()).expect("opens"));
        let first = out.journal().expect("named");
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(dir.path().join(format!("journal.db{suffix}")));
        }
        drop(Store::open(&path, now()).expect("opens"));
        assert_ne!(out.journal().expect("named"), first);
    }
}
