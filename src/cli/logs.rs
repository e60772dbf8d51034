//! `vms logs`: the program's own log and the watched ones, their newest lines and their patterns. Needs no engine.

mod page;
mod tail;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{Globals, out};
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::error::{Exit, Failure, Outcome};
use crate::boot::own_log;
use crate::config::Config;
use crate::logs::memory::{self, Memory};
use crate::logs::patterns::{Patterns, Source};
use crate::logs::severity::severity;
use crate::logs::source::clean;
use crate::logs::wildcard::expand;
use crate::model::logs::{LogPattern, Severity};

/// The arguments of `vms logs`.
#[derive(Args, Debug)]
pub struct LogsArgs {
    #[command(subcommand)]
    command: Option<LogsCommand>,
}

#[derive(Debug, Subcommand)]
enum LogsCommand {
    /// The newest records of the logs (without a subcommand: this)
    Tail(TailArgs),
    /// What the lines have in common: counts, rates against last week, what was never seen before
    Patterns(PatternsArgs),
}

/// Which records.
#[derive(Args, Clone, Debug, Default)]
pub struct TailArgs {
    /// Files instead of the program's own log and the watched ones
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Go on with what is written from now on, until interrupted
    #[arg(long, short)]
    follow: bool,
    /// Only records of this level and worse
    #[arg(long, value_enum)]
    level: Option<Level>,
    /// Only records that this regular expression fits; small letters fit any case
    #[arg(long, value_name = "REGEX")]
    grep: Option<String>,
    /// So many records of each file
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    lines: u16,
    /// From this moment on instead of the newest (RFC 3339, or as `vms history` takes it)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
}

/// Which patterns.
#[derive(Args, Clone, Debug, Default)]
pub struct PatternsArgs {
    /// Mine these files now instead of showing what the engine has learned
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only patterns of this level and worse
    #[arg(long, value_enum)]
    level: Option<Level>,
    /// Only patterns that were never seen before the last day
    #[arg(long)]
    new: bool,
}

/// A level.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    /// Debug and worse
    Debug,
    /// Information and worse
    Info,
    /// Warnings and worse
    Warn,
    /// Errors
    Error,
}

impl Level {
    fn severity(this: Option<Self>) -> Severity {
        match this {
            None => Severity::Unknown,
            Some(Self::Debug) => Severity::Debug,
            Some(Self::Info) => Severity::Info,
            Some(Self::Warn) => Severity::Warn,
            Some(Self::Error) => Severity::Error,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// A bad configuration, or a file that cannot be read.
pub fn run(globals: &Globals, args: &LogsArgs) -> Outcome {
    match &args.command {
        None => tail::run(globals, &TailArgs { lines: 20, ..TailArgs::default() }),
        Some(LogsCommand::Tail(a)) => tail::run(globals, a),
        Some(LogsCommand::Patterns(a)) => patterns(globals, a),
    }
}

/// The configuration; where there is none, its defaults: the program's own log is there without one.
fn config(globals: &Globals) -> Result<Config, Failure> {
    if globals.config.exists() {
        return Ok(globals.load()?.config);
    }
    let none = Config::parse("", "built in", std::path::Path::new("."), &|_| None);
    none.map(|l| l.config).map_err(|f| Failure::new(f.exit, f.to_string()))
}

/// The files that were named, else our own log and what the configuration watches.
fn files(globals: &Globals, config: &Config, named: &[PathBuf]) -> Vec<PathBuf> {
    if !named.is_empty() {
        return named.to_vec();
    }
    let mut all = vec![own_log(globals, config)];
    all.extend(config.logs.watch.iter().flat_map(|p| expand(p)));
    all
}

fn unreadable(path: &std::path::Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::NoInput, format!("{}: {why}", path.display()))
}

fn patterns(globals: &Globals, args: &PatternsArgs) -> Outcome {
    let config = config(globals)?;
    let now = SystemClock::new().now();
    let own = if args.files.is_empty() {
        let path = globals.data_dir.join(memory::FILE_NAME);
        match Memory::load(&path) {
            Ok(Some(m)) => Patterns::restored(m.patterns),
            Ok(None) => {
                let text = "nothing is learned yet: the engine writes its patterns every two minutes; name files to mine them now";
                return Err(unreadable(&path, &text));
            }
            Err(why) => return Err(Failure::new(Exit::NoInput, why)),
        }
    } else {
        let mut mined = Patterns::default();
        for path in &args.files {
            mine(path, &mut mined, &config.site.time_zone, now.wall)?;
        }
        mined
    };
    let level = Level::severity(args.level);
    let all = own.shown(now.wall);
    let shown: Vec<LogPattern> = all.into_iter().filter(|p| p.severity >= level && (p.new || !args.new)).collect();
    let (known, forgotten, since) = own.figures();
    if globals.json {
        out::json(&json!({ "known": known, "forgotten": forgotten, "since": since, "patterns": shown }))?;
    } else {
        out::line(&page::patterns(&shown, known, since, &config.site.time_zone))?;
    }
    Ok(Exit::Fine)
}

/// Mines a whole file; a line without a time counts as written when the one before it was.
fn mine(
    path: &std::path::Path,
    into: &mut Patterns,
    zone: &jiff::tz::TimeZone,
    now: jiff::Timestamp,
) -> Result<(), Failure> {
    use std::io::BufRead as _;
    let file = std::fs::File::open(path).map_err(|e| unreadable(path, &e))?;
    let mut reader = std::io::BufReader::with_capacity(1 << 20, file);
    let source = Source::of(&path.to_string_lossy());
    let (mut line, mut at) = (Vec::new(), now);
    loop {
        line.clear();
        // A line of any length is taken, but not more than a megabyte of it at a time.
        let mut limited = std::io::Read::take(&mut reader, 1 << 20);
        if limited.read_until(b'\n', &mut line).map_err(|e| unreadable(path, &e))? == 0 {
            return Ok(());
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        let text = clean(&line);
        if text.is_empty() {
            continue;
        }
        at = crate::logs::when::when(&line, zone, now).unwrap_or(at);
        into.take(&source, severity(&text), text.as_bytes(), at);
    }
}

/// The name of a file for people.
fn name(path: &str) -> Arc<str> {
    path.rsplit(['/', '\\']).next().unwrap_or(path).into()
}
