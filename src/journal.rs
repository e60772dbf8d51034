//! The local durable record: events and readings in SQLite, their folding into alarms, and paged history.

pub mod error;
pub mod fold;
pub mod history;
pub mod restore;
pub mod store;
pub mod writer;

mod queue;
mod rows;
#[cfg(test)]
mod testing;

pub use error::JournalError;
pub use fold::Fold;
pub use history::{History, Page};
pub use restore::Restored;
pub use store::{Opened, Store};
pub use writer::{Write, WriterOut};

/// The journal's file inside the data directory.
pub const FILE_NAME: &str = "journal.db";
