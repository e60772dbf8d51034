//! Limits: on known quantities that can be measured, on assets, in the right order, once for each quantity.

use std::collections::HashMap;

use super::source::unknown_quantity;
use super::{fault, of_section};
use crate::config::fault::{Fault, Pos};
use crate::config::tree::Sect;
use crate::model::quantity::Quantity;

/// Every limit with its camera and region.
fn limits(root: &Sect) -> impl Iterator<Item = (&Sect, &Sect, &Sect)> {
    root.rois().flat_map(|(c, r)| r.tables("limits").iter().map(move |l| (c, r, l)))
}

/// The quantity of a limit must be known.
pub fn known_quantities(root: &Sect, out: &mut Vec<Fault>) {
    for (_, _, limit) in limits(root) {
        if let Some(name) = limit.text("quantity").filter(|n| Quantity::from_key(n).is_none()) {
            let (wrong, right) = unknown_quantity(name);
            out.push(fault(limit, "quantity", wrong, right));
        }
    }
}

/// A limit in mm needs the camera's scale.
pub fn scale(root: &Sect, out: &mut Vec<Fault>) {
    for (camera, _, limit) in limits(root) {
        let Some(q) = limit.text("quantity").and_then(|n| Quantity::from_key(n)) else { continue };
        if q.needs_scale() && !camera.written("scale_mm_per_px") {
            let wrong = format!("\"{q}\" is in {}, and {} has no scale_mm_per_px", q.unit(), camera.path);
            out.push(fault(
                limit,
                "quantity",
                wrong,
                "write scale_mm_per_px at the camera, or limit a quantity in pixels",
            ));
        }
    }
}

/// The warning comes before the alarm.
pub fn order(root: &Sect, out: &mut Vec<Fault>) {
    for (_, _, limit) in limits(root) {
        if let (Some(warning), Some(alarm)) = (limit.number("warning"), limit.number("alarm"))
            && warning > alarm
        {
            let wrong = format!("the warning ({warning}) is above the alarm ({alarm})");
            out.push(fault(limit, "warning", wrong, format!("write a warning of at most {alarm}")));
        }
    }
}

/// A limit needs a warning or an alarm.
pub fn thresholds(root: &Sect, out: &mut Vec<Fault>) {
    for (_, _, limit) in limits(root) {
        if !limit.written("warning") && !limit.written("alarm") {
            out.push(of_section(
                limit,
                "the limit has neither warning nor alarm",
                "write warning = …, alarm = …, or both",
            ));
        }
    }
}

/// A background region has no limits: it shows the camera's own shake.
pub fn assets_only(root: &Sect, out: &mut Vec<Fault>) {
    for (_, roi) in root.rois() {
        if roi.text("role").is_some_and(|r| r.as_ref() == "background") && !roi.tables("limits").is_empty() {
            out.push(fault(
                roi,
                "limits",
                "a background region has no limits: its motion is the camera's own",
                "remove the limits, or write role = \"asset\"",
            ));
        }
    }
}

/// How far the spectrum is from usual is a deviation already.
pub fn kinds(root: &Sect, out: &mut Vec<Fault>) {
    for (_, _, limit) in limits(root) {
        let spectrum = limit.text("quantity").is_some_and(|q| q.as_ref() == Quantity::SpectrumDeviation.key());
        if spectrum && limit.text("kind").is_some_and(|k| k.as_ref() == "deviation") {
            let wrong = "\"spectrum_deviation\" is a deviation from the baseline already";
            out.push(fault(limit, "kind", wrong, "remove kind"));
        }
    }
}

/// One limit of each kind for each quantity of a region.
pub fn unique(root: &Sect, out: &mut Vec<Fault>) {
    for (_, roi) in root.rois() {
        let mut seen: HashMap<(&str, &str), Pos> = HashMap::new();
        for limit in roi.tables("limits") {
            let Some(name) = limit.text("quantity") else { continue };
            let kind = limit.text("kind").map_or("value", |k| k.as_ref());
            if let Some(first) = seen.insert((name, kind), limit.place("quantity")) {
                let wrong = format!("\"{name}\" has a limit already (line {}, column {})", first.line, first.column);
                out.push(fault(limit, "quantity", wrong, "write one limit with warning and alarm"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::checks::testing::{faults, with_roi};

    fn limit(body: &str) -> String {
        faults(&with_roi(&format!("limits = [\n  {{ {body} }},\n]")))
    }

    #[test]
    fn good_limits() {
        assert_eq!(limit("quantity = \"velocity_rms_mm_s\", warning = 4.5, alarm = 7.1"), "");
        assert_eq!(limit("quantity = \"peak_hz\", alarm = 7"), "");
    }

    #[test]
    fn quantities() {
        assert_eq!(
            limit("quantity = \"velocity_rms_mms\", alarm = 7"),
            "vms.toml:9:5: camera[0].roi[0].limits[0].quantity: the quantity \"velocity_rms_mms\" is not known; \
             did you mean \"velocity_rms_mm_s\"? write one of: velocity_rms_mm_s, displacement_pp_mm, displacement_rms_mm, \
             displacement_pp_px, displacement_rms_px, peak_amplitude_px, peak_hz, spectrum_deviation"
        );
        let t = with_roi("limits = [{ quantity = \"displacement_pp_mm\", alarm = 7 }]")
            .replace("scale_mm_per_px = 0.5\n", "");
        assert_eq!(
            faults(&t),
            "vms.toml:7:13: camera[0].roi[0].limits[0].quantity: \"displacement_pp_mm\" is in mm, and camera[0] has no \
             scale_mm_per_px; write scale_mm_per_px at the camera, or limit a quantity in pixels"
        );
    }

    #[test]
    fn warning_and_alarm() {
        assert_eq!(
            limit("quantity = \"peak_hz\", warning = 8, alarm = 7.5"),
            "vms.toml:9:27: camera[0].roi[0].limits[0].warning: the warning (8) is above the alarm (7.5); \
             write a warning of at most 7.5"
        );
        assert_eq!(
            limit("quantity = \"peak_hz\""),
            "vms.toml:9:3: camera[0].roi[0].limits[0]: the limit has neither warning nor alarm; \
             write warning = …, alarm = …, or both"
        );
        // A faulty alarm is one fault, not two.
        assert_eq!(limit("quantity = \"peak_hz\", alarm = true").lines().count(), 1);
    }

    #[test]
    fn backgrounds_and_doubles() {
        let t = with_roi("role = \"background\"\nlimits = [{ quantity = \"peak_hz\", alarm = 7 }]");
        assert!(faults(&t).starts_with("vms.toml:9:1: camera[0].roi[0].limits: a background region has no limits"));
        let t = with_roi("limits = [{ quantity = \"peak_hz\", alarm = 7 }, { quantity = \"peak_hz\", warning = 5 }]");
        assert!(faults(&t).contains("\"peak_hz\" has a limit already (line 8, column 13)"));
        let t = with_roi(
            "limits = [{ quantity = \"peak_hz\", alarm = 7 }, { quantity = \"peak_hz\", kind = \"deviation\", warning = 5 }]",
        );
        assert_eq!(faults(&t), "", "one of each kind");
        assert!(
            limit("quantity = \"spectrum_deviation\", kind = \"deviation\", alarm = 6")
                .contains("is a deviation from the baseline already")
        );
        assert_eq!(limit("quantity = \"spectrum_deviation\", alarm = 6"), "");
    }
}
