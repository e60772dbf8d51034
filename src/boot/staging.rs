//! `vms demo`: the peers of a plant, a configuration for them, and the engine on it exactly as in production.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::held::Held;
use super::running::{keymap, with_console};
use super::serving::demo_dir;
use super::start::{self, Options};
use super::threads::Threads;
use crate::access::{AccessError, People};
use crate::base::clock::{Clock, SystemClock};
use crate::base::error::{Exit, Failure, Outcome};
use crate::base::shutdown::Shutdown;
use crate::cli::Globals;
use crate::cli::demo::DemoOptions;
use crate::config::Config;
use crate::demo::Plant;
use crate::demo::judge::Judge;
use crate::model::people::Role as PersonRole;

/// What marks a directory as the demonstration's own, to be emptied at its start.
const MARK: &str = "demonstration";
/// Without a terminal and without `--for` the demonstration runs this long.
const USUAL: Duration = Duration::from_secs(30);

/// The people of the demonstration: short name, full name, role, PIN.
const PEOPLE: [(&str, &str, PersonRole, &str); 3] = [
    ("meena", "Meena Rao", PersonRole::Operator, "4711"),
    ("kumar", "Ravi Kumar", PersonRole::Technician, "2580"),
    ("singh", "Arjun Singh", PersonRole::Admin, "1379"),
];

/// Enrols the people of the demonstration, so that records can be signed.
fn enrol(dir: &Path) -> Result<(), Failure> {
    let failed = |e: AccessError| Failure::new(Exit::CannotWrite, e.to_string());
    let mut people = People::load(dir).map_err(failed)?;
    for (id, name, role, pin) in PEOPLE {
        people.add(id, name, role).map_err(failed)?;
        people.set_pin(id, &pin.to_owned().into()).map_err(failed)?;
    }
    Ok(())
}

/// Runs the demonstration.
///
/// # Errors
/// What cannot be started.
pub fn run_demo(globals: &Globals, options: &DemoOptions) -> Outcome {
    let headless = options.headless || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal();
    let dir = demo_dir(globals);
    clear(&dir)?;
    let held = Held::take(&dir)?;
    std::fs::write(dir.join(MARK), "made by vms demo; emptied at its next start\n")
        .map_err(|e| Failure::new(Exit::CannotWrite, format!("{}: {e}", dir.display())))?;

    enrol(&dir)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (threads, shutdown) = (Threads::default(), Shutdown::new());
    let spawn_threads = threads.clone();
    let plant = Plant::start(&dir, Arc::clone(&clock), &|name, work| spawn_threads.spawn(name, work), shutdown.clone())
        .map_err(|e| Failure::new(Exit::Io, format!("the demonstration cannot start: {e}")))?;
    let plant = Arc::new(plant);
    let path = dir.join("vms.toml");
    std::fs::write(&path, plant.config_text())
        .map_err(|e| Failure::new(Exit::CannotWrite, format!("{}: {e}", path.display())))?;
    let loaded = Config::load(&path, &|name| std::env::var(name).ok())
        .map_err(|f| Failure::new(Exit::BadConfig, format!("the demonstration's own configuration is wrong:\n{f}")))?;

    let faulty = Arc::clone(&plant);
    let faults: start::Faults = Arc::new(move |change| {
        if let Some((fault, on)) = change
            && let Err(e) = faulty.set_fault(fault, on)
        {
            tracing::warn!("{e}");
        }
        faulty.faults()
    });
    let start_options =
        Options { faults: Some(faults), config_dir: Some(dir.clone()), config_file: Some(path.clone()), stderr: false };
    let result = if headless {
        let engine = start::engine(held, loaded.config, Arc::clone(&clock), start_options)?;
        let fine = watch(&engine, &plant, clock.as_ref(), options.for_.unwrap_or(USUAL));
        engine.end();
        fine
    } else {
        let keys = keymap(&loaded.config, Some(&dir), None)?;
        let console = loaded.config.console.clone();
        let engine = start::engine(held, loaded.config, Arc::clone(&clock), start_options)?;
        with_console(engine, keys, &console, options.for_);
        Ok(Exit::Fine)
    };
    plant.stop();
    shutdown.ask();
    let late = threads.join(|_| true, Duration::from_secs(3), clock.as_ref());
    if !late.is_empty() {
        tracing::warn!(threads = late.join(", "), "parts of the demonstration did not end in time");
    }
    result
}

/// Compares measured with true vibration for a while, then prints what came of it.
fn watch(engine: &start::Engine, plant: &Plant, clock: &dyn Clock, length: Duration) -> Outcome {
    let mut judge = Judge::new();
    let until = clock.now().mono.after(length);
    let mut fine = true;
    while clock.now().mono < until {
        if engine.stop.shutdown.wait_for(Duration::from_millis(200)) {
            fine = false;
            break;
        }
        let board = Arc::clone(&engine.board.borrow());
        judge.look(&board, plant);
    }
    engine.stop.ask("its time is over");
    let (report, agreed) = judge.report();
    let mut out = std::io::stdout().lock();
    // A reader that has gone away needs no word; the exit code tells.
    let _ = out.write_all(report.as_bytes()).and_then(|()| out.flush());
    if !fine {
        return Err(Failure::new(Exit::NotFine, "the demonstration was stopped before its time"));
    }
    Ok(if agreed { Exit::Fine } else { Exit::NotFine })
}

/// Empties a directory of an earlier demonstration; refuses one that holds anything else.
fn clear(dir: &Path) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::new(Exit::CannotWrite, format!("{}: {e}", dir.display()));
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(()) };
    let names: Vec<_> = entries.filter_map(Result::ok).collect();
    if names.is_empty() {
        return Ok(());
    }
    if !dir.join(MARK).exists() {
        let text = format!(
            "{} holds something that is not a demonstration's; name an empty directory with --data-dir",
            dir.display()
        );
        return Err(Failure::new(Exit::CannotWrite, text));
    }
    // Only once nobody runs there: taking it tells.
    drop(Held::take(dir)?);
    for entry in names {
        let path = entry.path();
        let gone = if path.is_dir() && !path.is_symlink() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        gone.map_err(failed)?;
    }
    Ok(())
}
