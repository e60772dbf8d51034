//! What the rules look at: the newest facts, by index in the configuration.

use std::sync::Arc;

use crate::model::board::Indicator;
use crate::model::bus::PlcState;
use crate::model::camera::{CameraState, Picture};
use crate::model::startup::StartBoard;
use crate::model::vibration::Reading;

/// A region now.
#[derive(Clone, Debug, Default)]
pub struct RegionFact {
    /// The newest reading, if its camera delivers.
    pub reading: Option<Arc<Reading>>,
    /// Whether the machine runs; none where no tag tells, or the PLC is lost.
    pub running: Option<bool>,
    /// Whether the camera delivers frames.
    pub camera_delivers: bool,
    /// What is wrong with the region itself.
    pub fault: Option<Arc<str>>,
}

/// A camera now.
#[derive(Clone, Debug, Default)]
pub struct CameraFact {
    /// State of its stream.
    pub state: CameraState,
    /// What its picture looks like.
    pub picture: Picture,
    /// Why it is not live.
    pub text: Option<Arc<str>>,
}

/// A PLC now.
#[derive(Clone, Debug, Default)]
pub struct PlcFact {
    /// State of its link.
    pub state: PlcState,
    /// Why it is not live.
    pub text: Option<Arc<str>>,
}

/// Everything the rules look at.
#[derive(Debug, Default)]
pub struct Facts {
    /// Regions, over all cameras in the configuration's order.
    pub regions: Vec<RegionFact>,
    /// Cameras.
    pub cameras: Vec<CameraFact>,
    /// PLCs.
    pub plcs: Vec<PlcFact>,
    /// Health indicators.
    pub indicators: Arc<[Indicator]>,
    /// What is wrong with the journal.
    pub journal_fault: Option<Arc<str>>,
    /// Why nothing is sent to PostgreSQL.
    pub forward_fault: Option<Arc<str>>,
    /// Which maintenance is overdue.
    pub overdue: Option<Arc<str>>,
    /// The program's start, and a restart that is planned.
    pub start: Arc<StartBoard>,
}
