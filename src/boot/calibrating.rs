//! `vms calibrate`: a camera's scale, its noise floor, and how that compares with its reference.

use std::io::{IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::measuring::is_coded;
use super::scaling;
use crate::base::clock::{Clock, SystemClock};
use crate::base::error::{Exit, Failure, Outcome};
use crate::base::shutdown::Shutdown;
use crate::camera::file::{Still, read};
use crate::camera::picture::{Plane, shrink};
use crate::camera::{self, Control, Frame, Hooks, Settings};
use crate::cli::calibrate::{RestOptions, ScaleOptions, print_check, print_rest, print_scale, scale_number};
use crate::cli::{Globals, ask};
use crate::config::fault::nearest;
use crate::config::sections::{Camera, Config};
use crate::model::calibration::{Reference, Rest, RestRegion, View};
use crate::model::camera::{CameraReport, CameraState};
use crate::model::vibration::{Role, Sample, region_fault};
use crate::upkeep::reference::{self, ReferenceError};
use crate::vibration::calibration::compare::compare;
use crate::vibration::calibration::look::MeanPicture;
use crate::vibration::calibration::{SCALES, noise, scale};
use crate::vibration::{FrameMeter, Luma, RegionSpec, Track};

/// How long a camera may take to show a picture.
const CAMERA_WITHIN: Duration = Duration::from_secs(10);
/// How much longer than the wanted time a stream is listened to when frames are missing.
const PATIENCE: Duration = Duration::from_secs(10);
/// Frames of a recording that the references are made of before anything is measured.
const HELD_FRAMES: usize = 256;

/// The camera of this id.
fn find<'a>(config: &'a Config, id: &str) -> Result<&'a Camera, Failure> {
    let ids = || config.cameras.iter().map(|c| c.id.as_str());
    config.cameras.iter().find(|c| c.id.as_str() == id).ok_or_else(|| {
        let hint = match nearest(id, ids()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if config.cameras.is_empty() => "the configuration has none; add a [[camera]]".into(),
            None => format!("there are {}", ids().collect::<Vec<_>>().join(", ")),
        };
        Failure::new(Exit::Usage, format!("there is no camera \"{}\"; {hint}", crate::config::value::shorten(id)))
    })
}

/// The scale from known lengths; into the configuration file where that is wanted.
///
/// # Errors
/// Exit 2 for numbers that tell no scale, or a change that nobody confirmed; 73 for a file that cannot be written.
pub fn calibrate_scale(globals: &Globals, options: &ScaleOptions) -> Outcome {
    let usage = |text: String| Failure::new(Exit::Usage, text);
    let loaded = globals.load()?;
    let camera = find(&loaded.config, &options.camera)?;
    let s = scale(&options.lengths, options.point_sigma_px).map_err(|e| usage(e.to_string()))?;
    if !SCALES.contains(&s.mm_per_px) {
        let (low, high) = (SCALES.start(), SCALES.end());
        let text = format!(
            "the scale {} mm per pixel is beyond {low} to {high}; look at the length and its points",
            s.mm_per_px
        );
        return Err(usage(text));
    }
    let agree = s.agreement.is_none_or(|a| a.agrees());
    if !options.write {
        return print_scale(globals, options, &s, None);
    }
    if !agree {
        print_scale(globals, options, &s, None)?;
        return Err(Failure::new(Exit::NotFine, "nothing was written: the lengths do not agree"));
    }
    let number = scale_number(&s);
    let file = globals.config.display();
    let was = camera.scale_mm_per_px.map_or_else(String::new, |v| format!(" (it is {v})"));
    if !ask::may(
        globals,
        &format!("{file}: scale_mm_per_px = {number} for the camera \"{}\"{was}: write it?", camera.id),
    ) {
        print_scale(globals, options, &s, None)?;
        return Err(usage(format!("nothing was written: nobody confirmed the change of {file}; --yes confirms it")));
    }
    scaling::put(&loaded.path, &loaded.text, camera.id.as_str(), &number)?;
    print_scale(globals, options, &s, Some(&file.to_string()))
}

/// The noise floor; kept as reference where that is wanted.
///
/// # Errors
/// Exit 66 for a camera or recording that cannot be read; 73 where the reference cannot be written.
pub fn calibrate_noise(globals: &Globals, options: &RestOptions) -> Outcome {
    let loaded = globals.load()?;
    let camera = find(&loaded.config, &options.camera)?;
    let place = reference::path(&globals.data_dir, &camera.id);
    if options.store
        && place.exists()
        && !ask::may(
            globals,
            &format!("{} holds a reference of \"{}\" already: replace it?", place.display(), camera.id),
        )
    {
        let text = format!("{} exists already and is left as it is; --yes replaces it", place.display());
        return Err(Failure::new(Exit::CannotWrite, text));
    }
    let rest = measure(&loaded.config, camera, options)?;
    let mut stored = None;
    if options.store
        && let Some(new) = Reference::of(&rest, env!("CARGO_PKG_VERSION"))
    {
        stored = Some(reference::store(&globals.data_dir, &new)?.display().to_string());
    }
    let exit = print_rest(globals, &rest, stored.as_deref())?;
    if options.store && stored.is_none() {
        return Err(Failure::new(Exit::NotFine, "nothing was stored: this is no noise floor"));
    }
    Ok(exit)
}

/// Measures again and compares with the reference.
///
/// # Errors
/// Exit 66 where there is no reference, or the camera or recording cannot be read.
pub fn calibrate_check(globals: &Globals, options: &RestOptions) -> Outcome {
    let loaded = globals.load()?;
    let camera = find(&loaded.config, &options.camera)?;
    let then = reference::load(&globals.data_dir, &camera.id).map_err(|e: ReferenceError| no_input(e.to_string()))?;
    let now = measure(&loaded.config, camera, options)?;
    print_check(globals, &then, &now, &compare(&then, &now))
}

fn no_input(text: impl Into<String>) -> Failure {
    Failure::new(Exit::NoInput, text)
}

/// Everything gathered of a camera at rest.
struct Gathered {
    specs: Vec<RegionSpec>,
    meter: FrameMeter,
    samples: Vec<Vec<Sample>>,
    pictures: Vec<Option<MeanPicture>>,
    size: Option<(usize, usize)>,
    changed: bool,
    small: Vec<u8>,
    small_sum: Vec<u32>,
    small_size: (usize, usize),
    times: Option<(f64, f64)>,
    frames: u64,
    /// Whether the first frames are held back until the references are made of them; and the times of those that are.
    holding: bool,
    held: Vec<f64>,
}

impl Gathered {
    fn new(cfg: &Camera, holding: bool) -> Self {
        let specs: Vec<RegionSpec> = cfg.rois.iter().map(|r| RegionSpec { rect: r.rect, role: r.role }).collect();
        let mut meter = FrameMeter::new(&specs);
        if holding {
            meter.hold_frames(HELD_FRAMES);
        }
        Self {
            samples: vec![Vec::new(); specs.len()],
            pictures: Vec::new(),
            specs,
            meter,
            size: None,
            changed: false,
            small: Vec::new(),
            small_sum: Vec::new(),
            small_size: (0, 0),
            times: None,
            frames: 0,
            holding,
            held: Vec::new(),
        }
    }

    fn span_s(&self) -> f64 {
        self.times.map_or(0.0, |(a, b)| b - a)
    }

    /// Takes a frame.
    fn take(&mut self, p: &Plane<'_>, t_s: f64) {
        let Some(luma) = Luma::new(p.data, p.stride, p.width, p.height) else { return };
        if self.size.is_none() {
            self.begin(p);
        }
        if self.size != Some((p.width, p.height)) {
            self.changed = true;
            return;
        }
        self.frames += 1;
        self.times = Some((self.times.map_or(t_s, |t| t.0), t_s));
        for picture in self.pictures.iter_mut().flatten() {
            picture.add(&luma);
        }
        if self.frames < 1 << 24 && shrink(p, &mut self.small) == self.small_size {
            for (sum, &v) in self.small_sum.iter_mut().zip(&self.small) {
                *sum += u32::from(v);
            }
        }
        if self.holding {
            if self.meter.hold(&luma) {
                self.held.push(t_s);
                if self.held.len() == HELD_FRAMES {
                    self.measure_held();
                }
                return;
            }
            self.measure_held();
        }
        note(&mut self.samples, self.meter.measure(&luma), t_s);
    }

    fn begin(&mut self, p: &Plane<'_>) {
        self.size = Some((p.width, p.height));
        let size = (p.width as u32, p.height as u32);
        let fits: Vec<bool> = self.specs.iter().map(|s| region_fault(s.rect, size).is_none()).collect();
        self.pictures = self.specs.iter().zip(&fits).map(|(s, &fits)| fits.then(|| MeanPicture::new(s.rect))).collect();
        for (i, fits) in fits.into_iter().enumerate() {
            self.meter.enable(i, fits);
        }
        self.small_size = shrink(p, &mut self.small);
        self.small_sum = vec![0; self.small.len()];
    }

    /// Measures the frames held back, now that the references can be made of all of them.
    fn measure_held(&mut self) {
        if !std::mem::take(&mut self.holding) {
            return;
        }
        self.meter.learn_held();
        for (i, t_s) in std::mem::take(&mut self.held).into_iter().enumerate() {
            note(&mut self.samples, self.meter.again(i), t_s);
        }
        self.meter.release_held();
    }

    /// What came of it.
    fn rest(mut self, cfg: &Camera, input: &str, coded: bool, clock: &dyn Clock) -> Result<Rest, Failure> {
        self.measure_held();
        let Some((width, height)) = self.size else { return Err(no_input(format!("{input}: it holds no pictures"))) };
        if self.changed {
            return Err(no_input(format!("{input}: the size of its pictures changes; measure a stream of one size")));
        }
        let (size, span_s) = ((width as u32, height as u32), self.span_s());
        let parts = cfg.rois.iter().zip(&self.samples).zip(&self.pictures);
        let regions = parts.map(|((roi, samples), picture)| {
            let mut found = noise::noise(samples, coded);
            let mut shake = None;
            match (found.moved.take(), roi.role) {
                (Some(text), Role::Background) => {
                    shake = Some(format!("the camera moved: {text}; taken off the assets"));
                }
                (Some(text), Role::Asset) => found.faults.push(format!("it moved: {text}")),
                (None, _) => {}
            }
            if let Some(fault) = region_fault(roi.rect, size) {
                found.faults = vec![fault];
            }
            RestRegion {
                id: roi.id.clone(),
                rect: roi.rect,
                role: roi.role,
                frames: found.frames,
                noise: found.noise,
                look: picture.as_ref().and_then(|p| p.look(found.one_direction)),
                faults: found.faults,
                shake,
            }
        });
        let frames = u32::try_from(self.frames.clamp(1, (1 << 24) - 1)).unwrap_or(1);
        let (w, h) = self.small_size;
        Ok(Rest {
            camera: cfg.id.clone(),
            at: clock.now().wall,
            input: input.to_owned(),
            size,
            fps: if span_s > 0.0 { (self.frames - 1) as f64 / span_s } else { 0.0 },
            span_s,
            frames: self.frames,
            scale_mm_per_px: cfg.scale_mm_per_px,
            regions: regions.collect(),
            view: View {
                width: w,
                height: h,
                step_px: (width / w.max(1)).min(height / h.max(1)).max(1),
                luma: self.small_sum.iter().map(|s| (s / frames) as u8).collect(),
            },
        })
    }
}

fn note(samples: &mut [Vec<Sample>], tracks: &[Track], t_s: f64) {
    for (samples, t) in samples.iter_mut().zip(tracks) {
        samples.push(t.sample(Sample { t_s, frame: samples.len() as u64, ..Sample::default() }));
    }
}

/// Measures a camera, or a recording of it.
fn measure(config: &Config, cfg: &Camera, options: &RestOptions) -> Result<Rest, Failure> {
    if cfg.rois.is_empty() {
        return Err(no_regions(cfg));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    if std::io::stderr().is_terminal() {
        // A courtesy: whoever does not read it misses nothing.
        let what = options.input.as_deref().unwrap_or(cfg.url.as_ref());
        let (id, secs) = (&cfg.id, options.length.as_secs());
        let _ = writeln!(std::io::stderr(), "measuring {id} ({what}) over {secs} s; the machine has to stand");
    }
    match &options.input {
        Some(input) => recording(cfg, input, options.length, clock.as_ref()),
        None => stream(cfg, config.resources.camera_latency, options.length, &clock),
    }
}

fn recording(cfg: &Camera, input: &str, length: Duration, clock: &dyn Clock) -> Result<Rest, Failure> {
    let mut g = Gathered::new(cfg, true);
    let length_s = length.as_secs_f64();
    let mut number = 0u64;
    let mut on_still = |still: &Still<'_>| {
        let t_s = still.t_s.unwrap_or(number as f64 / still.fps.or(cfg.expected_fps).unwrap_or(25.0));
        number += 1;
        if t_s > length_s {
            return ControlFlow::Break(());
        }
        g.take(&Plane { data: still.luma, stride: still.stride, width: still.width, height: still.height }, t_s);
        ControlFlow::Continue(())
    };
    let outcome = read(input, cfg.expected_fps, &Shutdown::new(), &mut on_still);
    // A recording that is cut short is measured as far as it goes, if that is far enough.
    if let Err(e) = outcome
        && g.span_s() < noise::SHORTEST_S
    {
        return Err(no_input(e.to_string()));
    }
    long_enough(&g, input)?;
    g.rest(cfg, input, is_coded(input), clock)
}

fn long_enough(g: &Gathered, input: &str) -> Result<(), Failure> {
    let (span_s, least) = (g.span_s(), noise::SHORTEST_S);
    if g.frames > 0 && span_s < least - 0.5 {
        return Err(no_input(format!(
            "{input}: {span_s:.1} s could be read, a noise floor needs at least {least:.0} s"
        )));
    }
    Ok(())
}

/// Measures a camera's stream while its machine stands.
///
/// # Errors
/// Exit 66 where the camera shows no picture, or not for long enough; 2 where it has no regions.
pub(super) fn at_rest(
    config: &Config,
    cfg: &Camera,
    length: Duration,
    clock: &Arc<dyn Clock>,
) -> Result<Rest, Failure> {
    if cfg.rois.is_empty() {
        return Err(no_regions(cfg));
    }
    stream(cfg, config.resources.camera_latency, length, clock)
}

fn no_regions(cfg: &Camera) -> Failure {
    let text = format!("the camera \"{}\" has no regions; add a [[camera.roi]] to the configuration", cfg.id);
    Failure::new(Exit::Usage, text)
}

/// Opens the stream as the engine does, and measures on its streaming thread.
fn stream(cfg: &Camera, latency_limit: Duration, length: Duration, clock: &Arc<dyn Clock>) -> Result<Rest, Failure> {
    if !cfg.enabled {
        let text = format!(
            "the camera \"{}\" is switched off; write enabled = true, or measure a recording with --input",
            cfg.id
        );
        return Err(no_input(text));
    }
    let (shutdown, started) = (Shutdown::new(), clock.now().mono);
    let gathered = Arc::new(Mutex::new(Gathered::new(cfg, false)));
    let newest = Arc::new(Mutex::new(None::<CameraReport>));
    let (taking, ending) = (Arc::clone(&gathered), shutdown.clone());
    let on_frame = move |f: &Frame<'_>| {
        let mut g = taking.lock().unwrap_or_else(PoisonError::into_inner);
        if g.span_s() < length.as_secs_f64() {
            g.take(&Plane { data: f.luma, stride: f.stride, width: f.width, height: f.height }, f.t_s);
        } else {
            ending.ask();
        }
        0
    };
    let (seen, ending, time) = (Arc::clone(&newest), shutdown.clone(), Arc::clone(clock));
    let on_report = move |r: CameraReport| {
        let passed = time.now().mono.since(started);
        let nothing = r.last_frame.is_none() && passed > CAMERA_WITHIN;
        if nothing || r.state == CameraState::Refused || passed > length + CAMERA_WITHIN + PATIENCE {
            ending.ask();
        }
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(r);
        true
    };
    let hooks = Hooks { on_frame: Box::new(on_frame), on_report: Box::new(on_report), on_snapshot: Box::new(|_| {}) };
    camera::run(cfg, Settings { index: 0, latency_limit }, Arc::clone(clock), &shutdown, Control::default(), hooks);
    let g = std::mem::replace(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner), Gathered::new(cfg, false));
    if g.frames == 0 {
        let report = newest.lock().unwrap_or_else(PoisonError::into_inner).take();
        let why =
            report.and_then(|r| r.attempts.last().map(|a| a.outcome.to_string()).or(r.text.map(|t| t.to_string())));
        let why = why.unwrap_or_else(|| "it shows no picture".into());
        return Err(no_input(format!("{}: {why}; `vms check` looks at the camera", cfg.id)));
    }
    long_enough(&g, cfg.url.as_ref())?;
    g.rest(cfg, cfg.url.as_ref(), true, clock.as_ref())
}
