//! One round of sending: of each stream the portion after where it stands there. Exactly once, because where it stands is
//! changed by the same transaction that takes the rows; what this side believes is only a guess that is checked.

use std::collections::BTreeMap;

use crate::model::outbox::{Outbox, Portion};
use crate::model::record::Stream;

/// Where each stream stands in the database, as far as this side knows.
pub type Positions = BTreeMap<Stream, u64>;

/// Why nothing more can be sent now.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The connection is of no use any more: a new one must be opened, and asked where it stands.
    Link(String),
    /// The journal cannot be read.
    Journal(String),
}

/// What became of a portion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is there.
    Done,
    /// The stream does not stand where it was believed to; nothing was changed.
    Elsewhere(u64),
}

/// The database as the pump sees it.
pub trait Remote {
    /// Takes a portion in one transaction, if the stream stands at `expected`.
    fn apply(
        &mut self,
        stream: Stream,
        expected: u64,
        portion: &Portion,
    ) -> impl Future<Output = Result<Applied, Fault>>;
}

/// Sends one portion of every stream, of about as many rows as `most` says; how many rows have gone.
///
/// # Errors
/// After a [`Fault::Link`] the positions must be read from a new connection.
pub async fn round<R: Remote>(
    outbox: &mut dyn Outbox,
    remote: &mut R,
    at: &mut Positions,
    most: impl Fn(Stream) -> usize,
) -> Result<u64, Fault> {
    let mut sent = 0;
    for stream in Stream::ALL {
        let expected = at.get(&stream).copied().unwrap_or(0);
        let Some(portion) = outbox.after(stream, expected, most(stream)).map_err(Fault::Journal)? else { continue };
        match remote.apply(stream, expected, &portion).await? {
            Applied::Done => {
                at.insert(stream, portion.up_to);
                // At least one, so that positions without rows are passed over at once as well.
                sent += portion.rows.len().max(1) as u64;
            }
            Applied::Elsewhere(position) => {
                at.insert(stream, position);
                sent += 1;
            }
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::model::outbox::{Rows, StoredEvent};

    /// A journal of events: durable up to `synced`; a crash loses the rest, whose numbers are given again.
    #[derive(Default)]
    struct Journal {
        rows: Vec<u64>,
        synced: usize,
        stamp: u64,
    }

    impl Outbox for Journal {
        fn journal(&mut self) -> Result<Arc<str>, String> {
            Ok("j".into())
        }
        fn after(&mut self, stream: Stream, position: u64, most: usize) -> Result<Option<Portion>, String> {
            // Only what is durable is visible to a reader beside the writer.
            let visible = self.rows[..self.synced].iter().enumerate().skip(position as usize).take(most);
            let events: Vec<StoredEvent> = visible
                .map(|(i, stamp)| StoredEvent {
                    seq: i as u64 + 1,
                    at: jiff::Timestamp::UNIX_EPOCH,
                    kind: stamp.to_string(),
                    subject: None,
                    body: String::new(),
                    hash: [0; 32],
                })
                .collect();
            let up_to = events.last().map(|e| e.seq).filter(|_| stream == Stream::Event);
            Ok(up_to.map(|up_to| Portion { up_to, rows: Rows::Events(events) }))
        }
        fn waiting(&mut self, _: Stream, position: u64) -> Result<u64, String> {
            Ok(self.synced as u64 - position)
        }
        fn newest(&mut self, _: Stream) -> Result<u64, String> {
            Ok(self.synced as u64)
        }
        fn position_at(&mut self, _: Stream, _: jiff::Timestamp) -> Result<u64, String> {
            Ok(0)
        }
        fn hash_of(&mut self, _: u64) -> Result<Option<[u8; 32]>, String> {
            Ok(None)
        }
    }

    /// What the connection does with a portion.
    #[derive(Clone, Copy, Debug)]
    enum Luck {
        /// All is well.
        Fine,
        /// It breaks before the commit.
        Before,
        /// The commit is done, and the answer does not arrive.
        After,
        /// It hangs: the commit is done later, when the next connection has already asked where it stands.
        Later,
    }

    #[derive(Default)]
    struct Server {
        rows: Vec<(u64, String)>,
        position: u64,
        hung: Option<(u64, Portion)>,
        luck: Vec<Luck>,
    }

    impl Server {
        /// The transaction: rows and position together, only if the position is the one that it read under its lock.
        fn commit(&mut self, expected: u64, portion: &Portion) -> bool {
            if self.position != expected {
                return false;
            }
            let Rows::Events(events) = &portion.rows else { return false };
            self.rows.extend(events.iter().map(|e| (e.seq, e.kind.clone())));
            self.position = portion.up_to;
            true
        }
    }

    impl Remote for Server {
        async fn apply(&mut self, _: Stream, expected: u64, portion: &Portion) -> Result<Applied, Fault> {
            // The row lock serialises: a hung transaction ends before the next one reads.
            if let Some((expected, portion)) = self.hung.take() {
                self.commit(expected, &portion);
            }
            match self.luck.pop().unwrap_or(Luck::Fine) {
                Luck::Before => return Err(Fault::Link("broke".into())),
                Luck::Later => {
                    self.hung = Some((expected, portion.clone()));
                    return Err(Fault::Link("hung".into()));
                }
                Luck::After => {
                    self.commit(expected, portion);
                    return Err(Fault::Link("broke".into()));
                }
                Luck::Fine => {}
            }
            Ok(if self.commit(expected, portion) { Applied::Done } else { Applied::Elsewhere(self.position) })
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// So many events happen.
        Write(usize),
        /// The journal's disk syncs.
        Sync,
        /// The program is killed; what was not synced is gone. It believes what it reads anew.
        Kill,
        /// The program is killed and believes an old position (a guess that must be checked).
        Stale,
        /// A round of at most so many rows.
        Round(usize, Luck),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let luck = prop_oneof![
            3 => Just(Luck::Fine),
            1 => Just(Luck::Before),
            1 => Just(Luck::After),
            1 => Just(Luck::Later)
        ];
        let step = prop_oneof![
            4 => (1_usize..20).prop_map(Step::Write),
            3 => Just(Step::Sync),
            1 => Just(Step::Kill),
            1 => Just(Step::Stale),
            6 => (1_usize..15, luck).prop_map(|(n, l)| Step::Round(n, l)),
        ];
        proptest::collection::vec(step, 0..80)
    }

    proptest! {
        #[test]
        fn every_durable_event_arrives_once_and_in_order(steps in steps()) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let (mut journal, mut server, mut at) = (Journal::default(), Server::default(), Positions::new());
            let run = |journal: &mut Journal, server: &mut Server, at: &mut Positions, most| {
                let done = runtime.block_on(round(journal, server, at, |_| most));
                if done.is_err() {
                    // A new connection asks where it stands; a hung transaction may still come.
                    at.insert(Stream::Event, server.position);
                }
                done
            };
            for step in steps {
                match step {
                    Step::Write(n) => {
                        for _ in 0..n {
                            journal.stamp += 1;
                            let stamp = journal.stamp;
                            journal.rows.push(stamp);
                        }
                    }
                    Step::Sync => journal.synced = journal.rows.len(),
                    Step::Kill => {
                        journal.rows.truncate(journal.synced);
                        at.insert(Stream::Event, server.position);
                    }
                    Step::Stale => {
                        journal.rows.truncate(journal.synced);
                        at.clear();
                    }
                    Step::Round(most, luck) => {
                        server.luck = vec![luck];
                        let _ = run(&mut journal, &mut server, &mut at, most);
                    }
                }
                let want: Vec<(u64, String)> =
                    journal.rows[..journal.synced].iter().enumerate().map(|(i, s)| (i as u64 + 1, s.to_string())).collect();
                prop_assert!(want.starts_with(&server.rows), "in order, once, nothing that was not durable");
            }
            journal.synced = journal.rows.len();
            server.luck.clear();
            while run(&mut journal, &mut server, &mut at, 7) != Ok(0) {}
            prop_assert_eq!(server.rows.len(), journal.rows.len(), "everything is there in the end");
        }
    }
}
