//! What an errand found, line by line, and the answer that follows.

use crate::model::upkeep::{Answer, Outcome};

/// Most lines of evidence.
const MAX_LINES: usize = 40;
/// Longest line, characters.
const MAX_CHARS: usize = 300;

/// Lines of evidence with the worst outcome among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    lines: Vec<String>,
    failed: bool,
    unknown: bool,
    judged: bool,
}

impl Found {
    /// In order.
    pub(super) fn good(&mut self, text: impl AsRef<str>) {
        self.judged = true;
        self.push(text.as_ref());
    }

    /// Not in order.
    pub(super) fn bad(&mut self, text: impl AsRef<str>) {
        self.failed = true;
        self.push(text.as_ref());
    }

    /// Cannot be known.
    pub(super) fn unknown(&mut self, text: impl AsRef<str>) {
        self.unknown = true;
        self.push(text.as_ref());
    }

    /// In order or not.
    pub(super) fn judge(&mut self, good: bool, text: impl AsRef<str>) {
        if good { self.good(text) } else { self.bad(text) }
    }

    /// A line that says nothing about the outcome.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        self.push(text.as_ref());
    }

    /// Takes over what was found elsewhere.
    pub(super) fn join(&mut self, other: Self) {
        self.failed |= other.failed;
        self.unknown |= other.unknown;
        self.judged |= other.judged;
        self.lines.extend(other.lines);
    }

    /// Each line begins with this.
    pub(super) fn about(mut self, name: &str) -> Self {
        for line in &mut self.lines {
            *line = format!("{name}: {line}");
        }
        self
    }

    /// The answer: failed if anything failed, unknown if nothing was judged or something is not known, else passed.
    pub(super) fn answer(self) -> Answer {
        let outcome = if self.failed {
            Outcome::Failed
        } else if self.unknown || !self.judged {
            Outcome::Unknown
        } else {
            Outcome::Passed
        };
        let more = self.lines.len().saturating_sub(MAX_LINES);
        let mut evidence: Vec<String> = self.lines.into_iter().take(MAX_LINES).collect();
        if more > 0 {
            evidence.push(format!("… and {more} more lines"));
        }
        Answer { outcome, evidence }
    }

    fn push(&mut self, text: &str) {
        self.lines.push(clean(text));
    }
}

/// Without control characters, and not too long: what a device sends must neither break the screen nor fill the record.
pub(super) fn clean(text: &str) -> String {
    let mut out: String = text.chars().take(MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_line_decides_and_nothing_judged_is_unknown() {
        let mut f = Found::default();
        f.line("only a fact");
        assert_eq!(f.clone().answer().outcome, Outcome::Unknown);
        f.good("fine");
        assert_eq!(f.clone().answer().outcome, Outcome::Passed);
        f.unknown("who knows");
        assert_eq!(f.clone().answer().outcome, Outcome::Unknown);
        f.bad("broken");
        let a = f.about("deck").answer();
        assert_eq!((a.outcome, a.evidence[0].as_str()), (Outcome::Failed, "deck: only a fact"));
    }

    #[test]
    fn evidence_is_bounded_and_has_no_control_characters() {
        let mut f = Found::default();
        for _ in 0..60 {
            f.good(format!("\u{1b}[31m{}", "x".repeat(500)));
        }
        let a = f.answer();
        assert_eq!(a.evidence.len(), MAX_LINES + 1);
        assert!(a.evidence.iter().all(|l| l.chars().count() <= MAX_CHARS + 1 && !l.chars().any(char::is_control)));
    }
}
