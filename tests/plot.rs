//! `vms measure --plot`: what the drawing holds, and what is said where it cannot be written.
#![expect(clippy::expect_used, reason = "a test that cannot set its stage has to stop")]

#[path = "common/clip.rs"]
mod clip;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use clip::{Clip, SIZE};

/// Exit code, standard output and standard error of `vms measure clip.y4m --roi a=… --plot PLOT`.
fn measure(dir: &Path, plot: &str, more: &[&str]) -> (i32, String, String) {
    let o = Command::new(env!("CARGO_BIN_EXE_vms"))
        .args(["measure", "clip.y4m", "--roi", "a=32,32,64,64", "--plot", plot])
        .args(more)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let text = |b: &[u8]| String::from_utf8(b.to_vec()).expect("UTF-8");
    (o.status.code().unwrap_or(-1), text(&o.stdout), text(&o.stderr))
}

#[test]
fn a_recording_is_drawn_whole_or_not_at_all() {
    let dir = tempfile::tempdir().expect("a directory");
    let swing = |i: u32| (0.8 * (f64::from(i) * 0.04 * 3.0 * std::f64::consts::TAU).sin(), 0.0);
    let (w, h) = SIZE;
    clip::write(&dir.path().join("clip.y4m"), &Clip { place: swing, covered: 100..104, ..Clip::default() });
    let whole = format!("whole=0,0,{w},{h}");
    let (code, out, err) = measure(dir.path(), "a.svg", &["--roi", &whole, "--json"]);
    assert_eq!(code, 0, "{out}{err}");
    let v: serde_json::Value = serde_json::from_str(&out).expect("one JSON object");
    assert_eq!(v["plot"], "a.svg");
    let svg = fs::read_to_string(dir.path().join("a.svg")).expect("a drawing");
    for word in
        ["<svg width=\"277mm\"", "a (asset): 200 frames, 4 without", "whole (asset)", "main tone 3.0", "noise floor"]
    {
        assert!(svg.contains(word), "{word}");
    }
    assert!(svg.trim_end().ends_with("</svg>"));
    // Replaced as a whole; nothing else is left behind.
    let (code, out, _) = measure(dir.path(), "a.svg", &[]);
    assert!(code == 0 && out.starts_with("clip.y4m: 200 frames"));
    assert!(!fs::read_to_string(dir.path().join("a.svg")).expect("a drawing").contains("whole"));
    assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 2);

    for (plot, want, word) in [
        ("none/a.svg", 73, "none/a.svg cannot be written: there is no directory none; make it"),
        ("clip.y4m/a.svg", 73, "clip.y4m/a.svg cannot be written"),
        ("a.png", 2, "write a name that ends in .svg"),
    ] {
        let (code, out, err) = measure(dir.path(), plot, &[]);
        assert!(code == want && out.is_empty() && err.contains(word), "{plot}: {code} {err}");
    }
    fs::create_dir(dir.path().join("d.svg")).expect("made");
    assert_eq!(measure(dir.path(), "d.svg", &[]).0, 73);
}
