//! Source text as the house rules look at it: without comments and strings, with the tests marked, paths resolved.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file.
pub struct Source {
    /// From the top of the repository, with `/`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// With comments and the insides of literals blanked out, line for line.
    pub code: String,
    /// Ranges of `code` that only tests see.
    tests: Vec<(usize, usize)>,
}

impl Source {
    /// Takes a file's text.
    pub fn new(path: &str, text: &str) -> Self {
        let code = blank(text);
        let tests = test_ranges(&code);
        Self { path: path.into(), text: text.into(), code, tests }
    }

    /// Line of a byte offset, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    /// Whether only tests see this place.
    pub fn in_test(&self, at: usize) -> bool {
        self.tests.iter().any(|(from, to)| (*from..*to).contains(&at))
    }

    /// Marks the whole file as seen only by tests.
    pub fn all_test(&mut self) {
        self.tests = vec![(0, self.code.len() + 1)];
    }

    /// Modules declared as `#[cfg(test)] mod NAME;`: their files are tests.
    pub fn test_modules(&self) -> Vec<String> {
        let declared = self.tests.iter().filter_map(|(from, to)| {
            let item = self.code[*from..(*to).min(self.code.len())].trim_end();
            let name = item.strip_suffix(';')?.rsplit_once("mod ")?.1;
            Some(name.trim().to_owned())
        });
        declared.collect()
    }

    /// The module path of the file: `src/console/tabs/plc.rs` is `console tabs plc`.
    pub fn module(&self) -> Vec<String> {
        let inner = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inner.trim_end_matches(".rs").split('/').map(str::to_owned).collect()
    }

    /// Every path into this crate (`crate::…`, and `super::…` outside tests), resolved from the root, with its place.
    pub fn paths(&self) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        for at in words(&self.code, "crate") {
            if let Some(rest) = self.code[at..].strip_prefix("crate::") {
                expand(rest, &[], &mut |p| found.push((at, p)));
            }
        }
        for at in words(&self.code, "super") {
            let before = self.code[..at].trim_end();
            if before.ends_with("super::") || self.in_test(at) || self.code[at..].starts_with("super)") {
                continue;
            }
            let (mut rest, mut up) = (&self.code[at..], 0);
            while let Some(more) = rest.strip_prefix("super::") {
                (rest, up) = (more, up + 1);
            }
            let module = self.module();
            let base = &module[..module.len().saturating_sub(up)];
            expand(rest, base, &mut |p| found.push((at, p)));
        }
        found
    }
}

/// Offsets where this identifier stands as a whole word.
pub fn words<'c>(code: &'c str, word: &'c str) -> impl Iterator<Item = usize> + 'c {
    code.match_indices(word).map(|m| m.0).filter(move |at| {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        !code[..*at].ends_with(is_part) && !code[at + word.len()..].starts_with(is_part)
    })
}

/// Expands a path or use tree (`a::{b, c::d}`) that begins here, below `base`.
fn expand(text: &str, base: &[String], found: &mut dyn FnMut(Vec<String>)) {
    tree(text, base, found);
}

/// Returns what is left behind the tree.
fn tree<'t>(text: &'t str, base: &[String], found: &mut dyn FnMut(Vec<String>)) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start().trim_start_matches(',').trim_start();
            if rest.is_empty() {
                return rest;
            }
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let before = rest.len();
            rest = tree(rest, base, found);
            // `as name` and whatever else is not a path is passed over up to the next comma or brace.
            rest = rest.find([',', '}']).map_or("", |at| &rest[at..]);
            if rest.len() == before {
                return rest;
            }
        }
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let mut path = base.to_vec();
    if !name.is_empty() {
        path.push(name.to_owned());
    }
    match rest.strip_prefix("::") {
        Some(more) if !more.starts_with('<') => tree(more, &path, found),
        _ => {
            found(path);
            rest
        }
    }
}

/// Blanks comments and the insides of string and character literals; keeps every line where it is.
pub fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = literal_end(&chars, i);
        if end > i {
            out.extend(chars[i..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            i = end;
        } else {
            out.push(chars[i]);
            i += 1;
        }
    }
    out
}

/// The end of the comment or literal that begins here; `at` itself where none does.
fn literal_end(chars: &[char], at: usize) -> usize {
    let is = |i: usize, c: char| chars.get(i) == Some(&c);
    let find = |from: usize, stop: &dyn Fn(usize) -> bool| {
        let mut i = from;
        while i < chars.len() && !stop(i) {
            i += 1;
        }
        i
    };
    match chars[at] {
        '/' if is(at + 1, '/') => find(at, &|i| is(i, '\n')),
        '/' if is(at + 1, '*') => (find(at + 2, &|i| is(i, '*') && is(i + 1, '/')) + 2).min(chars.len()),
        'r' if at == 0 || !chars[at - 1].is_alphanumeric() && chars[at - 1] != '_' || is(at.wrapping_sub(1), 'b') => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            if !is(at + 1 + hashes, '"') {
                return at;
            }
            let closes = |i: usize| is(i, '"') && (1..=hashes).all(|h| is(i + h, '#'));
            (find(at + 2 + hashes, &closes) + 1 + hashes).min(chars.len())
        }
        '"' => quoted_end(chars, at, '"'),
        // A character, not a lifetime: 'x' or an escape.
        '\'' if is(at + 1, '\\') || is(at + 2, '\'') => quoted_end(chars, at, '\''),
        _ => at,
    }
}

fn quoted_end(chars: &[char], at: usize, quote: char) -> usize {
    let mut i = at + 1;
    while i < chars.len() && chars[i] != quote {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

/// From each `#[cfg(test)]` to the end of the item it stands on.
fn test_ranges(code: &str) -> Vec<(usize, usize)> {
    let marks = ["#[cfg(test)]", "#[cfg(all(test"];
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for at in marks.iter().flat_map(|m| code.match_indices(m).map(|f| f.0)) {
        if !ranges.iter().any(|(from, to)| (*from..*to).contains(&at)) {
            ranges.push((at, item_end(code, at)));
        }
    }
    ranges
}

fn item_end(code: &str, at: usize) -> usize {
    let start = at + code[at..].find(']').map_or(0, |i| i + 1);
    let mut depth = 0;
    for (i, c) in code[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return start + i + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return start + i + 1,
            _ => {}
        }
    }
    code.len()
}

/// All files under `dir` with this extension, in order, from the top of the repository.
pub fn files(root: &Path, dir: &str, extension: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut left: Vec<PathBuf> = vec![root.join(dir)];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                let inner = path.strip_prefix(root).unwrap_or(&path);
                found.insert(inner.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.into_iter().collect()
}

/// Reads the sources under `dir` and marks the files that are tests.
pub fn read(root: &Path, dir: &str) -> Vec<Source> {
    let mut sources: Vec<Source> = files(root, dir, "rs")
        .into_iter()
        .map(|path| Source::new(&path, &fs::read_to_string(root.join(&path)).unwrap()))
        .collect();
    let test_files: BTreeSet<String> = sources
        .iter()
        .flat_map(|s| {
            let folder = s.path.trim_end_matches(".rs").trim_end_matches("/lib").to_owned();
            s.test_modules().into_iter().map(move |m| format!("{folder}/{m}"))
        })
        .collect();
    for source in &mut sources {
        let stem = source.path.trim_end_matches(".rs");
        if test_files.iter().any(|t| stem == t || stem.starts_with(&format!("{t}/"))) {
            source.all_test();
        }
    }
    sources
}
