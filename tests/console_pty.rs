//! The whole program on a real terminal: the demonstration's plant, its engine, and a person at the console.

#![cfg(all(target_os = "linux", feature = "demo"))]
#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

#[path = "common/terminal.rs"]
#[expect(dead_code, reason = "other tests that use a terminal look at more of it")]
mod terminal;

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use terminal::{Session, status, vms};

const SIZE: (u16, u16) = (120, 40);

/// The line of a screen that contains all of these words.
fn line<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    text.lines().find(|l| words.iter().all(|w| l.contains(w)))
}

/// Whether a camera's row says that pictures come. On a computer that is too slow for three cameras they come late, and
/// the row says `degraded`.
fn flows(text: &str, camera: &str) -> bool {
    line(text, &["live", camera]).or(line(text, &["degraded", camera])).is_some()
}

/// Whether a line has a number between these as a word of its own.
fn number(line: &str, low: f64, high: f64) -> bool {
    line.split_whitespace().filter_map(|w| w.parse::<f64>().ok()).any(|v| (low..=high).contains(&v))
}

/// The third line, which belongs to the worst alarm that nobody has acknowledged.
fn alarm_line(text: &str) -> &str {
    text.lines().nth(2).unwrap_or_default()
}

/// The program's own log.
fn log(data: &Path) -> String {
    std::fs::read_to_string(data.join("logs/vms.log")).unwrap_or_default()
}

fn six_tabs(s: &mut Session) {
    s.press("1");
    s.wait_for("three cameras with pictures", |t| ["deck", "conveyor", "shaft"].iter().all(|c| flows(t, c)));
    s.press("2");
    s.wait_for("each asset with the frequency that is true of it", |t| {
        [("deck-frame", 3.7), ("deck-bearing", 5.2), ("conveyor-gearbox", 6.4), ("shaft-support", 4.3)]
            .iter()
            .all(|(roi, hz)| line(t, &[roi]).is_some_and(|l| number(l, hz - 0.05, hz + 0.05)))
    });
    s.press("3");
    s.wait_for("decoded traffic of the PLC", |t| {
        line(t, &["live", "bf2-plc"]).is_some()
            && t.contains("heartbeat")
            && line(t, &["→", "read "]).is_some()
            && line(t, &["←", "ok "]).is_some()
    });
    s.press("4");
    s.wait_for("indicators with their values and limits", |t| {
        ["CPU", "Memory", " free"].iter().all(|what| line(t, &[what, "%"]).is_some())
    });
    s.press("5");
    s.wait_for("records of this program", |t| line(t, &[" I ", "the engine starts"]).is_some());
    s.press("6");
    s.wait_for("the daily checks", |t| t.contains("Daily checks"));
}

fn an_alarm_is_acknowledged(s: &mut Session, data: &Path) {
    // Each asset goes over its limit within its schedule, some seconds long.
    let text = s.wait_for("an alarm on the third line", |t| alarm_line(t).contains("a ack"));
    assert!(alarm_line(&text).contains(" > "), "{text}");
    s.press("a");
    s.press("A");
    s.wait_for("an acknowledged alarm in the list", |t| {
        t.contains("─ Alarms: ")
            && t.lines().any(|l| l.ends_with('│') && l.contains(" acknowledged ") && !l.contains("nobody yet"))
    });
    s.press("\x1b");
    s.wait_for("the list closed", |t| !t.contains("─ Alarms: "));
    // What the console shows as done is in the journal.
    let history = vms(data, &["alarms", "history", "--json"]);
    let events: serde_json::Value = serde_json::from_slice(&history.stdout).unwrap();
    let kinds: Vec<_> = events["events"].as_array().unwrap().iter().filter_map(|e| e["kind"].as_str()).collect();
    assert!(kinds.contains(&"alarm_acknowledged"), "{kinds:?}");
}

fn a_camera_is_lost_and_found(s: &mut Session, data: &Path) {
    s.press("1");
    assert!(vms(data, &["demo", "fault", "camera-lost:conveyor", "on"]).status.success());
    s.wait_for("a lost camera", |t| line(t, &["lost", "conveyor"]).is_some_and(|l| l.contains('✗')));
    assert!(vms(data, &["demo", "fault", "camera-lost:conveyor", "off"]).status.success());
    s.wait_for("the camera back", |t| flows(t, "conveyor"));
}

#[test]
fn a_shift_at_the_console() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let data_text = data.to_str().unwrap();
    let mut s = Session::start(data, &["demo", "--data-dir", data_text], SIZE);
    s.wait_for("the frame", |t| t.contains("engine running") && t.contains("6 Maintenance"));
    six_tabs(&mut s);
    an_alarm_is_acknowledged(&mut s, data);
    a_camera_is_lost_and_found(&mut s, data);

    s.resize(80, 24);
    let small = s.wait_for("a whole frame of 80 by 24", |t| {
        let lines: Vec<&str> = t.lines().collect();
        lines.len() == 24 && lines[1].contains("6 Maintenance") && lines[23].contains("data ") && flows(t, "deck")
    });
    assert!(small.lines().all(|l| l.chars().count() <= 80), "{small}");
    s.resize(SIZE.0, SIZE.1);
    s.wait_for("the large frame again", |t| t.lines().nth(39).is_some_and(|l| l.contains("data ")));

    s.press("q");
    s.wait_for("the question", |t| t.contains("Stop the engine?"));
    s.press("\x1b");
    s.wait_for("the question gone", |t| !t.contains("Stop the engine?"));

    let config = data.join("vms.toml");
    for args in [&["engine", "--config", config.to_str().unwrap()][..], &["demo", "--headless"]] {
        let second = vms(data, args);
        let said = String::from_utf8_lossy(&second.stderr);
        assert_eq!(second.status.code(), Some(75), "{args:?}: {said}");
        assert!(said.contains(&s.pid().to_string()), "{said}");
    }

    s.hang_up();
    // The engine tells that it lost its console, and goes on.
    let lost = || log(data).lines().any(|l| l.contains("terminal") && l.contains("hung up"));
    assert!(until(lost), "{}", log(data));
    let before = newest_frame(data).expect("the engine answers without its console");
    assert!(until(|| newest_frame(data).is_some_and(|now| now > before)), "it goes on measuring");

    s.signal(Signal::SIGTERM);
    let ended = s.end(Duration::from_secs(30)).expect("SIGTERM ends it");
    assert_eq!(ended.code(), Some(0), "{}", log(data));
    assert!(log(data).contains("stopped in order"), "{}", log(data));
    assert!(!data.join("vms.sock").exists());
    assert!(status(data).is_none(), "nobody answers any more");
}

/// When the engine's first camera had its newest reading, as the status tells (RFC 3339 in UTC: later is greater).
fn newest_frame(data: &Path) -> Option<String> {
    status(data)?["cameras"][0]["last_frame"].as_str().map(str::to_owned)
}

/// Looks again and again until it is so; false if it does not come to be.
fn until(so: impl Fn() -> bool) -> bool {
    let end = std::time::Instant::now() + terminal::PATIENCE;
    while std::time::Instant::now() < end {
        if so() {
            return true;
        }
        let _ = nix::poll::poll(&mut [], 50_u8);
    }
    false
}

/// Whether the bytes contain this sequence.
fn has(bytes: &[u8], sequence: &[u8]) -> bool {
    bytes.windows(sequence.len()).any(|w| w == sequence)
}

#[test]
fn the_terminal_is_given_back() {
    for (quit, signal) in [("q", None), ("\x03", None), ("", Some(Signal::SIGTERM)), ("", Some(Signal::SIGINT))] {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("vms.toml");
        std::fs::write(&config, "").unwrap();
        let mut s = Session::start(dir.path(), &["--config", config.to_str().unwrap()], (80, 24));
        s.wait_for("the frame", |t| t.contains("engine running"));
        assert!(s.raw() && s.screen().alternate_screen() && s.screen().hide_cursor());
        if let Some(signal) = signal {
            s.signal(signal);
        } else {
            s.press(quit);
            s.wait_for("the question", |t| t.contains("Stop the engine?"));
            s.press("y");
        }
        let ended = s.end(Duration::from_secs(30)).expect("it ends");
        let log = log(dir.path());
        assert_eq!(ended.code(), Some(0), "{log}");
        assert!(log.contains("stopped in order"), "{log}");
        assert!(!s.raw(), "lines and echo again");
        let screen = s.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste(), "{quit:?}");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        // In this order: nothing of the console is left on the screen that the shell goes on with.
        assert!(has(s.written(), b"\x1b[?1049l") && has(s.written(), b"\x1b[?25h"));
        assert_eq!(screen.contents().trim(), "");
        assert!(!dir.path().join("vms.sock").exists());
    }
}

#[test]
fn a_key_pressed_while_the_window_changes_arrives() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("vms.toml");
    std::fs::write(&config, "").unwrap();
    let mut s = Session::start(dir.path(), &["--config", config.to_str().unwrap()], (80, 24));
    s.wait_for("the frame", |t| t.contains("engine running"));
    for round in 0..8 {
        let (columns, rows) = if round % 2 == 0 { (100, 30) } else { (80, 24) };
        s.resize(columns, rows);
        s.press("?");
        s.wait_for("the help", |t| t.contains("─ Keys"));
        s.press("\x1b");
        s.wait_for("the help closed", |t| !t.contains("─ Keys"));
    }
}

/// The part of a screen that tells which step is open: `step 3 of 12`.
fn step_of(text: &str) -> Option<String> {
    let at = text.find("  step ")?;
    Some(text[at..].lines().next()?.trim().to_owned())
}

/// Answers the open step as a technician would, by what the screen offers; what they pressed.
fn answer_step(s: &mut Session, text: &str) -> &'static str {
    let offers = [
        ("Enter: accept this answer", "\r"),
        ("Enter: record it as it is", "\r"),
        ("y: it is in order", "y"),
        ("Enter takes it", "\r"),
        ("Enter: write it down", "\r"),
        ("There is nothing to accept yet", "x"),
    ];
    let keys = offers.iter().find(|(words, _)| text.contains(words)).unwrap().1;
    s.press(keys);
    if text.contains("write it down") || keys == "x" {
        s.wait_for("the prompt", |t| t.contains("Esc give it up"));
        s.press("seen on the round\r");
    }
    keys
}

#[test]
fn a_daily_round_from_its_first_step_to_the_signature() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let mut s = Session::start(data, &["demo", "--data-dir", data.to_str().unwrap()], SIZE);
    s.wait_for("the frame", |t| t.contains("engine running") && t.contains("6 Maintenance"));
    s.press("1");
    s.wait_for("three cameras with pictures", |t| ["deck", "conveyor", "shaft"].iter().all(|c| flows(t, c)));
    s.press("6");
    s.wait_for("the daily checks, selected", |t| line(t, &["›", "Daily checks"]).is_some());
    s.press("\r");
    let (mut before, mut steps) = (None, 0);
    loop {
        let text = s.wait_for("the next step, or the end", |t| {
            let offered = ["Enter: ", "Enter takes it", "y: it is in order", "nothing to accept yet"];
            t.contains("Every step is answered")
                || (step_of(t).is_some() && step_of(t) != before && offered.iter().any(|o| t.contains(o)))
        });
        if text.contains("Every step is answered") {
            break;
        }
        before = step_of(&text);
        answer_step(&mut s, &text);
        steps += 1;
    }
    assert!(steps >= 4, "the round has its steps: {steps}");
    // A wrong PIN signs nothing.
    for (pin, then) in [("1111", "not the PIN"), ("4711", "Signed by Meena Rao")] {
        s.press("\r");
        s.wait_for("the question who signs", |t| t.contains("Esc give it up"));
        s.press("meena\r");
        s.wait_for("the question for the PIN", |t| t.contains("PIN") && t.contains("Esc give it up"));
        s.press(pin);
        s.wait_for("the masked PIN", |t| t.contains("••••") || t.contains("****"));
        s.press("\r");
        s.wait_for("what came of it", |t| t.contains(then));
    }
    let out = vms(data, &["maintenance", "record", "1", "--json"]);
    let record: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&record["task"], &record["signatures"][0]["who"]), (&"daily-round".into(), &"meena".into()));
    assert!(record["steps"].as_array().unwrap().iter().all(|st| st["outcome"].is_string() || st["outcome"].is_null()));
    let said = vms(data, &["maintenance", "verify"]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    s.signal(Signal::SIGTERM);
    assert!(s.end(Duration::from_secs(30)).is_some());
}
