//! Wrong PINs cost time: after the third in a row, a person's PIN is not looked at for a while, longer each time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::clock::{Mono, Now};
use crate::base::draft::Draft;

/// Name of the file in the data directory: a restart of the program must not shorten a wait.
const FILE_NAME: &str = "wrong-pins.json";

/// Wrong PINs that cost nothing: fingers slip.
const FREE: u32 = 3;
/// The first wait.
const FIRST: Duration = Duration::from_secs(30);
/// The longest.
const LONGEST: Duration = Duration::from_mins(15);
/// Most names remembered; more than that is an attack, and the oldest are forgotten.
const MAX_NAMES: usize = 1000;

/// Who has given wrong PINs, and until when they must wait.
#[derive(Debug, Default)]
pub struct Throttle {
    wrong: BTreeMap<String, (u32, Mono)>,
}

/// Wrong PINs of a person, as kept in the file.
#[derive(Deserialize, Serialize)]
struct Kept {
    id: String,
    times: u32,
    last: Timestamp,
}

impl Throttle {
    /// What was kept in this directory before a restart. A file that is absent or damaged is as if nobody had been wrong.
    #[must_use]
    pub fn load(dir: &Path, now: Now) -> Self {
        let kept: Vec<Kept> =
            std::fs::read(dir.join(FILE_NAME)).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default();
        let wrong = kept.into_iter().take(MAX_NAMES).map(|k| {
            // A clock that was set back makes the wait longer, never shorter.
            let ago = Duration::try_from(now.wall.duration_since(k.last)).unwrap_or_default();
            let ago = u64::try_from(ago.as_nanos()).unwrap_or(u64::MAX);
            (k.id, (k.times, Mono(now.mono.0.saturating_sub(ago))))
        });
        Self { wrong: wrong.collect() }
    }

    /// Keeps it in this directory.
    ///
    /// # Errors
    /// In words, when the file cannot be written.
    pub fn store(&self, dir: &Path, now: Now) -> Result<(), String> {
        let last = |at: Mono| {
            let ago = jiff::SignedDuration::try_from(now.mono.since(at)).unwrap_or_default();
            now.wall.checked_sub(ago).unwrap_or(now.wall)
        };
        let kept: Vec<Kept> = self
            .wrong
            .iter()
            .map(|(id, (times, at))| Kept { id: id.clone(), times: *times, last: last(*at) })
            .collect();
        let bytes = serde_json::to_vec(&kept).map_err(|e| e.to_string())?;
        Draft::beside(&dir.join(FILE_NAME)).and_then(|d| d.keep(&bytes)).map_err(|e| e.to_string())
    }

    /// Whether anything is remembered of this person.
    #[must_use]
    pub fn remembers(&self, id: &str) -> bool {
        self.wrong.contains_key(id)
    }

    /// How long this person must wait before a PIN is looked at again; none: now.
    #[must_use]
    pub fn wait(&self, id: &str, now: Mono) -> Option<Duration> {
        let (times, last) = self.wrong.get(id)?;
        let doubled = times.checked_sub(FREE)?.min(10);
        let wait = (FIRST * 2_u32.pow(doubled)).min(LONGEST);
        let passed = now.since(*last);
        wait.checked_sub(passed).filter(|left| !left.is_zero())
    }

    /// A wrong PIN.
    pub fn wrong(&mut self, id: &str, now: Mono) {
        if self.wrong.len() >= MAX_NAMES && !self.wrong.contains_key(id) {
            let oldest = self.wrong.iter().min_by_key(|(_, (_, at))| *at).map(|(name, _)| name.clone());
            if let Some(name) = oldest {
                self.wrong.remove(&name);
            }
        }
        let entry = self.wrong.entry(id.to_owned()).or_insert((0, now));
        *entry = (entry.0.saturating_add(1), now);
    }

    /// The right one: all is forgotten.
    pub fn right(&mut self, id: &str) {
        self.wrong.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_does_not_shorten_a_wait() {
        let dir = tempfile::tempdir().unwrap();
        let wall = |s: i64| Timestamp::from_second(1_795_453_867 + s).unwrap();
        // The monotonic clock of a new process begins anew.
        let before = |s: i64| Now { wall: wall(s), mono: Mono(0).after(Duration::from_secs(1000 + s.unsigned_abs())) };
        let after = |s: i64| Now { wall: wall(s), mono: Mono(0).after(Duration::from_secs(60 + s.unsigned_abs())) };
        let mut t = Throttle::default();
        (0..3).for_each(|_| t.wrong("kumar", before(0).mono));
        t.store(dir.path(), before(0)).unwrap();
        let t = Throttle::load(dir.path(), after(10));
        assert_eq!(t.wait("kumar", after(10).mono), Some(Duration::from_secs(20)));
        assert_eq!(t.wait("kumar", after(30).mono), None);
        let back = Throttle::load(dir.path(), after(-500));
        assert_eq!(back.wait("kumar", after(-500).mono), Some(FIRST), "a clock that was set back");
        std::fs::write(dir.path().join(FILE_NAME), "{").unwrap();
        assert_eq!(Throttle::load(dir.path(), after(0)).wait("kumar", after(0).mono), None);
        assert_eq!(Throttle::load(&dir.path().join("none"), after(0)).wait("kumar", after(0).mono), None);
    }

    #[test]
    fn the_third_wrong_pin_costs_time_and_each_more() {
        let at = |s| Mono(0).after(Duration::from_secs(s));
        let mut t = Throttle::default();
        for s in 0..2 {
            t.wrong("kumar", at(s));
            assert_eq!(t.wait("kumar", at(s)), None);
        }
        t.wrong("kumar", at(2));
        assert_eq!(t.wait("kumar", at(2)), Some(Duration::from_secs(30)));
        assert_eq!(t.wait("kumar", at(32)), None);
        assert_eq!(t.wait("singh", at(2)), None);
        t.wrong("kumar", at(32));
        assert_eq!(t.wait("kumar", at(32)), Some(Duration::from_mins(1)));
        for _ in 0..40 {
            t.wrong("kumar", at(100));
        }
        assert_eq!(t.wait("kumar", at(100)), Some(LONGEST));
        t.right("kumar");
        assert_eq!(t.wait("kumar", at(100)), None);
    }
}
