//! What is written arrives once, in order, whatever happens to the server in between.

use std::sync::Arc;

use vms::journal::{History, Write};
use vms::model::record::{EventWaveform, Value};
use vms::model::vibration::Waveform;

use super::cluster::Cluster;
use super::node::{Admin, BEGIN, Forwarder, Journal, event, readings};

#[test]
fn every_kind_of_row_arrives() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    journal.events(1..=3);
    for s in 0..130 {
        journal.write(Write::Readings(readings(BEGIN + s, 3)));
        let cpu = Value { series: "indicator.cpu".into(), unit: "%", value: s as f64 };
        journal.write(Write::Values { second: BEGIN + s, values: vec![cpu] });
    }
    let wave =
        Waveform { t_s: vec![-0.5, 0.0], dx_px: vec![1.0, f32::NAN], dy_px: vec![0.0, 2.0], sigma_px: vec![0.5, 0.25] };
    let at = event(2).at;
    journal.write(Write::Waveform(EventWaveform { event: 2, at, roi: "roi-1".into(), wave: Arc::new(wave) }));
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    let admin = Admin::connect(&cluster);
    admin.has_events_once(3);
    admin.until("select count(*) = 390 from vms.reading");
    admin.until("select count(*) = 1 from vms.waveform");
    // Two minutes are complete once the clock of the journal has gone on; 130 seconds close two of them.
    admin.until("select count(*) >= 2 from vms.minutes where series = 'indicator.cpu'");
    let mean: f64 = admin.value("select mean from vms.minutes where series = 'indicator.cpu' order by at limit 1");
    assert!((mean - 29.5).abs() < 1e-9, "{mean}");
    // The interrupted third is closed a second after it is over, which is long ago by the clock.
    admin.until("select count(*) = 1 and sum(known) = 130 from vms.hours where series = 'indicator.cpu'");
    admin.until("select known = 130 and least = 2.5 from vms.hours where series = 'roi.roi-2.displacement_pp_px'");
    let row = "select bool_and(velocity_rms_mm_s = 1.5 and peak_hz is null and uncertainty_px is null and grade = 'good' \
               and site = 'BF2' and node = 'one') from vms.readings where region = 'roi-2' and displacement_pp_px = 2.5";
    assert!(admin.value::<bool>(row));
    assert!(admin.value::<bool>("select body->>'text' = 'event 2' and kind = 'note' from vms.events where seq = 2"));
    let hash: String = admin.value("select hash from vms.events where seq = 3");
    assert_eq!(hash, History::open(&journal.path()).unwrap().verify().unwrap().head, "the hash is the journal's");
    assert!(admin.value::<bool>("select dx_px[1] = 1 and dx_px[2] = 'nan' and t_s[1] = -0.5 from vms.waveforms"));
    admin.until("select queued = 0 and last_seen > now() - interval '1 minute' from vms.fleet where node = 'one'");
    forwarder.until(|r| (r.queued == Some(0) && r.fault.is_none() && r.schema == Some(1)).then_some(()));
    forwarder.end();
    journal.end();
}

#[test]
fn a_server_that_crashes_and_one_that_hangs_cost_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    let mut last = 0;
    let mut more = |n: u64| {
        journal.events(last + 1..=last + n);
        for s in 0..n as i64 {
            journal.write(Write::Readings(readings(BEGIN + last as i64 + s, 20)));
        }
        last += n;
    };
    for round in 0..3 {
        more(300);
        cluster.stop_at_once();
        more(100);
        forwarder.fault("");
        cluster.start_again();
        more(100);
        if round == 1 {
            // All of it stops in its tracks in the middle of the work, and goes on later.
            cluster.freeze();
            more(100);
            forwarder.fault("");
            cluster.thaw();
        }
    }
    let admin = Admin::connect(&cluster);
    admin.has_events_once(last);
    admin.until(&format!("select count(*) = {} from vms.reading", last * 20));
    assert_eq!(
        admin.value::<i64>("select count(*) from (select distinct at, region_id from vms.reading) x"),
        last as i64 * 20
    );
    let in_order = "select bool_and(r) from (select at >= lag(at) over (order by ctid) as r from vms.reading) x";
    assert!(admin.value::<bool>(in_order), "in the order in which it happened");
    forwarder.end();
    journal.end();
}

#[test]
fn two_nodes_share_a_server_and_begin_at_the_same_time() {
    let Some(cluster) = Cluster::start() else { return };
    let journals = [Journal::begin(), Journal::begin(), Journal::begin()];
    let nodes = ["one", "two", "three"];
    let forwarders: Vec<Forwarder> =
        journals.iter().zip(nodes).map(|(j, n)| Forwarder::start(j, &cluster, n)).collect();
    for (i, j) in journals.iter().enumerate() {
        j.events(1..=20 * (i as u64 + 1));
        (0..50).for_each(|s| j.write(Write::Readings(readings(BEGIN + s, 2))));
    }
    let admin = Admin::connect(&cluster);
    for (i, n) in nodes.iter().enumerate() {
        admin.until(&format!("select count(*) = {} from vms.events where node = '{n}'", 20 * (i + 1)));
        admin.until(&format!("select count(*) = 100 from vms.readings where node = '{n}'"));
    }
    assert_eq!(admin.rows("select * from vms.fleet"), Ok(3));
    // A second program under the same name is refused, and the first goes on.
    let impostor = Journal::begin();
    impostor.events(1..=5);
    let refused = Forwarder::start(&impostor, &cluster, "one");
    let text = refused.fault("another program sends");
    assert!(text.contains("give this node another site.node"), "{text}");
    refused.end();
    assert_eq!(admin.rows("select * from vms.events where node = 'one'"), Ok(20));
    forwarders.into_iter().for_each(Forwarder::end);
    for j in journals {
        j.end();
    }
    impostor.end();
}

#[test]
fn a_journal_put_back_from_an_older_copy_goes_on_as_another_one() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    journal.events(1..=10);
    let dir = journal.end();
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("journal.db"), copy.path().join("journal.db")).unwrap();
    let journal = Journal::open(dir);
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    journal.events(11..=15);
    let admin = Admin::connect(&cluster);
    admin.has_events_once(15);
    forwarder.end();
    journal.end();
    // The copy knows nothing of 11 to 15, and gives these numbers to other events.
    let journal = Journal::open(copy);
    for seq in 11..=17 {
        let mut other = event(seq);
        other.kind = vms::model::event::EventKind::Note { text: format!("after the return {seq}").into() };
        journal.write(Write::Event(other));
    }
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    let text = forwarder.fault("put back from an older copy");
    assert!(text.contains("both have the events up to 10"), "{text}");
    admin.until("select count(*) = 22 from vms.events");
    let sql =
        "select string_agg(seq::text, ',' order by seq) from vms.events where body->>'text' like 'after the return%'";
    assert_eq!(admin.value::<String>(sql), "11,12,13,14,15,16,17");
    assert_eq!(admin.value::<i64>("select count(distinct journal) from vms.events"), 2);
    assert_eq!(History::open(&journal.path()).unwrap().verify().unwrap().broken, None);
    forwarder.end();
    journal.end();
}

#[test]
fn a_journal_put_back_loses_no_seconds_although_no_event_tells_it() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    journal.events(1..=3);
    let seconds = |journal: &Journal, from: i64, to: i64| {
        (from..to).for_each(|s| journal.write(Write::Readings(readings(BEGIN + s, 2))));
    };
    seconds(&journal, 10, 15);
    let dir = journal.end();
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("journal.db"), copy.path().join("journal.db")).unwrap();
    let journal = Journal::open(dir);
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    seconds(&journal, 15, 30);
    let admin = Admin::connect(&cluster);
    admin.until("select count(*) = 40 from vms.reading");
    admin.has_events_once(3);
    forwarder.end();
    journal.end();
    let journal = Journal::open(copy);
    journal.write(Write::Event(vms::model::event::Event { at: event(200).at, ..event(4) }));
    seconds(&journal, 201, 205);
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    forwarder.fault("put back from an older copy");
    admin.until("select count(*) >= 48 from vms.reading");
    admin.has_events_once(4);
    assert_eq!(admin.value::<i64>("select count(*) from vms.reading"), 48, "each second once");
    forwarder.end();
    journal.end();
}

#[test]
fn what_the_database_cannot_take_is_kept_beside_and_holds_nothing_up() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    journal.events(1..=2);
    let mut odd = event(3);
    odd.kind = vms::model::event::EventKind::Note { text: "a zero \0 in the text".into() };
    journal.write(Write::Event(odd));
    journal.events(4..=6);
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    let admin = Admin::connect(&cluster);
    admin.until("select count(*) = 5 from vms.events");
    assert_eq!(admin.value::<i64>("select position from vms.rejected"), 3);
    assert!(admin.value::<bool>("select raw like '%a zero%' and why like '%Unicode%' from vms.rejected"));
    forwarder.end();
    journal.end();
}
