//! `vms measure`: the measurement core alone, on a file or a stream, as fast as it can be read.

use std::io::{IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::base::clock::{Clock as _, Mono, SystemClock};
use crate::base::draft::Draft;
use crate::base::error::{Exit, Failure, Outcome};
use crate::base::shutdown::Shutdown;
use crate::base::text::sig3;
use crate::camera::file::{InputError, Still, read};
use crate::cli::measure::MeasureOptions;
use crate::cli::out;
use crate::figure::{self, Panel};
use crate::model::status::{Told, harmonics};
use crate::model::vibration::{Candidate, Fit, Grade, Harmonic, Reading, Role, Sample, Spectrum, region_fault};
use crate::vibration::analyze::{Analyzer, AnalyzerSpec};
use crate::vibration::{Backlog, FrameMeter, Luma, RegionSpec, Track};

/// More frames than this are not kept for one analysis: 11 hours at 25 frames a second.
const MOST_FRAMES: usize = 1_000_000;

/// Frames of a recording that the references are made of before anything is measured.
const HELD_FRAMES: usize = 256;
/// Frames that may wait while that is done: a decoder goes on meanwhile.
const BACKLOG_FRAMES: usize = 256;
/// Regions whose references are made at once, at most.
const LEARNERS: usize = 8;

/// Everything gathered while reading.
struct Gathered {
    options: MeasureOptions,
    meter: Option<FrameMeter>,
    ids: Vec<String>,
    samples: Vec<Vec<Sample>>,
    /// How high each region is.
    rows: Vec<u32>,
    fps: Option<f64>,
    frames: u64,
    failure: Option<Failure>,
    /// The picture's size.
    size: Option<(usize, usize)>,
    stage: Stage,
    /// Numbers and times of the frames that wait.
    waiting: Vec<(u64, f64)>,
}

/// How far it is with the references.
enum Stage {
    /// The first frames are held back until the references can be made of them.
    Holding,
    /// They are made. The next frames wait, as many as there is room for: so it does not depend on how long that takes which frames are measured how.
    Learning(Learning),
    /// They stand, or grow while measuring.
    Measuring,
}

/// References that are made beside the reading.
struct Learning {
    thread: JoinHandle<Option<(FrameMeter, Vec<Track>)>>,
    backlog: Backlog,
}

/// Measures an input and prints what came of it.
///
/// # Errors
/// Exit 66 for an input that cannot be read; 2 for a region outside its picture; 73 for a drawing that cannot be written.
pub fn measure(options: MeasureOptions) -> Outcome {
    // A place that cannot be written is told before a long recording is read.
    let draft = options.plot.as_deref().map(Draft::beside).transpose()?;
    let end = Shutdown::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Io, format!("cannot start: {e}")))?;
    // Ctrl-C ends a stream; what was measured until then is printed.
    let threads = super::threads::Threads::default();
    let interrupted = end.clone();
    threads.spawn("interrupt", move || {
        runtime.block_on(async {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => interrupted.ask(),
                () = interrupted.recv() => {}
            }
        });
    });
    let clock = SystemClock::new();
    let progress = std::io::stderr().is_terminal();
    let mut told = Mono(0);
    let (input, fps) = (options.input.clone(), options.fps);
    // Whoever watches a stream waits for its readings; a recording is read faster than anybody waits.
    let holding = !input.contains("://");
    let mut g = Gathered {
        ids: Vec::new(),
        samples: Vec::new(),
        rows: Vec::new(),
        meter: None,
        fps: None,
        frames: 0,
        failure: None,
        options,
        size: None,
        stage: if holding { Stage::Holding } else { Stage::Measuring },
        waiting: Vec::new(),
    };
    let outcome = read(&input, fps, &end, &mut |still| {
        let now = clock.now().mono;
        if progress && now.since(told) > Duration::from_millis(500) {
            told = now;
            // Progress is a courtesy: whoever does not read it misses nothing.
            let _ = write!(std::io::stderr(), "\r{} frames", g.frames);
        }
        g.take(still)
    });
    let _ = g.catch_up();
    end.ask();
    if progress {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    if let Some(failure) = g.failure.take() {
        return Err(failure);
    }
    match outcome {
        Err(e @ (InputError::Absent(_) | InputError::Unreadable { .. })) if g.frames == 0 => {
            return Err(Failure::new(Exit::NoInput, e.to_string()));
        }
        // A recording that is cut short is measured as far as it goes.
        Err(e) => drop(writeln!(std::io::stderr(), "{e}; measured are the {} frames before", g.frames)),
        Ok(()) => {}
    }
    if g.frames == 0 {
        return Err(Failure::new(Exit::NoInput, format!("{input}: it holds no pictures")));
    }
    g.print(draft)
}

impl Gathered {
    fn begin(&mut self, still: &Still<'_>) -> Result<(), Failure> {
        let size = (still.width as u32, still.height as u32);
        self.fps = self.options.fps.or(still.fps);
        let mut specs: Vec<RegionSpec> = Vec::new();
        for (i, roi) in self.options.rois.iter().enumerate() {
            if let Some(fault) = region_fault(roi.rect, size) {
                return Err(Failure::new(Exit::Usage, format!("--roi {}: {fault}", roi.id)));
            }
            let role = if self.options.background == Some(i) { Role::Background } else { Role::Asset };
            specs.push(RegionSpec { rect: roi.rect, role });
            self.ids.push(roi.id.clone());
        }
        if specs.is_empty() {
            specs.push(RegionSpec { rect: [0, 0, size.0, size.1], role: Role::Asset });
            self.ids.push("picture".into());
        }
        self.samples = vec![Vec::new(); specs.len()];
        self.rows = specs.iter().map(|s| s.rect[3]).collect();
        let mut meter = FrameMeter::new(&specs);
        meter.compensate(self.options.compensations);
        if matches!(self.stage, Stage::Holding) {
            meter.hold_frames(HELD_FRAMES);
        }
        self.meter = Some(meter);
        Ok(())
    }

    fn take(&mut self, still: &Still<'_>) -> ControlFlow<()> {
        if self.ids.is_empty()
            && let Err(f) = self.begin(still)
        {
            self.failure = Some(f);
            return ControlFlow::Break(());
        }
        let size = (still.width, still.height);
        if self.size.replace(size).is_some_and(|s| s != size) && self.resized(size).is_break() {
            return ControlFlow::Break(());
        }
        let frame = self.frames;
        self.frames += 1;
        let fps = self.fps.unwrap_or(25.0);
        let t_s = match (self.options.fps, still.t_s) {
            (None, Some(t)) => t,
            _ => frame as f64 / fps,
        };
        let Some(luma) = Luma::new(still.luma, still.stride, still.width, still.height) else {
            return ControlFlow::Continue(());
        };
        if let (Stage::Holding, Some(meter)) = (&self.stage, &mut self.meter) {
            if meter.hold(&luma) {
                self.waiting.push((frame, t_s));
                return ControlFlow::Continue(());
            }
            self.begin_learning();
        }
        if let Stage::Learning(learning) = &mut self.stage
            && learning.backlog.push(&luma)
        {
            self.waiting.push((frame, t_s));
            return ControlFlow::Continue(());
        }
        if self.catch_up().is_break() {
            return ControlFlow::Break(());
        }
        let Some(mut meter) = self.meter.take() else { return ControlFlow::Break(()) };
        let flow = self.note(frame, t_s, meter.measure(&luma));
        self.meter = Some(meter);
        flow
    }

    /// Another size is another view: what was held belongs to the old one, and the references are worth nothing.
    fn resized(&mut self, (width, height): (usize, usize)) -> ControlFlow<()> {
        let flow = self.catch_up();
        let size = (width as u32, height as u32);
        let outside =
            self.options.rois.iter().find_map(|r| region_fault(r.rect, size).map(|f| format!("--roi {}: {f}", r.id)));
        let at = self.frames;
        if let Some(fault) = outside {
            let _ = writeln!(
                std::io::stderr(),
                "the picture became {width}×{height} at frame {at}: {fault}; measured are the {at} frames before"
            );
            return ControlFlow::Break(());
        }
        let _ =
            writeln!(std::io::stderr(), "the picture became {width}×{height} at frame {at}: measured anew from there");
        if let Some(m) = &mut self.meter {
            m.reset();
        }
        flow
    }

    /// Lets the references be made of the frames held, on a thread of its own.
    fn begin_learning(&mut self) {
        let Some(meter) = self.meter.take() else { return };
        let (backlog, count) = (meter.backlog(BACKLOG_FRAMES), self.waiting.len());
        let meter = Arc::new(Mutex::new(Some(meter)));
        let handed = Arc::clone(&meter);
        let work = move || {
            let meter = handed.lock().ok()?.take()?;
            Some(learned(meter, count))
        };
        match std::thread::Builder::new().name("learn".into()).spawn(work) {
            Ok(thread) => self.stage = Stage::Learning(Learning { thread, backlog }),
            // Where no thread can be had, this one does it all when the meter is next asked for.
            Err(_) => self.meter = meter.lock().ok().and_then(|mut m| m.take()),
        }
    }

    /// Measures all frames that wait, once the references stand.
    fn catch_up(&mut self) -> ControlFlow<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let (mut meter, tracks, backlog) = match std::mem::replace(&mut self.stage, Stage::Measuring) {
            Stage::Measuring => return ControlFlow::Continue(()),
            Stage::Holding => {
                let Some(meter) = self.meter.take() else { return ControlFlow::Break(()) };
                let (meter, tracks) = learned(meter, waiting.len());
                (meter, tracks, None)
            }
            Stage::Learning(Learning { thread, backlog }) => match thread.join() {
                Ok(Some((meter, tracks))) => (meter, tracks, Some(backlog)),
                Ok(None) => return ControlFlow::Break(()),
                Err(panic) => std::panic::resume_unwind(panic),
            },
        };
        let regions = self.ids.len().max(1);
        let held = tracks.len() / regions;
        let mut flow = ControlFlow::Continue(());
        for (i, (frame, t_s)) in waiting.into_iter().enumerate() {
            flow = match (tracks.get(i * regions..(i + 1) * regions), &backlog) {
                (Some(tracks), _) => self.note(frame, t_s, tracks),
                (None, Some(backlog)) => self.note(frame, t_s, meter.measure_kept(backlog, i - held)),
                (None, None) => break,
            };
            if flow.is_break() {
                break;
            }
        }
        self.meter = Some(meter);
        flow
    }

    /// Keeps one frame's displacements, and prints them where they are wanted.
    fn note(&mut self, frame: u64, t_s: f64, tracks: &[Track]) -> ControlFlow<()> {
        for (i, t) in tracks.iter().enumerate() {
            let sample = t.sample(Sample { roi: i as u16, frame, t_s, ..Sample::default() });
            self.samples[i].push(sample);
            if self.options.series {
                match line(&self.ids[i], &sample) {
                    Ok(true) => {}
                    // Nobody reads any more.
                    Ok(false) => return ControlFlow::Break(()),
                    Err(f) => {
                        self.failure = Some(f);
                        return ControlFlow::Break(());
                    }
                }
            }
        }
        if self.samples.first().is_some_and(|s| s.len() >= MOST_FRAMES) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn readings(&self) -> Vec<(Option<Reading>, Spectrum)> {
        let coded = is_coded(&self.options.input);
        let read = |(samples, rows): (&Vec<Sample>, &u32)| {
            let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
                return (None, Spectrum::default());
            };
            let span_s = (last.t_s - first.t_s).max(0.1);
            // The memory is for the samples there are, whatever rate the timestamps pretend.
            let expected_fps = (samples.len() as f64 / (span_s + 1.0)).clamp(0.1, 100_000.0) + 1.0;
            let mut a = Analyzer::new(AnalyzerSpec {
                expected_fps,
                window_s: span_s + 1.0,
                scale_mm_per_px: None,
                coded,
                exposure_s: self.options.exposure_s,
                readout_s: self.options.readout_s,
            });
            a.picture_rows = self.size.map(|s| s.1 as u32);
            a.region_rows = Some(*rows);
            a.nominal_hz = self.options.nominal_hz;
            a.compensations = self.options.compensations;
            for s in samples {
                a.push(s);
            }
            let reading = a.read(last);
            (reading, a.spectrum())
        };
        self.samples.iter().zip(&self.rows).map(read).collect()
    }

    fn role(&self, index: usize) -> Role {
        if self.options.background == Some(index) { Role::Background } else { Role::Asset }
    }

    /// The drawing as text.
    fn draw(&self, fps: Option<f64>, readings: &[Option<Reading>], spectra: &[Spectrum]) -> Result<String, Failure> {
        let parts = self.ids.iter().zip(&self.samples).zip(readings).zip(spectra).enumerate();
        let panels: Vec<Panel<'_>> = parts
            .map(|(i, (((id, samples), reading), spectrum))| Panel {
                id,
                role: self.role(i),
                samples,
                reading: reading.as_ref(),
                spectrum,
            })
            .collect();
        let title = format!("{}: {} frames at {} a second", self.options.input, self.frames, sig3(fps));
        figure::svg(&title, &panels).map_err(|e| Failure::new(Exit::Io, e.to_string()))
    }

    fn print(&self, draft: Option<Draft>) -> Outcome {
        let (readings, spectra): (Vec<_>, Vec<_>) = self.readings().into_iter().unzip();
        let fps = self.fps.or_else(|| {
            let s = self.samples.first()?;
            let span = s.last()?.t_s - s.first()?.t_s;
            (span > 0.0).then(|| (s.len() as f64 - 1.0) / span)
        });
        // What was measured is printed also where the drawing fails.
        let drawn = match draft {
            Some(draft) => self.draw(fps, &readings, &spectra).and_then(|text| draft.keep(text.as_bytes())),
            None => Ok(()),
        };
        if self.options.json || self.options.series {
            let rois: Vec<Value> = self
                .ids
                .iter()
                .zip(&readings)
                .enumerate()
                .map(|(i, (id, r))| {
                    let role = if self.role(i) == Role::Background { "background" } else { "asset" };
                    roi_json(id, role, r.as_ref())
                })
                .collect();
            let mut object = json!({
                "input": self.options.input,
                "fps": fps.map(|f| rounded(f, 1e6)),
                "frames": self.frames,
                "rois": rois,
            });
            if let Some(plot) = &self.options.plot {
                object["plot"] = drawn.is_ok().then(|| plot.display().to_string()).into();
            }
            out::json(&object)?;
        } else {
            out::line(&format!("{}: {} frames at {} a second", self.options.input, self.frames, sig3(fps)))?;
            let rows: Vec<Vec<String>> = self.ids.iter().zip(&readings).map(|(id, r)| row(id, r.as_ref())).collect();
            out::line(&out::table(
                &["REGION", "P-P px", "RMS px", "PEAK Hz", "AMPLITUDE px", "± px", "QUALITY"],
                &rows,
            ))?;
            for (id, r) in self.ids.iter().zip(&readings) {
                for line in r.iter().flat_map(remarks) {
                    out::line(&format!("{id}: {line}"))?;
                }
            }
        }
        drawn?;
        let bad = readings.iter().any(|r| r.as_ref().is_none_or(|r| r.grade == Grade::Untrusted));
        Ok(if bad { Exit::NotFine } else { Exit::Fine })
    }
}

/// Whether pictures of this name went through a lossy codec.
pub(super) fn is_coded(input: &str) -> bool {
    let path = input.to_ascii_lowercase();
    ![".y4m", ".png", ".bmp", ".pgm", ".tif", ".tiff"].iter().any(|e| path.ends_with(e))
}

/// One line of the series; false when nobody reads any more.
fn line(roi: &str, s: &Sample) -> Result<bool, Failure> {
    let known = s.fit != Fit::Lost;
    out::json(&json!({
        "roi": roi,
        "frame": s.frame,
        "t": rounded(s.t_s, 1e6),
        "dx": known.then(|| rounded(s.dx_px, 1e6)),
        "dy": known.then(|| rounded(s.dy_px, 1e6)),
        // The very first frame is the reference itself: nothing is known of its error.
        "uncertainty": (s.sigma_px.is_finite() && s.sigma_px > 0.0).then(|| rounded(s.sigma_px, 1e6)),
    }))
}

fn rounded(v: f64, scale: f64) -> f64 {
    (v * scale).round() / scale
}

fn row(id: &str, r: Option<&Reading>) -> Vec<String> {
    let tone = r.and_then(|r| r.tone);
    vec![
        id.to_owned(),
        sig3(r.map(|r| r.displacement_pp_px)),
        sig3(r.map(|r| r.displacement_rms_px)),
        sig3(tone.map(|t| t.hz)),
        tone.map_or_else(|| "–".into(), |t| format!("{} ± {}", sig3(Some(t.major_px)), sig3(Some(t.sigma_px)))),
        sig3(r.map(|r| r.uncertainty_px)),
        r.map_or_else(|| "untrusted".into(), words),
    ]
}

/// What else is to be said of a reading: harmonics, what the tone may really be, how the region turns.
fn remarks(r: &Reading) -> Vec<String> {
    let mut lines = Vec::new();
    if r.grade == Grade::Untrusted {
        return lines;
    }
    if !r.harmonics.is_empty() {
        let one = |h: &Harmonic| {
            let seen = if h.folded() { format!(", seen at {} Hz", sig3(Some(h.seen_hz))) } else { String::new() };
            let (hz, px, pm) = (sig3(Some(h.hz)), sig3(Some(h.amplitude_px)), sig3(Some(h.sigma_px)));
            format!("{}× {hz} Hz{seen} {px} ± {pm} px", h.order)
        };
        lines.push(format!("harmonics {}", r.harmonics.iter().map(one).collect::<Vec<_>>().join(", ")));
    }
    if let Some(alias) = r.alias.as_ref().filter(|a| a.tells()) {
        let one = |c: &Candidate| format!("{} Hz ({:.0} %)", sig3(Some(c.hz)), 100.0 * c.weight);
        let all: Vec<String> = alias.candidates.iter().map(one).collect();
        let verdict = if alias.suspected { "the tone may be an alias of" } else { "the tone may be" };
        lines.push(format!("{verdict} {}: {}", all.join(", "), alias.words()));
    }
    if let Some(turn) = r.turn_rms_rad.filter(|t| *t > 0.0) {
        lines.push(format!("turns by {} mrad RMS", sig3(Some(turn * 1e3))));
    }
    if r.left_out > 0.0 {
        lines.push(format!("{:.0} % of the region left out: covered, or moving otherwise", r.left_out * 100.0));
    }
    lines
}

fn words(r: &Reading) -> String {
    let reasons: Vec<&str> = r.reasons.iter().map(|r| r.words()).collect();
    if reasons.is_empty() { r.grade.word().into() } else { format!("{} ({})", r.grade.word(), reasons.join(", ")) }
}

fn roi_json(id: &str, role: &str, r: Option<&Reading>) -> Value {
    let trusted = r.filter(|r| r.grade != Grade::Untrusted);
    let tone = trusted.and_then(|r| r.tone);
    let n = |v: Option<f64>| v.filter(|v| v.is_finite()).map(|v| rounded(v, 1e7));
    json!({
        "id": id,
        "role": role,
        "displacement_pp_px": n(trusted.map(|r| r.displacement_pp_px)),
        "displacement_rms_px": n(trusted.map(|r| r.displacement_rms_px)),
        "peak_hz": n(tone.map(|t| t.hz)),
        "peak_hz_uncertainty": n(tone.map(|t| t.sigma_hz)),
        "peak_amplitude_px": n(tone.map(|t| t.major_px)),
        "peak_minor_px": n(tone.map(|t| t.minor_px)),
        "peak_angle_deg": n(tone.map(|t| t.angle_deg)),
        "peak_amplitude_uncertainty_px": n(tone.map(|t| t.sigma_px)),
        "uncertainty_px": n(r.map(|r| r.uncertainty_px)),
        "quality": r.map_or(Grade::Untrusted.word(), |r| r.grade.word()),
        "reasons": r.map(|r| r.reasons.clone()).unwrap_or_default(),
        "aliased": r.and_then(|r| r.aliased),
        "alias": trusted.and_then(|r| r.alias.as_deref()).map(Told::from),
        "harmonics": trusted.map(|r| harmonics(&r.harmonics)).unwrap_or_default(),
        "turn_rad_rms": n(trusted.and_then(|r| r.turn_rms_rad)),
        "left_out": n(r.map(|r| r.left_out)),
        "smallest_amplitude_px": n(r.map(|r| r.smallest_px)),
        "samples": r.map(|r| r.samples),
    })
}

/// Makes the references of the held frames, so many of them, and measures those.
fn learned(mut meter: FrameMeter, frames: usize) -> (FrameMeter, Vec<Track>) {
    learn(&mut meter);
    let mut tracks = Vec::new();
    for i in 0..frames {
        tracks.extend_from_slice(meter.again(i));
    }
    meter.release_held();
    (meter, tracks)
}

/// Makes the references of the held frames, of several regions at once where there are cores for it.
fn learn(meter: &mut FrameMeter) {
    let left = Mutex::new(meter.learners());
    let work = || {
        // The next one is taken before it is worked on: the lock is held for no longer.
        while let Some(learn) = left.lock().ok().and_then(|mut left| left.next()) {
            learn();
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for i in 1..cores.min(LEARNERS) {
            // Where no thread can be had, this one does it all.
            let _ = std::thread::Builder::new().name(format!("learn-{i}")).spawn_scoped(scope, work);
        }
        work();
    });
}
