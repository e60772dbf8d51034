//! How a record of this program is written on the screen: time in the site's zone, letter, target, text.

use jiff::tz::TimeZone;
use log::Level;
use ratatui::style::Style;
use ratatui::text::Line;
use tui_logger::{ExtLogRecord, LogFormatter};

use crate::console::theme::{Role, Theme};
use crate::console::widgets::fit;

/// Formats live records for one console.
pub(super) struct Live {
    zone: TimeZone,
    theme: Theme,
    /// Records without it are dimmed: the records themselves are not ours to leave out.
    needle: String,
}

impl Live {
    pub(super) fn new(zone: TimeZone, theme: &Theme, filter: &str) -> Self {
        Self { zone, theme: theme.clone(), needle: filter.to_lowercase() }
    }

    fn style(&self, level: Level, text: &str) -> Style {
        if !self.needle.is_empty() && !text.to_lowercase().contains(&self.needle) {
            return self.theme.style(Role::Stale);
        }
        match level {
            Level::Error => self.theme.style(Role::High),
            Level::Warn => self.theme.style(Role::Warning),
            Level::Info => self.theme.style(Role::Text),
            Level::Debug | Level::Trace => self.theme.style(Role::Quiet),
        }
    }
}

impl LogFormatter for Live {
    fn min_width(&self) -> u16 {
        16
    }

    fn format(&self, width: usize, record: &ExtLogRecord) -> Vec<Line<'_>> {
        let letter = match record.level {
            Level::Error => "E",
            Level::Warn => "W",
            Level::Info => "I",
            Level::Debug | Level::Trace => "D",
        };
        let time = record.timestamp.with_time_zone(self.zone.clone()).strftime("%H:%M:%S").to_string();
        let (target, message) = unbridged(record.target(), record.msg());
        let text = format!("{target} {message}");
        let style = self.style(record.level, &text);
        let indent = 11;
        let mut lines: Vec<Line<'_>> = Vec::new();
        for (i, part) in fit::wrap(&text, width.saturating_sub(indent).max(1)).into_iter().enumerate() {
            let head = if i == 0 { format!("{time} {letter} ") } else { " ".repeat(indent) };
            lines.push(Line::styled(format!("{head}{part}"), style));
        }
        if lines.is_empty() {
            lines.push(Line::styled(format!("{time} {letter}"), style));
        }
        lines
    }
}

/// What a library wrote by the `log` crate comes with the place in its source before the message; people want the message.
fn unbridged<'r>(target: &'r str, message: &'r str) -> (&'r str, &'r str) {
    let inner = || message.split_once("log.target: ")?.1.split_once(' ');
    if target == "log" { inner().unwrap_or((target, message)) } else { (target, message) }
}

#[cfg(test)]
mod tests {
    use super::unbridged;

    #[test]
    fn records_of_libraries_are_shown_without_their_place_in_the_source() {
        let message =
            "log.file: /a/b.rs log.line: 351 log.module_path: pg::connection log.target: pg::connection NOTICE: a role";
        assert_eq!(unbridged("log", message), ("pg::connection", "NOTICE: a role"));
        assert_eq!(unbridged("log", "plain"), ("log", "plain"));
        assert_eq!(unbridged("vms", "log.target: x y"), ("vms", "log.target: x y"));
    }
}
