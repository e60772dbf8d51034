//! The PLC master end to end on a pseudo-terminal: against an independent server, and against a hostile peer.

#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "helpers of a test")]

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_modbus::prelude::*;
use tokio_modbus::server::Service;
use tokio_serial::{SerialPort, SerialStream};
use vms::base::clock::SystemClock;
use vms::base::shutdown::Shutdown;
use vms::config::sections::{Parity, Plc, Tag};
use vms::model::bus::{Access, BusFrame, Demand, Direction, PlcReport, PlcState, Table, Verdict};
use vms::plc::codec::crc16;
use vms::plc::{PlcOut, run};

/// Nothing here takes a second on an idle machine; a busy one may take its time.
const PATIENCE: Duration = Duration::from_mins(1);

/// Both ends of a line; the far end keeps the near one open, as a pseudo-terminal demands.
fn line(link: &Path) -> (SerialStream, std::fs::File) {
    let (far, mut near) = SerialStream::pair().expect("pty");
    near.set_exclusive(false).expect("shared");
    let name = near.name().expect("name of the pty");
    // A plain file holds no lock, so the master may have the port for itself.
    let held = std::fs::File::options().read(true).write(true).open(&name).expect("near end");
    drop(near);
    let fresh = link.with_extension("new");
    std::os::unix::fs::symlink(name, &fresh).expect("link");
    std::fs::rename(&fresh, link).expect("rename");
    (far, held)
}

fn tag(id: &str, table: Table, address: u16, access: Access) -> Tag {
    Tag { id: id.into(), table, address, access, source: None }
}

struct Rig {
    out: mpsc::Receiver<PlcOut>,
    demands: watch::Sender<Arc<[Option<Demand>]>>,
    shutdown: Shutdown,
    reset: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Rig {
    fn start(link: &Path, tags: Vec<Tag>) -> Self {
        let cfg = Plc {
            id: "plc".into(),
            port: link.to_str().expect("path").into(),
            baud_rate: 115_200,
            parity: Parity::None,
            unit: 7,
            poll_interval: Duration::from_millis(20),
            timeout: Duration::from_millis(800),
            tags,
        };
        let (tx, out) = mpsc::channel(100_000);
        let none: Arc<[Option<Demand>]> = vec![None; cfg.tags.len()].into();
        let (demands, rx) = watch::channel(none);
        let (shutdown, reset) = (Shutdown::new(), Arc::new(Notify::new()));
        let task = tokio::spawn(run(
            cfg,
            0,
            Arc::new(SystemClock::new()),
            shutdown.clone(),
            rx,
            Arc::clone(&reset),
            Box::new(move |o| tx.try_send(o).is_ok()),
        ));
        Self { out, demands, shutdown, reset, task }
    }

    async fn report(&mut self, what: &str, mut good: impl FnMut(&PlcReport) -> bool) -> PlcReport {
        let mut last = None;
        let find = async {
            loop {
                match self.out.recv().await.expect("the master runs") {
                    PlcOut::Report(r) if good(&r) => return r,
                    PlcOut::Report(o) => {
                        last = Some(format!("{:?} {:?} {} {} {:?}", o.state, o.text, o.polls, o.errors, o.tags));
                    }
                    PlcOut::Frame(_) => {}
                }
            }
        };
        timeout(PATIENCE, find).await.unwrap_or_else(|_| panic!("no report: {what}; last {last:?}"))
    }

    async fn frame(&mut self, what: &str, mut good: impl FnMut(&BusFrame) -> bool) -> BusFrame {
        let mut last = None;
        let find = async {
            loop {
                match self.out.recv().await.expect("the master runs") {
                    PlcOut::Frame(f) if good(&f) => return f,
                    PlcOut::Report(o) => {
                        last = Some(format!("{:?} {:?} {} {} {:?}", o.state, o.text, o.polls, o.errors, o.tags));
                    }
                    PlcOut::Frame(_) => {}
                }
            }
        };
        timeout(PATIENCE, find).await.unwrap_or_else(|_| panic!("no frame: {what}; last {last:?}"))
    }

    async fn bad(&mut self, words: &str) -> BusFrame {
        self.frame(words, |f| matches!(&f.verdict, Verdict::Bad(t) if t.contains(words))).await
    }

    async fn end(self) {
        self.shutdown.ask();
        timeout(PATIENCE, self.task).await.expect("ends in time").expect("no panic");
    }
}

#[derive(Clone, Default)]
struct Memory {
    coils: Arc<Mutex<HashMap<u16, bool>>>,
    registers: Arc<Mutex<HashMap<u16, u16>>>,
}

impl Memory {
    fn answer(&self, request: &Request<'_>) -> Result<Response, ExceptionCode> {
        let mut coils = self.coils.lock().unwrap();
        let mut registers = self.registers.lock().unwrap();
        let mut store = |a: u16, v: u16| registers.insert(a, v);
        Ok(match request {
            Request::ReadCoils(a, n) => {
                Response::ReadCoils((*a..a + n).map(|i| coils.get(&i) == Some(&true)).collect())
            }
            Request::ReadDiscreteInputs(_, n) => Response::ReadDiscreteInputs(vec![true; usize::from(*n)]),
            // Of the registers from 9000 on, no two lie together.
            Request::ReadHoldingRegisters(a, n) if *n > 1 && *a >= 9000 && *a < 9010 => {
                return Err(ExceptionCode::IllegalDataAddress);
            }
            Request::ReadHoldingRegisters(a, n) => {
                Response::ReadHoldingRegisters((*a..a + n).map(|i| *registers.get(&i).unwrap_or(&i)).collect())
            }
            Request::ReadInputRegisters(a, n) => Response::ReadInputRegisters((*a..a + n).map(|i| i * 2).collect()),
            Request::WriteSingleCoil(a, v) => {
                coils.insert(*a, *v);
                Response::WriteSingleCoil(*a, *v)
            }
            Request::WriteMultipleCoils(a, v) => {
                coils.extend(v.iter().enumerate().map(|(i, on)| (a + i as u16, *on)));
                Response::WriteMultipleCoils(*a, v.len() as u16)
            }
            Request::WriteSingleRegister(a, v) => {
                store(*a, *v);
                Response::WriteSingleRegister(*a, *v)
            }
            // Functions 15 and 16 are not everywhere.
            _ => return Err(ExceptionCode::IllegalFunction),
        })
    }
}

impl Service for Memory {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, req: Self::Request) -> Self::Future {
        ready(self.answer(&req.request))
    }
}

fn value(r: &PlcReport, id: &str) -> Option<u16> {
    r.tags.iter().find(|t| t.id.as_str() == id).and_then(|t| t.value)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_writes_and_counts_against_an_independent_server() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("plc");
    let (far, _near) = line(&link);
    let memory = Memory::default();
    let server = tokio::spawn(tokio_modbus::server::rtu::Server::new(far).serve_forever(memory.clone()));
    let tags = vec![
        tag("running", Table::Discrete, 3, Access::Read),
        tag("speed", Table::Holding, 40, Access::Read),
        tag("load", Table::Input, 21, Access::Read),
        tag("alarm-a", Table::Coil, 100, Access::Write),
        tag("alarm-b", Table::Coil, 101, Access::Write),
        tag("heartbeat", Table::Holding, 100, Access::Write),
        tag("level", Table::Holding, 101, Access::Write),
        tag("low", Table::Holding, 9001, Access::Read),
        tag("far", Table::Holding, 9010, Access::Read),
    ];
    let mut rig = Rig::start(&link, tags);
    // "low" and "far" are first asked for together, refused, and then apart.
    let r = rig.report("live", |r| r.state == PlcState::Live && value(r, "far").is_some()).await;
    let got = ["running", "speed", "load", "low", "far", "alarm-a"].map(|t| value(&r, t));
    assert_eq!(got, [Some(1), Some(40), Some(42), Some(9001), Some(9010), None]);
    let mut want: Vec<Option<Demand>> = vec![None; 9];
    want[3] = Some(Demand::Value(1));
    want[4] = Some(Demand::Value(0));
    want[5] = Some(Demand::Heartbeat);
    want[6] = Some(Demand::Value(1234));
    rig.demands.send_replace(want.into());
    rig.report("written", |r| value(r, "alarm-a") == Some(1) && value(r, "level") == Some(1234)).await;
    assert_eq!(memory.coils.lock().unwrap().get(&100), Some(&true));
    assert_eq!(memory.coils.lock().unwrap().get(&101), Some(&false));
    let beat = memory.registers.lock().unwrap()[&100];
    // A PLC that lost its memory has everything again without any change of the demands.
    memory.coils.lock().unwrap().clear();
    rig.frame("asserted again", |_| memory.coils.lock().unwrap().get(&100) == Some(&true)).await;
    let r = rig.report("heartbeat", |r| value(r, "heartbeat").is_some_and(|v| v > beat)).await;
    assert!(r.response_ms_p50.is_some() && r.timeouts == 0 && r.crc_errors == 0, "{r:?}");
    rig.end().await;
    server.abort();
}

/// What the hostile peer does with the request of that running number.
enum Trick {
    Whole(Vec<u8>),
    ByteByByte(Vec<u8>),
    Silent,
}

fn answer(unit: u8, value: u16) -> Vec<u8> {
    let [h, l] = value.to_be_bytes();
    let mut f = vec![unit, 3, 2, h, l];
    f.extend(crc16(&f).to_le_bytes());
    f
}

/// Answers each 8-byte request by the trick of its number; `late` makes it send one more answer unasked.
async fn hostile(mut far: SerialStream, mut late: mpsc::Receiver<Vec<u8>>, trick: impl Fn(u32) -> Trick) {
    let mut n = 0;
    let mut request = [0; 8];
    let mut have = 0;
    loop {
        tokio::select! {
            Some(bytes) = late.recv() => far.write_all(&bytes).await.expect("peer writes"),
            r = far.read(&mut request[have..]) => {
                have += r.expect("peer reads");
                if have < request.len() {
                    continue;
                }
                have = 0;
                match trick(n) {
                    Trick::Whole(bytes) => far.write_all(&bytes).await.expect("peer writes"),
                    Trick::ByteByByte(bytes) => {
                        for b in bytes {
                            far.write_all(&[b]).await.expect("peer writes");
                            tokio::task::yield_now().await;
                        }
                    }
                    Trick::Silent => {}
                }
                n += 1;
            }
        }
    }
}

fn one_register() -> Vec<Tag> {
    vec![tag("speed", Table::Holding, 40, Access::Read)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bad_answer_is_named_and_none_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("plc");
    let (far, _near) = line(&link);
    let (_late, rx) = mpsc::channel(1);
    let peer = tokio::spawn(hostile(far, rx, |n| match n {
        0 => Trick::ByteByByte(answer(7, 500)),
        1 => {
            let mut bad = answer(7, 666);
            bad[4] ^= 1;
            Trick::Whole(bad)
        }
        2 => Trick::Whole(answer(9, 666)),
        3 => {
            let mut refusal = vec![7, 0x83, 4];
            refusal.extend(crc16(&refusal).to_le_bytes());
            Trick::Whole(refusal)
        }
        4 => Trick::Whole(answer(7, 666)[..4].to_vec()),
        _ => Trick::ByteByByte(answer(7, 501)),
    }));
    let mut rig = Rig::start(&link, one_register());
    let first = rig.frame("first answer", |f| f.direction == Direction::Answer).await;
    assert_eq!((first.verdict, first.bytes.len(), &*first.summary), (Verdict::Ok, 7, "ok 1 registers"));
    assert!(rig.bad("checksum").await.bytes.len() == 7);
    rig.bad("byte 0: unit 9 answers instead of unit 7").await;
    rig.bad("exception 4, server device failure").await;
    rig.bad("byte 4: the answer ends here, 7 bytes were due").await;
    let r = rig.report("live again", |r| r.state == PlcState::Live && value(r, "speed") == Some(501)).await;
    assert_eq!((r.crc_errors, r.exceptions, r.errors), (1, 1, 4));
    rig.end().await;
    peer.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_answer_is_not_taken_for_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("plc");
    let (far, _near) = line(&link);
    let (late, rx) = mpsc::channel(1);
    let peer = tokio::spawn(hostile(far, rx, |n| match n {
        0 => Trick::Silent,
        _ => Trick::Whole(answer(7, 500)),
    }));
    let mut rig = Rig::start(&link, one_register());
    let silence = rig.bad("no answer within 800 ms").await;
    assert!(silence.bytes.is_empty() && silence.response_ms.is_none());
    // Only now, when its time is over, the first answer comes.
    late.send(answer(7, 666)).await.unwrap();
    let f = rig.bad("after its time was over").await;
    assert_eq!(&*f.bytes, answer(7, 666));
    let r = rig.report("a value", |r| r.tags[0].value.is_some()).await;
    assert_eq!((value(&r, "speed"), r.timeouts), (Some(500), 1));
    rig.end().await;
    peer.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_goes_and_comes_back_is_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let link: PathBuf = dir.path().join("plc");
    let mut rig = Rig::start(&link, one_register());
    let r = rig.report("no port", |r| r.state == PlcState::Lost).await;
    assert!(r.text.unwrap().ends_with("no such port; check the cable; trying again"));
    for round in 0..3u16 {
        let (far, near) = line(&link);
        let (_late, rx) = mpsc::channel(1);
        let peer = tokio::spawn(hostile(far, rx, move |_| Trick::Whole(answer(7, 500 + round))));
        rig.reset.notify_one();
        let r = rig.report("live", |r| r.state == PlcState::Live && value(r, "speed") == Some(500 + round)).await;
        assert!(r.reopens >= u64::from(round));
        peer.abort();
        let _ = peer.await;
        drop(near);
        let r = rig.report("lost", |r| r.state == PlcState::Lost).await;
        assert_eq!(r.tags[0].value, None);
    }
    rig.end().await;
}
