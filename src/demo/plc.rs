//! The virtual PLC: a Modbus RTU slave on a pseudo-terminal under a stable name.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use super::motion::Schedule;
use super::scene::STOPPED_S;
use super::slave::{MAX_FRAME, Slave};
use crate::base::clock::{Clock, Mono};
use crate::base::ring::Ring;
use crate::base::shutdown::Shutdown;

/// Unit identifier of the virtual PLC.
pub const UNIT: u8 = 1;
/// First coil and register that the program writes.
pub const WRITTEN_FROM: u16 = 100;
/// Coils that tell whether deck, conveyor and shaft run.
pub const RUNNING: [u16; 3] = [0, 1, 2];
/// Silence that ends a frame: 3.5 characters of 11 bits at 19200 baud are 2.0 ms (Serial Line V1.02, 2.5.1.1).
const T3_5_MS: u8 = 2;
/// Time from the end of a request to its answer: one scan of the PLC.
const SCAN: Duration = Duration::from_millis(5);

/// Why there is no virtual PLC.
#[derive(Debug, thiserror::Error)]
#[error("the virtual PLC has no line: {what}: {source}")]
pub struct PlcError {
    what: String,
    source: std::io::Error,
}

fn failed<E: Into<std::io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> PlcError {
    let what = what.into();
    move |e| PlcError { what, source: e.into() }
}

/// A change of a written coil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoilChange {
    /// When.
    pub at: Mono,
    /// Which coil.
    pub address: u16,
    /// To what.
    pub on: bool,
}

/// What the PLC's memory holds, copied at one moment.
#[derive(Clone, Debug)]
pub struct PlcSnapshot {
    memory: Slave,
    /// Changes of written coils, oldest first, the newest 256.
    pub changes: Vec<CoilChange>,
    /// Requests answered so far.
    pub answered: u64,
}

impl PlcSnapshot {
    /// A coil; off where there is none.
    #[must_use]
    pub fn coil(&self, address: u16) -> bool {
        self.memory.coils.get(usize::from(address)).copied().unwrap_or(false)
    }

    /// The same with these coils on and registers set, for tests of what reads it.
    #[cfg(test)]
    #[must_use]
    pub fn with(mut self, coils: &[u16], registers: &[(u16, u16)]) -> Self {
        for c in coils {
            self.memory.coils[usize::from(*c)] = true;
        }
        for (r, v) in registers {
            self.memory.holding[usize::from(*r)] = *v;
        }
        self
    }

    /// A holding register; 0 where there is none.
    #[must_use]
    pub fn register(&self, address: u16) -> u16 {
        self.memory.holding.get(usize::from(address)).copied().unwrap_or(0)
    }
}

/// Faults of the PLC.
#[derive(Debug, Default)]
pub struct Switches {
    /// It does not answer.
    pub silent: AtomicBool,
    /// Its answers are damaged.
    pub crc: AtomicBool,
    /// It answers every request with exception 4.
    pub exception: AtomicBool,
    /// Its port is gone.
    pub unplugged: AtomicBool,
}

struct State {
    memory: Slave,
    changes: Ring<CoilChange>,
    answered: u64,
}

/// The virtual PLC.
pub struct VirtualPlc {
    link: PathBuf,
    state: Mutex<State>,
    first: Mutex<Option<Line>>,
    /// Its faults.
    pub switches: Switches,
}

impl std::fmt::Debug for VirtualPlc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualPlc").field("link", &self.link).finish_non_exhaustive()
    }
}

/// A pseudo-terminal. The slave end is held open: without any opener the master would only ever read an error.
struct Line {
    master: PtyMaster,
    _held: File,
}

impl Line {
    fn open(link: &Path) -> Result<Self, PlcError> {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).map_err(failed("posix_openpt"))?;
        grantpt(&master).map_err(failed("grantpt"))?;
        unlockpt(&master).map_err(failed("unlockpt"))?;
        let name = ptsname_r(&master).map_err(failed("ptsname"))?;
        let held = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open(&name)
            .map_err(failed(&name))?;
        // A terminal echoes by default, which would feed the PLC its own answers.
        let mut settings = tcgetattr(held.as_fd()).map_err(failed("tcgetattr"))?;
        cfmakeraw(&mut settings);
        tcsetattr(held.as_fd(), SetArg::TCSANOW, &settings).map_err(failed("tcsetattr"))?;
        let _ = std::fs::remove_file(link);
        std::os::unix::fs::symlink(&name, link).map_err(failed(link.display().to_string()))?;
        Ok(Self { master, _held: held })
    }

    /// Waits for bytes; true if there are any.
    fn readable(&self, ms: u8) -> bool {
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        nix::poll::poll(&mut fds, PollTimeout::from(ms)).is_ok_and(|n| n > 0)
    }

    /// The next frame: everything up to a silence of 3.5 characters. None when nothing came within the wait.
    fn frame(&mut self, wait_ms: u8) -> Result<Option<Vec<u8>>, std::io::Error> {
        if !self.readable(wait_ms) {
            return Ok(None);
        }
        let mut frame = Vec::new();
        let mut part = [0; MAX_FRAME];
        loop {
            let n = self.master.read(&mut part)?;
            // What is longer than any frame is still read, to find its end; the slave then rejects it.
            if frame.len() <= MAX_FRAME {
                frame.extend_from_slice(&part[..n]);
            }
            if n == 0 || !self.readable(T3_5_MS) {
                return Ok(Some(frame));
            }
        }
    }
}

/// Whether the conveyor runs; the others always do.
const CONVEYOR_RUNS: Schedule = Schedule {
    period_s: 180.0,
    knots: &[
        (0.0, 1.0),
        (STOPPED_S.0, 1.0),
        (STOPPED_S.0 + 0.01, 0.0),
        (STOPPED_S.1, 0.0),
        (STOPPED_S.1 + 0.01, 1.0),
        (180.0, 1.0),
    ],
};

impl VirtualPlc {
    /// Opens the line and puts `link` in place for it.
    ///
    /// # Errors
    /// When the system gives no pseudo-terminal or the link cannot be made.
    pub fn open(link: PathBuf) -> Result<Self, PlcError> {
        let line = Line::open(&link)?;
        let mut memory = Slave::new(UNIT);
        process(&mut memory, 0.0);
        let state = State { memory, changes: Ring::new(256), answered: 0 };
        Ok(Self { link, state: Mutex::new(state), first: Mutex::new(Some(line)), switches: Switches::default() })
    }

    /// The stable name of its port.
    pub fn port(&self) -> &Path {
        &self.link
    }

    /// A copy of its memory.
    pub fn snapshot(&self) -> PlcSnapshot {
        let s = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        PlcSnapshot { memory: s.memory.clone(), changes: s.changes.to_vec(), answered: s.answered }
    }

    /// Answers requests until the end is asked for. To be run on a thread of its own.
    pub fn run(&self, clock: &dyn Clock, epoch: Mono, shutdown: &Shutdown) {
        let mut line = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        while !shutdown.asked() {
            if self.switches.unplugged.load(Ordering::Relaxed) {
                if line.take().is_some() {
                    let _ = std::fs::remove_file(&self.link);
                }
            } else if line.is_none() {
                line = Line::open(&self.link).ok();
            }
            let Some(open) = &mut line else {
                let _ = shutdown.wait_for(Duration::from_millis(50));
                continue;
            };
            let served = self.serve(open, clock, epoch, shutdown);
            if served.is_err() {
                line = None;
            }
        }
        let _ = std::fs::remove_file(&self.link);
    }

    fn serve(&self, line: &mut Line, clock: &dyn Clock, epoch: Mono, shutdown: &Shutdown) -> std::io::Result<()> {
        let frame = line.frame(50)?;
        let now = clock.now().mono;
        let answer = self.answer(frame.as_deref(), now, now.secs_since(epoch));
        let Some(answer) = answer else { return Ok(()) };
        if shutdown.wait_for(SCAN) {
            return Ok(());
        }
        line.master.write_all(&answer)
    }

    fn answer(&self, frame: Option<&[u8]>, now: Mono, t_s: f64) -> Option<Vec<u8>> {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        process(&mut state.memory, t_s);
        let frame = frame?;
        let on = |b: &AtomicBool| b.load(Ordering::Relaxed);
        if on(&self.switches.silent) {
            return None;
        }
        if on(&self.switches.exception) {
            return (frame.first() == Some(&UNIT)).then(|| Slave::failure(frame));
        }
        let before = state.memory.coils.clone();
        let mut answer = state.memory.answer(frame)?;
        for (address, (was, is)) in before.iter().zip(&state.memory.coils).enumerate() {
            if was != is {
                state.changes.push(CoilChange { at: now, address: address as u16, on: *is });
            }
        }
        state.answered += 1;
        if on(&self.switches.crc)
            && let Some(last) = answer.last_mut()
        {
            *last ^= 0x5A;
        }
        Some(answer)
    }
}

/// What the machines do to the PLC's memory at scene time `t_s`.
fn process(memory: &mut Slave, t_s: f64) {
    let conveyor = CONVEYOR_RUNS.at(t_s) > 0.5;
    for (address, on) in RUNNING.into_iter().zip([true, conveyor, true]) {
        memory.coils[usize::from(address)] = on;
    }
    // Guard doors closed, emergency stop not pressed.
    memory.discrete[0] = true;
    memory.discrete[1] = true;
    // Speeds in turns a minute: 5.2 Hz, 8.1 Hz, 4.3 Hz, with the last digit of a real tachometer.
    let ripple = u16::from((t_s * 0.7).sin() > 0.6);
    memory.input[0] = 312 + ripple;
    memory.input[1] = if conveyor { 486 + ripple } else { 0 };
    memory.input[2] = 258;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;
    use crate::demo::slave::seal;
    use std::sync::Arc;

    /// Reads an answer of at least four bytes within about two seconds.
    fn read_answer(port: &mut File) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..20 {
            let ready = {
                let mut fds = [PollFd::new(port.as_fd(), PollFlags::POLLIN)];
                nix::poll::poll(&mut fds, PollTimeout::from(100_u8)).is_ok_and(|n| n > 0)
            };
            if ready {
                let mut part = [0; 64];
                let n = port.read(&mut part).expect("reads");
                out.extend_from_slice(&part[..n]);
            } else if out.len() >= 4 {
                break;
            }
        }
        out
    }

    fn open(link: &Path) -> File {
        OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(link).expect("opens")
    }

    #[test]
    fn serves_a_line_and_survives_being_unplugged() {
        let dir = tempfile::tempdir().expect("a directory");
        let link = dir.path().join("plc.tty");
        let plc = Arc::new(VirtualPlc::open(link.clone()).expect("a line"));
        let (clock, shutdown) = (Arc::new(SystemClock::new()), Shutdown::new());
        let (p, s) = (Arc::clone(&plc), shutdown.clone());
        let thread = std::thread::spawn(move || p.run(&*clock, Mono(0), &s));
        let mut port = open(&link);
        let write = seal(vec![UNIT, 5, 0, 100, 0xFF, 0]);
        port.write_all(&write).expect("written");
        assert_eq!(read_answer(&mut port), write);
        let snapshot = plc.snapshot();
        assert!(snapshot.coil(100) && snapshot.coil(0));
        assert_eq!(snapshot.changes.iter().map(|c| (c.address, c.on)).collect::<Vec<_>>(), [(100, true)]);

        plc.switches.crc.store(true, Ordering::Relaxed);
        port.write_all(&write).expect("written");
        let damaged = read_answer(&mut port);
        assert_eq!((damaged.len(), damaged == write), (write.len(), false));
        plc.switches.crc.store(false, Ordering::Relaxed);

        plc.switches.unplugged.store(true, Ordering::Relaxed);
        while link.symlink_metadata().is_ok() {
            std::thread::yield_now();
        }
        plc.switches.unplugged.store(false, Ordering::Relaxed);
        while link.symlink_metadata().is_err() {
            std::thread::yield_now();
        }
        let mut port = open(&link);
        port.write_all(&seal(vec![UNIT, 1, 0, 100, 0, 1])).expect("written");
        assert_eq!(read_answer(&mut port), seal(vec![UNIT, 1, 1, 1]));
        shutdown.ask();
        thread.join().expect("ends");
        assert!(link.symlink_metadata().is_err(), "the name goes with the PLC");
    }
}
