//! The errands that measure whether a camera still measures as well as when its reference was taken, and that take a new one.

use std::sync::Arc;
use std::time::Duration;

use super::camera::each;
use super::finding::Found;
use super::{Means, Within};
use crate::base::text::sig3;
use crate::boot::calibrating::at_rest;
use crate::config::sections::Camera;
use crate::model::calibration::{Compared, Item, Reference, Rest};
use crate::model::upkeep::Answer;
use crate::upkeep::errand::Ask;
use crate::upkeep::reference::{self, ReferenceError};
use crate::vibration::calibration::compare::compare;

/// How long a camera is measured: as long as the reference is by default.
const LENGTH: Duration = Duration::from_secs(20);
/// What a camera that does not answer may need beyond that.
const SLACK: Duration = Duration::from_secs(20);

/// Measures each camera that is meant, and holds it against its reference.
pub(super) fn accuracy(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    each(means, ask, |c| {
        let mut f = Found::default();
        match reference::load(&means.data, &c.id) {
            Ok(then) => {
                if let Some(now) = measure(&mut f, means, c, w) {
                    judge(&mut f, &then, &compare(&then, &now), &means.config.site.time_zone);
                }
            }
            Err(e @ ReferenceError::Absent { .. }) => f.unknown(format!("{e}, while the machine stands")),
            Err(e) => f.unknown(e.to_string()),
        }
        f
    })
}

/// Measures each camera that is meant, and keeps that as its reference.
pub(super) fn take_reference(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    each(means, ask, |c| {
        let mut f = Found::default();
        let path = reference::path(&means.data, &c.id);
        if ask.preview {
            f.good(format!("measures {} for {} s while the machine stands, and keeps that in", c.id, LENGTH.as_secs()));
            f.line(path.display().to_string());
            match reference::load(&means.data, &c.id) {
                Ok(old) => f.line(format!("in place of the reference of {}", day(&old, &means.config.site.time_zone))),
                Err(ReferenceError::Absent { .. }) => f.line("there is no reference yet"),
                Err(e) => f.line(format!("in place of what cannot be read: {e}")),
            }
            return f;
        }
        let Some(rest) = measure(&mut f, means, c, w) else { return f };
        let Some(new) = Reference::of(&rest, env!("CARGO_PKG_VERSION")) else {
            faults(&mut f, &rest);
            f.bad("this is no noise floor, so nothing was kept: stop the machine, and see that every region can be measured");
            return f;
        };
        match reference::store(&means.data, &new) {
            Ok(path) => {
                noise_lines(&mut f, &rest);
                f.good(format!("kept as the reference in {}", path.display()));
            }
            Err(e) => f.bad(e.to_string()),
        }
        f
    })
}

fn day(r: &Reference, zone: &jiff::tz::TimeZone) -> String {
    r.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A camera's noise floor now; what stands in the way is told.
fn measure(f: &mut Found, means: &Means, c: &Camera, w: &Within<'_>) -> Option<Rest> {
    if w.left() < LENGTH + SLACK {
        f.unknown(format!("not measured: {}", w.why()));
        return None;
    }
    match at_rest(&means.config, c, LENGTH, &Arc::clone(&means.clock)) {
        Ok(rest) => Some(rest),
        Err(e) => {
            f.unknown(e.to_string());
            None
        }
    }
}

fn judge(f: &mut Found, then: &Reference, items: &[Item], zone: &jiff::tz::TimeZone) {
    let of = |v: Compared| items.iter().filter(move |i| i.verdict == v);
    f.line(format!("against the reference of {}", day(then, zone)));
    of(Compared::Worse).for_each(|i| f.bad(in_words(i)));
    of(Compared::Unknown).for_each(|i| f.unknown(in_words(i)));
    let fine = of(Compared::Fine).count();
    if fine == items.len() {
        f.good(format!("accuracy has not decreased: all {fine} figures are within their limits"));
    } else if fine > 0 {
        f.line(format!("{fine} of {} figures are within their limits", items.len()));
    }
}

/// `deck-plate noise_px: 0.012 then, 0.031 now, limit 0.018; clean the lens`.
fn in_words(i: &Item) -> String {
    let about = i.region.as_ref().map_or_else(|| "camera".to_owned(), ToString::to_string);
    let figures = match (i.then, i.now) {
        (None, None) => String::new(),
        (then, now) => format!(": {} then, {} now, limit {}", sig3(then), sig3(now), sig3(i.limit)),
    };
    let todo = if i.text.is_empty() { String::new() } else { format!("; {}", i.text) };
    format!("{about} {}{figures}{todo}", i.what)
}

fn noise_lines(f: &mut Found, rest: &Rest) {
    for r in &rest.regions {
        if let Some(noise) = r.noise {
            let (known, all) = r.frames;
            f.line(format!("{}: noise {} px RMS over {known} of {all} frames", r.id, sig3(Some(noise.noise_px))));
        }
    }
}

fn faults(f: &mut Found, rest: &Rest) {
    for r in &rest.regions {
        r.faults.iter().for_each(|fault| f.line(format!("{}: {fault}", r.id)));
    }
}
