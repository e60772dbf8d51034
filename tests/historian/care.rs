//! Looking after a real database: what a look tells, jobs with their figures, locks, rights, and a server that hangs.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};
use vms::base::clock::SystemClock;
use vms::base::shutdown::Shutdown;
use vms::config::sections::Historian;
use vms::historian::care::{self, Asked, CareError, CareOut};
use vms::model::database::{
    CareJob, CareRecord, DatabaseReport, DatabaseWish, IndexFault, JobBoard, Session, Statements,
};
use vms::model::timetable::Timetable;

use crate::cluster::{Cluster, PASSWORD};

/// A cluster and what talks to it.
struct Site {
    cluster: Cluster,
    runtime: Runtime,
}

impl Site {
    fn start(settings: &[&str]) -> Option<Self> {
        let cluster = Cluster::start_with(&[&["autovacuum=off"], settings].concat(), &|_| {})?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Some(Self { cluster, runtime })
    }

    fn cfg(&self) -> Historian {
        self.cfg_as("vms")
    }

    fn cfg_as(&self, role: &str) -> Historian {
        let url = self.cluster.url().replace("vms@", &format!("{role}@"));
        Historian { url: url.into(), password: Some(PASSWORD.to_owned().into()), ..Historian::default() }
    }

    /// A session of somebody else.
    fn session(&self, application: &str) -> Arc<Client> {
        let mut config: tokio_postgres::Config = self.cluster.url().parse().unwrap();
        config.password(PASSWORD).application_name(application);
        let (client, connection) = self.runtime.block_on(config.connect(NoTls)).unwrap();
        self.runtime.spawn(connection);
        Arc::new(client)
    }

    fn run(&self, client: &Client, sql: &str) {
        self.runtime.block_on(client.batch_execute(sql)).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    fn look(&self) -> DatabaseReport {
        self.runtime.block_on(care::look_once(&self.cfg())).unwrap()
    }

    /// Looks until the condition holds; bounded.
    fn look_until(&self, what: &str, holds: impl Fn(&DatabaseReport) -> bool) -> DatabaseReport {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let report = self.look();
            if holds(&report) {
                return report;
            }
            assert!(Instant::now() < end, "never: {what}: {report:#?}");
        }
    }

    fn maintain(&self, job: CareJob, table: Option<&str>) -> Result<CareRecord, CareError> {
        let never = std::future::pending();
        let (cfg, mut tell) = (self.cfg(), |_| {});
        self.runtime.block_on(care::maintain(&cfg, job, table.map(Into::into), "tester".into(), never, &mut tell))
    }

    fn cancel(&self, s: &Session, end: bool) -> Result<CareRecord, CareError> {
        self.runtime.block_on(care::cancel(&self.cfg(), s.pid, s.began, end, &"tester".into()))
    }
}

fn of(report: &DatabaseReport, application: &str) -> Option<Session> {
    report.sessions.iter().find(|s| &*s.application == application).cloned()
}

fn missing(report: &DatabaseReport) -> &str {
    match &report.statements {
        Statements::Missing(how) => how,
        Statements::Known(_) => panic!("they are known"),
    }
}

#[test]
fn a_look_tells_sizes_dead_rows_and_what_would_be_better() {
    let Some(site) = Site::start(&["track_counts=on"]) else { return };
    let db = site.session("psql");
    site.run(
        &db,
        "create schema plant; create table plant.reading (at int, v float8) partition by range (at); \
         create table plant.reading_1 partition of plant.reading for values from (0) to (10000); \
         create table plant.reading_2 partition of plant.reading for values from (10000) to (40000); \
         insert into plant.reading select i, i from generate_series(0, 39999) i; \
         delete from plant.reading where at % 2 = 0;",
    );
    let report = site.look_until("dead rows counted", |r| r.tables.iter().any(|t| t.dead_rows >= 20_000));
    let table = report.tables.iter().find(|t| &*t.name == "plant.reading").unwrap();
    assert_eq!((table.parts, table.rows, table.dead_rows), (2, 20_000, 20_000), "partitions are counted in");
    assert!(table.size_bytes > 1 << 20 && table.last_vacuum.is_none() && table.dead_percent() == Some(50.0));
    let dead = report.measures(1000.0).into_iter().find(|m| m.id == "database.dead").unwrap();
    assert_eq!((dead.value, dead.fine(), dead.text.as_deref()), (Some(50.0), Some(false), Some("plant.reading")));
    assert!(report.size_bytes.is_some_and(|b| b > 1 << 20) && report.connections_max == Some(100));
    assert!(report.unknown.is_empty(), "{:?}", report.unknown);
    assert_eq!(report.growth_bytes_per_day, None, "growth is not known from one look");
    let advice = format!("{:?}", report.advice);
    for part in ["fsync = off", "autovacuum = off", "SELECT pg_reload_conf()"] {
        assert!(advice.contains(part), "{part}: {advice}");
    }
    let how = missing(&report);
    assert!(
        how.contains("shared_preload_libraries = 'pg_stat_statements'") && how.contains("CREATE EXTENSION"),
        "{how}"
    );
    site.run(&db, "create extension pg_stat_statements");
    let report = site.look();
    assert!(missing(&report).contains("shared_preload_libraries"), "installed and not loaded: {}", missing(&report));

    // Sizes that are kept on the server tell the growth at once.
    site.run(
        &db,
        "create schema vms; create table vms.size_history (at timestamptz, relation text, bytes bigint); \
         insert into vms.size_history values (now() - interval '2 days', 'plant.reading', 1000000), \
             (now(), 'plant.reading', 3000000);",
    );
    let report = site.look();
    let table = report.tables.iter().find(|t| &*t.name == "plant.reading").unwrap();
    assert_eq!(table.growth_bytes_per_day.map(f64::round), Some(1_000_000.0));
    assert_eq!(report.growth_bytes_per_day.map(f64::round), Some(1_000_000.0));

    let record = site.maintain(CareJob::Vacuum, Some("plant.reading")).unwrap();
    assert!(record.passed, "{record:?}");
    assert_eq!(record.before.unwrap().dead_rows, 20_000);
    assert_eq!(record.after.unwrap().dead_rows, 0);
    assert!(record.text.contains("dead rows 20000 -> 0"), "{}", record.text);
    let table = site.look().tables.iter().find(|t| &*t.name == "plant.reading").cloned().unwrap();
    assert!(table.last_vacuum.is_some() && table.last_analyze.is_some() && table.dead_rows == 0);
    let e = site.maintain(CareJob::Vacuum, Some("nowhere")).unwrap_err();
    assert!(e.to_string().contains("there is no table nowhere"), "{e}");
}

#[test]
fn queries_are_counted_where_the_extension_is_loaded() {
    let Some(site) = Site::start(&["shared_preload_libraries=pg_stat_statements"]) else { return };
    let db = site.session("psql");
    assert!(missing(&site.look()).contains("CREATE EXTENSION"));
    site.run(&db, "create extension pg_stat_statements");
    for _ in 0..3 {
        site.run(&db, "select pg_sleep(0.05), 'a secret'");
    }
    let report = site.look();
    let slow = report.statements.list().iter().find(|s| s.query.contains("pg_sleep")).expect("it is counted");
    assert!(slow.calls == 3 && slow.mean_ms >= 50.0 && !slow.query.contains("secret"), "{slow:?}");
    assert!(!report.statements.list().iter().any(|s| s.query.contains("vms care")), "our own looks are left out");
    assert_eq!(&report.statements.list()[0], slow, "the slowest first");
}

#[test]
fn who_blocks_whom_is_seen_and_cancelled() {
    let Some(site) = Site::start(&[]) else { return };
    let (holder, waiter) = (site.session("holder"), site.session("waiter"));
    site.run(&holder, "create table t (a int); insert into t values (1)");
    site.run(&holder, "begin; update t set a = 2");
    let waiting = Arc::clone(&waiter);
    let blocked = site.runtime.spawn(async move { waiting.batch_execute("update t set a = 3").await });
    let report =
        site.look_until("the waiting one is blocked", |r| of(r, "waiter").is_some_and(|s| !s.blocked_by.is_empty()));
    let (h, w) = (of(&report, "holder").unwrap(), of(&report, "waiter").unwrap());
    assert_eq!(w.blocked_by, [h.pid]);
    assert!(h.idle_in_transaction() && w.query.contains("set a = 3"), "{h:?} {w:?}");

    let e = site.cancel(&h, false).unwrap_err();
    assert!(e.to_string().contains("only its connection can be ended"), "{e}");
    let other = Session { began: Some(Timestamp::UNIX_EPOCH), ..w.clone() };
    assert!(site.cancel(&other, false).unwrap_err().to_string().contains("does nothing any more"), "a later namesake");
    let record = site.cancel(&w, false).unwrap();
    assert!(record.passed && record.text.contains("told to stop") && record.job == CareJob::Cancel, "{record:?}");
    assert!(site.runtime.block_on(blocked).unwrap().is_err(), "the query ended");
    assert!(site.cancel(&h, true).unwrap().passed);
    site.look_until("the holder is gone", |r| of(r, "holder").is_none());

    let ours = site.session("vms historian");
    site.runtime.spawn(async move { ours.batch_execute("select pg_sleep(30)").await });
    let report = site.look_until("ours is there", |r| of(r, "vms historian").is_some());
    let e = site.cancel(&of(&report, "vms historian").unwrap(), false).unwrap_err();
    assert!(matches!(&e, CareError::NotAllowed(t) if t.contains("vms itself")), "{e:?}");
}

#[test]
fn an_invalid_index_is_found_and_mended_and_leavings_are_removed() {
    let Some(site) = Site::start(&[]) else { return };
    let db = site.session("psql");
    site.run(&db, "create table t (a int); insert into t values (1), (1); create index good on t (a)");
    for name in ["bad", "good_ccnew"] {
        let made =
            site.runtime.block_on(db.batch_execute(&format!("create unique index concurrently {name} on t (a)")));
        assert!(made.is_err(), "there are duplicates");
    }
    let faults = |r: &DatabaseReport| r.indexes.iter().map(|i| (i.name.to_string(), i.fault)).collect::<Vec<_>>();
    let report = site.look();
    assert_eq!(
        faults(&report),
        [("public.bad".to_owned(), IndexFault::Invalid), ("public.good_ccnew".to_owned(), IndexFault::Leftover)]
    );
    assert!(report.measures(1000.0).iter().any(|m| m.id == "database.invalid-indexes" && m.fine() == Some(false)));
    let plan = site.runtime.block_on(care::plan_once(&site.cfg(), CareJob::Reindex, Some("t"))).unwrap();
    assert_eq!(plan.leftovers.iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["public.good_ccnew"]);
    assert!(plan.question().contains("2 indexes of t, after removing") && plan.question().contains("good_ccnew"));

    // With the duplicates still there it cannot be mended: that is said, and nothing new is left behind.
    let record = site.maintain(CareJob::Reindex, Some("t")).unwrap();
    assert!(!record.passed && record.text.contains("is duplicated"), "{record:?}");
    assert_eq!(faults(&site.look()), [("public.bad".to_owned(), IndexFault::Invalid)]);
    site.run(&db, "delete from t where ctid = '(0,1)'");
    let record = site.maintain(CareJob::Reindex, None).unwrap();
    assert!(record.passed && record.text.contains("indexes "), "{record:?}");
    assert_eq!(faults(&site.look()), []);
}

#[test]
fn a_job_shows_how_far_it_is_and_can_be_stopped() {
    let Some(site) = Site::start(&[]) else { return };
    let db = site.session("psql");
    site.run(
        &db,
        "create table t (a int, b text); insert into t select i, repeat('x', 200) from generate_series(1, 40000) i; \
         delete from t; alter role vms set vacuum_cost_delay = '20ms'; alter role vms set vacuum_cost_limit = 20",
    );
    let (stop, stopped) = (Arc::new(tokio::sync::Notify::new()), Arc::new(Mutex::new(Vec::<JobBoard>::new())));
    let (seen, at) = (Arc::clone(&stopped), Arc::clone(&stop));
    let mut tell = move |b: JobBoard| {
        if b.percent.is_some() {
            at.notify_one();
        }
        seen.lock().unwrap().push(b);
    };
    let cfg = site.cfg();
    let work = care::maintain(&cfg, CareJob::Vacuum, Some("t".into()), "tester".into(), stop.notified(), &mut tell);
    let record =
        site.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), work).await }).unwrap().unwrap();
    assert!(!record.passed && record.text.contains("stopped"), "{record:?}");
    let boards = stopped.lock().unwrap();
    assert_eq!((boards[0].phase.as_ref(), boards[0].step), ("starting", (1, 1)));
    let last = boards.last().unwrap();
    assert!(last.phase.contains("heap") && last.percent.is_some() && &*last.at == "public.t", "{last:?}");
    assert_eq!(site.look().sessions.len(), 0, "nothing goes on behind");
}

#[test]
fn a_stopped_reindex_says_what_it_left_and_the_next_one_removes_it() {
    let Some(site) = Site::start(&[]) else { return };
    let writer = site.session("writer");
    site.run(&writer, "create table t (a int); insert into t select generate_series(1, 1000); create index i on t (a)");
    site.run(&writer, "begin; insert into t values (1)");
    let stop = Arc::new(tokio::sync::Notify::new());
    let at = Arc::clone(&stop);
    let mut tell = move |b: JobBoard| {
        if b.phase.contains("waiting for writers") && b.phase.contains("process ") {
            at.notify_one();
        }
    };
    let cfg = site.cfg();
    let work = care::maintain(&cfg, CareJob::Reindex, Some("t".into()), "tester".into(), stop.notified(), &mut tell);
    let record =
        site.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(25), work).await }).unwrap().unwrap();
    let said = "ended early";
    assert!(!record.passed && record.text.contains(said) && record.text.contains("stopped"), "{record:?}");
    assert!(record.text.contains("it left the invalid index public.i_ccnew"), "the writer is still there: {record:?}");
    let report = site.look();
    assert!(
        report.indexes.iter().any(|i| &*i.name == "public.i_ccnew" && i.fault == IndexFault::Leftover),
        "{report:?}"
    );
    site.run(&writer, "commit");
    let record = site.maintain(CareJob::Reindex, Some("t")).unwrap();
    assert!(record.passed && record.text.contains("1 leavings of interrupted runs removed"), "{record:?}");
    assert!(site.look().indexes.is_empty());
}

#[test]
fn nothing_is_waited_for_and_only_one_job_runs() {
    let Some(site) = Site::start(&[]) else { return };
    let other = site.session("psql");
    site.run(&other, "create table t (a int); create table u (a int)");
    site.run(&other, "begin; lock table t in share mode");
    let began = Instant::now();
    let record = site.maintain(CareJob::Vacuum, None).unwrap();
    assert!(!record.passed && record.text.contains("not done: public.t: somebody uses it"), "{record:?}");
    assert!(began.elapsed() < Duration::from_secs(15));
    site.run(&other, "commit; select pg_advisory_lock(x'766d735f63617265'::bigint)");
    let e = site.maintain(CareJob::Vacuum, None).unwrap_err();
    assert!(matches!(&e, CareError::Busy(t) if t.contains("another job")), "{e:?}");
}

#[test]
fn a_role_without_rights_gets_clear_words() {
    let Some(site) = Site::start(&[]) else { return };
    let db = site.session("psql");
    site.run(&db, &format!("create table t (a int); create role reader login password '{PASSWORD}'"));
    let cfg = site.cfg_as("reader");
    let report = site.runtime.block_on(care::look_once(&cfg)).unwrap();
    assert!(report.advice.iter().any(|a| a.right.contains("GRANT pg_monitor TO reader")), "{:?}", report.advice);
    for job in [CareJob::Vacuum, CareJob::Reindex] {
        let work = care::plan_once(&cfg, job, Some("t"));
        let e = site.runtime.block_on(work).unwrap_err();
        assert!(matches!(&e, CareError::NotAllowed(t) if t.contains("public.t belongs to the role vms")), "{e:?}");
    }
    let busy = Arc::clone(&db);
    site.runtime.spawn(async move { busy.batch_execute("select pg_sleep(30)").await });
    let report = site.look_until("it runs", |r| of(r, "psql").is_some());
    let s = of(&report, "psql").unwrap();
    let e = site.runtime.block_on(care::cancel(&cfg, s.pid, s.began, false, &"reader".into())).unwrap_err();
    assert!(matches!(&e, CareError::NotAllowed(t) if t.contains("GRANT pg_monitor, pg_signal_backend")), "{e:?}");
    let report = site.runtime.block_on(care::look_once(&cfg)).unwrap();
    let longest = report.measures(1000.0).into_iter().find(|m| m.id == "database.longest").unwrap();
    assert_eq!((longest.value, longest.fine()), (None, None), "what is not seen is not nothing");
    // With the rights to see and not to signal, the server's own refusal is told.
    site.run(&site.session("admin"), "grant pg_monitor to reader");
    let e = site.runtime.block_on(care::cancel(&cfg, s.pid, s.began, false, &"reader".into())).unwrap_err();
    assert!(matches!(&e, CareError::NotAllowed(t) if t.contains("GRANT pg_signal_backend")), "{e:?}");
}

/// The care as the engine runs it.
struct Running {
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<()>,
    asked: tokio::sync::mpsc::Sender<Asked>,
    told: std::sync::mpsc::Receiver<CareOut>,
}

impl Running {
    fn start(site: &Site, cfg: Historian) -> Self {
        let (tx, told) = sync_channel(1000);
        let (asked, wishes) = tokio::sync::mpsc::channel(8);
        let shutdown = Shutdown::new();
        let sink: care::Sink = Arc::new(move |out| tx.try_send(out).is_ok());
        let settings = care::Settings { cfg, zone: TimeZone::UTC, last: Vec::new(), since: Timestamp::UNIX_EPOCH };
        let task =
            site.runtime.spawn(care::run(settings, Arc::new(SystemClock::new()), shutdown.clone(), wishes, sink));
        Self { shutdown, task, asked, told }
    }

    /// Waits until something is told for which `take` gives a value; bounded.
    fn wait<T>(&self, what: &str, within: Duration, take: impl Fn(CareOut) -> Option<T>) -> T {
        let end = Instant::now() + within;
        while let Ok(out) = self.told.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if let Some(v) = take(out) {
                return v;
            }
        }
        panic!("not within {within:?}: {what}");
    }
}

#[test]
fn a_hung_server_ends_the_looks_in_time_and_missed_jobs_are_caught_up() {
    let Some(site) = Site::start(&[]) else { return };
    let db = site.session("psql");
    site.run(&db, "create table t (a int)");
    let daily = Timetable::parse("daily 00:00").unwrap();
    let running = Running::start(&site, Historian { vacuum: daily, ..site.cfg() });
    let within = Duration::from_secs(20);
    let report = |out| if let CareOut::Report(r) = out { Some(r) } else { None };
    let done = |out| if let CareOut::Done(r) = out { Some(r) } else { None };
    let planned = running.wait("the plan", within, |o| if let CareOut::Planned(p) = o { Some(p) } else { None });
    assert!(planned[0].1.is_some() && planned[1] == (CareJob::Reindex, None), "{planned:?}");
    running.wait("a first look", within, report);
    let record = running.wait("the missed job", within, done);
    assert!(record.passed && &*record.who == "vms" && record.job == CareJob::Vacuum, "{record:?}");
    let wish = DatabaseWish::Cancel { pid: 1, began: None, end: false };
    running.asked.try_send(Asked { wish, who: "r.kumar".into() }).unwrap();
    let record = running.wait("the answer", within, done);
    assert!(!record.passed && &*record.who == "r.kumar" && record.text.contains("process 1"), "{record:?}");
    running.asked.try_send(Asked { wish: DatabaseWish::Reindex(Some("t".into())), who: "r.kumar".into() }).unwrap();
    assert!(running.wait("the reindex", within, done).passed);

    site.cluster.freeze();
    let why = running.wait("the look is missed", Duration::from_secs(10 + 8 + 7), |o| {
        if let CareOut::NoReport(why) = o { Some(why) } else { None }
    });
    assert!(why.contains("no answer") || why.contains("did not answer"), "{why}");
    site.cluster.thaw();
    running.wait("a look again", Duration::from_secs(25), report);
    site.cluster.stop_at_once();
    running.wait("a crash is seen", within, |o| if let CareOut::NoReport(why) = o { Some(why) } else { None });
    running.shutdown.ask();
    let ended = site.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), running.task).await });
    assert!(ended.is_ok(), "the care ends when it is asked to");
}
