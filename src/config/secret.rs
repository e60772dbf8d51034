//! Secrets: read from where the configuration says, never from it, and never repeated in a message.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use toml::de::{DeTable, DeValue};

use super::read::Around;
use super::tree::Origin;
use super::value::shorten;

/// Largest file that is taken for a secret, bytes.
const LARGEST: u64 = 4096;

/// What is wrong, and what would be right.
pub type Wrong = (String, String);

/// Reads the secret that a value points to.
///
/// # Errors
/// What is wrong and what would be right.
pub fn read(v: &DeValue<'_>, around: &Around<'_>) -> Result<(SecretString, Origin), Wrong> {
    let form = || super::keys::Kind::Secret.right();
    let DeValue::Table(t) = v else {
        let wrong = match v {
            DeValue::String(_) => "a secret stands in the configuration itself".to_owned(),
            _ => "it does not say where the secret is".to_owned(),
        };
        return Err((wrong, form()));
    };
    match only(t) {
        Some(("env", name)) => environment(name, around),
        Some(("file", path)) => file(path, around.dir),
        _ => Err(("it does not say where the secret is".into(), form())),
    }
}

/// The one key of the table with its text.
fn only<'t>(t: &'t DeTable<'_>) -> Option<(&'t str, &'t str)> {
    let mut items = t.iter();
    let (k, v) = items.next()?;
    let text = v.get_ref().as_str()?;
    (items.next().is_none() && !text.is_empty()).then_some((k.get_ref().as_ref(), text))
}

fn environment(name: &str, around: &Around<'_>) -> Result<(SecretString, Origin), Wrong> {
    let shown = shorten(name);
    match (around.env)(name) {
        None => Err((
            format!("the environment variable {shown} is not set"),
            format!("set {shown} where the program is started, or use {{ file = \"PATH\" }}"),
        )),
        Some(v) if v.is_empty() => {
            Err((format!("the environment variable {shown} is empty"), format!("set {shown} to the password")))
        }
        Some(v) => Ok((v.into(), Origin::Environment(name.into()))),
    }
}

fn file(path: &str, dir: &Path) -> Result<(SecretString, Origin), Wrong> {
    let full: PathBuf = dir.join(path);
    let shown = full.display().to_string();
    let create = || format!("write the password into {shown} and let only its owner read it");
    let meta = fs::metadata(&full).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => (format!("the file {shown} does not exist"), create()),
        _ => (format!("the file {shown} cannot be read ({e})"), create()),
    })?;
    if !meta.is_file() {
        return Err((format!("{shown} is not a file"), create()));
    }
    if meta.len() > LARGEST {
        return Err((format!("the file {shown} is too large for a password ({} bytes)", meta.len()), create()));
    }
    private(&meta, &shown)?;
    let text = fs::read_to_string(&full).map_err(|e| (format!("the file {shown} cannot be read ({e})"), create()))?;
    let secret = text.strip_suffix('\n').map_or(text.as_str(), |t| t.strip_suffix('\r').unwrap_or(t));
    if secret.is_empty() {
        return Err((format!("the file {shown} is empty"), create()));
    }
    Ok((secret.into(), Origin::SecretFile(full)))
}

/// A file with a password must be closed to everybody but its owner and group.
#[cfg(unix)]
fn private(meta: &fs::Metadata, shown: &str) -> Result<(), Wrong> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = meta.permissions().mode() & 0o777;
    let others = mode & 0o007;
    if others == 0 {
        return Ok(());
    }
    Err((format!("the file {shown} is readable by others (mode {mode:03o})"), format!("run: chmod 600 {shown}")))
}

#[cfg(not(unix))]
fn private(_meta: &fs::Metadata, _shown: &str) -> Result<(), Wrong> {
    Ok(())
}
