//! The thread "log-pages": looks into log files for whoever asks, beside their tails, so that nobody waits for the disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use jiff::tz::TimeZone;

use super::threads::Threads;
use crate::base::clock::Clock;
use crate::engine::{Input, Intake};
use crate::logs::book::Book;
use crate::logs::wildcard::expand;
use crate::model::logs::{LogPage, LogQuery};

/// Questions that may wait.
const WAITING: usize = 8;
/// One look takes no longer; what is not found by then is looked for on when it is asked again.
const SLICE: Duration = Duration::from_millis(300);
/// Files held open.
const OPEN: usize = 4;

/// Where questions about log files go; never blocks.
#[derive(Clone)]
pub struct Reading {
    tx: SyncSender<LogQuery>,
    intake: Intake,
}

/// Which files may be looked into.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// Our own log.
    pub own: PathBuf,
    /// The patterns of the configuration.
    pub watch: Vec<Arc<str>>,
    /// The site's zone, for times without one.
    pub zone: TimeZone,
}

impl Reading {
    /// Starts the thread; it ends with the last of these.
    pub fn start(threads: &Threads, clock: &Arc<dyn Clock>, intake: &Intake, allowed: Allowed) -> Self {
        let (tx, rx) = sync_channel::<LogQuery>(WAITING);
        let (clock, sink) = (Arc::clone(clock), intake.clone());
        threads.spawn("log-pages", move || answer_all(&rx, &allowed, clock.as_ref(), &sink));
        Self { tx, intake: intake.clone() }
    }

    /// Puts a question in line; one that finds no room is answered so at once.
    pub fn ask(&self, query: LogQuery) {
        if self.tx.try_send(query.clone()).is_err() {
            let page = failed(query, "the disk is busy with earlier questions; ask again in a moment");
            self.intake.push(Input::LogPage(Box::new(page)));
        }
    }
}

fn answer_all(rx: &Receiver<LogQuery>, allowed: &Allowed, clock: &dyn Clock, sink: &Intake) {
    let mut books: HashMap<Arc<str>, (Option<crate::logs::source::FileId>, Book)> = HashMap::new();
    while let Ok(first) = rx.recv() {
        // One console asks; what it asked before its newest question it does not want any more.
        let query = rx.try_iter().last().unwrap_or(first);
        let begun = clock.now();
        let path = Path::new(&*query.path);
        let mut page = if permitted(path, allowed) {
            // A name that means another file now is opened anew: it was rotated.
            let id = crate::logs::source::id_at(path);
            let held = books.remove(&query.path).filter(|(was, _)| *was == id && id.is_some());
            let opened = match held {
                Some((_, book)) => Ok(book),
                None => Book::open(path, &allowed.zone, begun.wall),
            };
            match opened {
                Err(e) => failed(query.clone(), &format!("{}: {e}", path.display())),
                Ok(mut book) => {
                    let go_on = || clock.now().mono.since(begun.mono) < SLICE;
                    let found = book.look(&query, &go_on);
                    if books.len() >= OPEN {
                        books.clear();
                    }
                    books.insert(Arc::clone(&query.path), (id, book));
                    found.unwrap_or_else(|e| failed(query.clone(), &e.to_string()))
                }
            }
        } else {
            failed(query.clone(), "this file is not among the logs that are watched; add it to watch in [logs]")
        };
        page.took_ms = clock.now().mono.secs_since(begun.mono) * 1000.0;
        sink.push(Input::LogPage(Box::new(page)));
    }
}

fn permitted(path: &Path, allowed: &Allowed) -> bool {
    path == allowed.own || allowed.watch.iter().any(|p| expand(p).iter().any(|f| f == path))
}

fn failed(query: LogQuery, why: &str) -> LogPage {
    LogPage {
        query,
        size_bytes: 0,
        records: Arc::new([]),
        at_start: false,
        at_end: false,
        unfinished: None,
        read_bytes: 0,
        took_ms: 0.0,
        fault: Some(why.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;
    use crate::model::logs::{Place, Severity};

    #[test]
    fn watched_files_are_looked_into_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("vms.log");
        std::fs::write(&own, "2026-11-23T22:41:07Z ERROR own\n").unwrap();
        std::fs::write(dir.path().join("secret.txt"), "no\n").unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let (intake, inbox) = Intake::channel();
        let threads = Threads::default();
        let watch = vec![Arc::from(dir.path().join("*.log").to_string_lossy())];
        let reading =
            Reading::start(&threads, &clock, &intake, Allowed { own: own.clone(), watch, zone: TimeZone::UTC });
        let ask = |path: &Path, filter: Option<&str>| {
            let query = LogQuery {
                path: path.to_string_lossy().into(),
                place: Place::End,
                level: Severity::Unknown,
                filter: filter.map(Into::into),
                records: 10,
            };
            reading.ask(query);
            match inbox.recv_timeout(Duration::from_secs(10)) {
                Ok(Input::LogPage(page)) => *page,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(ask(&own, None).records.len(), 1);
        assert!(ask(&own, Some("(")).fault.is_some_and(|f| f.contains("no regular expression")));
        assert!(ask(&dir.path().join("secret.txt"), None).fault.is_some_and(|f| f.contains("not among the logs")));
        std::fs::rename(&own, dir.path().join("vms.log.1")).unwrap();
        std::fs::write(&own, "2026-11-23T22:41:07Z ERROR rotated\n").unwrap();
        assert!(ask(&own, None).records[0].text.contains("rotated"));
        drop(reading);
        assert!(threads.join(|_| true, Duration::from_secs(10), clock.as_ref()).is_empty());
    }
}
