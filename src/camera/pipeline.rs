//! The GStreamer pipeline of one camera: RTSP in, decoded luma out.
//!
//! `rtspsrc ! depay ! parse ! decoder ! videoconvert ! capsfilter ! fakesink`, all on the jitter buffer's own thread: a frame is decoded, measured and
//! given back before the next one is taken, and no other thread has to be woken for it. A recorder will hang on a `tee` behind the parser, with
//! a queue of its own. Asking the decoder for its own format, and taking its pictures as they lie ([`take_in_place`]), keeps luma as plane 0
//! without any copy or conversion.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use secrecy::ExposeSecret;
use thiserror::Error;

use super::lent::LentAllocator;
use super::live::Shared;
use crate::config::sections::{Camera, Transport};

/// Why a pipeline could not be made.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// A GStreamer element is missing on this computer.
    #[error("GStreamer lacks {element}: install the package {package}")]
    Missing {
        /// The element.
        element: &'static str,
        /// Debian's package that holds it.
        package: &'static str,
    },
    /// GStreamer refused something.
    #[error("GStreamer: {0}")]
    Refused(#[from] gst::glib::BoolError),
    /// GStreamer could not be started at all.
    #[error("GStreamer cannot be started: {0}")]
    Init(#[from] gst::glib::Error),
}

/// How a stream is coded: RTP's name, depayloader, parser, decoders in order of preference.
struct Codec {
    encoding: &'static str,
    depay: &'static str,
    parse: Option<&'static str>,
    decoders: &'static [&'static str],
}

const CODECS: [Codec; 3] = [
    Codec {
        encoding: "H264",
        depay: "rtph264depay",
        parse: Some("h264parse"),
        decoders: &["avdec_h264", "openh264dec"],
    },
    Codec {
        encoding: "H265",
        depay: "rtph265depay",
        parse: Some("h265parse"),
        decoders: &["avdec_h265", "libde265dec"],
    },
    Codec { encoding: "JPEG", depay: "rtpjpegdepay", parse: None, decoders: &["jpegdec", "avdec_mjpeg"] },
];

/// Every element that a camera may need, with Debian's package.
const NEEDED: [(&str, &str); 8] = [
    ("rtspsrc", "gstreamer1.0-plugins-good"),
    ("rtph264depay", "gstreamer1.0-plugins-good"),
    ("h264parse", "gstreamer1.0-plugins-bad"),
    ("avdec_h264", "gstreamer1.0-libav"),
    ("appsink", "gstreamer1.0-plugins-base"),
    ("capsfilter", "libgstreamer1.0-0"),
    ("fakesink", "libgstreamer1.0-0"),
    ("videoconvert", "gstreamer1.0-plugins-base"),
];

/// Starts GStreamer and makes sure that all elements are there.
///
/// # Errors
/// Names the missing element and its package.
pub fn prepare() -> Result<(), PipelineError> {
    gst::init()?;
    for (element, package) in NEEDED {
        if gst::ElementFactory::find(element).is_none() {
            return Err(PipelineError::Missing { element, package });
        }
    }
    Ok(())
}

/// The version of GStreamer that this program runs with.
#[must_use]
pub fn version() -> String {
    let (major, minor, micro, _) = gst::version();
    format!("{major}.{minor}.{micro}")
}

/// 8-bit formats whose plane 0 is luma.
const LUMA_FORMATS: [&str; 7] = ["I420", "YV12", "NV12", "NV21", "Y42B", "Y444", "GRAY8"];

/// What happens with each decoded frame, on the streaming thread.
pub type OnPicture = Box<dyn FnMut(&gst::BufferRef, &gst::CapsRef) + Send>;

/// A pipeline, and the codec it turned out to carry.
pub struct Pipeline {
    /// The pipeline.
    pub pipeline: gst::Pipeline,
    /// `H264`, once known.
    pub codec: Arc<std::sync::OnceLock<&'static str>>,
    /// Set once the camera has answered DESCRIBE.
    pub described: Arc<AtomicBool>,
    /// How a video stream is coded that cannot be taken, as the camera calls it.
    pub unknown: Arc<std::sync::OnceLock<String>>,
}

/// Builds the pipeline of a camera, not yet started.
///
/// # Errors
/// When an element is missing or refuses its settings.
pub fn build(cfg: &Camera, shared: &Arc<Shared>, on_picture: OnPicture) -> Result<Pipeline, PipelineError> {
    let pipeline = gst::Pipeline::new();
    let unknown: Arc<std::sync::OnceLock<String>> = Arc::default();
    let source = source(cfg, &unknown)?;
    pipeline.add(&source)?;
    let codec: Arc<std::sync::OnceLock<&'static str>> = Arc::default();
    let weak = pipeline.downgrade();
    let seen = Arc::clone(&codec);
    let shared = Arc::clone(shared);
    let on_picture = std::sync::Mutex::new(Some(on_picture));
    source.connect_pad_added(move |source, pad| {
        let Some(pipeline) = weak.upgrade() else { return };
        let Some(codec) = codec_of(pad) else { return };
        // One video stream is measured, and no other was asked for.
        let Some(on_picture) = on_picture.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() else {
            return;
        };
        let _ = seen.set(codec.encoding);
        if let Err(e) = attach(&pipeline, pad, codec, &shared, on_picture) {
            gst::element_error!(source, gst::StreamError::CodecNotFound, ("{e}"));
        }
    });
    let described = Arc::new(AtomicBool::new(false));
    let answered = Arc::clone(&described);
    source.connect("on-sdp", false, move |_| {
        answered.store(true, Ordering::Relaxed);
        None
    });
    Ok(Pipeline { pipeline, codec, described, unknown })
}

fn source(cfg: &Camera, unknown: &Arc<std::sync::OnceLock<String>>) -> Result<gst::Element, PipelineError> {
    let (protocols, latency_ms) = match cfg.transport {
        // The jitter buffer only waits when packets are missing or late; these bounds keep it far below the latency limit.
        Transport::Tcp => ("tcp", 80u32),
        Transport::Udp => ("udp", 150u32),
    };
    let mut b = gst::ElementFactory::make("rtspsrc")
        .property("location", cfg.url.as_ref())
        .property("latency", latency_ms)
        .property("add-reference-timestamp-meta", true)
        // 20 s by default; the supervisor's own watch is quicker, this only bounds the connection itself.
        .property("tcp-timeout", 10_000_000u64)
        .property_from_str("protocols", protocols)
        // Timestamps exactly as the camera set them: no smoothing towards the receiver's clock.
        .property_from_str("buffer-mode", "none");
    if let Some(user) = &cfg.username {
        b = b.property("user-id", user.as_ref());
    }
    if let Some(password) = &cfg.password {
        b = b.property("user-pw", password.expose_secret());
    }
    let source = b.build()?;
    // The first video stream that can be decoded is taken, as the camera lists them. Others, audio and metadata are not even set up: a second
    // video stream would come first now and then, and be measured instead.
    let (taken, unknown) = (std::sync::OnceLock::<u32>::new(), Arc::clone(unknown));
    source.connect("select-stream", false, move |values| {
        let number = values.get(1).and_then(|v| v.get::<u32>().ok()).unwrap_or(0);
        let caps = values.get(2).and_then(|v| v.get::<gst::Caps>().ok());
        let take = match caps.as_ref().and_then(|c| video(c)) {
            // Asked once more for the same, over another transport.
            Some(name) if codec_named(name).is_some() => *taken.get_or_init(|| number) == number,
            Some(name) => {
                let _ = unknown.set(name.to_owned());
                false
            }
            None => false,
        };
        Some(take.to_value())
    });
    Ok(source)
}

/// What RTP calls the coding of a video stream; none of another stream.
fn video(caps: &gst::CapsRef) -> Option<&str> {
    let s = caps.structure(0)?;
    if s.get::<&str>("media") != Ok("video") {
        return None;
    }
    s.get::<&str>("encoding-name").ok()
}

fn codec_named(name: &str) -> Option<&'static Codec> {
    CODECS.iter().find(|c| c.encoding.eq_ignore_ascii_case(name))
}

fn codec_of(pad: &gst::Pad) -> Option<&'static Codec> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    codec_named(video(&caps)?)
}

fn make(name: &'static str) -> Result<gst::Element, PipelineError> {
    let package = if name.starts_with("avdec") { "gstreamer1.0-libav" } else { "gstreamer1.0-plugins-bad" };
    gst::ElementFactory::make(name).build().map_err(|_| PipelineError::Missing { element: name, package })
}

fn decoder(codec: &Codec) -> Result<gst::Element, PipelineError> {
    let name = codec.decoders.iter().find(|d| gst::ElementFactory::find(d).is_some()).or(codec.decoders.first());
    let decoder = make(name.copied().unwrap_or("avdec_h264"))?;
    if decoder.has_property("max-threads") {
        // One thread costs less and is steadier at this size; more would add frames of delay.
        decoder.set_property("max-threads", 1i32);
    }
    if decoder.has_property("output-corrupt") {
        decoder.set_property("output-corrupt", false);
    }
    Ok(decoder)
}

fn attach(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    codec: &Codec,
    shared: &Arc<Shared>,
    on_picture: OnPicture,
) -> Result<(), PipelineError> {
    let depay = make(codec.depay)?;
    if depay.has_property("wait-for-keyframe") {
        // Joining in mid-stream, or after a loss: what cannot be decoded yet would be measured as motion.
        depay.set_property("wait-for-keyframe", true);
    }
    let mut chain = vec![depay.clone()];
    if let Some(parse) = codec.parse {
        let parse = make(parse)?;
        parse.set_property("config-interval", -1i32);
        chain.push(parse);
    }
    let decoder = decoder(codec)?;
    count_bytes(&decoder, shared);
    // Passes 8-bit formats with luma as plane 0 through untouched; only what has more bits, or no such plane, is converted.
    let formats = gst::ElementFactory::make("capsfilter").property("caps", luma_caps()).build()?;
    chain.extend([decoder, make("videoconvert")?, formats, sink(on_picture)?]);
    for e in &chain {
        pipeline.add(e)?;
    }
    gst::Element::link_many(chain.iter())?;
    // From the sink back, so that nothing flows into an element that is not ready.
    for e in chain.iter().rev() {
        e.sync_state_with_parent()?;
    }
    let input = depay.static_pad("sink");
    if let Some(input) = input {
        pad.link(&input).map_err(|e| gst::glib::bool_error!("cannot link the stream: {:?}", e))?;
    }
    Ok(())
}

/// 8-bit pictures with luma as plane 0.
pub(super) fn luma_caps() -> gst::Caps {
    gst::Caps::builder("video/x-raw").field("format", gst::List::new(LUMA_FORMATS)).build()
}

/// Where the pictures end: each is looked at as it arrives, and let go. (An `appsink` would hold each until the next one has come, and its
/// memory from being decoded into again.)
fn sink(on_picture: OnPicture) -> Result<gst::Element, PipelineError> {
    let sink = gst::ElementFactory::make("fakesink")
        .property("sync", false)
        .property("async", false)
        .property("enable-last-sample", false)
        .build()?;
    let pad = sink.static_pad("sink").ok_or_else(|| gst::glib::bool_error!("a sink without a pad"))?;
    take_in_place(&pad);
    let on_picture = std::sync::Mutex::new(on_picture);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let (Some(buffer), Some(caps)) = (info.buffer(), pad.current_caps()) {
            // Only the streaming thread comes here: nobody waits for this lock.
            (on_picture.lock().unwrap_or_else(std::sync::PoisonError::into_inner))(buffer, &caps);
        }
        gst::PadProbeReturn::Ok
    });
    Ok(sink)
}

/// Tells the decoder that its pictures are read as they lie, with rows as far apart as it likes, and gives it memory that is lent and not copied
/// when a picture is handed on (see [`super::lent`]). Without that each whole picture is copied, which costs a tenth of decoding.
pub(super) fn take_in_place(pad: &gst::Pad) {
    let lent = LentAllocator::default();
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, move |_, info| {
        let Some(gst::QueryViewMut::Allocation(asked)) = info.query_mut().map(gst::QueryRef::view_mut) else {
            return gst::PadProbeReturn::Ok;
        };
        let picture = asked.caps().and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
        if let Some(bytes) = picture.and_then(|p| u32::try_from(p.size()).ok()) {
            // How many pictures there are at once is bounded by what the decoder refers back to, and the one that is measured.
            asked.add_allocation_pool(Some(&gst_video::VideoBufferPool::new()), bytes, 0, 0);
        }
        let plain = gst::AllocationParams::new(gst::MemoryFlags::empty(), 0, 0, 0);
        asked.add_allocation_param(Some(&lent), plain);
        asked.add_allocation_meta::<gst_video::VideoMeta>(None);
        gst::PadProbeReturn::Handled
    });
}

fn count_bytes(decoder: &gst::Element, shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    if let Some(pad) = decoder.static_pad("sink") {
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(buffer) = info.buffer() {
                shared.bytes.fetch_add(buffer.size() as u64, Ordering::Relaxed);
            }
            gst::PadProbeReturn::Ok
        });
    }
}
