//! Letters against a real mail server process: taken, put off, refused, encrypted, silent; and what people are told.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot set its stage has to stop")]

#[path = "mail/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use server::{Manners, Server};
use tokio::sync::watch;
use vms::base::clock::{Clock, Now, SystemClock};
use vms::base::shutdown::Shutdown;
use vms::config::sections::Mail as Settings;
use vms::journal::{Batch, Store};
use vms::model::alarm::{Priority, Topic};
use vms::model::board::Board;
use vms::model::event::{Event, EventKind};
use vms::model::mail::{Mail, MailBoard};
use vms::notify::{FILE_NAME, Worker, run};

const LONG: Duration = Duration::from_secs(30);
/// AUTH PLAIN of vms and hunter2 (RFC 4616).
const PLAIN: &str = "AHZtcwBodW50ZXIy";

fn settings(dir: &Path, port: u16, more: &str) -> Settings {
    fs::write(dir.join("password"), "hunter2\n").expect("written");
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(dir.join("password"), owner_only).expect("set");
    let text = format!(
        "[mail]\nserver = \"smtp://localhost:{port}\"\nfrom = \"vms@plant.example\"\nto = [\"shift@plant.example\"]\n{more}\n"
    );
    let loaded = vms::config::Config::parse(&text, "vms.toml", dir, &|_| None).expect("a configuration");
    loaded.config.mail.expect("mail")
}

/// A worker on its own thread.
struct Post {
    board: watch::Sender<Arc<Board>>,
    letters: SyncSender<Mail>,
    told: Receiver<MailBoard>,
    shutdown: Shutdown,
    thread: Option<JoinHandle<()>>,
}

impl Post {
    fn start(settings: Settings, data: &Path) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let (board, rx) = watch::channel(Arc::new(board(Vec::new(), clock.now())));
        let (letters, letters_rx) = sync_channel(8);
        let (report, told) = channel();
        let pause = Duration::from_millis(200);
        let worker = Worker {
            settings,
            file: Some(data.join(FILE_NAME)),
            board: rx,
            letters: letters_rx,
            clock,
            pauses: (pause, pause),
            report: Box::new(move |m| drop(report.send(m))),
        };
        let shutdown = Shutdown::new();
        let own = shutdown.clone();
        let thread = Some(std::thread::spawn(move || run(worker, &own)));
        Self { board, letters, told, shutdown, thread }
    }

    fn wait(&self, what: &str, right: impl Fn(&MailBoard) -> bool) -> MailBoard {
        loop {
            let m = self.told.recv_timeout(LONG).unwrap_or_else(|_| panic!("{what} was not told"));
            if right(&m) {
                return m;
            }
        }
    }

    fn end(mut self) {
        self.shutdown.ask();
        self.thread.take().expect("a thread").join().expect("it ends");
    }
}

fn board(events: Vec<Event>, now: Now) -> Board {
    let at = Timestamp::now();
    let start = Event { seq: 1, at, kind: EventKind::EngineStarted { version: "1".into(), pid: 1 } };
    let mut b = Board::empty("BF2", "bf2-vms-1", TimeZone::UTC, now);
    b.events = std::iter::once(start).chain(events).collect();
    b
}

fn mail(subject: &str) -> Mail {
    Mail { to: Vec::new(), subject: subject.into(), body: "Körper\n.\nafter a dot\n".into() }
}

#[test]
fn an_alarm_becomes_a_letter() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(Manners::default());
    let post = Post::start(settings(dir.path(), server.port, "starttls = false\nat_least = \"high\""), dir.path());
    post.wait("the first look", |m| m.on);
    let kind = EventKind::AlarmRaised {
        alarm: "east-bearing.velocity".into(),
        source: "east-bearing".into(),
        topic: Topic::Resource,
        priority: Priority::Critical,
        value: Some(8.3),
        limit: Some(7.1),
        unit: "mm/s".into(),
        text: "east-bearing velocity 8.3 > 7.1 mm/s".into(),
        advice: "Stop the screen.".into(),
    };
    let event = Event { seq: 2, at: Timestamp::now(), kind };
    post.board.send_replace(Arc::new(board(vec![event], SystemClock::new().now())));
    let letter = server.letters.recv_timeout(LONG).expect("a letter");
    assert!(letter.contains("Subject: [BF2] critical alarm: east-bearing velocity 8.3 > 7.1 mm/s\r\n"), "{letter}");
    assert!(letter.contains("To: shift@plant.example") && letter.contains("Stop the screen."), "{letter}");
    assert!(letter.contains("Message-ID: <vms-"), "{letter}");
    let told = post.wait("sent", |m| m.sent == 1);
    assert_eq!((told.waiting, told.fault), (0, None));
    post.end();
}

#[test]
fn what_is_put_off_comes_later_and_what_is_refused_holds_nothing_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(Manners { put_off: 2, refuses: Some("gone@"), ..Manners::default() });
    let post = Post::start(settings(dir.path(), server.port, "starttls = false"), dir.path());
    let gone = Mail { to: vec!["gone@plant.example".into()], ..mail("to nobody") };
    post.letters.send(gone).expect("taken");
    post.letters.send(mail("put off")).expect("taken");
    let told = post.wait("the refusal", |m| m.fault.is_some());
    assert!(told.fault.is_some_and(|f| f.contains("550")), "the server's own code is told");
    let letter = server.letters.recv_timeout(LONG).expect("a letter");
    assert!(letter.contains("put off"), "{letter}");
    let told = post.wait("given up", |m| m.dropped == 1);
    assert_eq!((told.sent, told.waiting), (1, 0));
    post.end();
}

#[test]
fn letters_wait_over_a_restart_while_the_server_is_away() {
    let dir = tempfile::tempdir().expect("a directory");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let post = Post::start(settings(dir.path(), port, "starttls = false"), dir.path());
    post.letters.send(mail("waits")).expect("taken");
    let told = post.wait("a fault", |m| m.fault.is_some());
    assert_eq!(told.waiting, 1);
    assert!(told.fault.is_some_and(|f| f.contains("cannot be reached")));
    post.end();
    let server = Server::start(Manners::default());
    let post = Post::start(settings(dir.path(), server.port, "starttls = false"), dir.path());
    assert!(server.letters.recv_timeout(LONG).expect("a letter").contains("waits"));
    post.wait("sent", |m| m.sent == 1 && m.waiting == 0);
    post.end();
}

#[test]
fn a_wrong_password_is_told_without_the_password() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(Manners { auth: Some("another"), ..Manners::default() });
    let more = "starttls = false\nusername = \"vms\"\npassword = { file = \"password\" }";
    let post = Post::start(settings(dir.path(), server.port, more), dir.path());
    post.letters.send(mail("x")).expect("taken");
    let fault = post.wait("a fault", |m| m.fault.is_some()).fault.expect("a fault");
    assert!(fault.contains("user name or password") && fault.contains("535"), "{fault}");
    assert!(!fault.contains("hunter2") && !fault.contains(PLAIN), "{fault}");
    assert!(server.seen.lock().expect("the list").iter().any(|l| l.contains(PLAIN)), "it was tried");
    let kept = fs::read_to_string(dir.path().join(FILE_NAME)).expect("the queue");
    assert!(!kept.contains("hunter2"), "{kept}");
    post.end();
}

#[test]
fn a_silent_server_and_one_without_starttls_are_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let plain = Server::start(Manners::default());
    let post = Post::start(settings(dir.path(), plain.port, "starttls = true"), dir.path());
    post.letters.send(mail("x")).expect("taken");
    let fault = post.wait("a fault", |m| m.fault.is_some()).fault.expect("a fault");
    assert!(fault.contains("STARTTLS"), "{fault}");
    assert!(
        !plain.seen.lock().expect("the list").iter().any(|l| l.starts_with("MAIL")),
        "nothing was sent in the clear"
    );
    post.end();
    let silent = Server::start(Manners { silent: true, ..Manners::default() });
    let other = tempfile::tempdir().expect("a directory");
    let post = Post::start(settings(other.path(), silent.port, "starttls = false"), other.path());
    post.letters.send(mail("x")).expect("taken");
    let fault = post.wait("a fault", |m| m.fault.is_some()).fault.expect("a fault");
    assert!(fault.contains("did not answer in 15 s"), "{fault}");
    post.end();
}

/// An authority `ca.pem` and a server's certificate for `localhost`; none where there is no `openssl`.
fn certificate(dir: &Path) -> Option<Arc<rustls::ServerConfig>> {
    let openssl = |args: &str| {
        Command::new("openssl")
            .args(args.split_whitespace())
            .current_dir(dir)
            .output()
            .is_ok_and(|o| o.status.success())
    };
    fs::write(dir.join("san"), "subjectAltName=DNS:localhost\n").expect("written");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let made = openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=plant-ca"))
        && openssl(&format!("req {key} -keyout key.pem -out req.csr -subj /CN=localhost"))
        && openssl(
            "x509 -req -in req.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile san -out cert.pem",
        );
    if !made {
        return None;
    }
    let cert = CertificateDer::from_pem_file(dir.join("cert.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(dir.join("key.pem")).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .expect("a server");
    Some(Arc::new(config))
}

#[test]
fn encrypted_with_the_plants_own_authority_and_not_without_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(tls) = certificate(dir.path()) else { return };
    let server = Server::start(Manners { tls: Some(tls), auth: Some(PLAIN), ..Manners::default() });
    let user = "username = \"vms\"\npassword = { file = \"password\" }";
    let post = Post::start(settings(dir.path(), server.port, user), dir.path());
    post.letters.send(mail("secret")).expect("taken");
    let fault = post.wait("a fault", |m| m.fault.is_some()).fault.expect("a fault");
    assert!(fault.contains("mail.ca_file"), "{fault}");
    assert!(!server.seen.lock().expect("the list").iter().any(|l| l.contains(PLAIN)), "the password was not sent");
    post.end();
    let with = format!("{user}\nca_file = \"ca.pem\"");
    let post = Post::start(settings(dir.path(), server.port, &with), dir.path());
    let letter = server.letters.recv_timeout(LONG).expect("a letter");
    assert!(letter.contains("secret"), "{letter}");
    post.wait("sent", |m| m.sent == 1);
    post.end();
}

#[test]
fn a_test_letter_by_hand() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(Manners { refuses: Some("nobody@"), ..Manners::default() });
    let with = |to: &str| {
        let text = format!(
            "[mail]\nserver = \"smtp://localhost:{}\"\nstarttls = false\nfrom = \"vms@plant.example\"\nto = [\"{to}\"]\n",
            server.port
        );
        fs::write(dir.path().join("vms.toml"), text).expect("written");
        let o = Command::new(env!("CARGO_BIN_EXE_vms"))
            .args(["mail", "test", "--json", "--config", "vms.toml"])
            .current_dir(dir.path())
            .env_clear()
            .env("HOME", dir.path())
            .stdin(Stdio::null())
            .output()
            .expect("the program runs");
        (o.status.code(), String::from_utf8(o.stdout).expect("UTF-8"))
    };
    let (code, out) = with("shift@plant.example");
    assert_eq!(code, Some(0), "{out}");
    assert!(server.letters.recv_timeout(LONG).expect("a letter").contains("test letter"));
    let (code, out) = with("nobody@plant.example");
    assert!(code == Some(1) && out.contains("550"), "{out}");
}

/// An engine; it ends with the test.
struct Engine(Child);

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn overdue_maintenance_is_written_about() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(Manners::default());
    let text = format!(
        "[site]\nname = \"BF2\"\nnode = \"bf2-vms-1\"\n[mail]\nserver = \"smtp://localhost:{}\"\nstarttls = false\n\
         from = \"vms@plant.example\"\nto = [\"shift@plant.example\"]\n",
        server.port
    );
    fs::write(dir.path().join("vms.toml"), text).expect("written");
    // The installation began ten days ago, and nothing was done since.
    let now = SystemClock::new().now();
    let began = now.wall.checked_sub(jiff::SignedDuration::from_hours(240)).expect("a time");
    fs::create_dir(dir.path().join("data")).expect("made");
    let mut store = Store::open(&dir.path().join("data").join(vms::journal::FILE_NAME), now).expect("opens").store;
    let first = Event { seq: 1, at: began, kind: EventKind::EngineStarted { version: "1".into(), pid: 1 } };
    store.append(&Batch { events: vec![first], ..Batch::default() }).expect("written");
    drop(store);
    let engine = Command::new(env!("CARGO_BIN_EXE_vms"))
        .args(["engine", "--for", "100s", "--config", "vms.toml", "--data-dir", "data"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the engine starts");
    let engine = Engine(engine);
    let letter = loop {
        let letter = server.letters.recv_timeout(LONG).expect("a letter");
        if letter.contains("overdue") && letter.contains("D1-D4") {
            break letter;
        }
    };
    assert!(letter.contains("maintenance tasks are overdue") && letter.contains("Daily checks"), "{letter}");
    drop(engine);
}
