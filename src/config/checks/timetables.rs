//! The times at which something is done by itself can be read.

use super::fault;
use crate::config::fault::Fault;
use crate::config::tree::Sect;
use crate::model::timetable::Timetable;

/// `historian.vacuum`, `historian.reindex` and `maintenance.reboot` are timetables; a restart has a command.
pub fn readable(root: &Sect, out: &mut Vec<Fault>) {
    for (section, key) in [("historian", "vacuum"), ("historian", "reindex"), ("maintenance", "reboot")] {
        let Some(sect) = root.table(section) else { continue };
        if let Some(Err(wrong)) = sect.text(key).map(|t| Timetable::parse(t)) {
            let right = "write \"sunday 03:00\", \"daily 03:00\", \"1 03:30\" (day of the month) or \"off\"";
            out.push(fault(sect, key, wrong, right));
        }
    }
    if let Some(sect) = root.table("maintenance")
        && sect.text("reboot_command").is_some_and(|c| c.trim().is_empty())
    {
        out.push(fault(sect, "reboot_command", "it names no program".to_owned(), "write \"systemctl reboot\""));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::checks::testing::faults;

    #[test]
    fn a_time_that_cannot_be_read_is_told() {
        let with = |line: &str| faults(&format!("[historian]\nurl = \"postgres://vms@127.0.0.1/db\"\n{line}\n"));
        assert_eq!(with("vacuum = \"monday 02:15\"\nreindex = \"off\""), "");
        let got = with("vacuum = \"sunnday 03:00\"\nreindex = \"32 03:00\"");
        assert!(got.contains("vms.toml:3:1: historian.vacuum: \"sunnday\" is no day; write \"sunday 03:00\""), "{got}");
        assert!(got.contains("vms.toml:4:1: historian.reindex: "), "{got}");
    }
}
