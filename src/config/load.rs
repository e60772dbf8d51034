//! Loading: the file's bytes, the reader, the checks, and what came of them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::fault::{Fault, Faults, Lines};
use super::read::{Around, read};
use super::sections::Config;
use super::tree::Sect;
use super::{build, checks};

/// Largest file that is taken for a configuration, bytes.
const LARGEST: u64 = 4 << 20;

/// A configuration without faults.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The sections.
    pub config: Config,
    /// Every value with where it came from, for `vms config show`.
    pub tree: Sect,
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Config {
    /// Loads a file. `env` looks up an environment variable.
    ///
    /// # Errors
    /// Every fault at once; their `exit` tells a file that cannot be read from one that is wrong.
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Faults> {
        let name = path.display().to_string();
        let text = text_of(path, &name)?;
        let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut loaded = Self::parse(&text, &name, dir, env)?;
        path.clone_into(&mut loaded.path);
        Ok(loaded)
    }

    /// Loads a text. `name` is what faults call it; secrets' files are relative to `dir`.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn parse(text: &str, name: &str, dir: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Faults> {
        let mut got = read(text, &Around { dir, env });
        if !got.broken {
            checks::all(&got.root, &mut got.faults);
        }
        if !got.faults.is_empty() {
            return Err(Faults::new(name, got.faults));
        }
        let mut config = build::config(&got.root);
        if let Some(file) = config.historian.as_mut().and_then(|h| h.ca_file.as_mut()) {
            *file = dir.join(&*file);
        }
        if let Some(file) = config.mail.as_mut().and_then(|m| m.ca_file.as_mut()) {
            *file = dir.join(&*file);
        }
        Ok(Loaded { config, tree: got.root, path: PathBuf::from(name), text: text.to_owned() })
    }
}

fn text_of(path: &Path, name: &str) -> Result<String, Faults> {
    let fail = |e: &std::io::Error| match e.kind() {
        ErrorKind::NotFound => Faults::unreadable(
            name,
            "there is no such file".into(),
            "run `vms config init` to write one, or name another with --config",
        ),
        ErrorKind::PermissionDenied => {
            Faults::unreadable(name, "it may not be read".into(), "let the user who runs vms read it")
        }
        _ => Faults::unreadable(name, format!("it cannot be read ({e})"), "name a file with --config"),
    };
    let meta = fs::metadata(path).map_err(|e| fail(&e))?;
    if meta.is_dir() {
        return Err(Faults::unreadable(name, "it is a directory".into(), "name a file with --config"));
    }
    if meta.len() > LARGEST {
        let wrong = format!("it is too large ({} bytes)", meta.len());
        return Err(Faults::unreadable(name, wrong, "name a configuration file with --config"));
    }
    let bytes = fs::read(path).map_err(|e| fail(&e))?;
    String::from_utf8(bytes).map_err(|e| not_utf8(name, &e))
}

fn not_utf8(name: &str, e: &std::string::FromUtf8Error) -> Faults {
    let (bytes, at) = (e.as_bytes(), e.utf8_error().valid_up_to());
    let good = String::from_utf8_lossy(bytes.get(..at).unwrap_or_default());
    let bad = bytes.get(at).copied().unwrap_or_default();
    let fault = Fault {
        at: Some(Lines::of(&good).pos(good.len())),
        key: String::new(),
        wrong: format!("this byte (0x{bad:02x}) is not UTF-8"),
        right: "save the file as UTF-8".into(),
    };
    Faults::new(name, vec![fault])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::base::error::Exit;
    use crate::config::sections::NominalHz;

    const PLANT: &str = include_str!("plant.toml");

    fn env(name: &str) -> Option<String> {
        (!name.is_empty()).then(|| format!("secret of {name}"))
    }

    fn parse(text: &str) -> Result<Loaded, Faults> {
        Config::parse(text, "vms.toml", Path::new("/nonexistent"), &env)
    }

    fn faults(text: &str) -> String {
        parse(text).map_or_else(|f| f.to_string(), |_| String::new())
    }

    #[test]
    fn a_whole_plant_loads() {
        let c = parse(PLANT).unwrap_or_else(|f| panic!("{f}")).config;
        assert_eq!(c.site.time_zone_name.as_ref(), "Asia/Kolkata");
        assert_eq!(c.cameras.len(), 2);
        let east = &c.cameras[0];
        assert_eq!((east.name.as_ref(), east.expected_fps), ("Screen deck, east", Some(25.0)));
        assert!(east.password.is_some() && east.record && east.enabled);
        assert_eq!(east.rois[0].rect, [820, 410, 128, 128]);
        assert_eq!(
            east.rois[0].nominal_hz,
            Some(NominalHz::Tag { tag: "screen-1-speed".into(), hz_per_unit: 0.016_666_7 })
        );
        let limit = &east.rois[0].limits[1];
        assert_eq!(
            (limit.on_delay, limit.off_delay, limit.deadband_percent),
            (Duration::from_secs(3), Duration::from_secs(10), 5.0)
        );
        assert_eq!(c.plcs[0].tags.len(), 5);
        assert_eq!(c.recording.keep_at_most_bytes, 200 << 30);
        assert_eq!(c.resources.camera_latency, Duration::from_millis(500));
        assert_eq!(c.mail.as_ref().map(|m| m.to.len()), Some(2));
        // Debug output is for logs; no secret may reach them.
        assert!(!format!("{c:?}").contains("secret of"));
    }

    #[test]
    fn an_empty_file_has_every_default() {
        let c = parse("").unwrap().config;
        assert_eq!((c.site.name.as_ref(), c.console.keymap.as_ref(), c.logs.keep), ("Site", "default", 10));
        assert!(c.cameras.is_empty() && c.historian.is_none() && c.mail.is_none());
        assert_eq!(c.resources.log_errors_per_min, 10.0);
        assert_eq!(c.backup.quarterly, 20);
    }

    #[test]
    fn all_faults_at_once_in_the_order_of_the_file() {
        let text = "[site]\nnmae = \"x\"\n\n[[camera]]\nid = \"a b\"\n  url = \"http://h/\"\n\n  [[camera.roi]]\n  rect = [1, 2, 0, 4]\n\n[logs]\nkeep = \"ten\"\nbogus = 1\n";
        assert_eq!(
            faults(text),
            "vms.toml:2:1: site.nmae: unknown key; did you mean \"name\"?\n\
             vms.toml:5:1: camera[0].id: the id \"a b\" holds a space; write 1 to 64 letters, digits, \"-\", \"_\" or \".\" in quotes, such as \"deck-east\"\n\
             vms.toml:6:3: camera[0].url: the scheme \"http\" is not known here; write an address in quotes that begins with rtsp:// or rtsps://\n\
             vms.toml:8:3: camera[0].roi[0].id: the key is missing; write id = \"east-bearing\"\n\
             vms.toml:9:3: camera[0].roi[0].rect: the region has no area (width 0); write x, y, width, height in pixels with width and height of at least 8, such as [820, 410, 128, 128]\n\
             vms.toml:12:1: logs.keep: it is a text (\"ten\"); write a whole number from 1 to 1000\n\
             vms.toml:13:1: logs.bogus: unknown key; known here: directory, rotate_at, keep, watch"
        );
    }

    #[test]
    fn sections_of_the_wrong_form() {
        assert_eq!(
            faults("[camera]\nid = \"a\"\n"),
            "vms.toml:1:2: camera: it is a table; write it as a section in double brackets: [[camera]]"
        );
        assert_eq!(faults("site = 3\n"), "vms.toml:1:1: site: it is a whole number (3); write it as a section: [site]");
        assert_eq!(
            faults("[[site]]\nname = \"a\"\n"),
            "vms.toml:1:3: site: it is a list; write it as a section: [site]"
        );
        assert_eq!(faults("[sitee]\n"), "vms.toml:1:2: sitee: unknown key; did you mean \"site\"?");
    }

    #[test]
    fn text_that_is_no_toml() {
        let got = faults("[site]\nname = \"BF2\"\nnode = \"bf2\n");
        assert!(got.starts_with("vms.toml:3:"), "{got}");
        assert!(got.contains("this is not TOML: "), "{got}");
        let got = faults("[site\nname = \"BF2\"\n");
        assert!(got.starts_with("vms.toml:1:6: this is not TOML: ") && got.contains("; expected `]` here"), "{got}");
        // A fault before the break is still told; what follows it is not guessed at.
        let got = faults("[site]\nnmae = 3\n[logs]\nkeep = \n[[camera]]\n");
        assert!(got.starts_with("vms.toml:2:1: site.nmae: unknown key") && got.lines().count() == 2, "{got}");
        let got = faults("[site]\nname = \"a\"\nname = \"b\"\n");
        assert!(got.starts_with("vms.toml:3:1: this is not TOML: duplicate key"), "{got}");
    }

    #[test]
    fn every_way_toml_has_of_writing_it() {
        let text = "\u{feff}site.name = \"A\"\r\ncamera = [{ id = \"c\", url = \"rtsp://h/s\", roi = [{ id = \"r\", rect = [0,0,8,8] }] }]\r\n";
        let c = parse(text).unwrap().config;
        assert_eq!((c.site.name.as_ref(), c.cameras[0].rois[0].id.as_str()), ("A", "r"));
        let bad = faults(&text.replace("8,8", "8,7"));
        assert!(bad.starts_with("vms.toml:2:62: camera[0].roi[0].rect: the region is too small (height 7)"), "{bad}");
        assert!(
            faults("camera = [1, { id = \"c\", url = \"rtsp://h/s\" }]")
                .starts_with("vms.toml:1:11: camera[0]: it is a whole number (1)")
        );
    }

    #[test]
    fn hostile_files_end_soon() {
        let deep = format!("a = {}", "[".repeat(100_000));
        assert!(faults(&deep).contains("this is not TOML"));
        let long = (0..20_000).map(|i| format!("k{i} = 1")).collect::<Vec<_>>().join("\n");
        assert_eq!(faults(&long).lines().count(), 20_000);
    }

    #[test]
    fn files_that_cannot_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let load = |name: &str| Config::load(&dir.path().join(name), &env).unwrap_err();
        let absent = load("vms.toml");
        assert_eq!(absent.exit, Exit::NoInput);
        assert!(absent.to_string().ends_with(
            "vms.toml: there is no such file; run `vms config init` to write one, or name another with --config"
        ));
        assert_eq!(load(".").exit, Exit::NoInput);
        std::fs::write(dir.path().join("latin.toml"), b"[site]\nname = \"B\xfcF\"\n").unwrap();
        let latin = load("latin.toml");
        assert_eq!(latin.exit, Exit::BadConfig);
        assert!(
            latin.to_string().ends_with("latin.toml:2:10: this byte (0xfc) is not UTF-8; save the file as UTF-8"),
            "{latin}"
        );
    }

    /// What a person may do to a file: cut a piece out, put a piece in.
    fn mutated(at: usize, len: usize, piece: &str) -> String {
        let mut chars: Vec<char> = PLANT.chars().collect();
        let at = at % chars.len();
        let end = (at + len).min(chars.len());
        chars.splice(at..end, piece.chars());
        chars.into_iter().collect()
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn toml_like_text_is_judged(text in "([a-z\\[\\]{}=\"'.,#0-9:\n -]|camera|roi|rect|limits|tag){0,80}") {
            let _ = parse(&text);
        }

        #[test]
        fn mutated_files_are_judged(at in 0usize..10_000, len in 0usize..40, piece in "[\\[\\]{}=\"'.,#0-9a-z\n -]{0,12}") {
            if let Err(f) = parse(&mutated(at, len, &piece)) {
                prop_assert!(!f.faults.is_empty());
                for fault in &f.faults {
                    prop_assert!(fault.at.is_some() && !fault.wrong.is_empty() && !fault.right.is_empty());
                    prop_assert!(!f.to_string().contains("secret of"));
                }
            }
        }
    }
}
