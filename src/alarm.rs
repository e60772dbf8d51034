//! Alarms: rules that say whether a condition holds, delays and deadband, and what to raise or return. Pure step functions.

pub mod bank;
pub mod facts;
pub mod latch;
pub mod rules;

pub use bank::Bank;
pub use facts::{CameraFact, Facts, PlcFact, RegionFact};
