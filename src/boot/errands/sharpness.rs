//! The errand that measures the sharpness of a picture and holds it against the last time: before and after a lens is cleaned.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::camera::{each, live};
use super::finding::Found;
use super::{Means, Within};
use crate::base::draft::Draft;
use crate::base::text::sig3;
use crate::model::upkeep::Answer;
use crate::upkeep::errand::Ask;

/// The directory in the data directory: one file for each camera, for several may be looked at at the same time.
const DIRECTORY: &str = "sharpness";
/// Readings that are taken; the middle one counts.
const READINGS: usize = 7;
/// How long they may take.
const LOOK: Duration = Duration::from_secs(12);
/// Below this share of the last time the picture has become duller.
const DULLER: f64 = 0.8;
/// Looks that are closer together are one: a step is looked at again while the person reads.
const SAME_LOOK: SignedDuration = SignedDuration::from_mins(1);
/// Looks that are kept of each camera.
const KEPT: usize = 50;

/// One look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Look {
    at: Timestamp,
    sharpness: f64,
}

/// Looks at one camera, oldest first.
type Kept = Vec<Look>;

/// What was kept; a file that cannot be read is told and begun anew.
fn read(path: &Path) -> (Kept, Option<String>) {
    match std::fs::read(path) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(kept) => (kept, None),
            Err(e) => (Kept::new(), Some(format!("{} is damaged ({e}); the comparison begins anew", path.display()))),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => (Kept::new(), None),
        Err(e) => (Kept::new(), Some(format!("{} cannot be read: {e}", path.display()))),
    }
}

/// Keeps a look; the one that it is to be held against.
fn keep(looks: &mut Vec<Look>, new: Look) -> Option<Look> {
    looks.retain(|l| l.at <= new.at);
    if looks.last().is_some_and(|l| new.at.duration_since(l.at) < SAME_LOOK) {
        looks.pop();
    }
    let last = looks.last().copied();
    looks.push(new);
    let over = looks.len().saturating_sub(KEPT);
    looks.drain(..over);
    last
}

fn middle(mut v: Vec<f64>) -> Option<f64> {
    v.sort_by(f64::total_cmp);
    v.get(v.len() / 2).copied()
}

/// Measures each camera that is meant, compares, and keeps.
pub(super) fn sharpness(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    each(means, ask, |c| {
        let mut f = Found::default();
        let id = c.id.as_str();
        let (got, picture) = readings(means, ask, w, id);
        let count = got.len();
        let Some(now) = middle(got).filter(|v| v.is_finite()) else {
            f.unknown("no sharpness can be measured: no picture comes just now");
            return f;
        };
        f.line(format!("sharpness {} (middle of {count} readings), picture {picture}", sig3(Some(now))));
        let path = means.data.join(DIRECTORY).join(format!("{id}.json"));
        let (mut kept, complaint) = read(&path);
        let before = keep(&mut kept, Look { at: w.now().wall, sharpness: now });
        compare(&mut f, now, before, &means.config.site.time_zone);
        if let Some(e) = complaint.or_else(|| write(&path, &kept).err()) {
            f.line(e);
        }
        f
    })
}

/// Sharpness of the newest pictures, and what they look like.
fn readings(means: &Means, ask: &Ask<'_>, w: &Within<'_>, id: &str) -> (Vec<f64>, &'static str) {
    let (mut got, mut last, mut picture) = (Vec::new(), None, "unknown");
    w.wait(LOOK, || {
        let r = live(means, ask.board, id)?.report.clone()?;
        if r.state.has_frames()
            && let (Some(v), Some(at)) = (r.sharpness, r.last_frame)
            && last.replace(at.mono) != Some(at.mono)
        {
            got.push(v);
            picture = r.picture.word();
        }
        // Without an engine the board does not change: one reading must do.
        (got.len() >= READINGS || (means.live.is_none() && !got.is_empty())).then_some(())
    });
    (got, picture)
}

fn write(path: &Path, kept: &Kept) -> Result<(), String> {
    let put = || -> Result<(), String> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|e| e.to_string())?;
        }
        let bytes = serde_json::to_vec(kept).map_err(|e| e.to_string())?;
        Draft::beside(path).and_then(|d| d.keep(&bytes)).map_err(|e| e.to_string())
    };
    put().map_err(|e| format!("this look is not kept for the next comparison: {e}"))
}

fn compare(f: &mut Found, now: f64, before: Option<Look>, zone: &jiff::tz::TimeZone) {
    let Some(before) = before.filter(|b| b.sharpness > 0.0) else {
        f.good("there is no earlier look to compare with; this one is kept for the next time");
        return;
    };
    let change = 100.0 * (now / before.sharpness - 1.0);
    let at = before.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let limit = 100.0 * (DULLER - 1.0);
    let text = format!("{change:+.0} % against {} of {at} (limit {limit:.0} %)", sig3(Some(before.sharpness)));
    if now < before.sharpness * DULLER {
        f.bad(format!("{text}: duller; clean the lens, check the focus and what stands before it"));
    } else {
        f.good(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::upkeep::Outcome;

    fn look(minute: i64, sharpness: f64) -> Look {
        Look { at: Timestamp::from_second(minute * 60).unwrap(), sharpness }
    }

    #[test]
    fn a_look_is_held_against_the_one_before_and_not_against_itself() {
        let mut looks = Vec::new();
        assert_eq!(keep(&mut looks, look(0, 1.0)), None);
        assert_eq!(keep(&mut looks, look(10, 0.5)), Some(look(0, 1.0)));
        let again = Look { at: Timestamp::from_second(630).unwrap(), sharpness: 0.6 };
        assert_eq!(keep(&mut looks, again), Some(look(0, 1.0)), "half a minute later it is the same look");
        assert_eq!(looks.len(), 2);
        for m in 20..200 {
            keep(&mut looks, look(m, 1.0));
        }
        assert_eq!(looks.len(), KEPT);
        assert_eq!(keep(&mut looks, look(5, 1.0)), None, "a clock that was put back begins anew");
    }

    #[test]
    fn duller_fails_and_sharper_passes() {
        let verdict = |now, before| {
            let mut f = Found::default();
            compare(&mut f, now, before, &jiff::tz::TimeZone::UTC);
            f.answer()
        };
        assert_eq!(verdict(0.79, Some(look(0, 1.0))).outcome, Outcome::Failed);
        assert_eq!(verdict(0.81, Some(look(0, 1.0))).outcome, Outcome::Passed);
        assert!(verdict(1.35, Some(look(0, 1.0))).evidence[0].contains("+35 %"));
        assert_eq!(verdict(1.0, None).outcome, Outcome::Passed);
        assert_eq!(middle(vec![3.0, 1.0, 2.0]), Some(2.0));
    }

    #[test]
    fn a_damaged_file_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sharpness/deck.json");
        assert_eq!(read(&path), (Kept::new(), None));
        write(&path, &vec![look(0, 1.0)]).unwrap();
        assert_eq!(read(&path), (vec![look(0, 1.0)], None));
        std::fs::write(&path, "{").unwrap();
        assert!(read(&path).1.unwrap().contains("damaged"));
    }
}
