//! Sources on the left, lines on the right, the whole of one line below.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tui_logger::TuiLoggerWidget;

use super::live::Live;
use super::state::{Focus, Logs, letter, level_words};
use crate::base::text::{age, bytes};
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::facts::{divider, paragraph, rule};
use crate::console::widgets::fit;
use crate::console::widgets::mark::{Mark, State, select};
use crate::console::widgets::table::scroll_bar;
use crate::model::logs::{LogLine, LogSource, Severity};

/// Below this width the lines take the whole width when they have the keyboard.
const SIDE_BY_SIDE: u16 = 100;

/// Files read longer ago than this are said to be old, in seconds.
const STALE_S: f64 = 15.0;

impl Logs {
    pub(super) fn draw_all(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        self.sources.by(0, Self::count(ctx));
        if area.width < SIDE_BY_SIDE && (self.focus == Focus::Lines || self.patterns.is_some()) {
            self.areas.0 = Rect::default();
            self.draw_right(frame, area, ctx);
            return;
        }
        let left = if area.width >= 150 { 40 } else { (area.width / 3).clamp(24, 32) };
        let [sources, gap, right] =
            Layout::horizontal([Constraint::Length(left), Constraint::Length(3), Constraint::Fill(1)]).areas(area);
        self.draw_sources(frame, sources, ctx);
        if gap.width == 3 {
            divider(frame.buffer_mut(), gap.x + 1, area.top(), area.bottom(), ctx.theme);
        }
        self.draw_right(frame, right, ctx);
    }

    fn draw_right(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        if self.patterns.is_some() {
            return self.draw_patterns(frame, head, body, ctx);
        }
        match self.file(ctx) {
            Some(file) if self.book.is_some() => self.draw_book(frame, head, body, file, ctx),
            None => self.draw_live(frame, head, body, ctx),
            Some(file) => self.draw_file(frame, head, body, file, ctx),
        }
    }

    fn draw_sources(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        let head = "source";
        frame.buffer_mut().set_stringn(area.x, area.y, head, area.width.into(), ctx.theme.style(Role::Quiet));
        let list = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        self.areas.0 = list;
        let top = self.sources.fit(Self::count(ctx), usize::from(list.height) / 2);
        let width = usize::from(area.width);
        let mut y = list.y;
        for i in top..Self::count(ctx) {
            if y + 1 >= list.bottom() {
                break;
            }
            let lines = match i.checked_sub(1).and_then(|f| Self::files(ctx).get(f)) {
                None => live_lines(width, ctx),
                Some(file) => file_lines(file, width, ctx),
            };
            for (n, line) in lines.into_iter().enumerate() {
                frame.render_widget(line, Rect { y: y + n as u16, height: 1, ..list });
            }
            if i == self.sources.at() {
                let focused = ctx.focused && self.focus == Focus::Sources;
                select(frame.buffer_mut(), Rect { y, height: 1, ..list }, ctx.theme, focused);
            }
            y += 2;
        }
        sources_end(frame, list, y, ctx);
    }
}

impl Logs {
    fn draw_live(&mut self, frame: &mut Frame<'_>, head: Rect, body: Rect, ctx: &Ctx<'_>) {
        tui_logger::move_events();
        let how = if self.live_paused { "paused" } else { "following" };
        let filter = if self.filter.is_empty() { String::new() } else { format!("  \"{}\" bright", self.filter) };
        self.heading(frame, head, "this program (live)", &format!("{}{filter}", level_words(self.level)), how, ctx);
        self.areas.1 = body;
        // Seen only while no record has come: the records are drawn over it.
        let words = "No record since the start at this level. What the program does and what goes wrong is shown here as it \
                     happens.";
        let widget = TuiLoggerWidget::default().state(&self.live).formatter(Box::new(Live::new(
            ctx.board.time_zone.clone(),
            ctx.theme,
            &self.filter,
        )));
        frame.render_widget(widget, body);
        if is_blank(frame, body) {
            paragraph(frame.buffer_mut(), body, words, ctx.theme.style(Role::Quiet), ctx.theme);
        }
    }

    fn draw_file(&mut self, frame: &mut Frame<'_>, head: Rect, body: Rect, file: &LogSource, ctx: &Ctx<'_>) {
        let shown = self.shown(file);
        let with = if self.filter.is_empty() { String::new() } else { format!(", with \"{}\"", self.filter) };
        let what = format!("{}{with}  {} of {}", level_words(self.level), shown.len(), file.lines.len());
        let how = self.place.map_or_else(|| "following".to_owned(), |n| format!("paused at {n}"));
        self.heading(frame, head, &name(&file.path), &what, &how, ctx);
        let at = self.at(&shown);
        let mut list = body;
        if let (true, Some(line)) = (self.open, shown.get(at)) {
            let height = (fit::wrap(&line.text, body.width.into()).len() as u16 + 1).min(body.height / 2);
            list.height -= height;
            whole_line(frame, Rect { y: list.bottom(), height, ..body }, line, ctx);
        }
        self.areas.1 = list;
        if shown.is_empty() {
            let words = empty_words(file, &self.filter);
            paragraph(frame.buffer_mut(), list, &words, ctx.theme.style(Role::Quiet), ctx.theme);
            return;
        }
        self.lines.set(at);
        let top = self.lines.fit(shown.len(), list.height.into());
        let focused = ctx.focused && self.focus == Focus::Lines;
        for (i, line) in shown.iter().enumerate().skip(top).take(list.height.into()) {
            let place = Rect { y: list.y + (i - top) as u16, height: 1, ..list };
            frame.render_widget(self.line(line, list.width.into(), ctx), place);
            if i == at && (focused || self.place.is_some()) {
                select(frame.buffer_mut(), place, ctx.theme, focused);
            }
        }
        // The scroll bar leaves out a header line, so the heading above the lines is given to it.
        let with_head = Rect { y: head.y, height: list.height + 1, ..list };
        scroll_bar(frame.buffer_mut(), with_head, shown.len(), top, ctx.theme);
    }

    fn line(&self, line: &LogLine, width: usize, ctx: &Ctx<'_>) -> Line<'static> {
        let style = severity_style(line.severity, ctx);
        let head = format!("{:>6} {} ", line.number, letter(line.severity));
        let room = width.saturating_sub(fit::width(&head) + 1);
        let text = ctx.theme.plain(&line.text);
        let more = fit::width(&text) > self.sideways + room;
        let mut text = fit::slice(&text, self.sideways, if more { room.saturating_sub(1) } else { room });
        if more {
            text.push_str(ctx.theme.glyphs().more);
        }
        Line::from(vec![Span::styled(head, quiet_unless_bad(line.severity, ctx)), Span::styled(text, style)])
    }

    pub(super) fn heading(&self, frame: &mut Frame<'_>, area: Rect, name: &str, what: &str, how: &str, ctx: &Ctx<'_>) {
        let u = ctx.theme.unicode;
        let right = fit::width(how).min(area.width.into());
        let room = usize::from(area.width).saturating_sub(right + 1);
        let scrolled = if self.sideways > 0 { format!("  from column {}", self.sideways + 1) } else { String::new() };
        let quiet = ctx.theme.style(Role::Quiet);
        let name = fit::cut(name, room, u);
        let rest = fit::left(&format!("  {what}{scrolled}"), room.saturating_sub(fit::width(&name)), u);
        let how_style = if how == "following" { quiet } else { ctx.theme.style(Role::Focus) };
        let line = Line::from(vec![
            Span::styled(name, ctx.theme.heading()),
            Span::styled(rest, quiet),
            Span::raw(" "),
            Span::styled(fit::cut(how, right, u), how_style),
        ]);
        frame.render_widget(line, area);
    }
}

fn sources_end(frame: &mut Frame<'_>, list: Rect, y: u16, ctx: &Ctx<'_>) {
    let below = Rect { y, height: list.bottom().saturating_sub(y), ..list };
    let mut role = Role::Quiet;
    let words = match &ctx.board.logs {
        None => "Log files have not been read yet.".to_owned(),
        Some(l) if old(ctx) => {
            role = Role::Unknown;
            format!("Log files were last read {} ago.", age(ctx.now.mono.since(l.at.mono)))
        }
        Some(l) if l.sources.iter().all(|s| s.own) => {
            "More log files appear here when they are named under watch in [logs] of vms.toml.".to_owned()
        }
        Some(l) if l.dropped > 0 => format!("{} log records were lost: too many at once.", l.dropped),
        Some(_) => return,
    };
    if below.height > 2 {
        let place = Rect { y: below.y + 1, height: below.height - 1, ..below };
        paragraph(frame.buffer_mut(), place, &words, ctx.theme.style(role), ctx.theme);
    }
}

/// The files have not been read for too long.
fn old(ctx: &Ctx<'_>) -> bool {
    ctx.board.logs.as_ref().is_some_and(|l| ctx.now.mono.secs_since(l.at.mono) > STALE_S)
}

fn is_blank(frame: &mut Frame<'_>, area: Rect) -> bool {
    let buf = frame.buffer_mut();
    area.intersection(buf.area).positions().all(|p| buf[p].symbol() == " ")
}

fn whole_line(frame: &mut Frame<'_>, area: Rect, line: &LogLine, ctx: &Ctx<'_>) {
    if area.height == 0 {
        return;
    }
    rule(frame.buffer_mut(), Rect { height: 1, ..area }, &format!("line {}", line.number), ctx.theme);
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    paragraph(frame.buffer_mut(), body, &line.text, severity_style(line.severity, ctx), ctx.theme);
}

fn empty_words(file: &LogSource, filter: &str) -> String {
    match &file.fault {
        Some(fault) => format!("This file cannot be read: {fault}"),
        None if !filter.is_empty() => {
            format!("No line has \"{filter}\" at this level. Esc goes back; / changes the filter.")
        }
        None if file.lines.is_empty() => "The file has no lines yet.".into(),
        None => "No line of this level. v shows other levels.".into(),
    }
}

fn live_lines(width: usize, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
    let u = ctx.theme.unicode;
    vec![
        Line::styled(fit::left("this program (live)", width, u), ctx.theme.style(Role::Text)),
        Line::styled(fit::left("  newest records", width, u), ctx.theme.style(Role::Quiet)),
    ]
}

/// Two lines a file: name with size, then state with the rates of the last minute.
fn file_lines(file: &LogSource, width: usize, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
    let u = ctx.theme.unicode;
    let size = file.size_bytes.map_or_else(|| ctx.theme.glyphs().unknown.to_owned(), bytes);
    let name = fit::left(&name(&file.path), width.saturating_sub(fit::width(&size) + 1), u);
    let first = Line::from(vec![
        Span::styled(format!("{name} "), ctx.theme.style(Role::Text)),
        Span::styled(size, ctx.theme.style(Role::Quiet)),
    ]);
    let state = match (&file.fault, &file.errors_per_min, &file.warnings_per_min) {
        (Some(fault), ..) => {
            State::new(Mark::Fault, fit::cut(&format!("not read: {fault}"), width.saturating_sub(6), u))
        }
        _ if old(ctx) => State::new(Mark::Unknown, "not read now"),
        (None, e, w) => {
            let mark = if *e > 0.0 { Mark::Warning } else { Mark::Well };
            State::new(mark, format!("E {e:.0}/min  W {w:.0}/min"))
        }
    };
    let mut second = vec![Span::raw("  ")];
    second.extend(state.spans(ctx.theme));
    vec![first, Line::from(second)]
}

/// The last part of a path: what tells files apart.
pub(super) fn name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

pub(super) fn severity_style(severity: Severity, ctx: &Ctx<'_>) -> Style {
    ctx.theme.style(match severity {
        Severity::Error => Role::High,
        Severity::Warn => Role::Warning,
        Severity::Info | Severity::Unknown => Role::Text,
        Severity::Debug => Role::Quiet,
    })
}

pub(super) fn quiet_unless_bad(severity: Severity, ctx: &Ctx<'_>) -> Style {
    if severity >= Severity::Warn { severity_style(severity, ctx) } else { ctx.theme.style(Role::Quiet) }
}
