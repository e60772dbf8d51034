//! Boards with realistic values for tests and measurements of drawing; no part of the running system uses them.

mod cameras;
mod database;
mod lines;
mod past;
mod rest;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::theme::Theme;
use super::view::{Ctx, Tab};
use crate::base::clock::{Mono, Now};
use crate::model::board::{Board, DemoFault, EngineState, Indicator};
use crate::model::logs::LogReport;

/// Monday 23 November 2026, 22:41:07 in India, the engine up for twelve days and four hours.
#[doc(hidden)]
#[must_use]
pub fn now() -> Now {
    let wall = Timestamp::from_second(1_795_453_867).unwrap_or(Timestamp::UNIX_EPOCH);
    Now { wall, mono: Mono(UP.as_nanos() as u64 + 5_000_000_000) }
}

const UP: Duration = Duration::from_secs(12 * 86_400 + 4 * 3600 + 17);

/// `ms` before [`now`] on both clocks.
#[doc(hidden)]
#[must_use]
pub fn ago(ms: u64) -> Now {
    let n = now();
    Now {
        wall: n.wall.checked_sub(SignedDuration::from_millis(ms as i64)).unwrap_or(n.wall),
        mono: Mono(n.mono.0.saturating_sub(ms * 1_000_000)),
    }
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Kolkata").unwrap_or(TimeZone::UTC)
}

/// Nothing is configured and nothing is known: the engine has just started.
#[doc(hidden)]
#[must_use]
pub fn empty() -> Board {
    let mut b = Board::empty("BF2", "bf2-vms-1", zone(), now());
    b.engine.started = ago(400);
    b
}

/// All is well.
#[doc(hidden)]
#[must_use]
pub fn live() -> Board {
    let mut b = empty();
    b.engine.started = ago(UP.as_millis() as u64);
    b.engine.state = EngineState::Running;
    b.engine.pid = 4711;
    b.at = ago(100);
    b.cameras = cameras::live();
    b.snapshot = Some(Arc::new(cameras::picture(ago(140))));
    b.plcs = lines::live();
    b.traffic = lines::traffic().into();
    b.host = Some(Arc::new(rest::host()));
    b.indicators = rest::indicators().into();
    b.logs = Some(Arc::new(rest::logs()));
    b.historian = rest::historian();
    b.database = database::live();
    b.journal = rest::journal();
    b.events = rest::events().into();
    b.upkeep = Arc::new(upkeep::upkeep());
    b.history = past::answers(&[]);
    b.fleet = past::fleet();
    b
}

/// As live, with what can go wrong: a region above its limit, a camera lost, a PLC in trouble, a full disk.
#[doc(hidden)]
#[must_use]
pub fn alarm() -> Board {
    let mut b = live();
    cameras::alarm(&mut b.cameras);
    lines::alarm(&mut b.plcs);
    b.traffic = lines::bad_traffic().into();
    b.alarms = rest::alarms().into();
    b.history = past::answers(&b.alarms);
    b.engine.dropped = vec![("samples".into(), 12)];
    rest::exceed(&mut b);
    database::trouble(&mut b.database);
    b.demo = Arc::new([
        DemoFault { id: "camera-lost:deck-east".into(), title: "deck-east: pull the network cable".into(), on: false },
        DemoFault { id: "plc-silent".into(), title: "bf2-plc: stop answering".into(), on: true },
    ]);
    b
}

/// The live board, 47 s old: nothing has come since.
#[doc(hidden)]
#[must_use]
pub fn stale() -> Board {
    let mut b = live();
    b.at = ago(47_000);
    cameras::shift(&mut b.cameras, 47_000);
    lines::shift(&mut b.plcs, 47_000);
    database::shift(&mut b.database, 47_000);
    b.indicators = b.indicators.iter().map(|i| Indicator { at: i.at.map(|_| ago(47_000)), ..i.clone() }).collect();
    b.logs = b.logs.map(|l| Arc::new(LogReport { at: ago(47_000), ..(*l).clone() }));
    b.snapshot = b.snapshot.map(|s| Arc::new(crate::model::camera::Snapshot { at: ago(47_000), ..(*s).clone() }));
    b
}

/// Draws one tab alone and returns its cells.
#[doc(hidden)]
#[must_use]
pub fn draw_tab(tab: &mut dyn Tab, board: &Board, theme: &Theme, width: u16, height: u16) -> Buffer {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let ctx = Ctx { board, now: now(), theme, focused: true };
    let Ok(_) = terminal.draw(|f| {
        let area = f.area();
        tab.draw(f, area, &ctx);
        theme.settle(f.buffer_mut());
    });
    terminal.backend().buffer().clone()
}

/// The characters of cells, a line a row, spaces at the end removed.
#[doc(hidden)]
#[must_use]
pub fn text_of(buffer: &Buffer) -> String {
    let line = |y: u16| {
        let mut out = String::new();
        let mut skip = 0_usize;
        for x in 0..buffer.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = super::widgets::text::width(symbol).saturating_sub(1);
            out.push_str(symbol);
        }
        out.trim_end().to_owned()
    };
    (0..buffer.area.height).map(line).collect::<Vec<_>>().join("\n")
}
