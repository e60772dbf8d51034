//! Numbers, ages and sizes as people read them.

use std::time::Duration;

/// Three significant digits, never in exponents for the sizes met here; `–` for what is unknown.
#[must_use]
pub fn sig3(v: Option<f64>) -> String {
    let Some(v) = v.filter(|v| v.is_finite()) else { return "–".into() };
    let a = v.abs();
    // Bounds lie where rounding would add a digit.
    if a == 0.0 {
        "0".into()
    } else if a < 0.0995 {
        format!("{v:.4}")
    } else if a < 0.9995 {
        format!("{v:.3}")
    } else if a < 9.995 {
        format!("{v:.2}")
    } else if a < 99.95 {
        format!("{v:.1}")
    } else {
        format!("{v:.0}")
    }
}

/// A value with its one-sigma uncertainty, both to the second digit of the uncertainty: `6.4003 ± 0.0021`; `–` for what is unknown.
#[must_use]
pub fn plus_minus(v: f64, sigma: f64) -> String {
    if !v.is_finite() {
        return "–".into();
    }
    if !(sigma.is_finite() && sigma > 0.0) {
        return format!("{} ± –", sig3(Some(v)));
    }
    let digits = decimals(sigma);
    format!("{v:.digits$} ± {sigma:.digits$}")
}

/// Decimals that show the first two digits of a positive number; at most nine.
#[must_use]
pub fn decimals(v: f64) -> usize {
    (1.0 - v.log10().floor()).clamp(0.0, 9.0) as usize
}

/// An age or span: `3 s`, `12 min`, `4 h 05`, `12 d 04 h`; tenths below ten seconds.
#[must_use]
pub fn age(d: Duration) -> String {
    let s = d.as_secs();
    match s {
        0..10 => format!("{:.1} s", d.as_secs_f64()),
        10..120 => format!("{s} s"),
        120..7200 => format!("{} min", s / 60),
        7200..172_800 => format!("{} h {:02}", s / 3600, s % 3600 / 60),
        _ => format!("{} d {:02} h", s / 86400, s % 86400 / 3600),
    }
}

/// Bytes in binary units: `512 B`, `3.4 MiB`, `200 GiB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut v = n as f64;
    let mut i = 0;
    while v >= 1024.0 && i + 1 < UNITS.len() {
        v /= 1024.0;
        i += 1;
    }
    if i == 0 {
        format!("{n} B")
    } else if v < 99.95 {
        format!("{v:.1} {}", UNITS[i])
    } else {
        format!("{v:.0} {}", UNITS[i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        for (v, want) in [
            (0.0, "0"),
            (8.3, "8.30"),
            (0.042, "0.0420"),
            (12.34, "12.3"),
            (99.96, "100"),
            (-0.5, "-0.500"),
            (1234.4, "1234"),
        ] {
            assert_eq!(sig3(Some(v)), want);
        }
        assert_eq!(sig3(None), "–");
        assert_eq!(sig3(Some(f64::NAN)), "–");
    }

    #[test]
    fn the_uncertainty_says_how_many_digits() {
        assert_eq!(plus_minus(6.400_31, 0.002_06), "6.4003 ± 0.0021");
        assert_eq!(plus_minus(412.3, 17.2), "412 ± 17");
        assert_eq!(plus_minus(0.42, 0.5), "0.42 ± 0.50");
        assert_eq!(plus_minus(0.42, f64::INFINITY), "0.420 ± –");
        assert_eq!(plus_minus(f64::NAN, 1.0), "–");
    }

    #[test]
    fn ages_and_sizes() {
        assert_eq!(age(Duration::from_millis(340)), "0.3 s");
        assert_eq!(age(Duration::from_secs(14)), "14 s");
        assert_eq!(age(Duration::from_secs(125)), "2 min");
        assert_eq!(age(Duration::from_hours(12 * 24 + 4)), "12 d 04 h");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(200 << 30), "200 GiB");
        assert_eq!(bytes(3_565_158), "3.4 MiB");
    }
}
