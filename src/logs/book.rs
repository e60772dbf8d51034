//! A log file of any size, looked into at any place: pages, filters, searches and jumps to a time, without reading what is not needed.

use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use memchr::{memchr, memrchr};
use regex::bytes::{Regex, RegexBuilder};

use super::block::{BLOCK, Blocks};
use super::severity::severity;
use super::source::clean;
use super::when::{stamped, when};
use crate::model::logs::{LogPage, LogQuery, LogRecord, Place, Severity};

/// A record longer than this is cut, bytes.
const MAX_RECORD: u64 = 64 << 10;
/// First look about a record; grown where that is not enough.
const FIRST_LOOK: u64 = 8 << 10;
/// Lines of a record that are shown.
const MAX_LINES: usize = 200;
/// Records on one page at most.
pub const MAX_PAGE: usize = 500;
/// A time is looked for in so many bytes after a place.
const TIME_WITHIN: u64 = 256 << 10;

/// A log file that is looked into.
#[derive(Debug)]
pub struct Book {
    blocks: Blocks,
    size: u64,
    /// Records begin with a time: lines without one belong to the record before.
    stamped: bool,
    zone: TimeZone,
    now: Timestamp,
    buffer: Vec<u8>,
}

/// What a record must be like.
#[derive(Debug)]
pub struct Wanted {
    level: Severity,
    text: Option<Regex>,
    /// What lines worth a look have, so that not every line is judged.
    quick: Option<Regex>,
}

impl Wanted {
    /// By level and regular expression.
    ///
    /// # Errors
    /// In words, why the expression cannot be read.
    pub fn new(level: Severity, filter: Option<&str>) -> Result<Self, String> {
        let text = filter.filter(|f| !f.is_empty()).map(expression).transpose()?;
        let words = match level {
            Severity::Error => Some(r#"(?i-u)err|fatal|panic|crit|alert|emerg|severe|traceback|"level":\s*[5-9]"#),
            Severity::Warn => Some(r#"(?i-u)err|fatal|panic|crit|alert|emerg|severe|traceback|warn|"level":\s*[4-9]"#),
            _ => None,
        };
        let quick = match &text {
            Some(t) => Some(t.clone()),
            None => words.map(expression).transpose()?,
        };
        Ok(Self { level, text, quick })
    }

    fn fits(&self, record: &LogRecord, raw: &[u8]) -> bool {
        record.severity >= self.level && self.text.as_ref().is_none_or(|t| t.is_match(raw))
    }
}

/// A regular expression as people type it: small letters alone fit any case; a text that is none is taken as it stands.
fn expression(text: &str) -> Result<Regex, String> {
    let build = |t: &str| {
        let small = !t.chars().any(char::is_uppercase);
        RegexBuilder::new(t).multi_line(true).case_insensitive(small).size_limit(8 << 20).build()
    };
    build(text).map_err(|e| {
        let last = e.to_string();
        let why = last.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
        format!("\"{text}\" is no regular expression: {why}; put \\ before ( ) [ ] . * + ? to take them as they are")
    })
}

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The filter is no regular expression.
    #[error("{0}")]
    Filter(String),
}

impl Book {
    /// Opens the file; only its end is read.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path, zone: &TimeZone, now: Timestamp) -> io::Result<Self> {
        let blocks = Blocks::open(path)?;
        let size = blocks.size()?;
        let mut book = Self { blocks, size, stamped: false, zone: zone.clone(), now, buffer: Vec::new() };
        let from = size.saturating_sub(TIME_WITHIN / 4);
        let mut buffer = Vec::new();
        book.blocks.read(from, size, &mut buffer)?;
        let lines = || buffer.split(|b| *b == b'\n').filter(|l| !l.is_empty());
        book.stamped = lines().filter(|l| stamped(l)).count() * 4 >= lines().count().max(1);
        Ok(book)
    }

    /// Its size when it was looked at last.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Looks; `go_on` is asked between blocks and ends the look where it says no.
    ///
    /// # Errors
    /// An expression that cannot be read, or what the system says.
    pub fn look(&mut self, query: &LogQuery, go_on: &dyn Fn() -> bool) -> Result<LogPage, BookError> {
        let wanted = Wanted::new(query.level, query.filter.as_deref()).map_err(BookError::Filter)?;
        let before = self.blocks.read_bytes;
        let was = self.size;
        self.size = self.blocks.size()?;
        let most = query.records.clamp(1, MAX_PAGE);
        let mut page = LogPage {
            query: query.clone(),
            size_bytes: self.size,
            records: Arc::new([]),
            at_start: false,
            at_end: false,
            unfinished: None,
            read_bytes: 0,
            took_ms: 0.0,
            fault: (self.size < was).then(|| "the file was cut meanwhile; shown is what it holds now".into()),
        };
        match query.place {
            Place::End => self.backward(self.size, most, &wanted, &mut page, go_on)?,
            Place::Before(at) => self.backward(at.min(self.size), most, &wanted, &mut page, go_on)?,
            Place::Start => self.forward(0, most, &wanted, &mut page, go_on)?,
            Place::From(at) => self.forward(at.min(self.size), most, &wanted, &mut page, go_on)?,
            Place::Time(t) => {
                let at = self.seek(t)?;
                self.forward(at, most, &wanted, &mut page, go_on)?;
            }
        }
        page.read_bytes = self.blocks.read_bytes - before;
        Ok(page)
    }

    fn forward(
        &mut self,
        from: u64,
        most: usize,
        w: &Wanted,
        page: &mut LogPage,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), io::Error> {
        let mut records = Vec::new();
        let mut at = from;
        page.at_start = from == 0;
        while records.len() < most {
            let Found { place, stopped } = match &w.quick {
                Some(re) => self.next(at, re, go_on)?,
                None => Found { place: (at < self.size).then_some(at), stopped: false },
            };
            if stopped {
                page.unfinished = place.map(Place::From);
                break;
            }
            let Some(place) = place else {
                page.at_end = true;
                break;
            };
            let (record, raw) = self.record(place)?;
            // A page that begins within a record goes on after it.
            if record.offset >= from && w.fits(&record, &raw) {
                records.push(record.clone());
            }
            at = record.end.max(place + 1).max(at + 1);
        }
        page.at_end |= at >= self.size;
        page.records = records.into();
        Ok(())
    }

    fn backward(
        &mut self,
        to: u64,
        most: usize,
        w: &Wanted,
        page: &mut LogPage,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), io::Error> {
        let mut records = Vec::new();
        let mut at = to;
        page.at_end = to >= self.size;
        while records.len() < most {
            let Found { place, stopped } = match &w.quick {
                Some(re) => self.previous(at, re, go_on)?,
                None => Found { place: at.checked_sub(1), stopped: false },
            };
            if stopped {
                page.unfinished = place.map(Place::Before);
                break;
            }
            let Some(place) = place else {
                page.at_start = true;
                break;
            };
            let (record, raw) = self.record(place)?;
            let begins = record.offset;
            if record.end <= to && w.fits(&record, &raw) {
                records.push(record);
            }
            at = begins.min(at.saturating_sub(1));
        }
        page.at_start |= at == 0;
        records.reverse();
        page.records = records.into();
        Ok(())
    }
}

/// Where a search came to.
struct Found {
    /// The place of a match; while `stopped`, where to search on.
    place: Option<u64>,
    stopped: bool,
}

impl Book {
    /// The next match at or after `from`; lines do not reach over blocks, because blocks end with a line where they can.
    fn next(&mut self, from: u64, re: &Regex, go_on: &dyn Fn() -> bool) -> io::Result<Found> {
        let mut at = from;
        let mut first = true;
        while at < self.size {
            if !first && !go_on() {
                return Ok(Found { place: Some(at), stopped: true });
            }
            // The first block is small: most pages need no more.
            let length = if first { BLOCK as u64 / 8 } else { BLOCK as u64 };
            first = false;
            let mut block = std::mem::take(&mut self.buffer);
            let read = self.blocks.read(at, (at + length).min(self.size), &mut block);
            let whole = match memrchr(b'\n', &block) {
                Some(end) if at + (block.len() as u64) < self.size => end + 1,
                _ => block.len(),
            };
            let hit = read.as_ref().ok().and_then(|()| re.find(&block[..whole])).map(|m| at + m.start() as u64);
            let passed = whole as u64;
            self.buffer = block;
            read?;
            if hit.is_some() {
                return Ok(Found { place: hit, stopped: false });
            }
            if passed == 0 {
                // The file has become shorter.
                break;
            }
            at += passed;
        }
        Ok(Found { place: None, stopped: false })
    }

    /// The last match before `to`.
    fn previous(&mut self, to: u64, re: &Regex, go_on: &dyn Fn() -> bool) -> io::Result<Found> {
        let mut end = to;
        let mut first = true;
        while end > 0 {
            if !first && !go_on() {
                return Ok(Found { place: Some(end), stopped: true });
            }
            let length = if first { BLOCK as u64 / 8 } else { BLOCK as u64 };
            first = false;
            let from = end.saturating_sub(length);
            let mut block = std::mem::take(&mut self.buffer);
            let read = self.blocks.read(from, end, &mut block);
            // The first line may begin before the block; it belongs to the next one then.
            let skip = if from == 0 { 0 } else { memchr(b'\n', &block).map_or(0, |i| i + 1) };
            let skip = if skip == block.len() { 0 } else { skip };
            let hit = read.as_ref().ok().and_then(|()| re.find_iter(&block[skip..]).last());
            let hit = hit.map(|m| from + (skip + m.start()) as u64);
            self.buffer = block;
            read?;
            if hit.is_some() {
                return Ok(Found { place: hit, stopped: false });
            }
            end = from + skip as u64;
        }
        Ok(Found { place: None, stopped: false })
    }

    /// The record that holds this place, and its bytes.
    fn record(&mut self, place: u64) -> io::Result<(LogRecord, Vec<u8>)> {
        let mut reach = FIRST_LOOK;
        loop {
            let from = place.saturating_sub(reach);
            let to = (place + reach).min(self.size);
            let mut window = Vec::new();
            self.blocks.read(from, to, &mut window)?;
            let at = ((place - from) as usize).min(window.len());
            let all = reach >= MAX_RECORD;
            let begin = self.begin(&window, at, from == 0 || all);
            let end = self.end(&window, at, to >= self.size || all);
            if let (Some(begin), Some(end)) = (begin, end) {
                let raw = window[begin..end.max(begin)].to_vec();
                let record = self.made(from + begin as u64, &raw);
                return Ok((record, raw));
            }
            reach *= 4;
        }
    }

    fn begin(&self, window: &[u8], at: usize, first: bool) -> Option<usize> {
        let mut end = at;
        loop {
            let begin = memrchr(b'\n', &window[..end]).map(|i| i + 1);
            match begin {
                None if first => return Some(0),
                None => return None,
                Some(b) if self.starts(&window[b..line_end(window, b)]) => return Some(b),
                Some(b) => end = b - 1,
            }
        }
    }

    fn end(&self, window: &[u8], at: usize, last: bool) -> Option<usize> {
        let mut from = at;
        loop {
            match memchr(b'\n', &window[from..]) {
                None if last => return Some(window.len()),
                None => return None,
                Some(i) => {
                    let next = from + i + 1;
                    if next >= window.len() {
                        return last.then_some(window.len());
                    }
                    let end = line_end(window, next);
                    if end == window.len() && !last {
                        return None;
                    }
                    if self.starts(&window[next..end]) {
                        return Some(next);
                    }
                    from = next;
                }
            }
        }
    }

    /// Whether a record begins with this line.
    fn starts(&self, line: &[u8]) -> bool {
        if line.is_empty() || line == b"\r" {
            return false;
        }
        if self.stamped {
            return line[0] == b'{' || stamped(line) && !continues(line);
        }
        !matches!(line[0], b' ' | b'\t' | b'}' | b')') && !line.starts_with(b"Caused by") && !continues(line)
    }

    fn made(&self, offset: u64, raw: &[u8]) -> LogRecord {
        let mut lines = raw.split(|b| *b == b'\n').filter(|l| !l.is_empty());
        let count = lines.clone().count();
        let first = lines.next().unwrap_or_default();
        let mut text = clean(first);
        let mut worst = severity(&text);
        for line in lines.take(MAX_LINES - 1) {
            let line = clean(line);
            if worst == Severity::Unknown {
                worst = severity(&line);
            }
            text.push('\n');
            text.push_str(&line);
        }
        LogRecord {
            offset,
            end: offset + raw.len() as u64,
            severity: worst,
            at: when(first, &self.zone, self.now),
            text: text.into(),
            lines: u32::try_from(count).unwrap_or(u32::MAX),
        }
    }

    /// Where the first record at or after that moment begins; the end where there is none. Times in the file must rise.
    fn seek(&mut self, wanted: Timestamp) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.size);
        while high - low > 4096 {
            let middle = low + (high - low) / 2;
            match self.time_after(middle, high)? {
                Some((_, t)) if t < wanted => low = middle,
                _ => high = middle,
            }
        }
        let mut at = low;
        // Few records are left: one by one.
        while let Some((place, t)) = self.time_after(at, self.size)? {
            if t >= wanted {
                return Ok(place);
            }
            at = place + 1;
        }
        Ok(self.size)
    }

    /// The first line that begins after `at` (or at it, at the start of the file) and has a time.
    fn time_after(&mut self, at: u64, high: u64) -> io::Result<Option<(u64, Timestamp)>> {
        let from = at.saturating_sub(1);
        let mut block = std::mem::take(&mut self.buffer);
        let mut reach = FIRST_LOOK;
        let found = loop {
            let to = (at + reach).min(self.size);
            self.blocks.read(from, to, &mut block)?;
            let mut line = if at == 0 { Some(0) } else { memchr(b'\n', &block).map(|i| i + 1) };
            let mut found = None;
            while let Some(begin) = line.filter(|b| *b < block.len() && from + (*b as u64) < high) {
                let end = line_end(&block, begin);
                // A line that is not here whole is looked at with more of it.
                if let Some(t) = when(&block[begin..end], &self.zone, self.now)
                    && (end < block.len() || to >= self.size || end - begin > 64)
                {
                    found = Some((from + begin as u64, t));
                    break;
                }
                line = (end < block.len()).then_some(end + 1);
            }
            if found.is_some() || to >= self.size || to >= high || reach >= TIME_WITHIN {
                break found;
            }
            reach *= 4;
        };
        self.buffer = block;
        Ok(found)
    }
}

fn line_end(window: &[u8], from: usize) -> usize {
    memchr(b'\n', &window[from..]).map_or(window.len(), |i| from + i)
}

/// PostgreSQL's lines that explain the one before (table 20.2 and `log_error_verbosity` of its documentation).
fn continues(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 6] = [b"DETAIL:  ", b"HINT:  ", b"STATEMENT:  ", b"CONTEXT:  ", b"QUERY:  ", b"LOCATION:  "];
    let front = &line[..line.len().min(200)];
    // Nothing but the first word in capitals before a colon and two spaces counts.
    front.windows(3).position(|w| w == b":  ").is_some_and(|colon| {
        WORDS.iter().any(|w| {
            let word = &w[..w.len() - 3];
            front[..colon].ends_with(word)
                && (colon == word.len()
                    || front[colon - word.len() - 1].is_ascii_whitespace()
                    || front[colon - word.len() - 1] == b']')
        })
    })
}

#[cfg(test)]
mod tests;
