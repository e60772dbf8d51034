//! Signals: SIGTERM and SIGINT end the program in order; SIGHUP never does.

use tracing::{info, warn};

use super::start::Stop;

/// Listens until the runtime ends.
#[cfg(unix)]
pub async fn listen(stop: Stop) {
    use tokio::signal::unix::{SignalKind, signal};

    let (Ok(mut term), Ok(mut int), Ok(mut hup)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()))
    else {
        warn!("cannot listen to signals: stop the program from its console");
        return;
    };
    loop {
        tokio::select! {
            Some(()) = term.recv() => stop.ask("signal SIGTERM"),
            Some(()) = int.recv() => stop.ask("signal SIGINT"),
            // A lost terminal: the console sees that by itself. Without one there is nothing to do either.
            Some(()) = hup.recv() => info!("SIGHUP: the engine goes on; restart it to take a changed configuration"),
            else => return,
        }
    }
}

/// Listens until the runtime ends.
#[cfg(not(unix))]
pub async fn listen(stop: Stop) {
    if tokio::signal::ctrl_c().await.is_ok() {
        info!("interrupted");
        stop.ask("interrupt");
    }
}
