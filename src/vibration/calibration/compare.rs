//! Whether a camera still measures as well as when its reference was taken.

use super::view::{ViewChange, view_change};
use crate::model::RoiId;
use crate::model::calibration::{Compared, Item, Reference, ReferenceRegion, Rest, RestRegion};
use crate::model::vibration::Role;

/// Noise may grow by this factor: two measurements of 20 s differ by a twentieth by chance, and weather by more.
pub const NOISE_FACTOR: f64 = 1.5;
/// And by this share of the stated uncertainty of one frame in any case: of a coded picture at rest the noise is far below what is
/// stated, and changes by half or twice with what the coder does.
pub const NOISE_SHARE: f64 = 0.25;
/// Share of the sharpness that must be left.
pub const SHARPNESS_SHARE: f64 = 0.75;
/// Share of the texture that must be left: at 0.6 the displacement is 1.3 times less certain. A fifth less light costs as much.
pub const TEXTURE_SHARE: f64 = 0.6;
/// The view may shift by this share of the smallest region's smaller side, so that regions still lie on what they were drawn on.
pub const SHIFT_SHARE: f64 = 1.0 / 16.0;
/// And by so many pixels in any case.
pub const SHIFT_PX: f64 = 2.0;
/// The scale may be off by this share. Three sigmas of what the views tell have to be below it.
pub const SCALE_SHARE: f64 = 0.01;

/// Holds a measurement against a reference: the view and the scale, then every region's noise, sharpness and texture.
#[must_use]
pub fn compare(then: &Reference, now: &Rest) -> Vec<Item> {
    let change = if then.size == now.size { view_change(&then.view, &now.view) } else { None };
    let mut items = vec![view(then, now, change.as_ref())];
    items.extend(scale(then, now, change.as_ref()));
    for old in &then.regions {
        match now.regions.iter().find(|r| r.id == old.id) {
            Some(new) if new.rect == old.rect => items.extend(region(old, new)),
            Some(_) => items.push(changed(&old.id, "its rect has changed since the reference")),
            None => items.push(changed(&old.id, "it is not in the configuration any more")),
        }
    }
    for new in now.regions.iter().filter(|n| !then.regions.iter().any(|o| o.id == n.id)) {
        items.push(changed(&new.id, "it is not in the reference"));
    }
    items
}

fn changed(id: &RoiId, what: &str) -> Item {
    Item {
        region: Some(id.clone()),
        what: "region",
        then: None,
        now: None,
        limit: None,
        verdict: Compared::Unknown,
        text: format!("{what}; take a new reference with --noise-floor --store"),
    }
}

fn view(then: &Reference, now: &Rest, change: Option<&ViewChange>) -> Item {
    let mut item = Item {
        region: None,
        what: "view_shift_px",
        then: Some(0.0),
        now: None,
        limit: None,
        verdict: Compared::Unknown,
        text: String::new(),
    };
    if then.size != now.size {
        let ((w, h), (nw, nh)) = (then.size, now.size);
        item.what = "picture";
        item.text = format!(
            "the picture was {w}×{h} and is {nw}×{nh}; set the camera as it was, or take a new reference with --noise-floor --store"
        );
        item.verdict = Compared::Worse;
        return item;
    }
    let smallest = then.regions.iter().flat_map(|r| [r.rect[2], r.rect[3]]).min();
    let limit = smallest.map_or(SHIFT_PX, |s| (f64::from(s) * SHIFT_SHARE).max(SHIFT_PX));
    item.limit = Some(limit);
    let Some(change) = change else {
        item.text = "the pictures hold too little to compare them".into();
        return item;
    };
    if !change.same() {
        item.verdict = Compared::Worse;
        item.text = "the camera shows something else than the reference, or its lens is covered".into();
        return item;
    }
    // Where the regions lie: a camera that has turned shifts some of them only.
    let middle = |[x, y, w, h]: [u32; 4]| (f64::from(x) + f64::from(w) / 2.0, f64::from(y) + f64::from(h) / 2.0);
    let shifts = then.regions.iter().map(|r| (change.at(middle(r.rect)), Some(&r.id)));
    let far = |(dx, dy): (f64, f64)| dx.hypot(dy);
    let farthest = shifts.max_by(|a, b| far(a.0).total_cmp(&far(b.0)));
    let ((dx, dy), at) = farthest.unwrap_or((change.at(middle([0, 0, then.size.0, then.size.1])), None));
    // To a hundredth: less is not told by a small picture.
    let by = (far((dx, dy)) * 100.0).round() / 100.0;
    item.now = Some(by);
    item.verdict = if by <= limit { Compared::Fine } else { Compared::Worse };
    if item.verdict == Compared::Worse {
        let at = at.map_or_else(String::new, |id| format!(" at {id}"));
        item.text = format!(
            "the view has shifted by {dx:+.1} px to the right and {dy:+.1} px down{at}; aim the camera anew, or move its regions"
        );
    }
    item
}

/// By how much the configured scale is off: what it was then has become smaller by as much as everything looks larger. None where neither the views
/// tell anything nor the configuration has changed.
fn scale(then: &Reference, now: &Rest, change: Option<&ViewChange>) -> Option<Item> {
    if then.size != now.size {
        // That is told already, and says nothing of the scale.
        return None;
    }
    // What the pictures hold too little for is not told by them.
    let told = |(_, sigma): &(f64, f64)| 3.0 * sigma <= SCALE_SHARE;
    let seen = change.filter(|c| c.same()).and_then(|c| c.magnification().zip(c.sigma)).filter(told);
    let number = |scale: Option<f64>| scale.filter(|s| s.is_finite() && *s > 0.0);
    let configured = number(now.scale_mm_per_px).zip(number(then.scale_mm_per_px)).map(|(now, then)| now / then);
    let changed = configured.is_some_and(|c| (c - 1.0).abs() > 1e-9);
    if seen.is_none() && !changed {
        return None;
    }
    let ((larger, sigma), written) = (seen.unwrap_or((1.0, 0.0)), configured.unwrap_or(1.0));
    let off = larger * written - 1.0;
    let percent = |share: f64| (share * 10_000.0).round() / 100.0;
    let verdict = if off.abs() - 3.0 * sigma > SCALE_SHARE { Compared::Worse } else { Compared::Fine };
    let mut causes = Vec::new();
    if (larger - 1.0).abs() > 0.3 * SCALE_SHARE {
        let how = if larger > 1.0 { "larger" } else { "smaller" };
        causes.push(format!(
            "things look {:.1} % {how} than when the reference was taken",
            percent((larger - 1.0).abs())
        ));
    }
    if (written - 1.0).abs() > 0.3 * SCALE_SHARE {
        causes.push(format!("the scale in the configuration has changed by {:+.1} %", percent(written - 1.0)));
    }
    let advice = "measure the scale anew with --length, then take a new reference with --noise-floor --store";
    Some(Item {
        region: None,
        what: "scale_error_percent",
        then: Some(0.0),
        now: Some(percent(off.abs())),
        limit: Some(percent(SCALE_SHARE)),
        verdict,
        text: if verdict == Compared::Worse { format!("{}; {advice}", causes.join(", ")) } else { String::new() },
    })
}

/// A number that may not lie above (or below) its limit.
fn held(
    id: &RoiId,
    what: &'static str,
    then: f64,
    now: Option<f64>,
    limit: f64,
    above_is_worse: bool,
    advice: &str,
) -> Item {
    let verdict = match now.filter(|v| v.is_finite()) {
        None => Compared::Unknown,
        Some(v) if (above_is_worse && v > limit) || (!above_is_worse && v < limit) => Compared::Worse,
        Some(_) => Compared::Fine,
    };
    let text = if verdict == Compared::Worse { advice.to_owned() } else { String::new() };
    Item { region: Some(id.clone()), what, then: Some(then), now, limit: Some(limit), verdict, text }
}

fn region(old: &ReferenceRegion, new: &RestRegion) -> Vec<Item> {
    let id = &old.id;
    let now = new.noise.map(|n| n.noise_px);
    let then = old.noise.noise_px;
    let limit = (then * NOISE_FACTOR).max(then + NOISE_SHARE * old.noise.uncertainty_px);
    let advice = "look for haze, shake of the camera, less light, a lower bit rate";
    let mut noise = held(id, "noise_px", then, now, limit, true, advice);
    if !new.faults.is_empty() {
        // What moved has no noise floor: the number is shown, and proves nothing.
        noise.verdict = Compared::Unknown;
        noise.text = new.faults.join("; ");
    }
    let (sharpness, texture) = (new.look.map(|l| l.sharpness), new.look.map(|l| l.texture));
    let (was, advice) = (old.look, "clean the lens, then look at its focus");
    let share = SHARPNESS_SHARE * was.sharpness;
    let sharpness = held(id, "sharpness", was.sharpness, sharpness, share, false, advice);
    let advice = "look at lens, focus and light, and whether the machine's surface has changed";
    let texture = held(id, "texture", was.texture, texture, TEXTURE_SHARE * was.texture, false, advice);
    // What a background shows of motion is the camera's own, and is taken off: it is held against nobody.
    let counts = old.role == Role::Asset || !new.faults.is_empty();
    counts.then_some(noise).into_iter().chain([sharpness, texture]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calibration::{Look, Noise, View};

    fn rest() -> Rest {
        let noise = Noise {
            noise_px: 0.01,
            noise_x_px: 0.01,
            noise_y_px: 0.008,
            density_px_per_root_hz: 0.003,
            band_to_hz: 12.5,
            uncertainty_px: 0.01,
            detectable_px: 0.005,
        };
        let region = RestRegion {
            id: "a".into(),
            rect: [0, 0, 64, 64],
            role: Role::Asset,
            frames: (500, 500),
            noise: Some(noise),
            look: Some(Look { sharpness: 0.2, texture: 30.0 }),
            faults: Vec::new(),
            shake: None,
        };
        let wave = |x: f64, y: f64| (0.4 * x + 0.1 * y).sin() + (0.5 * y - 0.2 * x).sin() + (0.05 * x + 0.07 * y).cos();
        let luma = (0..60 * 40).map(|i| (120.0 + 40.0 * wave(f64::from(i % 60), f64::from(i / 60))) as u8).collect();
        Rest {
            camera: "c".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
            input: "x".into(),
            size: (240, 160),
            fps: 25.0,
            span_s: 20.0,
            frames: 500,
            scale_mm_per_px: None,
            regions: vec![region],
            view: View { width: 60, height: 40, step_px: 4, luma },
        }
    }

    fn verdicts(change: impl FnOnce(&mut Rest)) -> Vec<(&'static str, Compared)> {
        let mut now = rest();
        change(&mut now);
        compare(&Reference::of(&rest(), "0").unwrap(), &now).iter().map(|i| (i.what, i.verdict)).collect()
    }

    #[test]
    fn unchanged_is_fine_and_what_is_worse_is_named() {
        use Compared::{Fine, Unknown, Worse};
        let all = |v: [Compared; 4]| -> Vec<_> {
            ["view_shift_px", "noise_px", "sharpness", "texture"].into_iter().zip(v).collect()
        };
        let scale = |then: Option<f64>, now: Option<f64>| {
            let old = Reference { scale_mm_per_px: then, ..Reference::of(&rest(), "0").unwrap() };
            let items = compare(&old, &Rest { scale_mm_per_px: now, ..rest() });
            items.into_iter().find(|i| i.what == "scale_error_percent").map(|i| (i.now, i.verdict, i.text))
        };
        assert_eq!(scale(Some(0.5), Some(0.5)), None, "so small a view does not tell it");
        let (off, verdict, text) = scale(Some(0.5), Some(0.51)).unwrap();
        assert_eq!((off, verdict), (Some(2.0), Worse));
        assert!(
            text.starts_with("the scale in the configuration has changed by +2.0 %; measure the scale anew"),
            "{text}"
        );
        assert_eq!((scale(Some(0.5), None), scale(Some(0.5), Some(f64::NAN))), (None, None));
        assert_eq!(verdicts(|_| {}), all([Fine; 4]));
        assert_eq!(verdicts(|r| r.regions[0].noise.as_mut().unwrap().noise_px = 0.016), all([Fine, Worse, Fine, Fine]));
        assert_eq!(verdicts(|r| r.regions[0].look.as_mut().unwrap().sharpness = 0.14), all([Fine, Fine, Worse, Fine]));
        assert_eq!(verdicts(|r| r.regions[0].look.as_mut().unwrap().texture = 17.0), all([Fine, Fine, Fine, Worse]));
        assert_eq!(verdicts(|r| r.regions[0].faults.push("it moved".into())), all([Fine, Unknown, Fine, Fine]));
        assert_eq!(verdicts(|r| r.regions[0].noise = None), all([Fine, Unknown, Fine, Fine]));
        assert_eq!(verdicts(|r| r.view.luma.rotate_right(2)), all([Worse, Fine, Fine, Fine]));
        assert_eq!(verdicts(|r| r.view.luma.fill(9)), all([Unknown, Fine, Fine, Fine]));
        assert_eq!(verdicts(|r| r.size = (9, 9))[0], ("picture", Worse));
        assert_eq!(verdicts(|r| r.regions[0].rect[0] = 1)[1], ("region", Unknown));
        assert_eq!(verdicts(|r| r.regions[0].id = "b".into())[1..], [("region", Unknown); 2]);
    }

    #[test]
    fn what_moved_is_no_reference() {
        let mut r = rest();
        assert!(r.at_rest() && Reference::of(&r, "0").is_some());
        r.regions[0].faults.push("it moved".into());
        assert!(!r.at_rest() && Reference::of(&r, "0").is_none());
    }
}
