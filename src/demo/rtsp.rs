//! The demonstration's cameras: one RTSP server each (RFC 2326) with its own port, account and moving picture.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_rtsp_server as rtsp;
use rtsp::prelude::*;

use super::motion::FPS;
use super::scene::{Scene, Veil};
use crate::base::clock::{Clock, Mono};
use crate::base::shutdown::Shutdown;

/// The path of every camera's stream.
pub const PATH: &str = "/stream1";
const ROLE: &str = "viewer";
/// Frames that a late thread makes up for; beyond, frames are lost as a real camera would lose them.
const CATCH_UP: u64 = 12;
/// Frames the encoder may lag behind before new ones are dropped.
const MOST_QUEUED: u64 = 25;

/// Why a camera cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum RtspError {
    /// GStreamer itself.
    #[error("GStreamer does not start: {0}; install the packages libgstreamer1.0-0 and gstreamer1.0-plugins-base")]
    Gst(#[from] glib::Error),
    /// A plugin is missing.
    #[error("GStreamer has no element {element}; install the package {package}")]
    Element {
        /// The element.
        element: &'static str,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// The port.
    #[error("camera {camera}: the RTSP server cannot listen on 127.0.0.1: {source}")]
    Listen {
        /// Which camera.
        camera: &'static str,
        /// Why.
        source: glib::BoolError,
    },
    /// There is no scene of that name.
    #[error("there is no scene named {0}")]
    Scene(&'static str),
}

/// Checks that all elements are there.
///
/// # Errors
/// The first one missing, with its Debian package.
pub fn check_elements() -> Result<(), RtspError> {
    gst::init()?;
    for (element, package) in [
        ("appsrc", "gstreamer1.0-plugins-base"),
        ("x264enc", "gstreamer1.0-plugins-ugly"),
        ("h264parse", "gstreamer1.0-plugins-bad"),
        ("rtph264pay", "gstreamer1.0-plugins-good"),
    ] {
        if gst::ElementFactory::find(element).is_none() {
            return Err(RtspError::Element { element, package });
        }
    }
    Ok(())
}

/// The part of a pipeline that makes a camera's stream out of grey frames.
///
/// Constant quality rather than constant bit rate: a quantiser step well below the change that a motion of a tenth of a pixel
/// makes, so that no block with motion is skipped; the still rest costs next to nothing. No B frames, a key frame a second.
#[must_use]
pub fn encoder(width: usize, height: usize) -> String {
    format!(
        "appsrc name=src is-live=true format=time do-timestamp=false \
         caps=video/x-raw,format=I420,width={width},height={height},framerate=25/1,colorimetry=bt709,interlace-mode=progressive \
         ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=50 bframes=0 pass=quant quantizer=16 subme=1 threads=1 \
         ! video/x-h264,profile=baseline ! h264parse"
    )
}

/// How a camera asks for its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// RFC 2617, section 2.
    Basic,
    /// RFC 2617, section 3.
    Digest,
}

/// What a camera is made of.
#[derive(Clone)]
pub struct CameraSetup {
    /// Its id and the name of its scene.
    pub id: &'static str,
    /// How it asks for its account.
    pub method: Method,
    /// User name.
    pub user: &'static str,
    /// Password.
    pub password: Arc<str>,
}

/// Faults of one camera.
#[derive(Debug, Default)]
pub struct Switches {
    /// No stream, connections end.
    pub lost: AtomicBool,
    /// Connections stay, no frames.
    pub hung: AtomicBool,
    /// The picture is nearly black.
    pub dark: AtomicBool,
    /// Steam hides the first asset.
    pub steam: AtomicBool,
    /// The account's password was changed.
    pub refused: AtomicBool,
}

/// A camera that is served.
pub struct Camera {
    setup: CameraSetup,
    port: u16,
    server: rtsp::RTSPServer,
    auth: rtsp::RTSPAuth,
    factory: rtsp::RTSPMediaFactory,
    context: glib::MainContext,
    /// Its faults.
    pub switches: Switches,
    source: Arc<Mutex<Option<gst_app::AppSrc>>>,
    frames: AtomicU64,
    dropped: AtomicU64,
}

impl std::fmt::Debug for Camera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Camera").field("id", &self.setup.id).field("port", &self.port).finish_non_exhaustive()
    }
}

fn token() -> rtsp::RTSPToken {
    rtsp::RTSPToken::builder().field(rtsp::RTSP_TOKEN_MEDIA_FACTORY_ROLE, ROLE).build()
}

fn set_account(auth: &rtsp::RTSPAuth, setup: &CameraSetup, old: Option<&str>, password: &str) {
    match setup.method {
        Method::Basic => {
            if let Some(old) = old {
                auth.remove_basic(&rtsp::RTSPAuth::make_basic(setup.user, old));
            }
            auth.add_basic(&rtsp::RTSPAuth::make_basic(setup.user, password), &token());
        }
        Method::Digest => {
            if old.is_some() {
                auth.remove_digest(setup.user);
            }
            auth.add_digest(setup.user, password, &token());
        }
    }
}

impl Camera {
    /// Listens on a free port of 127.0.0.1; the stream is served once `context` runs.
    ///
    /// # Errors
    /// When no port can be had or the scene is not known.
    pub fn listen(setup: CameraSetup, size: (usize, usize), context: &glib::MainContext) -> Result<Self, RtspError> {
        let server = rtsp::RTSPServer::new();
        server.set_address("127.0.0.1");
        server.set_service("0");
        if let Some(pool) = server.thread_pool() {
            // Clients are handled by the thread that runs the context.
            pool.set_max_threads(0);
        }
        let auth = rtsp::RTSPAuth::new();
        auth.set_realm(Some(setup.id));
        auth.set_supported_methods(match setup.method {
            Method::Basic => gstreamer_rtsp_server::gst_rtsp::RTSPAuthMethod::Basic,
            Method::Digest => gstreamer_rtsp_server::gst_rtsp::RTSPAuthMethod::Digest,
        });
        set_account(&auth, &setup, None, &setup.password);
        server.set_auth(Some(&auth));
        let source: Arc<Mutex<Option<gst_app::AppSrc>>> = Arc::default();
        let factory = factory(size, &source);
        if let Some(mounts) = server.mount_points() {
            mounts.add_factory(PATH, factory.clone());
        }
        server.attach(Some(context)).map_err(|source| RtspError::Listen { camera: setup.id, source })?;
        let port = u16::try_from(server.bound_port()).unwrap_or(0);
        Ok(Self {
            setup,
            port,
            server,
            auth,
            factory,
            context: context.clone(),
            switches: Switches::default(),
            source,
            frames: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        })
    }

    /// Its id.
    pub fn id(&self) -> &'static str {
        self.setup.id
    }

    /// Its address without credentials.
    pub fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}{PATH}", self.port)
    }

    /// Its account's name.
    pub fn user(&self) -> &'static str {
        self.setup.user
    }

    /// Frames made so far.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Frames dropped because the encoder was behind.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Whether any fault is on.
    pub fn faulty(&self) -> bool {
        let s = &self.switches;
        [&s.lost, &s.hung, &s.dark, &s.steam, &s.refused].into_iter().any(|b| b.load(Ordering::Relaxed))
    }

    /// The stream goes (connections end, a new DESCRIBE is answered 404) or comes back.
    pub fn set_lost(self: &Arc<Self>, on: bool) {
        self.switches.lost.store(on, Ordering::Relaxed);
        let camera = Arc::clone(self);
        self.context.invoke(move || {
            let Some(mounts) = camera.server.mount_points() else { return };
            if on {
                mounts.remove_factory(PATH);
                camera.drop_clients();
            } else {
                mounts.add_factory(PATH, camera.factory.clone());
            }
        });
    }

    /// The account's password changes (running clients are dropped, new ones get 401) or is the right one again.
    pub fn set_refused(self: &Arc<Self>, on: bool) {
        if self.switches.refused.swap(on, Ordering::Relaxed) == on {
            return;
        }
        let camera = Arc::clone(self);
        self.context.invoke(move || {
            let right = camera.setup.password.to_string();
            let wrong = format!("{right}-changed");
            let (old, new) = if on { (&right, &wrong) } else { (&wrong, &right) };
            set_account(&camera.auth, &camera.setup, Some(old), new);
            if on {
                camera.drop_clients();
            }
        });
    }

    fn drop_clients(&self) {
        self.server.client_filter(Some(&mut |_, _| rtsp::RTSPFilterResult::Remove));
        if let Some(pool) = self.server.session_pool() {
            pool.filter(Some(&mut |_, _| rtsp::RTSPFilterResult::Remove));
        }
    }

    /// Renders frames at their times until the end is asked for. To be run on a thread of its own.
    pub fn render_loop(&self, clock: &dyn Clock, epoch: Mono, shutdown: &Shutdown) {
        let Some(mut painter) = Painter::new(self.setup.id) else { return };
        let mut next = frame_at(clock.now().mono, epoch) + 1;
        let mut playing: Option<(gst_app::AppSrc, u64, gst::ClockTime)> = None;
        loop {
            let due = epoch.after(Duration::from_nanos(next * 40_000_000));
            if shutdown.wait_for(due.since(clock.now().mono)) {
                break;
            }
            let now = frame_at(clock.now().mono, epoch);
            if now < next {
                continue;
            }
            if now - next > CATCH_UP {
                next = now;
            }
            let source = self.source.lock().unwrap_or_else(PoisonError::into_inner).clone();
            playing = follow(source, playing, next);
            if let Some((source, first, base)) = &playing {
                self.push(&mut painter, source, next, *base + FRAME * (next - first));
            }
            next += 1;
        }
        if let Some((source, ..)) = playing {
            let _ = source.end_of_stream();
        }
    }

    fn push(&self, painter: &mut Painter, source: &gst_app::AppSrc, n: u64, pts: gst::ClockTime) {
        if self.switches.hung.load(Ordering::Relaxed) || self.switches.lost.load(Ordering::Relaxed) {
            return;
        }
        if source.property::<u64>("current-level-buffers") > MOST_QUEUED {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let veil = Veil {
            dark: self.switches.dark.load(Ordering::Relaxed),
            steam: self.switches.steam.load(Ordering::Relaxed),
        };
        let Some(buffer) = painter.buffer(n, veil, pts) else { return };
        if source.push_buffer(buffer).is_ok() {
            self.frames.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Time from frame to frame.
pub const FRAME: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// Number of the newest frame that is due at `now`.
#[must_use]
pub fn frame_at(now: Mono, epoch: Mono) -> u64 {
    (now.since(epoch).as_nanos() * FPS as u128 / 1_000_000_000) as u64
}

type Playing = (gst_app::AppSrc, u64, gst::ClockTime);

/// Keeps to the source that plays; a new one starts at its own running time, so that its clock tells the truth.
fn follow(source: Option<gst_app::AppSrc>, before: Option<Playing>, next: u64) -> Option<Playing> {
    let source = source?;
    if let Some(playing) = before.filter(|(s, ..)| *s == source) {
        return Some(playing);
    }
    if source.current_state() != gst::State::Playing {
        return None;
    }
    let base = source.current_running_time()?;
    Some((source, next, base))
}

fn factory(size: (usize, usize), source: &Arc<Mutex<Option<gst_app::AppSrc>>>) -> rtsp::RTSPMediaFactory {
    let factory = rtsp::RTSPMediaFactory::new();
    factory.set_launch(&format!("( {} ! rtph264pay name=pay0 pt=96 config-interval=1 )", encoder(size.0, size.1)));
    factory.set_shared(true);
    factory.add_role_from_structure(
        &gst::Structure::builder(ROLE)
            .field("media.factory.access", true)
            .field("media.factory.construct", true)
            .build(),
    );
    let slot = Arc::clone(source);
    factory.connect_media_configure(move |_, media| {
        let found = media.element().dynamic_cast::<gst::Bin>().ok().and_then(|bin| bin.by_name("src"));
        let Some(source) = found.and_then(|e| e.dynamic_cast::<gst_app::AppSrc>().ok()) else { return };
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(source.clone());
        let slot = Arc::clone(&slot);
        media.connect_unprepared(move |_| {
            let mut held = slot.lock().unwrap_or_else(PoisonError::into_inner);
            // A newer client may already have its own source.
            if held.as_ref() == Some(&source) {
                *held = None;
            }
        });
    });
    factory
}

/// Renders frames into buffers that come back from the encoder.
struct Painter {
    scene: Scene,
    pool: gst::BufferPool,
}

impl Painter {
    fn new(name: &'static str) -> Option<Self> {
        let scene = Scene::new(name)?;
        let (w, h) = scene.size();
        let pool = gst::BufferPool::new();
        let mut config = pool.config();
        config.set_params(None, (w * h * 3 / 2) as u32, 4, 0);
        pool.set_config(config).ok()?;
        pool.set_active(true).ok()?;
        Some(Self { scene, pool })
    }

    fn buffer(&mut self, n: u64, veil: Veil, pts: gst::ClockTime) -> Option<gst::Buffer> {
        let mut buffer = self.pool.acquire_buffer(None).ok()?;
        let (w, h) = self.scene.size();
        let inner = buffer.get_mut()?;
        inner.set_pts(pts);
        inner.set_duration(FRAME);
        let mut map = inner.map_writable().ok()?;
        let (luma, chroma) = map.split_at_mut(w * h);
        self.scene.render_with(n, veil, true, luma);
        chroma.fill(128);
        drop(map);
        Some(buffer)
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        let _ = self.pool.set_active(false);
    }
}

/// Runs the servers' own main loop until the end is asked for. To be run on a thread of its own.
pub fn serve(context: &glib::MainContext, shutdown: &Shutdown) {
    let main_loop = glib::MainLoop::new(Some(context), false);
    let (quit, shutdown) = (main_loop.clone(), shutdown.clone());
    let tick = glib::timeout_source_new(Duration::from_millis(50), None, glib::Priority::DEFAULT, move || {
        if shutdown.asked() {
            quit.quit();
            glib::ControlFlow::Break
        } else {
            glib::ControlFlow::Continue
        }
    });
    tick.attach(Some(context));
    let _ = context.with_thread_default(|| main_loop.run());
}

#[cfg(test)]
mod tests;
