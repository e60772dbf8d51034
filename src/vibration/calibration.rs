//! Scale from known lengths, noise floor of a machine that stands, and whether accuracy has decreased since a reference.

pub mod compare;
pub mod look;
pub mod noise;
pub mod view;

use thiserror::Error;

pub use crate::model::calibration::Length;

/// Scales that the configuration takes, in mm per pixel.
pub const SCALES: std::ops::RangeInclusive<f64> = 0.000_001..=1000.0;
/// Ends of a length closer together than so many pixels tell too little of the scale.
const NEAREST_PX: f64 = 10.0;
/// Ends must be farther apart than so many sigmas of their distance.
const NEAREST_SIGMAS: f64 = 10.0;
/// Largest coordinate of a point in pixels.
const LARGEST_PX: f64 = 65_535.0;
/// Lengths count as agreeing unless chance alone would set them apart so rarely: the 99th percentile of a normal distribution.
const NORMAL_99: f64 = 2.326_348;

/// What one length says of the scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// Distance of the ends in pixels.
    pub distance_px: f64,
    /// Its one-sigma uncertainty in pixels.
    pub distance_sigma_px: f64,
    /// Scale in mm per pixel.
    pub mm_per_px: f64,
    /// Its one-sigma uncertainty in mm per pixel.
    pub sigma_mm_per_px: f64,
}

/// The scale that all lengths tell together.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Scale in mm per pixel.
    pub mm_per_px: f64,
    /// Its one-sigma uncertainty in mm per pixel; widened where the lengths do not agree.
    pub sigma_mm_per_px: f64,
    /// Each length's own.
    pub told: Vec<Told>,
    /// How the lengths agree; none with a single one.
    pub agreement: Option<Agreement>,
}

/// How far lengths agree about the scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Sum of the squared deviations in units of their sigmas.
    pub chi_square: f64,
    /// Degrees of freedom.
    pub degrees: usize,
    /// Chance alone stays below this in 99 of 100 cases.
    pub limit: f64,
}

impl Agreement {
    /// Whether the lengths agree within their uncertainties.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.chi_square <= self.limit
    }
}

/// Why there is no scale.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum ScaleError {
    /// Nothing was given.
    #[error("there is no known length; give one with --length, --from and --to")]
    NoLength,
    /// A length that is none.
    #[error("the length {0} mm is not greater than 0; give the true distance of the two points in mm")]
    Length(f64),
    /// An uncertainty that is none.
    #[error("the uncertainty {0} is not 0 or greater; give one sigma")]
    Sigma(f64),
    /// A point that is in no picture.
    #[error("the point {0},{1} is in no picture; give x and y in pixels from the upper left corner")]
    Point(f64, f64),
    /// Both ends are the same.
    #[error("both points are {0},{1}; give the two ends of the length")]
    Same(f64, f64),
    /// The ends are too near.
    #[error(
        "the points are only {distance_px:.1} px apart, at least {least_px:.0} px are needed; take a longer length"
    )]
    Near {
        /// How far apart they are.
        distance_px: f64,
        /// How far they have to be.
        least_px: f64,
    },
}

/// What one length says; `point_sigma_px` is the one-sigma uncertainty of each coordinate of a point.
///
/// # Errors
/// Numbers that are no length, no uncertainty, no point, or points too near to each other.
pub fn told(l: &Length, point_sigma_px: f64) -> Result<Told, ScaleError> {
    if !(l.length_mm.is_finite() && l.length_mm > 0.0) {
        return Err(ScaleError::Length(l.length_mm));
    }
    for sigma in [l.sigma_mm, point_sigma_px] {
        if !(sigma.is_finite() && sigma >= 0.0) {
            return Err(ScaleError::Sigma(sigma));
        }
    }
    for (x, y) in [l.from_px, l.to_px] {
        if !((0.0..=LARGEST_PX).contains(&x) && (0.0..=LARGEST_PX).contains(&y)) {
            return Err(ScaleError::Point(x, y));
        }
    }
    if l.from_px == l.to_px {
        return Err(ScaleError::Same(l.from_px.0, l.from_px.1));
    }
    let distance_px = (l.to_px.0 - l.from_px.0).hypot(l.to_px.1 - l.from_px.1);
    // Only what moves an end along the line changes the distance, at either end.
    let distance_sigma_px = std::f64::consts::SQRT_2 * point_sigma_px;
    let least_px = (NEAREST_SIGMAS * distance_sigma_px).max(NEAREST_PX);
    if distance_px < least_px {
        return Err(ScaleError::Near { distance_px, least_px });
    }
    let mm_per_px = l.length_mm / distance_px;
    let relative = (l.sigma_mm / l.length_mm).hypot(distance_sigma_px / distance_px);
    Ok(Told { distance_px, distance_sigma_px, mm_per_px, sigma_mm_per_px: mm_per_px * relative })
}

/// The scale from all lengths, weighted by their uncertainties. Where they do not agree, the uncertainty is widened until they do.
///
/// # Errors
/// No length, or the first that is wrong.
pub fn scale(lengths: &[Length], point_sigma_px: f64) -> Result<Scale, ScaleError> {
    let all: Vec<Told> = lengths.iter().map(|l| told(l, point_sigma_px)).collect::<Result<_, _>>()?;
    let [first, more @ ..] = all.as_slice() else { return Err(ScaleError::NoLength) };
    if more.is_empty() {
        let (mm_per_px, sigma_mm_per_px) = (first.mm_per_px, first.sigma_mm_per_px);
        return Ok(Scale { mm_per_px, sigma_mm_per_px, told: all, agreement: None });
    }
    // An uncertainty of nothing would silence every other length: rounding is what is left at least.
    let weight = |t: &Told| t.sigma_mm_per_px.max(1e-9 * t.mm_per_px).powi(-2);
    let sum: f64 = all.iter().map(weight).sum();
    let mm_per_px = all.iter().map(|t| weight(t) * t.mm_per_px).sum::<f64>() / sum;
    let chi_square: f64 = all.iter().map(|t| weight(t) * (t.mm_per_px - mm_per_px).powi(2)).sum();
    let degrees = all.len() - 1;
    let agreement = Agreement { chi_square, degrees, limit: chi_square_99(degrees as f64) };
    let sigma = sum.powf(-0.5);
    let wider = if agreement.agrees() { 1.0 } else { (chi_square / degrees as f64).sqrt() };
    Ok(Scale { mm_per_px, sigma_mm_per_px: sigma * wider, told: all, agreement: Some(agreement) })
}

/// The 99th percentile of chi-squared (Wilson & Hilferty 1931): within 1 % of the true value.
fn chi_square_99(degrees: f64) -> f64 {
    let v = 2.0 / (9.0 * degrees);
    degrees * (1.0 - v + NORMAL_99 * v.sqrt()).powi(3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn length(length_mm: f64, to: f64) -> Length {
        Length { length_mm, sigma_mm: 0.5, from_px: (100.0, 100.0), to_px: (100.0 + to, 100.0) }
    }

    #[test]
    fn one_length() {
        let s = scale(&[length(500.0, 1000.0)], 0.5).unwrap();
        assert!((s.mm_per_px - 0.5).abs() < 1e-12 && s.agreement.is_none());
        // 0.1 % of the length and 0.0707 % of the distance.
        assert!((s.sigma_mm_per_px / 0.5 - 0.001_225).abs() < 1e-6, "{}", s.sigma_mm_per_px);
    }

    #[test]
    fn several_lengths_by_weight() {
        let s = scale(&[length(500.0, 1000.0), length(250.2, 500.0), length(50.0, 100.3)], 0.5).unwrap();
        let best = s.told.iter().map(|t| t.sigma_mm_per_px).fold(f64::INFINITY, f64::min);
        assert!(s.sigma_mm_per_px < best && (s.mm_per_px - 0.5).abs() < 2.0 * s.sigma_mm_per_px);
        let a = s.agreement.unwrap();
        assert!(a.agrees() && a.degrees == 2, "{a:?}");
        // One tenth more is no chance: it is said, and the uncertainty is that of their spread.
        let s = scale(&[length(500.0, 1000.0), length(550.0, 1000.0)], 0.5).unwrap();
        assert!(!s.agreement.unwrap().agrees());
        assert!((s.sigma_mm_per_px - 0.025).abs() < 0.002, "{}", s.sigma_mm_per_px);
    }

    #[test]
    fn the_limit_is_that_of_the_tables() {
        for (degrees, table) in [(1.0, 6.635), (2.0, 9.210), (5.0, 15.086), (20.0, 37.566)] {
            assert!((chi_square_99(degrees) / table - 1.0).abs() < 0.01, "{degrees}");
        }
    }

    #[test]
    fn what_is_no_length_is_named() {
        let good = length(500.0, 1000.0);
        let wrong = |l: Length, sigma| scale(&[good, l], sigma).unwrap_err().to_string();
        for bad in [0.0, -5.0, f64::NAN, f64::INFINITY] {
            assert!(
                wrong(Length { length_mm: bad, ..good }, 0.5).ends_with("the true distance of the two points in mm")
            );
        }
        assert!(wrong(Length { sigma_mm: -1.0, ..good }, 0.5).starts_with("the uncertainty -1 is not 0 or greater"));
        assert!(wrong(good, f64::NAN).starts_with("the uncertainty NaN"));
        assert!(wrong(Length { to_px: good.from_px, ..good }, 0.5).starts_with("both points are 100,100"));
        assert!(wrong(Length { to_px: (-1.0, 5.0), ..good }, 0.5).starts_with("the point -1,5 is in no picture"));
        assert!(wrong(Length { to_px: (f64::NAN, 5.0), ..good }, 0.5).contains("is in no picture"));
        assert!(wrong(length(5.0, 9.0), 0.5).starts_with("the points are only 9.0 px apart, at least 10 px"));
        assert!(wrong(length(5.0, 50.0), 5.0).contains("at least 71 px"));
        assert_eq!(scale(&[], 0.5), Err(ScaleError::NoLength));
    }

    proptest! {
        #[test]
        fn a_scale_is_always_a_number(
            lengths in proptest::collection::vec((any::<f64>(), any::<f64>(), any::<f64>(), any::<f64>(), any::<f64>(), any::<f64>()), 0..6),
            sigma in any::<f64>(),
        ) {
            let all: Vec<Length> = lengths
                .into_iter()
                .map(|(length_mm, sigma_mm, a, b, c, d)| Length { length_mm, sigma_mm, from_px: (a, b), to_px: (c, d) })
                .collect();
            if let Ok(s) = scale(&all, sigma) {
                prop_assert!(s.mm_per_px > 0.0 && s.sigma_mm_per_px >= 0.0);
            }
        }

        #[test]
        fn the_truth_lies_within(truth in 0.01..20.0f64, spans in proptest::collection::vec((50.0..2000.0f64, -3.0..3.0f64), 1..6)) {
            let of = |&(d, off): &(f64, f64)| Length {
                length_mm: truth * d,
                sigma_mm: 0.0,
                from_px: (10.0, 20.0),
                to_px: (10.0 + d + off * 0.5 * std::f64::consts::SQRT_2, 20.0),
            };
            let s = scale(&spans.iter().map(of).collect::<Vec<_>>(), 0.5).unwrap();
            prop_assert!((s.mm_per_px - truth).abs() < 3.5 * s.sigma_mm_per_px * (spans.len() as f64).sqrt());
        }
    }
}
