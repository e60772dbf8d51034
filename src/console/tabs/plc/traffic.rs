//! The traffic on the lines: one frame a line, newest at the bottom, an answer under its request.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::decode::hex;
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::{facts, text};
use crate::model::bus::{BusFrame, Direction, Verdict};

/// Cells of the bytes, without the checksum.
const HEX: usize = 20;

/// State of the traffic view.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// What an exchange must contain to be shown.
    pub filter: String,
    /// Only exchanges with something wrong.
    pub errors_only: bool,
    /// The frames at the moment of pausing: they stay although the board forgets them.
    held: Option<Arc<[BusFrame]>>,
    /// Number of the selected frame; none while following.
    selected: Option<u64>,
    /// Number of the first frame drawn last.
    top: Option<u64>,
    rows: Rect,
}

/// A frame with its place in its exchange.
#[derive(Clone, Copy)]
struct Line<'f> {
    frame: &'f BusFrame,
    /// It is followed by an answer, it is the answer, or it stands alone.
    join: Join,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    First,
    Last,
    Alone,
}

impl Traffic {
    pub fn paused(&self) -> bool {
        self.held.is_some()
    }

    /// Pauses, with the newest frame selected; or follows again.
    pub fn toggle(&mut self, ctx: &Ctx<'_>) {
        if self.held.take().is_none() {
            self.hold(ctx);
        } else {
            self.selected = None;
        }
    }

    /// Pauses if it does not already.
    pub fn hold(&mut self, ctx: &Ctx<'_>) {
        if self.held.is_none() {
            self.held = Some(Arc::clone(&ctx.board.traffic));
        }
        if self.selected.is_none() {
            let frames = self.frames(ctx);
            self.selected = self.lines(&frames, ctx).last().map(|l| l.frame.number);
        }
    }

    fn frames(&self, ctx: &Ctx<'_>) -> Arc<[BusFrame]> {
        self.held.clone().unwrap_or_else(|| Arc::clone(&ctx.board.traffic))
    }

    /// Movement: going back pauses, going to the end follows again. False for what is no movement.
    pub fn act(&mut self, action: &str, ctx: &Ctx<'_>) -> bool {
        let page = isize::try_from(self.rows.height.max(2) - 1).unwrap_or(1);
        let by = match action {
            "up" => -1,
            "down" => 1,
            "page-up" => -page,
            "page-down" => page,
            "first" => isize::MIN / 2,
            "last" => {
                self.held = None;
                self.selected = None;
                return true;
            }
            _ => return false,
        };
        if by > 0 && self.held.is_none() {
            return true;
        }
        self.hold(ctx);
        let frames = self.frames(ctx);
        let lines = self.lines(&frames, ctx);
        let at = self.place(&lines);
        let to = at.saturating_add_signed(by).min(lines.len().saturating_sub(1));
        self.selected = lines.get(to).map(|l| l.frame.number);
        true
    }

    /// Selects the frame drawn on this row of the terminal.
    pub fn click(&mut self, row: u16, ctx: &Ctx<'_>) -> bool {
        let Some(line) = row.checked_sub(self.rows.y).filter(|_| row < self.rows.bottom()) else { return false };
        let frames = self.frames(ctx);
        let number = {
            let lines = self.lines(&frames, ctx);
            let top = self.top.and_then(|n| lines.iter().position(|l| l.frame.number == n)).unwrap_or(0);
            lines.get(top + usize::from(line)).map(|l| l.frame.number)
        };
        if number.is_some() {
            self.hold(ctx);
            self.selected = number;
        }
        number.is_some()
    }

    /// Place of the selected frame; the last one if it is filtered out or nothing is selected.
    fn place(&self, lines: &[Line<'_>]) -> usize {
        let exact = self.selected.and_then(|n| lines.iter().position(|l| l.frame.number == n));
        let near = || self.selected.and_then(|n| lines.iter().position(|l| l.frame.number > n));
        exact.or_else(near).unwrap_or(lines.len().saturating_sub(1))
    }

    /// Frames in exchanges, filtered.
    fn lines<'f>(&self, frames: &'f [BusFrame], ctx: &Ctx<'_>) -> Vec<Line<'f>> {
        let want = self.filter.to_lowercase();
        let shown = |e: &[&BusFrame]| {
            (!self.errors_only || e.iter().any(|f| f.verdict != Verdict::Ok))
                && (want.is_empty() || e.iter().any(|f| matches(f, &want, ctx)))
        };
        let mut out = Vec::with_capacity(frames.len());
        for e in exchanges(frames).into_iter().filter(|e| shown(e)) {
            let last = e.len() - 1;
            for (i, frame) in e.into_iter().enumerate() {
                let join = match (i, last) {
                    (_, 0) => Join::Alone,
                    (0, _) => Join::First,
                    _ => Join::Last,
                };
                out.push(Line { frame, join });
            }
        }
        out
    }

    /// Draws header and frames; returns the selected frame.
    pub fn draw(&mut self, buffer: &mut Buffer, area: Rect, focused: bool, ctx: &Ctx<'_>) -> Option<BusFrame> {
        let frames = self.frames(ctx);
        let (selected, top, rows) = {
            let lines = self.lines(&frames, ctx);
            self.header(buffer, area, lines.len(), frames.len(), ctx);
            let rows = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
            let at = self.place(&lines);
            let first = self.first(&lines, at, usize::from(rows.height));
            if lines.is_empty() {
                let say = if frames.is_empty() { "No frame has gone over the line yet." } else { "No frame matches." };
                facts::paragraph(
                    buffer,
                    Rect { x: area.x + 2, y: area.y + 2, width: area.width.saturating_sub(4), height: 2 },
                    say,
                    ctx.theme.style(Role::Quiet),
                    ctx.theme,
                );
            }
            for (i, line) in lines.iter().skip(first).take(usize::from(rows.height)).enumerate() {
                let row = Rect { y: rows.y + i as u16, height: 1, ..rows };
                draw_line(buffer, row, line, ctx);
                if self.selected == Some(line.frame.number) {
                    buffer.set_string(row.x, row.y, ctx.theme.glyphs().select, ctx.theme.style(Role::Focus));
                    ctx.theme.select(buffer, Rect { x: row.x + 1, width: row.width - 1, ..row }, focused);
                }
            }
            (lines.get(at).map(|l| l.frame.clone()), lines.get(first).map(|l| l.frame.number), rows)
        };
        self.top = top;
        self.rows = rows;
        selected
    }

    /// The first line drawn: the last ones while following, else so that the selection is seen and the page stands still.
    fn first(&self, lines: &[Line<'_>], at: usize, height: usize) -> usize {
        let last = lines.len().saturating_sub(height);
        if self.selected.is_none() {
            return last;
        }
        let top = self.top.and_then(|n| lines.iter().position(|l| l.frame.number >= n)).unwrap_or(last);
        top.min(at).max((at + 1).saturating_sub(height)).min(last)
    }

    fn header(&self, buffer: &mut Buffer, area: Rect, shown: usize, all: usize, ctx: &Ctx<'_>) {
        let t = ctx.theme;
        let cells = usize::from(area.width.saturating_sub(1));
        let mut what = Vec::new();
        if !self.filter.is_empty() {
            what.push(format!("filter \"{}\"", self.filter));
        }
        if self.errors_only {
            what.push("errors only".to_owned());
        }
        if !what.is_empty() {
            what.push(format!("{shown} of {all}"));
        }
        let head =
            if what.is_empty() { format!("traffic: {all} frames") } else { format!("traffic: {}", what.join(", ")) };
        buffer.set_stringn(
            area.x + 1,
            area.y,
            text::cut(&t.plain(&head), cells, t.glyphs().more),
            cells,
            t.style(Role::Quiet),
        );
        if let Some(held) = &self.held {
            let newest = |f: &[BusFrame]| f.last().map_or(0, |f| f.number);
            let say = format!(" PAUSED, {} newer ", newest(&ctx.board.traffic).saturating_sub(newest(held)));
            let x = area.right().saturating_sub(text::width(&say) as u16 + 1).max(area.x);
            buffer.set_stringn(x, area.y, &say, cells, t.style(Role::Focus).add_modifier(Modifier::REVERSED));
        }
    }
}

/// Requests with their answers, in the order of the requests. An answer without a request stands alone.
fn exchanges(frames: &[BusFrame]) -> Vec<Vec<&BusFrame>> {
    let mut out: Vec<Vec<&BusFrame>> = Vec::with_capacity(frames.len() / 2 + 1);
    // The newest exchange of each line: lines run side by side, so an answer need not follow its request at once.
    let mut open: Vec<(u16, usize)> = Vec::new();
    for f in frames {
        let slot = open.iter().position(|(plc, _)| *plc == f.plc);
        match (f.direction, slot) {
            (Direction::Answer, Some(s)) => out[open[s].1].push(f),
            (Direction::Request, Some(s)) => {
                open[s].1 = out.len();
                out.push(vec![f]);
            }
            (direction, None) => {
                if direction == Direction::Request {
                    open.push((f.plc, out.len()));
                }
                out.push(vec![f]);
            }
        }
    }
    out
}

fn matches(f: &BusFrame, want: &str, ctx: &Ctx<'_>) -> bool {
    let bad = match &f.verdict {
        Verdict::Ok => "",
        Verdict::Bad(why) => why,
    };
    let plc = ctx.board.plcs.get(usize::from(f.plc)).map_or("", |p| p.id.as_str());
    f.summary.to_lowercase().contains(want)
        || bad.to_lowercase().contains(want)
        || plc.to_lowercase().contains(want)
        || hex(&f.bytes).to_lowercase().contains(want)
}

fn draw_line(buffer: &mut Buffer, row: Rect, line: &Line<'_>, ctx: &Ctx<'_>) {
    let t = ctx.theme;
    let g = t.glyphs();
    let f = line.frame;
    let quiet = t.style(Role::Quiet);
    let style = if f.verdict == Verdict::Ok { Style::default() } else { t.style(Role::Warning) };
    let mut x = row.x + 1;
    let mut put = |s: &str, cells: usize, style: Style| {
        let room = usize::from(row.right().saturating_sub(x));
        buffer.set_stringn(x, row.y, text::fit(s, cells.min(room), false, g.more), room, style);
        x = x.saturating_add(cells as u16 + 1);
    };
    let at = f.at.wall.to_zoned(ctx.board.time_zone.clone());
    let (join, time) = match line.join {
        Join::First => (g.join[0], at.strftime("%H:%M:%S%.3f").to_string()),
        Join::Alone => (" ", at.strftime("%H:%M:%S%.3f").to_string()),
        Join::Last => (g.join[2], format!("        {}", at.strftime("%.3f"))),
    };
    put(join, 1, quiet);
    put(&time, 12, quiet);
    put(g.arrows[usize::from(f.direction == Direction::Answer)], 1, quiet);
    let (data, crc) = f.bytes.split_at(f.bytes.len().saturating_sub(2));
    put(&bytes(data, g.more), HEX, style);
    put(&hex(crc).replace(' ', ""), 4, t.aged(style, f.verdict == Verdict::Ok));
    let took = f.response_ms.map_or_else(String::new, |ms| format!("{ms:>3.0} ms  "));
    let say = match &f.verdict {
        Verdict::Ok => format!("{took}{}", f.summary),
        Verdict::Bad(why) => format!("{} {why}", g.steps[1]),
    };
    put(&t.plain(&say), usize::from(row.width), style);
}

/// As many bytes as fit, whole ones only.
fn bytes(data: &[u8], more: &str) -> String {
    let all = hex(data);
    if all.len() <= HEX { all } else { format!("{} {more}", hex(&data[..(HEX - 2) / 3])) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::sample;

    #[test]
    fn an_answer_stands_under_its_request_although_lines_run_side_by_side() {
        let mut frames = sample::live().traffic.to_vec();
        frames.truncate(4);
        // r0 r1 a0 a1 on two lines.
        frames.swap(1, 2);
        frames[1].plc = 1;
        frames[3].plc = 1;
        let all = exchanges(&frames);
        let numbers: Vec<Vec<u64>> = all.iter().map(|e| e.iter().map(|f| f.number).collect()).collect();
        assert_eq!(numbers, [[88_000, 88_001], [88_002, 88_003]]);
    }

    #[test]
    fn bytes_are_cut_whole() {
        assert_eq!(bytes(&[1, 3, 0, 0x64, 0, 10], "…"), "01 03 00 64 00 0A");
        assert_eq!(bytes(&[0xAB; 12], "…"), "AB AB AB AB AB AB …");
    }
}
