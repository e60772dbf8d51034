//! The plant as a whole: starts its parts, writes its configuration, injects faults, knows the truth.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use gstreamer::glib;

use super::motion::FPS;
use super::plant_log::PlantLog;
use super::plc::{PlcError, PlcSnapshot, VirtualPlc};
use super::postgres::{Cluster, PostgresError, random_password, write_secret};
use super::rtsp::{self, Camera, CameraSetup, Method, RtspError, frame_at};
use super::scene::{NAMES, RoiInfo, layout};
use super::site::{self, Addresses, CAMERAS};
use crate::base::clock::{Clock, Mono};
use crate::base::shutdown::Shutdown;
use crate::model::board::DemoFault;

/// Why the demonstration cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file of its own.
    #[error("the demonstration cannot write {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A camera.
    #[error(transparent)]
    Rtsp(#[from] RtspError),
    /// The virtual PLC.
    #[error(transparent)]
    Plc(#[from] PlcError),
}

/// What is true of a region over an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truth {
    /// Semi-major axis in pixels, at the end of the interval.
    pub major_px: f64,
    /// Semi-minor axis in pixels.
    pub minor_px: f64,
    /// Direction of the major axis in degrees, [0, 180), 90 along +y.
    pub angle_deg: f64,
    /// Frequency in Hz.
    pub hz: f64,
    /// Velocity RMS along the major axis in mm/s.
    pub velocity_rms_mm_s: f64,
    /// The amplitude was the same over the whole interval, and no fault disturbed the camera.
    pub steady: bool,
}

/// Counts the plant's threads that have not ended.
#[derive(Debug, Default)]
struct Latch {
    running: Mutex<usize>,
    changed: Condvar,
}

struct Running(Arc<Latch>);

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.changed.notify_all();
    }
}

/// What starts a thread of this name for this work.
pub type Spawn<'a> = dyn Fn(&str, Box<dyn FnOnce() + Send>) + 'a;

/// The running plant.
pub struct Plant {
    dir: PathBuf,
    clock: Arc<dyn Clock>,
    epoch: Mono,
    shutdown: Shutdown,
    latch: Arc<Latch>,
    cameras: Vec<Arc<Camera>>,
    camera_passwords: Vec<PathBuf>,
    plc: Arc<VirtualPlc>,
    postgres: Result<Arc<Cluster>, PostgresError>,
    database_password: PathBuf,
    log: Arc<PlantLog>,
    /// When a fault of a camera was last switched.
    switched: Mutex<BTreeMap<&'static str, Mono>>,
}

impl std::fmt::Debug for Plant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plant").field("dir", &self.dir).field("cameras", &self.cameras).finish_non_exhaustive()
    }
}

const CAMERA_FAULTS: [(&str, &str); 5] = [
    ("camera-lost", "is switched off"),
    ("camera-hung", "keeps its connection but sends nothing"),
    ("camera-dark", "sees nearly nothing: the light is out"),
    ("camera-steam", "looks through steam"),
    ("camera-refused", "has another password"),
];
const PLC_FAULTS: [(&str, &str); 4] = [
    ("plc-silent", "The PLC does not answer"),
    ("plc-crc", "The PLC's answers are damaged"),
    ("plc-exception", "The PLC answers every request with an exception"),
    ("plc-unplugged", "The PLC's port is unplugged"),
];
/// How each camera asks for its account.
const METHODS: [Method; 3] = [Method::Digest, Method::Basic, Method::Digest];

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> DemoError {
    let path = path.to_path_buf();
    move |source| DemoError::File { path, source }
}

impl Plant {
    /// Starts the plant in `dir`, which is made if need be. Threads are started through `spawn` only and end with `shutdown`.
    /// PostgreSQL comes up in the background; its absence does not stop the rest.
    ///
    /// # Errors
    /// When a camera, the virtual PLC or a file of its own cannot be had.
    pub fn start(dir: &Path, clock: Arc<dyn Clock>, spawn: &Spawn<'_>, shutdown: Shutdown) -> Result<Self, DemoError> {
        rtsp::check_elements()?;
        std::fs::create_dir_all(dir).map_err(file_error(dir))?;
        let dir = dir.canonicalize().map_err(file_error(dir))?;
        let context = glib::MainContext::new();
        let mut cameras = Vec::new();
        let mut camera_passwords = Vec::new();
        for (id, method) in NAMES.into_iter().zip(METHODS) {
            let file = dir.join(format!("camera-{id}.password"));
            let password = random_password().map_err(file_error(Path::new("/dev/urandom")))?;
            write_secret(&file, &password).map_err(file_error(&file))?;
            let setup = CameraSetup { id, method, user: "vms", password: password.into() };
            let size = layout(id).ok_or(RtspError::Scene(id))?.size;
            cameras.push(Arc::new(Camera::listen(setup, size, &context)?));
            camera_passwords.push(file);
        }
        let plc = Arc::new(VirtualPlc::open(dir.join("plc.tty"))?);
        let postgres = Cluster::plan(&dir).map(Arc::new);
        let database_password = dir.join("database.password");
        if let Ok(cluster) = &postgres {
            write_secret(&database_password, cluster.password()).map_err(file_error(&database_password))?;
        }
        let log_file = dir.join("plant.log");
        let log = PlantLog::open(log_file.clone(), Arc::clone(&clock)).map_err(file_error(&log_file))?;
        let epoch = clock.now().mono;
        let plant = Self {
            dir,
            clock,
            epoch,
            shutdown,
            latch: Arc::default(),
            cameras,
            camera_passwords,
            plc,
            postgres,
            database_password,
            log: Arc::new(log),
            switched: Mutex::default(),
        };
        plant.spawn_all(spawn, context);
        Ok(plant)
    }

    fn spawn_all(&self, spawn: &Spawn<'_>, context: glib::MainContext) {
        let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
            *self.latch.running.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            let running = Running(Arc::clone(&self.latch));
            spawn(
                name,
                Box::new(move || {
                    let _running = running;
                    work();
                }),
            );
        };
        let epoch = self.epoch;
        let shutdown = self.shutdown.clone();
        start("demo-rtsp", Box::new(move || rtsp::serve(&context, &shutdown)));
        for camera in &self.cameras {
            let (camera, clock, shutdown) = (Arc::clone(camera), Arc::clone(&self.clock), self.shutdown.clone());
            start(&format!("demo-{}", camera.id()), Box::new(move || camera.render_loop(&*clock, epoch, &shutdown)));
        }
        let (plc, clock, shutdown) = (Arc::clone(&self.plc), Arc::clone(&self.clock), self.shutdown.clone());
        start("demo-plc", Box::new(move || plc.run(&*clock, epoch, &shutdown)));
        if let Ok(cluster) = &self.postgres {
            let (cluster, shutdown) = (Arc::clone(cluster), self.shutdown.clone());
            start("demo-postgres", Box::new(move || cluster.run(&shutdown)));
        }
        let (log, shutdown) = (Arc::clone(&self.log), self.shutdown.clone());
        start("demo-log", Box::new(move || log.run(&shutdown)));
    }

    /// The configuration of this plant: a complete `vms.toml`.
    pub fn config_text(&self) -> String {
        let mut logs = vec![self.log.path().to_path_buf()];
        logs.extend(self.postgres.as_ref().ok().map(|c| c.log().to_path_buf()));
        site::config_text(&Addresses {
            cameras: self
                .cameras
                .iter()
                .zip(&self.camera_passwords)
                .map(|(c, p)| (c.url(), c.user(), p.clone()))
                .collect(),
            plc: self.plc.port(),
            database: self.postgres.as_ref().ok().map(|c| (c.url(), self.database_password.clone())),
            logs,
        })
    }

    /// Every fault that can be injected, and whether it is on.
    pub fn faults(&self) -> Vec<DemoFault> {
        let mut out = Vec::new();
        for (camera, facts) in self.cameras.iter().zip(CAMERAS) {
            for (kind, words) in CAMERA_FAULTS {
                let s = &camera.switches;
                let on = match kind {
                    "camera-lost" => &s.lost,
                    "camera-hung" => &s.hung,
                    "camera-dark" => &s.dark,
                    "camera-steam" => &s.steam,
                    _ => &s.refused,
                };
                out.push(DemoFault {
                    id: format!("{kind}:{}", camera.id()).into(),
                    title: format!("Camera {} ({}) {words}", camera.id(), facts.name).into(),
                    on: on.load(Ordering::Relaxed),
                });
            }
        }
        for (id, title) in PLC_FAULTS {
            let on = self.plc_switch(id).is_some_and(|s| s.load(Ordering::Relaxed));
            out.push(DemoFault { id: id.into(), title: title.into(), on });
        }
        out
    }

    fn plc_switch(&self, id: &str) -> Option<&std::sync::atomic::AtomicBool> {
        let s = &self.plc.switches;
        match id {
            "plc-silent" => Some(&s.silent),
            "plc-crc" => Some(&s.crc),
            "plc-exception" => Some(&s.exception),
            "plc-unplugged" => Some(&s.unplugged),
            _ => None,
        }
    }

    /// Switches a fault on or off; the answer is a sentence for the person.
    ///
    /// # Errors
    /// When there is no such fault; the sentence names those there are.
    pub fn set_fault(&self, id: &str, on: bool) -> Result<String, String> {
        let Some(fault) = self.faults().into_iter().find(|f| &*f.id == id) else {
            let known: Vec<String> = self.faults().iter().map(|f| f.id.to_string()).collect();
            return Err(format!("there is no fault {id}; there are: {}", known.join(", ")));
        };
        if let Some((kind, camera)) = id.split_once(':').and_then(|(k, c)| Some((k, self.camera(c)?))) {
            match kind {
                "camera-lost" => camera.set_lost(on),
                "camera-hung" => camera.switches.hung.store(on, Ordering::Relaxed),
                "camera-dark" => camera.switches.dark.store(on, Ordering::Relaxed),
                "camera-steam" => camera.switches.steam.store(on, Ordering::Relaxed),
                _ => camera.set_refused(on),
            }
            let now = self.clock.now().mono;
            self.switched.lock().unwrap_or_else(PoisonError::into_inner).insert(camera.id(), now);
        } else if let Some(switch) = self.plc_switch(id) {
            switch.store(on, Ordering::Relaxed);
        }
        let word = if on { "on" } else { "off" };
        self.log.write(if on { "ERROR" } else { "INFO" }, &format!("fault {word}: {}", fault.title));
        Ok(format!("{word}: {}", fault.title))
    }

    fn camera(&self, id: &str) -> Option<&Arc<Camera>> {
        self.cameras.iter().find(|c| c.id() == id)
    }

    /// Camera, region and scale of a region's name.
    fn find(&self, roi: &str) -> Option<(&Arc<Camera>, RoiInfo, f64)> {
        self.cameras.iter().zip(CAMERAS).find_map(|(camera, facts)| {
            let info = layout(camera.id())?.rois.iter().find(|r| r.id == roi)?;
            Some((camera, *info, facts.scale_mm_per_px))
        })
    }

    /// Scene time of the newest frame at a moment, in seconds.
    fn scene_s(&self, at: Mono) -> f64 {
        frame_at(at, self.epoch) as f64 / FPS
    }

    /// What is true of an asset over an interval; none for a region that is not one or an interval before the start.
    pub fn truth(&self, roi: &str, from: Mono, to: Mono) -> Option<Truth> {
        let (camera, info, scale) = self.find(roi)?;
        let motion = info.motion?;
        if from < self.epoch {
            return None;
        }
        let (from_s, to_s) = (self.scene_s(from), self.scene_s(to));
        let level = motion.schedule.at(to_s);
        let ellipse = motion.ellipse(level);
        let switched = self.switched.lock().unwrap_or_else(PoisonError::into_inner).get(camera.id()).copied();
        let undisturbed = !camera.faulty() && switched.is_none_or(|at| at < from);
        Some(Truth {
            major_px: ellipse.major_px,
            minor_px: ellipse.minor_px,
            angle_deg: ellipse.angle_deg,
            hz: motion.hz,
            velocity_rms_mm_s: motion.velocity_rms_px_s(level) * scale,
            steady: undisturbed && motion.schedule.steady(from_s, to_s).is_some(),
        })
    }

    /// True displacement of a region against the background at a moment, in pixels; none for an unknown region.
    pub fn truth_at(&self, roi: &str, at: Mono) -> Option<(f64, f64)> {
        let (_, info, _) = self.find(roi)?;
        Some(info.motion.map_or((0.0, 0.0), |m| m.at(self.scene_s(at))))
    }

    /// A copy of the virtual PLC's memory.
    pub fn plc(&self) -> PlcSnapshot {
        self.plc.snapshot()
    }

    /// How the private PostgreSQL is, in a sentence.
    pub fn postgres_text(&self) -> String {
        match &self.postgres {
            Ok(cluster) => cluster.text().to_string(),
            Err(e) => e.to_string(),
        }
    }

    /// Whether a private PostgreSQL belongs to this plant.
    pub fn has_postgres(&self) -> bool {
        self.postgres.is_ok()
    }

    /// Frames made and frames dropped by each camera so far.
    pub fn frames(&self) -> Vec<(&'static str, u64, u64)> {
        self.cameras.iter().map(|c| (c.id(), c.frames(), c.dropped())).collect()
    }

    /// Asks all parts to end and waits for them, at most five seconds; true if all ended.
    pub fn stop(&self) -> bool {
        self.shutdown.ask();
        let running = self.latch.running.lock().unwrap_or_else(PoisonError::into_inner);
        let (running, _) = self
            .latch
            .changed
            .wait_timeout_while(running, Duration::from_secs(5), |n| *n > 0)
            .unwrap_or_else(PoisonError::into_inner);
        *running == 0
    }
}

#[cfg(test)]
mod bench;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;

    type Threads = Arc<Mutex<Vec<std::thread::JoinHandle<()>>>>;

    pub fn start(dir: &Path, clock: Arc<dyn Clock>) -> (Plant, Threads) {
        let threads: Threads = Arc::default();
        let held = Arc::clone(&threads);
        let spawn = move |name: &str, work: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.into()).spawn(work).expect("a thread");
            held.lock().expect("no panic").push(thread);
        };
        (Plant::start(dir, clock, &spawn, Shutdown::new()).expect("a plant"), threads)
    }

    #[test]
    fn a_plant_starts_knows_its_truth_and_ends() {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(SystemClock::new());
        let (plant, threads) = start(dir.path(), clock.clone());
        let text = plant.config_text();
        let config: toml::Table = text.parse().expect("TOML");
        assert_eq!(config["site"]["node"].as_str(), Some("bf2-demo"));
        let secret = std::fs::read_to_string(dir.path().join("camera-deck.password")).expect("written");
        assert!(!text.contains(secret.trim()) && !format!("{plant:?}").contains(secret.trim()));

        let at = |s: f64| plant.epoch.after(Duration::from_secs_f64(s));
        let high = plant.truth("deck-bearing", at(2.0), at(10.0)).expect("known");
        let ramp = plant.truth("deck-bearing", at(8.0), at(15.0)).expect("known");
        assert!(high.steady && !ramp.steady && high.hz == 5.2);
        assert!(high.velocity_rms_mm_s > 7.1 && high.major_px > 0.9);
        assert_eq!(plant.truth("deck-wall", at(2.0), at(10.0)), None);
        assert_eq!(plant.truth_at("deck-wall", at(2.0)), Some((0.0, 0.0)));

        assert!(plant.faults().iter().all(|f| !f.on));
        assert!(plant.set_fault("camera-dark:deck", true).is_ok());
        assert!(plant.set_fault("plc-silent", true).is_ok());
        assert!(plant.set_fault("camera-dark:roof", true).is_err_and(|e| e.contains("camera-dark:deck")));
        assert_eq!(plant.faults().iter().filter(|f| f.on).count(), 2);
        assert!(!plant.truth("deck-bearing", at(2.0), at(10.0)).expect("known").steady, "a fault disturbs");
        assert!(plant.set_fault("camera-dark:deck", false).is_ok());

        // An unoptimised build on a busy machine may still be painting its scenes.
        assert!((0..12).any(|_| plant.stop()), "everything ends");
        for t in threads.lock().expect("no panic").drain(..) {
            t.join().expect("ends in order");
        }
    }
}
