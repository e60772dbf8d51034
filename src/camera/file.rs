//! Recordings, image sequences and streams read as fast as they come, for the measurement alone.

use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use thiserror::Error;

use super::sequence;
use super::y4m::{Y4m, Y4mError};
use crate::base::shutdown::Shutdown;

/// Why an input cannot be read.
#[derive(Debug, Error)]
pub enum InputError {
    /// There is no such file.
    #[error("{0}: there is no such file")]
    Absent(String),
    /// It could not be opened or decoded.
    #[error("{input}: {text}")]
    Unreadable {
        /// The input.
        input: String,
        /// What was found, and what to do.
        text: String,
    },
}

/// One frame of an input.
#[derive(Debug)]
pub struct Still<'a> {
    /// Luma rows, `stride` bytes apart.
    pub luma: &'a [u8],
    /// Distance of rows in bytes.
    pub stride: usize,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Time in seconds from the first frame, where the input tells.
    pub t_s: Option<f64>,
    /// Frames a second, where the input tells.
    pub fps: Option<f64>,
}

/// What is done with each frame.
pub type OnStill<'a> = &'a mut dyn FnMut(&Still<'_>) -> ControlFlow<()>;

/// Reads every frame of an input: a video file, a `.y4m`, a numbered image sequence (`frames/%04d.png`) or an `rtsp://`
/// address. Ends at the input's end, when `on_still` breaks, or when the end is asked for.
///
/// # Errors
/// An input that is not there or cannot be decoded.
pub fn read(input: &str, fps: Option<f64>, end: &Shutdown, on_still: OnStill<'_>) -> Result<(), InputError> {
    let unreadable = |text: String| InputError::Unreadable { input: input.to_owned(), text };
    let address = input.contains("://");
    let path = Path::new(input);
    // A file may have a % in its name: what is there is read as it is called.
    let numbered = !address && !path.exists() && input.contains('%');
    let numbers = if numbered { Some(sequence::numbers(path).map_err(&unreadable)?) } else { None };
    if !address && !numbered {
        if !path.exists() {
            return Err(InputError::Absent(input.to_owned()));
        }
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("y4m")) {
            return read_y4m(path, end, on_still).map_err(|e| unreadable(e.to_string()));
        }
    }
    super::pipeline::prepare().map_err(|e| unreadable(e.to_string()))?;
    let pipeline = gst::Pipeline::new();
    let sink = build(&pipeline, input, address, fps, numbers).map_err(|e| unreadable(e.to_string()))?;
    let outcome = run(&pipeline, &sink, end, on_still);
    let _ = pipeline.set_state(gst::State::Null);
    outcome.map_err(unreadable)
}

fn read_y4m(path: &Path, end: &Shutdown, on_still: OnStill<'_>) -> Result<(), Y4mError> {
    let mut y = Y4m::open(BufReader::with_capacity(1 << 20, File::open(path)?))?;
    let (width, height, fps) = (y.width, y.height, y.fps);
    let mut n = 0u64;
    while let Some(luma) = y.frame()? {
        let still = Still { luma, stride: width, width, height, t_s: Some(n as f64 / fps), fps: Some(fps) };
        n += 1;
        if on_still(&still).is_break() || end.asked() {
            break;
        }
    }
    Ok(())
}

/// `source ! (decodebin) ! videoconvert ! appsink`: the converter passes 8-bit luma formats through untouched.
fn build(
    pipeline: &gst::Pipeline,
    input: &str,
    address: bool,
    fps: Option<f64>,
    numbers: Option<(i32, i32)>,
) -> Result<gst_app::AppSink, gst::glib::BoolError> {
    let convert = gst::ElementFactory::make("videoconvert").build()?;
    let sink = gst_app::AppSink::builder().caps(&super::pipeline::luma_caps()).sync(false).max_buffers(4).build();
    // Nobody asks for the last picture again, and holding it would keep its memory from being decoded into again.
    sink.set_property("enable-last-sample", false);
    if let Some(pad) = sink.static_pad("sink") {
        super::pipeline::take_in_place(&pad);
    }
    pipeline.add_many([&convert, sink.upcast_ref()])?;
    convert.link(&sink)?;
    let decode = if address {
        let decode = gst::ElementFactory::make("uridecodebin").property("uri", input).build()?;
        decode.connect("source-setup", false, |values| {
            let source = values.get(1).and_then(|v| v.get::<gst::Element>().ok());
            if let Some(source) = source.filter(|s| s.has_property("buffer-mode")) {
                // Timestamps exactly as the camera set them: smoothed ones bend a tone's frequency and amplitude.
                source.set_property_from_str("buffer-mode", "none");
            }
            None
        });
        decode
    } else {
        gst::ElementFactory::make("decodebin").build()?
    };
    pipeline.add(&decode)?;
    let into = convert.static_pad("sink");
    decode.connect_pad_added(move |_, pad| {
        let video = pad.query_caps(None).structure(0).is_some_and(|s| s.name().starts_with("video/"));
        if let Some(into) = into.as_ref().filter(|i| video && !i.is_linked()) {
            // A pad that cannot be linked ends in an error of the pipeline itself.
            let _ = pad.link(into);
        }
    });
    if let Some((first, last)) = numbers {
        let rate = gst::Fraction::approximate_f64(fps.unwrap_or(25.0)).unwrap_or(gst::Fraction::new(25, 1));
        let kind = match Path::new(input).extension().and_then(|e| e.to_str()) {
            Some("jpg" | "jpeg") => "image/jpeg",
            _ => "image/png",
        };
        let caps = gst::Caps::builder(kind).field("framerate", rate).build();
        let files = gst::ElementFactory::make("multifilesrc")
            .property("location", input)
            .property("caps", &caps)
            .property("start-index", first)
            .property("index", first)
            .property("stop-index", last)
            .build()?;
        pipeline.add(&files)?;
        files.link(&decode)?;
    } else if !address {
        let file = gst::ElementFactory::make("filesrc").property("location", input).build()?;
        pipeline.add(&file)?;
        file.link(&decode)?;
    }
    Ok(sink)
}

fn run(pipeline: &gst::Pipeline, sink: &gst_app::AppSink, end: &Shutdown, on_still: OnStill<'_>) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("no message bus")?;
    pipeline.set_state(gst::State::Playing).map_err(|_| fault(&bus, "it cannot be opened"))?;
    let (mut info, mut first) = (None::<(gst::Caps, gst_video::VideoInfo)>, None);
    loop {
        let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_mseconds(200)) else {
            if let Some(text) = problem(&bus) {
                return Err(text);
            }
            if sink.is_eos() || end.asked() {
                return Ok(());
            }
            continue;
        };
        let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps()) else { continue };
        if info.as_ref().is_none_or(|(known, _)| known.as_ref() != caps) {
            info = gst_video::VideoInfo::from_caps(caps).ok().map(|i| (caps.to_owned(), i));
        }
        let Some((_, info)) = &info else { continue };
        let Ok(frame) = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, info) else { continue };
        let Ok(luma) = frame.plane_data(0) else { continue };
        let pts = buffer.pts().map(gst::ClockTime::nseconds);
        let start = *first.get_or_insert(pts.unwrap_or(0));
        let rate = info.fps();
        let still = Still {
            luma,
            stride: usize::try_from(frame.plane_stride()[0]).unwrap_or(0),
            width: info.width() as usize,
            height: info.height() as usize,
            t_s: pts.map(|p| (p as f64 - start as f64) * 1e-9),
            fps: (rate.numer() > 0 && rate.denom() > 0).then(|| f64::from(rate.numer()) / f64::from(rate.denom())),
        };
        if on_still(&still).is_break() || end.asked() {
            return Ok(());
        }
    }
}

/// The first error that waits on the bus.
fn problem(bus: &gst::Bus) -> Option<String> {
    let message = bus.pop_filtered(&[gst::MessageType::Error])?;
    match message.view() {
        gst::MessageView::Error(e) => {
            let text = e.error().message().trim_end_matches('.').to_owned();
            Some(format!("{text}; is it a video that GStreamer can decode?"))
        }
        _ => None,
    }
}

fn fault(bus: &gst::Bus, otherwise: &str) -> String {
    problem(bus).unwrap_or_else(|| otherwise.to_owned())
}
