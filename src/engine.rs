//! The decider: the one thread in which samples become readings, readings alarms, and everything the board.
//!
//! It joins the pure step functions of the rooms vibration, alarm, journal (fold) and upkeep. Facts come in through one
//! bounded queue; out go demands to the PLCs, writes to the journal's own thread, and the board. It never waits for a
//! disk, a network or a screen, and holds no lock.

pub mod acting;
pub mod core;
pub mod forecast;
pub mod health;
pub mod input;
pub mod publish;
pub mod regions;
pub mod restore;
#[cfg(test)]
mod tests;
pub mod trend;
pub mod usual;

pub use self::core::{Core, Outlets};
pub use input::{Input, Intake, Samples, Verified};
