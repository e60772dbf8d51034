//! PLC errands against a real line: a port that is there, that is removed, that is none; and loopback through the line's owner.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, mpsc, watch};
use tokio_serial::{SerialPort as _, SerialStream};
use vms::base::clock::{Clock as _, SystemClock};
use vms::base::shutdown::Shutdown;
use vms::boot::errands::{Live, Wish};
use vms::demo::slave::Slave;
use vms::logs::rotate::Turn;
use vms::model::board::Board;
use vms::model::upkeep::Outcome::{Failed, Passed, Unknown};
use vms::plc::{master, run_with};

use crate::site::Site;

/// Both ends of a line; the far end keeps the near one open, as a pseudo-terminal demands.
fn line(link: &Path) -> (SerialStream, std::fs::File) {
    let (far, mut near) = SerialStream::pair().expect("pty");
    near.set_exclusive(false).expect("shared");
    let name = near.name().expect("name of the pty");
    let held = std::fs::File::options().read(true).write(true).open(&name).expect("near end");
    drop(near);
    std::os::unix::fs::symlink(name, link).expect("link");
    (far, held)
}

fn config(port: &Path) -> String {
    format!(
        "[[plc]]\nid = \"main\"\nport = \"{}\"\nbaud_rate = 115200\nparity = \"none\"\nunit = 7\npoll_interval = \"50ms\"\n\
         timeout = \"300ms\"\n[[plc.tag]]\nid = \"a\"\ntable = \"holding\"\naddress = 0\naccess = \"read\"\n",
        port.display()
    )
}

#[test]
fn a_port_that_is_there_and_one_that_is_removed() {
    let data = tempfile::tempdir().unwrap();
    let link = data.path().join("port");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let guard = runtime.enter();
    let (far, held) = line(&link);
    let site = Site::new(&config(&link), data.path());
    let text = site.expect("plc-port", Some("main"), Passed);
    assert!(text.contains("leads to /dev/pts/") && text.contains("this program may use it"), "{text}");
    assert!(text.contains("this program holds it"), "the test itself has it open: {text}");
    drop((far, held));
    drop(guard);
    std::fs::remove_file(&link).unwrap();
    let text = site.expect("plc-port", Some("main"), Failed);
    assert!(text.contains("there is no such port") && text.contains("serial ports of this computer"), "{text}");
    std::fs::write(&link, "x").unwrap();
    let text = site.expect("plc-port", Some("main"), Failed);
    assert!(text.contains("no serial port but a file"), "{text}");
    assert!(site.expect("plc-loopback", Some("main"), Unknown).contains("no engine is running"));
    assert!(site.expect("plc-link", Some("main"), Unknown).contains("no engine is running"));
}

#[test]
fn loopback_goes_through_the_owner_of_the_line_and_a_dead_plc_is_told() {
    let data = tempfile::tempdir().unwrap();
    let link = data.path().join("port");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let guard = runtime.enter();
    let (mut far, _held) = line(&link);
    let mut site = Site::new(&config(&link), data.path());
    let cfg = site.means.config.plcs[0].clone();
    let (tests, asked) = mpsc::channel(master::LOOPBACKS);
    let shutdown = Shutdown::new();
    let (_demands, wanted) = watch::channel(Arc::from(vec![None]));
    let clock = Arc::new(SystemClock::new());
    let sink = Box::new(|_| true);
    let owner = runtime.spawn(run_with(cfg, 0, clock, shutdown.clone(), wanted, Arc::new(Notify::new()), asked, sink));
    let quiet = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let silent = Arc::clone(&quiet);
    let plc = runtime.spawn(async move {
        let (mut slave, mut chunk) = (Slave::new(7), [0; 256]);
        // Every request of this test fits into one read: eight bytes.
        let mut got: Vec<u8> = Vec::new();
        while let Ok(n) = far.read(&mut chunk).await {
            got.extend_from_slice(&chunk[..n]);
            while got.len() >= 8 {
                let frame: Vec<u8> = got.drain(..8).collect();
                let answer = slave.answer(&frame).filter(|_| !silent.load(std::sync::atomic::Ordering::Relaxed));
                if let Some(answer) = answer {
                    let _ = far.write_all(&answer).await;
                }
            }
        }
    });
    let board = Board::empty("s", "n", jiff::tz::TimeZone::UTC, SystemClock::new().now());
    let (_board, seen) = watch::channel(Arc::new(board));
    let live = Live { board: seen, loopbacks: vec![tests], turn: Turn::default(), restart: Wish::default() };
    site.means.live = Some(live);
    let text = site.expect("plc-loopback", Some("main"), Passed);
    assert!(text.contains("5 of 5 words came back"), "{text}");
    quiet.store(true, std::sync::atomic::Ordering::Relaxed);
    let (answer, took) = site.timed("plc-loopback", Some("main"));
    assert_eq!(answer.outcome, Failed, "{answer:?}");
    assert!(answer.evidence.join("\n").contains("0 of 5 words came back"), "{answer:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    shutdown.ask();
    runtime.block_on(owner).unwrap();
    plc.abort();
    drop(guard);
}
