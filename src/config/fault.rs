//! What is wrong with a configuration: every fault with its place, what is wrong and what would be right.

use std::fmt;

use serde::Serialize;

use crate::base::error::Exit;

/// A place in the file, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Pos {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Finds places in a text; looks each up in the starts of its lines, so that a long file stays quick.
#[derive(Clone, Debug)]
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// The lines of a text.
    #[must_use]
    pub fn of(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(n, _)| n + 1)).collect();
        Self { text, starts }
    }

    /// The place of a byte; the end of the text for one beyond it.
    #[must_use]
    pub fn pos(&self, offset: usize) -> Pos {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let line = self.starts.partition_point(|s| *s <= end).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        // A byte order mark has no width.
        let width = self.text.get(start..end).map_or(0, |s| s.chars().filter(|c| *c != '\u{feff}').count());
        Pos { line, column: width + 1 }
    }
}

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where; none for a fault of the file as a whole.
    #[serde(flatten)]
    pub at: Option<Pos>,
    /// Which key, such as `camera[0].roi[1].rect`; empty where there is none.
    pub key: String,
    /// What is wrong.
    pub wrong: String,
    /// What would be right.
    pub right: String,
}

/// Every fault of a configuration, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// The file's name.
    pub file: String,
    /// The faults; never empty.
    pub faults: Vec<Fault>,
    /// The exit code they mean.
    #[serde(skip)]
    pub exit: Exit,
}

impl Faults {
    /// The faults of a file that can be read.
    #[must_use]
    pub fn new(file: &str, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|f| f.at);
        Self { file: file.into(), faults, exit: Exit::BadConfig }
    }

    /// A file that cannot be read.
    #[must_use]
    pub fn unreadable(file: &str, wrong: String, right: &str) -> Self {
        let fault = Fault { at: None, key: String::new(), wrong, right: right.into() };
        Self { file: file.into(), faults: vec![fault], exit: Exit::NoInput }
    }

    /// As one JSON object: `{ file, faults: [ { line, column, key, wrong, right } ] }`.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:", self.file)?;
            if let Some(at) = fault.at {
                write!(f, "{at}:")?;
            }
            if !fault.key.is_empty() {
                write!(f, " {}:", fault.key)?;
            }
            write!(f, " {}; {}", fault.wrong, fault.right)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The known word nearest to a misspelt one; none where nothing is near.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase().replace('-', "_");
    let longest = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|k| (distance(&word, &k.to_lowercase().replace('-', "_")), k))
        .filter(|(d, _)| *d <= longest)
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

/// Edits (insert, remove, replace, swap neighbours) from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut d = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                d = d.min(rows[i - 2][j - 2] + 1);
            }
            row.push(d);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        let t = "a = 1\nü = \"é\" # x\n";
        let lines = Lines::of(t);
        assert_eq!(lines.pos(0), Pos { line: 1, column: 1 });
        assert_eq!(lines.pos(5), Pos { line: 1, column: 6 });
        assert_eq!(lines.pos(6), Pos { line: 2, column: 1 });
        assert_eq!(lines.pos(t.find('#').unwrap()), Pos { line: 2, column: 9 });
        assert_eq!(lines.pos(999), Pos { line: 3, column: 1 });
        assert_eq!(Lines::of("").pos(0), Pos { line: 1, column: 1 });
        assert_eq!(Lines::of("\u{feff}a = 1").pos(3), Pos { line: 1, column: 1 });
    }

    #[test]
    fn near_words_are_found_and_far_ones_not() {
        let known = ["exposure_ms", "transport", "url", "scale_mm_per_px"];
        assert_eq!(nearest("exposre_ms", known), Some("exposure_ms"));
        assert_eq!(nearest("trasnport", known), Some("transport"));
        assert_eq!(nearest("uri", known), Some("url"));
        assert_eq!(nearest("scale-mm-per-px", known), Some("scale_mm_per_px"));
        assert_eq!(nearest("banana", known), None);
    }

    #[test]
    fn faults_come_in_the_order_of_the_file() {
        let f = |line, key: &str| Fault {
            at: Some(Pos { line, column: 3 }),
            key: key.into(),
            wrong: "wrong".into(),
            right: "right".into(),
        };
        let all = Faults::new("vms.toml", vec![f(9, "b"), f(2, "a")]);
        assert_eq!(all.to_string(), "vms.toml:2:3: a: wrong; right\nvms.toml:9:3: b: wrong; right");
        assert_eq!(all.json()["faults"][0]["line"], 2);
    }
}
