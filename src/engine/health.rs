//! The health indicators: each value against its threshold, with a day of history and a forecast.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::forecast::Line;

use crate::base::clock::{Mono, Now};
use crate::base::ring::Ring;
use crate::config::sections::Resources;
use crate::model::board::{
    ForwardBoard, Group, HistorianBoard, HistorianState, Indicator, IndicatorState, JournalBoard, Sense,
};
use crate::model::bus::PlcBoard;
use crate::model::camera::{CameraBoard, CameraState};
use crate::model::database::DatabaseBoard;
use crate::model::history::{Answer, Ask, Asker, Found, Query, TrendQuery};
use crate::model::host::HostReport;
use crate::model::logs::LogReport;
use crate::model::mail::MailBoard;
use crate::model::record::indicator_series;

/// Distance of two values of the history.
const STEP: Duration = Duration::from_secs(10);
/// A day of them.
const DAY: usize = 24 * 360;
/// The forecast looks back over an hour and needs five minutes.
const FORECAST_OVER: usize = 360;
const FORECAST_LEAST: usize = 30;
/// Where there are hours of the record, the newest hour's line is carried no further than this.
const FORECAST_NEAR: Duration = Duration::from_hours(6);
/// The hours of the record that days are forecast from, and how often they are looked up.
const HOURS_OVER_S: i64 = 30 * 86_400;
const HOURS_EVERY: Duration = Duration::from_hours(1);

/// A look at the database that is older than this says nothing of now.
const TOO_OLD: Duration = Duration::from_mins(5);

/// Mail that has waited for so many minutes tells that none can be sent.
const MAIL_WAITS_MIN: f64 = 15.0;

/// What the indicators are made of.
pub struct Sources<'a> {
    /// Thresholds.
    pub limits: &'a Resources,
    /// The computer.
    pub host: Option<&'a HostReport>,
    /// Cameras.
    pub cameras: &'a [Arc<CameraBoard>],
    /// PLCs.
    pub plcs: &'a [Arc<PlcBoard>],
    /// PostgreSQL.
    pub historian: &'a HistorianBoard,
    /// The database's health.
    pub database: &'a DatabaseBoard,
    /// The rows on their way there.
    pub forward: &'a ForwardBoard,
    /// The journal.
    pub journal: &'a JournalBoard,
    /// Logs.
    pub logs: Option<&'a LogReport>,
    /// The sending of mail.
    pub mail: &'a MailBoard,
}

/// Keeps the histories.
#[derive(Default)]
pub struct Health {
    histories: HashMap<Arc<str>, History>,
    /// By the series of an indicator with a limit: the line through its hours, and when they were asked for.
    lines: HashMap<Arc<str>, (Mono, Option<Line>)>,
}

struct History {
    values: Ring<f32>,
    shown: Arc<[f32]>,
    stepped: Option<Mono>,
}

/// An indicator before its history.
struct Raw {
    id: String,
    group: Group,
    name: String,
    value: Option<f64>,
    unit: &'static str,
    limit: Option<f64>,
    sense: Sense,
    text: Option<Arc<str>>,
    at: Option<Now>,
}

impl Raw {
    fn new(
        id: impl Into<String>,
        group: Group,
        name: impl Into<String>,
        value: Option<f64>,
        unit: &'static str,
    ) -> Self {
        let (id, name) = (id.into(), name.into());
        Self { id, group, name, value, unit, limit: None, sense: Sense::High, text: None, at: None }
    }

    fn below(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    fn at_least(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self.sense = Sense::Low;
        self
    }

    fn why(mut self, text: Option<Arc<str>>) -> Self {
        self.text = text;
        self
    }

    fn at(mut self, at: Option<Now>) -> Self {
        self.at = at;
        self
    }
}

impl Health {
    /// All indicators now, by group.
    pub fn indicators(&mut self, s: &Sources<'_>, now: Now) -> Arc<[Indicator]> {
        let mut raw = Vec::new();
        host(s, &mut raw);
        cameras(s, &mut raw);
        plcs(s, &mut raw);
        database(s, now, &mut raw);
        journal_and_logs(s, &mut raw);
        raw.into_iter().map(|r| self.finish(r, now)).collect()
    }

    /// The next indicator whose hours are to be looked up, one at a time; none while all are known.
    pub fn ask(&mut self, indicators: &[Indicator], now: Now) -> Option<Ask> {
        let series = indicators
            .iter()
            .filter(|i| i.limit.is_some())
            .map(|i| indicator_series(&i.id))
            .find(|s| self.lines.get(s).is_none_or(|(asked, _)| now.mono.since(*asked) >= HOURS_EVERY))?;
        let line = self.lines.get(&series).and_then(|l| l.1);
        self.lines.insert(Arc::clone(&series), (now.mono, line));
        let query = Query::Trend(TrendQuery::ending(series, now.wall, HOURS_OVER_S, 3600, 0));
        Some(Ask { asker: Asker::Forecast, query })
    }

    /// Hours were looked up. What could not be read changes nothing.
    pub fn looked_up(&mut self, answer: &Answer) {
        if let (Query::Trend(q), Ok(Found::Trend(hours))) = (&answer.query, &answer.found)
            && let Some(held) = self.lines.get_mut(&q.series)
        {
            held.1 = Line::through(hours);
        }
    }

    /// Time to the limit: by the newest hour where that is soon, else by the record's hours; without those, by the hour alone.
    fn foretold(&self, id: &str, history: &[f32], value: Option<f64>, limit: f64, sense: Sense) -> Option<Duration> {
        let near = forecast(history, limit, sense);
        match self.lines.get(&indicator_series(id)).and_then(|l| l.1) {
            Some(line) => near.filter(|d| *d <= FORECAST_NEAR).or_else(|| line.until(value?, limit, sense)),
            None => near,
        }
    }

    fn finish(&mut self, r: Raw, now: Now) -> Indicator {
        let id: Arc<str> = r.id.into();
        let history = self.histories.entry(Arc::clone(&id)).or_insert_with(|| History {
            values: Ring::new(DAY),
            shown: Arc::new([]),
            stepped: None,
        });
        if history.stepped.is_none_or(|t| now.mono.since(t) >= STEP) {
            history.stepped = Some(now.mono);
            history.values.push(r.value.map_or(f32::NAN, |v| v as f32));
            history.shown = history.values.to_vec().into();
        }
        let shown = Arc::clone(&history.shown);
        let state = match (r.value, r.limit, r.sense) {
            (None, _, _) => IndicatorState::Unknown,
            (Some(v), Some(l), Sense::High) if v >= l => IndicatorState::Exceeded,
            (Some(v), Some(l), Sense::Low) if v <= l => IndicatorState::Exceeded,
            _ => IndicatorState::Normal,
        };
        Indicator {
            group: r.group,
            name: r.name.into(),
            unit: r.unit,
            forecast: r.limit.and_then(|l| self.foretold(&id, &shown, r.value, l, r.sense)),
            history: shown,
            history_step: STEP,
            value: r.value,
            limit: r.limit,
            sense: r.sense,
            state,
            at: r.value.is_some().then(|| r.at.unwrap_or(now)),
            text: r.text,
            id,
        }
    }
}

fn host(s: &Sources<'_>, out: &mut Vec<Raw>) {
    let at = s.host.map(|h| h.at);
    let host = |f: fn(&HostReport) -> Option<f64>| s.host.and_then(f);
    out.push(Raw::new("cpu", Group::Host, "CPU", host(|h| h.cpu_percent), "%").below(s.limits.cpu_percent).at(at));
    let memory = Raw::new("memory", Group::Host, "Memory", host(|h| h.memory_percent), "%");
    out.push(memory.below(s.limits.memory_percent).at(at));
    out.push(Raw::new("process.cpu", Group::Host, "This program, CPU", host(|h| h.process_cpu_percent), "%").at(at));
    let rss = host(|h| h.process_rss_bytes.map(|b| b as f64));
    out.push(Raw::new("process.memory", Group::Host, "This program, memory", rss, "B").at(at));
    for d in s.host.map_or(&[][..], |h| &h.disks) {
        let free =
            Raw::new(format!("disk.{}", d.mount), Group::Disks, format!("{} free", d.mount), d.free_percent(), "%");
        out.push(free.at_least(s.limits.disk_free_percent).at(at));
    }
    for i in s.host.map_or(&[][..], |h| &h.interfaces) {
        let n = &i.name;
        out.push(
            Raw::new(format!("net.{n}.rx"), Group::Network, format!("{n} received"), Some(i.rx_bytes_s), "B/s").at(at),
        );
        out.push(
            Raw::new(format!("net.{n}.tx"), Group::Network, format!("{n} sent"), Some(i.tx_bytes_s), "B/s").at(at),
        );
    }
}

fn cameras(s: &Sources<'_>, out: &mut Vec<Raw>) {
    let limit_ms = s.limits.camera_latency.as_secs_f64() * 1000.0;
    for c in s.cameras.iter().filter(|c| c.state() != CameraState::Disabled) {
        let report = c.report.as_ref();
        let id = &c.id;
        let latency = report.and_then(|r| r.latency_ms_p99);
        let why = match (latency, c.state().has_frames()) {
            (Some(_), _) => None,
            (None, true) => Some("the camera has not told its clock yet".into()),
            (None, false) => Some(format!("camera {}", c.state().word()).into()),
        };
        let raw = Raw::new(format!("camera.{id}.latency"), Group::Cameras, format!("{id} latency p99"), latency, "ms");
        out.push(raw.below(limit_ms).why(why).at(report.and_then(|r| r.last_frame)));
        let fps = report.and_then(|r| r.fps);
        out.push(Raw::new(format!("camera.{id}.fps"), Group::Cameras, format!("{id} frame rate"), fps, "/s"));
    }
}

fn plcs(s: &Sources<'_>, out: &mut Vec<Raw>) {
    for p in s.plcs {
        let report = p.report.as_ref();
        let response = report.and_then(|r| r.response_ms_p99);
        let raw =
            Raw::new(format!("plc.{}.response", p.id), Group::Plc, format!("{} response p99", p.id), response, "ms");
        out.push(raw.why(report.and_then(|r| r.text.clone())).at(report.and_then(|r| r.last_answer)));
    }
}

fn database(s: &Sources<'_>, now: Now, out: &mut Vec<Raw>) {
    let h = s.historian;
    if h.state == HistorianState::Off {
        return;
    }
    let limit_ms = s.limits.database_response.as_secs_f64() * 1000.0;
    let response = Raw::new("database.response", Group::Database, "Response", h.response_ms, "ms");
    out.push(response.below(limit_ms).why(h.text.clone()).at(h.at));
    let size = h.size_bytes.map(|b| b as f64);
    out.push(Raw::new("database.size", Group::Database, "Size", size, "B").why(h.text.clone()).at(h.at));
    let f = s.forward;
    let queued =
        Raw::new("database.queued", Group::Database, "Rows waiting to be sent", f.queued.map(|n| n as f64), "");
    out.push(queued.why(f.fault.clone()).at(f.at));
    let d = s.database;
    let Some(report) = &d.report else { return };
    for m in report.measures(limit_ms) {
        // A figure is shown with its age; when it says nothing of now any more it is not known, and why is said.
        let why = d.text.clone().or(m.text);
        let value = m.value.filter(|_| now.mono.since(report.at.mono) < TOO_OLD);
        let raw = Raw::new(m.id, Group::Database, m.name, value, m.unit).why(why).at(Some(report.at));
        out.push(match m.limit {
            Some(limit) => raw.below(limit),
            None => raw,
        });
    }
}

fn journal_and_logs(s: &Sources<'_>, out: &mut Vec<Raw>) {
    let j = s.journal;
    let size = j.size_bytes.map(|b| b as f64);
    out.push(Raw::new("journal.size", Group::Journal, "Size", size, "B").why(j.fault.clone()));
    out.push(Raw::new("journal.commit", Group::Journal, "Newest commit", j.commit_ms, "ms").why(j.fault.clone()));
    let errors = Raw::new("logs.errors", Group::Logs, "Errors", s.logs.map(LogReport::errors_per_min), "/min");
    out.push(errors.below(s.limits.log_errors_per_min).at(s.logs.map(|l| l.at)));
    if let Some(logs) = s.logs {
        let spike = &logs.spike;
        let raw = Raw::new("logs.spike", Group::Logs, "Errors against usual", spike.errors, "/10 min");
        let raw = raw.why(spike.text.clone()).at(Some(logs.at));
        out.push(match spike.limit {
            Some(limit) => raw.below(limit),
            None => raw,
        });
    }
    if s.mail.on {
        let m = s.mail;
        let waits = Raw::new("mail.waiting", Group::Network, "Mail waiting for", m.at.map(|_| m.oldest_min), "min");
        out.push(waits.below(MAIL_WAITS_MIN).why(m.fault.clone()).at(m.at));
    }
}

/// Time until a value reaches its limit on the straight line through its newest hour; none while it moves away, or
/// where the line explains less than half of what the value does.
fn forecast(history: &[f32], limit: f64, sense: Sense) -> Option<Duration> {
    let tail = &history[history.len().saturating_sub(FORECAST_OVER)..];
    let points = tail.iter().enumerate().filter(|(_, v)| v.is_finite());
    let known: Vec<(f64, f64)> = points.map(|(i, v)| (i as f64, f64::from(*v))).collect();
    if known.len() < FORECAST_LEAST {
        return None;
    }
    let n = known.len() as f64;
    let (xm, ym) = (known.iter().map(|p| p.0).sum::<f64>() / n, known.iter().map(|p| p.1).sum::<f64>() / n);
    let sxx: f64 = known.iter().map(|p| (p.0 - xm).powi(2)).sum();
    let sxy: f64 = known.iter().map(|p| (p.0 - xm) * (p.1 - ym)).sum();
    let syy: f64 = known.iter().map(|p| (p.1 - ym).powi(2)).sum();
    if sxx <= 0.0 || syy <= 0.0 || sxy * sxy / (sxx * syy) < 0.5 {
        return None;
    }
    let slope = sxy / sxx;
    let last = ym + slope * (tail.len() as f64 - 1.0 - xm);
    let towards = match sense {
        Sense::High => slope > 0.0 && last < limit,
        Sense::Low => slope < 0.0 && last > limit,
    };
    let steps = (limit - last) / slope;
    (towards && steps.is_finite()).then(|| Duration::from_secs_f64((steps * STEP.as_secs_f64()).clamp(0.0, 3.2e9)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::database::DatabaseReport;

    #[test]
    fn an_old_look_at_the_database_is_not_passed_off_as_new() {
        let report =
            DatabaseReport { connections_used: Some(90), connections_max: Some(100), ..DatabaseReport::default() };
        let config = crate::config::Config::parse("", "test", std::path::Path::new("."), &|_| None).unwrap().config;
        let board = DatabaseBoard {
            report: Some(report.into()),
            text: Some("no answer in 8 s".into()),
            ..DatabaseBoard::default()
        };
        let at = |s: u64| {
            let historian = HistorianBoard { state: HistorianState::Lost, ..HistorianBoard::default() };
            let journal = JournalBoard::default();
            let sources = Sources {
                limits: &config.resources,
                host: None,
                cameras: &[],
                plcs: &[],
                forward: &ForwardBoard::default(),
                historian: &historian,
                database: &board,
                journal: &journal,
                logs: None,
                mail: &MailBoard::default(),
            };
            let now = Now { mono: Mono(s * 1_000_000_000), ..Now::default() };
            let all = Health::default().indicators(&sources, now);
            let found = all.iter().find(|i| &*i.id == "database.connections").unwrap();
            (found.value, found.state, found.text.clone().unwrap())
        };
        assert_eq!(at(60), (Some(90.0), IndicatorState::Exceeded, "no answer in 8 s".into()));
        assert_eq!(at(600), (None, IndicatorState::Unknown, "no answer in 8 s".into()));
    }

    #[test]
    fn days_are_foretold_from_the_hours_of_the_record() {
        use crate::model::record::Rolled;
        let mut health = Health::default();
        let now = Now::default();
        let config = crate::config::Config::parse("", "test", std::path::Path::new("."), &|_| None).unwrap().config;
        let limits = config.resources;
        let host = HostReport {
            disks: vec![crate::model::host::Disk { mount: "/".into(), free_bytes: 38, total_bytes: 100 }],
            at: now,
            cpu_percent: Some(20.0),
            memory_percent: Some(40.0),
            memory_total_bytes: 1 << 30,
            process_cpu_percent: None,
            process_rss_bytes: None,
            interfaces: vec![],
        };
        let historian = HistorianBoard::default();
        let journal = JournalBoard::default();
        let s = Sources {
            limits: &limits,
            host: Some(&host),
            cameras: &[],
            plcs: &[],
            historian: &historian,
            journal: &journal,
            logs: None,
            mail: &MailBoard::default(),
            database: &DatabaseBoard::default(),
            forward: &ForwardBoard::default(),
        };
        let mut asked = Vec::new();
        let indicators = health.indicators(&s, now);
        while let Some(ask) = health.ask(&indicators, now) {
            asked.push(ask);
        }
        assert!(asked.len() >= 3 && health.ask(&indicators, now).is_none(), "each once");
        let later = Now { mono: Mono(HOURS_EVERY.as_nanos() as u64), ..now };
        assert!(health.ask(&indicators, later).is_some(), "and again after an hour");
        let disk = |a: &&Ask| matches!(&a.query, Query::Trend(q) if &*q.series == "indicator.disk./");
        let ask = asked.iter().find(disk).cloned().unwrap();
        let hour = |i: i64| {
            let mean = 50.0 - 0.1 * i as f64;
            Rolled { series: "s".into(), unit: "%".into(), at: i * 3600, known: 360, mean, least: mean, most: mean }
        };
        let found = Ok(Found::Trend((0..120).map(hour).collect()));
        health.looked_up(&Answer {
            asker: ask.asker,
            query: ask.query,
            at: now,
            took_ms: 1.0,
            source: "journal",
            found,
        });
        let indicators = health.indicators(&s, now);
        let disk = indicators.iter().find(|i| &*i.id == "disk./").unwrap();
        let days = disk.forecast.unwrap().as_secs_f64() / 86_400.0;
        assert!((days - 7.5).abs() < 0.01, "{days}");
    }

    #[test]
    fn forecasts_a_filling_disk_and_nothing_else() {
        let falling: Vec<f32> = (0..100u8).map(|i| 50.0 - f32::from(i) * 0.1).collect();
        let d = forecast(&falling, 20.0, Sense::Low).unwrap();
        assert!((d.as_secs_f64() - 201.0 * 10.0).abs() < 15.0, "{d:?}");
        let rising: Vec<f32> = falling.iter().rev().copied().collect();
        assert_eq!(forecast(&rising, 20.0, Sense::Low), None);
        let noise: Vec<f32> = (0..100).map(|i| if i % 2 == 0 { 40.0 } else { 45.0 }).collect();
        assert_eq!(forecast(&noise, 20.0, Sense::Low), None);
        assert_eq!(forecast(&falling[..10], 20.0, Sense::Low), None, "too short");
        assert_eq!(forecast(&[f32::NAN; 50], 20.0, Sense::Low), None);
    }
}
