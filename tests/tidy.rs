//! The rules of the house, as a test: who may import whom, who may read the clock, spawn, queue, sleep; and that every
//! path named in the documents exists. All violations are told at once.

#[path = "tidy/source.rs"]
mod source;

use std::fs;
use std::path::Path;

use source::{Source, files, read, words};

/// Rooms that may see no time, no thread and no device: step functions only.
const PURE: [&str; 2] = ["alarm", "vibration"];

/// Rooms that put everything together.
const ASSEMBLERS: [&str; 3] = ["boot", "cli", "engine"];

/// Parts of the console that a tab may use.
const FOR_TABS: [&str; 4] = ["keys", "view", "widgets", "theme"];

/// Crates that belong to rooms: nobody else names them.
const OWNED_CRATES: [(&str, &[&str]); 22] = [
    ("argon2", &["access"]),
    ("base64", &["camera"]),
    ("clap", &["cli"]),
    ("crossterm", &["console"]),
    ("futures_util", &["historian"]),
    ("gstreamer", &["camera", "demo"]),
    ("gstreamer_app", &["camera", "demo"]),
    ("gstreamer_rtsp_server", &["demo"]),
    ("krilla", &["paper"]),
    ("lettre", &["notify"]),
    ("md5", &["camera"]),
    ("plotters", &["figure"]),
    ("qrcodegen", &["paper"]),
    ("ratatui", &["console"]),
    ("refinery", &["journal", "historian"]),
    ("rusqlite", &["journal"]),
    ("sysinfo", &["host"]),
    ("tokio_postgres", &["historian", "demo"]),
    ("tokio_serial", &["plc", "demo"]),
    ("toml_edit", &["config"]),
    ("tracing_subscriber", &["logs"]),
    ("ttf_parser", &["paper"]),
];

/// What is wrong, and where.
type Wrong = Vec<String>;

fn tell(wrong: &mut Wrong, source: &Source, at: usize, text: impl AsRef<str>) {
    wrong.push(format!("{}:{}: {}", source.path, source.line(at), text.as_ref()));
}

/// The room of a file; none for `lib.rs` and `main.rs`.
fn room(source: &Source) -> Option<String> {
    source.module().into_iter().next().filter(|r| r != "lib" && r != "main")
}

/// The tab that a file belongs to.
fn tab(source: &Source) -> Option<String> {
    let module = source.module();
    (module.len() > 2 && module[0] == "console" && module[1] == "tabs").then(|| module[2].clone())
}

fn imports(source: &Source, wrong: &mut Wrong) {
    let Some(room) = room(source) else { return };
    if ASSEMBLERS.contains(&room.as_str()) {
        return;
    }
    let tab = tab(source);
    for (at, path) in source.paths() {
        let part = |i: usize| path.get(i).map_or("", String::as_str);
        if part(0).is_empty() {
            continue;
        }
        let allowed = match &tab {
            Some(tab) => tab_may(tab, [part(0), part(1), part(2)], source.in_test(at)),
            None => room_may(&room, part(0)),
        };
        if !allowed {
            let who = tab.as_ref().map_or_else(|| room.clone(), |t| format!("the tab {t}"));
            tell(wrong, source, at, format!("{who} must not import crate::{}", path.join("::")));
        }
        let whole = part(0) == "config" && (part(1) == "Config" || part(2) == "Config");
        // Alarms come from every section; the demonstration makes a whole configuration.
        let free = ["config", "console", "demo", "alarm"].contains(&room.as_str());
        if whole && !free && !source.in_test(at) {
            tell(wrong, source, at, format!("{room} may import its own section of the configuration, not all of it"));
        }
    }
}

fn room_may(room: &str, other: &str) -> bool {
    match room {
        "base" => other == "base",
        "model" => ["base", "model"].contains(&other),
        _ => other == room || ["base", "model", "config"].contains(&other),
    }
}

fn tab_may(tab: &str, path: [&str; 3], in_test: bool) -> bool {
    match path {
        ["base" | "model", ..] => true,
        // `Entry` is the line that a tab hands to the list of tabs.
        ["console", "tabs", other] => other == tab || other == "Entry" || in_test,
        // Boards made up for tests.
        // Tests of a tab look at it in the whole console.
        ["console", "sample" | "app", _] => in_test,
        ["console", part, _] => FOR_TABS.contains(&part),
        _ => false,
    }
}

fn owned_crates(source: &Source, wrong: &mut Wrong) {
    let Some(room) = room(source) else { return };
    for (name, owners) in OWNED_CRATES {
        for at in words(&source.code, name) {
            let is_path = source.code[at + name.len()..].starts_with("::") && !source.code[..at].ends_with("::");
            if is_path && !owners.contains(&room.as_str()) && !source.in_test(at) {
                tell(wrong, source, at, format!("{name} belongs to {}", owners.join(" and ")));
            }
        }
    }
}

/// Looks for each of the patterns outside tests; a pattern begins at the start of a word.
fn forbid(source: &Source, patterns: &[&str], why: &str, wrong: &mut Wrong) {
    for pattern in patterns {
        for (at, _) in source.code.match_indices(pattern) {
            let whole = !source.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if whole && !source.in_test(at) {
                tell(wrong, source, at, format!("{pattern}: {why}"));
            }
        }
    }
}

fn clocks_and_threads(source: &Source, wrong: &mut Wrong) {
    let Some(room) = room(source) else { return };
    if room != "base" {
        let clocks = ["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now"];
        forbid(source, &clocks, "only base reads the system's clock; take a Clock or a Now", wrong);
    }
    if room != "boot" {
        let spawns = ["thread::spawn", "thread::Builder", "tokio::spawn", "task::spawn", "spawn_blocking"];
        forbid(source, &spawns, "only boot starts threads and tasks", wrong);
    }
    if PURE.contains(&room.as_str()) {
        let outside = ["tokio::", "mpsc::", "std::thread", "std::fs", "std::net", "std::io", "async fn"];
        forbid(source, &outside, "this room is pure: a function of state, input and time", wrong);
    }
    forbid(source, &["unbounded_channel", "unbounded("], "every queue is bounded", wrong);
    for at in words(&source.code, "channel") {
        if is_unbounded(&source.code[..at], &source.code[at + "channel".len()..]) && !source.in_test(at) {
            tell(wrong, source, at, "channel(): every queue is bounded; use sync_channel");
        }
    }
}

/// Whether this is a call of the standard library's `channel`, which takes no bound: by its path or by its bare name.
fn is_unbounded(before: &str, after: &str) -> bool {
    let called =
        before.ends_with("mpsc::") || !before.ends_with("::") && !before.ends_with('.') && !before.ends_with("fn ");
    let arguments = after.strip_prefix("::<").and_then(|r| r.split_once(">(")).map(|r| r.1).or(after.strip_prefix('('));
    called && arguments.is_some_and(|a| a.starts_with(')'))
}

fn sleeps(source: &Source, wrong: &mut Wrong) {
    for at in words(&source.code, "sleep") {
        if source.in_test(at) && source.code[at..].starts_with("sleep(") {
            tell(wrong, source, at, "no sleep in tests: wait for the condition, with a deadline (tests/common)");
        }
    }
}

fn shape(source: &Source, wrong: &mut Wrong) {
    if !source.text.starts_with("//!") {
        tell(wrong, source, 0, "a file opens with one //! sentence: what it owns");
    }
    if source.path.ends_with("/mod.rs") {
        tell(wrong, source, 0, "a room's face is ROOM.rs beside its folder, not mod.rs");
    }
    let lines = source.text.lines().count();
    if source.path == "src/main.rs" && lines > 20 {
        tell(wrong, source, 0, format!("main.rs has {lines} lines; at most 20"));
    }
}

/// The code spans of a document outside fenced blocks, with their lines.
fn code_spans(text: &str) -> Vec<(usize, &str)> {
    let mut spans = Vec::new();
    let mut fenced = false;
    for (i, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            spans.extend(line.split('`').skip(1).step_by(2).map(|s| (i + 1, s)));
        }
    }
    spans
}

/// Whether a code span means a place in this repository.
fn is_repository_path(span: &str) -> bool {
    const TOPS: [&str; 9] = ["src", "tests", "docs", "config", "keymaps", "migrations", "benches", ".ci", ".cargo"];
    const FILES: [&str; 7] =
        ["Cargo.toml", "Cargo.lock", "Makefile", "README.md", "CHANGELOG.md", "clippy.toml", "rustfmt.toml"];
    let plain = span.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    plain && (FILES.contains(&span) || span.split_once('/').is_some_and(|(top, _)| TOPS.contains(&top)))
}

fn document(path: &str, text: &str, exists: &dyn Fn(&str) -> bool, wrong: &mut Wrong) {
    for (line, span) in code_spans(text) {
        if is_repository_path(span) && !exists(span.trim_end_matches('/')) {
            wrong.push(format!("{path}:{line}: {span} does not exist"));
        }
    }
}

fn check(source: &Source, wrong: &mut Wrong) {
    imports(source, wrong);
    owned_crates(source, wrong);
    clocks_and_threads(source, wrong);
    sleeps(source, wrong);
    shape(source, wrong);
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Wrong::new();
    let sources = read(root, "src");
    assert!(sources.len() > 20, "the sources are found");
    for source in &sources {
        check(source, &mut wrong);
    }
    for mut source in read(root, "tests").into_iter().filter(|s| !s.path.starts_with("tests/common/")) {
        source.all_test();
        sleeps(&source, &mut wrong);
    }
    let mut documents = files(root, "docs", "md");
    documents.extend(root.join("README.md").exists().then(|| "README.md".to_owned()));
    for path in documents {
        let text = fs::read_to_string(root.join(&path)).unwrap();
        document(&path, &text, &|p| root.join(p).exists(), &mut wrong);
    }
    assert!(wrong.is_empty(), "{} things are not tidy:\n{}", wrong.len(), wrong.join("\n"));
}

/// What the rules say about a file of this text.
fn verdict(path: &str, text: &str) -> Wrong {
    let mut wrong = Wrong::new();
    check(&Source::new(path, &format!("//! X.\n{text}")), &mut wrong);
    wrong
}

#[test]
fn imports_are_seen_however_they_are_written() {
    for (path, text) in [
        ("src/camera/x.rs", "use crate::plc::Bus;"),
        ("src/camera/x.rs", "use crate::{base::clock::Now, plc};"),
        ("src/camera/x.rs", "use crate::{base, model::{bus, camera as c}, journal::Writer};"),
        ("src/camera/x.rs", "fn f() { crate::journal::write(); }"),
        ("src/camera/x.rs", "use super::super::plc::Bus;"),
        ("src/camera.rs", "use super::plc::Bus;"),
        ("src/camera/x.rs", "use crate::config::Config;"),
        ("src/camera/x.rs", "use crate::config::sections::{Camera, Config};"),
        ("src/base/x.rs", "use crate::model::ids;"),
        ("src/model/x.rs", "use crate::config::sections::Roi;"),
        ("src/console/frame.rs", "use crate::logs::own;"),
        ("src/console/tabs/plc/draw.rs", "use crate::config::sections::Console;"),
        ("src/console/tabs/plc/draw.rs", "use crate::console::{keys, attach};"),
        ("src/console/tabs/plc/draw.rs", "use super::super::logs::state;"),
        ("src/console/tabs/plc.rs", "use crate::console::tabs::logs;"),
        ("src/plc/x.rs", "use rusqlite::Connection;"),
    ] {
        assert_eq!(verdict(path, text).len(), 1, "{path}: {text}: {:?}", verdict(path, text));
    }
    for (path, text) in [
        ("src/camera/x.rs", "use crate::{base::clock::Now, model::{bus, camera as c}, config::sections::Camera};"),
        ("src/camera/x.rs", "use super::watch::Watch; use crate::camera::y; pub(super) fn f() {}"),
        ("src/camera/x.rs", "// crate::plc\nconst A: &str = \"crate::plc\"; const B: char = '\"'; /* crate::plc */"),
        ("src/boot.rs", "use crate::{plc, camera, journal};"),
        (
            "src/console/tabs/plc/draw.rs",
            "use super::state::State; use crate::console::{keys::Key, view, widgets, theme};",
        ),
        ("src/host/x.rs", "use sysinfo::System;"),
        ("src/lib.rs", "pub mod base;"),
    ] {
        assert_eq!(verdict(path, text), Wrong::new(), "{path}: {text}");
    }
}

#[test]
fn clocks_threads_queues_and_sleeps_are_seen() {
    for (path, text) in [
        ("src/plc/x.rs", "fn f() { let t = std::time::Instant::now(); }"),
        ("src/plc/x.rs", "fn f() { std::thread::spawn(|| {}); }"),
        ("src/plc/x.rs", "fn f() { let (a, b) = std::sync::mpsc::channel(); }"),
        ("src/plc/x.rs", "fn f() { let (a, b) = mpsc::channel::<Vec<u8>>(); }"),
        ("src/plc/x.rs", "fn f() { let (a, b) = channel(); }"),
        ("src/plc/x.rs", "fn f() { let (a, b) = mpsc::unbounded_channel(); }"),
        ("src/alarm/x.rs", "use std::sync::mpsc::SyncSender;"),
        ("src/plc/x.rs", "#[cfg(test)]\nmod tests { fn f() { std::thread::sleep(d); } }"),
    ] {
        assert_eq!(verdict(path, text).len(), 1, "{path}: {text}: {:?}", verdict(path, text));
    }
    for (path, text) in [
        ("src/base/clock.rs", "fn f() { let t = Instant::now(); }"),
        ("src/boot.rs", "fn f() { std::thread::Builder::new(); }"),
        ("src/plc/x.rs", "impl Intake { fn channel() {} fn f() { Intake::channel(); } }"),
        ("src/plc/x.rs", "fn f() { let (a, b) = mpsc::channel(8); tokio::time::sleep(d); }"),
        ("src/plc/x.rs", "#[cfg(test)]\nmod tests { fn f() { Instant::now(); thread::spawn(g); } }"),
    ] {
        assert_eq!(verdict(path, text), Wrong::new(), "{path}: {text}");
    }
    let after = verdict("src/plc/x.rs", "#[cfg(test)]\nmod tests {}\nfn f() { Instant::now(); }");
    assert_eq!(after.len(), 1);
    assert!(after[0].starts_with("src/plc/x.rs:4: "), "{after:?}");
}

#[test]
fn shape_and_documents_are_looked_at() {
    let mut wrong = Wrong::new();
    shape(&Source::new("src/plc/mod.rs", "fn f() {}"), &mut wrong);
    shape(&Source::new("src/main.rs", &format!("//! X.\n{}", "\n".repeat(20))), &mut wrong);
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    let text =
        "See `src/gone.rs`, `src/base/`, `vms check`, `logs/`, `src/<room>`\n```\n`src/other.rs`\n```\n`Makefile`";
    let mut wrong = Wrong::new();
    document("README.md", text, &|p| p == "src/base", &mut wrong);
    assert_eq!(wrong, ["README.md:1: src/gone.rs does not exist", "README.md:5: Makefile does not exist"]);
}
