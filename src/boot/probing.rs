//! `vms check`: looks at everything the configuration names. `vms keys`: a keymap as it is.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::running::keymap;
use super::serving::ask_status;
use super::threads::Threads;
use crate::base::clock::{Clock, SystemClock};
use crate::base::error::Failure;
use crate::base::shutdown::Shutdown;
use crate::base::text::{bytes, sig3};
use crate::camera::{self, Control, Hooks, Settings};
use crate::cli::Globals;
use crate::cli::check::{Probe, Verdict};
use crate::cli::keys::{KeyRow, KeysOptions};
use crate::config::sections::{Camera, Config, Mail};
use crate::config::{Loaded, sections};
use crate::console::keys as pressed;
use crate::model::bus::{Access, Demand, PlcReport, PlcState, Table};
use crate::model::camera::{CameraReport, CameraState, Picture};
use crate::notify::{Server, post::place};
use crate::{historian, host, plc};

/// How long a camera may take to show a picture.
const CAMERA_WITHIN: Duration = Duration::from_secs(10);
/// How long it is looked at once it is live, so that figures mean something.
const LOOK: Duration = Duration::from_millis(2500);
/// How long a server may take to answer.
const SERVER_WITHIN: Duration = Duration::from_secs(3);

/// Probes everything that the configuration names, all at the same time.
///
/// # Errors
/// None at present: what cannot be reached is a probe's verdict.
pub fn probe(globals: &Globals, loaded: Loaded) -> Result<Vec<Probe>, Failure> {
    let config = Arc::new(loaded.config);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    // A serial port has one owner: while an engine runs here, it is asked instead.
    let engine = ask_status(globals).ok();
    let found: Arc<Mutex<Vec<(usize, Probe)>>> = Arc::default();
    let threads = Threads::default();
    let mut order = 0;
    let mut later = |name: &str, work: Box<dyn FnOnce() -> Probe + Send>| {
        let (found, index) = (Arc::clone(&found), order);
        order += 1;
        threads.spawn(name, move || {
            let probe = work();
            found.lock().unwrap_or_else(PoisonError::into_inner).push((index, probe));
        });
    };
    for c in config.cameras.clone() {
        let (clock, limit) = (Arc::clone(&clock), config.resources.camera_latency);
        later("camera", Box::new(move || camera(&c, limit, &clock)));
    }
    for p in config.plcs.clone() {
        let (clock, engine) = (Arc::clone(&clock), engine.clone());
        later("plc", Box::new(move || line(&p, &clock, engine.as_ref())));
    }
    if let Some(h) = config.historian.clone() {
        later("database", Box::new(move || database(&h)));
    }
    if let Some(m) = config.mail.clone() {
        later("mail", Box::new(move || mail(&m)));
    }
    threads.join(|_| true, CAMERA_WITHIN + SERVER_WITHIN * 2, clock.as_ref());
    let mut probes = found.lock().unwrap_or_else(PoisonError::into_inner).clone();
    probes.sort_by_key(|(i, _)| *i);
    let mut probes: Vec<Probe> = probes.into_iter().map(|(_, p)| p).collect();
    probes.extend(disks(globals, &config, clock.as_ref()));
    Ok(probes)
}

fn made(kind: &'static str, id: &str, verdict: Verdict, text: impl Into<String>) -> Probe {
    Probe { kind, id: id.to_owned(), verdict, text: text.into() }
}

/// Opens the stream as the engine would, and looks at it for a moment.
pub(super) fn camera(cfg: &Camera, latency_limit: Duration, clock: &Arc<dyn Clock>) -> Probe {
    let id = cfg.id.as_str();
    if !cfg.enabled {
        return made("camera", id, Verdict::Off, "switched off in the configuration");
    }
    let (shutdown, newest) = (Shutdown::new(), Arc::new(Mutex::new(None::<CameraReport>)));
    let (seen, ending, started) = (Arc::clone(&newest), shutdown.clone(), clock.now().mono);
    let time = Arc::clone(clock);
    let on_report = move |r: CameraReport| {
        let now = time.now().mono;
        let settled = r.state.has_frames() && now.since(r.since.mono) > LOOK && r.picture != Picture::Unknown;
        let over = now.since(started) > CAMERA_WITHIN || r.state == CameraState::Refused || settled;
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(r);
        if over {
            ending.ask();
        }
        true
    };
    let hooks = Hooks { on_frame: Box::new(|_| 0), on_report: Box::new(on_report), on_snapshot: Box::new(|_| {}) };
    let settings = Settings { index: 0, latency_limit };
    camera::run(cfg, settings, Arc::clone(clock), &shutdown, Control::default(), hooks);
    let report = newest.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(r) = report else { return made("camera", id, Verdict::Unknown, "nothing was seen") };
    let why = r.text.as_deref().unwrap_or("no picture").to_owned();
    if !r.state.has_frames() {
        return made("camera", id, Verdict::Bad, format!("{}: {why}", r.state.word()));
    }
    if let Some((i, fault)) = r.roi_faults.first() {
        let roi = cfg.rois.get(usize::from(*i)).map_or("?", |r| r.id.as_str());
        return made("camera", id, Verdict::Bad, format!("{roi}: {fault}"));
    }
    let (w, h) = r.size.unwrap_or_default();
    let facts = format!(
        "{} {w}×{h}, {} frames/s, latency {} ms, picture {}",
        r.codec.as_deref().unwrap_or("?"),
        sig3(r.fps),
        sig3(r.latency_ms_p50),
        r.picture.word()
    );
    let fine = r.state == CameraState::Live && r.picture == Picture::Clear;
    let text = if r.state == CameraState::Degraded { format!("{facts}; {why}") } else { facts };
    made("camera", id, if fine { Verdict::Fine } else { Verdict::Bad }, text)
}

pub(super) fn one<T>(work: impl Future<Output = T>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    Some(runtime.block_on(work))
}

fn line(cfg: &sections::Plc, clock: &Arc<dyn Clock>, engine: Option<&serde_json::Value>) -> Probe {
    let id = cfg.id.as_str();
    let asked = engine.and_then(|e| e["plcs"].as_array()?.iter().find(|p| p["id"] == id).cloned());
    if let Some(p) = asked {
        let state = p["state"].as_str().unwrap_or("unknown").to_owned();
        let verdict = if state == "live" { Verdict::Fine } else { Verdict::Bad };
        return made("plc", id, verdict, format!("{state}, says the running engine, which holds the port"));
    }
    let Some(report) = one(listen(cfg, clock)).flatten() else {
        return made("plc", id, Verdict::Unknown, "could not be asked");
    };
    let text = report.text.as_deref().unwrap_or("no answer").trim_end_matches("; trying again").to_owned();
    if report.state != PlcState::Live {
        return made("plc", id, Verdict::Bad, format!("{}: {text}", report.state.word()));
    }
    let known = report.tags.iter().filter(|t| t.value.is_some()).count();
    let text = format!("answers in {} ms; {known} of {} tags read", sig3(report.response_ms_p50), report.tags.len());
    made("plc", id, Verdict::Fine, text)
}

/// Polls the line as the engine would, but writes nothing; the report after a few polls, or the first that is lost.
async fn listen(cfg: &sections::Plc, clock: &Arc<dyn Clock>) -> Option<PlcReport> {
    let (shutdown, newest) = (Shutdown::new(), Arc::new(Mutex::new(None::<PlcReport>)));
    let (seen, ending, time, started) = (Arc::clone(&newest), shutdown.clone(), Arc::clone(clock), clock.now().mono);
    // Without read tags nothing would be asked: then one register is, whose exception is an answer too.
    let mut cfg = cfg.clone();
    cfg.tags.retain(|t| t.access == Access::Read);
    if cfg.tags.is_empty() {
        let id = "probe".into();
        cfg.tags.push(sections::Tag { id, table: Table::Holding, address: 0, access: Access::Read, source: None });
    }
    let nothing: Arc<[Option<Demand>]> = vec![None; cfg.tags.len()].into();
    let (_demands, wanted) = watch::channel(nothing);
    let sink = move |out| {
        if let plc::PlcOut::Report(r) = out {
            let settled = r.state == PlcState::Lost || r.polls >= 3;
            let over = settled || time.now().mono.since(started) > SERVER_WITHIN;
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(r);
            if over {
                ending.ask();
            }
        }
        true
    };
    plc::run(cfg, 0, Arc::clone(clock), shutdown, wanted, Arc::default(), Box::new(sink)).await;
    newest.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn database(cfg: &sections::Historian) -> Probe {
    match one(historian::probe(cfg.clone())) {
        Some(Ok(text)) => made("database", &cfg.url, Verdict::Fine, text),
        Some(Err(text)) => made("database", &cfg.url, Verdict::Bad, text),
        None => made("database", &cfg.url, Verdict::Unknown, "could not be asked"),
    }
}

/// Connects and waits for the server's greeting (RFC 5321, 3.1), then encrypts and signs in as letters do; none is sent.
fn mail(cfg: &Mail) -> Probe {
    let verdict = || -> Result<String, String> {
        let (host, port, tls) = place(&cfg.server)?;
        let address =
            (host.as_str(), port).to_socket_addrs().map_err(|e| format!("{host}: {e}; check the name"))?.next();
        let address = address.ok_or_else(|| format!("{host} has no address"))?;
        let mut stream = TcpStream::connect_timeout(&address, SERVER_WITHIN)
            .map_err(|e| format!("{host}:{port}: {e}; check network and server"))?;
        if tls {
            return Server::new(cfg)?.test();
        }
        stream.set_read_timeout(Some(SERVER_WITHIN)).map_err(|e| e.to_string())?;
        let mut greeting = [0u8; 256];
        let n = stream.read(&mut greeting).map_err(|e| format!("{host}:{port}: no greeting ({e})"))?;
        let text = String::from_utf8_lossy(&greeting[..n]).chars().filter(|c| !c.is_control()).collect::<String>();
        let _ = stream.write_all(b"QUIT\r\n");
        if !text.starts_with("220") {
            return Err(format!("{host}:{port} greets with: {text}"));
        }
        Server::new(cfg)?.test()?;
        Ok(text)
    };
    match verdict() {
        Ok(text) => made("mail", &cfg.server, Verdict::Fine, text),
        Err(text) => made("mail", &cfg.server, Verdict::Bad, text),
    }
}

fn disks(globals: &Globals, config: &Config, clock: &dyn Clock) -> Vec<Probe> {
    let report = host::Host::new(&globals.data_dir).sample(clock.now());
    let limit = config.resources.disk_free_percent;
    let probe = |d: &crate::model::host::Disk| match d.free_percent() {
        None => made("disk", &d.mount, Verdict::Unknown, "its size is not known"),
        Some(free) => {
            let text = format!("{free:.1} % free ({}), wanted are {limit} %", bytes(d.free_bytes));
            made("disk", &d.mount, if free > limit { Verdict::Fine } else { Verdict::Bad }, text)
        }
    };
    report.disks.iter().map(probe).collect()
}

/// The keys of a keymap: the one named, else the configuration's, else the built-in one.
///
/// # Errors
/// Exit 78 for a keymap that does not exist or is wrong.
pub fn keys(globals: &Globals, options: &KeysOptions) -> Result<Vec<KeyRow>, Failure> {
    let dir = globals.config.parent().map(std::path::Path::to_owned);
    let config = if globals.config.exists() {
        globals.load()?.config
    } else {
        let none = Config::parse("", "built in", std::path::Path::new("."), &|_| None);
        none.map_err(|f| Failure::new(f.exit, f.to_string()))?.config
    };
    let keymap = keymap(&config, dir.as_deref(), options.keymap.as_deref())?;
    let row = |r: pressed::KeyRow| KeyRow {
        context: r.context.section().into(),
        keys: r.keys,
        action: r.id.into(),
        title: r.title.into(),
    };
    Ok(pressed::table(&keymap).into_iter().map(row).collect())
}
