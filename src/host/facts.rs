//! What the computer is, rather than how it does: for the inventory.

use sysinfo::{CpuRefreshKind, DiskRefreshKind, Disks, MemoryRefreshKind, Networks, System};

use super::disks;
use crate::model::host::{Computer, Disk, Port};

/// Interfaces that come and go with containers are no hardware.
const PASSING: [&str; 6] = ["lo", "veth", "docker", "br-", "virbr", "cni"];

/// Looks at the computer. What it does not tell is unknown.
#[must_use]
pub fn computer(data_dir: &std::path::Path) -> Computer {
    let mut system = System::new().ok();
    if let Some(s) = &mut system {
        s.refresh_cpu_list(CpuRefreshKind::nothing());
        s.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    }
    let brand = system.as_ref().and_then(|s| s.cpus().first().map(|c| c.brand().trim().to_owned()));
    Computer {
        host_name: System::host_name().ok(),
        system: System::long_os_version().ok(),
        kernel: System::kernel_version().ok(),
        architecture: System::cpu_arch(),
        processor: brand.filter(|b| !b.is_empty()),
        cores: System::physical_core_count().ok(),
        threads: system.as_ref().map(|s| s.cpus().len()).filter(|n| *n > 0),
        memory_bytes: system.as_ref().map(System::total_memory).filter(|m| *m > 0),
        disks: found_disks(data_dir),
        ports: ports(),
    }
}

fn found_disks(data_dir: &std::path::Path) -> Vec<Disk> {
    let Ok(list) = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage()) else {
        return Vec::new();
    };
    disks::choose(list.iter().map(disks::Found::of).collect(), disks::holder_of(data_dir))
}

fn ports() -> Vec<Port> {
    let Ok(list) = Networks::new_with_refreshed_list() else { return Vec::new() };
    let mut ports: Vec<Port> = list
        .iter()
        .map(|(name, data)| (name.to_string_lossy().into_owned(), data))
        .filter(|(name, _)| !PASSING.iter().any(|p| name.starts_with(p)))
        .map(|(name, data)| {
            let mut addresses: Vec<String> = data.ip_networks().iter().map(ToString::to_string).collect();
            // Link-local addresses say nothing, and privacy addresses of IPv6 change by themselves.
            addresses.retain(|a| !a.contains(':') && !a.starts_with("169.254."));
            addresses.sort();
            Port { name, mac: data.mac_address().to_string(), addresses }
        })
        .collect();
    ports.sort_by(|a, b| a.name.cmp(&b.name));
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_computer_has_memory_a_disk_and_a_system() {
        let c = computer(std::path::Path::new("/"));
        assert!(c.memory_bytes.is_some_and(|m| m > 1 << 20), "{c:?}");
        assert!(c.threads.is_some() && c.system.is_some() && !c.disks.is_empty(), "{c:?}");
        assert!(c.ports.iter().all(|p| p.name != "lo"), "{c:?}");
    }
}
