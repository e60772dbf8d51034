//! The program as a shell sees it: exit codes, standard output, and what is said of bad input.
#![expect(clippy::expect_used, reason = "a test that cannot set its stage has to stop")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the program in a directory of its own, without a terminal.
fn vms(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vms"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("HOME", dir)
        .env("SET_PASSWORD", "hunter2")
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn run(dir: &Path, args: &[&str]) -> Ran {
    let o = vms(dir, args);
    Ran {
        code: o.status.code().unwrap_or(-1),
        out: String::from_utf8(o.stdout).expect("UTF-8"),
        err: String::from_utf8(o.stderr).expect("UTF-8"),
    }
}

/// `vms config check` on a text.
fn check(text: &str) -> Ran {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("vms.toml"), text).expect("written");
    run(dir.path(), &["config", "check", "--config", "vms.toml"])
}

const CAMERA: &str = "[[camera]]\nid = \"c\"\nurl = \"rtsp://h/s\"\n";
const ROI: &str = "[[camera.roi]]\nid = \"r\"\nrect = [0, 0, 64, 64]\n";
const PLC: &str = "[[plc]]\nid = \"p\"\nport = \"COM3\"\n";

#[test]
fn every_bad_input_ends_with_78_and_its_place() {
    let tag = |body: &str| format!("{PLC}[[plc.tag]]\nid = \"t\"\n{body}\n");
    let roi = |body: &str| format!("{CAMERA}{ROI}{body}\n");
    let cases = [
        ("[site]\nnmae = \"x\"\n".to_owned(), "2:1: site.nmae: unknown key; did you mean \"name\"?"),
        (format!("{CAMERA}{CAMERA}"), "5:1: camera[1].id: the id \"c\" is taken by the camera on line 2;"),
        (
            format!("{CAMERA}{ROI}{}{ROI}", CAMERA.replace("\"c\"", "\"d\"")),
            "11:1: camera[1].roi[0].id: the id \"r\" is taken by the region on line 5;",
        ),
        (
            format!("{PLC}{}", PLC.replace("COM3", "COM4")),
            "5:1: plc[1].id: the id \"p\" is taken by the PLC on line 2;",
        ),
        (
            format!("{PLC}{}", PLC.replace("\"p\"", "\"q\"")),
            "6:1: plc[1].port: the port COM3 is used by the PLC \"p\" on line 3;",
        ),
        (
            tag("table = \"coil\"\naddress = 1\n[[plc.tag]]\nid = \"u\"\ntable = \"coil\"\naddress = 1"),
            "11:1: plc[0].tag[1].address: the tags \"t\" (line 7) and \"u\" both lie at coil 1 of this PLC;",
        ),
        (
            tag("table = \"input\"\naddress = 1\naccess = \"write\"\nsource = \"health\""),
            "8:1: plc[0].tag[0].access: the table \"input\" cannot be written;",
        ),
        (
            tag("table = \"coil\"\naddress = 1\naccess = \"write\""),
            "4:1: plc[0].tag[0]: the tag is written but has no source;",
        ),
        (tag("table = \"coil\"\naddress = 1\nsource = \"health\""), "8:1: plc[0].tag[0].source: the tag is read,"),
        (
            tag("table = \"coil\"\naddress = 1\naccess = \"write\"\nsource = \"alarm:x\""),
            "9:1: plc[0].tag[0].source: there is no region \"x\";",
        ),
        (
            tag("table = \"coil\"\naddress = 65536\naccess = \"read\""),
            "7:1: plc[0].tag[0].address: 65536 is out of range; write a whole number from 0 to 65535",
        ),
        (roi("running = \"x\""), "7:1: camera[0].roi[0].running: there is no tag \"x\";"),
        (
            roi("nominal_hz = { tag = \"x\", hz_per_unit = 1 }"),
            "7:16: camera[0].roi[0].nominal_hz.tag: there is no tag \"x\";",
        ),
        (
            roi("limits = [{ quantity = \"velocity\", alarm = 1 }]"),
            "7:13: camera[0].roi[0].limits[0].quantity: the quantity \"velocity\" is not known;",
        ),
        (
            roi("limits = [{ quantity = \"velocity_rms_mm_s\", alarm = 1 }]"),
            "7:13: camera[0].roi[0].limits[0].quantity: \"velocity_rms_mm_s\" is in mm/s, and camera[0] has no scale_mm_per_px;",
        ),
        (
            roi("limits = [{ quantity = \"peak_hz\", warning = 2, alarm = 1 }]"),
            "7:35: camera[0].roi[0].limits[0].warning: the warning (2) is above the alarm (1);",
        ),
        (
            roi("limits = [{ quantity = \"peak_hz\" }]"),
            "7:11: camera[0].roi[0].limits[0]: the limit has neither warning nor alarm;",
        ),
        (
            roi("role = \"background\"\nlimits = [{ quantity = \"peak_hz\", alarm = 1 }]"),
            "8:1: camera[0].roi[0].limits: a background region has no limits",
        ),
        (
            format!("{CAMERA}{}", ROI.replace("64, 64", "0, 64")),
            "6:1: camera[0].roi[0].rect: the region has no area (width 0); write x, y, width, height in pixels",
        ),
        (
            format!("{CAMERA}username = \"u\"\npassword = {{ file = \"no.password\" }}\n"),
            "5:1: camera[0].password: the file ./no.password does not exist;",
        ),
        (
            format!("{CAMERA}username = \"u\"\npassword = {{ env = \"NO_PASSWORD\" }}\n"),
            "5:1: camera[0].password: the environment variable NO_PASSWORD is not set;",
        ),
        (
            format!("{CAMERA}username = \"u\"\npassword = \"hunter2\"\n"),
            "5:1: camera[0].password: a secret stands in the configuration itself;",
        ),
        (CAMERA.replace("rtsp://", "rtsp://u:hunter2@"), "3:1: camera[0].url: a password stands in the address;"),
        (
            "[site]\ntime_zone = \"Mars/Olympus\"\n".to_owned(),
            "2:1: site.time_zone: the time zone \"Mars/Olympus\" is not known;",
        ),
        (
            format!("{CAMERA}expected_fps = 25\nexposure_ms = 50\n"),
            "5:1: camera[0].exposure_ms: an exposure of 50 ms is longer",
        ),
        (
            format!("{PLC}poll_interval = \"5ms\"\ntimeout = \"5s\"\n"),
            "5:1: plc[0].timeout: one missing answer (timeout 5s)",
        ),
        ("[site]\nname = \"B".to_owned(), "2:10: this is not TOML: "),
        ("[[camera]\n".to_owned(), "1:10: this is not TOML: "),
    ];
    for (text, want) in cases {
        let got = check(&text);
        assert_eq!(got.code, 78, "{text}\n{}", got.err);
        assert!(got.err.starts_with(&format!("vms.toml:{want}")), "{text}\nwant {want}\ngot  {}", got.err);
        assert_eq!(got.err.lines().count(), 1, "{text}\n{}", got.err);
        assert!(got.out.is_empty() && !got.err.contains("hunter2"), "{text}\n{}", got.err);
    }
}

#[test]
fn a_bad_configuration_starts_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("vms.toml"), "[site]\nnmae = 1\n[logs]\nkeep = 0\n").expect("written");
    for args in [&["engine"][..], &[], &["check"], &["config", "show"]] {
        let args: Vec<&str> = args.iter().copied().chain(["--config", "vms.toml", "--data-dir", "data"]).collect();
        let got = run(dir.path(), &args);
        assert_eq!(got.code, 78, "{args:?}");
        assert_eq!(got.err.lines().count(), 2, "{args:?}: {}", got.err);
    }
    assert!(!dir.path().join("data").exists());
    let got = run(dir.path(), &["config", "check", "--json", "--config", "vms.toml"]);
    let v: serde_json::Value = serde_json::from_str(&got.out).expect("one JSON object");
    assert_eq!((got.code, &v["fine"]), (78, &serde_json::json!(false)));
    assert_eq!(
        (&v["faults"][1]["line"], &v["faults"][1]["column"], &v["faults"][1]["key"]),
        (&4.into(), &1.into(), &"logs.keep".into())
    );
}

#[test]
fn a_file_that_is_not_there_or_not_text() {
    let dir = tempfile::tempdir().expect("a directory");
    let got = run(dir.path(), &["engine", "--config", "none.toml"]);
    assert_eq!(got.code, 66);
    assert_eq!(
        got.err,
        "none.toml: there is no such file; run `vms config init` to write one, or name another with --config\n"
    );
    fs::write(dir.path().join("latin.toml"), b"[site]\nname = \"\xfc\"\n").expect("written");
    let got = run(dir.path(), &["config", "check", "--config", "latin.toml"]);
    assert_eq!(
        (got.code, got.err.as_str()),
        (78, "latin.toml:2:9: this byte (0xfc) is not UTF-8; save the file as UTF-8\n")
    );
}

#[test]
fn a_first_configuration() {
    let dir = tempfile::tempdir().expect("a directory");
    let got = run(dir.path(), &["config", "init", "--config", "etc/vms.toml"]);
    assert_eq!((got.code, got.out.as_str()), (0, "etc/vms.toml\n"), "{}", got.err);
    let got = run(dir.path(), &["config", "check", "--config", "etc/vms.toml"]);
    assert_eq!((got.code, got.out.as_str()), (0, "etc/vms.toml: in order (0 cameras, 0 regions, 0 PLCs, 0 tags)\n"));
    fs::write(dir.path().join("etc/vms.toml"), "# mine\n").expect("written");
    let got = run(dir.path(), &["config", "init", "--config", "etc/vms.toml"]);
    assert_eq!(got.code, 73);
    assert!(got.err.contains("exists already"), "{}", got.err);
    assert_eq!(fs::read_to_string(dir.path().join("etc/vms.toml")).expect("read"), "# mine\n");
    let got = run(dir.path(), &["config", "init", "--yes", "--config", "etc/vms.toml"]);
    assert_eq!(got.code, 0);
    let written = fs::read_to_string(dir.path().join("etc/vms.toml")).expect("read");
    assert_eq!(run(dir.path(), &["config", "init", "-"]).out, written);
    assert_eq!(run(dir.path(), &["config", "init", "--stdout"]).out, written);
    fs::write(dir.path().join("file"), "").expect("written");
    assert_eq!(run(dir.path(), &["config", "init", "file/vms.toml"]).code, 73);
}

#[test]
fn what_is_in_force_is_shown_without_secrets() {
    let dir = tempfile::tempdir().expect("a directory");
    let text = format!("{CAMERA}username = \"u\"\npassword = {{ env = \"SET_PASSWORD\" }}\n");
    fs::write(dir.path().join("vms.toml"), text).expect("written");
    let got = run(dir.path(), &["config", "show", "--config", "vms.toml"]);
    assert_eq!(got.code, 0, "{}", got.err);
    assert!(!got.out.contains("hunter2"));
    let line = |key: &str| {
        got.out
            .lines()
            .find(|l| l.starts_with(key))
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(line("camera[0].password"), "camera[0].password = set # environment SET_PASSWORD");
    assert_eq!(line("camera[0].url"), "camera[0].url = \"rtsp://h/s\" # vms.toml:3");
    assert_eq!(line("logs.keep"), "logs.keep = 10 # default");
    let got = run(dir.path(), &["config", "show", "--json", "--config", "vms.toml"]);
    let v: serde_json::Value = serde_json::from_str(&got.out).expect("one JSON object");
    assert_eq!(v["values"][0]["key"], "site.name");
    assert!(!got.out.contains("hunter2"));
    let got = run(dir.path(), &["config", "schema"]);
    let v: serde_json::Value = serde_json::from_str(&got.out).expect("JSON");
    assert_eq!(v["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn words_that_are_no_command() {
    let dir = tempfile::tempdir().expect("a directory");
    let of = |args: &[&str]| run(dir.path(), args);
    for name in ["attach", "backup", "update"] {
        let got = of(&[name, "--json", "anything"]);
        assert_eq!(got.code, 2, "{name}");
        assert_eq!(got.err, format!("`vms {name}` is not in this version yet; `vms --help` lists what there is\n"));
    }
    let got = of(&["statsu"]);
    assert_eq!((got.code, got.err.as_str()), (2, "there is no command `statsu`; did you mean `vms status`?\n"));
    assert_eq!(of(&["zzz"]).code, 2);
    for bad in [
        &["engine", "--for", "soon"][..],
        &["engine", "--nonsense"],
        &["measure"],
        &["measure", "a.y4m", "--roi", "a=0,0,0,9"],
        &["measure", "a.y4m", "--roi", "a=0,0,9,9", "--roi", "a=0,0,9,9"],
        &["measure", "a.y4m", "--background", "b"],
        &["measure", "a.y4m", "--fps", "0"],
        &["alarms", "ack"],
        &["alarms", "ack", "x", "--all"],
        &["alarms", "shelve", "x"],
        &["completions", "cmd.com"],
        &["config", "edit"],
        &["db", "migrat"],
        &["db", "cancel", "nobody"],
    ] {
        let got = of(bad);
        assert_eq!(got.code, 2, "{bad:?}: {}", got.err);
        assert!(got.out.is_empty() && !got.err.is_empty(), "{bad:?}");
    }
}

#[test]
fn without_a_terminal_nothing_waits() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("vms.toml"), "").expect("written");
    let got = run(dir.path(), &["--config", "vms.toml", "--data-dir", "data"]);
    assert_eq!(got.code, 2);
    assert_eq!(got.err, "there is no terminal here for the console; run `vms engine` for the engine alone\n");
}

#[test]
fn help_manual_and_completions() {
    let dir = tempfile::tempdir().expect("a directory");
    let of = |args: &[&str]| run(dir.path(), args);
    let help = of(&["--help"]);
    assert_eq!(help.code, 0);
    assert!(help.out.contains("Not in this version yet:\n  attach, backup, update"));
    for name in [
        "engine",
        "demo",
        "status",
        "check",
        "measure",
        "calibrate",
        "alarms",
        "history",
        "fleet",
        "db",
        "config",
        "keys",
        "completions",
        "man",
    ] {
        assert!(help.out.contains(&format!("\n  {name} ")), "{name}");
        let sub = of(&[name, "--help"]);
        assert_eq!(sub.code, 0, "{name}");
        assert!(sub.out.contains(&format!("Usage: vms {name}")), "{name}: {}", sub.out);
    }
    assert!(of(&["--version"]).out.starts_with("vms "));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let got = of(&["completions", shell]);
        assert!(got.code == 0 && got.out.contains("measure"), "{shell}");
    }
    let man = of(&["man"]);
    assert_eq!(man.code, 0);
    for page in [".TH vms 1", ".TH vms-engine 1", ".TH vms-config-init 1", ".TH vms-alarms-ack 1"] {
        assert!(man.out.contains(page), "{page}");
    }
    assert_eq!(of(&["man", "--dir", "pages"]).code, 0);
    assert!(dir.path().join("pages/vms-measure.1").exists());
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    use std::io::Read as _;
    let dir = tempfile::tempdir().expect("a directory");
    let mut child = Command::new(env!("CARGO_BIN_EXE_vms"))
        .args(["man"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().expect("standard error").read_to_string(&mut said).expect("UTF-8");
    let status = child.wait().expect("it ends");
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}
