//! A state as symbol, letter and word, so that its colour never carries the meaning alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use crate::console::theme::{Role, Theme};
use crate::model::alarm::{Alarm, Priority};

/// What kind of state is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// All is well.
    #[default]
    Well,
    /// Switched off, stopped, not applicable.
    Idle,
    /// Not known.
    Unknown,
    /// Cannot be measured or read.
    Fault,
    /// Beyond a warning.
    Warning,
    /// An alarm of this priority.
    Alarm(Priority),
}

impl Mark {
    /// The role of its colour.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Well | Self::Idle => Role::Quiet,
            Self::Alarm(Priority::Low) => Role::Advisory,
            Self::Unknown | Self::Fault => Role::Unknown,
            Self::Warning | Self::Alarm(Priority::Medium) => Role::Warning,
            Self::Alarm(Priority::High) => Role::High,
            Self::Alarm(Priority::Critical) => Role::Critical,
        }
    }

    /// Symbol and letter, always four cells wide.
    #[must_use]
    pub fn symbol(self, unicode: bool) -> &'static str {
        match (self, unicode) {
            (Self::Well, true) => "●   ",
            (Self::Well, false) => "o   ",
            (Self::Idle, true) => "○   ",
            (Self::Idle, false) => "-   ",
            (Self::Unknown, _) => "? U ",
            (Self::Fault, _) => "? F ",
            (Self::Warning, true) => "◆ W ",
            (Self::Warning, false) => "* W ",
            (Self::Alarm(Priority::Low), true) => "● L ",
            (Self::Alarm(Priority::Low), false) => ". L ",
            (Self::Alarm(Priority::Medium), true) => "◆ M ",
            (Self::Alarm(Priority::Medium), false) => "* M ",
            (Self::Alarm(Priority::High), true) => "▲ H ",
            (Self::Alarm(Priority::High), false) => "! H ",
            (Self::Alarm(Priority::Critical), true) => "▲ C ",
            (Self::Alarm(Priority::Critical), false) => "!!C ",
        }
    }
}

/// A state with its word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What kind of state.
    pub mark: Mark,
    /// The word after it.
    pub word: String,
    /// Somebody still has to acknowledge: the symbol blinks.
    pub unacknowledged: bool,
}

impl State {
    /// A state that nobody has to acknowledge.
    #[must_use]
    pub fn new(mark: Mark, word: impl Into<String>) -> Self {
        Self { mark, word: word.into(), unacknowledged: false }
    }

    /// Raises the state to the worst of these alarms; the word stays, but what is well again and not acknowledged yet is
    /// said to have returned.
    #[must_use]
    pub fn with_alarms<'a>(mut self, alarms: impl Iterator<Item = &'a Alarm>) -> Self {
        for alarm in alarms {
            if alarm.state.active() {
                self.mark = self.mark.max(Mark::Alarm(alarm.priority));
            } else if alarm.state.unacknowledged() && matches!(self.mark, Mark::Well | Mark::Idle) {
                self = Self::new(Mark::Alarm(alarm.priority), "returned");
            }
            self.unacknowledged |= alarm.state.unacknowledged();
        }
        self
    }

    /// Symbol, letter and word as spans.
    #[must_use]
    pub fn spans(&self, theme: &Theme) -> [Span<'static>; 2] {
        let style = theme.style(self.mark.role());
        let blink = if self.unacknowledged && theme.blink { Modifier::REVERSED } else { Modifier::empty() };
        let symbol = self.mark.symbol(theme.unicode);
        [Span::styled(symbol, style.add_modifier(blink)), Span::styled(self.word.clone(), style)]
    }
}

/// The style of text that is old (dimmed) or not.
#[must_use]
pub fn aged(theme: &Theme, stale: bool, role: Role) -> Style {
    theme.style(if stale { Role::Stale } else { role })
}

/// Shows that a row is selected: its style, and a pointer in the column before it.
pub fn select(buf: &mut Buffer, row: Rect, theme: &Theme, focused: bool) {
    theme.select(buf, row, focused);
    if let Some(before) = row.x.checked_sub(1).and_then(|x| buf.cell_mut((x, row.y))) {
        before.set_symbol(theme.glyphs().select).set_style(theme.style(Role::Focus));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_take_the_same_room() {
        let mut all = vec![Mark::Well, Mark::Idle, Mark::Unknown, Mark::Fault, Mark::Warning];
        all.extend(Priority::ALL.map(Mark::Alarm));
        for mark in all {
            for unicode in [true, false] {
                assert_eq!(super::super::fit::width(mark.symbol(unicode)), 4, "{mark:?}");
            }
        }
    }

    #[test]
    fn an_alarm_is_worse_than_a_warning() {
        assert!(Mark::Alarm(Priority::Low) > Mark::Warning && Mark::Fault > Mark::Well);
    }

    #[test]
    fn what_returned_unacknowledged_is_not_hidden() {
        use crate::model::alarm::AlarmState;
        let mut alarm = crate::console::sample::alarm().alarms[0].clone();
        alarm.state = AlarmState::ReturnedUnacknowledged;
        let state = State::new(Mark::Well, "normal").with_alarms([&alarm].into_iter());
        assert_eq!(
            (state.mark, state.word.as_str(), state.unacknowledged),
            (Mark::Alarm(alarm.priority), "returned", true)
        );
        alarm.state = AlarmState::ActiveAcknowledged;
        let state = State::new(Mark::Warning, "alarm").with_alarms([&alarm].into_iter());
        assert_eq!((state.mark, state.unacknowledged), (Mark::Alarm(alarm.priority), false));
    }
}
