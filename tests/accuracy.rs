//! Displacement against exactly known motion: on the demonstration's scenes, as drawn and through H.264.
#![cfg(all(feature = "demo", unix))]
#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use vms::demo::rtsp::encoder;
use vms::demo::scene::{NAMES, RoiInfo, Scene};
use vms::model::vibration::{Fit, Role, Sample};
use vms::vibration::analyze::{Analyzer, AnalyzerSpec};
use vms::vibration::luma::Luma;
use vms::vibration::{FrameMeter, RegionSpec};

/// Frames of a run: eight seconds, a whole window.
const FRAMES: u64 = 200;

/// What moves is an asset.
fn role(r: &RoiInfo) -> Role {
    if r.motion.is_some() { Role::Asset } else { Role::Background }
}

/// Luma of every frame after the demonstration's own encoder and the decoder of the engine.
fn through_h264(scene: &mut Scene) -> Vec<Vec<u8>> {
    gst::init().unwrap();
    let (w, h) = scene.size();
    let text = format!("{} ! avdec_h264 max-threads=1 ! appsink name=out sync=false", encoder(w, h));
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
        frames.push((0..h).flat_map(|y| luma[y * stride..y * stride + w].to_vec()).collect());
        true
    };
    for n in 0..FRAMES {
        let mut buffer = gst::Buffer::with_size(w * h * 3 / 2).unwrap();
        {
            let b = buffer.get_mut().unwrap();
            b.set_pts(gst::ClockTime::from_mseconds(n * 40));
            b.set_duration(gst::ClockTime::from_mseconds(40));
            scene.render(n, &mut b.map_writable().unwrap());
        }
        src.push_buffer(buffer).unwrap();
        while take(gst::ClockTime::ZERO) {}
    }
    src.end_of_stream().unwrap();
    while take(gst::ClockTime::from_seconds(5)) {}
    pipeline.set_state(gst::State::Null).unwrap();
    frames
}

fn as_drawn(scene: &mut Scene) -> Vec<Vec<u8>> {
    let (w, h) = scene.size();
    let mut buffer = vec![0; w * h * 3 / 2];
    (0..FRAMES)
        .map(|n| {
            scene.render(n, &mut buffer);
            buffer[..w * h].to_vec()
        })
        .collect()
}

/// RMS error of each asset region over the frames after settling, both axes together, constant taken out; and the
/// amplitude's error in stated uncertainties.
fn errors(name: &str, coded: bool) -> Vec<(String, f64, f64, f64)> {
    let mut scene = Scene::new(name).unwrap();
    let frames = if coded { through_h264(&mut scene) } else { as_drawn(&mut scene) };
    assert_eq!(frames.len() as u64, FRAMES, "{name}: the codec lost frames");
    let (w, h) = scene.size();
    let specs: Vec<RegionSpec> = scene.rois().iter().map(|r| RegionSpec { rect: r.rect, role: role(r) }).collect();
    let mut meter = FrameMeter::new(&specs);
    let mut pairs = vec![Vec::new(); specs.len()];
    let spec = AnalyzerSpec {
        expected_fps: 25.0,
        window_s: 8.0,
        scale_mm_per_px: None,
        coded,
        exposure_s: None,
        readout_s: None,
    };
    let mut measured: Vec<Analyzer> = specs.iter().map(|_| Analyzer::new(spec)).collect();
    for a in &mut measured {
        a.picture_rows = Some(h as u32);
    }
    let mut truths: Vec<Analyzer> = specs.iter().map(|_| Analyzer::new(spec)).collect();
    for (n, frame) in frames.iter().enumerate() {
        let luma = Luma::new(frame, w, w, h).unwrap();
        for (i, track) in meter.measure(&luma).iter().enumerate() {
            assert_ne!(track.fit, Fit::Lost, "{name} frame {n} region {i}");
            let truth = scene.truth_at_frame(scene.rois()[i].id, n as u64).unwrap();
            let at = |x, y| Sample {
                t_s: n as f64 * 0.04,
                dx_px: x,
                dy_px: y,
                sigma_px: track.sigma_px,
                fit: Fit::Good,
                ..Sample::default()
            };
            measured[i].push(&track.sample(at(0.0, 0.0)));
            truths[i].push(&at(truth.0, truth.1));
            if n >= 8 {
                pairs[i].push((track.dx_px - truth.0, track.dy_px - truth.1));
            }
        }
    }
    let mut out = Vec::new();
    for (i, roi) in scene.rois().iter().enumerate().filter(|(_, r)| role(r) == Role::Asset) {
        let n = pairs[i].len() as f64;
        let (mx, my) = (pairs[i].iter().map(|p| p.0).sum::<f64>() / n, pairs[i].iter().map(|p| p.1).sum::<f64>() / n);
        let rms = (pairs[i].iter().map(|p| (p.0 - mx).powi(2) + (p.1 - my).powi(2)).sum::<f64>() / n).sqrt();
        let stated = measured[i].read(&Sample::default()).unwrap();
        // The demonstration draws whole pictures: there is no rolling shutter, and none may be seen.
        assert!(stated.alias.as_ref().is_none_or(|a| !a.suspected), "{}: {:?}", roi.id, stated.alias);
        let (m, t) = (stated.tone.unwrap(), truths[i].read(&Sample::default()).unwrap().tone.unwrap());
        // The stated uncertainty is that of one axis.
        let ratio = rms / 2f64.sqrt() / stated.uncertainty_px;
        out.push((roi.id.to_owned(), rms, (m.major_px - t.major_px) / m.sigma_px, ratio));
    }
    out
}

#[test]
fn pictures_as_drawn() {
    for name in NAMES {
        for (id, rms, _, ratio) in errors(name, false) {
            println!("{id}: {rms:.4} px RMS, {ratio:.2} of the stated uncertainty");
            assert!(rms < 0.02, "{id}: {rms} px");
        }
    }
}

#[test]
fn pictures_through_h264() {
    for name in NAMES {
        for (id, rms, sigmas, ratio) in errors(name, true) {
            println!("{id}: {rms:.4} px RMS, {ratio:.2} of the stated uncertainty, amplitude {sigmas:+.2} sigma");
            assert!(rms < 0.05, "{id}: {rms} px");
            assert!((0.4..1.7).contains(&ratio), "{id}: the error is {ratio} of the stated uncertainty");
            assert!(sigmas.abs() < 2.5, "{id}: amplitude off by {sigmas} stated uncertainties");
        }
    }
}
