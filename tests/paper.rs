//! Documents on paper, opened by other programs (poppler): every field is there, fonts are embedded, pages are counted; and
//! `vms maintenance report` from outside, with a printer that is a script.
#![expect(clippy::expect_used, reason = "a test that cannot set its stage has to stop")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use vms::base::clock::{Mono, Now};
use vms::journal::{Batch, Store};
use vms::model::alarm::{Priority, Topic};
use vms::model::event::{Event, EventKind};
use vms::model::paper::{Document, Paper};
use vms::model::record::Rolled;
use vms::model::signed::{Addendum, Record, RecordedStep, Signature};
use vms::model::upkeep::Outcome;
use vms::paper;
use vms::upkeep::documents::{Head, month, record};

fn head() -> Head {
    Head {
        site: "BF2".into(),
        node: "bf2-vms-1".into(),
        zone: TimeZone::get("Asia/Kolkata").expect("known"),
        now: "2026-11-27T05:00:00Z".parse().expect("a time"),
    }
}

fn sample(run: u64, finished: Timestamp) -> Record {
    let at = |m: i64| finished.checked_sub(SignedDuration::from_mins(m)).expect("in range");
    let step = |id: &str, kind: &str, outcome, evidence: &[&str]| RecordedStep {
        id: id.into(),
        title: format!("Step {id} of the round").into(),
        kind: kind.into(),
        subject: Some("deck-east".into()),
        outcome,
        evidence: evidence.iter().map(|e| (*e).to_owned()).collect(),
        who: Some("kumar".into()),
        at: Some(at(20)),
    };
    let sign = |who: &str, counter| Signature {
        who: who.into(),
        name: format!("{who} Rao").into(),
        role: "technician".into(),
        counter,
        at: at(1),
    };
    let mut record = Record {
        run,
        site: "BF2".into(),
        node: "bf2-vms-1".into(),
        task: "daily-round".into(),
        row: "D1-D4".into(),
        title: "Daily checks".into(),
        started: at(42),
        finished,
        who: "kumar".into(),
        passed: false,
        abandoned: false,
        remark: Some("Überprüft: Δ 0.4 mm, 5 µm ± 1".into()),
        steps: vec![
            step(
                "cameras",
                "check",
                Some(Outcome::Passed),
                &["2 of 2 cameras live", "latency p99 41 ms, limit 500 ms"],
            ),
            step("lens", "observe", Some(Outcome::Failed), &["oil film on the lower half"]),
            step("wipe", "note", Some(Outcome::Passed), &["wiped with isopropanol; छवि साफ़"]),
            step("gauge", "measure", Some(Outcome::Skipped), &["ladder was not there"]),
            step("path", "check", None, &[&"/var/lib/vms/".repeat(20)]),
        ],
        hash: "".into(),
        signatures: vec![sign("kumar", false), sign("singh", true)],
        addenda: vec![Addendum { who: "singh".into(), at: finished, text: "Lens replaced on the next day".into() }],
    };
    record.hash = vms::upkeep::record::hash(&record);
    record
}

struct Paperwork {
    dir: tempfile::TempDir,
}

impl Paperwork {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    fn pdf(&self, document: &Document, size: Paper) -> PathBuf {
        let path = self.dir.path().join("paper.pdf");
        fs::write(&path, paper::pdf(document, size).expect("a PDF")).expect("written");
        keep(&path, &document.title);
        path
    }
}

/// `VMS_PAPER_OUT=DIRECTORY` keeps the papers, for a look at them.
fn keep(pdf: &Path, title: &str) {
    if let Some(dir) = std::env::var_os("VMS_PAPER_OUT") {
        let name = title.replace(['/', ':', ','], "").replace(' ', "-");
        fs::copy(pdf, Path::new(&dir).join(format!("{name}.pdf"))).expect("copied");
    }
}

fn is(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|e| e == extension)
}

fn tool(name: &str, args: &[&str]) -> String {
    let out = Command::new(name).args(args).output();
    let out = out.unwrap_or_else(|e| unreachable!("{name} (package poppler-utils): {e}"));
    assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
    // What poppler finds wrong with a file it says here.
    // Older ones take `/Suspects false` for a fault, which ISO 32000-1 (table 321) has as a boolean.
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let wrong: Vec<&str> = said.lines().filter(|l| !l.contains("Suspects object is wrong type")).collect();
    assert!(wrong.is_empty(), "{name}: {wrong:?}");
    String::from_utf8(out.stdout).expect("UTF-8")
}

/// The text in the order in which it stands in the file, without spaces: lines may break anywhere.
fn text_of(pdf: &Path) -> String {
    squeeze(&tool("pdftotext", &["-raw", &pdf.to_string_lossy(), "-"]))
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn info(pdf: &Path, key: &str) -> String {
    let all = tool("pdfinfo", &[&pdf.to_string_lossy()]);
    let line = all.lines().find_map(|l| l.strip_prefix(&format!("{key}:"))).unwrap_or_default();
    line.trim().to_owned()
}

#[test]
fn every_field_of_a_record_can_be_read_back() {
    let work = Paperwork::new();
    let r = sample(17, head().now);
    let document = record::document(&head(), &r);
    let pdf = work.pdf(&document, Paper::A4);
    let (got, plain) = (text_of(&pdf), squeeze(&paper::text(&document)));
    let mut fields: Vec<String> =
        ["record 17", "D1-D4", "daily-round", "BF2", "bf2-vms-1", "kumar", "Daily checks"].map(String::from).to_vec();
    fields.extend(r.remark.iter().map(ToString::to_string));
    fields.push(r.hash.to_string());
    fields.extend(["2026-11-27 09:48:00 IST", "2026-11-27 10:30:00 IST", "after 42 min"].map(String::from));
    for s in &r.steps {
        fields.push(s.title.to_string());
        fields.push(s.kind.to_string());
        fields.extend(s.evidence.iter().cloned());
    }
    fields.extend(["passed", "failed", "skipped", "not asked", "2026-11-27 10:10:00"].map(String::from));
    for s in &r.signatures {
        fields.push(format!("{} ({}, {})", s.name, s.who, s.role));
    }
    fields.extend(
        ["Countersigned by", "Issues discovered", "Actions taken", "Lens replaced on the next day"].map(String::from),
    );
    for field in fields {
        assert!(got.contains(&squeeze(&field)), "{field} is not in the PDF:\n{got}");
        // Cells stand beside each other there, so that a field is not in one piece: its words are.
        for word in field.split_whitespace().filter(|w| w.chars().count() < 12) {
            assert!(plain.contains(word), "{word} of {field} is not in the text:\n{plain}");
        }
    }
    assert!(got.contains(&squeeze("drawn as boxes: U+091B")), "letters without a shape are told");
    assert_eq!(info(&pdf, "Title"), "Maintenance record 17: Daily checks");
    assert_eq!(info(&pdf, "Tagged"), "yes");
    assert!(info(&pdf, "Page size").contains("(A4)"), "{}", info(&pdf, "Page size"));
    let fonts = tool("pdffonts", &[&pdf.to_string_lossy()]);
    let lines: Vec<&str> = fonts.lines().skip(2).collect();
    assert!(
        lines.len() == 2 && lines.iter().all(|l| l.contains("+DejaVuSans") && l.contains("yes yes yes")),
        "{fonts}"
    );
}

#[test]
fn a_month_has_every_record_on_its_page_with_its_own_hash() {
    let work = Paperwork::new();
    let at = |i: u64| head().now.checked_sub(SignedDuration::from_hours(i as i64 * 3)).expect("in range");
    let records: Vec<Record> = (1..=200).map(|i| sample(i, at(i))).collect();
    let document = month::document(&head(), "2026-11", &records, &[]);
    let pdf = work.pdf(&document, Paper::Letter);
    assert!(info(&pdf, "Page size").contains("(letter)"), "{}", info(&pdf, "Page size"));
    let pages: usize = info(&pdf, "Pages").parse().expect("a number");
    assert!(pages > 200, "{pages}");
    let all = tool("pdftotext", &["-layout", &pdf.to_string_lossy(), "-"]);
    let sheets: Vec<&str> = all.split('\u{c}').collect();
    for (i, sheet) in sheets.iter().take(pages).enumerate() {
        assert!(sheet.contains(&format!("page {} of {pages}", i + 1)), "page {}", i + 1);
    }
    for r in &records {
        // The page that the list of contents gives is the one with the record's title and its hash at the foot.
        let entry = format!("record {}", r.run);
        let line = all.lines().find(|l| {
            l.trim_start().starts_with("Daily checks")
                && l.split_whitespace().rev().nth(1).is_some_and(|w| w == r.run.to_string())
        });
        let line = line.unwrap_or_else(|| unreachable!("{entry} is not among the contents"));
        let page: usize = line.split_whitespace().last().expect("a page").parse().expect("a number");
        let sheet = sheets[page - 1];
        assert!(sheet.contains(&*r.hash) && sheet.contains(&entry), "{entry} is not on page {page}:\n{sheet}");
    }
}

const CONFIG: &str = r#"
[site]
name = "BF2"
node = "bf2-vms-1"
time_zone = "Asia/Kolkata"
[[camera]]
id = "deck-east"
url = "rtsp://127.0.0.1:9/s"
username = "vms"
password = { file = "camera.password" }
[[camera.roi]]
id = "east-bearing"
rect = [820, 410, 128, 128]
limits = [{ quantity = "displacement_pp_px", warning = 2.5, alarm = 4.0 }]
[[plc]]
id = "bf2-plc"
port = "/dev/ttyVMS7"
baud_rate = 19200
parity = "even"
unit = 7
[[plc.tag]]
id = "vibration-alarm"
table = "coil"
address = 100
access = "write"
source = "alarm:east-bearing"
"#;

const CONTACT: &str = "[[contact]]\nname = \"R. Kumar\"\nrole = \"electrician\"\nphone = \"+91 8395 250 120\"\n";
const SECRET: &str = "never-on-paper-4711";

fn stage(dir: &Path) {
    fs::write(dir.join("vms.toml"), CONFIG).expect("written");
    let secret = dir.join("camera.password");
    fs::write(&secret, SECRET).expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("set");
    }
}

fn journal(dir: &Path) -> Timestamp {
    let now = Timestamp::now();
    let mut store = Store::open(&dir.join("journal.db"), Now { wall: now, mono: Mono(0) }).expect("a journal").store;
    let hour = now.as_second() / 3600 * 3600;
    let minutes = |series: &str, unit: &str, value: &dyn Fn(i64) -> f64| -> Vec<Rolled> {
        let minute = |i: i64| {
            let mean = value(i);
            let at = hour - 20 * 86_400 + i * 300;
            Rolled {
                series: series.into(),
                unit: unit.into(),
                at,
                known: 60,
                mean,
                least: mean - 1.0,
                most: mean + 2.0,
            }
        };
        (0..20 * 288).map(minute).collect()
    };
    let mut batch = Batch::default();
    batch.minutes.extend(minutes("indicator.cpu", "%", &|i| if i % 288 < 60 { 82.0 } else { 35.0 }));
    batch.minutes.extend(minutes("indicator.disk./", "%", &|i| 60.0 - i as f64 / 288.0));
    let raised = |alarm: &str| EventKind::AlarmRaised {
        alarm: alarm.into(),
        source: alarm.into(),
        topic: Topic::Vibration,
        priority: Priority::High,
        value: Some(8.0),
        limit: Some(7.1),
        unit: "mm/s".into(),
        text: format!("{alarm} is too high").into(),
        advice: "Look.".into(),
    };
    let mut kinds: Vec<EventKind> = (0..30).map(|i| raised(if i % 3 == 0 { "west" } else { "east" })).collect();
    let r = sample(5, now);
    let signature = r.signatures[1].clone();
    let (hash, addendum) = (Arc::clone(&r.hash), r.addenda[0].clone());
    let signed = Record { signatures: vec![r.signatures[0].clone()], addenda: Vec::new(), ..r };
    let end = |run, record| EventKind::RunFinished {
        run,
        task: "daily-round".into(),
        who: "kumar".into(),
        passed: false,
        abandoned: false,
        record,
    };
    kinds.push(end(5, Some(Arc::new(signed))));
    kinds.push(end(6, None));
    kinds.push(EventKind::RecordCountersigned { run: 5, hash, signature });
    kinds.push(EventKind::RecordAddendum { run: 5, addendum });
    // All before the running hour, which a review leaves out.
    let at = |i: usize| now.checked_sub(SignedDuration::from_secs(3 * 3600 - i as i64 * 60)).expect("in range");
    batch.events =
        kinds.into_iter().enumerate().map(|(i, kind)| Event { seq: i as u64 + 1, at: at(i), kind }).collect();
    let ended = at(30);
    store.append(&batch).expect("written");
    ended
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn vms(dir: &Path, path: Option<&Path>, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vms"));
    let (config, data) = (dir.join("vms.toml"), dir.join("data"));
    command.arg("--config").arg(config).arg("--data-dir").arg(data).args(["maintenance", "report"]).args(args);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let out = command.output().expect("the program runs");
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    Ran { code: out.status.code().unwrap_or(-1), out: text(&out.stdout), err: text(&out.stderr) }
}

#[test]
fn inventory_and_handbook_know_what_changed_and_never_a_password() {
    let dir = tempfile::tempdir().expect("a directory");
    stage(dir.path());
    fs::create_dir(dir.path().join("data")).expect("made");
    let first = vms(dir.path(), None, &["inventory", "--write"]);
    assert_eq!((first.code, first.err.trim()), (0, "wrote the first inventory"), "{}", first.err);
    assert!(vms(dir.path(), None, &["inventory"]).out.contains("Nothing has changed since the inventory"));
    assert_eq!(vms(dir.path(), None, &["handbook", "--write", "--json"]).code, 0);
    assert_eq!(vms(dir.path(), None, &["handbook", "--json"]).code, 0, "it is current");
    // The plant changes: another unit, a contact.
    let changed = CONFIG.replace("unit = 7", "unit = 8") + CONTACT;
    fs::write(dir.path().join("vms.toml"), changed).expect("written");
    let inventory = vms(dir.path(), None, &["inventory"]).out;
    assert!(
        squeeze(&inventory).contains(&squeeze(
            "PLCs: bf2-plc, line: 19200 baud, parity even, unit 7 → 19200 baud, parity even, unit 8"
        )),
        "{inventory}"
    );
    let old = vms(dir.path(), None, &["handbook", "--json"]);
    assert_eq!(old.code, 1, "{}", old.out);
    assert!(old.out.contains("outdated"));
    let written = vms(dir.path(), None, &["handbook", "--write"]);
    assert!(written.err.contains("edition 2"), "{}", written.err);
    let reports = dir.path().join("data/reports");
    let book = text_of(&reports.join("handbook-edition-2.pdf"));
    for word in [
        "R. Kumar",
        "+91 8395 250 120",
        "/dev/ttyVMS7",
        "19200 baud",
        "820, 410, 128, 128",
        "rtsp://127.0.0.1:9/s",
        "vibration-alarm",
        "camera.password",
        "edition 2",
    ] {
        assert!(book.contains(&squeeze(word)), "{word} is not in\n{book}");
    }
    for file in fs::read_dir(&reports).expect("there").flatten() {
        let bytes = fs::read(file.path()).expect("read");
        assert!(!bytes.windows(SECRET.len()).any(|w| w == SECRET.as_bytes()), "{:?} has the password", file.path());
    }
    assert!(!book.contains(SECRET));
}

#[test]
fn records_forms_and_reviews_come_from_the_journal() {
    let dir = tempfile::tempdir().expect("a directory");
    stage(dir.path());
    let none = vms(dir.path(), None, &["record", "5"]);
    assert_eq!(none.code, 66, "{}", none.err);
    fs::create_dir(dir.path().join("data")).expect("made");
    let now = journal(&dir.path().join("data"));
    let pdf = dir.path().join("r.pdf");
    let out = pdf.to_string_lossy().into_owned();
    let ran = vms(dir.path(), None, &["record", "5", "--out", &out, "--paper", "letter"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let text = text_of(&pdf);
    for word in ["record 5", "singh Rao", "Lens replaced on the next day", "oil film"] {
        assert!(text.contains(&squeeze(word)), "{word} is not in\n{text}");
    }
    assert!(vms(dir.path(), None, &["record", "6"]).err.contains("without a signed record"));
    assert_eq!(vms(dir.path(), None, &["record", "7"]).code, 66);
    let month = now.to_zoned(TimeZone::get("Asia/Kolkata").expect("known")).strftime("%Y-%m").to_string();
    let batch = vms(dir.path(), None, &["month", &month]);
    assert!(
        batch.out.contains("0 of 1 records in order") && batch.err.contains("1 runs of"),
        "{}{}",
        batch.out,
        batch.err
    );
    assert_eq!(vms(dir.path(), None, &["month", "2026-13"]).code, 2);
    let review = vms(dir.path(), None, &["performance", "--week"]).out;
    for word in ["The processors were beyond their limit", "30 alarms were raised", "East", "/ free", "Not known"] {
        assert!(squeeze(&review).to_lowercase().contains(&squeeze(word).to_lowercase()), "{word} is not in\n{review}");
    }
    let ran = vms(dir.path(), None, &["performance", "--quarter", "--write"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for file in ran.out.lines().filter(|l| is(l, "pdf")) {
        keep(Path::new(file), "Performance review");
    }
    assert!(ran.out.lines().any(|l| is(l, "svg")) && ran.out.lines().any(|l| is(l, "pdf")), "{}", ran.out);
    let form = vms(dir.path(), None, &["form", "daily-round"]);
    assert!(form.code == 0 && form.out.contains("BLANK FORM"), "{}", form.err);
    let wrong = vms(dir.path(), None, &["form", "daily-rond"]);
    assert!(wrong.code == 2 && wrong.err.contains("did you mean \"daily-round\""), "{}", wrong.err);
    let refused = vms(dir.path(), None, &["record", "5", "--out", "/nowhere/x.pdf"]);
    assert_eq!(refused.code, 73, "{}", refused.err);
}

#[cfg(unix)]
#[test]
fn printing_hands_the_pdf_to_lp_or_says_why_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a directory");
    stage(dir.path());
    let bin = dir.path().join("bin");
    fs::create_dir_all(&bin).expect("made");
    let absent = vms(dir.path(), Some(&bin), &["form", "daily-round", "--print"]);
    assert!(absent.code == 74 && absent.err.contains("there is no `lp` on this computer"), "{}", absent.err);
    let script = |text: &str| {
        let lp = bin.join("lp");
        fs::write(&lp, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{text}\n")).expect("written");
        fs::set_permissions(&lp, fs::Permissions::from_mode(0o755)).expect("set");
    };
    let got = dir.path().join("got.pdf");
    script(&format!("cat > {}; echo \"request id is laser-7 ($*)\"", got.display()));
    let sent = vms(dir.path(), Some(&bin), &["form", "daily-round", "--print", "laser"]);
    assert!(
        sent.code == 0 && sent.err.contains("sent to laser: request id is laser-7 (-d laser -t Form:"),
        "{}",
        sent.err
    );
    assert!(text_of(&got).contains(&squeeze("Countersigned by")));
    script("cat > /dev/null; echo 'lp: Error - no default destination available.' >&2; exit 1");
    let refused = vms(dir.path(), Some(&bin), &["form", "daily-round", "--print"]);
    assert!(refused.code == 74 && refused.err.contains("no default destination"), "{}", refused.err);
    assert_eq!(vms(dir.path(), Some(&bin), &["form", "daily-round", "--print", "--", "-oraw"]).code, 2);
}
