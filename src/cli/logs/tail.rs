//! `vms logs tail`: the newest records, and what is written from now on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Level, TailArgs, config, files, name, unreadable};
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::error::{Exit, Failure, Outcome};
use crate::base::shutdown::Shutdown;
use crate::cli::{Globals, out, usage};
use crate::config::Config;
use crate::logs::book::{Book, BookError};
use crate::model::logs::{LogQuery, LogRecord, Place, Severity};

/// How often a followed file is looked at.
const LOOK: Duration = Duration::from_millis(300);
/// Records taken of a followed file at once.
const AT_ONCE: usize = 500;

/// A file that is shown.
struct Shown {
    path: PathBuf,
    id: Option<crate::logs::source::FileId>,
    /// Shown up to here.
    end: u64,
}

struct Wish {
    level: Severity,
    filter: Option<Arc<str>>,
    json: bool,
    many: bool,
}

pub(super) fn run(globals: &Globals, args: &TailArgs) -> Outcome {
    let config = config(globals)?;
    let files = files(globals, &config, &args.files);
    let level = Level::severity(args.level);
    let filter: Option<Arc<str>> = args.grep.as_deref().map(Into::into);
    let wish = Wish { level, filter, json: globals.json, many: files.len() > 1 };
    let place = match &args.from {
        None => Place::End,
        Some(t) => Place::Time(
            t.parse::<Timestamp>()
                .map_err(|e| usage(format!("--from {t}: {e}; write a time such as 2026-11-23T02:15:00+05:30")))?,
        ),
    };
    let mut shown = Vec::new();
    let mut failures = Vec::new();
    for path in files {
        match first(&path, &config, &wish, place, args.lines.into()) {
            Ok(Some(s)) => shown.push(s),
            Ok(None) => return Ok(Exit::Fine),
            Err(f) if f.exit == Exit::Usage => return Err(f),
            // The others are shown all the same.
            Err(f) => failures.push((path, f)),
        }
    }
    for (_, f) in &failures {
        out::note(&f.to_string());
    }
    if shown.is_empty() && !failures.is_empty() && !args.follow {
        return Err(failures.remove(0).1);
    }
    if args.follow {
        // A file that is not there yet is waited for.
        shown.extend(failures.into_iter().map(|(path, _)| Shown { path, id: None, end: 0 }));
        return follow(shown, &config, &wish);
    }
    Ok(Exit::Fine)
}

fn query(path: &Path, wish: &Wish, place: Place, records: usize) -> LogQuery {
    LogQuery { path: path.to_string_lossy().into(), place, level: wish.level, filter: wish.filter.clone(), records }
}

/// The first records of a file; none when the reader of our output is gone.
fn first(path: &Path, config: &Config, wish: &Wish, place: Place, records: usize) -> Result<Option<Shown>, Failure> {
    let now = SystemClock::new().now().wall;
    let id = crate::logs::source::id_at(path);
    let mut book = Book::open(path, &config.site.time_zone, now).map_err(|e| unreadable(path, &e))?;
    let page = book.look(&query(path, wish, place, records), &|| true).map_err(|e| match e {
        BookError::Filter(why) => usage(format!("--grep: {why}")),
        BookError::Io(e) => unreadable(path, &e),
    })?;
    for r in page.records.iter() {
        if !print(path, r, wish)? {
            return Ok(None);
        }
    }
    Ok(Some(Shown { path: path.to_owned(), id, end: page.size_bytes }))
}

fn print(path: &Path, r: &LogRecord, wish: &Wish) -> Result<bool, Failure> {
    if wish.json {
        let source = path.to_string_lossy();
        return out::json(&json!({
            "source": source, "offset": r.offset, "time": r.at, "level": r.severity, "lines": r.lines, "text": r.text,
        }));
    }
    if wish.many {
        return out::line(&format!("{}: {}", name(&path.to_string_lossy()), r.text));
    }
    out::line(&r.text)
}

fn follow(mut shown: Vec<Shown>, config: &Config, wish: &Wish) -> Outcome {
    let idle = Shutdown::new();
    let clock = SystemClock::new();
    loop {
        for s in &mut shown {
            if !more(s, config, wish, clock.now().wall)? {
                return Ok(Exit::Fine);
            }
        }
        let _ = idle.wait_for(LOOK);
    }
}

/// What was written to a file since it was shown last; false when the reader of our output is gone.
fn more(s: &mut Shown, config: &Config, wish: &Wish, now: Timestamp) -> Result<bool, Failure> {
    let id = crate::logs::source::id_at(&s.path);
    if id.is_none() {
        return Ok(true);
    }
    let Ok(mut book) = Book::open(&s.path, &config.site.time_zone, now) else { return Ok(true) };
    if id != s.id || book.size() < s.end {
        // Rotated or cut: what is there now is new.
        (s.id, s.end) = (id, 0);
    }
    while s.end < book.size() {
        let Ok(page) = book.look(&query(&s.path, wish, Place::From(s.end), AT_ONCE), &|| true) else { break };
        for r in page.records.iter() {
            if !print(&s.path, r, wish)? {
                return Ok(false);
            }
        }
        s.end = if page.at_end { page.size_bytes } else { page.records.last().map_or(page.size_bytes, |r| r.end) };
    }
    Ok(true)
}
