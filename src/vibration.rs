//! The measurement: pure step functions from grey pictures to displacement, and from displacement to readings.

pub mod alias;
pub mod analyze;
pub mod bank;
pub mod baseline;
pub mod blocks;
pub mod calibration;
pub mod circle;
pub mod dots;
pub mod fold;
pub mod folding;
pub mod frame;
pub mod held;
pub mod intervals;
pub mod lanes;
pub mod light;
pub mod luma;
pub mod patches;
pub mod predict;
pub mod reference;
pub mod residual;
pub mod shake;
pub mod shift;
pub mod smooth;
pub mod spectrum;
pub mod spline;
pub mod stale;
pub mod steps;
pub mod together;
pub mod tone;
pub mod tracker;
pub mod window;

pub use analyze::Analyzer;
pub use frame::{Backlog, FrameMeter, RegionSpec};
pub use luma::Luma;
pub use tracker::Track;
