//! All alarms of the configuration: asked together, each behind its latch; what changed comes out as events.

use std::sync::Arc;
use std::time::Duration;

use super::facts::Facts;
use super::latch::{Edge, Latch};
use super::rules::{
    CameraLost, Exceeded, Finding, ForwardFault, JournalFault, Overdue, PictureUnfit, PlcLost, RestartPlanned, Rule,
    StartIncomplete, Unmeasurable, VibrationLimit,
};
use crate::base::clock::Mono;
use crate::config::sections::{Config, Limit, Roi};
use crate::model::AlarmId;
use crate::model::alarm::{Alarm, Priority, Topic};
use crate::model::event::EventKind;
use crate::model::vibration::{Level, LimitKind, LimitMark, Role};

/// A cameras' alarm waits no longer: the supervisor has already waited for frames.
const AT_ONCE: Duration = Duration::ZERO;
/// How long something must be well again before its alarm returns.
const STEADY: Duration = Duration::from_secs(2);
/// A database may be away so long, for a restart or a short look, before somebody is told.
const UNSENT: Duration = Duration::from_mins(1);

/// One alarm.
struct Entry {
    id: AlarmId,
    source: Arc<str>,
    topic: Topic,
    priority: Priority,
    unit: Arc<str>,
    advice: Arc<str>,
    /// For a vibration limit: index of its region, and whether it is the alarm or the warning.
    region: Option<(usize, Level)>,
    rule: Box<dyn Rule>,
    latch: Latch,
}

/// All alarms.
pub struct Bank {
    entries: Vec<Entry>,
    /// Indicators that have their alarm already.
    indicators: Vec<Arc<str>>,
}

impl Bank {
    /// The alarms of a configuration, all normal.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let mut bank = Self { entries: Vec::new(), indicators: Vec::new() };
        let mut region = 0;
        for (c, camera) in config.cameras.iter().enumerate() {
            let name: Arc<str> = camera.id.0.clone();
            bank.add(
                format!("camera.{name}"),
                &name,
                (Topic::Camera, Priority::High),
                "Look at the camera: power, network cable, address. The Cameras tab shows what was tried.",
                (AT_ONCE, STEADY),
                Box::new(CameraLost { camera: c, name: Arc::clone(&name) }),
            );
            bank.add(
                format!("camera.{name}.picture"),
                &name,
                (Topic::Camera, Priority::Medium),
                "Look at the picture in the Cameras tab; check light, focus and the lens.",
                (Duration::from_secs(5), STEADY),
                Box::new(PictureUnfit { camera: c, name: Arc::clone(&name) }),
            );
            for roi in &camera.rois {
                bank.add_region(region, roi);
                region += 1;
            }
        }
        for (p, plc) in config.plcs.iter().enumerate() {
            let name: Arc<str> = plc.id.0.clone();
            bank.add(
                format!("plc.{name}"),
                &name,
                (Topic::Plc, Priority::High),
                "Check the serial cable, the port and that the PLC runs. The PLC tab shows the traffic.",
                (AT_ONCE, STEADY),
                Box::new(PlcLost { plc: p, name: Arc::clone(&name) }),
            );
        }
        bank.add(
            "program.journal".into(),
            &"journal".into(),
            (Topic::Program, Priority::Critical),
            "Nothing is recorded durably until this is mended: check the disk of the data directory.",
            (AT_ONCE, STEADY),
            Box::new(JournalFault),
        );
        bank.add(
            "program.start".into(),
            &"start".into(),
            (Topic::Program, Priority::High),
            "What ran before does not run since the start: see the named cameras, PLCs, disks or database; follow their guide.",
            (AT_ONCE, STEADY),
            Box::new(StartIncomplete),
        );
        bank.add(
            "program.restart".into(),
            &"restart".into(),
            (Topic::Program, Priority::Low),
            "Nothing is measured for some minutes from then on: tell the shift. It waits while an alarm of priority high is active.",
            (AT_ONCE, AT_ONCE),
            Box::new(RestartPlanned),
        );
        if config.historian.is_some() {
            bank.add(
                "database.forward".into(),
                &"database".into(),
                (Topic::Program, Priority::Medium),
                "Nothing is lost: rows wait in the journal and follow by themselves. Bring the database back (see `vms db status`).",
                (UNSENT, STEADY),
                Box::new(ForwardFault),
            );
        }
        bank.add(
            "maintenance.overdue".into(),
            &"maintenance".into(),
            (Topic::Program, Priority::Low),
            "Do it on the Maintenance tab (6), or have somebody who may call it off with a reason.",
            (STEADY, STEADY),
            Box::new(Overdue),
        );
        bank
    }

    fn add_region(&mut self, index: usize, roi: &Roi) {
        let name: Arc<str> = roi.id.0.clone();
        self.add(
            format!("{name}.measurement"),
            &name,
            (Topic::Measurement, Priority::Medium),
            "Look at the picture in the Cameras tab: something hides the target, or the region is set wrongly.",
            (Duration::from_secs(5), STEADY),
            Box::new(Unmeasurable { region: index, name: Arc::clone(&name) }),
        );
        if roi.role == Role::Background {
            return;
        }
        for limit in &roi.limits {
            if let Some(at) = limit.alarm {
                self.add_limit(index, &name, limit, at, Level::Alarm);
            }
            if let Some(at) = limit.warning {
                self.add_limit(index, &name, limit, at, Level::Warning);
            }
        }
    }

    fn add_limit(&mut self, index: usize, name: &Arc<str>, limit: &Limit, at: f64, level: Level) {
        let (suffix, priority) =
            if level == Level::Alarm { ("", limit.priority) } else { (".warning", lower(limit.priority)) };
        let kind = if limit.kind == LimitKind::Deviation { ".deviation" } else { "" };
        self.add(
            format!("{name}.{}{kind}{suffix}", limit.quantity),
            name,
            (Topic::Vibration, priority),
            "Look at the machine; compare waveform and spectrum in the Vibration tab with yesterday's.",
            (limit.on_delay, limit.off_delay),
            Box::new(VibrationLimit {
                region: index,
                name: Arc::clone(name),
                quantity: limit.quantity,
                kind: limit.kind,
                limit: at,
                deadband_percent: limit.deadband_percent,
            }),
        );
        if let Some(e) = self.entries.last_mut() {
            e.region = Some((index, level));
            e.unit = LimitMark { quantity: limit.quantity, kind: limit.kind, warning: None, alarm: None }.unit().into();
        }
    }

    fn add(
        &mut self,
        id: String,
        source: &Arc<str>,
        (topic, priority): (Topic, Priority),
        advice: &str,
        (on_delay, off_delay): (Duration, Duration),
        rule: Box<dyn Rule>,
    ) {
        self.entries.push(Entry {
            id: id.into(),
            source: Arc::clone(source),
            topic,
            priority,
            unit: "".into(),
            advice: advice.into(),
            region: None,
            rule,
            latch: Latch::new(on_delay, off_delay),
        });
    }

    /// Takes the states from the record after a restart. Alarms that the configuration no longer has are returned by id.
    pub fn restore(&mut self, alarms: &[Alarm]) -> Vec<AlarmId> {
        let mut orphans = Vec::new();
        for a in alarms.iter().filter(|a| a.state.active()) {
            if let Some(name) = a.id.as_str().strip_prefix("resource.") {
                self.ensure_indicator(&name.into(), "");
            }
            match self.entries.iter_mut().find(|e| e.id == a.id) {
                Some(e) => e.latch.restore(true),
                None => orphans.push(a.id.clone()),
            }
        }
        orphans
    }

    /// Makes sure that every indicator with a limit has its alarm.
    pub fn adopt_indicators(&mut self, facts: &Facts) {
        for i in facts.indicators.iter().filter(|i| i.limit.is_some()) {
            self.ensure_indicator(&i.id, i.unit);
        }
    }

    fn ensure_indicator(&mut self, id: &Arc<str>, unit: &str) {
        if self.indicators.contains(id) {
            if !unit.is_empty() {
                let full = format!("resource.{id}");
                if let Some(e) = self.entries.iter_mut().find(|e| e.id.as_str() == full && e.unit.is_empty()) {
                    e.unit = unit.into();
                }
            }
            return;
        }
        self.indicators.push(Arc::clone(id));
        // Load comes and goes; disks and links do not.
        let on_delay = match id.as_ref() {
            "cpu" | "memory" => Duration::from_mins(1),
            i if i.ends_with(".latency") => Duration::from_secs(30),
            _ => Duration::from_secs(10),
        };
        self.add(
            format!("resource.{id}"),
            id,
            (Topic::Resource, Priority::Medium),
            "See the Resources tab for its history and what to do.",
            (on_delay, Duration::from_secs(10)),
            Box::new(Exceeded { indicator: Arc::clone(id), deadband_percent: 5.0 }),
        );
        if let Some(e) = self.entries.last_mut() {
            e.unit = unit.into();
        }
    }

    /// Asks every rule; what changed is appended to `out`.
    pub fn step(&mut self, facts: &Facts, now: Mono, out: &mut Vec<EventKind>) {
        for e in &mut self.entries {
            let finding = e.rule.ask(facts);
            match e.latch.step(finding.answer, now) {
                Some(Edge::Raised) => out.push(e.raised(facts, &finding)),
                Some(Edge::Returned) => {
                    out.push(EventKind::AlarmReturned { alarm: e.id.clone(), value: finding.value });
                }
                None => {}
            }
        }
    }

    /// Worst level of a region by its latches: alarm, warning, or none of them.
    #[must_use]
    pub fn region_level(&self, region: usize) -> Option<Level> {
        let active = self.entries.iter().filter(|e| e.latch.active());
        active.filter_map(|e| e.region).filter(|(r, _)| *r == region).map(|(_, l)| l).max()
    }

    /// The newest value of an active alarm's rule, for the alarm list.
    #[must_use]
    pub fn value(&self, id: &AlarmId, facts: &Facts) -> Option<f64> {
        self.entries.iter().find(|e| &e.id == id).and_then(|e| e.rule.ask(facts).value)
    }
}

impl Entry {
    fn raised(&self, facts: &Facts, finding: &Finding) -> EventKind {
        EventKind::AlarmRaised {
            alarm: self.id.clone(),
            source: Arc::clone(&self.source),
            topic: self.topic,
            priority: self.priority,
            value: finding.value,
            limit: finding.limit,
            unit: Arc::clone(&self.unit),
            text: self.rule.text(facts, finding).into(),
            advice: Arc::clone(&self.advice),
        }
    }
}

fn lower(p: Priority) -> Priority {
    match p {
        Priority::Critical => Priority::High,
        Priority::High => Priority::Medium,
        Priority::Medium | Priority::Low => Priority::Low,
    }
}
