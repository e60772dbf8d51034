//! What reaches the decider, and the bounded queue it comes through.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use crate::historian::care::CareOut;
use crate::journal::WriterOut;
use crate::model::CameraId;
use crate::model::board::{DemoFault, ForwardBoard, HistorianBoard};
use crate::model::bus::{BusFrame, PlcReport};
use crate::model::camera::{CameraReport, Snapshot};
use crate::model::fleet::NodeState;
use crate::model::history::Answer;
use crate::model::host::HostReport;
use crate::model::intent::{Intent, Reply, ToSign};
use crate::model::logs::{LogPage, LogReport};
use crate::model::mail::MailBoard;
use crate::model::people::Person;
use crate::model::startup::StartBoard;
use crate::model::vibration::Sample;
use crate::upkeep::desk::Wanted;

/// Room for about ten seconds of sixteen cameras.
const QUEUE: usize = 4096;
/// Regions that are told of at once.
const AT_ONCE: usize = 8;

/// What regions of one camera did in one frame: handed over together, so that the decider is woken once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Samples {
    list: [Sample; AT_ONCE],
    count: usize,
}

impl Samples {
    /// Adds one; false if there is no room, and it must be handed over first.
    #[must_use]
    pub fn add(&mut self, sample: Sample) -> bool {
        let Some(place) = self.list.get_mut(self.count) else { return false };
        *place = sample;
        self.count += 1;
        true
    }

    /// The samples in the order in which they were added.
    #[must_use]
    pub fn all(&self) -> &[Sample] {
        self.list.get(..self.count).unwrap_or_default()
    }
}

impl From<Sample> for Samples {
    fn from(sample: Sample) -> Self {
        let mut samples = Self::default();
        samples.list[0] = sample;
        samples.count = 1;
        samples
    }
}

/// Something for the decider.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "samples come by the thousand, and none may be allocated; what else is large is boxed"
)]
pub enum Input {
    /// Regions in one frame.
    Samples(Samples),
    /// A camera's state.
    Camera(Box<CameraReport>),
    /// A small picture that somebody looks at.
    Snapshot(Snapshot),
    /// A PLC's state.
    Plc(Box<PlcReport>),
    /// A frame on a PLC's line.
    Bus(Box<BusFrame>),
    /// The computer.
    Host(Box<HostReport>),
    /// Log files.
    Logs(Box<LogReport>),
    /// What was found in a log file.
    LogPage(Box<LogPage>),
    /// The sending of mail.
    Mail(Box<MailBoard>),
    /// The link to PostgreSQL.
    Historian(Box<HistorianBoard>),
    /// The nodes that write to the same database.
    Fleet(Vec<NodeState>),
    /// The rows on their way there.
    Forward(Box<ForwardBoard>),
    /// The database's health and what is done for it.
    Database(Box<CareOut>),
    /// What the journal's thread tells.
    Writer(WriterOut),
    /// What was looked up in the record.
    History(Box<Answer>),
    /// The program's start, and a restart that is planned.
    Start(Box<StartBoard>),
    /// Somebody asks for something.
    Intent(Box<Intent>),
    /// An errand of a maintenance step has ended.
    Errand(Wanted, Box<crate::model::upkeep::Answer>),
    /// A PIN was looked at.
    Verified(Box<Verified>),
    /// Who can sign has changed.
    People(Arc<[Person]>),
    /// A maintenance task is called for.
    TaskCalled {
        /// The task's id.
        task: Arc<str>,
        /// Why.
        why: Arc<str>,
    },
    /// The demonstration's faults have changed.
    Demo(Vec<DemoFault>),
    /// A measured scale was put into the configuration, or could not be.
    ScaleKept {
        /// The camera.
        camera: CameraId,
        /// What became of it, in words for the record.
        text: Arc<str>,
        /// Whether it went wrong.
        bad: bool,
    },
    /// Something that was carried out, or could not be, in words for the record.
    Note {
        /// In words.
        text: Arc<str>,
        /// Whether it went wrong.
        bad: bool,
    },
}

/// A PIN that was looked at.
#[derive(Debug)]
pub struct Verified {
    /// Whose it is, or in words why not.
    pub person: Result<Person, String>,
    /// For what it was given.
    pub what: ToSign,
    /// Who waits for it.
    pub reply: Option<SyncSender<Reply>>,
}

/// The queue's entrance; cloned into every source. Never blocks: what finds no room is counted.
#[derive(Clone, Debug)]
pub struct Intake {
    tx: SyncSender<Input>,
    dropped: Arc<AtomicU64>,
}

impl Intake {
    /// The queue.
    #[must_use]
    pub fn channel() -> (Self, Receiver<Input>) {
        let (tx, rx) = sync_channel(QUEUE);
        (Self { tx, dropped: Arc::default() }, rx)
    }

    /// Hands over; false (and counted) if the queue is full or the decider has ended.
    pub fn push(&self, input: Input) -> bool {
        let ok = self.tx.try_send(input).is_ok();
        if !ok {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        ok
    }

    /// Hands a wish over, or answers it at once with the reason why not.
    pub fn ask(&self, intent: Intent) {
        if let Err(TrySendError::Full(i) | TrySendError::Disconnected(i)) =
            self.tx.try_send(Input::Intent(Box::new(intent)))
            && let Input::Intent(intent) = i
            && let Some(reply) = intent.reply
        {
            let _ = reply.try_send(Err("the engine is too busy or ending; try again".into()));
        }
    }

    /// How many found no room since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}
