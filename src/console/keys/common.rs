//! The shared actions of lists and dialogs: whoever has the keyboard does them in its own way.

use super::{ActionInfo, Context};

const fn list(id: &'static str, title: &'static str) -> ActionInfo {
    ActionInfo { id, title, context: Context::List }
}

const fn dialog(id: &'static str, title: &'static str) -> ActionInfo {
    ActionInfo { id, title, context: Context::Dialog }
}

/// Lists and movement, the same on all tabs.
pub const LIST: [ActionInfo; 14] = [
    list("up", "one row up"),
    list("down", "one row down"),
    list("left", "left"),
    list("right", "right"),
    list("page-up", "one page up"),
    list("page-down", "one page down"),
    list("first", "first row"),
    list("last", "last row"),
    list("open", "detail"),
    list("back", "one step out"),
    list("focus-next", "next pane"),
    list("focus-previous", "previous pane"),
    list("filter", "filter"),
    list("sort", "sort"),
];

/// Dialogs and overlays.
pub const DIALOG: [ActionInfo; 16] = [
    dialog("accept", "take the marked answer or row"),
    dialog("cancel", "close, change nothing"),
    dialog("yes", "answer yes"),
    dialog("no", "answer no"),
    dialog("up", "one row up"),
    dialog("down", "one row down"),
    dialog("page-up", "one page up"),
    dialog("page-down", "one page down"),
    dialog("first", "first row"),
    dialog("last", "last row"),
    dialog("other", "the other answer"),
    dialog("acknowledge", "acknowledge the selected alarm"),
    dialog("acknowledge-all", "acknowledge all alarms"),
    dialog("filter", "history: only what contains a text"),
    dialog("time", "history: go to a time"),
    dialog("history", "history of the selected alarm"),
];
