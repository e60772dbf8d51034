//! The source of a written tag: its small language, and that it names what exists.

use super::{fault, instead};
use crate::config::fault::Fault;
use crate::config::sections::Source;
use crate::config::tree::Sect;
use crate::model::quantity::Quantity;

/// The forms a source can have.
const FORMS: &str = "write \"alarm:ROI\", \"level:ROI:QUANTITY\", \"heartbeat\" or \"health\"";

/// Reads a source.
///
/// # Errors
/// What is wrong and what would be right.
pub fn parse(text: &str) -> Result<Source, (String, String)> {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        ["heartbeat"] => Ok(Source::Heartbeat),
        ["health"] => Ok(Source::Health),
        ["alarm", roi] if !roi.is_empty() => Ok(Source::Alarm((*roi).into())),
        ["level", roi, quantity] if !roi.is_empty() => {
            let known = Quantity::from_key(quantity).ok_or_else(|| unknown_quantity(quantity))?;
            Ok(Source::Level((*roi).into(), known))
        }
        _ => Err((format!("\"{}\" is no source", crate::config::value::shorten(text)), FORMS.into())),
    }
}

/// An unknown quantity: what is wrong, and the list of those that are known.
pub fn unknown_quantity(name: &str) -> (String, String) {
    let known = || Quantity::ALL.into_iter().map(Quantity::key);
    let hint =
        crate::config::fault::nearest(name, known()).map(|n| format!("did you mean \"{n}\"? ")).unwrap_or_default();
    let all: Vec<&str> = known().collect();
    (
        format!("the quantity \"{}\" is not known", crate::config::value::shorten(name)),
        format!("{hint}write one of: {}", all.join(", ")),
    )
}

/// A source must name a region and a quantity that exist, and lie where its value fits.
pub fn sources_name_what_exists(root: &Sect, out: &mut Vec<Fault>) {
    for (_, tag) in root.tags() {
        let Some(text) = tag.text("source") else { continue };
        match parse(text) {
            Err((wrong, right)) => out.push(fault(tag, "source", wrong, right)),
            Ok(Source::Alarm(roi)) => roi_exists(root, tag, roi.as_str(), out),
            Ok(Source::Level(roi, quantity)) => {
                roi_exists(root, tag, roi.as_str(), out);
                level_fits(root, tag, roi.as_str(), quantity, out);
            }
            Ok(Source::Heartbeat | Source::Health) => {}
        }
    }
}

fn roi_exists(root: &Sect, tag: &Sect, roi: &str, out: &mut Vec<Fault>) {
    let known: Vec<&str> = root.rois().filter_map(|(_, r)| r.text("id")).map(AsRef::as_ref).collect();
    if !known.contains(&roi) {
        let wrong = format!("there is no region \"{}\"", crate::config::value::shorten(roi));
        out.push(fault(tag, "source", wrong, instead(roi, "region", &known)));
    }
}

fn level_fits(root: &Sect, tag: &Sect, roi: &str, quantity: Quantity, out: &mut Vec<Fault>) {
    if tag.text("table").is_some_and(|t| t.as_ref() == "coil") {
        out.push(fault(
            tag,
            "source",
            "a coil holds one bit, and a level needs a register",
            "write table = \"holding\"",
        ));
    }
    let camera = root.rois().find(|(_, r)| r.text("id").is_some_and(|id| id.as_ref() == roi)).map(|(c, _)| c);
    if let Some(camera) = camera
        && quantity.needs_scale()
        && !camera.written("scale_mm_per_px")
    {
        let wrong = format!("\"{quantity}\" is in {}, and the region's camera has no scale", quantity.unit());
        out.push(fault(tag, "source", wrong, "write scale_mm_per_px at the camera, or take a quantity in pixels"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::checks::testing::{faults, with_roi};

    fn tag(table: &str, source: &str) -> String {
        with_roi("")
            + &format!(
                "[[plc]]\nid = \"p\"\nport = \"COM3\"\n[[plc.tag]]\nid = \"t\"\ntable = \"{table}\"\naddress = 1\naccess = \"write\"\nsource = \"{source}\"\n"
            )
    }

    #[test]
    fn forms() {
        assert_eq!(parse("alarm:a"), Ok(Source::Alarm("a".into())));
        assert_eq!(parse("level:a:peak_hz"), Ok(Source::Level("a".into(), Quantity::PeakHz)));
        assert_eq!(parse("heartbeat"), Ok(Source::Heartbeat));
        assert_eq!(parse("health"), Ok(Source::Health));
        for bad in ["", "alarm", "alarm:", "alarm:a:b", "level:a", "level::peak_hz", "Heartbeat", "level:a:peak:hz"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_named_must_exist() {
        assert_eq!(faults(&tag("coil", "alarm:roi")), "");
        assert_eq!(faults(&tag("holding", "level:roi:velocity_rms_mm_s")), "");
        assert_eq!(
            faults(&tag("coil", "alarm:rio")),
            "vms.toml:17:1: plc[0].tag[0].source: there is no region \"rio\"; did you mean \"roi\"?"
        );
        assert!(faults(&tag("coil", "alarm:bearing")).ends_with("there is no region \"bearing\"; write one of: roi"));
        assert!(
            faults(&tag("holding", "level:roi:velocity"))
                .contains("the quantity \"velocity\" is not known; write one of: velocity_rms_mm_s, ")
        );
        assert!(
            faults(&tag("coil", "level:roi:peak_hz")).ends_with("a level needs a register; write table = \"holding\"")
        );
        let no_scale = tag("holding", "level:roi:velocity_rms_mm_s").replace("scale_mm_per_px = 0.5\n", "");
        assert!(faults(&no_scale).contains("camera has no scale"));
    }
}
