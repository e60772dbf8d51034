//! The performance review of a week or a quarter: indicators against their limits with plots, noisiest alarms, slowest
//! queries, and advice.

use super::Head;
use super::advice::{About, Rule, Thing, advise};
use crate::base::text::{bytes, sig3};
use crate::model::board::Sense;
use crate::model::paper::{Block, Document, Part, Plot, PlotPoint, Table};
use crate::model::record::Rolled;

/// Seconds of an hour.
const HOUR_S: i64 = 3600;
/// Alarms and queries that are listed.
const LISTED: usize = 12;

/// What the review is made of.
#[derive(Clone, Debug)]
pub struct Performance {
    /// `week 48 of 2026`.
    pub period: String,
    /// From when, Unix time in seconds.
    pub from: i64,
    /// Until before when.
    pub to: i64,
    /// The indicators.
    pub indicators: Vec<Series>,
    /// How often each alarm was raised, the most frequent first.
    pub alarms: Vec<AlarmCount>,
    /// Most alarms raised within ten minutes.
    pub flood: u32,
    /// The slowest queries, or why they are not known.
    pub queries: Result<Vec<Query>, String>,
    /// How many plots are drawn.
    pub plots: usize,
}

impl Default for Performance {
    /// A period of which nothing is known.
    fn default() -> Self {
        let (indicators, alarms, queries) = (Vec::new(), Vec::new(), Ok(Vec::new()));
        Self { period: String::new(), from: 0, to: 0, indicators, alarms, flood: 0, queries, plots: 0 }
    }
}

/// An indicator over the period.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its id: `cpu`, `disk./`.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Its unit.
    pub unit: String,
    /// Its limit.
    pub limit: Option<f64>,
    /// On which side it is bad.
    pub sense: Sense,
    /// Its hours, oldest first.
    pub hours: Vec<Rolled>,
    /// Its mean over the period before.
    pub mean_before: Option<f64>,
    /// Days until the limit at the trend of the period.
    pub days_to_limit: Option<f64>,
}

/// How often an alarm was raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmCount {
    /// Its id.
    pub id: String,
    /// Its priority.
    pub priority: String,
    /// How often.
    pub count: u32,
    /// What it said the last time.
    pub text: String,
}

/// A slow query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Its text, without values.
    pub text: String,
    /// How often it was run since the statistics began.
    pub calls: u64,
    /// A run on the average.
    pub mean_ms: f64,
    /// The longest run.
    pub max_ms: f64,
}

/// What the hours of a series say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Mean.
    pub mean: f64,
    /// The worst value: the highest, or the lowest where low is bad.
    pub worst: f64,
    /// Hours whose mean was beyond the limit, percent.
    pub over_percent: f64,
    /// Hours in which the limit was reached, percent.
    pub touched_percent: f64,
    /// Hours with values, percent of the period.
    pub known_percent: f64,
}

impl Series {
    /// What its hours say; none where there are none.
    #[must_use]
    pub fn figures(&self, from: i64, to: i64) -> Option<Figures> {
        let known: Vec<&Rolled> = self.hours.iter().filter(|h| h.mean.is_finite()).collect();
        let n = known.len() as f64;
        if known.is_empty() {
            return None;
        }
        let extreme = |h: &Rolled| if self.sense == Sense::High { h.most } else { h.least };
        let beyond = |v: f64| match (self.limit, self.sense) {
            (Some(l), Sense::High) => v >= l,
            (Some(l), Sense::Low) => v <= l,
            (None, _) => false,
        };
        let share = |of: &dyn Fn(&Rolled) -> f64| known.iter().filter(|h| beyond(of(h))).count() as f64 * 100.0 / n;
        let worst = known
            .iter()
            .map(|h| extreme(h))
            .fold(f64::NAN, |a: f64, b| if self.sense == Sense::High { a.max(b) } else { a.min(b) });
        Some(Figures {
            mean: known.iter().map(|h| h.mean).sum::<f64>() / n,
            worst,
            over_percent: share(&|h| h.mean),
            touched_percent: share(&extreme),
            known_percent: (n * 100.0 * HOUR_S as f64 / to.saturating_sub(from).max(HOUR_S) as f64).min(100.0),
        })
    }

    /// How near the worst value came to the limit: 1 at the limit, more beyond.
    fn badness(&self, f: &Figures) -> f64 {
        let Some(limit) = self.limit.filter(|l| *l > 0.0) else { return 0.0 };
        let ratio = if self.sense == Sense::High { f.worst / limit } else { limit / f.worst.max(limit * 1e-3) };
        f.over_percent + ratio
    }
}

/// The indicators with a limit, the worst first.
#[must_use]
pub fn worst(p: &Performance) -> Vec<(&Series, Figures)> {
    let known = p.indicators.iter().filter(|s| s.limit.is_some()).filter_map(|s| Some((s, s.figures(p.from, p.to)?)));
    let mut all: Vec<(&Series, Figures)> = known.collect();
    all.sort_by(|a, b| b.0.badness(&b.1).total_cmp(&a.0.badness(&a.1)));
    all
}

/// The advice that the rules give.
#[must_use]
pub fn advice(p: &Performance, rules: &[Rule]) -> Vec<String> {
    let mut things: Vec<Thing<'_>> = Vec::new();
    for s in &p.indicators {
        let Some(f) = s.figures(p.from, p.to) else { continue };
        let mut figures = vec![("known_percent", f.known_percent)];
        if s.limit.is_some() {
            figures.extend([("over_percent", f.over_percent), ("touched_percent", f.touched_percent)]);
        }
        figures.extend(s.days_to_limit.map(|d| ("days_to_limit", d)));
        figures.extend(rise(s, &f).map(|r| ("rise_percent", r)));
        let limit = s.limit.map_or_else(String::new, |l| value(l, &s.unit));
        things.push(Thing { about: About::Indicator, name: &s.id, title: s.title.clone(), limit, figures });
    }
    let days = days(p);
    let none = String::new;
    things.extend(p.alarms.iter().map(|a| {
        let figures = vec![("per_day", f64::from(a.count) / days)];
        Thing { about: About::Alarm, name: &a.id, title: a.text.clone(), limit: none(), figures }
    }));
    things.extend(p.queries.iter().flatten().map(|q| {
        let figures = vec![("mean_ms", q.mean_ms), ("max_ms", q.max_ms), ("calls", q.calls as f64)];
        Thing { about: About::Query, name: "query", title: q.text.clone(), limit: none(), figures }
    }));
    advise(rules, &things)
}

fn days(p: &Performance) -> f64 {
    p.to.saturating_sub(p.from).max(HOUR_S) as f64 / 86_400.0
}

fn rise(s: &Series, f: &Figures) -> Option<f64> {
    s.mean_before.filter(|b| b.abs() > 1e-9).map(|b| (f.mean - b) * 100.0 / b.abs())
}

/// A value with its unit.
#[must_use]
pub fn value(v: f64, unit: &str) -> String {
    match unit {
        "B" if v >= 0.0 => bytes(v as u64),
        "B/s" if v >= 0.0 => format!("{}/s", bytes(v as u64)),
        "" => sig3(Some(v)),
        "/min" => format!("{}/min", sig3(Some(v))),
        _ => format!("{} {unit}", sig3(Some(v))),
    }
}

/// The review.
#[must_use]
pub fn document(head: &Head, p: &Performance, rules: &[Rule]) -> Document {
    let all = worst(p);
    let over = all.iter().filter(|(_, f)| f.over_percent > 0.0).count();
    let mut blocks = vec![match (all.len(), over) {
        (0, _) => Block::Verdict("The record has no values of this time; nothing can be said".to_owned(), None),
        (n, 0) => {
            Block::Verdict(format!("All {n} indicators with a limit kept within it, taken by the hour"), Some(true))
        }
        (n, 1) => Block::Verdict(format!("1 of {n} indicators was beyond its limit for an hour or more"), Some(false)),
        (n, o) => {
            Block::Verdict(format!("{o} of {n} indicators were beyond their limit for an hour or more"), Some(false))
        }
    }];
    let moment = |s: i64| jiff::Timestamp::from_second(s).map_or_else(|_| s.to_string(), |t| head.minute(t));
    blocks.push(Block::Facts(vec![
        ("Period".to_owned(), p.period.clone()),
        ("From".to_owned(), moment(p.from)),
        ("Until".to_owned(), moment(p.to)),
    ]));
    blocks.push(Block::Heading(1, "Advice".to_owned()));
    let advice = advice(p, rules);
    blocks.push(if advice.is_empty() {
        Block::Text("No rule asks for anything.".to_owned())
    } else {
        Block::List(advice)
    });
    blocks.push(Block::Heading(1, "Indicators, the worst first".to_owned()));
    blocks.push(if all.is_empty() { Block::Text("None.".to_owned()) } else { Block::Table(indicators(&all)) });
    alarms(p, &mut blocks);
    queries(p, &mut blocks);
    if !all.is_empty() && p.plots > 0 {
        blocks.push(Block::Heading(1, "Over time".to_owned()));
        blocks.push(Block::Small(
            "The line is the mean of each hour, the band reaches from its lowest to its highest value.".to_owned(),
        ));
        blocks.extend(all.iter().take(p.plots).map(|(s, _)| Block::Plot(plot(p, s))));
    }
    let title = format!("Performance review, {}", p.period);
    let part = Part { kind: "Performance review".to_owned(), title: title.clone(), seal: None, blocks };
    head.document(title, vec![part])
}

fn indicators(all: &[(&Series, Figures)]) -> Table {
    let mut table = Table::new(&[
        ("Indicator", 26),
        ("#Limit", 12),
        ("#Mean", 12),
        ("#Before", 12),
        ("#Worst", 12),
        ("#Hours beyond", 11),
        ("#Known", 9),
        ("#Limit in", 12),
    ]);
    for (s, f) in all {
        table.row([
            s.title.clone(),
            s.limit.map_or_else(String::new, |l| value(l, &s.unit)),
            value(f.mean, &s.unit),
            s.mean_before.map_or_else(|| "–".to_owned(), |m| value(m, &s.unit)),
            value(f.worst, &s.unit),
            format!("{:.1} %", f.over_percent),
            format!("{:.0} %", f.known_percent),
            s.days_to_limit.map_or_else(|| "–".to_owned(), |d| format!("{d:.0} days")),
        ]);
    }
    table
}

fn alarms(p: &Performance, blocks: &mut Vec<Block>) {
    blocks.push(Block::Heading(1, "Noisiest alarms".to_owned()));
    let all: u32 = p.alarms.iter().map(|a| a.count).sum();
    if all == 0 {
        blocks.push(Block::Text("No alarm was raised.".to_owned()));
        return;
    }
    let days = days(p);
    blocks.push(Block::Text(format!(
        "{all} alarms were raised, {:.1} a day; at most {} within ten minutes (more than 10 are a flood by EEMUA 191).",
        f64::from(all) / days,
        p.flood
    )));
    let mut table =
        Table::new(&[("Alarm", 24), ("Priority", 11), ("#Raised", 9), ("#A day", 9), ("#Share", 9), ("Last text", 40)]);
    for a in p.alarms.iter().take(LISTED) {
        table.row([
            a.id.clone(),
            a.priority.clone(),
            a.count.to_string(),
            format!("{:.1}", f64::from(a.count) / days),
            format!("{:.0} %", f64::from(a.count) * 100.0 / f64::from(all)),
            a.text.clone(),
        ]);
    }
    blocks.push(Block::Table(table));
}

fn queries(p: &Performance, blocks: &mut Vec<Block>) {
    blocks.push(Block::Heading(1, "Slowest queries".to_owned()));
    match &p.queries {
        Err(why) => blocks.push(Block::Text(format!("Not known: {why}."))),
        Ok(q) if q.is_empty() => blocks.push(Block::Text("None is recorded.".to_owned())),
        Ok(list) => {
            let mut table = Table::new(&[("Query", 64), ("#Runs", 12), ("#Mean", 12), ("#Longest", 12)]);
            for q in list.iter().take(LISTED) {
                let ms = |v: f64| format!("{} ms", sig3(Some(v)));
                table.row([q.text.clone(), q.calls.to_string(), ms(q.mean_ms), ms(q.max_ms)]);
            }
            blocks.push(Block::Table(table));
        }
    }
}

/// The curve of an indicator.
#[must_use]
pub fn plot(p: &Performance, s: &Series) -> Plot {
    let point = |h: &Rolled| PlotPoint { at: h.at, least: h.least, mean: h.mean, most: h.most };
    Plot {
        title: s.title.clone(),
        unit: s.unit.clone(),
        from: p.from,
        to: p.to,
        points: s.hours.iter().map(point).collect(),
        step_s: HOUR_S,
        limit: s.limit,
    }
}

#[cfg(test)]
mod tests {
    use super::super::advice::{BUILT_IN, parse};
    use super::super::record::tests::head;
    use super::*;

    fn hours(n: i64, mean: impl Fn(i64) -> f64) -> Vec<Rolled> {
        let hour = |i: i64| Rolled {
            series: "s".into(),
            unit: "%".into(),
            at: i * HOUR_S,
            known: 3600,
            mean: mean(i),
            least: mean(i) - 5.0,
            most: mean(i) + 5.0,
        };
        (0..n).map(hour).collect()
    }

    fn series(id: &str, limit: f64, sense: Sense, hours: Vec<Rolled>) -> Series {
        let title = format!("Title of {id}");
        Series {
            id: id.into(),
            title,
            unit: "%".into(),
            limit: Some(limit),
            sense,
            hours,
            mean_before: Some(40.0),
            days_to_limit: None,
        }
    }

    fn week() -> Performance {
        Performance {
            period: "week 48 of 2026".into(),
            from: 0,
            to: 168 * HOUR_S,
            indicators: vec![
                series("memory", 80.0, Sense::High, hours(168, |_| 50.0)),
                series("cpu", 70.0, Sense::High, hours(84, |i| if i < 21 { 90.0 } else { 30.0 })),
                series("disk./", 20.0, Sense::Low, hours(168, |_| 22.0)),
            ],
            alarms: vec![AlarmCount {
                id: "cpu".into(),
                priority: "high".into(),
                count: 140,
                text: "CPU over 70 %".into(),
            }],
            flood: 12,
            queries: Ok(vec![Query { text: "select 1".into(), calls: 3, mean_ms: 1500.0, max_ms: 2000.0 }]),
            plots: 2,
        }
    }

    #[test]
    fn figures_are_those_of_the_hours() {
        let p = week();
        let f = p.indicators[1].figures(p.from, p.to).unwrap();
        assert_eq!((f.mean, f.worst, f.over_percent, f.known_percent), (45.0, 95.0, 25.0, 50.0));
        let disk = p.indicators[2].figures(p.from, p.to).unwrap();
        assert_eq!((disk.worst, disk.over_percent, disk.touched_percent), (17.0, 0.0, 100.0));
        let order: Vec<&str> = worst(&p).iter().map(|(s, _)| s.id.as_str()).collect();
        assert_eq!(order, ["cpu", "disk./", "memory"]);
    }

    #[test]
    fn the_review_says_what_is_worst_and_what_to_do() {
        let text = document(&head(), &week(), &parse(BUILT_IN).unwrap()).content();
        for word in [
            "1 of 3 indicators was beyond",
            "The processors were beyond their limit of 70.0 % in 25 % of the hours",
            "came 20 times a day",
            "A query takes 1500 ms",
            "at most 12 within ten minutes",
            "Title of disk./",
        ] {
            assert!(text.contains(word), "{word} is not in\n{text}");
        }
        let none = Performance { queries: Err("no database is configured".into()), ..Performance::default() };
        let text = document(&head(), &none, &[]).content();
        for word in ["nothing can be said", "No alarm was raised", "no database is configured"] {
            assert!(text.contains(word), "{word}");
        }
    }
}
