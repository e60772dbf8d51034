//! What goes wrong at the server, in words that say what to do, and without loss.

use vms::config::sections::Historian;
use vms::journal::Write;

use super::cluster::Cluster;
use super::node::{Admin, BEGIN, Forwarder, Journal, cfg, readings};

#[test]
fn a_server_that_only_reads_is_told_and_waited_for() {
    let Some(cluster) = Cluster::start() else { return };
    let admin = Admin::connect(&cluster);
    admin.run("alter system set default_transaction_read_only = on");
    admin.run("select pg_reload_conf()");
    let journal = Journal::begin();
    journal.events(1..=5);
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    forwarder.fault("read-only transaction");
    forwarder.until(|r| (r.queued == Some(5)).then_some(()));
    admin.run("set default_transaction_read_only = off");
    admin.run("alter system reset default_transaction_read_only");
    admin.run("select pg_reload_conf()");
    admin.has_events_once(5);
    forwarder.until(|r| (r.queued == Some(0) && r.fault.is_none()).then_some(()));
    forwarder.end();
    journal.end();
}

#[test]
fn a_table_that_was_removed_is_told_by_name() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    journal.events(1..=5);
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    let admin = Admin::connect(&cluster);
    admin.has_events_once(5);
    admin.run("alter table vms.event rename to event_gone");
    journal.events(6..=9);
    let text = forwarder.fault("does not exist");
    assert!(text.contains("vms.event") && text.contains("restore it from a backup"), "{text}");
    admin.run("alter table vms.event_gone rename to event");
    admin.has_events_once(9);
    // A partition alone is made again.
    let month: String = admin.value("select tableoid::regclass::text from vms.event limit 1");
    admin.run(&format!("drop table {month}"));
    journal.events(10..=12);
    admin.until("select string_agg(seq::text, ',' order by seq) is not distinct from '10,11,12' from vms.event");
    forwarder.end();
    journal.end();
}

#[test]
fn a_newer_schema_is_left_alone() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    journal.events(1..=2);
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    let admin = Admin::connect(&cluster);
    admin.has_events_once(2);
    forwarder.end();
    admin.run("insert into vms.schema_history values (99, 'later', '2030-01-01T00:00:00Z', '1')");
    journal.events(3..=4);
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    let text = forwarder.fault("has schema 99");
    assert!(text.contains("update this node's program"), "{text}");
    admin.run("delete from vms.schema_history where version = 99");
    admin.has_events_once(4);
    forwarder.end();
    journal.end();
}

#[test]
fn a_wrong_password_and_a_full_house_are_told_without_secrets() {
    let Some(cluster) = Cluster::start_with(&["max_connections=5", "superuser_reserved_connections=1"], &|_| {}) else {
        return;
    };
    let journal = Journal::begin();
    journal.events(1..=2);
    let wrong = Historian { password: Some("wrong-0815".to_owned().into()), ..cfg(&cluster) };
    let forwarder = Forwarder::with(&journal, wrong, "one");
    let text = forwarder.fault("password authentication failed");
    assert!(text.contains(&cluster.port().to_string()) && !text.contains("wrong-0815"), "{text}");
    forwarder.end();
    let mut guests: Vec<Admin> = (0..5).map(|_| Admin::connect(&cluster)).collect();
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    let text = forwarder.fault("connection");
    assert!(text.contains("raise max_connections"), "{text}");
    guests.truncate(1);
    guests[0].has_events_once(2);
    forwarder.end();
    journal.end();
}

#[test]
fn a_user_without_rights_is_told_what_an_admin_can_do() {
    let Some(cluster) = Cluster::start() else { return };
    let admin = Admin::connect(&cluster);
    admin.run("create role guest login password 'right-4711'");
    let journal = Journal::begin();
    journal.events(1..=2);
    let url = cluster.url().replace("vms@", "guest@");
    let forwarder = Forwarder::with(&journal, Historian { url: url.into(), ..cfg(&cluster) }, "one");
    let text = forwarder.fault("permission denied");
    assert!(text.contains("let an admin run `create schema vms"), "{text}");
    admin.run("create schema vms authorization guest");
    admin.has_events_once(2);
    assert_eq!(
        admin.value::<i64>("select count(*) from pg_roles where rolname = 'vms_reader'"),
        0,
        "it may not make roles"
    );
    forwarder.end();
    journal.end();
}

/// A small file system in memory, gone with the value; none where this user may not mount one.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = ["-t", "tmpfs", "-o", "size=12m,mode=0777", "tmpfs"];
        let done = std::process::Command::new("mount").args(options).arg(dir.path()).output();
        done.is_ok_and(|o| o.status.success()).then_some(Self(dir))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_of_the_database_is_told_and_costs_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let Some(small) = Small::mount() else { return };
    let space = small.0.path().join("space");
    std::fs::create_dir(&space).unwrap();
    if let Ok(Some(user)) = nix::unistd::User::from_name("postgres") {
        std::os::unix::fs::chown(&space, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    }
    let admin = Admin::connect(&cluster);
    admin.run(&format!("create tablespace small location '{}'", space.display()));
    let journal = Journal::begin();
    let forwarder = Forwarder::start(&journal, &cluster, "one");
    admin.until("select to_regclass('vms.reading') is not null");
    admin.run("alter table vms.reading set tablespace small");
    journal.events(1..=3);
    (0..2000).for_each(|s| journal.write(Write::Readings(readings(BEGIN + s, 100))));
    let text = forwarder.fault("No space left on device");
    assert!(text.contains("free some space on the database's disk"), "{text}");
    admin.has_events_once(3);
    let grown =
        std::process::Command::new("mount").args(["-o", "remount,size=256m"]).arg(small.0.path()).status().unwrap();
    assert!(grown.success());
    admin.until("select count(*) = 200000 from vms.reading");
    forwarder.end();
    journal.end();
    admin.run("drop schema vms cascade");
    admin.run("drop tablespace small");
}

#[test]
fn an_outage_longer_than_the_patience_of_anybody_is_caught_up_within_the_pace() {
    let Some(cluster) = Cluster::start() else { return };
    let journal = Journal::begin();
    journal.events(1..=2000);
    (0..300).for_each(|s| journal.write(Write::Readings(readings(BEGIN + s, 64))));
    let slow = Historian { catch_up_rows_per_s: 1_000_000, ..cfg(&cluster) };
    let forwarder = Forwarder::with(&journal, slow, "one");
    let admin = Admin::connect(&cluster);
    admin.has_events_once(2000);
    admin.until("select count(*) = 19200 from vms.reading");
    forwarder.until(|r| (r.queued == Some(0) && r.sent > 21_000).then_some(()));
    forwarder.end();
    journal.end();
}
