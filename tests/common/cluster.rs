//! A private PostgreSQL cluster for a test: made in a temporary directory, on a free port, gone with the test.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test ends where its helper fails")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};

/// The superuser's password.
pub const PASSWORD: &str = "right-4711";

/// A running cluster.
pub struct Cluster {
    dir: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
    options: String,
}

impl Cluster {
    /// Makes and starts one; none (with a printed line) where PostgreSQL's programs are not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(&[], &|_| {})
    }

    /// The same with more settings (`fsync=on`); `prepare` may put files into the data directory before it is started.
    pub fn start_with(settings: &[&str], prepare: &dyn Fn(&Path)) -> Option<Self> {
        let Some(bin) = programs() else {
            println!("skipped: PostgreSQL's server programs are not installed (apt install postgresql)");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        if let Some(user) = other_user() {
            chown(dir.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        }
        let options = settings.iter().flat_map(|s| [" -c ", s]).collect();
        let mut cluster = Self { dir, bin, port: 0, options };
        let secret = cluster.path("secret");
        fs::write(&secret, PASSWORD).unwrap();
        let (data, pwfile) = (cluster.text("data"), format!("--pwfile={secret}"));
        let made = cluster.run("initdb", &["-D", &data, "-U", "vms", "-A", "scram-sha-256", &pwfile, "--no-sync"]);
        assert!(made.status.success(), "initdb: {}", said(&made));
        prepare(&cluster.dir.path().join("data"));
        cluster.give_away();
        cluster.start_server();
        Some(cluster)
    }

    /// What was put into the data directory belongs to the server, and to nobody else: it insists on that.
    fn give_away(&self) {
        use std::os::unix::fs::PermissionsExt as _;
        for entry in fs::read_dir(self.dir.path().join("data")).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|e| e == "pem") {
                fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o600)).unwrap();
                if let Some(user) = other_user() {
                    chown(entry.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
                }
            }
        }
    }

    /// The port may be taken between looking and starting, so some are tried.
    fn start_server(&mut self) {
        let mut last = String::new();
        for _ in 0..5 {
            self.port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
            let options = format!(
                "-c fsync=off -c shared_buffers=16MB -c listen_addresses=127.0.0.1 -p {} -k {}{}",
                self.port,
                self.dir.path().display(),
                self.options
            );
            let (data, log) = (self.text("data"), self.text("server.log"));
            let started = self.run("pg_ctl", &["-w", "-D", &data, "-o", &options, "-l", &log, "start"]);
            if started.status.success() {
                return;
            }
            last = format!("{}\n{}", said(&started), fs::read_to_string(&log).unwrap_or_default());
        }
        panic!("the cluster does not start: {last}");
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops it as a crash does: at once, without writing anything out.
    pub fn stop_at_once(&self) {
        let data = self.text("data");
        let stopped = self.run("pg_ctl", &["-w", "-D", &data, "-m", "immediate", "stop"]);
        assert!(stopped.status.success(), "pg_ctl stop: {}", said(&stopped));
    }

    /// Starts it again on its port after [`Self::stop_at_once`].
    pub fn start_again(&self) {
        let options = format!(
            "-c fsync=off -c shared_buffers=16MB -c listen_addresses=127.0.0.1 -p {} -k {}{}",
            self.port,
            self.dir.path().display(),
            self.options
        );
        let (data, log) = (self.text("data"), self.text("server.log"));
        let started = self.run("pg_ctl", &["-w", "-D", &data, "-o", &options, "-l", &log, "start"]);
        assert!(started.status.success(), "{}\n{}", said(&started), fs::read_to_string(&log).unwrap_or_default());
    }

    /// The address of its database, without password.
    pub fn url(&self) -> String {
        format!("postgres://vms@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops all of its processes in their tracks, as a hung machine does.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let Some(main) = self.main_pid() else { return };
        // The main process first, so that it starts no other in between.
        let _ = kill(Pid::from_raw(main), signal);
        for child in children(main) {
            let _ = kill(Pid::from_raw(child), signal);
        }
    }

    fn main_pid(&self) -> Option<i32> {
        fs::read_to_string(self.dir.path().join("data/postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
    }

    fn path(&self, name: &str) -> String {
        self.text(name)
    }

    fn text(&self, name: &str) -> String {
        self.dir.path().join(name).to_string_lossy().into_owned()
    }

    /// PostgreSQL refuses to run as root; as root its own user does it.
    fn run(&self, program: &str, args: &[&str]) -> Output {
        let program = self.bin.join(program);
        let mut command = if other_user().is_some() {
            let mut c = Command::new("setpriv");
            c.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
            c
        } else {
            Command::new(program)
        };
        command.args(args).current_dir(self.dir.path()).output().unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.thaw();
        let data = self.text("data");
        let stopped = self.run("pg_ctl", &["-w", "-D", &data, "-m", "immediate", "stop"]);
        if !stopped.status.success() {
            println!("pg_ctl stop: {}", said(&stopped));
        }
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whom to become, when we are root.
fn other_user() -> Option<User> {
    geteuid().is_root().then(|| User::from_name("postgres").ok().flatten()).flatten()
}

/// The newest server's programs: Debian keeps them out of the search path.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|e| e.path().join("bin"))
        .filter(|b| b.join("initdb").exists() && b.join("pg_ctl").exists())
        .collect();
    found.sort();
    found.pop()
}

fn children(of: i32) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|e| child_of(&e.path(), of)).collect()
}

/// The process of this `/proc` entry, if its parent is the one given (the fourth field of `stat`, after the name).
fn child_of(entry: &Path, parent: i32) -> Option<i32> {
    let pid: i32 = entry.file_name()?.to_str()?.parse().ok()?;
    let stat = fs::read_to_string(entry.join("stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let found: i32 = after_name.split_whitespace().nth(1)?.parse().ok()?;
    (found == parent).then_some(pid)
}
