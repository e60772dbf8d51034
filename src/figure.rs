//! A measurement as a picture for paper: waveform and spectrum of every region in one SVG.

mod trends;

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use thiserror::Error;

pub use trends::trends;

use crate::base::text::{decimals, plus_minus, sig3};
use crate::model::vibration::{Fit, Reading, Role, Sample, Spectrum};

/// Units of the drawing in a millimetre of paper: it is drawn in whole units, and a twentieth of a millimetre is not seen.
const PER_MM: u32 = 20;
/// Width on paper in mm: that of A4 laid across, less its margins.
const WIDTH_MM: u32 = 277;
/// Height of the title in mm.
const TITLE_MM: u32 = 14;
/// Height of a region in mm: two are on a page.
const REGION_MM: u32 = 84;
/// Share of the width that the waveform has.
const WAVEFORM_SHARE: f64 = 0.62;
/// The amplitude axis ends so many times above the highest line: there is room for words.
const AIR_ABOVE: f64 = 12.0;
/// More points than this are drawn as the lowest and highest of each step: more cannot be told apart on paper.
const MOST_POINTS: usize = 3000;

/// Blue and vermilion: told apart by the colour-blind, and as dark and light grey.
const X: RGBColor = RGBColor(0, 82, 155);
const Y: RGBColor = RGBColor(222, 110, 20);
const TONE: RGBColor = RGBColor(20, 20, 20);
const GRID: RGBColor = RGBColor(222, 222, 222);
const DIM: RGBColor = RGBColor(90, 90, 90);

/// Why there is no picture.
#[derive(Debug, Error)]
#[error("the picture cannot be drawn: {0}")]
pub struct FigureError(String);

/// One region of the picture.
#[derive(Debug)]
pub struct Panel<'a> {
    /// Its id.
    pub id: &'a str,
    /// What it is there for.
    pub role: Role,
    /// Every frame, oldest first.
    pub samples: &'a [Sample],
    /// What came of them; none where there is nothing to read.
    pub reading: Option<&'a Reading>,
    /// Its spectrum; empty where there is none.
    pub spectrum: &'a Spectrum,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws all regions under a title.
///
/// # Errors
/// None is known: drawing into memory does not fail.
pub fn svg(title: &str, panels: &[Panel<'_>]) -> Result<String, FigureError> {
    let height_mm = TITLE_MM + REGION_MM * panels.len() as u32;
    let size = (WIDTH_MM * PER_MM, height_mm * PER_MM);
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        root.fill(&WHITE).map_err(wrong)?;
        let (head, body) = root.split_vertically(TITLE_MM * PER_MM);
        heading(&head, title)?;
        for (area, panel) in body.split_evenly((panels.len().max(1), 1)).iter().zip(panels) {
            let (name, charts) = area.split_vertically(mm(8.0));
            caption(&name, panel)?;
            let (left, right) = charts.split_horizontally((f64::from(size.0) * WAVEFORM_SHARE) as i32);
            waveform(&left, panel)?;
            spectrum(&right, panel)?;
        }
        root.present().map_err(wrong)?;
    }
    // As large on paper as it is meant to be.
    let (w, h) = size;
    Ok(text.replacen(
        &format!("<svg width=\"{w}\" height=\"{h}\""),
        &format!("<svg width=\"{WIDTH_MM}mm\" height=\"{height_mm}mm\""),
        1,
    ))
}

fn wrong<E: std::fmt::Display>(e: E) -> FigureError {
    FigureError(e.to_string())
}

fn mm(v: f64) -> i32 {
    (v * f64::from(PER_MM)).round() as i32
}

fn font(size_mm: f64, color: RGBColor) -> TextStyle<'static> {
    ("sans-serif", f64::from(PER_MM) * size_mm).into_font().color(&color)
}

fn write(area: &Area<'_>, text: &str, at: (i32, i32), style: &TextStyle<'_>) -> Result<(), FigureError> {
    area.draw(&Text::new(text.to_owned(), at, style.clone())).map_err(wrong)
}

fn heading(area: &Area<'_>, title: &str) -> Result<(), FigureError> {
    write(area, title, (mm(4.0), mm(3.0)), &font(4.6, BLACK))?;
    let y = mm(11.0);
    let mut x = mm(4.0);
    for (color, words, wide) in [(X, "x, + to the right", 34.0), (Y, "y, + down", 25.0)] {
        area.draw(&PathElement::new(vec![(x, y), (x + mm(7.0), y)], color.stroke_width(10))).map_err(wrong)?;
        write(area, words, (x + mm(9.0), y - mm(1.5)), &font(3.0, BLACK))?;
        x += mm(wide + 5.0);
    }
    write(area, "band: ±2 sigma of the stated uncertainty;  ± in numbers: 1 sigma", (x, y - mm(1.5)), &font(3.0, DIM))
}

fn caption(area: &Area<'_>, panel: &Panel<'_>) -> Result<(), FigureError> {
    let role = match panel.role {
        Role::Asset => "asset",
        Role::Background => "background",
    };
    let lost = panel.samples.iter().filter(|s| !known(s)).count();
    let lost = if lost > 0 { format!(", {lost} without the target") } else { String::new() };
    let said = match panel.reading {
        None => "no reading".into(),
        Some(r) => {
            let reasons: Vec<&str> = r.reasons.iter().map(|r| r.words()).collect();
            format!(
                "peak to peak {} px, RMS {} px, uncertainty of one frame {} px, {}{}",
                sig3(Some(r.displacement_pp_px)),
                sig3(Some(r.displacement_rms_px)),
                sig3(Some(r.uncertainty_px)),
                r.grade.word(),
                if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) }
            )
        }
    };
    let text = format!("{} ({role}): {} frames{lost}; {said}", panel.id, panel.samples.len());
    write(area, &text, (mm(4.0), mm(3.0)), &font(3.6, BLACK))
}

fn known(s: &Sample) -> bool {
    s.fit != Fit::Lost && s.dx_px.is_finite() && s.dy_px.is_finite() && s.t_s.is_finite()
}

/// One step of a curve: time, lowest and highest value, and the widest uncertainty in it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    t_s: f64,
    low: f64,
    high: f64,
    sigma: f64,
}

/// Samples from gap to gap, thinned to what can be drawn.
fn runs(samples: &[Sample], floor_px: f64, value: impl Fn(&Sample) -> f64) -> Vec<Vec<Step>> {
    let mut gaps: Vec<f64> = samples.windows(2).map(|p| p[1].t_s - p[0].t_s).filter(|d| *d > 0.0).collect();
    gaps.sort_unstable_by(f64::total_cmp);
    let longest = 2.5 * gaps.get(gaps.len() / 2).copied().unwrap_or(f64::INFINITY);
    let each = samples.len().div_ceil(MOST_POINTS).max(1);
    let mut out: Vec<Vec<Step>> = Vec::new();
    let (mut before, mut count) = (f64::NEG_INFINITY, 0);
    for s in samples {
        if !known(s) {
            before = f64::NEG_INFINITY;
            continue;
        }
        let sigma = if s.sigma_px.is_finite() { s.sigma_px.max(floor_px) } else { floor_px };
        let v = value(s);
        let new = Step { t_s: s.t_s, low: v, high: v, sigma };
        if !(s.t_s - before <= longest) {
            out.push(vec![new]);
            count = 1;
        } else if let Some(run) = out.last_mut() {
            match run.last_mut().filter(|_| count % each != 0) {
                Some(l) => {
                    *l = Step { t_s: l.t_s, low: l.low.min(v), high: l.high.max(v), sigma: l.sigma.max(sigma) };
                }
                None => run.push(new),
            }
            count += 1;
        }
        before = s.t_s;
    }
    out
}

/// Ends of an axis around values, with some air.
fn around(low: f64, high: f64) -> Range<f64> {
    if !(low.is_finite() && high.is_finite()) {
        return -1.0..1.0;
    }
    let air = (0.06 * (high - low)).max(1e-4);
    low - air..high + air
}

/// Numbers of an axis with as many decimals as its steps need.
fn ticks(range: &Range<f64>, count: f64) -> impl Fn(&f64) -> String + use<> {
    let digits = decimals(((range.end - range.start) / count).max(1e-9))
        .saturating_sub(1)
        .max(usize::from(range.end - range.start < 2.0));
    move |v| {
        let v = if v.abs() < 0.5 * 10f64.powi(-(digits as i32)) { 0.0 } else { *v };
        format!("{v:.digits$}")
    }
}

fn waveform(area: &Area<'_>, panel: &Panel<'_>) -> Result<(), FigureError> {
    let floor_px = panel.reading.map_or(0.0, |r| r.uncertainty_px).max(0.0);
    let floor_px = if floor_px.is_finite() { floor_px } else { 0.0 };
    let curves = [(X, runs(panel.samples, floor_px, |s| s.dx_px)), (Y, runs(panel.samples, floor_px, |s| s.dy_px))];
    let steps = || curves.iter().flat_map(|(_, runs)| runs.iter().flatten());
    if steps().next().is_none() {
        return write(area, "the target is in no frame", (mm(30.0), mm(30.0)), &font(3.6, DIM));
    }
    let low = steps().map(|s| s.low - 2.0 * s.sigma).fold(f64::INFINITY, f64::min);
    let high = steps().map(|s| s.high + 2.0 * s.sigma).fold(f64::NEG_INFINITY, f64::max);
    let (first, last) = match (panel.samples.first(), panel.samples.last()) {
        (Some(a), Some(b)) if b.t_s > a.t_s => (a.t_s, b.t_s),
        _ => (0.0, 1.0),
    };
    let y = around(low, high);
    let (x_words, y_words) = (ticks(&(first..last), 10.0), ticks(&y, 6.0));
    let mut chart = ChartBuilder::on(area)
        .margin_left(mm(5.0))
        .margin_right(mm(5.0))
        .margin_top(mm(2.0))
        .x_label_area_size(mm(10.0))
        .y_label_area_size(mm(15.0))
        .build_cartesian_2d(first..last, y)
        .map_err(wrong)?;
    chart
        .configure_mesh()
        .x_desc("time, s")
        .y_desc("displacement, px")
        .x_labels(10)
        .y_labels(7)
        .x_label_formatter(&x_words)
        .y_label_formatter(&y_words)
        .label_style(font(2.8, BLACK))
        .axis_desc_style(font(3.0, BLACK))
        .axis_style(DIM.stroke_width(4))
        .bold_line_style(GRID.stroke_width(3))
        .light_line_style(TRANSPARENT)
        .set_all_tick_mark_size(mm(1.0))
        .draw()
        .map_err(wrong)?;
    for (color, runs) in &curves {
        for run in runs {
            let upper = run.iter().map(|s| (s.t_s, s.high + 2.0 * s.sigma));
            let lower = run.iter().rev().map(|s| (s.t_s, s.low - 2.0 * s.sigma));
            let band: Vec<(f64, f64)> = upper.chain(lower).collect();
            chart.draw_series([Polygon::new(band, color.mix(0.22).filled())]).map_err(wrong)?;
        }
    }
    for (color, runs) in &curves {
        for run in runs {
            if let [only] = run.as_slice() {
                chart.draw_series([Circle::new((only.t_s, only.low), mm(0.3), color.filled())]).map_err(wrong)?;
                continue;
            }
            let line = run.iter().flat_map(|s| {
                let both = if s.low < s.high { 2 } else { 1 };
                [(s.t_s, s.low), (s.t_s, s.high)].into_iter().take(both)
            });
            chart.draw_series([PathElement::new(line.collect::<Vec<_>>(), color.stroke_width(5))]).map_err(wrong)?;
        }
    }
    Ok(())
}

/// Lines of an axis that can be drawn: the highest of each step where there are too many.
fn lines(values: &[f32], step_hz: f64, low: f64) -> Vec<(f64, f64)> {
    let each = values.len().div_ceil(MOST_POINTS).max(1);
    let highest = |(i, part): (usize, &[f32])| {
        let (k, top) = part.iter().enumerate().fold((0, f32::MIN), |b, (k, &v)| if v > b.1 { (k, v) } else { b });
        ((i * each + k) as f64 * step_hz, f64::from(top).max(low))
    };
    values.chunks(each).enumerate().map(highest).collect()
}

fn spectrum(area: &Area<'_>, panel: &Panel<'_>) -> Result<(), FigureError> {
    let s = panel.spectrum;
    let step_hz = f64::from(s.step_hz);
    if s.x_px.len() < 2 || !(step_hz > 0.0) {
        return write(area, "too short for a spectrum", (mm(30.0), mm(30.0)), &font(3.6, DIM));
    }
    let tone = panel.reading.and_then(|r| r.tone);
    let top = s.x_px.iter().chain(&s.y_px).fold(0.0f32, |a, &b| a.max(b));
    let top = f64::from(top).max(tone.map_or(0.0, |t| t.major_px + 2.0 * t.sigma_px)).max(1e-6);
    let floor = f64::from(s.floor_px);
    let low = if floor > 0.0 { (floor / 6.0).max(top * 1e-6) } else { top * 1e-4 };
    let end = step_hz * (s.x_px.len() - 1) as f64;
    let x_words = ticks(&(0.0..end), 8.0);
    let mut chart = ChartBuilder::on(area)
        .margin_left(mm(5.0))
        .margin_right(mm(5.0))
        .margin_top(mm(2.0))
        .x_label_area_size(mm(10.0))
        .y_label_area_size(mm(15.0))
        .build_cartesian_2d(0.0..end, (low..top * AIR_ABOVE).log_scale())
        .map_err(wrong)?;
    chart
        .configure_mesh()
        .x_desc("frequency, Hz")
        .y_desc("amplitude, px")
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&x_words)
        .y_label_formatter(&|v| format!("{:.*}", decimals(*v).saturating_sub(1), v))
        .label_style(font(2.8, BLACK))
        .axis_desc_style(font(3.0, BLACK))
        .axis_style(DIM.stroke_width(4))
        .bold_line_style(GRID.stroke_width(3))
        .light_line_style(TRANSPARENT)
        .set_all_tick_mark_size(mm(1.0))
        .draw()
        .map_err(wrong)?;
    for (color, values) in [(X, &s.x_px), (Y, &s.y_px)] {
        let line = lines(values, step_hz, low);
        chart.draw_series([PathElement::new(line, color.stroke_width(5))]).map_err(wrong)?;
    }
    let mut said = Vec::new();
    if floor > 0.0 {
        let line = [(0.0, floor), (end, floor)];
        chart.draw_series(DashedLineSeries::new(line, mm(2.0), mm(1.2), DIM.stroke_width(5))).map_err(wrong)?;
        said.push(format!("noise floor (dashed) {} px", short(floor)));
    }
    match tone {
        Some(t) => {
            let at = [(t.hz, low), (t.hz, t.major_px.max(low))];
            chart.draw_series(DashedLineSeries::new(at, mm(0.6), mm(0.9), TONE.stroke_width(3))).map_err(wrong)?;
            let up = [(t.hz, (t.major_px - 2.0 * t.sigma_px).max(low)), (t.hz, t.major_px + 2.0 * t.sigma_px)];
            let across = [(t.hz - 2.0 * t.sigma_hz, t.major_px), (t.hz + 2.0 * t.sigma_hz, t.major_px)];
            for bar in [up, across] {
                chart.draw_series([PathElement::new(bar, TONE.stroke_width(5))]).map_err(wrong)?;
            }
            chart.draw_series([Circle::new((t.hz, t.major_px), mm(1.0), TONE.stroke_width(5))]).map_err(wrong)?;
            said.insert(0, format!("main tone {} Hz", plus_minus(t.hz, t.sigma_hz)));
            said.insert(1, format!("{} px along {:.0}°", plus_minus(t.major_px, t.sigma_px), t.angle_deg));
        }
        None => said.insert(0, "no tone stands out of the noise".into()),
    }
    let right = Pos::new(HPos::Right, VPos::Top);
    let (wide, _) = area.dim_in_pixel();
    for (i, text) in said.iter().enumerate() {
        let at = (wide as i32 - mm(7.0), mm(3.5) + i as i32 * mm(4.0));
        write(area, text, at, &font(2.9, TONE).pos(right))?;
    }
    Ok(())
}

/// Two digits of a small number.
fn short(v: f64) -> String {
    format!("{v:.*}", decimals(v))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::vibration::{Grade, Tone};

    fn samples(n: u64, lost: Range<u64>) -> Vec<Sample> {
        let one = |i: u64| Sample {
            frame: i,
            t_s: i as f64 * 0.04,
            dx_px: (i as f64 * 0.7).sin(),
            dy_px: 0.2 * (i as f64 * 0.7).cos(),
            sigma_px: 0.01,
            fit: if lost.contains(&i) { Fit::Lost } else { Fit::Good },
            ..Sample::default()
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn what_is_lost_leaves_a_gap() {
        let got = runs(&samples(30, 10..15), 0.0, |s| s.dx_px);
        assert_eq!(got.iter().map(Vec::len).collect::<Vec<_>>(), [10, 15]);
        let mut missing = samples(30, 0..0);
        missing.drain(10..15);
        assert_eq!(runs(&missing, 0.0, |s| s.dx_px).len(), 2);
        assert_eq!(runs(&samples(5, 0..5), 0.0, |s| s.dx_px), Vec::<Vec<Step>>::new());
    }

    #[test]
    fn a_long_recording_keeps_its_extremes() {
        let mut long = samples(100_000, 0..0);
        long[54_321].dx_px = 9.0;
        let got = runs(&long, 0.05, |s| s.dx_px);
        assert!(got.len() == 1 && got[0].len() <= MOST_POINTS);
        assert_eq!(got[0].iter().map(|s| s.high).fold(0.0, f64::max), 9.0);
        assert!(got[0].iter().all(|s| s.sigma == 0.05));
        assert_eq!(lines(&[0.0, 1.0, 0.5], 0.5, 0.1), [(0.0, 0.1), (0.5, 1.0), (1.0, 0.5)]);
    }

    #[test]
    fn every_region_is_in_the_picture() {
        let tone = Tone { hz: 4.456, sigma_hz: 0.002, major_px: 1.0, minor_px: 0.2, angle_deg: 1.0, sigma_px: 0.003 };
        let reading = Reading {
            at: crate::base::clock::Mono(0),
            dx_px: 0.0,
            dy_px: 0.0,
            displacement_pp_px: 2.0,
            displacement_rms_px: 0.7,
            displacement_pp_mm: None,
            displacement_rms_mm: None,
            velocity_rms_mm_s: None,
            tone: Some(tone),
            uncertainty_px: 0.01,
            grade: Grade::Good,
            reasons: Vec::new(),
            aliased: None,
            folded_hz: None,
            harmonics: std::sync::Arc::default(),
            alias: None,
            turn_rms_rad: None,
            left_out: 0.0,
            smallest_px: 0.01,
            samples: 100,
            ..Reading::default()
        };
        let spectrum = Spectrum { step_hz: 0.1, x_px: vec![0.01; 126], y_px: vec![0.02; 126], floor_px: 0.01 };
        let (whole, none) = (samples(100, 20..30), samples(100, 0..100));
        let empty = Spectrum::default();
        let panels = [
            Panel { id: "a<b>", role: Role::Asset, samples: &whole, reading: Some(&reading), spectrum: &spectrum },
            Panel { id: "gone", role: Role::Background, samples: &none, reading: None, spectrum: &empty },
        ];
        let got = svg("1 < 2 & 3", &panels).unwrap();
        assert!(got.starts_with("<svg width=\"277mm\" height=\"182mm\""), "{}", &got[..80]);
        for word in [
            "1 &lt; 2 &amp; 3",
            "a&lt;b&gt; (asset): 100 frames, 10 without the target",
            "main tone 4.4560 ± 0.0020 Hz",
            "1.0000 ± 0.0030 px along 1°",
            "noise floor (dashed) 0.0",
            "the target is in no frame",
            "too short for a spectrum",
        ] {
            assert!(got.contains(word), "{word}");
        }
        assert!(svg("none", &[]).is_ok());
    }
}
