//! Looking after the database: looks at it every ten seconds, and does what keeps it healthy by the timetable or on request.

mod advice;
mod cancel;
mod growth;
mod job;
mod look;
mod once;
mod parts;
mod plan;
mod recent;
mod server;
mod sql;
mod statements;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::Receiver;

use super::target::Target;
use crate::base::clock::Clock;
use crate::base::shutdown::Shutdown;
use crate::config::sections::Historian;
use crate::model::database::{CareJob, CareRecord, DatabaseReport, DatabaseWish, JOB_APPLICATION, JobBoard, Planned};
use crate::model::timetable::Done;
use look::{Memory, look};
use server::{CareError as Fault, LOOKING, Server};

pub use once::{cancel, find, look_once, maintain, plan_once};
pub use plan::Plan;
pub use server::CareError;

/// Time from look to look.
const EVERY: Duration = Duration::from_secs(10);
/// A server for which a look is work is looked at less often: at most this share of its time.
const SHARE: u32 = 20;
/// Pause before a lost server is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// For what.
    pub wish: DatabaseWish,
    /// Who.
    pub who: Arc<str>,
}

/// What the care tells.
#[derive(Clone, Debug)]
pub enum CareOut {
    /// A look.
    Report(Box<DatabaseReport>),
    /// Why there is no newer one.
    NoReport(Arc<str>),
    /// How far the running job is; none when it is over.
    Job(Option<JobBoard>),
    /// Something was done, or could not be.
    Done(CareRecord),
    /// When jobs come by themselves.
    Planned(Vec<Planned>),
}

/// Where it goes; false when it was not taken.
pub type Sink = Arc<dyn Fn(CareOut) -> bool + Send + Sync>;

/// What the care starts from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server and the timetables.
    pub cfg: Historian,
    /// The site's time zone.
    pub zone: TimeZone,
    /// The newest run of each job, from the record.
    pub last: Vec<(CareJob, Done)>,
    /// Since when the record is kept: what was planned before is not caught up.
    pub since: Timestamp,
}

/// Looks after the database until the end is asked for. A lost server only means that there is no new look, and that jobs wait.
pub async fn run(settings: Settings, clock: Arc<dyn Clock>, shutdown: Shutdown, asked: Receiver<Asked>, sink: Sink) {
    // What is wrong with the address is told by the link already.
    let Ok(target) = Target::new(&settings.cfg) else {
        shutdown.recv().await;
        return;
    };
    let watch = target.clone().named("vms watch");
    let work = target.named(JOB_APPLICATION);
    tokio::join!(
        watching(&watch, &clock, &shutdown, &sink),
        worker::run(settings, (&work, &watch), &clock, &shutdown, asked, &sink)
    );
}

/// Looks again and again.
async fn watching(target: &Target, clock: &Arc<dyn Clock>, shutdown: &Shutdown, sink: &Sink) {
    let mut memory = Memory::default();
    while !shutdown.asked() {
        let Err(fault) = tokio::select! {
            never = session(target, &mut memory, clock, sink) => never,
            () = shutdown.recv() => return,
        };
        sink(CareOut::NoReport(target.hide(fault.to_string()).into()));
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = shutdown.recv() => return,
        }
    }
}

async fn session(
    target: &Target,
    memory: &mut Memory,
    clock: &Arc<dyn Clock>,
    sink: &Sink,
) -> Result<std::convert::Infallible, Fault> {
    let mut server = Server::open(target, LOOKING).await?;
    loop {
        let began = clock.now().mono;
        let report = server.ask(async |c| look(c, memory, &**clock).await).await?.map_err(|e| Fault::of(&e))?;
        let took = clock.now().mono.since(began);
        if !sink(CareOut::Report(Box::new(report))) {
            tracing::debug!("a look at the database was not taken");
        }
        tokio::time::sleep(EVERY.max(took * SHARE)).await;
    }
}
