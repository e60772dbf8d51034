//! The schema as people use it: its document's examples, its partitions, its reader.

use std::fs;
use std::time::Duration;

use vms::config::sections::Historian;
use vms::journal::Write;
use vms::model::record::Value;

use super::cluster::Cluster;
use super::node::{Admin, BEGIN, Forwarder, Journal, cfg, readings};

/// The fenced SQL of a document, each with its heading.
fn examples(text: &str) -> Vec<(String, String)> {
    let (mut out, mut heading, mut block) = (Vec::new(), String::new(), None::<String>);
    for line in text.lines() {
        match (&mut block, line) {
            (None, "```sql") => block = Some(String::new()),
            (Some(b), "```") => {
                out.push((heading.clone(), std::mem::take(b)));
                block = None;
            }
            (Some(b), line) => {
                b.push_str(line);
                b.push('\n');
            }
            (None, line) if line.starts_with('#') => line.trim_start_matches(['#', ' ']).clone_into(&mut heading),
            _ => {}
        }
    }
    out
}

#[test]
fn every_example_of_the_document_runs_and_finds_something() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    let raised = vms::model::event::EventKind::AlarmRaised {
        alarm: "roi-1.velocity_rms_mm_s".into(),
        source: "roi-1".into(),
        topic: vms::model::alarm::Topic::Vibration,
        priority: vms::model::alarm::Priority::High,
        value: Some(8.0),
        limit: Some(7.1),
        unit: "mm/s".into(),
        text: "velocity 8.00 > 7.10 mm/s".into(),
        advice: "Look at it.".into(),
    };
    let now = jiff::Timestamp::now();
    let second = now.as_second();
    journal.write(Write::Event(vms::model::event::Event { seq: 1, at: now, kind: raised }));
    for s in 0..200 {
        journal.write(Write::Readings(readings(second - 200 + s, 2)));
        let values = vec![Value { series: "indicator.cpu".into(), unit: "%", value: 20.0 }];
        journal.write(Write::Values { second: second - 200 + s, values });
    }
    let wave = vms::model::vibration::Waveform {
        t_s: vec![-0.04, 0.0],
        dx_px: vec![1.0, 2.0],
        dy_px: vec![0.0, 2.0],
        sigma_px: vec![0.5, 0.25],
    };
    let wave = vms::model::record::EventWaveform { event: 1, at: now, roi: "roi-1".into(), wave: wave.into() };
    journal.write(Write::Waveform(wave));
    let forwarder = Forwarder::start(&journal, &cluster, "bf2-vms-1");
    let admin = Admin::connect(&cluster);
    admin.has_events_once(1);
    admin.until("select count(*) = 400 from vms.reading");
    admin.until("select count(*) > 0 from vms.hours where series = 'indicator.cpu'");
    admin.until("select count(*) > 0 from vms.waveforms");
    admin.until("select count(*) > 0 from vms.size_history");
    admin.until("select version is not null from vms.fleet");
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema.md")).unwrap();
    let examples = examples(&text);
    assert!(examples.len() >= 8, "{}", examples.len());
    for (heading, sql) in examples {
        // A comment at its beginning says of the few that they need not find anything.
        let may_be_empty = sql.starts_with("-- may be empty");
        match admin.rows(&sql) {
            Ok(0) if !may_be_empty => panic!("{heading}: finds nothing:\n{sql}"),
            Ok(_) => {}
            Err(e) => panic!("{heading}: {e}\n{sql}"),
        }
    }
    // Every table and view is explained there.
    let names = "select string_agg(relname, ' ') from pg_class where relnamespace = 'vms'::regnamespace \
                 and relkind in ('r', 'p', 'v') and not relispartition and relname <> 'schema_history'";
    for name in admin.value::<String>(names).split(' ') {
        assert!(text.contains(&format!("`{name}`")), "docs/schema.md does not explain {name}");
    }
    forwarder.end();
    journal.end();
}

#[test]
fn whoever_only_reads_may_read_everything_and_nothing_else() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    journal.events(1..=2);
    (0..10).for_each(|s| journal.write(Write::Readings(readings(BEGIN + s, 2))));
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    let admin = Admin::connect(&cluster);
    admin.has_events_once(2);
    admin.until("select count(*) = 20 from vms.reading");
    admin.run("create role viewer login; grant vms_reader to viewer; set role viewer");
    for view in ["events", "readings", "minutes", "hours", "waveforms", "fleet", "size_history"] {
        assert!(admin.rows(&format!("select * from vms.{view}")).is_ok(), "{view}");
    }
    assert!(admin.rows("delete from vms.event").is_err_and(|e| e.contains("permission denied")));
    forwarder.end();
    journal.end();
}

#[test]
fn partitions_go_when_no_node_wants_them() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    let day = 86_400;
    let today = jiff::Timestamp::now().as_second();
    for back in [0, 10, 95, 400] {
        journal.write(Write::Readings(readings(today - back * day, 2)));
    }
    let long = Historian { keep_seconds: Duration::from_hours(24 * 1000), ..cfg(&cluster) };
    let forwarder = Forwarder::with(&journal, long, "one");
    let admin = Admin::connect(&cluster);
    let parts = "from pg_inherits where inhparent = 'vms.reading'::regclass";
    admin.until(&format!("select count(*) = 4 {parts}"));
    forwarder.end();
    // Another node wants them for a year; one that has not said anything wants them for ever.
    admin.run("insert into vms.node (site, node, keep_seconds_s) values ('BF2', 'other', 365 * 86400)");
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    admin.until(&format!("select count(*) = 3 {parts}"));
    forwarder.end();
    admin.run("update vms.node set keep_seconds_s = null where node = 'other'; update vms.node set keep_seconds_s = 1 where node = 'one'");
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    forwarder.until(|r| (r.queued == Some(0)).then_some(()));
    assert_eq!(admin.value::<i64>(&format!("select count(*) {parts}")), 3);
    forwarder.end();
    admin.run("delete from vms.node where node = 'other'");
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    admin.until(&format!("select count(*) = 2 {parts}"));
    forwarder.end();
    journal.end();
}
