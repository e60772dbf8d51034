//! Errands about log files: the proof that they are rotated and stay within their bound, and a rotation now.

use std::path::Path;
use std::time::Duration;

use super::finding::Found;
use super::{Means, Within};
use crate::base::text::bytes;
use crate::logs::own::FILE_NAME;
use crate::logs::rotate::RotatingFile;
use crate::model::board::Board;
use crate::model::upkeep::Answer;
use crate::upkeep::errand::Ask;

/// A log of another program that is larger was not rotated for long.
const LARGE_BYTES: u64 = 1 << 30;
/// The smallest file that is rotated at all.
const PROOF_BYTES: u64 = 4096;

/// The sizes of `vms.log`, `vms.log.1`…, newest first.
fn own_files(dir: &Path) -> Vec<(String, u64)> {
    let number = |n: &str| match n.strip_prefix(FILE_NAME)? {
        "" => Some(0),
        rest => rest.strip_prefix('.')?.parse::<u32>().ok().filter(|n| *n > 0),
    };
    let mut found: Vec<(u32, String, u64)> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| {
            let name = e.file_name().into_string().ok()?;
            Some((number(&name)?, name, e.metadata().ok()?.len()))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, n, s)| (n, s)).collect()
}

/// Whether the logs are within their bound, and whether a rotation works on this very disk.
pub(super) fn proof(means: &Means, board: &Board, w: &Within<'_>) -> Answer {
    let mut f = Found::default();
    let cfg = &means.config.logs;
    let dir = means.data.join(&cfg.directory);
    let files = own_files(&dir);
    let total: u64 = files.iter().map(|(_, s)| s).sum();
    let bound = cfg.rotate_at_bytes.saturating_mul(u64::from(cfg.keep) + 1);
    match files.first() {
        None => f.unknown(format!("{}: there is no log yet; start the engine", dir.join(FILE_NAME).display())),
        Some((_, size)) => {
            let text = format!(
                "{}: {} (rotated at {})",
                dir.join(FILE_NAME).display(),
                bytes(*size),
                bytes(cfg.rotate_at_bytes)
            );
            f.judge(*size <= cfg.rotate_at_bytes, text);
            let older = files.len() - 1;
            f.judge(older <= cfg.keep as usize, format!("{older} older files beside it (limit {})", cfg.keep));
            f.judge(total <= bound, format!("together {} (limit {})", bytes(total), bytes(bound)));
        }
    }
    if dir.is_dir() {
        trial(&mut f, &dir);
    }
    if let Some(logs) = &board.logs {
        for source in &logs.sources {
            let Ok(meta) = std::fs::metadata(&*source.path) else { continue };
            if Path::new(&*source.path).starts_with(&dir) {
                continue;
            }
            let text = format!("{}: {} (limit {})", source.path, bytes(meta.len()), bytes(LARGE_BYTES));
            if meta.len() <= LARGE_BYTES {
                f.good(text);
            } else {
                f.bad(format!("{text}: nobody rotates it; set that up in its program or with logrotate"));
            }
        }
    }
    if w.over() {
        f.unknown(w.why());
    }
    f.answer()
}

/// Writes a small log through three rotations in a directory of its own beside the real one, with the same code.
fn trial(f: &mut Found, dir: &Path) {
    let own = dir.join(format!(".rotation-{}.tmp", std::process::id()));
    let outcome = || -> std::io::Result<(usize, u64)> {
        use std::io::Write as _;
        let mut log = RotatingFile::open(&own.join(FILE_NAME), PROOF_BYTES, 2)?;
        for _ in 0..4 * PROOF_BYTES / 64 {
            log.write_all(&[b'x'; 64])?;
        }
        drop(log);
        let files = own_files(&own);
        Ok((files.len(), files.iter().map(|(_, s)| *s).max().unwrap_or(0)))
    };
    let outcome = outcome();
    let _ = std::fs::remove_dir_all(&own);
    match outcome {
        Ok((files, largest)) => f.judge(
            files == 3 && largest <= PROOF_BYTES,
            format!(
                "trial there: {} written with a bound of {} and 2 older files: {files} files (expected 3), the largest {}",
                bytes(4 * PROOF_BYTES),
                bytes(PROOF_BYTES),
                bytes(largest)
            ),
        ),
        Err(e) => f.bad(format!("trial in {}: a log cannot be rotated there ({e}); check space and permissions", dir.display())),
    }
}

/// Rotates the program's own log.
pub(super) fn rotate(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    let mut f = Found::default();
    let cfg = &means.config.logs;
    let dir = means.data.join(&cfg.directory);
    let before = own_files(&dir);
    let size = before.first().map_or(0, |(_, s)| *s);
    if ask.preview {
        f.good(format!("{FILE_NAME} ({}) becomes {FILE_NAME}.1 and a new one is begun", bytes(size)));
        if before.len() > cfg.keep as usize
            && let Some((name, size)) = before.last()
        {
            f.line(format!(
                "the oldest one goes for good: {name} ({}); {} older files are kept",
                bytes(*size),
                cfg.keep
            ));
        }
        return f.answer();
    }
    let Some(live) = &means.live else {
        f.unknown(
            "no engine is running here, so nobody writes this log; it is rotated when the engine starts or writes",
        );
        return f.answer();
    };
    let identity = |name: &str| identity(&dir.join(name));
    let was = identity(FILE_NAME);
    live.turn.ask();
    // The rotation comes with the next record.
    tracing::info!(who = ask.who, "the log is rotated on request");
    let moved = w.wait(Duration::from_secs(10), || {
        (was.is_some() && identity(FILE_NAME) != was && (cfg.keep == 0 || identity(&format!("{FILE_NAME}.1")) == was))
            .then_some(())
    });
    let after = own_files(&dir);
    let list: Vec<String> = after.iter().take(4).map(|(n, s)| format!("{n} {}", bytes(*s))).collect();
    let text = format!("before: {FILE_NAME} {}; after: {}", bytes(size), list.join(", "));
    match moved {
        Some(()) => f.good(text),
        None => f.bad(format!("{text}: it was not rotated within 10 s; see the newest lines of the log")),
    }
    f.answer()
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|m| std::os::unix::fs::MetadataExt::ino(&m))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|m| m.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::upkeep::Outcome;

    #[test]
    fn only_our_own_files_count_newest_first() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["vms.log.10", "vms.log", "vms.log.2", "vms.log.old", "vms.logs", "vms.log.0"] {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        let names: Vec<String> = own_files(dir.path()).into_iter().map(|(n, _)| n).collect();
        assert_eq!(names, ["vms.log", "vms.log.2", "vms.log.10"]);
    }

    #[test]
    fn the_trial_rotates_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut f = Found::default();
        trial(&mut f, dir.path());
        let a = f.answer();
        assert_eq!(a.outcome, Outcome::Passed, "{a:?}");
        assert!(a.evidence[0].contains("3 files (expected 3)"), "{a:?}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
