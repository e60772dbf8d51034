//! A stretch of the past read from the journal: its mean with the band from smallest to largest, limits, and a forecast.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::plot::{Chart, Level, Series, Shade, Y_LABELS, from_zero};
use crate::base::clock::Mono;
use crate::base::text::age;
use crate::console::theme::Role;
use crate::console::view::{Ctx, Want};
use crate::model::history::{Ask, Asker, Found, Query, TrendQuery, answer_to, trend_for};
use crate::model::intent::IntentKind;
use crate::model::record::Rolled;

/// An answer that reaches up to now is asked for again when it is older, in seconds.
const FRESH_S: f64 = 30.0;
/// A question without an answer is asked again after so many seconds; so is one that failed.
const AGAIN_S: f64 = 5.0;
/// At most this share of the width shows what is to come.
const AHEAD: f64 = 0.25;

/// A length of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// What it is called: `30 days`.
    pub words: &'static str,
    /// How long it is, in seconds.
    pub seconds: i64,
    /// The distance of two points, in seconds: minutes or hours.
    pub step_s: i64,
}

impl Period {
    /// A length of the past.
    #[must_use]
    pub const fn new(words: &'static str, seconds: i64, step_s: i64) -> Self {
        Self { words, seconds, step_s }
    }
}

/// Where in the past a tab looks, and what it has asked for.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// How many halves of the span it has gone back.
    pub back: u32,
    asked: Option<(Query, Mono)>,
}

impl Look {
    /// Half a span back.
    pub fn earlier(&mut self) {
        // A year at a time that is further than any journal reaches.
        self.back = (self.back + 1).min(400);
    }

    /// Half a span on; false where it is at the present already.
    pub fn later(&mut self) -> bool {
        let moved = self.back > 0;
        self.back = self.back.saturating_sub(1);
        moved
    }

    /// The question for what is looked at.
    #[must_use]
    pub fn query(&self, series: std::sync::Arc<str>, span: &Period, ctx: &Ctx<'_>) -> TrendQuery {
        TrendQuery::ending(series, ctx.now.wall, span.seconds, span.step_s, self.back.into())
    }

    /// What is to be asked now, if anything.
    pub fn ask(&mut self, asker: Asker, query: Query, live: bool, ctx: &Ctx<'_>) -> Want {
        let age_s = |at: Mono| ctx.now.mono.secs_since(at);
        let enough = answer_to(&ctx.board.history, &query).is_some_and(|a| match a.found {
            Ok(_) => !live || age_s(a.at.mono) < FRESH_S,
            Err(_) => age_s(a.at.mono) < AGAIN_S,
        });
        self.ask_unless(enough, asker, query, ctx)
    }

    /// Asks where there is no answer yet, or where there is news.
    pub fn ask_if(&mut self, asker: Asker, query: Query, news: bool, ctx: &Ctx<'_>) -> Want {
        let age_s = |at: Mono| ctx.now.mono.secs_since(at);
        let enough = answer_to(&ctx.board.history, &query)
            .is_some_and(|a| if a.found.is_ok() { !news } else { age_s(a.at.mono) < AGAIN_S });
        self.ask_unless(enough, asker, query, ctx)
    }

    fn ask_unless(&mut self, enough: bool, asker: Asker, query: Query, ctx: &Ctx<'_>) -> Want {
        let age_s = |at: Mono| ctx.now.mono.secs_since(at);
        let under_way = self.asked.as_ref().is_some_and(|(q, at)| *q == query && age_s(*at) < AGAIN_S);
        if enough || under_way {
            return Want::Nothing;
        }
        self.asked = Some((query.clone(), ctx.now.mono));
        Want::Send(IntentKind::History(Ask { asker, query }))
    }
}

/// When a value reaches its limit.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    /// The value now.
    pub value: f64,
    /// Its limit.
    pub limit: f64,
    /// Until then.
    pub within: Duration,
}

/// A stretch of the past to be drawn.
pub struct Past<'a> {
    /// What it is, with its unit.
    pub title: String,
    /// The stretch.
    pub query: &'a TrendQuery,
    /// It reaches up to now.
    pub live: bool,
    /// Values are divided by this before they are drawn.
    pub divisor: f64,
    /// Limits and the like, divided already.
    pub levels: Vec<Level>,
    /// The forecast.
    pub ahead: Option<Ahead>,
    /// How the mean is drawn.
    pub role: Role,
}

impl Past<'_> {
    /// Draws it, or says why there is nothing to draw.
    pub fn draw(self, area: Rect, buffer: &mut Buffer, ctx: &Ctx<'_>) {
        let found = trend_for(&ctx.board.history, self.query);
        let (query, exact) = found.map_or((self.query, false), |f| (f.1, f.2));
        let none: &[Rolled] = &[];
        let (points, empty) = match found.map(|f| &f.0.found) {
            None => (none, "reading the journal".to_owned()),
            Some(Err(why)) => (none, why.to_string()),
            Some(Ok(Found::Trend(points))) => (&**points, "the journal has no values of this time".to_owned()),
            Some(Ok(_)) => (none, "the answer is not one to this question".to_owned()),
        };
        let span = query.to - query.from;
        let ahead_s = self
            .ahead
            .filter(|_| self.live)
            .map_or(0.0, |a| a.within.as_secs_f64().min(span as f64 * AHEAD / (1.0 - AHEAD)));
        let columns = usize::from(area.width.saturating_sub(Y_LABELS + 1)).max(1) * 2;
        let end = query.to + ahead_s as i64;
        let drawn = resample(points, (query.from, end), query.step_s, columns, self.divisor);
        let ahead = self
            .ahead
            .filter(|_| ahead_s > 0.0)
            .map(|a| line_ahead(&a, ahead_s, end - query.from, columns, self.divisor));
        let limits: Vec<f64> = self.levels.iter().map(|l| l.y).collect();
        let mut series = vec![Series { values: &drawn.mean, role: self.role }];
        if let Some(values) = &ahead {
            series.push(Series { values, role: Role::Focus });
        }
        let source = match found {
            Some((a, ..)) if exact => {
                format!("{} {} ago", a.source, age(ctx.now.mono.since(a.at.mono)))
            }
            _ => format!("reading{}", ctx.theme.glyphs().more),
        };
        let chart = Chart {
            title: format!("{}   {source}   shaded: smallest to largest", self.title),
            x: (0.0, 1.0),
            x_labels: self.x_labels(query, ahead_s, ctx),
            y: from_zero(drawn.most.iter().chain(&drawn.least).chain(&drawn.mean), &limits),
            series,
            bands: vec![Shade { low: &drawn.least, high: &drawn.most, role: Role::Quiet }],
            levels: self.levels,
            marks: vec![],
            empty: &empty,
        };
        chart.render(area, buffer, ctx.theme);
    }

    fn x_labels(&self, query: &TrendQuery, ahead_s: f64, ctx: &Ctx<'_>) -> [String; 3] {
        let span = query.to - query.from;
        let form = match span {
            s if s <= 2 * 86_400 => "%d %b %H:%M",
            s if s <= 60 * 86_400 => "%a %d %b",
            _ => "%d %b %Y",
        };
        let at = |s: i64| {
            let t = Timestamp::from_second(s).unwrap_or(Timestamp::UNIX_EPOCH);
            t.to_zoned(ctx.board.time_zone.clone()).strftime(form).to_string()
        };
        let last = match (self.live, ahead_s > 0.0) {
            (true, true) => format!("in {}", age(Duration::from_secs_f64(ahead_s))),
            (true, false) => "now".into(),
            (false, _) => at(query.to),
        };
        [at(query.from), at(i64::midpoint(query.from, query.to)), last]
    }
}

/// The values of columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// Mean; NaN where nothing is known.
    pub mean: Vec<f32>,
    /// Smallest.
    pub least: Vec<f32>,
    /// Largest.
    pub most: Vec<f32>,
}

/// Points put into columns that share the time evenly: several to a column are put together, one to several columns fills them.
#[must_use]
pub fn resample(points: &[Rolled], (from, to): (i64, i64), step_s: i64, columns: usize, divisor: f64) -> Columns {
    let mut sum = vec![(0.0_f64, 0.0_f64); columns];
    let (mut least, mut most) = (vec![f32::NAN; columns], vec![f32::NAN; columns]);
    let span = (to - from).max(1) as f64;
    let column = |s: i64| (s - from) as f64 / span * columns as f64;
    for p in points {
        if p.at + step_s <= from || p.at >= to || !p.mean.is_finite() {
            continue;
        }
        let first = column(p.at).floor().max(0.0) as usize;
        let last = (column(p.at + step_s).ceil() as usize).max(first + 1).min(columns);
        for c in first..last {
            let weight = f64::from(p.known.max(1));
            sum[c].0 += p.mean / divisor * weight;
            sum[c].1 += weight;
            least[c] = least[c].min((p.least / divisor) as f32);
            most[c] = most[c].max((p.most / divisor) as f32);
        }
    }
    let mean = sum.into_iter().map(|(s, n)| if n > 0.0 { (s / n) as f32 } else { f32::NAN }).collect();
    Columns { mean, least, most }
}

/// The straight line from the value now towards its limit, in the columns that lie ahead.
fn line_ahead(a: &Ahead, ahead_s: f64, span: i64, columns: usize, divisor: f64) -> Vec<f32> {
    let begin = (1.0 - ahead_s / span.max(1) as f64) * columns as f64;
    let per_s = (a.limit - a.value) / a.within.as_secs_f64().max(1.0);
    let value = |c: usize| {
        let passed = (c as f64 - begin) / (columns as f64 - begin).max(1.0) * ahead_s;
        if passed < 0.0 { f32::NAN } else { ((a.value + per_s * passed) / divisor) as f32 }
    };
    (0..columns).map(value).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(at: i64, mean: f64) -> Rolled {
        Rolled { series: "s".into(), unit: "mm/s".into(), at, known: 60, mean, least: mean - 1.0, most: mean + 2.0 }
    }

    #[test]
    fn many_points_are_put_together_and_few_fill_their_time() {
        let many: Vec<Rolled> = (0..100).map(|i| point(i * 60, i as f64)).collect();
        let c = resample(&many, (0, 6000), 60, 10, 1.0);
        assert!((c.mean[0] - 4.5).abs() < 1e-6 && c.least[0] == -1.0 && c.most[0] == 11.0, "{c:?}");
        let few = [point(0, 2.0), point(3600, 4.0), point(10_800, 8.0)];
        let c = resample(&few, (0, 14_400), 3600, 8, 2.0);
        assert_eq!(c.mean[..4], [1.0, 1.0, 2.0, 2.0]);
        assert!(c.mean[4].is_nan() && c.least[5].is_nan(), "an hour without values is a gap");
        assert_eq!((c.mean[7], c.most[7]), (4.0, 5.0));
    }

    #[test]
    fn the_line_ahead_begins_at_the_value_and_goes_to_the_limit() {
        let a = Ahead { value: 10.0, limit: 20.0, within: Duration::from_secs(100) };
        let line = line_ahead(&a, 100.0, 400, 40, 1.0);
        assert!(line[29].is_nan());
        assert!((line[30] - 10.0).abs() < 1e-6 && line[39] > 18.9 && line[39] <= 20.0, "{line:?}");
    }

    proptest! {
        #[test]
        fn never_panics(at in prop::collection::vec(-10_000_i64..10_000, 0..40), from in -5000_i64..5000, len in -10_i64..5000, columns in 0_usize..60) {
            let points: Vec<Rolled> = at.iter().map(|t| point(*t, *t as f64)).collect();
            let c = resample(&points, (from, from + len), 60, columns, 1.0);
            prop_assert_eq!(c.mean.len(), columns);
        }
    }
}
