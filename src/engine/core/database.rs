//! The database's health on the board, and what people want done for it.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tracing::{info, warn};

use super::{Core, Request};
use crate::engine::acting::answer;
use crate::historian::care::CareOut;
use crate::model::board::HistorianState;
use crate::model::database::DatabaseWish;
use crate::model::event::EventKind;
use crate::model::intent::Reply;

impl Core {
    /// Hands a wish on. What comes of it is an event of its own.
    pub(super) fn database_wish(&mut self, wish: DatabaseWish, who: Arc<str>, reply: Option<SyncSender<Reply>>) {
        if self.shown.historian.state == HistorianState::Off {
            return answer(reply, Err("no database is configured; add [historian] to vms.toml".into()));
        }
        if wish == DatabaseWish::StopJob && self.shown.database.job.is_none() {
            return answer(reply, Err("no database job is running".into()));
        }
        let words = wish.words();
        info!(%who, "asked for: {words}");
        (self.out.requests)(Request::Database { wish, who });
        answer(reply, Ok(format!("asked for: {words}; the result comes into the record")));
    }

    /// Takes what the care tells.
    pub(super) fn database(&mut self, out: CareOut) {
        let shown = &mut self.shown.database;
        match out {
            CareOut::Report(report) => {
                shown.report = Some(Arc::from(report));
                shown.text = None;
            }
            CareOut::NoReport(why) => shown.text = Some(why),
            CareOut::Job(job) => {
                self.eventful = true;
                shown.job = job.map(Arc::new);
            }
            CareOut::Planned(planned) => shown.planned = planned,
            CareOut::Done(record) => {
                if record.passed {
                    info!(who = %record.who, "{}", record.text);
                } else {
                    warn!(who = %record.who, "{}", record.text);
                }
                let record = Arc::new(record);
                shown.last = Some(Arc::clone(&record));
                let now = self.clock.now();
                self.emit(EventKind::DatabaseCare { record }, now);
            }
        }
    }
}
