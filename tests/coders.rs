//! Displacement in pictures that went through real coders, against exactly known motion.
#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use std::f64::consts::TAU;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use vms::model::vibration::{Fit, Role};
use vms::vibration::{FrameMeter, Luma, RegionSpec, Track};

/// Width and height of the pictures: no whole number of blocks.
const SIDE: usize = 140;
const FRAMES: usize = 240;
/// The region: not in line with the blocks.
const RECT: [u32; 4] = [37, 42, 64, 64];

/// A coder of steps five times as wide as its best.
const COARSE: &str = "avenc_mjpeg bitrate=100 qmin=20 qmax=20 ! jpegdec";
/// H.265 of constant quality, with pictures foretold from both sides.
const H265: &str = "x265enc speed-preset=veryfast option-string=crf=26:keyint=50:bframes=4:log-level=none ! h265parse ! avdec_h265 max-threads=1";

/// Repeatable noise of about unit variance.
fn noise(state: &mut u64) -> f64 {
    let uniform = |s: &mut u64| {
        *s = s.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*s >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    };
    (0..6).map(|_| uniform(state)).sum::<f64>() * 2f64.sqrt()
}

fn place(frame: usize) -> (f64, f64) {
    let t = frame as f64 * 0.85;
    (0.5 * t.sin(), 0.3 * (t + 1.2).sin())
}

/// Pictures of a texture of waves with up to 0.2 cycles a pixel, with noise of two grey levels.
fn pictures() -> Vec<Vec<u8>> {
    let mut state = 5;
    let waves: Vec<(f64, f64, f64)> = (0..30)
        .map(|_| {
            let (f, a) = (0.02 + 0.18 * (noise(&mut state) * 0.3 + 0.5).clamp(0.0, 1.0), noise(&mut state) * TAU);
            (TAU * f * a.cos(), TAU * f * a.sin(), noise(&mut state) * TAU)
        })
        .collect();
    let draw = |frame: usize| {
        let (dx, dy) = place(frame);
        let at = |i: usize| {
            let (x, y) = ((i % SIDE) as f64 - dx, (i / SIDE) as f64 - dy);
            let v: f64 = waves.iter().map(|(a, b, p)| 8.0 * (a * x + b * y + p).sin()).sum();
            (128.0 + v + 2.0 * noise(&mut state)).round().clamp(0.0, 255.0) as u8
        };
        (0..SIDE * SIDE).map(at).collect()
    };
    (0..FRAMES).map(draw).collect()
}

/// The pictures' luma after this coder and decoder.
fn through(coder: &str, pictures: &[Vec<u8>]) -> Vec<Vec<u8>> {
    gst::init().unwrap();
    let text = format!(
        "appsrc name=src format=time caps=video/x-raw,format=I420,width={SIDE},height={SIDE},framerate=25/1 \
         ! {coder} ! appsink name=out sync=false"
    );
    let pipeline = gst::parse::launch(&text).unwrap().downcast::<gst::Pipeline>().unwrap();
    let src = pipeline.by_name("src").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let sink = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut frames = Vec::new();
    let mut take = |wait: gst::ClockTime| {
        let Some(sample) = sink.try_pull_sample(wait) else { return false };
        let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().unwrap(), &info).unwrap();
        let (luma, stride) = (frame.plane_data(0).unwrap(), usize::try_from(frame.plane_stride()[0]).unwrap());
        frames.push((0..SIDE).flat_map(|y| luma[y * stride..y * stride + SIDE].to_vec()).collect());
        true
    };
    let layout = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, SIDE as u32, SIDE as u32).build().unwrap();
    for (n, picture) in pictures.iter().enumerate() {
        let mut data = vec![128u8; layout.size()];
        let stride = usize::try_from(layout.stride()[0]).unwrap();
        for (to, from) in data.chunks_mut(stride).zip(picture.chunks(SIDE)) {
            to[..SIDE].copy_from_slice(from);
        }
        let mut buffer = gst::Buffer::from_mut_slice(data);
        let b = buffer.get_mut().unwrap();
        b.set_pts(gst::ClockTime::from_mseconds(n as u64 * 40));
        b.set_duration(gst::ClockTime::from_mseconds(40));
        src.push_buffer(buffer).unwrap();
        while take(gst::ClockTime::ZERO) {}
    }
    src.end_of_stream().unwrap();
    while take(gst::ClockTime::from_seconds(5)) {}
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(frames.len(), pictures.len(), "{coder}: frames were lost");
    frames
}

/// H.264 of key frames only, at constant steps.
const KEY_FRAMES: &str =
    "x264enc speed-preset=veryfast pass=quant quantizer=32 key-int-max=1 ! h264parse ! avdec_h264 max-threads=1";

fn meter() -> FrameMeter {
    FrameMeter::new(&[RegionSpec { rect: RECT, role: Role::Asset }])
}

/// So many pixels around the region at most.
fn cut(picture: &[u8], around: usize) -> Luma<'_> {
    let [x, y, w, h] = RECT.map(|v| v as usize);
    Luma::new(&picture[(y - around) * SIDE + x - around..], SIDE, w + 2 * around, h + 2 * around).unwrap()
}

fn luma(picture: &[u8]) -> Luma<'_> {
    Luma::new(picture, SIDE, SIDE, SIDE).unwrap()
}

/// As a recording is measured.
fn held(pictures: &[Vec<u8>]) -> Vec<Track> {
    let mut meter = meter();
    meter.hold_frames(pictures.len());
    assert!(pictures.iter().all(|p| meter.hold(&luma(p))));
    meter.learn_held();
    (0..pictures.len()).map(|i| meter.again(i)[0]).collect()
}

/// RMS error along one axis in pixels, and in which share of frames and axes it lies within twice the stated uncertainty.
fn judged(tracks: &[Track]) -> (f64, f64) {
    assert!(tracks.iter().all(|t| t.fit != Fit::Lost));
    let off = |n: usize, t: &Track| (t.dx_px - place(n).0, t.dy_px - place(n).1);
    let n = tracks.len() as f64;
    let all = || tracks.iter().enumerate().map(|(n, t)| (off(n, t), t.sigma_px));
    let mean = all().fold((0.0, 0.0), |m, (o, _)| (m.0 + o.0 / n, m.1 + o.1 / n));
    let (mut squares, mut within) = (0.0, 0.0);
    for ((x, y), sigma) in all() {
        for e in [x - mean.0, y - mean.1] {
            squares += e * e / (2.0 * n);
            within += f64::from(u8::from(e.abs() < 2.0 * sigma)) / (2.0 * n);
        }
    }
    (squares.sqrt(), within)
}

#[test]
fn coarse_jpeg_is_measured_by_what_its_coefficients_lay_between() {
    let drawn = pictures();
    // In the best band of the decoded pixels it is 0.017 pixels by the first coder; by the second, which rounds to the nearest, both are as good here.
    for (coder, limit_px) in [(COARSE, 0.0135), ("jpegenc quality=18 ! jpegdec", 0.016)] {
        let (error_px, within) = judged(&held(&through(coder, &drawn)));
        println!("{coder}: {error_px:.4} px, {:.1} % within twice what is stated", 100.0 * within);
        assert!(error_px < limit_px, "{coder}: {error_px} px");
        assert!(within > 0.88, "{coder}: {within}");
    }
}

#[test]
fn live_jpeg_gets_there_as_well() {
    let coded = through(COARSE, &pictures());
    let mut meter = meter();
    // The same eleven seconds again and again: the motion goes on as it did, but for one frame each time.
    let mut tracks = Vec::new();
    for round in 0..5 {
        for picture in &coded {
            let track = meter.measure(&luma(picture))[0];
            if round == 4 {
                tracks.push(track);
            }
        }
    }
    let (error_px, within) = judged(&tracks);
    println!("live: {error_px:.4} px, {:.1} % within twice what is stated", 100.0 * within);
    assert!(error_px < 0.0135, "{error_px} px");
    assert!(within > 0.88, "{within}");
}

#[test]
fn what_a_coder_does_wrong_everywhere_alike_is_stated() {
    // All patches agree on a wrong motion vector: what they say alone was stated before, and held two thirds of the errors.
    let (error_px, within) = judged(&held(&through(H265, &pictures())));
    println!("H.265: {error_px:.4} px, {:.1} % within twice what is stated", 100.0 * within);
    assert!(within > 0.88, "{within}");
    assert!(error_px < 0.09, "{error_px} px");
}

#[test]
fn what_moves_along_beside_a_region_tells_more() {
    let coded = through(KEY_FRAMES, &pictures());
    let measured = |around: usize| {
        let rect = [around as u32, around as u32, RECT[2], RECT[3]];
        let mut meter = FrameMeter::new(&[RegionSpec { rect, role: Role::Asset }]);
        meter.hold_frames(coded.len());
        assert!(coded.iter().all(|p| meter.hold(&cut(p, around))));
        meter.learn_held();
        let tracks: Vec<Track> = (0..coded.len()).map(|i| meter.again(i)[0]).collect();
        judged(&tracks)
    };
    // Three pixels around it are too few to measure more than the region.
    let (alone, (error_px, within)) = (measured(3), measured(20));
    println!("key frames: {:.4} px alone, {error_px:.4} px, {:.1} % within", alone.0, 100.0 * within);
    assert!(error_px < 0.93 * alone.0, "{error_px} and {} px", alone.0);
    assert!(within > 0.88 && alone.1 > 0.88, "{within} and {}", alone.1);
}
