//! Questions before something is replaced. Nothing waits for an answer where nobody can give one.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::Globals;

/// Whether this may be done: `--yes`, or a person at the terminal who says so. Without a terminal it is no.
#[must_use]
pub fn may(globals: &Globals, question: &str) -> bool {
    if globals.yes {
        return true;
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return false;
    }
    let mut err = std::io::stderr();
    // Who does not see the question does not answer it.
    let _ = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}
