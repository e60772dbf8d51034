//! What the logs tab remembers: the source, the place within it, the filter and the level.

use log::LevelFilter;
use ratatui::layout::Rect;
use tui_logger::TuiWidgetState;

use super::book::BookView;
use super::patterns::PatternsView;
use crate::console::view::Ctx;
use crate::console::widgets::cursor::Cursor;
use crate::model::logs::{LogLine, LogSource, Severity};

/// Which half has the keyboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Focus {
    #[default]
    Sources,
    Lines,
}

/// The logs tab.
pub struct Logs {
    /// Selected source: 0 is this program, live; the board's sources follow.
    pub(super) sources: Cursor,
    pub(super) focus: Focus,
    pub(super) filter: String,
    /// The least severe line that is shown.
    pub(super) level: Severity,
    /// The place by line number; none while the newest line is followed.
    pub(super) place: Option<u64>,
    /// Cells scrolled to the right.
    pub(super) sideways: usize,
    /// The selected line is shown in full.
    pub(super) open: bool,
    /// Which lines are in view.
    pub(super) lines: Cursor,
    /// This console's own view of the program's records.
    pub(super) live: TuiWidgetState,
    /// The live records are held still.
    pub(super) live_paused: bool,
    /// The whole file is looked into, instead of its newest lines.
    pub(super) book: Option<BookView>,
    /// The patterns are shown instead of lines.
    pub(super) patterns: Option<PatternsView>,
    /// What is searched for.
    pub(super) find: String,
    /// Where the halves were drawn last, for the mouse.
    pub(super) areas: (Rect, Rect),
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            sources: Cursor::default(),
            focus: Focus::default(),
            filter: String::new(),
            level: Severity::Unknown,
            place: None,
            sideways: 0,
            open: false,
            lines: Cursor::default(),
            live: live_state(Severity::Unknown),
            live_paused: false,
            book: None,
            patterns: None,
            find: String::new(),
            areas: (Rect::default(), Rect::default()),
        }
    }
}

/// A fresh view of the live records from this severity on.
pub(super) fn live_state(level: Severity) -> TuiWidgetState {
    let filter = match level {
        Severity::Unknown | Severity::Debug => LevelFilter::Trace,
        Severity::Info => LevelFilter::Info,
        Severity::Warn => LevelFilter::Warn,
        Severity::Error => LevelFilter::Error,
    };
    TuiWidgetState::new().set_default_display_level(filter)
}

impl Logs {
    /// The board's log files.
    pub(super) fn files<'a>(ctx: &Ctx<'a>) -> &'a [LogSource] {
        ctx.board.logs.as_ref().map_or(&[], |l| &l.sources)
    }

    /// Number of rows on the left.
    pub(super) fn count(ctx: &Ctx<'_>) -> usize {
        Self::files(ctx).len() + 1
    }

    /// The selected file; none while the live records are selected.
    pub(super) fn file<'a>(&self, ctx: &Ctx<'a>) -> Option<&'a LogSource> {
        self.sources.at().checked_sub(1).and_then(|i| Self::files(ctx).get(i))
    }

    /// The lines of a file that level and filter let through.
    pub(super) fn shown<'a>(&self, file: &'a LogSource) -> Vec<&'a LogLine> {
        let needle = self.filter.to_lowercase();
        let lines = file.lines.iter().filter(|l| l.severity >= self.level);
        lines.filter(|l| needle.is_empty() || l.text.to_lowercase().contains(&needle)).collect()
    }

    /// The index of the place among the lines shown: the newest while following.
    pub(super) fn at(&self, shown: &[&LogLine]) -> usize {
        let last = shown.len().saturating_sub(1);
        self.place.map_or(last, |number| shown.iter().position(|l| l.number >= number).unwrap_or(last))
    }

    /// Goes to another source: its newest lines.
    pub(super) fn source_changed(&mut self) {
        self.place = None;
        self.book = None;
        self.sideways = 0;
        self.open = false;
    }
}

/// The letter of a severity.
pub(super) fn letter(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown => " ",
        Severity::Debug => "D",
        Severity::Info => "I",
        Severity::Warn => "W",
        Severity::Error => "E",
    }
}

/// What the level lets through, in words.
pub(super) fn level_words(level: Severity) -> &'static str {
    match level {
        Severity::Unknown | Severity::Debug => "all levels",
        Severity::Info => "info and worse",
        Severity::Warn => "warnings and errors",
        Severity::Error => "errors only",
    }
}
