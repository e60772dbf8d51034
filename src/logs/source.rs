//! The tail of one file: follows growth, rotation and truncation, and counts errors as they come.

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::severity::severity;
use crate::base::clock::{Mono, Now};
use crate::base::ring::Ring;
use crate::base::text;
use crate::model::logs::{LogLine, LogSource, Severity};

/// Newest lines kept of a file.
pub const MAX_LINES: usize = 500;

/// Longest line kept, characters.
pub const MAX_CHARS: usize = 2000;

/// Most bytes read of a file in one poll.
pub const MAX_READ_BYTES: u64 = 1 << 20;

/// What is read from the end of a file when it is opened.
const HISTORY_BYTES: u64 = 128 << 10;

/// A line that does not end is cut here.
const MAX_LINE_BYTES: usize = 4 * MAX_CHARS;

/// The time that rates look back over.
const MINUTE: Duration = Duration::from_mins(1);

/// Identity of a file on its disk, so that a rotated one is recognised.
pub type FileId = (u64, u64);

/// A file that is followed.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    name: Arc<str>,
    own: bool,
    open: Option<Open>,
    cut: Cutter,
    lines: Ring<LogLine>,
    shown: Arc<[LogLine]>,
    number: u64,
    recent: VecDeque<(Mono, u32, u32)>,
    size_bytes: Option<u64>,
    fault: Option<Arc<str>>,
    /// Whether the file was looked for before: one that appears later is new from its first byte.
    seen: bool,
}

/// Who is told of lines that were written just now.
type Fresh<'a> = &'a mut dyn FnMut(Severity, &str);

#[derive(Debug)]
struct Open {
    file: File,
    id: Option<FileId>,
    offset: u64,
}

impl Source {
    /// A file to follow; nothing is opened yet. `from_start` says that it is new: all of its lines count as seen live.
    #[must_use]
    pub fn new(path: &Path, own: bool, from_start: bool) -> Self {
        Self {
            path: path.to_path_buf(),
            name: path.to_string_lossy().into(),
            own,
            open: None,
            cut: Cutter::default(),
            lines: Ring::new(MAX_LINES),
            shown: Arc::new([]),
            number: 0,
            recent: VecDeque::new(),
            size_bytes: None,
            fault: None,
            seen: from_start,
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is the program's own log.
    #[must_use]
    pub fn own(&self) -> bool {
        self.own
    }

    /// Which file on the disk is being read.
    #[must_use]
    pub fn id(&self) -> Option<FileId> {
        self.open.as_ref().and_then(|o| o.id)
    }

    /// Reads what is new and tells how things stand.
    pub fn poll(&mut self, now: Now) -> LogSource {
        self.poll_with(now, &mut |_, _| {})
    }

    /// The same; every line that was written just now is handed over too.
    pub fn poll_with(&mut self, now: Now, live: &mut dyn FnMut(Severity, &str)) -> LogSource {
        let before = self.number;
        let followed = self.follow(now, live);
        match followed {
            Ok(()) => self.fault = None,
            Err(e) => {
                self.open = None;
                self.size_bytes = None;
                self.fault = Some(format!("cannot be read: {}", explain(&e)).into());
            }
        }
        self.seen = true;
        self.forget_old(now);
        if self.number != before {
            self.shown = self.lines.iter().cloned().collect();
        }
        let (errors, warnings) = self.recent.iter().fold((0, 0), |(e, w), r| (e + r.1, w + r.2));
        LogSource {
            path: Arc::clone(&self.name),
            own: self.own,
            size_bytes: self.size_bytes,
            errors_per_min: f64::from(errors),
            warnings_per_min: f64::from(warnings),
            lines: Arc::clone(&self.shown),
            fault: self.fault.clone(),
        }
    }

    fn follow(&mut self, now: Now, fresh: Fresh<'_>) -> io::Result<()> {
        let by_name = fs::metadata(&self.path)?;
        if !by_name.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        self.size_bytes = Some(by_name.len());
        if self.open.as_ref().is_some_and(|o| o.id != id_of(&by_name)) {
            // Rotated: what was written to the old one last still counts.
            self.read_on(now, true, fresh)?;
            self.finish_line(now, true, fresh);
            self.open = None;
        }
        let live = self.seen;
        if self.open.is_none() {
            self.open_file()?;
        }
        self.read_on(now, live, fresh)
    }

    fn open_file(&mut self) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        let meta = file.metadata()?;
        let skip = if self.seen { 0 } else { meta.len().saturating_sub(HISTORY_BYTES) };
        self.cut = Cutter::default();
        // Opened in the middle: the first piece is the rest of a line.
        self.cut.overlong = skip > 0;
        file.seek(SeekFrom::Start(skip))?;
        self.open = Some(Open { file, id: id_of(&meta), offset: skip });
        Ok(())
    }

    fn read_on(&mut self, now: Now, live: bool, fresh: Fresh<'_>) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let size = open.file.metadata()?.len();
        if size < open.offset {
            // Truncated in place: its new content starts at the beginning.
            open.offset = 0;
            self.cut = Cutter::default();
        }
        let mut skipped = 0;
        if size - open.offset > MAX_READ_BYTES {
            skipped = size - open.offset - MAX_READ_BYTES;
            open.offset += skipped;
            self.cut = Cutter { overlong: true, ..Cutter::default() };
        }
        open.file.seek(SeekFrom::Start(open.offset))?;
        let mut bytes = Vec::new();
        let read = (&mut open.file).take(MAX_READ_BYTES).read_to_end(&mut bytes)?;
        open.offset += read as u64;
        if skipped > 0 {
            let note = format!("[{} skipped: more was written than is read at once]", text::bytes(skipped));
            self.keep(note, Severity::Warn);
        }
        if bytes.is_empty() {
            self.finish_line(now, live, fresh);
        }
        let mut found = Vec::new();
        self.cut.push(&bytes, &mut |line| found.push(clean(line)));
        for line in found {
            self.take(line, now, live, fresh);
        }
        Ok(())
    }

    /// A line without an end that has not grown since the last poll is all there will be for now.
    fn finish_line(&mut self, now: Now, live: bool, fresh: Fresh<'_>) {
        if let Some(rest) = self.cut.take_rest() {
            self.take(clean(&rest), now, live, fresh);
        }
    }

    fn take(&mut self, line: String, now: Now, live: bool, fresh: Fresh<'_>) {
        if line.trim().is_empty() {
            return;
        }
        let severity = severity(&line);
        if live {
            fresh(severity, &line);
        }
        self.keep(line, severity);
        if live && severity >= Severity::Warn {
            self.count(severity, now);
        }
    }

    fn keep(&mut self, line: String, severity: Severity) {
        self.number += 1;
        self.lines.push(LogLine { number: self.number, severity, text: line.into() });
    }

    fn count(&mut self, severity: Severity, now: Now) {
        let (errors, warnings) = if severity == Severity::Error { (1, 0) } else { (0, 1) };
        // One entry a second at most, so the queue is bounded by the minute it covers.
        match self.recent.back_mut() {
            Some(last) if now.mono.since(last.0) < Duration::from_secs(1) => {
                last.1 = last.1.saturating_add(errors);
                last.2 = last.2.saturating_add(warnings);
            }
            _ => self.recent.push_back((now.mono, errors, warnings)),
        }
    }

    fn forget_old(&mut self, now: Now) {
        while self.recent.front().is_some_and(|r| now.mono.since(r.0) >= MINUTE) {
            self.recent.pop_front();
        }
    }
}

/// What to do about the failures that people meet.
fn explain(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => "there is no such file (yet)".into(),
        io::ErrorKind::PermissionDenied => {
            "permission denied; let the program's user read it (for PostgreSQL: add it to the group adm)".into()
        }
        _ => e.to_string(),
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other platforms tell no identity")]
fn id_of(meta: &Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    Some((meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn id_of(_: &Metadata) -> Option<FileId> {
    None
}

/// Which file on the disk this path names now.
#[must_use]
pub fn id_at(path: &Path) -> Option<FileId> {
    fs::metadata(path).ok().and_then(|m| id_of(&m))
}

/// Cuts a stream of bytes into lines; holds at most one line that has not ended.
#[derive(Debug, Default)]
pub struct Cutter {
    rest: Vec<u8>,
    /// The line being read was given out already (or begins before what we see): drop it up to its end.
    overlong: bool,
}

impl Cutter {
    /// Takes more bytes and hands over every line that ended, without its end; one too long is handed over cut.
    pub fn push(&mut self, mut bytes: &[u8], line: &mut dyn FnMut(&[u8])) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (piece, more) = (&bytes[..end], &bytes[end + 1..]);
            bytes = more;
            if self.overlong {
                self.overlong = false;
                continue;
            }
            self.grow(piece);
            line(&self.rest);
            self.rest.clear();
        }
        if !self.overlong {
            self.grow(bytes);
            if self.rest.len() >= MAX_LINE_BYTES {
                line(&self.rest);
                self.rest.clear();
                self.overlong = true;
            }
        }
    }

    fn grow(&mut self, piece: &[u8]) {
        let room = MAX_LINE_BYTES.saturating_sub(self.rest.len());
        self.rest.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// The line that has not ended, if there is one; what follows of it comes as a line of its own.
    pub fn take_rest(&mut self) -> Option<Vec<u8>> {
        (!self.rest.is_empty()).then(|| std::mem::take(&mut self.rest))
    }
}

/// The line as it may be shown: valid text, no control characters or terminal sequences, bounded.
#[must_use]
pub fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut out = String::new();
    let mut count = 0;
    let mut chars = text.trim_end().chars().peekable();
    while let Some(c) = chars.next() {
        if count >= MAX_CHARS {
            out.push('…');
            break;
        }
        if c == '\x1b' && chars.next_if_eq(&'[').is_some() {
            // A control sequence (ECMA-48, 5.4) ends with a byte from @ to ~.
            while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            continue;
        }
        let c = if c == '\t' { ' ' } else { c };
        if c.is_control() || reorders(c) {
            continue;
        }
        out.push(c);
        count += 1;
    }
    out
}

/// Marks that make a terminal show text in another order than it is written (Unicode Bidirectional Algorithm, 2).
fn reorders(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn at(s: u64) -> Now {
        Now { mono: Mono(0).after(Duration::from_secs(s)), ..Now::default() }
    }

    fn append(path: &Path, text: &str) {
        fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn texts(s: &LogSource) -> Vec<String> {
        s.lines.iter().map(|l| l.text.to_string()).collect()
    }

    #[test]
    fn history_is_shown_but_not_counted_and_live_lines_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        append(&path, "ERROR old\n");
        let mut s = Source::new(&path, false, false);
        let r = s.poll(at(0));
        assert_eq!((texts(&r), r.errors_per_min), (vec!["ERROR old".to_owned()], 0.0));
        append(&path, "ERROR new\nWARN new\nINFO fi");
        let r = s.poll(at(1));
        assert_eq!((r.lines.len(), r.errors_per_min, r.warnings_per_min), (3, 1.0, 1.0));
        append(&path, "ne\n");
        let r = s.poll(at(2));
        assert_eq!(texts(&r).last().map(String::as_str), Some("INFO fine"));
        assert_eq!(s.poll(at(60)).errors_per_min, 1.0);
        let r = s.poll(at(61));
        assert_eq!((r.errors_per_min, r.warnings_per_min, r.lines.len()), (0.0, 0.0, 4));
    }

    #[test]
    fn rotation_truncation_and_absence_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        let mut s = Source::new(&path, false, false);
        let r = s.poll(at(0));
        assert!(r.fault.is_some_and(|f| f.contains("no such file")) && r.size_bytes.is_none());
        append(&path, "ERROR one\n");
        let r = s.poll(at(1));
        assert_eq!((r.errors_per_min, r.fault), (1.0, None), "a file that appears is live from its start");
        append(&path, "ERROR two");
        fs::rename(&path, dir.path().join("a.log.1")).unwrap();
        append(&path, "ERROR three\n");
        let r = s.poll(at(2));
        assert_eq!(texts(&r), ["ERROR one", "ERROR two", "ERROR three"]);
        fs::write(&path, "cut\n").unwrap();
        assert_eq!(texts(&s.poll(at(3))).last().map(String::as_str), Some("cut"));
        let numbers: Vec<u64> = s.poll(at(4)).lines.iter().map(|l| l.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        fs::remove_file(&path).unwrap();
        assert!(s.poll(at(5)).fault.is_some());
    }

    #[test]
    fn a_huge_file_is_read_from_its_end_and_a_flood_is_skipped_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big.log");
        let file = File::create(&path).unwrap();
        file.set_len(3 << 30).unwrap();
        append(&path, "\nERROR last\n");
        let mut s = Source::new(&path, false, false);
        let r = s.poll(at(0));
        assert_eq!(texts(&r), ["ERROR last"]);
        append(&path, &"x".repeat(99).repeat(30_000));
        append(&path, "\nERROR end\n");
        let r = s.poll(at(1));
        let t = texts(&r);
        assert!(t[1].contains("skipped"), "{:?}", &t[1]);
        assert_eq!(t.last().map(String::as_str), Some("ERROR end"));
        assert_eq!(r.errors_per_min, 1.0);
    }

    #[test]
    fn lines_and_their_length_are_bounded_and_clean() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        let mut s = Source::new(&path, false, true);
        append(&path, &format!("{}\n", "y".repeat(50_000)));
        for i in 0..700 {
            append(&path, &format!("line {i}\n"));
        }
        let r = s.poll(at(1));
        assert_eq!(r.lines.len(), MAX_LINES);
        assert_eq!(texts(&r).last().map(String::as_str), Some("line 699"));
        assert_eq!(clean(b"a\x1b[31;1mred\x1b[0m\tb\x07\xff\r"), "ared b\u{fffd}");
        assert_eq!(clean("x\u{202e}y".as_bytes()), "xy");
        assert_eq!(clean("ü".repeat(3000).as_bytes()).chars().count(), MAX_CHARS + 1);
    }

    #[test]
    fn what_is_not_a_file_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let r = Source::new(dir.path(), false, false).poll(at(0));
        assert!(r.fault.is_some_and(|f| f.contains("not a file")));
    }

    fn cut_all(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut cutter, mut got) = (Cutter::default(), Vec::new());
        for piece in pieces {
            cutter.push(piece, &mut |l| got.push(l.to_vec()));
        }
        got
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_bytes_arrive(
            lines in prop::collection::vec("[a-zé \\t]{0,40}", 0..20), cuts in prop::collection::vec(1usize..30, 1..20)
        ) {
            let mut all: Vec<u8> = Vec::new();
            for l in &lines {
                all.extend_from_slice(l.as_bytes());
                all.push(b'\n');
            }
            let mut pieces = Vec::new();
            let mut rest: &[u8] = &all;
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (a, b) = rest.split_at((*cut).min(rest.len()));
                pieces.push(a);
                rest = b;
            }
            let want: Vec<Vec<u8>> = lines.iter().map(|l| l.as_bytes().to_vec()).collect();
            prop_assert_eq!(cut_all(&pieces), want);
        }

        #[test]
        fn any_bytes_become_clean_bounded_text(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
            let text = clean(&bytes);
            prop_assert!(text.chars().all(|c| !c.is_control()));
            prop_assert!(text.chars().count() <= MAX_CHARS + 1);
        }

        #[test]
        fn memory_for_an_endless_line_is_bounded(n in 1usize..60) {
            let mut cutter = Cutter::default();
            let mut given = 0;
            for _ in 0..n {
                cutter.push(&[b'z'; 1000], &mut |l| { given += 1; assert!(l.len() <= MAX_LINE_BYTES); });
                prop_assert!(cutter.rest.len() <= MAX_LINE_BYTES);
            }
            prop_assert!(given <= 1);
        }
    }
}
