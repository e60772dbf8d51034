//! A private PostgreSQL cluster: made in the background, reachable on loopback only, gone with the demonstration.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};

use crate::base::shutdown::Shutdown;

/// Name of the database.
pub const DATABASE: &str = "deevia_vms";
/// Role that owns it.
pub const ROLE: &str = "vms";

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The programs are not installed.
    #[error(
        "PostgreSQL's programs initdb and postgres are not installed; install the package postgresql to see the historian at work"
    )]
    NotInstalled,
    /// The programs refuse to work for root, and there is nobody else.
    #[error(
        "PostgreSQL does not run as root and there is no user named postgres; create one, or start the demonstration as another user"
    )]
    NoUser,
    /// A file or directory.
    #[error("PostgreSQL: {what}: {source}")]
    Io {
        /// What was done.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// One of its programs failed.
    #[error("PostgreSQL: {program} failed: {said}")]
    Program {
        /// Which.
        program: &'static str,
        /// The last of what it said.
        said: String,
    },
}

fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> PostgresError {
    let what = what.into();
    move |source| PostgresError::Io { what, source }
}

/// A cluster that is planned: port, place and password are known before anything runs.
pub struct Cluster {
    programs: PathBuf,
    user: Option<User>,
    base: PathBuf,
    log: PathBuf,
    port: u16,
    password: String,
    text: Mutex<Arc<str>>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("base", &self.base).field("port", &self.port).finish_non_exhaustive()
    }
}

/// A random password: 32 hexadecimal digits.
///
/// # Errors
/// When the system gives no random numbers.
pub fn random_password() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// Writes a secret to a file that only its owner may read.
///
/// # Errors
/// When the file cannot be written.
pub fn write_secret(path: &Path, secret: &str) -> std::io::Result<()> {
    let _ = std::fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{secret}")
}

/// The newest installed version's programs, else those of the path.
fn programs() -> Option<PathBuf> {
    let complete = |dir: &Path| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    let version = |p: &Path| p.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
    let mut installed: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path()).collect();
    installed.sort_by(|a, b| version(b).total_cmp(&version(a)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    installed.into_iter().map(|p| p.join("bin")).chain(std::env::split_paths(&path)).find(|p| complete(p))
}

impl Cluster {
    /// Finds the programs, a free port and a place. Nothing is started.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, may not run for this user, or its directory cannot be made.
    pub fn plan(dir: &Path) -> Result<Self, PostgresError> {
        let programs = programs().ok_or(PostgresError::NotInstalled)?;
        let user = if nix::unistd::geteuid().is_root() {
            Some(User::from_name("postgres").ok().flatten().ok_or(PostgresError::NoUser)?)
        } else {
            None
        };
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|l| l.local_addr())
            .map_err(io("no free port on 127.0.0.1"))?
            .port();
        let (password, place) = (random_password(), random_password());
        let (password, place) = password.and_then(|p| Ok((p, place?))).map_err(io("no random numbers"))?;
        // Another user may not be able to enter our directory, so that user's cluster lies in the common temporary one.
        let base = if user.is_some() {
            std::env::temp_dir().join(format!("vms-demo-{}-{}", std::process::id(), &place[..8]))
        } else {
            dir.join("postgresql")
        };
        std::fs::create_dir_all(&base).map_err(io(base.display().to_string()))?;
        std::fs::set_permissions(&base, std::fs::Permissions::from_mode(0o700)).map_err(io("permissions"))?;
        if let Some(u) = &user {
            std::os::unix::fs::chown(&base, Some(u.uid.as_raw()), Some(u.gid.as_raw())).map_err(io("chown"))?;
        }
        let log = dir.join("postgresql.log");
        Ok(Self { programs, user, base, log, port, password, text: Mutex::new("starting".into()) })
    }

    /// Its address without the password.
    pub fn url(&self) -> String {
        format!("postgres://{ROLE}@127.0.0.1:{}/{DATABASE}", self.port)
    }

    /// The password of its role.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Its log file.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it is, in a sentence.
    pub fn text(&self) -> Arc<str> {
        Arc::clone(&self.text.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn say(&self, text: impl Into<Arc<str>>) {
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text.into();
    }

    /// Makes the cluster, runs it until the end is asked for, stops it and removes it. To be run on a thread of its own.
    pub fn run(&self, shutdown: &Shutdown) {
        match self.start(shutdown) {
            Ok(Some(mut server)) => {
                self.say(format!("PostgreSQL runs on 127.0.0.1:{}", self.port));
                self.watch(&mut server, shutdown);
            }
            Ok(None) => {}
            Err(e) => self.say(e.to_string()),
        }
        let _ = std::fs::remove_dir_all(&self.base);
    }

    fn watch(&self, server: &mut Child, shutdown: &Shutdown) {
        while !shutdown.wait_for(Duration::from_millis(500)) {
            if let Ok(Some(status)) = server.try_wait() {
                self.say(format!("PostgreSQL ended by itself ({status}); see {}", self.log.display()));
                return;
            }
        }
        stop(server);
        self.say("PostgreSQL was stopped");
    }

    fn start(&self, shutdown: &Shutdown) -> Result<Option<Child>, PostgresError> {
        let data = self.base.join("data");
        let secret = self.base.join("superuser.password");
        let superuser = random_password().map_err(io("no random numbers"))?;
        write_secret(&secret, &superuser).map_err(io("password file"))?;
        if let Some(u) = &self.user {
            std::os::unix::fs::chown(&secret, Some(u.uid.as_raw()), Some(u.gid.as_raw())).map_err(io("chown"))?;
        }
        let mut initdb = self.command("initdb");
        initdb.arg("-D").arg(&data).arg("--pwfile").arg(&secret);
        initdb.args(["--no-sync", "-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"]);
        run("initdb", initdb, "")?;
        let _ = std::fs::remove_file(&secret);
        if shutdown.asked() {
            return Ok(None);
        }
        // Before the server listens, so that nobody ever connects to a half-made database. The password goes by a pipe, never by arguments.
        let mut single = self.command("postgres");
        single.args(["--single", "-F", "-D"]).arg(&data).arg("postgres");
        let sql = format!(
            "CREATE ROLE {ROLE} LOGIN PASSWORD '{}'\nGRANT pg_monitor, pg_signal_backend TO {ROLE}\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n",
            self.password
        );
        run("postgres --single", single, &sql)?;
        if self.counts_queries() {
            let mut single = self.command("postgres");
            single.args(["--single", "-F", "-D"]).arg(&data).arg(DATABASE);
            run("postgres --single", single, "CREATE EXTENSION pg_stat_statements\n")?;
        }
        if shutdown.asked() {
            return Ok(None);
        }
        let mut server = self.serve(&data)?;
        for _ in 0..600 {
            if ready(&data) {
                return Ok(Some(server));
            }
            if let Ok(Some(status)) = server.try_wait() {
                return Err(PostgresError::Program {
                    program: "postgres",
                    said: format!("{status}; see {}", self.log.display()),
                });
            }
            if shutdown.wait_for(Duration::from_millis(50)) {
                stop(&mut server);
                return Ok(None);
            }
        }
        stop(&mut server);
        Err(PostgresError::Program { program: "postgres", said: "it was not ready within 30 s".into() })
    }

    /// Starts the server. A small watcher holds the other end of its standard input: when this process goes, however it goes,
    /// the pipe closes and the watcher interrupts the server (SIGINT is PostgreSQL's fast shutdown). The watcher is nobody's
    /// child, so that the server never meets a child it did not start.
    fn serve(&self, data: &Path) -> Result<Child, PostgresError> {
        const SCRIPT: &str = "exec 3<&0; s=$$; \
            ( ( cat <&3 >/dev/null 2>&1; kill -INT \"$s\"; sleep 3; rm -rf \"$1\" ) >/dev/null 2>&1 & ); \
            shift; exec \"$0\" \"$@\" 3<&- </dev/null";
        let log =
            OpenOptions::new().create(true).append(true).open(&self.log).map_err(io(self.log.display().to_string()))?;
        let errors = log.try_clone().map_err(io("log file"))?;
        let mut c = self.as_user(Path::new("/bin/sh"));
        c.args(["-c", SCRIPT]).arg(self.programs.join("postgres")).arg(&self.base).arg("-D").arg(data);
        for setting in [
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".into(),
            format!("unix_socket_directories={}", self.base.display()),
            "fsync=off".into(),
            "full_page_writes=off".into(),
            "shared_buffers=32MB".into(),
            "max_connections=20".into(),
            "log_timezone=UTC".into(),
            "log_min_duration_statement=1000".into(),
        ] {
            c.arg("-c").arg(setting);
        }
        if self.counts_queries() {
            c.arg("-c").arg("shared_preload_libraries=pg_stat_statements");
        }
        c.stdin(Stdio::piped()).stdout(log).stderr(errors);
        c.spawn().map_err(io("sh"))
    }

    /// Whether the server can count queries: the library comes with Debian's package, elsewhere with one of its own.
    fn counts_queries(&self) -> bool {
        self.programs.parent().is_some_and(|p| p.join("lib/pg_stat_statements.so").is_file())
    }

    fn command(&self, program: &str) -> Command {
        self.as_user(&self.programs.join(program))
    }

    fn as_user(&self, program: &Path) -> Command {
        let mut c = Command::new(program);
        c.current_dir(&self.base).env("LC_ALL", "C");
        if let Some(u) = &self.user {
            // The standard library also drops root's supplementary groups here.
            c.uid(u.uid.as_raw()).gid(u.gid.as_raw()).env("HOME", &self.base);
        }
        // A terminal's Ctrl-C is ours to handle, not the server's.
        c.process_group(0);
        c
    }
}

/// Whether the server accepts queries: since version 10 its lock file says so on line 8. A listening port alone is too early.
fn ready(data: &Path) -> bool {
    let lock = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    lock.lines().nth(7).is_some_and(|l| l.trim() == "ready")
}

/// Runs a program to its end with this input.
fn run(program: &'static str, mut command: Command, input: &str) -> Result<(), PostgresError> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(io(program))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(io(program))?;
    }
    let output = child.wait_with_output().map_err(io(program))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("it said nothing").to_owned();
    Err(PostgresError::Program { program, said })
}

/// Fast shutdown, then by force after a second: nothing here is kept.
fn stop(server: &mut Child) {
    let pid = Pid::from_raw(server.id() as i32);
    let _ = kill(pid, Signal::SIGINT);
    for _ in 0..20 {
        if let Ok(Some(_)) = server.try_wait() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = kill(pid, Signal::SIGQUIT);
    let _ = server.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_private_and_random() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("p");
        let (a, b) = (random_password().expect("random"), random_password().expect("random"));
        assert_ne!(a, b);
        write_secret(&file, &a).expect("written");
        let mode = std::fs::metadata(&file).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&file).expect("readable").trim_end(), a);
    }

    #[test]
    fn runs_a_database_and_takes_it_away() {
        let dir = tempfile::tempdir().expect("a directory");
        let cluster = match Cluster::plan(dir.path()) {
            Ok(c) => Arc::new(c),
            // A machine without PostgreSQL is told so, and that is all.
            Err(e) => {
                assert!(matches!(e, PostgresError::NotInstalled | PostgresError::NoUser), "{e}");
                return;
            }
        };
        assert!(!format!("{cluster:?}").contains(cluster.password()));
        let shutdown = Shutdown::new();
        let (c, s) = (Arc::clone(&cluster), shutdown.clone());
        let thread = std::thread::spawn(move || c.run(&s));
        while !shutdown.wait_for(Duration::from_millis(20)) && &*cluster.text() == "starting" {}
        assert!(cluster.text().contains("runs on"), "{}", cluster.text());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let owner: String = runtime.block_on(async {
            let mut config: tokio_postgres::Config = cluster.url().parse().expect("an address");
            config.password(cluster.password());
            let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("connects");
            let driver = tokio::spawn(connection);
            let row = client
                .query_one("select pg_get_userbyid(datdba) from pg_database where datname = current_database()", &[])
                .await
                .expect("answers");
            drop(client);
            driver.await.expect("ends").expect("in order");
            row.get(0)
        });
        assert_eq!(owner, ROLE);
        shutdown.ask();
        thread.join().expect("ends");
        assert!(!cluster.base.exists(), "its directory is gone");
        assert!(std::net::TcpStream::connect(("127.0.0.1", cluster.port)).is_err(), "nothing listens any more");
    }
}
