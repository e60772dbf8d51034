//! A camera's scale into the configuration file: the one number that the program changes there itself.

use std::path::Path;

use crate::base::draft::Draft;
use crate::base::error::{Exit, Failure};
use crate::base::text::decimals;
use crate::config::{Config, edit};

/// A scale as it is written: one digit more than its uncertainty's first two.
#[must_use]
pub fn number(mm_per_px: f64, sigma_mm_per_px: f64) -> String {
    let sigma = sigma_mm_per_px.max(1e-7 * mm_per_px);
    format!("{:.*}", (decimals(sigma) + 1).clamp(1, 9), mm_per_px)
}

/// Changes the one number in the file that holds `text`, and looks at the whole before it is put in place.
///
/// # Errors
/// Exit 73: the file is left as it was.
pub fn put(file: &Path, text: &str, camera: &str, number: &str) -> Result<(), Failure> {
    let name = file.display();
    let fail = |text: String| Failure::new(Exit::CannotWrite, format!("{name} cannot be written: {text}"));
    let text = edit::set_scale(text, camera, number).map_err(|e| fail(e.to_string()))?;
    let dir = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let judged = Config::parse(&text, &name.to_string(), dir, &|name| std::env::var(name).ok());
    let right = judged.is_ok_and(|l| {
        let found = l.config.cameras.iter().find(|c| c.id.as_str() == camera);
        found.and_then(|c| c.scale_mm_per_px).is_some_and(|v| number.parse() == Ok(v))
    });
    if !right {
        return Err(fail(format!("put \"scale_mm_per_px = {number}\" there by hand")));
    }
    // A link stays a link: the file that it names is replaced.
    let path = std::fs::canonicalize(file).map_err(|e| fail(e.to_string()))?;
    Draft::beside(&path)?.keep(text.as_bytes())
}

/// The same for the file as it is now, with what became of it in words, and whether that is bad.
#[must_use]
pub fn put_now(file: Option<&Path>, camera: &str, number: &str) -> (String, bool) {
    let by_hand = format!("put scale_mm_per_px = {number} there by hand, or the next start has the old scale");
    let Some(file) = file else { return (format!("the scale of {camera} is in no file: {by_hand}"), true) };
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(e) => return (format!("{} cannot be read: {e}; {by_hand}", file.display()), true),
    };
    match put(file, &text, camera, number) {
        Ok(()) => (format!("{}: scale_mm_per_px = {number} for camera {camera}", file.display()), false),
        Err(e) => (format!("{e}; {by_hand}"), true),
    }
}
