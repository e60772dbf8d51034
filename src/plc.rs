//! The bus: a Modbus RTU master with one owner of the line per PLC, its traffic and its diagnostics.
//!
//! After MODBUS Application Protocol Specification V1.1b3 and MODBUS over Serial Line V1.02.

pub mod codec;
pub mod decode;
mod ledger;
pub mod line;
pub mod master;
pub mod plan;

pub use master::{Loopback, PlcOut, run, run_with};
