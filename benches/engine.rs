//! What measuring costs against decoding, and what the idle console costs against both: one table, in CPU time, from one run.
//!
//! The demonstration's three scenes are encoded first, in memory. Then, frame by frame and on one thread each: decoding as
//! the engine does it, and everything that the engine does with a decoded frame.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench ends where it fails, and prints its table")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use crokey::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use nix::sys::resource::{UsageWho, getrusage};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use vms::console::app::{App, Capabilities, Input};
use vms::console::keys::Keymap;
use vms::console::theme::{Depth, Theme};
use vms::console::{sample, tabs};
use vms::demo::motion::FPS;
use vms::demo::rtsp::{FRAME, encoder};
use vms::demo::scene::{NAMES, Scene};
use vms::model::vibration::{Role, Sample};
use vms::vibration::analyze::{Analyzer, AnalyzerSpec};
use vms::vibration::luma::Luma;
use vms::vibration::tracker::Track;
use vms::vibration::{FrameMeter, RegionSpec};

/// Frames of a scene: twelve seconds, so that the analysis window of eight is full for a third of them.
const FRAMES: u64 = 300;
/// Boards that the engine publishes in a second, each with every region's curves; the console draws each of them.
const BOARDS_A_SECOND: f64 = 5.0;
/// Rounds of each part; the least is taken, because everything else that runs only adds.
const ROUNDS: usize = 3;

/// CPU time of this process so far, over all its threads.
fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let of = |t: nix::sys::time::TimeVal| {
        Duration::from_secs(t.tv_sec().unsigned_abs()) + Duration::from_micros(t.tv_usec().unsigned_abs())
    };
    of(usage.user_time()) + of(usage.system_time())
}

/// The least CPU time of some rounds of the work.
fn least(mut work: impl FnMut()) -> Duration {
    let round = |_| {
        let before = cpu();
        work();
        cpu().saturating_sub(before)
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}

fn pipeline(text: &str) -> gst::Pipeline {
    gst::parse::launch(text).unwrap().downcast().unwrap()
}

fn element<T: IsA<gst::glib::Object>>(pipeline: &gst::Pipeline, name: &str) -> T {
    pipeline.by_name(name).unwrap().dynamic_cast().ok().unwrap()
}

/// The scene's stream, a buffer a frame.
fn encoded(scene: &mut Scene) -> (gst::Caps, Vec<gst::Buffer>) {
    let (w, h) = scene.size();
    let p = pipeline(&format!("{} ! appsink name=out sync=false", encoder(w, h)));
    let (src, out): (gst_app::AppSrc, gst_app::AppSink) = (element(&p, "src"), element(&p, "out"));
    p.set_state(gst::State::Playing).unwrap();
    let (mut caps, mut coded) = (None, Vec::new());
    let mut take = |wait: gst::ClockTime| {
        let Some(sample) = out.try_pull_sample(wait) else { return false };
        caps = sample.caps_owned();
        coded.push(sample.buffer_owned().unwrap());
        true
    };
    for n in 0..FRAMES {
        let mut buffer = gst::Buffer::with_size(w * h * 3 / 2).unwrap();
        let b = buffer.get_mut().unwrap();
        b.set_pts(FRAME * n);
        b.set_duration(FRAME);
        {
            let mut map = b.map_writable().unwrap();
            map[w * h..].fill(128);
            scene.render(n, &mut map);
        }
        src.push_buffer(buffer).unwrap();
        while take(gst::ClockTime::ZERO) {}
    }
    src.end_of_stream().unwrap();
    while take(gst::ClockTime::from_seconds(2)) {}
    p.set_state(gst::State::Null).unwrap();
    (caps.unwrap(), coded)
}

/// Decodes the stream into nothing, or into `to`.
fn decode(caps: &gst::Caps, coded: &[gst::Buffer], to: Option<&mut Vec<Vec<u8>>>) {
    let sink = if to.is_some() { "appsink name=out sync=false" } else { "fakesink name=out sync=false" };
    let p =
        pipeline(&format!("appsrc name=src format=time max-bytes=0 ! h264parse ! avdec_h264 max-threads=1 ! {sink}"));
    let src: gst_app::AppSrc = element(&p, "src");
    src.set_caps(Some(caps));
    p.set_state(gst::State::Playing).unwrap();
    for buffer in coded {
        src.push_buffer(buffer.clone()).unwrap();
    }
    src.end_of_stream().unwrap();
    if let Some(frames) = to {
        let out: gst_app::AppSink = element(&p, "out");
        while let Some(sample) = out.try_pull_sample(gst::ClockTime::from_seconds(5)) {
            let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
            let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().unwrap(), &info).unwrap();
            let (luma, stride) = (frame.plane_data(0).unwrap(), usize::try_from(frame.plane_stride()[0]).unwrap());
            let (w, h) = (info.width() as usize, info.height() as usize);
            frames.push((0..h).flat_map(|y| &luma[y * stride..y * stride + w]).copied().collect());
        }
    } else {
        let bus = p.bus().unwrap();
        let ends = [gst::MessageType::Eos, gst::MessageType::Error];
        let end = bus.timed_pop_filtered(gst::ClockTime::from_seconds(120), &ends).unwrap();
        assert_eq!(end.type_(), gst::MessageType::Eos);
    }
    p.set_state(gst::State::Null).unwrap();
}

fn regions(scene: &Scene) -> Vec<RegionSpec> {
    let role = |moves: bool| if moves { Role::Asset } else { Role::Background };
    scene.rois().iter().map(|r| RegionSpec { rect: r.rect, role: role(r.motion.is_some()) }).collect()
}

/// The first half of measuring, on the streaming thread: the displacement of every region in each frame.
fn track(meter: &mut FrameMeter, scene: &Scene, frames: &[Vec<u8>]) -> Vec<Vec<Sample>> {
    let (w, h) = scene.size();
    let sample = |n: u64, t: &Track| Sample {
        t_s: n as f64 / FPS,
        dx_px: t.dx_px,
        dy_px: t.dy_px,
        sigma_px: t.sigma_px,
        fit: t.fit,
        ..Sample::default()
    };
    let of_frame = |(n, frame): (u64, &Vec<u8>)| {
        let luma = Luma::new(frame, w, w, h).unwrap();
        meter.measure(&luma).iter().map(|t| sample(n, t)).collect()
    };
    (0_u64..).zip(frames).map(of_frame).collect()
}

/// The second half, in the decider: a reading of every region with each frame, and its curves with each board.
fn analyze(samples: &[Vec<Sample>]) {
    let spec = AnalyzerSpec {
        expected_fps: FPS,
        window_s: 8.0,
        scale_mm_per_px: Some(0.5),
        coded: true,
        exposure_s: None,
        readout_s: None,
    };
    let mut analyzers: Vec<Analyzer> = samples[0].iter().map(|_| Analyzer::new(spec)).collect();
    for (n, of_frame) in samples.iter().enumerate() {
        for (sample, analyzer) in of_frame.iter().zip(&mut analyzers) {
            analyzer.push(sample);
            black_box(analyzer.read(sample));
            if n % (FPS / BOARDS_A_SECOND) as usize == 0 {
                black_box((analyzer.waveform(), analyzer.spectrum()));
            }
        }
    }
}

/// CPU time of one drawing of each tab with all its values changed, as bytes for a terminal of 120 by 40.
fn drawings() -> Vec<(String, Duration)> {
    const DRAWINGS: u32 = 200;
    let boards = [Arc::new(sample::live()), Arc::new(sample::alarm())];
    let of_tab = |(number, tab): (u8, &tabs::Entry)| {
        let about = Capabilities { who: "operator".into(), engine_here: true, bell: false, mouse: true };
        let theme = Theme::new(true, Depth::Palette);
        let keymap = Keymap::built_in().ok().unwrap();
        let mut app = App::new(keymap, theme, tabs::all(), about, Arc::clone(&boards[0]), sample::now());
        let area = ratatui::layout::Rect::new(0, 0, 120, 40);
        let viewport = ratatui::TerminalOptions { viewport: ratatui::Viewport::Fixed(area) };
        let mut terminal = Terminal::with_options(CrosstermBackend::new(std::io::sink()), viewport).unwrap();
        app.handle(Input::Key(KeyEvent::new(KeyCode::Char(char::from(number)), KeyModifiers::NONE)));
        let took = least(|| {
            for n in 0..DRAWINGS {
                app.handle(Input::Board(Arc::clone(&boards[n as usize % 2])));
                terminal.draw(|f| app.draw(f)).unwrap();
            }
        });
        (tab.context.section().to_owned(), took / DRAWINGS)
    };
    (b'1'..).zip(tabs::TABS.iter()).map(of_tab).collect()
}

fn main() {
    gst::init().unwrap();
    println!("CPU time a frame in ms, least of {ROUNDS} rounds of {FRAMES} frames");
    println!(
        "{:<10} {:>10} {:>8} {:>8} {:>8} {:>8} {:>18}",
        "scene", "size", "regions", "decode", "track", "analyze", "measure / decode"
    );
    let (mut decode_s, mut measure_s) = (0.0, 0.0);
    for name in NAMES {
        let mut scene = Scene::new(name).unwrap();
        let (caps, coded) = encoded(&mut scene);
        let mut frames = Vec::new();
        decode(&caps, &coded, Some(&mut frames));
        assert_eq!(frames.len() as u64, FRAMES, "{name}: the codec lost frames");
        let of_frame = |all: Duration| all.as_secs_f64() / FRAMES as f64;
        let decoding = of_frame(least(|| decode(&caps, &coded, None)));
        let mut samples = Vec::new();
        // In the long run: the references are made in the first half minute.
        let mut meter = FrameMeter::new(&regions(&scene));
        for _ in 0..4 {
            track(&mut meter, &scene, &frames);
        }
        let tracking = of_frame(least(|| samples = track(&mut meter, &scene, &frames)));
        let analysis = of_frame(least(|| analyze(&samples)));
        let (w, h) = scene.size();
        println!(
            "{name:<10} {:>10} {:>8} {:>8.3} {:>8.3} {:>8.3} {:>16.1} %",
            format!("{w}x{h}"),
            scene.rois().len(),
            decoding * 1e3,
            tracking * 1e3,
            analysis * 1e3,
            100.0 * (tracking + analysis) / decoding
        );
        decode_s += decoding * FPS;
        measure_s += (tracking + analysis) * FPS;
    }
    println!(
        "all three at {FPS} frames a second: decode {:.1} % of a core, measure {:.1} % of a core, which is {:.1} % of decode\n",
        100.0 * decode_s,
        100.0 * measure_s,
        100.0 * measure_s / decode_s
    );
    println!("CPU time of a drawing of the console, 120x40, every value new; at {BOARDS_A_SECOND} boards a second");
    println!("{:<12} {:>10} {:>12} {:>12}", "tab", "drawing ms", "% of a core", "% of decode");
    for (tab, drawing) in drawings() {
        let share = drawing.as_secs_f64() * BOARDS_A_SECOND;
        println!(
            "{tab:<12} {:>10.3} {:>12.2} {:>12.2}",
            drawing.as_secs_f64() * 1e3,
            100.0 * share,
            100.0 * share / decode_s
        );
    }
}
