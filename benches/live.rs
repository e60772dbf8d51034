//! What a live camera costs: the engine against a bare pipeline that only decodes, both on the same RTSP stream at the same time.
//!
//! Three processes beside this one, all of this program: a server (1080p, 25 frames a second, H.264 at 4 Mbit/s), a bare
//! `rtspsrc ! rtph264depay ! h264parse ! avdec_h264 ! fakesink`, and the engine on one camera with eight regions of 64 by 64 pixels. What
//! counts is the CPU time of each while both watch the same minute, start and end left out.
//!
//! `cargo bench --bench live -- drain`: what the camera notices while the outage of a day is made up for in PostgreSQL.
#![cfg(feature = "demo")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench ends where it fails, and prints its table"
)]

#[path = "../tests/common/cluster.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod cluster;
#[path = "common/day.rs"]
mod day;
#[path = "../tests/record/node.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod node;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_rtsp_server as server;
use gstreamer_rtsp_server::prelude::*;
use serde_json::Value;

/// Seconds until everything runs evenly.
const SETTLE_S: u64 = 15;
/// Seconds of a round.
const ROUND_S: u64 = 20;
const ROUNDS: usize = 3;

/// Ten seconds of a textured picture that vibrates under sensor noise, encoded once: what a reader measures is there, is never lost, and the
/// bits are those that a camera spends.
const ENCODE: &str = "appsrc name=src format=time caps=video/x-raw,format=GRAY8,width=1920,height=1080,framerate=25/1 \
    ! videoconvert ! video/x-raw,format=I420 ! x264enc speed-preset=medium tune=zerolatency bitrate=4000 key-int-max=250 threads=2 \
    ! video/x-h264,profile=high,stream-format=byte-stream,alignment=au ! appsink name=sink sync=false";
const SERVE: &str = "( appsrc name=src is-live=true format=time do-timestamp=true \
    caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate=25/1 ! h264parse ! rtph264pay name=pay0 config-interval=1 )";
/// Frames of the ten seconds; all periods fit.
const FRAMES: u64 = 250;
const SIZE: (usize, usize) = (1920, 1080);
/// The picture's waves: radians a pixel along x and y, and grey levels.
const WAVES: [(f64, f64, f32); 3] = [(0.37, 0.11, 40.0), (0.09, -0.43, 35.0), (0.61, 0.52, 25.0)];

/// Ends its process when it goes.
struct Part(Child);

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Part {
    /// CPU time so far per thread name, in seconds.
    fn threads_s(&self) -> BTreeMap<String, f64> {
        let mut out = BTreeMap::new();
        for task in std::fs::read_dir(format!("/proc/{}/task", self.0.id())).unwrap().flatten() {
            let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else { continue };
            let Some((head, tail)) = stat.rsplit_once(')') else { continue };
            let name = head.split_once('(').map_or("", |n| n.1).to_owned();
            let fields: Vec<f64> = tail.split_whitespace().map(|f| f.parse().unwrap_or(0.0)).collect();
            *out.entry(name).or_insert(0.0) += (fields[11] + fields[12]) / 100.0;
        }
        out
    }

    /// CPU time so far, user and system, in seconds (`/proc/PID/stat`, fields 14 and 15).
    fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks / 100.0
    }
}

/// Sine and cosine of each wave along one axis, with its phase at a displacement of `d` pixels.
fn along(n: usize, wave: f64, d: f64) -> Vec<(f32, f32)> {
    (0..n).map(|i| (wave * (i as f64 - d)).sin_cos()).map(|(s, c)| (s as f32, c as f32)).collect()
}

/// Frame `k` without noise, row by row: the texture displaced by two tones along x and one along y.
fn picture(k: u64) -> impl Iterator<Item = Vec<f32>> {
    let swing = |amplitude: f64, hz: f64| amplitude * (std::f64::consts::TAU * hz * k as f64 / 25.0).sin();
    let (dx, dy) = (swing(0.8, 2.3) + swing(0.3, 5.7), swing(0.5, 4.1));
    let axes: Vec<_> = WAVES.iter().map(|w| (along(SIZE.0, w.0, dx), along(SIZE.1, w.1, dy), w.2)).collect();
    (0..SIZE.1).map(move |row| {
        let mut out = vec![128.0; SIZE.0];
        for (x, y, height) in &axes {
            let (sin, cos) = (height * y[row].0, height * y[row].1);
            for (o, (s, c)) in out.iter_mut().zip(x) {
                *o += s * cos + c * sin;
            }
        }
        out
    })
}

/// The encoded frames.
fn encode() -> Vec<gst::Buffer> {
    let pipeline = gst::parse::launch(ENCODE).unwrap().downcast::<gst::Pipeline>().unwrap();
    let src = pipeline.by_name("src").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let sink = pipeline.by_name("sink").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let feeding = std::thread::spawn(move || {
        let mut state = 7u64;
        for k in 0..FRAMES {
            let mut bytes = Vec::with_capacity(SIZE.0 * SIZE.1);
            for row in picture(k) {
                bytes.extend(row.iter().map(|v| {
                    // Two draws of four levels: noise of about 1.6 grey levels.
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (*v + (state >> 60 & 3) as f32 - (state >> 40 & 3) as f32) as u8
                }));
            }
            let mut buffer = gst::Buffer::from_slice(bytes);
            buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(40 * k));
            src.push_buffer(buffer).unwrap();
        }
        src.end_of_stream().unwrap();
    });
    let mut out = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        let mut b = sample.buffer_owned().unwrap().copy_deep().unwrap();
        b.get_mut().unwrap().set_pts(gst::ClockTime::NONE);
        b.get_mut().unwrap().set_dts(gst::ClockTime::NONE);
        out.push(b);
    }
    feeding.join().unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    out
}

/// Feeds one reader's pipeline, 25 frames a second.
fn feed(media: &server::RTSPMedia, coded: &Arc<Vec<gst::Buffer>>) {
    let element = media.element().downcast::<gst::Bin>().unwrap();
    let src = element.by_name_recurse_up("src").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let (coded, stop) = (Arc::clone(coded), Arc::new(AtomicBool::new(false)));
    let ended = Arc::clone(&stop);
    media.connect_unprepared(move |_| ended.store(true, Ordering::Relaxed));
    std::thread::spawn(move || {
        let mut next = Instant::now();
        for b in coded.iter().cycle() {
            if stop.load(Ordering::Relaxed) || src.push_buffer(b.copy()).is_err() {
                return;
            }
            next += Duration::from_millis(40);
            sleep(next.saturating_duration_since(Instant::now()));
        }
    });
}

fn serve() {
    gst::init().unwrap();
    let rtsp = server::RTSPServer::new();
    rtsp.set_address("127.0.0.1");
    rtsp.set_service("0");
    let factory = server::RTSPMediaFactory::new();
    factory.set_launch(SERVE);
    factory.set_shared(true);
    let coded = Arc::new(encode());
    let bytes: usize = coded.iter().map(|b| b.size()).sum();
    factory.connect_media_configure(move |_, media| feed(media, &coded));
    rtsp.mount_points().unwrap().add_factory("/s", factory);
    let _source = rtsp.attach(None).unwrap();
    println!("{} {}", rtsp.bound_port(), bytes * 8 / 10_000);
    glib::MainLoop::new(None, false).run();
}

fn bare(url: &str) {
    gst::init().unwrap();
    let text = format!(
        "rtspsrc location={url} protocols=tcp latency=80 ! rtph264depay ! h264parse ! avdec_h264 max-threads=1 ! fakesink sync=false"
    );
    let pipeline = gst::parse::launch(&text).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    glib::MainLoop::new(None, false).run();
}

fn me(args: &[&str]) -> Command {
    let mut c = Command::new(std::env::current_exe().unwrap());
    c.args(args).stdout(Stdio::piped()).stderr(Stdio::null());
    c
}

fn config(url: &str) -> String {
    let mut t = format!("[[camera]]\nid = \"c\"\nurl = \"{url}\"\nexpected_fps = 25\nscale_mm_per_px = 0.5\n");
    for i in 0..8 {
        let role = if i == 0 { "background" } else { "asset" };
        let (x, y) = (200 + i % 4 * 400, 200 + i / 4 * 500);
        let _ = write!(t, "[[camera.roi]]\nid = \"r{i}\"\nrect = [{x}, {y}, 64, 64]\nrole = \"{role}\"\n");
    }
    t
}

/// The server's process, its port, and how many kbit a second it sends.
fn served() -> (Part, String, String) {
    let mut served = Part(me(&["serve"]).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(served.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let (port, kbit) = line.trim().split_once(' ').unwrap();
    (served, port.to_owned(), kbit.to_owned())
}

fn vms(dir: &Path, command: &str) -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_vms"));
    c.args([command, "--config"]).arg(dir.join("vms.toml")).arg("--data-dir").arg(dir.join("data"));
    c.stderr(Stdio::null());
    c
}

fn engine(dir: &Path) -> Part {
    Part(vms(dir, "engine").stdout(Stdio::null()).spawn().unwrap())
}

/// What the status said of the camera, second by second.
#[derive(Default)]
struct Seen {
    fps: Vec<f64>,
    latency_ms: Vec<f64>,
    uncertainty_px: Vec<f64>,
    /// Frames lost and samples dropped so far: at the beginning, at the end.
    lost: Option<(u64, u64)>,
}

impl Seen {
    fn take(&mut self, camera: &Value) {
        let number = |v: &Value| v.as_f64().unwrap_or(f64::NAN);
        self.fps.push(number(&camera["fps"]));
        self.latency_ms.push(number(&camera["latency_ms_p99"]));
        self.uncertainty_px.push(number(&camera["rois"][1]["uncertainty_px"]));
        let lost = camera["lost_frames"].as_u64().unwrap_or(0) + camera["dropped"].as_u64().unwrap_or(0);
        self.lost = Some((self.lost.map_or(lost, |l| l.0), lost));
    }

    fn row(&self, name: &str) {
        let middle = |v: &[f64]| {
            let mut v = v.to_vec();
            v.sort_by(f64::total_cmp);
            v[v.len() / 2]
        };
        let least = self.fps.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.latency_ms.iter().copied().fold(0.0, f64::max);
        let lost = self.lost.map_or(0, |(a, b)| b - a);
        println!(
            "| {name} | {} s | {:.2}, least {least:.2} | {:.1} ms, most {most:.1} | {lost} | {:.4} px |",
            self.fps.len(),
            middle(&self.fps),
            middle(&self.latency_ms),
            middle(&self.uncertainty_px),
        );
    }
}

/// The outage of a day with 64 regions is made up for beside the camera, at the default pace; then the camera alone.
fn drain(dir: &Path) {
    let Some(cluster) = cluster::Cluster::start() else { return };
    std::fs::create_dir_all(dir.join("data")).unwrap();
    day::day(&dir.join("data"), 64);
    let mut text = std::fs::read_to_string(dir.join("vms.toml")).unwrap();
    let password = dir.join("password");
    std::fs::write(&password, cluster::PASSWORD).unwrap();
    std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let _ =
        write!(text, "[historian]\nurl = \"{}\"\npassword = {{ file = \"{}\" }}\n", cluster.url(), password.display());
    std::fs::write(dir.join("vms.toml"), text).unwrap();
    let engine = engine(dir);
    let (mut beside, mut alone) = (Seen::default(), Seen::default());
    let (mut took, start) = (None, Instant::now());
    let mut cpu = Vec::new();
    while alone.fps.len() < 60 && start.elapsed() < Duration::from_mins(15) {
        sleep(Duration::from_secs(1));
        let out = vms(dir, "status").arg("--json").output().unwrap();
        let Ok(status) = serde_json::from_slice::<Value>(&out.stdout) else { continue };
        let (camera, queued) = (&status["cameras"][0], status["historian"]["queued"].as_u64());
        // What the server needed to encode its picture, and the first estimates, are left out.
        if camera["state"] != "live" || start.elapsed() < Duration::from_secs(SETTLE_S) {
            continue;
        }
        match queued {
            Some(n) if n > 1000 => beside.take(camera),
            Some(_) if !beside.fps.is_empty() => {
                took.get_or_insert_with(|| start.elapsed().as_secs_f64());
                alone.take(camera);
            }
            _ => continue,
        }
        cpu.push(engine.cpu_s());
    }
    let Some(took) = took else { return println!("the day was not sent in time") };
    println!("a day of 64 regions sent in {took:.0} s (limit 300 s) while a camera was measured");
    println!("| | over | frames a second | latency, 99 % | frames lost | uncertainty |\n|---|---|---|---|---|---|");
    beside.row("while it is sent");
    alone.row("afterwards");
    let share = |range: std::ops::Range<usize>| {
        let (a, b) = (cpu[range.start], cpu[range.end - 1]);
        100.0 * (b - a) / (range.len() - 1) as f64
    };
    let n = beside.fps.len();
    println!(
        "the engine's share of a core: {:.0} % while it is sent, {:.0} % afterwards",
        share(0..n),
        share(n..cpu.len())
    );
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("serve") => return serve(),
        Some("bare") => return bare(&args[2]),
        // `cargo test --benches` only asks whether it runs.
        Some("--test") => return,
        _ => {}
    }
    let dir = std::env::temp_dir().join(format!("vms-live-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let (served, port, kbit) = served();
    let url = format!("rtsp://127.0.0.1:{port}/s");
    std::fs::write(dir.join("vms.toml"), config(&url)).unwrap();
    if args.iter().any(|a| a == "drain") {
        drain(&dir);
        drop(served);
        let _ = std::fs::remove_dir_all(&dir);
        return;
    }
    let engine = engine(&dir);
    let bare = Part(me(&["bare", &url]).spawn().unwrap());
    sleep(Duration::from_secs(SETTLE_S));
    println!(
        "1080p25 H.264 (high, CABAC) {kbit} kbit/s over RTSP, eight regions of 64×64; CPU of one core while both read the same stream"
    );
    for round in 1..=ROUNDS {
        let before = (bare.cpu_s(), engine.cpu_s());
        sleep(Duration::from_secs(ROUND_S));
        let after = (bare.cpu_s(), engine.cpu_s());
        let share = |a: f64, b: f64| 100.0 * (b - a) / ROUND_S as f64;
        let (b, e) = (share(before.0, after.0), share(before.1, after.1));
        println!("round {round}: bare pipeline {b:.2} %, engine {e:.2} %, ratio {:.3}", e / b);
    }
    println!("the engine's threads, % of a core since the start:");
    let share = |s: f64| 100.0 * s / (SETTLE_S + ROUNDS as u64 * ROUND_S) as f64;
    for (name, s) in engine.threads_s() {
        println!("  {name:<16} {:.2}", share(s));
    }
    println!("the bare pipeline's:");
    for (name, s) in bare.threads_s() {
        println!("  {name:<16} {:.2}", share(s));
    }
    println!("{}", String::from_utf8_lossy(&vms(&dir, "status").output().unwrap().stdout));
    drop((engine, bare, served));
    let _ = std::fs::remove_dir_all(&dir);
}
