//! The row of a camera.

use ratatui::style::Style;

use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::{Cell, Column, Row};
use crate::model::camera::{CameraBoard, CameraState, Picture};

/// Latency above this is late (the plant's threshold for a camera), ms.
const LATE_MS: f64 = 500.0;
/// A frame older than this is not fresh, s.
pub(super) const STALE_S: f64 = 3.0;

pub(super) const COLUMNS: [Column; 10] = [
    Column::text("state", 12),
    Column::text("camera", 14).growing(),
    Column::text("picture", 9),
    Column::number("fps", 5),
    Column::number("p50/p99 ms", 10).rank(1),
    Column::number("jitter", 6).rank(3),
    Column::number("lost", 5).rank(2),
    Column::number("kbit/s", 6).rank(4),
    Column::number("reconn", 6).rank(5),
    Column::text("rec", 3).rank(6),
];

pub(super) fn stale(c: &CameraBoard, ctx: &Ctx<'_>) -> bool {
    let last = c.report.as_ref().and_then(|r| r.last_frame);
    last.is_none_or(|f| ctx.now.mono.secs_since(f.mono) > STALE_S)
}

pub(super) fn row(c: &CameraBoard, ctx: &Ctx<'_>) -> Row {
    let t = ctx.theme;
    let unknown = || Cell::styled(t.glyphs().unknown, t.style(Role::Quiet)).ordered(f64::NEG_INFINITY);
    let old = stale(c, ctx);
    let aged = |cell: Cell| {
        let style = t.aged(cell.style, old);
        cell.with(style)
    };
    let mut cells = vec![Cell::mark(t.camera(c.state()), t), Cell::text(c.id.as_str())];
    let Some(r) = &c.report else {
        cells.extend((0..8).map(|_| unknown()));
        return Row::new(c.id.as_str(), cells);
    };
    let picture = match r.picture {
        Picture::Unknown => unknown(),
        p => Cell::styled(p.word(), t.style(t.picture(p).role)),
    };
    let slow = r.fps.zip(c.expected_fps).is_some_and(|(f, e)| f < e * 0.9);
    let fps = r.fps.map_or_else(unknown, |f| Cell::fixed(Some(f), 1).with(warn(ctx, slow)));
    let latency = match (r.latency_ms_p50, r.latency_ms_p99) {
        (Some(p50), Some(p99)) => Cell::styled(format!("{p50:.0}/{p99:.0}"), warn(ctx, p99 > LATE_MS)).ordered(p99),
        _ => unknown(),
    };
    cells.extend([
        aged(picture),
        aged(fps),
        aged(latency),
        aged(r.jitter_ms.map_or_else(unknown, |j| Cell::fixed(Some(j), 1))),
        aged(Cell::count(r.lost_frames)),
        aged(r.bitrate_kbps.map_or_else(unknown, |b| Cell::fixed(Some(b), 0))),
        Cell::count(r.reconnects),
        Cell::text(if c.record { "yes" } else { "no" }).with(t.style(Role::Quiet)),
    ]);
    if c.state() == CameraState::Disabled {
        for cell in &mut cells {
            cell.style = t.style(Role::Quiet);
        }
    }
    Row::new(c.id.as_str(), cells)
}

fn warn(ctx: &Ctx<'_>, bad: bool) -> Style {
    if bad { ctx.theme.style(Role::Warning) } else { Style::default() }
}
