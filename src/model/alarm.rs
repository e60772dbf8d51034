//! Alarms after ISA-18.2 / IEC 62682.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::AlarmId;

/// How fast a person must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// When there is time.
    Low,
    /// Within the shift.
    Medium,
    /// Soon.
    High,
    /// Now.
    Critical,
}

impl Priority {
    /// Every priority, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// State of an alarm (ISA-18.2 figure 3, without those that come later: shelved, suppressed, out of service).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmState {
    /// Nothing to report.
    #[default]
    Normal,
    /// The condition holds and nobody has acknowledged it.
    ActiveUnacknowledged,
    /// The condition holds and somebody has acknowledged it.
    ActiveAcknowledged,
    /// The condition is gone and nobody has acknowledged that it was there.
    ReturnedUnacknowledged,
}

impl AlarmState {
    /// The words shown.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::ActiveUnacknowledged => "active, unacknowledged",
            Self::ActiveAcknowledged => "active, acknowledged",
            Self::ReturnedUnacknowledged => "returned, unacknowledged",
        }
    }

    /// The state after the condition came (ISA-18.2 figure 3, transitions B and, from returned, its repeat).
    #[must_use]
    pub fn raised(self) -> Self {
        match self {
            Self::Normal | Self::ReturnedUnacknowledged | Self::ActiveUnacknowledged => Self::ActiveUnacknowledged,
            Self::ActiveAcknowledged => Self::ActiveAcknowledged,
        }
    }

    /// The state after the condition went.
    #[must_use]
    pub fn returned(self) -> Self {
        match self {
            Self::Normal | Self::ActiveAcknowledged => Self::Normal,
            Self::ActiveUnacknowledged | Self::ReturnedUnacknowledged => Self::ReturnedUnacknowledged,
        }
    }

    /// The state after somebody acknowledged.
    #[must_use]
    pub fn acknowledged(self) -> Self {
        match self {
            Self::Normal | Self::ReturnedUnacknowledged => Self::Normal,
            Self::ActiveUnacknowledged | Self::ActiveAcknowledged => Self::ActiveAcknowledged,
        }
    }

    /// Whether the condition holds.
    #[must_use]
    pub fn active(self) -> bool {
        matches!(self, Self::ActiveUnacknowledged | Self::ActiveAcknowledged)
    }

    /// Whether somebody still has to acknowledge.
    #[must_use]
    pub fn unacknowledged(self) -> bool {
        matches!(self, Self::ActiveUnacknowledged | Self::ReturnedUnacknowledged)
    }
}

/// What kind of thing an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// A machine vibrates more than it may.
    Vibration,
    /// A region cannot be measured.
    Measurement,
    /// A camera is lost, refused or stalled, or its picture is unfit.
    Camera,
    /// A PLC does not answer.
    Plc,
    /// A health indicator is beyond its threshold.
    Resource,
    /// The program itself has a fault (a journal that cannot be written).
    Program,
}

/// An alarm that is not normal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Its stable name.
    pub id: AlarmId,
    /// What it is about: the region, camera, PLC or indicator.
    pub source: Arc<str>,
    /// What kind of thing.
    pub topic: Topic,
    /// How fast a person must act.
    pub priority: Priority,
    /// Where in its life it is.
    pub state: AlarmState,
    /// Since when the condition holds (or held).
    pub since: Timestamp,
    /// When the condition went, if it has.
    pub returned: Option<Timestamp>,
    /// The value that raised it; while it is active, the newest value.
    pub value: Option<f64>,
    /// The limit it broke.
    pub limit: Option<f64>,
    /// Unit of value and limit.
    pub unit: Arc<str>,
    /// What happened, in words, with value and limit.
    pub text: Arc<str>,
    /// What to do about it, in one sentence.
    pub advice: Arc<str>,
    /// Who acknowledged it.
    pub acknowledged_by: Option<Arc<str>>,
    /// An acknowledgment is on its way to the disk and not durable yet.
    #[serde(default)]
    pub acknowledging: bool,
}
