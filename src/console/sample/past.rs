//! Sample answers from the journal, and the nodes of a site.

use std::f64::consts::TAU;
use std::sync::Arc;

use jiff::SignedDuration;

use super::{ago, now};
use crate::model::alarm::{Alarm, Priority};
use crate::model::event::{Event, EventKind};
use crate::model::fleet::NodeState;
use crate::model::history::{Answer, Asker, EventQuery, Found, Query, TrendQuery};
use crate::model::quantity::Quantity;
use crate::model::record::{EventWaveform, Rolled, indicator_series, roi_series};
use crate::model::upkeep::{Answer as StepAnswer, Outcome};
use crate::model::vibration::Waveform;

const DAY_S: i64 = 86_400;
/// The number of the newest sample event.
const NEWEST: u64 = 184_223;

fn answer(asker: Asker, query: Query, found: Found) -> Arc<Answer> {
    Arc::new(Answer { asker, query, at: ago(3000), took_ms: 4.1, source: "journal", found: Ok(found) })
}

/// A series with its days and nights; a day of it is missing.
fn trend(
    asker: Asker,
    series: Arc<str>,
    unit: &str,
    (span_s, step_s): (i64, i64),
    value: impl Fn(f64) -> f64,
) -> Arc<Answer> {
    let q = TrendQuery::ending(series, now().wall, span_s, step_s, 0);
    let steps = span_s / step_s;
    let point = |i: i64| {
        let share = i as f64 / steps as f64;
        let mean = value(share) * (1.0 + 0.06 * (share * span_s as f64 / DAY_S as f64 * TAU).sin());
        let swing = 0.08 + 0.06 * f64::from(u8::from(i % 41 == 7));
        Rolled {
            series: Arc::clone(&q.series),
            unit: unit.into(),
            at: q.from + i * step_s,
            known: step_s as u32,
            mean,
            least: mean * (1.0 - swing),
            most: mean * (1.0 + 2.0 * swing),
        }
    };
    let missing = steps * 2 / 5..steps * 2 / 5 + steps / 30;
    let points = (0..steps).filter(|i| !missing.contains(i)).map(point).collect();
    answer(asker, Query::Trend(q), Found::Trend(points))
}

fn events(alarms: &[Alarm]) -> Vec<Event> {
    let mut kinds: Vec<(u64, EventKind)> = alarms
        .iter()
        .map(|a| {
            let raised = EventKind::AlarmRaised {
                alarm: a.id.clone(),
                source: Arc::clone(&a.source),
                topic: a.topic,
                priority: a.priority,
                value: a.value,
                limit: a.limit,
                unit: Arc::clone(&a.unit),
                text: Arc::clone(&a.text),
                advice: Arc::clone(&a.advice),
            };
            (now().wall.duration_since(a.since).as_millis().unsigned_abs() as u64, raised)
        })
        .collect();
    let finished = |run, passed| EventKind::RunFinished {
        run,
        task: "cameras".into(),
        who: "r.kumar".into(),
        passed,
        abandoned: false,
        record: None,
    };
    kinds.extend([
        (3_600_000, finished(41, true)),
        (90_000_000, finished(40, false)),
        (16_000, EventKind::Note { text: "shift change".into() }),
        (1_053_000_000, EventKind::EngineStarted { version: "0.1.0".into(), pid: 4711 }),
    ]);
    kinds.sort_by_key(|k| k.0);
    let event =
        |(i, (back, kind)): (usize, (u64, EventKind))| Event { seq: NEWEST - i as u64, at: ago(back).wall, kind };
    kinds.into_iter().enumerate().map(event).collect()
}

fn waveform(event: u64) -> EventWaveform {
    let n = 250;
    let t = |i: usize| (i as f64 - n as f64 + 1.0) / 25.0;
    let wave = |phase: f64, size: f64| (0..n).map(|i| (size * (TAU * 4.1 * t(i) + phase).sin()) as f32).collect();
    let wave = Waveform {
        t_s: (0..n).map(|i| t(i) as f32).collect(),
        dx_px: wave(0.4, 0.3),
        dy_px: wave(0.0, 0.9),
        sigma_px: vec![0.02; n],
    };
    EventWaveform { event, at: ago(16_000).wall, roi: "east-bearing".into(), wave: Arc::new(wave) }
}

/// What the journal told: trends, the first page of events, the waveform of the first alarm, a run's answers.
pub(super) fn answers(alarms: &[Alarm]) -> Arc<[Arc<Answer>]> {
    let velocity = || roi_series(&"east-bearing".into(), Quantity::VelocityRmsMmS);
    let grows = |share: f64| 2.6 + 2.4 * share * share;
    let list = events(alarms);
    let raised =
        list.iter().find(|e| matches!(&e.kind, EventKind::AlarmRaised { source, .. } if &**source == "east-bearing"));
    let raised = raised.map(|e| e.seq);
    let page = |subject: Option<&str>| {
        let about = |e: &&Event| subject.is_none_or(|s| e.kind.subject().as_deref() == Some(s));
        let events: Arc<[Event]> = list.iter().filter(about).cloned().collect();
        let query = EventQuery { subject: subject.map(Into::into), limit: 200, ..EventQuery::default() };
        answer(Asker::List, Query::Events(query), Found::Events { events, more: subject.is_none() })
    };
    let mut all = vec![
        trend(Asker::Region, velocity(), "mm/s", (3600, 60), |_| 4.9),
        trend(Asker::Region, velocity(), "mm/s", (30 * DAY_S, 3600), grows),
        trend(Asker::Region, velocity(), "mm/s", (365 * DAY_S, 3600), grows),
        trend(Asker::Indicator, indicator_series("cpu"), "%", (30 * DAY_S, 3600), |_| 24.0),
        trend(Asker::Indicator, indicator_series("disk./srv/videos"), "%", (30 * DAY_S, 3600), |s| 78.0 - 34.0 * s),
        page(None),
        page(Some("east-bearing.velocity_rms_mm_s")),
    ];
    if let Some(event) = raised {
        let waves = Arc::new([waveform(event)]);
        all.push(answer(Asker::Detail, Query::Waveforms { event }, Found::Waveforms(waves)));
    }
    let of_run = EventQuery {
        kinds: vec!["run_started".into(), "step_answered".into()],
        subject: Some("41".into()),
        limit: 200,
        ..EventQuery::default()
    };
    let begun =
        EventKind::RunStarted { run: 41, task: "cameras".into(), who: "r.kumar".into(), subject: None, because: None };
    let step = |step: &str, who: &str, line: &str| EventKind::StepAnswered {
        run: 41,
        step: step.into(),
        answer: StepAnswer { outcome: Outcome::Passed, evidence: vec![line.into()] },
        who: who.into(),
    };
    let kinds = [step("look", "r.kumar", "all four are sharp"), step("verify", "vms", "4 of 4 cameras live"), begun];
    let event = |(i, kind)| Event {
        seq: 184_100 - i as u64,
        at: ago(3_700_000).wall.checked_sub(SignedDuration::from_secs(i as i64 * 40)).unwrap_or(now().wall),
        kind,
    };
    let events = kinds.into_iter().enumerate().map(event).collect();
    all.push(answer(Asker::Detail, Query::Events(of_run), Found::Events { events, more: false }));
    all.into()
}

/// Three nodes; one with an alarm that nobody acknowledged, one not heard of.
pub(super) fn fleet() -> Arc<[NodeState]> {
    let node = |site: &str, node: &str, age_s: f64, worst: Option<(Priority, &str)>| NodeState {
        site: site.into(),
        node: node.into(),
        version: "0.1.0".into(),
        engine: "running".into(),
        last_seen: ago((age_s * 1000.0) as u64 + 2000).wall,
        age_s,
        read: ago(2000),
        alarms: u32::from(worst.is_some()),
        unacknowledged: u32::from(worst.is_some()),
        worst: worst.map(|(p, t)| (p, t.into())),
        cameras_live: 4,
        cameras: 4,
        plcs_live: 2,
        plcs: 2,
        queued: Some(0),
    };
    let mut gone = node("BF3", "bf3-vms-1", 7384.0, None);
    gone.queued = None;
    let mut alarm =
        node("BF1", "bf1-vms-1", 3.0, Some((Priority::High, "west-bearing: velocity 9.12 above 7.10 mm/s")));
    alarm.cameras_live = 3;
    Arc::new([node("BF2", "bf2-vms-1", 1.0, None), alarm, gone])
}
