//! The figures of `docs/measurements.md` about the running program; printed, held against nothing: `make figures`.

#![cfg(all(target_os = "linux", feature = "demo"))]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement ends where it fails, and prints its figures"
)]

#[path = "common/terminal.rs"]
#[expect(dead_code, reason = "other tests that use a terminal look at more of it")]
mod terminal;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use terminal::{PATIENCE, Session, status, vms};

const SIZE: (u16, u16) = (120, 40);

/// A row of the table: what, each measured value's spread, and the share of the limit that the worst takes.
fn tell(what: &str, mut values: Vec<f64>, unit: &str, limit: f64) {
    values.sort_by(f64::total_cmp);
    let (least, middle, worst) = (values[0], values[values.len() / 2], values[values.len() - 1]);
    let share = 100.0 * worst / limit;
    println!(
        "| {what} | {middle:.2} {unit} ({least:.2} to {worst:.2}, {} times) | {limit} {unit} | {share:.0} % |",
        values.len()
    );
}

/// The demonstration on a terminal, in a directory of its own.
fn demo(data: &Path) -> Session {
    Session::start(data, &["demo", "--data-dir", data.to_str().unwrap()], SIZE)
}

/// Engine and console on a configuration without cameras.
fn small(data: &Path) -> Session {
    let config = data.join("vms.toml");
    std::fs::write(&config, "").unwrap();
    Session::start(data, &["--config", config.to_str().unwrap()], SIZE)
}

/// From its start until the first frame is there, and from SIGTERM to its end.
fn first_and_last(start: impl Fn(&Path) -> Session, times: usize) -> (Vec<f64>, Vec<f64>) {
    let one = |_| {
        let dir = tempfile::tempdir().unwrap();
        let mut s = start(dir.path());
        // The last line is the last that is drawn.
        s.wait_for("a frame", |t| t.contains("6 Maintenance") && t.contains("? help"));
        let first = s.age().as_secs_f64();
        s.watch(Duration::from_secs(3));
        let asked = Instant::now();
        s.signal(Signal::SIGTERM);
        assert!(s.end(PATIENCE).unwrap().success());
        (first * 1e3, asked.elapsed().as_secs_f64())
    };
    (0..times).map(one).unzip()
}

#[test]
#[ignore = "a measurement: make figures"]
fn a_first_frame_and_the_end() {
    let (first, last) = first_and_last(small, 10);
    tell("from exec to the console's first frame, a site without cameras", first, "ms", 150.0);
    tell("from SIGTERM to exit, a site without cameras", last, "s", 5.0);
    let (first, last) = first_and_last(demo, 6);
    tell("from exec to the console's first frame, the demonstration", first, "ms", 150.0);
    tell("from SIGTERM to exit, the demonstration", last, "s", 5.0);
}

/// Reads the terminal and asks for the camera's state until it is one of these; how long it took in seconds.
fn until(s: &mut Session, data: &Path, camera: &str, states: &[&str]) -> f64 {
    let began = Instant::now();
    loop {
        let now = status(data).unwrap();
        let found = now["cameras"].as_array().unwrap().iter().find(|c| c["id"] == camera).unwrap();
        if states.contains(&found["state"].as_str().unwrap()) {
            return began.elapsed().as_secs_f64();
        }
        assert!(began.elapsed() < PATIENCE, "{camera} is not {states:?}: {found}");
        s.watch(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "a measurement: make figures"]
fn b_faults_of_a_camera() {
    let dir = tempfile::tempdir().unwrap();
    let mut s = demo(dir.path());
    s.wait_for("the frame", |t| t.contains("engine running"));
    until(&mut s, dir.path(), "conveyor", &["live"]);
    for (fault, seen, what) in [
        ("camera-lost", "lost", "camera switched off"),
        ("camera-hung", "lost", "camera hangs"),
        ("camera-refused", "refused", "password changed"),
    ] {
        let (mut gone, mut back) = (Vec::new(), Vec::new());
        for _ in 0..6 {
            s.watch(Duration::from_millis(2500));
            let name = format!("{fault}:conveyor");
            assert!(vms(dir.path(), &["demo", "fault", &name, "on"]).status.success());
            gone.push(until(&mut s, dir.path(), "conveyor", &[seen]));
            s.watch(Duration::from_millis(2500));
            assert!(vms(dir.path(), &["demo", "fault", &name, "off"]).status.success());
            back.push(until(&mut s, dir.path(), "conveyor", &["live"]));
        }
        tell(&format!("{what}, until it is shown as `{seen}`"), gone, "s", 2.0);
        tell(&format!("{what} and back, until it is `live`"), back, "s", 3.0);
    }
}

/// CPU seconds in a `stat` file of /proc: name, parent, user and system time together.
fn stat(path: &Path) -> Option<(String, u32, f64)> {
    let text = std::fs::read_to_string(path).ok()?;
    let (name, rest) = text.split_once('(')?.1.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    let hz = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok()??;
    Some((name.to_owned(), fields.get(1)?.parse().ok()?, ticks as f64 / hz as f64))
}

/// CPU seconds of each thread of a process, by name; numbered threads of one name together.
fn threads(pid: u32) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        if let Some((name, _, s)) = stat(&task.path().join("stat")) {
            let main = task.file_name().to_str() == Some(&pid.to_string());
            *all.entry(if main { "console".to_owned() } else { name }).or_default() += s;
        }
    }
    all
}

/// CPU seconds of the processes that a process started, and theirs.
fn children(pid: u32) -> f64 {
    let all: Vec<(u32, u32, f64)> = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|e| {
            let id = e.file_name().to_str()?.parse().ok()?;
            stat(&e.path().join("stat")).map(|(_, parent, s)| (id, parent, s))
        })
        .collect();
    let mut family = vec![pid];
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        family.extend(all.iter().filter(|p| p.1 == parent).map(|p| p.0));
        at += 1;
    }
    all.iter().filter(|p| p.0 != pid && family.contains(&p.0)).map(|p| p.2).sum()
}

/// Shares of a core: each thread of the program, and its children.
fn cores(s: &mut Session, length: Duration) -> (BTreeMap<String, f64>, f64) {
    let (before, others) = (threads(s.pid()), children(s.pid()));
    let began = Instant::now();
    s.watch(length);
    let passed = began.elapsed().as_secs_f64();
    let share = |(name, now): (String, f64)| {
        let was = before.get(&name).copied().unwrap_or_default();
        (name, (now - was) / passed)
    };
    (threads(s.pid()).into_iter().map(share).collect(), (children(s.pid()) - others) / passed)
}

#[test]
#[ignore = "a measurement: make figures"]
fn c_cpu() {
    for (name, tab, start) in [
        ("a site without cameras", "1", small as fn(&Path) -> Session),
        ("the demonstration, tab Cameras", "1", demo),
        ("the demonstration, tab Vibration", "2", demo),
        ("the demonstration, tab Resources", "4", demo),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut s = start(dir.path());
        s.wait_for("the frame", |t| t.contains("engine running"));
        s.press(tab);
        s.watch(Duration::from_secs(12));
        let (program, others) = cores(&mut s, Duration::from_secs(30));
        let of = |n: &str| 100.0 * program.get(n).copied().unwrap_or_default();
        let console = of("console") + of("console-input");
        tell(&format!("CPU of the console's threads, {name}"), vec![console], "% of a core", 1.0);
        let whole = program.values().sum::<f64>();
        if name.contains("Cameras") {
            tell("CPU of the whole demonstration with its database", vec![whole + others], "cores", 1.5);
            let parts: Vec<String> = program
                .iter()
                .filter(|(_, share)| **share > 0.005)
                .map(|(n, share)| format!("{n} {:.1} %", 100.0 * share))
                .collect();
            println!("| of which | {}; PostgreSQL {:.1} % | | |", parts.join(", "), 100.0 * others);
        } else {
            println!("| whole program, {name} | {:.1} % of a core | | |", 100.0 * whole);
        }
    }
}
