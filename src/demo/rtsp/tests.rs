//! The encoder against the picture that went in, and the servers with a real client.

use super::*;
use crate::base::clock::SystemClock;
use gstreamer_app::AppSink;

fn setup(id: &'static str, method: Method) -> CameraSetup {
    CameraSetup { id, method, user: "vms", password: "secret".into() }
}

#[test]
fn frame_numbers_follow_the_clock() {
    let epoch = Mono(5);
    assert_eq!(frame_at(Mono(5), epoch), 0);
    assert_eq!(frame_at(Mono(5 + 39_999_999), epoch), 0);
    assert_eq!(frame_at(Mono(5 + 40_000_000), epoch), 1);
    assert_eq!(frame_at(epoch.after(Duration::from_hours(1000)), epoch), 90_000_000);
}

#[test]
fn the_encoder_keeps_picture_and_times() {
    check_elements().expect("the demonstration's elements");
    let mut painter = Painter::new("conveyor").expect("a scene");
    let (w, h) = painter.scene.size();
    let text = format!("{} ! avdec_h264 max-threads=1 ! appsink name=out sync=false", encoder(w, h));
    let pipeline = gst::parse::launch(&text).expect("a pipeline").downcast::<gst::Pipeline>().expect("a pipeline");
    let source = pipeline.by_name("src").expect("src").downcast::<gst_app::AppSrc>().expect("appsrc");
    let sink = pipeline.by_name("out").expect("out").downcast::<AppSink>().expect("appsink");
    pipeline.set_state(gst::State::Playing).expect("plays");
    let base = gst::ClockTime::from_mseconds(120);
    for n in 0..6 {
        source.push_buffer(painter.buffer(n, Veil::default(), base + FRAME * n).expect("a frame")).expect("taken");
    }
    source.end_of_stream().expect("taken");
    let mut want = vec![0; w * h];
    let mut first = None;
    for n in 0..6 {
        let sample = sink.try_pull_sample(gst::ClockTime::from_seconds(20)).expect("a decoded frame");
        let buffer = sample.buffer().expect("a buffer");
        let pts = buffer.pts().expect("a time");
        // The encoder moves all times by the same amount and the segment with them.
        assert_eq!(pts - *first.get_or_insert(pts), FRAME * n);
        let info = gstreamer_video::VideoInfo::from_caps(sample.caps().expect("caps")).expect("video");
        let map = buffer.map_readable().expect("readable");
        painter.scene.render(n, &mut want);
        let stride = info.stride()[0] as usize;
        let squares: f64 = (0..h)
            .flat_map(|y| map[y * stride..][..w].iter().zip(&want[y * w..][..w]))
            .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
            .sum();
        let psnr = 10.0 * (255.0_f64.powi(2) / (squares / (w * h) as f64)).log10();
        assert!(psnr > 38.0, "frame {n}: {psnr:.1} dB");
    }
    pipeline.set_state(gst::State::Null).expect("ends");
}

/// A served plant of one camera, ended when dropped.
struct Served {
    camera: Arc<Camera>,
    shutdown: Shutdown,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Served {
    fn start(setup: CameraSetup, size: (usize, usize)) -> Self {
        check_elements().expect("the demonstration's elements");
        let context = glib::MainContext::new();
        let camera = Arc::new(Camera::listen(setup, size, &context).expect("listens"));
        let shutdown = Shutdown::new();
        let clock = Arc::new(SystemClock::new());
        let epoch = clock.now().mono;
        let (c, s) = (Arc::clone(&camera), shutdown.clone());
        let render = std::thread::spawn(move || c.render_loop(&*clock, epoch, &s));
        let s = shutdown.clone();
        let serve = std::thread::spawn(move || serve(&context, &s));
        Self { camera, shutdown, threads: vec![render, serve] }
    }

    fn client(&self, password: &str) -> (gst::Pipeline, AppSink) {
        let text = format!(
            "rtspsrc location={} user-id=vms user-pw={password} protocols=tcp latency=50 ! rtph264depay ! h264parse \
             ! video/x-h264,stream-format=avc,alignment=au ! appsink name=out sync=false",
            self.camera.url()
        );
        let pipeline = gst::parse::launch(&text).expect("a pipeline").downcast::<gst::Pipeline>().expect("a pipeline");
        let sink = pipeline.by_name("out").expect("out").downcast::<AppSink>().expect("appsink");
        pipeline.set_state(gst::State::Playing).expect("starts");
        (pipeline, sink)
    }

    /// Whether frames come, trying as often as a client of a camera that starts would: one that comes too early is turned away.
    fn comes_back(&self, password: &str) -> bool {
        (0..20).any(|_| {
            let (pipeline, sink) = self.client(password);
            let came = pull(&sink, 3).is_some();
            pipeline.set_state(gst::State::Null).expect("ends");
            came
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.ask();
        for t in self.threads.drain(..) {
            let _ = t.join();
        }
    }
}

fn pull(sink: &AppSink, seconds: u64) -> Option<gst::ClockTime> {
    sink.try_pull_sample(gst::ClockTime::from_seconds(seconds)).and_then(|s| s.buffer().and_then(gst::BufferRef::pts))
}

#[test]
fn a_client_plays_loses_and_finds_the_camera() {
    let served = Served::start(setup("conveyor", Method::Digest), (960, 540));
    let (pipeline, sink) = served.client("secret");
    let first = pull(&sink, 20).expect("a first frame");
    let later = (0..9).filter_map(|_| pull(&sink, 5)).next_back().expect("more frames");
    // How far apart is the client's view: it bends its times to the arrival of the first packets.
    assert!(later > first, "times increase: {first} {later}");
    served.camera.switches.hung.store(true, Ordering::Relaxed);
    while pull(&sink, 1).is_some() {}
    assert!(!sink.is_eos(), "a hung camera keeps its connection");
    served.camera.switches.hung.store(false, Ordering::Relaxed);
    assert!(pull(&sink, 5).is_some(), "frames come again");
    served.camera.set_lost(true);
    let gone = (0..200).any(|_| pull(&sink, 2).is_none());
    assert!(gone, "the stream ends");
    pipeline.set_state(gst::State::Null).expect("ends");

    let (pipeline, sink) = served.client("secret");
    assert_eq!(pull(&sink, 1), None, "no stream while the camera is lost");
    pipeline.set_state(gst::State::Null).expect("ends");
    served.camera.set_lost(false);
    assert!(served.comes_back("secret"), "back");
}

#[test]
fn a_changed_password_is_refused() {
    for (id, method) in [("conveyor", Method::Basic), ("shaft", Method::Digest)] {
        let served = Served::start(setup(id, method), (960, 540));
        served.camera.set_refused(true);
        let (pipeline, _sink) = served.client("secret");
        let error = pipeline
            .bus()
            .and_then(|b| b.timed_pop_filtered(gst::ClockTime::from_seconds(10), &[gst::MessageType::Error]));
        assert!(error.is_some_and(
            |m| matches!(m.view(), gst::MessageView::Error(e) if e.error().matches(gst::ResourceError::NotAuthorized) )
        ));
        pipeline.set_state(gst::State::Null).expect("ends");
        served.camera.set_refused(false);
        assert!(served.comes_back("secret"), "accepted again");
    }
}
