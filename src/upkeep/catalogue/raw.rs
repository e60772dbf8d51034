//! From the catalogue's text to checked tasks, with the place of everything that is wrong.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Catalogue, Fault, TaskDef};
use crate::model::upkeep::{Cadence, StepDef, StepKind};
use crate::upkeep::checks;

type Table<'a> = DeTable<'a>;

const TASK_KEYS: [&str; 6] = ["id", "row", "title", "cadence", "covers", "step"];
const STEP_KEYS: [&str; 6] = ["id", "title", "why", "how", "kind", "check"];

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

struct Reader<'t> {
    text: &'t str,
    faults: Vec<(usize, Fault)>,
    task: Option<String>,
}

impl Reader<'_> {
    fn fault(&mut self, span: Range<usize>, text: impl Into<String>) {
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

    fn one_task(&mut self, table: &Table<'_>, span: Range<usize>) -> Option<TaskDef> {
        self.unknown_keys(table, &TASK_KEYS, "");
        let id = self.name(table, "id", &span);
        let row = self.words(table, "row", &span);
        let title = self.words(table, "title", &span);
        let cadence = self.cadence(table, &span);
        let covers = self.names(table, "covers");
        let mut steps: Vec<StepDef> = Vec::new();
        let mut complete = true;
        for (at, step) in self.tables(table, "step", span, "a task needs at least one [[task.step]]") {
            let Some(def) = self.one_step(step, at) else {
                complete = false;
                continue;
            };
            if steps.iter().any(|s| s.id == def.id) {
                let text = format!("the step id \"{}\" is used twice in this task; ids must differ", def.id);
                self.fault(place(step, "id"), text);
            }
            steps.push(def);
        }
        let steps: Arc<[StepDef]> = steps.into();
        // The id is wanted even where the rest is faulty, so that duplicates are told in the same breath.
        let task = TaskDef { id: id?, row: row?, title: title?, cadence: cadence?, covers, steps };
        complete.then_some(task)
    }

    fn one_step(&mut self, table: &Table<'_>, span: Range<usize>) -> Option<StepDef> {
        self.unknown_keys(table, &STEP_KEYS, "");
        let id = self.name(table, "id", &span);
        let title = self.words(table, "title", &span);
        let why = self.words(table, "why", &span);
        let how = self.words(table, "how", &span);
        let kind = self.kind(table, &span);
        Some(StepDef {
            id: id?,
            title: title?,
            why: why?,
            how: how?,
            kind: kind?,
            subject: None,
            when: [].into(),
            guide: None,
        })
    }

    fn kind(&mut self, table: &Table<'_>, span: &Range<usize>) -> Option<StepKind> {
        let word = self.words(table, "kind", span)?;
        let has_check = table.contains_key("check");
        match &*word {
            "check" => return self.check(table, span),
            "observe" | "note" if has_check => {
                let text =
                    format!("only a step of kind \"check\" has a check; remove it, or make kind \"{word}\" a check");
                self.fault(place(table, "check"), text);
            }
            "observe" => return Some(StepKind::Observe),
            "note" => return Some(StepKind::Note),
            _ => {
                let text = format!("unknown kind \"{word}\"; it is one of check, observe, note");
                self.fault(place(table, "kind"), text);
            }
        }
        None
    }

    fn check(&mut self, table: &Table<'_>, span: &Range<usize>) -> Option<StepKind> {
        let check = self.words(table, "check", span)?;
        if checks::NAMES.contains(&&*check) {
            return Some(StepKind::Check { check });
        }
        let text = format!("unknown check \"{check}\"; it is one of {}", checks::NAMES.join(", "));
        self.fault(place(table, "check"), text);
        None
    }

    fn cadence(&mut self, table: &Table<'_>, span: &Range<usize>) -> Option<Cadence> {
        const ALL: [Cadence; 4] = [Cadence::Daily, Cadence::Weekly, Cadence::Monthly, Cadence::Quarterly];
        let word = self.words(table, "cadence", span)?;
        let found = ALL.into_iter().find(|c| c.word() == &*word);
        if found.is_none() {
            let text = format!("unknown cadence \"{word}\"; it is one of daily, weekly, monthly, quarterly");
            self.fault(place(table, "cadence"), text);
        }
        found
    }

    /// Tasks named by `covers` must be others of the same cadence, or their due dates would make no sense.
    fn covers(&mut self, root: &Table<'_>, tasks: &[TaskDef]) {
        let tables = root.get("task").and_then(|v| v.get_ref().as_array());
        for table in tables.into_iter().flatten().filter_map(|v| v.get_ref().as_table()) {
            let id = table.get("id").and_then(|v| v.get_ref().as_str());
            let Some(task) = tasks.iter().find(|t| Some(&*t.id) == id) else { continue };
            self.task = Some(task.id.to_string());
            for name in &task.covers {
                let wrong = match tasks.iter().find(|t| t.id == *name) {
                    Some(other) if other.id == task.id => format!("covers itself (\"{name}\"); remove that"),
                    Some(other) if other.cadence != task.cadence => {
                        format!("covers \"{name}\", which is {}, not {}", other.cadence.word(), task.cadence.word())
                    }
                    Some(_) => continue,
                    // A task with faults of its own is not among the tasks; those faults are told already.
                    None if self.text.contains(&format!("id = \"{name}\"")) => continue,
                    None => format!("covers \"{name}\", and there is no such task"),
                };
                self.fault(place(table, "covers"), wrong);
            }
        }
    }

    fn unknown_keys(&mut self, table: &Table<'_>, known: &[&str], hint: &str) {
        for key in table.keys().filter(|k| !known.contains(&k.get_ref().as_ref())) {
            let hint = if hint.is_empty() { format!("known keys: {}", known.join(", ")) } else { hint.to_owned() };
            self.fault(key.span(), format!("unknown key \"{}\"; {hint}", key.get_ref()));
        }
    }

    /// An array of tables.
    fn tables<'a, 'b>(
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
    fn words(&mut self, table: &Table<'_>, key: &str, span: &Range<usize>) -> Option<Arc<str>> {
        let Some(value) = table.get(key) else {
            self.fault(span.clone(), format!("\"{key}\" is missing; give it a text"));
            return None;
        };
        self.text_of(key, value)
    }

    fn text_of(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Arc<str>> {
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
    fn name(&mut self, table: &Table<'_>, key: &str, span: &Range<usize>) -> Option<Arc<str>> {
        let name = self.words(table, key, span)?;
        if name.len() <= 64 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            return Some(name);
        }
        let text = format!("\"{name}\" is no {key}; use up to 64 small letters, digits and hyphens");
        self.fault(place(table, key), text);
        None
    }

    fn names(&mut self, table: &Table<'_>, key: &str) -> Vec<Arc<str>> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.fault(value.span(), format!("\"{key}\" must be a list of task ids: [\"…\"]"));
            return Vec::new();
        };
        array.iter().filter_map(|v| self.text_of(key, v)).collect()
    }
}

/// Where the value of a key stands.
fn place(table: &Table<'_>, key: &str) -> Range<usize> {
    table.get(key).map_or(0..0, Spanned::span)
}
