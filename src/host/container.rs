//! The memory limit of the container the program runs in (Linux control groups, version 2).

use std::fs;
use std::path::{Path, PathBuf};

/// Memory of a control group, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What it may use (`memory.max`).
    pub max_bytes: u64,
    /// What it uses (`memory.current`) less the file cache that the kernel gives back (`inactive_file`).
    pub used_bytes: u64,
}

/// The limit that holds for this process; none where none is set or it cannot be read.
#[must_use]
pub fn limit() -> Option<Limit> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    limit_under(Path::new("/sys/fs/cgroup"), own_group(&own)?)
}

/// The path in the version-2 hierarchy: the line `0::/path` of `/proc/self/cgroup`.
fn own_group(text: &str) -> Option<&str> {
    text.lines().find_map(|l| l.strip_prefix("0::"))
}

/// The tightest limit from the group up to the root: a parent's limit holds for its children.
fn limit_under(root: &Path, group: &str) -> Option<Limit> {
    let mut dir: PathBuf = root.join(group.trim_start_matches('/'));
    let mut tightest: Option<Limit> = None;
    while dir.starts_with(root) {
        if let Some(limit) = limit_of(&dir) {
            tightest = Some(tightest.map_or(limit, |t| if limit.max_bytes < t.max_bytes { limit } else { t }));
        }
        if !dir.pop() {
            break;
        }
    }
    tightest
}

fn limit_of(dir: &Path) -> Option<Limit> {
    // "max" means no limit and does not parse as a number.
    let max_bytes = fs::read_to_string(dir.join("memory.max")).ok()?.trim().parse().ok()?;
    let current: u64 = fs::read_to_string(dir.join("memory.current")).ok()?.trim().parse().ok()?;
    let stat = fs::read_to_string(dir.join("memory.stat")).unwrap_or_default();
    let cache = stat.lines().find_map(|l| l.strip_prefix("inactive_file ")?.trim().parse::<u64>().ok());
    Some(Limit { max_bytes, used_bytes: current.saturating_sub(cache.unwrap_or(0)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(dir: &Path, max: &str, current: &str, stat: &str) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("memory.max"), max).unwrap();
        fs::write(dir.join("memory.current"), current).unwrap();
        fs::write(dir.join("memory.stat"), stat).unwrap();
    }

    #[test]
    fn the_tightest_limit_on_the_way_up_holds() {
        let root = tempfile::tempdir().unwrap();
        group(&root.path().join("a"), "1000\n", "500\n", "anon 1\ninactive_file 100\n");
        group(&root.path().join("a/b"), "max\n", "400\n", "");
        let got = limit_under(root.path(), "/a/b");
        assert_eq!(got, Some(Limit { max_bytes: 1000, used_bytes: 400 }));
        assert_eq!(limit_under(root.path(), "/"), None);
    }

    #[test]
    fn finds_the_own_group() {
        assert_eq!(own_group("4:memory:/x\n0::/docker/abc\n"), Some("/docker/abc"));
        assert_eq!(own_group("4:memory:/x\n"), None);
    }
}
