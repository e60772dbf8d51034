//! `vms.sock` in the data directory: how other commands reach the running engine. Owner only; one JSON object a line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc, watch};
use tracing::{debug, warn};

use crate::base::error::{Exit, Failure};
use crate::cli::Globals;
use crate::cli::alarms::AckArgs;
use crate::journal::{FILE_NAME, History};
use crate::model::board::Board;
use crate::model::database::CareRecord;
use crate::model::intent::{Intent, IntentKind, UpkeepWish};
use crate::model::{fleet, status, upkeep};

/// Name of the socket in the data directory.
pub const SOCKET: &str = "vms.sock";
/// Longest question, bytes.
const LONGEST: u64 = 64 * 1024;
/// Commands served at the same time; more wait for their turn.
const AT_ONCE: usize = 16;
/// How long the engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(12);

/// A question to the engine.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
enum Question {
    /// The status JSON.
    Status,
    /// Acknowledge one alarm, or all where none is named.
    Acknowledge { alarm: Option<String>, why: Option<String> },
    /// The nodes of the site.
    Fleet,
    /// The demonstration's faults.
    DemoFaults,
    /// Switch one of them.
    DemoFault { fault: String, on: bool },
    /// Maintenance: tasks, open runs, what is to follow up.
    Maintenance,
    /// A wish about maintenance.
    Upkeep { wish: UpkeepWish, why: Option<String> },
    /// A command has done something for the database: put it into the record.
    DatabaseCare { record: CareRecord },
}

/// Its answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// What was asked for.
    Done(Value),
    /// Why not.
    Refused(String),
}

/// Listens on the socket until the runtime ends.
///
/// # Errors
/// The socket cannot be made (a path too long for a socket is the usual reason).
pub fn serve(
    runtime: &Runtime,
    dir: &Path,
    board: watch::Receiver<Arc<Board>>,
    intents: mpsc::Sender<Intent>,
) -> std::io::Result<()> {
    let path = dir.join(SOCKET);
    // The directory is ours alone (see `held`), so what lies here was left by a process that was killed.
    let _ = std::fs::remove_file(&path);
    let _in_runtime = runtime.enter();
    let listener = UnixListener::bind(&path)?;
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, owner_only)?;
    runtime.spawn(async move {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (board, intents) = (board.clone(), intents.clone());
                    tokio::spawn(async move {
                        if let Err(e) = tokio::time::timeout(PATIENCE * 2, talk(stream, board, intents)).await {
                            debug!("a command did not end its conversation: {e}");
                        }
                        drop(turn);
                    });
                }
                Err(e) => {
                    warn!("the socket cannot accept: {e}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    });
    Ok(())
}

async fn talk(stream: UnixStream, board: watch::Receiver<Arc<Board>>, intents: mpsc::Sender<Intent>) {
    let who = match caller(&stream) {
        Ok(who) => who,
        Err(e) => {
            warn!("refused a command: {e}");
            return;
        }
    };
    let (read, mut write) = stream.into_split();
    let mut lines = tokio::io::BufReader::new(read.take(LONGEST)).lines();
    // Errors of the connection end the conversation; there is nobody to tell.
    while let Ok(Some(line)) = lines.next_line().await {
        let reply = match serde_json::from_str::<Question>(&line) {
            Ok(q) => answer(q, &board, &intents, &who).await,
            Err(e) => Reply::Refused(format!("this engine does not understand the question: {e}")),
        };
        let Ok(mut text) = serde_json::to_string(&reply) else { return };
        text.push('\n');
        if write.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The operating system's user at the other end: the owner of this engine, or root.
fn caller(stream: &UnixStream) -> Result<Arc<str>, String> {
    let uid = stream.peer_cred().map_err(|e| e.to_string())?.uid();
    if uid != nix::unistd::getuid().as_raw() && uid != 0 {
        return Err(format!("user {uid} is not the owner of this engine"));
    }
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
    Ok(user.map_or_else(|| format!("user {uid}"), |u| u.name).into())
}

async fn answer(
    q: Question,
    board: &watch::Receiver<Arc<Board>>,
    intents: &mpsc::Sender<Intent>,
    who: &Arc<str>,
) -> Reply {
    let now = Arc::clone(&board.borrow());
    match q {
        Question::Status => match serde_json::to_value(status::status(&now)) {
            Ok(v) => Reply::Done(v),
            Err(e) => Reply::Refused(e.to_string()),
        },
        Question::Fleet => match serde_json::to_value(fleet::status(&now.fleet, &now.time_zone, now.at)) {
            Ok(v) => Reply::Done(v),
            Err(e) => Reply::Refused(e.to_string()),
        },
        Question::Maintenance => Reply::Done(upkeep::status::status(&now.upkeep)),
        Question::Upkeep { wish, why } => ask(intents, who, why, wish.into()).await,
        Question::DemoFaults => {
            let list = now.demo.iter().map(|f| json!({ "id": f.id, "title": f.title, "on": f.on }));
            Reply::Done(list.collect())
        }
        Question::Acknowledge { alarm, why } => {
            let kind = alarm.map_or(IntentKind::AcknowledgeAll, |a| IntentKind::Acknowledge(a.into()));
            ask(intents, who, why, kind).await
        }
        Question::DatabaseCare { record } => {
            let record = Arc::new(CareRecord { who: Arc::clone(who), ..record });
            ask(intents, who, None, IntentKind::RecordCare(record)).await
        }
        Question::DemoFault { fault, on } => {
            ask(intents, who, None, IntentKind::DemoFault { fault: fault.into(), on }).await
        }
    }
}

async fn ask(intents: &mpsc::Sender<Intent>, who: &Arc<str>, why: Option<String>, kind: IntentKind) -> Reply {
    let (tx, rx) = sync_channel(1);
    let intent = Intent { who: Arc::clone(who), why: why.map(Into::into), kind, reply: Some(tx) };
    if intents.send(intent).await.is_err() {
        return Reply::Refused("the engine is ending".into());
    }
    // The decider answers through a plain channel; waiting for it must not hold up the runtime.
    match tokio::task::spawn_blocking(move || rx.recv_timeout(PATIENCE)).await {
        Ok(Ok(Ok(text))) => Reply::Done(text.into()),
        Ok(Ok(Err(text))) => Reply::Refused(text),
        _ => Reply::Refused("the engine did not answer in time; nothing is known of the wish".into()),
    }
}

/// Asks the engine of this data directory.
fn question(globals: &Globals, q: &Question) -> Result<Value, Failure> {
    let path = globals.data_dir.join(SOCKET);
    let io = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => Failure::new(
            Exit::NoEngine,
            format!(
                "no engine is running for the data directory {}; start one with `vms engine`, or name another with --data-dir",
                globals.data_dir.display()
            ),
        ),
        std::io::ErrorKind::PermissionDenied => {
            Failure::new(Exit::NotAllowed, format!("{}: only the engine's owner may ask it", path.display()))
        }
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
            Failure::new(Exit::Io, "the engine did not answer in time; see its log")
        }
        _ => Failure::new(Exit::Io, format!("{}: {e}", path.display())),
    };
    let stream = std::os::unix::net::UnixStream::connect(&path).map_err(io)?;
    stream.set_read_timeout(Some(PATIENCE + Duration::from_secs(2))).map_err(io)?;
    let mut text = serde_json::to_string(q).map_err(|e| Failure::new(Exit::Io, e.to_string()))?;
    text.push('\n');
    (&stream).write_all(text.as_bytes()).map_err(io)?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).map_err(io)?;
    match serde_json::from_str(&line) {
        Ok(Reply::Done(v)) => Ok(v),
        Ok(Reply::Refused(text)) => Err(Failure::new(Exit::NotFine, text)),
        Err(_) if line.is_empty() => {
            Err(Failure::new(Exit::NotAllowed, "the engine refused the conversation; only its owner may ask it"))
        }
        Err(e) => Err(Failure::new(Exit::Io, format!("the engine's answer is not understood: {e}"))),
    }
}

/// The status JSON of the running engine.
///
/// # Errors
/// Exit 69 if none runs.
pub fn ask_status(globals: &Globals) -> Result<Value, Failure> {
    question(globals, &Question::Status)
}

/// The nodes of the site, as the running engine knows them.
///
/// # Errors
/// Exit 69 if none runs and no database is configured; 1 if that does not answer.
pub fn fleet(globals: &Globals) -> Result<Value, Failure> {
    match question(globals, &Question::Fleet) {
        Err(e) if e.exit == Exit::NoEngine => super::caring::fleet(globals).unwrap_or(Err(e)),
        asked => asked,
    }
}

/// Acknowledges at the running engine; answers with a sentence once that is durable.
///
/// # Errors
/// Exit 69 if no engine runs; 1 if it was not taken or is not saved yet.
pub fn acknowledge(globals: &Globals, what: &AckArgs) -> Result<String, Failure> {
    sentence(question(globals, &Question::Acknowledge { alarm: what.id.clone(), why: what.why.clone() })?)
}

/// Maintenance as the running engine has it: tasks, open runs, what is to follow up.
///
/// # Errors
/// Exit 69 if none runs.
pub fn maintenance(globals: &Globals) -> Result<Value, Failure> {
    question(globals, &Question::Maintenance)
}

/// Asks the running engine for something about maintenance; answers with a sentence once that is durable.
///
/// # Errors
/// Exit 69 if none runs; 1 if it was not taken.
pub fn upkeep(globals: &Globals, wish: &UpkeepWish, why: Option<&str>) -> Result<String, Failure> {
    sentence(question(globals, &Question::Upkeep { wish: wish.clone(), why: why.map(str::to_owned) })?)
}

/// Puts what a command did for the database into the record of the running engine; without one there is no record.
pub fn record_care(globals: &Globals, record: &CareRecord) {
    if let Err(e) = question(globals, &Question::DatabaseCare { record: record.clone() })
        && e.exit != Exit::NoEngine
    {
        warn!("it is not in the engine's record: {e}");
    }
}

/// The faults of the running demonstration: objects with `id`, `title`, `on`.
///
/// # Errors
/// Exit 69 if none runs.
pub fn demo_faults(globals: &Globals) -> Result<Vec<Value>, Failure> {
    match question(&demo(globals), &Question::DemoFaults)? {
        Value::Array(list) => Ok(list),
        _ => Ok(Vec::new()),
    }
}

/// Switches a fault of the running demonstration; the answer is a sentence.
///
/// # Errors
/// Exit 69 if none runs; 1 if there is no such fault.
pub fn set_demo_fault(globals: &Globals, name: &str, on: bool) -> Result<String, Failure> {
    sentence(question(&demo(globals), &Question::DemoFault { fault: name.into(), on })?)
}

/// The demonstration's own data directory, unless one was named.
fn demo(globals: &Globals) -> Globals {
    Globals { data_dir: demo_dir(globals), ..globals.clone() }
}

/// Where a demonstration keeps its things: the directory named, else one of its own per user.
pub fn demo_dir(globals: &Globals) -> std::path::PathBuf {
    if globals.data_dir_given {
        return globals.data_dir.clone();
    }
    std::env::temp_dir().join(format!("vms-demo-{}", nix::unistd::getuid()))
}

fn sentence(v: Value) -> Result<String, Failure> {
    match v {
        Value::String(s) => Ok(s),
        other => Err(Failure::new(Exit::Io, format!("the engine's answer is not understood: {other}"))),
    }
}

/// The newest `last` events about alarms as JSON, oldest first; from the journal itself, so an engine need not run.
///
/// # Errors
/// Exit 66 if there is no journal.
pub fn alarm_history(globals: &Globals, last: u32) -> Result<Vec<Value>, Failure> {
    let path = globals.data_dir.join(FILE_NAME);
    let failed = |e: &dyn std::fmt::Display| Failure::new(Exit::NoInput, format!("{}: {e}", path.display()));
    let history = History::open(&path).map_err(|e| failed(&e))?;
    let events = history.newest_of("alarm_", last as usize).map_err(|e| failed(&e))?;
    events.iter().map(|e| serde_json::to_value(e).map_err(|e| failed(&e))).collect()
}
