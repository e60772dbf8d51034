//! `vms measure`: the measurement core alone on a recording, an image sequence or a stream.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::{Globals, usage};
use crate::base::error::{Failure, Outcome};
use crate::model::compensation::{Compensation, Compensations};

/// Smallest width and height of a region in pixels.
const SMALLEST: u32 = 8;

/// The arguments of `vms measure`.
#[derive(Args, Debug)]
pub struct MeasureArgs {
    /// A video file, a .y4m, an image sequence (frames/%04d.png) or an rtsp:// address
    input: String,

    /// A region in pixels; may be given more than once [default: the whole picture]
    #[arg(long, value_name = "ID=X,Y,W,H")]
    roi: Vec<RoiArg>,

    /// The region that stands still: its motion is the camera's own and is taken off the others'
    #[arg(long, value_name = "ID")]
    background: Option<String>,

    /// Frames a second, where the input does not tell or tells wrongly
    #[arg(long, value_name = "N", value_parser = fps)]
    fps: Option<f64>,

    /// Leave this in the motion instead of taking it off: shake, haze, drift, flicker
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = compensation)]
    without: Vec<Compensation>,

    /// The machine's own frequency in Hz: above half the frame rate its tone is measured where it folds to
    #[arg(long, value_name = "HZ", value_parser = positive)]
    nominal: Option<f64>,

    /// How long the shutter is open in ms: the motion's smear is put back
    #[arg(long, value_name = "MS", value_parser = positive)]
    exposure_ms: Option<f64>,

    /// Time from the first to the last row of the picture in ms (rolling shutter): tells an alias from the true frequency
    #[arg(long, value_name = "MS", value_parser = positive)]
    readout_ms: Option<f64>,

    /// Print every frame's displacement of every region first
    #[arg(long)]
    series: bool,

    /// Draw waveform and spectrum of every region into this file, for print
    #[arg(long, value_name = "FILE.svg", value_parser = svg_path)]
    plot: Option<PathBuf>,
}

/// A region of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoiArg {
    /// Its id.
    pub id: String,
    /// x, y, width, height in pixels.
    pub rect: [u32; 4],
}

/// What is to be measured, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureOptions {
    /// A path, a pattern or an address.
    pub input: String,
    /// The regions; empty for the whole picture.
    pub rois: Vec<RoiArg>,
    /// Index of the background region.
    pub background: Option<usize>,
    /// What is taken off that is not the machine's motion.
    pub compensations: Compensations,
    /// Frames a second as given.
    pub fps: Option<f64>,
    /// The machine's own frequency in Hz.
    pub nominal_hz: Option<f64>,
    /// How long the shutter is open, in seconds.
    pub exposure_s: Option<f64>,
    /// From the first to the last row of the picture, in seconds.
    pub readout_s: Option<f64>,
    /// Whether every frame is printed.
    pub series: bool,
    /// Where the picture goes.
    pub plot: Option<PathBuf>,
    /// Facts as JSON.
    pub json: bool,
}

impl FromStr for RoiArg {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let form = "write ID=X,Y,W,H in pixels, such as bearing=820,410,128,128";
        let (id, numbers) = s.split_once('=').ok_or_else(|| format!("there is no \"=\"; {form}"))?;
        if id.is_empty() || !id.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) {
            return Err("the id must be letters, digits, \"-\", \"_\" or \".\"".into());
        }
        let parts: Vec<&str> = numbers.split(',').map(str::trim).collect();
        let values: [&str; 4] = parts
            .as_slice()
            .try_into()
            .map_err(|_| format!("there are {} numbers where four are expected; {form}", parts.len()))?;
        let mut rect = [0; 4];
        for ((slot, text), name) in rect.iter_mut().zip(values).zip(["x", "y", "width", "height"]) {
            *slot = text
                .parse::<u16>()
                .map(u32::from)
                .map_err(|_| format!("{name} \"{text}\" is no whole number from 0 to 65535"))?;
        }
        for (n, name) in [(rect[2], "width"), (rect[3], "height")] {
            if n == 0 {
                return Err(format!("the region has no area ({name} 0); width and height must be at least {SMALLEST}"));
            }
            if n < SMALLEST {
                return Err(format!(
                    "the region is too small ({name} {n}); width and height must be at least {SMALLEST}"
                ));
            }
        }
        Ok(Self { id: id.into(), rect })
    }
}

fn fps(text: &str) -> Result<f64, String> {
    let v: f64 = text.parse().map_err(|_| "write a number such as 25 or 29.97".to_owned())?;
    if (0.1..=10_000.0).contains(&v) { Ok(v) } else { Err("write a number from 0.1 to 10000".into()) }
}

fn positive(text: &str) -> Result<f64, String> {
    let v: f64 = text.parse().map_err(|_| "write a number such as 16.2".to_owned())?;
    if (0.001..=10_000.0).contains(&v) { Ok(v) } else { Err("write a number from 0.001 to 10000".into()) }
}

fn compensation(text: &str) -> Result<Compensation, String> {
    Compensation::from_word(text).ok_or_else(|| {
        let words: Vec<&str> = Compensation::ALL.into_iter().map(Compensation::word).collect();
        format!("write one or more of {}", words.join(", "))
    })
}

/// A name that a drawing may have: nothing else is replaced by mistake.
fn svg_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("svg")) {
        Ok(path)
    } else {
        Err("the drawing is an SVG; write a name that ends in .svg".into())
    }
}

/// Puts the arguments together.
fn options(args: MeasureArgs, json: bool) -> Result<MeasureOptions, Failure> {
    for (i, roi) in args.roi.iter().enumerate() {
        if args.roi.iter().take(i).any(|r| r.id == roi.id) {
            return Err(usage(format!("--roi: the id \"{}\" is given twice; give every region its own", roi.id)));
        }
    }
    let index = |id: &String| {
        let ids: Vec<&str> = args.roi.iter().map(|r| r.id.as_str()).collect();
        ids.iter().position(|r| r == id).ok_or_else(|| {
            let known = if ids.is_empty() {
                "add one with --roi".into()
            } else {
                format!("the regions are {}", ids.join(", "))
            };
            usage(format!("--background: there is no region \"{id}\"; {known}"))
        })
    };
    let background = args.background.as_ref().map(index).transpose()?;
    if background.is_some() && args.roi.len() == 1 {
        return Err(usage("--background: the only region is the background; add one to measure with --roi"));
    }
    let mut compensations = Compensations::default();
    args.without.iter().for_each(|which| compensations.set(*which, false));
    Ok(MeasureOptions {
        compensations,
        input: args.input,
        rois: args.roi,
        background,
        fps: args.fps,
        nominal_hz: args.nominal,
        exposure_s: args.exposure_ms.map(|ms| ms / 1000.0),
        readout_s: args.readout_ms.map(|ms| ms / 1000.0),
        series: args.series,
        plot: args.plot,
        json,
    })
}

/// Runs the command.
///
/// # Errors
/// Arguments that do not fit together, or an input that cannot be read.
pub fn run(globals: &Globals, args: MeasureArgs) -> Outcome {
    crate::boot::measure(options(args, globals.json)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn regions() {
        let good = RoiArg { id: "a-1".into(), rect: [0, 5, 64, 8] };
        assert_eq!("a-1=0,5,64,8".parse(), Ok(good));
        for (text, wrong) in [
            ("a", "there is no \"=\""),
            ("=0,0,9,9", "the id must be"),
            ("a b=0,0,9,9", "the id must be"),
            ("a=1,2,3", "there are 3 numbers where four are expected"),
            ("a=0,0,0,9", "the region has no area (width 0)"),
            ("a=0,0,9,7", "the region is too small (height 7)"),
            ("a=-1,0,9,9", "x \"-1\" is no whole number"),
            ("a=0,0,9,70000", "height \"70000\" is no whole number"),
        ] {
            assert!(text.parse::<RoiArg>().unwrap_err().starts_with(wrong), "{text}");
        }
    }

    fn args(rois: &[&str], background: Option<&str>) -> MeasureArgs {
        MeasureArgs {
            input: "a.y4m".into(),
            roi: rois.iter().map(|r| r.parse().unwrap()).collect(),
            background: background.map(Into::into),
            fps: None,
            nominal: None,
            exposure_ms: None,
            readout_ms: None,
            without: vec![Compensation::Drift],
            series: false,
            plot: None,
        }
    }

    #[test]
    fn what_does_not_fit_together() {
        let wrong = |rois: &[&str], b| options(args(rois, b), false).unwrap_err().to_string();
        assert!(wrong(&["a=0,0,9,9", "a=9,0,9,9"], None).starts_with("--roi: the id \"a\" is given twice"));
        assert!(wrong(&["a=0,0,9,9"], Some("b")).ends_with("there is no region \"b\"; the regions are a"));
        assert!(wrong(&[], Some("b")).ends_with("add one with --roi"));
        assert!(wrong(&["a=0,0,9,9"], Some("a")).contains("the only region is the background"));
        let good = options(args(&["a=0,0,9,9", "b=9,0,9,9"], Some("b")), true).unwrap();
        assert_eq!((good.background, good.rois.len(), good.json), (Some(1), 2, true));
    }

    proptest! {
        #[test]
        fn any_region_text_is_judged(text in "\\PC{0,40}") {
            if let Ok(r) = text.parse::<RoiArg>() {
                prop_assert!(r.rect[2] >= SMALLEST && r.rect[3] >= SMALLEST);
            }
        }
    }
}
