//! The status JSON of the public interface: what `vms status --json` and `vms engine --status-every` print, made from a board.
//!
//! Missing knowledge is `null`, never a zero or an old value passed off as new.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::alarm::{AlarmState, Priority, Topic};
use super::baseline;
use super::board::{Board, IndicatorState};
use super::bus::{PlcBoard, PlcState};
use super::camera::{CameraBoard, CameraState, Picture};
use super::compensation::Compensations;
use super::quantity::Quantity;
use super::upkeep::Due;
use super::vibration::{Alias, Candidate, Grade, Harmonic, Level, Reading, Reason, RoiBoard, Role};

/// The whole status.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// When the board was put together.
    pub time: Timestamp,
    /// Name of the site.
    pub site: Arc<str>,
    /// Name of this node.
    pub node: Arc<str>,
    /// The site's time zone (IANA); every time in this object is UTC.
    pub time_zone: Option<String>,
    /// The engine.
    pub engine: Engine,
    /// Cameras, in the configuration's order.
    pub cameras: Vec<Camera>,
    /// PLCs, in the configuration's order.
    pub plcs: Vec<Plc>,
    /// Health indicators.
    pub resources: Resources,
    /// The link to PostgreSQL.
    pub historian: Historian,
    /// The local journal.
    pub journal: Journal,
    /// Alarms that are not normal.
    pub alarms: Vec<Alarm>,
    /// Maintenance.
    pub maintenance: Maintenance,
    /// Whether everything expected came up after the start.
    pub start: Start,
    /// The sending of mail.
    pub mail: Mail,
    /// Recordings; not known before there is a recorder.
    pub recordings: Recordings,
}

/// `engine`
#[derive(Clone, Debug, Serialize)]
pub struct Engine {
    /// Version of the program.
    pub version: Arc<str>,
    /// Process id.
    pub pid: u32,
    /// When it started.
    pub started: Timestamp,
    /// `starting`, `running`, `stopping`.
    pub state: &'static str,
    /// What was lost because a queue was full: name to number.
    pub dropped: BTreeMap<Arc<str>, u64>,
}

/// `cameras`
#[derive(Clone, Debug, Serialize)]
pub struct Camera {
    /// Id.
    pub id: Arc<str>,
    /// Name for people.
    pub name: Arc<str>,
    /// State.
    pub state: CameraState,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why it is not live.
    pub text: Option<Arc<str>>,
    /// Codec.
    pub codec: Option<Arc<str>>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Frames a second.
    pub fps: Option<f64>,
    /// As configured.
    pub expected_fps: Option<f64>,
    /// Latency, median, ms.
    pub latency_ms_p50: Option<f64>,
    /// Latency, 99th percentile, ms.
    pub latency_ms_p99: Option<f64>,
    /// Jitter, ms.
    pub jitter_ms: Option<f64>,
    /// Frames missing in the stream.
    pub lost_frames: Option<u64>,
    /// Bit rate.
    pub bitrate_kbps: Option<f64>,
    /// How often the stream was opened again.
    pub reconnects: Option<u64>,
    /// When the newest frame came.
    pub last_frame: Option<Timestamp>,
    /// What the picture looks like.
    pub picture: Picture,
    /// Sharpness, dimensionless.
    pub sharpness: Option<f64>,
    /// Samples dropped.
    pub dropped: Option<u64>,
    /// Which compensations are on.
    pub compensations: Compensations,
    /// Regions.
    pub rois: Vec<Roi>,
}

/// `cameras[].rois[].alias`
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// Whether the evidence is that the tone is not what it looks like.
    pub suspected: bool,
    /// What it may be, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// Why, in words.
    pub evidence: String,
}

impl From<&Alias> for Told {
    fn from(a: &Alias) -> Self {
        let of =
            |c: &Candidate| Candidate { hz: six(c.hz).unwrap_or_default(), weight: six(c.weight).unwrap_or_default() };
        Self { suspected: a.suspected, candidates: a.candidates.iter().map(of).collect(), evidence: a.words() }
    }
}

/// Harmonics with as many digits as mean something.
#[must_use]
pub fn harmonics(all: &[Harmonic]) -> Vec<Harmonic> {
    let of = |v: f64| six(v).unwrap_or_default();
    let one = |h: &Harmonic| Harmonic {
        order: h.order,
        hz: of(h.hz),
        seen_hz: of(h.seen_hz),
        amplitude_px: of(h.amplitude_px),
        sigma_px: of(h.sigma_px),
    };
    all.iter().map(one).collect()
}

/// `cameras[].rois`
#[derive(Clone, Debug, Serialize)]
pub struct Roi {
    /// Id.
    pub id: Arc<str>,
    /// Role.
    pub role: Role,
    /// Newest displacement, px.
    pub dx_px: Option<f64>,
    /// Newest displacement, px.
    pub dy_px: Option<f64>,
    /// Peak to peak, px.
    pub displacement_pp_px: Option<f64>,
    /// RMS, px.
    pub displacement_rms_px: Option<f64>,
    /// Peak to peak, mm.
    pub displacement_pp_mm: Option<f64>,
    /// RMS, mm.
    pub displacement_rms_mm: Option<f64>,
    /// Velocity RMS, mm/s.
    pub velocity_rms_mm_s: Option<f64>,
    /// Frequency of the strongest tone.
    pub peak_hz: Option<f64>,
    /// One-sigma uncertainty of it.
    pub peak_hz_uncertainty: Option<f64>,
    /// Its amplitude, px.
    pub peak_amplitude_px: Option<f64>,
    /// Direction of its motion, degrees from +x towards +y.
    pub peak_angle_deg: Option<f64>,
    /// One-sigma uncertainty of a displacement, px.
    pub uncertainty_px: Option<f64>,
    /// The grade's word.
    pub quality: &'static str,
    /// Why it is not better.
    pub reasons: Vec<Reason>,
    /// Whether the frequency may be an alias.
    pub aliased: Option<bool>,
    /// Where the tone stands in the spectrum, Hz, when it was folded there from above half the frame rate.
    pub folded_hz: Option<f64>,
    /// What the tone may really be; null without evidence.
    pub alias: Option<Told>,
    /// Multiples of the tone's frequency that stand out.
    pub harmonics: Vec<Harmonic>,
    /// RMS of the region's own turn over the window, rad.
    pub turn_rad_rms: Option<f64>,
    /// Share of the region that is left out of the fit: covered, or moving otherwise.
    pub left_out: Option<f64>,
    /// The smallest amplitude of a tone that would be seen now, px.
    pub smallest_amplitude_px: Option<f64>,
    /// The velocity of such a tone at the machine's own frequency, or else at that of the main tone, RMS, mm/s.
    pub smallest_velocity_mm_s: Option<f64>,
    /// What is usual while the machine is in its present state; null while that is not learned.
    pub baseline: Option<Usual>,
    /// How much of that is learned, 0 to 1; null where it is known, or nothing tells whether the machine runs.
    pub baseline_learned: Option<f32>,
    /// How far the reading is from what is usual, per quantity, in spreads; negative below.
    pub deviation: BTreeMap<Quantity, Option<f64>>,
    /// The camera's shake at the region over the window, RMS, px, taken off or not.
    pub shake_rms_px: Option<f64>,
    /// How far the drift reaches over the window, peak to peak, px, taken off or not.
    pub drift_px: Option<f64>,
    /// The level's word.
    pub state: Level,
    /// Whether the machine runs.
    pub running: Option<bool>,
    /// What is wrong with the region itself.
    pub fault: Option<Arc<str>>,
}

/// `cameras[].rois[].baseline`
#[derive(Clone, Debug, Serialize)]
pub struct Usual {
    /// When it was complete.
    pub learned: Timestamp,
    /// From how many readings.
    pub readings: u32,
    /// Median and spread per quantity.
    pub quantities: BTreeMap<Quantity, baseline::Usual>,
}

/// `plcs`
#[derive(Clone, Debug, Serialize)]
pub struct Plc {
    /// Id.
    pub id: Arc<str>,
    /// State.
    pub state: PlcState,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why it is not live.
    pub text: Option<Arc<str>>,
    /// Requests sent.
    pub polls: Option<u64>,
    /// Requests that failed.
    pub errors: Option<u64>,
    /// Of these without answer.
    pub timeouts: Option<u64>,
    /// Of these with a wrong checksum.
    pub crc_errors: Option<u64>,
    /// Of these answered by an exception.
    pub exceptions: Option<u64>,
    /// How often the port was opened again.
    pub reopens: Option<u64>,
    /// Response time, median, ms.
    pub response_ms_p50: Option<f64>,
    /// Response time, 99th percentile, ms.
    pub response_ms_p99: Option<f64>,
    /// When it last answered well.
    pub last_answer: Option<Timestamp>,
    /// Tag to value.
    pub tags: BTreeMap<Arc<str>, Option<u16>>,
}

/// `resources`
#[derive(Clone, Debug, Serialize)]
pub struct Resources {
    /// Use of all processors.
    pub cpu_percent: Option<f64>,
    /// Use of memory.
    pub memory_percent: Option<f64>,
    /// Disks.
    pub disks: Vec<Disk>,
    /// Errors a minute over all logs.
    pub log_errors_per_min: Option<f64>,
    /// This program's use of processors in percent of one.
    pub process_cpu_percent: Option<f64>,
    /// This program's memory.
    pub process_rss_bytes: Option<u64>,
    /// Every indicator against its limit.
    pub indicators: Vec<Indicator>,
}

/// `resources.disks`
#[derive(Clone, Debug, Serialize)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: Arc<str>,
    /// Free share.
    pub free_percent: Option<f64>,
    /// Free bytes.
    pub free_bytes: u64,
}

/// `resources.indicators`
#[derive(Clone, Debug, Serialize)]
pub struct Indicator {
    /// Id.
    pub id: Arc<str>,
    /// Value.
    pub value: Option<f64>,
    /// Unit.
    pub unit: &'static str,
    /// Limit.
    pub limit: Option<f64>,
    /// `normal`, `exceeded`, `unknown`.
    pub state: &'static str,
}

/// `historian`
#[derive(Clone, Debug, Serialize)]
pub struct Historian {
    /// `off`, `connecting`, `live`, `lost`.
    pub state: &'static str,
    /// Facts that wait for the database; not known before there is a forwarder.
    pub queued: Option<u64>,
    /// Time of a small query, ms.
    pub response_ms: Option<f64>,
    /// Size of the database.
    pub size_bytes: Option<u64>,
    /// Why it is not live.
    pub text: Option<Arc<str>>,
}

/// `journal`
#[derive(Clone, Debug, Serialize)]
pub struct Journal {
    /// Events written.
    pub events: u64,
    /// When the newest happened.
    pub last_event: Option<Timestamp>,
    /// Number of the newest that is synced to the disk.
    pub durable_seq: u64,
    /// Events that wait for the disk.
    pub waiting: u64,
    /// Events dropped.
    pub dropped: u64,
    /// Size of the file.
    pub size_bytes: Option<u64>,
    /// What is wrong with it.
    pub fault: Option<Arc<str>>,
}

/// `alarms`
#[derive(Clone, Debug, Serialize)]
pub struct Alarm {
    /// Id.
    pub id: Arc<str>,
    /// What it is about.
    pub source: Arc<str>,
    /// What kind of thing.
    pub topic: Topic,
    /// Priority.
    pub priority: Priority,
    /// State.
    pub state: AlarmState,
    /// Since when.
    pub since: Timestamp,
    /// When the condition went.
    pub returned: Option<Timestamp>,
    /// Value.
    pub value: Option<f64>,
    /// Limit.
    pub limit: Option<f64>,
    /// Unit of both.
    pub unit: Arc<str>,
    /// In words.
    pub text: Arc<str>,
    /// What to do.
    pub advice: Arc<str>,
    /// Who acknowledged it.
    pub acknowledged_by: Option<Arc<str>>,
}

/// `maintenance`
#[derive(Clone, Debug, Serialize)]
pub struct Maintenance {
    /// Tasks that are due.
    pub due: usize,
    /// Tasks that are overdue.
    pub overdue: usize,
}

/// `recordings`
#[derive(Clone, Debug, Serialize)]
pub struct Recordings {
    /// Number of files.
    pub files: Option<u64>,
    /// Their size.
    pub bytes: Option<u64>,
}

/// The program's start.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    /// `unexpected` (nothing is expected yet), `waiting`, `complete`, `incomplete`.
    pub state: &'static str,
    /// How many things are expected.
    pub expected: usize,
    /// What is missing, each in words.
    pub missing: Vec<Arc<str>>,
    /// When that was decided.
    pub decided: Option<Timestamp>,
    /// How the run before ended, in words.
    pub last_end: Option<Arc<str>>,
    /// A restart of the computer that is planned.
    pub restart: Option<Restart>,
}

/// A restart of the computer that is planned.
#[derive(Clone, Debug, Serialize)]
pub struct Restart {
    /// When.
    pub at: Timestamp,
    /// Who asked for it.
    pub who: Arc<str>,
    /// Why it waits, once its time has come.
    pub held: Option<Arc<str>>,
}

/// The sending of mail.
#[derive(Clone, Debug, Serialize)]
pub struct Mail {
    /// Whether mail is configured.
    pub on: bool,
    /// Letters that wait.
    pub waiting: usize,
    /// Sent since the start.
    pub sent: u64,
    /// Given up since the start.
    pub dropped: u64,
    /// Why the last try failed.
    pub fault: Option<Arc<str>>,
    /// When a letter was taken by the server last.
    pub last_sent: Option<Timestamp>,
}

/// The status of a board.
#[must_use]
pub fn status(board: &Board) -> Status {
    Status {
        time: ms(board.at.wall),
        site: board.site.clone(),
        node: board.node.clone(),
        time_zone: board.time_zone.iana_name().map(str::to_owned),
        engine: engine(board),
        cameras: board.cameras.iter().map(|c| camera(c)).collect(),
        plcs: board.plcs.iter().map(|p| plc(p)).collect(),
        resources: resources(board),
        historian: historian(board),
        journal: journal(board),
        alarms: board.alarms.iter().map(alarm).collect(),
        maintenance: Maintenance { due: board.upkeep.count(Due::Due), overdue: board.upkeep.count(Due::Overdue) },
        start: start(board),
        mail: mail(board),
        recordings: Recordings { files: None, bytes: None },
    }
}

fn start(board: &Board) -> Start {
    let s = &board.start;
    Start {
        state: s.state.word(),
        expected: s.expected,
        missing: s.missing.clone(),
        decided: s.decided.map(ms),
        last_end: s.last_end.clone(),
        restart: s.restart.as_ref().map(|r| Restart { at: ms(r.at), who: r.who.clone(), held: r.held.clone() }),
    }
}

fn mail(board: &Board) -> Mail {
    let m = &board.mail;
    Mail {
        on: m.on,
        waiting: m.waiting,
        sent: m.sent,
        dropped: m.dropped,
        fault: m.fault.clone(),
        last_sent: m.last_sent.map(|n| ms(n.wall)),
    }
}

/// A time to the millisecond: nobody reads further, and many parsers stop at six digits.
fn ms(at: Timestamp) -> Timestamp {
    at.round(Unit::Millisecond).unwrap_or(at)
}

/// Rounded to six significant digits; none for what is not finite.
fn six(v: f64) -> Option<f64> {
    if !v.is_finite() {
        return None;
    }
    if v == 0.0 {
        return Some(0.0);
    }
    let digits = 5 - v.abs().log10().floor() as i32;
    // Beyond fifteen places the value is noise, and the power of ten would lose digits of its own.
    let scale = 10_f64.powi(digits.clamp(-15, 15));
    Some((v * scale).round() / scale)
}

fn six_of(v: Option<f64>) -> Option<f64> {
    v.and_then(six)
}

fn engine(board: &Board) -> Engine {
    let e = &board.engine;
    Engine {
        version: e.version.clone(),
        pid: e.pid,
        started: ms(e.started.wall),
        state: e.state.word(),
        dropped: e.dropped.iter().cloned().collect(),
    }
}

fn camera(c: &CameraBoard) -> Camera {
    let r = c.report.as_deref();
    // Rates and latency describe a stream; without frames the newest ones are old.
    let live = r.filter(|r| r.state.has_frames());
    Camera {
        id: c.id.0.clone(),
        name: c.name.clone(),
        state: c.state(),
        since: r.map(|r| ms(r.since.wall)),
        text: r.and_then(|r| r.text.clone()),
        codec: r.and_then(|r| r.codec.clone()),
        width: r.and_then(|r| r.size).map(|s| s.0),
        height: r.and_then(|r| r.size).map(|s| s.1),
        fps: six_of(live.and_then(|r| r.fps)),
        expected_fps: six_of(c.expected_fps),
        latency_ms_p50: six_of(live.and_then(|r| r.latency_ms_p50)),
        latency_ms_p99: six_of(live.and_then(|r| r.latency_ms_p99)),
        jitter_ms: six_of(live.and_then(|r| r.jitter_ms)),
        lost_frames: r.map(|r| r.lost_frames),
        bitrate_kbps: six_of(live.and_then(|r| r.bitrate_kbps)),
        reconnects: r.map(|r| r.reconnects),
        last_frame: r.and_then(|r| r.last_frame).map(|n| ms(n.wall)),
        picture: live.map_or(Picture::Unknown, |r| r.picture),
        sharpness: six_of(live.and_then(|r| r.sharpness)),
        dropped: r.map(|r| r.dropped_samples),
        compensations: c.compensations,
        rois: c.rois.iter().map(|roi| region(roi, c.state(), c.scale_mm_per_px)).collect(),
    }
}

fn region(roi: &RoiBoard, camera: CameraState, scale_mm_per_px: Option<f64>) -> Roi {
    // A reading of a camera without frames is old; it is not shown as new.
    let reading: Option<&Reading> = roi.reading.as_deref().filter(|_| camera.has_frames());
    let trusted = reading.filter(|r| r.grade != Grade::Untrusted);
    let tone = trusted.and_then(|r| r.tone);
    let of = |f: fn(&Reading) -> f64| six_of(trusted.map(f));
    Roi {
        id: roi.id.0.clone(),
        role: roi.role,
        dx_px: of(|r| r.dx_px),
        dy_px: of(|r| r.dy_px),
        displacement_pp_px: of(|r| r.displacement_pp_px),
        displacement_rms_px: of(|r| r.displacement_rms_px),
        displacement_pp_mm: six_of(trusted.and_then(|r| r.displacement_pp_mm)),
        displacement_rms_mm: six_of(trusted.and_then(|r| r.displacement_rms_mm)),
        velocity_rms_mm_s: six_of(trusted.and_then(|r| r.velocity_rms_mm_s)),
        peak_hz: six_of(tone.map(|t| t.hz)),
        peak_hz_uncertainty: six_of(tone.map(|t| t.sigma_hz)),
        peak_amplitude_px: six_of(tone.map(|t| t.major_px)),
        peak_angle_deg: six_of(tone.map(|t| t.angle_deg)),
        uncertainty_px: six_of(reading.map(|r| r.uncertainty_px)),
        quality: reading.map_or(Grade::Untrusted, |r| r.grade).word(),
        reasons: reading.map(|r| r.reasons.clone()).unwrap_or_default(),
        aliased: trusted.and_then(|r| r.aliased),
        folded_hz: six_of(trusted.and_then(|r| r.folded_hz)),
        alias: trusted.and_then(|r| r.alias.as_deref()).map(Told::from),
        harmonics: trusted.map(|r| harmonics(&r.harmonics)).unwrap_or_default(),
        turn_rad_rms: six_of(trusted.and_then(|r| r.turn_rms_rad)),
        left_out: six_of(reading.map(|r| r.left_out)),
        smallest_amplitude_px: six_of(reading.map(|r| r.smallest_px)),
        smallest_velocity_mm_s: six_of(reading.and_then(|r| r.smallest_velocity_mm_s(roi.nominal_hz, scale_mm_per_px))),
        baseline: roi.baseline.as_deref().map(|b| usual(b, scale_mm_per_px)),
        baseline_learned: roi.learning,
        deviation: trusted.and_then(|r| r.deviation).map(deviations).unwrap_or_default(),
        shake_rms_px: six_of(trusted.and_then(|r| r.taken.shake_rms_px)),
        drift_px: six_of(trusted.map(|r| r.taken.drift_px)),
        state: roi.level,
        running: roi.running,
        fault: roi.fault.clone(),
    }
}

fn usual(b: &baseline::Baseline, scale_mm_per_px: Option<f64>) -> Usual {
    let of = |u: baseline::Usual| baseline::Usual {
        median: six(u.median).unwrap_or_default(),
        spread: six(u.spread).unwrap_or_default(),
    };
    Usual {
        learned: ms(b.learned),
        readings: b.readings,
        quantities: b.quantities.keys().filter_map(|q| Some((*q, of(b.usual(*q, scale_mm_per_px)?)))).collect(),
    }
}

fn deviations(d: baseline::Deviation) -> BTreeMap<Quantity, Option<f64>> {
    let of = |q: Quantity| match q {
        Quantity::SpectrumDeviation => d.band.map(|b| b.spreads),
        q => d.of(q),
    };
    Quantity::ALL.into_iter().filter_map(|q| Some((q, six_of(Some(of(q)?))))).collect()
}

fn plc(p: &PlcBoard) -> Plc {
    let r = p.report.as_deref();
    Plc {
        id: p.id.0.clone(),
        state: p.state(),
        since: r.map(|r| ms(r.since.wall)),
        text: r.and_then(|r| r.text.clone()),
        polls: r.map(|r| r.polls),
        errors: r.map(|r| r.errors),
        timeouts: r.map(|r| r.timeouts),
        crc_errors: r.map(|r| r.crc_errors),
        exceptions: r.map(|r| r.exceptions),
        reopens: r.map(|r| r.reopens),
        response_ms_p50: six_of(r.and_then(|r| r.response_ms_p50)),
        response_ms_p99: six_of(r.and_then(|r| r.response_ms_p99)),
        last_answer: r.and_then(|r| r.last_answer).map(|n| ms(n.wall)),
        tags: r.map(|r| r.tags.iter().map(|t| (t.id.0.clone(), t.value)).collect()).unwrap_or_default(),
    }
}

fn resources(board: &Board) -> Resources {
    let h = board.host.as_deref();
    let disk = |d: &super::host::Disk| Disk {
        mount: d.mount.clone(),
        free_percent: six_of(d.free_percent()),
        free_bytes: d.free_bytes,
    };
    Resources {
        cpu_percent: six_of(h.and_then(|h| h.cpu_percent)),
        memory_percent: six_of(h.and_then(|h| h.memory_percent)),
        disks: h.map(|h| h.disks.iter().map(disk).collect()).unwrap_or_default(),
        log_errors_per_min: six_of(board.logs.as_ref().map(|l| l.errors_per_min())),
        process_cpu_percent: six_of(h.and_then(|h| h.process_cpu_percent)),
        process_rss_bytes: h.and_then(|h| h.process_rss_bytes),
        indicators: board.indicators.iter().map(indicator).collect(),
    }
}

fn indicator(i: &super::board::Indicator) -> Indicator {
    Indicator {
        id: i.id.clone(),
        value: six_of(i.value),
        unit: i.unit,
        limit: six_of(i.limit),
        state: match i.state {
            IndicatorState::Normal => "normal",
            IndicatorState::Exceeded => "exceeded",
            IndicatorState::Unknown => "unknown",
        },
    }
}

fn historian(board: &Board) -> Historian {
    let h = &board.historian;
    Historian {
        state: h.state.word(),
        queued: board.forward.queued,
        response_ms: six_of(h.response_ms),
        size_bytes: h.size_bytes,
        text: h.text.clone().or_else(|| board.forward.fault.clone()),
    }
}

fn journal(board: &Board) -> Journal {
    let j = &board.journal;
    Journal {
        events: j.events,
        last_event: j.last_event.map(ms),
        durable_seq: j.durable_seq,
        waiting: j.waiting,
        dropped: j.dropped,
        size_bytes: j.size_bytes,
        fault: j.fault.clone(),
    }
}

fn alarm(a: &super::alarm::Alarm) -> Alarm {
    Alarm {
        id: a.id.0.clone(),
        source: a.source.clone(),
        topic: a.topic,
        priority: a.priority,
        state: a.state,
        since: ms(a.since),
        returned: a.returned.map(ms),
        value: six_of(a.value),
        limit: six_of(a.limit),
        unit: a.unit.clone(),
        text: a.text.clone(),
        advice: a.advice.clone(),
        acknowledged_by: a.acknowledged_by.clone(),
    }
}

#[cfg(test)]
mod tests;
