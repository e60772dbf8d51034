//! Wrong PINs cost time: after the third in a row, a person's PIN is not looked at for a while, longer each time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::clock::Mono;

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

impl Throttle {
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
