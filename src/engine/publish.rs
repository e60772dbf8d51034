//! What the board shows besides regions and alarms: kept here between two boards, and put together into one.

use std::sync::Arc;

use super::health::{Health, Sources};
use super::regions::Region;
use super::restore::Past;
use crate::alarm::Bank;
use crate::base::clock::Now;
use crate::base::ring::Ring;
use crate::config::Config;
use crate::config::sections::{Parity, Resources};
use crate::model::alarm::Alarm;
use crate::model::board::{
    Board, DemoFault, EngineBoard, EngineState, ForwardBoard, HistorianBoard, HistorianState, Indicator, JournalBoard,
};
use crate::model::bus::{BusFrame, Direction, PlcBoard, PlcReport};
use crate::model::camera::{CameraBoard, CameraReport, Snapshot};
use crate::model::compensation::Compensations;
use crate::model::database::DatabaseBoard;
use crate::model::event::Event;
use crate::model::fleet::NodeState;
use crate::model::history::Answer;
use crate::model::host::HostReport;
use crate::model::logs::{LogPage, LogReport};
use crate::model::mail::MailBoard;
use crate::model::startup::StartBoard;

/// Frames of traffic kept for the console.
const TRAFFIC: usize = 600;
/// Events kept for the console.
const EVENTS: usize = 500;
/// Response times kept for the console.
const RESPONSES: usize = 120;
/// Sharpness values: one every ten seconds for an hour.
const SHARPNESS: usize = 360;

/// Everything shown that is not a region or an alarm.
pub struct Shown {
    base: Board,
    /// The engine itself.
    pub engine: EngineBoard,
    cameras: Vec<Arc<CameraBoard>>,
    sharpness: Vec<Ring<f32>>,
    plcs: Vec<Arc<PlcBoard>>,
    responses: Vec<Ring<f32>>,
    traffic: Newest<BusFrame>,
    /// The computer.
    pub host: Option<Arc<HostReport>>,
    /// Logs.
    pub logs: Option<Arc<LogReport>>,
    /// PostgreSQL.
    pub historian: HistorianBoard,
    /// Rows on their way there.
    pub forward: ForwardBoard,
    /// The database's health.
    pub database: DatabaseBoard,
    /// The journal.
    pub journal: JournalBoard,
    /// Answers to questions about the past.
    pub history: Arc<[Arc<Answer>]>,
    /// The program's start.
    pub start: Arc<StartBoard>,
    /// Answers to questions about log files.
    pub log_pages: Arc<[Arc<LogPage>]>,
    /// The sending of mail.
    pub mail: Arc<MailBoard>,
    /// The nodes that write to the same database.
    pub fleet: Arc<[NodeState]>,
    events: Newest<Event>,
    indicators: Arc<[Indicator]>,
    /// The picture somebody looks at.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The demonstration's faults.
    pub demo: Arc<[DemoFault]>,
    seconds: u64,
}

/// The newest of something, and what of it is shown: made anew only when something has come.
struct Newest<T> {
    held: Ring<T>,
    shown: Option<Arc<[T]>>,
}

impl<T: Clone> Newest<T> {
    fn new(capacity: usize) -> Self {
        Self { held: Ring::new(capacity), shown: None }
    }

    fn push(&mut self, value: T) {
        self.held.push(value);
        self.shown = None;
    }

    fn shown(&mut self) -> Arc<[T]> {
        Arc::clone(self.shown.get_or_insert_with(|| self.held.iter().cloned().collect()))
    }
}

/// Answers about log files that are held.
const LOG_PAGES: usize = 4;

impl Shown {
    /// Before anything is known but the configuration and the past.
    #[must_use]
    pub fn new(config: &Config, past: &Past, now: Now) -> Self {
        let site = &config.site;
        let base = Board::empty(&site.name, &site.node, site.time_zone.clone(), now);
        let mut events = Newest::new(EVENTS);
        for e in &past.recent {
            events.push(e.clone());
        }
        Self {
            engine: EngineBoard { pid: std::process::id(), state: EngineState::Starting, ..base.engine.clone() },
            cameras: config.cameras.iter().map(|c| Arc::new(camera(c))).collect(),
            sharpness: config.cameras.iter().map(|_| Ring::new(SHARPNESS)).collect(),
            plcs: config.plcs.iter().map(|p| Arc::new(plc(p))).collect(),
            responses: config.plcs.iter().map(|_| Ring::new(RESPONSES)).collect(),
            traffic: Newest::new(TRAFFIC),
            host: None,
            logs: None,
            log_pages: Arc::new([]),
            mail: Arc::default(),
            forward: ForwardBoard::default(),
            historian: HistorianBoard {
                state: if config.historian.is_some() { HistorianState::Connecting } else { HistorianState::Off },
                ..HistorianBoard::default()
            },
            database: DatabaseBoard::default(),
            journal: JournalBoard {
                events: past.events,
                last_event: past.recent.last().map(|e| e.at),
                durable_seq: past.last_seq,
                ..JournalBoard::default()
            },
            history: Arc::new([]),
            start: Arc::default(),
            fleet: Arc::new([]),
            events,
            indicators: Arc::new([]),
            snapshot: None,
            demo: Arc::new([]),
            seconds: 0,
            base,
        }
    }

    /// Takes a camera's report.
    pub fn camera(&mut self, index: usize, report: CameraReport) {
        if let Some(c) = self.cameras.get_mut(index) {
            Arc::make_mut(c).report = Some(Arc::new(report));
        }
    }

    /// A camera's scale has changed.
    pub fn scale(&mut self, index: usize, mm_per_px: f64) {
        if let Some(c) = self.cameras.get_mut(index) {
            Arc::make_mut(c).scale_mm_per_px = Some(mm_per_px);
        }
    }

    /// Whether a camera's measured scale is in the configuration, or why not.
    pub fn scale_kept(&mut self, index: usize, trouble: Option<Arc<str>>) {
        if let Some(c) = self.cameras.get_mut(index) {
            Arc::make_mut(c).scale_unkept = trouble;
        }
    }

    /// What is taken off a camera's measured motion.
    pub fn compensations(&mut self, index: usize) -> Option<&mut Compensations> {
        self.cameras.get_mut(index).map(|c| &mut Arc::make_mut(c).compensations)
    }

    /// Takes a PLC's report.
    pub fn plc(&mut self, index: usize, report: PlcReport) {
        if let Some(p) = self.plcs.get_mut(index) {
            let p = Arc::make_mut(p);
            p.report = Some(Arc::new(report));
            if let Some(r) = self.responses.get(index) {
                p.response_trend = r.to_vec().into();
            }
        }
    }

    /// Takes a frame of traffic.
    pub fn bus(&mut self, frame: BusFrame) {
        if frame.direction == Direction::Answer
            && let Some(r) = self.responses.get_mut(usize::from(frame.plc))
        {
            r.push(frame.response_ms.map_or(f32::NAN, |v| v as f32));
        }
        self.traffic.push(frame);
    }

    /// Takes what was found in a log file; the newest few are held.
    pub fn log_page(&mut self, page: LogPage) {
        let others = self.log_pages.iter().filter(|p| p.query != page.query);
        let mut pages: Vec<Arc<LogPage>> = others.cloned().collect();
        pages.push(Arc::new(page));
        let old = pages.len().saturating_sub(LOG_PAGES);
        self.log_pages = pages.split_off(old).into();
    }

    /// Takes an event.
    pub fn recent(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Once a second: slow trends.
    pub fn each_second(&mut self, _now: Now) {
        self.seconds += 1;
        if self.seconds % 10 != 1 {
            return;
        }
        for (c, ring) in self.cameras.iter_mut().zip(&mut self.sharpness) {
            let value = c.report.as_ref().and_then(|r| r.sharpness);
            ring.push(value.map_or(f32::NAN, |v| v as f32));
            Arc::make_mut(c).sharpness_trend = ring.to_vec().into();
        }
    }

    /// The indicators now.
    pub fn indicators(&mut self, limits: &Resources, health: &mut Health, now: Now) -> Arc<[Indicator]> {
        self.indicators = health.indicators(
            &Sources {
                limits,
                host: self.host.as_deref(),
                cameras: &self.cameras,
                plcs: &self.plcs,
                historian: &self.historian,
                forward: &self.forward,
                database: &self.database,
                journal: &self.journal,
                logs: self.logs.as_deref(),
                mail: &self.mail,
            },
            now,
        );
        Arc::clone(&self.indicators)
    }

    /// A board of now; its maintenance is filled in by the caller.
    #[must_use]
    pub fn board(&mut self, regions: &[Region], bank: &Bank, alarms: Vec<Alarm>, now: Now) -> Board {
        let mut cameras: Vec<CameraBoard> = self.cameras.iter().map(|c| CameraBoard::clone(c)).collect();
        for (i, region) in regions.iter().enumerate() {
            if let Some(c) = cameras.get_mut(region.camera) {
                c.rois.push(Arc::new(region.board(bank.region_level(i), now.mono)));
            }
        }
        Board {
            at: now,
            engine: self.engine.clone(),
            cameras: cameras.into_iter().map(Arc::new).collect(),
            plcs: self.plcs.clone(),
            traffic: self.traffic.shown(),
            host: self.host.clone(),
            indicators: Arc::clone(&self.indicators),
            logs: self.logs.clone(),
            log_pages: Arc::clone(&self.log_pages),
            mail: Arc::clone(&self.mail),
            historian: self.historian.clone(),
            forward: self.forward.clone(),
            database: self.database.clone(),
            journal: self.journal.clone(),
            history: Arc::clone(&self.history),
            start: Arc::clone(&self.start),
            fleet: Arc::clone(&self.fleet),
            alarms: alarms.into(),
            events: self.events.shown(),
            snapshot: self.snapshot.clone(),
            demo: Arc::clone(&self.demo),
            ..self.base.clone()
        }
    }
}

fn camera(c: &crate::config::sections::Camera) -> CameraBoard {
    CameraBoard {
        compensations: c.compensate,
        id: c.id.clone(),
        name: Arc::clone(&c.name),
        url: Arc::clone(&c.url),
        expected_fps: c.expected_fps,
        scale_mm_per_px: c.scale_mm_per_px,
        scale_unkept: None,
        record: c.record,
        report: None,
        rois: Vec::new(),
        sharpness_trend: Arc::new([]),
    }
}

fn plc(p: &crate::config::sections::Plc) -> PlcBoard {
    let line = match p.parity {
        Parity::None => format!("{} 8N2", p.baud_rate),
        Parity::Even => format!("{} 8E1", p.baud_rate),
        Parity::Odd => format!("{} 8O1", p.baud_rate),
    };
    PlcBoard {
        id: p.id.clone(),
        port: Arc::clone(&p.port),
        unit: p.unit,
        line: line.into(),
        report: None,
        response_trend: Arc::new([]),
    }
}
