//! Camera errands against a real RTSP server: sound, with a wrong password, without its stream, killed, and hung.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer::glib;
use vms::base::clock::{Clock, SystemClock};
use vms::base::shutdown::Shutdown;
use vms::demo::rtsp::{self, CameraSetup, Method, check_elements};
use vms::demo::scene::layout;
use vms::model::upkeep::Outcome::{Failed, Passed, Unknown};

use crate::site::{PASSWORD, Site};

/// A camera that is served; its threads end with it.
struct Served {
    camera: Arc<rtsp::Camera>,
    shutdown: Shutdown,
    threads: Vec<JoinHandle<()>>,
}

impl Served {
    fn start(method: Method) -> Self {
        check_elements().unwrap();
        let id = "conveyor";
        let context = glib::MainContext::new();
        let setup = CameraSetup { id, method, user: "vms", password: PASSWORD.into() };
        let camera = Arc::new(rtsp::Camera::listen(setup, layout(id).unwrap().size, &context).unwrap());
        let (clock, shutdown) = (SystemClock::new(), Shutdown::new());
        let epoch = clock.now().mono;
        let (c, s) = (Arc::clone(&camera), shutdown.clone());
        let render = std::thread::spawn(move || c.render_loop(&clock, epoch, &s));
        let s = shutdown.clone();
        let serve = std::thread::spawn(move || rtsp::serve(&context, &s));
        Self { camera, shutdown, threads: vec![render, serve] }
    }

    fn end(&mut self) {
        self.shutdown.ask();
        for t in self.threads.drain(..) {
            let _ = t.join();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}

fn config(url: &str) -> String {
    format!(
        "[[camera]]\nid = \"deck\"\nurl = \"{url}\"\nusername = \"vms\"\npassword = {{ env = \"SECRET\" }}\n\
         [[camera]]\nid = \"off\"\nurl = \"rtsp://127.0.0.1:1/x\"\nenabled = false\n"
    )
}

fn sound_and_faulty(method: Method) {
    let data = tempfile::tempdir().unwrap();
    let mut served = Served::start(method);
    let site = Site::new(&config(&served.camera.url()), data.path());
    assert!(site.expect("camera-name", Some("deck"), Passed).contains("no name has to be resolved"));
    assert!(site.expect("camera-reach", Some("deck"), Passed).contains("3 of 3 connections"));
    let answer = site.expect("camera-rtsp", Some("deck"), Passed);
    assert!(answer.contains("OPTIONS: 200 OK") && answer.contains("DESCRIBE: 200 OK"), "{answer}");
    assert!(answer.contains("offers video: H264/90000"), "{answer}");

    let wrong = Site::with_password(&config(&served.camera.url()), data.path(), "wrong-password");
    let answer = wrong.expect("camera-rtsp", Some("deck"), Failed);
    assert!(answer.contains("DESCRIBE: 401") && answer.contains("correct username and password"), "{answer}");
    assert!(!answer.contains("wrong-password"));

    served.camera.set_lost(true);
    // While it goes it may break a conversation off, or stand still until its stream is taken down; then it answers that it
    // has no such stream.
    let until = Instant::now() + Duration::from_secs(150);
    let text = loop {
        let text = site.expect("camera-rtsp", Some("deck"), Failed);
        if text.contains("DESCRIBE: 404") || Instant::now() > until {
            break text;
        }
    };
    assert!(text.contains("DESCRIBE: 404") && text.contains("correct the path"), "{text}");
    served.camera.set_lost(false);

    let url = served.camera.url();
    served.end();
    drop(served);
    let site = Site::new(&config(&url), data.path());
    // What is left of the server may still hold its port; nothing answers on it either way.
    let (answer, took) = site.timed("camera-rtsp", Some("deck"));
    assert_eq!(answer.outcome, Failed, "{answer:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_camera_with_digest_sound_and_faulty() {
    sound_and_faulty(Method::Digest);
}

#[test]
fn a_camera_with_basic_sound_and_faulty() {
    sound_and_faulty(Method::Basic);
}

#[test]
fn the_first_frame_is_waited_for_and_its_absence_told() {
    let data = tempfile::tempdir().unwrap();
    let served = Served::start(Method::Digest);
    let site = Site::new(&config(&served.camera.url()), data.path());
    // A busy computer may be late with its frames, but they come.
    let until = Instant::now() + Duration::from_secs(150);
    let text = loop {
        let (answer, _) = site.timed("camera-frame", Some("deck"));
        let text = answer.evidence.join("\n");
        if text.contains("opened here: H264") || Instant::now() > until {
            break text;
        }
    };
    assert!(text.contains("opened here: H264 960×540"), "{text}");
    served.camera.set_lost(true);
    let text = site.expect("camera-frame", Some("deck"), Failed);
    assert!(text.contains("lost"), "{text}");
}

#[test]
fn a_closed_port_and_a_server_that_hangs_are_told_in_time() {
    let data = tempfile::tempdir().unwrap();
    let hung = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = hung.local_addr().unwrap().port();
    let site = Site::new(&config(&format!("rtsp://127.0.0.1:{port}/stream1")), data.path());
    // The kernel takes the connection; nobody ever reads it.
    let (answer, took) = site.timed("camera-rtsp", Some("deck"));
    assert_eq!(answer.outcome, Failed);
    assert!(answer.evidence[0].contains("did not answer in time"), "{answer:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop(hung);
    let text = site.expect("camera-reach", Some("deck"), Failed);
    assert!(text.contains("refused") && text.contains("check the port"), "{text}");
    let text = site.expect("camera-rtsp", Some("deck"), Failed);
    assert!(text.contains("refused"), "{text}");
}

#[test]
fn subjects_that_are_not_there_and_what_needs_an_engine() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::new(&config("rtsp://no-such-host.invalid/stream1"), data.path());
    let text = site.expect("camera-name", Some("deck"), Failed);
    assert!(text.contains("no-such-host.invalid") && text.contains("check the name"), "{text}");
    assert!(site.expect("camera-reach", Some("dekc"), Unknown).contains("no camera dekc; it has deck, off"));
    assert!(site.expect("camera-reach", Some("off"), Passed).contains("switched off"));
    assert!(site.expect("camera-reconnect", Some("deck"), Unknown).contains("no engine is running"));
    assert!(site.expect("camera-sharpness", Some("deck"), Unknown).contains("no picture comes"));
    let text = site.expect("network", None, Failed);
    assert!(text.contains("camera deck (no-such-host.invalid:554): not reachable"), "{text}");
    assert!(!text.contains("camera off"), "{text}");
}

/// A camera with one region that lies on what stands still.
fn at_rest(url: &str) -> String {
    let rect = layout("conveyor").unwrap().rois.iter().find(|r| r.motion.is_none()).unwrap().rect;
    format!(
        "[[camera]]\nid = \"deck\"\nurl = \"{url}\"\nusername = \"vms\"\npassword = {{ env = \"SECRET\" }}\n\
         [[camera.roi]]\nid = \"still\"\nrect = {rect:?}\n"
    )
}

#[test]
fn accuracy_is_measured_against_a_reference_that_was_taken() {
    let data = tempfile::tempdir().unwrap();
    let served = Served::start(Method::Digest);
    let site = Site::new(&at_rest(&served.camera.url()), data.path());
    assert!(site.expect("camera-accuracy", Some("deck"), Unknown).contains("there is no reference of this camera"));
    let preview = site.preview("camera-reference").evidence.join("\n");
    assert!(preview.contains("there is no reference yet"), "{preview}");
    let kept = data.path().join("calibration/deck.toml");
    assert!(!kept.exists(), "a preview changes nothing");
    let text = site.expect("camera-reference", Some("deck"), Passed);
    assert!(text.contains("still: noise") && text.contains("kept as the reference in"), "{text}");
    let text = site.expect("camera-accuracy", Some("deck"), Passed);
    assert!(text.contains("accuracy has not decreased"), "{text}");

    // A reference that was ten times as textured: as if the lens were dirty since.
    let reference = std::fs::read_to_string(&kept).unwrap();
    let change = |line: &str| match line.split_once("texture = ") {
        Some((head, v)) => format!("{head}texture = {}", v.trim().parse::<f64>().unwrap() * 10.0),
        None => line.to_owned(),
    };
    std::fs::write(&kept, reference.lines().map(change).collect::<Vec<_>>().join("\n")).unwrap();
    let text = site.expect("camera-accuracy", Some("deck"), Failed);
    assert!(text.contains("still texture"), "{text}");
    let preview = site.preview("camera-reference").evidence.join("\n");
    assert!(preview.contains("in place of the reference of"), "{preview}");
}
