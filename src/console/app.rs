//! The console's state machine: it takes inputs, draws cells and leaves effects; it does no I/O and reads no clock.

mod actions;
mod alarms;
mod ask;
mod fleet;
mod frame;
mod help;
mod history;
mod overlay;
mod palette;
mod prompt;

use std::collections::HashSet;
use std::sync::Arc;

use crokey::crossterm::event::{KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

pub use actions::GLOBAL;

use super::keys::{Context, Keymap};
use super::theme::Theme;
use super::view::{Ctx, Mouse, Tab, Want};
use crate::base::clock::{Mono, Now};
use crate::model::AlarmId;
use crate::model::alarm::Alarm;
use crate::model::board::Board;
use crate::model::intent::{IntentKind, Reply};
use overlay::{Overlay, Room, Step};

/// How long a sentence stays on the last line, in seconds.
const SAY_S: f64 = 6.0;
/// How long a fault stays there.
const FAULT_S: f64 = 15.0;
/// A board older than this is not fresh: the engine publishes several a second.
pub(crate) const STALE_S: f64 = 3.0;
/// Two clicks within this time on one cell are a double click.
const DOUBLE_CLICK_S: f64 = 0.4;

/// What the app is told.
#[derive(Debug)]
pub enum Input {
    /// A key.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseEvent),
    /// Text pasted at once.
    Paste(String),
    /// The terminal has another size.
    Resize,
    /// A new board.
    Board(Arc<Board>),
    /// Time goes on.
    Tick(Now),
    /// The engine answered a request.
    Reply(IntentKind, Reply),
}

/// What the app wants done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the engine.
    Send(IntentKind),
    /// Ring the terminal's bell.
    Bell,
    /// Take the mouse, or give it back to the terminal.
    Mouse(bool),
    /// Clear the terminal and draw everything again.
    Redraw,
    /// The person wants to leave.
    Quit,
}

/// What the app knows of the world around it.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Who sits there.
    pub who: Arc<str>,
    /// Whether the engine runs in this process, so that leaving stops it.
    pub engine_here: bool,
    /// Whether a new alarm rings the bell.
    pub bell: bool,
    /// Whether the mouse is taken at the start.
    pub mouse: bool,
}

struct Message {
    text: String,
    bad: bool,
    until: Mono,
}

/// The console of one terminal.
pub struct App {
    keymap: Keymap,
    theme: Theme,
    tabs: Vec<Box<dyn Tab>>,
    current: usize,
    about: Capabilities,
    now: Now,
    board: Arc<Board>,
    /// The board and the moment at which the view was frozen.
    frozen: Option<(Arc<Board>, Now)>,
    overlays: Vec<Box<dyn Overlay>>,
    message: Option<Message>,
    effects: Vec<Effect>,
    /// Alarms whose bell has rung: by name and beginning.
    rung: HashSet<(AlarmId, Timestamp)>,
    /// Acknowledgments on their way that the board does not show yet.
    acknowledging: HashSet<AlarmId>,
    /// The alarm on the alarm line as drawn last: what the person sees is what the key acknowledges.
    shown_alarm: Option<AlarmId>,
    mouse: bool,
    last_click: Option<(u16, u16, Mono)>,
    places: Places,
    dirty: bool,
    started: bool,
}

/// Where things were drawn last, for the mouse.
#[derive(Default)]
struct Places {
    tabs: Vec<Rect>,
    alarm: Rect,
    body: Rect,
}

impl App {
    /// A console that shows `board` until the next one comes.
    #[must_use]
    pub fn new(
        keymap: Keymap,
        theme: Theme,
        tabs: Vec<Box<dyn Tab>>,
        about: Capabilities,
        board: Arc<Board>,
        now: Now,
    ) -> Self {
        let mouse = about.mouse;
        let mut app = Self {
            keymap,
            theme,
            tabs,
            current: 0,
            about,
            now,
            board: Arc::clone(&board),
            frozen: None,
            overlays: Vec::new(),
            message: None,
            effects: Vec::new(),
            rung: HashSet::new(),
            acknowledging: HashSet::new(),
            shown_alarm: None,
            mouse,
            last_click: None,
            places: Places::default(),
            dirty: true,
            started: false,
        };
        app.take_board(board);
        app
    }

    /// Takes one input.
    pub fn handle(&mut self, input: Input) {
        if !self.started {
            self.started = true;
            self.with_tab(|tab, ctx| tab.shown(true, ctx));
        }
        match input {
            Input::Tick(now) => self.tick(now),
            Input::Board(board) => self.take_board(board),
            Input::Reply(kind, reply) => self.reply(&kind, reply),
            Input::Resize => self.dirty = true,
            Input::Key(key) if key.kind == KeyEventKind::Release => {}
            Input::Key(key) => {
                self.dirty = true;
                self.key(key);
            }
            Input::Paste(text) => {
                self.dirty = true;
                if let Some(top) = self.overlays.last_mut() {
                    let step = top.paste(&text);
                    self.step(step);
                }
            }
            Input::Mouse(mouse) => {
                self.dirty = true;
                self.mouse(mouse);
            }
        }
        self.with_tab(|tab, ctx| tab.idle(ctx));
        self.idle_overlay();
    }

    /// What the overlay in front wants looked up.
    fn idle_overlay(&mut self) {
        let Some(mut top) = self.overlays.pop() else { return };
        let (board, theme) = (Arc::clone(&self.board), self.theme.clone());
        let ctx = Ctx { board: &board, now: self.now, theme: &theme, focused: true };
        let want = top.idle(&Room { ctx, keymap: &self.keymap, acknowledging: &self.acknowledging });
        self.overlays.push(top);
        self.want(want);
    }

    /// Says something that the person must know, on the last line.
    pub fn tell(&mut self, text: String) {
        self.say(text, true);
    }

    /// What is to be done outside, in order; the list is empty afterwards.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Whether the cells have changed since they were drawn last.
    #[must_use]
    pub fn dirty(&self) -> bool {
        self.dirty
    }

    /// Draws everything.
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        self.dirty = false;
        self.draw_all(frame);
        self.theme.settle(frame.buffer_mut());
    }

    fn tick(&mut self, now: Now) {
        let before = (self.now.wall.as_second(), self.theme.blink);
        self.now = now;
        // On for half a second, off for half a second.
        let blinking = self.board.worst_unacknowledged().is_some();
        self.theme.blink = blinking && now.mono.0 / 500_000_000 % 2 == 1;
        if self.message.as_ref().is_some_and(|m| m.until <= now.mono) {
            self.message = None;
            self.dirty = true;
        }
        self.dirty |= before != (now.wall.as_second(), self.theme.blink);
    }

    fn take_board(&mut self, board: Arc<Board>) {
        let mut fresh = false;
        let mut seen = HashSet::new();
        for a in board.alarms.iter().filter(|a| a.state.unacknowledged()) {
            let key = (a.id.clone(), a.since);
            fresh |= !self.rung.contains(&key);
            seen.insert(key);
        }
        self.rung = seen;
        if fresh && self.about.bell {
            self.effects.push(Effect::Bell);
        }
        let waits = |id: &AlarmId| board.alarms.iter().any(|a| a.id == *id && a.state.unacknowledged());
        self.acknowledging.retain(waits);
        if let Some((frozen, _)) = &mut self.frozen
            && !Arc::ptr_eq(&frozen.history, &board.history)
        {
            // What was looked up was asked for from the frozen view; nothing else of it moves.
            Arc::make_mut(frozen).history = Arc::clone(&board.history);
        }
        self.board = board;
        self.dirty = true;
    }

    fn reply(&mut self, kind: &IntentKind, reply: Reply) {
        match reply {
            Ok(text) if !text.is_empty() => self.say(text, false),
            Ok(_) => {}
            Err(text) => {
                match kind {
                    IntentKind::Acknowledge(id) => {
                        self.acknowledging.remove(id);
                    }
                    IntentKind::AcknowledgeAll => self.acknowledging.clear(),
                    _ => {}
                }
                self.say(text, true);
            }
        }
    }

    fn say(&mut self, text: String, bad: bool) {
        let hold = if bad { FAULT_S } else { SAY_S };
        let until = self.now.mono.after(std::time::Duration::from_secs_f64(hold));
        self.message = Some(Message { text, bad, until });
        self.dirty = true;
    }

    /// Runs something of the current tab with what it may see, and follows what it wants.
    fn with_tab(&mut self, f: impl FnOnce(&mut dyn Tab, &Ctx<'_>) -> Want) {
        let (board, now) = self.seen();
        let theme = self.theme.clone();
        let ctx = Ctx { board: &board, now, theme: &theme, focused: self.overlays.is_empty() };
        let want = match self.tabs.get_mut(self.current) {
            Some(tab) => f(tab.as_mut(), &ctx),
            None => Want::Nothing,
        };
        self.want(want);
    }

    /// The board and the moment that the tabs see: those of the freezing while frozen.
    fn seen(&self) -> (Arc<Board>, Now) {
        match &self.frozen {
            Some((board, now)) => (Arc::clone(board), *now),
            None => (Arc::clone(&self.board), self.now),
        }
    }

    fn want(&mut self, want: Want) {
        match want {
            Want::Nothing | Want::Pass => {}
            // A person would answer what is on the frozen screen, not what is true by now.
            Want::Send(
                IntentKind::StartRun { .. }
                | IntentKind::AnswerStep { .. }
                | IntentKind::AbandonRun { .. }
                | IntentKind::Perform { .. }
                | IntentKind::ReopenStep { .. }
                | IntentKind::Sign { .. }
                | IntentKind::CloseFollowUp { .. },
            ) if self.frozen.is_some() => {
                self.say("The view is frozen: let it go on first.".into(), true);
            }
            Want::Send(kind) => self.effects.push(Effect::Send(kind)),
            Want::Confirm { question, then } => {
                self.overlays.push(Box::new(ask::Ask::new("Are you sure?", question, ask::Then::Send(then))));
            }
            Want::Prompt { title, initial, tag } => {
                self.overlays.push(Box::new(prompt::Prompt::new(title, initial, tag)));
            }
            Want::Say(text) => self.say(text, false),
        }
    }

    fn key(&mut self, key: KeyEvent) {
        let pressed = super::keys::of_event(key);
        self.message = self.message.take().filter(|m| m.bad);
        // The way out works from everywhere; keys of letters may be text in an overlay.
        let way_out = pressed.modifiers.contains(KeyModifiers::CONTROL)
            && self.keymap.on(Context::Global, pressed) == Some("quit")
            && self.overlays.last().is_some_and(|o| !o.asks_to_quit());
        if way_out {
            self.run(Context::Global, "quit");
            return;
        }
        if let Some(mut top) = self.overlays.pop() {
            let (board, now) = (Arc::clone(&self.board), self.now);
            let theme = self.theme.clone();
            let ctx = Ctx { board: &board, now, theme: &theme, focused: true };
            let action = self.keymap.on(Context::Dialog, pressed);
            let step = top.key(action, key, &Room { ctx, keymap: &self.keymap, acknowledging: &self.acknowledging });
            self.overlays.push(top);
            self.step(step);
            return;
        }
        let tab = self.tabs.get(self.current).map_or(Context::Global, |t| t.context());
        if let Some((context, action)) = self.keymap.on_tab(tab, pressed) {
            self.run(context, action);
        }
    }

    fn run(&mut self, context: Context, action: &str) {
        if context == Context::Global {
            if let Some(row) = GLOBAL.iter().find(|r| r.info.id == action) {
                let (board, now) = self.seen();
                let theme = self.theme.clone();
                let ctx = Ctx { board: &board, now, theme: &theme, focused: true };
                let want = (row.run)(self, &ctx);
                self.want(want);
            }
        } else {
            self.with_tab(|tab, ctx| tab.act(action, ctx));
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Stay => {}
            Step::Close => {
                self.overlays.pop();
            }
            Step::Done(want) => {
                self.overlays.pop();
                self.note_acknowledged(&want);
                self.want(want);
            }
            Step::Open(overlay) => self.overlays.push(overlay),
            Step::Acknowledge(id) => self.acknowledge(id),
            Step::AcknowledgeAll => actions::ask_acknowledge_all(self),
            Step::Quit => {
                self.overlays.clear();
                self.effects.push(Effect::Quit);
            }
            Step::Run(context, id) => {
                self.overlays.pop();
                if let Some(i) = self.tabs.iter().position(|t| t.context() == context) {
                    self.go(i);
                }
                self.run(context, id);
            }
            Step::Go(tab, target) => {
                self.overlays.pop();
                self.go(tab);
                self.with_tab(|tab, ctx| tab.reveal(&target, ctx));
            }
            Step::Text { tag, text, close } => {
                if close {
                    self.overlays.pop();
                }
                self.with_tab(|tab, ctx| tab.text(tag, text.as_deref(), ctx));
            }
        }
    }

    fn note_acknowledged(&mut self, want: &Want) {
        if *want == Want::Send(IntentKind::AcknowledgeAll) {
            let all = self.board.alarms.iter().filter(|a| a.state.unacknowledged()).map(|a| a.id.clone());
            self.acknowledging.extend(all);
        }
    }

    fn acknowledge(&mut self, id: AlarmId) {
        if self.acknowledging.insert(id.clone()) {
            self.effects.push(Effect::Send(IntentKind::Acknowledge(id)));
        } else {
            self.say("This acknowledgment is already on its way to the disk.".into(), false);
        }
    }

    /// Brings the tab of this number to the front.
    fn go(&mut self, to: usize) {
        if to == self.current || to >= self.tabs.len() {
            return;
        }
        self.with_tab(|tab, ctx| tab.shown(false, ctx));
        self.current = to;
        self.with_tab(|tab, ctx| tab.shown(true, ctx));
    }

    fn mouse(&mut self, m: MouseEvent) {
        let at = Position::new(m.column, m.row);
        let what = match m.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(m.column, m.row),
            MouseEventKind::ScrollUp => Mouse::Wheel(-3),
            MouseEventKind::ScrollDown => Mouse::Wheel(3),
            _ => return,
        };
        if let Some(top) = self.overlays.last_mut() {
            let step = top.mouse(m.column, m.row, what);
            self.step(step);
            return;
        }
        if self.places.body.contains(at) {
            self.with_tab(|tab, ctx| tab.mouse(m.column, m.row, what, ctx));
        } else if matches!(what, Mouse::Wheel(_)) {
        } else if let Some(i) = self.places.tabs.iter().position(|r| r.contains(at)) {
            self.go(i);
        } else if self.places.alarm.contains(at) {
            self.run(Context::Global, "alarms");
        }
    }

    fn click(&mut self, column: u16, row: u16) -> Mouse {
        let now = self.now.mono;
        let twice =
            self.last_click.is_some_and(|(c, r, t)| (c, r) == (column, row) && now.secs_since(t) <= DOUBLE_CLICK_S);
        self.last_click = (!twice).then_some((column, row, now));
        if twice { Mouse::DoubleClick } else { Mouse::Click }
    }

    fn worst(&self) -> Option<&Alarm> {
        self.board.worst_unacknowledged()
    }
}
