//! What must hold between values: one small check a rule, each over the whole tree, each tolerant of values that are missing or faulty.

mod addresses;
mod cameras;
mod credentials;
mod expressions;
mod ids;
mod limits;
mod lines;
mod references;
mod retention;
pub mod source;
mod timetables;

use super::fault::Fault;
use super::tree::Sect;

/// A rule: looks at everything and tells what is wrong.
type Check = fn(&Sect, &mut Vec<Fault>);

/// Every rule.
const ALL: &[Check] = &[
    ids::unique,
    addresses::unique,
    addresses::writable,
    addresses::source_where_written,
    source::sources_name_what_exists,
    references::running,
    references::nominal,
    limits::known_quantities,
    limits::scale,
    limits::order,
    limits::thresholds,
    limits::assets_only,
    limits::unique,
    limits::kinds,
    credentials::not_in_addresses,
    credentials::user_with_password,
    cameras::exposure,
    cameras::readout,
    lines::ports,
    lines::timeout,
    retention::something_is_kept,
    timetables::readable,
    expressions::readable,
];

/// Runs every rule.
pub fn all(root: &Sect, out: &mut Vec<Fault>) {
    for check in ALL {
        check(root, out);
    }
}

/// A fault of a key.
fn fault(sect: &Sect, key: &str, wrong: impl Into<String>, right: impl Into<String>) -> Fault {
    Fault { at: Some(sect.place(key)), key: sect.path_of(key), wrong: wrong.into(), right: right.into() }
}

/// A fault of a section as a whole.
fn of_section(sect: &Sect, wrong: impl Into<String>, right: impl Into<String>) -> Fault {
    Fault { at: Some(sect.at), key: sect.path.clone(), wrong: wrong.into(), right: right.into() }
}

/// "did you mean" for a name, or what there is.
fn instead(name: &str, what: &str, known: &[&str]) -> String {
    match super::fault::nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => format!("there is no {what} yet: add one"),
        None => format!("write one of: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod testing {
    //! Texts to faults, for the tests of the rules.

    use std::path::Path;

    use crate::config::Config;

    /// The faults of a text, one a line; empty where there are none.
    pub fn faults(text: &str) -> String {
        let env = |name: &str| name.starts_with("SET").then(|| "secret".to_owned());
        Config::parse(text, "vms.toml", Path::new("/nonexistent"), &env)
            .map_or_else(|f| f.to_string(), |_| String::new())
    }

    /// A camera with one region whose body is given.
    pub fn with_roi(body: &str) -> String {
        format!(
            "[[camera]]\nid = \"cam\"\nurl = \"rtsp://h/s\"\nscale_mm_per_px = 0.5\n[[camera.roi]]\nid = \"roi\"\nrect = [0, 0, 64, 64]\n{body}\n"
        )
    }

    /// A PLC with the given tags.
    pub fn with_tags(body: &str) -> String {
        format!("[[plc]]\nid = \"p\"\nport = \"/dev/ttyUSB0\"\n{body}\n")
    }
}
