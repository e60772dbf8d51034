//! The computer: processors and memory, sampled once a second; network and disks, which cost more and change less, a little more rarely.

pub mod container;
pub mod disks;
pub mod facts;

use std::path::{Path, PathBuf};

use sysinfo::{
    DiskRefreshKind, Disks, MemoryRefreshKind, Networks, Pid, ProcessRefreshKind, ProcessesToUpdate, System,
};

use crate::base::clock::{Mono, Now};
use crate::model::host::{Disk, HostReport, Interface};

/// Disks and network are looked at again after so many seconds.
const DISKS_EVERY_S: f64 = 3.0;
const NETWORK_EVERY_S: f64 = 2.0;
/// Most interfaces that are reported; container hosts have hundreds.
const MAX_INTERFACES: usize = 32;

/// Reads the computer's state. What the system does not tell is unknown in the report, never zero.
pub struct Host {
    data_dir: PathBuf,
    system: Option<System>,
    disks: Option<Disks>,
    networks: Option<Networks>,
    pid: Pid,
    /// Whether there was a sample before: shares and rates need two.
    sampled: bool,
    /// What was found last, and when.
    found_disks: (Option<Mono>, Vec<Disk>),
    found_interfaces: (Option<Mono>, Vec<Interface>),
}

impl Host {
    /// A sampler; the file system of `data_dir` is always among the disks it reports.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_path_buf(),
            system: System::new().ok(),
            disks: Disks::new().ok(),
            networks: Networks::new().ok(),
            pid: Pid::from_u32(std::process::id()),
            sampled: false,
            found_disks: (None, Vec::new()),
            found_interfaces: (None, Vec::new()),
        }
    }

    /// Takes a sample. Shares of processors and network rates cover the time since the sample before, so they are
    /// unknown in the first one.
    pub fn sample(&mut self, now: Now) -> HostReport {
        let first = !std::mem::replace(&mut self.sampled, true);
        let mut report = HostReport {
            at: now,
            cpu_percent: None,
            memory_percent: None,
            memory_total_bytes: 0,
            process_cpu_percent: None,
            process_rss_bytes: None,
            disks: self.sample_disks(now.mono),
            interfaces: self.sample_interfaces(now.mono),
        };
        if let Some(system) = &mut self.system {
            sample_system(system, self.pid, first, &mut report);
        }
        report
    }

    fn sample_disks(&mut self, now: Mono) -> Vec<Disk> {
        let (at, known) = &mut self.found_disks;
        if at.is_none_or(|at| now.secs_since(at) >= DISKS_EVERY_S - 0.5) {
            let found = self.disks.as_mut().map_or_else(Vec::new, |disks| {
                disks.refresh_specifics(true, DiskRefreshKind::nothing().with_storage());
                disks.iter().map(disks::Found::of).collect()
            });
            (*at, *known) = (Some(now), disks::choose(found, disks::holder_of(&self.data_dir)));
        }
        known.clone()
    }

    fn sample_interfaces(&mut self, now: Mono) -> Vec<Interface> {
        let Some(networks) = &mut self.networks else { return Vec::new() };
        let (at, known) = &mut self.found_interfaces;
        let elapsed_s = at.map(|at| now.secs_since(at));
        // The second sample tells the first rates: they are waited for.
        let every_s = if known.is_empty() { 0.05 } else { NETWORK_EVERY_S - 0.5 };
        if elapsed_s.is_some_and(|s| s < every_s) {
            return known.clone();
        }
        networks.refresh(true);
        *at = Some(now);
        let Some(elapsed_s) = elapsed_s else { return Vec::new() };
        let mut list: Vec<Interface> = networks
            .iter()
            .filter(|(name, _)| name.as_os_str() != "lo")
            .map(|(name, data)| Interface {
                name: name.to_string_lossy().into(),
                rx_bytes_s: data.received() as f64 / elapsed_s,
                tx_bytes_s: data.transmitted() as f64 / elapsed_s,
                errors: data.total_errors_on_received().saturating_add(data.total_errors_on_transmitted()),
            })
            .collect();
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list.truncate(MAX_INTERFACES);
        known.clone_from(&list);
        list
    }
}

fn sample_system(system: &mut System, pid: Pid, first: bool, report: &mut HostReport) {
    system.refresh_cpu_usage();
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    // The process as a whole: its threads, some forty, are nobody's question here.
    let what = ProcessRefreshKind::nothing().without_tasks().with_cpu().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    if !first && !system.cpus().is_empty() {
        report.cpu_percent = Some(f64::from(system.global_cpu_usage()).clamp(0.0, 100.0));
    }
    let memory = Memory { total_bytes: system.total_memory(), available_bytes: system.available_memory() };
    let memory = container::limit().map_or(memory, |limit| memory.within(limit));
    report.memory_total_bytes = memory.total_bytes;
    report.memory_percent = memory.used_percent();
    if let Some(process) = system.process(pid) {
        report.process_rss_bytes = Some(process.memory());
        report.process_cpu_percent = (!first).then(|| f64::from(process.cpu_usage()));
    }
}

/// Memory as programs see it, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Memory {
    total_bytes: u64,
    available_bytes: u64,
}

impl Memory {
    /// What is left of it inside a container; the tighter of the two counts.
    fn within(self, limit: container::Limit) -> Self {
        if limit.max_bytes >= self.total_bytes {
            return self;
        }
        let left = limit.max_bytes.saturating_sub(limit.used_bytes);
        Self { total_bytes: limit.max_bytes, available_bytes: left.min(self.available_bytes) }
    }

    /// Share that programs cannot get, 0–100; none where the system told no size.
    fn used_percent(self) -> Option<f64> {
        (self.total_bytes > 0)
            .then(|| self.total_bytes.saturating_sub(self.available_bytes) as f64 * 100.0 / self.total_bytes as f64)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn memory_is_what_programs_cannot_get() {
        let m = Memory { total_bytes: 1000, available_bytes: 250 };
        assert_eq!(m.used_percent(), Some(75.0));
        let tight = m.within(container::Limit { max_bytes: 400, used_bytes: 300 });
        assert_eq!(tight, Memory { total_bytes: 400, available_bytes: 100 });
        assert_eq!(m.within(container::Limit { max_bytes: 4000, used_bytes: 0 }), m);
        assert_eq!(Memory { total_bytes: 0, available_bytes: 0 }.used_percent(), None);
    }

    #[test]
    fn a_real_sample_has_memory_and_the_data_disk_and_no_rate_before_the_second() {
        let dir = tempfile::tempdir().unwrap();
        let mut host = Host::new(&dir.path().join("not/there/yet"));
        let first = host.sample(Now::default());
        assert_eq!((first.cpu_percent, first.process_cpu_percent), (None, None));
        assert!(first.interfaces.is_empty());
        assert!(first.memory_percent.is_some_and(|p| (0.0..=100.0).contains(&p)), "{first:?}");
        assert!(!first.disks.is_empty(), "the file system of the data directory is always there");
        assert!(first.process_rss_bytes.is_some_and(|b| b > 0));
        let later = Now { mono: Mono(0).after(Duration::from_secs(1)), ..Now::default() };
        let second = host.sample(later);
        assert!(second.cpu_percent.is_some_and(|p| (0.0..=100.0).contains(&p)), "{second:?}");
    }
}
