//! What a tab is to the console: it is told what was pressed, it draws, and it says what it wants.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::keys::{ActionInfo, Context};
use super::theme::Theme;
use crate::base::clock::Now;
use crate::model::board::Board;
use crate::model::intent::IntentKind;

/// What a tab may look at while it acts or draws.
#[derive(Clone, Copy)]
pub struct Ctx<'a> {
    /// What is true (or was, while the view is frozen).
    pub board: &'a Board,
    /// The present moment, for ages.
    pub now: Now,
    /// Colours and symbols.
    pub theme: &'a Theme,
    /// Whether the tab has the keyboard (no overlay is open).
    pub focused: bool,
}

/// What a tab wants done after an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// Nothing; the key was used.
    Nothing,
    /// Ask the engine.
    Send(IntentKind),
    /// Ask the person first: what will happen, then ask the engine. Defaults to No.
    Confirm {
        /// The question, naming what will go.
        question: String,
        /// What to ask the engine for on Yes.
        then: IntentKind,
    },
    /// Ask the person for a line of text; it comes back through [`Tab::text`].
    Prompt {
        /// What is asked for.
        title: String,
        /// What is already there.
        initial: String,
        /// Which prompt this is, handed back with the text.
        tag: &'static str,
    },
    /// A sentence on the last line for some seconds.
    Say(String),
    /// Not mine: let the console go on (Esc at the tab's outermost level, for example).
    Pass,
}

/// One of the six tabs. Its state is its own; it sees nothing but the board.
pub trait Tab {
    /// Its name on the tab line.
    fn title(&self) -> &'static str;

    /// The context of its keys in the keymap.
    fn context(&self) -> Context;

    /// Its actions that make sense now: for the key line, help and palette.
    fn actions(&self) -> Vec<ActionInfo>;

    /// A mark after its name on the tab line (`2!`), when it has something to say.
    fn badge(&self, _ctx: &Ctx<'_>) -> Option<String> {
        None
    }

    /// Does the action of this id (from its own context or the shared list and movement ones).
    fn act(&mut self, action: &str, ctx: &Ctx<'_>) -> Want;

    /// Takes the text of a prompt it asked for; none if the person gave it up. While a filter is typed it comes at every key.
    fn text(&mut self, _tag: &'static str, _text: Option<&str>, _ctx: &Ctx<'_>) -> Want {
        Want::Nothing
    }

    /// Things that the palette can go to on this tab: what it shows, and the name handed to [`Tab::reveal`].
    fn targets(&self, _board: &Board) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Selects and opens the thing of this name (one of [`Tab::targets`]).
    fn reveal(&mut self, _target: &str, _ctx: &Ctx<'_>) -> Want {
        Want::Nothing
    }

    /// A click or the wheel (`by` rows, negative is up) at a place within the area drawn last.
    fn mouse(&mut self, _column: u16, _row: u16, _what: Mouse, _ctx: &Ctx<'_>) -> Want {
        Want::Nothing
    }

    /// The tab came to the front (true) or went (false).
    fn shown(&mut self, _front: bool, _ctx: &Ctx<'_>) -> Want {
        Want::Nothing
    }

    /// What the tab in front wants by itself; asked after every input and tick, so it must be quick and mostly nothing.
    fn idle(&mut self, _ctx: &Ctx<'_>) -> Want {
        Want::Nothing
    }

    /// How old the newest data of this tab is, in seconds; none before the first.
    fn data_age_s(&self, ctx: &Ctx<'_>) -> Option<f64>;

    /// Draws itself into the area. Pure: the same state and board give the same cells.
    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>);
}

/// What the mouse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// Left button pressed.
    Click,
    /// Left button pressed twice.
    DoubleClick,
    /// Wheel turned by this many rows, negative is up.
    Wheel(i16),
}
