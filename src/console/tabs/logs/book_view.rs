//! The whole file as it is drawn: records with their times, how far into the file, the whole of one record below.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state::{Focus, Logs, letter, level_words};
use super::view::{name, quiet_unless_bad, severity_style};
use crate::base::text::bytes;
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::facts::{paragraph, rule};
use crate::console::widgets::fit;
use crate::console::widgets::mark::select;
use crate::console::widgets::table::scroll_bar;
use crate::model::logs::{LogPage, LogRecord, LogSource};

impl Logs {
    pub(super) fn draw_book(&mut self, frame: &mut Frame<'_>, head: Rect, body: Rect, file: &LogSource, ctx: &Ctx<'_>) {
        let Some(view) = &self.book else { return };
        let with = if self.filter.is_empty() { String::new() } else { format!(", with \"{}\"", self.filter) };
        let size = view.page.as_ref().map_or_else(String::new, |p| format!("  of {}", bytes(p.size_bytes)));
        let what = format!("whole file, {}{with}{size}", level_words(self.level));
        let how = match (view.searched, view.busy(), &view.page) {
            (Some(percent), ..) => format!("searched {percent:.0} %"),
            (None, true, _) => "reading".into(),
            (None, false, Some(p)) => place_words(p, view.cursor.at()),
            (None, false, None) => String::new(),
        };
        self.heading(frame, head, &name(&file.path), &what, &how, ctx);
        self.areas.1 = body;
        let Some(page) = view.page.clone() else {
            paragraph(frame.buffer_mut(), body, "The file is being read.", ctx.theme.style(Role::Quiet), ctx.theme);
            return;
        };
        if page.records.is_empty() {
            let words = page.fault.as_deref().map_or_else(|| empty_words(&self.filter), str::to_owned);
            paragraph(frame.buffer_mut(), body, &words, ctx.theme.style(Role::Quiet), ctx.theme);
            return;
        }
        self.draw_records(frame, head, body, &page, ctx);
    }

    fn draw_records(&mut self, frame: &mut Frame<'_>, head: Rect, body: Rect, page: &LogPage, ctx: &Ctx<'_>) {
        let Some(view) = &mut self.book else { return };
        view.cursor.set(view.cursor.at().min(page.records.len() - 1));
        let at = view.cursor.at();
        let mut list = body;
        if let (true, Some(record)) = (self.open, page.records.get(at)) {
            let lines: usize = record.text.lines().map(|l| fit::wrap(l, body.width.into()).len().max(1)).sum();
            let height = (lines as u16).saturating_add(1).min(body.height * 2 / 3);
            list.height -= height;
            whole_record(frame, Rect { y: list.bottom(), height, ..body }, record, ctx);
        }
        self.areas.1 = list;
        let Some(view) = &mut self.book else { return };
        let top = view.cursor.fit(page.records.len(), list.height.into());
        let focused = ctx.focused && self.focus == Focus::Lines;
        for (i, record) in page.records.iter().enumerate().skip(top).take(list.height.into()) {
            let place = Rect { y: list.y + (i - top) as u16, height: 1, ..list };
            frame.render_widget(record_line(record, list.width.into(), self.sideways, ctx), place);
            if i == at {
                select(frame.buffer_mut(), place, ctx.theme, focused);
            }
        }
        let with_head = Rect { y: head.y, height: list.height + 1, ..list };
        scroll_bar(frame.buffer_mut(), with_head, page.records.len(), top, ctx.theme);
    }
}

/// How far into the file the selected record lies.
fn place_words(page: &LogPage, at: usize) -> String {
    let Some(r) = page.records.get(at) else { return String::new() };
    let percent = r.offset as f64 / page.size_bytes.max(1) as f64 * 100.0;
    let end = if page.at_end && at + 1 == page.records.len() { "end" } else { "" };
    if end.is_empty() { format!("at {percent:.1} %") } else { end.into() }
}

fn empty_words(filter: &str) -> String {
    if filter.is_empty() {
        "There is no such record in this direction. Home and End go to the ends; v shows other levels.".into()
    } else {
        format!(
            "No record has \"{filter}\" at this level in this direction. / changes the filter; Home and End go to the ends."
        )
    }
}

fn record_line(r: &LogRecord, width: usize, sideways: usize, ctx: &Ctx<'_>) -> Line<'static> {
    let more_lines = if r.lines > 1 { format!(" +{}", r.lines - 1) } else { String::new() };
    let head = format!("{} ", letter(r.severity));
    let room = width.saturating_sub(fit::width(&head) + more_lines.len() + 1);
    let first = r.text.lines().next().unwrap_or_default();
    let text = ctx.theme.plain(first);
    let more = fit::width(&text) > sideways + room;
    let mut text = fit::slice(&text, sideways, if more { room.saturating_sub(1) } else { room });
    if more {
        text.push_str(ctx.theme.glyphs().more);
    }
    Line::from(vec![
        Span::styled(head, quiet_unless_bad(r.severity, ctx)),
        Span::styled(text, severity_style(r.severity, ctx)),
        Span::styled(more_lines, ctx.theme.style(Role::Quiet)),
    ])
}

fn whole_record(frame: &mut Frame<'_>, area: Rect, r: &LogRecord, ctx: &Ctx<'_>) {
    if area.height == 0 {
        return;
    }
    let zone = &ctx.board.time_zone;
    let time = r.at.map(|t| t.to_zoned(zone.clone()).strftime("%F %H:%M:%S %Z").to_string());
    let lines = if r.lines == 1 { "1 line".to_owned() } else { format!("{} lines", r.lines) };
    let title = [time.unwrap_or_else(|| "no time".into()), lines].join(", ");
    rule(frame.buffer_mut(), Rect { height: 1, ..area }, &title, ctx.theme);
    let mut y = area.y + 1;
    for line in r.text.lines() {
        if y >= area.bottom() {
            return;
        }
        let rest = Rect { y, height: area.bottom() - y, ..area };
        let used = fit::wrap(line, area.width.into()).len().max(1) as u16;
        paragraph(frame.buffer_mut(), rest, line, severity_style(r.severity, ctx), ctx.theme);
        y = y.saturating_add(used);
    }
}
