//! The keys as they are now, as rows: for `vms keys`, the help overlay and the reference.

use std::fmt::Write;

use super::{Context, Keymap, label};

/// One action with its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Where it belongs.
    pub context: Context,
    /// Its id in the keymap file.
    pub id: &'static str,
    /// What it does.
    pub title: &'static str,
    /// Its keys, as shown; empty where it has none.
    pub keys: Vec<String>,
}

/// Every action with its keys, by context.
#[must_use]
pub fn table(keymap: &Keymap) -> Vec<KeyRow> {
    let mut rows = Vec::new();
    for context in Context::ALL {
        for a in keymap.actions().iter().filter(|a| a.context == context) {
            let keys = keymap.keys(context, a.id).iter().map(|k| label(*k)).collect();
            rows.push(KeyRow { context, id: a.id, title: a.title, keys });
        }
    }
    rows
}

/// The reference of a keymap, as `docs/keys.md` has it.
#[must_use]
pub fn markdown(keymap: &Keymap) -> String {
    let mut out = String::from(
        "# Keys\n\nGenerated from the actions of the console and `keymaps/default.toml`; do not edit. `vms keys` prints the same \
         for the keymap in force,\n`?` shows it in the console.\n",
    );
    let rows = table(keymap);
    for context in Context::ALL {
        let mut mine = rows.iter().filter(|r| r.context == context).peekable();
        if mine.peek().is_none() {
            continue;
        }
        let _ = write!(
            out,
            "\n## {} — `[{}]`\n\n| keys | does | id |\n|---|---|---|\n",
            context.title(),
            context.section()
        );
        for r in mine {
            let keys: Vec<String> = r.keys.iter().map(|k| format!("`{k}`")).collect();
            let _ = writeln!(out, "| {} | {} | `{}` |", keys.join(" "), r.title, r.id);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `VMS_REGENERATE=1 cargo test` rewrites the file.
    #[test]
    fn the_reference_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/keys.md");
        let want = markdown(&Keymap::built_in().expect("good"));
        if std::env::var_os("VMS_REGENERATE").is_some() {
            std::fs::write(path, &want).expect("docs/keys.md is written");
        }
        let got = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(got, want, "run VMS_REGENERATE=1 cargo test to rewrite docs/keys.md");
    }
}
