//! `vms calibrate`: a camera's scale from known lengths, its noise floor, and whether its accuracy has decreased.

use std::str::FromStr;
use std::time::Duration;

use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use super::{Globals, engine, out, usage};
use crate::base::error::{Exit, Failure, Outcome};
use crate::base::text::{decimals, plus_minus, sig3};
use crate::model::calibration::{Compared, Item, Noise, Reference, Rest, RestRegion};
use crate::vibration::calibration::noise::{BAND_FROM_HZ, SHORTEST_S};
use crate::vibration::calibration::{Length, Scale};

/// Longest measurement, in seconds: longer ones only gather drift.
const LONGEST_S: u64 = 600;
/// Words at the end of the help.
const HELP: &str = "\
Scale: measure a length on the machine that lies across the line of sight, and read its ends off the picture:
  vms calibrate deck-east --length 1200 --from 310,402 --to 1105,415
Several lengths are combined by their uncertainties, and it is said whether they agree.

Noise floor: stop the machine, then
  vms calibrate deck-east --noise-floor --store
keeps it as the camera's reference. Later, with the machine stopped again,
  vms calibrate deck-east --check
says whether accuracy has decreased: exit 0 if it has not, 1 if it has.";

/// The arguments of `vms calibrate`.
#[derive(Args, Debug)]
#[command(
    after_help = HELP,
    group(ArgGroup::new("what").required(true).args(["length", "noise_floor", "check"]))
)]
pub struct CalibrateArgs {
    /// The camera, as the configuration names it
    camera: String,

    /// A known length in mm, with its ends in --from and --to; may be given more than once
    #[arg(long, value_name = "MM", allow_hyphen_values = true, value_parser = number)]
    length: Vec<f64>,

    /// One end of the length, in pixels from the upper left corner
    #[arg(long, value_name = "X,Y", allow_hyphen_values = true, requires = "length", conflicts_with_all = ["noise_floor", "check"])]
    from: Vec<Point>,

    /// The other end
    #[arg(long, value_name = "X,Y", allow_hyphen_values = true, requires = "length", conflicts_with_all = ["noise_floor", "check"])]
    to: Vec<Point>,

    /// One-sigma uncertainty of the length; once for all, or once for each
    #[arg(long, value_name = "MM", allow_hyphen_values = true, value_parser = number, requires = "length", default_value = "0.5")]
    length_sigma: Vec<f64>,

    /// One-sigma uncertainty of a point, each way
    #[arg(long, value_name = "PX", allow_hyphen_values = true, value_parser = number, requires = "length", default_value = "0.5")]
    point_sigma: f64,

    /// Put the scale into the configuration file
    #[arg(long, requires = "length", conflicts_with_all = ["noise_floor", "check"])]
    write: bool,

    /// Measure the noise floor of every region; the machine has to stand
    #[arg(long)]
    noise_floor: bool,

    /// Keep the noise floor as the camera's reference
    #[arg(long, requires = "noise_floor", conflicts_with_all = ["length", "check"])]
    store: bool,

    /// Measure again and compare with the reference; the machine has to stand
    #[arg(long)]
    check: bool,

    /// How long to measure, 5s to 10m
    #[arg(long = "for", value_name = "DUR", value_parser = span, conflicts_with = "length", default_value = "20s")]
    for_: Duration,

    /// Measure a recording of this camera instead of its stream
    #[arg(long, value_name = "FILE", conflicts_with = "length")]
    input: Option<String>,
}

/// A point of the picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point(f64, f64);

impl FromStr for Point {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let form = "write X,Y in pixels, such as 310,402";
        let (x, y) = s.split_once(',').ok_or(form)?;
        let number = |t: &str| t.trim().parse().map_err(|_| form.to_owned());
        Ok(Self(number(x)?, number(y)?))
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "write a number such as 1200 or 0.5".into())
}

fn span(text: &str) -> Result<Duration, String> {
    let d = engine::span(text)?;
    if d.as_secs_f64() < SHORTEST_S || d > Duration::from_secs(LONGEST_S) {
        return Err(format!("write a time from {SHORTEST_S:.0}s to {}m", LONGEST_S / 60));
    }
    Ok(d)
}

/// The scale from known lengths.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleOptions {
    /// The camera's id.
    pub camera: String,
    /// The lengths.
    pub lengths: Vec<Length>,
    /// One-sigma uncertainty of a point's coordinate in pixels.
    pub point_sigma_px: f64,
    /// Whether the configuration file is changed.
    pub write: bool,
}

/// A measurement of a camera at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestOptions {
    /// The camera's id.
    pub camera: String,
    /// How long.
    pub length: Duration,
    /// A recording instead of the stream.
    pub input: Option<String>,
    /// Whether it is kept as reference.
    pub store: bool,
}

/// Puts the lengths together.
fn lengths(args: &CalibrateArgs) -> Result<Vec<Length>, Failure> {
    let n = args.length.len();
    for (option, count) in [("--from", args.from.len()), ("--to", args.to.len())] {
        if count != n {
            return Err(usage(format!(
                "there are {n} of --length and {count} of {option}; give both ends of every length"
            )));
        }
    }
    let sigmas = args.length_sigma.len();
    if sigmas != 1 && sigmas != n {
        return Err(usage(format!(
            "there are {n} of --length and {sigmas} of --length-sigma; give one for all, or one for each"
        )));
    }
    let points = args.from.iter().zip(&args.to);
    let of = |(i, (&length_mm, (from, to))): (usize, (&f64, (&Point, &Point)))| Length {
        length_mm,
        sigma_mm: args.length_sigma.get(i).or(args.length_sigma.first()).copied().unwrap_or_default(),
        from_px: (from.0, from.1),
        to_px: (to.0, to.1),
    };
    Ok(args.length.iter().zip(points).enumerate().map(of).collect())
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, a bad configuration, a camera that cannot be read, a file that cannot be written.
pub fn run(globals: &Globals, args: CalibrateArgs) -> Outcome {
    if !args.length.is_empty() {
        let lengths = lengths(&args)?;
        let (camera, point_sigma_px, write) = (args.camera, args.point_sigma, args.write);
        return crate::boot::calibrate_scale(globals, &ScaleOptions { camera, lengths, point_sigma_px, write });
    }
    let options = RestOptions { camera: args.camera, length: args.for_, input: args.input, store: args.store };
    if args.check {
        crate::boot::calibrate_check(globals, &options)
    } else {
        crate::boot::calibrate_noise(globals, &options)
    }
}

/// The scale as it stands in the configuration: to the third digit of its uncertainty.
#[must_use]
pub fn scale_number(scale: &Scale) -> String {
    crate::boot::scaling::number(scale.mm_per_px, scale.sigma_mm_per_px)
}

/// Prints a scale; `written` is the file that it was put into.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_scale(globals: &Globals, o: &ScaleOptions, s: &Scale, written: Option<&str>) -> Outcome {
    let line = format!("scale_mm_per_px = {}", scale_number(s));
    let agrees = s.agreement.map(|a| a.agrees());
    let percent = 100.0 * s.sigma_mm_per_px / s.mm_per_px;
    let both = || o.lengths.iter().zip(&s.told);
    if globals.json {
        let one = |(l, t): (&Length, &crate::vibration::calibration::Told)| {
            json!({
                "length_mm": l.length_mm, "length_uncertainty_mm": l.sigma_mm,
                "from_px": [l.from_px.0, l.from_px.1], "to_px": [l.to_px.0, l.to_px.1],
                "distance_px": t.distance_px, "distance_uncertainty_px": t.distance_sigma_px,
                "scale_mm_per_px": t.mm_per_px, "uncertainty_mm_per_px": t.sigma_mm_per_px,
            })
        };
        out::json(&json!({
            "camera": o.camera,
            "scale_mm_per_px": s.mm_per_px,
            "uncertainty_mm_per_px": s.sigma_mm_per_px,
            "uncertainty_percent": percent,
            "lengths": both().map(one).collect::<Vec<Value>>(),
            "chi_square": s.agreement.map(|a| a.chi_square),
            "degrees_of_freedom": s.agreement.map(|a| a.degrees),
            "chi_square_limit": s.agreement.map(|a| a.limit),
            "agree": agrees,
            "toml": line,
            "written": written,
        }))?;
    } else {
        let point = |p: (f64, f64)| format!("{},{}", p.0, p.1);
        let row = |(l, t): (&Length, &crate::vibration::calibration::Told)| {
            vec![
                plus_minus(l.length_mm, l.sigma_mm),
                point(l.from_px),
                point(l.to_px),
                plus_minus(t.distance_px, t.distance_sigma_px),
                plus_minus(t.mm_per_px, t.sigma_mm_per_px),
            ]
        };
        let rows: Vec<Vec<String>> = both().map(row).collect();
        out::line(&out::table(&["LENGTH mm", "FROM", "TO", "DISTANCE px", "mm per px"], &rows))?;
        let scale = plus_minus(s.mm_per_px, s.sigma_mm_per_px);
        out::line(&format!("{}: {scale} mm per pixel (one sigma, {} %)", o.camera, sig3(Some(percent))))?;
        if let Some(a) = s.agreement {
            let words = if a.agrees() {
                "the lengths agree"
            } else {
                "the lengths do not agree: a length or point is wrong, or they lie at different distances from the camera; \
                 the uncertainty is widened to their spread"
            };
            let (chi, limit) = (sig3(Some(a.chi_square)), sig3(Some(a.limit)));
            let degrees = if a.degrees == 1 { "1 degree".into() } else { format!("{} degrees", a.degrees) };
            out::line(&format!("chi-squared {chi} with {degrees} of freedom, at most {limit}: {words}"))?;
        }
        match written {
            Some(file) => out::line(&format!("written into {file}; an engine takes it when it is started again:"))?,
            None => out::line(&format!("the line for the camera \"{}\" in {}:", o.camera, globals.config.display()))?,
        };
        out::line(&line)?;
    }
    Ok(if agrees == Some(false) { Exit::NotFine } else { Exit::Fine })
}

fn mm(scale: Option<f64>, px: Option<f64>) -> Option<f64> {
    scale.zip(px).map(|(s, v)| s * v)
}

fn small(v: Option<f64>) -> String {
    v.filter(|v| v.is_finite() && *v > 0.0).map_or_else(|| sig3(v), |v| format!("{v:.*}", decimals(v).min(6)))
}

fn region_json(r: &RestRegion, scale: Option<f64>) -> Value {
    let n = |get: fn(&Noise) -> f64| r.noise.as_ref().map(get).filter(|v| v.is_finite());
    json!({
        "id": r.id,
        "role": r.role,
        "at_rest": r.faults.is_empty(),
        "reasons": r.faults,
        "shake": r.shake,
        "frames": r.frames.0,
        "frames_lost": r.frames.1 - r.frames.0,
        "noise_px": n(|n| n.noise_px),
        "noise_x_px": n(|n| n.noise_x_px),
        "noise_y_px": n(|n| n.noise_y_px),
        "noise_mm": mm(scale, n(|n| n.noise_px)),
        "density_px_per_root_hz": n(|n| n.density_px_per_root_hz),
        "band_hz": n(|n| n.band_to_hz).map(|to| [BAND_FROM_HZ, to]),
        "uncertainty_px": n(|n| n.uncertainty_px),
        "detectable_px": n(|n| n.detectable_px),
        "detectable_mm": mm(scale, n(|n| n.detectable_px)),
        "sharpness": r.look.map(|l| l.sharpness),
        "texture": r.look.map(|l| l.texture),
    })
}

fn head(rest: &Rest) -> String {
    let (w, h) = rest.size;
    format!(
        "{}: {} frames of {w}×{h} in {:.1} s, {} a second, from {}",
        rest.camera,
        rest.frames,
        rest.span_s,
        sig3(Some(rest.fps)),
        rest.input
    )
}

/// Prints a noise floor; `stored` is the file that it is kept in.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_rest(globals: &Globals, rest: &Rest, stored: Option<&str>) -> Outcome {
    let scale = rest.scale_mm_per_px;
    if globals.json {
        out::json(&json!({
            "camera": rest.camera, "time": rest.at, "input": rest.input,
            "width": rest.size.0, "height": rest.size.1, "fps": rest.fps, "seconds": rest.span_s, "frames": rest.frames,
            "scale_mm_per_px": scale,
            "at_rest": rest.at_rest(),
            "stored": stored,
            "rois": rest.regions.iter().map(|r| region_json(r, scale)).collect::<Vec<_>>(),
        }))?;
    } else {
        out::line(&head(rest))?;
        let row = |r: &RestRegion| {
            let n = |get: fn(&Noise) -> f64| r.noise.as_ref().map(get);
            vec![
                r.id.to_string(),
                small(n(|n| n.noise_px)),
                small(mm(scale, n(|n| n.noise_px))),
                small(n(|n| n.density_px_per_root_hz)),
                small(n(|n| n.uncertainty_px)),
                small(n(|n| n.detectable_px)),
                small(mm(scale, n(|n| n.detectable_px))),
                sig3(r.look.map(|l| l.sharpness)),
                sig3(r.look.map(|l| l.texture)),
                match (&r.shake, r.faults.is_empty()) {
                    (Some(shake), true) => shake.clone(),
                    (None, true) => "at rest".into(),
                    (_, false) => r.faults.join("; "),
                },
            ]
        };
        let rows: Vec<Vec<String>> = rest.regions.iter().map(row).collect();
        let heading =
            ["REGION", "NOISE px", "mm", "px/√Hz", "± px", "SMALLEST px", "mm", "SHARPNESS", "TEXTURE", "VERDICT"];
        out::line(&out::table(&heading, &rows))?;
        let to = rest.regions.iter().find_map(|r| r.noise).map(|n| n.band_to_hz);
        let band = format!("{BAND_FROM_HZ} to {} Hz", sig3(to));
        out::line(&format!(
            "NOISE is the RMS from {band}; ± the stated uncertainty of one frame (one sigma); SMALLEST the smallest amplitude of a tone \
             that stands out in 8 s"
        ))?;
        if !rest.at_rest() {
            out::line(
                "this is no noise floor: stop the machine, see that every region can be measured, and measure again",
            )?;
        }
        if let Some(file) = stored {
            out::line(&format!("kept as the reference of {} in {file}", rest.camera))?;
        }
    }
    Ok(if rest.at_rest() { Exit::Fine } else { Exit::NotFine })
}

/// Prints how a measurement compares with the reference; fine when nothing is worse and everything is known.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_check(globals: &Globals, then: &Reference, now: &Rest, items: &[Item]) -> Outcome {
    let fine = items.iter().all(|i| i.verdict == Compared::Fine);
    let worse = items.iter().any(|i| i.verdict == Compared::Worse);
    if globals.json {
        out::json(&json!({
            "camera": now.camera, "time": now.at, "input": now.input, "fine": fine,
            "accuracy": if worse { "decreased" } else if fine { "kept" } else { "unknown" },
            "reference": { "time": then.at, "program": then.program, "fps": then.fps, "scale_mm_per_px": then.scale_mm_per_px },
            "fps": now.fps, "scale_mm_per_px": now.scale_mm_per_px,
            "items": items,
            "rois": now.regions.iter().map(|r| region_json(r, now.scale_mm_per_px)).collect::<Vec<_>>(),
        }))?;
    } else {
        out::line(&head(now))?;
        out::line(&format!("reference of {:.0}, measured by vms {}", then.at, then.program))?;
        let row = |i: &Item| {
            vec![
                i.verdict.word().to_owned(),
                i.region.as_ref().map_or_else(|| "camera".into(), ToString::to_string),
                i.what.to_owned(),
                small(i.then),
                small(i.now),
                small(i.limit),
                i.text.clone(),
            ]
        };
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        out::line(&out::table(&["VERDICT", "REGION", "WHAT", "THEN", "NOW", "LIMIT", "WHAT TO DO"], &rows))?;
        if then.scale_mm_per_px != now.scale_mm_per_px {
            let (old, new) = (sig3(then.scale_mm_per_px), sig3(now.scale_mm_per_px));
            out::line(&format!(
                "the scale was {old} mm per pixel and is {new}; --noise-floor --store takes a new reference"
            ))?;
        }
        out::line(if worse {
            "accuracy has decreased"
        } else if fine {
            "accuracy has not decreased"
        } else {
            "it cannot be told whether accuracy has decreased"
        })?;
    }
    Ok(if fine { Exit::Fine } else { Exit::NotFine })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_spans() {
        assert_eq!("310, 402.5".parse(), Ok(Point(310.0, 402.5)));
        for bad in ["", "1", "1,", "a,b", "1,2,3"] {
            assert!(bad.parse::<Point>().is_err(), "{bad}");
        }
        assert!(span("5s").is_ok() && span("10m").is_ok());
        assert!(span("4s").is_err() && span("11m").is_err() && span("soon").is_err());
    }

    #[test]
    fn the_number_shows_its_uncertainty() {
        let s = |mm_per_px, sigma_mm_per_px| Scale { mm_per_px, sigma_mm_per_px, told: Vec::new(), agreement: None };
        assert_eq!(scale_number(&s(0.420_123_4, 0.001_2)), "0.42012");
        assert_eq!(scale_number(&s(12.345, 3.0)), "12.35");
        assert_eq!(scale_number(&s(500.0, 200.0)), "500.0");
        assert_eq!(scale_number(&s(0.5, 0.0)), "0.500000000");
    }
}
