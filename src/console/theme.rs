//! Colours and symbols by role; code never names a colour or a drawing character.

mod glyphs;
mod marks;

pub use glyphs::Glyphs;
pub use marks::Mark;

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::model::alarm::{AlarmState, Priority};

/// What a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Labels, rules, what is well.
    Quiet,
    /// The element that has the keyboard.
    Focus,
    /// Advice, low priority.
    Advisory,
    /// Warning, medium priority.
    Warning,
    /// High priority.
    High,
    /// Critical priority.
    Critical,
    /// Not known.
    Unknown,
    /// Known but old.
    Stale,
}

/// How many shades a terminal has for pictures; everything else is drawn with the sixteen named colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// No colours at all.
    Mono,
    /// The sixteen named ones.
    Sixteen,
    /// The palette of 256 (24 greys).
    Palette,
    /// 24 bits.
    True,
}

/// Colours and symbols in force for one terminal.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Whether the terminal shows more than ASCII.
    pub unicode: bool,
    /// Whether the terminal has colours at all.
    pub colours: bool,
    /// Whether the blinking cells are inverse at this moment.
    pub blink: bool,
    /// Shades for pictures.
    pub depth: Depth,
}

impl Theme {
    /// A theme for a terminal with these abilities.
    #[must_use]
    pub fn new(unicode: bool, depth: Depth) -> Self {
        Self { unicode, colours: depth > Depth::Mono, blink: false, depth }
    }

    /// The themes there are: as the terminal can, and without colours.
    pub const NAMES: [&'static str; 2] = ["control-room", "mono"];

    /// This theme as the one of this name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        if name == "mono" { Self::new(self.unicode, Depth::Mono) } else { self }
    }

    /// What the environment tells about the terminal: `NO_COLOR` (no-color.org), `COLORTERM` and `TERM` for the colours;
    /// the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set (POSIX.1-2017, 8.2) for the characters.
    #[must_use]
    pub fn detect(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| env(name).filter(|v| !v.is_empty());
        let term = get("TERM").unwrap_or_default();
        let depth = if get("NO_COLOR").is_some() || term.is_empty() || term == "dumb" || term.starts_with("vt") {
            Depth::Mono
        } else if get("COLORTERM").is_some_and(|c| c == "truecolor" || c == "24bit") || term.ends_with("-direct") {
            Depth::True
        } else if term.contains("256color") {
            Depth::Palette
        } else {
            Depth::Sixteen
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(get).unwrap_or_default().to_lowercase();
        Self::new(locale.contains("utf-8") || locale.contains("utf8"), depth)
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        let s = Style::default();
        if self.colours {
            match role {
                Role::Text => s,
                Role::Quiet => s.fg(Color::DarkGray),
                Role::Focus => s.fg(Color::Cyan),
                Role::Advisory => s.fg(Color::LightBlue),
                Role::Warning => s.fg(Color::Yellow),
                Role::High => s.fg(Color::LightRed),
                Role::Critical => s.fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD),
                Role::Unknown => s.fg(Color::Magenta),
                Role::Stale => s.fg(Color::DarkGray).add_modifier(Modifier::DIM),
            }
        } else {
            match role {
                Role::Text | Role::Advisory => s,
                Role::Quiet | Role::Stale | Role::Unknown => s.add_modifier(Modifier::DIM),
                Role::Focus | Role::High => s.add_modifier(Modifier::BOLD),
                Role::Warning => s.add_modifier(Modifier::UNDERLINED),
                Role::Critical => s.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            }
        }
    }

    /// The same style for a value that is old: dimmed.
    #[must_use]
    pub fn aged(&self, style: Style, stale: bool) -> Style {
        if stale { style.patch(self.style(Role::Stale)) } else { style }
    }

    /// Headings: what stands over something.
    #[must_use]
    pub fn heading(&self) -> Style {
        Style::default().add_modifier(Modifier::BOLD)
    }

    /// The selected row: inverse where the list has the keyboard, else only bold.
    #[must_use]
    pub fn selection(&self, focused: bool) -> Style {
        Style::default().add_modifier(if focused { Modifier::REVERSED } else { Modifier::BOLD })
    }

    /// Shows a row of cells as selected, evenly: what is quiet in it would else become grey on white and look like gaps.
    pub fn select(&self, buf: &mut Buffer, row: Rect, focused: bool) {
        let row = row.intersection(buf.area);
        let quiet = self.style(Role::Quiet);
        buf.set_style(row, self.selection(focused));
        for place in row.positions().filter(|_| focused) {
            if let Some(cell) = buf.cell_mut(place)
                && quiet.fg.is_some_and(|fg| cell.fg == fg)
            {
                cell.fg = Color::Reset;
            }
        }
        if focused {
            buf.set_style(row, Style::default().remove_modifier(quiet.add_modifier & Modifier::DIM));
        }
    }

    /// The role of a priority.
    #[must_use]
    pub fn priority_role(&self, p: Priority) -> Role {
        match p {
            Priority::Low => Role::Advisory,
            Priority::Medium => Role::Warning,
            Priority::High => Role::High,
            Priority::Critical => Role::Critical,
        }
    }

    /// The style of an alarm's symbol: unacknowledged blinks by inverse video once a second, acknowledged is steady.
    #[must_use]
    pub fn alarm_style(&self, p: Priority, state: AlarmState) -> Style {
        let s = self.style(self.priority_role(p));
        if state.unacknowledged() && self.blink { s.add_modifier(Modifier::REVERSED) } else { s }
    }

    /// The drawing characters.
    #[must_use]
    pub fn glyphs(&self) -> &'static Glyphs {
        if self.unicode { &glyphs::UNICODE } else { &glyphs::ASCII }
    }

    /// A text with what this terminal can show: without Unicode, known signs get their ASCII form.
    #[must_use]
    pub fn plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.chars().map(glyphs::ascii).collect())
    }

    /// The last net: whatever text from outside (names, log lines) still holds is brought to ASCII, cell by cell.
    pub fn settle(&self, buffer: &mut Buffer) {
        if self.unicode {
            return;
        }
        for cell in &mut buffer.content {
            if !cell.symbol().is_ascii() {
                let one = cell.symbol().chars().next().map_or('?', glyphs::ascii);
                cell.set_char(one);
            }
        }
    }

    /// The colour of a grey level (0 black, 255 white) for pictures; none where the terminal has no colours.
    #[must_use]
    pub fn grey(&self, level: u8) -> Option<Color> {
        match self.depth {
            Depth::Mono => None,
            Depth::Sixteen => Some(match level {
                0..48 => Color::Black,
                48..128 => Color::DarkGray,
                128..208 => Color::Gray,
                208.. => Color::White,
            }),
            // xterm's grey ramp: 232 is level 8, each step 10 more, 255 is level 238.
            Depth::Palette => Some(Color::Indexed(match level {
                0..4 => 16,
                247.. => 231,
                _ => 232 + ((u16::from(level).saturating_sub(3)) / 10).min(23) as u8,
            })),
            Depth::True => Some(Color::Rgb(level, level, level)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(vars: &[(&str, &str)]) -> Theme {
        Theme::detect(&|n| vars.iter().find(|(k, _)| *k == n).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_environment_decides() {
        let t = detect(&[("TERM", "xterm-256color"), ("LANG", "en_US.UTF-8")]);
        assert_eq!((t.depth, t.unicode), (Depth::Palette, true));
        let t = detect(&[("TERM", "xterm"), ("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]);
        assert_eq!((t.depth, t.unicode), (Depth::Sixteen, false));
        assert_eq!(detect(&[("TERM", "xterm"), ("NO_COLOR", "1")]).depth, Depth::Mono);
        assert_eq!(detect(&[("TERM", "xterm"), ("NO_COLOR", "")]).depth, Depth::Sixteen);
        assert_eq!(detect(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]).depth, Depth::True);
        assert_eq!(detect(&[]).depth, Depth::Mono);
    }

    #[test]
    fn only_the_unacknowledged_blink() {
        let mut t = Theme::new(true, Depth::Sixteen);
        let steady = t.alarm_style(Priority::High, AlarmState::ActiveUnacknowledged);
        t.blink = true;
        assert_ne!(t.alarm_style(Priority::High, AlarmState::ActiveUnacknowledged), steady);
        assert_eq!(t.alarm_style(Priority::High, AlarmState::ActiveAcknowledged), steady);
    }

    #[test]
    fn ascii_has_a_form_for_every_sign() {
        let t = Theme::new(false, Depth::Mono);
        assert_eq!(t.plain("a – b × c … ± µ →").as_ref(), "a - b x c . + u >");
        for g in glyphs::ASCII.every() {
            assert!(g.is_ascii(), "{g}");
        }
    }
}
