//! Logs: the program's own, and the tails of any other file.

pub mod block;
pub mod book;
pub mod drain;
pub mod mask;
pub mod memory;
pub mod mine;
pub mod own;
pub mod patterns;
pub mod rotate;
pub mod severity;
pub mod source;
pub mod tail;
pub mod usual;
pub mod when;
pub mod wildcard;
