//! Names of keys, as the keymap files write them and as the console shows them.

use crokey::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use crokey::{KeyCombination, KeyCombinationFormat, OneToThree};

/// The key of a name: one character (`a`, `A`, `?`), a name (`enter`, `pagedown`, `f5`, `space`), or either after `ctrl-`, `alt-`, `shift-`.
/// None for what is no key of a terminal.
#[must_use]
pub fn parse_key(name: &str) -> Option<KeyCombination> {
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!c.is_whitespace()).then(|| normal(KeyCode::Char(c), KeyModifiers::NONE));
    }
    let key = crokey::parse(name).ok()?;
    match key.codes {
        OneToThree::One(code) => Some(normal(code, key.modifiers)),
        // Several keys at once cannot be told from one after the other on a terminal.
        _ => None,
    }
}

/// The key that an event of the terminal means.
#[must_use]
pub(crate) fn of_event(e: KeyEvent) -> KeyCombination {
    normal(e.code, e.modifiers)
}

/// One form for what terminals send in several: the case of a letter says whether Shift was held, other characters say it by themselves.
fn normal(code: KeyCode, modifiers: KeyModifiers) -> KeyCombination {
    let (code, modifiers) = match code {
        KeyCode::Char('\r' | '\n') => (KeyCode::Enter, modifiers),
        KeyCode::Char(c) if c.is_alphabetic() => {
            let upper = c.is_uppercase() || modifiers.contains(KeyModifiers::SHIFT);
            let c = if upper { c.to_uppercase().next().unwrap_or(c) } else { c };
            (KeyCode::Char(c), if upper { modifiers | KeyModifiers::SHIFT } else { modifiers })
        }
        KeyCode::Char(c) => (KeyCode::Char(c), modifiers - KeyModifiers::SHIFT),
        KeyCode::BackTab => (KeyCode::BackTab, modifiers | KeyModifiers::SHIFT),
        KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => (KeyCode::BackTab, modifiers),
        other => (other, modifiers),
    };
    KeyCombination::one_key(code, modifiers)
}

/// The key as shown: `A`, `Ctrl-c`, `Enter`, `PgDn`.
#[must_use]
pub fn label(key: KeyCombination) -> String {
    let plain = key.modifiers.is_empty() || key.modifiers == KeyModifiers::SHIFT;
    if let (OneToThree::One(code), true) = (key.codes, plain) {
        let short = match code {
            KeyCode::PageUp => "PgUp",
            KeyCode::PageDown => "PgDn",
            KeyCode::BackTab => "Shift-Tab",
            KeyCode::Delete => "Del",
            KeyCode::Char(' ') => "Space",
            _ => "",
        };
        if !short.is_empty() {
            return short.into();
        }
    }
    KeyCombinationFormat::default().with_implicit_shift().to_string(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_events_meet() {
        let event = |code, modifiers| of_event(KeyEvent::new(code, modifiers));
        let none = KeyModifiers::NONE;
        assert_eq!(parse_key("A"), Some(event(KeyCode::Char('A'), KeyModifiers::SHIFT)));
        assert_eq!(parse_key("A"), Some(event(KeyCode::Char('A'), none)));
        assert_eq!(parse_key("shift-a"), parse_key("A"));
        assert_ne!(parse_key("a"), parse_key("A"));
        assert_eq!(parse_key("?"), Some(event(KeyCode::Char('?'), KeyModifiers::SHIFT)));
        assert_eq!(parse_key("ctrl-c"), Some(event(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert_eq!(parse_key("shift-tab"), Some(event(KeyCode::BackTab, KeyModifiers::SHIFT)));
        assert_eq!(parse_key("-"), Some(event(KeyCode::Char('-'), none)));
        assert_eq!(parse_key("enterr"), None);
        assert_eq!(parse_key("a-b"), None);
        assert_eq!(parse_key(""), None);
    }

    #[test]
    fn labels_are_short() {
        let of = |n| parse_key(n).map(label).unwrap_or_default();
        assert_eq!(
            ["a", "A", "ctrl-c", "enter", "pagedown", "shift-tab", "space", "f5", "/"].map(of),
            ["a", "A", "Ctrl-c", "Enter", "PgDn", "Shift-Tab", "Space", "F5", "/"]
        );
    }
}
