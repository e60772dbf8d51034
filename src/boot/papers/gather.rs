//! The facts of inventory and handbook, from the configuration, the computer and what the engine has seen.

use std::path::Path;

use super::Source;
use crate::base::text::bytes;
use crate::camera;
use crate::config::Config;
use crate::config::sections::{Camera, Plc, Transport};
use crate::config::show;
use crate::host::facts;
use crate::model::host::Computer;
use crate::upkeep::documents::handbook::Handbook;
use crate::upkeep::documents::inventory::{Group, Inventory, Item};

/// Takes the inventory.
#[must_use]
pub fn inventory(s: &Source<'_>) -> Inventory {
    let computer = facts::computer(s.data);
    let group = |title: &str, items: Vec<Item>| Group { title: title.to_owned(), items };
    Inventory {
        taken: s.now,
        groups: vec![
            group("Cameras", s.config.cameras.iter().map(|c| camera_item(s, c)).collect()),
            group("PLCs", s.config.plcs.iter().map(plc_item).collect()),
            group("Computer", vec![hardware(&computer)]),
            group("Disks", disks(&computer)),
            group("Network interfaces", ports(&computer)),
            group("Versions", versions(s, &computer)),
        ],
    }
}

fn camera_item(s: &Source<'_>, c: &Camera) -> Item {
    let report = s.board.and_then(|b| b.cameras.iter().find(|b| b.id == c.id)).and_then(|b| b.report.clone());
    let transport = if c.transport == Transport::Udp { "UDP" } else { "TCP" };
    let regions: Vec<String> = c.rois.iter().map(|r| r.id.to_string()).collect();
    let fps = c.expected_fps.map_or_else(|| "not set".to_owned(), |f| f.to_string());
    let scale = c.scale_mm_per_px.map_or_else(|| "not measured".to_owned(), |m| format!("{m} mm per pixel"));
    Item::new(c.id.as_str())
        .with("name", c.name.to_string())
        .with("address", c.url.to_string())
        .with("transport", transport)
        .with("frames a second", fps)
        .with("scale", scale)
        .with("regions", if regions.is_empty() { "none".to_owned() } else { regions.join(", ") })
        .with("in use", if c.enabled { "yes" } else { "no" })
        .maybe("codec", report.as_ref().and_then(|r| r.codec.as_ref().map(ToString::to_string)))
        .maybe("picture", report.as_ref().and_then(|r| r.size.map(|(w, h)| format!("{w} × {h}"))))
}

fn plc_item(p: &Plc) -> Item {
    let parity = format!("{:?}", p.parity).to_lowercase();
    Item::new(p.id.as_str())
        .with("port", p.port.to_string())
        .with("line", format!("{} baud, parity {parity}, unit {}", p.baud_rate, p.unit))
        .with("tags", p.tags.len().to_string())
}

fn hardware(c: &Computer) -> Item {
    let count = |n: Option<usize>| n.map(|n| n.to_string());
    Item::new(c.host_name.clone().unwrap_or_else(|| "this computer".to_owned()))
        .maybe("processor", c.processor.clone())
        .with("architecture", c.architecture.clone())
        .maybe("cores", count(c.cores))
        .maybe("processors", count(c.threads))
        .maybe("memory", c.memory_bytes.map(bytes))
}

fn disks(c: &Computer) -> Vec<Item> {
    c.disks.iter().map(|d| Item::new(&*d.mount).with("size", bytes(d.total_bytes))).collect()
}

fn ports(c: &Computer) -> Vec<Item> {
    let item = |p: &crate::model::host::Port| {
        let addresses = if p.addresses.is_empty() { "none".to_owned() } else { p.addresses.join(", ") };
        Item::new(p.name.clone()).with("hardware address", p.mac.clone()).with("addresses", addresses)
    };
    c.ports.iter().map(item).collect()
}

fn versions(s: &Source<'_>, c: &Computer) -> Vec<Item> {
    let mut items = vec![
        Item::new("vms").with("version", env!("CARGO_PKG_VERSION")),
        Item::new("GStreamer").with("version", camera::gstreamer_version()),
        Item::new("Operating system").maybe("version", c.system.clone()).maybe("kernel", c.kernel.clone()),
    ];
    if s.config.historian.is_some() {
        items.push(Item::new("PostgreSQL").maybe("version", postgres(s)));
    }
    items
}

fn postgres(s: &Source<'_>) -> Option<String> {
    let server = s.database.as_ref().ok().map(|r| r.server.to_string()).filter(|v| !v.is_empty());
    server.or_else(|| s.board?.historian.server.as_ref().map(ToString::to_string))
}

/// What the recovery handbook is made of. Only what belongs to the installation: nothing in it changes from day to day.
#[must_use]
pub fn handbook(s: &Source<'_>) -> Handbook {
    let c = s.config;
    let computer = facts::computer(s.data);
    let mut versions = vec![("GStreamer".to_owned(), camera::gstreamer_version())];
    versions.extend(computer.system.map(|v| ("Operating system".to_owned(), v)));
    Handbook {
        time_zone: c.site.time_zone_name.to_string(),
        config_file: s.config_file.map(whole),
        data_dir: whole(s.data),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        versions,
        contacts: c.contacts.clone(),
        cameras: c.cameras.clone(),
        plcs: c.plcs.clone(),
        database: c.historian.as_ref().map(|h| h.url.to_string()),
        backup: c.backup.clone(),
        mail_server: c.mail.as_ref().map(|m| m.server.to_string()),
        secrets: secrets(s),
    }
}

/// Where each password is kept: read again from the file, for the sections hold the passwords and not their places.
fn secrets(s: &Source<'_>) -> Vec<(String, String)> {
    let Some(file) = s.config_file else { return Vec::new() };
    let Ok(loaded) = Config::load(file, &|name| std::env::var(name).ok()) else {
        return vec![(
            "all".to_owned(),
            format!("see {}: it has faults now, so their places are not known", file.display()),
        )];
    };
    show::shown(&loaded)
        .into_iter()
        .filter(|v| v.key.ends_with("password") && v.value.as_deref() == Some("set"))
        .map(|v| (named(&v.key, &loaded.config), v.from))
        .collect()
}

/// A path that means the same from everywhere.
fn whole(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// `camera[0].password` as `camera deck-east`.
fn named(key: &str, config: &Config) -> String {
    let section = key.strip_suffix(".password").unwrap_or(key);
    let index = section.strip_prefix("camera[").and_then(|r| r.strip_suffix(']')).and_then(|n| n.parse::<usize>().ok());
    let camera = index.and_then(|i| config.cameras.get(i));
    camera.map_or_else(|| section.to_owned(), |c| format!("camera {}", c.id))
}
