//! The configuration in force, value by value with where it came from; secrets are only told to be set or missing.

use serde::Serialize;

use super::Loaded;
use super::keys::{Key, Kind, Need, number};
use super::tree::{Entry, Origin, Sect, Val};
use crate::base::text;

/// One value in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// `camera[0].roi[1].rect`.
    pub key: String,
    /// The value as the file would have it; secrets are `set` or `missing`; none for what is not set.
    pub value: Option<String>,
    /// `default`, `vms.toml:14`, `environment NAME`, `file PATH`.
    pub from: String,
}

/// Every value, in the order of the reference.
#[must_use]
pub fn shown(loaded: &Loaded) -> Vec<Shown> {
    let mut out = Vec::new();
    section(&loaded.tree, &loaded.path.display().to_string(), &mut out);
    out
}

/// As lines `key = value  # from`, the marks aligned.
#[must_use]
pub fn lines(loaded: &Loaded) -> String {
    let all = shown(loaded);
    let left = |s: &Shown| match &s.value {
        Some(v) => format!("{} = {v}", s.key),
        None => format!("{} is not set", s.key),
    };
    let width = all.iter().map(|s| left(s).chars().count()).filter(|n| *n <= 60).max().unwrap_or(0);
    all.iter().map(|s| format!("{:<width$}  # {}", left(s), s.from)).collect::<Vec<_>>().join("\n")
}

/// As one JSON object.
#[must_use]
pub fn json(loaded: &Loaded) -> serde_json::Value {
    serde_json::json!({ "file": loaded.path.display().to_string(), "values": shown(loaded) })
}

fn section(sect: &Sect, file: &str, out: &mut Vec<Shown>) {
    for key in sect.keys {
        match sect.entry(key.name) {
            Some(Entry { val: Val::Table(below), .. }) => section(below, file, out),
            Some(Entry { val: Val::Tables(below), .. }) => below.iter().for_each(|s| section(s, file, out)),
            Some(e) => out.push(Shown {
                key: sect.path_of(key.name),
                value: Some(written(&e.val)),
                from: from(&e.origin, file),
            }),
            None => out.extend(unset(sect, key)),
        }
    }
}

fn unset(sect: &Sect, key: &Key) -> Option<Shown> {
    let value = match (key.kind, key.need) {
        (Kind::Table(_) | Kind::Tables(_), _) => return None,
        (Kind::Secret, _) => Some("missing".to_owned()),
        (_, Need::Derived(_)) if key.name == "name" => sect.text("id").map(|t| quote(t)),
        _ => None,
    };
    Some(Shown { key: sect.path_of(key.name), value, from: "default".into() })
}

fn from(origin: &Origin, file: &str) -> String {
    match origin {
        Origin::Default => "default".into(),
        Origin::File(at) => format!("{file}:{}", at.line),
        Origin::Environment(name) => format!("environment {name}"),
        Origin::SecretFile(path) => format!("file {}", path.display()),
    }
}

fn quote(s: &str) -> String {
    toml::Value::String(s.to_owned()).to_string()
}

/// A size in the largest unit that loses nothing.
fn size(n: u64) -> String {
    let short = text::bytes(n);
    if super::value::bytes(&short) == Some(n) { short } else { format!("{n} B") }
}

/// A value as the file would have it.
fn written(val: &Val) -> String {
    match val {
        Val::Text(t) => quote(t),
        Val::Integer(n) => n.to_string(),
        Val::Float(v) => number(*v),
        Val::Bool(b) => b.to_string(),
        Val::Duration(d) => quote(&humantime::format_duration(*d).to_string()),
        Val::Size(n) => quote(&size(*n)),
        Val::Secret(_) => "set".into(),
        Val::Rect(r) => format!("{r:?}"),
        Val::List(items) => format!("[{}]", items.iter().map(|t| quote(t)).collect::<Vec<_>>().join(", ")),
        Val::Table(_) | Val::Tables(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn load() -> Loaded {
        let env = |name: &str| Some(format!("hunter2 of {name}"));
        Config::parse(include_str!("plant.toml"), "vms.toml", Path::new("."), &env).unwrap()
    }

    #[test]
    fn every_value_says_where_it_came_from() {
        let all = shown(&load());
        let of = |key: &str| all.iter().find(|s| s.key == key).map(|s| (s.value.as_deref(), s.from.as_str()));
        assert_eq!(of("site.name"), Some((Some("\"BF2\""), "vms.toml:3")));
        assert_eq!(of("camera[0].password"), Some((Some("set"), "environment DECK_EAST_PASSWORD")));
        assert_eq!(of("camera[1].password"), Some((Some("missing"), "default")));
        assert_eq!(of("camera[1].name"), Some((Some("\"deck-west\""), "default")));
        assert_eq!(of("camera[1].exposure_ms"), Some((None, "default")));
        assert_eq!(of("camera[0].roi[0].limits[1].on_delay"), Some((Some("\"3s\""), "default")));
        assert_eq!(of("camera[0].roi[0].rect"), Some((Some("[820, 410, 128, 128]"), "vms.toml:21")));
        assert_eq!(of("recording.keep_at_most"), Some((Some("\"200 GiB\""), "vms.toml:100")));
    }

    #[test]
    fn sizes_lose_nothing() {
        assert_eq!(size(200 << 30), "200 GiB");
        assert_eq!(size((200 << 30) + 1), "214748364801 B");
    }

    #[test]
    fn no_secret_is_shown() {
        let loaded = load();
        assert!(!lines(&loaded).contains("hunter2"));
        assert!(!json(&loaded).to_string().contains("hunter2"));
        assert!(lines(&loaded).contains("camera[1].exposure_ms is not set"));
    }
}
