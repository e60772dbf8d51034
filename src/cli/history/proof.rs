//! `vms history verify`: the proof of the journal's chain of hashes, and whether the database has the same events.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::base::error::{Exit, Failure, Outcome};
use crate::boot::{Records, unreadable};
use crate::cli::out;
use crate::journal::Verdict;

/// Proves the chain, and holds the database's newest event of it against the journal's; exit 1 with the first place where
/// the chain does not hold, or where both differ. A database that cannot be asked is told, and no fault of the journal.
///
/// # Errors
/// A journal that cannot be read.
pub(super) fn verify(records: &Records, as_json: bool) -> Outcome {
    let v = records.history.verify().map_err(|e| unreadable(&e))?;
    let at = |seq: Option<u64>| {
        let page = records.history.events_after(seq?.checked_sub(1)?, 1).ok()?;
        page.items.into_iter().find(|e| Some(e.seq) == seq).map(|e| e.at)
    };
    let (first_at, last_at) = (at(v.first), at(v.last));
    let copy = copy(records, &v)?;
    if as_json {
        out::json(&json!({
            "journal": v.journal,
            "proven": v.broken.is_none(),
            "events": v.events,
            "first": v.first, "first_at": first_at,
            "last": v.last, "last_at": last_at,
            "removed_up_to": v.removed_up_to,
            "gaps": v.gaps,
            "head": v.head,
            "database": copy.json(),
            "broken": v.broken.as_ref().map(|b| json!({ "seq": b.seq, "why": b.why })),
        }))?;
    } else {
        let zoned = |t: Option<jiff::Timestamp>| {
            t.map_or_else(String::new, |t| format!(" ({})", t.to_zoned(records.zone.clone()).strftime("%F %T %Z")))
        };
        let range = match (v.first, v.last) {
            (Some(f), Some(l)) => format!("{f}{} to {l}{}", zoned(first_at), zoned(last_at)),
            _ => "none".into(),
        };
        let mut text = format!("journal  {}\nevents   {}\nrange    {range}\n", v.journal, v.events);
        // Writing to a string cannot fail.
        if v.removed_up_to > 0 {
            let _ = writeln!(text, "removed  up to {}, because they were old enough", v.removed_up_to);
        }
        if v.gaps > 0 {
            let _ = writeln!(text, "gaps     {} numbers were given and lost before they could be written", v.gaps);
        }
        let _ = match &v.broken {
            Some(b) => writeln!(
                text,
                "BROKEN   at event {}: {}\n         Keep this file as it is, and compare it with the newest backup.",
                b.seq, b.why
            ),
            None => writeln!(
                text,
                "head     {}\nproven: no event was changed, added or removed since it was written. Write the head down to \
                 prove it later.",
                v.head
            ),
        };
        let _ = writeln!(text, "\ndatabase {}", copy.words(&v));
        out::line(text.trim_end())?;
    }
    let fine = v.broken.is_none() && !matches!(copy, Copy::Differs(_));
    Ok(if fine { Exit::Fine } else { Exit::NotFine })
}

/// What the database has of this journal.
enum Copy {
    /// No database is configured.
    None,
    /// It could not be asked, because of this.
    Unknown(String),
    /// It has no event of it yet.
    Empty,
    /// It has the events up to this one, with the same hash: all before it are the same as well.
    Same(u64),
    /// It has the events up to this one, which the journal does not have any more.
    Older(u64),
    /// Its newest event of this journal, which is another one than the journal's or is not there.
    Differs(u64),
}

fn copy(records: &Records, v: &Verdict) -> Result<Copy, Failure> {
    let Some(archive) = &records.archive else { return Ok(Copy::None) };
    Ok(match archive.newest_event(&v.journal) {
        Err(why) => Copy::Unknown(why),
        Ok(None) => Copy::Empty,
        Ok(Some((seq, _))) if seq <= v.removed_up_to => Copy::Older(seq),
        Ok(Some((seq, there))) => {
            let here = records.history.hash_of(seq).map_err(|e| unreadable(&e))?;
            if here.is_some_and(|h| h.as_slice() == there) { Copy::Same(seq) } else { Copy::Differs(seq) }
        }
    })
}

impl Copy {
    fn words(&self, v: &Verdict) -> String {
        let behind = |seq: u64| match v.last.unwrap_or(0).saturating_sub(seq) {
            0 => "all of them".to_owned(),
            n => format!("{n} are not there yet"),
        };
        match self {
            Self::None => "none is configured; nothing to compare with".into(),
            Self::Unknown(why) => format!("not compared: {why}"),
            Self::Empty => "has no event of this journal yet; not compared".into(),
            Self::Same(seq) => format!("has the same events up to {seq}, by their hash; {}", behind(*seq)),
            Self::Older(seq) => {
                format!("has the events up to {seq}, which are not in the journal any more; not compared")
            }
            Self::Differs(seq) => format!(
                "DIFFERS: its event {seq} is not the one of this journal. One of the two was changed, or the journal is an \
                 older copy. Keep both as they are, and compare them with the newest backup."
            ),
        }
    }

    fn json(&self) -> Value {
        let of =
            |state: &str, up_to: Option<u64>, why: Option<&str>| json!({ "state": state, "up_to": up_to, "why": why });
        match self {
            Self::None => of("off", None, None),
            Self::Unknown(why) => of("unknown", None, Some(why)),
            Self::Empty => of("empty", None, None),
            Self::Same(seq) => of("same", Some(*seq), None),
            Self::Older(seq) => of("older", Some(*seq), None),
            Self::Differs(seq) => of("differs", Some(*seq), None),
        }
    }
}
