//! The reference in `docs/configuration.md`, generated from the table of keys.

use std::fmt::Write as _;

use super::keys::{Key, Kind, Need};
use super::table::ROOT;

const HEAD: &str = "\
# Configuration: `vms.toml`

This page is generated from the program's own table of keys. `vms config init` writes a commented file,
`vms config check` tells every fault at once with its line and column, `vms config show` prints what is in force and
where each value came from, and `vms config schema` prints a JSON Schema for editors.

The file is TOML, encoded as UTF-8. A key that names something of the plant must be there; every other key has a
default. Unknown keys are faults. Times are written with their unit (`\"200ms\"`, `\"3s\"`, `\"5m\"`), sizes too
(`\"20 MiB\"`, `\"200 GiB\"`). A password never stands in the file: `{ env = \"NAME\" }` takes it from an environment
variable, `{ file = \"PATH\" }` from a file, relative to the directory of `vms.toml` and closed to users other than its
owner and group.
";

/// The whole page.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(HEAD);
    for key in ROOT {
        section(key, key.name, &mut out);
    }
    out
}

fn section(key: &Key, path: &str, out: &mut String) {
    let Some(keys) = key.children() else { return };
    let heading = match key.kind {
        Kind::Tables(_) => format!("[[{path}]]"),
        Kind::NumberOr(..) => format!("{path} = {{ … }}"),
        _ => format!("[{path}]"),
    };
    let _ = write!(out, "\n## `{heading}`\n\n{}\n\n", key.doc);
    out.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    for k in keys {
        let need = match k.need {
            Need::Required => "must be there".to_owned(),
            Need::Optional => "none".to_owned(),
            Need::Derived(what) => what.to_owned(),
            Need::Default(d) => format!("`{d}`"),
        };
        let example = if k.example.is_empty() { String::new() } else { format!(" Example: `{}`", k.example) };
        let _ = writeln!(out, "| `{}` | {} | {need} | {}{example} |", k.name, value(&k.kind), k.doc);
    }
    for k in keys {
        section(k, &format!("{path}.{}", k.name), out);
    }
}

/// What a value is, in a few words.
fn value(kind: &Kind) -> String {
    use super::keys::{number, span};
    use crate::base::text::bytes;
    match *kind {
        Kind::Id => "id: letters, digits, `-`, `_`, `.`".into(),
        Kind::Text => "text".into(),
        Kind::Address => "mail address".into(),
        Kind::Integer(r) => format!("whole number, {} to {}", r.min, r.max),
        Kind::Float(r) => format!("number, {} to {}", number(r.min), number(r.max)),
        Kind::Bool => "`true` or `false`".into(),
        Kind::Duration(r) => format!("time, {} to {}", span(r.min), span(r.max)),
        Kind::Size(r) => format!("size, {} to {}", bytes(r.min), bytes(r.max)),
        Kind::Choice(words) => words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "),
        Kind::Secret => "`{ env = … }` or `{ file = … }`".into(),
        Kind::Rect => "four whole numbers".into(),
        Kind::PathList => "list of paths".into(),
        Kind::AddressList => "list of mail addresses".into(),
        Kind::Path => "path".into(),
        Kind::Url(schemes) => schemes.iter().map(|s| format!("`{s}://`")).collect::<Vec<_>>().join(" or "),
        Kind::TimeZone => "IANA time zone".into(),
        Kind::NumberOr(r, _) => format!("number, {} to {}, or a table", number(r.min), number(r.max)),
        Kind::Table(_) => "section".into(),
        Kind::Tables(_) => "sections".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_md_is_the_present_one() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
        if std::env::var_os("VMS_REGENERATE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, markdown()).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == markdown(),
            "docs/configuration.md is old: run VMS_REGENERATE=1 cargo test configuration_md, or all tests"
        );
    }
}
