//! What can be done everywhere: one row an action.

use std::sync::Arc;

use super::alarms::AlarmList;
use super::ask::{Ask, Then};
use super::fleet::Fleet;
use super::help::Help;
use super::history::EventList;
use super::palette::Palette;
use super::{App, Effect};
use crate::console::keys::{Action, Context};
use crate::console::view::Want;
use crate::model::intent::IntentKind;

type Run = fn(&mut App, &crate::console::view::Ctx<'_>) -> Want;

const fn row(id: &'static str, title: &'static str, run: Run) -> Action<App> {
    Action::new(Context::Global, id, title, run)
}

/// Every action that works on every tab.
pub static GLOBAL: [Action<App>; 19] = [
    row("acknowledge", "acknowledge the alarm on the alarm line", |app, _| acknowledge(app)),
    row("alarms", "list all alarms", |app, _| open(app, |_| Box::new(AlarmList::default()))),
    row("history", "history: events, alarms, maintenance records, back in time", |app, _| {
        open(app, |_| Box::new(EventList::default()))
    }),
    row("fleet", "every node of the site", |app, _| open(app, |_| Box::new(Fleet::default()))),
    row("help", "help: the keys as they are now", |app, _| {
        open(app, |app| Box::new(Help::new(&app.keymap, app.tabs.get(app.current).map(|t| t.context()))))
    }),
    row("palette", "commands: everything that can be done", |app, _| open(app, |app| palette(app, ""))),
    row("demo", "faults of the demonstration", |app, _| {
        if app.board.demo.is_empty() {
            return Want::Say("Faults can be switched on in the demonstration only: vms demo.".into());
        }
        open(app, |app| palette(app, "demo: "))
    }),
    row("freeze", "freeze the view, or let it run again", |app, _| freeze(app)),
    row("mouse", "give the mouse to the terminal, or take it", |app, _| mouse(app)),
    row("redraw", "draw everything again", |app, _| {
        app.effects.push(Effect::Redraw);
        Want::Nothing
    }),
    row("next-tab", "next tab", |app, _| turn(app, 1)),
    row("previous-tab", "previous tab", |app, _| turn(app, app.tabs.len().saturating_sub(1))),
    row("tab-cameras", "go to Cameras", |app, _| show(app, Context::Cameras)),
    row("tab-vibration", "go to Vibration", |app, _| show(app, Context::Vibration)),
    row("tab-plc", "go to PLC", |app, _| show(app, Context::Plc)),
    row("tab-resources", "go to Resources", |app, _| show(app, Context::Resources)),
    row("tab-logs", "go to Logs", |app, _| show(app, Context::Logs)),
    row("tab-maintenance", "go to Maintenance", |app, _| show(app, Context::Maintenance)),
    row("quit", "leave (asks first)", |app, _| quit(app)),
];

fn open(app: &mut App, make: impl FnOnce(&App) -> Box<dyn super::Overlay>) -> Want {
    let overlay = make(app);
    app.overlays.push(overlay);
    Want::Nothing
}

fn palette(app: &App, typed: &str) -> Box<dyn super::Overlay> {
    let current = app.tabs.get(app.current).map(|t| t.context());
    let (board, _) = app.seen();
    let targets = app.tabs.iter().enumerate().flat_map(|(i, t)| {
        let named = t.targets(&board).into_iter();
        named.map(move |(shown, target)| (shown, i, target))
    });
    Box::new(Palette::new(&app.keymap, current, targets.collect(), &app.board.demo, typed))
}

/// Acknowledges the alarm that was on the alarm line when the key was pressed, never one that has just taken its place.
fn acknowledge(app: &mut App) -> Want {
    let Some(id) = app.shown_alarm.clone() else {
        return Want::Say("There is no unacknowledged alarm.".into());
    };
    let still = app.board.alarms.iter().any(|a| a.id == id && a.state.unacknowledged());
    if !still {
        return Want::Say("This alarm has been acknowledged already.".into());
    }
    app.acknowledge(id);
    Want::Nothing
}

pub(super) fn ask_acknowledge_all(app: &mut App) {
    let n = app.board.alarms.iter().filter(|a| a.state.unacknowledged()).count();
    if n == 0 {
        app.say("There is no unacknowledged alarm.".into(), false);
        return;
    }
    let alarms = if n == 1 { "the 1 unacknowledged alarm".into() } else { format!("all {n} unacknowledged alarms") };
    let question = format!("Acknowledge {alarms}? Only do so if you have read every one of them.");
    app.overlays.push(Box::new(Ask::new("Acknowledge all", question, Then::Send(IntentKind::AcknowledgeAll))));
}

fn freeze(app: &mut App) -> Want {
    app.frozen = match app.frozen.take() {
        Some(_) => None,
        None => Some((Arc::clone(&app.board), app.now)),
    };
    Want::Nothing
}

fn mouse(app: &mut App) -> Want {
    app.mouse = !app.mouse;
    app.effects.push(Effect::Mouse(app.mouse));
    Want::Say(if app.mouse {
        "The mouse works in the console.".into()
    } else {
        "The mouse selects text of the terminal; the same key takes it back.".into()
    })
}

fn turn(app: &mut App, by: usize) -> Want {
    if !app.tabs.is_empty() {
        let to = (app.current + by) % app.tabs.len();
        app.go(to);
    }
    Want::Nothing
}

fn show(app: &mut App, context: Context) -> Want {
    if let Some(i) = app.tabs.iter().position(|t| t.context() == context) {
        app.go(i);
    }
    Want::Nothing
}

fn quit(app: &mut App) -> Want {
    let (title, question) = if app.about.engine_here {
        (
            "Stop the engine?",
            "The engine runs in this program and stops with it: no camera is measured, no alarm is raised and the PLC gets \
             no heartbeat until it is started again. Stop it?",
        )
    } else {
        ("Leave?", "Close this console? The engine goes on without it.")
    };
    app.overlays.push(Box::new(Ask::new(title, question.into(), Then::Quit)));
    Want::Nothing
}
