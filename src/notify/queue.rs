//! Letters that wait for the server: bounded, kept on disk over a restart, given up only when refused for good or too old.

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::draft::Draft;
use crate::model::mail::Mail;

/// Its file in the data directory.
pub const FILE_NAME: &str = "mail-queue.json";
/// Letters that may wait.
pub const MAX_WAITING: usize = 200;
/// A letter is given up after so long: three days.
const TOO_OLD_S: i64 = 3 * 86_400;
/// A letter that the server refuses for good is tried so often.
const MAX_REFUSED: u32 = 3;

/// A letter that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The letter.
    pub mail: Mail,
    /// Its number; part of its message id, so that one sent twice is known as one.
    pub number: u64,
    /// When it was written.
    pub at: Timestamp,
    /// How often the server refused it for good.
    pub refused: u32,
}

/// The letters.
#[derive(Debug)]
pub struct Queue {
    letters: VecDeque<Waiting>,
    file: Option<PathBuf>,
    next: u64,
    /// Given up since the start.
    pub dropped: u64,
    /// Why the file cannot be written.
    pub fault: Option<Arc<str>>,
}

impl Queue {
    /// The letters of this file (none: they are only held while the program runs). What cannot be read is put aside.
    #[must_use]
    pub fn open(file: Option<PathBuf>, now: Timestamp) -> Self {
        let mut letters = VecDeque::new();
        if let Some(path) = &file
            && let Ok(bytes) = fs::read(path)
        {
            match serde_json::from_slice::<VecDeque<Waiting>>(&bytes) {
                Ok(kept) => letters = kept,
                Err(e) => {
                    let aside = path.with_extension("json.bad");
                    let _ = fs::rename(path, &aside);
                    tracing::warn!(
                        "letters that waited cannot be read ({e}); their file lies at {} now",
                        aside.display()
                    );
                }
            }
        }
        letters.truncate(MAX_WAITING);
        // Numbers go on over restarts without being kept: no letter is written in the same millisecond twice.
        let next = u64::try_from(now.as_millisecond()).unwrap_or_default();
        Self { letters, file, next, dropped: 0, fault: None }
    }

    /// Puts a letter in line. Where there is no room the oldest goes: the newest tells what is true now.
    pub fn push(&mut self, mail: Mail, now: Timestamp) {
        if self.letters.len() >= MAX_WAITING {
            self.letters.pop_front();
            self.dropped += 1;
        }
        self.letters.push_back(Waiting { mail, number: self.next, at: now, refused: 0 });
        self.next += 1;
        self.save();
    }

    /// The letter whose turn it is.
    #[must_use]
    pub fn first(&self) -> Option<&Waiting> {
        self.letters.front()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.letters.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// How long the oldest has waited, in minutes.
    #[must_use]
    pub fn oldest_min(&self, now: Timestamp) -> f64 {
        let oldest = self.letters.iter().map(|l| l.at).min();
        oldest.map_or(0.0, |t| (now.as_second() - t.as_second()).max(0) as f64 / 60.0)
    }

    /// The first was taken by the server.
    pub fn sent(&mut self) {
        self.letters.pop_front();
        self.save();
    }

    /// The server refused the first for good: the others go before it, and after some tries it is given up. True where it was.
    pub fn refused(&mut self) -> bool {
        let Some(mut letter) = self.letters.pop_front() else { return false };
        letter.refused += 1;
        let given_up = letter.refused >= MAX_REFUSED;
        if given_up {
            self.dropped += 1;
        } else {
            self.letters.push_back(letter);
        }
        self.save();
        given_up
    }

    /// Gives up what is too old; how many.
    pub fn forget_old(&mut self, now: Timestamp) -> usize {
        let before = self.letters.len();
        self.letters.retain(|l| now.as_second() - l.at.as_second() < TOO_OLD_S);
        let gone = before - self.letters.len();
        if gone > 0 {
            self.dropped += gone as u64;
            self.save();
        }
        gone
    }

    fn save(&mut self) {
        let Some(path) = &self.file else { return };
        let kept = serde_json::to_vec(&self.letters)
            .map_err(|e| e.to_string())
            .and_then(|bytes| Draft::beside(path).and_then(|d| d.keep(&bytes)).map_err(|e| e.to_string()));
        self.fault = kept.err().map(|why| format!("letters are not kept over a restart: {why}").into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(n: usize) -> Mail {
        Mail { to: Vec::new(), subject: format!("s{n}").into(), body: "b".into() }
    }

    fn at(s: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + s).unwrap()
    }

    #[test]
    fn letters_wait_over_a_restart_in_order_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let mut q = Queue::open(Some(path.clone()), at(0));
        for i in 0..MAX_WAITING + 3 {
            q.push(mail(i), at(i as i64));
        }
        assert_eq!((q.len(), q.dropped), (MAX_WAITING, 3));
        let mut back = Queue::open(Some(path.clone()), at(600));
        assert_eq!(back.letters, q.letters);
        assert_eq!(&*back.first().unwrap().mail.subject, "s3", "the oldest had to go");
        assert!(back.oldest_min(at(603)) >= 10.0);
        back.sent();
        assert_eq!(&*Queue::open(Some(path.clone()), at(600)).first().unwrap().mail.subject, "s4");
        std::fs::write(&path, "nonsense").unwrap();
        assert!(Queue::open(Some(path), at(0)).is_empty());
        assert!(dir.path().join("mail-queue.json.bad").exists(), "nothing is thrown away");
    }

    #[test]
    fn what_is_refused_for_good_does_not_hold_up_the_rest() {
        let mut q = Queue::open(None, at(0));
        q.push(mail(1), at(0));
        q.push(mail(2), at(0));
        assert!(!q.refused());
        assert_eq!(&*q.first().unwrap().mail.subject, "s2");
        q.sent();
        assert!(!q.refused() && q.refused());
        assert_eq!((q.len(), q.dropped), (0, 1));
        q.push(mail(3), at(0));
        assert_eq!((q.forget_old(at(86_400)), q.forget_old(at(4 * 86_400)), q.dropped), (0, 1, 2));
    }
}
