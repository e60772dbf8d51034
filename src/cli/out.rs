//! Standard output and standard error. A reader that goes away ends the printing quietly.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::base::error::{Exit, Failure};

/// Prints a text with a line end; false when the reader has gone away.
///
/// # Errors
/// Exit 74 when standard output cannot be written.
pub fn line(text: &str) -> Result<bool, Failure> {
    raw(format!("{}\n", text.trim_end_matches('\n')).as_bytes())
}

/// Prints one JSON value on one line; false when the reader has gone away.
///
/// # Errors
/// Exit 74 when standard output cannot be written.
pub fn json<T: Serialize>(value: &T) -> Result<bool, Failure> {
    let text = serde_json::to_string(value).map_err(|e| Failure::new(Exit::Io, format!("cannot print JSON: {e}")))?;
    line(&text)
}

/// Prints bytes; false when the reader has gone away.
///
/// # Errors
/// Exit 74 when standard output cannot be written.
pub fn raw(bytes: &[u8]) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Failure::new(Exit::Io, format!("standard output cannot be written: {e}"))),
    }
}

/// Prints a failure with its causes on standard error; nothing is done where that is gone too.
pub fn complain(failure: &Failure) {
    let mut text = format!("{failure}\n");
    let mut cause = std::error::Error::source(failure);
    while let Some(e) = cause {
        text.push_str("  because: ");
        text.push_str(&e.to_string());
        text.push('\n');
        cause = e.source();
    }
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Says something on standard error; nothing is done where that is gone.
pub fn note(text: &str) {
    let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// Rows as an aligned table with a heading; the last column is not padded.
#[must_use]
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = heading.iter().map(|h| (*h).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|i| all.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in all {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(c, w)| format!("{c:<w$}")).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_stand_under_their_heading() {
        let rows = vec![vec!["deck-ü".into(), "live".into()], vec!["w".into(), "lost".into()]];
        assert_eq!(table(&["CAMERA", "STATE"], &rows), "CAMERA  STATE\ndeck-ü  live\nw       lost\n");
        assert_eq!(table(&["A"], &[]), "A\n");
    }
}
