//! How bad a log line is, by the words that log formats use for it.

use crate::model::logs::Severity;

/// Words are looked for in this many first bytes: a level stands near the front, a message may say anything.
const LOOK_AT_BYTES: usize = 400;

/// Recognises the severity of a line, in this order: a JSON record's level, `level=…`, PostgreSQL's prefix
/// (`ERROR:`, PostgreSQL documentation, table 20.2), then the first level word in capitals (`WARN`), in brackets
/// (`[error]`) or before a colon (`error:`). Common words in running text do not count.
#[must_use]
pub fn severity(line: &str) -> Severity {
    let line = line.trim_start();
    if line.starts_with('{')
        && let Some(found) = of_json(line)
    {
        return found;
    }
    let mut end = line.len().min(LOOK_AT_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let front = &line[..end];
    of_key(front).or_else(|| of_words(front)).unwrap_or(Severity::Unknown)
}

/// The level of that name, whatever its case.
fn of_name(name: &str) -> Option<Severity> {
    // Most words are none: told by their first letter and length before anything is copied.
    let first = name.bytes().next()? | 0x20;
    if !(3..=13).contains(&name.len()) || !b"aceflpswindtv".contains(&first) {
        return None;
    }
    let mut lower = [0u8; 13];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    let severity = match std::str::from_utf8(lower).ok()? {
        "error" | "err" | "fatal" | "panic" | "critical" | "crit" | "alert" | "emerg" | "emergency" | "severe" => {
            Severity::Error
        }
        "warn" | "warning" => Severity::Warn,
        "info" | "information" | "informational" | "notice" | "log" => Severity::Info,
        "debug" | "trace" | "verbose" | "debug1" | "debug2" | "debug3" | "debug4" | "debug5" => Severity::Debug,
        _ => return None,
    };
    Some(severity)
}

/// Names under which structured records keep their level.
const KEYS: [&str; 5] = ["level", "severity", "lvl", "log.level", "levelname"];

fn of_json(line: &str) -> Option<Severity> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    let level = KEYS.iter().find_map(|k| value.get(k)).or_else(|| value.get("error_severity"))?;
    if let Some(number) = level.as_u64() {
        return Some(of_number(number));
    }
    of_name(level.as_str()?)
}

/// Numbers as bunyan and pino use them: 30 info, 40 warn, 50 error.
fn of_number(number: u64) -> Severity {
    match number {
        0..30 => Severity::Debug,
        30..40 => Severity::Info,
        40..50 => Severity::Warn,
        _ => Severity::Error,
    }
}

/// `level=error`, `severity="warning"`; also inside a JSON record that was cut.
fn of_key(line: &str) -> Option<Severity> {
    KEYS.iter().find_map(|key| {
        line.match_indices(key).find_map(|(at, _)| {
            let whole = line[..at].chars().next_back().is_none_or(|c| !is_word(c) && c != '.' && c != '-');
            let rest = &line[at + key.len()..];
            let quoted = rest.strip_prefix('"').map(str::trim_start).and_then(|r| r.strip_prefix(':'));
            let value = rest.strip_prefix('=').or(quoted)?.trim_start().trim_start_matches('"');
            let word = &value[..value.find(|c| !is_word(c)).unwrap_or(value.len())];
            if whole { of_name(word) } else { None }
        })
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Lines that belong to the one before; what they quote says nothing about them.
const CONTINUATIONS: [&str; 6] = ["STATEMENT", "DETAIL", "HINT", "CONTEXT", "QUERY", "LOCATION"];

fn of_words(line: &str) -> Option<Severity> {
    let mut start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match (is_word(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                start = None;
                let (word, before, after) = (&line[from..at], &line[..from], &line[at..]);
                if CONTINUATIONS.contains(&word) && after.starts_with(':') {
                    return None;
                }
                if let Some(found) = of_word(word, before, after) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}

fn of_word(word: &str, before: &str, after: &str) -> Option<Severity> {
    if word == "Traceback" && after.starts_with(" (most recent call last)")
        || word == "panicked" && after.starts_with(" at ")
    {
        return Some(Severity::Error);
    }
    let found = of_name(word)?;
    let capitals = word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let colon = after.starts_with(':') && !after.starts_with("::");
    let marked = match before.chars().next_back() {
        Some('[') => after.starts_with(']'),
        Some('<') => after.starts_with('>'),
        Some('(') => after.starts_with(')'),
        // "error:" opens a message; "no error: fine" in the middle of a sentence does not.
        _ => colon && opens_message(before),
    };
    // LOG, ALERT and the like are names of other things too: these count only where a level is marked as one.
    let plain = capitals && !matches!(word, "LOG" | "ALERT" | "VERBOSE" | "EMERGENCY" | "INFORMATION");
    // A path or an identifier (`/ERROR/`, `E-ERROR-7`, `INFO.md`) is not a level.
    let glued = before.ends_with(['/', '\\', '-', '.', '$']) || after.starts_with(['/', '\\', '-', '.']);
    (marked || capitals && colon || plain && !glued).then_some(found)
}

/// Nothing before it, or only what a log puts there (a time, a name, brackets), ending in a separator.
fn opens_message(before: &str) -> bool {
    let before = before.trim_end();
    before.is_empty() || before.ends_with([':', ']', '|', '>', ')'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_formats() {
        use Severity::{Debug, Error, Info, Unknown, Warn};
        for (line, want) in [
            ("2026-11-23T22:41:07.250Z  INFO vms::camera: stream opened", Info),
            ("2026-11-23T22:41:07.250Z ERROR vms::bus: port is gone", Error),
            ("2026-11-23 22:41:07.123 IST [812] LOG:  statement: select 'ERROR: none'", Info),
            ("2026-11-23 22:41:07.123 IST [812] ERROR:  relation \"x\" does not exist", Error),
            ("2026-11-23 22:41:07.123 IST [812] FATAL:  password authentication failed", Error),
            ("2026-11-23 22:41:07.123 IST [812] PANIC:  could not write", Error),
            ("2026-11-23 22:41:07.123 IST [812] WARNING:  there is no transaction", Warn),
            ("2026-11-23 22:41:07.123 IST [812] NOTICE:  table exists", Info),
            ("2026-11-23 22:41:07.123 IST [812] DEBUG2:  autovacuum", Debug),
            ("2026-11-23 22:41:07.123 IST [812] STATEMENT:  select 1 as ERROR", Unknown),
            ("time=2026-11-23 level=error msg=\"no route\"", Error),
            ("level=\"warning\" msg=x", Warn),
            ("{\"level\":\"error\",\"msg\":\"INFO\"}", Error),
            ("{\"time\":1, \"severity\": \"WARNING\"}", Warn),
            ("{\"level\":30,\"msg\":\"up\"}", Info),
            ("{\"level\": \"fatal\", \"msg\": \"cut off he", Error),
            ("2026/11/23 10:00:00 [error] 12#0: open() failed", Error),
            ("2026/11/23 10:00:00 [warn] 12#0: conflicting", Warn),
            ("CRITICAL: disk", Error),
            ("12:00 ERR something", Error),
            ("error: cannot open", Error),
            ("Error: cannot open", Error),
            ("app: warning: unused", Warn),
            ("thread 'main' panicked at src/main.rs:1:2", Error),
            ("Traceback (most recent call last):", Error),
            ("DEBUG poll", Debug),
        ] {
            assert_eq!(severity(line), want, "{line}");
        }
    }

    #[test]
    fn running_text_is_no_level() {
        for line in [
            "finished without error",
            "errors_total 0",
            "no error: fine",
            "0 ERRORS",
            "terror in the night",
            "wrote /var/log/ERROR/x",
            "log: rotated? no colon rule for words inside catalog",
            "loglevel=error",
            "",
        ] {
            let got = severity(line);
            assert!(got < Severity::Warn, "{line}: {got:?}");
        }
        assert_eq!(severity("INFO retry after ERROR"), Severity::Info, "the first level counts");
    }

    proptest! {
        #[test]
        fn any_line_is_judged_without_panic(line in "\\PC{0,600}") {
            let _ = severity(&line);
        }

        #[test]
        fn a_marked_level_is_found_after_any_plain_prefix(prefix in "[a-z0-9 ]{0,80}", tail in "[a-z ]{0,40}") {
            prop_assert_eq!(severity(&format!("{prefix} ERROR {tail}")), Severity::Error);
            prop_assert_eq!(severity(&format!("{prefix} ERRORS {tail}")), Severity::Unknown);
        }

        #[test]
        fn json_levels_are_found_whatever_the_message(message in "[A-Za-z: ]{0,60}") {
            let line = serde_json::json!({"msg": message, "level": "warn"}).to_string();
            prop_assert_eq!(severity(&line), Severity::Warn);
        }
    }
}
