//! Parts that tabs draw with.

pub mod bar;
pub mod chart;
pub mod cursor;
pub mod dots;
pub mod facts;
pub mod fit;
pub mod heat;
pub mod list;
pub mod mark;
pub mod orbit;
pub mod past;
pub mod plot;
pub mod spark;
pub mod table;
#[cfg(test)]
pub mod testing;
pub mod text;

pub use list::ListState;
pub use table::{Cell, Column, Row, Table};
