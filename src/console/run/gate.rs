//! The reader of the terminal's input behind our own poll(2), so that a terminal that hangs up is noticed at once.
//!
//! crossterm's reader does not handle the end of a terminal (its issue 793): it spins, and its poll never returns. Therefore it is called only
//! when there is something to read, or after a time-out (a change of size comes by a signal, not by a byte), never on a dead terminal.
//!
//! Of crossterm's two readers the one for `/dev/tty` is built in (feature `use-dev-tty`), which polls anew for all that is there. The usual one
//! is woken once by what is new, and a key that comes together with a change of size lies unread until the next key.

use std::time::Duration;

use crokey::crossterm::event::{self, Event, MouseEventKind};
use tokio::sync::mpsc;

/// How long crossterm may look for input that is there; it does not look at all without some time for it.
const GLANCE: Duration = Duration::from_millis(10);

/// What the reader tells.
#[derive(Debug)]
pub(super) enum Heard {
    /// A key, the mouse, a paste, another size.
    Event(Event),
    /// The terminal went away: what was seen.
    Lost(String),
}

/// How a look at the descriptor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// There may be something to read.
    Ready,
    /// The terminal is gone.
    Lost(String),
}

/// Reads until the terminal or the listener goes.
pub(super) fn read(to: &mpsc::Sender<Heard>) {
    while !to.is_closed() {
        let why = match look(&std::io::stdin()) {
            Look::Ready => match drain(to) {
                Ok(true) => continue,
                Ok(false) => return,
                Err(e) => format!("reading failed: {e}"),
            },
            Look::Lost(why) => why,
        };
        // The listener may be gone already; then nobody needs to know.
        let _ = to.blocking_send(Heard::Lost(why));
        return;
    }
}

/// Hands on everything that is there; false when the listener is gone.
fn drain(to: &mpsc::Sender<Heard>) -> std::io::Result<bool> {
    while event::poll(GLANCE)? {
        let event = event::read()?;
        // Each cell that the mouse passes is an event; nothing here follows the pointer.
        if matches!(event, Event::Mouse(m) if matches!(m.kind, MouseEventKind::Moved | MouseEventKind::Drag(_))) {
            continue;
        }
        if to.blocking_send(Heard::Event(event)).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Waits up to 200 ms for input on the descriptor, poll(2).
#[cfg(unix)]
fn look(fd: &impl std::os::fd::AsFd) -> Look {
    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, PollTimeout::from(200_u8)) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(e) => return Look::Lost(format!("poll failed: {e}")),
    }
    let seen = fds[0].revents().unwrap_or(PollFlags::empty());
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    if seen.intersects(gone) { Look::Lost(format!("the terminal hung up ({seen:?})")) } else { Look::Ready }
}

/// Without poll(2) crossterm's own waiting must do.
#[cfg(not(unix))]
fn look<T>(_: &T) -> Look {
    match event::poll(Duration::from_millis(200)) {
        Ok(_) => Look::Ready,
        Err(e) => Look::Lost(format!("waiting for input failed: {e}")),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use nix::fcntl::OFlag;
    use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};

    use super::*;

    #[test]
    fn a_terminal_that_hangs_up_is_noticed_at_once() {
        let mut master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a pty");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname_r(&master).expect("its name");
        let slave = std::fs::File::options().read(true).write(true).open(name).expect("its other side");
        assert_eq!(look(&slave), Look::Ready, "a time-out is a chance to see a new size");
        master.write_all(b"q\n").expect("typed");
        assert_eq!(look(&slave), Look::Ready);
        drop(master);
        // A process that another test starts may hold the other side open until it has become itself.
        let lost = (0..50).map(|_| look(&slave)).find(|l| *l != Look::Ready);
        assert!(matches!(lost, Some(Look::Lost(why)) if why.contains("POLLHUP")));
    }
}
