//! Errands about cameras: name, reach, the RTSP server's own words, the first frame, opening the stream again.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::finding::Found;
use super::network::{Place, resolve};
use super::{Means, Within, wish};
use crate::base::text::{age, sig3};
use crate::boot::probing;
use crate::camera::rtsp::{Account, Reply, RtspError, Talk};
use crate::cli::check::Verdict;
use crate::config::sections::Camera;
use crate::model::board::Board;
use crate::model::camera::{CameraBoard, CameraState};
use crate::model::intent::IntentKind;
use crate::model::upkeep::Answer;
use crate::upkeep::errand::Ask;

/// Connections that are tried.
const TRIES: u32 = 3;
/// How long one may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// A frame older than this is none of now.
const FRESH: Duration = Duration::from_secs(3);

/// The camera that is meant, or each; what is found about each under its name.
pub(super) fn each(means: &Means, ask: &Ask<'_>, look: impl Fn(&Camera) -> Found) -> Answer {
    let mut found = Found::default();
    let all = &means.config.cameras;
    let meant: Vec<&Camera> = all.iter().filter(|c| ask.subject.is_none_or(|s| s == c.id.as_str())).collect();
    if meant.is_empty() {
        let known: Vec<&str> = all.iter().map(|c| c.id.as_str()).collect();
        found.unknown(match ask.subject {
            Some(s) => format!("the configuration has no camera {s}; it has {}", known.join(", ")),
            None => "the configuration has no camera".into(),
        });
    }
    let alone = meant.len() == 1;
    for c in meant {
        let mut one = Found::default();
        if c.enabled {
            one = look(c);
        } else {
            one.good("switched off in the configuration (enabled = false)");
        }
        found.join(if alone { one } else { one.about(c.id.as_str()) });
        if (ask.cancelled)() {
            found.unknown("stopped before every camera was looked at");
            break;
        }
    }
    found.answer()
}

/// Resolves the name in the address.
pub(super) fn name(c: &Camera, w: &Within<'_>) -> Found {
    let mut f = Found::default();
    let place = match Place::of_url(&c.url, 554) {
        Ok(p) => p,
        Err(e) => {
            f.bad(format!("{}: {e}; correct url of camera {} in vms.toml", c.url, c.id));
            return f;
        }
    };
    let began = w.now().mono;
    match resolve(&place, w.left()) {
        Ok(found) if place.is_number() => {
            f.good(format!("{} is a number: no name has to be resolved", found[0].ip()));
        }
        Ok(found) => {
            let all: Vec<String> = found.iter().map(|a| a.ip().to_string()).collect();
            let ms = w.now().mono.secs_since(began) * 1e3;
            f.good(format!("{} is {} (answered in {} ms)", place.host, all.join(", "), sig3(Some(ms))));
        }
        Err(e) => {
            f.bad(format!("{}: {e}; check the name in url of camera {}, and the name server", place.host, c.id));
        }
    }
    f
}

/// Opens TCP connections.
pub(super) fn reach(c: &Camera, w: &Within<'_>) -> Found {
    let mut f = Found::default();
    let address = match address(c, w) {
        Ok(a) => a,
        Err(e) => {
            f.bad(e);
            return f;
        }
    };
    let (mut times, mut last) = (Vec::new(), None);
    for _ in 0..TRIES {
        let began = w.now().mono;
        match TcpStream::connect_timeout(&address, CONNECT_WITHIN.min(w.left().max(Duration::from_millis(1)))) {
            Ok(_) => times.push(w.now().mono.secs_since(began) * 1e3),
            Err(e) => last = Some(e),
        }
    }
    times.sort_by(f64::total_cmp);
    if let (Some(best), Some(worst)) = (times.first(), times.last()) {
        let text = format!(
            "{address}: {} of {TRIES} connections opened, in {} to {} ms (limit {} s each)",
            times.len(),
            sig3(Some(*best)),
            sig3(Some(*worst)),
            CONNECT_WITHIN.as_secs()
        );
        f.judge(times.len() == TRIES as usize, text);
    }
    if let Some(e) = last {
        f.bad(format!("{address}: {}", connect_words(&e)));
    }
    f
}

fn connect_words(e: &std::io::Error) -> String {
    use std::io::ErrorKind as K;
    match e.kind() {
        K::ConnectionRefused => {
            "refused: something is at this address, but no server on this port; check the port, or restart the camera"
                .into()
        }
        K::TimedOut | K::WouldBlock => {
            "no answer: check the camera's power, its network cable, switch and address".to_owned()
        }
        K::HostUnreachable | K::NetworkUnreachable => {
            format!("not reachable ({e}): check this computer's network, gateway and cable")
        }
        _ => format!("{e}: check the network and the camera"),
    }
}

fn address(c: &Camera, w: &Within<'_>) -> Result<SocketAddr, String> {
    let place = Place::of_url(&c.url, 554).map_err(|e| format!("{}: {e}", c.url))?;
    let found = resolve(&place, w.left()).map_err(|e| format!("{}: {e}; check the name", place.host))?;
    found.first().copied().ok_or_else(|| format!("{} has no address", place.host))
}

/// Asks the RTSP server and tells its answer.
pub(super) fn rtsp(c: &Camera, w: &Within<'_>) -> Found {
    let mut f = Found::default();
    if c.url.starts_with("rtsps:") {
        f.unknown(
            "an encrypted camera (rtsps): its answer is not read here; the step \"first frame\" opens the stream",
        );
        return f;
    }
    let address = match address(c, w) {
        Ok(a) => a,
        Err(e) => {
            f.bad(e);
            return f;
        }
    };
    let account = c
        .username
        .as_deref()
        .map(|user| Account { user, password: c.password.as_ref().map_or("", |p| p.expose_secret()) });
    let with_account = account.is_some();
    let left = || w.left().min(CONNECT_WITHIN * 2);
    let mut talk = match Talk::open(address, &c.url, account, &left) {
        Ok(t) => t,
        Err(RtspError::Connect(e)) => {
            f.bad(format!("{address}: {}", connect_words(&e)));
            return f;
        }
        Err(e) => {
            f.bad(e.to_string());
            return f;
        }
    };
    for method in ["OPTIONS", "DESCRIBE"] {
        match talk.ask(method) {
            Ok(reply) => tell(&mut f, method, &reply, with_account),
            Err(e) => {
                f.bad(format!("{method}: {e}; restart the camera if this stays so"));
                break;
            }
        }
    }
    f
}

/// The server's answer, and what it means.
fn tell(f: &mut Found, method: &str, reply: &Reply, with_account: bool) {
    let line = format!("{method}: {}", reply.status_line());
    let advice = match reply.status {
        200 => None,
        401 | 403 if with_account => Some("user name or password is wrong; correct username and password in vms.toml"),
        401 | 403 => Some("the camera wants an account; add username and password to the camera in vms.toml"),
        404 | 410 | 454 => Some("there is no stream of this path; correct the path in url in vms.toml"),
        453 | 503 => Some("the camera serves nobody more just now; close other viewers or restart it"),
        _ => Some("see the camera's manual for this code; restart the camera if it stays so"),
    };
    match advice {
        None => f.good(line),
        // A camera may refuse OPTIONS and serve streams all the same: the description decides.
        Some(advice) if method == "OPTIONS" => f.line(format!("{line} ({advice})")),
        Some(advice) => f.bad(format!("{line}; {advice}")),
    }
    if method == "OPTIONS"
        && let Some(server) = reply.header("server")
    {
        f.line(format!("server: {server}"));
    }
    if method == "DESCRIBE" && reply.status == 200 {
        match reply.videos().as_slice() {
            [] => f.bad("the description offers no video; correct the path in url in vms.toml"),
            videos => f.good(format!("offers video: {}", videos.join(", "))),
        }
    }
}

/// The first frame: where the engine gets frames, what it sees; else the stream is opened here and looked at.
pub(super) fn frame(means: &Means, board: &Board, c: &Camera) -> Found {
    let mut f = Found::default();
    let newest = live(means, board, c.id.as_str());
    if let Some(r) = newest.as_ref().and_then(|b| b.report.as_ref())
        && r.state.has_frames()
        && let Some(at) = r.last_frame
        && means.clock.now().mono.since(at.mono) < FRESH
    {
        let (width, height) = r.size.unwrap_or_default();
        f.good(format!(
            "frames come ({}): {} {width}×{height}, {} frames/s, the newest {} old, picture {}",
            r.state.word(),
            r.codec.as_deref().unwrap_or("?"),
            sig3(r.fps),
            age(means.clock.now().mono.since(at.mono)),
            r.picture.word()
        ));
        return f;
    }
    let probe = probing::camera(c, means.config.resources.camera_latency, &means.clock);
    match probe.verdict {
        Verdict::Fine => f.good(format!("opened here: {}", probe.text)),
        Verdict::Off => f.good(probe.text),
        Verdict::Bad => f.bad(format!("opened here: {}", probe.text)),
        Verdict::Unknown => f.unknown(probe.text),
    }
    f
}

/// The camera as the engine sees it now, or saw it when it was asked.
pub(super) fn live(means: &Means, board: &Board, id: &str) -> Option<Arc<CameraBoard>> {
    let of = |b: &Board| b.cameras.iter().find(|c| c.id.as_str() == id).cloned();
    match &means.live {
        Some(live) => of(&live.board.borrow()),
        None => of(board),
    }
}

/// Opens the stream again and waits for frames.
pub(super) fn reconnect(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    each(means, ask, |c| {
        let mut f = Found::default();
        if ask.preview {
            f.good("the stream will be closed and opened again; nothing is measured meanwhile, usually for 2 to 5 s");
            return f;
        }
        let before = live(means, ask.board, c.id.as_str()).and_then(|b| b.report.clone());
        if let Err(e) = wish(means, ask.who, IntentKind::ReconnectCamera(c.id.clone())) {
            f.unknown(e);
            return f;
        }
        let opens = before.as_ref().map(|r| r.reconnects);
        let began = w.now().mono;
        let asked = began;
        let good = w.wait(Duration::from_secs(25), || {
            let r = live(means, ask.board, c.id.as_str())?.report.clone()?;
            // The stream that was closed may still tell of its last frames for a moment.
            let anew = opens.is_none_or(|n| r.reconnects > n) || r.since.mono > asked;
            (r.state.has_frames() && anew && r.last_frame.is_some_and(|at| at.mono > asked)).then_some(r)
        });
        let before = before.map_or("not known", |r| r.state.word());
        if let Some(r) = good {
            let s = w.now().mono.secs_since(began);
            f.good(format!("before: {before}; after {} s: {}, frames come", sig3(Some(s)), r.state.word()));
        } else {
            let now = live(means, ask.board, c.id.as_str());
            let text = now.as_ref().and_then(|b| b.report.as_ref()).and_then(|r| r.text.clone());
            let state = now.as_ref().map_or(CameraState::Lost, |b| b.state()).word();
            let why = text.as_deref().unwrap_or("no answer");
            f.bad(format!("before: {before}; no frame after opening it again: {state}: {why}"));
        }
        f
    })
}
