//! Logs: the program's own, and the tails of any other file.

pub mod own;
pub mod rotate;
pub mod severity;
pub mod source;
pub mod tail;
pub mod wildcard;
