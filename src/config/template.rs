//! The file that `vms config init` writes: every key with its meaning, its default or an example.
//!
//! A line with `# ` is prose; a line with `#` and no space is a setting that is switched off. What is
//! written holds already; removing the `#` of a setting keeps the file in order.

use std::fmt::Write as _;

use super::keys::{Key, Kind, Need};
use super::table::ROOT;

const HEAD: &str = "\
# vms.toml: what this node watches and how.
#
# A line that begins with \"#\" and a space explains. A line that begins with \"#\" alone is a setting
# that is not in force: remove its \"#\" to switch it on. Values shown are the defaults, or examples where a
# key names something of the plant. After a change: vms config check
";

/// The whole file.
#[must_use]
pub fn text() -> String {
    let mut out = String::from(HEAD);
    for key in ROOT {
        section(key, key.name, false, &mut out);
    }
    out
}

/// Writes a section. `off` comments out its header and all its keys: what it names does not exist until somebody writes it.
fn section(key: &Key, path: &str, off: bool, out: &mut String) {
    let Some(children) = key.children() else { return };
    let many = matches!(key.kind, Kind::Tables(_));
    let off = off || many || key.need == Need::Optional;
    out.push('\n');
    prose(key.doc, out);
    let mark = if off { "#" } else { "" };
    let (open, close) = if many { ("[[", "]]") } else { ("[", "]") };
    let _ = writeln!(out, "{mark}{open}{path}{close}");
    let (deeper, plain): (Vec<&Key>, Vec<&Key>) = children.iter().partition(|k| is_section(k));
    for k in plain {
        prose(&doc(k), out);
        let _ = writeln!(out, "#{} = {}", k.name, k.shown_example());
    }
    for k in deeper {
        section(k, &format!("{path}.{}", k.name), off, out);
    }
}

fn is_section(k: &Key) -> bool {
    matches!(k.kind, Kind::Table(_) | Kind::Tables(_))
}

fn doc(key: &Key) -> String {
    match key.need {
        Need::Required => format!("{} Must be there.", key.doc),
        Need::Optional => format!("{} May be left out.", key.doc),
        Need::Derived(what) => format!("{} Without it: {what}.", key.doc),
        Need::Default(_) if key.example.is_empty() => key.doc.to_owned(),
        Need::Default(d) => format!("{} Without it: {d}.", key.doc),
    }
}

/// Prose in lines of at most 100 characters.
fn prose(text: &str, out: &mut String) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > 100 {
            out.push_str(&line);
            out.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}

/// The file with every setting switched on, for tests and the reference.
#[must_use]
pub fn switched_on() -> String {
    let on = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    text().lines().map(on).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    #[test]
    fn it_loads_as_written() {
        let loaded = Config::parse(&text(), "vms.toml", Path::new("."), &|_| None).unwrap_or_else(|f| panic!("{f}"));
        assert!(loaded.config.cameras.is_empty());
        assert_eq!(loaded.config.recording.keep_at_most_bytes, 200 << 30);
    }

    #[test]
    fn it_loads_with_every_setting_switched_on() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["smtp.password", "backup.password"] {
            let file = dir.path().join(name);
            std::fs::write(&file, "x\n").unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        let text = switched_on();
        // The tag that the example names is not in the file: the file has one tag, which is written.
        let text =
            text.replace("running = \"screen-1-running\"\n", "").replace("id = \"screen-1-running\"", "id = \"out\"");
        let text = text.replace("access = \"read\"", "access = \"write\"");
        let loaded =
            Config::parse(&text, "vms.toml", dir.path(), &|_| Some("x".into())).unwrap_or_else(|f| panic!("{f}"));
        assert_eq!(loaded.config.cameras[0].rois[0].limits.len(), 1);
        assert_eq!(loaded.config.plcs[0].tags.len(), 1);
        assert!(loaded.config.mail.is_some() && loaded.config.historian.is_some());
    }

    #[test]
    fn every_key_is_in_it() {
        fn names(keys: &[Key], out: &mut Vec<&'static str>) {
            for k in keys {
                out.push(k.name);
                if matches!(k.kind, Kind::Table(_) | Kind::Tables(_)) {
                    names(k.children().unwrap_or_default(), out);
                }
            }
        }
        let (text, mut all) = (text(), Vec::new());
        names(ROOT, &mut all);
        for name in all {
            assert!(text.contains(&format!("{name} = ")) || text.contains(&format!("{name}]")), "{name}");
        }
    }
}
