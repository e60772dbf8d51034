//! Tags: one place each, written only where the table can be written, with a source exactly where they are written.

use std::collections::HashMap;
use std::sync::Arc;

use super::{fault, of_section};
use crate::config::fault::Fault;
use crate::config::tree::Sect;

fn is(tag: &Sect, key: &str, word: &str) -> bool {
    tag.text(key).is_some_and(|t| t.as_ref() == word)
}

/// Two tags of one PLC must not lie at one address of one table.
pub fn unique(root: &Sect, out: &mut Vec<Fault>) {
    for plc in root.tables("plc") {
        let mut seen: HashMap<(&Arc<str>, i64), &Sect> = HashMap::new();
        for tag in plc.tables("tag") {
            let (Some(table), Some(address)) = (tag.text("table"), tag.integer("address")) else { continue };
            let Some(first) = seen.get(&(table, address)) else {
                seen.insert((table, address), tag);
                continue;
            };
            let name = |s: &Sect| s.text("id").map_or("without id".to_owned(), |t| format!("\"{t}\""));
            let line = first.place("address").line;
            let wrong = format!(
                "the tags {} (line {line}) and {} both lie at {table} {address} of this PLC",
                name(first),
                name(tag)
            );
            out.push(fault(tag, "address", wrong, "give every tag its own address, or remove one of the two"));
        }
    }
}

/// Discrete inputs and input registers cannot be written (MODBUS Application Protocol V1.1b3, section 4.3).
pub fn writable(root: &Sect, out: &mut Vec<Fault>) {
    for (_, tag) in root.tags() {
        let Some(table) = tag.text("table") else { continue };
        let right = match table.as_ref() {
            "discrete" => "write table = \"coil\", or access = \"read\"",
            "input" => "write table = \"holding\", or access = \"read\"",
            _ => continue,
        };
        if is(tag, "access", "write") {
            out.push(fault(tag, "access", format!("the table \"{table}\" cannot be written"), right));
        }
    }
}

/// A written tag needs a source; a read one must not have any.
pub fn source_where_written(root: &Sect, out: &mut Vec<Fault>) {
    for (_, tag) in root.tags() {
        if is(tag, "access", "write") && !tag.written("source") {
            out.push(of_section(
                tag,
                "the tag is written but has no source",
                "write source = \"alarm:ROI\", \"level:ROI:QUANTITY\", \"heartbeat\" or \"health\"",
            ));
        }
        if is(tag, "access", "read") && tag.written("source") {
            out.push(fault(
                tag,
                "source",
                "the tag is read, and a source is for written tags",
                "write access = \"write\", or remove source",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::checks::testing::{faults, with_tags};

    #[test]
    fn one_place_one_tag() {
        let t = with_tags(
            "[[plc.tag]]\nid = \"a\"\ntable = \"coil\"\naddress = 7\n[[plc.tag]]\nid = \"b\"\ntable = \"coil\"\naddress = 7\n\
             [[plc.tag]]\nid = \"c\"\ntable = \"holding\"\naddress = 7",
        );
        assert_eq!(
            faults(&t),
            "vms.toml:11:1: plc[0].tag[1].address: the tags \"a\" (line 7) and \"b\" both lie at coil 7 of this PLC; \
             give every tag its own address, or remove one of the two"
        );
    }

    #[test]
    fn read_only_tables_are_not_written() {
        for (table, better) in [("discrete", "coil"), ("input", "holding")] {
            let t = with_tags(&format!(
                "[[plc.tag]]\nid = \"a\"\ntable = \"{table}\"\naddress = 7\naccess = \"write\"\nsource = \"health\""
            ));
            assert_eq!(
                faults(&t),
                format!(
                    "vms.toml:8:1: plc[0].tag[0].access: the table \"{table}\" cannot be written; \
                     write table = \"{better}\", or access = \"read\""
                )
            );
        }
    }

    #[test]
    fn a_source_goes_with_writing() {
        let t = with_tags("[[plc.tag]]\nid = \"a\"\ntable = \"coil\"\naddress = 7\naccess = \"write\"");
        assert!(faults(&t).starts_with("vms.toml:4:1: plc[0].tag[0]: the tag is written but has no source; "));
        let t = with_tags("[[plc.tag]]\nid = \"a\"\ntable = \"coil\"\naddress = 7\nsource = \"health\"");
        assert!(faults(&t).starts_with("vms.toml:8:1: plc[0].tag[0].source: the tag is read, "));
    }
}
