//! The engine on one page: what is opened, spawned and wired, in order; and how it ends.

use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, watch};
use tracing::{error, info, warn};

use super::archive::Archive;
use super::errands::Live;
use super::held::Held;
use super::looking::Looking;
use super::reading::{Allowed, Reading};
use super::restarting::Wish;
use super::threads::Threads;
use super::{errand_pool, errands, scaling, serving, signals, signing, starting};
use crate::access;
use crate::base::clock::Clock;
use crate::base::error::{Exit, Failure};
use crate::base::shutdown::Shutdown;
use crate::camera::{self, Control, Frame, Hooks, Settings};
use crate::config::sections::{Camera, Config, Historian};
use crate::engine::core::{Outlets, Request};
use crate::engine::restore::Past;
use crate::engine::{Core, Input, Intake, Samples};
use crate::historian::{ahead, care, forward};
use crate::journal::FinishedRun;
use crate::journal::{self, Opened, Retention, Store, Write, writer};
use crate::logs::{memory, mine::Miner, own, tail::Tails};
use crate::model::CameraId;
use crate::model::board::{Board, DemoFault};
use crate::model::bus::Demand;
use crate::model::compensation::Compensations;
use crate::model::event::EventKind;
use crate::model::intent::Intent;
use crate::model::mail::Mail;
use crate::model::people::Person;
use crate::model::timetable::Done;
use crate::model::upkeep::{Answer, Outcome};
use crate::model::vibration::{Sample, region_fault};
use crate::plc::master::{self, PlcOut};
use crate::upkeep::catalogue::Subjects;
use crate::upkeep::desk::{Finished, Wanted};
use crate::upkeep::{Catalogue, checks};
use crate::vibration::{FrameMeter, Luma, RegionSpec};
use crate::{historian, host, notify};

/// Writes that may wait for the journal's thread.
const WRITES: usize = 8192;
/// Wishes for the database that may wait.
const CARES: usize = 8;
/// Letters of other parts that may wait for the mail's thread.
const LETTERS: usize = 32;
/// Wishes that may wait.
const WISHES: usize = 64;
/// The whole end must be over within five seconds; each part gets its share.
const END_SOURCES: Duration = Duration::from_millis(2500);
const END_JOURNAL: Duration = Duration::from_secs(2);

/// Asks for the end, and keeps the first reason.
#[derive(Clone, Default)]
pub struct Stop {
    /// Ends every thread and task.
    pub shutdown: Shutdown,
    reason: Arc<OnceLock<Arc<str>>>,
    restart: Arc<OnceLock<(String, Last)>>,
}

/// What is done last of all.
type Last = Box<dyn Fn() -> bool + Send + Sync>;

impl Stop {
    /// Asks for the end.
    pub fn ask(&self, reason: &str) {
        let _ = self.reason.set(reason.into());
        self.shutdown.ask();
    }

    /// Asks for the end, and for what is to be done when everything has ended, for whoever asked for a restart.
    pub(super) fn ask_restart(&self, who: &str, last: Last) {
        let _ = self.restart.set((who.to_owned(), last));
        self.ask(&format!("restart of the computer, asked for by {who}"));
    }

    /// Who asked for a restart, if that is why the end was asked for.
    pub(super) fn restart_for(&self) -> Option<String> {
        self.restart.get().map(|(who, _)| who.clone())
    }

    /// The reason, once asked for.
    pub fn asked(&self) -> Option<Arc<str>> {
        self.shutdown.asked().then(|| self.reason.get().cloned().unwrap_or_else(|| "asked to stop".into()))
    }
}

/// What makes faults in a demonstration: `(fault, on)` to the list as it is afterwards.
pub type Faults = Arc<dyn Fn(Option<(&str, bool)>) -> Vec<DemoFault> + Send + Sync>;

/// How the engine is started.
#[derive(Default)]
pub struct Options {
    /// Log to stderr as well: only without a console.
    pub stderr: bool,
    /// The demonstration's faults.
    pub faults: Option<Faults>,
    /// Where the maintenance catalogue and keymaps of the site are.
    pub config_dir: Option<std::path::PathBuf>,
    /// The configuration file: a scale measured at the console is put there.
    pub config_file: Option<std::path::PathBuf>,
}

/// A running engine.
pub struct Engine {
    /// The board.
    pub board: watch::Receiver<Arc<Board>>,
    /// Wishes.
    pub intents: mpsc::Sender<Intent>,
    /// Asks for the end.
    pub stop: Stop,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Its threads.
    pub threads: Threads,
    /// Its tasks.
    pub runtime: Runtime,
    held: Held,
    _log: own::Guard,
}

/// Opens what must be open (data directory, log, journal, catalogue), then starts everything.
///
/// # Errors
/// What cannot be opened, with the exit code of the public interface. Cameras, PLCs and the database are not among it:
/// they are tried for as long as the engine runs.
pub fn engine(held: Held, config: Config, clock: Arc<dyn Clock>, options: Options) -> Result<Engine, Failure> {
    let config = Arc::new(config);
    let log = log(&held.dir, &config, options.stderr, &clock)?;
    info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), data = %held.dir.display(), "the engine starts");
    let catalogue = catalogue(&config, options.config_dir.as_deref(), &held.dir)?;
    let (store, past) = record(&held.dir, clock.as_ref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("io")
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Io, format!("cannot start: {e}")))?;

    let (threads, stop) = (Threads::default(), Stop::default());
    let (intake, inbox) = Intake::channel();
    let (write_tx, write_rx) = sync_channel::<Write>(WRITES);
    let empty = Board::empty(&config.site.name, &config.site.node, config.site.time_zone.clone(), clock.now());
    let (board_tx, board) = watch::channel(Arc::new(empty));

    // The journal's own thread: nobody else touches its file.
    let (sink, journal_clock) = (intake.clone(), Arc::clone(&clock));
    let retention = Retention { keep: config.journal.clone(), sends: config.historian.is_some() };
    threads.spawn("journal", move || {
        writer::run(store, retention, write_rx, journal_clock, Box::new(move |w| sink.push(Input::Writer(w))));
    });

    // Each PLC's line, and what is wanted on it. A thread and a runtime each: nothing else can hold a line up.
    let mut demands = Vec::new();
    let mut resets = Vec::new();
    let mut loopbacks = Vec::new();
    for (i, plc) in config.plcs.iter().enumerate() {
        let nothing: Arc<[Option<Demand>]> = vec![None; plc.tags.len()].into();
        let (tx, rx) = watch::channel(nothing);
        let reset = Arc::new(Notify::new());
        let (loopback, tests) = mpsc::channel(master::LOOPBACKS);
        loopbacks.push(loopback);
        demands.push(tx);
        resets.push(Arc::clone(&reset));
        let (sink, plc, clock, shutdown) = (intake.clone(), plc.clone(), Arc::clone(&clock), stop.shutdown.clone());
        threads.spawn(&format!("plc-{}", plc.id.clone()), move || {
            let take = move |out| match out {
                PlcOut::Report(r) => sink.push(Input::Plc(Box::new(r))),
                PlcOut::Frame(f) => sink.push(Input::Bus(Box::new(f))),
            };
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(own) => {
                    own.block_on(master::run_with(plc, i as u16, clock, shutdown, rx, reset, tests, Box::new(take)));
                }
                Err(e) => error!("the line cannot be served: {e}"),
            }
        });
    }

    // The cameras.
    let controls: Vec<Control> = config.cameras.iter().map(|_| Control::default()).collect();
    let switches: Vec<Switches> = config.cameras.iter().map(|c| Arc::new(AtomicU8::new(c.compensate.bits()))).collect();
    for (i, (cfg, control)) in config.cameras.iter().zip(&controls).enumerate() {
        let hooks = hooks(i as u16, cfg, &intake, Arc::clone(&switches[i]));
        let settings = Settings { index: i as u16, latency_limit: config.resources.camera_latency };
        let (cfg, control, shutdown, clock) = (cfg.clone(), control.clone(), stop.shutdown.clone(), Arc::clone(&clock));
        threads.spawn(&format!("camera-{}", cfg.id.clone()), move || {
            camera::run(&cfg, settings, clock, &shutdown, control, hooks);
        });
    }

    // The database's care gets its wishes over a short queue.
    let (caring, cared) = mpsc::channel::<care::Asked>(CARES);

    // Wishes reach the decider through a task of their own; errands make some too.
    let (intents, mut wishes) = mpsc::channel::<Intent>(WISHES);
    let wish = Wish::default();
    let means = errands::Means {
        config: Arc::clone(&config),
        config_file: options.config_file.clone(),
        data: held.dir.clone(),
        clock: Arc::clone(&clock),
        intents: Some(intents.clone()),
        live: Some(Live { board: board.clone(), loopbacks, turn: log.turn(), restart: wish.clone() }),
        previewed: errands::Previewed::default(),
    };
    let help = Help {
        errands: errand_pool::start(&threads, means, &stop.shutdown, &intake),
        access: signing::start(&threads, held.dir.clone(), Arc::clone(&clock), stop.shutdown.clone(), intake.clone()),
    };

    // The decider.
    let looking = Looking::start(&threads, &clock, &intake, &held.dir, Archive::of(&config));
    let allowed =
        Allowed { own: log.path().to_owned(), watch: config.logs.watch.clone(), zone: config.site.time_zone.clone() };
    let reading = Reading::start(&threads, &clock, &intake, allowed);
    let letters = send_mail(&threads, &stop, &clock, &intake, &config, &board, &held.dir);
    let outlets = Outlets {
        writer: write_tx.clone(),
        board: board_tx,
        demands,
        requests: requests(
            &stop,
            &threads,
            (controls, switches),
            resets,
            (caring, looking, help, reading, letters),
            &options,
            &intake,
        ),
    };
    let mut core =
        Core::new(Arc::clone(&config), Arc::clone(&clock), intake.clone(), &past, catalogue, checks::run, outlets);
    let (ending, last) = (stop.clone(), write_tx.clone());
    threads.spawn_vital("decider", &stop.shutdown, move || {
        core.run(&inbox, &|| ending.asked());
        // Everything is on its way to the journal: it may end when it has written that.
        let _ = last.try_send(Write::Stop);
    });

    starting::begin(
        &threads,
        starting::Given {
            data: held.dir.clone(),
            cfg: config.maintenance.clone(),
            zone: config.site.time_zone.clone(),
            clock: Arc::clone(&clock),
            intake: intake.clone(),
            board: board.clone(),
            stop: stop.clone(),
            wish,
            last_event: past.recent.last().filter(|e| !matches!(e.kind, EventKind::EngineStopped { .. })).map(|e| e.at),
        },
    );
    watch_host(&threads, &stop, &clock, &intake, &held.dir);
    watch_logs(&threads, &stop, &clock, &intake, &log, &config, &held.dir);
    if let Some(h) = config.historian.clone() {
        let sink = intake.clone();
        let push = Box::new(move |b| sink.push(Input::Historian(Box::new(b))));
        runtime.spawn(historian::run(h.clone(), Arc::clone(&clock), stop.shutdown.clone(), push));
        send_on(&h, &config, &stop, &threads, &clock, &intake, (write_tx, board.clone()), &held.dir);
        let sink = intake.clone();
        let push = Arc::new(move |out| sink.push(Input::Database(Box::new(out))));
        let settings = care_settings(h, &config, &past, clock.now().wall);
        runtime.spawn(care::run(settings, Arc::clone(&clock), stop.shutdown.clone(), cared, push));
    }
    runtime.spawn(signals::listen(stop.clone()));
    let sink = intake.clone();
    runtime.spawn(async move {
        while let Some(wish) = wishes.recv().await {
            sink.ask(wish);
        }
    });
    if let Some(faults) = options.faults {
        intake.push(Input::Demo(faults(None)));
    }
    if let Err(e) = serving::serve(&runtime, &held.dir, board.clone(), intents.clone()) {
        // Measuring goes on whatever else fails.
        warn!("`vms status` and `vms alarms` cannot reach this engine: {e}");
    }
    Ok(Engine { board, intents, stop, clock, threads, runtime, held, _log: log })
}

impl Engine {
    /// Waits for the end of everything, in order: sources, decider, journal. Never longer than five seconds.
    pub fn end(self) -> Exit {
        self.stop.ask("asked to stop");
        let late = self.threads.join(|n| n != "journal", END_SOURCES, self.clock.as_ref());
        if !late.is_empty() {
            error!(threads = late.join(", "), "did not end in time");
        }
        let late = self.threads.join(|_| true, END_JOURNAL, self.clock.as_ref());
        let _ = std::fs::remove_file(self.held.dir.join(serving::SOCKET));
        self.runtime.shutdown_timeout(Duration::from_millis(300));
        if late.is_empty() {
            info!("stopped in order");
        } else {
            error!(threads = late.join(", "), "stopped without waiting any longer");
        }
        // A service manager starts again what did not end well: an engine that ended for a restart that does not come.
        let well = self.stop.restart.get().is_none_or(|(_, last)| last());
        if well { Exit::Fine } else { Exit::NotFine }
    }
}

fn log(data: &Path, config: &Config, stderr: bool, clock: &Arc<dyn Clock>) -> Result<own::Guard, Failure> {
    let directory = data.join(&config.logs.directory);
    let settings = own::Settings {
        directory: &directory,
        rotate_at_bytes: config.logs.rotate_at_bytes,
        keep: config.logs.keep,
        stderr,
        filter: std::env::var(own::FILTER_ENV).ok(),
    };
    own::start(&settings, Arc::clone(clock)).map_err(|e| Failure::new(Exit::CannotWrite, e.to_string()))
}

/// The site's own catalogue and guides where there are any, else the built-in ones; with a step for each camera, PLC and
/// directory where steps ask for that.
fn catalogue(config: &Config, dir: Option<&Path>, data: &Path) -> Result<Catalogue, Failure> {
    let all =
        Catalogue::load(dir, &config.maintenance.tasks).map_err(|e| Failure::new(Exit::BadConfig, e.to_string()))?;
    Ok(all.for_site(&subjects(config, data)))
}

/// What steps that are asked for each of something are asked for here.
pub(super) fn subjects(config: &Config, data: &Path) -> Subjects {
    let disk = |path: &Path, what: &str| (Arc::from(data.join(path).to_string_lossy()), Arc::from(what));
    let mut disks: Vec<(Arc<str>, Arc<str>)> = vec![
        disk(Path::new(""), "data"),
        disk(&config.recording.directory, "recordings"),
        disk(&config.logs.directory, "logs"),
    ];
    // Directories below the data directory lie on its disk unless something is mounted there; each is told once.
    disks.dedup_by(|a, b| a.0 == b.0);
    Subjects {
        cameras: config
            .cameras
            .iter()
            .filter(|c| c.enabled)
            .map(|c| (Arc::from(c.id.as_str()), Arc::clone(&c.name)))
            .collect(),
        plcs: config.plcs.iter().map(|p| (Arc::from(p.id.as_str()), Arc::from(p.id.as_str()))).collect(),
        disks,
    }
}

/// Opens the journal and what it remembers.
fn record(data: &Path, clock: &dyn Clock) -> Result<(Store, Past), Failure> {
    let failed = |e: &dyn std::fmt::Display| Failure::new(Exit::Io, e.to_string());
    let Opened { store, set_aside } =
        Store::open(&data.join(journal::FILE_NAME), clock.now()).map_err(|e| failed(&e))?;
    let r = store.restore().map_err(|e| failed(&e))?;
    let note = set_aside.map(|p| {
        let text = format!("the journal was damaged; it lies at {} and a new one was begun", p.display());
        error!("{text}");
        text.into()
    });
    let past = Past {
        last_seq: r.last_seq,
        alarms: r.alarms,
        recent: r.recent,
        upkeep: r.upkeep,
        long_ago: r.long_ago.into_iter().map(finished).collect(),
        people: people(data),
        baselines: r.baselines,
        care: r.care,
        events: r.events,
        first: r.first,
        note,
    };
    Ok((store, past))
}

fn finished(f: FinishedRun) -> Finished {
    let FinishedRun { run, task, who, at, passed, abandoned } = f;
    Finished { run, task: task.into(), who: who.into(), at, passed, abandoned }
}

/// Who can sign. Measuring goes on whatever is wrong with that file.
fn people(data: &Path) -> Arc<[Person]> {
    access::everybody(data).unwrap_or_else(|e| {
        error!("{e}; nobody can sign until then");
        [].into()
    })
}

/// What the database's care starts from.
fn care_settings(cfg: Historian, config: &Config, past: &Past, now: jiff::Timestamp) -> care::Settings {
    let last = past.care.iter().filter_map(|e| match &e.kind {
        EventKind::DatabaseCare { record } => Some((record.job, Done { at: e.at, passed: record.passed })),
        _ => None,
    });
    let (zone, since) = (config.site.time_zone.clone(), past.first.unwrap_or(now));
    care::Settings { cfg, zone, last: last.collect(), since }
}

/// A camera's compensations as bits: the decider switches them, the streaming thread reads them once a frame, without a lock.
type Switches = Arc<AtomicU8>;

/// What happens with a camera's frames: measured at once on the streaming thread, handed on as plain numbers.
fn hooks(index: u16, cfg: &Camera, intake: &Intake, switches: Switches) -> Hooks {
    let specs: Vec<RegionSpec> = cfg.rois.iter().map(|r| RegionSpec { rect: r.rect, role: r.role }).collect();
    let mut meter = FrameMeter::new(&specs);
    let (mut size, mut first) = (None, None);
    let (samples, reports, pictures) = (intake.clone(), intake.clone(), intake.clone());
    let on_frame = move |f: &Frame<'_>| {
        if size != Some((f.width, f.height)) {
            // A new picture size is a new view: references are worth nothing, and regions and scales were set for the one before.
            size = Some((f.width, f.height));
            let now = (f.width as u32, f.height as u32);
            let same = *first.get_or_insert(now) == now;
            meter.reset();
            for (i, s) in specs.iter().enumerate() {
                meter.enable(i, same && region_fault(s.rect, now).is_none());
            }
        }
        let Some(luma) = Luma::new(f.luma, f.stride, f.width, f.height) else { return 0 };
        meter.compensate(Compensations::from_bits(switches.load(Ordering::Relaxed)));
        let of = Sample { camera: index, frame: f.number, t_s: f.t_s, arrival: f.arrival, ..Sample::default() };
        let (mut together, mut dropped) = (Samples::default(), 0);
        let hand_over = |together: Samples| {
            let n = together.all().len() as u64;
            if n == 0 || samples.push(Input::Samples(together)) { 0 } else { n }
        };
        for (roi, t) in meter.measure(&luma).iter().enumerate() {
            let sample = t.sample(Sample { roi: roi as u16, ..of });
            if !together.add(sample) {
                dropped += hand_over(std::mem::replace(&mut together, sample.into()));
            }
        }
        dropped + hand_over(together)
    };
    Hooks {
        on_frame: Box::new(on_frame),
        on_report: Box::new(move |r| reports.push(Input::Camera(Box::new(r)))),
        on_snapshot: Box::new(move |s| {
            pictures.push(Input::Snapshot(s));
        }),
    }
}

/// Threads that help with maintenance.
struct Help {
    errands: SyncSender<(Wanted, Arc<Board>)>,
    access: SyncSender<signing::Asked>,
}

/// Carries out what the decider cannot: it must never wait, so faults of the demonstration get a thread of their own.
fn requests(
    stop: &Stop,
    threads: &Threads,
    (controls, switches): (Vec<Control>, Vec<Switches>),
    resets: Vec<Arc<Notify>>,
    (caring, looking, help, reading, letters): (
        mpsc::Sender<care::Asked>,
        Looking,
        Help,
        Reading,
        Option<SyncSender<Mail>>,
    ),
    options: &Options,
    intake: &Intake,
) -> Box<dyn Fn(Request) + Send> {
    let (stop, intake) = (stop.clone(), intake.clone());
    let answers = intake.clone();
    let (fault_tx, fault_rx) = sync_channel::<(Arc<str>, bool)>(16);
    // The configuration is on a disk, and the decider never waits for one.
    let (scale_tx, scale_rx) = sync_channel::<(CameraId, String)>(4);
    let (file, notes) = (options.config_file.clone(), intake.clone());
    threads.spawn("settings", move || {
        for (camera, number) in scale_rx {
            let (text, bad) = scaling::put_now(file.as_deref(), camera.as_str(), &number);
            notes.push(Input::ScaleKept { camera, text: text.into(), bad });
        }
    });
    if let Some(faults) = options.faults.clone() {
        threads.spawn("demo-faults", move || {
            for (fault, on) in fault_rx {
                intake.push(Input::Demo(faults(Some((fault.as_ref(), on)))));
            }
        });
    }
    Box::new(move |request| match request {
        Request::Watch(index) => {
            for (i, c) in controls.iter().enumerate() {
                c.watched.store(Some(i) == index, Ordering::Relaxed);
            }
        }
        Request::Reconnect(i) => {
            if let Some(c) = controls.get(i) {
                c.reconnect.store(true, Ordering::Relaxed);
            }
        }
        Request::LookAt(i, centre) => {
            for (k, c) in controls.iter().enumerate() {
                c.look_at(centre.filter(|_| k == i));
            }
        }
        Request::WriteScale { camera, mm_per_px, sigma_mm_per_px } => {
            let number = scaling::number(mm_per_px, sigma_mm_per_px);
            if scale_tx.try_send((camera.clone(), number.clone())).is_err() {
                warn!(
                    "{camera}: the disk is busy with earlier scales; put scale_mm_per_px = {number} into the file by hand"
                );
            }
        }
        Request::Database { wish, who } => {
            if let Err(e) = caring.try_send(care::Asked { wish, who }) {
                let wish = match e {
                    TrySendError::Full(a) | TrySendError::Closed(a) => a.wish,
                };
                warn!("the care of the database is busy; not done: {}", wish.words());
            }
        }
        Request::Compensate(i, on) => {
            if let Some(s) = switches.get(i) {
                s.store(on.bits(), Ordering::Relaxed);
            }
        }
        Request::Reset(i) => {
            if let Some(r) = resets.get(i) {
                r.notify_one();
            }
        }
        Request::History(ask) => looking.ask(ask),
        Request::Log(query) => reading.ask(query),
        Request::Mail(mail) => match &letters {
            None => warn!("no letter is sent: the configuration has no [mail]; it was: {}", mail.subject),
            Some(tx) => {
                if let Err(e) = tx.try_send(mail) {
                    let (std::sync::mpsc::TrySendError::Full(m) | std::sync::mpsc::TrySendError::Disconnected(m)) = e;
                    warn!("the mail is busy with earlier letters; not sent: {}", m.subject);
                }
            }
        },
        Request::Fault { fault, on } => {
            if fault_tx.try_send((fault, on)).is_err() {
                warn!("the demonstration is busy with earlier faults");
            }
        }
        Request::Errand(wanted, board) => {
            if let Err(full) = help.errands.try_send((wanted, board)) {
                let (std::sync::mpsc::TrySendError::Full((w, _)) | std::sync::mpsc::TrySendError::Disconnected((w, _))) =
                    full;
                let busy = "the program is busy with other errands; look again";
                let answer = Answer { outcome: Outcome::Unknown, evidence: vec![busy.into()] };
                answers.push(Input::Errand(w, Box::new(answer)));
            }
        }
        Request::Verify { person, pin, what, reply } => {
            let asked = signing::Asked { person, pin, what, reply };
            if help.access.try_send(asked).is_err() {
                warn!("a PIN was not looked at: too many wait");
            }
        }
        Request::Shutdown => stop.ask("asked for by a person"),
    })
}

/// Sends the journal's rows on, on a thread of its own: it reads the journal's file, and nothing else may wait for that.
#[expect(clippy::too_many_arguments, reason = "everything that one thread is given, once")]
fn send_on(
    cfg: &Historian,
    config: &Config,
    stop: &Stop,
    threads: &Threads,
    clock: &Arc<dyn Clock>,
    intake: &Intake,
    (writes, board): (SyncSender<Write>, watch::Receiver<Arc<Board>>),
    data: &Path,
) {
    let who = forward::Who { site: config.site.name.clone(), node: config.site.node.clone() };
    let (sink, nodes_sink, renames) = (intake.clone(), intake.clone(), writes.clone());
    let reader = || Box::new(journal::Reader::new(&data.join(journal::FILE_NAME)));
    let (outbox, reading_ahead) = ahead::pair(reader(), reader());
    threads.spawn("historian-ahead", move || reading_ahead.run());
    let ends = forward::Ends {
        outbox: Box::new(outbox),
        rename: Box::new(move |name| drop(renames.try_send(Write::Rename(name)))),
        // Only a hint for the journal's retention: one that finds no room is followed by the next.
        sent: Box::new(move |stream, position| drop(writes.try_send(Write::Sent(stream, position)))),
        report: Box::new(move |f| sink.push(Input::Forward(Box::new(f)))),
        fleet: Box::new(move |nodes| nodes_sink.push(Input::Fleet(nodes))),
        board,
    };
    let (cfg, clock, shutdown) = (cfg.clone(), Arc::clone(clock), stop.shutdown.clone());
    threads.spawn("historian", move || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(own) => own.block_on(forward::run(cfg, who, ends, clock, shutdown)),
        Err(e) => error!("nothing can be sent to the database: {e}"),
    });
}

fn watch_host(threads: &Threads, stop: &Stop, clock: &Arc<dyn Clock>, intake: &Intake, data: &Path) {
    let (shutdown, clock, sink, data) = (stop.shutdown.clone(), Arc::clone(clock), intake.clone(), data.to_owned());
    threads.spawn("host", move || {
        let mut host = host::Host::new(&data);
        while !shutdown.wait_for(Duration::from_secs(1)) {
            sink.push(Input::Host(Box::new(host.sample(clock.now()))));
        }
    });
}

/// Mail, where it is configured: where letters of other parts go.
fn send_mail(
    threads: &Threads,
    stop: &Stop,
    clock: &Arc<dyn Clock>,
    intake: &Intake,
    config: &Config,
    board: &watch::Receiver<Arc<Board>>,
    data: &Path,
) -> Option<SyncSender<Mail>> {
    let settings = config.mail.clone()?;
    let (tx, letters) = sync_channel::<Mail>(LETTERS);
    let sink = intake.clone();
    let worker = notify::Worker {
        settings,
        file: Some(data.join(notify::FILE_NAME)),
        board: board.clone(),
        letters,
        clock: Arc::clone(clock),
        pauses: notify::Worker::PAUSES,
        report: Box::new(move |m| {
            sink.push(Input::Mail(Box::new(m)));
        }),
    };
    let shutdown = stop.shutdown.clone();
    threads.spawn("mail", move || notify::run(worker, &shutdown));
    Some(tx)
}

fn watch_logs(
    threads: &Threads,
    stop: &Stop,
    clock: &Arc<dyn Clock>,
    intake: &Intake,
    log: &own::Guard,
    config: &Config,
    data: &Path,
) {
    let rules: Vec<Arc<str>> = config.mail.iter().filter_map(|m| m.log_patterns.clone()).collect();
    let miner = Miner::new(Some(data.join(memory::FILE_NAME)), &rules);
    let mut tails = Tails::new(log.path(), &config.logs.watch).with_dropped(log.dropped_counter()).with_miner(miner);
    let (shutdown, clock, sink) = (stop.shutdown.clone(), Arc::clone(clock), intake.clone());
    threads.spawn("logs", move || {
        loop {
            sink.push(Input::Logs(Box::new(tails.poll(clock.now()))));
            if shutdown.wait_for(Duration::from_secs(1)) {
                return;
            }
        }
    });
}
