//! Ids are unique: cameras, regions over all cameras, PLCs, tags over all PLCs.

use std::collections::HashMap;
use std::sync::Arc;

use super::fault;
use crate::config::fault::{Fault, Pos};
use crate::config::tree::Sect;

/// Two things of one kind must not share an id.
pub fn unique(root: &Sect, out: &mut Vec<Fault>) {
    once("camera", root.tables("camera").iter(), out);
    once("region", root.rois().map(|(_, r)| r), out);
    once("PLC", root.tables("plc").iter(), out);
    once("tag", root.tags().map(|(_, t)| t), out);
}

fn once<'s>(what: &str, sects: impl Iterator<Item = &'s Sect>, out: &mut Vec<Fault>) {
    let mut seen: HashMap<&Arc<str>, Pos> = HashMap::new();
    for s in sects {
        let Some(id) = s.text("id") else { continue };
        if let Some(first) = seen.get(id) {
            let wrong = format!("the id \"{id}\" is taken by the {what} on line {}", first.line);
            out.push(fault(s, "id", wrong, format!("give every {what} its own id")));
        } else {
            seen.insert(id, s.place("id"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::checks::testing::{faults, with_tags};

    #[test]
    fn every_kind_of_id() {
        let two = "[[camera]]\nid = \"a\"\nurl = \"rtsp://h/1\"\n[[camera.roi]]\nid = \"r\"\nrect = [0,0,8,8]\n\
                   [[camera]]\nid = \"a\"\nurl = \"rtsp://h/2\"\n[[camera.roi]]\nid = \"r\"\nrect = [0,0,8,8]\n";
        assert_eq!(
            faults(two),
            "vms.toml:8:1: camera[1].id: the id \"a\" is taken by the camera on line 2; give every camera its own id\n\
             vms.toml:11:1: camera[1].roi[0].id: the id \"r\" is taken by the region on line 5; give every region its own id"
        );
        let tags = with_tags(
            "[[plc.tag]]\nid = \"t\"\ntable = \"coil\"\naddress = 1\n[[plc.tag]]\nid = \"t\"\ntable = \"coil\"\naddress = 2",
        );
        assert_eq!(
            faults(&tags),
            "vms.toml:9:1: plc[0].tag[1].id: the id \"t\" is taken by the tag on line 5; give every tag its own id"
        );
    }

    #[test]
    fn a_camera_and_a_plc_may_share_one() {
        let t = "[[camera]]\nid = \"a\"\nurl = \"rtsp://h/1\"\n[[plc]]\nid = \"a\"\nport = \"COM3\"\n";
        assert_eq!(faults(t), "");
    }
}
