//! The record end to end: a real journal with its writer, the forwarder, and a real PostgreSQL that is stopped, hung, full,
//! read-only, altered, and shared.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its helper fails")]

#[path = "common/cluster.rs"]
mod cluster;
#[path = "record/faults.rs"]
mod faults;
#[path = "record/forward.rs"]
mod forward;
#[path = "record/node.rs"]
mod node;
#[path = "record/past.rs"]
mod past;
#[path = "record/schema.rs"]
mod schema;
