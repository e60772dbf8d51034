//! Regions that refer to PLC tags: the tag exists and is read.

use super::{fault, instead};
use crate::config::fault::Fault;
use crate::config::tree::Sect;

/// `running` names a tag that is read.
pub fn running(root: &Sect, out: &mut Vec<Fault>) {
    for (_, roi) in root.rois() {
        read_tag(root, roi, "running", &[], out);
    }
}

/// `nominal_hz` names a register that is read.
pub fn nominal(root: &Sect, out: &mut Vec<Fault>) {
    for (_, roi) in root.rois() {
        if let Some(table) = roi.table("nominal_hz") {
            read_tag(root, table, "tag", &["holding", "input"], out);
        }
    }
}

/// The tag of a key exists, is read, and lies in one of the tables (any where the list is empty).
fn read_tag(root: &Sect, sect: &Sect, key: &str, tables: &[&str], out: &mut Vec<Fault>) {
    let Some(name) = sect.text(key) else { return };
    let Some((_, tag)) = root.tags().find(|(_, t)| t.text("id") == Some(name)) else {
        let known: Vec<&str> = root.tags().filter_map(|(_, t)| t.text("id")).map(AsRef::as_ref).collect();
        out.push(fault(sect, key, format!("there is no tag \"{name}\""), instead(name, "tag", &known)));
        return;
    };
    let is = |key: &str, word: &str| tag.text(key).is_some_and(|t| t.as_ref() == word);
    let line = tag.place("id").line;
    if is("access", "write") {
        let wrong = format!("the tag \"{name}\" (line {line}) is written by this program");
        out.push(fault(sect, key, wrong, "name a tag with access = \"read\""));
    } else if let Some(table) = tag.text("table")
        && !tables.is_empty()
        && !tables.contains(&table.as_ref())
    {
        let wrong = format!("the tag \"{name}\" (line {line}) is one bit of the table \"{table}\"");
        out.push(fault(sect, key, wrong, "name a tag in the table \"holding\" or \"input\""));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::checks::testing::{faults, with_roi};

    const TAGS: &str = "[[plc]]\nid = \"p\"\nport = \"COM3\"\n\
        [[plc.tag]]\nid = \"run\"\ntable = \"coil\"\naddress = 1\n\
        [[plc.tag]]\nid = \"speed\"\ntable = \"input\"\naddress = 1\n\
        [[plc.tag]]\nid = \"out\"\ntable = \"coil\"\naddress = 2\naccess = \"write\"\nsource = \"health\"\n";

    #[test]
    fn good_references() {
        let t = with_roi("running = \"run\"\nnominal_hz = { tag = \"speed\", hz_per_unit = 0.0166667 }") + TAGS;
        assert_eq!(faults(&t), "");
    }

    #[test]
    fn bad_references() {
        let of = |body: &str| faults(&(with_roi(body) + TAGS));
        assert_eq!(
            of("running = \"rnu\""),
            "vms.toml:8:1: camera[0].roi[0].running: there is no tag \"rnu\"; did you mean \"run\"?"
        );
        assert!(of("running = \"out\"").contains("the tag \"out\" (line 21) is written by this program"));
        assert_eq!(
            of("nominal_hz = { tag = \"run\", hz_per_unit = 1 }"),
            "vms.toml:8:16: camera[0].roi[0].nominal_hz.tag: the tag \"run\" (line 13) is one bit of the table \"coil\"; \
             name a tag in the table \"holding\" or \"input\""
        );
        assert_eq!(
            faults(&with_roi("running = \"run\"")),
            "vms.toml:8:1: camera[0].roi[0].running: there is no tag \"run\"; there is no tag yet: add one"
        );
    }
}
