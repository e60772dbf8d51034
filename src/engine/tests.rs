//! The decider stepped by hand: from a sample to the PLC's demand, and from a wish to what counts.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::core::Request;
use super::restore::Past;
use super::{Core, Input, Intake, Outlets};
use crate::base::clock::{Clock, SimClock};
use crate::config::Config;
use crate::historian::care::CareOut;
use crate::journal::{Write, WriterOut};
use crate::model::alarm::AlarmState;
use crate::model::board::Board;
use crate::model::bus::Demand;
use crate::model::camera::{CameraReport, CameraState, Picture};
use crate::model::database::{CareJob, CareRecord, DatabaseReport, DatabaseWish};
use crate::model::event::{Event, EventKind};
use crate::model::intent::{Intent, IntentKind};
use crate::model::vibration::{Fit, Sample};
use crate::upkeep::Catalogue;

const SITE: &str = r#"
[[camera]]
id = "deck"
url = "rtsp://127.0.0.1/s"
expected_fps = 25
scale_mm_per_px = 0.5
[[camera.roi]]
id = "east"
rect = [10, 10, 64, 64]
role = "asset"
limits = [{ quantity = "displacement_pp_px", alarm = 1.0, on_delay = "0s", off_delay = "1s" }]
[[plc]]
id = "bus"
port = "/dev/null"
[[plc.tag]]
id = "alarm"
table = "coil"
address = 100
access = "write"
source = "alarm:east"
"#;

struct Bench {
    core: Core,
    requests: Receiver<Request>,
    clock: Arc<SimClock>,
    board: watch::Receiver<Arc<Board>>,
    demand: watch::Receiver<Arc<[Option<Demand>]>>,
    writes: Receiver<Write>,
    inbox: Receiver<Input>,
    intake: Intake,
    frame: u64,
}

fn bench(past: &Past, room_for_writes: usize) -> Bench {
    bench_of(SITE, past, room_for_writes)
}

fn bench_of(site: &str, past: &Past, room_for_writes: usize) -> Bench {
    let config = Config::parse(site, "test", Path::new("."), &|_| None).unwrap().config;
    let clock = Arc::new(SimClock::new(Timestamp::UNIX_EPOCH));
    clock.advance(Duration::from_secs(100));
    let (intake, inbox) = Intake::channel();
    let (writer, writes) = sync_channel(room_for_writes);
    let empty = Board::empty("s", "n", jiff::tz::TimeZone::UTC, clock.now());
    let (board_tx, board) = watch::channel(Arc::new(empty));
    let nothing: Arc<[Option<Demand>]> = vec![None].into();
    let (tx, requests) = sync_channel(16);
    let (demand_tx, demand) = watch::channel(nothing);
    let out =
        Outlets { writer, board: board_tx, demands: vec![demand_tx], requests: Box::new(move |r| _ = tx.try_send(r)) };
    let time: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    let catalogue = Catalogue::built_in().unwrap();
    let core = Core::new(Arc::new(config), time, intake.clone(), past, catalogue, |_, _| None, out);
    let mut b = Bench { core, requests, clock, board, demand, writes, inbox, intake, frame: 0 };
    b.camera(CameraState::Live);
    b
}

impl Bench {
    fn camera(&mut self, state: CameraState) {
        let report = CameraReport {
            index: 0,
            state,
            since: self.clock.now(),
            text: None,
            codec: None,
            size: None,
            fps: None,
            latency_ms_p50: None,
            latency_ms_p99: None,
            jitter_ms: None,
            lost_frames: 0,
            bitrate_kbps: None,
            reconnects: 0,
            last_frame: None,
            picture: Picture::Clear,
            sharpness: None,
            roi_faults: vec![],
            attempts: vec![],
            dropped_samples: 0,
        };
        self.intake.push(Input::Camera(Box::new(report)));
        self.turn();
    }

    /// Takes what waits, and decides once.
    fn turn(&mut self) {
        while let Ok(input) = self.inbox.try_recv() {
            self.core.take(input);
        }
        self.core.step();
    }

    /// Frames of a sine of this amplitude.
    fn shake(&mut self, frames: u64, amplitude_px: f64) {
        for _ in 0..frames {
            self.clock.advance(Duration::from_millis(40));
            self.frame += 1;
            let t_s = self.frame as f64 * 0.04;
            let sample = Sample {
                t_s,
                arrival: self.clock.now().mono,
                dx_px: amplitude_px * (t_s * 20.0).sin(),
                sigma_px: 0.01,
                fit: Fit::Good,
                ..Sample::default()
            };
            self.intake.push(Input::Samples(sample.into()));
            self.turn();
        }
    }

    fn ask(&mut self, kind: IntentKind) -> Receiver<Result<String, String>> {
        let (tx, rx) = sync_channel(1);
        self.intake.push(Input::Intent(Box::new(Intent { who: "ann".into(), why: None, kind, reply: Some(tx) })));
        self.turn();
        rx
    }

    fn durable(&mut self, up_to_seq: u64) {
        self.intake.push(Input::Writer(WriterOut::Durable { up_to_seq, commit_ms: 1.0 }));
        self.turn();
    }

    fn written(&self) -> Vec<Event> {
        let events = self.writes.try_iter().filter_map(|w| match w {
            Write::Event(e) | Write::Urgent(e) => Some(e),
            _ => None,
        });
        events.collect()
    }

    fn coil(&self) -> Option<Demand> {
        self.demand.borrow()[0]
    }

    fn states(&self) -> Vec<AlarmState> {
        self.board.borrow().alarms.iter().map(|a| a.state).collect()
    }
}

#[test]
fn the_coil_is_wanted_within_the_frame_that_breaks_the_limit() {
    let mut b = bench(&Past::default(), 1000);
    b.shake(100, 0.2);
    assert_eq!(b.coil(), Some(Demand::Value(0)));
    // One frame far out: peak to peak is above the limit at once, and the on-delay is nothing.
    b.shake(1, 40.0);
    assert_eq!(b.coil(), Some(Demand::Value(1)));
    assert!(b.written().iter().any(|e| matches!(e.kind, EventKind::AlarmRaised { .. })));
}

#[test]
fn alarms_reach_the_plc_although_the_journal_takes_nothing() {
    let mut b = bench(&Past::default(), 1);
    b.shake(100, 0.2);
    b.shake(1, 40.0);
    assert_eq!(b.coil(), Some(Demand::Value(1)));
    let refused = b.ask(IntentKind::AcknowledgeAll).try_recv().unwrap();
    assert!(refused.unwrap_err().contains("nothing was saved"));
    // The board follows at its own pace.
    b.clock.advance(Duration::from_millis(200));
    b.turn();
    assert_eq!(b.states(), [AlarmState::ActiveUnacknowledged]);
}

#[test]
fn an_acknowledgment_counts_when_it_is_durable() {
    let mut b = bench(&Past::default(), 1000);
    b.shake(100, 0.2);
    b.shake(10, 3.0);
    let alarm = b.board.borrow().alarms[0].id.clone();
    let reply = b.ask(IntentKind::Acknowledge(alarm.clone()));
    b.shake(10, 3.0);
    assert!(reply.try_recv().is_err());
    assert_eq!(b.states(), [AlarmState::ActiveUnacknowledged]);
    assert!(b.board.borrow().alarms[0].acknowledging);
    let last = b.written().last().unwrap().seq;
    b.durable(last);
    assert!(reply.try_recv().unwrap().is_ok());
    assert_eq!(b.states(), [AlarmState::ActiveAcknowledged]);
    let unknown = b.ask(IntentKind::Acknowledge("no.such".into())).try_recv().unwrap();
    assert!(unknown.unwrap_err().contains("no.such"));
    assert_eq!(b.board.borrow().alarms[0].id, alarm);
}

#[test]
fn a_lost_camera_neither_clears_nor_raises_vibration() {
    let mut b = bench(&Past::default(), 1000);
    b.shake(100, 0.2);
    b.shake(20, 3.0);
    b.camera(CameraState::Lost);
    for _ in 0..50 {
        b.clock.advance(Duration::from_millis(200));
        b.turn();
    }
    assert_eq!(b.coil(), Some(Demand::Value(1)), "what is not seen has not gone");
    let board = b.board.borrow().clone();
    let ids: Vec<&str> = board.alarms.iter().map(|a| a.id.as_str()).collect();
    assert!(ids.contains(&"camera.deck") && ids.contains(&"east.displacement_pp_px"), "{ids:?}");
    assert_eq!(board.cameras[0].rois[0].level.word(), "unknown");
}

#[test]
fn a_restart_goes_on_where_the_record_ends() {
    let mut first = bench(&Past::default(), 1000);
    first.shake(100, 0.2);
    first.shake(20, 3.0);
    let alarms = first.board.borrow().alarms.to_vec();
    let last_seq = first.written().last().unwrap().seq;
    let past = Past { last_seq, alarms: alarms.clone(), events: last_seq, ..Past::default() };
    let mut again = bench(&past, 1000);
    again.shake(1, 0.0);
    assert_eq!(again.board.borrow().alarms.to_vec().len(), alarms.len());
    assert_eq!(again.coil(), Some(Demand::Value(1)), "active until measured otherwise");
    assert!(again.written().iter().all(|e| e.seq > last_seq), "no number is given twice");
}

#[test]
fn an_alarm_keeps_the_waveform_before_and_after_it() {
    let mut b = bench(&Past::default(), 10_000);
    b.shake(100, 0.2);
    b.shake(1, 40.0);
    let all: Vec<Write> = b.writes.try_iter().collect();
    let raised = all.iter().find_map(|w| match w {
        Write::Event(e) if matches!(e.kind, EventKind::AlarmRaised { .. }) => Some(e.seq),
        _ => None,
    });
    let waves = |all: &[Write]| -> Vec<u64> {
        let wave = |w: &Write| if let Write::Waveform(w) = w { Some(w.event) } else { None };
        all.iter().filter_map(wave).collect()
    };
    assert_eq!(waves(&all), [raised.unwrap()], "what led to it, at once");
    // Seven seconds at 25 frames a second.
    b.shake(175, 0.2);
    let later: Vec<Write> = b.writes.try_iter().collect();
    assert!(waves(&later).contains(&raised.unwrap()), "and what followed");
    let series: Vec<String> = later
        .iter()
        .filter_map(|w| if let Write::Values { values, .. } = w { Some(values) } else { None })
        .flatten()
        .map(|v| v.series.to_string())
        .collect();
    assert!(series.iter().any(|s| s.starts_with("roi.") && s.ends_with(".displacement_pp_mm")), "{series:?}");
    assert!(!series.iter().any(|s| s.ends_with(".displacement_pp_px")), "that comes with the seconds: {series:?}");
}

#[test]
fn a_question_about_the_past_goes_out_and_its_answer_comes_on_the_board() {
    use crate::model::history::{Answer, Ask, Asker, Found, Query};
    let mut b = bench(&Past::default(), 1000);
    let ask = Ask { asker: Asker::Detail, query: Query::Waveforms { event: 7 } };
    let intent = Intent { who: "a".into(), why: None, kind: IntentKind::History(ask.clone()), reply: None };
    b.core.take(Input::Intent(Box::new(intent)));
    let sent = b.requests.try_iter().any(|r| matches!(r, Request::History(a) if a == ask));
    assert!(sent, "the decider asks and does not wait");
    let at = b.clock.now();
    let found = Ok(Found::Waveforms(Arc::new([])));
    let answer = Answer { asker: ask.asker, query: ask.query, at, took_ms: 1.0, source: "journal", found };
    b.core.take(Input::History(Box::new(answer.clone())));
    assert_eq!(b.board.borrow().history.last().map(|a| (**a).clone()), Some(answer), "at once: somebody waits for it");
    b.core.take(Input::Fleet(vec![]));
    assert!(b.board.borrow().fleet.is_empty());
}

#[test]
fn a_wish_for_the_database_is_handed_on_and_its_result_is_an_event() {
    let mut b = bench(&Past::default(), 1000);
    let stop = IntentKind::Database(DatabaseWish::StopJob);
    assert!(b.ask(stop.clone()).try_recv().unwrap().unwrap_err().contains("no database is configured"));
    let site = format!("{SITE}[historian]\nurl = \"postgres://vms@127.0.0.1/x\"\n");
    let mut b = bench_of(&site, &Past::default(), 1000);
    assert!(b.ask(stop.clone()).try_recv().unwrap().unwrap_err().contains("no database job is running"));
    let wish = DatabaseWish::Vacuum(Some("vms.event".into()));
    let said = b.ask(IntentKind::Database(wish.clone())).try_recv().unwrap().unwrap();
    assert!(said.contains("VACUUM ANALYZE of vms.event"), "{said}");
    assert!(b.requests.try_iter().any(|r| matches!(r, Request::Database { wish: w, .. } if w == wish)));

    let record = CareRecord {
        job: CareJob::Vacuum,
        table: Some("vms.event".into()),
        who: "r.kumar".into(),
        passed: true,
        text: "done".into(),
        seconds: 1.5,
        before: None,
        after: None,
    };
    b.intake.push(Input::Database(Box::new(CareOut::Report(Box::default()))));
    b.intake.push(Input::Database(Box::new(CareOut::NoReport("gone".into()))));
    b.intake.push(Input::Database(Box::new(CareOut::Done(record.clone()))));
    b.turn();
    let care = |e: &Event| matches!(&e.kind, EventKind::DatabaseCare { record: r } if **r == record);
    let written = b.written();
    let event = written.iter().find(|e| care(e)).expect("it is in the record");
    assert_eq!(event.kind.subject().as_deref(), Some("vacuum vms.event"));
    let text = serde_json::to_string(event).unwrap();
    assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), *event, "{text}");
    b.clock.advance(Duration::from_secs(1));
    b.turn();
    let board = Arc::clone(&b.board.borrow());
    assert_eq!(board.database.last.as_deref(), Some(&record));
    assert_eq!(board.database.text.as_deref(), Some("gone"), "the report of before stays, and that it is old is said");
    assert!(board.database.report.as_deref().is_some_and(|r| r.at == DatabaseReport::default().at));
}

#[test]
fn a_scale_that_cannot_be_kept_is_shown_until_it_can() {
    let mut b = bench(&Past::default(), 1000);
    let camera = b.board.borrow().cameras[0].id.clone();
    let mut kept = |text: &str, bad: bool| {
        b.clock.advance(Duration::from_secs(1));
        b.intake.push(Input::ScaleKept { camera: camera.clone(), text: text.into(), bad });
        b.turn();
        let noted = b.written().iter().any(|e| matches!(&e.kind, EventKind::Note { text: t } if t.as_ref() == text));
        assert!(noted, "it is in the record either way");
        b.board.borrow().cameras[0].scale_unkept.clone()
    };
    let told = "vms.toml cannot be written: Read-only file system; put it there by hand";
    assert_eq!(kept(told, true).as_deref(), Some(told));
    assert_eq!(kept("vms.toml: scale_mm_per_px = 0.45", false), None);
}
