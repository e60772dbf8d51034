//! What the demonstration costs and how exact it stays after coding; run by hand:
//! `CARGO_PROFILE_DEV_OPT_LEVEL=3 cargo test --lib demo::plant::bench -- --ignored --nocapture --test-threads=1`.

use super::*;
use crate::base::clock::SystemClock;
use crate::demo::scene::Scene;
use crate::demo::scene::tests::measure;
use gstreamer as gst;
use gstreamer::prelude::*;

/// Frames coded for the error.
const N: u64 = 60;

/// CPU seconds of this process so far, over all threads.
fn cpu_s() -> f64 {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).expect("usage");
    let s = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6;
    s(usage.user_time()) + s(usage.system_time())
}

#[test]
#[ignore = "takes half a minute; prints figures"]
fn cost_of_three_cameras() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(SystemClock::new());
    let (plant, threads) = super::tests::start(dir.path(), clock.clone());
    let wait = Shutdown::new();
    let mut clients = Vec::new();
    for (camera, file) in plant.cameras.iter().zip(&plant.camera_passwords) {
        let password = std::fs::read_to_string(file).expect("readable");
        let text = format!(
            "rtspsrc location={} user-id=vms user-pw={} protocols=tcp latency=50 ! rtph264depay ! identity name=count silent=true ! fakesink sync=false",
            camera.url(),
            password.trim()
        );
        let pipeline = gst::parse::launch(&text).expect("a pipeline").downcast::<gst::Pipeline>().expect("a pipeline");
        pipeline.set_state(gst::State::Playing).expect("plays");
        clients.push(pipeline);
    }
    let _ = wait.wait_for(Duration::from_secs(6));
    let (cpu, at, frames) = (cpu_s(), clock.now().mono, plant.frames());
    let _ = wait.wait_for(Duration::from_secs(15));
    let seconds = clock.now().mono.secs_since(at);
    println!(
        "{:.3} core over {seconds:.1} s for rendering, encoding, sending and receiving",
        (cpu_s() - cpu) / seconds
    );
    for ((id, n, dropped), (_, before, _)) in plant.frames().into_iter().zip(frames) {
        println!("{id}: {:.2} frames a second, {dropped} dropped", (n - before) as f64 / seconds);
    }
    for task in std::fs::read_dir("/proc/self/task").expect("threads").flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let name = stat.split(['(', ')']).nth(1).unwrap_or_default().to_owned();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: f64 = [11, 12].iter().filter_map(|i| fields.get(*i)?.parse::<f64>().ok()).sum();
        if ticks > 20.0 {
            println!("  {name:<18} {:.2} s in all", ticks / 100.0);
        }
    }
    for c in clients {
        c.set_state(gst::State::Null).expect("ends");
    }
    assert!(plant.stop());
    for t in threads.lock().expect("no panic").drain(..) {
        t.join().expect("ends");
    }
}

#[test]
#[ignore = "takes a minute; prints figures"]
fn displacement_error_after_coding() {
    gst::init().expect("GStreamer");
    for name in NAMES {
        let mut scene = Scene::new(name).expect("a scene");
        let (w, h) = scene.size();
        let text = format!(
            "{} ! tee name=t ! queue ! avdec_h264 max-threads=1 ! appsink name=out sync=false t. ! queue ! appsink name=coded sync=false",
            rtsp::encoder(w, h)
        );
        let pipeline = gst::parse::launch(&text).expect("a pipeline").downcast::<gst::Pipeline>().expect("a pipeline");
        let source = pipeline.by_name("src").expect("src").downcast::<gstreamer_app::AppSrc>().expect("appsrc");
        let sink =
            |n: &str| pipeline.by_name(n).expect("a sink").downcast::<gstreamer_app::AppSink>().expect("appsink");
        let (out, coded) = (sink("out"), sink("coded"));
        pipeline.set_state(gst::State::Playing).expect("plays");
        let first = 50;
        let mut frame = vec![128; w * h * 3 / 2];
        for n in 0..N {
            scene.render(first + n, &mut frame[..w * h]);
            let mut buffer = gst::Buffer::from_slice(frame.clone());
            buffer.get_mut().expect("own").set_pts(rtsp::FRAME * n);
            source.push_buffer(buffer).expect("taken");
        }
        source.end_of_stream().expect("taken");
        let mut clean = vec![0; w * h];
        scene.render_clean(first, &mut clean);
        let reference: Vec<f32> = clean.iter().map(|v| f32::from(*v)).collect();
        let mut errors: BTreeMap<&str, Vec<[f64; 4]>> = BTreeMap::new();
        let sway = |n: u64| if name == "shaft" { crate::demo::motion::shake(n as f64 / FPS) } else { (0.0, 0.0) };
        for n in 0..N {
            let sample = out.try_pull_sample(gst::ClockTime::from_seconds(60)).expect("a frame");
            let info = gstreamer_video::VideoInfo::from_caps(sample.caps().expect("caps")).expect("video");
            let map = sample.buffer().expect("buffer").map_readable().expect("readable");
            let stride = info.stride()[0] as usize;
            let picture: Vec<f32> = (0..h).flat_map(|y| map[y * stride..][..w].iter().map(|v| f32::from(*v))).collect();
            if n % 2 == 1 {
                continue;
            }
            for roi in scene.rois() {
                let [x, y, rw, rh] = roi.rect;
                let got = measure(&reference, &picture, w, [x + rw / 2 - 32, y + rh / 2 - 32, 64, 64]);
                let truth = |k| scene.truth_at_frame(roi.id, k).expect("known");
                let (a, b, s, t) = (truth(first), truth(first + n), sway(first), sway(first + n));
                let want = (b.0 - a.0 + t.0 - s.0, b.1 - a.1 + t.1 - s.1);
                errors.entry(roi.id).or_default().push([got.0 - want.0, got.1 - want.1, want.0, want.1]);
            }
        }
        let bytes: usize = std::iter::from_fn(|| coded.try_pull_sample(gst::ClockTime::from_mseconds(500)))
            .filter_map(|s| s.buffer().map(gst::BufferRef::size))
            .sum();
        println!("{name}: {:.1} Mbit/s", bytes as f64 * 8.0 / (N as f64 / FPS) / 1e6);
        for (id, e) in errors {
            let mean = |i: usize, j: usize| e.iter().map(|p| p[i] * p[j]).sum::<f64>() / e.len() as f64;
            let rms = |i: usize| mean(i, i).sqrt();
            // Part of the error that follows the motion: it would show as a wrong amplitude.
            let gain = (mean(0, 2) + mean(1, 3)) / (mean(2, 2) + mean(3, 3)).max(1e-12);
            println!("  {id:<18} rms error x {:.4} y {:.4} px, amplitude {:+.2} %", rms(0), rms(1), gain * 100.0);
        }
        pipeline.set_state(gst::State::Null).expect("ends");
    }
}
