//! Storage errands on a small file system that is really full, and the rules of what may go.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use vms::model::upkeep::Outcome::{Failed, Passed, Unknown};

use crate::site::Site;
use crate::small::Small;

const MIB: usize = 1 << 20;

fn file(path: &Path, bytes: usize, days_old: u64) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, vec![b'x'; bytes]).unwrap();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(now_s() - days_old * 86_400 - 60);
    fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
    path.to_owned()
}

/// By the file system's own clock.
fn now_s() -> u64 {
    let probe = tempfile::NamedTempFile::new().unwrap();
    let at = probe.as_file().metadata().unwrap().modified().unwrap();
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

const CONFIG: &str = "[recording]\ndirectory = \"videos\"\nkeep_free_percent = 50\nkeep_at_most = \"1 GiB\"\n";

#[test]
fn a_full_disk_is_told_and_the_oldest_recordings_make_room() {
    let Some(small) = Small::mount(32) else { return };
    let data = small.path();
    let videos = data.join("videos");
    let old: Vec<PathBuf> =
        (0..10).map(|n| file(&videos.join(format!("deck/clip-{n}.mkv")), 2 * MIB, 30 - n as u64)).collect();
    let kept = file(&videos.join("deck/inquiry.mkv"), 2 * MIB, 40);
    fs::write(videos.join("deck/inquiry.mkv.keep"), "").unwrap();
    let young = file(&videos.join("deck/today.mkv"), 2 * MIB, 0);
    let other = file(&data.join("notes.txt"), 3 * MIB, 90);
    let site = Site::new(CONFIG, &data);
    let text = site.expect("disk-space", None, Failed);
    assert!(text.contains("limit 20 %"), "{text}");
    assert!(site.expect("disk-space", Some(data.to_str().unwrap()), Failed).contains("data"));
    let text = site.expect("disk-largest", None, Passed);
    assert!(text.contains("directory") && text.contains("videos/deck: 24.0 MiB"), "{text}");
    let text = site.expect("old-recordings", None, Failed);
    assert!(text.contains("12 recordings") && text.contains("inquiry.mkv"), "{text}");

    assert!(site.expect("remove-recordings", None, Unknown).contains("nothing was removed: look first"));
    let shown = site.preview("remove-recordings").evidence.join("\n");
    assert!(shown.contains("clip-0.mkv") && !shown.contains("inquiry.mkv") && !shown.contains("today.mkv"), "{shown}");
    assert!(old.iter().all(|p| p.exists()), "showing removes nothing");
    let done = site.expect("remove-recordings", None, Passed);
    let gone: Vec<bool> = old.iter().map(|p| !p.exists()).collect();
    let count = gone.iter().filter(|g| **g).count();
    assert!(count > 0 && gone[..count].iter().all(|g| *g), "the oldest first, no gaps: {gone:?}");
    assert!(done.contains(&format!("{count} of {count} files removed, {}.0 MiB freed", count * 2)), "{done}");
    assert!(kept.exists() && young.exists() && other.exists());
    assert!(site.expect("old-recordings", None, Passed).contains("free"));
    assert!(site.expect("disk-space", None, Passed).contains("free"));
    let nothing = site.preview("remove-recordings").evidence.join("\n");
    assert!(nothing.contains("nothing to remove"), "{nothing}");
}

#[test]
fn temporary_files_go_and_nothing_else_does() {
    let data = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let data = data.path().canonicalize().unwrap();
    let stale = file(&data.join("videos/.clip.mkv.77.tmp"), 4096, 3);
    let part = file(&data.join("backups/dump.part"), 8192, 2);
    let young = file(&data.join("videos/new.part"), 4096, 0);
    let journal = file(&data.join("journal.db"), 4096, 99);
    let aside = file(&data.join("journal.db.corrupt-20261101"), 4096, 99);
    let busy = file(&data.join("videos/busy.part"), 4096, 5);
    let held = fs::File::open(&busy).unwrap();
    let far = file(&outside.path().join("far.tmp"), 4096, 9);
    std::os::unix::fs::symlink(outside.path(), data.join("videos/elsewhere")).unwrap();
    std::os::unix::fs::symlink(&far, data.join("videos/far.tmp")).unwrap();
    let site = Site::new(CONFIG, &data);
    let text = site.expect("temporary-files", None, Failed);
    assert!(text.contains("2 temporary files") && text.contains("2 more are younger or in use"), "{text}");
    let shown = site.preview("remove-temporary").evidence.join("\n");
    assert!(shown.contains(".clip.mkv.77.tmp") && shown.contains("dump.part") && shown.contains("12.0 KiB"), "{shown}");
    // Between showing and doing somebody puts another file in its place.
    fs::remove_file(&part).unwrap();
    file(&part, 100, 0);
    let text = site.expect("remove-temporary", None, Passed);
    assert!(
        text.contains("1 of 2 files removed, 4.00 KiB freed") || text.contains("1 of 2 files removed, 4.0 KiB freed"),
        "{text}"
    );
    assert!(!stale.exists());
    for path in [&part, &young, &journal, &aside, &busy, &far] {
        assert!(path.exists(), "{} stays", path.display());
    }
    assert!(data.join("videos/far.tmp").is_symlink());
    drop(held);
    let text = site.expect("temporary-files", None, Failed);
    assert!(text.contains("1 temporary files") && text.contains("busy.part"), "{text}");
}

#[test]
fn logs_beyond_their_bound_are_told_and_the_rotation_is_proved() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::new("[logs]\nrotate_at = \"1 MiB\"\nkeep = 2\n", data.path());
    assert!(site.expect("log-rotation", None, Unknown).contains("there is no log yet"));
    let logs = data.path().join("logs");
    file(&logs.join("vms.log"), 1000, 0);
    let text = site.expect("log-rotation", None, Passed);
    assert!(text.contains("0 older files beside it (limit 2)") && text.contains("3 files (expected 3)"), "{text}");
    for n in 1..=3 {
        file(&logs.join(format!("vms.log.{n}")), 1000, n);
    }
    assert!(site.expect("log-rotation", None, Failed).contains("3 older files beside it (limit 2)"));
    assert_eq!(fs::read_dir(&logs).unwrap().count(), 4, "the trial leaves nothing behind");
    assert!(site.preview("rotate-logs").evidence.join("\n").contains("the oldest one goes for good: vms.log.3"));
    assert!(site.expect("rotate-logs", None, Unknown).contains("no engine is running"));
}
