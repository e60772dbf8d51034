//! Seconds and waveforms as bytes: all regions of a second in one row, a waveform compressed.
//!
//! A second is a version byte (1), then 27 bytes a region: its number (u16), displacement peak to peak and RMS, velocity,
//! frequency and amplitude of the main tone, uncertainty (f32 each, NaN where unknown), and the grade (u8). A waveform
//! is a version byte (1), the number of samples (u32), and the deflated bytes of its four rows of f32 with equal bytes of
//! neighbours beside each other. All numbers are little-endian.

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::model::RoiId;
use crate::model::event::SecondReading;
use crate::model::outbox::PackedReading;
use crate::model::vibration::{Grade, Waveform};

const VERSION: u8 = 1;
/// Bytes of a region's second.
const REGION: usize = 27;
/// Longest waveform that is read back, in samples: ten minutes at 200 frames a second.
const LONGEST: usize = 120_000;

/// Where a grade lies in the bytes.
fn grade_byte(grade: Grade) -> u8 {
    match grade {
        Grade::Good => 3,
        Grade::Reduced => 2,
        Grade::Poor => 1,
        Grade::Untrusted => 0,
    }
}

fn grade_of(byte: u8) -> Grade {
    match byte {
        3 => Grade::Good,
        2 => Grade::Reduced,
        1 => Grade::Poor,
        _ => Grade::Untrusted,
    }
}

/// Packs the readings of one second, each with the number of its region.
#[must_use]
pub fn second(readings: &[(u16, &SecondReading)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + readings.len() * REGION);
    out.push(VERSION);
    for (region, r) in readings {
        out.extend(region.to_le_bytes());
        let or_nan = |v: Option<f64>| v.unwrap_or(f64::NAN);
        for v in [
            r.displacement_pp_px,
            r.displacement_rms_px,
            or_nan(r.velocity_rms_mm_s),
            or_nan(r.peak_hz),
            or_nan(r.peak_amplitude_px),
            r.uncertainty_px,
        ] {
            out.extend((v as f32).to_le_bytes());
        }
        out.push(grade_byte(r.grade));
    }
    out
}

/// How many regions a packed second of so many bytes has.
#[must_use]
pub fn regions_in(bytes: usize) -> usize {
    bytes.saturating_sub(1) / REGION
}

/// What a packed second holds, region by region; none if these bytes are not of this form.
pub fn regions(second: i64, bytes: &[u8]) -> Option<impl Iterator<Item = PackedReading>> {
    let (version, regions) = bytes.split_first()?;
    let (rows, rest) = regions.as_chunks::<REGION>();
    (*version == VERSION && rest.is_empty()).then(|| rows.iter().map(move |r| region(second, r)))
}

fn region(second: i64, r: &[u8; REGION]) -> PackedReading {
    let value = |i: usize| {
        let at = 2 + 4 * i;
        f32::from_le_bytes([r[at], r[at + 1], r[at + 2], r[at + 3]])
    };
    PackedReading {
        second,
        region: u16::from_le_bytes([r[0], r[1]]),
        measures: std::array::from_fn(value),
        grade: grade_of(r[REGION - 1]),
    }
}

/// The readings of a packed second, each with the name of its region; none if these bytes are not of this form.
/// `name` gives a region's name, and none where it is not wanted.
pub fn readings(second: i64, bytes: &[u8], name: impl Fn(u16) -> Option<RoiId>) -> Option<Vec<SecondReading>> {
    Some(regions(second, bytes)?.filter_map(|p| name(p.region).map(|roi| reading(&p, roi))).collect())
}

/// The reading with its region's name.
fn reading(p: &PackedReading, roi: RoiId) -> SecondReading {
    let value = |i: usize| f64::from(p.measures[i]);
    let known = |i: usize| Some(value(i)).filter(|v| !v.is_nan());
    SecondReading {
        second: p.second,
        roi,
        displacement_pp_px: value(0),
        displacement_rms_px: value(1),
        velocity_rms_mm_s: known(2),
        peak_hz: known(3),
        peak_amplitude_px: known(4),
        uncertainty_px: value(5),
        grade: p.grade,
    }
}

/// Packs a waveform.
#[must_use]
pub fn waveform(w: &Waveform) -> Vec<u8> {
    let n = w.t_s.len().min(w.dx_px.len()).min(w.dy_px.len()).min(w.sigma_px.len());
    let values: Vec<[u8; 4]> = [&w.t_s, &w.dx_px, &w.dy_px, &w.sigma_px]
        .into_iter()
        .flat_map(|row| row[..n].iter().map(|v| v.to_le_bytes()))
        .collect();
    // Neighbours have equal exponents: standing together they take far less room.
    let plane = |i: usize| values.iter().map(move |v| v[i]);
    let bytes: Vec<u8> = (0..4).flat_map(plane).collect();
    let mut out = vec![VERSION];
    out.extend((n as u32).to_le_bytes());
    out.extend(compress_to_vec(&bytes, 6));
    out
}

/// A waveform from its bytes; none if they are not of this form.
#[must_use]
pub fn unpack_waveform(bytes: &[u8]) -> Option<Waveform> {
    let (version, rest) = bytes.split_first()?;
    let (count, packed) = rest.split_first_chunk::<4>()?;
    let n = u32::from_le_bytes(*count) as usize;
    if *version != VERSION || n > LONGEST {
        return None;
    }
    let bytes = decompress_to_vec_with_limit(packed, n * 16).ok().filter(|b| b.len() == n * 16)?;
    let all = n * 4;
    let value = |i: usize| f32::from_le_bytes([bytes[i], bytes[all + i], bytes[2 * all + i], bytes[3 * all + i]]);
    let row = |r: usize| (r * n..(r + 1) * n).map(value).collect();
    Some(Waveform { t_s: row(0), dx_px: row(1), dy_px: row(2), sigma_px: row(3) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::testing::second as reading;

    #[expect(clippy::unnecessary_wraps, reason = "what the unpacking asks for")]
    fn name(n: u16) -> Option<RoiId> {
        Some(RoiId::from(format!("roi-{n}")))
    }

    #[test]
    fn a_second_comes_back_as_it_was() {
        let mut unknown = reading("roi-9", 5);
        unknown.velocity_rms_mm_s = None;
        unknown.displacement_pp_px = f64::NAN;
        unknown.grade = Grade::Poor;
        let first = reading("roi-7", 5);
        let bytes = second(&[(7, &first), (9, &unknown)]);
        assert_eq!(bytes.len(), 1 + 2 * REGION);
        let got = readings(5, &bytes, name).expect("of this form");
        assert_eq!(got[0], first);
        assert!(got[1].displacement_pp_px.is_nan() && got[1].velocity_rms_mm_s.is_none());
        assert_eq!((got[1].roi.as_str(), got[1].grade), ("roi-9", Grade::Poor));
        let only = readings(5, &bytes, |n| name(n).filter(|_| n == 9)).expect("of this form");
        assert_eq!(only.len(), 1, "only what is wanted");
    }

    #[test]
    fn a_waveform_comes_back_as_it_was_and_smaller() {
        let t: Vec<f32> = (0..500).map(|i| (i as f32 - 499.0) / 25.0).collect();
        let tone: Vec<f32> = t.iter().map(|t| (t * 40.0).sin() * 0.3).collect();
        let mut lost = tone.clone();
        lost[3] = f32::NAN;
        let w = Waveform { t_s: t, dx_px: tone, dy_px: lost, sigma_px: vec![0.01; 500] };
        let bytes = waveform(&w);
        assert!(bytes.len() < 500 * 16 * 3 / 4, "{}", bytes.len());
        let got = unpack_waveform(&bytes).expect("of this form");
        assert_eq!((got.t_s, got.dx_px, got.sigma_px), (w.t_s, w.dx_px, w.sigma_px));
        assert!(got.dy_px[3].is_nan() && got.dy_px[4] == w.dy_px[4]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_told_and_never_trusted(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack_waveform(&bytes);
            let _ = readings(0, &bytes, name);
        }
    }
}
