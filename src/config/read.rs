//! The reader: file text to a checked tree, along the rows of keys, collecting every fault of spelling, kind and range.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Lines, Pos, nearest};
use super::keys::{Key, Kind, Need};
use super::tree::{Entry, Origin, Sect, Val};
use super::{secret, table, value};

/// What the reader needs to know of its surroundings.
pub struct Around<'a> {
    /// The directory of the configuration file; secrets' files are relative to it.
    pub dir: &'a Path,
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// What came of a text.
pub struct Read {
    /// Everything that could be read.
    pub root: Sect,
    /// What could not.
    pub faults: Vec<Fault>,
    /// Whether the text is no TOML; then only what stands before the first such fault was judged.
    pub broken: bool,
}

struct Reader<'a> {
    lines: &'a Lines<'a>,
    around: &'a Around<'a>,
    faults: Vec<Fault>,
}

/// Reads a text. Never fails: what is wrong is in the faults.
pub fn read(text: &str, around: &Around<'_>) -> Read {
    let (doc, errors) = DeTable::parse_recoverable(text);
    let lines = Lines::of(text);
    let mut reader = Reader { lines: &lines, around, faults: Vec::new() };
    let root = reader.section(doc.get_ref(), table::ROOT, String::new(), Pos { line: 1, column: 1 });
    let mut syntax = syntax_faults(text, &lines, &errors);
    let mut faults = reader.faults;
    if let Some(first) = syntax.first().and_then(|f| f.at) {
        faults.retain(|f| f.at.is_some_and(|at| at.line < first.line) && !f.wrong.starts_with(MISSING));
    }
    let broken = !syntax.is_empty();
    faults.append(&mut syntax);
    Read { root, faults, broken }
}

const MISSING: &str = "the key is missing";

/// Faults of the TOML itself, the first of each line.
fn syntax_faults(text: &str, lines: &Lines<'_>, errors: &[toml::de::Error]) -> Vec<Fault> {
    let mut out: Vec<Fault> = Vec::new();
    for e in errors {
        let at = lines.pos(e.span().map_or(text.len(), |s| s.start));
        let (wrong, expected) = e.message().split_once(", expected ").unwrap_or((e.message(), ""));
        let fault = Fault {
            at: Some(at),
            key: String::new(),
            wrong: format!("this is not TOML: {}", wrong.trim()),
            right: remedy(wrong, expected),
        };
        out.push(fault);
    }
    out.sort_by_key(|f| f.at);
    out.dedup_by_key(|f| f.at.map(|p| p.line));
    // A list that is never closed swallows the lines below it, and each of them would be told again.
    out.dedup_by(|b, a| b.wrong == a.wrong && b.wrong.ends_with(SWALLOWED));
    out
}

const SWALLOWED: &str = "missing comma between array elements";

/// What would be right, from what the parser says it expected.
fn remedy(wrong: &str, expected: &str) -> String {
    if wrong.ends_with(SWALLOWED) {
        return "expected `,` here, or the `]` of a list that was opened above".into();
    }
    if wrong.contains("must be quoted") {
        return "put the text in quotes: \"…\"".into();
    }
    if wrong.contains("duplicate key") {
        return "write it once".into();
    }
    if expected.is_empty() { "correct the TOML here".into() } else { format!("expected {expected} here") }
}

impl Reader<'_> {
    fn pos(&self, offset: usize) -> Pos {
        self.lines.pos(offset)
    }

    fn fault(&mut self, at: Pos, key: String, wrong: impl Into<String>, right: impl Into<String>) {
        self.faults.push(Fault { at: Some(at), key, wrong: wrong.into(), right: right.into() });
    }

    fn section(&mut self, table: &DeTable<'_>, keys: &'static [Key], path: String, at: Pos) -> Sect {
        let mut sect = Sect { keys, path, at, entries: Vec::new(), faulty: Vec::new() };
        self.unknown_keys(table, &sect);
        for key in keys {
            let path = sect.path_of(key.name);
            let found = table.iter().find(|(k, _)| k.get_ref().as_ref() == key.name);
            let (entry, written) = match found {
                Some((k, v)) => (self.entry(key, v, path, self.pos(k.span().start)), true),
                None => (self.absent(key, path, at), false),
            };
            match entry {
                Some(e) => sect.entries.push((key.name, e)),
                None if written => sect.faulty.push(key.name),
                None => {}
            }
        }
        sect
    }

    fn unknown_keys(&mut self, table: &DeTable<'_>, sect: &Sect) {
        for (k, _) in table {
            let name: &str = k.get_ref();
            if sect.keys.iter().any(|key| key.name == name) {
                continue;
            }
            let known = || sect.keys.iter().map(|k| k.name);
            let right = match nearest(name, known()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("known here: {}", known().collect::<Vec<_>>().join(", ")),
            };
            let at = self.pos(k.span().start);
            self.fault(at, sect.path_of(&value::shorten(name)), "unknown key", right);
        }
    }

    /// A key that is not written: its default, or a fault if it must be there.
    fn absent(&mut self, key: &Key, path: String, at: Pos) -> Option<Entry> {
        match (key.need, key.kind) {
            (Need::Required, kind) => {
                let example =
                    if key.example.is_empty() { kind.right() } else { format!("write {} = {}", key.name, key.example) };
                self.fault(at, path, MISSING, example);
                None
            }
            (Need::Default(_), Kind::Table(keys)) => {
                let sect = self.section(&DeTable::new(), keys, path, at);
                Some(Entry { val: Val::Table(sect), at, origin: Origin::Default })
            }
            (Need::Default(text), _) => {
                let v = DeValue::parse(text).ok()?;
                let val = value::read(&key.kind, v.get_ref()).ok()?;
                Some(Entry { val, at, origin: Origin::Default })
            }
            (Need::Optional | Need::Derived(_), _) => None,
        }
    }

    /// A key that is written.
    fn entry(&mut self, key: &Key, v: &Spanned<DeValue<'_>>, path: String, at: Pos) -> Option<Entry> {
        let origin = Origin::File(at);
        match (key.kind, v.get_ref()) {
            (Kind::Table(keys) | Kind::NumberOr(_, keys), DeValue::Table(t)) => {
                let sect = self.section(t, keys, path, at);
                Some(Entry { val: Val::Table(sect), at, origin })
            }
            (Kind::Tables(keys), DeValue::Array(items)) => {
                let val = self.sections(keys, items.iter(), &path);
                Some(Entry { val: Val::Tables(val), at, origin })
            }
            (Kind::Secret, v) => self.secret(v, path, at),
            (kind, v) => match value::read(&kind, v) {
                Ok(val) => Some(Entry { val, at, origin }),
                Err(wrong) => {
                    let right = match kind {
                        Kind::Table(_) => format!("write it as a section: [{path}]"),
                        Kind::Tables(_) => {
                            format!("write it as a section in double brackets: [[{}]]", unnumbered(&path))
                        }
                        kind => kind.right(),
                    };
                    self.fault(at, path, wrong, right);
                    None
                }
            },
        }
    }

    fn sections<'v, 'i: 'v>(
        &mut self,
        keys: &'static [Key],
        items: impl Iterator<Item = &'v Spanned<DeValue<'i>>>,
        path: &str,
    ) -> Vec<Sect> {
        let mut out = Vec::new();
        for (i, item) in items.enumerate() {
            let (path, at) = (format!("{path}[{i}]"), self.pos(item.span().start));
            match item.get_ref() {
                DeValue::Table(t) => out.push(self.section(t, keys, path, at)),
                other => {
                    let wrong = format!("{} where a table is expected", value::what(other));
                    self.fault(at, path, wrong, "write { key = value, … }");
                }
            }
        }
        out
    }

    fn secret(&mut self, v: &DeValue<'_>, path: String, at: Pos) -> Option<Entry> {
        match secret::read(v, self.around) {
            Ok((secret, origin)) => Some(Entry { val: Val::Secret(secret), at, origin }),
            Err((wrong, right)) => {
                self.fault(at, path, wrong, right);
                None
            }
        }
    }
}

/// `camera[0].roi` as the header of a section has it: `camera.roi`.
fn unnumbered(path: &str) -> String {
    path.split('.').map(|p| p.split('[').next().unwrap_or(p)).collect::<Vec<_>>().join(".")
}
