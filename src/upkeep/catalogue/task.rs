//! A task of a catalogue's text: its own keys, and what tasks and steps say of each other.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::TaskDef;
use super::raw::{Reader, Table, place};
use crate::model::people::Role;
use crate::model::upkeep::{Cadence, Counting, Rule, StepDef};

const KEYS: [&str; 11] =
    ["id", "row", "title", "cadence", "day", "by", "grace", "from", "role", "counter_sign", "covers"];

/// Longest time of grace: a quarter.
const MAX_GRACE_MIN: u64 = 92 * 24 * 60;

impl Reader<'_> {
    pub(super) fn one_task(&mut self, table: &Table<'_>, span: Range<usize>) -> Option<TaskDef> {
        let known: Vec<&str> = KEYS.into_iter().chain(["step"]).collect();
        self.unknown_keys(table, &known, "");
        let id = self.name(table, "id", &span);
        let row = self.words(table, "row", &span);
        let title = self.words(table, "title", &span);
        let cadence = self.cadence(table, &span);
        let rule = self.rule(table, cadence);
        let role = self.role(table);
        let counter_sign = self.flag(table, "counter_sign");
        let covers = self.names(table, "covers");
        let mut steps: Vec<StepDef> = Vec::new();
        let mut each = Vec::new();
        let mut complete = true;
        for (at, step) in self.tables(table, "step", span, "a task needs at least one [[task.step]]") {
            let Some((def, of)) = self.one_step(step, at) else {
                complete = false;
                continue;
            };
            if steps.iter().any(|s| s.id == def.id) {
                let text = format!("the step id \"{}\" is used twice in this task; ids must differ", def.id);
                self.fault(place(step, "id"), text);
            }
            steps.push(def);
            each.push(of);
        }
        if complete {
            self.conditions(table, &steps);
        }
        // The id is wanted even where the rest is faulty, so that duplicates are told in the same breath.
        let task = TaskDef {
            id: id?,
            row: row?,
            title: title?,
            cadence: cadence?,
            rule,
            role,
            counter_sign,
            covers,
            steps: steps.into(),
            each,
            guide: false,
        };
        complete.then_some(task)
    }

    fn cadence(&mut self, table: &Table<'_>, span: &Range<usize>) -> Option<Cadence> {
        const ALL: [Cadence; 5] =
            [Cadence::Daily, Cadence::Weekly, Cadence::Monthly, Cadence::Quarterly, Cadence::Event];
        let word = self.words(table, "cadence", span)?;
        let found = ALL.into_iter().find(|c| c.word() == &*word);
        if found.is_none() {
            let text = format!("unknown cadence \"{word}\"; it is one of daily, weekly, monthly, quarterly, event");
            self.fault(place(table, "cadence"), text);
        }
        found
    }

    fn rule(&mut self, table: &Table<'_>, cadence: Option<Cadence>) -> Rule {
        Rule {
            day: self.day(table, cadence),
            minute: self.minute(table),
            grace_min: self.grace(table),
            counting: self.counting(table),
        }
    }

    /// The day of the period; dates that do not exist in every period are refused.
    fn day(&mut self, table: &Table<'_>, cadence: Option<Cadence>) -> Option<u8> {
        const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let value = table.get("day")?;
        match (cadence?, value.get_ref().as_str(), self.integer(value)) {
            (Cadence::Weekly, Some(word), _) => {
                let found = DAYS.iter().position(|d| *d == word);
                if found.is_none() {
                    self.fault(value.span(), format!("\"{word}\" is no weekday; it is one of {}", DAYS.join(", ")));
                }
                found.map(|i| i as u8 + 1)
            }
            (Cadence::Monthly | Cadence::Quarterly, None, Some(day)) if (1..=28).contains(&day) => Some(day as u8),
            (Cadence::Monthly | Cadence::Quarterly, ..) => {
                let text = "\"day\" must be a number from 1 to 28, so that every month has that day";
                self.fault(value.span(), text);
                None
            }
            (Cadence::Weekly, ..) => {
                self.fault(value.span(), "\"day\" of a weekly task is a weekday in quotes, such as \"monday\"");
                None
            }
            (Cadence::Daily | Cadence::Event, ..) => {
                self.fault(value.span(), "only weekly, monthly and quarterly tasks have a \"day\"; remove it");
                None
            }
        }
    }

    fn minute(&mut self, table: &Table<'_>) -> Option<u16> {
        let value = table.get("by")?;
        let minute = value.get_ref().as_str().and_then(|t| {
            let (hour, minute) = t.split_once(':')?;
            let digits = |s: &str| s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit());
            let (h, m) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
            (digits(hour) && digits(minute) && h < 24 && m < 60).then_some(h * 60 + m)
        });
        if minute.is_none() {
            self.fault(value.span(), "\"by\" must be a time of day in quotes, such as \"06:00\"");
        }
        minute
    }

    fn grace(&mut self, table: &Table<'_>) -> u32 {
        let Some(value) = table.get("grace") else { return 0 };
        let minutes =
            value.get_ref().as_str().and_then(|t| humantime::parse_duration(t).ok()).map(|d| d.as_secs() / 60);
        if let Some(m) = minutes.filter(|m| *m <= MAX_GRACE_MIN) {
            m as u32
        } else {
            self.fault(value.span(), "\"grace\" must be a time in quotes of at most 92 days, such as \"4h\"");
            0
        }
    }

    fn counting(&mut self, table: &Table<'_>) -> Counting {
        let Some(value) = table.get("from") else { return Counting::Plan };
        match value.get_ref().as_str() {
            Some("plan") => {}
            Some("completion") => return Counting::Completion,
            _ => self.fault(value.span(), "\"from\" must be \"plan\" or \"completion\""),
        }
        Counting::Plan
    }

    fn role(&mut self, table: &Table<'_>) -> Role {
        let Some(value) = table.get("role") else { return Role::Operator };
        let role = value.get_ref().as_str().and_then(Role::of);
        if role.is_none() {
            let words = Role::ALL.map(Role::word).join(", ");
            self.fault(value.span(), format!("\"role\" must be one of {words}, in quotes"));
        }
        role.unwrap_or_default()
    }

    /// Conditions name earlier steps; a circle is told as one.
    fn conditions(&mut self, table: &Table<'_>, steps: &[StepDef]) {
        let tables = table.get("step").and_then(|v| v.get_ref().as_array());
        let places: Vec<Range<usize>> =
            tables.into_iter().flatten().filter_map(|v| v.get_ref().as_table()).map(|t| place(t, "when")).collect();
        for (i, step) in steps.iter().enumerate() {
            let at = places.get(i).cloned().unwrap_or_default();
            for when in step.when.iter() {
                match steps.iter().position(|s| s.id == when.step) {
                    Some(earlier) if earlier < i => {
                        let words = answers_of(&steps[earlier]);
                        for word in when.is.iter().filter(|w| !words.contains(*w)) {
                            let known: Vec<&str> = words.iter().map(|w| &**w).collect();
                            let text = format!(
                                "the step {} never ends as \"{word}\"; it ends as one of {}",
                                when.step,
                                known.join(", ")
                            );
                            self.fault(at.clone(), text);
                        }
                    }
                    Some(_) => {
                        let text = match circle(steps, i) {
                            Some(path) => format!("the conditions go in a circle: {path}; break it"),
                            None => format!("the condition names {}, which comes later; move that step up", when.step),
                        };
                        self.fault(at.clone(), text);
                    }
                    None => {
                        self.fault(at.clone(), format!("the condition names \"{}\": there is no such step", when.step));
                    }
                }
            }
        }
    }

    /// Tasks named by `covers` must be others of the same cadence, or their due dates would make no sense.
    pub(super) fn covers(&mut self, root: &Table<'_>, tasks: &[TaskDef]) {
        let tables = root.get("task").and_then(|v| v.get_ref().as_array());
        for table in tables.into_iter().flatten().filter_map(|v| v.get_ref().as_table()) {
            let id = table.get("id").and_then(|v| v.get_ref().as_str());
            let Some(task) = tasks.iter().find(|t| Some(&*t.id) == id) else { continue };
            self.task = Some(task.id.to_string());
            for name in &task.covers {
                let wrong = match tasks.iter().find(|t| t.id == *name) {
                    Some(other) if other.id == task.id => format!("covers itself (\"{name}\"); remove that"),
                    Some(other) if other.covers.contains(&task.id) => {
                        format!("covers \"{name}\", which covers {} in turn; keep one of the two", task.id)
                    }
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
}

/// How a step can end, in the words of a condition.
fn answers_of(step: &StepDef) -> BTreeSet<Arc<str>> {
    let mut words: BTreeSet<Arc<str>> = ["passed", "failed", "skipped", "unknown"].into_iter().map(Arc::from).collect();
    if let crate::model::upkeep::StepKind::Choose { options } = &step.kind {
        words.extend(options.iter().map(|o| Arc::clone(&o.text)));
    }
    words
}

/// The circle of conditions that this step is in: `a, b, a`.
fn circle(steps: &[StepDef], start: usize) -> Option<String> {
    let mut path = vec![start];
    let mut seen = BTreeSet::new();
    while let Some(&at) = path.last() {
        let next = steps[at].when.iter().find_map(|w| {
            let i = steps.iter().position(|s| s.id == w.step)?;
            (i == start || !seen.contains(&i)).then_some(i)
        });
        match next {
            Some(i) if i == start => {
                let names: Vec<&str> = path.iter().chain([&start]).map(|i| &*steps[*i].id).collect();
                return Some(names.join(", "));
            }
            Some(i) => {
                seen.insert(i);
                path.push(i);
            }
            None => {
                path.pop();
            }
        }
    }
    None
}
