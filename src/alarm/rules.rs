//! The rules, one small type each: whether the condition holds, by which value against which limit, and in which words.

use std::sync::Arc;

use super::facts::Facts;
use super::latch::Answer;
use crate::base::text::sig3;
use crate::model::baseline::Deviation;
use crate::model::board::{Group, IndicatorState, Sense};
use crate::model::bus::PlcState;
use crate::model::camera::{CameraState, Picture};
use crate::model::quantity::Quantity;
use crate::model::startup::StartState;
use crate::model::vibration::{Grade, LimitKind, Reading};

/// A rule's answer with its figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// Whether the condition holds.
    pub answer: Answer,
    /// The value looked at.
    pub value: Option<f64>,
    /// The limit it is held against.
    pub limit: Option<f64>,
}

impl Finding {
    fn plain(answer: Answer) -> Self {
        Self { answer, value: None, limit: None }
    }
}

/// One condition.
pub trait Rule: Send {
    /// Whether it holds now.
    fn ask(&self, facts: &Facts) -> Finding;
    /// What happened, in words, for the alarm's text.
    fn text(&self, facts: &Facts, finding: &Finding) -> String;
}

/// A value against an upper limit with a deadband in percent of the limit.
fn above(value: f64, limit: f64, deadband_percent: f64) -> Answer {
    if value >= limit {
        Answer::Holds
    } else if value > limit * (1.0 - deadband_percent / 100.0) {
        Answer::Within
    } else {
        Answer::Clear
    }
}

/// A vibration limit of a region. A reading that cannot be trusted answers "unknown": it neither raises nor clears.
#[derive(Debug)]
pub struct VibrationLimit {
    /// Index of the region.
    pub region: usize,
    /// Its name.
    pub name: Arc<str>,
    /// On what.
    pub quantity: Quantity,
    /// Against what.
    pub kind: LimitKind,
    /// The limit.
    pub limit: f64,
    /// Deadband in percent of the limit.
    pub deadband_percent: f64,
}

impl Rule for VibrationLimit {
    fn ask(&self, facts: &Facts) -> Finding {
        let Some(region) = facts.regions.get(self.region) else { return Finding::plain(Answer::Unknown) };
        if region.running == Some(false) {
            return Finding { limit: Some(self.limit), ..Finding::plain(Answer::Clear) };
        }
        let trusted = region.reading.as_ref().filter(|r| region.camera_delivers && r.grade != Grade::Untrusted);
        let value = trusted.and_then(|r| r.against(self.quantity, self.kind));
        let answer = value.map_or(Answer::Unknown, |v| above(v, self.limit, self.deadband_percent));
        Finding { answer, value, limit: Some(self.limit) }
    }

    fn text(&self, facts: &Facts, f: &Finding) -> String {
        let (q, value) = (self.quantity, sig3(f.value));
        let plain = format!("{} {} {value} > {} {}", self.name, q.word(), sig3(Some(self.limit)), q.unit());
        let reading = facts.regions.get(self.region).and_then(|r| r.reading.as_deref());
        match (self.kind, reading) {
            (LimitKind::Deviation, Some(r)) => {
                let above = r.deviation.and_then(|d| d.of(q)).is_none_or(|z| z > 0.0);
                let side = if above { "above" } else { "below" };
                let (now, limit) = (sig3(r.value(q)), sig3(Some(self.limit)));
                format!("{} {} {now} {}: {value} spreads {side} usual > {limit}", self.name, q.word(), q.unit())
            }
            (LimitKind::Value, Some(Reading { deviation: Some(Deviation { band: Some(b), .. }), .. }))
                if q == Quantity::SpectrumDeviation =>
            {
                format!("{plain} from usual at {} to {} Hz", sig3(Some(b.from_hz)), sig3(Some(b.to_hz)))
            }
            _ => plain,
        }
    }
}

/// A region that cannot be measured although its camera delivers.
#[derive(Debug)]
pub struct Unmeasurable {
    /// Index of the region.
    pub region: usize,
    /// Its name.
    pub name: Arc<str>,
}

impl Rule for Unmeasurable {
    fn ask(&self, facts: &Facts) -> Finding {
        let Some(region) = facts.regions.get(self.region) else { return Finding::plain(Answer::Unknown) };
        if region.fault.is_some() {
            return Finding::plain(Answer::Holds);
        }
        if !region.camera_delivers {
            return Finding::plain(Answer::Unknown);
        }
        Finding::plain(match region.reading.as_ref().map(|r| r.grade) {
            None => Answer::Unknown,
            Some(Grade::Untrusted) => Answer::Holds,
            Some(_) => Answer::Clear,
        })
    }

    fn text(&self, facts: &Facts, _: &Finding) -> String {
        let region = facts.regions.get(self.region);
        if let Some(fault) = region.and_then(|r| r.fault.as_ref()) {
            return format!("{} cannot be measured: {fault}", self.name);
        }
        let reasons = region
            .and_then(|r| r.reading.as_ref())
            .map_or_else(String::new, |r| r.reasons.iter().map(|r| r.words()).collect::<Vec<_>>().join(", "));
        format!("{} cannot be measured: {}", self.name, if reasons.is_empty() { "no reading" } else { &reasons })
    }
}

/// A camera without a stream.
#[derive(Debug)]
pub struct CameraLost {
    /// Index of the camera.
    pub camera: usize,
    /// Its name.
    pub name: Arc<str>,
}

impl Rule for CameraLost {
    fn ask(&self, facts: &Facts) -> Finding {
        Finding::plain(match facts.cameras.get(self.camera).map(|c| c.state) {
            Some(CameraState::Lost | CameraState::Refused) => Answer::Holds,
            Some(CameraState::Live | CameraState::Degraded | CameraState::Disabled) => Answer::Clear,
            Some(CameraState::Stalled) => Answer::Within,
            Some(CameraState::Connecting) | None => Answer::Unknown,
        })
    }

    fn text(&self, facts: &Facts, _: &Finding) -> String {
        let camera = facts.cameras.get(self.camera);
        let state = camera.map_or("lost", |c| c.state.word());
        let why = camera.and_then(|c| c.text.as_deref()).unwrap_or("no stream");
        format!("{} {state}: {why}", self.name)
    }
}

/// A picture that is not fit to be measured.
#[derive(Debug)]
pub struct PictureUnfit {
    /// Index of the camera.
    pub camera: usize,
    /// Its name.
    pub name: Arc<str>,
}

impl Rule for PictureUnfit {
    fn ask(&self, facts: &Facts) -> Finding {
        Finding::plain(match facts.cameras.get(self.camera).map(|c| (c.state.has_frames(), c.picture)) {
            Some((true, Picture::Clear)) => Answer::Clear,
            Some((true, Picture::Unknown) | (false, _)) | None => Answer::Unknown,
            Some((true, _)) => Answer::Holds,
        })
    }

    fn text(&self, facts: &Facts, _: &Finding) -> String {
        let verdict = facts.cameras.get(self.camera).map_or("unfit", |c| c.picture.word());
        format!("{} picture {verdict}", self.name)
    }
}

/// A PLC that does not answer.
#[derive(Debug)]
pub struct PlcLost {
    /// Index of the PLC.
    pub plc: usize,
    /// Its name.
    pub name: Arc<str>,
}

impl Rule for PlcLost {
    fn ask(&self, facts: &Facts) -> Finding {
        Finding::plain(match facts.plcs.get(self.plc).map(|p| p.state) {
            Some(PlcState::Lost) => Answer::Holds,
            Some(PlcState::Live) => Answer::Clear,
            Some(PlcState::Degraded) => Answer::Within,
            Some(PlcState::Connecting) | None => Answer::Unknown,
        })
    }

    fn text(&self, facts: &Facts, _: &Finding) -> String {
        let why = facts.plcs.get(self.plc).and_then(|p| p.text.as_deref()).unwrap_or("no answer");
        format!("{} lost: {why}", self.name)
    }
}

/// Longest word on what an alarm is about, characters.
const ABOUT: usize = 120;

/// A health indicator beyond its threshold; found by its name, since indicators come and go (a disk is unplugged).
#[derive(Debug)]
pub struct Exceeded {
    /// The indicator's id.
    pub indicator: Arc<str>,
    /// Deadband in percent of the limit.
    pub deadband_percent: f64,
}

impl Rule for Exceeded {
    fn ask(&self, facts: &Facts) -> Finding {
        let Some(i) = facts.indicators.iter().find(|i| i.id == self.indicator) else {
            return Finding::plain(Answer::Unknown);
        };
        let (Some(value), Some(limit)) = (i.value, i.limit) else {
            return Finding { answer: Answer::Unknown, value: i.value, limit: i.limit };
        };
        let answer = match (i.state, i.sense) {
            (IndicatorState::Unknown, _) => Answer::Unknown,
            (_, Sense::High) => above(value, limit, self.deadband_percent),
            (_, Sense::Low) => above(-value, -limit, -self.deadband_percent),
        };
        Finding { answer, value: Some(value), limit: Some(limit) }
    }

    fn text(&self, facts: &Facts, f: &Finding) -> String {
        let Some(i) = facts.indicators.iter().find(|i| i.id == self.indicator) else {
            return format!("{} beyond its limit", self.indicator);
        };
        // Counts reach their limit before they go beyond it.
        let sign = match (i.sense, f.value == f.limit) {
            (Sense::High, false) => ">",
            (Sense::High, true) => ">=",
            (Sense::Low, false) => "<",
            (Sense::Low, true) => "<=",
        };
        let text = format!("{} {} {sign} {} {}", i.name, sig3(f.value), sig3(f.limit), i.unit);
        // Of the database it is told which table, query or process it is about.
        match i.text.as_deref().filter(|_| i.group == Group::Database && i.value.is_some()) {
            Some(about) => format!("{}: {}", text.trim_end(), about.chars().take(ABOUT).collect::<String>()),
            None => text,
        }
    }
}

/// The journal cannot be written.
#[derive(Debug)]
pub struct JournalFault;

impl Rule for JournalFault {
    fn ask(&self, facts: &Facts) -> Finding {
        Finding::plain(if facts.journal_fault.is_some() { Answer::Holds } else { Answer::Clear })
    }

    fn text(&self, facts: &Facts, _: &Finding) -> String {
        format!("journal: {}", facts.journal_fault.as_deref().unwrap_or("cannot be written"))
    }
}

/// Something that ran before the start does not run since.
#[derive(Debug)]
pub struct StartIncomplete;

impl Rule for StartIncomplete {
    fn ask(&self, facts: &Facts) -> Finding {
        Finding::plain(match facts.start.state {
            StartState::Incomplete => Answer::Holds,
            StartState::Complete | StartState::Unexpected => Answer::Clear,
            StartState::Waiting => Answer::Unknown,
        })
    }

    fn text(&self, facts: &Facts, _: &Finding) -> String {
        let s = &facts.start;
        let list = s.missing.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("; ");
        format!("missing since the start, {} of {}: {list}", s.missing.len(), s.expected)
    }
}

/// The computer is going to be restarted.
#[derive(Debug)]
pub struct RestartPlanned;

impl Rule for RestartPlanned {
    fn ask(&self, facts: &Facts) -> Finding {
        Finding::plain(if facts.start.restart.is_some() { Answer::Holds } else { Answer::Clear })
    }

    fn text(&self, facts: &Facts, _: &Finding) -> String {
        match &facts.start.restart {
            Some(p) => format!("restart of the computer planned for {}, asked for by {}", p.time, p.who),
            None => "restart of the computer planned".into(),
        }
    }
}

/// Nothing is sent to PostgreSQL.
#[derive(Debug)]
pub struct ForwardFault;

impl Rule for ForwardFault {
    fn ask(&self, facts: &Facts) -> Finding {
        Finding::plain(if facts.forward_fault.is_some() { Answer::Holds } else { Answer::Clear })
    }

    fn text(&self, facts: &Facts, _: &Finding) -> String {
        format!("nothing goes to the database: {}", facts.forward_fault.as_deref().unwrap_or("it is lost"))
    }
}

/// Maintenance is overdue.
#[derive(Debug)]
pub struct Overdue;

impl Rule for Overdue {
    fn ask(&self, facts: &Facts) -> Finding {
        Finding::plain(if facts.overdue.is_some() { Answer::Holds } else { Answer::Clear })
    }

    fn text(&self, facts: &Facts, _: &Finding) -> String {
        format!("maintenance overdue: {}", facts.overdue.as_deref().unwrap_or("a task"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::facts::{CameraFact, RegionFact};
    use crate::base::clock::Mono;
    use crate::model::board::Indicator;

    fn reading(grade: Grade, velocity: f64) -> Arc<Reading> {
        Arc::new(Reading {
            at: Mono(0),
            dx_px: 0.0,
            dy_px: 0.0,
            displacement_pp_px: 1.0,
            displacement_rms_px: 0.3,
            displacement_pp_mm: None,
            displacement_rms_mm: None,
            velocity_rms_mm_s: Some(velocity),
            tone: None,
            uncertainty_px: 0.01,
            grade,
            reasons: vec![],
            aliased: None,
            folded_hz: None,
            harmonics: std::sync::Arc::default(),
            alias: None,
            turn_rms_rad: None,
            left_out: 0.0,
            smallest_px: 0.01,
            samples: 200,
            ..Reading::default()
        })
    }

    fn facts(r: RegionFact) -> Facts {
        Facts { regions: vec![r], ..Facts::default() }
    }

    fn limit() -> VibrationLimit {
        VibrationLimit {
            region: 0,
            name: "east".into(),
            quantity: Quantity::VelocityRmsMmS,
            kind: LimitKind::Value,
            limit: 7.1,
            deadband_percent: 5.0,
        }
    }

    #[test]
    fn a_vibration_limit_with_deadband() {
        let ask = |v, grade, running, camera_delivers| {
            limit()
                .ask(&facts(RegionFact { reading: Some(reading(grade, v)), running, camera_delivers, fault: None }))
                .answer
        };
        assert_eq!(ask(7.1, Grade::Good, Some(true), true), Answer::Holds);
        assert_eq!(ask(7.0, Grade::Good, None, true), Answer::Within);
        assert_eq!(ask(6.7, Grade::Poor, None, true), Answer::Clear);
        assert_eq!(ask(99.0, Grade::Untrusted, None, true), Answer::Unknown, "untrusted is never an alarm");
        assert_eq!(ask(0.0, Grade::Untrusted, None, true), Answer::Unknown, "nor calm");
        assert_eq!(ask(99.0, Grade::Good, Some(false), true), Answer::Clear, "a stopped machine has no limits");
        assert_eq!(ask(99.0, Grade::Good, Some(true), false), Answer::Unknown);
        let f = facts(RegionFact {
            reading: Some(reading(Grade::Good, 8.31)),
            running: None,
            camera_delivers: true,
            fault: None,
        });
        assert_eq!(limit().text(&f, &limit().ask(&f)), "east velocity 8.31 > 7.10 mm/s");
    }

    #[test]
    fn a_deviation_from_what_is_usual() {
        let limit = VibrationLimit { kind: LimitKind::Deviation, limit: 6.0, ..limit() };
        let with = |velocity: f64, spreads: Option<f64>| {
            let mut deviation = Deviation::default();
            deviation.quantities[0] = spreads;
            let r = Arc::unwrap_or_clone(reading(Grade::Good, velocity));
            let reading = Some(Arc::new(Reading { deviation: Some(deviation), ..r }));
            facts(RegionFact { reading, running: Some(true), camera_delivers: true, fault: None })
        };
        assert_eq!(
            limit.ask(&with(2.0, None)).answer,
            Answer::Unknown,
            "before a baseline is learned there is no alarm"
        );
        assert_eq!(limit.ask(&with(2.0, Some(5.0))).answer, Answer::Clear);
        let low = with(2.0, Some(-7.5));
        assert_eq!(limit.ask(&low).answer, Answer::Holds, "far below what is usual is as unusual as far above");
        assert_eq!(limit.text(&low, &limit.ask(&low)), "east velocity 2.00 mm/s: 7.50 spreads below usual > 6.00");
    }

    #[test]
    fn lost_cameras_and_unfit_pictures() {
        let camera =
            |state, picture| Facts { cameras: vec![CameraFact { state, picture, text: None }], ..Facts::default() };
        let lost = CameraLost { camera: 0, name: "deck".into() };
        assert_eq!(lost.ask(&camera(CameraState::Lost, Picture::Unknown)).answer, Answer::Holds);
        assert_eq!(lost.ask(&camera(CameraState::Connecting, Picture::Unknown)).answer, Answer::Unknown);
        assert_eq!(lost.ask(&camera(CameraState::Live, Picture::Clear)).answer, Answer::Clear);
        let unfit = PictureUnfit { camera: 0, name: "deck".into() };
        assert_eq!(unfit.ask(&camera(CameraState::Live, Picture::Dark)).answer, Answer::Holds);
        assert_eq!(unfit.ask(&camera(CameraState::Lost, Picture::Dark)).answer, Answer::Unknown);
    }

    #[test]
    fn a_region_outside_the_picture_is_a_measurement_fault() {
        let u = Unmeasurable { region: 0, name: "east".into() };
        let f = facts(RegionFact { fault: Some("outside".into()), ..RegionFact::default() });
        assert_eq!(u.ask(&f).answer, Answer::Holds);
        assert!(u.text(&f, &u.ask(&f)).contains("outside"));
        let lost = facts(RegionFact {
            reading: Some(reading(Grade::Untrusted, 1.0)),
            camera_delivers: false,
            ..RegionFact::default()
        });
        assert_eq!(u.ask(&lost).answer, Answer::Unknown, "the camera's own alarm tells");
    }

    #[test]
    fn a_database_alarm_names_what_it_is_about() {
        let one = |group, text: Option<&str>, value, limit| Indicator {
            id: "x".into(),
            group,
            name: "Blocked queries".into(),
            value: Some(value),
            unit: "",
            limit: Some(limit),
            sense: Sense::High,
            state: IndicatorState::Exceeded,
            at: None,
            history: Arc::new([]),
            history_step: std::time::Duration::from_secs(10),
            forecast: None,
            text: text.map(Into::into),
        };
        let rule = Exceeded { indicator: "x".into(), deadband_percent: 5.0 };
        let said = |i: Indicator| {
            let facts = Facts { indicators: Arc::new([i]), ..Facts::default() };
            rule.text(&facts, &rule.ask(&facts))
        };
        let about = Some("process 12 waits for process 11");
        assert_eq!(
            said(one(Group::Database, about, 1.0, 1.0)),
            "Blocked queries 1.00 >= 1.00: process 12 waits for process 11"
        );
        assert_eq!(said(one(Group::Host, about, 3.0, 1.0)).trim_end(), "Blocked queries 3.00 > 1.00");
    }
}
