//! The camera's keeper on streams out of the ordinary, from a real RTSP server: more bits, other codecs and rates, odd sizes.

#![cfg(all(feature = "demo", unix))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its helper fails")]

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer_rtsp_server as server;
use gstreamer_rtsp_server::gst_rtsp as server_lib;
use gstreamer_rtsp_server::prelude::*;
use vms::base::clock::SystemClock;
use vms::base::shutdown::Shutdown;
use vms::camera::{Control, Hooks, Settings};
use vms::config::sections::{Camera, Transport};
use vms::model::camera::{CameraReport, CameraState};

/// A bound for what hangs, not a measure of what is good.
const PATIENCE: Duration = Duration::from_mins(1);

const TCP: server_lib::RTSPLowerTrans = server_lib::RTSPLowerTrans::TCP;

/// What was seen of one frame: width, height, stride, and some of its luma.
type Seen = (usize, usize, usize, Vec<u8>);

/// A pipeline that is served, and its keeper; both end with it.
struct Kept {
    factory: server::RTSPMediaFactory,
    control: Control,
    reports: Receiver<CameraReport>,
    seen: Arc<Mutex<Vec<Seen>>>,
    shutdown: Shutdown,
    main: glib::MainLoop,
    threads: Vec<JoinHandle<()>>,
}

impl Kept {
    /// `fps` is what the configuration expects, if anything.
    fn start(launch: &str, fps: Option<f64>, by: server_lib::RTSPLowerTrans) -> Self {
        gst::init().unwrap();
        let context = glib::MainContext::new();
        let rtsp = server::RTSPServer::new();
        rtsp.set_address("127.0.0.1");
        rtsp.set_service("0");
        let factory = server::RTSPMediaFactory::new();
        factory.set_launch(launch);
        factory.set_protocols(by);
        rtsp.mount_points().unwrap().add_factory("/s", factory.clone());
        let _source = rtsp.attach(Some(&context)).unwrap();
        let port = rtsp.bound_port();
        let main = glib::MainLoop::new(Some(&context), false);
        let turn = main.clone();
        let serving = std::thread::spawn(move || turn.run());
        let cfg = Camera {
            id: "odd".into(),
            name: "odd".into(),
            url: format!("rtsp://127.0.0.1:{port}/s").into(),
            username: None,
            password: None,
            exposure_ms: None,
            readout_ms: None,
            transport: Transport::Tcp,
            expected_fps: fps,
            scale_mm_per_px: None,
            record: false,
            enabled: true,
            compensate: vms::model::compensation::Compensations::default(),
            rois: Vec::new(),
        };
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (tx, reports): (_, Receiver<CameraReport>) = sync_channel(10_000);
        let take = Arc::clone(&seen);
        let hooks = Hooks {
            on_frame: Box::new(move |f| {
                assert!(f.luma.len() >= f.stride * (f.height - 1) + f.width, "whole rows");
                let row = f.luma[..f.width].to_vec();
                take.lock().unwrap().push((f.width, f.height, f.stride, row));
                0
            }),
            on_report: Box::new(move |r| tx.try_send(r).is_ok()),
            on_snapshot: Box::new(|_| {}),
        };
        let settings = Settings { index: 0, latency_limit: Duration::from_mins(1) };
        let (shutdown, control) = (Shutdown::new(), Control::default());
        let (asked, told) = (shutdown.clone(), control.clone());
        let keeping = std::thread::spawn(move || {
            vms::camera::run(&cfg, settings, Arc::new(SystemClock::new()), &asked, told, hooks);
        });
        Self { factory, control, reports, seen, shutdown, main, threads: vec![keeping, serving] }
    }

    /// Waits for a report that is right; bounded.
    fn wait(&self, what: &str, right: impl Fn(&CameraReport) -> bool) -> CameraReport {
        let until = Instant::now() + PATIENCE;
        let mut texts = Vec::new();
        while let Ok(report) = self.reports.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if right(&report) {
                return report;
            }
            texts.push((report.state, report.text));
            texts.dedup();
        }
        panic!("not {what} within {PATIENCE:?}; seen {texts:?}");
    }

    fn frames(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.shutdown.ask();
        let mut threads = self.threads.drain(..);
        let _ = threads.next().map(JoinHandle::join);
        self.main.quit();
        threads.for_each(|t| drop(t.join()));
    }
}

/// Serves a pipeline, keeps it, and hands back the newest report and the frames so far once there are `frames` of them.
fn keep(launch: &str, fps: Option<f64>, frames: usize) -> (CameraReport, Vec<Seen>) {
    let kept = Kept::start(launch, fps, TCP);
    let enough = |r: &CameraReport| r.state.has_frames() && r.codec.is_some() && kept.frames() >= frames;
    let found = kept.wait("enough frames", enough);
    let seen = kept.seen.lock().unwrap().clone();
    (found, seen)
}

/// Grey bars of known levels in the format asked for.
fn bars(raw: &str, coded: &str) -> String {
    format!("( videotestsrc is-live=true pattern=gradient ! video/x-raw,{raw} ! {coded} name=pay0 )")
}

const H264: &str = "x264enc tune=zerolatency key-int-max=10 ! rtph264pay";

#[test]
fn ten_bits_are_measured_as_eight() {
    let raw = "format=I420_10LE,width=320,height=240,framerate=25/1";
    let (report, frames) = keep(&bars(raw, H264), Some(25.0), 5);
    assert_eq!((report.size, report.codec.as_deref()), (Some((320, 240)), Some("H264")), "{report:?}");
    // Read as bytes, samples of two bytes would swing between low and high halves along a row.
    let row = &frames[4].3;
    assert!(row.windows(2).all(|p| p[0].abs_diff(p[1]) < 24), "{row:?}");
}

#[test]
fn odd_sizes_have_whole_rows() {
    let (report, frames) = keep(&bars("format=I420,width=318,height=238,framerate=25/1", H264), Some(25.0), 5);
    assert_eq!(report.size, Some((318, 238)));
    assert!(frames.iter().all(|f| (f.0, f.1) == (318, 238) && f.2 >= 318));
}

#[test]
fn jpeg_pictures_are_kept() {
    let raw = "format=I420,width=320,height=240,framerate=25/1";
    let (report, frames) = keep(&bars(raw, "jpegenc quality=90 ! rtpjpegpay"), Some(25.0), 5);
    assert_eq!(report.codec.as_deref(), Some("JPEG"));
    assert!(frames.iter().all(|f| (f.0, f.1) == (320, 240)));
}

#[test]
fn slow_and_fast_cameras_are_kept() {
    let (slow, _) = keep(&bars("format=I420,width=160,height=120,framerate=1/1", H264), Some(1.0), 3);
    assert!(slow.state.has_frames(), "{slow:?}");
    let (fast, frames) = keep(&bars("format=I420,width=160,height=120,framerate=120/1", H264), Some(120.0), 120);
    assert!(matches!(fast.state, CameraState::Live | CameraState::Degraded) && frames.len() >= 120);
}

#[test]
fn slow_cameras_lose_nothing_though_nobody_said_how_slow_they_are() {
    for rate in ["8/1", "12/1", "15/1"] {
        let raw = format!("format=I420,width=160,height=120,framerate={rate}");
        let (report, _) = keep(&bars(&raw, H264), None, 24);
        assert_eq!(report.lost_frames, 0, "{rate}: {report:?}");
    }
}

#[test]
fn of_two_streams_the_first_is_measured() {
    let large = "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! tee name=t";
    let small = "videoscale ! video/x-raw,width=64,height=48 ! jpegenc ! rtpjpegpay";
    for _ in 0..4 {
        let launch = format!("( {large} t. ! queue ! {H264} name=pay0 t. ! queue ! {small} name=pay1 )");
        let (report, frames) = keep(&launch, None, 3);
        assert_eq!((report.codec.as_deref(), report.size), (Some("H264"), Some((320, 240))));
        assert!(frames.iter().all(|f| (f.0, f.1) == (320, 240)));
    }
}

#[test]
fn what_cannot_be_taken_says_what_to_set() {
    let raw = "format=I420,width=160,height=120,framerate=25/1";
    let vp8 = Kept::start(&bars(raw, "vp8enc deadline=1 ! rtpvp8pay"), None, TCP);
    let told = vp8.wait("lost", |r| r.state == CameraState::Lost);
    let text = told.text.unwrap();
    assert!(text.contains("coded as VP8") && text.contains("set it to H.264"), "{text}");
    let udp = Kept::start(&bars(raw, H264), None, server_lib::RTSPLowerTrans::UDP);
    let told = udp.wait("lost", |r| r.state == CameraState::Lost);
    let text = told.text.unwrap();
    assert!(text.contains("does not give its stream over TCP; set transport = \"udp\""), "{text}");
}

#[test]
fn a_picture_of_another_size_is_told_until_it_is_the_first_again() {
    let of = |size: &str| bars(&format!("format=I420,{size},framerate=25/1"), H264);
    let kept = Kept::start(&of("width=320,height=240"), None, TCP);
    kept.wait("live", |r| r.state == CameraState::Live && kept.frames() > 3);
    kept.factory.set_launch(&of("width=160,height=120"));
    kept.control.reconnect.store(true, Ordering::Relaxed);
    let told = kept.wait("told", |r| r.state == CameraState::Degraded && r.size == Some((160, 120)));
    let text = told.text.unwrap();
    assert!(text.contains("the picture is 160×120 and was 320×240"), "{text}");
    kept.factory.set_launch(&of("width=320,height=240"));
    kept.control.reconnect.store(true, Ordering::Relaxed);
    kept.wait("live again", |r| r.state == CameraState::Live && r.size == Some((320, 240)));
}
