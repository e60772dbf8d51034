//! Reading ahead: while a portion is on its way to the database, a thread of its own reads the next one from the journal.
//!
//! It changes nothing about what is sent: a portion that was read ahead is used only for the position that it was read
//! for, from the journal that is still there; in every other case it is let go and the journal is asked again.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use jiff::Timestamp;

use crate::model::outbox::{Outbox, Portion};
use crate::model::record::Stream;

/// Which portion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wish {
    stream: Stream,
    position: u64,
    most: usize,
}

/// A portion, and the name of the journal that it is of; none where there was none, or it could not be read.
type Got = Option<(Arc<str>, Portion)>;

/// The journal, read ahead.
pub struct Ahead {
    direct: Box<dyn Outbox>,
    wishes: SyncSender<Wish>,
    answers: Receiver<Got>,
    /// Being read, or waiting to be taken.
    pending: Option<Wish>,
}

/// The other end, for a thread of its own.
pub struct Worker {
    outbox: Box<dyn Outbox>,
    wishes: Receiver<Wish>,
    answers: SyncSender<Got>,
}

/// Reads with `direct`, and ahead with `other`, another reader of the same journal.
#[must_use]
pub fn pair(direct: Box<dyn Outbox>, other: Box<dyn Outbox>) -> (Ahead, Worker) {
    // Never more than one portion is read ahead.
    let ((wishes, wished), (answers, answered)) = (sync_channel(1), sync_channel(1));
    let ahead = Ahead { direct, wishes, answers: answered, pending: None };
    (ahead, Worker { outbox: other, wishes: wished, answers })
}

impl Worker {
    /// Reads what is wished for until the other end is gone.
    pub fn run(mut self) {
        while let Ok(wish) = self.wishes.recv() {
            let got = self.read(wish).unwrap_or_else(|why| {
                // The other end asks by itself, and says so where people see it.
                tracing::debug!("the journal cannot be read ahead: {why}");
                None
            });
            if self.answers.send(got).is_err() {
                return;
            }
        }
    }

    fn read(&mut self, wish: Wish) -> Result<Got, String> {
        let name = self.outbox.journal()?;
        let Some(portion) = self.outbox.after(wish.stream, wish.position, wish.most)? else { return Ok(None) };
        // The file may have become another one in between.
        Ok((self.outbox.journal()? == name).then_some((name, portion)))
    }
}

impl Ahead {
    /// What was read ahead, if it is this.
    fn take(&mut self, wish: Wish) -> Got {
        let pending = self.pending?;
        if pending != wish && pending.stream != wish.stream {
            return None;
        }
        self.pending = None;
        self.answers.recv().ok().flatten().filter(|_| pending == wish)
    }

    fn wish_for(&mut self, wish: Wish) {
        if self.pending.is_none() && self.wishes.try_send(wish).is_ok() {
            self.pending = Some(wish);
        }
    }
}

impl Outbox for Ahead {
    fn journal(&mut self) -> Result<Arc<str>, String> {
        self.direct.journal()
    }

    fn after(&mut self, stream: Stream, position: u64, most: usize) -> Result<Option<Portion>, String> {
        let portion = match self.take(Wish { stream, position, most }) {
            Some((journal, portion)) if self.direct.journal()? == journal => Some(portion),
            _ => self.direct.after(stream, position, most)?,
        };
        // One that is not full is the last for now: what comes next is not there yet.
        if let Some(p) = portion.as_ref().filter(|p| p.rows.len() >= most) {
            self.wish_for(Wish { stream, position: p.up_to, most });
        }
        Ok(portion)
    }

    fn waiting(&mut self, stream: Stream, position: u64) -> Result<u64, String> {
        self.direct.waiting(stream, position)
    }

    fn newest(&mut self, stream: Stream) -> Result<u64, String> {
        self.direct.newest(stream)
    }

    fn position_at(&mut self, stream: Stream, at: Timestamp) -> Result<u64, String> {
        self.direct.position_at(stream, at)
    }

    fn hash_of(&mut self, seq: u64) -> Result<Option<[u8; 32]>, String> {
        self.direct.hash_of(seq)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread::spawn;

    use super::*;
    use crate::model::outbox::{Rows, StoredEvent};

    /// A journal of so many events; how often it was read, and its name, can be looked at and changed from outside.
    #[derive(Clone)]
    struct Fake {
        name: Arc<Mutex<Arc<str>>>,
        reads: Arc<Mutex<Vec<u64>>>,
        last: u64,
    }

    impl Fake {
        fn new(name: &Arc<Mutex<Arc<str>>>) -> Self {
            Self { name: Arc::clone(name), reads: Arc::default(), last: 25 }
        }
        fn reads(&self) -> Vec<u64> {
            self.reads.lock().expect("not poisoned").clone()
        }
    }

    impl Outbox for Fake {
        fn journal(&mut self) -> Result<Arc<str>, String> {
            Ok(Arc::clone(&self.name.lock().expect("not poisoned")))
        }
        fn after(&mut self, _: Stream, position: u64, most: usize) -> Result<Option<Portion>, String> {
            self.reads.lock().expect("not poisoned").push(position);
            let kind = self.journal()?.to_string();
            let event = |seq| StoredEvent {
                seq,
                at: Timestamp::UNIX_EPOCH,
                kind: kind.clone(),
                subject: None,
                body: String::new(),
                hash: [0; 32],
            };
            let events: Vec<_> = (position + 1..=self.last).take(most).map(event).collect();
            Ok(events.last().map(|e| e.seq).map(|up_to| Portion { up_to, rows: Rows::Events(events) }))
        }
        fn waiting(&mut self, _: Stream, _: u64) -> Result<u64, String> {
            Ok(0)
        }
        fn newest(&mut self, _: Stream) -> Result<u64, String> {
            Ok(self.last)
        }
        fn position_at(&mut self, _: Stream, _: Timestamp) -> Result<u64, String> {
            Ok(0)
        }
        fn hash_of(&mut self, _: u64) -> Result<Option<[u8; 32]>, String> {
            Ok(None)
        }
    }

    fn kinds(p: Option<Portion>) -> Vec<(u64, String)> {
        let Some(Rows::Events(e)) = p.map(|p| p.rows) else { return Vec::new() };
        e.into_iter().map(|e| (e.seq, e.kind)).collect()
    }

    #[test]
    fn each_portion_is_read_once_and_the_next_one_ahead() {
        let name = Arc::new(Mutex::new("j".into()));
        let (direct, other) = (Fake::new(&name), Fake::new(&name));
        let (mut ahead, worker) = pair(Box::new(direct.clone()), Box::new(other.clone()));
        let thread = spawn(move || worker.run());
        let mut all = Vec::new();
        for position in [0, 10, 20] {
            all.extend(kinds(ahead.after(Stream::Event, position, 10).expect("reads")));
        }
        assert_eq!(all.iter().map(|e| e.0).collect::<Vec<_>>(), (1..=25).collect::<Vec<_>>());
        assert_eq!((direct.reads(), other.reads()), (vec![0], vec![10, 20]), "the last one was not full");
        assert_eq!(ahead.after(Stream::Event, 25, 10), Ok(None));
        drop(ahead);
        thread.join().expect("it ends with the other end");
    }

    #[test]
    fn what_does_not_fit_is_let_go() {
        let name = Arc::new(Mutex::new(Arc::from("j")));
        let (direct, other) = (Fake::new(&name), Fake::new(&name));
        let (mut ahead, worker) = pair(Box::new(direct.clone()), Box::new(other.clone()));
        let thread = spawn(move || worker.run());
        let _ = ahead.after(Stream::Event, 0, 10).expect("reads");
        // The database stood elsewhere: another position is asked for.
        assert_eq!(kinds(ahead.after(Stream::Event, 3, 10).expect("reads"))[0].0, 4);
        // The journal was begun anew after it was read: the portion of the old one must not be taken.
        *name.lock().expect("not poisoned") = Arc::from("other");
        let got = kinds(ahead.after(Stream::Event, 13, 10).expect("reads"));
        assert_eq!(got[0], (14, "other".into()));
        drop(ahead);
        thread.join().expect("it ends with the other end");
    }

    #[test]
    fn without_its_thread_the_journal_is_read_directly() {
        let name = Arc::new(Mutex::new("j".into()));
        let direct = Fake::new(&name);
        let (mut ahead, worker) = pair(Box::new(direct.clone()), Box::new(Fake::new(&name)));
        drop(worker);
        for position in [0, 10] {
            assert_eq!(kinds(ahead.after(Stream::Event, position, 10).expect("reads")).len(), 10);
        }
        assert_eq!(direct.reads(), [0, 10]);
    }
}
