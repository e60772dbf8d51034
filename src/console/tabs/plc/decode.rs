//! A frame with every field decoded.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::{facts, text};
use crate::model::bus::{BusFrame, Direction, Verdict};

/// Bytes in hex with spaces between.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 3);
    for b in bytes {
        let gap = if out.is_empty() { "" } else { " " };
        let _ = write!(out, "{gap}{b:02X}");
    }
    out
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, f: &BusFrame, ctx: &Ctx<'_>) {
    let t = ctx.theme;
    let cells = usize::from(area.width.saturating_sub(2));
    let which = if f.direction == Direction::Request { "request" } else { "answer" };
    let plc = ctx.board.plcs.get(usize::from(f.plc)).map_or("", |p| p.id.as_str());
    facts::rule(buffer, Rect { height: 1, ..area }, &format!("frame {}, {which}, {plc}", f.number), t);
    let mut rest = Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height - 1 };
    let take = |rest: &mut Rect, lines: u16| {
        rest.y += lines;
        rest.height -= lines.min(rest.height);
    };
    if let Verdict::Bad(why) = &f.verdict {
        let used = facts::paragraph(buffer, rest, why, t.style(Role::Warning), t);
        take(&mut rest, used);
    }
    if f.bytes.is_empty() {
        facts::paragraph(buffer, rest, "No byte came.", t.style(Role::Quiet), t);
        return;
    }
    for field in f.fields.iter() {
        if rest.height == 0 {
            break;
        }
        let end = (field.offset + field.len).min(f.bytes.len());
        let part = f.bytes.get(field.offset..end).unwrap_or_default();
        let place = if field.len > 1 {
            format!("{}-{}", field.offset, end.saturating_sub(1))
        } else {
            field.offset.to_string()
        };
        let raw = text::fit(&hex(part), 17, false, t.glyphs().more);
        let head = format!("{place:>6}  {raw}  {:<18}", field.name);
        buffer.set_stringn(rest.x, rest.y, &head, cells, t.style(Role::Quiet));
        let x = rest.x + text::width(&head) as u16 + 1;
        let room = usize::from(rest.right().saturating_sub(x));
        let shown = text::cut(&t.plain(&field.text), room, t.glyphs().more);
        buffer.set_stringn(x, rest.y, shown, room, Style::default());
        take(&mut rest, 1);
    }
    if rest.height > 1 {
        let say = format!("{} bytes: {}", f.bytes.len(), hex(&f.bytes));
        facts::paragraph(buffer, Rect { y: rest.y + 1, height: rest.height - 1, ..rest }, &say, Style::default(), t);
    }
}
