//! The PLCs: state, line, counters, response times, tags, and the map of their registers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::text::{age, sig3};
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::facts::{self, Fact};
use crate::console::widgets::{Cell, Column, ListState, Row, Table, chart};
use crate::model::bus::{Access, PlcBoard, PlcReport, PlcState, Table as Memory, TagValue};

/// A value older than this is not fresh, s.
const STALE_S: f64 = 3.0;

pub(super) const COLUMNS: [Column; 5] = [
    Column::text("state", 12),
    Column::text("plc", 10).growing(),
    Column::number("p50/p99 ms", 10),
    Column::number("errors", 6).rank(1),
    Column::text("line", 12).rank(2),
];

const TAGS: [Column; 4] = [
    Column::text("tag", 12).growing(),
    Column::number("value", 6),
    Column::number("wanted", 6),
    Column::number("age", 7),
];

pub(super) const REGISTERS: [Column; 7] = [
    Column::text("table", 8),
    Column::number("addr", 5),
    Column::text("tag", 12).growing(),
    Column::text("access", 6).rank(2),
    Column::number("value", 6),
    Column::number("hex", 6).rank(1),
    Column::number("wanted", 6),
];

pub(super) fn row(p: &PlcBoard, ctx: &Ctx<'_>) -> Row {
    let t = ctx.theme;
    let unknown = || Cell::styled(t.glyphs().unknown, t.style(Role::Quiet)).ordered(f64::NEG_INFINITY);
    let mut cells = vec![Cell::mark(t.plc(p.state()), t), Cell::text(p.id.as_str())];
    let Some(r) = &p.report else {
        cells.extend([unknown(), unknown(), Cell::text(p.line.as_ref())]);
        return Row::new(p.id.as_str(), cells);
    };
    let style = t.aged(Style::default(), stale(r, ctx));
    let times = match (r.response_ms_p50, r.response_ms_p99) {
        (Some(a), Some(b)) => Cell::styled(format!("{a:.0}/{b:.0}"), style).ordered(b),
        _ => unknown(),
    };
    cells.extend([times, Cell::count(r.errors), Cell::text(p.line.as_ref())]);
    Row::new(p.id.as_str(), cells)
}

fn stale(r: &PlcReport, ctx: &Ctx<'_>) -> bool {
    r.last_answer.is_none_or(|a| ctx.now.mono.secs_since(a.mono) > STALE_S)
}

/// The selected PLC below the list: facts, response times, tags.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, p: &PlcBoard, ctx: &Ctx<'_>) {
    let t = ctx.theme;
    facts::rule(buffer, Rect { height: 1, ..area }, p.id.as_str(), t);
    let mut rest = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let used = facts::draw(buffer, rest, &of(p, ctx), 9, t);
    rest.y += used + 1;
    rest.height = rest.height.saturating_sub(used + 1);
    let Some(r) = &p.report else { return };
    let rows: Vec<Row> = r.tags.iter().map(|v| tag_row(v, r.state, ctx)).collect();
    let mut list = ListState::default();
    let rows = list.arrange(rows);
    // The tags are looked at, not selected: the mark and the inverse line stay away.
    let empty = "No tag is configured for this PLC.";
    Table::new(&TAGS, false).empty(empty).passive().draw(buffer, rest, &rows, &mut list, t);
}

fn of(p: &PlcBoard, ctx: &Ctx<'_>) -> Vec<Fact> {
    let t = ctx.theme;
    let g = t.glyphs();
    let mut all = vec![Fact::new("port", format!("{}, {}, unit {}", p.port, p.line, p.unit))];
    let mark = t.plc(p.state());
    let Some(r) = &p.report else {
        all.push(Fact::new("state", "Nothing has been heard of it yet.").with(t.style(mark.role)));
        return all;
    };
    let state = format!("{} for {}", mark.label(), age(ctx.now.mono.since(r.since.mono)));
    all.push(Fact::new("state", state).with(t.style(mark.role)));
    if let Some(say) = &r.text {
        all.push(Fact::new("", say.as_ref()).with(t.style(mark.role)));
    }
    let share = if r.polls > 0 {
        format!(" ({} %)", sig3(Some(r.errors as f64 * 100.0 / r.polls as f64)))
    } else {
        String::new()
    };
    all.push(Fact::new("polls", format!("{}, errors {}{share}", r.polls, r.errors)));
    let (timeouts, crc) = (r.timeouts, r.crc_errors);
    all.push(Fact::new("of these", format!("no answer {timeouts}, CRC {crc}, exception {}", r.exceptions)));
    all.push(Fact::new("reopened", if r.reopens == 1 { "once".to_owned() } else { format!("{} times", r.reopens) }));
    let ms = |v: Option<f64>| v.map_or_else(|| g.unknown.to_owned(), |v| format!("{v:.1}"));
    let old = stale(r, ctx);
    let response = format!("{} ms median, {} ms p99", ms(r.response_ms_p50), ms(r.response_ms_p99));
    all.push(Fact::new("response", response).with(t.aged(Style::default(), old)));
    if !p.response_trend.is_empty() {
        let spark = chart::sparkline(&p.response_trend, 26, None, t);
        all.push(Fact::new("", spark.trim_start()).with(t.aged(Style::default(), old)));
    }
    if r.dropped_frames > 0 {
        let say = format!("{} frames are missing in the traffic shown", r.dropped_frames);
        all.push(Fact::new("dropped", say).with(t.style(Role::Warning)));
    }
    all
}

/// Whether a written value stands in the PLC as wanted. A counter is always one ahead of its confirmation.
fn confirmed(v: &TagValue) -> bool {
    match (v.wanted, v.value) {
        (Some(w), Some(is)) => w == is || (v.table == Memory::Holding && w.wrapping_sub(is) == 1),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

fn values(v: &TagValue, state: PlcState, ctx: &Ctx<'_>) -> (Cell, Cell, bool) {
    let t = ctx.theme;
    let unknown = || Cell::styled(t.glyphs().unknown, t.style(Role::Quiet));
    let old = state == PlcState::Lost || v.at.is_none_or(|a| ctx.now.mono.secs_since(a.mono) > STALE_S);
    let style = t.aged(Style::default(), old);
    let value = v.value.map_or_else(unknown, |n| Cell::count(u64::from(n)).with(style));
    let wanted = match v.wanted {
        Some(n) => Cell::count(u64::from(n)).with(if confirmed(v) { style } else { t.style(Role::Warning) }),
        None => Cell::default(),
    };
    (value, wanted, old)
}

fn tag_row(v: &TagValue, state: PlcState, ctx: &Ctx<'_>) -> Row {
    let (value, wanted, old) = values(v, state, ctx);
    let seen = v.at.map_or_else(|| ctx.theme.glyphs().unknown.to_owned(), |a| age(ctx.now.mono.since(a.mono)));
    let style = ctx.theme.aged(ctx.theme.style(Role::Quiet), old);
    Row::new(v.id.as_str(), vec![Cell::text(v.id.as_str()), value, wanted, Cell::styled(seen, style)])
}

/// The registers of a PLC by table and address.
pub(super) fn map(buffer: &mut Buffer, area: Rect, p: &PlcBoard, list: &mut ListState, ctx: &Ctx<'_>) {
    facts::rule(buffer, Rect { height: 1, ..area }, &format!("registers of {}", p.id), ctx.theme);
    let state = p.state();
    let mut tags: Vec<&TagValue> = p.report.iter().flat_map(|r| r.tags.iter()).collect();
    tags.sort_by_key(|v| (v.table, v.address));
    let row = |v: &&TagValue| {
        let (value, wanted, _) = values(v, state, ctx);
        let hex = v.value.map_or_else(String::new, |n| format!("{n:04X}"));
        let access = if v.access == Access::Read { "read" } else { "write" };
        let style = value.style;
        Row::new(
            v.id.as_str(),
            vec![
                Cell::text(v.table.word()),
                Cell::count(u64::from(v.address)),
                Cell::text(v.id.as_str()),
                Cell::text(access),
                value,
                Cell::styled(hex, style),
                wanted,
            ],
        )
    };
    let rows = list.arrange(tags.iter().map(row).collect());
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let empty = "No tag is configured for this PLC. Add a [[plc.tag]] to vms.toml.";
    Table::new(&REGISTERS, ctx.focused).empty(empty).draw(buffer, below, &rows, list, ctx.theme);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bus::Table;

    #[test]
    fn a_counter_may_be_one_ahead() {
        let tag = |table, value, wanted| TagValue {
            id: "t".into(),
            table,
            address: 0,
            access: Access::Write,
            value,
            at: None,
            wanted,
        };
        assert!(confirmed(&tag(Table::Holding, Some(65_535), Some(0))));
        assert!(!confirmed(&tag(Table::Holding, Some(4), Some(9))));
        assert!(!confirmed(&tag(Table::Coil, Some(0), Some(1))));
        assert!(!confirmed(&tag(Table::Coil, None, Some(1))));
    }
}
