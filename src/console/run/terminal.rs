//! The terminal's modes: taken at the start, given back on every way out, left alone once it is gone.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crokey::crossterm::cursor::Show;
use crokey::crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crokey::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crokey::crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use crate::console::app::Effect;

/// Whether the modes of the terminal are ours to give back.
static OWNED: AtomicBool = AtomicBool::new(false);

/// The terminal of this process; a frame is one write.
pub(super) type Screen = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// Takes the terminal: raw mode, the other screen, bracketed paste, the mouse.
pub(super) fn open(mouse: bool) -> io::Result<Screen> {
    OWNED.store(true, Ordering::SeqCst);
    let opened = take(mouse);
    if opened.is_err() {
        restore();
    }
    opened
}

fn take(mouse: bool) -> io::Result<Screen> {
    enable_raw_mode()?;
    let mut out = BufWriter::with_capacity(64 * 1024, io::stdout());
    queue!(out, EnterAlternateScreen, EnableBracketedPaste)?;
    if mouse {
        queue!(out, EnableMouseCapture)?;
    }
    out.flush()?;
    Terminal::new(CrosstermBackend::new(out))
}

/// Gives the terminal back as it was; does nothing if it is not ours (any more).
pub(super) fn restore() {
    if !OWNED.swap(false, Ordering::SeqCst) {
        return;
    }
    // Nothing better can be done here about a terminal that does not take it.
    let _ = execute!(io::stdout(), DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// The terminal is gone: it is not touched any more, and what is written to standard output and error goes nowhere.
pub(super) fn abandon() {
    OWNED.store(false, Ordering::SeqCst);
    #[cfg(unix)]
    if let Ok(nowhere) = std::fs::File::options().write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdout(&nowhere);
        let _ = nix::unistd::dup2_stderr(&nowhere);
    }
}

/// What is not drawing: the bell, the mouse, a fresh start of the picture.
pub(super) fn act(screen: &mut Screen, effect: &Effect) -> io::Result<()> {
    match effect {
        Effect::Bell => {
            screen.backend_mut().write_all(b"\x07")?;
            io::Write::flush(screen.backend_mut())
        }
        Effect::Mouse(true) => execute!(screen.backend_mut(), EnableMouseCapture),
        Effect::Mouse(false) => execute!(screen.backend_mut(), DisableMouseCapture),
        Effect::Redraw => {
            // Not Terminal::clear: that asks the terminal for its cursor and would wait for an answer that the reader takes.
            let size = screen.size()?;
            screen.resize(ratatui::layout::Rect::new(0, 0, size.width, size.height))
        }
        Effect::Send(_) | Effect::Quit => Ok(()),
    }
}

/// Makes every panic give the terminal back before its message is printed, while the terminal is ours.
pub fn install_panic_hook() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        restore();
        before(info);
    }));
}
