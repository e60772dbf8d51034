//! `vms fleet`: every node of the site on one page.

use std::time::Duration;

use serde_json::Value;

use super::status::{number, text, time};
use super::{Globals, out};
use crate::base::error::{Exit, Outcome};
use crate::base::text::age;

/// Runs the command.
///
/// # Errors
/// When neither an engine runs for this data directory nor a database is configured that answers.
pub fn run(globals: &Globals) -> Outcome {
    print(&crate::boot::fleet(globals)?, globals.json)
}

/// Prints the fleet, worst first; exit 1 if a node is stale or has an unacknowledged alarm.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(fleet: &Value, json: bool) -> Outcome {
    let nodes = fleet["nodes"].as_array().map_or(&[][..], Vec::as_slice);
    if json {
        out::json(fleet)?;
    } else if nodes.is_empty() {
        out::line(
            "no node is known: nodes tell of themselves through PostgreSQL; see [historian] in vms.toml, and `vms check`",
        )?;
    } else {
        out::line(&table(nodes, &fleet["time_zone"]))?;
    }
    let not_fine = |n: &Value| n["stale"].as_bool() != Some(false) || n["unacknowledged"].as_u64() != Some(0);
    Ok(if nodes.iter().any(not_fine) { Exit::NotFine } else { Exit::Fine })
}

fn table(nodes: &[Value], zone: &Value) -> String {
    let of = |live: &Value, all: &Value| format!("{}/{}", number(live), number(all));
    let row = |n: &Value| {
        let old = n["age_s"].as_f64().map_or_else(|| "–".into(), |s| age(Duration::from_secs_f64(s.clamp(0.0, 1e12))));
        let worst = match n["worst"]["text"].as_str() {
            Some(what) => format!("{}: {what}", text(&n["worst"]["priority"])),
            None => String::new(),
        };
        vec![
            if n["stale"].as_bool() == Some(false) { text(&n["engine"]) } else { "STALE".into() },
            text(&n["site"]),
            text(&n["node"]),
            text(&n["version"]),
            old,
            time(&n["last_seen"], zone),
            number(&n["alarms"]),
            number(&n["unacknowledged"]),
            of(&n["cameras_live"], &n["cameras"]),
            of(&n["plcs_live"], &n["plcs"]),
            number(&n["queued"]),
            worst,
        ]
    };
    let rows: Vec<Vec<String>> = nodes.iter().map(row).collect();
    let heading = [
        "STATE",
        "SITE",
        "NODE",
        "VERSION",
        "HEARD",
        "LAST SEEN",
        "ALARMS",
        "NEW",
        "CAMERAS",
        "PLCS",
        "QUEUED",
        "WORST",
    ];
    out::table(&heading, &rows)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::{Timestamp, tz::TimeZone};

    use super::*;
    use crate::base::clock::Now;
    use crate::model::alarm::Priority;
    use crate::model::board::Board;
    use crate::model::fleet::{NodeState, status};

    fn fleet(age_s: f64, unacknowledged: u32) -> Value {
        let mut board = Board::empty("BF2", "n1", TimeZone::UTC, Now::default());
        board.fleet = Arc::new([NodeState {
            site: "BF2".into(),
            node: "bf2-vms-1".into(),
            version: "0.1.0".into(),
            engine: "running".into(),
            last_seen: Timestamp::UNIX_EPOCH,
            age_s,
            read: Now::default(),
            worst: (unacknowledged > 0).then(|| (Priority::High, "velocity 8.30 mm/s above 7.10".into())),
            alarms: unacknowledged,
            unacknowledged,
            cameras_live: 3,
            cameras: 4,
            plcs_live: 1,
            plcs: 1,
            queued: Some(12),
        }]);
        serde_json::to_value(status(&board.fleet, &board.time_zone, Now::default())).unwrap()
    }

    #[test]
    fn the_exit_code_says_whether_somebody_has_to_look() {
        for (age_s, new, want) in [(2.0, 0, Exit::Fine), (61.0, 0, Exit::NotFine), (2.0, 1, Exit::NotFine)] {
            assert_eq!(print(&fleet(age_s, new), true).unwrap(), want);
        }
        assert_eq!(print(&serde_json::json!({ "nodes": [] }), true).unwrap(), Exit::Fine);
        assert_eq!(
            print(&serde_json::json!({ "nodes": [{}] }), true).unwrap(),
            Exit::NotFine,
            "what is not known is not fine"
        );
    }

    #[test]
    fn a_row_says_how_the_node_is() {
        let f = fleet(75.0, 1);
        let got = table(f["nodes"].as_array().unwrap(), &f["time_zone"]);
        assert_eq!(
            got.lines().nth(1).unwrap(),
            "STALE  BF2   bf2-vms-1  0.1.0    75 s   1970-01-01 00:00:00  1       1    3/4      1/1   12      high: velocity 8.30 mm/s above 7.10"
        );
    }
}
