//! Errands about PLCs: the serial port and who holds it, the link's figures, the loopback test, opening the port again.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::finding::Found;
use super::{Means, Within, wish};
use crate::base::text::{age, sig3};
use crate::config::sections::Plc;
use crate::model::board::Board;
use crate::model::bus::{PlcBoard, PlcReport, PlcState};
use crate::model::intent::IntentKind;
use crate::model::upkeep::Answer;
use crate::plc::Loopback;
use crate::upkeep::errand::Ask;

/// A link that loses more of its requests than this is not stable, percent.
const ERROR_PERCENT: f64 = 5.0;
/// Words that are sent: all bits both ways, and both nibbles.
const WORDS: [u16; 5] = [0x0000, 0xFFFF, 0xA55A, 0x5AA5, 0x1234];

/// The PLC that is meant, or each; what is found about each under its name.
pub(super) fn each(means: &Means, ask: &Ask<'_>, look: impl Fn(usize, &Plc) -> Found) -> Answer {
    let mut found = Found::default();
    let all = &means.config.plcs;
    let is = |p: &Plc| ask.subject.is_none_or(|s| s == p.id.as_str());
    let meant: Vec<(usize, &Plc)> = all.iter().enumerate().filter(|(_, p)| is(p)).collect();
    if meant.is_empty() {
        let known: Vec<&str> = all.iter().map(|p| p.id.as_str()).collect();
        found.unknown(match ask.subject {
            Some(s) => format!("the configuration has no PLC {s}; it has {}", known.join(", ")),
            None => "the configuration has no PLC".into(),
        });
    }
    let alone = meant.len() == 1;
    for (i, p) in meant {
        let one = look(i, p);
        found.join(if alone { one } else { one.about(p.id.as_str()) });
        if (ask.cancelled)() {
            found.unknown("stopped before every PLC was looked at");
            break;
        }
    }
    found.answer()
}

/// The port: whether it is there, whether it may be used, and who holds it.
#[cfg(unix)]
pub(super) fn port(p: &Plc) -> Found {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

    let mut f = Found::default();
    let path = std::path::Path::new(&*p.port);
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            f.bad(format!("{}: there is no such port; check that the adapter is plugged in and has power", p.port));
            others(&mut f);
            return f;
        }
        Err(e) => {
            f.bad(format!("{}: cannot be looked at ({e})", p.port));
            return f;
        }
    };
    if real != path {
        f.line(format!("{} leads to {}", p.port, real.display()));
    }
    let meta = match real.metadata() {
        Ok(m) if m.file_type().is_char_device() => m,
        Ok(_) => {
            f.bad(format!("{} is no serial port but a file; correct port of PLC {} in vms.toml", p.port, p.id));
            return f;
        }
        Err(e) => {
            f.bad(format!("{}: cannot be looked at ({e})", p.port));
            return f;
        }
    };
    let user = nix::unistd::User::from_uid(meta.uid().into()).ok().flatten();
    let group = nix::unistd::Group::from_gid(meta.gid().into()).ok().flatten();
    let group = group.map_or_else(|| meta.gid().to_string(), |g| g.name);
    let owner = user.map_or_else(|| meta.uid().to_string(), |u| u.name);
    let text = format!("{} is there, owner {owner}, group {group}, mode {:03o}", p.port, meta.mode() & 0o777);
    let may = nix::unistd::access(&real, nix::unistd::AccessFlags::R_OK | nix::unistd::AccessFlags::W_OK);
    match may {
        Ok(()) => f.good(format!("{text}: this program may use it")),
        Err(e) => {
            f.bad(format!("{text}: not allowed ({e}); add the program's user to the group {group} and log in anew"));
        }
    }
    let (holders, blind) = holders(&real);
    let own = std::process::id();
    for (pid, name) in &holders {
        if *pid == own {
            f.good("this program holds it");
        } else {
            f.bad(format!("process {pid} ({name}) holds it; end that program"));
        }
    }
    if holders.is_empty() && blind == 0 {
        f.line("no process holds it just now");
    } else if blind > 0 {
        f.line(format!("{blind} processes of other users could not be looked at"));
    }
    f
}

/// The other serial ports there are: one of them may be the adapter after it was plugged in elsewhere.
#[cfg(unix)]
fn others(f: &mut Found) {
    let named = |n: &str| ["ttyUSB", "ttyACM", "ttyAMA", "ttyS"].iter().any(|p| n.starts_with(p));
    let mut found: Vec<String> = std::fs::read_dir("/dev")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().into_string().ok())
        .filter(|n| named(n))
        .map(|n| format!("/dev/{n}"))
        .collect();
    found.sort();
    found.truncate(12);
    let list = if found.is_empty() { "none".into() } else { found.join(", ") };
    f.line(format!("serial ports of this computer: {list}"));
}

/// The processes that have this device open, and how many could not be looked at.
#[cfg(unix)]
pub(super) fn holders(device: &std::path::Path) -> (Vec<(u32, String)>, usize) {
    let (mut found, mut blind) = (Vec::new(), 0);
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        match std::fs::read_dir(entry.path().join("fd")) {
            Ok(fds) => {
                let holds = fds.flatten().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|to| to == device));
                if holds {
                    let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                    found.push((pid, name.trim().to_owned()));
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => blind += 1,
            // It has ended meanwhile.
            Err(_) => {}
        }
    }
    (found, blind)
}

/// On this platform the port can only be tried by opening it, which the engine does.
#[cfg(not(unix))]
pub(super) fn port(p: &Plc) -> Found {
    let mut f = Found::default();
    f.unknown(format!("{}: see the PLC tab for what opening it says", p.port));
    f
}

/// The link's own figures.
pub(super) fn link(board: &Board, index: usize) -> Found {
    let mut f = Found::default();
    let Some(r) = board.plcs.get(index).and_then(|p| p.report.as_ref()) else {
        f.unknown("no figures: no engine is running here, or it has just begun");
        return f;
    };
    let since = age(board.at.mono.since(r.since.mono));
    let state = format!("{} for {since}", r.state.word());
    match r.state {
        PlcState::Live => f.good(state),
        PlcState::Connecting => f.unknown(state),
        _ => f.bad(format!("{state}: {}", r.text.as_deref().unwrap_or("no answer"))),
    }
    let total = r.polls.max(r.errors);
    let percent = 100.0 * r.errors as f64 / total.max(1) as f64;
    let text = format!(
        "{} of {} requests failed since the start: {percent:.2} % (limit {ERROR_PERCENT} %); {} without answer, {} with a \
         wrong checksum, {} refused",
        r.errors, total, r.timeouts, r.crc_errors, r.exceptions
    );
    f.judge(percent <= ERROR_PERCENT, text);
    if r.response_ms_p50.is_some() {
        f.line(format!(
            "answers in {} ms, the slowest 1 % above {} ms",
            sig3(r.response_ms_p50),
            sig3(r.response_ms_p99)
        ));
    }
    if let Some(at) = r.last_answer {
        f.line(format!(
            "last good answer {} ago; port opened again {} times",
            age(board.at.mono.since(at.mono)),
            r.reopens
        ));
    }
    f
}

/// Sends words and compares what comes back. The engine owns the line, so it is asked to do it between its polls.
pub(super) fn loopback(means: &Means, index: usize, p: &Plc, w: &Within<'_>) -> Found {
    let mut f = Found::default();
    let Some(line) = means.live.as_ref().and_then(|l| l.loopbacks.get(index)) else {
        f.unknown("no engine is running here, and the line has one owner; start it (vms engine) and try again");
        return f;
    };
    let mut times = Vec::new();
    for word in WORDS {
        let (reply, answer) = sync_channel(1);
        if line.try_send(Loopback { data: word, reply }).is_err() {
            f.unknown("the line is busy with earlier tests, or the engine ends; try again");
            return f;
        }
        // A poll in hand is finished first.
        let patience = (p.timeout * 4 + p.poll_interval).max(Duration::from_secs(3)).min(w.left());
        match answer.recv_timeout(patience) {
            Ok(Ok(ms)) => times.push(ms),
            Ok(Err(why)) if why.contains("does not know") => {
                f.unknown(format!("{why}: this PLC cannot be tested in this way; look at the link's figures"));
                return f;
            }
            Ok(Err(why)) => {
                f.bad(format!("{word:04X} was not sent back: {why}"));
                break;
            }
            Err(_) => {
                let s = patience.as_secs_f64();
                f.bad(format!("{word:04X} was not sent back in {s:.0} s: the line is not open or nothing answers"));
                break;
            }
        }
    }
    times.sort_by(f64::total_cmp);
    let (sent, back) = (WORDS.len(), times.len());
    if let (Some(best), Some(worst)) = (times.first(), times.last()) {
        let text = format!(
            "unit {}: {back} of {sent} words came back as they were sent, in {} to {} ms (limit {} ms)",
            p.unit,
            sig3(Some(*best)),
            sig3(Some(*worst)),
            p.timeout.as_millis()
        );
        f.judge(back == sent, text);
    } else {
        f.bad(format!(
            "unit {}: 0 of {sent} words came back; check cable, speed, parity, unit and the PLC's power",
            p.unit
        ));
    }
    f
}

fn live(means: &Means, board: &Board, index: usize) -> Option<Arc<PlcReport>> {
    let of = |b: &Board| b.plcs.get(index).and_then(|p: &Arc<PlcBoard>| p.report.clone());
    match &means.live {
        Some(live) => of(&live.board.borrow()),
        None => of(board),
    }
}

/// Closes the port, opens it again and waits for an answer.
pub(super) fn reset(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    each(means, ask, |i, p| {
        let mut f = Found::default();
        if ask.preview {
            f.good(format!("{} will be closed and opened again; the PLC is not told anything for about 1 s", p.port));
            return f;
        }
        let before = live(means, ask.board, i);
        if let Err(e) = wish(means, ask.who, IntentKind::ResetPlc(p.id.clone())) {
            f.unknown(e);
            return f;
        }
        let began = w.now().mono;
        let reopens = before.as_ref().map_or(0, |r| r.reopens);
        let good = w.wait(Duration::from_secs(15), || {
            let r = live(means, ask.board, i)?;
            let answered = r.last_answer.is_some_and(|at| at.mono > began);
            (r.state == PlcState::Live && answered && (r.reopens > reopens || before.is_none())).then_some(())
        });
        let was = before.map_or("not known", |r| r.state.word());
        if good.is_some() {
            f.good(format!("before: {was}; after {} s: live, it answers", sig3(Some(w.now().mono.secs_since(began)))));
        } else {
            let now = live(means, ask.board, i);
            let text = now.as_ref().and_then(|r| r.text.clone());
            let state = now.map_or("not known", |r| r.state.word());
            f.bad(format!(
                "before: {was}; after opening it again: {state}: {}",
                text.as_deref().unwrap_or("no answer")
            ));
        }
        f
    })
}
