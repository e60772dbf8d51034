//! `vms`: camera-based vibration monitoring with its operations console. The rooms are described in `docs/architecture.md`.

pub mod access;
pub mod alarm;
pub mod base;
pub mod boot;
pub mod camera;
pub mod cli;
pub mod config;
pub mod console;
#[cfg(all(feature = "demo", unix))]
pub mod demo;
pub mod engine;
pub mod figure;
pub mod historian;
pub mod host;
pub mod journal;
pub mod logs;
pub mod model;
pub mod notify;
pub mod paper;
pub mod plc;
pub mod upkeep;
pub mod vibration;
