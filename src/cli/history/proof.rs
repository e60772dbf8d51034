//! `vms history verify`: the proof of the journal's chain of hashes.

use std::fmt::Write as _;

use serde_json::json;

use crate::base::error::{Exit, Outcome};
use crate::boot::{Records, unreadable};
use crate::cli::out;

/// Proves the chain; exit 1 with the first place where it does not hold.
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
        out::line(&text)?;
    }
    Ok(if v.broken.is_some() { Exit::NotFine } else { Exit::Fine })
}
