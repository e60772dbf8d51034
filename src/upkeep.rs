//! Maintenance: the catalogue of tasks, when they are due, guided runs and the checks that the program makes itself.

pub mod calendar;
pub mod catalogue;
pub mod checks;
pub mod compliance;
pub mod desk;
pub mod documents;
pub mod due;
pub mod ended;
pub mod errand;
pub mod expected;
pub mod record;
pub mod reference;
pub mod restart;

pub use catalogue::Catalogue;
pub use desk::Desk;
