//! The documents' pictures of the console: taken from the running demonstration (`make pictures`), and never missing.

#![cfg(all(target_os = "linux", feature = "demo"))]
#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

#[path = "pictures/svg.rs"]
mod svg;
#[path = "common/terminal.rs"]
#[expect(dead_code, reason = "other tests that use a terminal look at more of it")]
mod terminal;

use std::path::Path;
use std::time::Duration;

use terminal::Session;

/// So long the plant runs first: the window of a reading is 8 s, and the first alarms have come.
const SETTLING: Duration = Duration::from_secs(14);

/// What is typed for a picture, key by key, what must be seen then, and the picture's name.
const PICTURES: [(&[&str], &[&str], &str); 7] = [
    (&["1"], &["Screen deck", "▀▀▀▀", "camera clock"], "docs/pictures/cameras.svg"),
    (&["2", DOWN, DOWN, DOWN, DOWN], &["to limit", "Spectrum", "Orbit"], "docs/pictures/vibration.svg"),
    (&["\r"], &["Waveform", "Spectrum", "Orbit", "back to the list"], "docs/console.svg"),
    (&["\x1b", "3"], &["heartbeat", "read ", "ok "], "docs/pictures/plc.svg"),
    (&["4"], &["Memory", "margin"], "docs/pictures/resources.svg"),
    (&["5"], &["following", "the engine starts"], "docs/pictures/logs.svg"),
    (&["6"], &["Daily checks", "Enter begins it"], "docs/pictures/maintenance.svg"),
];
const DOWN: &str = "\x1b[B";

fn take(root: &Path) {
    let dir = tempfile::tempdir().unwrap();
    let mut s = Session::start(dir.path(), &["demo", "--data-dir", dir.path().to_str().unwrap()], (120, 40));
    s.wait_for("the frame", |t| t.contains("engine running"));
    s.watch(SETTLING);
    for (keys, seen, name) in PICTURES {
        for key in keys {
            s.press(key);
            s.watch(Duration::from_millis(400));
        }
        s.wait_for(name, |t| seen.iter().all(|w| t.contains(w)));
        // A frame is written at once: what has come when nothing more comes is whole.
        while s.read(Duration::from_millis(60)) {}
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, svg::picture(s.screen())).unwrap();
    }
}

/// Pictures that a document shows: `![what](path)`.
fn shown(text: &str) -> impl Iterator<Item = &str> {
    text.split("![").skip(1).filter_map(|rest| rest.split_once("](")?.1.split_once(')').map(|p| p.0))
}

#[test]
fn every_picture_that_is_shown_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("VMS_PICTURES").is_some() {
        take(root);
    }
    let mut found = Vec::new();
    for document in ["README.md", "docs/guide.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        for name in shown(&text) {
            let path = root.join(document).parent().unwrap().join(name);
            let picture = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                picture.starts_with("<svg ") && picture.ends_with("</svg>\n"),
                "{document}: {name}: `make pictures`"
            );
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
    for (_, _, name) in PICTURES {
        assert!(found.iter().any(|f| f == name), "no document shows {name}");
    }
}
