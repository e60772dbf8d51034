//! The thread "history": looks questions up in the journal, beside its writer, so that nobody waits for the disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use jiff::Timestamp;

use super::archive::{self, Archive};
use super::threads::Threads;
use crate::base::clock::{Clock, Mono};
use crate::engine::{Input, Intake};
use crate::historian::past::Wanted;
use crate::journal::{self, EventFilter, History, JournalError, Step};
use crate::model::event::Event;
use crate::model::history::{Answer, Ask, EventQuery, Found, Query, TrendQuery, newest_of_each};
use crate::model::record::Rolled;

/// Questions that may wait.
const WAITING: usize = 16;
/// Events on the longest page.
const EVENTS: usize = 500;

/// Where questions go; never blocks.
#[derive(Clone)]
pub struct Looking {
    tx: SyncSender<Ask>,
    clock: Arc<dyn Clock>,
    intake: Intake,
}

impl Looking {
    /// Starts the thread; it ends with the last of these.
    pub fn start(
        threads: &Threads,
        clock: &Arc<dyn Clock>,
        intake: &Intake,
        data: &Path,
        archive: Option<Archive>,
    ) -> Self {
        let (tx, rx) = sync_channel::<Ask>(WAITING);
        let (path, own, sink) = (data.join(journal::FILE_NAME), Arc::clone(clock), intake.clone());
        let mut beyond = Beyond::new(archive);
        threads.spawn("history", move || {
            while let Ok(first) = rx.recv() {
                let waiting = std::iter::once(first).chain(rx.try_iter()).collect();
                // Opened anew each time: a journal that was set aside is not read on.
                let open = open(&path);
                for ask in newest_of_each(waiting) {
                    let begun = own.now().mono;
                    let found = match &open {
                        Ok(history) => look_up(history, &ask.query).map_err(|e| e.to_string().into()),
                        Err(why) => Err(Arc::clone(why)),
                    };
                    let begins = open.as_ref().ok().and_then(begins);
                    let (found, source) = beyond.add(found, &ask.query, begins, begun);
                    let at = own.now();
                    let took_ms = at.mono.secs_since(begun) * 1000.0;
                    let answer = Answer { asker: ask.asker, query: ask.query, at, took_ms, source, found };
                    sink.push(Input::History(Box::new(answer)));
                }
            }
        });
        Self { tx, clock: Arc::clone(clock), intake: intake.clone() }
    }

    /// Puts a question in line; one that finds no room is answered so at once.
    pub fn ask(&self, ask: Ask) {
        if let Err(e) = self.tx.try_send(ask) {
            let (std::sync::mpsc::TrySendError::Full(ask) | std::sync::mpsc::TrySendError::Disconnected(ask)) = e;
            let found = Err("the disk is busy with earlier questions; it is asked again in a moment".into());
            let at = self.clock.now();
            let answer = Answer { asker: ask.asker, query: ask.query, at, took_ms: 0.0, source: "journal", found };
            self.intake.push(Input::History(Box::new(answer)));
        }
    }
}

/// Asks the database for what lies before the journal's.
struct Beyond {
    archive: Option<Archive>,
    /// It did not answer: not asked again before then, because others wait behind this question.
    not_before: Option<Mono>,
}

/// A database that did not answer is left alone for so long.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// Where an answer is from.
const JOURNAL: &str = "journal";
const BOTH: &str = "database and journal";
const DATABASE: &str = "database; the journal cannot be read";
const AWAY: &str = "journal; the database is away";

/// What was found, or why nothing was.
type Looked = Result<Found, Arc<str>>;

impl Beyond {
    fn new(archive: Option<Archive>) -> Self {
        Self { archive, not_before: None }
    }

    /// What was found with what lies before it, and where both come from. `begins`: the time of the journal's first event.
    fn add(&mut self, found: Looked, query: &Query, begins: Option<Timestamp>, now: Mono) -> (Looked, &'static str) {
        let Some(archive) = &self.archive else { return (found, JOURNAL) };
        let asked = match query {
            Query::Trend(q) => trend_before(archive, &found, q, || self.not_before.is_some_and(|t| now < t)),
            Query::Events(q) => events_before(archive, &found, q, begins, || self.not_before.is_some_and(|t| now < t)),
            Query::Waveforms { .. } => Before::Nothing,
        };
        match asked {
            Before::Nothing => (found, JOURNAL),
            Before::Found(all) => (Ok(all), if found.is_ok() { BOTH } else { DATABASE }),
            Before::LeftAlone => (found, AWAY),
            Before::Away(why) => {
                tracing::debug!("the past before the journal's cannot be read: {why}");
                self.not_before = Some(now.after(LEFT_ALONE));
                (found, AWAY)
            }
        }
    }
}

/// What the database had before the journal's.
enum Before {
    /// Nothing, or it need not be asked.
    Nothing,
    /// This, with what the journal has.
    Found(Found),
    /// It is not asked, because it did not answer lately.
    LeftAlone,
    /// It did not answer.
    Away(String),
}

fn trend_before(archive: &Archive, found: &Looked, q: &TrendQuery, left_alone: impl Fn() -> bool) -> Before {
    // Also where the journal cannot be read at all.
    let here: &[Rolled] = match found {
        Ok(Found::Trend(points)) => points,
        _ => &[],
    };
    let begin = here.first().map_or(q.to, |p| p.at);
    if !Archive::worth_asking((q.from, q.to), begin, q.step_s) {
        return Before::Nothing;
    }
    if left_alone() {
        return Before::LeftAlone;
    }
    match archive.trend(&q.series, (q.from, begin), q.step_s) {
        Ok(before) if before.is_empty() => Before::Nothing,
        Ok(mut all) => {
            all.extend(here.iter().cloned());
            Before::Found(Found::Trend(all.into()))
        }
        Err(why) => Before::Away(why),
    }
}

fn events_before(
    archive: &Archive,
    found: &Looked,
    q: &EventQuery,
    begins: Option<Timestamp>,
    left_alone: impl Fn() -> bool,
) -> Before {
    let limit = q.limit.min(EVENTS);
    let here: &[Event] = match found {
        Ok(Found::Events { more: true, .. }) => return Before::Nothing,
        Ok(Found::Events { events, .. }) => events,
        _ => &[],
    };
    // One more tells whether there are older ones.
    let wanted = wanted(q);
    let Some(wanted) = archive::before(&wanted, begins) else { return Before::Nothing };
    if left_alone() {
        return Before::LeftAlone;
    }
    let room = limit.saturating_sub(here.len());
    match archive.events(&wanted, room + 1, true) {
        Ok(older) if older.is_empty() => Before::Nothing,
        Ok(older) => {
            let more = older.len() > room;
            let older = older.into_iter().rev().take(room);
            let events = here.iter().cloned().chain(older).collect();
            Before::Found(Found::Events { events, more })
        }
        Err(why) => Before::Away(why),
    }
}

fn wanted(q: &EventQuery) -> Wanted {
    Wanted {
        from: q.from,
        to: q.to,
        kinds: q.kinds.iter().map(ToString::to_string).collect(),
        about: q.subject.as_ref().map(ToString::to_string),
        text: q.text.as_ref().map(ToString::to_string),
        before_seq: q.before,
        ..Wanted::default()
    }
}

/// The time of the journal's first event.
fn begins(history: &History) -> Option<Timestamp> {
    history.events_after(0, 1).ok()?.items.first().map(|e| e.at)
}

fn open(path: &Path) -> Result<History, Arc<str>> {
    History::open(path).map_err(|e| e.to_string().into())
}

/// Looks one question up.
fn look_up(history: &History, query: &Query) -> Result<Found, JournalError> {
    Ok(match query {
        Query::Events(q) => {
            let filter = EventFilter {
                from: q.from,
                to: q.to,
                kinds: q.kinds.iter().map(ToString::to_string).collect(),
                about: q.subject.as_ref().map(ToString::to_string),
                text: q.text.as_ref().map(ToString::to_string),
                before_seq: q.before,
                ..EventFilter::default()
            };
            let page = history.events_where(&filter, q.limit.min(EVENTS))?;
            Found::Events { events: page.items.into(), more: page.more }
        }
        Query::Trend(q) => {
            let step = if q.step_s >= 3600 { Step::Hour } else { Step::Minute };
            Found::Trend(history.trend(&q.series, q.from, q.to, step)?.into())
        }
        Query::Waveforms { event } => Found::Waveforms(history.waveforms(*event)?.into()),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;
    use std::time::Duration;

    use super::*;
    use crate::base::clock::SystemClock;
    use crate::model::event::EventKind;
    use crate::model::history::Asker;

    fn next(inbox: &Receiver<Input>) -> Answer {
        match inbox.recv_timeout(Duration::from_secs(10)) {
            Ok(Input::History(a)) => *a,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn questions_are_answered_from_the_file_as_it_is_now() {
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let (intake, inbox) = Intake::channel();
        let threads = Threads::default();
        let looking = Looking::start(&threads, &clock, &intake, dir.path(), None);
        let ask =
            |limit| Ask { asker: Asker::List, query: Query::Events(EventQuery { limit, ..EventQuery::default() }) };
        looking.ask(ask(10));
        let none = next(&inbox);
        assert!(none.found.as_ref().is_err_and(|why| why.contains("opening the journal")), "{none:?}");
        let mut store = journal::Store::open(&dir.path().join(journal::FILE_NAME), clock.now()).unwrap().store;
        let event = |seq| Event { seq, at: clock.now().wall, kind: EventKind::Note { text: "x".into() } };
        store.append(&journal::Batch { events: (1..=3).map(event).collect(), ..journal::Batch::default() }).unwrap();
        looking.ask(ask(2));
        let got = next(&inbox);
        let Ok(Found::Events { events, more: true }) = &got.found else { panic!("{got:?}") };
        assert_eq!((events.len(), events[0].seq, got.source), (2, 3, "journal"));
        drop(looking);
        assert!(threads.join(|_| true, Duration::from_secs(10), clock.as_ref()).is_empty(), "it ends with its askers");
    }
}
