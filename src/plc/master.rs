//! The owner of one line: polls, writes what is wanted, taps every frame, reopens the port when it goes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::codec::{Answer, Fault, MAX_FRAME, Request};
use super::decode::decode;
use super::ledger::Ledger;
use super::line::Line;
use super::plan::{self, ReadBlock};
use crate::base::backoff::Backoff;
use crate::base::clock::{Clock, Now, pace};
use crate::base::shutdown::Shutdown;
use crate::config::sections::Plc;
use crate::model::bus::{BusFrame, Demand, Direction, PlcReport, PlcState, Verdict};

/// A report goes out at least this often.
const REPORT_EVERY: Duration = Duration::from_millis(400);
/// Every written tag goes out at least this often, so that a restarted PLC has it again.
const ASSERT_EVERY: Duration = Duration::from_secs(1);

/// Number of the next frame: one row of numbers over all lines of the process, as [`BusFrame::number`] promises.
static NEXT_FRAME: AtomicU64 = AtomicU64::new(1);

/// What the master tells.
#[derive(Debug)]
pub enum PlcOut {
    /// State, counters and values.
    Report(PlcReport),
    /// A frame that went over the line, or the silence in place of an answer.
    Frame(BusFrame),
}

/// A loopback test (function 08, sub-function 0): the PLC is to send the word back.
#[derive(Debug)]
pub struct Loopback {
    /// The word.
    pub data: u16,
    /// Where the response time in ms goes, or what went wrong; never waited for.
    pub reply: SyncSender<Result<f64, String>>,
}

/// Loopback tests that may wait on a line.
pub const LOOPBACKS: usize = 8;

/// What the master wants of the rest of the program: where values come from and go to.
type Demands = watch::Receiver<Arc<[Option<Demand>]>>;
/// Takes what the master tells; false when it had to be dropped.
type Sink = Box<dyn Fn(PlcOut) -> bool + Send>;

/// Why the work on an open port ended.
enum End {
    Shutdown,
    Reset,
    Gone(String),
}

/// Runs one PLC until the shutdown. `demands` holds one entry a tag, in the order of `cfg.tags`; `reset`
/// (by [`Notify::notify_one`]) opens the port again; `sink` returns false for what it dropped.
///
/// Cancellation: every `select!` waits on nothing but cancel-safe futures (a watch, a notification, the shutdown, a
/// moment, the port's read into a buffer of its own). A request once begun is run to its end, which its timeout bounds.
pub async fn run(
    cfg: Plc,
    index: u16,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    demands: Demands,
    reset: Arc<Notify>,
    sink: Sink,
) {
    let (_nobody, asked) = mpsc::channel(1);
    run_with(cfg, index, clock, shutdown, demands, reset, asked, sink).await;
}

/// The same, and makes loopback tests between its polls: the line has one owner, so whoever wants to test it asks here.
#[expect(clippy::too_many_arguments, reason = "everything that one line is given, once")]
pub async fn run_with(
    cfg: Plc,
    index: u16,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    demands: Demands,
    reset: Arc<Notify>,
    asked: mpsc::Receiver<Loopback>,
    sink: Sink,
) {
    let ledger = Ledger::new(&cfg, index, clock.now());
    let blocks = plan::reads(&cfg.tags);
    let mut master = Master {
        written: vec![None; cfg.tags.len()],
        cfg,
        index,
        clock,
        shutdown: shutdown.clone(),
        demands,
        asked,
        sink,
        ledger,
        blocks,
        heartbeat: 0,
        single_writes: false,
        next_report: pace(),
    };
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
    let mut opened_before = false;
    while !master.shutdown.asked() {
        let text = match Line::open(&master.cfg) {
            Ok(line) => {
                if std::mem::replace(&mut opened_before, true) {
                    master.ledger.reopened();
                }
                match master.serve(line, &reset, &mut backoff).await {
                    End::Shutdown => break,
                    End::Reset => {
                        backoff.reset();
                        continue;
                    }
                    End::Gone(text) => text,
                }
            }
            Err(text) => text,
        };
        let now = master.clock.now();
        if master.ledger.gone(&text, now) {
            master.tell_report();
        }
        master.refuse(&text);
        let until = pace() + backoff.pause();
        tokio::select! {
            biased;
            () = shutdown.recv() => break,
            () = reset.notified() => backoff.reset(),
            () = master.wait_until(until) => {}
        }
    }
    master.tell_report();
}

struct Master {
    cfg: Plc,
    index: u16,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    demands: Demands,
    asked: mpsc::Receiver<Loopback>,
    sink: Sink,
    ledger: Ledger,
    blocks: Vec<ReadBlock>,
    /// What each written tag was last confirmed to hold.
    written: Vec<Option<u16>>,
    heartbeat: u16,
    /// The PLC does not know functions 15 and 16.
    single_writes: bool,
    next_report: Instant,
}

impl Master {
    async fn serve(&mut self, mut line: Line, reset: &Notify, backoff: &mut Backoff) -> End {
        self.ledger.opened(self.clock.now());
        self.written.fill(None);
        let (mut next_poll, mut next_assert) = (pace(), pace());
        let (mut sender_lives, mut testers_live) = (true, true);
        loop {
            let mut demands = self.demands.clone();
            let wake = next_poll.min(next_assert).min(self.next_report);
            tokio::select! {
                biased;
                () = self.shutdown.recv() => return End::Shutdown,
                () = reset.notified() => return End::Reset,
                changed = demands.changed(), if sender_lives => sender_lives = changed.is_ok(),
                asked = self.asked.recv(), if testers_live => {
                    testers_live = asked.is_some();
                    if let Some(test) = asked
                        && let Err(e) = self.test(&mut line, test).await
                    {
                        return End::Gone(self.gone_text(&e));
                    }
                }
                () = sleep_until(wake) => {}
            }
            let now = pace();
            let poll = now >= next_poll;
            let result = if poll {
                // A poll that took longer than its interval is followed by the next at once, never by several.
                next_poll = (next_poll + self.cfg.poll_interval).max(now);
                next_assert = now + ASSERT_EVERY;
                self.poll(&mut line).await
            } else if now >= next_assert {
                next_assert = now + ASSERT_EVERY;
                self.write(&mut line, true).await
            } else {
                self.write(&mut line, false).await
            };
            if let Err(e) = result {
                return End::Gone(self.gone_text(&e));
            }
            self.settle(poll);
            if self.ledger.state() == PlcState::Live {
                backoff.reset();
            }
            self.report_if_due();
        }
    }

    /// Makes one loopback test. Only the outer error means that the port is gone.
    async fn test(&mut self, line: &mut Line, test: Loopback) -> io::Result<()> {
        let answer = self.ask(line, &Request::Diagnostic { sub: 0, data: test.data }, &[]).await;
        let told = match &answer {
            Ok(Ok((_, ms))) => Ok(*ms),
            Ok(Err(Fault::Exception(1))) => Err("the PLC does not know function 08 (exception 1)".into()),
            Ok(Err(fault)) => Err(fault.to_string()),
            Err(e) => Err(format!("the port went away ({e})")),
        };
        if let Ok(ms) = told {
            self.ledger.good(&[], ms, self.clock.now());
        }
        let _ = test.reply.try_send(told);
        answer.map(drop)
    }

    /// Nobody can test a line that is not open.
    fn refuse(&mut self, why: &str) {
        while let Ok(test) = self.asked.try_recv() {
            let _ = test.reply.try_send(Err(why.to_owned()));
        }
    }

    fn gone_text(&self, e: &io::Error) -> String {
        let port = &self.cfg.port;
        match e.kind() {
            io::ErrorKind::UnexpectedEof => format!("{port}: the port went away; check the cable; trying again"),
            _ => format!("{port}: the port went away ({e}); check the cable; trying again"),
        }
    }

    fn settle(&mut self, whole: bool) {
        let now = self.clock.now();
        if self.ledger.judge(whole, now) {
            self.tell_report();
        }
    }

    /// Writes first, then reads; a request that fails does not stop the others.
    async fn poll(&mut self, line: &mut Line) -> io::Result<()> {
        self.heartbeat = self.heartbeat.wrapping_add(1);
        self.write(line, true).await?;
        let mut i = 0;
        while i < self.blocks.len() {
            if self.shutdown.asked() {
                return Ok(());
            }
            let block = self.blocks[i].clone();
            if self.read(line, &block).await? {
                // The registers between the tags do not exist there: from now on without them.
                let parts = block.split(&self.cfg.tags);
                self.blocks.splice(i..=i, parts);
                continue;
            }
            i += 1;
            self.settle(false);
            // An alarm's coil does not wait for the rest of the poll.
            self.write(line, false).await?;
        }
        if self.cfg.tags.is_empty() {
            self.ask(line, &Request::Diagnostic { sub: 0, data: self.heartbeat }, &[]).await?.ok();
        }
        Ok(())
    }

    /// Reads one block; true when it has to be asked for again in parts.
    async fn read(&mut self, line: &mut Line, block: &ReadBlock) -> io::Result<bool> {
        let (answer, ms) = match self.ask(line, &block.request(), &block.tags).await? {
            Ok(good) => good,
            Err(fault) => return Ok(fault == Fault::Exception(2) && block.split(&self.cfg.tags).len() > 1),
        };
        let at = |i: &usize| usize::from(self.cfg.tags[*i].address - block.start);
        let values: Vec<(usize, u16)> = match answer {
            Answer::Bits(b) => block.tags.iter().filter_map(|i| Some((*i, u16::from(*b.get(at(i))?)))).collect(),
            Answer::Registers(r) => block.tags.iter().filter_map(|i| Some((*i, *r.get(at(i))?))).collect(),
            Answer::Done => Vec::new(),
        };
        self.ledger.good(&values, ms, self.clock.now());
        Ok(false)
    }

    /// Writes what is wanted and not confirmed yet, or with `all` everything that is wanted.
    async fn write(&mut self, line: &mut Line, all: bool) -> io::Result<()> {
        let demands = Arc::clone(&self.demands.borrow_and_update());
        self.ledger.wanted(&demands, self.heartbeat);
        let values: Vec<(usize, u16)> = demands
            .iter()
            .take(self.cfg.tags.len())
            .enumerate()
            .filter_map(|(i, d)| match (*d)? {
                Demand::Value(v) if all || self.written[i] != Some(v) => Some((i, v)),
                Demand::Heartbeat if all => Some((i, self.heartbeat)),
                _ => None,
            })
            .collect();
        let mut runs = plan::writes(&self.cfg.tags, &values, self.single_writes);
        runs.reverse();
        while let Some(run) = runs.pop() {
            if self.shutdown.asked() {
                return Ok(());
            }
            let tags: Vec<usize> = run.tags.iter().map(|(i, _)| *i).collect();
            // Remembered before the answer: what fails is tried again at the next poll, not in a tight loop.
            for (i, v) in &run.tags {
                self.written[*i] = Some(*v);
            }
            match self.ask(line, &run.request, &tags).await? {
                Ok((_, ms)) => {
                    self.ledger.good(&run.tags, ms, self.clock.now());
                }
                Err(Fault::Exception(1)) if run.tags.len() > 1 => {
                    self.single_writes = true;
                    runs.extend(plan::writes(&self.cfg.tags, &run.tags, true).into_iter().rev());
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// One request and its answer with the response time in ms. The outer error means that the port is gone.
    async fn ask(
        &mut self,
        line: &mut Line,
        request: &Request,
        tags: &[usize],
    ) -> io::Result<Result<(Answer, f64), Fault>> {
        self.wait_until(line.free_at()).await;
        line.drain()?;
        let frame = request.build(self.cfg.unit);
        let gone_at = line.send(&frame).await?;
        let still_going = gone_at.saturating_duration_since(pace());
        let sent = Now { mono: self.clock.now().mono.after(still_going), ..self.clock.now() };
        let summary = self.tap(Direction::Request, &frame, None, Verdict::Ok, sent, None);
        let mut got = Vec::new();
        let deadline = gone_at + self.cfg.timeout;
        let complete = self.listen(line, request, &mut got, deadline).await?;
        let now = self.clock.now();
        let ms = now.mono.since(sent.mono).as_secs_f64() * 1e3;
        let result = if got.is_empty() {
            Err(Fault::Timeout { ms: self.cfg.timeout.as_millis() as u64 })
        } else {
            request.parse(self.cfg.unit, &got)
        };
        let verdict = result.as_ref().err().map_or(Verdict::Ok, |e| Verdict::Bad(e.to_string().into()));
        let took = (!got.is_empty()).then_some(ms);
        self.tap(Direction::Answer, &got, Some(request), verdict, now, took);
        if let Err(fault) = &result {
            self.ledger.bad(fault, &summary, tags.iter().copied(), now);
            // A refusal is a whole answer; after anything else something may still be on its way.
            if !matches!(fault, Fault::Exception(_)) {
                self.keep_quiet(line, request, complete).await?;
            }
        }
        Ok(result.map(|answer| (answer, ms)))
    }

    /// Collects bytes until the answer is complete (true) or its time is over (false).
    async fn listen(
        &mut self,
        line: &mut Line,
        request: &Request,
        got: &mut Vec<u8>,
        deadline: Instant,
    ) -> io::Result<bool> {
        while request.still_needed(got) > 0 && got.len() < MAX_FRAME {
            tokio::select! {
                biased;
                r = line.receive(got) => r?,
                () = sleep_until(self.next_report) => self.report_if_due(),
                () = sleep_until(deadline) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Leaves the line alone until a late answer is through, at most for one more timeout: RTU answers carry no
    /// number, so it would be taken for the next request's.
    async fn keep_quiet(&mut self, line: &mut Line, request: &Request, complete: bool) -> io::Result<()> {
        let mut late = Vec::new();
        // A complete but wrong answer is followed at most by its own tail.
        let wait = if complete { self.cfg.timeout / 4 } else { self.cfg.timeout };
        let end = pace() + wait;
        self.listen(line, request, &mut late, end).await?;
        if !late.is_empty() {
            let verdict = Verdict::Bad("came after its time was over; not used".into());
            let now = self.clock.now();
            self.tap(Direction::Answer, &late, Some(request), verdict, now, None);
            // A stranger's frame may go on; a good late answer is over.
            if request.parse(self.cfg.unit, &late).is_err() {
                self.wait_until(end).await;
            }
        }
        Ok(())
    }

    /// Tells a frame and returns its summary.
    fn tap(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        asked: Option<&Request>,
        verdict: Verdict,
        at: Now,
        response_ms: Option<f64>,
    ) -> Arc<str> {
        let decoded = decode(direction, bytes, asked);
        let summary: Arc<str> = decoded.summary.into();
        let frame = BusFrame {
            number: NEXT_FRAME.fetch_add(1, Ordering::Relaxed),
            at,
            plc: self.index,
            direction,
            bytes: bytes.into(),
            summary: Arc::clone(&summary),
            fields: decoded.fields.into(),
            verdict,
            response_ms,
        };
        if !(self.sink)(PlcOut::Frame(frame)) {
            self.ledger.frame_dropped();
        }
        summary
    }

    fn tell_report(&mut self) {
        // A dropped report is replaced by the next one, which says more.
        let _ = (self.sink)(PlcOut::Report(self.ledger.report()));
        self.next_report = pace() + REPORT_EVERY;
    }

    fn report_if_due(&mut self) {
        if pace() >= self.next_report {
            self.tell_report();
        }
    }

    /// Waits, and reports meanwhile.
    async fn wait_until(&mut self, until: Instant) {
        while pace() < until {
            sleep_until(until.min(self.next_report)).await;
            self.report_if_due();
        }
    }
}
