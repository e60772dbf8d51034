//! Questions about the past and their answers: what the console asks for, and what the journal tells.

use std::sync::Arc;

use jiff::Timestamp;

use super::event::Event;
use super::record::{EventWaveform, Rolled};
use crate::base::clock::Now;

/// Answers kept on the board.
pub const ANSWERS: usize = 16;

/// Who asks: a newer question of the same asker takes the place of one that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// The trend of a region.
    Region,
    /// The trend of an indicator.
    Indicator,
    /// The list of events.
    List,
    /// The detail of an event.
    Detail,
    /// The engine itself, for its forecasts. Its questions stand in line, each counts.
    Forecast,
}

/// A question and who asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Who.
    pub asker: Asker,
    /// What.
    pub query: Query,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// A page of events, the newest first.
    Events(EventQuery),
    /// A series from one moment until before another.
    Trend(TrendQuery),
    /// The waveforms about an event.
    Waveforms {
        /// Its number.
        event: u64,
    },
}

/// Which events are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Only kinds that begin with one of these; empty: all.
    pub kinds: Vec<Arc<str>>,
    /// Only about exactly this (an alarm, a run).
    pub subject: Option<Arc<str>>,
    /// Only those in which this stands.
    pub text: Option<Arc<str>>,
    /// Only below this number: how a list goes on backwards.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

/// Which series is asked for, from when to when, how fine. Times are Unix time in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrendQuery {
    /// The series.
    pub series: Arc<str>,
    /// Not before.
    pub from: i64,
    /// Before.
    pub to: i64,
    /// The distance of two points: 60 or 3600 seconds.
    pub step_s: i64,
}

impl TrendQuery {
    /// The newest `span_s` seconds up to `now`, moved back by half as often as `back` says; its ends lie on the steps.
    #[must_use]
    pub fn ending(series: Arc<str>, now: Timestamp, span_s: i64, step_s: i64, back: i64) -> Self {
        let step_s = step_s.max(1);
        // The step that is being lived through belongs to it.
        let end = now.as_second().div_euclid(step_s).saturating_add(1);
        let steps = span_s / step_s;
        let to = end.saturating_sub(back.saturating_mul(steps / 2)).saturating_mul(step_s);
        Self { series, from: to.saturating_sub(steps.saturating_mul(step_s)), to, step_s }
    }

    /// Whether the other asks for the same series, as long and as fine; perhaps of another time.
    #[must_use]
    pub fn like(&self, other: &Self) -> bool {
        self.series == other.series && self.step_s == other.step_s && self.to - self.from == other.to - other.from
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Events, newest first, and whether there are older ones.
    Events {
        /// The events.
        events: Arc<[Event]>,
        /// There are older ones.
        more: bool,
    },
    /// Points, oldest first; steps without a value are not among them.
    Trend(Arc<[Rolled]>),
    /// Waveforms.
    Waveforms(Arc<[EventWaveform]>),
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Who asked.
    pub asker: Asker,
    /// What was asked.
    pub query: Query,
    /// When it was read.
    pub at: Now,
    /// How long that took, in milliseconds.
    pub took_ms: f64,
    /// Where it was read from: `journal`.
    pub source: &'static str,
    /// What was found, or in words why nothing could be read.
    pub found: Result<Found, Arc<str>>,
}

/// The newest answer to exactly this question.
#[must_use]
pub fn answer_to<'a>(answers: &'a [Arc<Answer>], query: &Query) -> Option<&'a Answer> {
    answers.iter().rev().find(|a| a.query == *query).map(|a| &**a)
}

/// The points of the newest answer to this question, or of one like it until that is there; and whether it is the one.
#[must_use]
pub fn trend_for<'a>(answers: &'a [Arc<Answer>], query: &TrendQuery) -> Option<(&'a Answer, &'a TrendQuery, bool)> {
    let of = |a: &'a Arc<Answer>| match &a.query {
        Query::Trend(q) => Some((&**a, q)),
        _ => None,
    };
    let exact = answers.iter().rev().filter_map(of).find(|(_, q)| *q == query);
    if let Some((a, q)) = exact {
        return Some((a, q, true));
    }
    // What failed is no stand-in for what is to come.
    let like = answers.iter().rev().filter_map(of).find(|(a, q)| q.like(query) && a.found.is_ok());
    like.map(|(a, q)| (a, q, false))
}

/// The answers with a new one put in: one to a question, the newest last, at most [`ANSWERS`].
#[must_use]
pub fn with_answer(answers: &[Arc<Answer>], new: Answer) -> Arc<[Arc<Answer>]> {
    let mut all: Vec<Arc<Answer>> = answers.iter().filter(|a| a.query != new.query).cloned().collect();
    all.push(Arc::new(new));
    let gone = all.len().saturating_sub(ANSWERS);
    all.into_iter().skip(gone).collect()
}

/// Which of the questions that wait are to be answered, in order: of every asker the newest, of the engine all.
#[must_use]
pub fn newest_of_each(waiting: Vec<Ask>) -> Vec<Ask> {
    let mut out: Vec<Ask> = Vec::with_capacity(waiting.len());
    for ask in waiting {
        if ask.asker != Asker::Forecast {
            out.retain(|o| o.asker != ask.asker);
        }
        if !out.contains(&ask) {
            out.push(ask);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(asker: Asker, to: i64) -> Ask {
        Ask { asker, query: Query::Trend(TrendQuery { series: "s".into(), from: to - 60, to, step_s: 60 }) }
    }

    fn answer(ask: Ask, found: Result<Found, Arc<str>>) -> Answer {
        Answer { asker: ask.asker, query: ask.query, at: Now::default(), took_ms: 1.0, source: "journal", found }
    }

    #[test]
    fn a_question_older_than_its_asker_is_dropped() {
        let (a, b, c) = (trend(Asker::Region, 60), trend(Asker::List, 60), trend(Asker::Region, 120));
        let (f, g) = (trend(Asker::Forecast, 60), trend(Asker::Forecast, 120));
        let got = newest_of_each(vec![a, f.clone(), b.clone(), c.clone(), g.clone(), g.clone()]);
        assert_eq!(got, [f, b, c, g]);
    }

    #[test]
    fn the_range_lies_on_steps_and_moves_by_halves() {
        let now = Timestamp::from_second(100_000).unwrap();
        let q = TrendQuery::ending("s".into(), now, 7200, 60, 0);
        assert_eq!((q.from, q.to), (100_020 - 7200, 100_020));
        let back = TrendQuery::ending("s".into(), now, 7200, 60, 1);
        assert_eq!((back.from, back.to), (q.from - 3600, q.to - 3600));
        assert!(q.like(&back));
    }

    #[test]
    fn answers_are_few_and_one_to_a_question() {
        let mut all: Arc<[Arc<Answer>]> = Arc::new([]);
        for to in 0..40 {
            all = with_answer(&all, answer(trend(Asker::Region, to % 20 * 60), Ok(Found::Trend(Arc::new([])))));
        }
        assert_eq!(all.len(), ANSWERS);
        all = with_answer(&all, answer(trend(Asker::Region, 19 * 60), Err("no".into())));
        assert_eq!(all.len(), ANSWERS);
        let Query::Trend(q) = trend(Asker::Region, 19 * 60).query else { return };
        assert!(trend_for(&all, &q).is_some_and(|(a, _, exact)| exact && a.found.is_err()));
        let next = TrendQuery { from: q.from + 60, to: q.to + 60, ..q };
        let (like, of, exact) = trend_for(&all, &next).expect("the one before");
        assert!(!exact && like.found.is_ok() && of.to == 18 * 60);
    }
}
