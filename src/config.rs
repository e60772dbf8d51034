//! The configuration: a file, checked as a whole, then plain sections for the rooms.

pub mod build;
pub mod checks;
pub mod edit;
pub mod fault;
pub mod keys;
pub mod read;
pub mod reference;
pub mod schema;
pub mod secret;
pub mod sections;
pub mod show;
pub mod table;
pub mod template;
pub mod tree;
pub mod value;

mod load;

pub use fault::{Fault, Faults, Pos};
pub use load::Loaded;
pub use sections::Config;
