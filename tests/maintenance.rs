//! Maintenance from outside: a guided run on a real engine from its start to the signature, by commands alone; a record
//! altered by hand; people and PINs.
#![cfg(unix)]
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot set its stage has to stop"
)]

#[path = "common/small.rs"]
mod small;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use small::Small;

const TASKS: &str = r#"
[[task]]
id = "round"
row = "D1"
title = "A round"
cadence = "daily"
[[task.step]]
id = "disks"
title = "Disks"
why = "w"
how = "h"
kind = "check"
check = "disk"
[[task.step]]
id = "lens"
title = "Lens"
why = "w"
how = "h"
kind = "choose"
options = [{ text = "clean", good = true }, { text = "scratched" }]
guide = "guide-camera"
[[task.step]]
id = "order"
title = "Order a new one"
why = "w"
how = "h"
kind = "note"
when = [{ step = "lens", is = ["scratched"] }]
"#;

/// A site with an engine of its own.
struct Site {
    dir: tempfile::TempDir,
    data: PathBuf,
    engine: Option<Child>,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(
            dir.path().join("vms.toml"),
            "[site]\nname = \"T\"\nnode = \"t1\"\n[resources]\ndisk_free_percent = 1\n",
        )
        .expect("written");
        fs::write(dir.path().join("maintenance.toml"), TASKS).expect("written");
        Self { data: dir.path().join("data"), dir, engine: None }
    }

    fn data(&self) -> PathBuf {
        self.data.clone()
    }

    fn command(&self) -> Command {
        let mut c = Command::new(program());
        c.arg("--config").arg(self.dir.path().join("vms.toml")).arg("--data-dir").arg(self.data());
        c
    }

    fn start(&mut self) {
        let child = self
            .command()
            .args(["engine", "--for", "120s"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the engine starts");
        self.engine = Some(child);
        self.until("the engine answers", |s| s.vms(&["status"]).status.success());
        self.until("tasks are known", |s| !s.vms(&["maintenance", "list"]).stdout.is_empty());
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.engine.take() {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }

    fn vms(&self, args: &[&str]) -> Output {
        self.command().args(args).stdin(Stdio::null()).output().expect("it runs")
    }

    /// With a line on standard input.
    fn with_line(&self, args: &[&str], line: &str) -> Output {
        let mut c = self.command();
        c.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = c.spawn().expect("it runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that refuses before it reads closes the pipe.
        let _ = writeln!(stdin, "{line}");
        drop(stdin);
        child.wait_with_output().expect("it ends")
    }

    fn fine(&self, args: &[&str]) -> String {
        let out = self.vms(args);
        assert!(out.status.success(), "{args:?}: {}{}", text(&out.stdout), text(&out.stderr));
        text(&out.stdout)
    }

    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + Duration::from_mins(1);
        while !holds(self) {
            assert!(Instant::now() < end, "in vain: {what}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop();
    }
}

fn program() -> PathBuf {
    std::env::var_os("VMS_BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_vms")), PathBuf::from)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn enrol(site: &Site) {
    site.fine(&["user", "add", "kumar", "--name", "Ravi Kumar", "--role", "technician"]);
    site.fine(&["user", "add", "singh", "--name", "Arjun Singh", "--role", "admin"]);
    for (id, pin) in [("kumar", "2580"), ("singh", "1379")] {
        let out = site.with_line(&["user", "pin", id], pin);
        assert!(out.status.success(), "{}", text(&out.stderr));
    }
}

fn run_to_the_signature(site: &Site) {
    site.fine(&["maintenance", "start", "round"]);
    site.until("the disks are read", |s| s.vms(&["maintenance", "answer", "1", "disks", "ok"]).status.success());
    let out = site.vms(&["maintenance", "answer", "1", "order", "ok", "x"]);
    assert!(text(&out.stderr).contains("lens comes first"), "{}", text(&out.stderr));
    let out = site.vms(&["maintenance", "answer", "1", "lens", "ok", "shiny"]);
    assert!(text(&out.stderr).contains("choose one of: clean; scratched"), "{}", text(&out.stderr));
    site.fine(&["maintenance", "answer", "1", "lens", "ok", "scratched"]);
    let out = site.with_line(&["maintenance", "sign", "1", "--as", "kumar"], "2580");
    assert!(text(&out.stderr).contains("order is to be answered first"), "{}", text(&out.stderr));
    site.fine(&["maintenance", "answer", "1", "order", "ok", "lens ordered, 17 mm"]);
}

#[test]
fn a_round_is_begun_answered_signed_kept_over_a_restart_and_proved() {
    let mut site = Site::new();
    enrol(&site);
    site.start();
    let out = site.vms(&["maintenance", "due", "--json"]);
    assert!(text(&out.stdout).contains("\"id\":\"round\""), "{}", text(&out.stdout));
    run_to_the_signature(&site);
    // A restart in the middle loses nothing.
    site.stop();
    site.start();
    for _ in 0..3 {
        let out = site.with_line(&["maintenance", "sign", "1", "--as", "kumar"], "1111");
        assert_eq!(out.status.code(), Some(1));
        assert!(text(&out.stderr).contains("not the PIN") && !text(&out.stderr).contains("1111"));
    }
    let out = site.with_line(&["maintenance", "sign", "1", "--as", "kumar"], "2580");
    assert!(text(&out.stderr).contains("too many wrong PINs"), "{}", text(&out.stderr));
    let out = site.with_line(&["maintenance", "sign", "1", "--as", "singh"], "1379");
    assert!(out.status.success(), "{}", text(&out.stderr));
    let record: Value = serde_json::from_str(&site.fine(&["maintenance", "record", "1", "--json"])).expect("JSON");
    assert_eq!(record["signatures"][0]["name"], "Arjun Singh");
    assert_eq!((&record["passed"], &record["steps"][1]["outcome"]), (&Value::Bool(false), &"failed".into()));
    let out = site.vms(&["maintenance", "follow-ups"]);
    assert!(out.status.code() == Some(1) && text(&out.stdout).contains("scratched"), "{}", text(&out.stdout));
    site.fine(&["maintenance", "settle", "1", "lens", "new lens fitted"]);
    site.fine(&["maintenance", "follow-ups"]);
    assert!(!site.fine(&["maintenance", "due"]).contains("round"));
    assert!(site.fine(&["maintenance", "verify"]).contains("1, of which 1 are signed"));
    // No PIN and no hash of one in what is kept of it.
    let journal = fs::read(site.data().join("journal.db")).expect("read");
    assert!(!journal.windows(8).any(|w| w == b"argon2id"));
}

#[test]
fn a_signature_on_a_full_disk_counts_once_there_is_room_and_not_before() {
    let Some(small) = Small::mount(24) else { return };
    let mut site = Site::new();
    site.data = small.path().join("data");
    fs::create_dir(&site.data).expect("made");
    enrol(&site);
    site.start();
    run_to_the_signature(&site);
    let filler = small.fill("filler");
    // What the journal's file has room for is still saved; then nothing is.
    let full = (0..2000).any(|i| {
        let to = if i % 2 == 0 { "singh" } else { "kumar" };
        !site.vms(&["maintenance", "hand-over", "1", to]).status.success()
    });
    assert!(full, "the disk is full");
    let out = site.with_line(&["maintenance", "sign", "1", "--as", "kumar"], "2580");
    let said = text(&out.stderr);
    assert!(!out.status.success() && said.contains("not saved yet") && said.contains("will count once"), "{said}");
    assert!(!site.vms(&["maintenance", "record", "1"]).status.success(), "it is not shown as signed");
    let out = site.with_line(&["maintenance", "sign", "1", "--as", "kumar"], "2580");
    assert!(!out.status.success(), "it is not signed twice");
    fs::remove_file(filler).expect("removed");
    site.until("it is signed", |s| s.vms(&["maintenance", "record", "1"]).status.success());
    let record: Value = serde_json::from_str(&site.fine(&["maintenance", "record", "1", "--json"])).expect("JSON");
    let signed = record["signatures"].as_array().map(Vec::len);
    assert_eq!((signed, &record["signatures"][0]["who"]), (Some(1), &"kumar".into()));
    assert!(site.fine(&["maintenance", "verify"]).contains("1, of which 1 are signed"));
    site.stop();
}

#[test]
fn a_record_altered_in_the_file_is_found() {
    let mut site = Site::new();
    site.start();
    run_to_the_signature(&site);
    site.until("the record is kept", |s| s.vms(&["maintenance", "record", "1"]).status.success());
    site.stop();
    alter(&site.data().join("journal.db"));
    let out = site.vms(&["maintenance", "verify"]);
    assert_eq!(out.status.code(), Some(1));
    let said = text(&out.stdout);
    assert!(said.contains("record 1 was changed") && said.contains("the journal at event"), "{said}");
}

/// Changes the words of a record as somebody with an editor for the file would.
fn alter(journal: &Path) {
    let db = rusqlite::Connection::open(journal).expect("opens");
    let changed = db
        .execute(
            "update event set body = replace(body, 'lens ordered, 17 mm', 'nothing ordered') where kind = 'run_finished'",
            [],
        )
        .or_else(|_| {
            // The table defends itself by a trigger; a person who means harm drops that first.
            let mut triggers = db.prepare("select name from sqlite_master where type = 'trigger'")?;
            let names: Vec<String> = triggers.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
            for name in names {
                db.execute_batch(&format!("drop trigger \"{name}\""))?;
            }
            db.execute(
                "update event set body = replace(body, 'lens ordered, 17 mm', 'nothing ordered') where kind = 'run_finished'",
                [],
            )
        })
        .expect("the file is changed");
    assert_eq!(changed, 1);
}

#[test]
fn a_wrong_catalogue_is_told_whole_and_starts_nothing() {
    let site = Site::new();
    let wrong = TASKS.replace("kind = \"choose\"", "kind = \"chose\"").replace("\"daily\"", "\"hourly\"");
    fs::write(site.dir.path().join("maintenance.toml"), wrong).expect("written");
    let out = site.vms(&["maintenance", "lint"]);
    assert_eq!(out.status.code(), Some(78));
    let said = text(&out.stdout);
    assert!(said.contains("unknown kind \"chose\"") && said.contains("unknown cadence \"hourly\""), "{said}");
    let out = site.vms(&["engine", "--for", "1s"]);
    assert_eq!(out.status.code(), Some(78), "{}", text(&out.stderr));
    let fine = site.vms(&["maintenance", "lint", "/nonexistent.toml"]);
    assert_eq!(fine.status.code(), Some(66));
}
