//! From the checked tree to the sections. Runs only when there is no fault, so every required value is there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::checks::source;
use super::sections::{
    Backup, Camera, Config, Console, Contact, Historian, Journal, Limit, Logs, Mail, Maintenance, NominalHz, Parity,
    Plc, Recording, Resources, Roi, Site, Tag, Transport,
};
use super::tree::{Sect, Val};
use crate::model::alarm::Priority;
use crate::model::bus::{Access, Table};
use crate::model::compensation::{Compensation, Compensations};
use crate::model::quantity::Quantity;
use crate::model::timetable::Timetable;
use crate::model::vibration::{LimitKind, Role};

/// The configuration of a tree without faults.
pub fn config(root: &Sect) -> Config {
    let sect = |name: &str| root.table(name).cloned().unwrap_or_else(|| root.clone());
    Config {
        site: site(&sect("site")),
        cameras: root.tables("camera").iter().map(camera).collect(),
        plcs: root.tables("plc").iter().map(plc).collect(),
        journal: journal(&sect("journal")),
        historian: root.table("historian").map(historian),
        recording: recording(&sect("recording")),
        resources: resources(&sect("resources")),
        logs: logs(&sect("logs")),
        mail: root.table("mail").map(mail),
        backup: backup(&sect("backup")),
        maintenance: maintenance(&sect("maintenance")),
        contacts: root.tables("contact").iter().map(contact).collect(),
        console: console(&sect("console")),
    }
}

fn maintenance(s: &Sect) -> Maintenance {
    Maintenance {
        tasks: path(s, "tasks"),
        start_within: span(s, "start_within"),
        reboot: Timetable::parse(word(s, "reboot")).unwrap_or_default(),
        reboot_notice: span(s, "reboot_notice"),
        reboot_command: text(s, "reboot_command"),
        reboot_on_request: truth(s, "reboot_on_request"),
    }
}

fn text(s: &Sect, key: &str) -> Arc<str> {
    s.text(key).cloned().unwrap_or_default()
}

fn word<'s>(s: &'s Sect, key: &str) -> &'s str {
    s.text(key).map_or("", |t| t)
}

fn path(s: &Sect, key: &str) -> PathBuf {
    PathBuf::from(word(s, key))
}

fn number(s: &Sect, key: &str) -> f64 {
    s.number(key).unwrap_or_default()
}

fn count(s: &Sect, key: &str) -> u32 {
    s.integer(key).and_then(|n| u32::try_from(n).ok()).unwrap_or_default()
}

fn span(s: &Sect, key: &str) -> Duration {
    s.duration(key).unwrap_or_default()
}

fn truth(s: &Sect, key: &str) -> bool {
    s.truth(key).unwrap_or_default()
}

fn secret(s: &Sect) -> Option<secrecy::SecretString> {
    s.secret("password").cloned()
}

fn priority(word: &str) -> Priority {
    Priority::ALL.into_iter().find(|p| p.word() == word).unwrap_or(Priority::High)
}

fn site(s: &Sect) -> Site {
    let time_zone = TimeZone::get(word(s, "time_zone")).unwrap_or(TimeZone::UTC);
    Site { name: text(s, "name"), node: text(s, "node"), time_zone_name: text(s, "time_zone"), time_zone }
}

fn camera(s: &Sect) -> Camera {
    Camera {
        id: word(s, "id").into(),
        name: s.text("name").cloned().unwrap_or_else(|| text(s, "id")),
        url: text(s, "url"),
        username: s.text("username").cloned(),
        password: secret(s),
        exposure_ms: s.number("exposure_ms"),
        readout_ms: s.number("readout_ms"),
        transport: if word(s, "transport") == "udp" { Transport::Udp } else { Transport::Tcp },
        expected_fps: s.number("expected_fps"),
        scale_mm_per_px: s.number("scale_mm_per_px"),
        record: truth(s, "record"),
        enabled: truth(s, "enabled"),
        compensate: compensate(s),
        rois: s.tables("roi").iter().map(roi).collect(),
    }
}

fn compensate(s: &Sect) -> Compensations {
    let mut on = Compensations::default();
    for which in Compensation::ALL {
        on.set(which, s.table("compensate").and_then(|t| t.truth(which.word())).unwrap_or(true));
    }
    on
}

fn roi(s: &Sect) -> Roi {
    Roi {
        id: word(s, "id").into(),
        rect: s.rect("rect").unwrap_or_default(),
        role: if word(s, "role") == "background" { Role::Background } else { Role::Asset },
        running: s.text("running").map(|t| t.as_ref().into()),
        nominal_hz: nominal(s),
        baseline: span(s, "baseline"),
        limits: s.tables("limits").iter().filter_map(limit).collect(),
    }
}

fn nominal(s: &Sect) -> Option<NominalHz> {
    match &s.entry("nominal_hz")?.val {
        Val::Table(t) => Some(NominalHz::Tag { tag: word(t, "tag").into(), hz_per_unit: number(t, "hz_per_unit") }),
        Val::Float(hz) => Some(NominalHz::Fixed(*hz)),
        _ => None,
    }
}

fn limit(s: &Sect) -> Option<Limit> {
    Some(Limit {
        quantity: Quantity::from_key(word(s, "quantity"))?,
        kind: if word(s, "kind") == "deviation" { LimitKind::Deviation } else { LimitKind::Value },
        warning: s.number("warning"),
        alarm: s.number("alarm"),
        priority: priority(word(s, "priority")),
        on_delay: span(s, "on_delay"),
        off_delay: span(s, "off_delay"),
        deadband_percent: number(s, "deadband_percent"),
    })
}

fn plc(s: &Sect) -> Plc {
    Plc {
        id: word(s, "id").into(),
        port: text(s, "port"),
        baud_rate: count(s, "baud_rate"),
        parity: match word(s, "parity") {
            "none" => Parity::None,
            "odd" => Parity::Odd,
            _ => Parity::Even,
        },
        unit: count(s, "unit") as u8,
        poll_interval: span(s, "poll_interval"),
        timeout: span(s, "timeout"),
        tags: s.tables("tag").iter().map(tag).collect(),
    }
}

/// The table of a word.
pub fn table(word: &str) -> Table {
    match word {
        "discrete" => Table::Discrete,
        "holding" => Table::Holding,
        "input" => Table::Input,
        _ => Table::Coil,
    }
}

fn tag(s: &Sect) -> Tag {
    Tag {
        id: word(s, "id").into(),
        table: table(word(s, "table")),
        address: count(s, "address") as u16,
        access: if word(s, "access") == "write" { Access::Write } else { Access::Read },
        source: s.text("source").and_then(|t| source::parse(t).ok()),
    }
}

fn journal(s: &Sect) -> Journal {
    Journal {
        keep_seconds: span(s, "keep_seconds"),
        keep_minutes: span(s, "keep_minutes"),
        keep_hours: span(s, "keep_hours"),
        keep_waveforms: span(s, "keep_waveforms"),
        keep_events: span(s, "keep_events"),
        keep_unsent: span(s, "keep_unsent"),
        keep_at_most_bytes: s.size("keep_at_most").unwrap_or_default(),
    }
}

fn recording(s: &Sect) -> Recording {
    Recording {
        directory: path(s, "directory"),
        pre_roll: span(s, "pre_roll"),
        post_roll: span(s, "post_roll"),
        keep_free_percent: number(s, "keep_free_percent"),
        keep_at_most_bytes: s.size("keep_at_most").unwrap_or_default(),
    }
}

fn resources(s: &Sect) -> Resources {
    Resources {
        cpu_percent: number(s, "cpu_percent"),
        memory_percent: number(s, "memory_percent"),
        disk_free_percent: number(s, "disk_free_percent"),
        camera_latency: span(s, "camera_latency"),
        database_response: span(s, "database_response"),
        log_errors_per_min: number(s, "log_errors_per_min"),
    }
}

fn logs(s: &Sect) -> Logs {
    Logs {
        directory: path(s, "directory"),
        rotate_at_bytes: s.size("rotate_at").unwrap_or_default(),
        keep: count(s, "keep"),
        watch: s.list("watch").to_vec(),
    }
}

fn historian(s: &Sect) -> Historian {
    let when = |key: &str| Timetable::parse(word(s, key)).unwrap_or_default();
    Historian {
        url: text(s, "url"),
        password: secret(s),
        ca_file: s.text("ca_file").map(|t| PathBuf::from(t.as_ref())),
        vacuum: when("vacuum"),
        reindex: when("reindex"),
        keep_seconds: span(s, "keep_seconds"),
        keep_minutes: span(s, "keep_minutes"),
        keep_waveforms: span(s, "keep_waveforms"),
        keep_events: span(s, "keep_events"),
        catch_up_rows_per_s: count(s, "catch_up_rows_per_s"),
    }
}

fn mail(s: &Sect) -> Mail {
    Mail {
        server: text(s, "server"),
        starttls: truth(s, "starttls"),
        username: s.text("username").cloned(),
        password: secret(s),
        from: text(s, "from"),
        to: s.list("to").to_vec(),
        at_least: priority(word(s, "at_least")),
        ca_file: s.text("ca_file").map(|t| PathBuf::from(t.as_ref())),
        at_most_every: span(s, "at_most_every"),
        log_patterns: s.text("log_patterns").cloned(),
    }
}

fn backup(s: &Sect) -> Backup {
    Backup {
        repository: path(s, "repository"),
        password: secret(s),
        daily: count(s, "daily"),
        weekly: count(s, "weekly"),
        monthly: count(s, "monthly"),
        quarterly: count(s, "quarterly"),
    }
}

fn contact(s: &Sect) -> Contact {
    let may = |key: &str| s.text(key).cloned();
    Contact {
        name: text(s, "name"),
        role: text(s, "role"),
        phone: may("phone"),
        mail: may("mail"),
        hours: may("hours"),
    }
}

fn console(s: &Sect) -> Console {
    Console { keymap: text(s, "keymap"), theme: text(s, "theme"), bell: truth(s, "bell") }
}
