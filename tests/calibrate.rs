//! `vms calibrate` as a shell sees it: the scale from lengths, the noise floor, the reference, and the check against it.
#![expect(clippy::expect_used, reason = "a test that cannot set its stage has to stop")]

#[path = "common/clip.rs"]
mod clip;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use clip::{Clip, SIZE};
use serde_json::Value;

const CONFIG: &str = "# The plant.\n[[camera]]\nid = \"east\" # the deck\nurl = \"rtsp://127.0.0.1:9/s\"\nscale_mm_per_px = 0.5 # by eye\n\n\
    [[camera.roi]]\nid = \"bearing\"\nrect = [ 32, 32, 64, 64 ]\n\n[[camera]]\nid = \"bare\"\nurl = \"rtsp://127.0.0.1:9/t\"\nenabled = false\n";

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect("one JSON object")
    }
}

/// `vms calibrate …` in a directory, without a terminal.
fn calibrate(dir: &Path, args: &[&str]) -> Ran {
    let o = Command::new(env!("CARGO_BIN_EXE_vms"))
        .args(["--config", "vms.toml", "--data-dir", "data", "calibrate"])
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("HOME", dir)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let text = |b: &[u8]| String::from_utf8(b.to_vec()).expect("UTF-8");
    Ran { code: o.status.code().unwrap_or(-1), out: text(&o.stdout), err: text(&o.stderr) }
}

fn site() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("vms.toml"), CONFIG).expect("written");
    dir
}

const LENGTH: [&str; 7] = ["east", "--length", "500", "--from", "100,100", "--to", "1100,100"];

#[test]
fn a_scale_is_told_and_put_into_the_file() {
    let dir = site();
    let file = || fs::read_to_string(dir.path().join("vms.toml")).expect("read");
    let with = |more: &[&str]| calibrate(dir.path(), &[&LENGTH[..], more].concat());
    let got = with(&[]);
    assert_eq!(got.code, 0, "{}", got.err);
    assert!(got.out.contains("east: 0.50000 ± 0.00061 mm per pixel"), "{}", got.out);
    assert!(
        got.out.ends_with("the line for the camera \"east\" in vms.toml:\nscale_mm_per_px = 0.500000\n"),
        "{}",
        got.out
    );

    let v = with(&["--length", "250.3", "--from", "5,5", "--to", "5,505", "--length-sigma", "0.2", "--json"]).json();
    assert!(v["scale_mm_per_px"].as_f64().is_some_and(|s| (0.5..0.5006).contains(&s)), "{v}");
    assert_eq!((&v["agree"], &v["degrees_of_freedom"], &v["written"]), (&true.into(), &1.into(), &Value::Null));

    // Lengths that do not agree are told, and nothing is written.
    let got = with(&["--length", "600", "--from", "5,5", "--to", "5,1005", "--write", "--yes"]);
    assert_eq!((got.code, got.err.as_str()), (1, "nothing was written: the lengths do not agree\n"));
    assert!(got.out.contains("the lengths do not agree"), "{}", got.out);
    // Nobody is there to be asked.
    let got = with(&["--write"]);
    assert!(got.code == 2 && got.err.contains("--yes confirms it"), "{}", got.err);
    assert_eq!(file(), CONFIG);

    let got = with(&["--write", "--yes", "--length-sigma", "5", "--json"]);
    assert_eq!((got.code, &got.json()["written"]), (0, &"vms.toml".into()), "{}", got.err);
    assert_eq!(file(), CONFIG.replace("= 0.5 #", "= 0.50000 #"));
    let got = calibrate(dir.path(), &[&["bare"], &LENGTH[1..], &["--write", "--yes"]].concat());
    assert_eq!(got.code, 0, "{}", got.err);
    assert!(
        file().ends_with("url = \"rtsp://127.0.0.1:9/t\"\nenabled = false\nscale_mm_per_px = 0.500000\n"),
        "{}",
        file()
    );
    assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1, "nothing is left behind");
}

#[test]
fn what_is_no_scale_or_no_camera_is_named() {
    let dir = site();
    let cases: [(&[&str], i32, &str); 12] = [
        (&["east", "--length", "-5", "--from", "1,1", "--to", "99,1"], 2, "the length -5 mm is not greater than 0"),
        (&["east", "--length", "nan", "--from", "1,1", "--to", "99,1"], 2, "the length NaN mm"),
        (&["east", "--length", "5", "--from", "7,7", "--to", "7,7"], 2, "both points are 7,7"),
        (&["east", "--length", "5", "--from", "7,7", "--to", "9,7"], 2, "only 2.0 px apart"),
        (&["east", "--length", "5", "--from", "-7,7", "--to", "9,7"], 2, "the point -7,7 is in no picture"),
        (&["east", "--length", "5", "--from", "7", "--to", "9,7"], 2, "write X,Y in pixels"),
        (&["east", "--length", "5", "--from", "7,7"], 2, "1 of --length and 0 of --to"),
        (&["east", "--length", "5", "--from", "7,7", "--to", "99,7", "--point-sigma", "-1"], 2, "the uncertainty -1"),
        (&["east", "--length", "1e9", "--from", "7,7", "--to", "99,7"], 2, "is beyond 0.000001 to 1000"),
        (
            &["eats", "--length", "5", "--from", "7,7", "--to", "99,7"],
            2,
            "there is no camera \"eats\"; did you mean \"east\"?",
        ),
        (&["bare", "--noise-floor"], 2, "the camera \"bare\" has no regions"),
        (&["east", "--noise-floor", "--for", "2s"], 2, "write a time from 5s to 10m"),
    ];
    for (args, code, word) in cases {
        let got = calibrate(dir.path(), args);
        assert!(got.code == code && got.err.contains(word) && got.out.is_empty(), "{args:?}: {} {}", got.code, got.err);
    }
    for args in
        [&["east"][..], &["east", "--check", "--noise-floor"], &["east", "--check", "--store"], &["east", "--write"]]
    {
        assert_eq!(calibrate(dir.path(), args).code, 2, "{args:?}");
    }
}

#[test]
fn a_noise_floor_is_kept_and_checked() {
    let dir = site();
    let clip = |name: &str, c: Clip| clip::write(&dir.path().join(name), &c);
    let quarter = |i: u32| (0.2 * (f64::from(i) * 0.04 * 3.0 * std::f64::consts::TAU).sin(), 0.0);
    clip("rest.y4m", Clip::default());
    clip("blurred.y4m", Clip { blur_px: 1.5, ..Clip::default() });
    clip("shifted.y4m", Clip { place: |_| (9.0, -5.0), ..Clip::default() });
    clip("larger.y4m", Clip { larger: 1.02, ..Clip::default() });
    clip("noisy.y4m", Clip { noise: 6.0, ..Clip::default() });
    clip("moving.y4m", Clip { place: quarter, ..Clip::default() });
    clip("short.y4m", Clip { frames: 50, ..Clip::default() });
    let of = |args: &[&str]| calibrate(dir.path(), args);
    let check = |input: &str| of(&["east", "--check", "--input", input, "--json"]);
    let verdict = |v: &Value, what: &str| {
        let items = v["items"].as_array().expect("items");
        items
            .iter()
            .find(|i| i["what"] == what)
            .map(|i| i["verdict"].as_str().expect("a word").to_owned())
            .unwrap_or_default()
    };

    let got = of(&["east", "--check", "--input", "rest.y4m"]);
    assert!(got.code == 66 && got.err.contains("there is no reference of this camera"), "{}", got.err);
    for (input, word) in
        [("none.y4m", "there is no such file"), ("short.y4m", "2.0 s could be read"), ("vms.toml", "vms.toml")]
    {
        let got = of(&["east", "--noise-floor", "--input", input]);
        assert!(got.code == 66 && got.err.contains(word), "{input}: {} {}", got.code, got.err);
    }

    // What moves is no floor, and nothing is kept of it.
    let got = of(&["east", "--noise-floor", "--store", "--input", "moving.y4m", "--json"]);
    assert_eq!(got.code, 1, "{}", got.err);
    let v = got.json();
    assert_eq!((&v["at_rest"], &v["stored"]), (&false.into(), &Value::Null));
    assert!(
        v["rois"][0]["reasons"][0]
            .as_str()
            .is_some_and(|t| t.starts_with("it moved: 0.2") && t.ends_with("at 3.00 Hz")),
        "{v}"
    );
    assert!(!dir.path().join("data/calibration").exists());

    let got = of(&["east", "--noise-floor", "--store", "--input", "rest.y4m", "--json"]);
    assert_eq!(got.code, 0, "{}{}", got.out, got.err);
    let v = got.json();
    let roi = &v["rois"][0];
    let number = |key: &str| roi[key].as_f64().expect("a number");
    // Noise of 2 grey levels on this texture, by the bound of Cramér and Rao.
    assert!((0.001..0.02).contains(&number("noise_px")), "{v}");
    assert!((number("noise_mm") / number("noise_px") - 0.5).abs() < 1e-9);
    assert!((0.6..1.6).contains(&(number("noise_px") / number("uncertainty_px"))), "{v}");
    assert_eq!(v["stored"], "data/calibration/east.toml");
    let stored = fs::read_to_string(dir.path().join("data/calibration/east.toml")).expect("a reference");
    assert!(stored.contains("format = 1") && stored.contains("scale_mm_per_px = 0.5"));
    let (w, h) = SIZE;
    assert!(stored.contains(&format!("width = {w}\nheight = {h}")), "{}", &stored[..400]);
    // What is kept is not replaced by itself.
    let got = of(&["east", "--noise-floor", "--store", "--input", "rest.y4m"]);
    assert!(got.code == 73 && got.err.contains("--yes replaces it"), "{}", got.err);
    assert_eq!(of(&["east", "--noise-floor", "--store", "--input", "rest.y4m", "--yes"]).code, 0);

    let got = check("rest.y4m");
    assert_eq!((got.code, &got.json()["accuracy"]), (0, &"kept".into()), "{}{}", got.out, got.err);
    for (input, what) in [
        ("blurred.y4m", "sharpness"),
        ("blurred.y4m", "texture"),
        ("shifted.y4m", "view_shift_px"),
        ("larger.y4m", "scale_error_percent"),
        ("noisy.y4m", "noise_px"),
    ] {
        let got = check(input);
        let v = got.json();
        assert_eq!(
            (got.code, verdict(&v, what).as_str(), &v["accuracy"]),
            (1, "worse", &"decreased".into()),
            "{input}: {v}"
        );
    }
    let v = check("shifted.y4m").json();
    let by = v["items"][0]["now"].as_f64().expect("a shift");
    assert!((by - 9f64.hypot(5.0)).abs() < 0.3, "{by}");
    let v = check("larger.y4m").json();
    assert_eq!(v["items"][1]["what"], "scale_error_percent", "{v}");
    assert!((v["items"][1]["now"].as_f64().expect("a share") - 2.0).abs() < 0.2, "{v}");
    assert_eq!(verdict(&check("shifted.y4m").json(), "scale_error_percent"), "fine");
    // The scale was changed by hand, the picture is the same.
    fs::write(dir.path().join("vms.toml"), CONFIG.replace("= 0.5 #", "= 0.52 #")).expect("written");
    let got = of(&["east", "--check", "--input", "rest.y4m"]);
    assert!(got.code == 1 && got.out.contains("the scale in the configuration has changed by +4.0 %"), "{}", got.out);
    fs::write(dir.path().join("vms.toml"), CONFIG).expect("written");
    let got = check("moving.y4m");
    assert_eq!((got.code, &got.json()["accuracy"]), (1, &"unknown".into()), "{}", got.out);
    let got = of(&["east", "--check", "--input", "blurred.y4m"]);
    assert!(
        got.code == 1 && got.out.contains("clean the lens") && got.out.ends_with("accuracy has decreased\n"),
        "{}",
        got.out
    );

    // A region that has moved since, and a reference that is damaged.
    fs::write(dir.path().join("vms.toml"), CONFIG.replace("[ 32,", "[ 40,")).expect("written");
    let got = check("rest.y4m");
    assert_eq!((got.code, verdict(&got.json(), "region").as_str()), (1, "unknown"), "{}", got.out);
    fs::write(dir.path().join("data/calibration/east.toml"), stored.replace("format = 1", "format = 9"))
        .expect("written");
    let got = of(&["east", "--check", "--input", "rest.y4m"]);
    assert!(got.code == 66 && got.err.contains("its format is 9"), "{}", got.err);
}
