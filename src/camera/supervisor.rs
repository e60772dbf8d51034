//! Keeps one camera's stream open: connects, watches the age of the newest frame, reconnects, and reports.
//!
//! Runs on a thread of its own, because changing a pipeline's state may block for as long as the camera does. GStreamer
//! says nothing at all about a camera that hangs, and only EOS about one that was switched off, so the watch over the
//! newest frame decides; GStreamer's own messages only make it quicker and tell why.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::live::Shared;
use super::picture::{Plane, close_up, shrink};
use super::pipeline::{self, Pipeline};
use crate::base::backoff::Backoff;
use crate::base::clock::{Clock, Mono, Now};
use crate::base::ring::Ring;
use crate::base::shutdown::Shutdown;
use crate::config::sections::{Camera, Transport};
use crate::model::camera::{Attempt, CameraReport, CameraState, Picture, Snapshot};
use crate::model::vibration::{region_fault, resized};

/// Without a frame for so long the stream counts as lost and is opened anew.
const LOST_AFTER: Duration = Duration::from_millis(1400);
/// Without a frame for so long, or five frame times, it counts as silent. Shorter pauses belong to coders that look ahead: with B-frames pictures come
/// in bursts, a fifth of a second apart and more.
const SILENT_AFTER: Duration = Duration::from_millis(500);
/// How long a camera may take from the first packet of ours to its first frame. Slow cameras answer each of the four
/// requests of RTSP late; giving up sooner would never reach them.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// A camera that took longer than this to describe its stream counts as degraded for a while.
const SLOW_ANSWER: Duration = Duration::from_millis(1500);
/// How long a slow answer is held against a camera.
const SLOW_ANSWER_SHOWN: Duration = Duration::from_secs(30);
/// Trouble must last so long before a camera counts as degraded, and be gone so long before it does no more.
const TROUBLE_LASTS: Duration = Duration::from_secs(2);
/// The first moments of a stream are not typical: the camera sends a burst, and buffers fill.
const SETTLING: Duration = Duration::from_secs(2);
/// Pause between looks at the bus and the watch.
const TICK: Duration = Duration::from_millis(100);
/// Reports come at least this often.
const REPORT_EVERY: Duration = Duration::from_millis(500);
/// The picture is judged, and copied for the terminal, this often.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const SNAPSHOT_EVERY: Duration = Duration::from_millis(200);
/// Nanoseconds from 1900, where NTP counts from, to 1970.
const NTP_TO_UNIX_NS: i128 = 2_208_988_800_000_000_000;

/// One decoded frame, borrowed for the length of the call.
#[derive(Debug)]
pub struct Frame<'a> {
    /// Luma rows, `stride` bytes apart.
    pub luma: &'a [u8],
    /// Distance of rows in bytes.
    pub stride: usize,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Number since the program began.
    pub number: u64,
    /// Stream time in seconds, increasing over reconnects.
    pub t_s: f64,
    /// When it reached the program.
    pub arrival: Mono,
}

/// What the supervisor is told from outside.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// Somebody looks at the picture.
    pub watched: Arc<AtomicBool>,
    /// Open the stream anew, please.
    pub reconnect: Arc<AtomicBool>,
    /// About which point the picture is wanted pixel by pixel; see [`Control::look_at`].
    pub close: Arc<AtomicU64>,
}

impl Control {
    /// The picture is wanted pixel by pixel about this point; none: the whole, made small.
    pub fn look_at(&self, centre: Option<(u32, u32)>) {
        // A point that lies outside is held within by the copy; a whole picture is written as nothing.
        let packed = centre.map_or(0, |(x, y)| (u64::from(x) << 32 | u64::from(y)).saturating_add(1));
        self.close.store(packed, Ordering::Relaxed);
    }
}

/// The point that is packed so.
fn centre(packed: u64) -> Option<(usize, usize)> {
    packed.checked_sub(1).map(|p| ((p >> 32) as usize, (p & 0xffff_ffff) as usize))
}

/// Where frames, reports and pictures go.
pub struct Hooks {
    /// Called on the streaming thread for each frame; returns how many samples found no room. Must be quick.
    pub on_frame: Box<dyn FnMut(&Frame<'_>) -> u64 + Send>,
    /// Takes a report; false if there was no room (the next one carries everything anew).
    pub on_report: Box<dyn Fn(CameraReport) -> bool + Send>,
    /// Takes a small picture while somebody looks.
    pub on_snapshot: Box<dyn Fn(Snapshot) + Send>,
}

/// What the supervisor needs to know besides the camera's own section.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Index of the camera in the configuration.
    pub index: u16,
    /// Above this latency a camera counts as degraded.
    pub latency_limit: Duration,
}

type OnFrame = Box<dyn FnMut(&Frame<'_>) -> u64 + Send>;

/// Runs until the end is asked for. Blocks; call it on its own thread.
pub fn run(
    cfg: &Camera,
    settings: Settings,
    clock: Arc<dyn Clock>,
    shutdown: &Shutdown,
    control: Control,
    hooks: Hooks,
) {
    let now = clock.now();
    let mut s = Supervisor {
        shared: Arc::new(Shared::new(cfg.expected_fps, Arc::clone(&control.watched), Arc::clone(&control.close))),
        on_frame: Arc::new(Mutex::new(hooks.on_frame)),
        on_report: hooks.on_report,
        on_snapshot: hooks.on_snapshot,
        cfg,
        settings,
        clock,
        control,
        state: if cfg.enabled { CameraState::Connecting } else { CameraState::Disabled },
        since: now,
        text: (!cfg.enabled).then(|| "switched off in the configuration (enabled = false)".into()),
        attempts: Ring::new(8),
        reconnects: 0,
        codec: None,
        rate: Rate::default(),
        reported: Mono(0),
        slow_answer: None,
        was_slow: false,
        trouble: None,
    };
    s.report(now);
    if !cfg.enabled {
        while !shutdown.wait_for(Duration::from_secs(5)) {
            s.report(s.clock.now());
        }
        return;
    }
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_millis(1500));
    // Cameras lock an account that fails again and again, for every client.
    let mut refusals = Backoff::new(Duration::from_secs(5), Duration::from_mins(1));
    while !shutdown.asked() {
        let had_frames = s.session(shutdown);
        if shutdown.asked() {
            break;
        }
        if had_frames {
            backoff.reset();
            refusals.reset();
        }
        let pause = if s.state == CameraState::Refused { refusals.pause() } else { backoff.pause() };
        s.pause(shutdown, pause);
        s.reconnects += 1;
    }
}

struct Supervisor<'a> {
    cfg: &'a Camera,
    settings: Settings,
    clock: Arc<dyn Clock>,
    control: Control,
    shared: Arc<Shared>,
    on_frame: Arc<Mutex<OnFrame>>,
    on_report: Box<dyn Fn(CameraReport) -> bool + Send>,
    on_snapshot: Box<dyn Fn(Snapshot) + Send>,
    state: CameraState,
    since: Now,
    text: Option<Arc<str>>,
    attempts: Ring<Attempt>,
    reconnects: u64,
    codec: Option<Arc<str>>,
    rate: Rate,
    reported: Mono,
    /// Until when a slow answer is shown, and how long it took.
    slow_answer: Option<(Mono, Duration)>,
    /// Whether the opening before was slow.
    was_slow: bool,
    /// Since when the stream has been in another condition than is shown: in trouble while live, well while degraded.
    trouble: Option<Mono>,
}

/// Bit rate from the byte counter.
#[derive(Default)]
struct Rate {
    at: Mono,
    bytes: u64,
    kbps: Option<f64>,
}

/// Why a session ended.
enum End {
    Refused,
    Lost(String),
    /// The camera is there; its settings or ours are wrong. With what to do.
    Unfit(String),
    Asked,
}

impl Supervisor<'_> {
    /// Opens the stream and watches it until it ends. True if there were frames.
    fn session(&mut self, shutdown: &Shutdown) -> bool {
        self.shared.live().reopened();
        let end = match self.open() {
            Ok(p) => {
                let end = self.watch(&p, shutdown);
                // Blocks for up to rtspsrc's teardown time-out (100 ms) when the camera hangs.
                let _ = p.pipeline.set_state(gst::State::Null);
                end
            }
            Err(e) => End::Lost(e.to_string()),
        };
        let frames = self.shared.live().frames_open > 0;
        let (state, outcome, advice) = match end {
            End::Asked => return frames,
            End::Refused => {
                let text = "the camera rejects the user name or password".to_owned();
                (CameraState::Refused, text, "check username and password; ")
            }
            End::Lost(text) => (CameraState::Lost, text, "check power, network and address; "),
            End::Unfit(text) => (CameraState::Lost, text, ""),
        };
        let now = self.clock.now();
        self.attempts.push(Attempt { at: now, outcome: outcome.as_str().into() });
        self.enter(state, Some(format!("{outcome}; {advice}trying again")), now);
        frames
    }

    fn open(&mut self) -> Result<Pipeline, pipeline::PipelineError> {
        pipeline::prepare()?;
        let p = pipeline::build(self.cfg, &self.shared, self.on_picture())?;
        p.pipeline
            .set_state(gst::State::Playing)
            .map_err(|_| gst::glib::bool_error!("the stream cannot be started"))?;
        Ok(p)
    }

    /// The streaming thread's work for one frame.
    fn on_picture(&self) -> pipeline::OnPicture {
        let (shared, on_frame, clock) = (Arc::clone(&self.shared), Arc::clone(&self.on_frame), Arc::clone(&self.clock));
        let mut info: Option<(gst::Caps, gst_video::VideoInfo)> = None;
        let (mut looked, mut copied) = (Mono(0), Mono(0));
        Box::new(move |buffer, caps| {
            let now = clock.now();
            if buffer.flags().contains(gst::BufferFlags::CORRUPTED) {
                return;
            }
            if info.as_ref().is_none_or(|(known, _)| known.as_ref() != caps) {
                info = gst_video::VideoInfo::from_caps(caps).ok().map(|i| (caps.to_owned(), i));
            }
            let Some((_, info)) = &info else { return };
            let Ok(frame) = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, info) else { return };
            let Ok(luma) = frame.plane_data(0) else { return };
            let stride = usize::try_from(frame.plane_stride()[0]).unwrap_or(0);
            let plane = Plane { data: luma, stride, width: info.width() as usize, height: info.height() as usize };
            let latency_ms = network_latency_ms(buffer, now);
            let (t_s, number) =
                note(&shared, buffer.pts().map(gst::ClockTime::nseconds), latency_ms, &plane, now, &mut looked);
            if let Some(t_s) = t_s {
                let frame = Frame {
                    luma: plane.data,
                    stride,
                    width: plane.width,
                    height: plane.height,
                    number,
                    t_s,
                    arrival: now.mono,
                };
                let dropped = (on_frame.lock().unwrap_or_else(PoisonError::into_inner))(&frame);
                shared.dropped.fetch_add(dropped, Ordering::Relaxed);
            }
            if shared.watched.load(Ordering::Relaxed) && now.mono.since(copied) >= SNAPSHOT_EVERY {
                // Never waits: while the supervisor fetches the last one, this one is left out.
                if let Ok(mut small) = shared.small.try_lock() {
                    small.full = (info.width(), info.height());
                    if let Some(at) = centre(shared.close.load(Ordering::Relaxed)) {
                        let part = close_up(&plane, at, &mut small.luma);
                        (small.size, small.part) = ((part[2], part[3]), part.map(|v| v as u32));
                    } else {
                        small.size = shrink(&plane, &mut small.luma);
                        small.part = [0, 0, info.width(), info.height()];
                    }
                    small.at = now;
                    small.fresh = true;
                    copied = now.mono;
                }
            }
        })
    }

    fn watch(&mut self, p: &Pipeline, shutdown: &Shutdown) -> End {
        let started = self.clock.now();
        let mut answered = false;
        let mut first_frame = None;
        let Some(bus) = p.pipeline.bus() else { return End::Lost("the stream has no message bus".into()) };
        loop {
            let message = bus.timed_pop(gst::ClockTime::from_mseconds(TICK.as_millis() as u64));
            if shutdown.asked() || self.control.reconnect.swap(false, Ordering::Relaxed) {
                return End::Asked;
            }
            if let Some(end) = message.and_then(|m| self.verdict(&m, p)) {
                return end;
            }
            self.codec = p.codec.get().map(|c| Arc::from(*c));
            let now = self.clock.now();
            if !answered && p.described.load(Ordering::Relaxed) {
                answered = true;
                let took = now.mono.since(started.mono);
                let slow = took > SLOW_ANSWER;
                // Once slow after a loss is a camera that was coming back; twice, or at the first opening, is its way.
                if slow && (self.was_slow || self.reconnects == 0) {
                    self.slow_answer = Some((now.mono.after(SLOW_ANSWER_SHOWN), took));
                }
                self.was_slow = slow;
            }
            let (newest, frames, interval_s) = {
                let live = self.shared.live();
                (live.last_frame, live.frames_open, live.time.interval_s())
            };
            if frames == 0 {
                if now.mono.since(started.mono) > CONNECT_WITHIN {
                    return End::Lost(format!("no picture within {} s", CONNECT_WITHIN.as_secs()));
                }
            } else if let Some(newest) = newest {
                let settled = now.mono.since(*first_frame.get_or_insert(now.mono)) > SETTLING;
                let age = now.mono.since(newest.mono);
                if age > LOST_AFTER.max(Duration::from_secs_f64((interval_s * 5.0).min(20.0))) {
                    return End::Lost(format!("no frame for {:.1} s while the connection stands", age.as_secs_f64()));
                }
                self.grade(now, age, interval_s, settled);
            }
            self.hand_snapshot();
            if now.mono.since(self.reported) >= REPORT_EVERY {
                self.report(now);
            }
        }
    }

    /// Live, degraded or stalled, from the frames themselves.
    fn grade(&mut self, now: Now, age: Duration, interval_s: f64, settled: bool) {
        if age > SILENT_AFTER.max(Duration::from_secs_f64((interval_s * 5.0).min(20.0))) {
            self.trouble = None;
            self.enter(CameraState::Stalled, Some(format!("no frame for {:.1} s", age.as_secs_f64())), now);
            return;
        }
        let text = self.complaint(now, settled);
        let state = if text.is_some() { CameraState::Degraded } else { CameraState::Live };
        let flowing = self.state.has_frames();
        if state == self.state {
            self.trouble = None;
            self.text = text.map(Into::into);
        } else if !flowing && (text.is_none() || settled) {
            self.enter(state, text, now);
        } else if !flowing {
            self.enter(CameraState::Live, None, now);
        } else if now.mono.since(*self.trouble.get_or_insert(now.mono)) > TROUBLE_LASTS {
            self.trouble = None;
            self.enter(state, text, now);
        }
    }

    /// What is wrong with a stream that flows; nothing while it is settling but a slow answer.
    fn complaint(&self, now: Now, settled: bool) -> Option<String> {
        let (fps, latency, behind, resized) = {
            let live = self.shared.live();
            let resized = live.size.zip(live.first_size).and_then(|(size, first)| resized(size, first));
            (live.fps(now.mono.0 as f64 * 1e-9), live.latency.percentile(50.0), live.time.behind_ms(), resized)
        };
        if resized.is_some() {
            return resized;
        }
        let limit_ms = self.settings.latency_limit.as_secs_f64() * 1000.0;
        if settled && let Some(lag) = latency.into_iter().chain(behind).find(|l| *l > limit_ms) {
            let advice = "check the network and the camera's load";
            return Some(format!("pictures come {lag:.0} ms late, allowed are {limit_ms:.0} ms; {advice}"));
        }
        if settled && let Some((fps, want)) = fps.zip(self.cfg.expected_fps).filter(|(f, w)| *f < w * 0.85) {
            let advice = "check the camera's settings and the network";
            return Some(format!("{fps:.1} frames a second, expected are {want}; {advice}"));
        }
        let (_, took) = self.slow_answer.filter(|(until, _)| now.mono < *until)?;
        Some(format!("the camera took {:.1} s to answer; check the network and the camera's load", took.as_secs_f64()))
    }

    fn enter(&mut self, state: CameraState, text: Option<String>, now: Now) {
        if state != self.state {
            self.since = now;
            self.state = state;
        }
        self.text = text.map(Into::into);
        self.report(now);
    }

    fn hand_snapshot(&self) {
        let Ok(mut small) = self.shared.small.try_lock() else { return };
        if !std::mem::take(&mut small.fresh) {
            return;
        }
        (self.on_snapshot)(Snapshot {
            camera: self.settings.index,
            width: small.size.0 as u32,
            height: small.size.1 as u32,
            full: small.full,
            part: small.part,
            luma: small.luma.as_slice().into(),
            at: small.at,
        });
    }

    fn report(&mut self, now: Now) {
        self.reported = now.mono;
        let bytes = self.shared.bytes.load(Ordering::Relaxed);
        let passed = now.mono.secs_since(self.rate.at);
        if passed >= 1.0 {
            let kbps = (bytes - self.rate.bytes) as f64 * 8e-3 / passed;
            self.rate = Rate { at: now.mono, bytes, kbps: Some(kbps) };
        }
        let flowing = self.state.has_frames();
        let live = self.shared.live();
        let (size, first_size) = (live.size, live.first_size);
        let report = CameraReport {
            index: self.settings.index,
            state: self.state,
            since: self.since,
            text: self.text.clone(),
            codec: self.codec.clone(),
            size,
            fps: if flowing { live.fps(now.mono.0 as f64 * 1e-9) } else { None },
            latency_ms_p50: live.latency.percentile(50.0).filter(|_| flowing),
            latency_ms_p99: live.latency.percentile(99.0).filter(|_| flowing),
            jitter_ms: live.time.jitter_ms().filter(|_| flowing),
            lost_frames: live.time.lost + live.time.unusable,
            bitrate_kbps: self.rate.kbps.filter(|_| flowing),
            reconnects: self.reconnects,
            last_frame: live.last_frame,
            picture: if flowing { live.picture } else { Picture::Unknown },
            sharpness: live.judge.sharpness.filter(|_| flowing),
            roi_faults: size.zip(first_size).map_or_else(Vec::new, |(size, first)| self.roi_faults(size, first)),
            attempts: self.attempts.to_vec(),
            dropped_samples: self.shared.dropped.load(Ordering::Relaxed),
        };
        drop(live);
        // Without room the next report, half a second later, carries everything anew.
        let _ = (self.on_report)(report);
    }

    fn roi_faults(&self, size: (u32, u32), first: (u32, u32)) -> Vec<(u16, Arc<str>)> {
        let other = resized(size, first);
        let fault = |rect: [u32; 4]| other.clone().or_else(|| region_fault(rect, size));
        let faults = self.cfg.rois.iter().enumerate();
        faults.filter_map(|(i, r)| fault(r.rect).map(|f| (i as u16, f.into()))).collect()
    }

    /// What a message of the pipeline means for the session; none if nothing.
    fn verdict(&self, m: &gst::Message, p: &Pipeline) -> Option<End> {
        match m.view() {
            gst::MessageView::Error(e) => {
                let error = e.error();
                let text = error.message().to_string();
                if error.matches(gst::ResourceError::NotAuthorized) || text.contains("Unauthorized") {
                    return Some(End::Refused);
                }
                if p.codec.get().is_none()
                    && let Some(name) = p.unknown.get()
                {
                    let advice = "set it to H.264, H.265 or MJPEG";
                    return Some(End::Unfit(format!(
                        "the camera's video is coded as {name}, which is not known; {advice}"
                    )));
                }
                if text.contains("transport protocols") {
                    let (have, other) = match self.cfg.transport {
                        Transport::Tcp => ("TCP", "udp"),
                        Transport::Udp => ("UDP", "tcp"),
                    };
                    let text = format!("the camera does not give its stream over {have}; set transport = \"{other}\"");
                    return Some(End::Unfit(text));
                }
                Some(End::Lost(plain(&error, &text)))
            }
            // On a live stream the end is a failure like any other.
            gst::MessageView::Eos(_) => Some(End::Lost("the camera ended the stream".into())),
            _ => None,
        }
    }

    /// Waits before the next try, reporting on; a wish to reconnect ends it.
    fn pause(&mut self, shutdown: &Shutdown, pause: Duration) {
        let until = self.clock.now().mono.after(pause);
        while !shutdown.wait_for(TICK) && !self.control.reconnect.swap(false, Ordering::Relaxed) {
            let now = self.clock.now();
            if now.mono >= until {
                return;
            }
            if now.mono.since(self.reported) >= REPORT_EVERY {
                self.report(now);
            }
        }
    }
}

/// Leaves a frame's traces in the counters; its stream time (if usable) and number.
fn note(
    shared: &Shared,
    pts: Option<u64>,
    latency_ms: Option<f64>,
    plane: &Plane<'_>,
    now: Now,
    looked: &mut Mono,
) -> (Option<f64>, u64) {
    let mut live = shared.live();
    let t_s = live.time.frame(pts, now.mono);
    live.frames += 1;
    live.frames_open += 1;
    live.last_frame = Some(now);
    live.arrivals.push(now.mono.0 as f64 * 1e-9);
    live.size = Some((plane.width as u32, plane.height as u32));
    live.first_size = live.first_size.or(live.size);
    // The first second's burst says nothing about the network.
    if let Some(l) = latency_ms.filter(|_| live.frames_open > 25) {
        live.latency.push(l);
    }
    if now.mono.since(*looked) >= LOOK_EVERY {
        *looked = now.mono;
        live.picture = live.judge.look(plane);
    }
    (t_s, live.frames)
}

/// Network latency by the camera's own clock (RTCP sender reports); none until it has told it, or while its clock is
/// plainly not ours (in the future, or more than a minute behind).
fn network_latency_ms(buffer: &gst::BufferRef, now: Now) -> Option<f64> {
    let meta = buffer.meta::<gst::ReferenceTimestampMeta>()?;
    let sent_ns = i128::from(meta.timestamp().nseconds()) - NTP_TO_UNIX_NS;
    let ms = (now.wall.as_nanosecond() - sent_ns) as f64 * 1e-6;
    (-50.0..60_000.0).contains(&ms).then_some(ms.max(0.0))
}

/// GStreamer's error in our words, where we know it.
fn plain(error: &gst::glib::Error, text: &str) -> String {
    if error.matches(gst::ResourceError::NotFound) || text.contains("Not found") {
        "the camera answers, but knows no stream at this address".into()
    } else if error.matches(gst::ResourceError::OpenRead) || error.matches(gst::ResourceError::OpenReadWrite) {
        format!("the camera cannot be reached ({})", text.trim_end_matches('.'))
    } else {
        text.trim_end_matches('.').to_owned()
    }
}
