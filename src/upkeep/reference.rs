//! The reference measurements of cameras on the disk: `calibration/CAMERA.toml` in the data directory, one file a camera, which a
//! person can read and a backup can copy.
//!
//! They lie here because the checks that the program makes itself live here, and "has accuracy decreased" is one of them. They are
//! no part of the configuration: the program writes them, people do not; and they are no events: only the newest counts.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::draft::Draft;
use crate::base::error::{Exit, Failure};
use crate::model::CameraId;
use crate::model::calibration::{Reference, ReferenceRegion, View};

/// The format of the file. Readers refuse what they do not know.
const FORMAT: u32 = 1;
/// Largest file that is taken for a reference, bytes.
const LARGEST: u64 = 4 << 20;

/// Why a reference cannot be read.
#[derive(Debug, Error)]
pub enum ReferenceError {
    /// There is none.
    #[error("{}: there is no reference of this camera; take one with `vms calibrate {camera} --noise-floor --store`", path.display())]
    Absent {
        /// Where it would be.
        path: PathBuf,
        /// Whose.
        camera: CameraId,
    },
    /// It cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Io {
        /// Where it is.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// It is none.
    #[error("{}: {text}; take a new one with `vms calibrate {camera} --noise-floor --store --yes`", path.display())]
    Wrong {
        /// Where it is.
        path: PathBuf,
        /// Whose.
        camera: CameraId,
        /// What is wrong.
        text: String,
    },
}

/// The file.
#[derive(Serialize, Deserialize)]
struct OnDisk {
    format: u32,
    camera: CameraId,
    time: Timestamp,
    program: String,
    width: u32,
    height: u32,
    frames_per_second: f64,
    seconds: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scale_mm_per_px: Option<f64>,
    region: Vec<ReferenceRegion>,
    view: Thumbnail,
}

/// The small picture: a line of hexadecimal digits for each row.
#[derive(Serialize, Deserialize)]
struct Thumbnail {
    step_px: usize,
    rows: Vec<String>,
}

/// Where a camera's reference lies.
#[must_use]
pub fn path(data_dir: &Path, camera: &CameraId) -> PathBuf {
    data_dir.join("calibration").join(format!("{camera}.toml"))
}

/// Reads a camera's reference.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn load(data_dir: &Path, camera: &CameraId) -> Result<Reference, ReferenceError> {
    let path = path(data_dir, camera);
    let io = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => ReferenceError::Absent { path: path.clone(), camera: camera.clone() },
        _ => ReferenceError::Io { path: path.clone(), source },
    };
    let wrong = |text: String| ReferenceError::Wrong { path: path.clone(), camera: camera.clone(), text };
    if fs::metadata(&path).map_err(io)?.len() > LARGEST {
        return Err(wrong("it is too large for a reference".into()));
    }
    let bytes = fs::read(&path).map_err(io)?;
    parse(&String::from_utf8_lossy(&bytes), camera).map_err(wrong)
}

/// Writes a camera's reference, whole or not at all; where it lies now.
///
/// # Errors
/// Exit 73.
pub fn store(data_dir: &Path, reference: &Reference) -> Result<PathBuf, Failure> {
    let path = path(data_dir, &reference.camera);
    let fail = |text: String| Failure::new(Exit::CannotWrite, format!("{} cannot be written: {text}", path.display()));
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(|e| fail(e.to_string()))?;
    }
    let text = text(reference).map_err(|e| fail(e.to_string()))?;
    Draft::beside(&path)?.keep(text.as_bytes())?;
    Ok(path)
}

fn text(r: &Reference) -> Result<String, toml::ser::Error> {
    let digit = |v: u8| char::from_digit(u32::from(v), 16);
    let hex = |row: &[u8]| row.iter().flat_map(|v| [digit(v >> 4), digit(v & 15)]).flatten().collect();
    let on_disk = OnDisk {
        format: FORMAT,
        camera: r.camera.clone(),
        time: r.at,
        program: r.program.clone(),
        width: r.size.0,
        height: r.size.1,
        frames_per_second: r.fps,
        seconds: r.span_s,
        scale_mm_per_px: r.scale_mm_per_px,
        region: r.regions.clone(),
        view: Thumbnail { step_px: r.view.step_px, rows: r.view.luma.chunks(r.view.width.max(1)).map(hex).collect() },
    };
    let head = "# Reference measurement of a camera, written by `vms calibrate --noise-floor --store`; do not edit.\n";
    Ok(format!("{head}{}", toml::to_string(&on_disk)?))
}

fn parse(text: &str, camera: &CameraId) -> Result<Reference, String> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let known: Format = toml::from_str(text).map_err(|e| format!("it is no reference ({})", e.message()))?;
    if known.format != FORMAT {
        return Err(format!("its format is {}, this version reads {FORMAT}", known.format));
    }
    let f: OnDisk = toml::from_str(text).map_err(|e| format!("it is damaged ({})", e.message()))?;
    if f.camera != *camera {
        return Err(format!("it is that of the camera \"{}\"", f.camera));
    }
    let (width, height) = (f.view.rows.first().map_or(0, |r| r.len() / 2), f.view.rows.len());
    let row = |text: &String| -> Option<Vec<u8>> {
        let digits = text.as_bytes();
        if digits.len() != 2 * width {
            return None;
        }
        let digit = |b: u8| char::from(b).to_digit(16);
        digits.chunks_exact(2).map(|d| Some((digit(d[0])? * 16 + digit(d[1])?) as u8)).collect()
    };
    let rows: Option<Vec<Vec<u8>>> = f.view.rows.iter().map(row).collect();
    let luma = rows.ok_or("its picture is damaged")?.concat();
    let numbers = |r: &ReferenceRegion| [r.noise.noise_px, r.noise.uncertainty_px, r.look.sharpness, r.look.texture];
    if !f.region.iter().flat_map(numbers).all(|v| v.is_finite() && v >= 0.0) {
        return Err("its numbers are damaged".into());
    }
    Ok(Reference {
        camera: f.camera,
        at: f.time,
        program: f.program,
        size: (f.width, f.height),
        fps: f.frames_per_second,
        span_s: f.seconds,
        scale_mm_per_px: f.scale_mm_per_px,
        regions: f.region,
        view: View { width, height, step_px: f.view.step_px, luma },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::calibration::{Look, Noise};
    use crate::model::vibration::Role;

    fn reference(scale_mm_per_px: Option<f64>) -> Reference {
        let noise = Noise {
            noise_px: 0.0123,
            noise_x_px: 0.0123,
            noise_y_px: 0.01,
            density_px_per_root_hz: 0.0035,
            band_to_hz: 12.5,
            uncertainty_px: 0.012,
            detectable_px: 0.006,
        };
        let look = Look { sharpness: 0.25, texture: 31.5 };
        Reference {
            camera: "deck-east".into(),
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
            program: "0.1.0".into(),
            size: (1280, 720),
            fps: 25.0,
            span_s: 20.0,
            scale_mm_per_px,
            regions: vec![ReferenceRegion { id: "a".into(), rect: [1, 2, 64, 65], role: Role::Asset, noise, look }],
            view: View { width: 3, height: 2, step_px: 6, luma: vec![0, 1, 127, 128, 254, 255] },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let id = CameraId::from("deck-east");
        assert!(matches!(load(dir.path(), &id), Err(ReferenceError::Absent { .. })));
        for scale in [None, Some(0.42)] {
            let r = reference(scale);
            assert_eq!(store(dir.path(), &r).unwrap(), dir.path().join("calibration/deck-east.toml"));
            assert_eq!(load(dir.path(), &id).unwrap(), r);
        }
    }

    #[test]
    fn what_is_no_reference_is_told() {
        let good = text(&reference(None)).unwrap();
        let wrong = |text: &str| parse(text, &"deck-east".into()).unwrap_err();
        assert!(wrong("").starts_with("it is no reference"));
        assert_eq!(wrong(&good.replace("format = 1", "format = 2")), "its format is 2, this version reads 1");
        assert_eq!(wrong(&good.replace("deck-east", "west")), "it is that of the camera \"west\"");
        assert!(wrong(&good.replace("texture = 31.5", "")).starts_with("it is damaged"));
        assert_eq!(wrong(&good.replace("texture = 31.5", "texture = nan")), "its numbers are damaged");
        assert_eq!(wrong(&good.replace("80feff", "80fexx")), "its picture is damaged");
        assert_eq!(wrong(&good.replace("80feff", "80fe")), "its picture is damaged");
    }

    proptest! {
        #[test]
        fn never_panics(cut in 0..2000usize, more in "\\PC{0,20}") {
            let good = text(&reference(None)).unwrap();
            let head: String = good.chars().take(cut).collect();
            let _ = parse(&format!("{head}{more}"), &"deck-east".into());
        }
    }
}
