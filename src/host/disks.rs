//! Which of the mounted file systems count as disks: each once, without those that cannot fill up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::host::Disk;

/// Smaller file systems hold boot loaders and the like; nobody stores recordings there.
const TINY_BYTES: u64 = 64 << 20;

/// Most disks that are reported.
const MAX_DISKS: usize = 64;

/// A mounted file system as the system lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is mounted.
    pub mount: PathBuf,
    /// The device or source.
    pub device: String,
    /// Type of file system.
    pub kind: String,
    /// Free for the program, bytes.
    pub free_bytes: u64,
    /// Size, bytes.
    pub total_bytes: u64,
    /// Nothing can be written to it.
    pub read_only: bool,
}

impl Found {
    /// The parts of a listed disk that the choice looks at.
    #[must_use]
    pub fn of(disk: &sysinfo::Disk) -> Self {
        Self {
            mount: disk.mount_point().to_path_buf(),
            device: disk.name().to_string_lossy().into_owned(),
            kind: disk.file_system().to_string_lossy().into_owned(),
            free_bytes: disk.available_space(),
            total_bytes: disk.total_space(),
            read_only: disk.is_read_only(),
        }
    }

    /// Whether it can fill up and matters when it does.
    fn counts(&self) -> bool {
        !self.read_only && self.total_bytes >= TINY_BYTES && !pseudo(&self.kind)
    }

    /// What tells file systems apart: the device; sources without one by their place.
    fn key(&self) -> String {
        if self.device.contains('/') { self.device.clone() } else { self.mount.to_string_lossy().into_owned() }
    }

    fn into_disk(self) -> Disk {
        Disk { mount: self.mount.to_string_lossy().into(), free_bytes: self.free_bytes, total_bytes: self.total_bytes }
    }
}

/// File systems without a store of their own, and read-only images.
fn pseudo(kind: &str) -> bool {
    const KINDS: [&str; 16] = [
        "tmpfs", "devtmpfs", "ramfs", "squashfs", "iso9660", "udf", "erofs", "proc", "sysfs", "cgroup2", "efivarfs",
        "tracefs", "debugfs", "fusectl", "nsfs", "autofs",
    ];
    KINDS.contains(&kind)
}

/// The disks to report, by mount point. `holder` is the file system of the data directory: it is kept whatever it is.
#[must_use]
pub fn choose(found: Vec<Found>, holder: Option<Found>) -> Vec<Disk> {
    let held = holder.as_ref().map(|h| h.mount.clone());
    let mut chosen: BTreeMap<String, Found> = BTreeMap::new();
    let listed = found.iter().any(|f| Some(&f.mount) == held.as_ref());
    let extra = holder.filter(|_| !listed);
    for f in found.into_iter().chain(extra) {
        if !(f.counts() || Some(&f.mount) == held.as_ref()) {
            continue;
        }
        match chosen.get_mut(&f.key()) {
            // Mounted in several places: the shortest path is the one people know it by.
            Some(known) if known.mount.as_os_str().len() <= f.mount.as_os_str().len() => {}
            Some(known) => *known = f,
            None => {
                chosen.insert(f.key(), f);
            }
        }
    }
    drop_copies_of_overlays(&mut chosen, held.as_deref());
    let mut disks: Vec<Disk> = chosen.into_values().map(Found::into_disk).collect();
    disks.sort_by(|a, b| a.mount.cmp(&b.mount));
    disks.truncate(MAX_DISKS);
    disks
}

/// An overlay lives on another file system and shows that one's figures: keep it only where it is the sole view of it.
fn drop_copies_of_overlays(chosen: &mut BTreeMap<String, Found>, held: Option<&Path>) {
    let overlays: Vec<String> = chosen.iter().filter(|(_, f)| f.kind == "overlay").map(|(k, _)| k.clone()).collect();
    for key in overlays {
        let Some(overlay) = chosen.get(&key) else { continue };
        let copy = chosen.iter().any(|(k, f)| *k != key && f.total_bytes == overlay.total_bytes);
        if copy && held != Some(overlay.mount.as_path()) {
            chosen.remove(&key);
        }
    }
}

/// The file system that holds this directory (or will, once it is made); none where the system does not tell.
#[cfg(unix)]
#[must_use]
pub fn holder_of(dir: &Path) -> Option<Found> {
    use std::os::unix::fs::MetadataExt;

    let here = dir.ancestors().find_map(|d| d.canonicalize().ok())?;
    let device = here.metadata().ok()?.dev();
    // The topmost directory on the same device is where it is mounted.
    let mount = here.ancestors().take_while(|d| d.metadata().is_ok_and(|m| m.dev() == device)).last()?;
    let stat = nix::sys::statvfs::statvfs(mount).ok()?;
    let unit = to_u64(stat.fragment_size());
    Some(Found {
        mount: mount.to_path_buf(),
        device: mount.to_string_lossy().into_owned(),
        kind: String::new(),
        free_bytes: to_u64(stat.blocks_available()).saturating_mul(unit),
        total_bytes: to_u64(stat.blocks()).saturating_mul(unit),
        read_only: false,
    })
}

/// The platform's counts are of different widths.
#[cfg(unix)]
fn to_u64(v: impl TryInto<u64>) -> u64 {
    v.try_into().unwrap_or(u64::MAX)
}

/// Not known on this platform: the listed disks must do.
#[cfg(not(unix))]
#[must_use]
pub fn holder_of(_dir: &Path) -> Option<Found> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn found(mount: &str, device: &str, kind: &str, total_bytes: u64) -> Found {
        Found {
            mount: mount.into(),
            device: device.into(),
            kind: kind.into(),
            free_bytes: total_bytes / 2,
            total_bytes,
            read_only: false,
        }
    }

    fn mounts(disks: &[Disk]) -> Vec<&str> {
        disks.iter().map(|d| &*d.mount).collect()
    }

    #[test]
    fn each_file_system_once_without_images_and_tiny_ones() {
        let list = vec![
            found("/", "/dev/sda1", "ext4", 100 * GIB),
            found("/srv/bind", "/dev/sda1", "ext4", 100 * GIB),
            found("/snap/core/1", "/dev/loop0", "squashfs", GIB),
            found("/boot/efi", "/dev/sda2", "vfat", 32 << 20),
            found("/data", "/dev/sdb1", "xfs", 900 * GIB),
            Found { read_only: true, ..found("/media/rom", "/dev/sdc1", "ext4", GIB) },
        ];
        assert_eq!(mounts(&choose(list, None)), ["/", "/data"]);
    }

    #[test]
    fn the_data_directorys_file_system_is_always_there() {
        let root = found("/", "/dev/sda1", "ext4", 100 * GIB);
        let ram = found("/mnt/ram", "/mnt/ram", "", 16 << 20);
        assert_eq!(mounts(&choose(vec![root.clone()], Some(ram))), ["/", "/mnt/ram"]);
        let listed = found("/", "/", "", 100 * GIB);
        assert_eq!(mounts(&choose(vec![root], Some(listed))), ["/"]);
    }

    #[test]
    fn an_overlay_beside_its_own_disk_is_left_out_and_a_lone_one_is_kept() {
        let overlay = found("/", "overlay", "overlay", 100 * GIB);
        let beneath = found("/etc/hosts", "/dev/sda1", "ext4", 100 * GIB);
        assert_eq!(mounts(&choose(vec![overlay.clone(), beneath], None)), ["/etc/hosts"]);
        assert_eq!(mounts(&choose(vec![overlay], None)), ["/"]);
    }
}
