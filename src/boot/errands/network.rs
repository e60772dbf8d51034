//! The network: names, reach, loss and latency of everything that is talked to, and the errors of the interfaces.

use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::finding::Found;
use super::{Means, Within, plc};
use crate::base::clock::Clock;
use crate::base::text::sig3;
use crate::boot::threads::Threads;
use crate::model::board::Board;
use crate::model::upkeep::Answer;
use crate::upkeep::errand::Ask;

/// Connections to each place.
const TRIES: usize = 5;
/// How long one may take: a place in the same plant answers in a few ms.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// A mean above this is too slow for the plant's own network, ms.
const SLOW_MS: f64 = 100.0;
/// Most places that are asked.
const MOST: usize = 64;

/// A server's name and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Place {
    /// Of an address; `port` where it names none.
    pub(super) fn of_url(url: &str, port: u16) -> Result<Self, String> {
        let url = url::Url::parse(url).map_err(|e| format!("is no address ({e})"))?;
        let host = url.host_str().filter(|h| !h.is_empty()).ok_or("names no host")?;
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port: url.port().unwrap_or(port) })
    }

    /// Whether it is a number already.
    pub(super) fn is_number(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }
}

/// The addresses of a name. The system's own look-up cannot be hurried, so it goes on a thread that is left behind when it hangs.
pub(super) fn resolve(place: &Place, within: Duration) -> Result<Vec<SocketAddr>, String> {
    let (tx, rx) = sync_channel(1);
    let asked = (place.host.clone(), place.port);
    Threads::default().spawn("resolve", move || {
        let found = (asked.0.as_str(), asked.1).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        let _ = tx.try_send(found);
    });
    match rx.recv_timeout(within.min(Duration::from_secs(5))) {
        Ok(Ok(found)) if found.is_empty() => Err("the name has no address".into()),
        Ok(Ok(found)) => Ok(found),
        Ok(Err(e)) => Err(format!("the name is not known ({e})")),
        Err(_) => Err("the name server does not answer".into()),
    }
}

/// What a few connections told.
#[derive(Clone, Debug, Default)]
struct Reached {
    ms: Vec<f64>,
    tried: usize,
    fault: Option<String>,
}

fn try_place(place: &Place, clock: &dyn Clock) -> Reached {
    let mut r = Reached::default();
    let address = match resolve(place, CONNECT_WITHIN * 5) {
        Ok(found) => found[0],
        Err(e) => return Reached { tried: TRIES, fault: Some(e), ..r },
    };
    for _ in 0..TRIES {
        r.tried += 1;
        let began = clock.now().mono;
        match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
            Ok(_) => r.ms.push(clock.now().mono.secs_since(began) * 1e3),
            Err(e) => r.fault = Some(e.to_string()),
        }
    }
    r
}

fn tell(f: &mut Found, name: &str, place: &Place, r: &Reached) {
    let lost = 100.0 * (r.tried - r.ms.len()) as f64 / r.tried.max(1) as f64;
    let mean = r.ms.iter().sum::<f64>() / r.ms.len().max(1) as f64;
    let worst = r.ms.iter().copied().fold(0.0, f64::max);
    let at = format!("{name} ({}:{})", place.host, place.port);
    if r.ms.is_empty() {
        let why = r.fault.as_deref().unwrap_or("no answer");
        f.bad(format!("{at}: not reachable, {} of {} connections failed: {why}", r.tried, r.tried));
        return;
    }
    let text = format!(
        "{at}: {lost:.0} % of {} connections lost (limit 0 %), mean {} ms (limit {SLOW_MS:.0} ms), worst {} ms",
        r.tried,
        sig3(Some(mean)),
        sig3(Some(worst))
    );
    f.judge(lost == 0.0 && mean <= SLOW_MS, text);
}

/// Looks at the whole network.
pub(super) fn network(means: &Means, ask: &Ask<'_>, w: &Within<'_>) -> Answer {
    let mut places: Vec<(String, Result<Place, String>)> = means
        .config
        .cameras
        .iter()
        .filter(|c| c.enabled)
        .take(MOST)
        .map(|c| (format!("camera {}", c.id), Place::of_url(&c.url, 554)))
        .collect();
    if let Some(h) = &means.config.historian {
        places.push(("database".into(), Place::of_url(&h.url, 5432)));
    }
    let mut f = Found::default();
    let reached: Arc<Mutex<Vec<Option<Reached>>>> = Arc::new(Mutex::new(vec![None; places.len()]));
    let threads = Threads::default();
    for (i, (_, place)) in places.iter().enumerate() {
        let Ok(place) = place.clone() else { continue };
        let (reached, clock) = (Arc::clone(&reached), Arc::clone(&means.clock));
        threads.spawn("network", move || {
            let r = try_place(&place, clock.as_ref());
            if let Some(slot) = reached.lock().unwrap_or_else(PoisonError::into_inner).get_mut(i) {
                *slot = Some(r);
            }
        });
    }
    // All at the same time; none needs longer than its own tries and the name server.
    let done = || threads.join(|_| true, Duration::ZERO, means.clock.as_ref()).is_empty().then_some(());
    let through = w.wait(Duration::from_secs(20), done).is_some();
    let reached = reached.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for ((name, place), r) in places.iter().zip(&reached) {
        match (place, r) {
            (Err(e), _) => f.bad(format!("{name}: its address {e}; correct it in vms.toml")),
            (Ok(place), Some(r)) => tell(&mut f, name, place, r),
            (Ok(_), None) if through => f.unknown(format!("{name}: was not looked at")),
            (Ok(_), None) => f.unknown(format!("{name}: {}", w.why())),
        }
    }
    for (i, p) in means.config.plcs.iter().enumerate() {
        f.join(plc::link(ask.board, i).about(&format!("PLC {}", p.id)));
    }
    interfaces(&mut f, ask.board);
    f.answer()
}

/// The interfaces' errors since the computer started, and whether a cable is in.
fn interfaces(f: &mut Found, board: &Board) {
    let Some(host) = &board.host else {
        f.unknown("interfaces: not read; no engine is running here");
        return;
    };
    for i in &host.interfaces {
        let read = |what: &str| std::fs::read_to_string(format!("/sys/class/net/{}/{what}", i.name)).ok();
        let number = |what: &str| read(what).and_then(|t| t.trim().parse::<u64>().ok());
        let packets = number("statistics/rx_packets").zip(number("statistics/tx_packets")).map(|(a, b)| a + b);
        let dropped = number("statistics/rx_dropped").zip(number("statistics/tx_dropped")).map(|(a, b)| a + b);
        let known = |n: Option<u64>| n.map_or("?".to_owned(), |n| n.to_string());
        let speed = read("speed").map(|s| s.trim().to_owned()).filter(|s| !s.starts_with('-') && !s.is_empty());
        let text = format!(
            "interface {}: {} errors and {} dropped in {} packets since the computer started{}",
            i.name,
            i.errors,
            known(dropped),
            known(packets),
            speed.map_or_else(String::new, |s| format!(", {s} Mbit/s"))
        );
        // One damaged packet in a hundred thousand is what a sound cable stays below by far.
        let allowed = packets.unwrap_or(0) / 100_000;
        if i.errors > allowed {
            f.bad(format!("{text} (limit {allowed}); check cable, plug and switch port"));
        } else {
            f.good(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::base::clock::SystemClock;
    use crate::model::upkeep::Outcome;

    fn place(text: &str) -> Place {
        Place::of_url(text, 554).unwrap()
    }

    #[test]
    fn places_are_read_from_addresses() {
        assert_eq!(place("rtsp://10.0.0.5/s"), Place { host: "10.0.0.5".into(), port: 554 });
        assert_eq!(place("rtsp://[::1]:8554/s"), Place { host: "::1".into(), port: 8554 });
        assert!(place("rtsp://[::1]/").is_number() && !place("rtsp://cam.plant/").is_number());
        assert!(Place::of_url("nothing", 1).is_err());
    }

    #[test]
    fn a_server_is_reached_without_loss_and_a_closed_port_is_told() {
        let clock = SystemClock::new();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let at = Place { host: "127.0.0.1".into(), port };
        let mut f = Found::default();
        tell(&mut f, "camera a", &at, &try_place(&at, &clock));
        let a = f.answer();
        assert!(a.evidence[0].contains("0 % of 5 connections lost"), "{a:?}");
        drop(server);
        let mut f = Found::default();
        tell(&mut f, "camera a", &at, &try_place(&at, &clock));
        let a = f.answer();
        assert_eq!(a.outcome, Outcome::Failed);
        assert!(a.evidence[0].contains("5 of 5 connections failed"), "{a:?}");
    }

    #[test]
    fn loss_and_slowness_are_judged() {
        let at = place("rtsp://10.0.0.5/s");
        let with = |ms: Vec<f64>| {
            let mut f = Found::default();
            tell(&mut f, "x", &at, &Reached { ms, tried: 5, fault: Some("timed out".into()) });
            f.answer()
        };
        assert_eq!(with(vec![1.0; 5]).outcome, Outcome::Passed);
        let one_lost = with(vec![1.0; 4]);
        assert_eq!(one_lost.outcome, Outcome::Failed);
        assert!(one_lost.evidence[0].contains("20 % of 5"), "{one_lost:?}");
        assert_eq!(with(vec![200.0; 5]).outcome, Outcome::Failed);
    }

    #[test]
    fn an_unknown_name_is_told_within_its_time() {
        let e = resolve(&Place { host: "no-such-host.invalid".into(), port: 1 }, Duration::from_secs(5)).unwrap_err();
        assert!(e.contains("name"), "{e}");
    }
}
