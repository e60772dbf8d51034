//! What every room stands on: time, back-off, bounded rings, shutdown, units and error kinds.

pub mod backoff;
pub mod clock;
pub mod draft;
pub mod error;
pub mod moment;
pub mod ring;
pub mod shutdown;
pub mod stats;
pub mod text;
