//! Values with their units, as people read them.

use crate::base::text::{bytes, sig3};

/// A value with its unit: `71.2 %`, `34.0 ms`, `1.4 GiB`, `3.2 MiB/s`, `2.00 /min`.
pub(super) fn quantity(value: Option<f64>, unit: &str, unknown: &str) -> String {
    let Some(v) = value.filter(|v| v.is_finite()) else { return unknown.to_owned() };
    match unit {
        "B" => signed_bytes(v),
        "B/s" => format!("{}/s", signed_bytes(v)),
        "" => sig3(Some(v)),
        _ => format!("{} {unit}", sig3(Some(v))),
    }
}

fn signed_bytes(v: f64) -> String {
    let sign = if v < 0.0 { "-" } else { "" };
    format!("{sign}{}", bytes(v.abs() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_readable() {
        for (v, unit, want) in [
            (71.25, "%", "71.2 %"),
            (34.0, "ms", "34.0 ms"),
            (1.5e9, "B", "1.4 GiB"),
            (-3.4e6, "B/s", "-3.2 MiB/s"),
            (2.0, "/min", "2.00 /min"),
            (3.0, "", "3.00"),
        ] {
            assert_eq!(quantity(Some(v), unit, "–"), want);
        }
        assert_eq!(quantity(None, "%", "–"), "–");
        assert_eq!(quantity(Some(f64::NAN), "B", "–"), "–");
    }
}
