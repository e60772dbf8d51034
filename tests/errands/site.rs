//! A configuration with its data directory, and errands run on it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use vms::base::clock::{Clock, SystemClock};
use vms::boot::errands::{self, Means, Previewed};
use vms::config::Config;
use vms::model::board::Board;
use vms::model::upkeep::{Answer, Outcome};
use vms::upkeep::errand::Ask;

pub const PASSWORD: &str = "right-4711";

/// What errands are given.
pub struct Site {
    pub means: Means,
}

impl Site {
    /// A site of this configuration; the password's variable is known.
    pub fn new(text: &str, data: &Path) -> Self {
        Self::with_password(text, data, PASSWORD)
    }

    pub fn with_password(text: &str, data: &Path, password: &'static str) -> Self {
        let env = |name: &str| (name == "SECRET").then(|| password.to_owned());
        let config = Config::parse(text, "vms.toml", data, &env).unwrap_or_else(|e| panic!("{e}")).config;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let means = Means {
            config: Arc::new(config),
            config_file: None,
            data: data.to_owned(),
            clock,
            intents: None,
            live: None,
            previewed: Previewed::default(),
        };
        Self { means }
    }

    fn ask(&self, name: &str, subject: Option<&str>, preview: bool) -> Answer {
        let now = self.means.clock.now();
        let board = match &self.means.live {
            Some(live) => live.board.borrow().clone(),
            None => Arc::new(Board::empty("site", "node", TimeZone::UTC, now)),
        };
        let cancelled = || false;
        let ask = Ask { subject, board: &board, preview, who: "ann", cancelled: &cancelled };
        let answer = errands::run(&self.means, name, &ask);
        println!(
            "{name}{}: {:?}\n  {}",
            if preview { " (preview)" } else { "" },
            answer.outcome,
            answer.evidence.join("\n  ")
        );
        let text = answer.evidence.join("\n");
        assert!(!text.contains(PASSWORD) && !answer.evidence.is_empty(), "{name}: evidence, without secrets: {text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{name}: no control characters");
        answer
    }

    /// Runs an errand about a subject; its evidence, after its outcome was checked.
    pub fn expect(&self, name: &str, subject: Option<&str>, outcome: Outcome) -> String {
        let a = self.ask(name, subject, false);
        assert_eq!(a.outcome, outcome, "{name}: {:#?}", a.evidence);
        a.evidence.join("\n")
    }

    pub fn preview(&self, name: &str) -> Answer {
        self.ask(name, None, true)
    }

    /// How long it took, too.
    pub fn timed(&self, name: &str, subject: Option<&str>) -> (Answer, Duration) {
        let began = self.means.clock.now().mono;
        let a = self.ask(name, subject, false);
        (a, self.means.clock.now().mono.since(began))
    }
}
