//! The configuration of the demonstration's site, as an operator would have written it.

use std::fmt::Write;
use std::path::Path;

use super::plc::{RUNNING, UNIT, WRITTEN_FROM};
use super::scene::{NAMES, layout};

/// Coil that is 1 while the engine says that all is well.
pub const HEALTH_COIL: u16 = WRITTEN_FROM + 10;
/// Register that counts up once a poll.
pub const HEARTBEAT_REGISTER: u16 = WRITTEN_FROM;

/// What is configured for an asset.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its region.
    pub id: &'static str,
    /// Coil that is 1 while an alarm limit is exceeded.
    pub alarm_coil: u16,
    /// Register with its velocity times 100.
    pub level_register: Option<u16>,
    nominal: &'static str,
    limits: &'static str,
}

/// Limits lie between the low and the high stretch of each schedule, with room on both sides.
pub const ASSETS: [Asset; 5] = [
    Asset {
        id: "deck-frame",
        alarm_coil: WRITTEN_FROM + 1,
        level_register: None,
        nominal: "3.7",
        limits: r#"
  { quantity = "velocity_rms_mm_s", warning = 5.5, alarm = 7.1, priority = "medium", on_delay = "1s", off_delay = "2s", deadband_percent = 5 },"#,
    },
    Asset {
        id: "deck-bearing",
        alarm_coil: WRITTEN_FROM,
        level_register: Some(WRITTEN_FROM + 1),
        nominal: r#"{ tag = "deck-speed", hz_per_unit = 0.0166667 }"#,
        limits: r#"
  { quantity = "velocity_rms_mm_s", warning = 4.5, alarm = 7.1, priority = "high", on_delay = "1s", off_delay = "2s", deadband_percent = 5 },
  { quantity = "displacement_pp_mm", alarm = 2.0, priority = "high", on_delay = "1s", off_delay = "2s" },"#,
    },
    Asset {
        id: "conveyor-motor",
        alarm_coil: WRITTEN_FROM + 2,
        level_register: None,
        nominal: r#"{ tag = "conveyor-speed", hz_per_unit = 0.0166667 }"#,
        limits: r#"
  { quantity = "velocity_rms_mm_s", warning = 9.0, alarm = 11.2, priority = "high", on_delay = "1s", off_delay = "2s", deadband_percent = 5 },"#,
    },
    Asset {
        id: "conveyor-gearbox",
        alarm_coil: WRITTEN_FROM + 3,
        level_register: None,
        nominal: "6.4",
        limits: r#"
  { quantity = "velocity_rms_mm_s", warning = 9.0, alarm = 11.2, priority = "high", on_delay = "1s", off_delay = "2s", deadband_percent = 5 },
  { quantity = "displacement_pp_mm", alarm = 2.0, priority = "medium", on_delay = "1s", off_delay = "2s" },"#,
    },
    Asset {
        id: "shaft-support",
        alarm_coil: WRITTEN_FROM + 4,
        level_register: Some(WRITTEN_FROM + 2),
        nominal: "4.3",
        limits: r#"
  { quantity = "velocity_rms_mm_s", warning = 11.0, alarm = 14.0, priority = "critical", on_delay = "1s", off_delay = "2s", deadband_percent = 5 },
  { quantity = "displacement_pp_mm", alarm = 1.5, priority = "high", on_delay = "1s", off_delay = "2s" },"#,
    },
];

/// What a camera is called and how its pictures scale.
#[derive(Clone, Copy, Debug)]
pub struct CameraFacts {
    /// Its name for people.
    pub name: &'static str,
    /// Scale in mm per pixel.
    pub scale_mm_per_px: f64,
    /// The tag that tells whether its machine runs.
    pub running: &'static str,
}

/// In the order of [`NAMES`].
pub const CAMERAS: [CameraFacts; 3] = [
    CameraFacts { name: "Screen deck", scale_mm_per_px: 0.42, running: "deck-running" },
    CameraFacts { name: "Conveyor drive", scale_mm_per_px: 0.5, running: "conveyor-running" },
    CameraFacts { name: "Shaft support", scale_mm_per_px: 0.6, running: "shaft-running" },
];

/// Where the parts of the plant are reached.
#[derive(Clone, Debug)]
pub struct Addresses<'a> {
    /// Address, user name and password file of each camera, in the order of [`NAMES`].
    pub cameras: Vec<(String, &'static str, std::path::PathBuf)>,
    /// The PLC's port.
    pub plc: &'a Path,
    /// Address and password file of the database, where there is one.
    pub database: Option<(String, std::path::PathBuf)>,
    /// Log files to watch.
    pub logs: Vec<std::path::PathBuf>,
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn path(p: &Path) -> String {
    quoted(&p.to_string_lossy())
}

/// The whole configuration.
#[must_use]
pub fn config_text(at: &Addresses<'_>) -> String {
    let mut t = String::from(
        "# The demonstration's site: everything here is on this computer and goes when the demonstration ends.\n\n\
         [site]\nname = \"BF2\"\nnode = \"bf2-demo\"\ntime_zone = \"Asia/Kolkata\"\n",
    );
    for ((id, facts), (url, user, password)) in NAMES.into_iter().zip(CAMERAS).zip(&at.cameras) {
        camera(&mut t, id, &facts, url, user, password);
    }
    plc(&mut t, at.plc);
    if let Some((url, password)) = &at.database {
        let _ = write!(t, "\n[historian]\nurl = {}\npassword = {{ file = {} }}\n", quoted(url), path(password));
    }
    let logs: Vec<String> = at.logs.iter().map(|l| path(l)).collect();
    let _ = write!(t, "\n[logs]\nwatch = [{}]\n", logs.join(", "));
    t
}

fn camera(t: &mut String, id: &str, facts: &CameraFacts, url: &str, user: &str, password: &Path) {
    let _ = write!(
        t,
        "\n[[camera]]\nid = {}\nname = {}\nurl = {}\nusername = {}\npassword = {{ file = {} }}\ntransport = \"tcp\"\n\
         expected_fps = 25\nscale_mm_per_px = {}\n",
        quoted(id),
        quoted(facts.name),
        quoted(url),
        quoted(user),
        path(password),
        facts.scale_mm_per_px
    );
    for roi in layout(id).map_or(&[][..], |l| l.rois) {
        let [x, y, w, h] = roi.rect;
        let _ = write!(t, "\n[[camera.roi]]\nid = {}\nrect = [{x}, {y}, {w}, {h}]\n", quoted(roi.id));
        let Some(asset) = ASSETS.iter().find(|a| a.id == roi.id) else {
            t.push_str("role = \"background\"\n");
            continue;
        };
        let _ = write!(
            t,
            "role = \"asset\"\nrunning = {}\nnominal_hz = {}\nbaseline = \"1m\"\nlimits = [{}\n]\n",
            quoted(facts.running),
            asset.nominal,
            asset.limits
        );
    }
}

fn plc(t: &mut String, port: &Path) {
    let _ = write!(
        t,
        "\n[[plc]]\nid = \"bf2-plc\"\nport = {}\nbaud_rate = 19200\nparity = \"even\"\nunit = {UNIT}\n\
         poll_interval = \"200ms\"\ntimeout = \"500ms\"\n",
        path(port)
    );
    let mut tag = |id: &str, table: &str, address: u16, source: Option<String>| {
        let access = if source.is_some() { "write" } else { "read" };
        let _ = write!(
            t,
            "\n[[plc.tag]]\nid = {}\ntable = \"{table}\"\naddress = {address}\naccess = \"{access}\"\n",
            quoted(id)
        );
        if let Some(source) = source {
            let _ = writeln!(t, "source = {}", quoted(&source));
        }
    };
    for (facts, address) in CAMERAS.iter().zip(RUNNING) {
        tag(facts.running, "coil", address, None);
    }
    tag("guards-closed", "discrete", 0, None);
    tag("emergency-stop-clear", "discrete", 1, None);
    for (id, address) in [("deck-speed", 0), ("conveyor-speed", 1), ("shaft-speed", 2)] {
        tag(id, "input", address, None);
    }
    for asset in ASSETS {
        tag(&format!("{}-alarm", asset.id), "coil", asset.alarm_coil, Some(format!("alarm:{}", asset.id)));
        if let Some(address) = asset.level_register {
            let source = format!("level:{}:velocity_rms_mm_s", asset.id);
            tag(&format!("{}-velocity", asset.id), "holding", address, Some(source));
        }
    }
    tag("health", "coil", HEALTH_COIL, Some("health".into()));
    tag("heartbeat", "holding", HEARTBEAT_REGISTER, Some("heartbeat".into()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn configuration_is_complete_and_limits_lie_between_the_stretches() {
        let at = Addresses {
            cameras: (1..4)
                .map(|i| (format!("rtsp://127.0.0.1:{i}/stream1"), "vms", PathBuf::from("/x/a \"b\\")))
                .collect(),
            plc: Path::new("/x/plc.tty"),
            database: Some(("postgres://vms@127.0.0.1:5/deevia_vms".into(), PathBuf::from("/x/db"))),
            logs: vec![PathBuf::from("/x/plant.log")],
        };
        let text = config_text(&at);
        let value: toml::Table = text.parse().expect("valid TOML");
        let cameras = value["camera"].as_array().expect("cameras");
        assert_eq!(cameras.len(), 3);
        assert_eq!(cameras[0]["password"]["file"].as_str(), Some("/x/a \"b\\"));
        let tags = value["plc"][0]["tag"].as_array().expect("tags");
        let mut used: Vec<(&str, i64)> = tags
            .iter()
            .map(|t| (t["table"].as_str().expect("table"), t["address"].as_integer().expect("address")))
            .collect();
        let all = used.len();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used.len(), all, "no address is used twice");
        for (camera, facts) in cameras.iter().zip(CAMERAS) {
            let layout = layout(camera["id"].as_str().expect("id")).expect("a scene");
            for roi in camera["roi"].as_array().expect("rois") {
                let Some(limits) = roi.get("limits").and_then(|l| l.as_array()) else { continue };
                let alarm = limits[0]["alarm"].as_float().expect("a velocity limit");
                let motion = layout
                    .rois
                    .iter()
                    .find(|r| Some(r.id) == roi["id"].as_str())
                    .and_then(|r| r.motion)
                    .expect("moves");
                let speeds: Vec<f64> = motion
                    .schedule
                    .knots
                    .iter()
                    .map(|k| motion.velocity_rms_px_s(k.1) * facts.scale_mm_per_px / alarm)
                    .collect();
                assert!(
                    speeds.iter().any(|v| *v > 1.15) && speeds.iter().all(|v| *v > 1.15 || *v < 0.85),
                    "{roi:?}: {speeds:?}"
                );
            }
        }
    }
}
