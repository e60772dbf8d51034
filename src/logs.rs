//! Logs: the program's own, and the tails of any other file.

pub mod drain;
pub mod mask;
pub mod own;
pub mod rotate;
pub mod severity;
pub mod source;
pub mod tail;
pub mod when;
pub mod wildcard;
