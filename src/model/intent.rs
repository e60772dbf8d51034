//! What somebody asks the engine for; the effect is seen through later events.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::calibration::Length;
use super::compensation::Compensation;
use super::database::{CareRecord, DatabaseWish};
use super::history::Ask;
use super::logs::LogQuery;
use super::mail::Mail;
use super::upkeep::Answer;
use super::{AlarmId, CameraId, PlcId, RoiId};

/// A request to the engine: who asks, why, and for what.
#[derive(Debug)]
pub struct Intent {
    /// Who asks: the operating system's user, or a person signed in.
    pub who: Arc<str>,
    /// Why, if they said so.
    pub why: Option<Arc<str>>,
    /// For what.
    pub kind: IntentKind,
    /// Where the answer goes; capacity one, so that the engine never waits.
    pub reply: Option<SyncSender<Reply>>,
}

/// How a request ended: a sentence for the person, good or bad.
pub type Reply = Result<String, String>;

/// A PIN on its way: never shown, wiped when it is dropped.
#[derive(Clone, Debug)]
pub struct Pin(pub SecretString);

impl Serialize for Pin {
    /// Only for the way over the engine's own socket, which its owner alone can open.
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secrecy::ExposeSecret::expose_secret(&self.0))
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(text.into()))
    }
}

impl PartialEq for Pin {
    /// PINs are compared by their hash alone, elsewhere.
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

/// What a PIN is given for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToSign {
    /// The record of a run whose steps are all answered.
    Run {
        /// The run.
        run: u64,
        /// The hash that the person saw.
        hash: Arc<str>,
    },
    /// A finished record, by a second person.
    Counter {
        /// The run.
        run: u64,
        /// The hash that the person saw.
        hash: Arc<str>,
    },
    /// Something added to a finished record.
    Addendum {
        /// The run.
        run: u64,
        /// What.
        text: Arc<str>,
    },
    /// A task need not be done until then.
    Waive {
        /// The task's id.
        task: Arc<str>,
        /// Until when.
        until: Timestamp,
        /// Why.
        why: Arc<str>,
    },
}

/// A wish about maintenance, as commands send it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum UpkeepWish {
    /// [`IntentKind::StartRun`].
    Start {
        /// The task's id.
        task: Arc<str>,
        /// What a guide is about.
        subject: Option<Arc<str>>,
    },
    /// [`IntentKind::AnswerStep`].
    Answer {
        /// The run.
        run: u64,
        /// The step's id.
        step: Arc<str>,
        /// The answer.
        answer: Answer,
    },
    /// [`IntentKind::LookAgain`].
    Look {
        /// The run.
        run: u64,
        /// The step's id.
        step: Arc<str>,
    },
    /// [`IntentKind::Perform`].
    Agree {
        /// The run.
        run: u64,
        /// The step's id.
        step: Arc<str>,
    },
    /// [`IntentKind::ReopenStep`].
    TakeBack {
        /// The run.
        run: u64,
    },
    /// [`IntentKind::PauseRun`].
    Pause {
        /// The run.
        run: u64,
        /// Laid aside.
        paused: bool,
    },
    /// [`IntentKind::HandOver`].
    HandOver {
        /// The run.
        run: u64,
        /// To whom.
        to: Arc<str>,
    },
    /// [`IntentKind::AbandonRun`].
    End {
        /// The run.
        run: u64,
    },
    /// [`IntentKind::CloseFollowUp`].
    Settle {
        /// The run that found it.
        run: u64,
        /// The step.
        step: Arc<str>,
        /// What was done.
        text: Arc<str>,
    },
    /// [`IntentKind::Sign`].
    Sign {
        /// Who.
        person: Arc<str>,
        /// Their PIN.
        pin: Pin,
        /// For what.
        what: ToSign,
    },
}

impl From<UpkeepWish> for IntentKind {
    fn from(wish: UpkeepWish) -> Self {
        match wish {
            UpkeepWish::Start { task, subject } => Self::StartRun { task, subject, because: None },
            UpkeepWish::Answer { run, step, answer } => Self::AnswerStep { run, step, answer },
            UpkeepWish::Look { run, step } => Self::LookAgain { run, step },
            UpkeepWish::Agree { run, step } => Self::Perform { run, step },
            UpkeepWish::TakeBack { run } => Self::ReopenStep { run },
            UpkeepWish::Pause { run, paused } => Self::PauseRun { run, paused },
            UpkeepWish::HandOver { run, to } => Self::HandOver { run, to },
            UpkeepWish::End { run } => Self::AbandonRun { run },
            UpkeepWish::Settle { run, step, text } => Self::CloseFollowUp { run, step, text },
            UpkeepWish::Sign { person, pin, what } => Self::Sign { person, pin, what },
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum IntentKind {
    /// Acknowledge one alarm. Answered only when the acknowledgment is durable.
    Acknowledge(AlarmId),
    /// Acknowledge every alarm that is unacknowledged now.
    AcknowledgeAll,
    /// Show this camera's picture on the board (none: no picture is needed).
    Watch(Option<CameraId>),
    /// Show the watched camera's picture pixel by pixel about this point (none: the whole picture, made small).
    LookAt {
        /// The camera.
        camera: CameraId,
        /// x and y in pixels.
        centre: Option<(u32, u32)>,
    },
    /// A length on the machine is known: this is the camera's scale from now on. Goes into the configuration file too.
    SetScale {
        /// The camera.
        camera: CameraId,
        /// The length.
        length: Length,
        /// One-sigma uncertainty of each coordinate of its ends, in pixels.
        point_sigma_px: f64,
    },
    /// Open this camera's stream again.
    ReconnectCamera(CameraId),
    /// Open this PLC's port again.
    ResetPlc(PlcId),
    /// Begin a guided run of a task.
    StartRun {
        /// The task's id.
        task: Arc<str>,
        /// For a guide: the camera, PLC or directory.
        subject: Option<Arc<str>>,
        /// The run and step that led here.
        because: Option<(u64, Arc<str>)>,
    },
    /// Look again for an open check, or what an open action would do.
    LookAgain {
        /// The run.
        run: u64,
        /// The step's id.
        step: Arc<str>,
    },
    /// Agree to what the program is to do in an action.
    Perform {
        /// The run.
        run: u64,
        /// The step's id.
        step: Arc<str>,
    },
    /// Take the last answer of a run back.
    ReopenStep {
        /// The run.
        run: u64,
    },
    /// Lay a run aside, or take it up again.
    PauseRun {
        /// The run.
        run: u64,
        /// Laid aside.
        paused: bool,
    },
    /// Give a run to another person.
    HandOver {
        /// The run.
        run: u64,
        /// To whom.
        to: Arc<str>,
    },
    /// A person gives their PIN for something.
    Sign {
        /// Who.
        person: Arc<str>,
        /// Their PIN.
        pin: Pin,
        /// For what.
        what: ToSign,
    },
    /// Settle something that a step found.
    CloseFollowUp {
        /// The run that found it.
        run: u64,
        /// The step.
        step: Arc<str>,
        /// What was done.
        text: Arc<str>,
    },
    /// Answer the step of a run.
    AnswerStep {
        /// The run.
        run: u64,
        /// The step's id.
        step: Arc<str>,
        /// The answer.
        answer: Answer,
    },
    /// End a run before its last step.
    AbandonRun {
        /// The run.
        run: u64,
    },
    /// Forget a region's baseline and learn it anew.
    LearnBaseline(RoiId),
    /// Switch a compensation of a camera on or off, until the engine starts again.
    Compensate {
        /// The camera.
        camera: CameraId,
        /// Which.
        which: Compensation,
        /// On or off.
        on: bool,
    },
    /// Look something up in the record; the answer comes on the board.
    History(Ask),
    /// Look into a log file; the answer comes on the board.
    Log(LogQuery),
    /// Put a line of a log into the shift log.
    Bookmark {
        /// The file.
        source: Arc<str>,
        /// The line.
        line: Arc<str>,
        /// What the person says of it.
        note: Arc<str>,
    },
    /// Send a letter.
    Mail(Mail),
    /// Look after the database: vacuum, reindex, cancel a query, stop the job that is running.
    Database(DatabaseWish),
    /// Put into the record what a command did for the database.
    RecordCare(Arc<CareRecord>),
    /// Demonstration only: switch a fault on or off.
    DemoFault {
        /// The fault's id.
        fault: Arc<str>,
        /// On or off.
        on: bool,
    },
    /// The console's terminal went away.
    TerminalLost {
        /// What was seen.
        reason: Arc<str>,
    },
    /// Stop the engine in order.
    Shutdown,
}
