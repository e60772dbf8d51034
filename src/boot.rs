//! The only place that spawns: names every thread and task, wires their channels, and ends them in order.
//!
//! | thread or task | owns | ends |
//! |---|---|---|
//! | `decider` | [`crate::engine::Core`]: readings, alarms, the board | when the end is asked for |
//! | `journal` | the journal's file | after the decider, when all is written |
//! | `history` | reads of the journal's file, for questions about the past | with the decider |
//! | `log-pages` | looks into log files, for the Logs tab | with the decider |
//! | `mail` | letters and the mail server ([`crate::notify`]) | when the end is asked for; what waits is on the disk |
//! | `camera-ID` | one camera's pipeline; GStreamer adds its streaming threads | when the end is asked for |
//! | `host`, `logs` | readings of the computer and of log files, once a second | when the end is asked for |
//! | `plc-ID` | one serial line, on a runtime of its own | when the end is asked for, after the frame in hand |
//! | `start-up` | whether everything expected came up, the sign of life, a planned restart | when the end is asked for |
//! | `historian` | sending the journal's rows to PostgreSQL, on a runtime of its own | when the end is asked for |
//! | `historian-ahead` | reads of the journal's file, one portion ahead of the sending | with `historian` |
//! | task `historian` | the link to PostgreSQL | when the end is asked for |
//! | task `care` | the looks at the database, and its upkeep ([`crate::historian::care`]) | when the end is asked for |
//! | tasks `socket`, `signals`, `intents` | `vms.sock`; SIGTERM, SIGINT, SIGHUP; wishes from the console | with the runtime |
//! | `errand-N` | what maintenance steps look at or do that takes its time | after the errand in hand |
//! | `documents` | compares inventory and handbook with what is there, a few times a day | when the end is asked for |
//! | `access` | looks at PINs, watches the file of people | when the end is asked for |
//! | `console`, on the main thread | the terminal | by the person, or with the terminal |
//!
//! Channels: one bounded queue into the decider ([`crate::engine::Intake`]), one bounded queue to the journal, a watch
//! per PLC for what is wanted on its tags, and the board's watch. Nothing else is shared.

mod archive;
mod calibrating;
mod caring;
mod errand_pool;
pub mod errands;
mod held;
mod looking;
mod measuring;
pub mod papers;
mod posting;
mod probing;
mod reading;
mod records;
mod restarting;
mod running;
pub mod scaling;
mod serving;
mod signals;
mod signing;
#[cfg(feature = "demo")]
mod staging;
mod start;
mod starting;
mod threads;

pub use archive::{Archive, before};
pub use calibrating::{calibrate_check, calibrate_noise, calibrate_scale};
pub use caring::Database;
pub use measuring::measure;
pub use posting::{own_log, send_test_mail};
pub use probing::{keys, probe};
pub use records::{Records, moment, records, unreadable};
pub use running::{run_console, run_engine};
pub use serving::{acknowledge, alarm_history, ask_status, demo_faults, fleet, maintenance, set_demo_fault, upkeep};
#[cfg(feature = "demo")]
pub use staging::run_demo;

/// The demonstration is not built in.
#[cfg(not(feature = "demo"))]
pub fn run_demo(_: &crate::cli::Globals, _: &crate::cli::demo::DemoOptions) -> crate::base::error::Outcome {
    Err(crate::base::error::Failure::new(
        crate::base::error::Exit::Usage,
        "this program was built without the demonstration; build it with the feature \"demo\"",
    ))
}
