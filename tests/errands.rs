//! The errands of the troubleshooting guides against the real faults: a camera that is killed, a port that is removed, a disk that
//! is full, a lock that is held; and what they remove.

#![cfg(all(feature = "demo", unix))]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where its helper fails"
)]

#[path = "errands/camera.rs"]
mod camera;
#[path = "common/cluster.rs"]
#[expect(dead_code, reason = "each test uses what it needs of it")]
mod cluster;
#[path = "errands/database.rs"]
mod database;
#[path = "errands/guides.rs"]
mod guides;
#[path = "errands/plc.rs"]
mod plc;
#[path = "errands/site.rs"]
mod site;
#[path = "common/small.rs"]
#[expect(dead_code, reason = "each test uses what it needs of it")]
mod small;
#[path = "errands/storage.rs"]
mod storage;
