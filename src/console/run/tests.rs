//! The loop on a made-up terminal.

use std::cell::RefCell;

use crokey::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::backend::TestBackend;

use super::*;
use crate::base::clock::SystemClock;
use crate::console::sample;
use crate::console::theme::Depth;

struct Bench {
    app: App,
    screen: Terminal<TestBackend>,
    keys: mpsc::Sender<Heard>,
    heard: Option<mpsc::Receiver<Heard>>,
    intents: Option<mpsc::Receiver<Intent>>,
    outside: Option<Outside>,
    boards: watch::Sender<Arc<Board>>,
    acted: RefCell<Vec<Effect>>,
}

impl Bench {
    fn new() -> Self {
        let (boards, board) = watch::channel(Arc::new(sample::live()));
        let (intents, taken) = mpsc::channel(4);
        let (keys, heard) = mpsc::channel(16);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let options = ConsoleOptions {
            keymap: Keymap::built_in().expect("good"),
            bell: true,
            theme: "control-room".into(),
            who: "operator".into(),
        };
        let app = make(&options, Theme::new(true, Depth::Sixteen), &board, &*clock);
        let outside = Outside { board, intents, clock, shutdown: Shutdown::new(), who: "operator".into() };
        Self {
            app,
            screen: Terminal::new(TestBackend::new(100, 30)).expect("a test terminal"),
            keys,
            heard: Some(heard),
            intents: Some(taken),
            outside: Some(outside),
            boards,
            acted: RefCell::default(),
        }
    }

    fn press(&self, c: char) {
        let event = Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        self.keys.try_send(Heard::Event(event)).expect("room for a key");
    }

    fn run(&mut self) -> End {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (heard, outside) = (self.heard.take().expect("once"), self.outside.take().expect("once"));
        let act = |_: &mut Terminal<TestBackend>, e: &Effect| {
            self.acted.borrow_mut().push(e.clone());
            Ok(())
        };
        runtime.block_on(turn(&mut self.app, &mut self.screen, heard, outside, act))
    }

    fn asked(&mut self) -> Vec<IntentKind> {
        let mut out = Vec::new();
        while let Some(i) = self.intents.as_mut().and_then(|r| r.try_recv().ok()) {
            out.push(i.kind);
        }
        out
    }
}

#[test]
fn leaves_when_asked_and_forgets_the_picture() {
    let mut b = Bench::new();
    b.press('q');
    b.press('y');
    assert_eq!(b.run(), End::Quit);
    assert_eq!(b.asked().last(), Some(&IntentKind::Watch(None)));
    assert!(sample::text_of(b.screen.backend().buffer()).contains("deck-east"), "the first frame was drawn");
}

#[test]
fn a_lost_terminal_ends_it_with_the_reason() {
    let mut b = Bench::new();
    b.keys.try_send(Heard::Lost("hung up".into())).expect("room");
    assert_eq!(b.run(), End::TerminalLost("hung up".into()));
}

#[test]
fn a_shutdown_ends_it() {
    let mut b = Bench::new();
    b.outside.as_ref().expect("there").shutdown.ask();
    assert_eq!(b.run(), End::ShutDown);
}

#[test]
fn a_new_alarm_rings_and_an_engine_that_is_gone_is_said() {
    let mut b = Bench::new();
    b.boards.send_replace(Arc::new(sample::alarm()));
    b.outside.as_mut().expect("there").board.mark_changed();
    drop(b.intents.take());
    // The alarm is shown first; only then is it acknowledged.
    b.app.handle(Input::Board(Arc::new(sample::alarm())));
    b.screen.draw(|f| b.app.draw(f)).expect("drawn");
    b.press('a');
    b.press('m');
    b.press('m');
    b.press('q');
    b.press('y');
    assert_eq!(b.run(), End::Quit);
    let acted = b.acted.borrow();
    assert_eq!(acted.as_slice(), [Effect::Bell, Effect::Mouse(false), Effect::Mouse(true)][..acted.len()].to_vec());
    assert_eq!(acted.first(), Some(&Effect::Bell));
}
