//! The local durable record: events and readings in SQLite, their folding into alarms, and paged history.

pub mod append;
mod aside;
pub mod chain;
pub mod error;
pub mod fold;
pub mod history;
pub mod outbox;
pub mod restore;
pub mod rollup;
pub mod store;
pub mod writer;

mod keep;
mod packed;
mod queue;
mod rows;
#[cfg(test)]
mod testing;
mod upgrade;

pub use append::Batch;
pub use chain::Verdict;
pub use error::JournalError;
pub use fold::Fold;
pub use history::{EventFilter, History, PAGE_MAX, Page, SeriesInfo, Step};
pub use outbox::Reader;
pub use restore::{FinishedRun, Restored};
pub use store::{Opened, Store};
pub use writer::{Retention, Write, WriterOut};

/// The journal's file inside the data directory.
pub const FILE_NAME: &str = "journal.db";
