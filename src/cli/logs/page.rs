//! Patterns as a table for people.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::out;
use crate::model::logs::LogPattern;

/// Cells of a template that are shown.
const TEMPLATE: usize = 110;

/// The table, with what there is to know about it.
pub(super) fn patterns(all: &[LogPattern], known: usize, since: Option<Timestamp>, zone: &TimeZone) -> String {
    let time = |t: Timestamp| t.to_zoned(zone.clone()).strftime("%F %H:%M").to_string();
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|p| {
            let template: String = p.template.chars().take(TEMPLATE).collect();
            vec![
                if p.new { "new".into() } else { String::new() },
                p.severity.word().into(),
                p.count.to_string(),
                format!("{:.0}", p.per_hour),
                p.week_ago.map_or_else(|| "–".into(), |w| format!("{w:.0}")),
                time(p.first_seen),
                time(p.last_seen),
                p.source.to_string(),
                template,
            ]
        })
        .collect();
    let head = ["", "LEVEL", "COUNT", "/HOUR", "WEEK AGO", "FIRST SEEN", "LAST SEEN", "LOG", "PATTERN"];
    let watched = since.map_or_else(|| "mined now".into(), |t| format!("watched since {}", time(t)));
    format!("{}{} of {known} patterns, {watched}", out::table(&head, &rows), all.len())
}
