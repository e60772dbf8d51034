//! What is known of the computer.

use std::sync::Arc;

use crate::base::clock::Now;

/// A mounted file system.
#[derive(Clone, Debug)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: Arc<str>,
    /// Free for the program, bytes.
    pub free_bytes: u64,
    /// Size, bytes.
    pub total_bytes: u64,
}

impl Disk {
    /// Free share in percent; none for a disk without size.
    #[must_use]
    pub fn free_percent(&self) -> Option<f64> {
        (self.total_bytes > 0).then(|| self.free_bytes as f64 * 100.0 / self.total_bytes as f64)
    }
}

/// A network interface, rates over the last interval.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Its name.
    pub name: Arc<str>,
    /// Received bytes a second.
    pub rx_bytes_s: f64,
    /// Sent bytes a second.
    pub tx_bytes_s: f64,
    /// Errors since the start, both ways.
    pub errors: u64,
}

/// What the host room tells, once a second; disks and network may be up to three seconds older.
#[derive(Clone, Debug)]
pub struct HostReport {
    /// When.
    pub at: Now,
    /// Use of all processors, 0–100.
    pub cpu_percent: Option<f64>,
    /// Memory not available to programs, 0–100.
    pub memory_percent: Option<f64>,
    /// Memory in all, bytes.
    pub memory_total_bytes: u64,
    /// This program's use of processors in percent of one.
    pub process_cpu_percent: Option<f64>,
    /// This program's resident memory, bytes.
    pub process_rss_bytes: Option<u64>,
    /// Disks, each file system once.
    pub disks: Vec<Disk>,
    /// Interfaces.
    pub interfaces: Vec<Interface>,
}

/// What the computer is.
#[derive(Clone, Debug, Default)]
pub struct Computer {
    /// Its name in the network.
    pub host_name: Option<String>,
    /// Operating system with its version.
    pub system: Option<String>,
    /// Version of its kernel.
    pub kernel: Option<String>,
    /// `x86_64`.
    pub architecture: String,
    /// The processor's name.
    pub processor: Option<String>,
    /// Cores.
    pub cores: Option<usize>,
    /// What the system counts as processors.
    pub threads: Option<usize>,
    /// Memory.
    pub memory_bytes: Option<u64>,
    /// Disks.
    pub disks: Vec<Disk>,
    /// Network interfaces.
    pub ports: Vec<Port>,
}

/// A network interface as hardware.
#[derive(Clone, Debug, Default)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its hardware address.
    pub mac: String,
    /// Its addresses, with the length of the network's prefix.
    pub addresses: Vec<String>,
}
