//! Reads a PIN: from the terminal without showing it, or from standard input where there is no terminal.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

use super::usage;
use crate::base::error::{Exit, Failure};

/// Longest line taken.
const LONGEST: u64 = 1024;

/// Asks for a PIN. Without a terminal the first line of standard input is taken.
///
/// # Errors
/// Nothing could be read, or it was empty.
pub fn pin(question: &str) -> Result<SecretString, Failure> {
    let stdin = std::io::stdin();
    let terminal = stdin.is_terminal();
    let quiet = terminal.then(Quiet::begin).flatten();
    if terminal {
        let mut err = std::io::stderr();
        let _ = write!(err, "{question}: ").and_then(|()| err.flush());
    }
    let mut line = String::new();
    let read = std::io::Read::take(stdin.lock(), LONGEST).read_line(&mut line);
    drop(quiet);
    if terminal {
        let _ = writeln!(std::io::stderr());
    }
    read.map_err(|e| Failure::new(Exit::NoInput, format!("the PIN cannot be read: {e}")))?;
    let text = line.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(usage("no PIN was given; type it at the terminal, or send it as a line on standard input"));
    }
    Ok(SecretString::from(text.to_owned()))
}

/// The terminal without echo, until dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> Option<Self> {
        let before = tcgetattr(std::io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(std::io::stdin(), SetArg::TCSAFLUSH, &silent).ok()?;
        Some(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), SetArg::TCSAFLUSH, &self.0);
    }
}
