//! From the catalogue's text to checked tasks, with the place of everything that is wrong.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Catalogue, Fault, TaskDef};

pub(super) type Table<'a> = DeTable<'a>;

/// Reads and checks the whole text.
pub(super) fn read(text: &str) -> Result<Catalogue, Vec<Fault>> {
    let mut reader = Reader { text, faults: Vec::new(), task: None };
    let (root, errors) = DeTable::parse_recoverable(text);
    for e in &errors {
        reader.fault(e.span().unwrap_or(0..0), format!("this is not TOML: {}", e.message()));
    }
    if !errors.is_empty() {
        return Err(reader.done());
    }
    let tasks = reader.root(root.get_ref());
    if reader.faults.is_empty() { Ok(Catalogue { tasks }) } else { Err(reader.done()) }
}

/// Reads a text and gathers its faults. Its methods are spread over the rooms of what they read.
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    faults: Vec<(usize, Fault)>,
    pub(super) task: Option<String>,
}

impl Reader<'_> {
    pub(super) fn fault(&mut self, span: Range<usize>, text: impl Into<String>) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        self.faults.push((span.start, Fault { line, column, task: self.task.clone(), text: text.into() }));
    }

    fn done(mut self) -> Vec<Fault> {
        self.faults.sort_by_key(|f| f.0);
        self.faults.into_iter().map(|f| f.1).collect()
    }

    fn root(&mut self, root: &Table<'_>) -> Vec<TaskDef> {
        self.unknown_keys(root, &["task"], "a catalogue has only [[task]]");
        let mut tasks: Vec<TaskDef> = Vec::new();
        let mut places = BTreeMap::new();
        for (span, table) in self.tables(root, "task", 0..0, "a catalogue needs at least one [[task]]") {
            self.task = table.get("id").and_then(|v| v.get_ref().as_str()).map(str::to_owned);
            let Some(task) = self.one_task(table, span) else { continue };
            if let Some(first) = places.insert(Arc::clone(&task.id), place(table, "id")) {
                let line = self.text[..first.start].matches('\n').count() + 1;
                self.fault(place(table, "id"), format!("the id is used in line {line} already; ids must differ"));
            }
            tasks.push(task);
        }
        self.covers(root, &tasks);
        self.task = None;
        tasks
    }

    pub(super) fn unknown_keys(&mut self, table: &Table<'_>, known: &[&str], hint: &str) {
        for key in table.keys().filter(|k| !known.contains(&k.get_ref().as_ref())) {
            let hint = if hint.is_empty() { format!("known keys: {}", known.join(", ")) } else { hint.to_owned() };
            self.fault(key.span(), format!("unknown key \"{}\"; {hint}", key.get_ref()));
        }
    }

    /// An array of tables.
    pub(super) fn tables<'a, 'b>(
        &mut self,
        table: &'b Table<'a>,
        key: &str,
        span: Range<usize>,
        missing: &str,
    ) -> Vec<(Range<usize>, &'b Table<'a>)> {
        let Some(value) = table.get(key) else {
            self.fault(span, missing);
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            self.fault(value.span(), format!("\"{key}\" must be written as [[…{key}]]"));
            return Vec::new();
        };
        if array.is_empty() {
            self.fault(value.span(), missing);
        }
        let mut found = Vec::new();
        for item in array {
            match item.get_ref().as_table() {
                Some(t) => found.push((item.span(), t)),
                None => self.fault(item.span(), format!("\"{key}\" must be written as [[…{key}]]")),
            }
        }
        found
    }

    /// A text that must be there and say something.
    pub(super) fn words(&mut self, table: &Table<'_>, key: &str, span: &Range<usize>) -> Option<Arc<str>> {
        let Some(value) = table.get(key) else {
            self.fault(span.clone(), format!("\"{key}\" is missing; give it a text"));
            return None;
        };
        self.text_of(key, value)
    }

    pub(super) fn text_of(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Arc<str>> {
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => return Some(text.trim().into()),
            Some(_) => self.fault(value.span(), format!("\"{key}\" is empty; give it a text")),
            None => {
                let kind = value.get_ref().type_str();
                self.fault(value.span(), format!("\"{key}\" is of type {kind}; it must be a text in quotes"));
            }
        }
        None
    }

    /// A text that serves as an id.
    pub(super) fn name(&mut self, table: &Table<'_>, key: &str, span: &Range<usize>) -> Option<Arc<str>> {
        let name = self.words(table, key, span)?;
        if name.len() <= 64 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            return Some(name);
        }
        let text = format!("\"{name}\" is no {key}; use up to 64 small letters, digits and hyphens");
        self.fault(place(table, key), text);
        None
    }

    /// A switch; off where it is left out.
    pub(super) fn flag(&mut self, table: &Table<'_>, key: &str) -> bool {
        let Some(value) = table.get(key) else { return false };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.fault(value.span(), format!("\"{key}\" must be true or false, without quotes"));
        }
        flag.unwrap_or(false)
    }

    /// A whole number, if it is one.
    pub(super) fn integer(&self, value: &Spanned<DeValue<'_>>) -> Option<i64> {
        let text = self.text.get(value.span())?;
        value.get_ref().as_integer().and_then(|_| text.trim().parse().ok())
    }

    /// A number, if it is one.
    pub(super) fn number(&self, value: &Spanned<DeValue<'_>>) -> Option<f64> {
        let text = self.text.get(value.span())?;
        let v = value.get_ref();
        let number = v.as_integer().is_some() || v.as_float().is_some();
        number.then(|| text.trim().replace('_', "").parse::<f64>().ok()).flatten().filter(|n| n.is_finite())
    }

    pub(super) fn names(&mut self, table: &Table<'_>, key: &str) -> Vec<Arc<str>> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.fault(value.span(), format!("\"{key}\" must be a list of task ids: [\"…\"]"));
            return Vec::new();
        };
        array.iter().filter_map(|v| self.text_of(key, v)).collect()
    }
}

/// Where the value of a key stands.
pub(super) fn place(table: &Table<'_>, key: &str) -> Range<usize> {
    table.get(key).map_or(0..0, Spanned::span)
}
