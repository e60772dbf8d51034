//! A step of a catalogue's text: its kind, with the keys that belong to it, and its conditions.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;

use super::Each;
use super::raw::{Reader, Table, place};
use crate::model::upkeep::{Choice, StepDef, StepKind, When};
use crate::upkeep::checks;
use crate::upkeep::errand::{self, Effect, Of};

const KEYS: [&str; 14] = [
    "id", "title", "why", "how", "kind", "check", "action", "each", "when", "options", "unit", "range", "good", "guide",
];

/// The keys that only steps of one kind have.
const OWN: [(&str, &str); 6] = [
    ("check", "check"),
    ("action", "action"),
    ("options", "choose"),
    ("unit", "measure"),
    ("range", "measure"),
    ("good", "measure"),
];

const KINDS: [&str; 6] = ["check", "action", "observe", "measure", "choose", "note"];

impl Reader<'_> {
    pub(super) fn one_step(&mut self, table: &Table<'_>, span: Range<usize>) -> Option<(StepDef, Option<Each>)> {
        self.unknown_keys(table, &KEYS, "");
        let id = self.name(table, "id", &span);
        let title = self.words(table, "title", &span);
        let why = self.words(table, "why", &span);
        let how = self.words(table, "how", &span);
        let kind = self.kind(table, &span);
        let when = self.when(table);
        let each = self.each(table);
        let guide = table.get("guide").and_then(|v| self.text_of("guide", v));
        if let (Some(kind), Some(each)) = (&kind, each) {
            self.fits(table, kind, each);
        }
        let def = StepDef {
            id: id?,
            title: title?,
            why: why?,
            how: how?,
            kind: kind?,
            subject: None,
            when: when.into(),
            guide,
        };
        Some((def, each))
    }

    fn kind(&mut self, table: &Table<'_>, span: &Range<usize>) -> Option<StepKind> {
        let word = self.words(table, "kind", span)?;
        if !KINDS.contains(&&*word) {
            let text = format!("unknown kind \"{word}\"; it is one of {}", KINDS.join(", "));
            self.fault(place(table, "kind"), text);
            return None;
        }
        let mut strange = false;
        for (key, owner) in OWN.iter().filter(|(k, o)| *o != &*word && table.contains_key(*k)) {
            let text =
                format!("only a step of kind \"{owner}\" has \"{key}\"; remove it, or make kind \"{word}\" a {owner}");
            self.fault(place(table, key), text);
            strange = true;
        }
        if strange {
            return None;
        }
        match &*word {
            "check" => self.check(table, span),
            "action" => self.action(table, span),
            "measure" => self.measure(table, span),
            "choose" => self.choose(table, span),
            "observe" => Some(StepKind::Observe),
            _ => Some(StepKind::Note),
        }
    }

    fn check(&mut self, table: &Table<'_>, span: &Range<usize>) -> Option<StepKind> {
        let check = self.words(table, "check", span)?;
        let looks = errand::find(&check).is_some_and(|e| e.effect == Effect::Looks);
        if looks || checks::NAMES.contains(&&*check) {
            return Some(StepKind::Check { check });
        }
        let text = if errand::find(&check).is_some() {
            format!("\"{check}\" changes something: use kind = \"action\" and action = \"{check}\"")
        } else {
            format!("unknown check \"{check}\"; it is one of {}", names(Effect::Looks))
        };
        self.fault(place(table, "check"), text);
        None
    }

    fn action(&mut self, table: &Table<'_>, span: &Range<usize>) -> Option<StepKind> {
        let action = self.words(table, "action", span)?;
        if errand::find(&action).is_some_and(|e| e.effect == Effect::Changes) {
            return Some(StepKind::Action { action });
        }
        let text = format!("unknown action \"{action}\"; it is one of {}", names(Effect::Changes));
        self.fault(place(table, "action"), text);
        None
    }

    fn measure(&mut self, table: &Table<'_>, span: &Range<usize>) -> Option<StepKind> {
        let unit = self.words(table, "unit", span)?;
        let Some(value) = table.get("range") else {
            self.fault(span.clone(), "\"range\" is missing; give the plausible range, such as range = [0, 100]");
            return None;
        };
        let (min, max) = self.pair("range", value)?;
        let (low, high) = match table.get("good") {
            Some(good) => {
                let (low, high) = self.pair("good", good)?;
                if low < min || high > max {
                    self.fault(good.span(), "\"good\" must lie within \"range\"");
                    return None;
                }
                (Some(low), Some(high))
            }
            None => (None, None),
        };
        Some(StepKind::Measure { unit, min, max, low, high })
    }

    /// Two numbers, the smaller first.
    fn pair(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<(f64, f64)> {
        let numbers: Option<Vec<f64>> =
            value.get_ref().as_array().and_then(|a| a.iter().map(|v| self.number(v)).collect());
        match numbers.as_deref() {
            Some([a, b]) if a < b => Some((*a, *b)),
            _ => {
                self.fault(value.span(), format!("\"{key}\" must be two numbers, the smaller first: [0, 100]"));
                None
            }
        }
    }

    fn choose(&mut self, table: &Table<'_>, span: &Range<usize>) -> Option<StepKind> {
        let Some(value) = table.get("options") else {
            self.fault(span.clone(), "\"options\" is missing; write options = [{ text = \"…\", good = true }, …]");
            return None;
        };
        let all: Option<Vec<Choice>> = value.get_ref().as_array().and_then(|a| {
            a.iter()
                .map(|v| {
                    let t = v.get_ref().as_table()?;
                    let text = t.get("text")?.get_ref().as_str()?.trim();
                    let good = t.get("good").is_some_and(|g| g.get_ref().as_bool() == Some(true));
                    let strange = t.keys().any(|k| !["text", "good"].contains(&k.get_ref().as_ref()));
                    (!text.is_empty() && !strange).then(|| Choice { text: text.into(), good })
                })
                .collect()
        });
        let Some(options) = all.filter(|o| (2..=9).contains(&o.len())) else {
            self.fault(value.span(), "\"options\" must be 2 to 9 of { text = \"…\", good = true }");
            return None;
        };
        if options.iter().enumerate().any(|(i, o)| options[..i].iter().any(|p| p.text == o.text)) {
            self.fault(value.span(), "two options say the same; they must differ");
        }
        Some(StepKind::Choose { options: options.into() })
    }

    fn when(&mut self, table: &Table<'_>) -> Vec<When> {
        const SHAPE: &str = "\"when\" must be a list of { step = \"…\", is = [\"failed\"] }";
        let Some(value) = table.get("when") else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.fault(value.span(), SHAPE);
            return Vec::new();
        };
        let mut all = Vec::new();
        for item in array {
            let one = item.get_ref().as_table().and_then(|t| {
                let step: Arc<str> = t.get("step")?.get_ref().as_str()?.into();
                let is = t.get("is")?.get_ref();
                let is: Option<Vec<Arc<str>>> = match is.as_str() {
                    Some(word) => Some(vec![word.into()]),
                    None => is.as_array()?.iter().map(|v| v.get_ref().as_str().map(Arc::from)).collect(),
                };
                let is = is.filter(|words| !words.is_empty())?;
                (t.len() == 2).then(|| When { step, is: is.into() })
            });
            match one {
                Some(when) => all.push(when),
                None => self.fault(item.span(), SHAPE),
            }
        }
        all
    }

    fn each(&mut self, table: &Table<'_>) -> Option<Each> {
        let value = table.get("each")?;
        match value.get_ref().as_str() {
            Some("camera") => Some(Each::Camera),
            Some("plc") => Some(Each::Plc),
            Some("disk") => Some(Each::Disk),
            _ => {
                self.fault(value.span(), "\"each\" must be \"camera\", \"plc\" or \"disk\"");
                None
            }
        }
    }

    /// An errand for each camera must be one about cameras.
    fn fits(&mut self, table: &Table<'_>, kind: &StepKind, each: Each) {
        let (StepKind::Check { check: name } | StepKind::Action { action: name }) = kind else { return };
        let fits = match errand::find(name).map(|e| e.of) {
            Some(Of::Camera) => each == Each::Camera,
            Some(Of::Plc) => each == Each::Plc,
            Some(Of::Disk) => each == Each::Disk,
            // A check of the board looks at all of them at once.
            Some(Of::Site) | None => false,
        };
        if !fits {
            self.fault(place(table, "each"), format!("\"{name}\" is not made for each of these; remove \"each\""));
        }
    }
}

/// The names that a step of that effect may use.
fn names(effect: Effect) -> String {
    let board = checks::NAMES.into_iter().filter(|_| effect == Effect::Looks);
    let errands = errand::ERRANDS.iter().filter(|e| e.effect == effect).map(|e| e.name);
    board.chain(errands).collect::<Vec<_>>().join(", ")
}
