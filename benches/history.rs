//! How long a trend of 30 days takes to open: the journal's reading against the bare query, on 30 days of 64 regions, and the
//! way from the question to the drawn answer; one table, from one run.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench ends where it fails, and prints its table")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crokey::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use rusqlite::{Connection, OpenFlags};
use vms::base::clock::{Mono, Now};
use vms::console::app::{App, Capabilities, Effect, Input};
use vms::console::keys::Keymap;
use vms::console::theme::{Depth, Theme};
use vms::console::{sample, tabs};
use vms::journal::{Batch, EventFilter, History, Step, Store};
use vms::model::event::{Event, EventKind};
use vms::model::history::{Answer, Found, Query, with_answer};
use vms::model::intent::IntentKind;
use vms::model::quantity::Quantity;
use vms::model::record::{Rolled, roi_series};

const REGIONS: usize = 64;
const DAYS: i64 = 30;
const DAY_S: i64 = 86_400;
/// Events in the journal: a busy month.
const EVENTS: u64 = 99_990;
/// Rounds of each part; the middle one is told.
const ROUNDS: usize = 51;

fn fill(path: &Path, end: i64) {
    let now = Now { wall: Timestamp::from_second(end).unwrap(), mono: Mono(0) };
    let mut store = Store::open(path, now).unwrap().store;
    let mut names: Vec<Arc<str>> =
        (1..REGIONS).map(|r| roi_series(&format!("region-{r}").into(), Quantity::VelocityRmsMmS)).collect();
    names.push(roi_series(&"east-bearing".into(), Quantity::VelocityRmsMmS));
    for day in 0..DAYS {
        let begin = end - (DAYS - day) * DAY_S;
        let minute = |m: i64| {
            names.iter().enumerate().map(move |(i, name)| {
                let mean = 3.0 + (m as f64 / 200.0).sin() + i as f64 * 0.01;
                let (least, most) = (mean - 0.5, mean + 1.0);
                Rolled {
                    series: Arc::clone(name),
                    unit: "mm/s".into(),
                    at: begin + m * 60,
                    known: 60,
                    mean,
                    least,
                    most,
                }
            })
        };
        let minutes: Vec<Rolled> = (0..1440).flat_map(minute).collect();
        let of_day = EVENTS / DAYS as u64;
        let event = |k: u64| Event {
            seq: day as u64 * of_day + k + 1,
            at: Timestamp::from_second(begin + (k as i64 * DAY_S) / of_day as i64).unwrap(),
            kind: EventKind::Note { text: format!("note {k}").into() },
        };
        store.append(&Batch { events: (0..of_day).map(event).collect(), minutes, ..Batch::default() }).unwrap();
    }
}

fn middle(mut work: impl FnMut()) -> Duration {
    let mut all: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .collect();
    all.sort();
    all[ROUNDS / 2]
}

fn bare(conn: &Connection, series: &str, table: &str, from: i64, to: i64) -> usize {
    let sql = format!(
        "select t.at, t.known, t.mean, t.least, t.most from series s join {table} t on t.series = s.id \
         where s.name = ?1 and t.at >= ?2 and t.at < ?3 order by t.at"
    );
    let mut statement = conn.prepare_cached(&sql).unwrap();
    let row = |r: &rusqlite::Row<'_>| {
        Ok((r.get::<_, i64>(0)?, r.get::<_, u32>(1)?, r.get::<_, f64>(2)?, r.get::<_, f64>(3)?, r.get::<_, f64>(4)?))
    };
    statement.query_map((series, from, to), row).unwrap().map(Result::unwrap).fold(0, |n, r| n + usize::from(r.1 > 0))
}

/// Looks a question up as the engine's thread does: the file opened anew.
fn look_up(path: &Path, query: &Query) -> Found {
    let Query::Trend(q) = query else { return Found::Waveforms(Arc::new([])) };
    let history = History::open(path).unwrap();
    let step = if q.step_s >= 3600 { Step::Hour } else { Step::Minute };
    Found::Trend(history.trend(&q.series, q.from, q.to, step).unwrap().into())
}

/// From the key to the drawn trend, without the engine's queues: question, look-up, answer on the board, frame.
fn key_to_screen(path: &Path) {
    let about = Capabilities { who: "operator".into(), engine_here: true, bell: false, mouse: true };
    let mut board = sample::live();
    board.history = Arc::new([]);
    let theme = Theme::new(true, Depth::Palette);
    let mut app =
        App::new(Keymap::built_in().unwrap(), theme, tabs::all(), about, Arc::new(board.clone()), sample::now());
    let Ok(mut terminal) = Terminal::new(TestBackend::new(120, 40));
    let press = |app: &mut App, c| app.handle(Input::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
    press(&mut app, '2');
    terminal.draw(|f| app.draw(f)).unwrap();
    for _ in 0..4 {
        press(&mut app, 't');
    }
    app.take_effects();
    let begun = Instant::now();
    press(&mut app, 't');
    let ask = app.take_effects().into_iter().find_map(|e| match e {
        Effect::Send(IntentKind::History(ask)) => Some(ask),
        _ => None,
    });
    let ask = ask.unwrap();
    let found = Ok(look_up(path, &ask.query));
    let answer =
        Answer { asker: ask.asker, query: ask.query, at: sample::now(), took_ms: 0.0, source: "journal", found };
    board.history = with_answer(&board.history, answer);
    app.handle(Input::Board(Arc::new(board)));
    terminal.draw(|f| app.draw(f)).unwrap();
    told("key to screen, 30 days", begun.elapsed(), None);
}

fn told(what: &str, took: Duration, against: Option<Duration>) {
    let ratio = against.map_or(String::new(), |a| format!("{:>8.2} ×", took.as_secs_f64() / a.as_secs_f64()));
    println!("{what:<44} {:>9.3} ms {ratio}", took.as_secs_f64() * 1e3);
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    // The newest hour is the one that the sample board's clock is in.
    let end = sample::now().wall.as_second().div_euclid(3600) * 3600 + 3600;
    let begun = Instant::now();
    fill(&path, end);
    let size = std::fs::metadata(&path).map_or(0, |m| m.len());
    println!(
        "{} minutes of {REGIONS} series and {EVENTS} events written in {:.1} s, {:.0} MiB",
        DAYS * 1440,
        begun.elapsed().as_secs_f64(),
        size as f64 / f64::from(1 << 20)
    );
    let series = "roi.region-7.velocity_rms_mm_s";
    let from = end - DAYS * DAY_S;
    let conn = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let history = History::open(&path).unwrap();
    assert_eq!(history.trend(series, from, end, Step::Hour).unwrap().len(), 720);

    let sql = middle(|| {
        black_box(bare(&conn, series, "hour", from, end));
    });
    told("30 days by the hour: bare query", sql, None);
    told(
        "30 days by the hour: History::trend",
        middle(|| drop(black_box(history.trend(series, from, end, Step::Hour)))),
        Some(sql),
    );
    let anew = || drop(black_box(History::open(&path).unwrap().trend(series, from, end, Step::Hour)));
    told("30 days by the hour: opened anew", middle(anew), Some(sql));
    let sql = middle(|| {
        black_box(bare(&conn, series, "minute", end - 8 * 3600, end));
    });
    told("8 hours by the minute: bare query", sql, None);
    let read = || drop(black_box(history.trend(series, end - 8 * 3600, end, Step::Minute)));
    told("8 hours by the minute: History::trend", middle(read), Some(sql));
    let filter = EventFilter::default();
    told("newest page of 200 events", middle(|| drop(black_box(history.events_where(&filter, 200)))), None);
    let rare = EventFilter { text: Some("nowhere".into()), ..EventFilter::default() };
    told(
        "a text that no event has, all looked through",
        middle(|| drop(black_box(history.events_where(&rare, 200)))),
        None,
    );
    key_to_screen(&path);
}
