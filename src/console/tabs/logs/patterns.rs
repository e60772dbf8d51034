//! The patterns of all logs: how often, against last week, since when, and which were never seen before.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state::{Logs, letter, level_words};
use super::view::{quiet_unless_bad, severity_style};
use crate::console::theme::Role;
use crate::console::view::{Ctx, Want};
use crate::console::widgets::cursor::Cursor;
use crate::console::widgets::facts::{paragraph, rule};
use crate::console::widgets::fit;
use crate::console::widgets::mark::select;
use crate::console::widgets::table::scroll_bar;
use crate::model::logs::LogPattern;

/// What the list of patterns remembers.
#[derive(Debug, Default)]
pub struct PatternsView {
    pub(super) cursor: Cursor,
    open: bool,
}

impl Logs {
    /// What a key does while patterns are shown, or the one that shows them.
    pub(super) fn patterns_action(&mut self, action: &str, ctx: &Ctx<'_>) -> Option<Want> {
        if action == "patterns" {
            self.patterns = if self.patterns.is_some() { None } else { Some(PatternsView::default()) };
            return Some(Want::Nothing);
        }
        let count = self.fitting(ctx).len();
        let view = self.patterns.as_mut()?;
        match action {
            "filter" | "level" => None,
            "open" => {
                view.open = count > 0;
                Some(Want::Nothing)
            }
            "back" if view.open => {
                view.open = false;
                Some(Want::Nothing)
            }
            "back" => {
                self.patterns = None;
                Some(Want::Nothing)
            }
            "whole-file" | "find" | "find-next" | "find-previous" | "go-to-time" | "bookmark" | "pause"
            | "next-error" | "previous-error" => {
                Some(Want::Say("Patterns are shown; p goes back to the lines.".into()))
            }
            _ => Some(if view.cursor.act(action, count) { Want::Nothing } else { Want::Pass }),
        }
    }

    /// The patterns that level and filter let through.
    fn fitting<'a>(&self, ctx: &Ctx<'a>) -> Vec<&'a LogPattern> {
        let needle = self.filter.to_lowercase();
        let all = ctx.board.logs.as_ref().map_or(&[][..], |l| &l.patterns.patterns);
        all.iter()
            .filter(|p| p.severity >= self.level)
            .filter(|p| needle.is_empty() || p.template.to_lowercase().contains(&needle))
            .collect()
    }

    pub(super) fn draw_patterns(&mut self, frame: &mut Frame<'_>, head: Rect, body: Rect, ctx: &Ctx<'_>) {
        let shown = self.fitting(ctx);
        let new = shown.iter().filter(|p| p.new).count();
        let known = ctx.board.logs.as_ref().map_or(0, |l| l.patterns.known);
        let what = format!("{}  {} of {known}", level_words(self.level), shown.len());
        let how = if new > 0 { format!("{new} never seen before") } else { "none is new".into() };
        self.heading(frame, head, "patterns of all logs", &what, &how, ctx);
        self.areas.1 = Rect { y: body.y + 1, height: body.height.saturating_sub(1), ..body };
        if shown.is_empty() {
            let fault = ctx.board.logs.as_ref().and_then(|l| l.patterns.fault.clone());
            let words = fault.as_deref().map_or(
                "No pattern yet. Lines that are written from now on are counted here by what they have in common.",
                |f| f,
            );
            paragraph(frame.buffer_mut(), body, words, ctx.theme.style(Role::Quiet), ctx.theme);
            return;
        }
        let titles = format!("{:>9} {:>7} {:>7} {:<11} pattern", "count", "/hour", "week", "first seen");
        frame.buffer_mut().set_stringn(body.x, body.y, &titles, body.width.into(), ctx.theme.style(Role::Quiet));
        let mut list = self.areas.1;
        let Some(view) = &mut self.patterns else { return };
        view.cursor.set(view.cursor.at().min(shown.len() - 1));
        let at = view.cursor.at();
        if let (true, Some(p)) = (view.open, shown.get(at)) {
            let height = (fit::wrap(&p.template, body.width.into()).len() as u16 + 3).min(list.height / 2);
            list.height -= height;
            whole(frame, Rect { y: list.bottom(), height, ..body }, p, ctx);
        }
        self.areas.1 = list;
        let top = view.cursor.fit(shown.len(), list.height.into());
        for (i, p) in shown.iter().enumerate().skip(top).take(list.height.into()) {
            let place = Rect { y: list.y + (i - top) as u16, height: 1, ..list };
            frame.render_widget(line(p, list.width.into(), ctx), place);
            if i == at {
                select(frame.buffer_mut(), place, ctx.theme, ctx.focused);
            }
        }
        let with_head = Rect { y: list.y - 1, height: list.height + 1, ..list };
        scroll_bar(frame.buffer_mut(), with_head, shown.len(), top, ctx.theme);
    }
}

/// Six figures at most, then thousands and millions.
fn short(count: u64) -> String {
    match count {
        0..1_000_000 => count.to_string(),
        1_000_000..1_000_000_000 => format!("{:.1}M", count as f64 / 1e6),
        _ => format!("{:.1}G", count as f64 / 1e9),
    }
}

fn line(p: &LogPattern, width: usize, ctx: &Ctx<'_>) -> Line<'static> {
    let zone = &ctx.board.time_zone;
    let unknown = ctx.theme.glyphs().unknown;
    let week = p.week_ago.map_or_else(|| unknown.to_owned(), |w| format!("{w:.0}"));
    let first = p.first_seen.to_zoned(zone.clone()).strftime("%m-%d %H:%M").to_string();
    let figures = format!("{:>9} {:>7.0} {week:>7} ", short(p.count), p.per_hour);
    // What is new is said by a word, not by colour alone.
    let seen = if p.new { "NEW        ".to_owned() } else { format!("{first:<11}") };
    let seen_style = if p.new { ctx.theme.style(Role::Focus) } else { ctx.theme.style(Role::Quiet) };
    let used = fit::width(&figures) + 12 + 2;
    let template = fit::cut(&ctx.theme.plain(&p.template), width.saturating_sub(used + 1), ctx.theme.unicode);
    Line::from(vec![
        Span::styled(figures, ctx.theme.style(Role::Text)),
        Span::styled(format!("{seen} "), seen_style),
        Span::styled(format!("{} ", letter(p.severity)), quiet_unless_bad(p.severity, ctx)),
        Span::styled(template, severity_style(p.severity, ctx)),
    ])
}

fn whole(frame: &mut Frame<'_>, area: Rect, p: &LogPattern, ctx: &Ctx<'_>) {
    if area.height < 2 {
        return;
    }
    rule(frame.buffer_mut(), Rect { height: 1, ..area }, &p.source, ctx.theme);
    let zone = &ctx.board.time_zone;
    let time = |t: jiff::Timestamp| t.to_zoned(zone.clone()).strftime("%F %H:%M:%S").to_string();
    let facts = format!("{} lines, first {}, last {}", p.count, time(p.first_seen), time(p.last_seen));
    paragraph(
        frame.buffer_mut(),
        Rect { y: area.y + 1, height: 1, ..area },
        &facts,
        ctx.theme.style(Role::Quiet),
        ctx.theme,
    );
    let rest = Rect { y: area.y + 2, height: area.height - 2, ..area };
    paragraph(frame.buffer_mut(), rest, &p.template, severity_style(p.severity, ctx), ctx.theme);
}
