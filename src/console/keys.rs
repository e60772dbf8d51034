//! Keys and actions: one row defines an action; keymap, help, palette and docs come from it.

mod common;
mod keymap;
mod names;
pub mod table;

pub use common::{DIALOG, LIST};
pub use keymap::Keymap;
pub(crate) use names::of_event;
pub use names::{label, parse_key};
pub use table::{KeyRow, markdown, table};

use super::view::{Ctx, Want};

/// Where a key means something. A key is looked up in the tab's own context first, then in `List`, then in `Global`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Everywhere.
    Global,
    /// Lists and movement, the same on all tabs.
    List,
    /// Dialogs, overlays.
    Dialog,
    /// Tab 1.
    Cameras,
    /// Tab 2.
    Vibration,
    /// Tab 3.
    Plc,
    /// Tab 4.
    Resources,
    /// Tab 5.
    Logs,
    /// Tab 6.
    Maintenance,
}

impl Context {
    /// Every context, in the order of the keymap file.
    pub const ALL: [Self; 9] = [
        Self::Global,
        Self::List,
        Self::Dialog,
        Self::Cameras,
        Self::Vibration,
        Self::Plc,
        Self::Resources,
        Self::Logs,
        Self::Maintenance,
    ];

    /// The tabs' contexts, in the order of their numbers.
    pub const TABS: [Self; 6] =
        [Self::Cameras, Self::Vibration, Self::Plc, Self::Resources, Self::Logs, Self::Maintenance];

    /// Its section in the keymap file.
    #[must_use]
    pub fn section(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Dialog => "dialog",
            Self::Cameras => "cameras",
            Self::Vibration => "vibration",
            Self::Plc => "plc",
            Self::Resources => "resources",
            Self::Logs => "logs",
            Self::Maintenance => "maintenance",
        }
    }

    /// Its heading for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Global => "Everywhere",
            Self::List => "Lists",
            Self::Dialog => "Dialogs",
            Self::Cameras => "Cameras",
            Self::Vibration => "Vibration",
            Self::Plc => "PLC",
            Self::Resources => "Resources",
            Self::Logs => "Logs",
            Self::Maintenance => "Maintenance",
        }
    }
}

/// An action as help and palette show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionInfo {
    /// Its id in the keymap file: `acknowledge`, `next-tab`.
    pub id: &'static str,
    /// What it does, in a few words.
    pub title: &'static str,
    /// Where it belongs.
    pub context: Context,
}

/// One row defines an action: what it is and what does it.
pub struct Action<S: 'static> {
    /// For the keymap, help and palette.
    pub info: ActionInfo,
    /// What does it.
    pub run: fn(&mut S, &Ctx<'_>) -> Want,
}

impl<S> Action<S> {
    /// A row.
    #[must_use]
    pub const fn new(
        context: Context,
        id: &'static str,
        title: &'static str,
        run: fn(&mut S, &Ctx<'_>) -> Want,
    ) -> Self {
        Self { info: ActionInfo { id, title, context }, run }
    }
}

/// The infos of some rows, for registration.
#[must_use]
pub fn infos<S>(rows: &[Action<S>]) -> Vec<ActionInfo> {
    rows.iter().map(|r| r.info).collect()
}

/// Runs the row of this id; none if there is none.
pub fn dispatch<S>(rows: &[Action<S>], owner: &mut S, id: &str, ctx: &Ctx<'_>) -> Option<Want> {
    rows.iter().find(|r| r.info.id == id).map(|r| (r.run)(owner, ctx))
}

/// Every action of the console: everywhere, lists, dialogs, then each tab's.
#[must_use]
pub fn all_actions() -> Vec<ActionInfo> {
    let mut all = infos(&super::app::GLOBAL);
    all.extend(LIST);
    all.extend(DIALOG);
    for tab in super::tabs::TABS {
        all.extend((tab.actions)());
    }
    all
}
