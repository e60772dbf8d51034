//! Mail: what is worth a letter, letters that wait, and the way to the mail server.

pub mod gather;
pub mod post;
pub mod queue;
pub mod worker;

pub use post::{PostError, Server};
pub use queue::FILE_NAME;
pub use worker::{Worker, run};
