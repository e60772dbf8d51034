//! `vms` and `vms engine`: the engine with and without a console, until it ends.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{error, info};

use super::held::Held;
use super::start::{self, Engine, Options};
use crate::base::clock::{Clock, SystemClock};
use crate::base::error::{Exit, Failure, Outcome};
use crate::cli::Globals;
use crate::cli::engine::EngineOptions;
use crate::config::{Config, Loaded};
use crate::console::run::{ConsoleOptions, End};
use crate::console::{self, keys::Keymap};
use crate::model::board::Board;
use crate::model::intent::{Intent, IntentKind};
use crate::model::status;

/// The engine with its console on this terminal.
///
/// # Errors
/// What cannot be opened; a keymap that is wrong; a data directory that another engine holds.
pub fn run_console(globals: &Globals, loaded: Loaded) -> Outcome {
    let config_dir = loaded.path.parent().map(std::path::Path::to_owned);
    let keymap = keymap(&loaded.config, config_dir.as_deref(), None)?;
    let held = Held::take(&globals.data_dir)?;
    let console = loaded.config.console.clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let config_file = Some(loaded.path.clone());
    let engine = start::engine(held, loaded.config, clock, Options { config_dir, config_file, ..Options::default() })?;
    with_console(engine, keymap, &console, None);
    Ok(Exit::Fine)
}

/// Shows the console until the person or the terminal goes, then ends the engine in order.
pub fn with_console(engine: Engine, keymap: Keymap, cfg: &crate::config::sections::Console, limit: Option<Duration>) {
    if let Some(limit) = limit {
        let (stop, shutdown) = (engine.stop.clone(), engine.stop.shutdown.clone());
        engine.threads.spawn("time-limit", move || {
            if !shutdown.wait_for(limit) {
                stop.ask("its time is over");
            }
        });
    }
    console::run::install_panic_hook();
    let threads = engine.threads.clone();
    let options = ConsoleOptions { keymap, bell: cfg.bell, theme: Arc::clone(&cfg.theme), who: user() };
    let end = console::run::run(
        options,
        engine.board.clone(),
        engine.intents.clone(),
        Arc::clone(&engine.clock),
        engine.runtime.handle().clone(),
        &|name, work| threads.spawn(name, work),
        engine.stop.shutdown.clone(),
    );
    match end {
        End::Quit => engine.stop.ask("asked for at the console"),
        End::ShutDown => {}
        End::TerminalLost(reason) => {
            // The engine never depends on its console.
            let kind = IntentKind::TerminalLost { reason: reason.into() };
            let _ = engine.intents.try_send(Intent { who: user(), why: None, kind, reply: None });
            while !engine.stop.shutdown.wait_for(Duration::from_hours(1)) {}
        }
    }
    engine.end();
}

/// The engine without a console.
///
/// # Errors
/// What cannot be opened; a data directory that another engine holds.
pub fn run_engine(globals: &Globals, loaded: Loaded, options: &EngineOptions) -> Outcome {
    let config_dir = loaded.path.parent().map(std::path::Path::to_owned);
    let held = Held::take(&globals.data_dir)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let engine_options =
        Options { stderr: true, config_dir, config_file: Some(loaded.path.clone()), ..Options::default() };
    let engine = start::engine(held, loaded.config, Arc::clone(&clock), engine_options)?;
    ready();
    let until = options.for_.map(|d| clock.now().mono.after(d));
    loop {
        let now = clock.now().mono;
        let left = until.map(|u| u.since(now));
        if left.is_some_and(|l| l.is_zero()) {
            engine.stop.ask("its time is over");
            break;
        }
        let pause = options.status_every.unwrap_or(Duration::from_hours(1)).min(left.unwrap_or(Duration::MAX));
        if engine.stop.shutdown.wait_for(pause) {
            break;
        }
        if options.status_every.is_some() && !print_status(&engine.board) {
            engine.stop.ask("nobody reads the status any more");
            break;
        }
    }
    Ok(engine.end())
}

/// One status object on one line; false when nobody reads any more.
fn print_status(board: &watch::Receiver<Arc<Board>>) -> bool {
    let board = Arc::clone(&board.borrow());
    let line = match serde_json::to_string(&status::status(&board)) {
        Ok(line) => line,
        Err(e) => {
            error!("the status cannot be written: {e}");
            return true;
        }
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
}

/// Tells a service manager that the engine runs, where there is one.
fn ready() {
    #[cfg(unix)]
    if let Err(e) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        info!("the service manager was not told: {e}");
    }
}

/// A keymap: the one given, else the configuration's; from the configuration directory's `keymaps/`, else built in.
///
/// # Errors
/// Exit 78 with every fault, each with file, line and reason.
pub fn keymap(config: &Config, dir: Option<&std::path::Path>, name: Option<&str>) -> Result<Keymap, Failure> {
    let name = name.unwrap_or(&config.console.keymap);
    let read = |file: &str| std::fs::read_to_string(dir?.join("keymaps").join(file)).ok();
    Keymap::load(name, &read).map_err(|faults| Failure::new(Exit::BadConfig, faults.join("\n")))
}

/// The operating system's name of whoever runs this program.
pub fn user() -> Arc<str> {
    #[cfg(unix)]
    let name = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|u| u.name);
    #[cfg(not(unix))]
    let name = std::env::var("USERNAME").ok();
    name.unwrap_or_else(|| "unknown".into()).into()
}
