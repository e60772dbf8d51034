//! What is known of a PLC: its counters, the values of its tags, and the state that follows from them; no I/O.

use std::sync::Arc;
use std::time::Duration;

use super::codec::Fault;
use crate::base::clock::Now;
use crate::base::stats::Sampled;
use crate::config::sections::Plc;
use crate::model::bus::{Demand, PlcReport, PlcState, TagValue};

/// Response times that the percentiles look back over.
const SAMPLES: usize = 500;
/// Failures in a row after which a tag's old value is not shown any more.
const STALE_AFTER: u8 = 3;

/// The running account of one PLC.
#[derive(Debug)]
pub struct Ledger {
    report: PlcReport,
    response_ms: Sampled,
    failures: Vec<u8>,
    /// Newest sign of life: a good answer or an exception.
    heard: Now,
    /// Something was heard since it was last lost.
    answers: bool,
    /// Silence after which the PLC is lost.
    lost_after: Duration,
    poll_fault: Option<Arc<str>>,
    where_: Arc<str>,
}

impl Ledger {
    /// Nothing is known yet.
    pub fn new(cfg: &Plc, index: u16, now: Now) -> Self {
        let tags: Vec<TagValue> = cfg
            .tags
            .iter()
            .map(|t| TagValue {
                id: t.id.clone(),
                table: t.table,
                address: t.address,
                access: t.access,
                value: None,
                at: None,
                wanted: None,
            })
            .collect();
        Self {
            failures: vec![0; tags.len()],
            report: PlcReport {
                index,
                state: PlcState::Connecting,
                since: now,
                text: None,
                polls: 0,
                errors: 0,
                timeouts: 0,
                crc_errors: 0,
                exceptions: 0,
                reopens: 0,
                response_ms_p50: None,
                response_ms_p99: None,
                last_answer: None,
                tags,
                dropped_frames: 0,
            },
            response_ms: Sampled::new(SAMPLES),
            heard: now,
            answers: false,
            lost_after: (cfg.poll_interval * 3).max(Duration::from_secs(1)),
            poll_fault: None,
            where_: format!("unit {} at {}", cfg.unit, cfg.port).into(),
        }
    }

    pub fn report(&self) -> PlcReport {
        PlcReport {
            response_ms_p50: self.response_ms.percentile(50.0),
            response_ms_p99: self.response_ms.percentile(99.0),
            ..self.report.clone()
        }
    }

    pub fn state(&self) -> PlcState {
        self.report.state
    }

    pub fn frame_dropped(&mut self) {
        self.report.dropped_frames += 1;
    }

    pub fn reopened(&mut self) {
        self.report.reopens += 1;
    }

    pub fn wanted(&mut self, demands: &[Option<Demand>], heartbeat: u16) {
        for (tag, d) in self.report.tags.iter_mut().zip(demands) {
            tag.wanted = d.map(|d| match d {
                Demand::Value(v) => v,
                Demand::Heartbeat => heartbeat,
            });
        }
    }

    pub fn good(&mut self, values: &[(usize, u16)], response_ms: f64, now: Now) {
        self.report.polls += 1;
        self.response_ms.push(response_ms);
        self.report.last_answer = Some(now);
        self.heard = now;
        self.answers = true;
        for (i, v) in values {
            self.failures[*i] = 0;
            self.report.tags[*i].value = Some(*v);
            self.report.tags[*i].at = Some(now);
        }
    }

    pub fn bad(&mut self, fault: &Fault, asked: &str, tags: impl Iterator<Item = usize>, now: Now) {
        let r = &mut self.report;
        r.polls += 1;
        r.errors += 1;
        match fault {
            Fault::Timeout { .. } => r.timeouts += 1,
            Fault::Crc { .. } => r.crc_errors += 1,
            Fault::Exception(_) => {
                r.exceptions += 1;
                // Who refuses is alive.
                self.heard = now;
                self.answers = true;
            }
            _ => {}
        }
        for i in tags {
            self.failures[i] = self.failures[i].saturating_add(1);
            if self.failures[i] >= STALE_AFTER {
                self.report.tags[i].value = None;
            }
        }
        self.poll_fault = Some(format!("{asked}: {fault}").into());
    }

    /// Judges the state after a poll or a request; true when it changed.
    ///
    /// `whole` says that a poll is complete: only then can a PLC become live again.
    pub fn judge(&mut self, whole: bool, now: Now) -> bool {
        let silent = now.mono.since(self.heard.mono);
        let fault = if whole { self.poll_fault.take() } else { self.poll_fault.clone() };
        let (state, text) = if silent >= self.lost_after {
            (PlcState::Lost, Some(self.silence_text(fault)))
        } else if self.answers && fault.is_some() {
            (PlcState::Degraded, fault)
        } else if self.answers && whole {
            (PlcState::Live, None)
        } else {
            // Not known better yet: what was just read must not be forgotten by entering "lost" again.
            return false;
        };
        self.enter(state, text, now)
    }

    fn silence_text(&self, fault: Option<Arc<str>>) -> Arc<str> {
        let fault = fault.map_or_else(String::new, |f| format!(" ({f})"));
        format!(
            "{}: no good answer{fault}; check its power, the wiring, unit number, baud rate and parity; trying again",
            self.where_
        )
        .into()
    }

    /// The port is gone or cannot be opened; true when the state changed.
    pub fn gone(&mut self, text: &str, now: Now) -> bool {
        self.enter(PlcState::Lost, Some(text.into()), now)
    }

    /// A port was opened: the PLC gets its time to answer before the silence counts.
    pub fn opened(&mut self, now: Now) {
        self.heard = now;
    }

    fn enter(&mut self, state: PlcState, text: Option<Arc<str>>, now: Now) -> bool {
        if state == PlcState::Lost {
            self.answers = false;
            for t in &mut self.report.tags {
                t.value = None;
            }
        }
        self.report.text = text;
        let changed = self.report.state != state;
        if changed {
            self.report.state = state;
            self.report.since = now;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{Clock, SimClock};
    use crate::config::sections::{Parity, Tag};
    use crate::model::bus::{Access, Table};

    fn ledger(clock: &SimClock) -> Ledger {
        let cfg = Plc {
            id: "p".into(),
            port: "/dev/ttyUSB0".into(),
            baud_rate: 19200,
            parity: Parity::Even,
            unit: 1,
            poll_interval: Duration::from_millis(200),
            timeout: Duration::from_millis(500),
            tags: vec![Tag { id: "t".into(), table: Table::Coil, address: 0, access: Access::Read, source: None }],
        };
        Ledger::new(&cfg, 0, clock.now())
    }

    #[test]
    fn live_then_degraded_then_lost_without_values_then_live() {
        let clock = SimClock::new(jiff::Timestamp::UNIX_EPOCH);
        let mut l = ledger(&clock);
        let timeout = Fault::Timeout { ms: 500 };
        l.good(&[(0, 1)], 3.0, clock.now());
        assert!(l.judge(true, clock.now()));
        assert_eq!((l.state(), l.report().tags[0].value), (PlcState::Live, Some(1)));
        clock.advance(Duration::from_millis(500));
        l.bad(&timeout, "read coil 0", [0].into_iter(), clock.now());
        assert!(l.judge(true, clock.now()));
        assert_eq!(l.state(), PlcState::Degraded);
        clock.advance(Duration::from_millis(500));
        l.bad(&timeout, "read coil 0", [0].into_iter(), clock.now());
        assert!(l.judge(true, clock.now()));
        let r = l.report();
        assert_eq!((r.state, r.tags[0].value, r.timeouts, r.errors), (PlcState::Lost, None, 2, 2));
        assert!(r.text.unwrap().contains("check its power"));
        clock.advance(Duration::from_millis(200));
        l.good(&[(0, 0)], 3.0, clock.now());
        assert!(!l.judge(false, clock.now()));
        assert_eq!(l.report().tags[0].value, Some(0));
        assert!(l.judge(true, clock.now()));
        assert_eq!((l.state(), l.report().text), (PlcState::Live, None));
    }

    #[test]
    fn refusals_are_a_sign_of_life() {
        let clock = SimClock::new(jiff::Timestamp::UNIX_EPOCH);
        let mut l = ledger(&clock);
        for _ in 0..10 {
            clock.advance(Duration::from_millis(200));
            l.bad(&Fault::Exception(2), "read coil 0", [0].into_iter(), clock.now());
            l.judge(true, clock.now());
        }
        let r = l.report();
        assert_eq!((r.state, r.exceptions, r.last_answer), (PlcState::Degraded, 10, None));
    }
}
