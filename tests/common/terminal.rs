//! The program on a pseudo terminal of its own: keys go in as a person types them, the screen is read as a person reads it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its helper fails")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

/// The longest that anything is waited for: a bound for a hung program, not a measure of a good one.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The program under test: `VMS_BIN`, so that an optimised build can be tested, else the one that belongs to this test.
pub fn program() -> PathBuf {
    std::env::var_os("VMS_BIN").map_or_else(|| env!("CARGO_BIN_EXE_vms").into(), PathBuf::from)
}

/// The program with this data directory, free of what the surrounding session has set.
fn plain(mut command: Command, data: &Path) -> Command {
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("VMS_")) {
        command.env_remove(name);
    }
    command.env_remove("NO_COLOR").env_remove("COLORTERM");
    command.env("VMS_DATA_DIR", data).env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8");
    command
}

/// Runs a command of the program to its end, without a terminal.
pub fn vms(data: &Path, args: &[&str]) -> Output {
    plain(Command::new(program()), data).args(args).stdin(Stdio::null()).output().unwrap()
}

/// `vms status --json`; none while no engine answers.
pub fn status(data: &Path) -> Option<serde_json::Value> {
    let output = vms(data, &["status", "--json"]);
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

/// A program on a terminal.
pub struct Session {
    child: Child,
    master: Option<PtyMaster>,
    name: String,
    /// Keeps the terminal, so that its modes can be looked at when the program has gone.
    slave: File,
    screen: vt100::Parser,
    written: Vec<u8>,
    started: Instant,
}

impl Session {
    /// Starts `vms` with these arguments on a terminal of this size, which becomes its controlling terminal.
    pub fn start(data: &Path, args: &[&str], (columns, rows): (u16, u16)) -> Self {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname_r(&master).unwrap();
        // The standard library opens for this process only (O_CLOEXEC); Command hands on what it is given.
        let slave = File::options().read(true).write(true).open(&name).unwrap();
        set_size(&name, columns, rows);
        // setsid(1) makes a session with this terminal, setpriv(1) has the kernel end the program in order should this test
        // be killed (losing its terminal would not end it); then they become the program, under the same process id.
        let started = Instant::now();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "setsid", "--ctty"]).arg(program()).args(args);
        let child = plain(command, data)
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave.try_clone().unwrap())
            .spawn()
            .unwrap();
        let screen = vt100::Parser::new(rows, columns, 0);
        Self { child, master: Some(master), name, slave, screen, written: Vec::new(), started }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Since just before it was started.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// The screen as it is now.
    pub fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    /// Everything the program has written to the terminal.
    pub fn written(&self) -> &[u8] {
        &self.written
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.master.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Gives the terminal another size, as a window manager does.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.screen_mut().set_size(rows, columns);
        set_size(&self.name, columns, rows);
    }

    /// Takes what the program writes within so long; false if it wrote nothing.
    pub fn read(&mut self, within: Duration) -> bool {
        let Some(master) = &mut self.master else { return false };
        let mut fds = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
        let millis = u16::try_from(within.as_millis()).unwrap_or(u16::MAX);
        // An interrupted wait is a short one.
        let _ = poll(&mut fds, PollTimeout::from(millis));
        if !fds[0].revents().is_some_and(|r| r.contains(PollFlags::POLLIN)) {
            return false;
        }
        let mut bytes = [0; 8 * 1024];
        let n = master.read(&mut bytes).unwrap_or(0);
        self.screen.process(&bytes[..n]);
        self.written.extend_from_slice(&bytes[..n]);
        n > 0
    }

    /// Reads on for so long.
    pub fn watch(&mut self, length: Duration) {
        let end = Instant::now() + length;
        while Instant::now() < end {
            self.read(end.saturating_duration_since(Instant::now()));
        }
    }

    /// Reads until the screen's text is as it should be, and gives that.
    pub fn wait_for(&mut self, what: &str, mut right: impl FnMut(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let text = self.screen().contents();
            if right(&text) {
                return text;
            }
            self.read(Duration::from_millis(200));
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.read(Duration::ZERO) {}
                panic!("{what}: the program ended ({status}); it left\n{}", self.screen().contents());
            }
        }
        panic!("{what}: not within {PATIENCE:?}; the screen shows\n{}", self.screen().contents());
    }

    /// The terminal goes away, as when a window is closed or a connection lost.
    pub fn hang_up(&mut self) {
        self.master = None;
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Waits for the program's end, reading on; none if it does not come.
    pub fn end(&mut self, within: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + within;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.read(Duration::ZERO) {}
                return Some(status);
            }
            if self.master.is_some() {
                self.read(Duration::from_millis(20));
            } else {
                // Nothing to read from: waiting for nothing passes the time.
                let _ = poll(&mut [], PollTimeout::from(20_u8));
            }
        }
        None
    }

    /// Whether the terminal hands on each key at once and shows none (raw mode).
    pub fn raw(&self) -> bool {
        !tcgetattr(&self.slave).unwrap().local_flags.intersects(LocalFlags::ICANON | LocalFlags::ECHO)
    }
}

impl Drop for Session {
    /// A test that failed leaves no program behind: in order if possible, because it has children of its own.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::SIGTERM);
            if self.end(Duration::from_secs(15)).is_none() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
    }
}

/// stty(1) tells the kernel the size, and the kernel tells the program.
fn set_size(name: &str, columns: u16, rows: u16) {
    let (columns, rows) = (columns.to_string(), rows.to_string());
    let done = Command::new("stty").args(["-F", name, "cols", &columns, "rows", &rows]).status().unwrap();
    assert!(done.success(), "stty: {done}");
}
