//! The chain of hashes through the events, and the proof that it is unbroken.
//!
//! The hash of an event is SHA-256 (FIPS 180-4) over: the hash of the event before (32 bytes; zeros before the first),
//! number and time in nanoseconds (8 bytes each, big-endian), then kind, subject and body, each with its length in front
//! (8 bytes, big-endian; a subject that is not there has the length 2^64 - 1).

use rusqlite::{Connection, OptionalExtension as _};
use sha2::{Digest as _, Sha256};

/// A hash of the chain.
pub type Hash = [u8; 32];

/// An event as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Its number.
    pub seq: i64,
    /// Its time, ns since 1970.
    pub at_ns: i64,
    /// Its kind.
    pub kind: &'a str,
    /// What it is about.
    pub subject: Option<&'a str>,
    /// Everything else, as JSON.
    pub body: &'a str,
}

/// The hash of an event after the one whose hash is `before`.
#[must_use]
pub fn link(before: &Hash, e: &Written<'_>) -> Hash {
    let mut h = Sha256::new();
    h.update(before);
    h.update(e.seq.to_be_bytes());
    h.update(e.at_ns.to_be_bytes());
    for part in [Some(e.kind), e.subject, Some(e.body)] {
        h.update(part.map_or(u64::MAX, |p| p.len() as u64).to_be_bytes());
        h.update(part.unwrap_or_default());
    }
    h.finalize().into()
}

/// A hash as people see it.
#[must_use]
pub fn hex(hash: &[u8]) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(String::with_capacity(hash.len() * 2), |mut text, b| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{b:02x}");
        text
    })
}

/// What the check of a journal found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Name of the journal.
    pub journal: String,
    /// Events that were looked at.
    pub events: u64,
    /// Number of the first of them.
    pub first: Option<u64>,
    /// Number of the last of them.
    pub last: Option<u64>,
    /// Events that were removed from the beginning because they were old enough.
    pub removed_up_to: u64,
    /// Numbers that no event has: given, and lost before they could be written.
    pub gaps: u64,
    /// The hash of the last event: whoever writes it down can prove later that nothing before it was changed.
    pub head: String,
    /// The first place where the chain does not hold.
    pub broken: Option<Broken>,
}

/// The first place where a chain does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// Number of the event.
    pub seq: u64,
    /// What is wrong.
    pub why: String,
}

/// Goes through every event and proves the chain.
pub(super) fn verify(conn: &Connection) -> rusqlite::Result<Verdict> {
    let tx = conn.unchecked_transaction()?;
    let (journal, removed_seq, removed): (String, i64, Vec<u8>) =
        tx.query_row("select journal, removed_seq, removed_hash from chain", [], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?))
        })?;
    let (written, removed_events): (i64, i64) =
        tx.query_row("select events, removed from tally", [], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let mut verdict = Verdict { journal, removed_up_to: removed_seq.unsigned_abs(), ..Verdict::default() };
    let mut before = as_hash(&removed).unwrap_or_default();
    let mut newest = removed_seq;
    let mut all = tx.prepare("select seq, at_ns, kind, subject, body, hash from event order by seq")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let text = |i: usize| row.get_ref(i).and_then(|v| Ok(v.as_str_or_null()?));
        let (Some(kind), subject, Some(body)) = (text(2)?, text(3)?, text(4)?) else { continue };
        let want = link(&before, &Written { seq, at_ns: row.get(1)?, kind, subject, body });
        let found = row.get_ref(5)?.as_blob_or_null()?;
        if found != Some(want.as_slice()) {
            let why = match found {
                None => "it carries no hash".to_owned(),
                Some(_) if verdict.events == 0 && removed_seq == 0 => "it, or what stood before it, was changed".into(),
                Some(_) => format!("it was changed, or an event between {newest} and it was removed, added or changed"),
            };
            verdict.broken = Some(Broken { seq: seq.unsigned_abs(), why });
            return Ok(verdict);
        }
        verdict.first = verdict.first.or(Some(seq.unsigned_abs()));
        if verdict.events > 0 {
            verdict.gaps += (seq - newest - 1).unsigned_abs();
        }
        verdict.last = Some(seq.unsigned_abs());
        verdict.events += 1;
        (before, newest) = (want, seq);
    }
    verdict.head = hex(&before);
    let missing = written - removed_events - verdict.events as i64;
    if missing != 0 {
        let why = if missing > 0 {
            format!("{missing} events that were written after it are missing")
        } else {
            format!("there are {} events more than were written", -missing)
        };
        verdict.broken = Some(Broken { seq: newest.unsigned_abs(), why });
    }
    Ok(verdict)
}

/// The number and the hash with which the chain goes on.
pub(super) fn head(conn: &Connection) -> rusqlite::Result<(i64, Hash)> {
    let newest = conn
        .query_row("select seq, hash from event order by seq desc limit 1", [], |r| {
            Ok((r.get::<_, i64>(0)?, r.get::<_, Option<Vec<u8>>>(1)?))
        })
        .optional()?;
    let (seq, hash) = match newest {
        Some((seq, hash)) => (seq, hash.unwrap_or_default()),
        None => conn.query_row("select removed_seq, removed_hash from chain", [], |r| Ok((r.get(0)?, r.get(1)?)))?,
    };
    Ok((seq, as_hash(&hash).unwrap_or_default()))
}

/// The newest event, and what is wrong with it: whether it is what its hash says. For a file that is opened again after
/// a failure.
pub(super) fn newest_link(conn: &Connection) -> rusqlite::Result<(u64, Option<String>)> {
    let mut newest =
        conn.prepare("select seq, at_ns, kind, subject, body, hash from event order by seq desc limit 2")?;
    let rows = newest
        .query_map([], |r| {
            let text = |i: usize| r.get::<_, Option<String>>(i);
            Ok((
                r.get::<_, i64>(0)?,
                r.get::<_, i64>(1)?,
                text(2)?,
                text(3)?,
                text(4)?,
                r.get::<_, Option<Vec<u8>>>(5)?,
            ))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let Some((seq, at_ns, kind, subject, body, hash)) = rows.first().cloned() else { return Ok((0, None)) };
    let before = match rows.get(1) {
        Some(row) => row.5.clone(),
        None => conn.query_row("select removed_hash from chain", [], |r| r.get(0))?,
    };
    let before = before.and_then(|h| as_hash(&h)).unwrap_or_default();
    let (kind, body) = (kind.unwrap_or_default(), body.unwrap_or_default());
    let want = link(&before, &Written { seq, at_ns, kind: &kind, subject: subject.as_deref(), body: &body });
    let fine = hash.as_deref() == Some(want.as_slice());
    Ok((seq.unsigned_abs(), (!fine).then(|| "it is not what its hash says".to_owned())))
}

/// Gives a hash to the events of a file that had none, some thousand at a time; false when there is nothing left to do.
pub(super) fn fill(conn: &mut Connection) -> rusqlite::Result<bool> {
    const AT_ONCE: usize = 5000;
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let first: Option<i64> = tx.query_row("select min(seq) from event where hash is null", [], |r| r.get(0))?;
    let Some(first) = first else { return Ok(false) };
    let mut before = tx
        .query_row("select hash from event where seq < ?1 order by seq desc limit 1", [first], |r| {
            r.get::<_, Vec<u8>>(0)
        })
        .optional()?
        .and_then(|h| as_hash(&h))
        .unwrap_or_default();
    let mut done = 0;
    {
        let mut next =
            tx.prepare("select seq, at_ns, kind, subject, body from event where seq >= ?1 order by seq limit ?2")?;
        let mut put = tx.prepare("update event set hash = ?2 where seq = ?1")?;
        let mut rows = next.query((first, AT_ONCE as i64))?;
        while let Some(r) = rows.next()? {
            let seq: i64 = r.get(0)?;
            let (kind, subject, body): (String, Option<String>, String) = (r.get(2)?, r.get(3)?, r.get(4)?);
            let e = Written { seq, at_ns: r.get(1)?, kind: &kind, subject: subject.as_deref(), body: &body };
            before = link(&before, &e);
            put.execute((seq, before.as_slice()))?;
            done += 1;
        }
    }
    tx.commit()?;
    Ok(done == AT_ONCE)
}

/// Thirty-two bytes, or none.
pub(super) fn as_hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts() {
        let e = Written { seq: 1, at_ns: 2, kind: "note", subject: None, body: "{}" };
        let h = link(&[0; 32], &e);
        let other = [
            link(&[1; 32], &e),
            link(&[0; 32], &Written { seq: 2, ..e }),
            link(&[0; 32], &Written { at_ns: 3, ..e }),
            link(&[0; 32], &Written { kind: "not", ..e }),
            link(&[0; 32], &Written { subject: Some(""), ..e }),
            link(&[0; 32], &Written { body: "{ }", ..e }),
            // The border between two parts cannot be moved.
            link(&[0; 32], &Written { kind: "note{", body: "}", ..e }),
        ];
        assert!(other.iter().all(|o| *o != h));
        assert_eq!(hex(&h).len(), 64);
    }

    #[test]
    fn the_hash_is_the_one_written_down() {
        // Computed with Python's hashlib from the rule at the top of this file.
        let e =
            Written { seq: 7, at_ns: 1_700_000_000_000_000_000, kind: "note", subject: Some("é"), body: "{\"a\":1}" };
        assert_eq!(hex(&link(&[0; 32], &e)), "d58eab612587e2eb6a6b9747c04bfe9f1c018d6d9a84957ee6f9ac4350833113");
    }
}
