//! The restart of the computer: who wishes it, the command that does it, and running that.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::{error, info};

use crate::base::shutdown::Shutdown;

/// How long the command may take to say that it was heard.
const PATIENCE: Duration = Duration::from_secs(30);

/// A person's wish for a restart, on its way to the thread that plans it.
#[derive(Clone, Debug, Default)]
pub struct Wish(Arc<Mutex<Option<Arc<str>>>>);

impl Wish {
    /// Wishes it.
    pub fn ask(&self, who: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(who.into());
    }

    /// Who wished it since this was last asked.
    pub(super) fn take(&self) -> Option<Arc<str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The program of a command and its arguments. No shell sees it: words are parted by spaces, and nothing is expanded.
pub(super) fn program(command: &str) -> Result<(PathBuf, Vec<&str>), String> {
    let mut words = command.split_whitespace();
    let Some(name) = words.next() else { return Err("the command is empty".into()) };
    let found = if name.contains('/') {
        Some(PathBuf::from(name)).filter(|p| runs(p))
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let usual = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from);
        std::env::split_paths(&path).chain(usual).map(|d| d.join(name)).find(|p| runs(p))
    };
    found.map(|p| (p, words.collect())).ok_or_else(|| format!("there is no program {name} that may be run"))
}

#[cfg(unix)]
fn runs(path: &Path) -> bool {
    path.is_file() && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
}

#[cfg(not(unix))]
fn runs(path: &Path) -> bool {
    path.is_file()
}

/// Runs the command, once everything else has ended; false when the restart did not begin. That is in the log then, and told at
/// the next start.
pub(super) fn carry_out(command: &str) -> bool {
    match run(command) {
        Ok(()) => {
            info!("the restart of the computer has begun");
            true
        }
        Err(e) => {
            error!("the computer is not restarted: {e}");
            false
        }
    }
}

fn run(command: &str) -> Result<(), String> {
    let (program, words) = program(command)?;
    let name = program.display().to_string();
    let mut command = Command::new(&program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("{name} cannot be run: {e}"))?;
    let (idle, step) = (Shutdown::new(), Duration::from_millis(100));
    for _ in 0..PATIENCE.as_millis() / step.as_millis() {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{name} ended with {status}: {}", said(&mut child))),
            Ok(None) => {}
            Err(e) => return Err(format!("what became of {name} is not known: {e}")),
        }
        let _ = idle.wait_for(step);
    }
    Err(format!("{name} has not ended in {} s; what becomes of it is not known", PATIENCE.as_secs()))
}

/// The beginning of what it said of its failure.
fn said(child: &mut Child) -> String {
    let mut some = [0; 500];
    let n = child.stderr.take().and_then(|mut out| out.read(&mut some).ok()).unwrap_or(0);
    String::from_utf8_lossy(&some[..n]).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_program_and_words() {
        let (path, words) = program("sh -c  true").unwrap();
        assert!(path.is_absolute() && path.ends_with("sh"));
        assert_eq!(words, ["-c", "true"]);
        assert!(program("  ").unwrap_err().contains("empty"));
        assert!(program("no-such-program now").unwrap_err().contains("no-such-program"));
        assert!(program("/etc/passwd").is_err(), "a file that is no program");
    }

    #[test]
    fn a_command_that_fails_is_told() {
        assert!(carry_out("true") && !carry_out("false") && !carry_out("no-such-program"));
        assert!(run("ls /no-such-directory").unwrap_err().contains("no-such-directory"));
    }

    #[test]
    fn a_wish_is_taken_once() {
        let wish = Wish::default();
        assert_eq!(wish.take(), None);
        wish.clone().ask("ann");
        assert_eq!(wish.take().as_deref(), Some("ann"));
        assert_eq!(wish.take(), None);
    }
}
