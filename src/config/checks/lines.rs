//! Serial lines: one PLC a port, and a time-out that fits the polls.

use std::collections::HashMap;
use std::sync::Arc;

use super::fault;
use crate::config::fault::Fault;
use crate::config::keys::span;
use crate::config::tree::Sect;

/// How many polls a missing answer may hold up.
const POLLS_HELD_UP: u32 = 100;

/// Two PLCs must not open one port.
pub fn ports(root: &Sect, out: &mut Vec<Fault>) {
    let mut seen: HashMap<&Arc<str>, &Sect> = HashMap::new();
    for plc in root.tables("plc") {
        let Some(port) = plc.text("port") else { continue };
        if let Some(first) = seen.get(port) {
            let id = first.text("id").map_or("without id", |t| t);
            let wrong = format!("the port {port} is used by the PLC \"{id}\" on line {}", first.place("port").line);
            out.push(fault(plc, "port", wrong, "give every PLC its own port"));
        } else {
            seen.insert(port, plc);
        }
    }
}

/// While an answer is awaited nothing else is polled.
pub fn timeout(root: &Sect, out: &mut Vec<Fault>) {
    for plc in root.tables("plc") {
        let (Some(timeout), Some(poll)) = (plc.duration("timeout"), plc.duration("poll_interval")) else { continue };
        let most = poll * POLLS_HELD_UP;
        if timeout > most {
            let shown = |d: std::time::Duration| span(u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
            let key = if plc.written("timeout") { "timeout" } else { "poll_interval" };
            let wrong = format!(
                "one missing answer (timeout {}) would hold up more than {POLLS_HELD_UP} polls (every {})",
                shown(timeout),
                shown(poll)
            );
            out.push(fault(plc, key, wrong, format!("write a timeout of at most {}, or poll less often", shown(most))));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::checks::testing::faults;

    #[test]
    fn one_port_one_plc() {
        let t = "[[plc]]\nid = \"a\"\nport = \"COM3\"\n[[plc]]\nid = \"b\"\nport = \"COM3\"\n";
        assert_eq!(
            faults(t),
            "vms.toml:6:1: plc[1].port: the port COM3 is used by the PLC \"a\" on line 3; give every PLC its own port"
        );
    }

    #[test]
    fn timeout_against_poll() {
        let of = |timeout: &str| {
            faults(&format!(
                "[[plc]]\nid = \"a\"\nport = \"COM3\"\npoll_interval = \"10ms\"\ntimeout = \"{timeout}\"\n"
            ))
        };
        assert_eq!(of("1s"), "");
        assert_eq!(
            of("2s"),
            "vms.toml:5:1: plc[0].timeout: one missing answer (timeout 2s) would hold up more than 100 polls (every 10ms); \
             write a timeout of at most 1s, or poll less often"
        );
    }
}
