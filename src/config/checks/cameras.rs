//! Cameras: what physics forbids.

use super::fault;
use crate::config::fault::Fault;
use crate::config::tree::Sect;

/// The rows of a frame cannot be read out for longer than it lasts.
pub fn readout(root: &Sect, out: &mut Vec<Fault>) {
    for camera in root.tables("camera") {
        let (Some(readout), Some(fps)) = (camera.number("readout_ms"), camera.number("expected_fps")) else {
            continue;
        };
        let frame = 1000.0 / fps;
        if readout > frame * 1.0001 {
            let wrong =
                format!("a readout of {readout} ms is longer than a frame at {fps} frames a second ({frame:.1} ms)");
            out.push(fault(camera, "readout_ms", wrong, format!("write at most {frame:.1}, or correct expected_fps")));
        }
    }
}

/// A frame cannot be exposed for longer than it lasts.
pub fn exposure(root: &Sect, out: &mut Vec<Fault>) {
    for camera in root.tables("camera") {
        let (Some(exposure), Some(fps)) = (camera.number("exposure_ms"), camera.number("expected_fps")) else {
            continue;
        };
        let frame = 1000.0 / fps;
        if exposure > frame * 1.0001 {
            let wrong =
                format!("an exposure of {exposure} ms is longer than a frame at {fps} frames a second ({frame:.1} ms)");
            out.push(fault(camera, "exposure_ms", wrong, format!("write at most {frame:.1}, or correct expected_fps")));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::checks::testing::faults;

    #[test]
    fn the_readout_fits_into_the_frame() {
        let of = |ms: &str| {
            faults(&format!("[[camera]]\nid = \"c\"\nurl = \"rtsp://h/s\"\nexpected_fps = 25\nreadout_ms = {ms}\n"))
        };
        assert_eq!(of("40"), "");
        assert!(of("41").contains("camera[0].readout_ms: a readout of 41 ms is longer than a frame"));
    }

    #[test]
    fn exposure_fits_into_the_frame() {
        let of = |ms: &str| {
            faults(&format!("[[camera]]\nid = \"c\"\nurl = \"rtsp://h/s\"\nexpected_fps = 25\nexposure_ms = {ms}\n"))
        };
        assert_eq!(of("40"), "");
        assert_eq!(
            of("41"),
            "vms.toml:5:1: camera[0].exposure_ms: an exposure of 41 ms is longer than a frame at 25 frames a second (40.0 ms); \
             write at most 40.0, or correct expected_fps"
        );
    }
}
