//! The log file of the plant's own control system, for the console to watch.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::shutdown::Shutdown;

/// The log file of the plant's own control system, for the console to watch.
pub struct PlantLog {
    path: PathBuf,
    clock: Arc<dyn Clock>,
}

impl PlantLog {
    /// Largest size of the file; then it starts over.
    const MAX_BYTES: u64 = 1 << 20;

    /// An empty log with a first line; what was there is removed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn open(path: PathBuf, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        std::fs::write(&path, "")?;
        let log = Self { path, clock };
        log.write("INFO", "plant control started");
        Ok(log)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line. A log that cannot be written is not worth stopping the plant for.
    pub fn write(&self, level: &str, text: &str) {
        let large = std::fs::metadata(&self.path).is_ok_and(|m| m.len() > Self::MAX_BYTES);
        if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(&self.path) {
            if large {
                let _ = file.set_len(0);
            }
            let at = self.clock.now().wall;
            let _ = writeln!(file, "{at:.3} {level:5} {text}");
        }
    }

    /// Writes what a control system writes, until the end is asked for. To be run on a thread of its own.
    pub fn run(&self, shutdown: &Shutdown) {
        let mut n = 0_u64;
        while !shutdown.wait_for(Duration::from_secs(2)) {
            n += 1;
            match n % 30 {
                7 => self.write("WARN", &format!("screen 1 feed rate {} t/h above plan", 210 + n % 40)),
                16 => self.write("INFO", &format!("lubrication pump ran 12 s, pressure {}.{} bar", 3 + n % 2, n % 10)),
                k if k % 3 == 0 => self.write("INFO", &format!("scan {} cycle time {} ms", n * 400, 4 + n % 3)),
                _ => {}
            }
        }
    }
}

impl std::fmt::Debug for PlantLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlantLog").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SimClock;

    #[test]
    fn lines_have_time_and_level_and_the_file_stays_bounded() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("plant.log");
        let log = PlantLog::open(path.clone(), Arc::new(SimClock::new(jiff::Timestamp::UNIX_EPOCH))).expect("opens");
        log.write("ERROR", "fault on");
        let text = std::fs::read_to_string(&path).expect("readable");
        assert_eq!(text.lines().last(), Some("1970-01-01T00:00:00.000Z ERROR fault on"));
        std::fs::write(&path, vec![b'x'; PlantLog::MAX_BYTES as usize + 1]).expect("written");
        log.write("INFO", "over");
        assert!(std::fs::metadata(&path).expect("there").len() < 100);
    }
}
