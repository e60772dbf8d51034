//! Things that happened, as the journal keeps them.

mod words;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alarm::{Priority, Topic};
use super::baseline::Baseline;
use super::bus::PlcState;
use super::camera::CameraState;
use super::compensation::Compensation;
use super::database::CareRecord;
use super::signed::{Addendum, Record, Signature};
use super::{AlarmId, CameraId, PlcId, RoiId};

pub use words::{ending, outcome};

/// Something that happened. Immutable; `seq` is given by the journal and never given twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Number in the journal, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// The engine started.
    EngineStarted {
        /// Version of the program.
        version: Arc<str>,
        /// Process id.
        pid: u32,
    },
    /// The engine stops in order.
    EngineStopped {
        /// Why.
        reason: Arc<str>,
    },
    /// The console's terminal went away; the engine goes on.
    TerminalLost {
        /// What was seen.
        reason: Arc<str>,
    },
    /// A camera changed its state.
    Camera {
        /// Which.
        camera: CameraId,
        /// To what.
        state: CameraState,
        /// Why.
        text: Arc<str>,
    },
    /// A PLC changed its state.
    Plc {
        /// Which.
        plc: PlcId,
        /// To what.
        state: PlcState,
        /// Why.
        text: Arc<str>,
    },
    /// An alarm was raised.
    AlarmRaised {
        /// Which.
        alarm: AlarmId,
        /// About what.
        source: Arc<str>,
        /// What kind of thing.
        topic: Topic,
        /// How fast a person must act.
        priority: Priority,
        /// The value that raised it.
        value: Option<f64>,
        /// The limit it broke.
        limit: Option<f64>,
        /// Unit of both.
        unit: Arc<str>,
        /// In words.
        text: Arc<str>,
        /// What to do.
        advice: Arc<str>,
    },
    /// The condition of an alarm went.
    AlarmReturned {
        /// Which.
        alarm: AlarmId,
        /// The value now.
        value: Option<f64>,
    },
    /// Somebody acknowledged an alarm.
    AlarmAcknowledged {
        /// Which.
        alarm: AlarmId,
        /// Who.
        who: Arc<str>,
        /// Why, if they said so.
        why: Option<Arc<str>>,
    },
    /// A maintenance run began.
    RunStarted {
        /// The run.
        run: u64,
        /// The task's id.
        task: Arc<str>,
        /// Who.
        who: Arc<str>,
        /// The camera, PLC or directory that a guide is followed for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<Arc<str>>,
        /// The run and step that led here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<(u64, Arc<str>)>,
    },
    /// Somebody agreed to what the program is to do in a step; it began. Its answer follows.
    StepBegun {
        /// The run.
        run: u64,
        /// The step's id.
        step: Arc<str>,
        /// Who.
        who: Arc<str>,
    },
    /// An answer was taken back before the record was signed.
    StepReopened {
        /// The run.
        run: u64,
        /// The step's id.
        step: Arc<str>,
        /// Who.
        who: Arc<str>,
    },
    /// A run was laid aside, or taken up again.
    RunPaused {
        /// The run.
        run: u64,
        /// Laid aside.
        paused: bool,
        /// Who.
        who: Arc<str>,
    },
    /// A run went over to another person.
    RunHandedOver {
        /// The run.
        run: u64,
        /// To whom.
        to: Arc<str>,
        /// By whom.
        who: Arc<str>,
    },
    /// A step of a maintenance run was answered, by the program or by a person.
    StepAnswered {
        /// The run.
        run: u64,
        /// The step's id.
        step: Arc<str>,
        /// The answer.
        answer: super::upkeep::Answer,
        /// Who.
        who: Arc<str>,
    },
    /// A maintenance run ended.
    RunFinished {
        /// The run.
        run: u64,
        /// The task's id.
        task: Arc<str>,
        /// Who.
        who: Arc<str>,
        /// Every step passed.
        passed: bool,
        /// Ended before its last step.
        abandoned: bool,
        /// The record, with its signature.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<Arc<Record>>,
    },
    /// A second person signed a record.
    RecordCountersigned {
        /// The run.
        run: u64,
        /// The hash that was signed.
        hash: Arc<str>,
        /// The signature.
        signature: Signature,
    },
    /// Something was added to a record.
    RecordAddendum {
        /// The run.
        run: u64,
        /// What, by whom.
        addendum: Addendum,
    },
    /// A task need not be done until then.
    TaskWaived {
        /// The task's id.
        task: Arc<str>,
        /// Until when.
        until: Timestamp,
        /// Who decided it.
        who: Arc<str>,
        /// Why.
        why: Arc<str>,
    },
    /// A task is called for: it is due although the calendar does not say so.
    TaskCalled {
        /// The task's id.
        task: Arc<str>,
        /// Why.
        why: Arc<str>,
    },
    /// What a step found not in order has been settled.
    FollowUpClosed {
        /// The run that found it.
        run: u64,
        /// The step.
        step: Arc<str>,
        /// Who.
        who: Arc<str>,
        /// What was done.
        text: Arc<str>,
    },
    /// A region's baseline is to be learned anew; what was usual before counts no more.
    BaselineBegun {
        /// The region.
        roi: RoiId,
        /// Who.
        who: Arc<str>,
    },
    /// A region's baseline is complete.
    BaselineLearned {
        /// The region.
        roi: RoiId,
        /// Whether it is that of the running machine (or of one of which nothing tells whether it runs), or of the standing one.
        running: bool,
        /// What is usual.
        baseline: Arc<Baseline>,
    },
    /// A camera's scale was measured by a known length, and holds from here on.
    ScaleMeasured {
        /// The camera.
        camera: CameraId,
        /// Scale in mm per pixel.
        mm_per_px: f64,
        /// Its one-sigma uncertainty in mm per pixel.
        sigma_mm_per_px: f64,
        /// The length in mm.
        length_mm: f64,
        /// One end: x and y in pixels.
        from_px: (f64, f64),
        /// The other end.
        to_px: (f64, f64),
        /// Who.
        who: Arc<str>,
    },
    /// Somebody switched a compensation of a camera, until the engine starts again.
    Compensation {
        /// The camera.
        camera: CameraId,
        /// Which.
        which: Compensation,
        /// On or off.
        on: bool,
        /// Who.
        who: Arc<str>,
    },
    /// Something was done for the database: by the timetable or because somebody asked for it.
    DatabaseCare {
        /// What, by whom, and what came of it.
        #[serde(flatten)]
        record: Arc<CareRecord>,
    },
    /// Something was lost because a queue was full.
    Dropped {
        /// What.
        what: Arc<str>,
        /// How many since the last such event.
        count: u64,
    },
    /// Anything else worth keeping, in words.
    Note {
        /// What.
        text: Arc<str>,
    },
}

impl EventKind {
    /// The name of the kind, as stored.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::EngineStarted { .. } => "engine_started",
            Self::EngineStopped { .. } => "engine_stopped",
            Self::TerminalLost { .. } => "terminal_lost",
            Self::Camera { .. } => "camera",
            Self::Plc { .. } => "plc",
            Self::AlarmRaised { .. } => "alarm_raised",
            Self::AlarmReturned { .. } => "alarm_returned",
            Self::AlarmAcknowledged { .. } => "alarm_acknowledged",
            Self::RunStarted { .. } => "run_started",
            Self::StepAnswered { .. } => "step_answered",
            Self::RunFinished { .. } => "run_finished",
            Self::StepBegun { .. } => "step_begun",
            Self::StepReopened { .. } => "step_reopened",
            Self::RunPaused { .. } => "run_paused",
            Self::RunHandedOver { .. } => "run_handed_over",
            Self::RecordCountersigned { .. } => "record_countersigned",
            Self::RecordAddendum { .. } => "record_addendum",
            Self::TaskWaived { .. } => "task_waived",
            Self::TaskCalled { .. } => "task_called",
            Self::FollowUpClosed { .. } => "follow_up_closed",
            Self::BaselineBegun { .. } => "baseline_begun",
            Self::BaselineLearned { .. } => "baseline_learned",
            Self::ScaleMeasured { .. } => "scale_measured",
            Self::Compensation { .. } => "compensation",
            Self::DatabaseCare { .. } => "database_care",
            Self::Dropped { .. } => "dropped",
            Self::Note { .. } => "note",
        }
    }

    /// What the event is about (alarm, camera, PLC or run), for look-ups.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::AlarmRaised { alarm, .. }
            | Self::AlarmReturned { alarm, .. }
            | Self::AlarmAcknowledged { alarm, .. } => Some(alarm.to_string()),
            Self::Camera { camera, .. } | Self::Compensation { camera, .. } | Self::ScaleMeasured { camera, .. } => {
                Some(camera.to_string())
            }
            Self::Plc { plc, .. } => Some(plc.to_string()),
            Self::RunStarted { run, .. }
            | Self::StepAnswered { run, .. }
            | Self::StepBegun { run, .. }
            | Self::StepReopened { run, .. }
            | Self::RunPaused { run, .. }
            | Self::RunHandedOver { run, .. }
            | Self::RunFinished { run, .. }
            | Self::RecordCountersigned { run, .. }
            | Self::RecordAddendum { run, .. }
            | Self::FollowUpClosed { run, .. } => Some(run.to_string()),
            Self::TaskWaived { task, .. } | Self::TaskCalled { task, .. } => Some(task.to_string()),
            Self::BaselineBegun { roi, .. } => Some(roi.to_string()),
            Self::BaselineLearned { roi, running, .. } => {
                Some(format!("{roi} {}", if *running { "running" } else { "stopped" }))
            }
            // A run over all tables is told from one over a single table: only the former counts for the timetable.
            Self::DatabaseCare { record } => Some(match &record.table {
                Some(table) => format!("{} {table}", record.job.word()),
                None => record.job.word().to_owned(),
            }),
            _ => None,
        }
    }
}

/// A region's second, as the journal keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct SecondReading {
    /// The second, Unix time.
    pub second: i64,
    /// The region.
    pub roi: super::RoiId,
    /// Peak to peak, px.
    pub displacement_pp_px: f64,
    /// RMS, px.
    pub displacement_rms_px: f64,
    /// Velocity RMS, mm/s.
    pub velocity_rms_mm_s: Option<f64>,
    /// Frequency of the main tone.
    pub peak_hz: Option<f64>,
    /// Amplitude of the main tone.
    pub peak_amplitude_px: Option<f64>,
    /// One-sigma uncertainty of a displacement.
    pub uncertainty_px: f64,
    /// Its grade.
    pub grade: super::vibration::Grade,
}
