//! `vms logs` as a shell sees it: tails, filters, files that rotate while they are followed, patterns.
#![expect(clippy::expect_used, reason = "a test that cannot set its stage has to stop")]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

const LONG: Duration = Duration::from_secs(30);

fn vms(dir: &Path) -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_vms"));
    c.current_dir(dir).env_clear().env("HOME", dir).stdin(Stdio::null());
    c
}

fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let o = vms(dir).args(args).output().expect("the program runs");
    let text = |b: Vec<u8>| String::from_utf8(b).expect("UTF-8");
    (o.status.code().unwrap_or(-1), text(o.stdout), text(o.stderr))
}

fn log() -> String {
    let mut out = String::new();
    for i in 0..500 {
        let t = jiff::Timestamp::from_second(1_780_000_000 + i).expect("a time");
        let _ = match i % 10 {
            0 => writeln!(out, "{t} ERROR disk /dev/sd{i} failed\n  at block {i}"),
            _ => writeln!(out, "{t} INFO job {i} took {i} ms"),
        };
    }
    out
}

#[test]
fn tails_filters_and_times() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("a.log"), log()).expect("written");
    let of = |args: &[&str]| run(dir.path(), &[&["logs", "tail", "a.log"], args].concat());
    let (code, out, _) = of(&["-n", "3"]);
    assert_eq!((code, out.lines().count()), (0, 3));
    assert!(out.ends_with("INFO job 499 took 499 ms\n"), "{out}");
    let (_, out, _) = of(&["--level", "error", "-n", "2", "--json"]);
    let records: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(records.len(), 2);
    assert_eq!(
        (&records[1]["level"], &records[1]["lines"]),
        (&"error".into(), &2.into()),
        "a record with its second line"
    );
    assert_eq!(records[1]["time"], "2026-05-28T20:34:50Z");
    let (_, out, _) = of(&["--grep", "job 12\\d"]);
    assert_eq!(out.lines().count(), 9, "{out}");
    let (_, out, _) = of(&["--from", "2026-05-28T20:26:45Z", "-n", "1"]);
    assert!(out.contains("job 5 took"), "{out}");
    let (code, _, err) = of(&["--grep", "("]);
    assert!(code == 2 && err.contains("no regular expression"), "{err}");
    let (code, _, err) = of(&["--from", "noon"]);
    assert!(code == 2 && err.contains("write a time"), "{err}");
    let (code, _, err) = run(dir.path(), &["logs", "tail", "gone.log"]);
    assert!(code == 66 && err.contains("gone.log"), "{err}");
}

struct Followed(Child, Receiver<String>);

impl Drop for Followed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn follow(dir: &Path, args: &[&str]) -> Followed {
    let mut child =
        vms(dir).args(["logs", "tail", "-f"]).args(args).stdout(Stdio::piped()).spawn().expect("the program starts");
    let out = child.stdout.take().expect("its output");
    let (tx, rx) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if tx.send(line).is_err() {
                return;
            }
        }
    });
    Followed(child, rx)
}

fn append(path: &Path, text: &str) {
    use std::io::Write as _;
    let mut f = fs::OpenOptions::new().create(true).append(true).open(path).expect("opened");
    f.write_all(text.as_bytes()).expect("written");
}

#[test]
fn a_followed_file_may_rotate_either_way() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.log");
    append(&path, "2026-05-28T20:26:40Z INFO first\n");
    let f = follow(dir.path(), &["a.log"]);
    let next = || f.1.recv_timeout(LONG).expect("a line");
    assert!(next().ends_with("first"));
    append(&path, "2026-05-28T20:26:41Z INFO second\n");
    assert!(next().ends_with("second"));
    fs::rename(&path, dir.path().join("a.log.1")).expect("renamed");
    append(&path, "2026-05-28T20:26:42Z INFO after a rename\n");
    assert!(next().ends_with("after a rename"));
    fs::write(&path, "2026-05-28T20:26:43Z INFO cut\n").expect("cut");
    assert!(next().ends_with("cut"));
}

#[test]
fn patterns_of_files_named() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("a.log"), log()).expect("written");
    let (code, out, _) = run(dir.path(), &["logs", "patterns", "--json", "a.log"]);
    let got: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &got["known"]), (0, &2.into()), "{out}");
    let first = &got["patterns"][0];
    assert_eq!((&first["severity"], &first["count"]), (&"error".into(), &50.into()));
    assert_eq!(first["template"], "ERROR disk <path> failed");
    assert_eq!(got["patterns"][1]["template"], "INFO job <n> took <n> ms");
    let (_, out, _) = run(dir.path(), &["logs", "patterns", "--level", "warn", "a.log"]);
    assert!(out.contains("1 of 2 patterns") && out.contains("ERROR disk <path> failed"), "{out}");
    let (code, _, err) = run(dir.path(), &["logs", "patterns"]);
    assert!(code == 66 && err.contains("nothing is learned yet"), "{err}");
}
