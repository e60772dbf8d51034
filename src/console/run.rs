//! The console on this process's terminal: it owns the terminal, waits for input and boards, draws, and carries out effects.

mod gate;
mod terminal;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use crokey::crossterm::event::Event;
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::{mpsc, watch};

pub use terminal::install_panic_hook;

use super::app::{App, Capabilities, Effect, Input};
use super::keys::Keymap;
use super::tabs;
use super::theme::Theme;
use crate::base::clock::{Clock, Mono};
use crate::base::shutdown::Shutdown;
use crate::model::board::Board;
use crate::model::intent::{Intent, IntentKind, Reply};
use gate::Heard;

/// At most ten drawings a second, except in answer to input; also how often time is looked at.
const TURN: Duration = Duration::from_millis(100);
/// Events of the terminal that wait to be handled; the reader waits when it is full.
const EVENTS: usize = 256;
/// Requests to the engine that have no answer yet.
const OPEN_REQUESTS: usize = 32;

/// What the console is started with.
#[derive(Clone, Debug)]
pub struct ConsoleOptions {
    /// The keys.
    pub keymap: Keymap,
    /// Whether a new alarm rings the terminal's bell.
    pub bell: bool,
    /// Name of the theme, one of [`Theme::NAMES`]; `control-room` for any other, and it is said.
    pub theme: Arc<str>,
    /// Who sits there.
    pub who: Arc<str>,
}

/// How the console ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The person asked to stop.
    Quit,
    /// The terminal went away: what was seen. Nothing may be written to it any more; standard output and error lead to nowhere.
    TerminalLost(String),
    /// The end was asked for elsewhere.
    ShutDown,
}

/// Starts work on a thread of its own, under a name.
pub type Spawn<'a> = &'a dyn Fn(&str, Box<dyn FnOnce() + Send>);

/// Runs the console on this thread until it ends. The terminal is restored on every way out, except when it is gone.
///
/// `spawn` runs the reader of the terminal's input on a thread of its own; that ends within a fifth of a second after this returns.
/// Must not be called from within the runtime of `handle`.
#[expect(clippy::needless_pass_by_value, reason = "a handle to the runtime is made to be handed over")]
pub fn run(
    options: ConsoleOptions,
    board: watch::Receiver<Arc<Board>>,
    intents: mpsc::Sender<Intent>,
    clock: Arc<dyn Clock>,
    handle: tokio::runtime::Handle,
    spawn: Spawn<'_>,
    shutdown: Shutdown,
) -> End {
    let theme = Theme::detect(&|name| std::env::var(name).ok());
    let mut app = make(&options, theme.named(&options.theme), &board, &*clock);
    if !Theme::NAMES.contains(&options.theme.as_ref()) {
        let known = Theme::NAMES.join(", ");
        app.tell(format!("There is no theme \"{}\" ([console] theme); there are: {known}.", options.theme));
    }
    let mut screen = match terminal::open(true) {
        Ok(screen) => screen,
        Err(e) => {
            terminal::abandon();
            return End::TerminalLost(format!("the terminal cannot be set up: {e}"));
        }
    };
    let (tx, rx) = mpsc::channel(EVENTS);
    spawn("console-input", Box::new(move || gate::read(&tx)));
    let outside = Outside { board, intents, clock, shutdown, who: options.who };
    let end = handle.block_on(turn(&mut app, &mut screen, rx, outside, terminal::act));
    if let End::TerminalLost(_) = &end {
        terminal::abandon();
        // Its Drop would write to the terminal.
        std::mem::forget(screen);
    } else {
        terminal::restore();
    }
    end
}

fn make(options: &ConsoleOptions, theme: Theme, board: &watch::Receiver<Arc<Board>>, clock: &dyn Clock) -> App {
    let about = Capabilities { who: Arc::clone(&options.who), engine_here: true, bell: options.bell, mouse: true };
    let first = Arc::clone(&board.borrow());
    App::new(options.keymap.clone(), theme, tabs::all(), about, first, clock.now())
}

/// The world around the app.
struct Outside {
    board: watch::Receiver<Arc<Board>>,
    intents: mpsc::Sender<Intent>,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    who: Arc<str>,
}

/// What woke the loop.
enum Woke {
    Heard(Option<Heard>),
    Board(bool),
    Time,
    ShutDown,
}

/// The loop: sleeps until something happens, tells the app, draws when something changed.
///
/// Generic over the backend, so that it runs on a made-up terminal in tests; `act` does what is not drawing.
async fn turn<B: Backend>(
    app: &mut App,
    screen: &mut Terminal<B>,
    mut events: mpsc::Receiver<Heard>,
    mut outside: Outside,
    act: impl Fn(&mut Terminal<B>, &Effect) -> io::Result<()>,
) -> End {
    let mut requests = Requests::default();
    let mut ticks = tokio::time::interval(TURN);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut drawn: Option<Mono> = None;
    let mut boards = true;
    loop {
        let now = outside.clock.now();
        app.handle(Input::Tick(now));
        requests.answers(app);
        match effects(app, screen, &outside, &mut requests, &act) {
            Ok(false) => {}
            Ok(true) => return leave(&outside, End::Quit),
            Err(e) => return leave(&outside, lost(&e)),
        }
        let due = drawn.is_none_or(|d| now.mono.since(d) >= TURN);
        if app.dirty() && due {
            if let Err(e) = screen.draw(|f| app.draw(f)) {
                return leave(&outside, lost(&e));
            }
            drawn = Some(now.mono);
        }
        let woke = tokio::select! {
            biased;
            () = outside.shutdown.recv() => Woke::ShutDown,
            heard = events.recv() => Woke::Heard(heard),
            changed = outside.board.changed(), if boards => Woke::Board(changed.is_ok()),
            _ = ticks.tick() => Woke::Time,
        };
        match woke {
            Woke::ShutDown => return leave(&outside, End::ShutDown),
            Woke::Heard(Some(Heard::Event(event))) => {
                tell(app, event);
                // All that is there already, then one drawing for it, at once.
                loop {
                    match events.try_recv() {
                        Ok(Heard::Event(event)) => tell(app, event),
                        Ok(Heard::Lost(why)) => return leave(&outside, End::TerminalLost(why)),
                        Err(_) => break,
                    }
                }
                drawn = None;
            }
            Woke::Heard(Some(Heard::Lost(why))) => return leave(&outside, End::TerminalLost(why)),
            Woke::Heard(None) => return leave(&outside, End::TerminalLost("its input ended".into())),
            Woke::Board(more) => {
                boards = more;
                let board = Arc::clone(&outside.board.borrow_and_update());
                app.handle(Input::Board(board));
            }
            Woke::Time => {}
        }
    }
}

fn lost(e: &dyn std::error::Error) -> End {
    End::TerminalLost(format!("drawing failed: {e}"))
}

/// Nobody looks at the picture any more.
fn leave(outside: &Outside, end: End) -> End {
    let intent = Intent { who: Arc::clone(&outside.who), why: None, kind: IntentKind::Watch(None), reply: None };
    // When the queue is full the engine has other worries; it forgets the picture with the console.
    let _ = outside.intents.try_send(intent);
    end
}

fn tell(app: &mut App, event: Event) {
    match event {
        Event::Key(key) => app.handle(Input::Key(key)),
        Event::Mouse(mouse) => app.handle(Input::Mouse(mouse)),
        Event::Paste(text) => app.handle(Input::Paste(text)),
        Event::Resize(..) => app.handle(Input::Resize),
        Event::FocusGained | Event::FocusLost => {}
    }
}

/// Carries out what the app wants; true when the person wants to leave.
fn effects<B: Backend>(
    app: &mut App,
    screen: &mut Terminal<B>,
    outside: &Outside,
    requests: &mut Requests,
    act: &impl Fn(&mut Terminal<B>, &Effect) -> io::Result<()>,
) -> io::Result<bool> {
    for effect in app.take_effects() {
        match effect {
            Effect::Quit => return Ok(true),
            Effect::Send(kind) => requests.send(kind, app, outside),
            other => act(screen, &other)?,
        }
    }
    Ok(false)
}

/// Requests to the engine whose answers are awaited.
#[derive(Default)]
struct Requests {
    open: Vec<(IntentKind, Receiver<Reply>)>,
}

impl Requests {
    fn send(&mut self, kind: IntentKind, app: &mut App, outside: &Outside) {
        if self.open.len() >= OPEN_REQUESTS {
            let say = "The engine has not answered the last requests; not sent. Try again in a moment.";
            app.handle(Input::Reply(kind, Err(say.into())));
            return;
        }
        let (tx, rx) = sync_channel(1);
        let answered = !matches!(kind, IntentKind::Watch(_));
        let intent =
            Intent { who: Arc::clone(&outside.who), why: None, kind: kind.clone(), reply: answered.then_some(tx) };
        match outside.intents.try_send(intent) {
            Ok(()) if answered => self.open.push((kind, rx)),
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                let say = "The engine is busy and did not take the request. Try again in a moment.";
                app.handle(Input::Reply(kind, Err(say.into())));
            }
            Err(mpsc::error::TrySendError::Closed(_)) => {
                app.handle(Input::Reply(kind, Err("The engine has stopped; nothing can be asked of it.".into())));
            }
        }
    }

    /// Hands the answers that have come to the app.
    fn answers(&mut self, app: &mut App) {
        let mut still = Vec::with_capacity(self.open.len());
        for (kind, rx) in self.open.drain(..) {
            match rx.try_recv() {
                Ok(reply) => app.handle(Input::Reply(kind, reply)),
                Err(TryRecvError::Empty) => still.push((kind, rx)),
                Err(TryRecvError::Disconnected) => {
                    app.handle(Input::Reply(kind, Err("The engine gave no answer to this request.".into())));
                }
            }
        }
        self.open = still;
    }
}

#[cfg(test)]
mod tests;
