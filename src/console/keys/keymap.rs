//! The keymap: which key does what where; read from TOML, refused as a whole with every fault named.

use std::collections::HashMap;
use std::ops::Range;

use crokey::KeyCombination;
use toml::de::{DeTable, DeValue};

use super::names::{label, parse_key};
use super::{ActionInfo, Context, all_actions};

/// The keymaps that are built in.
const BUILT_IN: [(&str, &str); 2] =
    [("default", include_str!("../../../keymaps/default.toml")), ("vim", include_str!("../../../keymaps/vim.toml"))];

/// Without a key for these a person could neither leave nor find anything else.
const ESSENTIAL: [(Context, &str); 5] = [
    (Context::Global, "quit"),
    (Context::Global, "help"),
    (Context::Global, "palette"),
    (Context::Dialog, "accept"),
    (Context::Dialog, "cancel"),
];

/// Which key does what where.
#[derive(Clone, Debug)]
pub struct Keymap {
    /// Its name.
    pub name: String,
    actions: Vec<ActionInfo>,
    by_key: HashMap<(Context, KeyCombination), &'static str>,
    by_action: HashMap<(Context, &'static str), Vec<KeyCombination>>,
}

impl Keymap {
    /// Reads the keymap of this name: `keymaps/NAME.toml` of the configuration directory, else the built-in one.
    /// `read` gives the text of a file of the configuration directory, by its path within.
    ///
    /// # Errors
    ///
    /// Every fault, as `file:line:column: what is wrong and what would be right`.
    pub fn load(name: &str, read: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let path = format!("keymaps/{name}.toml");
        let built_in = BUILT_IN.iter().find(|(n, _)| *n == name).map(|(_, t)| (*t).to_owned());
        match read(&path).or(built_in) {
            Some(text) => Self::parse(name, &path, &text),
            None => Err(vec![format!(
                "{path}: there is no such file in the configuration directory, and no keymap \"{name}\" is built in; \
                 built in are: {}",
                BUILT_IN.map(|(n, _)| n).join(", ")
            )]),
        }
    }

    /// The built-in keymap `default`.
    ///
    /// # Errors
    ///
    /// Never in a tested build; every fault of the file otherwise.
    pub fn built_in() -> Result<Self, Vec<String>> {
        Self::load("default", &|_| None)
    }

    fn parse(name: &str, path: &str, text: &str) -> Result<Self, Vec<String>> {
        let mut reader = Reader { path, text, faults: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for e in errors {
            reader.fault(&e.span().unwrap_or_default(), e.message());
        }
        let mut keymap =
            Self { name: name.to_owned(), actions: all_actions(), by_key: HashMap::new(), by_action: HashMap::new() };
        for (section, value) in table.get_ref() {
            keymap.section(section.get_ref(), &section.span(), value.get_ref(), &mut reader);
        }
        for (context, id) in ESSENTIAL {
            if keymap.keys(context, id).is_empty() {
                let why = format!("[{}] has no key for \"{id}\"; give it one", context.section());
                reader.fault(&(0..0), &why);
            }
        }
        if reader.faults.is_empty() { Ok(keymap) } else { Err(reader.faults) }
    }

    fn section(&mut self, name: &str, at: &Range<usize>, value: &DeValue<'_>, reader: &mut Reader<'_>) {
        let Some(context) = Context::ALL.into_iter().find(|c| c.section() == name) else {
            let known: Vec<&str> = Context::ALL.iter().map(|c| c.section()).collect();
            reader.fault(at, &format!("unknown section [{name}]; {}", suggest(name, &known)));
            return;
        };
        let DeValue::Table(rows) = value else {
            reader.fault(at, &format!("\"{name}\" must be a section: [{name}]"));
            return;
        };
        for (id, keys) in rows {
            let known: Vec<&'static str> = self.actions.iter().filter(|a| a.context == context).map(|a| a.id).collect();
            let Some(action) = known.iter().copied().find(|k| *k == id.get_ref().as_ref()) else {
                let why = format!("unknown action \"{}\" in [{name}]; {}", id.get_ref(), suggest(id.get_ref(), &known));
                reader.fault(&id.span(), &why);
                continue;
            };
            match keys.get_ref() {
                DeValue::String(key) => self.bind(context, action, key, &keys.span(), reader),
                DeValue::Array(list) => {
                    for key in list {
                        match key.get_ref() {
                            DeValue::String(k) => self.bind(context, action, k, &key.span(), reader),
                            other => reader.fault(&key.span(), &not_a_key(other)),
                        }
                    }
                }
                other => reader.fault(&keys.span(), &not_a_key(other)),
            }
        }
    }

    fn bind(&mut self, context: Context, action: &'static str, name: &str, at: &Range<usize>, reader: &mut Reader<'_>) {
        let Some(key) = parse_key(name) else {
            let why = format!(
                "unknown key \"{name}\"; a key is one character, or a name such as enter, esc, tab, space, up, pagedown, \
                 home, f5, or one of them after ctrl-, alt- or shift-"
            );
            reader.fault(at, &why);
            return;
        };
        match self.by_key.insert((context, key), action) {
            Some(other) if other != action => {
                let shown = label(key);
                let why = format!(
                    "key {shown} is given to \"{other}\" and to \"{action}\" in [{}]; keep one",
                    context.section()
                );
                reader.fault(at, &why);
            }
            Some(_) => {}
            None => self.by_action.entry((context, action)).or_default().push(key),
        }
    }

    /// What a key does on a tab: its own context first, then lists, then everywhere.
    #[must_use]
    pub fn on_tab(&self, tab: Context, key: KeyCombination) -> Option<(Context, &'static str)> {
        [tab, Context::List, Context::Global].into_iter().find_map(|c| self.on(c, key).map(|a| (c, a)))
    }

    /// What a key does in one context.
    #[must_use]
    pub fn on(&self, context: Context, key: KeyCombination) -> Option<&'static str> {
        self.by_key.get(&(context, key)).copied()
    }

    /// The keys of an action, the first named first.
    #[must_use]
    pub fn keys(&self, context: Context, id: &str) -> &[KeyCombination] {
        // The map's key borrows for 'static; ids are few, so a look over them costs nothing.
        self.by_action.iter().find(|((c, a), _)| *c == context && *a == id).map_or(&[], |(_, k)| k)
    }

    /// The first key of an action as shown; none where it has no key.
    #[must_use]
    pub fn hint(&self, context: Context, id: &str) -> Option<String> {
        self.keys(context, id).first().map(|k| label(*k))
    }

    /// Every action known, with a key or without.
    #[must_use]
    pub fn actions(&self) -> &[ActionInfo] {
        &self.actions
    }
}

/// Collects faults with their places.
struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn fault(&mut self, at: &Range<usize>, what: &str) {
        let before = self.text.get(..at.start.min(self.text.len())).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        self.faults.push(format!("{}:{line}:{column}: {what}", self.path));
    }
}

fn not_a_key(value: &DeValue<'_>) -> String {
    format!("a key must be a text such as \"enter\", not {}", value.type_str())
}

/// `did you mean …?` where something known is near, else everything known.
fn suggest(word: &str, known: &[&str]) -> String {
    let near = known.iter().map(|k| (distance(word, k), *k)).min();
    match near {
        Some((d, k)) if d <= 2.max(word.len() / 3) => format!("did you mean \"{k}\"?"),
        Some(_) => format!("known are: {}", known.join(", ")),
        None => "nothing can be bound here".into(),
    }
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn faults(text: &str) -> Vec<String> {
        Keymap::load("x", &|p| (p == "keymaps/x.toml").then(|| text.to_owned())).expect_err("refused")
    }

    #[test]
    fn the_built_in_ones_are_good() {
        for (name, _) in BUILT_IN {
            let k = Keymap::load(name, &|_| None).unwrap_or_else(|e| panic!("{e:#?}"));
            for a in [("quit", Context::Global), ("filter", Context::List), ("acknowledge", Context::Global)] {
                assert!(k.hint(a.1, a.0).is_some(), "{name}: {a:?}");
            }
            for a in k.actions() {
                assert!(!k.keys(a.context, a.id).is_empty(), "{name} has no key for {} {}", a.context.section(), a.id);
            }
        }
    }

    #[test]
    fn all_faults_at_once_with_their_places() {
        let text = "[global]\nquit = \"q\"\nhelp = [\"?\", \"q\"]\npalete = \":\"\n[lst]\nup = \"up\"\n[list]\nup = \"upp\"\ndown = 3\n";
        let got = faults(text).join("\n");
        for want in [
            "keymaps/x.toml:3:14: key q is given to \"quit\" and to \"help\" in [global]",
            "keymaps/x.toml:4:1: unknown action \"palete\" in [global]; did you mean \"palette\"?",
            "keymaps/x.toml:5:2: unknown section [lst]; did you mean \"list\"?",
            "keymaps/x.toml:8:6: unknown key \"upp\"",
            "keymaps/x.toml:9:8: a key must be a text",
            "keymaps/x.toml:1:1: [global] has no key for \"palette\"",
        ] {
            assert!(got.contains(want), "{want}\nnot in\n{got}");
        }
    }

    #[test]
    fn a_missing_one_and_a_broken_one() {
        let e = Keymap::load("nano", &|_| None).expect_err("not built in");
        assert!(e[0].contains("keymaps/nano.toml") && e[0].contains("default, vim"), "{e:?}");
        assert!(faults("[global\nquit = 1").iter().all(|f| f.starts_with("keymaps/x.toml:")));
    }

    #[test]
    fn the_users_file_wins() {
        let k = Keymap::load("default", &|_| {
            Some("[global]\nquit=\"Q\"\nhelp=\"?\"\npalette=\":\"\n[dialog]\naccept=\"enter\"\ncancel=\"esc\"".into())
        });
        assert_eq!(k.expect("good").hint(Context::Global, "quit").as_deref(), Some("Q"));
    }

    #[test]
    fn the_nearest_context_wins() {
        let k = Keymap::built_in().expect("good");
        let at = |name: &str, tab| k.on_tab(tab, parse_key(name).expect("a key")).map(|(c, a)| (c.section(), a));
        assert_eq!(at("up", Context::Cameras), Some(("list", "up")));
        assert_eq!(at("q", Context::Cameras), Some(("global", "quit")));
        assert_eq!(at("r", Context::Cameras), Some(("cameras", "reconnect")));
        assert_eq!(at("f12", Context::Cameras), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,80}", name in "[a-z]{1,8}") {
            let _ = Keymap::load(&name, &|_| Some(text.clone()));
            let _ = parse_key(&text);
        }

        #[test]
        fn a_distance_is_one(a in "[a-c]{0,6}", b in "[a-c]{0,6}") {
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
        }
    }
}
