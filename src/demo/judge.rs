//! Compares what the engine says with what is true, and tells the verdict.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::plant::{Plant, Truth};
use super::plc::PlcSnapshot;
use super::site::{ASSETS, HEARTBEAT_REGISTER};
use crate::base::clock::Mono;
use crate::base::text::sig3;
use crate::model::alarm::Topic;
use crate::model::board::Board;
use crate::model::camera::CameraState;
use crate::model::event::EventKind;
use crate::model::vibration::{Grade, Level, Reading};

/// Length of the engine's analysis window; a reading is compared only if the motion was steady over all of it.
pub const WINDOW: Duration = Duration::from_secs(8);
/// Room for the latency of the stream before the window.
const GUARD: Duration = Duration::from_millis(500);
/// Largest error at the median comparison, in stated standard uncertainties.
const MOST_SIGMAS: f64 = 2.5;
/// Frequencies this close agree whatever uncertainty is stated, in Hz.
const SAME_HZ: f64 = 0.01;
/// Largest relative error of the velocity at the median comparison: it holds noise and minor axis besides the tone.
const MOST_VELOCITY_ERROR: f64 = 0.10;
/// How long a level must have stood before its coil is expected to show it: some polls and the board's own age.
const SETTLED: Duration = Duration::from_secs(3);
/// A run of at least this length must show an alarm that came and went.
const ALARM_RUN: Duration = Duration::from_secs(25);

/// What the judge asks of the plant.
pub trait Known {
    /// What is true of a region over an interval.
    fn truth(&self, roi: &str, from: Mono, to: Mono) -> Option<Truth>;
    /// The virtual PLC's memory.
    fn plc(&self) -> PlcSnapshot;
    /// How the private PostgreSQL is.
    fn postgres_text(&self) -> String;
}

impl Known for Plant {
    fn truth(&self, roi: &str, from: Mono, to: Mono) -> Option<Truth> {
        Self::truth(self, roi, from, to)
    }
    fn plc(&self) -> PlcSnapshot {
        Self::plc(self)
    }
    fn postgres_text(&self) -> String {
        Self::postgres_text(self)
    }
}

/// One reading beside the truth.
#[derive(Clone, Copy, Debug)]
struct Comparison {
    major_px: f64,
    sigma_px: f64,
    hz: f64,
    sigma_hz: f64,
    velocity: Option<f64>,
    truth: Truth,
}

impl Comparison {
    fn sigmas(&self) -> f64 {
        (self.major_px - self.truth.major_px) / self.sigma_px.max(1e-6)
    }

    fn velocity_error(&self) -> Option<f64> {
        Some(self.velocity? / self.truth.velocity_rms_mm_s - 1.0)
    }
}

#[derive(Debug, Default)]
struct Region {
    comparisons: Vec<Comparison>,
    last_at: Option<Mono>,
    why_not: String,
    level: Option<(Level, Mono)>,
    coil: Option<(bool, Mono)>,
    coil_agrees: usize,
    coil_differs: usize,
    coil_was_on: bool,
}

/// Collects comparisons while a demonstration runs.
#[derive(Debug, Default)]
pub struct Judge {
    regions: BTreeMap<&'static str, Region>,
    first: Option<Mono>,
    last: Option<Mono>,
    last_seq: u64,
    raised: BTreeMap<String, usize>,
    returned: BTreeMap<String, usize>,
    heartbeat: Option<u16>,
    beats: usize,
    events: u64,
    dropped: u64,
    journal_fault: Option<String>,
    cameras: Vec<(String, CameraState, Option<f64>, u64)>,
    database: String,
    answered: u64,
    wiring: Vec<String>,
}

/// The median of the absolute values; none without values.
fn median_abs(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut v: Vec<f64> = values.map(f64::abs).collect();
    v.sort_by(f64::total_cmp);
    v.get(v.len() / 2).copied()
}

/// Remembers since when a value stands; true once it has stood long enough.
fn stands<T: PartialEq>(held: &mut Option<(T, Mono)>, value: T, now: Mono) -> bool {
    match held {
        Some((v, since)) if *v == value => now.since(*since) >= SETTLED,
        _ => {
            *held = Some((value, now));
            false
        }
    }
}

impl Judge {
    /// Nothing compared yet.
    #[must_use]
    pub fn new() -> Self {
        Self { regions: ASSETS.iter().map(|a| (a.id, Region::default())).collect(), ..Self::default() }
    }

    /// Looks at the board and the plant; to be called several times a second.
    pub fn look(&mut self, board: &Board, plant: &impl Known) {
        let now = board.at.mono;
        self.first.get_or_insert(now);
        self.last = Some(now);
        let plc = plant.plc();
        for asset in &ASSETS {
            let region = self.regions.entry(asset.id).or_default();
            let found = board.cameras.iter().flat_map(|c| &c.rois).find(|r| r.id.as_str() == asset.id);
            let Some(roi) = found else {
                region.why_not = "the region is not on the board".into();
                continue;
            };
            match &roi.reading {
                Some(reading) => region.compare(asset.id, reading, plant),
                None => region.why_not = "there was no reading".into(),
            }
            region.check_coil(roi.level, plc.coil(asset.alarm_coil), now);
        }
        self.follow_events(board);
        let beat = plc.register(HEARTBEAT_REGISTER);
        if self.heartbeat.is_some_and(|b| b != beat) {
            self.beats += 1;
        }
        self.heartbeat = Some(beat);
        self.answered = plc.answered;
        self.remember(board, plant);
    }

    fn follow_events(&mut self, board: &Board) {
        for event in board.events.iter().filter(|e| e.seq > self.last_seq) {
            match &event.kind {
                EventKind::AlarmRaised { alarm, topic: Topic::Vibration, .. } => {
                    *self.raised.entry(alarm.to_string()).or_default() += 1;
                }
                EventKind::AlarmReturned { alarm, .. } => {
                    *self.returned.entry(alarm.to_string()).or_default() += 1;
                }
                _ => {}
            }
        }
        self.last_seq = board.events.last().map_or(self.last_seq, |e| e.seq.max(self.last_seq));
    }

    fn remember(&mut self, board: &Board, plant: &impl Known) {
        self.events = board.journal.events;
        self.dropped = board.journal.dropped;
        self.journal_fault = board.journal.fault.as_ref().map(ToString::to_string);
        self.cameras = board
            .cameras
            .iter()
            .map(|c| {
                let report = c.report.as_ref();
                (c.id.to_string(), c.state(), report.and_then(|r| r.fps), report.map_or(0, |r| r.lost_frames))
            })
            .collect();
        self.wiring.clone_from(
            &board
                .plcs
                .iter()
                .filter_map(|p| p.report.as_ref().map(|r| (p, r)))
                .map(|(p, r)| format!("{} {}, {} requests, {} errors", p.id, r.state.word(), r.polls, r.errors))
                .collect(),
        );
        self.database = format!("{}; historian {}", plant.postgres_text(), board.historian.state.word());
    }

    /// The report for people, and whether everything agrees.
    #[must_use]
    pub fn report(&self) -> (String, bool) {
        let mut out = String::new();
        let mut faults: Vec<String> = Vec::new();
        let _ = writeln!(
            out,
            "{:<17} {:>8} {:>7} {:>18} {:>9} {:>7} {:>9} {:>6}  verdict",
            "region", "true px", "true Hz", "measured px", "Hz", "error σ", "velocity", "n"
        );
        for asset in &ASSETS {
            if let Some(region) = self.regions.get(asset.id) {
                let (line, fault) = region.line(asset.id);
                let _ = writeln!(out, "{line}");
                faults.extend(fault.map(|f| format!("{}: {f}", asset.id)));
            }
        }
        let length = self.last.zip(self.first).map_or(Duration::ZERO, |(l, f)| l.since(f));
        self.judge_alarms(&mut out, &mut faults, length);
        self.judge_plc(&mut out, &mut faults);
        self.judge_rest(&mut out, &mut faults);
        if faults.is_empty() {
            out.push_str("everything agrees within the stated uncertainty\n");
        } else {
            for fault in &faults {
                let _ = writeln!(out, "DISAGREES  {fault}");
            }
        }
        (out, faults.is_empty())
    }

    fn judge_alarms(&self, out: &mut String, faults: &mut Vec<String>, length: Duration) {
        let all = |m: &BTreeMap<String, usize>| m.values().sum::<usize>();
        let both: Vec<&str> =
            self.raised.keys().filter(|k| self.returned.contains_key(*k)).map(String::as_str).collect();
        let returned =
            self.returned.iter().filter(|(k, _)| self.raised.contains_key(*k)).map(|(_, n)| n).sum::<usize>();
        let names: Vec<&str> = self.raised.keys().map(String::as_str).collect();
        let names = if names.is_empty() { "none".into() } else { names.join(", ") };
        let _ = writeln!(out, "alarms     {} raised, {returned} returned ({names})", all(&self.raised));
        if length >= ALARM_RUN && both.is_empty() {
            faults.push(format!(
                "no vibration alarm was both raised and returned within {:.0} s, though deck-bearing exceeds its limit at the start",
                length.as_secs_f64()
            ));
        }
    }

    fn judge_plc(&self, out: &mut String, faults: &mut Vec<String>) {
        let sum = |f: fn(&Region) -> usize| self.regions.values().map(f).sum::<usize>();
        let (agrees, differs) = (sum(|r| r.coil_agrees), sum(|r| r.coil_differs));
        let on: Vec<&str> = self.regions.iter().filter(|(_, r)| r.coil_was_on).map(|(id, _)| *id).collect();
        let on = if on.is_empty() { "none".into() } else { on.join(", ") };
        let _ = writeln!(
            out,
            "PLC        coils read back {agrees} times as they should be, {differs} times not; were on: {on}; heartbeat counted {}; {} requests answered",
            self.beats, self.answered
        );
        for line in &self.wiring {
            let _ = writeln!(out, "           {line}");
        }
        for (id, region) in self.regions.iter().filter(|(_, r)| r.coil_differs > 0) {
            faults.push(format!(
                "{id}: the PLC's alarm coil differed from the region's level {} times",
                region.coil_differs
            ));
        }
        if agrees == 0 {
            faults.push("no coil of the PLC could be compared with a region's level".into());
        }
        if self.beats < 2 {
            faults.push(format!("the heartbeat register changed {} times: the PLC is not being written", self.beats));
        }
    }

    fn judge_rest(&self, out: &mut String, faults: &mut Vec<String>) {
        let fault = self.journal_fault.as_deref().unwrap_or("no fault");
        let _ = writeln!(out, "journal    {} events, {} dropped, {fault}", self.events, self.dropped);
        if self.events == 0 || self.dropped > 0 || self.journal_fault.is_some() {
            faults.push(format!("journal: {} events, {} dropped, {fault}", self.events, self.dropped));
        }
        let _ = writeln!(out, "database   {}", self.database);
        let cameras: Vec<String> = self
            .cameras
            .iter()
            .map(|(id, state, fps, lost)| format!("{id} {} {} fps {lost} lost", state.word(), sig3(*fps)))
            .collect();
        let _ = writeln!(out, "cameras    {}", if cameras.is_empty() { "none".into() } else { cameras.join(" · ") });
        for (id, state, ..) in self.cameras.iter().filter(|c| !c.1.has_frames()) {
            faults.push(format!("camera {id} is {} at the end", state.word()));
        }
    }
}

impl Region {
    fn compare(&mut self, id: &str, reading: &Reading, plant: &impl Known) {
        if self.last_at.is_some_and(|at| reading.at <= at) {
            return;
        }
        let window = WINDOW + GUARD;
        let from = Mono(reading.at.0.saturating_sub(u64::try_from(window.as_nanos()).unwrap_or(u64::MAX)));
        let truth = plant.truth(id, from, reading.at).filter(|t| t.steady && t.major_px > 0.0 && from.0 > 0);
        let Some(truth) = truth else {
            if self.why_not.is_empty() {
                self.why_not = "its motion was never steady over a whole analysis window".into();
            }
            return;
        };
        let reasons: Vec<&str> = reading.reasons.iter().map(|r| r.words()).collect();
        if reading.grade == Grade::Untrusted {
            self.why_not = format!("its readings cannot be trusted ({})", reasons.join(", "));
            return;
        }
        let Some(tone) = reading.tone else {
            self.why_not = format!("no tone was found ({})", reasons.join(", "));
            return;
        };
        self.last_at = Some(reading.at);
        self.comparisons.push(Comparison {
            major_px: tone.major_px,
            sigma_px: tone.sigma_px,
            hz: tone.hz,
            sigma_hz: tone.sigma_hz,
            velocity: reading.velocity_rms_mm_s,
            truth,
        });
    }

    /// A coil is 1 while an alarm limit is exceeded. Only what has stood for some seconds is compared.
    fn check_coil(&mut self, level: Level, coil: bool, now: Mono) {
        self.coil_was_on |= coil;
        let (a, b) = (stands(&mut self.level, level, now), stands(&mut self.coil, coil, now));
        // While nothing is known, the coil keeps whatever the last known level asked for.
        if !a || !b || level == Level::Unknown {
            return;
        }
        if coil == (level == Level::Alarm) {
            self.coil_agrees += 1;
        } else {
            self.coil_differs += 1;
        }
    }

    /// The region's line, and what disagrees.
    fn line(&self, id: &str) -> (String, Option<String>) {
        let n = self.comparisons.len();
        let Some(shown) = self.median() else {
            let why = format!("not compared: {}", self.why_not);
            return (
                format!(
                    "{id:<17} {:>8} {:>7} {:>18} {:>9} {:>7} {:>9} {n:>6}  NOT COMPARED",
                    "–", "–", "–", "–", "–", "–"
                ),
                Some(why),
            );
        };
        let fault = self.fault();
        let line = format!(
            "{id:<17} {:>8.3} {:>7.3} {:>9.3} ± {:<6.3} {:>9.3} {:>7.1} {:>9} {n:>6}  {}",
            shown.truth.major_px,
            shown.truth.hz,
            shown.major_px,
            shown.sigma_px,
            shown.hz,
            shown.sigmas(),
            shown.velocity_error().map_or("–".into(), |e| format!("{:+.1} %", e * 100.0)),
            if fault.is_none() { "agrees" } else { "DISAGREES" }
        );
        (line, fault)
    }

    /// The comparison whose error in sigmas is the median one.
    fn median(&self) -> Option<&Comparison> {
        let mut sorted: Vec<&Comparison> = self.comparisons.iter().collect();
        sorted.sort_by(|a, b| a.sigmas().abs().total_cmp(&b.sigmas().abs()));
        sorted.get(sorted.len() / 2).copied()
    }

    fn fault(&self) -> Option<String> {
        let c = &self.comparisons;
        let sigmas = median_abs(c.iter().map(Comparison::sigmas))?;
        if sigmas.is_nan() || sigmas > MOST_SIGMAS {
            return Some(format!(
                "amplitude is {sigmas:.1} stated uncertainties off at the median of {} comparisons",
                c.len()
            ));
        }
        let hz = median_abs(c.iter().map(|c| c.hz - c.truth.hz))?;
        let in_sigmas = median_abs(c.iter().map(|c| (c.hz - c.truth.hz) / c.sigma_hz.max(1e-6)))?;
        if !(hz <= SAME_HZ || in_sigmas <= MOST_SIGMAS) {
            return Some(format!("frequency is {hz:.3} Hz off, {in_sigmas:.1} stated uncertainties"));
        }
        let velocity = median_abs(c.iter().filter_map(Comparison::velocity_error));
        match velocity {
            Some(v) if v.is_nan() || v > MOST_VELOCITY_ERROR => Some(format!("velocity is {:.0} % off", v * 100.0)),
            None => Some("there was no velocity, though the scale is configured".into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
