//! The camera's keeper on streams out of the ordinary, from a real RTSP server: more bits, other codecs and rates, odd sizes.

#![cfg(all(feature = "demo", unix))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its helper fails")]

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer_rtsp_server as server;
use gstreamer_rtsp_server::prelude::*;
use vms::base::clock::SystemClock;
use vms::base::shutdown::Shutdown;
use vms::camera::{Control, Hooks, Settings};
use vms::config::sections::{Camera, Transport};
use vms::model::camera::{CameraReport, CameraState};

/// A bound for what hangs, not a measure of what is good.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was seen of one frame: width, height, stride, and some of its luma.
type Seen = (usize, usize, usize, Vec<u8>);

/// Serves a pipeline, keeps it, and hands back the newest report and the frames so far once there are `frames` of them.
fn keep(launch: &str, fps: f64, frames: usize) -> (CameraReport, Vec<Seen>) {
    gst::init().unwrap();
    let context = glib::MainContext::new();
    let rtsp = server::RTSPServer::new();
    rtsp.set_address("127.0.0.1");
    rtsp.set_service("0");
    let factory = server::RTSPMediaFactory::new();
    factory.set_launch(launch);
    factory.set_shared(true);
    rtsp.mount_points().unwrap().add_factory("/s", factory);
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
        transport: Transport::Tcp,
        expected_fps: Some(fps),
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
    let shutdown = Shutdown::new();
    let asked = shutdown.clone();
    let keeping = std::thread::spawn(move || {
        vms::camera::run(&cfg, settings, Arc::new(SystemClock::new()), &asked, Control::default(), hooks);
    });
    let until = Instant::now() + PATIENCE;
    let mut texts = Vec::new();
    let found = loop {
        let Ok(report) = reports.recv_timeout(until.saturating_duration_since(Instant::now())) else {
            panic!("{launch}: not {frames} frames within {PATIENCE:?}; seen {texts:?}");
        };
        texts.push((report.state, report.text.clone()));
        texts.dedup();
        if report.state.has_frames() && report.codec.is_some() && seen.lock().unwrap().len() >= frames {
            break report;
        }
    };
    shutdown.ask();
    keeping.join().unwrap();
    main.quit();
    serving.join().unwrap();
    let frames = seen.lock().unwrap().clone();
    (found, frames)
}

/// Grey bars of known levels in the format asked for.
fn bars(raw: &str, coded: &str) -> String {
    format!("( videotestsrc is-live=true pattern=gradient ! video/x-raw,{raw} ! {coded} name=pay0 )")
}

const H264: &str = "x264enc tune=zerolatency key-int-max=10 ! rtph264pay";

#[test]
fn ten_bits_are_measured_as_eight() {
    let raw = "format=I420_10LE,width=320,height=240,framerate=25/1";
    let (report, frames) = keep(&bars(raw, H264), 25.0, 5);
    assert_eq!((report.size, report.codec.as_deref()), (Some((320, 240)), Some("H264")), "{report:?}");
    // Read as bytes, samples of two bytes would swing between low and high halves along a row.
    let row = &frames[4].3;
    assert!(row.windows(2).all(|p| p[0].abs_diff(p[1]) < 24), "{row:?}");
}

#[test]
fn odd_sizes_have_whole_rows() {
    let (report, frames) = keep(&bars("format=I420,width=318,height=238,framerate=25/1", H264), 25.0, 5);
    assert_eq!(report.size, Some((318, 238)));
    assert!(frames.iter().all(|f| (f.0, f.1) == (318, 238) && f.2 >= 318));
}

#[test]
fn jpeg_pictures_are_kept() {
    let raw = "format=I420,width=320,height=240,framerate=25/1";
    let (report, frames) = keep(&bars(raw, "jpegenc quality=90 ! rtpjpegpay"), 25.0, 5);
    assert_eq!(report.codec.as_deref(), Some("JPEG"));
    assert!(frames.iter().all(|f| (f.0, f.1) == (320, 240)));
}

#[test]
fn slow_and_fast_cameras_are_kept() {
    let (slow, _) = keep(&bars("format=I420,width=160,height=120,framerate=1/1", H264), 1.0, 3);
    assert!(slow.state.has_frames(), "{slow:?}");
    let (fast, frames) = keep(&bars("format=I420,width=160,height=120,framerate=120/1", H264), 120.0, 120);
    assert!(matches!(fast.state, CameraState::Live | CameraState::Degraded) && frames.len() >= 120);
}
