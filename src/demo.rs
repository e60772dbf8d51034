//! A complete plant on loopback: cameras with known vibration, a virtual PLC, a private PostgreSQL, faults on demand.

pub mod canvas;
pub mod fir;
pub mod judge;
pub mod motion;
pub mod plant;
pub mod plant_log;
pub mod plc;
pub mod postgres;
pub mod rtsp;
pub mod scene;
pub mod site;
pub mod slave;

pub use judge::Judge;
pub use plant::{DemoError, Plant, Truth};
pub use plc::PlcSnapshot;
