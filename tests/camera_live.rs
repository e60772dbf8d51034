//! The camera's keeper against a real RTSP server: live, lost and live again on one time line, and a refused password.

#![cfg(all(feature = "demo", unix))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its helper fails")]

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer::glib;
use vms::base::clock::{Clock, SystemClock};
use vms::base::shutdown::Shutdown;
use vms::camera::{Control, Hooks, Settings};
use vms::config::sections::{Camera, Transport};
use vms::demo::rtsp::{self, CameraSetup, Method, check_elements};
use vms::demo::scene::layout;
use vms::model::camera::{CameraReport, CameraState};

const PASSWORD: &str = "right-4711";
/// A bound for what hangs, not a measure of what is good.
const PATIENCE: Duration = Duration::from_mins(1);

/// A camera that is served; its threads end with it.
struct Served {
    camera: Arc<rtsp::Camera>,
    shutdown: Shutdown,
    threads: Vec<JoinHandle<()>>,
}

impl Served {
    fn start(id: &'static str, method: Method) -> Self {
        check_elements().unwrap();
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
}

impl Drop for Served {
    fn drop(&mut self) {
        end(&self.shutdown, &mut self.threads);
    }
}

fn end(shutdown: &Shutdown, threads: &mut Vec<JoinHandle<()>>) {
    shutdown.ask();
    for t in threads.drain(..) {
        let _ = t.join();
    }
}

/// The keeper of one camera, on a thread of its own; ends with the test.
struct Kept {
    shutdown: Shutdown,
    reports: Receiver<CameraReport>,
    /// Stream time and number of every frame.
    frames: Arc<Mutex<Vec<(f64, u64)>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Kept {
    fn start(served: &Served, password: &str) -> Self {
        let cfg = Camera {
            id: served.camera.id().into(),
            name: served.camera.id().into(),
            url: served.camera.url().into(),
            username: Some(served.camera.user().into()),
            password: Some(password.to_owned().into()),
            exposure_ms: None,
            readout_ms: None,
            transport: Transport::Tcp,
            expected_fps: Some(25.0),
            scale_mm_per_px: None,
            record: false,
            enabled: true,
            compensate: vms::model::compensation::Compensations::default(),
            rois: Vec::new(),
        };
        let frames: Arc<Mutex<Vec<(f64, u64)>>> = Arc::default();
        let (tx, reports) = sync_channel(10_000);
        let seen = Arc::clone(&frames);
        let hooks = Hooks {
            on_frame: Box::new(move |f| {
                assert!(f.luma.len() >= f.stride * (f.height - 1) + f.width, "whole rows");
                seen.lock().unwrap().push((f.t_s, f.number));
                0
            }),
            on_report: Box::new(move |r| tx.try_send(r).is_ok()),
            on_snapshot: Box::new(|_| {}),
        };
        let settings = Settings { index: 0, latency_limit: Duration::from_mins(1) };
        let shutdown = Shutdown::new();
        let asked = shutdown.clone();
        let thread = std::thread::spawn(move || {
            vms::camera::run(&cfg, settings, Arc::new(SystemClock::new()), &asked, Control::default(), hooks);
        });
        Self { shutdown, reports, frames, threads: vec![thread] }
    }

    /// Waits for a report that is right; bounded.
    fn wait(&self, what: &str, right: impl Fn(&CameraReport) -> bool) -> CameraReport {
        let until = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while let Ok(report) = self.reports.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if right(&report) {
                return report;
            }
            if seen.last() != Some(&(report.state, report.text.clone())) {
                seen.push((report.state, report.text));
            }
        }
        panic!("not {what} within {PATIENCE:?}; seen {seen:?}");
    }

    fn frames(&self) -> Vec<(f64, u64)> {
        self.frames.lock().unwrap().clone()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        end(&self.shutdown, &mut self.threads);
    }
}

/// On a computer that is too busy pictures come, but not all of them in time.
fn flows(r: &CameraReport) -> bool {
    matches!(r.state, CameraState::Live | CameraState::Degraded) && r.last_frame.is_some()
}

#[test]
fn live_lost_and_live_again_on_one_time_line() {
    let served = Served::start("conveyor", Method::Digest);
    let kept = Kept::start(&served, PASSWORD);
    let live = kept.wait("live", |r| flows(r) && r.fps.is_some());
    assert_eq!((live.size, live.codec.as_deref(), live.reconnects), (Some((960, 540)), Some("H264"), 0));

    served.camera.set_lost(true);
    let lost = kept.wait("lost", |r| r.state == CameraState::Lost);
    assert!(lost.text.as_ref().is_some_and(|t| t.contains("trying again")), "{lost:?}");
    assert!(lost.fps.is_none() && lost.bitrate_kbps.is_none(), "old figures are not passed off as new");
    // While it is away it answers that it knows no such stream, and is asked again and again.
    let tried = kept.wait("tried again", |r| r.reconnects >= 1 && r.state == CameraState::Lost);
    assert!(tried.text.as_ref().is_some_and(|t| t.contains("knows no stream at this address")), "{tried:?}");
    let before = kept.frames();

    served.camera.set_lost(false);
    let back = kept.wait("live again", |r| flows(r) && r.fps.is_some());
    assert!(back.reconnects >= 2 && back.attempts.len() >= 2, "{back:?}");
    let all = kept.frames();
    assert!(all.len() > before.len(), "new frames");
    for pair in all.windows(2) {
        assert!(pair[1].0 > pair[0].0 && pair[1].1 > pair[0].1, "time and number increase: {pair:?}");
    }
    // The pause is a pause on the time line too.
    let (last, first) = (before[before.len() - 1].0, all[before.len()].0);
    assert!(first - last > 0.2, "{last} {first}");
}

fn refused(kept: &Kept, secret: &str) {
    let refused = kept.wait("refused", |r| r.state == CameraState::Refused);
    let text = refused.text.as_deref().unwrap_or_default();
    assert!(text.contains("user name or password") && !text.contains(secret), "{text}");
}

#[test]
fn a_wrong_password_is_refused() {
    for (id, method) in [("conveyor", Method::Basic), ("shaft", Method::Digest)] {
        let served = Served::start(id, method);
        let kept = Kept::start(&served, "wrong-0815");
        refused(&kept, "wrong-0815");
        // Asked again and again, never let in.
        kept.wait("tried again", |r| r.reconnects >= 2 && r.state == CameraState::Refused);
        assert!(kept.frames().is_empty());
    }
}

#[test]
fn a_changed_password_is_refused_until_it_is_right_again() {
    let served = Served::start("conveyor", Method::Digest);
    let kept = Kept::start(&served, PASSWORD);
    kept.wait("live", flows);
    served.camera.set_refused(true);
    refused(&kept, PASSWORD);
    served.camera.set_refused(false);
    kept.wait("live again", flows);
}
