//! The inventory: what the installation consists of, and what has changed since the last document.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Head;
use crate::model::paper::{Block, Document, Part, Table};

/// What the installation consists of, in groups.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// When it was taken.
    pub taken: Timestamp,
    /// Cameras, PLCs, hardware, network, versions.
    pub groups: Vec<Group>,
}

/// A group of things.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its title.
    pub title: String,
    /// The things.
    pub items: Vec<Item>,
}

/// A thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub facts: Vec<Fact>,
}

/// A fact of a thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What.
    pub name: String,
    /// Its value; none where it could not be seen this time.
    pub value: Option<String>,
    /// When it was seen.
    #[serde(default)]
    pub seen: Option<Timestamp>,
}

impl Item {
    /// A thing without facts yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), facts: Vec::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.facts.push(Fact { name: name.to_owned(), value: Some(value.into()), seen: None });
        self
    }

    /// Adds a fact that may not be known now.
    #[must_use]
    pub fn maybe(mut self, name: &str, value: Option<String>) -> Self {
        self.facts.push(Fact { name: name.to_owned(), value, seen: None });
        self
    }
}

impl Inventory {
    fn item(&self, group: &str, name: &str) -> Option<&Item> {
        self.groups.iter().find(|g| g.title == group)?.items.iter().find(|i| i.name == name)
    }

    /// What cannot be seen now is taken from the document before, with the time at which it was seen.
    pub fn remember(&mut self, before: &Self) {
        for group in &mut self.groups {
            for item in &mut group.items {
                let old = before.item(&group.title, &item.name);
                for fact in item.facts.iter_mut().filter(|f| f.value.is_none()) {
                    let Some(was) = old.and_then(|o| o.facts.iter().find(|f| f.name == fact.name)) else { continue };
                    fact.value.clone_from(&was.value);
                    fact.seen = was.value.as_ref().map(|_| was.seen.unwrap_or(before.taken));
                }
            }
        }
    }
}

/// What has changed from one inventory to the next, one line each. What could not be seen in one of them is no change.
#[must_use]
pub fn changes(before: &Inventory, now: &Inventory) -> Vec<String> {
    let mut out = Vec::new();
    for group in &now.groups {
        for item in &group.items {
            match before.item(&group.title, &item.name) {
                None => out.push(format!("{}: {} is new", group.title, item.name)),
                Some(old) => facts(&group.title, old, item, &mut out),
            }
        }
    }
    for group in &before.groups {
        for item in group.items.iter().filter(|i| now.item(&group.title, &i.name).is_none()) {
            out.push(format!("{}: {} is gone", group.title, item.name));
        }
    }
    out
}

fn facts(group: &str, old: &Item, new: &Item, out: &mut Vec<String>) {
    let value = |item: &Item, name: &str| item.facts.iter().find(|f| f.name == name).map(|f| f.value.clone());
    for fact in &new.facts {
        let Some(now) = &fact.value else { continue };
        match value(old, &fact.name) {
            Some(Some(was)) if was != *now => {
                out.push(format!("{group}: {}, {}: {was} → {now}", new.name, fact.name));
            }
            None => out.push(format!("{group}: {}, {} is new: {now}", new.name, fact.name)),
            _ => {}
        }
    }
    for gone in old.facts.iter().filter(|f| f.value.is_some() && value(new, &f.name).is_none()) {
        out.push(format!("{group}: {}, {} is gone", new.name, gone.name));
    }
}

/// The document: what there is, and what has changed since the last one.
#[must_use]
pub fn document(head: &Head, now: &Inventory, before: Option<&Inventory>) -> Document {
    let mut blocks = Vec::new();
    match before {
        None => blocks
            .push(Block::Verdict("This is the first inventory; there is none to compare it with".to_owned(), None)),
        Some(b) => {
            let changes = changes(b, now);
            let since = head.minute(b.taken);
            let text = match changes.len() {
                0 => format!("Nothing has changed since the inventory of {since}"),
                1 => format!("One change since the inventory of {since}"),
                n => format!("{n} changes since the inventory of {since}"),
            };
            blocks.push(Block::Verdict(text, None));
            if !changes.is_empty() {
                blocks.push(Block::Heading(1, "Changes since the last one".to_owned()));
                blocks.push(Block::List(changes));
            }
        }
    }
    for group in &now.groups {
        blocks.push(Block::Heading(1, group.title.clone()));
        if group.items.is_empty() {
            blocks.push(Block::Text("None.".to_owned()));
        } else {
            blocks.push(Block::Table(table(head, group)));
        }
    }
    let part =
        Part { kind: "Inventory".to_owned(), title: "Inventory of the installation".to_owned(), seal: None, blocks };
    head.document("Inventory of the installation", vec![part])
}

fn table(head: &Head, group: &Group) -> Table {
    let mut table = Table::new(&[("What", 24), ("Fact", 22), ("Value", 54)]);
    for item in &group.items {
        for (i, fact) in item.facts.iter().enumerate() {
            let value = match (&fact.value, fact.seen) {
                (Some(v), Some(seen)) => format!("{v} (seen {})", head.day(seen)),
                (Some(v), None) => v.clone(),
                (None, _) => "not known now".to_owned(),
            };
            let name = if i == 0 { item.name.clone() } else { String::new() };
            table.row([name, fact.name.clone(), value]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::head;
    use super::*;

    fn inventory(items: Vec<Item>) -> Inventory {
        Inventory { taken: head().now, groups: vec![Group { title: "Cameras".into(), items }] }
    }

    #[test]
    fn changes_are_told_and_the_unseen_is_none() {
        let a = inventory(vec![
            Item::new("east").with("address", "10.0.0.1").maybe("codec", Some("H264".into())).with("old", "x"),
            Item::new("west").with("address", "10.0.0.2"),
        ]);
        let b = inventory(vec![
            Item::new("east").with("address", "10.0.0.9").maybe("codec", None).with("scale", "0.42"),
            Item::new("roof"),
        ]);
        assert_eq!(
            changes(&a, &b),
            [
                "Cameras: east, address: 10.0.0.1 → 10.0.0.9",
                "Cameras: east, scale is new: 0.42",
                "Cameras: east, old is gone",
                "Cameras: roof is new",
                "Cameras: west is gone",
            ]
        );
        assert!(changes(&a, &a).is_empty());
        let mut later = b.clone();
        later.remember(&a);
        assert_eq!(later.groups[0].items[0].facts[1].value.as_deref(), Some("H264"));
        let text = document(&head(), &later, Some(&a)).content();
        assert!(
            text.contains("5 changes since the inventory of 2026-11-27 10:30 IST")
                && text.contains("(seen 2026-11-27)")
        );
        let back: Inventory = serde_json::from_str(&serde_json::to_string(&later).unwrap()).unwrap();
        assert_eq!(back, later);
    }
}
