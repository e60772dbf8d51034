//! The decider's loop: takes what has come, steps everything once, decides, writes, and publishes.

mod database;
mod recording;
mod settings;
mod upkeep;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use tokio::sync::watch;
use tracing::{error, info, warn};

use super::acting::{Pending, answer};
use super::health::Health;
use super::input::{Input, Intake};
use super::publish::Shown;
use super::regions::{self, Region};
use super::restore::Past;
use crate::alarm::{Bank, CameraFact, Facts, PlcFact, RegionFact};
use crate::base::clock::{Clock, Mono, Now};
use crate::config::Config;
use crate::config::sections::Source;
use crate::journal::{Fold, Write, WriterOut};
use crate::model::board::{Board, EngineState};
use crate::model::bus::{Access, Demand, PlcState};
use crate::model::camera::CameraState;
use crate::model::compensation::Compensations;
use crate::model::database::DatabaseWish;
use crate::model::event::{Event, EventKind};
use crate::model::history::{self, Answer as LookedUp, Ask, Asker};
use crate::model::intent::{Intent, IntentKind, Pin, Reply, ToSign};
use crate::model::logs::LogQuery;
use crate::model::mail::Mail;
use crate::model::upkeep::Answer;
use crate::model::vibration::{Grade, Level, Role};
use crate::model::{AlarmId, CameraId, PlcId};
use crate::upkeep::desk::{Place, Wanted};
use crate::upkeep::{Catalogue, Desk};

/// The board is published this often when nothing special happens: quick enough to follow, slow enough to read.
const PUBLISH_EVERY: Duration = Duration::from_millis(200);
/// After an event it is published at once, but not more often than this.
const PUBLISH_LEAST: Duration = Duration::from_millis(90);
/// At most so much is taken before deciding, so that a flood cannot hold decisions up.
const BATCH: usize = 512;

/// A check of the maintenance room: its name and the board to its answer.
pub type Checks = fn(&str, &Board) -> Option<Answer>;

/// Where the decider's results go.
pub struct Outlets {
    /// To the journal's thread; bounded.
    pub writer: SyncSender<Write>,
    /// The board.
    pub board: watch::Sender<Arc<Board>>,
    /// Per PLC: what is wanted on each of its tags.
    pub demands: Vec<watch::Sender<Arc<[Option<Demand>]>>>,
    /// What boot carries out: pictures, reconnects, faults, the end.
    pub requests: Box<dyn Fn(Request) + Send>,
}

/// What the decider cannot do itself.
#[derive(Debug)]
pub enum Request {
    /// Somebody looks at this camera (or at none).
    Watch(Option<usize>),
    /// This camera's picture is wanted pixel by pixel about this point; none: the whole.
    LookAt(usize, Option<(u32, u32)>),
    /// Put a camera's scale into the configuration file.
    WriteScale {
        /// The camera.
        camera: CameraId,
        /// Scale in mm per pixel.
        mm_per_px: f64,
        /// Its one-sigma uncertainty.
        sigma_mm_per_px: f64,
    },
    /// Look after the database.
    Database {
        /// What is wished.
        wish: DatabaseWish,
        /// By whom.
        who: Arc<str>,
    },
    /// Open this camera's stream anew.
    Reconnect(usize),
    /// Measure this camera's frames with these compensations from now on.
    Compensate(usize, Compensations),
    /// Open this PLC's port anew.
    Reset(usize),
    /// Look this up in the record.
    History(Ask),
    /// Look into a log file.
    Log(LogQuery),
    /// Send a letter.
    Mail(Mail),
    /// Switch a fault of the demonstration.
    Fault {
        /// Which.
        fault: Arc<str>,
        /// On or off.
        on: bool,
    },
    /// Make an errand of a maintenance step, with what was true when it was asked for.
    Errand(Wanted, Arc<Board>),
    /// See whether a PIN is right; the answer comes back as [`Input::Verified`].
    Verify {
        /// Whose.
        person: Arc<str>,
        /// The PIN.
        pin: Pin,
        /// For what.
        what: ToSign,
        /// Who waits for it.
        reply: Option<SyncSender<Reply>>,
    },
    /// End the program.
    Shutdown,
}

/// The decider.
pub struct Core {
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    intake: Intake,
    out: Outlets,
    regions: Vec<Region>,
    starts: Vec<usize>,
    facts: Facts,
    bank: Bank,
    fold: Fold,
    desk: Desk,
    checks: Checks,
    pending: Pending,
    health: Health,
    shown: Shown,
    next_seq: u64,
    published: Mono,
    second: Mono,
    eventful: bool,
    scratch: Vec<EventKind>,
    unwritten: u64,
    intake_dropped: u64,
    /// Seconds since the start.
    seconds: u64,
    /// When the last letter about overdue maintenance was written.
    reminded: Option<Mono>,
    /// Waveforms that are still to be taken.
    wanted: Vec<recording::Wanted>,
}

impl Core {
    /// A decider with its past.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        clock: Arc<dyn Clock>,
        intake: Intake,
        past: &Past,
        catalogue: Catalogue,
        checks: Checks,
        out: Outlets,
    ) -> Self {
        let now = clock.now();
        let (regions, starts) = regions::all(&config);
        let facts = Facts {
            regions: vec![RegionFact::default(); regions.len()],
            cameras: vec![CameraFact::default(); config.cameras.len()],
            plcs: vec![PlcFact::default(); config.plcs.len()],
            ..Facts::default()
        };
        let installed = past.first.unwrap_or(now.wall);
        let place = Place { site: config.site.name.clone(), node: config.site.node.clone() };
        let mut desk =
            Desk::new(catalogue, place, config.site.time_zone.clone(), installed, &past.long_ago, &past.upkeep);
        desk.know(Arc::clone(&past.people));
        let mut core = Self {
            regions,
            starts,
            facts,
            bank: Bank::new(&config),
            fold: Fold::restored(past.alarms.clone()),
            desk,
            checks,
            pending: Pending::default(),
            health: Health::default(),
            shown: Shown::new(&config, past, now),
            next_seq: past.last_seq + 1,
            published: Mono(0),
            second: Mono(0),
            eventful: true,
            scratch: Vec::new(),
            unwritten: 0,
            intake_dropped: 0,
            seconds: 0,
            reminded: None,
            wanted: Vec::new(),
            config,
            clock,
            intake,
            out,
        };
        let pid = std::process::id();
        core.emit(EventKind::EngineStarted { version: env!("CARGO_PKG_VERSION").into(), pid }, now);
        for event in &past.baselines {
            core.learned(&event.kind);
        }
        for alarm in core.bank.restore(&past.alarms) {
            core.emit(EventKind::AlarmReturned { alarm, value: None }, now);
        }
        if let Some(text) = &past.note {
            core.emit(EventKind::Note { text: Arc::clone(text) }, now);
        }
        for kind in core.desk.missing_ends() {
            core.emit_durably(kind, None, now);
        }
        core
    }

    /// Runs until `ending` says so, then writes the end and publishes once more. Blocks; call it on its own thread.
    pub fn run(&mut self, rx: &Receiver<Input>, ending: &dyn Fn() -> Option<Arc<str>>) {
        self.shown.engine.state = EngineState::Running;
        let reason = loop {
            match rx.recv_timeout(Duration::from_millis(50)) {
                Ok(input) => {
                    self.take(input);
                    for input in rx.try_iter().take(BATCH) {
                        self.take(input);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break "every source has ended".into(),
            }
            self.step();
            if let Some(reason) = ending() {
                break reason;
            }
        };
        let now = self.clock.now();
        info!(%reason, "the engine stops");
        self.emit(EventKind::EngineStopped { reason }, now);
        self.shown.engine.state = EngineState::Stopping;
        self.publish(now);
    }

    /// One decision: alarms, demands, the second's work, the board.
    pub fn step(&mut self) {
        let now = self.clock.now();
        for (region, fact) in self.regions.iter().zip(&mut self.facts.regions) {
            let delivers = self.facts.cameras.get(region.camera).is_some_and(|c| c.state.has_frames());
            fact.camera_delivers = delivers;
            fact.reading = region.fresh(now.mono).cloned();
            fact.running = region.running;
            fact.fault.clone_from(&region.fault);
        }
        let mut kinds = std::mem::take(&mut self.scratch);
        self.bank.step(&self.facts, now.mono, &mut kinds);
        for kind in kinds.drain(..) {
            self.emit(kind, now);
        }
        self.scratch = kinds;
        let due = now.mono.since(self.published) >= PUBLISH_EVERY;
        self.demand(due || self.eventful, now);
        if now.mono.since(self.second) >= Duration::from_secs(1) {
            self.second = now.mono;
            self.each_second(now);
        }
        if due || (self.eventful && now.mono.since(self.published) >= PUBLISH_LEAST) {
            self.publish(now);
        }
    }

    /// Takes one fact or wish; decides nothing yet.
    pub fn take(&mut self, input: Input) {
        match input {
            Input::Samples(samples) => {
                for s in samples.all() {
                    let index = self.starts.get(usize::from(s.camera)).map(|start| start + usize::from(s.roi));
                    if let Some(region) = index.and_then(|i| self.regions.get_mut(i)) {
                        region.sample(s);
                    }
                }
            }
            Input::Camera(report) => self.camera(*report),
            Input::Snapshot(s) => {
                self.eventful = true;
                self.shown.snapshot = Some(Arc::new(s));
            }
            Input::Plc(report) => self.plc(*report),
            Input::Bus(frame) => self.shown.bus(*frame),
            Input::Host(report) => self.shown.host = Some(Arc::new(*report)),
            Input::Logs(report) => self.shown.logs = Some(Arc::new(*report)),
            Input::LogPage(page) => {
                self.shown.log_page(*page);
                self.publish(self.clock.now());
            }
            Input::Mail(m) => self.shown.mail = Arc::new(*m),
            Input::Historian(h) => self.shown.historian = *h,
            Input::Fleet(nodes) => self.shown.fleet = nodes.into(),
            Input::History(a) => self.looked_up(*a),
            Input::Forward(f) => {
                self.facts.forward_fault.clone_from(&f.fault);
                self.shown.forward = *f;
            }
            Input::Start(start) => {
                self.shown.start = Arc::new(*start);
                self.facts.start = Arc::clone(&self.shown.start);
                self.eventful = true;
            }
            Input::Database(out) => self.database(*out),
            Input::Writer(w) => self.writer(w),
            Input::Intent(i) => self.intent(*i),
            Input::Note { text, bad } => self.note(text, bad),
            Input::ScaleKept { camera, text, bad } => self.scale_kept(&camera, text, bad),
            Input::Errand(wanted, answer) => self.errand_done(&wanted, *answer),
            Input::Verified(v) => self.verified(*v),
            Input::People(people) => self.desk.know(people),
            Input::TaskCalled { task, why } => self.task_called(&task, &why),
            Input::Demo(faults) => {
                self.eventful = true;
                self.shown.demo = faults.into();
            }
        }
    }

    fn camera(&mut self, report: crate::model::camera::CameraReport) {
        let index = usize::from(report.index);
        let now = self.clock.now();
        let Some(cfg) = self.config.cameras.get(index) else { return };
        let id: CameraId = cfg.id.clone();
        let Some(fact) = self.facts.cameras.get_mut(index) else { return };
        let changed = fact.state != report.state;
        fact.state = report.state;
        fact.picture = report.picture;
        fact.text.clone_from(&report.text);
        let start = self.starts.get(index).copied().unwrap_or(0);
        for (i, region) in self.regions.iter_mut().enumerate().filter(|(_, r)| r.camera == index) {
            let fault = report.roi_faults.iter().find(|(k, _)| start + usize::from(*k) == i);
            region.fault = fault.map(|(_, text)| Arc::clone(text));
            region.picture(report.size);
        }
        let (state, text) = (report.state, report.text.clone());
        self.shown.camera(index, report);
        if changed {
            let text = text.unwrap_or_else(|| "".into());
            if state == CameraState::Live {
                info!(camera = %id, state = state.word(), "camera");
            } else {
                warn!(camera = %id, state = state.word(), "{text}");
            }
            self.emit(EventKind::Camera { camera: id, state, text }, now);
        }
    }

    fn plc(&mut self, report: crate::model::bus::PlcReport) {
        let index = usize::from(report.index);
        let now = self.clock.now();
        let Some(cfg) = self.config.plcs.get(index) else { return };
        let id: PlcId = cfg.id.clone();
        let Some(fact) = self.facts.plcs.get_mut(index) else { return };
        let changed = fact.state != report.state;
        fact.state = report.state;
        fact.text.clone_from(&report.text);
        for tag in report.tags.iter().filter(|t| t.access == Access::Read) {
            for region in &mut self.regions {
                region.tag(&tag.id, tag.value, now.mono);
            }
        }
        let (state, text) = (report.state, report.text.clone());
        self.shown.plc(index, report);
        if changed {
            let text = text.unwrap_or_else(|| "".into());
            if state == PlcState::Live {
                info!(plc = %id, "PLC live");
            } else {
                warn!(plc = %id, state = state.word(), "{text}");
            }
            self.emit(EventKind::Plc { plc: id, state, text }, now);
        }
    }

    /// Takes what the journal's thread tells; durable events count from here on.
    fn writer(&mut self, w: WriterOut) {
        match w {
            WriterOut::Durable { up_to_seq, commit_ms } => {
                self.shown.journal.durable_seq = up_to_seq;
                self.shown.journal.commit_ms = Some(commit_ms);
                let (events, told) = self.pending.durable(up_to_seq);
                for event in events {
                    self.fold.apply(&event);
                    self.desk.apply(&event);
                    self.agreed(&event.kind);
                    self.learned(&event.kind);
                    self.switched(&event.kind);
                    self.scaled(&event.kind);
                    self.shown.recent(event);
                    self.eventful = true;
                }
                if !told.is_empty() {
                    // Whoever is told that it is done finds it done when they look.
                    self.publish(self.clock.now());
                }
                for (reply, text) in told {
                    answer(Some(reply), Ok(text));
                }
            }
            WriterOut::Lost { from_seq, to_seq } => {
                for event in self.pending.lost(from_seq, to_seq) {
                    error!(seq = event.seq, "an event could not be saved and does not count");
                    self.desk.release(&event.kind);
                    self.eventful = true;
                }
            }
            WriterOut::Status { size_bytes, waiting, dropped, fault } => {
                let j = &mut self.shown.journal;
                (j.size_bytes, j.waiting, j.dropped) = (size_bytes, waiting, dropped + self.unwritten);
                j.fault = fault.map(Into::into);
                self.facts.journal_fault.clone_from(&j.fault);
            }
        }
    }

    /// Something happened: it counts at once, and the journal is told.
    fn emit(&mut self, kind: EventKind, now: Now) {
        if let EventKind::AlarmRaised { text, priority, .. } = &kind {
            warn!(priority = priority.word(), "alarm: {text}");
        }
        let event = self.number(kind, now);
        self.fold.apply(&event);
        self.learned(&event.kind);
        self.shown.recent(event.clone());
        self.eventful = true;
        self.waveform_of(&event, now);
        self.write(Write::Event(event));
    }

    /// Something is to happen: it counts once it is durable.
    fn emit_durably(&mut self, kind: EventKind, reply: Option<(SyncSender<Reply>, String)>, now: Now) -> bool {
        if self.pending.full() {
            self.desk.release(&kind);
            answer(reply.map(|r| r.0), Err("too much waits for the disk already; see the journal's fault".into()));
            return false;
        }
        let event = self.number(kind, now);
        if self.out.writer.try_send(Write::Urgent(event.clone())).is_err() {
            self.desk.release(&event.kind);
            answer(reply.map(|r| r.0), Err("the journal takes nothing more: nothing was saved; check its disk".into()));
            return false;
        }
        self.pending.add(event, reply, now.mono);
        self.eventful = true;
        true
    }

    fn number(&mut self, kind: EventKind, now: Now) -> Event {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.shown.journal.events += 1;
        self.shown.journal.last_event = Some(now.wall);
        Event { seq, at: now.wall, kind }
    }

    fn intent(&mut self, i: Intent) {
        let now = self.clock.now();
        let Intent { who, why, kind, reply } = i;
        match kind {
            IntentKind::Acknowledge(alarm) => self.acknowledge(&[alarm], &who, why.as_ref(), reply, now),
            IntentKind::AcknowledgeAll => {
                let open: Vec<AlarmId> =
                    self.fold.alarms().into_iter().filter(|a| a.state.unacknowledged()).map(|a| a.id).collect();
                self.acknowledge(&open, &who, why.as_ref(), reply, now);
            }
            IntentKind::Watch(camera) => {
                let index = camera.and_then(|c| self.config.cameras.iter().position(|k| k.id == c));
                self.shown.snapshot = self.shown.snapshot.take().filter(|s| Some(usize::from(s.camera)) == index);
                (self.out.requests)(Request::Watch(index));
                answer(reply, Ok(String::new()));
            }
            IntentKind::LookAt { camera, centre } => {
                if let Some(index) = self.config.cameras.iter().position(|c| c.id == camera) {
                    (self.out.requests)(Request::LookAt(index, centre));
                }
                answer(reply, Ok(String::new()));
            }
            IntentKind::SetScale { camera, length, point_sigma_px } => {
                match self.scale_event(camera, &length, point_sigma_px, who) {
                    Ok((kind, text)) => {
                        self.emit_durably(kind, reply.map(|r| (r, text)), now);
                    }
                    Err(e) => answer(reply, Err(e)),
                }
            }
            IntentKind::ReconnectCamera(id) => {
                let index = self.config.cameras.iter().position(|c| c.id == id);
                self.carry_out(
                    index.map(Request::Reconnect),
                    &format!("{id}: opening the stream anew"),
                    &id,
                    &who,
                    reply,
                    now,
                );
            }
            IntentKind::ResetPlc(id) => {
                let index = self.config.plcs.iter().position(|p| p.id == id);
                self.carry_out(
                    index.map(Request::Reset),
                    &format!("{id}: opening the port anew"),
                    &id,
                    &who,
                    reply,
                    now,
                );
            }
            kind @ (IntentKind::StartRun { .. }
            | IntentKind::AnswerStep { .. }
            | IntentKind::AbandonRun { .. }
            | IntentKind::LookAgain { .. }
            | IntentKind::Perform { .. }
            | IntentKind::ReopenStep { .. }
            | IntentKind::PauseRun { .. }
            | IntentKind::HandOver { .. }
            | IntentKind::Sign { .. }
            | IntentKind::CloseFollowUp { .. }) => self.upkeep_wish(kind, &who, why.as_deref(), reply, now),
            IntentKind::LearnBaseline(roi) => {
                let asset = self.regions.iter().any(|r| r.id == roi && r.role == Role::Asset);
                if asset {
                    let text = format!("{roi}: what was usual is forgotten; learning it anew");
                    let kind = EventKind::BaselineBegun { roi, who };
                    self.emit_durably(kind, reply.map(|r| (r, text)), now);
                } else {
                    answer(reply, Err(format!("there is no asset region {roi}")));
                }
            }
            IntentKind::Compensate { camera, which, on } => {
                if self.config.cameras.iter().any(|c| c.id == camera) {
                    let text = format!("{camera}: {} compensation {}", which.word(), if on { "on" } else { "off" });
                    let kind = EventKind::Compensation { camera, which, on, who };
                    self.emit_durably(kind, reply.map(|r| (r, text)), now);
                } else {
                    answer(reply, Err(format!("there is no camera {camera}")));
                }
            }
            IntentKind::History(ask) => {
                (self.out.requests)(Request::History(ask));
                answer(reply, Ok(String::new()));
            }
            IntentKind::Log(query) => {
                (self.out.requests)(Request::Log(query));
                answer(reply, Ok(String::new()));
            }
            IntentKind::Mail(mail) => {
                (self.out.requests)(Request::Mail(mail));
                answer(reply, Ok("the letter is on its way".into()));
            }
            IntentKind::Bookmark { source, line, note } => {
                let said = if note.is_empty() { String::new() } else { format!("{note}: ") };
                let text = format!("log line kept by {who}: {said}{line} ({source})");
                self.emit_durably(
                    EventKind::Note { text: text.into() },
                    reply.map(|r| (r, "kept in the shift log".into())),
                    now,
                );
            }
            IntentKind::RecordCare(record) => {
                self.shown.database.last = Some(Arc::clone(&record));
                let kind = EventKind::DatabaseCare { record };
                self.emit_durably(kind, reply.map(|r| (r, "recorded".into())), now);
            }
            IntentKind::Database(wish) => self.database_wish(wish, who, reply),
            IntentKind::DemoFault { fault, on } => {
                if self.shown.demo.iter().any(|f| f.id == fault) {
                    (self.out.requests)(Request::Fault { fault: Arc::clone(&fault), on });
                    answer(reply, Ok(format!("{fault} {}", if on { "on" } else { "off" })));
                } else {
                    let known: Vec<&str> = self.shown.demo.iter().map(|f| f.id.as_ref()).collect();
                    let text = if known.is_empty() {
                        "this is no demonstration".into()
                    } else {
                        format!("there are {}", known.join(", "))
                    };
                    answer(reply, Err(format!("no fault {fault}; {text}")));
                }
            }
            IntentKind::TerminalLost { reason } => {
                warn!(%reason, "the console's terminal is gone; the engine goes on without it");
                self.emit(EventKind::TerminalLost { reason }, now);
                (self.out.requests)(Request::Watch(None));
            }
            IntentKind::Shutdown => {
                info!(%who, "asked to stop");
                answer(reply, Ok("stopping".into()));
                (self.out.requests)(Request::Shutdown);
            }
        }
    }

    /// Something was looked up: for the engine's own forecasts, or for whoever asked, who waits at the screen.
    fn looked_up(&mut self, found: LookedUp) {
        if found.asker == Asker::Forecast {
            self.health.looked_up(&found);
        } else {
            self.shown.history = history::with_answer(&self.shown.history, found);
            self.publish(self.clock.now());
        }
    }

    fn carry_out(
        &mut self,
        request: Option<Request>,
        text: &str,
        id: &dyn std::fmt::Display,
        who: &Arc<str>,
        reply: Option<SyncSender<Reply>>,
        now: Now,
    ) {
        let Some(request) = request else { return answer(reply, Err(format!("there is no {id}"))) };
        (self.out.requests)(request);
        self.emit(EventKind::Note { text: format!("{text}, asked for by {who}").into() }, now);
        answer(reply, Ok(text.to_owned()));
    }

    fn emit_all(&mut self, kinds: Vec<EventKind>, reply: Option<SyncSender<Reply>>, text: &str, now: Now) {
        let last = kinds.len().saturating_sub(1);
        let mut reply = reply.map(|r| (r, text.to_owned()));
        for (i, kind) in kinds.into_iter().enumerate() {
            let reply = if i == last { reply.take() } else { None };
            if !self.emit_durably(kind, reply, now) {
                return;
            }
        }
    }

    fn acknowledge(
        &mut self,
        alarms: &[AlarmId],
        who: &Arc<str>,
        why: Option<&Arc<str>>,
        reply: Option<SyncSender<Reply>>,
        now: Now,
    ) {
        let known = self.fold.alarms();
        let find = |id: &AlarmId| known.iter().find(|a| &a.id == id);
        if let [one] = alarms {
            match find(one) {
                None => return answer(reply, Err(format!("no alarm {one} is active; see vms alarms list"))),
                Some(a) if !a.state.unacknowledged() => {
                    return answer(reply, Ok(format!("{one} is acknowledged already")));
                }
                Some(_) => {}
            }
        }
        let open: Vec<&AlarmId> = alarms.iter().filter(|id| !self.pending.acknowledging(id)).collect();
        if open.is_empty() {
            return answer(reply, Ok("nothing to acknowledge".into()));
        }
        let kinds: Vec<EventKind> = open
            .iter()
            .map(|id| EventKind::AlarmAcknowledged { alarm: (*id).clone(), who: Arc::clone(who), why: why.cloned() })
            .collect();
        let text = match open.as_slice() {
            [one] => format!("{one} acknowledged"),
            many => format!("{} alarms acknowledged", many.len()),
        };
        self.emit_all(kinds, reply, &text, now);
    }

    /// What the PLCs are to show. Alarm coils go out at once; levels only when `levels` says so, to keep the line calm.
    fn demand(&mut self, levels: bool, now: Now) {
        for (p, plc) in self.config.plcs.iter().enumerate() {
            let Some(tx) = self.out.demands.get(p) else { continue };
            let before = Arc::clone(&tx.borrow());
            let wanted: Arc<[Option<Demand>]> = plc
                .tags
                .iter()
                .zip(before.iter())
                .map(|(tag, before)| match tag.source.as_ref()? {
                    Source::Level(..) if !levels && before.is_some() => *before,
                    source => Some(self.wanted(source, p, now)),
                })
                .collect();
            tx.send_if_modified(|held| {
                let changed = *held != wanted;
                if changed {
                    *held = wanted;
                }
                changed
            });
        }
    }

    fn wanted(&self, source: &Source, plc: usize, now: Now) -> Demand {
        match source {
            Source::Heartbeat => Demand::Heartbeat,
            Source::Alarm(roi) => {
                let region = self.regions.iter().position(|r| &r.id == roi);
                let alarm = region.and_then(|r| self.bank.region_level(r)) == Some(Level::Alarm);
                Demand::Value(u16::from(alarm))
            }
            Source::Level(roi, quantity) => {
                let region = self.regions.iter().find(|r| &r.id == roi);
                let reading = region.and_then(|r| r.fresh(now.mono)).filter(|r| r.grade != Grade::Untrusted);
                let value = reading.and_then(|r| r.value(*quantity));
                Demand::Value(value.map_or(u16::MAX, |v| (v * 100.0).round().clamp(0.0, 65534.0) as u16))
            }
            Source::Health => {
                let cameras =
                    self.facts.cameras.iter().all(|c| c.state.has_frames() || c.state == CameraState::Disabled);
                let line = self.facts.plcs.get(plc).is_some_and(|p| p.state != PlcState::Lost);
                Demand::Value(u16::from(cameras && line && self.facts.journal_fault.is_none()))
            }
        }
    }

    fn each_second(&mut self, now: Now) {
        let mut learned = Vec::new();
        for (i, region) in self.regions.iter_mut().enumerate() {
            learned.extend(region.learn(self.bank.region_level(i), now));
        }
        for kind in learned {
            self.emit(kind, now);
        }
        self.record_second(now);
        self.pending.impatient(now.mono, self.facts.journal_fault.as_deref());
        let indicators = self.shown.indicators(&self.config.resources, &mut self.health, now);
        if let Some(ask) = self.health.ask(&indicators, now) {
            (self.out.requests)(Request::History(ask));
        }
        self.facts.indicators = indicators;
        self.bank.adopt_indicators(&self.facts);
        let dropped = self.intake.dropped();
        if dropped > self.intake_dropped {
            let count = dropped - self.intake_dropped;
            self.intake_dropped = dropped;
            error!(count, "the engine did not keep up: facts were lost");
            self.emit(EventKind::Dropped { what: "facts".into(), count }, now);
        }
        self.make_errands(now);
        self.facts.overdue = upkeep::overdue(&self.out.board.borrow().upkeep);
        self.remind(now);
        self.shown.engine.dropped = vec![("facts".into(), dropped), ("journal writes".into(), self.unwritten)];
        self.shown.engine.dropped.retain(|(_, n)| *n > 0);
        self.shown.each_second(now);
    }

    fn publish(&mut self, now: Now) {
        self.published = now.mono;
        self.eventful = false;
        let mut alarms = self.fold.alarms();
        for a in &mut alarms {
            a.acknowledging = self.pending.acknowledging(&a.id);
            if a.state.active() {
                a.value = self.bank.value(&a.id, &self.facts).or(a.value);
            }
        }
        let mut board = self.shown.board(&self.regions, &self.bank, alarms, now);
        // The desk asks the checks, and they look at the board: two steps.
        board.upkeep = Arc::new(self.desk.board(now, &|check| (self.checks)(check, &board)));
        self.out.board.send_replace(Arc::new(board));
    }
}
