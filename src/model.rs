//! Plain values that the rooms hand each other: no I/O, no async, no user-interface types.

pub mod alarm;
pub mod baseline;
pub mod board;
pub mod bus;
pub mod calibration;
pub mod camera;
pub mod compensation;
pub mod database;
pub mod event;
pub mod fleet;
pub mod history;
pub mod host;
pub mod ids;
pub mod intent;
pub mod logs;
pub mod mail;
pub mod outbox;
pub mod paper;
pub mod people;
pub mod quantity;
pub mod record;
pub mod signed;
pub mod startup;
pub mod status;
pub mod timetable;
pub mod upkeep;
pub mod vibration;

pub use ids::{AlarmId, CameraId, PlcId, RoiId, TagId};
