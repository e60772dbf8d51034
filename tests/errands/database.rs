//! Database errands on a real server: a lock that is held and freed, vacuum, a server that is frozen and one that is gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};
use vms::model::upkeep::Outcome::{Failed, Passed, Unknown};

use crate::cluster::{Cluster, PASSWORD};
use crate::site::Site;

fn config(cluster: &Cluster) -> String {
    format!("[historian]\nurl = \"{}\"\npassword = {{ env = \"SECRET\" }}\n", cluster.url())
}

fn session(runtime: &tokio::runtime::Runtime, cluster: &Cluster, name: &str) -> Arc<Client> {
    let mut config: tokio_postgres::Config = cluster.url().parse().unwrap();
    config.password(PASSWORD).application_name(name);
    let (client, connection) = runtime.block_on(config.connect(NoTls)).unwrap();
    runtime.spawn(connection);
    Arc::new(client)
}

#[test]
fn a_held_lock_is_found_its_holder_named_and_ended() {
    let Some(cluster) = Cluster::start() else { return };
    let data = tempfile::tempdir().unwrap();
    let site = Site::with_password(&config(&cluster), data.path(), PASSWORD);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (holder, waiter) = (session(&runtime, &cluster, "report"), session(&runtime, &cluster, "import"));
    for sql in ["create table t (a int); insert into t values (1)", "begin; lock table t"] {
        runtime.block_on(holder.batch_execute(sql)).unwrap();
    }
    assert!(site.expect("database-reach", None, Passed).contains("PostgreSQL"));
    assert!(site.expect("database-cancel", None, Passed).contains("nothing blocks"));
    let held_up = runtime.spawn(async move { waiter.batch_execute("select * from t").await });
    let until = Instant::now() + Duration::from_secs(30);
    let found = loop {
        let (answer, _) = site.timed("database-queries", None);
        if answer.outcome == Failed || Instant::now() > until {
            break answer;
        }
    };
    let text = found.evidence.join("\n");
    assert!(text.contains("Blocked queries 1") && text.contains("waits for process"), "{text}");
    let shown = site.preview("database-cancel").evidence.join("\n");
    assert!(
        shown.contains("report") && shown.contains("holds up 1 others") && shown.contains("connection would be ended"),
        "{shown}"
    );
    assert!(!held_up.is_finished(), "showing ends nothing");
    let text = site.expect("database-cancel", None, Passed);
    assert!(text.contains("after: nobody waits"), "{text}");
    runtime.block_on(held_up).unwrap().unwrap();
}

#[test]
fn vacuum_reindex_and_figures() {
    let Some(cluster) = Cluster::start_with(&["autovacuum=off"], &|_| {}) else { return };
    let data = tempfile::tempdir().unwrap();
    let site = Site::with_password(&config(&cluster), data.path(), PASSWORD);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = session(&runtime, &cluster, "setup");
    let fill = "create table t (a int primary key); insert into t select generate_series(1, 40000); analyze t; \
                delete from t where a % 2 = 0; select pg_stat_force_next_flush()";
    runtime.block_on(client.batch_execute(fill)).unwrap();
    let text = site.expect("database-health", None, Failed);
    assert!(text.contains("Dead rows, worst table 50"), "{text}");
    let (growth, _) = site.timed("database-growth", None);
    assert!(growth.evidence.join("\n").contains("public.t"), "{growth:?}");
    assert!(site.preview("database-vacuum").evidence[0].contains("VACUUM ANALYZE of all tables"));
    let text = site.expect("database-vacuum", None, Passed);
    assert!(text.contains("20000 dead rows; after:") && text.contains(" 0 dead rows"), "{text}");
    assert!(site.preview("database-reindex").evidence[0].contains("REINDEX CONCURRENTLY"));
    site.expect("database-reindex", None, Passed);
}

#[test]
fn queries_are_judged_in_one_look_where_they_are_counted() {
    let counted = ["shared_preload_libraries=pg_stat_statements"];
    let Some(cluster) = Cluster::start_with(&counted, &|_| {}) else { return };
    let data = tempfile::tempdir().unwrap();
    let site = Site::with_password(&config(&cluster), data.path(), PASSWORD);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = session(&runtime, &cluster, "setup");
    runtime
        .block_on(client.batch_execute("create extension pg_stat_statements; select count(*) from pg_class"))
        .unwrap();
    let text = site.expect("database-queries", None, Passed);
    assert!(text.contains("slowest query since counting began"), "{text}");
}

#[test]
fn a_frozen_server_and_one_that_is_gone_are_told_in_time() {
    let data = tempfile::tempdir().unwrap();
    assert!(Site::new("", data.path()).expect("database-reach", None, Unknown).contains("no database is configured"));
    let Some(cluster) = Cluster::start() else { return };
    let site = Site::with_password(&config(&cluster), data.path(), PASSWORD);
    cluster.freeze();
    let (answer, took) = site.timed("database-reach", None);
    assert_eq!(answer.outcome, Failed, "{answer:?}");
    assert!(took < Duration::from_secs(15), "{took:?}");
    let (answer, took) = site.timed("database-queries", None);
    assert_eq!(answer.outcome, Failed, "{answer:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    cluster.thaw();
    cluster.stop_at_once();
    let text = site.expect("database-reach", None, Failed);
    assert!(text.contains("127.0.0.1"), "{text}");
}
