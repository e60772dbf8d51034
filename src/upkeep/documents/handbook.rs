//! The recovery handbook: how to start from nothing on a new machine, where backups and passwords are kept, whom to call,
//! how PLCs and cameras are wired. Made from the configuration in force; never with a password.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Head;
use crate::config::sections::{Backup, Camera, Contact, Parity, Plc, Source, Tag, Transport};
use crate::model::bus::Access;
use crate::model::paper::{Block, Document, Part, Seal, Table};
use crate::model::vibration::Role;

/// What the handbook is made of.
#[derive(Clone, Debug)]
pub struct Handbook {
    /// Name of the time zone.
    pub time_zone: String,
    /// The configuration file.
    pub config_file: Option<String>,
    /// The data directory.
    pub data_dir: String,
    /// Version of this program.
    pub program: String,
    /// Versions of what it stands on: name and version, as far as they are known.
    pub versions: Vec<(String, String)>,
    /// Whom to call.
    pub contacts: Vec<Contact>,
    /// Cameras.
    pub cameras: Vec<Camera>,
    /// PLCs.
    pub plcs: Vec<Plc>,
    /// Address of the database, without password; none where there is none.
    pub database: Option<String>,
    /// Backups.
    pub backup: Backup,
    /// Address of the mail server.
    pub mail_server: Option<String>,
    /// Keys of the configuration that hold passwords, and where each is kept.
    pub secrets: Vec<(String, String)>,
}

/// Which handbook was written last: kept beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// Its number; counts up when the contents change.
    pub number: u32,
    /// SHA-256 of its contents.
    pub fingerprint: String,
    /// When it was written.
    pub written: Timestamp,
}

/// Everything that the handbook says, for its fingerprint: neither date nor edition are part of it.
#[must_use]
pub fn content(head: &Head, book: &Handbook) -> String {
    head.document("", vec![part(head, book, None)]).content()
}

/// The handbook in this edition.
#[must_use]
pub fn document(head: &Head, book: &Handbook, edition: &Edition) -> Document {
    let title = format!("Recovery handbook, edition {}", edition.number);
    head.document(title, vec![part(head, book, Some(edition))])
}

fn part(head: &Head, b: &Handbook, edition: Option<&Edition>) -> Part {
    let mut blocks = Vec::new();
    if let Some(e) = edition {
        blocks.push(Block::Facts(vec![
            ("Edition".to_owned(), format!("{} of {}", e.number, head.minute(e.written))),
            (
                "Valid".to_owned(),
                "until the configuration changes; the task \"Recovery handbook\" tells when it did".to_owned(),
            ),
            ("Keep".to_owned(), "a printed copy at the console, and one away from this computer".to_owned()),
        ]));
    }
    contacts(b, &mut blocks);
    system(head, b, &mut blocks);
    recovery(b, &mut blocks);
    partial(b, &mut blocks);
    kept(b, &mut blocks);
    plcs(b, &mut blocks);
    cameras(b, &mut blocks);
    let number = edition.map_or_else(String::new, |e| format!(", edition {}", e.number));
    let seal = edition.map(|e| Seal {
        label: "contents SHA-256".to_owned(),
        text: e.fingerprint.clone(),
        code: format!("vms handbook {} {} sha256 {}", head.node, e.number, e.fingerprint),
    });
    Part { kind: "Recovery handbook".to_owned(), title: format!("Recovery handbook{number}"), seal, blocks }
}

fn heading(blocks: &mut Vec<Block>, text: &str) {
    blocks.push(Block::Heading(1, text.to_owned()));
}

fn contacts(b: &Handbook, blocks: &mut Vec<Block>) {
    heading(blocks, "Whom to call");
    if b.contacts.is_empty() {
        blocks.push(Block::Verdict(
            "No contact is configured. Add [[contact]] with name, role, phone, mail and hours to the configuration, and \
             write this handbook again."
                .to_owned(),
            Some(false),
        ));
        return;
    }
    let mut table = Table::new(&[("Name", 18), ("For what", 22), ("Telephone", 20), ("Mail", 36), ("When", 16)]);
    for c in &b.contacts {
        let may = |v: &Option<std::sync::Arc<str>>| v.as_deref().unwrap_or("–").to_owned();
        table.row([c.name.to_string(), c.role.to_string(), may(&c.phone), may(&c.mail), may(&c.hours)]);
    }
    blocks.push(Block::Table(table));
}

fn system(head: &Head, b: &Handbook, blocks: &mut Vec<Block>) {
    heading(blocks, "The installation");
    let count = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    let mut facts = vec![
        ("Site and node".to_owned(), format!("{}, {} (time zone {})", head.site, head.node, b.time_zone)),
        (
            "What it does".to_owned(),
            format!("watches {} and {}", count(b.cameras.len(), "camera"), count(b.plcs.len(), "PLC")),
        ),
        ("Program".to_owned(), format!("vms {}", b.program)),
        (
            "Configuration".to_owned(),
            b.config_file.clone().unwrap_or_else(|| "made by the program itself (demonstration)".to_owned()),
        ),
        ("Data directory".to_owned(), b.data_dir.clone()),
        (
            "Database".to_owned(),
            b.database.clone().unwrap_or_else(|| "none: the history is in the data directory alone".to_owned()),
        ),
        ("Mail".to_owned(), b.mail_server.clone().unwrap_or_else(|| "none".to_owned())),
    ];
    facts.extend(b.versions.iter().cloned());
    blocks.push(Block::Facts(facts));
}

fn step(title: &str, details: &[String]) -> (String, Vec<String>) {
    (title.to_owned(), details.to_vec())
}

fn recovery(b: &Handbook, blocks: &mut Vec<Block>) {
    heading(blocks, "From nothing on a new machine");
    blocks.push(Block::Text(
        "Measuring does not wait for the history: as soon as the program runs with its configuration, machines are \
         watched and the PLC is told. Restore the history after that."
            .to_owned(),
    ));
    let config = b.config_file.clone().unwrap_or_else(|| "vms.toml".to_owned());
    let folder = folder(&config);
    let s = |t: &str| t.to_owned();
    let mut steps = vec![
        step(
            "Call the contacts above",
            &[s(
                "Say that vibration is not watched, and from when. The operators watch the machines themselves until then.",
            )],
        ),
        step(
            "Prepare the computer",
            &[
                s("Debian 12 or newer, 64 bit, with the time set from a server and this time zone:"),
                format!("$ timedatectl set-timezone {}", b.time_zone),
                s("Join it to the camera network and give it the old node's address."),
            ],
        ),
        step(
            "Install what the program stands on",
            &[
                s(
                    "$ apt-get install gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav tzdata",
                ),
                s("$ apt-get install postgresql-client"),
                s("The last is for backups of the database."),
            ],
        ),
        step(
            "Install the program",
            &[format!(
                "Copy the program vms {} from the newest full backup to /usr/local/bin/vms; \"vms --version\" must answer.",
                b.program
            )],
        ),
        step(
            "Put the configuration in its place",
            &[
                format!("Copy it from the newest backup to {config}, with everything beside it in {folder}."),
                s(
                    "Without a backup: \"vms config init\" writes a new one; the tables at the end of this handbook have what to fill in.",
                ),
            ],
        ),
        step(
            "Put the passwords in their places",
            &[s("See \"Where passwords are kept\". Files must be readable by their owner only (chmod 600).")],
        ),
        step(
            "Check",
            &[
                s("$ vms config check"),
                s("$ vms check"),
                s("Each camera, PLC, disk and the database answers, or the output says what is wrong."),
            ],
        ),
    ];
    steps.push(step(
        "Connect the PLC",
        &[s("Plug in the serial line as the table \"Wiring of the PLCs\" says. The user of the program must be in the group dialout.")],
    ));
    if let Some(url) = &b.database {
        steps.push(step(
            "Restore the database",
            &[
                format!("The database is {url}."),
                s("Where it stood on the lost machine: install PostgreSQL, create the role and an empty database of that name, then"),
                s("$ pg_restore --no-owner --dbname=DATABASE DUMP"),
                s("DUMP is the newest verified dump of the backups."),
                s("Where it stands elsewhere: nothing is to be done; rows that were not sent yet are lost with the old machine."),
            ],
        ));
    }
    steps.push(step(
        "Start",
        &[
            s("Under the service manager, or by hand:"), s("$ vms engine"), s("$ vms status"),
            s("Look at every camera's picture and regions (tab Cameras): a camera that was moved needs its regions set again."),
        ],
    ));
    steps.push(step(
        "Prove it",
        &[
            s("Have one alarm raised and acknowledged, and see it at the PLC."),
            s("Do the task \"daily round\" at the console, and sign its record. Tell the contacts that vibration is watched again."),
        ],
    ));
    blocks.push(Block::Steps(steps));
}

fn folder(path: &str) -> String {
    path.rsplit_once('/').map_or_else(|| "its directory".to_owned(), |(dir, _)| format!("{dir}/"))
}

fn partial(b: &Handbook, blocks: &mut Vec<Block>) {
    heading(blocks, "When only a part is lost");
    let mut table = Table::new(&[("Lost", 20), ("What still works", 34), ("What to do", 46)]);
    table.row([
        "A camera",
        "Every other camera; regions of the lost one are unknown, and say so",
        "Guide \"camera\" at the console. A new camera gets the old one's address, or its url is changed in the configuration.",
    ]);
    table.row([
        "A PLC or its line",
        "Measurement, alarms at the console, history",
        "Guide \"PLC\" at the console. Operators must watch the console until the PLC is told again.",
    ]);
    if b.database.is_some() {
        table.row([
            "The database",
            "Everything; rows wait in the journal and are sent when it is back",
            "Guide \"database\" at the console; restore the newest verified dump where its files are lost.",
        ]);
    }
    table.row([
        "A disk is full",
        "Measurement and the PLC; the record may have gaps, and says so",
        "Guide \"storage\" at the console.",
    ]);
    table.row([
        "The journal is damaged",
        "Nothing starts from it",
        "Move journal.db and the files beside it of the same name away, keep them, and start: a new one begins. Past rows are in the database.",
    ]);
    blocks.push(Block::Table(table));
}

fn kept(b: &Handbook, blocks: &mut Vec<Block>) {
    heading(blocks, "Where backups are kept");
    let repository = b.backup.repository.display().to_string();
    let place = if b.backup.repository.is_absolute() { repository } else { format!("{}/{repository}", b.data_dir) };
    let r = &b.backup;
    blocks.push(Block::Facts(vec![
        ("Place".to_owned(), place),
        (
            "Kept".to_owned(),
            format!("{} daily, {} weekly, {} monthly, {} quarterly", r.daily, r.weekly, r.monthly, r.quarterly),
        ),
    ]));
    blocks.push(Block::WriteIn(
        "Where the copy away from this computer is (write it in, and keep it right)".to_owned(),
        2,
    ));
    heading(blocks, "Where passwords are kept");
    blocks.push(Block::Text(
        "This handbook has no password in it. The program reads each from its place below.".to_owned(),
    ));
    if b.secrets.is_empty() {
        blocks.push(Block::Text("The configuration names no password.".to_owned()));
    } else {
        let mut table = Table::new(&[("Password for", 40), ("Is read from", 60)]);
        for (key, place) in &b.secrets {
            table.row([key.clone(), place.clone()]);
        }
        blocks.push(Block::Table(table));
    }
    blocks.push(Block::WriteIn("Who keeps the passwords sealed, and where (write it in)".to_owned(), 2));
}

fn plcs(b: &Handbook, blocks: &mut Vec<Block>) {
    heading(blocks, "Wiring of the PLCs");
    if b.plcs.is_empty() {
        blocks.push(Block::Text("No PLC is configured.".to_owned()));
    }
    for p in &b.plcs {
        blocks.push(Block::Heading(2, format!("PLC {}", p.id)));
        let (parity, stop) = match p.parity {
            Parity::None => ("none", 2),
            Parity::Even => ("even", 1),
            Parity::Odd => ("odd", 1),
        };
        blocks.push(Block::Facts(vec![
            ("Port".to_owned(), p.port.to_string()),
            ("Line".to_owned(), format!("Modbus RTU, {} baud, 8 data bits, parity {parity}, {stop} stop", p.baud_rate)),
            ("Unit".to_owned(), p.unit.to_string()),
            (
                "Polled".to_owned(),
                format!("every {} ms, answer within {} ms", p.poll_interval.as_millis(), p.timeout.as_millis()),
            ),
        ]));
        let mut table = Table::new(&[("Tag", 34), ("Table", 14), ("#Address", 12), ("Direction", 16), ("Shows", 34)]);
        for t in &p.tags {
            let direction = if t.access == Access::Write { "vms writes" } else { "vms reads" };
            table.row([
                t.id.to_string(),
                t.table.word().to_owned(),
                t.address.to_string(),
                direction.to_owned(),
                shows(t),
            ]);
        }
        if !p.tags.is_empty() {
            blocks.push(Block::Table(table));
        }
    }
}

fn shows(tag: &Tag) -> String {
    match &tag.source {
        None => String::new(),
        Some(Source::Alarm(roi)) => format!("1 while {roi} is in alarm"),
        Some(Source::Level(roi, q)) => format!("{} of {roi} × 100", q.word()),
        Some(Source::Heartbeat) => "counts up once a poll".to_owned(),
        Some(Source::Health) => "1 while all is well".to_owned(),
    }
}

fn cameras(b: &Handbook, blocks: &mut Vec<Block>) {
    heading(blocks, "Cameras and their regions");
    if b.cameras.is_empty() {
        blocks.push(Block::Text("No camera is configured.".to_owned()));
    }
    for c in &b.cameras {
        blocks.push(Block::Heading(2, format!("Camera {}", c.id)));
        let transport = if c.transport == Transport::Udp { "UDP" } else { "TCP" };
        let off = if c.enabled { "" } else { " (switched off)" };
        let mut facts = vec![
            ("Name".to_owned(), format!("{}{off}", c.name)),
            ("Address".to_owned(), format!("{} over {transport}", c.url)),
        ];
        if let Some(user) = &c.username {
            facts.push(("User name".to_owned(), user.to_string()));
        }
        facts.extend(c.expected_fps.map(|f| ("Frames a second".to_owned(), f.to_string())));
        facts.extend(c.scale_mm_per_px.map(|s| ("Scale".to_owned(), format!("{s} mm per pixel"))));
        blocks.push(Block::Facts(facts));
        let mut table =
            Table::new(&[("Region", 30), ("For", 16), ("x, y, width, height in pixels", 30), ("Limits", 40)]);
        for r in &c.rois {
            let limits = r.limits.iter().map(|l| {
                let of = |name: &str, v: Option<f64>| v.map(|v| format!("{name} {v}"));
                let parts: Vec<String> =
                    [of("warning", l.warning), of("alarm", l.alarm)].into_iter().flatten().collect();
                format!("{}: {} {}", l.quantity.word(), parts.join(", "), l.quantity.unit())
            });
            let role = if r.role == Role::Background { "background" } else { "machine" };
            let [x, y, w, h] = r.rect;
            table.row([
                r.id.to_string(),
                role.to_owned(),
                format!("{x}, {y}, {w}, {h}"),
                limits.collect::<Vec<_>>().join("\n"),
            ]);
        }
        if !c.rois.is_empty() {
            blocks.push(Block::Table(table));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::head;
    use super::*;

    fn book() -> Handbook {
        Handbook {
            time_zone: "Asia/Kolkata".into(),
            config_file: Some("/etc/vms/vms.toml".into()),
            data_dir: "/var/lib/vms".into(),
            program: "0.1.0".into(),
            versions: vec![("PostgreSQL".into(), "15.8".into())],
            contacts: vec![Contact {
                name: "R. Kumar".into(),
                role: "electrician".into(),
                phone: Some("+91 8395 250 120".into()),
                mail: None,
                hours: Some("day and night".into()),
            }],
            cameras: Vec::new(),
            plcs: vec![Plc {
                id: "bf2-plc".into(),
                port: "/dev/ttyUSB0".into(),
                baud_rate: 19200,
                parity: Parity::Even,
                unit: 7,
                poll_interval: std::time::Duration::from_millis(200),
                timeout: std::time::Duration::from_millis(500),
                tags: Vec::new(),
            }],
            database: Some("postgres://vms@127.0.0.1/deevia_vms".into()),
            backup: Backup {
                repository: "backups".into(),
                password: None,
                daily: 7,
                weekly: 4,
                monthly: 12,
                quarterly: 20,
            },
            mail_server: None,
            secrets: vec![("historian.password".into(), "environment variable VMS_DB_PASSWORD".into())],
        }
    }

    #[test]
    fn it_says_whom_to_call_and_where_things_are() {
        let edition = Edition { number: 3, fingerprint: "ab".repeat(32), written: head().now };
        let text = document(&head(), &book(), &edition).content();
        for word in [
            "R. Kumar",
            "+91 8395 250 120",
            "day and night",
            "edition 3",
            "/dev/ttyUSB0",
            "19200 baud",
            "parity even",
            "/var/lib/vms/backups",
            "7 daily, 4 weekly, 12 monthly, 20 quarterly",
            "VMS_DB_PASSWORD",
            "pg_restore",
            "PostgreSQL",
            "timedatectl set-timezone Asia/Kolkata",
        ] {
            assert!(text.contains(word), "{word} is not in\n{text}");
        }
    }

    #[test]
    fn its_content_changes_with_the_plant_and_not_with_the_day() {
        let (a, later) = (content(&head(), &book()), Head { now: Timestamp::UNIX_EPOCH, ..head() });
        assert_eq!(a, content(&later, &book()));
        let mut other = book();
        other.plcs[0].unit = 8;
        assert_ne!(a, content(&head(), &other));
        let mut alone = book();
        alone.contacts.clear();
        assert!(content(&head(), &alone).contains("No contact is configured"));
    }
}
