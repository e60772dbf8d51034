//! Backups: at least one is kept.

use super::fault;
use crate::config::fault::Fault;
use crate::config::tree::Sect;

/// A retention of nothing would remove every good copy.
pub fn something_is_kept(root: &Sect, out: &mut Vec<Fault>) {
    let Some(backup) = root.table("backup") else { return };
    let none = ["daily", "weekly", "monthly", "quarterly"].iter().all(|k| backup.integer(k) == Some(0));
    if none {
        out.push(fault(
            backup,
            "daily",
            "no backup at all would be kept",
            "write at least one of daily, weekly, monthly, quarterly above 0",
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::checks::testing::faults;

    #[test]
    fn something_is_kept() {
        let none = "[backup]\ndaily = 0\nweekly = 0\nmonthly = 0\nquarterly = 0\n";
        assert_eq!(
            faults(none),
            "vms.toml:2:1: backup.daily: no backup at all would be kept; \
             write at least one of daily, weekly, monthly, quarterly above 0"
        );
        assert_eq!(faults(&none.replace("weekly = 0", "weekly = 1")), "");
    }
}
