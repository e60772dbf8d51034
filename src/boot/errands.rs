//! Carries out the errands of maintenance steps and guides: the one place where a step reaches cameras, PLCs, disks, the
//! database and documents. Runs on a thread of its own, one errand at a time; each has its deadline.

mod accuracy;
mod camera;
mod database;
mod documents;
mod finding;
mod largest;
mod logs;
mod network;
mod plc;
mod removing;
mod sharpness;
mod start;
mod storage;
mod within;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::papers::Span;
use crate::base::clock::Clock;
use crate::config::Config;
use crate::logs::rotate::Turn;
use crate::model::board::Board;
use crate::model::intent::{Intent, IntentKind};
use crate::model::upkeep::{Answer, Outcome};
use crate::plc::Loopback;
use crate::upkeep::errand::{self, Ask};

pub use super::restarting::Wish;
pub use removing::Previewed;
pub use within::Within;

/// What errands reach.
pub struct Means {
    /// The configuration in force.
    pub config: Arc<Config>,
    /// Its file, if it came from one.
    pub config_file: Option<PathBuf>,
    /// The data directory.
    pub data: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Wishes to the engine: reconnect a camera, open a port again; none without an engine.
    pub intents: Option<mpsc::Sender<Intent>>,
    /// What only a running engine has; none without one.
    pub live: Option<Live>,
    /// What was shown before consent: only that is removed.
    pub previewed: Previewed,
}

/// What errands reach of the running engine.
#[derive(Clone)]
pub struct Live {
    /// What is true now, while an errand waits for something to come true.
    pub board: watch::Receiver<Arc<Board>>,
    /// Loopback tests on the PLCs' lines, in the configuration's order.
    pub loopbacks: Vec<mpsc::Sender<Loopback>>,
    /// Rotates the program's own log.
    pub turn: Turn,
    /// Asks for an orderly restart of the computer.
    pub restart: Wish,
}

/// Carries out the errand of that name (of [`crate::upkeep::errand::ERRANDS`]).
#[must_use]
pub fn run(means: &Means, name: &str, ask: &Ask<'_>) -> Answer {
    let Some(errand) = errand::find(name) else { return unknown(format!("there is no errand {name}")) };
    let within = Within::new(Arc::clone(&means.clock), errand.within, ask.cancelled);
    let w = &within;
    match name {
        // Each errand is one line here, and lives in a file of `errands/` by what it is about.
        "camera-name" => camera::each(means, ask, |c| camera::name(c, w)),
        "camera-reach" => camera::each(means, ask, |c| camera::reach(c, w)),
        "camera-rtsp" => camera::each(means, ask, |c| camera::rtsp(c, w)),
        "camera-frame" => camera::each(means, ask, |c| camera::frame(means, ask.board, c)),
        "camera-sharpness" => sharpness::sharpness(means, ask, w),
        "camera-accuracy" => accuracy::accuracy(means, ask, w),
        "camera-reference" => accuracy::take_reference(means, ask, w),
        "camera-reconnect" => camera::reconnect(means, ask, w),
        "plc-port" => plc::each(means, ask, |_, p| plc::port(p)),
        "plc-link" => plc::each(means, ask, |i, _| plc::link(ask.board, i)),
        "plc-loopback" => plc::each(means, ask, |i, p| plc::loopback(means, i, p, w)),
        "plc-reset" => plc::reset(means, ask, w),
        "disk-space" => storage::space(means, ask),
        "disk-largest" => largest::largest(means, ask, w),
        "old-recordings" => storage::old_recordings(means, w),
        "temporary-files" => storage::temporary(means, w),
        "remove-recordings" => removing::recordings(means, ask, w),
        "remove-temporary" => removing::temporary(means, ask, w),
        "log-rotation" => logs::proof(means, ask.board, w),
        "rotate-logs" => logs::rotate(means, ask, w),
        "database-reach" => database::reach(means, w),
        "database-queries" => database::queries(means, w),
        "database-health" => database::health(means, w),
        "database-growth" => database::growth(means, ask.board, w),
        "database-cancel" => database::cancel(means, ask, w),
        "database-vacuum" => database::vacuum(means, ask, w),
        "database-reindex" => database::reindex(means, ask, w),
        "network" => network::network(means, ask, w),
        "start-up" => start::start_up(means, ask),
        "reboot" => start::reboot(means, ask),
        "performance-week" => documents::review(means, ask, Span::Week),
        "performance-quarter" => documents::review(means, ask, Span::Quarter),
        "inventory-changes" => documents::inventory_changes(means, ask),
        "handbook-current" => documents::handbook_current(means, ask),
        "write-inventory" => documents::write_inventory(means, ask),
        "write-handbook" => documents::write_handbook(means, ask),
        "write-performance" => documents::write_performance(means, ask),
        _ => unknown(format!("{name} is not available yet in this version")),
    }
}

/// An answer that nothing is known.
pub(super) fn unknown(text: impl Into<String>) -> Answer {
    Answer { outcome: Outcome::Unknown, evidence: vec![text.into()] }
}

/// Sends a wish to the engine; says why not.
fn wish(means: &Means, who: &str, kind: IntentKind) -> Result<(), String> {
    let Some(intents) = &means.intents else {
        return Err("no engine is running here; start it (vms engine) and try again".into());
    };
    let intent = Intent { who: who.into(), why: Some("maintenance step".into()), kind, reply: None };
    intents.try_send(intent).map_err(|_| "the engine is too busy or ending; try again".to_owned())
}
